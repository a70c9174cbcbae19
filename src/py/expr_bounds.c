/* py/expr_bounds.c - what an expression may make and do: integers, texts and lists are measured
 * before they are made.
 *
 * Whoever writes an expression may be any visitor.  `9 ^ 9 ^ 7` is an integer of 15 million
 * bits, '%999999999d' a gigabyte, `$s + $s` twice as long each time: all of them are refused
 * here by looking at the operands.  Where a bound can only be estimated (the escapes of a
 * repr) the result is measured again. */
#include "py/expr_int.h"

/* Containers inside each other, when their text is measured; units of work to write a number. */
enum { DEPTH_MAX = 64, LEAF_WORK = 50 };

static int too_large(const char *what, long bound)
{
    PyErr_Format(PyExc_OverflowError, "the result is too large: more than %ld %s", bound, what);
    return -1;
}

static int check_text(uint64_t chars)
{
    return chars > CIT_PY_TEXT_CHARS ? too_large("characters", CIT_PY_TEXT_CHARS) : 0;
}

static int check_items(uint64_t items)
{
    return items > CIT_PY_LIST_ITEMS ? too_large("items", CIT_PY_LIST_ITEMS) : 0;
}

static int check_bits(uint64_t bits)
{
    return bits > CIT_PY_INT_BITS ? too_large("bits", CIT_PY_INT_BITS) : 0;
}

int cit_py_charge(struct cit_py_run *r, uint64_t units)
{
    if (units > r->work) {
        r->work = 0;
        PyErr_SetString(PyExc_OverflowError, "the evaluation takes too many steps");
        return -1;
    }
    r->work -= units;
    return 0;
}

/* ---- sizes ---- */

static inline uint64_t saturated(uint64_t a, uint64_t b)
{
    uint64_t n;

    return __builtin_mul_overflow(a, b, &n) ? UINT64_MAX : n;
}

static uint64_t bits_of_word(uint64_t word)
{
    return word == 0 ? 0 : 64 - (uint64_t)__builtin_clzll(word);
}

/* Of the absolute value of an int. */
static int bits_of(struct cit_py_state *st, PyObject *o, uint64_t *bits)
{
    int overflow;
    long long i = PyLong_AsLongLongAndOverflow(o, &overflow);
    PyObject *n;

    if (overflow == 0) {
        *bits = bits_of_word(i < 0 ? -(uint64_t)i : (uint64_t)i);
        return 0;
    }
    n = PyObject_CallMethodNoArgs(o, st->expr.str_bit_length);
    if (n == NULL)
        return -1;
    *bits = PyLong_AsUnsignedLongLong(n);
    Py_DECREF(n);
    return *bits == UINT64_MAX && PyErr_Occurred() ? -1 : 0;
}

static int bits_of_both(struct cit_py_run *r, PyObject *left, PyObject *right, uint64_t bits[2])
{
    return bits_of(r->st, left, &bits[0]) < 0 || bits_of(r->st, right, &bits[1]) < 0 ? -1 : 0;
}

/* Multiplying and dividing by hand takes the product of the digits. */
static int charge_digits(struct cit_py_run *r, uint64_t bits, uint64_t other)
{
    return cit_py_charge(r, saturated(bits / 30 + 1, other / 30 + 1));
}

/* The length of what repeats and concatenates, or -1 (no exception) for anything else. */
static Py_ssize_t size_of_sequence(PyObject *o)
{
    Py_ssize_t n;

    if (PyUnicode_Check(o))
        return PyUnicode_GET_LENGTH(o);
    if (PyList_Check(o))
        return PyList_GET_SIZE(o);
    if (PyTuple_Check(o))
        return PyTuple_GET_SIZE(o);
    if (PyDict_Check(o) || !PySequence_Check(o))
        return -1;
    n = PySequence_Size(o);
    if (n < 0)
        PyErr_Clear();
    return n;
}

static bool is_of_bytes(PyObject *o)
{
    return PyUnicode_Check(o) || PyBytes_Check(o) || PyByteArray_Check(o);
}

static int check_sequence(struct cit_py_run *r, PyObject *like, uint64_t n)
{
    if (is_of_bytes(like))
        return check_text(n) < 0 ? -1 : cit_py_charge(r, n / 8 + 1);
    return check_items(n) < 0 ? -1 : cit_py_charge(r, n + 1);
}

/* ---- operators ---- */

int cit_py_bound_add(struct cit_py_run *r, PyObject *left, PyObject *right)
{
    uint64_t bits[2];
    Py_ssize_t a, b;

    if (PyLong_Check(left) && PyLong_Check(right)) {
        if (bits_of_both(r, left, right, bits) < 0)
            return -1;
        return cit_py_charge(r, (bits[0] + bits[1]) / 30 + 1);
    }
    a = size_of_sequence(left);
    b = a < 0 ? -1 : size_of_sequence(right);
    return b < 0 ? 0 : check_sequence(r, left, (uint64_t)a + (uint64_t)b);
}

static int bound_repeat(struct cit_py_run *r, PyObject *sequence, PyObject *times)
{
    Py_ssize_t n = size_of_sequence(sequence);
    int overflow;
    long long count = PyLong_AsLongLongAndOverflow(times, &overflow);

    if (n <= 0 || overflow < 0 || (overflow == 0 && count <= 0))
        return 0;
    return check_sequence(r, sequence, saturated((uint64_t)n, overflow > 0 ? UINT64_MAX : (uint64_t)count));
}

int cit_py_bound_mul(struct cit_py_run *r, PyObject *left, PyObject *right)
{
    uint64_t bits[2];

    if (!PyLong_Check(right))
        return PyLong_Check(left) ? bound_repeat(r, right, left) : 0;
    if (!PyLong_Check(left))
        return bound_repeat(r, left, right);
    if (bits_of_both(r, left, right, bits) < 0)
        return -1;
    if (bits[0] > 0 && bits[1] > 0 && check_bits(bits[0] + bits[1] - 1) < 0)
        return -1;
    return charge_digits(r, bits[0], bits[1]);
}

int cit_py_bound_div(struct cit_py_run *r, PyObject *left, PyObject *right)
{
    uint64_t bits[2];

    if (!PyLong_Check(left) || !PyLong_Check(right))
        return 0;
    if (bits_of_both(r, left, right, bits) < 0)
        return -1;
    return charge_digits(r, bits[0], bits[1]);
}

int cit_py_bound_pow(struct cit_py_run *r, PyObject *left, PyObject *right)
{
    uint64_t bits[2], least;
    int overflow;
    long long exponent;

    if (!PyLong_Check(left) || !PyLong_Check(right))
        return 0;
    exponent = PyLong_AsLongLongAndOverflow(right, &overflow);
    if (overflow < 0 || (overflow == 0 && exponent <= 0))
        return 0; /* a float, or 1 */
    if (bits_of(r->st, left, &bits[0]) < 0)
        return -1;
    bits[1] = overflow > 0 ? UINT64_MAX : (uint64_t)exponent;
    if (bits[0] <= 1)
        return 0; /* 0, 1 and -1 */
    least = saturated(bits[0] - 1, bits[1]);
    if (check_bits(least) < 0)
        return -1;
    return charge_digits(r, least, least / 4);
}

int cit_py_bound_result(struct cit_py_run *r, PyObject *result)
{
    uint64_t bits;

    if (PyLong_Check(result))
        return bits_of(r->st, result, &bits) < 0 ? -1 : check_bits(bits);
    if (PyUnicode_Check(result))
        return check_text((uint64_t)PyUnicode_GET_LENGTH(result));
    return PyList_Check(result) ? check_items((uint64_t)PyList_GET_SIZE(result)) : 0;
}

/* ---- texts of objects ---- */

/* A walk through containers inside each other, instead of recursion. */
struct frame {
    PyObject *container; /* owned */
    Py_ssize_t at;
};

struct walk {
    struct cit_py_run *r;
    struct frame frame[DEPTH_MAX];
    unsigned depth;
    uint64_t chars; /* counted so far; as few as they can be */
};

static int add_chars(struct walk *w, uint64_t chars)
{
    w->chars += chars;
    return check_text(w->chars) < 0 ? -1 : cit_py_charge(w->r, chars + LEAF_WORK);
}

static bool is_container(PyObject *o)
{
    return PyList_CheckExact(o) || PyTuple_CheckExact(o) || PyDict_CheckExact(o);
}

/* Something unusual: there is no way but to make it. */
static int add_made(struct walk *w, PyObject *o)
{
    PyObject *repr = PyObject_Repr(o);
    int err = repr == NULL ? -1 : add_chars(w, (uint64_t)PyUnicode_GET_LENGTH(repr));

    Py_XDECREF(repr);
    return err;
}

static int add_int(struct walk *w, PyObject *o)
{
    uint64_t bits;

    if (bits_of(w->r->st, o, &bits) < 0 || charge_digits(w->r, bits, bits) < 0)
        return -1;
    return add_chars(w, bits / 4 + 1);
}

static int add_leaf(struct walk *w, PyObject *o)
{
    if (PyUnicode_Check(o))
        return add_chars(w, (uint64_t)PyUnicode_GET_LENGTH(o));
    if (PyLong_Check(o))
        return add_int(w, o);
    if (PyFloat_CheckExact(o) || o == Py_None)
        return add_chars(w, 3);
    return add_made(w, o);
}

static int enter(struct walk *w, PyObject *o)
{
    if (!is_container(o))
        return add_leaf(w, o);
    if (w->depth == DEPTH_MAX) {
        PyErr_Format(PyExc_OverflowError, "lists are more than %d deep inside each other", DEPTH_MAX);
        return -1;
    }
    w->frame[w->depth++] = (struct frame){ .container = Py_NewRef(o) };
    return add_chars(w, 2);
}

static void leave(struct walk *w)
{
    Py_DECREF(w->frame[--w->depth].container);
}

/* The entry after the last one, as new references: 1, or 0 when there is none. */
static int next_entry(struct frame *f, PyObject **key, PyObject **value)
{
    PyObject *o = f->container;

    *key = NULL;
    if (PyDict_CheckExact(o)) {
        if (!PyDict_Next(o, &f->at, key, value)) /* borrowed: the frame keeps the dict */
            return 0;
        Py_INCREF(*key);
        Py_INCREF(*value);
        return 1;
    }
    if (PyList_CheckExact(o)) {
        if (f->at >= PyList_GET_SIZE(o))
            return 0;
        *value = Py_NewRef(PyList_GET_ITEM(o, f->at++)); /* borrowed from the list until NewRef */
        return 1;
    }
    if (f->at >= PyTuple_GET_SIZE(o))
        return 0;
    *value = Py_NewRef(PyTuple_GET_ITEM(o, f->at++));
    return 1;
}

static int walk_on(struct walk *w)
{
    PyObject *key, *value;
    int err;

    if (!next_entry(&w->frame[w->depth - 1], &key, &value)) {
        leave(w);
        return 0;
    }
    err = key == NULL || is_container(key) ? 0 : add_leaf(w, key); /* a tuple as a key: let it be */
    if (err == 0)
        err = add_chars(w, 2) < 0 ? -1 : enter(w, value);
    Py_XDECREF(key);
    Py_DECREF(value);
    return err;
}

/* Adds what str(o) has at least. */
static int add_text(struct cit_py_run *r, PyObject *o, uint64_t *chars)
{
    struct walk w;
    int err;

    w.r = r;
    w.depth = 0;
    w.chars = *chars;
    err = enter(&w, o);
    while (err == 0 && w.depth > 0)
        err = walk_on(&w);
    while (w.depth > 0)
        leave(&w);
    *chars = w.chars;
    return err;
}

int cit_py_bound_str(struct cit_py_run *r, PyObject *o)
{
    uint64_t chars = 0;

    return PyUnicode_CheckExact(o) ? 0 : add_text(r, o, &chars);
}

/* ---- printf-style formats ---- */

/* A scan that goes with Python's own: where that one will raise, this one stops. */
struct format {
    struct cit_py_run *r;
    int kind;
    const void *data;
    Py_ssize_t at, n;
    PyObject *args;    /* owned: what the next conversion takes from */
    PyObject *mapping; /* borrowed; NULL: keys are not allowed */
    Py_ssize_t taken;  /* arguments used up */
    uint64_t chars;
};

/* `%` [(key)] [flags] [width] [.precision] conversion */
struct spec {
    uint64_t width, precision;
    Py_UCS4 conversion;
};

enum { STOP = 1 }; /* beside 0 and -1 */

static Py_UCS4 peek(const struct format *f)
{
    return f->at < f->n ? PyUnicode_READ(f->kind, f->data, f->at) : 0;
}

static int take_arg(struct format *f, PyObject **arg)
{
    bool is_tuple = PyTuple_Check(f->args);

    if (f->taken >= (is_tuple ? PyTuple_GET_SIZE(f->args) : 1))
        return STOP;
    *arg = is_tuple ? PyTuple_GET_ITEM(f->args, f->taken) : f->args; /* borrowed from args */
    f->taken++;
    return 0;
}

/* Digits, or an argument for `*`. */
static int take_number(struct format *f, uint64_t *out)
{
    PyObject *arg;
    long long n;
    int err, overflow;

    if (peek(f) != '*') {
        for (; peek(f) >= '0' && peek(f) <= '9'; f->at++)
            *out = *out > CIT_PY_TEXT_CHARS ? *out : *out * 10 + (peek(f) - '0');
        return check_text(*out);
    }
    f->at++;
    err = take_arg(f, &arg);
    if (err != 0 || !PyLong_Check(arg))
        return err != 0 ? err : STOP;
    n = PyLong_AsLongLongAndOverflow(arg, &overflow);
    if (overflow != 0)
        return STOP;
    *out = n < 0 ? -(uint64_t)n : (uint64_t)n;
    return check_text(*out);
}

/* From now on arguments are taken from mapping[key]. */
static int take_key(struct format *f)
{
    Py_ssize_t from = ++f->at;
    PyObject *key, *value;

    if (f->mapping == NULL)
        return STOP;
    for (int open = 1; open > 0; f->at++) {
        if (f->at >= f->n)
            return STOP;
        open += (peek(f) == '(') - (peek(f) == ')');
    }
    key = PyUnicode_FromKindAndData(f->kind, (const char *)f->data + from * f->kind, f->at - 1 - from);
    value = key == NULL ? NULL : PyObject_GetItem(f->mapping, key);
    Py_XDECREF(key);
    if (value == NULL)
        return -1;
    Py_SETREF(f->args, value);
    f->taken = 0;
    return 0;
}

static int take_spec(struct format *f, struct spec *s)
{
    int err = peek(f) == '(' ? take_key(f) : 0;

    *s = (struct spec){ 0 };
    while (peek(f) != 0 && peek(f) < 128 && strchr("-+ #0", (int)peek(f)) != NULL)
        f->at++;
    if (err == 0)
        err = take_number(f, &s->width);
    if (err == 0 && peek(f) == '.') {
        f->at++;
        err = take_number(f, &s->precision);
    }
    while (peek(f) == 'h' || peek(f) == 'l' || peek(f) == 'L')
        f->at++;
    if (f->at >= f->n)
        return err != 0 ? err : STOP;
    s->conversion = peek(f);
    f->at++;
    return err;
}

static int add_converted(struct format *f, const struct spec *s)
{
    PyObject *arg;
    uint64_t before = f->chars, made;
    int err;

    if (s->conversion == '%') {
        f->chars++;
        return check_text(f->chars);
    }
    err = take_arg(f, &arg);
    if (err == 0)
        err = add_text(f->r, arg, &f->chars);
    made = f->chars - before;
    if (strchr("sra", (int)s->conversion) == NULL && s->precision > 0)
        made += s->precision;
    if (made < s->width)
        made = s->width;
    f->chars = before + made;
    return err != 0 ? err : check_text(f->chars);
}

static int scan(struct format *f)
{
    struct spec s;
    int err = 0;

    while (err == 0 && f->at < f->n) {
        if (PyUnicode_READ(f->kind, f->data, f->at++) != '%') {
            f->chars++;
            continue;
        }
        err = take_spec(f, &s);
        if (err == 0)
            err = s.conversion < 128 ? add_converted(f, &s) : STOP;
    }
    return err == 0 ? check_text(f->chars) : err;
}

static int bound_format_text(struct cit_py_run *r, PyObject *format, PyObject *args)
{
    struct format f = { .r = r, .args = Py_NewRef(args), .n = PyUnicode_GET_LENGTH(format) };
    int err;

    f.kind = PyUnicode_KIND(format);
    f.data = PyUnicode_DATA(format);
    if (PyMapping_Check(args) && !PyTuple_Check(args) && !PyUnicode_Check(args))
        f.mapping = args;
    err = cit_py_charge(r, (uint64_t)f.n + 1);
    if (err == 0)
        err = scan(&f);
    Py_DECREF(f.args);
    return err < 0 ? -1 : cit_py_charge(r, f.chars / 8);
}

int cit_py_bound_format(struct cit_py_run *r, PyObject *format, PyObject *args)
{
    PyObject *text;
    int err;

    if (PyUnicode_Check(format))
        return bound_format_text(r, format, args);
    text = PyBytes_Check(format)
               ? PyUnicode_DecodeLatin1(PyBytes_AS_STRING(format), PyBytes_GET_SIZE(format), NULL)
               : PyUnicode_DecodeLatin1(PyByteArray_AS_STRING(format), PyByteArray_GET_SIZE(format), NULL);
    if (text == NULL)
        return -1;
    err = bound_format_text(r, text, args);
    Py_DECREF(text);
    return err;
}
