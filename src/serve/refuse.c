/* serve/refuse.c - answers of the server's own: what it refuses, and why, in the log. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "serve/worker_int.h"

int cit__page(int status, char *out, size_t room)
{
    const char *reason = cit_http_reason(status);
    int n = snprintf(out, room, "<!doctype html><title>%d %s</title><h1>%d %s</h1>\n", status, reason, status, reason);

    return n < (int)room ? n : (int)room - 1;
}

/* 405 must tell what is allowed (RFC 9110 15.5.6), 503 may tell when to come back. */
static const char *extra_field(int status)
{
    return status == 405   ? "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE\r\n"
           : status == 503 ? "Retry-After: 1\r\n"
                           : "";
}

int cit__write_page(const struct cit_worker *w, struct cit_buf *b, int status, bool head_only)
{
    char page[256];
    int n = cit__page(status, page, sizeof page);

    return cit_buf_printf(b,
                          "HTTP/1.1 %d %s\r\nContent-Type: text/html; charset=utf-8\r\n%sDate: %s\r\n%s"
                          "Content-Length: %d\r\nConnection: close\r\n\r\n%s",
                          status, cit_http_reason(status), extra_field(status), cit__date(w),
                          w->conf->server_header ? "Server: citrate\r\n" : "", n, head_only ? "" : page);
}

/* Method and target of a head that was refused may be only partly known. */
static void log_refusal(struct cit_thread *t, struct cit_conn *c, int status, const char *why)
{
    struct cit_worker *w = t->w;
    const struct cit_h1_head *h = &t->req.head;
    char peer[CIT_ADDR_TEXT_MAX];

    cit_addr_text(&c->peer.sa, c->peer_len, peer);
    cit_log_printf(w->env.log, CIT_LOG_WARNING, "request refused: %s (%d, from %s%s%.*s%s%.*s)", why, status, peer,
                   h->method.n > 0 ? ": " : "", h->method.n > 32 ? 32 : (int)h->method.n,
                   h->method.n > 0 ? h->method.p : "", h->target.n > 0 ? " " : "",
                   h->target.n > 200 ? 200 : (int)h->target.n, h->target.n > 0 ? h->target.p : "");
    cit_count(&w->env.slot->counters.refused);
    if (w->access != NULL)
        cit__log_access(t, &(struct cit_access_rec){ .head = h, .remote = peer, .status = status });
}

void cit__refuse(struct cit_thread *t, struct cit_conn *c, int status, const char *why)
{
    struct cit_h1_head *h = &t->req.head;
    bool head_only;

    if (c->parked != NULL && cit_h1_parse_request(c->parked->head, c->parked->head_n, 0, &t->w->limits, h) < 0)
        h->method = h->target = cit_slice(NULL, 0);
    if (c->parked == NULL && (status == 408 || c->eof))
        h->method = h->target = cit_slice(NULL, 0); /* of some other request */
    head_only = cit_slice_eq(h->method, CIT_SLICE_LIT("HEAD"));
    log_refusal(t, c, status, why);
    cit__parked_free(t, c);
    c->state = CIT_CONN_IDLE;
    c->close = true;
    c->pending |= CIT_EV_READ; /* the peer may still be sending: linger */
    if (cit__write_page(t->w, &t->out.buf, status, head_only) != CIT_OK)
        c->broken = true;
    cit__conn_send(t, c);
}

void cit__log_access(struct cit_thread *t, const struct cit_access_rec *known)
{
    struct cit_worker *w = t->w;
    struct cit_access_rec rec = *known;

    rec.wall_ns = cit_clock_wall_ns() - rec.took_ns;
    rec.pid = w->pid;
    t->line.len = 0;
    if (cit_access_line(w->access, &rec, &t->line) == CIT_OK)
        cit_log_access(w->env.log, cit_slice(t->line.p, t->line.len));
}
