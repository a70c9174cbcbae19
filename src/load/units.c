/* load/units.c - times, shares and think times, read and written. */
#include "load/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS_MAX = 30 };

#define MOST_NS (1000 * 3600e9)

static const char not_a_time[] = "is not a time such as 250us, 1.5ms, 2s, 10m or 1h";
static const char too_long[] = "is more than 1,000 hours";

/* From the longest to the shortest; "m" is behind "ms" for those who read. */
static const struct {
    const char *name;
    double ns;
} units[] = { { "h", 3600e9 }, { "m", 60e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 } };

enum { UNITS = sizeof units / sizeof *units };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes digits off the front of *s, adds them to *value and returns how many there were. */
static size_t take_digits(struct cit_slice *s, double *value)
{
    size_t n = 0;

    for (; n < s->n && is_digit(s->p[n]); n++)
        *value = *value * 10 + (s->p[n] - '0');
    *s = cit_slice(s->p + n, s->n - n);
    return n;
}

/* A decimal number without sign and exponent off the front of *s; as near as a double can be up to 15 digits.
 * Not strtod(3): it takes "inf", "0x1p3" and the locale's idea of a point. */
static bool take_number(struct cit_slice *s, double *out)
{
    double value = 0;
    size_t whole = take_digits(s, &value), part = 0;

    if (whole > 0 && s->n > 0 && s->p[0] == '.') {
        *s = cit_slice(s->p + 1, s->n - 1);
        part = take_digits(s, &value);
        if (part == 0)
            return false;
    }
    if (whole == 0 || whole + part > DIGITS_MAX)
        return false;
    *out = value / pow(10, (double)part);
    return true;
}

/* The nanoseconds of a unit; without one they are seconds; 0 for an unknown one. */
static double unit_ns(struct cit_slice name)
{
    if (name.n == 0)
        return 1e9;
    for (int i = 0; i < UNITS; i++) {
        if (cit_slice_eq(name, cit_slice_str(units[i].name)))
            return units[i].ns;
    }
    return 0;
}

int cit_units_time(struct cit_slice text, int64_t *out_ns, const char **why)
{
    struct cit_slice rest = cit_slice_trim(text);
    double value = 0, unit;
    bool is_number = take_number(&rest, &value);

    unit = unit_ns(cit_slice_trim(rest));
    *why = !is_number || unit == 0 ? not_a_time : too_long;
    if (!is_number || unit == 0 || value * unit > MOST_NS)
        return CIT_EINVAL;
    *out_ns = llround(value * unit);
    return CIT_OK;
}

int cit_units_share(struct cit_slice text, double *out, const char **why)
{
    struct cit_slice rest = cit_slice_trim(text);
    double value = 0;
    bool is_number = take_number(&rest, &value);

    rest = cit_slice_trim(rest);
    if (cit_slice_eq(rest, CIT_SLICE_LIT("%")))
        value /= 100;
    else
        is_number = is_number && rest.n == 0;
    *why = is_number ? "is more than 1, which is 100%" : "is not a share such as 1%, 0.5% or 0.01";
    if (!is_number || value > 1)
        return CIT_EINVAL;
    *out = value;
    return CIT_OK;
}

/* The text between "name(" and ")"; false when it is not written so. */
static bool is_call(struct cit_slice text, const char *name, struct cit_slice *inside)
{
    size_t n = strlen(name);

    if (text.n < n + 2 || memcmp(text.p, name, n) != 0 || text.p[n] != '(' || text.p[text.n - 1] != ')')
        return false;
    *inside = cit_slice(text.p + n + 1, text.n - n - 2);
    return true;
}

/* Two times with `between` between them. */
static int take_two(struct cit_slice text, const char *between, struct cit_dist *out, const char **why)
{
    size_t n = strlen(between);
    const char *at = memmem(text.p, text.n, between, n);
    int err;

    if (at == NULL) {
        *why = "is not a think time such as 2s, 1s..3s, exp(2s) or normal(2s, 500ms)";
        return CIT_EINVAL;
    }
    err = cit_units_time(cit_slice(text.p, (size_t)(at - text.p)), &out->a_ns, why);
    if (err != CIT_OK)
        return err;
    return cit_units_time(cit_slice(at + n, text.n - n - (size_t)(at - text.p)), &out->b_ns, why);
}

static int take_range(struct cit_slice text, struct cit_dist *out, const char **why)
{
    int err = take_two(text, "..", out, why);

    if (err == CIT_OK && out->a_ns > out->b_ns) {
        *why = "goes from a longer time to a shorter one";
        err = CIT_EINVAL;
    }
    return err;
}

int cit_units_dist(struct cit_slice text, struct cit_dist *out, const char **why)
{
    struct cit_dist d = { .kind = CIT_DIST_FIXED };
    struct cit_slice inside;
    int err;

    text = cit_slice_trim(text);
    if (is_call(text, "exp", &inside)) {
        d.kind = CIT_DIST_EXPONENTIAL;
        err = cit_units_time(inside, &d.a_ns, why);
    } else if (is_call(text, "normal", &inside)) {
        d.kind = CIT_DIST_NORMAL;
        err = take_two(inside, ",", &d, why);
    } else if (text.n > 0 && is_digit(text.p[0]) && memmem(text.p, text.n, "..", 2) == NULL) {
        err = cit_units_time(text, &d.a_ns, why);
    } else {
        d.kind = CIT_DIST_UNIFORM;
        err = take_range(text, &d, why);
    }
    if (err == CIT_OK)
        *out = d;
    return err;
}

static int64_t bounded(double ns)
{
    if (!(ns > 0))
        return 0;
    return llround(ns < MOST_NS ? ns : MOST_NS);
}

int64_t cit_dist_draw(const struct cit_dist *d, struct cit_rng *rng)
{
    double a = (double)d->a_ns, b = (double)d->b_ns;

    switch (d->kind) {
    case CIT_DIST_FIXED:
        return bounded(a);
    case CIT_DIST_UNIFORM:
        return bounded(a + (b - a) * cit_rng_unit(rng));
    case CIT_DIST_EXPONENTIAL:
        return bounded(a * cit_rng_exponential(rng));
    case CIT_DIST_NORMAL:
        return bounded(a + b * cit_rng_normal(rng));
    }
    return 0;
}

/* Three digits of value without the zeros behind the point; all digits before it. */
static void three_digits(double value, char *out, size_t cap)
{
    int places = value >= 99.95 ? 0 : value >= 9.995 ? 1 : value >= 0.9995 ? 2 : 3;
    size_t n;

    (void)snprintf(out, cap, "%.*f", places, value);
    n = strlen(out);
    while (places > 0 && out[n - 1] == '0')
        out[--n] = '\0';
    if (places > 0 && out[n - 1] == '.')
        out[--n] = '\0';
}

/* Whether text, read back, is ns. */
static bool is_exact(const char *text, int64_t ns)
{
    const char *why;
    int64_t back = -1;

    return cit_units_time(cit_slice_str(text), &back, &why) == CIT_OK && back == ns;
}

/* In the longest unit that says it exactly, else in the longest that is not longer than it. */
void cit_units_time_text(int64_t ns, char out[CIT_UNITS_TEXT_MAX])
{
    bool has_one = false, is_said = ns <= 0;
    char text[CIT_UNITS_TEXT_MAX];

    memcpy(out, "0", 2);
    for (int i = 0; i < UNITS && !is_said; i++) {
        double value = (double)ns / units[i].ns;

        if ((value < 1 && i < UNITS - 1) || (value >= 1000 && has_one))
            continue;
        three_digits(value, text, 16);
        memcpy(text + strlen(text), units[i].name, strlen(units[i].name) + 1);
        is_said = is_exact(text, ns);
        if (is_said || !has_one)
            memcpy(out, text, sizeof text);
        has_one = true;
    }
}
