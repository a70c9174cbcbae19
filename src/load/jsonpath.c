/* load/jsonpath.c - the text of a JSONPath becomes steps.
 *
 *      path  = "$" step...          step  = .name  ..name  .*  ..*  [inner]  ..[inner]
 *      inner = 'name' | n | from:to:by | * | ?test       (RFC 9535 without lists of selectors and functions)
 *      test  = and {"||" and}       and   = unary {"&&" unary}
 *      unary = ["!"] ( "(" test ")" | side [op side] )    side = @ step... | literal
 */
#include "load/jsonpath_int.h"

#include <string.h>

static void skip_space(struct cit__maker *m)
{
    while (m->p < m->end && (*m->p == ' ' || *m->p == '\t' || *m->p == '\n' || *m->p == '\r'))
        m->p++;
}

static bool take_char(struct cit__maker *m, char c)
{
    if (m->p == m->end || *m->p != c)
        return false;
    m->p++;
    return true;
}

static bool take_word(struct cit__maker *m, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(m->end - m->p) < n || memcmp(m->p, word, n) != 0)
        return false;
    m->p += n;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What a name may have without quotes; '-' is no part of RFC 9535's, but common in answers. */
static bool is_name(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || is_digit(c) || c == '_' || c == '-' || (unsigned char)c >= 0x80;
}

/* ---- names and numbers ---- */

static int bare_name(struct cit__maker *m, struct cit_slice *out)
{
    const char *start = m->p;

    while (m->p < m->end && is_name(*m->p))
        m->p++;
    if (m->p == start)
        return cit__q_refuse(m, start, "a name or * is expected behind a point");
    *out = cit_slice(start, (size_t)(m->p - start));
    return CIT_OK;
}

/* The text between the quotes as a JSON string, in which \' is no escape and a bare " would end it. */
static struct cit_slice as_json(const char *p, const char *end, char *to)
{
    char *start = to;

    for (; p < end; p++) {
        if (*p == '\\' && end - p > 1 && p[1] == '\'') {
            *to++ = *++p;
        } else if (*p == '\\' && end - p > 1) {
            *to++ = *p++;
            *to++ = *p;
        } else {
            if (*p == '"')
                *to++ = '\\';
            *to++ = *p;
        }
    }
    return cit_slice(start, (size_t)(to - start));
}

/* A string in ' or ": the escapes are those of JSON, and \'. */
static int quoted(struct cit__maker *m, struct cit_slice *out)
{
    const char *start = m->p, *p = start + 1;
    struct cit_json_token t = { .is_escaped = true };
    struct cit_slice text;
    struct cit_json j;
    char *copy;

    while (p < m->end && *p != *start)
        p += *p == '\\' && m->end - p > 1 ? 2 : 1;
    if (p >= m->end)
        return cit__q_refuse(m, start, "this quote is never closed");
    copy = cit_arena_take(m->arena, 2 * (size_t)(p - start) + 2, NULL);
    if (copy == NULL)
        return CIT_ENOMEM;
    text = as_json(start + 1, p, copy + 1);
    copy[0] = copy[text.n + 1] = '"';
    cit_json_init(&j, cit_slice(copy, text.n + 2));
    if (cit_json_next(&j, &t) != CIT_OK)
        return cit__q_refuse(m, start, "in this string %s", j.why);
    m->p = p + 1;
    return cit_json_unescape(&t, m->arena, out);
}

static int integer(struct cit__maker *m, int64_t *out)
{
    const char *start = m->p;
    struct cit_value v = { 0 };

    (void)take_char(m, '-');
    while (m->p < m->end && is_digit(*m->p))
        m->p++;
    /* indexes beyond 2^53 are no interoperable JSON (RFC 9535 2.1), and would overflow sums */
    if (!cit__value_of_number(cit_slice(start, (size_t)(m->p - start)), &v) || v.kind != CIT_VALUE_INT ||
        v.integer > 1ll << 53 || v.integer < -(1ll << 53))
        return cit__q_refuse(m, start, "a whole number is expected");
    *out = v.integer;
    return CIT_OK;
}

/* ---- filters ---- */

static int path_steps(struct cit__maker *m, struct cit__path *path, uint32_t depth);

/* A path from @, which must lead to one value at most. */
static int side_path(struct cit__maker *m, const struct cit__path **out, uint32_t depth)
{
    const char *start = m->p;
    struct cit__path *path = cit_arena_zero(m->arena, 1, sizeof *path);
    int err;

    if (path == NULL)
        return CIT_ENOMEM;
    m->p++;
    err = path_steps(m, path, depth + 1);
    if (err != CIT_OK)
        return err;
    if (!path->is_definite)
        return cit__q_refuse(m, start, "a path in a filter must lead to one value");
    *out = path;
    return CIT_OK;
}

static int literal_number(struct cit__maker *m, struct cit_value *out)
{
    const char *start = m->p;

    while (m->p < m->end && (is_digit(*m->p) || memchr("+-.eE", *m->p, 5) != NULL))
        m->p++;
    if (!cit__value_of_number(cit_slice(start, (size_t)(m->p - start)), out))
        return cit__q_refuse(m, start, "@, a string, a number, true, false or null is expected");
    return CIT_OK;
}

static int side(struct cit__maker *m, struct cit__side *out, uint32_t depth)
{
    skip_space(m);
    if (m->p < m->end && *m->p == '@')
        return side_path(m, &out->path, depth);
    if (m->p < m->end && *m->p == '$')
        return cit__q_refuse(m, m->p, "a path in a filter begins with @");
    if (m->p < m->end && (*m->p == '\'' || *m->p == '"')) {
        out->literal.kind = CIT_VALUE_STRING;
        return quoted(m, &out->literal.text);
    }
    if (take_word(m, "true")) {
        out->literal = (struct cit_value){ .kind = CIT_VALUE_BOOL, .boolean = true };
        return CIT_OK;
    }
    if (take_word(m, "false")) {
        out->literal.kind = CIT_VALUE_BOOL;
        return CIT_OK;
    }
    if (take_word(m, "null")) {
        out->literal.kind = CIT_VALUE_NULL;
        return CIT_OK;
    }
    return literal_number(m, &out->literal);
}

static bool take_operator(struct cit__maker *m, enum cit__test_kind *out)
{
    static const struct {
        const char *text;
        enum cit__test_kind kind;
    } operators[] = { { "==", CIT__TEST_EQ }, { "!=", CIT__TEST_NE }, { "<=", CIT__TEST_LE },
                      { ">=", CIT__TEST_GE }, { "<", CIT__TEST_LT },  { ">", CIT__TEST_GT } };

    skip_space(m);
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (take_word(m, operators[i].text)) {
            *out = operators[i].kind;
            return true;
        }
    }
    return false;
}

static int comparison(struct cit__maker *m, struct cit__test *t, uint32_t depth)
{
    int err = side(m, &t->left, depth);

    if (err != CIT_OK)
        return err;
    if (take_operator(m, &t->kind))
        return side(m, &t->right, depth);
    t->kind = CIT__TEST_EXISTS;
    return t->left.path != NULL ? CIT_OK : cit__q_refuse(m, m->p, "==, !=, <, <=, > or >= is expected");
}

static int any_of(struct cit__maker *m, const struct cit__test **out, uint32_t depth);

static int unary(struct cit__maker *m, const struct cit__test **out, uint32_t depth)
{
    struct cit__test *t;
    int err;

    skip_space(m);
    if (depth > CIT__TESTS_DEPTH_MAX)
        return cit__q_refuse(m, m->p, "the filter is nested too deeply");
    if (take_char(m, '(')) {
        err = any_of(m, out, depth + 1);
        skip_space(m);
        if (err == CIT_OK && !take_char(m, ')'))
            err = cit__q_refuse(m, m->p, "a closing ) is expected");
        return err;
    }
    t = cit_arena_zero(m->arena, 1, sizeof *t);
    if (t == NULL)
        return CIT_ENOMEM;
    *out = t;
    if (!take_char(m, '!'))
        return comparison(m, t, depth);
    t->kind = CIT__TEST_NOT;
    return unary(m, &t->a, depth + 1);
}

/* One or more of the next tighter kind, with the operator between them. */
static int joined(struct cit__maker *m, const struct cit__test **out, uint32_t depth, bool is_or)
{
    int err = is_or ? joined(m, out, depth, false) : unary(m, out, depth), n = 1;

    for (skip_space(m); err == CIT_OK && take_word(m, is_or ? "||" : "&&"); skip_space(m)) {
        struct cit__test *t = cit_arena_zero(m->arena, 1, sizeof *t);

        if (t == NULL)
            return CIT_ENOMEM;
        if (++n > CIT__TESTS_ROW_MAX)
            return cit__q_refuse(m, m->p, "a filter joins at most %d tests", CIT__TESTS_ROW_MAX);
        t->kind = is_or ? CIT__TEST_OR : CIT__TEST_AND;
        t->a = *out;
        *out = t;
        err = is_or ? joined(m, &t->b, depth, false) : unary(m, &t->b, depth);
    }
    return err;
}

static int any_of(struct cit__maker *m, const struct cit__test **out, uint32_t depth)
{
    return joined(m, out, depth, true);
}

/* ---- steps ---- */

/* from:to:by, of which each may be left out. */
static int slice_or_index(struct cit__maker *m, struct cit__step *s)
{
    int err = CIT_OK;

    s->kind = CIT__STEP_INDEX;
    s->by = 1;
    if (m->p < m->end && *m->p != ':')
        err = integer(m, &s->from);
    skip_space(m);
    if (err != CIT_OK || !take_char(m, ':'))
        return err;
    s->kind = CIT__STEP_SLICE;
    skip_space(m);
    if (m->p < m->end && (is_digit(*m->p) || *m->p == '-')) {
        s->has_to = true;
        err = integer(m, &s->to);
        skip_space(m);
    }
    if (err != CIT_OK || !take_char(m, ':'))
        return err;
    skip_space(m);
    if (m->p < m->end && *m->p != ']') {
        const char *at = m->p;

        err = integer(m, &s->by);
        if (err == CIT_OK && s->by < 1)
            err = cit__q_refuse(m, at, "a slice goes forward here: its step is 1 or more");
    }
    return err;
}

static int inner(struct cit__maker *m, struct cit__step *s, uint32_t depth)
{
    int err = CIT_OK;

    skip_space(m);
    if (m->p == m->end)
        return cit__q_refuse(m, m->p, "a name, an index, * or ? is expected behind [");
    if (*m->p == '\'' || *m->p == '"') {
        err = quoted(m, &s->name);
    } else if (take_char(m, '*')) {
        s->kind = CIT__STEP_ANY;
    } else if (take_char(m, '?')) {
        s->kind = CIT__STEP_TEST;
        err = any_of(m, &s->test, depth + 1);
    } else {
        err = slice_or_index(m, s);
    }
    if (err != CIT_OK)
        return err;
    skip_space(m);
    if (m->p < m->end && *m->p == ',')
        return cit__q_refuse(m, m->p, "lists of selectors are not part of the subset");
    return take_char(m, ']') ? CIT_OK : cit__q_refuse(m, m->p, "a closing ] is expected");
}

static int step(struct cit__maker *m, struct cit__step *s, uint32_t depth)
{
    bool has_point = take_char(m, '.');

    s->is_deep = has_point && take_char(m, '.');
    if ((!has_point || s->is_deep) && take_char(m, '['))
        return inner(m, s, depth);
    if (take_char(m, '*')) {
        s->kind = CIT__STEP_ANY;
        return CIT_OK;
    }
    /* Older texts write .[?(...)]: stock hurl took them, too. */
    if (take_char(m, '['))
        return inner(m, s, depth);
    return bare_name(m, &s->name);
}

static int path_steps(struct cit__maker *m, struct cit__path *path, uint32_t depth)
{
    path->is_definite = true;
    while (m->p < m->end && (*m->p == '.' || *m->p == '[')) {
        struct cit__step *s = &path->step[path->n];
        int err;

        if (path->n == CIT__STEPS_MAX)
            return cit__q_refuse(m, m->p, "a path has at most %d steps", CIT__STEPS_MAX);
        err = step(m, s, depth);
        if (err != CIT_OK)
            return err;
        path->n++;
        path->is_definite =
            path->is_definite && !s->is_deep && (s->kind == CIT__STEP_NAME || s->kind == CIT__STEP_INDEX);
    }
    return CIT_OK;
}

int cit__path_new(struct cit__maker *m, const struct cit__path **out)
{
    struct cit__path *path = cit_arena_zero(m->arena, 1, sizeof *path);
    int err;

    if (path == NULL)
        return CIT_ENOMEM;
    if (!take_char(m, '$'))
        return cit__q_refuse(m, m->p, "a path begins with $");
    err = path_steps(m, path, 0);
    if (err != CIT_OK)
        return err;
    if (m->p < m->end)
        return cit__q_refuse(m, m->p, "a point or [ is expected");
    *out = path;
    return CIT_OK;
}
