/* tests/c/test_arena.c - memory by the piece: bound, alignment, reset, failed allocations. */
#include "base/arena.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void an_arena_keeps_one_chunk_and_hands_it_out_again(void **state)
{
    struct cit_arena a = { .max = 100000 };
    bool is_full;
    void *first;

    (void)state;
    first = cit_arena_take(&a, 1, &is_full);
    assert_non_null(first);
    assert_int_equal((uintptr_t)first % _Alignof(max_align_t), 0);
    assert_non_null(cit_arena_take(&a, 50000, NULL));
    assert_null(cit_arena_take(&a, 60000, &is_full));
    assert_true(is_full);
    assert_null(cit_arena_take(&a, SIZE_MAX - 5, &is_full));
    assert_true(is_full);
    assert_true(a.held <= a.max && a.used >= 50000);
    cit_arena_reset(&a);
    assert_int_equal(a.used, 0);
    assert_true(a.held >= 50000);
    assert_non_null(cit_arena_take(&a, 50000, NULL));
    cit_mem_fail_at(1);
    assert_null(cit_arena_take(&a, 20000, &is_full));
    cit_mem_fail_at(0);
    assert_false(is_full);
    cit_arena_fini(&a);
    cit_arena_reset(&a);
    assert_int_equal(a.held, 0);
    assert_int_equal(a.max, 100000);
}

static void pieces_stay_where_they_are_and_do_not_overlap(void **state)
{
    enum { PIECES = 500 };
    unsigned char *piece[PIECES];
    struct cit_arena a;

    (void)state;
    cit_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < PIECES; i++) {
        piece[i] = cit_arena_take(&a, i + 1, NULL);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % _Alignof(max_align_t), 0);
        memset(piece[i], (int)(i & 0xff), i + 1);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t k = 0; k <= i; k++)
            assert_int_equal(piece[i][k], i & 0xff);
    cit_arena_fini(&a);
}

static void cleared_memory_is_clear_also_when_it_was_used_before(void **state)
{
    struct cit_arena a = { .max = 8192 };
    char *p = cit_arena_take(&a, 4000, NULL);

    (void)state;
    assert_non_null(p);
    memset(p, 'x', 4000);
    cit_arena_reset(&a);
    p = cit_arena_zero(&a, 1000, 4);
    assert_non_null(p);
    for (size_t i = 0; i < 4000; i++)
        assert_int_equal(p[i], 0);
    assert_null(cit_arena_zero(&a, SIZE_MAX / 2, 3));
    assert_null(cit_arena_zero(&a, 1, 8192));
    assert_non_null(cit_arena_zero(&a, 0, 4));
    cit_arena_fini(&a);
}

static void a_copy_ends_with_a_nul_that_is_not_in_its_slice(void **state)
{
    struct cit_arena a = { .max = 4096 };
    struct cit_slice s = cit_arena_copy(&a, CIT_SLICE_LIT("abc")), empty = cit_arena_copy(&a, cit_slice(NULL, 0));

    (void)state;
    assert_int_equal(s.n, 3);
    assert_string_equal(s.p, "abc");
    assert_int_equal(empty.n, 0);
    assert_string_equal(empty.p, "");
    assert_null(cit_arena_copy(&a, cit_slice("", SIZE_MAX)).p);
    cit_arena_fini(&a);
    cit_mem_fail_at(1);
    s = cit_arena_copy(&a, CIT_SLICE_LIT("abc"));
    assert_null(s.p);
    assert_int_equal(s.n, 0);
    cit_mem_fail_at(1);
    assert_null(cit_arena_zero(&a, 1, 1));
    cit_mem_fail_at(0);
    assert_int_equal(a.held, 0);
    cit_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_keeps_one_chunk_and_hands_it_out_again),
        cmocka_unit_test(pieces_stay_where_they_are_and_do_not_overlap),
        cmocka_unit_test(cleared_memory_is_clear_also_when_it_was_used_before),
        cmocka_unit_test(a_copy_ends_with_a_nul_that_is_not_in_its_slice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
