/* load/hurl_note.c - the directives of a journey, which stand in comments: "# @name log in". */
#include "load/journey_int.h"

enum { REPEAT_MAX = 1000000, WEIGHT_MAX = 1000000, SHOWN_MAX = 40 };

static int note_journey(struct cit__hurl *h, struct cit_slice text);
static int note_weight(struct cit__hurl *h, struct cit_slice text);
static int note_name(struct cit__hurl *h, struct cit_slice text);
static int note_once(struct cit__hurl *h, struct cit_slice text);
static int note_think(struct cit__hurl *h, struct cit_slice text);
static int note_repeat(struct cit__hurl *h, struct cit_slice text);
static int note_size(struct cit__hurl *h, struct cit_slice text);
static int note_capture(struct cit__hurl *h, struct cit_slice text);
static int note_assert(struct cit__hurl *h, struct cit_slice text);

/* name, where it stands */
#define NOTES(X)          \
    X(journey, "journey") \
    X(weight, "journey")  \
    X(name, "request")    \
    X(once, "request")    \
    X(think, "request")   \
    X(repeat, "request")  \
    X(size, "request")    \
    X(capture, "answer")  \
    X(assert, "answer")

static const struct {
    const char *place;
    int (*take)(struct cit__hurl *h, struct cit_slice text); /* h->p is where text begins */
} notes[] = {
#define NOTE_ROW(name, place) { place, note_##name },
    NOTES(NOTE_ROW)
#undef NOTE_ROW
};

static const char *const names[] = {
#define NOTE_NAME(name, place) #name,
    NOTES(NOTE_NAME)
#undef NOTE_NAME
};

enum { COUNT = sizeof notes / sizeof *notes };

static int find(struct cit_slice word)
{
    int i = COUNT - 1;

    while (i >= 0 && !cit_slice_eq(word, cit_slice_str(names[i])))
        i--;
    return i;
}

bool cit__hurl_is_note(struct cit_slice word)
{
    return find(word) >= 0;
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Letters and - _ between an @ and a blank: "@alice@example.org", "@2x" and "@a.b" are none, and stay comments. */
struct cit_slice cit__hurl_note_word(const char *p, const char *end)
{
    const char *from;

    for (p++; p < end && (*p == ' ' || *p == '\t');)
        p++;
    if (end - p < 2 || p[0] != '@' || !is_letter(p[1]))
        return cit_slice(p, 0);
    from = ++p;
    while (p < end && (is_letter(*p) || *p == '-' || *p == '_'))
        p++;
    if (p < end && strchr(" \t\r\n", *p) == NULL)
        return cit_slice(p, 0);
    return cit_slice(from, (size_t)(p - from));
}

/* ---- each of them ---- */

static int needs_text(struct cit__hurl *h, struct cit_slice text, const char *what)
{
    return text.n > 0 ? CIT_OK : cit__hurl_expected(h, h->p, what);
}

/* The slot of a directive that may stand once. */
static int only_once(struct cit__hurl *h, bool is_there)
{
    return is_there ? cit__hurl_fault(h, h->p, CIT_EINVAL, "this directive stands here already") : CIT_OK;
}

static int note_journey(struct cit__hurl *h, struct cit_slice text)
{
    int err = needs_text(h, text, "the name of the journey");

    if (err == CIT_OK)
        err = only_once(h, h->has_name);
    if (err != CIT_OK)
        return err;
    h->has_name = true;
    h->journey->name = text;
    return CIT_OK;
}

/* A whole number and nothing behind it. */
static int count(struct cit__hurl *h, int64_t most, uint32_t *out)
{
    int64_t n;
    int err = cit__hurl_integer(h, 1, most, &n);

    if (err == CIT_OK) {
        cit__hurl_skip_sp(h);
        *out = (uint32_t)n;
        if (!cit__hurl_at_eol(h))
            err = cit__hurl_expected(h, h->p, "the end of the line");
    }
    return err;
}

static int note_weight(struct cit__hurl *h, struct cit_slice text)
{
    int err = only_once(h, h->has_weight);

    (void)text;
    h->has_weight = true;
    return err == CIT_OK ? count(h, WEIGHT_MAX, &h->journey->weight) : err;
}

static int note_name(struct cit__hurl *h, struct cit_slice text)
{
    int err = needs_text(h, text, "the name of the request in reports");

    if (err == CIT_OK)
        err = only_once(h, h->notes.name.n > 0);
    if (err == CIT_OK)
        h->notes.name = text;
    return err;
}

static int note_once(struct cit__hurl *h, struct cit_slice text)
{
    if (text.n > 0)
        return cit__hurl_expected(h, h->p, "the end of the line");
    h->notes.is_once = true;
    return CIT_OK;
}

static int note_think(struct cit__hurl *h, struct cit_slice text)
{
    const char *why;
    int err = needs_text(h, text, "a think time, as 2s, 1s..3s, exp(2s) or normal(2s, 500ms)");

    if (err == CIT_OK)
        err = only_once(h, h->notes.has_think);
    if (err == CIT_OK && cit_units_dist(text, &h->notes.think, &why) != CIT_OK)
        err = cit__hurl_fault(h, h->p, CIT_EINVAL, "%s %s", cit__hurl_show(text).text, why);
    h->notes.has_think = true;
    return err;
}

static int note_repeat(struct cit__hurl *h, struct cit_slice text)
{
    int err = only_once(h, h->notes.repeat > 0);

    (void)text;
    return err == CIT_OK ? count(h, REPEAT_MAX, &h->notes.repeat) : err;
}

static int note_size(struct cit__hurl *h, struct cit_slice text)
{
    if (!cit_slice_eq(text, CIT_SLICE_LIT("any")))
        return cit__hurl_expected(h, h->p, "any");
    h->notes.is_any_size = true;
    return CIT_OK;
}

/* The rest of the line is all that is read: a string over lines would go on outside of the comment. */
static int within(struct cit__hurl *h, struct cit_slice text, int (*read)(struct cit__hurl *h))
{
    const char *end = h->end;
    int err;

    h->end = text.p + text.n;
    h->in_note = true;
    err = read(h);
    h->in_note = false;
    h->end = end;
    return err;
}

static int note_capture(struct cit__hurl *h, struct cit_slice text)
{
    return within(h, text, cit__hurl_capture);
}

static int note_assert(struct cit__hurl *h, struct cit_slice text)
{
    return within(h, text, cit__hurl_assert);
}

/* ---- where they stand ---- */

static int check_place(struct cit__hurl *h, struct cit_slice word, const char *place)
{
    if (place[0] == 'j' && h->step != NULL)
        return cit__hurl_fault(h, word.p - 1, CIT_EINVAL,
                               "@%.*s is said of the whole journey, in front of its first request",
                               CIT_SLICE_ARG(word));
    if (place[0] == 'a' && !h->in_answer)
        return cit__hurl_fault(h, word.p - 1, CIT_EINVAL, "@%.*s looks at an answer: it stands behind an HTTP line",
                               CIT_SLICE_ARG(word));
    if (place[0] == 'r' && h->notes.n++ == 0)
        h->notes.word = word;
    return CIT_OK;
}

static int unknown(struct cit__hurl *h, struct cit_slice word)
{
    int near = cit__hurl_nearest(word, names, COUNT), shown = word.n < SHOWN_MAX ? (int)word.n : SHOWN_MAX;

    if (near >= 0)
        return cit__hurl_fault(h, word.p - 1, CIT_EINVAL, "there is no directive @%.*s; did you mean @%s?", shown,
                               word.p, names[near]);
    return cit__hurl_fault(
        h, word.p - 1, CIT_EINVAL,
        "there is no directive @%.*s, only @journey @weight @name @once @think @repeat @size @capture "
        "@assert; a comment that begins so needs a word before the @",
        shown, word.p);
}

int cit__hurl_note(struct cit__hurl *h)
{
    const char *nl = memchr(h->p, '\n', (size_t)(h->end - h->p)), *eol = nl != NULL ? nl : h->end;
    struct cit_slice word = cit__hurl_note_word(h->p, h->end), text;
    int i = find(word), err = CIT_OK;

    if (word.n > 0) {
        h->p = word.p + word.n;
        cit__hurl_skip_sp(h);
        text = cit_slice(h->p, (size_t)(eol - h->p));
        while (text.n > 0 && strchr(" \t\r", text.p[text.n - 1]) != NULL)
            text.n--;
        err = i < 0 ? unknown(h, word) : check_place(h, word, notes[i].place);
        if (err == CIT_OK)
            err = notes[i].take(h, text);
    }
    h->p = eol;
    return err;
}

int cit__hurl_note_gap(struct cit__hurl *h)
{
    struct cit_journey *j = h->journey;

    if (h->step != NULL || !h->notes.has_think)
        return CIT_OK;
    if (j->has_think)
        return cit__hurl_fault(h, h->notes.word.p - 1, CIT_EINVAL, "the journey has a @think already");
    j->has_think = true;
    j->think = h->notes.think;
    h->notes.has_think = false;
    h->notes.n--;
    return CIT_OK;
}

void cit__hurl_note_step(struct cit__hurl *h)
{
    const struct cit__hurl_notes *n = &h->notes;
    struct cit_step *s = h->step;

    s->name = n->name;
    s->is_once = n->is_once;
    s->has_think = n->has_think;
    s->think = n->think;
    s->repeat = n->repeat > 0 ? n->repeat : 1;
    s->size = n->is_any_size ? CIT_SIZE_ANY : CIT_SIZE_STEADY;
    h->notes = (struct cit__hurl_notes){ 0 };
}
