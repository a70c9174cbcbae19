/* expr/eval_func.c - the functions of the strict dialect over plain values (docs/language.md). */
#include <math.h>

#include "expr/eval_int.h"

/* ---- operands ---- */

static enum cit_expr_func func_of(const struct cit__run *r)
{
    return (enum cit_expr_func)r->ins->arg;
}

/* Operand n (from 1) is of a wrong type. */
static int bad_operand(struct cit__run *r, uint32_t n, const struct cit_expr_value *args)
{
    const struct cit_expr_operand o = { .func = func_of(r),
                                        .n = n,
                                        .count = r->ins->count,
                                        .type = cit_expr_type_of(&args[n - 1]),
                                        .first = cit_expr_type_of(&args[0]) };

    cit_expr_fault_operand(r->err, &o);
    return CIT_EINVAL;
}

/* All operands are texts. */
static int want_texts(struct cit__run *r, const struct cit_expr_value *args)
{
    for (uint32_t i = 0; i < r->ins->count; i++)
        if (args[i].kind != CIT_EXPR_V_TEXT)
            return bad_operand(r, i + 1, args);
    return CIT_OK;
}

/* ---- numbers ---- */

static int give_float(struct cit__run *r, double f, struct cit_expr_value *out)
{
    if (!isfinite(f)) {
        cit_expr_fault_func_large(r->err, func_of(r));
        return CIT_EINVAL;
    }
    *out = cit_expr_real(f);
    return CIT_OK;
}

static int give_int(struct cit__run *r, double f, struct cit_expr_value *out)
{
    int64_t i;

    if (!cit__to_int(f, &i)) {
        cit_expr_fault_func_bits(r->err, func_of(r));
        return CIT_EINVAL;
    }
    *out = cit_expr_int(i);
    return CIT_OK;
}

static int absolute(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    if (v->kind == CIT_EXPR_V_FLOAT)
        return give_float(r, fabs(v->u.f), out);
    if (v->u.i == INT64_MIN) {
        cit_expr_fault_func_bits(r->err, CIT_EXPR_F_abs);
        return CIT_EINVAL;
    }
    *out = cit_expr_int(v->u.i < 0 ? -v->u.i : v->u.i);
    return CIT_OK;
}

static int root(struct cit__run *r, double f, struct cit_expr_value *out)
{
    if (f < 0.0) {
        cit_expr_fault_sqrt(r->err);
        return CIT_EINVAL;
    }
    return give_float(r, sqrt(f), out);
}

/* One operand, which must be a number.  An integer stays as it is where only a fraction would go. */
static int of_number(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    enum cit_expr_func func = func_of(r);
    double f;

    if (!cit__is_number(v))
        return bad_operand(r, 1, v);
    f = cit__to_double(v);
    if (func == CIT_EXPR_F_abs)
        return absolute(r, v, out);
    if (func == CIT_EXPR_F_sqrt)
        return root(r, f, out);
    if (func == CIT_EXPR_F_sin || func == CIT_EXPR_F_cos || func == CIT_EXPR_F_tan)
        return give_float(r, func == CIT_EXPR_F_sin ? sin(f) : func == CIT_EXPR_F_cos ? cos(f) : tan(f), out);
    if (func == CIT_EXPR_F_sign) {
        *out = cit_expr_int((f > 0.0) - (f < 0.0));
        return CIT_OK;
    }
    if (v->kind == CIT_EXPR_V_INT) {
        *out = *v;
        return CIT_OK;
    }
    return give_int(r, func == CIT_EXPR_F_floor ? floor(f) : func == CIT_EXPR_F_ceil ? ceil(f) : trunc(f), out);
}

static int rounded(struct cit__run *r, const struct cit_expr_value *args, struct cit_expr_value *out)
{
    bool has_decimals = r->ins->count == 2;

    if (!cit__is_number(&args[0]))
        return bad_operand(r, 1, args);
    if (has_decimals && args[1].kind != CIT_EXPR_V_INT)
        return bad_operand(r, 2, args);
    if (has_decimals && (args[1].u.i < 0 || args[1].u.i > CIT_EXPR_DECIMALS_MAX)) {
        cit_expr_fault_decimals(r->err, args[1].u.i);
        return CIT_EINVAL;
    }
    if (args[0].kind == CIT_EXPR_V_INT) {
        *out = args[0];
        return CIT_OK;
    }
    if (has_decimals)
        return give_float(r, cit__round_decimals(args[0].u.f, (unsigned)args[1].u.i), out);
    return give_int(r, cit__round_even(args[0].u.f), out);
}

/* ---- the least, the greatest ---- */

/* Whether v goes with the first one: numbers with numbers, texts with texts. */
static bool goes_with(const struct cit_expr_value *first, const struct cit_expr_value *v)
{
    if (cit__is_number(first))
        return cit__is_number(v);
    return first->kind == CIT_EXPR_V_TEXT && v->kind == CIT_EXPR_V_TEXT;
}

static bool is_before(const struct cit_expr_value *a, const struct cit_expr_value *b, bool wants_greatest)
{
    int order = cit__is_number(a) ? cit__order_numbers(a, b) : cit__text_order(a->u.s, b->u.s);

    return wants_greatest ? order > 0 && !(cit__is_number(a) && order == 2) : order < 0;
}

/* The one of `count` values; where one does not go with the first, its number from 1 in *bad. */
static struct cit_expr_value pick(const struct cit_expr_value *at, size_t count, bool wants_greatest, size_t *bad)
{
    struct cit_expr_value best = at[0];

    *bad = 0;
    for (size_t i = 0; i < count && *bad == 0; i++) {
        if (!goes_with(&at[0], &at[i]))
            *bad = i + 1;
        else if (is_before(&at[i], &best, wants_greatest))
            best = at[i];
    }
    return best;
}

static int extreme_of_list(struct cit__run *r, const struct cit_expr_value *list, struct cit_expr_value *out)
{
    size_t count = list->u.list.count, bad;
    const struct cit_expr_value *at = list->u.list.at;
    struct cit_expr_value best;
    int err = cit__charge(r, count);

    if (err != CIT_OK)
        return err;
    if (count == 0) {
        *out = cit_expr_null();
        return CIT_OK;
    }
    best = pick(at, count, func_of(r) == CIT_EXPR_F_max, &bad);
    if (bad > 0) {
        const struct cit_expr_operand o = { .func = func_of(r),
                                            .n = bad > UINT32_MAX ? UINT32_MAX : (uint32_t)bad,
                                            .type = cit_expr_type_of(&at[bad - 1]),
                                            .first = cit_expr_type_of(&at[0]) };

        cit_expr_fault_list_item(r->err, &o);
        return CIT_EINVAL;
    }
    *out = best;
    return CIT_OK;
}

static int extreme(struct cit__run *r, const struct cit_expr_value *args, struct cit_expr_value *out)
{
    struct cit_expr_value best;
    size_t bad;

    if (r->ins->count == 1 && args[0].kind == CIT_EXPR_V_LIST)
        return extreme_of_list(r, &args[0], out);
    best = pick(args, r->ins->count, func_of(r) == CIT_EXPR_F_max, &bad);
    if (bad > 0)
        return bad_operand(r, (uint32_t)bad, args);
    *out = best;
    return CIT_OK;
}

/* ---- texts ---- */

static int length(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    size_t n;
    int err = CIT_OK;

    if (v->kind == CIT_EXPR_V_TEXT) {
        n = cit__text_chars(v->u.s);
        err = cit__charge(r, cit__byte_steps(v->u.s.n));
    } else if (v->kind == CIT_EXPR_V_LIST) {
        n = v->u.list.count;
    } else if (v->kind == CIT_EXPR_V_MAP) {
        n = v->u.map.ops->count(v->u.map.ctx);
    } else {
        return bad_operand(r, 1, v);
    }
    if (err == CIT_OK)
        *out = cit_expr_int((int64_t)n);
    return err;
}

static bool is_end(struct cit_slice text, struct cit_slice part, bool is_front)
{
    return text.n >= part.n && cit_slice_eq(cit_slice(is_front ? text.p : text.p + (text.n - part.n), part.n), part);
}

static int ends(struct cit__run *r, const struct cit_expr_value *args, struct cit_expr_value *out)
{
    int err = want_texts(r, args);

    if (err == CIT_OK)
        *out = cit_expr_bool(is_end(args[0].u.s, args[1].u.s, func_of(r) == CIT_EXPR_F_startswith));
    return err;
}

/* lower, upper, trim */
static int changed(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    struct cit_slice made = { 0 };
    int err = want_texts(r, v);

    if (err != CIT_OK)
        return err;
    if (func_of(r) == CIT_EXPR_F_trim)
        made = cit__text_trim(v->u.s);
    else
        err = cit__text_case(r, v->u.s, func_of(r) == CIT_EXPR_F_upper, &made);
    if (err == CIT_OK)
        *out = cit_expr_text(made);
    return err;
}

static int replaced(struct cit__run *r, const struct cit_expr_value *args, struct cit_expr_value *out)
{
    struct cit_slice made = { 0 };
    int err = want_texts(r, args);

    if (err != CIT_OK)
        return err;
    if (args[1].u.s.n == 0) {
        cit_expr_fault_replace(r->err);
        return CIT_EINVAL;
    }
    err = cit__charge(r, cit__byte_steps(args[0].u.s.n));
    if (err == CIT_OK)
        err = cit__text_replace(r, (struct cit_slice[]){ args[0].u.s, args[1].u.s, args[2].u.s }, &made);
    if (err == CIT_OK)
        *out = cit_expr_text(made);
    return err;
}

/* ---- between types ---- */

static int number(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    int err;

    if (v->kind == CIT_EXPR_V_TEXT) {
        err = cit__charge(r, cit__byte_steps(v->u.s.n));
        if (err == CIT_OK)
            *out = cit__number_of_text(v->u.s);
        return err;
    }
    if (v->kind != CIT_EXPR_V_NULL && !cit__is_number(v))
        return bad_operand(r, 1, v);
    *out = *v;
    return CIT_OK;
}

static int text_of_number(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    char *p;
    int err = cit__take_text(r, CIT_EXPR_FLOAT_TEXT_MAX, &p);

    if (err == CIT_OK)
        *out = cit_expr_text(cit_slice(p, cit__number_text(v, p)));
    return err;
}

static int text(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    if (cit__is_number(v))
        return text_of_number(r, v, out);
    if (v->kind == CIT_EXPR_V_TEXT)
        *out = *v;
    else if (v->kind == CIT_EXPR_V_NULL)
        *out = cit_expr_text(CIT_SLICE_LIT("null"));
    else if (v->kind == CIT_EXPR_V_BOOL)
        *out = cit_expr_text(v->u.b ? CIT_SLICE_LIT("true") : CIT_SLICE_LIT("false"));
    else
        return bad_operand(r, 1, v);
    return CIT_OK;
}

static int contains(struct cit__run *r, const struct cit_expr_value *args, struct cit_expr_value *out)
{
    bool found = false;
    int err = cit__strict_in(r, &args[1], &args[0], &found);

    if (err == CIT_OK)
        *out = cit_expr_bool(found);
    return err;
}

int cit__strict_call(struct cit__run *r, const struct cit_expr_value *args, struct cit_expr_value *out)
{
    switch (func_of(r)) {
    case CIT_EXPR_F_sin:
    case CIT_EXPR_F_cos:
    case CIT_EXPR_F_tan:
    case CIT_EXPR_F_abs:
    case CIT_EXPR_F_trunc:
    case CIT_EXPR_F_sign:
    case CIT_EXPR_F_floor:
    case CIT_EXPR_F_ceil:
    case CIT_EXPR_F_sqrt:
        return of_number(r, args, out);
    case CIT_EXPR_F_round:
        return rounded(r, args, out);
    case CIT_EXPR_F_min:
    case CIT_EXPR_F_max:
        return extreme(r, args, out);
    case CIT_EXPR_F_str:
        return text(r, args, out);
    case CIT_EXPR_F_num:
        return number(r, args, out);
    case CIT_EXPR_F_len:
        return length(r, args, out);
    case CIT_EXPR_F_lower:
    case CIT_EXPR_F_upper:
    case CIT_EXPR_F_trim:
        return changed(r, args, out);
    case CIT_EXPR_F_contains:
        return contains(r, args, out);
    case CIT_EXPR_F_startswith:
    case CIT_EXPR_F_endswith:
        return ends(r, args, out);
    case CIT_EXPR_F_replace:
        return replaced(r, args, out);
    case CIT_EXPR_F_exists:
        *out = cit_expr_bool(args[0].kind != CIT_EXPR_V_NULL);
        return CIT_OK;
    case CIT_EXPR_F_matches: /* instructions of their own */
    case CIT_EXPR_F_default:
    case CIT_EXPR_F_if:
    case CIT_EXPR_FUNC_COUNT:
        break;
    }
    return CIT_EINVAL;
}
