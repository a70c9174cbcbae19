/* expr/expr_int.h - a program while it is built; private to src/expr.
 *
 *      text ──> compat.c ──> tokens ──> link.c ──┐
 *                                                ├──> code, consts, names ──> build.c: finish
 *      text ──> strict.c ────────────────────────┘
 *
 * A build grows arrays that begin inside it, on the stack of whoever compiles: a usual
 * expression allocates nothing before `finish`, which makes the program in one block and
 * copies everything there.
 *
 * Failure is sticky: the first one fills *err and stays in `status`; everything after it does
 * nothing and gives 0.  A parser may therefore look at the status once a loop instead of after
 * every call.
 *
 * Slices given to a build must lie in its text, in its shadow, or be static: finish moves the
 * first two into the program.  The shadow is a second area as long as the text, for pieces
 * that differ from what was written (an exponent's letter, an escape): what stands for
 * text[i..j) goes to shadow[i..], and must not be longer than j - i.
 *
 * Depends on: base/{err,mem,slice}, expr/{program,notes}.
 * Ownership:  the build owns its arrays until fini; text and err are borrowed.
 * Threads:    one build, one thread.
 * Limits:     those of program.h.
 */
#ifndef CIT_EXPR_EXPR_INT_H
#define CIT_EXPR_EXPR_INT_H

#include "expr/notes.h"
#include "expr/program.h"

enum {
    CIT__NOTES_MAX = 50, /* further remarks are dropped */
    CIT__SAID_MAX = 320
};

/* Elements of one type, `count` of `cap` in use. */
struct cit__array {
    void *at; /* inside the build, or owned */
    uint32_t count, cap;
    bool is_owned;
};

struct cit_expr_build {
    enum cit_expr_dialect dialect;
    int status;                 /* CIT_OK, or the first failure */
    struct cit_slice text;      /* borrowed; compat: tabs are expanded */
    struct cit_expr_error *err; /* borrowed, never NULL */
    uint32_t end;               /* bytes of text that were used */
    bool is_closed;
    char *shadow; /* NULL until asked for */

    struct cit__array code;   /* struct cit_expr_ins */
    struct cit__array tokens; /* struct cit_expr_token */
    struct cit__array consts; /* struct cit_expr_const */
    struct cit__array items;  /* struct cit_slice */
    struct cit__array names;  /* struct cit_slice, each once */
    struct cit__array notes;  /* struct cit_expr_note, texts owned one by one */
    uint32_t *name_slots;     /* owned: hash table of name index + 1; NULL while names are few */
    uint32_t name_slot_count; /* a power of two */

    struct {
        struct cit_expr_ins code[64];
        struct cit_expr_token tokens[48];
        struct cit_expr_const consts[24];
        struct cit_slice items[16];
        struct cit_slice names[12];
        char shadow[128];
    } small; /* what the arrays begin with */
};

/* A place in the text and what to say of it: NUL-terminated texts, borrowed for the call. */
struct cit__remark {
    uint32_t at;
    const char *what, *hint; /* hint may be NULL */
};

void cit__build_init(struct cit_expr_build *b, struct cit_slice text, enum cit_expr_dialect dialect,
                     struct cit_expr_error *err);
void cit__build_fini(struct cit_expr_build *b);

/* The program, or the status of the build.  CIT_OK, CIT_ENOMEM, or what failed before. */
CIT_MUST_CHECK int cit__build_finish(struct cit_expr_build *b, struct cit_expr_program **out);

/* Gives up: CIT_EPROTO, CIT_ELIMIT or CIT_ENOMEM with a remark.  Returns the status. */
int cit__build_fail(struct cit_expr_build *b, int err, struct cit__remark why);

/* The common failures: a bound of program.h by its name ("parentheses inside each other"), memory. */
int cit__build_limit(struct cit_expr_build *b, uint32_t at, const char *what);
int cit__build_nomem(struct cit_expr_build *b);

/* Append; the index of the new element, 0 after a failure. */
uint32_t cit__build_emit(struct cit_expr_build *b, struct cit_expr_ins ins);
uint32_t cit__build_const(struct cit_expr_build *b, struct cit_expr_const c);
uint32_t cit__build_token(struct cit_expr_build *b, struct cit_expr_token t);
uint32_t cit__build_item(struct cit_expr_build *b, struct cit_slice item);

/* The index of a name, which is added unless it is there. */
uint32_t cit__build_name(struct cit_expr_build *b, struct cit_slice name);

/* Lets the jump at code[jump] go to the instruction that is emitted next. */
void cit__build_land(struct cit_expr_build *b, uint32_t jump);

/* The shadow, text.n bytes; NULL after a failure. */
char *cit__build_shadow(struct cit_expr_build *b);

/* A remark for the author.  Past CIT__NOTES_MAX nothing happens. */
void cit__build_note(struct cit_expr_build *b, enum cit_expr_note_kind kind, struct cit__remark r);

/* Forgets all but the first `count` remarks: what they were about turned out not to be read. */
void cit__build_drop_notes(struct cit_expr_build *b, uint32_t count);

static inline bool cit__build_ok(const struct cit_expr_build *b)
{
    return b->status == CIT_OK;
}

static inline struct cit_expr_ins *cit__code(const struct cit_expr_build *b)
{
    return b->code.at;
}

static inline struct cit_expr_token *cit__tokens(const struct cit_expr_build *b)
{
    return b->tokens.at;
}

static inline struct cit_expr_const *cit__consts(const struct cit_expr_build *b)
{
    return b->consts.at;
}

static inline struct cit_slice *cit__items(const struct cit_expr_build *b)
{
    return b->items.at;
}

static inline struct cit_slice *cit__names(const struct cit_expr_build *b)
{
    return b->names.at;
}

/* ---- texts for people ---- */

struct cit__said {
    char text[CIT__SAID_MAX];
};

/* Fills *s with before, a piece of the user's text, after; returns s->text.  The piece is cut to 40
 * characters, control characters become spaces; what does not fit is left out. */
const char *cit__say(struct cit__said *s, const char *before, struct cit_slice piece, const char *after);

/* Adds to what was said. */
const char *cit__append(struct cit__said *s, const char *more);

/* The word, number, text or operator that begins at a byte of text, or its first 200 bytes; empty at the end. */
struct cit_slice cit__piece(struct cit_slice text, size_t at);

/* A byte of a text, and what people call it. */
struct cit__place {
    size_t at;
    uint32_t line, column; /* from 1, in characters */
};

#define CIT__PLACE_START \
    {                    \
        0, 1, 1          \
    }

/* Moves a place forward to a byte, or to the end. */
void cit__place_move(struct cit_slice text, struct cit__place *p, size_t at);

/* Line and column (from 1, in characters) of a byte of text. */
void cit__place(struct cit_slice text, size_t at, uint32_t *line, uint32_t *column);

/* Characters of UTF-8 text. */
uint32_t cit__chars(struct cit_slice text);

/* The bytes of the character text starts with (text is not empty). */
size_t cit__char_len(struct cit_slice text);

/* ---- compat ---- */

/* What a token is when it is run (A.3). */
enum cit__token_kind {
    CIT__TOKEN_VALUE, /* a literal: converted */
    CIT__TOKEN_VAR,   /* begins with '$' */
    CIT__TOKEN_OP,    /* pops two; arg: enum cit_expr_op */
    CIT__TOKEN_UNARY, /* pops one: NEG or NOT; arg: enum cit_expr_op */
    CIT__TOKEN_FUNC,  /* pops one; arg: enum cit_expr_func */
    CIT__TOKEN_INDEX, /* pops one token as it is, and one value */
    CIT__TOKEN_E,
    CIT__TOKEN_PI,
    CIT__TOKEN_TRUE,
    CIT__TOKEN_FALSE,
    CIT__TOKEN_NONE
};

struct cit__token_class {
    enum cit__token_kind kind;
    uint8_t arg;
};

struct cit__token_class cit__classify(struct cit_slice text, enum cit_expr_dialect dialect);

/* What a place in the text would have needed to be read on. */
#define CIT__WANTS(X)                                                        \
    X(NOTHING, "nothing more is expected")                                   \
    X(VALUE, "a value is expected")                                          \
    X(WORD, "a value is expected")                                           \
    X(MINUS, "after `-` a number, a constant or a function is expected")     \
    X(BANG, "a value is expected")                                           \
    X(NAME, "after `$` a name of letters A-Z, digits and _ is expected")     \
    X(STRING, "the text that begins here has no closing quote")              \
    X(PAREN, "an operator or `)` is expected")                               \
    X(BRACKET, "an operator or `]` is expected")                             \
    X(ITEM, "a number, text, variable, True or False is expected in a list") \
    X(COMMA, "`,` or `]` is expected in a list")

enum cit__want {
#define CIT__WANT_ENUM(name, text) CIT__WANT_##name,
    CIT__WANTS(CIT__WANT_ENUM)
#undef CIT__WANT_ENUM
};

/* Where reading got furthest, and what was missing there. */
struct cit__stop {
    uint32_t at;
    enum cit__want want;
};

/* Pushes the tokens of b->text and sets b->end; CIT_EPROTO when it is not in the language, the
 * tokens pushed until then stay. */
int cit__compat_parse(struct cit_expr_build *b);

/* The lowest token of a stack that evaluating it pops: those below it do not matter. */
uint32_t cit__lowest(const struct cit_expr_stack *stack, enum cit_expr_dialect dialect);

/* Makes code of the tokens, and sets is_closed. */
int cit__link(struct cit_expr_build *b);

/* The failure of a text that is not in the language.  Returns CIT_EPROTO. */
int cit__fail_stopped(struct cit_expr_build *b, struct cit__stop stop);

/* Remarks (notes.h), each where it applies: on a literal text; on a called name; on PI or E, written
 * with `len` bytes; on what follows b->end. */
void cit__note_string(struct cit_expr_build *b, uint32_t at, struct cit_slice text);
void cit__note_call(struct cit_expr_build *b, uint32_t at, struct cit_slice name);
void cit__note_constant(struct cit_expr_build *b, uint32_t at, uint32_t len);
void cit__note_tail(struct cit_expr_build *b, struct cit__stop stop);

/* ---- strict ---- */

/* Makes code of b->text. */
int cit__strict_compile(struct cit_expr_build *b);

#endif
