/* py/flow_find.c - check() and to_dot() of a Graph.
 *
 * The graph has numbers where its author wrote other ids, and no delays: both are read from the
 * original nodes here. */
#include "py/flow_int.h"

#include "py/expr_int.h"

#define DOT_MAX ((size_t)256 * 1024 * 1024)

struct search {
    struct cit_py_graph *graph; /* borrowed */
    PyObject *nodes, *edges;    /* owned tuples: the graph's */
    PyObject *declared;         /* borrowed: a container of names, or None */
    PyObject *self;             /* owned bytes: what a session node that enters the graph refers to; NULL: not known */
    PyObject *ids;              /* owned list of bytes: ids that are no small numbers, in the order of their numbers */
    PyObject *type;             /* owned bytes: the type lent last */
    int64_t first_id;
    bool is_failed; /* an exception is set */
    struct cit_flow_words words;
    struct cit_flow_findings found;
};

/* ---- what the check asks ---- */

static struct cit_slice bytes_slice(PyObject *bytes)
{
    return cit_slice(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
}

/* After an exception the check only goes on to its end. */
static bool is_declared(void *ctx, struct cit_slice name)
{
    struct search *s = ctx;
    PyObject *str = s->is_failed ? NULL : cit_py_str_of(name);
    int is_in = str != NULL ? PySequence_Contains(s->declared, str) : -1;

    Py_XDECREF(str);
    s->is_failed = s->is_failed || is_in < 0;
    return is_in != 0;
}

static struct cit_slice id_word(void *ctx, int64_t id)
{
    const struct search *s = ctx;
    Py_ssize_t at = s->ids != NULL && id >= s->first_id ? (Py_ssize_t)(id - s->first_id) : -1;

    if (at < 0 || at >= PyList_GET_SIZE(s->ids))
        return (struct cit_slice){ 0 };
    return bytes_slice(PyList_GET_ITEM(s->ids, at)); /* borrowed from the search's own list */
}

static struct cit_slice type_word(void *ctx, uint32_t node)
{
    struct search *s = ctx;
    PyObject *type = NULL;

    if (!s->is_failed) /* borrowed from the search's tuple */
        type = cit_py_entry(PyTuple_GET_ITEM(s->nodes, (Py_ssize_t)node), s->graph->st->graph.str_type);
    if (type != NULL && PyUnicode_Check(type))
        Py_SETREF(type, cit_py_utf8(type));
    else if (type != NULL)
        Py_SETREF(type, PyBytes_FromStringAndSize("", 0));
    s->is_failed = s->is_failed || type == NULL;
    Py_XSETREF(s->type, type);
    return type != NULL ? bytes_slice(type) : (struct cit_slice){ 0 };
}

/* ---- delays ---- */

static bool is_unit(PyObject *unit)
{
    static const char *const units[] = { "seconds", "minutes", "hours", "days", "weeks" };

    for (size_t i = 0; PyUnicode_Check(unit) && i < sizeof units / sizeof *units; i++) {
        if (PyUnicode_CompareWithASCIIString(unit, units[i]) == 0)
            return true;
    }
    return false;
}

/* The number may stand in a variable, but for dialect A. */
static int has_number(const struct search *s, PyObject *delay)
{
    const struct cit_py_graph_state *keys = &s->graph->st->graph;
    PyObject *number = cit_py_entry(delay, keys->str_number), *variable;
    bool is_number = number != NULL && (PyLong_Check(number) || PyFloat_Check(number));
    int is_there = is_number;

    if (number != NULL && !is_number && s->graph->dialect != CIT_EXPR_A) {
        variable = cit_py_entry(delay, keys->str_variable);
        is_there = variable != NULL ? PyObject_IsTrue(variable) : -1;
        Py_XDECREF(variable);
    }
    Py_XDECREF(number);
    return number != NULL ? is_there : -1;
}

/* 0: the delay says how long it is; 1: it lacks the number, 2: the unit; -1 with the exception set. */
static int delay_fault(const struct search *s, PyObject *node)
{
    PyObject *delay = cit_py_entry(node, s->graph->st->graph.str_delay), *unit;
    int is_there, fault;

    if (delay == NULL)
        return -1;
    is_there = cit_py_is_mapping(delay) ? has_number(s, delay) : 0;
    fault = is_there < 0 ? -1 : is_there == 0;
    if (is_there > 0) {
        unit = cit_py_entry(delay, s->graph->st->graph.str_unit);
        fault = unit == NULL ? -1 : is_unit(unit) ? 0 : 2;
        Py_XDECREF(unit);
    }
    Py_DECREF(delay);
    return fault;
}

static int say_delay(struct search *s, uint32_t node, bool lacks_unit)
{
    char what[] = "The delay doesn't say how long it lasts: it has no number.";
    char what_unit[] = "The delay doesn't say how long it lasts: its unit of time is missing or not known.";
    char hint[] = "Give it a number, and one of the units seconds, minutes, hours, days and weeks.";
    const struct cit_flow_finding one = {
        CIT_FLOW_ERROR,
        cit_flow_code_text(CIT_FLOW_CODE_DELAY_TIME),
        node,
        CIT_FLOW_NONE,
        0,
        0,
        lacks_unit ? what_unit : what,
        hint,
    };

    if (cit_flow_findings_add(&s->found, &one) == CIT_OK)
        return 0;
    PyErr_NoMemory();
    return -1;
}

static int find_delays(struct search *s)
{
    const struct cit_flow_graph *g = s->graph->g;
    uint32_t said = 0;

    for (uint32_t i = 0; i < cit_flow_node_count(g) && said < CIT_FLOW_SAME_MAX; i++) {
        const struct cit_flow_node *n = cit_flow_node_at(g, i);
        int fault;

        if (n->type != CIT_FLOW_DELAY || cit_flow_slot_of(g, n->id)->node != i)
            continue;
        fault = delay_fault(s, PyTuple_GET_ITEM(s->nodes, (Py_ssize_t)i)); /* borrowed from the search's tuple */
        if (fault < 0 || (fault > 0 && say_delay(s, i, fault == 2) < 0))
            return -1;
        said += fault > 0;
    }
    return 0;
}

/* ---- searching ---- */

/* bytes of str(o): a new reference, or NULL with the exception set. */
static PyObject *text_bytes(PyObject *o)
{
    PyObject *str = PyObject_Str(o), *bytes = str != NULL ? cit_py_utf8(str) : NULL;

    Py_XDECREF(str);
    return bytes;
}

/* A dict keeps the order in which it was filled, which is that of the numbers. */
static int list_ids(struct search *s)
{
    PyObject *ids = s->graph->ids, *id, *number;
    Py_ssize_t at = 0;

    if (ids == NULL)
        return 0;
    s->ids = PyList_New(0);
    while (s->ids != NULL && PyDict_Next(ids, &at, &id, &number)) { /* borrowed from ids, which nobody changes */
        PyObject *bytes = text_bytes(id);
        int rc = bytes != NULL ? PyList_Append(s->ids, bytes) : -1;

        if (PyList_GET_SIZE(s->ids) == 1)
            s->first_id = PyLong_AsLongLong(number);
        Py_XDECREF(bytes);
        if (rc < 0)
            return -1;
    }
    return s->ids != NULL ? 0 : -1;
}

static int search_init(struct search *s, PyObject *graph, PyObject *declared, PyObject *session)
{
    *s = (struct search){ .graph = (struct cit_py_graph *)graph, .declared = declared };
    s->words = (struct cit_flow_words){ id_word, type_word, s };
    if (cit_py_graph_items(s->graph, &s->nodes, &s->edges) < 0)
        return -1;
    if (session != Py_None && (s->self = text_bytes(session)) == NULL)
        return -1;
    return list_ids(s);
}

static void search_fini(struct search *s)
{
    Py_XDECREF(s->nodes);
    Py_XDECREF(s->edges);
    Py_XDECREF(s->self);
    Py_XDECREF(s->ids);
    Py_XDECREF(s->type);
    cit_flow_findings_fini(&s->found);
}

static int search_run(struct search *s)
{
    const struct cit_flow_check_options opt = {
        .dialect = s->graph->dialect,
        .has_declared = s->declared != Py_None,
        .is_declared = is_declared,
        .ctx = s,
        .self = s->self != NULL ? bytes_slice(s->self) : (struct cit_slice){ 0 },
        .words = &s->words,
    };
    int err = find_delays(s) < 0 ? CIT_EAPP : cit_flow_check(s->graph->g, &opt, &s->found);

    if (err == CIT_OK)
        err = cit_flow_findings_sort(&s->found, 0);
    if (err == CIT_ENOMEM && !s->is_failed)
        PyErr_NoMemory();
    return err == CIT_OK && !s->is_failed ? 0 : -1;
}

/* ---- results ---- */

static PyObject *item_id(const struct search *s, PyObject *items, uint32_t index)
{
    if (index == CIT_FLOW_NONE)
        return Py_NewRef(Py_None); /* the item is borrowed from the search's tuple */
    return cit_py_entry(PyTuple_GET_ITEM(items, (Py_ssize_t)index), s->graph->st->graph.str_id);
}

static PyObject *number_or_none(uint32_t number, uint32_t none)
{
    return number == none ? Py_NewRef(Py_None) : PyLong_FromUnsignedLong(number);
}

static PyObject *finding_tuple(const struct search *s, const struct cit_flow_finding *one)
{
    static const char *const severities[] = { "error", "warning", "hint" };
    uint32_t index = one->edge != CIT_FLOW_NONE ? one->edge : one->node;

    return Py_BuildValue("ssNNNNNss", severities[one->severity], one->code, item_id(s, s->nodes, one->node),
                         item_id(s, s->edges, one->edge), number_or_none(index, CIT_FLOW_NONE),
                         number_or_none(one->line, 0), number_or_none(one->column, 0), one->what, one->hint);
}

static PyObject *findings_list(const struct search *s)
{
    PyObject *list = PyList_New((Py_ssize_t)s->found.count);

    for (uint32_t i = 0; list != NULL && i < s->found.count; i++) {
        PyObject *row = finding_tuple(s, &s->found.at[i]);

        if (row == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    return list;
}

PyObject *cit_py_graph_check_method(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "declared", "session", NULL };
    PyObject *declared = Py_None, *session = Py_None, *list = NULL;
    struct search s;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:check", names, &declared, &session))
        return NULL;
    if (search_init(&s, self, declared, session) == 0 && search_run(&s) == 0)
        list = findings_list(&s);
    search_fini(&s);
    return list;
}

static PyObject *drawing(struct search *s, bool is_checked)
{
    PyObject *text = NULL;
    struct cit_buf out;
    int err;

    cit_buf_init(&out, DOT_MAX);
    err = cit_flow_dot(s->graph->g, is_checked ? &s->found : NULL, &s->words, &out);
    if (s->is_failed)
        err = CIT_EAPP;
    if (err == CIT_OK)
        text = PyUnicode_DecodeUTF8(out.p, (Py_ssize_t)out.len, NULL);
    else if (err == CIT_ELIMIT)
        PyErr_SetString(PyExc_OverflowError, "the drawing is longer than 256 MiB");
    else if (err == CIT_ENOMEM)
        PyErr_NoMemory();
    cit_buf_fini(&out);
    return text;
}

PyObject *cit_py_graph_dot_method(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "checked", "declared", "session", NULL };
    PyObject *declared = Py_None, *session = Py_None, *text = NULL;
    int is_checked = true;
    struct search s;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|pOO:to_dot", names, &is_checked, &declared, &session))
        return NULL;
    if (search_init(&s, self, declared, session) == 0 && (!is_checked || search_run(&s) == 0))
        text = drawing(&s, is_checked);
    search_fini(&s);
    return text;
}
