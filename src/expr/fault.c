/* expr/fault.c - the texts of evaluation errors. */
#include "expr/fault.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const fault_names[] = {
#define CIT_EXPR_FAULT_ROW(name, text, python) text,
    CIT_EXPR_FAULTS(CIT_EXPR_FAULT_ROW)
#undef CIT_EXPR_FAULT_ROW
};

static const char *const type_texts[] = {
#define CIT_EXPR_TYPE_ROW(name, text) text,
    CIT_EXPR_TYPES(CIT_EXPR_TYPE_ROW)
#undef CIT_EXPR_TYPE_ROW
};

static const char *const signs[CIT_EXPR_OP_COUNT] = {
    [CIT_EXPR_NEG] = "-", [CIT_EXPR_NOT] = "not",   [CIT_EXPR_EQ] = "==",    [CIT_EXPR_NE] = "!=",
    [CIT_EXPR_LT] = "<",  [CIT_EXPR_LE] = "<=",     [CIT_EXPR_GT] = ">",     [CIT_EXPR_GE] = ">=",
    [CIT_EXPR_IN] = "in", [CIT_EXPR_BIT_AND] = "&", [CIT_EXPR_BIT_OR] = "|", [CIT_EXPR_BANG] = "!",
    [CIT_EXPR_ADD] = "+", [CIT_EXPR_SUB] = "-",     [CIT_EXPR_MUL] = "*",    [CIT_EXPR_DIV] = "/",
    [CIT_EXPR_MOD] = "%", [CIT_EXPR_POW] = "^",     [CIT_EXPR_ITEM] = "[ ]", [CIT_EXPR_FIELD] = ".",
};

const char *cit_expr_fault_name(enum cit_expr_fault fault)
{
    return fault_names[fault];
}

const char *cit_expr_type_text(enum cit_expr_type type)
{
    return type_texts[type];
}

const char *cit_expr_op_sign(enum cit_expr_op op)
{
    return signs[op] == NULL ? "" : signs[op];
}

void cit_expr_fault_printf(struct cit_expr_error *e, enum cit_expr_fault fault, const char *fmt, ...)
{
    va_list args;

    e->kind = (int)fault;
    e->hint[0] = '\0';
    va_start(args, fmt);
    (void)vsnprintf(e->what, sizeof e->what, fmt, args); /* cut where it is longer */
    va_end(args);
}

static void hint(struct cit_expr_error *e, const char *text)
{
    (void)snprintf(e->hint, sizeof e->hint, "%s", text);
}

/* ---- type ---- */

static bool is_number(enum cit_expr_type type)
{
    return type == CIT_EXPR_T_INT || type == CIT_EXPR_T_FLOAT;
}

/* What to write instead when a and b do not go together. */
static const char *mixed_hint(enum cit_expr_op op, enum cit_expr_type a, enum cit_expr_type b)
{
    bool has_text = a == CIT_EXPR_T_TEXT || b == CIT_EXPR_T_TEXT;

    if (a == CIT_EXPR_T_NULL || b == CIT_EXPR_T_NULL)
        return "default(x, 0) stands in for a value that is missing";
    if (has_text && (is_number(a) || is_number(b)))
        return op == CIT_EXPR_ADD ? "num(x) reads a number out of a text, str(x) writes one"
                                  : "num(x) reads a number out of a text";
    return "";
}

void cit_expr_fault_operands(struct cit_expr_error *e, enum cit_expr_op op, enum cit_expr_type left,
                             enum cit_expr_type right)
{
    const char *takes = "two numbers";

    if (op == CIT_EXPR_ADD)
        takes = "two numbers, two texts or two lists";
    else if (op == CIT_EXPR_LT || op == CIT_EXPR_LE || op == CIT_EXPR_GT || op == CIT_EXPR_GE)
        takes = "two numbers or two texts";
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "%s takes %s, not %s and %s", cit_expr_op_sign(op), takes,
                          type_texts[left], type_texts[right]);
    hint(e, mixed_hint(op, left, right));
}

void cit_expr_fault_negative(struct cit_expr_error *e, enum cit_expr_type type)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "- takes a number, not %s", type_texts[type]);
    hint(e, mixed_hint(CIT_EXPR_SUB, CIT_EXPR_T_INT, type));
}

void cit_expr_fault_condition(struct cit_expr_error *e, enum cit_expr_type type)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "a condition must be true or false, this is %s", type_texts[type]);
    if (is_number(type))
        hint(e, "compare it, for instance x != 0");
    else if (type == CIT_EXPR_T_TEXT)
        hint(e, "compare it, for instance x != \"\"");
    else if (type == CIT_EXPR_T_LIST || type == CIT_EXPR_T_MAP)
        hint(e, "compare its length: len(x) > 0");
}

void cit_expr_fault_in(struct cit_expr_error *e, enum cit_expr_type needle, enum cit_expr_type container)
{
    if (container == CIT_EXPR_T_TEXT) {
        cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "only a text can be in a text, not %s", type_texts[needle]);
        if (is_number(needle))
            hint(e, "str(x) makes a text of a number");
    } else if (container == CIT_EXPR_T_MAP) {
        cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "a key of a mapping is a text, not %s", type_texts[needle]);
    } else {
        cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "in looks into a list, a text or a mapping, not %s",
                              type_texts[container]);
    }
}

void cit_expr_fault_item(struct cit_expr_error *e, enum cit_expr_type container, enum cit_expr_type index)
{
    const char *given = index == CIT_EXPR_T_FLOAT ? "a float" : type_texts[index];

    if (container == CIT_EXPR_T_LIST || container == CIT_EXPR_T_TEXT) {
        cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "a place in %s is an integer, not %s", type_texts[container],
                              given);
        if (index == CIT_EXPR_T_FLOAT)
            hint(e, "trunc(x) makes an integer of a float");
    } else if (container == CIT_EXPR_T_MAP) {
        cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "a key of a mapping is a text, not %s", type_texts[index]);
    } else {
        cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "[ ] reads a list, a text or a mapping, not %s",
                              type_texts[container]);
    }
}

void cit_expr_fault_field(struct cit_expr_error *e, enum cit_expr_type type)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, ". reads a mapping, not %s", type_texts[type]);
}

/* ---- operands of functions ---- */

static const char *wanted_of_extreme(const struct cit_expr_operand *o, bool is_item)
{
    if (o->n > 1)
        return is_number(o->first) ? "a number" : "a text";
    return o->count > 1 || is_item ? "a number or a text" : "a number, a text or a list of them";
}

static const char *wanted(const struct cit_expr_operand *o)
{
    switch (o->func) {
    case CIT_EXPR_F_min:
    case CIT_EXPR_F_max:
        return wanted_of_extreme(o, false);
    case CIT_EXPR_F_round:
        return o->n == 2 ? "an integer" : "a number";
    case CIT_EXPR_F_lower:
    case CIT_EXPR_F_upper:
    case CIT_EXPR_F_trim:
    case CIT_EXPR_F_startswith:
    case CIT_EXPR_F_endswith:
    case CIT_EXPR_F_replace:
    case CIT_EXPR_F_matches:
        return "a text";
    case CIT_EXPR_F_len:
        return "a text, a list or a mapping";
    case CIT_EXPR_F_num:
        return "a text or a number";
    case CIT_EXPR_F_str:
        return "a text, a number, a boolean or null";
    case CIT_EXPR_F_sin:
    case CIT_EXPR_F_cos:
    case CIT_EXPR_F_tan:
    case CIT_EXPR_F_abs:
    case CIT_EXPR_F_trunc:
    case CIT_EXPR_F_sign:
    case CIT_EXPR_F_floor:
    case CIT_EXPR_F_ceil:
    case CIT_EXPR_F_sqrt:
        return "a number";
    case CIT_EXPR_F_contains: /* these take anything, or are instructions of their own */
    case CIT_EXPR_F_exists:
    case CIT_EXPR_F_default:
    case CIT_EXPR_F_if:
    case CIT_EXPR_FUNC_COUNT:
        break;
    }
    return "another value";
}

static void hint_operand(struct cit_expr_error *e, const struct cit_expr_operand *o, const char *want)
{
    bool wants_number = strcmp(want, "a number") == 0;

    if (o->type == CIT_EXPR_T_NULL)
        hint(e, wants_number ? "default(x, 0) stands in for a value that is missing"
                             : "default(x, \"\") stands in for a value that is missing");
    else if (o->type == CIT_EXPR_T_TEXT && wants_number)
        hint(e, "num(x) reads a number out of a text");
    else if (is_number(o->type) && strcmp(want, "a text") == 0)
        hint(e, "str(x) makes a text of a number");
}

void cit_expr_fault_operand(struct cit_expr_error *e, const struct cit_expr_operand *o)
{
    const char *want = wanted(o);
    const char *name = cit_expr_func_name(o->func);
    bool wants_integer = strcmp(want, "an integer") == 0;
    const char *given = wants_integer && o->type == CIT_EXPR_T_FLOAT ? "a float" : type_texts[o->type];

    if (o->count == 1)
        cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "%s() takes %s, not %s", name, want, given);
    else
        cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "operand %u of %s() must be %s, not %s", o->n, name, want, given);
    hint_operand(e, o, want);
}

void cit_expr_fault_list_item(struct cit_expr_error *e, const struct cit_expr_operand *o)
{
    const char *want = wanted_of_extreme(o, true);

    cit_expr_fault_printf(e, CIT_EXPR_FAULT_TYPE, "item %u of the list of %s() must be %s, not %s", o->n,
                          cit_expr_func_name(o->func), want, type_texts[o->type]);
    hint_operand(e, o, want);
}

/* ---- results ---- */

void cit_expr_fault_zero(struct cit_expr_error *e, enum cit_expr_op op)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_ZERO, "%s",
                          op == CIT_EXPR_POW ? "0 has no negative power" : "division by zero");
}

void cit_expr_fault_op_bits(struct cit_expr_error *e, enum cit_expr_op op)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_OVERFLOW, "the result of %s does not fit 64 bits", cit_expr_op_sign(op));
    hint(e, "a float holds larger numbers, for instance 1.0 * x");
}

void cit_expr_fault_op_large(struct cit_expr_error *e, enum cit_expr_op op)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_OVERFLOW, "the result of %s is too large", cit_expr_op_sign(op));
}

void cit_expr_fault_func_bits(struct cit_expr_error *e, enum cit_expr_func func)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_OVERFLOW, "the result of %s() does not fit 64 bits",
                          cit_expr_func_name(func));
}

void cit_expr_fault_func_large(struct cit_expr_error *e, enum cit_expr_func func)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_OVERFLOW, "the result of %s() is too large", cit_expr_func_name(func));
}

/* ---- values ---- */

void cit_expr_fault_fraction(struct cit_expr_error *e)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_VALUE, "a negative number has no power that is a fraction");
}

void cit_expr_fault_sqrt(struct cit_expr_error *e)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_VALUE, "sqrt() takes no negative number");
}

void cit_expr_fault_replace(struct cit_expr_error *e)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_VALUE, "operand 2 of replace() is empty");
}

void cit_expr_fault_decimals(struct cit_expr_error *e, int64_t n)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_VALUE, "round() keeps 0 to %d decimals, not %lld",
                          (int)CIT_EXPR_DECIMALS_MAX, (long long)n);
}

void cit_expr_fault_pattern(struct cit_expr_error *e, const char *why)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_VALUE, "the pattern is not valid: %s", why);
}

/* ---- limits ---- */

void cit_expr_fault_text_long(struct cit_expr_error *e)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_LIMIT, "the text made is longer than %d characters",
                          (int)CIT_EXPR_MADE_CHARS_MAX);
}

void cit_expr_fault_list_long(struct cit_expr_error *e)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_LIMIT, "the list made has more than %d items",
                          (int)CIT_EXPR_MADE_ITEMS_MAX);
}

void cit_expr_fault_nested(struct cit_expr_error *e)
{
    cit_expr_fault_printf(e, CIT_EXPR_FAULT_LIMIT, "the values compared are nested more than %d deep",
                          (int)CIT_EXPR_NESTED_MAX);
}
