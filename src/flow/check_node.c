/* flow/check_node.c - nodes one by one, and whether a way leads to them. */
#include "flow/check_int.h"

#include <stdio.h>

#include "base/mem.h"
#include "flow/text_int.h"

enum { TYPE_MAX = 40 /* bytes of an unknown type in a text */ };

/* What a node of a type refers to, and where an author says so; NULL: to nothing. */
#define REFS(X)                                                          \
    X(PAGE, "page", "shows", "Choose the page it shows.")                \
    X(SESSION, "graph", "enters", "Choose the session it enters.")       \
    X(BACKGROUND, "graph", "runs", "Choose the session it runs.")        \
    X(EMAIL, "e-mail", "sends", "Choose the e-mail it sends.")           \
    X(SMS, "text message", "sends", "Choose the text message it sends.") \
    X(CODE, "piece of code", "runs", "Choose the code it runs.")

static const struct {
    const char *what, *verb, *hint;
} refs[CIT_FLOW_TYPE_COUNT] = {
#define REF_ROW(type, what, verb, hint) [CIT_FLOW_##type] = { what, verb, hint },
    REFS(REF_ROW)
#undef REF_ROW
};

/* ---- where graphs are entered ---- */

static void check_start(struct cit__check *c)
{
    const struct cit_flow_slot *s = cit_flow_slot_of(c->g, 0);
    struct cit__label label;

    if (s == NULL || s->node == CIT_FLOW_NONE) {
        cit__found(c, cit__at_node(CIT_FLOW_ERROR, CIT_FLOW_CODE_NO_START, CIT_FLOW_NONE),
                   "Add a start node with the id 0, and an edge from it to the first page.",
                   "The graph has no start: it is entered at the node with the id 0, and no node has it.");
    } else if (cit_flow_node_at(c->g, s->node)->type != CIT_FLOW_START) {
        cit__found(c, cit__at_node(CIT_FLOW_HINT, CIT_FLOW_CODE_START_TYPE, s->node),
                   "Give the id 0 to a start node, and let it lead here.",
                   "The graph begins with the %s, which has the id 0 and is no start node.",
                   cit__node_label(c, s->node, &label));
    }
}

/* ---- one node ---- */

/* The type as its author wrote it, in parentheses; empty when nobody knows it. */
static void show_type(const struct cit__check *c, uint32_t node, char out[TYPE_MAX + 8])
{
    const struct cit_flow_words *w = c->opt->words;
    struct cit_slice type = { 0 };
    char text[TYPE_MAX + 4];

    if (w != NULL && w->type != NULL)
        type = w->type(w->ctx, node);
    cit__text_show(type, TYPE_MAX, text, sizeof text);
    (void)snprintf(out, TYPE_MAX + 8, type.n > 0 ? " (%s)" : "%s", text);
}

static void check_type(struct cit__check *c, uint32_t node)
{
    const struct cit_flow_node *n = cit_flow_node_at(c->g, node);
    struct cit__label label;
    char type[TYPE_MAX + 8];

    if (n->type == CIT_FLOW_START && n->id != 0)
        cit__found(c, cit__at_node(CIT_FLOW_HINT, CIT_FLOW_CODE_START_ELSEWHERE, node),
                   "If the graph should begin here, give this node the id 0; if not, it can go.",
                   "The %s is not where the graph begins: that is the node with the id 0.",
                   cit__node_label(c, node, &label));
    if (n->type != CIT_FLOW_OTHER)
        return;
    show_type(c, node, type);
    if (cit__is_hosts(c, n->type))
        cit__found(c, cit__at_node(CIT_FLOW_HINT, CIT_FLOW_CODE_UNKNOWN_TYPE, node),
                   "Look for a slip in the type, unless the application knows it.",
                   "The type of the %s is none of the engine's%s: what happens there is for the application to say.",
                   cit__node_label(c, node, &label), type);
    else
        cit__found(
            c, cit__at_node(CIT_FLOW_ERROR, CIT_FLOW_CODE_UNKNOWN_TYPE, node),
            "Types are start, page, session, background_session, expression, email, sms, register, enroll, leave, "
            "delay, wait, tool, therapist_notification, code and end.",
            "The type of the %s is not known%s: nothing happens there, and the flow stops.",
            cit__node_label(c, node, &label), type);
}

static void check_ref(struct cit__check *c, uint32_t node)
{
    const struct cit_flow_node *n = cit_flow_node_at(c->g, node);
    bool enters = n->type == CIT_FLOW_SESSION || n->type == CIT_FLOW_BACKGROUND;
    struct cit__label label;

    if (refs[n->type].what == NULL || cit__is_hosts(c, n->type))
        return;
    if (n->ref.n == 0) { /* an application may name pages and messages by other keys of the node */
        cit__found(c,
                   cit__at_node(enters || c->opt->dialect != CIT_EXPR_STRICT ? CIT_FLOW_ERROR : CIT_FLOW_HINT,
                                CIT_FLOW_CODE_NO_REF, node),
                   refs[n->type].hint, "The %s doesn't say which %s it %s.", cit__node_label(c, node, &label),
                   refs[n->type].what, refs[n->type].verb);
    } else if (enters && c->opt->self.n > 0 && cit_slice_eq(n->ref, c->opt->self)) {
        cit__found(c, cit__at_node(CIT_FLOW_WARNING, CIT_FLOW_CODE_ENTERS_ITSELF, node),
                   "Enter another session here; to begin again, lead an edge back to the first page.",
                   "The %s enters the very graph it stands in: everything begins again inside itself, and the way back "
                   "gets longer each time.",
                   cit__node_label(c, node, &label));
    }
}

static bool is_name(struct cit_slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        char b = text.p[i];

        if (!((b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || b == '_'))
            return false;
    }
    return true;
}

static void check_variable(struct cit__check *c, uint32_t node)
{
    const struct cit_flow_node *n = cit_flow_node_at(c->g, node);
    bool is_other = c->opt->dialect == CIT_EXPR_STRICT ? n->variable.p[0] == '$' : !is_name(n->variable);
    struct cit__label label;

    if (!is_other)
        return;
    cit__found(c, cit__at_node(CIT_FLOW_WARNING, CIT_FLOW_CODE_VARIABLE_NAME, node),
               n->variable.p[0] == '$' ? "Write the name without the $; it is only for reading a variable."
                                       : "Use the letters a-z and A-Z, digits and _ only.",
               "The %s sets a variable by a name that no expression can read.", cit__node_label(c, node, &label));
}

static void check_expression(struct cit__check *c, uint32_t node)
{
    const struct cit_flow_node *n = cit_flow_node_at(c->g, node);
    bool has_variable = n->variable.n > 0;
    struct cit__label label;

    if (n->type != CIT_FLOW_EXPRESSION)
        return;
    if (has_variable)
        check_variable(c, node);
    else if (n->expr > 0)
        cit__found(c, cit__at_node(CIT_FLOW_WARNING, CIT_FLOW_CODE_NO_VARIABLE, node),
                   "Name the variable that should hold the result.",
                   "The %s works something out and keeps it nowhere: it names no variable.",
                   cit__node_label(c, node, &label));
    if (n->expr == 0 && cit_flow_slot_of(c->g, n->id)->out_count > 0)
        cit__found(c, cit__at_node(has_variable ? CIT_FLOW_WARNING : CIT_FLOW_HINT, CIT_FLOW_CODE_NO_EXPRESSION, node),
                   has_variable ? "Write the expression that gives the variable its value."
                                : "Write an expression and a variable, or take the node out of the way.",
                   has_variable ? "The %s names a variable but no expression: the variable keeps its old value."
                                : "The %s is empty: it does nothing but lead on.",
                   cit__node_label(c, node, &label));
}

static void check_hidden(struct cit__check *c, uint32_t node)
{
    const struct cit_flow_node *n = cit_flow_node_at(c->g, node);
    struct cit__label label, other;

    cit__found(c, cit__at_node(CIT_FLOW_ERROR, CIT_FLOW_CODE_DUPLICATE_ID, node),
               "Give one of the two another id, and lead their edges anew.",
               "The %s is never used: the %s has the same id and takes its place.", cit__node_label(c, node, &label),
               cit__node_label(c, cit_flow_slot_of(c->g, n->id)->node, &other));
}

static void check_one(struct cit__check *c, uint32_t node)
{
    if (cit__slot_of_node(c, node) == NULL) {
        check_hidden(c, node);
        return;
    }
    check_type(c, node);
    check_ref(c, node);
    check_expression(c, node);
}

/* ---- ways from the start ---- */

/* A node is looked at once for each way it is reached by: node * 2, + 1 for CIT__SIDE. */
struct walk {
    struct cit__check *c;
    uint32_t *todo, count;
};

static void see(struct walk *w, uint32_t node, uint8_t how)
{
    if (node == CIT_FLOW_NONE || (w->c->reached[node] & how) != 0)
        return;
    w->c->reached[node] |= how;
    w->todo[w->count++] = node * 2 + (how == CIT__SIDE);
}

/* Special edges lead aside; where something waits (a page, a delay) a new way on begins. */
static uint8_t way_of(const struct walk *w, const struct cit_flow_edge *e, bool is_aside)
{
    uint8_t type = e->target_node != CIT_FLOW_NONE ? cit_flow_node_at(w->c->g, e->target_node)->type : CIT_FLOW_OTHER;
    bool waits = !cit__passes_on(w->c, type) && !cit__stops(w->c, type);

    return waits || (e->type == CIT_FLOW_EDGE_NORMAL && !is_aside) ? CIT__MAIN : CIT__SIDE;
}

static void walk_from(struct walk *w, uint32_t start)
{
    const struct cit_flow_graph *g = w->c->g;

    see(w, start, CIT__MAIN);
    while (w->count > 0) {
        uint32_t next = w->todo[--w->count];
        const struct cit_flow_slot *s = cit_flow_slot_of(g, cit_flow_node_at(g, next / 2)->id);

        for (uint32_t i = 0; i < s->special_count + s->normal_count; i++) {
            const struct cit_flow_edge *e = cit_flow_edge_at(g, cit_flow_out(g, s->special + i));

            see(w, e->target_node, way_of(w, e, next % 2 != 0));
        }
    }
}

static void say_unreachable(struct cit__check *c)
{
    struct cit__label label;

    for (uint32_t i = 0; i < cit_flow_node_count(c->g) && c->err == CIT_OK; i++) {
        if (c->reached[i] == 0 && cit__slot_of_node(c, i) != NULL)
            cit__found(c, cit__at_node(CIT_FLOW_WARNING, CIT_FLOW_CODE_UNREACHABLE, i),
                       "Lead an edge to it, or delete it.", "No way leads from the start to the %s.",
                       cit__node_label(c, i, &label));
    }
}

static void check_ways(struct cit__check *c)
{
    const struct cit_flow_slot *start = cit_flow_slot_of(c->g, 0);
    struct walk w = { .c = c };

    if (start == NULL || start->node == CIT_FLOW_NONE)
        return; /* nothing is reached, which is said already */
    w.todo = cit_calloc(cit_flow_node_count(c->g), 2 * sizeof *w.todo);
    if (w.todo == NULL) {
        c->err = CIT_ENOMEM;
        return;
    }
    walk_from(&w, start->node);
    say_unreachable(c);
    cit_free(w.todo);
}

void cit__check_nodes(struct cit__check *c)
{
    if (c->err != CIT_OK)
        return;
    check_start(c);
    for (uint32_t i = 0; i < cit_flow_node_count(c->g) && c->err == CIT_OK; i++)
        check_one(c, i);
    if (c->err == CIT_OK)
        check_ways(c);
}
