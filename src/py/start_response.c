/* py/start_response.c - start_response and the write it returns (PEP 3333).
 *
 * Both are objects that are made once and lent to one request after the other (call.c);
 * between requests, and for whoever keeps them, they have no call and say so.  Status and
 * fields go to the server as slices of the str objects' own bytes, which is what latin-1
 * text in CPython is; the server checks and copies them. */
#include "py/state.h"

#include <structmember.h>

#include "base/mem.h"

enum { FIELDS_STACK = 32 };

/* What a call brought. */
struct args {
    PyObject *status, *fields, *exc_info; /* borrowed; exc_info NULL: none */
};

/* ---- reading the arguments ---- */

static int read_keywords(PyObject *const *args, Py_ssize_t n, PyObject *names, struct args *out)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i); /* borrowed */

        if (PyUnicode_CompareWithASCIIString(name, "exc_info") != 0 || n == 3) {
            PyErr_Format(PyExc_TypeError, "start_response() does not take the keyword %R", name);
            return -1;
        }
        out->exc_info = args[n + i];
    }
    return 0;
}

static int read_args(PyObject *const *args, Py_ssize_t n, PyObject *names, struct args *out)
{
    if (n < 2 || n > 3) {
        PyErr_Format(PyExc_TypeError, "start_response() takes status, headers and perhaps exc_info, not %zd arguments",
                     n);
        return -1;
    }
    out->status = args[0];
    out->fields = args[1];
    out->exc_info = n == 3 ? args[2] : NULL;
    if (names != NULL && read_keywords(args, n, names, out) < 0)
        return -1;
    if (out->exc_info == Py_None)
        out->exc_info = NULL;
    return 0;
}

/* exc_info after the head has left: the exception goes on. */
static int raise_again(PyObject *exc_info)
{
    PyObject *value;

    if (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3 ||
        !PyExceptionInstance_Check(PyTuple_GET_ITEM(exc_info, 1))) { /* borrowed */
        PyErr_SetString(PyExc_TypeError, "exc_info must be what sys.exc_info() returned in an except block");
        return -1;
    }
    value = Py_NewRef(PyTuple_GET_ITEM(exc_info, 1)); /* borrowed, kept */
    if (PyTraceBack_Check(PyTuple_GET_ITEM(exc_info, 2)) &&
        PyException_SetTraceback(value, PyTuple_GET_ITEM(exc_info, 2)) < 0)
        PyErr_Clear();
    PyErr_SetObject((PyObject *)Py_TYPE(value), value);
    Py_DECREF(value);
    return -1;
}

static int may_start(struct cit_py_call *c, PyObject *exc_info)
{
    if (exc_info == NULL) {
        if (!c->started)
            return 0;
        PyErr_SetString(PyExc_AssertionError, "start_response() was called a second time without exc_info");
        return -1;
    }
    return cit_resp_is_sent(c->r) ? raise_again(exc_info) : 0;
}

/* ---- text ---- */

/* The bytes of a str in latin-1; false: it has other characters (or is not ready, before 3.12). */
static inline bool latin1(PyObject *str, struct cit_slice *out)
{
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(str) < 0) {
        PyErr_Clear();
        return false;
    }
#endif
    if (PyUnicode_KIND(str) != PyUnicode_1BYTE_KIND)
        return false;
    *out = cit_slice((const char *)PyUnicode_1BYTE_DATA(str), (size_t)PyUnicode_GET_LENGTH(str));
    return true;
}

static bool is_digit(char b)
{
    return b >= '0' && b <= '9';
}

/* "200 OK" */
static int read_status(PyObject *status, int *code, struct cit_slice *reason)
{
    struct cit_slice s;

    if (!PyUnicode_Check(status)) {
        PyErr_Format(PyExc_TypeError, "status must be a str, not %.100s", Py_TYPE(status)->tp_name);
        return -1;
    }
    if (!latin1(status, &s)) {
        PyErr_Format(PyExc_ValueError, "status %R has characters outside latin-1", status);
        return -1;
    }
    if (s.n < 3 || !is_digit(s.p[0]) || !is_digit(s.p[1]) || !is_digit(s.p[2]) || (s.n > 3 && s.p[3] != ' ')) {
        PyErr_Format(PyExc_ValueError, "status %R is not three digits, a space and a reason", status);
        return -1;
    }
    *code = (s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 + (s.p[2] - '0');
    *reason = s.n > 4 ? cit_slice(s.p + 4, s.n - 4) : cit_slice(s.p, 0);
    return 0;
}

static int bad_field(PyObject *item)
{
    PyObject *name, *value;

    if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2) {
        PyErr_Format(PyExc_TypeError, "headers must be tuples of a name and a value, not %R", item);
        return -1;
    }
    name = PyTuple_GET_ITEM(item, 0);  /* borrowed */
    value = PyTuple_GET_ITEM(item, 1); /* borrowed */
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "the name of a header must be a str, not %R", name);
    } else if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "the value of header %R must be a str, not %.100s", name,
                     Py_TYPE(value)->tp_name);
    } else {
        PyErr_Format(PyExc_ValueError, "header %R has characters outside latin-1", name);
    }
    return -1;
}

static inline bool read_field(PyObject *item, struct cit_resp_field *out)
{
    PyObject *name, *value;

    if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2)
        return false;
    name = PyTuple_GET_ITEM(item, 0);  /* borrowed */
    value = PyTuple_GET_ITEM(item, 1); /* borrowed */
    return PyUnicode_Check(name) && PyUnicode_Check(value) && latin1(name, &out->name) && latin1(value, &out->value);
}

/* ---- start_response ---- */

static int set_head_error(struct cit_py_call *c, int err)
{
    if (err == CIT_EINVAL) {
        PyErr_SetString(PyExc_ValueError, cit_resp_why(c->r));
        return -1;
    }
    if (err == CIT_ESTATE) {
        PyErr_SetString(PyExc_AssertionError, "start_response() was called after the response had begun");
        return -1;
    }
    if (err == CIT_ELIMIT) {
        PyErr_SetString(PyExc_ValueError, "the headers are too large");
        return -1;
    }
    return cit_py_set_error(c, err, "start_response()");
}

/* to: room for the list's fields */
static int send_head(struct cit_py_call *c, const struct args *a, struct cit_resp_field *to)
{
    Py_ssize_t n = PyList_GET_SIZE(a->fields);
    struct cit_slice reason;
    int code, err;

    if (read_status(a->status, &code, &reason) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyList_GET_ITEM(a->fields, i); /* borrowed: nothing below runs Python code */

        if (!read_field(item, &to[i]))
            return bad_field(item);
    }
    c->started = false; /* a refused head is gone, and so is the one before */
    err = cit_resp_head(c->r, code, reason, to, (size_t)n);
    if (err != CIT_OK)
        return set_head_error(c, err);
    c->started = true;
    return 0;
}

static int start(struct cit_py_call *c, const struct args *a)
{
    struct cit_resp_field stack[FIELDS_STACK], *fields = stack;
    int rc;

    if (!PyList_Check(a->fields)) {
        PyErr_Format(PyExc_TypeError, "headers must be a list, not %.100s", Py_TYPE(a->fields)->tp_name);
        return -1;
    }
    if (PyList_GET_SIZE(a->fields) > FIELDS_STACK)
        fields = cit_calloc((size_t)PyList_GET_SIZE(a->fields), sizeof *fields);
    if (fields == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    rc = send_head(c, a, fields);
    if (fields != stack)
        cit_free(fields);
    return rc;
}

static PyObject *start_response(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names)
{
    struct cit_py_kit *kit = (struct cit_py_kit *)self;
    struct args a;

    if (read_args(args, PyVectorcall_NARGS(nargsf), names, &a) < 0)
        return NULL;
    if (kit->call == NULL) {
        PyErr_SetString(PyExc_ValueError, "start_response() was called after the request had ended");
        return NULL;
    }
    if (may_start(kit->call, a.exc_info) < 0 || start(kit->call, &a) < 0)
        return NULL;
    return Py_NewRef((PyObject *)kit->write);
}

/* ---- write ---- */

static PyObject *write_body(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names)
{
    struct cit_py_call *c = ((struct cit_py_write *)self)->call;
    PyObject *data;
    Py_ssize_t n;
    int err;

    if (PyVectorcall_NARGS(nargsf) != 1 || (names != NULL && PyTuple_GET_SIZE(names) != 0) || !PyBytes_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "write() takes one bytes object");
        return NULL;
    }
    if (cit_py_call_enter(c) < 0)
        return NULL;
    cit_py_fork_guard_check(c->srv);
    data = args[0];
    n = PyBytes_GET_SIZE(data);
    err = cit_resp_write(c->r, PyBytes_AS_STRING(data), (size_t)n, n > CIT_PY_COPY ? Py_NewRef(data) : NULL);
    cit_py_call_leave(c);
    c->sent += (uint64_t)n;
    if (err != CIT_OK) {
        (void)cit_py_set_error(c, err, "write()");
        return NULL;
    }
    Py_RETURN_NONE;
}

/* ---- types ---- */

struct cit_py_kit *cit_py_kit_new(struct cit_py_state *st)
{
    struct cit_py_kit *kit = PyObject_GC_New(struct cit_py_kit, st->type_start_response);

    if (kit == NULL)
        return NULL;
    kit->vectorcall = start_response;
    kit->call = NULL;
    kit->env.dict = NULL;
    kit->input = cit_py_input_new(st);
    kit->write = PyObject_GC_New(struct cit_py_write, st->type_write);
    if (kit->write != NULL) {
        kit->write->vectorcall = write_body;
        kit->write->call = NULL;
        PyObject_GC_Track((PyObject *)kit->write);
    }
    PyObject_GC_Track((PyObject *)kit);
    if (kit->input == NULL || kit->write == NULL)
        Py_CLEAR(kit);
    return kit;
}

static int kit_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct cit_py_kit *kit = (struct cit_py_kit *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)kit->write);
    Py_VISIT((PyObject *)kit->input);
    Py_VISIT(kit->env.dict);
    return 0;
}

static int kit_clear(PyObject *self)
{
    struct cit_py_kit *kit = (struct cit_py_kit *)self;

    Py_CLEAR(kit->write);
    Py_CLEAR(kit->input);
    Py_CLEAR(kit->env.dict);
    return 0;
}

static void kit_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)kit_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static int write_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void write_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyMemberDef kit_members[] = {
    { "__vectorcalloffset__", T_PYSSIZET, offsetof(struct cit_py_kit, vectorcall), READONLY, NULL },
    { NULL, 0, 0, 0, NULL },
};

static PyMemberDef write_members[] = {
    { "__vectorcalloffset__", T_PYSSIZET, offsetof(struct cit_py_write, vectorcall), READONLY, NULL },
    { NULL, 0, 0, 0, NULL },
};

static PyType_Slot kit_slots[] = {
    { Py_tp_call, PyVectorcall_Call },
    { Py_tp_members, kit_members },
    { Py_tp_traverse, kit_traverse },
    { Py_tp_clear, kit_clear },
    { Py_tp_dealloc, kit_dealloc },
    { Py_tp_doc, "start_response(status, headers, exc_info=None, /) -> write, of PEP 3333" },
    { 0, NULL },
};

static PyType_Slot write_slots[] = {
    { Py_tp_call, PyVectorcall_Call },
    { Py_tp_members, write_members },
    { Py_tp_traverse, write_traverse },
    { Py_tp_dealloc, write_dealloc },
    { Py_tp_doc, "write(data, /) sends bytes of the body now (PEP 3333, for old applications)" },
    { 0, NULL },
};

#define KIT_FLAGS                                                                                      \
    (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE | \
     Py_TPFLAGS_DISALLOW_INSTANTIATION)

PyType_Spec cit_py_start_response_spec = {
    .name = "citrate._native.StartResponse",
    .basicsize = sizeof(struct cit_py_kit),
    .flags = KIT_FLAGS,
    .slots = kit_slots,
};

PyType_Spec cit_py_write_spec = {
    .name = "citrate._native.Write",
    .basicsize = sizeof(struct cit_py_write),
    .flags = KIT_FLAGS,
    .slots = write_slots,
};
