/* load/engine_int.h - the pieces of the engine; private to src/load.
 *
 *      run.c ──> crew.c ──> arrival.c  wait.c          when
 *                  │──> user.c ──> value.c             who, what next
 *                  └──> conn.c ──> dial.c  host.c      where
 *      user.c ──> prep.c  request.c  request_body.c    what is sent
 *      conn.c ──> answer.c ──> verdict.c  redirect.c   what came back
 *                              example.c  dry.c        what is told
 *
 * docs/internals/load.md tells how they play together, and the states of a user.
 *
 * Depends on: base, net, http, load/{engine,plan,stats,cookie,query,journey}.
 * Ownership:  a run owns its threads; a thread its users, connections, hosts, preps and buffers.
 * Threads:    everything of a thread: that thread; a run's words are atomic, its slots under run->lock.
 * Limits:     CIT__*.
 */
#ifndef CIT_LOAD_ENGINE_INT_H
#define CIT_LOAD_ENGINE_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/clock.h"
#include "http/h1_chunk.h"
#include "http/h1_frame.h"
#include "load/cookie.h"
#include "load/engine.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/tls.h"

enum {
    CIT__EVENTS = 256,            /* taken from the loop in one turn */
    CIT__RECV = 64 << 10,         /* bytes of one recv */
    CIT__READS = 16,              /* of one connection in one turn */
    CIT__FIELDS = 256,            /* of an answer */
    CIT__HEAD_MAX = 64 << 10,     /* bytes of an answer's head */
    CIT__LINE_MAX = 16 << 10,     /* of its status line */
    CIT__REQUEST_MAX = 1 << 30,   /* bytes of a request */
    CIT__SLOTS = 4,               /* tallies of a thread: the current second, and those not fetched yet */
    CIT__HOSTS_MAX = 64,          /* that a thread knows */
    CIT__SPARE_MAX = 64,          /* buffers a thread keeps */
    CIT__SPARE_BYTES = 256 << 10, /* ... of up to so many bytes */
    CIT__LINE_LONGEST = 1 << 21,  /* arrivals waiting in one thread */
    CIT__WHY = 300
};

struct cit__dry; /* dry.c */
struct cit__thread;
struct cit__user;

/* ---- where ---- */

struct cit__host {
    struct cit_slice key; /* "http://example.org:81" as URLs name it; with a NUL behind the host in target */
    struct cit__host *is; /* another entry for the same place, or itself */
    struct cit_target target;
    uint32_t good;   /* the address that worked last */
    const char *why; /* in the thread's arena: why it can't be used; NULL: it can */
};

enum cit__wire_state { CIT__CONN_DIALLING, CIT__CONN_SHAKING, CIT__CONN_OPEN, CIT__CONN_DEAD };

struct cit__conn {
    struct cit__conn *next; /* of the user's, or of the thread's dead or spare ones */
    struct cit__user *user; /* borrowed */
    struct cit__host *host; /* borrowed */
    struct cit_tls *tls;    /* owned; NULL: plain */
    int fd;                 /* owned; -1 when dead */
    uint32_t addr, tried;   /* the address in use, how many were */
    uint8_t state;
    bool is_used;       /* an answer came over it */
    bool is_ending;     /* the peer sends no more */
    bool watches_write; /* the loop tells when there is room */
    bool is_again;      /* in the thread's list of those with more to read */
    struct cit__conn *next_again;
};

/* ---- what ---- */

/* A request, ready to be sent. */
struct cit__request {
    struct cit_slice bytes;  /* borrowed: of a prep, or of buf */
    struct cit_buf *buf;     /* borrowed from the thread; NULL: none */
    struct cit__host *host;  /* borrowed */
    struct cit_slice target; /* in bytes: path and query */
    size_t sent;
    size_t cookie_at;        /* where the jar's cookies go: behind "; " if has_cookie, else as a field */
    bool has_cookie;         /* a Cookie field is there */
    bool is_foreign;         /* redirected to another host */
    struct cit_slice method; /* borrowed from the plan */
};

/* What a thread makes once of a step, and what it has seen of it. */
struct cit__prep {
    const struct cit_step *step;
    const struct cit_dist *think;
    struct cit_slice path; /* of the journey's file */
    uint32_t row;
    uint32_t given;              /* CIT__GIVEN_*: fields that the plan or the step names */
    bool is_fixed;               /* request is the same each time but for the jar's cookies */
    bool needs_page;             /* captures or asserts are there */
    bool keeps_head;             /* fields are looked at after the body's end */
    bool is_idempotent;          /* RFC 9110 9.2.2 */
    uint64_t sizes;              /* good answers whose size was looked at */
    double usual;                /* their usual size */
    struct cit__request request; /* is_fixed; bytes in the arena */
};

/* What is being made of a step's templates. */
struct cit__spec {
    struct cit__prep *prep;
    const struct cit_vars *vars;
    const struct cit_jar *jar; /* NULL: none is put in */
    struct cit_slice url;      /* a redirect's; p NULL: the step's own */
    struct cit_slice method;
    bool has_body;
    bool is_foreign;
};

/* ---- who ---- */

enum cit__user_state {
    CIT__USER_PARKED,  /* not wanted now, or (open) free */
    CIT__USER_WAITING, /* in the heap */
    CIT__USER_ASKING,  /* a request is under way */
    CIT__USER_FINISHED /* has nothing left to do */
};

struct cit__user {
    struct cit__thread *t;
    uint32_t number; /* over the whole run, from 0 */
    uint32_t slot;   /* in the thread's heap */
    uint8_t state;
    bool is_dialling_again; /* waits to try the same connect again */
    bool is_retry;          /* the request is sent for the second time */
    bool is_between;        /* WAITING: no step comes next, a round ended */
    uint32_t pauses;        /* faults without an answer in a row */
    struct cit_rng rng;
    struct cit_jar jar;
    struct cit_slice *values; /* owned: by variable; borrowed from the plan or from kept */
    struct cit_buf *kept;     /* owned: texts of variables that change, run->nchanging */
    uint64_t round;           /* from 1 */
    /* where it is */
    uint32_t journey, step, left, hops;
    struct cit__prep *prep;
    int64_t at_ns; /* WAITING: until then */
    int64_t intended_ns, start_ns, deadline_ns;
    struct cit_timer timer;  /* fires at deadline_ns or before */
    struct cit__conn *conns; /* owned */
    struct cit__conn *conn;  /* of the request under way */
    struct cit__request req;
    /* the answer */
    struct cit_buf *in; /* borrowed: the head so far, or head (if kept) and body */
    uint64_t bytes_in, body_bytes, left_bytes;
    size_t head_n; /* bytes of the head in `in` */
    struct cit_h1_chunk chunk;
    int status;
    uint32_t interim; /* 1xx answers */
    uint8_t frame;    /* enum cit_h1_body */
    uint8_t minor;
    bool in_body, keeps_alive;
    bool has_walked[]; /* by journey: past its @once steps */
};

/* ---- when ---- */

struct cit__arrivals { /* open plans: of one thread */
    uint64_t n;        /* the next one's number */
    int64_t next_ns;   /* when it is intended, since the start; INT64_MAX: never */
    struct cit_rng rng;
    double level; /* >= 0: this rate from base_ns on, instead of the stages' */
    int64_t base_ns, end_ns;
    double most;   /* Poisson: the highest rate of the stages */
    int64_t *line; /* owned: a ring of intended times */
    size_t first, count, cap;
};

struct cit__slot {
    struct cit_tally tally;
    uint32_t number;
    int64_t start_ns, end_ns;
    bool is_warm, is_full;
};

struct cit__thread {
    struct cit_run *run;
    const struct cit_load_plan *plan;
    uint32_t index;
    pthread_t id;
    bool is_started;
    struct cit_loop *loop;
    int64_t now_ns; /* of the monotonic clock, the last reading */

    struct cit__user **users; /* owned; place i is user i * threads + index */
    uint32_t nusers, cap_users;
    uint32_t wanted;  /* closed: those below it walk */
    uint32_t walking; /* neither parked nor finished */
    uint32_t walked;  /* what a second tells of when the end has come: those who walked then, later those who ask */
    uint32_t asking;  /* with a request under way */
    uint32_t finished;
    bool is_out;             /* all it may have are */
    struct cit__user **free; /* open: free ones, the warmest last; owned, cap_users */
    uint32_t nfree;
    struct cit__user **heap; /* waiting ones; owned, cap_users */
    uint32_t nheap;
    int64_t look_ns; /* closed: when the level is looked at again */
    int64_t wheel_ms;
    int64_t lead_ns; /* how late timers are, lately */
    bool is_early;   /* the wait was cut short by that */
    struct cit_wheel wheel;
    struct cit__arrivals arrivals;
    uint32_t level_seen; /* run->level_changes that were followed */

    struct cit__slot slots[CIT__SLOTS], *slot;
    struct cit_tally *tally; /* of slot */
    uint32_t second;
    int64_t second_end_ns;
    int64_t last_ns;         /* the last answer's end */
    int64_t end_ns;          /* when nothing was begun any more, 0: not yet */
    uint32_t closed_through; /* seconds handed over; under run->lock */
    bool is_done;            /* under run->lock */

    struct cit_arena arena;
    struct cit__prep *preps; /* by step's number */
    struct cit__host hosts[CIT__HOSTS_MAX];
    uint32_t nhosts;
    struct cit__conn *dead, *spare_conns;
    struct cit__conn *again;               /* those with more to read; borrowed */
    struct cit_buf *spare[CIT__SPARE_MAX]; /* owned */
    uint32_t nspare;
    struct cit_buf body, text; /* working space: a request's body; an example, a URL */
    struct cit_query_scratch scratch;
    struct cit_h1_field fields[CIT__FIELDS];
    struct cit_h1_head head;     /* of the answer that was looked at last */
    struct cit_slice head_bytes; /* ... if it lies in recv: its bytes */
    struct cit_slice held;       /* ... a part of the body that lies in recv */
    char why[CIT__WHY];          /* of the fault at hand */
    char type[80];               /* Content-Type of a multipart body */
    struct cit__dry *dry;        /* NULL: a real run */
    struct cit_event events[CIT__EVENTS];
    char recv[CIT__RECV];
};

struct cit_run {
    const struct cit_load_plan *plan;
    int64_t start_ns, start_wall_ns;
    uint32_t nthreads;
    struct cit__thread **threads; /* owned */
    bool *is_const;               /* owned: by variable: the plan's, and nothing changes it */
    struct cit_slice *consts;     /* owned: their values */
    int32_t *changing;            /* owned: by variable: its place in a user's kept, -1 */
    uint32_t nchanging;
    uint32_t *more;    /* owned: by journey: steps left in rounds after the first */
    atomic_uint stops; /* how often a stop was asked for */
    atomic_int why;    /* enum cit_end, -1 while it runs */
    atomic_uint out;   /* threads whose users have all finished */
    atomic_uint level_changes;
    atomic_uint_least64_t level; /* the bits of a double */
    atomic_int_least64_t level_ns;
    atomic_uint_least64_t begun; /* requests, when they are bounded */
    _Alignas(64) pthread_mutex_t lock;
    pthread_cond_t handed;
    bool has_lock, has_cond;
    struct cit_tls_context *tls; /* made when first needed; under lock */
    /* the collector's */
    struct cit_tally second, totals;
    uint32_t next;
    int64_t last_end_ns;
    int64_t cpu_ns, cpu_seen_ns, ended_ns;
    uint64_t most_rss;
    uint64_t *window; /* owned: requests and errors of the last seconds */
    uint32_t window_n, window_at, window_len;
    bool is_over;
    struct cit__dry *dry; /* NULL: a real run */
};

/* ---- run.c ---- */

/* The first reason given is the run's. */
void cit__run_end(struct cit_run *run, enum cit_end why);
/* How many users, or journeys a second, are wanted at a time since the start. */
double cit__run_level(const struct cit_run *run, int64_t at_ns);
/* When the run ends by its stages, since the start; INT64_MAX: by nothing but a stop. */
int64_t cit__run_length(const struct cit_run *run);
/* A TLS context for all; CIT_ESTATE and others with why. */
CIT_MUST_CHECK int cit__run_tls(struct cit_run *run, struct cit_tls_context **out, char why[CIT_TLS_WHY]);
/* A run that has no threads yet. */
CIT_MUST_CHECK int cit__run_new(const struct cit_load_plan *plan, uint32_t nthreads, struct cit__dry *dry,
                                struct cit_run **out);

/* ---- crew.c ---- */

CIT_MUST_CHECK int cit__thread_new(struct cit_run *run, uint32_t index, struct cit__thread **out);
void cit__thread_free(struct cit__thread *t);
void *cit__thread_main(void *arg);
/* How many users it may ever have. */
uint32_t cit__users_most(const struct cit__thread *t);
/* One turn: waits until something happens or is due, and does what is to be done. */
CIT_MUST_CHECK int cit__thread_turn(struct cit__thread *t);
/* Closes the second if end_ns is past it. */
void cit__second_reach(struct cit__thread *t, int64_t now_ns);
/* Nothing is begun any more. */
static inline bool cit__thread_is_ending(const struct cit__thread *t)
{
    return t->end_ns != 0;
}
void cit__thread_end(struct cit__thread *t);
struct cit_buf *cit__buf_take(struct cit__thread *t, size_t max); /* NULL: no memory */
void cit__buf_give(struct cit__thread *t, struct cit_buf *b);

/* ---- wait.c ---- */

void cit__wait_add(struct cit__thread *t, struct cit__user *u, int64_t at_ns); /* room is there: cap_users */
void cit__wait_remove(struct cit__thread *t, struct cit__user *u);
static inline int64_t cit__wait_next_ns(const struct cit__thread *t)
{
    return t->nheap > 0 ? t->heap[0]->at_ns : INT64_MAX;
}

/* ---- arrival.c ---- */

void cit__arrivals_init(struct cit__arrivals *a, const struct cit__thread *t);
void cit__arrivals_fini(struct cit__arrivals *a);
/* Another rate from at_ns (since the start) on. */
void cit__arrivals_level(struct cit__arrivals *a, const struct cit__thread *t, double level, int64_t at_ns);
/* Begins all journeys that are due, or puts them in line. */
void cit__arrivals_turn(struct cit__thread *t);
/* The one that waits longest; false: none. */
bool cit__arrivals_take(struct cit__arrivals *a, int64_t *intended_ns);

/* ---- user.c ---- */

/* Makes the user of the next place in t->users. */
CIT_MUST_CHECK int cit__user_new(struct cit__thread *t, struct cit__user **out);
void cit__user_free(struct cit__user *u);
/* One who is parked or free walks again: a round that is intended at a time (monotonic). */
void cit__user_rouse(struct cit__user *u, int64_t intended_ns);
/* Its time has come: out of the heap. */
void cit__user_wake(struct cit__user *u);
/* The request under way has come to its end: counted, and what comes next is begun. */
void cit__user_done(struct cit__user *u, enum cit_fault fault);
/* The same without an answer; the connection is closed. */
void cit__user_fail(struct cit__user *u, enum cit_fault fault);
/* A hop of a redirect is counted, the next one begun. */
void cit__user_hop(struct cit__user *u, struct cit__request *next);
/* Counts bytes that came when nothing was asked as a request of the step asked last; t->why tells more. */
void cit__user_unasked(struct cit__user *u, uint64_t bytes);
void cit__user_park(struct cit__user *u);
struct cit_vars cit__user_vars(struct cit__user *u);

/* ---- value.c ---- */

CIT_MUST_CHECK int cit__values_init(struct cit__user *u);
void cit__values_fini(struct cit__user *u);
CIT_MUST_CHECK int cit__value_set(struct cit__user *u, uint32_t var, struct cit_slice text);
/* The step's own ones ([Options] variable:). */
CIT_MUST_CHECK int cit__values_of_step(struct cit__user *u, const struct cit_step *step);

/* ---- host.c ---- */

CIT_MUST_CHECK int cit__hosts_init(struct cit__thread *t);
/* The host of a URL (or the target's, for a path) and what follows the authority.  CIT_OK; CIT_EINVAL with t->why;
 * CIT_ELIMIT; CIT_ENOMEM.  Looks it up if it is new. */
CIT_MUST_CHECK int cit__host_find(struct cit__thread *t, struct cit_slice url, struct cit__host **out,
                                  struct cit_slice *path);

/* ---- prep.c, request.c, request_body.c ---- */

enum {
    CIT__GIVEN_HOST = 1,
    CIT__GIVEN_AGENT = 2,
    CIT__GIVEN_ACCEPT = 4,
    CIT__GIVEN_TYPE = 8,
    CIT__GIVEN_LENGTH = 16, /* Content-Length or Transfer-Encoding */
    CIT__GIVEN_AUTH = 32,
    CIT__GIVEN_COOKIE = 64,
    CIT__GIVEN_CONNECTION = 128
};

CIT_MUST_CHECK int cit__preps_init(struct cit__thread *t);
/* The CIT__GIVEN bit of a field's name, 0 for others. */
uint32_t cit__given_bit(struct cit_slice name);
/* The user's next request: u->req.  CIT_OK, CIT_ENOENT or CIT_EINVAL with t->why, CIT_ELIMIT, CIT_ENOMEM. */
CIT_MUST_CHECK int cit__request_make(struct cit__user *u);
CIT_MUST_CHECK int cit__request_build(struct cit__thread *t, const struct cit__spec *s, struct cit__request *out);
void cit__request_drop(struct cit__thread *t, struct cit__request *r);
/* Fills t->body with the step's body; *type is what it implies, *body where it is. */
CIT_MUST_CHECK int cit__request_body(struct cit__thread *t, const struct cit__spec *s, struct cit_slice *type,
                                     struct cit_slice *body);
/* cit_tmpl_fill with t->why set. */
CIT_MUST_CHECK int cit__fill(struct cit__thread *t, const struct cit_tmpl *tmpl, const struct cit__spec *s,
                             enum cit_tmpl_escape escape, struct cit_buf *out);

/* ---- dial.c, conn.c ---- */

/* A socket on its way to an address: CIT_OK (connected), CIT_EAGAIN (on its way), CIT_ESTATE (the line of a UNIX
 * socket is full: try again), CIT_EIO (refused, no route), CIT_EMFILE (this machine has no more to give); errno's text
 * in why. */
CIT_MUST_CHECK int cit__dial(const struct cit_addr *a, int *fd, char *why, size_t why_n);
/* How a connect that was on its way ended: CIT_OK, CIT_EIO, CIT_EMFILE. */
CIT_MUST_CHECK int cit__dial_result(int fd, char *why, size_t why_n);

/* Sends u->req, over a connection that is there or a new one. */
void cit__wire_ask(struct cit__user *u);
void cit__wire_event(struct cit__conn *c, uint32_t mask);
void cit__wire_close(struct cit__conn *c);
void cit__wire_close_all(struct cit__user *u);
/* The user's deadline has come, perhaps. */
void cit__wire_deadline(struct cit__user *u);
/* Reads on where a connection had more than a turn's share. */
void cit__wire_again(struct cit__thread *t);
/* After a turn: closed ones may be used again. */
void cit__wire_bury(struct cit__thread *t);

/* ---- answer.c ---- */

void cit__answer_begin(struct cit__user *u);
/* Bytes for the request under way, in t->recv. */
void cit__answer_take(struct cit__user *u, const char *p, size_t n);
/* The connection ended (is_reset: by force). */
void cit__answer_eof(struct cit__user *u, bool is_reset);

/* ---- verdict.c ---- */

/* What the answer is worth; t->why tells of a fault, values are captured. */
enum cit_fault cit__verdict(struct cit__user *u, const struct cit_page *page);

/* ---- redirect.c ---- */

/* The URL a Location leads to from base (absolute; its path and query), RFC 3986 5.2, appended to out. */
CIT_MUST_CHECK int cit__redirect_resolve(struct cit_slice base, struct cit_slice location, struct cit_buf *out);
/* Whether the answer is a redirect that the step follows. */
bool cit__redirect_is(const struct cit__user *u);
/* The next request; CIT_EINVAL with t->why when it leads nowhere. */
CIT_MUST_CHECK int cit__redirect_make(struct cit__user *u, struct cit__request *out);

/* ---- example.c ---- */

/* "shop.hurl:12: user 3: GET http://...: 500, an assert...; the answer begins ..." */
void cit__example_keep(struct cit__user *u, enum cit_fault fault, struct cit_slice body);
/* Appends bytes as people can read them, at most n. */
void cit__example_bytes(struct cit_buf *out, struct cit_slice bytes, size_t n);
CIT_MUST_CHECK int cit__request_url(const struct cit__request *r, struct cit_buf *out);

/* ---- dry.c ---- */

void cit__dry_sent(struct cit__user *u);
void cit__dry_answered(struct cit__user *u, const struct cit_page *page);
void cit__dry_ended(struct cit__user *u, enum cit_fault fault);
void cit__dry_captured(struct cit__thread *t, const struct cit_capture *c, struct cit_slice text);
void cit__dry_failed(struct cit__thread *t); /* an assert; t->why */

#endif
