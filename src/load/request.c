/* load/request.c - a request, from a step's templates to its bytes.
 *
 *      POST /login/?next=1 HTTP/1.1     method, target, query
 *      Host, Cookie                     own cookies, then the jar's
 *      User-Agent, Accept, Connection   unless given
 *      the plan's fields, the step's, Authorization
 *      Content-Type, Content-Length     body
 */
#include <stdio.h>

#include "load/engine_int.h"

int cit__fill(struct cit__thread *t, const struct cit_tmpl *tmpl, const struct cit__spec *s,
              enum cit_tmpl_escape escape, struct cit_buf *out)
{
    uint32_t unset = 0;
    int err = cit_tmpl_fill(tmpl, s->vars, escape, out, &unset);

    if (err == CIT_ENOENT || err == CIT_EINVAL) {
        struct cit_slice name = unset < t->plan->names.n ? t->plan->names.at[unset] : CIT_SLICE_LIT("?");

        (void)snprintf(t->why, sizeof t->why,
                       err == CIT_ENOENT ? "the variable %.*s has no value"
                                         : "the value of the variable %.*s has a line end, which may not stand here",
                       CIT_SLICE_ARG(name));
    } else if (err == CIT_ELIMIT) {
        (void)snprintf(t->why, sizeof t->why, "the request is too long");
    }
    return err;
}

/* ---- request line ---- */

/* What a request line may have as it is: everything visible but what RFC 3986 has no place for. */
static bool is_plain(char c)
{
    return c > ' ' && c < 0x7f && memchr("\"<>\\^`{|}", c, 9) == NULL;
}

static int add_target(struct cit_buf *out, struct cit_slice path)
{
    static const char hex[] = "0123456789ABCDEF";
    int err = path.n == 0 || path.p[0] != '/' ? cit_buf_add_str(out, "/") : CIT_OK;
    size_t done = 0;

    for (size_t i = 0; i <= path.n && err == CIT_OK; i++) {
        bool is_end = i == path.n || path.p[i] == '#'; /* the fragment is the client's own */

        if (!is_end && is_plain(path.p[i]))
            continue;
        err = cit_buf_add(out, path.p + done, i - done);
        done = i + 1;
        if (is_end)
            break;
        if (err == CIT_OK) {
            unsigned char c = (unsigned char)path.p[i];
            const char escaped[3] = { '%', hex[c >> 4], hex[c & 15] };

            err = cit_buf_add(out, escaped, sizeof escaped);
        }
    }
    return err;
}

/* [Query], behind what query the URL has. */
static int add_query(struct cit__thread *t, const struct cit__spec *s, bool has_query, struct cit_buf *out)
{
    const struct cit_step *step = s->prep->step;
    int err = CIT_OK;

    for (uint32_t i = 0; i < step->nquery && err == CIT_OK; i++) {
        err = cit_buf_add_str(out, has_query || i > 0 ? "&" : "?");
        if (err == CIT_OK)
            err = cit__fill(t, &step->query[i].name, s, CIT_ESCAPE_FORM, out);
        if (err == CIT_OK)
            err = cit_buf_add_str(out, "=");
        if (err == CIT_OK)
            err = cit__fill(t, &step->query[i].value, s, CIT_ESCAPE_FORM, out);
    }
    return err;
}

static int add_line(struct cit__thread *t, const struct cit__spec *s, struct cit__request *r, size_t at[2])
{
    struct cit_slice url = s->url, path;
    struct cit_buf *out = r->buf;
    int err = CIT_OK;

    if (url.p == NULL) {
        t->text.len = 0;
        err = cit__fill(t, &s->prep->step->url, s, CIT_ESCAPE_LINE, &t->text);
        url = cit_slice(t->text.p, t->text.len);
    }
    if (err == CIT_OK)
        err = cit__host_find(t, url, &r->host, &path);
    if (err == CIT_OK)
        err = cit_buf_add_slice(out, s->method);
    if (err == CIT_OK)
        err = cit_buf_add_str(out, " ");
    at[0] = out->len;
    if (err == CIT_OK)
        err = add_target(out, path);
    if (err == CIT_OK && s->url.p == NULL)
        err = add_query(t, s, memchr(out->p + at[0], '?', out->len - at[0]) != NULL, out);
    at[1] = out->len;
    return err == CIT_OK ? cit_buf_add_str(out, " HTTP/1.1\r\n") : err;
}

/* ---- fields ---- */

/* The name of a field if it is a fixed text, as nearly all are. */
static struct cit_slice name_of(const struct cit_pair *pair)
{
    struct cit_slice name;

    return cit_tmpl_is_fixed(&pair->name, &name) ? name : cit_slice(NULL, 0);
}

/* Whether a field of the plan's gives way to one of the step's. */
static bool is_replaced(const struct cit_pair *pair, const struct cit_step *step)
{
    struct cit_slice name = name_of(pair);

    for (uint32_t i = 0; i < step->nheaders && name.p != NULL; i++) {
        if (cit_slice_eq_nocase(name, name_of(&step->headers[i])))
            return true;
    }
    return false;
}

/* Whether a field given is sent now: cookies have a place of their own, a redirect leaves some out. */
static bool is_sent(const struct cit_pair *pair, const struct cit__spec *s)
{
    uint32_t bit = cit__given_bit(name_of(pair));

    if (bit == CIT__GIVEN_COOKIE || (s->is_foreign && (bit == CIT__GIVEN_AUTH || bit == CIT__GIVEN_HOST)))
        return false;
    return s->has_body || (bit != CIT__GIVEN_TYPE && bit != CIT__GIVEN_LENGTH) || s->url.p == NULL;
}

static int add_pair(struct cit__thread *t, const struct cit__spec *s, const struct cit_pair *pair, struct cit_buf *out)
{
    int err = cit__fill(t, &pair->name, s, CIT_ESCAPE_LINE, out);

    if (err == CIT_OK)
        err = cit_buf_add_str(out, ": ");
    if (err == CIT_OK)
        err = cit__fill(t, &pair->value, s, CIT_ESCAPE_LINE, out);
    return err == CIT_OK ? cit_buf_add_str(out, "\r\n") : err;
}

static int add_given(struct cit__thread *t, const struct cit__spec *s, struct cit_buf *out)
{
    const struct cit_load_plan *plan = t->plan;
    const struct cit_step *step = s->prep->step;
    int err = CIT_OK;

    for (uint32_t i = 0; i < plan->nheaders && err == CIT_OK; i++) {
        if (is_sent(&plan->headers[i], s) && !is_replaced(&plan->headers[i], step))
            err = add_pair(t, s, &plan->headers[i], out);
    }
    for (uint32_t i = 0; i < step->nheaders && err == CIT_OK; i++) {
        if (is_sent(&step->headers[i], s))
            err = add_pair(t, s, &step->headers[i], out);
    }
    return err;
}

static int add_defaults(struct cit__thread *t, const struct cit__spec *s, struct cit_buf *out)
{
    uint32_t given = s->prep->given;
    int err = CIT_OK;

    if ((given & CIT__GIVEN_AGENT) == 0)
        err = cit_buf_add_str(out, "User-Agent: citrate-load/" CIT_VERSION "\r\n");
    if (err == CIT_OK && (given & CIT__GIVEN_ACCEPT) == 0)
        err = cit_buf_add_str(out, "Accept: */*\r\n");
    if (err == CIT_OK && (given & CIT__GIVEN_CONNECTION) == 0 && !t->plan->keeps_alive)
        err = cit_buf_add_str(out, "Connection: close\r\n");
    return err;
}

/* ---- cookies ---- */

static int add_cookie_text(struct cit__thread *t, const struct cit__spec *s, const struct cit_tmpl *text,
                           struct cit_buf *out)
{
    return cit__fill(t, text, s, CIT_ESCAPE_LINE, out);
}

/* One of the journey's own: a name and a value, or a whole Cookie field (name NULL). */
static int add_cookie(struct cit__thread *t, const struct cit__spec *s, const struct cit_pair *pair, bool is_field,
                      struct cit__request *r)
{
    int err = r->has_cookie ? cit_buf_add_str(r->buf, "; ") : CIT_OK;

    r->has_cookie = true;
    if (err == CIT_OK && !is_field)
        err = add_cookie_text(t, s, &pair->name, r->buf);
    if (err == CIT_OK && !is_field)
        err = cit_buf_add_str(r->buf, "=");
    return err == CIT_OK ? add_cookie_text(t, s, &pair->value, r->buf) : err;
}

static int add_cookie_fields(struct cit__thread *t, const struct cit__spec *s, const struct cit_pair *pairs, uint32_t n,
                             struct cit__request *r)
{
    int err = CIT_OK;

    for (uint32_t i = 0; i < n && err == CIT_OK; i++) {
        if (cit__given_bit(name_of(&pairs[i])) == CIT__GIVEN_COOKIE)
            err = add_cookie(t, s, &pairs[i], true, r);
    }
    return err;
}

static int add_own_cookies(struct cit__thread *t, const struct cit__spec *s, struct cit__request *r)
{
    const struct cit_step *step = s->prep->step;
    int err = CIT_OK;

    if ((s->prep->given & CIT__GIVEN_COOKIE) != 0)
        err = add_cookie_fields(t, s, t->plan->headers, t->plan->nheaders, r);
    if (err == CIT_OK && (s->prep->given & CIT__GIVEN_COOKIE) != 0)
        err = add_cookie_fields(t, s, step->headers, step->nheaders, r);
    for (uint32_t i = 0; i < step->ncookies && err == CIT_OK; i++)
        err = add_cookie(t, s, &step->cookies[i], false, r);
    return err;
}

/* The jar's cookies for a request at the end of out, with what joins them to those before; nothing if none fits. */
static int add_jar(struct cit__thread *t, const struct cit_jar *jar, const struct cit__request *r, struct cit_buf *out)
{
    const struct cit_target *target = &r->host->target;
    int64_t now_s = (t->run->start_wall_ns + t->now_ns - t->run->start_ns) / CIT_SEC_NS;
    const char *mark = memchr(r->target.p, '?', r->target.n);
    struct cit_slice path = cit_slice(r->target.p, mark != NULL ? (size_t)(mark - r->target.p) : r->target.n);
    size_t before = out->len, start;
    int err = cit_buf_add_str(out, r->has_cookie ? "; " : "Cookie: ");

    start = out->len;
    if (err == CIT_OK)
        err = cit_jar_put(jar, &(struct cit_cookie_use){ target->host, path, target->is_tls, now_s }, out);
    if (err == CIT_OK && out->len > start)
        return r->has_cookie ? CIT_OK : cit_buf_add_str(out, "\r\n");
    out->len = before;
    return err;
}

/* The path lies in the buffer that the jar is written to, which may move. */
static int add_jar_behind(struct cit__thread *t, const struct cit_jar *jar, struct cit__request *r, size_t at[2])
{
    int err;

    t->text.len = 0;
    r->target = cit_slice(r->buf->p + at[0], at[1] - at[0]);
    err = add_jar(t, jar, r, &t->text);
    return err == CIT_OK ? cit_buf_add(r->buf, t->text.p, t->text.len) : err;
}

static int add_cookies(struct cit__thread *t, const struct cit__spec *s, struct cit__request *r, size_t at[2])
{
    static const char name[] = "Cookie: ";
    size_t start = r->buf->len;
    int err = CIT_OK;

    if (!s->is_foreign && ((s->prep->given & CIT__GIVEN_COOKIE) != 0 || s->prep->step->ncookies > 0)) {
        err = cit_buf_add_str(r->buf, name);
        if (err == CIT_OK)
            err = add_own_cookies(t, s, r);
    }
    if (!r->has_cookie)
        r->buf->len = start;
    r->cookie_at = r->buf->len;
    if (err == CIT_OK && s->jar != NULL && s->jar->n > 0)
        err = add_jar_behind(t, s->jar, r, at);
    return err == CIT_OK && r->has_cookie ? cit_buf_add_str(r->buf, "\r\n") : err;
}

/* ---- Authorization ---- */

static int add_base64(struct cit_buf *out, struct cit_slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int err = CIT_OK;

    for (size_t i = 0; i < s.n && err == CIT_OK; i += 3) {
        size_t left = s.n - i;
        uint32_t v = (uint32_t)(unsigned char)s.p[i] << 16;
        char four[4];

        v |= left > 1 ? (uint32_t)(unsigned char)s.p[i + 1] << 8 : 0;
        v |= left > 2 ? (uint32_t)(unsigned char)s.p[i + 2] : 0;
        four[0] = digits[v >> 18];
        four[1] = digits[v >> 12 & 63];
        four[2] = left > 1 ? digits[v >> 6 & 63] : '=';
        four[3] = left > 2 ? digits[v & 63] : '=';
        err = cit_buf_add(out, four, sizeof four);
    }
    return err;
}

static int add_auth(struct cit__thread *t, const struct cit__spec *s, struct cit_buf *out)
{
    const struct cit_step *step = s->prep->step;
    int err;

    if (!step->has_auth || s->is_foreign || (s->prep->given & CIT__GIVEN_AUTH) != 0)
        return CIT_OK;
    t->text.len = 0;
    err = cit__fill(t, &step->user, s, CIT_ESCAPE_NONE, &t->text);
    if (err == CIT_OK)
        err = cit_buf_add_str(&t->text, ":");
    if (err == CIT_OK)
        err = cit__fill(t, &step->password, s, CIT_ESCAPE_NONE, &t->text);
    if (err == CIT_OK)
        err = cit_buf_add_str(out, "Authorization: Basic ");
    if (err == CIT_OK)
        err = add_base64(out, cit_slice(t->text.p, t->text.len));
    return err == CIT_OK ? cit_buf_add_str(out, "\r\n") : err;
}

/* ---- the whole ---- */

/* Methods whose requests have a length even without a body (RFC 9110 8.6). */
static bool expects_body(struct cit_slice method)
{
    return cit_slice_eq(method, CIT_SLICE_LIT("POST")) || cit_slice_eq(method, CIT_SLICE_LIT("PUT")) ||
           cit_slice_eq(method, CIT_SLICE_LIT("PATCH"));
}

static int add_body(struct cit__thread *t, const struct cit__spec *s, struct cit_buf *out)
{
    struct cit_slice type = { NULL, 0 }, body = { NULL, 0 };
    bool has_body = s->has_body && s->prep->step->body != CIT_BODY_NONE;
    int err = has_body ? cit__request_body(t, s, &type, &body) : CIT_OK;

    if (err == CIT_OK && has_body && type.n > 0 && (s->prep->given & CIT__GIVEN_TYPE) == 0)
        err = cit_buf_printf(out, "Content-Type: %.*s\r\n", CIT_SLICE_ARG(type));
    if (err == CIT_OK && (has_body || expects_body(s->method)) && (s->prep->given & CIT__GIVEN_LENGTH) == 0)
        err = cit_buf_printf(out, "Content-Length: %zu\r\n", body.n);
    if (err == CIT_OK)
        err = cit_buf_add_str(out, "\r\n");
    return err == CIT_OK ? cit_buf_add_slice(out, body) : err;
}

static int build(struct cit__thread *t, const struct cit__spec *s, struct cit__request *r)
{
    struct cit_buf *out = r->buf;
    size_t at[2] = { 0, 0 };
    int err = add_line(t, s, r, at);

    if (err == CIT_OK && ((s->prep->given & CIT__GIVEN_HOST) == 0 || s->is_foreign))
        err = cit_buf_printf(out, "Host: %.*s\r\n", CIT_SLICE_ARG(r->host->target.authority));
    if (err == CIT_OK)
        err = add_cookies(t, s, r, at);
    if (err == CIT_OK)
        err = add_defaults(t, s, out);
    if (err == CIT_OK)
        err = add_given(t, s, out);
    if (err == CIT_OK)
        err = add_auth(t, s, out);
    if (err == CIT_OK)
        err = add_body(t, s, out);
    r->target = cit_slice(out->p + at[0], at[1] - at[0]);
    r->bytes = cit_slice(out->p, out->len);
    return err;
}

int cit__request_build(struct cit__thread *t, const struct cit__spec *s, struct cit__request *out)
{
    struct cit__request r = { .method = s->method, .is_foreign = s->is_foreign };
    int err;

    t->why[0] = '\0';
    r.buf = cit__buf_take(t, CIT__REQUEST_MAX);
    if (r.buf == NULL)
        return CIT_ENOMEM;
    err = build(t, s, &r);
    if (err == CIT_OK)
        *out = r;
    else
        cit__buf_give(t, r.buf);
    return err;
}

void cit__request_drop(struct cit__thread *t, struct cit__request *r)
{
    if (r->buf != NULL)
        cit__buf_give(t, r->buf);
    r->buf = NULL;
    r->bytes = r->target = cit_slice(NULL, 0);
}

/* A fixed request with the jar's cookies in it. */
static int with_cookies(struct cit__user *u, const struct cit__request *fixed)
{
    struct cit__thread *t = u->t;
    struct cit__request r = *fixed;
    size_t at = fixed->cookie_at, target = (size_t)(fixed->target.p - fixed->bytes.p);
    int err;

    r.buf = cit__buf_take(t, CIT__REQUEST_MAX);
    if (r.buf == NULL)
        return CIT_ENOMEM;
    err = cit_buf_add(r.buf, fixed->bytes.p, at);
    if (err == CIT_OK)
        err = add_jar(t, &u->jar, fixed, r.buf);
    if (err == CIT_OK)
        err = cit_buf_add(r.buf, fixed->bytes.p + at, fixed->bytes.n - at);
    if (err != CIT_OK) {
        cit__buf_give(t, r.buf);
        return err;
    }
    r.bytes = cit_slice(r.buf->p, r.buf->len);
    r.target.p = r.buf->p + target;
    u->req = r;
    return CIT_OK;
}

int cit__request_make(struct cit__user *u)
{
    struct cit__prep *prep = u->prep;
    const struct cit_step *step = prep->step;
    struct cit_vars vars;
    struct cit__spec spec;
    int err;

    if (prep->is_fixed) {
        if (u->jar.n > 0)
            return with_cookies(u, &prep->request);
        u->req = prep->request;
        return CIT_OK;
    }
    err = step->nset > 0 ? cit__values_of_step(u, step) : CIT_OK;
    if (err != CIT_OK)
        return err;
    vars = cit__user_vars(u);
    spec = (struct cit__spec){ .prep = prep, .vars = &vars, .jar = &u->jar, .method = step->method, .has_body = true };
    return cit__request_build(u->t, &spec, &u->req);
}
