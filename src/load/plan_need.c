/* load/plan_need.c - that each variable a plan reads is one that somebody sets. */
#include <stdio.h>

#include "load/journey_int.h"
#include "load/plan_int.h"

enum { NEAREST_OF = 256 };

struct need {
    struct cit__plan *p;
    bool *is_set; /* of each name of the plan */
    const struct cit_journey *journey;
    int err; /* the first fault */
};

/* ---- what is set ---- */

static void set_by_journey(void *ctx, const struct cit_journey_use *use)
{
    struct need *n = ctx;

    if (use->is_set)
        n->is_set[use->var] = true;
}

static void set_all(struct need *n)
{
    const struct cit_load_plan *plan = n->p->plan;
    struct cit_slice name;

    for (uint32_t i = 0; i < plan->nvariables; i++)
        if (cit_tmpl_is_fixed(&plan->variables[i].name, &name))
            n->is_set[cit_names_find(&plan->names, name)] = true;
    for (uint32_t i = 0; i < plan->users.ncolumns; i++)
        n->is_set[plan->user_var[i]] = true;
    for (uint32_t i = 0; i < plan->njourneys; i++)
        cit_journey_uses(&plan->journeys[i], set_by_journey, n);
}

/* ---- what is read ---- */

/* " did you mean 'x'?", or nothing. */
static struct cit__as_text hint(const struct need *n, struct cit_slice name)
{
    const struct cit_names *names = &n->p->plan->names;
    const char *known[NEAREST_OF];
    struct cit__as_text text = { "" };
    int count = 0, near;

    for (uint32_t i = 0; i < names->n && count < NEAREST_OF; i++)
        if (n->is_set[i])
            known[count++] = names->at[i].p; /* they have a NUL behind them */
    near = cit__hurl_nearest(name, known, count);
    if (near >= 0)
        (void)snprintf(text.text, sizeof text.text, "; did you mean '%.40s'?", known[near]);
    return text;
}

static int unset(struct need *n, uint32_t var, uint32_t line)
{
    struct cit_slice name = n->p->plan->names.at[var];
    char place[CIT__PLACE_MAX];

    if (n->journey == NULL)
        (void)snprintf(place, sizeof place, "headers");
    else if (line == 0)
        (void)snprintf(place, sizeof place, "url");
    else
        (void)snprintf(place, sizeof place, "%.*s:%u", (int)(n->journey->path.n > 140 ? 140 : n->journey->path.n),
                       n->journey->path.p, line);
    return cit__plan_wrong(n->p, place, CIT_EINVAL,
                           "nothing sets the variable %s: no column, no member of variables, no capture%s",
                           cit__plan_quoted(name).text, hint(n, name).text);
}

static void read_by_journey(void *ctx, const struct cit_journey_use *use)
{
    struct need *n = ctx;

    if (!use->is_set && !n->is_set[use->var] && n->err == CIT_OK)
        n->err = unset(n, use->var, use->line);
}

static int read_tmpl(struct need *n, const struct cit_tmpl *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (t->piece[i].var >= 0 && !n->is_set[t->piece[i].var])
            return unset(n, (uint32_t)t->piece[i].var, 0);
    return CIT_OK;
}

int cit__plan_needs(struct cit__plan *p)
{
    struct cit_load_plan *plan = p->plan;
    struct need n = { .p = p };

    n.is_set = cit__plan_take(p, plan->names.n, sizeof *n.is_set, &n.err);
    if (n.err != CIT_OK)
        return n.err;
    set_all(&n);
    for (uint32_t i = 0; i < plan->nheaders && n.err == CIT_OK; i++)
        n.err = read_tmpl(&n, &plan->headers[i].value);
    for (uint32_t i = 0; i < plan->njourneys && n.err == CIT_OK; i++) {
        n.journey = &plan->journeys[i];
        cit_journey_uses(n.journey, read_by_journey, &n);
    }
    return n.err;
}
