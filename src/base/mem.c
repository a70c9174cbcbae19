/* base/mem.c - the one door to the heap, with a trap for tests behind it.
 *
 * The trap costs a production process one read of a byte that is never written:
 * it counts only after the first call of cit_mem_fail_at.
 */
#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct {
    bool armed;
    unsigned long asked;   /* allocations since the last cit_mem_fail_at */
    unsigned long fail_at; /* the one of them that fails; 0: none */
} trap;

static bool is_trapped(void)
{
    if (!trap.armed)
        return false;
    trap.asked++;
    if (trap.asked != trap.fail_at)
        return false;
    trap.fail_at = 0;
    return true;
}

/* Zero bytes are asked for as one: NULL then always means failure. */
static size_t at_least_one(size_t n)
{
    return n == 0 ? 1 : n;
}

void *cit_malloc(size_t n)
{
    return is_trapped() ? NULL : malloc(at_least_one(n));
}

void *cit_calloc(size_t count, size_t size)
{
    return is_trapped() ? NULL : calloc(at_least_one(count), at_least_one(size));
}

void *cit_realloc_array(void *p, size_t count, size_t size)
{
    size_t n;

    if (is_trapped() || __builtin_mul_overflow(count, size, &n))
        return NULL;
    return realloc(p, at_least_one(n));
}

char *cit_memdup(const char *p, size_t n)
{
    char *copy = n < (size_t)-1 ? cit_malloc(n + 1) : NULL;

    if (copy == NULL)
        return NULL;
    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

void cit_free(void *p)
{
    free(p);
}

unsigned long cit_mem_fail_at(unsigned long n)
{
    unsigned long asked = trap.asked;

    trap.armed = true;
    trap.asked = 0;
    trap.fail_at = n;
    return asked;
}
