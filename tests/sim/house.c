#include "house.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "certificate.h"
#include "client/inspector.h"
#include "client/scanners.h"
#include "journal/record.h"
#include "proc/environment.h"
#include "proc/inspector_own.h"

/* More than the recipients of a message. */
#define MARKS 1100
/* Clients and networks that can be told from each other in a test. */
#define PRESENCE_CLIENTS 32

struct addr house_address(unsigned slot)
{
    return (struct addr){
        .family = ADDR_V4, .octets = {192, 0, 2, 10}, .port = (uint16_t)(25 + slot)};
}

/* ---- TLS ---- */

static struct tls_context *server_context(const char *folder)
{
    char cert[128], key[128], why[256];
    struct tls_context *c = NULL;
    snprintf(cert, sizeof cert, "%s/cert.pem", folder);
    snprintf(key, sizeof key, "%s/key.pem", folder);
    certificate_make(cert, key);
    if (tls_context_server(cert, key, &c, why, sizeof why) < 0) {
        fatal("%s", why);
    }
    return c;
}

/* ---- folders ---- */

static void remove_tree(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL) {
        char below[512];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }
        snprintf(below, sizeof below, "%s/%s", path, e->d_name);
        if (unlink(below) != 0) {
            remove_tree(below);
        }
    }
    if (d != NULL) {
        closedir(d);
    }
    rmdir(path);
}

static void make_folders(struct house *h)
{
    char path[128];
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(h->folder, sizeof h->folder, "%s/gatepost-test.XXXXXX", base);
    if (mkdtemp(h->folder) == NULL) {
        fatal("mkdtemp: %s", strerror(errno));
    }
    snprintf(path, sizeof path, "%s/spool", h->folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/mail", h->folder);
    mkdir(path, 0700);
}

/* ---- workers ---- */

/* Whatever happens in a house can be kept in the journal. */
static void check_record(struct slice line)
{
    struct arena arena;
    struct journal_record record;
    const char *why;

    arena_init(&arena);
    if (journal_record_parse(line, &arena, &record, &why) < 0) {
        panic("this is no record, for %s: " SLICE_FMT, why, SLICE_ARG(line));
    }
    arena_free(&arena);
}

static void on_decision(void *arg, struct slice line)
{
    struct house *h = arg;
    check_record(line);
    buf_append_slice(&h->decisions, line);
    buf_append(&h->decisions, "\n", 1);
}

static unsigned slot_of(const struct worker *w)
{
    return w->deliveries.owner.slot;
}

static void tell(void *arg, bool trouble, const char *line)
{
    struct house *h = arg;
    buf_printf(&h->told, "%s%s\n", trouble ? "trouble: " : "", line);
}

/* The DNS of now; NULL: none. */
static const struct zone *zone_of(const struct house *h)
{
    struct zone *const *zones = (void *)h->zones.p;
    return h->zones.n > 0 ? zones[h->zones.n / sizeof(*zones) - 1] : NULL;
}

/* As a worker has it. */
static struct resolver *resolver_for(const struct house *h, struct rt *rt)
{
    if (zone_of(h) == NULL) {
        return NULL;
    }
    struct resolver *r = resolver_of_zone(rt, zone_of(h));
    resolver_keep_answers(r, (size_t)h->conf->limits.dns_cache);
    return r;
}

/* One process for all houses, since it takes a while to begin; it dies with this one. */
static struct inspector *inspector_for(const struct house *h, struct rt *rt)
{
    static struct inspector_own *own;
    if (h->policy->inspect_work == 0 || h->conf->inspectors == 0) {
        return NULL;
    }
    if (own == NULL && inspector_own_new(h->conf, 1, &own) < 0) {
        fatal("cannot start an inspector");
    }
    return inspector_new(rt, inspector_own_door(own), true);
}

static void start_worker(struct house *h, unsigned slot)
{
    if (h->worker_count == HOUSE_WORKERS_MAX) {
        fatal("too many simulated workers");
    }
    struct worker *w = xcalloc(1, sizeof(*w));
    w->house = h;
    w->rt = sim_rt(h->sim);
    w->decisions = decision_sink_to(on_decision, h);
    const struct memory_setup memory = environment_memory(h->conf);
    w->memory = memory_open_plain(w->rt, &memory, &h->memory);
    w->deliveries = (struct delivery_host){
        .rt = w->rt,
        .conf = h->conf,
        .pools = hop_pools_new(w->rt, h->conf),
        .resolver = resolver_of_table(w->rt, buf_slice(&h->hosts)),
        .store = store_open_memory(w->rt, &h->shared),
        .marks = h->marks,
        .owner = marks_new_epoch(h->marks, (uint16_t)slot),
        .counts = &w->counts,
    };
    hop_pools_trust(w->deliveries.pools, h->hop_trust);
    hop_pools_resolve(w->deliveries.pools, w->deliveries.resolver);
    hop_pools_count_in(w->deliveries.pools, &w->counts);
    hop_pools_tell(w->deliveries.pools, tell, h);
    w->deliveries.recipients =
        recipients_new(w->rt, h->conf, w->deliveries.pools, w->deliveries.store, tell, h);
    hop_pools_remember(w->deliveries.pools, w->deliveries.store);
    marks_take_epoch(h->disarmed, w->deliveries.owner);
    store_share_disarmed(w->deliveries.store, h->disarmed, w->deliveries.owner);
    presence_new_epoch(h->shared_memory.presence, w->deliveries.owner);
    w->scanners = scanners_new(w->rt, h->conf, w->deliveries.resolver, tell, h);
    w->gate = (struct gate){
        .shared = &h->shared_memory,
        .owner = w->deliveries.owner,
        .server = &w->server,
        .descriptors = {.all = INT_MAX, .clients = INT_MAX},
    };
    w->server = (struct smtp_server){
        .rt = w->rt,
        .conf = h->conf,
        .deliveries = &w->deliveries,
        .decisions = w->decisions,
        .policy = h->policy,
        .tls = h->tls,
        .resolver = resolver_for(h, w->rt),
        .memory = w->memory,
        .tell = tell,
        .tell_arg = h,
        .counts = &w->counts,
        .gate = gate_functions(&w->gate),
        .scanners = w->scanners,
        .inspected_by = {.inspector = inspector_for(h, w->rt)},
    };
    smtp_server_init(&w->server, slot);
    struct addr at = house_address(slot);
    w->listener = sim_listen(w->rt, &at, smtp_server_accept, &w->server);
    w->tables = table_watch_new(w->rt, h->policy, tell, h);
    h->workers[h->worker_count++] = w;
}

static void free_worker(struct worker *w)
{
    sim_listener_free(w->listener);
    file_watch_free(w->tables);
    smtp_server_fini(&w->server);
    scanners_free(w->scanners);
    inspector_free(w->server.inspected_by.inspector);
    recipients_free(w->deliveries.recipients);
    hop_pools_free(w->deliveries.pools);
    if (w->killed) {
        store_abandon(w->deliveries.store);
        memory_abandon(w->memory);
    } else {
        store_close(w->deliveries.store);
        memory_close(w->memory);
    }
    resolver_free(w->deliveries.resolver);
    resolver_free(w->server.resolver);
    decision_sink_free(w->decisions);
    sim_rt_free(w->rt);
    free(w);
}

struct worker *house_worker(struct house *h, unsigned slot)
{
    for (unsigned i = h->worker_count; i-- > 0;) {
        struct worker *w = h->workers[i];
        if (slot_of(w) == slot && w->listener != NULL) {
            return w;
        }
    }
    return NULL;
}

void house_kill(struct house *h, unsigned slot)
{
    struct worker *w = house_worker(h, slot);
    w->listener = sim_listener_free(w->listener);
    w->killed = true;
    sim_kill(w->rt);
    start_worker(h, slot); /* takes the next epoch, which voids the marks of the dead */
}

void house_drain(struct house *h, unsigned slot)
{
    struct worker *w = house_worker(h, slot);
    w->listener = sim_listener_free(w->listener);
    smtp_server_drain(&w->server);
    recipients_drain(w->deliveries.recipients);
    hop_pools_drain(w->deliveries.pools);
    scanners_drain(w->scanners);
    /* The draining worker keeps its slot and its marks: the new one gets another slot, and takes
     * over the address. */
    unsigned other = 100 + h->worker_count;
    start_worker(h, other);
    struct worker *new = h->workers[h->worker_count - 1];
    sim_listener_free(new->listener);
    struct addr at = house_address(slot);
    new->listener = sim_listen(new->rt, &at, smtp_server_accept, &new->server);
}

bool house_drained(const struct house *h)
{
    for (unsigned i = 0; i < h->worker_count; i++) {
        const struct worker *w = h->workers[i];
        if (w->listener == NULL &&
            (!smtp_server_rests(&w->server) || w->deliveries.late_running > 0 ||
             !scanners_rest(w->scanners))) {
            return false;
        }
    }
    return true;
}

void house_set_hosts(struct house *h, const char *text)
{
    h->hosts.n = 0;
    buf_append(&h->hosts, text, strlen(text));
    for (unsigned i = 0; i < h->worker_count; i++) {
        resolver_set_table(h->workers[i]->deliveries.resolver, buf_slice(&h->hosts));
    }
}

void house_set_dns(struct house *h, struct zone *zone)
{
    buf_append(&h->zones, &zone, sizeof(zone));
    for (unsigned i = 0; i < h->worker_count; i++) {
        struct worker *w = h->workers[i];
        if (w->server.resolver == NULL) {
            (void)smtp_server_resolve(&w->server, resolver_for(h, w->rt));
        } else {
            resolver_set_zone(w->server.resolver, zone);
        }
    }
}

uint64_t house_stat(const struct house *h, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < h->worker_count; i++) {
        const char *stats = (const char *)&h->workers[i]->counts;
        sum += *(const uint64_t *)(const void *)(stats + offset);
    }
    return sum;
}

/* ---- the house ---- */

static struct conf *make_conf(const struct house *h, const char *text)
{
    struct buf b = {0};
    struct conf *conf = NULL;
    struct conf_error error;
    const char *at;
    while ((at = strstr(text, "@DIR@")) != NULL) {
        buf_append(&b, text, (size_t)(at - text));
        buf_printf(&b, "%s", h->folder);
        text = at + 5;
    }
    buf_printf(&b, "%s\nspool %s/spool\n", text, h->folder);
    if (memmem(b.p, b.n, "policy", 6) == NULL) {
        buf_printf(&b, "policy { }\n"); /* a test of the conversation alone */
    }
    if (memmem(b.p, b.n, "accept_all_time", 15) == NULL) {
        buf_printf(&b, "limit accept_all_time 0\n"); /* the hops of most tests accept anything */
    }
    if (conf_parse(buf_slice(&b), "test.conf", &conf, &error) < 0) {
        fatal("%s", error.text);
    }
    buf_free(&b);
    return conf;
}

static struct policy *make_policy(const struct house *h)
{
    struct findings findings;
    struct policy *policy = NULL;
    struct buf text = {0};
    findings_init(&findings);
    if (policy_compile(h->conf, &findings, &policy) < 0) {
        for (size_t i = 0; i < findings.count; i++) {
            finding_format(&findings.items[i], &text);
        }
        fatal("%.*s", (int)text.n, text.p);
    }
    findings_free(&findings);
    return policy;
}

static void make_hop_trust(struct house *h)
{
    const struct conf_hop *hop;
    char why[200];
    if (hop_trust_new(h->conf, &h->hop_trust, &hop, why, sizeof why) < 0) {
        fatal("%s: %s", hop->name, why);
    }
}

struct house *house_new(uint64_t seed, const char *text, unsigned workers, bool tls)
{
    struct house *h = xcalloc(1, sizeof(*h));
    make_folders(h);
    h->sim = sim_new(seed);
    h->outside = sim_rt(h->sim);
    if (strstr(text, "ca.pem") != NULL) {
        char path[128];
        snprintf(path, sizeof path, "%s/ca.pem", h->folder);
        h->ca = certificate_authority_new(path);
    }
    h->conf = make_conf(h, text);
    h->policy = make_policy(h);
    h->marks_memory = xcalloc(1, marks_memory(MARKS));
    h->marks = marks_init(h->marks_memory, MARKS);
    h->disarmed_memory = xcalloc(1, marks_memory(MARKS));
    h->disarmed = marks_init(h->disarmed_memory, MARKS);
    h->presence_memory = xcalloc(1, presence_memory(PRESENCE_CLIENTS));
    h->shared_memory.presence = presence_init(h->presence_memory, PRESENCE_CLIENTS);
    h->rates_memory = xcalloc(1, rates_memory(PRESENCE_CLIENTS));
    h->shared_memory.rates = rates_init(h->rates_memory, PRESENCE_CLIENTS);
    h->tls_client = tls_context_client();
    make_hop_trust(h);
    h->tls = tls ? server_context(h->folder) : NULL;
    for (unsigned i = 0; i < workers; i++) {
        start_worker(h, i);
    }
    return h;
}

struct house *house_free(struct house *h)
{
    for (unsigned i = 0; i < h->worker_count; i++) {
        free_worker(h->workers[i]);
    }
    sim_rt_free(h->outside);
    sim_free(h->sim);
    store_shared_free(h->shared);
    memory_shared_free(h->memory);
    marks_fini(h->marks);
    free(h->marks_memory);
    marks_fini(h->disarmed);
    free(h->disarmed_memory);
    presence_fini(h->shared_memory.presence);
    free(h->presence_memory);
    rates_fini(h->shared_memory.rates);
    free(h->rates_memory);
    tls_context_free(h->tls);
    tls_context_free(h->tls_client);
    hop_trust_free(h->hop_trust);
    certificate_authority_free(h->ca);
    policy_free(h->policy);
    conf_free(h->conf);
    struct zone **zones = (void *)h->zones.p;
    for (size_t i = 0; i < h->zones.n / sizeof(*zones); i++) {
        zone_free(zones[i]);
    }
    buf_free(&h->zones);
    buf_free(&h->hosts);
    buf_free(&h->told);
    buf_free(&h->decisions);
    remove_tree(h->folder);
    free(h);
    return NULL;
}
