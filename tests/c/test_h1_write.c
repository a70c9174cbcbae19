/* tests/c/test_h1_write.c - what is written, to the byte, and that the parser reads it. */
#include "http/h1_write.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"

static bool is(const struct cit_buf *b, const char *text)
{
    return b->len == strlen(text) && (b->len == 0 || memcmp(b->p, text, b->len) == 0);
}

static void a_response_head_is_written_to_the_byte(void **state)
{
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 1000);
    assert_int_equal(cit_h1_write_status(&b, 404, cit_slice_str("Not Found")), CIT_OK);
    assert_int_equal(cit_h1_write_field(&b, cit_slice_str("X"), cit_slice_str("y z")), CIT_OK);
    assert_int_equal(cit_h1_write_field(&b, cit_slice_str("E"), cit_slice(NULL, 0)), CIT_OK);
    assert_true(is(&b, "HTTP/1.1 404 Not Found\r\nX: y z\r\nE: \r\n"));
    b.len = 0;
    assert_int_equal(cit_h1_write_status(&b, 200, cit_slice(NULL, 0)), CIT_OK);
    assert_true(is(&b, "HTTP/1.1 200 \r\n"));
    cit_buf_fini(&b);
}

static void a_status_without_three_digits_is_refused(void **state)
{
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 1000);
    assert_int_equal(cit_h1_write_status(&b, 99, cit_slice_str("x")), CIT_EINVAL);
    assert_int_equal(cit_h1_write_status(&b, 1000, cit_slice_str("x")), CIT_EINVAL);
    assert_int_equal(cit_h1_write_status(&b, -200, cit_slice_str("x")), CIT_EINVAL);
    assert_int_equal(b.len, 0);
    cit_buf_fini(&b);
}

static void a_written_head_is_read_back(void **state)
{
    static const struct cit_h1_limits lim = { 100, 10, 100, 1000 };
    struct cit_h1_field fields[4];
    struct cit_h1_head h = { .fields = fields, .cap = 4 };
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 1000);
    assert_int_equal(cit_h1_write_request(&b, cit_slice_str("PUT"), cit_slice_str("/a?b")), CIT_OK);
    assert_int_equal(cit_h1_write_field(&b, cit_slice_str("Host"), cit_slice_str("h")), CIT_OK);
    assert_int_equal(cit_buf_add_str(&b, "\r\n"), CIT_OK);
    assert_true(is(&b, "PUT /a?b HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_int_equal(cit_h1_parse_request(b.p, b.len, 0, &lim, &h), (int)b.len);
    assert_int_equal(h.method_id, CIT_METHOD_PUT);
    b.len = 0;
    assert_int_equal(cit_h1_write_status(&b, 503, cit_slice_str(cit_http_reason(503))), CIT_OK);
    assert_int_equal(cit_buf_add_str(&b, "\r\n"), CIT_OK);
    assert_int_equal(cit_h1_parse_response(b.p, b.len, 0, &lim, &h), (int)b.len);
    assert_int_equal(h.status, 503);
    assert_true(cit_slice_eq(h.reason, cit_slice_str("Service Unavailable")));
    cit_buf_fini(&b);
}

static void past_the_bound_nothing_is_written(void **state)
{
    struct cit_h1_field trailer = { .name = "X", .name_n = 1, .value = "yyyyyyyy", .value_n = 8 };
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 14);
    assert_int_equal(cit_h1_write_status(&b, 200, cit_slice_str("OK")), CIT_ELIMIT);
    assert_int_equal(cit_h1_write_field(&b, cit_slice_str("Name"), cit_slice_str("a value")), CIT_ELIMIT);
    assert_int_equal(cit_h1_write_request(&b, cit_slice_str("GET"), cit_slice_str("/")), CIT_ELIMIT);
    assert_int_equal(cit_h1_write_last_chunk(&b, &trailer, 1), CIT_ELIMIT);
    assert_int_equal(b.len, 0);
    cit_buf_fini(&b);
}

static void without_memory_nothing_is_written(void **state)
{
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 1000);
    cit_mem_fail_at(1);
    assert_int_equal(cit_h1_write_status(&b, 200, cit_slice_str("OK")), CIT_ENOMEM);
    cit_mem_fail_at(1);
    assert_int_equal(cit_h1_write_last_chunk(&b, NULL, 0), CIT_ENOMEM);
    cit_mem_fail_at(0);
    assert_int_equal(b.len, 0);
    cit_buf_fini(&b);
}

static void chunk_heads_are_lower_case_hexadecimal(void **state)
{
    static const struct {
        uint64_t n;
        const char *text;
    } rows[] = { { 0, "0\r\n" },
                 { 1, "1\r\n" },
                 { 15, "f\r\n" },
                 { 16, "10\r\n" },
                 { 500, "1f4\r\n" },
                 { 65536, "10000\r\n" },
                 { UINT64_MAX, "ffffffffffffffff\r\n" } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[CIT_H1_CHUNK_HEAD_MAX];
        size_t n = cit_h1_chunk_head(out, rows[i].n);

        assert_int_equal(n, strlen(rows[i].text));
        assert_memory_equal(out, rows[i].text, n);
    }
}

static void the_last_chunk_carries_the_trailers(void **state)
{
    struct cit_h1_field trailers[] = { { .name = "A", .name_n = 1, .value = "b", .value_n = 1 },
                                       { .name = "C", .name_n = 1, .value = "", .value_n = 0 } };
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 100);
    assert_int_equal(cit_h1_write_last_chunk(&b, NULL, 0), CIT_OK);
    assert_true(is(&b, "0\r\n\r\n"));
    b.len = 0;
    assert_int_equal(cit_h1_write_last_chunk(&b, trailers, 2), CIT_OK);
    assert_true(is(&b, "0\r\nA: b\r\nC: \r\n\r\n"));
    cit_buf_fini(&b);
}

static void reasons_are_those_of_the_registry(void **state)
{
    (void)state;
    assert_string_equal(cit_http_reason(200), "OK");
    assert_string_equal(cit_http_reason(413), "Content Too Large");
    assert_string_equal(cit_http_reason(431), "Request Header Fields Too Large");
    assert_string_equal(cit_http_reason(299), "");
    assert_string_equal(cit_http_reason(-1), "");
}

static void tokens_and_values_follow_the_grammar(void **state)
{
    (void)state;
    assert_true(cit_http_is_token(cit_slice_str("X-a!#$%&'*+.^_`|~9")));
    assert_false(cit_http_is_token(cit_slice(NULL, 0)));
    assert_false(cit_http_is_token(cit_slice_str("a b")));
    assert_false(cit_http_is_token(cit_slice_str("a:")));
    assert_false(cit_http_is_token(CIT_SLICE_LIT("a\0")));
    assert_true(cit_http_is_field_value(cit_slice(NULL, 0)));
    assert_true(cit_http_is_field_value(cit_slice_str("a\tb \xe9")));
    assert_false(cit_http_is_field_value(cit_slice_str("a\r\nB: c")));
    assert_false(cit_http_is_field_value(CIT_SLICE_LIT("a\0")));
    assert_false(cit_http_is_field_value(cit_slice_str("\x7f")));
    assert_false(cit_http_is_field_value(cit_slice_str("\x1b[0m")));
}

static void exactly_nine_fields_are_hop_by_hop(void **state)
{
    unsigned count = 0;

    (void)state;
    for (int id = CIT_FIELD_OTHER; id < CIT_FIELD_COUNT; id++)
        count += cit_field_is_hop_by_hop((enum cit_field_id)id);
    assert_int_equal(count, 9);
    assert_true(cit_field_is_hop_by_hop(CIT_FIELD_TRANSFER_ENCODING));
    assert_false(cit_field_is_hop_by_hop(CIT_FIELD_CONTENT_LENGTH));
    assert_false(cit_field_is_hop_by_hop(CIT_FIELD_OTHER));
}

static void dates_agree_with_the_c_library(void **state)
{
    static const int64_t edges[] = { 0, 951782399, 951782400, 951868800, 784111777, 4107542400, 253402300799 };
    uint64_t at = 1;

    (void)state;
    for (size_t i = 0; i < 20000; i++) {
        int64_t now = i < sizeof edges / sizeof *edges ? edges[i] : (int64_t)(at % 253402300800U);
        char ours[CIT_HTTP_DATE_LEN + 1], theirs[64];
        time_t seconds = (time_t)now;
        struct tm tm;

        assert_non_null(gmtime_r(&seconds, &tm));
        strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        cit_http_date(now, ours);
        assert_string_equal(ours, theirs);
        at = at * 6364136223846793005U + 1442695040888963407U;
    }
}

static void a_date_out_of_range_is_the_nearest_one(void **state)
{
    char out[CIT_HTTP_DATE_LEN + 1];

    (void)state;
    cit_http_date(-1, out);
    assert_string_equal(out, "Thu, 01 Jan 1970 00:00:00 GMT");
    cit_http_date(INT64_MAX, out);
    assert_string_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_head_is_written_to_the_byte),
        cmocka_unit_test(a_status_without_three_digits_is_refused),
        cmocka_unit_test(a_written_head_is_read_back),
        cmocka_unit_test(past_the_bound_nothing_is_written),
        cmocka_unit_test(without_memory_nothing_is_written),
        cmocka_unit_test(chunk_heads_are_lower_case_hexadecimal),
        cmocka_unit_test(the_last_chunk_carries_the_trailers),
        cmocka_unit_test(reasons_are_those_of_the_registry),
        cmocka_unit_test(tokens_and_values_follow_the_grammar),
        cmocka_unit_test(exactly_nine_fields_are_hop_by_hop),
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(a_date_out_of_range_is_the_nearest_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
