/* base/thread.h - what the kernel says of a thread of this process.
 *
 * Depends on: nothing.
 * Threads:    any.
 */
#ifndef CIT_BASE_THREAD_H
#define CIT_BASE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* The kernel's number of the calling thread; -1 where it has none we know. */
int64_t cit_thread_id(void);

/* True when that thread is running, or would if it had a CPU; false when it sleeps, has
 * ended, or this system does not tell.  Costs about 10 us (Linux: proc(5), task/TID/stat). */
bool cit_thread_is_runnable(int64_t id);

/* How long the calling thread has been ready to run without having a CPU, in ns, since it began; 0
 * where the system does not tell.  Costs about 5 us (Linux: proc(5), thread-self/schedstat). */
int64_t cit_thread_delay_ns(void);

#endif
