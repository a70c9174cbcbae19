/* serve/lane.h - which lane a request takes, by what its kind did before.
 *
 *      kind = hash(method, shape of the path)       shape: runs of digits are one
 *
 *      QUICK ──outlived a tick──> WAITING or HEAVY ──after `left` requests──> QUICK
 *
 * Quick requests run on the thread that holds the loop; waiting ones get a thread
 * each; heavy ones, which burn CPU, share a narrow lane.  The table is a hint about
 * speed, never about correctness: it is bounded, kinds may collide, and a kind that is
 * not in it is quick.  Each relapse into slowness makes the way back four times longer.
 *
 * Depends on: base.
 * Threads:    the caller's lock; `slow` may be read without it.
 * Limits:     CIT_LANES_SLOTS kinds.
 */
#ifndef CIT_SERVE_LANE_H
#define CIT_SERVE_LANE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/slice.h"

#define CIT_LANES_SLOTS 1024

#define CIT_LANE_MAP(X) X(QUICK, "quick") X(WAITING, "waiting") X(HEAVY, "heavy")

enum cit_lane {
#define CIT_LANE_ENUM(name, text) CIT_LANE_##name,
    CIT_LANE_MAP(CIT_LANE_ENUM)
#undef CIT_LANE_ENUM
};

struct cit_lane_slot {
    uint32_t kind;  /* 0: empty */
    uint16_t left;  /* requests before it is tried as a quick one again */
    uint16_t start; /* what `left` begins with at its next relapse */
    uint8_t lane;   /* enum cit_lane; QUICK: remembered only for its relapses */
    uint8_t share;  /* CPU time of wall time, 0-255 for 0-1, moving average */
};

struct cit_lanes {         /* {0} is an empty table */
    _Atomic uint32_t slow; /* slots whose lane is not QUICK */
    struct cit_lane_slot slot[CIT_LANES_SLOTS];
};

/* Never 0. */
uint32_t cit_lane_kind(struct cit_slice method, struct cit_slice path);

enum cit_lane cit_lane_of(const struct cit_lanes *l, uint32_t kind);

/* A quick request outlived the tick, having used this share (0-1) of it as CPU time. */
void cit_lane_surprise(struct cit_lanes *l, uint32_t kind, double cpu_share);

/* How a request of a slow lane went. */
struct cit_lane_end {
    int64_t wall_ns;     /* less what it was ready to run and had no CPU */
    int64_t cpu_ns;      /* -1: not known */
    bool alone;          /* no other request ran on a thread meanwhile: the wall time is its own */
    uint32_t contenders; /* requests out that may want the CPU, itself included: the heavy ones,
                          * or all if this one is not known as heavy */
};

/* A request that burns CPU holds the application's lock wherever it runs, and threads only
 * help the others once it burns longer than they would wait for that lock anyway. */
#define CIT_LANE_BURN_TICKS 4

/* It ended.  One that certainly was slow (half of CIT_LANE_BURN_TICKS on the CPU, or ten ticks
 * in all with no other thread out) starts the way back again; any other is a step on it,
 * for beside others a long time may be a wait for their lock.  Returns true if it proved quick:
 * half a tick in all, or, of the heavy lane, too little CPU time for it.
 *
 * A kind is heavy when it burned that half, or uses the CPU half of its time.  Its share of CPU time
 * is its own while the contenders leave the CPU idle for a part; when they do not, its wall time is
 * their waiting for each other, and all that can be said is that there are too many: the share
 * rises, and the lane narrows, until the CPU is idle for a part again or one is left. */
bool cit_lane_ended(struct cit_lanes *l, uint32_t kind, const struct cit_lane_end *end, int64_t tick_ns);

/* How many requests of this kind, heavy, keep one CPU busy: 1 / its CPU share, 1 to most.  Rounded
 * down, for one too many makes all of them fight for the lock. */
int cit_lane_width(const struct cit_lanes *l, uint32_t kind, int most);

const char *cit_lane_name(enum cit_lane lane);

#endif
