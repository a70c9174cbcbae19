/* tests/c/test_load_dry.c - the engine in one thread against a small server: what is sent, and every allocation
 * failed in turn. */
#include "load/dry.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- a server that knows three pages ---- */

static int listener = -1;
static uint16_t port;

static const char *page_of(const char *request)
{
    if (strstr(request, "GET /form ") != NULL)
        return "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nTransfer-Encoding: chunked\r\n\r\n"
               "6\r\nid=42;\r\n4\r\nmore\r\n0\r\n\r\n";
    if (strstr(request, "POST /go HTTP/1.1") != NULL && strstr(request, "Cookie: own=x; a=1\r\n") != NULL &&
        strstr(request, "\r\n\r\nid=42") != NULL)
        return "HTTP/1.1 302 Found\r\nLocation: ../end?x\r\nContent-Length: 0\r\n\r\n";
    if (strstr(request, "GET /end?x HTTP/1.1") != NULL)
        return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend";
    return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
}

static void *serve(void *unused)
{
    char request[4096];
    int fd;

    (void)unused;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        ssize_t n;

        while ((n = read(fd, request, sizeof request - 1)) > 0) {
            const char *page;
            size_t half;

            request[n] = '\0';
            page = page_of(request);
            half = strlen(page) / 2;
            if (write(fd, page, half) < 0 || usleep(200) != 0 || write(fd, page + half, strlen(page) - half) < 0)
                break;
        }
        close(fd);
    }
    return NULL;
}

static int start(void **state)
{
    static pthread_t id;
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof sa;

    (void)state;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1 || bind(listener, (struct sockaddr *)&sa, sizeof sa) != 0 || listen(listener, 64) != 0)
        return -1;
    (void)getsockname(listener, (struct sockaddr *)&sa, &len);
    port = ntohs(sa.sin_port);
    return pthread_create(&id, NULL, serve, NULL);
}

/* ---- a plan ---- */

static const char journey[] = "GET /form\nHTTP 200\n[Captures]\nid: regex \"id=([0-9]*);\"\n\n"
                              "POST /go\n[Options]\nlocation: true\n[Cookies]\nown: x\n[Form]\nid: {{id}}\nHTTP 200\n"
                              "[Asserts]\nbody == \"end\"\n\n"
                              "GET /end?x\nHTTP 200\n";

static int parse(struct cit_load_plan *plan, const char *folder)
{
    char json[256], path[256], why[CIT_PLAN_WHY];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/j.hurl", folder);
    f = fopen(path, "w");
    if (f == NULL || fputs(journey, f) < 0 || fclose(f) != 0)
        return CIT_EIO;
    (void)snprintf(json, sizeof json, "{\"target\":\"http://127.0.0.1:%u\",\"journeys\":[\"j.hurl\"],\"users\":1}",
                   port);
    return cit_plan_parse(plan, cit_slice_str(json), cit_slice(NULL, 0), folder, why);
}

static char told[1 << 16];

static void collect(void *ctx, const char *text)
{
    size_t n = strlen(told);

    (void)ctx;
    (void)snprintf(told + n, sizeof told - n, "%s", text);
}

static void with_plan(void (*test)(struct cit_load_plan *plan))
{
    char folder[] = "/tmp/test_load_XXXXXX", path[64];
    struct cit_load_plan plan;

    assert_non_null(mkdtemp(folder));
    assert_int_equal(parse(&plan, folder), CIT_OK);
    test(&plan);
    cit_plan_fini(&plan);
    (void)snprintf(path, sizeof path, "%s/j.hurl", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

/* ---- tests ---- */

static void check_told(struct cit_load_plan *plan)
{
    told[0] = '\0';
    assert_int_equal(cit_run_dry(plan, collect, NULL), 0);
    assert_non_null(strstr(told, "> GET /form HTTP/1.1"));
    assert_non_null(strstr(told, "id = 42"));
    assert_non_null(strstr(told, "> POST /go HTTP/1.1"));
    assert_non_null(strstr(told, "redirected, "));
    assert_non_null(strstr(told, "> GET /end?x HTTP/1.1"));
    assert_null(strstr(told, "ERROR"));
}

static void a_journey_is_walked_and_told(void **state)
{
    (void)state;
    with_plan(check_told);
}

/* A failed allocation is CIT_ENOMEM before the first request, a fault of a request later, and nothing else. */
static void check_failures(struct cit_load_plan *plan)
{
    bool was_whole = false;
    unsigned long n = 0;

    while (!was_whole) {
        int errors;

        told[0] = '\0';
        cit_mem_fail_at(++n);
        errors = cit_run_dry(plan, collect, NULL);
        was_whole = cit_mem_fail_at(0) < n;
        assert_true(errors == CIT_ENOMEM || errors <= 1);
        assert_true(n < 10000);
    }
    assert_true(n > 20);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    with_plan(check_failures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_journey_is_walked_and_told),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
