/* tests/c/test_slice.c - comparing, trimming, splitting and reading slices. */
#include "base/slice.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static bool same_but_for_case(const char *a, const char *b)
{
    return cit_slice_eq_nocase(cit_slice_str(a), cit_slice_str(b));
}

static void only_ascii_letters_have_two_cases(void **state)
{
    (void)state;
    assert_true(same_but_for_case("", ""));
    assert_true(same_but_for_case("azAZ09-", "AZaz09-"));
    assert_false(same_but_for_case("a", "ab"));
    assert_false(same_but_for_case("@", "`"));
    assert_false(same_but_for_case("[", "{"));
    assert_false(same_but_for_case("\xc4", "\xe4"));
    assert_false(same_but_for_case("-", "\r"));
}

static void empty_slices_are_equal_whatever_they_point_to(void **state)
{
    (void)state;
    assert_true(cit_slice_eq(cit_slice(NULL, 0), cit_slice("x", 0)));
    assert_true(cit_slice_eq(CIT_SLICE_LIT("a\0b"), cit_slice("a\0b", 3)));
    assert_false(cit_slice_eq(CIT_SLICE_LIT("a\0b"), CIT_SLICE_LIT("a\0c")));
}

static void trimming_takes_spaces_and_tabs_and_nothing_else(void **state)
{
    (void)state;
    assert_true(cit_slice_eq(cit_slice_trim(cit_slice_str(" \t a b\t ")), cit_slice_str("a b")));
    assert_true(cit_slice_eq(cit_slice_trim(cit_slice_str("\r\n")), cit_slice_str("\r\n")));
    assert_int_equal(cit_slice_trim(cit_slice_str(" \t ")).n, 0);
    assert_int_equal(cit_slice_trim(cit_slice(NULL, 0)).n, 0);
}

static void splitting_gives_every_element_also_the_empty_ones(void **state)
{
    struct cit_slice rest = cit_slice_str(" a ,,b,"), item;

    (void)state;
    assert_true(cit_slice_split(&rest, ',', &item));
    assert_true(cit_slice_eq(item, cit_slice_str("a")));
    assert_true(cit_slice_split(&rest, ',', &item));
    assert_int_equal(item.n, 0);
    assert_true(cit_slice_split(&rest, ',', &item));
    assert_true(cit_slice_eq(item, cit_slice_str("b")));
    assert_false(cit_slice_split(&rest, ',', &item));
}

static void splitting_nothing_gives_nothing(void **state)
{
    struct cit_slice rest = cit_slice(NULL, 0), item = cit_slice_str("kept");

    (void)state;
    assert_false(cit_slice_split(&rest, ',', &item));
    assert_true(cit_slice_eq(item, cit_slice_str("kept")));
}

static void numbers_are_digits_only_and_fit(void **state)
{
    static const char *const not_numbers[] = {
        "", "+1", "-1", " 1", "1 ", "0x1", "1a", "18446744073709551616", "99999999999999999999999", "\xb2"
    };
    unsigned long long n = 7;

    (void)state;
    for (size_t i = 0; i < sizeof not_numbers / sizeof *not_numbers; i++)
        assert_false(cit_slice_u64(cit_slice_str(not_numbers[i]), &n));
    assert_int_equal(n, 7);
    assert_true(cit_slice_u64(cit_slice_str("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    assert_true(cit_slice_u64(cit_slice_str("000"), &n));
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_ascii_letters_have_two_cases),
        cmocka_unit_test(empty_slices_are_equal_whatever_they_point_to),
        cmocka_unit_test(trimming_takes_spaces_and_tabs_and_nothing_else),
        cmocka_unit_test(splitting_gives_every_element_also_the_empty_ones),
        cmocka_unit_test(splitting_nothing_gives_nothing),
        cmocka_unit_test(numbers_are_digits_only_and_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
