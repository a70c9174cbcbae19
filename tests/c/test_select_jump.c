/* tests/c/test_select_jump.c - the first tag with a literal: when it is certain, and never where reading says else. */
#include "load/select_jump.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"

/* Where a page's first "tokentoken" is looked for; -1: not certain. */
static long jump(struct cit_slice page)
{
    struct cit__select select = { .literal = CIT_SLICE_LIT("tokentoken") };
    const char *at = cit__jump(&select, page);

    return at != NULL ? (long)(at - page.p) : -1;
}

static void a_tag_in_the_open_is_found(void **state)
{
    static const struct {
        const char *page;
        long at;
    } cases[] = {
        { "<a tokentoken>", 0 },
        { "<p>It's</p><a tokentoken>", 11 },
        { "<p>say &amp; &#x27;hi&#39;</p><a tokentoken>", 30 },
        { "<form method=\"post\">\n <a tokentoken>", 22 },
        { "<!-- x --><script>if (a<b) '<p>'</script><title>t</title><a tokentoken>", 57 },
        { "<svg><path d='x'/></svg><ul><li class=\"\"><a tokentoken>", 41 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(jump(cit_slice_str(cases[i].page)), cases[i].at);
}

static void what_is_not_certain_is_left_to_reading(void **state)
{
    static const char *const pages[] = {
        "tokentoken",
        "<p><!-- <a tokentoken>",
        "<p><!-- > <a tokentoken> -->",
        "<script> > <a tokentoken></script>",
        "<TITLE> > <a tokentoken></TITLE>",
        "<script><!-- <script></script> --> > <a tokentoken>",
        "<style></styles> > <a tokentoken>",
        "<p title=\"> <a tokentoken>\">",
        "<p title = \"> <a tokentoken>\">",
        "<p title='> <a tokentoken>'>",
        "<p title=\"x>\" <a tokentoken>",
        "<p title='>\" > <a tokentoken>",
        "<p <a tokentoken>",
        "<svg><![CDATA[ > <a tokentoken> ]]>",
        "<p a=t&#111;kentoken><a tokentoken>",
        "<p a=t&#x6F;kentoken><a tokentoken>",
        "<p a=t&#000111;kentoken><a tokentoken>",
        "<p> a < b <a tokentoken>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        assert_int_equal(jump(cit_slice_str(pages[i])), -1);
}

/* The bytes before are looked at sixteen at a time: each distance from the start and the end, and no byte behind. */
static void every_alignment_gives_the_same(void **state)
{
    static const char open[] = "<p>----------------------------------------</p><a tokentoken>";
    static const char hidden[] = "<title><p>-------------------------------</p><a tokentoken>";
    struct guard g = { 0 };

    (void)state;
    assert_true(guard_init(&g, sizeof open + 64));
    for (size_t pad = 0; pad < 40; pad++) {
        char page[sizeof open + 64];
        size_t n = sizeof open - 1 + pad;

        memset(page, '.', pad);
        memcpy(page + pad, open, sizeof open - 1);
        assert_int_equal(jump(cit_slice(guard_put(&g, page, n), n)), (long)(n - 14));
        n = sizeof hidden - 1 + pad;
        memcpy(page + pad, hidden, sizeof hidden - 1);
        assert_int_equal(jump(cit_slice(guard_put(&g, page, n), n)), -1);
    }
    guard_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_in_the_open_is_found),
        cmocka_unit_test(what_is_not_certain_is_left_to_reading),
        cmocka_unit_test(every_alignment_gives_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
