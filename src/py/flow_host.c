/* py/flow_host.c - the walk's host table over a Walker: each function is a method of its subclass.
 *
 * Owners of graphs are Graph or Listing objects, results are any objects; None is NULL.  A function
 * that fails leaves the exception set and returns CIT_EAPP. */
#include "py/flow_walk.h"

#include "py/state.h"

static struct cit_py_graph *graph_of(const struct cit_walk_graph *graph)
{
    return graph->owner;
}

static struct cit_walk_graph lent(struct cit_py_graph *graph)
{
    return (struct cit_walk_graph){ graph->g, graph };
}

/* Both are borrowed from the graph, which the place or the walk keeps. */
static PyObject *node_of(const struct cit_walk_place *place)
{
    /* borrowed: see above */
    return PySequence_Fast_GET_ITEM(graph_of(&place->graph)->nodes, (Py_ssize_t)place->slot->node);
}

static PyObject *edge_of(const struct cit_walk_graph *graph, uint32_t edge)
{
    /* borrowed: see above */
    return PySequence_Fast_GET_ITEM(graph_of(graph)->edges, (Py_ssize_t)edge);
}

/* ---- graphs ---- */

static int host_now(void *ctx, struct cit_walk_graph *out)
{
    struct cit_py_graph *graph = cit_py_walker_graph(ctx);

    if (graph == NULL)
        return CIT_EAPP;
    *out = lent(graph);
    return CIT_OK;
}

static void host_keep(void *ctx, const struct cit_walk_graph *graph)
{
    (void)ctx;
    Py_INCREF((PyObject *)graph->owner);
}

static void host_release(void *ctx, const struct cit_walk_graph *graph)
{
    (void)ctx;
    Py_DECREF((PyObject *)graph->owner);
}

/* 0 and *out (NULL when there is none), or CIT_EAPP. */
static int slot_of(const struct cit_py_graph *graph, PyObject *id, const struct cit_flow_slot **out)
{
    int64_t number = 0;
    int found = cit_py_walk_id(graph, id, &number);

    if (found < 0)
        return CIT_EAPP;
    *out = found > 0 ? cit_flow_slot_of(graph->g, number) : NULL;
    return CIT_OK;
}

static int host_find(void *ctx, const struct cit_walk_place *place, const struct cit_walk_graph *graph,
                     const struct cit_flow_slot **out)
{
    struct cit_py_walker *w = ctx;
    PyObject *id;
    int err;

    if (place->slot->node == CIT_FLOW_NONE)
        return CIT_OK; /* an id that was no node where it came from; only a caller of transition() has such */
    id = cit_py_listing_field(w->st, node_of(place), w->st->walk.str_id);
    err = id == NULL ? CIT_EAPP : slot_of(graph_of(graph), id, out);
    Py_XDECREF(id);
    return err;
}

/* A session begins at its node 0. */
static int find_start(struct cit_py_walker *w, const struct cit_flow_slot **start)
{
    struct cit_py_graph *graph = cit_py_walker_graph(w);

    if (graph == NULL)
        return CIT_EAPP;
    *start = cit_flow_slot_of(graph->g, 0);
    return CIT_OK;
}

/* ---- edges ---- */

static int test_program(struct cit_py_walker *w, const struct cit_walk_graph *graph, uint32_t edge)
{
    uint32_t number = cit_flow_edge_at(graph->g, edge)->expr;
    PyObject *program = NULL, *text;
    int passes;

    if (number == 0)
        return 1;
    passes = cit_py_graph_program(graph_of(graph), number, &program);
    if (passes <= 0)
        return passes;
    text = cit_py_listing_field(w->st, edge_of(graph, edge), w->st->walk.str_expression);
    passes = text == NULL ? -1 : cit_py_walker_test(w, text, program);
    Py_XDECREF(text);
    return passes;
}

static int host_edge_passes(void *ctx, const struct cit_walk_graph *graph, uint32_t edge)
{
    struct cit_py_walker *w = ctx;
    int passes;

    if (graph_of(graph)->is_listing)
        passes = cit_py_walker_passes(w, edge_of(graph, edge));
    else
        passes = test_program(w, graph, edge);
    return passes < 0 ? CIT_EAPP : passes;
}

/* ---- nodes ---- */

/* self.name(a, b), b NULL: none.  A new reference. */
static PyObject *call(struct cit_py_walker *w, PyObject *name, PyObject *a, PyObject *b)
{
    PyObject *args[] = { (PyObject *)w, a, b }, *result;
    size_t n = b != NULL ? 3 : 2;

    Py_INCREF(a); /* what the method does may drop the graph it is from */
    result = PyObject_VectorcallMethod(name, args, n | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(a);
    return result;
}

/* The same where only the exception counts. */
static int call_for_effect(struct cit_py_walker *w, PyObject *name, PyObject *a, PyObject *b)
{
    PyObject *done = call(w, name, a, b);

    Py_XDECREF(done);
    return done == NULL ? CIT_EAPP : CIT_OK;
}

static int refresh(struct cit_py_walker *w)
{
    PyObject *done;

    if (!w->refreshes)
        return CIT_OK;
    done = PyObject_CallMethodNoArgs((PyObject *)w, w->st->walk.str_refresh_user);
    Py_XDECREF(done);
    return done == NULL ? CIT_EAPP : CIT_OK;
}

static int host_act(void *ctx, const struct cit_walk_place *place, enum cit_walk_answer *answer, void **result)
{
    uint8_t type = cit_flow_node_at(place->graph.g, place->slot->node)->type;
    struct cit_py_walker *w = ctx;
    PyObject *given;

    if (refresh(w) != CIT_OK)
        return CIT_EAPP;
    given = call(w, w->st->walk.str_on[type], node_of(place), NULL);
    if (given == NULL)
        return CIT_EAPP;
    *answer = given == w->st->walk.follow ? CIT_WALK_FOLLOW : CIT_WALK_STOP;
    if (*answer == CIT_WALK_FOLLOW || given == Py_None)
        Py_DECREF(given);
    else
        *result = given;
    return CIT_OK;
}

static int host_enter(void *ctx, const struct cit_walk_place *place, bool leaves, const struct cit_flow_slot **start)
{
    struct cit_py_walker *w = ctx;
    int err = refresh(w);

    if (err == CIT_OK)
        err = call_for_effect(w, w->st->walk.str_on_session, node_of(place), leaves ? Py_True : Py_False);
    return err == CIT_OK ? find_start(w, start) : err;
}

static int host_background_enter(void *ctx, const struct cit_walk_place *place, void **saved,
                                 const struct cit_flow_slot **start)
{
    struct cit_py_walker *w = ctx;
    PyObject *given;

    if (refresh(w) != CIT_OK)
        return CIT_EAPP;
    given = call(w, w->st->walk.str_on_background_session, node_of(place), NULL);
    if (given == NULL)
        return CIT_EAPP;
    if (find_start(w, start) != CIT_OK) {
        Py_DECREF(given);
        return CIT_EAPP;
    }
    *saved = given;
    return CIT_OK;
}

static int host_background_leave(void *ctx, const struct cit_walk_place *place, void *saved)
{
    struct cit_py_walker *w = ctx;
    int err = call_for_effect(w, w->st->walk.str_on_background_end, node_of(place), saved);

    Py_DECREF((PyObject *)saved);
    return err;
}

static void host_background_abandon(void *ctx, void *saved)
{
    (void)ctx;
    Py_DECREF((PyObject *)saved);
}

/* ---- the stack of places ---- */

static int host_is_stacked(void *ctx)
{
    struct cit_py_walker *w = ctx;
    PyObject *answer = PyObject_CallMethodNoArgs((PyObject *)w, w->st->walk.str_is_stacked);
    int is_stacked = answer == NULL ? -1 : PyObject_IsTrue(answer);

    Py_XDECREF(answer);
    return is_stacked < 0 ? CIT_EAPP : is_stacked;
}

static int host_pop(void *ctx, const struct cit_flow_slot **slot)
{
    struct cit_py_walker *w = ctx;
    PyObject *id = PyObject_CallMethodNoArgs((PyObject *)w, w->st->walk.str_on_pop);
    struct cit_py_graph *graph = id == NULL ? NULL : cit_py_walker_graph(w);
    int err = graph == NULL ? CIT_EAPP : slot_of(graph, id, slot);

    Py_XDECREF(id);
    return err;
}

static int host_missing(void *ctx, const struct cit_walk_graph *graph, uint32_t edge)
{
    struct cit_py_walker *w = ctx;
    PyObject *where = edge == CIT_FLOW_NONE ? Py_None : edge_of(graph, edge);

    if (call_for_effect(w, w->st->walk.str_on_missing, where, NULL) == CIT_OK)
        PyErr_SetString(PyExc_RuntimeError, "on_missing() must raise");
    return CIT_EAPP;
}

/* ---- results ---- */

static int host_is_true(void *ctx, void *result)
{
    int is_true = PyObject_IsTrue(result);

    (void)ctx;
    return is_true < 0 ? CIT_EAPP : is_true;
}

static void host_drop(void *ctx, void *result)
{
    (void)ctx;
    Py_DECREF((PyObject *)result);
}

const struct cit_walk_host cit_py_walk_host = {
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

/* ---- nodes from outside ---- */

/* A graph of nothing but the node. */
static struct cit_py_graph *graph_of_one(struct cit_py_walker *w, PyObject *id, PyObject *node)
{
    PyObject *nodes = PyDict_New(), *edges = PyTuple_New(0);
    struct cit_py_graph *graph = NULL;

    if (nodes != NULL && edges != NULL && PyDict_SetItem(nodes, id, node) == 0)
        graph = cit_py_listing_new(w->st, nodes, edges);
    Py_XDECREF(nodes);
    Py_XDECREF(edges);
    return graph;
}

/* 1 and *out when the node is one of the graph of now. */
static int place_of(struct cit_py_walker *w, PyObject *id, PyObject *node, struct cit_walk_place *out)
{
    struct cit_py_graph *graph = cit_py_walker_graph(w);

    if (graph == NULL || slot_of(graph, id, &out->slot) != CIT_OK) {
        if (!PyErr_ExceptionMatches(PyExc_Exception))
            return -1;
        PyErr_Clear(); /* the graph itself is broken, the node may not need it */
        return 0;
    }
    out->graph = lent(graph);
    return out->slot != NULL && out->slot->node != CIT_FLOW_NONE && node_of(out) == node;
}

int cit_py_walk_place(struct cit_py_walker *w, PyObject *node, struct cit_walk_place *out)
{
    PyObject *id = cit_py_listing_field(w->st, node, w->st->walk.str_id);
    int found = id == NULL ? -1 : place_of(w, id, node, out);
    struct cit_py_graph *graph;

    if (found > 0)
        Py_INCREF((PyObject *)out->graph.owner);
    if (found == 0) {
        graph = graph_of_one(w, id, node);
        found = graph == NULL || slot_of(graph, id, &out->slot) != CIT_OK ? -1 : 1;
        if (found > 0)
            out->graph = lent(graph);
        else
            Py_XDECREF((PyObject *)graph);
    }
    Py_XDECREF(id);
    return found < 0 ? -1 : 0;
}
