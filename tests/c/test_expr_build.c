/* tests/c/test_expr_build.c - growing, failing and finishing a program. */
#include "expr/build.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "expr_props.h"

static const struct cit__remark because = { .at = 1, .what = "because" };

static void the_first_failure_stays_and_nothing_is_added_after_it(void **state)
{
    struct cit_expr_build b;
    struct cit_expr_error e = { 0 };
    struct cit_expr_program *p = NULL;

    (void)state;
    cit__build_init(&b, CIT_SLICE_LIT("a\nbc"), CIT_EXPR_STRICT, &e);
    assert_int_equal(cit__build_fail(&b, CIT_EPROTO, (struct cit__remark){ 3, "first", "do" }), CIT_EPROTO);
    assert_int_equal(cit__build_fail(&b, CIT_ELIMIT, because), CIT_EPROTO);
    assert_int_equal(cit__build_nomem(&b), CIT_EPROTO);
    assert_int_equal(cit__build_emit(&b, (struct cit_expr_ins){ 0 }), 0);
    assert_int_equal(cit__build_name(&b, CIT_SLICE_LIT("a")), 0);
    cit__build_note(&b, CIT_EXPR_NOTE_LEFTOVER, because);
    cit__build_land(&b, 0);
    assert_null(cit__build_shadow(&b));
    assert_int_equal(b.code.count + b.names.count + b.notes.count, 0);
    assert_int_equal(cit__build_finish(&b, &p), CIT_EPROTO);
    assert_null(p);
    cit__build_fini(&b);
    assert_int_equal(e.err, CIT_EPROTO);
    assert_int_equal(e.line, 2);
    assert_int_equal(e.column, 2);
    assert_string_equal(e.what, "first");
    assert_string_equal(e.hint, "do");
}

static void long_messages_end_at_a_whole_character(void **state)
{
    struct cit_expr_build b;
    struct cit_expr_error e;
    char what[400];

    (void)state;
    for (size_t i = 0; i < 199; i++)
        memcpy(what + 2 * i + 1, "\xc3\xa9", 3);
    what[0] = 'x';
    cit__build_init(&b, CIT_SLICE_LIT(""), CIT_EXPR_A, &e);
    cit__build_fail(&b, CIT_EPROTO, (struct cit__remark){ 0, what, what });
    assert_int_equal(strlen(e.what), sizeof e.what - 1);
    assert_int_equal(e.what[sizeof e.what - 2], '\xa9');
    cit__build_fini(&b);
    cit__build_init(&b, CIT_SLICE_LIT(""), CIT_EXPR_A, &e);
    cit__build_fail(&b, CIT_EPROTO, (struct cit__remark){ 0, what + 1, NULL });
    assert_int_equal(strlen(e.what), sizeof e.what - 2);
    assert_string_equal(e.hint, "");
    cit__build_fini(&b);
}

/* `count` names, each asked for twice. */
static int add_names(struct cit_expr_build *b, uint32_t count)
{
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < count && cit__build_ok(b); i++) {
            uint32_t index = cit__build_name(b, cit_slice(b->text.p, i));

            if (cit__build_ok(b))
                assert_int_equal(index, i);
        }
    return b->status;
}

static void a_name_stands_once_however_many_there_are(void **state)
{
    static char text[3000];
    struct cit_expr_build b;
    struct cit_expr_error e;
    int result = CIT_ENOMEM;

    (void)state;
    memset(text, 'a', sizeof text);
    cit__build_init(&b, cit_slice(text, sizeof text), CIT_EXPR_A, &e);
    assert_int_equal(add_names(&b, 3000), CIT_OK);
    assert_int_equal(b.names.count, 3000);
    assert_true(b.name_slot_count >= 6000);
    cit__build_fini(&b);
    for (unsigned long at = 1; result != CIT_OK; at++) {
        cit__build_init(&b, cit_slice(text, sizeof text), CIT_EXPR_A, &e);
        cit_mem_fail_at(at);
        result = add_names(&b, 200);
        cit_mem_fail_at(0);
        assert_true(result == CIT_OK || (result == CIT_ENOMEM && e.err == CIT_ENOMEM));
        cit__build_fini(&b);
    }
}

static void emit(struct cit_expr_build *b, enum cit_expr_op op, uint32_t arg)
{
    cit__build_emit(b, (struct cit_expr_ins){ .op = (uint8_t)op, .arg = arg });
}

/* a and (b or c): jumps keep their value where they go. */
static void the_deepest_stack_is_found_across_jumps(void **state)
{
    struct cit_expr_build b;
    struct cit_expr_error e;
    struct cit_expr_program *p = NULL;
    uint32_t and, or ;

    (void)state;
    cit__build_init(&b, CIT_SLICE_LIT("a and (b or c)"), CIT_EXPR_STRICT, &e);
    emit(&b, CIT_EXPR_VAR, cit__build_name(&b, cit_slice(b.text.p, 1)));
    and = b.code.count;
    emit(&b, CIT_EXPR_JUMP_IF_FALSE, 0);
    emit(&b, CIT_EXPR_VAR, cit__build_name(&b, cit_slice(b.text.p + 7, 1)));
    or = b.code.count;
    emit(&b, CIT_EXPR_JUMP_IF_TRUE, 0);
    emit(&b, CIT_EXPR_VAR, cit__build_name(&b, cit_slice(b.text.p + 12, 1)));
    emit(&b, CIT_EXPR_TO_BOOL, 0);
    cit__build_land(&b, or);
    cit__build_land(&b, and);
    b.end = (uint32_t)b.text.n;
    assert_int_equal(cit__build_finish(&b, &p), CIT_OK);
    cit__build_fini(&b);
    assert_int_equal(p->stack_max, 1);
    assert_int_equal(p->code[1].arg, 6);
    assert_null(expr_program_holds(p));
    cit_expr_free(p);
}

/* A text, one made in the shadow, one that is static, one that ends where the text ends. */
static void slices_move_into_the_program(void **state)
{
    char text[] = "'a\\n' + name";
    struct cit_expr_build b;
    struct cit_expr_error e;
    struct cit_expr_program *p = NULL;
    struct cit_expr_const c = { .kind = CIT_EXPR_STR };
    char *shadow;

    (void)state;
    cit__build_init(&b, cit_slice_str(text), CIT_EXPR_STRICT, &e);
    shadow = cit__build_shadow(&b);
    assert_non_null(shadow);
    assert_ptr_equal(cit__build_shadow(&b), shadow);
    memcpy(shadow + 1, "a\n", 2);
    c.text = cit_slice(shadow + 1, 2);
    emit(&b, CIT_EXPR_CONST, cit__build_const(&b, c));
    c.text = CIT_SLICE_LIT("static");
    emit(&b, CIT_EXPR_FIELD, cit__build_const(&b, c));
    c.text = cit_slice(text + sizeof text - 1, 0);
    emit(&b, CIT_EXPR_FIELD, cit__build_const(&b, c));
    emit(&b, CIT_EXPR_VAR, cit__build_name(&b, cit_slice(text + 8, 4)));
    emit(&b, CIT_EXPR_ADD, 0);
    assert_int_equal(cit__build_finish(&b, &p), CIT_OK);
    cit__build_fini(&b);
    memset(text, '!', sizeof text);
    assert_null(expr_program_holds(p));
    assert_true(cit_slice_eq(p->consts[0].text, CIT_SLICE_LIT("a\n")));
    assert_true(cit_slice_eq(p->consts[1].text, CIT_SLICE_LIT("static")));
    assert_ptr_equal(p->consts[2].text.p, p->text.p + p->text.n);
    assert_true(cit_slice_eq(p->names[0], CIT_SLICE_LIT("name")));
    assert_ptr_equal(p->names[0].p, p->text.p + 8);
    cit_expr_free(p);
}

static void a_long_shadow_is_from_the_heap(void **state)
{
    static char text[1000];
    struct cit_expr_build b;
    struct cit_expr_error e;
    struct cit_expr_program *p = NULL;

    (void)state;
    memset(text, 'x', sizeof text);
    cit__build_init(&b, cit_slice(text, sizeof text), CIT_EXPR_STRICT, &e);
    cit_mem_fail_at(1);
    assert_null(cit__build_shadow(&b));
    cit_mem_fail_at(0);
    assert_int_equal(b.status, CIT_ENOMEM);
    cit__build_fini(&b);
    cit__build_init(&b, cit_slice(text, sizeof text), CIT_EXPR_STRICT, &e);
    assert_non_null(cit__build_shadow(&b));
    emit(&b, CIT_EXPR_VAR, cit__build_name(&b, cit_slice(b.shadow + 999, 1)));
    assert_int_equal(cit__build_finish(&b, &p), CIT_OK);
    cit__build_fini(&b);
    assert_int_equal(p->names[0].p[0], '\0');
    cit_expr_free(p);
}

static void remarks_are_sorted_and_those_of_what_is_not_read_dropped(void **state)
{
    struct cit_expr_build b;
    struct cit_expr_error e;
    struct cit_expr_program *p = NULL;

    (void)state;
    cit__build_init(&b, CIT_SLICE_LIT("ab\ncd"), CIT_EXPR_A, &e);
    cit__build_note(&b, CIT_EXPR_NOTE_LEFTOVER, (struct cit__remark){ 4, "last", "h" });
    cit__build_note(&b, CIT_EXPR_NOTE_IGNORED_TAIL, (struct cit__remark){ 1, "first", NULL });
    cit__build_note(&b, CIT_EXPR_NOTE_LIST_OPERAND, (struct cit__remark){ 1, "second", "" });
    cit__build_note(&b, CIT_EXPR_NOTE_LIST_OPERAND, (struct cit__remark){ 2, "dropped", "" });
    cit__build_drop_notes(&b, 3);
    emit(&b, CIT_EXPR_UNDERFLOW, 0);
    assert_int_equal(cit__build_finish(&b, &p), CIT_OK);
    cit__build_fini(&b);
    assert_null(expr_program_holds(p));
    assert_int_equal(p->note_count, 3);
    assert_string_equal(p->notes[0].what, "first");
    assert_string_equal(p->notes[0].hint, "");
    assert_string_equal(p->notes[0].code, "ignored-tail");
    assert_string_equal(p->notes[1].what, "second");
    assert_string_equal(p->notes[2].what, "last");
    assert_string_equal(p->notes[2].hint, "h");
    assert_int_equal(p->notes[2].line, 2);
    assert_int_equal(p->notes[2].column, 2);
    cit_expr_free(p);
}

static void code_is_bounded(void **state)
{
    struct cit_expr_build b;
    struct cit_expr_error e;

    (void)state;
    cit__build_init(&b, CIT_SLICE_LIT(""), CIT_EXPR_A, &e);
    for (uint32_t i = 0; i < CIT_EXPR_CODE_MAX; i++)
        assert_int_equal(cit__build_emit(&b, (struct cit_expr_ins){ .arg = i }), i);
    assert_true(cit__build_ok(&b));
    emit(&b, CIT_EXPR_ADD, 0);
    assert_int_equal(b.status, CIT_ELIMIT);
    assert_int_equal(b.code.count, CIT_EXPR_CODE_MAX);
    cit__build_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_failure_stays_and_nothing_is_added_after_it),
        cmocka_unit_test(long_messages_end_at_a_whole_character),
        cmocka_unit_test(a_name_stands_once_however_many_there_are),
        cmocka_unit_test(the_deepest_stack_is_found_across_jumps),
        cmocka_unit_test(slices_move_into_the_program),
        cmocka_unit_test(a_long_shadow_is_from_the_heap),
        cmocka_unit_test(remarks_are_sorted_and_those_of_what_is_not_read_dropped),
        cmocka_unit_test(code_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
