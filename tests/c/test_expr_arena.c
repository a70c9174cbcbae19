/* tests/c/test_expr_arena.c - what an evaluation's memory adds to an arena: patterns that outlive a reset. */
#include "expr/arena.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void an_arena_of_evaluations_is_an_arena(void **state)
{
    struct cit_expr_arena a;
    bool is_full;

    (void)state;
    cit_expr_arena_init(&a, 100000);
    assert_non_null(cit_expr_arena_take(&a, 50000, NULL));
    assert_null(cit_expr_arena_take(&a, 60000, &is_full));
    assert_true(is_full);
    cit_expr_arena_reset(&a);
    assert_int_equal(a.mem.used, 0);
    assert_non_null(cit_expr_arena_take(&a, 50000, &is_full));
    assert_false(is_full);
    cit_expr_arena_fini(&a);
    assert_int_equal(a.mem.held, 0);
    assert_int_equal(a.mem.max, 100000);
}

static void patterns_are_kept_over_a_reset_and_freed_at_the_end(void **state)
{
    struct cit_expr_arena a = { .mem = { .max = 100000 } };
    const struct cit_expr_regexes *kept;
    char why[CIT_EXPR_REGEX_WHY];
    bool found = false;

    (void)state;
    if (!cit_expr_regex_is_built())
        skip();
    assert_int_equal(cit_expr_regex_find(&a.regexes, CIT_SLICE_LIT("b+"), CIT_SLICE_LIT("abbc"), &found, why), CIT_OK);
    assert_true(found);
    kept = a.regexes;
    assert_non_null(kept);
    cit_expr_arena_reset(&a);
    assert_ptr_equal(a.regexes, kept);
    cit_expr_arena_fini(&a);
    assert_null(a.regexes);
    cit_expr_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_of_evaluations_is_an_arena),
        cmocka_unit_test(patterns_are_kept_over_a_reset_and_freed_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
