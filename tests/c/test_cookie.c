/* tests/c/test_cookie.c - one user's cookies: dates, attributes, domains, paths, order, bounds, failed allocations. */
#include "load/cookie.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { NOW = 1700000000 };

static void take_at(struct cit_jar *jar, const char *value, const char *host, const char *path)
{
    assert_int_equal(cit_jar_take(jar, cit_slice_str(value), cit_slice_str(host), cit_slice_str(path), NOW), CIT_OK);
}

static void take(struct cit_jar *jar, const char *value)
{
    take_at(jar, value, "shop.example", "/a/b");
}

static void assert_sent(const struct cit_jar *jar, const char *host, const char *path, const char *want)
{
    char got[2000];
    struct cit_buf out;

    cit_buf_init(&out, sizeof got - 1);
    assert_int_equal(
        cit_jar_put(jar, &(struct cit_cookie_use){ cit_slice_str(host), cit_slice_str(path), false, NOW }, &out),
        CIT_OK);
    snprintf(got, sizeof got, "%.*s", (int)out.len, out.len > 0 ? out.p : "");
    assert_string_equal(got, want);
    cit_buf_fini(&out);
}

/* ---- dates ---- */

static void assert_date(const char *text, int64_t want)
{
    int64_t got = -1;

    if (!cit__cookie_date(cit_slice_str(text), &got))
        got = -1;
    if (got != want)
        print_message("%s\n", text);
    assert_int_equal(got, want);
}

static void dates_are_read_in_every_form_servers_write(void **state)
{
    (void)state;
    assert_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    assert_date("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
    assert_date("Sun Nov  6 08:49:37 1994", 784111777);
    assert_date("6 november 94 8:49:37", 784111777);
    assert_date("1994/Nov/06;08:49:37", 784111777);
    assert_date("Thu, 01 Jan 1970 00:00:00 GMT", 0);
    assert_date("Thu, 01-Jan-1970 00:00:01 GMT", 1);
    assert_date("Tue, 29 Feb 2000 00:00:00 GMT", 951782400);
    assert_date("Tue, 29 Feb 2028 23:59:59 GMT", 1835481599);
    assert_date("Mon, 01 Mar 2100 00:00:00 GMT", 4107542400);
    assert_date("Fri, 31 Dec 9999 23:59:59 GMT", 253402300799);
    assert_date("01 Jan 69 00:00:00", 3124224000); /* 2069 */
    assert_date("01 Jan 70 00:00:00", 0);
    assert_date("12:00:00x 2th Februaryish 2024y", 1706875200);
    assert_date("Mon, 01 Jan 1601 00:00:00 GMT", -11644473600);
}

static void what_is_no_date_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "0",
        "now",
        "Sun, 06 Nov 1994",
        "08:49:37 Nov 1994",
        "06 Nov 08:49:37",
        "06 1994 08:49:37",
        "30 Feb 2024 00:00:00",
        "29 Feb 2023 00:00:00",
        "29 Feb 2100 00:00:00",
        "31 Apr 2024 00:00:00",
        "32 Jan 2024 00:00:00",
        "00 Jan 2024 00:00:00",
        "01 Jan 1600 00:00:00",
        "01 Jan 2024 24:00:00",
        "01 Jan 2024 00:60:00",
        "01 Jan 2024 00:00:60",
        "01 Jan 20245 00:00:00",
        "01 Jan 2 00:00:00",
        "01 Jan 2024 000:00:00",
        "01 Jan 2024 00:00",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_date(wrong[i], -1);
}

/* ---- what is kept ---- */

static void cookies_come_back(void **state)
{
    struct cit_jar jar = { 0 };

    (void)state;
    assert_sent(&jar, "shop.example", "/", "");
    take(&jar, "a=1");
    take(&jar, " b = x y ; HttpOnly; SameSite=Lax");
    take(&jar, "c=");
    take(&jar, "d=x=y==");
    take(&jar, "e=\"quoted\"");
    assert_sent(&jar, "shop.example", "/a/c", "a=1; b=x y; c=; d=x=y==; e=\"quoted\"");
    assert_sent(&jar, "SHOP.Example", "/a", "a=1; b=x y; c=; d=x=y==; e=\"quoted\"");
    assert_int_equal(jar.n, 5);
    cit_jar_fini(&jar);
    assert_int_equal(jar.n, 0);
    assert_null(jar.first);
}

static void what_says_nothing_is_ignored(void **state)
{
    static const char *const nothing[] = {
        "",
        ";",
        "a",
        "=1",
        " =1; Path=/",
        "a; b=1",
        "a=1\x01",
        "a=1; Path=/\x7f",
        "a=1; Domain=other.example",
        "a=1; Domain=example",
        "a=1; Domain=hop.example",
        "a=1; Domain=x.shop.example",
        "__Secure-a=1",
        "__Host-a=1; Secure",
        "__Host-a=1; Secure; Path=/x",
        "__Host-a=1; Path=/",
        "__host-a=1; Secure; Path=/; Domain=shop.example",
        "a=1; Max-Age=0",
        "a=1; Max-Age=-5",
        "a=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
    };
    struct cit_jar jar = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        take(&jar, nothing[i]);
        if (jar.n != 0)
            print_message("%s\n", nothing[i]);
        assert_int_equal(jar.n, 0);
    }
    cit_jar_fini(&jar);
}

static void a_cookie_is_replaced_by_one_of_its_name_domain_and_path(void **state)
{
    struct cit_jar jar = { 0 };

    (void)state;
    take(&jar, "a=1; Path=/");
    take(&jar, "b=1; Path=/");
    take(&jar, "a=2; Path=/");
    assert_sent(&jar, "shop.example", "/", "a=2; b=1");
    take(&jar, "a=3; Path=/x");
    take(&jar, "A=4; Path=/");
    assert_int_equal(jar.n, 4);
    assert_sent(&jar, "shop.example", "/x", "a=3; a=2; b=1; A=4");
    take(&jar, "a=; Path=/; Max-Age=0");
    assert_sent(&jar, "shop.example", "/x", "a=3; b=1; A=4");
    take(&jar, "b=9; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    assert_sent(&jar, "shop.example", "/x", "a=3; A=4");
    cit_jar_fini(&jar);
}

static void longer_paths_go_first_and_then_older_cookies(void **state)
{
    struct cit_jar jar = { 0 };

    (void)state;
    take(&jar, "1=a; Path=/");
    take(&jar, "2=b; Path=/a/b");
    take(&jar, "3=c; Path=/a");
    take(&jar, "4=d; Path=/a/b");
    take(&jar, "5=e; Path=/");
    take(&jar, "1=f; Path=/");
    assert_sent(&jar, "shop.example", "/a/b/c", "2=b; 4=d; 3=c; 1=f; 5=e");
    cit_jar_fini(&jar);
}

/* ---- paths ---- */

static void a_path_fits_itself_and_what_lies_below(void **state)
{
    struct cit_jar jar = { 0 };

    (void)state;
    take(&jar, "a=1; Path=/shop");
    take(&jar, "b=1; Path=/shop/");
    assert_sent(&jar, "shop.example", "/shop", "a=1");
    assert_sent(&jar, "shop.example", "/shop?x=/shop/", "a=1");
    assert_sent(&jar, "shop.example", "/shop/", "b=1; a=1");
    assert_sent(&jar, "shop.example", "/shop/x", "b=1; a=1");
    assert_sent(&jar, "shop.example", "/shopping", "");
    assert_sent(&jar, "shop.example", "/Shop", "");
    assert_sent(&jar, "shop.example", "/", "");
    assert_sent(&jar, "shop.example", "", "");
    cit_jar_fini(&jar);
}

static void without_a_path_it_is_the_folder_of_the_request(void **state)
{
    static const struct {
        const char *request, *want;
    } rows[] = { { "/a/b/c", "/a/b" }, { "/a/b/", "/a/b" }, { "/a", "/" },       { "/", "/" },
                 { "", "/" },          { "x", "/" },        { "/a?b/c/d", "/" }, { "/a/b?c/d", "/a" } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cit_jar jar = { 0 };
        char kept[100];

        take_at(&jar, i % 2 == 0 ? "a=1" : "a=1; Path=nowhere", "h", rows[i].request);
        snprintf(kept, sizeof kept, "%.*s", CIT_SLICE_ARG(path_of(jar.first)));
        assert_string_equal(kept, rows[i].want);
        cit_jar_fini(&jar);
    }
}

static void of_two_attributes_of_one_name_the_last_counts(void **state)
{
    struct cit_jar jar = { 0 };

    (void)state;
    take(&jar, "a=1; Path=/x; path=/y; Max-Age=0; MAX-AGE=60; Domain=other.example; domain=shop.example");
    assert_sent(&jar, "shop.example", "/y", "a=1");
    assert_sent(&jar, "shop.example", "/x", "");
    cit_jar_fini(&jar);
}

/* ---- domains ---- */

static void a_domain_takes_in_the_names_below_it(void **state)
{
    struct cit_jar jar = { 0 };

    (void)state;
    take_at(&jar, "own=1; Path=/", "www.Shop.example", "/");
    take_at(&jar, "all=1; Path=/; Domain=.Shop.example", "www.shop.EXAMPLE", "/");
    take_at(&jar, "same=1; Path=/; Domain=www.shop.example", "www.shop.example", "/");
    assert_sent(&jar, "www.shop.example", "/", "own=1; all=1; same=1");
    assert_sent(&jar, "shop.example", "/", "all=1");
    assert_sent(&jar, "x.WWW.shop.example", "/", "all=1; same=1");
    assert_sent(&jar, "myshop.example", "/", "");
    assert_sent(&jar, "example", "/", "");
    cit_jar_fini(&jar);
}

static void addresses_and_names_without_a_dot_have_cookies_of_their_own(void **state)
{
    struct cit_jar jar = { 0 };

    (void)state;
    take_at(&jar, "a=1; Domain=127.0.0.1", "127.0.0.1", "/");
    take_at(&jar, "b=1; Domain=0.0.1", "127.0.0.1", "/");
    take_at(&jar, "c=1; Domain=localhost", "localhost", "/");
    take_at(&jar, "d=1; Domain=.", "localhost", "/");
    take_at(&jar, "e=1; Domain=", "::1", "/");
    take_at(&jar, "f=1; Domain=::1", "::1", "/");
    assert_sent(&jar, "127.0.0.1", "/", "a=1");
    assert_sent(&jar, "8.127.0.0.1", "/", "");
    assert_sent(&jar, "localhost", "/", "c=1; d=1");
    assert_sent(&jar, "x.localhost", "/", "");
    assert_sent(&jar, "::1", "/", "e=1; f=1");
    cit_jar_fini(&jar);
}

/* ---- time, safety, bounds ---- */

static void secure_cookies_go_over_tls_alone(void **state)
{
    struct cit_jar jar = { 0 };
    struct cit_buf out;

    (void)state;
    take(&jar, "__Host-a=1; Secure; Path=/");
    take(&jar, "__Secure-b=2; secure=yes; Domain=shop.example; Path=/");
    take(&jar, "c=3; Path=/");
    assert_sent(&jar, "shop.example", "/", "c=3");
    cit_buf_init(&out, 100);
    assert_int_equal(
        cit_jar_put(&jar, &(struct cit_cookie_use){ CIT_SLICE_LIT("shop.example"), CIT_SLICE_LIT("/"), true, NOW },
                    &out),
        CIT_OK);
    assert_int_equal(out.len, strlen("__Host-a=1; __Secure-b=2; c=3"));
    cit_buf_fini(&out);
    cit_jar_fini(&jar);
}

static bool is_sent_at(const struct cit_jar *jar, int64_t now_s)
{
    struct cit_buf out;
    bool is_sent;

    cit_buf_init(&out, 100);
    assert_int_equal(
        cit_jar_put(jar, &(struct cit_cookie_use){ CIT_SLICE_LIT("shop.example"), CIT_SLICE_LIT("/a"), false, now_s },
                    &out),
        CIT_OK);
    is_sent = out.len > 0;
    cit_buf_fini(&out);
    return is_sent;
}

static void cookies_end_when_they_say(void **state)
{
    static const struct {
        const char *value;
        int64_t ends; /* the first second without it; 0: never */
    } rows[] = {
        { "a=1", 0 },
        { "a=1; Max-Age=60", NOW + 60 },
        { "a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", NOW + 60 },
        { "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", NOW + 60 },
        { "a=1; Expires=Fri, 17-Nov-2023 22:13:20 GMT", 1700259200 },
        { "a=1; Max-Age=x; Expires=Fri, 17-Nov-2023 22:13:20 GMT", 1700259200 },
        { "a=1; Max-Age=; Expires=never", 0 },
        { "a=1; Expires=Fri, 17-Nov-2023 22:13:20 GMT; Expires=never", 1700259200 },
        { "a=1; Expires=Fri, 17-Nov-2028 22:13:20 GMT; Expires=Fri, 17-Nov-2023 22:13:20 GMT", 1700259200 },
        { "a=1; Max-Age=9223372036854775807", 0 },
        { "a=1; Max-Age=99999999999999999999999", 0 },
        { "a=1; Max-Age=1.5", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cit_jar jar = { 0 };

        take(&jar, rows[i].value);
        assert_true(is_sent_at(&jar, NOW));
        assert_int_equal(is_sent_at(&jar, INT64_MAX - 1), rows[i].ends == 0);
        assert_true(rows[i].ends == 0 || (is_sent_at(&jar, rows[i].ends - 1) && !is_sent_at(&jar, rows[i].ends)));
        cit_jar_fini(&jar);
    }
}

static void a_jar_holds_so_many_and_then_the_oldest_goes(void **state)
{
    struct cit_jar jar = { 0 };
    char text[100];

    (void)state;
    for (int i = 0; i < CIT_COOKIES_MAX; i++) {
        snprintf(text, sizeof text, "c%d=1; Path=/%s", i, i % 3 == 0 ? "a" : "");
        take(&jar, text);
    }
    assert_int_equal(jar.n, CIT_COOKIES_MAX);
    take(&jar, "new=1; Path=/");
    assert_int_equal(jar.n, CIT_COOKIES_MAX);
    for (const struct cit_cookie *c = jar.first; c != NULL; c = c->next)
        assert_false(cit_slice_eq(name_of(c), CIT_SLICE_LIT("c0")));
    take(&jar, "short=1; Path=/; Max-Age=10");
    assert_int_equal(
        cit_jar_take(&jar, CIT_SLICE_LIT("late=1"), CIT_SLICE_LIT("h.example"), CIT_SLICE_LIT("/"), NOW + 10), CIT_OK);
    assert_int_equal(jar.n, CIT_COOKIES_MAX);
    for (const struct cit_cookie *c = jar.first; c != NULL; c = c->next)
        assert_false(cit_slice_eq(name_of(c), CIT_SLICE_LIT("short")));
    cit_jar_fini(&jar);
}

static void too_long_cookies_are_ignored(void **state)
{
    static char text[CIT_COOKIE_BYTES_MAX + 100];
    struct cit_jar jar = { 0 };
    size_t most = CIT_COOKIE_BYTES_MAX - 1; /* "h" and "/" and "a=" are of them */

    (void)state;
    memset(text, 'x', sizeof text);
    text[0] = 'a';
    text[1] = '=';
    text[most] = '\0';
    take_at(&jar, text, "h", "/");
    assert_int_equal(jar.n, 0);
    text[most - 1] = '\0';
    take_at(&jar, text, "h", "/");
    assert_int_equal(jar.n, 1);
    cit_jar_fini(&jar);
}

static void two_cookies_of_a_site_take_a_few_hundred_bytes(void **state)
{
    struct cit_jar jar = { 0 };
    size_t bytes = 0;

    (void)state;
    take_at(&jar, "csrftoken=0123456789abcdef0123456789abcdef; Path=/; Max-Age=31449600", "127.0.0.1", "/");
    take_at(&jar, "sessionid=0123456789abcdef0123456789abcdef; HttpOnly; Path=/; Max-Age=1209600", "127.0.0.1", "/");
    for (const struct cit_cookie *c = jar.first; c != NULL; c = c->next)
        bytes += sizeof *c + c->pair_len + c->domain_len + c->path_len;
    assert_true(bytes < 256);
    cit_jar_fini(&jar);
}

/* ---- no room ---- */

static void without_room_or_memory_the_jar_and_the_buffer_stay(void **state)
{
    struct cit_jar jar = { 0 };
    struct cit_buf out;

    (void)state;
    take(&jar, "a=1; Path=/");
    take(&jar, "b=2; Path=/");
    cit_mem_fail_at(1);
    assert_int_equal(
        cit_jar_take(&jar, CIT_SLICE_LIT("a=3; Path=/"), CIT_SLICE_LIT("shop.example"), CIT_SLICE_LIT("/"), NOW),
        CIT_ENOMEM);
    cit_mem_fail_at(0);
    assert_sent(&jar, "shop.example", "/", "a=1; b=2");
    cit_buf_init(&out, 8);
    assert_int_equal(cit_buf_add_str(&out, "x"), CIT_OK);
    assert_int_equal(
        cit_jar_put(&jar, &(struct cit_cookie_use){ CIT_SLICE_LIT("shop.example"), CIT_SLICE_LIT("/"), false, NOW },
                    &out),
        CIT_ELIMIT);
    assert_int_equal(out.len, 1);
    cit_buf_fini(&out);
    cit_buf_init(&out, 1000);
    cit_mem_fail_at(1);
    assert_int_equal(
        cit_jar_put(&jar, &(struct cit_cookie_use){ CIT_SLICE_LIT("shop.example"), CIT_SLICE_LIT("/"), false, NOW },
                    &out),
        CIT_ENOMEM);
    cit_mem_fail_at(0);
    cit_buf_fini(&out);
    cit_jar_fini(&jar);
}

/* ---- one attribute ---- */

static const char *attribute(const char *field, const char *name, const char *wanted)
{
    static char text[200];
    struct cit_slice out;

    if (!cit_cookie_attribute(cit_slice_str(field), cit_slice_str(name), cit_slice_str(wanted), &out))
        return NULL;
    snprintf(text, sizeof text, "%.*s", CIT_SLICE_ARG(out));
    return text;
}

static void attributes_are_read_one_by_one(void **state)
{
    static const char field[] =
        "id = a=b ; Expires=Wed, 13 Jan 2021 22:23:01 GMT; path=/x;secure; HttpOnly;SameSite=Lax";

    (void)state;
    assert_string_equal(attribute(field, "id", "Value"), "a=b");
    assert_string_equal(attribute(field, "id", "value"), "a=b");
    assert_string_equal(attribute(field, "id", "expires"), "Wed, 13 Jan 2021 22:23:01 GMT");
    assert_string_equal(attribute(field, "id", "Path"), "/x");
    assert_string_equal(attribute(field, "id", "Secure"), "");
    assert_string_equal(attribute(field, "id", "HttpOnly"), "");
    assert_string_equal(attribute(field, "id", "SameSite"), "Lax");
    assert_null(attribute(field, "id", "Domain"));
    assert_null(attribute(field, "id", "Max-Age"));
    assert_null(attribute(field, "ID", "Value"));
    assert_null(attribute("id; Path=/", "id", "Path"));
    assert_null(attribute("", "", "Value"));
    assert_string_equal(attribute("id=", "id", "Value"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read_in_every_form_servers_write),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(cookies_come_back),
        cmocka_unit_test(what_says_nothing_is_ignored),
        cmocka_unit_test(a_cookie_is_replaced_by_one_of_its_name_domain_and_path),
        cmocka_unit_test(longer_paths_go_first_and_then_older_cookies),
        cmocka_unit_test(a_path_fits_itself_and_what_lies_below),
        cmocka_unit_test(without_a_path_it_is_the_folder_of_the_request),
        cmocka_unit_test(of_two_attributes_of_one_name_the_last_counts),
        cmocka_unit_test(a_domain_takes_in_the_names_below_it),
        cmocka_unit_test(addresses_and_names_without_a_dot_have_cookies_of_their_own),
        cmocka_unit_test(secure_cookies_go_over_tls_alone),
        cmocka_unit_test(cookies_end_when_they_say),
        cmocka_unit_test(a_jar_holds_so_many_and_then_the_oldest_goes),
        cmocka_unit_test(too_long_cookies_are_ignored),
        cmocka_unit_test(two_cookies_of_a_site_take_a_few_hundred_bytes),
        cmocka_unit_test(without_room_or_memory_the_jar_and_the_buffer_stay),
        cmocka_unit_test(attributes_are_read_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
