/* http/h1_class.h - which bytes may stand where, as one table of bits.
 *
 * Only for the .c files of this folder.
 *
 * Depends on: nothing.
 * Threads:    any; the table is constant.
 */
#ifndef CIT_HTTP_H1_CLASS_H
#define CIT_HTTP_H1_CLASS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CIT__TOKEN = 1,  /* tchar, RFC 9110 5.6.2 */
    CIT__PATH = 2,   /* in a request target before the '?' */
    CIT__QUERY = 4,  /* ... and behind it */
    CIT__VALUE = 8,  /* in a field value: HTAB, SP, VCHAR, obs-text (RFC 9110 5.5) */
    CIT__HOST = 16,  /* in a registered name, without '%' */
    CIT__HEX = 32,   /* HEXDIG, either case */
    CIT__QUOTED = 64 /* qdtext, RFC 9110 5.6.4 */
};

extern const uint8_t cit__h1_class[256];

static inline bool cit__is(char c, unsigned bits)
{
    return (cit__h1_class[(unsigned char)c] & bits) != 0;
}

static inline bool cit__is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline bool cit__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

#endif
