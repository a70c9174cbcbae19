/* tests/c/test_expr_regex.c - patterns: found by their text, bounded, or not built. */
#include "expr/regex.c" /* NOLINT: the statics are tested */

#include "expr_over.h"

/* ---- patterns ---- */

static void a_pattern_that_runs_wild_is_stopped(void **state)
{
    struct outcome o = strict("matches('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', '^(a+)+$')");

    (void)state;
    if (!cit_expr_regex_is_built()) {
        assert_int_equal(o.error.kind, CIT_EXPR_FAULT_UNSUPPORTED);
        assert_string_equal(o.error.what, "matches(): built without PCRE2");
        return;
    }
    assert_int_equal(o.err, CIT_ELIMIT);
    assert_string_equal(o.error.what, "the pattern takes too many steps");
}

static void patterns_are_kept_and_the_oldest_goes(void **state)
{
    (void)state;
    if (!cit_expr_regex_is_built())
        skip();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < CIT_EXPR_REGEXES_MAX + 20; i++) {
            char text[60];

            (void)snprintf(text, sizeof text, "matches('x%d', '^x%d$')", i, i);
            assert_true(strict(text).value.u.b);
            assert_true(strict(text).value.u.b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pattern_that_runs_wild_is_stopped, over_setup, over_teardown),
        cmocka_unit_test_setup_teardown(patterns_are_kept_and_the_oldest_goes, over_setup, over_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
