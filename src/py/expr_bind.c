/* py/expr_bind.c - what instructions point at, made once for a Program: constants as values,
 * names as str. */
#include "py/expr_int.h"

#include "base/mem.h"

/* ---- constants ---- */

/* An integer of 64 bits, which the compiler checked. */
static int64_t read_int(struct cit_slice digits)
{
    bool is_negative = digits.n > 0 && digits.p[0] == '-';
    uint64_t n = 0;

    for (size_t i = is_negative; i < digits.n; i++)
        n = n * 10 + (uint64_t)(digits.p[i] - '0');
    return (int64_t)(is_negative ? -n : n);
}

static PyObject *make_raw_list(const struct cit_py_program *p, uint32_t first, uint32_t count)
{
    PyObject *items = PyTuple_New((Py_ssize_t)count);

    for (uint32_t i = 0; items != NULL && i < count; i++) {
        PyObject *str = cit_py_str_of(p->prog->items[first + i]);

        if (str == NULL)
            Py_CLEAR(items);
        else
            PyTuple_SET_ITEM(items, (Py_ssize_t)i, str);
    }
    return items == NULL ? NULL : cit_py_raw_list_new(p->st, items);
}

static int make_const(const struct cit_py_program *p, const struct cit_expr_const *c, struct cit_py_value *out)
{
    PyObject *str;

    switch ((enum cit_expr_const_kind)c->kind) {
    case CIT_EXPR_NULL:
        *out = cit_py_none();
        return 0;
    case CIT_EXPR_BOOL:
        *out = cit_py_bool(c->is_true);
        return 0;
    case CIT_EXPR_FLOAT:
        *out = cit_py_float(c->num);
        return 0;
    case CIT_EXPR_INT:
        *out = cit_py_int(read_int(c->text));
        return 0;
    case CIT_EXPR_STR:
        return cit_py_unbox(cit_py_str_of(c->text), out);
    case CIT_EXPR_LITERAL:
        str = cit_py_str_of(c->text);
        return str == NULL ? -1 : cit_py_convert(str, out);
    case CIT_EXPR_RAWLIST:
        break;
    }
    return cit_py_unbox(make_raw_list(p, c->first, c->count), out);
}

static int bind_consts(struct cit_py_program *p)
{
    const struct cit_expr_program *prog = p->prog;

    if (prog->const_count == 0)
        return 0;
    p->consts = cit_calloc(prog->const_count, sizeof *p->consts);
    if (p->consts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (; p->const_count < prog->const_count; p->const_count++) {
        if (make_const(p, &prog->consts[p->const_count], &p->consts[p->const_count]) < 0)
            return -1;
    }
    return 0;
}

/* ---- names ---- */

static enum cit_py_clock clock_of(struct cit_slice name)
{
    if (cit_slice_eq(name, CIT_SLICE_LIT("current_day")))
        return CIT_PY_CURRENT_DAY;
    if (cit_slice_eq(name, CIT_SLICE_LIT("current_time")))
        return CIT_PY_CURRENT_TIME;
    return cit_slice_eq(name, CIT_SLICE_LIT("current_date")) ? CIT_PY_CURRENT_DATE : CIT_PY_NO_CLOCK;
}

/* An interned name is found in a dict by its address, where the key is interned too.  Python
 * 3.12 keeps interned text for ever, and expressions may come from visitors: not there. */
static PyObject *make_name(struct cit_slice name)
{
    PyObject *str = cit_py_str_of(name);

#if PY_VERSION_HEX < 0x030C0000 || PY_VERSION_HEX >= 0x030D0000
    if (str != NULL)
        PyUnicode_InternInPlace(&str);
#endif
    if (str != NULL && PyObject_Hash(str) == -1)
        Py_CLEAR(str);
    return str;
}

static int bind_names(struct cit_py_program *p)
{
    const struct cit_expr_program *prog = p->prog;

    if (prog->name_count == 0)
        return 0;
    p->names = cit_calloc(prog->name_count, sizeof *p->names);
    if (p->names == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (; p->name_count < prog->name_count; p->name_count++) {
        struct cit_py_program_name *n = &p->names[p->name_count];

        n->str = make_name(prog->names[p->name_count]);
        if (n->str == NULL)
            return -1;
        n->clock = (uint8_t)clock_of(prog->names[p->name_count]);
    }
    return 0;
}

/* ---- both ---- */

int cit_py_program_bind(struct cit_py_program *p)
{
    return bind_consts(p) < 0 ? -1 : bind_names(p);
}

void cit_py_program_unbind(struct cit_py_program *p)
{
    for (uint32_t i = 0; i < p->const_count; i++)
        cit_py_value_clear(&p->consts[i]);
    for (uint32_t i = 0; i < p->name_count; i++)
        Py_DECREF(p->names[i].str);
    for (uint32_t i = 0; p->patterns != NULL && i < p->prog->const_count; i++)
        Py_XDECREF(p->patterns[i]);
    cit_free(p->patterns);
    cit_free(p->consts);
    cit_free(p->names);
}
