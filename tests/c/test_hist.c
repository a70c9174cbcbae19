/* tests/c/test_hist.c - histograms held against the sorted times themselves; merges; failed allocations. */
#include "load/hist.c" /* NOLINT: the statics are tested */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "load/rng.h"

#define HOUR_NS 3600000000000LL

enum { TIMES = 20000, SHAPES = 6 };

static int64_t times[TIMES];

/* Times of one shape: from the shortest to the longest there are. */
static int64_t a_time(int shape, struct cit_rng *rng)
{
    switch (shape) {
    case 0:
        return (int64_t)cit_rng_below(rng, HOUR_NS);
    case 1: /* each power of ten is as likely */
        return (int64_t)(1000 * pow(10, 9.5 * cit_rng_unit(rng)));
    case 2:
        return (int64_t)(2e6 * cit_rng_exponential(rng));
    case 3: /* two lumps, far apart */
        return cit_rng_below(rng, 100) == 0 ? 30000000000 : 50000;
    case 4: /* around the end of the cells of 1 us */
        return 2040000 + (int64_t)cit_rng_below(rng, 20000);
    default:
        return cit_rng_below(rng, 2) == 0 ? HOUR_NS : (int64_t)cit_rng_below(rng, 3);
    }
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The least of n sorted times that `share` of them do not pass. */
static double sorted_ms_at(size_t n, double share)
{
    size_t rank = (size_t)ceil(share * (double)n - 1e-6);

    return (double)times[rank > 0 ? rank - 1 : 0] / 1e6;
}

static void assert_near(double ms, double exact_ms)
{
    double off = fabs(ms - exact_ms);

    if (off >= 0.001 * exact_ms && off > 0.0005001) /* half of the least cell */
        fail_msg("%.6f ms is not %.6f ms", ms, exact_ms);
}

static void percentiles_are_those_of_the_sorted_times(void **state)
{
    static const double shares[] = { 0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1 };
    static const size_t counts[] = { 1, 2, 3, 10, 99, 100, 1000, TIMES };
    struct cit_hist h = { 0 };
    struct cit_rng rng;

    (void)state;
    cit_rng_seed(&rng, 1, 0);
    for (int shape = 0; shape < SHAPES; shape++) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            double sum = 0;

            for (size_t i = 0; i < counts[c]; i++) {
                times[i] = a_time(shape, &rng);
                sum += (double)times[i];
                cit_hist_add(&h, times[i]);
            }
            qsort(times, counts[c], sizeof *times, by_size);
            for (size_t s = 0; s < sizeof shares / sizeof *shares; s++)
                assert_near(cit_hist_ms_at(&h, shares[s]), sorted_ms_at(counts[c], shares[s]));
            assert_true(cit_hist_ms_at(&h, 1) == (double)times[counts[c] - 1] / 1e6);
            assert_true(fabs(cit_hist_mean_ms(&h) - sum / (double)counts[c] / 1e6) <= 1e-9 * sum);
            assert_int_equal(h.count, counts[c]);
            assert_int_equal(h.least_ns, times[0]);
            assert_int_equal(h.most_ns, times[counts[c] - 1]);
            cit_hist_clear(&h);
        }
    }
    cit_hist_fini(&h);
}

static void an_empty_one_is_all_zero(void **state)
{
    struct cit_hist h = { 0 }, other = { 0 };
    uint64_t from, to;
    uint32_t at = 0;

    (void)state;
    assert_true(cit_hist_ms_at(&h, 0.5) == 0 && cit_hist_ms_at(&h, 1) == 0 && cit_hist_mean_ms(&h) == 0);
    assert_int_equal(cit_hist_next(&h, &at, &from, &to), 0);
    assert_int_equal(cit_hist_next(&h, &at, &from, &to), 0);
    cit_hist_merge(&h, &other);
    cit_hist_clear(&h);
    assert_int_equal(h.count, 0);
    cit_hist_fini(&h);
}

static void the_cells_lie_side_by_side_and_are_narrow(void **state)
{
    struct cit_hist h = { 0 };
    uint64_t from, to, before = 0;
    uint32_t at = 0;

    (void)state;
    for (uint32_t row = 0; row < CIT_HIST_ROWS; row++) {
        assert_non_null(row_of(&h, row));
        for (int i = 0; i < CIT_HIST_CELLS; i++)
            h.rows[row][i] = row * CIT_HIST_CELLS + (uint32_t)i + 1;
    }
    for (uint32_t cell = 0; cell < ALL_CELLS; cell++) {
        assert_int_equal(cit_hist_next(&h, &at, &from, &to), cell + 1);
        assert_int_equal(from, before);
        assert_true(to > from && (to - from == 1 || (to - from) * 1000 < from));
        assert_int_equal(cell_of((uint32_t)from), cell);
        assert_int_equal(cell_of((uint32_t)(to - 1)), cell);
        before = to;
    }
    assert_int_equal(before, 1ULL << 32);
    assert_int_equal(cit_hist_next(&h, &at, &from, &to), 0);
    cit_hist_fini(&h);
}

static void times_below_and_past_the_range_count_as_its_ends(void **state)
{
    struct cit_hist h = { 0 };
    uint64_t from, to;
    uint32_t at = 0;

    (void)state;
    cit_hist_add(&h, -5);
    cit_hist_add(&h, INT64_MIN);
    cit_hist_add(&h, INT64_MAX);
    cit_hist_add(&h, 5 * HOUR_NS);
    assert_int_equal(h.count, 4);
    assert_int_equal(h.least_ns, 0);
    assert_int_equal(h.most_ns, INT64_MAX);
    assert_true(h.sum_ns == (uint64_t)INT64_MAX + 5 * HOUR_NS);
    assert_int_equal(cit_hist_next(&h, &at, &from, &to), 2);
    assert_int_equal(from, 0);
    assert_int_equal(cit_hist_next(&h, &at, &from, &to), 2);
    assert_true(from <= CIT_HIST_MOST_US && CIT_HIST_MOST_US < to);
    assert_true(cit_hist_ms_at(&h, 1) == (double)INT64_MAX / 1e6);
    cit_hist_add(&h, INT64_MAX);
    cit_hist_add(&h, INT64_MAX);
    assert_true(h.sum_ns == UINT64_MAX);
    cit_hist_merge(&h, &h);
    assert_true(h.sum_ns == UINT64_MAX);
    assert_int_equal(h.count, 12);
    cit_hist_fini(&h);
}

static void assert_same(const struct cit_hist *a, const struct cit_hist *b)
{
    static const uint64_t none[CIT_HIST_CELLS];

    assert_int_equal(a->count, b->count);
    assert_int_equal(a->sum_ns, b->sum_ns);
    assert_int_equal(a->least_ns, b->least_ns);
    assert_int_equal(a->most_ns, b->most_ns);
    for (int i = 0; i < CIT_HIST_ROWS; i++)
        assert_memory_equal(a->rows[i] != NULL ? a->rows[i] : none, b->rows[i] != NULL ? b->rows[i] : none,
                            sizeof none);
}

static void a_merge_is_as_if_one_had_counted_everything(void **state)
{
    enum { PARTS = 4 };
    struct cit_hist whole = { 0 }, part[PARTS] = { { 0 } }, sum = { 0 }, back = { 0 };
    struct cit_rng rng;

    (void)state;
    cit_rng_seed(&rng, 2, 0);
    for (int i = 0; i < TIMES; i++) {
        int64_t t = a_time((int)cit_rng_below(&rng, SHAPES), &rng);

        cit_hist_add(&whole, t);
        cit_hist_add(&part[cit_rng_below(&rng, PARTS)], t);
    }
    for (int i = 0; i < PARTS; i++) {
        cit_hist_merge(&sum, &part[i]);
        cit_hist_merge(&back, &part[PARTS - 1 - i]);
    }
    assert_same(&sum, &whole);
    assert_same(&back, &whole);
    for (int i = 0; i < PARTS; i++)
        cit_hist_fini(&part[i]);
    cit_hist_fini(&sum);
    cit_hist_fini(&back);
    cit_hist_fini(&whole);
}

static void clearing_keeps_the_memory_and_nothing_else(void **state)
{
    struct cit_hist h = { 0 };

    (void)state;
    cit_hist_add(&h, 5000);
    cit_hist_add(&h, 5000000);
    cit_hist_clear(&h);
    cit_mem_fail_at(1);
    cit_hist_add(&h, 7000);
    cit_mem_fail_at(0);
    assert_int_equal(h.lost, 0);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.sum_ns, 7000);
    assert_true(cit_hist_ms_at(&h, 0.5) == 0.007);
    cit_hist_fini(&h);
}

static void without_memory_times_are_lost_and_counted(void **state)
{
    struct cit_hist h = { 0 }, sum = { 0 };

    (void)state;
    cit_mem_fail_at(1);
    cit_hist_add(&h, 3000);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.lost, 1);
    assert_true(cit_hist_ms_at(&h, 0.5) == 0.003);
    assert_true(cit_hist_mean_ms(&h) == 0.003);
    for (int i = 1; i <= 3; i++)
        cit_hist_add(&h, i * 100000);
    assert_int_equal(h.lost, 1);
    assert_true(cit_hist_ms_at(&h, 0.5) == 0.2005);
    cit_mem_fail_at(1);
    cit_hist_merge(&sum, &h);
    cit_mem_fail_at(0);
    assert_int_equal(sum.count, 4);
    assert_int_equal(sum.lost, 4);
    assert_true(sum.sum_ns == h.sum_ns);
    cit_hist_merge(&sum, &h);
    assert_int_equal(sum.count, 8);
    assert_int_equal(sum.lost, 5);
    cit_hist_fini(&h);
    cit_hist_fini(&sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_those_of_the_sorted_times),
        cmocka_unit_test(an_empty_one_is_all_zero),
        cmocka_unit_test(the_cells_lie_side_by_side_and_are_narrow),
        cmocka_unit_test(times_below_and_past_the_range_count_as_its_ends),
        cmocka_unit_test(a_merge_is_as_if_one_had_counted_everything),
        cmocka_unit_test(clearing_keeps_the_memory_and_nothing_else),
        cmocka_unit_test(without_memory_times_are_lost_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
