/* load/plan_limit.c - what has to hold: thresholds, and errors that end a run. */
#include "load/plan_int.h"

#include <string.h>

#include "base/clock.h"
#include "load/journey_int.h"

#define WINDOW_DEFAULT_NS (10 * CIT_SEC_NS)
#define RATE_MAX 1e9
#define FIRST_ERROR 1e-12

/* ---- [stop] ---- */

struct stop {
    double errors;
    int64_t window_ns;
};

static const struct cit__member stop_members[] = {
    { .name = "errors", .kind = CIT__PLAN_SHARE, .offset = offsetof(struct stop, errors) },
    { .name = "window", .kind = CIT__PLAN_TIME, .offset = offsetof(struct stop, window_ns) },
};

int cit__plan_stop(struct cit__plan *p, const struct cit__item *it, void *into)
{
    const struct cit__members members = { stop_members, sizeof stop_members / sizeof *stop_members };
    struct stop stop = { .errors = -1, .window_ns = WINDOW_DEFAULT_NS };
    struct cit_load_plan *plan = into;
    int err = cit__plan_table(p, it, members, &stop);

    if (err != CIT_OK)
        return err;
    if (stop.errors < 0)
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "says not at which share of errors: errors is missing");
    if (stop.window_ns < CIT_SEC_NS)
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "the window is shorter than 1s");
    plan->stop_errors = stop.errors > 0 ? stop.errors : FIRST_ERROR; /* for a run 0 is never */
    plan->stop_window_ns = stop.window_ns;
    return CIT_OK;
}

/* ---- thresholds ---- */

enum { MEASURES = CIT_THRESHOLD_RATE + 1 };

struct threshold_items {
    struct cit__item measure[MEASURES], step, of;
};

static const struct cit__member threshold_members[] = {
    { .name = "mean",
      .kind = CIT__PLAN_LATER,
      .offset = offsetof(struct threshold_items, measure[CIT_THRESHOLD_MEAN]) },
    { .name = "p50", .kind = CIT__PLAN_LATER, .offset = offsetof(struct threshold_items, measure[CIT_THRESHOLD_P50]) },
    { .name = "p90", .kind = CIT__PLAN_LATER, .offset = offsetof(struct threshold_items, measure[CIT_THRESHOLD_P90]) },
    { .name = "p95", .kind = CIT__PLAN_LATER, .offset = offsetof(struct threshold_items, measure[CIT_THRESHOLD_P95]) },
    { .name = "p99", .kind = CIT__PLAN_LATER, .offset = offsetof(struct threshold_items, measure[CIT_THRESHOLD_P99]) },
    { .name = "p999",
      .kind = CIT__PLAN_LATER,
      .offset = offsetof(struct threshold_items, measure[CIT_THRESHOLD_P999]) },
    { .name = "max", .kind = CIT__PLAN_LATER, .offset = offsetof(struct threshold_items, measure[CIT_THRESHOLD_MAX]) },
    { .name = "errors",
      .kind = CIT__PLAN_LATER,
      .offset = offsetof(struct threshold_items, measure[CIT_THRESHOLD_ERRORS]) },
    { .name = "rate",
      .kind = CIT__PLAN_LATER,
      .offset = offsetof(struct threshold_items, measure[CIT_THRESHOLD_RATE]) },
    { .name = "step", .kind = CIT__PLAN_LATER, .offset = offsetof(struct threshold_items, step) },
    { .name = "of", .kind = CIT__PLAN_LATER, .offset = offsetof(struct threshold_items, of) },
};

/* A fault that names the nearest step there is. */
static int no_step(struct cit__plan *p, const struct cit__item *it, struct cit_slice name)
{
    const struct cit_load_plan *plan = p->plan;
    const char **names;
    int near, err;

    names = cit__plan_take(p, plan->nrows, sizeof *names, &err);
    if (names == NULL)
        return err;
    for (uint32_t i = 0; i < plan->nrows; i++) {
        names[i] = cit_arena_copy(&p->plan->arena, plan->row_name[i]).p;
        if (names[i] == NULL)
            return CIT_ENOMEM;
    }
    near = cit__hurl_nearest(name, names, (int)plan->nrows);
    if (near >= 0)
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "no step is called %s; did you mean %s?",
                               cit__plan_quoted(name).text, cit__plan_quoted(plan->row_name[near]).text);
    return cit__plan_wrong(p, it->place, CIT_EINVAL, "no step is called %s", cit__plan_quoted(name).text);
}

static int find_step(struct cit__plan *p, const struct cit__item *it, int64_t *out)
{
    const struct cit__member text = { .kind = CIT__PLAN_TEXT };
    struct cit_slice name = { 0 };
    int err;

    *out = -1;
    if (it->node == NULL)
        return CIT_OK;
    err = cit__plan_value(p, it, &text, &name);
    for (uint32_t i = 0; i < p->plan->nrows && err == CIT_OK; i++)
        if (cit_slice_eq(p->plan->row_name[i], name))
            *out = i;
    return err == CIT_OK && *out < 0 ? no_step(p, it, name) : err;
}

/* In milliseconds.  A number alone would be seconds, as everywhere in a plan, and is seldom meant so here. */
static int read_time_limit(struct cit__plan *p, const struct cit__item *it, double *out)
{
    const struct cit__member time = { .kind = CIT__PLAN_TIME };
    struct cit_slice text = it->node->text;
    int64_t ns = 0;
    int err = cit__plan_value(p, it, &time, &ns);

    if (err != CIT_OK)
        return err;
    if (ns > 0 && text.p[text.n - 1] >= '0' && text.p[text.n - 1] <= '9')
        return cit__plan_bad(p, it, "has no unit; write \"200ms\" or \"2s\"");
    *out = (double)ns / 1e6;
    return CIT_OK;
}

static int read_limit(struct cit__plan *p, const struct cit__item *it, enum cit_threshold_kind kind, double *out)
{
    const struct cit__member share = { .kind = CIT__PLAN_SHARE };
    const struct cit__member rate = { .kind = CIT__PLAN_NUMBER, .least = 0, .most = RATE_MAX };

    if (kind == CIT_THRESHOLD_ERRORS)
        return cit__plan_value(p, it, &share, out);
    return kind == CIT_THRESHOLD_RATE ? cit__plan_value(p, it, &rate, out) : read_time_limit(p, it, out);
}

/* One table may say several things. */
static int read_threshold(struct cit__plan *p, const struct cit__item *it)
{
    static const char *const times[] = { "latency", "service" };
    const struct cit__members members = { threshold_members, sizeof threshold_members / sizeof *threshold_members };
    struct threshold_items items = { 0 };
    int64_t step = -1;
    int of = 0, said = 0, err = cit__plan_table(p, it, members, &items);

    if (err == CIT_OK)
        err = find_step(p, &items.step, &step);
    if (err == CIT_OK && items.of.node != NULL)
        err = cit__plan_word(p, &items.of, times, 2, &of);
    for (int kind = 0; kind < MEASURES && err == CIT_OK; kind++) {
        struct cit_threshold t = { .step = step, .kind = (enum cit_threshold_kind)kind, .is_service = of == 1 };

        if (items.measure[kind].node == NULL)
            continue;
        said++;
        err = read_limit(p, &items.measure[kind], t.kind, &t.limit);
        p->plan->thresholds[p->plan->nthresholds++] = t;
    }
    if (err == CIT_OK && said == 0)
        return cit__plan_wrong(p, it->place, CIT_EINVAL,
                               "says nothing: mean, p50, p90, p95, p99, p999, max, errors or rate");
    return err;
}

int cit__plan_thresholds(struct cit__plan *p)
{
    const struct cit__item *it = &p->thresholds;
    uint32_t at = 0;
    int err;

    if (it->node == NULL)
        return CIT_OK;
    err = cit__plan_list(p, it);
    if (err != CIT_OK)
        return err;
    p->plan->thresholds = cit__plan_take(p, (size_t)it->node->count * MEASURES, sizeof *p->plan->thresholds, &err);
    for (const struct cit_json_node *n = it->node->first; n != NULL && err == CIT_OK; n = n->next) {
        struct cit__item child = cit__plan_element(it, n, at++);

        err = read_threshold(p, &child);
    }
    return err;
}
