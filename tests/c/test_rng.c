/* tests/c/test_rng.c - random numbers: the published sequence, seeds, and the shapes that are drawn. */
#include "load/rng.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

enum { DRAWS = 100000 };

/* The first numbers of the authors' xoshiro256starstar.c from the state 1, 2, 3, 4. */
static void the_sequence_is_the_published_one(void **state)
{
    static const uint64_t want[] = { 11520, 0, 1509978240, 1215971899390074240, 1216172134540287360 };
    struct cit_rng r = { { 1, 2, 3, 4 } };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_true(cit_rng_next(&r) == want[i]);
}

/* The first numbers of splitmix64.c from 1234567, as published. */
static void seeds_are_spread_by_the_published_splitmix(void **state)
{
    static const uint64_t want[] = { 6457827717110365317U, 3203168211198807973U, 9817491932198370423U };
    uint64_t x = 1234567;

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_true(split(&x) == want[i]);
}

static bool is_same(uint64_t seed_a, uint64_t stream_a, uint64_t seed_b, uint64_t stream_b)
{
    struct cit_rng a, b;
    int same = 0;

    cit_rng_seed(&a, seed_a, stream_a);
    cit_rng_seed(&b, seed_b, stream_b);
    for (int i = 0; i < 100; i++)
        same += cit_rng_next(&a) == cit_rng_next(&b);
    assert_true(same == 0 || same == 100);
    return same == 100;
}

static void a_seed_and_a_stream_give_one_sequence_each(void **state)
{
    (void)state;
    assert_true(is_same(0, 0, 0, 0));
    assert_true(is_same(42, 7, 42, 7));
    assert_false(is_same(42, 7, 42, 8));
    assert_false(is_same(42, 7, 43, 7));
    assert_false(is_same(1, 0, 0, 1));
    assert_false(is_same(0, 1, 0, 0));
}

/* Of n rare things each as likely the number met is within six deviations. */
static void assert_even(const uint32_t *met, uint32_t n)
{
    double mean = (double)DRAWS / n;

    for (uint32_t i = 0; i < n; i++)
        assert_true(fabs(met[i] - mean) < 6 * sqrt(mean));
}

static void numbers_below_a_bound_are_all_as_likely(void **state)
{
    uint32_t met[7] = { 0 }, quarters[4] = { 0 };
    struct cit_rng r;

    (void)state;
    cit_rng_seed(&r, 3, 0);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t big = cit_rng_below(&r, 3ULL << 62); /* a plain remainder would favour its first third */

        met[cit_rng_below(&r, 7)]++;
        assert_true(big < 3ULL << 62);
        quarters[big >> 62]++;
    }
    assert_even(met, 7);
    assert_even(quarters, 3);
    assert_int_equal(cit_rng_below(&r, 0), 0);
    assert_int_equal(cit_rng_below(&r, 1), 0);
}

struct moments {
    double mean, variance, least, most;
};

static struct moments moments_of(double (*draw)(struct cit_rng *r))
{
    struct moments m = { 0, 0, INFINITY, -INFINITY };
    struct cit_rng r;

    cit_rng_seed(&r, 4, 0);
    for (int i = 0; i < DRAWS; i++) {
        double x = draw(&r);

        assert_true(isfinite(x));
        m.mean += x / DRAWS;
        m.variance += x * x / DRAWS;
        m.least = x < m.least ? x : m.least;
        m.most = x > m.most ? x : m.most;
    }
    m.variance -= m.mean * m.mean;
    return m;
}

static void what_is_drawn_has_the_mean_and_deviation_it_should(void **state)
{
    struct moments unit = moments_of(cit_rng_unit), e = moments_of(cit_rng_exponential);
    struct moments normal = moments_of(cit_rng_normal);

    (void)state;
    assert_true(unit.least >= 0 && unit.most < 1 && fabs(unit.mean - 0.5) < 0.01);
    assert_true(fabs(unit.variance - 1.0 / 12) < 0.005);
    assert_true(e.least >= 0 && e.most > 8 && fabs(e.mean - 1) < 0.02 && fabs(e.variance - 1) < 0.1);
    assert_true(normal.least < -3 && normal.most > 3 && fabs(normal.mean) < 0.02);
    assert_true(fabs(normal.variance - 1) < 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_is_the_published_one),
        cmocka_unit_test(seeds_are_spread_by_the_published_splitmix),
        cmocka_unit_test(a_seed_and_a_stream_give_one_sequence_each),
        cmocka_unit_test(numbers_below_a_bound_are_all_as_likely),
        cmocka_unit_test(what_is_drawn_has_the_mean_and_deviation_it_should),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
