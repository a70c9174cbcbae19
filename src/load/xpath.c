/* load/xpath.c - the XPaths that journeys use.
 *
 *      whole = function "(" whole ")" | path      function = string, normalize-space, count, boolean
 *      path  = ("/" | "//") step ... ["/" "@" name | "/" "text()"]
 *      step  = (name | "*") {"[" test {"and" test} "]"}
 *      test  = number | @name [= text] | contains(@name, text) | starts-with(@name, text)
 *
 * Anything else is refused where it stands: XPath is a large language, and a wrong answer is worse
 * than none.
 */
#include <string.h>

#include "load/select_int.h"

static void skip_space(struct cit__maker *m)
{
    while (m->p < m->end && (*m->p == ' ' || *m->p == '\t' || *m->p == '\n' || *m->p == '\r'))
        m->p++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || is_digit(c) || c == '_' || c == '-' || c == '.' ||
           (unsigned char)c >= 0x80;
}

/* The text, and spaces behind it. */
static bool take(struct cit__maker *m, const char *text)
{
    size_t n = strlen(text);

    if ((size_t)(m->end - m->p) < n || memcmp(m->p, text, n) != 0)
        return false;
    m->p += n;
    skip_space(m);
    return true;
}

/* The same for a word that is not the beginning of a longer one. */
static bool take_word(struct cit__maker *m, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(m->end - m->p) > n && is_name(m->p[n]))
        return false;
    return take(m, word);
}

static int expect(struct cit__maker *m, const char *text)
{
    return take(m, text) ? CIT_OK : cit__q_refuse(m, m->p, "%s is expected", text);
}

/* A name, with a prefix it may have in XML. */
static int name(struct cit__maker *m, const char *what, struct cit_slice *out)
{
    const char *start = m->p;

    if (m->p < m->end && (*m->p == '.' || *m->p == '-' || is_digit(*m->p)))
        return cit__q_refuse(m, start, "%s is expected", what);
    while (m->p < m->end && (is_name(*m->p) || *m->p == ':'))
        m->p++;
    if (m->p == start)
        return cit__q_refuse(m, start, "%s is expected", what);
    *out = cit_slice(start, (size_t)(m->p - start));
    if (memmem(out->p, out->n, "::", 2) != NULL)
        return cit__q_refuse(m, start, "axes are not part of the subset");
    if (m->p < m->end && *m->p == '(')
        return cit__q_refuse(m, start, "this function is not part of the subset");
    skip_space(m);
    return CIT_OK;
}

static int literal(struct cit__maker *m, struct cit_slice *out)
{
    const char *start = m->p, *end;

    if (start == m->end || (*start != '\'' && *start != '"'))
        return cit__q_refuse(m, start, "a text in quotes is expected");
    end = memchr(start + 1, *start, (size_t)(m->end - start - 1));
    if (end == NULL)
        return cit__q_refuse(m, start, "this quote is never closed");
    *out = cit_slice(start + 1, (size_t)(end - start - 1));
    m->p = end + 1;
    skip_space(m);
    return CIT_OK;
}

/* ---- tests ---- */

static int position(struct cit__maker *m, struct cit__cond *c)
{
    const char *start = m->p;
    unsigned long long n;

    while (m->p < m->end && is_digit(*m->p))
        m->p++;
    if (!cit_slice_u64(cit_slice(start, (size_t)(m->p - start)), &n) || n == 0 || n > UINT32_MAX)
        return cit__q_refuse(m, start, "positions count from 1");
    c->kind = CIT__COND_POSITION;
    c->n = (uint32_t)n;
    skip_space(m);
    return CIT_OK;
}

/* contains(@name, text) and starts-with(@name, text), behind the bracket. */
static int call(struct cit__maker *m, struct cit__cond *c)
{
    const char *at;
    int err = expect(m, "@");

    if (err == CIT_OK)
        err = name(m, "the name of an attribute", &c->name);
    if (err == CIT_OK)
        err = expect(m, ",");
    at = m->p;
    if (err == CIT_OK)
        err = literal(m, &c->value);
    if (err == CIT_OK && c->value.n == 0)
        err = cit__q_refuse(m, at, "the empty text is in everything");
    return err == CIT_OK ? expect(m, ")") : err;
}

static int attribute_test(struct cit__maker *m, struct cit__cond *c)
{
    int err = name(m, "the name of an attribute", &c->name);

    c->kind = CIT__COND_HAS;
    if (err != CIT_OK || !take(m, "="))
        return err;
    c->kind = CIT__COND_IS;
    return literal(m, &c->value);
}

static int test(struct cit__maker *m, struct cit__cond *c)
{
    if (m->p < m->end && is_digit(*m->p))
        return position(m, c);
    if (take(m, "@"))
        return attribute_test(m, c);
    if (take(m, "contains(")) {
        c->kind = CIT__COND_CONTAINS;
        return call(m, c);
    }
    if (take(m, "starts-with(")) {
        c->kind = CIT__COND_BEGINS;
        return call(m, c);
    }
    return cit__q_refuse(m, m->p, "a position, @name, contains(@name, ...) or starts-with(@name, ...) is expected");
}

static int predicate(struct cit__building *b)
{
    struct cit__maker *m = b->m;
    const char *start = m->p;
    int err;

    do {
        struct cit__cond c = { 0 };
        const char *at = m->p;

        err = test(m, &c);
        if (err == CIT_OK)
            err = cit__select_cond(b, &c, at);
        if (err == CIT_OK && c.kind == CIT__COND_POSITION && (at > start || (m->p < m->end && *m->p == 'a')))
            err = cit__q_refuse(m, at, "a position stands in brackets of its own");
    } while (err == CIT_OK && take_word(m, "and"));
    if (err == CIT_OK && take_word(m, "or"))
        return cit__q_refuse(m, m->p, "\"or\" is not part of the subset");
    return err == CIT_OK ? expect(m, "]") : err;
}

/* ---- paths ---- */

/* Whether what comes is no element but an end of the path, "@name" or "text()". */
static int path_end(struct cit__building *b, bool *is_end)
{
    struct cit__select *s = b->select;
    struct cit__maker *m = b->m;

    *is_end = true;
    if (take(m, "text()")) {
        s->node = CIT__NODE_TEXT;
        return CIT_OK;
    }
    if (take(m, "@")) {
        s->node = CIT__NODE_ATTRIBUTE;
        return name(m, "the name of an attribute", &s->attribute);
    }
    *is_end = false;
    return CIT_OK;
}

static int step(struct cit__building *b)
{
    struct cit__maker *m = b->m;
    int err = CIT_OK;

    if (m->p < m->end && *m->p == '.')
        return cit__q_refuse(m, m->p, "\".\" and \"..\" are not part of the subset");
    if (!take(m, "*"))
        err = name(m, "the name of an element, or *,", &b->tag);
    while (err == CIT_OK && take(m, "["))
        err = predicate(b);
    return err;
}

/* The part that was read is now known to be the last one, or not. */
static int end_part(struct cit__building *b, const char *at, bool is_last)
{
    struct cit__cond has = { .kind = CIT__COND_HAS, .name = b->select->attribute };
    int err = CIT_OK;

    if (is_last && b->select->node == CIT__NODE_ATTRIBUTE)
        err = cit__select_cond(b, &has, at);
    return err == CIT_OK ? cit__select_end(b, at, is_last) : err;
}

static int path(struct cit__building *b)
{
    struct cit__maker *m = b->m;
    bool is_end = false, is_first = true;
    int err = CIT_OK;

    do {
        const char *at = m->p;
        bool is_deep = take(m, "//");

        if (!is_deep && !take(m, "/"))
            return cit__q_refuse(m, m->p, "a path begins with / or //");
        if (!is_first)
            err = path_end(b, &is_end);
        if (err == CIT_OK && is_end && is_deep)
            err = cit__q_refuse(m, at, "here / is expected");
        if (err == CIT_OK && !is_first)
            err = end_part(b, at, is_end);
        if (err != CIT_OK || is_end)
            return err;
        cit__select_begin(b, is_first, !is_deep);
        err = step(b);
        is_first = false;
    } while (err == CIT_OK && m->p < m->end && *m->p == '/');
    return err == CIT_OK ? end_part(b, m->p, true) : err;
}

/* Functions around a path: one, or one of the pairs that mean something. */
static int functions(struct cit__maker *m, enum cit__function *out, uint32_t *nested)
{
    static const struct {
        const char *text;
        enum cit__function function;
    } names[] = { { "string(", CIT__FN_STRING },
                  { "normalize-space(", CIT__FN_NORMALIZE },
                  { "count(", CIT__FN_COUNT },
                  { "boolean(", CIT__FN_BOOLEAN } };
    const char *at = m->p;
    enum cit__function outer = *out, inner = CIT__FN_NODES;

    for (size_t i = 0; inner == CIT__FN_NODES && i < sizeof names / sizeof *names; i++)
        if (take(m, names[i].text))
            inner = names[i].function;
    if (inner == CIT__FN_NODES)
        return CIT_OK;
    ++*nested;
    if (outer != CIT__FN_NODES && !(outer == CIT__FN_NORMALIZE && inner == CIT__FN_STRING) &&
        !(outer == CIT__FN_BOOLEAN && inner == CIT__FN_COUNT))
        return cit__q_refuse(m, at, "these functions in each other are not part of the subset");
    if (outer != CIT__FN_NODES)
        return CIT_OK;
    *out = inner;
    return functions(m, out, nested);
}

int cit__xpath_new(struct cit__maker *m, const struct cit__select **out)
{
    struct cit__building b;
    uint32_t nested = 0;
    int err = cit__select_init(&b, m);

    if (err != CIT_OK)
        return err;
    skip_space(m);
    err = functions(m, &b.select->function, &nested);
    if (err == CIT_OK && m->p < m->end && *m->p == '(')
        err = cit__q_refuse(m, m->p, "groups ( ) are not part of the subset");
    if (err == CIT_OK)
        err = path(&b);
    while (err == CIT_OK && nested-- > 0)
        err = expect(m, ")");
    if (err == CIT_OK && m->p < m->end)
        err = cit__q_refuse(m, m->p, "the path should end here");
    return err == CIT_OK ? cit__select_finish(&b, out) : err;
}
