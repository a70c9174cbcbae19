/* Tests of net/timer.c: single deadlines, the ends of levels, and 100,000 timers beside a naive model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/timer.c"

enum { MANY = 100000, STEPS = 3000 };

static struct cit_wheel wheel;

static void an_empty_wheel_has_nothing_to_wait_for(void **state)
{
    (void)state;
    cit_wheel_init(&wheel, 1000);
    assert_int_equal(cit_wheel_next_ms(&wheel, 1000), -1);
    assert_null(cit_wheel_expire(&wheel, INT64_C(1) << 50));
    assert_int_equal(wheel.now_ms, INT64_C(1) << 50);
}

static void a_timer_fires_at_its_millisecond_and_not_before(void **state)
{
    struct cit_timer t = { 0 };

    (void)state;
    cit_wheel_init(&wheel, 0);
    cit_wheel_add(&wheel, &t, 7);
    assert_true(cit_timer_is_set(&t));
    assert_int_equal(cit_wheel_next_ms(&wheel, 0), 7);
    assert_int_equal(cit_wheel_next_ms(&wheel, 5), 2);
    assert_null(cit_wheel_expire(&wheel, 6));
    assert_ptr_equal(cit_wheel_expire(&wheel, 7), &t);
    assert_false(cit_timer_is_set(&t));
    assert_null(cit_wheel_expire(&wheel, 7));
    assert_int_equal(wheel.count, 0);
}

static void a_time_that_is_over_fires_at_the_next_advance(void **state)
{
    struct cit_timer t = { 0 };

    (void)state;
    cit_wheel_init(&wheel, 500);
    cit_wheel_add(&wheel, &t, 500);
    assert_int_equal(cit_wheel_next_ms(&wheel, 500), 0);
    assert_ptr_equal(cit_wheel_expire(&wheel, 500), &t);
    cit_wheel_add(&wheel, &t, -3);
    assert_ptr_equal(cit_wheel_expire(&wheel, 400), &t); /* also when the clock seems to go back */
    assert_int_equal(wheel.now_ms, 500);
}

static void a_cancelled_timer_never_fires(void **state)
{
    struct cit_timer t = { 0 }, idle = { 0 };

    (void)state;
    cit_wheel_init(&wheel, 0);
    cit_wheel_cancel(&wheel, &idle);
    cit_wheel_add(&wheel, &t, 70000);
    cit_wheel_cancel(&wheel, &t);
    assert_false(cit_timer_is_set(&t));
    assert_int_equal(cit_wheel_next_ms(&wheel, 0), -1);
    assert_null(cit_wheel_expire(&wheel, 100000));
    cit_wheel_add(&wheel, &t, 100000); /* due, and not taken yet */
    cit_wheel_cancel(&wheel, &t);
    assert_null(cit_wheel_expire(&wheel, 100001));
}

static void adding_again_moves(void **state)
{
    struct cit_timer t = { 0 };

    (void)state;
    cit_wheel_init(&wheel, 0);
    cit_wheel_add(&wheel, &t, 10);
    cit_wheel_add(&wheel, &t, 3000);
    assert_int_equal(wheel.count, 1);
    assert_null(cit_wheel_expire(&wheel, 2999));
    cit_wheel_add(&wheel, &t, 3001);
    assert_null(cit_wheel_expire(&wheel, 3000));
    assert_ptr_equal(cit_wheel_expire(&wheel, 3001), &t);
}

/* Both sides of every level's span, from starts where now is at the end of a slot. */
static void no_timer_is_early_or_late_at_the_ends_of_levels(void **state)
{
    static const int64_t starts[] = { 0, 1, 255, 256, 65535, 16777215, 0xfffffffe, 0xffffffff, INT64_C(1) << 40 };
    static const int64_t spans[] = { 255, 256, 257, 65535, 65536, 65791, 16777216, 0xffffffff, INT64_C(3) << 32 };
    struct cit_timer t = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        for (size_t j = 0; j < sizeof spans / sizeof *spans; j++) {
            int64_t at = starts[i] + spans[j];
            int64_t next;

            cit_wheel_init(&wheel, starts[i]);
            cit_wheel_add(&wheel, &t, at);
            next = cit_wheel_next_ms(&wheel, starts[i]);
            assert_in_range(next, 1, spans[j]);
            assert_null(cit_wheel_expire(&wheel, at - 1));
            assert_int_equal(cit_wheel_next_ms(&wheel, at - 1), 1);
            assert_ptr_equal(cit_wheel_expire(&wheel, at), &t);
        }
    }
}

static void many_on_one_millisecond_all_fire(void **state)
{
    static struct cit_timer t[1000];

    (void)state;
    cit_wheel_init(&wheel, 12345);
    for (int i = 0; i < 1000; i++)
        cit_wheel_add(&wheel, &t[i], 99999);
    assert_null(cit_wheel_expire(&wheel, 99998));
    for (int i = 0; i < 1000; i++)
        assert_non_null(cit_wheel_expire(&wheel, 99999));
    assert_null(cit_wheel_expire(&wheel, 99999));
}

/* ---- beside a naive model ---- */

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13; /* xorshift64 */
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static int64_t draw_delay(void)
{
    static const uint64_t spans[] = { 4, 300, 20000, 70000, 20000000, UINT64_C(0x180000000) };

    return (int64_t)draw(spans[draw(6)]);
}

static void shake(struct cit_timer *t, int64_t *model, int64_t now)
{
    for (int i = 0; i < 200; i++) {
        size_t k = draw(MANY);

        if (draw(4) == 0) {
            cit_wheel_cancel(&wheel, &t[k]);
            model[k] = -1;
        } else {
            model[k] = now + draw_delay();
            cit_wheel_add(&wheel, &t[k], model[k]);
        }
    }
}

/* Every timer fires in the first advance at or after its time, once; next_ms is never late. */
static void a_hundred_thousand_random_timers_agree_with_the_model(void **state)
{
    struct cit_timer *t = cit_calloc(MANY, sizeof *t);
    int64_t *model = cit_calloc(MANY, sizeof *model);
    int64_t now = 1700000000;
    uint32_t set = 0;

    (void)state;
    assert_non_null(t);
    assert_non_null(model);
    seed = UINT64_C(0x9e3779b97f4a7c15);
    cit_wheel_init(&wheel, now);
    for (size_t k = 0; k < MANY; k++) {
        model[k] = now + draw_delay();
        cit_wheel_add(&wheel, &t[k], model[k]);
    }
    for (int step = 0; step < STEPS; step++) {
        int64_t wait = cit_wheel_next_ms(&wheel, now), before = now;
        struct cit_timer *fired;

        now += step % 3 == 0 && wait > 0 ? wait : draw_delay() >> draw(20);
        while ((fired = cit_wheel_expire(&wheel, now)) != NULL) {
            size_t k = (size_t)(fired - t);

            assert_in_range(model[k], 0, now);
            assert_true(wait == 0 || (wait > 0 && model[k] >= before + wait));
            model[k] = -1;
        }
        if (step % 100 == 0)
            for (size_t k = 0; k < MANY; k++)
                assert_true(model[k] == -1 || model[k] > now);
        shake(t, model, now);
    }
    for (size_t k = 0; k < MANY; k++)
        set += model[k] != -1;
    assert_int_equal(wheel.count, set);
    cit_free(t);
    cit_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_wheel_has_nothing_to_wait_for),
        cmocka_unit_test(a_timer_fires_at_its_millisecond_and_not_before),
        cmocka_unit_test(a_time_that_is_over_fires_at_the_next_advance),
        cmocka_unit_test(a_cancelled_timer_never_fires),
        cmocka_unit_test(adding_again_moves),
        cmocka_unit_test(no_timer_is_early_or_late_at_the_ends_of_levels),
        cmocka_unit_test(many_on_one_millisecond_all_fire),
        cmocka_unit_test(a_hundred_thousand_random_timers_agree_with_the_model),
    };

    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
