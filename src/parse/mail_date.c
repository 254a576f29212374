/* See parse/mail_date.h.
 *
 *   date-time = [day-name ","] day month year hour ":" minute [":" second] zone [CFWS]
 */
#include "parse/mail_date.h"

#include <errno.h>

#include "parse/ascii.h"
#include "parse/field_cursor.h"

#define SECONDS_A_DAY 86400

struct date {
    int year, month, day; /* month and day from 1 */
    int hour, minute, second;
    int zone; /* minutes east */
};

/* Digits, `least` to `most`; how many there were, or 0. */
static int take_number(struct field_cursor *c, int least, int most, int *ret)
{
    int n = 0;
    int value = 0;

    while (n < most && ascii_is_digit(field_peek(c))) {
        value = value * 10 + (*c->at++ - '0');
        n++;
    }
    if (n < least || ascii_is_digit(field_peek(c))) {
        return 0;
    }
    *ret = value;
    return n;
}

static bool is_letter(int c)
{
    return ascii_is_let_dig(c) && !ascii_is_digit(c);
}

static struct slice take_letters(struct field_cursor *c)
{
    const char *start = c->at;

    while (is_letter(field_peek(c))) {
        c->at++;
    }
    return field_since(c, start);
}

static bool take_weekday(struct field_cursor *c)
{
    if (!is_letter(field_peek(c))) {
        return true;
    }
    if (take_letters(c).n < 3 || !field_skip_cfws(c)) {
        return false;
    }
    (void)field_skip(c, ',');
    return field_skip_cfws(c);
}

/* By its first three letters; 0 when it is none. */
static int month_of(struct slice name)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    char three[3];

    if (name.n < 3) {
        return 0;
    }
    ascii_lower_copy(three, name.p, 3);
    for (int i = 0; i < 12; i++) {
        if (memcmp(names + 3 * i, three, 3) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* Years of two and three digits by RFC 5322 4.3. */
static bool take_year(struct field_cursor *c, int *ret)
{
    int year = 0;
    const int digits = take_number(c, 2, 4, &year);

    if (digits == 2) {
        year += year < 50 ? 2000 : 1900;
    } else if (digits == 3) {
        year += 1900;
    }
    *ret = year;
    return digits > 0 && year >= 1900;
}

static bool take_day(struct field_cursor *c, struct date *d)
{
    if (take_number(c, 1, 2, &d->day) == 0 || !field_skip_cfws(c)) {
        return false;
    }
    (void)field_skip(c, '-');
    d->month = month_of(take_letters(c));
    if (d->month == 0 || !field_skip_cfws(c)) {
        return false;
    }
    (void)field_skip(c, '-');
    return take_year(c, &d->year) && field_skip_cfws(c);
}

static bool take_time(struct field_cursor *c, struct date *d)
{
    if (take_number(c, 1, 2, &d->hour) == 0 || !field_skip_cfws(c) || !field_skip(c, ':') ||
        !field_skip_cfws(c) || take_number(c, 2, 2, &d->minute) == 0 || !field_skip_cfws(c)) {
        return false;
    }
    if (!field_skip(c, ':')) {
        return true;
    }
    return field_skip_cfws(c) && take_number(c, 2, 2, &d->second) != 0 && field_skip_cfws(c);
}

/* The letters of RFC 5322 4.3 that mean something; all others are "-0000". */
static int zone_of(struct slice name)
{
    static const struct {
        char name[4];
        int hours;
    } rows[] = {{"EDT", -4}, {"EST", -5}, {"CDT", -5}, {"CST", -6},
                {"MDT", -6}, {"MST", -7}, {"PDT", -7}, {"PST", -8}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (slice_eq_nocase(name, slice_of(rows[i].name))) {
            return rows[i].hours * 60;
        }
    }
    return 0;
}

static bool take_zone(struct field_cursor *c, struct date *d)
{
    int number;
    const int sign = field_peek(c);

    if (sign != '+' && sign != '-') {
        const struct slice name = take_letters(c);
        d->zone = zone_of(name);
        return name.n > 0 && name.n <= 5;
    }
    c->at++;
    if (take_number(c, 4, 4, &number) == 0 || number % 100 > 59) {
        return false;
    }
    d->zone = (number / 100 * 60 + number % 100) * (sign == '-' ? -1 : 1);
    return true;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool in_range(const struct date *d)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int most = days[d->month - 1] + (d->month == 2 && is_leap(d->year));

    return d->day >= 1 && d->day <= most && d->hour <= 23 && d->minute <= 59 && d->second <= 60;
}

/* Days from 1970-01-01 to this one of the Gregorian calendar, counted in years that begin in
 * March. */
static int64_t days_since_1970(const struct date *d)
{
    const int64_t y = d->month > 2 ? d->year : d->year - 1;
    const int64_t m = (d->month + 9) % 12;

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + d->day - 1 - 719468;
}

int mail_date_parse(struct slice body, usec_t *ret_wall)
{
    struct field_cursor c = field_cursor_of(body);
    struct date d = {0};

    if (!field_skip_cfws(&c) || !take_weekday(&c) || !take_day(&c, &d) || !take_time(&c, &d) ||
        !take_zone(&c, &d) || !in_range(&d)) {
        return -EINVAL;
    }
    const int64_t seconds =
        days_since_1970(&d) * SECONDS_A_DAY + d.hour * 3600 + (d.minute - d.zone) * 60 + d.second;
    *ret_wall = seconds * USEC_SEC;
    return 0;
}
