/* tests/c/test_flow_check_expr.c - what is said of expressions: compiler's errors and remarks, names, constants. */
#include "flow/check_expr.c" /* NOLINT: the statics are tested */

#include <stdio.h>

#include "flow_found.h"

static const struct made_node fork_nodes[] = {
    { 0, "start", "S", 0, 0, 0 },  { 1, "page", "A", "1", 0, 0 }, { 2, "page", "B", "2", 0, 0 },
    { 3, "page", "C", "3", 0, 0 }, { 0, NULL, 0, 0, 0, 0 },
};

static struct cit_flow_findings check_condition(const char *text, enum cit_expr_dialect dialect)
{
    const struct made_edge edges[] = { { 0, 1, 'n', text }, { 0, 2, 'n', NULL }, { 0, 0, 0, NULL } };
    const struct cit_flow_check_options opt = { .dialect = dialect };

    return check_with(fork_nodes, edges, &opt);
}

static void expressions_that_do_not_compile_are_placed(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "expression", "E", 0, "v", "$a +\n  -$b" },
                                       { 2, "page", 0, "1", 0, 0 },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 1, 2, 's', "-$x" }, { 0, 0, 0, NULL } };
    struct cit_flow_findings f = check(nodes, edges);
    const struct cit_flow_finding *edge = find(&f, "bad-expression");

    (void)state;
    assert_non_null(edge);
    assert_int_equal(edge->edge, 1);
    assert_int_equal(edge->severity, CIT_FLOW_ERROR);
    assert_int_equal(edge->line, 1);
    assert_true(has(edge->what, "In the condition of an edge to node 2: "));
    assert_int_equal(edge->what[strlen(edge->what) - 1], '.');
    assert_true(edge->hint[0] == '\0' || (edge->hint[0] >= 'A' && edge->hint[0] <= 'Z'));
    cit_flow_findings_fini(&f);
}

static void remarks_of_the_compiler_are_passed_on_at_each_use(void **state)
{
    const struct made_edge edges[] = { { 0, 1, 'n', "$a == 1 or" },
                                       { 1, 2, 'n', "$a == 1 or" },
                                       { 0, 3, 'n', NULL },
                                       { 1, 3, 'n', NULL },
                                       { 0, 0, 0, NULL } };
    struct cit_flow_findings f = check(fork_nodes, edges);

    (void)state;
    assert_int_equal(f.count, 2);
    assert_int_equal(count_of(&f, "ignored-tail"), 2);
    assert_int_equal(f.at[0].edge, 0);
    assert_int_equal(f.at[1].edge, 1);
    assert_int_equal(f.at[0].severity, CIT_FLOW_WARNING);
    assert_int_equal(f.at[0].line, 1);
    assert_true(f.at[0].column >= 8);
    cit_flow_findings_fini(&f);
}

static void constant_conditions_are_told_apart(void **state)
{
    static const char *const never[] = {
        "0",         "None",           "False",  "''",      "[]",    "1 == 2",    "'a' == 'b'",  "'a' == 1",
        "1 > 2",     "2 < 1",          "2 <= 1", "1 >= 2",  "0 - 0", "2 - 1 * 2", "2 == 2 == 2", "!(1)",
        "None != 0", "1 == 1 & False", "None",   "'False'", "'0'",   "'+'",       "1 != 1.0",
    };
    static const char *const always[] = {
        "1",          "True",  "'yes'",          "[0]",    "1 == 1",   "'a' == 'a'", "'a' != 1",
        "1 < 2",      "2 > 1", "1 <= 1",         "1 >= 1", "2 + 2",    "-1",         "'1' == 1",
        "None == ''", "!(0)",  "1 == 1 | False", "'nan'",  "PI == PI", "3 - 2",
    };
    static const char *const depends[] = { "$a",         "$a == 1",    "$a & True", "1 + $a",
                                           "1 / 0",      "sin(0)",     "1 in [1]",  "'a' + 'b'",
                                           "[1] == [1]", "'\xd9\xa3'", "1 == $a",   "foo(1) == $b" };

    (void)state;
    for (size_t i = 0; i < COUNT(never); i++) {
        struct cit_flow_findings f = check_condition(never[i], CIT_EXPR_B);

        if (find(&f, "always-false") == NULL)
            print_error("%s\n", never[i]);
        assert_non_null(find(&f, "always-false"));
        assert_int_equal(find(&f, "always-false")->severity, CIT_FLOW_WARNING);
        cit_flow_findings_fini(&f);
    }
    for (size_t i = 0; i < COUNT(always); i++) {
        struct cit_flow_findings f = check_condition(always[i], CIT_EXPR_B);

        if (find(&f, "always-true") == NULL)
            print_error("%s\n", always[i]);
        assert_non_null(find(&f, "always-true"));
        assert_int_equal(find(&f, "always-true")->severity, CIT_FLOW_HINT);
        assert_non_null(find(&f, "edge-never-taken")); /* it counts as an edge without condition */
        cit_flow_findings_fini(&f);
    }
    for (size_t i = 0; i < COUNT(depends); i++) {
        struct cit_flow_findings f = check_condition(depends[i], CIT_EXPR_B);

        if (find(&f, "always-true") != NULL || find(&f, "always-false") != NULL)
            print_error("%s\n", depends[i]);
        assert_null(find(&f, "always-true"));
        assert_null(find(&f, "always-false"));
        cit_flow_findings_fini(&f);
    }
}

/* Which of the two codes a condition gets; "" for neither. */
static const char *constancy(const char *text, enum cit_expr_dialect dialect)
{
    struct cit_flow_findings f = check_condition(text, dialect);
    const char *code = find(&f, "always-true") != NULL    ? "always-true"
                       : find(&f, "always-false") != NULL ? "always-false"
                                                          : "";

    assert_null(find(&f, "bad-expression"));
    cit_flow_findings_fini(&f);
    return code;
}

static void strict_conditions_must_be_true_or_false(void **state)
{
    static const char *const rows[][2] = {
        { "0", "always-false" },
        { "1", "always-false" },
        { "'yes'", "always-false" },
        { "[1]", "always-false" },
        { "null", "always-false" },
        { "false", "always-false" },
        { "1 == 2", "always-false" },
        { "'1' == 1", "always-false" },
        { "null == 0", "always-false" },
        { "true == 1", "always-false" },
        { "not true", "always-false" },
        { "1 + 1", "always-false" },
        { "-1", "always-false" },
        { "true", "always-true" },
        { "1 == 1.0", "always-true" },
        { "'a' == 'a'", "always-true" },
        { "'1' != 1", "always-true" },
        { "not false", "always-true" },
        { "1 < 2", "always-true" },
        { "2 >= 2", "always-true" },
        { "null == null", "always-true" },
        { "not null", "always-true" },
        { "a", "" },
        { "a == 1", "" },
        { "true or a", "" },
        { "len('a') == 1", "" },
        { "1 in [1]", "" },
        { "a[0]", "" },
        { "a.b", "" },
        { "if(a, true, false)", "" },
        { "'a' < 'b'", "" },
        { "[1] == [1]", "" },
        { "matches(a, 'x')", "" },
        { "default(a, true)", "" },
        { "max(1, 2) == 2", "" },
        { "1 / 0 == 1", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (strcmp(constancy(rows[i][0], CIT_EXPR_STRICT), rows[i][1]) != 0)
            print_error("%s\n", rows[i][0]);
        assert_string_equal(constancy(rows[i][0], CIT_EXPR_STRICT), rows[i][1]);
    }
}

static void expression_nodes_may_be_constant(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "expression", 0, 0, "v", "0" },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 0, 0, 0, NULL } };

    (void)state;
    assert_clean(check(nodes, edges));
}

static bool only_age(void *ctx, struct cit_slice name)
{
    ++*(int *)ctx;
    return cit_slice_eq(name, CIT_SLICE_LIT("age"));
}

static void undeclared_variables_are_placed(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "expression", 0, 0, "sum", "$age + 1" },
                                       { 2, "page", 0, "1", 0, 0 },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL },
                                       { 1, 2, 'n', "$sum > 1 &\n ($agee < 5)" },
                                       { 1, 2, 'n', "$current_day == 3" },
                                       { 1, 2, 'n', NULL },
                                       { 0, 0, 0, NULL } };
    int asked = 0;
    const struct cit_flow_check_options opt = {
        .dialect = CIT_EXPR_B, .has_declared = true, .is_declared = only_age, .ctx = &asked
    };
    struct cit_flow_findings f = check_with(nodes, edges, &opt);
    const struct cit_flow_finding *one = find(&f, "undeclared-variable");

    (void)state;
    assert_int_equal(count_of(&f, "undeclared-variable"), 1);
    assert_int_equal(asked, 2);
    assert_int_equal(one->edge, 1);
    assert_int_equal(one->line, 2);
    assert_int_equal(one->column, 3);
    assert_true(has(one->what, "agee"));
    cit_flow_findings_fini(&f);
    f = check(nodes, edges);
    assert_null(find(&f, "undeclared-variable"));
    cit_flow_findings_fini(&f);
}

static void many_undeclared_variables_of_one_expression_are_cut(void **state)
{
    struct cit_flow_check_options opt = { .dialect = CIT_EXPR_B, .has_declared = true };
    char text[2000] = "$a0";
    const struct made_edge edges[] = { { 0, 1, 'n', text }, { 0, 2, 'n', NULL }, { 0, 0, 0, NULL } };
    struct cit_flow_findings f;
    size_t at = 3;

    (void)state;
    for (int i = 1; i < 100; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, " + $a%d", i);
    f = check_with(fork_nodes, edges, &opt);
    assert_int_equal(count_of(&f, "undeclared-variable"), 20);
    cit_flow_findings_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_that_do_not_compile_are_placed),
        cmocka_unit_test(remarks_of_the_compiler_are_passed_on_at_each_use),
        cmocka_unit_test(constant_conditions_are_told_apart),
        cmocka_unit_test(strict_conditions_must_be_true_or_false),
        cmocka_unit_test(expression_nodes_may_be_constant),
        cmocka_unit_test(undeclared_variables_are_placed),
        cmocka_unit_test(many_undeclared_variables_of_one_expression_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
