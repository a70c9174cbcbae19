/* tests/c/guard.h - memory that ends at a page nobody may touch.
 *
 *      | writable ... [bytes]|  no access  |
 *
 * A reader that goes one byte too far dies at that byte.
 */
#ifndef CIT_TESTS_GUARD_H
#define CIT_TESTS_GUARD_H

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
    char *base, *end; /* end: the first byte of the forbidden page */
    size_t size;      /* of the whole mapping */
};

static inline bool guard_init(struct guard *g, size_t most)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (most + page - 1) / page * page;
    void *base = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (base == MAP_FAILED)
        return false;
    g->base = base;
    g->end = g->base + room;
    g->size = room + page;
    return mprotect(g->end, page, PROT_NONE) == 0;
}

static inline void guard_fini(struct guard *g)
{
    if (g->base != NULL)
        munmap(g->base, g->size);
    g->base = NULL;
}

/* A copy of n bytes (at most what init said) that ends where the page begins. */
static inline char *guard_put(struct guard *g, const char *p, size_t n)
{
    return n > 0 ? memcpy(g->end - n, p, n) : g->end;
}

#endif
