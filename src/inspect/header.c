/* Findings of the message's own header (inspect/inspect_impl.h). */
#include "inspect/from_name.h"
#include "inspect/traits.h"
#include "parse/ascii.h"
#include "parse/display_name.h"
#include "parse/encoded_word.h"
#include "parse/from_field.h"
#include "parse/header_fields.h"
#include "parse/mail_date.h"
#include "parse/message_id.h"
#include "parse/utf8.h"

/* Octets of one field that are read. */
#define FIELD_MOST ((size_t)65536)
/* Octets of the decoded header that patterns are looked for in, and a few more. */
#define LINES_MOST ((size_t)300000)
/* Letters of a subject from which on capitals are remarked. */
#define SHOUT_LEAST 12

enum field_id {
    FIELD_FROM,
    FIELD_DATE,
    FIELD_SUBJECT,
    FIELD_MESSAGE_ID,
    FIELD_REPLY_TO,
    FIELD_TO,
    FIELD_IN_REPLY_TO,
    FIELD_REFERENCES,
    FIELD_X_PRIORITY,
    FIELD_X_MAILER,
    FIELD_USER_AGENT,
    FIELD_X_MSMAIL_PRIORITY,
    FIELD_X_MIMEOLE,
    FIELDS
};

static const char *const field_names[FIELDS] = {
    [FIELD_FROM] = "From",
    [FIELD_DATE] = "Date",
    [FIELD_SUBJECT] = "Subject",
    [FIELD_MESSAGE_ID] = "Message-ID",
    [FIELD_REPLY_TO] = "Reply-To",
    [FIELD_TO] = "To",
    [FIELD_IN_REPLY_TO] = "In-Reply-To",
    [FIELD_REFERENCES] = "References",
    [FIELD_X_PRIORITY] = "X-Priority",
    [FIELD_X_MAILER] = "X-Mailer",
    [FIELD_USER_AGENT] = "User-Agent",
    [FIELD_X_MSMAIL_PRIORITY] = "X-MSMail-Priority",
    [FIELD_X_MIMEOLE] = "X-MimeOLE",
};

struct fields {
    struct slice first[FIELDS]; /* body of the first of that name */
    size_t count[FIELDS];
};

static void read_charset(void *arg, struct slice charset, struct slice octets, struct buf *to)
{
    (void)inspect_to_utf8(arg, charset, octets, SIZE_MAX, to);
}

static struct slice decoded(struct inspect_run *run, struct slice body, struct encoded_words *ret)
{
    const struct charset_reader reader = {read_charset, run->inspect};
    struct buf text = {0};

    encoded_text_decode(body, &reader, &text, ret);
    const struct slice copy = arena_copy(&run->scratch, buf_slice(&text));
    buf_free(&text);
    return copy;
}

static void find_fields(struct slice header, struct fields *ret)
{
    struct header_field f;

    *ret = (struct fields){.count = {0}};
    while (header_next(&header, &f)) {
        for (size_t i = 0; i < FIELDS; i++) {
            if (slice_eq_nocase(f.name, slice_of(field_names[i]))) {
                if (ret->count[i]++ == 0) {
                    f.body.n = f.body.n < FIELD_MOST ? f.body.n : FIELD_MOST;
                    ret->first[i] = f.body;
                }
                break;
            }
        }
    }
}

/* ---- From and Reply-To ---- */

/* As a field From would be read. */
static void read_addresses(struct inspect_run *run, struct slice body, struct from_field *ret,
                           struct slice *ret_field)
{
    const struct slice start = SLICE_LIT("From:");
    char *field = arena_alloc(&run->scratch, start.n + body.n + 1);

    memcpy(field, start.p, start.n);
    memcpy(field + start.n, body.p, body.n);
    *ret_field = (struct slice){field, start.n + body.n};
    from_field_parse(*ret_field, &run->scratch, ret);
}

/* The first address that is one; of those that only look like one, where a name should be or in a
 * field that cannot be read, the parser points into the field. NULL when there is none. */
static const struct from_address *first_address(const struct from_field *from, struct slice field)
{
    for (size_t i = 0; i < from->count; i++) {
        const char *p = from->addresses[i].mailbox.p;
        if (p < field.p || p >= field.p + field.n) {
            return &from->addresses[i];
        }
    }
    return from->count > 0 ? &from->addresses[0] : NULL;
}

/* With its domain in lower case. */
static struct slice lowered_address(struct inspect_run *run, const struct from_address *a,
                                    struct slice *ret_domain)
{
    const struct slice copy = arena_copy(&run->scratch, a->mailbox);
    char *domain = (char *)copy.p + copy.n - a->domain.n;

    ascii_lower_copy(domain, domain, a->domain.n);
    *ret_domain = (struct slice){domain, a->domain.n};
    return copy;
}

/* Where the address itself is an encoded word: readers that decode first see what others do not. */
static bool hides_address(struct slice name, const struct from_field *from,
                          const struct encoded_words *words)
{
    return words->count > 0 && (from->count == 0 || from->problem != NULL) &&
           memchr(name.p, '@', name.n) != NULL;
}

static void read_from(struct inspect_run *run, const struct fields *f)
{
    const struct slice body = f->first[FIELD_FROM];
    struct encoded_words words;
    struct slice domain = SLICE_LIT("");
    struct from_field from;
    struct slice field;

    read_addresses(run, body, &from, &field);
    const struct slice name = decoded(run, display_name_of(body, &run->scratch), &words);
    const struct from_address *author = first_address(&from, field);
    if (author != NULL) {
        inspect_set_text(run, FINDING_OF_FROM_ADDRESS, lowered_address(run, author, &domain));
    }
    inspect_set_text(run, FINDING_OF_FROM_NAME, name);
    if (from_name_is_other(name, domain)) {
        inspect_flag(run, FINDING_OF_FROM_NAME_IS_ADDRESS);
    }
    if (from.problem != NULL) {
        inspect_trait(run, HEADER_FROM_UNREADABLE);
    }
    if (hides_address(decoded(run, body, &words), &from, &words)) {
        inspect_trait(run, HEADER_FROM_OBFUSCATED);
    }
    if (words.needless) {
        inspect_trait(run, HEADER_FROM_NAME_ENCODED);
    }
    if (words.bare_8bit && utf8_wrong(body.p, body.n) > 0) {
        inspect_trait(run, HEADER_FROM_8BIT);
    }
}

static void read_reply_to(struct inspect_run *run, const struct fields *f)
{
    struct from_field to;
    struct slice field, domain;

    read_addresses(run, f->first[FIELD_REPLY_TO], &to, &field);
    const struct from_address *first = first_address(&to, field);
    if (first != NULL) {
        (void)lowered_address(run, first, &domain);
        inspect_set_text(run, FINDING_OF_REPLY_TO_DOMAIN, domain);
    }
}

/* "undisclosed-recipients:;" names nobody, and says so. */
static void read_to(struct inspect_run *run, const struct fields *f)
{
    const struct slice body = f->first[FIELD_TO];
    struct from_field to;
    struct slice field;

    read_addresses(run, body, &to, &field);
    if (to.count == 0 && memchr(body.p, ':', body.n) == NULL) {
        inspect_trait(run, HEADER_TO_MALFORMED);
    }
}

/* ---- Subject, Date, Message-ID ---- */

static bool is_shouting(struct slice text)
{
    size_t capitals = 0, small = 0;

    for (size_t i = 0; i < text.n; i++) {
        capitals += text.p[i] >= 'A' && text.p[i] <= 'Z';
        small += (text.p[i] >= 'a' && text.p[i] <= 'z') || (unsigned char)text.p[i] >= 0x80;
    }
    return capitals >= SHOUT_LEAST && capitals > 9 * small;
}

static void read_subject(struct inspect_run *run, const struct fields *f)
{
    const struct slice body = f->first[FIELD_SUBJECT];
    struct encoded_words words;
    const struct slice subject = decoded(run, body, &words);

    inspect_set_text(run, FINDING_OF_SUBJECT, subject);
    if (subject.n == 0) {
        inspect_trait(run, HEADER_SUBJECT_EMPTY);
    }
    if (words.needless) {
        inspect_trait(run, HEADER_SUBJECT_ENCODED);
    }
    if (words.bare_8bit && utf8_wrong(body.p, body.n) > 0) {
        inspect_trait(run, HEADER_SUBJECT_8BIT);
    }
    if (is_shouting(subject)) {
        inspect_trait(run, HEADER_SUBJECT_SHOUTING);
    }
    if (subject.n > 3 && strncasecmp(subject.p, "Re:", 3) == 0 &&
        f->count[FIELD_IN_REPLY_TO] == 0 && f->count[FIELD_REFERENCES] == 0) {
        inspect_trait(run, HEADER_REPLY_TO_NOTHING);
    }
}

static void read_date(struct inspect_run *run, const struct fields *f)
{
    usec_t wall;

    if (mail_date_parse(f->first[FIELD_DATE], &wall) == 0) {
        inspect_set_number(run, FINDING_OF_DATE_SKEW, wall - run->request->wall);
    } else {
        inspect_trait(run, HEADER_DATE_UNREADABLE);
    }
}

static void read_message_id(struct inspect_run *run, const struct fields *f)
{
    enum message_id_form form = MESSAGE_ID_NONE;

    if (f->count[FIELD_MESSAGE_ID] > 0) {
        form = f->count[FIELD_MESSAGE_ID] > 1 ? MESSAGE_ID_SEVERAL
                                              : message_id_form_of(f->first[FIELD_MESSAGE_ID]);
    }
    inspect_set_number(run, FINDING_OF_MESSAGE_ID_FORM, form);
}

/* ---- all of it ---- */

static void look_at_counts(struct inspect_run *run, const struct fields *f)
{
    static const struct {
        enum field_id field;
        enum trait trait;
    } once[] = {
        {FIELD_FROM, HEADER_FROM_SEVERAL},         {FIELD_DATE, HEADER_DATE_SEVERAL},
        {FIELD_SUBJECT, HEADER_SUBJECT_SEVERAL},   {FIELD_MESSAGE_ID, HEADER_MESSAGE_ID_SEVERAL},
        {FIELD_REPLY_TO, HEADER_REPLY_TO_SEVERAL}, {FIELD_TO, HEADER_TO_SEVERAL},
    };

    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
        if (f->count[once[i].field] > 1) {
            inspect_trait(run, once[i].trait);
        }
    }
    if (f->count[FIELD_X_PRIORITY] > 0 && f->count[FIELD_X_MAILER] == 0 &&
        f->count[FIELD_USER_AGENT] == 0) {
        inspect_trait(run, HEADER_PRIORITY_ALONE);
    }
    if (f->count[FIELD_X_MSMAIL_PRIORITY] > 0 && f->count[FIELD_X_MIMEOLE] == 0) {
        inspect_trait(run, HEADER_MSMAIL_ALONE);
    }
}

/* The fields for patterns, decoded and unfolded, a line each. */
static void match_lines(struct inspect_run *run, struct slice header)
{
    const struct charset_reader reader = {read_charset, run->inspect};
    struct buf lines = {0};
    struct header_field f;

    while (lines.n < LINES_MOST && header_next(&header, &f)) {
        f.body.n = f.body.n < LINES_MOST ? f.body.n : LINES_MOST;
        if (f.name.n > 0) {
            buf_append_slice(&lines, f.name);
            buf_append(&lines, ": ", 2);
        }
        encoded_text_decode(f.body, &reader, &lines, NULL);
        buf_append(&lines, "\n", 1);
    }
    inspect_rules_match(run, PATTERN_IN_HEADER, buf_slice(&lines));
    buf_free(&lines);
}

void inspect_header(struct inspect_run *run, struct slice header)
{
    static void (*const readers[FIELDS])(struct inspect_run *, const struct fields *) = {
        [FIELD_FROM] = read_from,         [FIELD_DATE] = read_date, [FIELD_SUBJECT] = read_subject,
        [FIELD_REPLY_TO] = read_reply_to, [FIELD_TO] = read_to,
    };
    struct fields f;

    find_fields(header, &f);
    for (size_t i = 0; i < FIELDS; i++) {
        if (readers[i] != NULL && f.count[i] > 0) {
            readers[i](run, &f);
        }
    }
    read_message_id(run, &f);
    look_at_counts(run, &f);
    if (inspect_rules_want(run, PATTERN_IN_HEADER)) {
        match_lines(run, header);
    }
}
