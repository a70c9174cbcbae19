/* tests/c/test_expr_disasm.c - programs for people. */
#include "expr/disasm.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

static struct cit_expr_program *compiled(const char *text, enum cit_expr_dialect dialect)
{
    struct cit_expr_program *p = NULL;

    assert_int_equal(cit_expr_compile(cit_slice_str(text), dialect, &p, NULL), CIT_OK);
    return p;
}

static void check(const char *text, enum cit_expr_dialect dialect, const char *lines)
{
    struct cit_expr_program *p = compiled(text, dialect);
    struct cit_buf b;

    cit_buf_init(&b, 10000);
    assert_int_equal(cit_expr_disassemble(p, &b), CIT_OK);
    if (!cit_slice_eq(cit_slice(b.p, b.len), cit_slice_str(lines)))
        fail_msg("%s:\n%.*s", text, (int)b.len, b.p);
    cit_buf_fini(&b);
    cit_expr_free(p);
}

static void an_instruction_is_a_line(void **state)
{
    (void)state;
    check("$a[1] +\n sin('b\tc')", CIT_EXPR_B,
          "   0  CONST          \"b c\"                 # 2:6 'b c'\n"
          "   1  CALL           sin                   # 2:2 sin\n"
          "   2  CONST          1                     # 1:4 1\n"
          "   3  VAR_AT         $a                    # 1:1 $a\n"
          "   4  ADD                                  # 1:7 +\n");
    check("None == [True, '\xd9\xa3']", CIT_EXPR_A,
          "   0  CONST          [\"True\", \"\xd9\xa3\"]         # 1:9 [\n"
          "   1  CONST          None                  # 1:1 None\n"
          "   2  EQ                                   # 1:6 ==\n");
    check("'\xd9\xa3'", CIT_EXPR_A, "   0  CONST          float or text \"\xd9\xa3\"     # 1:1 '\xd9\xa3'\n");
    check("'+' (", CIT_EXPR_A, "   0  UNDERFLOW                            # 1:1 '+'\n");
    check("False | 1e3", CIT_EXPR_A,
          "   0  CONST          1E3                   # 1:9 1e3\n"
          "   1  CONST          False                 # 1:1 False\n"
          "   2  BIT_OR                               # 1:7 |\n");
}

static void the_bound_of_the_buffer_holds(void **state)
{
    struct cit_expr_program *p = compiled("1 + $a == ['x', 2]", CIT_EXPR_B);
    struct cit_buf b;
    size_t whole;

    (void)state;
    cit_buf_init(&b, 10000);
    assert_int_equal(cit_expr_disassemble(p, &b), CIT_OK);
    whole = b.len;
    cit_buf_fini(&b);
    for (size_t max = 0; max < whole; max++) {
        cit_buf_init(&b, max);
        assert_int_equal(cit_expr_disassemble(p, &b), CIT_ELIMIT);
        cit_buf_fini(&b);
    }
    for (unsigned long at = 1; at <= 2; at++) { /* the places, the buffer */
        cit_buf_init(&b, 10000);
        cit_mem_fail_at(at);
        assert_int_equal(cit_expr_disassemble(p, &b), CIT_ENOMEM);
        cit_mem_fail_at(0);
        cit_buf_fini(&b);
    }
    cit_expr_free(p);
}

static void names_are_those_of_the_lists(void **state)
{
    (void)state;
    assert_string_equal(cit_expr_op_name(CIT_EXPR_CONST), "CONST");
    assert_string_equal(cit_expr_op_name(CIT_EXPR_TO_BOOL), "TO_BOOL");
    assert_string_equal(cit_expr_op_name(CIT_EXPR_OP_COUNT), "?");
    assert_string_equal(cit_expr_func_name(CIT_EXPR_F_sin), "sin");
    assert_string_equal(cit_expr_func_name(CIT_EXPR_F_if), "if");
    assert_string_equal(cit_expr_func_name(CIT_EXPR_FUNC_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instruction_is_a_line),
        cmocka_unit_test(the_bound_of_the_buffer_holds),
        cmocka_unit_test(names_are_those_of_the_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
