/* load/html.c - cuts HTML into tags and texts. */
#include "load/html_int.h"

#include <string.h>

/* ---- elements ---- */

enum {
    VOID = CIT__EL_VOID,
    RAW = CIT__EL_RAW,
    REFS = CIT__EL_REFS,
    SPECIAL = CIT__EL_SPECIAL,
    SCOPE = CIT__EL_SCOPE,
    CLOSES_P = CIT__EL_CLOSES_P,
    WEAK = CIT__EL_WEAK,
    BLOCK = SPECIAL | CLOSES_P,
    CELL = SPECIAL | SCOPE | CIT__EL_PART | CIT__EL_CELL,
    SECTION = SPECIAL | CIT__EL_PART | CIT__EL_SECTION
};

struct known {
    char name[11];
    uint8_t n;
    uint32_t flags;
};

#define EL(name, flags)                 \
    {                                   \
        name, sizeof(name) - 1, (flags) \
    }

/* Those the standard names in 13.2.4.2 (special), 13.1.2 (void, raw) and 13.2.6.4.7 (what ends a p). */
static const struct known of_a[] = { EL("address", BLOCK | WEAK), EL("area", SPECIAL | VOID),    EL("article", BLOCK),
                                     EL("aside", BLOCK),          EL("applet", SPECIAL | SCOPE), EL("", 0) };
static const struct known of_b[] = {
    EL("br", SPECIAL | VOID),   EL("body", SPECIAL | CIT__EL_IGNORED_END | CIT__EL_BODY),
    EL("base", SPECIAL | VOID), EL("button", SPECIAL),
    EL("blockquote", BLOCK),    EL("", 0)
};
static const struct known of_c[] = { EL("col", SPECIAL | VOID), EL("center", BLOCK),
                                     EL("caption", SPECIAL | SCOPE | CIT__EL_PART),
                                     EL("colgroup", SPECIAL | CIT__EL_PART), EL("", 0) };
static const struct known of_d[] = {
    EL("div", BLOCK | WEAK), EL("dd", BLOCK | CIT__EL_DD), EL("dt", BLOCK | CIT__EL_DD), EL("dl", BLOCK),
    EL("dir", BLOCK),        EL("details", BLOCK),         EL("dialog", BLOCK),          EL("", 0)
};
static const struct known of_e[] = { EL("embed", SPECIAL | VOID), EL("", 0) };
static const struct known of_f[] = { EL("form", BLOCK),       EL("footer", BLOCK),
                                     EL("fieldset", BLOCK),   EL("figure", BLOCK),
                                     EL("figcaption", BLOCK), EL("frame", SPECIAL | VOID),
                                     EL("frameset", SPECIAL), EL("", 0) };
static const struct known of_h[] = { EL("h1", BLOCK),
                                     EL("h2", BLOCK),
                                     EL("h3", BLOCK),
                                     EL("h4", BLOCK),
                                     EL("h5", BLOCK),
                                     EL("h6", BLOCK),
                                     EL("hr", BLOCK | VOID),
                                     EL("head", SPECIAL | CIT__EL_HEAD),
                                     EL("html", SPECIAL | SCOPE | CIT__EL_TABLE | CIT__EL_IGNORED_END),
                                     EL("header", BLOCK),
                                     EL("hgroup", BLOCK),
                                     EL("", 0) };
static const struct known of_i[] = { EL("input", SPECIAL | VOID), EL("img", SPECIAL | VOID),
                                     EL("iframe", SPECIAL | RAW), EL("", 0) };
static const struct known of_l[] = { EL("li", BLOCK | CIT__EL_LI), EL("link", SPECIAL | VOID), EL("listing", BLOCK),
                                     EL("", 0) };
static const struct known of_m[] = { EL("meta", SPECIAL | VOID),     EL("main", BLOCK),           EL("menu", BLOCK),
                                     EL("marquee", SPECIAL | SCOPE), EL("math", CIT__EL_FOREIGN), EL("", 0) };
static const struct known of_n[] = { EL("nav", BLOCK), EL("noscript", SPECIAL), EL("noembed", SPECIAL | RAW),
                                     EL("noframes", SPECIAL | RAW), EL("", 0) };
static const struct known of_o[] = { EL("option", CIT__EL_OPTION), EL("ol", BLOCK), EL("optgroup", CIT__EL_OPTGROUP),
                                     EL("object", SPECIAL | SCOPE), EL("", 0) };
static const struct known of_p[] = { EL("p", BLOCK | WEAK | CIT__EL_P), EL("pre", BLOCK), EL("param", SPECIAL | VOID),
                                     EL("", 0) };
static const struct known of_s[] = { EL("script", SPECIAL | RAW), EL("style", SPECIAL | RAW),   EL("section", BLOCK),
                                     EL("select", SPECIAL),       EL("source", SPECIAL | VOID), EL("summary", BLOCK),
                                     EL("svg", CIT__EL_FOREIGN),  EL("search", BLOCK),          EL("", 0) };
static const struct known of_t[] = { EL("td", CELL),
                                     EL("tr", SPECIAL | CIT__EL_PART | CIT__EL_ROW),
                                     EL("th", CELL),
                                     EL("tbody", SECTION),
                                     EL("table", BLOCK | SCOPE | CIT__EL_TABLE | CIT__EL_PART),
                                     EL("thead", SECTION),
                                     EL("tfoot", SECTION),
                                     EL("title", SPECIAL | RAW | REFS),
                                     EL("textarea", SPECIAL | RAW | REFS),
                                     EL("template", SPECIAL | SCOPE | CIT__EL_TABLE),
                                     EL("track", SPECIAL | VOID),
                                     EL("", 0) };
static const struct known of_u[] = { EL("ul", BLOCK), EL("", 0) };
static const struct known of_w[] = { EL("wbr", SPECIAL | VOID), EL("", 0) };
static const struct known of_x[] = { EL("xmp", BLOCK | RAW), EL("", 0) };

static const struct known *const of_letter[26] = { of_a, of_b, of_c, of_d, of_e, of_f, NULL, of_h, of_i,
                                                   NULL, NULL, of_l, of_m, of_n, of_o, of_p, NULL, NULL,
                                                   of_s, of_t, of_u, NULL, of_w, of_x, NULL, NULL };

static bool is_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

/* `lower` has letters and digits alone, which no other byte is taken for but for the case of letters. */
static bool is_name(const char *p, const char *lower, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != lower[i] && (!is_letter(p[i]) || (p[i] | 0x20) != lower[i]))
            return false;
    return true;
}

uint32_t cit__html_flags(struct cit_slice name)
{
    const struct known *k = name.n > 0 && is_letter(name.p[0]) ? of_letter[(name.p[0] | 0x20) - 'a'] : NULL;

    for (; k != NULL && k->n > 0; k++)
        if (k->n == name.n && is_name(name.p, k->name, name.n))
            return k->flags;
    return 0;
}

/* ---- attributes ---- */

enum { SPACE = 1, ENDS_NAME = 2 /* space / > = */ };

static const uint8_t class_of[256] = {
    ['\t'] = SPACE | ENDS_NAME, ['\n'] = SPACE | ENDS_NAME, ['\f'] = SPACE | ENDS_NAME, ['\r'] = SPACE | ENDS_NAME,
    [' '] = SPACE | ENDS_NAME,  ['/'] = ENDS_NAME,          ['>'] = ENDS_NAME,          ['='] = ENDS_NAME
};

static bool is(char c, uint8_t class)
{
    return (class_of[(unsigned char)c] & class) != 0;
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && is(*p, SPACE))
        p++;
    return p;
}

/* From the "=" at p on.  NULL when the text ends first. */
static const char *attribute_value(const char *p, const char *end, struct cit_slice *out)
{
    const char *start = p = skip_space(p + 1, end);

    if (p == end)
        return NULL;
    if (*p == '"' || *p == '\'') {
        start++;
        p = memchr(start, *p, (size_t)(end - start));
        if (p == NULL)
            return NULL;
        *out = cit_slice(start, (size_t)(p - start));
        return p + 1;
    }
    while (p < end && *p != '>' && !is(*p, SPACE))
        p++;
    *out = cit_slice(start, (size_t)(p - start));
    return p;
}

/* The next attribute from p on: where it ends; at the ">" with an empty name when there is none; NULL when the text
 * ends first. */
static inline const char *attribute(const char *p, const char *end, struct cit__html_attribute *out)
{
    const char *start;

    while (p < end && (is(*p, SPACE) || *p == '/'))
        p++;
    out->name = cit_slice(p, 0);
    out->value = cit_slice(p, 0);
    if (p == end)
        return NULL;
    if (*p == '>')
        return p;
    start = p++; /* a "=" here is part of the name */
    while (p < end && !is(*p, ENDS_NAME))
        p++;
    out->name.n = (size_t)(p - start);
    p = skip_space(p, end);
    if (p == end)
        return NULL;
    return *p == '=' ? attribute_value(p, end, &out->value) : p;
}

bool cit__html_attribute(struct cit_slice *rest, struct cit__html_attribute *out)
{
    const char *end = rest->p + rest->n + 1; /* the ">" of the tag, which `attributes` ends before */
    const char *p = attribute(rest->p, end, out);

    if (p == NULL || out->name.n == 0)
        return false;
    *rest = cit_slice(p, (size_t)(end - 1 - p));
    return true;
}

/* ---- what is passed over ---- */

/* Behind the next byte c, or the end. */
static const char *behind(const char *p, const char *end, char c)
{
    const char *at = memchr(p, c, (size_t)(end - p));

    return at != NULL ? at + 1 : end;
}

/* Behind the comment whose text begins at p: "-->", "--!>", or at once ">" or "->". */
static const char *behind_comment(const char *p, const char *end)
{
    const char *start = p;

    if (p < end && *p == '>')
        return p + 1;
    if (end - p > 1 && p[0] == '-' && p[1] == '>')
        return p + 2;
    while (p < end) {
        p = behind(p, end, '>');
        if (p[-1] == '>' && p - start >= 3 && memcmp(p - 3, "--", 2) == 0)
            return p;
        if (p[-1] == '>' && p - start >= 4 && memcmp(p - 4, "--!", 3) == 0)
            return p;
    }
    return end;
}

static bool begins_with(const char *p, const char *end, const char *text)
{
    size_t n = strlen(text);

    return (size_t)(end - p) >= n && memcmp(p, text, n) == 0;
}

/* "<" name and what ends a tag's name, or "</" name. */
static bool is_tag_of(const char *p, const char *end, struct cit_slice name)
{
    return (size_t)(end - p) > name.n && cit_slice_eq_nocase(cit_slice(p, name.n), name) && is(p[name.n], ENDS_NAME) &&
           p[name.n] != '=';
}

/* ---- raw texts ---- */

/* A script that hides itself in a comment, and has "<script" in there, goes on behind the next "</script>" (13.2.5.15
 * and on: the "double escaped" states). */
struct script {
    bool is_hidden, is_double;
};

static void see_script(struct script *s, const char *from, const char *lt, const char *end, struct cit_slice name)
{
    if (s->is_hidden && memmem(from, (size_t)(lt - from), "-->", 3) != NULL)
        *s = (struct script){ 0 };
    if (!s->is_hidden && begins_with(lt, end, "<!--"))
        s->is_hidden = true;
    else if (s->is_hidden && is_tag_of(lt + 1, end, name))
        s->is_double = true;
}

/* The "</" that ends the raw text from p on, or the end. */
static const char *raw_end(const char *p, const char *end, struct cit_slice name)
{
    bool is_script = name.n == 6 && cit__html_flags(name) == (SPECIAL | RAW) && (name.p[1] | 0x20) == 'c';
    struct script s = { 0 };
    const char *from = p;

    while ((p = memchr(p, '<', (size_t)(end - p))) != NULL) {
        if (is_script) {
            see_script(&s, from, p, end, name);
            /* the dashes of "<!--" may be those of "-->" */
            from = begins_with(p, end, "<!--") ? p + 2 : p;
        }
        if (end - p > 1 && p[1] == '/' && is_tag_of(p + 2, end, name)) {
            if (!s.is_double)
                return p;
            s.is_double = false;
        }
        p++;
    }
    return end;
}

/* ---- tokens ---- */

void cit__html_init(struct cit__html *h, struct cit_slice text, bool is_xml)
{
    if (text.n == 0)
        text.p = ""; /* no arithmetic on NULL */
    *h = (struct cit__html){ .p = text.p, .end = text.p + text.n, .is_xml = is_xml };
}

/* Whether the "<" at p begins anything but text. */
static bool is_markup(const char *p, const char *end)
{
    return end - p > 1 && (is_letter(p[1]) || p[1] == '/' || p[1] == '!' || p[1] == '?');
}

static void give_text(struct cit__html *h, const char *end, bool is_plain, struct cit__html_token *out)
{
    out->kind = CIT__HTML_TEXT;
    out->text = cit_slice(h->p, (size_t)(end - h->p));
    out->is_plain = is_plain;
    h->p = end;
}

/* Steps over what is no tag and no text at the "<".  True when a text was found inside. */
static bool pass_over(struct cit__html *h, struct cit__html_token *out)
{
    const char *at;

    if (begins_with(h->p, h->end, "<!--")) {
        h->p = behind_comment(h->p + 4, h->end);
        return false;
    }
    if ((h->is_xml || h->foreign > 0) && begins_with(h->p, h->end, "<![CDATA[")) {
        h->p += 9;
        at = memmem(h->p, (size_t)(h->end - h->p), "]]>", 3);
        give_text(h, at != NULL ? at : h->end, true, out);
        h->p += at != NULL ? 3 : 0;
        return true;
    }
    h->p = behind(h->p, h->end, '>');
    return false;
}

/* The name and the extent of the tag whose name begins at p.  False when it never ends. */
static bool read_tag(struct cit__html *h, const char *p, struct cit__html_token *out)
{
    const char *start = p;
    struct cit__html_attribute a;

    while (p < h->end && (!is(*p, ENDS_NAME) || *p == '='))
        p++;
    out->name = cit_slice(start, (size_t)(p - start));
    out->is_closed = false;
    start = p;
    a.name.n = p < h->end && *p == '>' ? 0 : 1; /* most tags have no attributes */
    while (a.name.n > 0) {
        const char *next = attribute(p, h->end, &a);

        if (next == NULL) {
            h->p = h->end;
            return false;
        }
        /* a "/" right before the ">", and no part of a value: nothing but it was passed over */
        out->is_closed = next > p && next[-1] == '/' && a.name.n == 0;
        p = next;
    }
    out->attributes = cit_slice(start, (size_t)(p - start));
    h->p = p + 1;
    out->flags = h->is_xml ? 0 : cit__html_flags(out->name);
    return true;
}

static void open_tag(struct cit__html *h, struct cit__html_token *out)
{
    out->kind = CIT__HTML_OPEN;
    if (h->is_xml)
        return;
    if (h->foreign > 0 && (out->flags & SPECIAL) != 0 && (out->flags & RAW) == 0)
        h->foreign = 0; /* 13.2.6.5: HTML's own elements end what svg and math began */
    if ((out->flags & CIT__EL_FOREIGN) != 0 && !out->is_closed)
        h->foreign++;
    if (h->foreign > 0)
        return;
    out->is_closed = (out->flags & VOID) != 0 || ((out->flags & CIT__EL_FOREIGN) != 0 && out->is_closed);
    if ((out->flags & RAW) != 0) {
        h->raw = out->name;
        h->raw_flags = out->flags;
    }
}

/* At a "<" that is_markup().  True when a token was made. */
static bool markup(struct cit__html *h, struct cit__html_token *out)
{
    if (is_letter(h->p[1])) {
        if (!read_tag(h, h->p + 1, out))
            return false;
        open_tag(h, out);
        return true;
    }
    if (h->p[1] != '/' || h->end - h->p < 3 || !is_letter(h->p[2]))
        return pass_over(h, out);
    if (!read_tag(h, h->p + 2, out))
        return false;
    out->kind = CIT__HTML_CLOSE;
    if ((out->flags & CIT__EL_FOREIGN) != 0 && h->foreign > 0)
        h->foreign--;
    return true;
}

void cit__html_next(struct cit__html *h, struct cit__html_token *out)
{
    const char *at;

    if (h->raw.n > 0) {
        bool has_refs = (h->raw_flags & REFS) != 0;

        at = raw_end(h->p, h->end, h->raw);
        h->raw = cit_slice(NULL, 0);
        if (at > h->p) {
            give_text(h, at, !has_refs, out);
            return;
        }
    }
    while (h->p < h->end) {
        at = h->p;
        while ((at = memchr(at, '<', (size_t)(h->end - at))) != NULL && !is_markup(at, h->end))
            at++;
        if (at != h->p) {
            give_text(h, at != NULL ? at : h->end, false, out);
            return;
        }
        if (markup(h, out))
            return;
    }
    out->kind = CIT__HTML_END;
}
