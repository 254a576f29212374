/* hosts(5) and resolv.conf(5): words are of the text, and each name of a line with an address is in
 * the table made of it. */
#include "fuzz.h"

#include "client/host_table.h"
#include "parse/hosts_file.h"

static bool in_table(const struct host_table *t, struct slice name)
{
    struct addr found[2];
    size_t n = 0;

    return host_table_find(t, name, found, 2, &n) == HOST_FOUND && n > 0 && n <= 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {fuzz_copy(data, size), size}, rest = text, word;
    struct host_table *t = host_table_new(text, false);
    struct hosts_line line;
    size_t count = 0;

    while (hosts_next_line(&rest, &line)) {
        FUZZ_CHECK(line.word.n > 0 && fuzz_within(line.word, text) && fuzz_within(rest, text));
        while (hosts_next_word(&line.names, &word)) {
            FUZZ_CHECK(word.n > 0 && fuzz_within(word, text));
            FUZZ_CHECK(!memchr(word.p, '\n', word.n) && !memchr(word.p, '\0', word.n));
            if (line.address.family != ADDR_NONE) {
                FUZZ_CHECK(in_table(t, word));
                count++;
            }
        }
    }
    FUZZ_CHECK(rest.n == 0 && host_table_count(t) == count);
    for (rest = text; resolv_conf_next_server(&rest, &word);) {
        FUZZ_CHECK(word.n > 0 && fuzz_within(word, text));
    }
    FUZZ_CHECK(rest.n == 0);
    (void)host_table_free(t);
    free((char *)text.p);
    return 0;
}
