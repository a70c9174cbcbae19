/* net/loop.h - readiness of many descriptors: epoll on Linux, kqueue elsewhere.
 *
 *      add/mod/del ──> kernel ──> wait(): events {tag, mask} ──> the caller
 *                        ^
 *      wake() ───────────┘   from any thread, or from a signal handler
 *
 * Edge-triggered unless CIT_EV_LEVEL is asked for: an event tells of a change,
 * and the caller goes on until a call would block or came back short.  A tag is
 * 64 bits of the caller's; a slot number with a generation in it lets stale
 * events be told apart, for an event already fetched may be of a closed fd.
 * Exactly one of loop_epoll.c and loop_kqueue.c is linked.
 *
 * Depends on: base.
 * Ownership:  the loop owns its own descriptors, never those added to it.
 * Threads:    wait: one thread at a time (which one may change between calls);
 *             add, mod, del, wake: any thread.
 */
#ifndef CIT_NET_LOOP_H
#define CIT_NET_LOOP_H

#include <stdint.h>

#include "base/err.h"

enum {
    CIT_EV_READ = 1,      /* bytes, a connection to accept, or the end of input */
    CIT_EV_WRITE = 2,     /* room to send */
    CIT_EV_HUP = 4,       /* the peer sends no more, or an error; reported always */
    CIT_EV_LEVEL = 8,     /* (add, mod) report while it lasts */
    CIT_EV_EXCLUSIVE = 16 /* (add) wake one of the processes that wait for this fd */
};

#define CIT_LOOP_WAKE UINT64_MAX /* the tag of a wake() in an event; mask 0 */

struct cit_event {
    uint64_t tag;
    uint32_t mask;
};

struct cit_loop;

/* CIT_OK, CIT_ENOMEM, CIT_EMFILE. */
CIT_MUST_CHECK int cit_loop_new(struct cit_loop **out);
void cit_loop_free(struct cit_loop *l);

/* CIT_OK, CIT_ENOMEM, CIT_EEXIST (add), CIT_ENOENT (mod, del), CIT_EINVAL. */
CIT_MUST_CHECK int cit_loop_add(struct cit_loop *l, int fd, uint32_t mask, uint64_t tag);
CIT_MUST_CHECK int cit_loop_mod(struct cit_loop *l, int fd, uint32_t mask, uint64_t tag);
int cit_loop_del(struct cit_loop *l, int fd);

/* Waits up to timeout_ns (0: only looks; negative: without end) and fills at most
 * cap events.  Returns their number; 0 on time-out or a signal; or CIT_EIO.
 * A wake() makes it return with one event tagged CIT_LOOP_WAKE, once. */
CIT_MUST_CHECK int cit_loop_wait(struct cit_loop *l, struct cit_event *ev, int cap, int64_t timeout_ns);

/* Async-signal-safe.  Wakes the present or the next wait; many wakes may be one event. */
void cit_loop_wake(struct cit_loop *l);

/* The kernel object's descriptor, itself pollable; for another event loop to watch. */
int cit_loop_fd(const struct cit_loop *l);

#endif
