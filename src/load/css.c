/* load/css.c - CSS selectors: tag * #id .class [attr] [attr op value], "a b", "a > b", "a, b". */
#include <string.h>

#include "load/select_int.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void skip_space(struct cit__maker *m)
{
    while (m->p < m->end && is_space(*m->p))
        m->p++;
}

static bool take_char(struct cit__maker *m, char c)
{
    if (m->p == m->end || *m->p != c)
        return false;
    m->p++;
    return true;
}

static bool is_name(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           (unsigned char)c >= 0x80;
}

/* A name; \ takes the byte behind it as it is ("#a\:b"), which is all of CSS's escapes that ids need. */
static int name(struct cit__maker *m, const char *what, struct cit_slice *out)
{
    const char *start = m->p;
    char *text = cit_arena_take(m->arena, (size_t)(m->end - m->p) + 1, NULL);
    size_t n = 0;

    if (text == NULL)
        return CIT_ENOMEM;
    while (m->p < m->end && (is_name(*m->p) || (*m->p == '\\' && m->end - m->p > 1))) {
        m->p += *m->p == '\\';
        text[n++] = *m->p++;
    }
    if (n == 0)
        return cit__q_refuse(m, start, "%s is expected", what);
    *out = cit_slice(text, n);
    return CIT_OK;
}

static int quoted(struct cit__maker *m, struct cit_slice *out)
{
    const char *start = m->p, quote = *m->p++;
    char *text = cit_arena_take(m->arena, (size_t)(m->end - start), NULL);
    size_t n = 0;

    if (text == NULL)
        return CIT_ENOMEM;
    while (m->p < m->end && *m->p != quote) {
        m->p += *m->p == '\\' && m->end - m->p > 1;
        text[n++] = *m->p++;
    }
    if (!take_char(m, quote))
        return cit__q_refuse(m, start, "this quote is never closed");
    *out = cit_slice(text, n);
    return CIT_OK;
}

static int value(struct cit__maker *m, struct cit_slice *out)
{
    skip_space(m);
    if (m->p < m->end && (*m->p == '"' || *m->p == '\''))
        return quoted(m, out);
    return name(m, "a value, in quotes if it is more than a name,", out);
}

/* An operator up to its "=". */
static int operator(struct cit__maker *m, enum cit__cond_kind *out)
{
    static const char marks[] = "=^$*~|";
    static const enum cit__cond_kind kinds[] = { CIT__COND_IS,       CIT__COND_BEGINS, CIT__COND_ENDS,
                                                 CIT__COND_CONTAINS, CIT__COND_WORD,   CIT__COND_DASH };
    const char *mark = m->p < m->end ? memchr(marks, *m->p, sizeof marks - 1) : NULL;

    if (mark == NULL)
        return cit__q_refuse(m, m->p, "], =, ^=, $=, *=, ~= or |= is expected");
    m->p++;
    if (*mark != '=' && !take_char(m, '='))
        return cit__q_refuse(m, m->p, "= is expected");
    *out = kinds[mark - marks];
    return CIT_OK;
}

/* [name] or [name op value], behind the bracket. */
static int attribute(struct cit__building *b, const char *at)
{
    struct cit__cond c = { .kind = CIT__COND_HAS };
    int err;

    skip_space(b->m);
    err = name(b->m, "the name of an attribute", &c.name);
    skip_space(b->m);
    if (err == CIT_OK && (b->m->p == b->m->end || *b->m->p != ']')) {
        err = operator(b->m, &c.kind);
        if (err == CIT_OK)
            err = value(b->m, &c.value);
        skip_space(b->m);
    }
    if (err != CIT_OK)
        return err;
    if (!take_char(b->m, ']'))
        return cit__q_refuse(b->m, b->m->p, "a closing ] is expected");
    return cit__select_cond(b, &c, at);
}

static int id_or_class(struct cit__building *b, const char *at)
{
    bool is_id = *at == '#';
    struct cit__cond c = { .kind = is_id ? CIT__COND_IS : CIT__COND_WORD,
                           .name = is_id ? CIT_SLICE_LIT("id") : CIT_SLICE_LIT("class") };
    int err = name(b->m, is_id ? "an id" : "a class", &c.value);

    return err == CIT_OK ? cit__select_cond(b, &c, at) : err;
}

/* tag or *, and what follows it without a space. */
static int compound(struct cit__building *b)
{
    struct cit__maker *m = b->m;
    const char *start = m->p;
    int err = CIT_OK;

    if (!take_char(m, '*') && m->p < m->end && is_name(*m->p))
        err = name(m, "a tag", &b->tag);
    while (err == CIT_OK && m->p < m->end && memchr("#.[", *m->p, 3) != NULL) {
        const char *at = m->p++;

        err = *at == '[' ? attribute(b, at) : id_or_class(b, at);
    }
    if (err != CIT_OK)
        return err;
    if (m->p < m->end && *m->p == ':')
        return cit__q_refuse(m, m->p, "pseudo-classes are not part of the subset");
    return m->p > start ? CIT_OK : cit__q_refuse(m, m->p, "a tag, *, #id, .class or [attribute] is expected");
}

/* What stands between two compounds.  The end is '\0', ',' or, for one more compound, ' ' or '>'. */
static int combinator(struct cit__maker *m, char *out)
{
    bool has_space = m->p < m->end && is_space(*m->p);

    skip_space(m);
    *out = m->p < m->end ? *m->p : '\0';
    if (m->p < m->end && (*m->p == '+' || *m->p == '~'))
        return cit__q_refuse(m, m->p, "siblings are not part of the subset");
    if (*out == ',' || *out == '>') {
        m->p++;
        skip_space(m);
    } else if (m->p < m->end) {
        *out = ' ';
        if (!has_space)
            return cit__q_refuse(m, m->p, "this character has no place in a selector");
    }
    return CIT_OK;
}

int cit__css_new(struct cit__maker *m, struct cit_slice wanted, const struct cit__select **out)
{
    struct cit__building b;
    char before = ',', behind = '\0';
    int err = cit__select_init(&b, m);

    if (err != CIT_OK)
        return err;
    skip_space(m);
    do {
        const char *at = m->p;

        cit__select_begin(&b, before == ',', before == '>');
        err = compound(&b);
        if (err == CIT_OK)
            err = combinator(m, &behind);
        if (err == CIT_OK && wanted.n > 0 && (behind == ',' || behind == '\0'))
            err = cit__select_cond(&b, &(struct cit__cond){ .kind = CIT__COND_HAS, .name = wanted }, at);
        if (err == CIT_OK)
            err = cit__select_end(&b, at, behind == ',' || behind == '\0');
        before = behind;
    } while (err == CIT_OK && before != '\0');
    if (err != CIT_OK)
        return err;
    b.select->node = wanted.n > 0 ? CIT__NODE_ATTRIBUTE : CIT__NODE_ELEMENT;
    b.select->attribute = wanted;
    return cit__select_finish(&b, out);
}
