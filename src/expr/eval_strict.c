/* expr/eval_strict.c - the operators of the strict dialect over plain values (docs/language.md). */
#include <math.h>
#include <string.h>

#include "expr/eval_int.h"
#include "expr/regex.h"

/* ---- conditions ---- */

int cit__strict_condition(struct cit__run *r, const struct cit_expr_value *v, bool *out)
{
    if (v->kind != CIT_EXPR_V_BOOL && v->kind != CIT_EXPR_V_NULL) {
        cit_expr_fault_condition(r->err, cit_expr_type_of(v));
        return CIT_EINVAL;
    }
    *out = v->kind == CIT_EXPR_V_BOOL && v->u.b;
    return CIT_OK;
}

/* ---- equality ---- */

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

/* One entry of a against b's of the same key. */
static int equal_entry(struct cit__run *r, const struct cit_expr_value *maps[2], size_t i, unsigned depth, bool *out)
{
    struct cit_expr_value mine = cit_expr_null(), other = cit_expr_null();
    struct cit_slice key = { 0 };
    int err = maps[0]->u.map.ops->entry(maps[0]->u.map.ctx, i, &key, &mine);

    if (err == CIT_OK)
        err = maps[1]->u.map.ops->get(maps[1]->u.map.ctx, key, &other);
    if (err == CIT_ENOENT) {
        *out = false;
        return CIT_OK;
    }
    return err == CIT_OK ? equal(r, &mine, &other, depth, out) : err;
}

static int equal_maps(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b,
                      unsigned depth, bool *out)
{
    const struct cit_expr_value *maps[2] = { a, b };
    size_t count = a->u.map.ops->count(a->u.map.ctx);
    bool is_equal = count == b->u.map.ops->count(b->u.map.ctx);
    int err = CIT_OK;

    for (size_t i = 0; err == CIT_OK && is_equal && i < count; i++)
        err = equal_entry(r, maps, i, depth, &is_equal);
    *out = is_equal;
    return err;
}

static int equal_nested(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b,
                        unsigned depth, bool *out)
{
    if (depth == CIT_EXPR_NESTED_MAX) {
        cit_expr_fault_nested(r->err);
        return CIT_ELIMIT;
    }
    return a->kind == CIT_EXPR_V_LIST ? equal_lists(r, a, b, depth + 1, out) : equal_maps(r, a, b, depth + 1, out);
}

static int equal(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b, unsigned depth,
                 bool *out)
{
    int err = cit__charge(r, 1);

    if (err != CIT_OK)
        return err;
    if (cit__is_number(a) && cit__is_number(b)) {
        *out = cit__order_numbers(a, b) == 0;
    } else if (a->kind != b->kind) {
        *out = false;
    } else if (a->kind == CIT_EXPR_V_LIST || a->kind == CIT_EXPR_V_MAP) {
        return equal_nested(r, a, b, depth, out);
    } else if (a->kind == CIT_EXPR_V_TEXT) {
        *out = cit_slice_eq(a->u.s, b->u.s);
        return *out ? cit__charge(r, cit__byte_steps(a->u.s.n)) : CIT_OK;
    } else {
        *out = a->kind == CIT_EXPR_V_NULL || a->u.b == b->u.b;
    }
    return CIT_OK;
}

int cit__strict_equal(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b, bool *out)
{
    return equal(r, a, b, 0, out);
}

/* ---- in ---- */

static int is_in_list(struct cit__run *r, const struct cit_expr_value *needle, const struct cit_expr_value *list,
                      bool *out)
{
    bool found = false;
    int err = CIT_OK;

    for (size_t i = 0; err == CIT_OK && !found && i < list->u.list.count; i++)
        err = equal(r, &list->u.list.at[i], needle, 0, &found);
    *out = found;
    return err;
}

static int has_key(const struct cit_expr_value *map, struct cit_slice key, bool *out)
{
    struct cit_expr_value unseen;
    int err = map->u.map.ops->get(map->u.map.ctx, key, &unseen);

    *out = err == CIT_OK;
    return err == CIT_ENOENT ? CIT_OK : err;
}

int cit__strict_in(struct cit__run *r, const struct cit_expr_value *needle, const struct cit_expr_value *container,
                   bool *out)
{
    bool is_text = needle->kind == CIT_EXPR_V_TEXT;

    if (container->kind == CIT_EXPR_V_NULL) {
        *out = false;
        return CIT_OK;
    }
    if (container->kind == CIT_EXPR_V_LIST)
        return is_in_list(r, needle, container, out);
    if (container->kind == CIT_EXPR_V_MAP && is_text)
        return has_key(container, needle->u.s, out);
    if (container->kind == CIT_EXPR_V_TEXT && is_text) {
        *out = cit__text_contains(container->u.s, needle->u.s);
        return cit__charge(r, cit__byte_steps(container->u.s.n));
    }
    cit_expr_fault_in(r->err, cit_expr_type_of(needle), cit_expr_type_of(container));
    return CIT_EINVAL;
}

/* ---- order ---- */

static bool is_ordered(enum cit_expr_op op, int order)
{
    if (order == 2) /* NaN is neither */
        return false;
    if (op == CIT_EXPR_LT || op == CIT_EXPR_LE)
        return order < 0 || (order == 0 && op == CIT_EXPR_LE);
    return order > 0 || (order == 0 && op == CIT_EXPR_GE);
}

static int bad_operands(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right)
{
    cit_expr_fault_operands(r->err, (enum cit_expr_op)r->ins->op, cit_expr_type_of(left), cit_expr_type_of(right));
    return CIT_EINVAL;
}

static int compare(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right, bool *out)
{
    enum cit_expr_op op = (enum cit_expr_op)r->ins->op;

    if (cit__is_number(left) && cit__is_number(right)) {
        *out = is_ordered(op, cit__order_numbers(left, right));
        return CIT_OK;
    }
    if (left->kind != CIT_EXPR_V_TEXT || right->kind != CIT_EXPR_V_TEXT)
        return bad_operands(r, left, right);
    int order = cit__text_order(left->u.s, right->u.s);

    *out = is_ordered(op, (order > 0) - (order < 0));
    return cit__charge(r, cit__byte_steps(left->u.s.n < right->u.s.n ? left->u.s.n : right->u.s.n));
}

/* ---- arithmetic ---- */

static int bad_result(struct cit__run *r, enum cit__outcome how)
{
    enum cit_expr_op op = (enum cit_expr_op)r->ins->op;

    if (how == CIT__ZERO)
        cit_expr_fault_zero(r->err, op);
    else if (how == CIT__BITS)
        cit_expr_fault_op_bits(r->err, op);
    else if (how == CIT__FRACTION)
        cit_expr_fault_fraction(r->err);
    else
        cit_expr_fault_op_large(r->err, op);
    return CIT_EINVAL;
}

static int numbers(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                   struct cit_expr_value *out)
{
    struct cit_expr_value result;
    enum cit__outcome how = cit__arith((enum cit_expr_op)r->ins->op, left, right, &result);

    if (how != CIT__DONE || (result.kind == CIT_EXPR_V_FLOAT && !isfinite(result.u.f)))
        return bad_result(r, how);
    *out = result;
    return CIT_OK;
}

static int join_lists(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                      struct cit_expr_value *out)
{
    size_t first = left->u.list.count, second = right->u.list.count;
    struct cit_expr_value *items = NULL;
    /* Neither is longer than memory, so the sum does not wrap. */
    int err = cit__take_items(r, first + second, &items);

    if (err != CIT_OK)
        return err;
    if (first > 0)
        memcpy(items, left->u.list.at, first * sizeof *items);
    if (second > 0)
        memcpy(items + first, right->u.list.at, second * sizeof *items);
    *out = cit_expr_list(items, first + second);
    return CIT_OK;
}

static int add(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
               struct cit_expr_value *out)
{
    struct cit_slice joined;
    int err;

    if (left->kind == CIT_EXPR_V_LIST)
        return join_lists(r, left, right, out);
    err = cit__text_join(r, left->u.s, right->u.s, &joined);
    if (err == CIT_OK)
        *out = cit_expr_text(joined);
    return err;
}

static int arithmetic(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                      struct cit_expr_value *out)
{
    bool can_join = r->ins->op == CIT_EXPR_ADD && left->kind == right->kind &&
                    (left->kind == CIT_EXPR_V_TEXT || left->kind == CIT_EXPR_V_LIST);

    if (cit__is_number(left) && cit__is_number(right))
        return numbers(r, left, right, out);
    return can_join ? add(r, left, right, out) : bad_operands(r, left, right);
}

int cit__strict_negative(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out)
{
    if (!cit__is_number(v)) {
        cit_expr_fault_negative(r->err, cit_expr_type_of(v));
        return CIT_EINVAL;
    }
    if (v->kind == CIT_EXPR_V_INT && v->u.i == INT64_MIN)
        return bad_result(r, CIT__BITS);
    if (v->kind == CIT_EXPR_V_FLOAT && !isfinite(v->u.f))
        return bad_result(r, CIT__DONE);
    *out = v->kind == CIT_EXPR_V_INT ? cit_expr_int(-v->u.i) : cit_expr_real(-v->u.f);
    return CIT_OK;
}

/* ---- reading lists, texts and mappings ---- */

static int entry(const struct cit_expr_value *map, struct cit_slice key, struct cit_expr_value *out)
{
    struct cit_expr_value found = cit_expr_null();
    int err = map->u.map.ops->get(map->u.map.ctx, key, &found);

    if (err != CIT_OK && err != CIT_ENOENT)
        return err;
    *out = err == CIT_OK ? found : cit_expr_null();
    return CIT_OK;
}

static struct cit_expr_value item_of_list(const struct cit_expr_value *list, int64_t i)
{
    size_t count = list->u.list.count;

    if (i < 0 && (uint64_t) - (i + 1) < count)
        return list->u.list.at[count - 1 - (size_t) - (i + 1)];
    return i >= 0 && (uint64_t)i < count ? list->u.list.at[i] : cit_expr_null();
}

static int char_of_text(struct cit__run *r, struct cit_slice text, int64_t i, struct cit_expr_value *out)
{
    struct cit_slice found;
    int err = cit__charge(r, cit__byte_steps(text.n));

    if (err == CIT_OK)
        *out = cit__text_char_at(text, i, &found) ? cit_expr_text(found) : cit_expr_null();
    return err;
}

static int item(struct cit__run *r, const struct cit_expr_value *container, const struct cit_expr_value *index,
                struct cit_expr_value *out)
{
    bool has_places = container->kind == CIT_EXPR_V_LIST || container->kind == CIT_EXPR_V_TEXT;

    if (container->kind == CIT_EXPR_V_NULL) {
        *out = cit_expr_null();
        return CIT_OK;
    }
    if (container->kind == CIT_EXPR_V_MAP && index->kind == CIT_EXPR_V_TEXT)
        return entry(container, index->u.s, out);
    if (!has_places || index->kind != CIT_EXPR_V_INT) {
        cit_expr_fault_item(r->err, cit_expr_type_of(container), cit_expr_type_of(index));
        return CIT_EINVAL;
    }
    if (container->kind == CIT_EXPR_V_TEXT)
        return char_of_text(r, container->u.s, index->u.i, out);
    *out = item_of_list(container, index->u.i);
    return CIT_OK;
}

int cit__strict_field(struct cit__run *r, const struct cit_expr_value *v, struct cit_slice key,
                      struct cit_expr_value *out)
{
    if (v->kind == CIT_EXPR_V_MAP)
        return entry(v, key, out);
    if (v->kind != CIT_EXPR_V_NULL) {
        cit_expr_fault_field(r->err, cit_expr_type_of(v));
        return CIT_EINVAL;
    }
    *out = cit_expr_null();
    return CIT_OK;
}

/* ---- all of them ---- */

int cit__strict_binary(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                       struct cit_expr_value *out)
{
    enum cit_expr_op op = (enum cit_expr_op)r->ins->op;
    bool truth = false;
    int err;

    if (op == CIT_EXPR_ITEM)
        return item(r, left, right, out);
    if (op >= CIT_EXPR_ADD && op <= CIT_EXPR_POW)
        return arithmetic(r, left, right, out);
    if (op == CIT_EXPR_EQ || op == CIT_EXPR_NE)
        err = equal(r, left, right, 0, &truth);
    else
        err = op == CIT_EXPR_IN ? cit__strict_in(r, left, right, &truth) : compare(r, left, right, &truth);
    if (err == CIT_OK)
        *out = cit_expr_bool(op == CIT_EXPR_NE ? !truth : truth);
    return err;
}

/* ---- matches ---- */

int cit__strict_match(struct cit__run *r, const struct cit_expr_value *text, struct cit_slice pattern,
                      struct cit_expr_value *out)
{
    const struct cit_expr_operand o = {
        .func = CIT_EXPR_F_matches, .n = 1, .count = 2, .type = cit_expr_type_of(text)
    };
    char why[CIT_EXPR_REGEX_WHY] = "";
    bool found = false;
    int err;

    if (text->kind != CIT_EXPR_V_TEXT) {
        cit_expr_fault_operand(r->err, &o);
        return CIT_EINVAL;
    }
    err = cit_expr_regex_find(&r->task->arena->regexes, pattern, text->u.s, &found, why);
    if (err == CIT_ESTATE)
        return cit__unsupported(r, "matches(): built without PCRE2");
    if (err == CIT_EINVAL)
        cit_expr_fault_pattern(r->err, why);
    else if (err == CIT_ELIMIT)
        cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_LIMIT, "the pattern takes too many steps");
    if (err != CIT_OK)
        return err;
    err = cit__charge(r, cit__byte_steps(text->u.s.n));
    if (err == CIT_OK)
        *out = cit_expr_bool(found);
    return err;
}
