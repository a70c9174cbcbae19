/* tests/c/expr_props.h - what holds for every compiled expression, whatever its text.
 *
 * Used by the C tests and the fuzzer.
 */
#ifndef CIT_TESTS_EXPR_PROPS_H
#define CIT_TESTS_EXPR_PROPS_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "expr/notes.h"
#include "expr/program.h"

static inline uint32_t expr_chars(struct cit_slice s)
{
    uint32_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static inline int expr_pops(const struct cit_expr_ins *ins)
{
    static const int rows[] = {
#define EXPR_POPS(name, n, text) n,
        CIT_EXPR_OPS(EXPR_POPS)
#undef EXPR_POPS
    };

    return rows[ins->op] < 0 ? ins->count : rows[ins->op];
}

static inline bool expr_is_jump(unsigned op)
{
    return op == CIT_EXPR_JUMP || op == CIT_EXPR_JUMP_UNLESS || op == CIT_EXPR_JUMP_IF_FALSE ||
           op == CIT_EXPR_JUMP_IF_TRUE || op == CIT_EXPR_JUMP_IF_SET;
}

static inline bool expr_takes_const(unsigned op)
{
    return op == CIT_EXPR_CONST || op == CIT_EXPR_FIELD || op == CIT_EXPR_MATCH;
}

static inline bool expr_func_holds(const struct cit_expr_ins *ins)
{
    static const struct {
        int least, most;
    } rows[] = {
#define EXPR_ROW(name, least, most, dialects) { least, most },
        CIT_EXPR_FUNCS(EXPR_ROW)
#undef EXPR_ROW
    };
    int count = ins->op == CIT_EXPR_CALL ? 1 : ins->count;

    return ins->arg < CIT_EXPR_FUNC_COUNT && count >= rows[ins->arg].least && count <= rows[ins->arg].most;
}

/* What one instruction points at. */
static inline const char *expr_ins_holds(const struct cit_expr_program *p, uint32_t i)
{
    const struct cit_expr_ins *ins = &p->code[i];

    if (ins->op >= CIT_EXPR_OP_COUNT)
        return "unknown instruction";
    if (ins->at > p->text.n)
        return "instruction outside the text";
    if (expr_takes_const(ins->op) && ins->arg >= p->const_count)
        return "constant out of range";
    if ((ins->op == CIT_EXPR_VAR || ins->op == CIT_EXPR_VAR_AT) && ins->arg >= p->name_count)
        return "name out of range";
    if (expr_is_jump(ins->op) && (ins->arg <= i || ins->arg > p->code_count))
        return "jump backwards or out of range";
    if ((ins->op == CIT_EXPR_CALL || ins->op == CIT_EXPR_CALL_N) && !expr_func_holds(ins))
        return "function or its operands out of range";
    return NULL;
}

/* Runs the depth of the stack along the code; depths[] has code_count + 1 places of -1. */
static inline const char *expr_depth_holds(const struct cit_expr_program *p, long *depths)
{
    long depth = 0, max = 0;
    bool is_over = false; /* behind UNDERFLOW nothing is reached */

    for (uint32_t i = 0; i < p->code_count; i++) {
        const struct cit_expr_ins *ins = &p->code[i];

        if (is_over)
            return "code behind what always raises";
        if (depths[i] >= 0 && depths[i] != depth)
            return "a jump finds another depth";
        if (depth < expr_pops(ins) || (expr_is_jump(ins->op) && depth < 1))
            return "the stack runs empty";
        is_over = ins->op == CIT_EXPR_UNDERFLOW;
        if (expr_is_jump(ins->op)) {
            long there = ins->op == CIT_EXPR_JUMP_UNLESS ? depth - 1 : depth;

            if (depths[ins->arg] >= 0 && depths[ins->arg] != there)
                return "two jumps find two depths";
            depths[ins->arg] = there;
            depth--;
        } else {
            depth += 1 - expr_pops(ins);
        }
        max = depth > max ? depth : max;
    }
    if (p->code_count > 0 && !is_over && depth != 1)
        return "the end does not leave one value";
    if (depths[p->code_count] >= 0 && depths[p->code_count] != 1)
        return "a jump to the end does not leave one value";
    return max == (long)p->stack_max ? NULL : "stack_max is not the greatest depth";
}

static inline const char *expr_code_holds(const struct cit_expr_program *p)
{
    long *depths = malloc((p->code_count + 1) * sizeof *depths);
    const char *wrong = depths == NULL ? "no memory" : NULL;

    for (uint32_t i = 0; wrong == NULL && i <= p->code_count; i++)
        depths[i] = -1;
    for (uint32_t i = 0; wrong == NULL && i < p->code_count; i++)
        wrong = expr_ins_holds(p, i);
    if (wrong == NULL)
        wrong = expr_depth_holds(p, depths);
    free(depths);
    return wrong;
}

static inline const char *expr_tokens_hold(const struct cit_expr_program *p)
{
    for (uint32_t i = 0; i < p->token_count; i++) {
        const struct cit_expr_token *t = &p->tokens[i];

        if (t->at > p->text.n)
            return "token outside the text";
        if (t->is_list && (t->first > p->item_count || t->count > p->item_count - t->first))
            return "token's items out of range";
    }
    for (uint32_t i = 0; i < p->const_count; i++) {
        const struct cit_expr_const *c = &p->consts[i];

        if (c->kind > CIT_EXPR_RAWLIST)
            return "unknown kind of constant";
        if (c->kind == CIT_EXPR_RAWLIST && (c->first > p->item_count || c->count > p->item_count - c->first))
            return "constant's items out of range";
    }
    return NULL;
}

static inline bool expr_uses(const struct cit_expr_program *p, uint32_t name)
{
    for (uint32_t i = 0; i < p->code_count; i++)
        if ((p->code[i].op == CIT_EXPR_VAR || p->code[i].op == CIT_EXPR_VAR_AT) && p->code[i].arg == name)
            return true;
    return false;
}

static inline const char *expr_names_hold(const struct cit_expr_program *p)
{
    for (uint32_t i = 0; i < p->name_count && i < 100; i++) {
        for (uint32_t k = 0; k < i; k++)
            if (cit_slice_eq(p->names[i], p->names[k]))
                return "a name stands twice";
        if (p->is_closed && !expr_uses(p, i)) /* else its instruction may be behind what always raises */
            return "a name nobody uses";
    }
    return NULL;
}

static inline bool expr_is_note_code(const char *code)
{
    static const char *const codes[] = {
#define EXPR_CODE(name, text, when) text,
        CIT_EXPR_NOTES(EXPR_CODE)
#undef EXPR_CODE
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

static inline const char *expr_notes_hold(const struct cit_expr_program *p)
{
    for (uint32_t i = 0; i < p->note_count; i++) {
        const struct cit_expr_note *n = &p->notes[i];

        if (!expr_is_note_code(n->code) || n->what[0] == '\0')
            return "a remark without code or text";
        if (n->at > p->text.n || n->line < 1 || n->column < 1)
            return "a remark outside the text";
        if (i > 0 && n->at < p->notes[i - 1].at)
            return "remarks out of order";
    }
    return NULL;
}

/* NULL, or what is wrong with a program. */
static inline const char *expr_program_holds(const struct cit_expr_program *p)
{
    struct cit_buf text;
    const char *wrong = expr_tokens_hold(p);
    int err;

    if (p->text_chars != expr_chars(p->text) || p->end > p->text_chars)
        return "characters miscounted";
    if (wrong == NULL)
        wrong = expr_code_holds(p);
    if (wrong == NULL)
        wrong = expr_names_hold(p);
    if (wrong == NULL)
        wrong = expr_notes_hold(p);
    if (wrong != NULL)
        return wrong;
    cit_buf_init(&text, 1U << 24);
    err = cit_expr_disassemble(p, &text);
    cit_buf_fini(&text);
    return err == CIT_OK ? NULL : "not to be disassembled";
}

/* NULL, or what is wrong with a failure. */
static inline const char *expr_error_holds(const struct cit_expr_error *e, size_t text_n, int result)
{
    if (e->err != result || e->what[0] == '\0')
        return "a failure that does not say why";
    if (e->at > text_n || e->line < 1 || e->column < 1)
        return "a failure outside the text";
    return NULL;
}

/* Compiles a text; NULL, or what is wrong with the outcome. */
static inline const char *expr_holds(struct cit_slice text, enum cit_expr_dialect dialect)
{
    struct cit_expr_program *p = NULL;
    struct cit_expr_error e;
    int result = cit_expr_compile(text, dialect, &p, &e);
    const char *wrong;

    if (result != CIT_OK)
        return p != NULL ? "a program beside a failure" : expr_error_holds(&e, CIT_EXPR_TEXT_MAX, result);
    wrong = p->code_count > 0 ? expr_program_holds(p) : "no code";
    cit_expr_free(p);
    return wrong;
}

#endif
