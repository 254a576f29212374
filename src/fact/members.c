/* The members of sets of which all are known by name: rows of tbl/traits.h, tbl/anomalies.h and
 * tbl/inspect_limits.h. What finds them is src/inspect, which has the same rows. */
#include "fact/fact.h"

#define MEMBER(ident, name, prose) {name, prose},
#define NOTHING(ident, name, prose)

static const struct fact_member mime_anomalies[] = {
#define ANOMALY         MEMBER
#define ANOMALY_READERS MEMBER
#include "tbl/anomalies.h"
#undef ANOMALY
#undef ANOMALY_READERS
#define HEADER_TRAIT MEMBER
#define HTML_TRAIT   NOTHING
#define TEXT_TRAIT   NOTHING
#define URL_TRAIT    NOTHING
#include "tbl/traits.h"
#undef HEADER_TRAIT
#undef HTML_TRAIT
};

static const struct fact_member html_traits[] = {
#define HEADER_TRAIT NOTHING
#define HTML_TRAIT   MEMBER
#include "tbl/traits.h"
#undef HTML_TRAIT
#undef TEXT_TRAIT
};

static const struct fact_member text_traits[] = {
#define HTML_TRAIT NOTHING
#define TEXT_TRAIT MEMBER
#include "tbl/traits.h"
#undef TEXT_TRAIT
#undef URL_TRAIT
};

static const struct fact_member url_traits[] = {
#define TEXT_TRAIT NOTHING
#define URL_TRAIT  MEMBER
#include "tbl/traits.h"
#undef HEADER_TRAIT
#undef HTML_TRAIT
#undef TEXT_TRAIT
#undef URL_TRAIT
};

static const struct fact_member inspect_limits[] = {
#define INSPECT_LIMIT MEMBER
#include "tbl/inspect_limits.h"
#undef INSPECT_LIMIT
};

#define ROW(ident)                                                                                 \
    {                                                                                              \
        FACT_##ident, ident, sizeof(ident) / sizeof((ident)[0])                                    \
    }

size_t fact_members(const struct fact *fact, const struct fact_member **ret)
{
    static const struct {
        enum fact_id id;
        const struct fact_member *members;
        size_t count;
    } rows[] = {ROW(mime_anomalies), ROW(html_traits), ROW(text_traits), ROW(url_traits),
                ROW(inspect_limits)};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (fact == &facts[rows[i].id]) {
            *ret = rows[i].members;
            return rows[i].count;
        }
    }
    return 0;
}
