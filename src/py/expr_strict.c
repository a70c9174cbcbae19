/* py/expr_strict.c - the strict dialect over Python's objects: types, names, comparison, `in`,
 * places in containers, conditions (docs/language.md). */
#include "py/expr_int.h"

#include <string.h>

/* ---- types ---- */

/* collections.abc.Mapping */
static int is_other_mapping(struct cit_py_state *st, PyObject *o)
{
    struct cit_py_expr_state *e = &st->expr;

    if (!PyMapping_Check(o))
        return 0;
    if (e->mapping == NULL) {
        PyObject *module = PyImport_ImportModule("collections.abc");

        e->mapping = module == NULL ? NULL : PyObject_GetAttrString(module, "Mapping");
        Py_XDECREF(module);
    }
    return e->mapping == NULL ? -1 : PyObject_IsInstance(o, e->mapping);
}

enum cit_expr_type cit_py_strict_type(struct cit_py_run *r, const struct cit_py_value *v)
{
    PyObject *o = v->u.o;
    int is;

    switch (v->kind) {
    case CIT_PY_NONE:
        return CIT_EXPR_T_NULL;
    case CIT_PY_BOOL:
        return CIT_EXPR_T_BOOL;
    case CIT_PY_INT:
        return CIT_EXPR_T_INT;
    case CIT_PY_FLOAT:
        return CIT_EXPR_T_FLOAT;
    case CIT_PY_OBJ:
        break;
    }
    if (PyUnicode_Check(o))
        return CIT_EXPR_T_TEXT;
    if (PyLong_Check(o))
        return CIT_EXPR_T_INT;
    if (PyList_Check(o) || PyTuple_Check(o))
        return CIT_EXPR_T_LIST;
    if (PyDict_Check(o))
        return CIT_EXPR_T_MAP;
    is = is_other_mapping(r->st, o);
    if (is < 0)
        PyErr_Clear(); /* its class is broken: it is no mapping */
    return is > 0 ? CIT_EXPR_T_MAP : CIT_EXPR_T_OBJECT;
}

/* Subclasses count as their base. */
int cit_py_strict_unbox(PyObject *o, struct cit_py_value *out)
{
    double f;
    int overflow;
    long long i;

    if (o == NULL)
        return -1;
    if (PyFloat_Check(o) && !PyFloat_CheckExact(o)) {
        f = PyFloat_AsDouble(o);
        Py_DECREF(o);
        *out = cit_py_float(f);
        return 0;
    }
    if (PyLong_Check(o) && !PyLong_CheckExact(o) && !PyBool_Check(o)) {
        i = PyLong_AsLongLongAndOverflow(o, &overflow);
        if (overflow == 0) {
            Py_DECREF(o);
            *out = cit_py_int(i);
            return 0;
        }
    }
    return cit_py_unbox(o, out);
}

int cit_py_strict_raise(const struct cit_expr_error *fault)
{
    PyObject *type = PyExc_SystemError, *what;

    switch ((enum cit_expr_fault)fault->kind) {
    case CIT_EXPR_FAULT_TYPE:
        type = PyExc_TypeError;
        break;
    case CIT_EXPR_FAULT_ZERO:
        type = PyExc_ZeroDivisionError;
        break;
    case CIT_EXPR_FAULT_OVERFLOW:
    case CIT_EXPR_FAULT_LIMIT:
        type = PyExc_OverflowError;
        break;
    case CIT_EXPR_FAULT_VALUE:
        type = PyExc_ValueError;
        break;
    case CIT_EXPR_FAULT_INDEX:
        type = PyExc_IndexError;
        break;
    case CIT_EXPR_FAULT_UNSUPPORTED:
        type = PyExc_NotImplementedError;
        break;
    case CIT_EXPR_FAULT_NONE:
        break;
    }
    what = PyUnicode_DecodeUTF8(fault->what, (Py_ssize_t)strlen(fault->what), "replace"); /* it may be cut */
    if (what != NULL)
        PyErr_SetObject(type, what);
    Py_XDECREF(what);
    return -1;
}

int cit_py_strict_bad_operand(struct cit_py_run *r, const struct cit_py_value *first, uint32_t n)
{
    struct cit_expr_operand o = {
        .func = (enum cit_expr_func)r->ins->arg,
        .n = n,
        .count = r->ins->count,
        .type = cit_py_strict_type(r, &first[n - 1]),
        .first = cit_py_strict_type(r, first),
    };

    cit_expr_fault_operand(r->fault, &o);
    return cit_py_strict_raise(r->fault);
}

/* ---- names ---- */

int cit_py_strict_name(struct cit_py_run *r, struct cit_py_value *out)
{
    struct cit_py_name_slot *slot = cit_py_name_fetch(r, r->ins->arg);

    return slot == NULL ? -1 : cit_py_strict_unbox(Py_NewRef(slot->o), out);
}

/* ---- conditions ---- */

static int condition(struct cit_py_run *r, const struct cit_py_value *v)
{
    if (v->kind == CIT_PY_BOOL)
        return v->u.b;
    if (v->kind == CIT_PY_NONE)
        return 0;
    cit_expr_fault_condition(r->fault, cit_py_strict_type(r, v));
    return cit_py_strict_raise(r->fault);
}

int cit_py_strict_bool(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out)
{
    int is = condition(r, v);

    if (is < 0)
        return -1;
    *out = cit_py_bool(is);
    return 0;
}

int cit_py_strict_not(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out)
{
    int is = condition(r, v);

    if (is < 0)
        return -1;
    *out = cit_py_bool(!is);
    return 0;
}

int cit_py_condition(struct cit_py_program *p, const struct cit_py_value *v, struct cit_expr_error *fault)
{
    struct cit_py_run r = { .st = p->st, .p = p, .fault = fault };

    if (p->prog->dialect != CIT_EXPR_STRICT)
        return cit_py_value_true(v);
    fault->at = 0;
    return condition(&r, v);
}

/* ---- numbers in order ---- */

static int order_of_int_and_double(int64_t i, double d)
{
    int64_t whole;

    if (isnan(d))
        return 2;
    if (d >= 0x1p63)
        return -1;
    if (d < -0x1p63)
        return 1;
    whole = (int64_t)d;
    if (i != whole)
        return i < whole ? -1 : 1;
    return (d < (double)whole) - (d > (double)whole);
}

static int order_of_doubles(double a, double b)
{
    return isnan(a) || isnan(b) ? 2 : (a > b) - (a < b);
}

static bool is_large(PyObject *o)
{
    int overflow;

    (void)PyLong_AsLongLongAndOverflow(o, &overflow);
    return overflow > 0;
}

/* One of them is an int above 64 bits: beyond all others but infinity. */
static int order_of_large(const struct cit_py_value *a, const struct cit_py_value *b)
{
    PyObject *x = cit_py_box(a), *y = cit_py_box(b);
    int less = x == NULL || y == NULL ? -1 : PyObject_RichCompareBool(x, y, Py_LT);
    int more = less < 0 ? -1 : PyObject_RichCompareBool(x, y, Py_GT);
    int equal = more < 0 ? -1 : PyObject_RichCompareBool(x, y, Py_EQ);

    Py_XDECREF(x);
    Py_XDECREF(y);
    if (equal < 0) { /* no memory for a float: by its sign then */
        PyErr_Clear();
        return a->kind == CIT_PY_OBJ ? (is_large(a->u.o) ? 1 : -1) : (is_large(b->u.o) ? -1 : 1);
    }
    return less || more ? more - less : equal ? 0 : 2;
}

int cit_py_strict_order(const struct cit_py_value *a, const struct cit_py_value *b)
{
    int order;

    if (a->kind == CIT_PY_OBJ || b->kind == CIT_PY_OBJ)
        return order_of_large(a, b);
    if (a->kind == CIT_PY_INT && b->kind == CIT_PY_INT)
        return (a->u.i > b->u.i) - (a->u.i < b->u.i);
    if (a->kind == CIT_PY_INT)
        return order_of_int_and_double(a->u.i, b->u.f);
    if (b->kind == CIT_PY_FLOAT)
        return order_of_doubles(a->u.f, b->u.f);
    order = order_of_int_and_double(b->u.i, a->u.f);
    return order == 2 ? 2 : -order;
}

static bool is_number(enum cit_expr_type type)
{
    return type == CIT_EXPR_T_INT || type == CIT_EXPR_T_FLOAT;
}

/* ---- equality ---- */

enum { COMPARE_WORK = 8 };

/* Lists inside each other: these call one another, CIT_EXPR_NESTED_MAX deep at most. */
static int equal(struct cit_py_run *r, const struct cit_py_value *a, const struct cit_py_value *b, unsigned depth);

/* Takes both references. */
static int equal_objects(struct cit_py_run *r, PyObject *x, PyObject *y, unsigned depth)
{
    struct cit_py_value a, b;
    int is;

    if (cit_py_strict_unbox(x, &a) < 0) {
        Py_XDECREF(y);
        return -1;
    }
    is = cit_py_strict_unbox(y, &b);
    if (is == 0) {
        is = equal(r, &a, &b, depth);
        cit_py_value_clear(&b);
    }
    cit_py_value_clear(&a);
    return is;
}

static Py_ssize_t size_of(PyObject *list)
{
    return PyList_Check(list) ? PyList_GET_SIZE(list) : PyTuple_GET_SIZE(list);
}

/* A new reference; i is below the size. */
static PyObject *item_of(PyObject *list, Py_ssize_t i)
{
    /* borrowed from the list until NewRef */
    return Py_NewRef(PyList_Check(list) ? PyList_GET_ITEM(list, i) : PyTuple_GET_ITEM(list, i));
}

static int equal_lists(struct cit_py_run *r, PyObject *a, PyObject *b, unsigned depth)
{
    int is = size_of(a) == size_of(b);

    for (Py_ssize_t i = 0; is > 0 && i < size_of(a) && i < size_of(b); i++)
        is = equal_objects(r, item_of(a, i), item_of(b, i), depth);
    return is;
}

/* The entry of a mapping: 1 and *out a new reference, 0 when it has none, -1. */
static int entry_of(PyObject *map, PyObject *key, PyObject **out)
{
    int has;

    if (PyDict_CheckExact(map)) {
        *out = PyDict_GetItemWithError(map, key); /* borrowed from map, until the next line */
        Py_XINCREF(*out);
        return *out != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
    }
    has = PySequence_Contains(map, key);
    if (has <= 0)
        return has;
    *out = PyObject_GetItem(map, key);
    return *out == NULL ? -1 : 1;
}

static int equal_entry(struct cit_py_run *r, PyObject *maps[2], PyObject *key, unsigned depth)
{
    PyObject *x, *y;
    int is = entry_of(maps[1], key, &y);

    if (is <= 0)
        return is;
    is = entry_of(maps[0], key, &x);
    if (is <= 0) {
        Py_DECREF(y);
        return is;
    }
    return equal_objects(r, x, y, depth);
}

static int equal_maps(struct cit_py_run *r, PyObject *a, PyObject *b, unsigned depth)
{
    PyObject *maps[2] = { a, b }, *keys, *key;
    Py_ssize_t n = PyMapping_Size(a), m = PyMapping_Size(b);
    int is = 1;

    if (n < 0 || m < 0)
        return -1;
    if (n != m)
        return 0;
    keys = PyMapping_Keys(a); /* a list of our own: what comparing does to the mapping is no matter */
    if (keys == NULL)
        return -1;
    for (Py_ssize_t i = 0; is > 0 && i < PyList_GET_SIZE(keys); i++) {
        key = PyList_GET_ITEM(keys, i); /* borrowed from keys, which nobody else has */
        is = equal_entry(r, maps, key, depth);
    }
    Py_DECREF(keys);
    return is;
}

static int equal_by_python(PyObject *a, PyObject *b)
{
    PyObject *answer = PyObject_RichCompare(a, b, Py_EQ);
    int is = answer == NULL ? -1 : PyObject_IsTrue(answer);

    Py_XDECREF(answer);
    return is;
}

static int equal_containers(struct cit_py_run *r, PyObject *a, PyObject *b, unsigned depth)
{
    if (depth >= CIT_EXPR_NESTED_MAX) {
        cit_expr_fault_nested(r->fault);
        return cit_py_strict_raise(r->fault);
    }
    return PyList_Check(a) || PyTuple_Check(a) ? equal_lists(r, a, b, depth + 1) : equal_maps(r, a, b, depth + 1);
}

static int equal(struct cit_py_run *r, const struct cit_py_value *a, const struct cit_py_value *b, unsigned depth)
{
    enum cit_expr_type ta = cit_py_strict_type(r, a), tb = cit_py_strict_type(r, b);

    if (cit_py_charge(r, COMPARE_WORK) < 0)
        return -1;
    if (is_number(ta) && is_number(tb))
        return cit_py_strict_order(a, b) == 0;
    if (ta != tb)
        return 0;
    switch (ta) {
    case CIT_EXPR_T_NULL:
        return 1;
    case CIT_EXPR_T_BOOL:
        return a->u.b == b->u.b;
    case CIT_EXPR_T_TEXT:
        return PyUnicode_GET_LENGTH(a->u.o) == PyUnicode_GET_LENGTH(b->u.o) && PyUnicode_Compare(a->u.o, b->u.o) == 0;
    case CIT_EXPR_T_LIST:
    case CIT_EXPR_T_MAP:
        return equal_containers(r, a->u.o, b->u.o, depth);
    case CIT_EXPR_T_OBJECT:
        return equal_by_python(a->u.o, b->u.o);
    case CIT_EXPR_T_INT:
    case CIT_EXPR_T_FLOAT:
        break;
    }
    return 0;
}

/* ---- == != < <= > >= ---- */

static bool order_passes(enum cit_expr_op op, int order)
{
    switch ((int)op) {
    case CIT_EXPR_LT:
        return order == -1;
    case CIT_EXPR_LE:
        return order == -1 || order == 0;
    case CIT_EXPR_GT:
        return order == 1;
    default:
        return order == 1 || order == 0;
    }
}

static int order_by_python(enum cit_expr_op op, PyObject *a, PyObject *b, struct cit_py_value *out)
{
    static const int python[] = { Py_LT, Py_LE, Py_GT, Py_GE };

    return cit_py_strict_unbox(PyObject_RichCompare(a, b, python[op - CIT_EXPR_LT]), out);
}

static int compare_order(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                         struct cit_py_value *out)
{
    enum cit_expr_op op = (enum cit_expr_op)r->ins->op;
    enum cit_expr_type a = cit_py_strict_type(r, left), b = cit_py_strict_type(r, right);

    if (is_number(a) && is_number(b)) {
        *out = cit_py_bool(order_passes(op, cit_py_strict_order(left, right)));
        return 0;
    }
    if (a == CIT_EXPR_T_TEXT && b == CIT_EXPR_T_TEXT) {
        *out = cit_py_bool(order_passes(op, PyUnicode_Compare(left->u.o, right->u.o)));
        return 0;
    }
    if (a == CIT_EXPR_T_OBJECT && b == CIT_EXPR_T_OBJECT)
        return order_by_python(op, left->u.o, right->u.o, out);
    cit_expr_fault_operands(r->fault, op, a, b);
    return cit_py_strict_raise(r->fault);
}

int cit_py_strict_compare(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                          struct cit_py_value *out)
{
    enum cit_expr_op op = (enum cit_expr_op)r->ins->op;
    int is;

    if (op != CIT_EXPR_EQ && op != CIT_EXPR_NE)
        return compare_order(r, left, right, out);
    is = equal(r, left, right, 0);
    if (is < 0)
        return -1;
    *out = cit_py_bool(op == CIT_EXPR_EQ ? is : !is);
    return 0;
}

/* ---- in ---- */

static int in_list(struct cit_py_run *r, const struct cit_py_value *needle, PyObject *list)
{
    struct cit_py_value item;
    int is = 0;

    for (Py_ssize_t i = 0; is == 0 && i < size_of(list); i++) {
        is = cit_py_strict_unbox(item_of(list, i), &item);
        if (is < 0)
            break;
        is = equal(r, needle, &item, 0);
        cit_py_value_clear(&item);
    }
    return is;
}

static int find(struct cit_py_run *r, const struct cit_py_value *needle, const struct cit_py_value *container)
{
    enum cit_expr_type what = cit_py_strict_type(r, needle), where = cit_py_strict_type(r, container);

    if (where == CIT_EXPR_T_NULL)
        return 0;
    if (where == CIT_EXPR_T_LIST)
        return in_list(r, needle, container->u.o);
    if (what == CIT_EXPR_T_TEXT && where == CIT_EXPR_T_TEXT) {
        if (cit_py_charge(r, (uint64_t)PyUnicode_GET_LENGTH(container->u.o)) < 0 ||
            cit_py_charge(r, (uint64_t)PyUnicode_GET_LENGTH(needle->u.o)) < 0)
            return -1;
        return PyUnicode_Contains(container->u.o, needle->u.o);
    }
    if (what == CIT_EXPR_T_TEXT && where == CIT_EXPR_T_MAP)
        return PySequence_Contains(container->u.o, needle->u.o);
    cit_expr_fault_in(r->fault, what, where);
    return cit_py_strict_raise(r->fault);
}

int cit_py_strict_in(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                     struct cit_py_value *out)
{
    int is = find(r, left, right);

    if (is < 0)
        return -1;
    *out = cit_py_bool(is);
    return 0;
}

/* ---- places ---- */

/* The place counted from the front, or -1: outside. */
static Py_ssize_t place(const struct cit_py_value *index, Py_ssize_t n)
{
    int64_t i = index->u.i;

    if (index->kind != CIT_PY_INT) /* above 64 bits */
        return -1;
    if (i < 0)
        i += n;
    return i < 0 || i >= n ? -1 : (Py_ssize_t)i;
}

static int item_at(const struct cit_py_value *container, const struct cit_py_value *index, struct cit_py_value *out)
{
    PyObject *o = container->u.o;
    bool is_text = PyUnicode_Check(o);
    Py_ssize_t i = place(index, is_text ? PyUnicode_GET_LENGTH(o) : size_of(o));

    if (i < 0) {
        *out = cit_py_none();
        return 0;
    }
    return cit_py_strict_unbox(is_text ? PyUnicode_Substring(o, i, i + 1) : item_of(o, i), out);
}

static int entry_at(PyObject *map, PyObject *key, struct cit_py_value *out)
{
    PyObject *value;
    int has = entry_of(map, key, &value);

    if (has > 0)
        return cit_py_strict_unbox(value, out);
    *out = cit_py_none();
    return has;
}

int cit_py_strict_item(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                       struct cit_py_value *out)
{
    enum cit_expr_type where = cit_py_strict_type(r, left), what = cit_py_strict_type(r, right);

    if (where == CIT_EXPR_T_NULL) {
        *out = cit_py_none();
        return 0;
    }
    if ((where == CIT_EXPR_T_LIST || where == CIT_EXPR_T_TEXT) && what == CIT_EXPR_T_INT)
        return item_at(left, right, out);
    if (where == CIT_EXPR_T_MAP && what == CIT_EXPR_T_TEXT)
        return entry_at(left->u.o, right->u.o, out);
    cit_expr_fault_item(r->fault, where, what);
    return cit_py_strict_raise(r->fault);
}

int cit_py_strict_field(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out)
{
    enum cit_expr_type type = cit_py_strict_type(r, v);

    if (type == CIT_EXPR_T_NULL) {
        *out = cit_py_none();
        return 0;
    }
    if (type == CIT_EXPR_T_MAP)
        return entry_at(v->u.o, r->p->consts[r->ins->arg].u.o, out);
    cit_expr_fault_field(r->fault, type);
    return cit_py_strict_raise(r->fault);
}

int cit_py_strict_list(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out)
{
    PyObject *list = PyList_New(r->ins->count);

    for (uint32_t i = 0; list != NULL && i < r->ins->count; i++) {
        PyObject *o = cit_py_box(&first[i]);

        if (o == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, o);
    }
    return cit_py_unbox(list, out);
}
