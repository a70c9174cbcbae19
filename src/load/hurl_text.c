/* load/hurl_text.c - the texts of a journey: keys, values and strings, their escapes and variables; integers. */
#include "load/journey_int.h"

#include <inttypes.h>

#include "load/utf8_int.h"

enum { HEX_MAX = 6 /* digits of \u{...} */ };

/* ---- what a kind of text is made of ---- */

static bool is_alnum(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
}

/* The published grammar's key-string-text; letters of all languages are let in, as stock hurl does. */
static bool is_key(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("_-.[]@$", c) != NULL) || (unsigned char)c >= 0x80;
}

static bool ends(enum cit__hurl_kind kind, char c)
{
    switch (kind) {
    case CIT__KEY:
        return !is_key(c);
    case CIT__VALUE:
        return c == '#';
    case CIT__QUOTED:
        return c == '"';
    case CIT__ONELINE:
        return c == '`';
    case CIT__FILE:
        return c == ';' || c == '#' || c == ' ' || c == '{' || c == '}';
    case CIT__USER:
        return c == ':' || c == '#';
    case CIT__LINES:
    case CIT__LINES_FIXED:
        break;
    }
    return false;
}

static const char *more_escapes(enum cit__hurl_kind kind)
{
    return kind == CIT__KEY || kind == CIT__USER ? ":" : kind == CIT__FILE ? "; {}" : "";
}

/* \u{...} at p: its length, 0 when it is none. */
static size_t unicode_len(const char *p, const char *end, uint32_t *code)
{
    const char *at = p + 3;

    *code = 0;
    if (end - p < 5 || p[2] != '{')
        return 0;
    for (; at < end && cit__hex_digit(*at) >= 0 && at - p - 3 < HEX_MAX; at++)
        *code = *code << 4 | (uint32_t)cit__hex_digit(*at);
    if (at == p + 3 || at == end || *at != '}' || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return (size_t)(at + 1 - p);
}

/* The escape at p, a backslash: how many bytes it has and which character it is; 0 when it is none. */
static size_t escape_len(enum cit__hurl_kind kind, const char *p, const char *end, uint32_t *code)
{
    static const char plain[] = "\"\\/`#bfnrt", means[] = "\"\\/`#\b\f\n\r\t";
    const char *at;

    if (p + 1 == end || p[1] == '\0')
        return 0;
    if (p[1] == 'u')
        return unicode_len(p, end, code);
    at = strchr(plain, p[1]);
    if (at != NULL) {
        *code = (unsigned char)means[at - plain];
        return 2;
    }
    *code = (unsigned char)p[1];
    return strchr(more_escapes(kind), p[1]) != NULL ? 2 : 0;
}

static int bad_escape(struct cit__hurl *h, enum cit__hurl_kind kind, const char *p)
{
    struct cit_slice seen = cit_slice(p, p + 1 < h->end && p[1] != '\n' && p[1] != '\r' ? 2 : 1);
    const char *hint = kind == CIT__QUOTED ? "; a backslash itself is \\\\, and patterns may stand between / and /"
                                           : "; a backslash itself is \\\\";

    if (seen.n == 2 && p[1] == 'u')
        return cit__hurl_fault(h, p, CIT_EINVAL,
                               "\\u is written \\u{1F600}, with one to six hexadecimal digits of a character");
    return cit__hurl_fault(h, p, CIT_EINVAL,
                           "%s is no escape: there are \\\" \\\\ \\/ \\` \\# \\b \\f \\n \\r \\t \\u{...}%s",
                           cit__hurl_show(seen).text, hint);
}

/* ---- finding the end ---- */

struct extent {
    const char *end;
    uint32_t templates;
};

static bool at_open(enum cit__hurl_kind kind, const char *p, const char *end)
{
    return kind != CIT__LINES_FIXED && end - p >= 2 && p[0] == '{' && p[1] == '{';
}

/* Behind the }} of the {{ at p, on the same line; else the end of the line, for cit_tmpl_parse to complain of. */
static const char *behind_template(const struct cit__hurl *h, const char *p)
{
    for (p += 2; p < h->end && *p != '\n'; p++)
        if (*p == '}' && p + 1 < h->end && p[1] == '}')
            return p + 2;
    return p;
}

static bool is_eol_at(const struct cit__hurl *h, const char *p)
{
    return p == h->end || *p == '\n' || (*p == '\r' && p + 1 < h->end && p[1] == '\n');
}

/* Where a text of this kind is over whatever it is made of. */
static bool is_over(const struct cit__hurl *h, enum cit__hurl_kind kind, const char *p)
{
    if (kind == CIT__LINES || kind == CIT__LINES_FIXED)
        return p == h->end || (h->end - p >= 3 && memcmp(p, "```", 3) == 0);
    return is_eol_at(h, p);
}

static int measure(struct cit__hurl *h, enum cit__hurl_kind kind, struct extent *x)
{
    const char *p = h->p;

    x->templates = 0;
    while (!is_over(h, kind, p)) {
        uint32_t code;

        if (at_open(kind, p, h->end)) {
            p = behind_template(h, p);
            x->templates++;
        } else if (*p == '\\') {
            size_t n = escape_len(kind, p, h->end, &code);

            if (n == 0)
                return bad_escape(h, kind, p);
            p += n;
        } else if (ends(kind, *p)) {
            break;
        } else {
            p++;
        }
    }
    if (kind == CIT__VALUE)
        while (p > h->p && (p[-1] == ' ' || p[-1] == '\t'))
            p--;
    x->end = p;
    return CIT_OK;
}

/* ---- making the pieces ---- */

/* Never longer than it is written. */
static int add_literal(struct cit__hurl *h, enum cit__hurl_kind kind, struct cit_slice raw, struct cit_tmpl *t)
{
    struct cit_slice text = raw;
    size_t n = 0;
    char *to;
    int err = CIT_OK;

    if (raw.n > 0 && memchr(raw.p, '\\', raw.n) != NULL) {
        to = cit__hurl_take(h, raw.n, &err);
        if (to == NULL)
            return err;
        for (size_t i = 0; i < raw.n;) {
            uint32_t code = (unsigned char)raw.p[i];
            size_t len = raw.p[i] == '\\' ? escape_len(kind, raw.p + i, raw.p + raw.n, &code) : 0;

            if (len == 0)
                to[n++] = raw.p[i++];
            else
                n += cit__utf8_put(to + n, code);
            i += len;
        }
        text = cit_slice(to, n);
    }
    if (text.n > 0)
        t->piece[t->n++] = (struct cit_tmpl_piece){ CIT_TMPL_TEXT, text };
    return CIT_OK;
}

int cit__hurl_raw(struct cit__hurl *h, const char *from, const char *to, struct cit_tmpl *out)
{
    const char *why = "";
    size_t at = 0;
    int err = cit_tmpl_parse(cit_slice(from, (size_t)(to - from)), &h->m, out, &why, &at);

    if (err == CIT_EINVAL)
        return cit__hurl_fault(h, from + at, err, "%s", why);
    if (err == CIT_ELIMIT)
        return cit__hurl_fault(h, from, err, "there are more than %d variables, or more text than a plan may have",
                               CIT_NAMES_MAX);
    return err;
}

int cit__hurl_verbatim(struct cit__hurl *h, const char *from, const char *to, struct cit_tmpl *out)
{
    struct cit_tmpl t = { 0 };
    int err = CIT_OK;

    if (to > from) {
        t.piece = cit__hurl_take(h, sizeof *t.piece, &err);
        if (t.piece == NULL)
            return err;
        t.piece[t.n++] = (struct cit_tmpl_piece){ CIT_TMPL_TEXT, cit_slice(from, (size_t)(to - from)) };
    }
    *out = t;
    return err;
}

static int add_template(struct cit__hurl *h, struct cit_slice raw, struct cit_tmpl *t)
{
    struct cit_tmpl one;
    int err = cit__hurl_raw(h, raw.p, raw.p + raw.n, &one);

    if (err == CIT_OK)
        t->piece[t->n++] = one.piece[0];
    return err;
}

static int build(struct cit__hurl *h, enum cit__hurl_kind kind, const struct extent *x, struct cit_tmpl *out)
{
    struct cit_tmpl t = { 0 };
    const char *from = h->p;
    int err;

    t.piece = cit__hurl_take(h, (x->templates * 2 + 1) * sizeof *t.piece, &err);
    while (err == CIT_OK && from < x->end) {
        const char *p = from;

        while (p < x->end && !at_open(kind, p, x->end))
            p += *p == '\\' && p + 1 < x->end ? 2 : 1;
        err = add_literal(h, kind, cit_slice(from, (size_t)(p - from)), &t);
        if (err != CIT_OK || p == x->end)
            break;
        from = behind_template(h, p);
        err = add_template(h, cit_slice(p, (size_t)(from - p)), &t);
    }
    if (err == CIT_OK)
        *out = t;
    return err;
}

int cit__hurl_text(struct cit__hurl *h, enum cit__hurl_kind kind, struct cit_tmpl *out)
{
    const char *open = h->p;
    bool is_closed = kind == CIT__QUOTED || kind == CIT__ONELINE;
    struct extent x = { 0 };
    int err;

    h->p += is_closed;
    err = measure(h, kind, &x);
    if (err == CIT_OK && is_closed && (x.end == h->end || *x.end != *open))
        return cit__hurl_fault(h, open, CIT_EINVAL, "the string that begins here has no closing %c on its line", *open);
    if (err == CIT_OK)
        err = build(h, kind, &x, out);
    if (err == CIT_OK)
        h->p = x.end + is_closed;
    return err;
}

int cit__hurl_fixed(struct cit__hurl *h, enum cit__hurl_kind kind, const char *what, struct cit_slice *out)
{
    const char *at = h->p;
    struct cit_tmpl t;
    int err = cit__hurl_text(h, kind, &t);

    if (err == CIT_OK && !cit_tmpl_is_fixed(&t, out))
        return cit__hurl_fault(h, at, CIT_EINVAL, "%s is the same for all users: it can hold no {{variables}}", what);
    return err;
}

/* ---- pairs ---- */

bool cit__hurl_is_pair(const struct cit__hurl *h)
{
    const char *p = h->p;

    if (p == h->end || *p == '[')
        return false;
    while (p < h->end && *p != '\n') {
        uint32_t code;

        if (at_open(CIT__KEY, p, h->end))
            p = behind_template(h, p);
        else if (*p == '\\' && p + 1 < h->end) /* a wrong one is complained of when the pair is read */
            p += escape_len(CIT__KEY, p, h->end, &code) > 0 ? escape_len(CIT__KEY, p, h->end, &code) : 2;
        else if (is_key(*p))
            p++;
        else
            break;
    }
    if (p == h->p)
        return false;
    while (p < h->end && (*p == ' ' || *p == '\t'))
        p++;
    return p < h->end && *p == ':';
}

int cit__hurl_pair(struct cit__hurl *h, struct cit_pair *out)
{
    int err;

    *out = (struct cit_pair){ .line = cit__hurl_line_of(h, h->p) };
    err = cit__hurl_text(h, CIT__KEY, &out->name);
    if (err != CIT_OK)
        return err;
    cit__hurl_skip_sp(h);
    if (h->p == h->end || *h->p != ':')
        return cit__hurl_expected(h, h->p, "a colon");
    h->p++;
    cit__hurl_skip_sp(h);
    return cit__hurl_text(h, CIT__VALUE, &out->value);
}

int cit__hurl_add_pair(struct cit__hurl *h, struct cit_pair **pairs, uint32_t *n)
{
    struct cit_pair one;
    int err = cit__hurl_pair(h, &one);

    if (err == CIT_OK)
        err = cit__hurl_line_end(h, "");
    if (err == CIT_OK)
        *pairs = cit__hurl_more(h, *pairs, *n, sizeof **pairs, &err);
    if (err == CIT_OK)
        (*pairs)[(*n)++] = one;
    return err;
}

int cit__hurl_check_line(struct cit__hurl *h, const struct cit_tmpl *t, const char *at, const char *what)
{
    for (uint32_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < t->piece[i].text.n; k++) {
            char c = t->piece[i].text.p[k];

            if (c == '\r' || c == '\n' || c == '\0')
                return cit__hurl_fault(h, at, CIT_EINVAL, "%s can hold no line break and no NUL", what);
        }
    return CIT_OK;
}

/* RFC 9110 5.6.2 */
static bool is_token(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

int cit__hurl_check_field(struct cit__hurl *h, const struct cit_pair *f, const char *at)
{
    static const char *const ours[] = { "Content-Length", "Transfer-Encoding" };
    struct cit_slice name = { 0 };

    for (uint32_t i = 0; i < f->name.n; i++)
        for (size_t k = 0; k < f->name.piece[i].text.n; k++)
            if (!is_token(f->name.piece[i].text.p[k]))
                return cit__hurl_fault(h, at, CIT_EINVAL, "the name of a field has letters, digits and -, not %s",
                                       cit__hurl_show(cit_slice(f->name.piece[i].text.p + k, 1)).text);
    if (cit_tmpl_is_fixed(&f->name, &name))
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            if (cit_slice_eq_nocase(name, cit_slice_str(ours[i])))
                return cit__hurl_fault(h, at, CIT_EINVAL, "%s is made from the body, and can't be set", ours[i]);
    return cit__hurl_check_line(h, &f->value, at, "the value of a field");
}

/* ---- integers ---- */

int cit__hurl_integer(struct cit__hurl *h, int64_t least, int64_t most, int64_t *out)
{
    const char *at = h->p;
    bool is_negative = h->p < h->end && *h->p == '-';
    struct cit_slice digits;
    unsigned long long u;
    int64_t value;

    h->p += is_negative;
    digits.p = h->p;
    while (h->p < h->end && *h->p >= '0' && *h->p <= '9')
        h->p++;
    digits.n = (size_t)(h->p - digits.p);
    if (digits.n == 0) {
        h->p = at;
        return cit__hurl_expected(h, at, "a whole number");
    }
    if (!cit_slice_u64(digits, &u) || u > INT64_MAX)
        u = INT64_MAX;
    value = is_negative ? -(int64_t)u : (int64_t)u;
    if (u == INT64_MAX || value < least || value > most)
        return cit__hurl_fault(h, at, CIT_EINVAL, "%s is not between %" PRId64 " and %" PRId64,
                               cit__hurl_show(cit_slice(at, (size_t)(h->p - at))).text, least, most);
    *out = value;
    return CIT_OK;
}
