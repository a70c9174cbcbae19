/* py/expr_names.c - where the names of one evaluation get their values: the reserved ones, the
 * data, whoever knows what the data lacks.
 *
 * Each name is fetched when it is reached, and once: a callable may read a database, and a
 * random variable is drawn once.  Reading never fills a defaultdict. */
#include "py/expr_int.h"

/* ---- the clock ---- */

static PyObject *now_of(struct cit_py_run *r)
{
    struct cit_py_expr_state *e = &r->st->expr;

    if (r->now != NULL)
        return r->now;
    if (r->scope->now != NULL) {
        r->now = Py_NewRef(r->scope->now);
        return r->now;
    }
    if (e->now == NULL) {
        PyObject *module = PyImport_ImportModule("datetime");
        PyObject *type = module == NULL ? NULL : PyObject_GetAttrString(module, "datetime");

        e->now = type == NULL ? NULL : PyObject_GetAttrString(type, "now");
        Py_XDECREF(type);
        Py_XDECREF(module);
        if (e->now == NULL)
            return NULL;
    }
    r->now = PyObject_CallNoArgs(e->now);
    return r->now;
}

static int number_of(PyObject *now, PyObject *name, int *out)
{
    PyObject *o = PyObject_GetAttr(now, name);
    long n = o == NULL ? -1 : PyLong_AsLong(o);

    Py_XDECREF(o);
    if (n == -1 && PyErr_Occurred())
        return -1;
    *out = (int)n;
    return 0;
}

static PyObject *date_of(struct cit_py_expr_state *e, PyObject *now)
{
    int year, month, day;

    if (number_of(now, e->str_year, &year) < 0 || number_of(now, e->str_month, &month) < 0 ||
        number_of(now, e->str_day, &day) < 0)
        return NULL;
    return PyUnicode_FromFormat("%04d-%02d-%02d", year, month, day);
}

static PyObject *time_of(struct cit_py_expr_state *e, PyObject *now)
{
    int hour, minute, second;

    if (number_of(now, e->str_hour, &hour) < 0 || number_of(now, e->str_minute, &minute) < 0 ||
        number_of(now, e->str_second, &second) < 0)
        return NULL;
    return PyUnicode_FromFormat("%02d:%02d:%02d", hour, minute, second);
}

static PyObject *current(struct cit_py_run *r, enum cit_py_clock which)
{
    PyObject *now = now_of(r);

    if (now == NULL)
        return NULL;
    if (which == CIT_PY_CURRENT_DAY)
        return PyObject_CallMethodNoArgs(now, r->st->expr.str_isoweekday);
    return which == CIT_PY_CURRENT_DATE ? date_of(&r->st->expr, now) : time_of(&r->st->expr, now);
}

/* ---- data ---- */

/* A dict, or a subclass that reads as one: its own __getitem__ and __contains__ are dict's. */
static inline bool reads_as_dict(PyObject *data)
{
    PyTypeObject *type = Py_TYPE(data);

    if (PyDict_CheckExact(data))
        return true;
    return PyDict_Check(data) && type->tp_as_mapping->mp_subscript == PyDict_Type.tp_as_mapping->mp_subscript &&
           type->tp_as_sequence->sq_contains == PyDict_Type.tp_as_sequence->sq_contains;
}

/* OrderedDict and the like iterate by methods of their own, at 80 ns an entry; what their dict
 * holds is the same. */
static PyObject *copy_subclass(PyObject *data)
{
    PyObject *copy = PyDict_New(), *key, *value;
    Py_ssize_t at = 0;
    int err = 0;

    while (copy != NULL && err == 0 && PyDict_Next(data, &at, &key, &value)) { /* borrowed from data... */
        Py_INCREF(key); /* ... until here: hashing a key may run anything */
        Py_INCREF(value);
        err = PyDict_SetItem(copy, key, value);
        Py_DECREF(value);
        Py_DECREF(key);
    }
    if (err < 0)
        Py_CLEAR(copy);
    return copy;
}

PyObject *cit_py_snapshot(PyObject *data)
{
    PyObject *copy;

    if (PyDict_CheckExact(data))
        return PyDict_Copy(data);
    if (reads_as_dict(data))
        return copy_subclass(data);
    copy = PyDict_New();
    if (copy != NULL && PyDict_Update(copy, data) < 0)
        Py_CLEAR(copy);
    return copy;
}

/* Each gives 1 and *out a new reference, 0 when the name is not there, or -1. */

static int from_mapping(PyObject *data, PyObject *name, PyObject **out)
{
    int has = PySequence_Contains(data, name);

    if (has <= 0)
        return has;
    *out = PyObject_GetItem(data, name);
    return *out == NULL ? -1 : 1;
}

static int from_callable(PyObject *call, PyObject *name, PyObject **out)
{
    *out = PyObject_CallOneArg(call, name);
    if (*out != NULL)
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_LookupError))
        return -1;
    PyErr_Clear();
    return 0;
}

static int from_data(PyObject *data, PyObject *name, PyObject **out)
{
    if (reads_as_dict(data)) {
        *out = PyDict_GetItemWithError(data, name); /* borrowed from data, until the next line */
        Py_XINCREF(*out);
        return *out != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
    }
    return PyMapping_Check(data) ? from_mapping(data, name, out) : from_callable(data, name, out);
}

/* ---- a name ---- */

static bool is_strict(const struct cit_py_run *r)
{
    return r->p->prog->dialect == CIT_EXPR_STRICT;
}

static int is_reserved(const struct cit_py_run *r, const struct cit_py_program_name *n)
{
    if (r->scope->reserved_names != NULL)
        return PySet_Contains(r->scope->reserved_names, n->str);
    return n->clock != CIT_PY_NO_CLOCK && !is_strict(r);
}

static PyObject *fetch_reserved(struct cit_py_run *r, const struct cit_py_program_name *n)
{
    if (r->scope->reserved_names == NULL)
        return current(r, n->clock);
    return r->scope->reserved == NULL ? Py_NewRef(Py_None) : PyObject_CallOneArg(r->scope->reserved, n->str);
}

static PyObject *fetch_plain(struct cit_py_run *r, const struct cit_py_program_name *n)
{
    const struct cit_py_scope *s = r->scope;
    PyObject *o = NULL;
    int found = s->data == NULL ? 0 : from_data(s->data, n->str, &o);

    if (found != 0)
        return o;
    if (n->clock != CIT_PY_NO_CLOCK && is_strict(r))
        return current(r, n->clock);
    return s->missing == NULL ? Py_NewRef(Py_None) : PyObject_CallOneArg(s->missing, n->str);
}

struct cit_py_name_slot *cit_py_name_fetch(struct cit_py_run *r, uint32_t name)
{
    struct cit_py_name_slot *slot = &r->names[name];
    const struct cit_py_program_name *n = &r->p->names[name];
    int reserved;

    if (slot->o != NULL)
        return slot;
    reserved = is_reserved(r, n);
    if (reserved < 0)
        return NULL;
    slot->is_reserved = reserved > 0;
    slot->o = reserved > 0 ? fetch_reserved(r, n) : fetch_plain(r, n);
    return slot->o == NULL ? NULL : slot;
}

/* ---- VAR and VAR_AT of compat programs (A.3, 5.) ---- */

static int is_array(const struct cit_py_run *r)
{
    PyObject *answer;
    int is;

    if (r->scope->is_array == NULL)
        return 0;
    answer = PyObject_CallOneArg(r->scope->is_array, r->p->names[r->ins->arg].str);
    is = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    return is;
}

/* The last element of an array variable stands for all. */
static int last_of(struct cit_py_value *v)
{
    PyObject *list = v->u.o, *last;
    Py_ssize_t n = PyList_GET_SIZE(list);

    last = PyList_GetItem(list, n > 0 ? n - 1 : 0); /* borrowed from the list; IndexError is the list's own */
    Py_XINCREF(last);
    Py_DECREF(list);
    return last == NULL ? -1 : cit_py_convert(last, v);
}

/* The variable of the instruction: 1 for a reserved one, whose value is taken as it is; 0 for any
 * other, converted; -1 with the exception set. */
static int value_of(struct cit_py_run *r, struct cit_py_value *out)
{
    struct cit_py_name_slot *slot = cit_py_name_fetch(r, r->ins->arg);

    if (slot == NULL)
        return -1;
    if (slot->is_reserved)
        return cit_py_unbox(Py_NewRef(slot->o), out) < 0 ? -1 : 1;
    return cit_py_convert(Py_NewRef(slot->o), out);
}

int cit_py_name_push(struct cit_py_run *r, struct cit_py_value *out)
{
    struct cit_py_value v;
    int is = value_of(r, &v);

    if (is < 0)
        return -1;
    if (is == 0 && v.kind == CIT_PY_OBJ && PyList_Check(v.u.o)) {
        is = is_array(r);
        if (is < 0)
            cit_py_value_clear(&v);
        if (is < 0 || (is > 0 && last_of(&v) < 0))
            return -1;
    }
    *out = v;
    return 0;
}

/* v[int(index)] */
static int element(const struct cit_py_value *v, const struct cit_py_value *index, struct cit_py_value *out)
{
    PyObject *list = cit_py_box(v), *at = cit_py_box(index), *i = NULL, *item = NULL;

    if (list != NULL && at != NULL)
        i = PyNumber_Long(at);
    if (i != NULL)
        item = PyObject_GetItem(list, i);
    Py_XDECREF(i);
    Py_XDECREF(at);
    Py_XDECREF(list);
    return item == NULL ? -1 : cit_py_convert(item, out);
}

int cit_py_name_push_at(struct cit_py_run *r, const struct cit_py_value *index, struct cit_py_value *out)
{
    struct cit_py_value v;
    int is = value_of(r, &v);

    if (is < 0)
        return -1;
    is = is > 0 ? 0 : is_array(r);
    if (is == 0) {
        *out = v;
        return 0;
    }
    is = is < 0 ? -1 : element(&v, index, out);
    cit_py_value_clear(&v);
    return is;
}
