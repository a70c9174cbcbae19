/* base/clock.c - the clocks, in nanoseconds. */
#include "base/clock.h"

#include <time.h>
#include <unistd.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;

    if (clock_gettime(id, &ts) == -1)
        return -1;
    return (int64_t)ts.tv_sec * CIT_SEC_NS + (int64_t)ts.tv_nsec;
}

int64_t cit_clock_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t cit_clock_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

int64_t cit_clock_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t cit_clock_cpu_of_ns(pthread_t thread)
{
#if defined(_POSIX_THREAD_CPUTIME) && _POSIX_THREAD_CPUTIME >= 0
    clockid_t id;

    return pthread_getcpuclockid(thread, &id) == 0 ? read_ns(id) : -1;
#else
    (void)thread; /* macOS has no such clock */
    return -1;
#endif
}
