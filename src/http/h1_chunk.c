/* http/h1_chunk.c - the chunked transfer coding, read (RFC 9112 7.1).
 *
 *      SIZE ──┬──────────────> SIZE_LF ──┬─> DATA -> DATA_CR -> DATA_LF -> SIZE
 *             └> EXT (sub) ─────┘        │
 *                                        └─> LINE <──────────── TRAILER_LF <┐
 *                                             ├─> NAME -> VALUE ────────────┘
 *                                             └─> LAST_LF -> DONE
 *
 * In SIZE `left` grows by digits; in DATA it counts down; elsewhere it is 0 or, up to
 * SIZE_LF, the size just read.  Inside EXT `sub` says where in an extension we are.
 */
#include "http/h1_chunk.h"

#include "http/h1_class.h"

enum state {
    SIZE, /* where {0} starts */
    EXT,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LINE, /* at the start of a trailer line */
    NAME,
    VALUE,
    TRAILER_LF,
    LAST_LF,
    DONE,
    FAILED
};

/* chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) */
enum sub {
    BEFORE_SEMI, /* BWS before ";": something must follow */
    BEFORE_NAME,
    IN_NAME,
    AFTER_NAME, /* BWS behind a name */
    BEFORE_VAL,
    IN_VAL,
    IN_QUOTES,
    IN_ESCAPE,
    AFTER_QUOTES,
    AFTER_VAL /* BWS behind a value */
};

#define DIGITS_MAX 16 /* of one size, leading zeros included: 2^63 - 1 has 16 */

static bool fail(struct cit_h1_chunk *c, enum cit_h1_bad bad)
{
    c->state = FAILED;
    c->bad = bad;
    return false;
}

static bool go(struct cit_h1_chunk *c, enum state next)
{
    c->state = (uint8_t)next;
    return true;
}

static bool go_sub(struct cit_h1_chunk *c, enum sub next)
{
    c->sub = (uint8_t)next;
    return true;
}

static unsigned hex_value(char ch)
{
    return cit__is_digit(ch) ? (unsigned)(ch - '0') : (unsigned)((ch | 0x20) - 'a' + 10);
}

static bool in_size(struct cit_h1_chunk *c, char ch)
{
    if (cit__is(ch, CIT__HEX)) {
        if (++c->digits > DIGITS_MAX || c->left > (uint64_t)INT64_MAX >> 4)
            return fail(c, CIT_H1_BAD_CHUNK_SIZE);
        c->left = c->left << 4 | hex_value(ch);
        return true;
    }
    if (c->digits == 0)
        return fail(c, CIT_H1_BAD_CHUNK_SIZE);
    c->digits = 0;
    if (ch == '\r')
        return go(c, SIZE_LF);
    c->sub = ch == ';' ? BEFORE_NAME : BEFORE_SEMI;
    c->ext_n++;
    return ch == ';' || cit__is_blank(ch) ? go(c, EXT) : fail(c, CIT_H1_BAD_CHUNK_SIZE);
}

/* Behind a name or a value: a further extension, the end, or BWS. */
static bool after_ext(struct cit_h1_chunk *c, char ch, enum sub blank)
{
    if (ch == ';')
        return go_sub(c, BEFORE_NAME);
    if (cit__is_blank(ch))
        return go_sub(c, blank);
    if (ch == '\r' && (c->sub == IN_NAME || c->sub == IN_VAL || c->sub == AFTER_QUOTES))
        return go(c, SIZE_LF); /* BWS has nothing to separate before a line end */
    return fail(c, CIT_H1_BAD_CHUNK_EXT);
}

/* BWS that something must follow, then a name, a value or a quoted one. */
static bool before_ext(struct cit_h1_chunk *c, char ch, enum sub next)
{
    if (cit__is_blank(ch))
        return true;
    if (cit__is(ch, CIT__TOKEN))
        return go_sub(c, next);
    if (ch == '"' && next == IN_VAL)
        return go_sub(c, IN_QUOTES);
    return fail(c, CIT_H1_BAD_CHUNK_EXT);
}

static bool in_quotes(struct cit_h1_chunk *c, char ch)
{
    if (ch == '"')
        return go_sub(c, AFTER_QUOTES);
    if (ch == '\\')
        return go_sub(c, IN_ESCAPE);
    return cit__is(ch, CIT__QUOTED) || fail(c, CIT_H1_BAD_CHUNK_EXT);
}

static bool in_ext(struct cit_h1_chunk *c, char ch)
{
    if (++c->ext_n > CIT_H1_CHUNK_EXT_MAX)
        return fail(c, CIT_H1_BAD_CHUNK_EXT);
    switch ((enum sub)c->sub) {
    case BEFORE_SEMI:
        if (cit__is_blank(ch))
            return true;
        return ch == ';' ? go_sub(c, BEFORE_NAME) : fail(c, CIT_H1_BAD_CHUNK_EXT);
    case BEFORE_NAME:
        return before_ext(c, ch, IN_NAME);
    case IN_NAME:
        if (cit__is(ch, CIT__TOKEN))
            return true;
        return ch == '=' ? go_sub(c, BEFORE_VAL) : after_ext(c, ch, AFTER_NAME);
    case AFTER_NAME:
        return ch == '=' ? go_sub(c, BEFORE_VAL) : after_ext(c, ch, AFTER_NAME);
    case BEFORE_VAL:
        return before_ext(c, ch, IN_VAL);
    case IN_VAL:
        return cit__is(ch, CIT__TOKEN) || after_ext(c, ch, AFTER_VAL);
    case IN_QUOTES:
        return in_quotes(c, ch);
    case IN_ESCAPE: /* quoted-pair: HTAB, SP, VCHAR, obs-text */
        return cit__is(ch, CIT__VALUE) ? go_sub(c, IN_QUOTES) : fail(c, CIT_H1_BAD_CHUNK_EXT);
    case AFTER_QUOTES:
    case AFTER_VAL:
        return after_ext(c, ch, AFTER_VAL);
    }
    return fail(c, CIT_H1_BAD_CHUNK_EXT);
}

/* Fields that no trailer may have, since they frame or route (RFC 9110 6.5.1 lets a
 * recipient take them as an error).  Each begins with a letter of its own. */
static const struct cit_slice forbidden[] = {
    { "content-length", 14 },
    { "transfer-encoding", 17 },
    { "host", 4 },
};

#define NOT_FORBIDDEN 0xff

/* A byte of a trailer's name: in `sub` the forbidden name that it may still become, in
 * `digits` how much of it is there.  A name longer than all of them stays a NOT. */
static void match_forbidden(struct cit_h1_chunk *c, char ch)
{
    char low = (char)(ch >= 'A' && ch <= 'Z' ? ch | 0x20 : ch);

    if (c->state == LINE) {
        c->digits = 0;
        for (c->sub = 0; c->sub < 3 && forbidden[c->sub].p[0] != low; c->sub++)
            continue;
        if (c->sub == 3)
            c->sub = NOT_FORBIDDEN;
    }
    if (c->sub == NOT_FORBIDDEN)
        return;
    if (c->digits < forbidden[c->sub].n && forbidden[c->sub].p[c->digits] == low)
        c->digits++;
    else
        c->sub = NOT_FORBIDDEN;
}

static bool is_forbidden(const struct cit_h1_chunk *c)
{
    return c->sub != NOT_FORBIDDEN && c->digits == forbidden[c->sub].n;
}

/* A byte of a trailer line that is not an LF; trailer fields follow the field rules
 * (RFC 9112 7.1.2, 5): token, colon, no fold, no control bytes. */
static bool in_trailer(struct cit_h1_chunk *c, char ch)
{
    if (++c->trailer_n > CIT_H1_CHUNK_TRAILER_MAX)
        return fail(c, CIT_H1_BAD_TRAILER);
    if (c->state == LINE && ch == '\r')
        return go(c, LAST_LF);
    if (c->state == VALUE) {
        if (ch == '\r')
            return go(c, TRAILER_LF);
        return cit__is(ch, CIT__VALUE) || fail(c, CIT_H1_BAD_TRAILER);
    }
    if (cit__is(ch, CIT__TOKEN)) {
        match_forbidden(c, ch);
        return go(c, NAME);
    }
    return c->state == NAME && ch == ':' && !is_forbidden(c) ? go(c, VALUE) : fail(c, CIT_H1_BAD_TRAILER);
}

static bool expect(struct cit_h1_chunk *c, char ch, char wanted, enum state next)
{
    return ch == wanted ? go(c, next) : fail(c, CIT_H1_BAD_CHUNK_END);
}

/* One byte that is not data; false after an error. */
static bool step(struct cit_h1_chunk *c, char ch)
{
    switch ((enum state)c->state) {
    case SIZE:
        return in_size(c, ch);
    case EXT:
        return in_ext(c, ch);
    case SIZE_LF:
        return expect(c, ch, '\n', c->left > 0 ? DATA : LINE);
    case DATA_CR:
        return expect(c, ch, '\r', DATA_LF);
    case DATA_LF:
        return expect(c, ch, '\n', SIZE);
    case LINE:
    case NAME:
    case VALUE:
        return in_trailer(c, ch);
    case TRAILER_LF:
        c->trailer_n++;
        return expect(c, ch, '\n', LINE);
    case LAST_LF:
        return expect(c, ch, '\n', DONE);
    case DATA:
    case DONE:
    case FAILED:
        break;
    }
    return false;
}

/* Takes what there is of the chunk's data from in[at..n); returns how much. */
static size_t take_data(struct cit_h1_chunk *c, const char *in, size_t n, struct cit_slice *data)
{
    size_t take = c->left < n ? (size_t)c->left : n;

    *data = cit_slice(in, take);
    c->left -= take;
    if (c->left == 0)
        c->state = DATA_CR;
    return take;
}

int cit_h1_chunk_read(struct cit_h1_chunk *c, const char *in, size_t n, size_t *used, struct cit_slice *data)
{
    struct cit_slice got = { in, 0 };
    size_t at = 0;

    while (at < n && c->state != DONE && c->state != FAILED) {
        if (c->state == DATA) {
            if (got.n > 0)
                break; /* one slice a call */
            at += take_data(c, in + at, n - at, &got);
        } else if (step(c, in[at])) {
            at++;
        }
    }
    if (c->state == FAILED)
        return CIT_EPROTO;
    *used = at;
    *data = got;
    return c->state == DONE ? CIT_OK : CIT_EAGAIN;
}
