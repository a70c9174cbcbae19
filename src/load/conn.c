/* load/conn.c - the connections of users: made, used again, closed.
 *
 *      DIALLING ──connected──> SHAKING (TLS) ──> OPEN ──> DEAD
 *          └── next address, or the request fails        buried after the turn
 *
 * A socket is watched edge-triggered, in both directions from the start, so there is one epoll_ctl
 * for a connection; a UNIX socket, which wakes us whenever its peer has read something, only for
 * writing once a send came short.  Events carry the connection's address: closed ones are not used
 * again before the events of the turn are all done.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "load/engine_int.h"

#define AGAIN_NS CIT_MS_NS /* between tries of a UNIX socket whose line is full */

static void dial(struct cit__user *u, struct cit__conn *c);
static void drive_read(struct cit__conn *c);

/* ---- lists ---- */

static struct cit__conn *conn_new(struct cit__user *u)
{
    struct cit__thread *t = u->t;
    struct cit__conn *c = t->spare_conns;

    if (c != NULL)
        t->spare_conns = c->next;
    else
        c = cit_malloc(sizeof *c);
    if (c == NULL)
        return NULL;
    *c = (struct cit__conn){ .next = u->conns, .user = u, .host = u->req.host, .fd = -1 };
    u->conns = c;
    return c;
}

static void forget_again(struct cit__thread *t, struct cit__conn *c)
{
    struct cit__conn **at = &t->again;

    while (*at != NULL && *at != c)
        at = &(*at)->next_again;
    if (*at == c)
        *at = c->next_again;
    c->is_again = false;
}

static void close_fd(struct cit__conn *c)
{
    cit_tls_free(c->tls);
    c->tls = NULL;
    if (c->fd != -1)
        close(c->fd);
    c->fd = -1;
}

void cit__wire_close(struct cit__conn *c)
{
    struct cit__user *u = c->user;
    struct cit__conn **at = &u->conns;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    if (c->is_again)
        forget_again(u->t, c);
    if (u->conn == c)
        u->conn = NULL;
    close_fd(c);
    c->state = CIT__CONN_DEAD;
    c->next = u->t->dead;
    u->t->dead = c;
}

void cit__wire_close_all(struct cit__user *u)
{
    while (u->conns != NULL)
        cit__wire_close(u->conns);
}

void cit__wire_bury(struct cit__thread *t)
{
    while (t->dead != NULL) {
        struct cit__conn *c = t->dead;

        t->dead = c->next;
        c->next = t->spare_conns;
        t->spare_conns = c;
    }
}

/* ---- deadlines ---- */

static void set_deadline(struct cit__user *u, int64_t at_ns)
{
    int64_t at_ms = at_ns / CIT_MS_NS + 1;

    u->deadline_ns = at_ns;
    if (!cit_timer_is_set(&u->timer) || u->timer.at_ms > at_ms)
        cit_wheel_add(&u->t->wheel, &u->timer, at_ms);
}

static bool is_asking(const struct cit__user *u)
{
    return u->state == CIT__USER_ASKING || u->is_dialling_again;
}

void cit__wire_deadline(struct cit__user *u)
{
    struct cit__thread *t = u->t;

    if (!is_asking(u))
        return;
    if (t->now_ns < u->deadline_ns) {
        cit_wheel_add(&t->wheel, &u->timer, u->deadline_ns / CIT_MS_NS + 1);
    } else if (u->conn == NULL || u->conn->state != CIT__CONN_OPEN) {
        (void)snprintf(t->why, sizeof t->why, "no connection in time");
        cit__user_fail(u, CIT_FAULT_CONNECT_TIMEOUT);
    } else {
        (void)snprintf(t->why, sizeof t->why, "%s",
                       u->bytes_in > 0 ? "the answer did not end in time" : "no answer in time");
        cit__user_fail(u, CIT_FAULT_TIMEOUT);
    }
}

/* ---- sending ---- */

static void on_ended(struct cit__conn *c, bool is_reset)
{
    if (c->user->conn == c)
        cit__answer_eof(c->user, is_reset);
    else
        cit__wire_close(c);
}

/* The rest of the request.  A connection that takes no more may still hold an answer. */
static void drive_send(struct cit__conn *c)
{
    struct cit__user *u = c->user;
    struct cit__request *r = &u->req;

    while (r->sent < r->bytes.n) {
        const char *p = r->bytes.p + r->sent;
        size_t left = r->bytes.n - r->sent;
        int64_t n = c->tls != NULL ? cit_tls_send(c->tls, p, left) : cit_sock_send(c->fd, p, left);

        if (n == CIT_EAGAIN) {
            if (!c->watches_write) {
                c->watches_write = true;
                if (cit_loop_mod(u->t->loop, c->fd, CIT_EV_READ | CIT_EV_WRITE, (uint64_t)(uintptr_t)c) != CIT_OK)
                    cit__user_fail(u, CIT_FAULT_LOCAL);
            }
            return;
        }
        if (n < 0) {
            c->is_ending = true;
            drive_read(c);
            return;
        }
        r->sent += (size_t)n;
    }
    if (u->t->dry != NULL)
        cit__dry_sent(u);
}

/* ---- connecting ---- */

static void on_open(struct cit__conn *c)
{
    struct cit__user *u = c->user;

    c->state = CIT__CONN_OPEN;
    set_deadline(u, u->start_ns + u->t->plan->timeout_ns);
    drive_send(c);
}

static void shake(struct cit__conn *c)
{
    char why[CIT_TLS_WHY] = "";
    bool wants_write = false;
    int err = cit_tls_handshake(c->tls, &wants_write, why);

    if (err == CIT_OK) {
        on_open(c);
    } else if (err != CIT_EAGAIN) {
        (void)snprintf(c->user->t->why, CIT__WHY, "%s", why);
        cit__user_fail(c->user, CIT_FAULT_TLS);
    }
}

static void begin_tls(struct cit__conn *c)
{
    struct cit__user *u = c->user;
    struct cit_tls_context *ctx = NULL;
    char why[CIT_TLS_WHY] = "";
    int err = cit__run_tls(u->t->run, &ctx, why);

    if (err == CIT_OK)
        err = cit_tls_new(ctx, c->fd, c->host->target.host.p, &c->tls);
    if (err == CIT_OK) {
        c->state = CIT__CONN_SHAKING;
        shake(c);
        return;
    }
    (void)snprintf(u->t->why, CIT__WHY, "%s", why[0] != '\0' ? why : cit_err_text(err));
    cit__user_fail(u, err == CIT_ENOMEM ? CIT_FAULT_LOCAL : CIT_FAULT_TLS);
}

static void on_connected(struct cit__conn *c)
{
    c->host->good = c->addr;
    c->user->t->tally->connects++;
    if (c->host->target.is_tls)
        begin_tls(c);
    else
        on_open(c);
}

/* A UNIX socket never is on its way: if its line is full, it says so, and is tried again. */
static void dial_again(struct cit__user *u, struct cit__conn *c)
{
    cit__wire_close(c);
    u->is_dialling_again = true;
    u->state = CIT__USER_WAITING;
    cit__wait_add(u->t, u, u->t->now_ns + AGAIN_NS);
}

static int dial_one(struct cit__conn *c)
{
    struct cit__thread *t = c->user->t;
    const struct cit_addr *addr = &c->host->target.addr[c->addr];
    uint32_t mask = CIT_EV_READ;
    int err = cit__dial(addr, &c->fd, t->why, sizeof t->why);

    if (err != CIT_OK && err != CIT_EAGAIN)
        return err;
    if (addr->sa.ss_family != AF_UNIX) {
        c->watches_write = true;
        mask |= CIT_EV_WRITE;
    }
    if (cit_loop_add(t->loop, c->fd, mask, (uint64_t)(uintptr_t)c) != CIT_OK) {
        (void)snprintf(t->why, sizeof t->why, "epoll takes no more descriptors");
        return CIT_EMFILE;
    }
    return err;
}

/* The next address that is not refused at once. */
static void dial(struct cit__user *u, struct cit__conn *c)
{
    uint32_t n = c->host->target.naddrs;
    int err = CIT_EIO;

    while (err == CIT_EIO && c->tried < n) {
        c->addr = (c->host->good + c->tried++) % n;
        close_fd(c);
        err = dial_one(c);
    }
    if (err == CIT_OK)
        on_connected(c);
    else if (err == CIT_ESTATE)
        dial_again(u, c);
    else if (err != CIT_EAGAIN)
        cit__user_fail(u, err == CIT_EMFILE ? CIT_FAULT_LOCAL : CIT_FAULT_CONNECT);
}

static void on_dialled(struct cit__conn *c, uint32_t mask)
{
    struct cit__user *u = c->user;
    int err;

    if ((mask & (CIT_EV_WRITE | CIT_EV_HUP)) == 0)
        return;
    err = cit__dial_result(c->fd, u->t->why, sizeof u->t->why);
    if (err == CIT_OK)
        on_connected(c);
    else if (err == CIT_EMFILE)
        cit__user_fail(u, CIT_FAULT_LOCAL);
    else
        dial(u, c);
}

void cit__wire_ask(struct cit__user *u)
{
    const struct cit_load_plan *plan = u->t->plan;
    struct cit__conn *c = u->conns;

    while (c != NULL && c->host != u->req.host)
        c = c->next;
    if (c != NULL) {
        u->conn = c;
        set_deadline(u, u->start_ns + plan->timeout_ns);
        drive_send(c);
        return;
    }
    if (u->req.host->why != NULL) {
        (void)snprintf(u->t->why, sizeof u->t->why, "%s", u->req.host->why);
        cit__user_fail(u, CIT_FAULT_CONNECT);
        return;
    }
    c = conn_new(u);
    if (c == NULL) {
        cit__user_fail(u, CIT_FAULT_LOCAL);
        return;
    }
    u->conn = c;
    set_deadline(u, (u->is_retry ? u->t->now_ns : u->start_ns) + plan->connect_timeout_ns);
    dial(u, c);
}

/* ---- receiving ---- */

/* A server that closes an idle connection may say so with a 408 that nobody asked for (RFC 9110 15.5.9). */
static bool is_farewell(const char *p, int64_t n)
{
    return n >= 12 && memcmp(p, "HTTP/1.", 7) == 0 && memcmp(p + 8, " 408", 4) == 0;
}

static void on_unasked(struct cit__conn *c, const char *p, int64_t n)
{
    struct cit__user *u = c->user;

    cit__wire_close(c);
    if (is_farewell(p, n))
        return;
    (void)snprintf(u->t->why, CIT__WHY, "%lld bytes came that nobody had asked for", (long long)n);
    cit__user_unasked(u, (uint64_t)n);
}

/* errno tells a reset from an end, which only matters to a body that ends with its connection. */
static int64_t receive(struct cit__conn *c, bool *is_reset)
{
    struct cit__thread *t = c->user->t;
    int64_t n;

    errno = 0;
    n = c->tls != NULL ? cit_tls_recv(c->tls, t->recv, sizeof t->recv) : cit_sock_recv(c->fd, t->recv, sizeof t->recv);
    *is_reset = n != CIT_ECLOSED || errno != 0;
    return n;
}

/* Reads until there is no more for now: a read that came short was the last one, but at the peer's end. */
static void drive_read(struct cit__conn *c)
{
    struct cit__thread *t = c->user->t;

    for (int i = 0; i < CIT__READS; i++) {
        bool is_reset = false;
        int64_t n = receive(c, &is_reset);
        bool is_short = n < CIT__RECV && c->tls == NULL && !c->is_ending;

        if (n == CIT_EAGAIN)
            return;
        if (n < 0) {
            on_ended(c, is_reset);
            return;
        }
        if (c->user->conn == c)
            cit__answer_take(c->user, t->recv, (size_t)n);
        else
            on_unasked(c, t->recv, n);
        if (is_short || c->state == CIT__CONN_DEAD)
            return;
    }
    c->is_again = true;
    c->next_again = t->again;
    t->again = c;
}

void cit__wire_event(struct cit__conn *c, uint32_t mask)
{
    struct cit__user *u = c->user;

    switch (c->state) {
    case CIT__CONN_DIALLING:
        on_dialled(c, mask);
        return;
    case CIT__CONN_SHAKING:
        shake(c);
        return;
    case CIT__CONN_OPEN:
        break;
    default: /* dead: an event fetched before it was closed */
        return;
    }
    c->is_ending |= (mask & CIT_EV_HUP) != 0;
    if ((mask & CIT_EV_WRITE) != 0 && u->conn == c && u->req.sent < u->req.bytes.n)
        drive_send(c);
    if ((mask & (CIT_EV_READ | CIT_EV_HUP)) != 0 && c->state == CIT__CONN_OPEN && !c->is_again)
        drive_read(c);
}

/* Those that had more than a turn's share. */
void cit__wire_again(struct cit__thread *t)
{
    struct cit__conn *c = t->again;

    t->again = NULL;
    while (c != NULL) {
        struct cit__conn *next = c->next_again;

        c->is_again = false;
        if (c->state == CIT__CONN_OPEN)
            drive_read(c);
        c = next;
    }
}
