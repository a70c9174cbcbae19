/* py/module.c - the extension module citrate._native: its state from begin to end.
 *
 * Multi-phase initialization (PEP 489): the module can be loaded again, and dropped.
 * Members, traversal and clearing come from the lists of state.h.  It needs the GIL
 * (Py_mod_gil is not set) and the main interpreter: threads find their thread state
 * through the process, and a fork has one guard for all of it. */
#include "py/state.h"

static struct PyModuleDef module_def;

struct cit_py_state *cit_py_state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

/* ---- filling ---- */

static int make_types(PyObject *module, struct cit_py_state *st)
{
#define MAKE_TYPE(name, spec)    \
    if (st->type_##name == NULL) \
        st->type_##name = (PyTypeObject *)PyType_FromModuleAndSpec(module, &(spec), NULL);
    CIT_PY_TYPES(MAKE_TYPE)
#undef MAKE_TYPE
#define TYPE_MADE(name, spec) &&st->type_##name != NULL
    return true CIT_PY_TYPES(TYPE_MADE) ? 0 : -1;
#undef TYPE_MADE
}

static int make_strings(struct cit_py_state *st)
{
#define MAKE_STRING(name, text) st->str_##name = PyUnicode_InternFromString(text);
    CIT_PY_STRINGS(MAKE_STRING)
#undef MAKE_STRING
#define MAKE_KEY(name, text) st->key[CIT_PY_KEY_##name] = PyUnicode_InternFromString(text);
    CIT_PY_KEYS(MAKE_KEY)
#undef MAKE_KEY
#define MAKE_METHOD(name) st->method[CIT_PY_METHOD_##name] = PyUnicode_InternFromString(#name);
    CIT_METHOD_MAP(MAKE_METHOD)
#undef MAKE_METHOD
    return PyErr_Occurred() ? -1 : 0;
}

static int find_io(struct cit_py_state *st)
{
    PyObject *io = PyImport_ImportModule("io");

    if (io == NULL)
        return -1;
    st->io_file = PyObject_GetAttrString(io, "FileIO");
    st->io_reader = PyObject_GetAttrString(io, "BufferedReader");
    st->io_random = PyObject_GetAttrString(io, "BufferedRandom");
    Py_DECREF(io);
    return PyErr_Occurred() ? -1 : 0;
}

static int make_objects(struct cit_py_state *st)
{
    st->request_timeout = PyErr_NewExceptionWithDoc(
        "citrate.RequestTimeout",
        "Raised in a request that is over its time limit (--timeout), wherever it is.\n\n"
        "Not an Exception, as KeyboardInterrupt is none: `finally` and `with` clean up, but an\n"
        "`except Exception` in a loop does not swallow it.",
        PyExc_BaseException, NULL);
    st->environ = PyDict_New();
    st->errors_stream = cit_py_errors_new(st);
    return PyErr_Occurred() ? -1 : find_io(st);
}

static int module_exec(PyObject *module)
{
    struct cit_py_state *st = cit_py_state_of(module);

    if (cit_py_fork_guard_init() < 0) {
        PyErr_NoMemory();
        return -1;
    }
    if (cit_py_stamp_init(st) < 0 || make_types(module, st) < 0 || make_strings(st) < 0 || cit_py_memo_init(st) < 0 ||
        make_objects(st) < 0 || cit_py_expr_exec(module, st) < 0 || cit_py_graph_exec(module, st) < 0 ||
        cit_py_walk_exec(module, st) < 0)
        return -1;
    if (PyModule_AddObjectRef(module, "RequestTimeout", st->request_timeout) < 0 ||
        PyModule_AddObjectRef(module, "FileWrapper", (PyObject *)st->type_file_wrapper) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "__version__", CIT_VERSION);
}

/* ---- going through it ---- */

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct cit_py_state *st = cit_py_state_of(module);
    int rc;

#define VISIT_TYPE(name, spec) Py_VISIT(st->type_##name);
    CIT_PY_TYPES(VISIT_TYPE)
#undef VISIT_TYPE
#define VISIT_OBJECT(name) Py_VISIT(st->name);
    CIT_PY_OBJECTS(VISIT_OBJECT)
#undef VISIT_OBJECT
    for (unsigned i = 0; i < st->kits; i++)
        Py_VISIT((PyObject *)st->kit[i]);
    rc = cit_py_expr_traverse(st, visit, arg);
    if (rc == 0)
        rc = cit_py_graph_traverse(st, visit, arg);
    if (rc == 0)
        rc = cit_py_walk_traverse(st, visit, arg);
    return rc; /* what is left are str objects, which refer to nothing */
}

static int module_clear(PyObject *module)
{
    struct cit_py_state *st = cit_py_state_of(module);

    cit_py_kits_clear(st);
    cit_py_stamp_fini(st);
    cit_py_expr_clear(st);
    cit_py_graph_clear(st);
    cit_py_walk_clear(st);
    for (int i = 0; i < CIT_PY_KEY_COUNT; i++)
        st->value[i] = NULL; /* borrowed from environ */
#define CLEAR_TYPE(name, spec) Py_CLEAR(st->type_##name);
    CIT_PY_TYPES(CLEAR_TYPE)
#undef CLEAR_TYPE
#define CLEAR_OBJECT(name) Py_CLEAR(st->name);
    CIT_PY_OBJECTS(CLEAR_OBJECT)
#undef CLEAR_OBJECT
#define CLEAR_STRING(name, text) Py_CLEAR(st->str_##name);
    CIT_PY_STRINGS(CLEAR_STRING)
#undef CLEAR_STRING
    for (int i = 0; i < CIT_PY_KEY_COUNT; i++)
        Py_CLEAR(st->key[i]);
    for (int i = 0; i < CIT_PY_METHOD_COUNT; i++)
        Py_CLEAR(st->method[i]);
    cit_py_memo_clear(&st->memo);
    return 0;
}

static void module_free(void *module)
{
    (void)module_clear(module);
}

/* ---- the definition ---- */

static PyMethodDef methods[] = {
    { "supervise", (PyCFunction)(void (*)(void))cit_py_supervise, METH_VARARGS | METH_KEYWORDS,
      "supervise(conf, binds, load, reload=None): serves until stopped; the process's exit status.\n\n"
      "In a worker it raises SystemExit.  ValueError: a setting or bind that can't be; OSError: a log." },
    { "settings", cit_py_settings, METH_NOARGS,
      "settings(): name -> (default, least, most); least and most are None for texts" },
    { "counters", cit_py_counters, METH_NOARGS,
      "counters(): what this worker counted.  RuntimeError outside a worker" },
    { NULL, NULL, 0, NULL },
};

static PyModuleDef_Slot slots[] = {
    { Py_mod_exec, module_exec },
#if PY_VERSION_HEX >= 0x030C0000
    { Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED },
#endif
    { 0, NULL },
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "citrate._native",
    .m_doc = "The server of Citrate, in C.",
    .m_size = sizeof(struct cit_py_state),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__native(void);

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&module_def);
}
