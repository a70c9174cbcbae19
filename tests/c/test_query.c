/* tests/c/test_query.c - queries, filters and asserts: the vectors, faults of authors, failed allocations.
 *
 * A line of tests/vectors/load/queries.jsonl is a query, the answer it is asked of, and what comes out:
 *   "query" "argument" "attribute" "filters": [[name, argument...]...]
 *   "body": a text, or [[text, times]...]   "type": its Content-Type
 *   "headers": [[name, value]...]   "status"   "variables"
 *   one of "value"; "none": true; "error" or "limit": a part of the message; "refused": likewise, with "at" the byte;
 *   or "is" (a predicate) "operand" "not" and "holds": true, or a part of the message.
 */
#include "load/query.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "load/json.h"

#define VECTORS "tests/vectors/load/queries.jsonl"

enum { LINE_MAX_BYTES = 1 << 20, FIELDS = 8, VARS = 8 };

static const struct cit_json_node *member(const struct cit_json_node *object, const char *name)
{
    for (const struct cit_json_node *m = object->first; m != NULL; m = m->next)
        if (cit_slice_eq(m->name, cit_slice_str(name)))
            return m;
    return NULL;
}

static struct cit_slice text_of(const struct cit_json_node *object, const char *name)
{
    const struct cit_json_node *m = member(object, name);

    return m != NULL ? m->text : CIT_SLICE_LIT("");
}

static int64_t int_of(const struct cit_json_node *n)
{
    char text[32] = { 0 };

    assert_non_null(n);
    assert_int_equal(n->kind, CIT_JSON_NUMBER);
    memcpy(text, n->text.p, n->text.n < sizeof text ? n->text.n : sizeof text - 1);
    return strtoll(text, NULL, 10);
}

static struct cit_json_node *parse(struct cit_slice text, struct cit_arena *a)
{
    struct cit_json_node *root = NULL;
    const char *why = "";
    size_t at = 0;

    if (cit_json_tree(text, a, &root, &why, &at) != CIT_OK)
        fail_msg("byte %zu of %.*s: %s", at, CIT_SLICE_ARG(text), why);
    return root;
}

/* ---- a line becomes a query and a page ---- */

static const char *const query_names[] = {
#define QUERY_NAME(id, name, argument, body) name,
    CIT_QUERY_MAP(QUERY_NAME)
#undef QUERY_NAME
};
static const struct {
    const char *name;
    int argument;
} filter_rows[] = {
#define FILTER_ROW(id, name, argument) { name, argument },
    CIT_FILTER_MAP(FILTER_ROW)
#undef FILTER_ROW
};

static struct cit_filter_spec filter_of(const struct cit_json_node *n)
{
    struct cit_filter_spec f = { .kind = CIT_FILTER_KINDS };
    const struct cit_json_node *argument = n->first->next;

    for (size_t i = 0; i < sizeof filter_rows / sizeof *filter_rows; i++)
        if (cit_slice_eq(n->first->text, cit_slice_str(filter_rows[i].name)))
            f.kind = (enum cit_filter_kind)i;
    assert_int_not_equal(f.kind, CIT_FILTER_KINDS);
    if (filter_rows[f.kind].argument == 2)
        f.n = int_of(argument);
    else if (filter_rows[f.kind].argument != 0)
        f.a = argument->text;
    if (filter_rows[f.kind].argument == 3)
        f.b = argument->next->text;
    return f;
}

static struct cit_query_spec spec_of(const struct cit_json_node *line)
{
    struct cit_query_spec spec = { .kind = CIT_QUERY_COUNT,
                                   .argument = text_of(line, "argument"),
                                   .attribute = text_of(line, "attribute") };
    const struct cit_json_node *filters = member(line, "filters");

    for (size_t i = 0; i < CIT_QUERY_COUNT; i++)
        if (cit_slice_eq(text_of(line, "query"), cit_slice_str(query_names[i])))
            spec.kind = (enum cit_query_kind)i;
    assert_int_not_equal(spec.kind, CIT_QUERY_COUNT);
    for (const struct cit_json_node *f = filters != NULL ? filters->first : NULL; f != NULL; f = f->next)
        spec.filter[spec.nfilters++] = filter_of(f);
    return spec;
}

/* The body in memory of its own size, so that a sanitizer sees who reads past it. */
static struct cit_slice body_of(const struct cit_json_node *line)
{
    const struct cit_json_node *body = member(line, "body");
    struct cit_buf b;

    cit_buf_init(&b, 64 << 20);
    if (body != NULL && body->kind == CIT_JSON_STRING)
        assert_int_equal(cit_buf_add_slice(&b, body->text), CIT_OK);
    for (const struct cit_json_node *piece = body != NULL ? body->first : NULL; piece != NULL; piece = piece->next)
        for (int64_t i = int_of(piece->first->next); i > 0; i--)
            assert_int_equal(cit_buf_add_slice(&b, piece->first->text), CIT_OK);
    char *exact = cit_malloc(b.len + 1);
    assert_non_null(exact);
    exact = b.len > 0 ? cit_realloc_array(exact, b.len, 1) : exact;
    assert_non_null(exact);
    if (b.len > 0)
        memcpy(exact, b.p, b.len);
    struct cit_slice out = cit_slice(exact, b.len);
    cit_buf_fini(&b);
    return out;
}

struct asked { /* a page with what it borrows */
    struct cit_page page;
    struct cit_h1_field field[FIELDS];
    struct cit_slice var[VARS];
    struct cit_vars vars;
};

static void add_field(struct asked *asked, struct cit_slice name, struct cit_slice value)
{
    assert_true(asked->page.nfields < FIELDS);
    asked->field[asked->page.nfields++] = (struct cit_h1_field){
        .name = name.p, .name_n = (uint16_t)name.n, .value = value.p, .value_n = (uint32_t)value.n
    };
}

static void page_of(const struct cit_json_node *line, const struct cit_names *names, struct asked *out)
{
    const struct cit_json_node *headers = member(line, "headers"), *vars = member(line, "variables");

    *out = (struct asked){ .page = { .status = 200, .minor = 1, .url = CIT_SLICE_LIT("http://x/y?z=1") } };
    if (member(line, "status") != NULL)
        out->page.status = (int)int_of(member(line, "status"));
    if (member(line, "type") != NULL)
        add_field(out, CIT_SLICE_LIT("Content-Type"), text_of(line, "type"));
    for (const struct cit_json_node *h = headers != NULL ? headers->first : NULL; h != NULL; h = h->next)
        add_field(out, h->first->text, h->first->next->text);
    for (const struct cit_json_node *v = vars != NULL ? vars->first : NULL; v != NULL; v = v->next)
        if (cit_names_find(names, v->name) >= 0)
            out->var[cit_names_find(names, v->name)] = v->text;
    out->vars = (struct cit_vars){ .at = out->var, .n = VARS };
    out->page.vars = &out->vars;
    out->page.fields = out->field;
    out->page.body = body_of(line);
    out->page.bytes = out->page.body.n;
    out->page.duration_ns = 12345678;
}

/* ---- what comes out ---- */

static bool same_tree(const struct cit_json_node *a, const struct cit_json_node *b)
{
    const struct cit_json_node *x = a->first, *y = b->first;

    if (a->kind != b->kind || a->count != b->count || !cit_slice_eq(a->text, b->text))
        return false;
    for (; x != NULL; x = x->next, y = y->next)
        if (!cit_slice_eq(x->name, y->name) || !same_tree(x, y))
            return false;
    return true;
}

static enum cit_json_kind json_kind(const struct cit_value *v)
{
    switch (v->kind) {
    case CIT_VALUE_NULL:
        return CIT_JSON_NULL;
    case CIT_VALUE_BOOL:
        return v->boolean ? CIT_JSON_TRUE : CIT_JSON_FALSE;
    case CIT_VALUE_INT:
    case CIT_VALUE_FLOAT:
        return CIT_JSON_NUMBER;
    case CIT_VALUE_STRING:
        return CIT_JSON_STRING;
    case CIT_VALUE_LIST:
        return CIT_JSON_OPEN_ARRAY;
    case CIT_VALUE_OBJECT:
        return CIT_JSON_OPEN_OBJECT;
    case CIT_VALUE_NONE:
        break;
    }
    return CIT_JSON_END;
}

static bool same_value(const struct cit_value *v, const struct cit_json_node *wanted, struct cit_query_scratch *s)
{
    struct cit_slice text;
    struct cit_arena a;
    bool is_same = false;

    if (json_kind(v) != wanted->kind || cit_value_text(v, s, &text) != CIT_OK)
        return false;
    if (wanted->kind == CIT_JSON_NUMBER)
        return cit_slice_eq(text, wanted->text);
    if (wanted->kind == CIT_JSON_STRING)
        return cit_slice_eq(text, wanted->text);
    if (wanted->first == NULL && wanted->kind < CIT_JSON_OPEN_OBJECT)
        return true;
    cit_arena_init(&a, LINE_MAX_BYTES);
    is_same = v->count == wanted->count && same_tree(parse(text, &a), wanted);
    cit_arena_fini(&a);
    return is_same;
}

static bool says(const char *why, struct cit_slice part)
{
    return part.n > 0 && memmem(why, strlen(why), part.p, part.n) != NULL;
}

static const char *check_value(const struct cit_json_node *line, const struct cit_query *q, const struct cit_page *page,
                               struct cit_query_scratch *s)
{
    struct cit_value v = { 0 };
    int err = cit_query_run(q, page, s, &v);
    static char shown[200];
    struct cit_slice text = { 0 };

    if (member(line, "error") != NULL)
        return err == CIT_EINVAL && says(s->why, text_of(line, "error")) ? NULL : err == CIT_OK ? "a value" : s->why;
    if (member(line, "limit") != NULL)
        return err == CIT_ELIMIT && says(s->why, text_of(line, "limit")) ? NULL : err == CIT_OK ? "a value" : s->why;
    if (err != CIT_OK)
        return s->why;
    if (member(line, "none") != NULL)
        return v.kind == CIT_VALUE_NONE ? NULL : "a value";
    if (member(line, "value") == NULL || same_value(&v, member(line, "value"), s))
        return member(line, "value") != NULL ? NULL : "this line expects nothing";
    if (cit_value_text(&v, s, &text) != CIT_OK)
        return "nothing";
    (void)snprintf(shown, sizeof shown, "kind %d: %.*s", (int)v.kind, text.n < 150 ? (int)text.n : 150, text.p);
    return shown;
}

/* ---- asserts ---- */

static struct cit_operand operand_of_line(const struct cit_json_node *n, const struct cit_making *m)
{
    struct cit_operand o = { .kind = CIT_VALUE_NONE };
    const char *why;
    size_t at;

    if (n == NULL)
        return o;
    if (n->kind == CIT_JSON_STRING) {
        o.kind = CIT_VALUE_STRING;
        assert_int_equal(cit_tmpl_parse(n->text, m, &o.text, &why, &at), CIT_OK);
    } else if (n->kind == CIT_JSON_NUMBER) {
        bool is_float = memchr(n->text.p, '.', n->text.n) != NULL;

        o.kind = is_float ? CIT_VALUE_FLOAT : CIT_VALUE_INT;
        o.number = is_float ? strtod(n->text.p, NULL) : 0;
        o.integer = is_float ? 0 : int_of(n);
    } else {
        o.kind = n->kind == CIT_JSON_NULL ? CIT_VALUE_NULL : CIT_VALUE_BOOL;
        o.boolean = n->kind == CIT_JSON_TRUE;
    }
    return o;
}

static const char *check_assert(const struct cit_json_node *line, const struct cit_assert *as,
                                const struct cit_page *page, struct cit_query_scratch *s)
{
    const struct cit_json_node *holds = member(line, "holds");
    int got = cit_assert_check(as, page, s);

    if (holds == NULL)
        return "this line expects nothing";
    if (holds->kind == CIT_JSON_TRUE)
        return got == 1 ? NULL : s->why;
    if (got == CIT_EINVAL)
        return member(line, "unset") != NULL && says(s->why, holds->text) ? NULL : s->why;
    return got == 0 && says(s->why, holds->text) ? NULL : got == 1 ? "it holds" : s->why;
}

static void assert_of(const struct cit_json_node *line, const struct cit_query *q, const struct cit_making *m,
                      struct cit_assert *out)
{
    *out = (struct cit_assert){ .query = q,
                                .predicate = CIT_PREDICATE_KINDS,
                                .is_negated = member(line, "not") != NULL,
                                .operand = operand_of_line(member(line, "operand"), m) };
    for (size_t i = 0; i < sizeof predicates / sizeof *predicates; i++)
        if (cit_slice_eq(text_of(line, "is"), cit_slice_str(predicates[i].name)))
            out->predicate = (enum cit_predicate_kind)i;
    assert_int_not_equal(out->predicate, CIT_PREDICATE_KINDS);
}

/* ---- a line ---- */

struct tried {
    struct cit_arena a;
    struct cit_names names;
    struct cit_queries qs;
    struct cit_query *q;
    struct cit_assert as;
    char why[CIT_QUERY_WHY];
    size_t at;
};

/* Compiles what the line asks; NULL when that is as the line says. */
static int compile_line(const struct cit_json_node *line, struct tried *t)
{
    struct cit_query_spec spec = spec_of(line);
    struct cit_making m = { &t->names, &t->qs, &t->a };
    int err = cit_query_new(&m, &spec, &t->q, t->why, &t->at);

    if (err != CIT_OK || member(line, "is") == NULL)
        return err;
    assert_of(line, t->q, &m, &t->as);
    return cit_assert_new(&m, &t->as, t->why);
}

static const char *check_refusal(const struct cit_json_node *line, const struct tried *t, int err)
{
    const struct cit_json_node *at = member(line, "at");

    if (err == CIT_ESTATE) /* a build without patterns */
        return NULL;
    if (err == CIT_OK)
        return "it is not refused";
    if (err != CIT_EINVAL || !says(t->why, text_of(line, "refused")))
        return t->why;
    return at == NULL || (size_t)int_of(at) == t->at ? NULL : "refused at another place";
}

static const char *check_line(const struct cit_json_node *line)
{
    struct tried t = { .names = { 0 } };
    struct cit_query_scratch s;
    struct asked asked = { .page = { 0 } };
    static char kept[CIT_QUERY_WHY + 1];
    const char *wrong;
    int err;

    cit_arena_init(&t.a, LINE_MAX_BYTES);
    assert_int_equal(cit_query_scratch_init(&s), CIT_OK);
    err = compile_line(line, &t);
    if (member(line, "refused") != NULL || err != CIT_OK) {
        wrong = check_refusal(line, &t, err);
    } else {
        page_of(line, &t.names, &asked);
        wrong = member(line, "is") != NULL ? check_assert(line, &t.as, &asked.page, &s)
                                           : check_value(line, t.q, &asked.page, &s);
        cit_free((void *)(uintptr_t)asked.page.body.p);
    }
    if (wrong != NULL)
        (void)snprintf(kept, sizeof kept, "%s", wrong);
    cit_query_scratch_fini(&s);
    cit_queries_fini(&t.qs);
    cit_arena_fini(&t.a);
    return wrong != NULL ? kept : NULL;
}

static void the_vectors_hold(void **state)
{
    FILE *file = fopen(VECTORS, "r");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    unsigned lines = 0, wrong = 0;

    (void)state;
    assert_non_null(file);
    while ((n = getline(&line, &cap, file)) > 0) {
        struct cit_arena a;
        const char *what;

        lines++;
        cit_arena_init(&a, LINE_MAX_BYTES);
        what = check_line(parse(cit_slice(line, (size_t)n - 1), &a));
        cit_arena_fini(&a);
        if (what != NULL)
            print_error("%s:%u: %s\n", VECTORS, lines, what);
        wrong += what != NULL;
    }
    free(line);
    (void)fclose(file);
    assert_int_equal(wrong, 0);
    assert_true(lines > 150);
}

/* ---- what no line can say ---- */

static void every_failed_allocation_is_reported(void **state)
{
    static const char *const lines[] = {
        "{\"query\":\"css\",\"argument\":\"div > a[href*='x'], p\",\"body\":\"<div><a href='x&amp;y'>a&lt;</a></div>\","
        "\"filters\":[[\"nth\",0],[\"replace\",\"a\",\"bc\"],[\"split\",\"c\"]],\"value\":[\"b\",\"<\"]}",
        "{\"query\":\"jsonpath\",\"argument\":\"$..a[?(@.b == 'c\\\\u0041')].d\",\"body\":\"{\\\"a\\\":[{\\\"b\\\":"
        "\\\"c\\\\u0041\\\",\\\"d\\\":\\\"\\\\u00e9\\\"}]}\",\"filters\":[[\"first\"],[\"urlEncode\"]],\"value\":\"%C3%"
        "A9\"}",
        "{\"query\":\"regex\",\"argument\":\"x(y+)\",\"body\":\"axyyb\",\"filters\":[[\"regex\",\"(y)\"]],\"value\":"
        "\"y\"}",
        "{\"query\":\"xpath\",\"argument\":\"normalize-space(//p)\",\"body\":\"<p> a  b </p>\",\"value\":\"a b\"}",
        "{\"query\":\"header\",\"argument\":\"a\",\"headers\":[[\"a\",\"1\"],[\"a\",\"2\"]],\"value\":[\"1\",\"2\"]}",
        "{\"query\":\"variable\",\"argument\":\"v\",\"variables\":{\"v\":\"12\"},\"is\":\"==\",\"operand\":12,"
        "\"holds\":true}",
        "{\"query\":\"body\",\"body\":\"ab\",\"variables\":{\"w\":\"b\"},\"is\":\"contains\",\"operand\":\"a{{w}}\","
        "\"holds\":\"expected\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct cit_arena a;
        struct cit_json_node *line;
        unsigned long nth = 0;
        uint32_t var;
        int err = CIT_ENOMEM;

        cit_arena_init(&a, LINE_MAX_BYTES);
        line = parse(cit_slice_str(lines[i]), &a);
        while (err == CIT_ENOMEM) {
            struct tried t = { .names = { 0 } };
            struct cit_query_scratch s;
            struct cit_slice text;
            struct cit_value v;
            struct asked asked = { .page = { 0 } };

            cit_arena_init(&t.a, LINE_MAX_BYTES);
            assert_int_equal(cit_query_scratch_init(&s), CIT_OK);
            assert_int_equal(cit_names_number(&t.names, &t.a, CIT_SLICE_LIT("v"), &var), CIT_OK);
            assert_int_equal(cit_names_number(&t.names, &t.a, CIT_SLICE_LIT("w"), &var), CIT_OK);
            page_of(line, &t.names, &asked);
            (void)cit_mem_fail_at(++nth);
            err = compile_line(line, &t);
            if (err == CIT_OK && t.as.query != NULL)
                err = cit_assert_check(&t.as, &asked.page, &s);
            else if (err == CIT_OK)
                err = cit_query_run(t.q, &asked.page, &s, &v);
            if (err == CIT_OK && t.as.query == NULL)
                err = cit_value_text(&v, &s, &text);
            (void)cit_mem_fail_at(0);
            cit_free((void *)(uintptr_t)asked.page.body.p);
            cit_query_scratch_fini(&s);
            cit_queries_fini(&t.qs);
            cit_arena_fini(&t.a);
        }
        assert_true(err >= 0 || err == CIT_ESTATE); /* a build without patterns */
        cit_arena_fini(&a);
    }
}

static void an_operand_of_another_kind_is_refused(void **state)
{
    struct cit_query_spec spec = { .kind = CIT_QUERY_STATUS };
    struct tried t = { .names = { 0 } };
    struct cit_making m = { &t.names, &t.qs, &t.a };

    (void)state;
    cit_arena_init(&t.a, LINE_MAX_BYTES);
    assert_int_equal(cit_query_new(&m, &spec, &t.q, t.why, &t.at), CIT_OK);
    assert_false(cit_query_needs_body(t.q));
    t.as = (struct cit_assert){ .query = t.q, .predicate = CIT_PREDICATE_STARTS_WITH };
    t.as.operand.kind = CIT_VALUE_INT;
    assert_int_equal(cit_assert_new(&m, &t.as, t.why), CIT_EINVAL);
    assert_string_equal(t.why, "startsWith takes a string");
    t.as.predicate = CIT_PREDICATE_EXISTS;
    assert_int_equal(cit_assert_new(&m, &t.as, t.why), CIT_EINVAL);
    assert_string_equal(t.why, "exists takes no value");
    t.as.predicate = CIT_PREDICATE_GT;
    t.as.operand.kind = CIT_VALUE_BOOL;
    assert_int_equal(cit_assert_new(&m, &t.as, t.why), CIT_EINVAL);
    assert_string_equal(t.why, "> takes a number");
    cit_arena_fini(&t.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_hold),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(an_operand_of_another_kind_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
