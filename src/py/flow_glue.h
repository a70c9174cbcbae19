/* py/flow_glue.h - graphs and the engine over Python objects: what their files give each other.
 *
 *      {"nodes": [...], "edges": [...]} ── Graph (flow_graph.c)
 *                                           ├── g         ids, edges, texts: flow/graph.h
 *                                           ├── nodes     the original dicts, by node index
 *                                           ├── edges     the same by edge index
 *                                           ├── ids       ids that are no small whole numbers
 *                                           └── programs  by number of the expression, made when asked for
 *
 * Depends on: Python.h, expr/program, flow/graph, py/state.
 * Ownership:  a Graph owns what it points at; what the calls below lend lives as long as the Graph.
 * Threads:    the GIL; Graphs are immutable (but for the programs, which are a cache).
 */
#ifndef CIT_PY_FLOW_GLUE_H
#define CIT_PY_FLOW_GLUE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "expr/program.h"
#include "flow/graph.h"

/* What the module keeps for graphs; part of struct cit_py_state. */
/* member, what makes it */
#define CIT_PY_GRAPH_TYPES(X) X(graph, cit_py_graph_spec)

/* Other objects. */
#define CIT_PY_GRAPH_OBJECTS(X) X(graph_error) /* citrate.flow.GraphError, a ValueError */

struct cit_py_state;

extern PyType_Spec cit_py_graph_spec; /* _native.Graph(mapping, dialect="strict"); may be a base */

/* ---- flow_graph.c ---- */

struct cit_py_graph {
    PyObject_HEAD
    struct cit_flow_graph *g;
    PyObject *nodes;     /* tuple: node index -> dict */
    PyObject *edges;     /* tuple: edge index -> dict */
    PyObject *ids;       /* dict: id -> number, for ids that are no small whole numbers; NULL: none */
    PyObject **programs; /* expression number - 1 -> Program, None: it does not compile, NULL: not asked yet */
    enum cit_expr_dialect dialect;
};

enum cit_py_graph_mode {
    CIT_PY_GRAPH_STRICT, /* what is not a whole graph is refused: GraphError */
    CIT_PY_GRAPH_STORED  /* as Serafin keeps them: an edge without source or target, without a list of edges,
                          * or whose expression is no text, is let through; it never passes or leads nowhere */
};

/* The Graph of a mapping; new reference, or NULL: GraphError, or what the mapping itself raised. */
PyObject *cit_py_graph_new(struct cit_py_state *st, PyObject *data, enum cit_expr_dialect dialect,
                           enum cit_py_graph_mode mode);

/* The number of an id: 1 and *out; 0 when the graph has no such id (so does an unhashable one);
 * -1 with the exception set.  Ids that Python calls equal (0, 0.0, False) are one. */
int cit_py_graph_id(const struct cit_py_graph *graph, PyObject *id, int64_t *out);

/* Whether the object is a Graph, or of a class made from it. */
int cit_py_graph_check(struct cit_py_state *st, PyObject *object);

/* The Program of an expression, from the cache of Programs at first: 1 and *out, borrowed from the
 * graph; 0 when it is not in the language (a condition then never passes); -1 with the exception set. */
int cit_py_graph_program(struct cit_py_state *st, struct cit_py_graph *graph, uint32_t number, PyObject **out);

/* The id of the node at an index, as its author wrote it: a new reference, or NULL with the exception. */
PyObject *cit_py_graph_node_id(struct cit_py_state *st, const struct cit_py_graph *graph, uint32_t index);

/* module.c calls this in its own exec, once the types are made. */
int cit_py_graph_exec(PyObject *module, struct cit_py_state *st);

#endif
