/* load/query.c - queries and asserts compiled: every fault an author can make is found here. */
#include "load/query.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "load/query_int.h"

int cit__q_refuse(struct cit__maker *m, const char *at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(m->why, CIT_QUERY_WHY, fmt, ap);
    va_end(ap);
    *m->at = (size_t)(at - m->start);
    return CIT_EINVAL;
}

/* ---- patterns ---- */

void cit_queries_fini(struct cit_queries *qs)
{
    for (struct cit_query *q = qs->first; q != NULL; q = q->next)
        cit__pattern_free(q->pattern);
    qs->first = NULL;
}

int cit__q_pattern(struct cit__maker *m, bool needs_group, struct cit_query **out)
{
    struct cit_query *q = cit_arena_zero(m->arena, 1, sizeof *q);
    int err;

    if (q == NULL)
        return CIT_ENOMEM;
    q->kind = CIT_QUERY_REGEX;
    err = cit__pattern_new(m, needs_group, &q->pattern);
    if (err != CIT_OK)
        return err;
    q->next = m->qs->first;
    m->qs->first = q;
    *out = q;
    return CIT_OK;
}

/* ---- filters ---- */

/* The maker's text becomes a copy of s, from its start; what is compiled borrows from it. */
static int read_text(struct cit__maker *m, struct cit_slice s)
{
    struct cit_slice copy = cit_arena_copy(m->arena, s);

    if (copy.p == NULL)
        return CIT_ENOMEM;
    m->start = m->p = copy.p;
    m->end = copy.p + copy.n;
    return CIT_OK;
}

static int copy_text(struct cit__maker *m, struct cit_slice s, struct cit_slice *out)
{
    *out = cit_arena_copy(m->arena, s);
    return out->p != NULL ? CIT_OK : CIT_ENOMEM;
}

/* A fault in a filter's argument: what it is about is said, since *at counts in the query's own. */
static int in_filter(struct cit__maker *m, int err, const char *name)
{
    char why[CIT_QUERY_WHY];
    size_t at = *m->at;

    if (err != CIT_EINVAL)
        return err;
    memcpy(why, m->why, sizeof why);
    (void)snprintf(m->why, CIT_QUERY_WHY, "in the filter %s, at character %zu: %.150s", name, at + 1, why);
    *m->at = 0;
    return err;
}

static int filter_new(struct cit__maker *m, const struct cit_filter_spec *spec, struct cit__filter *f)
{
    struct cit_query *pattern = NULL;
    int err = copy_text(m, spec->a, &f->a);

    if (err == CIT_OK)
        err = copy_text(m, spec->b, &f->b);
    if (err == CIT_OK)
        err = read_text(m, spec->a);
    if (err != CIT_OK)
        return err;
    f->kind = spec->kind;
    f->n = spec->n;
    if (spec->kind == CIT_FILTER_REGEX) {
        err = in_filter(m, cit__q_pattern(m, true, &pattern), "regex");
        f->pattern = err == CIT_OK ? pattern->pattern : NULL;
    } else if (spec->kind == CIT_FILTER_JSONPATH) {
        err = in_filter(m, cit__path_new(m, &f->path), "jsonpath");
    } else if ((spec->kind == CIT_FILTER_SPLIT || spec->kind == CIT_FILTER_REPLACE) && spec->a.n == 0) {
        err = cit__q_refuse(m, m->start, "the filter %s looks for a text that is not empty",
                            spec->kind == CIT_FILTER_SPLIT ? "split" : "replace");
    }
    return err;
}

static int filters_new(struct cit__maker *m, const struct cit_query_spec *spec, struct cit_query *q)
{
    uint32_t from = spec->kind == CIT_QUERY_BYTES ? 1 : 0; /* its count is what the query gives */
    int err = CIT_OK;

    if (spec->nfilters > CIT_QUERY_FILTERS_MAX)
        return cit__q_refuse(m, m->start, "a query has at most %d filters", CIT_QUERY_FILTERS_MAX);
    if (from > 0 && (spec->nfilters == 0 || spec->filter[0].kind != CIT_FILTER_COUNT))
        return cit__q_refuse(m, m->start, "of the bytes, only their count is known: bytes count");
    for (uint32_t i = from; err == CIT_OK && i < spec->nfilters; i++)
        err = filter_new(m, &spec->filter[i], &q->filter[q->nfilters++]);
    return err;
}

/* ---- queries ---- */

/* "name[Part]", as stock hurl has it. */
static int cookie_new(struct cit__maker *m, struct cit_query *q)
{
    static const char *const parts[] = { "Value", "Expires", "Max-Age",  "Domain",
                                         "Path",  "Secure",  "HttpOnly", "SameSite" };
    const char *bracket =
        m->end > m->start && m->end[-1] == ']' ? memrchr(m->start, '[', (size_t)(m->end - m->start)) : NULL;
    struct cit_slice part;

    q->name = cit_slice(m->start, (size_t)((bracket != NULL ? bracket : m->end) - m->start));
    if (q->name.n == 0)
        return cit__q_refuse(m, m->start, "the name of a cookie is expected");
    if (bracket == NULL)
        return CIT_OK;
    part = cit_slice(bracket + 1, (size_t)(m->end - bracket - 2));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!cit_slice_eq_nocase(part, cit_slice_str(parts[i])))
            continue;
        q->part = (enum cit__cookie_part)i;
        return CIT_OK;
    }
    return cit__q_refuse(m, bracket + 1,
                         "Value, Expires, Max-Age, Domain, Path, Secure, HttpOnly or SameSite is expected");
}

static int argument_new(struct cit__maker *m, const struct cit_query_spec *spec, struct cit_names *names,
                        struct cit_query *q)
{
    struct cit_slice all = cit_slice(m->start, (size_t)(m->end - m->start)), attribute;
    struct cit_query *pattern = NULL;
    int err;

    switch (spec->kind) {
    case CIT_QUERY_HEADER:
        q->name = all;
        return all.n > 0 ? CIT_OK : cit__q_refuse(m, m->start, "the name of a header is expected");
    case CIT_QUERY_COOKIE:
        return cookie_new(m, q);
    case CIT_QUERY_JSONPATH:
        return cit__path_new(m, &q->path);
    case CIT_QUERY_XPATH:
        return cit__xpath_new(m, &q->select);
    case CIT_QUERY_CSS:
        err = copy_text(m, spec->attribute, &attribute);
        return err == CIT_OK ? cit__css_new(m, attribute, &q->select) : err;
    case CIT_QUERY_REGEX:
        err = cit__q_pattern(m, true, &pattern);
        q->pattern = err == CIT_OK ? pattern->pattern : NULL;
        return err;
    case CIT_QUERY_VARIABLE:
        return cit_names_number(names, m->arena, all, &q->var);
    case CIT_QUERY_STATUS:
    case CIT_QUERY_VERSION:
    case CIT_QUERY_URL:
    case CIT_QUERY_BODY:
    case CIT_QUERY_BYTES:
    case CIT_QUERY_DURATION:
    case CIT_QUERY_COUNT:
        break;
    }
    return CIT_OK;
}

int cit_query_new(const struct cit_making *m, const struct cit_query_spec *spec, struct cit_query **out, char *why,
                  size_t *at)
{
    struct cit__maker maker = { .qs = m->queries, .arena = m->arena, .why = why, .at = at };
    struct cit_query *q = cit_arena_zero(m->arena, 1, sizeof *q);
    int err = CIT_ENOMEM;

    *at = 0;
    if (q != NULL)
        err = read_text(&maker, spec->argument);
    if (err != CIT_OK)
        return err;
    q->kind = spec->kind;
    err = argument_new(&maker, spec, m->names, q);
    if (err == CIT_OK)
        err = filters_new(&maker, spec, q);
    if (err == CIT_OK)
        *out = q;
    return err;
}

bool cit_query_needs_body(const struct cit_query *q)
{
    static const bool needs[CIT_QUERY_COUNT] = {
#define CIT_QUERY_NEEDS(id, name, argument, body) (body) != 0,
        CIT_QUERY_MAP(CIT_QUERY_NEEDS)
#undef CIT_QUERY_NEEDS
    };

    return needs[q->kind];
}

/* ---- asserts ---- */

static const struct {
    const char *name;
    int operand;
} predicates[] = {
#define CIT_PREDICATE_ROW(id, name, operand) { name, operand },
    CIT_PREDICATE_MAP(CIT_PREDICATE_ROW)
#undef CIT_PREDICATE_ROW
};

/* Strings are ordered, too, as in stock hurl: by bytes. */
static bool operand_fits(int wanted, enum cit_value_kind kind)
{
    bool is_number = kind == CIT_VALUE_INT || kind == CIT_VALUE_FLOAT;

    if (wanted == 0)
        return kind == CIT_VALUE_NONE;
    if (wanted == 1)
        return is_number || kind == CIT_VALUE_STRING || kind == CIT_VALUE_BOOL || kind == CIT_VALUE_NULL;
    return kind == CIT_VALUE_STRING || (wanted == 3 && is_number);
}

int cit_assert_new(const struct cit_making *m, struct cit_assert *as, char *why)
{
    static const char *const wants[] = { "no value", "a value", "a string", "a number" };
    size_t at = 0;
    struct cit__maker maker = { .qs = m->queries, .arena = m->arena, .why = why, .at = &at };
    int wanted = predicates[as->predicate].operand, err;
    struct cit_query *pattern = NULL;
    struct cit_slice text;

    as->pattern = NULL;
    if (!operand_fits(wanted, as->operand.kind))
        return cit__q_refuse(&maker, NULL, "%s takes %s", predicates[as->predicate].name, wants[wanted]);
    if (as->predicate != CIT_PREDICATE_MATCHES)
        return CIT_OK;
    if (!cit_tmpl_is_fixed(&as->operand.text, &text))
        return cit__q_refuse(&maker, NULL, "a pattern is compiled before the run: it can't have variables");
    err = read_text(&maker, text);
    if (err == CIT_OK)
        err = cit__q_pattern(&maker, false, &pattern);
    as->pattern = err == CIT_OK ? pattern : NULL;
    return err;
}
