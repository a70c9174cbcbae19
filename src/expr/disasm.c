/* expr/disasm.c - a program for people: one line an instruction. */
#include "base/buf.h"
#include "base/mem.h"
#include "expr/expr_int.h"

/* Characters an operand has room for. */
#define WIDTH 20

/* "\"text\"", control characters as spaces. */
static int add_text(struct cit_buf *out, struct cit_slice text)
{
    struct cit__said said;

    return cit_buf_add_str(out, cit__say(&said, "\"", text, "\""));
}

static int add_list(struct cit_buf *out, const struct cit_expr_program *prog, const struct cit_expr_const *c)
{
    int err = cit_buf_add_str(out, "[");

    for (uint32_t i = 0; err == CIT_OK && i < c->count; i++) {
        if (i > 0)
            err = cit_buf_add_str(out, ", ");
        if (err == CIT_OK)
            err = add_text(out, prog->items[c->first + i]);
    }
    return err == CIT_OK ? cit_buf_add_str(out, "]") : err;
}

static int add_const(struct cit_buf *out, const struct cit_expr_program *prog, const struct cit_expr_const *c)
{
    struct cit__said said;

    switch ((enum cit_expr_const_kind)c->kind) {
    case CIT_EXPR_NULL:
        return cit_buf_add_str(out, "None");
    case CIT_EXPR_BOOL:
        return cit_buf_add_str(out, c->is_true ? "True" : "False");
    case CIT_EXPR_FLOAT:
        if (c->text.n > 0)
            return cit_buf_add_str(out, cit__say(&said, "", c->text, ""));
        return cit_buf_printf(out, "%.17g", c->num);
    case CIT_EXPR_INT:
        return cit_buf_add_str(out, cit__say(&said, "", c->text, ""));
    case CIT_EXPR_STR:
        return add_text(out, c->text);
    case CIT_EXPR_LITERAL:
        return cit_buf_add_str(out, cit__say(&said, "float or text \"", c->text, "\""));
    case CIT_EXPR_RAWLIST:
        return add_list(out, prog, c);
    }
    return CIT_OK;
}

static int add_operand(struct cit_buf *out, const struct cit_expr_program *prog, const struct cit_expr_ins *ins)
{
    struct cit__said said;

    switch (ins->op) {
    case CIT_EXPR_CONST:
        return add_const(out, prog, &prog->consts[ins->arg]);
    case CIT_EXPR_FIELD:
    case CIT_EXPR_MATCH:
        return add_text(out, prog->consts[ins->arg].text);
    case CIT_EXPR_VAR:
    case CIT_EXPR_VAR_AT:
        return cit_buf_add_str(out, cit__say(&said, "$", prog->names[ins->arg], ""));
    case CIT_EXPR_CALL:
        return cit_buf_add_str(out, cit_expr_func_name(ins->arg));
    case CIT_EXPR_CALL_N:
        return cit_buf_printf(out, "%s of %u", cit_expr_func_name(ins->arg), (unsigned)ins->count);
    case CIT_EXPR_LIST:
        return cit_buf_printf(out, "of %u", (unsigned)ins->count);
    case CIT_EXPR_JUMP:
    case CIT_EXPR_JUMP_UNLESS:
    case CIT_EXPR_JUMP_IF_FALSE:
    case CIT_EXPR_JUMP_IF_TRUE:
    case CIT_EXPR_JUMP_IF_SET:
        return cit_buf_printf(out, "to %u", (unsigned)ins->arg);
    default:
        return CIT_OK;
    }
}

/* "   3  ADD            operand       # 1:5 +" */
static int add_line(struct cit_buf *out, const struct cit_expr_program *prog, const struct cit__place *places,
                    uint32_t i)
{
    const struct cit_expr_ins *ins = &prog->code[i];
    const struct cit__place *place = &places[ins->at];
    uint32_t width;
    struct cit__said said;
    size_t start;
    int err = cit_buf_printf(out, "%4u  %-13s  ", (unsigned)i, cit_expr_op_name(ins->op));

    start = out->len;
    if (err == CIT_OK)
        err = add_operand(out, prog, ins);
    if (err != CIT_OK)
        return err;
    width = cit__chars(cit_slice(out->p + start, out->len - start));
    err = cit_buf_printf(out, "%*s", width < WIDTH ? (int)(WIDTH - width) : 0, "");
    if (err == CIT_OK)
        err = cit_buf_printf(out, "  # %u:%u %s\n", (unsigned)place->line, (unsigned)place->column,
                             cit__say(&said, "", cit__piece(prog->text, ins->at), ""));
    return err;
}

/* The places of all bytes of a text and of its end, owned by the caller: instructions do not come in
 * their order.  NULL without memory. */
static struct cit__place *find_places(struct cit_slice text)
{
    struct cit__place p = CIT__PLACE_START, *places = cit_calloc(text.n + 1, sizeof p);

    for (size_t i = 0; places != NULL && i <= text.n; i++) {
        cit__place_move(text, &p, i);
        places[i] = p;
    }
    return places;
}

int cit_expr_disassemble(const struct cit_expr_program *prog, struct cit_buf *out)
{
    struct cit__place *places = find_places(prog->text);
    int err = places != NULL ? CIT_OK : CIT_ENOMEM;

    for (uint32_t i = 0; err == CIT_OK && i < prog->code_count; i++)
        err = add_line(out, prog, places, i);
    cit_free(places);
    return err;
}
