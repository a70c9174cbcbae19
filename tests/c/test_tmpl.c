/* tests/c/test_tmpl.c - texts with variables: names, pieces, faults, filling in, failed allocations. */
#include "load/tmpl.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "guard.h"

struct fixture {
    struct cit_arena a;
    struct cit_names names;
    struct cit_buf out;
    struct cit_rng rng;
    struct cit_slice values[8];
    struct cit_vars vars;
};

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .vars = { .n = 8, .user = 12, .iteration = 34 } };
    cit_arena_init(&f.a, 1 << 22);
    cit_buf_init(&f.out, 1 << 16);
    cit_rng_seed(&f.rng, 1, 2);
    f.vars.at = f.values;
    f.vars.rng = &f.rng;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    cit_arena_fini(&f->a);
    cit_buf_fini(&f->out);
    return 0;
}

static struct cit_tmpl parsed(struct fixture *f, const char *text)
{
    const char *why = "";
    struct cit_tmpl t;
    size_t at = 0;

    assert_int_equal(cit_tmpl_parse(cit_slice_str(text), &(struct cit_making){ &f->names, NULL, &f->a }, &t, &why, &at),
                     CIT_OK);
    return t;
}

static void is_filled(struct fixture *f, const char *text, enum cit_tmpl_escape escape, const char *wanted)
{
    struct cit_tmpl t = parsed(f, text);
    uint32_t unset = 99;

    f->out.len = 0;
    assert_int_equal(cit_tmpl_fill(&t, &f->vars, escape, &f->out, &unset), CIT_OK);
    assert_int_equal(cit_buf_add(&f->out, "", 1), CIT_OK);
    assert_string_equal(f->out.p, wanted);
    assert_int_equal(unset, 99);
}

static void names_are_numbered_in_their_order_and_found_again(void **state)
{
    struct fixture *f = *state;
    uint32_t n = 99;

    for (uint32_t i = 0; i < 100; i++) {
        char name[16];

        snprintf(name, sizeof name, "name-%" PRIu32, i % 50);
        assert_int_equal(cit_names_number(&f->names, &f->a, cit_slice_str(name), &n), CIT_OK);
        assert_int_equal(n, i % 50);
    }
    assert_int_equal(f->names.n, 50);
    assert_int_equal(cit_names_find(&f->names, CIT_SLICE_LIT("name-49")), 49);
    assert_int_equal(cit_names_find(&f->names, CIT_SLICE_LIT("name-4")), 4);
    assert_int_equal(cit_names_find(&f->names, CIT_SLICE_LIT("name-50")), -1);
}

static void names_have_a_limit(void **state)
{
    struct fixture *f = *state;
    uint32_t n;

    for (uint32_t i = 0; i < CIT_NAMES_MAX; i++)
        assert_int_equal(cit_names_number(&f->names, &f->a, cit_slice((const char *)&i, sizeof i), &n), CIT_OK);
    assert_int_equal(cit_names_number(&f->names, &f->a, CIT_SLICE_LIT("more"), &n), CIT_ELIMIT);
    assert_int_equal(cit_names_number(&f->names, &f->a, cit_slice((const char *)&(uint32_t){ 7 }, 4), &n), CIT_OK);
    assert_int_equal(n, 7);
}

static void a_text_is_cut_at_its_variables(void **state)
{
    struct fixture *f = *state;
    struct cit_tmpl t = parsed(f, "/a{{b}}{{ c-1 }}d{{b}}");

    assert_int_equal(t.n, 5);
    assert_true(t.piece[0].var == CIT_TMPL_TEXT && cit_slice_eq(t.piece[0].text, CIT_SLICE_LIT("/a")));
    assert_int_equal(t.piece[1].var, cit_names_find(&f->names, CIT_SLICE_LIT("b")));
    assert_int_equal(t.piece[2].var, cit_names_find(&f->names, CIT_SLICE_LIT("c-1")));
    assert_true(t.piece[3].var == CIT_TMPL_TEXT && cit_slice_eq(t.piece[3].text, CIT_SLICE_LIT("d")));
    assert_int_equal(t.piece[4].var, t.piece[1].var);
}

static void texts_without_variables_are_fixed(void **state)
{
    static const char *const fixed[] = { "", "a", "{", "}}", "{a}", "a{ {b}}", "{ {", "a}}b{" };
    struct fixture *f = *state;
    struct cit_slice s = { 0 };
    struct cit_tmpl t;

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        t = parsed(f, fixed[i]);
        assert_true(cit_tmpl_is_fixed(&t, &s));
        assert_true(cit_slice_eq(s, cit_slice_str(fixed[i])));
    }
    t = parsed(f, "{{a}}");
    assert_false(cit_tmpl_is_fixed(&t, &s));
    t = parsed(f, "b{{newUuid}}");
    assert_false(cit_tmpl_is_fixed(&t, &s));
    t = (struct cit_tmpl){ 0 };
    assert_true(cit_tmpl_is_fixed(&t, &s) && s.n == 0);
    assert_int_equal(f->names.n, 1);
}

static void a_template_outlives_its_text(void **state)
{
    struct fixture *f = *state;
    char text[] = "a{{b}}c";
    struct cit_tmpl t = parsed(f, text);

    memset(text, 'x', sizeof text - 1);
    assert_true(cit_slice_eq(t.piece[2].text, CIT_SLICE_LIT("c")));
    assert_true(cit_slice_eq(f->names.at[0], CIT_SLICE_LIT("b")));
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *why;
    } rows[] = {
        { "{{", 0, "{{ has no }} behind it" },
        { "a{{b}} {{c", 7, "{{ has no }} behind it" },
        { "a{{b }c", 1, "{{ has no }} behind it" },
        { "a{{b\n}}", 1, "{{ has no }} behind it" },
        { "a{{}}", 3, "between {{ and }} stands the name of a variable" },
        { "a{{ \t}}", 5, "between {{ and }} stands the name of a variable" },
        { "{{1}}", 2, "the name of a variable begins with a letter and has letters, digits, _ and -" },
        { "{{_a}}", 2, "the name of a variable begins with a letter and has letters, digits, _ and -" },
        { "{{{a}}}", 2, "the name of a variable begins with a letter and has letters, digits, _ and -" },
        { "{{a.b}}", 3, "the name of a variable has letters, digits, _ and -" },
        { "{{a b}}", 4, "filters inside {{ }} are not supported: filter in the capture" },
        { "{{getEnv \"A\"}}", 2, "getEnv is not supported: set a variable in the plan" },
    };
    struct fixture *f = *state;
    struct guard g = { 0 };

    assert_true(guard_init(&g, 100));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].text), at = 99;
        const char *why = "";
        struct cit_tmpl t = { .n = 77 };

        assert_int_equal(cit_tmpl_parse(cit_slice(guard_put(&g, rows[i].text, n), n),
                                        &(struct cit_making){ &f->names, NULL, &f->a }, &t, &why, &at),
                         CIT_EINVAL);
        assert_string_equal(why, rows[i].why);
        assert_int_equal(at, rows[i].at);
        assert_int_equal(t.n, 77);
    }
    guard_fini(&g);
}

static void values_are_filled_in(void **state)
{
    struct fixture *f = *state;

    (void)parsed(f, "{{a}}{{b}}");
    f->values[0] = CIT_SLICE_LIT("x y");
    f->values[1] = CIT_SLICE_LIT("");
    is_filled(f, "<{{a}}|{{b}}|{{a}}>", CIT_ESCAPE_NONE, "<x y||x y>");
    is_filled(f, "", CIT_ESCAPE_NONE, "");
    is_filled(f, "user {{userNumber}}, round {{iteration}}", CIT_ESCAPE_LINE, "user 12, round 34");
}

static void forms_escape_texts_and_values(void **state)
{
    struct fixture *f = *state;

    (void)parsed(f, "{{a}}");
    f->values[0] = CIT_SLICE_LIT("&=+ %\r\n\0\xc3\xa9");
    is_filled(f, "a-Z0_.~ /{{a}}", CIT_ESCAPE_FORM, "a-Z0_.~%20%2F%26%3D%2B%20%25%0D%0A%00%C3%A9");
}

static void a_value_may_not_break_a_line(void **state)
{
    static const char *const bad[] = { "a\rb", "\n", "a\r\nX: y" };
    struct fixture *f = *state;
    struct cit_tmpl t = parsed(f, "before {{a}}");
    uint32_t unset = 99;

    assert_int_equal(cit_buf_add_str(&f->out, "kept"), CIT_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        f->values[0] = cit_slice_str(bad[i]);
        assert_int_equal(cit_tmpl_fill(&t, &f->vars, CIT_ESCAPE_LINE, &f->out, &unset), CIT_EINVAL);
        assert_int_equal(unset, 0);
        assert_int_equal(f->out.len, 4);
    }
    f->values[0] = cit_slice("a\0b", 3);
    assert_int_equal(cit_tmpl_fill(&t, &f->vars, CIT_ESCAPE_LINE, &f->out, &unset), CIT_EINVAL);
    assert_int_equal(cit_tmpl_fill(&t, &f->vars, CIT_ESCAPE_NONE, &f->out, &unset), CIT_OK);
}

static void a_variable_without_value_is_named(void **state)
{
    struct fixture *f = *state;
    struct cit_tmpl t = parsed(f, "{{a}} {{b}}"), far = parsed(f, "{{c}}{{d}}{{e}}{{f}}{{g}}{{h}}{{i}}");
    uint32_t unset = 99;

    f->values[0] = CIT_SLICE_LIT("x");
    assert_int_equal(cit_tmpl_fill(&t, &f->vars, CIT_ESCAPE_NONE, &f->out, &unset), CIT_ENOENT);
    assert_int_equal(unset, 1);
    assert_int_equal(f->out.len, 0);
    for (size_t i = 0; i < 8; i++)
        f->values[i] = CIT_SLICE_LIT("x");
    assert_int_equal(cit_tmpl_fill(&far, &f->vars, CIT_ESCAPE_NONE, &f->out, &unset), CIT_ENOENT);
    assert_int_equal(unset, 8); /* "i": past the user's values */
}

static void a_full_buffer_keeps_what_it_had(void **state)
{
    struct fixture *f = *state;
    struct cit_tmpl t = parsed(f, "0123{{a}}");
    struct cit_buf small;
    uint32_t unset = 99;

    cit_buf_init(&small, 6);
    assert_int_equal(cit_buf_add_str(&small, "k"), CIT_OK);
    f->values[0] = CIT_SLICE_LIT("4567");
    assert_int_equal(cit_tmpl_fill(&t, &f->vars, CIT_ESCAPE_NONE, &small, &unset), CIT_ELIMIT);
    assert_int_equal(cit_tmpl_fill(&t, &f->vars, CIT_ESCAPE_FORM, &small, &unset), CIT_ELIMIT);
    assert_int_equal(small.len, 1);
    assert_int_equal(unset, 99);
    cit_buf_fini(&small);
}

/* A pattern: x stands for a hexadecimal digit, 9 for a decimal one, y for one of 89ab. */
static bool looks_like(const char *text, const char *pattern)
{
    for (; *text != '\0' && *pattern != '\0'; text++, pattern++) {
        if (*pattern == 'x'   ? strchr("0123456789abcdef", *text) == NULL
            : *pattern == '9' ? *text < '0' || *text > '9'
            : *pattern == 'y' ? strchr("89ab", *text) == NULL
                              : *text != *pattern)
            return false;
    }
    return *text == *pattern;
}

static void uuids_are_of_version_4_and_new_each_time(void **state)
{
    struct fixture *f = *state;
    struct cit_tmpl t = parsed(f, "{{newUuid}} {{newUuid}}");
    uint32_t unset;

    for (int i = 0; i < 1000; i++) {
        f->out.len = 0;
        assert_int_equal(cit_tmpl_fill(&t, &f->vars, CIT_ESCAPE_LINE, &f->out, &unset), CIT_OK);
        assert_int_equal(cit_buf_add(&f->out, "", 1), CIT_OK);
        assert_true(looks_like(f->out.p, "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"));
        assert_memory_not_equal(f->out.p, f->out.p + 37, 36);
    }
}

static void a_date_is_now_in_utc(void **state)
{
    struct fixture *f = *state;
    struct cit_tmpl t = parsed(f, "{{newDate}}");
    struct tm tm = { 0 };
    time_t before = time(NULL), then;
    uint32_t unset;

    assert_int_equal(cit_tmpl_fill(&t, &f->vars, CIT_ESCAPE_NONE, &f->out, &unset), CIT_OK);
    assert_int_equal(cit_buf_add(&f->out, "", 1), CIT_OK);
    assert_true(looks_like(f->out.p, "9999-99-99T99:99:99.999999Z"));
    assert_non_null(strptime(f->out.p, "%Y-%m-%dT%H:%M:%S", &tm));
    then = timegm(&tm);
    assert_true(then >= before && then <= time(NULL));
}

static void without_memory_nothing_is_half_done(void **state)
{
    struct fixture *f = *state;
    int err = CIT_ENOMEM;

    for (unsigned long at = 1; err != CIT_OK; at++) {
        struct cit_names names = { 0 };
        struct cit_tmpl t = { .n = 77 };
        const char *why;
        size_t where;

        cit_arena_fini(&f->a);
        cit_mem_fail_at(at);
        err =
            cit_tmpl_parse(CIT_SLICE_LIT("a{{b}}{{c}}"), &(struct cit_making){ &names, NULL, &f->a }, &t, &why, &where);
        cit_mem_fail_at(0);
        assert_true(err == CIT_OK ? t.n == 3 : err == CIT_ENOMEM && t.n == 77);
        assert_true(at < 10);
    }
}

static void a_full_arena_is_a_limit(void **state)
{
    int err = CIT_ELIMIT;
    unsigned limits = 0;

    (void)state;
    for (size_t max = 0; err != CIT_OK; max += 8, limits++) {
        struct cit_names names = { 0 };
        struct cit_tmpl t;
        struct cit_arena a;
        const char *why;
        size_t where;

        cit_arena_init(&a, max);
        err = cit_tmpl_parse(CIT_SLICE_LIT("a{{b}}{{c}}"), &(struct cit_making){ &names, NULL, &a }, &t, &why, &where);
        assert_true(err == CIT_OK || err == CIT_ELIMIT);
        cit_arena_fini(&a);
    }
    assert_true(limits > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_are_numbered_in_their_order_and_found_again, setup, teardown),
        cmocka_unit_test_setup_teardown(names_have_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_text_is_cut_at_its_variables, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_without_variables_are_fixed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_template_outlives_its_text, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told_with_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_filled_in, setup, teardown),
        cmocka_unit_test_setup_teardown(forms_escape_texts_and_values, setup, teardown),
        cmocka_unit_test_setup_teardown(a_value_may_not_break_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_variable_without_value_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_buffer_keeps_what_it_had, setup, teardown),
        cmocka_unit_test_setup_teardown(uuids_are_of_version_4_and_new_each_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_date_is_now_in_utc, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_half_done, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_arena_is_a_limit, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
