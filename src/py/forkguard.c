/* py/forkguard.c - catches the child of an application that forked and came back.
 *
 * os.fork() inside a request makes a second process with the worker's sockets.  A child
 * that ends or calls exec is none of our business; one that returns from the request
 * would answer it a second time and serve on.  fork(2) runs a handler in every child,
 * which sets one word of the process; wherever the application gives control back, that
 * word is looked at.  It is static because a handler of pthread_atfork has no argument. */
#include "py/state.h"

#include <pthread.h>
#include <unistd.h>

enum { EXIT_STRAY = 70 }; /* EX_SOFTWARE of sysexits.h */

volatile sig_atomic_t cit_py_is_stray;

static void in_child(void)
{
    cit_py_is_stray = 1;
}

/* The module may be loaded again in this process; handlers can't be taken back, so once is enough. */
int cit_py_fork_guard_init(void)
{
    static bool done;

    if (!done && pthread_atfork(NULL, NULL, in_child) != 0)
        return -1;
    done = true;
    return 0;
}

void cit_py_fork_guard_reset(void)
{
    cit_py_is_stray = 0;
}

void cit_py_fork_guard_bite(struct cit_py_server *s)
{
    cit_log_after_fork(s->log); /* the writer thread stayed in the parent: lines are written at once */
    cit_log_printf(s->log, CIT_LOG_ERROR,
                   "the application forked and the child came back from the request: child ended");
    _exit(EXIT_STRAY);
}
