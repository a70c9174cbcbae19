/* tests/c/test_target.c - URLs taken apart, hosts looked up, and what is refused with which words. */
#include "load/target.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "guard.h"

/* A name that no name server need be asked for: one part of it is longer than 63 bytes (RFC 1035). */
#define NOBODY "a123456789b123456789c123456789d123456789e123456789f123456789g123456789.invalid"

/* "scheme host port authority path", or the message. */
static const char *shown(const char *url, size_t n)
{
    static char out[CIT_PLAN_WHY + 400];
    struct cit_target t = { 0 };
    struct cit_slice path = { 0 };
    struct cit_arena a;
    char why[CIT_PLAN_WHY] = "";
    int err;

    cit_arena_init(&a, 1 << 20);
    err = cit_target_parse(cit_slice(url, n), &a, &t, &path, why);
    if (err == CIT_OK)
        snprintf(out, sizeof out, "%.*s %.*s %u %.*s %.*s", CIT_SLICE_ARG(t.scheme), CIT_SLICE_ARG(t.host), t.port,
                 CIT_SLICE_ARG(t.authority), CIT_SLICE_ARG(path));
    else
        snprintf(out, sizeof out, "%s", why);
    assert_true(err == CIT_OK || err == CIT_EINVAL);
    assert_true(err != CIT_OK || t.host.p[t.host.n] == '\0');
    assert_int_equal(t.is_tls, err == CIT_OK && t.scheme.n == 5);
    cit_arena_fini(&a);
    return out;
}

static void assert_parts(const char *url, const char *want)
{
    assert_string_equal(shown(url, strlen(url)), want);
}

static void urls_are_taken_apart(void **state)
{
    (void)state;
    assert_parts("http://127.0.0.1:8000", "http 127.0.0.1 8000 127.0.0.1:8000 /");
    assert_parts("http://127.0.0.1:8000/", "http 127.0.0.1 8000 127.0.0.1:8000 /");
    assert_parts("http://Shop.Example/a/b?c=d&e", "http shop.example 80 shop.example /a/b?c=d&e");
    assert_parts("HTTPS://shop.example", "https shop.example 443 shop.example /");
    assert_parts("https://shop.example:8443/x", "https shop.example 8443 shop.example:8443 /x");
    assert_parts("http://h:80/", "http h 80 h /");
    assert_parts("https://h:80/", "https h 80 h:80 /");
    assert_parts("https://h:443/", "https h 443 h /");
    assert_parts("http://h:/x", "http h 80 h /x");
    assert_parts("http://h?q=1", "http h 80 h /?q=1");
    assert_parts("http://h#top", "http h 80 h /");
    assert_parts("http://h/a#b?c", "http h 80 h /a");
    assert_parts("http://h/?u=http://x:y@z/", "http h 80 h /?u=http://x:y@z/");
    assert_parts("http://[::1]:8000/x", "http ::1 8000 [::1]:8000 /x");
    assert_parts("http://[::1]", "http ::1 80 [::1] /");
    assert_parts("http://[FE80::1]:80/", "http fe80::1 80 [fe80::1] /");
    assert_parts("http://h/{{ id }}?x={{y}}", "http h 80 h /{{ id }}?x={{y}}");
    assert_parts("http://a_b-c.d/\xc3\xa4", "http a_b-c.d 80 a_b-c.d /\xc3\xa4");
}

static void unix_sockets_have_the_host_localhost(void **state)
{
    struct cit_target t = { 0 };
    struct cit_slice path;
    struct cit_arena a;
    char why[CIT_PLAN_WHY] = "", text[CIT_ADDR_TEXT_MAX];

    (void)state;
    assert_parts("unix:/run/app.sock", "http localhost 0 localhost /");
    assert_parts("unix:///run/app.sock", "http localhost 0 localhost /");
    assert_parts("unix:@app", "http localhost 0 localhost /");
    assert_parts("unix:", "the path of the UNIX socket is missing");
    assert_parts("unix:@", "the abstract socket has no name");
    cit_arena_init(&a, 1 << 20);
    assert_int_equal(cit_target_parse(CIT_SLICE_LIT("unix:/run/app.sock"), &a, &t, &path, why), CIT_OK);
    assert_int_equal(t.naddrs, 1);
    cit_addr_text((const struct sockaddr *)&t.addr[0].sa, t.addr[0].len, text);
    assert_string_equal(text, "unix:/run/app.sock");
    assert_int_equal(cit_target_resolve(&t, why), CIT_OK);
    assert_int_equal(t.naddrs, 1);
    cit_arena_fini(&a);
}

static void what_is_refused_says_what_to_write(void **state)
{
    (void)state;
    assert_parts("", "the address is empty; write it as http://host:port");
    assert_parts("127.0.0.1:8000", "'127.0.0.1:8000' is no address; did you mean http://127.0.0.1:8000?");
    assert_parts("localhost", "'localhost' is no address; did you mean http://localhost?");
    assert_parts("ftp://h/", "'ftp://h/' is neither http:// nor https:// nor unix:");
    assert_parts("http:/h", "'http:/h' is no address; did you mean http://http:/h?");
    assert_parts("http://", "the URL has no host");
    assert_parts("http://:80/", "the URL has no host");
    assert_parts("http:///x", "the URL has no host");
    assert_parts("http://h:0/", "'0' is no port; ports are numbers from 1 to 65535");
    assert_parts("http://h:65536/", "'65536' is no port; ports are numbers from 1 to 65535");
    assert_parts("http://h:8o/", "'8o' is no port; ports are numbers from 1 to 65535");
    assert_parts("http://h:-1/", "'-1' is no port; ports are numbers from 1 to 65535");
    assert_parts("http://::1/", "an IPv6 address is written in brackets: [address]:port");
    assert_parts("http://[::1", "an IPv6 address is written [address]:port");
    assert_parts("http://[::1]8000/", "an IPv6 address is written [address]:port");
    assert_parts("http://[]/", "the URL has no host");
    assert_parts("http://[:1]/", "[:1] is no IPv6 address");
    assert_parts("http://[fe80::1%25eth0]/", "the host has a character that none may have");
    assert_parts("http://a b/", "the host has a character that none may have");
    assert_parts("http://{{host}}/", "the host has a character that none may have");
    assert_parts("http://b\xc3\xbc"
                 "cher.example/",
                 "the host is not ASCII; write its xn-- form");
    assert_parts("http://h/a b", "there is a space in the URL; write %20");
    assert_parts("http://h/{{a}} b", "there is a space in the URL; write %20");
    assert_parts("http://h/a\tb", "there is a control character in the URL");
    assert_parts("http://h/a\nb", "there is a control character in the URL");
    assert_parts("x\x1b[31m", "'x?[31m' is no address; did you mean http://x?[31m?");
    assert_string_equal(shown("http://h/\0x", 11), "there is a control character in the URL");
    assert_string_equal(shown("http://h\0x/", 11), "there is a control character in the URL");
    assert_string_equal(shown("unix:/a\0b", 9), "there is a control character in the path of the UNIX socket");
}

static void users_and_passwords_are_refused_with_a_hint(void **state)
{
    static const char *const urls[] = { "http://ann:secret@h/", "http://ann@h:80/", "http://ann:se@cret@h/",
                                        "https://@h/" };

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        assert_non_null(strstr(shown(urls[i], strlen(urls[i])), "write [BasicAuth] in a journey"));
        assert_null(strstr(shown(urls[i], strlen(urls[i])), "secret")); /* messages are kept in reports */
    }
}

static void long_hosts_are_refused_and_do_not_fill_the_message(void **state)
{
    char url[600] = "http://";

    (void)state;
    memset(url + 7, 'a', HOST_MAX);
    assert_int_equal(strncmp(shown(url, strlen(url)), "http aaaa", 9), 0);
    memset(url + 7, 'a', HOST_MAX + 1);
    assert_parts(url, "the host name is too long");
    memset(url, 'x', sizeof url - 1);
    assert_true(strlen(shown(url, sizeof url - 1)) < 250);
}

static struct cit_target resolved(const char *url, int want)
{
    struct cit_target t = { 0 };
    struct cit_slice path;
    struct cit_arena a;
    char why[CIT_PLAN_WHY] = "";

    cit_arena_init(&a, 1 << 20);
    assert_int_equal(cit_target_parse(cit_slice_str(url), &a, &t, &path, why), CIT_OK);
    assert_int_equal(t.naddrs, 0);
    assert_int_equal(cit_target_resolve(&t, why), want);
    assert_true(want == CIT_OK || strstr(why, NOBODY ": no such host is known") == why);
    cit_arena_fini(&a);
    return t;
}

static void hosts_are_looked_up(void **state)
{
    char text[CIT_ADDR_TEXT_MAX], why[CIT_PLAN_WHY];
    struct cit_target t;

    (void)state;
    t = resolved("http://127.0.0.1:8000/", CIT_OK);
    assert_int_equal(t.naddrs, 1);
    cit_addr_text((const struct sockaddr *)&t.addr[0].sa, t.addr[0].len, text);
    assert_string_equal(text, "127.0.0.1:8000");
    t = resolved("https://[::1]/", CIT_OK);
    assert_int_equal(t.naddrs, 1);
    cit_addr_text((const struct sockaddr *)&t.addr[0].sa, t.addr[0].len, text);
    assert_string_equal(text, "[::1]:443");
    t = resolved("http://localhost:81/", CIT_OK);
    assert_true(t.naddrs >= 1);
    assert_int_equal(resolved("http://" NOBODY "/", CIT_ENOENT).naddrs, 0);
    t = (struct cit_target){ 0 };
    assert_int_equal(cit_target_resolve(&t, why), CIT_OK); /* of journeys that name their hosts themselves */
    assert_int_equal(t.naddrs, 0);
}

/* Every part of a text, up to a page nobody may read. */
static void no_byte_past_the_end_is_read(void **state)
{
    static const char *const urls[] = { "https://[::1]:8000/a?b#c", "http://shop.example:80/{{x}}?y", "unix:@app" };
    struct guard g = { 0 };

    (void)state;
    assert_true(guard_init(&g, 100));
    for (size_t i = 0; i < 3; i++)
        for (size_t n = 0; n <= strlen(urls[i]); n++)
            assert_true(strlen(shown(guard_put(&g, urls[i], n), n)) > 0);
    guard_fini(&g);
}

static void without_memory_the_target_stays(void **state)
{
    static const char *const urls[] = { "https://[::1]:8000?a", "unix:/run/app.sock" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct cit_target t = { .port = 77 };
        struct cit_slice path = { 0 };
        struct cit_arena a;
        char why[CIT_PLAN_WHY] = "";

        cit_arena_init(&a, 1 << 20);
        cit_mem_fail_at(1);
        assert_int_equal(cit_target_parse(cit_slice_str(urls[i]), &a, &t, &path, why), CIT_ENOMEM);
        cit_mem_fail_at(0);
        assert_int_equal(t.port, 77);
        assert_null(path.p);
        cit_arena_fini(&a);
        for (size_t most = 0; most < 160; most += 16) { /* an arena that is full after some pieces */
            int err;

            cit_arena_init(&a, most);
            err = cit_target_parse(cit_slice_str(urls[i]), &a, &t, &path, why);
            assert_true(err == CIT_ENOMEM || err == CIT_OK);
            cit_arena_fini(&a);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(unix_sockets_have_the_host_localhost),
        cmocka_unit_test(what_is_refused_says_what_to_write),
        cmocka_unit_test(users_and_passwords_are_refused_with_a_hint),
        cmocka_unit_test(long_hosts_are_refused_and_do_not_fill_the_message),
        cmocka_unit_test(hosts_are_looked_up),
        cmocka_unit_test(no_byte_past_the_end_is_read),
        cmocka_unit_test(without_memory_the_target_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
