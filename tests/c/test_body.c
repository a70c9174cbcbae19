/* Tests of serve/body.c: bytes come out as they went in, wherever they lay meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/body.c"

#include <sys/stat.h>

static const struct cit_body_limits roomy = { .body_memory = 524288, .limit_body = 0, .tmp_dir = NULL };

static struct cit_h1_frame length_of(uint64_t n)
{
    return (struct cit_h1_frame){ .kind = CIT_H1_BODY_LENGTH, .length = n };
}

static const struct cit_h1_frame chunked = { .kind = CIT_H1_BODY_CHUNKED };

/* Byte i of every body here: a period of 251 finds what is off by a power of two. */
static char byte_at(uint64_t i)
{
    return (char)(i % 251);
}

static char *pattern(uint64_t from, size_t n)
{
    char *p = cit_malloc(n > 0 ? n : 1);

    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = byte_at(from + i);
    return p;
}

static int feed_pattern(struct cit_body *b, uint64_t from, size_t n)
{
    char *p = pattern(from, n);
    size_t used = 99;
    int err = cit_body_feed(b, p, n, &used);

    if (err == CIT_OK || err == CIT_EAGAIN)
        assert_int_equal(used, n);
    cit_free(p);
    return err;
}

/* One chunk of n bytes of the pattern; with n 0 the last one. */
static int feed_chunk(struct cit_body *b, uint64_t from, size_t n)
{
    char *p = pattern(from, n), head[32];
    size_t used = 0;
    int err = cit_body_feed(b, head, (size_t)snprintf(head, sizeof head, "%zx\r\n", n), &used);

    if (err == CIT_EAGAIN)
        err = cit_body_feed(b, p, n, &used);
    if (err == CIT_EAGAIN) {
        assert_int_equal(used, n);
        err = cit_body_feed(b, "\r\n", 2, &used);
    }
    cit_free(p);
    return err;
}

/* Reads what is stored, at most n bytes, in steps of at most `step`; returns how many. */
static uint64_t read_pattern(struct cit_body *b, uint64_t from, uint64_t n, size_t step)
{
    struct cit_slice s;
    uint64_t at = from;

    while (at < from + n) {
        assert_int_equal(cit_body_peek(b, &s), CIT_OK);
        if (s.n == 0)
            break;
        if (s.n > step)
            s.n = step;
        if (s.n > from + n - at)
            s.n = (size_t)(from + n - at);
        for (size_t i = 0; i < s.n; i++) {
            if (s.p[i] != byte_at(at + i))
                fail_msg("byte %llu is wrong", (unsigned long long)(at + i));
        }
        cit_body_skip(b, s.n);
        at += s.n;
    }
    return at - from;
}

static void begin(struct cit_body *b, struct cit_h1_frame f, const struct cit_body_limits *lim)
{
    assert_int_equal(cit_body_init(b, &f, lim), CIT_OK);
}

/* ---- small bodies ---- */

static void a_request_without_a_body_is_complete_at_once(void **state)
{
    struct cit_body b;
    struct cit_slice s = { "x", 1 };
    size_t used = 9;

    (void)state;
    begin(&b, (struct cit_h1_frame){ .kind = CIT_H1_BODY_NONE }, &roomy);
    assert_true(cit_body_is_complete(&b));
    assert_int_equal(cit_body_length(&b), 0);
    assert_int_equal(cit_body_feed(&b, "GET", 3, &used), CIT_OK);
    assert_int_equal(used, 0);
    assert_int_equal(cit_body_peek(&b, &s), CIT_OK);
    assert_int_equal(s.n, 0);
    assert_null(cit_body_space(&b, &used));
    cit_body_fini(&b);
}

static void a_frame_that_ends_with_the_connection_is_refused(void **state)
{
    struct cit_body b = { .want = 77 };
    struct cit_h1_frame f = { .kind = CIT_H1_BODY_CLOSE };

    (void)state;
    assert_int_equal(cit_body_init(&b, &f, &roomy), CIT_EINVAL);
    assert_int_equal(b.want, 77);
}

static void an_empty_struct_may_be_ended_and_so_may_an_ended_one(void **state)
{
    struct cit_body b = { 0 };
    struct stat st;

    (void)state;
    cit_body_fini(&b);
    cit_body_fini(&b);
    assert_true(cit_body_is_complete(&b));
    assert_int_equal(fstat(0, &st), 0); /* descriptor 0 was not taken for the body's */
}

static void a_known_length_lies_in_memory_of_just_its_size(void **state)
{
    struct cit_body b;
    size_t used = 0;

    (void)state;
    begin(&b, length_of(5), &roomy);
    assert_int_equal(cit_body_exact(&b), 5);
    assert_int_equal(cit_body_length(&b), 5);
    assert_int_equal(cit_body_feed(&b, "\0\1\2", 3, &used), CIT_EAGAIN);
    assert_int_equal(used, 3);
    assert_int_equal(b.mem_cap, 5);
    assert_false(cit_body_is_complete(&b));
    assert_int_equal(cit_body_feed(&b, "\3\4GET /next", 11, &used), CIT_OK);
    assert_int_equal(used, 2);
    assert_int_equal(b.spill_fd, -1);
    assert_int_equal(cit_body_stored(&b), 5);
    assert_int_equal(read_pattern(&b, 0, 9, 2), 5);
    assert_int_equal(cit_body_stored(&b), 0);
    cit_body_fini(&b);
}

static void bytes_can_be_received_into_memory_directly(void **state)
{
    struct cit_body b;
    size_t n = 0;
    char *p;

    (void)state;
    begin(&b, length_of(6), &roomy);
    p = cit_body_space(&b, &n);
    assert_non_null(p);
    assert_int_equal(n, 6);
    memcpy(p, "\0\1\2\3", 4);
    assert_int_equal(cit_body_filled(&b, 4), CIT_EAGAIN);
    p = cit_body_space(&b, &n);
    assert_int_equal(n, 2);
    memcpy(p, "\4\5", 2);
    assert_int_equal(cit_body_filled(&b, 2), CIT_OK);
    assert_null(cit_body_space(&b, &n));
    assert_int_equal(read_pattern(&b, 0, 6, 6), 6);
    cit_body_fini(&b);
}

/* ---- storage of an owner ---- */

static void the_whole_body_in_an_owners_block_can_be_taken(void **state)
{
    struct cit_body b;
    char block[4];
    int owner = 0;

    (void)state;
    begin(&b, length_of(4), &roomy);
    assert_int_equal(cit_body_set_storage(&b, block, 5, &owner), CIT_EINVAL);
    assert_int_equal(cit_body_set_storage(&b, block, 4, &owner), CIT_OK);
    assert_int_equal(cit_body_set_storage(&b, block, 4, &owner), CIT_ESTATE);
    assert_null(cit_body_take_whole(&b));
    assert_int_equal(feed_pattern(&b, 0, 4), CIT_OK);
    assert_memory_equal(block, "\0\1\2\3", 4);
    assert_ptr_equal(cit_body_take_whole(&b), &owner);
    assert_int_equal(cit_body_stored(&b), 0);
    assert_int_equal(read_pattern(&b, 0, 4, 4), 0);
    assert_null(cit_body_take_owner(&b));
    cit_body_fini(&b);
}

static void a_body_begun_to_be_read_is_not_whole_any_more(void **state)
{
    struct cit_body b;
    char block[4];
    int owner = 0;

    (void)state;
    begin(&b, length_of(4), &roomy);
    assert_int_equal(cit_body_set_storage(&b, block, 4, &owner), CIT_OK);
    assert_int_equal(feed_pattern(&b, 0, 4), CIT_OK);
    assert_int_equal(read_pattern(&b, 0, 1, 1), 1);
    assert_null(cit_body_take_whole(&b));
    assert_ptr_equal(cit_body_take_owner(&b), &owner);
    cit_body_fini(&b);
}

static void an_owner_taken_back_early_leaves_a_body_that_drops_the_rest(void **state)
{
    struct cit_body b;
    char block[4];
    int owner = 0;

    (void)state;
    begin(&b, length_of(4), &roomy);
    assert_int_equal(cit_body_set_storage(&b, block, 4, &owner), CIT_OK);
    assert_int_equal(feed_pattern(&b, 0, 2), CIT_EAGAIN);
    assert_ptr_equal(cit_body_take_owner(&b), &owner);
    memset(block, 7, sizeof block);
    assert_int_equal(feed_pattern(&b, 2, 2), CIT_OK);
    assert_int_equal(block[2], 7);
    assert_int_equal(cit_body_stored(&b), 0);
    cit_body_fini(&b);
}

static void storage_comes_too_late_once_there_are_bytes_and_never_for_long_or_chunked_bodies(void **state)
{
    struct cit_body b;
    char block[4];
    int owner = 0;

    (void)state;
    begin(&b, length_of(4), &roomy);
    assert_int_equal(feed_pattern(&b, 0, 2), CIT_EAGAIN);
    assert_int_equal(cit_body_set_storage(&b, block, 4, &owner), CIT_ESTATE);
    cit_body_fini(&b);
    begin(&b, chunked, &roomy);
    assert_int_equal(cit_body_exact(&b), 0);
    assert_int_equal(cit_body_set_storage(&b, block, 4, &owner), CIT_EINVAL);
    cit_body_fini(&b);
    begin(&b, length_of(524289), &roomy);
    assert_int_equal(cit_body_exact(&b), 0);
    cit_body_fini(&b);
}

/* ---- chunked bodies ---- */

static void a_chunked_body_has_a_length_when_it_is_complete(void **state)
{
    struct cit_body b;
    static const char in[] = "2\r\n\0\1\r\n3\r\n\2\3\4\r\n0\r\n\r\nGET";
    size_t used = 0;

    (void)state;
    begin(&b, chunked, &roomy);
    assert_int_equal(cit_body_length(&b), -1);
    assert_null(cit_body_space(&b, &used));
    assert_int_equal(cit_body_feed(&b, in, sizeof in - 1, &used), CIT_OK);
    assert_int_equal(used, sizeof in - 4);
    assert_int_equal(cit_body_length(&b), 5);
    assert_int_equal(read_pattern(&b, 0, 5, 5), 5);
    cit_body_fini(&b);
}

static void a_chunked_body_byte_by_byte_is_the_same(void **state)
{
    struct cit_body b;
    static const char in[] = "2;x=1\r\n\0\1\r\n3\r\n\2\3\4\r\n0\r\nA: b\r\n\r\n";
    size_t used = 0;

    (void)state;
    begin(&b, chunked, &roomy);
    for (size_t i = 0; i < sizeof in - 1; i++) {
        assert_int_equal(cit_body_feed(&b, in + i, 1, &used), i + 2 < sizeof in ? CIT_EAGAIN : CIT_OK);
        assert_int_equal(used, 1);
    }
    assert_int_equal(read_pattern(&b, 0, 9, 1), 5);
    cit_body_fini(&b);
}

static void broken_chunking_keeps_what_came_before_and_says_why(void **state)
{
    struct cit_body b;
    struct cit_slice s;
    size_t used = 0;

    (void)state;
    begin(&b, chunked, &roomy);
    assert_int_equal(cit_body_feed(&b, "1\r\n\0\r\n", 6, &used), CIT_EAGAIN);
    assert_int_equal(cit_body_feed(&b, "xyz\r\n", 5, &used), CIT_EPROTO);
    assert_int_equal(b.bad, CIT_H1_BAD_CHUNK_SIZE);
    assert_int_equal(cit_body_feed(&b, "0\r\n\r\n", 5, &used), CIT_EPROTO);
    assert_int_equal(read_pattern(&b, 0, 1, 1), 1);
    assert_int_equal(cit_body_peek(&b, &s), CIT_EPROTO);
    assert_false(cit_body_is_complete(&b));
    cit_body_fini(&b);
}

/* ---- limits ---- */

static void a_length_over_the_limit_is_refused_before_a_byte_of_it(void **state)
{
    struct cit_body_limits lim = { .body_memory = 0, .limit_body = 10, .tmp_dir = NULL };
    struct cit_h1_frame over = length_of(11);
    struct cit_body b = { .want = 77 };

    (void)state;
    assert_int_equal(cit_body_init(&b, &over, &lim), CIT_ELIMIT);
    assert_int_equal(b.want, 77);
    begin(&b, length_of(10), &lim);
    assert_int_equal(feed_pattern(&b, 0, 10), CIT_OK);
    cit_body_fini(&b);
}

static void a_chunk_that_would_pass_the_limit_is_refused_when_it_is_announced(void **state)
{
    struct cit_body_limits lim = { .body_memory = 0, .limit_body = 10, .tmp_dir = NULL };
    struct cit_body b;
    size_t used = 0;

    (void)state;
    begin(&b, chunked, &lim);
    assert_int_equal(feed_chunk(&b, 0, 6), CIT_EAGAIN);
    assert_int_equal(feed_chunk(&b, 6, 4), CIT_EAGAIN);
    assert_int_equal(cit_body_feed(&b, "1\r\n", 3, &used), CIT_ELIMIT);
    assert_int_equal(read_pattern(&b, 0, 10, 10), 10);
    cit_body_fini(&b);
    begin(&b, chunked, &lim);
    assert_int_equal(cit_body_feed(&b, "fffffffffffffff\r\n", 17, &used), CIT_ELIMIT);
    cit_body_fini(&b);
}

static void a_body_that_fits_the_limit_exactly_is_complete(void **state)
{
    struct cit_body_limits lim = { .body_memory = 0, .limit_body = 10, .tmp_dir = NULL };
    struct cit_body b;
    size_t used = 0;

    (void)state;
    begin(&b, chunked, &lim);
    assert_int_equal(feed_chunk(&b, 0, 10), CIT_EAGAIN);
    assert_int_equal(cit_body_feed(&b, "0\r\n\r\n", 5, &used), CIT_OK);
    cit_body_fini(&b);
}

/* ---- the file ---- */

static void a_long_body_has_a_window_in_memory_and_the_rest_in_a_file_without_a_name(void **state)
{
    struct cit_body b;
    struct stat st;
    const size_t n = 3u << 20;

    (void)state;
    begin(&b, length_of(n), &roomy);
    for (size_t at = 0; at < n; at += 65536 / 2)
        assert_int_equal(feed_pattern(&b, at, 65536 / 2), at + 65536 / 2 < n ? CIT_EAGAIN : CIT_OK);
    assert_int_equal(b.mem_cap, CIT_BODY_WINDOW);
    assert_int_equal(fstat(b.spill_fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, n - CIT_BODY_WINDOW);
    assert_int_not_equal(fcntl(b.spill_fd, F_GETFD) & FD_CLOEXEC, 0);
    assert_int_equal(read_pattern(&b, 0, n + 1, 10000), n);
    cit_body_fini(&b);
}

static void what_was_read_of_the_file_is_given_back_to_the_file_system(void **state)
{
    struct cit_body b;
    struct stat full, read;
    const size_t n = 8u << 20;

    (void)state;
    begin(&b, length_of(n), &roomy);
    assert_int_equal(feed_pattern(&b, 0, n), CIT_OK);
    assert_int_equal(fstat(b.spill_fd, &full), 0);
    assert_int_equal(read_pattern(&b, 0, n, n), n);
    assert_int_equal(fstat(b.spill_fd, &read), 0);
    assert_true(b.file_freed > 0);
    assert_true(read.st_blocks <= full.st_blocks); /* where holes can't be made it stays */
    cit_body_fini(&b);
}

static void a_chunked_body_grows_in_memory_first_and_then_goes_on_in_the_file(void **state)
{
    struct cit_body_limits lim = { .body_memory = 100000, .limit_body = 0, .tmp_dir = "/tmp" };
    struct cit_body b;
    uint64_t at = 0;

    (void)state;
    begin(&b, chunked, &lim);
    while (at + 7000 <= 100000) {
        assert_int_equal(feed_chunk(&b, at, 7000), CIT_EAGAIN);
        at += 7000;
    }
    assert_int_equal(b.spill_fd, -1);
    for (int i = 0; i < 20; i++, at += 7000)
        assert_int_equal(feed_chunk(&b, at, 7000), CIT_EAGAIN);
    assert_int_equal(b.mem_cap, 100000);
    assert_int_not_equal(b.spill_fd, -1);
    assert_int_equal(read_pattern(&b, 0, at + 1, 999), at);
    cit_body_fini(&b);
}

static void order_holds_while_bytes_come_and_are_read_at_once(void **state)
{
    struct cit_body_limits lim = { .body_memory = 65536, .limit_body = 0, .tmp_dir = "/tmp" };
    struct cit_body b;
    uint64_t in = 0, out = 0;
    unsigned seed = 7;

    (void)state;
    begin(&b, chunked, &lim);
    for (int i = 0; i < 3000; i++) {
        size_t n = (size_t)(rand_r(&seed) % 9000) + 1, m = (size_t)(rand_r(&seed) % 9000) + 1;

        if (i > 1500) /* the reader falls behind at first and catches up later */
            n = n / 4 + 1;
        assert_int_equal(feed_chunk(&b, in, n), CIT_EAGAIN);
        in += n;
        out += read_pattern(&b, out, m * 9 / 10, m);
        assert_int_equal(cit_body_stored(&b), in - out);
    }
    out += read_pattern(&b, out, in, 5000);
    assert_int_equal(out, in);
    cit_body_fini(&b);
}

static void the_same_holds_for_a_length_received_directly_and_fed(void **state)
{
    struct cit_body b;
    const uint64_t want = 20u << 20;
    uint64_t in = 0, out = 0;
    unsigned seed = 3;
    int direct = 0;

    (void)state;
    begin(&b, length_of(want), &roomy);
    while (in < want) {
        size_t n = 0, piece = (size_t)(rand_r(&seed) % 60000) + 1;
        char *p = cit_body_space(&b, &n);

        if (p != NULL) {
            n = n < piece ? n : piece;
            for (size_t i = 0; i < n; i++)
                p[i] = byte_at(in + i);
            assert_int_equal(cit_body_filled(&b, n), in + n == want ? CIT_OK : CIT_EAGAIN);
            direct++;
        } else {
            n = want - in < piece ? (size_t)(want - in) : piece;
            assert_int_equal(feed_pattern(&b, in, n), in + n == want ? CIT_OK : CIT_EAGAIN);
        }
        in += n;
        out += read_pattern(&b, out, (uint64_t)(rand_r(&seed) % 65000), 20000);
    }
    assert_true(direct > 10);
    out += read_pattern(&b, out, want, 1u << 20);
    assert_int_equal(out, want);
    cit_body_fini(&b);
}

static void a_reader_that_keeps_up_never_causes_a_file_or_more_memory(void **state)
{
    struct cit_body b;
    uint64_t at = 0;

    (void)state;
    begin(&b, chunked, &roomy);
    for (int i = 0; i < 2000; i++, at += 3000) {
        assert_int_equal(feed_chunk(&b, at, 3000), CIT_EAGAIN);
        assert_int_equal(read_pattern(&b, at, 3000, 1000), 3000);
    }
    assert_int_equal(b.mem_cap, FIRST_CAP);
    assert_int_equal(b.spill_fd, -1);
    cit_body_fini(&b);
}

static void the_file_is_written_over_again_once_all_of_it_was_read(void **state)
{
    struct cit_body b;
    struct stat st;
    uint64_t at = 0;

    (void)state;
    begin(&b, length_of(100u << 20), &roomy);
    for (int i = 0; i < 40; i++, at += 200000) {
        assert_int_equal(feed_pattern(&b, at, 200000), CIT_EAGAIN);
        assert_int_equal(read_pattern(&b, at, 200000, 65536), 200000);
    }
    assert_int_equal(fstat(b.spill_fd, &st), 0);
    assert_true(st.st_size <= 200000);
    cit_body_fini(&b);
}

static void what_peek_lent_stays_where_it_is_while_more_comes(void **state)
{
    struct cit_body_limits lim = { .body_memory = 1 << 20, .limit_body = 0, .tmp_dir = "/tmp" };
    struct cit_body b;
    struct cit_slice s;
    uint64_t at = 4000;

    (void)state;
    begin(&b, chunked, &lim);
    assert_int_equal(feed_chunk(&b, 0, 4000), CIT_EAGAIN);
    assert_int_equal(cit_body_peek(&b, &s), CIT_OK);
    assert_int_equal(s.n, 4000);
    for (int i = 0; i < 50; i++, at += 4000)
        assert_int_equal(feed_chunk(&b, at, 4000), CIT_EAGAIN);
    for (size_t i = 0; i < s.n; i++)
        assert_int_equal(s.p[i], byte_at(i)); /* ASan has an eye on it too */
    cit_body_skip(&b, 4000);
    assert_int_equal(read_pattern(&b, 4000, at, 4000), at - 4000);
    cit_body_fini(&b);
}

/* ---- discarding ---- */

static void a_discarded_body_is_counted_to_its_end_and_not_kept(void **state)
{
    struct cit_body b;
    struct cit_slice s;
    size_t used = 0;

    (void)state;
    begin(&b, chunked, &roomy);
    assert_int_equal(feed_chunk(&b, 0, 100), CIT_EAGAIN);
    cit_body_discard(&b);
    assert_int_equal(cit_body_stored(&b), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(feed_chunk(&b, 0, 60000), CIT_EAGAIN);
    assert_int_equal(cit_body_feed(&b, "0\r\n\r\n", 5, &used), CIT_OK);
    assert_int_equal(cit_body_length(&b), 100 + 100 * 60000);
    assert_int_equal(cit_body_peek(&b, &s), CIT_OK);
    assert_int_equal(s.n, 0);
    assert_int_equal(b.spill_fd, -1);
    cit_body_fini(&b);
}

static void discarding_keeps_the_limit_and_bytes_on_their_way(void **state)
{
    struct cit_body_limits lim = { .body_memory = 0, .limit_body = 50, .tmp_dir = NULL };
    struct cit_body b;
    size_t n = 0;

    (void)state;
    begin(&b, chunked, &lim);
    cit_body_discard(&b);
    assert_int_equal(feed_chunk(&b, 0, 50), CIT_EAGAIN);
    assert_int_equal(feed_chunk(&b, 0, 1), CIT_ELIMIT);
    cit_body_fini(&b);
    begin(&b, length_of(30), &lim);
    assert_non_null(cit_body_space(&b, &n));
    cit_body_discard(&b);
    assert_int_equal(cit_body_filled(&b, 10), CIT_EAGAIN);
    assert_null(cit_body_space(&b, &n));
    assert_int_equal(feed_pattern(&b, 10, 20), CIT_OK);
    assert_int_equal(cit_body_stored(&b), 0);
    cit_body_fini(&b);
}

/* ---- faults ---- */

static void a_full_disk_ends_the_body_with_its_reason_and_keeps_what_was_stored(void **state)
{
    struct cit_body b;
    struct cit_slice s;
    char why[CIT_BODY_WHY_MAX];

    (void)state;
    begin(&b, length_of(1u << 20), &roomy);
    b.spill_fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_int_equal(feed_pattern(&b, 0, 65536), CIT_EAGAIN);
    assert_int_equal(feed_pattern(&b, 65536, 1000), CIT_EIO);
    cit_body_why(&b, why);
    assert_string_equal(why, "the temporary file for a request body in /tmp: No space left on device");
    assert_int_equal(feed_pattern(&b, 65536, 1), CIT_EIO);
    assert_int_equal(read_pattern(&b, 0, 65536, 65536), 65536);
    assert_int_equal(cit_body_peek(&b, &s), CIT_EIO);
    cit_body_fini(&b);
}

static void a_missing_directory_ends_the_body_with_its_reason(void **state)
{
    struct cit_body_limits lim = { .body_memory = 0, .limit_body = 0, .tmp_dir = "/nonexistent/place" };
    struct cit_body b;
    char why[CIT_BODY_WHY_MAX];

    (void)state;
    begin(&b, length_of(1u << 20), &lim);
    assert_int_equal(feed_pattern(&b, 0, 70000), CIT_EIO);
    assert_int_equal(b.sys_errno, ENOENT);
    cit_body_why(&b, why);
    assert_string_equal(why, "the temporary file for a request body in /nonexistent/place: No such file or directory");
    cit_body_fini(&b);
}

static void a_file_that_can_not_be_read_back_is_an_error_and_not_an_end(void **state)
{
    struct cit_body b;
    struct cit_slice s;

    (void)state;
    begin(&b, length_of(1u << 20), &roomy);
    assert_int_equal(feed_pattern(&b, 0, 200000), CIT_EAGAIN);
    assert_int_equal(ftruncate(b.spill_fd, 0), 0);
    assert_int_equal(read_pattern(&b, 0, 65536, 65536), 65536);
    assert_int_equal(cit_body_peek(&b, &s), CIT_EIO);
    assert_int_equal(cit_body_peek(&b, &s), CIT_EIO);
    cit_body_fini(&b);
}

static void without_memory_it_fails_for_good(void **state)
{
    struct cit_body b;
    size_t n = 0;

    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        begin(&b, kind == 2 ? chunked : length_of(kind == 0 ? 100 : 1u << 20), &roomy);
        cit_mem_fail_at(2); /* the first is that of the pattern */
        assert_int_equal(kind == 2 ? feed_chunk(&b, 0, 10) : feed_pattern(&b, 0, 10), CIT_ENOMEM);
        cit_mem_fail_at(0);
        assert_int_equal(feed_pattern(&b, 0, 10), CIT_ENOMEM);
        cit_body_fini(&b);
    }
    begin(&b, length_of(100), &roomy);
    cit_mem_fail_at(1);
    assert_null(cit_body_space(&b, &n));
    cit_mem_fail_at(0);
    assert_int_equal(feed_pattern(&b, 0, 100), CIT_ENOMEM);
    cit_body_fini(&b);
}

static void a_file_is_made_where_there_are_no_unnamed_ones(void **state)
{
    char dir[] = "/tmp/cit-body-XXXXXX", longer[5000];
    struct stat st;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    fd = open_named(dir);
    assert_int_not_equal(fd, -1);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rmdir(dir), 0); /* nothing was left in it */
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(open_named(longer), -1);
    assert_int_equal(errno, ENAMETOOLONG);
}

static void the_directory_is_the_configured_one_then_tmpdir_then_tmp(void **state)
{
    (void)state;
    assert_int_equal(setenv("TMPDIR", "/var/tmp", 1), 0);
    assert_string_equal(cit_body_tmp_dir("/srv/tmp"), "/srv/tmp");
    assert_string_equal(cit_body_tmp_dir(NULL), "/var/tmp");
    assert_int_equal(setenv("TMPDIR", "", 1), 0);
    assert_string_equal(cit_body_tmp_dir(NULL), "/tmp");
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_string_equal(cit_body_tmp_dir(NULL), "/tmp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_a_body_is_complete_at_once),
        cmocka_unit_test(a_frame_that_ends_with_the_connection_is_refused),
        cmocka_unit_test(an_empty_struct_may_be_ended_and_so_may_an_ended_one),
        cmocka_unit_test(a_known_length_lies_in_memory_of_just_its_size),
        cmocka_unit_test(bytes_can_be_received_into_memory_directly),
        cmocka_unit_test(the_whole_body_in_an_owners_block_can_be_taken),
        cmocka_unit_test(a_body_begun_to_be_read_is_not_whole_any_more),
        cmocka_unit_test(an_owner_taken_back_early_leaves_a_body_that_drops_the_rest),
        cmocka_unit_test(storage_comes_too_late_once_there_are_bytes_and_never_for_long_or_chunked_bodies),
        cmocka_unit_test(a_chunked_body_has_a_length_when_it_is_complete),
        cmocka_unit_test(a_chunked_body_byte_by_byte_is_the_same),
        cmocka_unit_test(broken_chunking_keeps_what_came_before_and_says_why),
        cmocka_unit_test(a_length_over_the_limit_is_refused_before_a_byte_of_it),
        cmocka_unit_test(a_chunk_that_would_pass_the_limit_is_refused_when_it_is_announced),
        cmocka_unit_test(a_body_that_fits_the_limit_exactly_is_complete),
        cmocka_unit_test(a_long_body_has_a_window_in_memory_and_the_rest_in_a_file_without_a_name),
        cmocka_unit_test(what_was_read_of_the_file_is_given_back_to_the_file_system),
        cmocka_unit_test(a_chunked_body_grows_in_memory_first_and_then_goes_on_in_the_file),
        cmocka_unit_test(order_holds_while_bytes_come_and_are_read_at_once),
        cmocka_unit_test(the_same_holds_for_a_length_received_directly_and_fed),
        cmocka_unit_test(a_reader_that_keeps_up_never_causes_a_file_or_more_memory),
        cmocka_unit_test(the_file_is_written_over_again_once_all_of_it_was_read),
        cmocka_unit_test(what_peek_lent_stays_where_it_is_while_more_comes),
        cmocka_unit_test(a_discarded_body_is_counted_to_its_end_and_not_kept),
        cmocka_unit_test(discarding_keeps_the_limit_and_bytes_on_their_way),
        cmocka_unit_test(a_full_disk_ends_the_body_with_its_reason_and_keeps_what_was_stored),
        cmocka_unit_test(a_missing_directory_ends_the_body_with_its_reason),
        cmocka_unit_test(a_file_that_can_not_be_read_back_is_an_error_and_not_an_end),
        cmocka_unit_test(without_memory_it_fails_for_good),
        cmocka_unit_test(a_file_is_made_where_there_are_no_unnamed_ones),
        cmocka_unit_test(the_directory_is_the_configured_one_then_tmpdir_then_tmp),
    };

    return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
