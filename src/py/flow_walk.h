/* py/flow_walk.h - the engine over Python objects: the Walker, a base class that steps natively.
 *
 *      class Engine(Walker)          Python: what nodes do, what is saved, where sessions come from
 *         │  on_page(node) ...  ^
 *         v                     │ methods of the subclass
 *      Walker ── graph of now   C: which node comes next, conditions over user.data
 *         │        ├── a Graph (flow_graph.c), shared, with its programs
 *         │        └── or nodes and edges as a host gave them, indexed when they are first needed
 *         └───── cit_walk (flow/walk.h)
 *
 * The methods of the subclass that a walk calls:
 *
 *      on_<type>(node)             for each type but start, session and background_session; unknown types:
 *                                  on_other.  FOLLOW: go on along the node's edges; else the result
 *      on_session(node, leaves)    enters the session; leaves: edges leave the node, it is to be pushed
 *      on_background_session(node) enters it; what it returns is handed to
 *      on_background_end(node, it)
 *      on_pop()                    takes a place off the stack and enters its session; its node's id
 *      on_missing(edge)            raises: no node at the end of an edge, or (None) at a place
 *      is_stacked()
 *      refresh_user()              when `refreshes`: before every node but start and every evaluation
 *      on_failure(expression, error)   an expression failed; its condition does not pass
 *      reserved(name), missing(name), is_array(name)    when `has_scope`: see expr_glue.h
 *      limit_error                 an exception type: past the limits of a walk
 *
 * Depends on: Python.h, flow/{graph,walk}, py/{expr_glue,flow_glue}.
 * Ownership:  PyObject members are owned unless marked borrowed.
 * Threads:    the GIL; a Walker is for one thread at a time.
 */
#ifndef CIT_PY_FLOW_WALK_H
#define CIT_PY_FLOW_WALK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "flow/walk.h"
#include "py/expr_glue.h"
#include "py/flow_glue.h"

struct cit_py_state;

/* ---- what the module keeps: the member `walk` of struct cit_py_state ---- */

/* member, what makes it */
#define CIT_PY_WALK_TYPES(X)      \
    X(walker, cit_py_walker_spec) \
    X(listing, cit_py_listing_spec)

#define CIT_PY_WALK_STRINGS(X) \
    X(id)                      \
    X(type)                    \
    X(source)                  \
    X(target)                  \
    X(expression)              \
    X(get)                     \
    X(data)                    \
    X(on_session)              \
    X(on_background_session)   \
    X(on_background_end)       \
    X(on_pop)                  \
    X(on_missing)              \
    X(on_failure)              \
    X(is_stacked)              \
    X(refresh_user)            \
    X(reserved)                \
    X(missing)                 \
    X(is_array)                \
    X(limit_error)

struct cit_py_walk_state {
#define CIT_PY_TYPE_MEMBER(name, spec) PyTypeObject *type_##name;
    CIT_PY_WALK_TYPES(CIT_PY_TYPE_MEMBER)
#undef CIT_PY_TYPE_MEMBER
#define CIT_PY_STRING_MEMBER(name) PyObject *str_##name;
    CIT_PY_WALK_STRINGS(CIT_PY_STRING_MEMBER)
#undef CIT_PY_STRING_MEMBER
    PyObject *str_on[CIT_FLOW_TYPE_COUNT]; /* "on_page"... */
    PyObject *follow;                      /* what on_... returns to go on */
};

/* module.c calls these in its own exec, traverse and clear. */
int cit_py_walk_exec(PyObject *module, struct cit_py_state *st);
int cit_py_walk_traverse(struct cit_py_state *st, visitproc visit, void *arg);
void cit_py_walk_clear(struct cit_py_state *st);

/* ---- flow_listing.c: nodes and edges as a host gave them ---- */

extern PyType_Spec cit_py_listing_spec;

/* A graph over a dict id -> node and an iterable of edges, whatever is in them; programs NULL: the
 * texts of conditions are read from the edges when they are tested.  New reference, or NULL with what
 * Python itself raised.  Its members are those of a Graph. */
struct cit_py_graph *cit_py_listing_new(struct cit_py_state *st, PyObject *nodes, PyObject *edges);

/* As cit_py_graph_id. */
int cit_py_listing_id(const struct cit_py_graph *graph, PyObject *id, int64_t *out);

/* item.get(key), as a new reference (None for what is not there); NULL with the exception set. */
PyObject *cit_py_listing_field(struct cit_py_state *st, PyObject *item, PyObject *key);

/* ---- flow_walker.c ---- */

extern PyType_Spec cit_py_walker_spec;

/* Members that are Python attributes, None at first; what becomes of the graph of now when one is set. */
#define CIT_PY_WALKER_OBJECTS(X)                                                \
    X(user, stays)         /* conditions read user.data, looked up each time */ \
    X(data, stays)         /* ... or this, when it is not None */               \
    X(nodes, is_made_anew) /* dict: id -> node, of the session of now */        \
    X(edges, is_made_anew) /* its edges, an iterable */                         \
    X(graph, is_given)     /* a Graph or Listing in their place, or None */     \
    X(moment, stays)       /* the time expressions see; None: the clock's */    \
    X(reserved_names, stays)

struct cit_py_walker {
    PyObject_HEAD
#define CIT_PY_WALKER_MEMBER(name, graph) PyObject *name;
        CIT_PY_WALKER_OBJECTS(CIT_PY_WALKER_MEMBER)
#undef CIT_PY_WALKER_MEMBER
            struct cit_py_graph *now; /* the graph of now; NULL: to be made of nodes and edges */
    struct cit_py_scope scope;        /* while a walk goes on: its callables are owned */
    struct cit_py_state *st;          /* borrowed: the type keeps the module */
    struct cit_walk walk;
    unsigned long long evaluations;
    enum cit_expr_dialect dialect;
    int depth; /* walks and evaluations going on */
    bool is_walking, refreshes, has_scope;
};

/* The graph of now, borrowed from the walker; NULL with the exception set. */
struct cit_py_graph *cit_py_walker_graph(struct cit_py_walker *w);

/* The number of an id in a graph of either kind: 1 and *out, 0, or -1 with the exception set. */
int cit_py_walk_id(const struct cit_py_graph *graph, PyObject *id, int64_t *out);

/* ---- flow_eval.c: expressions of a walk ---- */

/* Bracket everything that may evaluate. */
void cit_py_walker_enter(struct cit_py_walker *w);
void cit_py_walker_leave(struct cit_py_walker *w);

/* The value of a text: a new reference, or NULL with the exception set. */
PyObject *cit_py_walker_eval(struct cit_py_walker *w, PyObject *text);

/* Whether an edge's condition passes (program NULL: that of the text): 1; 0, also when evaluating
 * raised an Exception; -1 with any other exception, or with what the subclass's methods raised. */
int cit_py_walker_test(struct cit_py_walker *w, PyObject *text, PyObject *program);

/* The same of an edge's dict. */
int cit_py_walker_passes(struct cit_py_walker *w, PyObject *edge);

/* ---- flow_host.c ---- */

extern const struct cit_walk_host cit_py_walk_host; /* ctx: struct cit_py_walker */

/* The place of a node's dict: in the graph of now where it is from there, else in a graph of its own.
 * 0 and *out with its graph kept, or -1 with the exception set. */
int cit_py_walk_place(struct cit_py_walker *w, PyObject *node, struct cit_walk_place *out);

#endif
