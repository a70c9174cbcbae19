/* tests/c/test_tls_none.h - what a build without OpenSSL says of TLS; behind net/tls.c and cmocka.h. */
#ifndef CIT_TESTS_TLS_NONE_H
#define CIT_TESTS_TLS_NONE_H

static void without_openssl_there_is_a_refusal_that_says_so(void **state)
{
    const struct cit_tls_conf conf = { true, NULL };
    struct cit_tls_context *ctx = NULL;
    char why[CIT_TLS_WHY];

    (void)state;
    assert_false(cit_tls_is_built());
    assert_int_equal(cit_tls_context_new(&conf, &ctx, why), CIT_ESTATE);
    assert_string_equal(why, "https:// needs a build with OpenSSL, and this is none");
    assert_null(ctx);
    cit_tls_context_free(ctx);
    cit_tls_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(without_openssl_there_is_a_refusal_that_says_so) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
