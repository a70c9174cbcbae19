/* py/expr_convert.c - what a variable or literal is worth in the compat dialects: a number
 * wherever Python's float() makes one, True and False of their names, else the object itself.
 *
 * A failing float() costs an exception with a formatted message, ten times a comparison.  So
 * text that cannot be a number is turned away by its first character, and ASCII is read by
 * the compiler's own float(). */
#include "py/expr_int.h"

#include <string.h>

/* ---- text ---- */

static inline bool may_begin_number(Py_UCS4 c)
{
    switch (c) {
    case '+':
    case '-':
    case '.':
    case 'i':
    case 'I':
    case 'n':
    case 'N':
        return true;
    default:
        return c < 128 ? c >= '0' && c <= '9' : Py_UNICODE_TODECIMAL(c) >= 0;
    }
}

/* False: float() would raise ValueError. */
static bool may_be_number(PyObject *str)
{
    int kind = PyUnicode_KIND(str);
    const void *data = PyUnicode_DATA(str);
    Py_ssize_t n = PyUnicode_GET_LENGTH(str);

    for (Py_ssize_t i = 0; i < n; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);

        if (!Py_UNICODE_ISSPACE(c))
            return may_begin_number(c);
    }
    return false;
}

/* Short whole numbers, times and dates are decided by their first digits and what follows those:
 * 1 and *out, 0, or -1: read all of it. */
static int by_first_digits(struct cit_slice s, double *out)
{
    long long n = 0;
    size_t i = 0;

    for (; i < s.n && i < 15 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        n = n * 10 + (s.p[i] - '0');
    if (i == s.n) {
        *out = (double)n; /* at most 15 digits: exact */
        return 1;
    }
    if (i == 0 || (s.p[i] >= '\t' && s.p[i] <= '\r'))
        return -1;
    return strchr("0123456789._eE ", s.p[i]) != NULL ? -1 : 0;
}

/* Python's tables decide. */
static int to_double_by_python(PyObject *str, double *out)
{
    PyObject *f = PyFloat_FromString(str);

    if (f == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_ValueError) && !PyErr_ExceptionMatches(PyExc_TypeError))
            return -1;
        PyErr_Clear();
        return 0;
    }
    *out = PyFloat_AS_DOUBLE(f);
    Py_DECREF(f);
    return 1;
}

int cit_py_str_to_double(PyObject *str, double *out)
{
    struct cit_slice s;
    int is;

    if (!may_be_number(str))
        return 0;
    if (!PyUnicode_IS_ASCII(str))
        return to_double_by_python(str, out);
    s = cit_slice((const char *)PyUnicode_1BYTE_DATA(str), (size_t)PyUnicode_GET_LENGTH(str));
    is = by_first_digits(s, out);
    if (is < 0)
        is = cit_expr_float(s, out);
    return is < 0 ? to_double_by_python(str, out) : is;
}

static int convert_text(PyObject *str, struct cit_py_value *out)
{
    double f;
    int is = cit_py_str_to_double(str, &f);

    if (is < 0) {
        Py_DECREF(str);
        return -1;
    }
    if (is) {
        *out = cit_py_float(f);
    } else if (PyUnicode_CompareWithASCIIString(str, "True") == 0) {
        *out = cit_py_bool(true);
    } else if (PyUnicode_CompareWithASCIIString(str, "False") == 0) {
        *out = cit_py_bool(false);
    } else {
        *out = cit_py_obj(str);
        return 0;
    }
    Py_DECREF(str);
    return 0;
}

/* ---- numbers and the rest ---- */

static int convert_int(PyObject *o, struct cit_py_value *out)
{
    double f = PyLong_AsDouble(o); /* OverflowError is Python's own, and passes */

    Py_DECREF(o);
    if (f == -1.0 && PyErr_Occurred())
        return -1;
    *out = cit_py_float(f);
    return 0;
}

/* Subclasses, Decimal, bytes...: whatever float() takes. */
static int convert_other(PyObject *o, struct cit_py_value *out)
{
    PyObject *f = PyNumber_Float(o);

    if (f != NULL) {
        Py_DECREF(o);
        return cit_py_unbox(f, out);
    }
    if (!PyErr_ExceptionMatches(PyExc_ValueError) && !PyErr_ExceptionMatches(PyExc_TypeError)) {
        Py_DECREF(o);
        return -1;
    }
    PyErr_Clear();
    if (PyUnicode_Check(o))
        return convert_text(o, out);
    *out = cit_py_obj(o);
    return 0;
}

int cit_py_convert(PyObject *o, struct cit_py_value *out)
{
    if (PyUnicode_CheckExact(o))
        return convert_text(o, out);
    if (PyFloat_CheckExact(o) || o == Py_None)
        return cit_py_unbox(o, out);
    if (PyBool_Check(o)) {
        *out = cit_py_float(o == Py_True ? 1.0 : 0.0);
        Py_DECREF(o);
        return 0;
    }
    if (PyLong_CheckExact(o))
        return convert_int(o, out);
    if (PyList_CheckExact(o) || PyDict_CheckExact(o)) {
        *out = cit_py_obj(o);
        return 0;
    }
    return convert_other(o, out);
}
