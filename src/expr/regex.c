/* expr/regex.c - patterns by PCRE2, compiled once, matched within bounds; or not at all. */
#include "expr/regex.h"

#include <stdint.h>
#include <stdio.h>

#include "base/mem.h"

#if defined(CIT_HAVE_PCRE2)

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Calls of PCRE2's match() for one text: a millisecond or so of backtracking, and some for each
 * byte, since a pattern that is tried at each place of a long text needs them honestly. */
enum { STEPS = 50000, STEPS_A_BYTE = 16, HEAP_KB = 4096 };

#define OPTIONS (PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C)

struct entry {
    char *pattern; /* owned */
    size_t n;
    pcre2_code *code; /* owned */
};

struct cit_expr_regexes {
    struct entry at[CIT_EXPR_REGEXES_MAX];
    uint32_t count, oldest;
    pcre2_general_context *general; /* owned: our allocator */
    pcre2_match_context *limits;    /* owned */
    pcre2_match_data *found;        /* owned: one pair is enough, nobody asks where */
};

bool cit_expr_regex_is_built(void)
{
    return true;
}

static void *take(size_t n, void *ctx)
{
    (void)ctx;
    return cit_malloc(n);
}

static void give_back(void *p, void *ctx)
{
    (void)ctx;
    cit_free(p);
}

static void entry_fini(struct entry *e)
{
    pcre2_code_free(e->code);
    cit_free(e->pattern);
}

void cit_expr_regexes_free(struct cit_expr_regexes *store)
{
    if (store == NULL)
        return;
    for (uint32_t i = 0; i < store->count; i++)
        entry_fini(&store->at[i]);
    pcre2_match_data_free(store->found);
    pcre2_match_context_free(store->limits);
    pcre2_general_context_free(store->general);
    cit_free(store);
}

static struct cit_expr_regexes *store_new(void)
{
    struct cit_expr_regexes *store = cit_calloc(1, sizeof *store);

    if (store == NULL)
        return NULL;
    store->general = pcre2_general_context_create(take, give_back, NULL);
    if (store->general == NULL)
        goto fail;
    store->limits = pcre2_match_context_create(store->general);
    store->found = pcre2_match_data_create(1, store->general);
    if (store->limits == NULL || store->found == NULL)
        goto fail;
    (void)pcre2_set_heap_limit(store->limits, HEAP_KB);
    return store;

fail:
    cit_expr_regexes_free(store);
    return NULL;
}

/* ---- compiling ---- */

/* UTF so that a character is one; UCP so that \w, \d, \s and \b know letters beyond ASCII, as Python's
 * re does.  Bytes of a text that are not UTF-8 match nothing. */
static int compile(struct cit_expr_regexes *store, struct entry *e, char *why)
{
    pcre2_compile_context *ctx = pcre2_compile_context_create(store->general);
    int number;
    PCRE2_SIZE at;

    if (ctx == NULL)
        return CIT_ENOMEM;
    e->code = pcre2_compile((PCRE2_SPTR)e->pattern, e->n, OPTIONS, &number, &at, ctx);
    pcre2_compile_context_free(ctx);
    if (e->code != NULL) {
        /* Where there is no machine code, it is interpreted: slower, not otherwise. */
        (void)pcre2_jit_compile(e->code, PCRE2_JIT_COMPLETE);
        return CIT_OK;
    }
    if (number == PCRE2_ERROR_HEAP_FAILED)
        return CIT_ENOMEM;
    if (pcre2_get_error_message(number, (PCRE2_UCHAR *)why, CIT_EXPR_REGEX_WHY) < 0)
        (void)snprintf(why, CIT_EXPR_REGEX_WHY, "error %d at %zu", number, (size_t)at);
    return CIT_EINVAL;
}

/* Where a new pattern goes: the place of the oldest when all are taken. */
static struct entry *place_of_new(struct cit_expr_regexes *store)
{
    struct entry *e;

    if (store->count < CIT_EXPR_REGEXES_MAX)
        return &store->at[store->count++];
    e = &store->at[store->oldest];
    store->oldest = (store->oldest + 1) % CIT_EXPR_REGEXES_MAX;
    entry_fini(e);
    return e;
}

static int get(struct cit_expr_regexes *store, struct cit_slice pattern, const struct entry **out, char *why)
{
    struct entry fresh = { .n = pattern.n };
    struct entry *place;
    int err;

    for (uint32_t i = 0; i < store->count; i++) {
        if (cit_slice_eq(pattern, cit_slice(store->at[i].pattern, store->at[i].n))) {
            *out = &store->at[i];
            return CIT_OK;
        }
    }
    fresh.pattern = cit_memdup(pattern.p, pattern.n);
    if (fresh.pattern == NULL)
        return CIT_ENOMEM;
    err = compile(store, &fresh, why);
    if (err != CIT_OK) {
        entry_fini(&fresh);
        return err;
    }
    place = place_of_new(store);
    *place = fresh;
    *out = place;
    return CIT_OK;
}

/* ---- matching ---- */

int cit_expr_regex_find(struct cit_expr_regexes **store, struct cit_slice pattern, struct cit_slice text, bool *found,
                        char *why)
{
    const struct entry *e = NULL;
    uint64_t steps = STEPS + (uint64_t)text.n * STEPS_A_BYTE;
    int err;

    if (*store == NULL)
        *store = store_new();
    if (*store == NULL)
        return CIT_ENOMEM;
    err = get(*store, pattern, &e, why);
    if (err != CIT_OK)
        return err;
    (void)pcre2_set_match_limit((*store)->limits, steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX);
    err = pcre2_match(e->code, (PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n, 0, 0, (*store)->found, (*store)->limits);
    if (err == PCRE2_ERROR_NOMEMORY)
        return CIT_ENOMEM;
    if (err < 0 && err != PCRE2_ERROR_NOMATCH) {
        (void)pcre2_get_error_message(err, (PCRE2_UCHAR *)why, CIT_EXPR_REGEX_WHY);
        return CIT_ELIMIT;
    }
    *found = err >= 0;
    return CIT_OK;
}

#else

bool cit_expr_regex_is_built(void)
{
    return false;
}

int cit_expr_regex_find(struct cit_expr_regexes **store, struct cit_slice pattern, struct cit_slice text, bool *found,
                        char *why)
{
    (void)store, (void)pattern, (void)text, (void)found, (void)why;
    return CIT_ESTATE;
}

void cit_expr_regexes_free(struct cit_expr_regexes *store)
{
    cit_free(store); /* there is none: NULL */
}

#endif
