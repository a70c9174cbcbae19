/* The table of slow kinds of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../src/serve/lane.c"

#define MS 1000000LL
#define GET CIT_SLICE_LIT("GET")

static bool ended(struct cit_lanes *l, const char *path, int64_t wall_ns, int64_t cpu_ns)
{
    struct cit_lane_end end = { .wall_ns = wall_ns, .cpu_ns = cpu_ns, .alone = true, .contenders = 1 };

    return cit_lane_ended(l, cit_lane_kind(GET, cit_slice_str(path)), &end, MS);
}

static uint32_t kind(const char *path)
{
    return cit_lane_kind(GET, cit_slice_str(path));
}

static void numbers_in_a_path_do_not_make_another_kind(void **state)
{
    (void)state;
    assert_int_equal(kind("/item/1/"), kind("/item/98765/"));
    assert_int_not_equal(kind("/item/1/"), kind("/item/x/"));
    assert_int_not_equal(kind("/a"), kind("/b"));
    assert_int_not_equal(kind("/a"), cit_lane_kind(CIT_SLICE_LIT("POST"), CIT_SLICE_LIT("/a")));
}

static void an_unknown_kind_is_quick(void **state)
{
    static struct cit_lanes l;

    (void)state;
    assert_int_equal(cit_lane_of(&l, kind("/")), CIT_LANE_QUICK);
    assert_int_equal(l.slow, 0);
}

static void a_surprise_that_waited_goes_to_the_waiting_lane(void **state)
{
    static struct cit_lanes l;

    (void)state;
    cit_lane_surprise(&l, kind("/w"), 0.05);
    assert_int_equal(cit_lane_of(&l, kind("/w")), CIT_LANE_WAITING);
    assert_int_equal(l.slow, 1);
}

static void a_surprise_that_burned_goes_to_the_heavy_lane(void **state)
{
    static struct cit_lanes l;

    (void)state;
    cit_lane_surprise(&l, kind("/h"), 1.0);
    cit_lane_surprise(&l, kind("/h"), 1.0);
    assert_int_equal(cit_lane_of(&l, kind("/h")), CIT_LANE_HEAVY);
    assert_int_equal(cit_lane_width(&l, kind("/h"), 16), 1);
}

static void two_quick_ends_forgive_a_first_surprise(void **state)
{
    static struct cit_lanes l;

    (void)state;
    cit_lane_surprise(&l, kind("/q"), 0);
    assert_true(ended(&l, "/q", 1000, 0));
    assert_int_equal(cit_lane_of(&l, kind("/q")), CIT_LANE_WAITING);
    assert_true(ended(&l, "/q", 1000, 0));
    assert_int_equal(cit_lane_of(&l, kind("/q")), CIT_LANE_QUICK);
    assert_int_equal(l.slow, 0);
}

static void each_relapse_takes_four_times_longer_to_forgive(void **state)
{
    static struct cit_lanes l;
    int want[] = { 2, 8, 32, 128, 512, 2048, 4096, 4096 };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        int n = 0;

        cit_lane_surprise(&l, kind("/r"), 0);
        while (cit_lane_of(&l, kind("/r")) != CIT_LANE_QUICK) {
            ended(&l, "/r", 1000, 0);
            n++;
        }
        assert_int_equal(n, want[i]);
    }
}

static void a_slow_end_starts_the_way_back_again(void **state)
{
    static struct cit_lanes l;

    (void)state;
    cit_lane_surprise(&l, kind("/s"), 0);
    ended(&l, "/s", 1000, 0);
    assert_false(ended(&l, "/s", 20 * MS, 0));
    for (int i = 0; i < 7; i++)
        ended(&l, "/s", 1000, 0);
    assert_int_equal(cit_lane_of(&l, kind("/s")), CIT_LANE_WAITING);
}

static void a_long_time_beside_others_is_a_step_back_too(void **state)
{
    static struct cit_lanes l;
    struct cit_lane_end beside = { .wall_ns = 20 * MS, .cpu_ns = 50000 };

    (void)state;
    cit_lane_surprise(&l, kind("/lock"), 0);
    assert_false(cit_lane_ended(&l, kind("/lock"), &beside, MS));
    assert_false(cit_lane_ended(&l, kind("/lock"), &beside, MS));
    assert_int_equal(cit_lane_of(&l, kind("/lock")), CIT_LANE_QUICK);
}

static void time_on_the_cpu_is_never_a_step_back(void **state)
{
    static struct cit_lanes l;
    struct cit_lane_end beside = { .wall_ns = 20 * MS, .cpu_ns = 10 * MS };

    (void)state;
    cit_lane_surprise(&l, kind("/burn"), 1);
    for (int i = 0; i < 100; i++)
        assert_false(cit_lane_ended(&l, kind("/burn"), &beside, MS));
    assert_int_not_equal(cit_lane_of(&l, kind("/burn")), CIT_LANE_QUICK);
}

static void a_wait_for_the_lock_does_not_keep_a_kind_heavy(void **state)
{
    static struct cit_lanes l;
    struct cit_lane_end waited = { .wall_ns = 8 * MS, .cpu_ns = MS / 10, .alone = true, .contenders = 1 };

    (void)state;
    cit_lane_surprise(&l, kind("/gc"), 1);
    assert_int_equal(cit_lane_of(&l, kind("/gc")), CIT_LANE_HEAVY);
    assert_true(cit_lane_ended(&l, kind("/gc"), &waited, MS));
    assert_true(cit_lane_ended(&l, kind("/gc"), &waited, MS));
    assert_int_equal(cit_lane_of(&l, kind("/gc")), CIT_LANE_QUICK);
}

static void the_width_of_the_heavy_lane_follows_the_share_of_cpu(void **state)
{
    static struct cit_lanes l;

    (void)state;
    for (int i = 0; i < 20; i++)
        cit_lane_surprise(&l, kind("/half"), 0.5);
    assert_int_equal(cit_lane_width(&l, kind("/half"), 16), 2);
    for (int i = 0; i < 20; i++)
        cit_lane_surprise(&l, kind("/most"), 0.6);
    assert_int_equal(cit_lane_width(&l, kind("/most"), 16), 1);
    assert_int_equal(cit_lane_width(&l, kind("/half"), 1), 1);
    assert_int_equal(cit_lane_width(&l, kind("/unknown"), 16), 16);
}

/* One of n that each burn cpu_ns and beside that wait wait_ns, for one lock around the CPU. */
static struct cit_lane_end one_of(uint32_t n, int64_t cpu_ns, int64_t wait_ns)
{
    int64_t alone_ns = cpu_ns + wait_ns, together_ns = cpu_ns * n;

    return (struct cit_lane_end){
        .cpu_ns = cpu_ns, .wall_ns = together_ns > alone_ns ? together_ns : alone_ns, .alone = n == 1, .contenders = n
    };
}

static void burners_taken_for_waiting_ones_are_found_out_in_a_crowd(void **state)
{
    static struct cit_lanes l;
    struct cit_lane_end end = one_of(16, 3 * MS, 0);

    (void)state;
    cit_lane_surprise(&l, kind("/page"), 0.1);
    assert_int_equal(cit_lane_of(&l, kind("/page")), CIT_LANE_WAITING);
    cit_lane_ended(&l, kind("/page"), &end, MS);
    assert_int_equal(cit_lane_of(&l, kind("/page")), CIT_LANE_HEAVY);
}

/* As the worker does: as many at once as the width allows. */
static int width_after(struct cit_lanes *l, const char *path, int64_t cpu_ns, int64_t wait_ns)
{
    int width = 16;

    for (int i = 0; i < 200; i++) {
        struct cit_lane_end end = one_of((uint32_t)width, cpu_ns, wait_ns);

        cit_lane_ended(l, kind(path), &end, MS);
        width = cit_lane_width(l, kind(path), 16);
    }
    return width;
}

static void a_crowd_narrows_until_the_cpu_has_time_to_spare(void **state)
{
    static struct cit_lanes l;
    int width;

    (void)state;
    cit_lane_surprise(&l, kind("/burns"), 0.1);
    assert_int_equal(width_after(&l, "/burns", 3 * MS, 0), 1);
    cit_lane_surprise(&l, kind("/fifth"), 0.9);
    width = width_after(&l, "/fifth", 3 * MS, 12 * MS);
    assert_in_range(width, 3, 5);
    cit_lane_surprise(&l, kind("/tenth"), 0.9);
    width = width_after(&l, "/tenth", 3 * MS, 27 * MS);
    assert_in_range(width, 6, 10);
}

static void a_new_kind_in_the_same_slot_takes_it_over(void **state)
{
    static struct cit_lanes l;

    (void)state;
    cit_lane_surprise(&l, 5, 0);
    cit_lane_surprise(&l, 5 + CIT_LANES_SLOTS, 0);
    assert_int_equal(cit_lane_of(&l, 5), CIT_LANE_QUICK);
    assert_int_equal(cit_lane_of(&l, 5 + CIT_LANES_SLOTS), CIT_LANE_WAITING);
    assert_int_equal(l.slow, 1);
}

static void each_lane_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(cit_lane_name(CIT_LANE_QUICK), "quick");
    assert_string_equal(cit_lane_name(CIT_LANE_HEAVY), "heavy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in_a_path_do_not_make_another_kind),
        cmocka_unit_test(an_unknown_kind_is_quick),
        cmocka_unit_test(a_surprise_that_waited_goes_to_the_waiting_lane),
        cmocka_unit_test(a_surprise_that_burned_goes_to_the_heavy_lane),
        cmocka_unit_test(two_quick_ends_forgive_a_first_surprise),
        cmocka_unit_test(each_relapse_takes_four_times_longer_to_forgive),
        cmocka_unit_test(a_slow_end_starts_the_way_back_again),
        cmocka_unit_test(a_long_time_beside_others_is_a_step_back_too),
        cmocka_unit_test(time_on_the_cpu_is_never_a_step_back),
        cmocka_unit_test(a_wait_for_the_lock_does_not_keep_a_kind_heavy),
        cmocka_unit_test(the_width_of_the_heavy_lane_follows_the_share_of_cpu),
        cmocka_unit_test(burners_taken_for_waiting_ones_are_found_out_in_a_crowd),
        cmocka_unit_test(a_crowd_narrows_until_the_cpu_has_time_to_spare),
        cmocka_unit_test(a_new_kind_in_the_same_slot_takes_it_over),
        cmocka_unit_test(each_lane_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
