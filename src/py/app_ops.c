/* py/app_ops.c - what the server asks of Python: the GIL, threads, memory for bodies, an
 * interruption.  The call itself is in call.c.
 *
 * Attached means: holding the GIL.  A detached thread's state is kept in a thread-local
 * word; it is the thread's and not the module's, so it can't stand in the module's state. */
#include "py/state.h"

#include "base/mem.h"

#define HEAVY_INTERVAL 0.0005 /* seconds; 5 ms is Python's: measured in docs/internals/worker.md */

static _Thread_local PyThreadState *detached;

void cit_py_attach(void *app)
{
    (void)app;
    PyEval_RestoreThread(detached);
    detached = NULL;
}

void cit_py_detach(void *app)
{
    (void)app;
    detached = PyEval_SaveThread();
}

/* ---- memory ---- */

static void drop(void *app, void *owner)
{
    (void)app;
    Py_DECREF((PyObject *)owner);
}

static char *body_new(void *app, size_t n, void **owner)
{
    PyObject *bytes = n > (size_t)PY_SSIZE_T_MAX ? NULL : PyBytes_FromStringAndSize(NULL, (Py_ssize_t)n);

    (void)app;
    if (bytes == NULL) {
        PyErr_Clear();
        return NULL;
    }
    *owner = bytes;
    return PyBytes_AS_STRING(bytes);
}

/* ---- threads ---- */

struct body {
    void (*run)(void *arg);
    void *arg;
};

static const char capsule_name[] = "citrate._native.thread";

static void free_body(PyObject *capsule)
{
    cit_free(PyCapsule_GetPointer(capsule, capsule_name));
}

static PyObject *run_body(PyObject *self, PyObject *unused)
{
    const struct body *b = PyCapsule_GetPointer(self, capsule_name);

    (void)unused;
    if (b == NULL)
        return NULL;
    b->run(b->arg);
    Py_RETURN_NONE;
}

static PyMethodDef run_body_def = { "citrate_thread", run_body, METH_NOARGS, "the body of a thread of the server" };

/* A callable without arguments around a C function. */
static PyObject *make_target(void (*run)(void *arg), void *arg)
{
    struct body *b = cit_calloc(1, sizeof *b);
    PyObject *capsule, *target;

    if (b == NULL)
        return PyErr_NoMemory();
    b->run = run;
    b->arg = arg;
    capsule = PyCapsule_New(b, capsule_name, free_body);
    if (capsule == NULL) {
        cit_free(b);
        return NULL;
    }
    target = PyCFunction_New(&run_body_def, capsule);
    Py_DECREF(capsule);
    return target;
}

/* threading.Thread(target=target, name=name, daemon=True); a new reference */
static PyObject *make_thread(const char *name, PyObject *target)
{
    PyObject *module = PyImport_ImportModule("threading"), *type = NULL, *nothing = NULL, *names = NULL, *thread = NULL;

    if (module == NULL)
        return NULL;
    type = PyObject_GetAttrString(module, "Thread");
    nothing = PyTuple_New(0);
    names = Py_BuildValue("{s:O,s:s,s:O}", "target", target, "name", name, "daemon", Py_True);
    if (type != NULL && nothing != NULL && names != NULL)
        thread = PyObject_Call(type, nothing, names);
    Py_XDECREF(names);
    Py_XDECREF(nothing);
    Py_XDECREF(type);
    Py_DECREF(module);
    return thread;
}

int cit_py_spawn(const char *name, void (*run)(void *arg), void *arg, PyObject **thread)
{
    PyObject *target = make_target(run, arg);
    PyObject *made = target == NULL ? NULL : make_thread(name, target);
    PyObject *none = made == NULL ? NULL : PyObject_CallMethod(made, "start", NULL);
    int rc = none == NULL ? -1 : 0;

    if (rc == 0 && thread != NULL)
        *thread = Py_NewRef(made);
    Py_XDECREF(none);
    Py_XDECREF(made);
    Py_XDECREF(target);
    return rc;
}

static int spawn(void *app, const char *name, void (*run)(void *arg), void *arg)
{
    if (cit_py_spawn(name, run, arg, NULL) == 0)
        return CIT_OK;
    cit_py_report(app, "A thread could not be started");
    return CIT_ENOMEM;
}

static uint64_t ident(void *app)
{
    (void)app;
    return PyThread_get_thread_ident();
}

/* ---- switching ---- */

static PyObject *call_sys(const char *name, PyObject *arg)
{
    PyObject *f = PySys_GetObject(name); /* borrowed */

    if (f == NULL) {
        PyErr_Format(PyExc_RuntimeError, "there is no sys.%s", name);
        return NULL;
    }
    return arg == NULL ? PyObject_CallNoArgs(f) : PyObject_CallOneArg(f, arg);
}

static int set_interval(double seconds)
{
    PyObject *number = PyFloat_FromDouble(seconds);
    PyObject *none = number == NULL ? NULL : call_sys("setswitchinterval", number);

    Py_XDECREF(number);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

static int get_interval(double *seconds)
{
    PyObject *number = call_sys("getswitchinterval", NULL);

    *seconds = number == NULL ? -1.0 : PyFloat_AsDouble(number);
    Py_XDECREF(number);
    return PyErr_Occurred() ? -1 : 0;
}

/* An application that asked for a shorter interval than ours keeps it. */
static void heavy(void *app, bool on)
{
    struct cit_py_server *s = app;
    double now;

    if (get_interval(&now) < 0)
        goto fail;
    if (on && now > HEAVY_INTERVAL) {
        s->switch_interval = now;
        if (set_interval(HEAVY_INTERVAL) < 0)
            goto fail;
    } else if (!on && s->switch_interval > 0.0) {
        double before = s->switch_interval;

        s->switch_interval = 0.0;
        if (set_interval(before) < 0)
            goto fail;
    }
    return;

fail:
    cit_py_report(s, "The switch interval could not be set");
}

/* ---- interruption ---- */

/* The stack of a thread as text: "".join(traceback.format_stack(frame)). */
static PyObject *stack_of(uint64_t id)
{
    PyObject *key = PyLong_FromUnsignedLongLong(id);
    PyObject *frames = key == NULL ? NULL : call_sys("_current_frames", NULL);
    PyObject *frame = frames == NULL ? NULL : PyDict_GetItemWithError(frames, key); /* borrowed */
    PyObject *module = frame == NULL ? NULL : PyImport_ImportModule("traceback");
    PyObject *lines = module == NULL ? NULL : PyObject_CallMethod(module, "format_stack", "O", frame);
    PyObject *nothing = lines == NULL ? NULL : PyUnicode_FromString("");
    PyObject *text = nothing == NULL ? NULL : PyUnicode_Join(nothing, lines);

    Py_XDECREF(nothing);
    Py_XDECREF(lines);
    Py_XDECREF(module);
    Py_XDECREF(frames);
    Py_XDECREF(key);
    PyErr_Clear();
    return text;
}

static struct cit_py_call *call_of(struct cit_py_state *st, uint64_t id)
{
    struct cit_py_call *c = st->calls;

    while (c != NULL && c->ident != id)
        c = c->next;
    return c;
}

static void log_stack(struct cit_py_server *s, uint64_t id, struct cit_slice what)
{
    PyObject *stack = stack_of(id);
    PyObject *name = PyUnicode_DecodeUTF8(what.p, (Py_ssize_t)what.n, "backslashreplace");
    PyObject *text = NULL;

    if (stack != NULL && name != NULL)
        text = PyUnicode_FromFormat("%U is over its time limit and is interrupted; it was at\n%U", name, stack);
    cit_py_log_str(s->log, CIT_LOG_ERROR, text);
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(name);
    Py_XDECREF(stack);
}

/* Formatting the stack may let other threads run: the request is looked up after it, and
 * struck only if it is the same one still. */
static void interrupt(void *app, uint64_t id, struct cit_slice what)
{
    struct cit_py_server *s = app;
    struct cit_py_call *c = call_of(s->st, id);
    uint64_t serial = c == NULL ? 0 : c->serial;

    if (c == NULL)
        return;
    log_stack(s, id, what);
    c = call_of(s->st, id);
    if (c == NULL || c->serial != serial)
        return;
    c->interrupted = true;
    (void)PyThreadState_SetAsyncExc((unsigned long)id, s->st->request_timeout);
}

const struct cit_app_ops cit_py_app_ops = {
    .attach = cit_py_attach,
    .detach = cit_py_detach,
    .call = cit_py_call,
    .drop = drop,
    .body_new = body_new,
    .spawn = spawn,
    .heavy = heavy,
    .interrupt = interrupt,
    .ident = ident,
};
