/* expr/program.h - a compiled expression: what compiling gives, what evaluators run.
 *
 *      text ── compile ──> program ──┬── tokens        the postfix stack of the compat dialects
 *                                    ├── code          instructions, run front to back
 *                                    ├── consts, names what instructions point at
 *                                    └── notes         diagnostics for the author
 *
 * The code is for a stack machine without recursion: an instruction pops its operands and pushes
 * one result, so the depth a run needs is known beforehand (stack_max).  Compat code leaves the
 * RIGHT operand below the left one, because the right one is evaluated first (its exception is
 * the one that is seen); strict code is left to right.
 *
 * Compat code is made from the tokens, walking backwards from their end, once: arities are
 * static, tokens nobody pops are not in the code, and a missing operand is CIT_EXPR_UNDERFLOW,
 * which raises when it is reached.
 *
 * Strict code jumps forwards only.  Behind every jump the stack is one value lower than before
 * it: a jump that pops has popped, one that keeps its value keeps it where it goes, and what
 * stands behind JUMP is reached without the value before it.  TO_BOOL takes null as false; it is
 * left out where a value is surely a boolean.  if() and default() are jumps, never CALL_N.
 *
 * Depends on: base/err, base/slice.
 * Ownership:  the program owns all it points at, a copy of its text included.
 * Threads:    immutable once made: any number at once.
 * Limits:     CIT_EXPR_TEXT_MAX, CIT_EXPR_DEPTH_MAX, CIT_EXPR_CODE_MAX; past them CIT_ELIMIT.
 */
#ifndef CIT_EXPR_PROGRAM_H
#define CIT_EXPR_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum {
    CIT_EXPR_TEXT_MAX = 64 * 1024, /* bytes, after tabs are expanded */
    CIT_EXPR_DEPTH_MAX = 200,      /* parentheses, calls, '^' and the like inside each other */
    CIT_EXPR_CODE_MAX = 32 * 1024, /* instructions, and tokens */
};

enum cit_expr_dialect {
    CIT_EXPR_A,     /* compat: the language of Serafin's master */
    CIT_EXPR_B,     /* compat: A, !( expr ) and $name[ expr ] */
    CIT_EXPR_STRICT /* the language for new users: docs/language.md */
};

/* ---- tokens: the postfix stack of the compat dialects ---- */

struct cit_expr_token {
    struct cit_slice text; /* unless is_list; borrowed from the program, UTF-8 */
    bool is_list;
    uint32_t first, count; /* is_list: texts items[first .. first + count) */
    uint32_t at;           /* byte offset in text */
};

/* ---- code ---- */

/* name, operands popped, what it does */
#define CIT_EXPR_OPS(X)                                                                            \
    X(CONST, 0, "push consts[arg]")                                                                \
    X(VAR, 0, "push the variable names[arg], converted")                                           \
    X(VAR_AT, 1, "pop an index; push the element of the array variable names[arg], converted")     \
    X(UNDERFLOW, 0, "compat: raise IndexError, the stack is empty")                                \
    X(BAD_NAME, 0, "compat: raise TypeError, a list stands where a name belongs")                  \
    X(BAD_NAME_AT, 1, "compat: the same after the index was evaluated")                            \
    X(NEG, 1, "unary minus")                                                                       \
    X(NOT, 1, "True or False, the opposite")                                                       \
    X(EQ, 2, "==")                                                                                 \
    X(NE, 2, "!=")                                                                                 \
    X(LT, 2, "<")                                                                                  \
    X(LE, 2, "<=")                                                                                 \
    X(GT, 2, ">")                                                                                  \
    X(GE, 2, ">=")                                                                                 \
    X(IN, 2, "left in right")                                                                      \
    X(BIT_AND, 2, "compat: &")                                                                     \
    X(BIT_OR, 2, "compat: |")                                                                      \
    X(BANG, 2, "dialect A: '!' as an operator, a TypeError once both operands were evaluated")     \
    X(ADD, 2, "+")                                                                                 \
    X(SUB, 2, "-")                                                                                 \
    X(MUL, 2, "*")                                                                                 \
    X(DIV, 2, "/")                                                                                 \
    X(MOD, 2, "%")                                                                                 \
    X(POW, 2, "^")                                                                                 \
    X(CALL, 1, "compat: the function arg (enum cit_expr_func) of one operand")                     \
    X(CALL_N, -1, "strict: the function arg of `count` operands, the first one lowest")            \
    X(LIST, -1, "strict: a list of `count` operands, the first one lowest")                        \
    X(ITEM, 2, "strict: container below, index on top")                                            \
    X(FIELD, 1, "strict: the entry of a mapping whose key is the text consts[arg]")                \
    X(JUMP_IF_FALSE, 0, "strict: when the top is false go to code[arg] and keep it, else pop it")  \
    X(JUMP_IF_TRUE, 0, "strict: when the top is true go to code[arg] and keep it, else pop it")    \
    X(JUMP_IF_SET, 0, "strict: when the top is not null go to code[arg] and keep it, else pop it") \
    X(JUMP_UNLESS, 1, "strict: pop a boolean; when it is false go to code[arg]")                   \
    X(JUMP, 0, "strict: go to code[arg]")                                                          \
    X(MATCH, 1, "strict: whether the pattern consts[arg] is found in a text: matches()")           \
    X(TO_BOOL, 1, "strict: the operand of and/or/not as True or False")

enum cit_expr_op {
#define CIT_EXPR_OP_ENUM(name, pops, text) CIT_EXPR_##name,
    CIT_EXPR_OPS(CIT_EXPR_OP_ENUM)
#undef CIT_EXPR_OP_ENUM
        CIT_EXPR_OP_COUNT
};

struct cit_expr_ins {
    uint8_t op;     /* enum cit_expr_op */
    uint8_t is_raw; /* compat EQ..POW: reserved, 0 */
    uint16_t count; /* CALL_N, LIST */
    uint32_t arg;
    uint32_t at; /* byte offset in text, for messages */
};

/* name, least and most operands, dialects (C compat, S strict).  Compat names are those of
 * A.5; strict ones have the meaning docs/language.md gives them. */
#define CIT_EXPR_FUNCS(X)    \
    X(sin, 1, 1, "CS")       \
    X(cos, 1, 1, "CS")       \
    X(tan, 1, 1, "CS")       \
    X(abs, 1, 1, "CS")       \
    X(trunc, 1, 1, "CS")     \
    X(round, 1, 2, "CS")     \
    X(sign, 1, 1, "CS")      \
    X(str, 1, 1, "CS")       \
    X(num, 1, 1, "S")        \
    X(floor, 1, 1, "S")      \
    X(ceil, 1, 1, "S")       \
    X(sqrt, 1, 1, "S")       \
    X(min, 1, 255, "S")      \
    X(max, 1, 255, "S")      \
    X(len, 1, 1, "S")        \
    X(lower, 1, 1, "S")      \
    X(upper, 1, 1, "S")      \
    X(trim, 1, 1, "S")       \
    X(contains, 2, 2, "S")   \
    X(startswith, 2, 2, "S") \
    X(endswith, 2, 2, "S")   \
    X(replace, 3, 3, "S")    \
    X(matches, 2, 2, "S")    \
    X(exists, 1, 1, "S")     \
    X(default, 2, 2, "S")    \
    X(if, 3, 3, "S")

enum cit_expr_func {
#define CIT_EXPR_FUNC_ENUM(name, least, most, dialects) CIT_EXPR_F_##name,
    CIT_EXPR_FUNCS(CIT_EXPR_FUNC_ENUM)
#undef CIT_EXPR_FUNC_ENUM
        CIT_EXPR_FUNC_COUNT
};

/* ---- what instructions point at ---- */

enum cit_expr_const_kind {
    CIT_EXPR_NULL,
    CIT_EXPR_BOOL,    /* is_true */
    CIT_EXPR_FLOAT,   /* num */
    CIT_EXPR_INT,     /* strict: text is decimal digits, perhaps behind '-': an integer of 64 bits */
    CIT_EXPR_STR,     /* text as it is; strict: escapes resolved */
    CIT_EXPR_LITERAL, /* compat: text that the evaluator converts (A.4): a float, True, False, or itself */
    CIT_EXPR_RAWLIST  /* compat: items[first .. first + count), unconverted */
};

struct cit_expr_const {
    uint8_t kind; /* enum cit_expr_const_kind */
    bool is_true;
    uint32_t first, count;
    double num;
    struct cit_slice text;
};

/* ---- diagnostics ---- */

/* One remark for the author.  `what` and `hint` are the program's; hint may be empty. */
struct cit_expr_note {
    uint32_t at;           /* byte offset in text */
    uint32_t line, column; /* from 1; columns count characters */
    const char *code;      /* static: "ignored-tail", "unknown-function"... see expr/notes.h */
    const char *what, *hint;
};

/* Why a text did not compile, or a program failed. */
struct cit_expr_error {
    int err;               /* CIT_EPROTO: not in the language; CIT_ELIMIT; CIT_ENOMEM */
    uint32_t at;           /* byte offset */
    uint32_t line, column; /* from 1 */
    char what[160];        /* UTF-8, NUL-terminated */
    char hint[160];        /* may be empty */
    int kind;              /* set by evaluation only: enum cit_expr_fault */
};

/* ---- the program ---- */

struct cit_expr_program {
    enum cit_expr_dialect dialect;
    struct cit_slice text; /* owned; compat: tabs are expanded */
    uint32_t end;          /* characters used of text; what follows is ignored (strict: all) */
    uint32_t text_chars;   /* characters of text */

    const struct cit_expr_token *tokens; /* strict: none */
    uint32_t token_count;
    bool is_closed; /* the code pops nothing below its own tokens */

    const struct cit_expr_ins *code;
    uint32_t code_count;
    uint32_t stack_max; /* values on the stack of a run, at most */

    const struct cit_expr_const *consts;
    uint32_t const_count;
    const struct cit_slice *items; /* texts of raw lists */
    uint32_t item_count;
    const struct cit_slice *names; /* each once, in order of first use; without '$' */
    uint32_t name_count;

    const struct cit_expr_note *notes;
    uint32_t note_count;
};

/* Compiles UTF-8 text (lone surrogates as three bytes are let through).  On success *out is the
 * caller's, free it with cit_expr_free.  On failure *err (may be NULL) says why and *out is
 * untouched.  CIT_OK, CIT_EPROTO, CIT_ELIMIT, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_expr_compile(struct cit_slice text, enum cit_expr_dialect dialect, struct cit_expr_program **out,
                                    struct cit_expr_error *err);

/* A postfix stack somebody kept (a Parser used again). */
struct cit_expr_stack {
    const struct cit_expr_token *tokens; /* borrowed; `at` has no meaning */
    uint32_t count;
    const struct cit_slice *items; /* borrowed; what the lists among them point at */
};

/* The compat program that evaluates it, with those of its tokens that evaluating pops; texts are copied.
 * Dialect A or B; results as above. */
CIT_MUST_CHECK int cit_expr_compile_stack(const struct cit_expr_stack *stack, enum cit_expr_dialect dialect,
                                          struct cit_expr_program **out, struct cit_expr_error *err);

/* What is left on the stack when text does not compile (compat, a Parser used again: tokens pushed
 * before the ParseException stay).  As cit_expr_compile, but a text that does not match gives CIT_OK
 * and a program of tokens without code, end 0 and *err filled with err CIT_EPROTO. */
CIT_MUST_CHECK int cit_expr_tokenize(struct cit_slice text, enum cit_expr_dialect dialect,
                                     struct cit_expr_program **out, struct cit_expr_error *err);

void cit_expr_free(struct cit_expr_program *prog);

/* The name of an instruction or function, static. */
const char *cit_expr_op_name(enum cit_expr_op op);
const char *cit_expr_func_name(enum cit_expr_func func);

/* Python's float() of ASCII text: 1 and *out, or 0 when it is no number, or -1 when it has other
 * characters than ASCII and Python's tables decide.  Independent of the locale. */
int cit_expr_float(struct cit_slice text, double *out);

struct cit_buf;

/* One line an instruction: number, name, operand, the piece of text it came from.
 * CIT_OK, CIT_ELIMIT, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_expr_disassemble(const struct cit_expr_program *prog, struct cit_buf *out);

#endif
