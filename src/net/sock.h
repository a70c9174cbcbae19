/* net/sock.h - addresses, listening sockets and the sockets taken from them.
 *
 * An address is written as users of gunicorn write it:
 *
 *      127.0.0.1:8000   [::1]:8000   localhost:8000   :8000   8000
 *      unix:/run/app.sock   unix:@name (Linux abstract)   fd://3   systemd
 *
 * Depends on: base.
 * Ownership:  every returned descriptor is the caller's.
 * Threads:    any.
 */
#ifndef CIT_NET_SOCK_H
#define CIT_NET_SOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

enum cit_addr_kind { CIT_ADDR_INET, CIT_ADDR_INET6, CIT_ADDR_UNIX, CIT_ADDR_ABSTRACT, CIT_ADDR_FD };

struct cit_addr {
    enum cit_addr_kind kind;
    int fd; /* CIT_ADDR_FD: the inherited descriptor, -1: those systemd handed over; else -1 */
    socklen_t len;
    struct sockaddr_storage sa;
};

#define CIT_ADDR_TEXT_MAX 128

/* One bind value to at most cap addresses (a host name may have several).  Returns
 * their number, or CIT_EINVAL / CIT_ENOENT with *why a static text that says what
 * is wrong.  A host name is resolved, so this may wait for a name server. */
CIT_MUST_CHECK int cit_addr_parse(const char *text, struct cit_addr *out, int cap, const char **why);

/* "127.0.0.1:8000", "[::1]:8000", "unix:/path", "unix:@name", "unix:" (unnamed). */
void cit_addr_text(const struct sockaddr *sa, socklen_t len, char out[CIT_ADDR_TEXT_MAX]);

/* The host part alone ("::1", "127.0.0.1"; "" for UNIX) and the port (0 for UNIX). */
void cit_addr_host(const struct sockaddr *sa, socklen_t len, char out[CIT_ADDR_TEXT_MAX], uint16_t *port);

struct cit_listen_opts {
    int backlog;
    bool reuse_port;  /* SO_REUSEPORT */
    int unix_mode;    /* permissions of a UNIX socket file, -1: by the umask */
    int64_t uid, gid; /* its owner, -1: unchanged */
};

/* A non-blocking, close-on-exec listening socket (TCP_NODELAY set on TCP, inherited
 * by what is accepted; IPV6_V6ONLY on IPv6).  A stale UNIX socket file nobody listens
 * on is replaced, a live one is CIT_EADDRINUSE.  An inherited descriptor is checked
 * to be a listening stream socket.  Returns the fd or an error. */
CIT_MUST_CHECK int cit_listen_open(const struct cit_addr *a, const struct cit_listen_opts *o);

/* The descriptors systemd handed over (LISTEN_PID, LISTEN_FDS; sd_listen_fds(3)):
 * their number and the first, 0 when there are none or they are not for this pid.
 * Takes the variables out of the environment. */
int cit_listen_systemd(int *first_fd);

/* Stops new connections from entering the queue of a listener without refusing those already
 * in it: TCP clients are left to try again (a filter that drops SYN; Linux), UNIX clients are
 * refused.  A loop may report a hushed UNIX listener for ever: take it out once its queue is
 * empty.  CIT_OK, CIT_EINVAL. */
int cit_listen_hush(int fd);

/* accept4: a non-blocking, close-on-exec socket.  fd, CIT_EAGAIN, CIT_EMFILE
 * (no descriptors or memory: pause accepting), or CIT_EIO (that peer is gone: go on). */
CIT_MUST_CHECK int cit_sock_accept(int listen_fd, struct sockaddr_storage *peer, socklen_t *len);

/* recv, send and sendfile: bytes (> 0), CIT_EAGAIN, CIT_ECLOSED (the peer's end of
 * input, reset or broken pipe), CIT_EIO.  Interruptions are retried, no SIGPIPE (but
 * sendfile(2) can't be told so: a process that calls it ignores SIGPIPE). */
CIT_MUST_CHECK int64_t cit_sock_recv(int fd, void *p, size_t n);
CIT_MUST_CHECK int64_t cit_sock_send(int fd, const void *p, size_t n);
struct iovec;
CIT_MUST_CHECK int64_t cit_sock_sendv(int fd, const struct iovec *iov, int count);
/* `more`: further bytes follow at once (MSG_MORE). */
CIT_MUST_CHECK int64_t cit_sock_sendv_more(int fd, const struct iovec *iov, int count);

/* Bytes the kernel has that the peer has not acknowledged; -1 where it does not tell. */
int64_t cit_sock_unsent(int fd);

/* From *offset of file_fd, at most n bytes; moves *offset.  CIT_EINVAL when this file
 * can't be sent so (read it instead); CIT_EIO with 0 bytes left when it ended early. */
CIT_MUST_CHECK int64_t cit_sock_sendfile(int fd, int file_fd, int64_t *offset, size_t n);

#endif
