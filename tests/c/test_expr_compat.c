/* tests/c/test_expr_compat.c - the compat dialects: which tokens a text leaves, where it ends, what the
 * author is told; bounds, pieces of texts at a guard page, failed allocations. */
#include "expr/compat.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "expr_props.h"
#include "guard.h"

#define BOTH 2 /* in a vector: dialects A and B */

/* Tokens are joined by '|', a list is [a,b]; end -1: the text does not match. */
struct vector {
    int dialect;
    const char *text, *tokens;
    int end;
};

static const struct vector vectors[] = {
    /* numbers */
    { BOTH, "9", "9", 1 },
    { BOTH, "+4", "+4", 2 },
    { BOTH, "1.", "1.", 2 },
    { BOTH, "1.5.5", "1.5", 3 },
    { BOTH, ".5", "", -1 },
    { BOTH, "6.02e23", "6.02E23", 7 },
    { BOTH, "2E-2", "2E-2", 4 },
    { BOTH, "2e+", "2E+", 3 },
    { BOTH, "2e", "2", 1 },
    { BOTH, "0x10", "0", 1 },
    { BOTH, "1 000", "1", 2 },
    { BOTH, "+", "+", 1 },
    { BOTH, "--9", "-9|unary -", 3 },
    { BOTH, "---9", "-|unary -|9|-", 4 },
    { BOTH, "-- 9", "-|unary -", 3 },
    { BOTH, "1e5", "1E5", 3 },
    { BOTH, "\xef\xbc\x92", "", -1 }, /* a wide digit */
    /* constants have no word boundary */
    { BOTH, "PI", "PI", 2 },
    { BOTH, "pIe", "PI", 2 },
    { BOTH, "p\xc4\xb1", "PI", 2 }, /* dotless i */
    { BOTH, "p", "", -1 },
    { BOTH, "exp(1)", "E", 1 },
    { BOTH, "period", "", -1 },
    { BOTH, "-PI", "PI|unary -", 3 },
    { BOTH, "--e", "-|unary -", 2 },
    /* functions */
    { BOTH, "sin ( 0 ) ", "0|sin", 10 },
    { BOTH, "foo(3)", "3|foo", 6 },
    { BOTH, "a_b$c(1)", "1|a_b$c", 8 },
    { BOTH, "in(1)", "1|in", 5 },
    { BOTH, "True(5)", "5|True", 7 },
    { BOTH, "True(5 6)", "5|True", 4 },
    { BOTH, "sin()", "", -1 },
    { BOTH, "sin(1,2)", "1", -1 },
    { BOTH, "-sin(0)", "0|sin|unary -", 7 },
    /* texts */
    { BOTH, "\"\"", "", 2 },
    { BOTH, "'it''s'", "it''s", 7 },
    { BOTH, "\"abc\"\"", "", -1 },
    { BOTH, "'a\\'b'", "a\\'b", 6 },
    { BOTH, "'a\\'", "", -1 },
    { BOTH, "'\\x4g'", "\\x4g", 6 },
    { BOTH, "'\\xg'", "", -1 },
    { BOTH, "'\\\n'", "\\\n", 4 },
    { BOTH, "'a\nb'", "", -1 },
    { BOTH, "'a\rb'", "", -1 },
    { BOTH, "'\\\xc3\xa9'", "\\\xc3\xa9", 4 },
    { BOTH, "'-'", "-|unary -", 3 },
    { CIT_EXPR_A, "'!'", "!", 3 },
    { CIT_EXPR_B, "'!'", "!|!", 3 },
    { BOTH, "\t'a\tb'", "a      b", 18 },
    { BOTH, "\n\t'\xc3\xa9\tb'", "\xc3\xa9      b", 19 },
    /* variables */
    { BOTH, "$1x", "$1x", 3 },
    { BOTH, "$ a", "", -1 },
    { BOTH, "$\xc3\xa9", "", -1 },
    { BOTH, "$h\xc3\xb8yde", "$h", 2 },
    { BOTH, "$a$b", "$a", 2 },
    { BOTH, "-$a", "", -1 },
    { BOTH, "--$a", "-|unary -", 2 },
    { CIT_EXPR_A, "$arr[1]", "$arr", 4 },
    { CIT_EXPR_B, "$arr [ 1 ]", "1|$arr|var idx", 10 },
    { CIT_EXPR_B, "$a[$b[0]] + 1", "0|$b|var idx|$a|var idx|1|+", 13 },
    { CIT_EXPR_B, "$l[0", "0|$l", 2 },
    { CIT_EXPR_B, "5 == $arr[0 1", "5|0|$arr|==", 9 },
    { CIT_EXPR_B, "$arr[]", "$arr", 4 },
    { CIT_EXPR_B, "$a[1 == 2 3] + 1", "1|2|==|$a", 2 },
    /* keywords */
    { BOTH, "True", "True", 4 },
    { BOTH, "Trueish", "", -1 },
    { BOTH, "Tru", "", -1 },
    { BOTH, "True$", "", -1 },
    { BOTH, "True\xc3\xa9", "True", 4 },
    { BOTH, "None==False", "None|False|==", 11 },
    { BOTH, "TrueFalse", "", -1 },
    { BOTH, "1 inn [1]", "1", 2 },
    { BOTH, "1in [1]", "1", 1 },
    { BOTH, "1 in[1]", "1|[1]|in", 7 },
    /* lists */
    { BOTH, "[]", "[]", 2 },
    { BOTH, "[ 1e3 , -2.5 ,'a''b',$x,True, +]", "[1E3,-2.5,a''b,$x,True,+]", 32 },
    { BOTH, "[1,]", "", -1 },
    { BOTH, "[,1]", "", -1 },
    { BOTH, "[[1]]", "", -1 },
    { BOTH, "[None]", "", -1 },
    { BOTH, "[PI]", "", -1 },
    { BOTH, "['a' 'b']", "", -1 },
    { BOTH, "'a' in ['a' 1", "a", 4 },
    { BOTH, "['a", "", -1 },
    /* negation */
    { CIT_EXPR_A, "!(True)", "", -1 },
    { CIT_EXPR_B, "! (1 == 2)", "1|2|==|!", 10 },
    { BOTH, "!True", "", -1 },
    { CIT_EXPR_B, "!(1", "1", -1 },
    { BOTH, "-(1 + 2)", "", -1 },
    /* order: comparisons bind tighter than arithmetic */
    { BOTH, "2 + 3 * 4", "2|3|4|*|+", 9 },
    { BOTH, "9 - 12 - 6", "9|12|-|6|-", 10 },
    { BOTH, "2 ^ 3 ^ 2", "2|3|2|^|^", 9 },
    { BOTH, "-2^2", "2|unary -|2|^", 4 },
    { BOTH, "2 * 3 ^ 2", "2|3|2|^|*", 9 },
    { BOTH, "1 + 2 * 3 == 7", "1|2|3|7|==|*|+", 14 },
    { BOTH, "6 == 2 * 3", "6|2|==|3|*", 10 },
    { BOTH, "1 == 1 & 2 == 2", "1|1|==|2|&|2|==", 15 },
    { BOTH, "1<=2>=3!=4", "1|2|<=|3|>=|4|!=", 10 },
    { BOTH, "1 % 2 / 3", "1|2|%|3|/", 9 },
    { BOTH, "1 | 2 > 3 < 4", "1|2|||3|>|4|<", 13 },
    { BOTH, "1++1", "1|+1|+", 4 },
    { BOTH, "1 - - 1", "1|1|unary -|-", 7 },
    /* ends: blanks behind are used, an operator without an operand is not */
    { BOTH, "9  \r\n ", "9", 6 },
    { BOTH, "1 + ", "1", 2 },
    { BOTH, "1 == ", "1", 2 },
    { BOTH, "1 \xc2\xa0+ 2", "1", 2 },
    { BOTH, "1\f+ 2", "1", 1 },
    { BOTH, "$a = 5", "$a", 3 },
    { BOTH, "1 <> 2", "1", 2 },
    { BOTH, "$a == 1 or $b == 9", "$a|1|==", 8 },
    { BOTH, "", "", -1 },
    { BOTH, " \t\n", "", -1 },
    { BOTH, "()", "", -1 },
    { BOTH, "hello", "", -1 },
    /* what an operand pushed before it broke off stays */
    { BOTH, "2 * (3 4)", "2|3", 2 },
    { BOTH, "1 + 2 * (3 4)", "1|2|3|+", 6 },
    { BOTH, "5 + abs(1 2)", "5|1", 2 },
    { BOTH, "1 & (2", "1|2", 2 },
    { BOTH, "(1 2", "1", -1 },
    { BOTH, "5 * - 3", "5|3|unary -|*", 7 },
    /* and is pushed again for each '^' before it: its operand is a factor itself */
    { BOTH, "2 ^ 3 ^ (4 5", "2|3|4|^|4", 6 },
    { BOTH, "1 + 2 ^ 3 ^ (4 5", "1|2|3|4|^|4|+", 10 },
    { BOTH, "1 ^ 2 ^ 3 ^ (4 5", "1|2|3|4|^|4|^|4", 10 },
};

/* ---- tokens ---- */

static void join_list_items(struct cit_buf *b, const struct cit_expr_program *p, const struct cit_expr_token *t)
{
    assert_int_equal(cit_buf_add_str(b, "["), CIT_OK);
    for (uint32_t k = 0; k < t->count; k++) {
        assert_int_equal(cit_buf_add_str(b, k > 0 ? "," : ""), CIT_OK);
        assert_int_equal(cit_buf_add_slice(b, p->items[t->first + k]), CIT_OK);
    }
    assert_int_equal(cit_buf_add_str(b, "]"), CIT_OK);
}

static void join_token_texts(struct cit_buf *b, const struct cit_expr_program *p)
{
    for (uint32_t i = 0; i < p->token_count; i++) {
        assert_int_equal(cit_buf_add_str(b, i > 0 ? "|" : ""), CIT_OK);
        if (p->tokens[i].is_list)
            join_list_items(b, p, &p->tokens[i]);
        else
            assert_int_equal(cit_buf_add_slice(b, p->tokens[i].text), CIT_OK);
    }
}

static void check_vector(const struct vector *v, enum cit_expr_dialect dialect)
{
    struct cit_expr_program *p = NULL;
    struct cit_expr_error e = { 0 };
    struct cit_buf b;
    bool is_right;

    assert_int_equal(cit_expr_tokenize(cit_slice_str(v->text), dialect, &p, &e), CIT_OK);
    cit_buf_init(&b, 10000);
    join_token_texts(&b, p);
    is_right = cit_slice_eq(cit_slice(b.p, b.len), cit_slice_str(v->tokens)) &&
               (v->end < 0 ? e.err == CIT_EPROTO && p->end == 0 : e.err == 0 && p->end == (uint32_t)v->end);
    if (!is_right)
        fail_msg("%s, dialect %d: %.*s, end %u, error %d", v->text, (int)dialect, CIT_SLICE_ARG(cit_slice(b.p, b.len)),
                 p->end, e.err);
    assert_null(expr_program_holds(p));
    cit_buf_fini(&b);
    cit_expr_free(p);
}

static void every_text_leaves_its_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        if (vectors[i].dialect != CIT_EXPR_B)
            check_vector(&vectors[i], CIT_EXPR_A);
        if (vectors[i].dialect != CIT_EXPR_A)
            check_vector(&vectors[i], CIT_EXPR_B);
    }
}

static void compiling_and_tokenizing_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        enum cit_expr_dialect dialect = v->dialect == CIT_EXPR_A ? CIT_EXPR_A : CIT_EXPR_B;
        struct cit_expr_program *p = NULL;
        struct cit_expr_error e;
        int result = cit_expr_compile(cit_slice_str(v->text), dialect, &p, &e);

        assert_int_equal(result, v->end < 0 ? CIT_EPROTO : CIT_OK);
        if (result == CIT_OK)
            assert_null(expr_program_holds(p));
        else
            assert_null(p);
        cit_expr_free(p);
    }
}

/* Every beginning of every text, at the end of readable memory, in both dialects. */
static void nothing_is_read_behind_the_text(void **state)
{
    struct guard g = { 0 };

    (void)state;
    assert_true(guard_init(&g, 200));
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        for (size_t n = 0; n <= strlen(vectors[i].text); n++)
            for (int dialect = CIT_EXPR_A; dialect <= CIT_EXPR_B; dialect++) {
                struct cit_slice text = cit_slice(guard_put(&g, vectors[i].text, n), n);

                assert_null(expr_holds(text, (enum cit_expr_dialect)dialect));
            }
    guard_fini(&g);
}

static void places_of_tokens_are_those_of_their_first_byte(void **state)
{
    static const uint32_t at[] = { 5, 2, 4, 11, 10, 15, 13, 8 }; /* 1 $a [ 2 - ' ^ + */
    struct cit_expr_program *p;

    (void)state;
    assert_int_equal(cit_expr_compile(CIT_SLICE_LIT("  $a[1] + -2 ^ ' 7 '"), CIT_EXPR_B, &p, NULL), CIT_OK);
    assert_int_equal(p->token_count, 8);
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(p->tokens[i].at, at[i]);
    cit_expr_free(p);
}

/* ---- remarks ---- */

struct remark {
    const char *text, *codes; /* codes joined by a blank, in the order of their places */
};

static const struct remark remarks[] = {
    { "($a == 1) & ($b == 2)", "" },
    { "$a == 1 & $b == 2", "logic-beside-comparison" },
    { "True | $a > 3", "logic-beside-comparison" },
    { "$a == 1 | $b", "logic-beside-comparison" },
    { "($a == 1) | $b | $c", "" },
    { "1 < $x < 3", "chained-comparison" },
    { "$x > 3 == True", "" },
    { "$a + 1 > 5", "arithmetic-beside-comparison" },
    { "6 == 2 * 3", "arithmetic-beside-comparison" },
    { "1 + 2 * 3 == 7", "arithmetic-beside-comparison" },
    { "($a + 1) > 5", "" },
    { "$a + ($b > 5)", "" },
    { "2 ^ 2 == 4", "" },
    { "$x in [1, $a]", "variable-in-list" },
    { "$x == [1]", "list-operand" },
    { "$x + [1]", "list-operand" },
    { "$x == []", "" },
    { "[1] == $x", "" },
    { "$x == 'E'", "string-is-code" },
    { "$x == 'True'", "string-is-code" },
    { "'$a'", "string-is-code" },
    { "$x == 'sin'", "no-operand string-is-code" },
    { "$x == 'e'", "" },
    { "'it''s'", "escape-kept" },
    { "\"a\\nb\"", "escape-kept" },
    { "\"it's\"", "" },
    { "foo(3)", "unknown-function" },
    { "Sin(3)", "unknown-function" },
    { "sin(3) + cos(3) + tan(3) + abs(3) + trunc(3) + round(3) + sign(3)", "" },
    { "str(3)", "" },
    { "enabled", "accidental-constant ignored-tail" },
    { "PIe", "accidental-constant ignored-tail" },
    { "e + pi", "" },
    { "exp(1)", "accidental-constant ignored-tail" },
    { "'+'", "string-is-code no-operand" },
    { "5 + abs(1 2)", "leftover ignored-tail" },
    { "$a == 1 or $b", "ignored-tail" },
    { "1 + (enabled", "leftover ignored-tail" },
    { "1 + ($a in [$b] + ", "leftover ignored-tail" },
    { "9   ", "" },
};

static void check_remarks(const struct remark *r)
{
    struct cit_expr_program *p = NULL;
    char codes[200] = "";

    assert_int_equal(cit_expr_compile(cit_slice_str(r->text), CIT_EXPR_B, &p, NULL), CIT_OK);
    assert_null(expr_program_holds(p));
    for (uint32_t i = 0; i < p->note_count; i++) {
        size_t n = strlen(codes);

        (void)snprintf(codes + n, sizeof codes - n, "%s%s", n > 0 ? " " : "", p->notes[i].code);
        assert_true(strlen(p->notes[i].hint) > 0);
    }
    cit_expr_free(p);
    if (strcmp(codes, r->codes) != 0)
        fail_msg("%s: %s instead of %s", r->text, codes, r->codes);
}

static void authors_are_told_what_they_hardly_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof remarks / sizeof remarks[0]; i++)
        check_remarks(&remarks[i]);
}

/* The line, column and words of the only remark on a text. */
static void check_told(const char *text, uint32_t line, uint32_t column, const char *what, const char *hint)
{
    struct cit_expr_program *p = NULL;

    assert_int_equal(cit_expr_compile(cit_slice_str(text), CIT_EXPR_B, &p, NULL), CIT_OK);
    assert_int_equal(p->note_count, 1);
    assert_int_equal(p->notes[0].line, line);
    assert_int_equal(p->notes[0].column, column);
    assert_string_equal(p->notes[0].what, what);
    assert_non_null(strstr(p->notes[0].hint, hint));
    cit_expr_free(p);
}

static void an_ignored_tail_is_explained(void **state)
{
    (void)state;
    check_told("$a == 1 or $b == 9", 1, 9, "`or $b == 9` is not read", "`or` is written `|`");
    check_told("($a == 1)\nAND ($b == 9)", 2, 1, "`AND ($b == 9)` is not read", "`and` is written `&`");
    check_told("$a = 5", 1, 4, "`= 5` is not read", "`==`");
    check_told("'\xc3\xa9' <> 2", 1, 5, "`<> 2` is not read", "`!=`");
    check_told("$s == hello", 1, 4, "`== hello` is not read: a value is expected, not `hello`", "quotes");
    check_told("5 * -$x", 1, 3,
               "`* -$x` is not read: after `-` a number, a constant or a function is expected, not `$x`", "0 -");
    check_told("1 in [1,2", 1, 3, "`in [1,2` is not read: `,` or `]` is expected in a list at the end", "lists are");
    check_told("$a IN [1]", 1, 4, "`IN [1]` is not read", "small letters");
    check_told("$h\xc3\xb8yde", 1, 3, "`\xc3\xb8yde` is not read", "names have only");
    check_told("not(1)\n", 1, 1,
               "there is no function `not`: its name is the value, what is in the parentheses is lost",
               "functions are");
    check_told("1)", 1, 2, "`)` is not read", "no parenthesis is open");
    check_told("'it's", 1, 5, "`s` is not read", "the other way round");
}

static void check_failure(const char *text, uint32_t line, uint32_t column, const char *what, const char *hint)
{
    struct cit_expr_program *p = NULL;
    struct cit_expr_error e;

    assert_int_equal(cit_expr_compile(cit_slice_str(text), CIT_EXPR_B, &p, &e), CIT_EPROTO);
    assert_null(p);
    assert_int_equal(e.err, CIT_EPROTO);
    assert_int_equal(e.line, line);
    assert_int_equal(e.column, column);
    assert_string_equal(e.what, what);
    assert_non_null(strstr(e.hint, hint));
}

static void a_failure_tells_place_reason_and_remedy(void **state)
{
    (void)state;
    check_failure("", 1, 1, "a value is expected at the end", "complete");
    check_failure("(1 +\r\n 2 3)", 2, 4, "an operator or `)` is expected, not `3`", "an operator is missing");
    check_failure("-$x", 1, 2, "after `-` a number, a constant or a function is expected, not `$x`", "0 -");
    check_failure("hello world", 1, 1, "a value is expected, not `hello`", "texts stand in quotes");
    check_failure("true", 1, 1, "a value is expected, not `true`", "`True`");
    check_failure("('\xc3\xa9' == \"abc)", 1, 9, "the text that begins here has no closing quote",
                  "the other way round");
    check_failure("\"abc", 1, 1, "the text that begins here has no closing quote", "the other way round");
    check_failure("$ a", 1, 2, "after `$` a name of letters A-Z, digits and _ is expected, not ` `", "$name");
    check_failure("[1, [2]]", 1, 5, "a number, text, variable, True or False is expected in a list, not `[`",
                  "no lists");
    check_failure("!$a", 1, 1, "a value is expected, not `!`", "!( ... )");
}

static void remarks_are_bounded(void **state)
{
    char text[CIT__NOTES_MAX * 8 + 1] = "";
    struct cit_expr_program *p = NULL;

    (void)state;
    for (int i = 0; i < CIT__NOTES_MAX * 2; i++)
        memcpy(text + i * 4, i % 2 ? "'E'+" : "'E'*", 5);
    text[CIT__NOTES_MAX * 8 - 1] = '\0';
    assert_int_equal(cit_expr_compile(cit_slice_str(text), CIT_EXPR_B, &p, NULL), CIT_OK);
    assert_int_equal(p->note_count, CIT__NOTES_MAX);
    cit_expr_free(p);
}

/* ---- bounds ---- */

static char *repeat(const char *head, const char *piece, size_t count, const char *tail)
{
    size_t n = strlen(piece), used = strlen(head);
    char *text = malloc(used + count * n + strlen(tail) + 1);

    assert_non_null(text);
    memcpy(text, head, used);
    for (size_t i = 0; i < count; i++, used += n)
        memcpy(text + used, piece, n);
    memcpy(text + used, tail, strlen(tail) + 1);
    return text;
}

/* Compiles `count` pieces between head and tail, and frees them. */
static int compile_many(const char *head, const char *piece, size_t count, const char *tail)
{
    char *text = repeat(head, piece, count, tail);
    struct cit_expr_program *p = NULL;
    struct cit_expr_error e;
    int result = cit_expr_compile(cit_slice_str(text), CIT_EXPR_B, &p, &e);

    if (result == CIT_OK)
        assert_null(expr_program_holds(p));
    else
        assert_null(expr_error_holds(&e, strlen(text), result));
    cit_expr_free(p);
    free(text);
    return result;
}

static void long_chains_need_no_recursion(void **state)
{
    (void)state;
    assert_int_equal(compile_many("1", "+1", 10000, ""), CIT_OK);
    assert_int_equal(compile_many("$a", " == $a", 9000, ""), CIT_OK);
    assert_int_equal(compile_many("1", "+1", 20000, ""), CIT_ELIMIT);
    assert_int_equal(compile_many("1", "+1", CIT_EXPR_TEXT_MAX, ""), CIT_ELIMIT);
    assert_int_equal(compile_many("1", " ", CIT_EXPR_TEXT_MAX - 1, ""), CIT_OK);
    assert_int_equal(compile_many("1", " ", CIT_EXPR_TEXT_MAX, ""), CIT_ELIMIT);
    assert_int_equal(compile_many("1", "\t", CIT_EXPR_TEXT_MAX / 8 + 1, ""), CIT_ELIMIT);
    assert_int_equal(compile_many("1", "\t", CIT_EXPR_TEXT_MAX / 8, ""), CIT_OK);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(compile_many("", "(", CIT_EXPR_DEPTH_MAX, "1"), CIT_EPROTO);
    assert_int_equal(compile_many("", "(", CIT_EXPR_DEPTH_MAX + 1, "1"), CIT_ELIMIT);
    assert_int_equal(compile_many("", "(", 60000, ""), CIT_ELIMIT);
    assert_int_equal(compile_many("", "sin(", 10000, ""), CIT_ELIMIT);
    assert_int_equal(compile_many("", "$a[", 10000, ""), CIT_ELIMIT);
    assert_int_equal(compile_many("", "!(", 10000, ""), CIT_ELIMIT);
    assert_int_equal(compile_many("1", "^1", CIT_EXPR_DEPTH_MAX, ""), CIT_OK);
    assert_int_equal(compile_many("1", "^1", CIT_EXPR_DEPTH_MAX + 1, ""), CIT_ELIMIT);
}

/* What breaks off behind n times '^' is read n times, and inside it again. */
static void repeated_reading_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(compile_many("", "1^1^1^(", 45, ""), CIT_ELIMIT);
    assert_int_equal(compile_many("1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^('", "a", 60000, ""),
                     CIT_ELIMIT);
    assert_int_equal(compile_many("1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^(", " ", 60000, ""),
                     CIT_ELIMIT);
    assert_int_equal(compile_many("1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^(1^1^1^([", "1,", 30000, ""),
                     CIT_ELIMIT);
    assert_int_equal(compile_many("1^1^(1^1^(1^1^(", "1^1^(", 3, "2"), CIT_OK);
}

/* ---- memory ---- */

/* Tabs, exponents, lists, remarks, and more of everything than the build has room for at first. */
static char *rich_text(void)
{
    struct cit_buf b;

    cit_buf_init(&b, 10000);
    for (int i = 0; i < 40; i++)
        assert_int_equal(cit_buf_printf(&b, "($v%d\t== %de3) & ('E' in [1e1, 'a', $x]) | ", i, i), CIT_OK);
    assert_int_equal(cit_buf_add(&b, "$last or", sizeof "$last or"), CIT_OK);
    return b.p; /* owned by the caller */
}

static void check_one_failure(const char *text, unsigned long at, bool *is_over)
{
    struct cit_expr_program *p = NULL;
    struct cit_expr_error e = { 0 };
    int result;

    cit_mem_fail_at(at);
    result = cit_expr_compile(cit_slice_str(text), CIT_EXPR_B, &p, &e);
    cit_mem_fail_at(0);
    *is_over = result == CIT_OK;
    if (result != CIT_OK) {
        assert_int_equal(result, CIT_ENOMEM);
        assert_int_equal(e.err, CIT_ENOMEM);
        assert_null(p);
    }
    cit_expr_free(p);
}

static void without_memory_there_is_no_program(void **state)
{
    char *text = rich_text();
    bool is_over = false;
    unsigned long at = 1;

    (void)state;
    for (; !is_over; at++)
        check_one_failure(text, at, &is_over);
    assert_true(at > 20);
    cit_free(text);
}

static void an_ordinary_condition_takes_one_allocation(void **state)
{
    struct cit_expr_program *p;

    (void)state;
    cit_mem_fail_at(0);
    assert_int_equal(cit_expr_compile(CIT_SLICE_LIT("($r == \"Qu\") | (($r != 1e3) & ($tp == 'Adv') & ($q3 == 1))"),
                                      CIT_EXPR_B, &p, NULL),
                     CIT_OK);
    assert_int_equal(cit_mem_fail_at(0), 1);
    cit_expr_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_leaves_its_tokens),
        cmocka_unit_test(compiling_and_tokenizing_agree),
        cmocka_unit_test(nothing_is_read_behind_the_text),
        cmocka_unit_test(places_of_tokens_are_those_of_their_first_byte),
        cmocka_unit_test(authors_are_told_what_they_hardly_meant),
        cmocka_unit_test(an_ignored_tail_is_explained),
        cmocka_unit_test(a_failure_tells_place_reason_and_remedy),
        cmocka_unit_test(remarks_are_bounded),
        cmocka_unit_test(long_chains_need_no_recursion),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(repeated_reading_is_bounded),
        cmocka_unit_test(without_memory_there_is_no_program),
        cmocka_unit_test(an_ordinary_condition_takes_one_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
