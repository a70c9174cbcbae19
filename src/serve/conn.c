/* serve/conn.c - connections: made, waited for, answered, closed.
 *
 * A connection that waits for its next request owns no memory but its struct.  Its timer
 * is lazy: the true deadline only moves in the struct, and the timer, when it fires too
 * early, is set again; so a request costs no timer work.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/worker_int.h"

enum {
    ACCEPT_BATCH = 16,       /* then the connections that are there get their turn */
    ACCEPT_BATCH_SHARED = 2, /* with other workers on the same socket: take turns */
    LINGER_MS = 2000,        /* for the peer to read our last answer and close */
    GATHER_APP_NS = 20000,   /* quick requests slower than this have their answers gathered */
    BODY_PAUSES = 10,
    BODY_BYTES_PER_MS = 1 /* what a body earns on top of its time */
};

/* ---- slabs ---- */

static int grow(struct cit_worker *w)
{
    struct cit_conn **slab = cit_realloc_array(w->slab, w->nslabs + 1, sizeof *slab);
    struct cit_conn *conns;

    if (slab == NULL)
        return CIT_ENOMEM;
    w->slab = slab;
    conns = cit_calloc(CIT_SLAB, sizeof *conns);
    if (conns == NULL)
        return CIT_ENOMEM;
    for (uint32_t i = CIT_SLAB; i-- > 0;) {
        conns[i].fd = -1;
        conns[i].index = w->nslabs * CIT_SLAB + i;
        conns[i].next = w->free_conns;
        w->free_conns = &conns[i];
    }
    slab[w->nslabs++] = conns;
    return CIT_OK;
}

struct cit_conn *cit__conn_new(struct cit_worker *w, int fd)
{
    struct cit_conn *c;
    uint32_t index, gen;

    if (w->free_conns == NULL && grow(w) != CIT_OK)
        return NULL;
    c = w->free_conns;
    w->free_conns = c->next;
    index = c->index;
    gen = c->gen;
    *c = (struct cit_conn){ .fd = fd, .index = index, .gen = gen, .deadline_ms = CIT_NEVER };
    cit_buf_init(&c->in, (size_t)w->limits.head + 2 * CIT_RBUF);
    w->nconns++;
    cit_count(&w->env.slot->counters.accepted);
    atomic_store_explicit(&w->env.slot->counters.connections, w->nconns, memory_order_relaxed);
    return c;
}

struct cit_conn *cit__conn_at(const struct cit_worker *w, uint32_t index, uint32_t gen)
{
    struct cit_conn *c;

    if (index / CIT_SLAB >= w->nslabs)
        return NULL;
    c = &w->slab[index / CIT_SLAB][index % CIT_SLAB];
    return c->gen == gen && c->fd != -1 ? c : NULL;
}

static void out_free(struct cit_thread *t, struct cit_conn *c)
{
    if (c->out == NULL)
        return;
    cit_out_fini(c->out, cit__drop, t);
    cit_free(c->out);
    c->out = NULL;
}

void cit__conn_free(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_worker *w = t->w;

    cit_wheel_cancel(&w->wheel, &c->timer);
    close(c->fd); /* out of the loop with that; had a forked child a copy, its events have an old generation */
    out_free(t, c);
    cit__parked_free(t, c);
    cit_buf_fini(&c->in);
    c->fd = -1;
    c->gen++;
    c->state = CIT_CONN_FREE;
    c->next = w->free_conns;
    w->free_conns = c;
    w->nconns--;
    atomic_store_explicit(&w->env.slot->counters.connections, w->nconns, memory_order_relaxed);
    if (!w->accepting && !w->draining && !w->accept_paused && !w->leaving)
        cit__listen_on(w);
}

void cit__conns_fini(struct cit_worker *w)
{
    for (uint32_t i = 0; i < w->nslabs * CIT_SLAB; i++) {
        struct cit_conn *c = &w->slab[i / CIT_SLAB][i % CIT_SLAB];

        if (c->fd != -1)
            cit__conn_free(w->threads[0], c);
    }
}

/* ---- waiting ---- */

void cit__conn_state(struct cit_worker *w, struct cit_conn *c, enum cit_conn_state state, int64_t timeout_ms)
{
    c->state = (uint8_t)state;
    c->deadline_ms = timeout_ms <= 0 ? CIT_NEVER : w->now_ms + timeout_ms;
    if (c->deadline_ms == CIT_NEVER || (cit_timer_is_set(&c->timer) && c->timer.at_ms <= c->deadline_ms))
        return;
    cit_wheel_add(&w->wheel, &c->timer, c->deadline_ms);
}

/* Has the loop report on c.  False without memory: the connection can't go on. */
static bool watch(struct cit_worker *w, struct cit_conn *c, bool want_write)
{
    uint32_t mask = CIT_EV_READ | (want_write ? (uint32_t)CIT_EV_WRITE : 0);
    uint64_t tag = (uint64_t)c->gen << 32 | c->index;
    int err;

    if (c->added && (c->want_write || !want_write))
        return true; /* edge-triggered: interest in writing costs nothing once it is there */
    err = c->added ? cit_loop_mod(w->loop, c->fd, mask, tag) : cit_loop_add(w->loop, c->fd, mask, tag);
    if (err != CIT_OK)
        return false;
    c->added = true;
    c->want_write = want_write;
    return true;
}

bool cit__conn_again(struct cit_worker *w, const struct cit_conn *c)
{
    if (w->nagain == CIT_AGAIN)
        return false;
    w->again[w->nagain++] = (uint64_t)c->gen << 32 | c->index;
    return true;
}

/* ---- accepting ---- */

static void pause_accept(struct cit_thread *t, int err)
{
    struct cit_worker *w = t->w;

    cit__listen_off(w);
    w->accept_paused = true;
    w->accept_again_ms = w->now_ms + 200;
    cit_log_printf(w->env.log, CIT_LOG_ERROR, "accepting no connections for 200 ms: %s", cit_err_text(err));
}

/* The first bytes are often there already; asking for them at once saves a turn. */
static enum cit_step accepted(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_worker *w = t->w;
    uint32_t gen = c->gen;
    enum cit_step step;

    c->pending = CIT_EV_READ;
    cit__conn_state(w, c, CIT_CONN_IDLE, w->conf->header_timeout_ms);
    step = cit__input(t, c);
    if (step == CIT_STEP_LOST || c->gen != gen || c->state == CIT_CONN_APP || c->state == CIT_CONN_QUEUED)
        return step;
    if (!watch(w, c, c->want_write))
        cit__conn_free(t, c);
    return step;
}

enum cit_step cit__conn_accept(struct cit_thread *t, uint32_t listener)
{
    struct cit_worker *w = t->w;
    int batch = w->last_accepts ? INT32_MAX : w->env.multiprocess ? ACCEPT_BATCH_SHARED : ACCEPT_BATCH;

    while (batch-- > 0 && (w->accepting || w->last_accepts)) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof peer;
        int fd = cit_sock_accept(w->listen_fd[listener], &peer, &len);
        struct cit_conn *c;

        if (fd == CIT_EAGAIN)
            return CIT_STEP_ON;
        if (fd == CIT_EMFILE || fd == CIT_ENOMEM)
            return pause_accept(t, fd), CIT_STEP_ON;
        if (fd < 0)
            continue;
        c = cit__conn_new(w, fd);
        if (c == NULL) {
            close(fd);
            return pause_accept(t, CIT_ENOMEM), CIT_STEP_ON;
        }
        c->listener = listener;
        c->is_unix = peer.ss_family == AF_UNIX;
        c->peer_len = len < sizeof c->peer ? len : (socklen_t)sizeof c->peer;
        memcpy(&c->peer, &peer, c->peer_len);
        if (w->nconns >= (uint64_t)w->conf->worker_connections)
            cit__listen_off(w);
        if (accepted(t, c) == CIT_STEP_LOST)
            return CIT_STEP_LOST;
    }
    return CIT_STEP_ON;
}

/* ---- closing ---- */

void cit__conn_end(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_worker *w = t->w;
    bool may_send = !c->eof && !c->broken && (c->in.len > 0 || c->parked != NULL || (c->pending & CIT_EV_READ) != 0);

    cit__parked_free(t, c);
    cit_buf_release(&c->in);
    if (!may_send || shutdown(c->fd, SHUT_WR) == -1) {
        cit__conn_free(t, c);
        return;
    }
    /* closing now would reset the connection and could destroy the answer under way */
    cit__conn_state(w, c, CIT_CONN_LINGER, LINGER_MS);
    if (!watch(w, c, c->want_write))
        cit__conn_free(t, c);
}

static void linger(struct cit_thread *t, struct cit_conn *c)
{
    for (int i = 0; i < 64; i++) {
        int64_t n = cit_sock_recv(c->fd, t->rbuf, CIT_RBUF);

        if (n == CIT_EAGAIN)
            return;
        if (n <= 0) {
            cit__conn_free(t, c);
            return;
        }
    }
    /* still more: an edge is lost if we stop, so look again soon */
    cit_wheel_add(&t->w->wheel, &c->timer, t->w->now_ms + 1);
}

/* ---- answering ---- */

int cit__conn_keep_out(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_out *o = cit_malloc(sizeof *o);

    if (o == NULL)
        return CIT_ENOMEM;
    *o = t->out;
    c->out = o;
    cit_out_init(&t->out);
    return CIT_OK;
}

static void sent(struct cit_thread *t, struct cit_conn *c)
{
    if (c->close) {
        cit__conn_end(t, c);
        return;
    }
    cit__conn_state(t->w, c, CIT_CONN_IDLE, t->w->draining ? CIT_DRAIN_IDLE_MS : t->w->conf->keep_alive_ms);
    if (!c->added && !watch(t->w, c, c->want_write)) /* its first request was answered without the loop */
        cit__conn_free(t, c);
}

/* A send to a peer asleep on this machine wakes it up, which costs more than the send:
 * behind slow requests, when others are waiting for their turn, answers leave together. */
static bool should_hold(const struct cit_worker *w)
{
    return w->ev_i < w->ev_n && w->conf->gather_us > 0 &&
           (w->app_ns > GATHER_APP_NS || atomic_load_explicit(&w->team.nheavy, memory_order_relaxed) > 0);
}

static bool hold(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_worker *w = t->w;

    if (c->out != NULL || !should_hold(w) || cit__conn_keep_out(t, c) != CIT_OK)
        return false;
    if (w->held == NULL)
        w->held_since_ns = w->now_ns;
    c->held = true;
    c->next = NULL;
    *w->held_tail = c;
    w->held_tail = &c->next;
    return true;
}

void cit__conn_flush(struct cit_thread *t, struct cit_conn *c)
{
    if (c->out != NULL || !hold(t, c))
        cit__conn_send(t, c);
}

void cit__conn_send(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_worker *w = t->w;
    struct cit_out *o = c->out != NULL ? c->out : &t->out;
    int err;

    if (t->attached && atomic_load_explicit(&w->team.nout, memory_order_relaxed) > 0)
        cit__detach(t); /* lends the application to whoever comes back from a wait */
    err = cit_out_send(o, c->fd, cit__drop, t);
    while (err == CIT_EAGAIN && o->paused && !cit__conn_again(w, c))
        err = cit_out_send(o, c->fd, cit__drop, t);
    if (err == CIT_EAGAIN && (c->out != NULL || cit__conn_keep_out(t, c) == CIT_OK) && watch(w, c, true)) {
        c->unsent = cit_sock_unsent(c->fd);
        cit__conn_state(w, c, CIT_CONN_SEND, w->conf->send_timeout_ms);
        return;
    }
    if (err != CIT_OK)
        c->broken = c->close = true;
    if (c->out != NULL)
        out_free(t, c);
    else
        cit_out_reset(&t->out, cit__drop, t);
    sent(t, c);
}

/* ---- events ---- */

/* What a connection does once nothing is left to send: what it has already received. */
static enum cit_step go_on(struct cit_thread *t, struct cit_conn *c)
{
    if (c->state != CIT_CONN_IDLE || c->held)
        return CIT_STEP_ON;
    if (c->parked != NULL && !c->parked->discard && cit_body_is_complete(&c->parked->body)) {
        if (cit__start_parked(t, c) == CIT_STEP_LOST)
            return CIT_STEP_LOST;
    } else if (c->parked != NULL) {
        cit__conn_state(t->w, c, CIT_CONN_BODY, CIT_EARLY_MS);
        c->moved_ms = t->w->now_ms;
    }
    return cit__input(t, c);
}

enum cit_step cit__conn_resume(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_worker *w = t->w;
    uint32_t gen = c->gen;

    if (!c->broken && !watch(w, c, c->out != NULL))
        c->broken = true;
    if (c->broken) {
        cit__conn_free(t, c);
        return CIT_STEP_ON;
    }
    if (c->out != NULL) {
        cit__conn_state(w, c, CIT_CONN_SEND, w->conf->send_timeout_ms);
        cit__conn_flush(t, c);
    } else {
        sent(t, c);
    }
    return c->gen == gen ? go_on(t, c) : CIT_STEP_ON;
}

enum cit_step cit__conn_dequeued(struct cit_thread *t, struct cit_conn *c)
{
    uint32_t gen = c->gen;

    if (cit__start_parked(t, c) == CIT_STEP_LOST)
        return CIT_STEP_LOST;
    return c->gen == gen ? go_on(t, c) : CIT_STEP_ON;
}

static enum cit_step writable(struct cit_thread *t, struct cit_conn *c)
{
    uint32_t gen = c->gen;

    cit__conn_flush(t, c);
    return c->gen == gen ? go_on(t, c) : CIT_STEP_ON;
}

enum cit_step cit__conn_event(struct cit_thread *t, struct cit_conn *c, uint32_t mask)
{
    c->pending |= (uint8_t)(mask & (CIT_EV_READ | CIT_EV_HUP));
    if (c->held) {
        /* it can't know the held answer yet: a pipelined request, or it has gone */
        return CIT_STEP_ON;
    }
    switch ((enum cit_conn_state)c->state) {
    case CIT_CONN_SEND:
        return (mask & (CIT_EV_WRITE | CIT_EV_HUP)) != 0 ? writable(t, c) : CIT_STEP_ON;
    case CIT_CONN_LINGER:
        linger(t, c);
        return CIT_STEP_ON;
    case CIT_CONN_IDLE:
    case CIT_CONN_HEAD:
    case CIT_CONN_BODY:
        return (c->pending & (CIT_EV_READ | CIT_EV_HUP)) != 0 ? cit__input(t, c) : CIT_STEP_ON;
    case CIT_CONN_FREE:
    case CIT_CONN_QUEUED:
    case CIT_CONN_APP:
        return CIT_STEP_ON;
    }
    return CIT_STEP_ON;
}

/* ---- deadlines ---- */

/* A body may pause for body-timeout, and take ten times that and a millisecond a byte in all. */
bool cit__body_has_time(const struct cit_worker *w, const struct cit_parked *p, int64_t quiet_ms, int64_t now_ms)
{
    int64_t pause = w->conf->body_timeout_ms;
    int64_t whole = now_ms - p->began_ns / CIT_MS_NS;

    return pause == 0 || (quiet_ms < pause && whole < pause * BODY_PAUSES + (int64_t)p->body.got / BODY_BYTES_PER_MS);
}

static enum cit_step body_expired(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_worker *w = t->w;

    if (!cit__body_has_time(w, c->parked, w->now_ms - c->moved_ms, w->now_ms)) {
        if (c->parked->discard) {
            c->broken = true;
            cit__conn_end(t, c);
        } else {
            cit__refuse(t, c, 408, "the body took longer than body-timeout allows");
        }
        return CIT_STEP_ON;
    }
    if (!c->parked->discard && w->now_ms - c->moved_ms >= CIT_EARLY_MS &&
        atomic_load(&w->team.nearly) < cit__most_early(w))
        return cit__start_early(t, c);
    c->deadline_ms = w->now_ms + CIT_EARLY_MS;
    return CIT_STEP_ON;
}

/* The kernel calls a socket writable again when a third of its buffer is free, which may be
 * megabytes: a slow reader is told by what it has acknowledged. */
static bool peer_reads(struct cit_worker *w, struct cit_conn *c)
{
    int64_t unsent = cit_sock_unsent(c->fd);

    if (unsent == -1 || unsent >= c->unsent)
        return false;
    c->unsent = unsent;
    c->deadline_ms = w->now_ms + w->conf->send_timeout_ms;
    return true;
}

static enum cit_step deadline(struct cit_thread *t, struct cit_conn *c)
{
    switch ((enum cit_conn_state)c->state) {
    case CIT_CONN_IDLE:
        c->pending = 0; /* it sent nothing: no need to linger */
        cit__conn_end(t, c);
        return CIT_STEP_ON;
    case CIT_CONN_HEAD:
        cit__refuse(t, c, 408, "the head took longer than header-timeout allows");
        return CIT_STEP_ON;
    case CIT_CONN_BODY:
        return body_expired(t, c);
    case CIT_CONN_SEND:
        if (peer_reads(t->w, c))
            return CIT_STEP_ON;
        cit_log_printf(t->w->env.log, CIT_LOG_INFO,
                       "connection closed: the peer took nothing for send-timeout (%lld ms)",
                       (long long)t->w->conf->send_timeout_ms);
        c->broken = true;
        cit__conn_end(t, c);
        return CIT_STEP_ON;
    case CIT_CONN_LINGER:
        cit__conn_free(t, c);
        return CIT_STEP_ON;
    case CIT_CONN_FREE:
    case CIT_CONN_QUEUED:
    case CIT_CONN_APP:
        break;
    }
    return CIT_STEP_ON;
}

enum cit_step cit__conn_expired(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_worker *w = t->w;
    uint32_t gen = c->gen;
    enum cit_step step = CIT_STEP_ON;

    if (c->state == CIT_CONN_APP || c->state == CIT_CONN_QUEUED)
        return step; /* it gets a deadline again when it comes back */
    if (c->state == CIT_CONN_LINGER && c->deadline_ms > w->now_ms)
        linger(t, c);
    else if (c->deadline_ms <= w->now_ms)
        step = deadline(t, c);
    if (step == CIT_STEP_LOST || c->gen != gen || c->deadline_ms == CIT_NEVER || cit_timer_is_set(&c->timer))
        return step;
    if (c->state != CIT_CONN_APP && c->state != CIT_CONN_QUEUED)
        cit_wheel_add(&w->wheel, &c->timer, c->deadline_ms);
    return step;
}
