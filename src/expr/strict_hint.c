/* expr/strict_hint.c - what an author may have meant: names that are near, patterns that are slow. */
#include <string.h>

#include "expr/strict_int.h"

/* ---- functions ---- */

/* What other languages call our functions. */
static const struct {
    const char *theirs, *ours;
} elsewhere[] = {
    { "length", "len" },         { "size", "len" },       { "count", "len" },         { "strip", "trim" },
    { "number", "num" },         { "float", "num" },      { "tonumber", "num" },      { "int", "trunc" },
    { "integer", "trunc" },      { "string", "str" },     { "text", "str" },          { "iif", "if" },
    { "coalesce", "default" },   { "ifnull", "default" }, { "nvl", "default" },       { "isset", "exists" },
    { "regex", "matches" },      { "match", "matches" },  { "search", "matches" },    { "includes", "contains" },
    { "ceiling", "ceil" },       { "tolower", "lower" },  { "lowercase", "lower" },   { "toupper", "upper" },
    { "uppercase", "upper" },    { "sgn", "sign" },       { "begins", "startswith" }, { "starts_with", "startswith" },
    { "ends_with", "endswith" },
};

static const char *const names[] = {
#define CIT__NAME_ROW(name, least, most, dialects) #name,
    CIT_EXPR_FUNCS(CIT__NAME_ROW)
#undef CIT__NAME_ROW
};

enum { NAME_MAX_LEN = 24 };

static char lower_of(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Characters to insert, drop, change, or swap with their neighbour, to get from a to b, in any case. */
static unsigned distance(struct cit_slice a, struct cit_slice b)
{
    unsigned row[3][NAME_MAX_LEN + 1]; /* of a's characters i - 2, i - 1, i */

    for (unsigned k = 0; k <= b.n; k++)
        row[0][k] = row[1][k] = k;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned *now = row[(i + 1) % 3], *last = row[i % 3], *before = row[(i + 2) % 3];

        now[0] = i;
        for (unsigned k = 1; k <= b.n; k++) {
            char x = lower_of(a.p[i - 1]), y = b.p[k - 1];

            now[k] = least_of(least_of(now[k - 1], last[k]) + 1, last[k - 1] + (x != y));
            if (i > 1 && k > 1 && x == b.p[k - 2] && lower_of(a.p[i - 2]) == y)
                now[k] = least_of(now[k], before[k - 2] + 1);
        }
    }
    return row[(a.n + 1) % 3][b.n];
}

/* The nearest so far, and how far it is. */
struct nearest {
    const char *ours;
    unsigned distance;
};

/* Two changes of a word of three letters make any other. */
static void consider(struct nearest *best, struct cit_slice name, const char *word, const char *ours)
{
    struct cit_slice known = cit_slice_str(word);
    unsigned d = distance(name, known);
    size_t shorter = known.n < name.n ? known.n : name.n;

    if (d < best->distance && d * 2 < shorter + (shorter == 2)) {
        best->distance = d;
        best->ours = ours;
    }
}

const char *cit__nearest_function(struct cit_slice name)
{
    struct nearest best = { NULL, 3 };

    if (name.n == 0 || name.n > NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        consider(&best, name, names[i], names[i]);
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        consider(&best, name, elsewhere[i].theirs, elsewhere[i].ours);
    return best.ours;
}

/* ---- patterns ---- */

enum { GROUPS_MAX = 64 };

/* The bytes of the class [...] that begins at i, or to the end. */
static size_t class_len(struct cit_slice s, size_t i)
{
    size_t k = i + 1;

    if (k < s.n && s.p[k] == '^')
        k++;
    if (k < s.n && s.p[k] == ']')
        k++;
    while (k < s.n && s.p[k] != ']')
        k += s.p[k] == '\\' ? 2 : 1;
    return k < s.n ? k + 1 - i : s.n - i;
}

/* Whether at i something is repeated without an end: *, + or {n,}. */
static bool is_endless(struct cit_slice s, size_t i)
{
    if (i >= s.n)
        return false;
    if (s.p[i] != '{')
        return s.p[i] == '*' || s.p[i] == '+';
    while (++i < s.n && s.p[i] >= '0' && s.p[i] <= '9') {
    }
    return i + 1 < s.n && s.p[i] == ',' && s.p[i + 1] == '}';
}

bool cit__pattern_is_slow(struct cit_slice s)
{
    bool repeats[GROUPS_MAX + 1] = { false }; /* by depth: the group holds an endless repetition */
    unsigned depth = 0;

    for (size_t i = 0, n; i < s.n; i += n) {
        n = s.p[i] == '\\' ? 2 : s.p[i] == '[' ? class_len(s, i) : 1;
        if (s.p[i] == '(' && depth == GROUPS_MAX)
            return true; /* not looked at so deep */
        if (s.p[i] == '(') {
            repeats[++depth] = false;
            continue;
        }
        if (s.p[i] == ')' && depth > 0) {
            depth--;
            if (repeats[depth + 1] && is_endless(s, i + 1))
                return true;
            repeats[depth] = repeats[depth] || repeats[depth + 1];
        }
        repeats[depth] = repeats[depth] || is_endless(s, i + n);
    }
    return false;
}
