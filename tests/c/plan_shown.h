/* tests/c/plan_shown.h - a plan as lines of text, one for each thing it says, for comparison with vectors.
 *
 *      "users 10 for 10s"   "timeout 30s"   "threshold all p95 <= 200ms of latency"   ...
 */
#ifndef CIT_TESTS_PLAN_SHOWN_H
#define CIT_TESTS_PLAN_SHOWN_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "load/plan.h"

struct shown {
    struct cit_buf text; /* "line\nline\n" */
    bool is_whole;
};

static void say(struct shown *s, const char *fmt, ...) CIT_PRINTF(2, 3);

static void say(struct shown *s, const char *fmt, ...)
{
    char text[1000];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    s->is_whole = cit_buf_add_str(&s->text, text) == CIT_OK && s->is_whole;
}

static const char *time_of(int64_t ns)
{
    static char text[4][CIT_UNITS_TEXT_MAX];
    static int at;

    at = (at + 1) % 4;
    cit_units_time_text(ns, text[at]);
    return text[at];
}

static void say_dist(struct shown *s, const char *what, const struct cit_dist *d)
{
    static const char *const kinds[] = { "fixed", "uniform", "exponential", "normal" };

    say(s, "%s %s %s %s\n", what, kinds[d->kind], time_of(d->a_ns), time_of(d->b_ns));
}

static void say_stages(struct shown *s, const struct cit_load_plan *p)
{
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct cit_stage *st = &p->stages[i];

        say(s, "%s %g", p->is_open ? "rate" : "users", st->to);
        if (st->every_ns > 0)
            say(s, " step %g every %s", st->step, time_of(st->every_ns));
        say(s, " %s %s\n", st->is_ramp ? "over" : "for", time_of(st->length_ns));
    }
    say(s, "%s\nlength %s\nmax_users %u\n", p->is_poisson ? "poisson" : "even", time_of(p->length_ns), p->max_users);
}

static void say_limits(struct shown *s, const struct cit_load_plan *p)
{
    static const char *const measures[] = { "mean", "p50", "p90", "p95", "p99", "p999", "max", "errors", "rate" };

    say(s, "requests %" PRIu64 "\nthreads %u\nseed %" PRIu64 "\n", p->max_requests, p->threads, p->seed);
    say(s, "warm %s\ngrace %s\n", time_of(p->warm_ns), time_of(p->grace_ns));
    say(s, "timeout %s\nconnect_timeout %s\n", time_of(p->timeout_ns), time_of(p->connect_timeout_ns));
    say(s, "max_body %" PRIu64 "\n%s\ncacert %.*s\n", p->max_body, p->is_tls_checked ? "checked" : "insecure",
        CIT_SLICE_ARG(p->ca_file));
    say(s, "stop %g in %s\n", p->stop_errors, time_of(p->stop_window_ns));
    for (uint32_t i = 0; i < p->nthresholds; i++) {
        const struct cit_threshold *t = &p->thresholds[i];
        struct cit_slice step = t->step >= 0 ? p->row_name[t->step] : CIT_SLICE_LIT("all");

        say(s, "threshold %.*s %s %g of %s\n", CIT_SLICE_ARG(step), measures[t->kind], t->limit,
            t->is_service ? "service" : "latency");
    }
}

static struct cit_slice fixed_of(const struct cit_tmpl *t)
{
    struct cit_slice text = CIT_SLICE_LIT("{{}}");

    (void)cit_tmpl_is_fixed(t, &text);
    return text;
}

static void say_pairs(struct shown *s, const char *what, const struct cit_pair *pairs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct cit_slice name = fixed_of(&pairs[i].name), value = fixed_of(&pairs[i].value);

        say(s, "%s %.*s: %.*s\n", what, CIT_SLICE_ARG(name), CIT_SLICE_ARG(value));
    }
}

static void say_users(struct shown *s, const struct cit_load_plan *p)
{
    for (uint32_t i = 0; i < p->users.ncolumns; i++) {
        struct cit_slice name = p->names.at[p->user_var[i]], first = cit_csv_cell(&p->users, 0, i);

        say(s, "column %.*s: %.*s\n", CIT_SLICE_ARG(name), CIT_SLICE_ARG(first));
    }
    say(s, "lines %u\nwhen_out %s\n", p->users.lines, p->when_out == CIT_OUT_STOP ? "stop" : "again");
    say_pairs(s, "variable", p->variables, p->nvariables);
    say_pairs(s, "header", p->headers, p->nheaders);
    say_dist(s, "think", &p->think);
    say(s, "cookies %s\n%s\n", p->keeps_cookies ? "keep" : "fresh", p->keeps_alive ? "keep-alive" : "no keep-alive");
}

static void say_journeys(struct shown *s, const struct cit_load_plan *p)
{
    for (uint32_t i = 0; i < p->njourneys; i++) {
        const struct cit_journey *j = &p->journeys[i];

        say(s, "journey %.*s weight %u\n", CIT_SLICE_ARG(j->name), j->weight);
        if (j->has_think)
            say_dist(s, "think of it", &j->think);
        for (uint32_t k = 0; k < j->nsteps; k++) {
            const struct cit_step *st = &j->steps[k];
            struct cit_slice url = fixed_of(&st->url), row = p->row_name[p->row_of[p->journey_first[i] + k]];

            say(s, "step %.*s: %.*s %.*s%s\n", CIT_SLICE_ARG(row), CIT_SLICE_ARG(st->method), CIT_SLICE_ARG(url),
                st->follow ? " follow" : "");
        }
    }
    say(s, "rows %u\n", p->nrows);
}

/* The caller ends it with cit_buf_fini. */
static struct shown plan_shown(const struct cit_load_plan *p)
{
    struct shown s = { .is_whole = true };

    cit_buf_init(&s.text, 1 << 20);
    say(&s, "title %.*s\ntarget %.*s://%.*s\n", CIT_SLICE_ARG(p->title), CIT_SLICE_ARG(p->target.scheme),
        CIT_SLICE_ARG(p->target.authority));
    say_journeys(&s, p);
    say_stages(&s, p);
    say_users(&s, p);
    say_limits(&s, p);
    return s;
}

/* Whether a line is one of them. */
static bool shown_has(const struct shown *s, struct cit_slice line)
{
    for (size_t at = 0; at < s->text.len;) {
        const char *end = memchr(s->text.p + at, '\n', s->text.len - at);
        size_t n = (size_t)(end - s->text.p) - at;

        if (cit_slice_eq(cit_slice(s->text.p + at, n), line))
            return true;
        at += n + 1;
    }
    return false;
}

#endif
