/* Timestamps as text, always UTC. Written digit by digit from the civil calendar: no locale, no
 * time zone file, no lock, as gmtime and strftime have. */
#include "base/time.h"

#include <string.h>

#define SECONDS_PER_DAY ((int64_t)86400)

/* The last second of the year 9999, after which a year has more digits than both forms allow. */
#define LAST_SECOND ((int64_t)253402300799)

struct civil {
    unsigned year, month, day; /* month and day from 1 */
    unsigned weekday;          /* 0 is Sunday */
    unsigned hour, minute, second, millisecond;
};

/* Times before 1970 or after 9999 are shown as the nearest representable one. */
static struct civil civil_of(usec_t wall)
{
    if (wall < 0) {
        wall = 0;
    }
    if (wall / USEC_SEC > LAST_SECOND) {
        wall = LAST_SECOND * USEC_SEC;
    }
    int64_t seconds = wall / USEC_SEC;
    unsigned days = (unsigned)(seconds / SECONDS_PER_DAY);
    unsigned rest = (unsigned)(seconds % SECONDS_PER_DAY);

    /* Years are counted from 0000-03-01, so that the leap day is the last of its year; 719468 days
     * lie between that and 1970-01-01, 146097 are in 400 years. */
    unsigned shifted = days + 719468;
    unsigned era = shifted / 146097;
    unsigned day_of_era = shifted % 146097;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned march_month = (5 * day_of_year + 2) / 153;
    unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;

    return (struct civil){
        .year = year_of_era + era * 400 + (month <= 2),
        .month = month,
        .day = day_of_year - (153 * march_month + 2) / 5 + 1,
        .weekday = (days + 4) % 7, /* 1970-01-01 was a Thursday */
        .hour = rest / 3600,
        .minute = rest / 60 % 60,
        .second = rest % 60,
        .millisecond = (unsigned)(wall / USEC_MSEC % 1000),
    };
}

static char *put_digits(char *p, unsigned value, unsigned width)
{
    for (unsigned i = width; i > 0; i--) {
        p[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return p + width;
}

static char *put_clock(char *p, const struct civil *c)
{
    p = put_digits(p, c->hour, 2);
    *p++ = ':';
    p = put_digits(p, c->minute, 2);
    *p++ = ':';
    return put_digits(p, c->second, 2);
}

void time_format_rfc5322(usec_t wall, char ret_text[static TIME_RFC5322_MAX])
{
    static const char weekdays[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c = civil_of(wall);
    char *p = ret_text;

    p = mempcpy(p, weekdays + (size_t)c.weekday * 3, 3);
    p = mempcpy(p, ", ", 2);
    p = put_digits(p, c.day, 2);
    *p++ = ' ';
    p = mempcpy(p, months + (size_t)(c.month - 1) * 3, 3);
    *p++ = ' ';
    p = put_digits(p, c.year, 4);
    *p++ = ' ';
    p = put_clock(p, &c);
    memcpy(p, " +0000", sizeof(" +0000"));
}

void time_format_rfc3339(usec_t wall, char ret_text[static TIME_RFC3339_MAX])
{
    struct civil c = civil_of(wall);
    char *p = ret_text;

    p = put_digits(p, c.year, 4);
    *p++ = '-';
    p = put_digits(p, c.month, 2);
    *p++ = '-';
    p = put_digits(p, c.day, 2);
    *p++ = 'T';
    p = put_clock(p, &c);
    *p++ = '.';
    p = put_digits(p, c.millisecond, 3);
    memcpy(p, "Z", sizeof("Z"));
}
