/* The configuration and its policy, with what is wrong with them told on standard error. */
#include <stdio.h>

#include "cmd/cmd.h"

int cmd_load(const char *file, struct configuration **ret, size_t *ret_warnings)
{
    struct configuration_words words;
    int r = configuration_load(file, NULL, ret, &words);

    if (words.text.n > 0) {
        (void)fwrite(words.text.p, 1, words.text.n, stderr);
    }
    *ret_warnings = words.warnings;
    buf_free(&words.text);
    return r < 0 ? -1 : 0;
}
