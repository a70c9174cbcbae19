/* tests/c/test_html.c - pages cut into tags and texts: what they are, at each prefix, and what elements are known. */
#include "load/html.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard.h"

/* "<a b=c>" for a start tag with its attributes, "</a>", texts in brackets: [text], or {text} without references. */
static const char *tokens(const char *page, size_t n, bool is_xml)
{
    static char out[4096];
    struct cit__html h;
    struct cit__html_token t;
    struct cit__html_attribute a;
    int at = 0;

    out[0] = '\0';
    cit__html_init(&h, cit_slice(page, n), is_xml);
    for (cit__html_next(&h, &t); t.kind != CIT__HTML_END && at < 4000; cit__html_next(&h, &t)) {
        if (t.kind == CIT__HTML_TEXT)
            at += snprintf(out + at, 96, t.is_plain ? "{%.*s}" : "[%.*s]", CIT_SLICE_ARG(t.text));
        else
            at += snprintf(out + at, 96, t.kind == CIT__HTML_OPEN ? "<%.*s" : "</%.*s", CIT_SLICE_ARG(t.name));
        while (t.kind == CIT__HTML_OPEN && cit__html_attribute(&t.attributes, &a))
            at += snprintf(out + at, 96, " %.*s=%.*s", CIT_SLICE_ARG(a.name), CIT_SLICE_ARG(a.value));
        if (t.kind != CIT__HTML_TEXT)
            at += snprintf(out + at, 96, t.kind == CIT__HTML_OPEN && t.is_closed ? "/>" : ">");
    }
    return out;
}

static const char *tokens_of(const char *page)
{
    return tokens(page, strlen(page), false);
}

static void pages_are_cut_as_browsers_do(void **state)
{
    static const char *const cases[][2] = {
        { "a<b>c</b>d", "[a]<b>[c]</b>[d]" },
        { "<a b=c d='e' f=\"g\" h>", "<a b=c d=e f=g h=>" },
        { "<a b = c\nd>", "<a b=c d=>" },
        { "<a/b>", "<a b=>" },
        { "<a =b=c>", "<a =b=c>" },
        { "<br><br/><p/>", "<br/><br/><p>" },
        { "<A HREF=x/>", "<A HREF=x/>" },
        { "a < b <3 <= c", "[a < b <3 <= c]" },
        { "<!doctype html><p>", "<p>" },
        { "<!-- a --><b><!----><c><!--><d><!---><e><!-- --!><f>", "<b><c><d><e><f>" },
        { "<!-- a -- b > c -->d", "[d]" },
        { "<!-- a", "" },
        { "</><b></ c><d>", "<b><d>" },
        { "<?xml a?><b>", "<b>" },
        { "<![CDATA[a]]>b", "[b]" },
        { "<svg><path/><![CDATA[a<b]]></svg><path/>", "<svg><path/>{a<b}</svg><path>" },
        { "<svg><title>a<b></title><div/>", "<svg><title>[a]<b></title><div>" },
        { "<svg/><p/>", "<svg/><p>" },
        { "<script>a<b></scriptx></Script >c", "<script>{a<b></scriptx>}</Script>[c]" },
        { "<script><!--<script></script>--></script>a", "<script>{<!--<script></script>-->}</script>[a]" },
        { "<script><!--</script>a", "<script>{<!--}</script>[a]" },
        { "<script><!-- --><script></script>a", "<script>{<!-- --><script>}</script>[a]" },
        { "<title>a&amp;<b></title>", "<title>[a&amp;<b>]</title>" },
        { "<textarea></textarea>a", "<textarea></textarea>[a]" },
        { "<style>a", "<style>{a}" },
        { "<a b", "" },
        { "<a b='", "" },
        { "a<b c=\"d>", "[a]" },
        { "<", "[<]" },
        { "a<", "[a<]" },
        { "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(tokens_of(cases[i][0]), cases[i][1]);
}

static void xml_has_no_elements_of_its_own(void **state)
{
    static const char page[] = "<?xml version='1'?><br>a</br><p/><script>b<c/></script><![CDATA[d]]>";

    (void)state;
    assert_string_equal(tokens(page, sizeof page - 1, true), "<br>[a]</br><p/><script>[b]<c/></script>{d}");
}

static void nothing_is_read_behind_the_end(void **state)
{
    static const char page[] = "<!-- a --><svg><![CDATA[b]]></svg><script><!--<script></script>--></script >"
                               "<a b = 'c' d=\"e\" f=g h/></a><title>i</title><!x><?y></><br/>&amp;";
    struct guard g = { 0 };

    (void)state;
    assert_true(guard_init(&g, sizeof page));
    for (size_t n = 0; n < sizeof page; n++) {
        const char *copy = guard_put(&g, page, n);
        char whole[4096];

        (void)snprintf(whole, sizeof whole, "%s", tokens(page, n, false));
        assert_string_equal(tokens(copy, n, false), whole);
        assert_non_null(tokens(copy, n, true));
    }
    guard_fini(&g);
}

static void every_element_is_found_under_its_letter(void **state)
{
    unsigned n = 0;

    (void)state;
    for (char letter = 'a'; letter <= 'z'; letter++) {
        for (const struct known *k = of_letter[letter - 'a']; k != NULL && k->n > 0; k++, n++) {
            char upper[16];

            assert_int_equal(k->name[0], letter);
            assert_int_equal(strlen(k->name), k->n);
            for (size_t i = 0; i <= k->n; i++)
                upper[i] = (char)(is_letter(k->name[i]) ? k->name[i] & ~0x20 : k->name[i]);
            assert_int_equal(cit__html_flags(cit_slice_str(k->name)), k->flags);
            assert_int_equal(cit__html_flags(cit_slice_str(upper)), k->flags);
        }
    }
    assert_true(n > 80);
    assert_int_equal(cit__html_flags(cit_slice_str("h7")), 0);
    assert_int_equal(cit__html_flags(cit_slice_str("h\x11")), 0);
    assert_int_equal(cit__html_flags(cit_slice_str("my-element")), 0);
    assert_int_equal(cit__html_flags(cit_slice_str("")), 0);
}

static void no_reference_is_shorter_than_what_it_stands_for(void **state)
{
    static const char *const refs[] = { "&lt;",     "&lt",        "&mu",     "&micro",    "&lang;", "&int;",
                                        "&#0",      "&#9;",       "&#x9",    "&#128;",    "&#x80",  "&euro;",
                                        "&#xfffd;", "&#99999999", "&Sigma;", "&#1114111", "&#65536" };
    char out[16];

    (void)state;
    for (size_t i = 0; i < sizeof refs / sizeof *refs; i++)
        assert_true(cit__html_decode(cit_slice_str(refs[i]), false, out) <= strlen(refs[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_cut_as_browsers_do),
        cmocka_unit_test(xml_has_no_elements_of_its_own),
        cmocka_unit_test(nothing_is_read_behind_the_end),
        cmocka_unit_test(every_element_is_found_under_its_letter),
        cmocka_unit_test(no_reference_is_shorter_than_what_it_stands_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
