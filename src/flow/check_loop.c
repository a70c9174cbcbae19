/* flow/check_loop.c - nodes that lead to each other and nothing between them waits.
 *
 * Strongly connected components (Tarjan 1972) of the nodes the engine passes on from at once, with
 * a stack of its own in place of recursion.  It runs twice: over the edges that are surely taken,
 * where each component is a loop without end, and over all that may be taken, where a condition
 * may end it.
 */
#include "flow/check_int.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"

enum { NAMED_MAX = 4, LIST_MAX = 700 };

/* A node on the way down, and which of its edges are to be followed: special ones first. */
struct frame {
    uint32_t node, next, end;
};

struct loops {
    struct cit__check *c;
    bool is_sure_only; /* the first run */
    uint32_t *order;   /* when a node was met, from 1; 0: not yet */
    uint32_t *low;     /* the earliest node on the stack it leads to; UINT32_MAX: its component is done */
    uint32_t *stack;
    struct frame *frames;
    bool *is_named; /* the first run found it: not again */
    uint32_t met, stacked, depth;
};

/* ---- the edges that count ---- */

static bool is_on_way(const struct cit__check *c, uint32_t node)
{
    return node != CIT_FLOW_NONE && cit__passes_on(c, cit_flow_node_at(c->g, node)->type) &&
           cit__slot_of_node(c, node) != NULL;
}

/* Special edges without condition always are.  Of the normal ones only the first can be, and only
 * where no special edge is there to show a page instead. */
static bool is_surely_taken(const struct cit__check *c, const struct cit_flow_slot *s, uint32_t i)
{
    if (cit__edge_verdict(c, cit_flow_out(c->g, s->special + i)) != CIT__ALWAYS)
        return false;
    return i < s->special_count || s->special_count == 0;
}

/* Whether the search goes on behind the i-th edge of a slot, and to which node. */
static bool follows(const struct loops *l, const struct cit_flow_slot *s, uint32_t i, uint32_t *to)
{
    uint32_t edge = cit_flow_out(l->c->g, s->special + i);

    *to = cit_flow_edge_at(l->c->g, edge)->target_node;
    if (!is_on_way(l->c, *to) || cit__edge_verdict(l->c, edge) == CIT__NEVER)
        return false;
    return !l->is_sure_only || is_surely_taken(l->c, s, i);
}

/* Edges of a slot to look at: in the first run, of the normal ones the first that may pass. */
static uint32_t edges_of(const struct loops *l, const struct cit_flow_slot *s)
{
    uint32_t count = s->special_count;

    if (!l->is_sure_only)
        return count + s->normal_count;
    while (count < s->special_count + s->normal_count) {
        if (cit__edge_verdict(l->c, cit_flow_out(l->c->g, s->special + count++)) != CIT__NEVER)
            break;
    }
    return count;
}

/* ---- what is said ---- */

static bool leads_to_itself(const struct loops *l, uint32_t node)
{
    const struct cit_flow_slot *s = cit__slot_of_node(l->c, node);
    uint32_t to, count = edges_of(l, s);

    for (uint32_t i = 0; i < count; i++) {
        if (follows(l, s, i, &to) && to == node)
            return true;
    }
    return false;
}

static void list_nodes(const struct loops *l, const uint32_t *nodes, uint32_t count, char out[LIST_MAX])
{
    struct cit__label label;
    size_t at = 0;

    for (uint32_t i = 0; i < count && i < NAMED_MAX; i++)
        at += (size_t)snprintf(out + at, LIST_MAX - at, "%s%s", i > 0 ? ", " : "",
                               cit__node_label(l->c, nodes[i], &label));
    if (count > NAMED_MAX)
        (void)snprintf(out + at, LIST_MAX - at, " and %" PRIu32 " more", count - NAMED_MAX);
}

static void say_loop(const struct loops *l, const uint32_t *nodes, uint32_t count)
{
    enum cit_flow_severity severity = l->is_sure_only ? CIT_FLOW_ERROR : CIT_FLOW_WARNING;
    char list[LIST_MAX];

    list_nodes(l, nodes, count, list);
    cit__found(l->c, cit__at_node(severity, CIT_FLOW_CODE_LOOP, nodes[0]),
               l->is_sure_only
                   ? "Put a page, a wait or a delay between them, or give an edge a condition that is false "
                     "in the end."
                   : "See that a condition on the way becomes false in the end, or put a page, a wait or a "
                     "delay between them.",
               l->is_sure_only ? "A loop that never ends, without a page, wait or delay: %s."
                               : "A loop without a page, wait or delay, which only a condition can end: %s.",
               list);
}

/* The component of a node whose search is over: what lies on the stack from it on. */
static void take_component(struct loops *l, uint32_t root)
{
    uint32_t first = l->stacked, count;
    bool is_new = true;

    do {
        uint32_t node = l->stack[--first];

        l->low[node] = UINT32_MAX;
        is_new = is_new && !l->is_named[node];
    } while (l->stack[first] != root);
    count = l->stacked - first;
    l->stacked = first;
    if (!is_new || (count == 1 && !leads_to_itself(l, root)))
        return;
    for (uint32_t i = 0; l->is_sure_only && i < count; i++)
        l->is_named[l->stack[first + i]] = true;
    say_loop(l, l->stack + first, count);
}

/* ---- the search ---- */

static void enter(struct loops *l, uint32_t node)
{
    uint32_t end = edges_of(l, cit__slot_of_node(l->c, node));

    l->order[node] = l->low[node] = ++l->met;
    l->stack[l->stacked++] = node;
    l->frames[l->depth++] = (struct frame){ node, 0, end };
}

static void lower(struct loops *l, uint32_t node, uint32_t than)
{
    if (than < l->low[node])
        l->low[node] = than;
}

/* One edge of the node on top, or its end. */
static void step(struct loops *l)
{
    struct frame *f = &l->frames[l->depth - 1];
    uint32_t to, node = f->node;

    if (f->next < f->end) {
        if (!follows(l, cit__slot_of_node(l->c, node), f->next++, &to))
            return;
        if (l->order[to] == 0)
            enter(l, to);
        else if (l->low[to] != UINT32_MAX)
            lower(l, node, l->order[to]);
        return;
    }
    l->depth--;
    to = l->low[node];
    if (to == l->order[node])
        take_component(l, node);
    else
        lower(l, l->frames[l->depth - 1].node, to);
}

static void search(struct loops *l, bool is_sure_only)
{
    uint32_t count = cit_flow_node_count(l->c->g);

    l->is_sure_only = is_sure_only;
    l->met = l->stacked = l->depth = 0;
    for (uint32_t i = 0; i < count; i++)
        l->order[i] = 0;
    for (uint32_t i = 0; i < count && l->c->err == CIT_OK; i++) {
        if (l->order[i] != 0 || !is_on_way(l->c, i))
            continue;
        enter(l, i);
        while (l->depth > 0)
            step(l);
    }
}

void cit__check_loops(struct cit__check *c)
{
    uint32_t count = cit_flow_node_count(c->g);
    struct loops l = { .c = c };

    if (c->err != CIT_OK)
        return;
    l.order = cit_calloc(count, sizeof *l.order);
    l.low = cit_calloc(count, sizeof *l.low);
    l.stack = cit_calloc(count, sizeof *l.stack);
    l.frames = cit_calloc(count, sizeof *l.frames);
    l.is_named = cit_calloc(count, sizeof *l.is_named);
    if (l.order == NULL || l.low == NULL || l.stack == NULL || l.frames == NULL || l.is_named == NULL) {
        c->err = CIT_ENOMEM;
    } else {
        search(&l, true);
        search(&l, false);
    }
    cit_free(l.order);
    cit_free(l.low);
    cit_free(l.stack);
    cit_free(l.frames);
    cit_free(l.is_named);
}
