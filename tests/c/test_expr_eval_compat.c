/* tests/c/test_expr_eval_compat.c - the compat dialects natively: what Python's operators give, where the measured
 * cases do not reach. */
#include "expr/eval_compat.c" /* NOLINT: the statics are tested */

#include "expr_over.h"

static void compat_numbers_are_pythons(void **state)
{
    static const struct {
        const char *text;
        double x;
        enum cit_expr_fault fault;
        struct cit_expr_value want;
    } rows[] = {
        { "$x + 1", (double)INFINITY, CIT_EXPR_FAULT_NONE, { .kind = CIT_EXPR_V_FLOAT, .u.f = (double)INFINITY } },
        { "$x * 10", 1e308, CIT_EXPR_FAULT_NONE, { .kind = CIT_EXPR_V_FLOAT, .u.f = (double)INFINITY } },
        { "$x ^ 2", 1e200, CIT_EXPR_FAULT_OVERFLOW, { 0 } },
        { "$x ^ (1 / 3)", -8.0, CIT_EXPR_FAULT_UNSUPPORTED, { 0 } },
        { "0 ^ $x", -1.0, CIT_EXPR_FAULT_ZERO, { 0 } },
        { "5 % $x", 0.0, CIT_EXPR_FAULT_ZERO, { 0 } },
        { "trunc($x)", (double)INFINITY, CIT_EXPR_FAULT_OVERFLOW, { 0 } },
        { "trunc($x)", (double)NAN, CIT_EXPR_FAULT_VALUE, { 0 } },
        { "trunc($x)", 1e19, CIT_EXPR_FAULT_UNSUPPORTED, { 0 } },
        { "trunc($x) + trunc($x)", 9e18, CIT_EXPR_FAULT_UNSUPPORTED, { 0 } },
        { "trunc($x) ^ trunc($x)", 100.0, CIT_EXPR_FAULT_UNSUPPORTED, { 0 } },
        { "trunc($x) / trunc(3)", 9e18, CIT_EXPR_FAULT_UNSUPPORTED, { 0 } },
        { "trunc($x) / trunc(4)", 10.0, CIT_EXPR_FAULT_NONE, { .kind = CIT_EXPR_V_FLOAT, .u.f = 2.5 } },
        { "abs(0 - trunc($x))", 7.0, CIT_EXPR_FAULT_NONE, { .kind = CIT_EXPR_V_FLOAT, .u.f = 7.0 } },
        { "abs(trunc($x))", -9223372036854775808.0, CIT_EXPR_FAULT_UNSUPPORTED, { 0 } },
        { "-trunc($x)", -9223372036854775808.0, CIT_EXPR_FAULT_UNSUPPORTED, { 0 } },
        { "round($x)", 2.5, CIT_EXPR_FAULT_NONE, { .kind = CIT_EXPR_V_INT, .u.i = 2 } },
        { "sign($x)", 2e-16, CIT_EXPR_FAULT_NONE, { .kind = CIT_EXPR_V_INT, .u.i = 0 } },
        { "sign($x)", -3e-16, CIT_EXPR_FAULT_NONE, { .kind = CIT_EXPR_V_INT, .u.i = -1 } },
        { "sin($x)", (double)INFINITY, CIT_EXPR_FAULT_VALUE, { 0 } },
        { "True + True", 0.0, CIT_EXPR_FAULT_NONE, { .kind = CIT_EXPR_V_INT, .u.i = 2 } },
        { "-sign(3)", 0.0, CIT_EXPR_FAULT_NONE, { .kind = CIT_EXPR_V_INT, .u.i = -1 } },
        { "sign(3) & sign(3)", 0.0, CIT_EXPR_FAULT_NONE, { .kind = CIT_EXPR_V_INT, .u.i = 1 } },
        { "True | sign(3)", 0.0, CIT_EXPR_FAULT_NONE, { .kind = CIT_EXPR_V_INT, .u.i = 1 } },
        { "'%s' % $x", 0.0, CIT_EXPR_FAULT_UNSUPPORTED, { 0 } },
        { "'a' * $x", 2.0, CIT_EXPR_FAULT_TYPE, { 0 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome o = over_float(CIT_EXPR_B, rows[i].text, rows[i].x);

        if (o.err != CIT_OK ? o.error.kind != (int)rows[i].fault : !json_same(&o.value, &rows[i].want))
            fail_msg("%s: %d %s kind %d", rows[i].text, o.err, o.error.what, o.error.kind);
    }
}

static void compat_texts_are_pythons(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: needs Python's objects */
    } rows[] = {
        { "str(0.1)", "0.1" },
        { "str(5)", "5" },
        { "str(trunc(5))", "5" },
        { "str(None)", "None" },
        { "str(1 == 1)", "True" },
        { "str([1, 'a', \"it's\"])", "['1', 'a', \"it's\"]" },
        { "str(['a\"b', \"it's \"\"\"])", "['a\"b', 'it\\'s \"\"']" },
        { "str($l)", "[1, 2.0, True, None, 'x\\n\\x01\\\\', [], [1.5]]" },
        { "str($m)", NULL },
        { "str($u)", NULL },
        { "'ab' * trunc(3)", "ababab" },
        { "trunc(2) * 'ab'", "abab" },
        { "'ab' * trunc(0 - 1)", "" },
        { "'a' + 'b' + ''", "ab" },
        { "'\xd9\xa3' + 'x'", NULL },
        { "$t[1] + 'x'", "\xc3\xb8x" },
        { "$t[0-1]", "a" },
    };
    struct setting s = { .dialect = CIT_EXPR_B, .arena = &work };
    struct data d = { 0 };
    struct cit_expr_value names[] = { cit_expr_text(CIT_SLICE_LIT("t")) };

    (void)state;
    assert_true(
        json_read(&kept,
                  CIT_SLICE_LIT("{\"l\": [1, 2.0, true, null, \"x\\n\\u0001\\\\\", [], [1.5]], \"m\": {}, \"u\": "
                                "[\"\u00f8\"], \"t\": \"h\u00f8yda\"}"),
                  &d.map));
    d.arrays = cit_expr_list(names, 1);
    s.data = &d;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome o = evaluate(&s, cit_slice_str(rows[i].text));

        if (rows[i].want == NULL ? o.err != CIT_EINVAL
                                 : o.err != CIT_OK || !cit_slice_eq(o.value.u.s, cit_slice_str(rows[i].want)))
            fail_msg("%s: %d %s %.*s", rows[i].text, o.err, o.error.what, o.err == CIT_OK ? (int)o.value.u.s.n : 0,
                     o.err == CIT_OK ? o.value.u.s.p : "");
    }
    cit_expr_free(s.program);
}

static void compat_lists_are_pythons(void **state)
{
    static const struct {
        const char *text;
        int want; /* 1, 0, or a fault below zero */
    } rows[] = {
        { "[1, 2] == $l", 1 },
        { "$l == $l", 1 },
        { "$l == [1, 2]", 0 }, /* a literal on the right stays one */
        { "$l < $k", 1 },
        { "$l <= $l", 1 },
        { "$k > $l", 1 },
        { "$l < $s", 1 },
        { "$s < $l", 0 },
        { "$l < [1]", -CIT_EXPR_FAULT_TYPE },
        { "$l < 5", -CIT_EXPR_FAULT_TYPE },
        { "$l < $x", -CIT_EXPR_FAULT_TYPE }, /* 2 and "a" have no order */
        { "($l + $k) == $s", 0 },
        { "1 in $l", 1 },
        { "True in $l", 1 },
        { "$l in [1]", 0 },
        { "'k' in $m", 1 },
        { "5 in $m", 0 },
        { "$l in $m", -CIT_EXPR_FAULT_TYPE },
        { "$m == $m", 1 },
        { "$m == $n", 0 },
        { "1 in 5", -CIT_EXPR_FAULT_TYPE },
        { "1 in 'a'", -CIT_EXPR_FAULT_TYPE },
        { "[1] + 5", -CIT_EXPR_FAULT_TYPE },
        { "5 + [1]", -CIT_EXPR_FAULT_TYPE },
        { "[1] == (trunc(0) + [1])", 0 },
        { "([1] * trunc(2)) == $e", 0 },
        { "([1] * trunc(0)) == $e", 1 },
        { "-$l", -CIT_EXPR_FAULT_NONE },
        { "abs($l)", -CIT_EXPR_FAULT_TYPE },
        { "trunc($l)", -CIT_EXPR_FAULT_TYPE },
        { "trunc('a')", -CIT_EXPR_FAULT_VALUE },
        { "$l[5]", -CIT_EXPR_FAULT_INDEX },
        { "$l[None]", -CIT_EXPR_FAULT_TYPE },
        { "$l['a']", -CIT_EXPR_FAULT_VALUE },
        { "$e", -CIT_EXPR_FAULT_INDEX },
        { "$m[0]", -CIT_EXPR_FAULT_TYPE },
        { "$l[0] == 1", 1 },
        { "$l[0-2] == 1", 1 },
        { "$l[True] == 2", 1 },
    };
    struct setting s = { .dialect = CIT_EXPR_B, .arena = &work };
    struct data d = { 0 };
    struct cit_expr_value names[] = { cit_expr_text(CIT_SLICE_LIT("m")), cit_expr_text(CIT_SLICE_LIT("l")),
                                      cit_expr_text(CIT_SLICE_LIT("e")) };

    (void)state;
    assert_true(
        json_read(&kept,
                  CIT_SLICE_LIT("{\"l\": [1, 2], \"k\": [1, 3], \"s\": [1, 2, 0], \"x\": [1, \"a\"], \"m\": {\"k\": "
                                "1}, \"n\": {\"k\": 2}, \"e\": []}"),
                  &d.map));
    s.data = &d;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is_indexed =
            strchr(rows[i].text, '[') > rows[i].text && strchr(rows[i].text, '[')[-1] != ' ' && rows[i].text[0] == '$';
        struct outcome o;

        d.arrays = is_indexed || strcmp(rows[i].text, "$e") == 0 ? cit_expr_list(names, 3) : cit_expr_null();
        o = evaluate(&s, cit_slice_str(rows[i].text));
        if (rows[i].want == -CIT_EXPR_FAULT_NONE && rows[i].text[0] == '-')
            assert_true(o.is_compile_error);
        else if (rows[i].want < 0 ? o.err == CIT_OK || o.error.kind != -rows[i].want
                                  : o.err != CIT_OK || o.value.u.b != (rows[i].want == 1))
            fail_msg("%s: %d %s kind %d", rows[i].text, o.err, o.error.what, o.error.kind);
    }
    cit_expr_free(s.program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(compat_numbers_are_pythons, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(compat_texts_are_pythons, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(compat_lists_are_pythons, over_setup, over_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
