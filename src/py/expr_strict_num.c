/* py/expr_strict_num.c - numbers of the strict dialect: integers of 64 bits, which are exact or
 * an error, and floats, which are finite or an error. */
#include "py/expr_int.h"

/* A double in [-2^63, 2^63) is an integer of 64 bits once its fraction is gone. */
static bool fits_int(double f)
{
    return f >= -0x1p63 && f < 0x1p63;
}

static bool is_number(const struct cit_py_value *v)
{
    return v->kind == CIT_PY_INT || v->kind == CIT_PY_FLOAT || (v->kind == CIT_PY_OBJ && PyLong_Check(v->u.o));
}

/* An int above 64 bits, which can only be passed on. */
static bool is_large(const struct cit_py_value *v)
{
    return v->kind == CIT_PY_OBJ;
}

static double as_double(const struct cit_py_value *v)
{
    return v->kind == CIT_PY_INT ? (double)v->u.i : v->u.f;
}

/* ---- results ---- */

static int op_bits(struct cit_py_run *r)
{
    cit_expr_fault_op_bits(r->fault, (enum cit_expr_op)r->ins->op);
    return cit_py_strict_raise(r->fault);
}

static int func_bits(struct cit_py_run *r)
{
    cit_expr_fault_func_bits(r->fault, (enum cit_expr_func)r->ins->arg);
    return cit_py_strict_raise(r->fault);
}

static int give_op(struct cit_py_run *r, double f, struct cit_py_value *out)
{
    if (isfinite(f)) {
        *out = cit_py_float(f);
        return 0;
    }
    cit_expr_fault_op_large(r->fault, (enum cit_expr_op)r->ins->op);
    return cit_py_strict_raise(r->fault);
}

static int give_func(struct cit_py_run *r, double f, struct cit_py_value *out)
{
    if (isfinite(f)) {
        *out = cit_py_float(f);
        return 0;
    }
    cit_expr_fault_func_large(r->fault, (enum cit_expr_func)r->ins->arg);
    return cit_py_strict_raise(r->fault);
}

static int by_zero(struct cit_py_run *r)
{
    cit_expr_fault_zero(r->fault, (enum cit_expr_op)r->ins->op);
    return cit_py_strict_raise(r->fault);
}

/* ---- two integers ---- */

/* By squaring; false when it does not fit. */
static bool power_of_ints(int64_t base, int64_t exponent, int64_t *out)
{
    long long result = 1, square = base;

    for (;;) {
        if ((exponent & 1) && __builtin_mul_overflow(result, square, &result))
            return false;
        exponent >>= 1;
        if (exponent == 0)
            break;
        if (__builtin_mul_overflow(square, square, &square))
            return false;
    }
    *out = result;
    return true;
}

/* The remainder with the sign of b; b is not 0. */
static int64_t remainder_of_ints(int64_t a, int64_t b)
{
    int64_t m;

    if (b == -1)
        return 0; /* INT64_MIN % -1 traps */
    m = a % b;
    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}

/* b is not negative when this is a power. */
static int arith_ints(struct cit_py_run *r, int64_t a, int64_t b, struct cit_py_value *out)
{
    long long n = 0;
    int64_t power = 0;
    bool fits;

    switch ((int)r->ins->op) {
    case CIT_EXPR_ADD:
        fits = !__builtin_add_overflow(a, b, &n);
        break;
    case CIT_EXPR_SUB:
        fits = !__builtin_sub_overflow(a, b, &n);
        break;
    case CIT_EXPR_MUL:
        fits = !__builtin_mul_overflow(a, b, &n);
        break;
    case CIT_EXPR_MOD:
        if (b == 0)
            return by_zero(r);
        n = remainder_of_ints(a, b);
        fits = true;
        break;
    default:
        fits = power_of_ints(a, b, &power);
        n = power;
        break;
    }
    if (!fits)
        return op_bits(r);
    *out = cit_py_int(n);
    return 0;
}

/* ---- two numbers ---- */

static int power_of_doubles(struct cit_py_run *r, double a, double b, struct cit_py_value *out)
{
    if (a == 0.0 && b < 0)
        return by_zero(r);
    if (a < 0 && isfinite(a) && isfinite(b) && floor(b) != b) {
        cit_expr_fault_fraction(r->fault);
        return cit_py_strict_raise(r->fault);
    }
    return give_op(r, pow(a, b), out);
}

static int remainder_of_doubles(struct cit_py_run *r, double a, double b, struct cit_py_value *out)
{
    double m;

    if (b == 0.0)
        return by_zero(r);
    m = fmod(a, b);
    if (m == 0.0)
        m = copysign(0.0, b);
    else if ((m < 0) != (b < 0))
        m += b;
    return give_op(r, m, out);
}

static int arith_doubles(struct cit_py_run *r, double a, double b, struct cit_py_value *out)
{
    switch ((int)r->ins->op) {
    case CIT_EXPR_ADD:
        return give_op(r, a + b, out);
    case CIT_EXPR_SUB:
        return give_op(r, a - b, out);
    case CIT_EXPR_MUL:
        return give_op(r, a * b, out);
    case CIT_EXPR_DIV:
        return b == 0.0 ? by_zero(r) : give_op(r, a / b, out);
    case CIT_EXPR_MOD:
        return remainder_of_doubles(r, a, b, out);
    default:
        return power_of_doubles(r, a, b, out);
    }
}

static int arith_numbers(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                         struct cit_py_value *out)
{
    unsigned op = r->ins->op;

    if (is_large(left) || is_large(right))
        return op_bits(r);
    if (left->kind == CIT_PY_INT && right->kind == CIT_PY_INT && op != CIT_EXPR_DIV &&
        (op != CIT_EXPR_POW || right->u.i >= 0))
        return arith_ints(r, left->u.i, right->u.i, out);
    return arith_doubles(r, as_double(left), as_double(right), out);
}

/* ---- texts and lists ---- */

static int join_texts(struct cit_py_run *r, PyObject *a, PyObject *b, struct cit_py_value *out)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(a), m = PyUnicode_GET_LENGTH(b);

    if (n > CIT_EXPR_MADE_CHARS_MAX - m) {
        cit_expr_fault_text_long(r->fault);
        return cit_py_strict_raise(r->fault);
    }
    if (cit_py_charge(r, (uint64_t)(n + m) / 8) < 0)
        return -1;
    return cit_py_unbox(PyUnicode_Concat(a, b), out);
}

static int join_lists(struct cit_py_run *r, PyObject *a, PyObject *b, struct cit_py_value *out)
{
    Py_ssize_t n = PySequence_Size(a), m = PySequence_Size(b);
    PyObject *list;

    if (n < 0 || m < 0)
        return -1;
    if (n > CIT_EXPR_MADE_ITEMS_MAX - m) {
        cit_expr_fault_list_long(r->fault);
        return cit_py_strict_raise(r->fault);
    }
    if (cit_py_charge(r, (uint64_t)(n + m)) < 0)
        return -1;
    list = PySequence_List(a);
    if (list != NULL && PyList_SetSlice(list, PyList_GET_SIZE(list), PyList_GET_SIZE(list), b) < 0)
        Py_CLEAR(list);
    return cit_py_unbox(list, out);
}

int cit_py_strict_arith(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                        struct cit_py_value *out)
{
    enum cit_expr_type a, b;

    if (is_number(left) && is_number(right))
        return arith_numbers(r, left, right, out);
    a = cit_py_strict_type(r, left);
    b = cit_py_strict_type(r, right);
    if (r->ins->op == CIT_EXPR_ADD && a == CIT_EXPR_T_TEXT && b == CIT_EXPR_T_TEXT)
        return join_texts(r, left->u.o, right->u.o, out);
    if (r->ins->op == CIT_EXPR_ADD && a == CIT_EXPR_T_LIST && b == CIT_EXPR_T_LIST)
        return join_lists(r, left->u.o, right->u.o, out);
    cit_expr_fault_operands(r->fault, (enum cit_expr_op)r->ins->op, a, b);
    return cit_py_strict_raise(r->fault);
}

int cit_py_strict_negative(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out)
{
    if (!is_number(v)) {
        cit_expr_fault_negative(r->fault, cit_py_strict_type(r, v));
        return cit_py_strict_raise(r->fault);
    }
    if (v->kind == CIT_PY_FLOAT)
        return give_op(r, -v->u.f, out);
    if (is_large(v) || v->u.i == INT64_MIN)
        return op_bits(r);
    *out = cit_py_int(-v->u.i);
    return 0;
}

/* ---- functions of one number ---- */

static int give_whole(struct cit_py_run *r, double f, struct cit_py_value *out)
{
    if (!fits_int(f))
        return func_bits(r);
    *out = cit_py_int((int64_t)f);
    return 0;
}

/* Halves to the even neighbour, whatever the processor's rounding is set to. */
static double nearest(double f)
{
    double whole = round(f);

    return fabs(f - whole) == 0.5 ? 2.0 * round(f / 2.0) : whole;
}

static int of_int(struct cit_py_run *r, int64_t i, struct cit_py_value *out)
{
    switch ((int)r->ins->arg) {
    case CIT_EXPR_F_abs:
        if (i == INT64_MIN)
            return func_bits(r);
        *out = cit_py_int(i < 0 ? -i : i);
        return 0;
    case CIT_EXPR_F_sign:
        *out = cit_py_int((i > 0) - (i < 0));
        return 0;
    default: /* trunc floor ceil round */
        *out = cit_py_int(i);
        return 0;
    }
}

static int square_root(struct cit_py_run *r, double f, struct cit_py_value *out)
{
    if (f < 0) {
        cit_expr_fault_sqrt(r->fault);
        return cit_py_strict_raise(r->fault);
    }
    return give_func(r, sqrt(f), out);
}

static int of_double(struct cit_py_run *r, double f, struct cit_py_value *out)
{
    switch ((int)r->ins->arg) {
    case CIT_EXPR_F_abs:
        return give_func(r, fabs(f), out);
    case CIT_EXPR_F_sign:
        *out = cit_py_int((f > 0) - (f < 0));
        return 0;
    case CIT_EXPR_F_trunc:
        return give_whole(r, trunc(f), out);
    case CIT_EXPR_F_floor:
        return give_whole(r, floor(f), out);
    case CIT_EXPR_F_ceil:
        return give_whole(r, ceil(f), out);
    case CIT_EXPR_F_round:
        return give_whole(r, nearest(f), out);
    case CIT_EXPR_F_sqrt:
        return square_root(r, f, out);
    case CIT_EXPR_F_sin:
        return give_func(r, sin(f), out);
    case CIT_EXPR_F_cos:
        return give_func(r, cos(f), out);
    default:
        return give_func(r, tan(f), out);
    }
}

static bool keeps_integers(unsigned func)
{
    return func == CIT_EXPR_F_abs || func == CIT_EXPR_F_sign || func == CIT_EXPR_F_trunc || func == CIT_EXPR_F_floor ||
           func == CIT_EXPR_F_ceil || func == CIT_EXPR_F_round;
}

int cit_py_strict_number(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out)
{
    if (!is_number(first))
        return cit_py_strict_bad_operand(r, first, 1);
    if (is_large(first))
        return func_bits(r);
    if (first->kind == CIT_PY_INT && keeps_integers(r->ins->arg))
        return of_int(r, first->u.i, out);
    return of_double(r, as_double(first), out);
}

/* ---- round(x, n) ---- */

/* By way of its digits, which are correctly rounded from the exact value. */
static int round_decimals(struct cit_py_run *r, double f, int n, struct cit_py_value *out)
{
    char *digits = PyOS_double_to_string(f, 'f', n, 0, NULL);
    double rounded;

    if (digits == NULL)
        return -1;
    rounded = PyOS_string_to_double(digits, NULL, NULL);
    PyMem_Free(digits);
    if (rounded == -1.0 && PyErr_Occurred())
        return -1;
    return give_func(r, rounded, out);
}

int cit_py_strict_round(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out)
{
    const struct cit_py_value *decimals = &first[1];

    if (r->ins->count == 1)
        return cit_py_strict_number(r, first, out);
    if (!is_number(first))
        return cit_py_strict_bad_operand(r, first, 1);
    if (!is_number(decimals) || decimals->kind == CIT_PY_FLOAT)
        return cit_py_strict_bad_operand(r, first, 2);
    if (is_large(first) || is_large(decimals))
        return func_bits(r);
    if (decimals->u.i < 0 || decimals->u.i > CIT_EXPR_DECIMALS_MAX) {
        cit_expr_fault_decimals(r->fault, decimals->u.i);
        return cit_py_strict_raise(r->fault);
    }
    if (first->kind == CIT_PY_INT) {
        *out = *first;
        return 0;
    }
    return round_decimals(r, first->u.f, (int)decimals->u.i, out);
}
