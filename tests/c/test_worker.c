/* A worker with an application in C, over real sockets. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_app.h"
#include "net/sock.h"
#include "serve/worker.h"

struct server {
    struct fake_app app;
    struct cit_conf conf;
    struct cit_board *board;
    struct cit_log *log;
    struct cit_worker *w;
    pthread_t thread;
    int listen_fd, port;
};

static void *serve(void *arg)
{
    struct server *s = arg;

    fake_attach(&s->app);
    assert_int_equal(cit_worker_run(s->w), CIT_OK);
    fake_detach(&s->app);
    return NULL;
}

static void start_with(struct server *s, const struct cit_conf *conf)
{
    struct cit_addr addr[4];
    struct cit_listen_opts opts = { .backlog = 256, .unix_mode = -1, .uid = -1, .gid = -1 };
    struct sockaddr_in sa;
    socklen_t len = sizeof sa;
    const char *why, *bad;
    struct cit_worker_env env = { .ctl_fd = -1, .nlisten = 1 };

    memset(s, 0, sizeof *s);
    s->conf = *conf;
    pthread_mutex_init(&s->app.gil, NULL);
    assert_int_equal(cit_addr_parse("127.0.0.1:0", addr, 4, &why), 1);
    s->listen_fd = cit_listen_open(&addr[0], &opts);
    assert_true(s->listen_fd >= 0);
    assert_int_equal(getsockname(s->listen_fd, (struct sockaddr *)&sa, &len), 0);
    s->port = ntohs(sa.sin_port);
    assert_int_equal(cit_board_new(1, &s->board), CIT_OK);
    assert_int_equal(cit_log_new(getenv("CIT_TEST_LOG"), NULL, CIT_LOG_DEBUG, &s->log, &bad), CIT_OK);
    env.listen_fds = &s->listen_fd;
    env.slot = &s->board->slot[0];
    env.log = s->log;
    assert_int_equal(cit_worker_new(&env, &s->conf, &fake_ops, &s->app, &s->w), CIT_OK);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void start(struct server *s)
{
    struct cit_conf conf;

    cit_conf_defaults(&conf);
    start_with(s, &conf);
}

static void stop(struct server *s)
{
    cit_worker_ask(s->w, CIT_ASK_DRAIN);
    pthread_join(s->thread, NULL);
    fake_attach(&s->app);
    cit_worker_free(s->w);
    fake_detach(&s->app);
    assert_int_equal(s->app.owners, 0);
    cit_log_free(s->log);
    cit_board_free(s->board);
    close(s->listen_fd);
}

static int dial(const struct server *s)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)s->port) };
    struct timeval patience = { .tv_sec = 10 };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads one response with a Content-Length into body (and its length); returns the status. */
static int hear(int fd, char *body, size_t room, size_t *len)
{
    char head[4096];
    size_t n = 0;
    char *end, *field;

    while (n < sizeof head - 1 && (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0)) {
        if (recv(fd, head + n, 1, 0) != 1)
            return -1;
        n++;
    }
    head[n] = '\0';
    field = strstr(head, "Content-Length: ");
    assert_non_null(field);
    *len = strtoul(field + 16, &end, 10);
    assert_true(*len <= room);
    for (n = 0; n < *len;) {
        ssize_t got = recv(fd, body + n, *len - n, 0);

        if (got <= 0)
            return -1;
        n += (size_t)got;
    }
    return atoi(head + 9);
}

static void expect(int fd, const char *text)
{
    char body[4096];
    size_t len;

    assert_int_equal(hear(fd, body, sizeof body, &len), 200);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(body, text, len);
}

/* Everything until the peer closes; returns its length. */
static size_t hear_all(int fd, char *out, size_t room)
{
    size_t n = 0;
    ssize_t got;

    while (n < room && (got = recv(fd, out + n, room - n, 0)) > 0)
        n += (size_t)got;
    return n;
}

#define HELLO "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static void a_request_is_answered_and_the_connection_kept(void **state)
{
    struct server s;
    int fd;

    (void)state;
    start(&s);
    fd = dial(&s);
    for (int i = 0; i < 3; i++) {
        say(fd, HELLO);
        expect(fd, "hello");
    }
    close(fd);
    stop(&s);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct server s;
    int fd;

    (void)state;
    start(&s);
    fd = dial(&s);
    for (int i = 0; i < 20; i++) {
        say(fd, HELLO "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" HELLO
                      "GET /sleep/5 HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n" HELLO);
        expect(fd, "hello");
        expect(fd, "abc");
        expect(fd, "hello");
        expect(fd, "hello");
        expect(fd, "xyz");
        expect(fd, "hello");
    }
    close(fd);
    stop(&s);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    static const char text[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345";
    struct server s;
    int fd;

    (void)state;
    start(&s);
    fd = dial(&s);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        assert_int_equal(send(fd, text + i, 1, 0), 1);
        usleep(300);
    }
    expect(fd, "12345");
    close(fd);
    stop(&s);
}

static void a_sleeping_request_does_not_stop_the_others(void **state)
{
    struct server s;
    int slow, quick;
    int64_t began;

    (void)state;
    start(&s);
    slow = dial(&s);
    quick = dial(&s);
    say(slow, "GET /sleep/500 HTTP/1.1\r\nHost: x\r\n\r\n");
    usleep(50000);
    began = cit_clock_now_ns();
    for (int i = 0; i < 20; i++) {
        say(quick, HELLO);
        expect(quick, "hello");
    }
    assert_true(cit_clock_now_ns() - began < 400 * CIT_MS_NS);
    expect(slow, "hello");
    assert_int_equal(s.board->slot[0].counters.handovers, 1);
    close(slow);
    close(quick);
    stop(&s);
}

static void more_sleepers_than_threads_wait_their_turn(void **state)
{
    struct server s;
    struct cit_conf conf;
    int fd[24], quick;

    (void)state;
    cit_conf_defaults(&conf);
    conf.threads = 4;
    start_with(&s, &conf);
    for (int i = 0; i < 24; i++) {
        fd[i] = dial(&s);
        say(fd[i], "GET /sleep/30 HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    quick = dial(&s);
    for (int i = 0; i < 20; i++) {
        say(quick, HELLO);
        expect(quick, "hello");
    }
    for (int i = 0; i < 24; i++) {
        expect(fd[i], "hello");
        close(fd[i]);
    }
    close(quick);
    assert_true(s.app.most_running <= 6);
    assert_true(s.app.spawned <= 5);
    stop(&s);
}

static void large_bodies_come_and_go_whole(void **state)
{
    enum { N = 3000000 };
    struct server s;
    char *body = malloc(N), *back = malloc(N);
    char head[128];
    size_t len;
    int fd, n;

    (void)state;
    start(&s);
    fd = dial(&s);
    for (int i = 0; i < N; i++)
        body[i] = (char)(i * 7 + i / 251);
    n = snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", N);
    assert_int_equal(send(fd, head, (size_t)n, 0), n);
    for (int sent = 0; sent < N;) {
        ssize_t k = send(fd, body + sent, (size_t)(N - sent), 0);

        assert_true(k > 0);
        sent += (int)k;
    }
    assert_int_equal(hear(fd, back, N, &len), 200);
    assert_int_equal(len, N);
    assert_memory_equal(body, back, N);
    say(fd, "GET /big/2500000 HTTP/1.1\r\nHost: x\r\n\r\n" HELLO);
    assert_int_equal(hear(fd, back, N, &len), 200);
    assert_int_equal(len, 2500000);
    expect(fd, "hello");
    close(fd);
    free(body);
    free(back);
    stop(&s);
}

/* The receive buffer ends within the fourth body: three answers leave before it is whole. */
static void a_body_cut_behind_other_requests_is_read_on(void **state)
{
    enum { N = 5000 };
    struct server s;
    char one[N + 128], back[N];
    size_t len;
    int fd, n;

    (void)state;
    start(&s);
    fd = dial(&s);
    n = snprintf(one, sizeof one, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", N);
    memset(one + n, 'o', N);
    for (int i = 0; i < 8; i++)
        assert_int_equal(send(fd, one, (size_t)(n + N), 0), n + N);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(hear(fd, back, sizeof back, &len), 200);
        assert_int_equal(len, N);
    }
    close(fd);
    stop(&s);
}

static void a_stream_is_chunked_and_a_slow_reader_gets_it_all(void **state)
{
    enum { ROOM = 24000000 };
    struct server s;
    char *all = malloc(ROOM);
    size_t n;
    int fd;

    (void)state;
    start(&s);
    fd = dial(&s);
    say(fd, "GET /stream/20000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    usleep(100000);
    n = hear_all(fd, all, ROOM);
    assert_true(n > 20000000);
    assert_memory_equal(all + n - 5, "0\r\n\r\n", 5);
    assert_true(s.board->slot[0].counters.yields + s.board->slot[0].counters.handovers >= 1);
    close(fd);
    free(all);
    stop(&s);
}

static void a_bad_request_gets_a_whole_answer_and_an_end(void **state)
{
    char all[2048] = "";
    struct server s;
    int fd;

    (void)state;
    start(&s);
    fd = dial(&s);
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_all(fd, all, sizeof all - 1);
    assert_memory_equal(all, "HTTP/1.1 400 ", 13);
    assert_non_null(strstr(all, "Connection: close\r\n"));
    assert_null(strstr(all + 1, "HTTP/1.1"));
    close(fd);
    stop(&s);
}

static void a_client_that_closed_its_side_gets_its_answers(void **state)
{
    char all[2048] = "";
    struct server s;
    int fd;

    (void)state;
    start(&s);
    fd = dial(&s);
    say(fd, HELLO HELLO);
    shutdown(fd, SHUT_WR);
    hear_all(fd, all, sizeof all - 1);
    assert_memory_equal(all, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(all + 1, "HTTP/1.1 200 OK\r\n"));
    close(fd);
    stop(&s);
}

static void continue_is_sent_when_the_body_is_read(void **state)
{
    char line[64] = "";
    struct server s;
    int fd;

    (void)state;
    start(&s);
    fd = dial(&s);
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(recv(fd, line, 25, MSG_WAITALL), 25);
    assert_string_equal(line, "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "body");
    expect(fd, "body");
    say(fd, HELLO);
    expect(fd, "hello");
    close(fd);
    stop(&s);
}

static void an_answer_may_come_before_the_body(void **state)
{
    char all[2048] = "";
    struct server s;
    int fd;

    (void)state;
    start(&s);
    fd = dial(&s);
    say(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nfirst bytes");
    hear_all(fd, all, sizeof all - 1);
    assert_memory_equal(all, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(all, "Connection: close\r\n"));
    close(fd);
    stop(&s);
}

static void applications_that_fail_get_500(void **state)
{
    char body[512];
    struct server s;
    size_t len;
    int fd;

    (void)state;
    start(&s);
    fd = dial(&s);
    say(fd, "GET /none HTTP/1.1\r\nHost: x\r\n\r\nGET /fail HTTP/1.1\r\nHost: x\r\n\r\n" HELLO);
    assert_int_equal(hear(fd, body, sizeof body, &len), 500);
    assert_int_equal(hear(fd, body, sizeof body, &len), 500);
    expect(fd, "hello");
    close(fd);
    stop(&s);
}

static void a_request_over_its_time_is_answered_504(void **state)
{
    struct server s;
    struct cit_conf conf;
    char all[2048] = "";
    int fd;

    (void)state;
    cit_conf_defaults(&conf);
    conf.timeout_ms = 300;
    start_with(&s, &conf);
    fd = dial(&s);
    say(fd, "GET /sleep/1500 HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_all(fd, all, sizeof all - 1);
    assert_memory_equal(all, "HTTP/1.1 504 ", 13);
    assert_int_equal(s.app.interrupted, 1);
    close(fd);
    stop(&s);
}

static void draining_finishes_what_runs(void **state)
{
    char all[2048] = "";
    struct server s;
    int fd, idle;

    (void)state;
    start(&s);
    fd = dial(&s);
    idle = dial(&s);
    say(fd, "GET /sleep/300 HTTP/1.1\r\nHost: x\r\n\r\n");
    usleep(100000);
    cit_worker_ask(s.w, CIT_ASK_DRAIN);
    usleep(100000);
    say(idle, HELLO);
    hear_all(idle, all, sizeof all - 1);
    assert_non_null(strstr(all, "Connection: close\r\n"));
    memset(all, 0, sizeof all);
    hear_all(fd, all, sizeof all - 1);
    assert_memory_equal(all, "HTTP/1.1 200 OK\r\n", 17);
    close(fd);
    close(idle);
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_and_the_connection_kept),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_request_may_come_byte_by_byte),
        cmocka_unit_test(a_sleeping_request_does_not_stop_the_others),
        cmocka_unit_test(more_sleepers_than_threads_wait_their_turn),
        cmocka_unit_test(large_bodies_come_and_go_whole),
        cmocka_unit_test(a_body_cut_behind_other_requests_is_read_on),
        cmocka_unit_test(a_stream_is_chunked_and_a_slow_reader_gets_it_all),
        cmocka_unit_test(a_bad_request_gets_a_whole_answer_and_an_end),
        cmocka_unit_test(a_client_that_closed_its_side_gets_its_answers),
        cmocka_unit_test(continue_is_sent_when_the_body_is_read),
        cmocka_unit_test(an_answer_may_come_before_the_body),
        cmocka_unit_test(applications_that_fail_get_500),
        cmocka_unit_test(a_request_over_its_time_is_answered_504),
        cmocka_unit_test(draining_finishes_what_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
