/* tests/c/test_h1_chunk.c - chunked bodies: the vectors at once, byte by byte, cut by
 * chance and at a guard page; then what the decoder promises between calls. */
#include "http/h1_chunk.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard.h"
#include "h1_props.h"
#include "h1_vectors.h"
#include "http/h1_write.h"

/* True when the word (unescaped; "-" is nothing) is the data. */
static bool is_data(const char *word, const struct h1_body *b)
{
    struct cit_buf want;
    bool same;

    cit_buf_init(&want, 1U << 20);
    same = strcmp(word, "-") == 0 || h1_unescape(&want, word, strlen(word));
    same = same && want.len == b->data_n && (want.len == 0 || memcmp(want.p, b->data, want.len) == 0);
    cit_buf_fini(&want);
    return same;
}

static bool is_as_said(struct h1_vectors *v, const struct h1_body *b)
{
    char *save = NULL, *verdict = strtok_r(v->verdict, " ", &save), *word = strtok_r(NULL, " ", &save);
    const char *rest = strtok_r(NULL, " ", &save);

    if (strcmp(verdict, "reject") == 0)
        return b->code == CIT_EPROTO && strcmp(word, cit_h1_bad_name(b->bad)) == 0;
    if (strcmp(verdict, "more") == 0)
        return b->code == CIT_EAGAIN && is_data(word, b);
    return b->code == CIT_OK && is_data(word, b) &&
           v->bytes.len - b->used == (rest != NULL ? strtoul(rest + 5, NULL, 10) : 0);
}

static void every_chunk_vector_is_judged_as_it_says(void **state)
{
    struct h1_vectors v;
    struct guard g = { 0 };
    struct h1_body body = { .data = malloc(1U << 20) };
    unsigned count = 0, wrong = 0;

    (void)state;
    assert_true(h1_vectors_open(&v, "chunk"));
    assert_true(guard_init(&g, 1U << 20));
    for (; h1_vectors_next(&v); count++) {
        const char *bytes = guard_put(&g, v.bytes.p, v.bytes.len), *broken = h1_chunks_hold(bytes, v.bytes.len);

        if (broken == NULL)
            broken = h1_dechunk(&body, bytes, v.bytes.len, 1);
        if (broken == NULL && !is_as_said(&v, &body))
            broken = cit_h1_bad_name(body.bad);
        if (broken != NULL) {
            printf("# '%s': %s, code %d\n", v.name, broken, body.code);
            wrong++;
        }
    }
    h1_vectors_close(&v);
    guard_fini(&g);
    free(body.data);
    assert_int_equal(wrong, 0);
    assert_true(count >= 60);
}

static void an_error_is_final(void **state)
{
    struct cit_h1_chunk c = { 0 };
    struct cit_slice data = cit_slice_str("kept");
    size_t used = 99;

    (void)state;
    assert_int_equal(cit_h1_chunk_read(&c, "x", 1, &used, &data), CIT_EPROTO);
    assert_int_equal(cit_h1_chunk_read(&c, "0\r\n\r\n", 5, &used, &data), CIT_EPROTO);
    assert_int_equal(c.bad, CIT_H1_BAD_CHUNK_SIZE);
    assert_int_equal(used, 99);
    assert_true(cit_slice_eq(data, cit_slice_str("kept")));
}

static void the_end_is_final_and_takes_no_more(void **state)
{
    struct cit_h1_chunk c = { 0 };
    struct cit_slice data;
    size_t used;

    (void)state;
    assert_int_equal(cit_h1_chunk_read(&c, "0\r\n\r\nGET", 8, &used, &data), CIT_OK);
    assert_int_equal(used, 5);
    assert_int_equal(cit_h1_chunk_read(&c, "GET", 3, &used, &data), CIT_OK);
    assert_int_equal(used, 0);
    assert_int_equal(data.n, 0);
}

static void one_call_gives_one_slice_and_says_that_more_is_there(void **state)
{
    static const char in[] = "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
    struct cit_h1_chunk c = { 0 };
    struct cit_slice data;
    size_t used, at;

    (void)state;
    assert_int_equal(cit_h1_chunk_read(&c, in, sizeof in - 1, &used, &data), CIT_EAGAIN);
    assert_true(cit_slice_eq(data, cit_slice_str("ab")));
    assert_true(used < sizeof in - 1);
    at = used;
    assert_int_equal(cit_h1_chunk_read(&c, in + at, sizeof in - 1 - at, &used, &data), CIT_OK);
    assert_true(cit_slice_eq(data, cit_slice_str("cde")));
    assert_int_equal(at + used, sizeof in - 1);
}

static void data_is_borrowed_from_the_input(void **state)
{
    static const char in[] = "5\r\nhello";
    struct cit_h1_chunk c = { 0 };
    struct cit_slice data;
    size_t used;

    (void)state;
    assert_int_equal(cit_h1_chunk_read(&c, in, sizeof in - 1, &used, &data), CIT_EAGAIN);
    assert_ptr_equal(data.p, in + 3);
    assert_int_equal(c.left, 0);
}

static void what_the_writer_writes_is_read_back(void **state)
{
    struct cit_h1_field trailer = { .name = "X-Sum", .name_n = 5, .value = "1 2", .value_n = 3 };
    struct cit_buf b;
    struct h1_body body = { .data = malloc(100000) };
    char head[CIT_H1_CHUNK_HEAD_MAX], data[4097];
    size_t total = 0;

    (void)state;
    memset(data, 'd', sizeof data);
    cit_buf_init(&b, 100000);
    for (size_t n = 1; n <= sizeof data; n = n * 4 + 1) {
        assert_int_equal(cit_buf_add(&b, head, cit_h1_chunk_head(head, n)), CIT_OK);
        assert_int_equal(cit_buf_add(&b, data, n), CIT_OK);
        assert_int_equal(cit_buf_add(&b, "\r\n", 2), CIT_OK);
        total += n;
    }
    assert_int_equal(cit_h1_write_last_chunk(&b, &trailer, 1), CIT_OK);
    assert_null(h1_dechunk(&body, b.p, b.len, 7));
    assert_int_equal(body.code, CIT_OK);
    assert_int_equal(body.used, b.len);
    assert_int_equal(body.data_n, total);
    cit_buf_fini(&b);
    free(body.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunk_vector_is_judged_as_it_says),
        cmocka_unit_test(an_error_is_final),
        cmocka_unit_test(the_end_is_final_and_takes_no_more),
        cmocka_unit_test(one_call_gives_one_slice_and_says_that_more_is_there),
        cmocka_unit_test(data_is_borrowed_from_the_input),
        cmocka_unit_test(what_the_writer_writes_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
