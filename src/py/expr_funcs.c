/* py/expr_funcs.c - functions of the compat dialects (A.5), which are Python's.
 *
 * A float is answered here; what is not one, and what would raise, by Python's own function. */
#include "py/expr_int.h"

#include <float.h>

/* Half of Python's float.__round__ is exact without it below this. */
#define ROUND_MAX 4503599627370496.0 /* 2^52 */

/* ---- calling Python ---- */

/* module.name, looked up once. */
static PyObject *python_function(PyObject **slot, const char *module, const char *name)
{
    if (*slot == NULL) {
        PyObject *m = PyImport_ImportModule(module);

        *slot = m == NULL ? NULL : PyObject_GetAttrString(m, name);
        Py_XDECREF(m);
    }
    return *slot;
}

static int call_python(PyObject *function, const struct cit_py_value *arg, struct cit_py_value *out)
{
    PyObject *o = function == NULL ? NULL : cit_py_box(arg);
    PyObject *result = o == NULL ? NULL : PyObject_CallOneArg(function, o);

    Py_XDECREF(o);
    return cit_py_unbox(result, out);
}

/* ---- one function each ---- */

static int call_sin(struct cit_py_run *r, const struct cit_py_value *arg, struct cit_py_value *out)
{
    if (arg->kind != CIT_PY_FLOAT || !isfinite(arg->u.f))
        return call_python(python_function(&r->st->expr.sin, "math", "sin"), arg, out);
    *out = cit_py_float(sin(arg->u.f));
    return 0;
}

static int call_cos(struct cit_py_run *r, const struct cit_py_value *arg, struct cit_py_value *out)
{
    if (arg->kind != CIT_PY_FLOAT || !isfinite(arg->u.f))
        return call_python(python_function(&r->st->expr.cos, "math", "cos"), arg, out);
    *out = cit_py_float(cos(arg->u.f));
    return 0;
}

static int call_tan(struct cit_py_run *r, const struct cit_py_value *arg, struct cit_py_value *out)
{
    if (arg->kind != CIT_PY_FLOAT || !isfinite(arg->u.f))
        return call_python(python_function(&r->st->expr.tan, "math", "tan"), arg, out);
    *out = cit_py_float(tan(arg->u.f));
    return 0;
}

static int call_abs(struct cit_py_run *r, const struct cit_py_value *arg, struct cit_py_value *out)
{
    PyObject *o, *result;

    (void)r;
    if (arg->kind == CIT_PY_FLOAT) {
        *out = cit_py_float(fabs(arg->u.f));
        return 0;
    }
    o = cit_py_box(arg);
    result = o == NULL ? NULL : PyNumber_Absolute(o);
    Py_XDECREF(o);
    return cit_py_unbox(result, out);
}

/* int(x) */
static int call_trunc(struct cit_py_run *r, const struct cit_py_value *arg, struct cit_py_value *out)
{
    PyObject *o, *result;

    if (arg->kind == CIT_PY_FLOAT && fabs(arg->u.f) < ROUND_MAX) {
        *out = cit_py_int((int64_t)arg->u.f);
        return 0;
    }
    o = cit_py_box(arg);
    result = o == NULL ? NULL : PyNumber_Long(o);
    Py_XDECREF(o);
    if (result != NULL && cit_py_bound_result(r, result) < 0)
        Py_CLEAR(result);
    return cit_py_unbox(result, out);
}

/* As float.__round__: halves to the even neighbour, whatever the processor's rounding is set to. */
static int call_round(struct cit_py_run *r, const struct cit_py_value *arg, struct cit_py_value *out)
{
    double x = arg->u.f, rounded;

    if (arg->kind != CIT_PY_FLOAT || !(fabs(x) < ROUND_MAX))
        return call_python(python_function(&r->st->expr.round, "builtins", "round"), arg, out);
    rounded = round(x);
    if (fabs(x - rounded) == 0.5)
        rounded = 2.0 * round(x / 2.0);
    *out = cit_py_int((int64_t)rounded);
    return 0;
}

/* (x > 0) - (x < 0) by Python's own comparison */
static int sign_of_object(PyObject *o, struct cit_py_value *out)
{
    PyObject *zero = PyLong_FromLong(0);
    int above = zero == NULL ? -1 : PyObject_RichCompareBool(o, zero, Py_GT);
    int below = above < 0 ? -1 : PyObject_RichCompareBool(o, zero, Py_LT);

    Py_XDECREF(zero);
    if (below < 0)
        return -1;
    *out = cit_py_int(above - below);
    return 0;
}

/* abs(x) > epsilon: 1, 0, -1 */
static int is_off_zero(struct cit_py_run *r, const struct cit_py_value *arg)
{
    struct cit_py_value size;
    PyObject *o, *epsilon;
    int is;

    if (call_abs(r, arg, &size) < 0)
        return -1;
    if (size.kind == CIT_PY_FLOAT)
        return size.u.f > DBL_EPSILON;
    o = cit_py_box(&size);
    cit_py_value_clear(&size);
    epsilon = PyFloat_FromDouble(DBL_EPSILON);
    is = o == NULL || epsilon == NULL ? -1 : PyObject_RichCompareBool(o, epsilon, Py_GT);
    Py_XDECREF(epsilon);
    Py_XDECREF(o);
    return is;
}

static int call_sign(struct cit_py_run *r, const struct cit_py_value *arg, struct cit_py_value *out)
{
    int is = is_off_zero(r, arg), err;
    PyObject *o;

    if (is < 0)
        return -1;
    if (is == 0 || arg->kind == CIT_PY_FLOAT) {
        *out = cit_py_int(is == 0 ? 0 : (arg->u.f > 0) - (arg->u.f < 0));
        return 0;
    }
    o = cit_py_box(arg);
    err = o == NULL ? -1 : sign_of_object(o, out);
    Py_XDECREF(o);
    return err;
}

/* A float's repr without its ".0" */
static PyObject *str_of_float(double f)
{
    char *text = PyOS_double_to_string(f, 'r', 0, 0, NULL);
    PyObject *str;

    if (text == NULL)
        return PyErr_NoMemory();
    str = PyUnicode_FromString(text);
    PyMem_Free(text);
    return str;
}

static int call_str(struct cit_py_run *r, const struct cit_py_value *arg, struct cit_py_value *out)
{
    PyObject *o, *str = NULL;

    if (arg->kind == CIT_PY_FLOAT)
        return cit_py_unbox(str_of_float(arg->u.f), out);
    o = cit_py_box(arg);
    if (o != NULL && cit_py_bound_str(r, o) == 0)
        str = PyObject_Str(o);
    Py_XDECREF(o);
    if (str != NULL && cit_py_bound_result(r, str) < 0)
        Py_CLEAR(str);
    return cit_py_unbox(str, out);
}

/* ---- by number ---- */

int cit_py_compat_call(struct cit_py_run *r, const struct cit_py_value *arg, struct cit_py_value *out)
{
    switch ((int)r->ins->arg) {
    case CIT_EXPR_F_sin:
        return call_sin(r, arg, out);
    case CIT_EXPR_F_cos:
        return call_cos(r, arg, out);
    case CIT_EXPR_F_tan:
        return call_tan(r, arg, out);
    case CIT_EXPR_F_abs:
        return call_abs(r, arg, out);
    case CIT_EXPR_F_trunc:
        return call_trunc(r, arg, out);
    case CIT_EXPR_F_round:
        return call_round(r, arg, out);
    case CIT_EXPR_F_sign:
        return call_sign(r, arg, out);
    case CIT_EXPR_F_str:
        return call_str(r, arg, out);
    default:
        PyErr_SetString(PyExc_SystemError, "a compat program calls a function of the strict dialect");
        return -1;
    }
}
