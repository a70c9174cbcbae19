/* tests/c/test_json.c - JSON: what is accepted, where it is wrong, skipping, escapes, trees. */
#include "load/json.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard.h"

/* The kinds of a text's tokens, a letter each, and their raw texts; "!" and the place for what is wrong. */
static const char *shape(const char *text, size_t n)
{
    static char out[4096];
    static const char letters[] = ".0tfns:{}[]";
    struct cit_json j;
    struct cit_json_token t;
    size_t at = 0;

    cit_json_init(&j, cit_slice(text, n));
    for (;;) {
        if (cit_json_next(&j, &t) != CIT_OK) {
            (void)snprintf(out + at, sizeof out - at, "!%zu %s", (size_t)(j.p - j.start), j.why);
            assert_int_equal(cit_json_next(&j, &t), CIT_EPROTO);
            return out;
        }
        out[at++] = letters[t.kind];
        if (t.kind == CIT_JSON_END) {
            assert_int_equal(cit_json_next(&j, &t), CIT_OK);
            assert_int_equal(t.kind, CIT_JSON_END);
            break;
        }
        if (t.kind == CIT_JSON_NUMBER || t.kind == CIT_JSON_STRING || t.kind == CIT_JSON_NAME)
            at += (size_t)snprintf(out + at, sizeof out - at, "<%.*s>", CIT_SLICE_ARG(t.raw));
    }
    out[at] = '\0';
    return out;
}

static const char *shape_of(const char *text)
{
    return shape(text, strlen(text));
}

static void tokens_are_slices_of_the_text(void **state)
{
    (void)state;
    assert_string_equal(shape_of("{\"a\":[1,-2.5e+3,\"x\\\"y\"],\"b\":{},\"c\":[]}"),
                        "{:<a>[n<1>n<-2.5e+3>s<x\\\"y>]:<b>{}:<c>[]}.");
    assert_string_equal(shape_of(" \t\r\n[ true , false , null ] \n"), "[tf0].");
    assert_string_equal(shape_of("0"), "n<0>.");
    assert_string_equal(shape_of("\xef\xbb\xbf\"\""), "s<>.");
    assert_string_equal(shape_of("\"0123456789abcdef0123456789abcdef\\n\""), "s<0123456789abcdef0123456789abcdef\\n>.");
    assert_string_equal(shape_of("[[{\"x\":[]}]]"), "[[{:<x>[]}]].");
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
    static const char *const cases[][2] = {
        { "", "!0 the text ends where a value is expected" },
        { "[1,]", "[n<1>!3 a value is expected" },
        { "{\"a\":1,}", "{:<a>n<1>!7 a name in quotes is expected" },
        { "{\"a\" 1}", "{!5 a colon is expected" },
        { "{a:1}", "{!1 a name in quotes is expected" },
        { "[1 2]", "[n<1>!3 a comma or ] is expected" },
        { "{\"a\":1 \"b\":2}", "{:<a>n<1>!7 a comma or } is expected" },
        { "[1}", "[n<1>!2 a comma or ] is expected" },
        { "1 2", "n<1>!2 something follows the value" },
        { "01", "n<0>!1 something follows the value" },
        { "-", "!1 a digit is expected" },
        { "+1", "!0 a value is expected" },
        { "1.", "!2 a digit is expected" },
        { ".5", "!0 a value is expected" },
        { "1e", "!2 a digit is expected" },
        { "1e+", "!3 a digit is expected" },
        { "tru", "!0 a value is expected" },
        { "nul", "!0 a value is expected" },
        { "NaN", "!0 a value is expected" },
        { "'a'", "!0 a value is expected" },
        { "\"a", "!2 the text ends within a string" },
        { "\"a\\", "!2 the text ends within a string" },
        { "\"\\x\"", "!1 there is no such escape" },
        { "\"\\u12g4\"", "!1 four hexadecimal digits are expected behind \\u" },
        { "\"\\u12", "!1 four hexadecimal digits are expected behind \\u" },
        { "\"a\nb\"", "!2 a control character in a string must be escaped" },
        { "[", "[!1 the text ends where a value is expected" },
        { "[1", "[n<1>!2 the text ends within an array" },
        { "{", "{!1 the text ends within an object" },
        { "{\"a\":", "{:<a>!5 the text ends where a value is expected" },
        { "{\"a\":1", "{:<a>n<1>!6 the text ends within an object" },
        { "/**/1", "!0 a value is expected" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(shape_of(cases[i][0]), cases[i][1]);
}

static void no_prefix_is_read_past_its_end(void **state)
{
    static const char text[] = "{\"a\\u00e9\":[1.5e-7,true,null,\"0123456789abcdef\\ud83d\\ude00\"], \"b\" : false } ";
    struct guard g = { 0 };
    struct cit_json j;
    struct cit_json_token t;

    (void)state;
    assert_true(guard_init(&g, sizeof text));
    for (size_t n = 0; n < sizeof text; n++) {
        int err = CIT_OK;

        cit_json_init(&j, cit_slice(guard_put(&g, text, n), n));
        do
            err = cit_json_next(&j, &t);
        while (err == CIT_OK && t.kind != CIT_JSON_END);
        assert_int_equal(err, n >= sizeof text - 2 ? CIT_OK : CIT_EPROTO);
        assert_ptr_equal(j.p <= j.end ? NULL : j.p, NULL);
    }
    guard_fini(&g);
}

static void depth_is_bounded(void **state)
{
    char text[2 * CIT_JSON_DEPTH_MAX + 4];
    const char *got;

    (void)state;
    memset(text, '[', CIT_JSON_DEPTH_MAX);
    memset(text + CIT_JSON_DEPTH_MAX, ']', CIT_JSON_DEPTH_MAX);
    got = shape(text, 2 * CIT_JSON_DEPTH_MAX);
    assert_int_equal(strlen(got), 2 * CIT_JSON_DEPTH_MAX + 1);
    memset(text, '[', CIT_JSON_DEPTH_MAX + 1);
    got = shape(text, CIT_JSON_DEPTH_MAX + 1);
    assert_string_equal(got + CIT_JSON_DEPTH_MAX, "!512 it is nested too deeply");
}

static void skipping_gives_the_text_of_the_value(void **state)
{
    struct cit_json j;
    struct cit_json_token t;
    struct cit_slice text;

    (void)state;
    cit_json_init(&j, cit_slice_str("{\"a\": [1, {\"b\":2}] , \"c\":{ \"d\":\"]}\" }}"));
    assert_int_equal(cit_json_next(&j, &t), CIT_OK);
    assert_int_equal(cit_json_next(&j, &t), CIT_OK);
    assert_int_equal(cit_json_skip(&j, &text), CIT_OK);
    assert_true(cit_slice_eq(text, cit_slice_str("[1, {\"b\":2}]")));
    assert_int_equal(cit_json_next(&j, &t), CIT_OK);
    assert_int_equal(t.kind, CIT_JSON_NAME);
    assert_int_equal(cit_json_next(&j, &t), CIT_OK);
    assert_int_equal(t.kind, CIT_JSON_OPEN_OBJECT);
    assert_int_equal(cit_json_skip(&j, &text), CIT_OK);
    assert_true(cit_slice_eq(text, cit_slice_str("{ \"d\":\"]}\" }")));
    assert_int_equal(cit_json_next(&j, &t), CIT_OK);
    assert_int_equal(t.kind, CIT_JSON_CLOSE_OBJECT);
    assert_int_equal(cit_json_next(&j, &t), CIT_OK);
    assert_int_equal(cit_json_skip(&j, &text), CIT_EPROTO);
    assert_int_equal(cit_json_skip(&j, &text), CIT_EPROTO);
    cit_json_init(&j, cit_slice_str(" 12 "));
    assert_int_equal(cit_json_skip(&j, &text), CIT_OK);
    assert_true(cit_slice_eq(text, cit_slice_str("12")));
    cit_json_init(&j, cit_slice_str("[1,"));
    assert_int_equal(cit_json_skip(&j, &text), CIT_EPROTO);
}

static void escapes_are_resolved(void **state)
{
    static const char *const cases[][2] = {
        { "\"plain\"", "plain" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
        { "\"\\u00e9\\u20AC\\ud83d\\ude00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\"\\ud83d\"", "\xef\xbf\xbd" },
        { "\"\\ud83dx\"", "\xef\xbf\xbdx" },
        { "\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                                "A" },
        { "\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd" },
    };
    struct cit_arena a;

    (void)state;
    cit_arena_init(&a, 10000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cit_json j;
        struct cit_json_token t;
        struct cit_slice text;

        cit_json_init(&j, cit_slice_str(cases[i][0]));
        assert_int_equal(cit_json_next(&j, &t), CIT_OK);
        assert_int_equal(t.is_escaped, i > 0);
        assert_int_equal(cit_json_unescape(&t, &a, &text), CIT_OK);
        assert_true(cit_slice_eq(text, cit_slice_str(cases[i][1])));
    }
    cit_arena_fini(&a);
}

static void strings_are_written_so_that_they_read_back(void **state)
{
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 1000);
    assert_int_equal(cit_json_put(&b, cit_slice("a\"\\\n\t\0\x1f/\xc3\xa9", 10)), CIT_OK);
    assert_int_equal(cit_buf_add(&b, "", 1), CIT_OK);
    assert_string_equal(b.p, "\"a\\\"\\\\\\n\\t\\u0000\\u001f/\xc3\xa9\"");
    b.len = 0;
    assert_int_equal(cit_json_put(&b, cit_slice_str("\xff \xc3 \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80")), CIT_OK);
    assert_int_equal(b.len, 2 + 4 + 3 * (1 + 1 + 2 + 3 + 4));
    b.len = 0;
    assert_int_equal(cit_json_put(&b, cit_slice(NULL, 0)), CIT_OK);
    assert_int_equal(b.len, 2);
    cit_buf_fini(&b);
    cit_buf_init(&b, 5);
    assert_int_equal(cit_buf_add_str(&b, "ab"), CIT_OK);
    assert_int_equal(cit_json_put(&b, cit_slice_str("cd")), CIT_ELIMIT);
    assert_int_equal(b.len, 2);
    cit_buf_fini(&b);
}

static void a_tree_keeps_order_and_names(void **state)
{
    struct cit_arena a;
    struct cit_json_node *root = NULL, *m;
    const char *why;
    size_t at;

    (void)state;
    cit_arena_init(&a, 10000);
    assert_int_equal(
        cit_json_tree(cit_slice_str("{\"b\":[1,\"\\u0041\",{}],\"a\":null,\"c\":true}"), &a, &root, &why, &at), CIT_OK);
    assert_int_equal(root->kind, CIT_JSON_OPEN_OBJECT);
    assert_int_equal(root->count, 3);
    m = root->first;
    assert_true(cit_slice_eq(m->name, cit_slice_str("b")));
    assert_int_equal(m->count, 3);
    assert_true(cit_slice_eq(m->first->text, cit_slice_str("1")));
    assert_true(cit_slice_eq(m->first->next->text, cit_slice_str("A")));
    assert_int_equal(m->first->next->next->kind, CIT_JSON_OPEN_OBJECT);
    assert_null(m->first->next->next->next);
    assert_int_equal(m->next->kind, CIT_JSON_NULL);
    assert_int_equal(m->next->next->kind, CIT_JSON_TRUE);
    assert_null(m->next->next->next);
    cit_arena_fini(&a);
}

static void a_tree_refuses_a_name_that_comes_twice(void **state)
{
    struct cit_arena a;
    struct cit_json_node *root = NULL;
    const char *why = NULL;
    size_t at = 0;

    (void)state;
    cit_arena_init(&a, 10000);
    assert_int_equal(cit_json_tree(cit_slice_str("{\"a\":1,\"b\":{\"a\":2},\"\\u0061\":3}"), &a, &root, &why, &at),
                     CIT_EPROTO);
    assert_string_equal(why, "this name comes twice in its object");
    assert_int_equal(at, 20);
    assert_int_equal(cit_json_tree(cit_slice_str("[1,2,}"), &a, &root, &why, &at), CIT_EPROTO);
    assert_string_equal(why, "a value is expected");
    assert_int_equal(at, 5);
    cit_arena_fini(&a);
}

static void every_failed_allocation_is_reported(void **state)
{
    static const char text[] = "{\"a\\n\":[\"\\t\",1],\"b\":{\"c\":1,\"d\":2}}";
    struct cit_json_node *root = NULL;
    const char *why;
    size_t at;
    int err = CIT_ENOMEM;

    (void)state;
    for (unsigned long nth = 1; err != CIT_OK; nth++) {
        struct cit_arena a;

        assert_true(nth < 100);
        cit_arena_init(&a, 1 << 20);
        (void)cit_mem_fail_at(nth);
        err = cit_json_tree(cit_slice_str(text), &a, &root, &why, &at);
        (void)cit_mem_fail_at(0);
        assert_true(err == CIT_OK || err == CIT_ENOMEM);
        cit_arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_slices_of_the_text),
        cmocka_unit_test(what_is_wrong_is_named_with_its_place),
        cmocka_unit_test(no_prefix_is_read_past_its_end),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(skipping_gives_the_text_of_the_value),
        cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(strings_are_written_so_that_they_read_back),
        cmocka_unit_test(a_tree_keeps_order_and_names),
        cmocka_unit_test(a_tree_refuses_a_name_that_comes_twice),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
