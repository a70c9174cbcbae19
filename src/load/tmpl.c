/* load/tmpl.c - texts with {{variables}}: names numbered, templates parsed and filled in. */
#include "load/tmpl.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

enum { FIRST_CAP = 8, MADE_MAX = 40 /* bytes of a UUID, a date, a number */ };

/* ---- names ---- */

/* A copy in the arena; p NULL when there is no room, *err then says why. */
static struct cit_slice copy_of(struct cit_arena *a, struct cit_slice s, int *err)
{
    bool is_full;
    char *p = cit_arena_take(a, s.n + 1, &is_full);

    *err = p != NULL ? CIT_OK : is_full ? CIT_ELIMIT : CIT_ENOMEM;
    if (p == NULL)
        return (struct cit_slice){ 0 };
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return cit_slice(p, s.n);
}

/* Where a name is or would be (FNV-1a); half of the slots are free. */
static uint32_t *slot_of(const struct cit_names *names, struct cit_slice name)
{
    uint32_t hash = 2166136261u, mask = names->cap * 2 - 1;

    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * 16777619u;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask)
        if (names->slot[i] == 0 || cit_slice_eq(names->at[names->slot[i] - 1], name))
            return &names->slot[i];
}

int64_t cit_names_find(const struct cit_names *names, struct cit_slice name)
{
    return names->cap > 0 ? (int64_t)*slot_of(names, name) - 1 : -1;
}

static int make_room(struct cit_names *names, struct cit_arena *a)
{
    struct cit_names more = { .n = names->n, .cap = names->cap > 0 ? names->cap * 2 : FIRST_CAP };
    bool is_full;

    if (names->n < names->cap)
        return CIT_OK;
    if (names->n >= CIT_NAMES_MAX)
        return CIT_ELIMIT;
    more.at = cit_arena_take(a, more.cap * (sizeof *more.at + 2 * sizeof *more.slot), &is_full);
    if (more.at == NULL)
        return is_full ? CIT_ELIMIT : CIT_ENOMEM;
    more.slot = (uint32_t *)(more.at + more.cap);
    memset(more.slot, 0, more.cap * 2 * sizeof *more.slot);
    for (uint32_t i = 0; i < names->n; i++) {
        more.at[i] = names->at[i];
        *slot_of(&more, more.at[i]) = i + 1;
    }
    *names = more;
    return CIT_OK;
}

int cit_names_number(struct cit_names *names, struct cit_arena *a, struct cit_slice name, uint32_t *out)
{
    int64_t known = cit_names_find(names, name);
    int err;

    if (known < 0) {
        err = make_room(names, a);
        if (err != CIT_OK)
            return err;
        names->at[names->n] = copy_of(a, name, &err);
        if (err != CIT_OK)
            return err;
        known = names->n++;
        *slot_of(names, name) = names->n;
    }
    *out = (uint32_t)known;
    return CIT_OK;
}

/* ---- parsing ---- */

static const struct {
    const char *name;
    int32_t var;
} made[] = { { "newUuid", CIT_TMPL_UUID },
             { "newDate", CIT_TMPL_DATE },
             { "userNumber", CIT_TMPL_USER },
             { "iteration", CIT_TMPL_ITERATION } };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* The next {{ from `at` on; text.n when there is none. */
static size_t find_open(struct cit_slice text, size_t at)
{
    while (at + 1 < text.n) {
        const char *p = memchr(text.p + at, '{', text.n - at - 1);

        if (p == NULL)
            return text.n;
        at = (size_t)(p - text.p);
        if (p[1] == '{')
            return at;
        at++;
    }
    return text.n;
}

static size_t skip_blanks(struct cit_slice text, size_t at)
{
    while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t'))
        at++;
    return at;
}

/* The name between {{ (at *at) and }}: *at goes behind }}.  NULL, or what is wrong at *at. */
static const char *read_name(struct cit_slice text, size_t *at, struct cit_slice *name)
{
    size_t open = *at, from = skip_blanks(text, open + 2), end = from;

    while (end < text.n && is_name(text.p[end]))
        end++;
    *name = cit_slice(text.p + from, end - from);
    *at = from;
    if (from + 1 < text.n && memcmp(text.p + from, "}}", 2) == 0)
        return "between {{ and }} stands the name of a variable";
    if (from < text.n && !is_letter(text.p[from]))
        return "the name of a variable begins with a letter and has letters, digits, _ and -";
    if (cit_slice_eq(*name, CIT_SLICE_LIT("getEnv")))
        return "getEnv is not supported: set a variable in the plan";
    *at = skip_blanks(text, end);
    if (*at + 1 < text.n && memcmp(text.p + *at, "}}", 2) == 0) {
        *at += 2;
        return NULL;
    }
    if (*at > end && *at < text.n && is_letter(text.p[*at]))
        return "filters inside {{ }} are not supported: filter in the capture";
    if (*at < text.n && text.p[*at] != '\n' && text.p[*at] != '\r' && text.p[*at] != '}')
        return "the name of a variable has letters, digits, _ and -";
    *at = open;
    return "{{ has no }} behind it";
}

static int piece_of(struct cit_names *names, struct cit_arena *a, struct cit_slice name, struct cit_tmpl_piece *out)
{
    uint32_t number;
    int err;

    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        if (cit_slice_eq(name, cit_slice_str(made[i].name))) {
            *out = (struct cit_tmpl_piece){ .var = made[i].var };
            return CIT_OK;
        }
    err = cit_names_number(names, a, name, &number);
    if (err == CIT_OK)
        *out = (struct cit_tmpl_piece){ .var = (int32_t)number };
    return err;
}

static size_t count_opens(struct cit_slice text)
{
    size_t n = 0;

    for (size_t at = find_open(text, 0); at < text.n; at = find_open(text, at + 2))
        n++;
    return n;
}

struct parsing {
    struct cit_slice text; /* the copy in the arena */
    struct cit_names *names;
    struct cit_arena *a;
    const char *why; /* after CIT_EINVAL, with at */
    size_t at;
};

/* Into pieces, which has room for all of them. */
static int parse_pieces(struct parsing *g, struct cit_tmpl *t)
{
    struct cit_slice name;
    size_t open;

    for (size_t from = 0;; from = g->at) {
        int err;

        open = find_open(g->text, from);
        if (open > from)
            t->piece[t->n++] = (struct cit_tmpl_piece){ CIT_TMPL_TEXT, cit_slice(g->text.p + from, open - from) };
        if (open == g->text.n)
            return CIT_OK;
        g->at = open;
        g->why = read_name(g->text, &g->at, &name);
        if (g->why != NULL)
            return CIT_EINVAL;
        err = piece_of(g->names, g->a, name, &t->piece[t->n]);
        if (err != CIT_OK)
            return err;
        t->n++;
    }
}

int cit_tmpl_parse(struct cit_slice text, const struct cit_making *m, struct cit_tmpl *out, const char **why,
                   size_t *at)
{
    struct parsing g = { .names = m->names, .a = m->arena };
    struct cit_tmpl t = { 0 };
    bool is_full;
    int err;

    if (text.n == 0) {
        *out = t;
        return CIT_OK;
    }
    g.text = copy_of(m->arena, text, &err);
    if (err != CIT_OK)
        return err;
    t.piece = cit_arena_take(m->arena, (count_opens(text) * 2 + 1) * sizeof *t.piece, &is_full);
    if (t.piece == NULL)
        return is_full ? CIT_ELIMIT : CIT_ENOMEM;
    err = parse_pieces(&g, &t);
    if (err == CIT_EINVAL) {
        *why = g.why;
        *at = g.at;
    }
    if (err == CIT_OK)
        *out = t;
    return err;
}

bool cit_tmpl_is_fixed(const struct cit_tmpl *t, struct cit_slice *out)
{
    if (t->n > 1 || (t->n == 1 && t->piece[0].var != CIT_TMPL_TEXT))
        return false;
    *out = t->n == 0 ? cit_slice("", 0) : t->piece[0].text;
    return true;
}

/* ---- filling in ---- */

/* RFC 9562 5.4: version 4, variant 10. */
static int make_uuid(struct cit_rng *rng, char out[MADE_MAX])
{
    uint64_t a = cit_rng_next(rng), b = cit_rng_next(rng);

    return snprintf(out, MADE_MAX, "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-%04" PRIx64 "-%012" PRIx64, a >> 32,
                    a >> 16 & 0xffff, a & 0xfff, (b >> 48 & 0x3fff) | 0x8000, b & 0xffffffffffff);
}

/* RFC 3339, in UTC, with microseconds: as stock hurl writes it. */
static int make_date(char out[MADE_MAX])
{
    int64_t now = cit_clock_wall_ns();
    time_t seconds = (time_t)(now / CIT_SEC_NS);
    struct tm tm;
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(out, MADE_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    return (int)n + snprintf(out + n, MADE_MAX - n, ".%06dZ", (int)(now % CIT_SEC_NS / 1000));
}

/* What a piece stands for; p NULL when a variable has no value.  tmp is memory for what is made anew. */
static struct cit_slice value_of(const struct cit_tmpl_piece *piece, const struct cit_vars *vars, char tmp[MADE_MAX])
{
    int n = 0;

    switch (piece->var) {
    case CIT_TMPL_TEXT:
        return piece->text;
    case CIT_TMPL_UUID:
        n = make_uuid(vars->rng, tmp);
        break;
    case CIT_TMPL_DATE:
        n = make_date(tmp);
        break;
    case CIT_TMPL_USER:
        n = snprintf(tmp, MADE_MAX, "%" PRIu32, vars->user);
        break;
    case CIT_TMPL_ITERATION:
        n = snprintf(tmp, MADE_MAX, "%" PRIu64, vars->iteration);
        break;
    default:
        return (uint32_t)piece->var < vars->n ? vars->at[piece->var] : (struct cit_slice){ 0 };
    }
    return cit_slice(tmp, (size_t)n);
}

/* RFC 3986 2.3, unreserved: a space is %20, which a query and a form both take. */
static bool is_plain(char c)
{
    return is_name(c) || c == '.' || c == '~';
}

static int add_escaped(struct cit_buf *out, struct cit_slice s)
{
    static const char hex[] = "0123456789ABCDEF";
    int err = CIT_OK;

    for (size_t i = 0; i < s.n && err == CIT_OK;) {
        size_t n = 0;

        while (i + n < s.n && is_plain(s.p[i + n]))
            n++;
        err = cit_buf_add(out, s.p + i, n);
        i += n;
        if (err == CIT_OK && i < s.n) {
            unsigned char c = (unsigned char)s.p[i++];

            err = cit_buf_add(out, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
        }
    }
    return err;
}

static bool breaks_line(struct cit_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
            return true;
    return false;
}

static int fill_piece(const struct cit_tmpl_piece *piece, const struct cit_vars *vars, enum cit_tmpl_escape escape,
                      struct cit_buf *out)
{
    char tmp[MADE_MAX];
    struct cit_slice value = value_of(piece, vars, tmp);

    if (value.p == NULL && piece->var >= 0)
        return CIT_ENOENT;
    if (escape == CIT_ESCAPE_FORM)
        return add_escaped(out, value);
    /* what the author wrote was checked when it was parsed */
    if (escape == CIT_ESCAPE_LINE && piece->var >= 0 && breaks_line(value))
        return CIT_EINVAL;
    return cit_buf_add_slice(out, value);
}

int cit_tmpl_fill(const struct cit_tmpl *t, const struct cit_vars *vars, enum cit_tmpl_escape escape,
                  struct cit_buf *out, uint32_t *unset)
{
    size_t before = out->len;

    for (uint32_t i = 0; i < t->n; i++) {
        int err = fill_piece(&t->piece[i], vars, escape, out);

        if (err == CIT_ENOENT || err == CIT_EINVAL)
            *unset = (uint32_t)t->piece[i].var;
        if (err != CIT_OK) {
            out->len = before;
            return err;
        }
    }
    return CIT_OK;
}
