/* py/expr_int.h - what the files of the expression glue share.
 *
 *      Program ── prog          the compiler's
 *         ├────── const[]       its constants as values, texts converted
 *         └────── name[]        its names as str
 *
 *      run ───── top of stack   values: unboxed, or one reference each
 *         └───── name slots     what each name gave, fetched once
 *
 * An operation borrows its operands and fills *out with a value of its own: 0, or -1 with the
 * exception set and *out untouched.  A value of kind OBJ is never None, a bool or an exact
 * float, nor an exact int that fits 64 bits, and never NULL.
 *
 * Depends on: Python.h, base, expr/program, py/{state,expr_glue}.
 * Ownership:  a value of kind OBJ owns one reference.
 * Threads:    the GIL.
 * Limits:     CIT_PY_INT_BITS, CIT_PY_TEXT_CHARS, CIT_PY_LIST_ITEMS, CIT_PY_WORK; past them
 *             OverflowError.
 */
#ifndef CIT_PY_EXPR_INT_H
#define CIT_PY_EXPR_INT_H

#include "py/state.h"

#include <math.h>

#include "expr/fault.h"

/* One result of an operation, and all of them together.  A unit of work is about a nanosecond
 * to four: an element of a list looked at, eight characters copied, a digit of one integer
 * times a digit of another. */
enum {
    CIT_PY_INT_BITS = 64 * 1024,
    CIT_PY_TEXT_CHARS = 1024 * 1024,
    CIT_PY_LIST_ITEMS = 100 * 1000,
    CIT_PY_WORK = 1 << 24
};

/* ---- values ---- */

enum cit_py_kind {
    CIT_PY_NONE,
    CIT_PY_BOOL,
    CIT_PY_INT,
    CIT_PY_FLOAT,
    CIT_PY_OBJ /* the kinds before it are unboxed */
};

struct cit_py_value {
    union {
        bool b;
        int64_t i;
        double f;
        PyObject *o; /* owned */
    } u;
    enum cit_py_kind kind;
};

static inline struct cit_py_value cit_py_none(void)
{
    return (struct cit_py_value){ .kind = CIT_PY_NONE };
}

static inline struct cit_py_value cit_py_bool(bool b)
{
    return (struct cit_py_value){ .kind = CIT_PY_BOOL, .u.b = b };
}

static inline struct cit_py_value cit_py_int(int64_t i)
{
    return (struct cit_py_value){ .kind = CIT_PY_INT, .u.i = i };
}

static inline struct cit_py_value cit_py_float(double f)
{
    return (struct cit_py_value){ .kind = CIT_PY_FLOAT, .u.f = f };
}

/* The value of an object that must not be unboxed; takes the reference. */
static inline struct cit_py_value cit_py_obj(PyObject *o)
{
    return (struct cit_py_value){ .kind = CIT_PY_OBJ, .u.o = o };
}

static inline void cit_py_value_clear(struct cit_py_value *v)
{
    if (v->kind == CIT_PY_OBJ)
        Py_DECREF(v->u.o);
}

static inline struct cit_py_value cit_py_value_copy(const struct cit_py_value *v)
{
    if (v->kind == CIT_PY_OBJ)
        Py_INCREF(v->u.o);
    return *v;
}

/* An exact str. */
static inline bool cit_py_is_text(const struct cit_py_value *v)
{
    return v->kind == CIT_PY_OBJ && PyUnicode_CheckExact(v->u.o);
}

/* The object of a value: a new reference, or NULL with MemoryError. */
PyObject *cit_py_box(const struct cit_py_value *v);

/* The value of an object; takes the reference.  A NULL object gives -1, with its exception. */
int cit_py_unbox(PyObject *o, struct cit_py_value *out);

/* Truth as Python sees it: 1, 0, or -1 with the exception. */
int cit_py_value_true(const struct cit_py_value *v);

/* ---- Program ---- */

/* Names that the clock answers: before the data in compat, after it in strict. */
enum cit_py_clock { CIT_PY_NO_CLOCK, CIT_PY_CURRENT_DAY, CIT_PY_CURRENT_TIME, CIT_PY_CURRENT_DATE };

struct cit_py_program_name {
    PyObject *str; /* owned */
    uint8_t clock; /* enum cit_py_clock */
};

struct cit_py_program {
    PyObject_HEAD struct cit_py_state *st; /* borrowed: the type keeps the module */
    struct cit_expr_program *prog;         /* owned */
    PyObject *text;                        /* str, as it was given */
    struct cit_py_value *consts;           /* owned, prog->const_count */
    uint32_t const_count;                  /* of them made */
    struct cit_py_program_name *names;     /* owned, prog->name_count */
    uint32_t name_count;                   /* of them made */
    PyObject **patterns;                   /* owned, one a constant: search of a compiled one; NULL until asked */
};

extern PyType_Spec cit_py_program_spec, cit_py_raw_list_spec;

static inline struct cit_py_program *cit_py_as_program(PyObject *o)
{
    return (struct cit_py_program *)o;
}

/* A Program of what the compiler made, which it takes also when it fails. */
PyObject *cit_py_program_new(struct cit_py_state *st, struct cit_expr_program *prog, PyObject *text);

/* A mapping or a callable: 0, or -1 with TypeError. */
int cit_py_check_data(PyObject *data);

/* The value, or NULL with ExpressionError; now may be NULL or None. */
PyObject *cit_py_program_evaluate(PyObject *program, PyObject *data, PyObject *now);

/* Fills consts and names: 0, or -1 with the exception; what was made stays.  expr_bind.c */
int cit_py_program_bind(struct cit_py_program *p);
void cit_py_program_unbind(struct cit_py_program *p);

/* What Program's attributes give, made anew each time.  expr_show.c */
PyObject *cit_py_show_tokens(const struct cit_py_program *p);
PyObject *cit_py_show_names(const struct cit_py_program *p);
PyObject *cit_py_show_notes(const struct cit_py_program *p);
PyObject *cit_py_show_code(const struct cit_py_program *p);

/* The type of the elements of diagnostics. */
PyObject *cit_py_diagnostic_type(void);

/* ---- texts ---- */

/* A str as UTF-8 bytes, lone surrogates as three bytes; a new reference to bytes. */
PyObject *cit_py_utf8(PyObject *str);

/* The str of UTF-8 that may hold lone surrogates. */
PyObject *cit_py_str_of(struct cit_slice s);

/* ---- RawList: expr_rawlist.c ---- */

/* A list literal: takes a tuple of str, also when it fails. */
PyObject *cit_py_raw_list_new(struct cit_py_state *st, PyObject *items);

static inline bool cit_py_is_raw_list(struct cit_py_state *st, PyObject *o)
{
    return Py_TYPE(o) == st->expr.type_raw_list;
}

/* Its items, a tuple of str; borrowed. */
PyObject *cit_py_raw_list_items(PyObject *raw);

/* A list of its items, each converted; new reference. */
PyObject *cit_py_raw_list_convert(PyObject *raw);

/* ---- conversion: expr_convert.c ---- */

/* Compat (A.4): float(o), else True or False of their names, else o itself.  Takes the reference. */
int cit_py_convert(PyObject *o, struct cit_py_value *out);

/* float() of a str: 1 and *out, 0 when it is no number, -1 with an exception that is not ValueError. */
int cit_py_str_to_double(PyObject *str, double *out);

/* ---- one evaluation ---- */

struct cit_py_name_slot {
    PyObject *o;      /* owned; NULL: not fetched yet */
    bool is_reserved; /* compat: not converted */
};

struct cit_py_run {
    struct cit_py_state *st; /* borrowed, as all of these */
    struct cit_py_program *p;
    const struct cit_py_scope *scope;
    struct cit_py_name_slot *names; /* one for each name */
    PyObject *now;                  /* owned; NULL until asked for */
    const struct cit_expr_ins *ins; /* that is run */
    uint64_t work;                  /* left */
    struct cit_expr_error *fault;   /* what failed, for the strict dialect; kind 0: Python's exception says all */
};

/* Evaluates.  On failure fault->at is the place, and with fault->kind not 0 what, hint say more.
 * expr_eval.c */
int cit_py_run_program(struct cit_py_program *p, const struct cit_py_scope *scope, struct cit_py_value *out,
                       struct cit_expr_error *fault);

/* ---- names: expr_names.c ---- */

/* The slot of a name, filled; NULL with the exception. */
struct cit_py_name_slot *cit_py_name_fetch(struct cit_py_run *r, uint32_t name);

/* A new dict of what a mapping holds; NULL with its exception. */
PyObject *cit_py_snapshot(PyObject *data);

/* VAR and VAR_AT of compat programs. */
int cit_py_name_push(struct cit_py_run *r, struct cit_py_value *out);
int cit_py_name_push_at(struct cit_py_run *r, const struct cit_py_value *index, struct cit_py_value *out);

/* ---- operators and functions ----
 *
 * They do what the instruction says that is run (r->ins).  */

typedef int (*cit_py_unary)(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out);
typedef int (*cit_py_binary)(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                             struct cit_py_value *out);
/* r->ins->count operands, the first one lowest */
typedef int (*cit_py_many)(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out);

/* Compat, expr_ops.c and expr_funcs.c: EQ .. BANG; ADD .. POW; NEG; CALL. */
int cit_py_compat_logic(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                        struct cit_py_value *out);
int cit_py_compat_arith(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                        struct cit_py_value *out);
int cit_py_compat_negative(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out);
int cit_py_compat_call(struct cit_py_run *r, const struct cit_py_value *arg, struct cit_py_value *out);

/* Strict, expr_strict.c: VAR; EQ .. GE; IN; ITEM; FIELD; NOT; TO_BOOL; LIST. */
int cit_py_strict_name(struct cit_py_run *r, struct cit_py_value *out);
int cit_py_strict_compare(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                          struct cit_py_value *out);
int cit_py_strict_in(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                     struct cit_py_value *out);
int cit_py_strict_item(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                       struct cit_py_value *out);
int cit_py_strict_field(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out);
int cit_py_strict_not(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out);
int cit_py_strict_bool(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out);
int cit_py_strict_list(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out);

/* expr_strict_num.c: ADD .. POW; NEG; functions of numbers. */
int cit_py_strict_arith(struct cit_py_run *r, const struct cit_py_value *left, const struct cit_py_value *right,
                        struct cit_py_value *out);
int cit_py_strict_negative(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out);
int cit_py_strict_number(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out);
int cit_py_strict_round(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out);

/* expr_strict_call.c: CALL_N.  expr_match.c: MATCH. */
int cit_py_strict_call(struct cit_py_run *r, const struct cit_py_value *first, struct cit_py_value *out);
int cit_py_strict_match(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out);

/* What these share.  raise: the exception of r->fault, which somebody filled; -1.
 * bad_operand: that operand n (from 1) is of a wrong type; -1. */
int cit_py_strict_raise(const struct cit_expr_error *fault);
int cit_py_strict_bad_operand(struct cit_py_run *r, const struct cit_py_value *first, uint32_t n);
enum cit_expr_type cit_py_strict_type(struct cit_py_run *r, const struct cit_py_value *v);
/* The value of an object as the dialect sees it; takes the reference, which may be NULL. */
int cit_py_strict_unbox(PyObject *o, struct cit_py_value *out);
/* -1, 0, 1; 2 when one of them is not comparable (NaN).  Both are numbers. */
int cit_py_strict_order(const struct cit_py_value *a, const struct cit_py_value *b);

/* Whether the value of a program passes as a condition: 1, 0, or -1 with the exception. */
int cit_py_condition(struct cit_py_program *p, const struct cit_py_value *v, struct cit_expr_error *fault);

static inline bool cit_py_compare_doubles(enum cit_expr_op op, double l, double r)
{
    switch ((int)op) {
    case CIT_EXPR_EQ:
        return l == r;
    case CIT_EXPR_NE:
        return l != r;
    case CIT_EXPR_LT:
        return l < r;
    case CIT_EXPR_LE:
        return l <= r;
    case CIT_EXPR_GT:
        return l > r;
    default:
        return l >= r;
    }
}

/* ---- bounds: expr_bounds.c ---- */

/* Each gives 0, or -1 with OverflowError, before anything is made. */
int cit_py_charge(struct cit_py_run *r, uint64_t units);
int cit_py_bound_add(struct cit_py_run *r, PyObject *left, PyObject *right);
int cit_py_bound_mul(struct cit_py_run *r, PyObject *left, PyObject *right);
int cit_py_bound_div(struct cit_py_run *r, PyObject *left, PyObject *right);
int cit_py_bound_pow(struct cit_py_run *r, PyObject *left, PyObject *right);
int cit_py_bound_format(struct cit_py_run *r, PyObject *format, PyObject *args);
int cit_py_bound_str(struct cit_py_run *r, PyObject *o);

/* ... and after, for what can't be foreseen. */
int cit_py_bound_result(struct cit_py_run *r, PyObject *result);

/* ---- errors: expr_errors.c ---- */

PyObject *cit_py_expr_error_type(void);

/* Wraps the exception now set, unless it is no Exception, with the place and hint of the fault. */
void cit_py_expr_wrap(const struct cit_py_program *p, const struct cit_expr_error *fault);

/* ---- compiling ---- */

/* Raises ExpressionError for a text that did not compile. */
void cit_py_expr_raise_error(struct cit_py_state *st, PyObject *text, enum cit_expr_dialect dialect,
                             const struct cit_expr_error *e);

/* ---- the cache: expr_cache.c ---- */

int cit_py_cache_traverse(struct cit_py_cache *c, visitproc visit, void *arg);
void cit_py_cache_free(struct cit_py_cache *c);

/* ---- arguments: expr_module.c ---- */

struct cit_py_params {
    const char *function;
    const char *const *names;
    unsigned count, positional, required; /* the first so many */
};

/* As METH_FASTCALL | METH_KEYWORDS gives them. */
struct cit_py_given {
    PyObject *const *args;
    Py_ssize_t nargs;
    PyObject *kwnames;
};

/* Fills out[count], borrowed, NULL where none was given.  0, or -1 with TypeError. */
int cit_py_take_args(const struct cit_py_params *p, const struct cit_py_given *g, PyObject **out);

#endif
