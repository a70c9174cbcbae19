/* py/expr_glue.h - expressions over Python objects: the Program type, its cache, its evaluator.
 *
 *      cit_py_program_get(text, dialect) ── cache ──> Program      compiled once, constants bound
 *      cit_py_program_eval(program, scope) ─────────> value        Python's own arithmetic
 *
 * Values on the evaluator's stack are unboxed where they can be (None, a bool, a small int, a
 * float), so that a comparison of numbers makes no object.
 *
 * Depends on: Python.h, base, expr/program.
 * Ownership:  results are new references; a scope borrows.
 * Threads:    the GIL; Programs are immutable.
 */
#ifndef CIT_PY_EXPR_GLUE_H
#define CIT_PY_EXPR_GLUE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "expr/program.h"

/* What the module keeps for expressions: the member `expr` of struct cit_py_state. */
/* member, what makes it */
#define CIT_PY_EXPR_TYPES(X)        \
    X(program, cit_py_program_spec) \
    X(raw_list, cit_py_raw_list_spec)

/* Other objects. */
#define CIT_PY_EXPR_OBJECTS(X)                                          \
    X(error)      /* the exception type citrate.flow.ExpressionError */ \
    X(diagnostic) /* the type of Program.diagnostics' elements */       \
    X(sin)        /* these and the rest: NULL until they are needed */  \
    X(cos)                                                              \
    X(tan)                                                              \
    X(round)                                                            \
    X(now)     /* datetime.datetime.now */                              \
    X(mapping) /* collections.abc.Mapping */                            \
    X(re_compile)

/* Interned text. */
#define CIT_PY_EXPR_STRINGS(X) \
    X(bit_length)              \
    X(expandtabs)              \
    X(isoweekday)              \
    X(hour)                    \
    X(minute)                  \
    X(second)                  \
    X(year)                    \
    X(month)                   \
    X(day)

enum { CIT_PY_DIALECTS = CIT_EXPR_STRICT + 1 };

struct cit_py_cache;     /* expr_cache.c */
struct cit_expr_regexes; /* expr/regex.h */

struct cit_py_expr_state {
#define CIT_PY_TYPE_MEMBER(name, spec) PyTypeObject *type_##name;
    CIT_PY_EXPR_TYPES(CIT_PY_TYPE_MEMBER)
#undef CIT_PY_TYPE_MEMBER
#define CIT_PY_OBJECT_MEMBER(name) PyObject *name;
    CIT_PY_EXPR_OBJECTS(CIT_PY_OBJECT_MEMBER)
#undef CIT_PY_OBJECT_MEMBER
#define CIT_PY_STRING_MEMBER(name) PyObject *str_##name;
    CIT_PY_EXPR_STRINGS(CIT_PY_STRING_MEMBER)
#undef CIT_PY_STRING_MEMBER
    struct cit_py_cache *cache[CIT_PY_DIALECTS]; /* owned; NULL until a text of the dialect comes */
    struct cit_expr_regexes *regexes;            /* owned; NULL until matches() is called */
};

struct cit_py_state;

/* Where the names of one evaluation get their values.  Everything is borrowed, NULL where there
 * is none.  A name is looked for once an evaluation, in this order:
 *      1. reserved_names contains it: reserved(name)
 *      2. data has it: data[name]  (an exact dict at once; another mapping by its own methods;
 *         a callable: data(name), LookupError for what it lacks)
 *      3. missing(name)
 *      4. None
 * Without reserved_names, compat programs know current_day, current_time and current_date of
 * `now` (a datetime; NULL: the local time). */
struct cit_py_scope {
    PyObject *data;
    PyObject *reserved_names; /* a set of str */
    PyObject *reserved;       /* callable(name) -> value */
    PyObject *missing;        /* callable(name) -> value */
    PyObject *is_array;       /* callable(name) -> bool; compat: array variables */
    PyObject *now;
};

/* The Program of a text (a str), from the cache.  New reference, or NULL with the exception set:
 * ExpressionError when the text is not in the language, TypeError when it is no str. */
PyObject *cit_py_program_get(struct cit_py_state *st, PyObject *text, enum cit_expr_dialect dialect);

/* Evaluates: a new reference, or NULL with Python's own exception (TypeError, IndexError,
 * ZeroDivisionError..., OverflowError past a bound); never wrapped. */
PyObject *cit_py_program_eval(struct cit_py_state *st, PyObject *program, const struct cit_py_scope *scope);

/* The same as a condition: 1 truthy, 0 not, -1 with the exception set. */
int cit_py_program_test(struct cit_py_state *st, PyObject *program, const struct cit_py_scope *scope);

/* What the compiler made: borrowed from the Program. */
const struct cit_expr_program *cit_py_program_of(PyObject *program);

/* "A", "B", "compat" (= B) or "strict".  0, or -1 with ValueError or TypeError. */
int cit_py_dialect_of(PyObject *name, enum cit_expr_dialect *out);

/* module.c calls these in its own exec, traverse and clear. */
int cit_py_expr_exec(PyObject *module, struct cit_py_state *st);
int cit_py_expr_traverse(struct cit_py_state *st, visitproc visit, void *arg);
void cit_py_expr_clear(struct cit_py_state *st);

#endif
