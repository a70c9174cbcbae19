/* load/crew.c - a thread: the turns of its loop, its seconds, and how many users walk.
 *
 *      turn:  wait -> events -> users whose time has come -> deadlines -> level or arrivals -> the end?
 */
#include <math.h>
#include <stddef.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/mem.h"
#include "load/engine_int.h"

#define LOOK_NS (10 * CIT_MS_NS) /* between looks at a level that moves */
#define RETRY_NS (100 * CIT_MS_NS)
#define LEAD_MOST_NS (100 * (CIT_MS_NS / 1000))
#define SCRATCH_MAX ((size_t)256 << 20)
enum { ROUSED_MOST = 256 /* users in one turn */, LEAD_WAITS = 5, LEAD_MEMORY = 16 };

/* ---- buffers ---- */

struct cit_buf *cit__buf_take(struct cit__thread *t, size_t max)
{
    struct cit_buf *b = t->nspare > 0 ? t->spare[--t->nspare] : cit_calloc(1, sizeof *b);

    if (b != NULL) {
        b->max = max;
        b->len = 0;
    }
    return b;
}

void cit__buf_give(struct cit__thread *t, struct cit_buf *b)
{
    if (b == NULL)
        return;
    if (b->cap > CIT__SPARE_BYTES)
        cit_buf_fini(b);
    if (t->nspare < CIT__SPARE_MAX) {
        t->spare[t->nspare++] = b;
        return;
    }
    cit_buf_fini(b);
    cit_free(b);
}

/* ---- seconds ---- */

static int64_t since_start(const struct cit__thread *t)
{
    return t->now_ns - t->run->start_ns;
}

static void slot_begin(struct cit__thread *t, struct cit__slot *s, int64_t at_ns)
{
    int64_t warm = t->run->start_ns + t->plan->warm_ns;

    t->slot = s;
    t->tally = &s->tally;
    s->start_ns = at_ns;
    s->is_warm = at_ns < warm;
    t->second_end_ns = at_ns + CIT_SEC_NS;
    if (s->is_warm && t->second_end_ns > warm)
        t->second_end_ns = warm;
}

/* Hands the tally over.  Without a free slot (the collector is late) it goes on with the one it has. */
static void second_close(struct cit__thread *t, int64_t at_ns, bool is_last)
{
    struct cit__slot *s = t->slot, *next = NULL;

    s->tally.users = cit__thread_is_ending(t) ? t->walked : t->walking;
    t->walked = t->asking;
    s->tally.waiting = (uint32_t)t->arrivals.count;
    pthread_mutex_lock(&t->run->lock);
    for (int i = 0; i < CIT__SLOTS && next == NULL; i++) {
        if (&t->slots[i] != s && !t->slots[i].is_full)
            next = &t->slots[i];
    }
    if (next != NULL || is_last) {
        s->end_ns = at_ns;
        s->number = t->second;
        s->is_full = true;
        t->closed_through = t->second + 1;
        t->is_done = is_last;
        pthread_cond_signal(&t->run->handed);
    }
    pthread_mutex_unlock(&t->run->lock);
    t->second++;
    t->second_end_ns = at_ns + CIT_SEC_NS;
    if (next != NULL && !is_last)
        slot_begin(t, next, at_ns);
}

/* At the stages' end the last second stays open for requests on their way; the turn sees to that. */
void cit__second_reach(struct cit__thread *t, int64_t now_ns)
{
    int64_t length = cit__run_length(t->run);

    while (now_ns >= t->second_end_ns) {
        if (!cit__thread_is_ending(t) && t->second_end_ns - t->run->start_ns >= length)
            return;
        second_close(t, t->second_end_ns, false);
    }
}

/* ---- levels ---- */

static uint32_t share(const struct cit__thread *t, uint32_t all)
{
    return all > t->index ? (all - t->index - 1) / t->run->nthreads + 1 : 0;
}

/* Of users there are as many as lines in the table, if it is not begun again. */
static uint32_t bound(const struct cit__thread *t, uint32_t users)
{
    const struct cit_load_plan *plan = t->plan;
    bool has_end = plan->users.ncolumns > 0 && plan->when_out == CIT_OUT_STOP;

    return has_end && plan->users.lines < users ? plan->users.lines : users;
}

uint32_t cit__users_most(const struct cit__thread *t)
{
    return share(t, bound(t, t->plan->max_users));
}

static bool is_moving(const struct cit_load_plan *plan)
{
    return plan->nstages > 1 || (plan->nstages == 1 && (plan->stages[0].is_ramp || plan->stages[0].every_ns > 0));
}

/* Those above the level who wait; those who ask are parked after their answer. */
static void send_home(struct cit__thread *t, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to && i < t->nusers; i++) {
        if (t->users[i]->state == CIT__USER_WAITING && !t->users[i]->is_dialling_again)
            cit__user_park(t->users[i]);
    }
}

/* Wakes users up to `to`; false when there was no memory for one. */
static bool rouse(struct cit__thread *t, uint32_t to)
{
    uint32_t n = 0;

    while (t->wanted < to && n++ < ROUSED_MOST) {
        struct cit__user *u = t->wanted < t->nusers ? t->users[t->wanted] : NULL;

        if (u == NULL && cit__user_new(t, &u) != CIT_OK)
            return false;
        t->wanted++;
        if (u->state == CIT__USER_PARKED)
            cit__user_rouse(u, t->now_ns);
    }
    return true;
}

static void follow_level(struct cit__thread *t)
{
    double level = cit__run_level(t->run, since_start(t));
    double users = ceil(level - 1e-9);
    uint32_t to =
        share(t, bound(t, users < CIT_PLAN_USERS_MAX ? (uint32_t)(users > 0 ? users : 0) : CIT_PLAN_USERS_MAX));

    t->look_ns = is_moving(t->plan) || t->plan->warm_ns > 0 ? t->now_ns + LOOK_NS : INT64_MAX;
    if (to < t->wanted) {
        uint32_t before = t->wanted;

        t->wanted = to;
        send_home(t, to, before);
    }
    if (!rouse(t, to)) {
        if (t->nusers == 0)
            cit__run_end(t->run, CIT_END_MEMORY);
        t->look_ns = t->now_ns + RETRY_NS;
    } else if (t->wanted < to) {
        t->look_ns = t->now_ns;
    }
}

/* Whether all users there may be have finished, here and in the threads that may have any. */
static void watch_out(struct cit__thread *t)
{
    uint32_t all = bound(t, t->plan->max_users), threads = t->run->nthreads;

    if (t->is_out || t->nusers == 0 || t->finished < t->nusers || t->nusers < cit__users_most(t))
        return;
    t->is_out = true;
    if (atomic_fetch_add(&t->run->out, 1) + 1 >= (all < threads ? all : threads))
        cit__run_end(t->run, CIT_END_USERS);
}

static void follow(struct cit__thread *t)
{
    struct cit_run *run = t->run;
    uint32_t changes = atomic_load_explicit(&run->level_changes, memory_order_acquire);

    if (changes != t->level_seen) {
        t->level_seen = changes;
        t->look_ns = t->now_ns;
        if (t->plan->is_open)
            cit__arrivals_level(&t->arrivals, t, cit__run_level(run, INT64_MAX), atomic_load(&run->level_ns));
    }
    if (t->plan->is_open)
        cit__arrivals_turn(t);
    else if (t->now_ns >= t->look_ns)
        follow_level(t);
    watch_out(t);
}

/* ---- the end ---- */

void cit__thread_end(struct cit__thread *t)
{
    int64_t end = t->run->start_ns + cit__run_length(t->run);

    t->end_ns = end < t->now_ns ? end : t->now_ns;
    t->second_end_ns = t->now_ns + CIT_SEC_NS;
    t->walked = t->walking;
    send_home(t, 0, t->nusers);
}

/* Whether the thread has nothing left to do. */
static bool is_done(struct cit__thread *t)
{
    struct cit_run *run = t->run;

    if (!cit__thread_is_ending(t)) {
        if (since_start(t) >= cit__run_length(run))
            cit__run_end(run, CIT_END_TIME);
        if (atomic_load_explicit(&run->why, memory_order_relaxed) < 0)
            return false;
        cit__thread_end(t);
    }
    return t->asking == 0 || t->now_ns >= t->end_ns + t->plan->grace_ns || atomic_load(&run->stops) >= 2;
}

/* ---- turns ---- */

static int64_t next_ns(const struct cit__thread *t)
{
    int64_t start = t->run->start_ns, length = cit__run_length(t->run), next = t->second_end_ns, ms;

    if (t->again != NULL)
        return t->now_ns;
    next = cit__wait_next_ns(t) < next ? cit__wait_next_ns(t) : next;
    if (cit__thread_is_ending(t)) {
        next = t->end_ns + t->plan->grace_ns < next ? t->end_ns + t->plan->grace_ns : next;
    } else {
        next = length < next - start ? length + start : next;
        if (!t->plan->is_open)
            next = t->look_ns < next ? t->look_ns : next;
        else if (t->arrivals.next_ns < next - start)
            next = t->arrivals.next_ns + start;
    }
    ms = cit_wheel_next_ms(&t->wheel, t->wheel_ms);
    if (ms >= 0 && (t->wheel_ms + ms) * CIT_MS_NS < next)
        next = (t->wheel_ms + ms) * CIT_MS_NS;
    return next;
}

static void expire(struct cit__thread *t)
{
    int64_t now_ms = t->now_ns / CIT_MS_NS;
    struct cit_timer *timer;

    if (now_ms == t->wheel_ms)
        return;
    t->wheel_ms = now_ms;
    while ((timer = cit_wheel_expire(&t->wheel, now_ms)) != NULL)
        cit__wire_deadline((struct cit__user *)(void *)((char *)timer - offsetof(struct cit__user, timer)));
}

/* Timers fire late, by 60 us on an idle virtual machine.  A long wait is cut short by what they were late lately, and
 * the rest is spent looking; where waits are short (high rates) that would take a whole processor, and is left. */
static int64_t timeout_of(struct cit__thread *t)
{
    int64_t wait = next_ns(t) - t->now_ns;

    if (wait <= 0 || (t->is_early && wait < t->lead_ns))
        return 0;
    t->is_early = wait > LEAD_WAITS * t->lead_ns;
    return t->is_early ? wait - t->lead_ns : wait;
}

static void learn_lead(struct cit__thread *t, int64_t late_ns)
{
    late_ns = late_ns > LEAD_MOST_NS ? LEAD_MOST_NS : late_ns > 0 ? late_ns : 0;
    t->lead_ns += (late_ns - t->lead_ns) / LEAD_MEMORY;
}

static int wait_for_events(struct cit__thread *t)
{
    int64_t timeout = timeout_of(t), before = t->now_ns;
    int n = cit_loop_wait(t->loop, t->events, CIT__EVENTS, timeout);

    t->now_ns = cit_clock_now_ns();
    if (n == 0 && timeout > 0)
        learn_lead(t, t->now_ns - before - timeout);
    for (int i = 0; i < n; i++) {
        if (t->events[i].tag != CIT_LOOP_WAKE)
            cit__wire_event((struct cit__conn *)(uintptr_t)t->events[i].tag, t->events[i].mask);
    }
    return n < 0 ? n : CIT_OK;
}

int cit__thread_turn(struct cit__thread *t)
{
    int err = wait_for_events(t);

    if (t->again != NULL)
        cit__wire_again(t);
    while (cit__wait_next_ns(t) <= t->now_ns)
        cit__user_wake(t->heap[0]);
    expire(t);
    if (!cit__thread_is_ending(t) && t->dry == NULL)
        follow(t);
    cit__wire_bury(t);
    cit__second_reach(t, t->now_ns);
    return err;
}

void *cit__thread_main(void *arg)
{
    struct cit__thread *t = arg;

#ifdef __linux__
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
#endif
    t->now_ns = cit_clock_now_ns();
    follow(t);
    while (!is_done(t)) {
        if (cit__thread_turn(t) != CIT_OK)
            cit__run_end(t->run, CIT_END_MEMORY);
    }
    t->tally->unfinished += t->asking;
    t->tally->not_begun += t->arrivals.count;
    second_close(t, t->now_ns, true);
    return NULL;
}

/* ---- making ---- */

static int init(struct cit__thread *t)
{
    int err = CIT_OK;

    t->now_ns = t->run->start_ns;
    t->look_ns = 0;
    t->wheel_ms = t->now_ns / CIT_MS_NS;
    cit_wheel_init(&t->wheel, t->wheel_ms);
    cit_arena_init(&t->arena, SCRATCH_MAX);
    cit_buf_init(&t->body, CIT__REQUEST_MAX);
    cit_buf_init(&t->text, CIT__REQUEST_MAX);
    for (int i = 0; i < CIT__SLOTS && err == CIT_OK; i++)
        err = cit_tally_init(&t->slots[i].tally, t->plan->nrows);
    if (err == CIT_OK)
        err = cit_loop_new(&t->loop);
    if (err == CIT_OK)
        err = cit_query_scratch_init(&t->scratch);
    if (err == CIT_OK)
        err = cit__hosts_init(t);
    if (err == CIT_OK)
        err = cit__preps_init(t);
    if (err != CIT_OK)
        return err;
    slot_begin(t, &t->slots[0], t->run->start_ns);
    if (t->plan->is_open)
        cit__arrivals_init(&t->arrivals, t);
    return CIT_OK;
}

int cit__thread_new(struct cit_run *run, uint32_t index, struct cit__thread **out)
{
    struct cit__thread *t = cit_calloc(1, sizeof *t);
    int err;

    if (t == NULL)
        return CIT_ENOMEM;
    t->run = run;
    t->plan = run->plan;
    t->index = index;
    t->dry = run->dry;
    err = init(t);
    if (err == CIT_OK)
        *out = t;
    else
        cit__thread_free(t);
    return err;
}

static void free_conns(struct cit__thread *t)
{
    cit__wire_bury(t);
    while (t->spare_conns != NULL) {
        struct cit__conn *c = t->spare_conns;

        t->spare_conns = c->next;
        cit_free(c);
    }
}

void cit__thread_free(struct cit__thread *t)
{
    if (t == NULL)
        return;
    for (uint32_t i = 0; i < t->nusers; i++)
        cit__user_free(t->users[i]);
    free_conns(t);
    while (t->nspare > 0) {
        cit_buf_fini(t->spare[--t->nspare]);
        cit_free(t->spare[t->nspare]);
    }
    cit_free(t->users);
    cit_free(t->free);
    cit_free(t->heap);
    cit__arrivals_fini(&t->arrivals);
    for (int i = 0; i < CIT__SLOTS; i++)
        cit_tally_fini(&t->slots[i].tally);
    cit_query_scratch_fini(&t->scratch);
    cit_buf_fini(&t->body);
    cit_buf_fini(&t->text);
    cit_loop_free(t->loop);
    cit_arena_fini(&t->arena);
    cit_free(t);
}
