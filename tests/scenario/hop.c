/* Statements for how the next hop behaves: rules that it asks before each answer, newest first. */
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

static bool find_point(const char *name, enum hop_point *ret)
{
    static const char *const names[] = {
#define X(name) #name,
        HOP_POINTS(X)
#undef X
    };
    for (unsigned i = 0; i < HOP_POINT_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum hop_point)i;
            return true;
        }
    }
    return false;
}

void hop_script(void *arg, enum hop_point point, const char *line, struct hop_move *ret)
{
    const struct hop_asks *asks = arg;
    struct run *r = asks->run;
    for (unsigned i = r->rule_count; i-- > 0;) {
        struct hop_rule *rule = &r->rules[i];
        if (rule->used_up || rule->hop != asks->hop || rule->point != point ||
            (rule->containing[0] != '\0' && strstr(line, rule->containing) == NULL)) {
            continue;
        }
        rule->used_up = rule->once;
        *ret = rule->move;
        ret->reply = rule->reply;
        return;
    }
}

/* [take] [after DURATION] [octets N] (close | reset | silent | mute | usual | REPLY) */
static void parse_action(struct run *r, struct hop_rule *rule, const char *text)
{
    for (;;) {
        if (strncmp(text, "take ", 5) == 0) {
            rule->move.take = true;
            text += 5;
        } else if (strncmp(text, "after ", 6) == 0) {
            rule->move.delay = text_duration(text + 6, &text);
            if (rule->move.delay < 0) {
                fail(r, "after DURATION");
                return;
            }
        } else if (strncmp(text, "octets ", 7) == 0) {
            char *end;
            rule->move.after = strtoul(text + 7, &end, 10);
            text = end + strspn(end, " ");
        } else {
            break;
        }
    }
    rule->move.kind = strcmp(text, "close") == 0    ? HOP_CLOSE
                      : strcmp(text, "reset") == 0  ? HOP_RESET
                      : strcmp(text, "silent") == 0 ? HOP_SILENT
                      : strcmp(text, "mute") == 0   ? HOP_MUTE
                      : strcmp(text, "usual") == 0  ? HOP_AS_USUAL
                                                    : HOP_SAY;
    /* The lines of a longer reply are separated by " | ". */
    size_t n = 0;
    for (; *text != '\0' && n < sizeof rule->reply - 3; text++) {
        if (strncmp(text, " | ", 3) == 0) {
            memcpy(rule->reply + n, "\r\n", 2);
            n += 2;
            text += 2;
        } else {
            rule->reply[n++] = *text;
        }
    }
    if (*text != '\0') {
        fail(r, "a reply of %zu octets at most", sizeof rule->reply - 3);
    }
}

/* hop [once] POINT [TEXT]: ACTION */
static void st_hop(struct run *r, const char *rest)
{
    char word[40];
    if (r->rule_count == RULES_MAX) {
        fail(r, "too many rules for the hop");
        return;
    }
    struct hop_rule rule = {.hop = r->hop, .once = strncmp(rest, "once ", 5) == 0};
    rest += rule.once ? 5 : 0;
    const char *colon = strstr(rest, ": ");
    size_t n = strcspn(rest, " :");
    snprintf(word, sizeof word, "%.*s", (int)n, rest);
    if (colon == NULL || !find_point(word, &rule.point)) {
        fail(r, "hop [once] POINT [TEXT]: ACTION");
        return;
    }
    if (rest + n < colon) {
        snprintf(rule.containing, sizeof rule.containing, "%.*s", (int)(colon - rest - (int)n - 1),
                 rest + n + 1);
    }
    parse_action(r, &rule, colon + 2);
    r->rules[r->rule_count++] = rule;
}

static void st_usual(struct run *r, const char *rest)
{
    (void)rest;
    r->rule_count = 0;
    r->hop->offers = NULL;
}

/* hop offers EXTENSION, … or nothing */
static void st_offers(struct run *r, const char *rest)
{
    static char replies[MAIL_HOPS][600]; /* one house at a time */
    unsigned i = 0;
    while (r->hops[i].hop != r->hop) {
        i++;
    }
    char *reply = replies[i];
    const size_t size = sizeof replies[i];
    size_t n = (size_t)snprintf(reply, size, "250-hop");
    if (strcmp(rest, "nothing") != 0) {
        while (*rest != '\0') {
            size_t length = strcspn(rest, ",");
            n += (size_t)snprintf(reply + n, size - n, "\r\n250-%.*s", (int)length, rest);
            rest += length;
            rest += strspn(rest, ", ");
        }
    }
    char *last = strrchr(reply, '\n');
    (last != NULL ? last + 1 : reply)[3] = ' ';
    r->hop->offers = reply;
}

/* hop certificate [good | expired | other | self-signed | none] */
static void st_certificate(struct run *r, const char *rest)
{
    char cert[128], key[128], why[200];
    struct certificate_wish wish = {.name = "hop.site.example", .begins = -7200, .expires = 3600};
    bool by_itself = strcmp(rest, "self-signed") == 0 || r->house->ca == NULL;
    r->hop->tls = tls_context_free(r->hop->tls);
    if (strcmp(rest, "none") == 0) {
        return;
    }
    wish.expires = strcmp(rest, "expired") == 0 ? -3600 : 3600;
    wish.name = strcmp(rest, "other") == 0 ? "other.site.example" : wish.name;
    snprintf(cert, sizeof cert, "%s/hop.pem", r->house->folder);
    snprintf(key, sizeof key, "%s/hop.key", r->house->folder);
    certificate_issue(by_itself ? NULL : r->house->ca, &wish, cert, key);
    if (tls_context_server(cert, key, &r->hop->tls, why, sizeof why) < 0) {
        fail(r, "%s", why);
    }
}

static void st_cut(struct run *r, const char *rest)
{
    (void)rest;
    mail_hop_cut(r->hop);
}

/* hop number N: from now on "hop …" and what is expected of the hop is about that one. */
static void st_number(struct run *r, const char *rest)
{
    unsigned long n = strtoul(rest, NULL, 10);
    if (n < 1 || n > MAIL_HOPS) {
        fail(r, "hop number 1 to 3");
        return;
    }
    r->hop = r->hops[n - 1].hop;
}

static void st_down(struct run *r, const char *rest)
{
    mail_hop_listen(r->hop, false);
    st_cut(r, rest);
}

static void st_up(struct run *r, const char *rest)
{
    (void)rest;
    mail_hop_listen(r->hop, true);
}

const struct statement hop_statements[] = {
    {"hop", st_hop},
    {"hop number", st_number},
    {"hop as usual", st_usual},
    {"hop offers", st_offers},
    {"hop certificate", st_certificate},
    {"hop cut", st_cut},
    {"hop down", st_down},
    {"hop up", st_up},
    {NULL},
};
