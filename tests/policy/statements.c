/* Statements that hear what the scenarios' would hold against a pattern. */
#include <stdlib.h>

#include "base/fatal.h"
#include "golden.h"

/* > LINE: says it and hears the reply. */
static void st_say(struct run *r, const char *rest)
{
    client_say(r, slice_of(rest));
    if (!r->failed) {
        client_expect(r, "");
    }
}

/* greeting [SLOT]: connects and hears the greeting. */
static void st_greeting(struct run *r, const char *rest)
{
    client_connect(r, rest);
    if (!r->failed) {
        client_expect(r, "");
    }
}

/* hear [N]: so many replies, which the client had not waited for. */
static void st_hear(struct run *r, const char *rest)
{
    unsigned long n = *rest != '\0' ? strtoul(rest, NULL, 10) : 1;
    if (n == 0 || !client_connected(r)) {
        fail(r, "hear [N], on a connection");
        return;
    }
    for (unsigned long i = 1; i < n && client_hear(r, rt_now() + PATIENCE); i++) {
    }
    client_expect(r, "");
}

static void note_same(struct run *r, unsigned long *same)
{
    char text[40];
    if (*same > 0) {
        int n = snprintf(text, sizeof text, "the same %lu times more", *same);
        note(r, "-", (struct slice){text, (size_t)n});
        *same = 0;
    }
}

/* replies N: the next N, of which equal ones that follow each other are written down once. */
static void st_replies(struct run *r, const char *rest)
{
    unsigned long n = strtoul(rest, NULL, 10), same = 0;
    struct buf last = {0};
    for (unsigned long i = 0; i < n && client_connected(r); i++) {
        r->quiet = true;
        bool heard = client_hear(r, rt_now() + PATIENCE);
        r->quiet = false;
        if (!heard) {
            fail(r, "only %lu replies", i);
        } else if (last.n > 0 && slice_eq(buf_slice(&last), buf_slice(&this_client(r)->reply))) {
            same++;
        } else {
            note_same(r, &same);
            note(r, "<", buf_slice(&this_client(r)->reply));
            last.n = 0;
            buf_append_slice(&last, buf_slice(&this_client(r)->reply));
        }
    }
    note_same(r, &same);
    buf_free(&last);
}

/* data ["STRING"]: DATA, a message, and its reply. */
static void st_data(struct run *r, const char *rest)
{
    if (client_data(r, rest)) {
        client_expect(r, "");
    }
}

/* time DURATION: passes, while the client listens. */
static void st_time(struct run *r, const char *rest)
{
    const char *end;
    usec_t t = text_duration(rest, &end);
    usec_t deadline = rt_now() + t;
    if (t < 0) {
        fail(r, "time DURATION");
        return;
    }
    note(r, "- time", slice_of(rest));
    while (this_client(r)->stream != NULL && client_hear(r, deadline)) {
    }
    if (this_client(r)->stream != NULL && this_client(r)->ended) {
        client_settle(r);
    }
    if (rt_now() < deadline) {
        task_sleep(deadline);
    }
}

/* rest: whatever comes until the server closes. */
static void st_rest(struct run *r, const char *rest)
{
    (void)rest;
    while (client_connected(r) && client_hear(r, rt_now() + PATIENCE)) {
    }
    if (!r->failed && !this_client(r)->ended) {
        fail(r, "the server does not close");
    }
    client_settle(r);
}

const struct statement golden_statements[] = {
    {">", st_say},     {"greeting", st_greeting}, {"hear", st_hear}, {"replies", st_replies},
    {"data", st_data}, {"time", st_time},         {"rest", st_rest}, {NULL},
};
