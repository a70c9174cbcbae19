/* tests/c/test_threshold.c - what is measured of a run, held against thresholds; words for ends and targets. */
#include "load/threshold.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "load_run.h"

static struct load_run run;

static int start(void **state)
{
    (void)state;
    return load_run_init(&run) ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    load_run_fini(&run);
    return 0;
}

/* Whether a threshold of that measure holds with a limit just at what was measured, just above and just below. */
static void assert_measured(int64_t step, enum cit_threshold_kind kind, bool is_service, double want)
{
    struct cit_threshold t = { step, kind, 0, is_service };
    bool is_least = kind == CIT_THRESHOLD_RATE;
    double actual = -1;

    (void)cit_threshold_check(&t, &run.tally, &run.end, &actual);
    if (fabs(actual - want) > 0.001 * want)
        fail_msg("%s is %f, not %f", cit__measure_name(kind), actual, want);
    t.limit = actual;
    assert_int_equal(cit_threshold_check(&t, &run.tally, &run.end, &actual), 1);
    t.limit = actual * 1.01;
    assert_int_equal(cit_threshold_check(&t, &run.tally, &run.end, &actual), !is_least);
    t.limit = actual * 0.99;
    assert_int_equal(cit_threshold_check(&t, &run.tally, &run.end, &actual), is_least);
}

static void each_measure_is_compared_with_what_was_counted(void **state)
{
    (void)state;
    assert_measured(0, CIT_THRESHOLD_MEAN, false, 500.5);
    assert_measured(0, CIT_THRESHOLD_P50, false, 500);
    assert_measured(0, CIT_THRESHOLD_P90, false, 900);
    assert_measured(0, CIT_THRESHOLD_P95, false, 950);
    assert_measured(0, CIT_THRESHOLD_P99, false, 990);
    assert_measured(0, CIT_THRESHOLD_P999, false, 999);
    assert_measured(0, CIT_THRESHOLD_MAX, false, 1000);
    assert_measured(1, CIT_THRESHOLD_P50, false, 20);
    assert_measured(1, CIT_THRESHOLD_P50, true, 10);
    assert_measured(1, CIT_THRESHOLD_ERRORS, false, 1);
    assert_measured(-1, CIT_THRESHOLD_ERRORS, false, 110.0 / 1110);
    assert_measured(-1, CIT_THRESHOLD_MAX, false, 1000);
}

static void only_right_answers_are_speed(void **state)
{
    struct cit_threshold t = { 1, CIT_THRESHOLD_RATE, 0.1, false };
    double actual = -1;

    (void)state;
    assert_measured(-1, CIT_THRESHOLD_RATE, false, 100);
    assert_int_equal(cit_threshold_check(&t, &run.tally, &run.end, &actual), 0);
    assert_true(actual == 0);
}

static void what_was_not_measured_does_not_hold(void **state)
{
    struct cit_tally nothing;
    double actual = -1;

    (void)state;
    assert_int_equal(cit_tally_init(&nothing, 3), CIT_OK);
    for (int kind = CIT_THRESHOLD_MEAN; kind <= CIT_THRESHOLD_ERRORS; kind++) {
        struct cit_threshold t = { -1, (enum cit_threshold_kind)kind, 1e9, false };

        assert_int_equal(cit_threshold_check(&t, &nothing, &run.end, &actual), 0);
        assert_true(isnan(actual));
        t.step = 2; /* ten requests, no answer */
        assert_int_equal(cit_threshold_check(&t, &run.tally, &run.end, &actual), kind == CIT_THRESHOLD_ERRORS);
    }
    cit_tally_fini(&nothing);
}

static void a_run_of_no_time_has_no_rate(void **state)
{
    struct cit_run_end end = { .cpu_ns = 5 };

    (void)state;
    assert_true(cit__per_second(5, &end) == 0);
    assert_true(cit__generator_share(&run.plan, &end) == 0);
    assert_true(cit__per_second(5, &run.end) == 0.5);
    assert_true(cit__generator_share(&run.plan, &run.end) == 0.125);
}

static void a_plan_may_have_no_end_in_time(void **state)
{
    (void)state;
    assert_true(cit__planned_seconds(&run.plan) == 10);
    run.plan.warm_ns = 500000000;
    assert_true(cit__planned_seconds(&run.plan) == 10.5);
    run.plan.warm_ns = 0;
    run.plan.length_ns = 3600000000000000;
    assert_true(cit__planned_seconds(&run.plan) == 0);
    run.plan.length_ns = 10000000000;
}

static void ends_have_a_state_and_a_word(void **state)
{
    (void)state;
    assert_string_equal(cit__end_state(CIT_END_TIME), "finished");
    assert_string_equal(cit__end_state(CIT_END_REQUESTS), "finished");
    assert_string_equal(cit__end_state(CIT_END_USERS), "finished");
    assert_string_equal(cit__end_state(CIT_END_STOPPED), "stopped");
    assert_string_equal(cit__end_state(CIT_END_ERRORS), "failed");
    assert_string_equal(cit__end_state(CIT_END_MEMORY), "failed");
    assert_string_equal(cit__end_name(CIT_END_MEMORY), "memory");
    assert_string_equal(cit__end_name(CIT_END_TIME), "time");
}

static void targets_are_written_as_in_plans(void **state)
{
    char text[CIT__TARGET_MAX];
    const char *why;

    (void)state;
    cit__target_text(&run.plan, text);
    assert_string_equal(text, "http://[::1]:8000");
    assert_int_equal(cit_addr_parse("unix:/run/app.sock", run.plan.target.addr, 1, &why), 1);
    run.plan.target.naddrs = 1;
    cit__target_text(&run.plan, text);
    assert_string_equal(text, "unix:/run/app.sock");
    run.plan.target.naddrs = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_measure_is_compared_with_what_was_counted),
        cmocka_unit_test(only_right_answers_are_speed),
        cmocka_unit_test(what_was_not_measured_does_not_hold),
        cmocka_unit_test(a_run_of_no_time_has_no_rate),
        cmocka_unit_test(a_plan_may_have_no_end_in_time),
        cmocka_unit_test(ends_have_a_state_and_a_word),
        cmocka_unit_test(targets_are_written_as_in_plans),
    };

    return cmocka_run_group_tests(tests, start, finish);
}
