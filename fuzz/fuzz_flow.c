/* fuzz/fuzz_flow.c - any graphs with any host: the input is up to four sessions of nodes and edges.
 *
 * Each world is walked twice, by flow/walk.c and by the rules written down as plain recursion; both
 * must have the same effects in the same order, end with the same result or the same error within
 * the limit of steps, and give everything back.  Ids are close together or scattered.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flow/walk.h"

#define MUST(what)                                                     \
    do {                                                               \
        if (!(what)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                   \
        }                                                              \
    } while (0)

enum { SESSIONS = 4, NODES = 8, EDGES = 16, STEPS = 300, LOG = 64 * 1024, STACK = 2 * STEPS };

struct session {
    struct cit_flow_graph *g;
    int keeps;
};

struct world {
    struct session sessions[SESSIONS];
    int64_t spread; /* an id is its number times this */
    int now, stack_count;
    unsigned char stack[STACK][2]; /* session, number of the node */
    unsigned flags;
    bool is_interactive;
    int live; /* results and background sessions that somebody owns */
    uint32_t log[LOG], log_count;
    uint32_t steps;       /* of the plain one */
    unsigned long events; /* calls of the host that may fail */
    unsigned long fail_at;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* ---- the world ---- */

static uint8_t take(const uint8_t **data, size_t *n)
{
    if (*n == 0)
        return 0;
    (*n)--;
    return *(*data)++;
}

static void make_session(struct world *w, struct session *s, const uint8_t **data, size_t *n)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    uint8_t counts = take(data, n);

    MUST(b != NULL);
    for (int i = 0; i < counts % (NODES + 1); i++) {
        uint8_t what = take(data, n);
        struct cit_flow_node node = { .id = i * w->spread, .type = what % CIT_FLOW_TYPE_COUNT, .expr = what / 32 };

        MUST(cit_flow_builder_node(b, &node) == CIT_OK);
    }
    for (int i = 0; i < counts / (NODES + 1) % (EDGES + 1); i++) {
        uint8_t ends = take(data, n), what = take(data, n);
        struct cit_flow_edge edge = {
            .source = ends % 9 * w->spread, .target = ends / 9 % 9 * w->spread, .type = what % 3, .expr = what / 3 % 6
        };

        MUST(cit_flow_builder_edge(b, &edge) == CIT_OK);
    }
    MUST(cit_flow_builder_finish(b, &s->g) == CIT_OK);
    cit_flow_builder_free(b);
}

static void note(struct world *w, unsigned what, uint32_t value)
{
    MUST(w->log_count < LOG);
    w->log[w->log_count++] = what << 24 | (value & 0xffffff);
}

static bool fails(struct world *w)
{
    return ++w->events == w->fail_at;
}

static struct session *owner_of(const struct cit_walk_graph *graph)
{
    return graph->owner;
}

static void go_to(struct world *w, const struct cit_flow_node *node)
{
    w->now = (int)node->expr % SESSIONS;
}

static void push(struct world *w, int64_t id)
{
    MUST(w->stack_count < STACK);
    w->stack[w->stack_count][0] = (unsigned char)w->now;
    w->stack[w->stack_count++][1] = (unsigned char)(id / w->spread);
    note(w, 1, (uint32_t)w->stack_count);
}

static bool passes(struct world *w, const struct cit_flow_edge *edge)
{
    note(w, 2, edge->expr);
    return edge->expr == 0 || (w->flags >> edge->expr & 1) != 0;
}

/* What a node does; a result is a byte that tells whether it is true. */
static void *effect(struct world *w, const struct cit_flow_node *node, bool *follow)
{
    char *result;

    note(w, 3, node->type * 256u + (uint32_t)(node->id / w->spread));
    *follow = node->type == CIT_FLOW_EXPRESSION || node->type == CIT_FLOW_SMS ||
              (node->type == CIT_FLOW_WAIT && w->is_interactive);
    if (node->type == CIT_FLOW_EXPRESSION)
        w->flags ^= 1u << node->expr;
    if (*follow || node->type % 3 == 0)
        return NULL;
    result = malloc(1);
    MUST(result != NULL);
    *result = node->type % 3 == CIT_FLOW_PAGE % 3;
    w->live++;
    return result;
}

/* The node on top; its session is then the one of now. */
static int64_t pop_place(struct world *w)
{
    w->stack_count--;
    w->now = w->stack[w->stack_count][0];
    note(w, 7, w->stack[w->stack_count][1]);
    return w->stack[w->stack_count][1] * w->spread;
}

/* ---- as the walker's host ---- */

static int host_now(void *ctx, struct cit_walk_graph *out)
{
    struct world *w = ctx;

    *out = (struct cit_walk_graph){ w->sessions[w->now].g, &w->sessions[w->now] };
    return fails(w) ? CIT_EAPP : CIT_OK;
}

static void host_keep(void *ctx, const struct cit_walk_graph *graph)
{
    (void)ctx;
    owner_of(graph)->keeps++;
}

static void host_release(void *ctx, const struct cit_walk_graph *graph)
{
    (void)ctx;
    MUST(--owner_of(graph)->keeps >= 0);
}

static int host_find(void *ctx, const struct cit_walk_place *place, const struct cit_walk_graph *graph,
                     const struct cit_flow_slot **out)
{
    *out = cit_flow_slot_of(graph->g, place->slot->id);
    return fails(ctx) ? CIT_EAPP : CIT_OK;
}

static int host_edge_passes(void *ctx, const struct cit_walk_graph *graph, uint32_t edge)
{
    return fails(ctx) ? CIT_EAPP : passes(ctx, cit_flow_edge_at(graph->g, edge));
}

static const struct cit_flow_node *node_of(const struct cit_walk_place *place)
{
    MUST(owner_of(&place->graph)->keeps > 0);
    return cit_flow_node_at(place->graph.g, place->slot->node);
}

static int host_act(void *ctx, const struct cit_walk_place *place, enum cit_walk_answer *answer, void **result)
{
    const struct cit_flow_node *node = node_of(place);
    bool follow;

    if (fails(ctx))
        return CIT_EAPP;
    *result = effect(ctx, node, &follow);
    if (follow)
        *answer = CIT_WALK_FOLLOW;
    return CIT_OK;
}

static int host_enter(void *ctx, const struct cit_walk_place *place, bool leaves, const struct cit_flow_slot **start)
{
    struct world *w = ctx;

    if (fails(w))
        return CIT_EAPP;
    if (leaves)
        push(w, node_of(place)->id);
    note(w, 4, node_of(place)->expr);
    go_to(w, node_of(place));
    *start = cit_flow_slot_of(w->sessions[w->now].g, 0);
    return CIT_OK;
}

static int host_background_enter(void *ctx, const struct cit_walk_place *place, void **saved,
                                 const struct cit_flow_slot **start)
{
    struct world *w = ctx;
    char *was;

    if (fails(w))
        return CIT_EAPP;
    was = calloc(2, 1);
    MUST(was != NULL);
    was[0] = (char)w->now;
    was[1] = w->is_interactive;
    w->live++;
    w->is_interactive = false;
    note(w, 5, node_of(place)->expr);
    go_to(w, node_of(place));
    *saved = was;
    *start = cit_flow_slot_of(w->sessions[w->now].g, 0);
    return CIT_OK;
}

static void host_background_abandon(void *ctx, void *saved)
{
    ((struct world *)ctx)->live--;
    free(saved);
}

static int host_background_leave(void *ctx, const struct cit_walk_place *place, void *saved)
{
    struct world *w = ctx;

    MUST(node_of(place)->type == CIT_FLOW_BACKGROUND);
    w->now = ((char *)saved)[0];
    w->is_interactive = ((char *)saved)[1] != 0;
    note(w, 6, (uint32_t)w->now);
    host_background_abandon(ctx, saved);
    return fails(w) ? CIT_EAPP : CIT_OK;
}

static int host_is_stacked(void *ctx)
{
    return fails(ctx) ? CIT_EAPP : ((struct world *)ctx)->stack_count > 0;
}

static int host_pop(void *ctx, const struct cit_flow_slot **slot)
{
    struct world *w = ctx;
    int64_t id;

    if (fails(w) || w->stack_count == 0)
        return CIT_EAPP;
    id = pop_place(w);
    *slot = cit_flow_slot_of(w->sessions[w->now].g, id);
    return CIT_OK;
}

static int host_missing(void *ctx, const struct cit_walk_graph *graph, uint32_t edge)
{
    (void)ctx;
    MUST(graph->g != NULL && (edge == CIT_FLOW_NONE || edge < cit_flow_edge_count(graph->g)));
    return CIT_ENOENT;
}

static int host_is_true(void *ctx, void *result)
{
    return fails(ctx) ? CIT_EAPP : *(char *)result != 0;
}

static void host_drop(void *ctx, void *result)
{
    MUST(result != NULL);
    ((struct world *)ctx)->live--;
    free(result);
}

static const struct cit_walk_host host = {
    .now = host_now,
    .keep = host_keep,
    .release = host_release,
    .find = host_find,
    .edge_passes = host_edge_passes,
    .act = host_act,
    .enter = host_enter,
    .background_enter = host_background_enter,
    .background_leave = host_background_leave,
    .background_abandon = host_background_abandon,
    .is_stacked = host_is_stacked,
    .pop = host_pop,
    .missing = host_missing,
    .is_true = host_is_true,
    .drop = host_drop,
};

/* ---- as plain recursion ---- */

static int plain_transition(struct world *w, int64_t id, void **result);

static const struct cit_flow_graph *graph_now(const struct world *w)
{
    return w->sessions[w->now].g;
}

static const struct cit_flow_node *plain_node(const struct cit_flow_graph *g, int64_t id)
{
    for (uint32_t i = cit_flow_node_count(g); i-- > 0;) {
        if (cit_flow_node_at(g, i)->id == id)
            return cit_flow_node_at(g, i);
    }
    return NULL;
}

/* How many edges of a type leave a node; any type when it is CIT_FLOW_EDGE_OTHER. */
static int plain_out(const struct cit_flow_graph *g, int64_t id, enum cit_flow_edge_type type)
{
    int count = 0;

    for (uint32_t i = 0; i < cit_flow_edge_count(g); i++) {
        const struct cit_flow_edge *e = cit_flow_edge_at(g, i);

        count += e->source == id && (type == CIT_FLOW_EDGE_OTHER || e->type == type);
    }
    return count;
}

static int plain_background(struct world *w, const struct cit_flow_node *node)
{
    bool was_interactive = w->is_interactive;
    int was = w->now, err;
    void *result = NULL;

    w->is_interactive = false;
    note(w, 5, node->expr);
    go_to(w, node);
    err = plain_transition(w, 0, &result);
    if (err != CIT_OK)
        return err;
    if (result != NULL)
        host_drop(w, result);
    w->now = was;
    w->is_interactive = was_interactive;
    note(w, 6, (uint32_t)was);
    return CIT_OK;
}

static int plain_trigger(struct world *w, const struct cit_flow_node *node, void **result)
{
    bool follow = true;
    int err;

    if (node == NULL)
        return CIT_ENOENT;
    if (w->steps++ >= STEPS)
        return CIT_ELIMIT;
    if (node->type == CIT_FLOW_SESSION) {
        if (plain_out(graph_now(w), node->id, CIT_FLOW_EDGE_OTHER) > 0)
            push(w, node->id);
        note(w, 4, node->expr);
        go_to(w, node);
        return plain_transition(w, 0, result);
    }
    if (node->type == CIT_FLOW_BACKGROUND) {
        err = plain_background(w, node);
        if (err != CIT_OK)
            return err;
    } else if (node->type != CIT_FLOW_START) {
        *result = effect(w, node, &follow);
    }
    return follow ? plain_transition(w, node->id, result) : CIT_OK;
}

/* The next edge of one type that passes and is not among those that fired; -1 without one. */
static int plain_traverse(struct world *w, const struct cit_flow_graph *g, int64_t id, enum cit_flow_edge_type type,
                          const bool *fired)
{
    for (uint32_t i = 0; i < cit_flow_edge_count(g); i++) {
        const struct cit_flow_edge *e = cit_flow_edge_at(g, i);

        if (e->source == id && e->type == type && !fired[i] && passes(w, e))
            return (int)i;
    }
    return -1;
}

static int plain_pop(struct world *w, void **result)
{
    const struct cit_flow_node *node;
    int64_t id;

    if (w->steps++ >= STEPS)
        return CIT_ELIMIT;
    id = pop_place(w);
    node = plain_node(graph_now(w), id);
    if (node == NULL)
        return CIT_ENOENT;
    if (node->type == CIT_FLOW_SESSION || node->type == CIT_FLOW_BACKGROUND)
        return plain_transition(w, node->id, result);
    return plain_trigger(w, node, result);
}

static int plain_dead_end(struct world *w, int64_t id, void **result)
{
    const struct cit_flow_node *node = plain_node(graph_now(w), id);

    if (plain_out(graph_now(w), id, CIT_FLOW_EDGE_NORMAL) > 0 || w->stack_count == 0)
        return CIT_OK;
    if (node == NULL)
        return CIT_ENOENT;
    if (node->type == CIT_FLOW_START || node->type == CIT_FLOW_SESSION || node->type == CIT_FLOW_EXPRESSION)
        return plain_pop(w, result);
    return CIT_OK;
}

static int plain_transition(struct world *w, int64_t id, void **result)
{
    const struct cit_flow_graph *g = graph_now(w);
    bool fired[EDGES] = { false };
    void *last = NULL;
    int at, err;

    while ((at = plain_traverse(w, g, id, CIT_FLOW_EDGE_SPECIAL, fired)) >= 0) {
        void *one = NULL;

        fired[at] = true;
        err = plain_trigger(w, plain_node(g, cit_flow_edge_at(g, (uint32_t)at)->target), &one);
        if (err == CIT_OK && one != NULL && *(char *)one != 0) {
            void *before = last;

            last = one;
            one = before;
        }
        if (one != NULL)
            host_drop(w, one);
        if (err != CIT_OK) {
            if (last != NULL)
                host_drop(w, last);
            return err;
        }
    }
    *result = last;
    if (last != NULL)
        return CIT_OK;
    at = plain_traverse(w, g, id, CIT_FLOW_EDGE_NORMAL, fired);
    if (at >= 0)
        return plain_trigger(w, plain_node(g, cit_flow_edge_at(g, (uint32_t)at)->target), result);
    return plain_dead_end(w, id, result);
}

/* ---- both ---- */

static void reset(struct world *w, const uint8_t *start)
{
    w->now = start[0] % SESSIONS;
    w->flags = start[1];
    w->is_interactive = start[0] >= 128;
    w->stack_count = start[2] % 4;
    for (int i = 0; i < w->stack_count; i++) {
        w->stack[i][0] = start[2] / 4 % SESSIONS;
        w->stack[i][1] = start[2] / 16 % NODES;
    }
    w->log_count = w->steps = 0;
    w->events = 0;
}

/* From the node start[3] names: along its edges, or through it, or back from the stack. */
static int walk(struct world *w, struct cit_walk *walker, const uint8_t *start, void **result)
{
    struct cit_walk_place here = { { graph_now(w), &w->sessions[w->now] }, NULL };

    here.slot = cit_flow_slot_of(here.graph.g, start[3] % NODES * w->spread);
    if (start[3] >= 192 && w->stack_count > 0)
        return cit_walk_pop(walker, result);
    if (start[3] >= 128 && here.slot != NULL && here.slot->node != CIT_FLOW_NONE)
        return cit_walk_trigger(walker, &here, result);
    return cit_walk_transition(walker, here.slot, result);
}

static int walk_plainly(struct world *w, const uint8_t *start, void **result)
{
    int64_t id = start[3] % NODES * w->spread;

    if (start[3] >= 192 && w->stack_count > 0)
        return plain_pop(w, result);
    if (start[3] >= 128 && plain_node(graph_now(w), id) != NULL)
        return plain_trigger(w, plain_node(graph_now(w), id), result);
    return plain_transition(w, id, result);
}

/* The byte of a result, 2 for none; it is dropped. */
static int drop_result(struct world *w, void *result)
{
    int kind = result != NULL ? *(char *)result : 2;

    if (result != NULL)
        host_drop(w, result);
    return kind;
}

static void check_rest(const struct world *w, const struct cit_walk *walker)
{
    for (int i = 0; i < SESSIONS; i++)
        MUST(w->sessions[i].keeps == 0);
    MUST(w->live == 0 && walker->frame_count == 0 && walker->todo_count == 0);
}

static void compare(struct world *w, struct cit_walk *walker, const uint8_t *start)
{
    static uint32_t log[LOG];
    void *result = NULL;
    uint32_t log_count;
    int err, plain_err, kind, plain_kind;

    reset(w, start);
    err = walk(w, walker, start, &result);
    MUST(err == CIT_OK || result == NULL);
    kind = drop_result(w, result);
    check_rest(w, walker);
    log_count = w->log_count;
    memcpy(log, w->log, log_count * sizeof *log);

    reset(w, start);
    result = NULL;
    plain_err = walk_plainly(w, start, &result);
    plain_kind = drop_result(w, result);
    MUST(err == plain_err && kind == plain_kind && log_count == w->log_count);
    MUST(memcmp(log, w->log, log_count * sizeof *log) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct world w;
    struct cit_walk walker = { .host = &host, .ctx = &w, .limits = { STEPS, 1u << 20, STEPS } };
    uint8_t start[4], how = take(&data, &n), fail_at = take(&data, &n);
    void *result = NULL;

    w = (struct world){ .spread = how % 2 != 0 ? 1 : 1000003 };
    for (int i = 0; i < 4; i++)
        start[i] = take(&data, &n);
    for (int i = 0; i < SESSIONS; i++)
        make_session(&w, &w.sessions[i], &data, &n);
    compare(&w, &walker, start);

    reset(&w, start); /* again, and the host fails on the way */
    w.fail_at = fail_at;
    if (walk(&w, &walker, start, &result) == CIT_OK)
        (void)drop_result(&w, result);
    check_rest(&w, &walker);

    cit_walk_fini(&walker);
    for (int i = 0; i < SESSIONS; i++)
        cit_flow_graph_free(w.sessions[i].g);
    return 0;
}
