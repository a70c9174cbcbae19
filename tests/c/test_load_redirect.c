/* tests/c/test_load_redirect.c - where a Location leads. */
#include "load/redirect.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

static void leads(const char *base, const char *location, const char *to)
{
    struct cit_buf out;

    cit_buf_init(&out, 4096);
    assert_int_equal(cit__redirect_resolve(cit_slice_str(base), cit_slice_str(location), &out), CIT_OK);
    assert_int_equal(cit_buf_add(&out, "", 1), CIT_OK);
    assert_string_equal(out.p, to);
    cit_buf_fini(&out);
}

/* The examples of RFC 3986 5.4 that a URL of http may have, without fragments. */
static void references_resolve_as_the_standards_examples(void **state)
{
    static const char *const rows[][2] = {
        { "g:h", "g:h" },
        { "g", "http://a/b/c/g" },
        { "./g", "http://a/b/c/g" },
        { "g/", "http://a/b/c/g/" },
        { "/g", "http://a/g" },
        { "//g", "http://g" },
        { "?y", "http://a/b/c/d;p?y" },
        { "g?y", "http://a/b/c/g?y" },
        { "#s", "http://a/b/c/d;p?q" },
        { "g#s", "http://a/b/c/g" },
        { ";x", "http://a/b/c/;x" },
        { "", "http://a/b/c/d;p?q" },
        { ".", "http://a/b/c/" },
        { "./", "http://a/b/c/" },
        { "..", "http://a/b/" },
        { "../", "http://a/b/" },
        { "../g", "http://a/b/g" },
        { "../..", "http://a/" },
        { "../../", "http://a/" },
        { "../../g", "http://a/g" },
        { "../../../g", "http://a/g" },
        { "../../../../g", "http://a/g" },
        { "/./g", "http://a/g" },
        { "/../g", "http://a/g" },
        { "g.", "http://a/b/c/g." },
        { ".g", "http://a/b/c/.g" },
        { "g..", "http://a/b/c/g.." },
        { "..g", "http://a/b/c/..g" },
        { "./../g", "http://a/b/g" },
        { "./g/.", "http://a/b/c/g/" },
        { "g/./h", "http://a/b/c/g/h" },
        { "g/../h", "http://a/b/c/h" },
        { "g;x=1/./y", "http://a/b/c/g;x=1/y" },
        { "g;x=1/../y", "http://a/b/c/y" },
        { "g?y/../x", "http://a/b/c/g?y/../x" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        leads("http://a/b/c/d;p?q", rows[i][0], rows[i][1]);
}

static void other_bases_and_spaces_do_no_harm(void **state)
{
    (void)state;
    leads("https://a:8443/", " next ", "https://a:8443/next");
    leads("https://a", "next", "https://a/next");
    leads("https://a?x=/../", "next", "https://a/next");
    leads("https://a/x?y", "//b:1/z", "https://b:1/z");
    leads("http://a/", "HTTP://B/", "HTTP://B/");
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    for (unsigned long n = 1; n <= 3; n++) {
        struct cit_buf out;
        int err;

        cit_buf_init(&out, 4096);
        cit_mem_fail_at(n);
        err = cit__redirect_resolve(CIT_SLICE_LIT("http://a/b/c"), CIT_SLICE_LIT("../g"), &out);
        assert_true(err == CIT_ENOMEM || n == 3);
        cit_mem_fail_at(0);
        cit_buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_resolve_as_the_standards_examples),
        cmocka_unit_test(other_bases_and_spaces_do_no_harm),
        cmocka_unit_test(every_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
