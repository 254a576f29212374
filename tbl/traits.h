/* What is remarkable about a message's words, and how they are written: KIND_TRAIT(ident, name,
 * prose).
 *
 * Kinds: HEADER (members of mime.anomalies that the header's fields have), HTML (html.traits), TEXT
 * (text.traits), URL (url.traits). None of them says by itself that a message is unwanted. */

/* ---- the header ---- */
HEADER_TRAIT(DATE_UNREADABLE, "date-unreadable", "The Date field cannot be read.")
HEADER_TRAIT(DATE_SEVERAL, "date-several", "There are several Date fields.")
HEADER_TRAIT(SUBJECT_SEVERAL, "subject-several", "There are several Subject fields.")
HEADER_TRAIT(MESSAGE_ID_SEVERAL, "message-id-several", "There are several Message-ID fields.")
HEADER_TRAIT(REPLY_TO_SEVERAL, "reply-to-several", "There are several Reply-To fields.")
HEADER_TRAIT(TO_SEVERAL, "to-several", "There are several To fields.")
HEADER_TRAIT(FROM_SEVERAL, "from-several", "There are several From fields.")
HEADER_TRAIT(FROM_UNREADABLE, "from-unreadable", "The From field names nobody, or cannot be read.")
HEADER_TRAIT(FROM_OBFUSCATED, "from-obfuscated",
             "The author's address itself is an encoded word, or in a name that is one.")
HEADER_TRAIT(FROM_NAME_ENCODED, "from-name-needlessly-encoded",
             "The author's name is encoded though all of it is plain ASCII.")
HEADER_TRAIT(SUBJECT_ENCODED, "subject-needlessly-encoded",
             "The subject is encoded though all of it is plain ASCII.")
HEADER_TRAIT(SUBJECT_8BIT, "subject-8bit", "The subject has octets above 127 that are not UTF-8.")
HEADER_TRAIT(FROM_8BIT, "from-8bit", "The From field has octets above 127 that are not UTF-8.")
HEADER_TRAIT(SUBJECT_SHOUTING, "subject-shouting", "The subject is written in capitals.")
HEADER_TRAIT(SUBJECT_EMPTY, "subject-empty", "There is a Subject field, and nothing in it.")
HEADER_TRAIT(REPLY_TO_NOTHING, "reply-to-nothing",
             "The subject begins with \"Re:\", but no field names a message that is answered.")
HEADER_TRAIT(TO_MALFORMED, "to-malformed", "The To field names nobody, and no empty group either.")
HEADER_TRAIT(PRIORITY_ALONE, "priority-alone",
             "A priority is set as some mail programs do, but no program is named.")
HEADER_TRAIT(MSMAIL_ALONE, "msmail-alone",
             "X-MSMail-Priority without X-MimeOLE: programs that write the one write the other.")

/* ---- HTML ---- */
HTML_TRAIT(SCRIPT, "script", "A script, or a link that is one.")
HTML_TRAIT(EVENT_HANDLER, "event-handler",
           "An attribute that is a script: onclick, onload and others.")
HTML_TRAIT(FORM, "form", "A form to be filled in.")
HTML_TRAIT(PASSWORD_FIELD, "password-field", "A form's field for a password.")
HTML_TRAIT(IFRAME, "iframe", "A frame with another document in it.")
HTML_TRAIT(OBJECT, "object", "An object, embedded or an applet.")
HTML_TRAIT(META_REFRESH, "meta-refresh", "Leads the reader to another document by itself.")
HTML_TRAIT(BASE_HREF, "base-href", "Says what relative links are relative to.")
HTML_TRAIT(HIDDEN_TEXT, "hidden-text",
           "Text that is not shown (display: none, visibility, opacity, size 0), a few words at least.")
HTML_TRAIT(TINY_TEXT, "tiny-text", "Text too small to be read, a few words at least.")
HTML_TRAIT(INVISIBLE_COLOUR, "invisible-colour",
           "Text in the colour of its background, a few words at least.")
HTML_TRAIT(SPLIT_WORDS, "split-words",
           "Several words with comments, empty or invisible elements within them.")
HTML_TRAIT(OBFUSCATED_ENTITIES, "obfuscated-entities",
           "Many plain letters or digits are written as numbers.")
HTML_TRAIT(INVENTED_TAGS, "invented-tags", "Several tags that no version of HTML has.")
HTML_TRAIT(DATA_URL, "data-url", "A document or a picture stands within a URL.")
HTML_TRAIT(REMOTE_IMAGE, "remote-image", "A picture that is fetched when the message is read.")
HTML_TRAIT(TINY_IMAGE, "tiny-image", "A remote picture too small to be seen.")
HTML_TRAIT(IMAGE_ONLY, "image-only", "Pictures and hardly any text.")
HTML_TRAIT(IMAGE_LINK, "image-link", "A link around nothing but a picture.")
HTML_TRAIT(LONG_COMMENT, "long-comments", "More text in comments than is shown.")
HTML_TRAIT(BIG_FONT, "big-font", "Text in the largest sizes.")
HTML_TRAIT(FONT_COLOURS, "font-colours", "Several colours by the old element font.")

/* ---- what is read ---- */
TEXT_TRAIT(NO_TEXT, "no-text", "Nothing to read: no text, or none with a letter.")
TEXT_TRAIT(HTML_ONLY, "html-only", "HTML without the same as plain text.")
TEXT_TRAIT(INVISIBLE_CHARACTERS, "invisible-characters",
           "Several words with characters in them that are not seen.")
TEXT_TRAIT(MIXED_SCRIPTS, "mixed-scripts",
           "Words of Latin letters with Cyrillic or Greek ones that look like them.")
TEXT_TRAIT(LOOK_ALIKES, "look-alikes",
           "Letters that are mathematical symbols, in circles, or of full width, within Latin text.")
TEXT_TRAIT(SHOUTING, "shouting", "Mostly capitals.")
TEXT_TRAIT(GAPPY, "gappy", "Several words with a gap between all of their letters.")
TEXT_TRAIT(DIGIT_LETTERS, "digit-letters",
           "Several words with a digit or a sign for a letter in them.")
TEXT_TRAIT(EXCLAMATIONS, "exclamations", "Many exclamation marks.")
TEXT_TRAIT(BASE64_ASCII, "base64-text", "A text in base64 that is plain ASCII.")
TEXT_TRAIT(SHORT_WITH_LINK, "short-with-link", "A few words and a link.")
TEXT_TRAIT(PARTS_DIFFER, "parts-differ",
           "The plain text and the HTML that stand for each other say different things.")
TEXT_TRAIT(UNKNOWN_CHARSET, "unknown-charset", "A text in a charset that does not exist.")
TEXT_TRAIT(BROKEN_CHARSET, "broken-charset",
           "A text that is not of the charset it is said to be of.")
TEXT_TRAIT(RANDOM_WORDS, "random-words", "Several long words without a vowel.")
TEXT_TRAIT(MONEY, "large-sums", "A sum of money in millions.")

/* ---- URLs ---- */
URL_TRAIT(ADDRESS, "address", "The host is an IP address.")
URL_TRAIT(NUMERIC_ADDRESS, "numeric-address",
          "An IP address written as one number, or in hexadecimal or octal.")
URL_TRAIT(PORT, "port", "A port that is not the scheme's.")
URL_TRAIT(USERINFO, "userinfo", "Something with a \"@\" stands before the host.")
URL_TRAIT(PUNYCODE, "punycode", "An internationalised name of a host.")
URL_TRAIT(ENCODED_HOST, "encoded-host", "The host's name is written with % escapes.")
URL_TRAIT(BACKSLASHES, "backslashes",
          "Backslashes where slashes belong, or too few or many slashes.")
URL_TRAIT(CONTROLS, "controls", "Control characters within.")
URL_TRAIT(DEEP_SUBDOMAIN, "deep-subdomain", "Four labels or more before the organisation's domain.")
URL_TRAIT(DOMAIN_IN_HOST, "domain-in-host", "The host's name begins with that of another domain.")
URL_TRAIT(DOMAIN_IN_PATH, "domain-in-path", "Another domain's name is a folder of the path.")
URL_TRAIT(LONG_HOST, "long-host", "A host's name of more than 50 octets.")
URL_TRAIT(DIGITS_IN_DOMAIN, "digits-in-domain",
          "The organisation's domain has three digits or more in its name.")
URL_TRAIT(REDIRECT, "redirect-parameter", "Another URL within it.")
URL_TRAIT(MAIL_ADDRESS, "mail-address", "A mail address within it.")
URL_TRAIT(EXECUTABLE, "executable", "The path's end is that of a program or an archive.")
URL_TRAIT(HOME, "home-folder", "The path begins with a person's folder (\"/~name/\").")
URL_TRAIT(NO_PATH, "host-alone", "Leads to a host's first page.")
URL_TRAIT(DATA, "data-url", "What it leads to stands within it (data:).")
URL_TRAIT(JAVASCRIPT, "javascript-url", "It is a script (javascript: or vbscript:).")
