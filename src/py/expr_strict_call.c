/* py/expr_strict_call.c - functions of the strict dialect: texts, the least and the greatest,
 * patterns; those of numbers are in expr_strict_num.c. */
#include "py/expr_int.h"

/* ---- what they share ---- */

static bool is_text(const struct cit_py_value *v)
{
    return v->kind == CIT_PY_OBJ && PyUnicode_Check(v->u.o);
}

static int text_too_long(struct cit_py_run *r)
{
    cit_expr_fault_text_long(r->fault);
    return cit_py_strict_raise(r->fault);
}

/* A text that was made. */
static int give_text(struct cit_py_run *r, PyObject *str, struct cit_py_value *out)
{
    if (str != NULL && PyUnicode_GET_LENGTH(str) > CIT_EXPR_MADE_CHARS_MAX) {
        Py_DECREF(str);
        return text_too_long(r);
    }
    if (str != NULL && cit_py_charge(r, (uint64_t)PyUnicode_GET_LENGTH(str) / 8) < 0)
        Py_CLEAR(str);
    return cit_py_unbox(str, out);
}

/* All operands are texts: 0, or -1 with the exception. */
static int need_texts(struct cit_py_run *r, const struct cit_py_value *first)
{
    for (uint32_t n = 1; n <= r->ins->count; n++) {
        if (!is_text(&first[n - 1]))
            return cit_py_strict_bad_operand(r, first, n);
    }
    return 0;
}

/* ---- num() ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* [+-] digits [. digits] [e [+-] digits], where one side of the point may lack digits.
 * *is_whole: nothing but a sign and digits. */
static bool is_numeral(struct cit_slice s, bool *is_whole)
{
    size_t i = s.n > 0 && (s.p[0] == '+' || s.p[0] == '-'), digits = 0, first;

    for (; i < s.n && is_digit(s.p[i]); i++)
        digits++;
    *is_whole = i == s.n;
    if (i < s.n && s.p[i] == '.') {
        for (i++; i < s.n && is_digit(s.p[i]); i++)
            digits++;
    }
    if (digits == 0 || i == s.n)
        return digits > 0;
    if (s.p[i] != 'e' && s.p[i] != 'E')
        return false;
    i++;
    i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
    for (first = i; i < s.n && is_digit(s.p[i]);)
        i++;
    return i > first && i == s.n;
}

/* Digits behind a sign; false when they need more than 64 bits. */
static bool read_whole(struct cit_slice s, int64_t *out)
{
    bool is_negative = s.p[0] == '-';
    long long n = 0;

    for (size_t i = s.p[0] == '-' || s.p[0] == '+'; i < s.n; i++) {
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, s.p[i] - '0', &n))
            return false;
    }
    if (!is_negative && n == INT64_MIN)
        return false;
    *out = is_negative ? n : -n; /* summed up below zero, where there is room for one more */
    return true;
}

static struct cit_py_value read_number(struct cit_slice s)
{
    bool is_whole;
    int64_t i;
    double f;

    if (!is_numeral(s, &is_whole))
        return cit_py_none();
    if (is_whole && read_whole(s, &i))
        return cit_py_int(i);
    return cit_expr_float(s, &f) == 1 && isfinite(f) ? cit_py_float(f) : cit_py_none();
}

static int number_of_text(PyObject *str, struct cit_py_value *out)
{
    PyObject *trimmed = PyObject_CallMethod(str, "strip", NULL);

    if (trimmed == NULL)
        return -1;
    *out = cit_py_none();
    if (PyUnicode_IS_ASCII(trimmed))
        *out =
            read_number(cit_slice((const char *)PyUnicode_1BYTE_DATA(trimmed), (size_t)PyUnicode_GET_LENGTH(trimmed)));
    Py_DECREF(trimmed);
    return 0;
}

/* What float() makes of a Decimal and the like. */
static int number_of_object(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out)
{
    PyObject *f = PyNumber_Float(first->u.o);

    if (f != NULL) {
        *out = isfinite(PyFloat_AS_DOUBLE(f)) ? cit_py_float(PyFloat_AS_DOUBLE(f)) : cit_py_none();
        Py_DECREF(f);
        return 0;
    }
    if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_ValueError))
        return -1;
    PyErr_Clear();
    return cit_py_strict_bad_operand(r, first, 1);
}

static int large_operand(struct cit_py_run *r)
{
    cit_expr_fault_func_bits(r->fault, (enum cit_expr_func)r->ins->arg);
    return cit_py_strict_raise(r->fault);
}

static int call_num(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out)
{
    if (first->kind == CIT_PY_NONE || first->kind == CIT_PY_INT || first->kind == CIT_PY_FLOAT) {
        *out = *first;
        return 0;
    }
    if (is_text(first))
        return number_of_text(first->u.o, out);
    if (cit_py_strict_type(r, first) == CIT_EXPR_T_INT)
        return large_operand(r);
    if (cit_py_strict_type(r, first) != CIT_EXPR_T_OBJECT)
        return cit_py_strict_bad_operand(r, first, 1);
    return number_of_object(r, first, out);
}

/* ---- str() ---- */

static PyObject *str_of_float(double f)
{
    char *text = PyOS_double_to_string(f, 'r', 0, 0, NULL);
    PyObject *str;

    if (text == NULL)
        return NULL;
    str = PyUnicode_FromString(text);
    PyMem_Free(text);
    return str;
}

static int call_str(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out)
{
    switch (first->kind) {
    case CIT_PY_NONE:
        return cit_py_unbox(PyUnicode_FromString("null"), out);
    case CIT_PY_BOOL:
        return cit_py_unbox(PyUnicode_FromString(first->u.b ? "true" : "false"), out);
    case CIT_PY_INT:
        return cit_py_unbox(PyUnicode_FromFormat("%lld", (long long)first->u.i), out);
    case CIT_PY_FLOAT:
        return cit_py_unbox(str_of_float(first->u.f), out);
    case CIT_PY_OBJ:
        break;
    }
    if (is_text(first)) {
        *out = cit_py_value_copy(first);
        return 0;
    }
    if (cit_py_strict_type(r, first) == CIT_EXPR_T_INT)
        return large_operand(r);
    if (cit_py_strict_type(r, first) != CIT_EXPR_T_OBJECT)
        return cit_py_strict_bad_operand(r, first, 1);
    return give_text(r, PyObject_Str(first->u.o), out);
}

/* ---- texts ---- */

static int call_len(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out)
{
    enum cit_expr_type type = cit_py_strict_type(r, first);
    Py_ssize_t n;

    if (type != CIT_EXPR_T_TEXT && type != CIT_EXPR_T_LIST && type != CIT_EXPR_T_MAP)
        return cit_py_strict_bad_operand(r, first, 1);
    n = PyObject_Size(first->u.o);
    if (n < 0)
        return -1;
    *out = cit_py_int(n);
    return 0;
}

static int call_method(struct cit_py_run *r, const struct cit_py_value *first, const char *method,
                       struct cit_py_value *out)
{
    if (need_texts(r, first) < 0 || cit_py_charge(r, (uint64_t)PyUnicode_GET_LENGTH(first->u.o)) < 0)
        return -1;
    return give_text(r, PyObject_CallMethod(first->u.o, method, NULL), out);
}

static int call_tail(struct cit_py_run *r, const struct cit_py_value *first, int direction, struct cit_py_value *out)
{
    Py_ssize_t is;

    if (need_texts(r, first) < 0)
        return -1;
    is = PyUnicode_Tailmatch(first[0].u.o, first[1].u.o, 0, PY_SSIZE_T_MAX, direction);
    if (is < 0)
        return -1;
    *out = cit_py_bool(is != 0);
    return 0;
}

/* Characters once each `old` is replaced; INT64_MAX for too many. */
static int64_t length_replaced(PyObject *text, PyObject *old, PyObject *new)
{
    Py_ssize_t count = PyUnicode_Count(text, old, 0, PY_SSIZE_T_MAX);
    long long n;

    if (count < 0)
        return -1;
    if (__builtin_mul_overflow((long long)count, PyUnicode_GET_LENGTH(new) - PyUnicode_GET_LENGTH(old), &n) ||
        __builtin_add_overflow(n, PyUnicode_GET_LENGTH(text), &n))
        return INT64_MAX;
    return n;
}

static int call_replace(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out)
{
    PyObject *text = first[0].u.o, *old = first[1].u.o, *new = first[2].u.o;
    int64_t n;

    if (need_texts(r, first) < 0)
        return -1;
    if (PyUnicode_GET_LENGTH(old) == 0) {
        cit_expr_fault_replace(r->fault);
        return cit_py_strict_raise(r->fault);
    }
    if (cit_py_charge(r, (uint64_t)PyUnicode_GET_LENGTH(text)) < 0)
        return -1;
    n = length_replaced(text, old, new);
    if (n < 0)
        return -1;
    if (n > CIT_EXPR_MADE_CHARS_MAX)
        return text_too_long(r);
    return give_text(r, PyUnicode_Replace(text, old, new, -1), out);
}

/* ---- min() and max() ---- */

/* The winner so far; the type of the first decides what the others must be. */
struct extreme {
    struct cit_py_run *r;
    struct cit_py_value best; /* owned once there is one */
    enum cit_expr_type first;
    bool is_max;
};

static bool is_number_type(enum cit_expr_type type)
{
    return type == CIT_EXPR_T_INT || type == CIT_EXPR_T_FLOAT;
}

static bool fits(const struct extreme *e, enum cit_expr_type type, uint32_t n)
{
    if (n == 1)
        return is_number_type(type) || type == CIT_EXPR_T_TEXT;
    return is_number_type(e->first) ? is_number_type(type) : type == CIT_EXPR_T_TEXT;
}

static bool beats(const struct extreme *e, const struct cit_py_value *v)
{
    int order = is_text(v) ? PyUnicode_Compare(v->u.o, e->best.u.o) : cit_py_strict_order(v, &e->best);

    return order == (e->is_max ? 1 : -1);
}

/* Takes v, the n-th; false: it is of a wrong type. */
static bool consider(struct extreme *e, struct cit_py_value v, uint32_t n)
{
    enum cit_expr_type type = cit_py_strict_type(e->r, &v);

    if (!fits(e, type, n)) {
        cit_py_value_clear(&v);
        return false;
    }
    if (n == 1)
        e->first = type;
    if (n == 1 || beats(e, &v)) {
        if (n > 1)
            cit_py_value_clear(&e->best);
        e->best = v;
        return true;
    }
    cit_py_value_clear(&v);
    return true;
}

static int bad_item(struct extreme *e, struct cit_py_value *item, uint32_t n)
{
    struct cit_expr_operand o = { .func = (enum cit_expr_func)e->r->ins->arg, .n = n, .count = 1, .first = e->first };

    o.type = cit_py_strict_type(e->r, item);
    cit_expr_fault_list_item(e->r->fault, &o);
    return cit_py_strict_raise(e->r->fault);
}

/* Items of the list that is the only operand: how many were considered, or -1 with the exception. */
static int64_t consider_items(struct extreme *e, PyObject *list)
{
    PyObject *items = PySequence_Tuple(list); /* our own: nothing changes it meanwhile */
    uint32_t n = 0;
    int err = items == NULL ? -1 : cit_py_charge(e->r, (uint64_t)PyTuple_GET_SIZE(items));

    for (Py_ssize_t i = 0; err == 0 && i < PyTuple_GET_SIZE(items); i++) {
        struct cit_py_value v;

        err = cit_py_strict_unbox(Py_NewRef(PyTuple_GET_ITEM(items, i)), &v);
        if (err < 0)
            break;
        if (!consider(e, cit_py_value_copy(&v), n + 1))
            err = bad_item(e, &v, n + 1);
        cit_py_value_clear(&v);
        n += err == 0;
    }
    Py_XDECREF(items);
    if (err < 0 && n > 0)
        cit_py_value_clear(&e->best);
    return err < 0 ? -1 : (int64_t)n;
}

static int extreme_of_list(struct extreme *e, PyObject *list, struct cit_py_value *out)
{
    int64_t n = consider_items(e, list);

    if (n < 0)
        return -1;
    *out = n == 0 ? cit_py_none() : e->best;
    return 0;
}

static int call_extreme(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out)
{
    struct extreme e = { .r = r, .is_max = r->ins->arg == CIT_EXPR_F_max };

    if (r->ins->count == 1 && cit_py_strict_type(r, first) == CIT_EXPR_T_LIST)
        return extreme_of_list(&e, first->u.o, out);
    for (uint32_t n = 1; n <= r->ins->count; n++) {
        if (consider(&e, cit_py_value_copy(&first[n - 1]), n))
            continue;
        if (n > 1)
            cit_py_value_clear(&e.best);
        return cit_py_strict_bad_operand(r, first, n);
    }
    *out = e.best;
    return 0;
}

/* ---- all of them ---- */

int cit_py_strict_call(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out)
{
    switch ((enum cit_expr_func)r->ins->arg) {
    case CIT_EXPR_F_sin:
    case CIT_EXPR_F_cos:
    case CIT_EXPR_F_tan:
    case CIT_EXPR_F_abs:
    case CIT_EXPR_F_trunc:
    case CIT_EXPR_F_sign:
    case CIT_EXPR_F_floor:
    case CIT_EXPR_F_ceil:
    case CIT_EXPR_F_sqrt:
        return cit_py_strict_number(r, first, out);
    case CIT_EXPR_F_round:
        return cit_py_strict_round(r, first, out);
    case CIT_EXPR_F_str:
        return call_str(r, first, out);
    case CIT_EXPR_F_num:
        return call_num(r, first, out);
    case CIT_EXPR_F_min:
    case CIT_EXPR_F_max:
        return call_extreme(r, first, out);
    case CIT_EXPR_F_len:
        return call_len(r, first, out);
    case CIT_EXPR_F_lower:
        return call_method(r, first, "lower", out);
    case CIT_EXPR_F_upper:
        return call_method(r, first, "upper", out);
    case CIT_EXPR_F_trim:
        return call_method(r, first, "strip", out);
    case CIT_EXPR_F_contains:
        return cit_py_strict_in(r, &first[1], &first[0], out);
    case CIT_EXPR_F_startswith:
        return call_tail(r, first, -1, out);
    case CIT_EXPR_F_endswith:
        return call_tail(r, first, 1, out);
    case CIT_EXPR_F_replace:
        return call_replace(r, first, out);
    case CIT_EXPR_F_exists:
        *out = cit_py_bool(first->kind != CIT_PY_NONE);
        return 0;
    case CIT_EXPR_F_matches: /* instructions of their own */
    case CIT_EXPR_F_default:
    case CIT_EXPR_F_if:
    case CIT_EXPR_FUNC_COUNT:
        break;
    }
    PyErr_SetString(PyExc_SystemError, "not a function of a strict program");
    return -1;
}
