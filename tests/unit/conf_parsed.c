#include "conf_parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct conf *parsed(struct slice text)
{
    struct conf *c = NULL;
    struct conf_error error;

    if (conf_parse(text, "test.conf", &c, &error) < 0) {
        fail_msg("%s", error.text);
    }
    assert_non_null(c);
    return c;
}
