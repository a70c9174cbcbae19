/* py/memo.c - bytes that come with every request, as the objects made of them before.
 *
 * Host, Accept, User-Agent, paths and addresses repeat.  Each table is direct-mapped by
 * a hash: an entry is found with one comparison, and a new one takes the place of the
 * old, so that nothing a peer sends makes the tables grow or search.  Names sent by
 * peers are never interned (interned text may live for ever); well-known ones are
 * interned once, at the start. */
#include "py/state.h"

#include <string.h>

/* Field names that browsers, proxies and libraries send. */
/* clang-format off */
#define KNOWN_NAMES(X)                                                                                         \
    X("HTTP_ACCEPT") X("HTTP_ACCEPT_CHARSET") X("HTTP_ACCEPT_ENCODING") X("HTTP_ACCEPT_LANGUAGE")              \
    X("HTTP_ACCESS_CONTROL_REQUEST_HEADERS") X("HTTP_ACCESS_CONTROL_REQUEST_METHOD") X("HTTP_AUTHORIZATION")   \
    X("HTTP_CACHE_CONTROL") X("HTTP_CONNECTION") X("HTTP_CONTENT_ENCODING") X("HTTP_COOKIE") X("HTTP_DNT")     \
    X("HTTP_EXPECT") X("HTTP_FORWARDED") X("HTTP_IF_MATCH") X("HTTP_IF_MODIFIED_SINCE")                        \
    X("HTTP_IF_NONE_MATCH") X("HTTP_IF_RANGE") X("HTTP_IF_UNMODIFIED_SINCE") X("HTTP_KEEP_ALIVE")              \
    X("HTTP_ORIGIN") X("HTTP_PRAGMA") X("HTTP_PRIORITY") X("HTTP_RANGE") X("HTTP_REFERER") X("HTTP_SEC_CH_UA") \
    X("HTTP_SEC_CH_UA_MOBILE") X("HTTP_SEC_CH_UA_PLATFORM") X("HTTP_SEC_FETCH_DEST") X("HTTP_SEC_FETCH_MODE")  \
    X("HTTP_SEC_FETCH_SITE") X("HTTP_SEC_FETCH_USER") X("HTTP_TE") X("HTTP_TRANSFER_ENCODING")                 \
    X("HTTP_UPGRADE_INSECURE_REQUESTS") X("HTTP_USER_AGENT") X("HTTP_VIA") X("HTTP_X_CSRFTOKEN")               \
    X("HTTP_X_FORWARDED_FOR") X("HTTP_X_FORWARDED_HOST") X("HTTP_X_FORWARDED_PORT")                            \
    X("HTTP_X_FORWARDED_PROTO") X("HTTP_X_REAL_IP") X("HTTP_X_REQUESTED_WITH") X("HTTP_X_REQUEST_ID")
/* clang-format on */

static const char *const known_names[] = {
#define KNOWN_ROW(text) text,
    KNOWN_NAMES(KNOWN_ROW)
#undef KNOWN_ROW
};

/* Values of these must not stay in memory longer than their request, and rarely repeat. */
static const char *const secret_names[] = {
    "HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_PROXY_AUTHORIZATION", "HTTP_X_CSRFTOKEN", "HTTP_X_API_KEY",
};

/* ---- hashing ---- */

static inline uint64_t load64(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return w;
}

/* The last 0-7 bytes as one word, without reading past them. */
static inline uint64_t load_tail(const char *p, size_t n)
{
    uint32_t lo, hi;
    const unsigned char *u = (const unsigned char *)p;

    if (n >= 4) {
        memcpy(&lo, p, sizeof lo);
        memcpy(&hi, p + n - 4, sizeof hi);
        return lo | (uint64_t)hi << 32;
    }
    if (n == 0)
        return 0;
    return u[0] | (uint64_t)u[n / 2] << 8 | (uint64_t)u[n - 1] << 16;
}

/* Good enough to spread; a peer who finds collisions makes its own requests slower by the
 * making of a string, and nobody else's. */
static inline uint32_t hash_bytes(const char *p, size_t n)
{
    const uint64_t k = 0x9E3779B97F4A7C15u;
    uint64_t h = n * k;

    for (; n >= 8; p += 8, n -= 8) {
        h = (h ^ load64(p)) * k;
        h ^= h >> 32;
    }
    h = (h ^ load_tail(p, n)) * k;
    return (uint32_t)(h >> 32);
}

/* ---- values ---- */

PyObject *cit_py_text_fresh(const char *p, size_t n)
{
    return PyUnicode_DecodeLatin1(p, (Py_ssize_t)n, NULL);
}

static inline bool text_is(PyObject *str, const char *p, size_t n)
{
    return (size_t)PyUnicode_GET_LENGTH(str) == n && memcmp(PyUnicode_1BYTE_DATA(str), p, n) == 0;
}

PyObject *cit_py_text(struct cit_py_state *st, const char *p, size_t n)
{
    struct cit_py_memo *m = &st->memo;
    uint32_t hash, at;
    PyObject *str;

    if (n == 0)
        return Py_NewRef(st->str_empty);
    if (n > CIT_PY_TEXT_MAX)
        return cit_py_text_fresh(p, n);
    hash = hash_bytes(p, n);
    at = hash % CIT_PY_TEXTS;
    str = m->text[at];
    if (str != NULL && m->text_hash[at] == hash && text_is(str, p, n))
        return Py_NewRef(str);
    str = cit_py_text_fresh(p, n);
    if (str == NULL)
        return NULL;
    m->text_hash[at] = hash;
    Py_XSETREF(m->text[at], Py_NewRef(str));
    return str;
}

static PyObject *make_port(uint16_t port)
{
    char text[5];
    size_t at = sizeof text;
    unsigned n = port;

    do
        text[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return cit_py_text_fresh(text + at, sizeof text - at);
}

/* Clients' ports are often all even: the hash spreads them over the whole table. */
PyObject *cit_py_port(struct cit_py_state *st, uint16_t port)
{
    struct cit_py_memo *m = &st->memo;
    unsigned at = (port * 40503u & 0xffff) / (65536 / CIT_PY_PORTS);
    PyObject *str = m->port[at];

    if (str != NULL && m->port_of[at] == port)
        return Py_NewRef(str);
    str = make_port(port);
    if (str == NULL)
        return NULL;
    m->port_of[at] = port;
    Py_XSETREF(m->port[at], Py_NewRef(str));
    return str;
}

/* ---- names ---- */

static bool is_secret(PyObject *key)
{
    for (size_t i = 0; i < sizeof secret_names / sizeof *secret_names; i++) {
        if (PyUnicode_CompareWithASCIIString(key, secret_names[i]) == 0)
            return true;
    }
    return false;
}

/* "Accept-Encoding" -> "HTTP_ACCEPT_ENCODING".  A name is a token (RFC 9110 5.6.2): ASCII. */
static PyObject *make_key(struct cit_py_state *st, const char *p, size_t n)
{
    PyObject *key = PyUnicode_New((Py_ssize_t)n + 5, 127);
    PyObject *known;
    Py_UCS1 *to;

    if (key == NULL)
        return NULL;
    to = PyUnicode_1BYTE_DATA(key);
    memcpy(to, "HTTP_", 5);
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)p[i];

        if (b >= 'a' && b <= 'z')
            b = (unsigned char)(b - 'a' + 'A');
        to[5 + i] = b == '-' ? '_' : b;
    }
    known = PyDict_GetItemWithError(st->known_names, key); /* borrowed */
    if (known != NULL) {
        Py_SETREF(key, Py_NewRef(known));
    } else if (PyErr_Occurred()) {
        Py_CLEAR(key);
    }
    return key;
}

PyObject *cit_py_name(struct cit_py_state *st, const char *p, size_t n, enum cit_py_name_kind *kind)
{
    uint32_t hash = hash_bytes(p, n);
    struct cit_py_name *e = &st->memo.name[hash % CIT_PY_NAMES];
    PyObject *key;

    if (e->key != NULL && e->hash == hash && e->n == n && memcmp(e->raw, p, n) == 0) {
        *kind = (enum cit_py_name_kind)e->kind;
        return Py_NewRef(e->key);
    }
    if (memchr(p, '_', n) != NULL) {
        *kind = CIT_PY_NAME_DROPPED;
        return NULL;
    }
    key = make_key(st, p, n);
    if (key == NULL)
        return NULL;
    *kind = is_secret(key) ? CIT_PY_NAME_SECRET : CIT_PY_NAME_PLAIN;
    if (n <= CIT_PY_NAME_MAX) {
        Py_XSETREF(e->key, Py_NewRef(key));
        e->hash = hash;
        e->n = (uint8_t)n;
        e->kind = (uint8_t)*kind;
        memcpy(e->raw, p, n);
    }
    return key;
}

/* ---- life ---- */

int cit_py_memo_init(struct cit_py_state *st)
{
    st->known_names = PyDict_New();
    if (st->known_names == NULL)
        return -1;
    for (size_t i = 0; i < sizeof known_names / sizeof *known_names; i++) {
        PyObject *key = PyUnicode_InternFromString(known_names[i]);
        int rc = key == NULL ? -1 : PyDict_SetItem(st->known_names, key, key);

        Py_XDECREF(key);
        if (rc < 0)
            return -1;
    }
    return 0;
}

void cit_py_memo_clear(struct cit_py_memo *m)
{
    for (size_t i = 0; i < CIT_PY_TEXTS; i++)
        Py_CLEAR(m->text[i]);
    for (size_t i = 0; i < CIT_PY_NAMES; i++)
        Py_CLEAR(m->name[i].key);
    for (size_t i = 0; i < CIT_PY_PORTS; i++)
        Py_CLEAR(m->port[i]);
}
