/* tests/c/test_record_text.c - what is written of a run is JSON and says what was counted; failed allocations. */
#include "load/record_text.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "load_run.h"

enum { TEXT_BOUND = 1 << 20 };

static struct load_run run;
static struct cit_buf text;
static struct cit_arena arena;

static int start(void **state)
{
    (void)state;
    cit_buf_init(&text, TEXT_BOUND);
    cit_arena_init(&arena, (size_t)16 << 20);
    return load_run_init(&run) ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    cit_buf_fini(&text);
    cit_arena_fini(&arena);
    load_run_fini(&run);
    return 0;
}

/* What was written, as a tree; it must be one line. */
static const struct cit_json_node *read_line(struct cit_slice line)
{
    struct cit_json_node *node = NULL;
    const char *why = "";
    size_t at = 0;

    assert_true(line.n > 0 && line.p[line.n - 1] == '\n' && memchr(line.p, '\n', line.n - 1) == NULL);
    if (cit_json_tree(line, &arena, &node, &why, &at) != CIT_OK)
        fail_msg("byte %zu: %s: %.*s", at, why, CIT_SLICE_ARG(line));
    return node;
}

static const struct cit_json_node *read_text(void)
{
    return read_line(cit_slice(text.p, text.len));
}

/* A member by its path, names separated by '/' (or the place in an array). */
static const struct cit_json_node *find(const struct cit_json_node *node, const char *path)
{
    struct cit_slice rest = cit_slice_str(path), part;

    while (cit_slice_split(&rest, '/', &part)) {
        const struct cit_json_node *child = node->first;
        unsigned long long place;
        bool is_array = node->kind == CIT_JSON_OPEN_ARRAY && cit_slice_u64(part, &place);

        for (; is_array && child != NULL && place > 0; place--)
            child = child->next;
        while (!is_array && child != NULL && !cit_slice_eq(child->name, part))
            child = child->next;
        if (child == NULL)
            fail_msg("%s is not there", path);
        node = child;
    }
    return node;
}

static double number(const struct cit_json_node *node, const char *path)
{
    const struct cit_json_node *found = find(node, path);
    char digits[400];

    assert_int_equal(found->kind, CIT_JSON_NUMBER);
    (void)snprintf(digits, sizeof digits, "%.*s", CIT_SLICE_ARG(found->text));
    return strtod(digits, NULL);
}

static void assert_number(const struct cit_json_node *node, const char *path, double want)
{
    double got = number(node, path);

    if (fabs(got - want) > 0.001 * fabs(want))
        fail_msg("%s is %f, not %f", path, got, want);
}

static void assert_word(const struct cit_json_node *node, const char *path, const char *want)
{
    const struct cit_json_node *found = find(node, path);

    assert_int_equal(found->kind, CIT_JSON_STRING);
    if (!cit_slice_eq(found->text, cit_slice_str(want)))
        fail_msg("%s is %.*s, not %s", path, CIT_SLICE_ARG(found->text), want);
}

static void assert_kind(const struct cit_json_node *node, const char *path, enum cit_json_kind want)
{
    assert_int_equal(find(node, path)->kind, want);
}

/* The members of a row, of the row "log in". */
static void assert_log_in(const struct cit_json_node *row)
{
    assert_number(row, "requests", 100);
    assert_number(row, "errors", 100);
    assert_number(row, "bytes_in", 100000);
    assert_number(row, "bytes_out", 10000);
    assert_number(row, "codes/500", 100);
    assert_int_equal(find(row, "codes")->count, 1);
    assert_number(row, "errors_by_kind/status", 100);
    assert_int_equal(find(row, "errors_by_kind")->count, 1);
    assert_number(row, "latency_ms/mean", 20);
    assert_number(row, "latency_ms/p999", 20);
    assert_number(row, "service_ms/p50", 10);
    assert_number(row, "service_ms/max", 10);
    assert_int_equal(find(row, "service_ms")->count, 7);
}

static void the_summary_says_what_was_counted(void **state)
{
    const struct cit_json_node *s;

    (void)state;
    text.len = 0;
    assert_int_equal(cit_record_summary(&run.plan, &run.tally, &run.end, "finished", &text), CIT_OK);
    s = read_text();
    assert_word(s, "citrate", CIT_VERSION);
    assert_word(s, "title", "a \"plan\"");
    assert_word(s, "target", "http://[::1]:8000");
    assert_word(s, "model", "users");
    assert_word(s, "state", "finished");
    assert_word(s, "end", "time");
    assert_word(s, "started", "2023-11-14T22:13:20.123Z");
    assert_number(s, "threads", 2);
    assert_number(s, "requests", 1110);
    assert_number(s, "errors", 110);
    assert_number(s, "codes/200", 1000);
    assert_number(s, "errors_by_kind/timeout", 10);
    assert_number(s, "latency_ms/max", 1000);
    assert_number(s, "seconds", 10);
    assert_number(s, "rate", 111);
    assert_number(s, "connects", 64);
    assert_number(s, "rounds", 90);
    assert_number(s, "late", 3);
    assert_number(s, "unfinished", 2);
    assert_number(s, "not_begun", 1);
    assert_number(s, "generator/cpu_seconds", 2.5);
    assert_number(s, "generator/share", 0.125);
    assert_number(s, "generator/cpu_us_per_request", 2500000.0 / 1110);
    assert_number(s, "generator/threads", 2);
    assert_number(s, "generator/rss", 6000000);
    assert_log_in(find(s, "steps/log in"));
    assert_number(s, "steps/log in/rate", 10);
    assert_kind(s, "steps/never answered/latency_ms/p50", CIT_JSON_NULL);
    assert_int_equal(find(s, "steps")->count, 3);
    assert_int_equal(find(s, "examples")->count, 1);
    assert_word(s, "examples/0/step", "log in");
    assert_word(s, "examples/0/kind", "status");
    assert_word(s, "examples/0/text", "500 instead of 200\x1b[2J");
}

static void names_with_anything_in_them_are_read_back(void **state)
{
    const struct cit_json_node *s;

    (void)state;
    text.len = 0;
    assert_int_equal(cit_record_summary(&run.plan, &run.tally, &run.end, "finished", &text), CIT_OK);
    s = find(read_text(), "steps")->first;
    assert_true(cit_slice_eq(s->name, CIT_SLICE_LIT("a \"b\"\\,\n\x1b[31m\xef\xbf\xbd<é>")));
    assert_number(s, "requests", 1000);
    assert_number(s, "latency_ms/mean", 500.5);
    assert_number(s, "latency_ms/p50", 500);
    assert_number(s, "latency_ms/p99", 990);
}

static void thresholds_say_what_was_wanted_and_what_was(void **state)
{
    const struct cit_json_node *s;

    (void)state;
    text.len = 0;
    assert_int_equal(cit_record_summary(&run.plan, &run.tally, &run.end, "finished", &text), CIT_OK);
    s = find(read_text(), "thresholds");
    assert_int_equal(s->count, 4);
    assert_kind(s, "0/step", CIT_JSON_NULL);
    assert_word(s, "0/measure", "p99");
    assert_word(s, "0/of", "latency");
    assert_number(s, "0/limit", 2000);
    assert_kind(s, "0/holds", CIT_JSON_TRUE);
    assert_word(s, "1/step", "log in");
    assert_word(s, "1/of", "service");
    assert_number(s, "1/actual", 10);
    assert_kind(s, "1/holds", CIT_JSON_FALSE);
    assert_word(s, "2/measure", "errors");
    assert_number(s, "2/actual", 110.0 / 1110);
    assert_kind(s, "2/holds", CIT_JSON_FALSE);
    assert_kind(s, "3/actual", CIT_JSON_NULL);
    assert_kind(s, "3/holds", CIT_JSON_FALSE);
}

static void a_run_that_goes_on_has_no_end(void **state)
{
    const struct cit_json_node *s;

    (void)state;
    text.len = 0;
    assert_int_equal(cit_record_summary(&run.plan, &run.tally, &run.end, "running", &text), CIT_OK);
    s = read_text();
    assert_word(s, "state", "running");
    assert_kind(s, "end", CIT_JSON_NULL);
}

static void a_run_of_nothing_is_told_too(void **state)
{
    struct cit_load_plan plan = { .target = run.plan.target, .threads = 1, .is_open = true };
    struct cit_run_end end = { .why = CIT_END_STOPPED };
    struct cit_tally nothing;
    const struct cit_json_node *s;

    (void)state;
    assert_int_equal(cit_tally_init(&nothing, 0), CIT_OK);
    text.len = 0;
    assert_int_equal(cit_record_summary(&plan, &nothing, &end, "stopped", &text), CIT_OK);
    s = read_text();
    assert_word(s, "model", "rate");
    assert_word(s, "end", "stopped");
    assert_number(s, "requests", 0);
    assert_number(s, "rate", 0);
    assert_kind(s, "latency_ms/mean", CIT_JSON_NULL);
    assert_kind(s, "generator/cpu_us_per_request", CIT_JSON_NULL);
    assert_int_equal(find(s, "steps")->count, 0);
    cit_tally_fini(&nothing);
}

/* The counts of a list of cells; they must rise. */
static double sum_of(const struct cit_json_node *cells)
{
    double sum = 0, before = -1;

    for (const struct cit_json_node *cell = cells->first; cell != NULL; cell = cell->next) {
        assert_int_equal(cell->count, 2);
        assert_true(number(cell, "0") > before);
        before = number(cell, "0");
        sum += number(cell, "1");
    }
    return sum;
}

static void a_second_is_one_line(void **state)
{
    const struct cit_json_node *s;

    (void)state;
    text.len = 0;
    assert_int_equal(cit__second_line(&run.plan, &run.second, false, &text), CIT_OK);
    s = read_text();
    assert_number(s, "second", 3);
    assert_kind(s, "warm", CIT_JSON_FALSE);
    assert_number(s, "start", 3);
    assert_true(number(s, "end") == 4.00025);
    assert_number(s, "wanted", 64);
    assert_number(s, "users", 64);
    assert_number(s, "waiting", 5);
    assert_number(s, "connects", 64);
    assert_number(s, "rounds", 90);
    assert_number(s, "late", 3);
    assert_true(number(s, "cpu") == 0.123457);
    assert_number(s, "rss", 5000000);
    assert_number(s, "all/requests", 1110);
    assert_log_in(find(s, "steps/log in"));
    assert_int_equal(find(s, "")->count, 14);
}

static void steps_without_requests_are_not_in_a_second(void **state)
{
    struct cit_load_second second = run.second;
    struct cit_tally quiet;
    const struct cit_json_node *s;

    (void)state;
    assert_int_equal(cit_tally_init(&quiet, 3), CIT_OK);
    second.tally = &quiet;
    second.is_warm = true;
    text.len = 0;
    assert_int_equal(cit__second_line(&run.plan, &second, true, &text), CIT_OK);
    s = read_text();
    assert_int_equal(find(s, "steps")->count, 0);
    assert_int_equal(find(s, "histograms")->count, 0);
    assert_kind(s, "warm", CIT_JSON_TRUE);
    assert_kind(s, "all/service_ms/max", CIT_JSON_NULL);
    cit_tally_fini(&quiet);
}

static void the_stream_has_a_start_seconds_with_cells_and_an_end(void **state)
{
    const struct cit_json_node *s;

    (void)state;
    text.len = 0;
    assert_int_equal(cit__start_line(&run.plan, &text), CIT_OK);
    s = read_text();
    assert_word(s, "type", "start");
    assert_word(s, "target", "http://[::1]:8000");
    assert_word(s, "steps/1", "log in");
    assert_int_equal(find(s, "steps")->count, 3);
    assert_number(s, "planned_seconds", 10);
    text.len = 0;
    assert_int_equal(cit__second_line(&run.plan, &run.second, true, &text), CIT_OK);
    s = read_text();
    assert_word(s, "type", "second");
    assert_true(sum_of(find(s, "histograms")->first->first) == 1000);
    assert_true(sum_of(find(s, "histograms/log in/latency_us")) == 100);
    assert_true(sum_of(find(s, "histograms/log in/service_us")) == 100);
    assert_int_equal(find(s, "histograms")->count, 2);
    text.len = 0;
    assert_int_equal(cit__end_line(&run.plan, &run.tally, &run.end, &text), CIT_OK);
    s = read_text();
    assert_word(s, "type", "end");
    assert_word(s, "state", "finished");
    assert_number(s, "steps/log in/requests", 100);
}

static void histograms_are_lines_of_steps_with_answers(void **state)
{
    struct cit_slice rest, line;
    int lines = 0;

    (void)state;
    text.len = 0;
    assert_int_equal(cit__histogram_lines(&run.plan, &run.tally, 7, &text), CIT_OK);
    assert_int_equal(cit__histogram_lines(&run.plan, &run.tally, -1, &text), CIT_OK);
    rest = cit_slice(text.p, text.len);
    while (cit_slice_split(&rest, '\n', &line)) {
        const struct cit_json_node *s = read_line(cit_slice(line.p, line.n + 1));

        if (lines < 2)
            assert_number(s, "second", 7);
        else
            assert_kind(s, "second", CIT_JSON_NULL);
        assert_true(sum_of(find(s, "latency_us")) == (lines % 2 == 0 ? 1000 : 100));
        assert_true(sum_of(find(s, "service_us")) == (lines % 2 == 0 ? 1000 : 100));
        if (lines % 2 == 1) {
            assert_word(s, "step", "log in");
            assert_number(s, "latency_us/0/0", 20000);
        }
        lines++;
    }
    assert_int_equal(lines, 4);
}

static void assert_text(double value, int places, const char *want)
{
    text.len = 0;
    assert_int_equal(places >= 0 ? cit__put_number(&text, value, places) : cit__put_ms(&text, value), CIT_OK);
    assert_int_equal(cit_buf_add(&text, "", 1), CIT_OK);
    assert_string_equal(text.p, want);
}

static void numbers_are_short_and_finite(void **state)
{
    (void)state;
    assert_text(0, 3, "0");
    assert_text(-0.0, 3, "0");
    assert_text(-0.0001, 2, "0");
    assert_text(1, 3, "1");
    assert_text(100, 0, "100");
    assert_text(1.5, 3, "1.5");
    assert_text(1.0004, 3, "1");
    assert_text(-1.25, 3, "-1.25");
    assert_text(123456789.125, 3, "123456789.125");
    assert_text((double)NAN, 3, "null");
    assert_text((double)INFINITY, 3, "null");
    assert_text((double)-INFINITY, 0, "null");
    assert_text(0.04567, -1, "0.0457");
    assert_text(1.23456, -1, "1.235");
    assert_text(60000, -1, "60000");
}

static void the_bound_of_a_text_is_kept(void **state)
{
    struct cit_buf small;

    (void)state;
    cit_buf_init(&small, 300);
    assert_int_equal(cit_record_summary(&run.plan, &run.tally, &run.end, "finished", &small), CIT_ELIMIT);
    assert_true(small.len <= 300);
    cit_buf_fini(&small);
}

static int write_one(int which, struct cit_buf *out)
{
    switch (which) {
    case 0:
        return cit_record_summary(&run.plan, &run.tally, &run.end, "finished", out);
    case 1:
        return cit__second_line(&run.plan, &run.second, true, out);
    case 2:
        return cit__histogram_lines(&run.plan, &run.tally, 0, out);
    default:
        return cit__start_line(&run.plan, out);
    }
}

/* Merged histograms may lack cells then, which is counted; texts are whole or refused. */
static void without_memory_there_is_an_error_or_a_whole_text(void **state)
{
    (void)state;
    for (int which = 0; which < 4; which++) {
        struct cit_buf whole;
        unsigned long asked, refused = 0;

        cit_buf_init(&whole, TEXT_BOUND);
        (void)cit_mem_fail_at(0);
        assert_int_equal(write_one(which, &whole), CIT_OK);
        asked = cit_mem_fail_at(0);
        for (unsigned long at = 1; at <= asked; at++) {
            struct cit_buf b;
            int err;

            cit_buf_init(&b, TEXT_BOUND);
            (void)cit_mem_fail_at(at);
            err = write_one(which, &b);
            (void)cit_mem_fail_at(0);
            assert_true(err == CIT_OK || err == CIT_ENOMEM);
            refused += err == CIT_ENOMEM;
            if (err == CIT_OK && which != 2)
                (void)read_line(cit_slice(b.p, b.len));
            cit_buf_fini(&b);
        }
        assert_true(refused > 0);
        cit_buf_fini(&whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_summary_says_what_was_counted),
        cmocka_unit_test(names_with_anything_in_them_are_read_back),
        cmocka_unit_test(thresholds_say_what_was_wanted_and_what_was),
        cmocka_unit_test(a_run_that_goes_on_has_no_end),
        cmocka_unit_test(a_run_of_nothing_is_told_too),
        cmocka_unit_test(a_second_is_one_line),
        cmocka_unit_test(steps_without_requests_are_not_in_a_second),
        cmocka_unit_test(the_stream_has_a_start_seconds_with_cells_and_an_end),
        cmocka_unit_test(histograms_are_lines_of_steps_with_answers),
        cmocka_unit_test(numbers_are_short_and_finite),
        cmocka_unit_test(the_bound_of_a_text_is_kept),
        cmocka_unit_test(without_memory_there_is_an_error_or_a_whole_text),
    };

    return cmocka_run_group_tests(tests, start, finish);
}
