/* load/plan.c - a plan from its JSON: which members there are, in which order they are read, what they are else. */
#include "load/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "load/plan_int.h"
#include "net/tls.h"

enum { BODY_DEFAULT = 8 << 20 };

/* Tables of users may be of 1 GiB, and their cells are listed beside them. */
#define ARENA_MAX ((size_t)(SIZE_MAX > UINT32_MAX ? 4ULL << 30 : 1ULL << 30))

#define BYTES_MAX (1ULL << 40)
#define SEED_MAX 18446744073709551615.0

#define OF(member) offsetof(struct cit_load_plan, member)
#define LATER(member) offsetof(struct cit__plan, member)

static int read_cookies(struct cit__plan *p, const struct cit__item *it, void *into);
static int read_insecure(struct cit__plan *p, const struct cit__item *it, void *into);
static int read_cacert(struct cit__plan *p, const struct cit__item *it, void *into);

/* In the order they are read in, whatever theirs in the plan: columns of data are known before variables. */
static const struct cit__member members[] = {
    { .name = "title", .kind = CIT__PLAN_TEXT, .offset = OF(title) },
    { .name = "data", .kind = CIT__PLAN_OTHER, .read = cit__plan_data },
    { .name = "variables", .kind = CIT__PLAN_OTHER, .read = cit__plan_variables },
    { .name = "headers", .kind = CIT__PLAN_OTHER, .read = cit__plan_headers },
    { .name = "think", .kind = CIT__PLAN_DIST, .offset = OF(think) },
    { .name = "cookies", .kind = CIT__PLAN_OTHER, .read = read_cookies },
    { .name = "keep_alive", .kind = CIT__PLAN_BOOL, .offset = OF(keeps_alive) },
    { .name = "requests", .kind = CIT__PLAN_WHOLE, .offset = OF(max_requests), .least = 1, .most = 1e15 },
    { .name = "warm", .kind = CIT__PLAN_TIME, .offset = OF(warm_ns) },
    { .name = "grace", .kind = CIT__PLAN_TIME, .offset = OF(grace_ns) },
    { .name = "threads", .kind = CIT__PLAN_WHOLE32, .offset = OF(threads), .least = 1, .most = CIT_PLAN_THREADS_MAX },
    { .name = "seed", .kind = CIT__PLAN_WHOLE, .offset = OF(seed), .least = 0, .most = SEED_MAX },
    { .name = "timeout", .kind = CIT__PLAN_TIME, .offset = OF(timeout_ns) },
    { .name = "connect_timeout", .kind = CIT__PLAN_TIME, .offset = OF(connect_timeout_ns) },
    { .name = "max_body", .kind = CIT__PLAN_WHOLE, .offset = OF(max_body), .least = 1, .most = BYTES_MAX },
    { .name = "insecure", .kind = CIT__PLAN_OTHER, .read = read_insecure },
    { .name = "cacert", .kind = CIT__PLAN_OTHER, .read = read_cacert },
    { .name = "stop", .kind = CIT__PLAN_OTHER, .read = cit__plan_stop },
};

/* Those that need others first. */
static const struct cit__member later[] = {
    { .name = "target", .kind = CIT__PLAN_LATER, .offset = LATER(target) },
    { .name = "journeys", .kind = CIT__PLAN_LATER, .offset = LATER(journeys) },
    { .name = "url", .kind = CIT__PLAN_LATER, .offset = LATER(url) },
    { .name = "method", .kind = CIT__PLAN_LATER, .offset = LATER(method) },
    { .name = "body", .kind = CIT__PLAN_LATER, .offset = LATER(body) },
    { .name = "follow", .kind = CIT__PLAN_LATER, .offset = LATER(follow) },
    { .name = "users", .kind = CIT__PLAN_LATER, .offset = LATER(users) },
    { .name = "rate", .kind = CIT__PLAN_LATER, .offset = LATER(rate) },
    { .name = "stages", .kind = CIT__PLAN_LATER, .offset = LATER(stages) },
    { .name = "time", .kind = CIT__PLAN_LATER, .offset = LATER(time) },
    { .name = "max_users", .kind = CIT__PLAN_LATER, .offset = LATER(max_users) },
    { .name = "poisson", .kind = CIT__PLAN_LATER, .offset = LATER(poisson) },
    { .name = "thresholds", .kind = CIT__PLAN_LATER, .offset = LATER(thresholds) },
};

enum { MEMBERS = sizeof members / sizeof *members, LATERS = sizeof later / sizeof *later };

static int read_cookies(struct cit__plan *p, const struct cit__item *it, void *into)
{
    static const char *const words[] = { "keep", "fresh" };
    struct cit_load_plan *plan = into;
    int word = 0, err = cit__plan_word(p, it, words, 2, &word);

    plan->keeps_cookies = word == 0;
    return err;
}

static int read_insecure(struct cit__plan *p, const struct cit__item *it, void *into)
{
    const struct cit__member truth = { .kind = CIT__PLAN_BOOL };
    struct cit_load_plan *plan = into;
    bool is_insecure = false;
    int err = cit__plan_value(p, it, &truth, &is_insecure);

    plan->is_tls_checked = !is_insecure;
    return err;
}

static int read_cacert(struct cit__plan *p, const struct cit__item *it, void *into)
{
    const struct cit__member text = { .kind = CIT__PLAN_TEXT };
    struct cit_load_plan *plan = into;
    struct cit_slice name;
    int err = cit__plan_value(p, it, &text, &name);

    return err == CIT_OK ? cit__plan_path(p, name, &plan->ca_file) : err;
}

/* ---- the JSON ---- */

/* What a plan and the members over it say, each a table or NULL. */
struct said {
    const struct cit_json_node *json, *over;
};

static int not_json(struct cit__plan *p, struct cit_slice text, const char *why, size_t at)
{
    unsigned line = 1, column = 1;

    for (size_t i = 0; i < at && i < text.n; i++) {
        column = text.p[i] == '\n' ? 1 : column + 1;
        line += text.p[i] == '\n' ? 1 : 0;
    }
    return cit__plan_wrong(p, NULL, CIT_EINVAL, "line %u, column %u: %s", line, column, why);
}

/* The tree of a text, which is copied: what is kept of it lives as long as the plan. */
static int read_json(struct cit__plan *p, struct cit_slice text, const struct cit_json_node **out)
{
    struct cit_slice copy = cit_arena_copy(&p->plan->arena, text);
    struct cit_json_node *root = NULL;
    const char *why = "";
    size_t at = 0;
    int err;

    if (copy.p == NULL)
        return CIT_ENOMEM;
    err = cit_json_tree(copy, &p->plan->arena, &root, &why, &at);
    if (err == CIT_EPROTO)
        return not_json(p, copy, why, at);
    if (err == CIT_OK && root->kind != CIT_JSON_OPEN_OBJECT)
        return cit__plan_wrong(p, NULL, CIT_EINVAL, "a plan is a table of members");
    *out = root;
    return err;
}

static const struct cit_json_node *find(const struct cit_json_node *table, const char *name)
{
    for (const struct cit_json_node *n = table == NULL ? NULL : table->first; n != NULL; n = n->next)
        if (cit_slice_eq(n->name, cit_slice_str(name)))
            return n;
    return NULL;
}

/* Members that say the same thing in several ways: what is over the plan takes the place of all of them. */
static const char *const ways[][3] = { { "users", "rate", "stages" }, { "url", "journeys", NULL } };

bool cit__plan_is_over(const struct cit_json_node *over, const char *name)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        bool is_of_it = false, is_said = false;

        for (size_t k = 0; k < 3 && ways[i][k] != NULL; k++) {
            is_of_it = is_of_it || strcmp(ways[i][k], name) == 0;
            is_said = is_said || find(over, ways[i][k]) != NULL;
        }
        if (is_of_it && is_said)
            return true;
    }
    return find(over, name) != NULL;
}

static const struct cit_json_node *find_said(const struct said *s, const char *name)
{
    return find(cit__plan_is_over(s->over, name) ? s->over : s->json, name);
}

/* ---- reading ---- */

static int check_names(struct cit__plan *p, const struct cit_json_node *table)
{
    struct cit__member all[MEMBERS + LATERS];
    const struct cit__members known = { all, MEMBERS + LATERS };
    const struct cit__item root = { .node = table };
    int err = CIT_OK;

    memcpy(all, members, sizeof members);
    memcpy(all + MEMBERS, later, sizeof later);
    for (const struct cit_json_node *n = table == NULL ? NULL : table->first; n != NULL && err == CIT_OK; n = n->next) {
        struct cit__item it = cit__plan_member(&root, n);
        const struct cit__member *m;

        err = cit__plan_find(p, &it, known, &m);
    }
    return err;
}

static int read_members(struct cit__plan *p, const struct said *s, const struct cit__member *m, int n, void *into)
{
    const struct cit__item root = { .node = s->json };
    int err = CIT_OK;

    for (int i = 0; i < n && err == CIT_OK; i++) {
        const struct cit_json_node *node = find_said(s, m[i].name);

        if (node != NULL) {
            struct cit__item it = cit__plan_member(&root, node);

            err = cit__plan_value(p, &it, &m[i], into);
        }
    }
    return err;
}

static int check_times(struct cit__plan *p)
{
    const struct cit_load_plan *plan = p->plan;

    if (plan->timeout_ns < CIT_MS_NS)
        return cit__plan_wrong(p, "timeout", CIT_EINVAL, "is shorter than 1ms");
    if (plan->connect_timeout_ns < CIT_MS_NS)
        return cit__plan_wrong(p, "connect_timeout", CIT_EINVAL, "is shorter than 1ms");
    return CIT_OK;
}

/* What would fail on every connection is told now. */
static int check_tls(struct cit__plan *p)
{
    const struct cit_load_plan *plan = p->plan;
    const struct cit_tls_conf conf = { plan->is_tls_checked, plan->ca_file.n > 0 ? plan->ca_file.p : NULL };
    struct cit_tls_context *ctx = NULL;
    char why[CIT_TLS_WHY] = "";
    int err;

    if (plan->ca_file.n == 0 && (!plan->target.is_tls || cit_tls_is_built()))
        return CIT_OK;
    err = cit_tls_context_new(&conf, &ctx, why);
    cit_tls_context_free(ctx);
    if (err == CIT_OK || err == CIT_ENOMEM)
        return err;
    return cit__plan_wrong(p, plan->ca_file.n > 0 ? "cacert" : NULL, CIT_EINVAL, "%s", why);
}

static int read_plan(struct cit__plan *p, struct cit_slice json, struct cit_slice over)
{
    struct said said = { 0 };
    int err = read_json(p, json, &said.json);

    if (err == CIT_OK && over.n > 0)
        err = read_json(p, over, &said.over);
    if (err == CIT_OK)
        err = check_names(p, said.json);
    if (err == CIT_OK)
        err = check_names(p, said.over);
    if (err == CIT_OK)
        err = read_members(p, &said, members, MEMBERS, p->plan);
    if (err == CIT_OK)
        err = read_members(p, &said, later, LATERS, p);
    if (err == CIT_OK)
        err = check_times(p);
    if (err == CIT_OK)
        err = cit__plan_stages(p);
    if (err == CIT_OK)
        err = cit__plan_journeys(p);
    if (err == CIT_OK)
        err = check_tls(p);
    if (err == CIT_OK)
        err = cit__plan_base(p);
    if (err == CIT_OK)
        err = cit__plan_needs(p);
    return err == CIT_OK ? cit__plan_thresholds(p) : err;
}

int cit_plan_parse(struct cit_load_plan *plan, struct cit_slice json, struct cit_slice over, const char *folder,
                   char why[CIT_PLAN_WHY])
{
    struct cit__plan p = { .plan = plan, .folder = folder, .why = why };

    *plan = (struct cit_load_plan){ .threads = 1,
                                    .seed = 1,
                                    .grace_ns = 5 * CIT_SEC_NS,
                                    .keeps_cookies = true,
                                    .keeps_alive = true,
                                    .timeout_ns = 30 * CIT_SEC_NS,
                                    .connect_timeout_ns = 5 * CIT_SEC_NS,
                                    .max_body = BODY_DEFAULT,
                                    .is_tls_checked = true,
                                    .stop_window_ns = 10 * CIT_SEC_NS };
    cit_arena_init(&plan->arena, ARENA_MAX);
    why[0] = '\0';
    return read_plan(&p, json, over);
}

void cit_plan_fini(struct cit_load_plan *plan)
{
    cit_queries_fini(&plan->queries);
    cit_arena_fini(&plan->arena);
    *plan = (struct cit_load_plan){ 0 };
}
