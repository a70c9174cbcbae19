/* http/h1_class.c - the byte classes, computed by the compiler from the grammar.
 *
 * The macros are rules, not calls: each is a constant expression over one byte.
 */
#include "http/h1_class.h"

#define IN(c, low, high) ((c) >= (low) && (c) <= (high))
#define DIGIT(c) IN(c, '0', '9')
#define ALPHA(c) (IN(c, 'a', 'z') || IN(c, 'A', 'Z'))
#define HEX(c) (DIGIT(c) || IN(c, 'a', 'f') || IN(c, 'A', 'F'))

/* RFC 3986 2.3, 2.2 */
#define UNRESERVED(c) (ALPHA(c) || DIGIT(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~')
#define SUB_DELIM(c)                                                                                                  \
    ((c) == '!' || (c) == '$' || (c) == '&' || (c) == '\'' || (c) == '(' || (c) == ')' || (c) == '*' || (c) == '+' || \
     (c) == ',' || (c) == ';' || (c) == '=')

/* RFC 9110 5.6.2 */
#define TOKEN(c)                                                                                                     \
    (ALPHA(c) || DIGIT(c) || (c) == '!' || (c) == '#' || (c) == '$' || (c) == '%' || (c) == '&' || (c) == '\'' ||    \
     (c) == '*' || (c) == '+' || (c) == '-' || (c) == '.' || (c) == '^' || (c) == '_' || (c) == '`' || (c) == '|' || \
     (c) == '~')

/* pchar and '/', with '%' (escapes are the application's to judge) and with the
 * brackets, which RFC 3986 forbids here and every browser sends. */
#define PATH(c) \
    (UNRESERVED(c) || SUB_DELIM(c) || (c) == ':' || (c) == '@' || (c) == '/' || (c) == '%' || (c) == '[' || (c) == ']')

/* Also '?', and the six bytes that the URL standard leaves bare in a query. */
#define QUERY(c) \
    (PATH(c) || (c) == '?' || (c) == '\\' || (c) == '^' || (c) == '`' || (c) == '{' || (c) == '|' || (c) == '}')

/* RFC 9110 5.5 and 5.6.4 */
#define VALUE(c) ((c) == '\t' || (c) == ' ' || IN(c, 0x21, 0x7e) || (c) >= 0x80)
#define QUOTED(c) (VALUE(c) && (c) != '"' && (c) != '\\')

/* A comma is legal in a name and only ever seen where two Host fields were joined. */
#define HOST(c) (UNRESERVED(c) || (SUB_DELIM(c) && (c) != ','))

#define CLASS(c)                                                                             \
    ((TOKEN(c) ? CIT__TOKEN : 0) | (PATH(c) ? CIT__PATH : 0) | (QUERY(c) ? CIT__QUERY : 0) | \
     (VALUE(c) ? CIT__VALUE : 0) | (HOST(c) ? CIT__HOST : 0) | (HEX(c) ? CIT__HEX : 0) |     \
     (QUOTED(c) ? CIT__QUOTED : 0))

#define FOUR(c) CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define SIXTEEN(c) FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)
#define SIXTYFOUR(c) SIXTEEN(c), SIXTEEN((c) + 16), SIXTEEN((c) + 32), SIXTEEN((c) + 48)

const uint8_t cit__h1_class[256] = { SIXTYFOUR(0), SIXTYFOUR(64), SIXTYFOUR(128), SIXTYFOUR(192) };
