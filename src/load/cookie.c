/* load/cookie.c - one user's jar: what an answer sets, what a request sends.
 *
 * A cookie is one block, parsed when it comes, so that sending compares and copies and nothing else:
 *
 *      struct cit_cookie │ name=value │ domain │ path
 *
 * The list is in the order cookies are sent in (RFC 6265 5.4): longer paths first, and of those
 * with paths of one length the older ones. */
#include "load/cookie.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "load/cookie_int.h"

struct cit_cookie {
    struct cit_cookie *next; /* owned */
    int64_t expires_s;       /* the first second at which it is gone; INT64_MAX: it stays as long as the user */
    uint32_t born;           /* rises from cookie to cookie of a jar */
    uint16_t name_len, pair_len, domain_len, path_len;
    bool is_host_only, is_secure;
    char bytes[];
};

_Static_assert(CIT_COOKIE_BYTES_MAX <= UINT16_MAX, "lengths are kept in 16 bits");

/* What a Set-Cookie field says. */
struct given {
    struct cit_slice name, value;
    struct cit_slice domain, path;
    int64_t expires_s;
    bool is_host_only, is_secure, has_path;
};

static struct cit_slice pair_of(const struct cit_cookie *c)
{
    return cit_slice(c->bytes, c->pair_len);
}

static struct cit_slice name_of(const struct cit_cookie *c)
{
    return cit_slice(c->bytes, c->name_len);
}

static struct cit_slice domain_of(const struct cit_cookie *c)
{
    return cit_slice(c->bytes + c->pair_len, c->domain_len);
}

static struct cit_slice path_of(const struct cit_cookie *c)
{
    return cit_slice(c->bytes + c->pair_len + c->domain_len, c->path_len);
}

/* ---- texts ---- */

/* "name=value", or a name alone; both trimmed. */
static bool split_pair(struct cit_slice text, struct cit_slice *name, struct cit_slice *value)
{
    const char *equals = text.n > 0 ? memchr(text.p, '=', text.n) : NULL;

    if (equals == NULL) {
        *name = cit_slice_trim(text);
        *value = cit_slice(text.p, 0);
        return false;
    }
    *name = cit_slice_trim(cit_slice(text.p, (size_t)(equals - text.p)));
    *value = cit_slice_trim(cit_slice(equals + 1, (size_t)(text.p + text.n - equals - 1)));
    return true;
}

/* What may not be in a field cannot be sent back in one (RFC 6265bis 5.6). */
static bool has_control(struct cit_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
            return true;
    return false;
}

static bool starts_nocase(struct cit_slice s, struct cit_slice start)
{
    return s.n >= start.n && cit_slice_eq_nocase(cit_slice(s.p, start.n), start);
}

static bool is_same_host(struct cit_slice a, struct cit_slice b)
{
    return cit_slice_eq(a, b) || cit_slice_eq_nocase(a, b);
}

/* The part before the query, for a request's target may be given whole. */
static struct cit_slice path_alone(struct cit_slice path)
{
    const char *query = path.n > 0 ? memchr(path.p, '?', path.n) : NULL;

    return query == NULL ? path : cit_slice(path.p, (size_t)(query - path.p));
}

/* RFC 6265 5.1.4: all up to the last slash, without it. */
static struct cit_slice default_path(struct cit_slice path)
{
    size_t n;

    path = path_alone(path);
    if (path.n == 0 || *path.p != '/')
        return CIT_SLICE_LIT("/");
    for (n = path.n - 1; path.p[n] != '/';)
        n--;
    return n == 0 ? CIT_SLICE_LIT("/") : cit_slice(path.p, n);
}

/* Below an address there are no names: [::1], or a last label of digits (127.0.0.1). */
static bool is_address(struct cit_slice host)
{
    return host.n > 0 && (memchr(host.p, ':', host.n) != NULL || isdigit((unsigned char)host.p[host.n - 1]) != 0);
}

/* host is domain, or a name below it. */
static bool fits_domain(struct cit_slice host, struct cit_slice domain)
{
    size_t below = host.n - domain.n;

    if (host.n <= domain.n)
        return host.n == domain.n && is_same_host(host, domain);
    return host.p[below - 1] == '.' && is_same_host(cit_slice(host.p + below, domain.n), domain);
}

static bool fits_path(struct cit_slice path, struct cit_slice of_cookie)
{
    if (path.n < of_cookie.n || memcmp(path.p, of_cookie.p, of_cookie.n) != 0)
        return false;
    return path.n == of_cookie.n || of_cookie.p[of_cookie.n - 1] == '/' || path.p[of_cookie.n] == '/';
}

/* ---- what a field says ---- */

/* RFC 6265 5.2.2; past the range of numbers: for ever. */
static bool read_max_age(struct cit_slice text, int64_t now_s, int64_t *out)
{
    bool is_negative = text.n > 0 && *text.p == '-';
    struct cit_slice digits = is_negative ? cit_slice(text.p + 1, text.n - 1) : text;
    unsigned long long age = 0;

    for (size_t i = 0; i < digits.n; i++)
        if (isdigit((unsigned char)digits.p[i]) == 0)
            return false;
    if (digits.n == 0)
        return false;
    if (!cit_slice_u64(digits, &age))
        age = UINT64_MAX;
    if (is_negative || age == 0)
        *out = INT64_MIN;
    else
        *out = now_s >= 0 && age >= (unsigned long long)(INT64_MAX - now_s) ? INT64_MAX : now_s + (int64_t)age;
    return true;
}

static void read_domain(struct cit_slice value, struct cit_slice *out)
{
    if (value.n > 0 && *value.p == '.')
        value = cit_slice(value.p + 1, value.n - 1);
    if (value.n > 0)
        *out = value;
}

static void read_expires(struct cit_slice value, struct given *g)
{
    int64_t at;

    if (value.n > 0 && cit__cookie_date(value, &at))
        g->expires_s = at;
}

/* The attributes, of which the last of a name counts.  A date is read only if no Max-Age makes it void: it
 * costs most, and servers send both. */
static void read_attributes(struct cit_slice rest, int64_t now_s, struct given *g)
{
    struct cit_slice item, name, value, expires = { 0 };
    bool has_age = false;
    int64_t at;

    while (cit_slice_split(&rest, ';', &item)) {
        (void)split_pair(item, &name, &value);
        if (cit_slice_eq_nocase(name, CIT_SLICE_LIT("secure"))) {
            g->is_secure = true;
        } else if (cit_slice_eq_nocase(name, CIT_SLICE_LIT("domain"))) {
            read_domain(value, &g->domain);
        } else if (cit_slice_eq_nocase(name, CIT_SLICE_LIT("path"))) {
            g->has_path = value.n > 0 && *value.p == '/';
            g->path = value;
        } else if (cit_slice_eq_nocase(name, CIT_SLICE_LIT("max-age")) && read_max_age(value, now_s, &at)) {
            has_age = true;
            g->expires_s = at;
        } else if (!has_age && cit_slice_eq_nocase(name, CIT_SLICE_LIT("expires"))) {
            read_expires(expires, g); /* of one before, in case this one is no date */
            expires = value;
        }
    }
    if (!has_age)
        read_expires(expires, g);
}

/* RFC 6265 5.3, 4 to 6.  A name without a dot, and an address, can only be the host's own. */
static bool settle_domain(struct given *g, struct cit_slice host)
{
    if (g->domain.n > 0 && (is_address(host) || memchr(g->domain.p, '.', g->domain.n) == NULL)) {
        if (!is_same_host(host, g->domain))
            return false;
        g->domain.n = 0;
    }
    if (g->domain.n > 0)
        return fits_domain(host, g->domain);
    g->is_host_only = true;
    g->domain = host;
    return true;
}

/* RFC 6265bis 4.1.3. */
static bool keeps_its_prefix(const struct given *g, bool had_domain)
{
    if (starts_nocase(g->name, CIT_SLICE_LIT("__secure-")))
        return g->is_secure;
    if (starts_nocase(g->name, CIT_SLICE_LIT("__host-")))
        return g->is_secure && !had_domain && g->has_path && cit_slice_eq(g->path, CIT_SLICE_LIT("/"));
    return true;
}

/* False: the field says nothing that a jar keeps. */
static bool read_given(struct cit_slice field, struct cit_slice host, struct cit_slice path, int64_t now_s,
                       struct given *g)
{
    struct cit_slice pair;
    bool had_domain;

    *g = (struct given){ .expires_s = INT64_MAX };
    if (has_control(field) || !cit_slice_split(&field, ';', &pair))
        return false;
    if (!split_pair(pair, &g->name, &g->value) || g->name.n == 0)
        return false;
    read_attributes(field, now_s, g);
    had_domain = g->domain.n > 0;
    if (!keeps_its_prefix(g, had_domain) || !settle_domain(g, host))
        return false;
    if (!g->has_path)
        g->path = default_path(path);
    return g->name.n + 1 + g->value.n + g->domain.n + g->path.n <= CIT_COOKIE_BYTES_MAX;
}

/* ---- the jar ---- */

static struct cit_cookie *make(const struct given *g)
{
    size_t pair = g->name.n + 1 + g->value.n;
    struct cit_cookie *c = cit_malloc(sizeof *c + pair + g->domain.n + g->path.n);

    if (c == NULL)
        return NULL;
    *c = (struct cit_cookie){ .expires_s = g->expires_s,
                              .name_len = (uint16_t)g->name.n,
                              .pair_len = (uint16_t)pair,
                              .domain_len = (uint16_t)g->domain.n,
                              .path_len = (uint16_t)g->path.n,
                              .is_host_only = g->is_host_only,
                              .is_secure = g->is_secure };
    memcpy(c->bytes, g->name.p, g->name.n);
    c->bytes[g->name.n] = '=';
    if (g->value.n > 0)
        memcpy(c->bytes + g->name.n + 1, g->value.p, g->value.n);
    if (g->domain.n > 0)
        memcpy(c->bytes + pair, g->domain.p, g->domain.n);
    memcpy(c->bytes + pair + g->domain.n, g->path.p, g->path.n);
    return c;
}

static void remove_at(struct cit_jar *jar, struct cit_cookie **link)
{
    struct cit_cookie *c = *link;

    *link = c->next;
    cit_free(c);
    jar->n--;
}

/* The link to the cookie that g replaces. */
static struct cit_cookie **find(struct cit_jar *jar, const struct given *g)
{
    for (struct cit_cookie **link = &jar->first; *link != NULL; link = &(*link)->next)
        if (cit_slice_eq(name_of(*link), g->name) && is_same_host(domain_of(*link), g->domain) &&
            cit_slice_eq(path_of(*link), g->path))
            return link;
    return NULL;
}

/* In place of the one it replaces, whose age it inherits (RFC 6265 5.3, 11.3): of the same path, so in its order. */
static void replace(struct cit_cookie **link, struct cit_cookie *c)
{
    struct cit_cookie *old = *link;

    c->next = old->next;
    c->born = old->born;
    *link = c;
    cit_free(old);
}

static void insert(struct cit_jar *jar, struct cit_cookie *c)
{
    struct cit_cookie **link = &jar->first, **place = NULL;

    for (; *link != NULL; link = &(*link)->next) {
        if (place == NULL && (*link)->path_len < c->path_len)
            place = link;
        if ((*link)->born >= c->born)
            c->born = (*link)->born + 1;
    }
    place = place == NULL ? link : place;
    c->next = *place;
    *place = c;
    jar->n++;
}

/* One that is over, else the oldest. */
static void make_room(struct cit_jar *jar, int64_t now_s)
{
    struct cit_cookie **victim = &jar->first;

    for (struct cit_cookie **link = &jar->first; *link != NULL; link = &(*link)->next) {
        if ((*link)->expires_s <= now_s) {
            victim = link;
            break;
        }
        if ((*link)->born < (*victim)->born)
            victim = link;
    }
    remove_at(jar, victim);
}

void cit_jar_fini(struct cit_jar *jar)
{
    while (jar->first != NULL)
        remove_at(jar, &jar->first);
}

int cit_jar_take(struct cit_jar *jar, struct cit_slice value, struct cit_slice host, struct cit_slice path,
                 int64_t now_s)
{
    struct cit_cookie **link, *c;
    struct given g;

    if (!read_given(value, host, path, now_s, &g))
        return CIT_OK;
    link = find(jar, &g);
    if (g.expires_s <= now_s) {
        if (link != NULL)
            remove_at(jar, link);
        return CIT_OK;
    }
    c = make(&g);
    if (c == NULL)
        return CIT_ENOMEM;
    if (link != NULL) {
        replace(link, c);
        return CIT_OK;
    }
    if (jar->n >= CIT_COOKIES_MAX)
        make_room(jar, now_s);
    insert(jar, c);
    return CIT_OK;
}

int cit_jar_put(const struct cit_jar *jar, const struct cit_cookie_use *use, struct cit_buf *out)
{
    struct cit_slice path = path_alone(use->path);
    size_t start = out->len;
    int err = CIT_OK;

    if (jar->first == NULL)
        return CIT_OK;
    for (const struct cit_cookie *c = jar->first; c != NULL && err == CIT_OK; c = c->next) {
        if ((c->is_secure && !use->is_secure) || c->expires_s <= use->now_s || !fits_path(path, path_of(c)))
            continue;
        if (c->is_host_only ? !is_same_host(use->host, domain_of(c)) : !fits_domain(use->host, domain_of(c)))
            continue;
        if (out->len > start)
            err = cit_buf_add(out, "; ", 2);
        if (err == CIT_OK)
            err = cit_buf_add_slice(out, pair_of(c));
    }
    if (err != CIT_OK)
        out->len = start;
    return err;
}

/* ---- one attribute ---- */

bool cit_cookie_attribute(struct cit_slice set_cookie, struct cit_slice name, struct cit_slice attribute,
                          struct cit_slice *out)
{
    struct cit_slice item, found, value;
    bool is_there = cit_slice_eq_nocase(attribute, CIT_SLICE_LIT("value"));

    if (!cit_slice_split(&set_cookie, ';', &item) || !split_pair(item, &found, &value) || !cit_slice_eq(found, name))
        return false;
    while (!is_there && cit_slice_split(&set_cookie, ';', &item)) {
        (void)split_pair(item, &found, &value);
        is_there = cit_slice_eq_nocase(found, attribute);
    }
    if (is_there)
        *out = value;
    return is_there;
}
