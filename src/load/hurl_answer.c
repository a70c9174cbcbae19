/* load/hurl_answer.c - what a step expects of its answer: HTTP line, fields, captures, asserts, body. */
#include "load/journey_int.h"

/* ---- captures and asserts ---- */

int cit__hurl_variable(struct cit__hurl *h, struct cit_slice name, uint32_t *out)
{
    static const char *const made[] = { "newUuid", "newDate", "getEnv", "userNumber", "iteration" };
    const char *at = h->p;
    int err;

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

        if (!is_letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_' || c == '-')))
            return cit__hurl_fault(
                h, at, CIT_EINVAL,
                "%s is no name of a variable: it begins with a letter and has letters, digits, _ and -",
                cit__hurl_show(name).text);
    }
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        if (cit_slice_eq(name, cit_slice_str(made[i])))
            return cit__hurl_fault(h, at, CIT_EINVAL, "%s has a meaning of its own: choose another name", made[i]);
    err = cit_names_number(h->m.names, h->m.arena, name, out);
    if (err == CIT_ELIMIT)
        return cit__hurl_fault(h, at, err, "there are more than %d variables, or more text than a plan may have",
                               CIT_NAMES_MAX);
    return err;
}

static int capture_name(struct cit__hurl *h, struct cit_capture *c)
{
    const char *at = h->p, *behind;
    int err = cit__hurl_fixed(h, CIT__KEY, "the name of a variable", &c->name);

    if (err == CIT_OK && c->name.n == 0)
        err = cit__hurl_expected(h, at, "the name of a variable");
    if (err != CIT_OK)
        return err;
    behind = h->p;
    h->p = at;
    err = cit__hurl_variable(h, c->name, &c->var);
    h->p = behind;
    cit__hurl_skip_sp(h);
    if (err == CIT_OK && (h->p == h->end || *h->p != ':'))
        return cit__hurl_expected(h, h->p, "a colon behind the name of the variable");
    if (err == CIT_OK) {
        h->p++;
        cit__hurl_skip_sp(h);
    }
    return err;
}

int cit__hurl_capture(struct cit__hurl *h)
{
    struct cit_capture c = { .line = cit__hurl_line_of(h, h->p) };
    struct cit_step *s = h->step;
    int err = capture_name(h, &c);

    if (err == CIT_OK)
        err = cit__hurl_query(h, &c.query);
    if (err != CIT_OK)
        return err;
    cit__hurl_skip_sp(h);
    if (cit__hurl_at(h, "redact")) /* of stock hurl: keep it out of logs; nothing captured is in ours */
        h->p += sizeof "redact" - 1;
    else if (!cit__hurl_at_eol(h) && *h->p != '#')
        return cit__hurl_no_filter(h);
    err = cit__hurl_line_end(h, "");
    if (err == CIT_OK)
        s->captures = cit__hurl_more(h, s->captures, s->ncaptures, sizeof *s->captures, &err);
    if (err != CIT_OK)
        return err;
    s->captures[s->ncaptures++] = c;
    s->needs_body = s->needs_body || cit_query_needs_body(c.query);
    return CIT_OK;
}

/* The line of the text it begins on. */
static struct cit_slice line_at(const struct cit__hurl *h, const char *at)
{
    const char *nl = memchr(at, '\n', (size_t)(h->end - at));
    size_t n = (size_t)((nl != NULL ? nl : h->end) - at);

    while (n > 0 && (at[n - 1] == '\r' || at[n - 1] == ' ' || at[n - 1] == '\t'))
        n--;
    return cit_slice(at, n);
}

/* Completes an assert whose query, predicate and operand are there, and appends it to the step. */
static int add_assert(struct cit__hurl *h, struct cit_assert *as, const char *at)
{
    char why[CIT_QUERY_WHY] = "";
    struct cit_step *s = h->step;
    int err;

    as->line = cit__hurl_line_of(h, at);
    as->source = line_at(h, at);
    err = cit_assert_new(&h->m, as, why);
    if (err == CIT_EINVAL || err == CIT_ESTATE)
        return cit__hurl_fault(h, at, CIT_EINVAL, "%s%.200s",
                               as->predicate == CIT_PREDICATE_MATCHES ? "in the pattern of matches: " : "", why);
    if (err == CIT_ELIMIT)
        return cit__hurl_fault(h, at, err, "the journeys need more memory than a plan may have");
    if (err == CIT_OK)
        s->asserts = cit__hurl_more(h, s->asserts, s->nasserts, sizeof *s->asserts, &err);
    if (err != CIT_OK)
        return err;
    s->asserts[s->nasserts++] = *as;
    s->needs_body = s->needs_body || cit_query_needs_body(as->query);
    return CIT_OK;
}

int cit__hurl_assert(struct cit__hurl *h)
{
    struct cit_assert as = { 0 };
    const char *at = h->p;
    int err = cit__hurl_query(h, &as.query);

    if (err == CIT_OK)
        err = cit__hurl_predicate(h, &as);
    if (err == CIT_OK)
        err = cit__hurl_line_end(h, "");
    return err == CIT_OK ? add_assert(h, &as, at) : err;
}

/* ---- the HTTP line ---- */

static int version(struct cit__hurl *h)
{
    const char *at = h->p;
    struct cit_slice word;

    h->p += sizeof "HTTP" - 1;
    h->step->minor = -1;
    if (h->p == h->end || *h->p != '/')
        return CIT_OK;
    h->p++;
    if (cit__hurl_at(h, "*"))
        return cit__hurl_fault(h, at, CIT_EINVAL, "HTTP/* is an older form: write HTTP");
    word = cit__hurl_word(h);
    if (cit_slice_eq(word, CIT_SLICE_LIT("2")) || cit_slice_eq(word, CIT_SLICE_LIT("3")))
        return cit__hurl_fault(h, at, CIT_EINVAL, "HTTP/%.*s is not supported: requests are made as HTTP/1.1",
                               CIT_SLICE_ARG(word));
    if (!cit_slice_eq(word, CIT_SLICE_LIT("1.0")) && !cit_slice_eq(word, CIT_SLICE_LIT("1.1")))
        return cit__hurl_expected(h, at, "HTTP, HTTP/1.0 or HTTP/1.1");
    h->step->minor = word.p[2] - '0';
    return CIT_OK;
}

static int status(struct cit__hurl *h)
{
    int64_t n = -1;
    int err = CIT_OK;

    cit__hurl_skip_sp(h);
    if (h->p < h->end && *h->p == '*')
        h->p++;
    else if (h->p == h->end || *h->p < '0' || *h->p > '9')
        return cit__hurl_expected(h, h->p, "a status, as 200, or * for any");
    else
        err = cit__hurl_integer(h, 100, 999, &n);
    h->step->status = (int)n;
    return err;
}

/* ---- what follows it ---- */

/* A field becomes header "Name" == "value". */
static int expected_field(struct cit__hurl *h)
{
    struct cit_query_spec spec = { .kind = CIT_QUERY_HEADER };
    struct cit_assert as = { .predicate = CIT_PREDICATE_EQ };
    const char *at = h->p;
    struct cit_pair f;
    int err = cit__hurl_pair(h, &f);

    if (err == CIT_OK)
        err = cit__hurl_line_end(h, "");
    if (err == CIT_OK && !cit_tmpl_is_fixed(&f.name, &spec.argument))
        return cit__hurl_fault(h, at, CIT_EINVAL,
                               "the name of a field is the same for all users: it can hold no {{variables}}");
    if (err == CIT_OK)
        err = cit__hurl_compile(h, &spec, at, &as.query);
    as.operand = (struct cit_operand){ .kind = CIT_VALUE_STRING, .text = f.value };
    return err == CIT_OK ? add_assert(h, &as, at) : err;
}

/* A body becomes body == "...": equal as a whole. */
static int expected_body(struct cit__hurl *h)
{
    struct cit_query_spec spec = { .kind = CIT_QUERY_BODY };
    struct cit_assert as = { .predicate = CIT_PREDICATE_EQ };
    const char *at = h->p;
    struct cit__hurl_content body;
    int err = cit__hurl_body(h, &body);

    if (err == CIT_OK)
        err = cit__hurl_line_end(h, "");
    if (err == CIT_OK && body.kind == CIT_BODY_BYTES)
        err = cit__hurl_verbatim(h, body.bytes.p, body.bytes.p + body.bytes.n, &body.text);
    if (err == CIT_OK)
        err = cit__hurl_compile(h, &spec, at, &as.query);
    as.operand = (struct cit_operand){ .kind = CIT_VALUE_STRING, .text = body.text };
    return err == CIT_OK ? add_assert(h, &as, at) : err;
}

/* Asserts look like no pairs: they go on until something else begins. */
static int asserts(struct cit__hurl *h, enum cit__hurl_line *kind)
{
    int err = cit__hurl_next_line(h, kind);

    while (err == CIT_OK && (*kind == CIT__LINE_PAIR || (*kind == CIT__LINE_OTHER && !cit__hurl_is_body(h)))) {
        err = cit__hurl_assert(h);
        if (err == CIT_OK)
            err = cit__hurl_next_line(h, kind);
    }
    return err;
}

static int sections(struct cit__hurl *h, enum cit__hurl_line *kind)
{
    uint32_t seen = 0;
    int err = CIT_OK;

    while (err == CIT_OK && *kind == CIT__LINE_SECTION) {
        enum cit__hurl_section which;

        err = cit__hurl_section(h, &seen, &which);
        if (err == CIT_OK)
            err = which == CIT__SECTION_CAPTURES ? cit__hurl_pairs(h, cit__hurl_capture, kind) : asserts(h, kind);
    }
    return err;
}

int cit__hurl_answer(struct cit__hurl *h)
{
    enum cit__hurl_line kind;
    int err;

    h->in_answer = h->step->has_answer = true;
    err = version(h);
    if (err == CIT_OK)
        err = status(h);
    if (err == CIT_OK)
        err = cit__hurl_line_end(h, "");
    if (err == CIT_OK)
        err = cit__hurl_pairs(h, expected_field, &kind);
    if (err == CIT_OK)
        err = sections(h, &kind);
    if (err != CIT_OK || kind != CIT__LINE_OTHER)
        return err;
    if (!cit__hurl_is_body(h))
        return cit__hurl_expected(h, h->p, "a field, a section, a body or the next request");
    return expected_body(h);
}
