/* load/plan_journey.c - what users do: target, journeys or one URL, and the rows their steps are counted in. */
#include "load/plan_int.h"

#include <stdio.h>
#include <string.h>

enum { JOURNEYS_MAX = 1000, ROWS_MAX = 4096, WEIGHT_MAX = 1000000 };

static const struct cit__member text_kind = { .kind = CIT__PLAN_TEXT };

/* ---- journeys ---- */

struct journey_items {
    struct cit__item file, name, weight, think;
};

static const struct cit__member journey_members[] = {
    { .name = "file", .kind = CIT__PLAN_LATER, .offset = offsetof(struct journey_items, file) },
    { .name = "name", .kind = CIT__PLAN_LATER, .offset = offsetof(struct journey_items, name) },
    { .name = "weight", .kind = CIT__PLAN_LATER, .offset = offsetof(struct journey_items, weight) },
    { .name = "think", .kind = CIT__PLAN_LATER, .offset = offsetof(struct journey_items, think) },
};

/* The fault of a journey: file, line, column, as editors know to jump to. */
static int journey_wrong(struct cit__plan *p, const struct cit__item *it, const char *path, int err,
                         const struct cit_journey_fault *f)
{
    if (err == CIT_ENOMEM)
        return err;
    if (f->line == 0)
        return cit__plan_wrong(p, it->place, err, "%.*s: %s", CIT_PLAN_WHY / 4, path, f->why);
    return cit__plan_wrong(p, NULL, err, "%.*s:%u:%u: %s", CIT_PLAN_WHY / 4, path, f->line, f->column, f->why);
}

static int read_file(struct cit__plan *p, const struct cit__item *it, struct cit_journey *out)
{
    struct cit_load_plan *plan = p->plan;
    struct cit_journey_fault fault = { 0 };
    struct cit_slice name = { 0 }, path = { 0 };
    int err = cit__plan_value(p, it, &text_kind, &name);

    if (err == CIT_OK && name.n == 0)
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "the name of the file is missing");
    if (err == CIT_OK)
        err = cit__plan_path(p, name, &path);
    if (err != CIT_OK)
        return err;
    err = cit_journey_read(path.p, &(struct cit_making){ &plan->names, &plan->queries, &plan->arena }, out, &fault);
    return err != CIT_OK ? journey_wrong(p, it, path.p, err, &fault) : CIT_OK;
}

static int read_table(struct cit__plan *p, const struct cit__item *it, struct cit_journey *out)
{
    const struct cit__members members = { journey_members, sizeof journey_members / sizeof *journey_members };
    const struct cit__member weight = { .kind = CIT__PLAN_WHOLE32, .least = 1, .most = WEIGHT_MAX };
    const struct cit__member dist = { .kind = CIT__PLAN_DIST };
    struct journey_items items = { 0 };
    int err = cit__plan_table(p, it, members, &items);

    if (err == CIT_OK && items.file.node == NULL)
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "names no file");
    if (err == CIT_OK)
        err = read_file(p, &items.file, out);
    if (err == CIT_OK && items.name.node != NULL)
        err = cit__plan_value(p, &items.name, &text_kind, &out->name);
    if (err == CIT_OK && items.weight.node != NULL)
        err = cit__plan_value(p, &items.weight, &weight, &out->weight);
    if (err == CIT_OK && items.think.node != NULL) {
        err = cit__plan_value(p, &items.think, &dist, &out->think);
        out->has_think = true;
    }
    return err;
}

static int read_journeys(struct cit__plan *p)
{
    struct cit_load_plan *plan = p->plan;
    int err = cit__plan_list(p, &p->journeys);

    if (err != CIT_OK)
        return err;
    if (p->journeys.node->count > JOURNEYS_MAX)
        return cit__plan_wrong(p, p->journeys.place, CIT_ELIMIT, "there are more than %d journeys", JOURNEYS_MAX);
    plan->journeys = cit__plan_take(p, p->journeys.node->count, sizeof *plan->journeys, &err);
    for (const struct cit_json_node *n = p->journeys.node->first; n != NULL && err == CIT_OK; n = n->next) {
        struct cit__item it = cit__plan_element(&p->journeys, n, plan->njourneys);
        struct cit_journey *j = &plan->journeys[plan->njourneys];

        err = n->kind == CIT_JSON_STRING ? read_file(p, &it, j) : read_table(p, &it, j);
        if (err == CIT_OK && j->nsteps == 0)
            err = cit__plan_wrong(p, it.place, CIT_EINVAL, "there is no request in it");
        plan->njourneys++;
    }
    return err;
}

/* ---- one URL ---- */

static int read_method(struct cit__plan *p, struct cit_journey_one *one)
{
    int err;

    one->method = one->body.n > 0 ? CIT_SLICE_LIT("POST") : CIT_SLICE_LIT("GET");
    if (p->method.node == NULL)
        return CIT_OK;
    err = cit__plan_value(p, &p->method, &text_kind, &one->method);
    for (size_t i = 0; i < one->method.n && err == CIT_OK; i++)
        if (one->method.p[i] < 'A' || one->method.p[i] > 'Z')
            return cit__plan_bad(p, &p->method, "is no method; they are written in capitals, as GET");
    return err == CIT_OK && one->method.n == 0 ? cit__plan_bad(p, &p->method, "is no method") : err;
}

/* A URL that is whole is the target, too; a path goes to the plan's. */
static int split_url(struct cit__plan *p, struct cit_slice url, struct cit_slice *path)
{
    char why[CIT_PLAN_WHY];
    bool is_path = url.n > 0 && *url.p == '/';
    int err;

    if (is_path && p->target.node == NULL)
        return cit__plan_wrong(p, p->url.place, CIT_EINVAL, "is a path, and the plan has no target");
    if (!is_path && p->target.node != NULL)
        return cit__plan_wrong(p, p->target.place, CIT_EINVAL, "the url names a host itself; give it as a path");
    *path = url;
    if (is_path)
        return CIT_OK;
    err = cit_target_parse(url, &p->plan->arena, &p->plan->target, path, why);
    return err == CIT_OK || err == CIT_ENOMEM ? err : cit__plan_wrong(p, p->url.place, err, "%s", why);
}

static int read_url(struct cit__plan *p)
{
    const struct cit__member truth = { .kind = CIT__PLAN_BOOL };
    struct cit_load_plan *plan = p->plan;
    struct cit_journey_one one = { 0 };
    struct cit_journey_fault fault = { 0 };
    struct cit_slice url = { 0 };
    int err = cit__plan_value(p, &p->url, &text_kind, &url);

    if (err == CIT_OK)
        err = split_url(p, url, &one.url);
    if (err == CIT_OK && p->body.node != NULL)
        err = cit__plan_value(p, &p->body, &text_kind, &one.body);
    if (err == CIT_OK)
        err = read_method(p, &one);
    if (err == CIT_OK && p->follow.node != NULL)
        err = cit__plan_value(p, &p->follow, &truth, &one.follow);
    if (err != CIT_OK)
        return err;
    plan->journeys = cit__plan_take(p, 1, sizeof *plan->journeys, &err);
    if (err != CIT_OK)
        return err;
    err = cit_journey_single(&one, &(struct cit_making){ &plan->names, NULL, &plan->arena }, plan->journeys, &fault);
    if (err != CIT_OK)
        return err == CIT_ENOMEM ? err : cit__plan_wrong(p, p->url.place, err, "%s", fault.why);
    plan->njourneys = 1;
    if (plan->title.n == 0)
        plan->title = url;
    return CIT_OK;
}

/* ---- rows ---- */

static uint32_t row_called(const struct cit_load_plan *plan, struct cit_slice name)
{
    uint32_t i = 0;

    while (i < plan->nrows && !cit_slice_eq(plan->row_name[i], name))
        i++;
    return i;
}

static int count_steps(struct cit__plan *p)
{
    struct cit_load_plan *plan = p->plan;
    int err;

    plan->journey_first = cit__plan_take(p, plan->njourneys, sizeof *plan->journey_first, &err);
    for (uint32_t i = 0; i < plan->njourneys && err == CIT_OK; i++) {
        plan->journey_first[i] = plan->nsteps;
        plan->nsteps += plan->journeys[i].nsteps;
    }
    return err;
}

static int make_rows(struct cit__plan *p)
{
    struct cit_load_plan *plan = p->plan;
    uint32_t step = 0;
    int err = count_steps(p);

    if (err == CIT_OK)
        plan->row_of = cit__plan_take(p, plan->nsteps, sizeof *plan->row_of, &err);
    if (err == CIT_OK)
        plan->row_name = cit__plan_take(p, plan->nsteps, sizeof *plan->row_name, &err);
    for (uint32_t i = 0; i < plan->njourneys && err == CIT_OK; i++) {
        for (uint32_t k = 0; k < plan->journeys[i].nsteps; k++) {
            struct cit_slice name = plan->journeys[i].steps[k].name;
            uint32_t row = row_called(plan, name);

            if (row == ROWS_MAX)
                return cit__plan_wrong(p, NULL, CIT_ELIMIT, "the steps of all journeys have more than %d names",
                                       ROWS_MAX);
            plan->row_name[row] = name;
            plan->nrows += row == plan->nrows ? 1 : 0;
            plan->row_of[step++] = row;
        }
    }
    return err;
}

/* ---- the target ---- */

static int read_target(struct cit__plan *p)
{
    struct cit_slice text = { 0 }, path = { 0 };
    char why[CIT_PLAN_WHY];
    int err;

    if (p->target.node == NULL)
        return CIT_OK;
    err = cit__plan_value(p, &p->target, &text_kind, &text);
    if (err != CIT_OK)
        return err;
    err = cit_target_parse(text, &p->plan->arena, &p->plan->target, &path, why);
    if (err != CIT_OK)
        return err == CIT_ENOMEM ? err : cit__plan_wrong(p, p->target.place, err, "%s", why);
    if (path.n > 1)
        return cit__plan_wrong(p, p->target.place, CIT_EINVAL, "the path %s belongs into the journeys",
                               cit__plan_quoted(path).text);
    return CIT_OK;
}

static bool starts(const struct cit_tmpl *url, const char *with)
{
    size_t n = strlen(with);

    return url->n > 0 && url->piece[0].var == CIT_TMPL_TEXT && url->piece[0].text.n >= n &&
           cit_slice_eq_nocase(cit_slice(url->piece[0].text.p, n), cit_slice(with, n));
}

/* Without a target every URL is whole, or begins with a variable, which shows when it is sent. */
static int check_whole(struct cit__plan *p, const struct cit_journey *j)
{
    for (uint32_t i = 0; i < j->nsteps; i++) {
        const struct cit_tmpl *url = &j->steps[i].url;
        bool is_open = url->n > 0 && url->piece[0].var != CIT_TMPL_TEXT;

        if (!is_open && !starts(url, "http://") && !starts(url, "https://"))
            return cit__plan_wrong(p, NULL, CIT_EINVAL, "%.*s:%u: the URL names no host, and the plan has no target",
                                   (int)(j->path.n > 140 ? 140 : j->path.n), j->path.p, j->steps[i].line);
    }
    return CIT_OK;
}

/* Then the first host that is named is the one that reports name. */
static int adopt_target(struct cit__plan *p)
{
    const struct cit_journey *j = &p->plan->journeys[0];
    const struct cit_tmpl *url = &j->steps[0].url;
    struct cit_slice text = url->n > 0 ? url->piece[0].text : cit_slice(NULL, 0), path;
    char why[CIT_PLAN_WHY];
    size_t n = 0;
    int err;

    if (!starts(url, "http://") && !starts(url, "https://"))
        return CIT_OK;
    n = (size_t)((const char *)memchr(text.p, '/', text.n) + 2 - text.p);
    while (n < text.n && strchr("/?#", text.p[n]) == NULL)
        n++;
    if (n == text.n && url->n > 1) /* a part of the host is a variable */
        return CIT_OK;
    err = cit_target_parse(cit_slice(text.p, n), &p->plan->arena, &p->plan->target, &path, why);
    return err == CIT_OK || err == CIT_ENOMEM
               ? err
               : cit__plan_wrong(p, NULL, err, "%.*s:%u: %s", (int)(j->path.n > 140 ? 140 : j->path.n), j->path.p,
                                 j->steps[0].line, why);
}

static int check_hosts(struct cit__plan *p)
{
    int err = CIT_OK;

    if (p->plan->target.host.n > 0)
        return CIT_OK;
    for (uint32_t i = 0; i < p->plan->njourneys && err == CIT_OK; i++)
        err = check_whole(p, &p->plan->journeys[i]);
    return err == CIT_OK ? adopt_target(p) : err;
}

int cit__plan_journeys(struct cit__plan *p)
{
    const struct cit__item *const of_url[] = { &p->method, &p->body, &p->follow };
    struct cit_load_plan *plan = p->plan;
    int err = read_target(p);

    if (err != CIT_OK)
        return err;
    if ((p->url.node == NULL) == (p->journeys.node == NULL))
        return cit__plan_wrong(p, p->url.node != NULL ? p->url.place : NULL, CIT_EINVAL,
                               p->url.node != NULL ? "the journeys say what is done; one of the two has to go"
                                                   : "nothing is to be done: journeys or url is missing");
    for (size_t i = 0; i < sizeof of_url / sizeof *of_url; i++)
        if (p->url.node == NULL && of_url[i]->node != NULL)
            return cit__plan_wrong(p, of_url[i]->place, CIT_EINVAL, "goes with url; journeys say it themselves");
    err = p->url.node != NULL ? read_url(p) : read_journeys(p);
    if (err == CIT_OK)
        err = check_hosts(p);
    if (err == CIT_OK && plan->title.n == 0)
        plan->title = plan->journeys[0].name;
    return err == CIT_OK ? make_rows(p) : err;
}
