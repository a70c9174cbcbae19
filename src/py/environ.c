/* py/environ.c - the environ of a request (PEP 3333, RFC 3875 4.1).
 *
 *      template ──PyDict_Copy──> environ ──set what differs──> + fields ──> application
 *                                   ^                                           │
 *                                   └────── kept by nobody, and unchanged ──────┘
 *
 * The template has every key that all requests have, so that a copy of it never grows
 * with them.  Copying and freeing a dict of 22 is the dearest part of a small request;
 * one that comes back unchanged (stamp.c), and that nobody else holds, serves the next
 * request instead.  In it what is the same again (the server's
 * address, a client's Host, a path that is asked for all day) is seen by the identity of
 * the object the memo gives and costs a comparison. */
#include "py/state.h"

#include <string.h>

enum { NAME_MOST = 256 };

/* ---- the template ---- */

static int put_template(struct cit_py_state *st, enum cit_py_key k, PyObject *v)
{
    if (PyDict_SetItem(st->environ, st->key[k], v) < 0)
        return -1;
    st->value[k] = v;
    return 0;
}

static int put_template_new(struct cit_py_state *st, enum cit_py_key k, PyObject *v)
{
    int rc = v == NULL ? -1 : put_template(st, k, v);

    Py_XDECREF(v);
    return rc;
}

int cit_py_environ_init(struct cit_py_server *s)
{
    struct cit_py_state *st = s->st;
    bool many = s->env != NULL && s->env->multiprocess;

    for (int k = 0; k < CIT_PY_KEY_COUNT; k++) {
        if (put_template(st, (enum cit_py_key)k, st->str_empty) < 0)
            return -1;
    }
    if (put_template(st, CIT_PY_KEY_wsgi_url_scheme, st->str_http) < 0 ||
        put_template(st, CIT_PY_KEY_wsgi_errors, st->errors_stream) < 0 ||
        put_template(st, CIT_PY_KEY_wsgi_multithread, s->conf.threads > 1 ? Py_True : Py_False) < 0 ||
        put_template(st, CIT_PY_KEY_wsgi_multiprocess, many ? Py_True : Py_False) < 0 ||
        put_template(st, CIT_PY_KEY_wsgi_run_once, Py_False) < 0 ||
        put_template(st, CIT_PY_KEY_wsgi_file_wrapper, (PyObject *)st->type_file_wrapper) < 0 ||
        put_template(st, CIT_PY_KEY_wsgi_input_terminated, Py_True) < 0 ||
        put_template_new(st, CIT_PY_KEY_wsgi_version, Py_BuildValue("(ii)", 1, 0)) < 0)
        return -1;
    return put_template_new(st, CIT_PY_KEY_server_software, PyUnicode_FromString(CIT_PY_SOFTWARE));
}

/* ---- an environ ---- */

/* What is being filled. */
struct fill {
    struct cit_py_state *st;
    struct cit_py_env *e;
};

/* v is borrowed. */
static inline int put(const struct fill *f, enum cit_py_key k, PyObject *v)
{
    if (f->e->value[k] == v)
        return 0;
    if (PyDict_SetItem(f->e->dict, f->st->key[k], v) < 0)
        return -1;
    f->e->value[k] = v;
    return 0;
}

/* v is taken over; NULL passes an exception on. */
static inline int put_new(const struct fill *f, enum cit_py_key k, PyObject *v)
{
    int rc;

    if (v == NULL)
        return -1;
    rc = put(f, k, v);
    Py_DECREF(v);
    return rc;
}

static int make(struct cit_py_state *st, struct cit_py_env *e)
{
    e->dict = PyDict_Copy(st->environ);
    if (e->dict == NULL)
        return -1;
    e->is_watched = cit_py_stamp_watch(st, e->dict);
    memcpy(e->value, st->value, sizeof e->value);
    e->remote[0] = e->local[0] = 0;
    return 0;
}

/* One that has other keys than the template, or can't be watched, is for one request.  The
 * size alone does not tell: a field may stand in the place of a Host that was not sent. */
void cit_py_environ_done(struct cit_py_state *st, struct cit_py_env *e)
{
    if (e->dict == NULL || (e->is_watched && Py_REFCNT(e->dict) == 1 && cit_py_stamp_of(e->dict) == e->stamp &&
                            PyDict_GET_SIZE(e->dict) == CIT_PY_KEY_COUNT && e->value[CIT_PY_KEY_http_host] != NULL))
        return;
    if (e->is_watched)
        cit_py_stamp_unwatch(st, e->dict);
    Py_CLEAR(e->dict);
}

/* ---- the request line ---- */

static int hex(unsigned char b)
{
    if (b >= '0' && b <= '9')
        return b - '0';
    b |= 0x20;
    return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

/* Percent-decoding (RFC 3986 2.1); what is no escape stays as it is.  Returns the bytes in `to`. */
static size_t percent_decode(struct cit_slice s, char *to)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        int hi = -1, lo = -1;

        if (s.p[i] == '%' && s.n - i > 2) {
            hi = hex((unsigned char)s.p[i + 1]);
            lo = hex((unsigned char)s.p[i + 2]);
        }
        if (hi >= 0 && lo >= 0) {
            to[n++] = (char)(hi << 4 | lo);
            i += 2;
        } else {
            to[n++] = s.p[i];
        }
    }
    return n;
}

static PyObject *decoded_path(struct cit_py_state *st, struct cit_slice path)
{
    PyObject *bytes, *str;

    if (memchr(path.p, '%', path.n) == NULL)
        return cit_py_text(st, path.p, path.n);
    bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)path.n);
    if (bytes == NULL)
        return NULL;
    str = cit_py_text_fresh(PyBytes_AS_STRING(bytes), percent_decode(path, PyBytes_AS_STRING(bytes)));
    Py_DECREF(bytes);
    return str;
}

/* "OPTIONS *" has no path: RFC 3875 4.1.5 allows an empty PATH_INFO or one that begins with
 * a slash, and wsgiref.validate insists; REQUEST_URI tells it apart. */
static int put_path(const struct fill *f, const struct cit_h1_head *h, PyObject *target)
{
    if (h->form == CIT_TARGET_ASTERISK)
        return put(f, CIT_PY_KEY_path_info, f->st->str_empty);
    if (h->path.n == h->target.n && memchr(h->path.p, '%', h->path.n) == NULL)
        return put(f, CIT_PY_KEY_path_info, target);
    return put_new(f, CIT_PY_KEY_path_info, decoded_path(f->st, h->path));
}

static int put_target(const struct fill *f, const struct cit_h1_head *h)
{
    PyObject *target = cit_py_text(f->st, h->target.p, h->target.n);
    int rc = -1;

    if (target == NULL)
        return -1;
    if (put(f, CIT_PY_KEY_raw_uri, target) == 0 && put(f, CIT_PY_KEY_request_uri, target) == 0 &&
        put_path(f, h, target) == 0)
        rc = 0;
    Py_DECREF(target);
    return rc;
}

static int put_line(const struct fill *f, const struct cit_h1_head *h)
{
    int rc;

    if (h->method_id != CIT_METHOD_OTHER)
        rc = put(f, CIT_PY_KEY_request_method, f->st->method[h->method_id]);
    else
        rc = put_new(f, CIT_PY_KEY_request_method, cit_py_text(f->st, h->method.p, h->method.n));
    if (rc < 0 || put(f, CIT_PY_KEY_server_protocol, h->minor == 0 ? f->st->str_http_1_0 : f->st->str_http_1_1) < 0)
        return -1;
    if (put_target(f, h) < 0)
        return -1;
    return put_new(f, CIT_PY_KEY_query_string, cit_py_text(f->st, h->query.p, h->query.n));
}

/* ---- who talks to whom ---- */

/* Host without and with its port: "[::1]:80" -> "[::1]", "80". */
static void split_host(struct cit_slice host, struct cit_slice *name, struct cit_slice *port)
{
    const char *colon = NULL;

    for (size_t i = host.n; i > 0 && host.p[i - 1] != ']' && colon == NULL; i--) {
        if (host.p[i - 1] == ':')
            colon = host.p + i - 1;
    }
    *name = host;
    *port = cit_slice(host.p, 0);
    if (colon != NULL) {
        name->n = (size_t)(colon - host.p);
        *port = cit_slice(colon + 1, host.n - name->n - 1);
    }
}

/* A UNIX socket has neither name nor port, and PEP 3333 allows neither to be empty. */
static int put_server_unix(const struct fill *f, struct cit_slice host, bool is_https)
{
    struct cit_slice name, port;
    int rc;

    split_host(host, &name, &port);
    if (name.n > 0)
        rc = put_new(f, CIT_PY_KEY_server_name, cit_py_text(f->st, name.p, name.n));
    else
        rc = put(f, CIT_PY_KEY_server_name, f->st->str_localhost);
    if (rc < 0)
        return -1;
    if (port.n > 0)
        return put_new(f, CIT_PY_KEY_server_port, cit_py_text(f->st, port.p, port.n));
    return put(f, CIT_PY_KEY_server_port, is_https ? f->st->str_port_443 : f->st->str_port_80);
}

/* An IPv6 address is a SERVER_NAME in brackets (RFC 3875 4.1.14), so that a URL can be
 * made with it; in REMOTE_ADDR it stands without (4.1.8). */
static PyObject *server_name(struct cit_py_state *st, const char *host)
{
    char text[NAME_MOST];
    size_t n = strlen(host);

    if (memchr(host, ':', n) == NULL || n + 2 > sizeof text)
        return cit_py_text(st, host, n);
    text[0] = '[';
    memcpy(text + 1, host, n);
    text[n + 1] = ']';
    return cit_py_text(st, text, n + 2);
}

/* The same address as in the request before is the usual case, and cheaper to see in its
 * text than in the memo. */
static bool is_same(const char *now, const char *host)
{
    return now[0] != 0 && strcmp(now, host) == 0;
}

static void remember(char *now, const char *host)
{
    size_t n = strlen(host);

    now[0] = 0;
    if (n < CIT_PY_HOST_MAX)
        memcpy(now, host, n + 1);
}

static int put_remote(const struct fill *f, const struct cit_peer *p)
{
    if (is_same(f->e->remote, p->remote_host))
        return 0;
    f->e->remote[0] = 0;
    if (put_new(f, CIT_PY_KEY_remote_addr, cit_py_text(f->st, p->remote_host, strlen(p->remote_host))) < 0)
        return -1;
    remember(f->e->remote, p->remote_host);
    return 0;
}

static int put_local(const struct fill *f, const struct cit_peer *p)
{
    if (is_same(f->e->local, p->local_host))
        return 0;
    f->e->local[0] = 0;
    if (put_new(f, CIT_PY_KEY_server_name, server_name(f->st, p->local_host)) < 0)
        return -1;
    remember(f->e->local, p->local_host);
    return 0;
}

static int put_peer(const struct fill *f, const struct cit_peer *p, struct cit_slice host, bool https)
{
    if (p->is_unix) {
        f->e->remote[0] = f->e->local[0] = 0;
        if (put(f, CIT_PY_KEY_remote_addr, f->st->str_empty) < 0 ||
            put(f, CIT_PY_KEY_remote_port, f->st->str_empty) < 0)
            return -1;
        return put_server_unix(f, host, https);
    }
    if (put_remote(f, p) < 0 || put_local(f, p) < 0 ||
        put_new(f, CIT_PY_KEY_remote_port, cit_py_port(f->st, p->remote_port)) < 0)
        return -1;
    return put_new(f, CIT_PY_KEY_server_port, cit_py_port(f->st, p->local_port));
}

/* Every X-Forwarded-Proto must say https, and a proxy that is believed have sent it. */
static bool is_https(struct cit_py_call *c, const struct cit_h1_head *h, const struct cit_peer *peer)
{
    bool found = false;

    for (uint32_t i = 0; i < h->nfields; i++) {
        const struct cit_h1_field *f = &h->fields[i];

        if (f->id != CIT_FIELD_X_FORWARDED_PROTO)
            continue;
        if (!cit_slice_eq_nocase(cit_slice(f->value, f->value_n), CIT_SLICE_LIT("https")))
            return false;
        found = true;
    }
    return found && cit_py_forwarded_trusts(&c->srv->forwarded, peer);
}

/* ---- fields ---- */

/* A field that came before: one list (RFC 9110 5.3), cookies in their own syntax (RFC 9113 8.2.3). */
static int join(PyObject *env, PyObject *key, PyObject *value, bool is_cookie)
{
    PyObject *old = PyDict_GetItemWithError(env, key); /* borrowed */
    PyObject *both;
    int rc;

    if (old == NULL)
        return -1;
    both = PyUnicode_FromFormat(is_cookie ? "%U; %U" : "%U,%U", old, value);
    if (both == NULL)
        return -1;
    rc = PyDict_SetItem(env, key, both);
    Py_DECREF(both);
    return rc;
}

/* One look-up for the usual field: the dict's size tells whether the key is new. */
static int add(PyObject *env, PyObject *key, PyObject *value, bool is_cookie)
{
    Py_ssize_t before = PyDict_GET_SIZE(env);

    if (PyDict_SetDefault(env, key, value) == NULL) /* borrowed */
        return -1;
    return PyDict_GET_SIZE(env) != before ? 0 : join(env, key, value, is_cookie);
}

/* New reference; NULL without an exception: leave the field out. */
static PyObject *key_of(struct cit_py_call *c, const struct cit_h1_field *f, enum cit_py_name_kind *kind)
{
    struct cit_py_state *st = c->srv->st;
    PyObject *key;

    *kind = CIT_PY_NAME_PLAIN;
    if (f->id == CIT_FIELD_CONTENT_TYPE)
        return Py_NewRef(st->str_content_type);
    if (f->id == CIT_FIELD_CONTENT_LENGTH)
        return Py_NewRef(st->str_content_length);
    key = cit_py_name(st, f->name, f->name_n, kind);
    if (*kind == CIT_PY_NAME_DROPPED) /* it would pass for the name with '-' in its place */
        cit_req_debug(c->r, "field %.*s left out: its name has a '_'", (int)f->name_n, f->name);
    return key;
}

static int add_field(struct cit_py_call *c, PyObject *env, const struct cit_h1_field *f)
{
    enum cit_py_name_kind kind;
    PyObject *key = key_of(c, f, &kind), *value;
    int rc;

    if (key == NULL)
        return kind == CIT_PY_NAME_DROPPED ? 0 : -1;
    if (kind == CIT_PY_NAME_SECRET)
        value = cit_py_text_fresh(f->value, f->value_n);
    else
        value = cit_py_text(c->srv->st, f->value, f->value_n);
    rc = value == NULL ? -1 : add(env, key, value, f->id == CIT_FIELD_COOKIE);
    Py_XDECREF(value);
    Py_DECREF(key);
    return rc;
}

/* Host stands in the template; the authority of an absolute target replaces it (RFC 9112 3.2.2). */
static int add_fields(struct cit_py_call *c, PyObject *env, const struct cit_h1_head *h)
{
    for (uint32_t i = 0; i < h->nfields; i++) {
        if (h->fields[i].id != CIT_FIELD_HOST && add_field(c, env, &h->fields[i]) < 0)
            return -1;
    }
    return 0;
}

/* ---- together ---- */

static struct cit_slice host_of(const struct cit_h1_head *h)
{
    return h->authority.n > 0 ? h->authority : h->host;
}

static int put_all(const struct fill *f, struct cit_py_call *c, const struct cit_h1_head *h)
{
    const struct cit_peer *peer = cit_req_peer(c->r);
    struct cit_slice host = host_of(h);
    bool https = is_https(c, h, peer);

    if (put_line(f, h) < 0 || put_peer(f, peer, host, https) < 0 ||
        put(f, CIT_PY_KEY_wsgi_url_scheme, https ? f->st->str_https : f->st->str_http) < 0 ||
        put(f, CIT_PY_KEY_wsgi_input, (PyObject *)c->kit->input) < 0)
        return -1;
    if (host.p != NULL)
        return put_new(f, CIT_PY_KEY_http_host, cit_py_text(f->st, host.p, host.n));
    f->e->value[CIT_PY_KEY_http_host] = NULL; /* its key is gone: for this request only */
    return PyDict_DelItem(f->e->dict, f->st->key[CIT_PY_KEY_http_host]);
}

PyObject *cit_py_environ_fill(struct cit_py_call *c)
{
    struct fill f = { c->srv->st, &c->kit->env };
    const struct cit_h1_head *h = cit_req_head(c->r);

    if (f.e->dict == NULL && make(f.st, f.e) < 0)
        return NULL;
    if (put_all(&f, c, h) < 0 || add_fields(c, f.e->dict, h) < 0)
        return NULL;
    f.e->stamp = cit_py_stamp_of(f.e->dict);
    return f.e->dict;
}
