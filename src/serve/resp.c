/* serve/resp.c - the response an application gives, framed and queued.
 *
 *      NONE ──head──> HEAD ──first body byte, or the end──> SENT ──finish──> DONE
 *              ^────────┘ replaced
 *
 * The head is written into the thread's output as soon as it is given, checked on the
 * way; the lines of framing follow when it is committed.  Nothing leaves before that.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "serve/worker_int.h"

enum {
    PILE_MOST = 262144,   /* output a writing application may be ahead of its peer */
    DISCARD_MOST = 65536, /* an unread rest of a body worth reading away to keep the connection */
    TAIL_MOST = 256       /* what commit adds to a head */
};

/* ---- owners ---- */

void cit__drop_all(struct cit_thread *t)
{
    while (t->ndrops > 0)
        t->w->ops->drop(t->w->app, t->drops[--t->ndrops]);
}

void cit__drop(void *thread, void *owner)
{
    struct cit_thread *t = thread;

    if (owner == NULL)
        return;
    if (t->attached) {
        t->w->ops->drop(t->w->app, owner);
        return;
    }
    if (t->ndrops == (int)(sizeof t->drops / sizeof *t->drops))
        cit__attach(t); /* drops them all */
    if (t->attached)
        t->w->ops->drop(t->w->app, owner);
    else
        t->drops[t->ndrops++] = owner;
}

/* ---- the head ---- */

static int refuse_head(struct cit_req *r, const char *what, struct cit_slice name)
{
    snprintf(r->why_text, sizeof r->why_text, "%s%s%.*s", what, name.n > 0 ? ": " : "", name.n > 60 ? 60 : (int)name.n,
             name.n > 0 ? name.p : "");
    r->why = r->why_text;
    r->t->out.buf.len = r->mark;
    r->state = CIT_RESP_NONE;
    return CIT_EINVAL;
}

/* What a field means to the server.  CIT_EAGAIN: it is not to be copied. */
static int look_at_field(struct cit_req *r, const struct cit_resp_field *f)
{
    enum cit_field_id id = cit_field_find(f->name);
    unsigned long long n;

    if (id == CIT_FIELD_OTHER)
        return CIT_OK;
    if (cit_field_is_hop_by_hop(id))
        return refuse_head(r, "a hop-by-hop field is the server's to send", f->name);
    if (id == CIT_FIELD_CONTENT_LENGTH) {
        if (r->length != -1)
            return refuse_head(r, "a second field", f->name);
        if (!cit_slice_u64(f->value, &n) || n > INT64_MAX)
            return refuse_head(r, "Content-Length is not a number", f->value);
        r->length = (int64_t)n;
        return CIT_EAGAIN;
    }
    r->has_date |= id == CIT_FIELD_DATE;
    r->has_server |= id == CIT_FIELD_SERVER;
    return CIT_OK;
}

static char *put(char *p, struct cit_slice s)
{
    memcpy(p, s.p, s.n);
    return p + s.n;
}

static int write_fields(struct cit_req *r, const struct cit_resp_field *fields, size_t count, char **at)
{
    char *p = *at;

    for (size_t i = 0; i < count; i++) {
        const struct cit_resp_field *f = &fields[i];
        int err;

        if (!cit_http_is_token(f->name))
            return refuse_head(r, "a field name is not a token", f->name);
        if (!cit_http_is_field_value(f->value))
            return refuse_head(r, "a field value has a control character, in", f->name);
        err = look_at_field(r, f);
        if (err == CIT_EINVAL)
            return err;
        if (err == CIT_EAGAIN)
            continue;
        p = put(p, f->name);
        *p++ = ':';
        *p++ = ' ';
        p = put(p, f->value);
        *p++ = '\r';
        *p++ = '\n';
    }
    *at = p;
    return CIT_OK;
}

static char *put_status(char *p, int status, struct cit_slice reason)
{
    p = put(p, CIT_SLICE_LIT("HTTP/1.1 "));
    *p++ = (char)('0' + status / 100);
    *p++ = (char)('0' + status / 10 % 10);
    *p++ = (char)('0' + status % 10);
    *p++ = ' ';
    p = put(p, reason);
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

int cit_resp_head(struct cit_req *r, int status, struct cit_slice reason, const struct cit_resp_field *fields,
                  size_t count)
{
    struct cit_buf *b = &r->t->out.buf;
    size_t n = reason.n + TAIL_MOST;
    char *p;
    int err;

    if (r->state >= CIT_RESP_SENT)
        return CIT_ESTATE;
    b->len = r->mark;
    r->state = CIT_RESP_NONE;
    r->length = -1;
    r->has_date = r->has_server = false;
    if (status < 200 || status > 999)
        return refuse_head(r, "a status is not a final one (200 to 999)", cit_slice(NULL, 0));
    if (!cit_http_is_field_value(reason))
        return refuse_head(r, "the reason phrase has a control character", cit_slice(NULL, 0));
    for (size_t i = 0; i < count; i++)
        n += fields[i].name.n + fields[i].value.n + 4;
    err = cit_buf_reserve(b, n);
    if (err != CIT_OK)
        return err;
    p = put_status(b->p + r->mark, status, reason);
    err = write_fields(r, fields, count, &p);
    if (err != CIT_OK)
        return err;
    b->len = (size_t)(p - b->p);
    r->status = status;
    r->state = CIT_RESP_HEAD;
    return CIT_OK;
}

const char *cit_resp_why(const struct cit_req *r)
{
    return r->why;
}

bool cit_resp_is_sent(const struct cit_req *r)
{
    return r->state >= CIT_RESP_SENT;
}

int64_t cit_resp_length(const struct cit_req *r)
{
    return r->length;
}

/* ---- commitment ---- */

/* Can the connection be used again, after what was and was not read of the body? */
static bool body_allows_keeping(const struct cit_req *r)
{
    const struct cit_body *b = r->body;
    int64_t length;

    if (b == NULL || cit_body_is_complete(b))
        return true;
    length = cit_body_length(b);
    return !r->continue_wanted && r->body_err == CIT_OK && length != -1 && (uint64_t)length - b->got <= DISCARD_MOST;
}

static void decide_framing(struct cit_req *r, int64_t whole)
{
    bool bodiless = r->status == 204 || r->status == 304;
    bool head = r->head.method_id == CIT_METHOD_HEAD;

    r->no_body = bodiless || head;
    if (r->status == 204)
        r->length = -1;
    else if (r->length == -1 && whole >= 0 && !(r->no_body && whole == 0) && !bodiless)
        r->length = whole;
    else if (r->length == -1 && !bodiless && r->head.minor >= 1 && !(head && whole == 0))
        r->chunked = true;
    else if (r->length == -1 && !r->no_body)
        r->keep = false; /* HTTP/1.0: the body ends with the connection */
}

static char *put_u64(char *p, uint64_t v)
{
    char digits[20];
    int n = 0;

    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static char *put_framing(const struct cit_req *r, char *p)
{
    if (r->length >= 0) {
        p = put(p, CIT_SLICE_LIT("Content-Length: "));
        p = put_u64(p, (uint64_t)r->length);
        p = put(p, CIT_SLICE_LIT("\r\n"));
    } else if (r->chunked) {
        p = put(p, CIT_SLICE_LIT("Transfer-Encoding: chunked\r\n"));
    }
    if (!r->keep)
        return put(p, CIT_SLICE_LIT("Connection: close\r\n\r\n"));
    if (r->head.minor == 0)
        return put(p, CIT_SLICE_LIT("Connection: keep-alive\r\n\r\n"));
    return put(p, CIT_SLICE_LIT("\r\n"));
}

static char *put_origin(const struct cit_req *r, char *p)
{
    const struct cit_worker *w = r->t->w;

    if (!r->has_date) {
        p = put(p, CIT_SLICE_LIT("Date: "));
        p = put(p, cit_slice(cit__date(w), CIT_HTTP_DATE_LEN));
        p = put(p, CIT_SLICE_LIT("\r\n"));
    }
    if (!r->has_server && w->conf->server_header)
        p = put(p, CIT_SLICE_LIT("Server: citrate\r\n"));
    return p;
}

/* Completes the head.  whole: the length of the body, -1: not known. */
static int commit(struct cit_req *r, int64_t whole)
{
    struct cit_worker *w = r->t->w;
    struct cit_buf *b = &r->t->out.buf;
    uint8_t unclaimed = CIT_CLAIM_FREE;
    char *p;
    int err = cit_buf_reserve(b, TAIL_MOST);

    if (err != CIT_OK)
        return err;
    if (!atomic_compare_exchange_strong(&r->claim, &unclaimed, CIT_CLAIM_THREAD))
        return CIT_ECLOSED; /* the time limit answered already */
    r->keep = r->keep && (r->head.flags & CIT_H1_KEEP_ALIVE) != 0 && w->conf->keep_alive_ms > 0 && !r->c->eof &&
              body_allows_keeping(r) && (!atomic_load_explicit(&w->closing, memory_order_relaxed) || r->c->more);
    decide_framing(r, whole);
    p = put_origin(r, b->p + b->len);
    p = put_framing(r, p);
    b->len = (size_t)(p - b->p);
    r->head_n = b->len - r->mark;
    r->state = CIT_RESP_SENT;
    return CIT_OK;
}

/* ---- the body ---- */

static int over(struct cit_req *r)
{
    if (!r->over_said)
        cit_req_warn(r, "the application's body is longer than its Content-Length of %lld: cut", (long long)r->length);
    r->over_said = true;
    return CIT_OK;
}

static int put_chunk_head(struct cit_req *r, uint64_t n)
{
    char head[CIT_H1_CHUNK_HEAD_MAX];

    return r->chunked ? cit_buf_add(&r->t->out.buf, head, cit_h1_chunk_head(head, n)) : CIT_OK;
}

static int put_chunk_end(struct cit_req *r)
{
    return r->chunked ? cit_buf_add(&r->t->out.buf, "\r\n", 2) : CIT_OK;
}

/* Queues body bytes in their frame.  The owner is the server's in any case. */
static int add_body(struct cit_req *r, const char *p, size_t n, void *owner)
{
    struct cit_thread *t = r->t;
    int err;

    if (r->length >= 0 && n > (uint64_t)r->length - r->body_sent && !r->no_body) {
        n = (size_t)((uint64_t)r->length - r->body_sent);
        over(r);
    }
    err = n == 0 || r->no_body ? CIT_EEXIST : put_chunk_head(r, n);
    if (err != CIT_OK) {
        cit__drop(t, owner);
        return err == CIT_EEXIST ? CIT_OK : err;
    }
    r->body_sent += n;
    if (owner != NULL && n > CIT_OUT_COPY) {
        err = cit_out_add_mem(&t->out, p, n, owner);
        if (err == CIT_OK)
            return put_chunk_end(r);
    } else {
        err = cit_buf_add(&t->out.buf, p, n);
    }
    cit__drop(t, owner);
    return err != CIT_OK ? err : put_chunk_end(r);
}

/* The head is read again for the access log when the response ends. */
static void keep_head(struct cit_req *r)
{
    struct cit_thread *t = r->t;

    if (t->w->access == NULL || r->head_n == 0 || t->head_copy.len > 0)
        return;
    if (cit_buf_add(&t->head_copy, t->out.buf.p + r->mark, r->head_n) != CIT_OK)
        t->head_copy.len = 0;
}

/* Sends what is queued; waits while the peer is too far behind. */
static int push(struct cit_req *r)
{
    struct cit_thread *t = r->t;
    int64_t unsent;
    int err;

    keep_head(r);
    for (;;) {
        err = cit_out_send(&t->out, r->c->fd, cit__drop, t);
        if (err != CIT_EAGAIN)
            break;
        if (cit_out_left(&t->out) <= PILE_MOST)
            return CIT_OK;
        unsent = cit_sock_unsent(r->c->fd);
        err = cit__wait_fd(r, POLLOUT, t->w->conf->send_timeout_ms);
        if (err == CIT_ETIMEDOUT && atomic_load(&r->claim) != CIT_CLAIM_TIMEOUT && cit_sock_unsent(r->c->fd) < unsent)
            continue; /* it reads, if slowly: see deadline() in conn.c */
        if (err != CIT_OK) {
            cit_req_warn(r, "the peer took nothing for send-timeout");
            break;
        }
    }
    if (err == CIT_OK) {
        cit_out_reset(&t->out, cit__drop, t);
        return CIT_OK;
    }
    r->c->broken = true;
    return err;
}

static int begin_body(struct cit_req *r, int64_t whole)
{
    if (r->state == CIT_RESP_NONE)
        return CIT_ESTATE;
    if (r->c->broken)
        return CIT_ECLOSED;
    return r->state == CIT_RESP_HEAD ? commit(r, whole) : CIT_OK;
}

static bool is_whole(const struct cit_req *r)
{
    return r->length >= 0 && r->body_sent == (uint64_t)r->length;
}

int cit_resp_write(struct cit_req *r, const char *p, size_t n, void *owner)
{
    int err = n == 0 ? CIT_OK : begin_body(r, -1);

    if (n == 0 || err != CIT_OK) {
        cit__drop(r->t, owner);
        return err;
    }
    err = add_body(r, p, n, owner);
    if (err == CIT_OK && is_whole(r) && r->t->seq != 0)
        return CIT_OK; /* it leaves as soon as the application is back, perhaps with others */
    return err == CIT_OK ? push(r) : err;
}

int cit_resp_whole(struct cit_req *r, const char *p, size_t n, void *owner)
{
    int err = begin_body(r, n > INT64_MAX ? -1 : (int64_t)n);

    if (err != CIT_OK) {
        cit__drop(r->t, owner);
        return err;
    }
    return add_body(r, p, n, owner);
}

int cit_resp_file(struct cit_req *r, int fd, int64_t offset, int64_t n, void *owner)
{
    struct stat st;
    int64_t left;
    int err;

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || offset < 0 || r->chunked)
        return CIT_EINVAL;
    left = offset < st.st_size ? st.st_size - offset : 0;
    if (n < 0 || n > left)
        n = left;
    if (r->length >= 0 && n > r->length - (int64_t)r->body_sent)
        n = r->length - (int64_t)r->body_sent;
    err = begin_body(r, n);
    if (err == CIT_OK && n > 0 && !r->no_body) {
        err = cit_out_add_file(&r->t->out, fd, offset, (uint64_t)n, owner);
        if (err == CIT_OK) {
            r->body_sent += (uint64_t)n;
            return CIT_OK;
        }
    }
    cit__drop(r->t, owner);
    return err;
}

/* ---- the end ---- */

/* An application that gives up because its client's body can't be read is not at fault. */
static int failure_status(const struct cit_req *r)
{
    if (r->t->interrupted)
        return 504;
    switch (r->body_err) {
    case CIT_ETIMEDOUT:
        return 408;
    case CIT_ELIMIT:
        return 413;
    case CIT_EPROTO:
        return cit_h1_bad_status(r->body->bad);
    case CIT_ECLOSED:
        return 400;
    default:
        return 500;
    }
}

void cit_resp_fail(struct cit_req *r)
{
    struct cit_resp_field type = { CIT_SLICE_LIT("Content-Type"), CIT_SLICE_LIT("text/html; charset=utf-8") };
    int status = failure_status(r);
    char page[256];
    int n;

    cit_count(&r->t->w->env.slot->counters.failed);
    if (r->state >= CIT_RESP_SENT) {
        r->failed = !r->no_body; /* an answer without a body is whole already */
        return;
    }
    n = cit__page(status, page, sizeof page);
    if (cit_resp_head(r, status, cit_slice_str(cit_http_reason(status)), &type, 1) != CIT_OK ||
        cit_resp_whole(r, page, (size_t)n, NULL) != CIT_OK)
        r->c->broken = true;
}

static void log_access(struct cit_req *r)
{
    struct cit_thread *t = r->t;
    struct cit_slice sent = t->head_copy.len > 0 ? cit_slice(t->head_copy.p, t->head_copy.len)
                                                 : cit_slice(t->out.buf.p + r->mark, r->head_n);

    cit__log_access(t, &(struct cit_access_rec){
                           .head = &r->head,
                           .resp_head = sent,
                           .remote = cit_req_peer(r)->remote_host,
                           .status = r->status,
                           .body_bytes = r->body_sent,
                           .took_ns = cit_clock_now_ns() - r->began_ns,
                       });
    t->head_copy.len = 0;
}

/* A body that ends with the connection looks complete to the peer however it ends, unless
 * the connection is reset. */
static void reset_on_close(const struct cit_req *r)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    if (!r->chunked && r->length == -1 && !r->no_body)
        (void)setsockopt(r->c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void finish_body(struct cit_req *r)
{
    if (r->failed) {
        r->keep = false;
        reset_on_close(r);
        return;
    }
    if (r->chunked && !r->no_body && cit_buf_add(&r->t->out.buf, "0\r\n\r\n", 5) != CIT_OK)
        r->c->broken = true;
    if (r->length > 0 && !r->no_body && r->body_sent < (uint64_t)r->length) {
        if (!r->c->broken)
            cit_req_warn(r, "the application's body ended at %llu of the %lld bytes of its Content-Length",
                         (unsigned long long)r->body_sent, (long long)r->length);
        r->keep = false;
    }
}

void cit__resp_finish(struct cit_req *r)
{
    struct cit_worker *w = r->t->w;
    bool timed_out = atomic_load(&r->claim) == CIT_CLAIM_TIMEOUT;

    if (r->state == CIT_RESP_NONE && !timed_out && !r->c->broken) {
        cit_req_warn(r, "the application gave no response");
        cit_resp_fail(r);
    }
    if (r->state == CIT_RESP_HEAD && commit(r, 0) != CIT_OK)
        timed_out = true;
    if (timed_out) {
        cit_out_reset(&r->t->out, cit__drop, r->t);
        r->c->broken = true;
    } else {
        finish_body(r);
    }
    r->state = CIT_RESP_DONE;
    if (!r->keep)
        r->c->close = true;
    atomic_fetch_add_explicit(&w->env.slot->counters.requests, 1, memory_order_relaxed);
    if (w->access != NULL)
        log_access(r);
    if (w->replace_at > 0)
        cit__count_request(w);
}
