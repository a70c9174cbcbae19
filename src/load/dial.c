/* load/dial.c - sockets on their way to a server. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include "load/engine_int.h"

static int dial_error(int errnum, char *why, size_t why_n)
{
    char text[128];

    /* The GNU strerror_r: it may answer with a static text instead of filling ours. */
    (void)snprintf(why, why_n, "%s", strerror_r(errnum, text, sizeof text));
    switch (errnum) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL: /* connect(2): no ephemeral port is left */
        return CIT_EMFILE;
    default:
        return CIT_EIO;
    }
}

int cit__dial(const struct cit_addr *a, int *out, char *why, size_t why_n)
{
    const int on = 1;
    bool is_unix = a->sa.ss_family == AF_UNIX;
    int err, errnum, fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return dial_error(errno, why, why_n);
    if (!is_unix)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)&a->sa, a->len) == 0) {
        *out = fd;
        return CIT_OK;
    }
    errnum = errno;
    if (errnum == EINPROGRESS || errnum == EINTR) {
        *out = fd;
        return CIT_EAGAIN;
    }
    err = dial_error(errnum, why, why_n);
    if (errnum == EAGAIN) /* of TCP: no port is left; of a UNIX socket: its backlog is full */
        err = is_unix ? CIT_ESTATE : CIT_EMFILE;
    close(fd);
    return err;
}

int cit__dial_result(int fd, char *why, size_t why_n)
{
    int errnum = 0;
    socklen_t len = sizeof errnum;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &len) == -1)
        errnum = errno;
    return errnum == 0 ? CIT_OK : dial_error(errnum, why, why_n);
}
