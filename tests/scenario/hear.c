/* What clients hear: replies, and the statements that hold them against patterns. */
#include <errno.h>
#include <string.h>

#include "scenario.h"

/* What belongs to a reply has arrived so long after it. */
#define SETTLING (20 * USEC_MSEC)

bool client_hear_more(struct client *c, usec_t deadline)
{
    if (c->ended) {
        return false;
    }
    ssize_t n = stream_read(c->stream, buf_reserve(&c->in, 4096), 4096, deadline);
    if (n > 0) {
        c->in.n += (size_t)n;
        return true;
    }
    c->ended = n != -ETIMEDOUT;
    return false;
}

/* ---- replies ---- */

/* The decision id at the end of a negative reply: "… [ID.N.N]". */
static void keep_id(struct run *r, struct slice reply)
{
    const char *open = reply.n > 0 ? memrchr(reply.p, '[', reply.n) : NULL;
    if (open == NULL || reply.p[reply.n - 1] != ']' || (reply.p[0] != '4' && reply.p[0] != '5')) {
        return;
    }
    const char *dot = strchr(open, '.');
    if (dot != NULL) {
        buf_printf(&r->reply_ids, "%.*s%.*s\n", (int)(dot - open - 1), open + 1,
                   (int)strspn(dot, ".0123456789"), dot);
    }
}

/* One line of a reply off the input: 1 when it was the last, 0 when more follow, -1 when there is
 * none. */
static int take_reply_line(struct client *c)
{
    const char *lf = c->in.n > 0 ? memchr(c->in.p, '\n', c->in.n) : NULL;
    if (lf == NULL) {
        return -1;
    }
    size_t n = (size_t)(lf - c->in.p);
    size_t text = n > 0 && c->in.p[n - 1] == '\r' ? n - 1 : n;
    bool last = text < 4 || c->in.p[3] != '-';
    if (c->reply.n > 0) {
        buf_append(&c->reply, " | ", 3);
    }
    buf_append(&c->reply, c->in.p, text);
    buf_consume(&c->in, n + 1);
    return last;
}

bool client_hear(struct run *r, usec_t deadline)
{
    struct client *c = this_client(r);
    c->reply.n = 0;
    for (;;) {
        int last = take_reply_line(c);
        if (last > 0) {
            break;
        }
        if (last < 0 && !client_hear_more(c, deadline)) {
            return false;
        }
    }
    c->replied_at = rt_now();
    buf_append(&c->reply, "", 1);
    c->reply.n--;
    if (!r->quiet) {
        note(r, "<", buf_slice(&c->reply));
    }
    keep_id(r, buf_slice(&c->reply));
    return true;
}

void client_settle(struct run *r)
{
    struct client *c = this_client(r);
    while (r->golden && c->stream != NULL) {
        usec_t deadline = rt_now() + SETTLING;
        if (client_hear(r, deadline)) {
            continue;
        }
        if (c->ended) {
            note(r, "closed", (struct slice){"", 0});
            client_end(r, c);
        }
        return;
    }
}

bool client_expect(struct run *r, const char *pattern)
{
    struct client *c = this_client(r);
    if (!client_connected(r)) {
        return false;
    }
    bool heard = client_hear(r, rt_now() + PATIENCE);
    bool fits = heard && text_matches(pattern, buf_slice(&c->reply), false);
    if (r->golden) {
        if (!heard && !c->ended) {
            note(r, "silence", (struct slice){"", 0});
        }
        client_settle(r);
    } else if (!heard) {
        fail(r, "expected \"%s\", but %s", pattern,
             c->ended ? "the server has closed" : "nothing came");
    } else if (!fits) {
        fail(r, "expected \"%s\", got \"%s\"", pattern, c->reply.p);
    }
    return fits;
}

static void st_hear(struct run *r, const char *rest)
{
    client_expect(r, rest);
}

/* rest < PATTERN || PATTERN: every reply until the server closes. */
static void st_rest(struct run *r, const char *rest)
{
    struct client *c = this_client(r);
    unsigned count = 0;
    note(r, "< rest", slice_of(rest));
    r->quiet = true;
    while (!r->failed && client_connected(r) && client_hear(r, rt_now() + PATIENCE)) {
        const char *p = rest;
        bool good = false;
        while (!good && p != NULL) {
            char pattern[200];
            const char * or = strstr(p, " || ");
            snprintf(pattern, sizeof pattern, "%.*s", (int)(or != NULL ? or -p : (int)strlen(p)),
                     p);
            good = text_matches(pattern, buf_slice(&c->reply), false);
            p = or != NULL ? or +4 : NULL;
        }
        count++;
        if (!good) {
            fail(r, "expected \"%s\", got \"%s\"", rest, c->reply.p);
        }
    }
    r->quiet = false;
    note(r, "< last", buf_slice(&c->reply));
    if (!r->failed && (!c->ended || count == 0)) {
        fail(r, "expected replies and the end of the connection");
    }
}

void client_closed(struct run *r, const char *rest)
{
    struct client *c = this_client(r);
    usec_t deadline = rt_now() + PATIENCE;
    if (!client_connected(r)) {
        return;
    }
    if (strcmp(rest, "anyhow") == 0) {
        while (client_hear_more(c, deadline)) {
        }
        c->in.n = 0;
    }
    if (client_hear(r, deadline)) {
        fail(r, "expected the end of the connection, got \"%s\"", c->reply.p);
    } else if (!c->ended || c->in.n > 0) {
        fail(r, "expected the end of the connection");
    }
    client_end(r, c);
}

static void st_silence(struct run *r, const char *rest)
{
    struct client *c = this_client(r);
    usec_t time = text_duration(rest, &rest);
    if (time < 0) {
        fail(r, "silence DURATION");
    } else if (client_connected(r) && (c->in.n > 0 || client_hear_more(c, rt_now() + time))) {
        fail(r, "expected silence, got \"%.*s\"", (int)c->in.n, c->in.p);
    } else if (c->ended) {
        fail(r, "expected silence, but the server has closed");
    }
}

static void st_has(struct run *r, const char *rest)
{
    char pattern[300];
    snprintf(pattern, sizeof pattern, "*%s", rest);
    if (!text_matches(pattern, buf_slice(&this_client(r)->reply), false)) {
        fail(r, "the reply lacks \"%s\"", rest);
    }
}

static void st_lacks(struct run *r, const char *rest)
{
    char pattern[300];
    snprintf(pattern, sizeof pattern, "*%s", rest);
    if (text_matches(pattern, buf_slice(&this_client(r)->reply), false)) {
        fail(r, "the reply has \"%s\"", rest);
    }
}

/* took 300s 301s: from the client's last octet to the reply. */
static void st_took(struct run *r, const char *rest)
{
    const struct client *c = this_client(r);
    usec_t least = text_duration(rest, &rest);
    usec_t most = least < 0 ? -1 : text_duration(rest, &rest);
    usec_t took = c->replied_at - c->spoke_at;
    if (most < 0) {
        fail(r, "took LEAST MOST");
    } else if (took < least || took > most) {
        fail(r, "the reply took %lld.%06lld s", (long long)(took / USEC_SEC),
             (long long)(took % USEC_SEC));
    }
}

const struct statement hear_statements[] = {
    {"<", st_hear},  {"rest <", st_rest}, {"closed", client_closed}, {"silence", st_silence},
    {"has", st_has}, {"lacks", st_lacks}, {"took", st_took},         {NULL},
};
