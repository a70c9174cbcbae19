/* tests/c/test_expr_eval_text.c - texts of the native evaluator: characters, blanks, digits, letters. */
#include "expr/eval_text.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void characters_are_counted_and_found_from_both_ends(void **state)
{
    static const struct {
        const char *text;
        size_t chars;
        int64_t place;
        const char *found; /* NULL: there is none */
    } rows[] = {
        { "", 0, 0, NULL },
        { "", 0, -1, NULL },
        { "abc", 3, 0, "a" },
        { "abc", 3, 2, "c" },
        { "abc", 3, 3, NULL },
        { "abc", 3, -1, "c" },
        { "abc", 3, -3, "a" },
        { "abc", 3, -4, NULL },
        { "abc", 3, INT64_MIN, NULL },
        { "abc", 3, INT64_MAX, NULL },
        { "h\xc3\xb8y", 3, 1, "\xc3\xb8" },
        { "h\xc3\xb8y", 3, -2, "\xc3\xb8" },
        { "\xf0\x9f\x98\x80!", 2, 0, "\xf0\x9f\x98\x80" },
        { "\xf0\x9f\x98\x80!", 2, 1, "!" },
        { "\x80"
          "a",
          1, 0, "a" }, /* a byte that begins no character belongs to none */
        { "a\xff"
          "b",
          3, 1, "\xff" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cit_slice found;

        assert_int_equal(cit__text_chars(cit_slice_str(rows[i].text)), rows[i].chars);
        assert_int_equal(cit__text_char_at(cit_slice_str(rows[i].text), rows[i].place, &found), rows[i].found != NULL);
        if (rows[i].found != NULL)
            assert_true(cit_slice_eq(found, cit_slice_str(rows[i].found)));
    }
}

static void blanks_go_from_both_ends_only(void **state)
{
    static const char *const rows[][2] = {
        { "", "" },
        { " ", "" },
        { " a b ", "a b" },
        { "\t\r\n\v\f\x1c\x1d\x1e\x1f"
          "a",
          "a" },
        { "a\xc2\xa0\xe3\x80\x80", "a" },
        { "\xe2\x80\x83\xe2\x80\xa8"
          "a\xc2\x85",
          "a" },
        { "\xe2\x80\x8b"
          "a",
          "\xe2\x80\x8b"
          "a" },            /* without width, no blank */
        { "\xa0", "\xa0" }, /* bytes that are no character */
        { "a\x80 ", "a\x80" },
        { " \xf0\x9f\x98\x80 ", "\xf0\x9f\x98\x80" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!cit_slice_eq(cit__text_trim(cit_slice_str(rows[i][0])), cit_slice_str(rows[i][1])))
            fail_msg("row %zu", i);
}

static void order_is_that_of_code_points(void **state)
{
    static const char *const rising[] = {
        "", "A", "AB", "B", "a", "\xc3\xa6", "\xe2\x82\xac", "\xef\xbf\xbf", "\xf0\x90\x80\x80"
    };

    (void)state;
    for (size_t i = 0; i < sizeof rising / sizeof rising[0]; i++) {
        for (size_t k = 0; k < sizeof rising / sizeof rising[0]; k++) {
            int order = cit__text_order(cit_slice_str(rising[i]), cit_slice_str(rising[k]));

            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
}

static void digits_of_all_scripts_have_a_value(void **state)
{
    (void)state;
    assert_int_equal(cit__decimal_digit('7'), 7);
    assert_int_equal(cit__decimal_digit(0x0663), 3);
    assert_int_equal(cit__decimal_digit(0xff19), 9);
    assert_int_equal(cit__decimal_digit(0x1d7ff), 9);
    assert_int_equal(cit__decimal_digit(0x1fbf9), 9);
    assert_int_equal(cit__decimal_digit('a'), -1);
    assert_int_equal(cit__decimal_digit(0x2f), -1);
    assert_int_equal(cit__decimal_digit(0xb2), -1); /* a superscript is none */
    assert_int_equal(cit__decimal_digit(0x1fbfa), -1);
}

static void letters_change_case_and_come_back(void **state)
{
    /* Python 3.11: chr(x).lower() */
    static const uint32_t pairs[][2] = {
        { 'A', 'a' },       { 'Z', 'z' },       { 0xc0, 0xe0 },     { 0xd6, 0xf6 },     { 0xd8, 0xf8 },
        { 0xde, 0xfe },     { 0x100, 0x101 },   { 0x12e, 0x12f },   { 0x139, 0x13a },   { 0x178, 0xff },
        { 0x17d, 0x17e },   { 0x1cd, 0x1ce },   { 0x220, 0x19e },   { 0x23a, 0x2c65 },  { 0x386, 0x3ac },
        { 0x391, 0x3b1 },   { 0x3a3, 0x3c3 },   { 0x3ab, 0x3cb },   { 0x401, 0x451 },   { 0x410, 0x430 },
        { 0x42f, 0x44f },   { 0x4c0, 0x4cf },   { 0x531, 0x561 },   { 0x556, 0x586 },   { 0x1e00, 0x1e01 },
        { 0x1ea0, 0x1ea1 }, { 0x1ef8, 0x1ef9 }, { 0x1f08, 0x1f00 }, { 0x1ffb, 0x1f7d },
    };
    static const uint32_t alone[] = { '@', '[', '`', '{', '0', 0xd7, 0xf7, 0x138, 0x3a2, 0x482, 0x557, 0x2000, 0x4e00 };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(cit__lower_of(pairs[i][0]), pairs[i][1]);
        assert_int_equal(cit__upper_of(pairs[i][1]), pairs[i][0]);
        assert_int_equal(cit__lower_of(pairs[i][1]), pairs[i][1]);
        assert_int_equal(cit__upper_of(pairs[i][0]), pairs[i][0]);
    }
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
        assert_int_equal(cit__lower_of(alone[i]), alone[i]);
        assert_int_equal(cit__upper_of(alone[i]), alone[i]);
    }
}

static void some_letters_change_one_way_only(void **state)
{
    (void)state;
    assert_int_equal(cit__upper_of(0xb5), 0x39c);  /* micro sign */
    assert_int_equal(cit__upper_of(0x131), 'I');   /* without a dot */
    assert_int_equal(cit__upper_of(0x17f), 'S');   /* long s */
    assert_int_equal(cit__upper_of(0x3c2), 0x3a3); /* final sigma */
    assert_int_equal(cit__lower_of(0x1e9e), 0xdf); /* capital sharp s */
    assert_int_equal(cit__lower_of(0x130), 'i');   /* with a dot */
    assert_int_equal(cit__lower_of(0x1c5), 0x1c6); /* title case */
    assert_int_equal(cit__upper_of(0x1c5), 0x1c4);
}

static void no_letter_grows_more_than_room_is_made_for(void **state)
{
    (void)state;
    for (uint32_t code = 0x80; code < 0x3000; code++) {
        size_t own = code < 0x800 ? 2 : 3;
        char text[4];

        assert_true((size_t)(put_code(text, cit__upper_of(code)) - text) <= own + (own == 2));
        assert_true((size_t)(put_code(text, cit__lower_of(code)) - text) <= own + (own == 2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_counted_and_found_from_both_ends),
        cmocka_unit_test(blanks_go_from_both_ends_only),
        cmocka_unit_test(order_is_that_of_code_points),
        cmocka_unit_test(digits_of_all_scripts_have_a_value),
        cmocka_unit_test(letters_change_case_and_come_back),
        cmocka_unit_test(some_letters_change_one_way_only),
        cmocka_unit_test(no_letter_grows_more_than_room_is_made_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
