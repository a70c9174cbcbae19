/* load/cookie_date.c - the dates of cookies, as leniently as RFC 6265 5.1.1 wants. */
#include "load/cookie_int.h"

#include <ctype.h>
#include <stddef.h>

enum { NOT_FOUND = -1 };

struct date {
    int64_t year;
    int month, day; /* from 0; from 1 */
    int hour, minute, second;
};

/* ---- tokens ---- */

static bool is_delimiter(unsigned char c)
{
    return c == '\t' || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40) || (c >= 0x5b && c <= 0x60) ||
           (c >= 0x7b && c <= 0x7e);
}

static bool next_token(struct cit_slice *rest, struct cit_slice *token)
{
    size_t n = 0;

    while (rest->n > 0 && is_delimiter((unsigned char)*rest->p))
        *rest = cit_slice(rest->p + 1, rest->n - 1);
    while (n < rest->n && !is_delimiter((unsigned char)rest->p[n]))
        n++;
    *token = cit_slice(rest->p, n);
    *rest = cit_slice(rest->p + n, rest->n - n);
    return n > 0;
}

/* Takes a number of `least` to `most` digits, which no further digit follows, off the front. */
static bool take_number(struct cit_slice *text, size_t least, size_t most, int *out)
{
    size_t n = 0;
    int value = 0;

    while (n < text->n && isdigit((unsigned char)text->p[n]) != 0) {
        if (n == most)
            return false;
        value = value * 10 + (text->p[n++] - '0');
    }
    if (n < least)
        return false;
    *text = cit_slice(text->p + n, text->n - n);
    *out = value;
    return true;
}

static bool take_colon(struct cit_slice *text)
{
    if (text->n == 0 || *text->p != ':')
        return false;
    *text = cit_slice(text->p + 1, text->n - 1);
    return true;
}

/* ---- parts ---- */

static bool read_time(struct cit_slice token, struct date *d)
{
    int hour, minute, second;

    if (!take_number(&token, 1, 2, &hour) || !take_colon(&token) || !take_number(&token, 1, 2, &minute) ||
        !take_colon(&token) || !take_number(&token, 1, 2, &second))
        return false;
    d->hour = hour;
    d->minute = minute;
    d->second = second;
    return true;
}

static bool read_month(struct cit_slice token, struct date *d)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    for (int i = 0; i < 12 && token.n >= 3; i++) {
        if (cit_slice_eq_nocase(cit_slice(token.p, 3), cit_slice(names + (size_t)i * 3, 3))) {
            d->month = i;
            return true;
        }
    }
    return false;
}

static bool read_year(struct cit_slice token, struct date *d)
{
    int year;

    if (!take_number(&token, 2, 4, &year))
        return false;
    if (year >= 70 && year <= 99)
        year += 1900;
    else if (year <= 69)
        year += 2000;
    d->year = year;
    return true;
}

/* A token is the first of these that it can be and that is not there yet. */
static void read_token(struct cit_slice token, struct date *d)
{
    struct cit_slice rest = token;

    if (d->hour == NOT_FOUND && read_time(token, d))
        return;
    if (d->day == NOT_FOUND && take_number(&rest, 1, 2, &d->day))
        return;
    if (d->month == NOT_FOUND && read_month(token, d))
        return;
    if (d->year == NOT_FOUND)
        (void)read_year(token, d);
}

/* ---- the calendar ---- */

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool is_real(const struct date *d)
{
    static const char lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    if (d->hour == NOT_FOUND || d->day == NOT_FOUND || d->month == NOT_FOUND || d->year == NOT_FOUND)
        return false;
    if (d->year < 1601 || d->hour > 23 || d->minute > 59 || d->second > 59 || d->day < 1)
        return false;
    return d->day <= lengths[d->month] + (d->month == 1 && is_leap(d->year) ? 1 : 0);
}

/* Days from 1970 to the day before this year begins are counted in leap years since the year 0. */
static int64_t seconds(const struct date *d)
{
    static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    int64_t last = d->year - 1;
    int64_t days = d->year * 365 + last / 4 - last / 100 + last / 400 - 719527;

    days += before[d->month] + (d->month > 1 && is_leap(d->year) ? 1 : 0) + d->day - 1;
    return ((days * 24 + d->hour) * 60 + d->minute) * 60 + d->second;
}

bool cit__cookie_date(struct cit_slice text, int64_t *out_s)
{
    struct date d = { NOT_FOUND, NOT_FOUND, NOT_FOUND, NOT_FOUND, NOT_FOUND, NOT_FOUND };
    struct cit_slice token;

    while (next_token(&text, &token))
        read_token(token, &d);
    if (!is_real(&d))
        return false;
    *out_s = seconds(&d);
    return true;
}
