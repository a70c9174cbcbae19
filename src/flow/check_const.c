/* flow/check_const.c - what a condition gives when it doesn't depend on any variable.
 *
 * A small evaluator in which a value may be "not known".  It knows numbers, booleans, texts, their
 * comparisons and the simplest arithmetic, which are all that people write by mistake; the rest
 * is not known, and so is everything in code that jumps.
 */
#include "flow/check_int.h"

enum { STACK_MAX = 32 };

enum kind { OPEN, NONE, BOOL, NUM, TEXT, LIST, FAILS /* raises, whatever the variables hold */ };

struct known {
    enum kind kind;
    double num; /* NUM; BOOL: 0 or 1; LIST: items */
    struct cit_slice text;
};

static struct known known_bool(bool is_true)
{
    return (struct known){ BOOL, is_true, { 0 } };
}

static struct known known_num(double num)
{
    return (struct known){ NUM, num, { 0 } };
}

/* A.4: text that a compat program converts when it runs. */
static struct known convert(struct cit_slice text)
{
    double num;
    int is_num = cit_expr_float(text, &num);

    if (is_num > 0)
        return known_num(num);
    if (is_num < 0)
        return (struct known){ 0 };
    if (cit_slice_eq(text, CIT_SLICE_LIT("True")) || cit_slice_eq(text, CIT_SLICE_LIT("False")))
        return known_bool(text.p[0] == 'T');
    return (struct known){ TEXT, 0, text };
}

static struct known constant(const struct cit_expr_const *k)
{
    double num;

    switch ((enum cit_expr_const_kind)k->kind) {
    case CIT_EXPR_NULL:
        return (struct known){ NONE, 0, { 0 } };
    case CIT_EXPR_BOOL:
        return known_bool(k->is_true);
    case CIT_EXPR_FLOAT:
        return known_num(k->num);
    case CIT_EXPR_INT:
        return cit_expr_float(k->text, &num) > 0 ? known_num(num) : (struct known){ 0 };
    case CIT_EXPR_STR:
        return (struct known){ TEXT, 0, k->text };
    case CIT_EXPR_LITERAL:
        return convert(k->text);
    case CIT_EXPR_RAWLIST:
        return (struct known){ LIST, k->count, { 0 } };
    }
    return (struct known){ 0 };
}

/* 1, 0, or -1: not known. */
static int truth(struct known v)
{
    switch (v.kind) {
    case OPEN:
    case FAILS:
        return -1;
    case NONE:
        return 0;
    case BOOL:
    case NUM:
    case LIST:
        return v.num != 0;
    case TEXT:
        return v.text.n > 0;
    }
    return -1;
}

/* Compat operators of comparison and logic take what is falsy as False (A.3). */
static struct known falsy_to_bool(struct known v)
{
    return truth(v) == 0 ? known_bool(false) : v;
}

static struct known compare_nums(enum cit_expr_op op, double l, double r)
{
    if (op == CIT_EXPR_EQ)
        return known_bool(l == r);
    if (op == CIT_EXPR_NE)
        return known_bool(l != r);
    if (op == CIT_EXPR_LT)
        return known_bool(l < r);
    if (op == CIT_EXPR_LE)
        return known_bool(l <= r);
    if (op == CIT_EXPR_GT)
        return known_bool(l > r);
    return known_bool(l >= r);
}

static bool is_number(struct known v, bool is_strict)
{
    return v.kind == NUM || (v.kind == BOOL && !is_strict);
}

static struct known compare(enum cit_expr_op op, struct known l, struct known r, bool is_strict)
{
    bool is_equality = op == CIT_EXPR_EQ || op == CIT_EXPR_NE;

    if (!is_strict) {
        l = falsy_to_bool(l);
        r = falsy_to_bool(r);
    }
    if (is_number(l, is_strict) && is_number(r, is_strict))
        return compare_nums(op, l.num, r.num);
    if (!is_equality || l.kind == OPEN || r.kind == OPEN || l.kind == LIST || r.kind == LIST)
        return (struct known){ 0 };
    if (l.kind != r.kind)
        return known_bool(op == CIT_EXPR_NE);
    return known_bool((l.num == r.num && cit_slice_eq(l.text, r.text)) == (op == CIT_EXPR_EQ));
}

static struct known logic(enum cit_expr_op op, struct known l, struct known r)
{
    l = falsy_to_bool(l);
    r = falsy_to_bool(r);
    if (l.kind != BOOL || r.kind != BOOL)
        return (struct known){ 0 };
    return known_bool(op == CIT_EXPR_BIT_AND ? l.num != 0 && r.num != 0 : l.num != 0 || r.num != 0);
}

static struct known arithmetic(enum cit_expr_op op, struct known l, struct known r)
{
    if (l.kind != NUM || r.kind != NUM)
        return (struct known){ 0 };
    if (op == CIT_EXPR_ADD)
        return known_num(l.num + r.num);
    if (op == CIT_EXPR_SUB)
        return known_num(l.num - r.num);
    if (op == CIT_EXPR_MUL)
        return known_num(l.num * r.num);
    return (struct known){ 0 };
}

static struct known binary(enum cit_expr_op op, struct known l, struct known r, bool is_strict)
{
    if (l.kind == FAILS || r.kind == FAILS)
        return (struct known){ FAILS, 0, { 0 } };
    if (op >= CIT_EXPR_EQ && op <= CIT_EXPR_GE)
        return compare(op, l, r, is_strict);
    if (op == CIT_EXPR_BIT_AND || op == CIT_EXPR_BIT_OR)
        return logic(op, l, r);
    return arithmetic(op, l, r);
}

static struct known unary(enum cit_expr_op op, struct known v)
{
    if (v.kind == FAILS)
        return v;
    if ((op == CIT_EXPR_NOT || op == CIT_EXPR_TO_BOOL) && truth(v) >= 0)
        return known_bool((truth(v) != 0) == (op == CIT_EXPR_TO_BOOL));
    if (op == CIT_EXPR_NEG && v.kind == NUM)
        return known_num(-v.num);
    return (struct known){ 0 };
}

/* How many values an instruction pops; -1: it jumps. */
static int pops_of(const struct cit_expr_ins *ins)
{
    static const int8_t pops[] = {
#define OP_POPS(name, n, text) n,
        CIT_EXPR_OPS(OP_POPS)
#undef OP_POPS
    };

    switch (ins->op) {
    case CIT_EXPR_JUMP_IF_FALSE:
    case CIT_EXPR_JUMP_IF_TRUE:
    case CIT_EXPR_JUMP_IF_SET:
    case CIT_EXPR_JUMP_UNLESS:
    case CIT_EXPR_JUMP:
        return -1;
    case CIT_EXPR_CALL_N:
    case CIT_EXPR_LIST:
        return ins->count;
    default:
        return pops[ins->op];
    }
}

/* in: the values popped, the one that was lowest first. */
static struct known run_one(const struct cit_expr_program *prog, const struct cit_expr_ins *ins, const struct known *in,
                            int count)
{
    bool is_strict = prog->dialect == CIT_EXPR_STRICT;
    enum cit_expr_op op = (enum cit_expr_op)ins->op;

    if (op == CIT_EXPR_CONST)
        return constant(&prog->consts[ins->arg]);
    if (op == CIT_EXPR_UNDERFLOW || op == CIT_EXPR_BAD_NAME || op == CIT_EXPR_BAD_NAME_AT)
        return (struct known){ FAILS, 0, { 0 } };
    if (op == CIT_EXPR_LIST)
        return (struct known){ LIST, count, { 0 } };
    for (int i = 0; i < count; i++) {
        if (in[i].kind == FAILS)
            return in[i];
    }
    if (op == CIT_EXPR_NEG || op == CIT_EXPR_NOT || op == CIT_EXPR_TO_BOOL)
        return unary(op, in[0]);
    if (op >= CIT_EXPR_EQ && op <= CIT_EXPR_POW) /* compat leaves the right operand below */
        return is_strict ? binary(op, in[0], in[1], true) : binary(op, in[1], in[0], false);
    return (struct known){ 0 };
}

/* An edge passes when its condition is truthy; a strict one must be a boolean or null. */
static enum cit__verdict verdict_of(struct known v, bool is_strict)
{
    if (v.kind == FAILS || (is_strict && v.kind != OPEN && v.kind != BOOL))
        return CIT__NEVER;
    if (truth(v) < 0)
        return CIT__DEPENDS;
    return truth(v) > 0 ? CIT__ALWAYS : CIT__NEVER;
}

enum cit__verdict cit__verdict_of(const struct cit_expr_program *prog)
{
    struct known stack[STACK_MAX];
    int depth = 0;

    for (uint32_t i = 0; i < prog->code_count; i++) {
        int pops = pops_of(&prog->code[i]);

        if (pops < 0 || pops > depth || depth - pops >= STACK_MAX)
            return CIT__DEPENDS;
        depth -= pops;
        stack[depth] = run_one(prog, &prog->code[i], &stack[depth], pops);
        depth++;
    }
    return depth == 1 ? verdict_of(stack[0], prog->dialect == CIT_EXPR_STRICT) : CIT__DEPENDS;
}
