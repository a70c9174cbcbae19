/* load/plan_base.c - the variable base: the plan's target, as journeys write it that stock hurl can run. */
#include "load/plan_int.h"

#include <string.h>

static bool is_set(const struct cit_load_plan *plan, struct cit_slice name)
{
    struct cit_slice known;

    for (uint32_t i = 0; i < plan->nvariables; i++)
        if (cit_tmpl_is_fixed(&plan->variables[i].name, &known) && cit_slice_eq(known, name))
            return true;
    for (uint32_t i = 0; i < plan->users.ncolumns; i++)
        if (cit_slice_eq(plan->users.columns[i], name))
            return true;
    return false;
}

/* "scheme://authority"; of a UNIX socket http://localhost, which leads to it, too. */
static int text_of(struct cit__plan *p, struct cit_slice *out)
{
    const struct cit_target *t = &p->plan->target;
    const struct cit_slice parts[] = { t->scheme, CIT_SLICE_LIT("://"), t->authority };
    size_t n = 0;
    int err = CIT_OK;
    char *text = cit__plan_take(p, t->scheme.n + 3 + t->authority.n + 1, 1, &err);

    for (size_t i = 0; text != NULL && i < sizeof parts / sizeof *parts; i++) {
        memcpy(text + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    *out = cit_slice(text, n);
    return err;
}

int cit__plan_base(struct cit__plan *p)
{
    const struct cit_slice name = CIT_SLICE_LIT("base");
    const struct cit__item none = { 0 };
    struct cit_load_plan *plan = p->plan;
    struct cit_slice text;
    struct cit_pair *more;
    int err = CIT_OK;

    if (cit_names_find(&plan->names, name) < 0 || plan->target.scheme.n == 0 || is_set(plan, name))
        return CIT_OK;
    more = cit__plan_take(p, plan->nvariables + 1, sizeof *more, &err);
    if (err == CIT_OK && plan->nvariables > 0)
        memcpy(more, plan->variables, plan->nvariables * sizeof *more);
    if (err == CIT_OK)
        err = text_of(p, &text);
    if (err == CIT_OK)
        err = cit__plan_tmpl(p, &none, name, &more[plan->nvariables].name);
    if (err == CIT_OK)
        err = cit__plan_tmpl(p, &none, text, &more[plan->nvariables].value);
    if (err != CIT_OK)
        return err;
    plan->variables = more;
    plan->nvariables++;
    return CIT_OK;
}
