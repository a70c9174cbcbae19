/* flow/check_int.h - a check while it goes on; private to src/flow/check*.c.
 *
 *      check.c        findings: made, counted, sorted; the passes in turn
 *      check_expr.c   compiles each expression once: remarks and names
 *      check_const.c  ... and finds those that give the same whatever the variables hold
 *      check_node.c   nodes one by one, and whether a way leads to them
 *      check_edge.c   the edges that leave a node, in their order
 *      check_loop.c   nodes that lead to each other
 *
 * Every pass takes time and memory linear in the graph.  The first failure stays in `err`, and
 * nothing is found after it.
 *
 * Depends on: flow/check, expr/notes.
 * Ownership:  the check owns verdict, names and reached; the rest is borrowed.
 */
#ifndef CIT_FLOW_CHECK_INT_H
#define CIT_FLOW_CHECK_INT_H

#include "expr/notes.h"
#include "flow/check.h"

enum {
    CIT__RANKS = (int)CIT_FLOW_CODE_COUNT + (int)CIT_EXPR_NOTE_COUNT + 1, /* ours, the compiler's, others */
    CIT__LABEL_MAX = 200
};

/* What is known of a condition before anybody runs it. */
enum cit__verdict {
    CIT__DEPENDS, /* on variables */
    CIT__ALWAYS,  /* passes; so does an edge without a condition */
    CIT__NEVER    /* passes: constant and false, or always an error */
};

/* How a node is reached: on the way on, or in what special edges do beside it. */
enum { CIT__MAIN = 1, CIT__SIDE = 2 };

struct cit__check {
    const struct cit_flow_graph *g;
    const struct cit_flow_check_options *opt;
    struct cit_flow_findings *out;
    int err;                 /* CIT_OK, or the first failure */
    uint8_t *verdict;        /* owned: enum cit__verdict by number of the expression */
    struct cit_slice *names; /* owned: those that expression nodes set, sorted */
    uint32_t name_count;
    uint8_t *reached;          /* owned: CIT__MAIN, CIT__SIDE, both or 0 by node */
    uint32_t same[CIT__RANKS]; /* findings of each code */
};

/* Where something was found. */
struct cit__spot {
    uint8_t severity;
    const char *code;
    uint32_t node, edge; /* index, or CIT_FLOW_NONE */
    uint32_t line, column;
};

/* A text for people, NUL-terminated. */
struct cit__label {
    char text[CIT__LABEL_MAX];
};

/* ---- check.c ---- */

/* The code of a remark of the compiler. */
const char *cit__note_code(enum cit_expr_note_kind kind);

void cit__found(struct cit__check *c, struct cit__spot at, const char *hint, const char *fmt, ...) CIT_PRINTF(4, 5);

static inline struct cit__spot cit__at_node(enum cit_flow_severity severity, enum cit_flow_code code, uint32_t node)
{
    return (struct cit__spot){ (uint8_t)severity, cit_flow_code_text(code), node, CIT_FLOW_NONE, 0, 0 };
}

static inline struct cit__spot cit__at_edge(enum cit_flow_severity severity, enum cit_flow_code code, uint32_t edge)
{
    return (struct cit__spot){ (uint8_t)severity, cit_flow_code_text(code), CIT_FLOW_NONE, edge, 0, 0 };
}

/* `page "Welcome" (3)`; the id as its author wrote it.  They return label->text. */
const char *cit__node_label(const struct cit__check *c, uint32_t node, struct cit__label *label);
const char *cit__id_label(const struct cit__check *c, int64_t id, struct cit__label *label);

/* The slot of a node that is found by its id; NULL for one hidden by a later node of that id. */
const struct cit_flow_slot *cit__slot_of_node(const struct cit__check *c, uint32_t node);

/* What is known of an edge's condition. */
enum cit__verdict cit__edge_verdict(const struct cit__check *c, uint32_t edge);

/* What follows a node is the application's to say: in a strict graph, which is no stored programme. */
bool cit__is_hosts(const struct cit__check *c, uint8_t type);

/* The engine goes on from nodes of this type at once, without waiting for anybody. */
bool cit__passes_on(const struct cit__check *c, uint8_t type);

/* The engine never follows an edge that leaves a node of this type. */
bool cit__stops(const struct cit__check *c, uint8_t type);

/* ---- check_const.c ---- */

/* What a program gives as a condition, as far as it can be told without running it. */
enum cit__verdict cit__verdict_of(const struct cit_expr_program *prog);

/* ---- the passes ---- */

void cit__check_exprs(struct cit__check *c); /* first: it makes verdict and names */
void cit__check_nodes(struct cit__check *c); /* then: it fills reached */
void cit__check_edges(struct cit__check *c);
void cit__check_loops(struct cit__check *c);

#endif
