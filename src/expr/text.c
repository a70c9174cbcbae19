/* expr/text.c - characters of UTF-8, places for people, pieces of text in messages. */
#include <string.h>

#include "expr/expr_int.h"

/* Longer pieces of the user's text are cut in messages. */
#define PIECE_CHARS 40

/* A piece is never longer, so that finding it costs little however often it is done. */
#define PIECE_BYTES 200

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

uint32_t cit__chars(struct cit_slice text)
{
    uint32_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += !is_continuation(text.p[i]);
    return n;
}

size_t cit__char_len(struct cit_slice text)
{
    size_t n = 1;

    while (n < text.n && n < 4 && is_continuation(text.p[n]))
        n++;
    return n;
}

/* A line ends with "\n", "\r" or both. */
static bool is_line_end(struct cit_slice text, size_t i)
{
    return text.p[i] == '\n' || (text.p[i] == '\r' && (i + 1 == text.n || text.p[i + 1] != '\n'));
}

void cit__place_move(struct cit_slice text, struct cit__place *p, size_t at)
{
    for (; p->at < at && p->at < text.n; p->at++) {
        if (is_line_end(text, p->at)) {
            p->line++;
            p->column = 1;
        } else {
            p->column += !is_continuation(text.p[p->at]);
        }
    }
}

void cit__place(struct cit_slice text, size_t at, uint32_t *line, uint32_t *column)
{
    struct cit__place p = CIT__PLACE_START;

    cit__place_move(text, &p, at);
    *line = p.line;
    *column = p.column;
}

/* ---- pieces ---- */

static bool is_word(char c)
{
    char lower = (char)(c | 0x20);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || (c & 0x80) != 0;
}

static size_t word_len(struct cit_slice rest)
{
    size_t n = 0;

    while (n < rest.n && (is_word(rest.p[n]) || (rest.p[n] == '.' && n > 0 && rest.p[0] <= '9' && rest.p[0] != '$')))
        n++;
    return n;
}

/* To the closing quote, or the end of the line. */
static size_t string_len(struct cit_slice rest)
{
    size_t n = 1;

    while (n < rest.n && rest.p[n] != rest.p[0] && rest.p[n] != '\n' && rest.p[n] != '\r')
        n++;
    return n < rest.n && rest.p[n] == rest.p[0] ? n + 1 : n;
}

static size_t operator_len(struct cit_slice rest)
{
    static const char pairs[][3] = { "==", "!=", "<=", ">=", "&&", "||", "<>", "**" };

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (rest.n >= 2 && memcmp(rest.p, pairs[i], 2) == 0)
            return 2;
    return 1;
}

struct cit_slice cit__piece(struct cit_slice text, size_t at)
{
    struct cit_slice rest = cit_slice(text.p + at, text.n - at);
    size_t n = 0;

    if (rest.n > PIECE_BYTES) { /* to the end of a character */
        for (rest.n = PIECE_BYTES; rest.n > 0 && is_continuation(rest.p[rest.n]);)
            rest.n--;
    }
    if (rest.n > 0)
        n = word_len(rest);
    if (n == 0 && rest.n > 0)
        n = rest.p[0] == '"' || rest.p[0] == '\'' ? string_len(rest) : operator_len(rest);
    return cit_slice(rest.p, n);
}

/* ---- messages ---- */

static size_t add(struct cit__said *s, size_t used, struct cit_slice text)
{
    if (text.n >= sizeof s->text - used)
        return used;
    if (text.n > 0)
        memcpy(s->text + used, text.p, text.n);
    return used + text.n;
}

/* Character by character, so that none is cut in two. */
static size_t add_piece(struct cit__said *s, size_t used, struct cit_slice piece)
{
    for (unsigned i = 0; piece.n > 0; i++) {
        size_t n = cit__char_len(piece);
        bool is_control = (unsigned char)piece.p[0] < ' ' || piece.p[0] == 0x7f;

        if (i == PIECE_CHARS)
            return add(s, used, CIT_SLICE_LIT("..."));
        used = add(s, used, is_control ? CIT_SLICE_LIT(" ") : cit_slice(piece.p, n));
        piece = cit_slice(piece.p + n, piece.n - n);
    }
    return used;
}

const char *cit__say(struct cit__said *s, const char *before, struct cit_slice piece, const char *after)
{
    size_t used = add(s, 0, cit_slice_str(before));

    used = add_piece(s, used, piece);
    used = add(s, used, cit_slice_str(after));
    s->text[used] = '\0';
    return s->text;
}

const char *cit__append(struct cit__said *s, const char *more)
{
    size_t used = add(s, strlen(s->text), cit_slice_str(more));

    s->text[used] = '\0';
    return s->text;
}
