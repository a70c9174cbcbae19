/* serve/out.h - bytes on their way to one peer, in order.
 *
 *      buf:  [ heads, small bodies, chunk frames ......... ]
 *      segs: (buf 0-180) (memory, owner) (buf 180-187) (file, owner) ...
 *
 * Small runs are copied into buf and leave in one send; large ones are kept by
 * reference with their owner.  Nothing allocates until something is added.
 *
 * Depends on: base, net/sock.
 * Ownership:  owners are handed to `drop` when their bytes have left or are given up.
 * Threads:    one at a time.
 * Limits:     CIT_OUT_MAX bytes copied.
 */
#ifndef CIT_SERVE_OUT_H
#define CIT_SERVE_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define CIT_OUT_COPY 4096           /* runs up to this are copied: measured against an iovec */
#define CIT_OUT_TURN (2u * 1048576) /* then others have their turn, however fast this peer reads */
#define CIT_OUT_MAX (64u * 1048576) /* far above what a waiting writer lets pile up */

enum cit_out_kind { CIT_OUT_BUF, CIT_OUT_MEM, CIT_OUT_FILE };

struct cit_out_seg {
    const char *p; /* MEM: borrowed from owner */
    void *owner;   /* owned; may be NULL */
    int64_t at;    /* BUF: offset in buf; FILE: offset in the file */
    uint64_t n;    /* bytes still to send */
    int fd;        /* FILE: borrowed from owner */
    uint8_t kind;  /* enum cit_out_kind */
};

struct cit_out { /* {0} with cit_out_init */
    struct cit_buf buf;
    size_t sent; /* bytes of buf gone, when there are no segs */
    size_t open; /* where the bytes of buf not yet in a seg begin, when there are segs */
    struct cit_out_seg *seg;
    uint32_t nseg, first, cap;
    bool paused; /* the last send stopped by itself: the peer would take more */
};

typedef void (*cit_out_drop)(void *ctx, void *owner);

void cit_out_init(struct cit_out *o);
void cit_out_fini(struct cit_out *o, cit_out_drop drop, void *ctx);

/* Forgets everything but keeps a moderate buffer for the next use. */
void cit_out_reset(struct cit_out *o, cit_out_drop drop, void *ctx);

bool cit_out_is_empty(const struct cit_out *o);

/* Bytes not yet sent; a file counts with what is left of it. */
uint64_t cit_out_left(const struct cit_out *o);

/* Bytes to be copied are appended to o->buf by the caller (cit_buf_add).  These add the
 * rest; on failure the owner stays the caller's.  CIT_OK, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_out_add_mem(struct cit_out *o, const char *p, size_t n, void *owner);
CIT_MUST_CHECK int cit_out_add_file(struct cit_out *o, int fd, int64_t offset, uint64_t n, void *owner);

/* Sends what the peer takes, of files at most CIT_OUT_TURN bytes.  CIT_OK: all left;
 * CIT_EAGAIN (or `paused`); CIT_ECLOSED; CIT_EIO. */
CIT_MUST_CHECK int cit_out_send(struct cit_out *o, int fd, cit_out_drop drop, void *ctx);

#endif
