/* Every fact: FACT(ident, name, type, arity, phase, scope, cost, keeping, prose).
 *
 * One row is the evaluator's, the checker's, the decision record's and the manual's. `ident` names the
 * function fact_ident that computes it, and of a RESULT the words ident_words (src/fact). `arity`: how
 * many strings it takes. `phase`: the first in which it can be known. `scope`: how long it is
 * remembered. `cost`: what asking may take, cheap ones are asked first. `keeping`: LIVE facts are read
 * anew each time, the others once in their scope; JOINT ones of a recipient once for each, and at message
 * once more for all that get it together. */

/* ---- the connection (src/fact/fact_client.c) ---- */
FACT(client_ip, "client.ip", ADDRESS, 0, CONNECT, CONNECTION, FREE, REMEMBERED,
     "The client's address; behind a configured proxy the one its PROXY header names.")
FACT(client_port, "client.port", NUMBER, 0, CONNECT, CONNECTION, FREE, REMEMBERED,
     "The client's port.")
FACT(client_early, "client.early", BOOL, 0, CONNECT, CONNECTION, FREE, LIVE,
     "The client spoke before it was greeted.")
FACT(client_unpipelined, "client.unpipelined", BOOL, 0, HELO, CONNECTION, FREE, LIVE,
     "The client sent commands ahead of a reply it must wait for (RFC 2920): behind EHLO, HELO, DATA, "
     "STARTTLS, BDAT LAST, VRFY, EXPN, NOOP or QUIT, or behind anything after HELO.")
FACT(client_sessions, "client.sessions", NUMBER, 0, CONNECT, CONNECTION, MEMORY, LIVE,
     "Sessions of this client address just now over all workers, this one and waiting ones included.")
FACT(client_network_sessions, "client.network_sessions", NUMBER, 0, CONNECT, CONNECTION, MEMORY, LIVE,
     "The same of the client's network: the /24 of an IPv4, the /64 of an IPv6 address.")
FACT(client_forwarder, "client.forwarder", BOOL, 0, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The client is in the table `forwarders`, by its address or by its confirmed name: it relays mail for "
     "your recipients, and is not to blame for what it relays.")
FACT(client_origin, "client.origin", ADDRESS, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The host that the message is judged by. Of a forwarder the one that it had the message from, as its "
     "Received field says, passing over other forwarders and private addresses; unknown when that field does "
     "not tell. Of any other client its own address.")
FACT(client_banned, "client.banned", BOOL, 0, CONNECT, CONNECTION, MEMORY, REMEMBERED,
     "The client's address or network is banned, by a rule or an operator, and the time is not over. Never "
     "true of addresses in the table `trusted`, of configured proxies, and of whom a connect rule trusts.")
FACT(client_known, "client.known", BOOL, 0, CONNECT, CONNECTION, MEMORY, REMEMBERED,
     "The client is no stranger: its network has come back after a deferral, or the organisation that its "
     "address belonged to when mail was last accepted from it is proven (`identity.proven`) or has come back.")
FACT(client_bad, "client.bad", NUMBER, 0, CONNECT, CONNECTION, MEMORY, REMEMBERED,
     "How often a rule refused the client, by its address (of IPv6 its /64), or it wrote to a recipient in the "
     "table `traps`; after `limit memory_half_life` each counts half.")
FACT(client_harvester, "client.harvester", BOOL, 0, CONNECT, CONNECTION, MEMORY, LIVE,
     "The client is guessing recipients: of late it named as many unknown ones in an hour as `limit "
     "harvest_recipients` says, or its network four times as many.")
FACT(listener, "listener", TEXT, 0, CONNECT, CONNECTION, FREE, REMEMBERED,
     "Where the client connected, as `listen` has it: \"0.0.0.0:25\".")
FACT(time_hour, "time.hour", NUMBER, 0, CONNECT, CONNECTION, FREE, LIVE,
     "Hour of the day in the host's time zone, 0 to 23.")

/* ---- its names, and lists of addresses (src/fact/fact_names.c, fact_lists.c) ---- */
FACT(client_ptr, "client.ptr", SET, 0, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The client's names by reverse DNS, in lower case; of more than ten the first ten in alphabetical "
     "order. Empty when it has none. Anybody can give his address any name: `client.name` is confirmed.")
FACT(client_name, "client.name", TEXT, 0, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The first of these names that leads back to the client's address; \"\" when none does. Unknown "
     "when a look-up failed and no name was confirmed.")
FACT(dnsbl, "dnsbl", BOOL, 1, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The client's address is on that DNS list: `dnsbl(\"zen.example.net\")`, or with a filter of "
     "answers as Postfix has it: `dnsbl(\"zen.example.net=127.0.0.[2..11]\")`. Unknown when the list "
     "cannot be asked, or is not well.")
FACT(dnsbl_answers, "dnsbl.answers", SET, 1, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The list's answers for the client's address: \"127.0.0.2\" and so on; those that the filter lets "
     "pass. Empty when it is not listed.")
FACT(dnsbl_reason, "dnsbl.reason", TEXT, 1, CONNECT, CONNECTION, DNS, REMEMBERED,
     "Why the client's address is listed, in the list's words (TXT), at most 200 octets of them; \"\" when "
     "it is not listed, or the list does not say.")
FACT(dnswl, "dnswl", BOOL, 1, CONNECT, CONNECTION, DNS, REMEMBERED,
     "The client's address is on that list of good senders; otherwise as `dnsbl`.")

/* ---- what the client says of itself (src/fact/fact_helo.c) ---- */
FACT(tls, "tls", BOOL, 0, HELO, CONNECTION, FREE, REMEMBERED, "The connection uses TLS.")
FACT(tls_version, "tls.version", TEXT, 0, HELO, CONNECTION, FREE, REMEMBERED,
     "\"TLSv1.3\" and the like; \"\" without TLS.")
FACT(helo, "helo", TEXT, 0, HELO, CONNECTION, FREE, REMEMBERED,
     "The name given with EHLO or HELO.")
FACT(helo_form, "helo.form", RESULT, 0, HELO, CONNECTION, FREE, REMEMBERED,
     "What that name is: domain (with a dot), label (without one), literal ([192.0.2.1]), address (the "
     "same without brackets) or invalid (no host name by RFC 5321, though an underscore is let pass). A "
     "dot at the end does not count.")
FACT(helo_mine, "helo.mine", BOOL, 0, HELO, CONNECTION, FREE, REMEMBERED,
     "The client claims to be this host: our hostname, or the address it connected to.")
FACT(helo_resolves, "helo.resolves", BOOL, 0, HELO, CONNECTION, DNS, REMEMBERED,
     "The name given with EHLO or HELO has an address (A or AAAA), or is an address literal.")
FACT(helo_matches, "helo.matches", BOOL, 0, HELO, CONNECTION, DNS, REMEMBERED,
     "One of these addresses is the client's.")
FACT(dnsbl_helo, "dnsbl.helo", BOOL, 1, HELO, CONNECTION, DNS, REMEMBERED,
     "The name given with EHLO or HELO is on that DNS list of domains; otherwise as `dnsbl`.")

/* ---- the envelope (src/fact/fact_envelope.c) ---- */
FACT(sender, "sender", TEXT, 0, MAIL, TRANSACTION, FREE, REMEMBERED,
     "The reverse-path's mailbox; \"\" for <>.")
FACT(sender_domain, "sender.domain", TEXT, 0, MAIL, TRANSACTION, FREE, REMEMBERED,
     "Its domain; \"\" for <>.")
FACT(sender_null, "sender.null", BOOL, 0, MAIL, TRANSACTION, FREE, REMEMBERED,
     "The reverse-path is <>: a delivery status notification, a callout or the like.")
FACT(sender_mine, "sender.mine", BOOL, 0, MAIL, TRANSACTION, FREE, REMEMBERED,
     "There is a route for the sender's domain (one for all domains does not count).")
FACT(sender_exists, "sender.exists", BOOL, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "The sender's domain is there to answer to: one of its MX records (of the first ten) leads to an "
     "address, or it has none and an address of its own (RFC 5321 5.1). True as well for <>, for an address literal, and for a null "
     "MX, which `sender.null_mx` tells.")
FACT(sender_null_mx, "sender.null_mx", BOOL, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "The sender's domain says that it takes no mail (RFC 7505), so that nobody there could be answered.")
FACT(dnsbl_sender, "dnsbl.sender", BOOL, 1, MAIL, TRANSACTION, DNS, REMEMBERED,
     "The sender's domain is on that DNS list of domains; otherwise as `dnsbl`.")
FACT(spf_helo, "spf.helo", RESULT, 0, HELO, CONNECTION, DNS, REMEMBERED,
     "SPF for the name in EHLO (RFC 7208 2.3).")
FACT(spf, "spf", RESULT, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "SPF for the sender's domain, or the name in EHLO where the sender is <> (RFC 7208 2.4). temperror is no "
     "unknown but a result: the DNS did not answer. Of a forwarder's mail unknown until the message is there, "
     "then that of `client.origin`: none where the forwarder does not tell that, temperror where it could not be "
     "looked up whether the client is one.")
FACT(spf_domain, "spf.domain", TEXT, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "The domain whose record was asked for.")
FACT(spf_mechanism, "spf.mechanism", TEXT, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "The term of the record that decided, as it is written there (\"-all\"); \"default\" where none matched, "
     "\"\" where there is no record.")
FACT(spf_explanation, "spf.explanation", TEXT, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "What the domain has to say to a fail (exp=), in printable ASCII; \"\" where it says nothing.")
FACT(spf_problem, "spf.problem", TEXT, 0, MAIL, TRANSACTION, DNS, REMEMBERED,
     "Why it is temperror or permerror, in a few words; else \"\".")
FACT(sender_correspondent, "sender.correspondent", BOOL, 0, MAIL, TRANSACTION, MEMORY, REMEMBERED,
     "Users of yours write to the sender; which `gatepost state import` tells.")
FACT(size_declared, "size.declared", SIZE, 0, MAIL, TRANSACTION, FREE, REMEMBERED,
     "What MAIL declared by SIZE; 0 when it did not.")
FACT(rcpt, "rcpt", TEXT, 0, RCPT, RECIPIENT, FREE, REMEMBERED, "The recipient's mailbox.")
FACT(rcpt_domain, "rcpt.domain", TEXT, 0, RCPT, RECIPIENT, FREE, REMEMBERED, "Its domain.")
FACT(rcpt_known, "rcpt.known", BOOL, 0, RCPT, RECIPIENT, NETWORK, REMEMBERED,
     "The next hop knows the recipient. False only on 5.1.1, 5.1.10 or a bare 550, or when a list named by "
     "`recipients` does not have it; any other refusal leaves it true. A hop that cannot be asked leaves it "
     "true for a recipient that it has known within a day; otherwise no answer is unknown.")
FACT(rcpt_answer, "rcpt.answer", TEXT, 0, RCPT, RECIPIENT, NETWORK, REMEMBERED,
     "The refusal of this recipient, code first: the next hop's in its own words, or ours where a list does "
     "not have him; \"\" for a yes.")
FACT(route_accept_all, "route.accept_all", BOOL, 0, RCPT, RECIPIENT, NETWORK, REMEMBERED,
     "The next hop accepts any address of the recipient's domain, so that its yes says nothing and "
     "`rcpt.known` is always true. Found out with a random address, and kept for a day; false where a list "
     "or database names the recipients, unknown when the hop cannot be asked.")
FACT(rcpt_count, "rcpt.count", NUMBER, 0, MAIL, TRANSACTION, FREE, LIVE,
     "Recipients accepted in this transaction so far.")
FACT(rcpt_failures, "rcpt.failures", NUMBER, 0, CONNECT, CONNECTION, FREE, LIVE,
     "Recipients refused 5xx in this session so far.")

/* ---- what is remembered (src/fact/fact_identity.c, fact_rates.c) ---- */
FACT(identity, "identity", TEXT, 0, RCPT, RECIPIENT, DNS, JOINT,
     "Who the other side is, by that of its names which has the best history: the client's network, the "
     "organisation of its confirmed host name, the domain that authorises it by SPF, and at message the author's "
     "domain when an aligned DKIM signature passes. A proven one is better than one that has come back after a "
     "deferral, then counts more good mail than bad, then age. \"\" when none of them was ever seen. Of a "
     "forwarder its network and its organisation only.")
FACT(identity_kind, "identity.kind", RESULT, 0, RCPT, RECIPIENT, DNS, JOINT,
     "Which of these names that is: network, host, spf or dkim; none when none of them was ever seen.")
FACT(identity_age, "identity.age", DURATION, 0, RCPT, RECIPIENT, DNS, JOINT,
     "Time since that name was first seen; 0 for a new one.")
FACT(identity_good, "identity.good", NUMBER, 0, RCPT, RECIPIENT, DNS, JOINT,
     "Messages of that name which were accepted; after `limit memory_half_life` each counts half.")
FACT(identity_bad, "identity.bad", NUMBER, 0, RCPT, RECIPIENT, DNS, JOINT,
     "How often a rule refused that name, in any phase, or it wrote to a recipient in the table `traps`; halved "
     "likewise.")
FACT(identity_proven, "identity.proven", BOOL, 0, RCPT, RECIPIENT, DNS, JOINT,
     "That name is authenticated (host, spf or dkim), and mail of it was accepted on at least two days. Having "
     "bought a domain proves nothing; a network alone never is proven.")
FACT(identity_returned, "identity.returned", BOOL, 0, RCPT, RECIPIENT, DNS, JOINT,
     "One of its names has come back after a deferral within `limit returned_time`; or this very sender comes "
     "back to this recipient now, no sooner than `limit deferral_time` after he was deferred and within `limit "
     "deferral_window`. At message: so for each recipient that gets it.")
FACT(deferral_age, "deferral.age", DURATION, 0, RCPT, RECIPIENT, DNS, JOINT,
     "Time since a rule first deferred this sender's mail to this recipient, from this network, organisation or "
     "SPF domain; 0 when none has. At message the shortest among the recipients that get it.")
FACT(deferral_wait, "deferral.wait", DURATION, 0, RCPT, RECIPIENT, DNS, JOINT,
     "How long he still has to wait until coming back counts, in whole seconds: at first `limit deferral_time`; 0 "
     "when it counts now. For replies. At message the longest among the recipients that get it.")
FACT(rcpt_impatient, "rcpt.impatient", BOOL, 0, RCPT, RECIPIENT, MEMORY, JOINT,
     "The recipient is in the table `impatient`: he is not to wait for mail. At message: one of those that get "
     "it is.")
FACT(rate_client_connections, "rate.client.connections", NUMBER, 0, CONNECT, CONNECTION, MEMORY, LIVE,
     "Connections of the client's address (of IPv6 its /64) in an hour, over all workers. What was an hour ago "
     "counts little more than a third of what is now: a steady stream of 100 an hour is 100.")
FACT(rate_client_messages, "rate.client.messages", NUMBER, 0, CONNECT, CONNECTION, MEMORY, LIVE,
     "Messages of the client in an hour, accepted or not.")
FACT(rate_client_recipients, "rate.client.recipients", NUMBER, 0, CONNECT, CONNECTION, MEMORY, LIVE,
     "Recipients of the client in an hour that were accepted.")
FACT(rate_client_bytes, "rate.client.bytes", SIZE, 0, CONNECT, CONNECTION, MEMORY, LIVE,
     "Octets of the client's messages in an hour.")
FACT(rate_client_unknown_recipients, "rate.client.unknown_recipients", NUMBER, 0, CONNECT, CONNECTION, MEMORY,
     LIVE, "Recipients of the client in an hour that are not there.")
FACT(rate_rcpt_messages, "rate.rcpt.messages", NUMBER, 0, RCPT, RECIPIENT, MEMORY, LIVE,
     "Messages that were accepted for the recipient in an hour.")
FACT(rate_rcpt_bytes, "rate.rcpt.bytes", SIZE, 0, RCPT, RECIPIENT, MEMORY, LIVE,
     "Octets of these messages.")
FACT(rate_identity_messages, "rate.identity.messages", NUMBER, 0, RCPT, RECIPIENT, DNS, JOINT,
     "Messages in an hour of the name that `identity` tells.")
FACT(rate_identity_recipients, "rate.identity.recipients", NUMBER, 0, RCPT, RECIPIENT, DNS, JOINT,
     "Its recipients in an hour that were accepted.")
FACT(rate_identity_bytes, "rate.identity.bytes", SIZE, 0, RCPT, RECIPIENT, DNS, JOINT,
     "Octets of its messages in an hour.")
FACT(rate_identity_unknown_recipients, "rate.identity.unknown_recipients", NUMBER, 0, RCPT, RECIPIENT, DNS,
     JOINT, "Its recipients in an hour that are not there.")

/* ---- the message (src/fact/fact_message.c) ---- */
FACT(size, "size", SIZE, 0, MESSAGE, TRANSACTION, FREE, REMEMBERED, "Octets of the message.")
FACT(header, "header", TEXT, 1, MESSAGE, TRANSACTION, CONTENT, REMEMBERED,
     "The first field of that name, unfolded and otherwise as written; \"\" when there is none.")
FACT(header_count, "header.count", NUMBER, 1, MESSAGE, TRANSACTION, CONTENT, REMEMBERED,
     "How many fields of that name the message has.")
FACT(header_missing, "header.missing", BOOL, 1, MESSAGE, TRANSACTION, CONTENT, REMEMBERED,
     "The message has no field of that name.")
FACT(received_count, "received.count", NUMBER, 0, MESSAGE, TRANSACTION, FREE, REMEMBERED,
     "Received fields: hosts the message has passed.")
FACT(message_longest_line, "message.longest_line", NUMBER, 0, MESSAGE, TRANSACTION, FREE, REMEMBERED,
     "Octets of its longest line without CRLF; RFC 5322 allows 998.")
FACT(message_binary, "message.binary", BOOL, 0, MESSAGE, TRANSACTION, FREE, REMEMBERED,
     "It holds a bare CR or LF, which only BDAT can carry.")

FACT(dnsbl_from, "dnsbl.from", BOOL, 1, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The domain of the message's From field is on that DNS list of domains; where it has several "
     "authors, that of one of the first four. Otherwise as `dnsbl`.")
/* ---- what the sender's domain authorises (src/fact/fact_sender.c) ---- */
FACT(dkim, "dkim", RESULT, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The best result among the DKIM signatures of domains that are aligned with the author's (RFC 9989); none "
     "when there is no such signature.")
FACT(dkim_domains, "dkim.domains", SET, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The domains (d=) of the DKIM signatures that pass, aligned or not.")
FACT(dkim_results, "dkim.results", SET, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "What became of each signature, with the cause: \"example.org=fail (the body was changed)\".")
FACT(arc, "arc", RESULT, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "Validation of the message's ARC chain (RFC 8617): none, pass or fail; temperror where a key could not be "
     "looked up.")
FACT(arc_sealers, "arc.sealers", SET, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The domains that sealed a chain that passes, the last one first.")
FACT(arc_trusted, "arc.trusted", BOOL, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "The chain passes, its newest signature signs From, and a sealer vouches for the message: one in the table "
     "`sealers`, all after it being "
     "there too, says that DMARC passed where it got the message; or, where it does not speak of DMARC, that "
     "SPF or DKIM passed for a domain aligned with the author's.")
FACT(dmarc, "dmarc", RESULT, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "DMARC for the author's domain (RFC 9989). Of a header over 256 KiB what fails in its readable part fails, "
     "and whatever else is permerror.")
FACT(dmarc_policy, "dmarc.policy", RESULT, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "What that domain asks for where DMARC fails, by p, sp or np, whichever applies; a step lower "
     "when the domain is testing (t=y).")
FACT(dmarc_domain, "dmarc.domain", TEXT, 0, MESSAGE, TRANSACTION, DNS, REMEMBERED,
     "Where that record was found; \"\" where there is none.")
FACT(from_domain, "from.domain", TEXT, 0, MESSAGE, TRANSACTION, CONTENT, REMEMBERED,
     "The author's domain, by the From field; \"\" when there is none, or it names authors of several domains.")

/* ---- what the message carries (src/fact/fact_content.c): an inspector has looked ---- */
FACT(from_address, "from.address", TEXT, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "The author's mail address, by the From field; of several the first, \"\" when there is none.")
FACT(from_name, "from.name", TEXT, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "The author's name beside that address, decoded; \"\" when there is none.")
FACT(from_name_is_address, "from.name_is_address", BOOL, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "That name holds a mail address of another domain than the author's: people read the name, and take the "
     "message for another's.")
FACT(reply_to_domain, "reply_to.domain", TEXT, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "The domain of the Reply-To field's first address; \"\" when there is none.")
FACT(date_skew, "date.skew", DURATION, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "How far the Date field is ahead of this host's clock; of a message from the past negative: `date.skew < "
     "-7d`. 0 without a Date that can be read.")
FACT(message_id_form, "message_id.form", RESULT, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "What the Message-ID field is: normal (<left@right.example>), address (the right side is a host's address "
     "in brackets), bare (no dot on the right side, or no right side), malformed (no identifier by RFC 5322 3.6.4), several (more "
     "than one such field) or none.")
FACT(subject, "subject", TEXT, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "The Subject field, decoded and unfolded; `header(\"Subject\")` is what was sent.")
FACT(mime_anomalies, "mime.anomalies", SET, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "What is wrong with the message's structure, by names (see What is remarkable about a message); "
     "\"ambiguous\" when mail programs may see other attachments in it than were looked at. Empty for a message "
     "as it should be.")
FACT(mime_types, "mime.types", SET, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "The types that its parts say they have, multiparts included, in lower case: \"text/html\".")
FACT(mime_parts, "mime.parts", NUMBER, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "How many parts it has, those of messages within it included.")
FACT(inspect_limits, "inspect.limits", SET, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "Which limits stopped its inspection: depth, parts, fields, decoded, members, ratio or time (`limit "
     "inspect_depth` and so on). What lies behind them was not looked at. Empty when all was.")
FACT(attachment_count, "attachment.count", NUMBER, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "How many files are attached; what archives hold does not count.")
FACT(attachment_names, "attachment.names", SET, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "Names of the files that are attached and of those in attached archives, decoded.")
FACT(attachment_ext, "attachment.ext", SET, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "What these names end in behind their last dot, in lower case: \"pdf\".")
FACT(attachment_type, "attachment.type", SET, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "What these files are by their content, whatever they say: \"application/pdf\".")
FACT(attachment_macro, "attachment.macro", BOOL, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "One of them is an office document with macros.")
FACT(attachment_encrypted, "attachment.encrypted", BOOL, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "One of them is an archive or a document that nobody can look into without its password.")
FACT(attachment_executable, "attachment.executable", BOOL, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "One of them is a program, by its content.")
FACT(html_traits, "html.traits", SET, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "What is remarkable in its HTML, by names (see What is remarkable about a message).")
FACT(text_traits, "text.traits", SET, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "What is remarkable in the text that people read, by names (see What is remarkable about a message).")
FACT(url_count, "url.count", NUMBER, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "How many links its text and its HTML hold.")
FACT(url_domains, "url.domains", SET, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "The domains of the hosts that these lead to: public suffix and one label (\"example.co.uk\"), in lower case, "
     "those of other scripts in their ASCII form; of hosts without a name their addresses.")
FACT(url_mismatch, "url.mismatch", BOOL, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "A link's text shows the name of another host than it leads to.")
FACT(url_traits, "url.traits", SET, 0, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "What is remarkable in its links, by names (see What is remarkable about a message).")
FACT(headers, "headers", BOOL, 1, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "A pattern is found in the message's header: its fields, decoded and unfolded, a line each. Written `headers "
     "~ \"...\"`, or `headers ~ TABLE` for a table of patterns, any of which will do.")
FACT(body, "body", BOOL, 1, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "A pattern is found in what people read of the message: its texts, decoded, HTML without its tags. Written "
     "as `headers`.")
FACT(raw, "raw", BOOL, 1, MESSAGE, TRANSACTION, INSPECTION, REMEMBERED,
     "A pattern is found in the message as it was received, header included. Written as `headers`.")
FACT(dnsbl_url, "dnsbl.url", BOOL, 1, MESSAGE, TRANSACTION, LINKS, REMEMBERED,
     "One of the first 20 hosts in `url.domains` is on that DNS list of domains. Otherwise as `dnsbl`.")

/* ---- what outside scanners say of the message (src/fact/fact_scan.c) ---- */
FACT(virus, "virus", TEXT, 0, MESSAGE, TRANSACTION, SCANNER, REMEMBERED,
     "The name of the signature by which clamd knows the message; \"\" when it finds nothing, or `clamd` is not "
     "configured. Unknown when clamd is down, does not answer in time, or takes no message of that size.")
FACT(rspamd_score, "rspamd.score", DECIMAL, 0, MESSAGE, TRANSACTION, SCANNER, REMEMBERED,
     "The score that rspamd gives; 0 when `rspamd` is not configured. Unknown as `virus`, and for messages above "
     "`limit scan_size`.")
FACT(rspamd_action, "rspamd.action", TEXT, 0, MESSAGE, TRANSACTION, SCANNER, REMEMBERED,
     "What rspamd would do: \"no action\", \"greylist\", \"add header\", \"rewrite subject\", \"soft reject\", "
     "\"reject\", or what its own configuration says.")
FACT(rspamd_symbols, "rspamd.symbols", SET, 0, MESSAGE, TRANSACTION, SCANNER, REMEMBERED,
     "Names of what rspamd found, at most 300.")
FACT(spamassassin_score, "spamassassin.score", DECIMAL, 0, MESSAGE, TRANSACTION, SCANNER, REMEMBERED,
     "The score that SpamAssassin gives, by its spamd; otherwise as `rspamd.score`.")
FACT(spamassassin_rules, "spamassassin.rules", SET, 0, MESSAGE, TRANSACTION, SCANNER, REMEMBERED,
     "Names of the SpamAssassin rules that hit, at most 300.")

/* ---- the weighing (src/fact/fact_doubt.c) ---- */
FACT(doubt, "doubt", NUMBER, 0, CONNECT, RECIPIENT, FREE, LIVE,
     "Sum of the `doubt` rules that have fired for the connection, the transaction and the recipient; "
     "at message, the lowest recipient's.")
FACT(why, "why", TEXT, 0, CONNECT, RECIPIENT, FREE, LIVE,
     "The texts of these rules, \"; \" between them.")
