/* Tests of net/addr.c, net/listen.c and net/sock.c over real sockets of this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "net/sock.c"

static const struct cit_listen_opts plain = { .backlog = 16, .unix_mode = -1, .uid = -1, .gid = -1 };
static char dir[] = "/tmp/test_sock_XXXXXX";

static struct cit_addr parsed(const char *text)
{
    struct cit_addr a[4];
    const char *why = "";

    assert_true(cit_addr_parse(text, a, 4, &why) >= 1);
    return a[0];
}

static int opened(const struct cit_addr *a)
{
    int fd = cit_listen_open(a, &plain);

    assert_true(fd >= 0);
    return fd;
}

/* The address a listener really has: port 0 became a number. */
static struct cit_addr bound(int fd)
{
    struct cit_addr a = { .fd = -1, .len = sizeof a.sa };

    assert_int_equal(getsockname(fd, (struct sockaddr *)&a.sa, &a.len), 0);
    return a;
}

static int connected(const struct cit_addr *a)
{
    int fd = socket(a->sa.ss_family, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&a->sa, a->len), 0);
    return fd;
}

static int accepted(int listener)
{
    struct pollfd p = { .fd = listener, .events = POLLIN };
    struct sockaddr_storage peer;
    socklen_t len;
    int fd;

    assert_int_equal(poll(&p, 1, 2000), 1);
    fd = cit_sock_accept(listener, &peer, &len);
    assert_true(fd >= 0);
    return fd;
}

static int option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t n = sizeof value;

    assert_int_equal(getsockopt(fd, level, option, &value, &n), 0);
    return value;
}

/* ---- addresses ---- */

static void addresses_are_read_and_written_back(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        { "127.0.0.1:8000", "127.0.0.1:8000" },
        { "tcp://127.0.0.1:1", "127.0.0.1:1" },
        { "127.0.0.1", "127.0.0.1:8000" },
        { ":65535", "0.0.0.0:65535" },
        { "8001", "0.0.0.0:8001" },
        { "[::1]:80", "[::1]:80" },
        { "[::]", "[::]:8000" },
        { "unix:/run/app.sock", "unix:/run/app.sock" },
        { "unix:///run/app.sock", "unix:/run/app.sock" },
        { "unix:app.sock", "unix:app.sock" },
        { "unix:@name", "unix:@name" },
    };
    char text[CIT_ADDR_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cit_addr a = parsed(rows[i].in);

        cit_addr_text((const struct sockaddr *)&a.sa, a.len, text);
        assert_string_equal(text, rows[i].out);
        assert_int_equal(a.fd, -1);
    }
}

static void bad_addresses_are_refused_with_a_reason(void **state)
{
    static const char *const rows[] = { "",        "::1",        "::1:80", "[::1",   "[::1]80",        "a:65536",
                                        "a:-1",    "a: 80",      "unix:",  "unix:@", "fd://",          "fd://x",
                                        "fd://-1", "127.0.0.1:", "a:b:1",  "a:80 ",  "fd://4294967296" };
    char longer[400] = "unix:";
    const char *why;
    struct cit_addr a = { .fd = 77 };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        why = NULL;
        assert_int_equal(cit_addr_parse(rows[i], &a, 1, &why), CIT_EINVAL);
        assert_non_null(why);
        assert_int_equal(a.fd, 77);
    }
    memset(longer + 5, 'x', 108);
    assert_int_equal(cit_addr_parse(longer, &a, 1, &why), CIT_EINVAL);
    longer[5] = '@';
    longer[113] = 'x';
    assert_int_equal(cit_addr_parse(longer, &a, 1, &why), CIT_EINVAL);
    memset(longer, 'h', 300);
    assert_int_equal(cit_addr_parse(longer, &a, 1, &why), CIT_EINVAL);
    assert_int_equal(cit_addr_parse("8000", &a, 0, &why), CIT_EINVAL);
    assert_int_equal(cit_addr_parse("300.300.300.300:80", &a, 1, &why), CIT_ENOENT);
    assert_int_equal(a.fd, 77);
}

static void a_host_name_gives_addresses(void **state)
{
    struct cit_addr a[4];
    const char *why;
    int n = cit_addr_parse("localhost:0", a, 4, &why);

    (void)state;
    assert_in_range(n, 1, 4);
    assert_int_equal(cit_addr_parse("localhost:0", a, 1, &why), 1);
}

static void descriptors_are_named_by_number_or_by_systemd(void **state)
{
    struct cit_addr a = parsed("fd://17"), b = parsed("systemd");

    (void)state;
    assert_int_equal(a.kind, CIT_ADDR_FD);
    assert_int_equal(a.fd, 17);
    assert_int_equal(b.kind, CIT_ADDR_FD);
    assert_int_equal(b.fd, -1);
    assert_int_equal(cit_listen_open(&b, &plain), CIT_EINVAL);
}

static void host_and_port_come_apart(void **state)
{
    char host[CIT_ADDR_TEXT_MAX], text[CIT_ADDR_TEXT_MAX];
    struct cit_addr a = parsed("[::1]:81");
    const struct sockaddr unnamed = { .sa_family = AF_UNIX };
    uint16_t port = 1;

    (void)state;
    cit_addr_host((const struct sockaddr *)&a.sa, a.len, host, &port);
    assert_string_equal(host, "::1");
    assert_int_equal(port, 81);
    cit_addr_host(&unnamed, sizeof unnamed.sa_family, host, &port);
    assert_string_equal(host, "");
    assert_int_equal(port, 0);
    cit_addr_text(&unnamed, sizeof unnamed.sa_family, text);
    assert_string_equal(text, "unix:");
}

static void the_longest_path_is_written_whole(void **state)
{
    char text[CIT_ADDR_TEXT_MAX];
    struct cit_addr a = { .len = sizeof(struct sockaddr_un) };
    struct sockaddr_un *un = (struct sockaddr_un *)&a.sa;

    (void)state;
    un->sun_family = AF_UNIX;
    memset(un->sun_path, 'p', sizeof un->sun_path); /* the kernel may give it without a NUL */
    cit_addr_text((const struct sockaddr *)&a.sa, a.len, text);
    assert_int_equal(strlen(text), 5 + 108);
}

/* ---- listeners ---- */

static void a_tcp_listener_has_its_options(void **state)
{
    struct cit_addr a = parsed("127.0.0.1:0");
    int fd = opened(&a), client, server;
    struct cit_addr real = bound(fd);

    (void)state;
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_REUSEADDR), 1);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_REUSEPORT), 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    real.kind = CIT_ADDR_INET;
    assert_int_equal(cit_listen_open(&real, &plain), CIT_EADDRINUSE);
    client = connected(&real);
    server = accepted(fd);
    assert_int_equal(option_of(server, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_true((fcntl(server, F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(fcntl(server, F_GETFD), FD_CLOEXEC);
    close(client);
    close(server);
    close(fd);
}

/* The port the kernel gave for IPv6 may be another process's on IPv4: some are tried. */
static void ipv4_and_ipv6_share_a_port(void **state)
{
    int fd4 = -1;

    (void)state;
    for (int i = 0; i < 20 && fd4 < 0; i++) {
        struct cit_addr six = parsed("[::]:0"), four = parsed("0.0.0.0:0");
        int fd6 = cit_listen_open(&six, &plain);

        if (fd6 == CIT_EINVAL || fd6 == CIT_EADDRNOTAVAIL)
            skip(); /* a kernel without IPv6 */
        assert_true(fd6 >= 0);
        assert_int_equal(option_of(fd6, IPPROTO_IPV6, IPV6_V6ONLY), 1);
        six = bound(fd6);
        ((struct sockaddr_in *)&four.sa)->sin_port = ((struct sockaddr_in6 *)&six.sa)->sin6_port;
        fd4 = cit_listen_open(&four, &plain);
        close(fd6);
    }
    assert_true(fd4 >= 0);
    close(fd4);
}

static void reuse_port_lets_two_listen(void **state)
{
    struct cit_listen_opts reuse = plain;
    struct cit_addr a = parsed("127.0.0.1:0");
    int one, two;

    (void)state;
    reuse.reuse_port = true;
    one = cit_listen_open(&a, &reuse);
    assert_true(one >= 0);
    a = bound(one);
    a.kind = CIT_ADDR_INET;
    two = cit_listen_open(&a, &reuse);
    assert_true(two >= 0);
    close(one);
    close(two);
}

static void an_address_of_another_machine_is_not_available(void **state)
{
    struct cit_addr a = parsed("192.0.2.1:0");

    (void)state;
    assert_int_equal(cit_listen_open(&a, &plain), CIT_EADDRNOTAVAIL);
}

static struct cit_addr unix_addr(const char *name)
{
    char text[64];

    snprintf(text, sizeof text, "unix:%s/%s", dir, name);
    return parsed(text);
}

static const char *path_of(const struct cit_addr *a)
{
    return ((const struct sockaddr_un *)&a->sa)->sun_path;
}

static void a_live_unix_socket_is_left_alone_and_a_stale_one_replaced(void **state)
{
    struct cit_addr a = unix_addr("s");
    int fd = opened(&a), again;

    (void)state;
    assert_int_equal(cit_listen_open(&a, &plain), CIT_EADDRINUSE);
    close(fd);
    assert_int_equal(access(path_of(&a), F_OK), 0);
    again = opened(&a);
    close(connected(&a));
    close(accepted(again));
    close(again);
    unlink(path_of(&a));
}

static void a_full_queue_counts_as_live(void **state)
{
    struct cit_listen_opts one = plain;
    struct cit_addr a = unix_addr("full");
    int fd, clients[2];

    (void)state;
    one.backlog = 1;
    fd = cit_listen_open(&a, &one);
    assert_true(fd >= 0);
    clients[0] = connected(&a);
    clients[1] = connected(&a);
    assert_int_equal(cit_listen_open(&a, &plain), CIT_EADDRINUSE);
    close(clients[0]);
    close(clients[1]);
    close(fd);
    unlink(path_of(&a));
}

static void a_file_in_the_way_is_not_removed(void **state)
{
    struct cit_addr a = unix_addr("file");
    int file = open(path_of(&a), O_CREAT | O_WRONLY, 0600);

    (void)state;
    assert_true(file >= 0);
    close(file);
    assert_int_equal(cit_listen_open(&a, &plain), CIT_EEXIST);
    assert_int_equal(unlink(path_of(&a)), 0);
}

static void a_unix_socket_gets_its_mode_and_a_failed_one_leaves_no_file(void **state)
{
    struct cit_listen_opts o = plain;
    struct cit_addr a = unix_addr("mode"), nowhere = unix_addr("none/s");
    struct stat st;
    int fd;

    (void)state;
    o.unix_mode = 0620;
    fd = cit_listen_open(&a, &o);
    assert_true(fd >= 0);
    assert_int_equal(stat(path_of(&a), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0620);
    close(fd);
    unlink(path_of(&a));
    assert_int_equal(cit_listen_open(&nowhere, &plain), CIT_ENOENT);
}

#ifdef __linux__
static void an_abstract_socket_needs_no_file(void **state)
{
    char name[64];
    struct cit_addr a;
    int fd;

    (void)state;
    snprintf(name, sizeof name, "unix:@%s", dir + 5);
    a = parsed(name);
    assert_int_equal(a.kind, CIT_ADDR_ABSTRACT);
    fd = opened(&a);
    assert_int_equal(cit_listen_open(&a, &plain), CIT_EADDRINUSE);
    close(connected(&a));
    close(accepted(fd));
    close(fd);
}
#endif

static void only_a_listening_stream_socket_is_adopted(void **state)
{
    struct cit_addr a = parsed("127.0.0.1:0"), given = { .kind = CIT_ADDR_FD };
    int listener = opened(&a), idle = socket(AF_INET, SOCK_STREAM, 0), datagrams = socket(AF_INET, SOCK_DGRAM, 0);

    (void)state;
    fcntl(listener, F_SETFL, 0);
    fcntl(listener, F_SETFD, 0);
    given.fd = listener;
    assert_int_equal(cit_listen_open(&given, &plain), listener);
    assert_true((fcntl(listener, F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(fcntl(listener, F_GETFD), FD_CLOEXEC);
    given.fd = idle;
    assert_int_equal(cit_listen_open(&given, &plain), CIT_EINVAL);
    given.fd = datagrams;
    assert_int_equal(cit_listen_open(&given, &plain), CIT_EINVAL);
    given.fd = 9999;
    assert_int_equal(cit_listen_open(&given, &plain), CIT_EINVAL);
    close(listener);
    close(idle);
    close(datagrams);
}

static void systemd_descriptors_are_for_the_named_process_only(void **state)
{
    char pid[32];
    int first = -7;

    (void)state;
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    assert_int_equal(cit_listen_systemd(&first), 0);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_FDNAMES", "a:b", 1);
    assert_int_equal(cit_listen_systemd(&first), 2);
    assert_int_equal(first, 3);
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
    first = -7;
    setenv("LISTEN_PID", "1", 1);
    setenv("LISTEN_FDS", "2", 1);
    assert_int_equal(cit_listen_systemd(&first), 0);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "two", 1);
    assert_int_equal(cit_listen_systemd(&first), 0);
    assert_int_equal(first, -7);
}

#ifdef __linux__
/* The one that came before is served, the one that comes after gets no answer at all. */
static void a_hushed_listener_keeps_its_queue_and_takes_no_more(void **state)
{
    struct cit_addr a = parsed("127.0.0.1:0");
    int listener = opened(&a), before, server, late;
    struct cit_addr real = bound(listener);
    struct pollfd p = { .events = POLLOUT };
    char text[8];

    (void)state;
    before = connected(&real);
    assert_int_equal(cit_listen_hush(listener), CIT_OK);
    late = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(late, (struct sockaddr *)&real.sa, real.len), -1);
    assert_int_equal(errno, EINPROGRESS);
    p.fd = late;
    assert_int_equal(poll(&p, 1, 100), 0);
    server = accepted(listener);
    assert_int_equal(send(before, "hello", 5, 0), 5);
    p = (struct pollfd){ .fd = server, .events = POLLIN };
    assert_int_equal(poll(&p, 1, 2000), 1);
    assert_int_equal(cit_sock_recv(server, text, sizeof text), 5);
    close(before);
    close(late);
    close(server);
    close(listener);
}

static void a_hushed_unix_listener_keeps_its_queue_and_refuses_others(void **state)
{
    struct cit_addr a = unix_addr("hush");
    int listener = opened(&a), before = connected(&a), server;
    int late = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_storage peer;
    socklen_t len;
    char c;

    (void)state;
    assert_int_equal(cit_listen_hush(listener), CIT_OK);
    assert_int_equal(connect(late, (struct sockaddr *)&a.sa, a.len), -1);
    assert_int_equal(errno, ECONNREFUSED);
    server = accepted(listener);
    assert_int_equal(send(before, "h", 1, 0), 1);
    assert_int_equal(cit_sock_recv(server, &c, 1), 1);
    assert_int_equal(cit_sock_accept(listener, &peer, &len), CIT_EAGAIN);
    close(before);
    close(late);
    close(server);
    close(listener);
    unlink(path_of(&a));
}
#endif

static void only_a_stream_listener_can_be_hushed(void **state)
{
    int fd = open("/dev/null", O_RDONLY);

    (void)state;
    assert_int_equal(cit_listen_hush(fd), CIT_EINVAL);
    assert_int_equal(cit_listen_hush(-1), CIT_EINVAL);
    close(fd);
}

/* ---- connected sockets ---- */

static void accept_tells_nobody_there_from_no_room(void **state)
{
    struct cit_addr a = parsed("127.0.0.1:0");
    int listener = opened(&a), client, next;
    struct cit_addr real = bound(listener);
    struct sockaddr_storage peer;
    struct rlimit old, low;
    socklen_t len;

    (void)state;
    assert_int_equal(cit_sock_accept(listener, &peer, &len), CIT_EAGAIN);
    client = connected(&real);
    next = dup(0);
    close(next);
    getrlimit(RLIMIT_NOFILE, &old);
    low = (struct rlimit){ (rlim_t)next, old.rlim_max };
    setrlimit(RLIMIT_NOFILE, &low);
    assert_int_equal(cit_sock_accept(listener, &peer, &len), CIT_EMFILE);
    setrlimit(RLIMIT_NOFILE, &old);
    next = cit_sock_accept(listener, &peer, &len);
    assert_true(next >= 0);
    assert_int_equal(peer.ss_family, AF_INET);
    assert_int_equal(len, sizeof(struct sockaddr_in));
    assert_int_equal(cit_sock_accept(-1, &peer, &len), CIT_EMFILE);
    assert_int_equal(accept_error(ECONNABORTED), CIT_EIO);
    close(next);
    close(client);
    close(listener);
}

static int ends[2];

static int open_ends(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
}

static int close_ends(void **state)
{
    (void)state;
    close(ends[0]);
    return ends[1] == -1 ? 0 : close(ends[1]);
}

static void bytes_arrive_and_the_end_is_told(void **state)
{
    const struct iovec iov[] = { { (char[]){ "ab" }, 2 }, { (char[]){ "cde" }, 3 } };
    char text[16];

    (void)state;
    assert_int_equal(cit_sock_recv(ends[0], text, sizeof text), CIT_EAGAIN);
    assert_int_equal(cit_sock_sendv_more(ends[1], iov, 2), 5);
    assert_int_equal(cit_sock_sendv(ends[1], iov, 1), 2);
    assert_int_equal(cit_sock_send(ends[1], "f", 1), 1);
    assert_int_equal(cit_sock_recv(ends[0], text, sizeof text), 8);
    assert_memory_equal(text, "abcdeabf", 8);
    close(ends[1]);
    ends[1] = -1;
    assert_int_equal(cit_sock_recv(ends[0], text, sizeof text), CIT_ECLOSED);
}

/* SIGPIPE is at its default here: it would end the test. */
static void sending_to_a_closed_peer_is_no_signal(void **state)
{
    const struct iovec iov = { (char[]){ "x" }, 1 };

    (void)state;
    signal(SIGPIPE, SIG_DFL);
    close(ends[1]);
    ends[1] = -1;
    assert_int_equal(cit_sock_send(ends[0], "x", 1), CIT_ECLOSED);
    assert_int_equal(cit_sock_sendv(ends[0], &iov, 1), CIT_ECLOSED);
    assert_int_equal(cit_sock_recv(9999, NULL, 0), CIT_EIO);
}

static void a_full_peer_is_to_be_waited_for(void **state)
{
    static char block[65536];
    int64_t sent;

    (void)state;
    do {
        sent = cit_sock_send(ends[0], block, sizeof block);
    } while (sent > 0);
    assert_int_equal(sent, CIT_EAGAIN);
}

static int temp_file(size_t n)
{
    char path[64];
    int fd;

    snprintf(path, sizeof path, "%s/fileXXXXXX", dir);
    fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(write(fd, &(char){ (char)('a' + i % 26) }, 1), 1);
    return fd;
}

typedef int64_t (*file_sender)(int fd, int file_fd, int64_t *offset, size_t n);

static void check_sender(file_sender send_file)
{
    int file = temp_file(100), pipes[2];
    int64_t offset = 1;
    char text[200];

    assert_int_equal(send_file(ends[0], file, &offset, 9), 9);
    assert_int_equal(offset, 10);
    assert_int_equal(send_file(ends[0], file, &offset, 1000), 90);
    assert_int_equal(offset, 100);
    assert_int_equal(cit_sock_recv(ends[1], text, sizeof text), 99);
    assert_memory_equal(text, "bcdefghijklmnopqrstuvwxyzabc", 28);
    assert_int_equal(send_file(ends[0], file, &offset, 10), CIT_EIO); /* it ended early */
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(send_file(ends[0], pipes[0], &offset, 10), CIT_EINVAL);
    assert_int_equal(offset, 100);
    close(file);
    close(pipes[0]);
    close(pipes[1]);
}

static void a_file_is_sent_from_its_offset(void **state)
{
    (void)state;
    check_sender(cit_sock_sendfile);
}

static void a_file_is_copied_where_there_is_no_sendfile(void **state)
{
    (void)state;
    check_sender(copy_file);
}

static void a_file_waits_for_a_full_peer_at_the_right_offset(void **state)
{
    int file = temp_file(1);
    int64_t offset = 0, sum = 0, sent;

    (void)state;
    assert_int_equal(ftruncate(file, 8 << 20), 0);
    do {
        sent = cit_sock_sendfile(ends[0], file, &offset, 8 << 20);
        sum += sent > 0 ? sent : 0;
    } while (sent > 0);
    assert_int_equal(sent, CIT_EAGAIN);
    assert_int_equal(offset, sum);
    close(file);
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

#define WITH_ENDS(test) cmocka_unit_test_setup_teardown(test, open_ends, close_ends)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written_back),
        cmocka_unit_test(bad_addresses_are_refused_with_a_reason),
        cmocka_unit_test(a_host_name_gives_addresses),
        cmocka_unit_test(descriptors_are_named_by_number_or_by_systemd),
        cmocka_unit_test(host_and_port_come_apart),
        cmocka_unit_test(the_longest_path_is_written_whole),
        cmocka_unit_test(a_tcp_listener_has_its_options),
        cmocka_unit_test(ipv4_and_ipv6_share_a_port),
        cmocka_unit_test(reuse_port_lets_two_listen),
        cmocka_unit_test(an_address_of_another_machine_is_not_available),
        cmocka_unit_test(a_live_unix_socket_is_left_alone_and_a_stale_one_replaced),
        cmocka_unit_test(a_full_queue_counts_as_live),
        cmocka_unit_test(a_file_in_the_way_is_not_removed),
        cmocka_unit_test(a_unix_socket_gets_its_mode_and_a_failed_one_leaves_no_file),
#ifdef __linux__
        cmocka_unit_test(an_abstract_socket_needs_no_file),
        cmocka_unit_test(a_hushed_listener_keeps_its_queue_and_takes_no_more),
        cmocka_unit_test(a_hushed_unix_listener_keeps_its_queue_and_refuses_others),
#endif
        cmocka_unit_test(only_a_listening_stream_socket_is_adopted),
        cmocka_unit_test(systemd_descriptors_are_for_the_named_process_only),
        cmocka_unit_test(only_a_stream_listener_can_be_hushed),
        cmocka_unit_test(accept_tells_nobody_there_from_no_room),
        WITH_ENDS(bytes_arrive_and_the_end_is_told),
        WITH_ENDS(sending_to_a_closed_peer_is_no_signal),
        WITH_ENDS(a_full_peer_is_to_be_waited_for),
        WITH_ENDS(a_file_is_sent_from_its_offset),
        WITH_ENDS(a_file_is_copied_where_there_is_no_sendfile),
        WITH_ENDS(a_file_waits_for_a_full_peer_at_the_right_offset),
    };

    return cmocka_run_group_tests_name("sock", tests, make_dir, remove_dir);
}
