/* Records judged anew: whatever a journal holds, a policy that asks for every kind of fact comes to
 * an end with it, says the same twice, and its verdicts have rules.
 *
 * The input is a decision line; its first octet chooses whether there is a configuration. */
#include "fuzz.h"

#include "conf/finding.h"
#include "journal/replay_range.h"

static const char policy_text[] =
    "hostname mx.example.org\nlisten 127.0.0.1:25\nroute example.org to smtp://127.0.0.1\n"
    "proxy 192.0.2.99\n"
    "table office { 192.0.2.0/24, 2001:db8::/32 }\n"
    "policy {\n"
    "at connect {\n"
    "trust when client.ip in office and not client.early and time.hour < 25\n"
    "drop silent when client.banned or client.port == 7\n"
    "wait 4s when client.sessions > 3\n"
    "reject now 554 5.7.1 \"%{listener}\" when client.network_sessions > 9 or listener == \"x\"\n"
    "doubt 1 \"early %{client.ip}\" when client.early\n"
    "}\n"
    "at helo {\n"
    "defer \"%{helo}\" when helo.form == invalid or (tls and tls.version == \"TLSv1\")\n"
    "doubt 2 \"mine\" when helo.mine or client.unpipelined\n"
    "}\n"
    "at mail {\n"
    "reject \"%{sender}\" when sender.domain ~ \"^x\" or size.declared > 5M\n"
    "doubt 1 \"null\" when sender.null and not sender.mine\n"
    "}\n"
    "at rcpt {\n"
    "pass when rcpt == \"pass@example.org\"\n"
    "trust all when rcpt.domain == \"all.example\"\n"
    "junk when route.accept_all\n"
    "reject 550 5.1.1 \"%{rcpt.answer}\" when not rcpt.known or rcpt.failures > 3\n"
    "defer now 421 4.7.0 \"%{why}\" when rcpt.answer ~ \"full\" or rcpt.count > 5\n"
    "}\n"
    "at message {\n"
    "drop \"%{header(Subject)}\" when header(\"Subject\") ~ \"a+b\" or why == \"mine\"\n"
    "defer \"cannot\" when unknown(header.count(\"X\")) and doubt > 1\n"
    "reject \"no\" when header.missing(\"From\") or size > 1M or received.count > 9\n"
    "junk when message.binary or message.longest_line > 998\n"
    "}\n"
    "}\n";

struct fixture {
    struct conf *conf;
    struct policy *policy;
    struct replay *with;
    struct replay *without;
};

static const struct fixture *fixture(void)
{
    static struct fixture f;
    struct conf_error error;
    struct findings findings;

    if (f.policy != NULL) {
        return &f;
    }
    FUZZ_CHECK(conf_parse(slice_of(policy_text), "fuzz.conf", &f.conf, &error) == 0);
    findings_init(&findings);
    FUZZ_CHECK(policy_compile(f.conf, &findings, &f.policy) == 0);
    findings_free(&findings);
    f.with = replay_new(&(struct replay_setup){.policy = f.policy, .conf = f.conf});
    f.without = replay_new(&(struct replay_setup){.policy = f.policy});
    return &f;
}

static void check_outcome(const struct replay_outcome *o)
{
    FUZZ_CHECK(o->verdict < REPLAY_VERDICT_COUNT);
    FUZZ_CHECK((o->rule.n > 0) == (o->verdict > REPLAY_PASSED));
}

/* The verdicts, as numbers, for another look. */
static size_t put_verdicts(const struct replay_outcomes *o, size_t count, unsigned char *to,
                           size_t room)
{
    to[0] = (unsigned char)o->whole.verdict;
    check_outcome(&o->whole);
    for (size_t i = 0; i < count; i++) {
        check_outcome(&o->recipients[i]);
        to[1 + i % (room - 1)] = (unsigned char)o->recipients[i].verdict;
    }
    return count + 1 < room ? count + 1 : room;
}

static void check_lines(const struct replay *p, const struct journal_record *r,
                        const struct replay_outcomes *then, const struct replay_outcomes *now)
{
    struct buf text = {0};

    replay_line_json(&text, p, r, then, now);
    json_t *object = json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
    FUZZ_CHECK(json_is_object(object));
    json_decref(object);
    text.n = 0;
    replay_line(&text, p, r, then, now);
    for (size_t i = 0; i < text.n; i++) {
        FUZZ_CHECK((unsigned char)text.p[i] >= ' ' || text.p[i] == '\n');
    }
    buf_free(&text);
}

static void judge(struct replay *p, const struct fixture *f, const struct journal_record *r,
                  struct arena *arena)
{
    unsigned char first[64], second[64];
    struct replay_outcomes then, now;
    struct replay_tally tally;

    replay_recorded(r, arena, &then);
    replay_judge(p, r, &now);
    const size_t n = put_verdicts(&now, r->recipient_count, first, sizeof(first));
    check_lines(p, r, &then, &now);
    replay_tally_init(&tally);
    replay_tally_recorded(&tally, r);
    replay_tally_times(&tally, r);
    (void)replay_tally_judged(&tally, p, r, &then, &now);
    replay_tally_free(&tally);
    replay_without(p, f->policy->rules[r->port % f->policy->rule_count]);
    replay_judge(p, r, &now);
    (void)put_verdicts(&now, r->recipient_count, second, sizeof(second));
    replay_without(p, NULL);
    replay_judge(p, r, &now);
    FUZZ_CHECK(put_verdicts(&now, r->recipient_count, second, sizeof(second)) == n);
    FUZZ_CHECK(memcmp(first, second, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fixture *f = fixture();
    struct journal_record r;
    struct arena arena;
    const char *why = NULL;

    if (size == 0) {
        return 0;
    }
    char *line = fuzz_copy(data + 1, size - 1);
    arena_init(&arena);
    if (journal_record_parse((struct slice){line, size - 1}, &arena, &r, &why) == 0) {
        judge(data[0] & 1 ? f->with : f->without, f, &r, &arena);
    }
    free(line);
    arena_free(&arena);
    return 0;
}
