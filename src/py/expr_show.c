/* py/expr_show.c - what a Program tells of itself: tokens, names, remarks, instructions. */
#include "py/expr_int.h"

#include "base/buf.h"

/* Of a disassembly: each instruction is a line with a piece of the text. */
enum { CODE_TEXT_MAX = 16 * 1024 * 1024 };

/* ---- tokens ---- */

static PyObject *show_list(const struct cit_py_program *p, const struct cit_expr_token *t)
{
    PyObject *items = PyTuple_New((Py_ssize_t)t->count);

    for (uint32_t i = 0; items != NULL && i < t->count; i++) {
        PyObject *str = cit_py_str_of(p->prog->items[t->first + i]);

        if (str == NULL)
            Py_CLEAR(items);
        else
            PyTuple_SET_ITEM(items, (Py_ssize_t)i, str);
    }
    return items == NULL ? NULL : cit_py_raw_list_new(p->st, items);
}

PyObject *cit_py_show_tokens(const struct cit_py_program *p)
{
    PyObject *all = PyTuple_New((Py_ssize_t)p->prog->token_count);

    for (uint32_t i = 0; all != NULL && i < p->prog->token_count; i++) {
        const struct cit_expr_token *t = &p->prog->tokens[i];
        PyObject *o = t->is_list ? show_list(p, t) : cit_py_str_of(t->text);

        if (o == NULL)
            Py_CLEAR(all);
        else
            PyTuple_SET_ITEM(all, (Py_ssize_t)i, o);
    }
    return all;
}

/* ---- names ---- */

PyObject *cit_py_show_names(const struct cit_py_program *p)
{
    PyObject *all = PyTuple_New((Py_ssize_t)p->name_count);

    for (uint32_t i = 0; all != NULL && i < p->name_count; i++)
        PyTuple_SET_ITEM(all, (Py_ssize_t)i, Py_NewRef(p->names[i].str));
    return all;
}

/* ---- remarks ---- */

static PyObject *show_note(const struct cit_py_program *p, const struct cit_expr_note *n)
{
    PyObject *o = PyStructSequence_New((PyTypeObject *)p->st->expr.diagnostic);
    bool is_whole = o != NULL;

    if (o == NULL)
        return NULL;
    PyStructSequence_SetItem(o, 0, PyUnicode_FromString(n->code));
    PyStructSequence_SetItem(o, 1, PyLong_FromUnsignedLong(n->line));
    PyStructSequence_SetItem(o, 2, PyLong_FromUnsignedLong(n->column));
    PyStructSequence_SetItem(o, 3, cit_py_str_of(cit_slice_str(n->what)));
    PyStructSequence_SetItem(o, 4, cit_py_str_of(cit_slice_str(n->hint)));
    for (Py_ssize_t i = 0; i < 5; i++)
        is_whole = is_whole && PyStructSequence_GetItem(o, i) != NULL; /* borrowed from o */
    if (!is_whole)
        Py_CLEAR(o);
    return o;
}

PyObject *cit_py_show_notes(const struct cit_py_program *p)
{
    PyObject *all = PyTuple_New((Py_ssize_t)p->prog->note_count);

    for (uint32_t i = 0; all != NULL && i < p->prog->note_count; i++) {
        PyObject *note = show_note(p, &p->prog->notes[i]);

        if (note == NULL)
            Py_CLEAR(all);
        else
            PyTuple_SET_ITEM(all, (Py_ssize_t)i, note);
    }
    return all;
}

PyObject *cit_py_diagnostic_type(void)
{
    static PyStructSequence_Field fields[] = {
        { "code", "str: its kind, such as \"ignored-tail\"" },
        { "line", "int, from 1" },
        { "column", "int, from 1, in characters" },
        { "what", "str: what was found" },
        { "hint", "str: what to write instead; may be empty" },
        { NULL, NULL },
    };
    static PyStructSequence_Desc desc = { "citrate._native.Diagnostic", "A remark on an expression for its author.",
                                          fields, 5 };

    return (PyObject *)PyStructSequence_NewType(&desc);
}

/* ---- instructions ---- */

PyObject *cit_py_show_code(const struct cit_py_program *p)
{
    struct cit_buf b;
    PyObject *text = NULL;
    int err;

    cit_buf_init(&b, CODE_TEXT_MAX);
    err = cit_expr_disassemble(p->prog, &b);
    if (err == CIT_OK)
        text = PyUnicode_DecodeUTF8(b.p, (Py_ssize_t)b.len, "replace"); /* pieces may be cut */
    else
        PyErr_SetString(err == CIT_ENOMEM ? PyExc_MemoryError : PyExc_OverflowError, cit_err_text(err));
    cit_buf_fini(&b);
    return text;
}
