/* load/redirect.c - where a redirect leads (RFC 9110 15.4, RFC 3986 5.2). */
#include <stdio.h>

#include "load/engine_int.h"

/* ---- URLs ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_scheme(struct cit_slice s)
{
    size_t n = 0;

    while (n < s.n && (is_letter(s.p[n]) || (n > 0 && ((s.p[n] >= '0' && s.p[n] <= '9') || memchr("+-.", s.p[n], 3)))))
        n++;
    return n > 0 && n < s.n && s.p[n] == ':';
}

/* The first of the bytes in `any` from `from` on, or the end. */
static size_t find_any(struct cit_slice s, size_t from, const char *any)
{
    while (from < s.n && strchr(any, s.p[from]) == NULL)
        from++;
    return from;
}

/* Takes the last segment off what was written behind `floor`. */
static void pop_segment(struct cit_buf *out, size_t floor)
{
    while (out->len > floor && out->p[out->len - 1] != '/')
        out->len--;
    if (out->len > floor)
        out->len--;
}

/* The path (it begins with a slash) without its "." and ".." segments, RFC 3986 5.2.4. */
static int add_path(struct cit_slice path, struct cit_buf *out)
{
    size_t floor = out->len, i = 0;
    int err = CIT_OK;

    while (i < path.n && err == CIT_OK) {
        size_t end = i + 1;
        struct cit_slice segment;
        bool is_last;

        while (end < path.n && path.p[end] != '/')
            end++;
        segment = cit_slice(path.p + i + 1, end - i - 1);
        is_last = end == path.n;
        if (cit_slice_eq(segment, CIT_SLICE_LIT("..")))
            pop_segment(out, floor);
        if (!cit_slice_eq(segment, CIT_SLICE_LIT("..")) && !cit_slice_eq(segment, CIT_SLICE_LIT(".")))
            err = cit_buf_add(out, path.p + i, end - i);
        else if (is_last)
            err = cit_buf_add_str(out, "/");
        i = end;
    }
    return err;
}

/* The path of base up to its last slash, then what is relative to it. */
static int add_merged(struct cit_slice base_path, struct cit_slice rel, struct cit_buf *out)
{
    struct cit_buf merged;
    int err;

    cit_buf_init(&merged, out->max);
    while (base_path.n > 0 && base_path.p[base_path.n - 1] != '/')
        base_path.n--;
    err = base_path.n > 0 ? cit_buf_add_slice(&merged, base_path) : cit_buf_add_str(&merged, "/");
    if (err == CIT_OK)
        err = cit_buf_add_slice(&merged, rel);
    if (err == CIT_OK)
        err = add_path(cit_slice(merged.p, merged.len), out);
    cit_buf_fini(&merged);
    return err;
}

int cit__redirect_resolve(struct cit_slice base, struct cit_slice location, struct cit_buf *out)
{
    struct cit_slice loc = cit_slice_trim(location), path, rest, base_path;
    size_t authority, base_query, end;
    int err;

    loc.n = find_any(loc, 0, "#");
    if (has_scheme(loc))
        return cit_buf_add_slice(out, loc);
    authority = find_any(base, find_any(base, 0, ":") + 3, "/?#");
    if (loc.n >= 2 && loc.p[0] == '/' && loc.p[1] == '/') {
        err = cit_buf_add(out, base.p, find_any(base, 0, ":") + 1);
        return err == CIT_OK ? cit_buf_add_slice(out, loc) : err;
    }
    base_query = find_any(base, authority, "?#");
    base_path = cit_slice(base.p + authority, base_query - authority);
    end = find_any(loc, 0, "?");
    path = cit_slice(loc.p, end);
    rest = cit_slice(loc.p + end, loc.n - end);
    err = cit_buf_add(out, base.p, authority);
    if (err == CIT_OK && path.n == 0)
        err = cit_buf_add_slice(out, base_path);
    else if (err == CIT_OK)
        err = path.p[0] == '/' ? add_path(path, out) : add_merged(base_path, path, out);
    if (err == CIT_OK && loc.n == 0)
        rest = cit_slice(base.p + base_query, find_any(base, base_query, "#") - base_query);
    return err == CIT_OK ? cit_buf_add_slice(out, rest) : err;
}

/* ---- requests ---- */

static const struct cit_h1_field *location_of(const struct cit__user *u)
{
    return cit_h1_field_get(&u->t->head, CIT_FIELD_LOCATION);
}

bool cit__redirect_is(const struct cit__user *u)
{
    int s = u->status;

    return u->prep->step->follow && (s == 301 || s == 302 || s == 303 || s == 307 || s == 308) &&
           location_of(u) != NULL;
}

/* What the next request does; a body goes with a method that stays. */
static void set_method(const struct cit__user *u, struct cit__spec *s)
{
    const struct cit_slice get = CIT_SLICE_LIT("GET"), head = CIT_SLICE_LIT("HEAD"), post = CIT_SLICE_LIT("POST");
    struct cit_slice now = u->req.method;
    bool is_changed = (u->status == 303 && !cit_slice_eq(now, head)) ||
                      ((u->status == 301 || u->status == 302) && cit_slice_eq(now, post));

    s->method = is_changed ? get : now;
    s->has_body = !is_changed && cit_slice_eq(now, u->prep->step->method);
}

static int resolve(struct cit__user *u, struct cit_buf *url)
{
    struct cit__thread *t = u->t;
    const struct cit_h1_field *f = location_of(u);
    int err;

    t->text.len = 0;
    err = cit__request_url(&u->req, &t->text);
    if (err == CIT_OK)
        err = cit__redirect_resolve(cit_slice(t->text.p, t->text.len), cit_slice(f->value, f->value_n), url);
    return err;
}

static int make(struct cit__user *u, struct cit_slice url, struct cit__request *out)
{
    struct cit_vars vars = cit__user_vars(u);
    struct cit__spec spec = { .prep = u->prep, .vars = &vars, .jar = &u->jar, .url = url };
    struct cit__host *host;
    struct cit_slice path;
    int err = cit__host_find(u->t, url, &host, &path);

    if (err != CIT_OK)
        return err;
    spec.is_foreign = u->req.is_foreign || host != u->req.host;
    set_method(u, &spec);
    return cit__request_build(u->t, &spec, out);
}

int cit__redirect_make(struct cit__user *u, struct cit__request *out)
{
    struct cit__thread *t = u->t;
    int32_t most = u->prep->step->max_redirects;
    struct cit_buf *url;
    int err;

    if (most >= 0 && u->hops >= (uint32_t)most) {
        (void)snprintf(t->why, sizeof t->why, "more than %d redirects", (int)most);
        return CIT_EINVAL;
    }
    url = cit__buf_take(t, CIT__HEAD_MAX * 4);
    if (url == NULL)
        return CIT_ENOMEM;
    err = resolve(u, url);
    if (err == CIT_OK)
        err = make(u, cit_slice(url->p, url->len), out);
    cit__buf_give(t, url);
    return err == CIT_OK || err == CIT_ENOMEM ? err : CIT_EINVAL;
}
