/* expr/eval.c - the machine that runs programs over plain values. */
#include <stdio.h>
#include <string.h>

#include "expr/eval_int.h"
#include "expr/expr_int.h"
#include "expr/regex.h"

/* So many values and names need no memory of the arena. */
enum { STACK_SMALL = 16, NAMES_SMALL = 8 };

const struct cit_expr_limits cit_expr_default_limits = {
    .steps = 1000 * 1000,
    .made_bytes = CIT_EXPR_MADE_CHARS_MAX,
    .made_items = CIT_EXPR_MADE_ITEMS_MAX,
};

struct machine {
    struct cit__run r;
    struct cit_expr_value *stack;
    uint32_t count; /* values on it */
    uint32_t next;  /* the instruction that is run next */
    bool is_strict;
};

/* ---- bounds ---- */

int cit__charge(struct cit__run *r, uint64_t steps)
{
    if (steps > r->left.steps) {
        cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_LIMIT, "the evaluation takes too many steps");
        return CIT_ELIMIT;
    }
    r->left.steps -= steps;
    return CIT_OK;
}

int cit__take(struct cit__run *r, size_t n, void **out)
{
    bool is_full;
    void *p = cit_expr_arena_take(r->task->arena, n, &is_full);

    if (p == NULL && is_full)
        cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_LIMIT, "the evaluation takes too much memory");
    else if (p == NULL)
        cit_expr_fault_printf(r->err, CIT_EXPR_FAULT_NONE, "out of memory");
    if (p == NULL)
        return is_full ? CIT_ELIMIT : CIT_ENOMEM;
    *out = p;
    return CIT_OK;
}

int cit__take_text(struct cit__run *r, size_t n, char **out)
{
    void *p = NULL;
    int err;

    if (n > r->left.made_bytes) {
        cit_expr_fault_text_long(r->err);
        return CIT_ELIMIT;
    }
    err = cit__charge(r, cit__byte_steps(n));
    if (err == CIT_OK)
        err = cit__take(r, n, &p);
    if (err == CIT_OK)
        *out = p;
    return err;
}

int cit__take_items(struct cit__run *r, size_t count, struct cit_expr_value **out)
{
    void *p = NULL;
    int err;

    if (count > r->left.made_items) {
        cit_expr_fault_list_long(r->err);
        return CIT_ELIMIT;
    }
    err = cit__charge(r, count);
    if (err == CIT_OK)
        err = cit__take(r, count * sizeof **out, &p);
    if (err == CIT_OK)
        *out = p;
    return err;
}

/* ---- names ---- */

/* The name of something the clock tells, or NOT_CLOCK. */
enum clock { NOT_CLOCK, CLOCK_DAY, CLOCK_TIME, CLOCK_DATE };

static enum clock clock_of(struct cit_slice name)
{
    if (name.n < 11 || memcmp(name.p, "current_", 8) != 0)
        return NOT_CLOCK;
    if (cit_slice_eq(name, CIT_SLICE_LIT("current_day")))
        return CLOCK_DAY;
    if (cit_slice_eq(name, CIT_SLICE_LIT("current_time")))
        return CLOCK_TIME;
    return cit_slice_eq(name, CIT_SLICE_LIT("current_date")) ? CLOCK_DATE : NOT_CLOCK;
}

static int tell_clock(struct cit__run *r, enum clock which, struct cit_expr_value *out)
{
    const struct cit_expr_now *now = r->task->lookup->now;
    char text[48]; /* whatever the caller's numbers are */
    char *p;
    int n, err;

    if (which == CLOCK_DAY) {
        *out = cit_expr_int(now->weekday);
        return CIT_OK;
    }
    if (which == CLOCK_TIME)
        n = snprintf(text, sizeof text, "%02d:%02d:%02d", now->hour, now->minute, now->second);
    else
        n = snprintf(text, sizeof text, "%04d-%02d-%02d", now->year, now->month, now->day);
    err = cit__take_text(r, (size_t)n, &p);
    if (err != CIT_OK)
        return err;
    memcpy(p, text, (size_t)n);
    *out = cit_expr_text(cit_slice(p, (size_t)n));
    return CIT_OK;
}

/* In compat programs the clock hides data, in strict ones data hides the clock. */
static int look_up(struct cit__run *r, uint32_t name, struct cit_expr_value *out)
{
    const struct cit_expr_lookup *l = r->task->lookup;
    enum clock clock = l->now == NULL ? NOT_CLOCK : clock_of(r->program->names[name]);
    int err = CIT_ENOENT;

    if (clock != NOT_CLOCK && r->program->dialect != CIT_EXPR_STRICT)
        return tell_clock(r, clock, out);
    if (l->get != NULL)
        err = l->get(l->ctx, r->program, name, out);
    return err == CIT_ENOENT && clock != NOT_CLOCK ? tell_clock(r, clock, out) : err;
}

int cit__fetch(struct cit__run *r, uint32_t name, struct cit_expr_value *out, bool *is_there)
{
    struct cit__slot *slot = &r->names[name];
    int err = CIT_OK;

    if (slot->state == CIT__SLOT_UNKNOWN) {
        slot->value = cit_expr_null();
        err = look_up(r, name, &slot->value);
        if (err != CIT_OK && err != CIT_ENOENT)
            return err;
        slot->state = err == CIT_OK ? CIT__SLOT_SET : CIT__SLOT_MISSING;
        if (err == CIT_ENOENT)
            slot->value = cit_expr_null();
    }
    *out = slot->value;
    *is_there = slot->state == CIT__SLOT_SET;
    return CIT_OK;
}

static int push_name(struct machine *m, struct cit_expr_value *out)
{
    bool is_there;

    return m->is_strict ? cit__fetch(&m->r, m->r.ins->arg, out, &is_there)
                        : cit__compat_name(&m->r, m->r.ins->arg, out);
}

/* ---- constants ---- */

/* The compiler let only integers of 64 bits pass. */
static int64_t int_of(struct cit_slice digits)
{
    bool is_negative = digits.n > 0 && digits.p[0] == '-';
    uint64_t value = 0;

    for (size_t i = is_negative; i < digits.n; i++)
        value = value * 10 + (uint64_t)(digits.p[i] - '0');
    return (int64_t)(is_negative ? 0 - value : value);
}

static int push_const(struct machine *m, struct cit_expr_value *out)
{
    const struct cit_expr_const *c = &m->r.program->consts[m->r.ins->arg];
    struct cit_expr_value literal = cit_expr_text(c->text);

    switch ((enum cit_expr_const_kind)c->kind) {
    case CIT_EXPR_NULL:
        *out = cit_expr_null();
        break;
    case CIT_EXPR_BOOL:
        *out = cit_expr_bool(c->is_true);
        break;
    case CIT_EXPR_FLOAT:
        *out = cit_expr_real(c->num);
        break;
    case CIT_EXPR_INT:
        *out = cit_expr_int(int_of(c->text));
        break;
    case CIT_EXPR_STR:
        *out = literal;
        break;
    case CIT_EXPR_LITERAL:
        return cit__compat_convert(&m->r, &literal, out);
    case CIT_EXPR_RAWLIST:
        *out = (struct cit_expr_value){ .kind = CIT_EXPR_V_RAW, .u.raw = { m->r.program->items + c->first, c->count } };
        break;
    }
    return CIT_OK;
}

/* ---- instructions ---- */

static struct cit_expr_value *top(struct machine *m)
{
    return &m->stack[m->count - 1];
}

static struct cit_expr_value *push(struct machine *m)
{
    return &m->stack[m->count++];
}

/* Compat code has its right operand below the left one. */
static int binary(struct machine *m)
{
    struct cit_expr_value *upper = top(m), *lower = upper - 1;

    m->count--;
    return m->is_strict ? cit__strict_binary(&m->r, lower, upper, lower)
                        : cit__compat_binary(&m->r, upper, lower, lower);
}

static int negate(struct machine *m)
{
    bool truth = false;
    int err;

    if (m->r.ins->op == CIT_EXPR_NEG)
        return m->is_strict ? cit__strict_negative(&m->r, top(m), top(m)) : cit__compat_negative(&m->r, top(m), top(m));
    if (m->is_strict)
        err = cit__strict_condition(&m->r, top(m), &truth);
    else
        err = CIT_OK, truth = cit_expr_is_truthy(top(m));
    if (err == CIT_OK)
        *top(m) = cit_expr_bool(!truth);
    return err;
}

static int to_bool(struct machine *m)
{
    bool truth;
    int err = cit__strict_condition(&m->r, top(m), &truth);

    if (err == CIT_OK)
        *top(m) = cit_expr_bool(truth);
    return err;
}

/* The conditions of jumps are booleans: TO_BOOL or a comparison stands before them. */
static int jump(struct machine *m)
{
    enum cit_expr_op op = (enum cit_expr_op)m->r.ins->op;
    bool goes = op == CIT_EXPR_JUMP || (op == CIT_EXPR_JUMP_IF_TRUE && top(m)->u.b) ||
                (op == CIT_EXPR_JUMP_IF_SET && top(m)->kind != CIT_EXPR_V_NULL) ||
                ((op == CIT_EXPR_JUMP_IF_FALSE || op == CIT_EXPR_JUMP_UNLESS) && !top(m)->u.b);

    if (goes)
        m->next = m->r.ins->arg;
    if (op == CIT_EXPR_JUMP_UNLESS || !goes)
        m->count--;
    return CIT_OK;
}

static int make_list(struct machine *m)
{
    uint32_t count = m->r.ins->count;
    struct cit_expr_value *items = NULL;
    int err = cit__take_items(&m->r, count, &items);

    if (err != CIT_OK)
        return err;
    if (count > 0)
        memcpy(items, m->stack + m->count - count, count * sizeof *items);
    m->count -= count;
    *push(m) = cit_expr_list(items, count);
    return CIT_OK;
}

static int call(struct machine *m)
{
    uint32_t count = m->r.ins->count;
    struct cit_expr_value *args;

    if (m->r.ins->op == CIT_EXPR_CALL)
        return cit__compat_call(&m->r, top(m), top(m));
    m->count -= count;
    args = push(m);
    return cit__strict_call(&m->r, args, args);
}

static int no_operand(struct machine *m)
{
    if (m->r.ins->op == CIT_EXPR_UNDERFLOW)
        cit_expr_fault_printf(m->r.err, CIT_EXPR_FAULT_INDEX, "an operand is missing: the stack is empty");
    else
        cit_expr_fault_printf(m->r.err, CIT_EXPR_FAULT_TYPE, "a list stands where a name belongs");
    return CIT_EINVAL;
}

static struct cit_slice const_text(const struct machine *m)
{
    return m->r.program->consts[m->r.ins->arg].text;
}

static int step(struct machine *m)
{
    switch ((enum cit_expr_op)m->r.ins->op) {
    case CIT_EXPR_CONST:
        return push_const(m, push(m));
    case CIT_EXPR_VAR:
        return push_name(m, push(m));
    case CIT_EXPR_VAR_AT:
        return cit__compat_name_at(&m->r, m->r.ins->arg, top(m), top(m));
    case CIT_EXPR_UNDERFLOW:
    case CIT_EXPR_BAD_NAME:
    case CIT_EXPR_BAD_NAME_AT:
        return no_operand(m);
    case CIT_EXPR_NEG:
    case CIT_EXPR_NOT:
        return negate(m);
    case CIT_EXPR_EQ:
    case CIT_EXPR_NE:
    case CIT_EXPR_LT:
    case CIT_EXPR_LE:
    case CIT_EXPR_GT:
    case CIT_EXPR_GE:
    case CIT_EXPR_IN:
    case CIT_EXPR_BIT_AND:
    case CIT_EXPR_BIT_OR:
    case CIT_EXPR_BANG:
    case CIT_EXPR_ADD:
    case CIT_EXPR_SUB:
    case CIT_EXPR_MUL:
    case CIT_EXPR_DIV:
    case CIT_EXPR_MOD:
    case CIT_EXPR_POW:
    case CIT_EXPR_ITEM:
        return binary(m);
    case CIT_EXPR_CALL:
    case CIT_EXPR_CALL_N:
        return call(m);
    case CIT_EXPR_LIST:
        return make_list(m);
    case CIT_EXPR_FIELD:
        return cit__strict_field(&m->r, top(m), const_text(m), top(m));
    case CIT_EXPR_MATCH:
        return cit__strict_match(&m->r, top(m), const_text(m), top(m));
    case CIT_EXPR_TO_BOOL:
        return to_bool(m);
    case CIT_EXPR_JUMP_IF_FALSE:
    case CIT_EXPR_JUMP_IF_TRUE:
    case CIT_EXPR_JUMP_IF_SET:
    case CIT_EXPR_JUMP_UNLESS:
    case CIT_EXPR_JUMP:
        return jump(m);
    case CIT_EXPR_OP_COUNT:
        break;
    }
    return CIT_EINVAL;
}

/* ---- running ---- */

/* Room on the stack and for names: the small arrays where they do. */
static int make_room(struct machine *m)
{
    const struct cit_expr_program *p = m->r.program;
    void *stack = m->stack, *names = m->r.names;
    int err = CIT_OK;

    if (p->stack_max > STACK_SMALL)
        err = cit__take(&m->r, p->stack_max * sizeof *m->stack, &stack);
    if (err == CIT_OK && p->name_count > NAMES_SMALL)
        err = cit__take(&m->r, p->name_count * sizeof *m->r.names, &names);
    if (err != CIT_OK)
        return err;
    m->stack = stack;
    m->r.names = names;
    for (uint32_t i = 0; i < p->name_count; i++)
        m->r.names[i].state = CIT__SLOT_UNKNOWN;
    return CIT_OK;
}

static int run_code(struct machine *m)
{
    const struct cit_expr_program *p = m->r.program;
    int err = make_room(m);

    while (err == CIT_OK && m->next < p->code_count) {
        m->r.ins = &p->code[m->next++];
        err = cit__charge(&m->r, 1);
        if (err == CIT_OK)
            err = step(m);
    }
    return err;
}

static void place_error(const struct cit__run *r, int err)
{
    struct cit_expr_error *e = r->err;

    e->err = err;
    e->at = r->ins->at;
    cit__place(r->program->text, e->at, &e->line, &e->column);
    if (e->what[0] == '\0') /* a callback's, or memory for a pattern */
        cit_expr_fault_printf(e, CIT_EXPR_FAULT_NONE, "%s", cit_err_text(err));
}

int cit_expr_eval(const struct cit_expr_task *task, struct cit_expr_value *out, struct cit_expr_error *err)
{
    static const struct cit_expr_ins nowhere; /* until the first instruction */
    struct cit_expr_value stack[STACK_SMALL];
    struct cit__slot names[NAMES_SMALL];
    struct cit_expr_error unseen;
    struct machine m = {
        .r = { .task = task, .program = task->program, .ins = &nowhere, .names = names },
        .stack = stack,
        .is_strict = task->program->dialect == CIT_EXPR_STRICT,
    };
    int status;

    m.r.err = err != NULL ? err : &unseen;
    m.r.err->what[0] = m.r.err->hint[0] = '\0';
    m.r.err->kind = CIT_EXPR_FAULT_NONE;
    m.r.left = task->limits != NULL ? *task->limits : cit_expr_default_limits;
    status = task->program->code_count > 0 ? run_code(&m) : CIT_EINVAL; /* none: the text did not compile */
    if (status == CIT_OK)
        *out = stack == m.stack ? stack[0] : m.stack[0];
    else
        place_error(&m.r, status);
    return status;
}

int cit_expr_test(const struct cit_expr_task *task, bool *out, struct cit_expr_error *err)
{
    static const struct cit_expr_ins whole;
    struct cit_expr_error unseen;
    struct cit__run r = { .task = task, .program = task->program, .ins = &whole };
    struct cit_expr_value v = { .kind = CIT_EXPR_V_NULL };
    int status = cit_expr_eval(task, &v, err);

    if (status != CIT_OK)
        return status;
    if (task->program->dialect != CIT_EXPR_STRICT) {
        *out = cit_expr_is_truthy(&v);
        return CIT_OK;
    }
    r.err = err != NULL ? err : &unseen;
    status = cit__strict_condition(&r, &v, out);
    if (status != CIT_OK)
        place_error(&r, status);
    return status;
}

/* ---- values ---- */

enum cit_expr_type cit_expr_type_of(const struct cit_expr_value *v)
{
    static const enum cit_expr_type types[] = {
        [CIT_EXPR_V_NULL] = CIT_EXPR_T_NULL,   [CIT_EXPR_V_BOOL] = CIT_EXPR_T_BOOL, [CIT_EXPR_V_INT] = CIT_EXPR_T_INT,
        [CIT_EXPR_V_FLOAT] = CIT_EXPR_T_FLOAT, [CIT_EXPR_V_TEXT] = CIT_EXPR_T_TEXT, [CIT_EXPR_V_LIST] = CIT_EXPR_T_LIST,
        [CIT_EXPR_V_MAP] = CIT_EXPR_T_MAP,     [CIT_EXPR_V_RAW] = CIT_EXPR_T_LIST,
    };

    return types[v->kind];
}

bool cit_expr_is_truthy(const struct cit_expr_value *v)
{
    switch ((enum cit_expr_value_kind)v->kind) {
    case CIT_EXPR_V_NULL:
        return false;
    case CIT_EXPR_V_BOOL:
        return v->u.b;
    case CIT_EXPR_V_INT:
        return v->u.i != 0;
    case CIT_EXPR_V_FLOAT:
        return v->u.f != 0.0;
    case CIT_EXPR_V_TEXT:
        return v->u.s.n > 0;
    case CIT_EXPR_V_LIST:
        return v->u.list.count > 0;
    case CIT_EXPR_V_MAP:
        return v->u.map.ops->count(v->u.map.ctx) > 0;
    case CIT_EXPR_V_RAW:
        return v->u.raw.count > 0;
    }
    return false;
}

static int pairs_get(void *ctx, struct cit_slice key, struct cit_expr_value *out)
{
    const struct cit_expr_pairs *pairs = ctx;

    for (size_t i = 0; i < pairs->count; i++) {
        if (cit_slice_eq(pairs->at[i].key, key)) {
            *out = pairs->at[i].value;
            return CIT_OK;
        }
    }
    return CIT_ENOENT;
}

static size_t pairs_count(void *ctx)
{
    return ((const struct cit_expr_pairs *)ctx)->count;
}

static int pairs_entry(void *ctx, size_t i, struct cit_slice *key, struct cit_expr_value *out)
{
    const struct cit_expr_pairs *pairs = ctx;

    *key = pairs->at[i].key;
    *out = pairs->at[i].value;
    return CIT_OK;
}

const struct cit_expr_map_ops cit_expr_pairs_ops = { pairs_get, pairs_count, pairs_entry };
