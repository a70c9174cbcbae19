/* py/input.c - wsgi.input: the request's body as a file (PEP 3333, "Input and Error Streams").
 *
 * Bytes are taken from the server as they come; only what a call returns is copied, and
 * a small body read at once is the server's own buffer, which is a bytes object.  The
 * end of the body is the end of the file, with or without a Content-Length
 * (wsgi.input_terminated).
 *
 * A stream is usable while its request runs, by one thread at a time. */
#include "py/state.h"

#include <string.h>

enum { FIRST_ROOM = 65536, FIRST_ROOM_KNOWN = 1 << 20 };

/* ---- one look at the body ---- */

static struct cit_py_input *input_of(PyObject *self)
{
    return (struct cit_py_input *)self;
}

/* The next bytes, empty at the end.  0, or -1 with an exception.  They are good until
 * something else may run. */
static int peek(struct cit_py_input *in, struct cit_slice *out)
{
    struct cit_py_call *c = in->call;
    int err;

    if (cit_py_call_enter(c) < 0)
        return -1;
    err = cit_req_body_peek(c->r, out);
    cit_py_call_leave(c);
    return err == CIT_OK ? 0 : cit_py_set_error(c, err, "reading wsgi.input");
}

static void skip(struct cit_py_input *in, size_t n)
{
    cit_req_body_skip(in->call->r, n);
    in->taken += (int64_t)n;
}

/* ---- a growing bytes object ---- */

struct gather {
    PyObject *bytes; /* owned */
    size_t n;
};

static int grow(struct gather *g, size_t room)
{
    if (g->bytes == NULL)
        g->bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
    else
        (void)_PyBytes_Resize(&g->bytes, (Py_ssize_t)room); /* NULL on failure */
    return g->bytes == NULL ? -1 : 0;
}

/* most: what the result can have at the most, as far as is known */
static int gather_add(struct gather *g, struct cit_slice s, size_t most)
{
    size_t cap = g->bytes == NULL ? 0 : (size_t)PyBytes_GET_SIZE(g->bytes);

    if (s.n > cap - g->n) {
        size_t room = cap < FIRST_ROOM ? FIRST_ROOM : cap * 2;

        if (room < g->n + s.n)
            room = g->n + s.n;
        if (grow(g, room > most ? most : room) < 0)
            return -1;
    }
    memcpy(PyBytes_AS_STRING(g->bytes) + g->n, s.p, s.n);
    g->n += s.n;
    return 0;
}

static PyObject *gather_done(struct gather *g)
{
    if (g->bytes == NULL)
        return PyBytes_FromStringAndSize(NULL, 0);
    if ((size_t)PyBytes_GET_SIZE(g->bytes) != g->n)
        (void)_PyBytes_Resize(&g->bytes, (Py_ssize_t)g->n);
    return g->bytes;
}

/* ---- reading ---- */

/* What is left of a body whose length is known, else -1. */
static int64_t left_of(struct cit_py_input *in)
{
    int64_t length = cit_req_body_length(in->call->r);

    return length < 0 ? -1 : length - in->taken;
}

/* Up to `most` bytes, all of them before the end of the body. */
static PyObject *read_most(struct cit_py_input *in, size_t most)
{
    struct gather g = { NULL, 0 };
    struct cit_slice s;
    int64_t left = left_of(in);

    if (left >= 0 && (uint64_t)left < most)
        most = (size_t)left;
    if (left >= 0 && most > 0 && grow(&g, most < FIRST_ROOM_KNOWN ? most : FIRST_ROOM_KNOWN) < 0)
        return NULL;
    while (g.n < most) {
        if (peek(in, &s) < 0)
            goto fail;
        if (s.n == 0)
            break;
        if (s.n > most - g.n)
            s.n = most - g.n;
        if (gather_add(&g, s, most) < 0)
            goto fail;
        skip(in, s.n);
    }
    return gather_done(&g);

fail:
    Py_XDECREF(g.bytes);
    return NULL;
}

/* The server's own bytes object, when it holds the whole body and all of it is wanted. */
static PyObject *take_whole(struct cit_py_input *in, size_t most)
{
    int64_t length = cit_req_body_length(in->call->r);
    PyObject *bytes;

    if (in->taken != 0 || length <= 0 || (uint64_t)length > most)
        return NULL;
    bytes = cit_req_body_take(in->call->r);
    if (bytes != NULL)
        in->taken = length;
    return bytes;
}

/* None, a negative number or nothing: no bound. */
static int read_size(PyObject *const *args, Py_ssize_t nargs, size_t *most)
{
    Py_ssize_t n = -1;

    if (nargs > 1) {
        PyErr_Format(PyExc_TypeError, "expected at most one argument, got %zd", nargs);
        return -1;
    }
    if (nargs == 1 && args[0] != Py_None) {
        n = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
        if (n == -1 && PyErr_Occurred())
            return -1;
    }
    *most = n < 0 ? (size_t)PY_SSIZE_T_MAX : (size_t)n;
    return 0;
}

static int check_open(struct cit_py_input *in)
{
    if (cit_py_call_enter(in->call) < 0)
        return -1;
    cit_py_call_leave(in->call);
    return 0;
}

static PyObject *input_read(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    struct cit_py_input *in = input_of(self);
    PyObject *bytes;
    size_t most;

    if (read_size(args, nargs, &most) < 0 || check_open(in) < 0)
        return NULL;
    bytes = take_whole(in, most);
    return bytes != NULL ? bytes : read_most(in, most);
}

/* A line with its newline, cut at `most`; empty at the end. */
static PyObject *read_line(struct cit_py_input *in, size_t most)
{
    struct gather g = { NULL, 0 };
    struct cit_slice s;
    const char *newline = NULL;

    while (newline == NULL && g.n < most) {
        if (peek(in, &s) < 0)
            goto fail;
        if (s.n == 0)
            break;
        if (s.n > most - g.n)
            s.n = most - g.n;
        newline = memchr(s.p, '\n', s.n);
        if (newline != NULL)
            s.n = (size_t)(newline - s.p) + 1;
        if (newline != NULL && g.bytes == NULL) { /* the usual case: no room to spare */
            g.bytes = PyBytes_FromStringAndSize(s.p, (Py_ssize_t)s.n);
            g.n = s.n;
            if (g.bytes == NULL)
                return NULL;
        } else if (gather_add(&g, s, most) < 0) {
            goto fail;
        }
        skip(in, s.n);
    }
    return gather_done(&g);

fail:
    Py_XDECREF(g.bytes);
    return NULL;
}

static PyObject *input_readline(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    size_t most;

    if (read_size(args, nargs, &most) < 0 || check_open(input_of(self)) < 0)
        return NULL;
    return read_line(input_of(self), most);
}

static PyObject *input_next(PyObject *self)
{
    PyObject *line = check_open(input_of(self)) < 0 ? NULL : read_line(input_of(self), (size_t)PY_SSIZE_T_MAX);

    if (line != NULL && PyBytes_GET_SIZE(line) == 0)
        Py_CLEAR(line);
    return line;
}

static PyObject *input_readlines(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *list, *line = NULL;
    size_t hint, n = 0;

    if (read_size(args, nargs, &hint) < 0)
        return NULL;
    if (hint == 0)
        hint = (size_t)PY_SSIZE_T_MAX;
    list = PyList_New(0);
    while (list != NULL && n < hint && (line = input_next(self)) != NULL) {
        n += (size_t)PyBytes_GET_SIZE(line);
        if (PyList_Append(list, line) < 0)
            Py_CLEAR(list);
        Py_DECREF(line);
    }
    if (list != NULL && line == NULL && PyErr_Occurred())
        Py_CLEAR(list);
    return list;
}

static PyObject *input_readinto(PyObject *self, PyObject *buffer)
{
    struct cit_py_input *in = input_of(self);
    struct cit_slice s = { NULL, 0 };
    Py_buffer to;
    size_t n = 0;

    if (PyObject_GetBuffer(buffer, &to, PyBUF_WRITABLE | PyBUF_SIMPLE) < 0)
        return NULL;
    while (n < (size_t)to.len) {
        if (peek(in, &s) < 0) {
            PyBuffer_Release(&to);
            return NULL;
        }
        if (s.n == 0)
            break;
        if (s.n > (size_t)to.len - n)
            s.n = (size_t)to.len - n;
        memcpy((char *)to.buf + n, s.p, s.n);
        skip(in, s.n);
        n += s.n;
    }
    PyBuffer_Release(&to);
    return PyLong_FromSize_t(n);
}

/* ---- what io asks of a raw stream ---- */

static PyObject *answer_true(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    Py_RETURN_TRUE;
}

static PyObject *answer_false(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    Py_RETURN_FALSE;
}

static PyObject *answer_none(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    Py_RETURN_NONE;
}

static PyObject *get_closed(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(input_of(self)->call == NULL);
}

/* ---- the type ---- */

struct cit_py_input *cit_py_input_new(struct cit_py_state *st)
{
    struct cit_py_input *in = PyObject_GC_New(struct cit_py_input, st->type_input);

    if (in == NULL)
        return NULL;
    in->call = NULL;
    in->taken = 0;
    PyObject_GC_Track((PyObject *)in);
    return in;
}

static int input_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void input_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

#define FASTCALL(f) ((PyCFunction)(void (*)(void))(f))

static PyMethodDef input_methods[] = {
    { "read", FASTCALL(input_read), METH_FASTCALL, "read(size=-1, /): size bytes, fewer only at the end of the body" },
    { "readline", FASTCALL(input_readline), METH_FASTCALL, "readline(size=-1, /): a line, at most size bytes of it" },
    { "readlines", FASTCALL(input_readlines), METH_FASTCALL,
      "readlines(hint=-1, /): lines of about hint bytes together" },
    { "readinto", input_readinto, METH_O, "readinto(buffer, /): fills it, less only at the end of the body" },
    { "readable", answer_true, METH_NOARGS, "readable(): True" },
    { "writable", answer_false, METH_NOARGS, "writable(): False" },
    { "seekable", answer_false, METH_NOARGS, "seekable(): False" },
    { "close", answer_none, METH_NOARGS, "close(): does nothing, the stream belongs to the server" },
    { "flush", answer_none, METH_NOARGS, "flush(): does nothing" },
    { NULL, NULL, 0, NULL },
};

static PyGetSetDef input_getset[] = {
    { "closed", get_closed, NULL, "True once the request is over", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot input_slots[] = {
    { Py_tp_methods, input_methods },
    { Py_tp_getset, input_getset },
    { Py_tp_iter, PyObject_SelfIter },
    { Py_tp_iternext, input_next },
    { Py_tp_traverse, input_traverse },
    { Py_tp_dealloc, input_dealloc },
    { Py_tp_doc, "wsgi.input: the body of a request, usable until the request is over" },
    { 0, NULL },
};

PyType_Spec cit_py_input_spec = {
    .name = "citrate._native.Input",
    .basicsize = sizeof(struct cit_py_input),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = input_slots,
};
