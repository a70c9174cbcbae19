/* serve/board.h - what workers let the supervisor see: a page of shared memory each.
 *
 *      supervisor ── mmap(MAP_SHARED) before fork ──> slot[0], slot[1], ...
 *
 * A worker writes its own slot and nobody else's; the supervisor reads, and resets a
 * slot before it gives it to a new worker.  So a worker that dies leaves word of what
 * it was doing.
 *
 * Depends on: base.
 * Threads:    counters are relaxed atomics; a `now` entry is written by one thread and
 *             read only for messages, where a torn text does no harm.
 */
#ifndef CIT_SERVE_BOARD_H
#define CIT_SERVE_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define CIT_BOARD_NOW 8 /* requests of one worker that can be named at once */
#define CIT_BOARD_TEXT 112

/* name, what it counts */
#define CIT_COUNTER_MAP(X)                                                               \
    X(requests, "requests answered")                                                     \
    X(refused, "requests refused by a limit or as malformed")                            \
    X(failed, "requests whose application failed")                                       \
    X(accepted, "connections accepted")                                                  \
    X(connections, "connections open now")                                               \
    X(threads, "threads made")                                                           \
    X(handovers, "times the loop was taken from a thread that did not come back")        \
    X(yields, "times a thread gave the loop up to wait")                                 \
    X(quick, "requests run by the thread that holds the loop")                           \
    X(waiting, "requests sent to the waiting lane")                                      \
    X(heavy, "requests sent to the heavy lane")                                          \
    X(mispredicted, "requests in a lane that proved quick, and quick ones that did not") \
    X(queued, "requests that had to wait for a thread")                                  \
    X(shed, "requests answered 503 because the queue was full or too old")               \
    X(interrupted, "requests stopped by the time limit")                                 \
    X(log_dropped, "log lines dropped")

struct cit_counters {
#define CIT_COUNTER_MEMBER(name, text) _Atomic uint64_t name;
    CIT_COUNTER_MAP(CIT_COUNTER_MEMBER)
#undef CIT_COUNTER_MEMBER
};

struct cit_board_now { /* a request that is with the application */
    _Atomic uint32_t busy;
    uint32_t text_n;
    char text[CIT_BOARD_TEXT]; /* method and target, cut */
};

struct cit_board_slot {
    _Atomic int32_t pid;
    _Atomic uint32_t state;  /* enum cit_board_state */
    _Atomic int64_t beat_ns; /* CLOCK_MONOTONIC of the loop's last turn */
    struct cit_counters counters;
    struct cit_board_now now[CIT_BOARD_NOW];
};

enum cit_board_state { CIT_BOARD_EMPTY, CIT_BOARD_STARTING, CIT_BOARD_READY, CIT_BOARD_DRAINING, CIT_BOARD_GONE };

struct cit_board {
    uint32_t count;
    struct cit_board_slot slot[];
};

/* CIT_OK, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_board_new(uint32_t count, struct cit_board **out);
void cit_board_free(struct cit_board *b);

static inline void cit_count(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

#endif
