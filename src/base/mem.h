/* base/mem.h - the one door to the heap.
 *
 * All C code allocates here, so that tests can make the n-th allocation fail.
 * Nothing here aborts: failure is NULL, and the caller returns CIT_ENOMEM.
 *
 * Depends on: nothing.
 * Ownership:  what these return is freed with cit_free.
 * Threads:    any; the failure counter is for single-threaded tests.
 */
#ifndef CIT_BASE_MEM_H
#define CIT_BASE_MEM_H

#include <stddef.h>

void *cit_malloc(size_t n) __attribute__((malloc, warn_unused_result));
void *cit_calloc(size_t count, size_t size) __attribute__((malloc, warn_unused_result));

/* NULL on failure, the old block is then untouched.  Checks count * size. */
void *cit_realloc_array(void *p, size_t count, size_t size) __attribute__((warn_unused_result));

/* A NUL-terminated copy of n bytes, or NULL. */
char *cit_memdup(const char *p, size_t n) __attribute__((malloc, warn_unused_result));

void cit_free(void *p);

/* Tests only: the n-th allocation from now (1 = the next) fails, once; 0 turns
 * it off.  Returns how many allocations were asked for since the last call. */
unsigned long cit_mem_fail_at(unsigned long n);

#endif
