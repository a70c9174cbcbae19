/* flow/graph.h - a page-flow graph, compiled: ids found at once, edges sorted by where they leave.
 *
 *      nodes[]   in the order given; of two with one id the last is the one that is found
 *      edges[]   in the order given
 *      slots     every id that is a node or a source:
 *                id -> node index, special edges, normal edges (each in list order)
 *
 * A graph knows texts of expressions, not programs: each distinct text has a number from 1, so
 * that whoever evaluates keeps one table of programs beside the graph.  0 is "no expression",
 * which always passes.
 *
 * Ids are numbers here.  Whoever builds a graph from Python maps equal ids to equal numbers.
 *
 * Depends on: base/err, base/slice.
 * Ownership:  the graph owns copies of all texts.
 * Threads:    immutable once finished: any number at once.
 * Limits:     CIT_FLOW_NODES_MAX nodes, CIT_FLOW_EDGES_MAX edges; past them CIT_ELIMIT.
 */
#ifndef CIT_FLOW_GRAPH_H
#define CIT_FLOW_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum { CIT_FLOW_NODES_MAX = 1000 * 1000, CIT_FLOW_EDGES_MAX = 4 * 1000 * 1000 };

#define CIT_FLOW_NONE UINT32_MAX /* no such node, slot or edge */

/* name, text in graphs */
#define CIT_FLOW_TYPES(X)                     \
    X(OTHER, "")                              \
    X(START, "start")                         \
    X(PAGE, "page")                           \
    X(WAIT, "wait")                           \
    X(SESSION, "session")                     \
    X(BACKGROUND, "background_session")       \
    X(EXPRESSION, "expression")               \
    X(EMAIL, "email")                         \
    X(SMS, "sms")                             \
    X(REGISTER, "register")                   \
    X(ENROLL, "enroll")                       \
    X(LEAVE, "leave")                         \
    X(DELAY, "delay")                         \
    X(TOOL, "tool")                           \
    X(NOTIFICATION, "therapist_notification") \
    X(CODE, "code")                           \
    X(END, "end")

enum cit_flow_type {
#define CIT_FLOW_TYPE_ENUM(name, text) CIT_FLOW_##name,
    CIT_FLOW_TYPES(CIT_FLOW_TYPE_ENUM)
#undef CIT_FLOW_TYPE_ENUM
        CIT_FLOW_TYPE_COUNT
};

enum cit_flow_edge_type {
    CIT_FLOW_EDGE_OTHER, /* neither: ignored by the engine, but it leaves its node */
    CIT_FLOW_EDGE_NORMAL,
    CIT_FLOW_EDGE_SPECIAL
};

/* What a builder is told of a node, and what the graph keeps of it. */
struct cit_flow_node {
    int64_t id;
    uint8_t type;              /* enum cit_flow_type */
    uint32_t expr;             /* number of the expression, or 0 */
    struct cit_slice title;    /* may be empty */
    struct cit_slice ref;      /* what it shows or enters; may be empty */
    struct cit_slice variable; /* what an expression node sets; may be empty */
};

struct cit_flow_edge {
    int64_t id, source, target;
    uint8_t type;         /* enum cit_flow_edge_type */
    uint32_t expr;        /* number of the expression, or 0 */
    uint32_t target_node; /* index of the target, or CIT_FLOW_NONE */
};

/* All edges that leave one id, as runs of edge indexes in list order. */
struct cit_flow_slot {
    int64_t id;
    uint32_t node; /* index, or CIT_FLOW_NONE: only edges name this id */
    uint32_t special, special_count;
    uint32_t normal, normal_count;
    uint32_t out_count; /* edges of any type */
};

struct cit_flow_graph; /* body in graph.c: reached through the calls below */

/* ---- building ---- */

struct cit_flow_builder; /* grows while nodes and edges are added */

/* NULL when out of memory. */
struct cit_flow_builder *cit_flow_builder_new(void);
void cit_flow_builder_free(struct cit_flow_builder *b);

/* The number of an expression's text; 0 for an empty one.  CIT_OK, CIT_ENOMEM, CIT_ELIMIT. */
CIT_MUST_CHECK int cit_flow_builder_expr(struct cit_flow_builder *b, struct cit_slice text, uint32_t *number);

/* Copies what it is given.  CIT_OK, CIT_ENOMEM, CIT_ELIMIT. */
CIT_MUST_CHECK int cit_flow_builder_node(struct cit_flow_builder *b, const struct cit_flow_node *node);
CIT_MUST_CHECK int cit_flow_builder_edge(struct cit_flow_builder *b, const struct cit_flow_edge *edge);

/* The graph of what was added; the builder is then empty and can only be freed.
 * CIT_OK, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_flow_builder_finish(struct cit_flow_builder *b, struct cit_flow_graph **out);

void cit_flow_graph_free(struct cit_flow_graph *g);

/* ---- reading ---- */

uint32_t cit_flow_node_count(const struct cit_flow_graph *g);
uint32_t cit_flow_edge_count(const struct cit_flow_graph *g);
uint32_t cit_flow_expr_count(const struct cit_flow_graph *g); /* numbers are 1 .. count */
size_t cit_flow_graph_bytes(const struct cit_flow_graph *g);  /* memory it holds */

const struct cit_flow_node *cit_flow_node_at(const struct cit_flow_graph *g, uint32_t index);
const struct cit_flow_edge *cit_flow_edge_at(const struct cit_flow_graph *g, uint32_t index);
struct cit_slice cit_flow_expr_text(const struct cit_flow_graph *g, uint32_t number);

/* The slot of an id, or NULL: constant time. */
const struct cit_flow_slot *cit_flow_slot_of(const struct cit_flow_graph *g, int64_t id);

/* The edge index at place i of a slot's runs (special + k, normal + k). */
uint32_t cit_flow_out(const struct cit_flow_graph *g, uint32_t i);

/* No normal edge leaves the id; special ones do not count, conditions are not evaluated. */
bool cit_flow_is_dead_end(const struct cit_flow_graph *g, int64_t id);

/* The type of a text, CIT_FLOW_OTHER when it is none; the text of a type, static. */
enum cit_flow_type cit_flow_type_of(struct cit_slice text);
const char *cit_flow_type_text(enum cit_flow_type type);

#endif
