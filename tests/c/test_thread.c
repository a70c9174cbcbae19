/* What the kernel says of a thread. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spinning_thread_is_runnable_and_a_sleeping_one_is_not),
        cmocka_unit_test(a_thread_that_is_none_is_not_runnable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
