/* What a check of a sender's domain comes to: the result names of RFC 8601 2.7, as SPF, DKIM, ARC
 * and DMARC share them. The fact rows of type RESULT list the same words in the same order. */
#pragma once

enum auth_result {
    AUTH_PASS,
    AUTH_FAIL,
    AUTH_SOFTFAIL,
    AUTH_NEUTRAL,
    AUTH_NONE,
    AUTH_TEMPERROR,
    AUTH_PERMERROR,
    AUTH_POLICY,
    AUTH_RESULT_COUNT
};

/* "pass", "fail" and so on. */
const char *auth_result_name(enum auth_result result);
