/* load/hurl_lex.c - places, faults, memory, blanks and words of a journey's text. */
#include "load/journey_int.h"

#include <stdio.h>

#include "load/utf8_int.h"

enum { SHOWN_MAX = 40, WORD_MAX = 30 /* of a name that is compared with others */, FIRST_CAP = 4 };

/* ---- places and faults ---- */

/* Asked for in the order of the text nearly always, so that all lines together cost one pass. */
uint32_t cit__hurl_line_of(struct cit__hurl *h, const char *at)
{
    const char *nl;

    if (h->line_at == NULL || at < h->line_at) {
        h->line_at = h->start;
        h->line = 1;
    }
    while (at > h->line_at && (nl = memchr(h->line_at, '\n', (size_t)(at - h->line_at))) != NULL) {
        h->line_at = nl + 1;
        h->line++;
    }
    return h->line;
}

/* In characters: bytes that go on with one are not counted. */
static uint32_t column_of(const struct cit__hurl *h, const char *at)
{
    uint32_t column = 1;

    for (const char *p = at; p > h->start && p[-1] != '\n'; p--)
        column += ((unsigned char)p[-1] & 0xc0) != 0x80;
    return column;
}

int cit__hurl_fault(struct cit__hurl *h, const char *at, int err, const char *fmt, ...)
{
    va_list args;

    h->fault->line = cit__hurl_line_of(h, at);
    h->fault->column = column_of(h, at);
    va_start(args, fmt);
    (void)vsnprintf(h->fault->why, sizeof h->fault->why, fmt, args);
    va_end(args);
    return err;
}

int cit__hurl_expected(struct cit__hurl *h, const char *at, const char *what)
{
    return cit__hurl_fault(h, at, CIT_EINVAL, "expected %s, found %s", what, cit__hurl_found(h, at).text);
}

struct cit__hurl_shown cit__hurl_show(struct cit_slice s)
{
    struct cit__hurl_shown out = { "'" };
    size_t n = 1;

    for (size_t i = 0; i < s.n;) {
        size_t len = cit__utf8_len(s.p + i, s.n - i);
        bool is_shown = len > 0 && (unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f;

        len = len > 0 ? len : 1;
        if (n + len > SHOWN_MAX) {
            memcpy(out.text + n, "...", 3);
            n += 3;
            break;
        }
        memcpy(out.text + n, is_shown ? s.p + i : "?", is_shown ? len : 1);
        n += is_shown ? len : 1;
        i += len;
    }
    memcpy(out.text + n, "'", 2);
    return out;
}

static bool is_eol(const char *p, const char *end)
{
    return p == end || *p == '\n' || (*p == '\r' && p + 1 < end && p[1] == '\n');
}

struct cit__hurl_shown cit__hurl_found(const struct cit__hurl *h, const char *at)
{
    struct cit__hurl_shown out;
    const char *p = at;

    if (at < h->end && !is_eol(at, h->end)) {
        do {
            p++;
        } while (!is_eol(p, h->end) && *p != ' ' && *p != '\t');
        return cit__hurl_show(cit_slice(at, (size_t)(p - at)));
    }
    (void)snprintf(out.text, sizeof out.text, "the end of the %s", at == h->end && !h->in_note ? "file" : "line");
    return out;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How many letters have to be put in, left out or changed (Levenshtein), not minding case. */
static int distance(struct cit_slice a, struct cit_slice b)
{
    int row[WORD_MAX + 1];

    for (int j = 0; j <= (int)b.n; j++)
        row[j] = j;
    for (int i = 1; i <= (int)a.n; i++) {
        int corner = row[0];

        row[0] = i;
        for (int j = 1; j <= (int)b.n; j++) {
            int changed = corner + (lower(a.p[i - 1]) != lower(b.p[j - 1]));
            int least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

            corner = row[j];
            row[j] = changed < least ? changed : least;
        }
    }
    return row[b.n];
}

int cit__hurl_nearest(struct cit_slice word, const char *const *names, int n)
{
    int best = -1, least = word.n < 6 ? 2 : 3;

    for (int i = 0; i < n && word.n <= WORD_MAX; i++) {
        struct cit_slice name = cit_slice_str(names[i]);
        int d = name.n <= WORD_MAX ? distance(word, name) : WORD_MAX;

        if (d <= least && d < (int)name.n) {
            best = i;
            least = d - 1;
        }
    }
    return best;
}

/* ---- memory ---- */

void *cit__hurl_take(struct cit__hurl *h, size_t n, int *err)
{
    bool is_full;
    void *p = cit_arena_take(h->m.arena, n, &is_full);

    if (p != NULL)
        *err = CIT_OK;
    else if (is_full)
        *err = cit__hurl_fault(h, h->p, CIT_ELIMIT, "the journeys need more memory than a plan may have");
    else
        *err = CIT_ENOMEM;
    return p;
}

void *cit__hurl_more(struct cit__hurl *h, const void *at, uint32_t n, size_t size, int *err)
{
    union {
        const void *seen;
        void *own;
    } same = { at }; /* arrays come from here, and are the arena's */
    void *p;

    *err = CIT_OK;
    if (n > 0 && (n < FIRST_CAP || (n & (n - 1)) != 0))
        return same.own;
    p = cit__hurl_take(h, (n > 0 ? n * 2 : FIRST_CAP) * size, err);
    if (p != NULL && n > 0)
        memcpy(p, at, n * size);
    return p;
}

/* ---- blanks and words ---- */

bool cit__hurl_at_eol(const struct cit__hurl *h)
{
    return is_eol(h->p, h->end);
}

void cit__hurl_skip_sp(struct cit__hurl *h)
{
    while (h->p < h->end && (*h->p == ' ' || *h->p == '\t'))
        h->p++;
}

struct cit_slice cit__hurl_word(struct cit__hurl *h)
{
    const char *from = h->p;

    while (h->p < h->end && (((*h->p | 0x20) >= 'a' && (*h->p | 0x20) <= 'z') || (*h->p >= '0' && *h->p <= '9') ||
                             *h->p == '-' || *h->p == '_' || *h->p == '.'))
        h->p++;
    return cit_slice(from, (size_t)(h->p - from));
}

int cit__hurl_line_end(struct cit__hurl *h, const char *what)
{
    cit__hurl_skip_sp(h);
    if (h->p < h->end && *h->p == '#') {
        struct cit_slice word = cit__hurl_note_word(h->p, h->end);

        if (cit__hurl_is_note(word))
            return cit__hurl_fault(h, word.p - 1, CIT_EINVAL, "@%.*s stands on a line of its own", CIT_SLICE_ARG(word));
        while (!cit__hurl_at_eol(h))
            h->p++;
    }
    if (!cit__hurl_at_eol(h))
        return cit__hurl_fault(h, h->p, CIT_EINVAL, "expected %s%sthe end of the line, found %s", what,
                               what[0] != '\0' ? " or " : "", cit__hurl_found(h, h->p).text);
    if (h->p < h->end && *h->p == '\r')
        h->p++;
    if (h->p < h->end)
        h->p++;
    return CIT_OK;
}
