/* serve/house.c - what the leader looks after between requests: orders, limits of time,
 * queues that grow old, draining.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/worker_int.h"

enum {
    HOUSE_MS = 1000,
    HOUSE_BUSY_MS = 100, /* while something is waited for */
    GIVE_UP_MS = 5000    /* an interrupted request that goes on so long won't stop */
};

/* ---- listeners ---- */

void cit__listen_on(struct cit_worker *w)
{
    uint32_t mask = CIT_EV_READ | CIT_EV_LEVEL | (w->env.multiprocess ? (uint32_t)CIT_EV_EXCLUSIVE : 0);

    if (w->accepting)
        return;
    w->accepting = true;
    w->accept_paused = false;
    for (int i = 0; i < w->env.nlisten; i++)
        if (cit_loop_add(w->loop, w->listen_fd[i], mask, CIT_TAG_LISTENER + (uint32_t)i) != CIT_OK)
            cit_log_printf(w->env.log, CIT_LOG_ERROR, "a listening socket could not be watched");
}

void cit__listen_off(struct cit_worker *w)
{
    if (!w->accepting)
        return;
    w->accepting = false;
    for (int i = 0; i < w->env.nlisten; i++)
        cit_loop_del(w->loop, w->listen_fd[i]);
}

/* ---- orders ---- */

void cit__tell_super(struct cit_worker *w, char what)
{
    if (w->env.ctl_fd != -1)
        (void)!write(w->env.ctl_fd, &what, 1);
}

void cit__count_request(struct cit_worker *w)
{
    if ((int64_t)atomic_load_explicit(&w->env.slot->counters.requests, memory_order_relaxed) >= w->replace_at)
        atomic_fetch_or(&w->asked, CIT_ASK_REPLACE);
}

void cit__drain(struct cit_worker *w)
{
    if (w->draining)
        return;
    w->draining = true;
    atomic_store(&w->closing, 1);
    atomic_store(&w->env.slot->state, CIT_BOARD_DRAINING);
    cit__listen_off(w);
    w->last_accepts = true;
    w->drain_by_ms = w->conf->graceful_timeout_ms == 0 ? CIT_NEVER : w->now_ms + w->conf->graceful_timeout_ms;
    for (uint32_t i = 0; i < w->nslabs * CIT_SLAB; i++) {
        struct cit_conn *c = &w->slab[i / CIT_SLAB][i % CIT_SLAB];

        if (c->fd != -1 && c->state == CIT_CONN_IDLE && !c->held)
            cit__conn_state(w, c, CIT_CONN_IDLE, CIT_DRAIN_IDLE_MS);
    }
    cit_log_printf(w->env.log, CIT_LOG_INFO, "draining: %u connections open", w->nconns);
}

static void ask_replacement(struct cit_worker *w, const char *why)
{
    if (w->replace_said)
        return;
    w->replace_said = true;
    cit_log_printf(w->env.log, CIT_LOG_INFO, "asking to be replaced: %s", why);
    cit__tell_super(w, CIT_CTL_REPLACE);
    if (w->env.ctl_fd == -1)
        cit__drain(w);
}

static void obey(struct cit_worker *w)
{
    uint32_t asked = atomic_exchange(&w->asked, 0);

    if ((asked & CIT_ASK_QUIT) != 0)
        w->leaving = w->quitting = true;
    if ((asked & CIT_ASK_DRAIN) != 0)
        cit__drain(w);
    if ((asked & CIT_ASK_REOPEN) != 0)
        cit_log_reopen(w->env.log);
    if ((asked & CIT_ASK_REPLACE) != 0)
        ask_replacement(w, "max-requests reached");
}

void cit__house_ctl(struct cit_thread *t)
{
    struct cit_worker *w = t->w;
    char orders[16];
    ssize_t n = read(w->env.ctl_fd, orders, sizeof orders);

    if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
        cit_log_printf(w->env.log, CIT_LOG_WARNING, "the supervisor is gone: leaving");
        cit_loop_del(w->loop, w->env.ctl_fd);
        atomic_fetch_or(&w->asked, CIT_ASK_DRAIN);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (orders[i] == CIT_CTL_DRAIN)
            atomic_fetch_or(&w->asked, CIT_ASK_DRAIN);
        if (orders[i] == CIT_CTL_QUIT)
            atomic_fetch_or(&w->asked, CIT_ASK_QUIT);
        if (orders[i] == CIT_CTL_REOPEN)
            atomic_fetch_or(&w->asked, CIT_ASK_REOPEN);
    }
}

/* ---- requests over their time ---- */

/* The answer to a request that is still with the application.  The claim was ours to take,
 * so its thread sends nothing any more. */
static void answer_504(struct cit_thread *self, struct cit_thread *stuck)
{
    struct cit_buf *b = &self->line;
    int fd = stuck->req.c->fd;

    b->len = 0;
    if (cit__write_page(self->w, b, 504, false) == CIT_OK && cit_sock_send(fd, b->p, b->len) > 0)
        (void)shutdown(fd, SHUT_WR);
    b->len = 0;
}

static void over_time(struct cit_thread *self, struct cit_thread *stuck, const char *what, int64_t took_ms)
{
    struct cit_worker *w = self->w;
    uint8_t unclaimed = CIT_CLAIM_FREE;

    cit_count(&w->env.slot->counters.interrupted);
    cit_log_printf(w->env.log, CIT_LOG_ERROR, "%s: with the application for %lld ms, longer than timeout allows", what,
                   (long long)took_ms);
    cit__attach(self);
    w->ops->interrupt(w->app, stuck->ident, cit_slice_str(what));
    if (atomic_compare_exchange_strong(&stuck->req.claim, &unclaimed, CIT_CLAIM_TIMEOUT))
        answer_504(self, stuck);
}

static void look_at_times(struct cit_thread *t)
{
    struct cit_worker *w = t->w;
    struct cit_team *team = &w->team;
    char what[CIT_BOARD_TEXT + 1] = "";

    if (w->conf->timeout_ms == 0)
        return;
    pthread_mutex_lock(&team->mu); /* keeps them from coming out, and so their requests alive */
    for (int i = 0; i < team->nthreads; i++) {
        struct cit_thread *other = w->threads[i];
        int64_t since = other == NULL || other == t ? 0 : atomic_load(&other->app_since_ms);

        if (since == 0 || w->now_ms - since < w->conf->timeout_ms)
            continue;
        if (!other->interrupted) {
            other->interrupted = true;
            memcpy(what, other->now->text, other->now->text_n);
            pthread_mutex_unlock(&team->mu);
            over_time(t, other, what, w->now_ms - since);
            return; /* the others at the next look */
        }
        if (!other->given_up && w->now_ms - since >= w->conf->timeout_ms + GIVE_UP_MS) {
            other->given_up = true;
            pthread_mutex_unlock(&team->mu);
            ask_replacement(w, "a request can't be stopped");
            return;
        }
    }
    pthread_mutex_unlock(&team->mu);
}

/* ---- queues ---- */

static void shed_old(struct cit_thread *t, struct cit_queue *q)
{
    struct cit_worker *w = t->w;
    int64_t then = w->now_ms - w->conf->queue_timeout_ms;
    struct cit_conn *c;

    if (w->conf->queue_timeout_ms == 0)
        return;
    while ((c = cit__queue_take_old(w, q, then)) != NULL) {
        cit_count(&w->env.slot->counters.shed);
        c->state = CIT_CONN_IDLE;
        cit__refuse(t, c, 503, "no thread was free within queue-timeout");
    }
}

/* ---- the round ---- */

static bool is_drained(struct cit_worker *w)
{
    return w->draining && !w->last_accepts && w->nconns == 0 && atomic_load(&w->team.nout) == 0;
}

void cit__house(struct cit_thread *t)
{
    struct cit_worker *w = t->w;
    bool busy;

    atomic_store_explicit(&w->env.slot->beat_ns, w->now_ns, memory_order_relaxed);
    if (atomic_load(&w->asked) != 0)
        obey(w);
    if (w->accept_paused && w->now_ms >= w->accept_again_ms && !w->draining)
        cit__listen_on(w);
    shed_old(t, &w->team.wait_q);
    shed_old(t, &w->team.heavy_q);
    shed_old(t, &w->team.quick_q);
    look_at_times(t);
    if (is_drained(w))
        w->leaving = true;
    if (w->draining && w->now_ms >= w->drain_by_ms)
        w->leaving = w->quitting = true;
    busy = w->draining || w->accept_paused || atomic_load(&w->team.nout) > 0;
    w->house_ms = w->now_ms + (busy ? HOUSE_BUSY_MS : HOUSE_MS);
}
