/* Records of the memory as they are shown. Their names and notes are of strangers. */
#include <stdio.h>

#include "base/text.h"
#include "cmd/state.h"
#include "store/record_line.h"

#define SHOWN_MOST 200

static const char *second_of(usec_t at, char ret[static TIME_RFC3339_MAX])
{
    if (at == 0) {
        return "-";
    }
    time_format_rfc3339(at, ret);
    memcpy(ret + sizeof("2026-11-22T04:49:30") - 1, "Z", sizeof("Z"));
    return ret;
}

static void print_time(const char *what, usec_t at)
{
    char text[TIME_RFC3339_MAX];

    if (at != 0) {
        (void)printf("  %-18s %s\n", what, second_of(at, text));
    }
}

static void print_text(struct slice text)
{
    struct buf b = {0};

    text_show(&b, text, SHOWN_MOST);
    (void)fwrite(b.p, 1, b.n, stdout);
    buf_free(&b);
}

static void print_days(const struct record *r)
{
    char text[TIME_RFC3339_MAX];

    if (r->days > 0) {
        time_format_rfc3339((usec_t)r->day * 86400 * USEC_SEC, text);
        (void)printf("  %-18s %u, the last %.10s\n", "days accepted on", (unsigned)r->days, text);
    }
}

static void print_counts(const struct record *r)
{
    for (int i = 0; i < TALLY_COUNT; i++) {
        if (r->tally[i] > 0) {
            (void)printf("  %-18s %.2f\n", record_tally_name((enum record_tally)i),
                         (double)r->tally[i]);
        }
    }
    for (int i = 0; i < RATE_COUNT; i++) {
        if (r->rate[i] > 0) {
            (void)printf("  %-18s %.2f an hour\n", record_rate_name((enum record_rate)i),
                         (double)r->rate[i]);
        }
    }
}

void state_print(const struct record *r, const struct record_rules *rules, usec_t wall)
{
    struct record now = *r;

    record_decay(&now, rules, wall);
    (void)printf("%s ", record_kind_name(r->kind));
    print_text(record_name(r));
    (void)printf("%s\n", record_is_proven(r) ? " (proven)" : "");
    print_time("first seen", r->first);
    print_time("last seen", r->last);
    print_time(record_has_returned(r, rules, wall) ? "returned" : "returned once", r->returned);
    print_time("until", r->until);
    print_days(r);
    print_counts(&now);
    if (r->note_n > 0) {
        (void)printf("  %-18s ", r->kind == RECORD_CLIENT ? "organisation" : "note");
        print_text(record_note(r));
        (void)putchar('\n');
    }
}

void state_print_head(void)
{
    (void)printf("%-20s  %-13s %10s %10s %5s  %s\n", "last seen", "kind", "good", "bad", "days",
                 "name");
}

void state_print_row(const struct record *r, const struct record_rules *rules, usec_t wall)
{
    char text[TIME_RFC3339_MAX];
    struct record now = *r;

    record_decay(&now, rules, wall);
    (void)printf("%-20s  %-13s %10.2f %10.2f %5u  ", second_of(r->last, text),
                 record_kind_name(r->kind), record_good(&now), record_bad(&now), (unsigned)r->days);
    print_text(record_name(r));
    if (r->until > 0) {
        (void)printf(" (until %s)", second_of(r->until, text));
    }
    (void)printf("%s%s\n", record_is_proven(r) ? " (proven)" : "",
                 record_has_returned(r, rules, wall) ? " (returned)" : "");
}

void state_print_json(const struct record *r, const struct record_rules *rules, usec_t wall)
{
    struct record now = *r;
    struct buf b = {0};
    struct emit e = {.b = &b};

    record_decay(&now, rules, wall);
    emit_object(&e, NULL);
    record_line_members(&e, r);
    emit_real(&e, "good", (float)record_good(&now));
    emit_real(&e, "bad", (float)record_bad(&now));
    emit_bool(&e, "proven", record_is_proven(r));
    emit_object_end(&e);
    (void)printf(SLICE_FMT "\n", SLICE_ARG(buf_slice(&b)));
    buf_free(&b);
}
