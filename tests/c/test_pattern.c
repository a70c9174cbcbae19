/* tests/c/test_pattern.c - patterns: what every match begins with, limits, groups, a build without them. */
#include "load/pattern.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct made {
    struct cit_arena arena;
    struct cit_queries qs;
    struct cit__maker m;
    struct cit__pattern *p;
    char why[CIT_QUERY_WHY];
    size_t at;
};

static int make(struct made *made, const char *pattern, bool needs_group)
{
    cit_arena_init(&made->arena, 1 << 20);
    made->qs = (struct cit_queries){ 0 };
    made->p = NULL;
    made->m = (struct cit__maker){ .qs = &made->qs,
                                   .arena = &made->arena,
                                   .start = pattern,
                                   .p = pattern,
                                   .end = pattern + strlen(pattern),
                                   .why = made->why,
                                   .at = &made->at };
    return cit__pattern_new(&made->m, needs_group, &made->p);
}

static void drop(struct made *made)
{
    cit__pattern_free(made->p);
    cit_arena_fini(&made->arena);
}

#if defined(CIT_HAVE_PCRE2)

static void the_beginning_that_never_changes_is_known(void **state)
{
    static const char *const cases[][2] = {
        { "name=\"x\" value=\"([^\"]+)", "name=\"x\" value=\"" },
        { "abc", "abc" },
        { "ab", "" },
        { "abcd?e", "abc" },
        { "abcd*", "abc" },
        { "abcd+", "abc" },
        { "abcd{2}", "abc" },
        { "abc\\.d\\/e", "abc.d/e" },
        { "abc\\d", "abc" },
        { "abc\\\\*", "abc" },
        { "abcé?d", "abc" },
        { "^abc", "" },
        { "(abc)", "" },
        { "abc|def", "" },
        { "abc(d|e)", "" },
        { "(?i)abc", "" },
        { "abc.d", "abc" },
        { "\\Qabc\\E", "" },
        { "abc\\", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made made;
        int err = make(&made, cases[i][0], false);

        assert_int_equal(err, cases[i][1] != NULL ? CIT_OK : CIT_EINVAL);
        if (err == CIT_OK)
            assert_true(cit_slice_eq(made.p->literal, cit_slice_str(cases[i][1])));
        drop(&made);
    }
}

static void the_beginning_is_no_other_answer(void **state)
{
    static const char *const texts[] = { "abcabcd1", "abcd", "xabcd2abcd3", "abc", "", "ab", "xyz abcc4" };
    static const char *const patterns[] = { "abcd?(\\d)", "abc+(\\d)", "abc(\\w*)", "abc(?<=abc)(.)" };
    struct cit_query_scratch s;

    (void)state;
    assert_int_equal(cit_query_scratch_init(&s), CIT_OK);
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        struct made made;

        assert_int_equal(make(&made, patterns[p], true), CIT_OK);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            struct cit__pattern plain = { .code = made.p->code };
            struct cit_slice with = { 0 }, without = { 0 };
            bool found_with, found_without;

            assert_int_equal(cit__pattern_run(made.p, cit_slice_str(texts[i]), &s, &with, &found_with), CIT_OK);
            assert_int_equal(cit__pattern_run(&plain, cit_slice_str(texts[i]), &s, &without, &found_without), CIT_OK);
            assert_int_equal(found_with, found_without);
            assert_true(!found_with || cit_slice_eq(with, without));
        }
        drop(&made);
    }
    cit_query_scratch_fini(&s);
}

static void a_pattern_that_never_ends_is_given_up(void **state)
{
    struct cit_query_scratch s;
    struct cit_slice group;
    struct made made;
    bool found = true;

    (void)state;
    assert_int_equal(make(&made, "^(a|aa|aaa)+$", false), CIT_OK);
    assert_int_equal(cit_query_scratch_init(&s), CIT_OK);
    assert_int_equal(
        cit__pattern_run(made.p, cit_slice_str("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &s, &group, &found),
        CIT_ELIMIT);
    assert_string_equal(s.why, "the pattern needs too many steps for this text");
    assert_int_equal(cit__pattern_run(made.p, cit_slice_str("aaaa"), &s, &group, &found), CIT_OK);
    assert_true(found);
    cit_query_scratch_fini(&s);
    drop(&made);
}

static void every_failed_allocation_is_reported(void **state)
{
    int err = CIT_ENOMEM;

    (void)state;
    for (unsigned long nth = 1; err == CIT_ENOMEM; nth++) {
        struct cit_query_scratch s;
        struct cit_slice group;
        struct made made;
        bool found = false;

        assert_true(nth < 100);
        assert_int_equal(cit_query_scratch_init(&s), CIT_OK);
        (void)cit_mem_fail_at(nth);
        err = make(&made, "abc(d+)", true);
        if (err == CIT_OK)
            err = cit__pattern_run(made.p, cit_slice_str("xabcdd"), &s, &group, &found);
        (void)cit_mem_fail_at(0);
        assert_true(err != CIT_OK || (found && group.n == 2));
        cit_query_scratch_fini(&s);
        drop(&made);
    }
    assert_int_equal(err, CIT_OK);
}

#else

static void a_build_without_patterns_says_so(void **state)
{
    struct made made;

    (void)state;
    assert_int_equal(make(&made, "abc", false), CIT_ESTATE);
    assert_string_equal(made.why, "this build has no patterns (it was made without PCRE2)");
    drop(&made);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#if defined(CIT_HAVE_PCRE2)
        cmocka_unit_test(the_beginning_that_never_changes_is_known),
        cmocka_unit_test(the_beginning_is_no_other_answer),
        cmocka_unit_test(a_pattern_that_never_ends_is_given_up),
        cmocka_unit_test(every_failed_allocation_is_reported),
#else
        cmocka_unit_test(a_build_without_patterns_says_so),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
