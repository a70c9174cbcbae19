/* tests/c/test_buf.c - the bounded buffer: bounds, growth, failed allocations. */
#include "base/buf.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static bool is(const struct cit_buf *b, const char *text)
{
    return b->len == strlen(text) && (b->len == 0 || memcmp(b->p, text, b->len) == 0);
}

static void appending_appends(void **state)
{
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 1000);
    assert_int_equal(cit_buf_add(&b, "ab", 2), CIT_OK);
    assert_int_equal(cit_buf_add(&b, NULL, 0), CIT_OK);
    assert_int_equal(cit_buf_add_slice(&b, CIT_SLICE_LIT("c")), CIT_OK);
    assert_int_equal(cit_buf_add_str(&b, "d "), CIT_OK);
    assert_int_equal(cit_buf_add_u64(&b, 0), CIT_OK);
    assert_int_equal(cit_buf_add_u64(&b, UINT64_MAX), CIT_OK);
    assert_int_equal(cit_buf_printf(&b, " %s%d", "x", -1), CIT_OK);
    assert_true(is(&b, "abcd 018446744073709551615 x-1"));
    cit_buf_fini(&b);
    assert_null(b.p);
}

static void the_bound_is_hard_and_a_refusal_changes_nothing(void **state)
{
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 4);
    assert_int_equal(cit_buf_add_str(&b, "abc"), CIT_OK);
    assert_int_equal(cit_buf_add_str(&b, "de"), CIT_ELIMIT);
    assert_int_equal(cit_buf_add_u64(&b, 10), CIT_ELIMIT);
    assert_int_equal(cit_buf_printf(&b, "%d", 10), CIT_ELIMIT);
    assert_int_equal(cit_buf_printf(&b, "%600d", 10), CIT_ELIMIT);
    assert_int_equal(cit_buf_reserve(&b, SIZE_MAX), CIT_ELIMIT);
    assert_true(is(&b, "abc"));
    assert_int_equal(cit_buf_add_str(&b, "d"), CIT_OK);
    assert_true(is(&b, "abcd"));
    assert_true(b.cap <= 4);
    cit_buf_fini(&b);
}

static void growth_doubles_from_256_up_to_the_bound(void **state)
{
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 1000);
    assert_int_equal(cit_buf_reserve(&b, 1), CIT_OK);
    assert_int_equal(b.cap, 256);
    assert_int_equal(cit_buf_reserve(&b, 257), CIT_OK);
    assert_int_equal(b.cap, 512);
    assert_int_equal(cit_buf_reserve(&b, 513), CIT_OK);
    assert_int_equal(b.cap, 1000);
    assert_int_equal(b.len, 0);
    cit_buf_fini(&b);
    cit_buf_init(&b, SIZE_MAX);
    assert_int_equal(cit_buf_reserve(&b, 70000), CIT_OK);
    assert_int_equal(b.cap, 131072);
    cit_buf_fini(&b);
}

static void a_zeroed_buffer_is_valid_and_full(void **state)
{
    struct cit_buf b = { 0 };

    (void)state;
    assert_int_equal(cit_buf_reserve(&b, 0), CIT_OK);
    assert_int_equal(cit_buf_add_str(&b, "a"), CIT_ELIMIT);
    cit_buf_consume(&b, 5);
    cit_buf_release(&b);
    cit_buf_fini(&b);
    assert_null(b.p);
}

static void consuming_drops_from_the_front(void **state)
{
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 100);
    assert_int_equal(cit_buf_add_str(&b, "abcdef"), CIT_OK);
    cit_buf_consume(&b, 0);
    cit_buf_consume(&b, 2);
    assert_true(is(&b, "cdef"));
    cit_buf_consume(&b, 99);
    assert_true(is(&b, ""));
    cit_buf_fini(&b);
}

static void releasing_keeps_the_bound(void **state)
{
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 3);
    assert_int_equal(cit_buf_add_str(&b, "abc"), CIT_OK);
    cit_buf_release(&b);
    assert_null(b.p);
    assert_int_equal(b.len, 0);
    assert_int_equal(cit_buf_add_str(&b, "abcd"), CIT_ELIMIT);
    assert_int_equal(cit_buf_add_str(&b, "abc"), CIT_OK);
    cit_buf_fini(&b);
}

static void long_and_exact_texts_are_printed_whole(void **state)
{
    struct cit_buf b;

    (void)state;
    cit_buf_init(&b, 600);
    assert_int_equal(cit_buf_printf(&b, "%0600d", 7), CIT_OK);
    assert_int_equal(b.len, 600);
    assert_int_equal(b.p[599], '7');
    assert_int_equal(cit_buf_printf(&b, "%s", ""), CIT_OK);
    cit_buf_fini(&b);
}

static void without_memory_the_content_stays(void **state)
{
    struct cit_buf b;

    (void)state;
    for (unsigned long at = 1; at <= 2; at++) {
        cit_buf_init(&b, 10000);
        assert_int_equal(cit_buf_add_str(&b, "abc"), CIT_OK);
        cit_mem_fail_at(1);
        assert_int_equal(cit_buf_reserve(&b, 1000), CIT_ENOMEM);
        cit_mem_fail_at(at); /* 1: the text, 2: the buffer */
        assert_int_equal(cit_buf_printf(&b, "%0600d", 7), CIT_ENOMEM);
        cit_mem_fail_at(0);
        assert_true(is(&b, "abc"));
        cit_buf_fini(&b);
    }
}

/* A file with n bytes, whose name stays in path. */
static void make_file(char path[32], size_t n)
{
    int fd;

    memcpy(path, "/tmp/cit_buf_XXXXXX", 20);
    fd = mkstemp(path);
    assert_true(fd != -1);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(write(fd, i % 2 ? "b" : "a", 1), 1);
    close(fd);
}

static void a_file_is_added_whole_up_to_the_bound(void **state)
{
    struct cit_buf b;
    char path[32];

    (void)state;
    make_file(path, 300);
    cit_buf_init(&b, 601);
    assert_int_equal(cit_buf_add_str(&b, "x"), CIT_OK);
    assert_int_equal(cit_buf_add_file(&b, path), CIT_OK);
    assert_int_equal(cit_buf_add_file(&b, path), CIT_OK); /* to the last byte */
    assert_int_equal(b.len, 601);
    assert_memory_equal(b.p, "xabab", 5);
    assert_memory_equal(b.p + 599, "ab", 2);
    assert_int_equal(cit_buf_add_file(&b, path), CIT_ELIMIT);
    assert_int_equal(b.len, 601);
    cit_buf_consume(&b, 302);
    assert_int_equal(cit_buf_add_file(&b, path), CIT_OK);
    cit_buf_consume(&b, 300);
    assert_int_equal(cit_buf_add_str(&b, "yyy"), CIT_OK);
    assert_int_equal(cit_buf_add_file(&b, path), CIT_ELIMIT); /* after 299 of its bytes */
    assert_int_equal(b.len, 302);
    cit_buf_fini(&b);
    unlink(path);
}

static void files_that_cannot_be_read_change_nothing(void **state)
{
    struct cit_buf b;
    char path[32];

    (void)state;
    make_file(path, 3);
    cit_buf_init(&b, 1000);
    cit_mem_fail_at(1);
    assert_int_equal(cit_buf_add_file(&b, path), CIT_ENOMEM);
    cit_mem_fail_at(0);
    unlink(path);
    assert_int_equal(cit_buf_add_file(&b, path), cit_err_from_errno(ENOENT));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(cit_buf_add_file(&b, "/"), cit_err_from_errno(EISDIR));
    assert_int_equal(errno, EISDIR);
    assert_int_equal(b.len, 0);
    cit_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appending_appends),
        cmocka_unit_test(the_bound_is_hard_and_a_refusal_changes_nothing),
        cmocka_unit_test(growth_doubles_from_256_up_to_the_bound),
        cmocka_unit_test(a_zeroed_buffer_is_valid_and_full),
        cmocka_unit_test(consuming_drops_from_the_front),
        cmocka_unit_test(releasing_keeps_the_bound),
        cmocka_unit_test(long_and_exact_texts_are_printed_whole),
        cmocka_unit_test(without_memory_the_content_stays),
        cmocka_unit_test(a_file_is_added_whole_up_to_the_bound),
        cmocka_unit_test(files_that_cannot_be_read_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
