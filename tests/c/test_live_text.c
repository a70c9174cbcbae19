/* tests/c/test_live_text.c - lines that a terminal can be given, figures, tables of every width. */
#include "load/live_text.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "load_run.h"

static struct cit_buf text;

static struct cit__page page(uint32_t columns, uint32_t rows)
{
    cit_buf_release(&text);
    cit_buf_init(&text, 1 << 20);
    return (struct cit__page){ .out = &text, .columns = columns, .rows = rows };
}

static void assert_out(const struct cit__page *p, const char *want)
{
    assert_int_equal(p->err, CIT_OK);
    assert_int_equal(cit_buf_add(&text, "", 1), CIT_OK);
    assert_string_equal(text.p, want);
    cit_buf_release(&text);
}

static void a_line_has_no_control_characters_whatever_is_put_into_it(void **state)
{
    struct cit__page p = page(0, 0);

    (void)state;
    cit__line(&p, CIT__PLAIN, "%s|%s",
              "a\x1b[2J\x07\r\n\x7f"
              "b",
              "\xc2\x9b"
              "31m\xe2\x80\xae"
              "c\xe2\x81\xa6\xffé€😀\xe2\x80\x94");
    assert_out(&p, "a?[2J????b|?31m?c??é€😀\xe2\x80\x94\n");
}

static void lines_of_a_screen_are_cut_by_characters(void **state)
{
    struct cit__page p = page(4, 9);

    (void)state;
    cit__line(&p, CIT__PLAIN, "%s", "ééééé");
    assert_out(&p, "ééééé\n");
    p = page(4, 9);
    p.is_screen = true;
    cit__line(&p, CIT__PLAIN, "%s", "ééééé");
    cit__line(&p, CIT__PLAIN, "%s", "ab");
    assert_out(&p, "\x1b[Kéééé\r\n\x1b[Kab");
    assert_int_equal(cit__columns_of(CIT_SLICE_LIT("a\x1bé€\xff")), 5);
}

static void colours_are_for_those_who_want_them(void **state)
{
    struct cit__page p = page(0, 0);

    (void)state;
    cit__line(&p, CIT__BAD, "no");
    assert_out(&p, "no\n");
    p = page(0, 0);
    p.has_color = true;
    cit__line(&p, CIT__BAD, "yes");
    cit__line(&p, CIT__PLAIN, "yes");
    assert_out(&p, "\x1b[31myes\x1b[0m\nyes\n");
}

static void a_screen_gets_no_more_lines_than_it_has(void **state)
{
    struct cit__page p = page(10, 2);

    (void)state;
    p.is_screen = true;
    for (int i = 1; i <= 5; i++)
        cit__line(&p, CIT__PLAIN, "%d", i);
    assert_out(&p, "\x1b[K1\r\n\x1b[K2");
}

static void cells_are_cut_and_filled(void **state)
{
    char line[CIT__LINE_MAX] = "";

    (void)state;
    cit__line_cell(line, CIT_SLICE_LIT("éééé"), 3);
    cit__line_cell(line, CIT_SLICE_LIT("ab"), 4);
    cit__line_cell(line, CIT_SLICE_LIT("x\x1b"), 2);
    assert_string_equal(line, "éééab  x?");
    for (int i = 0; i < 100; i++)
        cit__line_cell(line, CIT_SLICE_LIT("€€€€€€€€€€€€€€€€€€€€"), 20);
    assert_true(strlen(line) < CIT__LINE_MAX && strlen(line) > CIT__LINE_MAX - 4);
}

static void figures_have_three_digits_or_all(void **state)
{
    (void)state;
    assert_string_equal(cit__count_text(0).text, "0");
    assert_string_equal(cit__count_text(999).text, "999");
    assert_string_equal(cit__count_text(1000).text, "1,000");
    assert_string_equal(cit__count_text(UINT64_MAX).text, "18,446,744,073,709,551,615");
    assert_string_equal(cit__rate_text(0).text, "0.00");
    assert_string_equal(cit__rate_text(9.994).text, "9.99");
    assert_string_equal(cit__rate_text(12.34).text, "12.3");
    assert_string_equal(cit__rate_text(31204.4).text, "31,204");
    assert_string_equal(cit__rate_text(1e300).text, "1,000,000,000,000,000,000");
    assert_string_equal(cit__ms_text(0.0451).text, "0.045 ms");
    assert_string_equal(cit__ms_text(0.9995).text, "1.00 ms");
    assert_string_equal(cit__ms_text(4.4).text, "4.40 ms");
    assert_string_equal(cit__ms_text(45.67).text, "45.7 ms");
    assert_string_equal(cit__ms_text(999.4).text, "999 ms");
    assert_string_equal(cit__ms_text(999.6).text, "1.00 s");
    assert_string_equal(cit__ms_text(3600000).text, "3600 s");
    assert_string_equal(cit__ms_text((double)NAN).text, "-");
    assert_string_equal(cit__seconds_text(0).text, "0.00 s");
    assert_string_equal(cit__seconds_text(9534000000).text, "9.53 s");
    assert_string_equal(cit__seconds_text(59990000000).text, "60.0 s");
    assert_string_equal(cit__seconds_text(3600000000000).text, "3600 s");
    assert_string_equal(cit__bytes_text(0).text, "0 B");
    assert_string_equal(cit__bytes_text(999).text, "999 B");
    assert_string_equal(cit__bytes_text(1500000).text, "1.5 MB");
    assert_string_equal(cit__bytes_text(UINT64_MAX).text, "18.4 EB");
    assert_string_equal(cit__share_text(0.0025).text, "0.25 %");
    assert_string_equal(cit__share_text(0.125).text, "12.5 %");
    assert_string_equal(cit__share_text(1).text, "100.0 %");
}

static void codes_and_kinds_are_listed_with_their_counts(void **state)
{
    char list[CIT__LINE_MAX];
    struct cit_row all = { 0 };
    struct load_run run;

    (void)state;
    cit__codes_text(&all, list);
    assert_string_equal(list, "none");
    cit__faults_text(&all, list);
    assert_string_equal(list, "none");
    assert_true(load_run_init(&run));
    cit_tally_all(&run.tally, &all);
    cit__codes_text(&all, list);
    assert_string_equal(list, "200: 1,000  500: 100");
    cit__faults_text(&all, list);
    assert_string_equal(list, "timeout: 10  status: 100");
    cit_row_fini(&all);
    load_run_fini(&run);
}

static void a_plan_that_is_an_address_is_called_by_it(void **state)
{
    struct load_run run;
    char title[CIT__LINE_MAX];

    (void)state;
    assert_true(load_run_init(&run));
    cit__title_text(&run.plan, title);
    assert_string_equal(title, "a \"plan\"  http://[::1]:8000");
    run.plan.title = CIT_SLICE_LIT("http://[::1]:8000/path");
    cit__title_text(&run.plan, title);
    assert_string_equal(title, "http://[::1]:8000/path");
    load_run_fini(&run);
}

static uint32_t most_columns(void)
{
    struct cit_slice rest = cit_slice(text.p, text.len), line;
    uint32_t most = 0;

    while (cit_slice_split(&rest, '\n', &line)) {
        uint32_t columns = cit__columns_of(line);

        most = columns > most ? columns : most;
    }
    return most;
}

static void tables_fit_terminals_from_78_columns(void **state)
{
    struct load_run run;
    struct cit__table t;

    (void)state;
    assert_true(load_run_init(&run));
    t = (struct cit__table){ &run.plan, &run.tally, &run.end, NULL, 3 };
    for (uint32_t columns = 78; columns < 200; columns++) {
        struct cit__page p = page(columns, 0);

        cit__table(&p, &t);
        assert_int_equal(p.err, CIT_OK);
        assert_int_equal(p.line, 4);
        assert_true(most_columns() <= columns);
        assert_int_equal(memmem(text.p, text.len, "p999", 4) != NULL, columns >= 123);
        assert_non_null(memmem(text.p, text.len, " 1,000 ", 7));
    }
    load_run_fini(&run);
}

static void the_rows_of_a_table_are_those_asked_for(void **state)
{
    static const uint32_t order[] = { 2, 1 };
    struct cit__page p = page(80, 0);
    struct load_run run;
    struct cit__table t;

    (void)state;
    assert_true(load_run_init(&run));
    t = (struct cit__table){ &run.plan, &run.tally, &run.end, order, 2 };
    cit__table(&p, &t);
    assert_out(&p, "step              requests      errors          /s       p50       p99       max\n"
                   "never answered          10          10        1.00         -         -         -\n"
                   "log in                 100         100        10.0   20.0 ms   20.0 ms   20.0 ms\n");
    load_run_fini(&run);
}

static void without_memory_the_page_says_so(void **state)
{
    struct cit__page p = page(0, 0);

    (void)state;
    cit_mem_fail_at(1);
    cit__line(&p, CIT__PLAIN, "text");
    cit__line(&p, CIT__PLAIN, "more");
    cit_mem_fail_at(0);
    assert_int_equal(p.err, CIT_ENOMEM);
    assert_int_equal(text.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_no_control_characters_whatever_is_put_into_it),
        cmocka_unit_test(lines_of_a_screen_are_cut_by_characters),
        cmocka_unit_test(colours_are_for_those_who_want_them),
        cmocka_unit_test(a_screen_gets_no_more_lines_than_it_has),
        cmocka_unit_test(cells_are_cut_and_filled),
        cmocka_unit_test(figures_have_three_digits_or_all),
        cmocka_unit_test(codes_and_kinds_are_listed_with_their_counts),
        cmocka_unit_test(a_plan_that_is_an_address_is_called_by_it),
        cmocka_unit_test(tables_fit_terminals_from_78_columns),
        cmocka_unit_test(the_rows_of_a_table_are_those_asked_for),
        cmocka_unit_test(without_memory_the_page_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
