/* tests/c/test_load_options.c - the command line of citrate-load. */
#include "load/options.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"

enum { WORDS = 12 };

/* The words of a line, as a command gets them. */
static int parse(struct cit_options *o, const char *line, char *why)
{
    static char text[1024];
    char *argv[WORDS + 2] = { "citrate-load" }, *rest = text;
    int argc = 1;

    (void)snprintf(text, sizeof text, "%s", line);
    while (rest != NULL && argc <= WORDS)
        argv[argc++] = strsep(&rest, " ");
    return cit_options_parse(o, argc, argv, why);
}

static void is_over(const char *line, const char *json)
{
    char why[CIT_OPTIONS_WHY];
    struct cit_options o;

    assert_int_equal(parse(&o, line, why), CIT_OK);
    assert_int_equal(cit_buf_add(&o.over, "", 1), CIT_OK);
    assert_string_equal(o.over.p, json);
    cit_options_fini(&o);
}

static void options_become_members_of_a_plan(void **state)
{
    (void)state;
    is_over("http://a/", "{}");
    is_over("-c 3 -d 10 http://a/ -n5", "{\"users\":3,\"time\":\"10s\",\"requests\":5}");
    is_over("--rate=2.5 --poisson -t 2 x.json", "{\"rate\":2.5,\"poisson\":true,\"threads\":2}");
    is_over("--time 1m30 --timeout 0.5 x", "{\"time\":\"1m30\",\"timeout\":\"0.5s\"}");
    is_over("--no-keepalive -k -L x", "{\"follow\":true,\"keep_alive\":false,\"insecure\":true}");
    is_over("-c ten -c 007 x", "{\"users\":\"007\"}");
    is_over("-X PUT -b {\"a\"} x", "{\"method\":\"PUT\",\"body\":\"{\\\"a\\\"}\"}");
    is_over("-H A:1 -c 1 -H B: x", "{\"users\":1,\"headers\":{\"A\":\"1\",\"B\":\"\"}}");
}

static void our_own_are_kept_apart(void **state)
{
    char why[CIT_OPTIONS_WHY];
    struct cit_options o;

    (void)state;
    assert_int_equal(parse(&o, "--report out --live lines --stream 1 --control 0 --dry-run a.json", why), CIT_OK);
    assert_string_equal(o.report, "out");
    assert_int_equal(o.live, CIT_OPTIONS_LINES);
    assert_int_equal(o.stream_fd, 1);
    assert_int_equal(o.control_fd, 0);
    assert_true(o.is_dry);
    assert_false(o.is_url);
    assert_string_equal(o.target, "a.json");
    cit_options_fini(&o);
    assert_int_equal(parse(&o, "--report none unix:/run/a.sock", why), CIT_OK);
    assert_null(o.report);
    assert_true(o.is_url);
    cit_options_fini(&o);
}

static void is_wrong(const char *line, const char *message)
{
    char why[CIT_OPTIONS_WHY];
    struct cit_options o;

    assert_int_equal(parse(&o, line, why), CIT_EINVAL);
    assert_string_equal(why, message);
    cit_options_fini(&o);
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    is_wrong("--nothing x", "--nothing: no such option");
    is_wrong("x -c", "-c: a value is missing");
    is_wrong("x --time", "--time: a value is missing");
    is_wrong("-c 1", "an address or a plan is missing, try --help");
    is_wrong("x y", "'y' is one address or plan too many");
    is_wrong("-H none x", "--header: 'none' is not of the form 'Name: value'");
    is_wrong("--live x y", "--live: 'x' is none of auto, screen, lines, off");
    is_wrong("--stream -1 y", "--stream: '-1' is no open descriptor");
    is_wrong("--control 9999 y", "--control: '9999' is no open descriptor");
    is_wrong("-b @/no/such y", "--data: /no/such: No such file or directory");
}

static void bytes_that_json_cannot_hold_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        bool is_good;
    } texts[] = {
        { "abc", true },           { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8d\x8a", true },
        { "\x80", false },         { "\xc3", false },
        { "\xc0\xaf", false },     { "\xe0\x80\xaf", false },
        { "\xed\xa0\x80", false }, { "\xf4\x90\x80\x80", false },
        { "\xff", false },         { "\xf0\x80\x80\x80", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(is_utf8((const unsigned char *)texts[i].bytes, strlen(texts[i].bytes)), texts[i].is_good);
}

static void every_failed_allocation_is_told(void **state)
{
    int err = CIT_ENOMEM;
    unsigned long n = 0;

    (void)state;
    while (err != CIT_OK) {
        char why[CIT_OPTIONS_WHY];
        struct cit_options o;

        cit_mem_fail_at(++n);
        err = parse(&o, "-c 3 -H A:1 -b @/proc/self/cmdline http://a/", why);
        cit_mem_fail_at(0);
        assert_true(err == CIT_OK || err == CIT_ENOMEM);
        cit_options_fini(&o);
    }
    assert_true(n > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_become_members_of_a_plan),
        cmocka_unit_test(our_own_are_kept_apart),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(bytes_that_json_cannot_hold_are_refused),
        cmocka_unit_test(every_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
