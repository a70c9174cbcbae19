/* expr/number.c - Python's float() of ASCII text.
 *
 *      blanks [+-] ( digits [. digits] | . digits ) [ e [+-] digits ] blanks
 *      blanks [+-] ( inf | infinity | nan ) blanks                      in any case
 *
 * with underscores between digits.  Numbers of at most 15 digits and a small power of ten are
 * exact in one operation (Clinger, 1990); the rest is left to strtod, which the C libraries here
 * round correctly, by way of a text that is the same in all locales: digits and an exponent, no
 * point.
 */
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/program.h"

/* More digits than decide a double: the halfway cases have 767 at most.  What is behind them only
 * matters by not being zero. */
#define DIGITS_MAX 780

/* Past any exponent that matters, whatever the number of digits before it. */
#define EXPONENT_MAX 1000000000L

/* The digits of a number without leading zeros, and the power of ten behind the last one. */
struct decimal {
    char digits[DIGITS_MAX + 1];
    unsigned count;
    bool has_digit, is_cut; /* is_cut: a digit that is not zero was left out */
    long power;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Py_ISSPACE */
static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct cit_slice trimmed(struct cit_slice s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = cit_slice(s.p + 1, s.n - 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool is_ascii(struct cit_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* ---- digits ---- */

static void add_digit(struct decimal *d, char c, bool is_fraction)
{
    d->has_digit = true;
    if (is_fraction)
        d->power--;
    if (d->count == 0 && c == '0')
        return;
    if (d->count < DIGITS_MAX) {
        d->digits[d->count++] = c;
        return;
    }
    d->is_cut |= c != '0';
    d->power++;
}

/* Digits with underscores between them, from s.p[i] on; the index behind them.  An underscore
 * elsewhere is left standing, where nothing fits it. */
static size_t read_digits(struct decimal *d, struct cit_slice s, size_t i, bool is_fraction)
{
    size_t first = i;

    for (; i < s.n; i++) {
        if (is_digit(s.p[i]))
            add_digit(d, s.p[i], is_fraction);
        else if (s.p[i] != '_' || i == first || s.p[i - 1] == '_' || i + 1 == s.n || !is_digit(s.p[i + 1]))
            break;
    }
    return i;
}

/* The same for an exponent behind its letter; 0 when it has no digit. */
static size_t read_exponent(struct cit_slice s, size_t i, long *out)
{
    bool is_negative = i < s.n && s.p[i] == '-';
    size_t first = i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
    long value = 0;

    for (; i < s.n; i++) {
        if (is_digit(s.p[i]))
            value = value < EXPONENT_MAX / 10 ? value * 10 + (s.p[i] - '0') : EXPONENT_MAX;
        else if (s.p[i] != '_' || i == first || s.p[i - 1] == '_' || i + 1 == s.n || !is_digit(s.p[i + 1]))
            break;
    }
    *out = is_negative ? -value : value;
    return i > first ? i : 0;
}

static bool read_decimal(struct decimal *d, struct cit_slice s)
{
    size_t i = read_digits(d, s, 0, false);
    long exponent = 0;

    if (i < s.n && s.p[i] == '.')
        i = read_digits(d, s, i + 1, true);
    if (!d->has_digit)
        return false;
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i = read_exponent(s, i + 1, &exponent);
        if (i == 0)
            return false;
    }
    if (i != s.n)
        return false;
    d->power += exponent;
    return true;
}

/* ---- value ---- */

/* Powers of ten a double holds exactly. */
static const double tens[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* Both numbers are exact, so the one operation rounds once. */
static bool exact(const struct decimal *d, double *out)
{
    unsigned long long value = 0;

    if (FLT_EVAL_METHOD != 0 || d->count > 15 || d->power < -22 || d->power > 22)
        return false;
    for (unsigned i = 0; i < d->count; i++)
        value = value * 10 + (unsigned)(d->digits[i] - '0');
    *out = d->power < 0 ? (double)value / tens[-d->power] : (double)value * tens[d->power];
    return true;
}

/* strtod reports overflow by errno, which is not ours to change. */
static double by_strtod(const struct decimal *d)
{
    char text[DIGITS_MAX + 32];
    int saved = errno;
    double value;

    if (d->count == 0)
        return 0.0;
    memcpy(text, d->digits, d->count);
    (void)snprintf(text + d->count, sizeof text - d->count, "%se%ld", d->is_cut ? "1" : "",
                   d->power - (d->is_cut ? 1 : 0));
    value = strtod(text, NULL);
    errno = saved;
    return value;
}

static bool is_word(struct cit_slice s, double *out)
{
    if (cit_slice_eq_nocase(s, CIT_SLICE_LIT("nan")))
        *out = (double)NAN;
    else if (cit_slice_eq_nocase(s, CIT_SLICE_LIT("inf")) || cit_slice_eq_nocase(s, CIT_SLICE_LIT("infinity")))
        *out = (double)INFINITY;
    else
        return false;
    return true;
}

/* What comes behind blanks and the sign. */
static bool read_unsigned(struct cit_slice s, double *out)
{
    struct decimal d;

    if (s.n == 0)
        return false;
    if (!is_digit(s.p[0]) && s.p[0] != '.')
        return is_word(s, out);
    d.count = 0;
    d.has_digit = d.is_cut = false;
    d.power = 0;
    if (!read_decimal(&d, s))
        return false;
    if (!exact(&d, out))
        *out = by_strtod(&d);
    return true;
}

int cit_expr_float(struct cit_slice text, double *out)
{
    struct cit_slice s = trimmed(text);
    bool has_sign = s.n > 0 && (s.p[0] == '+' || s.p[0] == '-');
    double value;

    if (has_sign)
        s = cit_slice(s.p + 1, s.n - 1);
    if (!read_unsigned(s, &value))
        return is_ascii(text) ? 0 : -1;
    *out = has_sign && s.p[-1] == '-' ? -value : value;
    return 1;
}
