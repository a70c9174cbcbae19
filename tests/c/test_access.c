/* Tests of serve/access.c: every atom, every escape, and no line a peer could forge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/access.c"

#define DEFAULT "%(h)s %(l)s %(u)s %(t)s \"%(r)s\" %(s)s %(b)s \"%(f)s\" \"%(a)s\""

#define FIELD(n, v)                                                                  \
    {                                                                                \
        .name = (n), .value = (v), .name_n = sizeof(n) - 1, .value_n = sizeof(v) - 1 \
    }

static struct cit_h1_field fields[] = {
    FIELD("Host", "example.org"),
    FIELD("User-Agent", "curl/8 \"x\" \\ \x01\xff"),
    FIELD("Referer", "http://example.org/"),
    FIELD("X-Thing", "first"),
    FIELD("x-thing", "last"),
    FIELD("Authorization", "Basic YWxpY2U6c2VjcmV0"), /* alice:secret */
};

static struct cit_h1_head head;
static struct cit_access_rec rec;

static int make_rec(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    head = (struct cit_h1_head){ .method = CIT_SLICE_LIT("GET"),
                                 .target = CIT_SLICE_LIT("/a?b=c"),
                                 .path = CIT_SLICE_LIT("/a"),
                                 .query = CIT_SLICE_LIT("b=c"),
                                 .has_query = true,
                                 .minor = 1,
                                 .host = CIT_SLICE_LIT("example.org"),
                                 .fields = fields,
                                 .nfields = sizeof fields / sizeof *fields };
    rec = (struct cit_access_rec){ .head = &head,
                                   .resp_head = CIT_SLICE_LIT("HTTP/1.1 200 OK\r\nServer: citrate\r\n"
                                                              "X-Out:  a b \r\nx-out: c\r\n"
                                                              "Content-Type:text/html\r\n\r\n"),
                                   .remote = "192.0.2.7",
                                   .status = 200,
                                   .body_bytes = 1234,
                                   .wall_ns = 1795258923 * CIT_SEC_NS + 4 * CIT_MS_NS, /* 2026-11-21T11:02:03Z */
                                   .took_ns = 2003004005,
                                   .pid = 77 };
    return 0;
}

static void assert_line(const char *format, bool json, const char *expect)
{
    struct cit_access *a = NULL;
    struct cit_buf out;
    size_t at = 0;

    assert_int_equal(cit_access_new(format, json, &a, &at), CIT_OK);
    cit_buf_init(&out, 16384);
    assert_int_equal(cit_access_line(a, &rec, &out), CIT_OK);
    assert_int_equal(cit_buf_add(&out, "", 1), CIT_OK);
    assert_string_equal(out.p, expect);
    cit_buf_fini(&out);
    cit_access_free(a);
}

/* ---- atoms ---- */

static void the_default_format_is_the_combined_one(void **state)
{
    (void)state;
    assert_line(DEFAULT, false,
                "192.0.2.7 - alice [21/Nov/2026:11:02:03 +0000] \"GET /a?b=c HTTP/1.1\" 200 1234 "
                "\"http://example.org/\" \"curl/8 \\x22x\\x22 \\x5c \\x01\\xff\"");
}

static void every_atom_has_its_value(void **state)
{
    (void)state;
    assert_line("%(m)s|%(U)s|%(q)s|%(H)s|%(B)s|%(T)s|%(M)s|%(D)s|%(L)s|%(p)s|%%", false,
                "GET|/a|b=c|HTTP/1.1|1234|2|2003|2003004|2.003004|<77>|%");
    assert_line("%(s)d %(B)d %(T)d %(M)d %(D)d", false, "200 1234 2 2003 2003004");
    assert_line("", false, "");
    assert_line("no atoms", false, "no atoms");
}

static void the_last_of_several_fields_counts_and_names_have_no_case(void **state)
{
    (void)state;
    assert_line("%({X-THING}i)s %({none}i)s %({X-Out}o)s %({content-type}o)s %({none}o)s %({Serve}o)s", false,
                "last - c text/html - -");
}

static void the_environment_is_read_when_the_format_is_compiled(void **state)
{
    (void)state;
    assert_int_equal(setenv("CIT_TEST_ENV", "a\"b", 1), 0);
    assert_line("<%({CIT_TEST_ENV}e)s>%({CIT_TEST_NONE}e)s", false, "<a\\x22b>-");
}

static void what_is_absent_is_a_dash(void **state)
{
    (void)state;
    head = (struct cit_h1_head){ .fields = fields };
    rec.remote = "";
    rec.body_bytes = 0;
    rec.resp_head = cit_slice(NULL, 0);
    assert_line("%(h)s %(u)s \"%(r)s\" %(m)s %(U)s %(b)s %(B)s %(f)s %(a)s %({x}o)s %(H)s", false,
                "- - \"-\" - - - 0 - - - HTTP/1.0");
    head.method = CIT_SLICE_LIT("GET");
    assert_line("%(r)s", false, "GET");
}

static void negative_numbers_of_a_clock_set_back_are_zero(void **state)
{
    (void)state;
    rec.took_ns = -5;
    rec.wall_ns = -5;
    assert_line("%(T)s %(M)s %(D)s %(L)s %(t)s", false, "0 0 0 0.000000 [01/Jan/1970:00:00:00 +0000]");
}

static void the_user_comes_from_well_formed_basic_credentials_only(void **state)
{
    static const struct {
        const char *value, *user;
    } rows[] = {
        { "Basic YWxpY2U6c2VjcmV0", "alice" },
        { "basic   YWxpY2U6c2VjcmV0", "alice" },
        { "Basic OnNlY3JldA==", "-" },       /* :secret */
        { "Basic YWxpY2U=", "-" },           /* no colon */
        { "Basic YSBiOng=", "a\\x20b" },     /* "a b:x" */
        { "Basic YQoiOng=", "a\\x0a\\x22" }, /* a, LF and a quote */
        { "Basic !!!!", "-" },
        { "Basic ", "-" },
        { "Bearer YWxpY2U6c2VjcmV0", "-" },
        { "", "-" },
    };
    struct cit_h1_field f = FIELD("authorization", "");

    (void)state;
    head.fields = &f;
    head.nfields = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        f.value = rows[i].value;
        f.value_n = (uint32_t)strlen(rows[i].value);
        assert_line("%(u)s", false, rows[i].user);
    }
}

/* ---- time ---- */

static void the_calendar_agrees_with_the_c_library_on_every_day(void **state)
{
    (void)state;
    for (int64_t s = 0; s < 253402300800; s += 86400 * 3 + 3607) { /* 1970 to 9999 */
        struct civil c = civil_of(s);
        time_t t = (time_t)s;
        struct tm tm;

        assert_non_null(gmtime_r(&t, &tm));
        if (c.year != tm.tm_year + 1900 || c.month != (uint32_t)tm.tm_mon + 1 || c.day != (uint32_t)tm.tm_mday ||
            c.hour != (uint32_t)tm.tm_hour || c.minute != (uint32_t)tm.tm_min || c.second != (uint32_t)tm.tm_sec)
            fail_msg("%lld is %lld-%u-%u", (long long)s, (long long)c.year, c.month, c.day);
    }
}

static void the_calendar_knows_leap_days_and_times_before_1970(void **state)
{
    struct civil c = civil_of(951782400); /* 2000-02-29 */

    (void)state;
    assert_true(c.year == 2000 && c.month == 2 && c.day == 29);
    c = civil_of(4107542400); /* 2100-03-01: 2100 is no leap year */
    assert_true(c.year == 2100 && c.month == 3 && c.day == 1);
    c = civil_of(-1);
    assert_true(c.year == 1969 && c.month == 12 && c.day == 31 && c.hour == 23 && c.second == 59);
}

static void the_time_is_local_with_its_offset_also_when_that_changes(void **state)
{
    struct cit_access *a = NULL;
    struct cit_buf out;
    size_t at;
    const int64_t change = 1774746000; /* 2026-03-29T01:00Z, the clocks of Berlin go forward */

    (void)state;
    assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
    tzset();
    assert_int_equal(cit_access_new("%(t)s", false, &a, &at), CIT_OK);
    cit_buf_init(&out, 200);
    for (int64_t s = change - 1; s < change + 1; s++) {
        rec.wall_ns = s * CIT_SEC_NS;
        assert_int_equal(cit_access_line(a, &rec, &out), CIT_OK);
        assert_int_equal(cit_access_line(a, &rec, &out), CIT_OK); /* from the memo */
    }
    assert_int_equal(cit_buf_add(&out, "", 1), CIT_OK);
    assert_string_equal(out.p, "[29/Mar/2026:01:59:59 +0100][29/Mar/2026:01:59:59 +0100]"
                               "[29/Mar/2026:03:00:00 +0200][29/Mar/2026:03:00:00 +0200]");
    cit_buf_fini(&out);
    cit_access_free(a);
    assert_int_equal(setenv("TZ", "NST3:30", 1), 0);
    tzset();
    rec.wall_ns = 1795258923 * CIT_SEC_NS;
    assert_line("%(t)s", false, "[21/Nov/2026:07:32:03 -0330]");
}

/* ---- formats that are not valid ---- */

static void an_unknown_atom_is_refused_with_its_offset(void **state)
{
    static const struct {
        const char *format;
        size_t at;
    } rows[] = {
        { "%(x)s", 0 },   { "ab %(hh)s", 3 }, { "%(h)s %()s", 6 }, { "%(h)s%", 5 },
        { "%(h", 0 },     { "%(h)", 0 },      { "%(h)q", 0 },      { "%(h)d", 0 },
        { "%h", 0 },      { "%({a}x)s", 0 },  { "%({}i)s", 0 },    { "%({a}i)d", 0 },
        { "%%%(z)s", 2 }, { "%({a}i", 0 },    { "x %s", 2 },       { "%({ai)s", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cit_access *a = (void *)&rec;
        size_t at = 99;

        assert_int_equal(cit_access_new(rows[i].format, false, &a, &at), CIT_EINVAL);
        assert_int_equal(at, rows[i].at);
        assert_ptr_equal(a, &rec);
    }
}

/* ---- bounds ---- */

static void every_byte_that_must_be_escaped_is_found_wherever_it_stands(void **state)
{
    char text[20];

    (void)state;
    for (size_t from = 0; from < sizeof text; from++) {
        for (size_t at = from; at < sizeof text; at++) {
            for (int c = 0; c < 256; c++) {
                memset(text, 'a', sizeof text);
                text[at] = (char)c;
                assert_int_equal(plain_until(cit_slice(text, sizeof text), from),
                                 is_plain((unsigned char)c) ? sizeof text : at);
            }
        }
    }
}

static void a_long_value_is_cut_and_the_line_is_kept(void **state)
{
    char *big = cit_malloc(60000);
    struct cit_access *a = NULL;
    struct cit_buf out;
    size_t at;

    (void)state;
    assert_non_null(big);
    cit_buf_init(&out, 16384);
    for (int json = 0; json < 2; json++) {
        assert_int_equal(cit_access_new(DEFAULT, json, &a, &at), CIT_OK);
        for (int c = 1; c < 256; c++) {
            memset(big, c, 60000);
            head.target = head.path = head.query = head.method = head.host = cit_slice(big, 60000);
            fields[1].value = fields[2].value = big;
            fields[1].value_n = fields[2].value_n = 60000;
            out.len = 0;
            assert_int_equal(cit_access_line(a, &rec, &out), CIT_OK);
            assert_true(out.len > 3000 && out.len < 7 * CIT_ACCESS_VALUE_MAX + 400);
        }
        cit_access_free(a);
    }
    cit_buf_fini(&out);
    cit_free(big);
    fields[1] = (struct cit_h1_field)FIELD("User-Agent", "curl/8 \"x\" \\ \x01\xff");
    fields[2] = (struct cit_h1_field)FIELD("Referer", "http://example.org/");
}

static void a_line_that_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
    struct cit_access *a = NULL;
    size_t at;

    (void)state;
    for (int json = 0; json < 2; json++) {
        assert_int_equal(cit_access_new(DEFAULT, json, &a, &at), CIT_OK);
        for (size_t max = 2; max < 130; max++) {
            struct cit_buf out;

            cit_buf_init(&out, max);
            assert_int_equal(cit_buf_add(&out, "ab", 2), CIT_OK);
            assert_int_equal(cit_access_line(a, &rec, &out), CIT_ELIMIT);
            assert_int_equal(out.len, 2);
            cit_buf_fini(&out);
        }
        cit_access_free(a);
    }
}

static void every_allocation_may_fail(void **state)
{
    struct cit_access *a = (void *)&rec;
    size_t at = 99;
    unsigned long n = 1;
    int err;

    (void)state;
    for (;; n++) {
        cit_mem_fail_at(n);
        err = cit_access_new("literal %({CIT_TEST_ENV}e)s %({x}i)s" DEFAULT, false, &a, &at);
        cit_mem_fail_at(0);
        if (err == CIT_OK)
            break;
        assert_int_equal(err, CIT_ENOMEM);
        assert_ptr_equal(a, &rec);
        assert_int_equal(at, 99);
    }
    assert_true(n > 3);
    for (n = 1;; n++) {
        struct cit_buf out;

        cit_buf_init(&out, 16384);
        cit_mem_fail_at(n);
        err = cit_access_line(a, &rec, &out);
        cit_mem_fail_at(0);
        assert_true(err == CIT_OK ? out.len > 0 : err == CIT_ENOMEM && out.len == 0);
        cit_buf_fini(&out);
        if (err == CIT_OK)
            break;
    }
    assert_true(n > 1);
    cit_access_free(a);
    cit_access_free(NULL);
}

/* ---- JSON ---- */

static void a_json_line_is_one_object(void **state)
{
    (void)state;
    assert_line(NULL, true,
                "{\"time\":\"2026-11-21T11:02:03.004Z\",\"remote\":\"192.0.2.7\",\"method\":\"GET\",\"path\":\"/a\","
                "\"query\":\"b=c\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":1234,\"duration_us\":2003004,"
                "\"referer\":\"http://example.org/\",\"user_agent\":\"curl/8 \\\"x\\\" \\\\ \\u0001\\u00ff\","
                "\"host\":\"example.org\",\"pid\":77}");
}

static void what_is_absent_is_null_in_json(void **state)
{
    (void)state;
    head = (struct cit_h1_head){ .fields = fields };
    rec.remote = "";
    assert_line(NULL, true,
                "{\"time\":\"2026-11-21T11:02:03.004Z\",\"remote\":null,\"method\":null,\"path\":null,"
                "\"query\":null,\"protocol\":\"HTTP/1.0\",\"status\":200,\"bytes\":1234,\"duration_us\":2003004,"
                "\"referer\":null,\"user_agent\":null,\"host\":null,\"pid\":77}");
}

static void json_keeps_well_formed_utf8_and_escapes_all_else(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        { "\xc3\xa9", "\xc3\xa9" },
        { "\xe2\x82\xac", "\xe2\x82\xac" },
        { "\xf0\x9f\x8d\x8b", "\xf0\x9f\x8d\x8b" },
        { "\xc3", "\\u00c3" }, /* cut */
        { "\xc3\x28", "\\u00c3(" },
        { "\xc0\xaf", "\\u00c0\\u00af" },            /* overlong */
        { "\xe0\x9f\xbf", "\\u00e0\\u009f\\u00bf" }, /* overlong */
        { "\xf0\x8f\xbf\xbf", "\\u00f0\\u008f\\u00bf\\u00bf" },
        { "\xed\xa0\x80", "\\u00ed\\u00a0\\u0080" },            /* a surrogate */
        { "\xf4\x90\x80\x80", "\\u00f4\\u0090\\u0080\\u0080" }, /* past U+10FFFF */
        { "\xf5", "\\u00f5" },
        { "\x7f\t\n", "\\u007f\\u0009\\u000a" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cit_buf out;
        struct line l = { .out = &out, .err = CIT_OK };

        cit_buf_init(&out, 100);
        put_json(&l, cit_slice_str(rows[i].in));
        assert_int_equal(cit_buf_add(&out, "", 1), CIT_OK);
        assert_int_equal(out.len, strlen(rows[i].out) + 3);
        assert_memory_equal(out.p + 1, rows[i].out, out.len - 3);
        cit_buf_fini(&out);
    }
}

int main(void)
{
#define WITH_REC(test) cmocka_unit_test_setup(test, make_rec)
    const struct CMUnitTest tests[] = {
        WITH_REC(the_default_format_is_the_combined_one),
        WITH_REC(every_atom_has_its_value),
        WITH_REC(the_last_of_several_fields_counts_and_names_have_no_case),
        WITH_REC(the_environment_is_read_when_the_format_is_compiled),
        WITH_REC(what_is_absent_is_a_dash),
        WITH_REC(negative_numbers_of_a_clock_set_back_are_zero),
        WITH_REC(the_user_comes_from_well_formed_basic_credentials_only),
        WITH_REC(the_calendar_agrees_with_the_c_library_on_every_day),
        WITH_REC(the_calendar_knows_leap_days_and_times_before_1970),
        WITH_REC(the_time_is_local_with_its_offset_also_when_that_changes),
        WITH_REC(an_unknown_atom_is_refused_with_its_offset),
        WITH_REC(every_byte_that_must_be_escaped_is_found_wherever_it_stands),
        WITH_REC(a_long_value_is_cut_and_the_line_is_kept),
        WITH_REC(a_line_that_does_not_fit_leaves_the_buffer_as_it_was),
        WITH_REC(every_allocation_may_fail),
        WITH_REC(a_json_line_is_one_object),
        WITH_REC(what_is_absent_is_null_in_json),
        WITH_REC(json_keeps_well_formed_utf8_and_escapes_all_else),
    };
#undef WITH_REC

    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
