/* expr/eval_text.c - texts of the native evaluator: UTF-8, counted and cut by characters.
 *
 * Data may hold bytes that are no UTF-8.  Nothing here reads past a slice because of them:
 * characters are counted by their first bytes, and a byte that fits nowhere is no blank, digit or letter.
 */
#include <string.h>

#include "expr/eval_int.h"

static bool is_first(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* ---- characters ---- */

/* A byte that belongs to no character, as Python's "surrogateescape" shows it. */
static uint32_t lone_byte(unsigned char c)
{
    return 0xdc00u + c;
}

uint32_t cit__text_code(struct cit_slice s, size_t *n)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    uint32_t code = len == 1 ? c : c & (0xffu >> (len + 1));

    *n = 1;
    if (len == 0 || len > s.n)
        return lone_byte(c);
    for (size_t i = 1; i < len; i++) {
        if (is_first(s.p[i]))
            return lone_byte(c);
        code = code << 6 | ((unsigned char)s.p[i] & 0x3fu);
    }
    *n = len;
    return code;
}

size_t cit__text_chars(struct cit_slice s)
{
    size_t count = 0;

    for (size_t i = 0; i < s.n; i++)
        count += is_first(s.p[i]);
    return count;
}

/* The byte where the next character begins. */
static size_t after_char(struct cit_slice s, size_t i)
{
    do {
        i++;
    } while (i < s.n && !is_first(s.p[i]));
    return i;
}

bool cit__text_char_at(struct cit_slice s, int64_t i, struct cit_slice *out)
{
    size_t chars = cit__text_chars(s), begin = 0;

    if (i < 0) {
        if ((uint64_t)chars < (uint64_t) - (i + 1) + 1)
            return false;
        i += (int64_t)chars;
    }
    if ((uint64_t)i >= chars)
        return false;
    while (begin < s.n && !is_first(s.p[begin]))
        begin++;
    for (; i > 0; i--)
        begin = after_char(s, begin);
    *out = cit_slice(s.p + begin, after_char(s, begin) - begin);
    return true;
}

/* Order of UTF-8 bytes is order of code points. */
int cit__text_order(struct cit_slice a, struct cit_slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* ---- classes ---- */

bool cit__is_blank(uint32_t code)
{
    static const struct {
        uint16_t first, last;
    } blanks[] = {
        { 0x09, 0x0d },     { 0x1c, 0x20 },     { 0x85, 0x85 },     { 0xa0, 0xa0 },     { 0x1680, 0x1680 },
        { 0x2000, 0x200a }, { 0x2028, 0x2029 }, { 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x3000, 0x3000 },
    };

    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++)
        if (code >= blanks[i].first && code <= blanks[i].last)
            return true;
    return false;
}

/* The zeros of Unicode 14's decimal digits (category Nd); each has its nine behind it. */
int cit__decimal_digit(uint32_t code)
{
    static const uint32_t zeros[] = {
        0x30,    0x660,   0x6f0,   0x7c0,   0x966,   0x9e6,   0xa66,   0xae6,   0xb66,   0xbe6,   0xc66,
        0xce6,   0xd66,   0xde6,   0xe50,   0xed0,   0xf20,   0x1040,  0x1090,  0x17e0,  0x1810,  0x1946,
        0x19d0,  0x1a80,  0x1a90,  0x1b50,  0x1bb0,  0x1c40,  0x1c50,  0xa620,  0xa8d0,  0xa900,  0xa9d0,
        0xa9f0,  0xaa50,  0xabf0,  0xff10,  0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
        0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60,
        0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
    };

    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0] && zeros[i] <= code; i++)
        if (code - zeros[i] < 10)
            return (int)(code - zeros[i]);
    return -1;
}

/* ---- searching and cutting ---- */

bool cit__text_contains(struct cit_slice s, struct cit_slice part)
{
    if (part.n == 0)
        return true;
    return s.n >= part.n && memmem(s.p, s.n, part.p, part.n) != NULL;
}

/* The last character of s, which is not empty. */
static uint32_t last_code(struct cit_slice s, size_t *n)
{
    size_t begin = s.n - 1;
    uint32_t code;

    while (begin > 0 && s.n - begin < 4 && !is_first(s.p[begin]))
        begin--;
    code = cit__text_code(cit_slice(s.p + begin, s.n - begin), n);
    if (begin + *n == s.n)
        return code;
    *n = 1;
    return lone_byte((unsigned char)s.p[s.n - 1]);
}

struct cit_slice cit__text_trim(struct cit_slice s)
{
    size_t n;

    while (s.n > 0 && cit__is_blank(cit__text_code(s, &n)))
        s = cit_slice(s.p + n, s.n - n);
    while (s.n > 0 && cit__is_blank(last_code(s, &n)))
        s.n -= n;
    return s;
}

/* ---- making ---- */

int cit__text_join(struct cit__run *r, struct cit_slice a, struct cit_slice b, struct cit_slice *out)
{
    char *p;
    int err = a.n > SIZE_MAX / 4 || b.n > SIZE_MAX / 4 ? CIT_ELIMIT : cit__take_text(r, a.n + b.n, &p);

    if (err != CIT_OK)
        return err;
    if (a.n > 0)
        memcpy(p, a.p, a.n);
    if (b.n > 0)
        memcpy(p + a.n, b.p, b.n);
    *out = cit_slice(p, a.n + b.n);
    return CIT_OK;
}

static size_t count_of(struct cit_slice s, struct cit_slice part)
{
    size_t count = 0;
    const char *p;

    while (s.n >= part.n && (p = memmem(s.p, s.n, part.p, part.n)) != NULL) {
        count++;
        s = cit_slice(p + part.n, s.n - (size_t)(p - s.p) - part.n);
    }
    return count;
}

static char *put(char *to, const char *p, size_t n)
{
    if (n > 0)
        memcpy(to, p, n);
    return to + n;
}

/* parts: the text, what to look for (not empty), what to put there. */
int cit__text_replace(struct cit__run *r, const struct cit_slice parts[3], struct cit_slice *out)
{
    struct cit_slice rest = parts[0], old = parts[1];
    size_t count = count_of(rest, old), size, grown;
    char *p, *to;
    int err;

    if (__builtin_mul_overflow(count, parts[2].n, &grown) ||
        __builtin_add_overflow(grown, rest.n - count * old.n, &size))
        size = SIZE_MAX; /* past any bound */
    err = cit__take_text(r, size, &p);
    if (err != CIT_OK)
        return err;
    to = p;
    for (; count > 0; count--) {
        const char *at = memmem(rest.p, rest.n, old.p, old.n);

        to = put(to, rest.p, (size_t)(at - rest.p));
        to = put(to, parts[2].p, parts[2].n);
        rest = cit_slice(at + old.n, rest.n - (size_t)(at - rest.p) - old.n);
    }
    to = put(to, rest.p, rest.n);
    *out = cit_slice(p, (size_t)(to - p));
    return CIT_OK;
}

/* ---- letters ---- */

static char *put_code(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* The character at the front of s (n bytes), in the other case. */
static char *put_case(char *to, struct cit_slice s, size_t n, bool is_upper)
{
    size_t len;
    uint32_t code = cit__text_code(s, &len);

    if (code == 0xdf && len == 2 && is_upper)
        return put(to, "SS", 2);
    if (len != n || (n == 1 && code >= 0x80))
        return put(to, s.p, n);
    return put_code(to, is_upper ? cit__upper_of(code) : cit__lower_of(code));
}

static inline char ascii_case(char c, bool is_upper)
{
    char first = is_upper ? 'a' : 'A';

    return c >= first && c <= first + 25 ? (char)(c ^ 0x20) : c;
}

/* A letter of two bytes may become one of three (U+023A), never more. */
int cit__text_case(struct cit__run *r, struct cit_slice s, bool is_upper, struct cit_slice *out)
{
    char *p, *to;
    size_t size = s.n, n;
    int err;

    for (size_t i = 0; i < s.n; i++)
        size += (unsigned char)s.p[i] >= 0xc2 && (unsigned char)s.p[i] < 0xe0;
    err = cit__take_text(r, size, &p);

    if (err != CIT_OK)
        return err;
    to = p;
    for (; s.n > 0; s = cit_slice(s.p + n, s.n - n)) {
        n = 1;
        if ((unsigned char)s.p[0] < 0x80) {
            *to++ = ascii_case(s.p[0], is_upper);
            continue;
        }
        (void)cit__text_code(s, &n);
        to = put_case(to, s, n, is_upper);
    }
    *out = cit_slice(p, (size_t)(to - p));
    return CIT_OK;
}
