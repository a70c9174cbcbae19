/* base/slice.h - a borrowed run of bytes.
 *
 * A slice never owns: whoever hands one out says from whom it borrows and for
 * how long.  Bytes, not text: NUL has no meaning, the end is p + n.
 *
 * Depends on: nothing.
 * Threads:    any.
 */
#ifndef CIT_BASE_SLICE_H
#define CIT_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct cit_slice {
    const char *p; /* borrowed */
    size_t n;
};

/* A slice of a string literal, without its NUL. */
#define CIT_SLICE_LIT(lit) ((struct cit_slice){ "" lit, sizeof(lit) - 1 })

/* printf arguments for "%.*s". */
#define CIT_SLICE_ARG(s) (int)(s).n, (s).p

static inline struct cit_slice cit_slice(const char *p, size_t n)
{
    return (struct cit_slice){ p, n };
}

static inline struct cit_slice cit_slice_str(const char *str)
{
    return cit_slice(str, strlen(str));
}

static inline bool cit_slice_eq(struct cit_slice a, struct cit_slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* True when both are equal but for the case of ASCII letters. */
bool cit_slice_eq_nocase(struct cit_slice a, struct cit_slice b);

/* The slice without spaces and tabs at both ends (RFC 9110 5.6.3, OWS). */
struct cit_slice cit_slice_trim(struct cit_slice s);

/* Takes the element before the next `sep` off the front of *rest, trimmed, into
 * *item.  Returns false when nothing is left.  An empty element is returned too. */
bool cit_slice_split(struct cit_slice *rest, char sep, struct cit_slice *item);

/* Unsigned decimal, digits only, no sign, the whole slice.  Returns false on an
 * empty slice, another byte, or a value above UINT64_MAX; *out then untouched. */
bool cit_slice_u64(struct cit_slice s, unsigned long long *out);

#endif
