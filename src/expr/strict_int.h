/* expr/strict_int.h - the pieces of a strict expression; private to src/expr.
 *
 * The lexer gives one token at a time and reads no further than its end, so a parser that
 * wants to look ahead keeps a copy of the struct and goes back to it.  After a failure (the
 * build's status tells) every token is END.
 *
 * Depends on: expr/expr_int.
 * Ownership:  tokens borrow from the build's text and shadow.
 * Threads:    one build, one thread.
 */
#ifndef CIT_EXPR_STRICT_INT_H
#define CIT_EXPR_STRICT_INT_H

#include "expr/expr_int.h"

/* name, how it is written (empty: it varies) */
#define CIT__LEXEMES(X)         \
    X(END, "")                  \
    X(INT, "")                  \
    X(FLOAT, "")                \
    X(TEXT, "")                 \
    X(NAME, "")                 \
    X(VARIABLE, "") /* $word */ \
    X(TRUE, "true")             \
    X(FALSE, "false")           \
    X(NULL, "null")             \
    X(AND, "and")               \
    X(OR, "or")                 \
    X(NOT, "not")               \
    X(IN, "in")                 \
    X(EQ, "==")                 \
    X(NE, "!=")                 \
    X(LT, "<")                  \
    X(LE, "<=")                 \
    X(GT, ">")                  \
    X(GE, ">=")                 \
    X(PLUS, "+")                \
    X(MINUS, "-")               \
    X(STAR, "*")                \
    X(SLASH, "/")               \
    X(PERCENT, "%")             \
    X(CARET, "^")               \
    X(LPAREN, "(")              \
    X(RPAREN, ")")              \
    X(LBRACKET, "[")            \
    X(RBRACKET, "]")            \
    X(COMMA, ",")               \
    X(DOT, ".")

enum cit__lexeme {
#define CIT__LEXEME_ENUM(name, text) CIT__L_##name,
    CIT__LEXEMES(CIT__LEXEME_ENUM)
#undef CIT__LEXEME_ENUM
        CIT__L_COUNT
};

struct cit__lex {
    struct cit_expr_build *b;
    enum cit__lexeme kind;  /* of the current token */
    uint32_t at, end;       /* its bytes in the text */
    struct cit_slice value; /* NAME, VARIABLE: the word; TEXT: what it means */
};

/* Reads the first token.  Refuses what is not UTF-8. */
void cit__lex_init(struct cit__lex *lex, struct cit_expr_build *b);

/* The current token becomes the next one. */
void cit__lex_next(struct cit__lex *lex);

/* Behind a DOT: reads the word of a field, whatever it is; false with a failure when there is none. */
bool cit__lex_field(struct cit__lex *lex);

/* The text of the current token as it is written. */
struct cit_slice cit__lex_written(const struct cit__lex *lex);

/* Fails at a byte with a text around a piece of the user's, or a plain one.  hint may be NULL. */
void cit__lex_fail_piece(struct cit_expr_build *b, uint32_t at, struct cit_slice piece, const char *behind,
                         const char *hint);
void cit__lex_fail(struct cit_expr_build *b, uint32_t at, const char *what, const char *hint);

/* Whether a pattern repeats what is itself repeated without end, as in (a+)+. */
bool cit__pattern_is_slow(struct cit_slice pattern);

/* The name of the strict function nearest to one that is not there, or NULL. */
const char *cit__nearest_function(struct cit_slice name);

#endif
