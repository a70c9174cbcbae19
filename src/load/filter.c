/* load/filter.c - what filters make of a value. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "load/html_int.h"
#include "load/query_int.h"
#include "load/utf8_int.h"

static const char *const names[] = {
#define CIT_FILTER_NAME(id, name, argument) name,
    CIT_FILTER_MAP(CIT_FILTER_NAME)
#undef CIT_FILTER_NAME
};

static const char *kind_name(enum cit_value_kind kind)
{
    static const char *const kinds[] = {
        "nothing",  "null",         "a boolean", "an integer", "a number with a fraction",
        "a string", "a collection", "an object"
    };

    return kinds[kind];
}

static int unfit(const struct cit__filter *f, const struct cit_value *v, struct cit_query_scratch *s)
{
    return cit__q_fail(s, CIT_EINVAL, "the filter %s does not take %s", names[f->kind], kind_name(v->kind));
}

static void set_text(struct cit_value *v, const char *p, size_t n)
{
    *v = (struct cit_value){ .kind = CIT_VALUE_STRING, .text = cit_slice(p, n) };
}

static void set_int(struct cit_value *v, int64_t n)
{
    *v = (struct cit_value){ .kind = CIT_VALUE_INT, .integer = n };
}

/* ---- collections ---- */

/* The element of a JSON array. */
static int json_element(struct cit_slice json, uint32_t at, struct cit_query_scratch *s, struct cit_value *v)
{
    struct cit_json j;
    struct cit_json_token t;
    struct cit_slice text;
    int err;

    cit_json_init(&j, json);
    err = cit_json_next(&j, &t);
    for (uint32_t i = 0; err == CIT_OK && i <= at; i++) {
        err = cit_json_next(&j, &t);
        text = t.kind == CIT_JSON_STRING ? cit_slice(t.raw.p - 1, t.raw.n + 2) : t.raw;
        if (err == CIT_OK && j.depth > 1)
            err = cit_json_skip(&j, &text);
    }
    /* the array was read once to be found, so that this does not happen */
    if (err != CIT_OK)
        return cit__q_fail(s, CIT_EINVAL, "it is no JSON: %s", j.why);
    return cit__value_of_json(text, s, v);
}

static int nth(const struct cit__filter *f, int64_t at, struct cit_query_scratch *s, struct cit_value *v)
{
    int64_t index = at < 0 ? at + (int64_t)v->count : at;

    if (v->kind != CIT_VALUE_LIST)
        return unfit(f, v, s);
    if (index < 0 || index >= (int64_t)v->count)
        return cit__q_fail(s, CIT_EINVAL, "the filter %s looks for element %lld of %u", names[f->kind], (long long)at,
                           v->count);
    if (v->items == NULL)
        return json_element(v->text, (uint32_t)index, s, v);
    set_text(v, v->items[index].p, v->items[index].n);
    return CIT_OK;
}

static int split(const struct cit__filter *f, struct cit_query_scratch *s, struct cit_value *v)
{
    const char *p = v->text.p, *end = p + v->text.n, *at;
    struct cit_slice *items;
    uint32_t n = 1;
    int err;

    for (at = p; (at = memmem(at, (size_t)(end - at), f->a.p, f->a.n)) != NULL; at += f->a.n)
        n++;
    items = cit__q_take(s, n * sizeof *items, &err);
    if (items == NULL)
        return err;
    for (uint32_t i = 0; i < n; i++) {
        at = memmem(p, (size_t)(end - p), f->a.p, f->a.n);
        items[i] = cit_slice(p, (size_t)((at != NULL ? at : end) - p));
        p = at != NULL ? at + f->a.n : end;
    }
    *v = (struct cit_value){ .kind = CIT_VALUE_LIST, .items = items, .count = n };
    return CIT_OK;
}

/* ---- texts ---- */

static int replace(const struct cit__filter *f, struct cit_query_scratch *s, struct cit_value *v)
{
    const char *p = v->text.p, *end = p + v->text.n, *at;
    size_t n = v->text.n;
    char *text, *to;
    int err;

    for (at = p; (at = memmem(at, (size_t)(end - at), f->a.p, f->a.n)) != NULL; at += f->a.n)
        n = n - f->a.n + f->b.n;
    text = to = cit__q_take(s, n + 1, &err);
    if (text == NULL)
        return err;
    while (p < end) {
        at = memmem(p, (size_t)(end - p), f->a.p, f->a.n);
        memcpy(to, p, (size_t)((at != NULL ? at : end) - p));
        to += (at != NULL ? at : end) - p;
        if (at != NULL)
            to = (char *)memcpy(to, f->b.p, f->b.n) + f->b.n;
        p = at != NULL ? at + f->a.n : end;
    }
    set_text(v, text, n);
    return CIT_OK;
}

static int regex(const struct cit__filter *f, struct cit_query_scratch *s, struct cit_value *v)
{
    struct cit_slice group = { 0 };
    bool found = false;
    int err = cit__pattern_run(f->pattern, v->text, s, &group, &found);

    if (err != CIT_OK)
        return err;
    if (found && group.p != NULL)
        set_text(v, group.p, group.n);
    else
        *v = (struct cit_value){ .kind = CIT_VALUE_NONE };
    return CIT_OK;
}

/* As stock hurl: RFC 3986's unreserved characters stay, and "/". */
static int url_encode(struct cit_query_scratch *s, struct cit_value *v)
{
    static const char hex[] = "0123456789ABCDEF";
    int err;
    char *text = cit__q_take(s, v->text.n * 3 + 1, &err), *to = text;

    if (text == NULL)
        return err;
    for (size_t i = 0; i < v->text.n; i++) {
        unsigned char c = (unsigned char)v->text.p[i];

        if (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || memchr("-._~/", c, 5) != NULL) {
            *to++ = (char)c;
        } else {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    set_text(v, text, (size_t)(to - text));
    return CIT_OK;
}

/* A % without two digits stays as it is; + is no space. */
static int url_decode(struct cit_query_scratch *s, struct cit_value *v)
{
    int err;
    char *text = cit__q_take(s, v->text.n + 1, &err), *to = text;
    const char *p = v->text.p, *end = p + v->text.n;

    if (text == NULL)
        return err;
    while (p < end) {
        bool is_code = *p == '%' && end - p > 2 && cit__hex_digit(p[1]) >= 0 && cit__hex_digit(p[2]) >= 0;

        *to++ = (char)(is_code ? cit__hex_digit(p[1]) << 4 | cit__hex_digit(p[2]) : *p);
        p += is_code ? 3 : 1;
    }
    set_text(v, text, (size_t)(to - text));
    return CIT_OK;
}

static int html_escape(struct cit_query_scratch *s, struct cit_value *v)
{
    static const char *const refs[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#x27;"
    };
    int err;
    char *text = cit__q_take(s, v->text.n * 6 + 1, &err), *to = text;

    if (text == NULL)
        return err;
    for (size_t i = 0; i < v->text.n; i++) {
        const char *ref = refs[(unsigned char)v->text.p[i]];

        if (ref == NULL)
            *to++ = v->text.p[i];
        else
            to = (char *)memcpy(to, ref, strlen(ref)) + strlen(ref);
    }
    set_text(v, text, (size_t)(to - text));
    return CIT_OK;
}

static int html_unescape(struct cit_query_scratch *s, struct cit_value *v)
{
    int err;
    char *text = cit__q_take(s, v->text.n + 1, &err);

    if (text == NULL)
        return err;
    set_text(v, text, cit__html_decode(v->text, false, text));
    return CIT_OK;
}

/* ---- numbers ---- */

static int no_number(const struct cit__filter *f, const struct cit_value *v, struct cit_query_scratch *s)
{
    char shown[CIT__SHOWN];

    return cit__q_fail(s, CIT_EINVAL, "the filter %s does not take \"%s\"", names[f->kind],
                       cit__q_show(v->text, shown));
}

static int to_int(const struct cit__filter *f, struct cit_query_scratch *s, struct cit_value *v)
{
    struct cit_value n = *v;

    if (v->kind == CIT_VALUE_STRING && (!cit__value_of_number(v->text, &n) || n.kind != CIT_VALUE_INT))
        return no_number(f, v, s);
    if (n.kind == CIT_VALUE_INT) {
        set_int(v, n.integer);
        return CIT_OK;
    }
    if (n.kind != CIT_VALUE_FLOAT)
        return unfit(f, v, s);
    if (!(n.number > -9.2e18 && n.number < 9.2e18))
        return cit__q_fail(s, CIT_EINVAL, "the filter toInt does not take %g", n.number);
    set_int(v, (int64_t)n.number);
    return CIT_OK;
}

static int to_float(const struct cit__filter *f, struct cit_query_scratch *s, struct cit_value *v)
{
    struct cit_value n = *v;

    if (v->kind == CIT_VALUE_STRING && !cit__value_of_number(v->text, &n))
        return no_number(f, v, s);
    if (n.kind != CIT_VALUE_INT && n.kind != CIT_VALUE_FLOAT)
        return unfit(f, v, s);
    *v = (struct cit_value){ .kind = CIT_VALUE_FLOAT,
                             .number = n.kind == CIT_VALUE_INT ? (double)n.integer : n.number,
                             .text = v->text };
    return CIT_OK;
}

static int to_string(const struct cit__filter *f, struct cit_query_scratch *s, struct cit_value *v)
{
    struct cit_slice text;
    int err;

    if (v->kind == CIT_VALUE_LIST || v->kind == CIT_VALUE_OBJECT)
        return unfit(f, v, s);
    err = cit_value_text(v, s, &text);
    if (err == CIT_OK)
        set_text(v, text.p, text.n);
    return err;
}

/* ---- all of them ---- */

static int of_string(const struct cit__filter *f, struct cit_query_scratch *s, struct cit_value *v)
{
    if (v->text.n == 0)
        v->text.p = ""; /* no arithmetic on NULL */
    switch (f->kind) {
    case CIT_FILTER_REGEX:
        return regex(f, s, v);
    case CIT_FILTER_REPLACE:
        return replace(f, s, v);
    case CIT_FILTER_SPLIT:
        return split(f, s, v);
    case CIT_FILTER_URL_ENCODE:
        return url_encode(s, v);
    case CIT_FILTER_URL_DECODE:
        return url_decode(s, v);
    case CIT_FILTER_HTML_ESCAPE:
        return html_escape(s, v);
    case CIT_FILTER_HTML_UNESCAPE:
        return html_unescape(s, v);
    case CIT_FILTER_JSONPATH:
        return cit__path_run(f->path, v->text, s, v);
    case CIT_FILTER_COUNT:
    case CIT_FILTER_NTH:
    case CIT_FILTER_FIRST:
    case CIT_FILTER_LAST:
    case CIT_FILTER_TO_INT:
    case CIT_FILTER_TO_FLOAT:
    case CIT_FILTER_TO_STRING:
    case CIT_FILTER_KINDS:
        break;
    }
    return unfit(f, v, s);
}

int cit__filter_run(const struct cit__filter *f, struct cit_query_scratch *s, struct cit_value *v)
{
    bool is_json = v->kind == CIT_VALUE_OBJECT || (v->kind == CIT_VALUE_LIST && v->text.n > 0);

    switch (f->kind) {
    case CIT_FILTER_COUNT:
        if (v->kind != CIT_VALUE_LIST)
            return unfit(f, v, s);
        set_int(v, v->count);
        return CIT_OK;
    case CIT_FILTER_NTH:
        return nth(f, f->n, s, v);
    case CIT_FILTER_FIRST:
        return nth(f, 0, s, v);
    case CIT_FILTER_LAST:
        return nth(f, -1, s, v);
    case CIT_FILTER_TO_INT:
        return to_int(f, s, v);
    case CIT_FILTER_TO_FLOAT:
        return to_float(f, s, v);
    case CIT_FILTER_TO_STRING:
        return to_string(f, s, v);
    case CIT_FILTER_JSONPATH:
        if (is_json)
            return cit__path_run(f->path, v->text, s, v);
        break;
    case CIT_FILTER_REGEX:
    case CIT_FILTER_REPLACE:
    case CIT_FILTER_SPLIT:
    case CIT_FILTER_URL_ENCODE:
    case CIT_FILTER_URL_DECODE:
    case CIT_FILTER_HTML_ESCAPE:
    case CIT_FILTER_HTML_UNESCAPE:
    case CIT_FILTER_KINDS:
        break;
    }
    return v->kind == CIT_VALUE_STRING ? of_string(f, s, v) : unfit(f, v, s);
}
