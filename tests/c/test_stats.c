/* tests/c/test_stats.c - counting requests, merging tallies, examples, failed allocations. */
#include "load/stats.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "load/rng.h"

static void every_kind_of_error_has_a_name_and_a_text_of_its_own(void **state)
{
    (void)state;
    for (int f = 0; f < CIT_FAULT_KINDS; f++) {
        assert_true(strlen(cit_fault_name((enum cit_fault)f)) > 0 && strlen(cit_fault_text((enum cit_fault)f)) > 0);
        for (int g = 0; g < f; g++)
            assert_string_not_equal(cit_fault_name((enum cit_fault)f), cit_fault_name((enum cit_fault)g));
    }
    assert_true(cit_fault_is_answered(CIT_FAULT_NONE) && cit_fault_is_answered(CIT_FAULT_STATUS));
    assert_false(cit_fault_is_answered(CIT_FAULT_TIMEOUT) || cit_fault_is_answered(CIT_FAULT_CONNECT));
}

/* Intended at 1 s, sent 2 ms later, answered after 5 ms more. */
static struct cit_sample sample(uint32_t row, enum cit_fault fault, int status)
{
    return (struct cit_sample){ row, fault, status, 1000000000, 1002000000, 1007000000, 500, 100 };
}

static void add(struct cit_tally *t, uint32_t row, enum cit_fault fault, int status)
{
    struct cit_sample s = sample(row, fault, status);

    cit_tally_add(t, &s);
}

static void an_answer_is_counted_by_status_and_both_times(void **state)
{
    struct cit_tally t = { 0 };

    (void)state;
    assert_int_equal(cit_tally_init(&t, 2), CIT_OK);
    add(&t, 1, CIT_FAULT_NONE, 200);
    add(&t, 1, CIT_FAULT_STATUS, 500);
    assert_int_equal(t.row[0].requests, 0);
    assert_null(t.row[0].codes);
    assert_int_equal(t.row[1].requests, 2);
    assert_int_equal(t.row[1].errors, 1);
    assert_int_equal(t.row[1].faults[CIT_FAULT_STATUS], 1);
    assert_int_equal(t.row[1].faults[CIT_FAULT_NONE], 0);
    assert_int_equal(t.row[1].bytes_in, 1000);
    assert_int_equal(t.row[1].bytes_out, 200);
    assert_int_equal(t.row[1].codes[100], 1);
    assert_int_equal(t.row[1].codes[400], 1);
    assert_int_equal(t.row[1].latency.count, 2);
    assert_true(cit_hist_ms_at(&t.row[1].latency, 1) == 7);
    assert_true(cit_hist_ms_at(&t.row[1].service, 1) == 5);
    cit_tally_fini(&t);
    assert_null(t.row);
    cit_tally_fini(&t);
}

static void a_request_without_an_answer_is_in_no_histogram(void **state)
{
    struct cit_tally t = { 0 };

    (void)state;
    assert_int_equal(cit_tally_init(&t, 1), CIT_OK);
    for (int f = 0; f < CIT_FAULT_KINDS; f++)
        if (!cit_fault_is_answered((enum cit_fault)f))
            add(&t, 0, (enum cit_fault)f, 0);
    assert_int_equal(t.row[0].requests, t.row[0].errors);
    assert_true(t.row[0].requests > 5);
    assert_int_equal(t.row[0].latency.count, 0);
    assert_int_equal(t.row[0].service.count, 0);
    assert_null(t.row[0].codes);
    cit_tally_fini(&t);
}

static void statuses_outside_of_http_are_not_counted_by_status(void **state)
{
    static const int statuses[] = { 0, 99, 100, 999, 1000, -5, INT32_MAX, INT32_MIN + CIT_STATUS_LEAST };
    struct cit_tally t = { 0 };
    uint64_t counted = 0;

    (void)state;
    assert_int_equal(cit_tally_init(&t, 1), CIT_OK);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        add(&t, 0, CIT_FAULT_NONE, statuses[i]);
    for (int i = 0; i < CIT_STATUS_COUNT; i++)
        counted += t.row[0].codes[i];
    assert_int_equal(counted, 2);
    assert_true(t.row[0].codes[0] == 1 && t.row[0].codes[CIT_STATUS_COUNT - 1] == 1);
    assert_int_equal(t.row[0].requests, sizeof statuses / sizeof *statuses);
    cit_tally_fini(&t);
}

static void the_first_example_of_a_kind_stays_and_is_cut(void **state)
{
    struct cit_tally t = { 0 };
    char text[2 * CIT_EXAMPLE_MAX];

    (void)state;
    assert_int_equal(cit_tally_init(&t, 2), CIT_OK);
    assert_true(cit_tally_wants_example(&t, 0, CIT_FAULT_STATUS));
    cit_tally_example(&t, 0, CIT_FAULT_STATUS, "first");
    assert_false(cit_tally_wants_example(&t, 0, CIT_FAULT_STATUS));
    assert_true(cit_tally_wants_example(&t, 0, CIT_FAULT_TIMEOUT));
    assert_true(cit_tally_wants_example(&t, 1, CIT_FAULT_STATUS));
    cit_tally_example(&t, 0, CIT_FAULT_STATUS, "second");
    assert_string_equal(t.row[0].examples[CIT_FAULT_STATUS].text, "first");
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    cit_tally_example(&t, 0, CIT_FAULT_TIMEOUT, text);
    assert_int_equal(strlen(t.row[0].examples[CIT_FAULT_TIMEOUT].text), CIT_EXAMPLE_MAX - 1);
    cit_tally_clear(&t);
    assert_true(cit_tally_wants_example(&t, 0, CIT_FAULT_STATUS));
    cit_tally_fini(&t);
}

/* Requests of every kind in three rows, as a seed says, spread over n tallies and counted in `whole` too. */
static void fill(struct cit_tally *part, uint32_t n, struct cit_tally *whole)
{
    struct cit_rng rng;

    cit_rng_seed(&rng, 6, 0);
    for (int i = 0; i < 5000; i++) {
        struct cit_sample s =
            sample((uint32_t)cit_rng_below(&rng, 3), (enum cit_fault)cit_rng_below(&rng, CIT_FAULT_KINDS),
                   100 + (int)cit_rng_below(&rng, CIT_STATUS_COUNT));

        s.end_ns += (int64_t)cit_rng_below(&rng, 1 << 30);
        cit_tally_add(&part[cit_rng_below(&rng, n)], &s);
        cit_tally_add(whole, &s);
    }
}

static void assert_same_hist(const struct cit_hist *a, const struct cit_hist *b)
{
    uint64_t from_a, to_a, from_b, to_b, n;
    uint32_t at_a = 0, at_b = 0;

    assert_int_equal(a->count, b->count);
    assert_int_equal(a->sum_ns, b->sum_ns);
    assert_int_equal(a->most_ns, b->most_ns);
    while ((n = cit_hist_next(a, &at_a, &from_a, &to_a)) > 0) {
        assert_int_equal(n, cit_hist_next(b, &at_b, &from_b, &to_b));
        assert_int_equal(from_a, from_b);
    }
    assert_int_equal(cit_hist_next(b, &at_b, &from_b, &to_b), 0);
}

static void assert_same_row(const struct cit_row *a, const struct cit_row *b)
{
    assert_int_equal(a->requests, b->requests);
    assert_int_equal(a->errors, b->errors);
    assert_int_equal(a->bytes_in, b->bytes_in);
    assert_int_equal(a->bytes_out, b->bytes_out);
    assert_memory_equal(a->faults, b->faults, sizeof a->faults);
    assert_memory_equal(a->codes, b->codes, CIT_STATUS_COUNT * sizeof *a->codes);
    assert_same_hist(&a->latency, &b->latency);
    assert_same_hist(&a->service, &b->service);
}

static void merged_tallies_are_as_if_one_had_counted_everything(void **state)
{
    struct cit_tally part[3] = { 0 }, whole = { 0 }, sum = { 0 };
    struct cit_row all = { 0 }, all_of_whole = { 0 };

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(cit_tally_init(&part[i], 3), CIT_OK);
    assert_int_equal(cit_tally_init(&whole, 3), CIT_OK);
    assert_int_equal(cit_tally_init(&sum, 3), CIT_OK);
    fill(part, 3, &whole);
    cit_tally_example(&part[1], 2, CIT_FAULT_SIZE, "of the second");
    cit_tally_example(&part[2], 2, CIT_FAULT_SIZE, "of the third");
    for (int i = 0; i < 3; i++) {
        part[i].connects = part[i].rounds = part[i].late = 10U + (unsigned)i;
        part[i].unfinished = part[i].not_begun = part[i].users = part[i].waiting = 1;
        cit_tally_merge(&sum, &part[i]);
        cit_tally_fini(&part[i]);
    }
    for (int i = 0; i < 3; i++)
        assert_same_row(&sum.row[i], &whole.row[i]);
    assert_string_equal(sum.row[2].examples[CIT_FAULT_SIZE].text, "of the second");
    assert_true(sum.connects == 33 && sum.rounds == 33 && sum.late == 33);
    assert_true(sum.unfinished == 3 && sum.not_begun == 3 && sum.users == 3 && sum.waiting == 3);
    cit_tally_all(&sum, &all);
    cit_tally_all(&whole, &all_of_whole);
    assert_same_row(&all, &all_of_whole);
    assert_int_equal(all.requests, 5000);
    cit_row_fini(&all);
    cit_row_fini(&all_of_whole);
    cit_tally_fini(&sum);
    cit_tally_fini(&whole);
}

static void clearing_leaves_an_empty_tally_with_its_memory(void **state)
{
    struct cit_tally t = { 0 }, spare = { 0 };

    (void)state;
    assert_int_equal(cit_tally_init(&t, 3), CIT_OK);
    assert_int_equal(cit_tally_init(&spare, 3), CIT_OK);
    fill(&spare, 1, &t);
    t.connects = t.users = 5;
    cit_tally_clear(&t);
    assert_int_equal(t.nrows, 3);
    assert_int_equal(t.connects + t.users, 0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(t.row[i].requests + t.row[i].errors + t.row[i].bytes_in, 0);
        assert_int_equal(t.row[i].latency.count, 0);
        for (int c = 0; c < CIT_STATUS_COUNT; c++)
            assert_int_equal(t.row[i].codes[c], 0);
    }
    (void)cit_mem_fail_at(0);
    fill(&spare, 1, &t);
    assert_int_equal(cit_mem_fail_at(0), 0);
    cit_tally_fini(&t);
    cit_tally_fini(&spare);
}

static void without_memory_requests_are_still_counted(void **state)
{
    struct cit_tally t = { .nrows = 77 };

    (void)state;
    cit_mem_fail_at(1);
    assert_int_equal(cit_tally_init(&t, 2), CIT_ENOMEM);
    assert_int_equal(t.nrows, 77);
    for (unsigned long at = 1; at <= 4; at++) {
        assert_int_equal(cit_tally_init(&t, 1), CIT_OK);
        cit_mem_fail_at(at); /* the counts by status, the cells of one time, of the other, the examples */
        add(&t, 0, CIT_FAULT_STATUS, 500);
        cit_tally_example(&t, 0, CIT_FAULT_STATUS, "text");
        cit_mem_fail_at(0);
        assert_int_equal(t.row[0].requests, 1);
        assert_int_equal(t.row[0].errors, 1);
        assert_int_equal(t.row[0].latency.count, 1);
        assert_int_equal(t.row[0].codes == NULL, at == 1);
        assert_int_equal(t.row[0].latency.lost, at == 2);
        assert_int_equal(t.row[0].service.lost, at == 3);
        assert_int_equal(t.row[0].examples == NULL, at == 4);
        cit_tally_fini(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_error_has_a_name_and_a_text_of_its_own),
        cmocka_unit_test(an_answer_is_counted_by_status_and_both_times),
        cmocka_unit_test(a_request_without_an_answer_is_in_no_histogram),
        cmocka_unit_test(statuses_outside_of_http_are_not_counted_by_status),
        cmocka_unit_test(the_first_example_of_a_kind_stays_and_is_cut),
        cmocka_unit_test(merged_tallies_are_as_if_one_had_counted_everything),
        cmocka_unit_test(clearing_leaves_an_empty_tally_with_its_memory),
        cmocka_unit_test(without_memory_requests_are_still_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
