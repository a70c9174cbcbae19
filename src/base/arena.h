/* base/arena.h - memory that is given piece by piece and taken back whole.
 *
 *      chunks -> [used | free] -> [used      ] -> ...      each twice as large as the one before
 *
 * {0} with a max set is a valid empty arena.  Pieces are aligned for anything and stay where they
 * are until reset or fini.
 *
 * Depends on: base/{err,mem,slice}.
 * Ownership:  the arena owns its chunks; pieces are freed with it, never alone.
 * Threads:    one at a time.
 * Limits:     max bytes held.
 */
#ifndef CIT_BASE_ARENA_H
#define CIT_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct cit_arena_chunk; /* arena.c */

struct cit_arena {
    struct cit_arena_chunk *chunks; /* owned; the newest first */
    size_t max, held, used;         /* bytes: the bound, of all chunks, given out */
};

void cit_arena_init(struct cit_arena *a, size_t max);

/* Takes all pieces back and keeps the newest chunk for the next ones. */
void cit_arena_reset(struct cit_arena *a);
void cit_arena_fini(struct cit_arena *a);

/* n bytes that are not cleared, or NULL: past the bound (*is_full true, when asked for) or without memory. */
void *cit_arena_take(struct cit_arena *a, size_t n, bool *is_full) __attribute__((warn_unused_result));

/* The same, cleared, for count * size bytes (checked). */
void *cit_arena_zero(struct cit_arena *a, size_t count, size_t size) __attribute__((warn_unused_result));

/* A copy of s with a NUL behind it, as a slice without it; p is NULL when there was no memory. */
struct cit_slice cit_arena_copy(struct cit_arena *a, struct cit_slice s);

#endif
