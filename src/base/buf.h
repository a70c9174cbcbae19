/* base/buf.h - a growing byte buffer with a hard bound.
 *
 *      p                 p + len          p + cap        max
 *      [ bytes in use     | free space     ]  ...        !
 *
 * {0} with a max set is a valid empty buffer that owns nothing.  A failed call
 * leaves the content as it was.  Growth doubles, starting at 256 bytes.
 *
 * Depends on: base/err, base/slice, base/mem.
 * Ownership:  the buffer owns p; fini frees it.
 * Threads:    one at a time.
 * Limits:     max bytes, set at init; CIT_ELIMIT past it.
 */
#ifndef CIT_BASE_BUF_H
#define CIT_BASE_BUF_H

#include "base/err.h"
#include "base/slice.h"

struct cit_buf {
    char *p; /* owned */
    size_t len, cap, max;
};

void cit_buf_init(struct cit_buf *b, size_t max);
void cit_buf_fini(struct cit_buf *b);

/* Makes room for n more bytes behind len.  CIT_OK, CIT_ELIMIT, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_buf_reserve(struct cit_buf *b, size_t n);

/* Appends; the same results.  `add` of a buffer's own bytes is not allowed. */
CIT_MUST_CHECK int cit_buf_add(struct cit_buf *b, const void *p, size_t n);
CIT_MUST_CHECK int cit_buf_add_slice(struct cit_buf *b, struct cit_slice s);
CIT_MUST_CHECK int cit_buf_add_str(struct cit_buf *b, const char *str);
CIT_MUST_CHECK int cit_buf_add_u64(struct cit_buf *b, unsigned long long value);
CIT_MUST_CHECK int cit_buf_printf(struct cit_buf *b, const char *fmt, ...) CIT_PRINTF(2, 3);

/* Appends all of a file.  CIT_OK; CIT_ELIMIT, CIT_ENOMEM; or the code of what the system said, with errno. */
CIT_MUST_CHECK int cit_buf_add_file(struct cit_buf *b, const char *path);

/* Drops n bytes (at most len) from the front. */
void cit_buf_consume(struct cit_buf *b, size_t n);

/* Gives the memory back and keeps max: an empty buffer that owns nothing. */
void cit_buf_release(struct cit_buf *b);

#endif
