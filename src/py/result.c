/* py/result.c - sends what the application returned (PEP 3333) and closes it.
 *
 *      [b"..."]                    one run, Content-Length added          the commonest
 *      [b"..", b"..", ...]         joined, so that the length is known
 *      wsgi.file_wrapper(file)     the kernel sends the file, if there is one
 *      any other iterable          each block leaves as it comes
 *
 * An iterable whose iterator is that of a list (Django's HttpResponse) counts as that
 * list.  Functions here return 0: all is sent; 1: the peer is gone, stop; -1: the
 * application failed, with an exception. */
#include "py/state.h"

#include <string.h>

enum {
    JOIN_MOST = 16 << 20, /* a list up to this is joined to learn its length */
    JOIN_KNOWN = 64 << 10 /* and up to this when its length was given anyway */
};

/* ---- runs of bytes ---- */

static int no_start(void)
{
    PyErr_SetString(PyExc_AssertionError, "the application did not call start_response() before its body began");
    return -1;
}

/* What the server said to a run of the body. */
static int outcome(struct cit_py_call *c, int err)
{
    if (err == CIT_OK)
        return 0;
    if (err == CIT_ESTATE)
        return no_start();
    if (err == CIT_ENOMEM || err == CIT_ELIMIT) {
        PyErr_NoMemory();
        return -1;
    }
    c->gone = true;
    return 1;
}

static int not_bytes(PyObject *item)
{
    PyErr_Format(PyExc_TypeError, "the application's iterable gave %.100s where bytes are expected",
                 Py_TYPE(item)->tp_name);
    return -1;
}

static PyObject *owner_of(PyObject *bytes, size_t n)
{
    return n > CIT_PY_COPY ? Py_NewRef(bytes) : NULL;
}

static int send_block(struct cit_py_call *c, PyObject *item)
{
    size_t n;

    if (!PyBytes_Check(item))
        return not_bytes(item);
    n = (size_t)PyBytes_GET_SIZE(item);
    c->sent += n;
    return outcome(c, cit_resp_write(c->r, PyBytes_AS_STRING(item), n, owner_of(item, n)));
}

/* All of the body; only the end of it when the legacy write() was used. */
static int send_whole(struct cit_py_call *c, PyObject *item)
{
    size_t n;

    if (!PyBytes_Check(item))
        return not_bytes(item);
    if (c->sent > 0)
        return send_block(c, item);
    n = (size_t)PyBytes_GET_SIZE(item);
    return outcome(c, cit_resp_whole(c->r, PyBytes_AS_STRING(item), n, owner_of(item, n)));
}

static int send_nothing(struct cit_py_call *c)
{
    if (!c->started)
        return no_start();
    return c->sent > 0 ? 0 : outcome(c, cit_resp_whole(c->r, "", 0, NULL));
}

/* ---- lists and tuples ---- */

/* The bytes of all items together, or -1 with an exception. */
static Py_ssize_t total_of(PyObject *const *items, Py_ssize_t count)
{
    Py_ssize_t total = 0;

    for (Py_ssize_t i = 0; i < count; i++) {
        if (!PyBytes_Check(items[i]))
            return not_bytes(items[i]);
        if (__builtin_add_overflow(total, PyBytes_GET_SIZE(items[i]), &total)) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return total;
}

static int send_joined(struct cit_py_call *c, PyObject *const *items, Py_ssize_t count, Py_ssize_t total)
{
    PyObject *all = PyBytes_FromStringAndSize(NULL, total);
    char *to;
    int rc;

    if (all == NULL)
        return -1;
    to = PyBytes_AS_STRING(all);
    for (Py_ssize_t i = 0; i < count; i++) {
        memcpy(to, PyBytes_AS_STRING(items[i]), (size_t)PyBytes_GET_SIZE(items[i]));
        to += PyBytes_GET_SIZE(items[i]);
    }
    rc = send_whole(c, all);
    Py_DECREF(all);
    return rc;
}

static int send_many(struct cit_py_call *c, PyObject *list)
{
    Py_ssize_t count = PySequence_Fast_GET_SIZE(list);
    PyObject *const *items = PySequence_Fast_ITEMS(list); /* borrowed from the list, while nothing else runs */
    Py_ssize_t total = total_of(items, count);
    int rc = 0;

    if (total < 0)
        return -1;
    if (!c->started)
        return no_start();
    if (total <= (cit_resp_length(c->r) == -1 ? JOIN_MOST : JOIN_KNOWN))
        return send_joined(c, items, count, total);
    /* a send may let other threads run, which may change the list */
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list) && rc == 0; i++) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(list, i));

        rc = send_block(c, item);
        Py_DECREF(item);
    }
    return rc;
}

static int send_items(struct cit_py_call *c, PyObject *list)
{
    PyObject *item;
    int rc;

    if (PySequence_Fast_GET_SIZE(list) == 0)
        return send_nothing(c);
    if (PySequence_Fast_GET_SIZE(list) > 1)
        return send_many(c, list);
    item = Py_NewRef(PySequence_Fast_GET_ITEM(list, 0));
    rc = send_whole(c, item);
    Py_DECREF(item);
    return rc;
}

/* ---- files ---- */

/* 2: not this way */
static int send_file(struct cit_py_call *c, PyObject *wrapper)
{
    struct cit_py_file_range f;
    int64_t length;
    int err;

    if (!c->started)
        return no_start();
    if (!cit_py_file_wrapper_range(c->srv->st, wrapper, &f))
        return 2;
    length = cit_resp_length(c->r);
    if (length >= 0 && length < f.n && c->sent == 0)
        f.n = length; /* a range of the file: no body that is too long */
    err = f.n == 0 ? CIT_EINVAL : cit_resp_file(c->r, f.fd, f.at, f.n, f.owner);
    if (err != CIT_EINVAL)
        return outcome(c, err);
    Py_DECREF(f.owner);
    return 2;
}

/* ---- iterables ---- */

static int refuse_type(PyObject *result)
{
    const char *hint = PyBytes_Check(result) ? ": put it in a list" : "";

    PyErr_Format(PyExc_TypeError, "the application returned %.100s, which is not an iterable of bytes%s",
                 result == Py_None ? "None" : Py_TYPE(result)->tp_name, hint);
    return -1;
}

/* PEP 3333, "Handling the Content-Length Header": a len() of 1 means that the first block is all. */
static bool has_one_block(PyObject *result)
{
    Py_ssize_t n;

    if (PyType_GetSlot(Py_TYPE(result), Py_sq_length) == NULL && PyType_GetSlot(Py_TYPE(result), Py_mp_length) == NULL)
        return false;
    n = PyObject_Size(result);
    if (n < 0)
        PyErr_Clear();
    return n == 1;
}

static PyObject *next_block(struct cit_py_call *c, PyObject *it)
{
    PyObject *item = PyIter_Next(it);

    cit_py_fork_guard_check(c->srv);
    return item;
}

/* Nothing past the Content-Length is sent (the server has said so in the log): an endless
 * iterable must not be asked for ever. */
static bool is_overlong(const struct cit_py_call *c)
{
    int64_t length = cit_resp_length(c->r);

    return length >= 0 && c->sent > (uint64_t)length;
}

/* The blocks, from `item` on (owned; NULL: none). */
static int send_blocks(struct cit_py_call *c, PyObject *it, PyObject *item)
{
    int rc = 0;

    while (item != NULL) {
        rc = send_block(c, item);
        Py_DECREF(item);
        if (rc != 0 || is_overlong(c))
            return rc;
        item = next_block(c, it);
    }
    return PyErr_Occurred() ? -1 : send_nothing(c);
}

/* An iterable that says it has one block waits for the second before it sends the first. */
static int send_sized(struct cit_py_call *c, PyObject *it)
{
    PyObject *first = next_block(c, it);
    PyObject *second = first == NULL ? NULL : next_block(c, it);
    int rc;

    if (first == NULL || second != NULL || PyErr_Occurred()) {
        rc = first == NULL || PyErr_Occurred() ? 0 : send_block(c, first);
        Py_XDECREF(first);
        if (rc == 0)
            return send_blocks(c, it, second);
        Py_XDECREF(second);
        return rc;
    }
    rc = send_whole(c, first);
    Py_DECREF(first);
    return rc;
}

static int iterate(struct cit_py_call *c, PyObject *it, bool one)
{
    return one && c->sent == 0 ? send_sized(c, it) : send_blocks(c, it, next_block(c, it));
}

static int send_iterator(struct cit_py_call *c, PyObject *result, PyObject *it)
{
    PyObject *list;
    int rc;

    if (!Py_IS_TYPE(it, &PyListIter_Type) && !Py_IS_TYPE(it, &PyTupleIter_Type))
        return iterate(c, it, has_one_block(result));
    list = PySequence_List(it);
    if (list == NULL)
        return -1;
    rc = send_items(c, list);
    Py_DECREF(list);
    return rc;
}

static int send_iterable(struct cit_py_call *c, PyObject *result)
{
    PyObject *it;
    int rc;

    if (result == Py_None || PyUnicode_Check(result) || PyBytes_Check(result))
        return refuse_type(result);
    if (Py_IS_TYPE(result, c->srv->st->type_file_wrapper)) {
        rc = send_file(c, result);
        if (rc != 2)
            return rc;
    }
    it = PyObject_GetIter(result);
    if (it == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError) && Py_TYPE(result)->tp_iter == NULL)
            return refuse_type(result);
        return -1;
    }
    rc = send_iterator(c, result, it);
    Py_DECREF(it);
    return rc;
}

static void close_result(struct cit_py_call *c, PyObject *result)
{
    PyObject *close = PyObject_GetAttr(result, c->srv->st->str_close), *none;

    if (close == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        return;
    }
    none = close == NULL ? NULL : PyObject_CallNoArgs(close);
    if (none == NULL)
        cit_py_report_request(c, "Error in close() of the result of request");
    Py_XDECREF(none);
    Py_XDECREF(close);
    cit_py_fork_guard_check(c->srv);
}

void cit_py_result_send(struct cit_py_call *c, PyObject *result)
{
    bool plain = PyList_CheckExact(result) || PyTuple_CheckExact(result); /* they have no close() */
    int rc = plain ? send_items(c, result) : send_iterable(c, result);

    if (rc < 0) {
        cit_py_report_request(c, "Error handling request");
        cit_resp_fail(c->r);
    }
    if (!plain)
        close_result(c, result);
}
