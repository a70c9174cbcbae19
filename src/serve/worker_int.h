/* serve/worker_int.h - the structs of a worker, for the files of src/serve alone.
 *
 *      worker ─┬─ loop, wheel, listeners, slabs of connections     whoever leads
 *              ├─ team: leader, deputy, bench, queues, lanes       team.mu
 *              └─ counters in the board slot                       atomics
 *
 * Who may touch a connection: in the states of the loop, the thread that leads; in
 * QUEUED, whoever holds team.mu; in APP, the thread that runs its request.  `pending`
 * and the timer always belong to the leader.
 */
#ifndef CIT_SERVE_WORKER_INT_H
#define CIT_SERVE_WORKER_INT_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/buf.h"
#include "http/h1_frame.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "net/loop.h"
#include "net/sock.h"
#include "net/timer.h"
#include "serve/access.h"
#include "serve/body.h"
#include "serve/lane.h"
#include "serve/out.h"
#include "serve/worker.h"

#define CIT_RBUF 16384 /* a thread's receive buffer; larger heads and bodies move out of it */
#define CIT_EVENTS 256
#define CIT_SLAB 64
#define CIT_AGAIN 256
#define CIT_LISTENERS_MAX 64
#define CIT_DRAIN_IDLE_MS 1000 /* a drained connection may still bring a request so long */
#define CIT_EARLY_MS 250       /* a body that pauses this long may start its request */
#define CIT_NEVER INT64_MAX

/* States of a connection; text for the debug log.
 *
 *   IDLE ──bytes──> HEAD ──head──> BODY ──body──> (run at once) or QUEUED ──> APP
 *    ^                                                                         │
 *    └────────────── SEND <── answer not all taken ──────── done <─────────────┘
 *                     └──> LINGER ──> FREE
 */
#define CIT_CONN_STATE_MAP(X)         \
    X(FREE, "free")                   \
    X(IDLE, "between requests")       \
    X(HEAD, "receiving a head")       \
    X(BODY, "receiving a body")       \
    X(QUEUED, "waiting for a thread") \
    X(APP, "with the application")    \
    X(SEND, "sending")                \
    X(LINGER, "closing: reading what the peer still sends")

enum cit_conn_state {
#define CIT_CONN_ENUM(name, text) CIT_CONN_##name,
    CIT_CONN_STATE_MAP(CIT_CONN_ENUM)
#undef CIT_CONN_ENUM
};

/* A request that can't be run from the receive buffer: its head copied, its body stored. */
struct cit_parked {
    char *head; /* owned */
    uint32_t head_n;
    uint32_t kind; /* of its lane, 0: not computed */
    uint8_t lane;  /* enum cit_lane it was sent to */
    bool discard;  /* answered already: the rest of the body is only read away */
    bool early;    /* runs though its body is not complete */
    int64_t queued_ms;
    int64_t began_ns; /* CLOCK_MONOTONIC, first byte of the head */
    struct cit_body body;
};

struct cit_conn {
    int fd;
    uint32_t index, gen;
    uint8_t state;   /* enum cit_conn_state */
    uint8_t pending; /* CIT_EV_* that came while a thread had it */
    bool added;      /* known to the loop */
    bool want_write; /* the loop reports writability */
    bool eof;        /* the peer sends no more */
    bool broken;     /* output failed */
    bool close;      /* after what is in `out` has left */
    bool held;       /* on the worker's list of answers held back */
    bool more;       /* input is known behind the request that runs */
    bool is_unix;
    uint32_t seen; /* bytes of `in` the parser has looked at */
    struct cit_timer timer;
    int64_t deadline_ms; /* true one; the timer may stand earlier */
    union {
        int64_t moved_ms; /* BODY: when it last moved */
        int64_t unsent;   /* SEND: what the peer had yet to acknowledge when last looked at */
    };
    struct cit_buf in;   /* input not yet used; owns memory only while there is some */
    struct cit_out *out; /* output not yet taken; NULL mostly */
    struct cit_parked *parked;
    struct cit_conn *next; /* in the queue, done, held or free list it is on */
    uint32_t listener;
    socklen_t peer_len;
    union { /* the peer's address, enough of it for TCP */
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    } peer;
};

enum cit_resp_state { CIT_RESP_NONE, CIT_RESP_HEAD, CIT_RESP_SENT, CIT_RESP_DONE };

enum { CIT_CLAIM_FREE, CIT_CLAIM_THREAD, CIT_CLAIM_TIMEOUT };

struct cit_req {
    struct cit_thread *t;
    struct cit_conn *c;
    struct cit_h1_head head;
    /* body: `view` of memory, or `body` of a parked request */
    struct cit_slice view;
    uint64_t view_n;       /* whole length of the view */
    struct cit_body *body; /* NULL: view is all there is */
    bool continue_wanted;  /* Expect: 100-continue, not answered yet */
    int body_err;          /* why no more of the body can come */
    /* response */
    uint8_t state; /* enum cit_resp_state */
    bool chunked, no_body, keep, failed, has_date, has_server, over_said;
    _Atomic uint8_t claim; /* who answers: this thread, or the leader with a 504 */
    int status;
    size_t mark;    /* where this response begins in t->out.buf */
    size_t head_n;  /* bytes of its head */
    int64_t length; /* Content-Length named, -1: none */
    uint64_t body_sent;
    const char *why;
    char why_text[160];
    void *slot;
    struct cit_peer peer;
    bool has_peer;
    char remote[CIT_ADDR_TEXT_MAX], local[CIT_ADDR_TEXT_MAX];
    int64_t began_ns;
};

enum cit_role { CIT_ROLE_LEADER, CIT_ROLE_DEPUTY, CIT_ROLE_BENCH, CIT_ROLE_JOB, CIT_ROLE_LEAVE };

struct cit_thread {
    struct cit_worker *w;
    int id;
    enum cit_role role; /* team.mu, but for the thread's own reads of what it set */
    bool attached;
    bool began;
    pthread_t pthread;
    int64_t kernel_id;
    pthread_cond_t cond;     /* with team.mu: role changed */
    struct cit_thread *next; /* bench */
    struct cit_conn *job;
    enum cit_lane lane;  /* of the job */
    bool alone;          /* no other request was out when it began */
    uint32_t contenders; /* see lane.h, when it began */
    uint64_t seq;        /* the word this leader put up for its present call */
    uint64_t ident;
    _Atomic int64_t app_since_ms; /* 0: not in the application */
    _Atomic bool interrupted;
    bool given_up;
    struct cit_board_now *now, own_now; /* in the board if there is room */
    struct cit_out out;
    void *drops[32]; /* owners to give back once attached */
    int ndrops;
    struct cit_req req;
    struct cit_buf head_copy; /* of a response whose head has left, for the access log */
    struct cit_buf line;      /* an access line being made */
    char *rbuf;               /* CIT_RBUF */
};

struct cit_queue {
    struct cit_conn *first, *last;
    uint32_t count;
};

struct cit_team {
    pthread_mutex_t mu;
    /* (seq << 1) | in-application.  Only the leader moves it, but for the one who takes
     * the loop: a compare-and-swap then decides between that and the leader's return. */
    _Alignas(64) _Atomic uint64_t word;
    _Atomic uint32_t deputy_asleep;
    _Atomic uint32_t sleeping; /* the leader waits in the kernel */
    _Atomic uint32_t nout;     /* threads with the application that do not lead */
    _Atomic uint32_t nheavy;   /* of them, in the heavy lane */
    _Atomic uint32_t has_deputy;
    struct cit_thread *leader, *deputy, *bench;
    int nthreads, nstarting;
    bool stop, heavy_told;
    struct cit_queue wait_q, heavy_q, quick_q;
    _Atomic uint32_t nwaiting; /* in wait_q and heavy_q */
    struct cit_conn *done;     /* finished by threads, for the leader */
    _Atomic uint32_t has_done;
    _Atomic uint32_t nearly; /* requests running though their body is not complete */
    struct cit_lanes lanes;
};

struct cit_local { /* a listening address, for SERVER_NAME and SERVER_PORT */
    char host[CIT_ADDR_TEXT_MAX];
    uint16_t port;
};

struct cit_worker {
    struct cit_worker_env env;
    int pid;
    const struct cit_conf *conf;
    const struct cit_app_ops *ops;
    void *app;
    struct cit_loop *loop;
    struct cit_wheel wheel;
    struct cit_event ev[CIT_EVENTS];
    int ev_i, ev_n;
    int64_t now_ns, now_ms;
    bool accepting, draining, accept_paused;
    bool leaving;              /* the loop ends after this turn */
    bool quitting;             /* without waiting for requests that run */
    bool last_accepts;         /* drained: what is queued on the listeners is still to be taken */
    struct cit_conn *returned; /* taken from team.done, not looked at yet */
    int64_t accept_again_ms, drain_by_ms, house_ms;
    _Atomic uint32_t asked;   /* enum cit_worker_ask bits */
    _Atomic uint32_t closing; /* answers say Connection: close */
    bool replace_said;
    int64_t replace_at; /* requests after which this worker wants to be replaced; 0: never */
    struct cit_conn **slab;
    uint32_t nslabs, nconns;
    struct cit_conn *free_conns;
    uint64_t again[CIT_AGAIN]; /* tags of connections that had their turn and want another */
    uint32_t nagain;
    struct cit_conn *held, **held_tail; /* answers held back */
    int64_t held_since_ns;
    int64_t app_ns; /* moving average of a quick request's time, while measured */
    uint32_t app_sample;
    struct cit_h1_limits limits;
    struct cit_body_limits body_limits;
    struct cit_access *access;
    _Atomic uint32_t date_i; /* which of the date lines is current */
    char date[4][CIT_HTTP_DATE_LEN + 1];
    int64_t date_s;
    struct cit_thread **threads; /* nthreads of cap threads + 2 */
    int listen_fd[CIT_LISTENERS_MAX];
    struct cit_local local[CIT_LISTENERS_MAX];
    struct cit_team team;
};

#define CIT_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define CIT_TAG_LISTENER 0xffff0000u
#define CIT_TAG_CTL 0xfffffff0u

/* What happened to a connection the leader worked on. */
enum cit_step {
    CIT_STEP_ON,  /* go on */
    CIT_STEP_LOST /* this thread does not lead any more */
};

/* ---- team.c: threads, the loop's hand-over ---- */

int cit__team_init(struct cit_worker *w);
void cit__team_fini(struct cit_worker *w);
int cit__team_run(struct cit_worker *w);
void cit__team_stop(struct cit_worker *w);

void cit__attach(struct cit_thread *t);
void cit__detach(struct cit_thread *t);

/* The leader goes into the application, and comes back: true if it still leads. */
void cit__team_enter(struct cit_thread *t);
bool cit__team_leave(struct cit_thread *t);

/* The thread is about to wait for a peer inside the application: if it leads, the
 * deputy takes the loop. */
void cit__team_yield(struct cit_thread *t);

/* May the leader run a quick request itself? */
bool cit__team_can_run(const struct cit_worker *w);

/* A parked request goes to a thread of its lane, or into the lane's queue.
 * CIT_OK; CIT_ELIMIT: the queue is full. */
CIT_MUST_CHECK int cit__team_dispatch(struct cit_thread *t, struct cit_conn *c, enum cit_lane lane);

/* Gives one queued request to a free thread, if both are there (leader). */
void cit__team_pump(struct cit_thread *t);

/* The oldest of a queue if it waits since before then_ms (leader). */
struct cit_conn *cit__queue_take_old(struct cit_worker *w, struct cit_queue *q, int64_t then_ms);
struct cit_conn *cit__queue_take(struct cit_worker *w, struct cit_queue *q);

/* The connections threads are done with, as a list. */
struct cit_conn *cit__team_take_done(struct cit_worker *w);

/* ---- lead.c: the loop ---- */

enum cit_role cit__lead(struct cit_thread *t);
void cit__flush_held(struct cit_thread *t);
void cit__clock(struct cit_worker *w);
const char *cit__date(const struct cit_worker *w);

/* ---- house.c: what the leader looks after now and then ---- */

void cit__house(struct cit_thread *t);
void cit__house_ctl(struct cit_thread *t);
void cit__tell_super(struct cit_worker *w, char what);
void cit__drain(struct cit_worker *w);
/* Counts a request towards max_requests. */
void cit__count_request(struct cit_worker *w);
void cit__listen_on(struct cit_worker *w);
void cit__listen_off(struct cit_worker *w);

/* ---- worker.c ---- */

/* The loop has ended: leaves the process if that can't be done in order. */
void cit__worker_leaving(struct cit_worker *w);

/* Nothing can be served any more: says so and leaves the process, to be replaced. */
_Noreturn void cit__worker_broken(struct cit_worker *w, const char *why);

/* ---- conn.c: connections ---- */

/* Closes all that are left. */
void cit__conns_fini(struct cit_worker *w);

struct cit_conn *cit__conn_new(struct cit_worker *w, int fd);
void cit__conn_free(struct cit_thread *t, struct cit_conn *c);
struct cit_conn *cit__conn_at(const struct cit_worker *w, uint32_t index, uint32_t gen);
/* Has a body that was quiet for so long still time to come? */
bool cit__body_has_time(const struct cit_worker *w, const struct cit_parked *p, int64_t quiet_ms, int64_t now_ms);
void cit__conn_state(struct cit_worker *w, struct cit_conn *c, enum cit_conn_state state, int64_t timeout_ms);
enum cit_step cit__conn_accept(struct cit_thread *t, uint32_t listener);
enum cit_step cit__conn_event(struct cit_thread *t, struct cit_conn *c, uint32_t mask);
enum cit_step cit__conn_expired(struct cit_thread *t, struct cit_conn *c);
/* A thread gave it back; or its turn came: goes on with what is there. */
enum cit_step cit__conn_resume(struct cit_thread *t, struct cit_conn *c);
/* c could go on but others wait: it is looked at again in the next turn.  False when too
 * many want that already. */
bool cit__conn_again(struct cit_worker *w, const struct cit_conn *c);
/* Its turn in a queue has come, and the leader runs it. */
enum cit_step cit__conn_dequeued(struct cit_thread *t, struct cit_conn *c);
/* Closes it, lingering when the peer may still be sending. */
void cit__conn_end(struct cit_thread *t, struct cit_conn *c);
/* Sends t->out, or keeps what the peer does not take. */
void cit__conn_flush(struct cit_thread *t, struct cit_conn *c);
void cit__conn_send(struct cit_thread *t, struct cit_conn *c); /* the same, never held back */
int cit__conn_keep_out(struct cit_thread *t, struct cit_conn *c);

/* ---- input.c: from bytes to requests ---- */

enum cit_step cit__input(struct cit_thread *t, struct cit_conn *c);
/* Runs the parked request of c on this thread, which leads or not.  True if t leads after it. */
bool cit__run_parked(struct cit_thread *t, struct cit_conn *c);
void cit__parked_free(struct cit_thread *t, struct cit_conn *c);
enum cit_step cit__start_parked(struct cit_thread *t, struct cit_conn *c);
/* Its body pauses: the application may begin without it, on a thread.  A few at a time. */
enum cit_step cit__start_early(struct cit_thread *t, struct cit_conn *c);
uint32_t cit__most_early(const struct cit_worker *w);

/* ---- refuse.c: answers of the server's own ---- */

/* Answers with a status page, Connection: close; logs the reason; for loop states. */
void cit__refuse(struct cit_thread *t, struct cit_conn *c, int status, const char *why);
/* Appends such an answer to o. */
int cit__write_page(const struct cit_worker *w, struct cit_buf *b, int status, bool head_only);

/* The page of such an answer; returns its length. */
int cit__page(int status, char *out, size_t room);
/* A line in the access log; what depends on the clock and the process is filled in. */
void cit__log_access(struct cit_thread *t, const struct cit_access_rec *known);

/* ---- req.c, resp.c ---- */

/* The application waits for its peer: gives up the loop, detaches, polls.  CIT_OK or
 * CIT_ETIMEDOUT; timeout_ms 0: without end. */
int cit__wait_fd(struct cit_req *r, short events, int64_t timeout_ms);

void cit__req_init(struct cit_thread *t, struct cit_conn *c);
/* Ends the response; afterwards r->keep says whether the connection persists. */
void cit__resp_finish(struct cit_req *r);
void cit__drop(void *thread, void *owner);
void cit__drop_all(struct cit_thread *t);

#endif
