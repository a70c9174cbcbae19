/* py/expr_errors.c - ExpressionError: what is wrong with an expression, and where.
 *
 *      unsupported operand type(s) for &: 'float' and 'float' (line 1, column 4)
 *          $t & $t
 *             ^
 *
 * One class for texts that do not compile and for evaluations that fail; the latter have
 * Python's own exception as __cause__. */
#include "py/expr_int.h"

#include <string.h>

#include "base/buf.h"

/* Bytes of one str(): of what was said, and of the line on each side of the place. */
enum { SAID_MAX = 2048, AROUND_MAX = 60 };

#define ERROR_DOC                                                                                \
    "An expression is not in the language, or its evaluation failed.\n\n"                        \
    "what: str, what is wrong; hint: str, what to do about it (may be empty); text: str, the\n"  \
    "expression; line, column: int, from 1, columns count characters; offset: int, characters\n" \
    "before the place.  Places are those of the text with its tabs expanded, in the dialects\n"  \
    "that expand them.  __cause__ is Python's own exception when an evaluation failed."

/* What is told of a text that did not compile, or an evaluation that failed. */
struct fault {
    PyObject *text;          /* borrowed: the author's str */
    struct cit_slice source; /* its UTF-8, tabs expanded where the dialect does */
    uint32_t at;             /* byte offset in source */
    uint32_t line, column;   /* from 1; 0: to be found from at */
    PyObject *what, *hint;   /* borrowed str */
};

/* ---- where ---- */

static bool is_first_byte(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

static size_t count_chars(struct cit_slice s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += is_first_byte(s.p[i]);
    return n;
}

/* The line that holds the place, and how many bytes of it stand before. */
static struct cit_slice line_around(const struct fault *f, size_t *before)
{
    struct cit_slice s = f->source;
    size_t at = f->at < s.n ? f->at : s.n, from = at, to = at;

    while (from > 0 && s.p[from - 1] != '\n')
        from--;
    while (to < s.n && s.p[to] != '\n' && s.p[to] != '\r')
        to++;
    *before = at - from;
    return cit_slice(s.p + from, to - from);
}

static void find_place(struct fault *f)
{
    size_t before;
    struct cit_slice line = line_around(f, &before);

    if (f->line > 0)
        return;
    f->line = 1;
    for (const char *p = f->source.p; p < line.p; p++)
        f->line += *p == '\n';
    f->column = (uint32_t)count_chars(cit_slice(line.p, before)) + 1;
}

/* Cuts a long line to what is near the place, at whole characters. */
static struct cit_slice cut_line(struct cit_slice line, size_t *before)
{
    size_t from = *before > AROUND_MAX ? *before - AROUND_MAX : 0;
    size_t to = line.n - *before > AROUND_MAX ? *before + AROUND_MAX : line.n;

    while (from < *before && !is_first_byte(line.p[from]))
        from++;
    while (to > *before && to < line.n && !is_first_byte(line.p[to]))
        to--;
    *before -= from;
    return cit_slice(line.p + from, to - from);
}

/* ---- str() ---- */

static int add_clipped(struct cit_buf *b, PyObject *str)
{
    PyObject *bytes = cit_py_utf8(str);
    size_t n;
    int err;

    if (bytes == NULL)
        return CIT_ENOMEM;
    n = (size_t)PyBytes_GET_SIZE(bytes);
    if (n > SAID_MAX) {
        n = SAID_MAX;
        while (n > 0 && !is_first_byte(PyBytes_AS_STRING(bytes)[n]))
            n--;
    }
    err = cit_buf_add(b, PyBytes_AS_STRING(bytes), n);
    Py_DECREF(bytes);
    return err;
}

static int add_line(struct cit_buf *b, const struct fault *f)
{
    size_t before;
    struct cit_slice line = line_around(f, &before);
    int err;

    if (line.n == 0)
        return CIT_OK;
    line = cut_line(line, &before);
    err = cit_buf_add_str(b, "\n    ");
    if (err == CIT_OK)
        err = cit_buf_add_slice(b, line);
    if (err == CIT_OK)
        err = cit_buf_add_str(b, "\n    ");
    for (size_t i = count_chars(cit_slice(line.p, before)); err == CIT_OK && i > 0; i--)
        err = cit_buf_add_str(b, " ");
    return err == CIT_OK ? cit_buf_add_str(b, "^") : err;
}

static int compose(struct cit_buf *b, const struct fault *f)
{
    int err = add_clipped(b, f->what);

    if (err == CIT_OK)
        err = cit_buf_printf(b, " (line %u, column %u)", f->line, f->column);
    if (err == CIT_OK)
        err = add_line(b, f);
    if (err != CIT_OK || PyUnicode_GET_LENGTH(f->hint) == 0)
        return err;
    err = cit_buf_add_str(b, "\n");
    return err == CIT_OK ? add_clipped(b, f->hint) : err;
}

static PyObject *message_of(const struct fault *f)
{
    struct cit_buf b;
    PyObject *str = NULL;

    cit_buf_init(&b, (size_t)3 * SAID_MAX);
    if (compose(&b, f) == CIT_OK)
        str = cit_py_str_of(cit_slice(b.p, b.len));
    else if (!PyErr_Occurred())
        PyErr_NoMemory();
    cit_buf_fini(&b);
    return str;
}

/* ---- raising ---- */

static int set_text(PyObject *exc, const char *name, PyObject *str)
{
    return PyObject_SetAttrString(exc, name, str);
}

static int set_number(PyObject *exc, const char *name, size_t n)
{
    PyObject *o = PyLong_FromSize_t(n);
    int err = o == NULL ? -1 : PyObject_SetAttrString(exc, name, o);

    Py_XDECREF(o);
    return err;
}

static PyObject *make(struct cit_py_state *st, struct fault *f)
{
    size_t at = f->at < f->source.n ? f->at : f->source.n;
    PyObject *message, *exc;

    find_place(f);
    message = message_of(f);
    exc = message == NULL ? NULL : PyObject_CallOneArg(st->expr.error, message);
    Py_XDECREF(message);
    if (exc != NULL && (set_text(exc, "what", f->what) < 0 || set_text(exc, "hint", f->hint) < 0 ||
                        set_text(exc, "text", f->text) < 0 || set_number(exc, "line", f->line) < 0 ||
                        set_number(exc, "column", f->column) < 0 ||
                        set_number(exc, "offset", count_chars(cit_slice(f->source.p, at))) < 0))
        Py_CLEAR(exc);
    return exc;
}

/* Takes the cause, which may be NULL. */
static void raise_from(struct cit_py_state *st, struct fault *f, PyObject *cause)
{
    PyObject *exc = make(st, f);

    if (exc == NULL) { /* what made it impossible is set */
        Py_XDECREF(cause);
        return;
    }
    if (cause != NULL) {
        PyException_SetContext(exc, Py_NewRef(cause));
        PyException_SetCause(exc, cause);
    }
    PyErr_SetObject((PyObject *)Py_TYPE(exc), exc);
    Py_DECREF(exc);
}

/* Tabs as the compiler saw them: UTF-8, a new reference to bytes. */
static PyObject *source_of(struct cit_py_state *st, PyObject *text, enum cit_expr_dialect dialect)
{
    PyObject *expanded =
        dialect == CIT_EXPR_STRICT ? Py_NewRef(text) : PyObject_CallMethodNoArgs(text, st->expr.str_expandtabs);
    PyObject *bytes = expanded == NULL ? NULL : cit_py_utf8(expanded);

    Py_XDECREF(expanded);
    return bytes;
}

void cit_py_expr_raise_error(struct cit_py_state *st, PyObject *text, enum cit_expr_dialect dialect,
                             const struct cit_expr_error *e)
{
    struct fault f = { .text = text, .at = e->at, .line = e->line, .column = e->column };
    PyObject *source = source_of(st, text, dialect);
    PyObject *what = PyUnicode_DecodeUTF8(e->what, (Py_ssize_t)strlen(e->what), "replace");
    PyObject *hint = PyUnicode_DecodeUTF8(e->hint, (Py_ssize_t)strlen(e->hint), "replace");

    if (source != NULL && what != NULL && hint != NULL) {
        f.source = cit_slice(PyBytes_AS_STRING(source), (size_t)PyBytes_GET_SIZE(source));
        f.what = what;
        f.hint = hint;
        raise_from(st, &f, NULL);
    }
    Py_XDECREF(hint);
    Py_XDECREF(what);
    Py_XDECREF(source);
}

/* The strict dialect's own words; else "TypeError: ...", for Python's say too little alone. */
static PyObject *say_exception(PyObject *exc, const struct cit_expr_error *fault)
{
    PyObject *str = PyObject_Str(exc), *said;

    if (str == NULL || fault->kind != 0)
        return str;
    said = PyUnicode_FromFormat(PyUnicode_GET_LENGTH(str) > 0 ? "%s: %U" : "%s", Py_TYPE(exc)->tp_name, str);
    Py_DECREF(str);
    return said;
}

void cit_py_expr_wrap(const struct cit_py_program *p, const struct cit_expr_error *fault)
{
    struct fault f = { .text = p->text, .source = p->prog->text, .at = fault->at };
    PyObject *exc;

    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return;
    exc = cit_py_take_exception();
    f.what = say_exception(exc, fault);
    f.hint = f.what == NULL ? NULL : PyUnicode_FromString(fault->kind != 0 ? fault->hint : "");
    if (f.hint != NULL)
        raise_from(p->st, &f, exc);
    else
        Py_DECREF(exc); /* no memory, or its str() failed: that is told instead */
    Py_XDECREF(f.hint);
    Py_XDECREF(f.what);
}

/* ---- the type ---- */

/* Attributes that every instance has, as they are when somebody else raises it. */
static PyObject *make_defaults(void)
{
    return Py_BuildValue("{s:s,s:s,s:s,s:i,s:i,s:i}", "what", "", "hint", "", "text", "", "line", 0, "column", 0,
                         "offset", 0);
}

PyObject *cit_py_expr_error_type(void)
{
    PyObject *defaults = make_defaults(), *type;

    if (defaults == NULL)
        return NULL;
    type = PyErr_NewExceptionWithDoc("citrate.flow.ExpressionError", ERROR_DOC, PyExc_ValueError, defaults);
    Py_DECREF(defaults);
    return type;
}
