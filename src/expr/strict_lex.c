/* expr/strict_lex.c - the tokens of the strict dialect, and what to say of what is none. */
#include <stdint.h>
#include <string.h>

#include "expr/strict_int.h"

/* ---- failure ---- */

void cit__lex_fail(struct cit_expr_build *b, uint32_t at, const char *what, const char *hint)
{
    (void)cit__build_fail(b, CIT_EPROTO, (struct cit__remark){ .at = at, .what = what, .hint = hint });
}

void cit__lex_fail_piece(struct cit_expr_build *b, uint32_t at, struct cit_slice piece, const char *behind,
                         const char *hint)
{
    struct cit__said said;

    cit__lex_fail(b, at, cit__say(&said, "`", piece, behind), hint);
}

struct cit_slice cit__lex_written(const struct cit__lex *lex)
{
    return cit_slice(lex->b->text.p + lex->at, lex->end - lex->at);
}

/* ---- characters ---- */

/* The byte at i, NUL behind the end. */
static char byte_at(const struct cit__lex *lex, size_t i)
{
    return i < lex->b->text.n ? lex->b->text.p[i] : '\0';
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool is_ascii_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

/* The bytes of the well-formed character text starts with, 0 when there is none.  Lone surrogates
 * pass: Python's texts may hold them. */
static size_t char_len(struct cit_slice text, uint32_t *out)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char c = (unsigned char)text.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    uint32_t code = n < 2 ? c : c & (0xffu >> (n + 1));

    if (n == 0 || n > text.n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)text.p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | ((unsigned char)text.p[i] & 0x3fu);
    }
    *out = code;
    return code < least[n] || code > 0x10ffff ? 0 : n;
}

/* Characters beyond ASCII that are not letters, digits or marks: signs, blanks, pictures. */
static const struct {
    uint32_t first, last;
} no_letters[] = {
    { 0x80, 0xa9 },        { 0xab, 0xb4 },     { 0xb6, 0xb9 },     { 0xbb, 0xbf },     { 0xd7, 0xd7 },
    { 0xf7, 0xf7 },        { 0x1680, 0x1680 }, { 0x2000, 0x2bff }, { 0x2e00, 0x2e7f }, { 0x3000, 0x3004 },
    { 0x3008, 0x3020 },    { 0x3030, 0x3030 }, { 0xd800, 0xf8ff }, { 0xfe00, 0xfe6f }, { 0xfeff, 0xff0f },
    { 0xff1a, 0xff20 },    { 0xff3b, 0xff40 }, { 0xff5b, 0xff65 }, { 0xffe0, 0xffff }, { 0x1f000, 0x1faff },
    { 0xe0000, 0x10ffff },
};

static bool is_letter(uint32_t code)
{
    for (size_t i = 0; i < sizeof no_letters / sizeof no_letters[0]; i++)
        if (code >= no_letters[i].first && code <= no_letters[i].last)
            return false;
    return code >= 0x80;
}

/* The bytes of the word's character at i, 0 when there is none. */
static size_t word_char(const struct cit__lex *lex, size_t i)
{
    char c = byte_at(lex, i);
    uint32_t code;
    size_t n;

    if ((unsigned char)c < 0x80)
        return is_ascii_word(c);
    n = char_len(cit_slice(lex->b->text.p + i, lex->b->text.n - i), &code);
    return n > 0 && is_letter(code) ? n : 0;
}

/* Where the word that begins at i ends. */
static size_t word_end(const struct cit__lex *lex, size_t i)
{
    size_t n;

    do {
        while (i < lex->b->text.n && is_ascii_word(lex->b->text.p[i]))
            i++;
        n = word_char(lex, i);
        i += n;
    } while (n > 0);
    return i;
}

static bool is_utf8(struct cit_slice text, uint32_t *at)
{
    size_t n;
    uint32_t code;

    for (size_t i = 0; i < text.n; i += n) {
        n = (unsigned char)text.p[i] < 0x80 ? 1 : char_len(cit_slice(text.p + i, text.n - i), &code);
        if (n == 0) {
            *at = (uint32_t)i;
            return false;
        }
    }
    return true;
}

/* ---- tokens ---- */

/* The token of bytes [at, end) is of a kind. */
static void found(struct cit__lex *lex, enum cit__lexeme kind, size_t end)
{
    lex->kind = kind;
    lex->end = (uint32_t)end;
}

/* The token is none: whatever comes is the end. */
static void stop(struct cit__lex *lex, uint32_t at, const char *what, const char *hint)
{
    cit__lex_fail(lex->b, at, what, hint);
    found(lex, CIT__L_END, lex->b->text.n);
}

static void stop_piece(struct cit__lex *lex, size_t end, const char *behind, const char *hint)
{
    cit__lex_fail_piece(lex->b, lex->at, cit_slice(lex->b->text.p + lex->at, end - lex->at), behind, hint);
    found(lex, CIT__L_END, lex->b->text.n);
}

/* ---- numbers ---- */

static size_t digits_end(const struct cit__lex *lex, size_t i)
{
    while (is_digit(byte_at(lex, i)))
        i++;
    return i;
}

/* Behind a number stands something that would belong to it. */
static void stop_number(struct cit__lex *lex, size_t i)
{
    size_t end = word_end(lex, i);
    struct cit__said said;

    while (byte_at(lex, end) == '.')
        end = word_end(lex, end + 1);
    if (byte_at(lex, i) == '_') {
        stop_piece(lex, end, "` is no number", "leave the _ out");
    } else if (byte_at(lex, i) == '.') {
        stop_piece(lex, end, "` is no number", "a number needs digits after its one point");
    } else {
        (void)cit__say(&said, "a name does not begin with a digit; the variable is written $",
                       cit_slice(lex->b->text.p + lex->at, end - lex->at), "");
        stop_piece(lex, end, "` is no number", said.text);
    }
}

/* The exponent's end, or i when there is none. */
static size_t exponent_end(const struct cit__lex *lex, size_t i)
{
    size_t digits = i + 1;

    if (byte_at(lex, i) != 'e' && byte_at(lex, i) != 'E')
        return i;
    if (byte_at(lex, digits) == '+' || byte_at(lex, digits) == '-')
        digits++;
    return is_digit(byte_at(lex, digits)) ? digits_end(lex, digits) : i;
}

static void read_number(struct cit__lex *lex)
{
    size_t whole = digits_end(lex, lex->at), end = whole;

    if (byte_at(lex, end) == '.' && is_digit(byte_at(lex, end + 1)))
        end = digits_end(lex, end + 1);
    end = exponent_end(lex, end);
    if (word_char(lex, end) > 0 || byte_at(lex, end) == '.')
        stop_number(lex, end);
    else if (byte_at(lex, lex->at) == '0' && whole - lex->at > 1)
        stop_piece(lex, end, "`: a number does not begin with 0", "leave the 0 out");
    else
        found(lex, end == whole ? CIT__L_INT : CIT__L_FLOAT, end);
}

/* ---- texts ---- */

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t put_char(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* The character of `count` hexadecimal digits at i; false with a failure when it is none. */
static bool read_hex(struct cit__lex *lex, size_t i, int count, uint32_t *out)
{
    uint32_t code = 0;

    for (int k = 0; k < count; k++) {
        int value = hex_value(byte_at(lex, i + (size_t)k));

        if (value < 0) {
            stop(lex, (uint32_t)(i - 2), "the escape has too few hexadecimal digits",
                 "\\x takes 2, \\u 4 and \\U 8 of them");
            return false;
        }
        code = code << 4 | (uint32_t)value;
    }
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        stop(lex, (uint32_t)(i - 2), "the escape is no character", "\\U takes the number of a whole character");
        return false;
    }
    *out = code;
    return true;
}

/* Where the escape at i (a backslash) ends, its character in *out; 0 with a failure. */
static size_t read_escape(struct cit__lex *lex, size_t i, uint32_t *out)
{
    static const char plain[] = "nrt\\'\"", means[] = "\n\r\t\\'\"";
    char c = byte_at(lex, i + 1);
    const char *found_at = c != '\0' ? strchr(plain, c) : NULL;
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;

    if (found_at != NULL) {
        *out = (uint32_t)means[found_at - plain];
        return i + 2;
    }
    if (digits > 0)
        return read_hex(lex, i + 2, digits, out) ? i + 2 + (size_t)digits : 0;
    stop(lex, (uint32_t)i, "the escape is not known", "write \\\\ for a backslash, or r'...' for a pattern");
    return 0;
}

/* The text with escapes in it, from the first one at i on; what it means goes to the shadow, where it is never
 * longer than what was written. */
static void read_escaped(struct cit__lex *lex, size_t begin, size_t i, char quote)
{
    char *shadow = cit__build_shadow(lex->b);
    size_t len = i - begin;

    if (shadow == NULL) {
        found(lex, CIT__L_END, lex->b->text.n);
        return;
    }
    memcpy(shadow + begin, lex->b->text.p + begin, len);
    while (i < lex->b->text.n && byte_at(lex, i) != quote && byte_at(lex, i) != '\n' && byte_at(lex, i) != '\r') {
        uint32_t code;

        if (byte_at(lex, i) != '\\') {
            shadow[begin + len++] = byte_at(lex, i++);
            continue;
        }
        i = read_escape(lex, i, &code);
        if (i == 0)
            return;
        len += put_char(shadow + begin + len, code);
    }
    if (byte_at(lex, i) != quote) {
        stop(lex, lex->at, "the text is not closed on its line", "it ends with the quote it begins with");
        return;
    }
    lex->value = cit_slice(shadow + begin, len);
    found(lex, CIT__L_TEXT, i + 1);
}

/* A text whose quote stands at i. */
static void read_text(struct cit__lex *lex, size_t i, bool is_raw)
{
    char quote = byte_at(lex, i);
    size_t begin = i + 1;

    for (i = begin; i < lex->b->text.n; i++) {
        char c = byte_at(lex, i);

        if (c == quote) {
            lex->value = cit_slice(lex->b->text.p + begin, i - begin);
            found(lex, CIT__L_TEXT, i + 1);
            return;
        }
        if (c == '\\' && !is_raw) {
            read_escaped(lex, begin, i, quote);
            return;
        }
        if (c == '\n' || c == '\r')
            break;
    }
    stop(lex, lex->at, "the text is not closed on its line", "it ends with the quote it begins with");
}

/* ---- words ---- */

static const struct cit_slice lexeme_texts[] = {
#define CIT__LEXEME_TEXT(name, text) { text, sizeof(text) - 1 },
    CIT__LEXEMES(CIT__LEXEME_TEXT)
#undef CIT__LEXEME_TEXT
};

static void note_python(struct cit__lex *lex, const char *hint)
{
    struct cit__said said;

    cit__build_note(lex->b, CIT_EXPR_NOTE_PYTHON_SPELLING,
                    (struct cit__remark){ .at = lex->at,
                                          .what = cit__say(&said, "`", cit__lex_written(lex), "` is Python's spelling"),
                                          .hint = hint });
}

static enum cit__lexeme word_kind(struct cit__lex *lex)
{
    static const struct {
        const char *word, *hint;
        enum cit__lexeme kind;
    } python[] = {
        { "True", "write true", CIT__L_TRUE },
        { "False", "write false", CIT__L_FALSE },
        { "None", "write null", CIT__L_NULL },
    };

    if (lex->value.n > 5)
        return CIT__L_NAME; /* no word of the language is longer */
    for (int kind = CIT__L_TRUE; kind <= CIT__L_IN; kind++)
        if (cit_slice_eq(lex->value, lexeme_texts[kind]))
            return (enum cit__lexeme)kind;
    for (size_t i = 0; i < sizeof python / sizeof python[0]; i++) {
        if (!cit_slice_eq(lex->value, cit_slice_str(python[i].word)))
            continue;
        note_python(lex, python[i].hint);
        return python[i].kind;
    }
    return CIT__L_NAME;
}

static void read_word(struct cit__lex *lex)
{
    size_t end = word_end(lex, lex->at);

    if (end - lex->at == 1 && byte_at(lex, lex->at) == 'r' && (byte_at(lex, end) == '"' || byte_at(lex, end) == '\'')) {
        read_text(lex, end, true);
        return;
    }
    lex->value = cit_slice(lex->b->text.p + lex->at, end - lex->at);
    lex->end = (uint32_t)end;
    lex->kind = word_kind(lex);
}

static void read_variable(struct cit__lex *lex)
{
    size_t begin = lex->at + 1, end = word_end(lex, begin);

    if (end == begin) {
        stop(lex, lex->at, "a name is missing behind `$`", "write $name");
        return;
    }
    lex->value = cit_slice(lex->b->text.p + begin, end - begin);
    found(lex, CIT__L_VARIABLE, end);
}

bool cit__lex_field(struct cit__lex *lex)
{
    size_t begin = lex->end, end;

    while (is_blank(byte_at(lex, begin)))
        begin++;
    end = word_end(lex, begin);
    if (end == begin) {
        stop(lex, lex->at, "a name is missing behind `.`", NULL);
        return false;
    }
    lex->at = (uint32_t)begin;
    lex->value = cit_slice(lex->b->text.p + begin, end - begin);
    found(lex, CIT__L_NAME, end);
    return true;
}

/* ---- signs ---- */

/* What other languages write; longer ones first. */
static const struct {
    const char *sign, *hint;
} foreign[] = {
    { "===", "write == to compare" },
    { "!==", "write != to compare" },
    { "<=>", NULL },
    { "=>", "write >=" },
    { "=<", "write <=" },
    { "<>", "write !=" },
    { "&&", "write and" },
    { "||", "write or" },
    { "**", "write ^" },
    { "//", "write floor(a / b)" },
    { "=", "write == to compare" },
    { "&", "write and" },
    { "|", "write or" },
    { "!", "write not" },
    { "?", "write if(condition, a, b)" },
    { ":", "write if(condition, a, b)" },
    { "~", NULL },
    { "@", NULL },
    { "#", NULL },
    { ";", "an expression is one value" },
    { "{", "a list is written [a, b]" },
    { "}", NULL },
    { "`", "a text stands in ' or \"" },
    { "\\", NULL },
    { "\u00d7", "write *" },
    { "\u00f7", "write /" },
    { "\u2212", "write -" },
    { "\u2013", "write -" },
    { "\u2014", "write -" },
    { "\u2264", "write <=" },
    { "\u2265", "write >=" },
    { "\u2260", "write !=" },
    { "\u2208", "write in" },
    { "\u2227", "write and" },
    { "\u2228", "write or" },
    { "\u00ac", "write not" },
};

static const char *const typographic[] = { "\u201c", "\u201d", "\u201e", "\u2018", "\u2019", "\u201a", "\u00ab",
                                           "\u00bb", "\u2039", "\u203a", "\u00b4", "\uff02", "\uff07" };

static const char *const blanks[] = { "\u00a0", "\u202f", "\u2009", "\u2007", "\u2003",
                                      "\u2002", "\u200b", "\u2060", "\ufeff", "\u3000" };

static bool begins_with(struct cit_slice text, const char *with)
{
    size_t n = strlen(with);

    return text.n >= n && memcmp(text.p, with, n) == 0;
}

static bool begins_with_any(struct cit_slice text, const char *const *with, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (begins_with(text, with[i]))
            return true;
    return false;
}

/* Refuses an operator of another language that is longer than what is ours; false when it is none. */
static bool stop_foreign(struct cit__lex *lex, struct cit_slice rest, size_t ours)
{
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (strlen(foreign[i].sign) <= ours || !begins_with(rest, foreign[i].sign))
            continue;
        stop_piece(lex, lex->at + strlen(foreign[i].sign), "` is no operator", foreign[i].hint);
        return true;
    }
    return false;
}

static void stop_sign(struct cit__lex *lex, struct cit_slice rest)
{
    size_t end = lex->at + cit__char_len(rest);

    if (begins_with_any(rest, typographic, sizeof typographic / sizeof typographic[0]))
        stop_piece(lex, end, "` is no quote", "a text stands in ' or \"");
    else if (begins_with_any(rest, blanks, sizeof blanks / sizeof blanks[0]))
        stop(lex, lex->at, "there is a blank that is no plain space", "write a plain space");
    else
        stop_piece(lex, end, "` has no meaning here", NULL);
}

/* Our sign that the rest begins with, the longest one; END when there is none. */
static enum cit__lexeme sign_of(struct cit_slice rest)
{
    enum cit__lexeme best = CIT__L_END;

    for (int kind = CIT__L_EQ; kind < CIT__L_COUNT; kind++) {
        struct cit_slice sign = lexeme_texts[kind];

        if (rest.p[0] == sign.p[0] && (sign.n == 1 || (rest.n > 1 && rest.p[1] == sign.p[1])) &&
            sign.n > lexeme_texts[best].n)
            best = (enum cit__lexeme)kind;
    }
    return best;
}

static void read_sign(struct cit__lex *lex)
{
    struct cit_slice rest = cit_slice(lex->b->text.p + lex->at, lex->b->text.n - lex->at);
    enum cit__lexeme ours = sign_of(rest);
    size_t len = lexeme_texts[ours].n;
    /* Signs of other languages that begin with one of ours go on with one of these. */
    bool may_be_foreign = len == 0 || (rest.n > len && strchr("=>*/", rest.p[len]) != NULL);

    if (may_be_foreign && stop_foreign(lex, rest, len))
        return;
    if (len > 0)
        found(lex, ours, lex->at + len);
    else
        stop_sign(lex, rest);
}

/* ---- reading ---- */

void cit__lex_next(struct cit__lex *lex)
{
    size_t i = lex->end;
    char c;

    while (is_blank(byte_at(lex, i)))
        i++;
    lex->at = (uint32_t)i;
    c = byte_at(lex, i);
    if (!cit__build_ok(lex->b) || i == lex->b->text.n)
        found(lex, CIT__L_END, lex->b->text.n);
    else if (is_digit(c))
        read_number(lex);
    else if (c == '"' || c == '\'')
        read_text(lex, i, false);
    else if (c == '$')
        read_variable(lex);
    else if (word_char(lex, i) > 0)
        read_word(lex);
    else
        read_sign(lex);
}

void cit__lex_init(struct cit__lex *lex, struct cit_expr_build *b)
{
    uint32_t at;

    *lex = (struct cit__lex){ .b = b };
    if (!is_utf8(b->text, &at))
        cit__lex_fail(b, at, "there are bytes that are no text", "expressions are UTF-8");
    cit__lex_next(lex);
}
