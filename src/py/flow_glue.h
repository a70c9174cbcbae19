/* py/flow_glue.h - graphs and the engine over Python objects: what their files give each other.
 *
 *      {"nodes": [...], "edges": [...]} ── Graph (flow_graph.c)
 *                                           ├── g         ids, edges, texts: flow/graph.h
 *                                           ├── nodes     the original dicts, by node index
 *                                           ├── edges     the same by edge index
 *                                           ├── packed    or the JSON they are made of when needed
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

#include <stdbool.h>

#include "expr/program.h"
#include "flow/graph.h"

/* ---- what the module keeps: the member `graph` of struct cit_py_state ---- */

/* Keys of nodes and edges, interned. */
#define CIT_PY_GRAPH_STRINGS(X) \
    X(nodes)                    \
    X(edges)                    \
    X(id)                       \
    X(type)                     \
    X(title)                    \
    X(ref_id)                   \
    X(ref_url)                  \
    X(variable_name)            \
    X(variable)                 \
    X(expression)               \
    X(source)                   \
    X(target)                   \
    X(delay)                    \
    X(number)                   \
    X(unit)

struct cit_py_graph_state {
    PyTypeObject *type_graph; /* _native.Graph; may be a base */
    PyObject *error;          /* the exception type citrate.flow.GraphError, a ValueError */
#define CIT_PY_STRING_MEMBER(name) PyObject *str_##name;
    CIT_PY_GRAPH_STRINGS(CIT_PY_STRING_MEMBER)
#undef CIT_PY_STRING_MEMBER
};

struct cit_py_state;

/* module.c calls these in its own exec, traverse and clear. */
int cit_py_graph_exec(PyObject *module, struct cit_py_state *st);
int cit_py_graph_traverse(struct cit_py_state *st, visitproc visit, void *arg);
void cit_py_graph_clear(struct cit_py_state *st);

/* ---- flow_graph.c ---- */

struct cit_py_graph {
    PyObject_HEAD struct cit_flow_graph *g;
    struct cit_py_state *st; /* borrowed: the type keeps the module */
    PyObject *nodes;         /* tuple: node index -> dict; NULL until cit_py_graph_open makes it of packed */
    PyObject *edges;         /* tuple: edge index -> dict; the same */
    PyObject *packed;        /* bytes: citrate.flow.graph.unpack(packed) is the mapping; NULL: nodes are there */
    PyObject *ids;           /* dict: id -> number, for ids that are no small whole numbers; NULL: none */
    PyObject **programs;     /* expression number - 1 -> Program, None: it does not compile, NULL: not asked
                              * yet; NULL: no expression was asked for */
    enum cit_expr_dialect dialect;
    bool is_listing; /* flow_listing.c made it: not a Graph */
};

/* The Graph of a mapping; new reference, or NULL: GraphError, or what the mapping itself raised. */
PyObject *cit_py_graph_new(struct cit_py_state *st, PyObject *data, enum cit_expr_dialect dialect);

/* Whether the object is a Graph, or of a class made from it. */
bool cit_py_graph_check(struct cit_py_state *st, PyObject *object);

/* The number of an id: 1 and *out; 0 when the graph has no such id (so does an unhashable one);
 * -1 with the exception set.  Ids that Python calls equal (0, 0.0, False) are one. */
int cit_py_graph_id(const struct cit_py_graph *graph, PyObject *id, int64_t *out);

/* Sees to it that nodes and edges are there; they then stay until the Graph goes.  0, or -1 with the
 * exception set. */
int cit_py_graph_open(struct cit_py_graph *graph);

/* The Program of an expression, from the cache of Programs at first: 1 and *out, borrowed from the
 * graph; 0 when it is not in the language (a condition then never passes); -1 with the exception set. */
int cit_py_graph_program(struct cit_py_graph *graph, uint32_t number, PyObject **out);

#endif
