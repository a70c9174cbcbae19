/* base/clock.h - the clocks, in nanoseconds.
 *
 * Depends on: nothing.
 * Threads:    any.
 */
#ifndef CIT_BASE_CLOCK_H
#define CIT_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>

#define CIT_MS_NS 1000000LL
#define CIT_SEC_NS 1000000000LL

int64_t cit_clock_now_ns(void);  /* CLOCK_MONOTONIC */
int64_t cit_clock_wall_ns(void); /* CLOCK_REALTIME: since 1970-01-01T00:00Z */

/* CPU time used so far by the calling thread, and by another thread of this
 * process; -1 when the clock can't be read. */
int64_t cit_clock_cpu_ns(void);
int64_t cit_clock_cpu_of_ns(pthread_t thread);

#endif
