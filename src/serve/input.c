/* serve/input.c - from bytes to requests, and to who runs them.
 *
 * The common request (head and body within one receive, of a quick kind) is run by the
 * leader out of its receive buffer, and answers to pipelined ones gather in t->out.  Any
 * other is parked first: its head copied, its body stored, and then run by a thread of
 * its lane, by the leader once the body is there, or later.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/worker_int.h"

enum {
    FLUSH_AT = 262144, /* gathered answers to one peer */
    SAMPLE_MASK = 15,  /* one quick request of 16 is timed */
    SAMPLE_MOST_NS = 200000,
    READS_MOST = 8 /* of one connection before the others have their turn */
};

/* ---- parked requests ---- */

void cit__parked_free(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_parked *p = c->parked;
    void *owner;

    if (p == NULL)
        return;
    c->parked = NULL;
    if (p->early)
        atomic_fetch_sub(&t->w->team.nearly, 1);
    owner = cit_body_take_owner(&p->body);
    if (owner != NULL)
        cit__drop(t, owner);
    cit_body_fini(&p->body);
    cit_free(p->head);
    cit_free(p);
}

/* A block of the application's for a body whose length is known: it then needs no copy. */
static void lend_storage(struct cit_thread *t, struct cit_body *b)
{
    size_t n = cit_body_exact(b);
    void *owner = NULL;
    char *mem;

    if (n == 0 || (!t->attached && atomic_load(&t->w->team.nout) > 0))
        return; /* attaching could wait long for the others */
    cit__attach(t);
    mem = t->w->ops->body_new(t->w->app, n, &owner);
    if (mem != NULL && cit_body_set_storage(b, mem, n, owner) != CIT_OK)
        cit__drop(t, owner);
}

static int park(struct cit_thread *t, struct cit_conn *c, struct cit_slice head, const struct cit_h1_frame *f)
{
    struct cit_parked *p = cit_calloc(1, sizeof *p);
    int err;

    if (p == NULL)
        return CIT_ENOMEM;
    p->head = cit_memdup(head.p, head.n);
    p->head_n = (uint32_t)head.n;
    p->began_ns = t->w->now_ns;
    err = p->head == NULL ? CIT_ENOMEM : cit_body_init(&p->body, f, &t->w->body_limits);
    if (err != CIT_OK) {
        cit_free(p->head);
        cit_free(p);
        return err;
    }
    c->parked = p;
    if (f->kind == CIT_H1_BODY_LENGTH)
        lend_storage(t, &p->body);
    return CIT_OK;
}

/* ---- running ---- */

static void now_runs(struct cit_thread *t)
{
    const struct cit_h1_head *h = &t->req.head;
    struct cit_board_now *now = t->now;
    size_t n = h->method.n + 1 + h->target.n; /* they stand beside each other in the request line */

    now->text_n = n < sizeof now->text ? (uint32_t)n : (uint32_t)sizeof now->text;
    memcpy(now->text, h->method.p, now->text_n);
    atomic_store_explicit(&now->busy, 1, memory_order_release);
}

static void call(struct cit_thread *t)
{
    now_runs(t);
    t->w->ops->call(t->w->app, &t->req);
    atomic_store_explicit(&t->now->busy, 0, memory_order_release);
}

/* One that lost its CPU on the way says little about the others. */
static void sample(struct cit_worker *w, int64_t took_ns)
{
    if (took_ns > SAMPLE_MOST_NS)
        took_ns = SAMPLE_MOST_NS;
    w->app_ns += (took_ns - w->app_ns) / 8;
}

/* The leader runs the request in t->req.  True if it still leads. */
static bool run_here(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_worker *w = t->w;
    bool timed = (++w->app_sample & SAMPLE_MASK) == 0;
    int64_t began = timed ? cit_clock_now_ns() : 0;
    bool leads;

    c->state = CIT_CONN_APP;
    cit_count(&w->env.slot->counters.quick);
    cit__team_enter(t);
    call(t);
    leads = cit__team_leave(t);
    if (leads && timed)
        sample(w, cit_clock_now_ns() - began);
    cit__resp_finish(&t->req);
    if (leads)
        c->state = CIT_CONN_IDLE;
    return leads;
}

/* After the loop was lost: what the leader would do with the answer and the input. */
static void finish_out(struct cit_thread *t, struct cit_conn *c)
{
    int err;

    cit__detach(t);
    err = cit_out_send(&t->out, c->fd, cit__drop, t);
    if (err == CIT_EAGAIN)
        err = cit__conn_keep_out(t, c);
    else
        cit_out_reset(&t->out, cit__drop, t);
    if (err != CIT_OK)
        c->broken = c->close = true;
    if (t->ndrops > 0)
        cit__attach(t);
}

static void keep_input(struct cit_conn *c, const char *p, size_t n)
{
    if (n > 0 && !c->close && cit_buf_add(&c->in, p, n) != CIT_OK)
        c->broken = c->close = true;
}

/* ---- parked ones ---- */

static void unpark(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_parked *p = c->parked;
    struct cit_req *r = &t->req;
    int n = cit_h1_parse_request(p->head, p->head_n, 0, &t->w->limits, &r->head);

    (void)n; /* it was accepted once */
    cit__req_init(t, c);
    r->body = &p->body;
    r->began_ns = p->began_ns;
    r->continue_wanted = (r->head.flags & CIT_H1_EXPECT_CONTINUE) != 0 && p->body.got == 0;
}

/* What becomes of the body the application did not read. */
static void after_body(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_parked *p = c->parked;

    if (!c->close && !cit_body_is_complete(&p->body)) {
        cit_body_discard(&p->body);
        p->discard = true;
        if (p->early)
            atomic_fetch_sub(&t->w->team.nearly, 1);
        p->early = false;
        return;
    }
    if (!cit_body_is_complete(&p->body))
        c->pending |= CIT_EV_READ; /* so that the end lingers */
    cit__parked_free(t, c);
}

bool cit__run_parked(struct cit_thread *t, struct cit_conn *c)
{
    unpark(t, c);
    if (t->role == CIT_ROLE_LEADER) {
        bool leads = run_here(t, c);

        after_body(t, c);
        if (!leads)
            finish_out(t, c);
        return leads;
    }
    atomic_store(&t->app_since_ms, cit_clock_now_ns() / CIT_MS_NS);
    call(t);
    atomic_store(&t->app_since_ms, 0);
    cit__resp_finish(&t->req);
    after_body(t, c);
    finish_out(t, c);
    return false;
}

static enum cit_lane lane_of(struct cit_worker *w, const struct cit_h1_head *h, uint32_t *kind)
{
    *kind = 0;
    if (atomic_load_explicit(&w->team.lanes.slow, memory_order_relaxed) == 0)
        return CIT_LANE_QUICK;
    *kind = cit_lane_kind(h->method, h->path);
    return cit_lane_of(&w->team.lanes, *kind);
}

static enum cit_step send_away(struct cit_thread *t, struct cit_conn *c, enum cit_lane lane)
{
    /* answers to the requests before it do not wait for this one */
    if (!cit_out_is_empty(&t->out)) {
        cit__conn_send(t, c);
        if (c->state == CIT_CONN_FREE || c->state == CIT_CONN_LINGER)
            return CIT_STEP_ON;
        if (c->out != NULL)
            return CIT_STEP_ON; /* the peer does not read: not before it does */
    }
    if (cit__team_dispatch(t, c, lane) == CIT_OK)
        return CIT_STEP_ON;
    cit_count(&t->w->env.slot->counters.shed);
    cit__refuse(t, c, 503, "the queue for threads is full (queue-size)");
    return CIT_STEP_ON;
}

/* A parked request whose body is there, or that may begin without it. */
enum cit_step cit__start_parked(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_worker *w = t->w;
    struct cit_h1_head *h = &t->req.head;
    enum cit_lane lane;

    if (cit_h1_parse_request(c->parked->head, c->parked->head_n, 0, &w->limits, h) < 0)
        return cit__refuse(t, c, 500, "a parked head could not be read again"), CIT_STEP_ON;
    c->more = c->in.len > 0;
    lane = lane_of(w, h, &c->parked->kind);
    if (c->parked->early) {
        lane = CIT_LANE_WAITING;
        c->parked->kind = 0;
    }
    if (lane != CIT_LANE_QUICK || !cit__team_can_run(w))
        return send_away(t, c, lane);
    if (!cit__run_parked(t, c))
        return CIT_STEP_LOST;
    cit__conn_flush(t, c);
    return CIT_STEP_ON;
}

uint32_t cit__most_early(const struct cit_worker *w)
{
    return w->conf->threads < 4 ? 1 : (uint32_t)(w->conf->threads / 4);
}

enum cit_step cit__start_early(struct cit_thread *t, struct cit_conn *c)
{
    c->parked->early = true;
    atomic_fetch_add(&t->w->team.nearly, 1);
    return cit__start_parked(t, c);
}

/* ---- bytes ---- */

static void refuse_bad(struct cit_thread *t, struct cit_conn *c, enum cit_h1_bad bad)
{
    cit__refuse(t, c, cit_h1_bad_status(bad), cit_h1_bad_text(bad));
}

static enum cit_step body_failed(struct cit_thread *t, struct cit_conn *c, int err)
{
    struct cit_body *b = &c->parked->body;
    char why[CIT_BODY_WHY_MAX];

    if (c->parked->discard) { /* the answer has left: nothing more to say */
        c->close = true;
        cit__conn_end(t, c);
    } else if (err == CIT_EPROTO) {
        refuse_bad(t, c, b->bad);
    } else if (err == CIT_ELIMIT) {
        cit__refuse(t, c, 413, "the body is longer than limit-request-body");
    } else {
        cit_body_why(b, why);
        cit__refuse(t, c, 500, err == CIT_EIO ? why : cit_err_text(err));
    }
    return CIT_STEP_ON;
}

static enum cit_step body_moved(struct cit_thread *t, struct cit_conn *c, int err)
{
    struct cit_worker *w = t->w;

    c->moved_ms = w->now_ms;
    if (err == CIT_EAGAIN)
        return CIT_STEP_ON;
    if (err != CIT_OK)
        return body_failed(t, c, err);
    if (c->parked->discard) {
        cit__parked_free(t, c);
        cit__conn_state(w, c, CIT_CONN_IDLE, w->conf->keep_alive_ms);
        return CIT_STEP_ON;
    }
    return cit__start_parked(t, c);
}

/* The first request of p[0..n) is read: its head has head_n bytes, and *used tells how
 * many bytes it took altogether. */
struct input {
    const char *p;
    size_t n, off;
};

static bool inline_body(const struct cit_h1_frame *f, const struct input *in, size_t head_n)
{
    return f->kind == CIT_H1_BODY_NONE || (f->kind == CIT_H1_BODY_LENGTH && f->length <= in->n - in->off - head_n);
}

static enum cit_step run_inline(struct cit_thread *t, struct cit_conn *c, struct input *in, size_t body_n)
{
    struct cit_req *r = &t->req;

    cit__req_init(t, c);
    r->view = cit_slice(in->p + in->off, body_n);
    r->view_n = body_n;
    r->began_ns = t->w->now_ns;
    in->off += body_n;
    c->more = in->off < in->n;
    return run_here(t, c) ? CIT_STEP_ON : CIT_STEP_LOST;
}

/* The body of the request just parked, as far as it is there.  If it is whole the request
 * is started by consume, when the input behind it has been put away. */
static enum cit_step feed_parked(struct cit_thread *t, struct cit_conn *c, struct input *in)
{
    size_t used = 0;
    int err = CIT_OK;

    cit__conn_state(t->w, c, CIT_CONN_BODY, CIT_EARLY_MS);
    c->moved_ms = t->w->now_ms;
    if (!cit_body_is_complete(&c->parked->body) && in->off < in->n)
        err = cit_body_feed(&c->parked->body, in->p + in->off, in->n - in->off, &used);
    in->off += used;
    return err == CIT_OK || err == CIT_EAGAIN ? CIT_STEP_ON : body_failed(t, c, err);
}

static enum cit_step one_request(struct cit_thread *t, struct cit_conn *c, struct input *in, size_t head_n)
{
    struct cit_worker *w = t->w;
    const struct cit_h1_head *h = &t->req.head;
    struct cit_h1_frame f = cit_h1_frame_request(h);
    struct cit_slice head = cit_slice(in->p + in->off, head_n);
    uint32_t kind;
    enum cit_lane lane;
    int err;

    if (f.kind == CIT_H1_BODY_LENGTH && w->body_limits.limit_body > 0 && f.length > w->body_limits.limit_body)
        return cit__refuse(t, c, 413, "the body is longer than limit-request-body"), CIT_STEP_ON;
    lane = lane_of(w, h, &kind);
    if (inline_body(&f, in, head_n) && lane == CIT_LANE_QUICK && cit__team_can_run(w)) {
        in->off += head_n;
        return run_inline(t, c, in, (size_t)f.length);
    }
    err = park(t, c, head, &f);
    in->off += head_n;
    if (err != CIT_OK)
        return cit__refuse(t, c, 503, cit_err_text(err)), CIT_STEP_ON;
    return feed_parked(t, c, in);
}

/* Requests out of in->p, as long as they are whole and the connection is ours. */
static enum cit_step requests(struct cit_thread *t, struct cit_conn *c, struct input *in)
{
    while (in->off < in->n && (c->state == CIT_CONN_IDLE || c->state == CIT_CONN_HEAD) && !c->close && !c->held) {
        int n = cit_h1_parse_request(in->p + in->off, in->n - in->off, c->seen, &t->w->limits, &t->req.head);

        if (n == CIT_EAGAIN) {
            c->seen = (uint32_t)(in->n - in->off);
            return CIT_STEP_ON;
        }
        c->seen = 0;
        if (n < 0) {
            refuse_bad(t, c, t->req.head.bad);
            return CIT_STEP_ON;
        }
        if (one_request(t, c, in, (size_t)n) == CIT_STEP_LOST)
            return CIT_STEP_LOST;
        if (cit_out_left(&t->out) > FLUSH_AT)
            cit__conn_send(t, c);
    }
    return CIT_STEP_ON;
}

/* Puts away what is left of the input.  own: in->p is c->in. */
static void leave_input(struct cit_conn *c, const struct input *in, bool own)
{
    if (!own) {
        keep_input(c, in->p + in->off, in->n - in->off);
        return;
    }
    cit_buf_consume(&c->in, in->off);
    if (c->in.len == 0 || c->close)
        cit_buf_release(&c->in);
}

static void await_head(struct cit_worker *w, struct cit_conn *c)
{
    if (c->state == CIT_CONN_IDLE && !c->held && c->in.len > 0)
        cit__conn_state(w, c, CIT_CONN_HEAD, w->conf->header_timeout_ms);
}

/* The request parked by `requests` begins now if it can. */
static enum cit_step begin_parked(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_worker *w = t->w;
    struct cit_parked *p = c->parked;

    if (cit_body_is_complete(&p->body))
        return cit__start_parked(t, c);
    if (!cit_out_is_empty(&t->out)) {
        cit__conn_send(t, c); /* the answers before it do not wait for this body */
        if (c->state == CIT_CONN_IDLE)
            cit__conn_state(w, c, CIT_CONN_BODY, CIT_EARLY_MS);
    }
    if (c->state == CIT_CONN_BODY && c->parked == p && (t->req.head.flags & CIT_H1_EXPECT_CONTINUE) != 0 &&
        p->body.got == 0 && atomic_load(&w->team.nearly) < cit__most_early(w))
        return cit__start_early(t, c);
    return CIT_STEP_ON;
}

static enum cit_step consume_once(struct cit_thread *t, struct cit_conn *c, const char *p, size_t n)
{
    struct input in = { .p = p, .n = n };
    bool own = p == c->in.p;
    uint32_t gen = c->gen;
    enum cit_step step = requests(t, c, &in);

    if (c->gen != gen && step == CIT_STEP_ON)
        return step; /* closed on the way */
    leave_input(c, &in, own);
    if (step == CIT_STEP_LOST) {
        finish_out(t, c);
        return step;
    }
    if (c->state == CIT_CONN_BODY)
        return begin_parked(t, c);
    if (c->state == CIT_CONN_IDLE && (c->close || !cit_out_is_empty(&t->out)))
        cit__conn_flush(t, c);
    if (c->gen == gen)
        await_head(t->w, c);
    return step;
}

/* Input, and what a parked request left of it when that ended at once. */
static enum cit_step consume(struct cit_thread *t, struct cit_conn *c, const char *p, size_t n)
{
    uint32_t gen = c->gen;
    enum cit_step step = consume_once(t, c, p, n);

    while (step == CIT_STEP_ON && c->gen == gen && c->state == CIT_CONN_IDLE && !c->held && !c->close && c->in.len > 0)
        step = consume_once(t, c, c->in.p, c->in.len);
    return step;
}

static enum cit_step at_eof(struct cit_thread *t, struct cit_conn *c)
{
    c->eof = true;
    c->pending = 0;
    if (c->parked != NULL && !c->parked->discard)
        cit__refuse(t, c, 400, "the peer closed its side within a body");
    else if (c->state == CIT_CONN_HEAD)
        cit__refuse(t, c, 400, "the peer closed its side within a head");
    else
        cit__conn_end(t, c);
    return CIT_STEP_ON;
}

/* Receives once.  *full: there may be more. */
static int64_t receive(struct cit_thread *t, struct cit_conn *c, char **p, size_t *room)
{
    *p = t->rbuf;
    *room = CIT_RBUF;
    if (c->state == CIT_CONN_BODY) {
        size_t n;
        char *space = cit_body_space(&c->parked->body, &n);

        if (space != NULL) {
            *p = space;
            *room = n;
        }
    } else if (c->in.len > 0) {
        if (cit_buf_reserve(&c->in, CIT_RBUF / 4) != CIT_OK)
            return CIT_ENOMEM;
        *p = c->in.p + c->in.len;
        *room = c->in.cap - c->in.len;
    }
    return cit_sock_recv(c->fd, *p, *room);
}

static enum cit_step received_body(struct cit_thread *t, struct cit_conn *c, const char *p, size_t n)
{
    struct cit_body *b = &c->parked->body;
    uint32_t gen = c->gen;
    size_t used = n;
    enum cit_step step;
    int err = p == t->rbuf ? cit_body_feed(b, p, n, &used) : cit_body_filled(b, n);

    /* what follows the body is the next request's: kept before the loop may be lost */
    if (used < n && (err == CIT_OK || err == CIT_EAGAIN))
        keep_input(c, p + used, n - used);
    step = body_moved(t, c, err);
    if (step == CIT_STEP_ON && c->gen == gen && !c->held && c->state == CIT_CONN_IDLE && c->in.len > 0)
        return consume(t, c, c->in.p, c->in.len);
    return step;
}

static enum cit_step received(struct cit_thread *t, struct cit_conn *c, const char *p, size_t n)
{
    if (c->state == CIT_CONN_BODY)
        return received_body(t, c, p, n);
    if (p == t->rbuf)
        return consume(t, c, p, n);
    c->in.len += n;
    return consume(t, c, c->in.p, c->in.len);
}

static bool takes_input(const struct cit_conn *c)
{
    return !c->held && !c->close &&
           (c->state == CIT_CONN_IDLE || c->state == CIT_CONN_HEAD || c->state == CIT_CONN_BODY);
}

enum cit_step cit__input(struct cit_thread *t, struct cit_conn *c)
{
    uint32_t gen = c->gen;
    int reads = 0;

    if (c->in.len > 0 && c->state == CIT_CONN_IDLE && consume(t, c, c->in.p, c->in.len) == CIT_STEP_LOST)
        return CIT_STEP_LOST;
    while (c->gen == gen && takes_input(c) && (c->pending & (CIT_EV_READ | CIT_EV_HUP)) != 0) {
        char *p;
        size_t room;
        int64_t n;

        if (++reads > READS_MOST && cit__conn_again(t->w, c))
            return CIT_STEP_ON;
        n = receive(t, c, &p, &room);
        if (n == CIT_EAGAIN) {
            c->pending = 0;
            return CIT_STEP_ON;
        }
        if (n <= 0)
            return at_eof(t, c);
        if ((size_t)n < room)
            c->pending &= (uint8_t)~CIT_EV_READ;
        if (received(t, c, p, (size_t)n) == CIT_STEP_LOST)
            return CIT_STEP_LOST;
    }
    return CIT_STEP_ON;
}
