/* See auth/result.h. */
#include "auth/result.h"

#include "base/fatal.h"

const char *auth_result_name(enum auth_result result)
{
    static const char *const names[AUTH_RESULT_COUNT] = {
        [AUTH_PASS] = "pass",           [AUTH_FAIL] = "fail",     [AUTH_SOFTFAIL] = "softfail",
        [AUTH_NEUTRAL] = "neutral",     [AUTH_NONE] = "none",     [AUTH_TEMPERROR] = "temperror",
        [AUTH_PERMERROR] = "permerror", [AUTH_POLICY] = "policy",
    };
    if (result < AUTH_RESULT_COUNT) {
        return names[result];
    }
    panic("no such result: %d", (int)result);
}
