/* The counts of fields, whole and cut at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "parse/header.h"

static const struct {
    struct slice text;
    uint32_t received;
    bool done;
} rows[] = {
    {SLICE_LIT(""), 0, false},
    {SLICE_LIT("\r\n"), 0, true},
    {SLICE_LIT("\n"), 0, true},
    {SLICE_LIT("Received: x\r\n\r\n"), 1, true},
    {SLICE_LIT("received:x\r\nRECEIVED:\r\nrEcEiVeD: y\r\n\r\n"), 3, true},
    {SLICE_LIT("Received : x\r\nReceived\t \t: y\r\n\r\n"), 2, true},
    {SLICE_LIT("Received: from a\r\n\tby b\r\n Received: folded\r\n for c\r\nTo: d\r\n\r\n"), 1,
     true},
    {SLICE_LIT("Received\r\n : x\r\n\r\n"), 0, true},
    {SLICE_LIT("Receive: x\r\nReceiveds: x\r\nX-Received: x\r\nReceived-SPF: x\r\n\r\n"), 0, true},
    {SLICE_LIT("Subject: Received: x\r\n\r\n"), 0, true},
    {SLICE_LIT("To: a\r\n\r\nReceived: in the body\r\n\r\n"), 0, true},
    {SLICE_LIT("\r\nReceived: in the body\r\n"), 0, true},
    {SLICE_LIT("\nReceived: in the body\r\n"), 0, true},
    {SLICE_LIT("Received: a\nReceived: b\n\nReceived: in the body\n"), 2, true},
    {SLICE_LIT("\r\r\nReceived: x\r\n\r\n"), 1, true},
    {SLICE_LIT("\rReceived: x\r\nReceived: y\r\n\r\n"), 1, true},
    {SLICE_LIT(" \r\nReceived: behind a blank line that is not empty\r\n\r\n"), 1, true},
    {SLICE_LIT("Rec\r\neived: x\r\n\r\n"), 0, true},
    {SLICE_LIT("Rec\r\nReceived: x\r\n\r\n"), 1, true},
    {SLICE_LIT("Rec\nReceived: x\n\n"), 1, true},
    {SLICE_LIT("Rec\n\nReceived: x\n"), 0, true},
    {SLICE_LIT("Received\n\nReceived: x\n"), 0, true},
    {SLICE_LIT("Received: no end"), 1, false},
    {SLICE_LIT("Received:"), 1, false},
    {SLICE_LIT("Received "), 0, false},
    {SLICE_LIT("Received\0: x\r\nRecei\0ved: x\r\n\r\n"), 0, true},
    {SLICE_LIT("\0Received: x\r\n\r\n"), 0, true},
    {SLICE_LIT("Received:Received: twice in a line\r\n\r\n"), 1, true},
    {SLICE_LIT("ReReceived: x\r\nReceived: y\r\n\r\n"), 1, true},
    {SLICE_LIT("\022eceived: x\r\n\r\n"), 0, true},
};

static void test_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice text = rows[i].text;

        for (size_t cut = 0; cut <= text.n; cut++) {
            struct header_counter h;

            header_counter_init(&h);
            header_counter_feed(&h, text.p, cut);
            header_counter_feed(&h, text.p + cut, 0);
            header_counter_feed(&h, text.p + cut, text.n - cut);
            assert_int_equal(h.received, rows[i].received);
            assert_int_equal(h.done, rows[i].done);
        }
    }
}

static void test_octet_by_octet(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct header_counter h;

        header_counter_init(&h);
        for (size_t at = 0; at < rows[i].text.n; at++)
            header_counter_feed(&h, rows[i].text.p + at, 1);
        assert_int_equal(h.received, rows[i].received);
        assert_int_equal(h.done, rows[i].done);
    }
}

static void test_results(void **state)
{
    static const struct {
        const char *text;
        uint32_t results;
        bool begins_blank;
    } cases[] = {
        {"", 0, false},
        {"\r\n", 0, false},
        {" \r\n", 0, true},
        {"\tReceived: x\r\n", 0, true},
        {"Authentication-Results: x\r\nauthentication-results :\r\n\r\n", 2, false},
        {" x\r\nAUTHENTICATION-RESULTS:x", 1, true},
        {"Authentication-Results-X: x\r\nAuthentication_Results: x\r\n", 0, false},
        {"Authentication\rResults: x\r\nARC-Authentication-Results: x\r\n", 0, false},
        {"Authentication-\r\nResults: x\r\n Authentication-Results: x\r\n", 0, false},
        {"Received: a\r\n\r\nAuthentication-Results: x\r\n", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice text = slice_of(cases[i].text);

        for (size_t cut = 0; cut <= text.n; cut++) {
            struct header_counter h;

            header_counter_init(&h);
            header_counter_feed(&h, text.p, cut);
            header_counter_feed(&h, text.p + cut, text.n - cut);
            assert_int_equal(h.results, cases[i].results);
            assert_int_equal(h.begins_blank, cases[i].begins_blank);
        }
    }
}

static void test_many(void **state)
{
    struct header_counter h;

    (void)state;
    header_counter_init(&h);
    for (int i = 0; i < 100000; i++)
        header_counter_feed(&h, "Received: by x\r\n\tid y\r\n", 23);
    assert_int_equal(h.received, 100000);
    assert_false(h.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_octet_by_octet),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
