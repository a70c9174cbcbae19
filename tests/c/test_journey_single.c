/* tests/c/test_journey_single.c - the journey of one request: what it has, what is refused. */
#include "load/journey_single.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

struct made {
    struct cit_arena a;
    struct cit_names names;
    struct cit_journey j;
    struct cit_journey_fault fault;
    int err;
};

static void make(struct made *m, const struct cit_journey_one *one)
{
    *m = (struct made){ .fault = { .line = 9, .column = 9 } };
    cit_arena_init(&m->a, 1 << 20);
    m->err = cit_journey_single(one, &(struct cit_making){ &m->names, NULL, &m->a }, &m->j, &m->fault);
}

static bool is_text(const struct cit_tmpl *t, const char *text)
{
    struct cit_slice s;

    return cit_tmpl_is_fixed(t, &s) && cit_slice_eq(s, cit_slice_str(text));
}

static void a_url_alone_is_a_get(void **state)
{
    struct cit_journey_one one = { .url = CIT_SLICE_LIT("http://127.0.0.1:8000/a/b?c=d#e") };
    const struct cit_step *s;
    struct made m;

    (void)state;
    make(&m, &one);
    assert_int_equal(m.err, CIT_OK);
    assert_int_equal(m.j.nsteps, 1);
    s = &m.j.steps[0];
    assert_true(cit_slice_eq(s->method, CIT_SLICE_LIT("GET")));
    assert_true(cit_slice_eq(s->name, CIT_SLICE_LIT("GET /a/b")));
    assert_true(cit_slice_eq(m.j.name, s->name));
    assert_true(is_text(&s->url, "http://127.0.0.1:8000/a/b?c=d"));
    assert_true(s->body == CIT_BODY_NONE && !s->follow && !s->has_answer && s->repeat == 1 && m.j.weight == 1);
    assert_true(s->max_redirects == 50 && s->minor == -1);
    cit_arena_fini(&m.a);
}

static void all_of_it_is_taken_over(void **state)
{
    const struct cit_slice headers[] = { CIT_SLICE_LIT("X-A: b: c "), CIT_SLICE_LIT("Authorization:Bearer {{token}}") };
    struct cit_journey_one one = {
        CIT_SLICE_LIT("PUT"), CIT_SLICE_LIT("/{{id}}"), CIT_SLICE_LIT("a={{b}}\n#"), headers, 2, true
    };
    const struct cit_step *s;
    struct made m;

    (void)state;
    make(&m, &one);
    assert_int_equal(m.err, CIT_OK);
    s = &m.j.steps[0];
    assert_true(cit_slice_eq(s->name, CIT_SLICE_LIT("PUT /{{id}}")));
    assert_true(s->follow && s->nheaders == 2);
    assert_true(is_text(&s->headers[0].name, "X-A") && is_text(&s->headers[0].value, "b: c"));
    assert_int_equal(s->headers[1].value.n, 2);
    assert_int_equal(s->body, CIT_BODY_TEXT);
    assert_int_equal(s->text.n, 3);
    assert_true(cit_slice_eq(s->text.piece[2].text, CIT_SLICE_LIT("\n#")));
    assert_true(cit_slice_eq(s->type, CIT_SLICE_LIT("application/x-www-form-urlencoded")));
    assert_int_equal(m.names.n, 3);
    cit_arena_fini(&m.a);
}

static void a_field_says_the_type_of_a_body(void **state)
{
    const struct cit_slice headers[] = { CIT_SLICE_LIT("content-TYPE: application/json") };
    struct cit_journey_one one = { CIT_SLICE_LIT("POST"), CIT_SLICE_LIT("/"), CIT_SLICE_LIT("{}"), headers, 1, false };
    struct made m;

    (void)state;
    make(&m, &one);
    assert_int_equal(m.err, CIT_OK);
    assert_int_equal(m.j.steps[0].type.n, 0);
    cit_arena_fini(&m.a);
}

static void what_is_wrong_is_told_by_its_name(void **state)
{
    static const struct {
        const char *method, *url, *body, *header, *why;
    } rows[] = {
        { "", "", "", NULL, "the URL: expected a URL, found the end of the file" },
        { "", "a", "", NULL, "the URL: a URL begins with http://, https://, / or a {{variable}}, not with 'a'" },
        { "", "/a b", "", NULL, "the URL: a URL has no blanks: write %20" },
        { "", "/a\r\nX: y", "", NULL, "the URL: a URL has only visible ASCII characters: write others as %C3%A9" },
        { "", "/{{a", "", NULL, "the URL: {{ has no }} behind it" },
        { "get", "/", "", NULL, "the method: 'get' is not written in capital letters" },
        { "CONNECT", "/", "", NULL, "the method: CONNECT is not supported: nothing would be sent through the tunnel" },
        { "", "/", "{{}}", NULL, "the body: between {{ and }} stands the name of a variable" },
        { "", "/", "", "X", "'X': expected Name: value, found 'X'" },
        { "", "/", "", ": y", "': y': expected Name: value, found ':'" },
        { "", "/", "", "X: a\nb", "'X: a?b': the value of a field can hold no line break and no NUL" },
        { "", "/", "", "X Y: a", "'X Y: a': the name of a field has letters, digits and -, not ' '" },
        { "", "/", "", "Content-Length: 1",
          "'Content-Length: 1': Content-Length is made from the body, and can't be set" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct cit_slice header = rows[i].header != NULL ? cit_slice_str(rows[i].header) : cit_slice("", 0);
        struct cit_journey_one one = { cit_slice_str(rows[i].method), cit_slice_str(rows[i].url),
                                       cit_slice_str(rows[i].body),   &header,
                                       rows[i].header != NULL,        false };
        struct made m;

        make(&m, &one);
        assert_int_equal(m.err, CIT_EINVAL);
        assert_string_equal(m.fault.why, rows[i].why);
        assert_int_equal(m.fault.line, 0);
        assert_int_equal(m.fault.column, 0);
        cit_arena_fini(&m.a);
    }
}

static void without_memory_nothing_is_lost(void **state)
{
    const struct cit_slice headers[] = { CIT_SLICE_LIT("A: {{b}}") };
    struct cit_journey_one one = { CIT_SLICE_LIT("POST"), CIT_SLICE_LIT("/c"), CIT_SLICE_LIT("d"), headers, 1, false };
    int err = CIT_ENOMEM;

    (void)state;
    for (unsigned long at = 1; err != CIT_OK; at++) {
        struct made m;

        cit_mem_fail_at(at);
        make(&m, &one);
        cit_mem_fail_at(0);
        err = m.err;
        assert_true(err == CIT_OK || err == CIT_ENOMEM);
        cit_arena_fini(&m.a);
        assert_true(at < 20);
    }
}

static void a_full_arena_is_a_limit(void **state)
{
    const struct cit_slice headers[] = { CIT_SLICE_LIT("A: {{b}}") };
    struct cit_journey_one one = { CIT_SLICE_LIT("POST"), CIT_SLICE_LIT("/c"), CIT_SLICE_LIT("d"), headers, 1, false };
    int err = CIT_ELIMIT;
    unsigned limits = 0;

    (void)state;
    for (size_t max = 0; err != CIT_OK; max += 16, limits++) {
        struct cit_names names = { 0 };
        struct cit_journey_fault fault;
        struct cit_journey j;
        struct cit_arena a;

        cit_arena_init(&a, max);
        err = cit_journey_single(&one, &(struct cit_making){ &names, NULL, &a }, &j, &fault);
        assert_true(err == CIT_OK || err == CIT_ELIMIT);
        cit_arena_fini(&a);
    }
    assert_true(limits > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_alone_is_a_get),
        cmocka_unit_test(all_of_it_is_taken_over),
        cmocka_unit_test(a_field_says_the_type_of_a_body),
        cmocka_unit_test(what_is_wrong_is_told_by_its_name),
        cmocka_unit_test(without_memory_nothing_is_lost),
        cmocka_unit_test(a_full_arena_is_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
