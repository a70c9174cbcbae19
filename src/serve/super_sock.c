/* serve/super_sock.c - the listening sockets, which belong to the supervisor.
 *
 * It opens them before the first worker and closes them after the last, so no queue of
 * connections is lost with a worker.  With reuse_port every place has sockets of its own
 * (the kernel spreads connections over them); UNIX and inherited sockets are shared.
 */
#include "serve/super_int.h"

#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { OPEN_TRIES = 5 };

static int *at(struct cit_super_socks *k, int set, int i)
{
    return &k->fds[set * k->count + i];
}

static bool is_shared(const struct cit_super_socks *k, int i)
{
    return !k->reuse_port || k->one[i].is_shared;
}

static int set_of(const struct cit_super_socks *k, int place)
{
    return k->reuse_port ? place : 0;
}

/* ---- from binds to addresses ---- */

static void add(struct cit_super_socks *k, const struct cit_addr *a, int bind)
{
    struct cit_super_sock *one = &k->one[k->count++];

    *one = (struct cit_super_sock){ .addr = *a, .bind = bind };
    one->is_inherited = a->kind == CIT_ADDR_FD;
    one->is_shared = a->kind != CIT_ADDR_INET && a->kind != CIT_ADDR_INET6;
}

static int add_systemd(struct cit_super *s, int first_fd, int n)
{
    if (n > CIT_SUPER_LISTENERS) {
        cit_log_printf(s->log, CIT_LOG_ERROR, "%d sockets were handed over, at most %d are possible", n,
                       CIT_SUPER_LISTENERS);
        return CIT_ELIMIT;
    }
    for (int i = 0; i < n; i++)
        add(&s->socks, &(struct cit_addr){ .kind = CIT_ADDR_FD, .fd = first_fd + i }, i);
    return CIT_OK;
}

static int add_bind(struct cit_super *s, int bind)
{
    const char *text = s->args->binds[bind];
    struct cit_addr addrs[CIT_SUPER_LISTENERS];
    const char *why = "";
    int n = cit_addr_parse(text, addrs, CIT_SUPER_LISTENERS - s->socks.count, &why);

    if (n > 0 && addrs[0].kind == CIT_ADDR_FD && addrs[0].fd == -1) {
        why = "systemd handed no sockets over (LISTEN_FDS, LISTEN_PID)";
        n = CIT_ENOENT;
    }
    if (n < 0) {
        cit_log_printf(s->log, CIT_LOG_ERROR, "can't listen on %s: %s", text, why);
        return n;
    }
    for (int i = 0; i < n; i++)
        add(&s->socks, &addrs[i], bind);
    return CIT_OK;
}

/* ---- from addresses to sockets ---- */

static void note_file(struct cit_super_sock *one)
{
    struct stat st;

    if (one->addr.kind == CIT_ADDR_UNIX && lstat(((const struct sockaddr_un *)&one->addr.sa)->sun_path, &st) == 0) {
        one->has_file = true;
        one->dev = st.st_dev;
        one->ino = st.st_ino;
    }
}

static int open_one(struct cit_super_socks *k, int set, int i)
{
    struct cit_super_sock *one = &k->one[i];
    int fd = cit_listen_open(&one->addr, &k->opts);

    if (fd < 0)
        return fd;
    *at(k, set, i) = fd;
    if (set == 0) {
        one->addr.len = sizeof one->addr.sa;
        if (getsockname(fd, (struct sockaddr *)&one->addr.sa, &one->addr.len) == -1)
            return CIT_EIO;
        note_file(one);
    }
    return CIT_OK;
}

/* A host name may have addresses this machine lacks (no IPv6, say): one that can be had
 * is enough. */
static bool is_spare(const struct cit_super_socks *k, int i, int err)
{
    if (err != CIT_EADDRNOTAVAIL && err != CIT_EINVAL)
        return false;
    for (int j = 0; j < k->count; j++)
        if (j != i && k->one[j].bind == k->one[i].bind)
            return true;
    return false;
}

static void forget(struct cit_super_socks *k, int i)
{
    memmove(&k->one[i], &k->one[i + 1], (size_t)(k->count - i - 1) * sizeof k->one[0]);
    k->count--;
}

static void say(struct cit_super *s, int i, int err)
{
    const struct cit_addr *a = &s->socks.one[i].addr;
    const char *scheme = s->socks.one[i].addr.sa.ss_family == AF_UNIX ? "" : "http://";
    char text[CIT_ADDR_TEXT_MAX];

    cit_addr_text((const struct sockaddr *)&a->sa, a->len, text);
    if (err == CIT_OK)
        cit_log_printf(s->log, CIT_LOG_INFO, "Listening at: %s%s (%ld)", scheme, text, (long)getpid());
    else if (a->kind == CIT_ADDR_FD)
        cit_log_printf(s->log, CIT_LOG_ERROR, "can't listen on fd://%d: it is no listening stream socket", a->fd);
    else
        cit_log_printf(s->log, CIT_LOG_ERROR, "can't listen on %s: %s", text, cit_err_text(err));
}

/* The server that still has the address may be about to leave.  A signal ends the waiting, the first turn obeys it. */
static int open_patiently(struct cit_super *s, int i)
{
    int err = open_one(&s->socks, 0, i);

    for (int tries = 0; err == CIT_EADDRINUSE && tries < OPEN_TRIES; tries++) {
        struct cit_event ev;

        say(s, i, err);
        cit_log_printf(s->log, CIT_LOG_WARNING, "trying again in 1 second");
        if (cit_loop_wait(s->loop, &ev, 1, CIT_SEC_NS) != 0)
            break;
        err = open_one(&s->socks, 0, i);
    }
    return err;
}

static int open_first_set(struct cit_super *s)
{
    struct cit_super_socks *k = &s->socks;

    for (int i = 0; i < k->count;) {
        int err = open_patiently(s, i);

        if (err == CIT_OK) {
            say(s, i++, CIT_OK);
        } else if (is_spare(k, i, err)) {
            forget(k, i);
        } else {
            say(s, i, err);
            return err;
        }
    }
    return k->count > 0 ? CIT_OK : CIT_EINVAL;
}

static int make_table(struct cit_super *s)
{
    struct cit_super_socks *k = &s->socks;
    size_t cells;

    k->reuse_port = s->conf.reuse_port != 0;
    k->sets = k->reuse_port ? CIT_SUPER_PLACES : 1;
    cells = (size_t)k->sets * (size_t)k->count;
    k->fds = cit_calloc(cells, sizeof *k->fds);
    if (k->fds == NULL)
        return CIT_ENOMEM;
    for (size_t i = 0; i < cells; i++)
        k->fds[i] = -1;
    return CIT_OK;
}

static struct cit_listen_opts options(const struct cit_conf *conf)
{
    struct cit_listen_opts o = { .backlog = (int)conf->backlog, .reuse_port = conf->reuse_port != 0 };

    o.unix_mode = conf->umask == -1 ? -1 : (int)(0777 & ~conf->umask);
    o.uid = conf->uid;
    o.gid = conf->gid;
    return o;
}

int cit__super_socks_open(struct cit_super *s)
{
    int first_fd = -1, err = CIT_OK, n = cit_listen_systemd(&first_fd);

    s->socks.opts = options(&s->conf);
    if (n > 0)
        err = add_systemd(s, first_fd, n);
    for (int i = 0; n == 0 && err == CIT_OK && i < s->args->nbinds; i++)
        err = add_bind(s, i);
    if (err == CIT_OK && s->socks.count == 0) {
        cit_log_printf(s->log, CIT_LOG_ERROR, "there is no address to listen on");
        err = CIT_EINVAL;
    }
    if (err == CIT_OK)
        err = make_table(s);
    if (err == CIT_OK)
        err = open_first_set(s);
    for (int place = 1; err == CIT_OK && place < s->workers; place++)
        err = cit__super_socks_ensure(s, place);
    return err;
}

/* ---- places ---- */

int cit__super_socks_ensure(struct cit_super *s, int place)
{
    struct cit_super_socks *k = &s->socks;
    int set = set_of(k, place);

    for (int i = 0; i < k->count; i++) {
        int err = CIT_OK;

        if (*at(k, set, i) != -1)
            continue;
        if (is_shared(k, i))
            *at(k, set, i) = *at(k, 0, i);
        else
            err = open_one(k, set, i);
        if (err != CIT_OK) {
            say(s, i, err);
            return err;
        }
    }
    return CIT_OK;
}

int *cit__super_socks_of(struct cit_super *s, int place)
{
    return at(&s->socks, set_of(&s->socks, place), 0);
}

/* Inherited sockets are not ours to close to others: whoever made them goes on with them. */
static void hush_set(struct cit_super_socks *k, int set, bool shared_too)
{
    for (int i = 0; i < k->count; i++) {
        int fd = *at(k, set, i);

        if (fd != -1 && !k->one[i].is_inherited && (shared_too || !is_shared(k, i)))
            (void)cit_listen_hush(fd); /* CIT_EINVAL for UNIX sockets and other systems */
    }
}

void cit__super_socks_hush(struct cit_super *s, int place)
{
    struct cit_super_socks *k = &s->socks;

    if (place != -1) {
        hush_set(k, set_of(k, place), false);
        return;
    }
    for (int set = 0; set < k->sets; set++)
        hush_set(k, set, true);
}

static void close_own(struct cit_super_socks *k, int set)
{
    for (int i = 0; i < k->count; i++) {
        int *fd = at(k, set, i);

        if (*fd != -1 && !is_shared(k, i))
            close(*fd);
        *fd = -1;
    }
}

void cit__super_socks_drop(struct cit_super *s, int place)
{
    if (s->socks.reuse_port && place > 0)
        close_own(&s->socks, place);
}

void cit__super_socks_child(struct cit_super *s, int place)
{
    struct cit_super_socks *k = &s->socks;
    int mine = set_of(k, place);

    /* Set 0 holds the shared ones, which stay open: only its own are closed. */
    for (int set = 0; set < k->sets; set++)
        if (set != mine)
            close_own(k, set);
}

static void unlink_file(const struct cit_super_sock *one)
{
    const char *path = ((const struct sockaddr_un *)&one->addr.sa)->sun_path;
    struct stat st;

    if (one->has_file && lstat(path, &st) == 0 && st.st_dev == one->dev && st.st_ino == one->ino)
        unlink(path);
}

void cit__super_socks_close(struct cit_super *s)
{
    struct cit_super_socks *k = &s->socks;

    if (k->fds == NULL)
        return;
    for (int set = k->sets; set-- > 1;)
        close_own(k, set);
    for (int i = 0; i < k->count; i++) {
        unlink_file(&k->one[i]);
        if (*at(k, 0, i) != -1)
            close(*at(k, 0, i));
    }
    cit_free(k->fds);
    k->fds = NULL;
}
