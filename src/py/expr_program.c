/* py/expr_program.c - the type Program: an expression, compiled, as Python holds it. */
#include "py/expr_int.h"

#include "base/mem.h"

/* ---- making one ---- */

static struct cit_py_program *program_alloc(struct cit_py_state *st, struct cit_expr_program *prog, PyObject *text)
{
    struct cit_py_program *p = PyObject_GC_New(struct cit_py_program, st->expr.type_program);

    if (p == NULL)
        return NULL;
    p->st = st;
    p->prog = prog;
    p->text = Py_NewRef(text);
    p->consts = NULL;
    p->names = NULL;
    p->patterns = NULL;
    p->const_count = p->name_count = 0;
    PyObject_GC_Track((PyObject *)p);
    return p;
}

PyObject *cit_py_program_new(struct cit_py_state *st, struct cit_expr_program *prog, PyObject *text)
{
    struct cit_py_program *p = program_alloc(st, prog, text);

    if (p == NULL) {
        cit_expr_free(prog);
        return NULL;
    }
    if (cit_py_program_bind(p) < 0) {
        Py_DECREF(p);
        return NULL;
    }
    return (PyObject *)p;
}

const struct cit_expr_program *cit_py_program_of(PyObject *program)
{
    return cit_py_as_program(program)->prog;
}

/* ---- evaluating ---- */

int cit_py_check_data(PyObject *data)
{
    if (PyDict_CheckExact(data))
        return 0;
    if ((PyMapping_Check(data) && !PyUnicode_Check(data) && !PyList_Check(data) && !PyTuple_Check(data) &&
         !PyBytes_Check(data)) ||
        PyCallable_Check(data))
        return 0;
    PyErr_Format(PyExc_TypeError, "data is a mapping or a callable, not %.100s", Py_TYPE(data)->tp_name);
    return -1;
}

static PyObject *unless_none(PyObject *o)
{
    return o == Py_None ? NULL : o;
}

PyObject *cit_py_program_evaluate(PyObject *program, PyObject *data, PyObject *now)
{
    struct cit_py_program *p = cit_py_as_program(program);
    struct cit_py_scope scope = { .data = data, .now = now == NULL ? NULL : unless_none(now) };
    struct cit_expr_error fault;
    struct cit_py_value v;

    if (cit_py_check_data(data) < 0)
        return NULL;
    if (cit_py_run_program(p, &scope, &v, &fault) < 0) {
        cit_py_expr_wrap(p, &fault);
        return NULL;
    }
    return v.kind == CIT_PY_OBJ ? v.u.o : cit_py_box(&v);
}

static PyObject *program_test(PyObject *self, PyObject *data, PyObject *now)
{
    struct cit_py_program *p = cit_py_as_program(self);
    struct cit_py_scope scope = { .data = data, .now = now == NULL ? NULL : unless_none(now) };
    struct cit_expr_error fault;
    struct cit_py_value v;
    int is;

    if (cit_py_check_data(data) < 0)
        return NULL;
    is = cit_py_run_program(p, &scope, &v, &fault);
    if (is == 0) {
        is = cit_py_condition(p, &v, &fault);
        cit_py_value_clear(&v);
    }
    if (is < 0) {
        cit_py_expr_wrap(p, &fault);
        return NULL;
    }
    return PyBool_FromLong(is);
}

static const char *const evaluate_names[] = { "data", "now" };
static const struct cit_py_params evaluate_params = { "evaluate", evaluate_names, 2, 2, 1 };
static const struct cit_py_params test_params = { "test", evaluate_names, 2, 2, 1 };

static PyObject *method_evaluate(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    struct cit_py_given given = { args, nargs, kwnames };
    PyObject *arg[2];

    if (cit_py_take_args(&evaluate_params, &given, arg) < 0)
        return NULL;
    return cit_py_program_evaluate(self, arg[0], arg[1]);
}

static PyObject *method_test(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    struct cit_py_given given = { args, nargs, kwnames };
    PyObject *arg[2];

    if (cit_py_take_args(&test_params, &given, arg) < 0)
        return NULL;
    return program_test(self, arg[0], arg[1]);
}

/* ---- evaluating for a host, which answers names itself ---- */

static const char *const host_names[] = { "data", "now", "reserved_names", "reserved", "missing", "is_array" };
static const struct cit_py_params host_params = { "evaluate_with", host_names, 6, 1, 1 };

static int fill_scope(struct cit_py_scope *scope, PyObject *const *arg)
{
    for (int i = 3; i < 6; i++) {
        if (arg[i] != NULL && arg[i] != Py_None && !PyCallable_Check(arg[i])) {
            PyErr_Format(PyExc_TypeError, "%s is a callable, not %.100s", host_names[i], Py_TYPE(arg[i])->tp_name);
            return -1;
        }
    }
    if (arg[2] != NULL && arg[2] != Py_None && !PyAnySet_Check(arg[2])) {
        PyErr_Format(PyExc_TypeError, "reserved_names is a set, not %.100s", Py_TYPE(arg[2])->tp_name);
        return -1;
    }
    scope->data = arg[0];
    scope->now = arg[1] == NULL ? NULL : unless_none(arg[1]);
    scope->reserved_names = arg[2] == NULL ? NULL : unless_none(arg[2]);
    scope->reserved = arg[3] == NULL ? NULL : unless_none(arg[3]);
    scope->missing = arg[4] == NULL ? NULL : unless_none(arg[4]);
    scope->is_array = arg[5] == NULL ? NULL : unless_none(arg[5]);
    return cit_py_check_data(arg[0]);
}

static PyObject *method_evaluate_with(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    struct cit_py_given given = { args, nargs, kwnames };
    struct cit_py_program *p = cit_py_as_program(self);
    struct cit_py_scope scope;
    PyObject *arg[6];

    if (cit_py_take_args(&host_params, &given, arg) < 0 || fill_scope(&scope, arg) < 0)
        return NULL;
    return cit_py_program_eval(p->st, self, &scope);
}

/* ---- attributes ---- */

static PyObject *method_disassemble(PyObject *self, PyObject *unused)
{
    (void)unused;
    return cit_py_show_code(cit_py_as_program(self));
}

static PyObject *method_same(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyObject *get_text(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(cit_py_as_program(self)->text);
}

static PyObject *get_dialect(PyObject *self, void *unused)
{
    static const char *const names[CIT_PY_DIALECTS] = { "A", "B", "strict" };

    (void)unused;
    return PyUnicode_FromString(names[cit_py_as_program(self)->prog->dialect]);
}

static PyObject *get_names(PyObject *self, void *unused)
{
    (void)unused;
    return cit_py_show_names(cit_py_as_program(self));
}

static PyObject *get_tokens(PyObject *self, void *unused)
{
    (void)unused;
    return cit_py_show_tokens(cit_py_as_program(self));
}

static PyObject *get_diagnostics(PyObject *self, void *unused)
{
    (void)unused;
    return cit_py_show_notes(cit_py_as_program(self));
}

static PyObject *get_end(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLong(cit_py_as_program(self)->prog->end);
}

static PyObject *get_length(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLong(cit_py_as_program(self)->prog->text_chars);
}

static PyObject *get_is_closed(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(cit_py_as_program(self)->prog->is_closed);
}

static PyObject *program_repr(PyObject *self)
{
    PyObject *dialect = get_dialect(self, NULL), *repr;

    if (dialect == NULL)
        return NULL;
    repr = PyUnicode_FromFormat("<Program %R in dialect %U>", cit_py_as_program(self)->text, dialect);
    Py_DECREF(dialect);
    return repr;
}

/* ---- the type ---- */

static int program_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct cit_py_program *p = cit_py_as_program(self);

    Py_VISIT(Py_TYPE(self));
    for (uint32_t i = 0; i < p->const_count; i++) {
        if (p->consts[i].kind == CIT_PY_OBJ)
            Py_VISIT(p->consts[i].u.o);
    }
    for (uint32_t i = 0; p->patterns != NULL && i < p->const_count; i++)
        Py_VISIT(p->patterns[i]);
    return 0; /* what is left are str objects */
}

static void program_dealloc(PyObject *self)
{
    struct cit_py_program *p = cit_py_as_program(self);
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    cit_py_program_unbind(p);
    cit_expr_free(p->prog);
    Py_DECREF(p->text);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyMethodDef program_methods[] = {
    { "evaluate", (PyCFunction)(void (*)(void))method_evaluate, METH_FASTCALL | METH_KEYWORDS,
      "evaluate($self, data, now=None)\n--\n\n"
      "The value over data, a mapping or a callable by name; now: a datetime for current_time\n"
      "and the like, default the local time.  ExpressionError, with Python's exception as its cause." },
    { "test", (PyCFunction)(void (*)(void))method_test, METH_FASTCALL | METH_KEYWORDS,
      "test($self, data, now=None)\n--\n\nThe value as a condition: True or False." },
    { "evaluate_with", (PyCFunction)(void (*)(void))method_evaluate_with, METH_FASTCALL | METH_KEYWORDS,
      "evaluate_with($self, data, *, now=None, reserved_names=None, reserved=None, missing=None, is_array=None)\n--\n\n"
      "The value for a host that answers names: reserved(name) for those in the set reserved_names,\n"
      "missing(name) for what data lacks, is_array(name) for array variables of dialect B.\n"
      "Python's own exceptions, not wrapped." },
    { "disassemble", method_disassemble, METH_NOARGS, "disassemble($self)\n--\n\nThe instructions, one a line." },
    { "__copy__", method_same, METH_NOARGS, NULL },
    { "__deepcopy__", method_same, METH_O, NULL },
    { NULL, NULL, 0, NULL },
};

static PyGetSetDef program_getset[] = {
    { "text", get_text, NULL, "str: the expression as it was given", NULL },
    { "dialect", get_dialect, NULL, "str: \"A\", \"B\" or \"strict\"", NULL },
    { "names", get_names, NULL, "tuple of str: the variables, each once, without `$`", NULL },
    { "tokens", get_tokens, NULL, "tuple of str and RawList: the postfix stack (compat)", NULL },
    { "end", get_end, NULL, "int: characters that were read; the rest is ignored (compat)", NULL },
    { "length", get_length, NULL, "int: characters in all, tabs expanded where the dialect does", NULL },
    { "diagnostics", get_diagnostics, NULL, "tuple of Diagnostic: remarks for the author", NULL },
    { "is_closed", get_is_closed, NULL, "bool: it needs nothing that earlier texts left on a stack", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot program_slots[] = {
    { Py_tp_methods, program_methods },
    { Py_tp_getset, program_getset },
    { Py_tp_repr, program_repr },
    { Py_tp_traverse, program_traverse },
    { Py_tp_dealloc, program_dealloc },
    { Py_tp_doc, "An expression, compiled; immutable.  compile() makes them." },
    { 0, NULL },
};

PyType_Spec cit_py_program_spec = {
    .name = "citrate._native.Program",
    .basicsize = sizeof(struct cit_py_program),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = program_slots,
};
