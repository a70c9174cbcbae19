/* load/target.c - where requests go: URLs taken apart, hosts looked up. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "load/plan.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443, HOST_MAX = 253 /* RFC 1035 */, SHOWN_MAX = 60 };

/* A URL with its parts, all of its text. */
struct parts {
    struct cit_slice host, path; /* host: without brackets */
    uint16_t port;
    bool is_tls, is_v6;
};

static int refuse(char *why, int err, const char *fmt, ...) CIT_PRINTF(3, 4);

static int refuse(char *why, int err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why, CIT_PLAN_WHY, fmt, args);
    va_end(args);
    for (char *c = why; *c != '\0'; c++) /* what a terminal would act on */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return err;
}

static bool starts_nocase(struct cit_slice s, const char *start)
{
    size_t n = strlen(start);

    return s.n >= n && cit_slice_eq_nocase(cit_slice(s.p, n), cit_slice(start, n));
}

static int shown_len(struct cit_slice s)
{
    return (int)(s.n > SHOWN_MAX ? SHOWN_MAX : s.n);
}

/* ---- parts ---- */

static int no_scheme(struct cit_slice url, char *why)
{
    const char *colon = url.n > 0 ? memchr(url.p, ':', url.n) : NULL;

    if (colon != NULL && (size_t)(colon - url.p) + 2 < url.n && memcmp(colon, "://", 3) == 0)
        return refuse(why, CIT_EINVAL, "'%.*s' is neither http:// nor https:// nor unix:", shown_len(url), url.p);
    if (url.n == 0)
        return refuse(why, CIT_EINVAL, "the address is empty; write it as http://host:port");
    return refuse(why, CIT_EINVAL, "'%.*s' is no address; did you mean http://%.*s?", shown_len(url), url.p,
                  shown_len(url), url.p);
}

static int check_host(const struct parts *u, char *why)
{
    unsigned char in6[16];
    char text[HOST_MAX + 1];

    if (u->host.n == 0 || u->host.n > HOST_MAX)
        return refuse(why, CIT_EINVAL, u->host.n == 0 ? "the URL has no host" : "the host name is too long");
    for (size_t i = 0; i < u->host.n; i++) {
        unsigned char c = (unsigned char)u->host.p[i];

        if (c >= 0x80)
            return refuse(why, CIT_EINVAL, "the host is not ASCII; write its xn-- form");
        if (isalnum(c) == 0 && strchr(u->is_v6 ? ":." : "-._", c) == NULL)
            return refuse(why, CIT_EINVAL, "the host has a character that none may have");
    }
    memcpy(text, u->host.p, u->host.n);
    text[u->host.n] = '\0';
    if (u->is_v6 && inet_pton(AF_INET6, text, in6) != 1)
        return refuse(why, CIT_EINVAL, "[%s] is no IPv6 address", text);
    return CIT_OK;
}

static int check_port(struct cit_slice text, uint16_t *out, char *why)
{
    unsigned long long port;

    if (text.n == 0) /* RFC 3986 3.2.3: "http://host:/" */
        return CIT_OK;
    if (!cit_slice_u64(text, &port) || port == 0 || port > UINT16_MAX)
        return refuse(why, CIT_EINVAL, "'%.*s' is no port; ports are numbers from 1 to 65535", shown_len(text), text.p);
    *out = (uint16_t)port;
    return CIT_OK;
}

/* "host", "host:port", "[::1]:port" into the host and what follows it, ":port" or nothing. */
static int split_host(struct cit_slice text, struct parts *u, struct cit_slice *rest, char *why)
{
    const char *end = text.p + text.n, *stop;

    u->is_v6 = text.n > 0 && *text.p == '[';
    stop = text.n > 0 ? memchr(text.p, u->is_v6 ? ']' : ':', text.n) : NULL;
    if (u->is_v6 && (stop == NULL || (stop + 1 < end && stop[1] != ':')))
        return refuse(why, CIT_EINVAL, "an IPv6 address is written [address]:port");
    stop = stop == NULL ? end : stop;
    u->host =
        u->is_v6 ? cit_slice(text.p + 1, (size_t)(stop - text.p - 1)) : cit_slice(text.p, (size_t)(stop - text.p));
    stop += u->is_v6 ? 1 : 0;
    *rest = cit_slice(stop, (size_t)(end - stop));
    if (!u->is_v6 && rest->n > 1 && memchr(rest->p + 1, ':', rest->n - 1) != NULL)
        return refuse(why, CIT_EINVAL, "an IPv6 address is written in brackets: [address]:port");
    return CIT_OK;
}

static int split_authority(struct cit_slice text, struct parts *u, char *why)
{
    struct cit_slice rest = { 0 };
    int err;

    if (text.n > 0 && memchr(text.p, '@', text.n) != NULL)
        return refuse(why, CIT_EINVAL,
                      "a user and password do not belong into the URL; write [BasicAuth] in a journey, or a field "
                      "Authorization");
    err = split_host(text, u, &rest, why);
    if (err == CIT_OK)
        err = check_host(u, why);
    if (err == CIT_OK && rest.n > 0)
        err = check_port(cit_slice(rest.p + 1, rest.n - 1), &u->port, why);
    return err;
}

/* Blanks may stand in {{ }}, where they are not sent. */
static int check_path(struct cit_slice path, char *why)
{
    bool is_in_variable = false;

    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];

        if (i > 0 && c == path.p[i - 1] && (c == '{' || c == '}'))
            is_in_variable = c == '{';
        if (c < 0x20 || c == 0x7f)
            return refuse(why, CIT_EINVAL, "there is a control character in the URL");
        if (c == ' ' && !is_in_variable)
            return refuse(why, CIT_EINVAL, "there is a space in the URL; write %%20");
    }
    return CIT_OK;
}

static int split_url(struct cit_slice url, struct parts *u, char *why)
{
    struct cit_slice rest;
    size_t n = 0;
    const char *fragment;
    int err;

    u->is_tls = starts_nocase(url, "https://");
    if (!u->is_tls && !starts_nocase(url, "http://"))
        return no_scheme(url, why);
    u->port = u->is_tls ? HTTPS_PORT : HTTP_PORT;
    rest = u->is_tls ? cit_slice(url.p + 8, url.n - 8) : cit_slice(url.p + 7, url.n - 7);
    while (n < rest.n && strchr("/?#", rest.p[n]) == NULL)
        n++;
    err = split_authority(cit_slice(rest.p, n), u, why);
    if (err != CIT_OK)
        return err;
    u->path = cit_slice(rest.p + n, rest.n - n);
    fragment = u->path.n > 0 ? memchr(u->path.p, '#', u->path.n) : NULL;
    if (fragment != NULL)
        u->path.n = (size_t)(fragment - u->path.p);
    return check_path(u->path, why);
}

/* ---- texts in the arena ---- */

static struct cit_slice lower_copy(struct cit_arena *a, struct cit_slice s)
{
    char *p = cit_arena_take(a, s.n + 1, NULL);

    for (size_t i = 0; i < s.n && p != NULL; i++)
        p[i] = (char)tolower((unsigned char)s.p[i]);
    if (p != NULL)
        p[s.n] = '\0';
    return cit_slice(p, s.n);
}

/* The path with the slash that a query alone lacks. */
static struct cit_slice whole_path(struct cit_arena *a, struct cit_slice path)
{
    char *p;

    if (path.n > 0 && *path.p == '/')
        return cit_arena_copy(a, path);
    p = cit_arena_take(a, path.n + 2, NULL);
    if (p == NULL)
        return cit_slice(NULL, 0);
    *p = '/';
    if (path.n > 0)
        memcpy(p + 1, path.p, path.n);
    p[path.n + 1] = '\0';
    return cit_slice(p, path.n + 1);
}

/* The port left out where it is the scheme's own (RFC 9110 4.2.3). */
static struct cit_slice authority_of(struct cit_arena *a, const struct parts *u, struct cit_slice host)
{
    char text[HOST_MAX + 12];
    int n = snprintf(text, sizeof text, u->is_v6 ? "[%.*s]" : "%.*s", CIT_SLICE_ARG(host));

    if (u->port != (u->is_tls ? HTTPS_PORT : HTTP_PORT))
        n += snprintf(text + n, sizeof text - (size_t)n, ":%u", u->port);
    return cit_arena_copy(a, cit_slice(text, (size_t)n));
}

/* ---- the whole ---- */

static int parse_unix(struct cit_slice url, struct cit_arena *a, struct cit_target *out, char *why)
{
    struct cit_target t = { .scheme = CIT_SLICE_LIT("http"),
                            .host = CIT_SLICE_LIT("localhost"),
                            .authority = CIT_SLICE_LIT("localhost"),
                            .naddrs = 1 };
    struct cit_slice text = cit_arena_copy(a, url);
    const char *reason = "";
    int n;

    if (text.p == NULL)
        return CIT_ENOMEM;
    if (memchr(text.p, '\0', text.n) != NULL)
        return refuse(why, CIT_EINVAL, "there is a control character in the path of the UNIX socket");
    n = cit_addr_parse(text.p, t.addr, CIT_PLAN_ADDRS, &reason);
    if (n < 0)
        return refuse(why, n, "%s", reason);
    *out = t;
    return CIT_OK;
}

int cit_target_parse(struct cit_slice url, struct cit_arena *a, struct cit_target *out, struct cit_slice *path,
                     char why[CIT_PLAN_WHY])
{
    struct cit_target t = { 0 };
    struct parts u = { 0 };
    struct cit_slice rest;
    int err;

    if (url.n >= 5 && memcmp(url.p, "unix:", 5) == 0) {
        err = parse_unix(url, a, out, why);
        if (err == CIT_OK)
            *path = CIT_SLICE_LIT("/");
        return err;
    }
    err = split_url(url, &u, why);
    if (err != CIT_OK)
        return err;
    t.scheme = u.is_tls ? CIT_SLICE_LIT("https") : CIT_SLICE_LIT("http");
    t.is_tls = u.is_tls;
    t.port = u.port;
    t.host = lower_copy(a, u.host);
    rest = whole_path(a, u.path);
    if (t.host.p == NULL || rest.p == NULL)
        return CIT_ENOMEM;
    t.authority = authority_of(a, &u, t.host);
    if (t.authority.p == NULL)
        return CIT_ENOMEM;
    *out = t;
    *path = rest;
    return CIT_OK;
}

int cit_target_resolve(struct cit_target *t, char why[CIT_PLAN_WHY])
{
    char text[HOST_MAX + 12];
    const char *reason = "";
    bool is_v6 = t->host.n > 0 && memchr(t->host.p, ':', t->host.n) != NULL;
    int n;

    if (t->naddrs > 0 || t->host.n == 0)
        return CIT_OK;
    (void)snprintf(text, sizeof text, is_v6 ? "[%.*s]:%u" : "%.*s:%u", CIT_SLICE_ARG(t->host), t->port);
    n = cit_addr_parse(text, t->addr, CIT_PLAN_ADDRS, &reason);
    if (n < 0)
        return refuse(why, n, "%.*s: %s", CIT_SLICE_ARG(t->host), reason);
    t->naddrs = (uint32_t)n;
    return CIT_OK;
}
