/* load/journey.c - journeys: the lines of a .hurl file, from the first to the last; journeys of one request. */
#include "load/journey.h"

#include "load/journey_int.h"

/* ---- lines ---- */

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_alpha(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* "[Name]"; [true], [false] and [null] are JSON. */
static bool is_section(const struct cit__hurl *h)
{
    const char *p = h->p + 1;

    if (*h->p != '[' || cit__hurl_at(h, "[true]") || cit__hurl_at(h, "[false]") || cit__hurl_at(h, "[null]"))
        return false;
    while (p < h->end && is_alpha(*p))
        p++;
    return p > h->p + 1 && p < h->end && *p == ']';
}

static bool is_blank_at(const struct cit__hurl *h, const char *p)
{
    return p == h->end || *p == ' ' || *p == '\t' || *p == '\r' || *p == '\n';
}

static bool is_request(const struct cit__hurl *h)
{
    const char *p = h->p;

    while (p < h->end && is_upper(*p))
        p++;
    return p > h->p && is_blank_at(h, p);
}

static enum cit__hurl_line kind_of(const struct cit__hurl *h)
{
    if (h->p == h->end)
        return CIT__LINE_END;
    if (is_section(h))
        return CIT__LINE_SECTION;
    if (cit__hurl_is_pair(h))
        return CIT__LINE_PAIR;
    if (cit__hurl_at(h, "HTTP/") || (cit__hurl_at(h, "HTTP") && is_blank_at(h, h->p + 4)))
        return CIT__LINE_ANSWER;
    return is_request(h) ? CIT__LINE_REQUEST : CIT__LINE_OTHER;
}

/* Directives are said of the request they stand in front of. */
static int check_notes(struct cit__hurl *h, enum cit__hurl_line kind)
{
    struct cit_slice word = h->notes.word;

    if (h->notes.n == 0 || kind == CIT__LINE_REQUEST)
        return CIT_OK;
    if (kind == CIT__LINE_END)
        return cit__hurl_fault(h, word.p - 1, CIT_EINVAL, "behind this @%.*s comes no request", CIT_SLICE_ARG(word));
    return cit__hurl_fault(h, word.p - 1, CIT_EINVAL,
                           "@%.*s stands in front of the request it is said of, and here one is not over yet",
                           CIT_SLICE_ARG(word));
}

int cit__hurl_next_line(struct cit__hurl *h, enum cit__hurl_line *kind)
{
    int err = CIT_OK;

    while (err == CIT_OK) {
        cit__hurl_skip_sp(h);
        if (h->p < h->end && *h->p == '#')
            err = cit__hurl_note(h);
        else if (h->p < h->end && cit__hurl_at_eol(h))
            err = cit__hurl_note_gap(h);
        else
            break;
        h->p += h->p < h->end && *h->p == '\r';
        h->p += h->p < h->end;
    }
    *kind = kind_of(h);
    return err == CIT_OK ? check_notes(h, *kind) : err;
}

int cit__hurl_pairs(struct cit__hurl *h, int (*one)(struct cit__hurl *h), enum cit__hurl_line *kind)
{
    int err = cit__hurl_next_line(h, kind);

    while (err == CIT_OK && *kind == CIT__LINE_PAIR) {
        err = one(h);
        if (err == CIT_OK)
            err = cit__hurl_next_line(h, kind);
    }
    return err;
}

/* ---- sections ---- */

static const char *const section_names[] = {
#define SECTION_NAME(id, name, is_answer) name,
    CIT__SECTION_MAP(SECTION_NAME)
#undef SECTION_NAME
};

static const bool section_is_answer[] = {
#define SECTION_SIDE(id, name, is_answer) is_answer,
    CIT__SECTION_MAP(SECTION_SIDE)
#undef SECTION_SIDE
};

static int unknown_section(struct cit__hurl *h, const char *at, struct cit_slice name)
{
    int near = cit__hurl_nearest(name, section_names, CIT__SECTION_COUNT);

    if (near >= 0)
        return cit__hurl_fault(h, at, CIT_EINVAL, "there is no section [%.*s]; did you mean [%s]?", CIT_SLICE_ARG(name),
                               section_names[near]);
    return cit__hurl_expected(
        h, at, "[Query], [Form], [Multipart], [Cookies], [BasicAuth], [Options], [Captures] or [Asserts]");
}

/* The older name's number is that of the newer one. */
static enum cit__hurl_section plain(int i)
{
    return (enum cit__hurl_section)(i >= CIT__SECTION_LONG_QUERY ? i - CIT__SECTION_LONG_QUERY : i);
}

int cit__hurl_section(struct cit__hurl *h, uint32_t *seen, enum cit__hurl_section *out)
{
    const char *at = h->p++, *close = memchr(h->p, ']', (size_t)(h->end - h->p));
    struct cit_slice name = cit_slice(h->p, (size_t)(close - h->p));
    int i = 0;

    h->p = close + 1;
    while (i < CIT__SECTION_COUNT && !cit_slice_eq(name, cit_slice_str(section_names[i])))
        i++;
    if (i == CIT__SECTION_COUNT)
        return unknown_section(h, at, name);
    if (section_is_answer[i] != h->in_answer)
        return cit__hurl_fault(h, at, CIT_EINVAL,
                               h->in_answer ? "[%s] is of the request: it stands before the HTTP line"
                                            : "[%s] is of the answer: it stands behind an HTTP line",
                               section_names[i]);
    if (*seen >> plain(i) & 1)
        return cit__hurl_fault(h, at, CIT_EINVAL, "there is a section [%s] already", section_names[plain(i)]);
    *seen |= 1u << plain(i);
    *out = plain(i);
    return cit__hurl_line_end(h, "");
}

/* ---- whole journeys ---- */

static int requests(struct cit__hurl *h)
{
    enum cit__hurl_line kind;
    int err = cit__hurl_next_line(h, &kind);

    while (err == CIT_OK && kind == CIT__LINE_REQUEST) {
        err = cit__hurl_request(h);
        if (err == CIT_OK)
            err = cit__hurl_next_line(h, &kind);
    }
    if (err == CIT_OK && kind != CIT__LINE_END)
        err = cit__hurl_expected(h, h->p,
                                 h->step == NULL ? "a request, as GET /path"
                                 : h->in_answer  ? "the next request, as GET /path"
                                                 : "an HTTP line or the next request, as GET /path");
    return err;
}

/* The name of a file without folder and .hurl. */
static struct cit_slice name_of(struct cit_slice path)
{
    const char *slash = path.n > 0 ? memrchr(path.p, '/', path.n) : NULL;

    if (slash != NULL)
        path = cit_slice(slash + 1, path.n - (size_t)(slash + 1 - path.p));
    if (path.n > 5 && memcmp(path.p + path.n - 5, ".hurl", 5) == 0)
        path.n -= 5;
    return path.n > 0 ? path : CIT_SLICE_LIT("journey");
}

/* A fault of the file as a whole. */
static int whole_fault(struct cit_journey_fault *fault, int err, const char *why)
{
    *fault = (struct cit_journey_fault){ 0 };
    memcpy(fault->why, why, strlen(why) + 1);
    return err;
}

static int copy(struct cit_arena *a, struct cit_slice s, struct cit_slice *out, struct cit_journey_fault *fault)
{
    bool is_full;
    char *p = cit_arena_take(a, s.n + 1, &is_full);

    if (p == NULL)
        return is_full ? whole_fault(fault, CIT_ELIMIT, "the journeys need more memory than a plan may have")
                       : CIT_ENOMEM;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    *out = cit_slice(p, s.n);
    return CIT_OK;
}

/* text and path lie in the arena. */
static int parse(struct cit__hurl *h, struct cit_slice text, struct cit_slice path)
{
    int err;

    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        text = cit_slice(text.p + 3, text.n - 3);
    h->start = h->p = text.p;
    h->end = text.p + text.n;
    h->path = path;
    *h->journey = (struct cit_journey){ .path = path, .name = name_of(path), .weight = 1 };
    err = requests(h);
    if (err == CIT_OK && h->journey->nsteps == 0)
        return whole_fault(h->fault, CIT_EINVAL, "there is no request in it");
    return err;
}

int cit_journey_parse(struct cit_slice text, struct cit_slice path, const struct cit_making *m, struct cit_journey *out,
                      struct cit_journey_fault *fault)
{
    struct cit__hurl h = { .m = *m, .journey = out, .fault = fault };
    int err;

    if (text.n > CIT_JOURNEY_FILE_MAX)
        return whole_fault(fault, CIT_ELIMIT, "it is larger than 16 MiB");
    err = copy(m->arena, text, &text, fault);
    if (err == CIT_OK)
        err = copy(m->arena, path, &path, fault);
    return err == CIT_OK ? parse(&h, text, path) : err;
}

int cit_journey_read(const char *path, const struct cit_making *m, struct cit_journey *out,
                     struct cit_journey_fault *fault)
{
    struct cit__hurl h = { .m = *m, .journey = out, .fault = fault };
    struct cit_slice text, name;
    const char *why = "";
    int err = cit__hurl_read_file(m->arena, path, &text, &why);

    if (err == CIT_ENOENT || err == CIT_ELIMIT)
        return whole_fault(fault, err, why);
    if (err == CIT_OK)
        err = copy(m->arena, cit_slice_str(path), &name, fault);
    return err == CIT_OK ? parse(&h, text, name) : err;
}
