/* Decision lines as the clerk gets them from a worker that is not trusted: any octets are refused
 * or become a record whose texts are whole, whose JSON is JSON, and from whose `more` all that has
 * no column comes back as it was. */
#include "fuzz.h"

#include <errno.h>
#include <jansson.h>

#include "journal/record.h"

static void check_text(struct slice text)
{
    FUZZ_CHECK(text.n == 0 || text.p[text.n] == '\0'); /* reads its first and its last octet */
    FUZZ_CHECK(text.n == 0 || text.p[0] != '\0' || text.n <= JOURNAL_LINE_MOST);
}

static void check_object(struct slice text)
{
    if (text.n == 0) {
        return;
    }
    for (size_t i = 0; i < text.n; i++) {
        FUZZ_CHECK(text.p[i] >= ' ' && text.p[i] <= 0x7f);
    }
    json_t *object = json_loadb(text.p, text.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    FUZZ_CHECK(json_is_object(object) && json_object_size(object) > 0);
    json_decref(object);
}

static void check_judgement(const struct journal_judgement *j)
{
    check_text(j->rule);
    check_text(j->why);
    check_object(j->facts);
    for (size_t i = 0; i < j->fired_count; i++) {
        check_text(j->fired[i]);
    }
    for (size_t i = 0; i < j->observed_count; i++) {
        check_text(j->observed[i]);
    }
}

static void check_hop(const struct journal_hop *a, const struct journal_hop *b)
{
    FUZZ_CHECK(slice_eq(a->failed, b->failed) && slice_eq(a->tls, b->tls));
    FUZZ_CHECK(slice_eq(a->tls_unused, b->tls_unused));
    FUZZ_CHECK(slice_eq(a->xclient_unused, b->xclient_unused));
}

static void check_recipient(const struct journal_recipient *r, struct arena *arena)
{
    struct journal_recipient again = {.more = r->more};

    FUZZ_CHECK(r->verdict.n > 0 && r->at >= -1);
    check_text(r->mailbox);
    check_text(r->text);
    check_judgement(&r->judgement);
    check_object(r->more);
    FUZZ_CHECK(journal_recipient_read_more(&again, arena) == 0);
    FUZZ_CHECK(again.delivered_before == r->delivered_before);
    check_hop(&again.hop, &r->hop);
}

static void check_record(const struct journal_record *r, struct arena *arena)
{
    struct journal_record again = {.more = r->more};

    FUZZ_CHECK(r->id.n > 0 && r->phase.n > 0 && r->verdict.n > 0);
    FUZZ_CHECK(r->code == 0 || (r->code >= 100 && r->code <= 999));
    FUZZ_CHECK(r->time >= 0 && r->duration >= 0);
    FUZZ_CHECK(r->has_transaction || (r->recipient_count == 0 && r->sender.n == 0));
    check_text(r->id);
    check_text(r->sender);
    check_text(r->text);
    check_judgement(&r->judgement);
    check_object(r->more);
    FUZZ_CHECK(journal_record_read_more(&again, arena) == 0);
    check_hop(&again.hop, &r->hop);
    FUZZ_CHECK(again.early == r->early && again.has_message == r->has_message);
    FUZZ_CHECK(slice_eq(again.unpipelined, r->unpipelined));
    FUZZ_CHECK(r->name_count <= JOURNAL_NAMES_MOST && again.name_count == r->name_count);
    for (size_t i = 0; i < r->name_count; i++) {
        FUZZ_CHECK(slice_eq(again.names[i], r->names[i]) && r->names[i].n >= 3);
    }
    FUZZ_CHECK(again.size_declared == r->size_declared && again.received == r->received);
    FUZZ_CHECK(again.longest_line == r->longest_line && again.binary == r->binary);
    FUZZ_CHECK(again.failures_before == r->failures_before);
    FUZZ_CHECK(memcmp(&again.timeline, &r->timeline, sizeof(r->timeline)) == 0); /* no padding */
    for (size_t i = 0; i < r->recipient_count; i++) {
        FUZZ_CHECK(r->recipients[i].number == i + 1);
        check_recipient(&r->recipients[i], arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = fuzz_copy(data, size);
    struct journal_record r;
    struct arena arena;
    const char *why = NULL;

    memset(&r, 0xa5, sizeof(r));
    arena_init(&arena);
    int result = journal_record_parse((struct slice){line, size}, &arena, &r, &why);
    free(line); /* nothing may point there */
    FUZZ_CHECK(result == 0 || result == -EBADMSG);
    if (result == 0) {
        check_record(&r, &arena);
    } else {
        FUZZ_CHECK(why != NULL && why[0] != '\0');
        for (size_t i = 0; i < sizeof(r); i++) {
            FUZZ_CHECK(((const unsigned char *)&r)[i] == 0xa5);
        }
    }
    arena_free(&arena);
    return 0;
}
