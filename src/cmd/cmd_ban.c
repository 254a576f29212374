/* gatepost ban, unban and bans: by hand what `ban` rules do. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/text.h"
#include "cmd/memory_at.h"
#include "cmd/state.h"
#include "conf/network.h"
#include "conf/value.h"
#include "policy/table.h"
#include "store/record_line.h"

#define DAY      ((usec_t)86400 * USEC_SEC)
#define BAN_MOST (3650 * DAY)

/* ---- whom ---- */

/* An address, with all its bits, or a network of the only size that a ban may have. */
static bool take_whom(const struct command *c, const char *text, struct conf_network *ret)
{
    if (network_parse(slice_of(text), ret) < 0) {
        (void)cmd_wrong(c, "an address or a network is expected, not", text);
        return false;
    }
    if (!network_is_address(ret) && !network_is_usual(ret)) {
        (void)fprintf(
            stderr,
            "gatepost %s: %s: only an address or a whole %s can be banned; other networks "
            "belong into a table of the policy, see gatepost-policy(5)\n",
            c->name, text, ret->addr.family == ADDR_V4 ? "/24" : "/64");
        return false;
    }
    return true;
}

static struct slice name_of(const struct conf_network *n, char ret[static MEMORY_ADDRESS_MAX])
{
    return network_is_address(n) ? memory_client_name(&n->addr, ret)
                                 : memory_network_name(&n->addr, ret);
}

/* Why it may not be banned; NULL: it may. */
static const char *exempt(const struct configuration *c, const struct conf_network *n)
{
    const struct policy_table *trusted = c->policy->fact_tables[FACT_TABLE_TRUSTED];
    const struct addr first = network_base(n).addr;
    const struct addr *a = network_is_address(n) ? &n->addr : &first;

    if (trusted != NULL && table_has_address(trusted, a) == 1) {
        return "it is in the policy's table `trusted`, whose hosts are never banned";
    }
    if (conf_is_proxy(c->conf, a)) {
        return "`proxy` names it, and clients come through it";
    }
    for (size_t i = 0; i < c->conf->proxy_count; i++) {
        if (network_has(n, &c->conf->proxies[i].addr)) {
            return "a host behind `proxy` is in it, through which clients come";
        }
    }
    return NULL;
}

/* ---- ban ---- */

static bool take_reason(const struct command *c, const char *text)
{
    const size_t n = strlen(text);

    if (n == 0 || n > RECORD_NOTE_MAX || text_clean_length(text, n) != n) {
        (void)cmd_wrong(c, "the reason is to be a text of at most 96 octets, not", text);
        return false;
    }
    return true;
}

static enum cmd_status ban(const struct memory_at *at, const struct conf_network *n, usec_t time,
                           const char *reason)
{
    char text[MEMORY_ADDRESS_MAX], until[TIME_RFC3339_MAX];
    const struct slice name = name_of(n, text);
    struct record r;

    const char *why = exempt(at->configuration, n);
    if (why != NULL) {
        (void)fprintf(stderr, "gatepost: " SLICE_FMT " cannot be banned: %s\n", SLICE_ARG(name),
                      why);
        return CMD_NO;
    }
    record_init(&r, RECORD_BAN, name, at->wall);
    r.until = at->wall + time;
    record_set_note(&r, slice_of(reason));
    memory_put(at->memory, &r); /* a shorter one too takes the place of what was there */
    const int error = memory_flush(at->memory);
    if (error < 0) {
        return memory_at_failed(at, error);
    }
    time_format_rfc3339(r.until, until);
    (void)printf(SLICE_FMT " is banned until %.19sZ\n", SLICE_ARG(name), until);
    return CMD_DONE;
}

enum cmd_status cmd_ban(const struct command *c, int argc, char **argv)
{
    struct conf_network whom;
    struct memory_at at;
    struct cmd_line line;
    enum cmd_status status;
    int64_t time;

    if (!cmd_take_line(c, argc, argv, &line, &status)) {
        return status;
    }
    if (line.operand_count < 2) {
        return cmd_wrong(c, "whom, and for how long?", "something is missing");
    }
    const char *reason = line.operand_count > 2 ? line.operands[2] : "by hand";
    if (!take_whom(c, line.operands[0], &whom)) {
        return CMD_WRONG;
    }
    if (value_parse(VALUE_TIME, slice_of(line.operands[1]), &time) < 0 || time < USEC_SEC ||
        time > BAN_MOST) {
        return cmd_wrong(c, "a time from 1s to 3650d is expected, such as 12h, not",
                         line.operands[1]);
    }
    if (!take_reason(c, reason)) {
        return CMD_WRONG;
    }
    status = memory_at_open(line.file, MEMORY_TO_MAKE, &at);
    if (status == CMD_DONE) {
        status = ban(&at, &whom, time, reason);
    }
    status = memory_at_close(&at, status);
    return status == CMD_DONE ? cmd_printed() : status;
}

/* ---- unban ---- */

struct unbanning {
    struct memory *memory;
    uint64_t count;
};

static int unban_each(void *arg, const struct record *r)
{
    struct unbanning *u = arg;

    memory_forget(u->memory, RECORD_BAN, record_name(r));
    u->count++;
    return 0;
}

static enum cmd_status unban_all(const struct memory_at *at)
{
    struct unbanning u = {at->memory, 0};
    const int r = memory_each(at->memory, RECORD_BAN, at->wall, unban_each, &u);

    if (r < 0) {
        return memory_at_failed(at, r);
    }
    (void)printf("%llu banned no more\n", (unsigned long long)u.count);
    return u.count > 0 ? CMD_DONE : CMD_NO;
}

/* 1, 0 or a negative errno. */
static int is_banned(const struct memory_at *at, struct slice name)
{
    struct record r;
    const int found = memory_look(at->memory, RECORD_BAN, name, at->wall, &r);

    return found > 0 ? r.until > at->wall : found;
}

/* By the network, which goes on. */
static void tell_network(const struct memory_at *at, const struct conf_network *n)
{
    char text[MEMORY_ADDRESS_MAX];
    const struct slice network = memory_network_name(&n->addr, text);

    if (network_is_address(n) && n->addr.family == ADDR_V4 && is_banned(at, network) > 0) {
        (void)printf("its network " SLICE_FMT " is banned still\n", SLICE_ARG(network));
    }
}

static enum cmd_status unban(const struct memory_at *at, const struct conf_network *n)
{
    char text[MEMORY_ADDRESS_MAX];
    const struct slice name = name_of(n, text);
    const int found = is_banned(at, name);

    if (found < 0) {
        return memory_at_failed(at, found);
    }
    if (found > 0) {
        memory_forget(at->memory, RECORD_BAN, name);
        (void)printf(SLICE_FMT " is banned no more\n", SLICE_ARG(name));
    } else {
        (void)fprintf(stderr, "gatepost: " SLICE_FMT " is not banned\n", SLICE_ARG(name));
    }
    tell_network(at, n);
    return found > 0 ? CMD_DONE : CMD_NO;
}

enum cmd_status cmd_unban(const struct command *c, int argc, char **argv)
{
    struct conf_network whom;
    struct memory_at at;
    struct cmd_line line;
    enum cmd_status status;

    if (!cmd_take_line(c, argc, argv, &line, &status)) {
        return status;
    }
    if (line.operand_count == 0) {
        return cmd_wrong(c, "whom?", "an address, a network, or all");
    }
    const bool all = strcmp(line.operands[0], "all") == 0;
    if (!all && !take_whom(c, line.operands[0], &whom)) {
        return CMD_WRONG;
    }
    status = memory_at_open(line.file, MEMORY_TO_CHANGE, &at);
    if (status == CMD_DONE) {
        status = all ? unban_all(&at) : unban(&at, &whom);
    }
    status = memory_at_close(&at, status);
    return status == CMD_DONE ? cmd_printed() : status;
}

/* ---- bans ---- */

struct listing {
    const struct memory_at *at;
    bool json;
    uint64_t count;
};

static int print_ban(void *arg, const struct record *r)
{
    struct listing *l = arg;
    char until[TIME_RFC3339_MAX], name[RECORD_NAME_MAX + 1];
    struct buf note = {0};

    if (r->until <= l->at->wall) {
        return 0;
    }
    l->count++;
    if (l->json) {
        record_line_write(&note, r);
        (void)printf(SLICE_FMT "\n", SLICE_ARG(buf_slice(&note)));
    } else {
        time_format_rfc3339(r->until, until);
        (void)snprintf(name, sizeof(name), SLICE_FMT, SLICE_ARG(record_name(r)));
        text_show(&note, record_note(r), RECORD_NOTE_MAX);
        (void)printf("%-43s until %.19sZ  " SLICE_FMT "\n", name, until,
                     SLICE_ARG(buf_slice(&note)));
    }
    buf_free(&note);
    return 0;
}

enum cmd_status cmd_bans(const struct command *c, int argc, char **argv)
{
    struct memory_at at;
    struct listing l = {.at = &at};
    struct cmd_line line;
    enum cmd_status status;

    if (!cmd_take_line(c, argc, argv, &line, &status)) {
        return status;
    }
    l.json = (line.options & CMD_JSON) != 0;
    status = memory_at_open(line.file, MEMORY_TO_LOOK, &at);
    if (status == CMD_DONE) {
        const int r = memory_each(at.memory, RECORD_BAN, at.wall, print_ban, &l);
        status = r < 0 ? memory_at_failed(&at, r) : l.count > 0 ? CMD_DONE : CMD_NO;
        if (status == CMD_NO) {
            (void)fprintf(stderr, "gatepost: nobody is banned\n");
        }
    }
    status = memory_at_close(&at, status);
    return status == CMD_DONE ? cmd_printed() : status;
}
