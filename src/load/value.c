/* load/value.c - a user's variables: the plan's, those of its line in the table, captured ones. */
#include "base/mem.h"
#include "load/engine_int.h"

int cit__value_set(struct cit__user *u, uint32_t var, struct cit_slice text)
{
    struct cit_buf *kept = &u->kept[u->t->run->changing[var]];

    if (kept->p != NULL && text.p >= kept->p && text.p < kept->p + kept->cap) { /* made from its own old value */
        memmove(kept->p, text.p, text.n);
        kept->len = text.n;
    } else {
        struct cit_buf fresh = *kept;
        int err;

        fresh.len = 0;
        err = cit_buf_add(&fresh, text.p, text.n);
        *kept = fresh;
        if (err != CIT_OK)
            return err;
    }
    u->values[var] = kept->len > 0 ? cit_slice(kept->p, kept->len) : CIT_SLICE_LIT("");
    return CIT_OK;
}

/* NAME=VALUE of the plan or of a step. */
static int set_pair(struct cit__user *u, const struct cit_pair *pair)
{
    struct cit_vars vars = cit__user_vars(u);
    struct cit_buf *text = &u->t->text;
    struct cit_slice name, fixed;
    uint32_t unset = 0;
    int64_t var;
    int err;

    if (!cit_tmpl_is_fixed(&pair->name, &name))
        return CIT_OK;
    var = cit_names_find(&u->t->plan->names, name);
    if (var < 0) /* nobody asks for it */
        return CIT_OK;
    if (u->t->run->changing[var] < 0 && cit_tmpl_is_fixed(&pair->value, &fixed)) {
        u->values[var] = fixed.n > 0 ? fixed : CIT_SLICE_LIT("");
        return CIT_OK;
    }
    text->len = 0;
    err = cit_tmpl_fill(&pair->value, &vars, CIT_ESCAPE_NONE, text, &unset);
    return err == CIT_OK ? cit__value_set(u, (uint32_t)var, cit_slice(text->p, text->len)) : err;
}

int cit__values_of_step(struct cit__user *u, const struct cit_step *step)
{
    int err = CIT_OK;

    for (uint32_t i = 0; i < step->nset && err == CIT_OK; i++)
        err = set_pair(u, &step->set[i]);
    return err;
}

static void set_line(struct cit__user *u)
{
    const struct cit_csv *csv = &u->t->plan->users;

    if (csv->lines == 0)
        return;
    for (uint32_t i = 0; i < csv->ncolumns; i++) {
        struct cit_slice cell = cit_csv_cell(csv, u->number % csv->lines, i);

        u->values[u->t->plan->user_var[i]] = cell.n > 0 ? cell : CIT_SLICE_LIT("");
    }
}

int cit__values_init(struct cit__user *u)
{
    const struct cit_load_plan *plan = u->t->plan;
    uint32_t nchanging = u->t->run->nchanging;
    int err = CIT_OK;

    if (plan->names.n == 0)
        return CIT_OK;
    u->values = cit_calloc(plan->names.n, sizeof *u->values);
    u->kept = nchanging > 0 ? cit_calloc(nchanging, sizeof *u->kept) : NULL;
    if (u->values == NULL || (u->kept == NULL && nchanging > 0))
        return CIT_ENOMEM;
    for (uint32_t i = 0; i < nchanging; i++)
        cit_buf_init(&u->kept[i], plan->max_body + CIT__HEAD_MAX);
    set_line(u);
    for (uint32_t i = 0; i < plan->nvariables && err != CIT_ENOMEM; i++)
        err = set_pair(u, &plan->variables[i]); /* one without a value stays without one, which the request tells */
    set_line(u);
    return err == CIT_ENOMEM ? err : CIT_OK;
}

void cit__values_fini(struct cit__user *u)
{
    for (uint32_t i = 0; u->kept != NULL && i < u->t->run->nchanging; i++)
        cit_buf_fini(&u->kept[i]);
    cit_free(u->kept);
    cit_free(u->values);
    u->kept = NULL;
    u->values = NULL;
}
