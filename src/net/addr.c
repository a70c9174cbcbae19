/* net/addr.c - addresses: bind values to socket addresses, and back to text. */
#include "net/sock.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/slice.h"

enum { DEFAULT_PORT = 8000, HOST_MAX = 256 };

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int refuse(const char **why, const char *text, int err)
{
    *why = text;
    return err;
}

/* ---- unix: and fd:// ---- */

static int parse_abstract(const char *name, struct cit_addr *out, const char **why)
{
#ifdef __linux__
    struct sockaddr_un *un = (struct sockaddr_un *)&out->sa;
    size_t n = strlen(name);

    if (n == 0)
        return refuse(why, "the abstract socket has no name", CIT_EINVAL);
    if (n > sizeof un->sun_path - 1)
        return refuse(why, "the abstract socket's name is longer than 107 bytes", CIT_EINVAL);
    out->kind = CIT_ADDR_ABSTRACT;
    memcpy(un->sun_path + 1, name, n); /* sun_path[0] is NUL: unix(7) */
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
    return 1;
#else
    (void)name;
    (void)out;
    return refuse(why, "abstract sockets exist on Linux only", CIT_EINVAL);
#endif
}

static int parse_unix(const char *path, struct cit_addr *out, const char **why)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->sa;
    size_t n;

    if (has_prefix(path, "//"))
        path += 2;
    n = strlen(path);
    un->sun_family = AF_UNIX;
    if (*path == '@')
        return parse_abstract(path + 1, out, why);
    if (n == 0)
        return refuse(why, "the path of the UNIX socket is missing", CIT_EINVAL);
    if (n > sizeof un->sun_path - 1)
        return refuse(why, "the path of the UNIX socket is longer than the system allows (107 bytes on Linux)",
                      CIT_EINVAL);
    out->kind = CIT_ADDR_UNIX;
    memcpy(un->sun_path, path, n + 1);
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return 1;
}

static int parse_fd(const char *digits, struct cit_addr *out, const char **why)
{
    unsigned long long fd;

    if (!cit_slice_u64(cit_slice_str(digits), &fd) || fd > INT32_MAX)
        return refuse(why, "fd:// is followed by the number of an open descriptor", CIT_EINVAL);
    out->kind = CIT_ADDR_FD;
    out->fd = (int)fd;
    return 1;
}

/* ---- host and port ---- */

static bool parse_port(struct cit_slice text, uint16_t *port)
{
    unsigned long long value;

    if (!cit_slice_u64(text, &value) || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* "[host]:port", "host:port", ":port", "port", "host", "[host]" into its two parts. */
static int split_host(const char *text, struct cit_slice *host, uint16_t *port, const char **why)
{
    const char *colon = strrchr(text, ':');
    const char *end = text + strlen(text);
    const char *bracket = strchr(text, ']');

    *port = DEFAULT_PORT;
    if (*text == '[') {
        if (bracket == NULL || (bracket[1] != '\0' && bracket[1] != ':'))
            return refuse(why, "an IPv6 address is written [address]:port", CIT_EINVAL);
        *host = cit_slice(text + 1, (size_t)(bracket - text - 1));
        colon = bracket[1] == ':' ? bracket + 1 : NULL;
    } else if (colon == NULL && parse_port(cit_slice_str(text), port)) {
        *host = cit_slice(text, 0);
        return CIT_OK;
    } else {
        *host = cit_slice(text, (size_t)((colon == NULL ? end : colon) - text));
        if (memchr(host->p, ':', host->n) != NULL)
            return refuse(why, "an IPv6 address is written in brackets: [address]:port", CIT_EINVAL);
    }
    if (colon != NULL && !parse_port(cit_slice(colon + 1, (size_t)(end - colon - 1)), port))
        return refuse(why, "the port is a number from 0 to 65535", CIT_EINVAL);
    return CIT_OK;
}

static bool add_resolved(const struct addrinfo *ai, uint16_t port, struct cit_addr *out)
{
    *out = (struct cit_addr){ .fd = -1, .len = ai->ai_addrlen };
    memcpy(&out->sa, ai->ai_addr, ai->ai_addrlen);
    if (ai->ai_family == AF_INET) {
        out->kind = CIT_ADDR_INET;
        ((struct sockaddr_in *)&out->sa)->sin_port = htons(port);
        return true;
    }
    if (ai->ai_family == AF_INET6) {
        out->kind = CIT_ADDR_INET6;
        ((struct sockaddr_in6 *)&out->sa)->sin6_port = htons(port);
        return true;
    }
    return false;
}

/* A name listed twice in /etc/hosts gives its address twice. */
static bool is_known(const struct cit_addr *list, int n, const struct cit_addr *a)
{
    for (int i = 0; i < n; i++)
        if (list[i].len == a->len && memcmp(&list[i].sa, &a->sa, a->len) == 0)
            return true;
    return false;
}

static int resolve(struct cit_slice host, uint16_t port, struct cit_addr *out, int cap, const char **why)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *list = NULL;
    char name[HOST_MAX];
    int n = 0;

    if (host.n >= sizeof name)
        return refuse(why, "the host name is too long", CIT_EINVAL);
    if (host.n == 0)
        snprintf(name, sizeof name, "0.0.0.0");
    else
        snprintf(name, sizeof name, "%.*s", CIT_SLICE_ARG(host));
    if (getaddrinfo(name, NULL, &hints, &list) != 0)
        return refuse(why, "no such host is known", CIT_ENOENT);
    for (const struct addrinfo *ai = list; ai != NULL && n < cap; ai = ai->ai_next)
        if (add_resolved(ai, port, &out[n]) && !is_known(out, n, &out[n]))
            n++;
    freeaddrinfo(list);
    return n > 0 ? n : refuse(why, "the host has no address", CIT_ENOENT);
}

int cit_addr_parse(const char *text, struct cit_addr *out, int cap, const char **why)
{
    struct cit_addr a = { .fd = -1 };
    struct cit_slice host;
    uint16_t port;
    int n;

    if (cap < 1)
        return refuse(why, "there is no room for an address", CIT_EINVAL);
    if (*text == '\0')
        return refuse(why, "the address is empty", CIT_EINVAL);
    if (strcmp(text, "systemd") == 0) {
        a.kind = CIT_ADDR_FD;
        n = 1;
    } else if (has_prefix(text, "unix:")) {
        n = parse_unix(text + strlen("unix:"), &a, why);
    } else if (has_prefix(text, "fd://")) {
        n = parse_fd(text + strlen("fd://"), &a, why);
    } else {
        n = split_host(has_prefix(text, "tcp://") ? text + strlen("tcp://") : text, &host, &port, why);
        return n == CIT_OK ? resolve(host, port, out, cap, why) : n;
    }
    if (n == 1)
        *out = a;
    return n;
}

/* ---- text ---- */

static void unix_text(const struct sockaddr_un *un, socklen_t len, char out[CIT_ADDR_TEXT_MAX])
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t n = len > head ? len - head : 0;

    if (n > 1 && un->sun_path[0] == '\0')
        snprintf(out, CIT_ADDR_TEXT_MAX, "unix:@%.*s", (int)(n - 1), un->sun_path + 1);
    else
        snprintf(out, CIT_ADDR_TEXT_MAX, "unix:%.*s", (int)n, un->sun_path);
}

void cit_addr_text(const struct sockaddr *sa, socklen_t len, char out[CIT_ADDR_TEXT_MAX])
{
    char host[CIT_ADDR_TEXT_MAX];
    uint16_t port;

    if (len >= sizeof sa->sa_family && sa->sa_family == AF_UNIX) {
        unix_text((const struct sockaddr_un *)(const void *)sa, len, out);
        return;
    }
    cit_addr_host(sa, len, host, &port);
    snprintf(out, CIT_ADDR_TEXT_MAX, strchr(host, ':') != NULL ? "[%.100s]:%u" : "%.100s:%u", host, port);
}

void cit_addr_host(const struct sockaddr *sa, socklen_t len, char out[CIT_ADDR_TEXT_MAX], uint16_t *port)
{
    out[0] = '\0';
    *port = 0;
    if (len >= sizeof(struct sockaddr_in) && sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

        (void)inet_ntop(AF_INET, &in->sin_addr, out, CIT_ADDR_TEXT_MAX);
        *port = ntohs(in->sin_port);
    } else if (len >= sizeof(struct sockaddr_in6) && sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

        (void)inet_ntop(AF_INET6, &in6->sin6_addr, out, CIT_ADDR_TEXT_MAX);
        *port = ntohs(in6->sin6_port);
    }
}
