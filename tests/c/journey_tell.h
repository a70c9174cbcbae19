/* tests/c/journey_tell.h - what was understood of a journey, line by line, as the vectors say it.
 *
 *      journey NAME [weight N] [think DIST]
 *      LINE METHOD URL as "NAME"              each step, then what it has:
 *      field X: y    form a: ‹token›          ‹variables› stand between these
 *      capture who: jsonpath "$.id"           assert status >= 200
 *
 * Queries are told from what the parser asks to be compiled: the file that includes this includes
 * load/hurl_query.c with cit_query_new named journey_spy.
 */
#ifndef CIT_TESTS_JOURNEY_TELL_H
#define CIT_TESTS_JOURNEY_TELL_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "load/journey.h"
#include "load/utf8_int.h"

enum { JOURNEY_ASKED_MAX = 64 };

/* The queries that were compiled, in their order. */
static struct {
    const struct cit_query *query;
    struct cit_query_spec spec;
} journey_asked[JOURNEY_ASKED_MAX];
static uint32_t journey_nasked;

static inline int journey_spy(const struct cit_making *m, const struct cit_query_spec *spec, struct cit_query **out,
                              char *why, size_t *at)
{
    int err = cit_query_new(m, spec, out, why, at);

    if (err == CIT_OK) {
        journey_asked[journey_nasked % JOURNEY_ASKED_MAX].query = *out;
        journey_asked[journey_nasked++ % JOURNEY_ASKED_MAX].spec = *spec;
    }
    return err;
}

struct journey_teller {
    struct cit_buf *out;
    const struct cit_names *names;
};

static inline void journey_say(struct cit_buf *out, const char *fmt, ...) CIT_PRINTF(2, 3);

static inline void journey_say(struct cit_buf *out, const char *fmt, ...)
{
    char text[2000];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (cit_buf_add_str(out, text) != CIT_OK)
        abort(); /* the buffer of a test is large enough */
}

/* Bytes that are no text of one line as \n, \xHH. */
static inline void journey_say_text(struct cit_buf *out, struct cit_slice s)
{
    for (size_t i = 0, n; i < s.n; i += n) {
        unsigned char c = (unsigned char)s.p[i];

        n = cit__utf8_len(s.p + i, s.n - i);
        if (c == '\n')
            journey_say(out, "\\n");
        else if (n == 0 || c < 0x20 || c == 0x7f)
            journey_say(out, "\\x%02x", c);
        else
            journey_say(out, "%.*s", (int)n, s.p + i);
        n = n > 0 ? n : 1;
    }
}

static inline void journey_say_tmpl(const struct journey_teller *t, const struct cit_tmpl *tmpl)
{
    static const char *const made[] = { "newUuid", "newDate", "userNumber", "iteration" };

    for (uint32_t i = 0; i < tmpl->n; i++) {
        const struct cit_tmpl_piece *p = &tmpl->piece[i];

        if (p->var == CIT_TMPL_TEXT)
            journey_say_text(t->out, p->text);
        else if (p->var < 0)
            journey_say(t->out, "\xe2\x80\xb9%s!\xe2\x80\xba", made[-2 - p->var]);
        else
            journey_say(t->out, "\xe2\x80\xb9%.*s\xe2\x80\xba", CIT_SLICE_ARG(t->names->at[p->var]));
    }
}

static inline void journey_say_dist(struct cit_buf *out, const char *what, const struct cit_dist *d)
{
    static const char *const kinds[] = { "fixed", "uniform", "exponential", "normal" };
    char a[CIT_UNITS_TEXT_MAX], b[CIT_UNITS_TEXT_MAX];

    cit_units_time_text(d->a_ns, a);
    cit_units_time_text(d->b_ns, b);
    journey_say(out, "%s %s %s %s", what, kinds[d->kind], a, b);
}

static inline void journey_say_query(struct cit_buf *out, const struct cit_query *q)
{
    static const char *const kinds[] = {
#define TELL_KIND(id, name, argument, body) name,
        CIT_QUERY_MAP(TELL_KIND)
#undef TELL_KIND
    };
    static const char *const filters[] = {
#define TELL_FILTER(id, name, argument) name,
        CIT_FILTER_MAP(TELL_FILTER)
#undef TELL_FILTER
    };
    static const int arguments[] = {
#define TELL_ARGUMENT(id, name, argument) argument,
        CIT_FILTER_MAP(TELL_ARGUMENT)
#undef TELL_ARGUMENT
    };
    const struct cit_query_spec *s = NULL;

    for (uint32_t i = 0; i < journey_nasked && i < JOURNEY_ASKED_MAX; i++)
        if (journey_asked[i].query == q)
            s = &journey_asked[i].spec;
    if (s == NULL) {
        journey_say(out, "?");
        return;
    }
    journey_say(out, "%s", kinds[s->kind]);
    if (s->argument.p != NULL)
        journey_say(out, " \"%.*s\"", CIT_SLICE_ARG(s->argument));
    if (s->attribute.n > 0)
        journey_say(out, " \"%.*s\"", CIT_SLICE_ARG(s->attribute));
    for (uint32_t i = 0; i < s->nfilters; i++) {
        const struct cit_filter_spec *f = &s->filter[i];

        journey_say(out, " %s", filters[f->kind]);
        if (arguments[f->kind] == 1 || arguments[f->kind] == 3)
            journey_say(out, " \"%.*s\"", CIT_SLICE_ARG(f->a));
        if (arguments[f->kind] == 3)
            journey_say(out, " \"%.*s\"", CIT_SLICE_ARG(f->b));
        if (arguments[f->kind] == 2)
            journey_say(out, " %" PRId64, f->n);
    }
}

static inline void journey_say_assert(const struct journey_teller *t, const struct cit_assert *as)
{
    static const struct {
        const char *name;
        int operand;
    } predicates[] = {
#define TELL_PREDICATE(id, name, operand) { name, operand },
        CIT_PREDICATE_MAP(TELL_PREDICATE)
#undef TELL_PREDICATE
    };
    const struct cit_operand *o = &as->operand;
    const char *quote = o->is_variable ? "" : "\"";

    journey_say(t->out, "assert ");
    journey_say_query(t->out, as->query);
    journey_say(t->out, "%s %s", as->is_negated ? " not" : "", predicates[as->predicate].name);
    if (predicates[as->predicate].operand != 0) {
        if (o->kind == CIT_VALUE_NULL)
            journey_say(t->out, " null");
        if (o->kind == CIT_VALUE_BOOL)
            journey_say(t->out, " %s", o->boolean ? "true" : "false");
        if (o->kind == CIT_VALUE_INT)
            journey_say(t->out, " %" PRId64, o->integer);
        if (o->kind == CIT_VALUE_FLOAT)
            journey_say(t->out, " %gf", o->number);
        if (o->kind == CIT_VALUE_STRING) {
            journey_say(t->out, " %s", quote);
            journey_say_tmpl(t, &o->text);
            journey_say(t->out, "%s", quote);
        }
    }
    journey_say(t->out, "\n");
}

static inline void journey_say_pairs(const struct journey_teller *t, const char *what, const struct cit_pair *pairs,
                                     uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        journey_say(t->out, "%s ", what);
        journey_say_tmpl(t, &pairs[i].name);
        journey_say(t->out, ": ");
        journey_say_tmpl(t, &pairs[i].value);
        journey_say(t->out, "\n");
    }
}

static inline void journey_say_options(const struct journey_teller *t, const struct cit_step *s)
{
    if (s->is_once)
        journey_say(t->out, "once\n");
    if (s->has_think) {
        journey_say_dist(t->out, "think", &s->think);
        journey_say(t->out, "\n");
    }
    if (s->repeat != 1)
        journey_say(t->out, "repeat %" PRIu32 "\n", s->repeat);
    if (s->size == CIT_SIZE_ANY)
        journey_say(t->out, "size any\n");
    if (s->follow)
        journey_say(t->out, "follow\n");
    if (s->max_redirects != 50)
        journey_say(t->out, "redirects %" PRId32 "\n", s->max_redirects);
    if (s->is_skipped)
        journey_say(t->out, "skipped\n");
    if (s->delay_ns != 0)
        journey_say(t->out, "delay %" PRId64 " ms\n", s->delay_ns / 1000000);
    journey_say_pairs(t, "set", s->set, s->nset);
}

static inline void journey_say_body(const struct journey_teller *t, const struct cit_step *s)
{
    journey_say_pairs(t, "form", s->form, s->nform);
    for (uint32_t i = 0; i < s->nparts; i++) {
        journey_say(t->out, "part ");
        journey_say_tmpl(t, &s->parts[i].name);
        journey_say(t->out, ": ");
        if (s->parts[i].file_name.p != NULL) {
            journey_say(t->out, "file %.*s %.*s ", CIT_SLICE_ARG(s->parts[i].file_name),
                        CIT_SLICE_ARG(s->parts[i].type));
            journey_say_text(t->out, s->parts[i].file);
        }
        journey_say_tmpl(t, &s->parts[i].value);
        journey_say(t->out, "\n");
    }
    if (s->body == CIT_BODY_NONE)
        return;
    journey_say(t->out, "%s ",
                s->body == CIT_BODY_TEXT    ? "text"
                : s->body == CIT_BODY_BYTES ? "bytes"
                : s->body == CIT_BODY_FORM  ? "body form"
                                            : "body multipart");
    journey_say(t->out, "(%.*s) ", CIT_SLICE_ARG(s->type));
    journey_say_tmpl(t, &s->text);
    journey_say_text(t->out, s->bytes);
    journey_say(t->out, "\n");
}

static inline void journey_say_step(const struct journey_teller *t, const struct cit_step *s)
{
    journey_say(t->out, "%" PRIu32 " %.*s ", s->line, CIT_SLICE_ARG(s->method));
    journey_say_tmpl(t, &s->url);
    journey_say(t->out, " as \"%.*s\"\n", CIT_SLICE_ARG(s->name));
    journey_say_options(t, s);
    journey_say_pairs(t, "field", s->headers, s->nheaders);
    journey_say_pairs(t, "query", s->query, s->nquery);
    journey_say_pairs(t, "cookie", s->cookies, s->ncookies);
    if (s->has_auth) {
        journey_say_pairs(t, "auth", &(struct cit_pair){ .name = s->user, .value = s->password }, 1);
    }
    journey_say_body(t, s);
    if (s->has_answer)
        journey_say(t->out, "answer %d%s%s\n", s->status,
                    s->minor == 0   ? " 1.0"
                    : s->minor == 1 ? " 1.1"
                                    : "",
                    s->needs_body ? " body" : "");
    for (uint32_t i = 0; i < s->ncaptures; i++) {
        journey_say(t->out, "capture %.*s: ", CIT_SLICE_ARG(s->captures[i].name));
        journey_say_query(t->out, s->captures[i].query);
        journey_say(t->out, "\n");
    }
    for (uint32_t i = 0; i < s->nasserts; i++)
        journey_say_assert(t, &s->asserts[i]);
}

static inline void journey_say_all(const struct journey_teller *t, const struct cit_journey *j)
{
    journey_say(t->out, "journey %.*s", CIT_SLICE_ARG(j->name));
    if (j->weight != 1)
        journey_say(t->out, " weight %" PRIu32, j->weight);
    if (j->has_think)
        journey_say_dist(t->out, " think", &j->think);
    journey_say(t->out, "\n");
    for (uint32_t i = 0; i < j->nsteps; i++)
        journey_say_step(t, &j->steps[i]);
}

/* Parses; into out what was understood or "LINE:COLUMN: fault".  Returns what the parser did. */
static inline int journey_tell(struct cit_slice text, struct cit_slice path, struct cit_buf *out)
{
    struct cit_names names = { 0 };
    struct cit_queries queries = { 0 };
    struct cit_journey_fault fault = { 0 };
    struct journey_teller t = { out, &names };
    struct cit_journey j;
    struct cit_arena a;
    int err;

    journey_nasked = 0;
    out->len = 0;
    cit_arena_init(&a, 64u << 20);
    err = cit_journey_parse(text, path, &(struct cit_making){ &names, &queries, &a }, &j, &fault);
    if (err == CIT_OK)
        journey_say_all(&t, &j);
    else
        journey_say(out, "%" PRIu32 ":%" PRIu32 ": %s\n", fault.line, fault.column, fault.why);
    cit_queries_fini(&queries);
    cit_arena_fini(&a);
    return err;
}

#endif
