/* Senders' forms: never longer than the mailbox, in lower case, and the form of a form is itself.
 */
#include "fuzz.h"

#include "parse/sender_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice mailbox = {fuzz_copy(data, size), size};
    char form[SENDER_FORM_MAX], again[SENDER_FORM_MAX];
    const struct slice f = sender_form(mailbox, form);

    FUZZ_CHECK(f.n <= size && f.n <= SENDER_FORM_MAX);
    for (size_t i = 0; i < f.n; i++) {
        FUZZ_CHECK(f.p[i] < 'A' || f.p[i] > 'Z');
    }
    FUZZ_CHECK(slice_eq(sender_form(f, again), f));
    free((char *)mailbox.p);
    return 0;
}
