/* The replies of tbl/replies.h. */
#include "route/answer.h"

static const struct answer answers[] = {
#define REPLY(name, code, enhanced, text)                                                          \
    [REPLY_##name] = {code, {enhanced, sizeof(enhanced) - 1}, {text, sizeof(text) - 1}, false},
#include "tbl/replies.h"
#undef REPLY
};

struct answer reply_answer(enum reply_name name)
{
    return answers[name];
}

int reply_find(uint16_t code, struct slice enhanced, struct slice text)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        const struct answer *a = &answers[i];
        if (a->code == code && slice_eq(a->enhanced, enhanced) && slice_eq(a->text, text)) {
            return (int)i;
        }
    }
    return -1;
}

bool answer_says_unknown(const struct answer *a)
{
    return a->code >= 500 && !a->of_mail &&
           (slice_eq(a->enhanced, SLICE_LIT("5.1.1")) ||
            slice_eq(a->enhanced, SLICE_LIT("5.1.10")) || (a->code == 550 && a->enhanced.n == 0));
}

bool answer_is_of_size(const struct answer *a)
{
    return a->code == 552 || slice_eq(a->enhanced, SLICE_LIT("5.2.2")) ||
           slice_eq(a->enhanced, SLICE_LIT("5.2.3")) || slice_eq(a->enhanced, SLICE_LIT("5.3.4"));
}
