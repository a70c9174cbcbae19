/* expr/eval_int.h - what the files of the native evaluator share; private to src/expr.
 *
 *      eval.c            the machine: stack, names, jumps
 *        eval_strict.c   operators of the strict dialect      eval_func.c   its functions
 *        eval_compat.c   operators of compat                  eval_compat_call.c  its functions
 *        eval_num.c      arithmetic, floats as text           eval_text.c   texts, eval_case.c letters
 *
 * An operation borrows its operands and fills *out, which may be one of them.  It returns CIT_OK,
 * or CIT_EINVAL and CIT_ELIMIT with the run's error filled (but for its place), CIT_ENOMEM, or
 * what a callback gave.
 *
 * Depends on: expr/value.
 * Ownership:  what is made lies in the task's arena.
 * Threads:    one run, one thread.
 */
#ifndef CIT_EXPR_EVAL_INT_H
#define CIT_EXPR_EVAL_INT_H

#include "expr/value.h"

enum cit__slot_state { CIT__SLOT_UNKNOWN, CIT__SLOT_SET, CIT__SLOT_MISSING };

/* What a name gave, as it came. */
struct cit__slot {
    struct cit_expr_value value;
    uint8_t state; /* enum cit__slot_state */
};

struct cit__run {
    const struct cit_expr_task *task;
    const struct cit_expr_program *program;
    struct cit_expr_limits left; /* steps count down */
    struct cit_expr_error *err;  /* never NULL */
    const struct cit_expr_ins *ins;
    struct cit__slot *names;
};

/* ---- bounds: eval.c ---- */

/* Takes steps off what is left. */
int cit__charge(struct cit__run *r, uint64_t steps);

/* Memory for something of any size; for a text; for items of a list. */
int cit__take(struct cit__run *r, size_t n, void **out);
int cit__take_text(struct cit__run *r, size_t n, char **out);
int cit__take_items(struct cit__run *r, size_t count, struct cit_expr_value **out);

/* Steps for looking at n bytes. */
static inline uint64_t cit__byte_steps(size_t n)
{
    return (uint64_t)n / 64;
}

/* The value of a name as it came; missing gives CIT_OK and null with *is_there false. */
int cit__fetch(struct cit__run *r, uint32_t name, struct cit_expr_value *out, bool *is_there);

/* ---- strict ---- */

int cit__strict_equal(struct cit__run *r, const struct cit_expr_value *a, const struct cit_expr_value *b, bool *out);
int cit__strict_in(struct cit__run *r, const struct cit_expr_value *needle, const struct cit_expr_value *container,
                   bool *out);

/* EQ .. POW but IN's compat brothers; ITEM. */
int cit__strict_binary(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                       struct cit_expr_value *out);
int cit__strict_negative(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out);
int cit__strict_field(struct cit__run *r, const struct cit_expr_value *v, struct cit_slice key,
                      struct cit_expr_value *out);
int cit__strict_condition(struct cit__run *r, const struct cit_expr_value *v, bool *out);

/* CALL_N: the run's instruction tells function and count. */
int cit__strict_call(struct cit__run *r, const struct cit_expr_value *args, struct cit_expr_value *out);
int cit__strict_match(struct cit__run *r, const struct cit_expr_value *text, struct cit_slice pattern,
                      struct cit_expr_value *out);

/* ---- compat ---- */

int cit__compat_convert(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out);
int cit__compat_name(struct cit__run *r, uint32_t name, struct cit_expr_value *out);
int cit__compat_name_at(struct cit__run *r, uint32_t name, const struct cit_expr_value *index,
                        struct cit_expr_value *out);
int cit__compat_binary(struct cit__run *r, const struct cit_expr_value *left, const struct cit_expr_value *right,
                       struct cit_expr_value *out);
int cit__compat_negative(struct cit__run *r, const struct cit_expr_value *v, struct cit_expr_value *out);
int cit__compat_call(struct cit__run *r, const struct cit_expr_value *arg, struct cit_expr_value *out);

/* Fails with a text that names what only Python's objects can do. */
int cit__unsupported(struct cit__run *r, const char *what);

/* Failures of both compat files, int() of a value, and a number of one that Python takes for one. */
int cit__compat_value_error(struct cit__run *r, const char *what);
int cit__compat_too_wide(struct cit__run *r);
int cit__compat_int_of(struct cit__run *r, const struct cit_expr_value *v, int64_t *out);
bool cit__compat_as_number(const struct cit_expr_value *v, struct cit_expr_value *out);

/* ---- numbers: eval_num.c ---- */

enum cit__outcome {
    CIT__DONE,
    CIT__ZERO,    /* division by zero, 0 to a negative power */
    CIT__BITS,    /* more than 64 of them */
    CIT__FRACTION /* a fraction as the power of a negative number */
};

static inline bool cit__is_number(const struct cit_expr_value *v)
{
    return v->kind == CIT_EXPR_V_INT || v->kind == CIT_EXPR_V_FLOAT;
}

static inline double cit__to_double(const struct cit_expr_value *v)
{
    return v->kind == CIT_EXPR_V_INT ? (double)v->u.i : v->u.f;
}

/* ADD .. POW of two numbers.  A float result may be infinite or no number. */
enum cit__outcome cit__arith(enum cit_expr_op op, const struct cit_expr_value *left, const struct cit_expr_value *right,
                             struct cit_expr_value *out);

/* -1, 0, 1 of two numbers, exactly; 2 when one is no number. */
int cit__order_numbers(const struct cit_expr_value *a, const struct cit_expr_value *b);

/* The integer a float without fraction is; false when it needs more than 64 bits. */
bool cit__to_int(double f, int64_t *out);

/* f with n decimals, n <= CIT_EXPR_DECIMALS_MAX, correctly rounded, halves to even. */
double cit__round_decimals(double f, unsigned n);

/* The nearest integer, halves to even. */
double cit__round_even(double f);

/* str(): an integer in digits, a float without ".0".  At most CIT_EXPR_FLOAT_TEXT_MAX bytes. */
size_t cit__number_text(const struct cit_expr_value *v, char *out);

/* num() of a text: null when it is none. */
struct cit_expr_value cit__number_of_text(struct cit_slice text);

/* ---- texts: eval_text.c ---- */

size_t cit__text_chars(struct cit_slice s);

/* Character i, from the end when it is negative: false when there is none. */
bool cit__text_char_at(struct cit_slice s, int64_t i, struct cit_slice *out);

bool cit__text_contains(struct cit_slice s, struct cit_slice part);
int cit__text_order(struct cit_slice a, struct cit_slice b); /* by code point: < 0, 0, > 0 */
struct cit_slice cit__text_trim(struct cit_slice s);
int cit__text_join(struct cit__run *r, struct cit_slice a, struct cit_slice b, struct cit_slice *out);
int cit__text_replace(struct cit__run *r, const struct cit_slice parts[3], struct cit_slice *out);
int cit__text_case(struct cit__run *r, struct cit_slice s, bool is_upper, struct cit_slice *out);

/* The code point s begins with (s is not empty) and its bytes; half a surrogate for a byte that fits nowhere. */
uint32_t cit__text_code(struct cit_slice s, size_t *n);

/* White space of Python's str.strip(), and the digit a decimal character stands for or -1. */
bool cit__is_blank(uint32_t code);
int cit__decimal_digit(uint32_t code);

/* Letters, one by one: eval_case.c */
uint32_t cit__lower_of(uint32_t code);
uint32_t cit__upper_of(uint32_t code);

#endif
