/* load/plan_stage.c - how many users or journeys a second, and for how long: stages and their short forms. */
#include "load/plan_int.h"

#include <math.h>

#include "base/clock.h"

enum { STAGES_MAX = 1000, USERS_DEFAULT = 10, OPEN_USERS_DEFAULT = 1000 };

#define RATE_MAX 1e7
#define LONGEST_NS (1000 * 3600 * CIT_SEC_NS)
#define TIME_DEFAULT_NS (10 * CIT_SEC_NS)

struct stage_items {
    struct cit__item users, rate, hold, over, step, every;
};

static const struct cit__member stage_members[] = {
    { .name = "users", .kind = CIT__PLAN_LATER, .offset = offsetof(struct stage_items, users) },
    { .name = "rate", .kind = CIT__PLAN_LATER, .offset = offsetof(struct stage_items, rate) },
    { .name = "for", .kind = CIT__PLAN_LATER, .offset = offsetof(struct stage_items, hold) },
    { .name = "over", .kind = CIT__PLAN_LATER, .offset = offsetof(struct stage_items, over) },
    { .name = "step", .kind = CIT__PLAN_LATER, .offset = offsetof(struct stage_items, step) },
    { .name = "every", .kind = CIT__PLAN_LATER, .offset = offsetof(struct stage_items, every) },
};

static bool is_given(const struct cit__item *it)
{
    return it->node != NULL;
}

/* ---- single values ---- */

/* Users are whole, rates need not be. */
static int read_level(struct cit__plan *p, const struct cit__item *it, bool is_rate, double least, double *out)
{
    const struct cit__member number = { .kind = CIT__PLAN_NUMBER, .least = least, .most = RATE_MAX };
    const struct cit__member whole = { .kind = CIT__PLAN_WHOLE, .least = least, .most = CIT_PLAN_USERS_MAX };
    uint64_t users = 0;
    int err;

    if (is_rate)
        return cit__plan_value(p, it, &number, out);
    err = cit__plan_value(p, it, &whole, &users);
    if (err == CIT_OK)
        *out = (double)users;
    return err;
}

static int read_length(struct cit__plan *p, const struct cit__item *it, int64_t *out)
{
    const struct cit__member time = { .kind = CIT__PLAN_TIME };
    int err = cit__plan_value(p, it, &time, out);

    return err == CIT_OK && *out == 0 ? cit__plan_bad(p, it, "is no time to do anything in") : err;
}

/* ---- one stage ---- */

static int check_shape(struct cit__plan *p, const char *place, const struct stage_items *s)
{
    int ways = (is_given(&s->hold) ? 1 : 0) + (is_given(&s->over) ? 1 : 0) + (is_given(&s->step) ? 1 : 0);
    const char *wrong = NULL;

    if (is_given(&s->users) == is_given(&s->rate))
        wrong = is_given(&s->rate) ? "has both users and rate" : "has neither users nor rate";
    else if (is_given(&s->step) != is_given(&s->every))
        wrong = is_given(&s->step) ? "has step without every" : "has every without step";
    else if (ways != 1)
        wrong =
            ways > 1 ? "has more than one of for, over and step" : "says not how long: for, over, or step and every";
    return wrong == NULL ? CIT_OK : cit__plan_wrong(p, place, CIT_EINVAL, "%s", wrong);
}

static int read_steps(struct cit__plan *p, const struct stage_items *s, double from, struct cit_stage *out)
{
    bool is_rate = is_given(&s->rate);
    double n;
    int err = read_level(p, &s->step, is_rate, is_rate ? 0.001 : 1, &out->step);

    if (err == CIT_OK)
        err = read_length(p, &s->every, &out->every_ns);
    if (err != CIT_OK)
        return err;
    n = ceil(fabs(out->to - from) / out->step - 1e-9); /* 1.1 / 0.1 is a little more than 11 */
    if (n < 1)
        return cit__plan_wrong(p, s->step.place, CIT_EINVAL, "there is no step to take: it is %g before already", from);
    if (n * (double)out->every_ns > (double)LONGEST_NS)
        return cit__plan_wrong(p, s->step.place, CIT_EINVAL, "%.0f steps take more than 1,000 hours", n);
    out->length_ns = (int64_t)n * out->every_ns;
    return CIT_OK;
}

static int read_stage(struct cit__plan *p, const struct cit__item *it, double from, struct cit_stage *out)
{
    const struct cit__members members = { stage_members, sizeof stage_members / sizeof *stage_members };
    struct stage_items s = { 0 };
    bool is_first = out == p->plan->stages;
    int err = cit__plan_table(p, it, members, &s);

    if (err == CIT_OK)
        err = check_shape(p, it->place, &s);
    if (err != CIT_OK)
        return err;
    if (!is_first && p->plan->is_open != is_given(&s.rate))
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "has %s, and those before have %s; a plan is of one kind",
                               is_given(&s.rate) ? "a rate" : "users", is_given(&s.rate) ? "users" : "a rate");
    p->plan->is_open = is_given(&s.rate);
    err = read_level(p, is_given(&s.rate) ? &s.rate : &s.users, is_given(&s.rate), 0, &out->to);
    if (err != CIT_OK)
        return err;
    out->is_ramp = is_given(&s.over);
    if (is_given(&s.step))
        return read_steps(p, &s, from, out);
    return read_length(p, out->is_ramp ? &s.over : &s.hold, &out->length_ns);
}

/* ---- all of them ---- */

static int read_stages(struct cit__plan *p)
{
    struct cit_load_plan *plan = p->plan;
    double from = 0;
    int err = cit__plan_list(p, &p->stages);

    if (err != CIT_OK)
        return err;
    if (p->stages.node->count > STAGES_MAX)
        return cit__plan_wrong(p, p->stages.place, CIT_ELIMIT, "there are more than %d stages", STAGES_MAX);
    plan->stages = cit__plan_take(p, p->stages.node->count, sizeof *plan->stages, &err);
    for (const struct cit_json_node *n = p->stages.node->first; n != NULL && err == CIT_OK; n = n->next) {
        struct cit__item it = cit__plan_element(&p->stages, n, plan->nstages);
        struct cit_stage *s = &plan->stages[plan->nstages];

        err = read_stage(p, &it, from, s);
        if (err != CIT_OK)
            return err;
        plan->nstages++;
        plan->length_ns += s->length_ns;
        from = s->to;
        if (plan->length_ns > LONGEST_NS)
            err = cit__plan_wrong(p, p->stages.place, CIT_EINVAL, "all together take more than 1,000 hours");
    }
    return err;
}

/* users, rate and time in place of stages; without a time a number of requests ends it. */
static int read_short(struct cit__plan *p)
{
    struct cit_load_plan *plan = p->plan;
    int err = CIT_OK;

    plan->is_open = is_given(&p->rate);
    plan->stages = cit__plan_take(p, 1, sizeof *plan->stages, &err);
    if (err != CIT_OK)
        return err;
    plan->nstages = 1;
    plan->stages[0] =
        (struct cit_stage){ .to = USERS_DEFAULT, .length_ns = plan->max_requests > 0 ? LONGEST_NS : TIME_DEFAULT_NS };
    if (plan->is_open)
        err = read_level(p, &p->rate, true, 0, &plan->stages[0].to);
    else if (is_given(&p->users))
        err = read_level(p, &p->users, false, 0, &plan->stages[0].to);
    if (err == CIT_OK && is_given(&p->time))
        err = read_length(p, &p->time, &plan->stages[0].length_ns);
    plan->length_ns = plan->stages[0].length_ns;
    return err;
}

/* ---- how many users there may be ---- */

static double highest(const struct cit_load_plan *plan)
{
    double most = 0;

    for (uint32_t i = 0; i < plan->nstages; i++)
        most = fmax(most, plan->stages[i].to);
    return most;
}

/* Of a rate: so many at once; written as users, too, as users of wrk2 do. */
static int read_bound(struct cit__plan *p)
{
    const struct cit__member bound = { .kind = CIT__PLAN_WHOLE32, .least = 1, .most = CIT_PLAN_USERS_MAX };

    if (is_given(&p->users) && is_given(&p->max_users))
        return cit__plan_wrong(p, p->users.place, CIT_EINVAL, "beside a rate it means max_users, which is there, too");
    p->plan->max_users = OPEN_USERS_DEFAULT;
    if (!is_given(&p->users) && !is_given(&p->max_users))
        return CIT_OK;
    return cit__plan_value(p, is_given(&p->users) ? &p->users : &p->max_users, &bound, &p->plan->max_users);
}

static int read_open_only(struct cit__plan *p)
{
    const struct cit__member poisson = { .kind = CIT__PLAN_BOOL };
    int err = is_given(&p->poisson) ? cit__plan_value(p, &p->poisson, &poisson, &p->plan->is_poisson) : CIT_OK;

    if (err != CIT_OK)
        return err;
    if (p->plan->is_open)
        return read_bound(p);
    if (p->plan->is_poisson)
        return cit__plan_wrong(p, p->poisson.place, CIT_EINVAL, "is for rates, and this plan is of users");
    if (is_given(&p->max_users))
        return cit__plan_wrong(p, p->max_users.place, CIT_EINVAL, "is for rates, and this plan is of users");
    p->plan->max_users = (uint32_t)highest(p->plan);
    return CIT_OK;
}

int cit__plan_stages(struct cit__plan *p)
{
    int64_t most_ns = INT64_MAX;
    int err;

    if (is_given(&p->stages) && (is_given(&p->users) || is_given(&p->rate)))
        return cit__plan_wrong(p, is_given(&p->users) ? p->users.place : p->rate.place, CIT_EINVAL,
                               "the stages say it; one of the two has to go");
    err = is_given(&p->stages) ? read_stages(p) : read_short(p);
    if (err == CIT_OK && is_given(&p->stages) && is_given(&p->time))
        err = read_length(p, &p->time, &most_ns);
    if (err != CIT_OK)
        return err;
    if (most_ns < p->plan->length_ns)
        p->plan->length_ns = most_ns;
    if (highest(p->plan) <= 0)
        return cit__plan_wrong(p,
                               is_given(&p->stages) ? p->stages.place
                               : is_given(&p->rate) ? p->rate.place
                                                    : "users",
                               CIT_EINVAL, "0 is all there ever is: nothing would be done");
    return read_open_only(p);
}
