/* load/query_run.c - queries asked of an answer. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "load/query_int.h"

enum { SCRATCH_MAX = 64 << 20 /* what the queries of one answer may hold */ };

/* ---- scratch ---- */

int cit_query_scratch_init(struct cit_query_scratch *s)
{
    s->match = NULL;
    s->why[0] = '\0';
    cit_arena_init(&s->arena, SCRATCH_MAX);
    return CIT_OK;
}

void cit_query_scratch_fini(struct cit_query_scratch *s)
{
    cit__pattern_scratch_fini(s);
    cit_arena_fini(&s->arena);
}

int cit__q_fail(struct cit_query_scratch *s, int err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(s->why, CIT_QUERY_WHY, fmt, ap);
    va_end(ap);
    return err;
}

static int too_much(struct cit_query_scratch *s)
{
    return cit__q_fail(s, CIT_ELIMIT, "what is asked of this answer needs more than %d MiB", SCRATCH_MAX >> 20);
}

void *cit__q_take(struct cit_query_scratch *s, size_t n, int *err)
{
    bool is_full = false;
    void *p = cit_arena_take(&s->arena, n, &is_full);

    *err = p != NULL ? CIT_OK : is_full ? too_much(s) : CIT_ENOMEM;
    return p;
}

int cit__q_unescape(const struct cit_json_token *t, struct cit_query_scratch *s, struct cit_slice *out)
{
    int err = cit_json_unescape(t, &s->arena, out);

    return err == CIT_ELIMIT ? too_much(s) : err;
}

/* Whole characters, no control bytes; "..." where it is cut. */
const char *cit__q_show(struct cit_slice text, char out[CIT__SHOWN])
{
    size_t n = text.n < CIT__SHOWN ? text.n : CIT__SHOWN - 4;

    while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f ? ' ' : text.p[i];
    memcpy(out + n, n < text.n ? "..." : "", n < text.n ? 4 : 1);
    return out;
}

/* ---- values ---- */

static struct cit_value of_text(struct cit_slice text)
{
    return (struct cit_value){ .kind = CIT_VALUE_STRING, .text = text };
}

static struct cit_value of_int(int64_t n)
{
    return (struct cit_value){ .kind = CIT_VALUE_INT, .integer = n };
}

static struct cit_value of_true(void)
{
    return (struct cit_value){ .kind = CIT_VALUE_BOOL, .boolean = true };
}

/* ---- fields ---- */

static bool is_field(const struct cit_h1_field *f, struct cit_slice name)
{
    return f->name_n == name.n && cit_slice_eq_nocase(cit_slice(f->name, f->name_n), name);
}

/* One field: its text; several of the name: all texts. */
static int header(const struct cit_query *q, const struct cit_page *page, struct cit_query_scratch *s,
                  struct cit_value *out)
{
    uint32_t n = 0;
    int err;

    for (uint32_t i = 0; i < page->nfields; i++) {
        if (!is_field(&page->fields[i], q->name))
            continue;
        *out = of_text(cit_slice(page->fields[i].value, page->fields[i].value_n));
        n++;
    }
    if (n < 2)
        return CIT_OK;
    *out = (struct cit_value){ .kind = CIT_VALUE_LIST, .items = cit__q_take(s, n * sizeof(struct cit_slice), &err) };
    if (out->items == NULL)
        return err;
    for (uint32_t i = 0; i < page->nfields; i++)
        if (is_field(&page->fields[i], q->name))
            out->items[out->count++] = cit_slice(page->fields[i].value, page->fields[i].value_n);
    return CIT_OK;
}

/* One attribute of a Set-Cookie field, "name=value" or a word. */
static void cookie_attribute(enum cit__cookie_part part, struct cit_slice item, struct cit_value *out)
{
    static const char *const names[] = { "", "expires", "max-age", "domain", "path", "secure", "httponly", "samesite" };
    const char *equal = item.n > 0 ? memchr(item.p, '=', item.n) : NULL;
    size_t n = equal != NULL ? (size_t)(equal - item.p) : item.n;
    struct cit_slice value = equal != NULL ? cit_slice(equal + 1, item.n - n - 1) : cit_slice(item.p, 0);

    if (!cit_slice_eq_nocase(cit_slice_trim(cit_slice(item.p, n)), cit_slice_str(names[part])))
        return;
    if (part == CIT__COOKIE_SECURE || part == CIT__COOKIE_HTTP_ONLY)
        *out = of_true();
    else if (part != CIT__COOKIE_MAX_AGE || !cit__value_of_number(cit_slice_trim(value), out))
        *out = of_text(cit_slice_trim(value));
}

/* Of the last Set-Cookie with that name, which is the one a user keeps. */
static void cookie(const struct cit_query *q, const struct cit_page *page, struct cit_value *out)
{
    for (uint32_t i = 0; i < page->nfields; i++) {
        struct cit_slice rest = cit_slice(page->fields[i].value, page->fields[i].value_n), item;
        const char *equal;

        if (!is_field(&page->fields[i], CIT_SLICE_LIT("set-cookie")) || !cit_slice_split(&rest, ';', &item))
            continue;
        equal = item.n > 0 ? memchr(item.p, '=', item.n) : NULL;
        if (equal == NULL || !cit_slice_eq(cit_slice_trim(cit_slice(item.p, (size_t)(equal - item.p))), q->name))
            continue;
        *out = (struct cit_value){ .kind = CIT_VALUE_NONE };
        if (q->part == CIT__COOKIE_VALUE)
            *out = of_text(cit_slice_trim(cit_slice(equal + 1, (size_t)(item.p + item.n - equal - 1))));
        while (q->part != CIT__COOKIE_VALUE && cit_slice_split(&rest, ';', &item))
            cookie_attribute(q->part, item, out);
    }
}

/* ---- running ---- */

static int regex(const struct cit_query *q, const struct cit_page *page, struct cit_query_scratch *s,
                 struct cit_value *out)
{
    struct cit_slice group = { 0 };
    bool found = false;
    int err = cit__pattern_run(q->pattern, page->body, s, &group, &found);

    if (err == CIT_OK && found && group.p != NULL)
        *out = of_text(group);
    return err;
}

static void variable(const struct cit_query *q, const struct cit_page *page, struct cit_value *out)
{
    if (page->vars != NULL && q->var < page->vars->n && page->vars->at[q->var].p != NULL)
        *out = of_text(page->vars->at[q->var]);
}

static int ask(const struct cit_query *q, const struct cit_page *page, enum cit__want want, struct cit_query_scratch *s,
               struct cit_value *out)
{
    switch (q->kind) {
    case CIT_QUERY_STATUS:
        *out = of_int(page->status);
        break;
    case CIT_QUERY_VERSION:
        *out = of_text(page->minor == 0 ? CIT_SLICE_LIT("1.0") : CIT_SLICE_LIT("1.1"));
        break;
    case CIT_QUERY_URL:
        *out = of_text(page->url);
        break;
    case CIT_QUERY_HEADER:
        return header(q, page, s, out);
    case CIT_QUERY_COOKIE:
        cookie(q, page, out);
        break;
    case CIT_QUERY_BODY:
        *out = of_text(page->body);
        break;
    case CIT_QUERY_BYTES:
        *out = of_int((int64_t)page->bytes);
        break;
    case CIT_QUERY_JSONPATH:
        return cit__path_run(q->path, page->body, s, out);
    case CIT_QUERY_XPATH:
    case CIT_QUERY_CSS:
        return cit__select_run(q->select, page, want, s, out);
    case CIT_QUERY_REGEX:
        return regex(q, page, s, out);
    case CIT_QUERY_VARIABLE:
        variable(q, page, out);
        break;
    case CIT_QUERY_DURATION:
        *out = of_int(page->duration_ns / CIT_MS_NS);
        break;
    case CIT_QUERY_COUNT:
        break;
    }
    return CIT_OK;
}

/* What the first filter makes of nodes decides whether more than the first of them is looked for. */
static enum cit__want want_of(const struct cit_query *q, enum cit__want want)
{
    enum cit_filter_kind first = q->nfilters > 0 ? q->filter[0].kind : CIT_FILTER_KINDS;

    if (first == CIT_FILTER_COUNT)
        return CIT__WANT_COUNT;
    return first == CIT_FILTER_NTH || first == CIT_FILTER_FIRST || first == CIT_FILTER_LAST ? CIT__WANT_ALL : want;
}

int cit__q_run(const struct cit_query *q, const struct cit_page *page, enum cit__want want, struct cit_query_scratch *s,
               struct cit_value *out)
{
    struct cit_value v = { .kind = CIT_VALUE_NONE };
    int err = ask(q, page, want_of(q, want), s, &v);

    for (uint32_t i = 0; err == CIT_OK && v.kind != CIT_VALUE_NONE && i < q->nfilters; i++)
        err = cit__filter_run(&q->filter[i], s, &v);
    if (err == CIT_OK)
        *out = v;
    return err;
}

int cit_query_run(const struct cit_query *q, const struct cit_page *page, struct cit_query_scratch *s,
                  struct cit_value *out)
{
    return cit__q_run(q, page, CIT__WANT_FIRST, s, out);
}

/* ---- texts of values ---- */

/* The JSON of a list of texts. */
static int json_of_items(const struct cit_value *v, struct cit_query_scratch *s, struct cit_slice *out)
{
    struct cit_buf b;
    int err;
    char *copy;

    cit_buf_init(&b, SCRATCH_MAX);
    err = cit_buf_add_str(&b, "[");
    for (uint32_t i = 0; err == CIT_OK && i < v->count; i++) {
        err = i > 0 ? cit_buf_add_str(&b, ",") : CIT_OK;
        if (err == CIT_OK)
            err = cit_json_put(&b, v->items[i]);
    }
    if (err == CIT_OK)
        err = cit_buf_add_str(&b, "]");
    copy = err == CIT_OK ? cit__q_take(s, b.len, &err) : NULL;
    if (copy != NULL)
        *out = cit_slice(memcpy(copy, b.p, b.len), b.len);
    cit_buf_fini(&b);
    return err == CIT_ELIMIT ? too_much(s) : err;
}

/* A number as it was written, or as short as it reads back. */
static int text_of_number(const struct cit_value *v, struct cit_query_scratch *s, struct cit_slice *out)
{
    char *text;
    int err, n;

    *out = v->text;
    if (v->text.n > 0)
        return CIT_OK;
    text = cit__q_take(s, 40, &err);
    if (text == NULL)
        return err;
    n = v->kind == CIT_VALUE_INT ? snprintf(text, 40, "%lld", (long long)v->integer)
                                 : snprintf(text, 40, "%.15g", v->number);
    *out = cit_slice(text, (size_t)n);
    return CIT_OK;
}

int cit_value_text(const struct cit_value *v, struct cit_query_scratch *s, struct cit_slice *out)
{
    switch (v->kind) {
    case CIT_VALUE_NONE:
        return cit__q_fail(s, CIT_EINVAL, "nothing was found");
    case CIT_VALUE_NULL:
        *out = CIT_SLICE_LIT("null");
        break;
    case CIT_VALUE_BOOL:
        *out = v->boolean ? CIT_SLICE_LIT("true") : CIT_SLICE_LIT("false");
        break;
    case CIT_VALUE_INT:
    case CIT_VALUE_FLOAT:
        return text_of_number(v, s, out);
    case CIT_VALUE_STRING:
        *out = v->text.p != NULL ? v->text : CIT_SLICE_LIT("");
        break;
    case CIT_VALUE_LIST:
        if (v->text.n == 0)
            return json_of_items(v, s, out);
        *out = v->text;
        break;
    case CIT_VALUE_OBJECT:
        *out = v->text;
        break;
    }
    return CIT_OK;
}
