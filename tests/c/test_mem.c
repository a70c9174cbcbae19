/* tests/c/test_mem.c - the door to the heap, and the trap behind it. */
#include "base/mem.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void the_nth_allocation_fails_once(void **state)
{
    void *first, *third;

    (void)state;
    cit_mem_fail_at(2);
    first = cit_malloc(1);
    assert_non_null(first);
    assert_null(cit_calloc(1, 1));
    third = cit_malloc(1);
    assert_non_null(third);
    cit_free(first);
    cit_free(third);
    assert_int_equal(cit_mem_fail_at(0), 3);
}

static void every_kind_of_allocation_can_be_made_to_fail(void **state)
{
    char *block = cit_malloc(4);

    (void)state;
    assert_non_null(block);
    memcpy(block, "abc", 4);
    cit_mem_fail_at(1);
    assert_null(cit_malloc(1));
    cit_mem_fail_at(1);
    assert_null(cit_calloc(1, 1));
    cit_mem_fail_at(1);
    assert_null(cit_memdup("a", 1));
    cit_mem_fail_at(1);
    assert_null(cit_realloc_array(block, 100, 1));
    assert_string_equal(block, "abc");
    cit_mem_fail_at(0);
    cit_free(block);
}

static void a_size_that_overflows_is_refused(void **state)
{
    char *block = cit_malloc(1);

    (void)state;
    assert_null(cit_realloc_array(block, SIZE_MAX / 2, 3));
    assert_null(cit_memdup("a", SIZE_MAX));
    cit_free(block);
}

static void nothing_asked_for_is_still_a_block(void **state)
{
    void *a = cit_malloc(0), *b = cit_calloc(0, 8), *c = cit_realloc_array(NULL, 0, 8);

    (void)state;
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    cit_free(a);
    cit_free(b);
    cit_free(c);
    cit_free(NULL);
}

static void a_copy_ends_in_nul_and_keeps_the_ones_inside(void **state)
{
    char *copy = cit_memdup("a\0bc", 3), *empty = cit_memdup(NULL, 0);

    (void)state;
    assert_memory_equal(copy, "a\0b", 4);
    assert_string_equal(empty, "");
    cit_free(copy);
    cit_free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nth_allocation_fails_once),
        cmocka_unit_test(every_kind_of_allocation_can_be_made_to_fail),
        cmocka_unit_test(a_size_that_overflows_is_refused),
        cmocka_unit_test(nothing_asked_for_is_still_a_block),
        cmocka_unit_test(a_copy_ends_in_nul_and_keeps_the_ones_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
