/* py/flow_listing.c - nodes and edges as a host stores them, indexed for a walk.
 *
 * Stored graphs are taken as they are: a node is whatever has get(), ids are whatever can be a key,
 * edges may lead nowhere.  What the index needs of them is read once, ids, types and ends; titles,
 * references and conditions are read from the dicts when a walk comes by. */
#include "py/flow_walk.h"

#include "py/state.h"

/* Whole numbers below this are their own number, whatever type they are of; every other id gets one
 * from the other end. */
#define PLAIN_MAX ((int64_t)1 << 62)

/* What grows while a listing is made. */
struct making {
    struct cit_py_state *st;
    struct cit_flow_builder *b;
    PyObject *ids;   /* dict, or NULL while all ids are plain */
    int64_t next_id; /* the number of the next id that is not */
};

/* ---- ids ---- */

/* A number that is no int and no float (a Decimal, say) but equal to a whole one. */
static int odd_number(PyObject *id, int64_t *out)
{
    PyObject *whole = PyNumber_Long(id);
    int same = whole == NULL ? -1 : PyObject_RichCompareBool(whole, id, Py_EQ), overflow = 0;
    long long n = same > 0 ? PyLong_AsLongLongAndOverflow(whole, &overflow) : 0;

    Py_XDECREF(whole);
    PyErr_Clear(); /* NaN, a complex: an id like any other */
    if (same <= 0 || overflow != 0 || n >= PLAIN_MAX || n <= -PLAIN_MAX)
        return 0;
    *out = n;
    return 1;
}

/* 1 and *out for an id that is its own number: those that Python calls equal get equal ones. */
static int plain_id(PyObject *id, int64_t *out)
{
    int overflow;
    long long n;
    double d;

    if (PyLong_Check(id)) { /* a bool is one */
        n = PyLong_AsLongLongAndOverflow(id, &overflow);
        if (overflow != 0 || n >= PLAIN_MAX || n <= -PLAIN_MAX)
            return 0;
        *out = n;
        return 1;
    }
    if (PyFloat_Check(id)) {
        d = PyFloat_AS_DOUBLE(id);
        if (!(d > -(double)PLAIN_MAX && d < (double)PLAIN_MAX) || d != (double)(int64_t)d)
            return 0;
        *out = (int64_t)d;
        return 1;
    }
    return !PyUnicode_Check(id) && PyNumber_Check(id) ? odd_number(id, out) : 0;
}

/* 1 and *out for an id that has a number; 0; -1 with the exception set. */
static int find_id(PyObject *ids, PyObject *id, int64_t *out)
{
    PyObject *number;

    if (plain_id(id, out))
        return 1;
    if (ids == NULL)
        return 0;
    number = PyDict_GetItemWithError(ids, id); /* borrowed: the dict is the listing's own */
    if (number == NULL)
        return PyErr_Occurred() ? -1 : 0;
    *out = PyLong_AsLongLong(number);
    return 1;
}

static int add_id(struct making *m, PyObject *id)
{
    PyObject *number = PyLong_FromLongLong(m->next_id);
    int rc = number == NULL ? -1 : 0;

    if (m->ids == NULL)
        m->ids = PyDict_New();
    if (rc == 0)
        rc = m->ids == NULL ? -1 : PyDict_SetItem(m->ids, id, number);
    Py_XDECREF(number);
    return rc;
}

/* The number of an id, a new one when it has none.  What cannot be a key is equal to no other id. */
static int take_id(struct making *m, PyObject *id, int64_t *out)
{
    int found = find_id(m->ids, id, out);

    if (found == 0)
        found = add_id(m, id) == 0 ? 0 : -1;
    if (found < 0) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError))
            return -1;
        PyErr_Clear();
    }
    if (found <= 0)
        *out = m->next_id++;
    return 0;
}

int cit_py_listing_id(const struct cit_py_graph *graph, PyObject *id, int64_t *out)
{
    int found = find_id(graph->ids, id, out);

    if (found >= 0 || !PyErr_ExceptionMatches(PyExc_TypeError))
        return found;
    PyErr_Clear(); /* unhashable: no id of any graph */
    return 0;
}

/* ---- reading ---- */

PyObject *cit_py_listing_field(struct cit_py_state *st, PyObject *item, PyObject *key)
{
    PyObject *value;

    if (!PyDict_CheckExact(item) && !PyODict_CheckExact(item))
        return PyObject_CallMethodOneArg(item, st->walk.str_get, key);
    value = PyDict_GetItemWithError(item, key); /* borrowed; an OrderedDict keeps its values in the dict it is */
    if (value == NULL && PyErr_Occurred())
        return NULL;
    return Py_NewRef(value != NULL ? value : Py_None);
}

static int read_id(struct making *m, PyObject *item, PyObject *key, int64_t *out)
{
    PyObject *id = cit_py_listing_field(m->st, item, key);
    int rc = id == NULL ? -1 : take_id(m, id, out);

    Py_XDECREF(id);
    return rc;
}

static int read_node_type(struct making *m, PyObject *node, uint8_t *out)
{
    PyObject *type = cit_py_listing_field(m->st, node, m->st->walk.str_type);
    Py_ssize_t n = 0;
    const char *text;

    if (type == NULL)
        return -1;
    text = PyUnicode_Check(type) ? PyUnicode_AsUTF8AndSize(type, &n) : "";
    if (text == NULL)
        PyErr_Clear(); /* a lone surrogate: no type of ours */
    *out = text == NULL ? CIT_FLOW_OTHER : (uint8_t)cit_flow_type_of(cit_slice(text, (size_t)n));
    Py_DECREF(type);
    return 0;
}

static int read_edge_type(struct making *m, PyObject *edge, uint8_t *out)
{
    PyObject *type = cit_py_listing_field(m->st, edge, m->st->walk.str_type);

    if (type == NULL)
        return -1;
    *out = CIT_FLOW_EDGE_OTHER;
    if (PyUnicode_Check(type) && PyUnicode_CompareWithASCIIString(type, "normal") == 0)
        *out = CIT_FLOW_EDGE_NORMAL;
    else if (PyUnicode_Check(type) && PyUnicode_CompareWithASCIIString(type, "special") == 0)
        *out = CIT_FLOW_EDGE_SPECIAL;
    Py_DECREF(type);
    return 0;
}

static int failed(int err)
{
    if (err == CIT_ENOMEM)
        PyErr_NoMemory();
    else if (err != CIT_OK)
        PyErr_SetString(PyExc_ValueError, "the graph is too large");
    return err == CIT_OK ? 0 : -1;
}

/* keys and nodes are lists of one length. */
static int add_nodes(struct making *m, PyObject *keys, PyObject *nodes)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(nodes); i++) {
        struct cit_flow_node node = { 0 };

        if (take_id(m, PyList_GET_ITEM(keys, i), &node.id) < 0 || /* borrowed: the lists are ours alone */
            read_node_type(m, PyList_GET_ITEM(nodes, i), &node.type) < 0 ||
            failed(cit_flow_builder_node(m->b, &node)) < 0)
            return -1;
    }
    return 0;
}

static int add_edges(struct making *m, PyObject *edges)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(edges); i++) {
        PyObject *item = PyTuple_GET_ITEM(edges, i); /* borrowed: the tuple is the listing's */
        struct cit_flow_edge edge = { 0 };

        if (read_id(m, item, m->st->walk.str_source, &edge.source) < 0 ||
            read_id(m, item, m->st->walk.str_target, &edge.target) < 0 || read_edge_type(m, item, &edge.type) < 0 ||
            failed(cit_flow_builder_edge(m->b, &edge)) < 0)
            return -1;
    }
    return 0;
}

/* ---- making ---- */

static struct cit_py_graph *empty(struct cit_py_state *st)
{
    PyTypeObject *type = st->walk.type_listing;
    struct cit_py_graph *graph = (struct cit_py_graph *)type->tp_alloc(type, 0);

    if (graph != NULL) {
        graph->st = st;
        graph->is_listing = true;
    }
    return graph;
}

/* Fills the listing; keys go with its nodes. */
static int fill(struct making *m, struct cit_py_graph *graph, PyObject *keys)
{
    int rc = add_nodes(m, keys, graph->nodes);

    if (rc == 0)
        rc = add_edges(m, graph->edges);
    if (rc == 0)
        rc = failed(cit_flow_builder_finish(m->b, &graph->g));
    graph->ids = m->ids;
    return rc;
}

struct cit_py_graph *cit_py_listing_new(struct cit_py_state *st, PyObject *nodes, PyObject *edges)
{
    struct making m = { .st = st, .next_id = INT64_MIN };
    struct cit_py_graph *graph = NULL;
    PyObject *keys = PyMapping_Keys(nodes);
    int rc = -1;

    if (keys != NULL && (graph = empty(st)) != NULL) {
        graph->nodes = PyMapping_Values(nodes);
        graph->edges = graph->nodes != NULL ? PySequence_Tuple(edges) : NULL;
        m.b = cit_flow_builder_new();
        if (m.b == NULL)
            PyErr_NoMemory();
        else if (graph->edges != NULL)
            rc = fill(&m, graph, keys);
    }
    cit_flow_builder_free(m.b);
    Py_XDECREF(keys);
    if (rc < 0)
        Py_CLEAR(graph);
    return graph;
}

/* ---- the type ---- */

static int listing_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct cit_py_graph *graph = (struct cit_py_graph *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(graph->nodes);
    Py_VISIT(graph->edges);
    Py_VISIT(graph->ids);
    return 0;
}

static void listing_dealloc(PyObject *self)
{
    struct cit_py_graph *graph = (struct cit_py_graph *)self;
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    Py_XDECREF(graph->nodes);
    Py_XDECREF(graph->edges);
    Py_XDECREF(graph->ids);
    cit_flow_graph_free(graph->g);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot listing_slots[] = {
    { Py_tp_traverse, listing_traverse }, /* without tp_clear: a cycle goes through whoever holds the listing */
    { Py_tp_dealloc, listing_dealloc },
    { 0, NULL },
};

PyType_Spec cit_py_listing_spec = {
    .name = "citrate._native.Listing",
    .basicsize = sizeof(struct cit_py_graph),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = listing_slots,
};
