/* load/answer.c - an answer, from the bytes as they come to a page.
 *
 *      head (1xx: another head) ──> body: none, of a length, in chunks, to the connection's end ──> complete
 *
 * What lies whole in the thread's receive buffer is looked at there.  Otherwise u->in keeps what is
 * still needed: the head until it is whole, and the head and body of steps that ask for them.
 */
#include <stdio.h>

#include "load/engine_int.h"

enum { INTERIM_MAX = 100 };

static const struct cit_h1_limits limits = {
    .line = CIT__LINE_MAX, .fields = CIT__FIELDS, .field = CIT__HEAD_MAX, .head = CIT__HEAD_MAX
};

static void complete(struct cit__user *u, size_t rest);

void cit__answer_begin(struct cit__user *u)
{
    u->bytes_in = u->body_bytes = u->left_bytes = 0;
    u->head_n = 0;
    u->status = 0;
    u->interim = 0;
    u->in_body = false;
}

static bool needs_body(const struct cit__user *u)
{
    return u->prep->step->needs_body || u->t->dry != NULL;
}

/* A fault in the middle of an answer: the rest is not wanted. */
static void fail(struct cit__user *u, enum cit_fault fault, const char *why)
{
    if (why != NULL)
        (void)snprintf(u->t->why, CIT__WHY, "%s", why);
    cit__user_fail(u, fault);
}

/* ---- heads ---- */

static int parse(struct cit__thread *t, const char *p, size_t n, size_t seen)
{
    t->head.fields = t->fields;
    t->head.cap = CIT__FIELDS;
    return cit_h1_parse_response(p, n, seen, &limits, &t->head);
}

static enum cit_fault fault_of(enum cit_h1_bad bad)
{
    switch ((int)bad) {
    case CIT_H1_BAD_LINE_TOO_LONG:
    case CIT_H1_BAD_FIELD_TOO_LONG:
    case CIT_H1_BAD_FIELDS_TOO_MANY:
    case CIT_H1_BAD_HEAD_TOO_LONG:
        return CIT_FAULT_TOO_LONG;
    default:
        return CIT_FAULT_PROTOCOL;
    }
}

static void take_cookies(struct cit__user *u)
{
    const struct cit_h1_head *h = &u->t->head;
    const struct cit__request *r = &u->req;
    const char *mark = NULL;
    int64_t now_s;

    for (uint32_t i = 0; i < h->nfields; i++) {
        if (h->fields[i].id != CIT_FIELD_SET_COOKIE)
            continue;
        now_s = (u->t->run->start_wall_ns + u->t->now_ns - u->t->run->start_ns) / CIT_SEC_NS;
        mark = memchr(r->target.p, '?', r->target.n);
        /* without memory there is one cookie less, as in a browser whose jar is full */
        (void)!cit_jar_take(&u->jar, cit_slice(h->fields[i].value, h->fields[i].value_n), r->host->target.host,
                            cit_slice(r->target.p, mark != NULL ? (size_t)(mark - r->target.p) : r->target.n), now_s);
    }
}

static enum cit_method method_of(struct cit_slice method)
{
    return cit_slice_eq(method, CIT_SLICE_LIT("HEAD")) ? CIT_METHOD_HEAD : CIT_METHOD_OTHER;
}

/* The head of the answer proper, in t->head. */
static void on_head(struct cit__user *u)
{
    const struct cit_h1_head *h = &u->t->head;
    struct cit_h1_frame frame = cit_h1_frame_response(h, method_of(u->req.method));

    u->in_body = true;
    u->status = h->status;
    u->minor = h->minor;
    u->keeps_alive = (h->flags & CIT_H1_KEEP_ALIVE) != 0;
    u->frame = (uint8_t)frame.kind;
    u->left_bytes = frame.length;
    if (frame.kind == CIT_H1_BODY_CHUNKED)
        u->chunk = (struct cit_h1_chunk){ 0 };
    take_cookies(u);
    if (u->in == NULL)
        return;
    if (u->prep->keeps_head) {
        u->head_n = u->in->len;
    } else {
        cit__buf_give(u->t, u->in);
        u->in = NULL;
    }
}

/* What a whole head means; false when the request has failed. */
static bool on_any_head(struct cit__user *u)
{
    if (u->t->head.status >= 200) {
        on_head(u);
        return true;
    }
    if (u->t->head.status == 101 || ++u->interim > INTERIM_MAX) {
        fail(u, CIT_FAULT_PROTOCOL,
             u->t->head.status == 101 ? "the server changed to another protocol" : "interim answers without end");
        return false;
    }
    if (u->in != NULL)
        cit__buf_give(u->t, u->in);
    u->in = NULL;
    return true;
}

/* Bytes of the head that begin or go on at p.  How many of them were taken, 0: the head is not whole yet, -1: the
 * request has failed. */
static int64_t take_head(struct cit__user *u, const char *p, size_t n)
{
    struct cit__thread *t = u->t;
    size_t before = u->in != NULL ? u->in->len : 0;
    int got = CIT_EAGAIN;

    if (u->in == NULL && n > 0)
        got = parse(t, p, n, 0);
    if (got == CIT_EAGAIN && n > 0) {
        if (u->in == NULL)
            u->in = cit__buf_take(t, t->plan->max_body + CIT__HEAD_MAX + CIT__RECV);
        if (u->in == NULL || cit_buf_add(u->in, p, n) != CIT_OK) {
            fail(u, CIT_FAULT_LOCAL, "no memory for the answer");
            return -1;
        }
        if (before > 0)
            got = parse(t, u->in->p, u->in->len, before);
    }
    if (got == CIT_EAGAIN)
        return 0;
    if (got < 0) {
        fail(u, fault_of(t->head.bad), cit_h1_bad_text(t->head.bad));
        return -1;
    }
    if (u->in != NULL)
        u->in->len = (size_t)got;
    else
        t->head_bytes = cit_slice(p, (size_t)got);
    return on_any_head(u) ? got - (int64_t)before : -1;
}

/* ---- bodies ---- */

/* Moves what lies in the receive buffer and is needed later to u->in; false when the request has failed. */
static bool spill(struct cit__user *u)
{
    struct cit__thread *t = u->t;
    int err = CIT_OK;

    u->in = cit__buf_take(t, t->plan->max_body + CIT__HEAD_MAX + CIT__RECV);
    if (u->in != NULL && u->prep->keeps_head)
        err = cit_buf_add_slice(u->in, t->head_bytes);
    if (u->in != NULL && err == CIT_OK) {
        u->head_n = u->in->len;
        err = cit_buf_add_slice(u->in, t->held);
    }
    if (u->in == NULL || err != CIT_OK) {
        fail(u, CIT_FAULT_LOCAL, "no memory for the answer");
        return false;
    }
    t->held = cit_slice(NULL, 0);
    return true;
}

/* Counts a piece of the body and keeps it if it is needed; the first one is lent for an example in any case. */
static bool take_piece(struct cit__user *u, const char *p, size_t n)
{
    struct cit__thread *t = u->t;
    bool is_first = u->body_bytes == 0, is_long;

    if (n == 0)
        return true;
    u->body_bytes += n;
    is_long = u->body_bytes > t->plan->max_body;
    if (is_long && u->prep->step->needs_body) {
        fail(u, CIT_FAULT_TOO_LONG, "the body is longer than max_body");
        return false;
    }
    if (is_first && u->in == NULL) {
        t->held = cit_slice(p, n);
        return true;
    }
    if (!needs_body(u) || is_long) /* a dry run shows how it begins */
        return true;
    if (u->in == NULL && !spill(u))
        return false;
    if (cit_buf_add(u->in, p, n) != CIT_OK) {
        fail(u, CIT_FAULT_LOCAL, "no memory for the answer");
        return false;
    }
    return true;
}

/* More is to come: what is needed then must not stay in the receive buffer. */
static void pause_body(struct cit__user *u)
{
    bool has_body = needs_body(u) && u->t->held.n > 0;

    if (u->in == NULL && (has_body || u->prep->keeps_head))
        (void)spill(u);
}

static void take_length(struct cit__user *u, const char *p, size_t n)
{
    size_t part = u->left_bytes < n ? (size_t)u->left_bytes : n;

    if (!take_piece(u, p, part))
        return;
    u->left_bytes -= part;
    if (u->left_bytes == 0)
        complete(u, n - part);
    else
        pause_body(u);
}

static void take_chunks(struct cit__user *u, const char *p, size_t n)
{
    int err = CIT_EAGAIN;

    while (n > 0 && err == CIT_EAGAIN) {
        struct cit_slice data = { NULL, 0 };
        size_t used = 0;

        err = cit_h1_chunk_read(&u->chunk, p, n, &used, &data);
        if (err == CIT_EPROTO) {
            fail(u, CIT_FAULT_PROTOCOL, cit_h1_bad_text(u->chunk.bad));
            return;
        }
        if (!take_piece(u, data.p, data.n))
            return;
        p += used;
        n -= used;
    }
    if (err == CIT_OK)
        complete(u, n);
    else
        pause_body(u);
}

static void take_body(struct cit__user *u, const char *p, size_t n)
{
    switch ((enum cit_h1_body)u->frame) {
    case CIT_H1_BODY_NONE:
        complete(u, n);
        return;
    case CIT_H1_BODY_LENGTH:
        take_length(u, p, n);
        return;
    case CIT_H1_BODY_CHUNKED:
        take_chunks(u, p, n);
        return;
    case CIT_H1_BODY_CLOSE:
        if (take_piece(u, p, n))
            pause_body(u);
        return;
    }
}

void cit__answer_take(struct cit__user *u, const char *p, size_t n)
{
    struct cit__thread *t = u->t;

    u->bytes_in += n;
    t->held = t->head_bytes = cit_slice(NULL, 0);
    while (!u->in_body) {
        int64_t used = take_head(u, p, n);

        if (used <= 0)
            return;
        p += used;
        n -= (size_t)used;
    }
    take_body(u, p, n);
}

/* ---- ends ---- */

/* The page as queries see it.  Fields are looked at again where the head had to be kept. */
static void make_page(struct cit__user *u, const struct cit_vars *vars, struct cit_page *page)
{
    struct cit__thread *t = u->t;

    *page = (struct cit_page){ .status = u->status,
                               .minor = u->minor,
                               .bytes = u->body_bytes,
                               .duration_ns = t->now_ns - u->start_ns,
                               .vars = vars,
                               .body = t->held };
    if (u->in != NULL) {
        page->body = cit_slice(u->in->p + u->head_n, u->in->len - u->head_n);
        if (u->head_n > 0 && parse(t, u->in->p, u->head_n, 0) < 0) /* it could be parsed before */
            t->head.nfields = 0;
    }
    page->fields = t->fields;
    page->nfields = t->head.nfields;
    t->text.len = 0;
    if (u->prep->needs_page && cit__request_url(&u->req, &t->text) == CIT_OK)
        page->url = cit_slice(t->text.p, t->text.len);
}

/* The connection of a complete answer is used again, or not. */
static void settle_conn(struct cit__user *u, bool is_clean)
{
    struct cit__conn *c = u->conn;

    c->is_used = true;
    if (!is_clean || !u->keeps_alive || !u->t->plan->keeps_alive || c->is_ending || u->frame == CIT_H1_BODY_CLOSE ||
        u->req.sent < u->req.bytes.n)
        cit__wire_close(c);
    u->conn = NULL;
}

static void follow(struct cit__user *u)
{
    struct cit__request next;
    int err = cit__redirect_make(u, &next);

    if (err == CIT_OK) {
        cit__user_hop(u, &next);
    } else {
        enum cit_fault fault = err == CIT_ENOMEM ? CIT_FAULT_LOCAL : CIT_FAULT_REDIRECT;

        cit__example_keep(u, fault, u->t->held);
        cit__user_done(u, fault);
    }
}

static void complete(struct cit__user *u, size_t rest)
{
    struct cit__thread *t = u->t;
    struct cit_vars vars = cit__user_vars(u);
    enum cit_fault fault;
    struct cit_page page;

    t->now_ns = cit_clock_now_ns();
    make_page(u, &vars, &page);
    settle_conn(u, rest == 0);
    if (t->dry != NULL)
        cit__dry_answered(u, &page);
    if (rest == 0 && cit__redirect_is(u)) {
        follow(u);
        return;
    }
    t->why[0] = '\0';
    if (rest > 0)
        (void)snprintf(t->why, sizeof t->why, "%zu bytes came behind the end of the answer", rest);
    fault = rest > 0 ? CIT_FAULT_PROTOCOL : cit__verdict(u, &page);
    if (fault != CIT_FAULT_NONE)
        cit__example_keep(u, fault, page.body);
    cit__user_done(u, fault);
}

void cit__answer_eof(struct cit__user *u, bool is_reset)
{
    struct cit__thread *t = u->t;
    bool is_untouched = u->bytes_in == 0 && u->conn->is_used && !u->is_retry && u->prep->is_idempotent;

    u->conn->is_ending = true;
    t->held = t->head_bytes = cit_slice(NULL, 0);
    if (u->in_body && u->frame == CIT_H1_BODY_CLOSE && !is_reset) {
        complete(u, 0);
    } else if (is_untouched) { /* the server closed an idle connection while we sent: RFC 9112 9.3.1 */
        cit__wire_close(u->conn);
        u->is_retry = true;
        u->req.sent = 0;
        cit__wire_ask(u);
    } else {
        (void)snprintf(t->why, sizeof t->why, u->bytes_in > 0 ? "closed after %llu bytes of the answer" : "closed",
                       (unsigned long long)u->bytes_in);
        cit__user_fail(u, CIT_FAULT_CLOSED);
    }
}
