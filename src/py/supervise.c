/* py/supervise.c - supervise(): runs the supervisor, and in its children a worker.
 *
 *      supervise() ─ GIL released ─> cit_super_run ─> fork  ──────> PyOS_BeforeFork ...
 *                                        │            child ──────> load(index), cit_worker_run
 *                                        │            reload ─────> reload()
 *                                        └─ in a child: its status ─> SystemExit
 *
 * The supervisor knows nothing of Python and waits without the GIL; each of its calls
 * takes the GIL and lets go of it again.  A worker leaves as SystemExit out of
 * supervise(), so that Python ends in its own way: atexit, threads, buffers. */
#include "py/state.h"

#include <signal.h>
#include <unistd.h>

#include "base/mem.h"
#include "serve/priv.h"
#include "serve/super.h"

enum { LOG_JOIN_SECONDS = 5 };

/* ---- log lines to Python's logging ---- */

static void sink(struct cit_py_server *s, PyObject *to, enum cit_log_level level, struct cit_slice line)
{
    PyObject *text, *none = NULL;

    cit_py_attach(s);
    text = PyUnicode_DecodeUTF8(line.p, (Py_ssize_t)line.n, "backslashreplace");
    if (text != NULL)
        none = PyObject_CallFunction(to, "iO", (int)level, text);
    if (none == NULL)
        PyErr_WriteUnraisable(to); /* not to the log: it is the log that failed */
    Py_XDECREF(none);
    Py_XDECREF(text);
    cit_py_detach(s);
}

static void sink_line(void *ctx, enum cit_log_kind kind, enum cit_log_level level, struct cit_slice line)
{
    struct cit_py_server *s = ctx;

    sink(s, kind == CIT_LOG_ACCESS ? s->access_sink : s->error_sink, level, line);
}

/* citrate.logs.sinks(): (callable or None) for errors and for access lines */
static int find_sinks(struct cit_py_server *s)
{
    PyObject *module = PyImport_ImportModule("citrate.logs");
    PyObject *pair = module == NULL ? NULL : PyObject_CallMethod(module, "sinks", NULL);
    PyObject *error, *access;
    int ok = pair != NULL && PyArg_ParseTuple(pair, "OO", &error, &access);

    if (ok && error != Py_None)
        Py_XSETREF(s->error_sink, Py_NewRef(error));
    if (ok && access != Py_None)
        Py_XSETREF(s->access_sink, Py_NewRef(access));
    Py_XDECREF(pair);
    Py_XDECREF(module);
    return ok ? 0 : -1;
}

static void set_sinks(struct cit_py_server *s)
{
    if (find_sinks(s) < 0)
        cit_py_report(s, "Log lines can't go to Python's logging");
    if (s->error_sink != NULL)
        cit_log_set_sink(s->log, CIT_LOG_ERRORS, sink_line, s);
    if (s->access_sink != NULL)
        cit_log_set_sink(s->log, CIT_LOG_ACCESS, sink_line, s);
}

static void write_logs(void *server)
{
    struct cit_py_server *s = server;

    cit_py_detach(s);
    cit_log_run(s->log);
    cit_py_attach(s);
}

/* The writer ends with what was appended until now; later lines are written at once. */
static void stop_logs(struct cit_py_server *s, PyObject *thread)
{
    PyObject *none;

    cit_log_stop(s->log);
    none = PyObject_CallMethod(thread, "join", "i", LOG_JOIN_SECONDS);
    if (none == NULL)
        cit_py_report(s, "The log's thread could not be joined");
    Py_XDECREF(none);
    cit_log_set_sink(s->log, CIT_LOG_ERRORS, NULL, NULL);
    cit_log_set_sink(s->log, CIT_LOG_ACCESS, NULL, NULL);
}

/* ---- a worker ---- */

static int load_app(struct cit_py_server *s, const struct cit_worker_env *env)
{
    PyObject *app = PyObject_CallFunction(s->load, "i", env->index);

    if (app != NULL && !PyCallable_Check(app)) {
        PyErr_Format(PyExc_TypeError, "the application is not callable: it is of type %.200s", Py_TYPE(app)->tp_name);
        Py_CLEAR(app);
    }
    Py_XSETREF(s->app, app);
    return app == NULL ? -1 : 0;
}

/* Says so to the supervisor, which may have several workers in the same trouble. */
static int failed(const struct cit_worker_env *env)
{
    char byte = CIT_CTL_FAILED;

    if (env->ctl_fd != -1 && write(env->ctl_fd, &byte, 1) != 1)
        return CIT_EXIT_APP; /* it sees the status all the same */
    return CIT_EXIT_APP;
}

static int serve(struct cit_py_server *s, const struct cit_worker_env *env, const struct cit_conf *conf)
{
    struct cit_worker *w;
    int err = cit_worker_new(env, conf, &cit_py_app_ops, s, &w);

    if (err == CIT_OK) {
        err = cit_worker_run(w);
        cit_worker_free(w);
    }
    if (err == CIT_OK)
        return CIT_EXIT_OK;
    cit_log_printf(s->log, CIT_LOG_CRITICAL, "the worker could not serve: %s", cit_err_text(err));
    return 1;
}

static int serve_with_logs(struct cit_py_server *s, const struct cit_worker_env *env, const struct cit_conf *conf)
{
    PyObject *thread = NULL;
    int status;

    set_sinks(s);
    if (cit_py_spawn("citrate-log", write_logs, s, &thread) < 0) {
        cit_py_report(s, "The log's thread could not be started");
        return 1;
    }
    status = serve(s, env, conf);
    stop_logs(s, thread);
    Py_DECREF(thread);
    return status;
}

/* The new user may not be allowed to read Python's own modules. */
static void import_before_drop(const struct cit_conf *conf)
{
    static const char *const names[] = { "threading", "traceback", "citrate.logs" };

    if (conf->uid == -1 && conf->gid == -1)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        PyObject *module = PyImport_ImportModule(names[i]);

        if (module == NULL)
            PyErr_Clear(); /* whoever needs it will say so */
        Py_XDECREF(module);
    }
}

static int work(struct cit_py_server *s, const struct cit_worker_env *env, const struct cit_conf *conf)
{
    /* As Python has them, for applications that write to sockets and files of their own;
     * the supervisor put every signal back to its default. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    cit_log_after_fork(s->log);
    s->conf = *conf;
    s->env = env;
    import_before_drop(conf);
    if (cit_priv_drop(conf, s->log) != CIT_OK)
        return 1;
    if (load_app(s, env) < 0) {
        cit_py_report(s, "The application could not be loaded");
        return failed(env);
    }
    if (cit_py_environ_init(s) < 0) {
        cit_py_report(s, "The worker could not be set up");
        return 1;
    }
    return serve_with_logs(s, env, conf);
}

/* ---- what the supervisor asks ---- */

/* What stands in Python's buffers would be written by every child. */
static void flush_output(void)
{
    static const char *const names[] = { "stdout", "stderr" };

    for (int i = 0; i < 2; i++) {
        PyObject *file = PySys_GetObject(names[i]); /* borrowed */
        PyObject *none = file == NULL || file == Py_None ? NULL : PyObject_CallMethod(file, "flush", NULL);

        Py_XDECREF(none);
        PyErr_Clear();
    }
}

static pid_t op_fork(void *ctx)
{
    pid_t pid;

    cit_py_attach(ctx);
    flush_output();
    PyOS_BeforeFork();
    pid = fork();
    if (pid == 0) {
        PyOS_AfterFork_Child();
        cit_py_fork_guard_reset();
    } else {
        PyOS_AfterFork_Parent();
    }
    cit_py_detach(ctx);
    return pid;
}

static int op_child(void *ctx, const struct cit_worker_env *env, const struct cit_conf *conf)
{
    int status;

    cit_py_attach(ctx);
    status = work(ctx, env, conf);
    cit_py_detach(ctx);
    return status;
}

/* The strings of the settings before live on: workers that are still to be replaced have them. */
static int reload(struct cit_py_server *s, struct cit_conf *conf)
{
    PyObject *dict = PyObject_CallNoArgs(s->reload), *strings;
    int rc = dict == NULL ? -1 : cit_py_settings_fill(dict, conf, &s->forwarded, &strings);

    Py_XDECREF(dict);
    if (rc < 0)
        return -1;
    Py_XSETREF(s->strings[1], s->strings[0]);
    s->strings[0] = strings;
    return 0;
}

static int op_reload(void *ctx, struct cit_conf *conf)
{
    int rc;

    cit_py_attach(ctx);
    rc = reload(ctx, conf);
    if (rc < 0)
        cit_py_report(ctx, "The settings could not be read again");
    cit_py_detach(ctx);
    return rc < 0 ? CIT_EAPP : CIT_OK;
}

static const struct cit_super_ops ops = { .fork = op_fork, .child = op_child, .reload = op_reload };
static const struct cit_super_ops ops_no_reload = { .fork = op_fork, .child = op_child, .reload = NULL };

/* ---- supervise() ---- */

static void server_free(struct cit_py_server *s)
{
    if (s == NULL)
        return;
    cit_log_free(s->log);
    cit_py_forwarded_fini(&s->forwarded);
    Py_CLEAR(s->load);
    Py_CLEAR(s->reload);
    Py_CLEAR(s->app);
    Py_CLEAR(s->error_sink);
    Py_CLEAR(s->access_sink);
    Py_CLEAR(s->strings[0]);
    Py_CLEAR(s->strings[1]);
    Py_CLEAR(s->module);
    cit_free(s);
}

static int open_log(struct cit_py_server *s)
{
    const struct cit_conf *c = &s->conf;
    const char *bad = NULL;
    int err = cit_log_new(c->error_logfile, c->access_logfile, (enum cit_log_level)c->log_level, &s->log, &bad);

    if (err == CIT_OK)
        return 0;
    if (err == CIT_ENOMEM || bad == NULL)
        PyErr_NoMemory();
    else
        PyErr_Format(PyExc_OSError, "the log '%s' can't be opened: %s", bad, cit_err_text(err));
    return -1;
}

static struct cit_py_server *server_new(PyObject *module, PyObject *dict)
{
    struct cit_py_server *s = cit_calloc(1, sizeof *s);

    if (s == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    s->module = Py_NewRef(module);
    s->st = cit_py_state_of(module);
    if (cit_py_settings_fill(dict, &s->conf, &s->forwarded, &s->strings[0]) < 0 || open_log(s) < 0) {
        server_free(s);
        return NULL;
    }
    return s;
}

/* The list's texts as an array, which the caller frees; they live as long as the tuple. */
static const char **bind_texts(PyObject *binds)
{
    Py_ssize_t n = PyTuple_GET_SIZE(binds);
    const char **texts = cit_calloc((size_t)n + 1, sizeof *texts);

    if (texts == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *bind = PyTuple_GET_ITEM(binds, i); /* borrowed from the tuple */

        texts[i] = PyUnicode_Check(bind) ? PyUnicode_AsUTF8(bind) : NULL;
        if (texts[i] != NULL)
            continue;
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "a bind is a str, not %.100s", Py_TYPE(bind)->tp_name);
        cit_free(texts);
        return NULL;
    }
    return texts;
}

static int run(struct cit_py_server *s, const char *const *binds, int nbinds, bool *is_child)
{
    struct cit_super_args args = {
        .conf = &s->conf,
        .binds = binds,
        .nbinds = nbinds,
        .ops = s->reload != NULL ? &ops : &ops_no_reload,
        .ctx = s,
        .log = s->log,
    };
    struct cit_conf conf = s->conf; /* the worker's copy in s may change while the supervisor reads */
    int status;

    args.conf = &conf;
    flush_output();
    cit_py_detach(s);
    status = cit_super_run(&args, is_child);
    cit_py_attach(s);
    return status;
}

/* A child ends here; its server lives as long as it does, for threads that are still with
 * the application. */
static PyObject *leave(int status)
{
    PyObject *number = PyLong_FromLong(status);

    if (number != NULL)
        PyErr_SetObject(PyExc_SystemExit, number);
    Py_XDECREF(number);
    return NULL;
}

static PyObject *supervise(struct cit_py_server *s, PyObject *binds)
{
    PyObject *tuple = PySequence_Tuple(binds);
    const char **texts = tuple == NULL ? NULL : bind_texts(tuple);
    bool is_child = false;
    int status = 0;

    if (texts != NULL) {
        s->st->server = s;
        status = run(s, texts, (int)PyTuple_GET_SIZE(tuple), &is_child);
        cit_free(texts);
        Py_DECREF(tuple);
        if (is_child)
            return leave(status);
        s->st->server = NULL;
        server_free(s);
        return PyLong_FromLong(status);
    }
    Py_XDECREF(tuple);
    server_free(s);
    return NULL;
}

PyObject *cit_py_supervise(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "conf", "binds", "load", "reload", NULL };
    PyObject *dict, *binds, *load, *again = Py_None;
    struct cit_py_server *s;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO|O:supervise", names, &dict, &binds, &load, &again))
        return NULL;
    if (!PyCallable_Check(load) || (again != Py_None && !PyCallable_Check(again))) {
        PyErr_SetString(PyExc_TypeError, "load must be callable, and reload callable or None");
        return NULL;
    }
    if (cit_py_state_of(module)->server != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "supervise() is running already");
        return NULL;
    }
    s = server_new(module, dict);
    if (s == NULL)
        return NULL;
    s->load = Py_NewRef(load);
    s->reload = again == Py_None ? NULL : Py_NewRef(again);
    return supervise(s, binds);
}

/* ---- counters() ---- */

static int put_count(PyObject *dict, const char *name, uint64_t n)
{
    PyObject *number = PyLong_FromUnsignedLongLong(n);
    int rc = number == NULL ? -1 : PyDict_SetItemString(dict, name, number);

    Py_XDECREF(number);
    return rc;
}

PyObject *cit_py_counters(PyObject *module, PyObject *unused)
{
    const struct cit_py_server *s = cit_py_state_of(module)->server;
    const struct cit_counters *c = s == NULL || s->env == NULL ? NULL : &s->env->slot->counters;
    PyObject *dict;
    int rc = 0;

    (void)unused;
    if (c == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "there are counters only in a worker");
        return NULL;
    }
    dict = PyDict_New();
    if (dict == NULL)
        return NULL;
#define PUT_COUNT(name, text) rc |= put_count(dict, #name, atomic_load_explicit(&c->name, memory_order_relaxed));
    CIT_COUNTER_MAP(PUT_COUNT)
#undef PUT_COUNT
    if (rc < 0)
        Py_CLEAR(dict);
    return dict;
}
