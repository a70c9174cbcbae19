/* serve/super_sig.c - signals of the supervisor: a handler that counts and wakes the loop.
 *
 * The handler touches lock-free atomics and cit_loop_wake only.  What the signals did
 * before is put back when the supervisor returns to its host.
 */
#include "serve/super_int.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const int numbers[CIT_SUPER_SIGS] = {
#define SIG_NUMBER(name) SIG##name,
    CIT_SUPER_SIG_MAP(SIG_NUMBER)
#undef SIG_NUMBER
};

/* A write to a worker that has just died is an error, not the end; a resized terminal is nothing. */
static const int ignored[] = { SIGPIPE, SIGWINCH };

enum { IGNORED = sizeof ignored / sizeof *ignored };

static atomic_uint counts[CIT_SUPER_SIGS];
static struct cit_loop *wake; /* borrowed; set before a handler is */
static struct sigaction old_actions[CIT_SUPER_SIGS], old_ignored[IGNORED];
static sigset_t old_mask;

static void on_signal(int sig)
{
    for (int i = 0; i < CIT_SUPER_SIGS; i++)
        if (numbers[i] == sig)
            atomic_fetch_add(&counts[i], 1);
    cit_loop_wake(wake);
}

void cit__super_sig_open(struct cit_loop *loop)
{
    struct sigaction count = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t ours;

    wake = loop;
    sigemptyset(&ours);
    sigemptyset(&count.sa_mask);
    sigemptyset(&ignore.sa_mask);
    for (int i = 0; i < CIT_SUPER_SIGS; i++) {
        atomic_store(&counts[i], 0);
        sigaction(numbers[i], &count, &old_actions[i]);
        sigaddset(&ours, numbers[i]);
    }
    for (int i = 0; i < IGNORED; i++)
        sigaction(ignored[i], &ignore, &old_ignored[i]);
    pthread_sigmask(SIG_UNBLOCK, &ours, &old_mask);
}

void cit__super_sig_close(void)
{
    pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
    for (int i = 0; i < CIT_SUPER_SIGS; i++)
        sigaction(numbers[i], &old_actions[i], NULL);
    for (int i = 0; i < IGNORED; i++)
        sigaction(ignored[i], &old_ignored[i], NULL);
    wake = NULL;
}

unsigned cit__super_sig_take(enum cit_super_sig sig)
{
    return atomic_exchange(&counts[sig], 0);
}

void cit__super_sig_hold(sigset_t *old)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, old);
}

void cit__super_sig_release(const sigset_t *old)
{
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* A terminal's INT and QUIT reach every process of the group: the supervisor alone
 * answers them.  PIPE stays ignored for sendfile(2), which can't be told otherwise. */
void cit__super_sig_child(void)
{
    struct sigaction act = { .sa_handler = SIG_DFL };
    sigset_t none;

    sigemptyset(&act.sa_mask);
    sigemptyset(&none);
    for (int i = 0; i < CIT_SUPER_SIGS; i++)
        sigaction(numbers[i], &act, NULL);
    sigaction(SIGWINCH, &act, NULL);
    act.sa_handler = SIG_IGN;
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGQUIT, &act, NULL);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* strsignal(3) gives descriptions in the user's language; sigabbrev_np(3) is glibc's alone. */
static const struct {
    int number;
    const char *name;
} names[] = {
#define SIG_NAME(name) { SIG##name, "SIG" #name },
    CIT_SUPER_SIG_MAP(SIG_NAME) SIG_NAME(KILL) SIG_NAME(SEGV) SIG_NAME(ABRT) SIG_NAME(BUS) SIG_NAME(ILL) SIG_NAME(FPE)
        SIG_NAME(PIPE) SIG_NAME(ALRM) SIG_NAME(SYS) SIG_NAME(TRAP) SIG_NAME(XCPU) SIG_NAME(XFSZ) SIG_NAME(VTALRM)
            SIG_NAME(PROF)
#undef SIG_NAME
};

const char *cit__super_sig_name(int sig, char buf[32])
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == sig)
            return names[i].name;
    snprintf(buf, 32, "signal %d", sig);
    return buf;
}
