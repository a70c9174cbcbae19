/* tests/c/test_record_csv.c - the table of the steps: its columns, quoting, empty cells, failed allocations. */
#include "load/record_csv.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "load_run.h"

static const char table[] =
    "step,requests,errors,rate,bytes_in,bytes_out,"
    "latency_mean_ms,latency_p50_ms,latency_p90_ms,latency_p95_ms,latency_p99_ms,latency_p999_ms,latency_max_ms,"
    "service_mean_ms,service_p50_ms,service_p90_ms,service_p95_ms,service_p99_ms,service_p999_ms,service_max_ms,"
    "codes,errors_by_kind\n"
    "\"a \"\"b\"\"\\,\n\x1b[31m\xff<é>\",1000,0,100,1000000,100000,"
    "500.5,500.096,899.584,950.272,990.208,999.0,1000,500.5,500.096,899.584,950.272,990.208,999.0,1000,200=1000,\n"
    "\"log in\",100,100,10,100000,10000,20,20,20,20,20,20,20,10,10,10,10,10,10,10,500=100,status=100\n"
    "\"never answered\",10,10,1,10000,1000,,,,,,,,,,,,,,,,timeout=10\n"
    "\"(all requests)\",1110,110,111,1110000,111000,";

/* The cells of both texts are the same, but for what a histogram rounds. */
static void assert_cells(const char *got, const char *want)
{
    while (*want != '\0') {
        size_t n = strcspn(got, ",\n"), m = strcspn(want, ",\n");
        char *end_got, *end_want;
        double a = strtod(got, &end_got), b = strtod(want, &end_want);
        bool are_numbers = m > 0 && end_want == want + m && end_got == got + n;

        if (are_numbers ? a < b * 0.999 || a > b * 1.001 : n != m || memcmp(got, want, n) != 0)
            fail_msg("\"%.*s\" instead of \"%.*s\"", (int)n, got, (int)m, want);
        assert_true(want[m] == '\0' || got[n] == want[m]);
        got += got[n] != '\0' ? n + 1 : n;
        want += want[m] != '\0' ? m + 1 : m;
    }
}

static void the_table_has_a_line_a_step_and_one_for_all(void **state)
{
    struct load_run run;
    struct cit_buf b;
    int lines = 0;

    (void)state;
    assert_true(load_run_init(&run));
    cit_buf_init(&b, 1 << 16);
    assert_int_equal(cit_record_steps(&run.plan, &run.tally, &run.end, &b), CIT_OK);
    assert_int_equal(cit_buf_add(&b, "", 1), CIT_OK);
    for (size_t i = 0; i < b.len; i++)
        lines += b.p[i] == '\n';
    assert_int_equal(lines, 6); /* a name has one in it */
    assert_cells(b.p, table);
    assert_non_null(strstr(b.p, ",200=1000 500=100,timeout=10 status=100\n"));
    cit_buf_fini(&b);
    load_run_fini(&run);
}

static void without_memory_there_is_an_error_or_a_whole_table(void **state)
{
    struct load_run run;
    unsigned long asked, refused = 0;
    struct cit_buf b;

    (void)state;
    assert_true(load_run_init(&run));
    cit_buf_init(&b, 1 << 16);
    (void)cit_mem_fail_at(0);
    assert_int_equal(cit_record_steps(&run.plan, &run.tally, &run.end, &b), CIT_OK);
    asked = cit_mem_fail_at(0);
    cit_buf_release(&b);
    for (unsigned long at = 1; at <= asked; at++) {
        int err;

        (void)cit_mem_fail_at(at);
        err = cit_record_steps(&run.plan, &run.tally, &run.end, &b);
        (void)cit_mem_fail_at(0);
        assert_true(err == CIT_ENOMEM || (err == CIT_OK && b.p[b.len - 1] == '\n'));
        refused += err == CIT_ENOMEM;
        cit_buf_release(&b);
    }
    assert_true(refused > 0);
    b.max = 100;
    assert_int_equal(cit_record_steps(&run.plan, &run.tally, &run.end, &b), CIT_ELIMIT);
    cit_buf_fini(&b);
    load_run_fini(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_a_line_a_step_and_one_for_all),
        cmocka_unit_test(without_memory_there_is_an_error_or_a_whole_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
