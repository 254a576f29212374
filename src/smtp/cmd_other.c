/* The verbs that do next to nothing: RSET, NOOP, HELP, QUIT (RFC 5321 4.1.1.5, .8, .9, .10), and
 * AUTH (RFC 4954), which is not offered to other mail servers. */
#include "smtp/session.h"

void cmd_rset(struct session *s, struct slice argument)
{
    (void)argument;
    transaction_end(s);
    reply(s, REPLY_OK);
}

void cmd_noop(struct session *s, struct slice argument)
{
    (void)argument;
    reply(s, REPLY_OK);
}

void cmd_help(struct session *s, struct slice argument)
{
    (void)argument;
    static const char synopses[] =
#define VERB(name, handler, states, argument, counts, group, synopsis) synopsis "\n"
#include "tbl/verbs.h"
#undef VERB
        ;
    /* AUTH has no synopsis; its empty line is left out, and so is the last line's end. */
    struct buf lines = {0};
    for (const char *p = synopses; *p != '\0';) {
        size_t n = strcspn(p, "\n");
        if (n > 0) {
            buf_printf(&lines, "%s%.*s", lines.n > 0 ? "\n" : "", (int)n, p);
        }
        p += n + 1;
    }
    struct answer a = {.code = 214, .enhanced = SLICE_LIT("2.0.0"), .text = buf_slice(&lines)};
    reply_with(s, &a);
    buf_free(&lines);
}

void cmd_auth(struct session *s, struct slice argument)
{
    (void)argument;
    reply_error(s, REPLY_NOT_OFFERED);
}

void cmd_quit(struct session *s, struct slice argument)
{
    (void)argument;
    transaction_end(s);
    s->quit = true;
    s->quit_seen = true;
    reply(s, REPLY_BYE);
}
