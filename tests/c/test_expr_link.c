/* tests/c/test_expr_link.c - tokens to code: the order of evaluation, texts that are run, missing operands,
 * stacks that somebody kept. */
#include "expr/link.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "expr_props.h"

#define BOTH 2 /* in a vector: dialects A and B */

struct vector {
    int dialect;
    const char *text, *code; /* instructions joined by a blank, each with its operand */
};

static const struct vector vectors[] = {
    /* the right operand first */
    { BOTH, "1 + $a * 3", "3 $a MUL 1 ADD" },
    { BOTH, "(1 - 2) - 3", "3 2 1 SUB SUB" },
    { BOTH, "$a <= $b", "$b $a LE" },
    { BOTH, "1 == 2", "2 1 EQ" },
    { BOTH, "1 != 2", "2 1 NE" },
    { BOTH, "1 < 2", "2 1 LT" },
    { BOTH, "1 > 2", "2 1 GT" },
    { BOTH, "1 >= 2", "2 1 GE" },
    { BOTH, "1 in [2, 'x']", "[2,x] 1 IN" },
    { BOTH, "1 & 2", "2 1 BIT_AND" },
    { BOTH, "1 | 2", "2 1 BIT_OR" },
    { BOTH, "1 / 2", "2 1 DIV" },
    { BOTH, "1 % 2", "2 1 MOD" },
    { BOTH, "2 ^ -1", "1 NEG 2 POW" },
    /* functions */
    { BOTH, "sin(1)", "1 CALL:sin" },
    { BOTH, "cos(1)", "1 CALL:cos" },
    { BOTH, "tan(1)", "1 CALL:tan" },
    { BOTH, "abs(1)", "1 CALL:abs" },
    { BOTH, "trunc(1)", "1 CALL:trunc" },
    { BOTH, "round(1)", "1 CALL:round" },
    { BOTH, "sign(1)", "1 CALL:sign" },
    { BOTH, "str(1)", "1 CALL:str" },
    { BOTH, "num(1)", "'num'" },
    { BOTH, "nan(1)", "nan" },
    { BOTH, "floor(1)", "'floor'" },
    /* values */
    { BOTH, "None", "None" },
    { BOTH, "'None'", "None" },
    { BOTH, "True", "True" },
    { BOTH, "'False'", "False" },
    { BOTH, "1e3", "1000" },
    { BOTH, "' 7 '", "7" },
    { BOTH, "'1_0'", "10" },
    { BOTH, "'5x'", "'5x'" },
    { BOTH, "2e+", "'2E+'" },
    { BOTH, "''", "''" },
    { BOTH, "'\xd9\xa3'", "?'\xd9\xa3'" }, /* an Arabic digit */
    { BOTH, "E", "2.7182818284590451" },
    { BOTH, "'PI'", "3.1415926535897931" },
    { BOTH, "'e'", "'e'" },
    { BOTH, "[]", "[]" },
    { BOTH, "[1, $a]", "[1,$a]" },
    /* variables */
    { BOTH, "'$a b'", "$a b" },
    { BOTH, "'$'", "$" },
    { BOTH, "'$\xc3\xa9'", "$\xc3\xa9" },
    { CIT_EXPR_B, "$a[$b[0] + 1]", "1 0 $b[] ADD $a[]" },
    { BOTH, "['$']", "BAD_NAME" },
    { BOTH, "['$', 1] + 1", "1 BAD_NAME ADD" },
    { BOTH, "['$a']", "[$a]" },
    /* texts that are run */
    { CIT_EXPR_B, "!(1)", "1 NOT" },
    { CIT_EXPR_B, "'!'", "UNDERFLOW" },
    { CIT_EXPR_A, "'!'", "UNDERFLOW" },
    { CIT_EXPR_A, "3 + '!'", "3 UNDERFLOW" },
    { CIT_EXPR_A, "foo(foo(1)) == '!'", "'foo' 'foo' BANG 1 EQ" },
    { BOTH, "foo(1) + in(2)", "2 'foo' IN 1 ADD" },
    { BOTH, "foo(1) + foo(2)", "'foo' 2 ADD" },
    { BOTH, "'unary -' + 1", "1 UNDERFLOW" },
    { BOTH, "'-'", "UNDERFLOW" },
    { BOTH, "'sin'", "UNDERFLOW" },
    { CIT_EXPR_A, "'var idx'", "'var idx'" },
    { CIT_EXPR_B, "'var idx'", "UNDERFLOW" },
    { CIT_EXPR_B, "foo('var idx')", "'foo'" },
    /* what nobody pops is not there */
    { BOTH, "5 + abs(1 2)", "1" },
    { BOTH, "1 + 2 * (3 4)", "3 2 ADD" },
    { CIT_EXPR_B, "$arr[1/0", "$arr" },
};

static void say_const(struct cit_buf *b, const struct cit_expr_program *p, const struct cit_expr_const *c)
{
    static const char *const quotes[] = { [CIT_EXPR_STR] = "'", [CIT_EXPR_LITERAL] = "?'" };

    switch ((enum cit_expr_const_kind)c->kind) {
    case CIT_EXPR_NULL:
        assert_int_equal(cit_buf_add_str(b, "None"), CIT_OK);
        break;
    case CIT_EXPR_BOOL:
        assert_int_equal(cit_buf_add_str(b, c->is_true ? "True" : "False"), CIT_OK);
        break;
    case CIT_EXPR_FLOAT:
        assert_int_equal(cit_buf_printf(b, "%.17g", c->num), CIT_OK);
        break;
    case CIT_EXPR_STR:
    case CIT_EXPR_LITERAL:
        assert_int_equal(cit_buf_printf(b, "%s%.*s'", quotes[c->kind], CIT_SLICE_ARG(c->text)), CIT_OK);
        break;
    case CIT_EXPR_RAWLIST:
        for (uint32_t i = 0; i < c->count; i++)
            assert_int_equal(cit_buf_printf(b, "%s%.*s", i > 0 ? "," : "[", CIT_SLICE_ARG(p->items[c->first + i])),
                             CIT_OK);
        assert_int_equal(cit_buf_add_str(b, c->count > 0 ? "]" : "[]"), CIT_OK);
        break;
    case CIT_EXPR_INT:
        fail();
    }
}

static void say_ins(struct cit_buf *b, const struct cit_expr_program *p, const struct cit_expr_ins *ins)
{
    switch (ins->op) {
    case CIT_EXPR_CONST:
        say_const(b, p, &p->consts[ins->arg]);
        break;
    case CIT_EXPR_VAR:
    case CIT_EXPR_VAR_AT:
        assert_int_equal(
            cit_buf_printf(b, "$%.*s%s", CIT_SLICE_ARG(p->names[ins->arg]), ins->op == CIT_EXPR_VAR ? "" : "[]"),
            CIT_OK);
        break;
    case CIT_EXPR_CALL:
        assert_int_equal(cit_buf_printf(b, "CALL:%s", cit_expr_func_name(ins->arg)), CIT_OK);
        break;
    default:
        assert_int_equal(cit_buf_add_str(b, cit_expr_op_name(ins->op)), CIT_OK);
        break;
    }
}

static void check_code(const struct cit_expr_program *p, const char *text, const char *code)
{
    struct cit_buf b;

    assert_null(expr_program_holds(p));
    cit_buf_init(&b, 10000);
    for (uint32_t i = 0; i < p->code_count; i++) {
        assert_int_equal(cit_buf_add_str(&b, i > 0 ? " " : ""), CIT_OK);
        say_ins(&b, p, &p->code[i]);
    }
    if (!cit_slice_eq(cit_slice(b.p, b.len), cit_slice_str(code)))
        fail_msg("%s: %.*s instead of %s", text, (int)b.len, b.p, code);
    cit_buf_fini(&b);
}

static void check_vector(const struct vector *v, enum cit_expr_dialect dialect)
{
    struct cit_expr_program *p = NULL;

    assert_int_equal(cit_expr_compile(cit_slice_str(v->text), dialect, &p, NULL), CIT_OK);
    check_code(p, v->text, v->code);
    cit_expr_free(p);
}

static void every_text_becomes_its_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        if (vectors[i].dialect != CIT_EXPR_B)
            check_vector(&vectors[i], CIT_EXPR_A);
        if (vectors[i].dialect != CIT_EXPR_A)
            check_vector(&vectors[i], CIT_EXPR_B);
    }
}

static void names_stand_once_in_the_order_of_the_text(void **state)
{
    struct cit_expr_program *p;

    (void)state;
    assert_int_equal(cit_expr_compile(CIT_SLICE_LIT("$b + $a[$c] * $b - $d == ($x 1"), CIT_EXPR_B, &p, NULL), CIT_OK);
    assert_int_equal(p->name_count, 2); /* the operand that broke off left $x, which `-` takes */
    assert_true(cit_slice_eq(p->names[0], CIT_SLICE_LIT("d")));
    assert_true(cit_slice_eq(p->names[1], CIT_SLICE_LIT("x")));
    cit_expr_free(p);
    assert_int_equal(cit_expr_compile(CIT_SLICE_LIT("$b + $a[$c] * $b - $d"), CIT_EXPR_B, &p, NULL), CIT_OK);
    assert_int_equal(p->name_count, 4);
    assert_true(cit_slice_eq(p->names[0], CIT_SLICE_LIT("b")));
    assert_true(cit_slice_eq(p->names[1], CIT_SLICE_LIT("c")));
    assert_true(cit_slice_eq(p->names[2], CIT_SLICE_LIT("a")));
    assert_true(cit_slice_eq(p->names[3], CIT_SLICE_LIT("d")));
    cit_expr_free(p);
}

static void many_names_are_found_again(void **state)
{
    struct cit_expr_program *p;
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, CIT_EXPR_TEXT_MAX);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 2000; i++)
            assert_int_equal(cit_buf_printf(&b, "$name%d + ", i), CIT_OK);
    assert_int_equal(cit_buf_add_str(&b, "1"), CIT_OK);
    assert_int_equal(cit_expr_compile(cit_slice(b.p, b.len), CIT_EXPR_A, &p, NULL), CIT_OK);
    assert_int_equal(p->name_count, 2000);
    for (uint32_t i = 0; i < 2000; i++) {
        assert_true(p->names[i].n > 4);
        assert_int_equal(strtol(p->names[i].p + 4, NULL, 10), i);
    }
    assert_int_equal(p->code_count, 8001);
    assert_int_equal(p->stack_max, 4001); /* every right operand waits for the left one */
    cit_expr_free(p);
    cit_buf_fini(&b);
}

static void code_that_pops_too_much_is_not_closed(void **state)
{
    static const struct {
        const char *text;
        bool is_closed;
    } rows[] = { { "1 + 2", true }, { "'+'", false }, { "5 + abs(1 2)", true }, { "'in'", false }, { "$a", true } };
    struct cit_expr_program *p;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(cit_expr_compile(cit_slice_str(rows[i].text), CIT_EXPR_B, &p, NULL), CIT_OK);
        assert_int_equal(p->is_closed, rows[i].is_closed);
        cit_expr_free(p);
    }
}

static void a_missing_operand_is_told(void **state)
{
    struct cit_expr_program *p;

    (void)state;
    assert_int_equal(cit_expr_compile(CIT_SLICE_LIT("1 + ('x' == '*')"), CIT_EXPR_B, &p, NULL), CIT_OK);
    check_code(p, "1 + ('x' == '*')", "'x' 1 MUL UNDERFLOW");
    assert_int_equal(p->note_count, 2);
    assert_string_equal(p->notes[0].code, "no-operand");
    assert_string_equal(p->notes[0].what, "`==` lacks a value: this always fails");
    assert_int_equal(p->notes[0].column, 10);
    assert_string_equal(p->notes[1].what, "the text '*' is read as an operator");
    cit_expr_free(p);
}

/* ---- stacks that somebody kept ---- */

#define TEXT(lit)                        \
    {                                    \
        .text = { lit, sizeof(lit) - 1 } \
    }

static void check_stack(const struct cit_expr_token *tokens, uint32_t count, const struct cit_slice *items,
                        const char *code)
{
    struct cit_expr_stack stack = { tokens, count, items };
    struct cit_expr_program *p = NULL;
    struct cit_expr_error e;

    assert_int_equal(cit_expr_compile_stack(&stack, CIT_EXPR_B, &p, &e), CIT_OK);
    check_code(p, code, code);
    cit_expr_free(p);
}

static void a_kept_stack_runs_from_its_end(void **state)
{
    static const struct cit_slice items[] = { { "9", 1 }, { "$", 1 }, { "8", 1 } };
    static const struct cit_expr_token sum[] = { TEXT("5"), TEXT("6"), TEXT("+") };
    static const struct cit_expr_token list[] = {
        TEXT("5"), TEXT("9"), { .is_list = true, .first = 0, .count = 3 }, TEXT("in")
    };
    static const struct cit_expr_token bad[] = { TEXT("5"),
                                                 { .is_list = true, .first = 1, .count = 2 },
                                                 TEXT("var idx") };
    static const struct cit_expr_token odd[] = { TEXT("5"),
                                                 TEXT("\xc3\xa9"
                                                      "6"),
                                                 TEXT("var idx") };
    static const struct cit_expr_token twice[] = { TEXT("5"), TEXT("var idx"), TEXT("var idx") };
    static const struct cit_expr_token empty[] = { TEXT("5"), TEXT(""), TEXT("var idx") };

    (void)state;
    check_stack(sum, 3, NULL, "6 5 ADD");
    check_stack(sum, 2, NULL, "6");
    check_stack(sum, 0, NULL, "UNDERFLOW");
    check_stack(sum + 1, 2, NULL, "6 UNDERFLOW");
    check_stack(list, 4, items, "[9,$,8] 9 IN");
    check_stack(bad, 3, items, "5 BAD_NAME_AT");
    check_stack(bad + 1, 2, items, "UNDERFLOW");
    check_stack(bad + 2, 1, items, "UNDERFLOW");
    check_stack(odd, 3, NULL, "5 $6[]");
    check_stack(twice, 3, NULL, "5 $ar idx[]");
    check_stack(empty, 3, NULL, "5 $[]");
}

static void what_lies_deep_in_a_kept_stack_costs_nothing(void **state)
{
    enum { COUNT = 100000 };
    struct cit_expr_token *tokens = calloc(COUNT, sizeof *tokens);
    struct cit_expr_stack stack = { tokens, COUNT, NULL };
    struct cit_expr_program *p = NULL;

    (void)state;
    assert_non_null(tokens);
    for (uint32_t i = 0; i < COUNT; i++)
        tokens[i].text = CIT_SLICE_LIT("7");
    tokens[COUNT - 1].text = CIT_SLICE_LIT("*");
    assert_int_equal(cit_expr_compile_stack(&stack, CIT_EXPR_A, &p, NULL), CIT_OK);
    check_code(p, "", "7 7 MUL");
    assert_int_equal(p->token_count, 3);
    assert_true(cit_slice_eq(p->text, CIT_SLICE_LIT("7 7 *")));
    cit_expr_free(p);
    for (uint32_t i = 0; i < COUNT; i++)
        tokens[i].text = CIT_SLICE_LIT("*");
    p = NULL;
    assert_int_equal(cit_expr_compile_stack(&stack, CIT_EXPR_A, &p, NULL), CIT_ELIMIT);
    assert_null(p);
    stack.count = CIT_EXPR_TEXT_MAX / 2 - 1;
    assert_int_equal(cit_expr_compile_stack(&stack, CIT_EXPR_A, &p, NULL), CIT_OK);
    check_code(p, "", "UNDERFLOW");
    cit_expr_free(p);
    free(tokens);
}

static void without_memory_a_kept_stack_is_refused(void **state)
{
    static const struct cit_slice items[20] = { { "9", 1 } };
    struct cit_expr_token tokens[100];
    struct cit_expr_stack stack = { tokens, 100, items };
    struct cit_expr_program *p = NULL;
    struct cit_expr_error e;
    int result = CIT_ENOMEM;
    unsigned long at = 1;

    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        tokens[i] = i < 51 ? (struct cit_expr_token)TEXT("$a") : (struct cit_expr_token)TEXT("+");
    tokens[0] = (struct cit_expr_token){ .is_list = true, .count = 20 };
    for (; result != CIT_OK; at++) {
        cit_mem_fail_at(at);
        result = cit_expr_compile_stack(&stack, CIT_EXPR_B, &p, &e);
        cit_mem_fail_at(0);
        assert_true(result == CIT_OK || (result == CIT_ENOMEM && e.err == CIT_ENOMEM && p == NULL));
    }
    assert_true(at > 5);
    assert_null(expr_program_holds(p));
    cit_expr_free(p);
}

/* ---- words ---- */

static void every_word_has_its_class(void **state)
{
    static const char *const values[] = { "",    "a",    "e",    "=",     "~=",    "=<",      "is",    "pi", "Abs",
                                          "log", "true", "sine", "false", "floor", "unary +", "unary", "!!", "x$" };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_int_equal(cit__classify(cit_slice_str(values[i]), CIT_EXPR_B).kind, CIT__TOKEN_VALUE);
    assert_int_equal(cit__classify(CIT_SLICE_LIT("$"), CIT_EXPR_A).kind, CIT__TOKEN_VAR);
    assert_int_equal(cit__classify(CIT_SLICE_LIT("unary -"), CIT_EXPR_A).kind, CIT__TOKEN_UNARY);
    assert_int_equal(cit__classify(CIT_SLICE_LIT("var idx"), CIT_EXPR_A).kind, CIT__TOKEN_VALUE);
    assert_int_equal(cit__classify(CIT_SLICE_LIT("var idx"), CIT_EXPR_B).kind, CIT__TOKEN_INDEX);
    assert_int_equal(cit__classify(CIT_SLICE_LIT("!"), CIT_EXPR_A).arg, CIT_EXPR_BANG);
    assert_int_equal(cit__classify(CIT_SLICE_LIT("!"), CIT_EXPR_B).arg, CIT_EXPR_NOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_becomes_its_code),
        cmocka_unit_test(names_stand_once_in_the_order_of_the_text),
        cmocka_unit_test(many_names_are_found_again),
        cmocka_unit_test(code_that_pops_too_much_is_not_closed),
        cmocka_unit_test(a_missing_operand_is_told),
        cmocka_unit_test(a_kept_stack_runs_from_its_end),
        cmocka_unit_test(what_lies_deep_in_a_kept_stack_costs_nothing),
        cmocka_unit_test(without_memory_a_kept_stack_is_refused),
        cmocka_unit_test(every_word_has_its_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
