/* py/flow_eval.c - expressions of a walk: over user.data, straight from C. */
#include "py/flow_walk.h"

#include "py/state.h"

/* ---- the scope ---- */

void cit_py_walker_enter(struct cit_py_walker *w)
{
    w->depth++;
}

/* Callables are methods of the walker: kept longer than a walk they would keep it alive. */
void cit_py_walker_leave(struct cit_py_walker *w)
{
    if (--w->depth > 0)
        return;
    Py_CLEAR(w->scope.reserved);
    Py_CLEAR(w->scope.missing);
    Py_CLEAR(w->scope.is_array);
}

static int take_method(struct cit_py_walker *w, PyObject *name, PyObject **out)
{
    if (*out == NULL)
        *out = PyObject_GetAttr((PyObject *)w, name);
    return *out == NULL ? -1 : 0;
}

static int take_methods(struct cit_py_walker *w)
{
    const struct cit_py_walk_state *names = &w->st->walk;

    if (!w->has_scope)
        return 0;
    if (take_method(w, names->str_reserved, &w->scope.reserved) < 0 ||
        take_method(w, names->str_missing, &w->scope.missing) < 0)
        return -1;
    return w->dialect == CIT_EXPR_A ? 0 : take_method(w, names->str_is_array, &w->scope.is_array);
}

static PyObject *none_is_null(PyObject *object)
{
    return object == Py_None ? NULL : object;
}

/* The data of now: whatever ran since the last time may have put another object in its place. */
static PyObject *get_data(struct cit_py_walker *w)
{
    PyObject *done;

    if (w->refreshes) {
        done = PyObject_CallMethodNoArgs((PyObject *)w, w->st->walk.str_refresh_user);
        if (done == NULL)
            return NULL;
        Py_DECREF(done);
    }
    if (none_is_null(w->data) != NULL)
        return Py_NewRef(w->data);
    return PyObject_GetAttr(w->user != NULL ? w->user : Py_None, w->st->walk.str_data);
}

/* What an evaluation holds; the members are owned. */
struct ready {
    struct cit_py_scope scope;
    PyObject *program;
};

static void unready(struct ready *r)
{
    Py_CLEAR(r->scope.data);
    Py_CLEAR(r->scope.reserved_names);
    Py_CLEAR(r->scope.reserved);
    Py_CLEAR(r->scope.missing);
    Py_CLEAR(r->scope.is_array);
    Py_CLEAR(r->scope.now);
    Py_CLEAR(r->program);
}

/* An evaluation calls back, and what it calls may change the walker: it has its own references. */
static int make_ready(struct cit_py_walker *w, PyObject *text, PyObject *program, struct ready *r)
{
    *r = (struct ready){ 0 };
    w->evaluations++;
    if (take_methods(w) < 0)
        return -1;
    r->scope.data = get_data(w);
    r->scope.reserved_names = Py_XNewRef(none_is_null(w->reserved_names));
    r->scope.reserved = Py_XNewRef(w->scope.reserved);
    r->scope.missing = Py_XNewRef(w->scope.missing);
    r->scope.is_array = Py_XNewRef(w->scope.is_array);
    r->scope.now = Py_XNewRef(none_is_null(w->moment));
    if (r->scope.data != NULL)
        r->program = program != NULL ? Py_NewRef(program) : cit_py_program_get(w->st, text, w->dialect);
    if (r->program != NULL)
        return 0;
    unready(r);
    return -1;
}

/* ---- evaluating ---- */

PyObject *cit_py_walker_eval(struct cit_py_walker *w, PyObject *text)
{
    PyObject *value = NULL;
    struct ready r;

    cit_py_walker_enter(w);
    if (make_ready(w, text, NULL, &r) == 0) {
        value = cit_py_program_eval(w->st, r.program, &r.scope);
        unready(&r);
    }
    cit_py_walker_leave(w);
    return value;
}

/* A condition that fails does not pass, but somebody may want to know. */
static int report(struct cit_py_walker *w, PyObject *text)
{
    PyObject *type, *error, *traceback, *done;

    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return -1;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    done = PyObject_CallMethodObjArgs((PyObject *)w, w->st->walk.str_on_failure, text, error, NULL);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

int cit_py_walker_test(struct cit_py_walker *w, PyObject *text, PyObject *program)
{
    int passes = -1;
    struct ready r;

    cit_py_walker_enter(w);
    if (make_ready(w, text, program, &r) == 0) {
        passes = cit_py_program_test(w->st, r.program, &r.scope);
        unready(&r);
    }
    if (passes < 0)
        passes = report(w, text);
    cit_py_walker_leave(w);
    return passes;
}

int cit_py_walker_passes(struct cit_py_walker *w, PyObject *edge)
{
    PyObject *text = cit_py_listing_field(w->st, edge, w->st->walk.str_expression);
    int passes = text == NULL ? -1 : PyObject_Not(text);

    if (passes == 0)
        passes = cit_py_walker_test(w, text, NULL);
    Py_XDECREF(text);
    return passes;
}
