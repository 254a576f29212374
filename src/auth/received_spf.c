/* See auth/received_spf.h.
 *
 *   header-field   = "Received-SPF:" [CFWS] result FWS [comment FWS] [key-value-list] CRLF
 *   key-value-list = key-value-pair *(";" [CFWS] key-value-pair) [";"]
 *   key-value-pair = key [CFWS] "=" (dot-atom / quoted-string) */
#include "auth/received_spf.h"

#include "auth/field_writer.h"

/* What the result says, between the client and the domain. */
static const char *meaning(enum auth_result result)
{
    static const char *const meanings[AUTH_RESULT_COUNT] = {
        [AUTH_PASS] = "may send for",
        [AUTH_FAIL] = "must not send for",
        [AUTH_SOFTFAIL] = "probably must not send for",
        [AUTH_NEUTRAL] = "is not judged by",
        [AUTH_NONE] = "is not judged, without a record of",
        [AUTH_TEMPERROR] = "cannot be judged for now by the record of",
        [AUTH_PERMERROR] = "cannot be judged by the faulty record of",
    };
    return meanings[result] != NULL ? meanings[result] : "is not judged by";
}

struct slice received_spf_write(const struct received_spf *r, struct arena *arena)
{
    const struct spf_outcome *outcome = r->outcome;
    char client[ADDR_TEXT_MAX];
    struct field_writer w;

    field_begin(&w, "Received-SPF");
    field_word(&w, "%s", auth_result_name(outcome->result));
    field_comment(&w, arena_printf(arena, "%s %s " SLICE_FMT, addr_format(&r->client, client),
                                   meaning(outcome->result), SLICE_ARG(outcome->domain)));
    field_pair(&w, "receiver", r->receiver);
    field_pair(&w, "identity", slice_of(r->identity_helo ? "helo" : "mailfrom"));
    field_pair(&w, "client-ip", slice_of(client));
    field_pair(&w, "envelope-from", r->sender);
    field_pair(&w, "helo", r->helo);
    field_pair(&w, "mechanism", outcome->mechanism);
    field_pair(&w, "problem", outcome->problem);
    return field_end(&w, arena);
}
