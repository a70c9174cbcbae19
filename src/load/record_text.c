/* load/record_text.c - a run as JSON: seconds, histograms, the summary. */
#include "load/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "load/json.h"
#include "load/report_int.h"

/* ---- a writer that remembers its first failure ---- */

struct out {
    struct cit_buf *buf;
    int err;
};

static void put(struct out *o, const char *text)
{
    if (o->err == CIT_OK)
        o->err = cit_buf_add_str(o->buf, text);
}

/* A comma, unless it would be the first thing inside or behind a name. */
static void separate(struct out *o)
{
    if (o->buf->len > 0 && strchr("{[:\n", o->buf->p[o->buf->len - 1]) == NULL)
        put(o, ",");
}

/* Opens an object or array, as a value or an element. */
static void open_with(struct out *o, const char *bracket)
{
    separate(o);
    put(o, bracket);
}

static void put_text(struct out *o, struct cit_slice text)
{
    separate(o);
    if (o->err == CIT_OK)
        o->err = cit_json_put(o->buf, text);
}

static void put_u64(struct out *o, uint64_t value)
{
    separate(o);
    if (o->err == CIT_OK)
        o->err = cit_buf_add_u64(o->buf, value);
}

static void put_number(struct out *o, double value, int places)
{
    separate(o);
    if (o->err == CIT_OK)
        o->err = cit__put_number(o->buf, value, places);
}

static void put_bool(struct out *o, bool value)
{
    separate(o);
    put(o, value ? "true" : "false");
}

static void name(struct out *o, const char *text)
{
    put_text(o, cit_slice_str(text));
    put(o, ":");
}

static void name_slice(struct out *o, struct cit_slice text)
{
    put_text(o, text);
    put(o, ":");
}

static void member_u64(struct out *o, const char *text, uint64_t value)
{
    name(o, text);
    put_u64(o, value);
}

static void member_number(struct out *o, const char *text, double value, int places)
{
    name(o, text);
    put_number(o, value, places);
}

static void member_text(struct out *o, const char *text, const char *value)
{
    name(o, text);
    put_text(o, cit_slice_str(value));
}

/* ---- numbers ---- */

int cit__put_number(struct cit_buf *out, double value, int places)
{
    char text[344]; /* DBL_MAX has 309 digits before the point */
    int n;

    if (!isfinite(value))
        return cit_buf_add_str(out, "null");
    n = snprintf(text, sizeof text, "%.*f", places, value);
    while (places > 0 && text[n - 1] == '0')
        n--;
    if (places > 0 && text[n - 1] == '.')
        n--;
    if (n == 2 && text[0] == '-' && text[1] == '0')
        return cit_buf_add(out, "0", 1);
    return cit_buf_add(out, text, (size_t)n);
}

int cit__put_ms(struct cit_buf *out, double ms)
{
    return cit__put_number(out, ms, ms < 1 ? 4 : 3);
}

/* ---- rows ---- */

static void put_codes(struct out *o, const struct cit_row *r)
{
    char code[16];

    name(o, "codes");
    open_with(o, "{");
    for (int i = 0; r->codes != NULL && i < CIT_STATUS_COUNT; i++) {
        if (r->codes[i] == 0)
            continue;
        (void)snprintf(code, sizeof code, "%d", i + CIT_STATUS_LEAST);
        member_u64(o, code, r->codes[i]);
    }
    put(o, "}");
}

static void put_faults(struct out *o, const struct cit_row *r)
{
    name(o, "errors_by_kind");
    open_with(o, "{");
    for (int f = 0; f < CIT_FAULT_KINDS; f++) {
        if (r->faults[f] > 0)
            member_u64(o, cit_fault_name((enum cit_fault)f), r->faults[f]);
    }
    put(o, "}");
}

static void put_times(struct out *o, const char *text, const struct cit_hist *h)
{
    name(o, text);
    open_with(o, "{");
    for (int i = 0; i < CIT__MEASURES; i++) {
        name(o, cit__measure_name((enum cit_threshold_kind)i));
        if (o->err == CIT_OK)
            o->err = cit__put_ms(o->buf, cit__measure_ms(h, (enum cit_threshold_kind)i));
    }
    put(o, "}");
}

static void put_row_members(struct out *o, const struct cit_row *r)
{
    member_u64(o, "requests", r->requests);
    member_u64(o, "errors", r->errors);
    member_u64(o, "bytes_in", r->bytes_in);
    member_u64(o, "bytes_out", r->bytes_out);
    put_codes(o, r);
    put_faults(o, r);
    put_times(o, "latency_ms", &r->latency);
    put_times(o, "service_ms", &r->service);
}

static void put_all_members(struct out *o, const struct cit_tally *t)
{
    struct cit_row all = { 0 };

    cit_tally_all(t, &all);
    put_row_members(o, &all);
    cit_row_fini(&all);
}

/* ---- histograms ---- */

static void put_cells(struct out *o, const char *text, const struct cit_hist *h)
{
    uint64_t from, to, n;
    uint32_t at = 0;

    name(o, text);
    open_with(o, "[");
    while ((n = cit_hist_next(h, &at, &from, &to)) > 0) {
        open_with(o, "[");
        put_u64(o, from);
        put_u64(o, n);
        put(o, "]");
    }
    put(o, "]");
}

static void put_both_cells(struct out *o, const struct cit_row *r)
{
    put_cells(o, "latency_us", &r->latency);
    put_cells(o, "service_us", &r->service);
}

int cit__histogram_lines(const struct cit_load_plan *plan, const struct cit_tally *tally, int64_t second,
                         struct cit_buf *out)
{
    struct out o = { out, CIT_OK };

    for (uint32_t i = 0; i < tally->nrows; i++) {
        if (tally->row[i].latency.count == 0)
            continue;
        put(&o, "{");
        member_number(&o, "second", second < 0 ? (double)NAN : (double)second, 0);
        name(&o, "step");
        put_text(&o, plan->row_name[i]);
        put_both_cells(&o, &tally->row[i]);
        put(&o, "}\n");
    }
    return o.err;
}

/* ---- seconds ---- */

static double seconds_of(int64_t ns)
{
    return (double)ns / (double)CIT_SEC_NS;
}

static void put_second_rows(struct out *o, const struct cit_load_plan *plan, const struct cit_tally *t)
{
    name(o, "all");
    open_with(o, "{");
    put_all_members(o, t);
    put(o, "}");
    name(o, "steps");
    open_with(o, "{");
    for (uint32_t i = 0; i < t->nrows; i++) {
        if (t->row[i].requests == 0)
            continue;
        name_slice(o, plan->row_name[i]);
        open_with(o, "{");
        put_row_members(o, &t->row[i]);
        put(o, "}");
    }
    put(o, "}");
}

static void put_second_histograms(struct out *o, const struct cit_load_plan *plan, const struct cit_tally *t)
{
    name(o, "histograms");
    open_with(o, "{");
    for (uint32_t i = 0; i < t->nrows; i++) {
        if (t->row[i].latency.count == 0)
            continue;
        name_slice(o, plan->row_name[i]);
        open_with(o, "{");
        put_both_cells(o, &t->row[i]);
        put(o, "}");
    }
    put(o, "}");
}

int cit__second_line(const struct cit_load_plan *plan, const struct cit_load_second *s, bool is_stream,
                     struct cit_buf *out)
{
    struct out o = { out, CIT_OK };
    const struct cit_tally *t = s->tally;

    put(&o, "{");
    if (is_stream)
        member_text(&o, "type", "second");
    member_u64(&o, "second", s->number);
    name(&o, "warm");
    put_bool(&o, s->is_warm);
    member_number(&o, "start", seconds_of(s->start_ns), 6);
    member_number(&o, "end", seconds_of(s->end_ns), 6);
    member_number(&o, "wanted", s->wanted, 3);
    member_u64(&o, "users", t->users);
    member_u64(&o, "waiting", t->waiting);
    member_u64(&o, "connects", t->connects);
    member_u64(&o, "rounds", t->rounds);
    member_u64(&o, "late", t->late);
    member_number(&o, "cpu", seconds_of(s->cpu_ns), 6);
    member_u64(&o, "rss", s->rss);
    put_second_rows(&o, plan, t);
    if (is_stream)
        put_second_histograms(&o, plan, t);
    put(&o, "}\n");
    return o.err;
}

/* ---- the run ---- */

static void put_what_runs(struct out *o, const struct cit_load_plan *plan)
{
    char target[CIT__TARGET_MAX];

    cit__target_text(plan, target);
    member_text(o, "citrate", CIT_VERSION);
    name(o, "title");
    put_text(o, plan->title);
    member_text(o, "target", target);
    member_text(o, "model", plan->is_open ? "rate" : "users");
    member_u64(o, "threads", plan->threads);
}

int cit__start_line(const struct cit_load_plan *plan, struct cit_buf *out)
{
    struct out o = { out, CIT_OK };

    put(&o, "{");
    member_text(&o, "type", "start");
    put_what_runs(&o, plan);
    member_number(&o, "planned_seconds", cit__planned_seconds(plan), 6);
    name(&o, "steps");
    open_with(&o, "[");
    for (uint32_t i = 0; i < plan->nrows; i++)
        put_text(&o, plan->row_name[i]);
    put(&o, "]}\n");
    return o.err;
}

/* ISO 8601 in UTC, to the millisecond. */
static void put_started(struct out *o, int64_t wall_ns)
{
    time_t second = (time_t)(wall_ns / CIT_SEC_NS);
    char text[64], milli[8];
    struct tm tm;

    if (gmtime_r(&second, &tm) == NULL || strftime(text, sizeof text - sizeof milli, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        text[0] = '\0';
    (void)snprintf(milli, sizeof milli, ".%03uZ", (unsigned)(wall_ns % CIT_SEC_NS / CIT_MS_NS) % 1000);
    memcpy(text + strlen(text), milli, sizeof milli);
    member_text(o, "started", text);
}

static void put_steps(struct out *o, const struct cit_load_plan *plan, const struct cit_tally *totals,
                      const struct cit_run_end *end)
{
    name(o, "steps");
    open_with(o, "{");
    for (uint32_t i = 0; i < totals->nrows; i++) {
        name_slice(o, plan->row_name[i]);
        open_with(o, "{");
        put_row_members(o, &totals->row[i]);
        member_number(o, "rate", cit__per_second(totals->row[i].requests, end), 3);
        put(o, "}");
    }
    put(o, "}");
}

static void put_examples_of(struct out *o, struct cit_slice step, const struct cit_row *r)
{
    for (int f = 0; r->examples != NULL && f < CIT_FAULT_KINDS; f++) {
        if (r->examples[f].text[0] == '\0')
            continue;
        open_with(o, "{");
        name(o, "step");
        put_text(o, step);
        member_text(o, "kind", cit_fault_name((enum cit_fault)f));
        member_text(o, "text", r->examples[f].text);
        put(o, "}");
    }
}

static void put_examples(struct out *o, const struct cit_load_plan *plan, const struct cit_tally *totals)
{
    name(o, "examples");
    open_with(o, "[");
    for (uint32_t i = 0; i < totals->nrows; i++)
        put_examples_of(o, plan->row_name[i], &totals->row[i]);
    put(o, "]");
}

static bool is_of_times(const struct cit_threshold *t)
{
    return t->kind <= CIT_THRESHOLD_MAX;
}

static void put_threshold(struct out *o, const struct cit_load_plan *plan, const struct cit_threshold *t,
                          const struct cit_tally *totals, const struct cit_run_end *end)
{
    double actual;
    int holds = cit_threshold_check(t, totals, end, &actual);

    open_with(o, "{");
    name(o, "step");
    if (t->step >= 0)
        put_text(o, plan->row_name[t->step]);
    else
        put(o, "null");
    member_text(o, "measure", cit__measure_name(t->kind));
    if (is_of_times(t))
        member_text(o, "of", t->is_service ? "service" : "latency");
    member_number(o, "limit", t->limit, 6);
    member_number(o, "actual", actual, 6);
    name(o, "holds");
    put_bool(o, holds != 0);
    put(o, "}");
}

static void put_thresholds(struct out *o, const struct cit_load_plan *plan, const struct cit_tally *totals,
                           const struct cit_run_end *end)
{
    name(o, "thresholds");
    open_with(o, "[");
    for (uint32_t i = 0; i < plan->nthresholds; i++)
        put_threshold(o, plan, &plan->thresholds[i], totals, end);
    put(o, "]");
}

static void put_generator(struct out *o, const struct cit_load_plan *plan, const struct cit_run_end *end,
                          uint64_t requests)
{
    double cpu_us = (double)end->cpu_ns / 1e3;

    name(o, "generator");
    open_with(o, "{");
    member_number(o, "cpu_seconds", seconds_of(end->cpu_ns), 6);
    member_number(o, "share", cit__generator_share(plan, end), 4);
    member_number(o, "cpu_us_per_request", requests > 0 ? cpu_us / (double)requests : (double)NAN, 3);
    member_u64(o, "threads", plan->threads);
    member_u64(o, "rss", end->rss);
    put(o, "}");
}

static uint64_t requests_of(const struct cit_tally *t)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < t->nrows; i++)
        sum += t->row[i].requests;
    return sum;
}

/* What is counted over all steps. */
static void put_totals(struct out *o, const struct cit_tally *totals, const struct cit_run_end *end)
{
    put_all_members(o, totals);
    member_number(o, "seconds", seconds_of(end->measured_ns), 6);
    member_number(o, "rate", cit__per_second(requests_of(totals), end), 3);
    member_u64(o, "connects", totals->connects);
    member_u64(o, "rounds", totals->rounds);
    member_u64(o, "late", totals->late);
    member_u64(o, "unfinished", totals->unfinished);
    member_u64(o, "not_begun", totals->not_begun);
}

struct run {
    const struct cit_load_plan *plan;
    const struct cit_tally *totals;
    const struct cit_run_end *end;
    const char *state;
};

static void put_run(struct out *o, const struct run *run)
{
    bool is_running = strcmp(run->state, "running") == 0;

    put_what_runs(o, run->plan);
    member_text(o, "state", run->state);
    name(o, "end");
    if (is_running)
        put(o, "null");
    else
        put_text(o, cit_slice_str(cit__end_name(run->end->why)));
    put_started(o, run->end->started_wall_ns);
    put_totals(o, run->totals, run->end);
    put_steps(o, run->plan, run->totals, run->end);
    put_examples(o, run->plan, run->totals);
    put_thresholds(o, run->plan, run->totals, run->end);
    put_generator(o, run->plan, run->end, requests_of(run->totals));
}

int cit_record_summary(const struct cit_load_plan *plan, const struct cit_tally *totals, const struct cit_run_end *end,
                       const char *state, struct cit_buf *out)
{
    struct out o = { out, CIT_OK };

    put(&o, "{");
    put_run(&o, &(struct run){ plan, totals, end, state });
    put(&o, "}\n");
    return o.err;
}

int cit__end_line(const struct cit_load_plan *plan, const struct cit_tally *totals, const struct cit_run_end *end,
                  struct cit_buf *out)
{
    struct out o = { out, CIT_OK };

    put(&o, "{");
    member_text(&o, "type", "end");
    put_run(&o, &(struct run){ plan, totals, end, cit__end_state(end->why) });
    put(&o, "}\n");
    return o.err;
}
