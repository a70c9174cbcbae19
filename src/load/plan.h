/* load/plan.h - what is to be run: target, journeys, users, stages, thresholds.
 *
 *      plan.json ──> parse ──> journeys and users read, all checked ──> cit_load_plan
 *
 * A plan is written as TOML; the Python command turns that into the same thing as JSON, member by
 * member, and this is what is read here.  The reference is docs/plans.md.  Every fault names its
 * member: "stages[1].users: 'ten' is no whole number".
 *
 * Depends on: base, net/sock, load/{csv,journey,json,units}.
 * Ownership:  the plan owns its arena and everything in it.
 * Threads:    made by one; then read by all, never written.
 * Limits:     CIT_PLAN_*.
 */
#ifndef CIT_LOAD_PLAN_H
#define CIT_LOAD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "load/csv.h"
#include "load/journey.h"
#include "load/query.h"
#include "load/units.h"
#include "net/sock.h"

enum { CIT_PLAN_WHY = 400, CIT_PLAN_USERS_MAX = 1000000, CIT_PLAN_THREADS_MAX = 64, CIT_PLAN_ADDRS = 8 };

/* One stage: from what was before to `to`, in `length_ns`. */
struct cit_stage {
    int64_t length_ns;
    double to;        /* users, or journeys begun a second */
    bool is_ramp;     /* over: in a line from what was before; else at once */
    double step;      /* every: rises (or falls) by so much ... */
    int64_t every_ns; /* ... each; 0: not stepped */
};

/* What is measured against a threshold. */
enum cit_threshold_kind {
    CIT_THRESHOLD_MEAN,
    CIT_THRESHOLD_P50,
    CIT_THRESHOLD_P90,
    CIT_THRESHOLD_P95,
    CIT_THRESHOLD_P99,
    CIT_THRESHOLD_P999,
    CIT_THRESHOLD_MAX,    /* latency: at most limit ms */
    CIT_THRESHOLD_ERRORS, /* share: at most */
    CIT_THRESHOLD_RATE    /* requests a second: at least */
};

struct cit_threshold {
    int64_t step; /* the number of a row, -1: all together */
    enum cit_threshold_kind kind;
    double limit;
    bool is_service; /* of the service time instead of the latency */
};

enum cit_when_out { CIT_OUT_STOP /* the user stops */, CIT_OUT_AGAIN /* from the first line */ };

struct cit_target {
    struct cit_slice scheme, host; /* "http", "https"; host without port */
    uint16_t port;
    struct cit_slice authority; /* for the Host field: port left out when it is the scheme's */
    bool is_tls;
    struct cit_addr addr[CIT_PLAN_ADDRS]; /* resolved once */
    uint32_t naddrs;
};

struct cit_load_plan {
    struct cit_arena arena;
    struct cit_names names;
    struct cit_queries queries;
    struct cit_slice title;   /* the plan's name or the URL */
    struct cit_target target; /* URLs of the journeys that are paths go here; "unix:/path" with a host too */
    struct cit_journey *journeys;
    uint32_t njourneys;
    uint32_t nsteps; /* of all journeys: a step's number is journey_first[j] + its place */
    uint32_t *journey_first;
    /* The rows of the statistics: steps of one name are one row (also over journeys). */
    struct cit_slice *row_name;
    uint32_t nrows, *row_of; /* row_of[step's number] */

    /* how much */
    bool is_open; /* stages are rates: journeys begun a second; else users */
    bool is_poisson;
    struct cit_stage *stages;
    uint32_t nstages;
    int64_t length_ns;     /* of all stages, or less: then the rest of them is not run */
    uint64_t max_requests; /* 0: no bound */
    uint32_t max_users;    /* open: at most so many at once; closed: the most of all stages */
    uint32_t threads;
    uint64_t seed;
    int64_t warm_ns;  /* counted apart, not in the totals */
    int64_t grace_ns; /* after the end: for requests on their way */

    /* users */
    struct cit_csv users; /* n 0: none */
    uint32_t *user_var;   /* the variable of each column */
    enum cit_when_out when_out;
    struct cit_pair *variables; /* fixed ones */
    uint32_t nvariables;
    struct cit_dist think;
    bool keeps_cookies; /* between rounds of a user; default */
    bool keeps_alive;   /* connections between requests; default */

    /* limits */
    int64_t timeout_ns, connect_timeout_ns;
    uint64_t max_body; /* bytes kept of one answer, when a query needs them; longer: an error */
    bool is_tls_checked;
    struct cit_slice ca_file;
    double stop_errors; /* share of errors in stop_window_ns that ends the run; 0: never */
    int64_t stop_window_ns;
    struct cit_threshold *thresholds;
    uint32_t nthresholds;
    struct cit_pair *headers; /* of every request */
    uint32_t nheaders;
};

/* Fills *plan from JSON.  Top-level members of `over` (JSON too; empty: none), which come from a command line, take
 * the place of the plan's: one of users, rate and stages that of all three, one of url and journeys that of both.
 * folder: where relative names of files begin (empty: here).  Files are read, hosts are not looked up: that is
 * cit_target_resolve(&plan->target).  CIT_OK; CIT_EINVAL, CIT_ENOENT, CIT_ELIMIT with why; CIT_ENOMEM.  After any of
 * them: cit_plan_fini. */
CIT_MUST_CHECK int cit_plan_parse(struct cit_load_plan *plan, struct cit_slice json, struct cit_slice over,
                                  const char *folder, char why[CIT_PLAN_WHY]);
/* Writes a plan that could be parsed, with what stood over it, as one JSON text.  CIT_OK, CIT_ELIMIT, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_plan_join(struct cit_slice json, struct cit_slice over, struct cit_buf *out);
void cit_plan_fini(struct cit_load_plan *plan);

/* "http://host:port/path", "https://...", "unix:/run/app.sock" or "unix:@name" (then Host is localhost); *path gets
 * the rest behind the authority, "/" at least. */
CIT_MUST_CHECK int cit_target_parse(struct cit_slice url, struct cit_arena *a, struct cit_target *out,
                                    struct cit_slice *path, char why[CIT_PLAN_WHY]);
/* Looks the host up (once; may wait for a name server); one without a host, of journeys with URLs that are whole, is
 * left alone.  CIT_OK, CIT_ENOENT, CIT_EINVAL with why. */
CIT_MUST_CHECK int cit_target_resolve(struct cit_target *t, char why[CIT_PLAN_WHY]);

/* How many users, or how many journeys a second, are wanted at `at_ns` since the start of the stages: at their end
 * what the last one wants, past it 0. */
double cit_plan_level(const struct cit_load_plan *plan, int64_t at_ns);

/* The time since the start at which arrival number n (from 0) of an open plan is intended, exact under ramps: the last
 * at which the integral of the rate is n, so that a rate of 10 for one second is 10 arrivals and a pause begins none.
 * INT64_MAX when the plan ends before.  Not for Poisson arrivals. */
int64_t cit_plan_arrival_ns(const struct cit_load_plan *plan, uint64_t n);

#endif
