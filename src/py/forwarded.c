/* py/forwarded.c - whose X-Forwarded-Proto is believed.
 *
 * The setting forwarded_allow_ips: addresses and networks of proxies, or "*".  IPv4 is
 * kept mapped into IPv6 (RFC 4291 2.5.5.2), so that one comparison of bits serves both,
 * and an IPv4 peer of an IPv6 socket is found too.  A peer on a UNIX socket is believed
 * always: the permissions of the socket said who may connect. */
#include "py/state.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/mem.h"

enum { V4_AT = 12, V4_BITS = 96 };

static bool parse_addr(const char *text, unsigned char out[16], bool *is_v4)
{
    static const unsigned char mapped[V4_AT] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

    *is_v4 = strchr(text, ':') == NULL;
    if (!*is_v4)
        return inet_pton(AF_INET6, text, out) == 1;
    memcpy(out, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, out + V4_AT) == 1;
}

/* "10.0.0.0/8", "::1" */
static bool parse_net(struct cit_slice item, struct cit_py_net *net)
{
    char text[INET6_ADDRSTRLEN + 1];
    const char *slash = memchr(item.p, '/', item.n);
    size_t n = slash == NULL ? item.n : (size_t)(slash - item.p);
    unsigned long long bits = 0;
    bool is_v4;

    if (n == 0 || n >= sizeof text)
        return false;
    memcpy(text, item.p, n);
    text[n] = 0;
    if (!parse_addr(text, net->addr, &is_v4))
        return false;
    net->bits = 128;
    if (slash == NULL)
        return true;
    if (!cit_slice_u64(cit_slice(slash + 1, item.n - n - 1), &bits) || bits > (is_v4 ? 32u : 128u))
        return false;
    net->bits = (uint8_t)(bits + (is_v4 ? V4_BITS : 0));
    return true;
}

int cit_py_forwarded_parse(const char *text, struct cit_py_forwarded *out, struct cit_slice *bad)
{
    struct cit_py_forwarded f = { NULL, 0, false };
    struct cit_slice rest = cit_slice_str(text), item;
    size_t most = 1;

    for (const char *p = text; *p != 0; p++)
        most += *p == ',';
    f.net = cit_calloc(most, sizeof *f.net);
    if (f.net == NULL)
        return CIT_ENOMEM;
    while (cit_slice_split(&rest, ',', &item)) {
        if (item.n == 0)
            continue;
        if (cit_slice_eq(item, CIT_SLICE_LIT("*"))) {
            f.all = true;
        } else if (parse_net(item, &f.net[f.count])) {
            f.count++;
        } else {
            *bad = item;
            cit_py_forwarded_fini(&f);
            return CIT_EINVAL;
        }
    }
    *out = f;
    return CIT_OK;
}

void cit_py_forwarded_fini(struct cit_py_forwarded *f)
{
    cit_free(f->net);
    memset(f, 0, sizeof *f);
}

static bool covers(const struct cit_py_net *net, const unsigned char addr[16])
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;

    if (memcmp(net->addr, addr, whole) != 0)
        return false;
    return rest == 0 || (net->addr[whole] ^ addr[whole]) >> (8 - rest) == 0;
}

bool cit_py_forwarded_trusts(const struct cit_py_forwarded *f, const struct cit_peer *peer)
{
    unsigned char addr[16];
    bool is_v4;

    if (f->all || peer->is_unix)
        return true;
    if (!parse_addr(peer->remote_host, addr, &is_v4))
        return false;
    for (size_t i = 0; i < f->count; i++) {
        if (covers(&f->net[i], addr))
            return true;
    }
    return false;
}
