/* The queue of bytes to one peer, over real socket pairs and files. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/serve/out.c"

static int dropped;

static void drop(void *ctx, void *owner)
{
    (void)ctx;
    assert_non_null(owner);
    dropped++;
}

static void pair(int fd[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
}

static int file_of(const char *text)
{
    FILE *f = tmpfile();
    int fd;

    assert_non_null(f);
    fputs(text, f);
    fflush(f);
    fd = dup(fileno(f));
    fclose(f);
    return fd;
}

/* Sends and reads in turn until all has gone; returns what came. */
static size_t carry(struct cit_out *o, const int fd[2], char *got, size_t room)
{
    size_t n = 0;
    int err = CIT_EAGAIN;

    while (err == CIT_EAGAIN) {
        ssize_t k;

        err = cit_out_send(o, fd[0], drop, NULL);
        while ((k = recv(fd[1], got + n, room - n, 0)) > 0)
            n += (size_t)k;
    }
    assert_int_equal(err, CIT_OK);
    return n;
}

static void copied_bytes_leave_in_one_go(void **state)
{
    struct cit_out o;
    char got[64];
    int fd[2];

    (void)state;
    pair(fd);
    cit_out_init(&o);
    assert_true(cit_out_is_empty(&o));
    assert_int_equal(cit_buf_add(&o.buf, "hello", 5), CIT_OK);
    assert_int_equal(cit_out_left(&o), 5);
    assert_int_equal(carry(&o, fd, got, sizeof got), 5);
    assert_memory_equal(got, "hello", 5);
    assert_true(cit_out_is_empty(&o));
    cit_out_fini(&o, drop, NULL);
    close(fd[0]);
    close(fd[1]);
}

static void bytes_memory_and_files_keep_their_order(void **state)
{
    struct cit_out o;
    char got[256];
    int fd[2], file = file_of("0123456789");

    (void)state;
    dropped = 0;
    pair(fd);
    cit_out_init(&o);
    assert_int_equal(cit_buf_add(&o.buf, "<a>", 3), CIT_OK);
    assert_int_equal(cit_out_add_mem(&o, "memory", 6, &dropped), CIT_OK);
    assert_int_equal(cit_buf_add(&o.buf, "<b>", 3), CIT_OK);
    assert_int_equal(cit_out_add_file(&o, file, 2, 5, &dropped), CIT_OK);
    assert_int_equal(cit_buf_add(&o.buf, "<c>", 3), CIT_OK);
    assert_int_equal(cit_out_left(&o), 20);
    assert_int_equal(carry(&o, fd, got, sizeof got), 20);
    assert_memory_equal(got, "<a>memory<b>23456<c>", 20);
    assert_int_equal(dropped, 2);
    cit_out_fini(&o, drop, NULL);
    close(file);
    close(fd[0]);
    close(fd[1]);
}

static void a_slow_peer_gets_everything_in_pieces(void **state)
{
    enum { N = 2000000 };
    struct cit_out o;
    char *big = malloc(N), *got = malloc(2 * N);
    int fd[2];

    (void)state;
    dropped = 0;
    pair(fd);
    for (int i = 0; i < N; i++)
        big[i] = (char)(i * 31 + i / 255);
    cit_out_init(&o);
    assert_int_equal(cit_buf_add(&o.buf, "head", 4), CIT_OK);
    assert_int_equal(cit_out_add_mem(&o, big, N, &dropped), CIT_OK);
    assert_int_equal(cit_out_send(&o, fd[0], drop, NULL), CIT_EAGAIN);
    assert_int_equal(cit_buf_add(&o.buf, "tail", 4), CIT_OK);
    assert_int_equal(carry(&o, fd, got, 2 * N), N + 8);
    assert_memory_equal(got + 4, big, N);
    assert_memory_equal(got + 4 + N, "tail", 4);
    assert_int_equal(dropped, 1);
    cit_out_fini(&o, drop, NULL);
    free(big);
    free(got);
    close(fd[0]);
    close(fd[1]);
}

static void a_gone_peer_is_told_and_owners_are_given_back(void **state)
{
    struct cit_out o;
    int fd[2];

    (void)state;
    dropped = 0;
    pair(fd);
    close(fd[1]);
    cit_out_init(&o);
    assert_int_equal(cit_out_add_mem(&o, "x", 1, &dropped), CIT_OK);
    assert_int_equal(cit_out_send(&o, fd[0], drop, NULL), CIT_ECLOSED);
    cit_out_reset(&o, drop, NULL);
    assert_int_equal(dropped, 1);
    assert_true(cit_out_is_empty(&o));
    cit_out_fini(&o, drop, NULL);
    assert_int_equal(dropped, 1);
    close(fd[0]);
}

static void a_failed_allocation_leaves_the_owner_with_the_caller(void **state)
{
    struct cit_out o;

    (void)state;
    dropped = 0;
    cit_out_init(&o);
    cit_mem_fail_at(1);
    assert_int_equal(cit_out_add_mem(&o, "x", 1, &dropped), CIT_ENOMEM);
    cit_mem_fail_at(0);
    cit_out_fini(&o, drop, NULL);
    assert_int_equal(dropped, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copied_bytes_leave_in_one_go),
        cmocka_unit_test(bytes_memory_and_files_keep_their_order),
        cmocka_unit_test(a_slow_peer_gets_everything_in_pieces),
        cmocka_unit_test(a_gone_peer_is_told_and_owners_are_given_back),
        cmocka_unit_test(a_failed_allocation_leaves_the_owner_with_the_caller),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
