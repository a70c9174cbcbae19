/* py/errors.c - wsgi.errors: text to the error log, in whole lines (PEP 3333).
 *
 * One stream serves all requests.  print() writes a line in two pieces, so what has no
 * newline yet waits in a list by thread until its line is whole, it is flushed, it grows
 * too long, or the request ends. */
#include "py/state.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum { LINE_MOST = 8192 };

struct piece {
    struct piece *next; /* owned */
    uint64_t ident;     /* of its thread */
    struct cit_buf text;
};

struct errors {
    PyObject_HEAD struct cit_py_state *st; /* borrowed: the type keeps the module */
    struct piece *pieces;                  /* owned; few: one for each thread within a line */
};

/* ---- pieces ---- */

static void emit(struct errors *e, struct cit_slice text)
{
    while (text.n > 0 && text.p[text.n - 1] == '\n')
        text.n--;
    if (text.n > 0 && e->st->server != NULL)
        cit_log_text(e->st->server->log, CIT_LOG_ERROR, text);
}

static struct piece **find(struct errors *e, uint64_t ident)
{
    struct piece **at = &e->pieces;

    while (*at != NULL && (*at)->ident != ident)
        at = &(*at)->next;
    return at;
}

static void free_piece(struct piece **at)
{
    struct piece *gone = *at;

    *at = gone->next;
    cit_buf_fini(&gone->text);
    cit_free(gone);
}

static void flush_piece(struct errors *e, uint64_t ident)
{
    struct piece **at = find(e, ident);

    if (*at == NULL)
        return;
    emit(e, cit_slice((*at)->text.p, (*at)->text.len));
    free_piece(at);
}

static int add_piece(struct errors *e, uint64_t ident, struct cit_slice text)
{
    struct piece **at = find(e, ident);

    if (*at == NULL) {
        *at = cit_calloc(1, sizeof **at);
        if (*at == NULL)
            return CIT_ENOMEM;
        (*at)->ident = ident;
        cit_buf_init(&(*at)->text, LINE_MOST);
    }
    return cit_buf_add_slice(&(*at)->text, text);
}

/* ---- writing ---- */

static size_t whole_lines(struct cit_slice text)
{
    const char *last = text.n == 0 ? NULL : memrchr(text.p, '\n', text.n);

    return last == NULL ? 0 : (size_t)(last - text.p) + 1;
}

/* Lines written together are one record: a traceback stays in one piece. */
static void put(struct errors *e, struct cit_slice text)
{
    uint64_t ident = PyThread_get_thread_ident();
    size_t whole = whole_lines(text);
    struct cit_slice rest = cit_slice(text.p + whole, text.n - whole);

    if (whole > 0 && *find(e, ident) != NULL) {
        size_t first = (size_t)((const char *)memchr(text.p, '\n', text.n) - text.p) + 1;

        if (add_piece(e, ident, cit_slice(text.p, first)) == CIT_OK) {
            text = cit_slice(text.p + first, text.n - first);
            whole -= first;
        }
        flush_piece(e, ident);
    }
    emit(e, cit_slice(text.p, whole));
    if (rest.n == 0)
        return;
    if (add_piece(e, ident, rest) != CIT_OK) { /* too long for a line: in pieces */
        flush_piece(e, ident);
        emit(e, rest);
    }
}

static PyObject *errors_write(PyObject *self, PyObject *str)
{
    PyObject *bytes;

    if (!PyUnicode_Check(str)) {
        PyErr_Format(PyExc_TypeError, "wsgi.errors takes str, not %.100s", Py_TYPE(str)->tp_name);
        return NULL;
    }
    bytes = PyUnicode_AsEncodedString(str, "utf-8", "backslashreplace");
    if (bytes == NULL)
        return NULL;
    put((struct errors *)self, cit_slice(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)));
    Py_DECREF(bytes);
    return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(str));
}

static PyObject *errors_writelines(PyObject *self, PyObject *lines)
{
    PyObject *it = PyObject_GetIter(lines), *line, *n;

    if (it == NULL)
        return NULL;
    while ((line = PyIter_Next(it)) != NULL) {
        n = errors_write(self, line);
        Py_DECREF(line);
        if (n == NULL)
            break;
        Py_DECREF(n);
    }
    Py_DECREF(it);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *errors_flush(PyObject *self, PyObject *unused)
{
    (void)unused;
    flush_piece((struct errors *)self, PyThread_get_thread_ident());
    Py_RETURN_NONE;
}

static PyObject *errors_isatty(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    Py_RETURN_FALSE;
}

void cit_py_errors_flush(struct cit_py_state *st)
{
    struct errors *e = (struct errors *)st->errors_stream;

    if (e->pieces != NULL)
        flush_piece(e, PyThread_get_thread_ident());
}

/* ---- the type ---- */

PyObject *cit_py_errors_new(struct cit_py_state *st)
{
    struct errors *e = PyObject_GC_New(struct errors, st->type_errors);

    if (e == NULL)
        return NULL;
    e->st = st;
    e->pieces = NULL;
    PyObject_GC_Track((PyObject *)e);
    return (PyObject *)e;
}

static int errors_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void errors_dealloc(PyObject *self)
{
    struct errors *e = (struct errors *)self;
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    while (e->pieces != NULL)
        free_piece(&e->pieces);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyMethodDef errors_methods[] = {
    { "write", errors_write, METH_O, "write(text, /): the whole lines of it go to the error log" },
    { "writelines", errors_writelines, METH_O, "writelines(texts, /): write() for each" },
    { "flush", errors_flush, METH_NOARGS, "flush(): what has no newline yet goes to the error log as a line" },
    { "isatty", errors_isatty, METH_NOARGS, "isatty(): False" },
    { NULL, NULL, 0, NULL },
};

static PyType_Slot errors_slots[] = {
    { Py_tp_methods, errors_methods },
    { Py_tp_traverse, errors_traverse },
    { Py_tp_dealloc, errors_dealloc },
    { Py_tp_doc, "wsgi.errors: text to the server's error log" },
    { 0, NULL },
};

PyType_Spec cit_py_errors_spec = {
    .name = "citrate._native.Errors",
    .basicsize = sizeof(struct errors),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = errors_slots,
};
