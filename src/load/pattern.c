/* load/pattern.c - patterns by PCRE2, compiled once, matched within bounds; or refused. */
#include <string.h>

#include "base/mem.h"
#include "load/query_int.h"

#if defined(CIT_HAVE_PCRE2)

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Calls of PCRE2's match() for one text: a millisecond or so of backtracking, and some for each
 * byte, since a pattern that is tried at each place of a long text needs them honestly. */
enum { STEPS = 50000, STEPS_A_BYTE = 16, HEAP_KB = 4096, STACK_MIN = 32 << 10, STACK_MAX = 1 << 20 };

/* As the regex crate, which stock hurl uses: characters are those of Unicode, and $ is the end alone.  Bytes of a
 * text that are no UTF-8 match nothing. */
#define OPTIONS (PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY)

enum { LITERAL_MIN = 3, PAIRS = 2 /* the whole match and group 1 */ };

struct cit__pattern {
    pcre2_code *code;         /* owned */
    struct cit_slice literal; /* what every match begins with; empty: not known */
};

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

void cit__pattern_free(struct cit__pattern *p)
{
    if (p == NULL)
        return;
    pcre2_code_free(p->code);
    cit_free(p);
}

/* ---- compiling ---- */

/* The byte at p as itself, or -1 where it is more than a letter; *n its length. */
static int literal_byte(const char *p, const char *end, size_t *n)
{
    static const char meta[] = "^$.|?*+()[]{}";
    bool is_escape = *p == '\\';

    *n = is_escape ? 2 : 1;
    if (is_escape && (end - p < 2 || (unsigned char)p[1] >= 0x80))
        return -1;
    if (is_escape)
        return (p[1] | 0x20) >= 'a' && (p[1] | 0x20) <= 'z' ? -1 : p[1] >= '0' && p[1] <= '9' ? -1 : p[1];
    return memchr(meta, *p, sizeof meta - 1) != NULL ? -1 : (unsigned char)*p;
}

/* The bytes each match begins with, found with memmem() before PCRE2 is asked.  Patterns with alternatives are left
 * alone, wherever these stand; the last character may have a quantifier behind it. */
static int find_literal(struct cit__maker *m, struct cit_slice *out)
{
    size_t n = (size_t)(m->end - m->start), len = 0, step;
    char *text;
    int byte;

    if (n == 0 || memchr(m->start, '|', n) != NULL)
        return CIT_OK;
    text = cit_arena_take(m->arena, n, NULL);
    if (text == NULL)
        return CIT_ENOMEM;
    for (const char *p = m->start; p < m->end; p += step) {
        byte = literal_byte(p, m->end, &step);
        if (byte < 0 && len > 0 && memchr("?*+{", *p, 4) != NULL) {
            while (len > 1 && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
                len--;
            len--;
        }
        if (byte < 0)
            break;
        text[len++] = (char)byte;
    }
    if (len >= LITERAL_MIN)
        *out = cit_slice(text, len);
    return CIT_OK;
}

static int compile(struct cit__maker *m, pcre2_general_context *general, pcre2_code **out)
{
    pcre2_compile_context *ctx = pcre2_compile_context_create(general);
    int number;
    PCRE2_SIZE at;

    if (ctx == NULL)
        return CIT_ENOMEM;
    *out = pcre2_compile((PCRE2_SPTR)m->start, (size_t)(m->end - m->start), OPTIONS, &number, &at, ctx);
    pcre2_compile_context_free(ctx);
    if (*out != NULL) {
        /* Where there is no machine code, it is interpreted: slower, not otherwise. */
        (void)pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE);
        return CIT_OK;
    }
    if (number == PCRE2_ERROR_HEAP_FAILED)
        return CIT_ENOMEM;
    *m->at = at;
    if (pcre2_get_error_message(number, (PCRE2_UCHAR *)m->why, CIT_QUERY_WHY) < 0)
        (void)cit__q_refuse(m, m->start + at, "it is no pattern");
    return CIT_EINVAL;
}

int cit__pattern_new(struct cit__maker *m, bool needs_group, struct cit__pattern **out)
{
    struct cit__pattern *p = cit_calloc(1, sizeof *p);
    pcre2_general_context *general = pcre2_general_context_create(take, give_back, NULL);
    uint32_t groups = 0;
    int err = CIT_ENOMEM;

    if (p != NULL && general != NULL)
        err = compile(m, general, &p->code);
    pcre2_general_context_free(general);
    if (err == CIT_OK)
        err = find_literal(m, &p->literal);
    if (err == CIT_OK)
        (void)pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (err == CIT_OK && needs_group && groups == 0)
        err = cit__q_refuse(m, m->end, "the pattern has no group ( ) around what is wanted");
    if (err != CIT_OK) {
        cit__pattern_free(p);
        return err;
    }
    *out = p;
    return CIT_OK;
}

/* ---- matching ---- */

struct matcher { /* of one thread */
    pcre2_general_context *general;
    pcre2_match_context *limits;
    pcre2_match_data *found;
    pcre2_jit_stack *stack;
};

void cit__pattern_scratch_fini(struct cit_query_scratch *s)
{
    struct matcher *m = s->match;

    if (m == NULL)
        return;
    pcre2_jit_stack_free(m->stack);
    pcre2_match_data_free(m->found);
    pcre2_match_context_free(m->limits);
    pcre2_general_context_free(m->general);
    cit_free(m);
    s->match = NULL;
}

static struct matcher *matcher_of(struct cit_query_scratch *s)
{
    struct matcher *m = s->match;

    if (m != NULL)
        return m;
    s->match = m = cit_calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->general = pcre2_general_context_create(take, give_back, NULL);
    if (m->general != NULL) {
        m->limits = pcre2_match_context_create(m->general);
        m->found = pcre2_match_data_create(PAIRS, m->general);
        m->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, m->general);
    }
    if (m->limits == NULL || m->found == NULL) {
        cit__pattern_scratch_fini(s);
        return NULL;
    }
    (void)pcre2_set_heap_limit(m->limits, HEAP_KB);
    if (m->stack != NULL) /* without machine code there is none */
        pcre2_jit_stack_assign(m->limits, NULL, m->stack);
    return m;
}

static int match(const struct cit__pattern *p, struct cit_slice text, size_t from, struct matcher *m)
{
    uint64_t steps = STEPS + (uint64_t)text.n * STEPS_A_BYTE;

    (void)pcre2_set_match_limit(m->limits, steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX);
    return pcre2_match(p->code, (PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n, from, 0, m->found, m->limits);
}

int cit__pattern_run(const struct cit__pattern *p, struct cit_slice text, struct cit_query_scratch *s,
                     struct cit_slice *group, bool *found)
{
    struct matcher *m = matcher_of(s);
    const char *at = text.p;
    const PCRE2_SIZE *pair;
    int err;

    if (m == NULL)
        return CIT_ENOMEM;
    *found = false;
    if (p->literal.n > 0)
        at = text.n >= p->literal.n ? memmem(text.p, text.n, p->literal.p, p->literal.n) : NULL;
    if (p->literal.n > 0 && at == NULL)
        return CIT_OK;
    err = match(p, text, text.n > 0 ? (size_t)(at - text.p) : 0, m);
    if (err == PCRE2_ERROR_NOMATCH)
        return CIT_OK;
    if (err == PCRE2_ERROR_NOMEMORY)
        return CIT_ENOMEM;
    if (err < 0)
        return cit__q_fail(s, CIT_ELIMIT, "the pattern needs too many steps for this text");
    pair = pcre2_get_ovector_pointer(m->found) + 2;
    *found = true;
    *group = cit_slice(NULL, 0);
    if ((err == 0 || err > 1) && pair[0] != PCRE2_UNSET)
        *group = cit_slice(text.p + pair[0], pair[1] - pair[0]);
    return CIT_OK;
}

#else

struct cit__pattern {
    char nothing;
};

int cit__pattern_new(struct cit__maker *m, bool needs_group, struct cit__pattern **out)
{
    (void)needs_group, (void)out;
    (void)cit__q_refuse(m, m->start, "this build has no patterns (it was made without PCRE2)");
    return CIT_ESTATE;
}

void cit__pattern_free(struct cit__pattern *p)
{
    cit_free(p); /* there is none: NULL */
}

int cit__pattern_run(const struct cit__pattern *p, struct cit_slice text, struct cit_query_scratch *s,
                     struct cit_slice *group, bool *found)
{
    (void)p, (void)text, (void)group, (void)found;
    return cit__q_fail(s, CIT_ESTATE, "this build has no patterns");
}

void cit__pattern_scratch_fini(struct cit_query_scratch *s)
{
    s->match = NULL;
}

#endif
