/* tests/c/test_err.c - error codes: texts, and errno values turned into codes. */
#include "base/err.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <limits.h>

#include <cmocka.h>

static void every_code_has_a_text_of_its_own(void **state)
{
    static const int codes[] = {
#define CODE(name, value, text) CIT_##name,
        CIT_ERR_MAP(CODE)
#undef CODE
    };
    size_t n = sizeof codes / sizeof *codes;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        assert_true(codes[i] <= 0);
        assert_string_not_equal(cit_err_text(codes[i]), "unknown error");
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(codes[i], codes[k]);
            assert_string_not_equal(cit_err_text(codes[i]), cit_err_text(codes[k]));
        }
    }
}

static void any_other_number_is_an_unknown_error(void **state)
{
    (void)state;
    assert_string_equal(cit_err_text(1), "unknown error");
    assert_string_equal(cit_err_text(-9999), "unknown error");
    assert_string_equal(cit_err_text(INT_MIN), "unknown error");
}

static void errno_values_become_the_nearest_code(void **state)
{
    (void)state;
    assert_int_equal(cit_err_from_errno(0), CIT_OK);
    assert_int_equal(cit_err_from_errno(EAGAIN), CIT_EAGAIN);
    assert_int_equal(cit_err_from_errno(EWOULDBLOCK), CIT_EAGAIN);
    assert_int_equal(cit_err_from_errno(ENOMEM), CIT_ENOMEM);
    assert_int_equal(cit_err_from_errno(EPIPE), CIT_ECLOSED);
    assert_int_equal(cit_err_from_errno(ECONNRESET), CIT_ECLOSED);
    assert_int_equal(cit_err_from_errno(EADDRINUSE), CIT_EADDRINUSE);
    assert_int_equal(cit_err_from_errno(ENFILE), CIT_EMFILE);
    assert_int_equal(cit_err_from_errno(EPERM), CIT_EACCES);
    assert_int_equal(cit_err_from_errno(ENOENT), CIT_ENOENT);
}

static void an_errno_without_a_code_is_an_io_error(void **state)
{
    (void)state;
    assert_int_equal(cit_err_from_errno(ELOOP), CIT_EIO);
    assert_int_equal(cit_err_from_errno(-1), CIT_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_text_of_its_own),
        cmocka_unit_test(any_other_number_is_an_unknown_error),
        cmocka_unit_test(errno_values_become_the_nearest_code),
        cmocka_unit_test(an_errno_without_a_code_is_an_io_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
