/* tests/c/test_csv.c - tables: fields, quotes, faults with their lines, bounds, failed allocations. */
#include "load/csv.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "guard.h"

/* The table as "a|b|c/1|2|3", names first; or "fault: line: why". */
static const char *shown(const char *text, size_t n, const struct cit_slice *columns, uint32_t ncolumns)
{
    static char out[2000];
    struct cit_arena a;
    const struct cit_csv_columns given = { columns, ncolumns };
    struct cit_csv_fault fault = { 0 };
    struct cit_csv csv;
    size_t len = 0;
    int err;

    cit_arena_init(&a, 1 << 20);
    err = cit_csv_parse(cit_slice(text, n), columns != NULL ? &given : NULL, &a, &csv, &fault);
    if (err != CIT_OK) {
        snprintf(out, sizeof out, "%s: %u: %s", err == CIT_EINVAL ? "fault" : "limit", fault.line, fault.why);
    } else {
        for (uint32_t i = 0; i < csv.ncolumns * (csv.lines + 1); i++) {
            struct cit_slice s =
                i < csv.ncolumns ? csv.columns[i] : cit_csv_cell(&csv, i / csv.ncolumns - 1, i % csv.ncolumns);

            len += (size_t)snprintf(out + len, sizeof out - len, "%s%.*s",
                                    i == 0 ? "" : (i % csv.ncolumns == 0 ? "/" : "|"), CIT_SLICE_ARG(s));
        }
    }
    cit_arena_fini(&a);
    return out;
}

static void assert_table(const char *text, const char *want)
{
    assert_string_equal(shown(text, strlen(text), NULL, 0), want);
}

static void lines_become_rows(void **state)
{
    (void)state;
    assert_table("user,password\nann,x\nben,y\n", "user|password/ann|x/ben|y");
    assert_table("user,password\r\nann,x\r\nben,y", "user|password/ann|x/ben|y");
    assert_table("\xef\xbb\xbfuser\nann\n", "user/ann");
    assert_table(" user , password \n ann , x \n", "user|password/ ann | x ");
    assert_table("a,b\n,\n", "a|b/|");
    assert_table("a\n1", "a/1");
    assert_table("a\n", "a");
    assert_table("a", "a");
    assert_table("\xc3\xa4\n\xc3\xb6\n", "\xc3\xa4/\xc3\xb6");
}

static void quoted_fields_hold_commas_quotes_and_lines(void **state)
{
    (void)state;
    assert_table("\"a\",\"b\"\n\"1,2\",\"x \"\"y\"\"\"\n", "a|b/1,2|x \"y\"");
    assert_table("a,b\n\"one\ntwo\r\n\",3\r\n\"\",\"\"\"\"\n", "a|b/one\ntwo\r\n|3/|\"");
    assert_table("a\n\"\"\n\"x\"", "a//x");
}

static void empty_lines_are_skipped(void **state)
{
    (void)state;
    assert_table("\n\r\na,b\n\n1,2\n\r\n\n3,4\n\n\n", "a|b/1|2/3|4");
}

static void faults_name_their_line(void **state)
{
    (void)state;
    assert_table("", "fault: 1: there is nothing in it");
    assert_table("\n\n", "fault: 3: there is nothing in it");
    assert_table("\xef\xbb\xbf", "fault: 1: there is nothing in it");
    assert_table("a,b\n1,2\n3\n", "fault: 3: there are fewer fields than columns");
    assert_table("a,b\n1,2\n3,4,5\n", "fault: 3: there are more fields than columns");
    assert_table("a,b\n\"1\n1\",2\n\n3", "fault: 5: there are fewer fields than columns");
    assert_table("a\n\"x\n\ny", "fault: 2: a quoted field begins here and never ends");
    assert_table("a\n\"", "fault: 2: a quoted field begins here and never ends");
    assert_table("a\n\"x\"\"", "fault: 2: a quoted field begins here and never ends");
    assert_table("a\n1\n\"x\"y\n", "fault: 3: something follows the closing quote of a field");
    assert_table("a\n1\n\"x\" \n", "fault: 3: something follows the closing quote of a field");
    assert_table("a\nx\"y\"\n", "fault: 2: a quote stands in the middle of a field; such a field is quoted as a whole");
    assert_table("a\nx\ry\n", "fault: 2: a carriage return stands alone, without a line feed");
    assert_table("a\nx\r", "fault: 2: a carriage return stands alone, without a line feed");
    assert_table("a,\n1,2\n", "fault: 1: a column has no name");
    assert_table("a,b,a\n1,2,3\n", "fault: 1: two columns have one name");
    assert_string_equal(shown("a\n\0\n", 4, NULL, 0), "fault: 1: there is a NUL byte in it; the text is to be UTF-8");
}

static void names_can_be_given(void **state)
{
    const struct cit_slice names[] = { CIT_SLICE_LIT("x"), CIT_SLICE_LIT("y") };
    const struct cit_slice same[] = { CIT_SLICE_LIT("x"), CIT_SLICE_LIT("x") };

    (void)state;
    assert_string_equal(shown("1,2\n3,4", 7, names, 2), "x|y/1|2/3|4");
    assert_string_equal(shown("1,2\n3", 5, names, 2), "fault: 2: there are fewer fields than columns");
    assert_string_equal(shown("1,2\n", 4, names, 1), "fault: 1: there are more fields than columns");
    assert_string_equal(shown("1,2\n", 4, same, 2), "fault: 1: two columns have one name");
    assert_string_equal(shown("", 0, names, 2), "fault: 1: there is nothing in it");
    assert_string_equal(shown(NULL, 0, names, 2), "fault: 1: there is nothing in it");
}

static void columns_are_bounded(void **state)
{
    static char text[CIT_CSV_COLUMNS_MAX * 8 + 100];
    struct cit_slice many[CIT_CSV_COLUMNS_MAX + 1] = { 0 };
    size_t n = 0;

    (void)state;
    for (int i = 0; i < CIT_CSV_COLUMNS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%sc%d", i == 0 ? "" : ",", i);
    assert_int_equal(strncmp(shown(text, n, NULL, 0), "c0|c1|", 6), 0);
    n += (size_t)snprintf(text + n, sizeof text - n, ",more");
    assert_string_equal(shown(text, n, NULL, 0), "limit: 1: there are more than 256 columns");
    assert_string_equal(shown("a", 1, many, CIT_CSV_COLUMNS_MAX + 1), "limit: 1: there are more than 256 columns");
}

/* At every length of a text with everything in it, up to a page nobody may read. */
static void no_byte_past_the_end_is_read(void **state)
{
    static const char text[] = "\xef\xbb\xbf\r\na,\"b\"\r\n1,\"x\"\"y\n\"\r\n\"\",\n";
    struct guard g = { 0 };

    (void)state;
    assert_true(guard_init(&g, sizeof text));
    for (size_t n = 0; n < sizeof text; n++)
        assert_true(strlen(shown(guard_put(&g, text, n), n, NULL, 0)) > 0);
    guard_fini(&g);
}

static void a_big_table_is_read_whole(void **state)
{
    enum { LINES = 5000 };
    char *text = malloc(LINES * 40);
    struct cit_arena a;
    struct cit_csv csv = { 0 };
    struct cit_csv_fault fault;
    size_t n = (size_t)sprintf(text, "user,password\n");

    (void)state;
    for (int i = 0; i < LINES; i++)
        n += (size_t)sprintf(text + n, "user%d,\"pass\"\"%d\"\n", i, i);
    cit_arena_init(&a, 16 << 20);
    assert_int_equal(cit_csv_parse(cit_slice(text, n), NULL, &a, &csv, &fault), CIT_OK);
    assert_int_equal(csv.lines, LINES);
    assert_true(cit_slice_eq(cit_csv_cell(&csv, 4999, 0), CIT_SLICE_LIT("user4999")));
    assert_true(cit_slice_eq(cit_csv_cell(&csv, 4321, 1), CIT_SLICE_LIT("pass\"4321")));
    cit_arena_fini(&a);
    free(text);
}

static void without_memory_nothing_is_given(void **state)
{
    const struct cit_slice names[] = { CIT_SLICE_LIT("a"), CIT_SLICE_LIT("b") };
    const struct cit_csv_columns given = { names, 2 };
    static char text[40000];
    int err = CIT_ENOMEM;

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "1,\"2\"\"", 6);
    text[sizeof text - 1] = '"';
    for (unsigned long at = 1; err == CIT_ENOMEM; at++) {
        struct cit_arena a;
        struct cit_csv csv = { .lines = 77 };
        struct cit_csv_fault fault = { 0 };

        cit_arena_init(&a, 1 << 20);
        cit_mem_fail_at(at);
        err = cit_csv_parse(cit_slice(text, sizeof text), at % 2 == 0 ? &given : NULL, &a, &csv, &fault);
        cit_mem_fail_at(0);
        assert_true(err == CIT_OK || (csv.lines == 77 && fault.why == NULL));
        cit_arena_fini(&a);
        assert_true(at < 20);
    }
    assert_int_equal(err, CIT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_become_rows),
        cmocka_unit_test(quoted_fields_hold_commas_quotes_and_lines),
        cmocka_unit_test(empty_lines_are_skipped),
        cmocka_unit_test(faults_name_their_line),
        cmocka_unit_test(names_can_be_given),
        cmocka_unit_test(columns_are_bounded),
        cmocka_unit_test(no_byte_past_the_end_is_read),
        cmocka_unit_test(a_big_table_is_read_whole),
        cmocka_unit_test(without_memory_nothing_is_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
