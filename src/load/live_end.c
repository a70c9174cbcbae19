/* load/live_end.c - the summary for people at the end of a run. */
#include "load/live.h"

#include <stdio.h>
#include <string.h>

#include "load/live_int.h"
#include "load/record.h"

#define BUSY_SHARE 0.9 /* of its threads' time: from here on the generator may be what was measured */

static const char *why_text(enum cit_end why)
{
    switch (why) {
    case CIT_END_TIME:
    case CIT_END_REQUESTS:
        return NULL;
    case CIT_END_USERS:
        return "It ended when every user had stopped: the table of users had no lines left.";
    case CIT_END_STOPPED:
        return "It was stopped before its end.";
    case CIT_END_ERRORS:
        return "It was ended by its share of errors.";
    case CIT_END_MEMORY:
        return "It was ended because there was no memory left.";
    }
    return NULL;
}

static void put_heading(struct cit__page *p, const struct cit_load_plan *plan, const struct cit_run_end *end)
{
    char title[CIT__LINE_MAX];

    cit__title_text(plan, title);
    cit__line(p, CIT__PLAIN, "%s", "");
    cit__line(p, CIT__BOLD, "%s", title);
    if (why_text(end->why) != NULL)
        cit__line(p, CIT__WARN, "%s", why_text(end->why));
}

static void put_totals(struct cit__page *p, const struct cit_tally *totals, const struct cit_row *all,
                       const struct cit_run_end *end)
{
    cit__line(p, CIT__PLAIN, "%s requests in %s, %s /s; %s connections made, %s in, %s out",
              cit__count_text(all->requests).text, cit__seconds_text(end->measured_ns).text,
              cit__rate_text(cit__per_second(all->requests, end)).text, cit__count_text(totals->connects).text,
              cit__bytes_text(all->bytes_in).text, cit__bytes_text(all->bytes_out).text);
    if (totals->unfinished > 0)
        cit__line(p, CIT__WARN, "%s requests had no answer yet when it ended, and are in no other count.",
                  cit__count_text(totals->unfinished).text);
    if (totals->late > 0)
        cit__line(p, CIT__WARN, "%s journeys began more than 1 ms late, since no user was free; their latency tells.",
                  cit__count_text(totals->late).text);
    if (totals->not_begun > 0)
        cit__line(p, CIT__WARN, "%s journeys were never begun: no user was free for them.",
                  cit__count_text(totals->not_begun).text);
}

/* A line of percentiles, as the table has them in columns. */
static void put_times(struct cit__page *p, const char *name, const struct cit_hist *h)
{
    char line[CIT__LINE_MAX] = "";

    for (int i = 0; i < CIT__MEASURES; i++) {
        size_t n = strlen(line);

        (void)snprintf(line + n, sizeof line - n, "  %s %s", cit__measure_name((enum cit_threshold_kind)i),
                       cit__ms_text(cit__measure_ms(h, (enum cit_threshold_kind)i)).text);
    }
    cit__line(p, CIT__PLAIN, "%-9s%s", name, line);
}

static void put_all(struct cit__page *p, const struct cit_row *all)
{
    char codes[CIT__LINE_MAX];

    cit__codes_text(all, codes);
    put_times(p, "latency", &all->latency);
    put_times(p, "service", &all->service);
    cit__line(p, CIT__DIM, "%s", "latency counts from when a request was meant to begin, service from its first byte");
    cit__line(p, CIT__PLAIN, "%-9s  %s", "codes", codes);
    if (all->errors == 0)
        cit__line(p, CIT__GOOD, "%-9s  none", "errors");
    else
        cit__line(p, CIT__BAD, "%-9s  %s, %s", "errors", cit__count_text(all->errors).text,
                  cit__share_text((double)all->errors / (double)all->requests).text);
}

static void put_errors_of(struct cit__page *p, struct cit_slice name, const struct cit_row *r)
{
    for (int f = 0; f < CIT_FAULT_KINDS; f++) {
        enum cit_fault fault = (enum cit_fault)f;

        if (r->faults[f] == 0)
            continue;
        cit__line(p, CIT__PLAIN, "  %.*s: %s %s: %s", CIT_SLICE_ARG(name), cit__count_text(r->faults[f]).text,
                  cit_fault_name(fault), cit_fault_text(fault));
        if (r->examples != NULL && r->examples[f].text[0] != '\0')
            cit__line(p, CIT__DIM, "    %s", r->examples[f].text);
    }
}

/* "12.3 ms", "1.5 %" or "100 /s", by what a threshold is about. */
static struct cit__word value_text(const struct cit_threshold *t, double value)
{
    struct cit__word w;

    if (t->kind == CIT_THRESHOLD_ERRORS)
        return value == value ? cit__share_text(value) : cit__ms_text(value);
    if (t->kind != CIT_THRESHOLD_RATE)
        return cit__ms_text(value);
    (void)snprintf(w.text, sizeof w.text, "%.20s /s", cit__rate_text(value).text);
    return w;
}

static void put_threshold(struct cit__page *p, const struct cit_load_plan *plan, const struct cit_threshold *t,
                          const struct cit_tally *totals, const struct cit_run_end *end)
{
    struct cit_slice step = t->step >= 0 ? plan->row_name[t->step] : CIT_SLICE_LIT("all requests");
    const char *of = t->kind > CIT_THRESHOLD_MAX ? "" : t->is_service ? " of service" : " of latency";
    double actual;
    bool holds = cit_threshold_check(t, totals, end, &actual) != 0;

    cit__line(p, holds ? CIT__GOOD : CIT__BAD, "  %s  %.*s: %s%s %s, at %s %s allowed", holds ? "holds " : "BROKEN",
              CIT_SLICE_ARG(step), cit__measure_name(t->kind), of, value_text(t, actual).text,
              t->kind == CIT_THRESHOLD_RATE ? "least" : "most", value_text(t, t->limit).text);
}

static void put_generator(struct cit__page *p, const struct cit_load_plan *plan, const struct cit_run_end *end)
{
    double share = cit__generator_share(plan, end);

    cit__line(p, CIT__DIM, "the generator used %s of CPU time, %s of its %u thread%s",
              cit__seconds_text(end->cpu_ns).text, cit__share_text(share).text, plan->threads,
              plan->threads == 1 ? "" : "s");
    if (share > BUSY_SHARE)
        cit__line(p, CIT__WARN, "%s",
                  "The generator was as busy as it can be: it may have been the limit, not the server.");
}

static void put_measured(struct cit__page *p, const struct cit_load_plan *plan, const struct cit_tally *totals,
                         const struct cit_row *all, const struct cit_run_end *end)
{
    struct cit__table table = { plan, totals, end, NULL, totals->nrows };

    cit__line(p, CIT__PLAIN, "%s", "");
    cit__table(p, &table);
    cit__line(p, CIT__PLAIN, "%s", "");
    put_all(p, all);
    for (uint32_t i = 0; i < totals->nrows; i++)
        put_errors_of(p, plan->row_name[i], &totals->row[i]);
}

void cit__summary(struct cit__page *p, const struct cit_load_plan *plan, const struct cit_tally *totals,
                  const struct cit_run_end *end)
{
    struct cit_row all = { 0 };

    cit_tally_all(totals, &all);
    put_heading(p, plan, end);
    put_totals(p, totals, &all, end);
    if (all.requests > 0)
        put_measured(p, plan, totals, &all, end);
    else
        cit__line(p, CIT__BAD, "%s", "Nothing was measured: no request came to its end.");
    if (plan->nthresholds > 0)
        cit__line(p, CIT__BOLD, "%s", "thresholds");
    for (uint32_t i = 0; i < plan->nthresholds; i++)
        put_threshold(p, plan, &plan->thresholds[i], totals, end);
    put_generator(p, plan, end);
    cit_row_fini(&all);
}
