/* serve/super_int.h - the structs of the supervisor, for the files super*.c alone.
 *
 *      places 0 .. workers-1    each wants one worker of its generation that stays
 *        │
 *        └── kids               processes: the one that stays, those that start in its
 *             │                 place, those that still finish
 *             └── board slots   a kid's index is its slot's
 *
 * States of a kid:
 *
 *      EMPTY ──fork──> STARTING ──'R'──> READY ──told to drain or quit──> LEAVING
 *        ^                └── failed, superseded ──────────────────────────^  │
 *        └──────────────────────── reaped, from any state ────────────────────┘
 *
 *   EMPTY      no process, ctl_fd -1
 *   STARTING   a process that does not serve yet
 *   READY      serves; is_retiring: asked for a successor and serves until that is ready
 *   LEAVING    knows that it must go; killed at kill_at_ns
 */
#ifndef CIT_SERVE_SUPER_INT_H
#define CIT_SERVE_SUPER_INT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "net/loop.h"
#include "net/sock.h"
#include "serve/super.h"

#define CIT_SUPER_PLACES 1024 /* the most `workers` conf.h allows */
#define CIT_SUPER_KIDS (4 * CIT_SUPER_PLACES)
#define CIT_SUPER_LISTENERS 64
#define CIT_SUPER_NEVER INT64_MAX

enum cit_super_kid_state { CIT_KID_EMPTY, CIT_KID_STARTING, CIT_KID_READY, CIT_KID_LEAVING };

struct cit_super_kid {
    enum cit_super_kid_state state;
    pid_t pid;
    int ctl_fd; /* owned; -1 once its other end is gone */
    int place;
    uint32_t generation;
    bool is_retiring, has_failed, was_ready, was_killed, is_dead;
    int64_t born_ns, ready_ns;
    int64_t leave_ns;   /* when it was told to go */
    int64_t kill_at_ns; /* CIT_SUPER_NEVER: as long as it likes */
    int64_t suspect_ns; /* since when its loop seems to stand; 0: it does not */
    int64_t suspect_beat_ns;
};

struct cit_super_place {
    uint32_t generation; /* of the worker it wants: older than the newest after a failed reload */
    bool has_worker;     /* one that stays, starting or ready; made anew in every turn */
    bool load_failed;    /* its first worker could not load the application */
    int64_t delay_ms;    /* the last back-off; 0: the next start is at once */
    int64_t spawn_at_ns; /* not before */
};

struct cit_super_sock {
    struct cit_addr addr; /* with the port it really has */
    int bind;             /* the bind value it came from: a host name gives several */
    bool is_shared;       /* one descriptor for all places, although reuse_port is asked for */
    bool is_inherited;
    bool has_file; /* of a UNIX socket this process made */
    dev_t dev;
    ino_t ino;
};

/* fds[place * count + i] with reuse_port, else fds[i]; -1 where nothing is open. */
struct cit_super_socks {
    struct cit_super_sock one[CIT_SUPER_LISTENERS];
    int count;
    int sets; /* rows of fds: CIT_SUPER_PLACES, or 1 */
    bool reuse_port;
    int *fds; /* owned */
    struct cit_listen_opts opts;
};

struct cit_super {
    const struct cit_super_args *args; /* borrowed */
    struct cit_log *log;               /* borrowed */
    struct cit_conf conf;
    struct cit_loop *loop;
    struct cit_board *board;
    struct cit_super_kid *kids;
    struct cit_super_place *places;
    struct cit_super_socks socks;
    int kids_used; /* kids at and past this index were never used */
    int workers;
    uint32_t generation;
    int child; /* in a child: the index of its kid; -1 in the supervisor */
    int exit_status;
    bool ever_ready, is_stopping, has_signals, has_pid_file;
    int64_t now_ns; /* of this turn */
};

/* ---- super_sig.c ---- */

#define CIT_SUPER_SIG_MAP(X) X(TERM) X(INT) X(QUIT) X(HUP) X(TTIN) X(TTOU) X(USR1) X(USR2) X(CHLD)

enum cit_super_sig {
#define CIT_SUPER_SIG_ENUM(name) CIT_SUPER_SIG_##name,
    CIT_SUPER_SIG_MAP(CIT_SUPER_SIG_ENUM)
#undef CIT_SUPER_SIG_ENUM
        CIT_SUPER_SIGS
};

/* Signals from now on are counted and wake the loop; close puts back what was there.
 * One supervisor at a time in a process. */
void cit__super_sig_open(struct cit_loop *loop);
void cit__super_sig_close(void);

/* How often it came since the last call. */
unsigned cit__super_sig_take(enum cit_super_sig sig);

/* No handler may run in a child before it has reset them: fork between these two. */
void cit__super_sig_hold(sigset_t *old);
void cit__super_sig_release(const sigset_t *old);

/* In a child: defaults, INT, QUIT and PIPE ignored, nothing blocked. */
void cit__super_sig_child(void);

/* "SIGKILL"; "signal 77" for one without a known name, made in buf. */
const char *cit__super_sig_name(int sig, char buf[32]);

/* ---- super_pid.c ---- */

/* CIT_OK; CIT_EEXIST when the process it names is alive, or an error: all logged. */
CIT_MUST_CHECK int cit__super_pid_write(const char *path, struct cit_log *log);
void cit__super_pid_remove(const char *path); /* if it still names this process */

/* ---- super_sock.c ---- */

/* Opens every bind for `sets` places; logs addresses and errors.  CIT_OK or an error;
 * close is due after either. */
CIT_MUST_CHECK int cit__super_socks_open(struct cit_super *s);
CIT_MUST_CHECK int cit__super_socks_ensure(struct cit_super *s, int place);
void cit__super_socks_hush(struct cit_super *s, int place); /* -1: all */
void cit__super_socks_drop(struct cit_super *s, int place); /* reuse_port: the place's own */
int *cit__super_socks_of(struct cit_super *s, int place);
void cit__super_socks_child(struct cit_super *s, int place); /* closes those of other places */
void cit__super_socks_close(struct cit_super *s);

/* ---- super_spawn.c ---- */

/* Starts a worker in a place.  CIT_OK in the supervisor, and in the child with s->child
 * set: every caller then returns at once up to cit_super_run.  Or an error, logged. */
CIT_MUST_CHECK int cit__super_spawn(struct cit_super *s, int place);

/* The child's side: becomes the worker; its exit status. */
int cit__super_be_child(struct cit_super *s);

/* ---- super_watch.c ---- */

void cit__super_read(struct cit_super *s, int kid); /* messages of a worker */
void cit__super_tell(struct cit_super *s, int kid, char message);
void cit__super_leave(struct cit_super *s, int kid, bool at_once); /* tells it to go */
void cit__super_reap(struct cit_super *s);
void cit__super_check_times(struct cit_super *s);      /* kills what is over its time */
int64_t cit__super_next_ns(const struct cit_super *s); /* when that is due again */
void cit__super_back_off(struct cit_super *s, int place, bool soon);

#endif
