/* tests/c/test_h1_frame.c - where bodies end, rule by rule of RFC 9112 6.3. */
#include "http/h1_frame.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct cit_h1_head head(int status, uint32_t flags, uint64_t length)
{
    return (struct cit_h1_head){ .status = status, .flags = flags, .content_length = length };
}

static void a_request_body_needs_a_field(void **state)
{
    struct cit_h1_head none = head(0, 0, 0), zero = head(0, CIT_H1_HAS_LENGTH, 0), five = head(0, CIT_H1_HAS_LENGTH, 5),
                       chunked = head(0, CIT_H1_CHUNKED, 0);

    (void)state;
    assert_int_equal(cit_h1_frame_request(&none).kind, CIT_H1_BODY_NONE);
    assert_int_equal(cit_h1_frame_request(&zero).kind, CIT_H1_BODY_NONE);
    assert_int_equal(cit_h1_frame_request(&five).kind, CIT_H1_BODY_LENGTH);
    assert_int_equal(cit_h1_frame_request(&five).length, 5);
    assert_int_equal(cit_h1_frame_request(&chunked).kind, CIT_H1_BODY_CHUNKED);
}

static void some_answers_never_have_a_body(void **state)
{
    static const int without[] = { 100, 101, 103, 199, 204, 304 };

    (void)state;
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        struct cit_h1_head h = head(without[i], CIT_H1_CHUNKED, 0);

        assert_int_equal(cit_h1_frame_response(&h, CIT_METHOD_GET).kind, CIT_H1_BODY_NONE);
    }
}

static void the_method_matters_for_head_and_connect(void **state)
{
    struct cit_h1_head ok = head(200, CIT_H1_HAS_LENGTH, 7), no = head(403, CIT_H1_HAS_LENGTH, 7);

    (void)state;
    assert_int_equal(cit_h1_frame_response(&ok, CIT_METHOD_HEAD).kind, CIT_H1_BODY_NONE);
    assert_int_equal(cit_h1_frame_response(&ok, CIT_METHOD_CONNECT).kind, CIT_H1_BODY_NONE);
    assert_int_equal(cit_h1_frame_response(&no, CIT_METHOD_CONNECT).kind, CIT_H1_BODY_LENGTH);
    assert_int_equal(cit_h1_frame_response(&ok, CIT_METHOD_OTHER).length, 7);
}

static void without_a_field_an_answer_ends_with_its_connection(void **state)
{
    struct cit_h1_head bare = head(200, 0, 0), zero = head(200, CIT_H1_HAS_LENGTH, 0),
                       chunked = head(200, CIT_H1_CHUNKED, 0);

    (void)state;
    assert_int_equal(cit_h1_frame_response(&bare, CIT_METHOD_GET).kind, CIT_H1_BODY_CLOSE);
    assert_int_equal(cit_h1_frame_response(&zero, CIT_METHOD_GET).kind, CIT_H1_BODY_NONE);
    assert_int_equal(cit_h1_frame_response(&chunked, CIT_METHOD_GET).kind, CIT_H1_BODY_CHUNKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_body_needs_a_field),
        cmocka_unit_test(some_answers_never_have_a_body),
        cmocka_unit_test(the_method_matters_for_head_and_connect),
        cmocka_unit_test(without_a_field_an_answer_ends_with_its_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
