/* expr/link.c - tokens of a postfix stack to code, walking backwards from their end, once.
 *
 * A token on the stack is only text, so what it does is told by its text (A.3 of the language's
 * specification): an operator pops two values, a function one, an index one token as it is and one
 * value, everything else none.  The original pops and evaluates as it goes; as these numbers never
 * depend on a value, the walk can be made beforehand:
 *
 *      tokens   1  2  3  *  +          read from the right: + pops *, which pops 3 and 2, then 1
 *      code     3  2  *  1  +          the right operand first, as it is popped first
 *
 * Operators wait on a stack of our own until their operands are out, so that ten thousand of them
 * in a row need no recursion.  Tokens nobody pops are not in the code.
 */
#include <string.h>

#include "base/mem.h"
#include "expr/expr_int.h"

/* Rows on the stack of the caller; longer lists of tokens allocate. */
#define FEW_ROWS 64

/* A token: first what it is, then, from its row's place on the stack of those that wait, which. */
struct row {
    struct cit__token_class is;
    bool is_name;   /* taken by an index, as it is */
    uint8_t wanted; /* operands that are still to come */
    uint32_t waiting;
};

struct linker {
    struct cit_expr_build *b; /* borrowed */
    struct row *rows;         /* one a token */
    uint32_t low;             /* tokens from here on are popped */
    uint32_t top;             /* tokens that wait */
};

/* ---- what a token is ---- */

static bool is(struct cit_slice s, const char *text)
{
    return memcmp(s.p, text, s.n) == 0;
}

static struct cit__token_class class_of(enum cit__token_kind kind, unsigned arg)
{
    return (struct cit__token_class){ kind, (uint8_t)arg };
}

static struct cit__token_class op(enum cit_expr_op code)
{
    return class_of(CIT__TOKEN_OP, code);
}

static struct cit__token_class func(enum cit_expr_func f)
{
    return class_of(CIT__TOKEN_FUNC, f);
}

static const struct cit__token_class value = { CIT__TOKEN_VALUE, 0 };

static struct cit__token_class classify_1(char c, enum cit_expr_dialect dialect)
{
    switch (c) {
    case '<':
        return op(CIT_EXPR_LT);
    case '>':
        return op(CIT_EXPR_GT);
    case '&':
        return op(CIT_EXPR_BIT_AND);
    case '|':
        return op(CIT_EXPR_BIT_OR);
    case '!':
        return dialect == CIT_EXPR_B ? class_of(CIT__TOKEN_UNARY, CIT_EXPR_NOT) : op(CIT_EXPR_BANG);
    case '+':
        return op(CIT_EXPR_ADD);
    case '-':
        return op(CIT_EXPR_SUB);
    case '*':
        return op(CIT_EXPR_MUL);
    case '/':
        return op(CIT_EXPR_DIV);
    case '%':
        return op(CIT_EXPR_MOD);
    case '^':
        return op(CIT_EXPR_POW);
    case 'E':
        return class_of(CIT__TOKEN_E, 0);
    default:
        return value;
    }
}

static struct cit__token_class classify_2(struct cit_slice s)
{
    if (s.p[1] == '=') {
        switch (s.p[0]) {
        case '=':
            return op(CIT_EXPR_EQ);
        case '!':
            return op(CIT_EXPR_NE);
        case '<':
            return op(CIT_EXPR_LE);
        case '>':
            return op(CIT_EXPR_GE);
        default:
            return value;
        }
    }
    if (is(s, "in"))
        return op(CIT_EXPR_IN);
    return is(s, "PI") ? class_of(CIT__TOKEN_PI, 0) : value;
}

static struct cit__token_class classify_3(struct cit_slice s)
{
    if (is(s, "str"))
        return func(CIT_EXPR_F_str);
    if (is(s, "abs"))
        return func(CIT_EXPR_F_abs);
    if (is(s, "sin"))
        return func(CIT_EXPR_F_sin);
    if (is(s, "cos"))
        return func(CIT_EXPR_F_cos);
    return is(s, "tan") ? func(CIT_EXPR_F_tan) : value;
}

static struct cit__token_class classify_long(struct cit_slice s, enum cit_expr_dialect dialect)
{
    switch (s.n) {
    case 4:
        if (is(s, "True"))
            return class_of(CIT__TOKEN_TRUE, 0);
        if (is(s, "None"))
            return class_of(CIT__TOKEN_NONE, 0);
        return is(s, "sign") ? func(CIT_EXPR_F_sign) : value;
    case 5:
        if (is(s, "False"))
            return class_of(CIT__TOKEN_FALSE, 0);
        if (is(s, "round"))
            return func(CIT_EXPR_F_round);
        return is(s, "trunc") ? func(CIT_EXPR_F_trunc) : value;
    case 7:
        if (is(s, "unary -"))
            return class_of(CIT__TOKEN_UNARY, CIT_EXPR_NEG);
        return dialect == CIT_EXPR_B && is(s, "var idx") ? class_of(CIT__TOKEN_INDEX, 0) : value;
    default:
        return value;
    }
}

struct cit__token_class cit__classify(struct cit_slice text, enum cit_expr_dialect dialect)
{
    if (text.n == 0)
        return value;
    if (text.p[0] == '$')
        return class_of(CIT__TOKEN_VAR, 0);
    if (text.n == 1)
        return classify_1(text.p[0], dialect);
    if (text.n == 2)
        return classify_2(text);
    return text.n == 3 ? classify_3(text) : classify_long(text, dialect);
}

/* A list whose first text is "$" is taken for a variable, with a list for a name. */
static struct cit__token_class classify_token(const struct cit_expr_token *t, const struct cit_slice *items,
                                              enum cit_expr_dialect dialect)
{
    if (!t->is_list)
        return cit__classify(t->text, dialect);
    if (t->count > 0 && cit_slice_eq(items[t->first], CIT_SLICE_LIT("$")))
        return class_of(CIT__TOKEN_VAR, 0);
    return value;
}

/* The values a token pops. */
static uint8_t arity(struct cit__token_class c)
{
    switch (c.kind) {
    case CIT__TOKEN_OP:
        return 2;
    case CIT__TOKEN_UNARY:
    case CIT__TOKEN_FUNC:
    case CIT__TOKEN_INDEX:
        return 1;
    case CIT__TOKEN_VALUE:
    case CIT__TOKEN_VAR:
    case CIT__TOKEN_E:
    case CIT__TOKEN_PI:
    case CIT__TOKEN_TRUE:
    case CIT__TOKEN_FALSE:
    case CIT__TOKEN_NONE:
        break;
    }
    return 0;
}

/* ---- which tokens are popped ---- */

/* The lowest token that is popped.  Fills the rows of those from there on, unless rows is NULL. */
static uint32_t reach(const struct cit_expr_stack *stack, enum cit_expr_dialect dialect, struct row *rows)
{
    uint32_t wanted = 1, i = stack->count;

    while (wanted > 0 && i > 0) {
        struct row r = { .is = classify_token(&stack->tokens[--i], stack->items, dialect) };

        r.wanted = arity(r.is);
        wanted += r.wanted - 1U;
        if (rows != NULL)
            rows[i] = r;
        if (r.is.kind != CIT__TOKEN_INDEX || i == 0)
            continue;
        i--;
        if (rows != NULL)
            rows[i] = (struct row){ .is_name = true };
    }
    return i;
}

uint32_t cit__lowest(const struct cit_expr_stack *stack, enum cit_expr_dialect dialect)
{
    return reach(stack, dialect, NULL);
}

/* Behind the first character, which is '$' unless an index took some other text for a name. */
static struct cit_slice name_of(const struct cit_expr_token *t)
{
    size_t n = t->text.n > 0 ? cit__char_len(t->text) : 0;

    return cit_slice(t->text.p + n, t->text.n - n);
}

static bool has_name(const struct linker *l, uint32_t i)
{
    const struct row *r = &l->rows[i];

    return (r->is_name || r->is.kind == CIT__TOKEN_VAR) && !cit__tokens(l->b)[i].is_list;
}

/* Names in the order of the text: the walk meets them in another one. */
static void collect_names(struct linker *l)
{
    for (uint32_t i = l->low; i < l->b->tokens.count; i++)
        if (has_name(l, i))
            cit__build_name(l->b, name_of(&cit__tokens(l->b)[i]));
}

/* ---- code ---- */

static void emit(struct linker *l, enum cit_expr_op code, uint32_t arg, uint32_t at)
{
    cit__build_emit(l->b, (struct cit_expr_ins){ .op = (uint8_t)code, .arg = arg, .at = at });
}

static void emit_const(struct linker *l, struct cit_expr_const c, uint32_t at)
{
    emit(l, CIT_EXPR_CONST, cit__build_const(l->b, c), at);
}

/* A literal is converted here, unless Python's tables of digits and blanks have to say. */
static struct cit_expr_const literal(const struct cit_expr_token *t)
{
    struct cit_expr_const c = { .text = t->text };

    if (t->is_list)
        return (struct cit_expr_const){ .kind = CIT_EXPR_RAWLIST, .first = t->first, .count = t->count };
    switch (cit_expr_float(t->text, &c.num)) {
    case 1:
        c.kind = CIT_EXPR_FLOAT;
        break;
    case 0:
        c.kind = CIT_EXPR_STR;
        break;
    default:
        c.kind = CIT_EXPR_LITERAL;
        break;
    }
    return c;
}

static void emit_leaf(struct linker *l, uint32_t i)
{
    const struct cit_expr_token *t = &cit__tokens(l->b)[i];
    struct cit_expr_const c = { .text = t->text };

    switch (l->rows[i].is.kind) {
    case CIT__TOKEN_VAR:
        if (t->is_list)
            emit(l, CIT_EXPR_BAD_NAME, 0, t->at);
        else
            emit(l, CIT_EXPR_VAR, cit__build_name(l->b, name_of(t)), t->at);
        return;
    case CIT__TOKEN_E:
        c.kind = CIT_EXPR_FLOAT;
        c.num = 2.718281828459045;
        break;
    case CIT__TOKEN_PI:
        c.kind = CIT_EXPR_FLOAT;
        c.num = 3.141592653589793;
        break;
    case CIT__TOKEN_TRUE:
    case CIT__TOKEN_FALSE:
        c.kind = CIT_EXPR_BOOL;
        c.is_true = l->rows[i].is.kind == CIT__TOKEN_TRUE;
        break;
    case CIT__TOKEN_NONE:
        c.kind = CIT_EXPR_NULL;
        break;
    case CIT__TOKEN_VALUE:
    case CIT__TOKEN_OP: /* these four pop something: no leaves */
    case CIT__TOKEN_UNARY:
    case CIT__TOKEN_FUNC:
    case CIT__TOKEN_INDEX:
        c = literal(t);
        break;
    }
    emit_const(l, c, t->at);
}

/* The instruction of a token whose operands are out. */
static void emit_op(struct linker *l, uint32_t i)
{
    const struct cit_expr_token *t = &cit__tokens(l->b)[i];
    struct cit__token_class is = l->rows[i].is;

    if (is.kind == CIT__TOKEN_FUNC) {
        emit(l, CIT_EXPR_CALL, is.arg, t->at);
    } else if (is.kind != CIT__TOKEN_INDEX) {
        emit(l, is.arg, 0, t->at);
    } else {
        t--; /* an index waits only when there is a token to take */
        if (t->is_list)
            emit(l, CIT_EXPR_BAD_NAME_AT, 0, t->at);
        else
            emit(l, CIT_EXPR_VAR_AT, cit__build_name(l->b, name_of(t)), t->at);
    }
}

/* A value is out: so is everything that waited for it alone. */
static void finish_waiting(struct linker *l)
{
    while (l->top > 0) {
        uint32_t i = l->rows[l->top - 1].waiting;

        if (--l->rows[i].wanted > 0)
            return;
        l->top--;
        emit_op(l, i);
    }
}

/* The stack of tokens ran empty.  Nothing is behind this, as it always raises. */
static void emit_underflow(struct linker *l)
{
    uint32_t i = l->top > 0 ? l->rows[l->top - 1].waiting : 0;
    struct cit_expr_token t = l->b->tokens.count > 0 ? cit__tokens(l->b)[i] : (struct cit_expr_token){ 0 };
    struct cit__said said;
    struct cit__remark r = { .at = t.at, .what = "there is nothing to evaluate: this always fails" };

    l->b->is_closed = false;
    emit(l, CIT_EXPR_UNDERFLOW, 0, t.at);
    if (l->top > 0) {
        r.what = cit__say(&said, "`", t.text, "` lacks a value: this always fails");
        r.hint = "a text that is an operator or a function is run as one";
    }
    cit__build_note(l->b, CIT_EXPR_NOTE_NO_OPERAND, r);
}

static void walk(struct linker *l)
{
    uint32_t i = l->b->tokens.count;

    for (bool is_first = true; is_first || l->top > 0; is_first = false) {
        if (i == 0) {
            emit_underflow(l);
            return;
        }
        i--;
        if (l->rows[i].wanted == 0) {
            emit_leaf(l, i);
            finish_waiting(l);
            continue;
        }
        l->rows[l->top++].waiting = i;
        if (l->rows[i].is.kind == CIT__TOKEN_INDEX && i-- == 0) {
            emit_underflow(l);
            return;
        }
    }
}

int cit__link(struct cit_expr_build *b)
{
    struct row few[FEW_ROWS];
    struct linker l = { .b = b, .rows = few };
    struct cit_expr_stack stack = { cit__tokens(b), b->tokens.count, cit__items(b) };

    if (b->status != CIT_OK)
        return b->status;
    if (b->tokens.count > FEW_ROWS) {
        l.rows = cit_calloc(b->tokens.count, sizeof *l.rows);
        if (l.rows == NULL)
            return cit__build_nomem(b);
    }
    l.low = reach(&stack, b->dialect, l.rows);
    collect_names(&l);
    walk(&l);
    if (l.rows != few)
        cit_free(l.rows);
    return b->status;
}
