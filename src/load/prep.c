/* load/prep.c - what a thread makes once of each step: its fixed requests, and what to look at. */
#include "load/engine_int.h"

uint32_t cit__given_bit(struct cit_slice name)
{
    static const struct {
        struct cit_slice name;
        uint32_t bit;
    } rows[] = {
        { { "host", 4 }, CIT__GIVEN_HOST },
        { { "user-agent", 10 }, CIT__GIVEN_AGENT },
        { { "accept", 6 }, CIT__GIVEN_ACCEPT },
        { { "content-type", 12 }, CIT__GIVEN_TYPE },
        { { "content-length", 14 }, CIT__GIVEN_LENGTH },
        { { "transfer-encoding", 17 }, CIT__GIVEN_LENGTH },
        { { "authorization", 13 }, CIT__GIVEN_AUTH },
        { { "cookie", 6 }, CIT__GIVEN_COOKIE },
        { { "connection", 10 }, CIT__GIVEN_CONNECTION },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (cit_slice_eq_nocase(name, rows[i].name))
            return rows[i].bit;
    }
    return 0;
}

static uint32_t given_of(const struct cit_pair *pairs, uint32_t n)
{
    uint32_t given = 0;
    struct cit_slice name;

    for (uint32_t i = 0; i < n; i++) {
        if (cit_tmpl_is_fixed(&pairs[i].name, &name))
            given |= cit__given_bit(name);
    }
    return given;
}

/* ---- is it the same each time? ---- */

static bool is_const(const struct cit_run *run, const struct cit_tmpl *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        int32_t var = t->piece[i].var;

        if (var != CIT_TMPL_TEXT && (var < 0 || !run->is_const[var]))
            return false;
    }
    return true;
}

static bool are_const(const struct cit_run *run, const struct cit_pair *pairs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!is_const(run, &pairs[i].name) || !is_const(run, &pairs[i].value))
            return false;
    }
    return true;
}

static bool is_fixed(const struct cit_run *run, const struct cit_step *s)
{
    if (!is_const(run, &s->url) || s->nset > 0 || s->body == CIT_BODY_MULTIPART)
        return false;
    if (s->has_auth && !(is_const(run, &s->user) && is_const(run, &s->password)))
        return false;
    if (s->body == CIT_BODY_TEXT && !is_const(run, &s->text))
        return false;
    return are_const(run, run->plan->headers, run->plan->nheaders) && are_const(run, s->headers, s->nheaders) &&
           are_const(run, s->query, s->nquery) && are_const(run, s->cookies, s->ncookies) &&
           are_const(run, s->form, s->nform);
}

/* ---- making ---- */

/* RFC 9110 9.2.2. */
static bool is_idempotent(struct cit_slice method)
{
    static const char *const names[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (cit_slice_eq(method, cit_slice_str(names[i])))
            return true;
    }
    return false;
}

/* The request of a fixed step.  One that can't be made (no such host, say) is made, and fails, each time anew. */
static int make_fixed(struct cit__thread *t, struct cit__prep *p)
{
    struct cit_rng rng = { { 1, 2, 3, 4 } };
    const struct cit_vars vars = { .at = t->run->consts, .n = t->plan->names.n, .rng = &rng };
    const struct cit__spec spec = { .prep = p, .vars = &vars, .method = p->step->method, .has_body = true };
    struct cit__request r;
    size_t target;
    int err = cit__request_build(t, &spec, &r);

    p->is_fixed = err == CIT_OK;
    if (err != CIT_OK)
        return err == CIT_ENOMEM ? err : CIT_OK;
    target = (size_t)(r.target.p - r.bytes.p);
    r.bytes = cit_arena_copy(&t->arena, r.bytes);
    cit__buf_give(t, r.buf);
    r.buf = NULL;
    if (r.bytes.p == NULL)
        return CIT_ENOMEM;
    r.target.p = r.bytes.p + target;
    p->request = r;
    return CIT_OK;
}

static int make(struct cit__thread *t, const struct cit_journey *j, const struct cit_step *s, struct cit__prep *p)
{
    const struct cit_load_plan *plan = t->plan;
    bool is_dry = t->dry != NULL;

    p->step = s;
    p->path = j->path;
    p->think = s->has_think ? &s->think : j->has_think ? &j->think : &plan->think;
    p->given = given_of(plan->headers, plan->nheaders) | given_of(s->headers, s->nheaders);
    p->needs_page = is_dry || s->ncaptures > 0 || s->nasserts > 0;
    p->keeps_head = p->needs_page || s->follow;
    p->is_idempotent = is_idempotent(s->method);
    return is_fixed(t->run, s) ? make_fixed(t, p) : CIT_OK;
}

int cit__preps_init(struct cit__thread *t)
{
    const struct cit_load_plan *plan = t->plan;
    int err = CIT_OK;

    t->preps = cit_arena_zero(&t->arena, plan->nsteps, sizeof *t->preps);
    if (t->preps == NULL)
        return CIT_ENOMEM;
    for (uint32_t j = 0; j < plan->njourneys; j++) {
        for (uint32_t s = 0; s < plan->journeys[j].nsteps && err == CIT_OK; s++) {
            uint32_t number = plan->journey_first[j] + s;

            t->preps[number].row = plan->row_of[number];
            err = make(t, &plan->journeys[j], &plan->journeys[j].steps[s], &t->preps[number]);
        }
    }
    return err;
}
