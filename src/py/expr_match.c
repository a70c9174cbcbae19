/* py/expr_match.c - matches(text, pattern) of the strict dialect: by PCRE2 where the build has it,
 * as the native evaluator does, else by Python's re.
 *
 * PCRE2 stops after a number of steps.  re does not stop: there a pattern that the compiler
 * finds slow is refused.  The pattern is a literal; re compiles it once for its Program, PCRE2
 * keeps some for all of them. */
#include "py/expr_int.h"

#include <string.h>

#include "base/mem.h"
#include "expr/regex.h"

static int too_slow(struct cit_py_run *r)
{
    cit_expr_fault_printf(r->fault, CIT_EXPR_FAULT_LIMIT, "the pattern takes too many steps");
    return cit_py_strict_raise(r->fault);
}

/* ---- PCRE2 ---- */

static int find_in(struct cit_py_run *r, PyObject *text, PyObject *pattern, struct cit_py_value *out)
{
    struct cit_slice t = { PyBytes_AS_STRING(text), (size_t)PyBytes_GET_SIZE(text) };
    struct cit_slice p = { PyBytes_AS_STRING(pattern), (size_t)PyBytes_GET_SIZE(pattern) };
    char why[CIT_EXPR_REGEX_WHY];
    bool found = false;
    int err = cit_expr_regex_find(&r->st->expr.regexes, p, t, &found, why);

    if (err == CIT_OK) {
        *out = cit_py_bool(found);
        return 0;
    }
    if (err == CIT_ELIMIT)
        return too_slow(r);
    if (err == CIT_ENOMEM) {
        PyErr_NoMemory();
        return -1;
    }
    cit_expr_fault_pattern(r->fault, why);
    return cit_py_strict_raise(r->fault);
}

static int match_natively(struct cit_py_run *r, PyObject *text, struct cit_py_value *out)
{
    PyObject *t = cit_py_utf8(text), *p = t == NULL ? NULL : cit_py_utf8(r->p->consts[r->ins->arg].u.o);
    int err = p == NULL ? -1 : find_in(r, t, p, out);

    Py_XDECREF(p);
    Py_XDECREF(t);
    return err;
}

/* ---- Python's re ---- */

/* re.compile(pattern).search */
static PyObject *compile(struct cit_py_state *st, PyObject *pattern)
{
    struct cit_py_expr_state *e = &st->expr;
    PyObject *compiled, *search;

    if (e->re_compile == NULL) {
        PyObject *re = PyImport_ImportModule("re");

        e->re_compile = re == NULL ? NULL : PyObject_GetAttrString(re, "compile");
        Py_XDECREF(re);
    }
    compiled = e->re_compile == NULL ? NULL : PyObject_CallOneArg(e->re_compile, pattern);
    search = compiled == NULL ? NULL : PyObject_GetAttrString(compiled, "search");
    Py_XDECREF(compiled);
    return search;
}

/* re.error, OverflowError (a count above 2^32), RecursionError: the pattern is not valid. */
static int bad_pattern(struct cit_py_run *r)
{
    PyObject *exc, *why;
    const char *text;

    if (!PyErr_ExceptionMatches(PyExc_Exception) || PyErr_ExceptionMatches(PyExc_MemoryError))
        return -1;
    exc = cit_py_take_exception();
    why = PyObject_Str(exc);
    text = why == NULL ? NULL : PyUnicode_AsUTF8(why);
    if (text == NULL)
        PyErr_Clear();
    cit_expr_fault_pattern(r->fault, text == NULL ? "re does not take it" : text);
    Py_XDECREF(why);
    Py_DECREF(exc);
    return cit_py_strict_raise(r->fault);
}

/* Borrowed from the program; NULL with the exception. */
static PyObject *search_of(struct cit_py_run *r)
{
    struct cit_py_program *p = r->p;
    uint32_t at = r->ins->arg;

    if (p->patterns == NULL) {
        p->patterns = cit_calloc(p->prog->const_count, sizeof(PyObject *));
        if (p->patterns == NULL)
            return PyErr_NoMemory();
    }
    if (p->patterns[at] == NULL) {
        PyObject *search = compile(r->st, p->consts[at].u.o);

        if (search == NULL) {
            (void)bad_pattern(r);
            return NULL;
        }
        if (p->patterns[at] == NULL)
            p->patterns[at] = search;
        else
            Py_DECREF(search); /* another thread was quicker, and may be using its own */
    }
    return p->patterns[at];
}

static int find(PyObject *search, PyObject *text, struct cit_py_value *out)
{
    PyObject *match = PyObject_CallOneArg(search, text);

    if (match == NULL)
        return -1;
    *out = cit_py_bool(match != Py_None);
    Py_DECREF(match);
    return 0;
}

/* The compiler noted a repetition inside a repetition. */
static bool is_slow(const struct cit_expr_program *prog)
{
    for (uint32_t i = 0; i < prog->note_count; i++) {
        if (strcmp(prog->notes[i].code, "slow-pattern") == 0)
            return true;
    }
    return false;
}

static int match_by_python(struct cit_py_run *r, PyObject *text, struct cit_py_value *out)
{
    PyObject *search;

    if (is_slow(r->p->prog))
        return too_slow(r);
    search = search_of(r);
    return search == NULL ? -1 : find(search, text, out);
}

/* ---- either ---- */

/* The pattern is operand 2, and not on the stack. */
static int not_a_text(struct cit_py_run *r, const struct cit_py_value *v)
{
    struct cit_expr_operand o = { .func = CIT_EXPR_F_matches, .n = 1, .count = 2 };

    o.type = o.first = cit_py_strict_type(r, v);
    cit_expr_fault_operand(r->fault, &o);
    return cit_py_strict_raise(r->fault);
}

int cit_py_strict_match(struct cit_py_run *r, const struct cit_py_value *v, struct cit_py_value *out)
{
    if (v->kind != CIT_PY_OBJ || !PyUnicode_Check(v->u.o))
        return not_a_text(r, v);
    if (cit_py_charge(r, (uint64_t)PyUnicode_GET_LENGTH(v->u.o)) < 0)
        return -1;
    return cit_expr_regex_is_built() ? match_natively(r, v->u.o, out) : match_by_python(r, v->u.o, out);
}
