/* serve/super_watch.c - watching workers: their messages, their ends, their time.
 *
 * Whoever ends without having been told to is named in the log with the reason and with
 * the requests that were with the application, read from its board slot.
 */
#include "serve/super_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    DELAY_FIRST_MS = 100, /* back-off: doubled for each worker that ends young, up to the last */
    DELAY_LAST_MS = 5000,
    QUIT_MS = 2000, /* from CIT_CTL_QUIT to SIGKILL */
    GRACE_MS = 500, /* a worker ends its own drain in time: kill only one that can't */
    STUCK_LEAST_MS = 30000,
    SECOND_LOOK_MS = 2000 /* a machine that was asleep, or we were: look twice */
};

static const int64_t YOUNG_NS = CIT_SEC_NS;      /* ended so soon after it was ready: back off */
static const int64_t GROWN_NS = 10 * CIT_SEC_NS; /* lived so long: forget the back-off */

static double seconds(int64_t ns)
{
    return (double)ns / (double)CIT_SEC_NS;
}

static bool serves(const struct cit_super_kid *k)
{
    return k->state == CIT_KID_STARTING || k->state == CIT_KID_READY;
}

/* ---- messages ---- */

void cit__super_tell(struct cit_super *s, int kid, char message)
{
    int fd = s->kids[kid].ctl_fd;

    /* A worker that reads nothing any more is killed in its time; one byte always fits. */
    if (fd != -1)
        (void)!send(fd, &message, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The others of its place have been waiting for it. */
static void relieve(struct cit_super *s, int kid)
{
    const struct cit_super_kid *k = &s->kids[kid];

    for (int i = 0; i < s->kids_used; i++) {
        const struct cit_super_kid *old = &s->kids[i];

        if (i != kid && serves(old) && old->place == k->place && (old->is_retiring || old->generation < k->generation))
            cit__super_leave(s, i, false);
    }
}

static void on_ready(struct cit_super *s, int kid)
{
    struct cit_super_kid *k = &s->kids[kid];

    if (k->state != CIT_KID_STARTING)
        return;
    k->state = CIT_KID_READY;
    k->was_ready = true;
    k->ready_ns = s->now_ns;
    s->ever_ready = true;
    if (k->is_dead) /* it said so and died: the others have to stay */
        return;
    cit_log_printf(s->log, CIT_LOG_DEBUG, "worker %ld is ready after %.2f s", (long)k->pid,
                   seconds(k->ready_ns - k->born_ns));
    relieve(s, kid);
}

static void on_message(struct cit_super *s, int kid, char message)
{
    struct cit_super_kid *k = &s->kids[kid];

    switch (message) {
    case CIT_CTL_READY:
        on_ready(s, kid);
        break;
    case CIT_CTL_REPLACE:
        if (k->state == CIT_KID_READY && !k->is_retiring) {
            k->is_retiring = true;
            cit_log_printf(s->log, CIT_LOG_INFO, "worker %ld has had its requests and gets a successor", (long)k->pid);
        }
        break;
    case CIT_CTL_FAILED:
        k->has_failed = true;
        k->kill_at_ns = s->now_ns + QUIT_MS * CIT_MS_NS; /* it leaves by itself, or so */
        break;
    default: /* of a newer worker: nothing this one knows */
        break;
    }
}

static void lose_control(struct cit_super *s, int kid)
{
    struct cit_super_kid *k = &s->kids[kid];
    int64_t ms = s->conf.graceful_timeout_ms > 0 ? s->conf.graceful_timeout_ms : STUCK_LEAST_MS;

    close(k->ctl_fd); /* which takes it out of the loop */
    k->ctl_fd = -1;
    if (k->kill_at_ns > s->now_ns + ms * CIT_MS_NS)
        k->kill_at_ns = s->now_ns + ms * CIT_MS_NS;
}

void cit__super_read(struct cit_super *s, int kid)
{
    char bytes[64];
    ssize_t n;

    while (s->kids[kid].ctl_fd != -1) {
        n = recv(s->kids[kid].ctl_fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        for (ssize_t i = 0; i < n; i++)
            on_message(s, kid, bytes[i]);
        if (n <= 0)
            lose_control(s, kid);
    }
}

/* ---- telling one to go ---- */

static int64_t leave_limit_ns(const struct cit_super *s, bool at_once)
{
    if (at_once)
        return QUIT_MS * CIT_MS_NS;
    return s->conf.graceful_timeout_ms > 0 ? (s->conf.graceful_timeout_ms + GRACE_MS) * CIT_MS_NS : CIT_SUPER_NEVER;
}

/* One that still starts reads no messages, and has no request: it goes by a signal. */
void cit__super_leave(struct cit_super *s, int kid, bool at_once)
{
    struct cit_super_kid *k = &s->kids[kid];
    int64_t limit;

    cit__super_read(s, kid); /* it may have become ready just now */
    if (k->state == CIT_KID_STARTING)
        at_once = true;
    if (k->state == CIT_KID_STARTING || k->ctl_fd == -1)
        kill(k->pid, SIGTERM);
    if (k->state != CIT_KID_LEAVING)
        k->leave_ns = s->now_ns;
    k->state = CIT_KID_LEAVING;
    cit__super_tell(s, kid, at_once ? CIT_CTL_QUIT : CIT_CTL_DRAIN);
    limit = leave_limit_ns(s, at_once);
    if (limit != CIT_SUPER_NEVER && k->kill_at_ns > s->now_ns + limit)
        k->kill_at_ns = s->now_ns + limit;
}

/* ---- what it was doing ---- */

/* "; " between texts; bytes a terminal might obey become '?'. */
static size_t add_text(char *out, size_t n, size_t cap, const struct cit_board_now *now)
{
    uint32_t len = now->text_n < CIT_BOARD_TEXT ? now->text_n : CIT_BOARD_TEXT;

    if (n > 0 && n + 2 < cap) {
        out[n++] = ';';
        out[n++] = ' ';
    }
    for (uint32_t i = 0; i < len && n + 1 < cap; i++) {
        char c = now->text[i];

        out[n++] = c >= 0x20 && c < 0x7f ? c : '?';
    }
    out[n] = '\0';
    return n;
}

/* " while it ran: GET /a; POST /b", or "" when no request was with the application. */
static const char *doing(const struct cit_super *s, int kid, char out[1024])
{
    static const char intro[] = " while it ran: ";
    const struct cit_board_slot *slot = &s->board->slot[kid];
    size_t n = 0, at = sizeof intro - 1;

    out[0] = '\0';
    for (int i = 0; i < CIT_BOARD_NOW; i++)
        if (atomic_load(&slot->now[i].busy) != 0)
            n = add_text(out + at, n, 1024 - at, &slot->now[i]);
    if (n > 0)
        memcpy(out, intro, at);
    return out;
}

/* ---- its end ---- */

void cit__super_back_off(struct cit_super *s, int place, bool soon)
{
    struct cit_super_place *p = &s->places[place];

    if (soon)
        p->delay_ms = p->delay_ms == 0 ? DELAY_FIRST_MS : p->delay_ms * 2;
    if (p->delay_ms > DELAY_LAST_MS)
        p->delay_ms = DELAY_LAST_MS;
    p->spawn_at_ns = s->now_ns + p->delay_ms * CIT_MS_NS;
}

static void note_age(struct cit_super *s, const struct cit_super_kid *k)
{
    int64_t served_ns = k->was_ready ? s->now_ns - k->ready_ns : 0;

    if (served_ns >= GROWN_NS)
        s->places[k->place].delay_ms = 0;
    cit__super_back_off(s, k->place, served_ns < YOUNG_NS);
}

/* The worker a failed successor would have relieved; -1: none. */
static int predecessor(const struct cit_super *s, const struct cit_super_kid *k)
{
    for (int i = 0; i < s->kids_used; i++)
        if (s->kids[i].state == CIT_KID_READY && s->kids[i].place == k->place && s->kids[i].generation < k->generation)
            return i;
    return -1;
}

static void on_load_failure(struct cit_super *s, const struct cit_super_kid *k)
{
    struct cit_super_place *p = &s->places[k->place];
    int old = predecessor(s, k);

    if (old != -1) {
        p->generation = s->kids[old].generation;
        cit_log_printf(s->log, CIT_LOG_ERROR,
                       "reload failed: worker %ld could not load the application; worker %ld goes on", (long)k->pid,
                       (long)s->kids[old].pid);
        return;
    }
    p->load_failed = true;
    cit_log_printf(s->log, CIT_LOG_ERROR, "worker %ld could not load the application", (long)k->pid);
}

static void say_killed(struct cit_super *s, int kid, int status)
{
    const struct cit_super_kid *k = &s->kids[kid];
    int sig = WTERMSIG(status);
    char name[32], what[1024];

    cit_log_printf(s->log, CIT_LOG_ERROR, "worker %ld was killed by %s%s after %.1f s%s", (long)k->pid,
                   cit__super_sig_name(sig, name), WCOREDUMP(status) ? " (core dumped)" : "",
                   seconds(s->now_ns - k->born_ns), doing(s, kid, what));
}

static void say_exited(struct cit_super *s, int kid, int status)
{
    const struct cit_super_kid *k = &s->kids[kid];
    char what[1024];

    doing(s, kid, what);
    cit_log_printf(s->log, CIT_LOG_ERROR, "worker %ld left with status %d after %.1f s%s%s", (long)k->pid,
                   WEXITSTATUS(status), seconds(s->now_ns - k->born_ns),
                   what[0] != '\0' ? " (did the application call os._exit?)" : "", what);
}

/* Told to go, and gone: worth more than a line of debug only if it went badly. */
static void say_left(struct cit_super *s, int kid, int status)
{
    const struct cit_super_kid *k = &s->kids[kid];
    bool by_us = k->was_killed || !k->was_ready;

    if (WIFSIGNALED(status) && !by_us)
        say_killed(s, kid, status);
    else if (WIFEXITED(status) && WEXITSTATUS(status) != 0 && k->was_ready)
        say_exited(s, kid, status);
    else
        cit_log_printf(s->log, CIT_LOG_INFO, "worker %ld has left", (long)k->pid);
}

static void judge(struct cit_super *s, int kid, int status)
{
    const struct cit_super_kid *k = &s->kids[kid];
    bool failed = !k->was_ready && (k->has_failed || (WIFEXITED(status) && WEXITSTATUS(status) == CIT_EXIT_APP));

    if (k->state == CIT_KID_LEAVING) {
        say_left(s, kid, status);
        return;
    }
    if (failed)
        on_load_failure(s, k);
    else if (k->was_killed)
        say_left(s, kid, status);
    else if (WIFSIGNALED(status))
        say_killed(s, kid, status);
    else
        say_exited(s, kid, status);
    note_age(s, k);
}

static void bury(struct cit_super *s, int kid, int status)
{
    struct cit_super_kid *k = &s->kids[kid];

    k->is_dead = true;
    cit__super_read(s, kid); /* its last words */
    judge(s, kid, status);
    if (k->ctl_fd != -1)
        close(k->ctl_fd);
    atomic_store(&s->board->slot[kid].state, CIT_BOARD_GONE);
    *k = (struct cit_super_kid){ .ctl_fd = -1, .kill_at_ns = CIT_SUPER_NEVER };
}

static int kid_of(const struct cit_super *s, pid_t pid)
{
    for (int i = 0; i < s->kids_used; i++)
        if (s->kids[i].state != CIT_KID_EMPTY && s->kids[i].pid == pid)
            return i;
    return -1;
}

/* Process 1 inherits every orphan of its container and has to wait for them too. */
static void reap_all(struct cit_super *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        int kid = kid_of(s, pid);

        if (kid != -1)
            bury(s, kid, status);
    }
}

/* By pid: other children are their makers' to wait for. */
void cit__super_reap(struct cit_super *s)
{
    int status;

    if (getpid() == 1) {
        reap_all(s);
        return;
    }
    for (int i = 0; i < s->kids_used; i++)
        if (s->kids[i].state != CIT_KID_EMPTY && waitpid(s->kids[i].pid, &status, WNOHANG) == s->kids[i].pid)
            bury(s, i, status);
}

/* ---- its time ---- */

static void kill_now(struct cit_super_kid *k)
{
    k->was_killed = true;
    k->kill_at_ns = CIT_SUPER_NEVER;
    kill(k->pid, SIGKILL);
}

static void kill_late(struct cit_super *s, int kid)
{
    struct cit_super_kid *k = &s->kids[kid];
    const char *why = "has closed its control socket";
    char what[1024], late[64];

    if (k->state == CIT_KID_LEAVING) {
        snprintf(late, sizeof late, "did not leave in %.1f s", seconds(s->now_ns - k->leave_ns));
        why = late;
    } else if (k->has_failed) {
        why = "could not load the application, did not leave";
    }
    cit_log_printf(s->log, CIT_LOG_WARNING, "worker %ld %s and is killed%s", (long)k->pid, why, doing(s, kid, what));
    kill_now(k);
}

/* When the worker's loop last turned, as far as it matters; CIT_SUPER_NEVER: not watched. */
static int64_t beat_of(const struct cit_super *s, int kid)
{
    const struct cit_super_kid *k = &s->kids[kid];
    int64_t beat = atomic_load_explicit(&s->board->slot[kid].beat_ns, memory_order_relaxed);

    if (s->conf.timeout_ms == 0 || k->state != CIT_KID_READY || beat == 0 || k->was_killed)
        return CIT_SUPER_NEVER;
    return beat > k->ready_ns ? beat : k->ready_ns;
}

static int64_t stuck_ns(const struct cit_super *s)
{
    int64_t ms = s->conf.timeout_ms * 2;

    return (ms > STUCK_LEAST_MS ? ms : STUCK_LEAST_MS) * CIT_MS_NS;
}

static void check_beat(struct cit_super *s, int kid)
{
    struct cit_super_kid *k = &s->kids[kid];
    int64_t beat = beat_of(s, kid);
    char what[1024];

    if (beat == CIT_SUPER_NEVER || s->now_ns - beat <= stuck_ns(s)) {
        k->suspect_ns = 0;
    } else if (k->suspect_ns == 0 || k->suspect_beat_ns != beat) {
        k->suspect_ns = s->now_ns;
        k->suspect_beat_ns = beat;
    } else if (s->now_ns - k->suspect_ns >= SECOND_LOOK_MS * CIT_MS_NS) {
        cit_log_printf(s->log, CIT_LOG_ERROR, "worker %ld is stuck (no turn of its loop for %.0f s) and is killed%s",
                       (long)k->pid, seconds(s->now_ns - beat), doing(s, kid, what));
        kill_now(k);
    }
}

void cit__super_check_times(struct cit_super *s)
{
    for (int i = 0; i < s->kids_used; i++) {
        if (s->kids[i].state == CIT_KID_EMPTY)
            continue;
        if (s->now_ns >= s->kids[i].kill_at_ns)
            kill_late(s, i);
        check_beat(s, i);
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t cit__super_next_ns(const struct cit_super *s)
{
    int64_t next = CIT_SUPER_NEVER;

    for (int i = 0; i < s->kids_used; i++) {
        const struct cit_super_kid *k = &s->kids[i];
        int64_t beat = k->state == CIT_KID_EMPTY ? CIT_SUPER_NEVER : beat_of(s, i);

        if (k->state != CIT_KID_EMPTY)
            next = least(next, k->kill_at_ns);
        if (beat != CIT_SUPER_NEVER && k->suspect_ns != 0)
            next = least(next, k->suspect_ns + SECOND_LOOK_MS * CIT_MS_NS);
        else if (beat != CIT_SUPER_NEVER)
            next = least(next, beat + stuck_ns(s) + CIT_MS_NS);
    }
    for (int i = 0; i < s->workers && !s->is_stopping; i++)
        if (!s->places[i].has_worker && (s->ever_ready || !s->places[i].load_failed))
            next = least(next, s->places[i].spawn_at_ns);
    return next;
}
