/* Signature fields of DKIM and ARC: what was read lies within the text and keeps its bounds, and
 * what is taken as right has all that a verifier needs. */
#include "fuzz.h"

#include <errno.h>

#include "parse/dkim_signature.h"
#include "parse/tag_list.h"

static bool within(struct slice part, struct slice text)
{
    return part.n == 0 || fuzz_within(part, text);
}

static void check(struct slice text, enum dkim_field kind)
{
    struct dkim_signature s;
    struct slice rest, name;

    int r = dkim_signature_parse(text, kind, &s);
    FUZZ_CHECK((r == 0) == (s.problem[0] == '\0'));
    FUZZ_CHECK(r == 0 || r == -EBADMSG || r == -E2BIG || (r == -ENODATA && kind == DKIM_SIGNATURE));
    FUZZ_CHECK(within(s.domain, text) && within(s.selector, text) && within(s.b, text));
    FUZZ_CHECK(within(s.hole, text) && within(s.fields, text) && within(s.chain, text));
    FUZZ_CHECK(s.b.n == 0 || fuzz_within(s.b, s.hole));
    FUZZ_CHECK(s.identity.n <= DKIM_IDENTITY_MOST && s.signature_count <= DKIM_B_MOST);
    if (r < 0) {
        return;
    }
    FUZZ_CHECK(s.domain.n > 0 && s.selector.n > 0 && s.signature_count > 0);
    FUZZ_CHECK(s.algorithm != DKIM_NO_ALGORITHM && s.expires > s.signed_at);
    if (kind == DKIM_SIGNATURE) {
        FUZZ_CHECK(memchr(s.identity.p, '@', s.identity.n) != NULL);
    } else {
        FUZZ_CHECK(s.instance > 0 && s.instance < 100);
    }
    for (rest = s.fields; kind != ARC_SEAL && tag_next_item(&rest, &name);) {
        FUZZ_CHECK((name.n > 0 || kind != DKIM_SIGNATURE) && within(name, s.fields));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {fuzz_copy(data, size), size};

    check(text, DKIM_SIGNATURE);
    check(text, ARC_MESSAGE_SIGNATURE);
    check(text, ARC_SEAL);
    free((char *)text.p);
    return 0;
}
