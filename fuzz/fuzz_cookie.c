/* fuzz/fuzz_cookie.c - any lines as Set-Cookie fields of any host and path: a jar keeps its order and bounds, sends
 * nothing that does not fit or can't stand in a field, and is the same after the same fields again, if none had to go.
 *
 * The input is "host\npath\nfield\nfield\n..."; a field may be preceded by "@host path\n", its own place. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "load/cookie.c" /* NOLINT: the order of a jar is looked at */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { NOW = 1700000000 };

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static struct cit_slice next_line(struct cit_slice *rest)
{
    const char *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    struct cit_slice line = cit_slice(rest->p, n);

    *rest = end != NULL ? cit_slice(end + 1, rest->n - n - 1) : cit_slice(rest->p + n, 0);
    return line;
}

/* Returns the number of fields. */
static uint32_t take_all(struct cit_jar *jar, struct cit_slice rest, struct cit_slice host, struct cit_slice path)
{
    uint32_t count = 0;

    while (rest.n > 0) {
        struct cit_slice field = next_line(&rest);

        if (field.n > 0 && *field.p == '@') {
            const char *space = memchr(field.p, ' ', field.n);
            size_t n = space != NULL ? (size_t)(space - field.p) : field.n;

            host = cit_slice(field.p + 1, n - 1);
            path = cit_slice(field.p + n, field.n - n);
            path = cit_slice_trim(path);
            continue;
        }
        check(cit_jar_take(jar, field, host, path, NOW) == CIT_OK, "taking a cookie fails");
        count++;
    }
    return count;
}

static void check_jar(const struct cit_jar *jar)
{
    uint32_t n = 0;

    for (const struct cit_cookie *c = jar->first; c != NULL; c = c->next, n++) {
        check(c->path_len > 0 && *path_of(c).p == '/', "a path does not begin with a slash");
        check(c->next == NULL || c->next->path_len < c->path_len ||
                  (c->next->path_len == c->path_len && c->next->born > c->born),
              "the order is another");
        check(c->expires_s > NOW, "a cookie that is over is kept");
        for (const struct cit_cookie *d = c->next; d != NULL; d = d->next)
            check(!cit_slice_eq(name_of(c), name_of(d)) || !cit_slice_eq_nocase(domain_of(c), domain_of(d)) ||
                      !cit_slice_eq(path_of(c), path_of(d)),
                  "a cookie is there twice");
    }
    check(n == jar->n && n <= CIT_COOKIES_MAX, "the number of cookies is another");
}

static void check_sent(const struct cit_jar *jar, struct cit_slice host, struct cit_slice path)
{
    struct cit_buf out;
    size_t most = 0;

    cit_buf_init(&out, 1 << 20);
    check(cit_jar_put(jar, &(struct cit_cookie_use){ host, path, true, NOW }, &out) == CIT_OK, "a jar is not sent");
    for (size_t i = 0; i < out.len; i++)
        check(((unsigned char)out.p[i] >= 0x20 || out.p[i] == '\t') && out.p[i] != 0x7f, "a control character is sent");
    for (const struct cit_cookie *c = jar->first; c != NULL; c = c->next)
        most += fits_path(path_alone(path), path_of(c)) ? c->pair_len + 2U : 0;
    check(out.len <= most, "more is sent than fits the path");
    cit_buf_fini(&out);
}

static void read_attributes_of(struct cit_slice rest)
{
    static const char *const names[] = { "Value", "Expires", "Max-Age",  "Domain",
                                         "Path",  "Secure",  "HttpOnly", "SameSite" };

    while (rest.n > 0) {
        struct cit_slice field = next_line(&rest), out = { 0 };
        struct cit_slice name = cit_slice(field.p, field.n < 3 ? field.n : 3);

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (cit_cookie_attribute(field, name, cit_slice_str(names[i]), &out))
                check(out.p >= field.p && out.p + out.n <= field.p + field.n, "an attribute lies outside");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct cit_slice rest = cit_slice((const char *)data, n);
    struct cit_slice host = next_line(&rest), path = next_line(&rest);
    struct cit_jar jar = { 0 };
    uint32_t before, fields = take_all(&jar, rest, host, path);

    check_jar(&jar);
    check_sent(&jar, host, path);
    check_sent(&jar, CIT_SLICE_LIT("www.shop.example"), CIT_SLICE_LIT("/a/b?c"));
    before = jar.n;
    (void)take_all(&jar, rest, host, path);
    check_jar(&jar);
    check(jar.n == before || fields > CIT_COOKIES_MAX, "the same fields again are another jar");
    cit_jar_fini(&jar);
    read_attributes_of(rest);
    return 0;
}
