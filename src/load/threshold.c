/* load/threshold.c - what is measured of a run, and whether it keeps its thresholds. */
#include "load/record.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "load/report_int.h"

static const struct {
    const char *name;
    double share; /* of the times that do not pass it; -1: not such a measure */
} measures[] = {
    [CIT_THRESHOLD_MEAN] = { "mean", -1 }, [CIT_THRESHOLD_P50] = { "p50", 0.5 },
    [CIT_THRESHOLD_P90] = { "p90", 0.9 },  [CIT_THRESHOLD_P95] = { "p95", 0.95 },
    [CIT_THRESHOLD_P99] = { "p99", 0.99 }, [CIT_THRESHOLD_P999] = { "p999", 0.999 },
    [CIT_THRESHOLD_MAX] = { "max", 1 },    [CIT_THRESHOLD_ERRORS] = { "errors", -1 },
    [CIT_THRESHOLD_RATE] = { "rate", -1 },
};

const char *cit__measure_name(enum cit_threshold_kind kind)
{
    return measures[kind].name;
}

double cit__measure_ms(const struct cit_hist *h, enum cit_threshold_kind kind)
{
    if (h->count == 0)
        return (double)NAN;
    return kind == CIT_THRESHOLD_MEAN ? cit_hist_mean_ms(h) : cit_hist_ms_at(h, measures[kind].share);
}

double cit__per_second(uint64_t n, const struct cit_run_end *end)
{
    return end->measured_ns > 0 ? (double)n / ((double)end->measured_ns / 1e9) : 0;
}

/* A plan without an end in time has the longest there is. */
double cit__planned_seconds(const struct cit_load_plan *plan)
{
    const int64_t longest_ns = 1000 * 3600 * CIT_SEC_NS;

    return plan->length_ns < longest_ns ? (double)(plan->warm_ns + plan->length_ns) / (double)CIT_SEC_NS : 0;
}

double cit__generator_share(const struct cit_load_plan *plan, const struct cit_run_end *end)
{
    double all_ns = (double)end->measured_ns * plan->threads;

    return all_ns > 0 ? (double)end->cpu_ns / all_ns : 0;
}

static const struct {
    const char *name, *state;
} ends[] = {
    [CIT_END_TIME] = { "time", "finished" },   [CIT_END_REQUESTS] = { "requests", "finished" },
    [CIT_END_USERS] = { "users", "finished" }, [CIT_END_STOPPED] = { "stopped", "stopped" },
    [CIT_END_ERRORS] = { "errors", "failed" }, [CIT_END_MEMORY] = { "memory", "failed" },
};

const char *cit__end_state(enum cit_end why)
{
    return ends[why].state;
}

const char *cit__end_name(enum cit_end why)
{
    return ends[why].name;
}

void cit__target_text(const struct cit_load_plan *plan, char out[CIT__TARGET_MAX])
{
    const struct cit_target *t = &plan->target;
    const struct cit_addr *a = t->addr;

    if (t->naddrs > 0 && (a->kind == CIT_ADDR_UNIX || a->kind == CIT_ADDR_ABSTRACT))
        cit_addr_text((const struct sockaddr *)&a->sa, a->len, out);
    else
        (void)snprintf(out, CIT__TARGET_MAX, "%.*s://%.*s", CIT_SLICE_ARG(t->scheme), CIT_SLICE_ARG(t->authority));
}

/* What the threshold is about, in this row; NAN when nothing was measured. */
static double actual_of(const struct cit_threshold *t, const struct cit_row *r, const struct cit_run_end *end)
{
    if (t->kind == CIT_THRESHOLD_RATE)
        return cit__per_second(r->requests - r->errors, end);
    if (t->kind == CIT_THRESHOLD_ERRORS)
        return r->requests > 0 ? (double)r->errors / (double)r->requests : (double)NAN;
    return cit__measure_ms(t->is_service ? &r->service : &r->latency, t->kind);
}

/* Comparisons with NAN are false: what was not measured does not hold. */
int cit_threshold_check(const struct cit_threshold *t, const struct cit_tally *totals, const struct cit_run_end *end,
                        double *actual)
{
    struct cit_row all = { 0 };

    if (t->step < 0)
        cit_tally_all(totals, &all);
    *actual = actual_of(t, t->step < 0 ? &all : &totals->row[t->step], end);
    cit_row_fini(&all);
    return t->kind == CIT_THRESHOLD_RATE ? *actual >= t->limit : *actual <= t->limit;
}
