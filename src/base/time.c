/* Timestamps as text, always UTC. Written digit by digit from the civil calendar: no locale, no
 * time zone file, no lock, as gmtime and strftime have. */
#include "base/time.h"

#include <errno.h>
#include <stdbool.h>
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

/* The days since 1970-01-01, the other way round than civil_of. */
static int64_t days_of(const struct civil *c)
{
    unsigned year = c->year - (c->month <= 2);
    unsigned march_month = c->month > 2 ? c->month - 3 : c->month + 9;
    unsigned day_of_year = (153 * march_month + 2) / 5 + c->day - 1;

    return (int64_t)year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool is_valid(const struct civil *c)
{
    static const unsigned char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return c->year >= 1970 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= days[c->month - 1] && (c->month != 2 || c->day < 29 || is_leap(c->year)) &&
           c->hour <= 23 && c->minute <= 59 && c->second <= 59;
}

/* Takes `width` digits and the character behind them off the front. */
static bool take_digits(struct slice *text, unsigned width, char behind, unsigned *ret)
{
    unsigned value = 0;

    if (text->n <= width || text->p[width] != behind) {
        return false;
    }
    for (unsigned i = 0; i < width; i++) {
        if (text->p[i] < '0' || text->p[i] > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(text->p[i] - '0');
    }
    *text = (struct slice){text->p + width + 1, text->n - width - 1};
    *ret = value;
    return true;
}

/* What follows the second's point: digits and "Z". */
static bool take_fraction(struct slice text, usec_t *ret)
{
    usec_t value = 0, unit = USEC_SEC / 10;

    if (text.n < 2 || text.n > 10 || text.p[text.n - 1] != 'Z') {
        return false;
    }
    for (size_t i = 0; i + 1 < text.n; i++, unit /= 10) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        value += (text.p[i] - '0') * unit;
    }
    *ret = value;
    return true;
}

int time_parse_rfc3339(struct slice text, usec_t *ret_wall)
{
    struct civil c = {0};
    usec_t fraction = 0;

    if (!take_digits(&text, 4, '-', &c.year) || !take_digits(&text, 2, '-', &c.month) ||
        !take_digits(&text, 2, 'T', &c.day) || !take_digits(&text, 2, ':', &c.hour) ||
        !take_digits(&text, 2, ':', &c.minute)) {
        return -EINVAL;
    }
    if (take_digits(&text, 2, 'Z', &c.second)) {
        if (text.n > 0) {
            return -EINVAL;
        }
    } else if (!take_digits(&text, 2, '.', &c.second) || !take_fraction(text, &fraction)) {
        return -EINVAL;
    }
    if (!is_valid(&c)) {
        return -EINVAL;
    }
    int64_t seconds = ((days_of(&c) * 24 + c.hour) * 60 + c.minute) * 60 + c.second;
    *ret_wall = seconds * USEC_SEC + fraction;
    return 0;
}
