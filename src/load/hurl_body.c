/* load/hurl_body.c - bodies: JSON, XML, strings of one or more lines, base64, hex and files. */
#include "load/journey_int.h"

#include <stdio.h>

bool cit__hurl_is_body(const struct cit__hurl *h)
{
    static const char *const words[] = { "base64,", "hex,", "file,", "true", "false", "null" };

    if (h->p == h->end)
        return false;
    if (strchr("{[\"`<-0123456789", *h->p) != NULL && *h->p != '\0')
        return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (cit__hurl_at(h, words[i]))
            return true;
    return false;
}

/* ---- bytes ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The value of a digit of base 16 or 64; -1 for none. */
static int digit_of(int base, char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    if (base == 64)
        return at != NULL ? (int)(at - digits) : -1;
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* Of a base of 16 or 64, from..to; blanks anywhere.  Bits are gathered until a byte is whole. */
static int decode(struct cit__hurl *h, int base, const char *from, const char *to, struct cit_slice *out)
{
    int err, width = base == 64 ? 6 : 4, have = 0;
    char *p = cit__hurl_take(h, (size_t)(to - from) + 1, &err);
    size_t n = 0, count = 0;
    uint32_t bits = 0;
    bool is_padded = false;

    for (const char *c = from; p != NULL && c < to; c++) {
        int digit = digit_of(base, *c);

        if (is_blank(*c))
            continue;
        is_padded = is_padded || (base == 64 && *c == '=' && count % 4 >= 2);
        if (is_padded ? *c != '=' : digit < 0)
            return cit__hurl_fault(h, c, CIT_EINVAL, "%s is no %s digit", cit__hurl_show(cit_slice(c, 1)).text,
                                   base == 64 ? "base64" : "hexadecimal");
        if (is_padded)
            continue;
        count++;
        bits = (bits << width | (uint32_t)digit) & 0xffff;
        have += width;
        if (have >= 8) {
            have -= 8;
            p[n++] = (char)(bits >> have & 0xff);
        }
    }
    if (p != NULL && (base == 64 ? count % 4 == 1 : count % 2 == 1))
        return cit__hurl_fault(h, from, CIT_EINVAL, "the last %s digit stands alone",
                               base == 64 ? "base64" : "hexadecimal");
    if (p != NULL)
        *out = cit_slice(p, n);
    return err;
}

int cit__hurl_bytes(struct cit__hurl *h, struct cit_slice *bytes)
{
    int base = cit__hurl_at(h, "base64,") ? 64 : 16, err;
    const char *open = h->p, *close;
    struct cit_slice name;

    if (cit__hurl_at(h, "file,"))
        return cit__hurl_file(h, &name, bytes);
    h->p += strlen(base == 64 ? "base64," : "hex,");
    close = memchr(h->p, ';', (size_t)(h->end - h->p));
    if (close == NULL)
        return cit__hurl_fault(h, open, CIT_EINVAL, "the bytes that begin here have no closing ;");
    err = decode(h, base, h->p, close, bytes);
    h->p = close + 1;
    return err;
}

/* ---- strings over lines ---- */

/* What stands behind ``` */
#define HINTS(X)          \
    X(JSON, "json")       \
    X(XML, "xml")         \
    X(GRAPHQL, "graphql") \
    X(HEX, "hex")         \
    X(BASE64, "base64")   \
    X(ESCAPE, "escape")   \
    X(NOVARIABLE, "novariable")

enum hint {
#define HINT_ENUM(id, name) HINT_##id,
    HINTS(HINT_ENUM)
#undef HINT_ENUM
        HINT_COUNT
};

static const char *const hint_names[] = {
#define HINT_NAME(id, name) name,
    HINTS(HINT_NAME)
#undef HINT_NAME
};

struct fence {
    const char *open;
    bool has[HINT_COUNT];
};

/* "json,escape" and the end of the line. */
static int read_hints(struct cit__hurl *h, struct fence *f)
{
    while (!cit__hurl_at_eol(h) && *h->p != ' ' && *h->p != '\t') {
        const char *at = h->p;
        struct cit_slice word = cit__hurl_word(h);
        int i = 0;

        while (i < HINT_COUNT && !cit_slice_eq(word, cit_slice_str(hint_names[i])))
            i++;
        if (i == HINT_COUNT && (word.n > 0 || *h->p != ','))
            return cit__hurl_expected(h, at,
                                      "json, xml, graphql, hex, base64, escape, novariable or nothing behind ```");
        if (i < HINT_COUNT)
            f->has[i] = true;
        if (!cit__hurl_at_eol(h) && *h->p == ',')
            h->p++;
    }
    return cit__hurl_line_end(h, "");
}

static int not_closed(struct cit__hurl *h, const char *open)
{
    return cit__hurl_fault(h, open, CIT_EINVAL, "the text that begins here has no closing ```");
}

/* A piece of GraphQL as part of a JSON string. */
static int escape_json(struct cit__hurl *h, struct cit_slice text, struct cit_slice *out)
{
    int err;
    char *p = cit__hurl_take(h, text.n * 6 + 1, &err);
    size_t n = 0;

    for (size_t i = 0; p != NULL && i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c == '"' || c == '\\')
            p[n++] = '\\';
        if (c >= 0x20)
            p[n++] = (char)c;
        else
            n += (size_t)snprintf(p + n, 7, "\\u%04x", c);
    }
    if (p != NULL)
        *out = cit_slice(p, n);
    return err;
}

/* Where a line "variables {" begins; `to` when none does. */
static const char *find_variables(const char *from, const char *to)
{
    static const char word[] = "variables";
    const size_t n = sizeof word - 1;

    for (const char *p = from, *nl; p < to; p = nl + 1) {
        if ((size_t)(to - p) > n && memcmp(p, word, n) == 0) {
            const char *at = p + n;

            while (at < to && is_blank(*at))
                at++;
            if (at < to && *at == '{')
                return p;
        }
        nl = memchr(p, '\n', (size_t)(to - p));
        if (nl == NULL)
            break;
    }
    return to;
}

/* What was expected is told together with what is there. */
static int bad_markup(struct cit__hurl *h, const char *at, const char *why)
{
    static const char expected[] = "expected ";

    if (strncmp(why, expected, sizeof expected - 1) == 0)
        return cit__hurl_expected(h, at, why + sizeof expected - 1);
    return cit__hurl_fault(h, at, CIT_EINVAL, "%s", why);
}

static int check_variables(struct cit__hurl *h, const char *from, const char *to)
{
    const char *why, *at, *end = cit__hurl_json_end(from, to, &why, &at);

    if (end == NULL)
        return bad_markup(h, at, why);
    while (end < to && is_blank(*end))
        end++;
    return end == to ? CIT_OK : cit__hurl_expected(h, end, "``` behind the variables of GraphQL");
}

/* {"query":"...","variables":{...}} out of the two, which have variables of ours in them. */
static int join_graphql(struct cit__hurl *h, const struct cit_tmpl *query, const struct cit_tmpl *vars,
                        struct cit_tmpl *out)
{
    static const char *const around[] = { "{\"query\":\"", "\"", ",\"variables\":", "}" };
    struct cit_tmpl t = { 0 };
    int err;

    t.piece = cit__hurl_take(h, (query->n + vars->n + 4) * sizeof *t.piece, &err);
    if (t.piece == NULL)
        return err;
    t.piece[t.n++] = (struct cit_tmpl_piece){ CIT_TMPL_TEXT, cit_slice_str(around[0]) };
    for (uint32_t i = 0; i < query->n && err == CIT_OK; i++) {
        t.piece[t.n] = query->piece[i];
        if (query->piece[i].var == CIT_TMPL_TEXT)
            err = escape_json(h, query->piece[i].text, &t.piece[t.n].text);
        t.n++;
    }
    t.piece[t.n++] = (struct cit_tmpl_piece){ CIT_TMPL_TEXT, cit_slice_str(around[1]) };
    if (vars->n > 0)
        t.piece[t.n++] = (struct cit_tmpl_piece){ CIT_TMPL_TEXT, cit_slice_str(around[2]) };
    for (uint32_t i = 0; i < vars->n; i++)
        t.piece[t.n++] = vars->piece[i];
    t.piece[t.n++] = (struct cit_tmpl_piece){ CIT_TMPL_TEXT, cit_slice_str(around[3]) };
    *out = t;
    return err;
}

static int graphql(struct cit__hurl *h, const char *close, struct cit_tmpl *out)
{
    const char *vars_at = find_variables(h->p, close), *object = vars_at;
    struct cit_tmpl query, vars = { 0 };
    int err = cit__hurl_raw(h, h->p, vars_at, &query);

    if (err == CIT_OK && vars_at < close) {
        while (*object != '{')
            object++;
        err = check_variables(h, object, close);
        if (err == CIT_OK)
            err = cit__hurl_raw(h, object, close, &vars);
    }
    return err == CIT_OK ? join_graphql(h, &query, &vars, out) : err;
}

/* Behind ``` and its hints, to the closing ```. */
static int fenced(struct cit__hurl *h, const struct fence *f, struct cit__hurl_content *out)
{
    const char *close = memmem(h->p, (size_t)(h->end - h->p), "```", 3);
    int err;

    if (close == NULL)
        return not_closed(h, f->open);
    if (f->has[HINT_HEX] || f->has[HINT_BASE64]) {
        out->kind = CIT_BODY_BYTES;
        err = decode(h, f->has[HINT_HEX] ? 16 : 64, h->p, close, &out->bytes);
    } else if (f->has[HINT_GRAPHQL]) {
        err = graphql(h, close, &out->text);
    } else if (f->has[HINT_ESCAPE]) {
        err = cit__hurl_text(h, f->has[HINT_NOVARIABLE] ? CIT__LINES_FIXED : CIT__LINES, &out->text);
        close = h->p; /* an escaped ` is no end */
        if (err == CIT_OK && !cit__hurl_at(h, "```"))
            return not_closed(h, f->open);
    } else if (f->has[HINT_NOVARIABLE]) {
        err = cit__hurl_verbatim(h, h->p, close, &out->text);
    } else {
        err = cit__hurl_raw(h, h->p, close, &out->text);
    }
    if (err == CIT_OK)
        h->p = close + 3;
    return err;
}

static int multiline(struct cit__hurl *h, struct cit__hurl_content *out)
{
    struct fence f = { .open = h->p };
    const char *eol, *close;
    int err;

    h->p += 3;
    eol = memchr(h->p, '\n', (size_t)(h->end - h->p));
    close = memmem(h->p, (size_t)(h->end - h->p), "```", 3);
    if (close != NULL && (eol == NULL || close < eol)) { /* an older form: all on one line */
        err = cit__hurl_raw(h, h->p, close, &out->text);
        h->p = close + 3;
        return err;
    }
    err = read_hints(h, &f);
    if (err != CIT_OK)
        return err;
    if (f.has[HINT_JSON] || f.has[HINT_GRAPHQL])
        out->type = CIT_SLICE_LIT("application/json");
    else if (f.has[HINT_XML])
        out->type = CIT_SLICE_LIT("application/xml");
    return fenced(h, &f, out);
}

/* ---- JSON and XML ---- */

static int measured(struct cit__hurl *h, struct cit__hurl_content *out)
{
    bool is_xml = *h->p == '<';
    const char *why, *at;
    const char *end = is_xml ? cit__hurl_xml_end(h->p, h->end, &why, &at) : cit__hurl_json_end(h->p, h->end, &why, &at);
    int err;

    if (end == NULL)
        return bad_markup(h, at, why);
    err = cit__hurl_raw(h, h->p, end, &out->text);
    out->type = is_xml ? CIT_SLICE_LIT("application/xml") : CIT_SLICE_LIT("application/json");
    h->p = end;
    return err;
}

int cit__hurl_body(struct cit__hurl *h, struct cit__hurl_content *out)
{
    *out = (struct cit__hurl_content){ .kind = CIT_BODY_TEXT };
    if (cit__hurl_at(h, "```"))
        return multiline(h, out);
    if (*h->p == '`')
        return cit__hurl_text(h, CIT__ONELINE, &out->text);
    if (cit__hurl_at(h, "base64,") || cit__hurl_at(h, "hex,") || cit__hurl_at(h, "file,")) {
        out->kind = CIT_BODY_BYTES;
        return cit__hurl_bytes(h, &out->bytes);
    }
    return measured(h, out);
}
