/* serve/board.c - the shared memory a supervisor and its workers meet in.
 *
 * Anonymous and shared: it lives as long as one of them, and has no name to clean up.
 * Pages of slots that were never used take no memory.
 */
#include "serve/board.h"

#include <stddef.h>
#include <sys/mman.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

static bool size_of(uint32_t count, size_t *n)
{
    return !__builtin_mul_overflow((size_t)count, sizeof(struct cit_board_slot), n) &&
           !__builtin_add_overflow(*n, sizeof(struct cit_board), n);
}

int cit_board_new(uint32_t count, struct cit_board **out)
{
    struct cit_board *b;
    size_t n;

    if (!size_of(count, &n))
        return CIT_ENOMEM;
    b = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED)
        return CIT_ENOMEM;
    b->count = count; /* the rest is zero: CIT_BOARD_EMPTY */
    *out = b;
    return CIT_OK;
}

void cit_board_free(struct cit_board *b)
{
    size_t n;

    if (b != NULL && size_of(b->count, &n))
        munmap(b, n);
}
