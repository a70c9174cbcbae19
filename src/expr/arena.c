/* expr/arena.c - the memory of evaluations and the patterns they keep. */
#include "expr/regex.h"
#include "expr/value.h"

void cit_expr_arena_init(struct cit_expr_arena *a, size_t max)
{
    *a = (struct cit_expr_arena){ .mem = { .max = max } };
}

void cit_expr_arena_reset(struct cit_expr_arena *a)
{
    cit_arena_reset(&a->mem);
}

void cit_expr_arena_fini(struct cit_expr_arena *a)
{
    cit_arena_fini(&a->mem);
    cit_expr_regexes_free(a->regexes);
    a->regexes = NULL;
}
