/* py/flow_graph.c - the Graph type: life, attributes, programs.
 *
 * A Graph never changes, as a tuple does not: it has no tp_clear, since a cycle through it goes through
 * a dict, which is cleared.  It remembers the programs of its conditions, which nobody sees. */
#include "py/flow_int.h"

#include "base/mem.h"
#include "py/expr_int.h"

static struct cit_py_graph *as_graph(PyObject *o)
{
    return (struct cit_py_graph *)o;
}

/* ---- life ---- */

static PyObject *graph_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);

/* The state of the module that made the type, or a type it is made from. */
static struct cit_py_state *state_of(PyTypeObject *type)
{
    PyTypeObject *ours = NULL;

    for (; type != NULL; type = type->tp_base)
        ours = type->tp_new == graph_new ? type : ours;
    return PyType_GetModuleState(ours);
}

/* packed NULL: the nodes and edges of data are kept. */
static PyObject *graph_alloc(PyTypeObject *type, PyObject *data, enum cit_expr_dialect dialect, PyObject *packed)
{
    PyObject *self = type->tp_alloc(type, 0);

    if (self == NULL)
        return NULL;
    as_graph(self)->st = state_of(type);
    as_graph(self)->dialect = dialect;
    if (cit_py_graph_build(as_graph(self), data) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    if (packed != NULL) {
        as_graph(self)->packed = Py_NewRef(packed);
        Py_CLEAR(as_graph(self)->nodes);
        Py_CLEAR(as_graph(self)->edges);
    }
    return self;
}

static PyObject *graph_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "source", "dialect", "packed", NULL };
    enum cit_expr_dialect dialect = CIT_EXPR_STRICT;
    PyObject *data, *name = NULL, *packed = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OS:Graph", names, &data, &name, &packed))
        return NULL;
    if (name != NULL && cit_py_dialect_of(name, &dialect) < 0)
        return NULL;
    return graph_alloc(type, data, dialect, packed);
}

PyObject *cit_py_graph_new(struct cit_py_state *st, PyObject *data, enum cit_expr_dialect dialect)
{
    return graph_alloc(st->graph.type_graph, data, dialect, NULL);
}

static int graph_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct cit_py_graph *graph = as_graph(self);
    uint32_t count = graph->programs != NULL ? cit_flow_expr_count(graph->g) : 0;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(graph->nodes);
    Py_VISIT(graph->edges);
    Py_VISIT(graph->ids);
    for (uint32_t i = 0; i < count; i++)
        Py_VISIT(graph->programs[i]);
    return 0;
}

static void graph_dealloc(PyObject *self)
{
    struct cit_py_graph *graph = as_graph(self);
    uint32_t count = graph->programs != NULL ? cit_flow_expr_count(graph->g) : 0;
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    for (uint32_t i = 0; i < count; i++)
        Py_XDECREF(graph->programs[i]);
    cit_free(graph->programs);
    cit_flow_graph_free(graph->g);
    Py_XDECREF(graph->nodes);
    Py_XDECREF(graph->edges);
    Py_XDECREF(graph->packed);
    Py_XDECREF(graph->ids);
    type->tp_free(self);
    Py_DECREF(type);
}

bool cit_py_graph_check(struct cit_py_state *st, PyObject *object)
{
    return PyObject_TypeCheck(object, st->graph.type_graph);
}

/* ---- nodes and edges ---- */

static int unpack(const struct cit_py_graph *graph, PyObject **nodes, PyObject **edges)
{
    PyObject *python = PyImport_ImportModule("citrate.flow.graph");
    PyObject *data = python != NULL ? PyObject_CallMethod(python, "unpack", "O", graph->packed) : NULL;
    int rc = data != NULL ? cit_py_graph_lists(graph->st, data, nodes, edges) : -1;

    Py_XDECREF(python);
    Py_XDECREF(data);
    if (rc < 0)
        return -1;
    if (PyTuple_GET_SIZE(*nodes) == (Py_ssize_t)cit_flow_node_count(graph->g) &&
        PyTuple_GET_SIZE(*edges) == (Py_ssize_t)cit_flow_edge_count(graph->g))
        return 0;
    Py_CLEAR(*nodes);
    Py_CLEAR(*edges);
    PyErr_SetString(PyExc_RuntimeError, "packed is not of the mapping that the graph was made of");
    return -1;
}

int cit_py_graph_items(const struct cit_py_graph *graph, PyObject **nodes, PyObject **edges)
{
    if (graph->nodes == NULL)
        return unpack(graph, nodes, edges);
    *nodes = Py_NewRef(graph->nodes);
    *edges = Py_NewRef(graph->edges);
    return 0;
}

int cit_py_graph_open(struct cit_py_graph *graph)
{
    PyObject *nodes = NULL, *edges = NULL;

    if (graph->nodes != NULL)
        return 0;
    if (unpack(graph, &nodes, &edges) < 0)
        return -1;
    if (graph->nodes == NULL) {
        graph->nodes = nodes;
        graph->edges = edges;
    } else { /* another thread was here meanwhile, and what it made is in use */
        Py_DECREF(nodes);
        Py_DECREF(edges);
    }
    return 0;
}

/* ---- programs ---- */

/* A new reference: the Program of a text, or None when it is not in the language. */
static PyObject *compile_one(const struct cit_py_graph *graph, uint32_t number)
{
    PyObject *text = cit_py_str_of(cit_flow_expr_text(graph->g, number)), *program;

    if (text == NULL)
        return NULL;
    program = cit_py_program_get(graph->st, text, graph->dialect);
    Py_DECREF(text);
    if (program == NULL && PyErr_ExceptionMatches(graph->st->expr.error)) {
        PyErr_Clear();
        program = Py_NewRef(Py_None);
    }
    return program;
}

int cit_py_graph_program(struct cit_py_graph *graph, uint32_t number, PyObject **out)
{
    PyObject *made;

    if (graph->programs == NULL) {
        graph->programs = cit_calloc(cit_flow_expr_count(graph->g), sizeof *graph->programs);
        if (graph->programs == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    if (graph->programs[number - 1] == NULL) {
        made = compile_one(graph, number);
        if (made == NULL)
            return -1;
        if (graph->programs[number - 1] == NULL)
            graph->programs[number - 1] = made;
        else /* another thread was here meanwhile, and what it made is in use */
            Py_DECREF(made);
    }
    *out = graph->programs[number - 1];
    return *out != Py_None;
}

/* ---- attributes ---- */

static PyObject *graph_nodes(PyObject *self, void *unused)
{
    (void)unused;
    return cit_py_graph_open(as_graph(self)) < 0 ? NULL : Py_NewRef(as_graph(self)->nodes);
}

static PyObject *graph_edges(PyObject *self, void *unused)
{
    (void)unused;
    return cit_py_graph_open(as_graph(self)) < 0 ? NULL : Py_NewRef(as_graph(self)->edges);
}

static const char *dialect_text(enum cit_expr_dialect dialect)
{
    return dialect == CIT_EXPR_A ? "A" : dialect == CIT_EXPR_B ? "B" : "strict";
}

static PyObject *graph_dialect(PyObject *self, void *unused)
{
    (void)unused;
    return PyUnicode_FromString(dialect_text(as_graph(self)->dialect));
}

/* Without the dicts, and without programs, which all graphs share. */
static size_t bytes_of(const struct cit_py_graph *graph)
{
    size_t items = graph->nodes != NULL ? cit_flow_node_count(graph->g) + (size_t)cit_flow_edge_count(graph->g) : 0;
    size_t programs = graph->programs != NULL ? cit_flow_expr_count(graph->g) : 0;
    size_t packed = graph->packed != NULL ? (size_t)PyBytes_GET_SIZE(graph->packed) : 0;

    return (size_t)Py_TYPE(graph)->tp_basicsize + cit_flow_graph_bytes(graph->g) + packed +
           (items + programs) * sizeof(PyObject *);
}

static PyObject *graph_memory(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromSize_t(bytes_of(as_graph(self)));
}

static Py_ssize_t graph_length(PyObject *self)
{
    return (Py_ssize_t)cit_flow_node_count(as_graph(self)->g);
}

static PyObject *graph_repr(PyObject *self)
{
    const struct cit_py_graph *graph = as_graph(self);

    return PyUnicode_FromFormat("<%s: %u nodes, %u edges, dialect %s>", Py_TYPE(self)->tp_name,
                                cit_flow_node_count(graph->g), cit_flow_edge_count(graph->g),
                                dialect_text(graph->dialect));
}

/* ---- the type ---- */

static PyMethodDef graph_methods[] = {
    { "check", (PyCFunction)(void (*)(void))cit_py_graph_check_method, METH_VARARGS | METH_KEYWORDS,
      CIT_PY_GRAPH_CHECK_DOC },
    { "to_dot", (PyCFunction)(void (*)(void))cit_py_graph_dot_method, METH_VARARGS | METH_KEYWORDS,
      CIT_PY_GRAPH_DOT_DOC },
    { NULL, NULL, 0, NULL },
};

static PyGetSetDef graph_getset[] = {
    { "nodes", graph_nodes, NULL, "tuple of the nodes, as they were given", NULL },
    { "edges", graph_edges, NULL, "tuple of the edges, as they were given", NULL },
    { "dialect", graph_dialect, NULL, "\"A\", \"B\" or \"strict\": the language of its expressions", NULL },
    { "memory", graph_memory, NULL, "bytes it holds, beside nodes and edges as mappings", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot graph_slots[] = {
    { Py_tp_doc, "Graph(mapping, dialect=\"strict\"): nodes and edges, compiled; never changes." },
    { Py_tp_new, graph_new },
    { Py_tp_dealloc, graph_dealloc },
    { Py_tp_traverse, graph_traverse },
    { Py_tp_methods, graph_methods },
    { Py_tp_getset, graph_getset },
    { Py_tp_repr, graph_repr },
    { Py_sq_length, graph_length },
    { 0, NULL },
};

static PyType_Spec graph_spec = {
    .name = "citrate._native.Graph",
    .basicsize = sizeof(struct cit_py_graph),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = graph_slots,
};

/* ---- the module ---- */

#define GRAPH_ERROR_DOC                                                                 \
    "What was given is not a graph: str() says where (nodes[2], edges[0]) and why.\n\n" \
    "Raised where a graph is made.  What is wrong with a whole graph is told by check()."

int cit_py_graph_exec(PyObject *module, struct cit_py_state *st)
{
    struct cit_py_graph_state *s = &st->graph;

#define MAKE_STRING(name) s->str_##name = PyUnicode_InternFromString(#name);
    CIT_PY_GRAPH_STRINGS(MAKE_STRING)
#undef MAKE_STRING
    s->error = PyErr_NewExceptionWithDoc("citrate.flow.GraphError", GRAPH_ERROR_DOC, PyExc_ValueError, NULL);
    s->type_graph = (PyTypeObject *)PyType_FromModuleAndSpec(module, &graph_spec, NULL);
    if (PyErr_Occurred())
        return -1;
    if (PyModule_AddObjectRef(module, "GraphError", s->error) < 0)
        return -1;
    return PyModule_AddObjectRef(module, "Graph", (PyObject *)s->type_graph);
}

int cit_py_graph_traverse(struct cit_py_state *st, visitproc visit, void *arg)
{
    Py_VISIT(st->graph.error);
    Py_VISIT(st->graph.type_graph);
    return 0;
}

void cit_py_graph_clear(struct cit_py_state *st)
{
    struct cit_py_graph_state *s = &st->graph;

    Py_CLEAR(s->error);
    Py_CLEAR(s->type_graph);
#define CLEAR_STRING(name) Py_CLEAR(s->str_##name);
    CIT_PY_GRAPH_STRINGS(CLEAR_STRING)
#undef CLEAR_STRING
}
