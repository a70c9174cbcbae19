/* net/timer.h - deadlines for many connections.
 *
 * A hashed wheel of several levels: add and cancel are O(1), an empty wheel costs
 * nothing, precision is one tick of 1 ms and never early.  Entries are intrusive;
 * the wheel never allocates.  Moving a deadline later is free for the caller who
 * keeps the true deadline beside the entry and adds it again when it fires.
 *
 * Depends on: nothing.
 * Ownership:  the entry belongs to the caller, who cancels it before freeing it.
 * Threads:    one at a time.
 * Limits:     none; deadlines past 2^32 ms ahead are looked at once every 2^32 ms.
 */
#ifndef CIT_NET_TIMER_H
#define CIT_NET_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define CIT_WHEEL_LEVELS 4
#define CIT_WHEEL_SLOTS 256

struct cit_timer { /* {0} is an idle timer */
    struct cit_timer *next, *prev;
    int64_t at_ms;
};

struct cit_wheel {
    int64_t now_ms;
    uint32_t count;                                           /* timers in the wheel */
    uint64_t busy[CIT_WHEEL_LEVELS][CIT_WHEEL_SLOTS / 64];    /* a bit for each slot with timers */
    struct cit_timer slot[CIT_WHEEL_LEVELS][CIT_WHEEL_SLOTS]; /* list heads */
    struct cit_timer due;                                     /* list head: expired, not yet taken */
};

void cit_wheel_init(struct cit_wheel *w, int64_t now_ms);

/* Adds, or moves if it was in.  A time not after now fires at the next advance. */
void cit_wheel_add(struct cit_wheel *w, struct cit_timer *t, int64_t at_ms);
void cit_wheel_cancel(struct cit_wheel *w, struct cit_timer *t);
bool cit_timer_is_set(const struct cit_timer *t);

/* Moves the wheel to now_ms and returns one expired timer, taken out of the wheel,
 * or NULL when there is none (left).  Called until NULL. */
struct cit_timer *cit_wheel_expire(struct cit_wheel *w, int64_t now_ms);

/* Milliseconds from now_ms until expire may have something, 0 if it has now, -1 if
 * the wheel is empty.  May be early (at a cascade), never late. */
int64_t cit_wheel_next_ms(const struct cit_wheel *w, int64_t now_ms);

#endif
