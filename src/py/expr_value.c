/* py/expr_value.c - values and the objects they stand for; texts between Python and C. */
#include "py/expr_int.h"

/* ---- values ---- */

PyObject *cit_py_box(const struct cit_py_value *v)
{
    switch (v->kind) {
    case CIT_PY_NONE:
        return Py_NewRef(Py_None);
    case CIT_PY_BOOL:
        return PyBool_FromLong(v->u.b);
    case CIT_PY_INT:
        return PyLong_FromLongLong(v->u.i);
    case CIT_PY_FLOAT:
        return PyFloat_FromDouble(v->u.f);
    case CIT_PY_OBJ:
        break;
    }
    return Py_NewRef(v->u.o);
}

static void unbox_int(PyObject *o, struct cit_py_value *out)
{
    int overflow;
    long long i = PyLong_AsLongLongAndOverflow(o, &overflow);

    if (overflow != 0) {
        *out = cit_py_obj(o);
        return;
    }
    *out = cit_py_int(i);
    Py_DECREF(o);
}

int cit_py_unbox(PyObject *o, struct cit_py_value *out)
{
    if (o == NULL)
        return -1;
    if (PyFloat_CheckExact(o)) {
        *out = cit_py_float(PyFloat_AS_DOUBLE(o));
    } else if (PyBool_Check(o)) {
        *out = cit_py_bool(o == Py_True);
    } else if (o == Py_None) {
        *out = cit_py_none();
    } else if (PyLong_CheckExact(o)) {
        unbox_int(o, out);
        return 0;
    } else {
        *out = cit_py_obj(o);
        return 0;
    }
    Py_DECREF(o);
    return 0;
}

int cit_py_value_true(const struct cit_py_value *v)
{
    switch (v->kind) {
    case CIT_PY_NONE:
        return 0;
    case CIT_PY_BOOL:
        return v->u.b;
    case CIT_PY_INT:
        return v->u.i != 0;
    case CIT_PY_FLOAT:
        return v->u.f != 0.0;
    case CIT_PY_OBJ:
        break;
    }
    return PyUnicode_CheckExact(v->u.o) ? PyUnicode_GET_LENGTH(v->u.o) > 0 : PyObject_IsTrue(v->u.o);
}

/* ---- texts ---- */

PyObject *cit_py_utf8(PyObject *str)
{
    return PyUnicode_AsEncodedString(str, "utf-8", "surrogatepass");
}

PyObject *cit_py_str_of(struct cit_slice s)
{
    return PyUnicode_DecodeUTF8(s.p, (Py_ssize_t)s.n, "surrogatepass");
}
