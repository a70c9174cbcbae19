/* serve/req.c - the request as the application sees it: peers, and the body it reads. */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "serve/worker_int.h"

void cit__req_init(struct cit_thread *t, struct cit_conn *c)
{
    struct cit_req *r = &t->req;

    r->c = c;
    r->view = cit_slice(NULL, 0);
    r->view_n = 0;
    r->body = NULL;
    r->body_err = CIT_OK;
    r->continue_wanted = r->chunked = r->no_body = r->failed = r->has_date = r->has_server = r->over_said = false;
    r->state = CIT_RESP_NONE;
    r->keep = true;
    atomic_store_explicit(&r->claim, CIT_CLAIM_FREE, memory_order_relaxed);
    r->status = 0;
    r->mark = t->out.buf.len;
    r->head_n = 0;
    r->length = -1;
    r->body_sent = 0;
    r->why = "";
    r->slot = NULL;
    r->has_peer = false;
}

const struct cit_h1_head *cit_req_head(const struct cit_req *r)
{
    return &r->head;
}

void **cit_req_slot(struct cit_req *r)
{
    return &r->slot;
}

/* ---- peers ---- */

static char *put_octet(char *p, unsigned v)
{
    if (v >= 100)
        *p++ = (char)('0' + v / 100);
    if (v >= 10)
        *p++ = (char)('0' + v / 10 % 10);
    *p++ = (char)('0' + v % 10);
    return p;
}

/* inet_ntop is ten times slower, and this runs for each request. */
static void ipv4_text(const struct sockaddr_in *sa, char *out)
{
    const unsigned char *a = (const unsigned char *)&sa->sin_addr;

    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *out++ = '.';
        out = put_octet(out, a[i]);
    }
    *out = '\0';
}

const struct cit_peer *cit_req_peer(struct cit_req *r)
{
    struct cit_conn *c = r->c;
    const struct cit_local *local = &r->t->w->local[c->listener];

    if (r->has_peer)
        return &r->peer;
    r->has_peer = true;
    r->remote[0] = '\0';
    r->peer = (struct cit_peer){
        .remote_host = r->remote, .local_host = local->host, .local_port = local->port, .is_unix = c->is_unix
    };
    if (c->is_unix)
        return &r->peer;
    if (c->peer.sa.sa_family == AF_INET) {
        ipv4_text(&c->peer.in4, r->remote);
        r->peer.remote_port = ntohs(c->peer.in4.sin_port);
    } else {
        cit_addr_host(&c->peer.sa, c->peer_len, r->remote, &r->peer.remote_port);
    }
    return &r->peer;
}

/* ---- the body ---- */

int64_t cit_req_body_length(const struct cit_req *r)
{
    return r->body == NULL ? (int64_t)r->view_n : cit_body_length(r->body);
}

void *cit_req_body_take(struct cit_req *r)
{
    return r->body == NULL ? NULL : cit_body_take_whole(r->body);
}

int cit__wait_fd(struct cit_req *r, short events, int64_t timeout_ms)
{
    struct pollfd p = { .fd = r->c->fd, .events = events };
    int ready;

    cit__team_yield(r->t);
    cit__detach(r->t);
    ready = poll(&p, 1, timeout_ms <= 0 ? -1 : timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms);
    cit__attach(r->t);
    if (atomic_load(&r->claim) == CIT_CLAIM_TIMEOUT)
        return CIT_ETIMEDOUT;
    return ready == 0 ? CIT_ETIMEDOUT : CIT_OK;
}

static int send_continue(struct cit_req *r)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct cit_out *o = &r->t->out;
    int err;

    r->continue_wanted = false;
    if (r->state >= CIT_RESP_SENT || r->head.minor == 0)
        return CIT_OK;
    if (!cit_out_is_empty(o) && o->buf.len == r->mark) { /* answers to earlier requests go first */
        err = cit_buf_add(&o->buf, text, sizeof text - 1);
        if (err == CIT_OK)
            err = cit_out_send(o, r->c->fd, cit__drop, r->t);
        r->mark = o->buf.len;
        return err == CIT_EAGAIN ? CIT_OK : err;
    }
    return cit_sock_send(r->c->fd, text, sizeof text - 1) == (int64_t)sizeof text - 1 ? CIT_OK : CIT_ECLOSED;
}

/* Receives once into the body.  What follows it is kept for the next request. */
static int receive_more(struct cit_req *r)
{
    struct cit_body *b = r->body;
    struct cit_thread *t = r->t;
    size_t room, used;
    char *p = cit_body_space(b, &room);
    int64_t n = cit_sock_recv(r->c->fd, p == NULL ? t->rbuf : p, p == NULL ? CIT_RBUF : room);
    int err;

    if (n < 0)
        return (int)n;
    if (n == 0)
        return CIT_ECLOSED;
    if (p != NULL)
        return cit_body_filled(b, (size_t)n);
    used = (size_t)n;
    err = cit_body_feed(b, t->rbuf, (size_t)n, &used);
    if (used < (size_t)n && cit_buf_add(&r->c->in, t->rbuf + used, (size_t)n - used) != CIT_OK)
        r->c->close = true;
    return err;
}

static int more_body(struct cit_req *r)
{
    struct cit_worker *w = r->t->w;
    int err = r->continue_wanted ? send_continue(r) : CIT_OK;

    if (err != CIT_OK)
        return err;
    err = receive_more(r);
    if (err != CIT_EAGAIN || cit_body_stored(r->body) > 0)
        return err;
    if (!cit__body_has_time(w, r->c->parked, 0, cit_clock_now_ns() / CIT_MS_NS))
        return CIT_ETIMEDOUT;
    return cit__wait_fd(r, POLLIN, w->conf->body_timeout_ms);
}

static int body_ended(struct cit_req *r, int err)
{
    r->body_err = err;
    r->keep = false;
    if (err == CIT_ETIMEDOUT)
        cit_req_warn(r, "the body took longer than body-timeout allows (408)");
    else if (err == CIT_ELIMIT)
        cit_req_warn(r, "the body is longer than limit-request-body (413)");
    else if (err == CIT_EPROTO)
        cit_req_warn(r, "%s (%d)", cit_h1_bad_text(r->body->bad), cit_h1_bad_status(r->body->bad));
    else if (err == CIT_ECLOSED)
        cit_req_warn(r, "the peer closed its side within a body (400)");
    else
        cit_req_debug(r, "the body can't be read: %s", cit_err_text(err));
    return err;
}

int cit_req_body_peek(struct cit_req *r, struct cit_slice *out)
{
    if (r->body == NULL) {
        *out = r->view;
        return CIT_OK;
    }
    for (;;) {
        int err = cit_body_peek(r->body, out);

        if (err != CIT_OK || out->n > 0 || cit_body_is_complete(r->body))
            return err;
        if (r->body_err != CIT_OK)
            return r->body_err;
        err = more_body(r);
        if (err != CIT_OK && err != CIT_EAGAIN)
            return body_ended(r, err);
    }
}

void cit_req_body_skip(struct cit_req *r, size_t n)
{
    if (r->body != NULL) {
        cit_body_skip(r->body, n);
        return;
    }
    r->view.p += n;
    r->view.n -= n;
}

/* ---- words for the log ---- */

static void say(const struct cit_req *r, enum cit_log_level level, const char *text)
{
    const struct cit_h1_head *h = &r->head;

    cit_log_printf(r->t->w->env.log, level, "%.*s %.*s: %s", CIT_SLICE_ARG(h->method), CIT_SLICE_ARG(h->target), text);
}

void cit_req_warn(struct cit_req *r, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    say(r, CIT_LOG_WARNING, text);
}

void cit_req_debug(struct cit_req *r, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (!cit_log_enabled(r->t->w->env.log, CIT_LOG_DEBUG))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    say(r, CIT_LOG_DEBUG, text);
}
