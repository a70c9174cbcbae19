/* base/arena.c - memory that is given piece by piece and taken back whole. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { CHUNK_LEAST = 4096 };

struct cit_arena_chunk {
    struct cit_arena_chunk *next; /* older */
    size_t size, used;            /* of bytes[] */
    alignas(max_align_t) char bytes[];
};

void cit_arena_init(struct cit_arena *a, size_t max)
{
    *a = (struct cit_arena){ .max = max };
}

static void free_chunks(struct cit_arena_chunk *c)
{
    while (c != NULL) {
        struct cit_arena_chunk *next = c->next;

        cit_free(c);
        c = next;
    }
}

void cit_arena_reset(struct cit_arena *a)
{
    if (a->chunks != NULL) {
        free_chunks(a->chunks->next);
        a->chunks->next = NULL;
        a->chunks->used = 0;
        a->held = a->chunks->size;
    }
    a->used = 0;
}

void cit_arena_fini(struct cit_arena *a)
{
    free_chunks(a->chunks);
    cit_arena_init(a, a->max);
}

/* A chunk for at least n bytes, twice the last one where the bound allows; NULL past it or without memory. */
static struct cit_arena_chunk *add_chunk(struct cit_arena *a, size_t n, bool *is_full)
{
    size_t left = a->max - a->held;
    size_t size = a->chunks != NULL ? a->chunks->size * 2 : CHUNK_LEAST;
    struct cit_arena_chunk *c;

    *is_full = n > left;
    if (*is_full)
        return NULL;
    size = size > left ? left : size;
    size = size < n ? n : size;
    c = cit_malloc(sizeof *c + size);
    if (c == NULL)
        return NULL;
    c->next = a->chunks;
    c->size = size;
    c->used = 0;
    a->chunks = c;
    a->held += size;
    return c;
}

void *cit_arena_take(struct cit_arena *a, size_t n, bool *is_full)
{
    const size_t align = alignof(max_align_t);
    struct cit_arena_chunk *c = a->chunks;
    bool unseen = false;
    void *p;

    is_full = is_full != NULL ? is_full : &unseen;
    *is_full = n > SIZE_MAX / 2;
    if (*is_full)
        return NULL;
    n = (n + align - 1) / align * align;
    if (c == NULL || n > c->size - c->used)
        c = add_chunk(a, n, is_full);
    if (c == NULL)
        return NULL;
    p = c->bytes + c->used;
    c->used += n;
    a->used += n;
    return p;
}

void *cit_arena_zero(struct cit_arena *a, size_t count, size_t size)
{
    size_t n;
    void *p = __builtin_mul_overflow(count, size, &n) ? NULL : cit_arena_take(a, n, NULL);

    return p != NULL ? memset(p, 0, n) : NULL;
}

struct cit_slice cit_arena_copy(struct cit_arena *a, struct cit_slice s)
{
    char *p = s.n < SIZE_MAX ? cit_arena_take(a, s.n + 1, NULL) : NULL;

    if (p == NULL)
        return cit_slice(NULL, 0);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return cit_slice(p, s.n);
}
