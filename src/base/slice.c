/* base/slice.c - comparing, trimming, splitting and reading slices. */
#include "base/slice.h"

#include <limits.h>

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;

    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool cit_slice_eq_nocase(struct cit_slice a, struct cit_slice b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct cit_slice cit_slice_trim(struct cit_slice s)
{
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    return s;
}

bool cit_slice_split(struct cit_slice *rest, char sep, struct cit_slice *item)
{
    const char *end;
    size_t n;

    if (rest->n == 0)
        return false;
    end = memchr(rest->p, sep, rest->n);
    n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    *item = cit_slice_trim(cit_slice(rest->p, n));
    if (end != NULL)
        n++;
    rest->p += n;
    rest->n -= n;
    return true;
}

bool cit_slice_u64(struct cit_slice s, unsigned long long *out)
{
    unsigned long long value = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

        if (digit > 9 || value > (ULLONG_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}
