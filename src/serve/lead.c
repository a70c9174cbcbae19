/* serve/lead.c - one turn of the loop after another, by the thread that leads.
 *
 *      events -> connections given back -> requests kept for a deputy -> timers -> wait
 *
 * Events once fetched belong to the worker: whoever takes the loop goes on with the next
 * one.  The leader looks for events without letting go of the application (of the GIL)
 * first; only a wait that may sleep is done detached.
 */
#include <string.h>

#include "base/clock.h"
#include "serve/worker_int.h"

enum { WAIT_MOST_MS = 1000 }; /* the board's beat is never older while all is well */

void cit__clock(struct cit_worker *w)
{
    int64_t wall_s;
    uint32_t i;

    w->now_ns = cit_clock_now_ns();
    if (w->now_ns / CIT_MS_NS == w->now_ms)
        return;
    w->now_ms = w->now_ns / CIT_MS_NS;
    wall_s = cit_clock_wall_ns() / CIT_SEC_NS;
    if (wall_s == w->date_s)
        return;
    i = (atomic_load(&w->date_i) + 1) % 4; /* readers of the old line have three seconds */
    cit_http_date(wall_s, w->date[i]);
    w->date_s = wall_s;
    atomic_store(&w->date_i, i);
}

const char *cit__date(const struct cit_worker *w)
{
    return w->date[atomic_load_explicit(&w->date_i, memory_order_acquire)];
}

/* Input came for a connection while its answer was held: its turn is the next. */
static void turn_next(struct cit_worker *w, struct cit_conn *c)
{
    c->state = CIT_CONN_APP; /* nobody touches it before */
    c->next = w->returned;
    w->returned = c;
}

void cit__flush_held(struct cit_thread *t)
{
    struct cit_worker *w = t->w;

    while (w->held != NULL) {
        struct cit_conn *c = w->held;
        uint32_t gen = c->gen;

        w->held = c->next;
        if (w->held == NULL)
            w->held_tail = &w->held;
        c->next = NULL;
        c->held = false;
        cit__conn_flush(t, c);
        if (c->gen == gen && c->state == CIT_CONN_IDLE && (c->pending != 0 || c->in.len > 0))
            turn_next(w, c);
    }
}

static enum cit_step take_event(struct cit_thread *t, const struct cit_event *e)
{
    struct cit_worker *w = t->w;
    uint32_t index = (uint32_t)(e->tag & UINT32_MAX);
    struct cit_conn *c;

    if (e->tag == CIT_LOOP_WAKE)
        return CIT_STEP_ON;
    if (index == CIT_TAG_CTL) {
        cit__house_ctl(t);
        return CIT_STEP_ON;
    }
    if (index >= CIT_TAG_LISTENER)
        return cit__conn_accept(t, index - CIT_TAG_LISTENER);
    c = cit__conn_at(w, index, (uint32_t)(e->tag >> 32));
    return c == NULL ? CIT_STEP_ON : cit__conn_event(t, c, e->mask);
}

static enum cit_step take_events(struct cit_thread *t)
{
    struct cit_worker *w = t->w;

    while (w->ev_i < w->ev_n) {
        struct cit_event e = w->ev[w->ev_i++];

        if (take_event(t, &e) == CIT_STEP_LOST)
            return CIT_STEP_LOST;
    }
    return CIT_STEP_ON;
}

/* What is left of the list when the loop is lost is the next leader's. */
static enum cit_step take_done(struct cit_thread *t)
{
    struct cit_worker *w = t->w;

    if (w->returned == NULL)
        w->returned = cit__team_take_done(w);
    while (w->returned != NULL) {
        struct cit_conn *c = w->returned;

        w->returned = c->next;
        c->next = NULL;
        if (cit__conn_resume(t, c) == CIT_STEP_LOST)
            return CIT_STEP_LOST;
    }
    return CIT_STEP_ON;
}

/* Connections that could have gone on in the last turn. */
static enum cit_step take_again(struct cit_thread *t)
{
    struct cit_worker *w = t->w;

    for (uint32_t n = w->nagain; n > 0; n--) {
        uint64_t tag = w->again[0];
        struct cit_conn *c = cit__conn_at(w, (uint32_t)(tag & UINT32_MAX), (uint32_t)(tag >> 32));

        memmove(w->again, w->again + 1, --w->nagain * sizeof *w->again);
        if (c != NULL && cit__conn_event(t, c, c->state == CIT_CONN_SEND ? CIT_EV_WRITE : CIT_EV_READ) == CIT_STEP_LOST)
            return CIT_STEP_LOST;
    }
    return CIT_STEP_ON;
}

/* Requests that came while there was no deputy. */
static enum cit_step take_queue(struct cit_thread *t)
{
    struct cit_worker *w = t->w;
    struct cit_conn *c;

    while (w->team.quick_q.first != NULL && cit__team_can_run(w) && (c = cit__queue_take(w, &w->team.quick_q)) != NULL)
        if (cit__conn_dequeued(t, c) == CIT_STEP_LOST)
            return CIT_STEP_LOST;
    if (atomic_load_explicit(&w->team.nwaiting, memory_order_relaxed) > 0)
        cit__team_pump(t);
    return CIT_STEP_ON;
}

static enum cit_step take_timers(struct cit_thread *t)
{
    struct cit_worker *w = t->w;
    struct cit_timer *timer;

    while ((timer = cit_wheel_expire(&w->wheel, w->now_ms)) != NULL) {
        struct cit_conn *c = CIT_CONTAINER(timer, struct cit_conn, timer);

        if (cit__conn_expired(t, c) == CIT_STEP_LOST)
            return CIT_STEP_LOST;
    }
    return CIT_STEP_ON;
}

static int64_t wait_ns(const struct cit_worker *w)
{
    int64_t ms = cit_wheel_next_ms(&w->wheel, w->now_ms);

    if (ms == -1 || ms > WAIT_MOST_MS)
        ms = WAIT_MOST_MS;
    if (w->house_ms - w->now_ms < ms)
        ms = w->house_ms - w->now_ms;
    return ms < 0 ? 0 : ms * CIT_MS_NS;
}

static int fetch(struct cit_worker *w, int64_t timeout_ns)
{
    w->ev_i = 0;
    w->ev_n = cit_loop_wait(w->loop, w->ev, CIT_EVENTS, timeout_ns);
    if (w->ev_n < 0)
        cit__worker_broken(w, "the event loop can't be waited on: did the application close descriptors?");
    return w->ev_n;
}

static bool has_work(const struct cit_worker *w)
{
    return w->returned != NULL || w->nagain > 0 || atomic_load(&w->team.has_done) || atomic_load(&w->asked);
}

static void wait_events(struct cit_thread *t)
{
    struct cit_worker *w = t->w;
    struct cit_team *team = &w->team;
    bool heavy = atomic_load_explicit(&team->nheavy, memory_order_relaxed) > 0;

    if (t->attached && !heavy && w->returned == NULL && w->nagain == 0 && fetch(w, 0) > 0)
        return;
    cit__flush_held(t);
    cit__detach(t);
    atomic_store(&team->sleeping, 1);
    fetch(w, has_work(w) ? 0 : wait_ns(w));
    atomic_store(&team->sleeping, 0);
}

/* Answers held back leave when they have waited long enough. */
static void release_held(struct cit_thread *t)
{
    struct cit_worker *w = t->w;

    if (w->held != NULL && w->now_ns - w->held_since_ns >= w->conf->gather_us * 1000)
        cit__flush_held(t);
}

/* Before a drained worker closes its listeners: what is queued on them. */
static enum cit_step take_last_accepts(struct cit_thread *t)
{
    struct cit_worker *w = t->w;

    if (!w->last_accepts)
        return CIT_STEP_ON;
    for (int i = 0; i < w->env.nlisten; i++)
        if (cit__conn_accept(t, (uint32_t)i) == CIT_STEP_LOST)
            return CIT_STEP_LOST; /* who leads now begins again */
    w->last_accepts = false;
    return CIT_STEP_ON;
}

static enum cit_step turn(struct cit_thread *t)
{
    struct cit_worker *w = t->w;

    if (take_last_accepts(t) == CIT_STEP_LOST)
        return CIT_STEP_LOST;
    if (take_events(t) == CIT_STEP_LOST || take_done(t) == CIT_STEP_LOST || take_queue(t) == CIT_STEP_LOST)
        return CIT_STEP_LOST;
    if (take_again(t) == CIT_STEP_LOST || take_timers(t) == CIT_STEP_LOST)
        return CIT_STEP_LOST;
    release_held(t);
    if (w->now_ms >= w->house_ms || atomic_load_explicit(&w->asked, memory_order_relaxed) != 0)
        cit__house(t);
    if (!w->leaving) {
        wait_events(t);
        cit__clock(w);
    }
    return CIT_STEP_ON;
}

enum cit_role cit__lead(struct cit_thread *t)
{
    struct cit_worker *w = t->w;

    cit__clock(w);
    cit__flush_held(t);
    while (!w->leaving)
        if (turn(t) == CIT_STEP_LOST)
            return CIT_ROLE_BENCH;
    cit__worker_leaving(w);
    cit__team_stop(w);
    t->role = CIT_ROLE_LEAVE;
    return CIT_ROLE_LEAVE;
}
