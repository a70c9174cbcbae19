/* net/sock.c - connected sockets: accept, receive, send, sendfile. */
#include "net/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/sockios.h>
#include <sys/sendfile.h>
#endif

/* macOS has neither flag: there SO_NOSIGPIPE is set on each accepted socket. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#ifndef MSG_MORE
#define MSG_MORE 0
#endif

/* ---- accepting ---- */

#ifdef __linux__
static int accept_ready(int listen_fd, struct sockaddr *sa, socklen_t *len)
{
    return accept4(listen_fd, sa, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
#else
/* Flags and TCP_NODELAY are inherited on some systems only. */
static int accept_ready(int listen_fd, struct sockaddr *sa, socklen_t *len)
{
    const int on = 1;
    int fd = accept(listen_fd, sa, len);

    if (fd == -1)
        return -1;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1 || fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
        close(fd);
        errno = ECONNABORTED;
        return -1;
    }
    if (sa->sa_family == AF_INET || sa->sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef SO_NOSIGPIPE
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return fd;
}
#endif

static int accept_error(int errnum)
{
    switch (errnum) {
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
        return CIT_EAGAIN;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EBADF: /* these three will not go away by trying again: pausing spares a busy loop */
    case EINVAL:
    case ENOTSOCK:
        return CIT_EMFILE;
    default: /* the error of that one connection, accept(2): ECONNABORTED, EPROTO, EPERM, ENETDOWN, ... */
        return CIT_EIO;
    }
}

int cit_sock_accept(int listen_fd, struct sockaddr_storage *peer, socklen_t *len)
{
    int fd;

    do {
        *len = sizeof *peer;
        fd = accept_ready(listen_fd, (struct sockaddr *)peer, len);
    } while (fd == -1 && errno == EINTR);
    return fd == -1 ? accept_error(errno) : fd;
}

/* ---- receiving and sending ---- */

static int io_error(int errnum)
{
    switch (errnum) {
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
        return CIT_EAGAIN;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
    case ETIMEDOUT: /* the kernel gave the peer up */
    case EHOSTUNREACH:
    case ENETUNREACH:
        return CIT_ECLOSED;
    default:
        return CIT_EIO;
    }
}

int64_t cit_sock_recv(int fd, void *p, size_t n)
{
    ssize_t got;

    do {
        got = recv(fd, p, n, 0);
    } while (got == -1 && errno == EINTR);
    if (got > 0)
        return got;
    return got == 0 ? CIT_ECLOSED : io_error(errno);
}

int64_t cit_sock_send(int fd, const void *p, size_t n)
{
    ssize_t sent;

    do {
        sent = send(fd, p, n, MSG_NOSIGNAL);
    } while (sent == -1 && errno == EINTR);
    return sent == -1 ? io_error(errno) : sent;
}

static int64_t send_vector(int fd, const struct iovec *iov, int count, int flags)
{
    /* sendmsg(2) reads the vector only; its type says otherwise */
    const struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (unsigned)count };
    ssize_t sent;

    do {
        sent = sendmsg(fd, &msg, flags);
    } while (sent == -1 && errno == EINTR);
    return sent == -1 ? io_error(errno) : sent;
}

int64_t cit_sock_sendv(int fd, const struct iovec *iov, int count)
{
    return send_vector(fd, iov, count, MSG_NOSIGNAL);
}

int64_t cit_sock_sendv_more(int fd, const struct iovec *iov, int count)
{
    return send_vector(fd, iov, count, MSG_NOSIGNAL | MSG_MORE);
}

/* ---- files ---- */

/* One read and one send; what the socket did not take is read again next time. */
static int64_t copy_file(int fd, int file_fd, int64_t *offset, size_t n)
{
    char block[16384];
    int64_t sent;
    ssize_t got;

    do {
        got = pread(file_fd, block, n < sizeof block ? n : sizeof block, (off_t)*offset);
    } while (got == -1 && errno == EINTR);
    if (got == 0)
        return CIT_EIO;
    if (got == -1)
        return errno == EIO ? CIT_EIO : CIT_EINVAL; /* a pipe, a directory, not open for reading */
    sent = cit_sock_send(fd, block, (size_t)got);
    if (sent > 0)
        *offset += sent;
    return sent;
}

#ifdef __linux__
int64_t cit_sock_sendfile(int fd, int file_fd, int64_t *offset, size_t n)
{
    off_t at = *offset;
    ssize_t sent;

    do {
        sent = sendfile(fd, file_fd, &at, n);
    } while (sent == -1 && errno == EINTR);
    if (sent > 0) {
        *offset = at;
        return sent;
    }
    if (sent == 0)
        return CIT_EIO;
    /* EINVAL: a file system without the means for it; ESPIPE: copy_file says no */
    return errno == EINVAL || errno == ENOSYS || errno == ESPIPE ? copy_file(fd, file_fd, offset, n) : io_error(errno);
}
#else
int64_t cit_sock_sendfile(int fd, int file_fd, int64_t *offset, size_t n)
{
    return copy_file(fd, file_fd, offset, n);
}
#endif

int64_t cit_sock_unsent(int fd)
{
#ifdef SIOCOUTQ
    int n;

    return ioctl(fd, SIOCOUTQ, &n) == -1 ? -1 : n;
#else
    (void)fd;
    return -1;
#endif
}
