/* tests/c/test_load_arrival.c - when journeys of open plans are intended, and their line. */
#include "load/arrival.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct cit__thread thread;
static struct cit_run run;
static struct cit_load_plan plan;
static struct cit_stage stages[2];

/* An open plan of 10 s at 1,000 a second, shared by so many threads. */
static struct cit__arrivals *begin(uint32_t threads, uint32_t index)
{
    stages[0] = (struct cit_stage){ .length_ns = 10 * CIT_SEC_NS, .to = 1000 };
    plan = (struct cit_load_plan){
        .stages = stages, .nstages = 1, .length_ns = 10 * CIT_SEC_NS, .is_open = true, .seed = 1
    };
    run = (struct cit_run){ .plan = &plan, .nthreads = threads };
    thread.run = &run;
    thread.plan = &plan;
    thread.index = index;
    return &thread.arrivals;
}

static void threads_take_arrivals_in_turn_and_lose_none(void **state)
{
    bool seen[10000] = { false };
    uint32_t n = 0;

    (void)state;
    for (uint32_t k = 0; k < 3; k++) {
        struct cit__arrivals *a = begin(3, k);

        for (cit__arrivals_init(a, &thread); a->next_ns < INT64_MAX; step(a, &thread)) {
            assert_int_equal(a->next_ns % CIT_MS_NS, 0);
            assert_false(seen[a->next_ns / CIT_MS_NS]);
            seen[a->next_ns / CIT_MS_NS] = true;
            n++;
        }
    }
    assert_int_equal(n, 10000);
}

static void the_warm_up_comes_before_at_the_first_level(void **state)
{
    struct cit__arrivals *a = begin(1, 0);
    uint32_t warm = 0, measured = 0;

    (void)state;
    plan.warm_ns = CIT_SEC_NS / 2;
    for (cit__arrivals_init(a, &thread); a->next_ns < INT64_MAX; step(a, &thread)) {
        warm += a->next_ns < plan.warm_ns;
        measured += a->next_ns >= plan.warm_ns;
    }
    assert_int_equal(warm, 500);
    assert_int_equal(measured, 10000);
}

static void another_level_holds_from_its_time_on_and_has_no_end(void **state)
{
    struct cit__arrivals *a = begin(2, 1);

    (void)state;
    cit__arrivals_init(a, &thread);
    cit__arrivals_level(a, &thread, 10, 20 * CIT_SEC_NS);
    assert_int_equal(a->next_ns, 20 * CIT_SEC_NS + 100 * CIT_MS_NS);
    step(a, &thread);
    assert_int_equal(a->next_ns, 20 * CIT_SEC_NS + 300 * CIT_MS_NS);
    cit__arrivals_level(a, &thread, 0, 30 * CIT_SEC_NS);
    assert_true(a->next_ns == INT64_MAX);
    cit__arrivals_level(a, &thread, -5, 30 * CIT_SEC_NS);
    assert_true(a->next_ns == INT64_MAX);
}

static void random_arrivals_keep_the_rate_on_average_and_under_ramps(void **state)
{
    struct cit__arrivals *a = begin(2, 0);
    uint32_t halves[2] = { 0, 0 };
    int64_t last = 0;

    (void)state;
    plan.is_poisson = true;
    stages[0].is_ramp = true; /* from 0 to 1,000: a quarter of them in the first half, each thread has half of all */
    for (cit__arrivals_init(a, &thread); a->next_ns < INT64_MAX; step(a, &thread)) {
        assert_true(a->next_ns >= last);
        last = a->next_ns;
        halves[a->next_ns >= 5 * CIT_SEC_NS]++;
    }
    assert_in_range(halves[0], 625 - 150, 625 + 150); /* six deviations */
    assert_in_range(halves[1], 1875 - 260, 1875 + 260);
}

static void a_rate_of_nothing_has_no_arrivals(void **state)
{
    struct cit__arrivals *a = begin(1, 0);

    (void)state;
    stages[0].to = 0;
    cit__arrivals_init(a, &thread);
    assert_true(a->next_ns == INT64_MAX);
    plan.is_poisson = true;
    cit__arrivals_init(a, &thread);
    assert_true(a->next_ns == INT64_MAX);
}

static void the_line_is_first_come_first_served_and_grows(void **state)
{
    struct cit__arrivals a = { 0 };
    int64_t at, in = 0, out = 0;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        for (int k = 0; k < 3; k++)
            assert_true(line_add(&a, in++));
        for (int k = 0; k < 2; k++) {
            assert_true(cit__arrivals_take(&a, &at));
            assert_int_equal(at, out++);
        }
    }
    while (cit__arrivals_take(&a, &at))
        assert_int_equal(at, out++);
    assert_int_equal(in, out);
    cit__arrivals_fini(&a);
}

static void a_line_without_memory_or_past_its_bound_takes_no_more_and_stays(void **state)
{
    struct cit__arrivals a = { 0 };
    int64_t at, n = 0;

    (void)state;
    cit_mem_fail_at(1);
    assert_false(line_add(&a, 1));
    cit_mem_fail_at(0);
    while (line_add(&a, n))
        n++;
    assert_int_equal(n, CIT__LINE_LONGEST);
    assert_true(cit__arrivals_take(&a, &at));
    assert_int_equal(at, 0);
    assert_true(line_add(&a, n));
    assert_false(line_add(&a, n));
    cit__arrivals_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_take_arrivals_in_turn_and_lose_none),
        cmocka_unit_test(the_warm_up_comes_before_at_the_first_level),
        cmocka_unit_test(another_level_holds_from_its_time_on_and_has_no_end),
        cmocka_unit_test(random_arrivals_keep_the_rate_on_average_and_under_ramps),
        cmocka_unit_test(a_rate_of_nothing_has_no_arrivals),
        cmocka_unit_test(the_line_is_first_come_first_served_and_grows),
        cmocka_unit_test(a_line_without_memory_or_past_its_bound_takes_no_more_and_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
