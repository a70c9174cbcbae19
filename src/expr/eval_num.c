/* expr/eval_num.c - numbers: arithmetic, order, and between them and their texts. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "expr/eval_int.h"

/* 2^63: the first float above all integers of 64 bits. */
#define TWO_63 9223372036854775808.0

/* ---- arithmetic ---- */

static enum cit__outcome mod_ints(int64_t a, int64_t b, int64_t *out)
{
    if (b == 0)
        return CIT__ZERO;
    *out = b == -1 ? 0 : a % b; /* INT64_MIN % -1 traps */
    if (*out != 0 && (*out < 0) != (b < 0))
        *out += b;
    return CIT__DONE;
}

static enum cit__outcome power_ints(int64_t base, int64_t exponent, int64_t *out)
{
    int64_t result = 1;

    if (base == 0 || base == 1 || exponent == 0) {
        *out = exponent == 0 ? 1 : base;
        return CIT__DONE;
    }
    if (base == -1) {
        *out = exponent % 2 == 0 ? 1 : -1;
        return CIT__DONE;
    }
    if (exponent > 63)
        return CIT__BITS;
    for (;;) {
        if (exponent % 2 != 0 && __builtin_mul_overflow(result, base, &result))
            return CIT__BITS;
        exponent /= 2;
        if (exponent == 0)
            break;
        if (__builtin_mul_overflow(base, base, &base))
            return CIT__BITS;
    }
    *out = result;
    return CIT__DONE;
}

static enum cit__outcome power_floats(double base, double exponent, double *out)
{
    if (base == 0.0 && exponent < 0.0)
        return CIT__ZERO;
    if (base < 0.0 && isfinite(base) && isfinite(exponent) && floor(exponent) != exponent)
        return CIT__FRACTION;
    *out = pow(base, exponent);
    return CIT__DONE;
}

/* The sign is that of b, also of a zero, as in Python. */
static enum cit__outcome mod_floats(double a, double b, double *out)
{
    double rest;

    if (b == 0.0)
        return CIT__ZERO;
    rest = fmod(a, b);
    if (rest == 0.0)
        rest = copysign(0.0, b);
    else if ((rest < 0.0) != (b < 0.0))
        rest += b;
    *out = rest;
    return CIT__DONE;
}

static enum cit__outcome arith_ints(enum cit_expr_op op, int64_t a, int64_t b, int64_t *out)
{
    if (op == CIT_EXPR_ADD)
        return __builtin_add_overflow(a, b, out) ? CIT__BITS : CIT__DONE;
    if (op == CIT_EXPR_SUB)
        return __builtin_sub_overflow(a, b, out) ? CIT__BITS : CIT__DONE;
    if (op == CIT_EXPR_MUL)
        return __builtin_mul_overflow(a, b, out) ? CIT__BITS : CIT__DONE;
    return op == CIT_EXPR_MOD ? mod_ints(a, b, out) : power_ints(a, b, out);
}

static enum cit__outcome arith_floats(enum cit_expr_op op, double a, double b, double *out)
{
    if (op == CIT_EXPR_MOD)
        return mod_floats(a, b, out);
    if (op == CIT_EXPR_POW)
        return power_floats(a, b, out);
    if (op == CIT_EXPR_DIV && b == 0.0)
        return CIT__ZERO;
    *out = op == CIT_EXPR_ADD ? a + b : op == CIT_EXPR_SUB ? a - b : op == CIT_EXPR_MUL ? a * b : a / b;
    return CIT__DONE;
}

enum cit__outcome cit__arith(enum cit_expr_op op, const struct cit_expr_value *left, const struct cit_expr_value *right,
                             struct cit_expr_value *out)
{
    bool stays_int = left->kind == CIT_EXPR_V_INT && right->kind == CIT_EXPR_V_INT && op != CIT_EXPR_DIV &&
                     !(op == CIT_EXPR_POW && right->u.i < 0);
    struct cit_expr_value result = { .kind = stays_int ? CIT_EXPR_V_INT : CIT_EXPR_V_FLOAT };
    enum cit__outcome how;

    if (stays_int)
        how = arith_ints(op, left->u.i, right->u.i, &result.u.i);
    else
        how = arith_floats(op, cit__to_double(left), cit__to_double(right), &result.u.f);
    if (how == CIT__DONE)
        *out = result;
    return how;
}

/* ---- order ---- */

static int order(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int order_mixed(int64_t i, double f)
{
    int64_t whole;

    if (isnan(f))
        return 2;
    if (f >= TWO_63)
        return -1;
    if (f < -TWO_63)
        return 1;
    whole = (int64_t)f;
    if (i != whole)
        return order(i, whole);
    return ((double)whole > f) - ((double)whole < f); /* only a small float has a fraction: exact */
}

int cit__order_numbers(const struct cit_expr_value *a, const struct cit_expr_value *b)
{
    int mixed;

    if (a->kind == CIT_EXPR_V_INT && b->kind == CIT_EXPR_V_INT)
        return order(a->u.i, b->u.i);
    if (a->kind == CIT_EXPR_V_INT)
        return order_mixed(a->u.i, b->u.f);
    if (b->kind == CIT_EXPR_V_INT) {
        mixed = order_mixed(b->u.i, a->u.f);
        return mixed == 2 ? 2 : -mixed;
    }
    if (isnan(a->u.f) || isnan(b->u.f))
        return 2;
    return (a->u.f > b->u.f) - (a->u.f < b->u.f);
}

/* ---- rounding ---- */

bool cit__to_int(double f, int64_t *out)
{
    if (!(f >= -TWO_63 && f < TWO_63))
        return false;
    *out = (int64_t)f;
    return true;
}

/* rint() would follow the rounding mode of the thread. */
double cit__round_even(double f)
{
    double down = floor(f), rest = f - down;

    if (rest < 0.5 || (rest == 0.5 && fmod(down, 2.0) == 0.0))
        return copysign(down, f);
    return copysign(down + 1.0, f);
}

/* What is left of "12.50" or "1.25e+01" when only digits stay: their number. */
static size_t keep_digits(char *text)
{
    size_t n = 0;

    for (const char *p = text; *p != '\0' && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9')
            text[n++] = *p;
    text[n] = '\0';
    return n;
}

/* printf rounds the exact value; its point is the locale's and may be any character, so digits and an
 * exponent go back. */
double cit__round_decimals(double f, unsigned n)
{
    char digits[400], number[432];
    double result = f;

    if (!isfinite(f) || fabs(f) >= TWO_63)
        return f; /* there are no decimals */
    (void)snprintf(digits, sizeof digits, "%.*f", (int)n, fabs(f));
    keep_digits(digits);
    (void)snprintf(number, sizeof number, "%se-%u", digits, n);
    (void)cit_expr_float(cit_slice_str(number), &result);
    return copysign(result, f);
}

/* ---- floats as text ---- */

/* Below it a float without a fraction is shown as the integer it is: no search for fewer digits. */
#define WHOLE_MAX 1e15

enum { DIGITS_MAX = 17, REPR_POINT_MAX = 16, REPR_POINT_MIN = -4 };

/* 0.d1d2d3... times ten to the power of `point`. */
struct decimal {
    char digits[DIGITS_MAX + 8];
    size_t count;
    int point;
};

static void strip_zeros(struct decimal *d)
{
    while (d->count > 1 && d->digits[d->count - 1] == '0')
        d->digits[--d->count] = '\0';
}

static bool reads_back(const struct decimal *d, double f)
{
    char number[DIGITS_MAX + 24];
    double back;

    (void)snprintf(number, sizeof number, "%se%d", d->digits, d->point - (int)d->count);
    return cit_expr_float(cit_slice_str(number), &back) == 1 && back == f;
}

/* f > 0 in so many digits, correctly rounded. */
static void digits_of(double f, int count, struct decimal *d)
{
    char text[DIGITS_MAX + 24];
    const char *e;
    int power = 0;

    (void)snprintf(text, sizeof text, "%.*e", count - 1, f);
    e = strrchr(text, 'e');
    for (const char *p = e + 2; *p != '\0'; p++)
        power = power * 10 + (*p - '0');
    d->point = (e[1] == '-' ? -power : power) + 1;
    d->count = keep_digits(text);
    memcpy(d->digits, text, d->count + 1);
}

/* The next decimal of as many digits; false when that would need one more. */
static bool next_up(struct decimal *d)
{
    for (size_t i = d->count; i-- > 0;) {
        if (d->digits[i]++ != '9')
            return true;
        d->digits[i] = '0';
    }
    return false;
}

/* Fewest digits first.  Fifteen always survive for a normal float, so only subnormal ones can need
 * fewer than %.15e shows.  Below a power of two floats lie closer than above it: there the nearest
 * decimal may fail where the next one up reads back (2^-44 is one of 46). */
static void shortest(double f, struct decimal *d)
{
    for (int count = f < 2.2250738585072014e-308 ? 1 : 15; count < DIGITS_MAX; count++) {
        digits_of(f, count, d);
        if (reads_back(d, f) || (next_up(d) && reads_back(d, f))) {
            strip_zeros(d);
            return;
        }
    }
    digits_of(f, DIGITS_MAX, d);
    strip_zeros(d);
}

/* Python's repr(): a point where it falls among or near the digits, else an exponent. */
static size_t lay_out(const struct decimal *d, char *out)
{
    int zeros = d->point - (int)d->count;
    int n;

    if (d->point > REPR_POINT_MAX || d->point <= REPR_POINT_MIN)
        n = snprintf(out, CIT_EXPR_FLOAT_TEXT_MAX, "%c%s%se%c%02d", d->digits[0], d->count > 1 ? "." : "",
                     d->digits + 1, d->point > 0 ? '+' : '-', d->point > 0 ? d->point - 1 : 1 - d->point);
    else if (d->point <= 0)
        n = snprintf(out, CIT_EXPR_FLOAT_TEXT_MAX, "0.%.*s%s", -d->point, "000", d->digits);
    else if (zeros >= 0)
        n = snprintf(out, CIT_EXPR_FLOAT_TEXT_MAX, "%s%.*s.0", d->digits, zeros, "0000000000000000");
    else
        n = snprintf(out, CIT_EXPR_FLOAT_TEXT_MAX, "%.*s.%s", d->point, d->digits, d->digits + d->point);
    return (size_t)n;
}

size_t cit_expr_float_text(double f, char *out)
{
    struct decimal d;
    size_t sign = signbit(f) && !isnan(f) ? 1 : 0;

    out[0] = '-';
    if (isnan(f) || isinf(f)) {
        memcpy(out + sign, isnan(f) ? "nan" : "inf", 4);
        return sign + 3;
    }
    if (f == 0.0) {
        memcpy(out + sign, "0.0", 4);
        return sign + 3;
    }
    if (fabs(f) < WHOLE_MAX && floor(f) == f)
        return (size_t)snprintf(out, CIT_EXPR_FLOAT_TEXT_MAX, "%lld.0", (long long)f);
    shortest(fabs(f), &d);
    return sign + lay_out(&d, out + sign);
}

size_t cit__number_text(const struct cit_expr_value *v, char *out)
{
    size_t n;

    if (v->kind == CIT_EXPR_V_INT)
        return (size_t)snprintf(out, CIT_EXPR_FLOAT_TEXT_MAX, "%lld", (long long)v->u.i);
    n = cit_expr_float_text(v->u.f, out);
    return n > 2 && memcmp(out + n - 2, ".0", 2) == 0 ? n - 2 : n;
}

/* ---- texts as numbers ---- */

static size_t skip_digits(struct cit_slice s, size_t i)
{
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    return i;
}

/* The shape num() takes: a sign, digits on one side of a point, an exponent. */
static bool is_decimal(struct cit_slice s, bool *is_whole)
{
    size_t begin = s.n > 0 && (s.p[0] == '+' || s.p[0] == '-') ? 1 : 0;
    size_t i = skip_digits(s, begin), digits = i - begin, exponent;

    *is_whole = i == s.n;
    if (i < s.n && s.p[i] == '.') {
        size_t end = skip_digits(s, i + 1);

        digits += end - (i + 1);
        i = end;
    }
    if (digits == 0)
        return false;
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
        exponent = i;
        i = skip_digits(s, i);
        if (i == exponent)
            return false;
    }
    return i == s.n;
}

static bool read_int(struct cit_slice s, int64_t *out)
{
    bool is_negative = s.p[0] == '-';
    int64_t value = 0;

    for (size_t i = s.p[0] == '-' || s.p[0] == '+'; i < s.n; i++) {
        int digit = s.p[i] - '0';

        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, (int64_t)digit, &value)) /* below zero: INT64_MIN has no positive */
            return false;
    }
    if (!is_negative && value == INT64_MIN)
        return false;
    *out = is_negative ? value : -value;
    return true;
}

struct cit_expr_value cit__number_of_text(struct cit_slice text)
{
    struct cit_slice s = cit__text_trim(text);
    bool is_whole;
    int64_t i;
    double f;

    if (!is_decimal(s, &is_whole))
        return cit_expr_null();
    if (is_whole && read_int(s, &i))
        return cit_expr_int(i);
    if (cit_expr_float(s, &f) != 1 || !isfinite(f))
        return cit_expr_null();
    return cit_expr_real(f);
}
