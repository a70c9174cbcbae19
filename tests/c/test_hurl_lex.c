/* tests/c/test_hurl_lex.c - places, what messages show, nearest names, arrays that grow. */
#include "load/hurl_lex.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct cit__hurl on(const char *text)
{
    return (struct cit__hurl){ .start = text, .p = text, .end = text + strlen(text) };
}

static void lines_are_counted_forwards_and_backwards(void **state)
{
    static const char text[] = "a\nb\r\n\nc";
    static const uint32_t lines[] = { 1, 1, 2, 2, 2, 3, 4, 4 };
    struct cit__hurl h = on(text);

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        assert_int_equal(cit__hurl_line_of(&h, text + i), lines[i]);
    for (size_t i = sizeof text; i-- > 0;)
        assert_int_equal(cit__hurl_line_of(&h, text + i), lines[i]);
}

static void columns_are_characters_of_the_line(void **state)
{
    static const char text[] = "ab\n\xc3\xa9\xf0\x9f\x98\x80z";
    struct cit__hurl h = on(text);

    (void)state;
    assert_int_equal(column_of(&h, text), 1);
    assert_int_equal(column_of(&h, text + 2), 3);
    assert_int_equal(column_of(&h, text + 3), 1);
    assert_int_equal(column_of(&h, text + 5), 2);
    assert_int_equal(column_of(&h, text + 9), 3);
}

static void what_is_found_is_shown_as_one_word(void **state)
{
    struct cit__hurl h = on("abc def\nx\r\n");

    (void)state;
    assert_string_equal(cit__hurl_found(&h, h.start).text, "'abc'");
    assert_string_equal(cit__hurl_found(&h, h.start + 3).text, "' def'");
    assert_string_equal(cit__hurl_found(&h, h.start + 7).text, "the end of the line");
    assert_string_equal(cit__hurl_found(&h, h.start + 9).text, "the end of the line");
    assert_string_equal(cit__hurl_found(&h, h.end).text, "the end of the file");
    h.in_note = true;
    assert_string_equal(cit__hurl_found(&h, h.end).text, "the end of the line");
}

static void what_is_shown_is_short_and_valid(void **state)
{
    char many[300];
    struct cit__hurl_shown s;

    (void)state;
    assert_string_equal(cit__hurl_show(CIT_SLICE_LIT("")).text, "''");
    assert_string_equal(cit__hurl_show(CIT_SLICE_LIT("a\n\t\x7f\0b?")).text, "'a????b?'");
    assert_string_equal(cit__hurl_show(CIT_SLICE_LIT("\xff\xc3\xa9\xc3")).text, "'?\xc3\xa9?'");
    for (size_t n = 0; n < sizeof many; n++) {
        memset(many, 'a', sizeof many);
        for (size_t i = n % 4; i + 4 <= n; i += 4)
            memcpy(many + i, "\xf0\x9f\x98\x80", 4);
        s = cit__hurl_show(cit_slice(many, n));
        assert_non_null(memchr(s.text, '\0', sizeof s.text));
        for (size_t i = 0; s.text[i] != '\0';) {
            size_t len = cit__utf8_len(s.text + i, strlen(s.text) - i);

            assert_true(len > 0);
            i += len;
        }
    }
}

static void a_fault_fits_its_room(void **state)
{
    struct cit_journey_fault fault = { 0 };
    struct cit__hurl h = on("ab\ncd");

    (void)state;
    h.fault = &fault;
    assert_int_equal(cit__hurl_fault(&h, h.start + 4, CIT_ELIMIT, "%0500d", 7), CIT_ELIMIT);
    assert_int_equal(fault.line, 2);
    assert_int_equal(fault.column, 2);
    assert_int_equal(strlen(fault.why), sizeof fault.why - 1);
}

static void the_nearest_name_is_one_that_was_meant(void **state)
{
    static const char *const names[] = { "location", "max-redirs", "skip", "delay", "x" };
    static const struct {
        const char *word;
        int at;
    } rows[] = {
        { "location", 0 },  { "Location", 0 },      { "lokation", 0 },
        { "locatio", 0 },   { "loc", -1 },          { "max_redirs", 1 },
        { "maxredirs", 1 }, { "max-redirects", 1 }, { "skpi", 2 },
        { "kip", 2 },       { "deley", 3 },         { "", -1 },
        { "y", -1 },        { "qqqqqqq", -1 },      { "a word that is longer than any name there is", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(cit__hurl_nearest(cit_slice_str(rows[i].word), names, 5), rows[i].at);
}

static void an_array_grows_and_keeps_what_it_had(void **state)
{
    struct cit__hurl h = on("");
    struct cit_arena a;
    uint32_t *at = NULL;
    int err;

    (void)state;
    cit_arena_init(&a, 1 << 20);
    h.m.arena = &a;
    for (uint32_t n = 0; n < 1000; n++) {
        at = cit__hurl_more(&h, at, n, sizeof *at, &err);
        assert_int_equal(err, CIT_OK);
        at[n] = n * 7;
    }
    for (uint32_t n = 0; n < 1000; n++)
        assert_int_equal(at[n], n * 7);
    assert_true(a.used < 2 * 4096 * sizeof *at);
    cit_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_counted_forwards_and_backwards),
        cmocka_unit_test(columns_are_characters_of_the_line),
        cmocka_unit_test(what_is_found_is_shown_as_one_word),
        cmocka_unit_test(what_is_shown_is_short_and_valid),
        cmocka_unit_test(a_fault_fits_its_room),
        cmocka_unit_test(the_nearest_name_is_one_that_was_meant),
        cmocka_unit_test(an_array_grows_and_keeps_what_it_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
