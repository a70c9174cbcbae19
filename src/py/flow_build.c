/* py/flow_build.c - a mapping of nodes and edges becomes a compiled graph.
 *
 * Whatever is not a whole graph is refused with the place and the reason.  Mappings may be of any
 * class: their own code may run here, so that everything in use is held. */
#include "py/flow_int.h"

#include <math.h>

#include "py/expr_int.h"

#define SMALL_END ((int64_t)1 << 62) /* ids from here on are given out: see cit_py_graph.ids */

enum { HELD_MAX = 6 }; /* id, type, title, reference, variable, expression */

struct build {
    struct cit_py_state *st;      /* borrowed */
    struct cit_py_graph *graph;   /* borrowed: being made */
    struct cit_flow_builder *out; /* owned */
    const char *list;             /* "nodes" or "edges" */
    Py_ssize_t index;
    PyObject *held[HELD_MAX]; /* owned: what the texts of the node or edge are borrowed from */
    unsigned helds;
};

/* ---- refusing ---- */

static int refuse(const struct build *b, const char *what)
{
    PyErr_Format(b->st->graph.error, "%s[%zd] %s", b->list, b->index, what);
    return -1;
}

static int refuse_key(const struct build *b, PyObject *key, const char *what)
{
    PyErr_Format(b->st->graph.error, "%s[%zd]: %U %s", b->list, b->index, key, what);
    return -1;
}

static int refuse_err(const struct build *b, int err)
{
    if (err == CIT_ENOMEM)
        PyErr_NoMemory();
    else
        PyErr_Format(b->st->graph.error, "the graph is too large at %s[%zd]: %d nodes and %d edges are allowed",
                     b->list, b->index, CIT_FLOW_NODES_MAX, CIT_FLOW_EDGES_MAX);
    return -1;
}

/* ---- reading mappings ---- */

bool cit_py_is_mapping(PyObject *o)
{
    return PyDict_Check(o) || (PyMapping_Check(o) && PyObject_HasAttrString(o, "keys"));
}

PyObject *cit_py_entry(PyObject *mapping, PyObject *key)
{
    PyObject *value;

    if (PyDict_CheckExact(mapping)) {
        value = PyDict_GetItemWithError(mapping, key); /* borrowed, and taken at once */
        if (value == NULL && PyErr_Occurred())
            return NULL;
        return Py_NewRef(value != NULL ? value : Py_None);
    }
    value = PyObject_GetItem(mapping, key);
    if (value != NULL || !PyErr_ExceptionMatches(PyExc_KeyError))
        return value;
    PyErr_Clear();
    return Py_NewRef(Py_None);
}

/* ---- ids ---- */

/* A number of another class, such as Decimal: it is an id when it equals a whole number. */
static int odd_number(PyObject *id, int64_t *out)
{
    PyObject *whole = PyNumber_Long(id);
    int overflow = 0, is_same = 0;

    if (whole != NULL) {
        *out = PyLong_AsLongLongAndOverflow(whole, &overflow);
        is_same = PyObject_RichCompareBool(whole, id, Py_EQ);
        Py_DECREF(whole);
    }
    if (whole == NULL || is_same < 0) {
        if (!PyErr_ExceptionMatches(PyExc_Exception))
            return -1;
        PyErr_Clear();
        return 0;
    }
    return overflow == 0 && is_same && *out > -SMALL_END && *out < SMALL_END;
}

/* 1 and *out when the id is a small whole number, 0 when it is not, -1 with the exception set. */
static int small_number(PyObject *id, int64_t *out)
{
    int overflow = 0;
    double num;

    if (PyLong_Check(id)) {
        *out = PyLong_AsLongLongAndOverflow(id, &overflow);
        return overflow == 0 && *out > -SMALL_END && *out < SMALL_END;
    }
    if (PyFloat_Check(id)) {
        num = PyFloat_AS_DOUBLE(id);
        if (!(fabs(num) < (double)SMALL_END) || num != floor(num))
            return 0;
        *out = (int64_t)num;
        return 1;
    }
    return PyUnicode_Check(id) || !PyNumber_Check(id) ? 0 : odd_number(id, out);
}

int cit_py_graph_id(const struct cit_py_graph *graph, PyObject *id, int64_t *out)
{
    int is_small = small_number(id, out);
    PyObject *number;

    if (is_small != 0)
        return is_small < 0 ? -1 : cit_flow_slot_of(graph->g, *out) != NULL;
    if (graph->ids == NULL)
        return 0;
    number = PyDict_GetItemWithError(graph->ids, id); /* borrowed from ids, which nobody changes */
    if (number != NULL) {
        *out = PyLong_AsLongLong(number);
        return 1;
    }
    if (PyErr_Occurred() == NULL)
        return 0;
    if (!PyErr_ExceptionMatches(PyExc_TypeError))
        return -1;
    PyErr_Clear(); /* it has no hash */
    return 0;
}

/* The number of an id that is none itself: the next one unless it has one. */
static int give_number(struct cit_py_graph *graph, PyObject *id, int64_t *out)
{
    PyObject *next, *number;

    if (graph->ids == NULL && (graph->ids = PyDict_New()) == NULL)
        return -1;
    next = PyLong_FromLongLong(SMALL_END + PyDict_GET_SIZE(graph->ids));
    if (next == NULL)
        return -1;
    number = PyDict_SetDefault(graph->ids, id, next); /* borrowed from ids */
    if (number != NULL)
        *out = PyLong_AsLongLong(number);
    Py_DECREF(next);
    return number != NULL ? 0 : -1;
}

static int read_id(struct build *b, PyObject *mapping, PyObject *key, int64_t *out)
{
    PyObject *id = cit_py_entry(mapping, key);
    int is_small;

    if (id == NULL)
        return -1;
    b->held[b->helds++] = id;
    if (id == Py_None)
        return refuse_key(b, key, "is missing");
    is_small = small_number(id, out);
    if (is_small != 0)
        return is_small < 0 ? -1 : 0;
    if (!PyUnicode_CheckExact(id) && !PyLong_CheckExact(id) &&
        !(PyFloat_CheckExact(id) && isfinite(PyFloat_AS_DOUBLE(id))))
        return refuse_key(b, key, "is neither a number nor a text");
    return give_number(b->graph, id, out);
}

/* ---- texts ---- */

/* The text of a str, of a number; of anything else an empty one.  Takes the reference. */
static int hold_text(struct build *b, PyObject *value, struct cit_slice *out)
{
    *out = cit_slice("", 0);
    if (value == NULL)
        return -1;
    if (PyLong_Check(value) || PyFloat_Check(value))
        Py_SETREF(value, PyObject_Str(value));
    if (value != NULL && PyUnicode_Check(value) && !PyUnicode_IS_ASCII(value))
        Py_SETREF(value, cit_py_utf8(value)); /* not kept in the str, as PyUnicode_AsUTF8 would */
    if (value == NULL)
        return -1;
    b->held[b->helds++] = value;
    if (PyBytes_CheckExact(value))
        *out = cit_slice(PyBytes_AS_STRING(value), (size_t)PyBytes_GET_SIZE(value));
    else if (PyUnicode_Check(value))
        *out = cit_slice((const char *)PyUnicode_1BYTE_DATA(value), (size_t)PyUnicode_GET_LENGTH(value));
    return 0;
}

/* As hold_text, but what is neither a str nor empty is refused. */
static int read_text(struct build *b, PyObject *mapping, PyObject *key, struct cit_slice *out)
{
    PyObject *value = cit_py_entry(mapping, key);
    int is_there = value == NULL ? -1 : PyUnicode_Check(value) ? 1 : PyObject_IsTrue(value);

    *out = cit_slice("", 0);
    if (is_there > 0 && PyUnicode_Check(value))
        return hold_text(b, value, out);
    Py_XDECREF(value);
    return is_there > 0 ? refuse_key(b, key, "is not a text") : is_there;
}

static int read_type(struct build *b, PyObject *mapping, struct cit_slice *out)
{
    PyObject *value = cit_py_entry(mapping, b->st->graph.str_type);

    if (value != NULL && !PyUnicode_Check(value))
        Py_SETREF(value, Py_NewRef(Py_None));
    return hold_text(b, value, out);
}

static struct cit_slice first_digits(struct cit_slice text)
{
    size_t from = 0, to;

    while (from < text.n && (text.p[from] < '0' || text.p[from] > '9'))
        from++;
    for (to = from; to < text.n && text.p[to] >= '0' && text.p[to] <= '9';)
        to++;
    return cit_slice(text.p + from, to - from);
}

/* ref_id, or when that is empty or 0 the first number in ref_url (B.5). */
static int read_ref(struct build *b, PyObject *node, struct cit_slice *out)
{
    PyObject *value = cit_py_entry(node, b->st->graph.str_ref_id);
    int is_there = value != NULL ? PyObject_IsTrue(value) : -1;

    if (is_there < 0) {
        Py_XDECREF(value);
        return -1;
    }
    if (is_there)
        return hold_text(b, value, out);
    Py_DECREF(value);
    if (hold_text(b, cit_py_entry(node, b->st->graph.str_ref_url), out) < 0)
        return -1;
    *out = first_digits(*out);
    return 0;
}

static int read_expr(struct build *b, PyObject *mapping, uint32_t *out)
{
    struct cit_slice text;
    int err;

    if (read_text(b, mapping, b->st->graph.str_expression, &text) < 0)
        return -1;
    err = cit_flow_builder_expr(b->out, text, out);
    return err == CIT_OK ? 0 : refuse_err(b, err);
}

/* ---- nodes and edges ---- */

static void let_go(struct build *b)
{
    while (b->helds > 0)
        Py_DECREF(b->held[--b->helds]);
}

static int add_node(struct build *b, PyObject *node)
{
    const struct cit_py_graph_state *s = &b->st->graph;
    struct cit_flow_node n = { .type = CIT_FLOW_OTHER, .variable = { "", 0 } };
    struct cit_slice type;
    int err;

    if (read_id(b, node, s->str_id, &n.id) < 0 || read_type(b, node, &type) < 0 ||
        hold_text(b, cit_py_entry(node, s->str_title), &n.title) < 0 || read_ref(b, node, &n.ref) < 0)
        return -1;
    n.type = (uint8_t)cit_flow_type_of(type);
    if (n.type == CIT_FLOW_EXPRESSION &&
        (read_text(b, node, s->str_variable_name, &n.variable) < 0 || read_expr(b, node, &n.expr) < 0))
        return -1;
    err = cit_flow_builder_node(b->out, &n);
    return err == CIT_OK ? 0 : refuse_err(b, err);
}

static int add_edge(struct build *b, PyObject *edge)
{
    struct cit_flow_edge e = { .id = b->index, .type = CIT_FLOW_EDGE_OTHER };
    struct cit_slice type;
    int err;

    if (read_id(b, edge, b->st->graph.str_source, &e.source) < 0 ||
        read_id(b, edge, b->st->graph.str_target, &e.target) < 0 || read_type(b, edge, &type) < 0 ||
        read_expr(b, edge, &e.expr) < 0)
        return -1;
    if (cit_slice_eq(type, CIT_SLICE_LIT("normal")))
        e.type = CIT_FLOW_EDGE_NORMAL;
    else if (cit_slice_eq(type, CIT_SLICE_LIT("special")))
        e.type = CIT_FLOW_EDGE_SPECIAL;
    err = cit_flow_builder_edge(b->out, &e);
    return err == CIT_OK ? 0 : refuse_err(b, err);
}

static int add_all(struct build *b, PyObject *items, int (*add)(struct build *b, PyObject *item))
{
    for (b->index = 0; b->index < PyTuple_GET_SIZE(items); b->index++) {
        PyObject *item = PyTuple_GET_ITEM(items, b->index); /* borrowed from the tuple, which the graph owns */
        int rc = cit_py_is_mapping(item) ? add(b, item) : refuse(b, "is not a mapping");

        let_go(b);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* The list of a graph as a tuple; an empty one where `may_lack` and there is none. */
static PyObject *list_of(struct cit_py_state *st, PyObject *data, PyObject *key, bool may_lack)
{
    PyObject *list = cit_py_entry(data, key), *items = NULL;

    if (list == NULL)
        return NULL;
    if (PyList_Check(list) || PyTuple_Check(list))
        items = PySequence_Tuple(list);
    else if (list == Py_None && may_lack)
        items = PyTuple_New(0);
    else
        PyErr_Format(st->graph.error, list == Py_None ? "the graph has no \"%U\"" : "\"%U\" of the graph is not a list",
                     key);
    Py_DECREF(list);
    return items;
}

int cit_py_graph_lists(struct cit_py_state *st, PyObject *data, PyObject **nodes, PyObject **edges)
{
    PyObject *first = list_of(st, data, st->graph.str_nodes, false);
    PyObject *second = first != NULL ? list_of(st, data, st->graph.str_edges, true) : NULL;

    if (second == NULL) {
        Py_XDECREF(first);
        return -1;
    }
    *nodes = first;
    *edges = second;
    return 0;
}

static int build_all(struct build *b)
{
    int err;

    b->list = "nodes";
    if (add_all(b, b->graph->nodes, add_node) < 0)
        return -1;
    b->list = "edges";
    if (add_all(b, b->graph->edges, add_edge) < 0)
        return -1;
    err = cit_flow_builder_finish(b->out, &b->graph->g);
    if (err != CIT_OK)
        PyErr_NoMemory();
    return err == CIT_OK ? 0 : -1;
}

int cit_py_graph_build(struct cit_py_graph *graph, PyObject *data)
{
    struct build b = { .st = graph->st, .graph = graph };
    int rc;

    if (!cit_py_is_mapping(data)) {
        PyErr_SetString(b.st->graph.error, "a graph is a mapping with \"nodes\" and \"edges\"");
        return -1;
    }
    if (cit_py_graph_lists(b.st, data, &graph->nodes, &graph->edges) < 0)
        return -1;
    b.out = cit_flow_builder_new();
    if (b.out == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    rc = build_all(&b);
    cit_flow_builder_free(b.out);
    return rc;
}
