/* tests/c/test_h1_parse.c - heads: the vectors whole, growing and at a guard page; what
 * a vector cannot say (cost of a trickle, tables) as tests of its own. */
#include "http/h1_parse.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "guard.h"
#include "h1_props.h"
#include "h1_vectors.h"
#include "http/h1_frame.h"

static enum cit_method method_named(const char *name)
{
    return method_find(cit_slice_str(name));
}

/* True when text, unescaped, is s; "" and a missing text are the same. */
static bool is_text(const char *text, struct cit_slice s)
{
    struct cit_buf b;
    bool same;

    cit_buf_init(&b, 1U << 20);
    same = h1_unescape(&b, text, strlen(text)) && b.len == s.n && (s.n == 0 || memcmp(b.p, s.p, s.n) == 0);
    cit_buf_fini(&b);
    return same;
}

static bool is_yes(const char *text, bool value)
{
    return strcmp(text, value ? "yes" : "no") == 0;
}

static bool is_body(const char *text, struct cit_h1_frame f)
{
    char now[64];

    switch (f.kind) {
    case CIT_H1_BODY_NONE:
        return strcmp(text, "none") == 0;
    case CIT_H1_BODY_LENGTH:
        snprintf(now, sizeof now, "length:%llu", (unsigned long long)f.length);
        return strcmp(text, now) == 0;
    case CIT_H1_BODY_CHUNKED:
        return strcmp(text, "chunked") == 0;
    case CIT_H1_BODY_CLOSE:
        return strcmp(text, "close") == 0;
    }
    return false;
}

/* One key=value of a vector. */
static bool holds(const char *key, const char *value, const struct h1_verdict *v, size_t n)
{
    static const char *const forms[] = { "origin", "absolute", "asterisk" };
    const struct cit_h1_head *h = &v->head;

    if (strcmp(key, "minor") == 0)
        return atoi(value) == h->minor;
    if (strcmp(key, "rest") == 0)
        return strtoul(value, NULL, 10) == n - (size_t)v->code;
    if (strcmp(key, "form") == 0)
        return strcmp(value, forms[h->form]) == 0;
    if (strcmp(key, "keep") == 0)
        return is_yes(value, (h->flags & CIT_H1_KEEP_ALIVE) != 0);
    if (strcmp(key, "close") == 0)
        return is_yes(value, (h->flags & CIT_H1_CLOSE) != 0);
    if (strcmp(key, "upgrade") == 0)
        return is_yes(value, (h->flags & CIT_H1_UPGRADE) != 0);
    if (strcmp(key, "expect") == 0)
        return is_yes(value, (h->flags & CIT_H1_EXPECT_CONTINUE) != 0);
    if (strcmp(key, "hasquery") == 0)
        return is_yes(value, h->has_query);
    if (strcmp(key, "path") == 0)
        return is_text(value, h->path);
    if (strcmp(key, "query") == 0)
        return is_text(value, h->query) && h->has_query;
    if (strcmp(key, "authority") == 0)
        return is_text(value, h->authority);
    if (strcmp(key, "host") == 0)
        return is_text(value, h->host);
    if (strcmp(key, "reason") == 0)
        return is_text(value, h->reason);
    return strcmp(key, "to") == 0;
}

/* The words behind "accept". */
static bool is_accepted_as(char *words, bool is_request, const struct h1_verdict *v, size_t n)
{
    enum cit_method to = CIT_METHOD_GET;
    char *save = NULL, *word = strtok_r(words, " ", &save), *key = strstr(save, "to=");
    struct cit_h1_frame f;

    if (key != NULL)
        to = method_named(key + 3);
    if (!is_request && atoi(word) != v->head.status)
        return false;
    if (is_request && (!is_text(word, v->head.method) || !is_text(strtok_r(NULL, " ", &save), v->head.target)))
        return false;
    if (strtoul(strtok_r(NULL, " ", &save), NULL, 10) != v->head.nfields)
        return false;
    f = is_request ? cit_h1_frame_request(&v->head) : cit_h1_frame_response(&v->head, to);
    if (!is_body(strtok_r(NULL, " ", &save), f))
        return false;
    while ((word = strtok_r(NULL, " ", &save)) != NULL) {
        char *value = strchr(word, '=');

        *value++ = '\0';
        if (!holds(word, value, v, n)) {
            printf("# %s=%s does not hold\n", word, value);
            return false;
        }
    }
    return true;
}

static bool is_as_said(struct h1_vectors *v, bool is_request, const struct h1_verdict *now)
{
    if (strcmp(v->verdict, "more") == 0)
        return now->code == CIT_EAGAIN;
    if (strncmp(v->verdict, "reject ", 7) == 0)
        return now->code == CIT_EPROTO && strcmp(v->verdict + 7, cit_h1_bad_name(now->head.bad)) == 0;
    return now->code > 0 && is_accepted_as(v->verdict + 7, is_request, now, v->bytes.len);
}

static void run_vectors(const char *name, bool is_request, unsigned at_least)
{
    struct h1_vectors v;
    struct guard g = { 0 };
    unsigned count = 0, wrong = 0;

    assert_true(h1_vectors_open(&v, name));
    assert_true(guard_init(&g, 1U << 20));
    for (; h1_vectors_next(&v); count++) {
        const char *bytes = guard_put(&g, v.bytes.p, v.bytes.len), *broken;
        struct h1_verdict now;

        h1_judge(&now, is_request, bytes, v.bytes.len, 0, &v.lim);
        broken = h1_head_holds(is_request, bytes, v.bytes.len, &v.lim);
        if (broken == NULL && !is_as_said(&v, is_request, &now))
            broken = cit_h1_bad_name(now.head.bad);
        if (broken != NULL) {
            printf("# %s: '%s': %s, code %d, wanted '%s'\n", name, v.name, broken, now.code, v.verdict);
            wrong++;
        }
    }
    h1_vectors_close(&v);
    guard_fini(&g);
    assert_int_equal(wrong, 0);
    assert_true(count >= at_least);
}

static void every_request_vector_is_judged_as_it_says(void **state)
{
    (void)state;
    run_vectors("request", true, 250);
}

static void every_response_vector_is_judged_as_it_says(void **state)
{
    (void)state;
    run_vectors("response", false, 40);
}

/* Growing prefixes, each ending at the guard page: nothing is read ahead. */
static void no_prefix_is_read_past_its_end(void **state)
{
    struct h1_vectors v;
    struct guard g = { 0 };
    struct h1_verdict now;
    unsigned judged = 0;

    (void)state;
    assert_true(h1_vectors_open(&v, "request"));
    assert_true(guard_init(&g, 1U << 20));
    while (h1_vectors_next(&v)) {
        size_t most = v.bytes.len < 600 ? v.bytes.len : 600;

        for (size_t n = 0; n <= most; n++) {
            h1_judge(&now, true, guard_put(&g, v.bytes.p, n), n, n > 0 ? n - 1 : 0, &v.lim);
            judged++;
        }
    }
    h1_vectors_close(&v);
    guard_fini(&g);
    assert_true(judged > 10000);
}

/* Every byte at every place of a request: the properties hold whatever it does. */
static void every_single_byte_change_keeps_the_properties(void **state)
{
    static const char head[] = "POST /a?b HTTP/1.1\r\nHost: h:1\r\nContent-Length: 5\r\nX: 0123456789abcdef\r\n\r\n";
    char copy[sizeof head];
    unsigned accepted = 0;

    (void)state;
    for (size_t at = 0; at < sizeof head - 1; at++)
        for (int byte = 0; byte < 256; byte++) {
            struct h1_verdict now;
            const char *wrong;

            memcpy(copy, head, sizeof head);
            copy[at] = (char)byte;
            wrong = h1_head_holds(true, copy, sizeof head - 1, &h1_default_limits);
            if (wrong != NULL)
                fail_msg("byte %d at %zu: %s", byte, at, wrong);
            h1_judge(&now, true, copy, sizeof head - 1, 0, &h1_default_limits);
            accepted += now.code > 0;
        }
    assert_true(accepted > 1000 && accepted < 256 * (sizeof head - 1) / 2);
}

/* The vectors of the processor skip only what the table allows. */
static void scans_stop_at_the_same_byte_at_any_offset(void **state)
{
    char line[64];

    (void)state;
    for (int byte = 0; byte < 256; byte++)
        for (size_t at = 0; at < 40; at++) {
            char c = (char)byte;

            memset(line, 'a', sizeof line);
            line[at] = c;
            line[40] = '\r';
            assert_ptr_equal(scan_token(line, line + 64), scan(line, line + 64, CIT__TOKEN));
            assert_ptr_equal(scan_path(line, line + 64), scan(line, line + 64, CIT__PATH));
            assert_ptr_equal(scan_value(line, line + 64), scan(line, line + 64, CIT__VALUE));
            assert_ptr_equal(scan_value(line, line + at), line + at);
        }
}

/* CPU time of a head that comes one byte at a time. */
static int64_t trickle_ns(const char *head, size_t n, bool tells_seen)
{
    struct cit_h1_field fields[H1_PROPS_FIELDS];
    struct cit_h1_head h = { .fields = fields, .cap = H1_PROPS_FIELDS };
    int64_t from = cit_clock_cpu_ns();

    for (size_t at = 1; at <= n; at++)
        if (cit_h1_parse_request(head, at, tells_seen ? at - 1 : 0, &h1_default_limits, &h) != CIT_EAGAIN)
            return -1;
    return cit_clock_cpu_ns() - from;
}

static void a_head_that_trickles_in_costs_no_square(void **state)
{
    enum { SIZE = 30000 };
    char *head = malloc(SIZE);
    size_t n = (size_t)snprintf(head, SIZE, "GET / HTTP/1.1\r\nHost: a\r\n");
    int64_t told, untold;

    (void)state;
    while (n < SIZE - 1100)
        n += (size_t)snprintf(head + n, 1100, "X-%zu: %0400d\r\n", n, 0);
    told = trickle_ns(head, n, true);
    untold = trickle_ns(head, n, false);
    free(head);
    assert_true(told >= 0 && untold >= 0);
    assert_true(told * 3 < untold); /* a fifteenth, measured */
}

static void a_smaller_array_is_a_limit_of_its_own(void **state)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    struct cit_h1_field fields[2] = { { .name_n = 0 }, { .name_n = 77 } };
    struct cit_h1_head h = { .fields = fields, .cap = 1 };

    (void)state;
    assert_int_equal(cit_h1_parse_request(head, sizeof head - 1, 0, &h1_default_limits, &h), CIT_EPROTO);
    assert_int_equal(h.bad, CIT_H1_BAD_FIELDS_TOO_MANY);
    assert_int_equal(fields[1].name_n, 77);
}

static void a_refused_head_keeps_method_and_target_for_the_log(void **state)
{
    static const char head[] = "PUT /x?y HTTP/1.1\r\nHost: a b\r\n\r\n";
    struct h1_verdict now;

    (void)state;
    h1_judge(&now, true, head, sizeof head - 1, 0, &h1_default_limits);
    assert_int_equal(now.code, CIT_EPROTO);
    assert_true(cit_slice_eq(now.head.method, cit_slice_str("PUT")));
    assert_true(cit_slice_eq(now.head.target, cit_slice_str("/x?y")));
}

static void fields_come_out_in_order_and_trimmed(void **state)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\nX:  1 2 \r\nCookie:b\r\nX:\r\n\r\n";
    struct h1_verdict now;
    const struct cit_h1_field *f = now.fields;

    (void)state;
    h1_judge(&now, true, head, sizeof head - 1, 0, &h1_default_limits);
    assert_int_equal(now.code, sizeof head - 1);
    assert_int_equal(now.head.nfields, 4);
    assert_true(cit_slice_eq(cit_slice(f[1].value, f[1].value_n), cit_slice_str("1 2")));
    assert_int_equal(f[1].id, CIT_FIELD_OTHER);
    assert_int_equal(f[2].id, CIT_FIELD_COOKIE);
    assert_int_equal(f[3].value_n, 0);
    assert_ptr_equal(cit_h1_field_get(&now.head, CIT_FIELD_COOKIE), f + 2);
    assert_null(cit_h1_field_get(&now.head, CIT_FIELD_DATE));
}

static void every_known_name_is_found_in_any_case_and_no_other_is(void **state)
{
    static const struct {
        const char *name;
        enum cit_field_id id;
    } rows[] = {
#define ROW(id, name) { name, CIT_FIELD_##id },
        CIT_FIELD_MAP(ROW)
#undef ROW
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[32];
        size_t n = strlen(rows[i].name);

        memcpy(name, rows[i].name, n);
        assert_int_equal(cit_field_find(cit_slice(name, n)), rows[i].id);
        for (size_t at = 0; at < n; at++) {
            name[at] = (char)(name[at] - (name[at] == '-' ? 0 : 0x20));
            assert_int_equal(cit_field_find(cit_slice(name, n)), rows[i].id);
            name[at] = (char)(name[at] ^ 0x10); /* 'C' becomes 'S', '-' becomes '=' */
            assert_int_equal(cit_field_find(cit_slice(name, n)), CIT_FIELD_OTHER);
            name[at] = rows[i].name[at] == '-' ? '\r' : '_';
            assert_int_equal(cit_field_find(cit_slice(name, n)), CIT_FIELD_OTHER);
            name[at] = rows[i].name[at];
        }
        assert_int_not_equal(cit_field_find(cit_slice(name, n - 1)), rows[i].id);
    }
    assert_int_equal(cit_field_find(cit_slice(NULL, 0)), CIT_FIELD_OTHER);
}

static void every_reason_has_a_status_and_a_text(void **state)
{
    (void)state;
    for (int bad = CIT_H1_BAD_METHOD; bad <= CIT_H1_BAD_TRAILER; bad++) {
        int status = cit_h1_bad_status((enum cit_h1_bad)bad);

        assert_true(status == 501 || status == 505 || (status >= 400 && status < 500));
        assert_true(strlen(cit_h1_bad_text((enum cit_h1_bad)bad)) > 10);
        assert_true(strlen(cit_h1_bad_name((enum cit_h1_bad)bad)) > 3);
    }
    assert_int_equal(cit_h1_bad_status(CIT_H1_BAD_LINE_TOO_LONG), 414);
    assert_int_equal(cit_h1_bad_status(CIT_H1_BAD_CODING), 501);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_vector_is_judged_as_it_says),
        cmocka_unit_test(every_response_vector_is_judged_as_it_says),
        cmocka_unit_test(no_prefix_is_read_past_its_end),
        cmocka_unit_test(every_single_byte_change_keeps_the_properties),
        cmocka_unit_test(scans_stop_at_the_same_byte_at_any_offset),
        cmocka_unit_test(a_head_that_trickles_in_costs_no_square),
        cmocka_unit_test(a_smaller_array_is_a_limit_of_its_own),
        cmocka_unit_test(a_refused_head_keeps_method_and_target_for_the_log),
        cmocka_unit_test(fields_come_out_in_order_and_trimmed),
        cmocka_unit_test(every_known_name_is_found_in_any_case_and_no_other_is),
        cmocka_unit_test(every_reason_has_a_status_and_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
