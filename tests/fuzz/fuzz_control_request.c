/* Requests of control clients: whatever the octets, an answer, and what is understood is what
 * stands there. */
#include "fuzz.h"

#include <errno.h>
#include <jansson.h>

#include "parse/control_request.h"

/* A second opinion, without the bound on nesting. */
static void check_understood(struct slice line, const struct control_request *r)
{
    json_t *object = json_loadb(line.p, line.n, 0, NULL);
    const char *verb = json_string_value(json_object_get(object, "do"));

    FUZZ_CHECK(json_object_size(object) == 1);
    FUZZ_CHECK(verb && strcmp(verb, control_verb_name(r->verb)) == 0);
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice line = {fuzz_copy(data, size), size};
    struct control_request r = {CONTROL_VERBS};
    char why[128] = "";
    int error = control_request_parse(line, &r, why, sizeof(why));

    FUZZ_CHECK(error == 0 || error == -EINVAL);
    FUZZ_CHECK((error == 0) == (why[0] == '\0'));
    FUZZ_CHECK((error == 0) == (r.verb != CONTROL_VERBS));
    if (error == 0) {
        check_understood(line, &r);
    }
    free((char *)line.p);
    return 0;
}
