/* tests/c/test_expr_strict.c - the strict dialect: what code a text becomes, what its author is told, where
 * it is wrong; bounds, pieces of texts at a guard page, failed allocations. */
#include "expr/strict.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "expr_props.h"
#include "guard.h"

/* ---- code ---- */

/* Instructions joined by blanks: constants as they stand, $names, operators, fn/count, [n] for a list of n,
 * and jumps with the number of the instruction they go to. */
static const struct {
    const char *text, *code;
} codes[] = {
    { "1", "1" },
    { "-1", "-1" },
    { "- 1", "-1" },
    { "--1", "-1 neg" },
    { "-(1)", "1 neg" },
    { "-a", "$a neg" },
    { "-1.5", "1.5 neg" },
    { "0", "0" },
    { "1e3", "1000" },
    { "'a'", "'a'" },
    { "\"a'\"", "'a''" },
    { "'\\x41\\u0042\\U00000043\\n\\\\'", "'ABC\n\\'" },
    { "'a\\tb' + 'c'", "'a\tb' 'c' +" },
    { "r'\\d'", "'\\d'" },
    { "r", "$r" },
    { "r 'a'", NULL },
    { "true", "true" },
    { "True", "true" },
    { "None", "null" },
    { "[]", "[0]" },
    { "[1, a, [2]]", "1 $a 2 [1] [3]" },
    { "$a", "$a" },
    { "$1a", "$1a" },
    { "$and", "$and" },
    { "andy", "$andy" },
    { "nota", "$nota" },
    { "inn in ina", "$inn $ina in" },
    { "a.b", "$a .b" },
    { "a.b.c", "$a .b .c" },
    { "a.true", "$a .true" },
    { "a.1", "$a .1" },
    { "a . b", "$a .b" },
    { "a\n.\tb", "$a .b" },
    { "a[0]", "$a 0 [ ]" },
    { "a[0][1].c['d']", "$a 0 [ ] 1 [ ] .c 'd' [ ]" },
    { "[1][0]", "1 [1] 0 [ ]" },
    { "(a)", "$a" },
    { "((a))", "$a" },
    /* levels */
    { "1 + 2 * 3", "1 2 3 * +" },
    { "1 * 2 + 3", "1 2 * 3 +" },
    { "(1 + 2) * 3", "1 2 + 3 *" },
    { "1 - 2 - 3", "1 2 - 3 -" },
    { "1 / 2 % 3 * 4", "1 2 / 3 % 4 *" },
    { "2 ^ 3 ^ 4", "2 3 4 ^ ^" },
    { "-2 ^ 2", "2 2 ^ neg" },
    { "2 ^ -2", "2 -2 ^" },
    { "2 ^ -a ^ 3", "2 $a 3 ^ neg ^" },
    { "-a.b", "$a .b neg" },
    { "-2[0]", "2 0 [ ] neg" },
    { "-a * b", "$a neg $b *" },
    { "a * -b", "$a $b neg *" },
    { "1 + 2 == 3", "1 2 + 3 ==" },
    { "a == b + 1", "$a $b 1 + ==" },
    { "a < b * 2", "$a $b 2 * <" },
    { "a <= b", "$a $b <=" },
    { "a>=b", "$a $b >=" },
    { "a!=b", "$a $b !=" },
    { "a in b", "$a $b in" },
    { "a not in b", "$a $b in not" },
    { "a not\nin b", "$a $b in not" },
    { "not a in b", "$a $b in not" },
    { "not a", "$a bool not" },
    { "not not a", "$a bool not not" },
    { "not a == b", "$a $b == not" },
    { "not (a and b)", "$a bool if-false:5 $b bool not" },
    /* conditions */
    { "a and b", "$a bool if-false:5 $b bool" },
    { "a or b", "$a bool if-true:5 $b bool" },
    { "a and b and c", "$a bool if-false:8 $b bool if-false:8 $c bool" },
    { "a or b and c", "$a bool if-true:8 $b bool if-false:8 $c bool" },
    { "a and b or c", "$a bool if-false:5 $b bool if-true:8 $c bool" },
    { "(a or b) and c", "$a bool if-true:5 $b bool if-false:8 $c bool" },
    { "a and (b or c)", "$a bool if-false:8 $b bool if-true:8 $c bool" },
    { "1 == 1 and 2 < 3", "1 1 == if-false:7 2 3 <" },
    { "not a or true", "$a bool not if-true:5 true" },
    { "a and not b == c", "$a bool if-false:7 $b $c == not" },
    /* calls */
    { "len(a)", "$a len/1" },
    { "len ( a )", "$a len/1" },
    { "round(a, 2)", "$a 2 round/2" },
    { "min(1, 2, 3)", "1 2 3 min/3" },
    { "exists(a) and a", "$a exists/1 if-false:5 $a bool" },
    { "contains(a, b) or startswith(a, b)", "$a $b contains/2 if-true:7 $a $b startswith/2" },
    { "if(a, b, c)", "$a bool unless:5 $b to:6 $c" },
    { "if(a == 1, b == 2, c == 3) and d", "$a 1 == unless:8 $b 2 == to:11 $c 3 == if-false:14 $d bool" },
    { "if(a, b == 2, c) and d", "$a bool unless:7 $b 2 == to:8 $c bool if-false:12 $d bool" },
    { "default(a, b)", "$a if-set:3 $b" },
    { "default(a, 1) + 2", "$a if-set:3 1 2 +" },
    { "matches(a, 'x')", "$a match'x'" },
    { "matches(a, 'x') and b", "$a match'x' if-false:5 $b bool" },
    { "lower(upper(a)) == 'x'", "$a upper/1 lower/1 'x' ==" },
    /* the same name twice is one name */
    { "a + $a + a", "$a $a + $a +" },
    { "h\xc3\xb8yde + \xd0\xb2", "$h\xc3\xb8yde $\xd0\xb2 +" },
};

static void say_const(char *to, size_t room, const struct cit_expr_const *c)
{
    if (c->kind == CIT_EXPR_NULL)
        (void)snprintf(to, room, "null");
    else if (c->kind == CIT_EXPR_BOOL)
        (void)snprintf(to, room, "%s", c->is_true ? "true" : "false");
    else if (c->kind == CIT_EXPR_FLOAT)
        (void)snprintf(to, room, "%g", c->num);
    else if (c->kind == CIT_EXPR_INT)
        (void)snprintf(to, room, "%.*s", CIT_SLICE_ARG(c->text));
    else
        (void)snprintf(to, room, "'%.*s'", CIT_SLICE_ARG(c->text));
}

static void say_jump(char *to, size_t room, const struct cit_expr_ins *ins)
{
    const char *word = ins->op == CIT_EXPR_JUMP_IF_FALSE  ? "if-false"
                       : ins->op == CIT_EXPR_JUMP_IF_TRUE ? "if-true"
                       : ins->op == CIT_EXPR_JUMP_IF_SET  ? "if-set"
                       : ins->op == CIT_EXPR_JUMP_UNLESS  ? "unless"
                                                          : "to";

    (void)snprintf(to, room, "%s:%u", word, ins->arg);
}

static void say_ins(char *to, size_t room, const struct cit_expr_program *p, const struct cit_expr_ins *ins)
{
    char text[100];

    if (ins->op == CIT_EXPR_CONST) {
        say_const(to, room, &p->consts[ins->arg]);
    } else if (ins->op == CIT_EXPR_MATCH) {
        say_const(text, sizeof text, &p->consts[ins->arg]);
        (void)snprintf(to, room, "match%s", text);
    } else if (ins->op == CIT_EXPR_VAR) {
        (void)snprintf(to, room, "$%.*s", CIT_SLICE_ARG(p->names[ins->arg]));
    } else if (ins->op == CIT_EXPR_FIELD) {
        (void)snprintf(to, room, ".%.*s", CIT_SLICE_ARG(p->consts[ins->arg].text));
    } else if (ins->op == CIT_EXPR_CALL_N) {
        (void)snprintf(to, room, "%s/%u", cit_expr_func_name((enum cit_expr_func)ins->arg), ins->count);
    } else if (ins->op == CIT_EXPR_LIST) {
        (void)snprintf(to, room, "[%u]", ins->count);
    } else if (ins->op == CIT_EXPR_NEG) {
        (void)snprintf(to, room, "neg");
    } else if (ins->op == CIT_EXPR_TO_BOOL) {
        (void)snprintf(to, room, "bool");
    } else if (expr_is_jump(ins->op)) {
        say_jump(to, room, ins);
    } else {
        (void)snprintf(to, room, "%s", cit_expr_op_sign((enum cit_expr_op)ins->op));
    }
}

static void say_code(char *to, size_t room, const struct cit_expr_program *p)
{
    size_t used = 0;

    to[0] = '\0';
    for (uint32_t i = 0; i < p->code_count; i++) {
        char one[120];

        say_ins(one, sizeof one, p, &p->code[i]);
        used += (size_t)snprintf(to + used, room - used, "%s%s", i > 0 ? " " : "", one);
        assert_true(used < room);
    }
}

static void texts_become_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct cit_expr_program *p = NULL;
        char code[2000] = "";
        int err = cit_expr_compile(cit_slice_str(codes[i].text), CIT_EXPR_STRICT, &p, NULL);

        if (err == CIT_OK)
            say_code(code, sizeof code, p);
        if (codes[i].code == NULL ? err != CIT_EPROTO : strcmp(code, codes[i].code) != 0)
            fail_msg("%s: %d %s", codes[i].text, err, code);
        if (p != NULL)
            assert_null(expr_program_holds(p));
        cit_expr_free(p);
    }
}

static void a_program_knows_its_names_once_in_order(void **state)
{
    static const char *const names[] = { "b", "a", "1x", "d" };
    struct cit_expr_program *p = NULL;

    (void)state;
    assert_int_equal(cit_expr_compile(CIT_SLICE_LIT("b + a.x + $b + $1x[d] + len(a)"), CIT_EXPR_STRICT, &p, NULL),
                     CIT_OK);
    assert_int_equal(p->name_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_true(cit_slice_eq(p->names[i], cit_slice_str(names[i])));
    assert_int_equal(p->end, p->text_chars);
    assert_int_equal(p->token_count, 0);
    assert_int_equal(p->dialect, CIT_EXPR_STRICT);
    cit_expr_free(p);
}

/* ---- places ---- */

static void instructions_know_where_they_stand(void **state)
{
    static const struct {
        const char *text;
        enum cit_expr_op op;
        uint32_t at;
    } places[] = {
        { "a + b", CIT_EXPR_ADD, 2 },
        { "a == b", CIT_EXPR_EQ, 2 },
        { "a not in b", CIT_EXPR_IN, 2 },
        { "a[1]", CIT_EXPR_ITEM, 1 },
        { "a.b", CIT_EXPR_FIELD, 1 },
        { "1 + len(a)", CIT_EXPR_CALL_N, 4 },
        { "b and (a)", CIT_EXPR_TO_BOOL, 0 },
        { "1 == 1 and (a)", CIT_EXPR_TO_BOOL, 11 },
        { "true and a + b", CIT_EXPR_TO_BOOL, 9 },
        { " not (a)", CIT_EXPR_TO_BOOL, 5 },
        { "if(a.b, 1, 2)", CIT_EXPR_TO_BOOL, 3 },
        { " -a", CIT_EXPR_NEG, 1 },
        { "[a, b]", CIT_EXPR_LIST, 0 },
        { "1 + matches(a, 'b')", CIT_EXPR_MATCH, 4 },
        { "a ^ b", CIT_EXPR_POW, 2 },
        { " not a", CIT_EXPR_NOT, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct cit_expr_program *p = NULL;
        bool found = false;

        assert_int_equal(cit_expr_compile(cit_slice_str(places[i].text), CIT_EXPR_STRICT, &p, NULL), CIT_OK);
        for (uint32_t k = 0; k < p->code_count && !found; k++) {
            if (p->code[k].op != places[i].op)
                continue;
            found = true;
            if (p->code[k].at != places[i].at)
                fail_msg("%s: %u", places[i].text, p->code[k].at);
        }
        assert_true(found);
        cit_expr_free(p);
    }
}

/* ---- hints ---- */

/* What is wrong and where: in tests/vectors/flow/strict_cases.jsonl.  Here what to write instead. */
static const struct {
    const char *text, *hint;
} hints[] = {
    { "a = 1", "write == to compare" },
    { "a === 1", "write == to compare" },
    { "a !== 1", "write != to compare" },
    { "a <> 1", "write !=" },
    { "a => 1", "write >=" },
    { "a =< 1", "write <=" },
    { "a & b", "write and" },
    { "a && b", "write and" },
    { "a | b", "write or" },
    { "a || b", "write or" },
    { "!a", "write not" },
    { "a ** 2", "write ^" },
    { "a // 2", "write floor(a / b)" },
    { "a ? b : c", "write if(condition, a, b)" },
    { "{1}", "a list is written [a, b]" },
    { "`a`", "a text stands in ' or \"" },
    { "a; b", "an expression is one value" },
    { "a \xc3\x97 b", "write *" },
    { "a \xc3\xb7 b", "write /" },
    { "a \xe2\x88\x92 b", "write -" },
    { "a \xe2\x80\x93 b", "write -" },
    { "a \xe2\x89\xa4 b", "write <=" },
    { "a \xe2\x89\xa5 b", "write >=" },
    { "a \xe2\x89\xa0 b", "write !=" },
    { "\xe2\x80\x9c"
      "a\xe2\x80\x9d",
      "a text stands in ' or \"" },
    { "\xc2\xab"
      "a\xc2\xbb",
      "a text stands in ' or \"" },
    { "a\xc2\xa0", "write a plain space" },
    { "\xef\xbb\xbf"
      "a",
      "write a plain space" },
    { "a AND b", "write and in small letters" },
    { "a OR b", "write or in small letters" },
    { "a IN b", "write in in small letters" },
    { "a is b", "write ==" },
    { "a mod b", "write %" },
    { "a like 'b'", "write contains(text, part) or matches(text, pattern)" },
    { "a b", "an operator is missing before it" },
    { "a)", "nothing is open that it could close" },
    { "1,5", "an expression is one value; a decimal number has a point" },
    { "a < b < c", "write a < b and b < c" },
    { "1 + not a", "write (not x)" },
    { "a not b", "write not in, or an operator before it" },
    { "(a", "a `)` is missing" },
    { "[a", "a `]` is missing" },
    { "a[1", "a `]` is missing" },
    { "max(1 2)", "values are separated by `,`" },
    { "(a AND b)", "write and in small letters" },
    { "+1", "a number has no + in front" },
    { ".5", "write 0 before it" },
    { "1.", "a number needs digits after its one point" },
    { "1_000", "leave the _ out" },
    { "5x", "a name does not begin with a digit; the variable is written $5x" },
    { "007", "leave the 0 out" },
    { "9223372036854775808", "with .0 behind it, it is a float" },
    { "'a", "it ends with the quote it begins with" },
    { "'\\d'", "write \\\\ for a backslash, or r'...' for a pattern" },
    { "'\\x'", "\\x takes 2, \\u 4 and \\U 8 of them" },
    { "'\\udc00'", "\\U takes the number of a whole character" },
    { "$", "write $name" },
    { "$len(a)", "a function is written without $" },
    { "matches(a, b)", "write r'...'" },
    { "rond(1)", "did you mean round?" },
    { "ROUND(1)", "did you mean round?" },
    { "sine(1)", "did you mean sin?" },
    { "lenght(a)", "did you mean len?" },
    { "length(a)", "did you mean len?" },
    { "int(a)", "did you mean trunc?" },
    { "strip(a)", "did you mean trim?" },
    { "coalesce(a, b)", "did you mean default?" },
    { "starts_with(a, b)", "did you mean startswith?" },
    { "exist(a)", "did you mean exists?" },
    { "mtaches(a, 'b')", "did you mean matches?" },
    { "foo(1)", "" },
    { "xyz(1)", "" },
    { "averyveryverylongfunctionname(1)", "" },
    { "1 +", "" },
    { "\xff", "expressions are UTF-8" },
    { "'\xc0\x80'", "expressions are UTF-8" },
    { "'\xed'", "expressions are UTF-8" },
};

static void errors_say_what_to_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        struct cit_expr_program *p = NULL;
        struct cit_expr_error e;

        if (cit_expr_compile(cit_slice_str(hints[i].text), CIT_EXPR_STRICT, &p, &e) != CIT_EPROTO)
            fail_msg("%s compiles", hints[i].text);
        if (strcmp(e.hint, hints[i].hint) != 0)
            fail_msg("%s: %s | %s", hints[i].text, e.what, e.hint);
    }
}

static void every_failure_has_a_place_in_the_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        struct cit_expr_program *p = NULL;
        struct cit_expr_error e;

        assert_int_equal(cit_expr_compile(cit_slice_str(hints[i].text), CIT_EXPR_STRICT, &p, &e), CIT_EPROTO);
        assert_true(e.at <= strlen(hints[i].text));
        assert_true(e.line >= 1 && e.column >= 1 && e.what[0] != '\0');
        assert_null(p);
    }
}

/* ---- remarks ---- */

static const struct {
    const char *text, *code; /* of the first one; NULL: there is none */
    uint32_t at;
} remarks[] = {
    { "true and a", "constant-condition", 0 },
    { "a or 'x'", "constant-condition", 5 },
    { "not 5", "constant-condition", 4 },
    { "not -5", "constant-condition", 4 },
    { "if(null, 1, 2)", "constant-condition", 3 },
    { "a and b", NULL, 0 },
    { "if(a, 1, 2)", NULL, 0 },
    { "null < 5", "null-ordered", 5 },
    { "a >= null", "null-ordered", 2 },
    { "a == null", NULL, 0 },
    { "True == a", "python-spelling", 0 },
    { "a == None", "python-spelling", 5 },
    { "TRUE == a", "word-as-name", 0 },
    { "a == nil", "word-as-name", 5 },
    { "AND", "word-as-name", 0 },
    { "none", "word-as-name", 0 },
    { "$none", NULL, 0 },
    { "matches(a, '(a+)+')", "slow-pattern", 11 },
    { "matches(a, '(?:a*b)*')", "slow-pattern", 11 },
    { "matches(a, '((a|b)+c)+')", "slow-pattern", 11 },
    { "matches(a, '(a{2,}b){3,}')", "slow-pattern", 11 },
    { "matches(a, '(a+)?')", NULL, 0 },
    { "matches(a, '(a{1,3})+')", NULL, 0 },
    { "matches(a, '([a+]b)+')", NULL, 0 },
    { "matches(a, r'(\\+b)+')", NULL, 0 },
    { "matches(a, 'a+b*')", NULL, 0 },
    { "matches(a, '[')", NULL, 0 },
    { "matches(a, ')+')", NULL, 0 },
};

static void remarks_are_made_where_they_apply(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof remarks / sizeof remarks[0]; i++) {
        struct cit_expr_program *p = NULL;

        assert_int_equal(cit_expr_compile(cit_slice_str(remarks[i].text), CIT_EXPR_STRICT, &p, NULL), CIT_OK);
        if (p->note_count != (remarks[i].code != NULL))
            fail_msg("%s: %u remarks", remarks[i].text, p->note_count);
        if (p->note_count > 0) {
            assert_string_equal(p->notes[0].code, remarks[i].code);
            assert_int_equal(p->notes[0].at, remarks[i].at);
            assert_int_equal(p->notes[0].line, 1);
            assert_int_equal(p->notes[0].column, remarks[i].at + 1);
        }
        cit_expr_free(p);
    }
}

static void many_groups_are_slow_unseen(void **state)
{
    char text[400] = "matches(a, '";
    struct cit_expr_program *p = NULL;

    (void)state;
    memset(text + 12, '(', 100);
    memset(text + 112, ')', 100);
    memcpy(text + 212, "')", 3);
    assert_int_equal(cit_expr_compile(cit_slice_str(text), CIT_EXPR_STRICT, &p, NULL), CIT_OK);
    assert_string_equal(p->notes[0].code, "slow-pattern");
    cit_expr_free(p);
}

/* ---- bounds ---- */

static char *repeated(const char *part, size_t times, const char *end)
{
    size_t n = strlen(part);
    char *text = malloc(n * times + strlen(end) + 1);

    assert_non_null(text);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * n, part, n);
    memcpy(text + n * times, end, strlen(end) + 1);
    return text;
}

static int compile_repeated(const char *part, size_t times, const char *end)
{
    char *text = repeated(part, times, end);
    struct cit_expr_program *p = NULL;
    int err = cit_expr_compile(cit_slice_str(text), CIT_EXPR_STRICT, &p, NULL);

    cit_expr_free(p);
    free(text);
    return err;
}

static void depth_is_bounded_whatever_is_nested(void **state)
{
    static const char *const parts[] = { "(",    "[",  "-",   "not ",        "2^",       "a[",
                                         "len(", "-(", "if(", "default(1, ", "max(1, -[" };

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_int_equal(compile_repeated(parts[i], CIT_EXPR_DEPTH_MAX + 1, "1"), CIT_ELIMIT);
        assert_int_equal(compile_repeated(parts[i], CIT_EXPR_TEXT_MAX / 10, "1"), CIT_ELIMIT);
    }
    assert_int_equal(compile_repeated("-", CIT_EXPR_DEPTH_MAX, "1"), CIT_OK);
    assert_int_equal(compile_repeated("not ", CIT_EXPR_DEPTH_MAX, "a"), CIT_OK);
    assert_int_equal(compile_repeated("2^", CIT_EXPR_DEPTH_MAX, "1"), CIT_OK);
}

static void length_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(compile_repeated("1+", CIT_EXPR_CODE_MAX / 2 - 1, "1"), CIT_OK);
    assert_int_equal(compile_repeated("1+", CIT_EXPR_CODE_MAX / 2 + 1, "1"), CIT_ELIMIT);
    assert_int_equal(compile_repeated("a and ", CIT_EXPR_CODE_MAX / 4, "a"), CIT_OK);
    assert_int_equal(compile_repeated("a or ", CIT_EXPR_CODE_MAX / 3 + 10, "a"), CIT_ELIMIT);
    assert_int_equal(compile_repeated(" ", CIT_EXPR_TEXT_MAX, "1"), CIT_ELIMIT);
    assert_int_equal(compile_repeated(" ", CIT_EXPR_TEXT_MAX - 1, "1"), CIT_OK);
    assert_int_equal(compile_repeated("x", CIT_EXPR_TEXT_MAX, ""), CIT_OK);
}

/* ---- texts that end early ---- */

static void check_piece(const char *p, size_t n)
{
    const char *wrong = expr_holds(cit_slice(p, n), CIT_EXPR_STRICT);

    if (wrong != NULL)
        fail_msg("%.*s: %s", (int)n, p, wrong);
}

/* Lines of JSON are as good as any: texts with everything in them. */
static void pieces_of_texts_are_not_read_past_their_end(void **state)
{
    FILE *file = fopen("tests/vectors/flow/strict_cases.jsonl", "r");
    char line[8192];
    struct guard g = { 0 };
    unsigned lines = 0;

    (void)state;
    assert_non_null(file);
    assert_true(guard_init(&g, sizeof line));
    while (fgets(line, sizeof line, file) != NULL) {
        const char *from = strstr(line, "\"e\": \"");
        const char *to = from != NULL ? strstr(from + 6, "\", \"") : NULL;
        size_t n = to != NULL ? (size_t)(to - from) - 6 : 0;

        lines++;
        if (n > 120)
            n = 120;
        for (size_t i = 0; i <= n && from != NULL; i++) {
            check_piece(guard_put(&g, from + 6, i), i);
        }
    }
    (void)fclose(file);
    guard_fini(&g);
    assert_true(lines > 600);
}

static void one_byte_anywhere_changes_no_promise(void **state)
{
    static const char text[] = "if(a.b[0] >= 1.5e3 and not 'x\\n' in [c, -1], len(r'\\d'), $d ^ 2)";
    char copy[sizeof text];

    (void)state;
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        for (int c = 0; c < 256; c++) {
            memcpy(copy, text, sizeof text);
            copy[i] = (char)c;
            check_piece(copy, sizeof text - 1);
        }
    }
}

/* ---- memory ---- */

static void without_memory_nothing_is_made(void **state)
{
    static const char *const texts[] = {
        "a + 1",
        "'\\n' + True and matches(TRUE, '(a+)+')",
        "[a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z] == 'a long text with one escape at its end, so that the "
        "shadow does not fit in the build: more than a hundred and twenty-eight bytes \\\\'",
        "rond(1)",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct cit_expr_program *p = NULL;
        struct cit_expr_error e;
        int wanted = cit_expr_compile(cit_slice_str(texts[i]), CIT_EXPR_STRICT, &p, &e);
        int err = CIT_ENOMEM;

        cit_expr_free(p);
        for (unsigned long n = 1; err == CIT_ENOMEM; n++) {
            p = NULL;
            cit_mem_fail_at(n);
            err = cit_expr_compile(cit_slice_str(texts[i]), CIT_EXPR_STRICT, &p, &e);
            cit_mem_fail_at(0);
            if (err == CIT_ENOMEM) {
                assert_null(p);
                assert_string_equal(e.what, "out of memory");
            }
            assert_true(n < 100);
        }
        assert_int_equal(err, wanted);
        cit_expr_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_code),
        cmocka_unit_test(a_program_knows_its_names_once_in_order),
        cmocka_unit_test(instructions_know_where_they_stand),
        cmocka_unit_test(errors_say_what_to_write),
        cmocka_unit_test(every_failure_has_a_place_in_the_text),
        cmocka_unit_test(remarks_are_made_where_they_apply),
        cmocka_unit_test(many_groups_are_slow_unseen),
        cmocka_unit_test(depth_is_bounded_whatever_is_nested),
        cmocka_unit_test(length_is_bounded),
        cmocka_unit_test(pieces_of_texts_are_not_read_past_their_end),
        cmocka_unit_test(one_byte_anywhere_changes_no_promise),
        cmocka_unit_test(without_memory_nothing_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
