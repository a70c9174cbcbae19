/* tests/c/kqueue_api.h - the kqueue interface as declarations, so that net/loop_kqueue.c is
 * compiled (-include this file) where there is no kqueue.  Names and types as in kqueue(2)
 * of FreeBSD and macOS; the values of the constants have no meaning here.
 */
#ifndef CIT_TESTS_KQUEUE_API_H
#define CIT_TESTS_KQUEUE_API_H

#define CIT_KQUEUE_DECLARED 1

#include <fcntl.h>
#include <stdint.h>
#include <time.h>

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    intptr_t data;
    void *udata;
};

enum { EVFILT_READ = -1, EVFILT_WRITE = -2, EVFILT_USER = -10 };

#define EV_ADD 0x0001u
#define EV_DELETE 0x0002u
#define EV_ENABLE 0x0004u
#define EV_CLEAR 0x0020u
#define EV_RECEIPT 0x0040u
#define EV_ERROR 0x4000u
#define EV_EOF 0x8000u
#define NOTE_LOWAT 0x00000001u
#define NOTE_TRIGGER 0x01000000u

#define EV_SET(event, a, b, c, d, e, f)                         \
    do {                                                        \
        struct kevent *set = (event);                           \
        *set = (struct kevent){ (a), (b), (c), (d), (e), (f) }; \
    } while (0)

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int nchanges, struct kevent *events, int nevents,
           const struct timespec *timeout);

#endif
