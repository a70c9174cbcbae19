/* load/plan_read.c - the values of a plan: by their kind, with messages that name them. */
#include "load/plan_int.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/journey_int.h"

enum { NAMES_MAX = 64, SHOWN_MAX = 48 };

/* ---- messages ---- */

int cit__plan_wrong(struct cit__plan *p, const char *place, int err, const char *fmt, ...)
{
    int n = place != NULL ? snprintf(p->why, CIT_PLAN_WHY, "%s: ", place) : 0;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(p->why + n, CIT_PLAN_WHY - (size_t)n, fmt, args);
    va_end(args);
    return err;
}

/* Cut between characters, and without what a terminal would act on. */
struct cit__as_text cit__plan_quoted(struct cit_slice s)
{
    struct cit__as_text t;
    size_t n = s.n > SHOWN_MAX ? SHOWN_MAX : s.n;

    while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    (void)snprintf(t.text, sizeof t.text, "'%.*s%s'", (int)n, n > 0 ? s.p : "", n < s.n ? "..." : "");
    for (char *c = t.text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return t;
}

static struct cit__as_text shown(const struct cit_json_node *node)
{
    struct cit__as_text t = { "" };
    const char *text = "nothing";

    switch (node->kind) {
    case CIT_JSON_STRING:
    case CIT_JSON_NUMBER:
        t = cit__plan_quoted(node->text);
        if (node->kind == CIT_JSON_NUMBER) { /* as it is written: without quotes */
            t.text[strlen(t.text) - 1] = '\0';
            memmove(t.text, t.text + 1, strlen(t.text));
        }
        return t;
    case CIT_JSON_TRUE:
    case CIT_JSON_FALSE:
        text = node->kind == CIT_JSON_TRUE ? "true" : "false";
        break;
    case CIT_JSON_OPEN_OBJECT:
        text = "a table";
        break;
    case CIT_JSON_OPEN_ARRAY:
        text = "a list";
        break;
    case CIT_JSON_END:
    case CIT_JSON_NULL:
    case CIT_JSON_NAME:
    case CIT_JSON_CLOSE_OBJECT:
    case CIT_JSON_CLOSE_ARRAY:
        break;
    }
    (void)snprintf(t.text, sizeof t.text, "%s", text);
    return t;
}

int cit__plan_bad(struct cit__plan *p, const struct cit__item *it, const char *what)
{
    return cit__plan_wrong(p, it->place, CIT_EINVAL, "%s %s", shown(it->node).text, what);
}

struct cit__item cit__plan_member(const struct cit__item *of, const struct cit_json_node *node)
{
    struct cit__item it = { .node = node };
    struct cit__as_text name = cit__plan_quoted(node->name);

    name.text[strlen(name.text) - 1] = '\0';
    (void)snprintf(it.place, sizeof it.place, "%.80s%s%s", of->place, of->place[0] != '\0' ? "." : "", name.text + 1);
    return it;
}

struct cit__item cit__plan_element(const struct cit__item *of, const struct cit_json_node *node, uint32_t at)
{
    struct cit__item it = { .node = node };

    (void)snprintf(it.place, sizeof it.place, "%.140s[%u]", of->place, at);
    return it;
}

/* ---- memory and names ---- */

void *cit__plan_take(struct cit__plan *p, size_t count, size_t size, int *err)
{
    void *at = cit_arena_zero(&p->plan->arena, count, size);

    *err = at != NULL ? CIT_OK : CIT_ENOMEM;
    return at;
}

int cit__plan_path(struct cit__plan *p, struct cit_slice name, struct cit_slice *out)
{
    bool is_here = strcmp(p->folder, ".") == 0 || (name.n > 0 && *name.p == '/');
    size_t folder = is_here ? 0 : strlen(p->folder);
    bool has_slash = folder == 0 || p->folder[folder - 1] == '/';
    int err;
    char *path = cit__plan_take(p, folder + name.n + 2, 1, &err);

    if (path == NULL)
        return err;
    memcpy(path, p->folder, folder);
    if (!has_slash)
        path[folder++] = '/';
    if (name.n > 0)
        memcpy(path + folder, name.p, name.n);
    *out = cit_slice(path, folder + name.n);
    return CIT_OK;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int cit__plan_variable(struct cit__plan *p, const struct cit__item *it, struct cit_slice name, uint32_t *out)
{
    bool is_name = name.n > 0 && is_letter(*name.p);
    int err;

    for (size_t i = 0; i < name.n; i++)
        is_name = is_name && (is_letter(name.p[i]) || (name.p[i] >= '0' && name.p[i] <= '9') || name.p[i] == '_' ||
                              name.p[i] == '-');
    if (!is_name)
        return cit__plan_wrong(p, it->place, CIT_EINVAL,
                               "%s is no name of a variable: a letter, then letters, digits, _ and -",
                               cit__plan_quoted(name).text);
    err = cit_names_number(&p->plan->names, &p->plan->arena, name, out);
    return err == CIT_ELIMIT ? cit__plan_wrong(p, it->place, err, "there are more than %d variables", CIT_NAMES_MAX)
                             : err;
}

int cit__plan_tmpl(struct cit__plan *p, const struct cit__item *it, struct cit_slice text, struct cit_tmpl *out)
{
    const char *why = NULL;
    size_t at = 0;
    int err = cit_tmpl_parse(text, &(struct cit_making){ &p->plan->names, NULL, &p->plan->arena }, out, &why, &at);

    if (err == CIT_EINVAL)
        return cit__plan_wrong(p, it->place, err, "%s: %s", cit__plan_quoted(text).text, why);
    return err == CIT_ELIMIT ? cit__plan_wrong(p, it->place, err, "there are more than %d variables", CIT_NAMES_MAX)
                             : err;
}

/* ---- single values ---- */

static bool is_text_or_number(const struct cit_json_node *node)
{
    return node->kind == CIT_JSON_STRING || node->kind == CIT_JSON_NUMBER;
}

static int read_text(struct cit__plan *p, const struct cit__item *it, struct cit_slice *out)
{
    if (it->node->kind != CIT_JSON_STRING)
        return cit__plan_bad(p, it, "is not a text");
    if (it->node->text.n > 0 && memchr(it->node->text.p, '\0', it->node->text.n) != NULL)
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "there is a NUL in the text");
    *out = cit_arena_copy(&p->plan->arena, it->node->text);
    return out->p == NULL ? CIT_ENOMEM : CIT_OK;
}

static int read_bool(struct cit__plan *p, const struct cit__item *it, bool *out)
{
    if (it->node->kind != CIT_JSON_TRUE && it->node->kind != CIT_JSON_FALSE)
        return cit__plan_bad(p, it, "is neither true nor false");
    *out = it->node->kind == CIT_JSON_TRUE;
    return CIT_OK;
}

static int read_whole(struct cit__plan *p, const struct cit__item *it, const struct cit__member *m, uint64_t *out)
{
    unsigned long long value = 0;
    bool is_text = is_text_or_number(it->node), is_below = is_text && it->node->text.n > 0 && *it->node->text.p == '-';

    if (!is_text || (!is_below && !cit_slice_u64(it->node->text, &value)))
        return cit__plan_bad(p, it, "is not a whole number");
    if (is_below || (double)value < m->least || (double)value > m->most)
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "%s is not between %.0f and %.0f", shown(it->node).text,
                               m->least, m->most);
    *out = value;
    return CIT_OK;
}

/* Digits, at most one point, an exponent: what JSON has.  strtod(3) alone takes names and hexadecimal, too. */
static bool parse_number(struct cit_slice s, double *out)
{
    char text[64], *end;

    if (s.n == 0 || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    *out = strtod(text, &end);
    return strspn(text, "0123456789.eE+-") == s.n && *end == '\0' && isfinite(*out);
}

static int read_number(struct cit__plan *p, const struct cit__item *it, const struct cit__member *m, double *out)
{
    double value = 0;

    if (!is_text_or_number(it->node) || !parse_number(it->node->text, &value))
        return cit__plan_bad(p, it, "is not a number");
    if (value < m->least || value > m->most)
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "%s is not between %.7g and %.7g", shown(it->node).text,
                               m->least, m->most);
    *out = value;
    return CIT_OK;
}

/* Times, shares and think times have a reader each, of one shape. */
static int by_units(struct cit__plan *p, const struct cit__item *it, enum cit__plan_kind kind, void *out)
{
    const char *why = "is not a text or a number";
    int err = CIT_EINVAL;

    if (is_text_or_number(it->node) && kind == CIT__PLAN_TIME)
        err = cit_units_time(it->node->text, out, &why);
    else if (is_text_or_number(it->node) && kind == CIT__PLAN_SHARE)
        err = cit_units_share(it->node->text, out, &why);
    else if (is_text_or_number(it->node))
        err = cit_units_dist(it->node->text, out, &why);
    return err == CIT_OK ? err : cit__plan_bad(p, it, why);
}

int cit__plan_scalar(struct cit__plan *p, const struct cit__item *it, struct cit_slice *out)
{
    if (it->node->kind == CIT_JSON_TRUE || it->node->kind == CIT_JSON_FALSE) {
        *out = cit_slice_str(it->node->kind == CIT_JSON_TRUE ? "true" : "false");
        return CIT_OK;
    }
    if (it->node->kind == CIT_JSON_NUMBER) {
        *out = it->node->text;
        return CIT_OK;
    }
    return it->node->kind == CIT_JSON_STRING ? read_text(p, it, out)
                                             : cit__plan_bad(p, it, "is not a text or a number");
}

/* "one of 'a', 'b' and 'c'" */
static void list_words(const char *const *words, int n, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    for (int i = 0; i < n && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s'%s'", i == 0 ? "" : i == n - 1 ? " or " : ", ", words[i]);
}

int cit__plan_word(struct cit__plan *p, const struct cit__item *it, const char *const *words, int n, int *out)
{
    char list[200];

    for (int i = 0; i < n && it->node->kind == CIT_JSON_STRING; i++) {
        if (cit_slice_eq(it->node->text, cit_slice_str(words[i]))) {
            *out = i;
            return CIT_OK;
        }
    }
    list_words(words, n, list, sizeof list);
    return cit__plan_wrong(p, it->place, CIT_EINVAL, "%s is not %s", shown(it->node).text, list);
}

/* Values are copied as bytes: an offset says nothing of alignment to a compiler. */
int cit__plan_value(struct cit__plan *p, const struct cit__item *it, const struct cit__member *m, void *into)
{
    union {
        struct cit_slice text;
        bool truth;
        uint64_t whole;
        uint32_t whole32;
        double number;
        int64_t ns;
        struct cit_dist dist;
    } v = { .dist = { 0 } };
    size_t n = 0;
    int err = CIT_OK;

    switch (m->kind) {
    case CIT__PLAN_TEXT:
        err = read_text(p, it, &v.text);
        n = sizeof v.text;
        break;
    case CIT__PLAN_BOOL:
        err = read_bool(p, it, &v.truth);
        n = sizeof v.truth;
        break;
    case CIT__PLAN_WHOLE:
        err = read_whole(p, it, m, &v.whole);
        n = sizeof v.whole;
        break;
    case CIT__PLAN_WHOLE32:
        err = read_whole(p, it, m, &v.whole);
        v.whole32 = (uint32_t)v.whole;
        n = sizeof v.whole32;
        break;
    case CIT__PLAN_NUMBER:
        err = read_number(p, it, m, &v.number);
        n = sizeof v.number;
        break;
    case CIT__PLAN_TIME:
    case CIT__PLAN_SHARE:
    case CIT__PLAN_DIST:
        err = by_units(p, it, m->kind, &v);
        n = m->kind == CIT__PLAN_TIME ? sizeof v.ns : m->kind == CIT__PLAN_SHARE ? sizeof v.number : sizeof v.dist;
        break;
    case CIT__PLAN_LATER:
        memcpy((char *)into + m->offset, it, sizeof *it);
        return CIT_OK;
    case CIT__PLAN_OTHER:
        return m->read(p, it, into);
    }
    if (err == CIT_OK)
        memcpy((char *)into + m->offset, &v, n);
    return err;
}

/* ---- tables and lists ---- */

int cit__plan_find(struct cit__plan *p, const struct cit__item *it, struct cit__members members,
                   const struct cit__member **out)
{
    const char *names[NAMES_MAX] = { 0 };
    int near, n = members.n < NAMES_MAX ? members.n : NAMES_MAX;

    for (int i = 0; i < members.n; i++) {
        if (cit_slice_eq(it->node->name, cit_slice_str(members.at[i].name))) {
            *out = &members.at[i];
            return CIT_OK;
        }
    }
    for (int i = 0; i < n; i++)
        names[i] = members.at[i].name;
    near = cit__hurl_nearest(it->node->name, names, n);
    if (near >= 0)
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "there is no such member; did you mean '%s'?", names[near]);
    return cit__plan_wrong(p, it->place, CIT_EINVAL, "there is no such member");
}

int cit__plan_object(struct cit__plan *p, const struct cit__item *it)
{
    return it->node->kind == CIT_JSON_OPEN_OBJECT ? CIT_OK : cit__plan_bad(p, it, "is not a table");
}

int cit__plan_list(struct cit__plan *p, const struct cit__item *it)
{
    if (it->node->kind != CIT_JSON_OPEN_ARRAY)
        return cit__plan_bad(p, it, "is not a list");
    return it->node->count > 0 ? CIT_OK : cit__plan_wrong(p, it->place, CIT_EINVAL, "the list is empty");
}

int cit__plan_table(struct cit__plan *p, const struct cit__item *it, struct cit__members members, void *into)
{
    int err = cit__plan_object(p, it);

    for (const struct cit_json_node *n = it->node->first; n != NULL && err == CIT_OK; n = n->next) {
        struct cit__item child = cit__plan_member(it, n);
        const struct cit__member *m = NULL;

        err = cit__plan_find(p, &child, members, &m);
        if (err == CIT_OK)
            err = cit__plan_value(p, &child, m, into);
    }
    return err;
}
