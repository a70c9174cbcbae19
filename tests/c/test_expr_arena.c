/* tests/c/test_expr_arena.c - memory by the piece: bound, alignment, reset, failed allocations. */
#include "expr/arena.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void an_arena_keeps_one_chunk_and_hands_it_out_again(void **state)
{
    struct cit_expr_arena a = { .max = 100000 };
    bool is_full;
    void *first;

    (void)state;
    first = cit_expr_arena_take(&a, 1, &is_full);
    assert_non_null(first);
    assert_int_equal((uintptr_t)first % _Alignof(max_align_t), 0);
    assert_non_null(cit_expr_arena_take(&a, 50000, NULL));
    assert_null(cit_expr_arena_take(&a, 60000, &is_full));
    assert_true(is_full);
    assert_null(cit_expr_arena_take(&a, SIZE_MAX - 5, &is_full));
    assert_true(is_full);
    assert_true(a.held <= a.max && a.used >= 50000);
    cit_expr_arena_reset(&a);
    assert_int_equal(a.used, 0);
    assert_true(a.held >= 50000);
    assert_non_null(cit_expr_arena_take(&a, 50000, NULL));
    cit_mem_fail_at(1);
    assert_null(cit_expr_arena_take(&a, 20000, &is_full));
    cit_mem_fail_at(0);
    assert_false(is_full);
    cit_expr_arena_fini(&a);
    cit_expr_arena_reset(&a);
    assert_int_equal(a.held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_keeps_one_chunk_and_hands_it_out_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
