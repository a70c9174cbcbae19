/* http/h1_fields.c - the fields the server looks at: their names, and what they
 * say about host, body and connection.
 */
#include "http/h1_int.h"

#include <arpa/inet.h>
#include <string.h>

#include "http/h1_class.h"
#include "http/h1_write.h"

static const struct cit_slice field_names[CIT_FIELD_COUNT] = { [CIT_FIELD_OTHER] = { "", 0 },
#define CIT_FIELD_NAME(id, name) [CIT_FIELD_##id] = { name, sizeof(name) - 1 },
                                                               CIT_FIELD_MAP(CIT_FIELD_NAME)
#undef CIT_FIELD_NAME
};

/* Five times the length and the first letter happen to give every known name a slot of its own; the
 * compiler refuses the table (-Woverride-init) when a new name breaks that. */
#define SLOT(n, first) ((5 * (unsigned)(n) + (unsigned)(first)) & 63)

static const uint8_t field_slots[64] = {
    [SLOT(4, 'h')] = CIT_FIELD_HOST,
    [SLOT(10, 'c')] = CIT_FIELD_CONNECTION,
    [SLOT(14, 'c')] = CIT_FIELD_CONTENT_LENGTH,
    [SLOT(12, 'c')] = CIT_FIELD_CONTENT_TYPE,
    [SLOT(17, 't')] = CIT_FIELD_TRANSFER_ENCODING,
    [SLOT(2, 't')] = CIT_FIELD_TE,
    [SLOT(7, 't')] = CIT_FIELD_TRAILER,
    [SLOT(8, 't')] = CIT_FIELD_TRAILERS,
    [SLOT(7, 'u')] = CIT_FIELD_UPGRADE,
    [SLOT(6, 'e')] = CIT_FIELD_EXPECT,
    [SLOT(10, 'k')] = CIT_FIELD_KEEP_ALIVE,
    [SLOT(18, 'p')] = CIT_FIELD_PROXY_AUTHENTICATE,
    [SLOT(19, 'p')] = CIT_FIELD_PROXY_AUTHORIZATION,
    [SLOT(16, 'p')] = CIT_FIELD_PROXY_CONNECTION,
    [SLOT(6, 'c')] = CIT_FIELD_COOKIE,
    [SLOT(4, 'd')] = CIT_FIELD_DATE,
    [SLOT(6, 's')] = CIT_FIELD_SERVER,
    [SLOT(8, 'l')] = CIT_FIELD_LOCATION,
    [SLOT(10, 's')] = CIT_FIELD_SET_COOKIE,
    [SLOT(17, 'x')] = CIT_FIELD_X_FORWARDED_PROTO,
};

enum cit_field_id cit_field_find(struct cit_slice name)
{
    enum cit_field_id id = name.n > 0 ? field_slots[SLOT(name.n & 63, name.p[0] | 0x20)] : CIT_FIELD_OTHER;
    const struct cit_slice *known = &field_names[id];

    if (id == CIT_FIELD_OTHER || known->n != name.n)
        return CIT_FIELD_OTHER;
    for (size_t i = 0; i < name.n; i++) /* a letter stands for both cases, '-' for itself */
        if ((char)(name.p[i] | (known->p[i] & 0x40) >> 1) != known->p[i])
            return CIT_FIELD_OTHER;
    return id;
}

const struct cit_h1_field *cit_h1_field_get(const struct cit_h1_head *h, enum cit_field_id id)
{
    for (uint32_t i = 0; i < h->nfields; i++)
        if (h->fields[i].id == id)
            return &h->fields[i];
    return NULL;
}

/* ---- host ---- */

static bool is_port(const char *p, const char *end)
{
    unsigned value = 0;

    for (; p < end; p++) { /* may be empty: port = *DIGIT (RFC 3986 3.2.3) */
        if (!cit__is_digit(*p))
            return false;
        value = value * 10 + (unsigned)(*p - '0');
        if (value > 65535)
            return false;
    }
    return true;
}

/* IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ) */
static bool is_ip_future(const char *p, const char *end)
{
    const char *dot;

    if (p == end || (*p | 0x20) != 'v')
        return false;
    for (dot = ++p; dot < end && cit__is(*dot, CIT__HEX); dot++)
        continue;
    if (dot == p || dot == end || *dot != '.' || dot + 1 == end)
        return false;
    for (p = dot + 1; p < end; p++)
        if (!cit__is(*p, CIT__HOST) && *p != ':' && *p != ',')
            return false;
    return true;
}

/* What stands between the brackets (RFC 3986 3.2.2; no zone, RFC 9110 knows none). */
static bool is_ip_literal(const char *p, const char *end)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];
    size_t n = (size_t)(end - p);

    if (n == 0 || n >= sizeof text)
        return is_ip_future(p, end);
    for (size_t i = 0; i < n; i++)
        if (!cit__is(p[i], CIT__HEX) && p[i] != ':' && p[i] != '.')
            return is_ip_future(p, end);
    memcpy(text, p, n);
    text[n] = '\0';
    return inet_pton(AF_INET6, text, address) == 1;
}

/* The end of the host at p, or NULL when it is not one. */
static const char *host_end(const char *p, const char *end)
{
    const char *start = p;

    if (p < end && *p == '[') {
        const char *close = memchr(p, ']', (size_t)(end - p));

        return close != NULL && is_ip_literal(p + 1, close) ? close + 1 : NULL;
    }
    for (; p < end && *p != ':'; p++) {
        if (cit__is(*p, CIT__HOST))
            continue;
        if (*p != '%' || end - p < 3 || !cit__is(p[1], CIT__HEX) || !cit__is(p[2], CIT__HEX))
            return NULL;
        p += 2;
    }
    return p > start ? p : NULL; /* RFC 9110 4.2.1: an http URI without a host is not valid */
}

bool cit__h1_is_authority(struct cit_slice s)
{
    const char *end = s.p + s.n, *p = host_end(s.p, end);

    if (p == NULL)
        return false;
    return p == end || (*p == ':' && is_port(p + 1, end));
}

static int host_said(struct cit__h1_walk *w, struct cit_slice value)
{
    if (w->h->host.p != NULL)
        return w->is_request ? cit__h1_refuse(w, CIT_H1_BAD_HOST_TWICE) : CIT_OK;
    w->h->host = value;
    if (w->is_request && !cit__h1_is_authority(value))
        return cit__h1_refuse(w, CIT_H1_BAD_HOST);
    return CIT_OK;
}

/* ---- body ---- */

#define LENGTH_DIGITS 19 /* of 2^63 - 1; zeros in front count, others refuse long ones */

/* Digits only; not even a list of equal values (RFC 9112 6.3 rule 5 leaves the choice). */
static int length_said(struct cit__h1_walk *w, struct cit_slice value)
{
    unsigned long long length;

    if (w->h->flags & CIT_H1_HAS_LENGTH)
        return cit__h1_refuse(w, CIT_H1_BAD_LENGTH_TWICE);
    if (value.n > LENGTH_DIGITS || !cit_slice_u64(value, &length) || length > INT64_MAX)
        return cit__h1_refuse(w, CIT_H1_BAD_LENGTH);
    if (w->h->flags & CIT_H1_CHUNKED)
        return cit__h1_refuse(w, CIT_H1_BAD_FRAMING_BOTH);
    w->h->content_length = length;
    w->h->flags |= CIT_H1_HAS_LENGTH;
    return CIT_OK;
}

/* The value is not "chunked".  Codings we do not have, with chunked once and last,
 * are legal and 501 (RFC 9112 6.1); without it at the end the length is unknown and
 * 400 a MUST (6.3 rule 4.3).  A parameter makes a coding one we do not have. */
static enum cit_h1_bad why_coding(struct cit_slice rest)
{
    const struct cit_slice chunked = CIT_SLICE_LIT("chunked");
    struct cit_slice item, name;
    bool is_last = false;

    while (cit_slice_split(&rest, ',', &item)) {
        if (is_last) /* something behind chunked */
            return CIT_H1_BAD_CODING_BAD;
        is_last = cit_slice_eq_nocase(item, chunked);
        if (!cit_slice_split(&item, ';', &name) || !cit_http_is_token(name))
            return CIT_H1_BAD_CODING_BAD;
        if (!is_last && cit_slice_eq_nocase(name, chunked))
            return CIT_H1_BAD_CODING_BAD;
    }
    return is_last ? CIT_H1_BAD_CODING : CIT_H1_BAD_CODING_BAD;
}

static int coding_said(struct cit__h1_walk *w, struct cit_slice value)
{
    if (w->h->minor == 0) /* RFC 9112 6.1: faulty framing */
        return cit__h1_refuse(w, CIT_H1_BAD_CODING_1_0);
    if (w->h->flags & CIT_H1_CHUNKED)
        return cit__h1_refuse(w, CIT_H1_BAD_CODING_BAD);
    if (w->h->flags & CIT_H1_HAS_LENGTH)
        return cit__h1_refuse(w, CIT_H1_BAD_FRAMING_BOTH);
    if (value.n > 0 && value.p[value.n - 1] == ',')
        return cit__h1_refuse(w, CIT_H1_BAD_CODING_BAD);
    if (!cit_slice_eq_nocase(value, CIT_SLICE_LIT("chunked")))
        return cit__h1_refuse(w, why_coding(value));
    w->h->flags |= CIT_H1_CHUNKED;
    return CIT_OK;
}

/* ---- connection ---- */

static void connection_said(struct cit__h1_walk *w, struct cit_slice rest)
{
    struct cit_slice item;

    if (cit_slice_eq(rest, CIT_SLICE_LIT("keep-alive"))) { /* what most clients send */
        w->facts |= CIT__SAID_KEEP_ALIVE;
        return;
    }
    while (cit_slice_split(&rest, ',', &item)) {
        if (cit_slice_eq_nocase(item, CIT_SLICE_LIT("keep-alive")))
            w->facts |= CIT__SAID_KEEP_ALIVE;
        else if (cit_slice_eq_nocase(item, CIT_SLICE_LIT("close")))
            w->facts |= CIT__SAID_CLOSE;
        else if (cit_slice_eq_nocase(item, CIT_SLICE_LIT("upgrade")))
            w->facts |= CIT__SAID_UPGRADE;
    }
}

/* RFC 9110 10.1.1: an expectation of a 1.0 client is ignored. */
static int expect_said(struct cit__h1_walk *w, struct cit_slice rest)
{
    struct cit_slice item;

    if (!w->is_request || w->h->minor == 0)
        return CIT_OK;
    while (cit_slice_split(&rest, ',', &item)) {
        if (item.n == 0)
            continue;
        if (!cit_slice_eq_nocase(item, CIT_SLICE_LIT("100-continue")))
            return cit__h1_refuse(w, CIT_H1_BAD_EXPECT);
        w->h->flags |= CIT_H1_EXPECT_CONTINUE;
    }
    return CIT_OK;
}

/* One media type (RFC 9110 8.3): two joined by a comma, as a list's are, would be none. */
static int type_said(struct cit__h1_walk *w)
{
    if (w->is_request && (w->facts & CIT__HAS_CONTENT_TYPE) != 0)
        return cit__h1_refuse(w, CIT_H1_BAD_TYPE_TWICE);
    w->facts |= CIT__HAS_CONTENT_TYPE;
    return CIT_OK;
}

int cit__h1_field_said(struct cit__h1_walk *w, const struct cit_h1_field *f)
{
    struct cit_slice value = cit_slice(f->value, f->value_n);

    switch (f->id) {
    case CIT_FIELD_HOST:
        return host_said(w, value);
    case CIT_FIELD_CONTENT_LENGTH:
        return length_said(w, value);
    case CIT_FIELD_TRANSFER_ENCODING:
        return coding_said(w, value);
    case CIT_FIELD_CONTENT_TYPE:
        return type_said(w);
    case CIT_FIELD_EXPECT:
        return expect_said(w, value);
    case CIT_FIELD_CONNECTION:
        connection_said(w, value);
        return CIT_OK;
    case CIT_FIELD_UPGRADE:
        w->facts |= CIT__HAS_UPGRADE;
        return CIT_OK;
    default: /* known to others, nothing to the parser */
        return CIT_OK;
    }
}

/* RFC 9112 9.3: close wins; 1.1 persists, 1.0 when it was asked for.  An Upgrade
 * in 1.0 is ignored (RFC 9110 7.8). */
static void decide_connection(struct cit__h1_walk *w)
{
    const unsigned upgrade = CIT__SAID_UPGRADE | CIT__HAS_UPGRADE;

    if (w->facts & CIT__SAID_CLOSE)
        w->h->flags |= CIT_H1_CLOSE;
    else if (w->h->minor >= 1 || (w->facts & CIT__SAID_KEEP_ALIVE))
        w->h->flags |= CIT_H1_KEEP_ALIVE;
    if (w->h->minor >= 1 && (w->facts & upgrade) == upgrade)
        w->h->flags |= CIT_H1_UPGRADE;
}

int cit__h1_head_done(struct cit__h1_walk *w)
{
    if (w->is_request && w->h->minor >= 1 && w->h->host.p == NULL) /* RFC 9112 3.2 */
        return cit__h1_refuse(w, CIT_H1_BAD_HOST_MISSING);
    decide_connection(w);
    return CIT_OK;
}
