/* net/loop_kqueue.c - the loop on kqueue, for macOS and the BSDs.
 *
 * What differs from epoll and shows: reading and writing are two filters, so one
 * descriptor may give two events in a wait; add of a descriptor that is in already
 * changes it and is not CIT_EEXIST; CIT_EV_EXCLUSIVE is ignored.  The end of input is
 * a flag of the read filter, which is therefore always set: with a low-water mark no
 * socket reaches when CIT_EV_READ is not asked for (CIT_EV_READ then comes with the end).
 */
#include "net/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#ifndef CIT_KQUEUE_DECLARED /* tests/c/kqueue_api.h, where there is no kqueue */
#include <sys/event.h>
#endif
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
    BATCH = 64,    /* events fetched in one call; struct kevent is 32 to 64 bytes */
    WAKE_IDENT = 0 /* of the EVFILT_USER event */
};

_Static_assert(sizeof(void *) >= sizeof(uint64_t), "a tag travels in udata");

struct cit_loop {
    int kq; /* owned; -1 in a half-built loop */
};

static int change_error(int errnum)
{
    switch (errnum) {
    case ENOMEM:
        return CIT_ENOMEM;
    case ENOENT:
        return CIT_ENOENT;
    default: /* EBADF, EINVAL, EACCES */
        return CIT_EINVAL;
    }
}

/* One change; CIT_OK or what the kernel said of it. */
static int change(const struct cit_loop *l, int fd, short filter, unsigned flags, const struct kevent *like)
{
    struct kevent ev;
    const struct timespec now = { 0, 0 };

    EV_SET(&ev, (uintptr_t)fd, filter, (unsigned short)(flags | EV_RECEIPT), like->fflags, like->data, like->udata);
    if (kevent(l->kq, &ev, 1, &ev, 1, &now) == -1)
        return change_error(errno);
    return (ev.flags & EV_ERROR) != 0 && ev.data != 0 ? change_error((int)ev.data) : CIT_OK;
}

static int set_filters(const struct cit_loop *l, int fd, uint32_t mask, uint64_t tag)
{
    const unsigned flags = EV_ADD | ((mask & CIT_EV_LEVEL) == 0 ? EV_CLEAR : 0u);
    struct kevent like = { .udata = (void *)(uintptr_t)tag };
    int err;

    if ((mask & CIT_EV_WRITE) != 0)
        err = change(l, fd, EVFILT_WRITE, flags, &like);
    else
        err = change(l, fd, EVFILT_WRITE, EV_DELETE, &like);
    if (err != CIT_OK && !(err == CIT_ENOENT && (mask & CIT_EV_WRITE) == 0))
        return err;
    if ((mask & CIT_EV_READ) == 0) {
        like.fflags = NOTE_LOWAT;
        like.data = INT32_MAX;
    }
    return change(l, fd, EVFILT_READ, flags, &like);
}

int cit_loop_new(struct cit_loop **out)
{
    const struct kevent none = { 0 };
    int err = CIT_ENOMEM;
    struct cit_loop *l = cit_calloc(1, sizeof *l);

    if (l == NULL)
        return CIT_ENOMEM;
    l->kq = kqueue();
    if (l->kq == -1) {
        if (errno == EMFILE || errno == ENFILE)
            err = CIT_EMFILE;
        goto fail;
    }
    if (fcntl(l->kq, F_SETFD, FD_CLOEXEC) == -1)
        goto fail;
    if (change(l, WAKE_IDENT, EVFILT_USER, EV_ADD | EV_CLEAR, &none) != CIT_OK)
        goto fail;
    *out = l;
    return CIT_OK;

fail:
    cit_loop_free(l);
    return err;
}

void cit_loop_free(struct cit_loop *l)
{
    if (l == NULL)
        return;
    if (l->kq != -1)
        close(l->kq);
    cit_free(l);
}

int cit_loop_add(struct cit_loop *l, int fd, uint32_t mask, uint64_t tag)
{
    if (tag == CIT_LOOP_WAKE || fd < 0)
        return CIT_EINVAL;
    return set_filters(l, fd, mask, tag);
}

/* The read filter is there for every descriptor in the loop: disabling nothing in it
 * (EV_ENABLE without EV_ADD) asks whether it is. */
int cit_loop_mod(struct cit_loop *l, int fd, uint32_t mask, uint64_t tag)
{
    const struct kevent like = { .udata = (void *)(uintptr_t)tag };
    int err;

    if (tag == CIT_LOOP_WAKE || fd < 0)
        return CIT_EINVAL;
    err = change(l, fd, EVFILT_READ, EV_ENABLE, &like);
    return err != CIT_OK ? err : set_filters(l, fd, mask, tag);
}

int cit_loop_del(struct cit_loop *l, int fd)
{
    const struct kevent none = { 0 };
    int err = change(l, fd, EVFILT_READ, EV_DELETE, &none);

    (void)change(l, fd, EVFILT_WRITE, EV_DELETE, &none); /* ENOENT when it was never asked for */
    return err;
}

/* ---- waiting ---- */

static struct cit_event from_kevent(const struct kevent *k)
{
    struct cit_event ev = { CIT_LOOP_WAKE, 0 };

    if (k->filter == EVFILT_USER)
        return ev;
    ev.tag = (uint64_t)(uintptr_t)k->udata;
    if (k->filter == EVFILT_WRITE)
        ev.mask = CIT_EV_WRITE;
    else
        ev.mask = CIT_EV_READ;
    if ((k->flags & (EV_EOF | EV_ERROR)) != 0)
        ev.mask |= CIT_EV_HUP;
    return ev;
}

int cit_loop_wait(struct cit_loop *l, struct cit_event *ev, int cap, int64_t timeout_ns)
{
    const struct timespec ts = { (time_t)(timeout_ns / CIT_SEC_NS), (long)(timeout_ns % CIT_SEC_NS) };
    struct kevent raw[BATCH];
    int n = kevent(l->kq, NULL, 0, raw, cap < BATCH ? cap : BATCH, timeout_ns < 0 ? NULL : &ts);

    if (n == -1)
        return errno == EINTR ? 0 : CIT_EIO;
    for (int i = 0; i < n; i++)
        ev[i] = from_kevent(&raw[i]);
    return n;
}

/* kevent(2) is a bare system call, so it may be called in a signal handler although
 * no standard lists it. */
void cit_loop_wake(struct cit_loop *l)
{
    struct kevent ev;
    int saved = errno;

    EV_SET(&ev, WAKE_IDENT, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
    (void)kevent(l->kq, &ev, 1, NULL, 0, NULL);
    errno = saved;
}

int cit_loop_fd(const struct cit_loop *l)
{
    return l->kq;
}
