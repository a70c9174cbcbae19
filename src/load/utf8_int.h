/* load/utf8_int.h - UTF-8 (RFC 3629), written and checked a character at a time, and digits of codes.
 *
 * Depends on: nothing.
 * Threads:    any.
 */
#ifndef CIT_LOAD_UTF8_INT_H
#define CIT_LOAD_UTF8_INT_H

#include <stddef.h>
#include <stdint.h>

#define CIT__UTF8_REPLACEMENT 0xfffdu

/* What a hexadecimal digit counts; -1 for any other byte. */
static inline int cit__hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Writes code to p, which has room for four bytes; surrogates and what lies past U+10FFFF become U+FFFD.  Returns the
 * number of bytes. */
static inline size_t cit__utf8_put(char *p, uint32_t code)
{
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        code = CIT__UTF8_REPLACEMENT;
    if (code < 0x80) {
        p[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        p[0] = (char)(0xc0 | code >> 6);
        p[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        p[0] = (char)(0xe0 | code >> 12);
        p[1] = (char)(0x80 | (code >> 6 & 63));
        p[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    p[0] = (char)(0xf0 | code >> 18);
    p[1] = (char)(0x80 | (code >> 12 & 63));
    p[2] = (char)(0x80 | (code >> 6 & 63));
    p[3] = (char)(0x80 | (code & 63));
    return 4;
}

/* The length of the character at p, of n bytes (at least 1), or 0 when none begins there.  The bounds of the second
 * byte refuse long forms, surrogates, and what lies past U+10FFFF. */
static inline size_t cit__utf8_len(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t want = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;
    unsigned low = u[0] == 0xe0 ? 0xa0 : u[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = u[0] == 0xed ? 0x9f : u[0] == 0xf4 ? 0x8f : 0xbf;

    if (want > n)
        return 0;
    if (want > 1 && (u[1] < low || u[1] > high))
        return 0;
    for (size_t i = 2; i < want; i++)
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    return want;
}

#endif
