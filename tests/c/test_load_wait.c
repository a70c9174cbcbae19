/* tests/c/test_load_wait.c - the heap of users that wait. */
#include "load/wait.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "load/rng.h"

enum { USERS = 500 };

static struct cit__thread thread;
static struct cit__user users[USERS], *heap[USERS];

static void begin(void)
{
    thread.heap = heap;
    thread.nheap = 0;
}

static void an_empty_heap_waits_for_nothing(void **state)
{
    (void)state;
    begin();
    assert_true(cit__wait_next_ns(&thread) == INT64_MAX);
}

static void users_come_out_in_order_of_their_time(void **state)
{
    struct cit_rng rng;
    int64_t last = 0;

    (void)state;
    begin();
    cit_rng_seed(&rng, 1, 0);
    for (int i = 0; i < USERS; i++)
        cit__wait_add(&thread, &users[i], (int64_t)cit_rng_below(&rng, 300));
    while (thread.nheap > 0) {
        assert_true(cit__wait_next_ns(&thread) >= last);
        last = cit__wait_next_ns(&thread);
        cit__wait_remove(&thread, thread.heap[0]);
    }
}

static void check_heap(void)
{
    for (uint32_t i = 0; i < thread.nheap; i++) {
        assert_int_equal(thread.heap[i]->slot, i);
        assert_true(i == 0 || thread.heap[(i - 1) / 2]->at_ns <= thread.heap[i]->at_ns);
    }
}

static void anybody_may_leave_at_any_time(void **state)
{
    struct cit_rng rng;
    bool is_in[USERS] = { false };
    uint32_t n = 0;

    (void)state;
    begin();
    cit_rng_seed(&rng, 2, 0);
    for (int i = 0; i < 20000; i++) {
        uint64_t k = cit_rng_below(&rng, USERS);

        if (is_in[k]) {
            cit__wait_remove(&thread, &users[k]);
            n--;
        } else {
            cit__wait_add(&thread, &users[k], (int64_t)cit_rng_below(&rng, 1000));
            n++;
        }
        is_in[k] = !is_in[k];
        assert_int_equal(thread.nheap, n);
        if (i % 100 == 0)
            check_heap();
    }
    for (uint32_t i = 0; i < thread.nheap; i++)
        assert_true(is_in[thread.heap[i] - users]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_waits_for_nothing),
        cmocka_unit_test(users_come_out_in_order_of_their_time),
        cmocka_unit_test(anybody_may_leave_at_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
