/* py/expr_module.c - expressions as functions of the module, and what the module keeps for them. */
#include "py/expr_int.h"

#include "base/mem.h"
#include "expr/regex.h"

/* ---- arguments ---- */

static int find_param(const struct cit_py_params *p, PyObject *name)
{
    for (unsigned i = 0; i < p->count; i++) {
        if (PyUnicode_CompareWithASCIIString(name, p->names[i]) == 0)
            return (int)i;
    }
    PyErr_Format(PyExc_TypeError, "%s() has no argument %R", p->function, name);
    return -1;
}

static int take_by_name(const struct cit_py_params *p, const struct cit_py_given *g, PyObject **out)
{
    for (Py_ssize_t i = 0; g->kwnames != NULL && i < PyTuple_GET_SIZE(g->kwnames); i++) {
        int at = find_param(p, PyTuple_GET_ITEM(g->kwnames, i));

        if (at < 0)
            return -1;
        if (out[at] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got %s twice", p->function, p->names[at]);
            return -1;
        }
        out[at] = g->args[g->nargs + i];
    }
    return 0;
}

int cit_py_take_args(const struct cit_py_params *p, const struct cit_py_given *g, PyObject **out)
{
    if (g->nargs > (Py_ssize_t)p->positional) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %u arguments without a name, not %zd", p->function,
                     p->positional, g->nargs);
        return -1;
    }
    for (unsigned i = 0; i < p->count; i++)
        out[i] = (Py_ssize_t)i < g->nargs ? g->args[i] : NULL;
    if (take_by_name(p, g, out) < 0)
        return -1;
    for (unsigned i = 0; i < p->required; i++) {
        if (out[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() needs %s", p->function, p->names[i]);
            return -1;
        }
    }
    return 0;
}

int cit_py_dialect_of(PyObject *name, enum cit_expr_dialect *out)
{
    static const struct {
        const char *name;
        enum cit_expr_dialect dialect;
    } known[] = { { "strict", CIT_EXPR_STRICT }, { "B", CIT_EXPR_B }, { "compat", CIT_EXPR_B }, { "A", CIT_EXPR_A } };

    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "a dialect is a str, not %.100s", Py_TYPE(name)->tp_name);
        return -1;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (PyUnicode_CompareWithASCIIString(name, known[i].name) == 0) {
            *out = known[i].dialect;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "there is no dialect %R, only \"strict\", \"A\", \"B\" and \"compat\"", name);
    return -1;
}

static int dialect_or_strict(PyObject *name, enum cit_expr_dialect *out)
{
    *out = CIT_EXPR_STRICT;
    return name == NULL ? 0 : cit_py_dialect_of(name, out);
}

/* ---- compile() and evaluate() ---- */

static const char *const compile_names[] = { "text", "dialect" };
static const struct cit_py_params compile_params = { "compile", compile_names, 2, 2, 1 };
static const struct cit_py_params tokenize_params = { "tokenize", compile_names, 2, 2, 2 };
static const char *const evaluate_names[] = { "text", "data", "dialect", "now" };
static const struct cit_py_params evaluate_params = { "evaluate", evaluate_names, 4, 4, 2 };

static PyObject *module_compile(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    struct cit_py_given given = { args, nargs, kwnames };
    enum cit_expr_dialect dialect;
    PyObject *arg[2];

    if (cit_py_take_args(&compile_params, &given, arg) < 0 || dialect_or_strict(arg[1], &dialect) < 0)
        return NULL;
    return cit_py_program_get(cit_py_state_of(module), arg[0], dialect);
}

static PyObject *module_evaluate(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    struct cit_py_given given = { args, nargs, kwnames };
    enum cit_expr_dialect dialect;
    PyObject *arg[4], *program, *value;

    if (cit_py_take_args(&evaluate_params, &given, arg) < 0 || dialect_or_strict(arg[2], &dialect) < 0)
        return NULL;
    program = cit_py_program_get(cit_py_state_of(module), arg[0], dialect);
    value = program == NULL ? NULL : cit_py_program_evaluate(program, arg[1], arg[3]);
    Py_XDECREF(program);
    return value;
}

/* ---- stacks of a Parser that is used again ---- */

/* What tokens of Python become for the compiler: texts borrow from the bytes objects. */
struct stack {
    PyObject *bytes; /* owned: a list */
    struct cit_expr_token *tokens;
    struct cit_slice *items;
    uint32_t token_count, item_count;
};

static int keep_text(struct stack *s, PyObject *str, struct cit_slice *out)
{
    PyObject *bytes;
    int err;

    if (!PyUnicode_Check(str)) {
        PyErr_Format(PyExc_TypeError, "a token is a str or a list of str, not %.100s", Py_TYPE(str)->tp_name);
        return -1;
    }
    bytes = cit_py_utf8(str);
    err = bytes == NULL ? -1 : PyList_Append(s->bytes, bytes);
    if (err == 0)
        *out = cit_slice(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    Py_XDECREF(bytes);
    return err;
}

/* A RawList, list or tuple of str. */
static int keep_list(struct stack *s, PyObject *list, struct cit_expr_token *t)
{
    PyObject *items = PySequence_Tuple(list);
    Py_ssize_t n = items == NULL ? 0 : PyTuple_GET_SIZE(items);
    struct cit_slice *grown;
    int err = items == NULL || n > CIT_EXPR_TEXT_MAX ? -1 : 0;

    grown = err < 0 ? NULL : cit_realloc_array(s->items, s->item_count + (size_t)n + 1, sizeof *grown);
    if (grown == NULL) {
        Py_XDECREF(items);
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        return -1;
    }
    s->items = grown;
    t->is_list = true;
    t->first = s->item_count;
    t->count = (uint32_t)n;
    for (Py_ssize_t i = 0; err == 0 && i < n; i++)
        err = keep_text(s, PyTuple_GET_ITEM(items, i), &s->items[s->item_count++]);
    Py_DECREF(items);
    return err;
}

static int keep_token(struct stack *s, PyObject *token, struct cit_expr_token *t)
{
    return PyUnicode_Check(token) ? keep_text(s, token, &t->text) : keep_list(s, token, t);
}

/* A stack can only be read from its end; of a longer one the end is enough. */
static int stack_init(struct stack *s, PyObject *tokens)
{
    Py_ssize_t n = PyTuple_GET_SIZE(tokens), from = n > CIT_EXPR_CODE_MAX ? n - CIT_EXPR_CODE_MAX : 0;
    int err = 0;

    s->bytes = PyList_New(0);
    s->tokens = cit_calloc((size_t)(n - from) + 1, sizeof *s->tokens);
    if (s->bytes == NULL || s->tokens == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = from; err == 0 && i < n; i++)
        err = keep_token(s, PyTuple_GET_ITEM(tokens, i), &s->tokens[s->token_count++]);
    return err;
}

static void stack_fini(struct stack *s)
{
    Py_XDECREF(s->bytes);
    cit_free(s->tokens);
    cit_free(s->items);
}

static PyObject *compile_stack(struct cit_py_state *st, PyObject *tokens, enum cit_expr_dialect dialect)
{
    struct stack s = { 0 };
    struct cit_expr_program *prog;
    struct cit_expr_error e = { 0 };
    PyObject *program = NULL;
    int err;

    if (stack_init(&s, tokens) == 0) {
        struct cit_expr_stack kept = { .tokens = s.tokens, .count = s.token_count, .items = s.items };

        err = cit_expr_compile_stack(&kept, dialect, &prog, &e);
        if (err == CIT_OK)
            program = cit_py_program_new(st, prog, st->str_empty);
        else if (err == CIT_ENOMEM)
            PyErr_NoMemory();
        else
            cit_py_expr_raise_error(st, st->str_empty, dialect, &e);
    }
    stack_fini(&s);
    return program;
}

static const char *const stack_names[] = { "tokens", "dialect" };
static const struct cit_py_params stack_params = { "compile_stack", stack_names, 2, 2, 2 };

static PyObject *module_compile_stack(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    struct cit_py_given given = { args, nargs, kwnames };
    enum cit_expr_dialect dialect;
    PyObject *arg[2], *tokens, *program;

    if (cit_py_take_args(&stack_params, &given, arg) < 0 || cit_py_dialect_of(arg[1], &dialect) < 0)
        return NULL;
    if (dialect == CIT_EXPR_STRICT) {
        PyErr_SetString(PyExc_ValueError, "the strict dialect has no stack of tokens");
        return NULL;
    }
    tokens = PySequence_Tuple(arg[0]);
    program = tokens == NULL ? NULL : compile_stack(cit_py_state_of(module), tokens, dialect);
    Py_XDECREF(tokens);
    return program;
}

/* The tokens that a text leaves on the stack, also when it does not compile. */
static PyObject *tokenize(struct cit_py_state *st, PyObject *text, enum cit_expr_dialect dialect)
{
    PyObject *bytes = cit_py_utf8(text), *program, *tokens;
    struct cit_expr_program *prog;
    struct cit_expr_error e = { 0 };
    int err;

    if (bytes == NULL)
        return NULL;
    err = cit_expr_tokenize(cit_slice(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)), dialect, &prog, &e);
    Py_DECREF(bytes);
    if (err == CIT_ELIMIT)
        return PyTuple_New(0);
    if (err != CIT_OK)
        return PyErr_NoMemory();
    program = cit_py_program_new(st, prog, text);
    tokens = program == NULL ? NULL : cit_py_show_tokens(cit_py_as_program(program));
    Py_XDECREF(program);
    return tokens;
}

static PyObject *module_tokenize(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    struct cit_py_given given = { args, nargs, kwnames };
    enum cit_expr_dialect dialect;
    PyObject *arg[2];

    if (cit_py_take_args(&tokenize_params, &given, arg) < 0 || cit_py_dialect_of(arg[1], &dialect) < 0)
        return NULL;
    if (!PyUnicode_Check(arg[0]) || dialect == CIT_EXPR_STRICT) {
        PyErr_SetString(PyExc_TypeError, "tokenize() takes a str of the dialect A or B");
        return NULL;
    }
    return tokenize(cit_py_state_of(module), arg[0], dialect);
}

static PyObject *module_snapshot(PyObject *module, PyObject *data)
{
    (void)module;
    return cit_py_snapshot(data);
}

static PyMethodDef functions[] = {
    { "compile", (PyCFunction)(void (*)(void))module_compile, METH_FASTCALL | METH_KEYWORDS,
      "compile($module, text, dialect=\"strict\")\n--\n\n"
      "The Program of an expression; dialects are \"strict\", \"A\", \"B\" and \"compat\" (which is \"B\").\n"
      "ExpressionError when the text is not in the language." },
    { "evaluate", (PyCFunction)(void (*)(void))module_evaluate, METH_FASTCALL | METH_KEYWORDS,
      "evaluate($module, text, data, dialect=\"strict\", now=None)\n--\n\n"
      "compile(text, dialect).evaluate(data, now); programs are kept, errors too." },
    { "compile_stack", (PyCFunction)(void (*)(void))module_compile_stack, METH_FASTCALL | METH_KEYWORDS,
      "compile_stack($module, tokens, dialect)\n--\n\nThe Program of a postfix stack (dialects A and B)." },
    { "tokenize", (PyCFunction)(void (*)(void))module_tokenize, METH_FASTCALL | METH_KEYWORDS,
      "tokenize($module, text, dialect)\n--\n\n"
      "The tokens a text leaves on the stack, also when it is not in the language (dialects A and B)." },
    { "snapshot", module_snapshot, METH_O, "snapshot($module, data, /)\n--\n\nA new dict of what a mapping holds." },
    { NULL, NULL, 0, NULL },
};

/* ---- the module's part ---- */

static int make_types(PyObject *module, struct cit_py_expr_state *e)
{
#define MAKE_TYPE(name, spec)   \
    if (e->type_##name == NULL) \
        e->type_##name = (PyTypeObject *)PyType_FromModuleAndSpec(module, &(spec), NULL);
    CIT_PY_EXPR_TYPES(MAKE_TYPE)
#undef MAKE_TYPE
#define TYPE_MADE(name, spec) &&e->type_##name != NULL
    return true CIT_PY_EXPR_TYPES(TYPE_MADE) ? 0 : -1;
#undef TYPE_MADE
}

static int make_objects(struct cit_py_expr_state *e)
{
#define MAKE_STRING(name) e->str_##name = PyUnicode_InternFromString(#name);
    CIT_PY_EXPR_STRINGS(MAKE_STRING)
#undef MAKE_STRING
    e->error = cit_py_expr_error_type();
    e->diagnostic = cit_py_diagnostic_type();
    return PyErr_Occurred() ? -1 : 0;
}

int cit_py_expr_exec(PyObject *module, struct cit_py_state *st)
{
    struct cit_py_expr_state *e = &st->expr;

    if (make_types(module, e) < 0 || make_objects(e) < 0)
        return -1;
    if (PyModule_AddObjectRef(module, "Program", (PyObject *)e->type_program) < 0 ||
        PyModule_AddObjectRef(module, "RawList", (PyObject *)e->type_raw_list) < 0 ||
        PyModule_AddObjectRef(module, "Diagnostic", e->diagnostic) < 0 ||
        PyModule_AddObjectRef(module, "ExpressionError", e->error) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}

int cit_py_expr_traverse(struct cit_py_state *st, visitproc visit, void *arg)
{
    struct cit_py_expr_state *e = &st->expr;
    int stop = 0;

#define VISIT_TYPE(name, spec) Py_VISIT(e->type_##name);
    CIT_PY_EXPR_TYPES(VISIT_TYPE)
#undef VISIT_TYPE
#define VISIT_OBJECT(name) Py_VISIT(e->name);
    CIT_PY_EXPR_OBJECTS(VISIT_OBJECT)
#undef VISIT_OBJECT
    for (int i = 0; stop == 0 && i < CIT_PY_DIALECTS; i++)
        stop = cit_py_cache_traverse(e->cache[i], visit, arg);
    return stop; /* what is left are str objects */
}

void cit_py_expr_clear(struct cit_py_state *st)
{
    struct cit_py_expr_state *e = &st->expr;

    for (int i = 0; i < CIT_PY_DIALECTS; i++) {
        struct cit_py_cache *gone = e->cache[i];

        e->cache[i] = NULL;
        cit_py_cache_free(gone);
    }
    cit_expr_regexes_free(e->regexes);
    e->regexes = NULL;
#define CLEAR_TYPE(name, spec) Py_CLEAR(e->type_##name);
    CIT_PY_EXPR_TYPES(CLEAR_TYPE)
#undef CLEAR_TYPE
#define CLEAR_OBJECT(name) Py_CLEAR(e->name);
    CIT_PY_EXPR_OBJECTS(CLEAR_OBJECT)
#undef CLEAR_OBJECT
#define CLEAR_STRING(name) Py_CLEAR(e->str_##name);
    CIT_PY_EXPR_STRINGS(CLEAR_STRING)
#undef CLEAR_STRING
}
