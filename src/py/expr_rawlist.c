/* py/expr_rawlist.c - what a list literal of the compat dialects is: a row of texts that is no list.
 *
 * Expressions see it when a literal stands alone or on the right of an operator.  It is like
 * the object Serafin's parser leaves there: it equals nothing but itself, has no order, and
 * `x + raw` raises RecursionError, because that object hands the addition back and forth
 * until Python stops it; 0 + raw alone gives it. */
#include "py/expr_int.h"

struct raw_list {
    PyObject_HEAD PyObject *items; /* a tuple of str */
};

static PyObject *items_of(PyObject *raw)
{
    return ((struct raw_list *)raw)->items;
}

static PyObject *make(PyTypeObject *type, PyObject *items)
{
    struct raw_list *raw = PyObject_GC_New(struct raw_list, type);

    if (raw == NULL) {
        Py_DECREF(items);
        return NULL;
    }
    raw->items = items;
    PyObject_GC_Track((PyObject *)raw);
    return (PyObject *)raw;
}

PyObject *cit_py_raw_list_new(struct cit_py_state *st, PyObject *items)
{
    return make(st->expr.type_raw_list, items);
}

PyObject *cit_py_raw_list_items(PyObject *raw)
{
    return items_of(raw);
}

PyObject *cit_py_raw_list_convert(PyObject *raw)
{
    PyObject *items = items_of(raw);
    Py_ssize_t n = PyTuple_GET_SIZE(items);
    PyObject *list = PyList_New(n);

    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        struct cit_py_value v;
        PyObject *o = NULL;

        if (cit_py_convert(Py_NewRef(PyTuple_GET_ITEM(items, i)), &v) == 0) {
            o = cit_py_box(&v);
            cit_py_value_clear(&v);
        }
        if (o == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, o);
    }
    return list;
}

/* ---- as Python sees it ---- */

static PyObject *raw_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *from, *items;

    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "RawList takes no names for its arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "O:RawList", &from))
        return NULL;
    items = PySequence_Tuple(from);
    if (items == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); i++) {
        if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(items, i))) {
            PyErr_Format(PyExc_TypeError, "a RawList is made of str, not %.100s",
                         Py_TYPE(PyTuple_GET_ITEM(items, i))->tp_name);
            Py_DECREF(items);
            return NULL;
        }
    }
    return make(type, items);
}

static PyObject *raw_repr(PyObject *self)
{
    PyObject *list = PySequence_List(items_of(self));
    PyObject *repr = list == NULL ? NULL : PyObject_Repr(list);

    Py_XDECREF(list);
    return repr;
}

static PyObject *raw_iter(PyObject *self)
{
    return PyObject_GetIter(items_of(self));
}

static Py_ssize_t raw_len(PyObject *self)
{
    return PyTuple_GET_SIZE(items_of(self));
}

/* A mapping by its slots, which is why 'text' % raw has nothing to complain about. */
static PyObject *raw_getitem(PyObject *self, PyObject *key)
{
    PyObject *part, *list;

    if (PyLong_Check(key))
        return PyObject_GetItem(items_of(self), key);
    if (!PySlice_Check(key)) {
        PyErr_SetObject(PyExc_KeyError, key);
        return NULL;
    }
    part = PyObject_GetItem(items_of(self), key);
    list = part == NULL ? NULL : PySequence_List(part);
    Py_XDECREF(part);
    return list;
}

static PyObject *raw_add(PyObject *left, PyObject *right)
{
    if (Py_TYPE(right)->tp_as_number == NULL || Py_TYPE(right)->tp_as_number->nb_add != raw_add)
        Py_RETURN_NOTIMPLEMENTED; /* raw + x */
    if (PyLong_Check(left)) {
        int nonzero = PyObject_IsTrue(left);

        if (nonzero <= 0)
            return nonzero < 0 ? NULL : Py_NewRef(right);
    }
    PyErr_SetString(PyExc_RecursionError, "maximum recursion depth exceeded");
    return NULL;
}

static PyObject *raw_reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_BuildValue("O(O)", Py_TYPE(self), items_of(self));
}

/* ---- the type ---- */

static int raw_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(items_of(self));
    return 0;
}

static void raw_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    Py_DECREF(items_of(self));
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyMethodDef raw_methods[] = {
    { "__reduce__", raw_reduce, METH_NOARGS, "for pickle and copy" },
    { NULL, NULL, 0, NULL },
};

static PyType_Slot raw_slots[] = {
    { Py_tp_new, raw_new },
    { Py_tp_repr, raw_repr },
    { Py_tp_iter, raw_iter },
    { Py_tp_methods, raw_methods },
    { Py_tp_traverse, raw_traverse },
    { Py_tp_dealloc, raw_dealloc },
    { Py_mp_length, raw_len },
    { Py_mp_subscript, raw_getitem },
    { Py_nb_add, raw_add },
    { Py_tp_doc, "RawList(texts, /)\n--\n\nA list literal of the compat dialects, its items not converted." },
    { 0, NULL },
};

PyType_Spec cit_py_raw_list_spec = {
    .name = "citrate._native.RawList",
    .basicsize = sizeof(struct raw_list),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = raw_slots,
};
