/* tests/c/test_expr_program.c - tabs, texts that do not match, and characters and places for people. */
#include "expr/program.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "expr_props.h"

static void tabs_become_blanks_as_in_python(void **state)
{
    static const struct {
        const char *text, *expanded;
    } rows[] = {
        { "\t1", "        1" },
        { "1\t2", "1       2" },
        { "12345678\t9", "12345678        9" },
        { "1234567\t9", "1234567 9" },
        { "1\n\t2\r\t3", "1\n        2\r        3" },
        { "\xc3\xa9\t1", "\xc3\xa9       1" },
        { "\xf0\x9f\x98\x80\xe2\x82\xac\t1", "\xf0\x9f\x98\x80\xe2\x82\xac      1" },
        { "\t\t", "                " },
        { "", "" },
    };
    char out[100];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cit_slice text = cit_slice_str(rows[i].text), want = cit_slice_str(rows[i].expanded);

        assert_int_equal(expand(text, NULL), want.n);
        assert_int_equal(expand(text, out), want.n);
        assert_true(cit_slice_eq(cit_slice(out, want.n), want));
    }
}

static void a_program_keeps_its_text_with_tabs_expanded(void **state)
{
    char text[] = "1\t+ '\xc3\xa9' \xc3\xa9";
    struct cit_expr_program *p = NULL;

    (void)state;
    assert_int_equal(cit_expr_compile(cit_slice_str(text), CIT_EXPR_A, &p, NULL), CIT_OK);
    memset(text, 'x', sizeof text);
    assert_true(cit_slice_eq(p->text, CIT_SLICE_LIT("1       + '\xc3\xa9' \xc3\xa9")));
    assert_int_equal(p->text_chars, 15);
    assert_int_equal(p->end, 14); /* characters */
    assert_int_equal(p->dialect, CIT_EXPR_A);
    cit_expr_free(p);
}

static void tokens_of_a_text_that_does_not_match_are_kept_on_demand(void **state)
{
    struct cit_expr_program *p = NULL;
    struct cit_expr_error e = { 0 };

    (void)state;
    assert_int_equal(cit_expr_compile(CIT_SLICE_LIT("(1 'E' 2"), CIT_EXPR_B, &p, &e), CIT_EPROTO);
    assert_null(p);
    assert_int_equal(cit_expr_tokenize(CIT_SLICE_LIT("(1e2 2"), CIT_EXPR_B, &p, &e), CIT_OK);
    assert_int_equal(e.err, CIT_EPROTO);
    assert_int_equal(p->token_count, 1);
    assert_true(cit_slice_eq(p->tokens[0].text, CIT_SLICE_LIT("1E2")));
    assert_int_equal(p->code_count + p->stack_max + p->end + p->note_count, 0);
    assert_false(p->is_closed);
    cit_expr_free(p);
    p = NULL;
    assert_int_equal(cit_expr_tokenize(CIT_SLICE_LIT("1 + 2"), CIT_EXPR_B, &p, NULL), CIT_OK);
    assert_int_equal(p->token_count, 3);
    assert_int_equal(p->code_count, 3);
    cit_expr_free(p);
}

static void limits_are_failures_in_tokenizing_too(void **state)
{
    static char text[CIT_EXPR_TEXT_MAX + 1];
    struct cit_expr_program *p = NULL;
    struct cit_expr_error e;

    (void)state;
    memset(text, '(', sizeof text);
    assert_int_equal(cit_expr_tokenize(cit_slice(text, sizeof text), CIT_EXPR_B, &p, &e), CIT_ELIMIT);
    assert_string_equal(e.what, "the text is too long");
    assert_int_equal(cit_expr_tokenize(cit_slice(text, sizeof text - 1), CIT_EXPR_B, &p, &e), CIT_ELIMIT);
    assert_string_equal(e.what, "the expression nests too deeply");
    assert_int_equal(e.at, CIT_EXPR_DEPTH_MAX);
    assert_null(p);
}

static void freeing_nothing_is_allowed(void **state)
{
    (void)state;
    cit_expr_free(NULL);
}

/* ---- text.c ---- */

static void check_place(const char *text, size_t at, uint32_t line, uint32_t column)
{
    uint32_t l, c;

    cit__place(cit_slice_str(text), at, &l, &c);
    assert_int_equal(l, line);
    assert_int_equal(c, column);
}

static void places_count_lines_and_characters_from_one(void **state)
{
    (void)state;
    check_place("", 0, 1, 1);
    check_place("ab", 2, 1, 3);
    check_place("ab", 9, 1, 3);
    check_place("a\nb", 2, 2, 1);
    check_place("a\r\nb", 3, 2, 1);
    check_place("a\rb", 2, 2, 1);
    check_place("a\r", 2, 2, 1);
    check_place("\n\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x", 11, 3, 4);
}

static void check_piece(const char *text, const char *piece)
{
    struct cit_slice p = cit__piece(cit_slice_str(text), 0);

    assert_true(cit_slice_eq(p, cit_slice_str(piece)));
}

static void a_piece_is_a_word_a_text_or_an_operator(void **state)
{
    (void)state;
    check_piece("", "");
    check_piece("$abc + 1", "$abc");
    check_piece("12.5e3+1", "12.5e3");
    check_piece("a.b", "a");
    check_piece("h\xc3\xb8yde x", "h\xc3\xb8yde");
    check_piece("'a b' x", "'a b'");
    check_piece("\"a\nb\"", "\"a");
    check_piece("'", "'");
    check_piece("== 1", "==");
    check_piece("=1", "=");
    check_piece("**2", "**");
    check_piece("((", "(");
    check_piece(" a", " ");
}

static void a_piece_is_bounded_and_ends_at_a_whole_character(void **state)
{
    char text[1000];

    (void)state;
    for (size_t i = 0; i < 499; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 3);
    assert_int_equal(cit__piece(cit_slice(text, 998), 0).n, 200);
    assert_int_equal(cit__piece(cit_slice(text, 998), 1).n, 199);
    assert_int_equal(cit__piece(cit_slice(text, 998), 990).n, 8);
    assert_int_equal(cit__piece(cit_slice(text, 998), 998).n, 0);
}

static void messages_cut_what_is_long_at_whole_characters(void **state)
{
    char text[400];
    struct cit__said s;

    (void)state;
    assert_string_equal(cit__say(&s, "<", CIT_SLICE_LIT("a\nb\x7f"), ">"), "<a b >");
    for (size_t i = 0; i < 80; i++)
        memcpy(text + 4 * i, "\xf0\x9f\x98\x80", 5);
    cit__say(&s, "<", cit_slice(text, 320), ">");
    assert_int_equal(strlen(s.text), 2 + 40 * 4 + 3);
    assert_string_equal(s.text + 1 + 40 * 4, "...>");
    memset(text, 'x', sizeof text);
    text[317] = '\0';
    assert_string_equal(cit__say(&s, text, (struct cit_slice){ 0 }, "0123"), text);
    assert_int_equal(strlen(cit__append(&s, "01")), 319);
    assert_int_equal(strlen(cit__append(&s, "2")), 319);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tabs_become_blanks_as_in_python),
        cmocka_unit_test(a_program_keeps_its_text_with_tabs_expanded),
        cmocka_unit_test(tokens_of_a_text_that_does_not_match_are_kept_on_demand),
        cmocka_unit_test(limits_are_failures_in_tokenizing_too),
        cmocka_unit_test(freeing_nothing_is_allowed),
        cmocka_unit_test(places_count_lines_and_characters_from_one),
        cmocka_unit_test(a_piece_is_a_word_a_text_or_an_operator),
        cmocka_unit_test(a_piece_is_bounded_and_ends_at_a_whole_character),
        cmocka_unit_test(messages_cut_what_is_long_at_whole_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
