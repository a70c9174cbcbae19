/* expr/fault.h - why an evaluation failed, in the words of docs/language.md.
 *
 * Both evaluators (native, Python's objects) call these, so that they say the same.  Each
 * fills kind, what and hint of *e; err, at, line and column are the caller's.
 *
 * Depends on: expr/program.
 * Ownership:  texts are copied into *e.
 * Threads:    any.
 */
#ifndef CIT_EXPR_FAULT_H
#define CIT_EXPR_FAULT_H

#include "expr/program.h"

/* name, its text in test vectors, what Python raises */
#define CIT_EXPR_FAULTS(X)                   \
    X(NONE, "none", "")                      \
    X(TYPE, "type", "TypeError")             \
    X(ZERO, "zero", "ZeroDivisionError")     \
    X(OVERFLOW, "overflow", "OverflowError") \
    X(VALUE, "value", "ValueError")          \
    X(INDEX, "index", "IndexError")          \
    X(LIMIT, "limit", "OverflowError")       \
    X(UNSUPPORTED, "unsupported", "NotImplementedError") /* native compat: needs Python's objects */

enum cit_expr_fault {
#define CIT_EXPR_FAULT_ENUM(name, text, python) CIT_EXPR_FAULT_##name,
    CIT_EXPR_FAULTS(CIT_EXPR_FAULT_ENUM)
#undef CIT_EXPR_FAULT_ENUM
};

/* Types of values as the strict dialect sees them, and what messages call them. */
#define CIT_EXPR_TYPES(X) \
    X(NULL, "null")       \
    X(BOOL, "a boolean")  \
    X(INT, "a number")    \
    X(FLOAT, "a number")  \
    X(TEXT, "a text")     \
    X(LIST, "a list")     \
    X(MAP, "a mapping")   \
    X(OBJECT, "an object") /* Python only */

enum cit_expr_type {
#define CIT_EXPR_TYPE_ENUM(name, text) CIT_EXPR_T_##name,
    CIT_EXPR_TYPES(CIT_EXPR_TYPE_ENUM)
#undef CIT_EXPR_TYPE_ENUM
};

/* Bounds of the strict dialect that both evaluators keep. */
enum {
    CIT_EXPR_MADE_CHARS_MAX = 1024 * 1024, /* characters (natively: bytes) of a text that is made */
    CIT_EXPR_MADE_ITEMS_MAX = 100 * 1000,  /* items of a list that is made */
    CIT_EXPR_NESTED_MAX = 100,             /* lists inside each other that are compared */
    CIT_EXPR_DECIMALS_MAX = 15             /* of round() */
};

const char *cit_expr_fault_name(enum cit_expr_fault fault); /* static */
const char *cit_expr_type_text(enum cit_expr_type type);    /* static */

/* The operator as it is written, static; "" for an instruction that is none. */
const char *cit_expr_op_sign(enum cit_expr_op op);

/* ---- type ---- */

/* Two operands of an arithmetic or ordering operator (LT .. GE, ADD .. POW). */
void cit_expr_fault_operands(struct cit_expr_error *e, enum cit_expr_op op, enum cit_expr_type left,
                             enum cit_expr_type right);
void cit_expr_fault_negative(struct cit_expr_error *e, enum cit_expr_type type);  /* unary minus */
void cit_expr_fault_condition(struct cit_expr_error *e, enum cit_expr_type type); /* no boolean */
void cit_expr_fault_in(struct cit_expr_error *e, enum cit_expr_type needle, enum cit_expr_type container);
void cit_expr_fault_item(struct cit_expr_error *e, enum cit_expr_type container, enum cit_expr_type index);
void cit_expr_fault_field(struct cit_expr_error *e, enum cit_expr_type type);

/* Operand n (from 1) of `count` operands of a function is of a wrong type.  Of min and max: with
 * count > 1 and n > 1, `first` is the type of the first operand; otherwise it is not looked at. */
struct cit_expr_operand {
    enum cit_expr_func func;
    uint32_t n, count;
    enum cit_expr_type type, first;
};

void cit_expr_fault_operand(struct cit_expr_error *e, const struct cit_expr_operand *o);
/* The same of item n of the list that min or max has as its only operand. */
void cit_expr_fault_list_item(struct cit_expr_error *e, const struct cit_expr_operand *o);

/* ---- results ---- */

void cit_expr_fault_zero(struct cit_expr_error *e, enum cit_expr_op op); /* DIV, MOD, POW */

/* An integer that needs more than 64 bits, a float that is not finite: of an operator, a function. */
void cit_expr_fault_op_bits(struct cit_expr_error *e, enum cit_expr_op op);
void cit_expr_fault_op_large(struct cit_expr_error *e, enum cit_expr_op op);
void cit_expr_fault_func_bits(struct cit_expr_error *e, enum cit_expr_func func);
void cit_expr_fault_func_large(struct cit_expr_error *e, enum cit_expr_func func);

/* ---- values ---- */

void cit_expr_fault_fraction(struct cit_expr_error *e); /* (-8) ^ 0.5 */
void cit_expr_fault_sqrt(struct cit_expr_error *e);
void cit_expr_fault_replace(struct cit_expr_error *e);
void cit_expr_fault_decimals(struct cit_expr_error *e, int64_t n);
void cit_expr_fault_pattern(struct cit_expr_error *e, const char *why);

/* ---- limits ---- */

void cit_expr_fault_text_long(struct cit_expr_error *e);
void cit_expr_fault_list_long(struct cit_expr_error *e);
void cit_expr_fault_nested(struct cit_expr_error *e);

/* Any other text, printed; hint is none. */
void cit_expr_fault_printf(struct cit_expr_error *e, enum cit_expr_fault fault, const char *fmt, ...) CIT_PRINTF(3, 4);

#endif
