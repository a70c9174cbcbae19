/* expr/eval_compat.c - the compat dialects over plain values: what Python's operators would give.
 *
 * Logic and comparison first make False of whatever is falsy, which makes None, '', 0 and [] one and the
 * same; a list literal on the left becomes a list.  What needs Python's objects (complex numbers,
 * integers of more than 64 bits, '%' formatting) fails and says so.
 */
#include <math.h>
#include <string.h>

#include "expr/eval_int.h"

/* Integers up to here are the same number as a double. */
#define EXACT_MAX ((int64_t)1 << 53)

int cit__unsupported(struct cit__run *r, const char *what)
{
    cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_UNSUPPORTED, "%s", what);
    return CIT_EINVAL;
}

static int type_error(struct cit__run *r, const char *what)
{
    cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_TYPE, "%s", what);
    return CIT_EINVAL;
}

int cit__compat_value_error(struct cit__run *r, const char *what)
{
    cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_VALUE, "%s", what);
    return CIT_EINVAL;
}

static int index_error(struct cit__run *r)
{
    cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_INDEX, "the index is out of range");
    return CIT_EINVAL;
}

int cit__compat_too_wide(struct cit__run *r)
{
    return cit__unsupported(r, "the integer needs more than 64 bits, which needs Python's objects");
}

static int bad_operands(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right)
{
    cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_TYPE, "%s does not take %s and %s",
                          cit_expr_op_sign((enum cit_expr_op)r->ins->op), cit_expr_type_text(cit_expr_type_of(left)),
                          cit_expr_type_text(cit_expr_type_of(right)));
    return CIT_EINVAL;
}

/* ---- conversion ---- */

/* Python's float() reads all decimal digits and blanks of Unicode.  `copy` has room for text.n bytes. */
static bool to_ascii(struct cit_slice text, char *copy, struct cit_slice *out)
{
    size_t used = 0, n;

    for (; text.n > 0; text = cit_slice(text.p + n, text.n - n)) {
        uint32_t code = cit__text_code(text, &n);
        int digit = code < 0x80 ? -1 : cit__decimal_digit(code);

        if (code >= 0x80 && digit < 0 && !cit__is_blank(code))
            return false;
        copy[used++] = code < 0x80 ? (char)code : digit >= 0 ? (char)('0' + digit) : ' ';
    }
    *out = cit_slice(copy, used);
    return true;
}

/* 1 and *f, 0 when the text is no number, or a failure. */
static int float_of_text(struct cit__run *r, struct cit_slice text, double *f)
{
    struct cit_slice ascii;
    char *copy;
    int is = cit_expr_float(text, f), err;

    if (is >= 0)
        return is;
    err = cit__charge(r, cit__byte_steps(text.n));
    if (err == CIT_OK)
        err = cit__take_text(r, text.n, &copy);
    if (err != CIT_OK)
        return err;
    return to_ascii(text, copy, &ascii) && cit_expr_float(ascii, f) == 1;
}

static int convert_text(struct cit__run *r, struct cit_slice text, struct cit_expr_value *out)
{
    double f;
    int is = float_of_text(r, text, &f);

    if (is < 0)
        return is;
    if (is)
        *out = cit_expr_real(f);
    else if (cit_slice_eq(text, CIT_SLICE_LIT("True")) || cit_slice_eq(text, CIT_SLICE_LIT("False")))
        *out = cit_expr_bool(text.n == 4);
    else
        *out = cit_expr_text(text);
    return CIT_OK;
}

int cit__compat_convert(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    if (v->kind == CIT_EXPR_V_TEXT)
        return convert_text(r, v->u.s, out);
    if (v->kind == CIT_EXPR_V_BOOL)
        *out = cit_expr_real(v->u.b ? 1.0 : 0.0);
    else if (v->kind == CIT_EXPR_V_INT)
        *out = cit_expr_real((double)v->u.i);
    else
        *out = *v;
    return CIT_OK;
}

/* The list a list literal is on the left of an operator. */
static int list_of_raw(struct cit__run *r, struct cit_expr_value *v)
{
    size_t count = v->u.raw.count;
    struct cit_expr_value *items = NULL;
    int err = cit__take_items(r, count, &items);

    for (size_t i = 0; err == CIT_OK && i < count; i++)
        err = convert_text(r, v->u.raw.at[i], &items[i]);
    if (err == CIT_OK)
        *v = cit_expr_list(items, count);
    return err;
}

/* ---- names ---- */

static bool is_clock(struct cit_slice name)
{
    return cit_slice_eq(name, CIT_SLICE_LIT("current_day")) || cit_slice_eq(name, CIT_SLICE_LIT("current_time")) ||
           cit_slice_eq(name, CIT_SLICE_LIT("current_date"));
}

static bool is_reserved(const struct cit__run *r, struct cit_slice name)
{
    const struct cit_expr_lookup *l = r->task->lookup;

    return (l->now != NULL && is_clock(name)) || (l->is_reserved != NULL && l->is_reserved(l->ctx, name));
}

static bool is_array(const struct cit__run *r, uint32_t name)
{
    const struct cit_expr_lookup *l = r->task->lookup;

    return r->program->dialect == CIT_EXPR_B && l->is_array != NULL && l->is_array(l->ctx, r->program->names[name]);
}

/* The value of a name, converted unless it is reserved. */
static int get_name(struct cit__run *r, uint32_t name, struct cit_expr_value *out)
{
    struct cit_expr_value v;
    bool is_there;
    int err = cit__fetch(r, name, &v, &is_there);

    if (err != CIT_OK)
        return err;
    if (!is_reserved(r, r->program->names[name]))
        return cit__compat_convert(r, &v, out);
    *out = v;
    return CIT_OK;
}

/* The last element of an array variable stands for all. */
int cit__compat_name(struct cit__run *r, uint32_t name, struct cit_expr_value *out)
{
    struct cit_expr_value v;
    int err = get_name(r, name, &v);

    if (err != CIT_OK)
        return err;
    if (v.kind != CIT_EXPR_V_LIST || !is_array(r, name)) {
        *out = v;
        return CIT_OK;
    }
    if (v.u.list.count == 0)
        return index_error(r);
    return cit__compat_convert(r, &v.u.list.at[v.u.list.count - 1], out);
}

/* int() of a value. */
int cit__compat_int_of(struct cit__run *r, const struct cit_expr_value *v, int64_t *out)
{
    switch ((enum cit_expr_value_kind)v->kind) {
    case CIT_EXPR_V_BOOL:
        *out = v->u.b;
        return CIT_OK;
    case CIT_EXPR_V_INT:
        *out = v->u.i;
        return CIT_OK;
    case CIT_EXPR_V_FLOAT:
        if (cit__to_int(v->u.f, out))
            return CIT_OK;
        if (isnan(v->u.f))
            return cit__compat_value_error(r, "NaN is no integer");
        if (!isinf(v->u.f))
            return cit__compat_too_wide(r);
        cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_OVERFLOW, "infinity is no integer");
        return CIT_EINVAL;
    case CIT_EXPR_V_TEXT: /* what int() reads, float() reads too: then it is no text any more */
        return cit__compat_value_error(r, "the text is no integer");
    case CIT_EXPR_V_NULL:
    case CIT_EXPR_V_LIST:
    case CIT_EXPR_V_MAP:
    case CIT_EXPR_V_RAW:
        break;
    }
    cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_TYPE, "an integer is needed, not %s",
                          cit_expr_type_text(cit_expr_type_of(v)));
    return CIT_EINVAL;
}

/* v[i] */
static int element(struct cit__run *r, const struct cit_expr_value *v, int64_t i, struct cit_expr_value *out)
{
    struct cit_slice found;
    size_t count;

    if (v->kind == CIT_EXPR_V_TEXT) {
        if (!cit__text_char_at(v->u.s, i, &found))
            return index_error(r);
        return convert_text(r, found, out);
    }
    if (v->kind != CIT_EXPR_V_LIST)
        return type_error(r, "only a list or a text has places");
    count = v->u.list.count;
    i += i < 0 ? (int64_t)count : 0;
    if (i < 0 || (uint64_t)i >= count)
        return index_error(r);
    return cit__compat_convert(r, &v->u.list.at[i], out);
}

int cit__compat_name_at(struct cit__run *r, uint32_t name, const struct cit_expr_value *index,
                        struct cit_expr_value *out)
{
    struct cit_expr_value v;
    int64_t i = 0;
    int err = get_name(r, name, &v);

    if (err != CIT_OK)
        return err;
    if (is_reserved(r, r->program->names[name]) || !is_array(r, name)) {
        *out = v;
        return CIT_OK;
    }
    err = cit__compat_int_of(r, index, &i);
    return err == CIT_OK ? element(r, &v, i, out) : err;
}

/* ---- comparison ---- */

/* Python's bools are integers. */
bool cit__compat_as_number(const struct cit_expr_value *v, struct cit_expr_value *out)
{
    *out = v->kind == CIT_EXPR_V_BOOL ? cit_expr_int(v->u.b) : *v;
    return cit__is_number(out);
}

static int equal(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b, unsigned depth,
                 bool *out);

static int equal_lists(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b,
                       unsigned depth, bool *out)
{
    bool is_equal = a->u.list.count == b->u.list.count;
    int err = CIT_OK;

    for (size_t i = 0; err == CIT_OK && is_equal && i < a->u.list.count; i++)
        err = equal(r, &a->u.list.at[i], &b->u.list.at[i], depth, &is_equal);
    *out = is_equal;
    return err;
}

static int equal_maps(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b,
                      unsigned depth, bool *out)
{
    const struct cit_expr_map_ops *ops = a->u.map.ops, *others = b->u.map.ops;
    size_t count = ops->count(a->u.map.ctx);
    bool is_equal = count == others->count(b->u.map.ctx);
    int err = CIT_OK;

    for (size_t i = 0; err == CIT_OK && is_equal && i < count; i++) {
        struct cit_expr_value mine = cit_expr_null(), other = cit_expr_null();
        struct cit_slice key = { 0 };

        err = ops->entry(a->u.map.ctx, i, &key, &mine);
        if (err == CIT_OK)
            err = others->get(b->u.map.ctx, key, &other);
        is_equal = err == CIT_OK;
        if (err == CIT_OK)
            err = equal(r, &mine, &other, depth, &is_equal);
        err = err == CIT_ENOENT ? CIT_OK : err;
    }
    *out = is_equal;
    return err;
}

/* Python's ==.  A list literal that is still one equals nothing: each is an object of its own. */
static int equal(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b, unsigned depth,
                 bool *out)
{
    struct cit_expr_value x, y;
    int err = cit__charge(r, 1);

    if (err != CIT_OK)
        return err;
    if (depth == CIT_EXPR_NESTED_MAX) {
        cit_expr_fault_nested(r->err);
        return CIT_ELIMIT;
    }
    *out = false;
    if (cit__compat_as_number(a, &x) && cit__compat_as_number(b, &y))
        *out = cit__order_numbers(&x, &y) == 0;
    else if (a->kind != b->kind || a->kind == CIT_EXPR_V_RAW)
        *out = false;
    else if (a->kind == CIT_EXPR_V_LIST)
        return equal_lists(r, a, b, depth + 1, out);
    else if (a->kind == CIT_EXPR_V_MAP)
        return equal_maps(r, a, b, depth + 1, out);
    else
        *out = a->kind == CIT_EXPR_V_NULL || cit_slice_eq(a->u.s, b->u.s);
    return CIT_OK;
}

static bool is_ordered(enum cit_expr_op op, int order)
{
    if (order == 2) /* NaN is neither */
        return false;
    if (op == CIT_EXPR_LT || op == CIT_EXPR_LE)
        return order < 0 || (order == 0 && op == CIT_EXPR_LE);
    return order > 0 || (order == 0 && op == CIT_EXPR_GE);
}

static int compare(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b, unsigned depth,
                   bool *out);

/* The first items that differ decide, else the lengths. */
static int compare_lists(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b,
                         unsigned depth, bool *out)
{
    size_t n = a->u.list.count < b->u.list.count ? a->u.list.count : b->u.list.count;

    for (size_t i = 0; i < n; i++) {
        bool is_equal = false;
        int err = equal(r, &a->u.list.at[i], &b->u.list.at[i], depth, &is_equal);

        if (err != CIT_OK)
            return err;
        if (!is_equal)
            return compare(r, &a->u.list.at[i], &b->u.list.at[i], depth, out);
    }
    *out = is_ordered((enum cit_expr_op)r->ins->op,
                      (a->u.list.count > b->u.list.count) - (a->u.list.count < b->u.list.count));
    return CIT_OK;
}

static int compare(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b, unsigned depth,
                   bool *out)
{
    enum cit_expr_op op = (enum cit_expr_op)r->ins->op;
    struct cit_expr_value x, y;
    int order;

    if (depth == CIT_EXPR_NESTED_MAX) {
        cit_expr_fault_nested(r->err);
        return CIT_ELIMIT;
    }
    if (cit__compat_as_number(a, &x) && cit__compat_as_number(b, &y)) {
        *out = is_ordered(op, cit__order_numbers(&x, &y));
    } else if (a->kind == CIT_EXPR_V_TEXT && b->kind == CIT_EXPR_V_TEXT) {
        order = cit__text_order(a->u.s, b->u.s);
        *out = is_ordered(op, (order > 0) - (order < 0));
    } else if (a->kind == CIT_EXPR_V_LIST && b->kind == CIT_EXPR_V_LIST) {
        return compare_lists(r, a, b, depth + 1, out);
    } else {
        return bad_operands(r, a, b);
    }
    return CIT_OK;
}

/* ---- in, &, | ---- */

static int find_in_list(struct cit__run *r, const struct cit_expr_value *list, const struct cit_expr_value *needle,
                        bool *out)
{
    bool found = false;
    int err = CIT_OK;

    for (size_t i = 0; err == CIT_OK && !found && i < list->u.list.count; i++)
        err = equal(r, &list->u.list.at[i], needle, 0, &found);
    *out = found;
    return err;
}

static int find_key(struct cit__run *r, const struct cit_expr_value *map, const struct cit_expr_value *key, bool *out)
{
    struct cit_expr_value unseen;
    int err;

    if (key->kind == CIT_EXPR_V_LIST || key->kind == CIT_EXPR_V_MAP)
        return type_error(r, "a list or a mapping cannot be a key");
    if (key->kind != CIT_EXPR_V_TEXT) {
        *out = false;
        return CIT_OK;
    }
    err = map->u.map.ops->get(map->u.map.ctx, key->u.s, &unseen);
    *out = err == CIT_OK;
    return err == CIT_ENOENT ? CIT_OK : err;
}

static int find(struct cit__run *r, const struct cit_expr_value *container, const struct cit_expr_value *needle,
                bool *out)
{
    if (container->kind == CIT_EXPR_V_LIST)
        return find_in_list(r, container, needle, out);
    if (container->kind == CIT_EXPR_V_MAP)
        return find_key(r, container, needle, out);
    if (container->kind != CIT_EXPR_V_TEXT || needle->kind != CIT_EXPR_V_TEXT)
        return bad_operands(r, needle, container);
    *out = cit__text_contains(container->u.s, needle->u.s);
    return cit__charge(r, cit__byte_steps(container->u.s.n));
}

static bool whole(const struct cit_expr_value *v, int64_t *out)
{
    *out = v->kind == CIT_EXPR_V_BOOL ? v->u.b : v->kind == CIT_EXPR_V_INT ? v->u.i : 0;
    return v->kind == CIT_EXPR_V_BOOL || v->kind == CIT_EXPR_V_INT;
}

static int bits(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                struct cit_expr_value *out)
{
    bool is_and = r->ins->op == CIT_EXPR_BIT_AND;
    int64_t i, j;

    if (!whole(left, &i) || !whole(right, &j))
        return bad_operands(r, left, right);
    if (left->kind == CIT_EXPR_V_BOOL && right->kind == CIT_EXPR_V_BOOL)
        *out = cit_expr_bool(is_and ? (i & j) != 0 : (i | j) != 0);
    else
        *out = cit_expr_int(is_and ? i & j : i | j);
    return CIT_OK;
}

/* What the operators of this group see of an operand. */
static struct cit_expr_value falsy_is_false(const struct cit_expr_value *v)
{
    return cit_expr_is_truthy(v) ? *v : cit_expr_bool(false);
}

/* EQ .. BANG; the container of IN has been made `left`. */
static int logic(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                 struct cit_expr_value *out)
{
    enum cit_expr_op op = (enum cit_expr_op)r->ins->op;
    bool truth = false;
    int err;

    if (op == CIT_EXPR_BIT_AND || op == CIT_EXPR_BIT_OR)
        return bits(r, left, right, out);
    if (op == CIT_EXPR_BANG)
        return bad_operands(r, left, right);
    if (op == CIT_EXPR_IN)
        err = find(r, left, right, &truth);
    else if (op == CIT_EXPR_EQ || op == CIT_EXPR_NE)
        err = equal(r, left, right, 0, &truth);
    else
        err = compare(r, left, right, 0, &truth);
    if (err == CIT_OK)
        *out = cit_expr_bool(op == CIT_EXPR_NE ? !truth : truth);
    return err;
}

/* ---- arithmetic ---- */

static int power_failed(struct cit__run *r, enum cit__outcome how)
{
    if (how == CIT__BITS)
        return cit__compat_too_wide(r);
    if (how == CIT__FRACTION)
        return cit__unsupported(r, "the result is a complex number, which needs Python's objects");
    cit_expr_fault_zero(r->err, (enum cit_expr_op)r->ins->op);
    return CIT_EINVAL;
}

static int numbers(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                   struct cit_expr_value *out)
{
    enum cit_expr_op op = (enum cit_expr_op)r->ins->op;
    struct cit_expr_value result;
    enum cit__outcome how;

    /* Python divides integers exactly, and rounds once. */
    if (op == CIT_EXPR_DIV && left->kind == CIT_EXPR_V_INT && right->kind == CIT_EXPR_V_INT &&
        (left->u.i > EXACT_MAX || left->u.i < -EXACT_MAX || right->u.i > EXACT_MAX || right->u.i < -EXACT_MAX))
        return cit__unsupported(r, "dividing integers of more than 53 bits needs Python's objects");
    how = cit__arith(op, left, right, &result);
    if (how != CIT__DONE)
        return power_failed(r, how);
    if (op == CIT_EXPR_POW && result.kind == CIT_EXPR_V_FLOAT && isinf(result.u.f) && isfinite(cit__to_double(left)) &&
        isfinite(cit__to_double(right))) {
        cit_expr_fault_op_large(r->err, op);
        return CIT_EINVAL;
    }
    *out = result;
    return CIT_OK;
}

static int join(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                struct cit_expr_value *out)
{
    struct cit_expr_value *items = NULL;
    struct cit_slice joined;
    int err;

    if (left->kind == CIT_EXPR_V_TEXT) {
        err = cit__text_join(r, left->u.s, right->u.s, &joined);
        if (err == CIT_OK)
            *out = cit_expr_text(joined);
        return err;
    }
    err = cit__take_items(r, left->u.list.count + right->u.list.count, &items);
    if (err != CIT_OK)
        return err;
    for (size_t i = 0; i < left->u.list.count; i++)
        items[i] = left->u.list.at[i];
    for (size_t i = 0; i < right->u.list.count; i++)
        items[left->u.list.count + i] = right->u.list.at[i];
    *out = cit_expr_list(items, left->u.list.count + right->u.list.count);
    return CIT_OK;
}

/* 'ab' * 3 and [1] * 3: only integers repeat, and only functions make them. */
static int repeat_text(struct cit__run *r, struct cit_slice s, size_t times, struct cit_expr_value *out)
{
    size_t size;
    char *p;
    int err = __builtin_mul_overflow(s.n, times, &size) ? cit__take_text(r, SIZE_MAX, &p) : cit__take_text(r, size, &p);

    if (err != CIT_OK)
        return err;
    for (size_t i = 0; s.n > 0 && i < times; i++)
        memcpy(p + i * s.n, s.p, s.n);
    *out = cit_expr_text(cit_slice(p, size));
    return CIT_OK;
}

static int repeat_list(struct cit__run *r, const struct cit_expr_value *list, size_t times, struct cit_expr_value *out)
{
    size_t count = list->u.list.count, size;
    struct cit_expr_value *items = NULL;
    int err = cit__take_items(r, __builtin_mul_overflow(count, times, &size) ? SIZE_MAX : size, &items);

    if (err != CIT_OK)
        return err;
    for (size_t i = 0; i < size; i++)
        items[i] = list->u.list.at[i % count];
    *out = cit_expr_list(items, size);
    return CIT_OK;
}

static int repeat(struct cit__run *r, const struct cit_expr_value *what, int64_t times, struct cit_expr_value *out)
{
    size_t count = times > 0 ? (size_t)times : 0;

    return what->kind == CIT_EXPR_V_TEXT ? repeat_text(r, what->u.s, count, out) : repeat_list(r, what, count, out);
}

static bool can_repeat(const struct cit_expr_value *v)
{
    return v->kind == CIT_EXPR_V_TEXT || v->kind == CIT_EXPR_V_LIST;
}

/* A list literal on the right of +: the object Serafin leaves there hands the addition back and forth
 * until Python stops it; 0 alone gives the literal. */
static int add_raw(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                   struct cit_expr_value *out)
{
    int64_t i;

    if (!whole(left, &i) || i != 0) {
        cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_TYPE, "a list literal cannot be added to anything");
        return CIT_EINVAL;
    }
    *out = *right;
    return CIT_OK;
}

static int arithmetic(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                      struct cit_expr_value *out)
{
    enum cit_expr_op op = (enum cit_expr_op)r->ins->op;
    struct cit_expr_value x, y;
    int64_t times;

    if (cit__compat_as_number(left, &x) && cit__compat_as_number(right, &y))
        return numbers(r, &x, &y, out);
    if (op == CIT_EXPR_ADD && right->kind == CIT_EXPR_V_RAW)
        return add_raw(r, left, right, out);
    if (op == CIT_EXPR_ADD && left->kind == right->kind && can_repeat(left))
        return join(r, left, right, out);
    if (op == CIT_EXPR_MUL && can_repeat(left) && whole(right, &times))
        return repeat(r, left, times, out);
    if (op == CIT_EXPR_MUL && can_repeat(right) && whole(left, &times))
        return repeat(r, right, times, out);
    if (op == CIT_EXPR_MOD && left->kind == CIT_EXPR_V_TEXT)
        return cit__unsupported(r, "formatting a text with % needs Python's objects");
    return bad_operands(r, left, right);
}

int cit__compat_binary(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                       struct cit_expr_value *out)
{
    bool is_logic = r->ins->op >= CIT_EXPR_EQ && r->ins->op <= CIT_EXPR_BANG;
    bool is_swapped = r->ins->op == CIT_EXPR_IN;
    struct cit_expr_value l = is_swapped ? *right : *left, other = is_swapped ? *left : *right;
    int err = CIT_OK;

    if (is_logic) {
        l = falsy_is_false(&l);
        other = falsy_is_false(&other);
    }
    if (l.kind == CIT_EXPR_V_RAW)
        err = list_of_raw(r, &l);
    if (err != CIT_OK)
        return err;
    return is_logic ? logic(r, &l, &other, out) : arithmetic(r, &l, &other, out);
}

int cit__compat_negative(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    struct cit_expr_value x;

    if (!cit__compat_as_number(v, &x))
        return type_error(r, "only a number has an opposite");
    if (x.kind == CIT_EXPR_V_INT && x.u.i == INT64_MIN)
        return cit__compat_too_wide(r);
    *out = x.kind == CIT_EXPR_V_INT ? cit_expr_int(-x.u.i) : cit_expr_real(-x.u.f);
    return CIT_OK;
}
