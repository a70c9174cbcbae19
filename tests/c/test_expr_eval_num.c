/* tests/c/test_expr_eval_num.c - numbers of the native evaluator, and between them and their texts. */
#include "expr/eval_num.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- numbers and texts ---- */

static void floats_are_shown_in_the_fewest_digits(void **state)
{
    static const struct {
        double f;
        const char *text;
    } rows[] = {
        { 0.0, "0.0" },
        { -0.0, "-0.0" },
        { 1.0, "1.0" },
        { -1.5, "-1.5" },
        { 0.1, "0.1" },
        { 0.30000000000000004, "0.30000000000000004" },
        { 1e15, "1000000000000000.0" },
        { 9999999999999998.0, "9999999999999998.0" },
        { 1e16, "1e+16" },
        { 123456789012345678.0, "1.2345678901234568e+17" },
        { 1e22, "1e+22" },
        { 1e23, "1e+23" },
        { 0.0001, "0.0001" },
        { 0.00001, "1e-05" },
        { 0.00012345, "0.00012345" },
        { 5e-324, "5e-324" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 0x1p-44, "5.684341886080802e-14" }, /* the nearest 16 digits do not read back */
        { 0x1p-24, "5.960464477539063e-08" },
        { 0x1p976, "6.386688990511104e+293" },
        { 9007199254740993.0, "9007199254740992.0" },
        { 4.35, "4.35" },
        { (double)INFINITY, "inf" },
        { -(double)INFINITY, "-inf" },
        { (double)NAN, "nan" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[CIT_EXPR_FLOAT_TEXT_MAX];
        size_t n = cit_expr_float_text(rows[i].f, text);

        if (!cit_slice_eq(cit_slice(text, n), cit_slice_str(rows[i].text)))
            fail_msg("%s: %.*s", rows[i].text, (int)n, text);
    }
}

static void any_float_shown_reads_back(void **state)
{
    uint64_t bits = 0x9e3779b97f4a7c15U;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[CIT_EXPR_FLOAT_TEXT_MAX];
        double f, back;
        size_t n;

        bits = bits * 6364136223846793005U + 1442695040888963407U;
        memcpy(&f, &bits, sizeof f);
        if (!isfinite(f))
            continue;
        n = cit_expr_float_text(f, text);
        assert_true(n < sizeof text);
        assert_int_equal(cit_expr_float(cit_slice(text, n), &back), 1);
        assert_memory_equal(&back, &f, sizeof f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_are_shown_in_the_fewest_digits),
        cmocka_unit_test(any_float_shown_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
