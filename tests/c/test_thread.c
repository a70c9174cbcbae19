/* What the kernel says of a thread. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/thread.h"

static _Atomic int64_t id;
static _Atomic int order; /* 0 spin, 1 sleep, 2 end */

static void *run(void *arg)
{
    (void)arg;
    id = cit_thread_id();
    while (order == 0)
        continue;
    while (order == 1)
        usleep(100000);
    return NULL;
}

static void a_spinning_thread_is_runnable_and_a_sleeping_one_is_not(void **state)
{
    pthread_t t;

    (void)state;
    assert_int_equal(pthread_create(&t, NULL, run, NULL), 0);
    while (id == 0)
        continue;
    assert_true(cit_thread_is_runnable(id));
    order = 1;
    usleep(50000);
    assert_false(cit_thread_is_runnable(id));
    order = 2;
    pthread_join(t, NULL);
}

static void a_thread_that_is_none_is_not_runnable(void **state)
{
    (void)state;
    assert_false(cit_thread_is_runnable(-1));
    assert_false(cit_thread_is_runnable(999999999));
}

static _Atomic int64_t delay_ns[3];
static _Atomic int stop;

static void *share_a_cpu(void *arg)
{
    int64_t began = cit_thread_delay_ns();

    while (stop == 0)
        continue;
    delay_ns[(intptr_t)arg] = cit_thread_delay_ns() - began;
    return NULL;
}

static void threads_that_share_a_cpu_wait_for_it(void **state)
{
    pthread_t t[3];
    cpu_set_t all, one;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (size_t cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    for (intptr_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&t[i], NULL, share_a_cpu, (void *)i), 0);
    usleep(300000);
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    /* each had a third of the CPU and was ready for all of it */
    assert_true(delay_ns[0] + delay_ns[1] + delay_ns[2] > 300000000);
}

static void a_thread_that_sleeps_is_not_delayed(void **state)
{
    int64_t began = cit_thread_delay_ns();

    (void)state;
    usleep(200000);
    assert_true(cit_thread_delay_ns() - began < 100000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spinning_thread_is_runnable_and_a_sleeping_one_is_not),
        cmocka_unit_test(a_thread_that_is_none_is_not_runnable),
        cmocka_unit_test(threads_that_share_a_cpu_wait_for_it),
        cmocka_unit_test(a_thread_that_sleeps_is_not_delayed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
