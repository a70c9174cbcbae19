/* fuzz/fuzz_expr.c - any bytes as an expression in every dialect: what expr_props.h says of a program holds,
 * and the tokens of a compat text give the same code when they are compiled as a stack somebody kept.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tests/c/expr_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void stop(const char *wrong)
{
    fprintf(stderr, "%s\n", wrong);
    abort();
}

static bool same_code(const struct cit_expr_program *a, const struct cit_expr_program *b)
{
    if (a->code_count != b->code_count || a->stack_max != b->stack_max || a->is_closed != b->is_closed)
        return false;
    for (uint32_t i = 0; i < a->code_count; i++)
        if (a->code[i].op != b->code[i].op || a->code[i].arg != b->code[i].arg)
            return false;
    return true;
}

/* A kept stack is joined to one text, which may be too long. */
static void check_stack(const struct cit_expr_program *p)
{
    struct cit_expr_stack stack = { p->tokens, p->token_count, p->items };
    struct cit_expr_program *again = NULL;
    const char *wrong;
    int err = cit_expr_compile_stack(&stack, p->dialect, &again, NULL);

    if (err == CIT_ELIMIT)
        return;
    if (err != CIT_OK)
        stop("a stack does not compile");
    wrong = expr_program_holds(again);
    if (wrong != NULL)
        stop(wrong);
    if (p->code_count > 0 && !same_code(p, again))
        stop("a stack gives other code than its text");
    cit_expr_free(again);
}

static void check_tokens(struct cit_slice text, enum cit_expr_dialect dialect)
{
    struct cit_expr_program *p = NULL;
    struct cit_expr_error e;
    const char *wrong;

    if (cit_expr_tokenize(text, dialect, &p, &e) != CIT_OK)
        return;
    wrong = expr_program_holds(p);
    if (wrong != NULL)
        stop(wrong);
    check_stack(p);
    cit_expr_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const enum cit_expr_dialect dialects[] = { CIT_EXPR_A, CIT_EXPR_B, CIT_EXPR_STRICT };
    struct cit_slice text = cit_slice((const char *)data, n);

    for (size_t i = 0; i < 3; i++) {
        const char *wrong = expr_holds(text, dialects[i]);

        if (wrong != NULL)
            stop(wrong);
        if (dialects[i] != CIT_EXPR_STRICT)
            check_tokens(text, dialects[i]);
    }
    return 0;
}
