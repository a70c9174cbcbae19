/* serve/super.h - the supervisor: forks workers, watches, replaces, reloads them.
 *
 *      listen ─> fork workers ─> poll {signals, control sockets} ─> reap, replace, reload
 *
 * It never touches a request.  Listening sockets belong to it, so that no worker's end
 * refuses a connection.  See docs/internals/supervisor.md.
 *
 * Signals: TERM graceful; INT, QUIT at once; HUP new workers first, then the old drain;
 * TTIN, TTOU one worker more or less; USR1 reopen logs; CHLD; WINCH ignored.
 *
 * Depends on: base, net, serve/{conf,log,board,worker}.
 * Threads:    one; it owns the process's signals while it runs.
 */
#ifndef CIT_SERVE_SUPER_H
#define CIT_SERVE_SUPER_H

#include <sys/types.h>

#include "serve/board.h"
#include "serve/conf.h"
#include "serve/log.h"
#include "serve/worker.h"

struct cit_super_ops {
    /* fork(2) with whatever the host needs around it: 0 in the child, a pid, or -1. */
    pid_t (*fork)(void *ctx);

    /* In the child: becomes the worker; what it returns is the process's exit status.
     * Signals are at their defaults and unblocked, but INT, QUIT and PIPE are ignored; privileges
     * are not yet dropped. */
    int (*child)(void *ctx, const struct cit_worker_env *env, const struct cit_conf *conf);

    /* HUP: new settings into *conf, strings owned by ctx.  CIT_OK, or an error already logged:
     * the reload is then given up and the old workers go on.  May be NULL. */
    int (*reload)(void *ctx, struct cit_conf *conf);
};

/* A worker that can't serve leaves with one of these. */
enum { CIT_EXIT_OK = 0, CIT_EXIT_APP = 4 /* the application could not be loaded */ };

struct cit_super_args {
    const struct cit_conf *conf;
    const char *const *binds;
    int nbinds;
    const struct cit_super_ops *ops;
    void *ctx;
    struct cit_log *log;
};

/* Runs until told to stop.  Returns the exit status for the process: 0 stopped; 1 the
 * sockets, pid file or first workers could not be set up (logged); 4 no worker could
 * load the application at the start.  In a child, returns what ops->child returned, with
 * *is_child set: the caller then leaves the process with it. */
int cit_super_run(const struct cit_super_args *args, bool *is_child);

#endif
