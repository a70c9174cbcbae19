/* expr/notes.c - what to say to the author: why a text ends early, and what to write instead. */
#include "expr/notes.h"

#include <string.h>

#include "expr/expr_int.h"

/* ---- hints ---- */

/* What somebody wrote who had another language in mind. */
struct habit {
    const char *text;
    bool is_word; /* any case, and no letter or digit behind it */
    const char *hint;
};

#define QUOTES "texts stand between \" or ' of the plain kind"
#define OTHER_QUOTES "a text with ' inside stands between \", and the other way round"
#define AND "`and` is written `&`, with each comparison in parentheses: ($a == 1) & ($b == 2)"
#define OR "`or` is written `|`, with each comparison in parentheses: ($a == 1) | ($b == 2)"

/* Behind a value, where an operator could stand; the first that fits. */
static const struct habit behind_value[] = {
    { "and", true, AND },
    { "&&", false, AND },
    { "\xe2\x88\xa7", false, AND }, /* U+2227 */
    { "or", true, OR },
    { "||", false, OR },
    { "\xe2\x88\xa8", false, OR }, /* U+2228 */
    { "in", true, "`in` stands in small letters, with a blank or a bracket on each side" },
    { "is", true, "equality is written `==`" },
    { "not", true, "`not` is written `!( ... )` before a parenthesis, `not equal` is `!=`" },
    { "<>", false, "`not equal` is written `!=`" },
    { "\xe2\x89\xa0", false, "`not equal` is written `!=`" },             /* U+2260 */
    { "\xe2\x89\xa4", false, "`at most` is written `<=`" },               /* U+2264 */
    { "\xe2\x89\xa5", false, "`at least` is written `>=`" },              /* U+2265 */
    { "\xe2\x88\x92", false, "minus is the plain `-`" },                  /* U+2212 */
    { "\xe2\x80\x93", false, "minus is the plain `-`" },                  /* U+2013 */
    { "\xc3\x97", false, "`times` is written `*`" },                      /* U+00D7 */
    { "\xc2\xb7", false, "`times` is written `*`" },                      /* U+00B7 */
    { "\xc3\xb7", false, "division is written `/`" },                     /* U+00F7 */
    { "\xc2\xa0", false, "this is a no-break space: write a plain one" }, /* U+00A0 */
    { "\xe2\x80\x9c", false, QUOTES },                                    /* U+201C */
    { "\xe2\x80\x9d", false, QUOTES },                                    /* U+201D */
    { "\xe2\x80\x98", false, QUOTES },                                    /* U+2018 */
    { "\xe2\x80\x99", false, QUOTES },                                    /* U+2019 */
    { "**", false, "a power is written `^`" },
    { "===", false, "equality is written `==`" },
    { "?", false, "there is no choice by `? :`: use two edges, each with its condition" },
    { ",", false, "a function takes one value, and texts are joined by `+`" },
    { ")", false, "no parenthesis is open here: remove this one, or open one further left" },
    { "]", false, "no bracket is open here" },
    { "(", false, "an operator is missing before the parenthesis" },
    { "\"", false, "an operator is missing before the text; " OTHER_QUOTES },
    { "'", false, "an operator is missing before the text; " OTHER_QUOTES },
    { "$", false, "an operator is missing before the variable" },
};

/* Where a value could stand. */
static const struct habit at_value[] = {
    { "true", true, "write `True`" },
    { "false", true, "write `False`" },
    { "none", true, "write `None`" },
    { "null", true, "no value is written `None`" },
    { "not", true, "`not` is written `!( ... )` before a parenthesis, or compare with False" },
    { "=", false, "equality is written `==`" },
    { ">", false, "the operators are == != < <= > >= in & | + - * / % ^" },
    { "<", false, "the operators are == != < <= > >= in & | + - * / % ^" },
    { "&", false, AND },
    { "|", false, OR },
    { "*", false, "a power is written `^`" },
    { ".", false, "a number begins with a digit: 0.5" },
    { "\xe2\x88\x92", false, "minus is the plain `-`" },                  /* U+2212 */
    { "\xe2\x80\x93", false, "minus is the plain `-`" },                  /* U+2013 */
    { "\xc2\xa0", false, "this is a no-break space: write a plain one" }, /* U+00A0 */
    { "\xe2\x80\x9c", false, QUOTES },                                    /* U+201C */
    { "\xe2\x80\x9d", false, QUOTES },                                    /* U+201D */
    { "\xe2\x80\x9e", false, QUOTES },                                    /* U+201E */
    { "\xe2\x80\x98", false, QUOTES },                                    /* U+2018 */
    { "\xe2\x80\x99", false, QUOTES },                                    /* U+2019 */
    { ")", false, "between parentheses stands a value" },
    { "]", false, "between the brackets of a variable stands a number" },
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static bool is_word_char(char c)
{
    char lower = (char)(c | 0x20);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool begins(struct cit_slice rest, const struct habit *h)
{
    size_t n = strlen(h->text);

    if (rest.n < n)
        return false;
    if (!h->is_word)
        return memcmp(rest.p, h->text, n) == 0;
    return cit_slice_eq_nocase(cit_slice(rest.p, n), cit_slice_str(h->text)) &&
           (rest.n == n || !is_word_char(rest.p[n]));
}

static const char *find_habit(struct cit_slice rest, const struct habit *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (begins(rest, &rows[i]))
            return rows[i].hint;
    return NULL;
}

static const char *bang_hint(const struct cit_expr_build *b)
{
    return b->dialect == CIT_EXPR_B ? "`!` stands before a parenthesis: !( ... )"
                                    : "this dialect has no `!`: compare with False, as in ($a == 1) == False";
}

static struct cit_slice rest_at(const struct cit_expr_build *b, uint32_t at)
{
    return cit_slice(b->text.p + at, b->text.n - at);
}

static const char *value_hint(const struct cit_expr_build *b, uint32_t at)
{
    const char *hint = find_habit(rest_at(b, at), at_value, COUNT_OF(at_value));

    if (hint != NULL)
        return hint;
    if (at == b->text.n)
        return "complete the expression";
    return "values are numbers, \"texts\", $variables, True, False, None, [lists], f(x) and parentheses";
}

static const char *behind_hint(const struct cit_expr_build *b, uint32_t at)
{
    struct cit_slice rest = rest_at(b, at);
    const char *hint = find_habit(rest, behind_value, COUNT_OF(behind_value));

    if (hint != NULL)
        return hint;
    if (rest.n == 0)
        return "close what is open";
    switch (rest.p[0]) {
    case '=':
        return "equality is written `==`";
    case '!':
        return bang_hint(b);
    case '[':
        return b->dialect == CIT_EXPR_B ? "a list stands to the right of `in`, an index between $name[ and ]"
                                        : "this dialect has no $name[ index ]; a list stands to the right of `in`";
    default:
        break;
    }
    if (at > 0 && (b->text.p[at - 1] == '\'' || b->text.p[at - 1] == '"'))
        return "an operator is missing before this; " OTHER_QUOTES;
    if ((rest.p[0] & 0x80) != 0 && at > 0 && is_word_char(b->text.p[at - 1]))
        return "names have only letters A-Z, digits and _";
    return "an operator is missing before this";
}

static const char *hint_for(const struct cit_expr_build *b, struct cit__stop stop)
{
    const char *hint;

    switch (stop.want) {
    case CIT__WANT_NOTHING:
    case CIT__WANT_PAREN:
    case CIT__WANT_BRACKET:
        return behind_hint(b, stop.at);
    case CIT__WANT_WORD:
        hint = find_habit(rest_at(b, stop.at), at_value, COUNT_OF(at_value));
        return hint != NULL ? hint : "texts stand in quotes, variables begin with $";
    case CIT__WANT_MINUS:
        return "write 0 - ... or -1 * ... for the opposite of a variable or a parenthesis";
    case CIT__WANT_BANG:
        return bang_hint(b);
    case CIT__WANT_NAME:
        return "variables are $name, without a blank; for a text write quotes";
    case CIT__WANT_STRING:
        return "close it on its line; " OTHER_QUOTES;
    case CIT__WANT_ITEM:
    case CIT__WANT_COMMA:
        return "lists are [1, \"text\", True]: no calculations, no lists inside, no comma at the end";
    case CIT__WANT_VALUE:
        break;
    }
    return value_hint(b, stop.at);
}

/* ---- the end ---- */

static const char *const want_texts[] = {
#define CIT__WANT_TEXT(name, text) text,
    CIT__WANTS(CIT__WANT_TEXT)
#undef CIT__WANT_TEXT
};

/* "a value is expected, not `x`" */
static const char *say_want(const struct cit_expr_build *b, struct cit__said *s, struct cit__stop stop)
{
    struct cit_slice piece = cit__piece(b->text, stop.at);
    struct cit__said before;

    if (stop.want == CIT__WANT_STRING)
        return cit__say(s, want_texts[stop.want], (struct cit_slice){ 0 }, "");
    cit__say(&before, want_texts[stop.want], (struct cit_slice){ 0 }, piece.n > 0 ? ", not `" : " at the end");
    return cit__say(s, before.text, piece, piece.n > 0 ? "`" : "");
}

int cit__fail_stopped(struct cit_expr_build *b, struct cit__stop stop)
{
    struct cit__said what;

    return cit__build_fail(b, CIT_EPROTO, (struct cit__remark){ stop.at, say_want(b, &what, stop), hint_for(b, stop) });
}

/* The hint for text behind the end that says what it is by itself; NULL when an operator there only lacks
 * its operand. */
static const char *tail_habit(const struct cit_expr_build *b)
{
    if (cit_slice_eq(cit__piece(b->text, b->end), CIT_SLICE_LIT("in")))
        return NULL;
    return find_habit(rest_at(b, b->end), behind_value, COUNT_OF(behind_value));
}

/* The reason stands where reading got furthest: in an operand that broke off, or at the end itself. */
void cit__note_tail(struct cit_expr_build *b, struct cit__stop stop)
{
    const char *habit = tail_habit(b);
    struct cit__said what, want;
    struct cit__remark r = { .at = b->end };

    r.what = cit__say(&what, "`", rest_at(b, b->end), "` is not read");
    if (habit != NULL || stop.at <= b->end || stop.want == CIT__WANT_NOTHING) {
        r.hint = habit != NULL ? habit : behind_hint(b, b->end);
    } else {
        say_want(b, &want, stop);
        cit__append(&what, ": ");
        r.what = cit__append(&what, want.text);
        r.hint = hint_for(b, stop);
    }
    cit__build_note(b, CIT_EXPR_NOTE_IGNORED_TAIL, r);
}

/* ---- single tokens ---- */

struct reading {
    const char *as, *hint;
};

static struct reading reading_of(struct cit__token_class c)
{
    switch (c.kind) {
    case CIT__TOKEN_OP:
    case CIT__TOKEN_UNARY:
    case CIT__TOKEN_INDEX:
        return (struct reading){ "an operator", "no text can be compared with it: use a longer one" };
    case CIT__TOKEN_FUNC:
        return (struct reading){ "a function", "no text can be compared with it: use a longer one" };
    case CIT__TOKEN_E:
    case CIT__TOKEN_PI:
        return (struct reading){ "a constant", "no text can be compared with it: use a longer one" };
    case CIT__TOKEN_VAR:
        return (struct reading){ "a variable", "leave the quotes out if this is meant" };
    case CIT__TOKEN_TRUE:
    case CIT__TOKEN_FALSE:
    case CIT__TOKEN_NONE:
        return (struct reading){ "the keyword", "leave the quotes out if this is meant" };
    case CIT__TOKEN_VALUE:
        break;
    }
    return (struct reading){ 0 };
}

/* A quote inside is a doubled one: at least two, of the kind that stands before the text. */
static void note_escape(struct cit_expr_build *b, uint32_t at, struct cit_slice text)
{
    struct cit__remark r = { .at = at, .hint = OTHER_QUOTES };

    if (text.n == 0)
        return;
    if (memchr(text.p, '\\', text.n) != NULL)
        r.what = "the backslash stays in this text: nothing is an escape";
    else if (memchr(text.p, b->text.p[at], text.n) != NULL)
        r.what = "both quotes stay in this text";
    else
        return;
    cit__build_note(b, CIT_EXPR_NOTE_ESCAPE_KEPT, r);
}

void cit__note_string(struct cit_expr_build *b, uint32_t at, struct cit_slice text)
{
    struct reading r = reading_of(cit__classify(text, b->dialect));
    struct cit__said what;

    note_escape(b, at, text);
    if (r.as == NULL)
        return;
    cit__say(&what, "the text '", text, "' is read as ");
    cit__build_note(b, CIT_EXPR_NOTE_STRING_IS_CODE, (struct cit__remark){ at, cit__append(&what, r.as), r.hint });
}

#define FUNCTIONS "functions are sin cos tan abs trunc round sign str, in small letters"

void cit__note_call(struct cit_expr_build *b, uint32_t at, struct cit_slice name)
{
    struct cit__said what;

    if (cit__classify(name, b->dialect).kind == CIT__TOKEN_FUNC)
        return;
    cit__say(&what, "there is no function `", name, "`: its name is the value, what is in the parentheses is lost");
    cit__build_note(b, CIT_EXPR_NOTE_UNKNOWN_FUNCTION, (struct cit__remark){ at, what.text, FUNCTIONS });
}

void cit__note_constant(struct cit_expr_build *b, uint32_t at, uint32_t len)
{
    struct cit_slice word = cit__piece(b->text, at);
    bool is_e = len == 1;
    struct cit__said what;

    if (word.n == len)
        return;
    cit__say(&what, "`", word,
             is_e ? "` is read as the constant E, 2.718..." : "` is read as the constant PI, 3.141...");
    cit__build_note(
        b, CIT_EXPR_NOTE_ACCIDENTAL_CONSTANT,
        (struct cit__remark){ at, what.text, "texts stand in quotes, variables begin with $, there is no `else`" });
}
