/* serve/worker.h - one worker process: a loop, the connections on it, the threads.
 *
 * See docs/internals/worker.md for the hand-over of the loop and the lanes.
 *
 * Depends on: base, net, http, serve/{app,conf,log,board}.
 * Ownership:  borrows all it is given until cit_worker_run returns.
 * Threads:    cit_worker_run is called attached on one thread, which becomes one of the
 *             team; cit_worker_ask from any thread or signal handler.
 */
#ifndef CIT_SERVE_WORKER_H
#define CIT_SERVE_WORKER_H

#include "serve/app.h"
#include "serve/board.h"
#include "serve/conf.h"
#include "serve/log.h"

/* Bytes on the control socket.  Supervisor to worker: */
enum { CIT_CTL_DRAIN = 'T', CIT_CTL_QUIT = 'Q', CIT_CTL_REOPEN = 'L' };
/* Worker to supervisor: serving; wishes to be replaced (max_requests) and goes on till then;
 * the application could not be loaded. */
enum { CIT_CTL_READY = 'R', CIT_CTL_REPLACE = 'M', CIT_CTL_FAILED = 'F' };

struct cit_worker_env {
    int index;  /* 0 .. workers - 1 */
    int ctl_fd; /* socket to the supervisor, its end of input means it died; -1: none */
    const int *listen_fds;
    int nlisten;
    struct cit_board_slot *slot;
    struct cit_log *log;
    bool multiprocess;
};

enum cit_worker_ask {
    CIT_ASK_DRAIN = 1,  /* accept what is queued, finish, leave */
    CIT_ASK_QUIT = 2,   /* leave at once */
    CIT_ASK_REOPEN = 4, /* reopen logs */
    CIT_ASK_REPLACE = 8 /* have the supervisor start a successor */
};

struct cit_worker;

CIT_MUST_CHECK int cit_worker_new(const struct cit_worker_env *env, const struct cit_conf *conf,
                                  const struct cit_app_ops *ops, void *app, struct cit_worker **out);

/* Serves until drained or told to quit.  CIT_OK, or why it could not go on. */
CIT_MUST_CHECK int cit_worker_run(struct cit_worker *w);
void cit_worker_free(struct cit_worker *w);

/* Async-signal-safe. */
void cit_worker_ask(struct cit_worker *w, enum cit_worker_ask ask);

#endif
