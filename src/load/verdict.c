/* load/verdict.c - what an answer is worth: status, captures, asserts, size. */
#include <stdio.h>

#include "load/engine_int.h"

enum { SIZES_FIRST = 10 /* good answers before sizes are compared */, SIZES_MEMORY = 32 };

static bool is_status_right(const struct cit_step *step, int status)
{
    if (step->status != 0)
        return step->status == -1 || step->status == status;
    return status >= 200 && status < 400;
}

static enum cit_fault check_head(struct cit__user *u)
{
    const struct cit_step *step = u->prep->step;
    char *why = u->t->why;

    if (!is_status_right(step, u->status)) {
        if (step->status > 0)
            (void)snprintf(why, CIT__WHY, "status %d, expected %d", u->status, step->status);
        else
            (void)snprintf(why, CIT__WHY, "status %d, expected 2xx or 3xx", u->status);
        return CIT_FAULT_STATUS;
    }
    if (step->has_answer && step->minor >= 0 && step->minor != u->minor) {
        (void)snprintf(why, CIT__WHY, "HTTP/1.%d, expected HTTP/1.%d", u->minor, step->minor);
        return CIT_FAULT_ASSERT;
    }
    return CIT_FAULT_NONE;
}

/* ---- captures ---- */

static enum cit_fault capture(struct cit__user *u, const struct cit_page *page, const struct cit_capture *c)
{
    struct cit__thread *t = u->t;
    struct cit_value value = { 0 };
    struct cit_slice text = { NULL, 0 };
    int err = cit_query_run(c->query, page, &t->scratch, &value);

    if (err == CIT_OK && value.kind == CIT_VALUE_NONE) {
        (void)snprintf(t->scratch.why, sizeof t->scratch.why, "found nothing");
        err = CIT_EINVAL;
    }
    if (err == CIT_OK)
        err = cit_value_text(&value, &t->scratch, &text);
    if (err == CIT_OK)
        err = cit__value_set(u, c->var, text);
    if (err == CIT_OK) {
        if (t->dry != NULL)
            cit__dry_captured(t, c, text);
        return CIT_FAULT_NONE;
    }
    (void)snprintf(t->why, sizeof t->why, "line %u: the capture %.*s: %s", (unsigned)c->line, CIT_SLICE_ARG(c->name),
                   err == CIT_ENOMEM ? cit_err_text(err) : t->scratch.why);
    return err == CIT_ENOMEM ? CIT_FAULT_LOCAL : CIT_FAULT_CAPTURE;
}

static enum cit_fault check_captures(struct cit__user *u, const struct cit_page *page)
{
    const struct cit_step *step = u->prep->step;
    enum cit_fault fault = CIT_FAULT_NONE;

    for (uint32_t i = 0; i < step->ncaptures && fault == CIT_FAULT_NONE; i++)
        fault = capture(u, page, &step->captures[i]);
    return fault;
}

/* ---- asserts ---- */

static void tell_assert(struct cit__thread *t, const struct cit_assert *as, int held)
{
    (void)snprintf(t->why, sizeof t->why, "line %u: %.*s: %s", (unsigned)as->line,
                   (int)(as->source.n < 120 ? as->source.n : 120), as->source.p,
                   held == CIT_ENOMEM ? cit_err_text(held) : t->scratch.why);
}

/* All of them, in a dry run; else up to the first that does not hold. */
static enum cit_fault check_asserts(struct cit__user *u, const struct cit_page *page)
{
    const struct cit_step *step = u->prep->step;
    struct cit__thread *t = u->t;
    enum cit_fault fault = CIT_FAULT_NONE;

    for (uint32_t i = 0; i < step->nasserts && (fault == CIT_FAULT_NONE || t->dry != NULL); i++) {
        int held = cit_assert_check(&step->asserts[i], page, &t->scratch);

        if (held == 1)
            continue;
        tell_assert(t, &step->asserts[i], held);
        fault = held == CIT_ENOMEM ? CIT_FAULT_LOCAL : CIT_FAULT_ASSERT;
        if (t->dry != NULL)
            cit__dry_failed(t);
    }
    return fault;
}

/* ---- sizes ---- */

static bool has_size(const struct cit__user *u)
{
    return u->prep->step->size == CIT_SIZE_STEADY && u->prep->step->nasserts == 0 && u->status != 204 &&
           u->status != 304 && !cit_slice_eq(u->req.method, CIT_SLICE_LIT("HEAD"));
}

/* A page that shrinks to less than half of what it was is an error page, whatever its status says. */
static enum cit_fault check_size(struct cit__user *u)
{
    struct cit__prep *p = u->prep;
    double size = (double)u->body_bytes;

    if (!has_size(u))
        return CIT_FAULT_NONE;
    if (p->sizes >= SIZES_FIRST && size < p->usual / 2) {
        (void)snprintf(u->t->why, CIT__WHY, "status %d with %.0f bytes, usually %.0f", u->status, size, p->usual);
        return CIT_FAULT_SIZE;
    }
    p->sizes++;
    p->usual += (size - p->usual) / (double)(p->sizes < SIZES_MEMORY ? p->sizes : SIZES_MEMORY);
    return CIT_FAULT_NONE;
}

enum cit_fault cit__verdict(struct cit__user *u, const struct cit_page *page)
{
    enum cit_fault fault = check_head(u);

    if (fault == CIT_FAULT_NONE && u->prep->needs_page) {
        cit_arena_reset(&u->t->scratch.arena);
        fault = check_captures(u, page);
        if (fault == CIT_FAULT_NONE)
            fault = check_asserts(u, page);
        u->t->now_ns = cit_clock_now_ns(); /* what that took is not the next request's time */
    }
    return fault == CIT_FAULT_NONE ? check_size(u) : fault;
}
