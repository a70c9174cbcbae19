/* py/expr_ops.c - operators of the compat dialects: Python's, after what A.3 to A.5 of Serafin's
 * language do to the operands.
 *
 * Comparison and logic turn whatever is falsy into False first, which makes None, '', 0 and []
 * one and the same; a list literal on the left becomes a list.  Numbers never become objects;
 * all that is not a number, or would raise, goes through PyNumber_... and
 * PyObject_RichCompare, so that results and messages are Python's own. */
#include "py/expr_int.h"

/* Ints up to here are the same number as a double. */
#define EXACT_MAX ((int64_t)1 << 53)

/* ---- numbers ---- */

/* A number as a double, when that is exact; None is none. */
static inline bool exact_double(const struct cit_py_value *v, double *out)
{
    switch (v->kind) {
    case CIT_PY_FLOAT:
        *out = v->u.f;
        return true;
    case CIT_PY_BOOL:
        *out = v->u.b;
        return true;
    case CIT_PY_INT:
        *out = (double)v->u.i;
        return v->u.i <= EXACT_MAX && v->u.i >= -EXACT_MAX;
    case CIT_PY_NONE:
    case CIT_PY_OBJ:
        break;
    }
    return false;
}

static inline bool whole(const struct cit_py_value *v, int64_t *out)
{
    *out = v->kind == CIT_PY_BOOL ? v->u.b : v->u.i;
    return v->kind == CIT_PY_BOOL || v->kind == CIT_PY_INT;
}

/* Python's float_rem: the remainder has the sign of r, which is not 0. */
static double remainder_of(double l, double r)
{
    double m = fmod(l, r);

    if (m == 0.0)
        return copysign(0.0, r);
    return (r < 0) != (m < 0) ? m + r : m;
}

static int arith_doubles(enum cit_expr_op op, double l, double r, struct cit_py_value *out)
{
    switch ((int)op) {
    case CIT_EXPR_ADD:
        *out = cit_py_float(l + r);
        return 1;
    case CIT_EXPR_SUB:
        *out = cit_py_float(l - r);
        return 1;
    case CIT_EXPR_MUL:
        *out = cit_py_float(l * r);
        return 1;
    case CIT_EXPR_DIV:
        *out = cit_py_float(r == 0.0 ? 0.0 : l / r);
        return r != 0.0;
    case CIT_EXPR_MOD:
        *out = cit_py_float(r == 0.0 ? 0.0 : remainder_of(l, r));
        return r != 0.0;
    default:
        return 0; /* a power may be complex, too large, or 1/0 */
    }
}

static int arith_ints(enum cit_expr_op op, int64_t l, int64_t r, struct cit_py_value *out)
{
    long long n;
    bool is_wide;

    switch ((int)op) {
    case CIT_EXPR_ADD:
        is_wide = __builtin_add_overflow(l, r, &n);
        break;
    case CIT_EXPR_SUB:
        is_wide = __builtin_sub_overflow(l, r, &n);
        break;
    case CIT_EXPR_MUL:
        is_wide = __builtin_mul_overflow(l, r, &n);
        break;
    default:
        return 0;
    }
    if (is_wide)
        return 0;
    *out = cit_py_int(n);
    return 1;
}

/* 1 and *out, or 0: Python must do it. */
static inline int arith_numbers(enum cit_expr_op op, const struct cit_py_value *left, const struct cit_py_value *right,
                                struct cit_py_value *out)
{
    int64_t i, j;
    double l, r;

    if (whole(left, &i) && whole(right, &j))
        return arith_ints(op, i, j, out);
    if (!exact_double(left, &l) || !exact_double(right, &r))
        return 0;
    return arith_doubles(op, l, r, out);
}

/* ---- comparison and logic ---- */

/* Falsy operands are False from here on: *as is a loan of v, or False.  0 or -1. */
static inline int loan(const struct cit_py_value *v, struct cit_py_value *as)
{
    int truth = 1;

    *as = *v;
    if (v->kind == CIT_PY_NONE || v->kind == CIT_PY_OBJ) {
        truth = cit_py_value_true(v);
        if (truth == 0)
            *as = cit_py_bool(false);
    }
    return truth < 0 ? -1 : 0; /* 0 and 0.0 are compared as False is, and boxed as False below */
}

/* The object of a loan. */
static PyObject *box_loan(const struct cit_py_value *v)
{
    if (v->kind != CIT_PY_OBJ && cit_py_value_true(v) == 0)
        return Py_NewRef(Py_False);
    return cit_py_box(v);
}

/* The left operand of an operator as an object: a list literal as a list. */
static PyObject *as_left(struct cit_py_run *r, PyObject *o)
{
    PyObject *list;

    if (o == NULL || !cit_py_is_raw_list(r->st, o))
        return o;
    list = cit_py_raw_list_convert(o);
    Py_DECREF(o);
    return list;
}

/* Comparing two objects that have nothing to do with each other takes some 40 ns. */
enum { COMPARE_WORK = 16 };

static int charge_search(struct cit_py_run *r, PyObject *container, PyObject *item)
{
    uint64_t n = 1;

    if (PyUnicode_Check(container))
        n = (uint64_t)PyUnicode_GET_LENGTH(container);
    else if (PyList_Check(container))
        n = (uint64_t)PyList_GET_SIZE(container) * COMPARE_WORK;
    else if (PyTuple_Check(container))
        n = (uint64_t)PyTuple_GET_SIZE(container) * COMPARE_WORK;
    if (PyUnicode_Check(item) && PyUnicode_Check(container))
        n += (uint64_t)PyUnicode_GET_LENGTH(item);
    return cit_py_charge(r, n);
}

/* dialect A's '!' between two operands */
static int no_operator(PyObject *left, PyObject *right)
{
    PyErr_Format(PyExc_TypeError, "unsupported operand type(s) for !: '%.100s' and '%.100s'", Py_TYPE(left)->tp_name,
                 Py_TYPE(right)->tp_name);
    return -1;
}

/* Texts and lists are compared as far as both reach. */
static int charge_comparison(struct cit_py_run *r, PyObject *left, PyObject *right)
{
    Py_ssize_t n = 0;

    if (PyUnicode_Check(left) && PyUnicode_Check(right))
        n = Py_MIN(PyUnicode_GET_LENGTH(left), PyUnicode_GET_LENGTH(right)) / 8;
    else if (PyList_Check(left) && PyList_Check(right))
        n = Py_MIN(PyList_GET_SIZE(left), PyList_GET_SIZE(right)) * 4;
    return n == 0 ? 0 : cit_py_charge(r, (uint64_t)n);
}

static int compare_objects(struct cit_py_run *r, PyObject *left, PyObject *right, struct cit_py_value *out)
{
    static const int python[] = { Py_EQ, Py_NE, Py_LT, Py_LE, Py_GT, Py_GE };
    int op = python[r->ins->op - CIT_EXPR_EQ];

    if (charge_comparison(r, left, right) < 0)
        return -1;
    return cit_py_unbox(PyObject_RichCompare(left, right, op), out);
}

static int find_object(struct cit_py_run *r, PyObject *container, PyObject *item, struct cit_py_value *out)
{
    int has = charge_search(r, container, item) < 0 ? -1 : PySequence_Contains(container, item);

    if (has < 0)
        return -1;
    *out = cit_py_bool(has);
    return 0;
}

static int logic_objects(struct cit_py_run *r, PyObject *left, PyObject *right, struct cit_py_value *out)
{
    switch ((int)r->ins->op) {
    case CIT_EXPR_IN:
        return find_object(r, left, right, out);
    case CIT_EXPR_BIT_AND:
        return cit_py_unbox(PyNumber_And(left, right), out);
    case CIT_EXPR_BIT_OR:
        return cit_py_unbox(PyNumber_Or(left, right), out);
    case CIT_EXPR_BANG:
        return no_operator(left, right);
    default:
        return compare_objects(r, left, right, out);
    }
}

/* l and r are loans.  `in` looks into its right operand, which then counts as the left one. */
static int logic_boxed(struct cit_py_run *r, const struct cit_py_value *l, const struct cit_py_value *right,
                       struct cit_py_value *out)
{
    bool swap = r->ins->op == CIT_EXPR_IN;
    PyObject *a = as_left(r, box_loan(swap ? right : l)), *b = a == NULL ? NULL : box_loan(swap ? l : right);
    int err = b == NULL ? -1 : logic_objects(r, a, b, out);

    Py_XDECREF(b);
    Py_XDECREF(a);
    return err;
}

static bool is_comparison(unsigned op)
{
    return op >= CIT_EXPR_EQ && op <= CIT_EXPR_GE;
}

/* A text and a number: never equal.  Anything but == and != is for Python to refuse. */
static inline bool are_text_and_number(const struct cit_py_value *l, const struct cit_py_value *r)
{
    return (cit_py_is_text(l) && r->kind != CIT_PY_OBJ) || (cit_py_is_text(r) && l->kind != CIT_PY_OBJ);
}

int cit_py_compat_logic(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                        struct cit_py_value *out)
{
    enum cit_expr_op op = (enum cit_expr_op)r->ins->op;
    struct cit_py_value l, m;
    double a, b;

    if (loan(right, &m) < 0 || loan(left, &l) < 0)
        return -1;
    if (is_comparison(op) && exact_double(&l, &a) && exact_double(&m, &b)) {
        *out = cit_py_bool(cit_py_compare_doubles(op, a, b));
        return 0;
    }
    if (is_comparison(op) && cit_py_is_text(&l) && cit_py_is_text(&m))
        return compare_objects(r, l.u.o, m.u.o, out);
    if ((op == CIT_EXPR_EQ || op == CIT_EXPR_NE) && are_text_and_number(&l, &m)) {
        *out = cit_py_bool(op == CIT_EXPR_NE);
        return 0;
    }
    if (l.kind == CIT_PY_BOOL && m.kind == CIT_PY_BOOL && (op == CIT_EXPR_BIT_AND || op == CIT_EXPR_BIT_OR)) {
        *out = cit_py_bool(op == CIT_EXPR_BIT_AND ? l.u.b && m.u.b : l.u.b || m.u.b);
        return 0;
    }
    return logic_boxed(r, &l, &m, out);
}

/* ---- arithmetic ---- */

static int bound(struct cit_py_run *r, PyObject *left, PyObject *right)
{
    switch ((int)r->ins->op) {
    case CIT_EXPR_ADD:
    case CIT_EXPR_SUB:
        return cit_py_bound_add(r, left, right);
    case CIT_EXPR_MUL:
        return cit_py_bound_mul(r, left, right);
    case CIT_EXPR_POW:
        return cit_py_bound_pow(r, left, right);
    case CIT_EXPR_MOD:
        if (PyUnicode_Check(left) || PyBytes_Check(left) || PyByteArray_Check(left))
            return cit_py_bound_format(r, left, right);
        return cit_py_bound_div(r, left, right);
    default:
        return cit_py_bound_div(r, left, right);
    }
}

static PyObject *python_arith(struct cit_py_run *r, PyObject *left, PyObject *right)
{
    switch ((int)r->ins->op) {
    case CIT_EXPR_ADD:
        return PyNumber_Add(left, right);
    case CIT_EXPR_SUB:
        return PyNumber_Subtract(left, right);
    case CIT_EXPR_MUL:
        return PyNumber_Multiply(left, right);
    case CIT_EXPR_DIV:
        return PyNumber_TrueDivide(left, right);
    case CIT_EXPR_MOD:
        return PyNumber_Remainder(left, right);
    default:
        return PyNumber_Power(left, right, Py_None);
    }
}

static int arith_objects(struct cit_py_run *r, PyObject *left, PyObject *right, struct cit_py_value *out)
{
    PyObject *result;

    if (bound(r, left, right) < 0)
        return -1;
    result = python_arith(r, left, right);
    if (result != NULL && cit_py_bound_result(r, result) < 0)
        Py_CLEAR(result);
    return cit_py_unbox(result, out);
}

int cit_py_compat_arith(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                        struct cit_py_value *out)
{
    PyObject *a, *b;
    int err;

    if (arith_numbers((enum cit_expr_op)r->ins->op, left, right, out))
        return 0;
    a = as_left(r, cit_py_box(left));
    b = a == NULL ? NULL : cit_py_box(right);
    err = b == NULL ? -1 : arith_objects(r, a, b, out);
    Py_XDECREF(b);
    Py_XDECREF(a);
    return err;
}

int cit_py_compat_negative(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out)
{
    PyObject *o, *result;

    if (v->kind == CIT_PY_FLOAT) {
        *out = cit_py_float(-v->u.f);
        return 0;
    }
    o = cit_py_box(v);
    result = o == NULL ? NULL : PyNumber_Negative(o);
    Py_XDECREF(o);
    if (result != NULL && cit_py_bound_result(r, result) < 0)
        Py_CLEAR(result);
    return cit_py_unbox(result, out);
}
