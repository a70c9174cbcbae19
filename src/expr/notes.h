/* expr/notes.h - the remarks a compiled expression carries for its author.
 *
 * A remark is no error: the text compiles and runs.  It says what the text does where that is
 * hardly what its author meant, and what to write instead.
 *
 * Depends on: nothing.
 */
#ifndef CIT_EXPR_NOTES_H
#define CIT_EXPR_NOTES_H

/* name, code in struct cit_expr_note, when it is given */
#define CIT_EXPR_NOTES(X)                                                                                \
    X(IGNORED_TAIL, "ignored-tail", "compat: text behind the expression is not read")                    \
    X(LEFTOVER, "leftover", "compat: values of an operand that broke off take part")                     \
    X(NO_OPERAND, "no-operand", "compat: an operand is missing, evaluation always fails")                \
    X(LOGIC_COMPARISON, "logic-beside-comparison", "compat: & or | beside a bare comparison")            \
    X(MATH_COMPARISON, "arithmetic-beside-comparison", "compat: + - * / % beside a comparison")          \
    X(CHAINED_COMPARISON, "chained-comparison", "compat: the result of a comparison, compared")          \
    X(VARIABLE_IN_LIST, "variable-in-list", "compat: a variable in a list is only its name")             \
    X(LIST_OPERAND, "list-operand", "compat: a list where it is never equal to anything")                \
    X(STRING_IS_CODE, "string-is-code", "compat: a text that is run as an operator, name...")            \
    X(ESCAPE_KEPT, "escape-kept", "compat: a backslash or a doubled quote stays in its text")            \
    X(UNKNOWN_FUNCTION, "unknown-function", "compat: a call that gives its own name")                    \
    X(ACCIDENTAL_CONSTANT, "accidental-constant", "compat: a word that begins like E or PI")             \
    X(CONSTANT_CONDITION, "constant-condition", "strict: an operand of and, or, not, if() is a literal") \
    X(NULL_ORDERED, "null-ordered", "strict: null beside < <= > >=, which always fails")                 \
    X(PYTHON_SPELLING, "python-spelling", "strict: True, False or None")                                 \
    X(WORD_AS_NAME, "word-as-name", "strict: TRUE, AND, nil... is read as a variable")                   \
    X(SLOW_PATTERN, "slow-pattern", "strict: a pattern with a repetition inside a repetition")

enum cit_expr_note_kind {
#define CIT_EXPR_NOTE_ENUM(name, code, when) CIT_EXPR_NOTE_##name,
    CIT_EXPR_NOTES(CIT_EXPR_NOTE_ENUM)
#undef CIT_EXPR_NOTE_ENUM
        CIT_EXPR_NOTE_COUNT
};

#endif
