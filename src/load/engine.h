/* load/engine.h - walks the users of a plan through their journeys.
 *
 *      plan ──> threads, each: loop, users, arrivals, tally ──> collector ──> watcher (each second)
 *
 * Each thread has its own loop and its share of users and arrivals, and shares nothing with the
 * others but the plan, which nobody writes.  A user is a state machine: wait, send, read, check,
 * wait.  Closed plans keep a number of users walking; open plans begin journeys at intended times
 * that do not depend on how fast answers come: when no user is free the arrival waits in line, and
 * its latency counts from the intended time.  docs/internals/load.md tells the whole of it.
 *
 * Depends on: base, net, http, load/{plan,stats,cookie,query,journey}.
 * Ownership:  a run borrows its plan.
 * Threads:    start, next and free: one thread; stop, set_users, set_rate: any, also signal handlers.
 */
#ifndef CIT_LOAD_ENGINE_H
#define CIT_LOAD_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "load/plan.h"
#include "load/stats.h"

enum cit_end {                   /* why a run ended */
               CIT_END_TIME,     /* the stages were over */
               CIT_END_REQUESTS, /* max_requests were begun */
               CIT_END_USERS,    /* every user had stopped: the table of users ran out */
               CIT_END_STOPPED,  /* cit_run_stop */
               CIT_END_ERRORS,   /* stop_errors was passed */
               CIT_END_MEMORY    /* a thread had no memory to go on */
};

struct cit_load_second {
    uint32_t number;          /* from 0; of the whole run, warm-up included */
    bool is_warm;             /* of the warm-up: not in the totals */
    int64_t start_ns, end_ns; /* since the start of the run; the last one may be shorter */
    double wanted;            /* users, or journeys begun a second, that the plan asked for at its end */
    const struct cit_tally *tally;
    int64_t cpu_ns; /* of the generator in this second */
    uint64_t rss;   /* bytes, at its end */
};

struct cit_run;

/* Starts the threads.  CIT_OK, CIT_ENOMEM, CIT_EMFILE. */
CIT_MUST_CHECK int cit_run_start(const struct cit_load_plan *plan, struct cit_run **out);

/* Waits up to timeout_ns for the next second that all threads have finished.  CIT_OK with *out, valid until the next
 * call; CIT_EAGAIN when it is not over yet; CIT_ECLOSED when the run has ended and everything was handed out. */
CIT_MUST_CHECK int cit_run_next(struct cit_run *run, int64_t timeout_ns, struct cit_load_second *out);

/* Everything but the warm-up, up to the second handed out last. */
const struct cit_tally *cit_run_totals(const struct cit_run *run);

struct cit_run_end {
    enum cit_end why;
    int64_t measured_ns; /* without warm-up, to the last answer or the end */
    int64_t cpu_ns;      /* of the generator in that time */
    int64_t started_wall_ns;
    uint64_t rss; /* bytes: the most at the end of a second */
};
/* After CIT_ECLOSED; before it, as things stand. */
void cit_run_describe(const struct cit_run *run, struct cit_run_end *out);

/* Ends it: requests on their way are waited for up to the plan's grace; asked twice: at once.  Async-signal-safe. */
void cit_run_stop(struct cit_run *run);

/* Replaces what the stages want, from now on, and the plan's end with it. */
void cit_run_set_level(struct cit_run *run, double level);

/* Ends it if need be, joins the threads. */
void cit_run_free(struct cit_run *run);

/* One user walks every journey once, as a test of plan and site; what is sent and what came back is told, a line or
 * more for each request, through tell.  Returns the number of errors, or CIT_ENOMEM. */
CIT_MUST_CHECK int cit_run_dry(const struct cit_load_plan *plan, void (*tell)(void *ctx, const char *text), void *ctx);

#endif
