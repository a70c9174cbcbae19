/* bench/floor.c - the least that can answer HTTP on epoll: the floor of every table.
 *
 * One process, one loop: receive, look for blank lines, send one fixed answer for each.
 * Nothing is parsed, limited, timed or logged, so what a server costs above this
 * program is what the server itself costs.  The answer has the size of the hello
 * application's answer under a usual server, Date and Server included.
 *
 *     floor PORT            keep every connection
 *     floor PORT close      close after the first answer (the new-connection row)
 *
 * Limits:  16,384 descriptors; at most 64 answers leave in one send, and a client that
 *          does not take a whole answer at once is closed: answers are 150 bytes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FD = 16384, MAX_EVENTS = 512, MAX_BATCH = 64, RECV_LEN = 65536, ANSWER_CAP = 256 };

static const char head[] = "HTTP/1.1 200 OK\r\n"
                           "Server: floor\r\n"
                           "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                           "Content-Type: text/plain\r\n"
                           "Content-Length: 13\r\n";
static const char body[] = "\r\nHello, world\n";
static char answers[MAX_BATCH * ANSWER_CAP];
static size_t answer_len;
static char input[RECV_LEN];
static unsigned char matched[MAX_FD]; /* how much of CR LF CR LF the connection ended with */
static int closing;

/* Count the blank lines in n bytes of a connection that continues from *state. */
static unsigned blank_lines(const char *p, size_t n, unsigned char *state)
{
    static const char blank[] = "\r\n\r\n";
    unsigned char at = *state;
    unsigned found = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] == blank[at])
            at++;
        else
            at = p[i] == '\r' ? 1 : 0;
        if (at == 4) {
            found++;
            at = 0;
        }
    }
    *state = at;
    return found;
}

/* Send count answers, gathered.  Returns 0, or -1 if the connection must go. */
static int send_answers(int fd, unsigned count)
{
    while (count > 0) {
        unsigned batch = count < MAX_BATCH ? count : MAX_BATCH;
        size_t len = batch * answer_len;

        if (send(fd, answers, len, MSG_NOSIGNAL) != (ssize_t)len)
            return -1;
        count -= batch;
    }
    return closing ? -1 : 0;
}

static void serve(int fd)
{
    ssize_t n = recv(fd, input, sizeof input, 0);
    unsigned requests;

    if (n <= 0) {
        close(fd);
        return;
    }
    requests = blank_lines(input, (size_t)n, &matched[fd]);
    if (requests > 0 && send_answers(fd, requests) == -1)
        close(fd);
}

static void accept_all(int epoll, int listener)
{
    for (;;) {
        struct epoll_event ev = { .events = EPOLLIN };
        int one = 1;
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd == -1)
            return;
        if (fd >= MAX_FD) {
            close(fd);
            continue;
        }
        matched[fd] = 0;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        ev.data.fd = fd;
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
            close(fd);
    }
}

static void prepare_answers(void)
{
    int n = snprintf(answers, ANSWER_CAP, "%s%s%s", head, closing ? "Connection: close\r\n" : "", body);

    answer_len = (size_t)n;
    for (size_t i = 1; i < MAX_BATCH; i++)
        memcpy(answers + i * answer_len, answers, answer_len);
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr sa;
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return -1;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memcpy(&sa, &sin, sizeof sa);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, &sa, sizeof sin) == -1 || listen(fd, 4096) == -1) {
        close(fd);
        return -1;
    }
    return fd;
}

static _Noreturn void run(int epoll, int listener)
{
    static struct epoll_event events[MAX_EVENTS];

    for (;;) {
        int n = epoll_wait(epoll, events, MAX_EVENTS, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                accept_all(epoll, listener);
            else
                serve(events[i].data.fd);
        }
    }
}

int main(int argc, char **argv)
{
    struct epoll_event ev = { .events = EPOLLIN };
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = argc > 1 ? listen_on((uint16_t)strtoul(argv[1], NULL, 10)) : -1;

    closing = argc > 2 && strcmp(argv[2], "close") == 0;
    prepare_answers();
    ev.data.fd = listener;
    if (epoll == -1 || listener == -1 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev) == -1) {
        perror("floor");
        return 1;
    }
    run(epoll, listener);
}
