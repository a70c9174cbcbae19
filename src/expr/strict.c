/* expr/strict.c - the strict dialect: one pass over the tokens, code as they come.
 *
 *      binary(least)    operators from a level on, by precedence climbing
 *        operand        not, unary minus
 *          power        ^
 *            postfix    [ ] and .
 *              atom     literals, names, calls, lists, parentheses
 *
 * What a part gives is known a little before it is run (struct part): that spares TO_BOOL
 * behind comparisons, and finds conditions that are literals.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "expr/fault.h"
#include "expr/strict_int.h"

enum level { LEVEL_ANY, LEVEL_OR, LEVEL_AND, LEVEL_NOT, LEVEL_COMPARE, LEVEL_SUM, LEVEL_PRODUCT };

enum gives { GIVES_ANY, GIVES_BOOL, GIVES_NULL };

/* A piece of the expression whose code has been emitted. */
struct part {
    uint32_t at; /* where it begins */
    enum gives gives;
    bool is_literal;
};

struct parser {
    struct cit__lex lex;
    struct cit_expr_build *b;
    uint32_t depth;
    bool is_after_minus; /* the number that follows may be 2^63 */
};

static struct part binary(struct parser *p, enum level least);
static struct part operand(struct parser *p, enum level least);

/* ---- small things ---- */

static bool accept(struct parser *p, enum cit__lexeme kind)
{
    if (p->lex.kind != kind)
        return false;
    cit__lex_next(&p->lex);
    return true;
}

static uint32_t emit(struct parser *p, enum cit_expr_op op, uint32_t arg, uint32_t at)
{
    return cit__build_emit(p->b, (struct cit_expr_ins){ .op = (uint8_t)op, .arg = arg, .at = at });
}

static void emit_const(struct parser *p, struct cit_expr_const c, uint32_t at)
{
    emit(p, CIT_EXPR_CONST, cit__build_const(p->b, c), at);
}

static bool enter(struct parser *p)
{
    if (++p->depth > CIT_EXPR_DEPTH_MAX)
        (void)cit__build_limit(p->b, p->lex.at, "the expression is nested too deeply");
    return cit__build_ok(p->b);
}

static void leave(struct parser *p)
{
    p->depth--;
}

/* A value that is emitted where a condition belongs. */
static void condition(struct parser *p, struct part part)
{
    if (part.is_literal)
        cit__build_note(p->b, CIT_EXPR_NOTE_CONSTANT_CONDITION,
                        (struct cit__remark){ .at = part.at, .what = "the condition is always the same" });
    if (part.gives != GIVES_BOOL)
        emit(p, CIT_EXPR_TO_BOOL, 0, part.at);
}

/* ---- what does not fit ---- */

/* The current token where a value belongs. */
static void fail_value(struct parser *p)
{
    const struct cit__lex *lex = &p->lex;
    struct cit__said said;
    bool is_number_cut = lex->kind == CIT__L_DOT && lex->end < p->b->text.n && p->b->text.p[lex->end] >= '0' &&
                         p->b->text.p[lex->end] <= '9';

    if (lex->kind == CIT__L_END)
        cit__lex_fail(
            p->b, lex->at,
            p->b->code.count == 0 && p->depth == 0 ? "the expression is empty" : "a value is missing at the end", NULL);
    else if (lex->kind == CIT__L_NOT)
        cit__lex_fail(p->b, lex->at, "`not` needs parentheses here", "write (not x)");
    else if (is_number_cut)
        cit__lex_fail(p->b, lex->at, "a number needs digits before its point", "write 0 before it");
    else
        cit__lex_fail(p->b, lex->at, cit__say(&said, "a value is missing before `", cit__lex_written(lex), "`"),
                      lex->kind == CIT__L_PLUS ? "a number has no + in front" : NULL);
}

/* Words of logic that are written otherwise elsewhere, and signs that cannot follow a value. */
static const char *leftover_hint(const struct cit__lex *lex)
{
    static const struct {
        const char *word, *hint;
    } words[] = {
        { "and", "write and in small letters" },
        { "or", "write or in small letters" },
        { "not", "write not in, or an operator before it" },
        { "in", "write in in small letters" },
        { "is", "write ==" },
        { "xor", "write a != b" },
        { "mod", "write %" },
        { "div", "write trunc(a / b)" },
        { "if", "write if(condition, a, b)" },
        { "like", "write contains(text, part) or matches(text, pattern)" },
        { "contains", "write contains(text, part)" },
        { "matches", "write matches(text, pattern)" },
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (cit_slice_eq_nocase(cit__lex_written(lex), cit_slice_str(words[i].word)))
            return words[i].hint;
    if (lex->kind == CIT__L_RPAREN || lex->kind == CIT__L_RBRACKET)
        return "nothing is open that it could close";
    return lex->kind == CIT__L_COMMA ? "an expression is one value; a decimal number has a point"
                                     : "an operator is missing before it";
}

static void fail_leftover(struct parser *p)
{
    cit__lex_fail_piece(p->b, p->lex.at, cit__lex_written(&p->lex), "` is left over", leftover_hint(&p->lex));
}

struct opened {
    uint32_t at;
    const char *what;  /* to say when the end of the text comes instead */
    bool is_separated; /* by commas */
};

/* What was opened must be closed here. */
static void expect_end(struct parser *p, enum cit__lexeme kind, struct opened by)
{
    struct cit__said said;
    const char *expected =
        kind == CIT__L_RPAREN ? "an operator or `)` is expected, not `" : "an operator or `]` is expected, not `";

    if (accept(p, kind) || !cit__build_ok(p->b))
        return;
    if (p->lex.kind == CIT__L_END)
        cit__lex_fail(p->b, by.at, by.what, kind == CIT__L_RPAREN ? "a `)` is missing" : "a `]` is missing");
    else
        cit__lex_fail(p->b, p->lex.at, cit__say(&said, expected, cit__lex_written(&p->lex), "`"),
                      by.is_separated && p->lex.kind != CIT__L_NAME ? "values are separated by `,`"
                                                                    : leftover_hint(&p->lex));
}

/* ---- literals and names ---- */

/* 2^63, which only a minus makes an integer of 64 bits. */
static bool is_lowest(struct cit_slice digits)
{
    return cit_slice_eq(digits, CIT_SLICE_LIT("9223372036854775808"));
}

static void fail_integer(struct parser *p, uint32_t at)
{
    cit__lex_fail(p->b, at, "the integer does not fit 64 bits", "with .0 behind it, it is a float");
}

static void integer(struct parser *p)
{
    struct cit_slice digits = cit__lex_written(&p->lex);
    unsigned long long value;

    if (!(p->is_after_minus && is_lowest(digits)) && (!cit_slice_u64(digits, &value) || value > INT64_MAX))
        fail_integer(p, p->lex.at);
    p->is_after_minus = false;
    emit_const(p, (struct cit_expr_const){ .kind = CIT_EXPR_INT, .text = digits }, p->lex.at);
}

static void real(struct parser *p)
{
    struct cit_expr_const c = { .kind = CIT_EXPR_FLOAT };

    if (cit_expr_float(cit__lex_written(&p->lex), &c.num) != 1 || !isfinite(c.num))
        cit__lex_fail(p->b, p->lex.at, "the number is too large", NULL);
    emit_const(p, c, p->lex.at);
}

static void variable(struct parser *p, struct cit_slice name, uint32_t at)
{
    emit(p, CIT_EXPR_VAR, cit__build_name(p->b, name), at);
}

/* A variable that was hardly meant to be one. */
static void note_word(struct parser *p, uint32_t at, struct cit_slice name)
{
    static const struct {
        const char *word, *hint;
    } words[] = {
        { "true", "write true in small letters" },
        { "false", "write false in small letters" },
        { "null", "write null in small letters" },
        { "none", "write null" },
        { "nil", "write null" },
        { "undefined", "write null" },
        { "and", "write and in small letters" },
        { "or", "write or in small letters" },
        { "not", "write not in small letters" },
        { "in", "write in in small letters" },
    };
    struct cit__said said;

    if (name.n > 9 || strchr("TFNUAOItfnuaoi", name.p[0]) == NULL)
        return; /* most names */
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (cit_slice_eq_nocase(name, cit_slice_str(words[i].word)))
            cit__build_note(p->b, CIT_EXPR_NOTE_WORD_AS_NAME,
                            (struct cit__remark){ .at = at,
                                                  .what = cit__say(&said, "`", name, "` is read as a variable"),
                                                  .hint = words[i].hint });
}

/* ---- calls ---- */

struct function {
    struct cit_slice name;
    uint8_t least, most;
    const char *dialects;
};

static const struct function functions[] = {
#define CIT__FUNCTION_ROW(name, least, most, dialects) { { #name, sizeof #name - 1 }, least, most, dialects },
    CIT_EXPR_FUNCS(CIT__FUNCTION_ROW)
#undef CIT__FUNCTION_ROW
};

/* A call whose operands are being read. */
struct call {
    enum cit_expr_func func;
    uint32_t at, open_at; /* the name, the parenthesis */
    uint32_t count;       /* operands so far */
    uint32_t jump;        /* if, default: to where the operand that is next or last lies */
    struct part last;
    bool gives_bool; /* if: both values do */
};

static void fail_count(struct parser *p, const struct call *call)
{
    const struct function *f = &functions[call->func];
    char what[80];

    if (f->most == f->least)
        (void)snprintf(what, sizeof what, "%s() takes %u operand%s, not %u", f->name.p, f->least,
                       f->least == 1 ? "" : "s", call->count);
    else if (call->count < f->least)
        (void)snprintf(what, sizeof what, "%s() takes at least %u operand%s, not %u", f->name.p, f->least,
                       f->least == 1 ? "" : "s", call->count);
    else
        (void)snprintf(what, sizeof what, "%s() takes at most %u operands, not %u", f->name.p, f->most, call->count);
    cit__lex_fail(p->b, call->at, what, NULL);
}

/* Behind an operand of if(c, a, b):
 *      c TO_BOOL JUMP_UNLESS ─┐  a  JUMP ─┐  b
 *                             └───────────┼─>  │
 *                                         └────┴─> */
static void after_if(struct parser *p, struct call *call)
{
    uint32_t passed = call->jump;

    if (call->count == 1) {
        condition(p, call->last);
        call->jump = emit(p, CIT_EXPR_JUMP_UNLESS, 0, call->at);
    } else if (call->count == 2) {
        call->gives_bool = call->last.gives == GIVES_BOOL;
        call->jump = emit(p, CIT_EXPR_JUMP, 0, call->at);
        cit__build_land(p->b, passed);
    } else if (call->count == 3) {
        call->gives_bool = call->gives_bool && call->last.gives == GIVES_BOOL;
        cit__build_land(p->b, passed);
    }
}

static void after_operand(struct parser *p, struct call *call)
{
    call->count++;
    if (call->func == CIT_EXPR_F_if)
        after_if(p, call);
    else if (call->func == CIT_EXPR_F_default && call->count == 1)
        call->jump = emit(p, CIT_EXPR_JUMP_IF_SET, 0, call->at);
    else if (call->func == CIT_EXPR_F_default && call->count == 2)
        cit__build_land(p->b, call->jump);
}

/* The second operand of matches(): a literal, which is no value on the stack but a constant. */
static void pattern(struct parser *p, struct call *call)
{
    uint32_t at = p->lex.at;
    struct cit_slice text = p->lex.value;

    if (!accept(p, CIT__L_TEXT) || (p->lex.kind != CIT__L_RPAREN && p->lex.kind != CIT__L_COMMA)) {
        cit__lex_fail(p->b, at, "the pattern of matches() must be a text as it stands", "write r'...'");
        return;
    }
    if (cit__pattern_is_slow(text))
        cit__build_note(p->b, CIT_EXPR_NOTE_SLOW_PATTERN,
                        (struct cit__remark){ .at = at,
                                              .what = "the pattern repeats a repetition, which may take very long",
                                              .hint = "for (a+)+ write a+" });
    call->count++;
    call->jump = cit__build_const(p->b, (struct cit_expr_const){ .kind = CIT_EXPR_STR, .text = text });
}

static void operands(struct parser *p, struct call *call)
{
    if (p->lex.kind == CIT__L_RPAREN)
        return;
    do {
        if (call->func == CIT_EXPR_F_matches && call->count == 1) {
            pattern(p, call);
        } else {
            call->last = binary(p, LEVEL_ANY);
            after_operand(p, call);
        }
    } while (cit__build_ok(p->b) && accept(p, CIT__L_COMMA));
}

static enum gives finish_call(struct parser *p, const struct call *call)
{
    if (call->func == CIT_EXPR_F_if)
        return call->gives_bool ? GIVES_BOOL : GIVES_ANY;
    if (call->func == CIT_EXPR_F_default)
        return GIVES_ANY;
    if (call->func == CIT_EXPR_F_matches) {
        emit(p, CIT_EXPR_MATCH, call->jump, call->at);
        return GIVES_BOOL;
    }
    cit__build_emit(
        p->b, (struct cit_expr_ins){
                  .op = CIT_EXPR_CALL_N, .count = (uint16_t)call->count, .arg = (uint32_t)call->func, .at = call->at });
    return call->func == CIT_EXPR_F_exists || call->func == CIT_EXPR_F_contains ||
                   call->func == CIT_EXPR_F_startswith || call->func == CIT_EXPR_F_endswith
               ? GIVES_BOOL
               : GIVES_ANY;
}

static void fail_function(struct parser *p, uint32_t at, struct cit_slice name)
{
    const char *nearest = cit__nearest_function(name);
    struct cit__said said, hint;

    cit__lex_fail(p->b, at, cit__say(&said, "there is no function `", name, "`"),
                  nearest == NULL ? NULL : cit__say(&hint, "did you mean ", cit_slice_str(nearest), "?"));
}

/* The parenthesis behind a name is the current token. */
static enum gives call(struct parser *p, uint32_t at, struct cit_slice name)
{
    struct call c = { .func = CIT_EXPR_FUNC_COUNT, .at = at, .open_at = p->lex.at };

    for (int i = 0; i < CIT_EXPR_FUNC_COUNT; i++)
        if (cit_slice_eq(functions[i].name, name) && strchr(functions[i].dialects, 'S') != NULL)
            c.func = (enum cit_expr_func)i;
    if (c.func == CIT_EXPR_FUNC_COUNT)
        fail_function(p, at, name);
    if (!enter(p))
        return GIVES_ANY;
    cit__lex_next(&p->lex);
    operands(p, &c);
    expect_end(p, CIT__L_RPAREN,
               (struct opened){ .at = c.open_at, .what = "the parenthesis is not closed", .is_separated = true });
    leave(p);
    if (!cit__build_ok(p->b))
        return GIVES_ANY;
    if (c.count < functions[c.func].least || c.count > functions[c.func].most) {
        fail_count(p, &c);
        return GIVES_ANY;
    }
    return finish_call(p, &c);
}

/* ---- atoms ---- */

static enum gives name_or_call(struct parser *p)
{
    struct cit_slice name = p->lex.value;
    uint32_t at = p->lex.at;

    cit__lex_next(&p->lex);
    if (p->lex.kind == CIT__L_LPAREN)
        return call(p, at, name);
    note_word(p, at, name);
    variable(p, name, at);
    return GIVES_ANY;
}

static void dollar(struct parser *p)
{
    variable(p, p->lex.value, p->lex.at);
    cit__lex_next(&p->lex);
    if (p->lex.kind == CIT__L_LPAREN)
        cit__lex_fail(p->b, p->lex.at, "a variable is no function", "a function is written without $");
}

static void list(struct parser *p)
{
    uint32_t at = p->lex.at, count = 0;

    if (!enter(p))
        return;
    cit__lex_next(&p->lex);
    if (p->lex.kind != CIT__L_RBRACKET) {
        do {
            binary(p, LEVEL_ANY);
            count++;
        } while (cit__build_ok(p->b) && accept(p, CIT__L_COMMA));
    }
    expect_end(p, CIT__L_RBRACKET, (struct opened){ .at = at, .what = "the list is not closed", .is_separated = true });
    leave(p);
    cit__build_emit(p->b, (struct cit_expr_ins){ .op = CIT_EXPR_LIST, .count = (uint16_t)count, .at = at });
}

static enum gives group(struct parser *p)
{
    uint32_t at = p->lex.at;
    struct part inner;

    if (!enter(p))
        return GIVES_ANY;
    cit__lex_next(&p->lex);
    inner = binary(p, LEVEL_ANY);
    expect_end(p, CIT__L_RPAREN, (struct opened){ .at = at, .what = "the parenthesis is not closed" });
    leave(p);
    return inner.gives;
}

static struct part literal(struct parser *p)
{
    struct part part = { .at = p->lex.at, .is_literal = true };
    struct cit_expr_const c = { .kind = CIT_EXPR_BOOL };

    if (p->lex.kind == CIT__L_INT) {
        integer(p);
    } else if (p->lex.kind == CIT__L_FLOAT) {
        real(p);
    } else if (p->lex.kind == CIT__L_TEXT) {
        emit_const(p, (struct cit_expr_const){ .kind = CIT_EXPR_STR, .text = p->lex.value }, part.at);
    } else if (p->lex.kind == CIT__L_NULL) {
        part.gives = GIVES_NULL;
        emit_const(p, (struct cit_expr_const){ .kind = CIT_EXPR_NULL }, part.at);
    } else {
        part.gives = GIVES_BOOL;
        c.is_true = p->lex.kind == CIT__L_TRUE;
        emit_const(p, c, part.at);
    }
    cit__lex_next(&p->lex);
    return part;
}

static struct part atom(struct parser *p)
{
    struct part part = { .at = p->lex.at };
    enum cit__lexeme kind = p->lex.kind;

    if ((kind >= CIT__L_INT && kind <= CIT__L_TEXT) || (kind >= CIT__L_TRUE && kind <= CIT__L_NULL))
        return literal(p);
    if (kind == CIT__L_NAME)
        part.gives = name_or_call(p);
    else if (kind == CIT__L_VARIABLE)
        dollar(p);
    else if (kind == CIT__L_LBRACKET)
        list(p);
    else if (kind == CIT__L_LPAREN)
        part.gives = group(p);
    else
        fail_value(p);
    return part;
}

/* ---- what stands behind an atom ---- */

static void subscript(struct parser *p)
{
    uint32_t at = p->lex.at;

    if (!enter(p))
        return;
    cit__lex_next(&p->lex);
    binary(p, LEVEL_ANY);
    expect_end(p, CIT__L_RBRACKET, (struct opened){ .at = at, .what = "the bracket is not closed" });
    leave(p);
    emit(p, CIT_EXPR_ITEM, 0, at);
}

static void field(struct parser *p)
{
    uint32_t at = p->lex.at;

    if (!cit__lex_field(&p->lex))
        return;
    emit(p, CIT_EXPR_FIELD,
         cit__build_const(p->b, (struct cit_expr_const){ .kind = CIT_EXPR_STR, .text = p->lex.value }), at);
    cit__lex_next(&p->lex);
}

static struct part postfix(struct parser *p)
{
    struct part part = atom(p);

    while (cit__build_ok(p->b) && (p->lex.kind == CIT__L_LBRACKET || p->lex.kind == CIT__L_DOT)) {
        if (p->lex.kind == CIT__L_LBRACKET)
            subscript(p);
        else
            field(p);
        part = (struct part){ .at = part.at };
    }
    return part;
}

static struct part power(struct parser *p)
{
    struct part left = postfix(p);
    uint32_t at = p->lex.at;

    if (p->lex.kind != CIT__L_CARET || !enter(p))
        return left;
    cit__lex_next(&p->lex);
    operand(p, LEVEL_PRODUCT);
    leave(p);
    emit(p, CIT_EXPR_POW, 0, at);
    return (struct part){ .at = left.at };
}

/* ---- prefixes ---- */

/* The minus at a byte and the integer right behind it (perhaps after blanks) become one constant. */
static void negate_literal(struct parser *p, uint32_t at, struct cit_expr_const *c)
{
    char *shadow = cit__build_shadow(p->b);

    if (shadow == NULL)
        return;
    shadow[at] = '-';
    memcpy(shadow + at + 1, c->text.p, c->text.n);
    c->text = cit_slice(shadow + at, c->text.n + 1);
}

static struct part minus(struct parser *p)
{
    struct part part = { .at = p->lex.at };
    uint32_t number_at, first = p->b->code.count;
    struct cit_expr_const *c;

    if (!enter(p))
        return part;
    cit__lex_next(&p->lex);
    number_at = p->lex.at;
    p->is_after_minus = p->lex.kind == CIT__L_INT;
    part.is_literal = p->is_after_minus;
    operand(p, LEVEL_PRODUCT);
    leave(p);
    if (!cit__build_ok(p->b))
        return part;
    c = part.is_literal ? &cit__consts(p->b)[cit__code(p->b)[first].arg] : NULL;
    part.is_literal = part.is_literal && p->b->code.count == first + 1;
    if (part.is_literal)
        negate_literal(p, part.at, c);
    else if (c != NULL && is_lowest(c->text))
        fail_integer(p, number_at);
    else
        emit(p, CIT_EXPR_NEG, 0, part.at);
    return part;
}

static struct part negation(struct parser *p)
{
    struct part part = { .at = p->lex.at, .gives = GIVES_BOOL };

    if (!enter(p))
        return part;
    cit__lex_next(&p->lex);
    condition(p, binary(p, LEVEL_NOT));
    leave(p);
    emit(p, CIT_EXPR_NOT, 0, part.at);
    return part;
}

static struct part operand(struct parser *p, enum level least)
{
    if (p->lex.kind == CIT__L_NOT && least <= LEVEL_NOT)
        return negation(p);
    if (p->lex.kind == CIT__L_MINUS)
        return minus(p);
    return power(p);
}

/* ---- operators between two values ---- */

static const struct {
    uint8_t level; /* 0: no such operator */
    uint8_t op;
} operators[CIT__L_COUNT] = {
    [CIT__L_OR] = { LEVEL_OR, CIT_EXPR_JUMP_IF_TRUE },  [CIT__L_AND] = { LEVEL_AND, CIT_EXPR_JUMP_IF_FALSE },
    [CIT__L_NOT] = { LEVEL_COMPARE, CIT_EXPR_IN },      [CIT__L_IN] = { LEVEL_COMPARE, CIT_EXPR_IN },
    [CIT__L_EQ] = { LEVEL_COMPARE, CIT_EXPR_EQ },       [CIT__L_NE] = { LEVEL_COMPARE, CIT_EXPR_NE },
    [CIT__L_LT] = { LEVEL_COMPARE, CIT_EXPR_LT },       [CIT__L_LE] = { LEVEL_COMPARE, CIT_EXPR_LE },
    [CIT__L_GT] = { LEVEL_COMPARE, CIT_EXPR_GT },       [CIT__L_GE] = { LEVEL_COMPARE, CIT_EXPR_GE },
    [CIT__L_PLUS] = { LEVEL_SUM, CIT_EXPR_ADD },        [CIT__L_MINUS] = { LEVEL_SUM, CIT_EXPR_SUB },
    [CIT__L_STAR] = { LEVEL_PRODUCT, CIT_EXPR_MUL },    [CIT__L_SLASH] = { LEVEL_PRODUCT, CIT_EXPR_DIV },
    [CIT__L_PERCENT] = { LEVEL_PRODUCT, CIT_EXPR_MOD },
};

/* A run of one of `and`, `or`.  Its jumps all go to its end; until that is known each holds the
 * number of the one before it, from 1. */
static struct part logic(struct parser *p, struct part left)
{
    enum cit__lexeme kind = p->lex.kind;
    enum level level = (enum level)operators[kind].level;
    struct part part = { .at = left.at, .gives = GIVES_BOOL };
    uint32_t jumps = 0, at;

    do {
        at = p->lex.at;
        condition(p, left);
        jumps = emit(p, (enum cit_expr_op)operators[kind].op, jumps, at) + 1;
        cit__lex_next(&p->lex);
        left = binary(p, level + 1);
    } while (cit__build_ok(p->b) && p->lex.kind == kind);
    condition(p, left);
    while (cit__build_ok(p->b) && jumps > 0) {
        uint32_t jump = jumps - 1;

        jumps = cit__code(p->b)[jump].arg;
        cit__build_land(p->b, jump);
    }
    return part;
}

static void note_null(struct parser *p, struct part left, struct part right, uint32_t at)
{
    if (left.gives == GIVES_NULL || right.gives == GIVES_NULL)
        cit__build_note(p->b, CIT_EXPR_NOTE_NULL_ORDERED,
                        (struct cit__remark){ .at = at,
                                              .what = "null is neither less nor more than anything: this always fails",
                                              .hint = "write x == null or exists(x)" });
}

static struct part compare(struct parser *p, struct part left)
{
    enum cit_expr_op op = (enum cit_expr_op)operators[p->lex.kind].op;
    bool is_not = p->lex.kind == CIT__L_NOT;
    uint32_t at = p->lex.at;
    struct part right;

    cit__lex_next(&p->lex);
    if (is_not && !accept(p, CIT__L_IN))
        cit__lex_fail(p->b, at, "`not` is left over", "write not in, or an operator before it");
    right = binary(p, LEVEL_COMPARE + 1);
    if (op >= CIT_EXPR_LT && op <= CIT_EXPR_GE)
        note_null(p, left, right, at);
    emit(p, op, 0, at);
    if (is_not)
        emit(p, CIT_EXPR_NOT, 0, at);
    if (operators[p->lex.kind].level == LEVEL_COMPARE)
        cit__lex_fail(p->b, p->lex.at, "comparisons do not chain", "write a < b and b < c");
    return (struct part){ .at = left.at, .gives = GIVES_BOOL };
}

static struct part arithmetic(struct parser *p, struct part left)
{
    enum cit_expr_op op = (enum cit_expr_op)operators[p->lex.kind].op;
    enum level level = (enum level)operators[p->lex.kind].level;
    uint32_t at = p->lex.at;

    cit__lex_next(&p->lex);
    binary(p, level + 1);
    emit(p, op, 0, at);
    return (struct part){ .at = left.at };
}

static struct part binary(struct parser *p, enum level least)
{
    struct part left = operand(p, least);

    while (cit__build_ok(p->b)) {
        enum level level = (enum level)operators[p->lex.kind].level;

        if (level == LEVEL_ANY || level < least)
            break;
        if (level <= LEVEL_AND)
            left = logic(p, left);
        else
            left = level == LEVEL_COMPARE ? compare(p, left) : arithmetic(p, left);
    }
    return left;
}

int cit__strict_compile(struct cit_expr_build *b)
{
    struct parser p = { .b = b };

    cit__lex_init(&p.lex, b);
    if (cit__build_ok(b))
        binary(&p, LEVEL_ANY);
    if (cit__build_ok(b) && p.lex.kind != CIT__L_END)
        fail_leftover(&p);
    b->end = (uint32_t)b->text.n;
    return b->status;
}
