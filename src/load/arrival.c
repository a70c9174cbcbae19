/* load/arrival.c - open plans: when journeys are intended to begin, and those that wait in line. */
#include <math.h>

#include "base/mem.h"
#include "load/engine_int.h"

/* The highest rate of the stages: of candidates, when arrivals are random. */
static double most_of(const struct cit_load_plan *plan)
{
    double most = cit_plan_level(plan, 0);

    for (uint32_t i = 0; i < plan->nstages; i++)
        most = plan->stages[i].to > most ? plan->stages[i].to : most;
    return most;
}

static int64_t later(int64_t from_ns, double by_ns)
{
    return by_ns < (double)(INT64_MAX / 4) ? from_ns + (int64_t)by_ns : INT64_MAX;
}

/* At one rate from base_ns on. */
static int64_t steady_next(struct cit__arrivals *a, const struct cit__thread *t)
{
    uint64_t n = a->n;

    a->n += t->run->nthreads;
    if (a->level <= 0)
        return INT64_MAX;
    if (t->plan->is_poisson)
        return later(a->next_ns, cit_rng_exponential(&a->rng) * 1e9 * t->run->nthreads / a->level);
    return later(a->base_ns, (double)n * 1e9 / a->level);
}

/* By thinning (Lewis and Shedler 1979): exact for rates that change. */
static int64_t random_next(struct cit__arrivals *a, const struct cit__thread *t)
{
    int64_t at = a->next_ns, end = t->plan->warm_ns + t->plan->length_ns;

    if (a->most <= 0)
        return INT64_MAX;
    do {
        at = later(at, cit_rng_exponential(&a->rng) * 1e9 * t->run->nthreads / a->most);
        if (at >= end)
            return INT64_MAX;
    } while (cit_rng_unit(&a->rng) * a->most >= cit_plan_level(t->plan, at - t->plan->warm_ns));
    return at;
}

static int64_t stages_next(struct cit__arrivals *a, const struct cit__thread *t)
{
    uint64_t n = a->n;
    int64_t at;

    if (t->plan->is_poisson)
        return random_next(a, t);
    a->n += t->run->nthreads;
    at = cit_plan_arrival_ns(t->plan, n);
    return at < INT64_MAX - t->plan->warm_ns ? at + t->plan->warm_ns : INT64_MAX;
}

static void step(struct cit__arrivals *a, const struct cit__thread *t)
{
    if (a->level >= 0) {
        int64_t at = steady_next(a, t);

        if (at < a->end_ns || a->end_ns == INT64_MAX) {
            a->next_ns = at;
            return;
        }
        a->level = -1; /* the warm-up is over */
        a->next_ns = a->end_ns;
        a->n = t->index;
    }
    a->next_ns = stages_next(a, t);
}

void cit__arrivals_level(struct cit__arrivals *a, const struct cit__thread *t, double level, int64_t at_ns)
{
    a->level = level > 0 ? level : 0;
    a->base_ns = a->next_ns = at_ns;
    a->end_ns = INT64_MAX;
    a->n = t->index;
    step(a, t);
}

void cit__arrivals_init(struct cit__arrivals *a, const struct cit__thread *t)
{
    *a = (struct cit__arrivals){ .level = -1, .n = t->index, .next_ns = t->plan->warm_ns, .end_ns = INT64_MAX };
    cit_rng_seed(&a->rng, t->plan->seed, UINT64_MAX - t->index);
    a->most = most_of(t->plan);
    if (t->plan->warm_ns > 0) {
        a->level = cit_plan_level(t->plan, 0);
        a->next_ns = 0;
        a->end_ns = t->plan->warm_ns;
    }
    step(a, t);
}

void cit__arrivals_fini(struct cit__arrivals *a)
{
    cit_free(a->line);
    a->line = NULL;
    a->count = a->cap = 0;
}

/* ---- the line ---- */

static bool line_grow(struct cit__arrivals *a)
{
    size_t cap = a->cap > 0 ? 2 * a->cap : 256;
    int64_t *line = cap <= CIT__LINE_LONGEST ? cit_realloc_array(a->line, cap, sizeof *line) : NULL;

    if (line == NULL)
        return false;
    /* what had wrapped round goes behind the old end, where there is as much room */
    for (size_t i = 0; i < a->first; i++)
        line[a->cap + i] = line[i];
    a->line = line;
    a->cap = cap;
    return true;
}

static bool line_add(struct cit__arrivals *a, int64_t at_ns)
{
    if (a->count == a->cap && !line_grow(a))
        return false;
    a->line[(a->first + a->count++) % a->cap] = at_ns;
    return true;
}

bool cit__arrivals_take(struct cit__arrivals *a, int64_t *intended_ns)
{
    if (a->count == 0)
        return false;
    *intended_ns = a->line[a->first];
    a->first = (a->first + 1) % a->cap;
    a->count--;
    return true;
}

/* ---- beginning ---- */

static struct cit__user *somebody(struct cit__thread *t)
{
    struct cit__user *u = NULL;

    if (t->nfree > 0)
        return t->free[--t->nfree];
    if (t->nusers < cit__users_most(t) && cit__user_new(t, &u) != CIT_OK && t->nusers == 0)
        cit__run_end(t->run, CIT_END_MEMORY);
    return u;
}

void cit__arrivals_turn(struct cit__thread *t)
{
    struct cit__arrivals *a = &t->arrivals;
    int64_t start = t->run->start_ns;

    while (a->next_ns <= t->now_ns - start) {
        int64_t at = a->next_ns;
        struct cit__user *u = a->count == 0 ? somebody(t) : NULL;

        step(a, t);
        if (u != NULL)
            cit__user_rouse(u, start + at);
        else if (!line_add(a, start + at))
            t->tally->not_begun++;
    }
}
