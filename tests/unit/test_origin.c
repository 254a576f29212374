/* Whom a forwarder had a message from. */
#include "fact_world.h"

#include <stdio.h>

#include "fact/origin.h"

/* The table "forwarders" of the tests. */
static bool is_forwarder(const struct evidence *e, enum fact_table table,
                         const struct addr *address)
{
    struct addr forwarder;
    (void)e;
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), &forwarder), 0);
    if (table == FACT_TABLE_FORWARDERS && addr_same_host(address, &forwarder)) {
        return true;
    }
    assert_int_equal(addr_parse(SLICE_LIT("198.51.100.7"), &forwarder), 0);
    return table == FACT_TABLE_FORWARDERS && addr_same_host(address, &forwarder);
}

static bool has_text(const struct evidence *e, enum fact_table table, struct slice text)
{
    (void)e;
    (void)table;
    (void)text;
    return false;
}

static bool has_texts(const struct evidence *e, enum fact_table table)
{
    (void)e;
    (void)table;
    return false;
}

static struct fact_world *with_tables(void **state)
{
    static struct evidence_ops ops;
    struct fact_world *w = *state;
    ops = *w->e.ops;
    ops.table_has_address = is_forwarder;
    ops.table_has_text = has_text;
    ops.table_has_texts = has_texts;
    w->e.ops = &ops;
    return w;
}

#define BY "\r\n\tby mx.example\r\n"

static const struct {
    const char *header;
    const char *host; /* "": unknown */
    const char *helo;
} rows[] = {
    {"Received: from a.example (b [203.0.113.5])" BY "\r\n", "203.0.113.5", "a.example"},
    {"Subject: x\r\nreceived: from a.example (b [203.0.113.5])" BY
     "Received: from evil (evil [203.0.113.9])" BY "\r\n",
     "203.0.113.5", "a.example"},
    /* through hosts of its own, and another forwarder */
    {"Received: from inner (inner [10.1.2.3])" BY "Received: from me (me [127.0.0.1])" BY
     "Received: from other (other [198.51.100.7])" BY "Received: from x (x [IPv6:fd00::1])" BY
     "Received: from a.example (b [IPv6:2001:db8::5])" BY "\r\n",
     "2001:db8::5", "a.example"},
    /* nobody is named */
    {"Subject: x\r\n\r\n", "", ""},
    {"Received: by mx.example with local" BY "Received: from a (b [203.0.113.5])" BY "\r\n", "",
     ""},
    {"Received: from a.example" BY "Received: from a (b [203.0.113.5])" BY "\r\n", "", ""},
    {"Received: from inner (inner [10.1.2.3])" BY "\r\n", "", ""},
    {"\r\nReceived: from a.example (b [203.0.113.5])" BY, "", ""},
};

static void by_the_received_fields(void **state)
{
    struct fact_world *w = with_tables(state);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct message_origin origin;
        char text[ADDR_TEXT_MAX] = "";
        w->header = slice_of(rows[i].header);
        assert_int_equal(origin_read(&w->e, &origin), 0);
        assert_int_equal(origin.known, rows[i].host[0] != '\0');
        assert_int_equal(origin.forwarded, origin.known);
        if (origin.known) {
            assert_string_equal(addr_format(&origin.host, text), rows[i].host);
            assert_slice(origin.helo, rows[i].helo);
        }
    }
}

/* A chain without an end is not followed for ever. */
static void bounded(void **state)
{
    static char header[4096];
    struct fact_world *w = with_tables(state);
    struct message_origin origin;
    size_t n = 0;
    for (unsigned i = 0; i <= ORIGIN_HOPS_MOST; i++) {
        n += (size_t)snprintf(header + n, sizeof(header) - n, "Received: from a (b [%s])" BY,
                              i + 1 < ORIGIN_HOPS_MOST ? "10.0.0.1" : "203.0.113.5");
    }
    w->header = slice_of(header);
    assert_int_equal(origin_read(&w->e, &origin), 0);
    assert_true(origin.known);
    memcpy(strstr(header, "203.0.113.5"), "010.0.0.1  ", 11);
    assert_int_equal(origin_read(&w->e, &origin), 0);
    assert_false(origin.known);
}

static void without_a_header(void **state)
{
    struct fact_world *w = with_tables(state);
    struct message_origin origin;
    w->header = slice_of("Received: from a (b [203.0.113.5])" BY);
    w->header_result = -E2BIG; /* what there is of it counts */
    assert_int_equal(origin_read(&w->e, &origin), 0);
    assert_true(origin.known);
    w->header_result = -EIO;
    assert_int_equal(origin_read(&w->e, &origin), 0);
    assert_false(origin.known);
    w->header_result = -ECANCELED;
    assert_int_equal(origin_read(&w->e, &origin), -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_the_received_fields, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(bounded, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(without_a_header, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
