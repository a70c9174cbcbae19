/* py/flow_walker.c - the Walker type: a base class whose subclasses say what nodes do. */
#include "py/flow_walk.h"

#include <structmember.h>

#include "py/state.h"

/* ---- graphs ---- */

static void forget_graph(struct cit_py_walker *w)
{
    struct cit_py_graph *was = w->now;

    w->now = NULL;
    Py_XDECREF((PyObject *)was);
}

/* Reading what a host stores may call back: a graph that was made meanwhile goes. */
static void list_graph(struct cit_py_walker *w)
{
    PyObject *nodes = Py_NewRef(w->nodes != NULL ? w->nodes : Py_None);
    PyObject *edges = Py_NewRef(w->edges != NULL ? w->edges : Py_None);
    struct cit_py_graph *graph = cit_py_listing_new(w->st, nodes, edges);

    forget_graph(w);
    w->now = graph;
    Py_DECREF(nodes);
    Py_DECREF(edges);
}

/* A Graph knows the language of its expressions. */
static void adopt(struct cit_py_walker *w, struct cit_py_graph *graph)
{
    w->now = (struct cit_py_graph *)Py_NewRef((PyObject *)graph);
    w->dialect = graph->dialect;
}

struct cit_py_graph *cit_py_walker_graph(struct cit_py_walker *w)
{
    if (w->now != NULL)
        return w->now;
    if (w->graph == NULL || w->graph == Py_None)
        list_graph(w);
    else if (Py_TYPE(w->graph) == w->st->walk.type_listing)
        w->now = (struct cit_py_graph *)Py_NewRef(w->graph);
    else if (!cit_py_graph_check(w->st, w->graph))
        PyErr_Format(PyExc_TypeError, "graph must be a Graph or None, not %.200s", Py_TYPE(w->graph)->tp_name);
    else if (cit_py_graph_open((struct cit_py_graph *)w->graph) == 0)
        adopt(w, (struct cit_py_graph *)w->graph);
    return w->now;
}

int cit_py_walk_id(const struct cit_py_graph *graph, PyObject *id, int64_t *out)
{
    return graph->is_listing ? cit_py_listing_id(graph, id, out) : cit_py_graph_id(graph, id, out);
}

/* The slot of an id in the graph of now; 0 and *out (NULL: none), or -1 with the exception set. */
static int slot_now(struct cit_py_walker *w, PyObject *id, const struct cit_flow_slot **out)
{
    struct cit_py_graph *graph = cit_py_walker_graph(w);
    int64_t number = 0;
    int found = graph == NULL ? -1 : cit_py_walk_id(graph, id, &number);

    *out = found > 0 ? cit_flow_slot_of(graph->g, number) : NULL;
    return found < 0 ? -1 : 0;
}

/* ---- walks ---- */

/* One walk; inside another one it has a state of its own. */
struct run {
    struct cit_walk own, *walk;
};

static int begin(struct cit_py_walker *w, struct run *r)
{
    if (Py_EnterRecursiveCall(" in a walk"))
        return -1;
    r->own = (struct cit_walk){ .host = &cit_py_walk_host, .ctx = w, .limits = w->walk.limits };
    r->walk = w->is_walking ? &r->own : &w->walk;
    w->is_walking = true;
    cit_py_walker_enter(w);
    return 0;
}

static void raise_limit(struct cit_py_walker *w, const struct cit_walk_limits *done)
{
    PyObject *type = PyObject_GetAttr((PyObject *)w, w->st->walk.str_limit_error);

    if (type != NULL)
        PyErr_Format(type, "the graph goes round in circles: stopped after %lu steps, %lu sessions and %lu edges",
                     (unsigned long)done->steps, (unsigned long)done->sessions, (unsigned long)done->edges);
    Py_XDECREF(type);
}

static PyObject *finish(struct cit_py_walker *w, struct run *r, int err, void *result)
{
    struct cit_walk_limits done = r->walk->done;

    if (r->walk == &w->walk)
        w->is_walking = false;
    cit_walk_fini(&r->own);
    cit_py_walker_leave(w);
    Py_LeaveRecursiveCall();
    if (err == CIT_OK)
        return result != NULL ? result : Py_NewRef(Py_None);
    if (err == CIT_ELIMIT)
        raise_limit(w, &done);
    else if (err == CIT_ENOMEM)
        PyErr_NoMemory();
    return NULL; /* CIT_EAPP: the exception is set */
}

/* The one argument of a method, given by place or by name; borrowed from the caller.  NULL with the exception. */
static PyObject *argument(PyObject *const *args, Py_ssize_t n, PyObject *names, const char *name)
{
    Py_ssize_t named = names != NULL ? PyTuple_GET_SIZE(names) : 0;

    if (n + named != 1) {
        PyErr_Format(PyExc_TypeError, "takes 1 argument, '%s' (%zd given)", name, n + named);
        return NULL;
    }
    if (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), name) != 0) {
        PyErr_Format(PyExc_TypeError, "takes the argument '%s', not %R", name, PyTuple_GET_ITEM(names, 0));
        return NULL;
    }
    return args[0];
}

static PyObject *walker_transition(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    struct cit_py_walker *w = (struct cit_py_walker *)self;
    PyObject *id = argument(args, n, names, "source_id");
    const struct cit_flow_slot *slot;
    void *result = NULL;
    struct run r;
    int err = CIT_EAPP;

    if (id == NULL || begin(w, &r) < 0)
        return NULL;
    if (slot_now(w, id, &slot) == 0)
        err = cit_walk_transition(r.walk, slot, &result);
    return finish(w, &r, err, result);
}

static PyObject *walker_trigger_node(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    struct cit_py_walker *w = (struct cit_py_walker *)self;
    PyObject *node = argument(args, n, names, "node");
    struct cit_walk_place place = { 0 };
    void *result = NULL;
    struct run r;
    int err = CIT_EAPP;

    if (node == NULL || begin(w, &r) < 0)
        return NULL;
    if (cit_py_walk_place(w, node, &place) == 0) {
        err = cit_walk_trigger(r.walk, &place, &result);
        Py_DECREF((PyObject *)place.graph.owner);
    }
    return finish(w, &r, err, result);
}

/* As a walk does at a place where there is no node. */
static int no_node(struct cit_py_walker *w)
{
    struct cit_walk_graph graph = { 0 };

    return cit_py_walk_host.missing(w, &graph, CIT_FLOW_NONE);
}

static PyObject *walker_trigger(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    struct cit_py_walker *w = (struct cit_py_walker *)self;
    PyObject *id = argument(args, n, names, "node_id");
    struct cit_walk_place place = { 0 };
    void *result = NULL;
    struct run r;
    int err = CIT_EAPP;

    if (id == NULL || begin(w, &r) < 0)
        return NULL;
    if (slot_now(w, id, &place.slot) == 0) {
        place.graph = (struct cit_walk_graph){ w->now->g, w->now };
        if (place.slot == NULL || place.slot->node == CIT_FLOW_NONE)
            err = no_node(w);
        else
            err = cit_walk_trigger(r.walk, &place, &result);
    }
    return finish(w, &r, err, result);
}

static PyObject *walker_pop_place(PyObject *self, PyObject *unused)
{
    struct cit_py_walker *w = (struct cit_py_walker *)self;
    void *result = NULL;
    struct run r;
    int err;

    (void)unused;
    if (begin(w, &r) < 0)
        return NULL;
    err = cit_walk_pop(r.walk, &result);
    return finish(w, &r, err, result);
}

/* ---- questions ---- */

static PyObject *walker_is_dead_end(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    PyObject *id = argument(args, n, names, "node_id");
    const struct cit_flow_slot *slot;

    if (id == NULL || slot_now((struct cit_py_walker *)self, id, &slot) < 0)
        return NULL;
    return PyBool_FromLong(slot == NULL || slot->normal_count == 0);
}

static PyObject *walker_evaluate(PyObject *self, PyObject *text)
{
    return cit_py_walker_eval((struct cit_py_walker *)self, text);
}

static PyObject *walker_passes(PyObject *self, PyObject *edge)
{
    int passes = cit_py_walker_passes((struct cit_py_walker *)self, edge);

    return passes < 0 ? NULL : PyBool_FromLong(passes);
}

/* ---- attributes ---- */

static void graph_stays(struct cit_py_walker *w)
{
    (void)w;
}

static void graph_is_given(struct cit_py_walker *w)
{
    forget_graph(w);
}

/* A listing was made of the nodes and edges that were there; a Graph goes before any. */
static void graph_is_made_anew(struct cit_py_walker *w)
{
    if (w->graph != NULL && Py_TYPE(w->graph) == w->st->walk.type_listing)
        Py_CLEAR(w->graph);
    forget_graph(w);
}

#define WALKER_ATTRIBUTE(name, graph)                                           \
    static PyObject *walker_get_##name(PyObject *self, void *unused)            \
    {                                                                           \
        PyObject *value = ((struct cit_py_walker *)self)->name;                 \
                                                                                \
        (void)unused;                                                           \
        return Py_NewRef(value != NULL ? value : Py_None);                      \
    }                                                                           \
                                                                                \
    static int walker_set_##name(PyObject *self, PyObject *value, void *unused) \
    {                                                                           \
        struct cit_py_walker *w = (struct cit_py_walker *)self;                 \
        PyObject *was = w->name;                                                \
                                                                                \
        (void)unused;                                                           \
        w->name = Py_NewRef(value != NULL ? value : Py_None);                   \
        Py_XDECREF(was);                                                        \
        graph_##graph(w);                                                       \
        return 0;                                                               \
    }
CIT_PY_WALKER_OBJECTS(WALKER_ATTRIBUTE)
#undef WALKER_ATTRIBUTE

static PyObject *walker_get_index(PyObject *self, void *unused)
{
    (void)unused;
    return Py_XNewRef((PyObject *)cit_py_walker_graph((struct cit_py_walker *)self));
}

static PyObject *walker_get_dialect(PyObject *self, void *unused)
{
    static const char *const names[] = { [CIT_EXPR_A] = "A", [CIT_EXPR_B] = "B", [CIT_EXPR_STRICT] = "strict" };

    (void)unused;
    return PyUnicode_FromString(names[((struct cit_py_walker *)self)->dialect]);
}

static int walker_set_dialect(PyObject *self, PyObject *value, void *unused)
{
    (void)unused;
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "dialect cannot be deleted");
        return -1;
    }
    return cit_py_dialect_of(value, &((struct cit_py_walker *)self)->dialect);
}

static PyObject *walker_get_step_limit(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLong(((struct cit_py_walker *)self)->walk.limits.steps);
}

static int walker_set_step_limit(PyObject *self, PyObject *value, void *unused)
{
    struct cit_walk *walk = &((struct cit_py_walker *)self)->walk;
    long n = value != NULL ? PyLong_AsLong(value) : 0;

    (void)unused;
    if (n == -1 && PyErr_Occurred())
        return -1;
    if (n < 1 || n > CIT_WALK_STEPS_MAX) {
        PyErr_Format(PyExc_ValueError, "step_limit must be 1 to %d", CIT_WALK_STEPS_MAX);
        return -1;
    }
    walk->limits = cit_walk_limits_of((uint32_t)n);
    return 0;
}

static PyGetSetDef walker_attributes[] = {
#define WALKER_ROW(name, graph) { #name, walker_get_##name, walker_set_##name, NULL, NULL },
    CIT_PY_WALKER_OBJECTS(WALKER_ROW)
#undef WALKER_ROW
        { "index", walker_get_index, NULL, "the graph of now, made of nodes and edges; may be the graph of others",
          NULL },
    { "dialect", walker_get_dialect, walker_set_dialect, "\"A\", \"B\" or \"strict\": that of conditions", NULL },
    { "step_limit", walker_get_step_limit, walker_set_step_limit, "nodes triggered in one walk, at most", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyMemberDef walker_members[] = {
    { "evaluations", T_ULONGLONG, offsetof(struct cit_py_walker, evaluations), READONLY, "expressions evaluated" },
    { "refreshes", T_BOOL, offsetof(struct cit_py_walker, refreshes), 0, "refresh_user() is called before use" },
    { "has_scope", T_BOOL, offsetof(struct cit_py_walker, has_scope), 0, "reserved(), missing(), is_array() exist" },
    { NULL, 0, 0, 0, NULL },
};

/* ---- the type ---- */

/* The state is behind Walker itself, however far a subclass is from it. */
static struct cit_py_state *state_of(PyTypeObject *type, newfunc of)
{
    while (type->tp_base != NULL && type->tp_base->tp_new == of)
        type = type->tp_base;
    return PyType_GetModuleState(type);
}

static PyObject *walker_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    struct cit_py_state *st = state_of(type, walker_new);
    struct cit_py_walker *w = st != NULL ? (struct cit_py_walker *)type->tp_alloc(type, 0) : NULL;

    (void)args; /* the subclass's */
    (void)kwargs;
    if (w == NULL)
        return NULL;
    w->st = st;
    w->dialect = CIT_EXPR_B;
    w->walk = (struct cit_walk){
        .host = &cit_py_walk_host,
        .ctx = w,
        .limits = cit_walk_limits_of(CIT_WALK_STEPS),
    };
    return (PyObject *)w;
}

static int walker_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct cit_py_walker *w = (struct cit_py_walker *)self;

    Py_VISIT(Py_TYPE(self));
#define VISIT(name, graph) Py_VISIT(w->name);
    CIT_PY_WALKER_OBJECTS(VISIT)
#undef VISIT
    Py_VISIT((PyObject *)w->now);
    Py_VISIT(w->scope.reserved);
    Py_VISIT(w->scope.missing);
    Py_VISIT(w->scope.is_array);
    return 0;
}

static int walker_clear(PyObject *self)
{
    struct cit_py_walker *w = (struct cit_py_walker *)self;

#define CLEAR(name, graph) Py_CLEAR(w->name);
    CIT_PY_WALKER_OBJECTS(CLEAR)
#undef CLEAR
    forget_graph(w);
    Py_CLEAR(w->scope.reserved);
    Py_CLEAR(w->scope.missing);
    Py_CLEAR(w->scope.is_array);
    return 0;
}

static void walker_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)walker_clear(self);
    cit_walk_fini(&((struct cit_py_walker *)self)->walk);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef walker_methods[] = {
    { "transition", (PyCFunction)(void (*)(void))walker_transition, METH_FASTCALL | METH_KEYWORDS,
      "transition(source_id): along the edges of a node, to a page or None" },
    { "trigger_node", (PyCFunction)(void (*)(void))walker_trigger_node, METH_FASTCALL | METH_KEYWORDS,
      "trigger_node(node): does what a node is for, and goes on from it; a page or None" },
    { "trigger", (PyCFunction)(void (*)(void))walker_trigger, METH_FASTCALL | METH_KEYWORDS,
      "trigger(node_id): the same for the node of the graph of now that has an id" },
    { "pop_place", walker_pop_place, METH_NOARGS, "pop_place(): back to the place on top of the stack" },
    { "is_dead_end", (PyCFunction)(void (*)(void))walker_is_dead_end, METH_FASTCALL | METH_KEYWORDS,
      "is_dead_end(node_id): no normal edge leaves the node, whatever their conditions" },
    { "evaluate", walker_evaluate, METH_O, "evaluate(text): the value of an expression; raises what it raises" },
    { "passes", walker_passes, METH_O, "passes(edge): it has no expression, or a true one" },
    { NULL, NULL, 0, NULL },
};

static PyType_Slot walker_slots[] = {
    { Py_tp_doc, "The stepping engine; src/py/flow_walk.h says which methods a subclass has." },
    { Py_tp_new, walker_new },
    { Py_tp_methods, walker_methods },
    { Py_tp_members, walker_members },
    { Py_tp_getset, walker_attributes },
    { Py_tp_traverse, walker_traverse },
    { Py_tp_clear, walker_clear },
    { Py_tp_dealloc, walker_dealloc },
    { 0, NULL },
};

PyType_Spec cit_py_walker_spec = {
    .name = "citrate._native.Walker",
    .basicsize = sizeof(struct cit_py_walker),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = walker_slots,
};

/* ---- the module's part ---- */

static int make_names(struct cit_py_walk_state *s)
{
    char text[64];

#define MAKE_STRING(name) s->str_##name = PyUnicode_InternFromString(#name);
    CIT_PY_WALK_STRINGS(MAKE_STRING)
#undef MAKE_STRING
    for (int i = 0; i < CIT_FLOW_TYPE_COUNT; i++) {
        const char *type = i == CIT_FLOW_OTHER ? "other" : cit_flow_type_text((enum cit_flow_type)i);

        (void)PyOS_snprintf(text, sizeof text, "on_%s", type);
        s->str_on[i] = PyUnicode_InternFromString(text);
    }
    return PyErr_Occurred() ? -1 : 0;
}

int cit_py_walk_exec(PyObject *module, struct cit_py_state *st)
{
    struct cit_py_walk_state *s = &st->walk;

#define MAKE_TYPE(name, spec) s->type_##name = (PyTypeObject *)PyType_FromModuleAndSpec(module, &(spec), NULL);
    CIT_PY_WALK_TYPES(MAKE_TYPE)
#undef MAKE_TYPE
    s->follow = PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    if (PyErr_Occurred() || make_names(s) < 0)
        return -1;
    if (PyObject_SetAttrString((PyObject *)s->type_walker, "FOLLOW", s->follow) < 0 ||
        PyObject_SetAttr((PyObject *)s->type_walker, s->str_limit_error, PyExc_RecursionError) < 0)
        return -1;
    return PyModule_AddObjectRef(module, "Walker", (PyObject *)s->type_walker);
}

int cit_py_walk_traverse(struct cit_py_state *st, visitproc visit, void *arg)
{
#define VISIT_TYPE(name, spec) Py_VISIT(st->walk.type_##name);
    CIT_PY_WALK_TYPES(VISIT_TYPE)
#undef VISIT_TYPE
    Py_VISIT(st->walk.follow);
    return 0;
}

void cit_py_walk_clear(struct cit_py_state *st)
{
#define CLEAR_TYPE(name, spec) Py_CLEAR(st->walk.type_##name);
    CIT_PY_WALK_TYPES(CLEAR_TYPE)
#undef CLEAR_TYPE
#define CLEAR_STRING(name) Py_CLEAR(st->walk.str_##name);
    CIT_PY_WALK_STRINGS(CLEAR_STRING)
#undef CLEAR_STRING
    for (int i = 0; i < CIT_FLOW_TYPE_COUNT; i++)
        Py_CLEAR(st->walk.str_on[i]);
    Py_CLEAR(st->walk.follow);
}
