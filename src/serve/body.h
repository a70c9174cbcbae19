/* serve/body.h - where a request's body is kept between the socket and the application.
 *
 *      feed, space/filled ──> [ memory, the older bytes ][ temporary file, the newer ] ──> peek, skip
 *
 * One queue of bytes.  A body of known length that fits the memory allowed is kept there,
 * in a block of just its size, which may be the application's own (set_storage).  A longer
 * one has a window of CIT_BODY_WINDOW bytes in memory and goes on in the file; a chunked one
 * grows its memory to what is allowed and goes on in the file.  The file has no name and
 * is made when first needed.  Room that was read is used again: an application that keeps
 * up with its client never causes a file.
 *
 * The file is written to by the thread that feeds; that is a copy into the page cache.
 *
 * Depends on: base, http.
 * Ownership:  the body owns its memory and its file.  The owner of borrowed storage goes
 *             back to the caller: take_owner before fini.
 * Threads:    one call at a time; under that lock one thread may feed while another reads.
 *             What peek lent and what space lent stays where it is meanwhile.
 * Limits:     struct cit_body_limits.  Memory: body_memory, at least CIT_BODY_WINDOW.
 */
#ifndef CIT_SERVE_BODY_H
#define CIT_SERVE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "http/h1_chunk.h"
#include "http/h1_frame.h"

#define CIT_BODY_WINDOW 65536u

struct cit_body_limits {
    uint64_t body_memory; /* bytes in memory; less than CIT_BODY_WINDOW counts as that */
    uint64_t limit_body;  /* bytes a body may have; 0: no limit */
    const char *tmp_dir;  /* borrowed while the body lives; NULL: /tmp */
};

/* In memory: mem[mem_at .. mem_len), then in the file: [file_at .. file_len).
 * The file is only added to while it holds unread bytes or memory is full. */
struct cit_body {
    uint64_t want;  /* bytes it will have; of a chunked one 0 */
    uint64_t got;   /* bytes received, without chunk framing */
    uint64_t taken; /* bytes skipped by the reader */
    uint64_t limit; /* UINT64_MAX: none */
    uint64_t file_at, file_len, file_freed;
    size_t mem_max;
    size_t mem_at, mem_len, mem_cap;
    char *mem;           /* owned, or the owner's */
    void *owner;         /* of mem when it is borrowed storage, else NULL */
    const char *tmp_dir; /* borrowed */
    int spill_fd;        /* -1: no file yet */
    int err;             /* sticky: what the first failed call answered */
    int sys_errno;       /* behind CIT_EIO */
    enum cit_h1_bad bad; /* behind CIT_EPROTO */
    struct cit_h1_chunk chunk;
    bool chunked, complete, discard;
    bool lent; /* peek's slice is with the reader */
};

/* The directory for temporary files: `configured`, else $TMPDIR, else /tmp.  Reads the
 * environment: once, at the start.  Borrowed from the argument or the environment. */
const char *cit_body_tmp_dir(const char *configured);

/* CIT_OK (a request without a body is complete at once); CIT_ELIMIT when the length says
 * that it is over the limit; CIT_EINVAL for a frame that ends with the connection. */
CIT_MUST_CHECK int cit_body_init(struct cit_body *b, const struct cit_h1_frame *f, const struct cit_body_limits *lim);

/* Accepts {0} too.  Borrowed storage must have been taken back. */
void cit_body_fini(struct cit_body *b);

/* ---- storage of the application ---- */

/* The size of the one block this body will lie in; 0 when it is not kept so. */
size_t cit_body_exact(const struct cit_body *b);

/* Keeps it in the owner's block of exactly cit_body_exact bytes.  CIT_OK; CIT_EINVAL for
 * another size; CIT_ESTATE once bytes have come or memory is there (the owner stays the
 * caller's). */
CIT_MUST_CHECK int cit_body_set_storage(struct cit_body *b, char *mem, size_t cap, void *owner);

/* The owner whose block holds the whole body, nothing of it read; it then counts as read.
 * NULL when that is not so. */
void *cit_body_take_whole(struct cit_body *b);

/* The owner, if any, to give it back; the bytes still stored go with it, and later ones
 * are dropped.  Not between space and filled. */
void *cit_body_take_owner(struct cit_body *b);

/* ---- the socket's side ---- */

/* Takes bytes of the connection, *used of them: past the body's end they are of the next
 * request.  CIT_OK: the body is complete; CIT_EAGAIN: all taken, more needed; CIT_EPROTO
 * (b->bad), CIT_ELIMIT, CIT_EIO (cit_body_why), CIT_ENOMEM: no more can come, and what was
 * stored before can still be read. */
CIT_MUST_CHECK int cit_body_feed(struct cit_body *b, const char *in, size_t n, size_t *used);

/* Where the next *n bytes may be received directly; NULL when they must be fed. */
char *cit_body_space(struct cit_body *b, size_t *n);

/* n bytes were received there.  CIT_OK complete, CIT_EAGAIN more needed. */
CIT_MUST_CHECK int cit_body_filled(struct cit_body *b, size_t n);

/* Drops what is stored and, from now on, what comes: the end of the body is still found
 * and its limit still kept. */
void cit_body_discard(struct cit_body *b);

/* ---- the application's side ---- */

/* The next unread bytes; empty when none are stored now, be the body complete or not.
 * Valid until the next skip or peek.  CIT_OK; the error that ended the body once all before
 * it was read; CIT_EIO, CIT_ENOMEM when the file can't be read back. */
CIT_MUST_CHECK int cit_body_peek(struct cit_body *b, struct cit_slice *out);

/* Takes n bytes of what peek returned. */
void cit_body_skip(struct cit_body *b, size_t n);

/* ---- its state ---- */

static inline bool cit_body_is_complete(const struct cit_body *b)
{
    return b->complete;
}

/* Bytes received and not yet read. */
static inline uint64_t cit_body_stored(const struct cit_body *b)
{
    return b->got - b->taken;
}

/* The bytes it has or will have; -1 while that is not known. */
int64_t cit_body_length(const struct cit_body *b);

#define CIT_BODY_WHY_MAX 192

/* Why CIT_EIO, for a log:
 * "the temporary file for a request body in /tmp: No space left on device". */
void cit_body_why(const struct cit_body *b, char out[CIT_BODY_WHY_MAX]);

#endif
