/* load/hurl_query.c - queries and their filters, as written in captures and asserts. */
#include "load/journey_int.h"

static const struct {
    const char *name;
    bool has_argument;
} kinds[CIT_QUERY_COUNT] = {
#define KIND_ROW(id, name, argument, body) { name, argument },
    CIT_QUERY_MAP(KIND_ROW)
#undef KIND_ROW
};

static const char *const kind_names[] = {
#define KIND_NAME(id, name, argument, body) name,
    CIT_QUERY_MAP(KIND_NAME)
#undef KIND_NAME
};

/* Of stock hurl, and not done here. */
static const char *const other_kinds[] = { "certificate", "ip", "md5", "rawbytes", "redirects", "sha256" };

static const char *const filter_names[] = {
#define FILTER_NAME(id, name, argument) name,
    CIT_FILTER_MAP(FILTER_NAME)
#undef FILTER_NAME
};

static const int filter_arguments[] = {
#define FILTER_ARGUMENT(id, name, argument) argument,
    CIT_FILTER_MAP(FILTER_ARGUMENT)
#undef FILTER_ARGUMENT
};

static const char *const other_filters[] = { "base64Decode",
                                             "base64Encode",
                                             "base64UrlSafeDecode",
                                             "base64UrlSafeEncode",
                                             "charsetDecode",
                                             "dateFormat",
                                             "daysAfterNow",
                                             "daysBeforeNow",
                                             "decode",
                                             "format",
                                             "location",
                                             "replaceRegex",
                                             "toDate",
                                             "toHex",
                                             "urlQueryParam",
                                             "utf8Decode",
                                             "utf8Encode",
                                             "xpath" };

static int find(struct cit_slice word, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cit_slice_eq(word, cit_slice_str(names[i])))
            return (int)i;
    return -1;
}

/* ---- arguments ---- */

static int needs_sp(struct cit__hurl *h, const char *what)
{
    const char *at = h->p;

    cit__hurl_skip_sp(h);
    return h->p > at && !cit__hurl_at_eol(h) ? CIT_OK : cit__hurl_expected(h, h->p, what);
}

static int string(struct cit__hurl *h, const char *what, struct cit_slice *out)
{
    if (h->p == h->end || *h->p != '"')
        return cit__hurl_expected(h, h->p, what);
    return cit__hurl_fixed(h, CIT__QUOTED, "the argument of a query or filter", out);
}

/* Between slashes only \/ is an escape of ours: the rest is the pattern's. */
static int between_slashes(struct cit__hurl *h, struct cit_slice *out)
{
    const char *open = h->p++;
    bool has_slash = false;
    size_t n = 0;
    char *p;
    int err;

    while (!cit__hurl_at_eol(h) && *h->p != '/') {
        bool is_pair = *h->p == '\\' && h->p + 1 < h->end && h->p[1] != '\n' && h->p[1] != '\r';

        has_slash = has_slash || (is_pair && h->p[1] == '/');
        h->p += is_pair ? 2 : 1;
    }
    if (cit__hurl_at_eol(h))
        return cit__hurl_fault(h, open, CIT_EINVAL, "the pattern that begins here has no closing / on its line");
    if (!has_slash) {
        *out = cit_slice(open + 1, (size_t)(h->p++ - open - 1));
        return CIT_OK;
    }
    p = cit__hurl_take(h, (size_t)(h->p - open), &err);
    if (p == NULL)
        return err;
    for (const char *c = open + 1; c < h->p; c++) {
        if (*c == '\\' && c[1] == '/')
            c++;
        else if (*c == '\\')
            p[n++] = *c++;
        p[n++] = *c;
    }
    h->p++;
    *out = cit_slice(p, n);
    return CIT_OK;
}

int cit__hurl_pattern(struct cit__hurl *h, struct cit_slice *out)
{
    if (h->p < h->end && *h->p == '/')
        return between_slashes(h, out);
    return string(h, "a pattern, as /[a-z]+/ or \"[a-z]+\"", out);
}

/* ---- filters ---- */

static int filter_argument(struct cit__hurl *h, struct cit_filter_spec *f)
{
    int kind = filter_arguments[f->kind], err;

    if (kind == 0)
        return CIT_OK;
    err = needs_sp(h, kind == 2 ? "a whole number" : "a text in quotes");
    if (err != CIT_OK)
        return err;
    if (kind == 2)
        return cit__hurl_integer(h, INT32_MIN, INT32_MAX, &f->n);
    if (f->kind == CIT_FILTER_REGEX)
        return cit__hurl_pattern(h, &f->a);
    if (f->kind == CIT_FILTER_REPLACE && *h->p == '/')
        return cit__hurl_fault(h, h->p, CIT_EINVAL,
                               "replace takes a text in quotes: replacing patterns is not supported");
    err = string(h, "a text in quotes", &f->a);
    if (err == CIT_OK && kind == 3)
        err = needs_sp(h, "a second text in quotes");
    if (err == CIT_OK && kind == 3)
        err = string(h, "a second text in quotes", &f->b);
    return err;
}

/* All filters that follow; what is none is left where it stands. */
static int filters(struct cit__hurl *h, struct cit_query_spec *spec)
{
    for (;;) {
        const char *before = h->p, *at;
        struct cit_slice word;
        int i, err;

        cit__hurl_skip_sp(h);
        at = h->p;
        word = cit__hurl_word(h);
        i = find(word, filter_names, CIT_FILTER_KINDS);
        if (find(word, other_filters, sizeof other_filters / sizeof *other_filters) >= 0)
            return cit__hurl_fault(h, at, CIT_EINVAL, "the filter %.*s is not supported", CIT_SLICE_ARG(word));
        if (i < 0 || at == before) {
            h->p = before;
            return CIT_OK;
        }
        if (spec->nfilters == CIT_QUERY_FILTERS_MAX)
            return cit__hurl_fault(h, at, CIT_ELIMIT, "a query has at most %d filters", CIT_QUERY_FILTERS_MAX);
        spec->filter[spec->nfilters].kind = (enum cit_filter_kind)i;
        err = filter_argument(h, &spec->filter[spec->nfilters++]);
        if (err != CIT_OK)
            return err;
    }
}

int cit__hurl_no_filter(struct cit__hurl *h)
{
    const char *at = h->p;
    struct cit_slice word = cit__hurl_word(h);
    int near = cit__hurl_nearest(word, filter_names, CIT_FILTER_KINDS);

    if (word.n > 2 && near >= 0)
        return cit__hurl_fault(h, at, CIT_EINVAL, "%s is no filter; did you mean %s?", cit__hurl_show(word).text,
                               filter_names[near]);
    return cit__hurl_expected(h, at, "a filter or the end of the line");
}

/* ---- queries ---- */

static int unknown_kind(struct cit__hurl *h, struct cit_slice word)
{
    int near = cit__hurl_nearest(word, kind_names, CIT_QUERY_COUNT);

    if (find(word, other_kinds, sizeof other_kinds / sizeof *other_kinds) >= 0)
        return cit__hurl_fault(h, word.p, CIT_EINVAL, "the query %.*s is not supported", CIT_SLICE_ARG(word));
    if (near >= 0 && word.n > 0)
        return cit__hurl_fault(h, word.p, CIT_EINVAL, "%s is no query; did you mean %s?", cit__hurl_show(word).text,
                               kind_names[near]);
    return cit__hurl_expected(
        h, word.p,
        "a query (status, header, cookie, body, jsonpath, xpath, regex, variable, duration, bytes, "
        "url, version)");
}

static int kind_argument(struct cit__hurl *h, struct cit_query_spec *spec)
{
    int err;

    if (!kinds[spec->kind].has_argument)
        return CIT_OK;
    err = needs_sp(h, spec->kind == CIT_QUERY_REGEX ? "a pattern, as /[a-z]+/ or \"[a-z]+\"" : "a text in quotes");
    if (err == CIT_OK)
        err = spec->kind == CIT_QUERY_REGEX ? cit__hurl_pattern(h, &spec->argument)
                                            : string(h, "a text in quotes", &spec->argument);
    if (err == CIT_OK && spec->kind == CIT_QUERY_CSS) {
        const char *before = h->p;

        cit__hurl_skip_sp(h);
        if (h->p < h->end && *h->p == '"')
            return string(h, "the name of an attribute", &spec->attribute);
        h->p = before;
    }
    return err;
}

int cit__hurl_compile(struct cit__hurl *h, const struct cit_query_spec *spec, const char *at,
                      const struct cit_query **out)
{
    char why[CIT_QUERY_WHY] = "";
    struct cit_query *q;
    size_t wrong = 0;
    int err = cit_query_new(&h->m, spec, &q, why, &wrong);

    if (err == CIT_EINVAL && spec->argument.p >= h->start && spec->argument.p < h->end && wrong <= spec->argument.n)
        at = spec->argument.p + wrong; /* it has no escapes: the byte is in the text */
    if (err == CIT_EINVAL || err == CIT_ESTATE)
        return cit__hurl_fault(h, at, CIT_EINVAL, "%s", why);
    if (err == CIT_ELIMIT)
        return cit__hurl_fault(h, at, err, "%s",
                               why[0] != '\0' ? why : "the journeys need more memory than a plan may have");
    if (err == CIT_OK)
        *out = q;
    return err;
}

int cit__hurl_query(struct cit__hurl *h, const struct cit_query **out)
{
    struct cit_query_spec spec = { 0 };
    const char *at = h->p;
    struct cit_slice word = cit__hurl_word(h);
    int i = find(word, kind_names, CIT_QUERY_COUNT), err;

    if (i < 0)
        return unknown_kind(h, word);
    spec.kind = (enum cit_query_kind)i;
    if (spec.kind == CIT_QUERY_CSS && !h->in_note)
        return cit__hurl_fault(h, at, CIT_EINVAL,
                               "css is not in the Hurl format: write it in a comment, as # @capture NAME: css \"...\" "
                               "or # @assert css \"...\"");
    err = kind_argument(h, &spec);
    if (err == CIT_OK)
        err = filters(h, &spec);
    return err == CIT_OK ? cit__hurl_compile(h, &spec, at, out) : err;
}
