/* tests/c/test_expr_eval.c - the native evaluator: the cases of the strict dialect, the measured ones of
 * the compat dialects, bounds, callbacks, failed allocations. */
#include "expr/eval.c" /* NOLINT: the statics are tested */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "expr_json.h"

/* ---- evaluating ---- */

struct outcome {
    int err;
    struct cit_expr_value value;
    struct cit_expr_error error;
    bool is_compile_error;
};

struct data {
    struct cit_expr_value map;    /* null: there is none */
    struct cit_expr_value arrays; /* a list of names, or null */
    struct cit_expr_value reserved;
    unsigned asked; /* calls of the lookup */
    int fails_with; /* CIT_OK, or what the lookup gives */
};

static int data_get(void *ctx, const struct cit_expr_program *p, uint32_t name, struct cit_expr_value *out)
{
    struct data *d = ctx;

    d->asked++;
    if (d->fails_with != CIT_OK)
        return d->fails_with;
    if (d->map.kind != CIT_EXPR_V_MAP)
        return CIT_ENOENT;
    return d->map.u.map.ops->get(d->map.u.map.ctx, p->names[name], out);
}

static bool is_among(const struct cit_expr_value *list, struct cit_slice name)
{
    for (size_t i = 0; list->kind == CIT_EXPR_V_LIST && i < list->u.list.count; i++)
        if (cit_slice_eq(list->u.list.at[i].u.s, name))
            return true;
    return false;
}

static bool data_is_array(void *ctx, struct cit_slice name)
{
    return is_among(&((struct data *)ctx)->arrays, name);
}

static bool data_is_reserved(void *ctx, struct cit_slice name)
{
    return is_among(&((struct data *)ctx)->reserved, name);
}

static const struct cit_expr_now noon = { 2015, 5, 1, 5, 12, 34, 56 };

struct setting {
    enum cit_expr_dialect dialect;
    struct data *data;
    const struct cit_expr_now *now;
    const struct cit_expr_limits *limits;
    struct cit_expr_arena *arena;
    struct cit_expr_program *program; /* kept: values borrow from it */
};

static struct outcome evaluate(struct setting *s, struct cit_slice text)
{
    struct cit_expr_lookup lookup = { data_get, data_is_array, data_is_reserved, s->data, s->now };
    struct cit_expr_task task = { NULL, &lookup, s->limits, s->arena };
    struct outcome o = { 0 };

    cit_expr_free(s->program);
    s->program = NULL;
    o.err = cit_expr_compile(text, s->dialect, &s->program, &o.error);
    if (o.err != CIT_OK) {
        o.is_compile_error = true;
        return o;
    }
    task.program = s->program;
    o.err = cit_expr_eval(&task, &o.value, &o.error);
    return o;
}

/* Memory that lives as long as a test. */
static struct cit_expr_arena kept, work;

static int setup(void **state)
{
    (void)state;
    cit_expr_arena_init(&kept, (size_t)1 << 28);
    cit_expr_arena_init(&work, (size_t)1 << 26);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cit_expr_arena_fini(&kept);
    cit_expr_arena_fini(&work);
    return 0;
}

/* Evaluates strict text over JSON data. */
static struct outcome strict_over(const char *text, const char *json)
{
    static struct setting s;
    struct data d = { 0 };
    struct outcome o;

    assert_true(json_read(&kept, cit_slice_str(json), &d.map));
    s.dialect = CIT_EXPR_STRICT;
    s.data = &d;
    s.arena = &work;
    cit_expr_free(s.program);
    s.program = NULL;
    o = evaluate(&s, cit_slice_str(text));
    if (o.err != CIT_OK || o.value.kind != CIT_EXPR_V_TEXT) {
        cit_expr_free(s.program); /* nothing borrows from it */
        s.program = NULL;
    } else {
        char *copy = json_memory(&(struct json){ .arena = &kept }, o.value.u.s.n);

        memcpy(copy, o.value.u.s.n > 0 ? o.value.u.s.p : "", o.value.u.s.n);
        o.value.u.s.p = copy;
        cit_expr_free(s.program);
        s.program = NULL;
    }
    return o;
}

static struct outcome strict(const char *text)
{
    return strict_over(text, "{}");
}

/* ---- lines of a file of cases ---- */

struct cases {
    FILE *file;
    char *line;
    size_t cap;
    unsigned number;
};

static void cases_open(struct cases *c, const char *name)
{
    char path[200];

    (void)snprintf(path, sizeof path, "tests/vectors/flow/%s.jsonl", name);
    *c = (struct cases){ .file = fopen(path, "r") };
    assert_non_null(c->file);
}

static bool cases_next(struct cases *c, struct cit_expr_value *row)
{
    ssize_t n = getline(&c->line, &c->cap, c->file);

    if (n <= 0)
        return false;
    c->number++;
    if (!json_read(&kept, cit_slice(c->line, (size_t)n), row))
        fail_msg("line %u is not JSON", c->number);
    return true;
}

static void cases_close(struct cases *c)
{
    (void)fclose(c->file);
    free(c->line);
}

/* ---- the strict dialect ---- */

/* "2015-05-01T12:34:56" */
static struct cit_expr_now now_of(struct cit_slice text)
{
    struct cit_expr_now now = { 0 };
    int t[6] = { 0 };
    /* Sakamoto's method, for years after 1752. */
    static const int shift[] = { 0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4 };
    size_t field = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] >= '0' && text.p[i] <= '9')
            t[field] = t[field] * 10 + (text.p[i] - '0');
        else
            field++;
    }
    now = (struct cit_expr_now){ t[0], t[1], t[2], 0, t[3], t[4], t[5] };
    t[0] -= t[1] < 3;
    now.weekday = (t[0] + t[0] / 4 - t[0] / 100 + t[0] / 400 + shift[t[1] - 1] + t[2]) % 7;
    now.weekday = now.weekday == 0 ? 7 : now.weekday;
    return now;
}

static const char *kind_of(const struct outcome *o)
{
    if (o->is_compile_error)
        return o->err == CIT_ELIMIT ? "limit" : "syntax";
    return cit_expr_fault_name((enum cit_expr_fault)o->error.kind);
}

static bool is_error_as_told(const struct outcome *o, const struct cit_expr_value *row)
{
    struct cit_expr_value kind = json_get(row, "error"), at = json_get(row, "at"), what = json_get(row, "what");

    return o->err != CIT_OK && cit_slice_eq(kind.u.s, cit_slice_str(kind_of(o))) &&
           at.u.list.at[0].u.i == (int64_t)o->error.line && at.u.list.at[1].u.i == (int64_t)o->error.column &&
           (what.kind == CIT_EXPR_V_NULL || cit_slice_eq(what.u.s, cit_slice_str(o->error.what)));
}

static bool needs_pcre2(struct cit_slice text)
{
    return !cit_expr_regex_is_built() && memmem(text.p, text.n, "matches(", 8) != NULL;
}

static void check_strict(const struct cit_expr_value *row, unsigned line)
{
    struct setting s = { .dialect = CIT_EXPR_STRICT, .arena = &work };
    struct data d = { .map = json_get(row, "data") };
    struct cit_expr_value text = json_get(row, "e"), now = json_get(row, "now"), want = json_get(row, "r");
    struct cit_expr_now clock;
    struct outcome o;
    bool is_good;

    if (now.kind == CIT_EXPR_V_TEXT)
        clock = now_of(now.u.s);
    s.data = &d;
    s.now = now.kind == CIT_EXPR_V_TEXT ? &clock : NULL;
    o = evaluate(&s, text.u.s);
    is_good = json_has(row, "error") ? is_error_as_told(&o, row) : o.err == CIT_OK && json_same(&o.value, &want);
    if (!is_good && !(needs_pcre2(text.u.s) && !o.is_compile_error))
        fail_msg("line %u: %.*s: %d %s at %u:%u: %s; kind %u", line, CIT_SLICE_ARG(text.u.s), o.err,
                 o.err != CIT_OK ? kind_of(&o) : "", o.error.line, o.error.column, o.error.what, o.value.kind);
    cit_expr_free(s.program);
    cit_expr_arena_reset(&work);
}

static void strict_cases_give_what_they_say(void **state)
{
    struct cit_expr_value row;
    struct cases c;

    (void)state;
    cases_open(&c, "strict_cases");
    while (cases_next(&c, &row))
        if (!json_has(&row, "meta"))
            check_strict(&row, c.number);
    assert_true(c.number > 600);
    cases_close(&c);
}

/* ---- the compat dialects ---- */

/* What Python calls the type of a value. */
static const char *python_type(const struct cit_expr_value *v)
{
    static const char *const names[] = {
        [CIT_EXPR_V_NULL] = "NoneType", [CIT_EXPR_V_BOOL] = "bool", [CIT_EXPR_V_INT] = "int",
        [CIT_EXPR_V_FLOAT] = "float",   [CIT_EXPR_V_TEXT] = "str",  [CIT_EXPR_V_LIST] = "list",
        [CIT_EXPR_V_MAP] = "dict",      [CIT_EXPR_V_RAW] = "rawlist",
    };

    return names[v->kind];
}

static bool is_raw_as_told(const struct cit_expr_value *v, const struct cit_expr_value *texts)
{
    if (v->u.raw.count != texts->u.list.count)
        return false;
    for (size_t i = 0; i < v->u.raw.count; i++)
        if (!cit_slice_eq(v->u.raw.at[i], texts->u.list.at[i].u.s))
            return false;
    return true;
}

/* `shown` is repr() of a number or None, else the value itself. */
static bool is_shown(const struct cit_expr_value *v, const struct cit_expr_value *shown)
{
    char text[CIT_EXPR_FLOAT_TEXT_MAX];
    struct cit_slice repr = { 0 };

    if (v->kind == CIT_EXPR_V_RAW)
        return shown->kind == CIT_EXPR_V_LIST && is_raw_as_told(v, shown);
    if (v->kind == CIT_EXPR_V_TEXT || v->kind == CIT_EXPR_V_LIST || v->kind == CIT_EXPR_V_MAP)
        return json_same(v, shown);
    if (v->kind == CIT_EXPR_V_BOOL)
        repr = v->u.b ? CIT_SLICE_LIT("True") : CIT_SLICE_LIT("False");
    else if (v->kind == CIT_EXPR_V_NULL)
        return true;
    else if (v->kind == CIT_EXPR_V_FLOAT)
        repr = cit_slice(text, cit_expr_float_text(v->u.f, text));
    else
        repr = cit_slice(text, (size_t)snprintf(text, sizeof text, "%lld", (long long)v->u.i));
    return shown->kind == CIT_EXPR_V_TEXT && cit_slice_eq(shown->u.s, repr);
}

static bool is_exception(const struct outcome *o, struct cit_slice name)
{
    static const char *const python[] = {
#define PYTHON_NAME(kind, text, exception) exception,
        CIT_EXPR_FAULTS(PYTHON_NAME)
#undef PYTHON_NAME
    };

    if (o->is_compile_error)
        return o->err == CIT_EPROTO && cit_slice_eq(name, CIT_SLICE_LIT("ParseException"));
    /* x + [1]: Python gives up, we refuse. */
    if (cit_slice_eq(name, CIT_SLICE_LIT("RecursionError")))
        return o->error.kind == CIT_EXPR_FAULT_TYPE;
    return cit_slice_eq(name, cit_slice_str(python[o->error.kind]));
}

struct tally {
    unsigned agree, unsupported, differ;
};

/* exception or type and what is shown: one of the two. */
struct told {
    struct cit_slice exception, type;
    struct cit_expr_value shown;
};

static void count(struct tally *t, const struct outcome *o, const struct told *told, struct cit_slice text)
{
    bool is_good;

    if (o->err != CIT_OK && !o->is_compile_error && o->error.kind == CIT_EXPR_FAULT_UNSUPPORTED) {
        t->unsupported++;
        return;
    }
    if (told->exception.n > 0)
        is_good = o->err != CIT_OK && is_exception(o, told->exception);
    else
        is_good = o->err == CIT_OK && cit_slice_eq(told->type, cit_slice_str(python_type(&o->value))) &&
                  is_shown(&o->value, &told->shown);
    t->agree += is_good;
    t->differ += !is_good;
    if (!is_good)
        print_message("%.*s: wanted %.*s%.*s; %d %s\n", CIT_SLICE_ARG(text), CIT_SLICE_ARG(told->exception),
                      CIT_SLICE_ARG(told->type), o->err, o->error.what);
}

/* Texts of expr_cases.jsonl are JSON themselves. */
static struct told told_of_case(const struct cit_expr_value *result)
{
    struct told t = { .exception = json_get(result, "exc").u.s, .type = json_get(result, "t").u.s };
    struct cit_expr_value shown = json_get(result, "r");
    const char *types = "str list dict rawlist";

    if (json_get(result, "exc").kind != CIT_EXPR_V_TEXT)
        t.exception = (struct cit_slice){ 0 };
    t.shown = shown;
    if (t.exception.n == 0 && shown.kind == CIT_EXPR_V_TEXT && memmem(types, strlen(types), t.type.p, t.type.n) != NULL)
        assert_true(json_read(&kept, shown.u.s, &t.shown));
    return t;
}

static struct told told_of_fuzz(const struct cit_expr_value *result)
{
    struct told t = { .type = result->u.list.at[0].u.s, .shown = result->u.list.at[1] };

    if (cit_slice_eq(t.type, CIT_SLICE_LIT("!")))
        t = (struct told){ .exception = t.shown.u.s };
    return t;
}

static void add_entry(struct cit_expr_pair *at, size_t *n, struct cit_slice key, struct cit_expr_value value)
{
    at[(*n)++] = (struct cit_expr_pair){ key, value };
}

/* The user's data, then the variables', then what the applications tell of the user. */
static struct data data_of(const struct cit_expr_value *meta)
{
    static struct cit_expr_pair at[200];
    static struct cit_expr_value reserved[3];
    static struct cit_expr_pairs pairs;
    struct data d = { .arrays = json_get(meta, "array_variables") };
    const char *const from[] = { "user_data", "Variable_rows" };
    size_t n = 0;

    reserved[0] = cit_expr_text(CIT_SLICE_LIT("registered"));
    reserved[1] = cit_expr_text(CIT_SLICE_LIT("enrolled"));
    reserved[2] = cit_expr_text(CIT_SLICE_LIT("group"));
    add_entry(at, &n, reserved[0].u.s, cit_expr_bool(true));
    add_entry(at, &n, reserved[1].u.s, cit_expr_bool(false));
    add_entry(at, &n, reserved[2].u.s, cit_expr_text(CIT_SLICE_LIT("")));
    for (size_t k = 0; k < 2; k++) {
        const struct cit_expr_value rows = json_get(meta, from[k]);
        const struct cit_expr_pairs *more = rows.u.map.ctx;

        for (size_t i = 0; i < more->count; i++)
            add_entry(at, &n, more->at[i].key, more->at[i].value);
    }
    pairs = (struct cit_expr_pairs){ at, n };
    d.map = cit_expr_map(&cit_expr_pairs_ops, &pairs);
    d.reserved = cit_expr_list(reserved, 3);
    return d;
}

static void run_compat(struct tally *t, struct data *d, enum cit_expr_dialect dialect, struct cit_slice text,
                       const struct told *told)
{
    struct setting s = { .dialect = dialect, .data = d, .now = &noon, .arena = &work };
    struct outcome o = evaluate(&s, text);

    count(t, &o, told, text);
    cit_expr_free(s.program);
    cit_expr_arena_reset(&work);
}

/* $big is an integer of 401 digits. */
static bool is_for_us(struct cit_slice text)
{
    return memmem(text.p, text.n, "$big", 4) == NULL;
}

static void measured_cases_give_what_python_gives(void **state)
{
    struct cit_expr_value row;
    struct tally t = { 0 };
    struct data d = { 0 };
    struct cases c;

    (void)state;
    cases_open(&c, "expr_cases");
    assert_true(cases_next(&c, &row));
    d = data_of(&row);
    while (cases_next(&c, &row)) {
        struct cit_expr_value a = json_get(&row, "A"), b = json_get(&row, "B"), text = json_get(&row, "expr");
        struct told told;

        if (json_has(&row, "seq") || !is_for_us(text.u.s))
            continue;
        told = told_of_case(&a);
        run_compat(&t, &d, CIT_EXPR_A, text.u.s, &told);
        told = told_of_case(&b);
        run_compat(&t, &d, CIT_EXPR_B, text.u.s, &told);
    }
    cases_close(&c);
    print_message("# expr_cases: %u agree, %u need Python's objects, %u differ\n", t.agree, t.unsupported, t.differ);
    assert_int_equal(t.differ, 0);
    assert_true(t.agree > 700 && t.unsupported < 40);
}

static void generated_cases_give_what_python_gives(void **state)
{
    struct cit_expr_value row;
    struct tally t = { 0 };
    struct data d = { 0 };
    struct cases c;

    (void)state;
    cases_open(&c, "expr_fuzz");
    assert_true(cases_next(&c, &row));
    d = data_of(&row);
    while (cases_next(&c, &row)) {
        struct cit_expr_value a = json_get(&row, "A"), b = json_get(&row, "B"), text = json_get(&row, "e");
        struct told told = told_of_fuzz(&a);

        run_compat(&t, &d, CIT_EXPR_A, text.u.s, &told);
        if (b.kind == CIT_EXPR_V_LIST)
            told = told_of_fuzz(&b);
        run_compat(&t, &d, CIT_EXPR_B, text.u.s, &told);
    }
    cases_close(&c);
    print_message("# expr_fuzz: %u agree, %u need Python's objects, %u differ\n", t.agree, t.unsupported, t.differ);
    assert_int_equal(t.differ, 0);
    assert_true(t.agree > 3800 && t.unsupported < 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(strict_cases_give_what_they_say, setup, teardown),
        cmocka_unit_test_setup_teardown(measured_cases_give_what_python_gives, setup, teardown),
        cmocka_unit_test_setup_teardown(generated_cases_give_what_python_gives, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
