/* load/json.c - JSON read piece by piece: what may come next, one bit a level, no recursion.
 *
 *      VALUE ──> AFTER <── close       OPEN_ARRAY ──> FIRST_ELEMENT ──> value or close
 *        ^  ',' ──┘ │ ','              OPEN_OBJECT ──> FIRST_MEMBER ──> name or close
 *        └── name <─┘                  anything wrong ──> WRONG, for good
 */
#include "load/json.h"

#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/mem.h"
#include "load/utf8_int.h"

enum expect { VALUE, FIRST_ELEMENT, FIRST_MEMBER, AFTER, WRONG };

void cit_json_init(struct cit_json *j, struct cit_slice text)
{
    if (text.n == 0)
        text.p = ""; /* no arithmetic on NULL */
    *j = (struct cit_json){ .p = text.p, .end = text.p + text.n, .start = text.p, .expect = VALUE };
    /* RFC 8259 8.1 lets a reader pass over a byte order mark, and some servers send it. */
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        j->p += 3;
}

static int wrong(struct cit_json *j, const char *why)
{
    j->expect = WRONG;
    j->why = why;
    return CIT_EPROTO;
}

static void skip_space(struct cit_json *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\r' || *j->p == '\t'))
        j->p++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool in_object(const struct cit_json *j)
{
    uint32_t level = j->depth - 1;

    return (j->is_object[level / 64] >> (level % 64) & 1) != 0;
}

/* ---- values ---- */

/* The escape at j->p is stepped over. */
static int escape(struct cit_json *j)
{
    static const char simple[] = "\"\\/bfnrt";

    if (j->end - j->p < 2)
        return wrong(j, "the text ends within a string");
    if (j->p[1] != 'u') {
        if (memchr(simple, j->p[1], sizeof simple - 1) == NULL)
            return wrong(j, "there is no such escape");
        j->p += 2;
        return CIT_OK;
    }
    for (int i = 2; i < 6; i++)
        if (j->end - j->p <= i || cit__hex_digit(j->p[i]) < 0)
            return wrong(j, "four hexadecimal digits are expected behind \\u");
    j->p += 6;
    return CIT_OK;
}

/* The first quote, backslash or control byte from p on, or end. */
static const char *scan_string(const char *p, const char *end)
{
#if defined(__SSE2__)
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i quotes = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
        unsigned bits = (unsigned)_mm_movemask_epi8(_mm_or_si128(quotes, control));

        if (bits != 0)
            return p + __builtin_ctz(bits);
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    return p;
}

/* From the quote at j->p to behind the one that closes it. */
static int string(struct cit_json *j, struct cit_json_token *t)
{
    const char *start = ++j->p;

    t->is_escaped = false;
    for (;;) {
        j->p = scan_string(j->p, j->end);
        if (j->p == j->end)
            return wrong(j, "the text ends within a string");
        if (*j->p == '"')
            break;
        if (*j->p != '\\')
            return wrong(j, "a control character in a string must be escaped");
        t->is_escaped = true;
        if (escape(j) != CIT_OK)
            return CIT_EPROTO;
    }
    t->raw = cit_slice(start, (size_t)(j->p - start));
    j->p++;
    return CIT_OK;
}

static int digits(struct cit_json *j)
{
    if (j->p == j->end || !is_digit(*j->p))
        return wrong(j, "a digit is expected");
    while (j->p < j->end && is_digit(*j->p))
        j->p++;
    return CIT_OK;
}

static int number(struct cit_json *j, struct cit_json_token *t)
{
    const char *start = j->p;

    j->p += *j->p == '-';
    if (j->p < j->end && *j->p == '0')
        j->p++;
    else if (digits(j) != CIT_OK)
        return CIT_EPROTO;
    if (j->p < j->end && *j->p == '.') {
        j->p++;
        if (digits(j) != CIT_OK)
            return CIT_EPROTO;
    }
    if (j->p < j->end && (*j->p | 0x20) == 'e') {
        j->p++;
        j->p += j->p < j->end && (*j->p == '+' || *j->p == '-');
        if (digits(j) != CIT_OK)
            return CIT_EPROTO;
    }
    t->kind = CIT_JSON_NUMBER;
    t->raw = cit_slice(start, (size_t)(j->p - start));
    return CIT_OK;
}

static int word(struct cit_json *j, const char *text, enum cit_json_kind kind, struct cit_json_token *t)
{
    size_t n = strlen(text);

    if ((size_t)(j->end - j->p) < n || memcmp(j->p, text, n) != 0)
        return wrong(j, "a value is expected");
    t->kind = kind;
    t->raw = cit_slice(j->p, n);
    j->p += n;
    return CIT_OK;
}

static int scalar(struct cit_json *j, struct cit_json_token *t)
{
    switch (*j->p) {
    case '"':
        t->kind = CIT_JSON_STRING;
        return string(j, t);
    case 't':
        return word(j, "true", CIT_JSON_TRUE, t);
    case 'f':
        return word(j, "false", CIT_JSON_FALSE, t);
    case 'n':
        return word(j, "null", CIT_JSON_NULL, t);
    default:
        if (*j->p != '-' && !is_digit(*j->p))
            return wrong(j, "a value is expected");
        return number(j, t);
    }
}

/* ---- structure ---- */

static int open_level(struct cit_json *j, struct cit_json_token *t)
{
    bool is_object = *j->p == '{';
    uint64_t bit;

    if (j->depth == CIT_JSON_DEPTH_MAX)
        return wrong(j, "it is nested too deeply");
    bit = 1ull << (j->depth % 64);
    if (is_object)
        j->is_object[j->depth / 64] |= bit;
    else
        j->is_object[j->depth / 64] &= ~bit;
    j->depth++;
    j->expect = is_object ? FIRST_MEMBER : FIRST_ELEMENT;
    t->kind = is_object ? CIT_JSON_OPEN_OBJECT : CIT_JSON_OPEN_ARRAY;
    t->raw = cit_slice(j->p++, 1);
    return CIT_OK;
}

static int close_level(struct cit_json *j, struct cit_json_token *t)
{
    t->kind = in_object(j) ? CIT_JSON_CLOSE_OBJECT : CIT_JSON_CLOSE_ARRAY;
    t->raw = cit_slice(j->p++, 1);
    j->depth--;
    j->expect = AFTER;
    return CIT_OK;
}

static int value(struct cit_json *j, struct cit_json_token *t)
{
    if (j->p == j->end)
        return wrong(j, "the text ends where a value is expected");
    if (*j->p == '{' || *j->p == '[')
        return open_level(j, t);
    j->expect = AFTER;
    return scalar(j, t);
}

/* A name and the colon behind it. */
static int name(struct cit_json *j, struct cit_json_token *t)
{
    if (j->p == j->end || *j->p != '"')
        return wrong(j, j->p == j->end ? "the text ends within an object" : "a name in quotes is expected");
    t->kind = CIT_JSON_NAME;
    if (string(j, t) != CIT_OK)
        return CIT_EPROTO;
    skip_space(j);
    if (j->p == j->end || *j->p != ':')
        return wrong(j, "a colon is expected");
    j->p++;
    j->expect = VALUE;
    return CIT_OK;
}

static int after(struct cit_json *j, struct cit_json_token *t)
{
    bool is_object;

    if (j->depth == 0) {
        if (j->p < j->end)
            return wrong(j, "something follows the value");
        t->kind = CIT_JSON_END;
        t->raw = cit_slice(j->p, 0);
        return CIT_OK;
    }
    is_object = in_object(j);
    if (j->p == j->end)
        return wrong(j, is_object ? "the text ends within an object" : "the text ends within an array");
    if (*j->p == (is_object ? '}' : ']'))
        return close_level(j, t);
    if (*j->p != ',')
        return wrong(j, is_object ? "a comma or } is expected" : "a comma or ] is expected");
    j->p++;
    skip_space(j);
    return is_object ? name(j, t) : value(j, t);
}

int cit_json_next(struct cit_json *j, struct cit_json_token *out)
{
    struct cit_json_token t = { 0 };
    int err = CIT_EPROTO;

    if (j->expect != WRONG)
        skip_space(j);
    switch ((enum expect)j->expect) {
    case VALUE:
        err = value(j, &t);
        break;
    case FIRST_ELEMENT:
        err = j->p < j->end && *j->p == ']' ? close_level(j, &t) : value(j, &t);
        break;
    case FIRST_MEMBER:
        err = j->p < j->end && *j->p == '}' ? close_level(j, &t) : name(j, &t);
        break;
    case AFTER:
        err = after(j, &t);
        break;
    case WRONG:
        break;
    }
    if (err == CIT_OK)
        *out = t;
    return err;
}

int cit_json_skip(struct cit_json *j, struct cit_slice *text)
{
    bool is_open = j->expect == FIRST_ELEMENT || j->expect == FIRST_MEMBER;
    uint32_t outside = is_open ? j->depth - 1 : j->depth;
    const char *start;
    struct cit_json_token t;

    if (j->expect == WRONG)
        return CIT_EPROTO;
    if (j->expect == AFTER)
        return wrong(j, "there is no value to pass over");
    if (!is_open)
        skip_space(j);
    start = is_open ? j->p - 1 : j->p;
    do {
        if (cit_json_next(j, &t) != CIT_OK)
            return CIT_EPROTO;
    } while (j->depth > outside);
    *text = cit_slice(start, (size_t)(j->p - start));
    return CIT_OK;
}

/* ---- texts ---- */

static uint32_t hex4(const char *p)
{
    uint32_t code = 0;

    for (int i = 0; i < 4; i++)
        code = code << 4 | (uint32_t)cit__hex_digit(p[i]);
    return code;
}

/* Steps over the \u escape at p, or the pair of them, which next() has checked. */
static const char *unicode(const char *p, const char *end, uint32_t *code)
{
    uint32_t low;

    *code = hex4(p + 2);
    p += 6;
    if (*code < 0xd800 || *code > 0xdbff || end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return p;
    low = hex4(p + 2);
    if (low < 0xdc00 || low > 0xdfff)
        return p;
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return p + 6;
}

static char plain_escape(char c)
{
    static const char names[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    const char *at = memchr(names, c, sizeof names - 1);

    return at != NULL ? bytes[at - names] : c;
}

int cit_json_unescape(const struct cit_json_token *t, struct cit_arena *a, struct cit_slice *out)
{
    const char *p = t->raw.p, *end = p + t->raw.n;
    char *text, *to;
    bool is_full;

    if (!t->is_escaped) {
        *out = t->raw;
        return CIT_OK;
    }
    text = to = cit_arena_take(a, t->raw.n, &is_full); /* no escape is shorter than what it stands for */
    if (text == NULL)
        return is_full ? CIT_ELIMIT : CIT_ENOMEM;
    while (p < end) {
        if (*p != '\\') {
            *to++ = *p++;
        } else if (p[1] == 'u') {
            uint32_t code;

            p = unicode(p, end, &code);
            to += cit__utf8_put(to, code);
        } else {
            *to++ = plain_escape(p[1]);
            p += 2;
        }
    }
    *out = cit_slice(text, (size_t)(to - text));
    return CIT_OK;
}

static int put_escape(struct cit_buf *out, unsigned char c)
{
    static const char names[] = "bfnrt\"\\", bytes[] = "\b\f\n\r\t\"\\";
    const char *at = memchr(bytes, c, sizeof bytes - 1);

    return at != NULL ? cit_buf_printf(out, "\\%c", names[at - bytes]) : cit_buf_printf(out, "\\u%04x", c);
}

static int put_inner(struct cit_buf *out, struct cit_slice s)
{
    size_t from = 0, i = 0;
    int err = cit_buf_add(out, "\"", 1);

    if (s.n == 0)
        s.p = "";
    while (err == CIT_OK && i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = cit__utf8_len(s.p + i, s.n - i);

        if (n > 0 && c >= 0x20 && c != '"' && c != '\\') {
            i += n;
            continue;
        }
        err = cit_buf_add(out, s.p + from, i - from);
        if (err == CIT_OK)
            err = n == 0 ? cit_buf_add_str(out, "\xef\xbf\xbd") : put_escape(out, c);
        from = ++i;
    }
    if (err == CIT_OK)
        err = cit_buf_add(out, s.p + from, s.n - from);
    return err == CIT_OK ? cit_buf_add(out, "\"", 1) : err;
}

int cit_json_put(struct cit_buf *out, struct cit_slice text)
{
    size_t before = out->len;
    int err = put_inner(out, text);

    if (err != CIT_OK)
        out->len = before;
    return err;
}

/* ---- trees ---- */

struct made { /* a node, and where it stands, for the message of a name that comes twice */
    struct cit_json_node node;
    const char *at;
};

struct grower {
    struct cit_json j;
    struct cit_arena *arena;
    struct cit_json_node *open[CIT_JSON_DEPTH_MAX], *last[CIT_JSON_DEPTH_MAX]; /* last: child of open */
    struct cit_json_node *root;
    struct cit_slice name;
    const char *name_at;
};

static int by_name(const void *a, const void *b)
{
    const struct made *x = *(const struct made *const *)a, *y = *(const struct made *const *)b;
    size_t n = x->node.name.n < y->node.name.n ? x->node.name.n : y->node.name.n;
    int order = n > 0 ? memcmp(x->node.name.p, y->node.name.p, n) : 0;

    if (order == 0)
        order = (x->node.name.n > y->node.name.n) - (x->node.name.n < y->node.name.n);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

/* Names of the object that just closed: sorted, since a table of users may be one. */
static int check_names(struct cit_json *j, const struct cit_json_node *object)
{
    struct made **at;
    uint32_t n = 0;
    int err = CIT_OK;

    if (object->count < 2)
        return CIT_OK;
    at = cit_malloc(object->count * sizeof(struct made *));
    if (at == NULL)
        return CIT_ENOMEM;
    for (struct cit_json_node *m = object->first; m != NULL; m = m->next)
        at[n++] = (struct made *)m; /* every node is the first member of one */
    qsort(at, n, sizeof *at, by_name);
    for (uint32_t i = 1; i < n && err == CIT_OK; i++) {
        if (!cit_slice_eq(at[i - 1]->node.name, at[i]->node.name))
            continue;
        j->p = at[i]->at;
        err = wrong(j, "this name comes twice in its object");
    }
    cit_free(at);
    return err;
}

/* Hangs a node for the value t in. */
static int grow(struct grower *g, const struct cit_json_token *t)
{
    bool is_open = t->kind == CIT_JSON_OPEN_OBJECT || t->kind == CIT_JSON_OPEN_ARRAY;
    uint32_t level = is_open ? g->j.depth - 1 : g->j.depth;
    struct made *m = cit_arena_zero(g->arena, 1, sizeof *m);

    if (m == NULL)
        return CIT_ENOMEM;
    m->node.kind = t->kind;
    m->node.text = t->raw;
    m->node.name = g->name;
    m->at = g->name_at;
    g->name = cit_slice(NULL, 0);
    if (t->kind == CIT_JSON_STRING && cit_json_unescape(t, g->arena, &m->node.text) != CIT_OK)
        return CIT_ENOMEM;
    if (level == 0) {
        g->root = &m->node;
    } else {
        struct cit_json_node *parent = g->open[level - 1], *last = g->last[level - 1];

        *(last != NULL ? &last->next : &parent->first) = &m->node;
        parent->count++;
        g->last[level - 1] = &m->node;
    }
    if (is_open) {
        g->open[level] = &m->node;
        g->last[level] = NULL;
        m->node.text = cit_slice(NULL, 0);
    }
    return CIT_OK;
}

static int take_token(struct grower *g, const struct cit_json_token *t)
{
    if (t->kind == CIT_JSON_NAME) {
        g->name_at = t->raw.p;
        return cit_json_unescape(t, g->arena, &g->name) == CIT_OK ? CIT_OK : CIT_ENOMEM;
    }
    if (t->kind == CIT_JSON_CLOSE_ARRAY)
        return CIT_OK;
    if (t->kind == CIT_JSON_CLOSE_OBJECT)
        return check_names(&g->j, g->open[g->j.depth]);
    return grow(g, t);
}

int cit_json_tree(struct cit_slice text, struct cit_arena *a, struct cit_json_node **out, const char **why, size_t *at)
{
    struct grower *g = cit_malloc(sizeof *g);
    struct cit_json_token t = { 0 };
    int err = CIT_OK;

    if (g == NULL)
        return CIT_ENOMEM;
    g->arena = a;
    g->name = cit_slice(NULL, 0);
    cit_json_init(&g->j, text);
    while (err == CIT_OK) {
        err = cit_json_next(&g->j, &t);
        if (err != CIT_OK || t.kind == CIT_JSON_END)
            break;
        err = take_token(g, &t);
    }
    if (err == CIT_OK)
        *out = g->root;
    if (err == CIT_EPROTO) {
        *why = g->j.why;
        *at = (size_t)(g->j.p - g->j.start);
    }
    cit_free(g);
    return err;
}
