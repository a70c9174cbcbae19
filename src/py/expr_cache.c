/* py/expr_cache.c - programs by text, one table a dialect; texts that do not compile are kept too.
 *
 *      hash of the text ──> set of 4 entries, the one used last in front
 *
 * A new entry takes the place of the last of its set, so that nothing anybody sends makes the
 * table grow or search; Python's hash of a str is secret, so nobody can aim at one set.  Long
 * texts are not kept, and all together hold no more than BYTES_MAX: then whole sets are let go,
 * one after the other. */
#include "py/expr_int.h"

#include "base/mem.h"

enum { SETS = 1024, WAYS = 4, CHARS_MAX = 16 * 1024, BYTES_MAX = 16 * 1024 * 1024 };

struct entry {
    PyObject *text;  /* owned; NULL: free, and so are those behind it in the set */
    PyObject *value; /* owned: a Program, or the tuple of an error */
    Py_hash_t hash;
    size_t bytes;
};

struct cit_py_cache {
    struct entry set[SETS][WAYS];
    size_t bytes;
    unsigned hand; /* the set that is let go next */
};

/* ---- errors as tuples ---- */

static PyObject *pack_error(const struct cit_expr_error *e)
{
    return Py_BuildValue("(y#y#IIIi)", e->what, (Py_ssize_t)strlen(e->what), e->hint, (Py_ssize_t)strlen(e->hint),
                         (unsigned)e->at, (unsigned)e->line, (unsigned)e->column, e->err);
}

static void unpack_error(PyObject *packed, struct cit_expr_error *e)
{
    const char *what = PyBytes_AS_STRING(PyTuple_GET_ITEM(packed, 0));
    const char *hint = PyBytes_AS_STRING(PyTuple_GET_ITEM(packed, 1));

    (void)PyOS_snprintf(e->what, sizeof e->what, "%s", what);
    (void)PyOS_snprintf(e->hint, sizeof e->hint, "%s", hint);
    e->at = (uint32_t)PyLong_AsUnsignedLong(PyTuple_GET_ITEM(packed, 2));
    e->line = (uint32_t)PyLong_AsUnsignedLong(PyTuple_GET_ITEM(packed, 3));
    e->column = (uint32_t)PyLong_AsUnsignedLong(PyTuple_GET_ITEM(packed, 4));
    e->err = (int)PyLong_AsLong(PyTuple_GET_ITEM(packed, 5));
}

/* ---- the table ---- */

static bool is_same(const struct entry *e, PyObject *text, Py_hash_t hash)
{
    return e->text == text || (e->hash == hash && PyUnicode_GET_LENGTH(e->text) == PyUnicode_GET_LENGTH(text) &&
                               PyUnicode_Compare(e->text, text) == 0);
}

static struct entry *set_of(struct cit_py_cache *c, Py_hash_t hash)
{
    return c->set[(size_t)hash % SETS];
}

/* The value, borrowed from the table, or NULL. */
static PyObject *find(struct cit_py_cache *c, PyObject *text, Py_hash_t hash)
{
    struct entry *set = set_of(c, hash), hit;

    for (int i = 0; i < WAYS && set[i].text != NULL; i++) {
        if (!is_same(&set[i], text, hash))
            continue;
        hit = set[i];
        for (; i > 0; i--)
            set[i] = set[i - 1];
        set[0] = hit;
        return hit.value;
    }
    return NULL;
}

/* What an entry owned is let go last: nothing here is half done when something else runs. */
static void drop(struct cit_py_cache *c, struct entry *e)
{
    struct entry gone = *e;

    if (gone.text == NULL)
        return;
    *e = (struct entry){ 0 };
    c->bytes -= gone.bytes;
    Py_DECREF(gone.text);
    Py_DECREF(gone.value);
}

static void drop_set(struct cit_py_cache *c, struct entry *set)
{
    for (int i = WAYS - 1; i >= 0; i--)
        drop(c, &set[i]);
}

static size_t bytes_of(const struct cit_expr_program *prog)
{
    size_t bytes = 1024 + 4 * prog->text.n;

    bytes += prog->code_count * sizeof *prog->code + prog->token_count * sizeof *prog->tokens;
    bytes += prog->const_count * (sizeof *prog->consts + sizeof(struct cit_py_value) + 64);
    bytes += (prog->item_count + prog->name_count) * 96;
    return bytes + prog->note_count * (sizeof *prog->notes + 128);
}

static void put(struct cit_py_cache *c, PyObject *text, Py_hash_t hash, PyObject *value)
{
    struct entry *set = set_of(c, hash);
    size_t bytes = PyTuple_Check(value) ? 1024 : bytes_of(cit_py_program_of(value));

    if (bytes > BYTES_MAX / 4)
        return;
    while (c->bytes + bytes > BYTES_MAX)
        drop_set(c, c->set[c->hand++ % SETS]);
    drop(c, &set[WAYS - 1]);
    for (int i = WAYS - 1; i > 0; i--)
        set[i] = set[i - 1];
    set[0] = (struct entry){ .text = Py_NewRef(text), .value = Py_NewRef(value), .hash = hash, .bytes = bytes };
    c->bytes += bytes;
}

int cit_py_cache_traverse(struct cit_py_cache *c, visitproc visit, void *arg)
{
    if (c == NULL)
        return 0;
    for (int i = 0; i < SETS; i++) {
        for (int j = 0; j < WAYS && c->set[i][j].text != NULL; j++)
            Py_VISIT(c->set[i][j].value);
    }
    return 0;
}

void cit_py_cache_free(struct cit_py_cache *c)
{
    for (int i = 0; c != NULL && i < SETS; i++)
        drop_set(c, c->set[i]);
    cit_free(c);
}

/* ---- compiling ---- */

/* A new reference: a Program, or the tuple of an error; NULL with the exception. */
static PyObject *compile(struct cit_py_state *st, PyObject *text, enum cit_expr_dialect dialect)
{
    PyObject *bytes = cit_py_utf8(text);
    struct cit_expr_program *prog;
    struct cit_expr_error e;
    int err;

    if (bytes == NULL)
        return NULL;
    err = cit_expr_compile(cit_slice(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)), dialect, &prog, &e);
    Py_DECREF(bytes);
    if (err == CIT_OK)
        return cit_py_program_new(st, prog, text);
    return err == CIT_ENOMEM ? PyErr_NoMemory() : pack_error(&e);
}

/* Compiles and remembers. */
static PyObject *get_new(struct cit_py_state *st, PyObject *text, Py_hash_t hash, enum cit_expr_dialect dialect)
{
    struct cit_py_cache **c = &st->expr.cache[dialect];
    PyObject *value = compile(st, text, dialect);

    if (value == NULL || PyUnicode_GET_LENGTH(text) > CHARS_MAX)
        return value;
    if (*c == NULL)
        *c = cit_calloc(1, sizeof **c);
    if (*c != NULL) /* without memory for a table nothing is remembered */
        put(*c, text, hash, value);
    return value;
}

static PyObject *get(struct cit_py_state *st, PyObject *text, enum cit_expr_dialect dialect)
{
    struct cit_py_cache *c = st->expr.cache[dialect];
    Py_hash_t hash = PyObject_Hash(text);
    PyObject *value;

    if (hash == -1)
        return NULL;
    value = c == NULL ? NULL : find(c, text, hash);
    return value != NULL ? Py_NewRef(value) : get_new(st, text, hash, dialect);
}

static PyObject *raise_packed(struct cit_py_state *st, PyObject *text, enum cit_expr_dialect dialect, PyObject *packed)
{
    struct cit_expr_error e = { 0 };

    unpack_error(packed, &e);
    Py_DECREF(packed);
    cit_py_expr_raise_error(st, text, dialect, &e);
    return NULL;
}

PyObject *cit_py_program_get(struct cit_py_state *st, PyObject *text, enum cit_expr_dialect dialect)
{
    PyObject *value;

    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "an expression is a str, not %.100s", Py_TYPE(text)->tp_name);
        return NULL;
    }
    text = PyUnicode_FromObject(text); /* exactly a str, not marked as safe or the like */
    if (text == NULL)
        return NULL;
    value = get(st, text, dialect);
    if (value != NULL && PyTuple_Check(value))
        value = raise_packed(st, text, dialect, value);
    Py_DECREF(text);
    return value;
}
