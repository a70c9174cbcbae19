/* serve/team.c - the threads of a worker and how the loop passes between them.
 *
 *      LEADER ──outlived by a tick──> out with the application ──> BENCH or DEPUTY
 *        ^                                                            │
 *        └── DEPUTY <─────────────────────────────────────────────────┘
 *      BENCH ──a request of a slow lane──> JOB ──> DEPUTY, the next JOB, or BENCH
 *
 * One thread, the leader, owns the loop and runs quick applications on the spot.  The
 * deputy looks once a tick whether the leader is still in the same call, and takes the
 * loop if so.  Invariants:
 *  1. team.leader owns everything of the worker that team.mu does not guard.
 *  2. The leader enters an application only while there is a deputy.
 *  3. word is moved from "in call n" by exactly one of: the leader coming back, the
 *     deputy taking over, the leader yielding.  Who moves it owns the loop's fate.
 *  4. At most threads + 2 threads; at most threads of them out, and one more by surprise.
 * See docs/internals/worker.md.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "serve/worker_int.h"

enum {
    IDLE_TICKS = 20, /* the deputy goes on ticking so long after the loop fell idle */
    LEAVE_WAIT_MS = 2000
};

/* ---- attaching ---- */

void cit__attach(struct cit_thread *t)
{
    if (t->attached)
        return;
    t->w->ops->attach(t->w->app);
    t->attached = true;
    if (t->ndrops > 0)
        cit__drop_all(t);
}

void cit__detach(struct cit_thread *t)
{
    if (!t->attached)
        return;
    t->attached = false;
    t->w->ops->detach(t->w->app);
}

/* ---- queues (team.mu) ---- */

static void queue_push(struct cit_queue *q, struct cit_conn *c)
{
    c->next = NULL;
    if (q->last == NULL)
        q->first = c;
    else
        q->last->next = c;
    q->last = c;
    q->count++;
}

static struct cit_conn *queue_pop(struct cit_queue *q)
{
    struct cit_conn *c = q->first;

    if (c == NULL)
        return NULL;
    q->first = c->next;
    if (q->first == NULL)
        q->last = NULL;
    q->count--;
    c->next = NULL;
    return c;
}

/* Tells the leader, who looks without the lock. */
static void count_waiting(struct cit_team *team)
{
    atomic_store_explicit(&team->nwaiting, team->wait_q.count + team->heavy_q.count, memory_order_relaxed);
}

struct cit_conn *cit__queue_take(struct cit_worker *w, struct cit_queue *q)
{
    struct cit_conn *c;

    pthread_mutex_lock(&w->team.mu);
    c = queue_pop(q);
    pthread_mutex_unlock(&w->team.mu);
    return c;
}

struct cit_conn *cit__queue_take_old(struct cit_worker *w, struct cit_queue *q, int64_t then_ms)
{
    struct cit_conn *c = NULL;

    pthread_mutex_lock(&w->team.mu);
    if (q->first != NULL && q->first->parked->queued_ms <= then_ms)
        c = queue_pop(q);
    count_waiting(&w->team);
    pthread_mutex_unlock(&w->team.mu);
    return c;
}

/* ---- threads (team.mu) ---- */

static void thread_free(struct cit_thread *t)
{
    if (t == NULL)
        return;
    if (t->began)
        pthread_cond_destroy(&t->cond);
    cit_out_fini(&t->out, cit__drop, t);
    cit_buf_fini(&t->head_copy);
    cit_buf_fini(&t->line);
    cit_free(t->req.head.fields);
    cit_free(t->rbuf);
    cit_free(t);
}

static int cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    int err;

    if (pthread_condattr_init(&attr) != 0)
        return CIT_ENOMEM;
    err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (err == 0)
        err = pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
    return err == 0 ? CIT_OK : CIT_ENOMEM;
}

static struct cit_thread *thread_new(struct cit_worker *w, int id)
{
    struct cit_thread *t = cit_calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    t->w = w;
    t->id = id;
    cit_out_init(&t->out);
    cit_buf_init(&t->head_copy, (size_t)1 << 20);
    cit_buf_init(&t->line, CIT_LOG_LINE_MAX);
    t->req.t = t;
    t->req.head.cap = (uint32_t)w->conf->limit_request_fields;
    t->req.head.fields = cit_calloc(t->req.head.cap, sizeof *t->req.head.fields);
    t->rbuf = cit_malloc(CIT_RBUF);
    if (t->req.head.fields == NULL || t->rbuf == NULL || cond_init(&t->cond) != CIT_OK) {
        thread_free(t);
        return NULL;
    }
    t->began = true;
    t->now = id < CIT_BOARD_NOW ? &w->env.slot->now[id] : &t->own_now;
    return t;
}

static void set_role(struct cit_thread *t, enum cit_role role)
{
    t->role = role;
    pthread_cond_signal(&t->cond);
}

static void make_deputy(struct cit_team *team, struct cit_thread *t)
{
    team->deputy = t;
    atomic_store(&team->has_deputy, t != NULL);
    if (t != NULL)
        set_role(t, CIT_ROLE_DEPUTY);
}

static struct cit_thread *bench_pop(struct cit_team *team)
{
    struct cit_thread *t = team->bench;

    if (t != NULL)
        team->bench = t->next;
    return t;
}

static int most_threads(const struct cit_worker *w)
{
    return (int)w->conf->threads + 2;
}

static void count_out(struct cit_team *team, struct cit_thread *t, int by)
{
    atomic_store(&team->nout, atomic_load(&team->nout) + (uint32_t)by);
    if (t->lane == CIT_LANE_HEAVY)
        atomic_store(&team->nheavy, atomic_load(&team->nheavy) + (uint32_t)by);
}

/* ---- the roles ---- */

static void run_roles(struct cit_thread *t);

static void thread_main(void *arg)
{
    struct cit_thread *t = arg;
    struct cit_worker *w = t->w;

    t->pthread = pthread_self();
    t->kernel_id = cit_thread_id();
    t->attached = true;
    t->ident = w->ops->ident(w->app);
    cit__detach(t);
    pthread_mutex_lock(&w->team.mu);
    w->team.nstarting--;
    pthread_mutex_unlock(&w->team.mu);
    run_roles(t);
    cit__attach(t);
    pthread_mutex_lock(&w->team.mu);
    w->team.nthreads--;
    pthread_cond_broadcast(&w->threads[0]->cond);
    pthread_mutex_unlock(&w->team.mu);
}

/* Reserves the next thread; NULL when there are enough, or no memory.  team.mu held. */
static struct cit_thread *reserve(struct cit_worker *w)
{
    struct cit_team *team = &w->team;
    struct cit_thread *t;

    if (team->nthreads >= most_threads(w) || team->stop)
        return NULL;
    t = thread_new(w, team->nthreads);
    if (t == NULL)
        return NULL;
    w->threads[team->nthreads++] = t;
    team->nstarting++;
    return t;
}

/* Starts a reserved thread, on a thread that may attach.  On failure it is unreserved. */
static int start(struct cit_thread *self, struct cit_thread *t)
{
    struct cit_worker *w = self->w;
    char name[32];
    int err;

    snprintf(name, sizeof name, "citrate-%d", t->id);
    cit__attach(self);
    err = w->ops->spawn(w->app, name, thread_main, t);
    if (err == CIT_OK) {
        cit_count(&w->env.slot->counters.threads);
        return CIT_OK;
    }
    cit_log_printf(w->env.log, CIT_LOG_ERROR, "thread %d could not be started: %s", t->id, cit_err_text(err));
    pthread_mutex_lock(&w->team.mu);
    w->team.nstarting--;
    w->threads[--w->team.nthreads] = NULL;
    pthread_mutex_unlock(&w->team.mu);
    thread_free(t);
    return err;
}

/* Sees that there is a deputy if one can be had.  The leader, without team.mu. */
static void ensure_deputy(struct cit_thread *self)
{
    struct cit_team *team = &self->w->team;
    struct cit_thread *t = NULL;

    if (atomic_load_explicit(&team->has_deputy, memory_order_relaxed))
        return;
    pthread_mutex_lock(&team->mu);
    if (team->deputy == NULL && team->bench != NULL) {
        make_deputy(team, bench_pop(team));
    } else if (team->deputy == NULL) {
        t = reserve(self->w);
        if (t != NULL)
            make_deputy(team, t);
    }
    pthread_mutex_unlock(&team->mu);
    if (t != NULL && start(self, t) != CIT_OK) {
        pthread_mutex_lock(&team->mu);
        make_deputy(team, NULL);
        pthread_mutex_unlock(&team->mu);
    }
}

static bool heavy_has_room(const struct cit_worker *w, const struct cit_conn *c)
{
    const struct cit_team *team = &w->team;

    return (int)atomic_load(&team->nheavy) < cit_lane_width(&team->lanes, c->parked->kind, (int)w->conf->threads);
}

static bool has_room(const struct cit_worker *w)
{
    return atomic_load(&w->team.nout) < (uint32_t)w->conf->threads;
}

/* The next queued request a free thread may run.  team.mu held. */
static struct cit_conn *next_job(struct cit_worker *w)
{
    struct cit_team *team = &w->team;
    struct cit_conn *c;

    if (!has_room(w))
        return NULL;
    if (team->heavy_q.first != NULL && heavy_has_room(w, team->heavy_q.first))
        c = queue_pop(&team->heavy_q);
    else
        c = queue_pop(&team->wait_q);
    count_waiting(team);
    return c;
}

static uint32_t contenders(struct cit_team *team, const struct cit_thread *t)
{
    return atomic_load(t->lane == CIT_LANE_HEAVY ? &team->nheavy : &team->nout);
}

static void give_job(struct cit_team *team, struct cit_thread *t, struct cit_conn *c)
{
    t->job = c;
    t->lane = (enum cit_lane)c->parked->lane;
    c->state = CIT_CONN_APP;
    count_out(team, t, 1);
    t->alone = atomic_load(&team->nout) <= 1;
    t->contenders = contenders(team, t);
    set_role(t, CIT_ROLE_JOB);
}

/* A thread came out of the application and does not lead: what it does next. */
static enum cit_role came_out(struct cit_thread *t)
{
    struct cit_worker *w = t->w;
    struct cit_team *team = &w->team;
    struct cit_conn *c;
    bool wake = false;

    pthread_mutex_lock(&team->mu);
    count_out(team, t, -1);
    atomic_store(&t->app_since_ms, 0);
    t->interrupted = t->given_up = false;
    t->lane = CIT_LANE_QUICK;
    if (team->stop) {
        t->role = CIT_ROLE_LEAVE;
    } else if (team->deputy == NULL) {
        make_deputy(team, t);
        wake = team->quick_q.first != NULL || team->wait_q.first != NULL || team->heavy_q.first != NULL;
    } else if ((c = next_job(w)) != NULL) {
        give_job(team, t, c);
    } else {
        t->role = CIT_ROLE_BENCH;
        t->next = team->bench;
        team->bench = t;
    }
    pthread_mutex_unlock(&team->mu);
    if (wake)
        cit_loop_wake(w->loop);
    return t->role;
}

static void push_done(struct cit_worker *w, struct cit_conn *c)
{
    struct cit_team *team = &w->team;

    pthread_mutex_lock(&team->mu);
    c->next = team->done;
    team->done = c;
    atomic_store(&team->has_done, 1);
    pthread_mutex_unlock(&team->mu);
    if (atomic_load(&team->sleeping))
        cit_loop_wake(w->loop);
}

struct cit_conn *cit__team_take_done(struct cit_worker *w)
{
    struct cit_conn *c;

    if (!atomic_load(&w->team.has_done))
        return NULL;
    pthread_mutex_lock(&w->team.mu);
    c = w->team.done;
    w->team.done = NULL;
    atomic_store(&w->team.has_done, 0);
    pthread_mutex_unlock(&w->team.mu);
    return c;
}

/* ---- jobs ---- */

static void tell_heavy(struct cit_thread *t)
{
    struct cit_team *team = &t->w->team;
    bool on, changed;

    pthread_mutex_lock(&team->mu);
    on = atomic_load(&team->nheavy) > 0;
    changed = on != team->heavy_told;
    team->heavy_told = on;
    pthread_mutex_unlock(&team->mu);
    if (changed) {
        cit__attach(t);
        t->w->ops->heavy(t->w->app, on);
    }
}

/* Time gone by, on the CPU, and ready without one. */
struct spent {
    int64_t wall_ns, cpu_ns, delay_ns;
};

static struct spent spent(void)
{
    return (struct spent){ cit_clock_now_ns(), cit_clock_cpu_ns(), cit_thread_delay_ns() };
}

static void learn(struct cit_thread *t, uint32_t kind, const struct spent *began)
{
    struct cit_team *team = &t->w->team;
    struct spent now = spent();
    struct cit_lane_end end = { .cpu_ns = began->cpu_ns == -1 ? -1 : now.cpu_ns - began->cpu_ns };

    end.wall_ns = now.wall_ns - began->wall_ns - (now.delay_ns - began->delay_ns);
    if (end.wall_ns <= end.cpu_ns)
        end.wall_ns = end.cpu_ns + 1; /* three clocks, read one after the other */
    pthread_mutex_lock(&team->mu);
    end.alone = t->alone && atomic_load(&team->nout) <= 1;
    end.contenders = contenders(team, t);
    if (end.contenders < t->contenders)
        end.contenders = t->contenders;
    if (cit_lane_ended(&team->lanes, kind, &end, t->w->conf->tick_us * 1000))
        cit_count(&t->w->env.slot->counters.mispredicted);
    pthread_mutex_unlock(&team->mu);
}

static enum cit_role run_job(struct cit_thread *t)
{
    struct cit_conn *c = t->job;
    uint32_t kind = c->parked->kind;
    bool early = c->parked->early;
    struct spent began;

    t->job = NULL;
    if (t->lane == CIT_LANE_HEAVY)
        tell_heavy(t);
    cit__attach(t);
    began = spent();
    cit__run_parked(t, c);
    if (!early)
        learn(t, kind, &began);
    push_done(t->w, c);
    came_out(t);
    if (t->w->team.heavy_told && atomic_load(&t->w->team.nheavy) == 0)
        tell_heavy(t);
    cit__detach(t);
    return t->role;
}

/* ---- the deputy ---- */

static void after_ns(struct timespec *at, int64_t ns)
{
    clock_gettime(CLOCK_MONOTONIC, at);
    at->tv_nsec += ns % CIT_SEC_NS;
    at->tv_sec += ns / CIT_SEC_NS;
    if (at->tv_nsec >= CIT_SEC_NS) {
        at->tv_nsec -= CIT_SEC_NS;
        at->tv_sec++;
    }
}

/* The loop's new owner is t.  team.mu held, and the word moved by the caller. */
static void succeed(struct cit_team *team, struct cit_thread *t)
{
    struct cit_thread *old = team->leader;

    old->lane = CIT_LANE_QUICK;
    atomic_store(&old->app_since_ms, cit_clock_now_ns() / CIT_MS_NS);
    count_out(team, old, 1);
    team->leader = t;
    make_deputy(team, bench_pop(team));
    set_role(t, CIT_ROLE_LEADER);
}

static void take_over(struct cit_thread *t, int64_t cpu_ns, int64_t wall_ns)
{
    struct cit_worker *w = t->w;
    struct cit_thread *old = w->team.leader;
    uint32_t kind = cit_lane_kind(old->req.head.method, old->req.head.path);
    double share = cpu_ns < 0 || wall_ns <= 0 ? 0 : (double)cpu_ns / (double)wall_ns;

    cit_lane_surprise(&w->team.lanes, kind, share);
    cit_count(&w->env.slot->counters.handovers);
    cit_count(&w->env.slot->counters.mispredicted);
    cit_log_printf(w->env.log, CIT_LOG_DEBUG, "lanes: %.*s %.*s outlived a tick (%d %% CPU), now %s; thread %d leads",
                   CIT_SLICE_ARG(old->req.head.method), CIT_SLICE_ARG(old->req.head.path), (int)(share * 100),
                   cit_lane_name(cit_lane_of(&w->team.lanes, kind)), t->id);
    succeed(&w->team, t);
}

/* What the last look at the leader saw. */
struct watch {
    uint64_t word;
    int64_t cpu_ns, at_ns;
    int idle; /* looks in a row at a loop that sleeps */
};

/* A leader that wants the CPU and does not get it says nothing about its request, and would
 * hold the application's lock anyway. */
static bool is_preempted(const struct cit_thread *leader, int64_t cpu_ns, int64_t wall_ns)
{
    return cpu_ns < wall_ns / 2 && cit_thread_is_runnable(leader->kernel_id);
}

/* One look at the leader: returns true when t has taken the loop.  team.mu held. */
static bool look(struct cit_thread *t, struct watch *seen)
{
    struct cit_team *team = &t->w->team;
    uint64_t word = atomic_load(&team->word);
    int64_t cpu, now;

    if ((word & 1) == 0) {
        seen->idle = atomic_load(&team->sleeping) ? seen->idle + 1 : 0;
        seen->word = 0;
        return false;
    }
    seen->idle = 0;
    cpu = cit_clock_cpu_of_ns(team->leader->pthread);
    now = cit_clock_now_ns();
    if (word != seen->word || is_preempted(team->leader, cpu - seen->cpu_ns, now - seen->at_ns)) {
        *seen = (struct watch){ .word = word, .cpu_ns = cpu, .at_ns = now };
        return false;
    }
    if (cpu - seen->cpu_ns >= (now - seen->at_ns) / 2 &&
        now - seen->at_ns < CIT_LANE_BURN_TICKS * t->w->conf->tick_us * 1000)
        return false; /* it burns CPU: see lane.h */
    if (!atomic_compare_exchange_strong(&team->word, &word, ((word >> 1) + 1) << 1))
        return false;
    take_over(t, cpu == -1 || seen->cpu_ns == -1 ? -1 : cpu - seen->cpu_ns, now - seen->at_ns);
    return true;
}

static void sleep_deep(struct cit_thread *t)
{
    struct cit_team *team = &t->w->team;

    atomic_store(&team->deputy_asleep, 1);
    if ((atomic_load(&team->word) & 1) == 0)
        pthread_cond_wait(&t->cond, &team->mu);
    atomic_store(&team->deputy_asleep, 0);
}

static enum cit_role watch(struct cit_thread *t)
{
    struct cit_team *team = &t->w->team;
    struct watch seen = { 0 };

    pthread_mutex_lock(&team->mu);
    while (t->role == CIT_ROLE_DEPUTY) {
        struct timespec at;

        if (seen.idle >= IDLE_TICKS) {
            sleep_deep(t);
            seen.idle = 0;
        }
        after_ns(&at, t->w->conf->tick_us * 1000);
        if (t->role == CIT_ROLE_DEPUTY)
            pthread_cond_timedwait(&t->cond, &team->mu, &at);
        if (t->role == CIT_ROLE_DEPUTY && look(t, &seen))
            break;
    }
    pthread_mutex_unlock(&team->mu);
    return t->role;
}

static enum cit_role sit(struct cit_thread *t)
{
    struct cit_team *team = &t->w->team;

    cit__detach(t);
    pthread_mutex_lock(&team->mu);
    while (t->role == CIT_ROLE_BENCH)
        pthread_cond_wait(&t->cond, &team->mu);
    pthread_mutex_unlock(&team->mu);
    return t->role;
}

static void run_roles(struct cit_thread *t)
{
    for (;;) {
        switch (t->role) {
        case CIT_ROLE_LEADER:
            ensure_deputy(t);
            if (cit__lead(t) == CIT_ROLE_BENCH) {
                push_done(t->w, t->req.c);
                came_out(t);
                cit__detach(t);
            }
            break;
        case CIT_ROLE_DEPUTY:
            cit__detach(t);
            watch(t);
            break;
        case CIT_ROLE_BENCH:
            sit(t);
            break;
        case CIT_ROLE_JOB:
            run_job(t);
            break;
        case CIT_ROLE_LEAVE:
            return;
        }
    }
}

/* ---- the leader and the application ---- */

void cit__team_enter(struct cit_thread *t)
{
    struct cit_team *team = &t->w->team;
    uint64_t word = atomic_load_explicit(&team->word, memory_order_relaxed);

    cit__attach(t);
    t->seq = (((word >> 1) + 1) << 1) | 1;
    atomic_store(&team->word, t->seq);
    if (atomic_load(&team->deputy_asleep)) {
        pthread_mutex_lock(&team->mu);
        if (team->deputy != NULL)
            pthread_cond_signal(&team->deputy->cond);
        pthread_mutex_unlock(&team->mu);
    }
}

bool cit__team_leave(struct cit_thread *t)
{
    struct cit_team *team = &t->w->team;
    uint64_t mine = t->seq;

    t->seq = 0;
    if (mine != 0 && atomic_compare_exchange_strong(&team->word, &mine, mine & ~(uint64_t)1))
        return true;
    /* who took the loop may still be reading this thread's request: wait until it is done */
    pthread_mutex_lock(&team->mu);
    pthread_mutex_unlock(&team->mu);
    return false;
}

void cit__team_yield(struct cit_thread *t)
{
    struct cit_team *team = &t->w->team;
    uint64_t mine = t->seq;

    if (mine == 0 || atomic_load(&team->word) != mine)
        return;
    pthread_mutex_lock(&team->mu);
    if (team->deputy != NULL && atomic_compare_exchange_strong(&team->word, &mine, ((mine >> 1) + 1) << 1)) {
        t->seq = 0;
        succeed(team, team->deputy);
        cit_count(&t->w->env.slot->counters.yields);
    }
    pthread_mutex_unlock(&team->mu);
}

bool cit__team_can_run(const struct cit_worker *w)
{
    return atomic_load_explicit(&w->team.has_deputy, memory_order_relaxed);
}

/* ---- slow lanes ---- */

static int enqueue(struct cit_worker *w, struct cit_conn *c, struct cit_queue *q)
{
    struct cit_team *team = &w->team;

    if (team->wait_q.count + team->heavy_q.count + team->quick_q.count >= (uint64_t)w->conf->queue_size)
        return CIT_ELIMIT;
    c->state = CIT_CONN_QUEUED;
    c->parked->queued_ms = w->now_ms;
    queue_push(q, c);
    count_waiting(team);
    cit_count(&w->env.slot->counters.queued);
    return CIT_OK;
}

/* Finds a thread for c, or a place in its queue.  *fresh: a thread to start with it. */
static int place(struct cit_worker *w, struct cit_conn *c, enum cit_lane lane, struct cit_thread **fresh)
{
    struct cit_team *team = &w->team;
    struct cit_queue *q = lane == CIT_LANE_HEAVY     ? &team->heavy_q
                          : lane == CIT_LANE_WAITING ? &team->wait_q
                                                     : &team->quick_q;
    struct cit_thread *t;

    if (lane == CIT_LANE_QUICK || !has_room(w) || (lane == CIT_LANE_HEAVY && !heavy_has_room(w, c)))
        return enqueue(w, c, q);
    t = bench_pop(team);
    if (t == NULL)
        t = *fresh = reserve(w);
    if (t == NULL)
        return enqueue(w, c, q);
    give_job(team, t, c);
    return CIT_OK;
}

/* A fresh thread could not be started: its request goes to the queue after all. */
static int put_back(struct cit_worker *w, struct cit_conn *c, enum cit_lane lane)
{
    struct cit_team *team = &w->team;
    struct cit_thread stand_in = { .lane = lane };
    int err;

    pthread_mutex_lock(&team->mu);
    count_out(team, &stand_in, -1);
    err = enqueue(w, c, lane == CIT_LANE_HEAVY ? &team->heavy_q : &team->wait_q);
    pthread_mutex_unlock(&team->mu);
    return err;
}

int cit__team_dispatch(struct cit_thread *self, struct cit_conn *c, enum cit_lane lane)
{
    struct cit_worker *w = self->w;
    struct cit_thread *fresh = NULL;
    int err;

    c->parked->lane = (uint8_t)lane;
    pthread_mutex_lock(&w->team.mu);
    err = place(w, c, lane, &fresh);
    pthread_mutex_unlock(&w->team.mu);
    if (fresh != NULL && start(self, fresh) != CIT_OK)
        err = put_back(w, c, lane);
    if (err == CIT_OK && lane == CIT_LANE_HEAVY)
        cit_count(&w->env.slot->counters.heavy);
    if (err == CIT_OK && lane == CIT_LANE_WAITING)
        cit_count(&w->env.slot->counters.waiting);
    if (lane == CIT_LANE_QUICK)
        ensure_deputy(self);
    return err;
}

void cit__team_pump(struct cit_thread *self)
{
    struct cit_worker *w = self->w;
    struct cit_team *team = &w->team;
    struct cit_thread *t = NULL, *fresh = NULL;
    struct cit_conn *c;

    pthread_mutex_lock(&team->mu);
    if (team->bench != NULL || team->nthreads < most_threads(w)) {
        c = next_job(w);
        if (c != NULL && (t = bench_pop(team)) == NULL)
            t = fresh = reserve(w);
        if (t != NULL)
            give_job(team, t, c);
        else if (c != NULL)
            queue_push(c->parked->lane == CIT_LANE_HEAVY ? &team->heavy_q : &team->wait_q, c);
        count_waiting(team);
    }
    pthread_mutex_unlock(&team->mu);
    if (fresh != NULL) {
        c = fresh->job;
        if (start(self, fresh) != CIT_OK && put_back(w, c, (enum cit_lane)c->parked->lane) != CIT_OK)
            cit__refuse(self, c, 503, "no thread could be started");
    }
}

/* ---- beginning and end ---- */

int cit__team_init(struct cit_worker *w)
{
    struct cit_team *team = &w->team;

    if (pthread_mutex_init(&team->mu, NULL) != 0)
        return CIT_ENOMEM;
    w->threads = cit_calloc((size_t)most_threads(w), sizeof *w->threads);
    if (w->threads == NULL)
        return CIT_ENOMEM;
    w->threads[0] = thread_new(w, 0);
    if (w->threads[0] == NULL)
        return CIT_ENOMEM;
    team->nthreads = 1;
    return CIT_OK;
}

void cit__team_fini(struct cit_worker *w)
{
    for (int i = 0; w->threads != NULL && i < most_threads(w); i++)
        thread_free(w->threads[i]);
    cit_free(w->threads);
    pthread_mutex_destroy(&w->team.mu);
}

void cit__team_stop(struct cit_worker *w)
{
    struct cit_team *team = &w->team;

    pthread_mutex_lock(&team->mu);
    team->stop = true;
    for (struct cit_thread *t = bench_pop(team); t != NULL; t = bench_pop(team))
        set_role(t, CIT_ROLE_LEAVE);
    if (team->deputy != NULL)
        set_role(team->deputy, CIT_ROLE_LEAVE);
    team->deputy = NULL;
    pthread_mutex_unlock(&team->mu);
}

/* Waits, bounded, for the other threads to leave. */
static bool others_left(struct cit_worker *w)
{
    struct cit_team *team = &w->team;
    struct timespec at;
    int err = 0;
    bool left;

    after_ns(&at, LEAVE_WAIT_MS * CIT_MS_NS);
    pthread_mutex_lock(&team->mu);
    while (team->nthreads > 1 && err == 0)
        err = pthread_cond_timedwait(&w->threads[0]->cond, &team->mu, &at);
    left = team->nthreads == 1;
    pthread_mutex_unlock(&team->mu);
    return left;
}

int cit__team_run(struct cit_worker *w)
{
    struct cit_thread *t = w->threads[0];
    bool left;

    t->pthread = pthread_self();
    t->kernel_id = cit_thread_id();
    t->attached = true;
    t->ident = w->ops->ident(w->app);
    t->role = CIT_ROLE_LEADER;
    w->team.leader = t;
    run_roles(t);
    cit__detach(t);
    left = others_left(w);
    cit__attach(t);
    return left ? CIT_OK : CIT_ETIMEDOUT;
}
