/* tests/c/test_clock.c - the clocks run, and each measures what it says. */
#include "base/clock.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void sleep_ms(long ms)
{
    struct timespec t = { 0, ms * 1000000L };

    nanosleep(&t, NULL);
}

static void the_monotonic_clock_runs_forward(void **state)
{
    int64_t before = cit_clock_now_ns();

    (void)state;
    sleep_ms(5);
    assert_true(cit_clock_now_ns() - before >= 5 * CIT_MS_NS);
}

static void the_wall_clock_knows_the_day(void **state)
{
    (void)state;
    assert_true(cit_clock_wall_ns() / CIT_SEC_NS - (int64_t)time(NULL) <= 1);
    assert_true(cit_clock_wall_ns() > 1600000000LL * CIT_SEC_NS);
}

static void sleeping_costs_no_cpu_time_and_working_does(void **state)
{
    int64_t before = cit_clock_cpu_ns(), from;
    volatile unsigned turns = 0;

    (void)state;
    sleep_ms(20);
    assert_true(cit_clock_cpu_ns() - before < 15 * CIT_MS_NS);
    from = cit_clock_now_ns();
    while (cit_clock_cpu_ns() - before < 2 * CIT_MS_NS && cit_clock_now_ns() - from < 5 * CIT_SEC_NS)
        turns++;
    assert_true(cit_clock_cpu_ns() - before >= 2 * CIT_MS_NS);
}

static void a_thread_can_be_measured_from_outside(void **state)
{
    int64_t own = cit_clock_cpu_ns(), seen = cit_clock_cpu_of_ns(pthread_self());

    (void)state;
    assert_true(own > 0);
    assert_true(seen >= own);
    assert_true(seen - own < CIT_SEC_NS);
}

static void a_clock_that_does_not_exist_reads_minus_one(void **state)
{
    (void)state;
    assert_int_equal(read_ns((clockid_t)9999), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_runs_forward),
        cmocka_unit_test(the_wall_clock_knows_the_day),
        cmocka_unit_test(sleeping_costs_no_cpu_time_and_working_does),
        cmocka_unit_test(a_thread_can_be_measured_from_outside),
        cmocka_unit_test(a_clock_that_does_not_exist_reads_minus_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
