/* See judge/mail_text.h. */
#include "judge/mail_text.h"

#include <string.h>

static const struct slice mbox_from = SLICE_LIT("From ");

/* "From : a@b" is a header field, in the obsolete form of RFC 5322 4.5. */
static bool is_mbox_line(struct slice text)
{
    struct slice rest;
    return slice_prefix(text, mbox_from.p, &rest) && rest.n > 0 && rest.p[0] != ':' &&
           rest.p[0] != ' ';
}

/* Leaves out an mbox's line in front. */
static struct slice behind_mbox_line(struct slice file, bool *ret_was_there)
{
    *ret_was_there = is_mbox_line(file);
    if (!*ret_was_there) {
        return file;
    }
    const char *lf = memchr(file.p, '\n', file.n);
    size_t n = lf != NULL ? (size_t)(lf - file.p) + 1 : file.n;
    return (struct slice){file.p + n, file.n - n};
}

static bool ends_in_lf(const struct slice *octets)
{
    const char *lf = octets->n > 0 ? memchr(octets->p, '\n', octets->n) : NULL;
    return lf != NULL && (lf == octets->p || lf[-1] != '\r');
}

static bool any_8bit(struct slice s)
{
    unsigned char all = 0;
    for (size_t i = 0; i < s.n; i++) {
        all |= (unsigned char)s.p[i]; /* compilers do this sixteen at a time */
    }
    return (all & 0x80) != 0;
}

/* Is there a CR in the line (without its end) that no LF follows? */
static bool has_cr(const char *line, size_t n)
{
    return n > 0 && memchr(line, '\r', n) != NULL;
}

/* One line, its LF not counted. */
static void look_at_line(struct mail_text *m, const char *line, size_t n)
{
    bool crlf = n > 0 && line[n - 1] == '\r';
    m->bare |= has_cr(line, crlf ? n - 1 : n) || (!crlf && !m->lf_file);
    m->mixed |= crlf && m->lf_file;
    m->wire_size += !crlf && m->lf_file;
}

static void look_at_lines(struct mail_text *m)
{
    const char *p = m->octets.p, *end = p + m->octets.n;
    bool empty_before = false;
    while (p < end) {
        struct slice rest = {p, (size_t)(end - p)};
        const char *lf = memchr(p, '\n', rest.n);
        if (m->mbox_line && empty_before && is_mbox_line(rest)) {
            m->mbox_more = true;
        }
        if (lf == NULL) {
            m->bare |= has_cr(p, rest.n);
            m->unended = !m->cut;
            return;
        }
        look_at_line(m, p, (size_t)(lf - p));
        empty_before = lf == p || (lf == p + 1 && *p == '\r');
        p = lf + 1;
    }
}

void mail_text_look(struct slice file, uint64_t size, struct mail_text *ret)
{
    struct mail_text m = {.cut = size > file.n};
    m.octets = behind_mbox_line(file, &m.mbox_line);
    m.wire_size = size - (file.n - m.octets.n);
    if (m.octets.n > 0) {
        m.lf_file = ends_in_lf(&m.octets);
        m.has_8bit = any_8bit(m.octets);
        look_at_lines(&m);
        m.wire_size += m.unended ? 2 : 0;
    }
    *ret = m;
}

/* ---- as it is sent ---- */

/* How much of what follows stands in one piece: up to a line's end that is LF in the file and CRLF
 * on the wire, or to where a dot may have to be doubled. */
static size_t plain_length(const struct mail_text *m, struct slice rest, bool dots)
{
    if (!m->lf_file && !dots) {
        return rest.n;
    }
    const char *lf = memchr(rest.p, '\n', rest.n);
    if (lf == NULL) {
        return rest.n;
    }
    size_t n = (size_t)(lf - rest.p);
    bool crlf = lf > m->octets.p && lf[-1] == '\r';
    return m->lf_file && !crlf ? n : n + 1;
}

/* At the beginning of a line, or at an LF that becomes CRLF: octets to be written in front. */
static size_t put_extra(const struct mail_text *m, struct mail_cursor *at, bool dots, char *to)
{
    const char *p = m->octets.p + at->at;
    if (!at->in_line && dots && *p == '.') {
        *to = '.';
        at->in_line = true;
        return 1;
    }
    bool crlf = at->at > 0 && p[-1] == '\r';
    if (m->lf_file && *p == '\n' && !crlf) {
        to[0] = '\r';
        to[1] = '\n';
        at->at++;
        at->in_line = false;
        return 2;
    }
    return 0;
}

size_t mail_text_wire(const struct mail_text *m, struct mail_cursor *at, bool dots, char *to,
                      size_t room)
{
    size_t n = 0;
    while (at->at < m->octets.n && room - n >= 2) {
        size_t extra = put_extra(m, at, dots, to + n);
        if (extra > 0) {
            n += extra;
            continue; /* perhaps at the beginning of another line now */
        }
        struct slice rest = {m->octets.p + at->at, m->octets.n - at->at};
        size_t plain = plain_length(m, rest, dots);
        plain = plain < room - n ? plain : room - n;
        memcpy(to + n, rest.p, plain);
        n += plain;
        at->at += plain;
        at->in_line = rest.p[plain - 1] != '\n';
    }
    if (at->at == m->octets.n && m->unended && !at->ended && room - n >= 2) {
        memcpy(to + n, "\r\n", 2);
        n += 2;
        at->ended = true;
    }
    return n;
}
