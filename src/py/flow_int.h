/* py/flow_int.h - what the files of the Graph type share.
 *
 *      flow_build.c    a mapping becomes a compiled graph
 *      flow_graph.c    the type: life, attributes, programs
 *      flow_find.c     its check() and to_dot()
 *
 * Depends on: Python.h, flow/check, py/{state,flow_glue}.
 * Threads:    the GIL.
 */
#ifndef CIT_PY_FLOW_INT_H
#define CIT_PY_FLOW_INT_H

#include "py/state.h"

#include "flow/check.h"

/* Fills g, nodes, edges and ids of a new Graph.  0, or -1 with the exception set. */
int cit_py_graph_build(struct cit_py_graph *graph, PyObject *data);

/* The two lists of a mapping as tuples, new references.  0, or -1 with the exception set. */
int cit_py_graph_lists(struct cit_py_state *st, PyObject *data, PyObject **nodes, PyObject **edges);

/* Nodes and edges of a Graph, new references, without keeping what had to be made of its JSON.
 * 0, or -1 with the exception set. */
int cit_py_graph_items(const struct cit_py_graph *graph, PyObject **nodes, PyObject **edges);

/* A dict, or what has keys() and [ ]. */
bool cit_py_is_mapping(PyObject *o);

/* mapping[key], None when it isn't there: a new reference, or NULL with the exception set. */
PyObject *cit_py_entry(PyObject *mapping, PyObject *key);

/* ---- flow_find.c: methods of Graph ---- */

#define CIT_PY_GRAPH_CHECK_DOC                                                                       \
    "check(declared=None, session=None): what is wrong with the graph, errors first.\n\n"            \
    "A list of tuples: severity (\"error\", \"warning\", \"hint\"), code, id of the node or None,\n" \
    "id of the edge or None, place in nodes or edges (from 0) or None, line and column in the\n"     \
    "expression (from 1) or None, what, hint.\n\n"                                                   \
    "declared: a container of the names of variables that are declared; others are then reported.\n" \
    "session: what a session node that enters this very graph refers to (its ref_id)."

#define CIT_PY_GRAPH_DOT_DOC                                                                          \
    "to_dot(checked=True, declared=None, session=None): the graph in Graphviz's language, a str.\n\n" \
    "checked: what check(declared, session) finds is marked in colour, with tooltips."

PyObject *cit_py_graph_check_method(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cit_py_graph_dot_method(PyObject *self, PyObject *args, PyObject *kwargs);

#endif
