/* tests/c/test_expr_number.c - Python's float() of ASCII text: what it takes, and to the last bit what it
 * gives. */
#include "expr/number.c" /* NOLINT: the statics are tested */

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "guard.h"

struct vector {
    const char *text;
    double value;
};

/* Values as Python 3.11 gives them. */
static const struct vector numbers[] = {
    { "0", 0 },
    { "-5", -5 },
    { "+4", 4 },
    { "007", 7 },
    { "1.", 1 },
    { ".5", .5 },
    { "-.5e1", -5 },
    { "1E5", 1e5 },
    { "2e-2", 2e-2 },
    { "1_000.5_0e1_0", 1000.5e10 },
    { "0.1", .1 },
    { "3.141592653589793", 3.141592653589793 },
    { " \t\n\r\v\f7 \f", 7 },
    { "123456789012345", 123456789012345 },
    { "1234567890123456", 1234567890123456 },
    { "9007199254740993", 9007199254740992 }, /* 2^53 + 1: to even */
    { "9007199254740993.000000000000000000000000000001", 9007199254740994 },
    { "1e22", 1e22 },
    { "1e23", 1e23 },
    { "8.5e-23", 8.5e-23 },
    { "1.7976931348623157e308", 1.7976931348623157e308 },
    { "1e400", (double)INFINITY },
    { "-1e99999999999999999999", (double)-INFINITY },
    { "1e-400", 0 },
    { "1e-99999999999999999999", 0 },
    { "0e99999999999999999999", 0 },
    { "5e-324", 5e-324 },
    { "2.4703282292062327e-324", 0 }, /* just below half of the smallest */
    { "2.4703282292062328e-324", 5e-324 },
    { "inf", (double)INFINITY },
    { "-Infinity", (double)-INFINITY },
    { "+iNF", (double)INFINITY },
};

static void numbers_have_the_value_python_gives_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double value = 0;

        assert_int_equal(cit_expr_float(cit_slice_str(numbers[i].text), &value), 1);
        if (memcmp(&value, &numbers[i].value, sizeof value) != 0)
            fail_msg("%s gives %.17g", numbers[i].text, value);
    }
}

static void what_is_no_number_leaves_the_value_alone(void **state)
{
    static const char *const texts[] = { "",
                                         " ",
                                         "-",
                                         "+",
                                         ".",
                                         "e5",
                                         "1e",
                                         "1e+",
                                         "0x10",
                                         "1 000",
                                         "1__0",
                                         "_1",
                                         "1_",
                                         "1_.5",
                                         "1._5",
                                         "1_e5",
                                         "1e_5",
                                         "1e5_",
                                         "--1",
                                         "+-1",
                                         "1,5",
                                         "5x",
                                         "infin",
                                         "nano",
                                         "in_f",
                                         "1e5e5",
                                         "1.5.5",
                                         "True",
                                         "\x1c"
                                         "5",
                                         "5-" };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double value = 7.25;

        if (cit_expr_float(cit_slice_str(texts[i]), &value) != 0)
            fail_msg("%s is taken for a number", texts[i]);
        assert_true(value > 7 && value < 7.5);
    }
    assert_int_equal(cit_expr_float(cit_slice("5\0", 2), &(double){ 0 }), 0);
}

static void nan_has_its_sign(void **state)
{
    double plus = 0, minus = 0;

    (void)state;
    assert_int_equal(cit_expr_float(CIT_SLICE_LIT("NaN"), &plus), 1);
    assert_int_equal(cit_expr_float(CIT_SLICE_LIT("-nan"), &minus), 1);
    assert_true(isnan(plus) && !signbit(plus));
    assert_true(isnan(minus) && signbit(minus));
    assert_int_equal(cit_expr_float(CIT_SLICE_LIT("-0"), &minus), 1);
    assert_true(signbit(minus));
}

static void other_characters_are_left_to_python(void **state)
{
    double value;

    (void)state;
    assert_int_equal(cit_expr_float(CIT_SLICE_LIT("\xd9\xa3"), &value), -1);  /* an Arabic three */
    assert_int_equal(cit_expr_float(CIT_SLICE_LIT("5\xc2\xa0"), &value), -1); /* a no-break space */
    assert_int_equal(cit_expr_float(CIT_SLICE_LIT("caf\xc3\xa9"), &value), -1);
}

static bool gives(const char *text, double want)
{
    double value = 0;

    return cit_expr_float(cit_slice_str(text), &value) == 1 && memcmp(&value, &want, sizeof value) == 0;
}

/* More digits than are kept: 2^53 + 1 is halfway, and goes up by what stands far behind. */
static void digits_far_behind_decide(void **state)
{
    char text[2400];
    int n = snprintf(text, sizeof text, "9007199254740993.%02000d", 0);

    (void)state;
    assert_true(gives(text, 9007199254740992.0));
    text[n - 1] = '1';
    assert_true(gives(text, 9007199254740994.0));
    (void)snprintf(text, sizeof text, "0.%01500d1e1501", 0);
    assert_true(gives(text, 1.0));
    (void)snprintf(text, sizeof text, "1%01500de-1500", 0);
    assert_true(gives(text, 1.0));
}

static void nothing_is_read_behind_the_text(void **state)
{
    struct guard g = { 0 };
    double value;

    (void)state;
    assert_true(guard_init(&g, 100));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        for (size_t n = 0; n <= strlen(numbers[i].text); n++)
            assert_int_not_equal(cit_expr_float(cit_slice(guard_put(&g, numbers[i].text, n), n), &value), -1);
    guard_fini(&g);
}

/* Locales with a decimal comma that may be there; without one the test says nothing new. */
static void the_locale_does_not_matter(void **state)
{
    static const char *const names[] = { "de_DE.UTF-8", "nb_NO.UTF-8", "fr_FR.UTF-8", "de_DE", "C" };
    double value = 0;
    size_t i = 0;

    (void)state;
    while (setlocale(LC_NUMERIC, names[i]) == NULL)
        i++;
    assert_int_equal(cit_expr_float(CIT_SLICE_LIT("1234567.12345678901234567890"), &value), 1);
    assert_true(value > 1234567.12345 && value < 1234567.12346);
    assert_int_equal(cit_expr_float(CIT_SLICE_LIT("1,5"), &value), 0);
    assert_non_null(setlocale(LC_NUMERIC, "C"));
}

static void errno_stays(void **state)
{
    double value;

    (void)state;
    errno = EAGAIN;
    assert_int_equal(cit_expr_float(CIT_SLICE_LIT("1e400"), &value), 1);
    assert_int_equal(errno, EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_the_value_python_gives_them),
        cmocka_unit_test(what_is_no_number_leaves_the_value_alone),
        cmocka_unit_test(nan_has_its_sign),
        cmocka_unit_test(other_characters_are_left_to_python),
        cmocka_unit_test(digits_far_behind_decide),
        cmocka_unit_test(nothing_is_read_behind_the_text),
        cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(errno_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
