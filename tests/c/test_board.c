/* Tests of serve/board.c: what one process writes another reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "serve/board.c"

static void a_new_board_is_empty(void **state)
{
    struct cit_board *b = NULL;

    (void)state;
    assert_int_equal(cit_board_new(3, &b), CIT_OK);
    assert_int_equal(b->count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(atomic_load(&b->slot[i].state), CIT_BOARD_EMPTY);
        assert_int_equal(atomic_load(&b->slot[i].pid), 0);
        assert_int_equal(atomic_load(&b->slot[i].now[CIT_BOARD_NOW - 1].busy), 0);
    }
    cit_board_free(b);
}

static void a_worker_that_dies_leaves_its_word(void **state)
{
    struct cit_board *b = NULL;
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(cit_board_new(2, &b), CIT_OK);
    pid = fork();
    if (pid == 0) {
        cit_count(&b->slot[1].counters.requests);
        cit_count(&b->slot[1].counters.requests);
        b->slot[1].now[0].text[0] = 'G';
        atomic_store(&b->slot[1].now[0].busy, 1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(atomic_load(&b->slot[1].counters.requests), 2);
    assert_int_equal(atomic_load(&b->slot[1].now[0].busy), 1);
    assert_int_equal(b->slot[1].now[0].text[0], 'G');
    assert_int_equal(atomic_load(&b->slot[0].counters.requests), 0);
    cit_board_free(b);
}

static void a_board_larger_than_memory_is_refused(void **state)
{
    struct cit_board *b = (struct cit_board *)&state;
    size_t n = 0;

    assert_true(size_of(UINT32_MAX, &n));
    if (n < (size_t)1 << 40)
        skip(); /* this machine might really have it */
    assert_int_equal(cit_board_new(UINT32_MAX, &b), CIT_ENOMEM);
    assert_ptr_equal(b, &state);
    cit_board_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_board_is_empty),
        cmocka_unit_test(a_worker_that_dies_leaves_its_word),
        cmocka_unit_test(a_board_larger_than_memory_is_refused),
    };

    return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
