/* What a message's header says, and what is remarkable about it. */
#include "inspect_world.h"

#include "inspect/from_name.h"

static struct slice text_of(const struct inspect_world *w, enum finding_id id)
{
    return w->found.of[id].text;
}

static void assert_text(const struct inspect_world *w, enum finding_id id, const char *expected)
{
    const struct slice text = text_of(w, id);

    assert_int_equal(text.n, strlen(expected));
    assert_memory_equal(text.p, expected, text.n);
}

static void test_ordinary(void **state)
{
    struct inspect_world *w = *state;

    w->request.wall = 1795322970 * USEC_SEC;
    inspect_text(w, "From: =?utf-8?q?J=C3=B6rg?= Example <Joerg@Example.ORG>\n"
                    "Reply-To: <a@Other.example>, b@third.example\n"
                    "To: a@example.org\n"
                    "Date: Sun, 22 Nov 2026 04:50:30 +0000\n"
                    "Message-ID: <a@b.example>\n"
                    "Subject: =?iso-8859-1?q?caf=E9?=\n  =?iso-8859-1?q?s?= open\n\nhello\n");
    assert_text(w, FINDING_OF_FROM_ADDRESS, "Joerg@example.org");
    assert_text(w, FINDING_OF_FROM_NAME, "J\xc3\xb6rg Example");
    assert_int_equal(w->found.of[FINDING_OF_FROM_NAME_IS_ADDRESS].number, 0);
    assert_text(w, FINDING_OF_REPLY_TO_DOMAIN, "other.example");
    assert_text(w, FINDING_OF_SUBJECT, "caf\xc3\xa9s open");
    assert_int_equal(w->found.of[FINDING_OF_DATE_SKEW].number, 60 * USEC_SEC);
    assert_int_equal(w->found.of[FINDING_OF_MESSAGE_ID_FORM].number, MESSAGE_ID_NORMAL);
    assert_int_equal(w->found.of[FINDING_OF_MIME_ANOMALIES].count, 0);
}

static void test_nothing(void **state)
{
    struct inspect_world *w = *state;

    inspect_text(w, "X: y\n\nhello\n");
    assert_text(w, FINDING_OF_FROM_ADDRESS, "");
    assert_text(w, FINDING_OF_FROM_NAME, "");
    assert_text(w, FINDING_OF_SUBJECT, "");
    assert_int_equal(w->found.of[FINDING_OF_DATE_SKEW].number, 0);
    assert_int_equal(w->found.of[FINDING_OF_MESSAGE_ID_FORM].number, MESSAGE_ID_NONE);
    assert_int_equal(w->found.of[FINDING_OF_MIME_ANOMALIES].count, 0);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *from, *address, *name;
        bool other;
    } rows[] = {
        {"a@b.example", "a@b.example", "", false},
        {"a@b.example (Some Body)", "a@b.example", "Some Body", false},
        {"\"pay@bank.com\" <x@evil.org>", "x@evil.org", "pay@bank.com", true},
        {"pay@bank.com <x@evil.org>", "x@evil.org", "pay@bank.com", true},
        {"A <a@b.example>, C <c@d.example>", "a@b.example", "A", false},
        {"=?utf-8?q?pay=40bank.com?= <x@evil.org>", "x@evil.org", "pay@bank.com", true},
        {"nobody", "", "", false},
    };
    struct inspect_world *w = *state;
    char text[300];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "From: %s\n\nhello\n", rows[i].from);
        inspect_text(w, text);
        assert_text(w, FINDING_OF_FROM_ADDRESS, rows[i].address);
        assert_text(w, FINDING_OF_FROM_NAME, rows[i].name);
        assert_int_equal(w->found.of[FINDING_OF_FROM_NAME_IS_ADDRESS].number, rows[i].other);
    }
}

static void test_names(void **state)
{
    static const struct {
        const char *name, *domain;
        bool other;
    } rows[] = {
        {"Some Body", "example.org", false},
        {"somebody@example.org", "example.org", false},
        {"somebody@mail.example.org", "lists.example.org", false},
        {"somebody@example.org", "evil.org", true},
        {"Pay Bank.COM Service", "evil.org", true},
        {"bank.com", "mail.bank.com", false},
        {"bank.co.uk", "bank.com", false},
        {"www.bank.com", "bank.evil.org", true},
        {"St.John", "example.org", false},
        {"J.R. Body", "example.org", false},
        {"Dr.No", "example.org", false},
        {"readme.txt", "example.org", false},
        {"x@example.net via The List", "lists.example.org", false},
        {"first.name@", "example.org", false},
        {"bank.com@", "example.org", false},
        {"", "example.org", false},
        {"somebody@example.org", "", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(from_name_is_other(slice_of(rows[i].name), slice_of(rows[i].domain)),
                         rows[i].other);
    }
}

static void test_odd(void **state)
{
    static const struct {
        const char *header, *name;
    } rows[] = {
        {"Date: yesterday\n", "date-unreadable"},
        {"Date: x\nDate: y\n", "date-several"},
        {"Subject: x\nSubject: y\n", "subject-several"},
        {"Message-ID: <a@b>\nMessage-ID: <a@b>\n", "message-id-several"},
        {"Reply-To: a@b\nReply-To: a@b\n", "reply-to-several"},
        {"To: a@b\nTo: a@b\n", "to-several"},
        {"From: a@b\nFrom: a@b\n", "from-several"},
        {"From: nobody\n", "from-unreadable"},
        {"From: =?utf-8?q?a=40b.example?=\n", "from-obfuscated"},
        {"From: =?utf-8?q?abc?= <a@b>\n", "from-name-needlessly-encoded"},
        {"From: \xe4 <a@b>\n", "from-8bit"},
        {"Subject: =?utf-8?q?abc?=\n", "subject-needlessly-encoded"},
        {"Subject: \xe4\n", "subject-8bit"},
        {"Subject: BUY OUR THINGS NOW\n", "subject-shouting"},
        {"Subject:\n", "subject-empty"},
        {"Subject: Re: x\n", "reply-to-nothing"},
        {"To: nobody\n", "to-malformed"},
        {"X-Priority: 1\n", "priority-alone"},
        {"X-MSMail-Priority: High\n", "msmail-alone"},
    };
    struct inspect_world *w = *state;
    char text[300];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "%s\nhello\n", rows[i].header);
        inspect_text(w, text);
        assert_true(inspect_is_odd(w, rows[i].name));
    }
    inspect_text(w, "To: undisclosed-recipients:;\nSubject: Re: x\nReferences: <a@b>\n"
                    "X-Priority: 3\nX-Mailer: x\nX-MSMail-Priority: x\nX-MimeOLE: y\n\nhello\n");
    assert_int_equal(w->found.of[FINDING_OF_MIME_ANOMALIES].count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary),  cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_names),
        cmocka_unit_test(test_odd),
    };

    return cmocka_run_group_tests(tests, inspect_world_open, inspect_world_close);
}
