/* expr/compat.c - the compat dialects: text to the tokens of a postfix stack.
 *
 *      expr    = term    { ('+' | '-')       term    }         loosest
 *      term    = compare { ('*' | '/' | '%') compare }
 *      compare = factor  { CMP               factor  }         == != <= >= < > & | in
 *      factor  = atom    { '^'               factor  }         tightest
 *      atom    = ['-'] ( PI | E | NUMBER | IDENT '(' expr ')' )
 *              | VAR '[' expr ']'                              dialect B
 *              | VAR | None | True | False | STRING | LIST
 *              | ['!'] '(' expr ')'                            '!': dialect B
 *
 * Choices are ordered, and a token is pushed when it is met: what a part pushed before it
 * broke off stays, although the part itself is not read.  Such a part is the right operand of
 * an operator (the expression then ends before the operator), or the first choice of an atom.
 *
 * One function reads all four levels (precedence climbing).  An operator whose operand breaks off
 * must not be tried again by the levels above, as it is not theirs: hence `cap`.  The only
 * level that does try again is that of '^', whose operand is a factor itself; so a broken
 * operand may be read once for each '^' before it, and inside it again.  The bounds on steps
 * and tokens end that.
 *
 * Whitespace is skipped behind every terminal, so q->p is always at the next one; the end of an
 * expression has its trailing blanks inside.
 */
#include <string.h>

#include "expr/expr_int.h"

/* Bytes, terminals and atoms looked at.  A text that breaks off nowhere needs three for each byte
 * at most. */
#define STEPS_MAX (4U * CIT_EXPR_TEXT_MAX)

/* What a remark costs that is made in vain. */
#define STEPS_NOTE 64U

enum level { LEVEL_ADD, LEVEL_MUL, LEVEL_CMP, LEVEL_POW };

/* An operator that begins at q->p. */
struct oper {
    struct cit_slice text; /* static */
    enum level level;
    bool is_logic, is_compare;
};

struct parser {
    struct cit_expr_build *b; /* borrowed */
    const char *start, *end;  /* of the text */
    const char *p;            /* what is read next */
    struct cit__stop stop;
    uint32_t depth, steps;
    const char *bare; /* the comparison the last operand had outside parentheses, or NULL */
};

static uint32_t offset(const struct parser *q, const char *p)
{
    return (uint32_t)(p - q->start);
}

/* ---- characters ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    char lower = (char)(c | 0x20);

    return lower >= 'a' && lower <= 'z';
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

/* What may neither precede nor follow a keyword. */
static bool is_keyword_char(char c)
{
    return is_word(c) || c == '$';
}

static bool is_hex(char c)
{
    char lower = (char)(c | 0x20);

    return is_digit(c) || (lower >= 'a' && lower <= 'f');
}

static const char *skip_blanks(const struct parser *q, const char *p)
{
    while (p < q->end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* Goes on behind a terminal that ends at `to`. */
static void accept(struct parser *q, const char *to)
{
    to = skip_blanks(q, to);
    q->steps += (uint32_t)(to - q->p) + 1;
    q->p = to;
}

static bool is_at(const struct parser *q, char c)
{
    return q->p < q->end && *q->p == c;
}

/* A terminal is missing at p.  Of several reasons at the furthest place the first one stays.
 * Returns false. */
static bool missing(struct parser *q, const char *p, enum cit__want want)
{
    if (q->stop.want == CIT__WANT_NOTHING || offset(q, p) > q->stop.at)
        q->stop = (struct cit__stop){ offset(q, p), want };
    return false;
}

/* The part that was read since there were `notes` remarks breaks off. */
static void drop_notes(struct parser *q, uint32_t notes)
{
    q->steps += STEPS_NOTE * (q->b->notes.count - notes);
    cit__build_drop_notes(q->b, notes);
}

/* ---- tokens ---- */

static void push(struct parser *q, const char *at, struct cit_slice text)
{
    cit__build_token(q->b, (struct cit_expr_token){ .text = text, .at = offset(q, at) });
}

/* The matched text; the letter of an exponent becomes a capital, in the shadow. */
static struct cit_slice number_text(struct parser *q, const char *from, const char *to)
{
    size_t n = (size_t)(to - from);
    const char *e = memchr(from, 'e', n);
    char *shadow;

    if (e == NULL)
        return cit_slice(from, n);
    shadow = cit__build_shadow(q->b);
    if (shadow == NULL)
        return cit_slice(from, n);
    shadow += offset(q, from);
    memcpy(shadow, from, n);
    shadow[e - from] = 'E';
    return cit_slice(shadow, n);
}

/* ---- terminals: where they end, or NULL ---- */

static const char *scan_digits(const struct parser *q, const char *p)
{
    while (p < q->end && is_digit(*p))
        p++;
    return p;
}

/* [+-0-9][0-9]* */
static const char *scan_signed(const struct parser *q, const char *p)
{
    if (p == q->end || !(is_digit(*p) || *p == '+' || *p == '-'))
        return NULL;
    return scan_digits(q, p + 1);
}

static const char *scan_number(const struct parser *q, const char *p)
{
    const char *exponent;

    p = scan_signed(q, p);
    if (p == NULL)
        return NULL;
    if (p < q->end && *p == '.')
        p = scan_digits(q, p + 1);
    if (p == q->end || (*p != 'e' && *p != 'E'))
        return p;
    exponent = scan_signed(q, p + 1);
    return exponent != NULL ? exponent : p;
}

/* Two characters whose upper case is "PI": the second may be a dotless i, U+0131. */
static const char *scan_pi(const struct parser *q, const char *p)
{
    if (q->end - p < 2 || (*p | 0x20) != 'p')
        return NULL;
    if ((p[1] | 0x20) == 'i')
        return p + 2;
    return q->end - p >= 3 && p[1] == '\xc4' && p[2] == '\xb1' ? p + 3 : NULL;
}

/* A letter, then letters, digits, '_' and '$'. */
static const char *scan_ident(const struct parser *q, const char *p)
{
    if (p == q->end || !is_letter(*p))
        return NULL;
    while (p < q->end && is_keyword_char(*p))
        p++;
    return p;
}

static const char *scan_var(struct parser *q, const char *p)
{
    const char *name = p + 1;

    if (p == q->end || *p != '$')
        return NULL;
    for (p = name; p < q->end && is_word(*p);)
        p++;
    if (p > name)
        return p;
    missing(q, name, CIT__WANT_NAME);
    return NULL;
}

static const char *scan_keyword(const struct parser *q, const char *p, struct cit_slice word)
{
    if ((size_t)(q->end - p) < word.n || memcmp(p, word.p, word.n) != 0)
        return NULL;
    if (p > q->start && is_keyword_char(p[-1]))
        return NULL;
    p += word.n;
    return p < q->end && is_keyword_char(*p) ? NULL : p;
}

/* Behind a backslash at p: any one character but x, or x and hex digits.  A character of several
 * bytes may be taken for its first one: the others pass as ordinary characters. */
static const char *scan_escape(const struct parser *q, const char *p)
{
    if (++p == q->end)
        return NULL;
    if (*p != 'x')
        return p + 1;
    if (++p == q->end || !is_hex(*p))
        return NULL;
    while (p < q->end && is_hex(*p))
        p++;
    return p;
}

static const char *scan_string(struct parser *q, const char *p)
{
    const char *from = p;
    char quote;

    if (p == q->end || (*p != '"' && *p != '\''))
        return NULL;
    for (quote = *p++; p != NULL && p < q->end && *p != '\n' && *p != '\r';) {
        if (*p == '\\') {
            p = scan_escape(q, p);
        } else if (*p != quote) {
            p++;
        } else {
            if (q->end - p < 2 || p[1] != quote)
                return p + 1;
            p += 2;
        }
    }
    q->steps += (uint32_t)((p != NULL ? p : q->end) - from);
    missing(q, from, CIT__WANT_STRING);
    return NULL;
}

/* ---- operators ---- */

static struct oper plain(const char *text, size_t n, enum level level)
{
    return (struct oper){ .text = cit_slice(text, n), .level = level };
}

static struct oper compare(const char *text, size_t n)
{
    return (struct oper){ .text = cit_slice(text, n), .level = LEVEL_CMP, .is_compare = true };
}

static struct oper logic(const char *text)
{
    return (struct oper){ .text = cit_slice(text, 1), .level = LEVEL_CMP, .is_logic = true };
}

/* The operator at q->p; text.n is 0 when there is none. */
static struct oper peek(const struct parser *q)
{
    bool has_equal = q->end - q->p >= 2 && q->p[1] == '=';

    switch (q->p < q->end ? *q->p : '\0') {
    case '+':
        return plain("+", 1, LEVEL_ADD);
    case '-':
        return plain("-", 1, LEVEL_ADD);
    case '*':
        return plain("*", 1, LEVEL_MUL);
    case '/':
        return plain("/", 1, LEVEL_MUL);
    case '%':
        return plain("%", 1, LEVEL_MUL);
    case '^':
        return plain("^", 1, LEVEL_POW);
    case '&':
        return logic("&");
    case '|':
        return logic("|");
    case '=':
        return compare("==", has_equal ? 2 : 0);
    case '!':
        return compare("!=", has_equal ? 2 : 0);
    case '<':
        return compare("<=", has_equal ? 2 : 1);
    case '>':
        return compare(">=", has_equal ? 2 : 1);
    case 'i':
        return compare("in", scan_keyword(q, q->p, CIT_SLICE_LIT("in")) != NULL ? 2 : 0);
    default:
        return plain("", 0, LEVEL_ADD);
    }
}

/* ---- atoms ---- */

static bool operand(struct parser *q, enum level min);

static bool go_in(struct parser *q, const char *at)
{
    if (q->depth < CIT_EXPR_DEPTH_MAX) {
        q->depth++;
        return true;
    }
    cit__build_limit(q->b, offset(q, at), "the expression nests too deeply");
    return false;
}

/* expr and the bracket that closes it, behind an opening one that is at q->p. */
static bool in_brackets(struct parser *q, char close)
{
    const char *open = q->p;
    bool is_closed;

    if (!go_in(q, open))
        return false;
    accept(q, open + 1);
    is_closed = operand(q, LEVEL_ADD);
    q->depth--;
    if (!is_closed)
        return false;
    if (!is_at(q, close))
        return missing(q, q->p, close == ')' ? CIT__WANT_PAREN : CIT__WANT_BRACKET);
    accept(q, q->p + 1);
    return true;
}

/* A reader of an atom has three answers: read; not this choice, try the next one; no choice of an
 * atom fits. */
enum answer { READ, TRY_NEXT, NO_ATOM };

/* PI, E or a number at q->p. */
static bool constant_or_number(struct parser *q)
{
    const char *from = q->p, *to = scan_pi(q, from);

    if (to != NULL) {
        push(q, from, CIT_SLICE_LIT("PI"));
    } else if (from < q->end && (*from | 0x20) == 'e') {
        to = from + 1;
        push(q, from, CIT_SLICE_LIT("E"));
    } else {
        to = scan_number(q, from);
        if (to == NULL)
            return false;
        push(q, from, number_text(q, from, to));
        accept(q, to);
        return true;
    }
    cit__note_constant(q->b, offset(q, from), (uint32_t)(to - from));
    accept(q, to);
    return true;
}

/* IDENT '(' expr ')' */
static bool call(struct parser *q)
{
    const char *from = q->p, *to = scan_ident(q, from);
    uint32_t notes = q->b->notes.count;

    if (to == NULL)
        return false;
    accept(q, to);
    if (!is_at(q, '('))
        return missing(q, from, CIT__WANT_WORD);
    if (!in_brackets(q, ')')) {
        drop_notes(q, notes);
        return false;
    }
    push(q, from, cit_slice(from, (size_t)(to - from)));
    cit__note_call(q->b, offset(q, from), cit_slice(from, (size_t)(to - from)));
    return true;
}

/* The first choice.  After '-' nothing else can follow. */
static enum answer number_like(struct parser *q)
{
    const char *from = q->p;
    bool has_minus = is_at(q, '-');

    if (has_minus)
        accept(q, from + 1);
    if (!constant_or_number(q) && !call(q)) {
        if (has_minus)
            missing(q, skip_blanks(q, from + 1), CIT__WANT_MINUS);
        q->p = from;
        return has_minus ? NO_ATOM : TRY_NEXT;
    }
    if (has_minus)
        push(q, from, CIT_SLICE_LIT("unary -"));
    return READ;
}

/* VAR '[' expr ']', else VAR. */
static enum answer variable(struct parser *q)
{
    const char *from = q->p, *to = scan_var(q, from), *open;
    uint32_t notes = q->b->notes.count;
    struct cit_slice text;

    if (to == NULL)
        return NO_ATOM;
    text = cit_slice(from, (size_t)(to - from));
    accept(q, to);
    open = q->p;
    if (q->b->dialect == CIT_EXPR_B && is_at(q, '[')) {
        if (in_brackets(q, ']')) {
            push(q, from, text);
            push(q, open, CIT_SLICE_LIT("var idx"));
            return READ;
        }
        drop_notes(q, notes);
        q->p = open;
    }
    push(q, from, text);
    return READ;
}

static enum answer keyword(struct parser *q)
{
    static const struct cit_slice words[] = { { "None", 4 }, { "True", 4 }, { "False", 5 } };

    for (unsigned i = 0; i < 3; i++) {
        const char *to = scan_keyword(q, q->p, words[i]);

        if (to == NULL)
            continue;
        push(q, q->p, words[i]);
        accept(q, to);
        return READ;
    }
    return NO_ATOM;
}

static bool is_text(struct cit_slice s, const char *text)
{
    return cit_slice_eq(s, cit_slice_str(text));
}

static enum answer string(struct parser *q)
{
    const char *from = q->p, *to = scan_string(q, from);
    struct cit_slice text;

    if (to == NULL)
        return NO_ATOM;
    text = cit_slice(from + 1, (size_t)(to - from) - 2);
    push(q, from, text);
    cit__note_string(q->b, offset(q, from), text);
    if (is_text(text, "-"))
        push(q, from, CIT_SLICE_LIT("unary -"));
    else if (q->b->dialect == CIT_EXPR_B && is_text(text, "!"))
        push(q, from, CIT_SLICE_LIT("!"));
    accept(q, to);
    return READ;
}

/* ---- lists ---- */

static void note_list_variable(struct parser *q, const char *at, struct cit_slice text)
{
    struct cit__said said;
    struct cit__remark r = { .at = offset(q, at), .hint = "compare with each value: ($x == $a) | ($x == $b)" };

    r.what = cit__say(&said, "in a list `", text, "` is a text, not the variable");
    cit__build_note(q->b, CIT_EXPR_NOTE_VARIABLE_IN_LIST, r);
}

static bool list_item(struct parser *q)
{
    const char *from = q->p, *to = scan_number(q, from);
    struct cit_slice text = { 0 };

    if (to != NULL) {
        text = number_text(q, from, to);
    } else if ((to = scan_string(q, from)) != NULL) {
        text = cit_slice(from + 1, (size_t)(to - from) - 2);
    } else if ((to = scan_var(q, from)) != NULL) {
        text = cit_slice(from, (size_t)(to - from));
        note_list_variable(q, from, text);
    } else if ((to = scan_keyword(q, from, CIT_SLICE_LIT("True"))) != NULL ||
               (to = scan_keyword(q, from, CIT_SLICE_LIT("False"))) != NULL) {
        text = cit_slice(from, (size_t)(to - from));
    } else {
        return missing(q, from, CIT__WANT_ITEM);
    }
    cit__build_item(q->b, text);
    accept(q, to);
    return cit__build_ok(q->b);
}

/* Items until the closing bracket, q->p behind it. */
static bool list_items(struct parser *q)
{
    if (is_at(q, ']')) {
        accept(q, q->p + 1);
        return true;
    }
    while (list_item(q)) {
        if (is_at(q, ']')) {
            accept(q, q->p + 1);
            return true;
        }
        if (!is_at(q, ','))
            return missing(q, q->p, CIT__WANT_COMMA);
        accept(q, q->p + 1);
    }
    return false;
}

static enum answer list(struct parser *q)
{
    struct cit__array *items = &q->b->items;
    struct cit_expr_token t = { .is_list = true, .first = items->count, .at = offset(q, q->p) };
    const char *from = q->p;
    uint32_t notes = q->b->notes.count;

    accept(q, from + 1);
    if (!list_items(q)) {
        items->count = t.first;
        drop_notes(q, notes);
        q->p = from;
        return NO_ATOM;
    }
    t.count = items->count - t.first;
    cit__build_token(q->b, t);
    return READ;
}

/* ['!'] '(' expr ')' */
static enum answer parentheses(struct parser *q)
{
    const char *from = q->p;
    bool has_bang = q->b->dialect == CIT_EXPR_B && is_at(q, '!');

    if (has_bang)
        accept(q, from + 1);
    if (!is_at(q, '(')) {
        missing(q, from, *from == '!' ? CIT__WANT_BANG : CIT__WANT_VALUE);
        q->p = from;
        return NO_ATOM;
    }
    if (!in_brackets(q, ')')) {
        q->p = from;
        return NO_ATOM;
    }
    if (has_bang)
        push(q, from, CIT_SLICE_LIT("!"));
    return READ;
}

/* The choices that do not begin like a number or a call; q->p is inside the text. */
static enum answer other_choice(struct parser *q)
{
    switch (*q->p) {
    case '$':
        return variable(q);
    case '"':
    case '\'':
        return string(q);
    case '[':
        return list(q);
    case '(':
    case '!':
        return parentheses(q);
    default:
        return keyword(q);
    }
}

static bool atom(struct parser *q)
{
    enum answer answer = NO_ATOM;

    if (++q->steps > STEPS_MAX)
        cit__build_limit(q->b, offset(q, q->p), "the expression breaks off in too many ways");
    if (!cit__build_ok(q->b))
        return false;
    if (q->p < q->end) {
        answer = number_like(q);
        if (answer == TRY_NEXT && cit__build_ok(q->b))
            answer = other_choice(q);
    }
    q->bare = NULL;
    return answer == READ || missing(q, q->p, CIT__WANT_VALUE);
}

/* ---- operators and their operands ---- */

/* What one chain of operators of the comparing level has met. */
struct chain {
    const char *compared, *joined; /* the first comparison; the first & or | */
    bool is_noted;
};

/* True when the tokens from `first` on are one literal True or False: comparing with it again does
 * no harm. */
static bool is_truth(const struct parser *q, uint32_t first)
{
    const struct cit_expr_token *t = cit__tokens(q->b) + first;

    return q->b->tokens.count == first + 1 && !t->is_list && (is_text(t->text, "True") || is_text(t->text, "False"));
}

static void note_chain(struct parser *q, struct chain *c, const struct oper *op, const char *at, uint32_t right)
{
    const char *joined = op->is_logic ? at : c->joined;
    struct cit__said said;
    struct cit__remark r = { .at = offset(q, at) };

    if (!c->is_noted && joined != NULL && (op->is_compare || c->compared != NULL)) {
        r.at = offset(q, joined);
        r.what = cit__say(&said, "`", cit_slice(joined, 1), "` binds as tightly as the comparison beside it");
        r.hint = "put each comparison in parentheses: ($a == 1) & ($b == 2)";
        cit__build_note(q->b, CIT_EXPR_NOTE_LOGIC_COMPARISON, r);
        c->is_noted = true;
    } else if (!c->is_noted && op->is_compare && c->compared != NULL && !is_truth(q, right)) {
        r.what = cit__say(&said, "`", op->text, "` compares the True or False of the comparison before it");
        r.hint = "write two comparisons: (1 < $x) & ($x < 3)";
        cit__build_note(q->b, CIT_EXPR_NOTE_CHAINED_COMPARISON, r);
        c->is_noted = true;
    }
    if (op->is_compare && c->compared == NULL)
        c->compared = at;
    if (op->is_logic && c->joined == NULL)
        c->joined = at;
}

static void note_arithmetic(struct parser *q, const struct oper *op, const char *bare)
{
    struct cit__said what, end;
    struct cit__remark r = { .at = offset(q, bare), .hint = "put the arithmetic in parentheses: ($a + 1) > 5" };

    cit__say(&what, "`", cit__piece(q->b->text, r.at), "` is taken before the ");
    r.what = cit__append(&what, cit__say(&end, "`", op->text, "` beside it"));
    cit__build_note(q->b, CIT_EXPR_NOTE_MATH_COMPARISON, r);
}

/* A list stays a list of texts to the right of anything but `in`; an empty one equals what is empty. */
static void note_list(struct parser *q, const struct oper *op, uint32_t right)
{
    const struct cit_expr_token *t = cit__tokens(q->b) + right;
    struct cit__said said;
    struct cit__remark r = { .hint = "lists belong to the right of `in`" };

    if (q->b->tokens.count != right + 1 || !t->is_list || is_text(op->text, "in") || (op->is_compare && t->count == 0))
        return;
    r.at = t->at;
    r.what = cit__say(&said, "to the right of `", op->text, "` a list is equal to nothing");
    cit__build_note(q->b, CIT_EXPR_NOTE_LIST_OPERAND, r);
}

/* Outside all brackets: whatever breaks off inside one takes the bracket with it. */
static void note_leftover(struct parser *q, const char *at)
{
    struct cit__remark r = { .at = offset(q, at), .hint = "complete it, or remove it" };

    r.what = "what is right of this operator breaks off, and yet its first values take part";
    cit__build_note(q->b, CIT_EXPR_NOTE_LEFTOVER, r);
}

/* The right operand of op, which is at q->p.  When it breaks off q->p stays. */
static bool right_operand(struct parser *q, const struct oper *op)
{
    const char *at = q->p;
    uint32_t tokens = q->b->tokens.count, notes = q->b->notes.count;
    bool is_pow = op->level == LEVEL_POW, is_read;

    if (is_pow && !go_in(q, at))
        return false;
    accept(q, at + op->text.n);
    is_read = operand(q, is_pow ? LEVEL_POW : op->level + 1);
    if (is_pow)
        q->depth--;
    if (is_read)
        return true;
    q->p = at;
    drop_notes(q, notes);
    if (q->b->tokens.count > tokens && q->depth == 0)
        note_leftover(q, at);
    return false;
}

static bool operand(struct parser *q, enum level min)
{
    enum level cap = LEVEL_POW;
    struct chain chain = { 0 };
    const char *bare = NULL;

    if (!atom(q))
        return false;
    for (;;) {
        struct oper op = peek(q);
        const char *at = q->p;
        uint32_t right = q->b->tokens.count;

        if (op.text.n == 0 || op.level < min || op.level > cap || !right_operand(q, &op))
            break;
        note_list(q, &op, right);
        if (op.level == LEVEL_CMP) {
            note_chain(q, &chain, &op, at, right);
            bare = bare != NULL ? bare : at;
        } else if (op.level < LEVEL_CMP && (bare != NULL || q->bare != NULL)) {
            note_arithmetic(q, &op, bare != NULL ? bare : q->bare);
            bare = NULL;
        }
        push(q, at, op.text);
        cap = op.level;
    }
    q->bare = bare;
    return true;
}

int cit__compat_parse(struct cit_expr_build *b)
{
    struct parser q = { .b = b, .start = b->text.p, .end = b->text.p + b->text.n };
    bool is_read;

    q.p = skip_blanks(&q, q.start);
    is_read = operand(&q, LEVEL_ADD);
    if (!cit__build_ok(b))
        return b->status;
    if (!is_read)
        return cit__fail_stopped(b, q.stop);
    b->end = offset(&q, q.p);
    if (b->end < b->text.n)
        cit__note_tail(b, q.stop);
    return b->status;
}
