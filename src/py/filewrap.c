/* py/filewrap.c - wsgi.file_wrapper (PEP 3333, "Optional Platform-Specific File Handling").
 *
 * A wrapper iterates over read(blksize) and forwards close().  The kernel may send the
 * file in its place only where that gives the same bytes, and a fileno() alone does not
 * promise it: gzip.GzipFile has the fileno() of the compressed file.  So the question
 * asked is whose read() it is: when the method, unwrapped, is bound to an io.FileIO, or
 * to an io.BufferedReader or BufferedRandom over one, and to no subclass of them, that
 * object's descriptor and position stand for it.  This finds plain files, temporary
 * files and Django's File, and nothing that decodes.
 *
 * The descriptor is duplicated for the time the server needs it, so that close() is
 * called when the request ends, on its own thread, and not when the last byte has left. */
#include "py/state.h"

#include <fcntl.h>
#include <structmember.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 8192, UNWRAP_MOST = 4 };

struct file_wrapper {
    PyObject_HEAD PyObject *file;
    Py_ssize_t block;
};

/* Keeps a descriptor open. */
struct file {
    PyObject_HEAD int fd;
};

/* ---- the wrapper ---- */

static PyObject *wrapper_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = { "", "blksize", NULL };
    struct file_wrapper *w;
    PyObject *file;
    Py_ssize_t block = BLOCK;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|n:FileWrapper", names, &file, &block))
        return NULL;
    if (block < 1) {
        PyErr_SetString(PyExc_ValueError, "blksize must be at least 1");
        return NULL;
    }
    w = PyObject_GC_New(struct file_wrapper, type);
    if (w == NULL)
        return NULL;
    w->file = Py_NewRef(file);
    w->block = block;
    PyObject_GC_Track((PyObject *)w);
    return (PyObject *)w;
}

static PyObject *wrapper_next(PyObject *self)
{
    struct file_wrapper *w = (struct file_wrapper *)self;
    PyObject *data = PyObject_CallMethod(w->file, "read", "n", w->block);
    int full = data == NULL ? -1 : PyObject_IsTrue(data);

    if (full <= 0)
        Py_CLEAR(data);
    return data;
}

static PyObject *wrapper_close(PyObject *self, PyObject *unused)
{
    PyObject *close = PyObject_GetAttrString(((struct file_wrapper *)self)->file, "close"), *result;

    (void)unused;
    if (close == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError))
            return NULL;
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    result = PyObject_CallNoArgs(close);
    Py_DECREF(close);
    return result;
}

static int wrapper_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct file_wrapper *)self)->file);
    return 0;
}

static int wrapper_clear(PyObject *self)
{
    Py_CLEAR(((struct file_wrapper *)self)->file);
    return 0;
}

static void wrapper_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    (void)wrapper_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

/* ---- what it stands for ---- */

/* What read() is bound to; a new reference, or NULL without an exception. */
static PyObject *reader_of(struct cit_py_state *st, PyObject *file)
{
    PyObject *read = PyObject_GetAttr(file, st->str_read), *next;

    /* tempfile's wrappers return a function around the method */
    for (int i = 0; i < UNWRAP_MOST && read != NULL && PyFunction_Check(read); i++) {
        next = PyObject_GetAttr(read, st->str_wrapped);
        Py_SETREF(read, next);
    }
    next = read == NULL ? NULL : PyObject_GetAttr(read, st->str_self);
    Py_XDECREF(read);
    if (next == NULL)
        PyErr_Clear();
    return next;
}

static bool is_plain(struct cit_py_state *st, PyObject *reader)
{
    PyObject *raw;
    bool plain;

    if ((PyObject *)Py_TYPE(reader) == st->io_file)
        return true;
    if ((PyObject *)Py_TYPE(reader) != st->io_reader && (PyObject *)Py_TYPE(reader) != st->io_random)
        return false;
    raw = PyObject_GetAttr(reader, st->str_raw);
    plain = raw != NULL && (PyObject *)Py_TYPE(raw) == st->io_file;
    Py_XDECREF(raw);
    if (raw == NULL)
        PyErr_Clear();
    return plain;
}

/* An int from a method without arguments; -1 without an exception if there is none. */
static int64_t ask_int(PyObject *object, PyObject *method)
{
    PyObject *number = PyObject_CallMethodNoArgs(object, method);
    long long n = number == NULL ? -1 : PyLong_AsLongLong(number);

    Py_XDECREF(number);
    PyErr_Clear();
    return n < 0 ? -1 : n;
}

/* A regular file's bytes from `at`; 0 when there are none to be known of. */
static int64_t bytes_from(int fd, int64_t at)
{
    struct stat st;

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || at >= st.st_size)
        return 0;
    return st.st_size - at;
}

static PyObject *keep_open(struct cit_py_state *st, int fd)
{
    struct file *f = PyObject_GC_New(struct file, st->type_file);

    if (f == NULL) {
        PyErr_Clear();
        return NULL;
    }
    f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    PyObject_GC_Track((PyObject *)f);
    if (f->fd == -1)
        Py_CLEAR(f);
    return (PyObject *)f;
}

int cit_py_file_wrapper_range(struct cit_py_state *st, PyObject *wrapper, struct cit_py_file_range *out)
{
    PyObject *reader = reader_of(st, ((struct file_wrapper *)wrapper)->file);
    int64_t fd = -1;

    if (reader == NULL)
        return 0;
    if (is_plain(st, reader)) {
        fd = ask_int(reader, st->str_fileno);
        out->at = ask_int(reader, st->str_tell);
    }
    Py_DECREF(reader);
    if (fd < 0 || fd > INT32_MAX || out->at < 0)
        return 0;
    out->n = bytes_from((int)fd, out->at);
    out->owner = out->n == 0 ? NULL : keep_open(st, (int)fd);
    if (out->owner == NULL)
        return 0;
    out->fd = ((struct file *)out->owner)->fd;
    return 1;
}

/* ---- the kept descriptor ---- */

static int file_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void file_dealloc(PyObject *self)
{
    struct file *f = (struct file *)self;
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    if (f->fd != -1)
        (void)close(f->fd);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

/* ---- types ---- */

static PyMethodDef wrapper_methods[] = {
    { "close", wrapper_close, METH_NOARGS, "close(): closes the file, if it can be closed" },
    { NULL, NULL, 0, NULL },
};

static PyMemberDef wrapper_members[] = {
    { "filelike", T_OBJECT_EX, offsetof(struct file_wrapper, file), READONLY, "the file" },
    { "blksize", T_PYSSIZET, offsetof(struct file_wrapper, block), READONLY, "bytes read at once" },
    { NULL, 0, 0, 0, NULL },
};

static PyType_Slot wrapper_slots[] = {
    { Py_tp_new, wrapper_new },
    { Py_tp_methods, wrapper_methods },
    { Py_tp_members, wrapper_members },
    { Py_tp_iter, PyObject_SelfIter },
    { Py_tp_iternext, wrapper_next },
    { Py_tp_traverse, wrapper_traverse },
    { Py_tp_clear, wrapper_clear },
    { Py_tp_dealloc, wrapper_dealloc },
    { Py_tp_doc, "FileWrapper(filelike, blksize=8192): wsgi.file_wrapper, sends a file" },
    { 0, NULL },
};

static PyType_Slot file_slots[] = {
    { Py_tp_traverse, file_traverse },
    { Py_tp_dealloc, file_dealloc },
    { Py_tp_doc, "a descriptor on its way to a client" },
    { 0, NULL },
};

PyType_Spec cit_py_file_wrapper_spec = {
    .name = "citrate._native.FileWrapper",
    .basicsize = sizeof(struct file_wrapper),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = wrapper_slots,
};

PyType_Spec cit_py_file_spec = {
    .name = "citrate._native.File",
    .basicsize = sizeof(struct file),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = file_slots,
};
