/* load/stats.h - what happened, by row, kind and second.
 *
 *      engine thread ── record ──> tally of this second ──┐ hand over, once a second
 *      engine thread ── record ──> tally of this second ──┤
 *                                                         v
 *      collector:  second (all threads) ──> watchers      + ──> totals
 *
 * A tally has a row for each name of a step, and rows count requests by status and by kind of
 * error, bytes, and two histograms: latency from the intended start, and service time from the
 * first byte sent (for the first request of a connection: from its connect) to the last byte read.
 * Only answered requests are in the histograms, wrong ones too; requests without an answer are
 * counted by kind.  Memory depends on rows and threads, never on requests.
 *
 * Depends on: base, load/hist.
 * Ownership:  a tally owns its rows.
 * Threads:    a tally: one at a time.
 */
#ifndef CIT_LOAD_STATS_H
#define CIT_LOAD_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "load/hist.h"

/* name in reports, text for people, whether an answer was there */
#define CIT_FAULT_MAP(X)                                                               \
    X(NONE, "none", "no error", 1)                                                     \
    X(CONNECT, "connect", "the connection was refused or failed", 0)                   \
    X(CONNECT_TIMEOUT, "connect_timeout", "the connection was not made in time", 0)    \
    X(TLS, "tls", "TLS failed", 0)                                                     \
    X(CLOSED, "closed", "the server closed the connection before the answer ended", 0) \
    X(TIMEOUT, "timeout", "no complete answer came in time", 0)                        \
    X(PROTOCOL, "protocol", "the answer was not HTTP/1.0 or 1.1", 0)                   \
    X(TOO_LONG, "too_long", "the answer's head or body passed a limit", 0)             \
    X(STATUS, "status", "the status was not the expected one", 1)                      \
    X(SIZE, "size", "the body was far smaller than this step's others", 1)             \
    X(ASSERT, "assert", "an assert did not hold", 1)                                   \
    X(CAPTURE, "capture", "a capture found nothing", 1)                                \
    X(REDIRECT, "redirect", "too many redirects, or one that leads nowhere", 1)        \
    X(VARIABLE, "variable", "a variable had no value, so nothing was sent", 0)         \
    X(LOCAL, "local", "this machine had no memory, ports or descriptors left", 0)

/* clang-format off */
enum cit_fault {
#define CIT_FAULT_ENUM(id, name, text, answered) CIT_FAULT_##id,
    CIT_FAULT_MAP(CIT_FAULT_ENUM)
#undef CIT_FAULT_ENUM
    CIT_FAULT_KINDS
};
/* clang-format on */

const char *cit_fault_name(enum cit_fault f);
const char *cit_fault_text(enum cit_fault f);
bool cit_fault_is_answered(enum cit_fault f);

enum { CIT_STATUS_LEAST = 100, CIT_STATUS_COUNT = 900, CIT_EXAMPLE_MAX = 400 };

/* One request that came to its end. */
struct cit_sample {
    uint32_t row;
    enum cit_fault fault;
    int status;                            /* 0: no answer */
    int64_t intended_ns, start_ns, end_ns; /* of the monotonic clock */
    uint64_t bytes_in, bytes_out;
};

struct cit_example {            /* of one kind of error in one row: the first that was met */
    char text[CIT_EXAMPLE_MAX]; /* empty: none */
};

struct cit_row {
    uint64_t requests; /* ended, errors too */
    uint64_t errors;
    uint64_t bytes_in, bytes_out;
    uint64_t faults[CIT_FAULT_KINDS];
    uint64_t *codes;              /* owned: CIT_STATUS_COUNT counts from status 100; NULL: no answer yet */
    struct cit_example *examples; /* owned: CIT_FAULT_KINDS; NULL: none yet */
    struct cit_hist latency, service;
};

struct cit_tally {
    struct cit_row *row; /* owned */
    uint32_t nrows;
    uint64_t connects;   /* connections made */
    uint64_t rounds;     /* journeys walked to their end */
    uint64_t late;       /* open: journeys begun later than 1 ms after they were intended, for lack of a free user */
    uint64_t unfinished; /* requests on their way when the run ended, in no other count */
    uint32_t users;      /* active at the end of the second */
    uint32_t waiting;    /* open: arrivals that no user was free for, at the end of the second */
    uint64_t not_begun;  /* open: arrivals given up at the end of the run */
};

/* CIT_OK, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_tally_init(struct cit_tally *t, uint32_t nrows);
void cit_tally_fini(struct cit_tally *t);
void cit_tally_clear(struct cit_tally *t); /* keeps memory */

void cit_tally_add(struct cit_tally *t, const struct cit_sample *s);

/* Whether an example of this kind would be kept; its text is made only then. */
bool cit_tally_wants_example(const struct cit_tally *t, uint32_t row, enum cit_fault f);
void cit_tally_example(struct cit_tally *t, uint32_t row, enum cit_fault f, const char *text);

/* Adds all of `from`: counts and histograms exactly; of users and waiting the sum; of examples the first. */
void cit_tally_merge(struct cit_tally *t, const struct cit_tally *from);

/* All rows as one, merged into *out (initialised, empty). */
void cit_tally_all(const struct cit_tally *t, struct cit_row *out);
void cit_row_fini(struct cit_row *r);
void cit_row_clear(struct cit_row *r);
void cit_row_merge(struct cit_row *r, const struct cit_row *from);

#endif
