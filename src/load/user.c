/* load/user.c - a user's way: rounds, the choice of a journey, steps, think times.
 *
 *      rouse -> choose -> walk -> ask_at -> ask -> (conn.c, answer.c) -> done -> walk ...
 *                  ^                                                      │
 *                  └──────────────────── round_ended <────────────────────┘
 *
 * No call goes round this circle: an answer comes by the loop, a fault without one by a pause in
 * the heap, and a journey is only chosen if it has a step to do.
 */
#include <string.h>

#include "base/mem.h"
#include "load/engine_int.h"

#define PAUSE_FIRST_NS (10 * CIT_MS_NS)
#define LATE_NS CIT_MS_NS
enum { PAUSE_DOUBLINGS = 7, NOWHERE = -1 };

struct cit_vars cit__user_vars(struct cit__user *u)
{
    return (struct cit_vars){
        .at = u->values, .n = u->t->plan->names.n, .user = u->number + 1, .iteration = u->round, .rng = &u->rng
    };
}

/* ---- making ---- */

/* Room for one more in everything that is as long as users are many, so that nothing later can fail. */
static int make_room(struct cit__thread *t)
{
    uint32_t cap = t->cap_users > 0 ? 2 * t->cap_users : 16;
    struct cit__user ***lists[] = { &t->users, &t->free, &t->heap };

    if (t->nusers < t->cap_users)
        return CIT_OK;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct cit__user **list = cit_realloc_array(*lists[i], cap, sizeof(struct cit__user *));

        if (list == NULL)
            return CIT_ENOMEM;
        *lists[i] = list;
    }
    t->cap_users = cap;
    return CIT_OK;
}

int cit__user_new(struct cit__thread *t, struct cit__user **out)
{
    struct cit__user *u;
    int err = make_room(t);

    if (err != CIT_OK)
        return err;
    u = cit_calloc(1, sizeof *u + t->plan->njourneys * sizeof *u->has_walked);
    if (u == NULL)
        return CIT_ENOMEM;
    u->t = t;
    u->number = t->nusers * t->run->nthreads + t->index;
    u->state = CIT__USER_PARKED;
    u->round = 1; /* what the plan's variables may ask for */
    cit_rng_seed(&u->rng, t->plan->seed, u->number);
    err = cit__values_init(u);
    u->round = 0;
    if (err != CIT_OK) {
        cit__user_free(u);
        return err;
    }
    t->users[t->nusers++] = u;
    *out = u;
    return CIT_OK;
}

void cit__user_free(struct cit__user *u)
{
    if (u == NULL)
        return;
    cit__wire_close_all(u);
    cit__request_drop(u->t, &u->req);
    cit__buf_give(u->t, u->in);
    cit_wheel_cancel(&u->t->wheel, &u->timer);
    cit_jar_fini(&u->jar);
    cit__values_fini(u);
    cit_free(u);
}

/* ---- standing still ---- */

static bool is_unwanted(const struct cit__user *u)
{
    const struct cit__thread *t = u->t;

    if (cit__thread_is_ending(t))
        return true;
    return !t->plan->is_open && t->dry == NULL && u->number / t->run->nthreads >= t->wanted;
}

static void stand(struct cit__user *u, enum cit__user_state state)
{
    u->state = (uint8_t)state;
    u->t->walking--;
}

void cit__user_park(struct cit__user *u)
{
    if (u->state == CIT__USER_WAITING)
        cit__wait_remove(u->t, u);
    u->is_between = false;
    cit__wire_close_all(u);
    stand(u, CIT__USER_PARKED);
}

static void finish(struct cit__user *u)
{
    struct cit__thread *t = u->t;

    cit__wire_close_all(u);
    stand(u, CIT__USER_FINISHED);
    t->finished++;
}

/* ---- what is left to do ---- */

static bool has_to_do(const struct cit__user *u, uint32_t journey, const struct cit_step *step)
{
    return !step->is_skipped && (!step->is_once || !u->has_walked[journey]);
}

static bool has_to_walk(const struct cit__user *u, uint32_t journey)
{
    const struct cit_journey *j = &u->t->plan->journeys[journey];

    if (u->has_walked[journey])
        return u->t->run->more[journey] > 0;
    for (uint32_t i = 0; i < j->nsteps; i++) {
        if (has_to_do(u, journey, &j->steps[i]))
            return true;
    }
    return false;
}

static bool has_anything(const struct cit__user *u)
{
    for (uint32_t i = 0; i < u->t->plan->njourneys; i++) {
        if (has_to_walk(u, i))
            return true;
    }
    return !u->t->plan->keeps_cookies;
}

/* Open plans: the one who waits longest gets this user, else it is free; its connections stay. */
static void be_free(struct cit__user *u)
{
    struct cit__thread *t = u->t;
    int64_t intended;

    if (!has_anything(u)) {
        finish(u);
        return;
    }
    stand(u, CIT__USER_PARKED);
    if (!cit__thread_is_ending(t) && cit__arrivals_take(&t->arrivals, &intended)) {
        t->tally->late += t->now_ns - intended > LATE_NS;
        cit__user_rouse(u, intended);
    } else {
        t->free[t->nfree++] = u;
    }
}

static void wait_until(struct cit__user *u, int64_t at_ns)
{
    u->state = CIT__USER_WAITING;
    cit__wait_add(u->t, u, at_ns);
}

/* ---- asking ---- */

/* Whether one more request may be begun. */
static bool may_ask(struct cit__thread *t)
{
    struct cit_run *run = t->run;
    uint64_t most = t->plan->max_requests, n;

    if (cit__thread_is_ending(t))
        return false;
    if (most == 0 || t->dry != NULL || t->now_ns - run->start_ns < t->plan->warm_ns)
        return true;
    n = atomic_fetch_add_explicit(&run->begun, 1, memory_order_relaxed);
    if (n + 1 >= most)
        cit__run_end(run, CIT_END_REQUESTS);
    return n < most;
}

/* What a request that can't be made counts as. */
static enum cit_fault fault_of(int err)
{
    return err == CIT_ENOMEM ? CIT_FAULT_LOCAL : CIT_FAULT_VARIABLE;
}

static void ask(struct cit__user *u)
{
    struct cit__thread *t = u->t;
    int err;

    if (!may_ask(t)) {
        cit__user_park(u);
        return;
    }
    u->state = CIT__USER_ASKING;
    t->asking++;
    u->hops = 0;
    u->is_retry = false;
    u->prep = &t->preps[t->plan->journey_first[u->journey] + u->step];
    u->start_ns = t->now_ns;
    cit__answer_begin(u);
    err = cit__request_make(u);
    if (err == CIT_OK)
        cit__wire_ask(u);
    else
        cit__user_fail(u, fault_of(err));
}

/* The step at hand, as soon as it is time. */
static void ask_at(struct cit__user *u, int64_t at_ns)
{
    const struct cit_step *step = &u->t->plan->journeys[u->journey].steps[u->step];

    u->intended_ns = at_ns + (u->t->dry == NULL ? step->delay_ns : 0);
    if (is_unwanted(u))
        cit__user_park(u);
    else if (u->intended_ns > u->t->now_ns)
        wait_until(u, u->intended_ns);
    else
        ask(u);
}

/* ---- rounds ---- */

/* One of those with something to do, by weight; NOWHERE: there is none. */
static int64_t choose(struct cit__user *u)
{
    const struct cit_load_plan *plan = u->t->plan;
    uint64_t sum = 0, at;

    if (plan->njourneys == 1)
        return has_to_walk(u, 0) ? 0 : NOWHERE;
    for (uint32_t i = 0; i < plan->njourneys; i++)
        sum += has_to_walk(u, i) ? plan->journeys[i].weight : 0;
    at = cit_rng_below(&u->rng, sum);
    for (uint32_t i = 0; i < plan->njourneys; i++) {
        uint64_t weight = has_to_walk(u, i) ? plan->journeys[i].weight : 0;

        if (at < weight)
            return i;
        at -= weight;
    }
    return NOWHERE;
}

/* Dry: all in their order, once. */
static int64_t choose_next(struct cit__user *u)
{
    while (u->round < u->t->plan->njourneys) {
        if (has_to_walk(u, (uint32_t)u->round))
            return (int64_t)u->round;
        u->round++;
    }
    return NOWHERE;
}

static void round_ended(struct cit__user *u, int64_t at_ns, int64_t pause_ns);

/* From u->step on. */
static void walk(struct cit__user *u, int64_t at_ns)
{
    const struct cit_journey *j = &u->t->plan->journeys[u->journey];

    while (u->step < j->nsteps && !has_to_do(u, u->journey, &j->steps[u->step]))
        u->step++;
    if (u->step == j->nsteps) {
        u->t->tally->rounds++;
        u->has_walked[u->journey] = true;
        round_ended(u, at_ns, 0);
        return;
    }
    u->left = j->steps[u->step].repeat > 1 ? j->steps[u->step].repeat : 1;
    ask_at(u, at_ns);
}

static void begin(struct cit__user *u, int64_t at_ns)
{
    int64_t journey;

    if (!u->t->plan->keeps_cookies && u->round > 0) {
        cit_jar_fini(&u->jar);
        memset(u->has_walked, 0, u->t->plan->njourneys * sizeof *u->has_walked);
    }
    journey = u->t->dry == NULL ? choose(u) : choose_next(u);
    if (journey == NOWHERE) {
        finish(u);
        return;
    }
    u->round++;
    u->journey = (uint32_t)journey;
    u->step = 0;
    walk(u, at_ns);
}

void cit__user_rouse(struct cit__user *u, int64_t intended_ns)
{
    u->t->walking++;
    begin(u, intended_ns);
}

/* at_ns: when the next one is intended; before it, and not part of its latency, a pause. */
static void round_ended(struct cit__user *u, int64_t at_ns, int64_t pause_ns)
{
    int64_t now = u->t->now_ns;

    if (u->t->plan->is_open && u->t->dry == NULL && pause_ns == 0) {
        be_free(u);
    } else if (pause_ns > 0 && !is_unwanted(u)) {
        u->is_between = true;
        wait_until(u, (u->t->plan->is_open ? now : at_ns) + pause_ns);
    } else {
        begin(u, at_ns);
    }
}

/* ---- ends ---- */

static void count(struct cit__user *u, enum cit_fault fault)
{
    struct cit__thread *t = u->t;
    bool answered = cit_fault_is_answered(fault);
    const struct cit_sample sample = { .row = u->prep->row,
                                       .fault = fault,
                                       .status = answered ? u->status : 0,
                                       .intended_ns = u->intended_ns,
                                       .start_ns = u->start_ns,
                                       .end_ns = t->now_ns,
                                       .bytes_in = u->bytes_in,
                                       .bytes_out = u->req.sent };

    cit__second_reach(t, t->now_ns);
    cit_tally_add(t->tally, &sample);
    t->last_ns = t->now_ns;
}

void cit__user_unasked(struct cit__user *u, uint64_t bytes)
{
    struct cit__thread *t = u->t;
    const struct cit_sample sample = { .row = u->prep->row,
                                       .fault = CIT_FAULT_PROTOCOL,
                                       .intended_ns = t->now_ns,
                                       .start_ns = t->now_ns,
                                       .end_ns = t->now_ns,
                                       .bytes_in = bytes };

    cit__example_keep(u, CIT_FAULT_PROTOCOL, cit_slice(NULL, 0));
    cit__second_reach(t, t->now_ns);
    cit_tally_add(t->tally, &sample);
}

/* What the request had borrowed goes back. */
static void let_go(struct cit__user *u)
{
    cit__request_drop(u->t, &u->req);
    if (u->in != NULL) {
        cit__buf_give(u->t, u->in);
        u->in = NULL;
    }
    u->conn = NULL;
}

static int64_t think(struct cit__user *u)
{
    return u->t->dry == NULL ? cit_dist_draw(u->prep->think, &u->rng) : 0;
}

/* The rest of the round is given up.  A first round that did not get past its last @once step is not over. */
static void give_up(struct cit__user *u, enum cit_fault fault)
{
    const struct cit_journey *j = &u->t->plan->journeys[u->journey];
    int64_t pause = 0;
    bool has_once = false;

    for (uint32_t i = u->step; i < j->nsteps; i++)
        has_once |= j->steps[i].is_once && !j->steps[i].is_skipped;
    u->has_walked[u->journey] |= !has_once;
    if (cit_fault_is_answered(fault)) {
        u->pauses = 0;
    } else {
        pause = u->t->dry == NULL ? PAUSE_FIRST_NS << u->pauses : 1;
        pause = pause > CIT_SEC_NS ? CIT_SEC_NS : pause;
        u->pauses += u->pauses < PAUSE_DOUBLINGS;
    }
    round_ended(u, u->t->now_ns + think(u), pause);
}

void cit__user_done(struct cit__user *u, enum cit_fault fault)
{
    count(u, fault);
    u->t->asking--;
    if (u->t->dry != NULL)
        cit__dry_ended(u, fault);
    let_go(u);
    u->t->why[0] = '\0';
    if (fault != CIT_FAULT_NONE) {
        give_up(u, fault);
        return;
    }
    u->pauses = 0;
    if (--u->left == 0) {
        u->step++;
        walk(u, u->t->now_ns + think(u));
    } else {
        ask_at(u, u->t->now_ns + think(u));
    }
}

void cit__user_fail(struct cit__user *u, enum cit_fault fault)
{
    if (u->is_dialling_again) {
        u->is_dialling_again = false;
        cit__wait_remove(u->t, u);
        u->state = CIT__USER_ASKING;
    }
    cit__example_keep(u, fault, cit_slice(NULL, 0));
    if (u->conn != NULL)
        cit__wire_close(u->conn);
    cit__user_done(u, fault);
}

void cit__user_hop(struct cit__user *u, struct cit__request *next)
{
    count(u, CIT_FAULT_NONE);
    let_go(u);
    if (!may_ask(u->t)) {
        cit__request_drop(u->t, next);
        u->t->asking--;
        cit__user_park(u);
        return;
    }
    u->req = *next;
    u->hops++;
    u->is_retry = false;
    u->intended_ns = u->start_ns = u->t->now_ns;
    cit__answer_begin(u);
    cit__wire_ask(u);
}

void cit__user_wake(struct cit__user *u)
{
    cit__wait_remove(u->t, u);
    if (u->is_dialling_again) {
        u->is_dialling_again = false;
        u->state = CIT__USER_ASKING;
        cit__wire_ask(u);
    } else if (u->is_between) {
        u->is_between = false;
        u->state = CIT__USER_PARKED;
        if (u->t->plan->is_open && u->t->dry == NULL)
            be_free(u);
        else
            begin(u, u->t->now_ns);
    } else {
        u->state = CIT__USER_PARKED;
        ask(u);
    }
}
