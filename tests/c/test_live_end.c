/* tests/c/test_live_end.c - the summary for people: what it must say; failed allocations. */
#include "load/live_end.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "load_run.h"

static struct load_run run;
static struct cit_buf text;

static int start(void **state)
{
    (void)state;
    cit_buf_init(&text, 1 << 20);
    return load_run_init(&run) ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    cit_buf_fini(&text);
    load_run_fini(&run);
    return 0;
}

static const char *summary(const struct cit_tally *totals, uint32_t columns)
{
    struct cit__page p = { .out = &text, .columns = columns };

    text.len = 0;
    cit__summary(&p, &run.plan, totals, &run.end);
    assert_int_equal(p.err, CIT_OK);
    assert_int_equal(cit_buf_add(&text, "", 1), CIT_OK);
    return text.p;
}

static void assert_says(const char *said, const char *want)
{
    if (strstr(said, want) == NULL)
        fail_msg("\"%s\" is not in:\n%s", want, said);
}

static void everything_that_was_counted_is_said(void **state)
{
    const char *said = summary(&run.tally, 0);

    (void)state;
    assert_says(said, "a \"plan\"  http://[::1]:8000\n");
    assert_says(said, "1,110 requests in 10.0 s, 111 /s; 64 connections made, 1.1 MB in, 111 kB out\n");
    assert_says(said, "2 requests had no answer yet");
    assert_says(said, "3 journeys began more than 1 ms late");
    assert_says(said, "1 journeys were never begun");
    assert_says(said, "\nnever answered ");
    assert_says(said, "codes      200: 1,000  500: 100\n");
    assert_says(said, "errors     110, 9.91 %\n");
    assert_says(said, "  log in: 100 status: the status was not the expected one\n    500 instead of 200?[2J\n");
    assert_says(said, "  never answered: 10 timeout: no complete answer came in time\n");
    assert_says(said, "12.5 % of its 2 threads\n");
    assert_null(strchr(said, '\x1b'));
    assert_null(strstr(said, "as busy as it can be"));
}

static void thresholds_are_held_or_broken(void **state)
{
    const char *said = summary(&run.tally, 0);

    (void)state;
    assert_says(said, "  holds   all requests: p99 of latency 989 ms, at most 2.00 s allowed\n");
    assert_says(said, "  BROKEN  log in: mean of service 10.0 ms, at most 9.50 ms allowed\n");
    assert_says(said, "  BROKEN  all requests: errors 9.91 %, at most 1.00 % allowed\n");
    assert_says(said, "  BROKEN  never answered: max of latency -, at most 5.00 ms allowed\n");
    run.thresholds[0] = (struct cit_threshold){ -1, CIT_THRESHOLD_RATE, 150, false };
    assert_says(summary(&run.tally, 0), "  BROKEN  all requests: rate 100 /s, at least 150 /s allowed\n");
}

static void every_end_but_the_planned_ones_is_explained(void **state)
{
    static const enum cit_end odd[] = { CIT_END_USERS, CIT_END_STOPPED, CIT_END_ERRORS, CIT_END_MEMORY };

    (void)state;
    assert_null(why_text(CIT_END_TIME));
    assert_null(why_text(CIT_END_REQUESTS));
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        run.end.why = odd[i];
        assert_says(summary(&run.tally, 0), why_text(odd[i]));
    }
    run.end.why = CIT_END_TIME;
}

static void a_busy_generator_is_warned_of(void **state)
{
    (void)state;
    run.end.cpu_ns = 19000000000;
    assert_says(summary(&run.tally, 0), "The generator was as busy as it can be");
    run.end.cpu_ns = 2500000000;
}

static void a_run_without_requests_has_a_summary(void **state)
{
    struct cit_tally nothing;
    const char *said;

    (void)state;
    assert_int_equal(cit_tally_init(&nothing, 3), CIT_OK);
    said = summary(&nothing, 0);
    assert_says(said, "0 requests in 10.0 s, 0.00 /s");
    assert_says(said, "Nothing was measured");
    assert_says(said, "  BROKEN  never answered: max of latency -");
    assert_null(strstr(said, "errors     none"));
    cit_tally_fini(&nothing);
}

static void examples_are_said_whole_in_narrow_terminals_too(void **state)
{
    (void)state;
    assert_says(summary(&run.tally, 20), "    500 instead of 200?[2J\n");
}

static void without_memory_there_is_an_error_or_a_whole_summary(void **state)
{
    unsigned long asked, refused = 0;

    (void)state;
    cit_buf_release(&text);
    (void)cit_mem_fail_at(0);
    (void)summary(&run.tally, 0);
    asked = cit_mem_fail_at(0);
    for (unsigned long at = 1; at <= asked; at++) {
        struct cit__page p = { .out = &text };

        cit_buf_release(&text);
        cit_mem_fail_at(at);
        cit__summary(&p, &run.plan, &run.tally, &run.end);
        cit_mem_fail_at(0);
        assert_true(p.err == CIT_OK || p.err == CIT_ENOMEM);
        refused += p.err != CIT_OK;
        assert_true(p.err != CIT_OK || memmem(text.p, text.len, "threads\n", 8) != NULL);
    }
    assert_true(refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_was_counted_is_said),
        cmocka_unit_test(thresholds_are_held_or_broken),
        cmocka_unit_test(every_end_but_the_planned_ones_is_explained),
        cmocka_unit_test(a_busy_generator_is_warned_of),
        cmocka_unit_test(a_run_without_requests_has_a_summary),
        cmocka_unit_test(examples_are_said_whole_in_narrow_terminals_too),
        cmocka_unit_test(without_memory_there_is_an_error_or_a_whole_summary),
    };

    return cmocka_run_group_tests(tests, start, finish);
}
