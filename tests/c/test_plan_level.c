/* tests/c/test_plan_level.c - levels of stages, and arrivals against the sum of the rates before them. */
#include "load/plan_level.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "load/rng.h"

#define S CIT_SEC_NS

enum { STAGES_MAX = 12 };

struct made {
    struct cit_stage stages[STAGES_MAX];
    struct cit_load_plan plan;
};

static void add(struct made *m, struct cit_stage s)
{
    m->stages[m->plan.nstages++] = s;
    m->plan.stages = m->stages;
    m->plan.length_ns += s.length_ns;
}

static void hold(struct made *m, double to, int64_t ns)
{
    add(m, (struct cit_stage){ .to = to, .length_ns = ns });
}

static void ramp(struct made *m, double to, int64_t ns)
{
    add(m, (struct cit_stage){ .to = to, .length_ns = ns, .is_ramp = true });
}

static void steps(struct made *m, double to, double step, int64_t every_ns)
{
    double from = m->plan.nstages > 0 ? m->stages[m->plan.nstages - 1].to : 0;
    int64_t n = (int64_t)ceil(fabs(to - from) / step - 1e-9);

    add(m, (struct cit_stage){ .to = to, .length_ns = n * every_ns, .step = step, .every_ns = every_ns });
}

static void assert_near(double got, double want)
{
    if (fabs(got - want) > 1e-9 * fmax(1, fabs(want)))
        print_message("%.17g is not %.17g\n", got, want);
    assert_true(fabs(got - want) <= 1e-9 * fmax(1, fabs(want)));
}

/* ---- levels ---- */

static void a_stage_holds_its_level_at_once(void **state)
{
    struct made m = { 0 };

    (void)state;
    hold(&m, 5, 10 * S);
    hold(&m, 2, 10 * S);
    assert_near(cit_plan_level(&m.plan, -1), 5);
    assert_near(cit_plan_level(&m.plan, 0), 5);
    assert_near(cit_plan_level(&m.plan, 10 * S - 1), 5);
    assert_near(cit_plan_level(&m.plan, 10 * S), 2);
    assert_near(cit_plan_level(&m.plan, 20 * S), 2);
    assert_near(cit_plan_level(&m.plan, 20 * S + 1), 0);
}

static void a_ramp_is_a_line_from_what_was_before(void **state)
{
    struct made m = { 0 };

    (void)state;
    ramp(&m, 10, 10 * S);
    ramp(&m, 4, 6 * S);
    assert_near(cit_plan_level(&m.plan, 0), 0);
    assert_near(cit_plan_level(&m.plan, 5 * S), 5);
    assert_near(cit_plan_level(&m.plan, 10 * S), 10);
    assert_near(cit_plan_level(&m.plan, 13 * S), 7);
    assert_near(cit_plan_level(&m.plan, 16 * S), 4);
}

static void steps_are_held_each_and_the_last_one_too(void **state)
{
    struct made m = { 0 };

    (void)state;
    hold(&m, 1, 30 * S);
    steps(&m, 10, 1, 30 * S); /* the therapy plan: from 1 to 10 users, one more each half minute */
    hold(&m, 10, 60 * S);
    assert_int_equal(m.plan.length_ns, 360 * S);
    for (int i = 0; i < 10; i++) {
        assert_near(cit_plan_level(&m.plan, i * 30 * S), i + 1);
        assert_near(cit_plan_level(&m.plan, (i + 1) * 30 * S - 1), i + 1);
    }
    assert_near(cit_plan_level(&m.plan, 360 * S), 10);
}

static void steps_go_down_too_and_the_last_may_be_shorter(void **state)
{
    struct made m = { 0 };

    (void)state;
    hold(&m, 10, S);
    steps(&m, 3, 3, S); /* 7 4 3 */
    steps(&m, 8, 2, S); /* 5 7 8 */
    assert_int_equal(m.plan.length_ns, 7 * S);
    assert_near(cit_plan_level(&m.plan, 1 * S), 7);
    assert_near(cit_plan_level(&m.plan, 2 * S), 4);
    assert_near(cit_plan_level(&m.plan, 3 * S), 3);
    assert_near(cit_plan_level(&m.plan, 4 * S), 5);
    assert_near(cit_plan_level(&m.plan, 5 * S), 7);
    assert_near(cit_plan_level(&m.plan, 6 * S), 8);
}

static void a_plan_may_end_before_its_stages(void **state)
{
    struct made m = { 0 };

    (void)state;
    ramp(&m, 10, 10 * S);
    m.plan.length_ns = 5 * S;
    assert_near(cit_plan_level(&m.plan, 5 * S), 5);
    assert_near(cit_plan_level(&m.plan, 5 * S + 1), 0);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 12), (int64_t)llround(sqrt(24.0) * 1e9));
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 13), INT64_MAX);
}

/* ---- arrivals ---- */

static void at_one_rate_the_nth_arrival_is_at_n_over_the_rate(void **state)
{
    static const double rates[] = { 0.1, 0.3, 1, 3, 7, 1000, 20000, 333333 };

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct made m = { 0 };
        uint64_t all;

        hold(&m, rates[i], 100 * S);
        all = (uint64_t)llround(rates[i] * 100);
        assert_int_equal(cit_plan_arrival_ns(&m.plan, 0), 0);
        for (uint64_t n = 0; n < all; n += 1 + all / 977)
            assert_int_equal(cit_plan_arrival_ns(&m.plan, n), llround((double)n * 1e9 / rates[i]));
        assert_true(cit_plan_arrival_ns(&m.plan, all - 1) < 100 * S);
        assert_int_equal(cit_plan_arrival_ns(&m.plan, all), INT64_MAX);
        assert_int_equal(cit_plan_arrival_ns(&m.plan, UINT64_MAX), INT64_MAX);
    }
}

static void a_pause_begins_nothing(void **state)
{
    struct made m = { 0 };

    (void)state;
    hold(&m, 0, 5 * S);
    hold(&m, 10, S);
    hold(&m, 0, 3 * S);
    hold(&m, 2, S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 0), 5 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 9), 5 * S + 900 * CIT_MS_NS);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 10), 9 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 11), 9 * S + 500 * CIT_MS_NS);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 12), INT64_MAX);
}

static void ramps_are_exact(void **state)
{
    struct made m = { 0 };

    (void)state;
    ramp(&m, 100, 10 * S);
    ramp(&m, 0, 10 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 0), 0);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 5), S); /* 5 t^2 */
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 125), 5 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 500), 10 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 875), 15 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 995), 19 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 1000), INT64_MAX);
}

static void stages_join_without_a_gap_or_a_double(void **state)
{
    struct made m = { 0 };
    int64_t before = -1;

    (void)state;
    hold(&m, 0.3, 10 * S);       /* 3 arrivals, and 0.3 * 10 is not 3 in binary */
    hold(&m, 0.7, 10 * S);       /* 7 */
    steps(&m, 1.1, 0.1, 10 * S); /* 8 9 10 11 */
    ramp(&m, 0.1, 10 * S);       /* 6 */
    hold(&m, 0.1, 20 * S);       /* 2 */
    for (uint64_t n = 0; n < 56; n++) {
        int64_t at = cit_plan_arrival_ns(&m.plan, n);

        assert_true(at > before);
        before = at;
    }
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 3), 10 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 10), 20 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 18), 30 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 27), 40 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 37), 50 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 48), 60 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 54), 70 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 56), INT64_MAX);
}

static void random_stages(struct made *m, struct cit_rng *rng)
{
    *m = (struct made){ 0 };
    for (uint64_t n = 1 + cit_rng_below(rng, STAGES_MAX); n > 0; n--) {
        double to = (double)cit_rng_below(rng, 50), from = m->plan.nstages > 0 ? m->stages[m->plan.nstages - 1].to : 0;
        int64_t ns = (int64_t)(1 + cit_rng_below(rng, 5)) * S;

        switch (cit_rng_below(rng, 3)) {
        case 0:
            hold(m, to, ns);
            break;
        case 1:
            ramp(m, to, ns);
            break;
        default:
            if (fabs(to - from) >= 1)
                steps(m, to, 1 + (double)cit_rng_below(rng, 9), ns);
        }
    }
}

/* In each hundredth of a second lie the arrivals whose numbers the sum of the rates goes through in it.  (Stages begin
 * at whole seconds, so that the level in the middle of such a piece gives its sum exactly.) */
static void whatever_the_stages_arrivals_follow_the_sum_of_the_rates(void **state)
{
    const int64_t piece = S / 100;
    struct cit_rng rng;

    (void)state;
    cit_rng_seed(&rng, 7, 0);
    for (int round = 0; round < 40; round++) {
        struct made m;
        double sum = 0;
        uint64_t n = 0;

        random_stages(&m, &rng);
        for (int64_t at = 0; at < m.plan.length_ns; at += piece) {
            sum += cit_plan_level(&m.plan, at + piece / 2) / 100;
            for (; (double)n < sum - 1e-6; n++) {
                int64_t due = cit_plan_arrival_ns(&m.plan, n);

                assert_true(due >= at - 1000 && due <= at + piece + 1000);
            }
        }
        assert_int_equal(cit_plan_arrival_ns(&m.plan, n), INT64_MAX);
    }
}

static void arrivals_of_any_stages_rise(void **state)
{
    struct cit_rng rng;

    (void)state;
    cit_rng_seed(&rng, 11, 0);
    for (int round = 0; round < 200; round++) {
        struct made m;
        int64_t at = -1, next;

        random_stages(&m, &rng);
        for (uint64_t n = 0; (next = cit_plan_arrival_ns(&m.plan, n)) != INT64_MAX; n++) {
            assert_true(next > at && next < m.plan.length_ns);
            assert_true(cit_plan_level(&m.plan, next) > 0 || n == 0 || cit_plan_level(&m.plan, next + 1000) > 0);
            at = next;
        }
    }
}

static void late_arrivals_of_long_plans_are_exact_to_the_nanosecond(void **state)
{
    struct made m = { 0 };

    (void)state;
    hold(&m, 20000, 3600 * S);
    hold(&m, 1000, 3600 * S);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 71999999), 3600 * S - 50000);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 72000001), 3600 * S + 1000000);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 75599999), 7200 * S - 1000000);
    assert_int_equal(cit_plan_arrival_ns(&m.plan, 75600000), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stage_holds_its_level_at_once),
        cmocka_unit_test(a_ramp_is_a_line_from_what_was_before),
        cmocka_unit_test(steps_are_held_each_and_the_last_one_too),
        cmocka_unit_test(steps_go_down_too_and_the_last_may_be_shorter),
        cmocka_unit_test(a_plan_may_end_before_its_stages),
        cmocka_unit_test(at_one_rate_the_nth_arrival_is_at_n_over_the_rate),
        cmocka_unit_test(a_pause_begins_nothing),
        cmocka_unit_test(ramps_are_exact),
        cmocka_unit_test(stages_join_without_a_gap_or_a_double),
        cmocka_unit_test(whatever_the_stages_arrivals_follow_the_sum_of_the_rates),
        cmocka_unit_test(arrivals_of_any_stages_rise),
        cmocka_unit_test(late_arrivals_of_long_plans_are_exact_to_the_nanosecond),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
