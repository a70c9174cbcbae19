/* load/plan_level.c - how many users or arrivals a plan wants, and when each arrival is due.
 *
 *   level          ______             to      A stage begins at what the one before wanted (0 before the first).
 *                 |      \     __             At once: to.  Ramp: a line to `to`.  Steps: one step up (or down)
 *              ___|       \___|               at its beginning and after each every_ns, the last ends at to.
 *   from  ____|
 *
 * A plan may end (length_ns) before its stages do.  Stages are few and their integrals closed forms, so that a look
 * costs no more after a million arrivals. */
#include <math.h>

#include "load/plan.h"

/* A stage with where it begins. */
struct span {
    const struct cit_stage *s;
    double from;
};

static bool is_stepped(const struct span *p)
{
    return p->s->every_ns > 0;
}

/* The level of a stepped stage in its step number k, from 0. */
static double step_level(const struct span *p, int64_t k)
{
    double moved = p->s->step * ((double)k + 1);
    double way = p->s->to - p->from;

    if (moved >= fabs(way))
        return p->s->to;
    return p->from + (way < 0 ? -moved : moved);
}

static double level_in(const struct span *p, int64_t ns)
{
    if (is_stepped(p))
        return step_level(p, ns / p->s->every_ns);
    if (p->s->is_ramp)
        return p->from + (p->s->to - p->from) * ((double)ns / (double)p->s->length_ns);
    return p->s->to;
}

double cit_plan_level(const struct cit_load_plan *plan, int64_t at_ns)
{
    double from = 0;

    if (at_ns > plan->length_ns)
        return 0;
    for (uint32_t i = 0; i < plan->nstages; i++) {
        struct span p = { &plan->stages[i], from };

        if (at_ns < p.s->length_ns)
            return level_in(&p, at_ns < 0 ? 0 : at_ns);
        at_ns -= p.s->length_ns;
        from = p.s->to;
    }
    return from;
}

/* ---- arrivals: rates are per second, times ns, so integrals are divided by 1e9 ---- */

/* Arrivals in the first k steps; only the very last of a stage may be shorter than a whole step. */
static double steps_total(const struct span *p, int64_t k)
{
    int64_t steps = p->s->length_ns / p->s->every_ns, whole = k < steps ? k : steps - 1;
    double n = (double)whole, step = p->s->to < p->from ? -p->s->step : p->s->step;
    double sum = n * p->from + step * n * (n + 1) / 2 + (k < steps ? 0 : p->s->to);

    return sum * (double)p->s->every_ns / 1e9;
}

static double stage_total(const struct span *p)
{
    double seconds = (double)p->s->length_ns / 1e9;

    if (is_stepped(p))
        return steps_total(p, p->s->length_ns / p->s->every_ns);
    return p->s->is_ramp ? (p->from + p->s->to) / 2 * seconds : p->s->to * seconds;
}

/* A time that is no time of any stage. */
static const double NEVER = 1e30;

/* Until the arrival that `left` arrivals are in front of, at one rate. */
static double steady_ns(double rate, double left)
{
    return rate > 0 ? left * 1e9 / rate : NEVER;
}

/* The root of from t + (to - from) t^2 / 2 L = left, in the form that does not lose digits when to is near from. */
static double ramp_ns(const struct span *p, double left)
{
    double seconds = (double)p->s->length_ns / 1e9;
    double under = p->from * p->from + 2 * (p->s->to - p->from) * left / seconds;
    double bottom = p->from + sqrt(under > 0 ? under : 0);

    if (under < 0 || (bottom <= 0 && left > 0) || (p->from <= 0 && p->s->to <= 0))
        return NEVER;
    return left > 0 ? 2 * left * 1e9 / bottom : 0;
}

/* The step in which the arrival lies: the last at whose beginning no more than `left` have come. */
static double stepped_ns(const struct span *p, double left)
{
    int64_t low = 0, high = p->s->length_ns / p->s->every_ns - 1;

    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;

        if (steps_total(p, middle) <= left)
            low = middle;
        else
            high = middle - 1;
    }
    return (double)low * (double)p->s->every_ns + steady_ns(step_level(p, low), left - steps_total(p, low));
}

static double arrival_in(const struct span *p, double left)
{
    if (is_stepped(p))
        return stepped_ns(p, left);
    return p->s->is_ramp ? ramp_ns(p, left) : steady_ns(p->s->to, left);
}

int64_t cit_plan_arrival_ns(const struct cit_load_plan *plan, uint64_t n)
{
    double left = (double)n, from = 0;
    int64_t start_ns = 0;

    for (uint32_t i = 0; i < plan->nstages; i++) {
        struct span p = { &plan->stages[i], from };
        double ns = round(arrival_in(&p, left));

        if (ns < (double)p.s->length_ns) {
            start_ns += (int64_t)ns;
            return start_ns < plan->length_ns ? start_ns : INT64_MAX;
        }
        start_ns += p.s->length_ns;
        left = fmax(left - stage_total(&p), 0); /* below 0 by rounding alone: it is the next stage's first */
        from = p.s->to;
    }
    return INT64_MAX;
}
