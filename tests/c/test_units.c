/* tests/c/test_units.c - times, shares and think times: what is read, what is refused, what is drawn. */
#include "load/units.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t time_of(const char *text)
{
    const char *why = NULL;
    int64_t ns = -7;
    int err = cit_units_time(cit_slice_str(text), &ns, &why);

    assert_true(err == CIT_OK || (err == CIT_EINVAL && ns == -7 && why != NULL));
    return err == CIT_OK ? ns : -1;
}

static void times_are_read_with_their_units(void **state)
{
    (void)state;
    assert_int_equal(time_of("250us"), 250000);
    assert_int_equal(time_of("1.5ms"), 1500000);
    assert_int_equal(time_of("2s"), 2000000000);
    assert_int_equal(time_of("10m"), 600000000000);
    assert_int_equal(time_of("1h"), 3600000000000);
    assert_int_equal(time_of("0"), 0);
    assert_int_equal(time_of("10"), 10000000000);
    assert_int_equal(time_of("0.001"), 1000000);
    assert_int_equal(time_of(" 200 ms "), 200000000);
    assert_int_equal(time_of("0.0000015s"), 1500);
    assert_int_equal(time_of("123456.789012345s"), 123456789012345);
    assert_int_equal(time_of("1000h"), 3600000000000000);
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",    " ",    "ten", "-1s",   "+1s",     "1.s",   ".5s",
        "1e3", "0x10", "1s2", "1 x",   "ms",      "1..2",  "1S",
        "inf", "nan",  "1s,", "1 s s", "1000.1h", "1m30s", "9999999999999999999999999999999999999s"
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (time_of(wrong[i]) != -1)
            fail_msg("%s is taken for a time", wrong[i]);
    assert_int_equal(time_of("999999999999999999999999999999"), -1);
}

static double share_of(const char *text)
{
    const char *why = NULL;
    double share = -7;
    int err = cit_units_share(cit_slice_str(text), &share, &why);

    assert_true(err == CIT_OK || (err == CIT_EINVAL && share < -6 && why != NULL));
    return err == CIT_OK ? share : -1;
}

static void shares_are_between_nothing_and_everything(void **state)
{
    (void)state;
    assert_true(share_of("1%") == 0.01);
    assert_true(fabs(share_of("0.5 %") - 0.005) < 1e-12);
    assert_true(share_of("0.01") == 0.01);
    assert_true(share_of("100%") == 1 && share_of("1") == 1 && share_of("0") == 0);
    assert_true(share_of("101%") < 0 && share_of("1.01") < 0 && share_of("20") < 0);
    assert_true(share_of("") < 0 && share_of("%") < 0 && share_of("1%%") < 0 && share_of("-1%") < 0);
    assert_true(share_of("one") < 0 && share_of("1s") < 0);
}

static bool is_dist(const char *text, enum cit_dist_kind kind, int64_t a_ns, int64_t b_ns)
{
    struct cit_dist d;
    const char *why = NULL;

    if (cit_units_dist(cit_slice_str(text), &d, &why) != CIT_OK)
        return false;
    return d.kind == kind && d.a_ns == a_ns && d.b_ns == b_ns;
}

static void think_times_are_fixed_or_drawn(void **state)
{
    (void)state;
    assert_true(is_dist("2s", CIT_DIST_FIXED, 2000000000, 0));
    assert_true(is_dist("0", CIT_DIST_FIXED, 0, 0));
    assert_true(is_dist("1s..3s", CIT_DIST_UNIFORM, 1000000000, 3000000000));
    assert_true(is_dist(" 1.5 .. 3 ", CIT_DIST_UNIFORM, 1500000000, 3000000000));
    assert_true(is_dist("2s..2s", CIT_DIST_UNIFORM, 2000000000, 2000000000));
    assert_true(is_dist("exp(2s)", CIT_DIST_EXPONENTIAL, 2000000000, 0));
    assert_true(is_dist("normal(2s, 500ms)", CIT_DIST_NORMAL, 2000000000, 500000000));
}

static void what_is_no_think_time_is_refused_and_changes_nothing(void **state)
{
    static const char *const wrong[] = { "",           "often",      "3s..1s",      "1s..",        "..1s",
                                         "1s...3s",    "exp()",      "exp(2s",      "exp 2s",      "exp(2s)s",
                                         "normal(2s)", "1s..2s..3s", "normal(2s,)", "normal(,2s)", "normal(1s,2s,3s)",
                                         "-1s",        "1s, 2s",     "2sec" };
    struct cit_dist d = { .kind = CIT_DIST_NORMAL, .a_ns = 5, .b_ns = 6 };
    const char *why = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (cit_units_dist(cit_slice_str(wrong[i]), &d, &why) != CIT_EINVAL)
            fail_msg("%s is taken for a think time", wrong[i]);
        assert_non_null(why);
        assert_true(d.kind == CIT_DIST_NORMAL && d.a_ns == 5 && d.b_ns == 6);
    }
}

static void draws_are_in_range_and_have_their_mean(void **state)
{
    static const struct {
        const char *text;
        double mean_ns, within_ns;
    } cases[] = {
        { "2s", 2e9, 0.5 }, { "1s..3s", 2e9, 5e7 }, { "exp(2s)", 2e9, 2e8 }, { "normal(2s, 500ms)", 2e9, 5e7 },
        { "0", 0, 0.5 },
    };
    struct cit_dist huge = { .kind = CIT_DIST_NORMAL, .a_ns = INT64_MAX, .b_ns = INT64_MAX };
    struct cit_rng rng;

    (void)state;
    cit_rng_seed(&rng, 5, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cit_dist d;
        const char *why;
        double sum = 0;

        assert_int_equal(cit_units_dist(cit_slice_str(cases[i].text), &d, &why), CIT_OK);
        for (int n = 0; n < 10000; n++) {
            int64_t ns = cit_dist_draw(&d, &rng);

            assert_true(ns >= 0);
            assert_true(d.kind != CIT_DIST_UNIFORM || (ns >= d.a_ns && ns <= d.b_ns));
            sum += (double)ns;
        }
        assert_true(fabs(sum / 10000 - cases[i].mean_ns) <= cases[i].within_ns);
    }
    for (int n = 0; n < 100; n++) {
        int64_t ns = cit_dist_draw(&huge, &rng);

        assert_true(ns >= 0 && ns <= 3600000000000000);
    }
}

static void times_are_written_short_and_read_back(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { -5, "0" },
        { 1, "0.001us" },
        { 250000, "250us" },
        { 1500000, "1.5ms" },
        { 999000000, "999ms" },
        { 1000000000, "1s" },
        { 12345678, "12.3ms" },
        { 61000000000, "61s" },
        { 90000000000, "1.5m" },
        { 600000000000, "10m" },
        { 5400000000000, "1.5h" },
        { 3601000000000, "1h" },
        { 3600000000000000, "1000h" },
    };
    char text[CIT_UNITS_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cit_units_time_text(cases[i].ns, text);
        assert_string_equal(text, cases[i].text);
    }
    for (int64_t ns = 1000; ns < 3600000000000000; ns = ns * 5 / 4) {
        cit_units_time_text(ns, text);
        assert_true(llabs(time_of(text) - ns) <= ns / 190);
    }
    cit_units_time_text(INT64_MAX, text);
    assert_string_equal(text, "2562048h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_with_their_units),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(shares_are_between_nothing_and_everything),
        cmocka_unit_test(think_times_are_fixed_or_drawn),
        cmocka_unit_test(what_is_no_think_time_is_refused_and_changes_nothing),
        cmocka_unit_test(draws_are_in_range_and_have_their_mean),
        cmocka_unit_test(times_are_written_short_and_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
