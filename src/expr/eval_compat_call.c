/* expr/eval_compat_call.c - the functions of the compat dialects over plain values: what Python's would give. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "expr/eval_int.h"

/* ---- str() ---- */

/* Where a text goes: nowhere while it is measured. */
struct writer {
    char *p; /* or NULL */
    size_t n;
    bool needs_python; /* the repr() of something is not known here */
};

static void put(struct writer *w, const char *p, size_t n)
{
    if (w->p != NULL && n > 0)
        memcpy(w->p + w->n, p, n);
    w->n += n;
}

static void put_escape(struct writer *w, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[4] = { '\\', c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : 'x', hex[c >> 4], hex[c & 15] };

    put(w, text, text[1] == 'x' ? 4 : 2);
}

/* repr() of a text.  Which characters beyond ASCII are printable only Python knows. */
static void put_quoted(struct writer *w, struct cit_slice s)
{
    bool has_single = s.n > 0 && memchr(s.p, '\'', s.n) != NULL;
    bool has_double = s.n > 0 && memchr(s.p, '"', s.n) != NULL;
    char quote = has_single && !has_double ? '"' : '\'';

    put(w, &quote, 1);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        w->needs_python |= c >= 0x80;
        if (c == (unsigned char)quote || c == '\\')
            put(w, "\\", 1);
        if (c < 0x20 || c == 0x7f)
            put_escape(w, c);
        else
            put(w, &s.p[i], 1);
    }
    put(w, &quote, 1);
}

static void put_repr(struct writer *w, const struct cit_expr_value *v, unsigned depth);

static void put_list(struct writer *w, const struct cit_expr_value *v, unsigned depth)
{
    bool is_raw = v->kind == CIT_EXPR_V_RAW;
    size_t count = is_raw ? v->u.raw.count : v->u.list.count;

    put(w, "[", 1);
    for (size_t i = 0; i < count && !w->needs_python; i++) {
        if (i > 0)
            put(w, ", ", 2);
        if (is_raw)
            put_quoted(w, v->u.raw.at[i]);
        else
            put_repr(w, &v->u.list.at[i], depth + 1);
    }
    put(w, "]", 1);
}

static void put_repr(struct writer *w, const struct cit_expr_value *v, unsigned depth)
{
    char number[CIT_EXPR_FLOAT_TEXT_MAX];

    if (v->kind == CIT_EXPR_V_NULL)
        put(w, "None", 4);
    else if (v->kind == CIT_EXPR_V_BOOL)
        put(w, v->u.b ? "True" : "False", v->u.b ? 4 : 5);
    else if (v->kind == CIT_EXPR_V_INT)
        put(w, number, cit__number_text(v, number));
    else if (v->kind == CIT_EXPR_V_FLOAT)
        put(w, number, cit_expr_float_text(v->u.f, number));
    else if (v->kind == CIT_EXPR_V_TEXT)
        put_quoted(w, v->u.s);
    else if (v->kind == CIT_EXPR_V_MAP || depth == CIT_EXPR_NESTED_MAX)
        w->needs_python = true;
    else
        put_list(w, v, depth);
}

/* A float stands without ".0", a text as it is, all else as Python shows it. */
static void put_str(struct writer *w, const struct cit_expr_value *v)
{
    char number[CIT_EXPR_FLOAT_TEXT_MAX];

    if (v->kind == CIT_EXPR_V_FLOAT)
        put(w, number, cit__number_text(v, number));
    else
        put_repr(w, v, 0);
}

static int text_of(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    struct writer w = { 0 };
    size_t size;
    int err;

    if (v->kind == CIT_EXPR_V_TEXT) {
        *out = *v;
        return CIT_OK;
    }
    put_str(&w, v);
    if (w.needs_python)
        return cit__unsupported(r, "this value as a text needs Python's objects");
    size = w.n;
    err = cit__take_text(r, size, &w.p);
    if (err != CIT_OK)
        return err;
    w.n = 0;
    put_str(&w, v);
    *out = cit_expr_text(cit_slice(w.p, size));
    return CIT_OK;
}

/* ---- functions ---- */

static int angle(struct cit__run *r, enum cit_expr_func func, double f, struct cit_expr_value *out)
{
    if (isinf(f))
        return cit__compat_value_error(r, "an angle must be finite");
    *out = cit_expr_real(func == CIT_EXPR_F_sin ? sin(f) : func == CIT_EXPR_F_cos ? cos(f) : tan(f));
    return CIT_OK;
}

static int absolute(struct cit__run *r, const struct cit_expr_value *x, struct cit_expr_value *out)
{
    if (x->kind == CIT_EXPR_V_FLOAT) {
        *out = cit_expr_real(fabs(x->u.f));
        return CIT_OK;
    }
    if (x->u.i == INT64_MIN)
        return cit__compat_too_wide(r);
    *out = cit_expr_int(x->u.i < 0 ? -x->u.i : x->u.i);
    return CIT_OK;
}

static int rounded(struct cit__run *r, const struct cit_expr_value *x, struct cit_expr_value *out)
{
    struct cit_expr_value whole_float = *x;
    int64_t i = 0;
    int err;

    if (x->kind == CIT_EXPR_V_FLOAT)
        whole_float.u.f = cit__round_even(x->u.f);
    err = cit__compat_int_of(r, &whole_float, &i);
    if (err == CIT_OK)
        *out = cit_expr_int(i);
    return err;
}

static int truncated(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    int64_t i = 0;
    int err = cit__compat_int_of(r, v, &i);

    if (err == CIT_OK)
        *out = cit_expr_int(i);
    return err;
}

int cit__compat_call(struct cit__run *r, const struct cit_expr_value *arg, struct cit_expr_value *out)
{
    enum cit_expr_func func = (enum cit_expr_func)r->ins->arg;
    struct cit_expr_value x;
    double f;

    if (func == CIT_EXPR_F_str)
        return text_of(r, arg, out);
    if (func == CIT_EXPR_F_trunc)
        return truncated(r, arg, out);
    if (!cit__compat_as_number(arg, &x)) {
        cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_TYPE, "%s() takes a number, not %s", cit_expr_func_name(func),
                              cit_expr_type_text(cit_expr_type_of(arg)));
        return CIT_EINVAL;
    }
    f = cit__to_double(&x);
    if (func == CIT_EXPR_F_abs)
        return absolute(r, &x, out);
    if (func == CIT_EXPR_F_round)
        return rounded(r, &x, out);
    if (func != CIT_EXPR_F_sign)
        return angle(r, func, f, out);
    *out = cit_expr_int(fabs(f) > DBL_EPSILON ? (f > 0.0) - (f < 0.0) : 0);
    return CIT_OK;
}
