/* flow/check_edge.c - the edges that leave a node, in their order. */
#include "flow/check_int.h"

#include "base/mem.h"

/* A node, and what its edges do. */
struct place {
    uint32_t node;
    const struct cit_flow_slot *slot;
    uint8_t type;
    uint32_t last_page; /* edge: the special one whose page is shown in the end, or CIT_FLOW_NONE */
    uint32_t sure_page; /* edge: a special one to a page that is always shown, or CIT_FLOW_NONE */
};

static uint8_t type_behind(const struct cit__check *c, const struct cit_flow_edge *e)
{
    return e->target_node == CIT_FLOW_NONE ? (uint8_t)CIT_FLOW_OTHER : cit_flow_node_at(c->g, e->target_node)->type;
}

/* ---- edges one by one ---- */

static void check_ends(struct cit__check *c, uint32_t edge)
{
    const struct cit_flow_edge *e = cit_flow_edge_at(c->g, edge);
    const struct cit_flow_slot *from = cit_flow_slot_of(c->g, e->source);
    struct cit__label source, target;

    if (from->node == CIT_FLOW_NONE)
        cit__found(c, cit__at_edge(CIT_FLOW_WARNING, CIT_FLOW_CODE_MISSING_SOURCE, edge),
                   "Delete the edge, or let it begin at a node that is there.",
                   "An edge comes from node %s, which is not there; nobody ever takes it.",
                   cit__id_label(c, e->source, &source));
    if (e->target_node == CIT_FLOW_NONE)
        cit__found(c, cit__at_edge(CIT_FLOW_ERROR, CIT_FLOW_CODE_MISSING_TARGET, edge),
                   "Lead the edge to a node that is there, or delete it.",
                   "An edge leads from %s%s to node %s, which is not there; whoever takes it gets an error.",
                   from->node == CIT_FLOW_NONE ? "node " : "the ",
                   from->node == CIT_FLOW_NONE ? cit__id_label(c, e->source, &source)
                                               : cit__node_label(c, from->node, &source),
                   cit__id_label(c, e->target, &target));
    if (e->type == CIT_FLOW_EDGE_OTHER)
        cit__found(c, cit__at_edge(CIT_FLOW_WARNING, CIT_FLOW_CODE_EDGE_TYPE, edge),
                   "Make it a normal edge (the way on) or a special one (done on the side, before going on).",
                   "The edge from node %s to node %s is neither normal nor special; nobody ever takes it.",
                   cit__id_label(c, e->source, &source), cit__id_label(c, e->target, &target));
}

static void check_after_stop(struct cit__check *c, const struct place *p)
{
    struct cit__label at;

    for (uint32_t i = 0; i < p->slot->special_count + p->slot->normal_count && c->err == CIT_OK; i++)
        cit__found(
            c, cit__at_edge(CIT_FLOW_WARNING, CIT_FLOW_CODE_EDGE_AFTER_STOP, cit_flow_out(c->g, p->slot->special + i)),
            "Reach the node by a special edge, and lead the way on from the node before it.",
            "The flow stops at the %s: an edge that leaves it is never taken.", cit__node_label(c, p->node, &at));
}

/* ---- special edges ---- */

/* From the last one to the first, so that each knows what comes after it. */
static void check_special_pages(struct cit__check *c, struct place *p)
{
    for (uint32_t i = p->slot->special_count; i-- > 0;) {
        uint32_t edge = cit_flow_out(c->g, p->slot->special + i);
        const struct cit_flow_edge *e = cit_flow_edge_at(c->g, edge);
        struct cit__label shown, hidden;

        if (type_behind(c, e) != CIT_FLOW_PAGE || cit__edge_verdict(c, edge) == CIT__NEVER)
            continue;
        if (p->last_page == CIT_FLOW_NONE)
            p->last_page = edge;
        else if (cit_flow_edge_at(c->g, p->last_page)->target_node != e->target_node)
            cit__found(
                c, cit__at_edge(CIT_FLOW_HINT, CIT_FLOW_CODE_SPECIAL_PAGES, edge),
                "Use normal edges where one page of several should be shown: the first whose condition holds.",
                p->sure_page != CIT_FLOW_NONE
                    ? "The %s is never seen: of the pages behind special edges the last one is shown, and that "
                      "is always the %s."
                    : "If the conditions of both hold, the %s is not seen: of the pages behind special edges the "
                      "last one is shown, which is the %s.",
                cit__node_label(c, e->target_node, &hidden),
                cit__node_label(c, cit_flow_edge_at(c->g, p->last_page)->target_node, &shown));
        if (p->sure_page == CIT_FLOW_NONE && cit__edge_verdict(c, edge) == CIT__ALWAYS)
            p->sure_page = edge;
    }
}

static void check_self_loop(struct cit__check *c, const struct place *p, uint32_t edge)
{
    bool is_page = p->type == CIT_FLOW_PAGE;
    struct cit__label at;

    if (cit_flow_edge_at(c->g, edge)->target_node != p->node || cit__edge_verdict(c, edge) != CIT__ALWAYS ||
        cit__passes_on(c, p->type)) /* those are loops: check_loop.c */
        return;
    cit__found(c, cit__at_edge(CIT_FLOW_WARNING, CIT_FLOW_CODE_SPECIAL_SELF_LOOP, edge),
               "Give the edge a condition that is false in the end, or delete it.",
               is_page ? "A special edge without condition leads from the %s back to it: whoever goes on sees the same "
                         "page again, and normal edges are never looked at."
                       : "A special edge without condition leads from the %s back to it: it begins again each time it "
                         "is over.",
               cit__node_label(c, p->node, &at));
}

/* A session node that nothing leaves doesn't come back (B.4): what its neighbours show then is
 * stored with the other session. */
static void check_special_session(struct cit__check *c, const struct place *p, uint32_t edge)
{
    const struct cit_flow_edge *e = cit_flow_edge_at(c->g, edge);
    struct cit__label at, label;

    if (type_behind(c, e) != CIT_FLOW_SESSION || p->slot->normal_count == 0 ||
        cit_flow_slot_of(c->g, e->target)->out_count > 0)
        return;
    cit__found(
        c, cit__at_edge(CIT_FLOW_WARNING, CIT_FLOW_CODE_SPECIAL_SESSION, edge),
        "Lead to it by a normal edge, or let an edge leave it.",
        "A special edge leads from the %s to the %s, which no edge leaves: the flow stays in that session, and a "
        "page that comes next is taken for one of its pages.",
        cit__node_label(c, p->node, &at), cit__node_label(c, e->target_node, &label));
}

static void check_specials(struct cit__check *c, struct place *p)
{
    check_special_pages(c, p);
    for (uint32_t i = 0; i < p->slot->special_count && c->err == CIT_OK; i++) {
        uint32_t edge = cit_flow_out(c->g, p->slot->special + i);

        check_self_loop(c, p, edge);
        check_special_session(c, p, edge);
    }
}

/* ---- normal edges ---- */

/* Where what special edges do ends, the flow goes on at the node they left. */
static bool is_on_the_way(const struct cit__check *c, const struct place *p)
{
    return (c->reached[p->node] & CIT__MAIN) != 0;
}

static void say_never_taken(struct cit__check *c, const struct place *p, uint32_t edge, uint32_t sure)
{
    const struct cit_flow_edge *e = cit_flow_edge_at(c->g, edge), *before = cit_flow_edge_at(c->g, sure);
    bool is_page = before->type == CIT_FLOW_EDGE_SPECIAL;
    struct cit__label at, to, other;

    cit__found(
        c, cit__at_edge(CIT_FLOW_WARNING, CIT_FLOW_CODE_EDGE_NEVER_TAKEN, edge),
        is_page ? "Give the special edge a condition, or make it the last of the normal ones."
                : "Edges are tried from the first to the last: move the one without condition to the end, or "
                  "give it a condition.",
        is_page ? "The edge from the %s to node %s is never taken: a special edge always shows the page %s first."
                : "The edge from the %s to node %s is never taken: one before it, to node %s, always is.",
        cit__node_label(c, p->node, &at), cit__id_label(c, e->target, &to), cit__id_label(c, before->target, &other));
}

/* asked: by number of an expression, the node (+ 1) at which it was last seen. */
static void check_normals(struct cit__check *c, const struct place *p, uint32_t *asked)
{
    uint32_t sure = p->sure_page;
    struct cit__label at;

    for (uint32_t i = 0; i < p->slot->normal_count && c->err == CIT_OK; i++) {
        uint32_t edge = cit_flow_out(c->g, p->slot->normal + i), expr = cit_flow_edge_at(c->g, edge)->expr;
        enum cit__verdict verdict = cit__edge_verdict(c, edge);

        if (sure != CIT_FLOW_NONE)
            say_never_taken(c, p, edge, sure);
        else if (verdict == CIT__DEPENDS && asked[expr] == p->node + 1)
            cit__found(c, cit__at_edge(CIT_FLOW_HINT, CIT_FLOW_CODE_SAME_CONDITION, edge),
                       "Delete one of the two, or write the other condition.",
                       "Two edges from the %s have the same condition: the first one is taken.",
                       cit__node_label(c, p->node, &at));
        if (sure == CIT_FLOW_NONE && verdict == CIT__ALWAYS)
            sure = edge;
        asked[expr] = p->node + 1;
    }
    if (sure == CIT_FLOW_NONE && p->slot->normal_count > 0 && is_on_the_way(c, p))
        cit__found(c, cit__at_node(CIT_FLOW_HINT, CIT_FLOW_CODE_NO_ELSE, p->node),
                   "Add an edge without condition behind the others, for everybody else.",
                   "Each way on from the %s has a condition: if none of them holds, the flow stops there.",
                   cit__node_label(c, p->node, &at));
}

/* ---- dead ends ---- */

/* Types at which a sub-session returns by itself (start, session, expression), or waits for the
 * reader (page), are no dead ends: B.4. */
static void check_dead_end(struct cit__check *c, const struct place *p)
{
    bool leads_on = p->slot->normal_count > 0 || p->last_page != CIT_FLOW_NONE;
    struct cit__label at;

    if (p->type == CIT_FLOW_DELAY && !leads_on && p->slot->special_count == 0)
        cit__found(c, cit__at_node(CIT_FLOW_WARNING, CIT_FLOW_CODE_DELAY_NOWHERE, p->node),
                   "Lead an edge from it to what should happen then.",
                   "Nothing happens when the time of the %s is over: no edge leaves it.",
                   cit__node_label(c, p->node, &at));
    if (p->slot->normal_count == 0 && (c->reached[p->node] & CIT__SIDE) != 0 &&
        (p->type == CIT_FLOW_START || p->type == CIT_FLOW_EXPRESSION))
        cit__found(
            c, cit__at_node(CIT_FLOW_HINT, CIT_FLOW_CODE_SPECIAL_RETURNS, p->node),
            "If another graph enters this one, let the way on lead through the node: a normal edge to it, and one "
            "from it to what comes next.",
            "A special edge leads to the %s, which no normal edge leaves: if another graph entered this one, the "
            "flow goes back there at once.",
            cit__node_label(c, p->node, &at));
    if (leads_on || !is_on_the_way(c, p) || p->type == CIT_FLOW_START || p->type == CIT_FLOW_SESSION ||
        p->type == CIT_FLOW_EXPRESSION || p->type == CIT_FLOW_PAGE || p->type == CIT_FLOW_DELAY ||
        cit__is_hosts(c, p->type))
        return;
    cit__found(c, cit__at_node(CIT_FLOW_HINT, CIT_FLOW_CODE_DEAD_END, p->node),
               "If another graph enters this one, end with a page, or lead on to an expression node: there the flow "
               "returns.",
               "The graph ends at the %s: if another graph entered it, the flow doesn't go back there.",
               cit__node_label(c, p->node, &at));
}

/* ---- all of it ---- */

static void check_place(struct cit__check *c, uint32_t node, uint32_t *asked)
{
    struct place p = { .node = node, .last_page = CIT_FLOW_NONE, .sure_page = CIT_FLOW_NONE };

    p.slot = cit__slot_of_node(c, node);
    if (p.slot == NULL)
        return;
    p.type = cit_flow_node_at(c->g, node)->type;
    if (cit__stops(c, p.type)) {
        check_after_stop(c, &p);
        return;
    }
    check_specials(c, &p);
    check_normals(c, &p, asked);
    check_dead_end(c, &p);
}

void cit__check_edges(struct cit__check *c)
{
    uint32_t *asked;

    if (c->err != CIT_OK)
        return;
    asked = cit_calloc((size_t)cit_flow_expr_count(c->g) + 1, sizeof *asked);
    if (asked == NULL) {
        c->err = CIT_ENOMEM;
        return;
    }
    for (uint32_t i = 0; i < cit_flow_edge_count(c->g) && c->err == CIT_OK; i++)
        check_ends(c, i);
    for (uint32_t i = 0; i < cit_flow_node_count(c->g) && c->err == CIT_OK; i++)
        check_place(c, i, asked);
    cit_free(asked);
}
