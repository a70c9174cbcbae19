/* load/hurl_request.c - a request: method, URL, fields, sections, body. */
#include "load/journey_int.h"

/* ---- the first line ---- */

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

int cit__hurl_check_method(struct cit__hurl *h, struct cit_slice method)
{
    if (cit_slice_eq(method, CIT_SLICE_LIT("CONNECT")))
        return cit__hurl_fault(h, method.p, CIT_EINVAL,
                               "CONNECT is not supported: nothing would be sent through the tunnel");
    return CIT_OK;
}

static int method(struct cit__hurl *h)
{
    const char *at = h->p;

    while (h->p < h->end && is_upper(*h->p))
        h->p++;
    h->step->method = cit_slice(at, (size_t)(h->p - at));
    cit__hurl_skip_sp(h);
    return cit__hurl_check_method(h, h->step->method);
}

static bool begins(struct cit_slice s, const char *word)
{
    return s.n >= strlen(word) && memcmp(s.p, word, strlen(word)) == 0;
}

int cit__hurl_check_url(struct cit__hurl *h, const struct cit_tmpl *url, const char *at)
{
    struct cit_slice first = url->n > 0 ? url->piece[0].text : cit_slice("", 0);

    if (url->n == 0)
        return cit__hurl_expected(h, at, "a URL");
    if (url->piece[0].var == CIT_TMPL_TEXT && !begins(first, "/") && !begins(first, "http://") &&
        !begins(first, "https://"))
        return cit__hurl_fault(h, at, CIT_EINVAL,
                               "a URL begins with http://, https://, / or a {{variable}}, not with %s",
                               cit__hurl_found(h, at).text);
    for (uint32_t i = 0; i < url->n; i++)
        for (size_t k = 0; k < url->piece[i].text.n; k++) {
            const char *p = &url->piece[i].text.p[k];
            unsigned char c = (unsigned char)*p;

            if (c <= 0x20 || c >= 0x7f) {
                at = p >= h->start && p < h->end ? p : at; /* no escape was in front of it */
                return c == ' ' ? cit__hurl_fault(h, at, CIT_EINVAL, "a URL has no blanks: write %%20")
                                : cit__hurl_fault(h, at, CIT_EINVAL,
                                                  "a URL has only visible ASCII characters: write others as %%C3%%A9");
            }
        }
    return CIT_OK;
}

static int first_line(struct cit__hurl *h)
{
    const char *at;
    int err = method(h);

    at = h->p;
    if (err == CIT_OK)
        err = cit__hurl_text(h, CIT__VALUE, &h->step->url);
    if (err == CIT_OK)
        err = cit__hurl_check_url(h, &h->step->url, at);
    if (err == CIT_OK && h->step->name.n == 0)
        h->step->name = cit_slice(at, (size_t)(h->p - at));
    return err == CIT_OK ? cit__hurl_line_end(h, "") : err;
}

int cit__hurl_name_step(struct cit__hurl *h, struct cit_slice url)
{
    struct cit_step *s = h->step;
    const char *host = memmem(url.p, url.n, "://", 3), *path = url.p, *mark;
    char *name;
    int err;

    if (host != NULL) {
        path = memchr(host + 3, '/', url.n - (size_t)(host + 3 - url.p));
        path = path != NULL ? path : url.p + url.n;
    }
    url.n -= (size_t)(path - url.p);
    url.p = path;
    mark = memchr(url.p, '?', url.n);
    url = mark != NULL ? cit_slice(url.p, (size_t)(mark - url.p)) : url;
    url = url.n > 0 ? url : CIT_SLICE_LIT("/");
    name = cit__hurl_take(h, s->method.n + 1 + url.n, &err);
    if (name == NULL)
        return err;
    memcpy(name, s->method.p, s->method.n);
    name[s->method.n] = ' ';
    memcpy(name + s->method.n + 1, url.p, url.n);
    s->name = cit_slice(name, s->method.n + 1 + url.n);
    return CIT_OK;
}

/* ---- lines of sections ---- */

static int field(struct cit__hurl *h)
{
    const char *at = h->p;
    int err = cit__hurl_add_pair(h, &h->step->headers, &h->step->nheaders);

    return err == CIT_OK ? cit__hurl_check_field(h, &h->step->headers[h->step->nheaders - 1], at) : err;
}

static int query(struct cit__hurl *h)
{
    return cit__hurl_add_pair(h, &h->step->query, &h->step->nquery);
}

static int form(struct cit__hurl *h)
{
    return cit__hurl_add_pair(h, &h->step->form, &h->step->nform);
}

static int cookie(struct cit__hurl *h)
{
    struct cit_step *s = h->step;
    const char *at = h->p;
    int err = cit__hurl_add_pair(h, &s->cookies, &s->ncookies);

    if (err == CIT_OK)
        err = cit__hurl_check_line(h, &s->cookies[s->ncookies - 1].name, at, "the name of a cookie");
    if (err == CIT_OK)
        err = cit__hurl_check_line(h, &s->cookies[s->ncookies - 1].value, at, "the value of a cookie");
    return err;
}

static int basic_auth(struct cit__hurl *h)
{
    struct cit_pair p;
    const char *at = h->p;
    int err = cit__hurl_pair(h, &p);

    if (err == CIT_OK)
        err = cit__hurl_line_end(h, "");
    if (err == CIT_OK && h->step->has_auth)
        return cit__hurl_fault(h, at, CIT_EINVAL, "the request has a user already");
    if (err == CIT_OK) {
        h->step->user = p.name;
        h->step->password = p.value;
        h->step->has_auth = true;
    }
    return err;
}

static struct cit_slice type_of_file(struct cit_slice name)
{
    static const struct {
        const char *end, *type;
    } types[] = { { ".gif", "image/gif" },       { ".jpg", "image/jpeg" },        { ".jpeg", "image/jpeg" },
                  { ".png", "image/png" },       { ".svg", "image/svg+xml" },     { ".txt", "text/plain" },
                  { ".htm", "text/html" },       { ".html", "text/html" },        { ".pdf", "application/pdf" },
                  { ".xml", "application/xml" }, { ".json", "application/json" }, { ".csv", "text/csv" } };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t n = strlen(types[i].end);

        if (name.n > n && cit_slice_eq_nocase(cit_slice(name.p + name.n - n, n), cit_slice_str(types[i].end)))
            return cit_slice_str(types[i].type);
    }
    return CIT_SLICE_LIT("application/octet-stream");
}

/* Behind "file,": its name, ; and a type. */
static int file_part(struct cit__hurl *h, struct cit_part *part)
{
    struct cit_slice name;
    const char *slash, *at;
    struct cit_tmpl type;
    int err = cit__hurl_file(h, &name, &part->file);

    if (err != CIT_OK)
        return err;
    slash = memrchr(name.p, '/', name.n);
    part->file_name = slash != NULL ? cit_slice(slash + 1, name.n - (size_t)(slash + 1 - name.p)) : name;
    cit__hurl_skip_sp(h);
    at = h->p;
    err = cit__hurl_fixed(h, CIT__VALUE, "the type of a file", &part->type);
    if (err == CIT_OK && part->type.n == 0)
        part->type = type_of_file(name);
    if (err == CIT_OK)
        err = cit__hurl_verbatim(h, part->type.p, part->type.p + part->type.n, &type);
    return err == CIT_OK ? cit__hurl_check_line(h, &type, at, "the type of a file") : err;
}

static int part(struct cit__hurl *h)
{
    struct cit_step *s = h->step;
    struct cit_part one = { 0 };
    const char *at = h->p;
    int err = cit__hurl_text(h, CIT__KEY, &one.name);

    if (err == CIT_OK)
        err = cit__hurl_check_line(h, &one.name, at, "the name of a part");
    if (err != CIT_OK)
        return err;
    cit__hurl_skip_sp(h);
    h->p++; /* the colon: it is a pair */
    cit__hurl_skip_sp(h);
    err = cit__hurl_at(h, "file,") ? file_part(h, &one) : cit__hurl_text(h, CIT__VALUE, &one.value);
    if (err == CIT_OK)
        err = cit__hurl_line_end(h, "");
    if (err == CIT_OK)
        s->parts = cit__hurl_more(h, s->parts, s->nparts, sizeof *s->parts, &err);
    if (err == CIT_OK)
        s->parts[s->nparts++] = one;
    return err;
}

/* ---- sections and bodies ---- */

static int section(struct cit__hurl *h, enum cit__hurl_section which, enum cit__hurl_line *kind)
{
    static int (*const lines[CIT__SECTION_COUNT])(struct cit__hurl *) = {
        [CIT__SECTION_QUERY] = query,           [CIT__SECTION_FORM] = form,
        [CIT__SECTION_MULTIPART] = part,        [CIT__SECTION_COOKIES] = cookie,
        [CIT__SECTION_BASIC_AUTH] = basic_auth, [CIT__SECTION_OPTIONS] = cit__hurl_option,
    };

    return cit__hurl_pairs(h, lines[which], kind); /* those of answers have been refused */
}

static int set_body(struct cit__hurl *h, enum cit_body_kind kind, const char *at)
{
    if (h->step->body != CIT_BODY_NONE)
        return cit__hurl_fault(h, at, CIT_EINVAL,
                               "a request has one body: a [Form], a [Multipart] or what stands behind them");
    h->step->body = kind;
    return CIT_OK;
}

static int sections(struct cit__hurl *h, enum cit__hurl_line *kind)
{
    uint32_t seen = 0;
    int err = CIT_OK;

    while (err == CIT_OK && *kind == CIT__LINE_SECTION) {
        const char *at = h->p;
        enum cit__hurl_section which;

        err = cit__hurl_section(h, &seen, &which);
        if (err == CIT_OK)
            err = section(h, which, kind);
        if (err == CIT_OK && which == CIT__SECTION_FORM)
            err = set_body(h, CIT_BODY_FORM, at);
        if (err == CIT_OK && which == CIT__SECTION_MULTIPART)
            err = set_body(h, CIT_BODY_MULTIPART, at);
    }
    return err;
}

static int body(struct cit__hurl *h, enum cit__hurl_line *kind)
{
    const char *at = h->p;
    struct cit__hurl_content b;
    int err;

    if (!cit__hurl_is_body(h))
        return cit__hurl_expected(h, at,
                                  "a field (Name: value), a section, a body, an HTTP line or a request (GET /path)");
    err = cit__hurl_body(h, &b);
    if (err == CIT_OK)
        err = cit__hurl_line_end(h, "");
    if (err == CIT_OK)
        err = set_body(h, b.kind, at);
    if (err != CIT_OK)
        return err;
    h->step->text = b.text;
    h->step->bytes = b.bytes;
    h->step->type = b.type;
    return cit__hurl_next_line(h, kind);
}

void cit__hurl_choose_type(struct cit_step *s)
{
    struct cit_slice name;

    if (s->body == CIT_BODY_FORM)
        s->type = CIT_SLICE_LIT("application/x-www-form-urlencoded");
    for (uint32_t i = 0; i < s->nheaders; i++)
        if (cit_tmpl_is_fixed(&s->headers[i].name, &name) && cit_slice_eq_nocase(name, CIT_SLICE_LIT("Content-Type")))
            s->type = (struct cit_slice){ 0 };
}

/* ---- the whole ---- */

int cit__hurl_new_step(struct cit__hurl *h)
{
    struct cit_journey *j = h->journey;
    int err;

    if (j->nsteps == CIT_JOURNEY_STEPS_MAX)
        return cit__hurl_fault(h, h->p, CIT_ELIMIT, "a journey has at most %d requests", CIT_JOURNEY_STEPS_MAX);
    j->steps = cit__hurl_more(h, j->steps, j->nsteps, sizeof *j->steps, &err);
    if (err != CIT_OK)
        return err;
    h->step = &j->steps[j->nsteps++];
    *h->step = (struct cit_step){ .max_redirects = 50, .minor = -1, .line = cit__hurl_line_of(h, h->p) };
    h->in_answer = false;
    cit__hurl_note_step(h);
    return CIT_OK;
}

int cit__hurl_request(struct cit__hurl *h)
{
    enum cit__hurl_line kind = CIT__LINE_END;
    bool has_name = h->notes.name.n > 0;
    int err = cit__hurl_new_step(h);

    if (err == CIT_OK)
        err = first_line(h);
    if (err == CIT_OK && !has_name)
        err = cit__hurl_name_step(h, h->step->name);
    if (err == CIT_OK)
        err = cit__hurl_pairs(h, field, &kind);
    if (err == CIT_OK)
        err = sections(h, &kind);
    if (err == CIT_OK && kind == CIT__LINE_OTHER)
        err = body(h, &kind);
    if (err != CIT_OK)
        return err;
    cit__hurl_choose_type(h->step);
    return kind == CIT__LINE_ANSWER ? cit__hurl_answer(h) : CIT_OK;
}
