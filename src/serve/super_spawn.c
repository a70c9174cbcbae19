/* serve/super_spawn.c - starting a worker: the fork, and the child's way from there.
 *
 *      supervisor                      child
 *      socketpair, hold signals
 *      fork ─────────────────────────> s->child = its kid; back up to cit_super_run
 *      close the child's end           close the rest, reset signals
 *      watch its own end               ops->child
 *
 * The supervisor's end of a control socket is in the supervisor alone: it is close-on-exec,
 * and each child closes those it was born with.  So its end of input means that the
 * supervisor is gone, and workers leave.
 */
#include "serve/super_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static int free_kid(const struct cit_super *s)
{
    for (int i = 0; i < CIT_SUPER_KIDS; i++)
        if (s->kids[i].state == CIT_KID_EMPTY)
            return i;
    return -1;
}

static int open_control(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == -1)
        return cit_err_from_errno(errno);
    for (int i = 0; i < 2; i++)
        if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) == -1 || fcntl(ends[i], F_SETFL, O_NONBLOCK) == -1)
            return CIT_EIO;
    return CIT_OK;
}

static void reset_slot(struct cit_board_slot *slot)
{
    memset(slot, 0, sizeof *slot); /* nobody else has it now */
    atomic_store(&slot->state, CIT_BOARD_STARTING);
}

static void note(struct cit_super *s, int kid, pid_t pid, int ctl_fd, int place)
{
    if (kid >= s->kids_used)
        s->kids_used = kid + 1;
    s->kids[kid] = (struct cit_super_kid){
        .state = CIT_KID_STARTING,
        .pid = pid,
        .ctl_fd = ctl_fd,
        .place = place,
        .generation = s->places[place].generation,
        .born_ns = s->now_ns,
        .kill_at_ns = CIT_SUPER_NEVER,
    };
}

/* The child's copy of the memory becomes the worker's: ends[1] is kept as ctl_fd. */
static int born(struct cit_super *s, int kid, int place, const int ends[2])
{
    close(ends[0]);
    note(s, kid, getpid(), ends[1], place);
    s->child = kid;
    return CIT_OK;
}

static int adopt(struct cit_super *s, int kid, pid_t pid, int place, const int ends[2])
{
    close(ends[1]);
    note(s, kid, pid, ends[0], place);
    atomic_store(&s->board->slot[kid].pid, (int32_t)pid);
    cit_log_printf(s->log, CIT_LOG_INFO, "worker %ld starts", (long)pid);
    if (cit_loop_add(s->loop, ends[0], CIT_EV_READ | CIT_EV_LEVEL, (uint64_t)kid) != CIT_OK) {
        cit_log_printf(s->log, CIT_LOG_ERROR, "worker %ld can't be watched and is stopped", (long)pid);
        cit__super_leave(s, kid, true);
    }
    return CIT_OK;
}

static int fork_worker(struct cit_super *s, int kid, int place, const int ends[2])
{
    sigset_t mask;
    pid_t pid;

    cit__super_sig_hold(&mask); /* the child releases them after it has reset the handlers */
    pid = s->args->ops->fork(s->args->ctx);
    if (pid == 0)
        return born(s, kid, place, ends);
    cit__super_sig_release(&mask);
    return pid == -1 ? CIT_ENOMEM : adopt(s, kid, pid, place, ends);
}

int cit__super_spawn(struct cit_super *s, int place)
{
    int ends[2] = { -1, -1 };
    int kid = free_kid(s);
    int err = kid == -1 ? CIT_ELIMIT : cit__super_socks_ensure(s, place);

    if (err == CIT_OK)
        err = open_control(ends);
    if (err == CIT_OK) {
        reset_slot(&s->board->slot[kid]);
        err = fork_worker(s, kid, place, ends);
    }
    if (err == CIT_OK)
        return CIT_OK;
    for (int i = 0; i < 2; i++)
        if (ends[i] != -1)
            close(ends[i]);
    cit_log_printf(s->log, CIT_LOG_ERROR, "can't start a worker: %s", cit_err_text(err));
    return err;
}

/* ---- the child ---- */

static void close_others(struct cit_super *s)
{
    for (int i = 0; i < s->kids_used; i++)
        if (i != s->child && s->kids[i].state != CIT_KID_EMPTY && s->kids[i].ctl_fd != -1)
            close(s->kids[i].ctl_fd);
    cit__super_socks_child(s, s->kids[s->child].place);
    cit_loop_free(s->loop);
    s->loop = NULL;
}

int cit__super_be_child(struct cit_super *s)
{
    const struct cit_super_kid *me = &s->kids[s->child];
    const struct cit_worker_env env = {
        .index = me->place,
        .ctl_fd = me->ctl_fd,
        .listen_fds = cit__super_socks_of(s, me->place),
        .nlisten = s->socks.count,
        .slot = &s->board->slot[s->child],
        .log = s->log,
        .multiprocess = s->workers > 1,
    };

    close_others(s);
    atomic_store(&env.slot->pid, (int32_t)getpid());
    cit_log_after_fork(s->log);
    cit__super_sig_child();
    return s->args->ops->child(s->args->ctx, &env, &s->conf);
}
