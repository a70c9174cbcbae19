/* net/loop_epoll.c - the loop on epoll, for Linux.
 *
 * The kernel's events are fetched into the caller's own array and rewritten there from
 * the last to the first, so a wait allocates and copies nothing.  The wake is an eventfd
 * watched edge-triggered: each write is a new edge, so its counter is never read back.
 */
#include "net/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

struct cit_loop {
    int ep_fd, wake_fd; /* owned; -1 in a half-built loop */
};

/* In-place rewriting needs every kernel event to begin at or before ours. */
_Static_assert(sizeof(struct epoll_event) <= sizeof(struct cit_event), "events are rewritten in place");

static int ctl_error(int errnum)
{
    switch (errnum) {
    case ENOMEM:
    case ENOSPC: /* fs.epoll.max_user_watches */
        return CIT_ENOMEM;
    case EEXIST:
        return CIT_EEXIST;
    case ENOENT:
        return CIT_ENOENT;
    default: /* EBADF, EPERM (a regular file), EINVAL, ELOOP */
        return CIT_EINVAL;
    }
}

static uint32_t to_epoll(uint32_t mask)
{
    uint32_t e = 0;

    if ((mask & CIT_EV_READ) != 0)
        e |= EPOLLIN;
    if ((mask & CIT_EV_WRITE) != 0)
        e |= EPOLLOUT;
    if ((mask & CIT_EV_LEVEL) == 0)
        e |= EPOLLET;
    if ((mask & CIT_EV_EXCLUSIVE) != 0)
        e |= EPOLLEXCLUSIVE; /* refuses EPOLLRDHUP beside it (epoll_ctl(2)) */
    else
        e |= EPOLLRDHUP;
    return e;
}

static uint32_t from_epoll(uint32_t e)
{
    uint32_t mask = 0;

    if ((e & EPOLLIN) != 0)
        mask |= CIT_EV_READ;
    if ((e & EPOLLOUT) != 0)
        mask |= CIT_EV_WRITE;
    if ((e & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        mask |= CIT_EV_HUP;
    return mask;
}

static int ctl(const struct cit_loop *l, int op, int fd, uint32_t events, uint64_t tag)
{
    struct epoll_event ev = { .events = events, .data.u64 = tag };

    return epoll_ctl(l->ep_fd, op, fd, &ev) == -1 ? ctl_error(errno) : CIT_OK;
}

int cit_loop_new(struct cit_loop **out)
{
    int err;
    struct cit_loop *l = cit_calloc(1, sizeof *l);

    if (l == NULL)
        return CIT_ENOMEM;
    l->wake_fd = -1;
    l->ep_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->ep_fd == -1)
        goto fail;
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->wake_fd == -1)
        goto fail;
    if (ctl(l, EPOLL_CTL_ADD, l->wake_fd, EPOLLIN | EPOLLET, CIT_LOOP_WAKE) != CIT_OK)
        goto fail;
    *out = l;
    return CIT_OK;

fail:
    err = errno == EMFILE || errno == ENFILE ? CIT_EMFILE : CIT_ENOMEM;
    cit_loop_free(l);
    return err;
}

void cit_loop_free(struct cit_loop *l)
{
    if (l == NULL)
        return;
    if (l->wake_fd != -1)
        close(l->wake_fd);
    if (l->ep_fd != -1)
        close(l->ep_fd);
    cit_free(l);
}

int cit_loop_add(struct cit_loop *l, int fd, uint32_t mask, uint64_t tag)
{
    if (tag == CIT_LOOP_WAKE)
        return CIT_EINVAL;
    return ctl(l, EPOLL_CTL_ADD, fd, to_epoll(mask), tag);
}

int cit_loop_mod(struct cit_loop *l, int fd, uint32_t mask, uint64_t tag)
{
    if (tag == CIT_LOOP_WAKE)
        return CIT_EINVAL;
    return ctl(l, EPOLL_CTL_MOD, fd, to_epoll(mask), tag);
}

int cit_loop_del(struct cit_loop *l, int fd)
{
    return ctl(l, EPOLL_CTL_DEL, fd, 0, 0);
}

/* ---- waiting ---- */

/* Whole milliseconds, never early. */
static int wait_ms(int epfd, struct epoll_event *ev, int cap, int64_t timeout_ns)
{
    int64_t ms = timeout_ns / CIT_MS_NS + (timeout_ns % CIT_MS_NS != 0);

    return epoll_wait(epfd, ev, cap, ms > INT32_MAX ? INT32_MAX : (int)ms);
}

#ifdef SYS_epoll_pwait2
/* The system call itself: glibc has a wrapper since 2.35, musl and Linux before 5.11
 * have none.  The kernel's timespec is 64 bits wide on every machine. */
static atomic_bool has_no_pwait2;

static int wait_ns(int epfd, struct epoll_event *ev, int cap, int64_t timeout_ns)
{
    const struct {
        int64_t sec, nsec;
    } ts = { timeout_ns / CIT_SEC_NS, timeout_ns % CIT_SEC_NS };
    int n;

    if (atomic_load_explicit(&has_no_pwait2, memory_order_relaxed))
        return wait_ms(epfd, ev, cap, timeout_ns);
    n = (int)syscall(SYS_epoll_pwait2, epfd, ev, cap, &ts, NULL, (size_t)0);
    if (n == -1 && (errno == ENOSYS || errno == EPERM)) { /* EPERM: an older seccomp filter */
        atomic_store_explicit(&has_no_pwait2, true, memory_order_relaxed);
        return wait_ms(epfd, ev, cap, timeout_ns);
    }
    return n;
}
#else
#define wait_ns wait_ms
#endif

/* From the last to the first: no kernel event not yet read is overwritten. */
static void rewrite(struct cit_event *ev, int n)
{
    const char *raw = (const char *)ev;

    for (int i = n - 1; i >= 0; i--) {
        struct epoll_event e;

        memcpy(&e, raw + (size_t)i * sizeof e, sizeof e);
        ev[i].tag = e.data.u64;
        ev[i].mask = e.data.u64 == CIT_LOOP_WAKE ? 0 : from_epoll(e.events);
    }
}

int cit_loop_wait(struct cit_loop *l, struct cit_event *ev, int cap, int64_t timeout_ns)
{
    struct epoll_event *raw = (struct epoll_event *)(void *)ev;
    int n;

    if (timeout_ns > 0)
        n = wait_ns(l->ep_fd, raw, cap, timeout_ns);
    else
        n = epoll_wait(l->ep_fd, raw, cap, timeout_ns == 0 ? 0 : -1);
    if (n == -1)
        return errno == EINTR ? 0 : CIT_EIO;
    rewrite(ev, n);
    return n;
}

void cit_loop_wake(struct cit_loop *l)
{
    const uint64_t one = 1;
    int saved = errno; /* a signal handler must leave it as it was */

    /* It fails only when the counter is full, and then the edge is pending anyway. */
    if (write(l->wake_fd, &one, sizeof one) == -1)
        errno = saved;
    errno = saved;
}

int cit_loop_fd(const struct cit_loop *l)
{
    return l->ep_fd;
}
