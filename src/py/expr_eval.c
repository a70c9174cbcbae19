/* py/expr_eval.c - runs a program: instructions front to back over a stack of values.
 *
 * Nothing recurses.  The stack and the slots of names are on the C stack where the program is
 * a usual one, so that a condition allocates nothing. */
#include "py/expr_int.h"

#include <string.h>

#include "base/mem.h"

enum { SMALL_STACK = 32, SMALL_NAMES = 16 };

/* What a run needs beside struct cit_py_run.  The first value of a stack is none: an empty
 * stack has its top there. */
struct room {
    struct cit_py_value *stack;
    struct cit_py_value small_stack[1 + SMALL_STACK];
    struct cit_py_name_slot small_names[SMALL_NAMES];
};

/* ---- steps ---- */

/* A step takes its operands from the top of the stack, which `top` points at, and leaves its
 * result there; it moves `top` itself.  0, or -1 with the exception set and the stack whole. */

static int step_underflow(void)
{
    PyErr_SetString(PyExc_IndexError, "pop from empty list");
    return -1;
}

static int step_bad_name(void)
{
    PyErr_SetString(PyExc_TypeError, "unhashable type: 'list'");
    return -1;
}

static void replace_two(struct cit_py_value **top, struct cit_py_value result)
{
    struct cit_py_value *t = *top;

    cit_py_value_clear(&t[0]);
    cit_py_value_clear(&t[-1]);
    t[-1] = result;
    *top = t - 1;
}

static void replace_one(struct cit_py_value *top, struct cit_py_value result)
{
    cit_py_value_clear(top);
    *top = result;
}

static int step_not(struct cit_py_value *top)
{
    int truth = cit_py_value_true(top);

    if (truth < 0)
        return -1;
    replace_one(top, cit_py_bool(!truth));
    return 0;
}

static inline int unary(struct cit_py_run *r, struct cit_py_value *top, cit_py_unary op)
{
    struct cit_py_value result;

    if (op(r, top, &result) < 0)
        return -1;
    replace_one(top, result);
    return 0;
}

/* Compat code leaves the right operand below the left one, strict code the other way round. */
static inline int compat_binary(struct cit_py_run *r, struct cit_py_value **top, cit_py_binary op)
{
    struct cit_py_value result;

    if (op(r, *top, *top - 1, &result) < 0)
        return -1;
    replace_two(top, result);
    return 0;
}

static inline int strict_binary(struct cit_py_run *r, struct cit_py_value **top, cit_py_binary op)
{
    struct cit_py_value result;

    if (op(r, *top - 1, *top, &result) < 0)
        return -1;
    replace_two(top, result);
    return 0;
}

/* The commonest of all: numbers are compared in place. */
static inline int compat_compare(struct cit_py_run *r, struct cit_py_value **top)
{
    struct cit_py_value *left = *top, *right = left - 1;
    double a, b;

    if (left->kind != CIT_PY_FLOAT || (right->kind != CIT_PY_FLOAT && right->kind != CIT_PY_BOOL))
        return compat_binary(r, top, cit_py_compat_logic);
    a = left->u.f;
    b = right->kind == CIT_PY_FLOAT ? right->u.f : right->u.b;
    *right = cit_py_bool(cit_py_compare_doubles((enum cit_expr_op)r->ins->op, a, b));
    *top = right;
    return 0;
}

static int step_operands(struct cit_py_run *r, struct cit_py_value **top, cit_py_many op)
{
    uint32_t n = r->ins->count;
    struct cit_py_value *first = *top - n + 1, result;

    if (op(r, first, &result) < 0)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        cit_py_value_clear(&first[i]);
    *first = result;
    *top = first;
    return 0;
}

/* ---- the compat dialects ---- */

static int step_compat(struct cit_py_run *r, struct cit_py_value **top)
{
    struct cit_py_value v;

    switch ((enum cit_expr_op)r->ins->op) {
    case CIT_EXPR_CONST:
        *++*top = cit_py_value_copy(&r->p->consts[r->ins->arg]);
        return 0;
    case CIT_EXPR_VAR:
        if (cit_py_name_push(r, &v) < 0)
            return -1;
        *++*top = v;
        return 0;
    case CIT_EXPR_EQ:
    case CIT_EXPR_NE:
    case CIT_EXPR_LT:
    case CIT_EXPR_LE:
    case CIT_EXPR_GT:
    case CIT_EXPR_GE:
        return compat_compare(r, top);
    case CIT_EXPR_IN:
    case CIT_EXPR_BIT_AND:
    case CIT_EXPR_BIT_OR:
    case CIT_EXPR_BANG:
        return compat_binary(r, top, cit_py_compat_logic);
    case CIT_EXPR_ADD:
    case CIT_EXPR_SUB:
    case CIT_EXPR_MUL:
    case CIT_EXPR_DIV:
    case CIT_EXPR_MOD:
    case CIT_EXPR_POW:
        return compat_binary(r, top, cit_py_compat_arith);
    case CIT_EXPR_NEG:
        return unary(r, *top, cit_py_compat_negative);
    case CIT_EXPR_NOT:
        return step_not(*top);
    case CIT_EXPR_CALL:
        return unary(r, *top, cit_py_compat_call);
    case CIT_EXPR_VAR_AT:
        return unary(r, *top, cit_py_name_push_at);
    case CIT_EXPR_UNDERFLOW:
        return step_underflow();
    case CIT_EXPR_BAD_NAME:
    case CIT_EXPR_BAD_NAME_AT:
        return step_bad_name();
    case CIT_EXPR_CALL_N: /* strict alone */
    case CIT_EXPR_LIST:
    case CIT_EXPR_ITEM:
    case CIT_EXPR_FIELD:
    case CIT_EXPR_JUMP_IF_FALSE:
    case CIT_EXPR_JUMP_IF_TRUE:
    case CIT_EXPR_JUMP_IF_SET:
    case CIT_EXPR_JUMP_UNLESS:
    case CIT_EXPR_JUMP:
    case CIT_EXPR_MATCH:
    case CIT_EXPR_TO_BOOL:
    case CIT_EXPR_OP_COUNT:
        break;
    }
    PyErr_SetString(PyExc_SystemError, "not an instruction of a compat program");
    return -1;
}

static int run_compat(struct cit_py_run *r, struct cit_py_value **top)
{
    const struct cit_expr_ins *end = r->ins + r->p->prog->code_count;

    for (; r->ins < end; r->ins++) {
        if (step_compat(r, top) < 0)
            return -1;
    }
    return 0;
}

/* ---- the strict dialect ---- */

/* Goes to code[arg]; the loop steps on by one. */
static void jump(struct cit_py_run *r)
{
    r->ins = r->p->prog->code + r->ins->arg - 1;
}

/* Behind a jump the stack is one lower, unless it is taken and keeps its value. */
static int step_jump(struct cit_py_run *r, struct cit_py_value **top)
{
    bool go = true, keep = true;

    switch ((int)r->ins->op) {
    case CIT_EXPR_JUMP_IF_FALSE:
        go = !(*top)->u.b;
        break;
    case CIT_EXPR_JUMP_IF_TRUE:
        go = (*top)->u.b;
        break;
    case CIT_EXPR_JUMP_IF_SET:
        go = (*top)->kind != CIT_PY_NONE;
        break;
    case CIT_EXPR_JUMP_UNLESS:
        go = !(*top)->u.b;
        keep = false;
        break;
    default: /* JUMP: the value stays where it is, and its target expects it */
        break;
    }
    if (!go || !keep) {
        cit_py_value_clear(*top);
        --*top;
    }
    if (go)
        jump(r);
    return 0;
}

static int step_strict(struct cit_py_run *r, struct cit_py_value **top)
{
    struct cit_py_value v;

    switch ((enum cit_expr_op)r->ins->op) {
    case CIT_EXPR_CONST:
        *++*top = cit_py_value_copy(&r->p->consts[r->ins->arg]);
        return 0;
    case CIT_EXPR_VAR:
        if (cit_py_strict_name(r, &v) < 0)
            return -1;
        *++*top = v;
        return 0;
    case CIT_EXPR_EQ:
    case CIT_EXPR_NE:
    case CIT_EXPR_LT:
    case CIT_EXPR_LE:
    case CIT_EXPR_GT:
    case CIT_EXPR_GE:
        return strict_binary(r, top, cit_py_strict_compare);
    case CIT_EXPR_ADD:
    case CIT_EXPR_SUB:
    case CIT_EXPR_MUL:
    case CIT_EXPR_DIV:
    case CIT_EXPR_MOD:
    case CIT_EXPR_POW:
        return strict_binary(r, top, cit_py_strict_arith);
    case CIT_EXPR_IN:
        return strict_binary(r, top, cit_py_strict_in);
    case CIT_EXPR_ITEM:
        return strict_binary(r, top, cit_py_strict_item);
    case CIT_EXPR_FIELD:
        return unary(r, *top, cit_py_strict_field);
    case CIT_EXPR_NEG:
        return unary(r, *top, cit_py_strict_negative);
    case CIT_EXPR_NOT:
        return unary(r, *top, cit_py_strict_not);
    case CIT_EXPR_TO_BOOL:
        return unary(r, *top, cit_py_strict_bool);
    case CIT_EXPR_MATCH:
        return unary(r, *top, cit_py_strict_match);
    case CIT_EXPR_CALL_N:
        return step_operands(r, top, cit_py_strict_call);
    case CIT_EXPR_LIST:
        return step_operands(r, top, cit_py_strict_list);
    case CIT_EXPR_JUMP_IF_FALSE:
    case CIT_EXPR_JUMP_IF_TRUE:
    case CIT_EXPR_JUMP_IF_SET:
    case CIT_EXPR_JUMP_UNLESS:
    case CIT_EXPR_JUMP:
        return step_jump(r, top);
    case CIT_EXPR_VAR_AT: /* compat alone */
    case CIT_EXPR_UNDERFLOW:
    case CIT_EXPR_BAD_NAME:
    case CIT_EXPR_BAD_NAME_AT:
    case CIT_EXPR_BIT_AND:
    case CIT_EXPR_BIT_OR:
    case CIT_EXPR_BANG:
    case CIT_EXPR_CALL:
    case CIT_EXPR_OP_COUNT:
        break;
    }
    PyErr_SetString(PyExc_SystemError, "not an instruction of a strict program");
    return -1;
}

static int run_strict(struct cit_py_run *r, struct cit_py_value **top)
{
    const struct cit_expr_ins *end = r->ins + r->p->prog->code_count;

    for (; r->ins < end; r->ins++) {
        if (step_strict(r, top) < 0)
            return -1;
    }
    return 0;
}

/* ---- a run ---- */

static int room_init(struct room *room, struct cit_py_run *r)
{
    const struct cit_expr_program *prog = r->p->prog;

    room->stack = room->small_stack;
    r->names = room->small_names;
    if (prog->stack_max > SMALL_STACK)
        room->stack = cit_calloc((size_t)prog->stack_max + 1, sizeof *room->stack);
    if (prog->name_count > SMALL_NAMES)
        r->names = cit_calloc(prog->name_count, sizeof *r->names);
    else
        memset(r->names, 0, prog->name_count * sizeof *r->names);
    return room->stack == NULL || r->names == NULL ? -1 : 0;
}

static void room_fini(struct room *room, struct cit_py_run *r)
{
    if (r->names != NULL) {
        for (uint32_t i = 0; i < r->p->prog->name_count; i++)
            Py_XDECREF(r->names[i].o);
    }
    if (r->names != room->small_names)
        cit_free(r->names);
    if (room->stack != room->small_stack)
        cit_free(room->stack);
    Py_XDECREF(r->now);
}

static int run(struct cit_py_run *r, struct cit_py_value *stack, struct cit_py_value *out)
{
    struct cit_py_value *top = stack;
    int err;

    r->ins = r->p->prog->code;
    err = r->p->prog->dialect == CIT_EXPR_STRICT ? run_strict(r, &top) : run_compat(r, &top);
    if (err == 0) {
        *out = *top;
        return 0;
    }
    r->fault->at = r->ins->at;
    for (; top > stack; top--)
        cit_py_value_clear(top);
    return -1;
}

int cit_py_run_program(struct cit_py_program *p, const struct cit_py_scope *scope, struct cit_py_value *out,
                       struct cit_expr_error *fault)
{
    struct room room;
    struct cit_py_run r = { .st = p->st, .p = p, .scope = scope, .work = CIT_PY_WORK, .fault = fault };
    int err = -1;

    fault->at = 0;
    fault->kind = 0;
    if (room_init(&room, &r) == 0)
        err = run(&r, room.stack, out);
    else
        PyErr_NoMemory();
    room_fini(&room, &r);
    return err;
}

/* ---- for the rest of the glue ---- */

PyObject *cit_py_program_eval(struct cit_py_state *st, PyObject *program, const struct cit_py_scope *scope)
{
    struct cit_expr_error fault;
    struct cit_py_value v;

    (void)st;
    if (cit_py_run_program(cit_py_as_program(program), scope, &v, &fault) < 0)
        return NULL;
    return v.kind == CIT_PY_OBJ ? v.u.o : cit_py_box(&v);
}

int cit_py_program_test(struct cit_py_state *st, PyObject *program, const struct cit_py_scope *scope)
{
    struct cit_expr_error fault;
    struct cit_py_value v;
    int is;

    (void)st;
    if (cit_py_run_program(cit_py_as_program(program), scope, &v, &fault) < 0)
        return -1;
    is = cit_py_condition(cit_py_as_program(program), &v, &fault);
    cit_py_value_clear(&v);
    return is;
}
