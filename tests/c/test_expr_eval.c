/* tests/c/test_expr_eval.c - the native evaluator: the cases of the strict dialect, the measured ones of
 * the compat dialects, bounds, callbacks, failed allocations. */
#include "expr/eval.c" /* NOLINT: the statics are tested */

#include "expr_over.h"

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
        [CIT_EXPR_V_NULL] = "NoneType", [CIT_EXPR_V_BOOL] = "bool",   [CIT_EXPR_V_INT] = "int",
        [CIT_EXPR_V_FLOAT] = "float",   [CIT_EXPR_V_TEXT] = "str",    [CIT_EXPR_V_LIST] = "list",
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

/* ---- names ---- */

static void a_name_is_asked_for_once_and_only_when_it_is_needed(void **state)
{
    struct setting s = { .dialect = CIT_EXPR_STRICT, .arena = &work };
    struct data d = { 0 };
    struct outcome o;

    (void)state;
    s.data = &d;
    o = evaluate(&s, CIT_SLICE_LIT("a == null and a == $a and exists(b) and c"));
    assert_int_equal(o.err, CIT_OK);
    assert_false(o.value.u.b);
    assert_int_equal(d.asked, 2); /* a, b; c is behind a false condition */
    s.dialect = CIT_EXPR_B;
    o = evaluate(&s, CIT_SLICE_LIT("$a == $b + $a"));
    d.asked = 0;
    o = evaluate(&s, CIT_SLICE_LIT("($a == $a) & ($a == $a)"));
    assert_int_equal(o.err, CIT_OK);
    assert_int_equal(d.asked, 1);
    cit_expr_free(s.program);
}

static void more_names_than_the_small_array_holds_are_found(void **state)
{
    struct outcome o = strict_over("a+b+c+d+e+f+g+h+i+j+k+a", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,"
                                                              "\"g\":7,\"h\":8,\"i\":9,\"j\":10,\"k\":11}");

    (void)state;
    assert_int_equal(o.err, CIT_OK);
    assert_int_equal(o.value.u.i, 67);
    o = strict("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20][19]");
    assert_int_equal(o.value.u.i, 20);
}

static void a_failing_lookup_fails_the_evaluation_at_the_name(void **state)
{
    struct setting s = { .dialect = CIT_EXPR_STRICT, .arena = &work };
    struct data d = { .fails_with = CIT_EIO };
    struct outcome o;

    (void)state;
    s.data = &d;
    o = evaluate(&s, CIT_SLICE_LIT("1 +\n x"));
    assert_int_equal(o.err, CIT_EIO);
    assert_int_equal(o.error.line, 2);
    assert_int_equal(o.error.column, 2);
    assert_string_equal(o.error.what, cit_err_text(CIT_EIO));
    s.dialect = CIT_EXPR_B;
    assert_int_equal(evaluate(&s, CIT_SLICE_LIT("$x == 1")).err, CIT_EIO);
    assert_int_equal(evaluate(&s, CIT_SLICE_LIT("$x[0]")).err, CIT_EIO);
    cit_expr_free(s.program);
}

static void the_clock_hides_data_in_compat_and_fills_it_in_strict(void **state)
{
    struct setting s = { .dialect = CIT_EXPR_B, .arena = &work, .now = &noon };
    struct data d = { 0 };
    struct outcome o;

    (void)state;
    assert_true(json_read(&kept, CIT_SLICE_LIT("{\"current_day\": 99, \"current_days\": 1}"), &d.map));
    s.data = &d;
    o = evaluate(&s, CIT_SLICE_LIT("$current_day"));
    assert_true(o.value.kind == CIT_EXPR_V_INT && o.value.u.i == 5);
    o = evaluate(&s, CIT_SLICE_LIT("$current_day[0]"));
    assert_true(o.value.kind == CIT_EXPR_V_INT && o.value.u.i == 5);
    o = evaluate(&s, CIT_SLICE_LIT("$current_days"));
    assert_true(o.value.kind == CIT_EXPR_V_FLOAT && o.value.u.f == 1.0);
    s.dialect = CIT_EXPR_STRICT;
    o = evaluate(&s, CIT_SLICE_LIT("current_day"));
    assert_int_equal(o.value.u.i, 99);
    o = evaluate(&s, CIT_SLICE_LIT("current_date + ' ' + current_time"));
    assert_true(cit_slice_eq(o.value.u.s, CIT_SLICE_LIT("2015-05-01 12:34:56")));
    s.now = NULL;
    o = evaluate(&s, CIT_SLICE_LIT("current_time"));
    assert_int_equal(o.value.kind, CIT_EXPR_V_NULL);
    cit_expr_free(s.program);
}

/* ---- mappings that fail ---- */

static int broken_get(void *ctx, struct cit_slice key, struct cit_expr_value *out)
{
    (void)ctx, (void)key, (void)out;
    return CIT_EIO;
}

static size_t broken_count(void *ctx)
{
    (void)ctx;
    return 1;
}

static int broken_entry(void *ctx, size_t i, struct cit_slice *key, struct cit_expr_value *out)
{
    (void)ctx, (void)i, (void)key, (void)out;
    return CIT_EIO;
}

static void a_failing_mapping_fails_the_evaluation(void **state)
{
    static const struct cit_expr_map_ops broken = { broken_get, broken_count, broken_entry };
    static const char *const texts[] = { "m.x",        "m['x']",   "'x' in m",        "m == m",
                                         "[m] == [m]", "m in [m]", "contains(m, 'x')" };
    static const char *const compat[] = { "$m == $m", "'x' in $m", "$m in $l" };
    struct cit_expr_value m = cit_expr_map(&broken, NULL);
    struct cit_expr_pair at[] = { { CIT_SLICE_LIT("m"), m }, { CIT_SLICE_LIT("l"), cit_expr_list(&m, 1) } };
    struct cit_expr_pairs pairs = { at, 2 };
    struct data d = { .map = cit_expr_map(&cit_expr_pairs_ops, &pairs) };
    struct setting s = { .dialect = CIT_EXPR_STRICT, .data = &d, .arena = &work };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(evaluate(&s, cit_slice_str(texts[i])).err, CIT_EIO);
    s.dialect = CIT_EXPR_B;
    for (size_t i = 0; i < sizeof compat / sizeof compat[0]; i++)
        assert_int_equal(evaluate(&s, cit_slice_str(compat[i])).err, CIT_EIO);
    cit_expr_free(s.program);
}

/* ---- what JSON cannot say ---- */

static void nan_from_the_data_is_equal_to_nothing_and_infinity_does_not_spread(void **state)
{
    static const char *const false_of_nan[] = { "x == x", "x < 1", "x > 1",    "x <= x",
                                                "x >= 5", "1 < x", "x in [x]", "[x] == [x]" };
    static const char *const overflow[] = { "x + 1",  "x - x",       "x * 0",    "-x",          "abs(x)",
                                            "sin(x)", "trunc(x)",    "round(x)", "round(x, 2)", "sqrt(x)",
                                            "x ^ 2",  "1 ^ (x - 1)", "x / 2",    "1.5 % x * x" };

    (void)state;
    for (size_t i = 0; i < sizeof false_of_nan / sizeof false_of_nan[0]; i++) {
        struct outcome o = over_float(CIT_EXPR_STRICT, false_of_nan[i], (double)NAN);

        assert_int_equal(o.err, CIT_OK);
        if (o.value.u.b)
            fail_msg("%s", false_of_nan[i]);
    }
    for (size_t i = 0; i < sizeof overflow / sizeof overflow[0]; i++) {
        struct outcome o = over_float(CIT_EXPR_STRICT, overflow[i], (double)INFINITY);

        if (o.err != CIT_EINVAL || o.error.kind != CIT_EXPR_FAULT_OVERFLOW)
            fail_msg("%s: %d %s", overflow[i], o.err, o.error.what);
        o = over_float(CIT_EXPR_STRICT, overflow[i], (double)NAN);
        assert_true(o.err == CIT_EINVAL && o.error.kind == CIT_EXPR_FAULT_OVERFLOW);
    }
    assert_true(
        over_float(CIT_EXPR_STRICT, "x > 1 and x == x and 9223372036854775807 < x", (double)INFINITY).value.u.b);
    assert_true(over_float(CIT_EXPR_STRICT, "x < -9223372036854775808 and -1 > x", -(double)INFINITY).value.u.b);
    assert_int_equal(over_float(CIT_EXPR_STRICT, "sign(x)", (double)NAN).value.u.i, 0);
    assert_int_equal(over_float(CIT_EXPR_STRICT, "max(1, x, 2)", (double)NAN).value.u.i, 2);
}

/* ---- conditions ---- */

static void a_condition_is_true_or_false(void **state)
{
    static const struct {
        enum cit_expr_dialect dialect;
        const char *text;
        int want; /* 1, 0, or below zero: an error */
    } rows[] = {
        { CIT_EXPR_STRICT, "1 == 1", 1 }, { CIT_EXPR_STRICT, "1 == 2", 0 }, { CIT_EXPR_STRICT, "x", 0 },
        { CIT_EXPR_STRICT, "5", -1 },     { CIT_EXPR_STRICT, "''", -1 },    { CIT_EXPR_STRICT, "1 / 0", -1 },
        { CIT_EXPR_B, "5", 1 },           { CIT_EXPR_B, "0", 0 },           { CIT_EXPR_B, "''", 0 },
        { CIT_EXPR_B, "[0]", 1 },         { CIT_EXPR_B, "[]", 0 },          { CIT_EXPR_B, "$x", 0 },
        { CIT_EXPR_B, "'a'", 1 },         { CIT_EXPR_B, "sign(0)", 0 },     { CIT_EXPR_B, "1 / 0", -1 },
        { CIT_EXPR_B, "$l", 1 },          { CIT_EXPR_B, "$m", 0 },          { CIT_EXPR_B, "True", 1 },
    };
    struct data d = { 0 };
    struct cit_expr_lookup lookup = { data_get, NULL, NULL, &d, NULL };

    (void)state;
    assert_true(json_read(&kept, CIT_SLICE_LIT("{\"l\": [1], \"m\": {}}"), &d.map));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cit_expr_program *p = NULL;
        struct cit_expr_task task = { NULL, &lookup, NULL, &work };
        struct cit_expr_error e;
        bool truth = rows[i].want != 1;
        int err;

        assert_int_equal(cit_expr_compile(cit_slice_str(rows[i].text), rows[i].dialect, &p, NULL), CIT_OK);
        task.program = p;
        err = cit_expr_test(&task, &truth, &e);
        assert_int_equal(err, rows[i].want < 0 ? CIT_EINVAL : CIT_OK);
        if (rows[i].want >= 0)
            assert_int_equal(truth, rows[i].want);
        else
            assert_true(e.what[0] != '\0' && e.line == 1 && e.column >= 1);
        assert_int_equal(cit_expr_test(&task, &truth, NULL), err);
        cit_expr_free(p);
    }
}

/* ---- bounds ---- */

static struct outcome limited(const char *text, struct cit_expr_limits limits, const char *json)
{
    struct data d = { 0 };
    struct setting s = { .dialect = CIT_EXPR_STRICT, .data = &d, .arena = &work, .limits = &limits };
    struct outcome o;

    assert_true(json_read(&kept, cit_slice_str(json), &d.map));
    o = evaluate(&s, cit_slice_str(text));
    cit_expr_free(s.program);
    cit_expr_arena_reset(&work);
    return o;
}

static void steps_are_counted(void **state)
{
    struct cit_expr_limits few = { .steps = 3, .made_bytes = 100, .made_items = 10 };

    (void)state;
    assert_int_equal(limited("1 + 2", few, "{}").err, CIT_OK);
    assert_int_equal(limited("1 + 2 + 3", few, "{}").err, CIT_ELIMIT);
    few.steps = 12;
    assert_int_equal(limited("99 in l", few, "{\"l\": [1,2,3,4,5,6]}").err, CIT_OK);
    assert_int_equal(limited("99 in l", few, "{\"l\": [1,2,3,4,5,6,7,8,9,10,11]}").err, CIT_ELIMIT);
    assert_int_equal(limited("l == l", few, "{\"l\": [1,2,3,4,5,6,7,8,9,10,11]}").err, CIT_ELIMIT);
    assert_int_equal(limited("max(l) > 1", few, "{\"l\": [1,2,3,4,5,6,7,8,9,10,11]}").err, CIT_ELIMIT);
}

static void what_is_made_is_bounded(void **state)
{
    const struct cit_expr_limits small = { .steps = 10000, .made_bytes = 10, .made_items = 3 };
    static const struct {
        const char *text;
        int err;
        const char *what;
    } rows[] = {
        { "'12345' + '67890'", CIT_OK, "" },
        { "'12345' + '678901'", CIT_ELIMIT, "the text made is longer than 1048576 characters" },
        { "replace('aaaa', 'a', 'bb')", CIT_OK, "" },
        { "replace('aaaa', 'a', 'bbb')", CIT_ELIMIT, "the text made is longer than 1048576 characters" },
        { "upper('1234567890')", CIT_OK, "" },
        { "lower('12345678901')", CIT_ELIMIT, "the text made is longer than 1048576 characters" },
        { "[1] + [2, 3]", CIT_OK, "" },
        { "[1, 2] + [2, 3]", CIT_ELIMIT, "the list made has more than 100000 items" },
        { "[1, 2, 3, 4]", CIT_ELIMIT, "the list made has more than 100000 items" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome o = limited(rows[i].text, small, "{}");

        if (o.err != rows[i].err || (o.err != CIT_OK && strcmp(o.error.what, rows[i].what) != 0))
            fail_msg("%s: %d %s", rows[i].text, o.err, o.error.what);
    }
}

/* Sixteen to the power of eight: 4 GB, were they made. */
static void growth_stops_at_the_bound(void **state)
{
    static const char *const pieces[] = { "replace(", ", 'a', 'aaaaaaaaaaaaaaaa')" };
    char text[1000] = "";
    struct outcome o;

    (void)state;
    for (int i = 0; i < 7; i++)
        memcpy(text + strlen(text), pieces[0], strlen(pieces[0]) + 1);
    memcpy(text + strlen(text), "'aaaaaaaaaaaaaaaa'", 19);
    for (int i = 0; i < 7; i++)
        memcpy(text + strlen(text), pieces[1], strlen(pieces[1]) + 1);
    o = strict(text);
    assert_int_equal(o.err, CIT_ELIMIT);
    assert_int_equal(o.error.kind, CIT_EXPR_FAULT_LIMIT);
    assert_true(work.mem.held < (size_t)8 << 20);
}

static void memory_is_bounded_by_the_arena(void **state)
{
    struct cit_expr_arena tiny;
    struct data d = { 0 };
    struct setting s = { .dialect = CIT_EXPR_STRICT, .data = &d, .arena = &tiny };
    struct outcome o;

    (void)state;
    cit_expr_arena_init(&tiny, 64);
    assert_int_equal(evaluate(&s, CIT_SLICE_LIT("'a' + 'b'")).err, CIT_OK);
    cit_expr_arena_reset(&tiny);
    o = evaluate(&s, CIT_SLICE_LIT("'0123456789012345678901234567890123456789' + '0123456789012345678901234567890'"));
    assert_int_equal(o.err, CIT_ELIMIT);
    assert_string_equal(o.error.what, "the evaluation takes too much memory");
    o = evaluate(&s, CIT_SLICE_LIT("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20] == 1"));
    assert_int_equal(o.err, CIT_ELIMIT);
    o = evaluate(&s, CIT_SLICE_LIT("a+b+c+d+e+f+g+h+i+j"));
    assert_int_equal(o.err, CIT_ELIMIT);
    cit_expr_free(s.program);
    cit_expr_arena_fini(&tiny);
    assert_int_equal(tiny.mem.held, 0);
}

/* A list of a list of a list..., so many deep. */
static struct cit_expr_value nested(unsigned depth)
{
    struct cit_expr_value v = cit_expr_int(1);

    for (unsigned i = 0; i < depth; i++) {
        struct cit_expr_value *one = json_memory(&(struct json){ .arena = &kept }, sizeof *one);

        *one = v;
        v = cit_expr_list(one, 1);
    }
    return v;
}

static void comparing_what_is_nested_is_bounded(void **state)
{
    static const unsigned depths[] = { CIT_EXPR_NESTED_MAX - 1, CIT_EXPR_NESTED_MAX + 1, 100000 };

    (void)state;
    for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
        struct cit_expr_pair at[] = { { CIT_SLICE_LIT("x"), nested(depths[i]) },
                                      { CIT_SLICE_LIT("y"), nested(depths[i]) } };
        struct cit_expr_pairs pairs = { at, 2 };
        struct data d = { .map = cit_expr_map(&cit_expr_pairs_ops, &pairs) };
        struct setting s = { .dialect = CIT_EXPR_STRICT, .data = &d, .arena = &work };
        int want = i == 0 ? CIT_OK : CIT_ELIMIT;

        assert_int_equal(evaluate(&s, CIT_SLICE_LIT("x == y")).err, want);
        s.dialect = CIT_EXPR_B;
        assert_int_equal(evaluate(&s, CIT_SLICE_LIT("$x == $y")).err, want);
        assert_int_equal(evaluate(&s, CIT_SLICE_LIT("$x < $y")).err, want);
        assert_int_equal(evaluate(&s, CIT_SLICE_LIT("str($x)")).err, i == 0 ? CIT_OK : CIT_EINVAL);
        cit_expr_free(s.program);
    }
}

/* ---- data that is no UTF-8 ---- */

static void broken_texts_are_read_to_their_end_and_no_further(void **state)
{
    static const char *const broken[] = { "\xff", "\x80\x80", "a\xc3",        "\xe2\x82", "\xf0\x9f\x98",
                                          "\xf0", "\xc3(",    "\xed\xa0\x80", "\xf8\x88", "" };
    static const char *const texts[] = {
        "len(x)",
        "x[0]",
        "x[-1]",
        "x[1]",
        "lower(x)",
        "upper(x)",
        "trim(x)",
        "x + x",
        "x in x",
        "x < 'z'",
        "num(x)",
        "replace(x, x + 'y', 'z')",
        "replace('a', 'a', x)",
        "str(x)",
        "startswith(x, x)",
        "endswith(x, x)",
        "x == x",
        "matches(x, 'a')",
        "matches(x, r'^\\w$')",
        "[x] == [x]",
        "max(x, 'a')",
        "trim(' ' + x + ' ')",
    };

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        size_t n = strlen(broken[i]);
        char *own = malloc(n > 0 ? n : 1); /* its end is the end of the memory */
        struct cit_expr_pair at[] = { { CIT_SLICE_LIT("x"), cit_expr_text(cit_slice(own, n)) } };
        struct cit_expr_pairs pairs = { at, 1 };
        struct data d = { .map = cit_expr_map(&cit_expr_pairs_ops, &pairs) };
        struct setting s = { .dialect = CIT_EXPR_STRICT, .data = &d, .arena = &work };

        assert_non_null(own);
        memcpy(own, broken[i], n);
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
            struct outcome o = evaluate(&s, cit_slice_str(texts[k]));

            if (o.err != CIT_OK && o.error.kind != CIT_EXPR_FAULT_VALUE && o.error.kind != CIT_EXPR_FAULT_UNSUPPORTED)
                fail_msg("%s of %zu: %d %s", texts[k], i, o.err, o.error.what);
        }
        s.dialect = CIT_EXPR_B;
        assert_true(evaluate(&s, CIT_SLICE_LIT("$x + 'a'")).err == CIT_OK || n == 0);
        cit_expr_free(s.program);
        cit_expr_arena_reset(&work);
        free(own);
    }
}

/* ---- memory ---- */

static void without_memory_an_evaluation_says_so(void **state)
{
    static const struct {
        enum cit_expr_dialect dialect;
        const char *text;
    } rows[] = {
        { CIT_EXPR_STRICT, "upper('abc') + lower('DEF') + str(1.5) + replace('a', 'a', 'b')" },
        { CIT_EXPR_STRICT, "[1, 2] + [3] == [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]" },
        { CIT_EXPR_STRICT, "a == b or c == d or e == f or g == h or i == j or k" },
        { CIT_EXPR_STRICT, "current_date + current_time" },
        { CIT_EXPR_STRICT, "matches('abc', 'b') and matches('abc', '(?i)C') and matches('abc', r'\\d')" },
        { CIT_EXPR_B, "str([1, 2]) + str(5) + 'a' * trunc(2)" },
        { CIT_EXPR_B, "[1, 2] == ([1] * trunc(3))" },
        { CIT_EXPR_B, "'\xd9\xa3' == 3" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cit_expr_lookup lookup = { .now = &noon };
        struct cit_expr_program *p = NULL;
        struct cit_expr_error e;
        int err = CIT_ENOMEM;

        assert_int_equal(cit_expr_compile(cit_slice_str(rows[i].text), rows[i].dialect, &p, NULL), CIT_OK);
        for (unsigned long n = 1; err == CIT_ENOMEM; n++) {
            struct cit_expr_arena fresh;
            struct cit_expr_task task = { p, &lookup, NULL, &fresh };
            struct cit_expr_value out = cit_expr_int(42);

            cit_expr_arena_init(&fresh, 1 << 20);
            cit_mem_fail_at(n);
            err = cit_expr_eval(&task, &out, &e);
            cit_mem_fail_at(0);
            if (err == CIT_ENOMEM) {
                assert_int_equal(out.u.i, 42);
                assert_string_equal(e.what, "out of memory");
            }
            cit_expr_arena_fini(&fresh);
            assert_true(n < 200);
        }
        if (err != CIT_OK)
            assert_int_equal(e.kind, CIT_EXPR_FAULT_UNSUPPORTED); /* matches() without PCRE2 */
        cit_expr_free(p);
    }
}

static void the_tokens_of_a_text_that_did_not_compile_are_not_run(void **state)
{
    struct cit_expr_lookup lookup = { 0 };
    struct cit_expr_program *p = NULL;
    struct cit_expr_task task = { NULL, &lookup, NULL, &work };
    struct cit_expr_value out = cit_expr_null();

    (void)state;
    assert_int_equal(cit_expr_tokenize(CIT_SLICE_LIT("(1 2"), CIT_EXPR_B, &p, NULL), CIT_OK);
    task.program = p;
    assert_int_equal(cit_expr_eval(&task, &out, NULL), CIT_EINVAL);
    cit_expr_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(strict_cases_give_what_they_say, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(measured_cases_give_what_python_gives, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(generated_cases_give_what_python_gives, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(a_name_is_asked_for_once_and_only_when_it_is_needed, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(more_names_than_the_small_array_holds_are_found, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(a_failing_lookup_fails_the_evaluation_at_the_name, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(the_clock_hides_data_in_compat_and_fills_it_in_strict, over_setup,
                                        over_teardown),
        cmocka_unit_test_setup_teardown(a_failing_mapping_fails_the_evaluation, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(nan_from_the_data_is_equal_to_nothing_and_infinity_does_not_spread, over_setup,
                                        over_teardown),
        cmocka_unit_test_setup_teardown(a_condition_is_true_or_false, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(steps_are_counted, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(what_is_made_is_bounded, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(growth_stops_at_the_bound, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(memory_is_bounded_by_the_arena, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(comparing_what_is_nested_is_bounded, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(broken_texts_are_read_to_their_end_and_no_further, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(without_memory_an_evaluation_says_so, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(the_tokens_of_a_text_that_did_not_compile_are_not_run, over_setup,
                                        over_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
