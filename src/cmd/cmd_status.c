/* gatepost status: what a running Gatepost does just now, and what it has counted. */
#include <stdio.h>
#include <string.h>

#include "cmd/control.h"

#define LABEL "%-11s"

static long long number(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL ? value : "";
}

/* "3d 4h", "12m 5s", "1.3s", "35.0ms" */
static const char *duration(long long us, char ret[static 32])
{
    long long s = us / 1000000;

    if (s >= 86400) {
        (void)snprintf(ret, 32, "%lldd %lldh", s / 86400, s / 3600 % 24);
    } else if (s >= 3600) {
        (void)snprintf(ret, 32, "%lldh %lldm", s / 3600, s / 60 % 60);
    } else if (s >= 60) {
        (void)snprintf(ret, 32, "%lldm %llds", s / 60, s % 60);
    } else if (s >= 10) {
        (void)snprintf(ret, 32, "%llds", s);
    } else if (s >= 1) {
        (void)snprintf(ret, 32, "%lld.%llds", s, us / 100000 % 10);
    } else {
        (void)snprintf(ret, 32, "%.1fms", (double)us / 1000);
    }
    return ret;
}

static const char *size(long long octets, char ret[static 32])
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    double n = (double)octets;
    size_t unit = 0;

    while (n >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        n /= 1024;
        unit++;
    }
    (void)snprintf(ret, 32, unit == 0 ? "%.0f%s" : "%.1f%s", n, units[unit]);
    return ret;
}

static void print_numbers(const char *label, json_t *object)
{
    const char *key;
    json_t *value;

    (void)printf(LABEL, label);
    json_object_foreach(object, key, value)
    {
        (void)printf(" %s %lld ", key, (long long)json_integer_value(value));
    }
    (void)putchar('\n');
}

static void print_head(const json_t *status)
{
    const json_t *spool = json_object_get(status, "spool");
    const json_t *loop = json_object_get(status, "loop");
    char a[32], b[32];

    (void)printf("gatepost %s, process %lld since %s, configuration %lld\n",
                 text(status, "version"), number(status, "pid"), text(status, "since"),
                 number(status, "generation"));
    print_numbers("sessions", json_object_get(status, "sessions"));
    (void)printf(LABEL " %s of %s\n", "spool", size(number(spool, "used"), a),
                 size(number(spool, "limit"), b));
    const char *at = text(loop, "longest_at");
    (void)printf(LABEL " longest block %s%s%s, %s of late\n", "loop",
                 duration(number(loop, "longest_us"), a), at[0] != '\0' ? " at " : "", at,
                 duration(number(loop, "recent_us"), b));
    (void)printf(LABEL "   its own part %s, %s of late; %lld times above 5ms\n", "",
                 duration(number(loop, "own_us"), a), duration(number(loop, "own_recent_us"), b),
                 number(loop, "own_over_5ms"));
    (void)printf(LABEL " %lld lines lost\n", "decisions", number(status, "decisions_lost"));
}

static void print_journal(const json_t *j)
{
    const char *oldest = text(j, "oldest");
    const char *trouble = text(j, "trouble");
    char a[32], b[32];

    if (!json_is_object(j)) {
        (void)printf(LABEL " none is kept\n", "journal");
        return;
    }
    (void)printf(LABEL " %s: %s%s%s\n", "journal", text(j, "path"), size(number(j, "size"), a),
                 oldest[0] != '\0' ? " since " : "", oldest);
    (void)printf(LABEL "   of this run %lld stored, %lld lost, %lld refused; %s waiting\n", "",
                 number(j, "stored"), number(j, "lost"), number(j, "refused"),
                 size(number(j, "waiting"), b));
    if (trouble[0] != '\0') {
        (void)printf(LABEL "   NOT written: %s\n", "", trouble);
    }
}

static void print_memory(const json_t *m, const json_t *counters)
{
    const char *trouble = text(m, "trouble");
    char a[32], b[32];

    (void)printf(LABEL " %lld records, %s of %s; %lld made room, %lld changes lost\n", "memory",
                 number(m, "records"), size(number(m, "size"), a), size(number(m, "limit"), b),
                 number(counters, "memory_evicted"), number(counters, "memory_lost"));
    if (trouble[0] != '\0') {
        (void)printf(LABEL "   NOT kept: %s\n", "", trouble);
    }
}

static const char *bounded(const json_t *confinement, const char *what)
{
    return json_is_true(json_object_get(confinement, what)) ? "bounded" : "NOT bounded";
}

static void print_confinement(const json_t *c)
{
    if (c != NULL) {
        (void)printf(LABEL " system calls %s, files %s, ports %s, signals %s\n", "confined",
                     bounded(c, "seccomp"), bounded(c, "files"), bounded(c, "ports"),
                     bounded(c, "signals"));
    }
}

static void print_worker(const json_t *w)
{
    const json_t *sessions = json_object_get(w, "sessions");
    const char *key;
    json_t *value;
    long long all = 0;
    char age[32];

    json_object_foreach((json_t *)(uintptr_t)sessions, key, value)
    {
        all +=
            strcmp(key, "waiting") != 0 && strcmp(key, "late") != 0 ? json_integer_value(value) : 0;
    }
    (void)printf(LABEL
                 " process %-8lld age %-8s configuration %-4lld waiting %-6lld sessions %lld%s\n",
                 "worker", number(w, "pid"), duration(number(w, "age_us"), age),
                 number(w, "generation"), number(sessions, "waiting"), all,
                 json_is_true(json_object_get(w, "draining")) ? ", ending" : "");
}

static void print_hops(const json_t *list, long long unshown)
{
    const json_t *hop;
    size_t i;

    json_array_foreach(list, i, hop)
    {
        const char *since = text(hop, "since");
        const char *error = text(hop, "last_error");
        (void)printf(
            LABEL
            " %s %s%s%s: %lld in use, %lld kept, %lld waiting; %lld messages, %lld failures\n",
            "hop", text(hop, "name"), text(hop, "state"), since[0] != '\0' ? " since " : "", since,
            number(hop, "in_use"), number(hop, "kept"), number(hop, "waiting"),
            number(hop, "messages"), number(hop, "failures"));
        if (error[0] != '\0') {
            (void)printf(LABEL "   last error: %s\n", "", error);
        }
    }
    if (unshown > 0) {
        (void)printf(LABEL " %lld more are not shown\n", "", unshown);
    }
}

static void print_dns(const json_t *dns, const json_t *counters)
{
    const char *since = text(dns, "since");
    const char *trouble = text(dns, "trouble");

    if (strcmp(text(dns, "state"), "none") == 0) {
        (void)printf(LABEL " none is asked\n", "dns");
        return;
    }
    (void)printf(LABEL " %s%s%s, %s; %lld questions under way, %lld waiting\n", "dns",
                 text(dns, "state"), since[0] != '\0' ? " since " : "", since,
                 json_is_true(json_object_get(dns, "validates")) ? "validated" : "not validated",
                 number(dns, "under_way"), number(dns, "waiting"));
    (void)printf(LABEL "   %lld asked, %lld failed, %lld timed out; %lld from the cache\n", "",
                 number(counters, "dns_asked"), number(counters, "dns_failed"),
                 number(counters, "dns_timed_out"), number(counters, "dns_cached"));
    if (trouble[0] != '\0') {
        (void)printf(LABEL "   NOT working: %s\n", "", trouble);
    }
}

static void print_scanners(const json_t *list)
{
    const json_t *scanner;
    size_t i;

    json_array_foreach(list, i, scanner)
    {
        const char *since = text(scanner, "since");
        const char *error = text(scanner, "last_error");
        (void)printf(LABEL " %s %s%s%s: %lld in use, %lld waiting; %lld scanned, %lld known from "
                           "before, %lld unknown\n",
                     "scanner", text(scanner, "name"), text(scanner, "state"),
                     since[0] != '\0' ? " since " : "", since, number(scanner, "in_use"),
                     number(scanner, "waiting"), number(scanner, "scanned"),
                     number(scanner, "kept"), number(scanner, "unknown"));
        if (error[0] != '\0') {
            (void)printf(LABEL "   last error: %s\n", "", error);
        }
    }
}

static void print_lists(const json_t *lists, long long unshown)
{
    const json_t *list;
    size_t i;

    json_array_foreach(lists, i, list)
    {
        const char *since = text(list, "since");
        const char *why = text(list, "why");
        (void)printf(LABEL " %s, of %s: %s%s%s\n", "dns list", text(list, "zone"), text(list, "of"),
                     text(list, "state"), since[0] != '\0' ? " since " : "", since);
        if (why[0] != '\0') {
            (void)printf(LABEL "   it %s\n", "", why);
        }
    }
    if (unshown > 0) {
        (void)printf(LABEL " %lld more are not shown\n", "", unshown);
    }
}

/* Next hops whose yes to a recipient says nothing. */
static void print_accept_all(const json_t *list)
{
    const json_t *found;
    size_t i;

    json_array_foreach(list, i, found)
    {
        (void)printf(LABEL " %s takes any address of %s, and will bounce (gatepost.conf(5))\n",
                     "accept-all", text(found, "server"), text(found, "domain"));
    }
}

/* Those that have counted something, two in a line. */
static void print_counters(json_t *counters)
{
    const char *key;
    json_t *value;
    bool left = true;

    json_object_foreach(counters, key, value)
    {
        if (json_integer_value(value) == 0) {
            continue;
        }
        (void)printf(left ? LABEL " %-20s %-14lld" : "%s  %-20s %lld\n", left ? "counted" : "", key,
                     (long long)json_integer_value(value));
        left = !left;
    }
    if (!left) {
        (void)putchar('\n');
    }
}

static void print_status(json_t *status)
{
    json_t *workers = json_object_get(status, "workers");
    json_t *w;
    size_t i;

    print_head(status);
    print_journal(json_object_get(status, "journal"));
    print_memory(json_object_get(status, "memory"), json_object_get(status, "counters"));
    print_confinement(json_object_get(status, "confinement"));
    json_array_foreach(workers, i, w)
    {
        print_worker(w);
    }
    print_hops(json_object_get(status, "hops"), number(status, "hops_unshown"));
    print_dns(json_object_get(status, "dns"), json_object_get(status, "counters"));
    print_scanners(json_object_get(status, "scanners"));
    print_lists(json_object_get(status, "dns_lists"), number(status, "dns_lists_unshown"));
    print_accept_all(json_object_get(status, "accept_all"));
    print_counters(json_object_get(status, "counters"));
}

enum cmd_status cmd_status(const struct command *c, int argc, char **argv)
{
    struct cmd_line line;
    enum cmd_status status;
    json_t *reply = NULL;

    if (!cmd_take_line(c, argc, argv, &line, &status)) {
        return status;
    }
    status = control_ask(line.file, CONTROL_STATUS, &reply);
    if (status != CMD_DONE) {
        return status;
    }
    if ((line.options & CMD_JSON) != 0) {
        (void)json_object_del(reply, "ok");
        (void)json_dumpf(reply, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    } else {
        print_status(reply);
    }
    json_decref(reply);
    return cmd_printed();
}
