/* Decision ids in pasted texts: as they were typed, in bounces of several mail servers, folded,
 * quoted and encoded; and words that only look like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/decision_mention.h"

#define MOST 10

/* All that is found, as "CONNECTION.T.R", "CONNECTION.T" or "CONNECTION", separated by blanks. */
static void assert_mentions(const char *text, const char *expected)
{
    struct decision_mention found[MOST];
    char all[MOST * 400] = "";
    size_t n = decision_mentions(slice_of(text), found, MOST);

    for (size_t i = 0; i < n; i++) {
        char one[400];
        const struct decision_mention *m = &found[i];
        if (m->recipient > 0) {
            snprintf(one, sizeof(one), "%s.%u.%u", m->connection, m->transaction, m->recipient);
        } else if (m->has_transaction) {
            snprintf(one, sizeof(one), "%s.%u", m->connection, m->transaction);
        } else {
            snprintf(one, sizeof(one), "%s", m->connection);
        }
        strcat(strcat(all, i > 0 ? " " : ""), one);
    }
    assert_string_equal(all, expected);
}

static void typed(void **state)
{
    (void)state;
    assert_mentions("3M0Z2QW8R10001.1", "3M0Z2QW8R10001.1");
    assert_mentions("3M0Z2QW8R10001.1.2", "3M0Z2QW8R10001.1.2");
    assert_mentions("3M0Z2QW8R10001.0", "3M0Z2QW8R10001.0");
    assert_mentions("3M0Z2QW8R10001", "3M0Z2QW8R10001");
    /* Small letters, and those that are taken for digits. */
    assert_mentions("3moz2qw8rlooiL.1", "3M0Z2QW8R10011.1");
    assert_mentions("", "");
    assert_mentions("3M0Z2QW8R1000.1", "");   /* too short */
    assert_mentions("3M0Z2QW8R100011.1", ""); /* too long */
    assert_mentions("3M0Z2QU8R10001.1", "");  /* there is no U */
    assert_mentions("3M0Z2QW8R10001.1234567890", "3M0Z2QW8R10001");
    assert_mentions("x3M0Z2QW8R10001.1", "");
    assert_mentions("3M0Z2QW8R10001.1x", "3M0Z2QW8R10001");
}

static void in_sentences(void **state)
{
    (void)state;
    assert_mentions("My mail was refused (3M0Z2QW8R10001.1). Why?", "3M0Z2QW8R10001.1");
    assert_mentions("It said \"3M0Z2QW8R10001.1.2\", and that's it.", "3M0Z2QW8R10001.1.2");
    assert_mentions("id=3M0Z2QW8R10001.12.", "3M0Z2QW8R10001.12");
    assert_mentions("<3M0Z2QW8R10001.1>", "3M0Z2QW8R10001.1");
    /* Words of fourteen letters could be one, but come last. */
    assert_mentions("The administration says [3M0Z2QW8R10001.1] 3M0Z2QW8R10002.3",
                    "3M0Z2QW8R10001.1 3M0Z2QW8R10002.3 ADM1N1STRAT10N");
    assert_mentions("not 3M0Z2QW8R10002.3, but [3M0Z2QW8R10001.1]",
                    "3M0Z2QW8R10001.1 3M0Z2QW8R10002.3");
    assert_mentions("[3M0Z2QW8R10001.1] again [3M0Z2QW8R10001.1]", "3M0Z2QW8R10001.1");
}

static void bounces(void **state)
{
    (void)state;
    /* Postfix */
    assert_mentions(
        "<anna@example.org>: host mx.example.org[192.0.2.25] said: 550 5.7.1 not for\r\n"
        "    you [3M0Z2QW8R10001.1.1] (in reply to RCPT TO command)\r\n\r\n"
        "Diagnostic-Code: smtp; 550 5.7.1 not for you [3M0Z2QW8R10001.1.1]\r\n",
        "3M0Z2QW8R10001.1.1");
    /* Folded in the middle of the id, with and without a blank. */
    assert_mentions("Diagnostic-Code: smtp; 550 5.7.1 not for you [3M0Z2QW\r\n\t8R10001.1.1]\r\n",
                    "3M0Z2QW8R10001.1.1");
    assert_mentions("550 5.7.1 no [3M0Z2QW8R10001.\n1]", "3M0Z2QW8R10001.1 3M0Z2QW8R10001");
    /* Quoted in an answer. */
    assert_mentions("> > 550 5.7.1 no [3M0Z2QW8R1\n> > 0001.1]\n", "3M0Z2QW8R10001.1");
    /* Quoted-printable: the brackets, the dots, and a soft line end. */
    assert_mentions("550 5.7.1 not for you =5B3M0Z2QW8R1=\r\n0001=2E1=2e2=5D",
                    "3M0Z2QW8R10001.1.2");
    assert_mentions("> 550 no =5B3M0Z2QW8R1=\n> 0001.1]", "3M0Z2QW8R10001.1");
    /* An equals sign in front of it is no encoding. */
    assert_mentions("id=3M0Z2QW8R10001.1", "3M0Z2QW8R10001.1");
    assert_mentions("id=3A0Z2QW\n 8R10001.1", "3A0Z2QW8R10001.1");
    /* Encoded and then folded; encoded at the end of a line, behind which another word begins. */
    assert_mentions("550 no =5B3M0Z2QW8R1\n 0001=2E1=5D", "3M0Z2QW8R10001.1");
    assert_mentions("550 no 3M0Z2QW8R1=\n0001=2E1\nDiagnostic", "3M0Z2QW8R10001.1 3M0Z2QW8R10001");
    /* A reply of several lines. */
    assert_mentions("550-5.7.1 not for you\n550 5.7.1 ask us [3M0Z2QW8R10001.2]",
                    "3M0Z2QW8R10001.2");
}

static void in_base64(void **state)
{
    (void)state;
    /* "550 5.7.1 not for you [3M0Z2QW8R10001.1.2]\r\n" */
    assert_mentions("Content-Transfer-Encoding: base64\r\n\r\n"
                    "NTUwIDUuNy4xIG5vdCBmb3IgeW91IFszTTBaMlFXOFIxMDAwMS4xLjJdDQo=\r\n",
                    "3M0Z2QW8R10001.1.2");
    /* In lines, the last one short; quoted; with blanks behind; another part behind it. */
    assert_mentions("NTUwIDUuNy4xIG5vdCBmb3Ig\neW91IFszTTBaMlFXOFIxMDAw\nMS4xLjJdDQo=\n",
                    "3M0Z2QW8R10001.1.2");
    assert_mentions(
        "> NTUwIDUuNy4xIG5vdCBmb3Ig \r\n> eW91IFszTTBaMlFXOFIxMDAw \r\n> MS4xLjJdDQo= \r\n"
        "> NTUwIDUuNy4xIG5vdCBmb3Ig\r\n",
        "3M0Z2QW8R10001.1.2");
    /* Folded before it was encoded. */
    assert_mentions("NTUwIG5vIFszTTBaMlFXOAogUjEwMDAxLjEuMl0K", "3M0Z2QW8R10001.1.2");
    /* Cut off where its last four letters are not whole, and where they are. */
    assert_mentions("NTUwIDUuNy4xIG5vdCBmb3IgeW91IFszTTBaMlFXOFIxMDAwMS4xLjJdDQ",
                    "3M0Z2QW8R10001.1.2");
    assert_mentions("NTUwIDUuNy4xIG5vdCBmb3IgeW91IFszTTBaMlFXOFIxMDAwMS4x", "3M0Z2QW8R10001.1");
    /* No base64: a mark in it, padding within, a line that is too short to begin one. */
    assert_mentions("NTUwIDUuNy4xIG5vdCBmb3IgeW91IFszTTBaMlFXOFIxMDAwMS4x*jJdDQo=", "");
    assert_mentions("NTUwIDUuNy4xIG5vdC=mb3IgeW91IFszTTBaMlFXOFIxMDAwMS4xLjJdDQo=", "");
    assert_mentions("NTUwIDUu\nNy4xIG5v\ndCBmb3Ig\neW91IFsz\nTTBaMlFX\nOFIxMDAw\nMS4xLjJd\n", "");
}

static void bounds(void **state)
{
    (void)state;
    struct decision_mention found[2];
    char *text = malloc(DECISION_MENTION_TEXT_MOST + 100);

    assert_int_equal(decision_mentions(SLICE_LIT("[00000000000001.1] [00000000000002.1] "
                                                 "[00000000000003.1]"),
                                       found, 2),
                     2);
    assert_string_equal(found[1].connection, "00000000000002");
    assert_true(found[1].in_brackets);
    memset(text, ' ', DECISION_MENTION_TEXT_MOST + 100);
    memcpy(text + DECISION_MENTION_TEXT_MOST, "[00000000000001.1]", 18);
    assert_int_equal(
        decision_mentions((struct slice){text, DECISION_MENTION_TEXT_MOST + 100}, found, 2), 0);
    memset(text, '0', DECISION_MENTION_TEXT_MOST + 100);
    assert_int_equal(
        decision_mentions((struct slice){text, DECISION_MENTION_TEXT_MOST + 100}, found, 2), 0);
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed),     cmocka_unit_test(in_sentences), cmocka_unit_test(bounces),
        cmocka_unit_test(in_base64), cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
