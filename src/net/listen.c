/* net/listen.c - listening sockets: made, inherited, or handed over by systemd. */
#include "net/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/filter.h>
#endif

#include "base/slice.h"

enum { SYSTEMD_FIRST_FD = 3 }; /* SD_LISTEN_FDS_START, sd_listen_fds(3) */

static int set_flags(int fd)
{
    int fl = fcntl(fd, F_GETFL), fdfl = fcntl(fd, F_GETFD);

    if (fl == -1 || fdfl == -1 || fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1 ||
        fcntl(fd, F_SETFD, fdfl | FD_CLOEXEC) == -1)
        return cit_err_from_errno(errno);
    return CIT_OK;
}

static int set_on(int fd, int level, int option)
{
    const int on = 1;

    return setsockopt(fd, level, option, &on, sizeof on) == -1 ? cit_err_from_errno(errno) : CIT_OK;
}

static int open_stream(int family, int *fd)
{
    int err;

    *fd = socket(family, SOCK_STREAM, 0);
    if (*fd == -1)
        return cit_err_from_errno(errno);
    err = set_flags(*fd);
    if (err != CIT_OK)
        close(*fd);
    return err;
}

/* ---- TCP ---- */

static int set_tcp_options(int fd, const struct cit_addr *a, const struct cit_listen_opts *o)
{
    int err = set_on(fd, SOL_SOCKET, SO_REUSEADDR); /* over connections of a former run in TIME_WAIT */

    if (err == CIT_OK && o->reuse_port)
        err = set_on(fd, SOL_SOCKET, SO_REUSEPORT);
    if (err == CIT_OK && a->kind == CIT_ADDR_INET6)
        err = set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY); /* else [::] would take 0.0.0.0 as well */
    if (err == CIT_OK)
        err = set_on(fd, IPPROTO_TCP, TCP_NODELAY);
    return err;
}

static int open_tcp(const struct cit_addr *a, const struct cit_listen_opts *o)
{
    int fd, err = open_stream(a->kind == CIT_ADDR_INET6 ? AF_INET6 : AF_INET, &fd);

    if (err != CIT_OK)
        return err;
    err = set_tcp_options(fd, a, o);
    if (err != CIT_OK)
        goto fail;
    if (bind(fd, (const struct sockaddr *)&a->sa, a->len) == -1 || listen(fd, o->backlog) == -1) {
        err = cit_err_from_errno(errno);
        goto fail;
    }
    return fd;

fail:
    close(fd);
    return err;
}

/* ---- UNIX ---- */

/* Removes the socket file at a's path if nobody listens on it.  CIT_OK: the path is free. */
static int clear_stale(const struct cit_addr *a)
{
    const char *path = ((const struct sockaddr_un *)&a->sa)->sun_path;
    struct stat st;
    int fd, err;

    if (lstat(path, &st) == -1)
        return errno == ENOENT ? CIT_OK : cit_err_from_errno(errno);
    if (!S_ISSOCK(st.st_mode))
        return CIT_EEXIST;
    err = open_stream(AF_UNIX, &fd);
    if (err != CIT_OK)
        return err;
    /* Only "refused" says that nobody listens; a full queue answers EAGAIN. */
    if (connect(fd, (const struct sockaddr *)&a->sa, a->len) == -1)
        err = errno == ECONNREFUSED || errno == ENOENT ? CIT_OK : CIT_EADDRINUSE;
    else
        err = CIT_EADDRINUSE;
    close(fd);
    if (err == CIT_OK && unlink(path) == -1 && errno != ENOENT)
        err = cit_err_from_errno(errno);
    return err;
}

/* Before listen(2), so that nobody connects by permissions that are not meant. */
static int set_owner(const char *path, const struct cit_listen_opts *o)
{
    if (o->unix_mode != -1 && chmod(path, (mode_t)o->unix_mode) == -1)
        return cit_err_from_errno(errno);
    if ((o->uid != -1 || o->gid != -1) && chown(path, (uid_t)o->uid, (gid_t)o->gid) == -1)
        return cit_err_from_errno(errno);
    return CIT_OK;
}

static int open_unix(const struct cit_addr *a, const struct cit_listen_opts *o)
{
    const char *path = ((const struct sockaddr_un *)&a->sa)->sun_path;
    const bool is_file = a->kind == CIT_ADDR_UNIX;
    int fd, err = is_file ? clear_stale(a) : CIT_OK;

    if (err == CIT_OK)
        err = open_stream(AF_UNIX, &fd);
    if (err != CIT_OK)
        return err;
    if (bind(fd, (const struct sockaddr *)&a->sa, a->len) == -1) {
        err = cit_err_from_errno(errno);
        close(fd);
        return err;
    }
    if (is_file)
        err = set_owner(path, o);
    if (err == CIT_OK && listen(fd, o->backlog) == -1)
        err = cit_err_from_errno(errno);
    if (err == CIT_OK)
        return fd;
    close(fd);
    if (is_file)
        unlink(path);
    return err;
}

/* ---- inherited ---- */

static int get_option(int fd, int option)
{
    int value = -1;
    socklen_t n = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &n) == -1 ? -1 : value;
}

static int family_of(int fd)
{
    struct sockaddr_storage sa = { 0 };
    socklen_t n = sizeof sa;

    return getsockname(fd, (struct sockaddr *)&sa, &n) == -1 ? -1 : sa.ss_family;
}

static bool is_tcp(int fd)
{
    int family = family_of(fd);

    return family == AF_INET || family == AF_INET6;
}

static int adopt(int fd)
{
    int err;

    if (fd < 0 || get_option(fd, SO_TYPE) != SOCK_STREAM || get_option(fd, SO_ACCEPTCONN) != 1)
        return CIT_EINVAL;
    err = set_flags(fd);
    if (err == CIT_OK && is_tcp(fd))
        err = set_on(fd, IPPROTO_TCP, TCP_NODELAY);
    return err == CIT_OK ? fd : err;
}

int cit_listen_open(const struct cit_addr *a, const struct cit_listen_opts *o)
{
    switch (a->kind) {
    case CIT_ADDR_INET:
    case CIT_ADDR_INET6:
        return open_tcp(a, o);
    case CIT_ADDR_UNIX:
    case CIT_ADDR_ABSTRACT:
        return open_unix(a, o);
    case CIT_ADDR_FD:
        return adopt(a->fd);
    }
    return CIT_EINVAL;
}

static unsigned long long env_number(const char *name)
{
    const char *text = getenv(name);
    unsigned long long value = 0;

    if (text == NULL || !cit_slice_u64(cit_slice_str(text), &value))
        return 0;
    return value;
}

int cit_listen_systemd(int *first_fd)
{
    unsigned long long pid = env_number("LISTEN_PID"), count = env_number("LISTEN_FDS");

    /* Our own children must not take them for theirs. */
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (pid != (unsigned long long)getpid() || count == 0 || count > INT16_MAX)
        return 0;
    *first_fd = SYSTEMD_FIRST_FD;
    return (int)count;
}

/* ---- before the end ---- */

#ifdef __linux__
int cit_listen_hush(int fd)
{
    /* Drops segments with SYN (byte 13 of the TCP header is the flags, RFC 9293 3.1) and
     * lets the rest through: hand-shakes that have begun may end, and the filter, which
     * accepted sockets inherit, does them no harm.  The client sends its SYN again after a
     * second: to the next server, if there is one by then. */
    static const struct sock_filter drop_syn[] = {
        { BPF_LD | BPF_B | BPF_ABS, 0, 0, 13 },
        { BPF_JMP | BPF_JSET | BPF_K, 0, 1, 0x02 },
        { BPF_RET | BPF_K, 0, 0, 0 },
        { BPF_RET | BPF_K, 0, 0, UINT32_MAX },
    };
    /* The kernel copies the program and does not write to it. */
    const struct sock_fprog program = { sizeof drop_syn / sizeof *drop_syn, (struct sock_filter *)(uintptr_t)drop_syn };

    if (family_of(fd) == AF_UNIX)
        return shutdown(fd, SHUT_RD) == -1 ? CIT_EINVAL : CIT_OK; /* connect(2) is refused, accept(2) goes on */
    if (!is_tcp(fd))
        return CIT_EINVAL;
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == -1 ? CIT_EINVAL : CIT_OK;
}
#else
int cit_listen_hush(int fd)
{
    (void)fd;
    return CIT_EINVAL;
}
#endif
