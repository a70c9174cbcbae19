/* http/h1_chunk.h - the chunked transfer coding, read (RFC 9112 7.1).
 *
 *      SIZE -> EXT -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE ...
 *                        └─ size 0 -> TRAILER ... -> DONE
 *
 * {0} is a decoder at its start.  It keeps no bytes: data comes out as slices of
 * the input.  Trailer fields are checked as fields are, counted and dropped.
 * After an error the decoder only answers that error.
 *
 * Depends on: base, http/h1_parse (reasons).
 * Threads:    one at a time.
 * Limits:     extensions of one body CIT_H1_CHUNK_EXT_MAX bytes, trailers
 *             CIT_H1_CHUNK_TRAILER_MAX bytes, a size of at most 2^63 - 1.
 */
#ifndef CIT_HTTP_H1_CHUNK_H
#define CIT_HTTP_H1_CHUNK_H

#include "http/h1_parse.h"

#define CIT_H1_CHUNK_EXT_MAX 4096
#define CIT_H1_CHUNK_TRAILER_MAX 16384

struct cit_h1_chunk {
    uint64_t left;      /* bytes of this chunk still to come */
    uint32_t ext_n;     /* bytes of extensions so far */
    uint32_t trailer_n; /* bytes of trailers so far */
    uint8_t state, digits, sub, flags;
    enum cit_h1_bad bad;
};

/* Reads from in[0..n).  *used: bytes taken.  *data: body bytes among them, perhaps
 * empty.  Returns CIT_EAGAIN (call again, with what is left or with more: whenever
 * *used < n there is something left to do), CIT_OK (the body and its trailers are
 * complete; *data may hold its last bytes), or CIT_EPROTO with c->bad. */
CIT_MUST_CHECK int cit_h1_chunk_read(struct cit_h1_chunk *c, const char *in, size_t n, size_t *used,
                                     struct cit_slice *data);

#endif
