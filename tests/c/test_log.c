/* Tests of serve/log.c: lines arrive whole and once, and nobody waits for a stuck reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/log.c"

#include <stdlib.h>
#include <sys/wait.h>

static char dir[] = "/tmp/cit-log-XXXXXX";
static char error_path[64], access_path[64];

static int make_dir(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(error_path, sizeof error_path, "%s/error", dir);
    (void)snprintf(access_path, sizeof access_path, "%s/access", dir);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    (void)unlink(error_path);
    (void)unlink(access_path);
    return 0;
}

static int remove_dir(void **state)
{
    (void)remove_files(state);
    return rmdir(dir);
}

/* The content of a file, to be freed. */
static char *content(const char *path)
{
    FILE *f = fopen(path, "re");
    struct stat st;
    char *text;
    size_t n;

    assert_non_null(f);
    assert_int_equal(stat(path, &st), 0);
    text = cit_malloc((size_t)st.st_size + 1);
    assert_non_null(text);
    n = fread(text, 1, (size_t)st.st_size, f);
    text[n] = '\0';
    assert_int_equal(fclose(f), 0);
    return text;
}

static void assert_contains(const char *path, const char *part)
{
    char *text = content(path);

    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %.2000s", part, text);
    cit_free(text);
}

static int count_lines(const char *path, const char *part)
{
    char *text = content(path);
    const char *end = text + strlen(text);
    int n = 0;

    /* Not strstr: ASan's measures the whole text at each call. */
    for (const char *p = text; (p = memmem(p, (size_t)(end - p), part, strlen(part))) != NULL; p += strlen(part))
        n++;
    cit_free(text);
    return n;
}

static struct cit_log *open_log(const char *errors, const char *access)
{
    struct cit_log *log = NULL;
    const char *bad = NULL;

    assert_int_equal(cit_log_new(errors, access, CIT_LOG_INFO, &log, &bad), CIT_OK);
    return log;
}

static void *writer_main(void *arg)
{
    cit_log_run(arg);
    return NULL;
}

static pthread_t start_writer(struct cit_log *log)
{
    pthread_t t;
    bool is_there = false;

    assert_int_equal(pthread_create(&t, NULL, writer_main, log), 0);
    while (!is_there) { /* so that what a test appends next is really the writer's */
        (void)usleep(1000);
        (void)pthread_mutex_lock(&log->lock);
        is_there = log->writer != ABSENT;
        (void)pthread_mutex_unlock(&log->lock);
    }
    return t;
}

static void stop_writer(struct cit_log *log, pthread_t t)
{
    cit_log_stop(log);
    assert_int_equal(pthread_join(t, NULL), 0);
}

static struct cit_log_counts counts_of(const struct cit_log *log)
{
    struct cit_log_counts c;

    cit_log_get_counts(log, &c);
    return c;
}

/* ---- lines ---- */

static void an_error_line_has_time_zone_pid_and_level(void **state)
{
    struct cit_log *log = open_log(error_path, NULL);
    char *text, end[64];
    int y, mo, d, h, mi, s, zone, pid, at = 0;

    (void)state;
    cit_log_printf(log, CIT_LOG_WARNING, "%d of %s", 3, "four");
    cit_log_free(log);
    text = content(error_path);
    assert_int_equal(sscanf(text, "[%4d-%2d-%2d %2d:%2d:%2d %5d] [%d] %n", &y, &mo, &d, &h, &mi, &s, &zone, &pid, &at),
                     8);
    assert_int_equal(pid, getpid());
    assert_true(y >= 2024);
    assert_int_equal(at, snprintf(end, sizeof end, "[2026-11-21 11:02:03 +0000] [%d] ", pid));
    assert_string_equal(text + at, "[WARNING] 3 of four\n");
    cit_free(text);
}

static void lines_below_the_level_are_not_written(void **state)
{
    struct cit_log *log = open_log(error_path, NULL);
    char *text;

    (void)state;
    assert_false(cit_log_enabled(log, CIT_LOG_VERBOSE));
    assert_true(cit_log_enabled(log, CIT_LOG_INFO));
    cit_log_printf(log, CIT_LOG_DEBUG, "no");
    cit_log_text(log, CIT_LOG_VERBOSE, cit_slice_str("no"));
    text = content(error_path);
    assert_string_equal(text, "");
    cit_free(text);
    cit_log_free(log);
}

static void no_bytes_of_a_peer_forge_a_line(void **state)
{
    struct cit_log *log = open_log(error_path, NULL);

    (void)state;
    cit_log_printf(log, CIT_LOG_ERROR, "bad path /%s", "a\r\n[2026] \x1b[2J\x7f\xc3\xa9");
    cit_log_free(log);
    assert_contains(error_path, "bad path /a\\x0d\\x0a[2026] \\x1b[2J\\x7f\\xc3\\xa9\n");
    assert_int_equal(count_lines(error_path, "\n"), 1);
}

static void a_text_of_several_lines_stays_one_record_with_its_newlines(void **state)
{
    struct cit_log *log = open_log(error_path, NULL);

    (void)state;
    cit_log_text(log, CIT_LOG_ERROR, cit_slice_str("Traceback:\n\tline \xc3\xa9\n\x1b[2J"));
    cit_log_free(log);
    assert_contains(error_path, "[ERROR] Traceback:\n\tline \xc3\xa9\n\\x1b[2J\n");
}

static void a_long_line_is_cut_at_the_bound_and_says_so(void **state)
{
    struct cit_log *log = open_log(error_path, access_path);
    char *big = cit_malloc(40000), *text;

    (void)state;
    assert_non_null(big);
    memset(big, 'x', 40000);
    big[39999] = '\0';
    cit_log_printf(log, CIT_LOG_ERROR, "%s", big);
    cit_log_access(log, cit_slice_str(big));
    memset(big, '\n', 39999);
    cit_log_printf(log, CIT_LOG_ERROR, "%s", big);
    cit_log_printf(log, CIT_LOG_ERROR, "%.3000s", big);
    text = content(error_path);
    assert_in_range(strchr(text, '\n') - text, CIT_LOG_LINE_MAX - 8, CIT_LOG_LINE_MAX - 1);
    assert_memory_equal(strchr(text, '\n') - 4, "x...", 4);
    cit_free(text);
    assert_int_equal(count_lines(error_path, "\n"), 3);
    assert_int_equal(count_lines(error_path, "...\n"), 2);
    text = content(access_path);
    assert_int_equal(strlen(text), CIT_LOG_LINE_MAX);
    cit_free(text);
    cit_free(big);
    cit_log_free(log);
}

static void every_cut_lies_within_the_room(void **state)
{
    char text[40], to[64];

    (void)state;
    for (size_t n = 0; n < sizeof text; n++) {
        for (size_t plain = 0; plain <= n; plain++) {
            memset(text, 'a', n);
            memset(text + plain, '\n', n - plain);
            for (size_t room = 8; room < sizeof to; room++) {
                size_t got = put_escaped(to, room, cit_slice(text, n), false), need = plain + 4 * (n - plain);

                assert_true(got <= room);
                assert_int_equal(need <= room, got == need && (got < 3 || memcmp(to + got - 3, "...", 3) != 0));
            }
        }
    }
}

static void an_access_line_is_written_as_it_is(void **state)
{
    struct cit_log *log = open_log(NULL, access_path);
    char *text;

    (void)state;
    assert_true(cit_log_has_access(log));
    cit_log_access(log, CIT_SLICE_LIT("127.0.0.1 - - \"GET / HTTP/1.1\" 200 5"));
    cit_log_access(log, CIT_SLICE_LIT(""));
    cit_log_printf(log, CIT_LOG_ERROR, "there is no error log");
    cit_log_free(log);
    text = content(access_path);
    assert_string_equal(text, "127.0.0.1 - - \"GET / HTTP/1.1\" 200 5\n\n");
    cit_free(text);
}

static void no_log_at_all_takes_nothing(void **state)
{
    struct cit_log *log = open_log(NULL, NULL);

    (void)state;
    assert_false(cit_log_has_access(log));
    cit_log_access(log, CIT_SLICE_LIT("x"));
    cit_log_access(NULL, CIT_SLICE_LIT("x"));
    cit_log_printf(NULL, CIT_LOG_ERROR, "x");
    assert_false(cit_log_enabled(NULL, CIT_LOG_CRITICAL));
    assert_false(cit_log_has_access(NULL));
    assert_int_equal(counts_of(log).written[CIT_LOG_ACCESS], 0);
    cit_log_free(log);
    cit_log_free(NULL);
}

static void levels_have_gunicorns_names(void **state)
{
    (void)state;
    assert_int_equal(cit_log_level_parse("debug"), CIT_LOG_DEBUG);
    assert_int_equal(cit_log_level_parse("critical"), CIT_LOG_CRITICAL);
    assert_int_equal(cit_log_level_parse("INFO"), -1);
    assert_int_equal(cit_log_level_parse(""), -1);
}

/* ---- the writer ---- */

enum { APPENDERS = 4, EACH = 5000 };

static void *append_many(void *arg)
{
    struct cit_log *log = arg;

    for (int i = 0; i < EACH; i++) {
        char line[64];

        cit_log_access(log, cit_slice(line, (size_t)snprintf(line, sizeof line, "line %d is whole", i)));
        if (i % 500 == 0)
            (void)usleep(2000);
    }
    return NULL;
}

static void many_threads_append_and_each_line_arrives_whole_and_once(void **state)
{
    struct cit_log *log = open_log(error_path, access_path);
    pthread_t w = start_writer(log), t[APPENDERS];

    (void)state;
    for (int i = 0; i < APPENDERS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, append_many, log), 0);
    for (int i = 0; i < APPENDERS; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    stop_writer(log, w);
    assert_int_equal(counts_of(log).dropped[CIT_LOG_ACCESS], 0);
    assert_int_equal(counts_of(log).written[CIT_LOG_ACCESS], APPENDERS * EACH);
    assert_int_equal(count_lines(access_path, "\n"), APPENDERS * EACH);
    assert_int_equal(count_lines(access_path, " is whole\n"), APPENDERS * EACH);
    assert_int_equal(count_lines(access_path, "line 4711 is whole\n"), APPENDERS);
    cit_log_free(log);
}

static void flush_waits_until_what_was_appended_is_written(void **state)
{
    struct cit_log *log = open_log(error_path, access_path);
    pthread_t w = start_writer(log);

    (void)state;
    for (int i = 1; i < 20; i++) {
        int64_t began = cit_clock_now_ns();

        cit_log_access(log, CIT_SLICE_LIT("a"));
        cit_log_printf(log, CIT_LOG_INFO, "e");
        cit_log_flush(log, 5000);
        assert_true(cit_clock_now_ns() - began < 4 * CIT_SEC_NS);
        assert_int_equal(count_lines(access_path, "a\n"), i);
        assert_int_equal(count_lines(error_path, "e\n"), i);
    }
    stop_writer(log, w);
    cit_log_flush(log, 1000); /* without a writer there is nothing to wait for */
    cit_log_free(log);
}

static void a_line_appended_to_an_idle_log_is_written_by_itself(void **state)
{
    struct cit_log *log = open_log(NULL, access_path);
    pthread_t w = start_writer(log);

    (void)state;
    (void)usleep(60000); /* past the linger: the writer sleeps without end */
    cit_log_access(log, CIT_SLICE_LIT("a"));
    for (int i = 0; i < 2000 && counts_of(log).written[CIT_LOG_ACCESS] == 0; i++)
        (void)usleep(1000);
    assert_int_equal(counts_of(log).written[CIT_LOG_ACCESS], 1);
    stop_writer(log, w);
    cit_log_free(log);
}

static void a_writer_told_to_stop_before_it_began_flushes_and_ends(void **state)
{
    struct cit_log *log = open_log(NULL, access_path);

    (void)state;
    cit_log_stop(log);
    cit_log_run(log);
    cit_log_access(log, CIT_SLICE_LIT("after the end"));
    assert_int_equal(count_lines(access_path, "after the end\n"), 1);
    cit_log_free(log);
}

/* ---- sinks ---- */

struct seen {
    int lines[CIT_LOG_KINDS];
    enum cit_log_level level;
    char text[64];
    struct cit_log *log; /* appended to from within the sink, once */
};

static void see(void *ctx, enum cit_log_kind kind, enum cit_log_level level, struct cit_slice line)
{
    struct seen *s = ctx;

    s->lines[kind]++;
    s->level = level;
    (void)snprintf(s->text, sizeof s->text, "%.*s", CIT_SLICE_ARG(line));
    if (s->log != NULL)
        cit_log_printf(s->log, CIT_LOG_INFO, "from within");
    s->log = NULL;
}

static void a_sink_gets_the_bare_text_with_kind_and_level(void **state)
{
    struct cit_log *log = open_log(error_path, NULL);
    struct seen s = { .lines = { 0 } };
    pthread_t w;

    (void)state;
    cit_log_set_sink(log, CIT_LOG_ERRORS, see, &s);
    cit_log_set_sink(log, CIT_LOG_ACCESS, see, &s);
    assert_true(cit_log_has_access(log));
    cit_log_printf(log, CIT_LOG_INFO, "too early for a sink");
    assert_contains(error_path, "[INFO] too early for a sink\n");
    w = start_writer(log);
    cit_log_text(log, CIT_LOG_CRITICAL, cit_slice_str("two\nlines"));
    cit_log_flush(log, 5000);
    assert_int_equal(s.lines[CIT_LOG_ERRORS], 1);
    assert_int_equal(s.level, CIT_LOG_CRITICAL);
    assert_string_equal(s.text, "two\nlines");
    cit_log_access(log, CIT_SLICE_LIT("GET /"));
    cit_log_flush(log, 5000);
    assert_int_equal(s.lines[CIT_LOG_ACCESS], 1);
    assert_string_equal(s.text, "GET /");
    cit_log_set_sink(log, CIT_LOG_ERRORS, NULL, NULL);
    cit_log_printf(log, CIT_LOG_INFO, "to the file again");
    stop_writer(log, w);
    assert_contains(error_path, "[INFO] to the file again\n");
    assert_int_equal(s.lines[CIT_LOG_ERRORS], 1);
    cit_log_free(log);
}

static void a_sink_may_log_itself(void **state)
{
    struct cit_log *log = open_log(error_path, NULL);
    struct seen s = { .log = log };
    pthread_t w;

    (void)state;
    cit_log_set_sink(log, CIT_LOG_ERRORS, see, &s);
    w = start_writer(log);
    cit_log_printf(log, CIT_LOG_INFO, "first");
    stop_writer(log, w);
    assert_int_equal(s.lines[CIT_LOG_ERRORS], 2);
    assert_string_equal(s.text, "from within");
    cit_log_free(log);
}

static void lines_of_a_sink_taken_away_with_nowhere_to_go_are_counted(void **state)
{
    struct cit_log *log = open_log(NULL, NULL);
    struct seen s = { .lines = { 0 } };

    (void)state;
    cit_log_set_sink(log, CIT_LOG_ACCESS, see, &s);
    cit_log_access(log, CIT_SLICE_LIT("no writer, no file"));
    assert_int_equal(counts_of(log).dropped[CIT_LOG_ACCESS], 1);
    assert_int_equal(s.lines[CIT_LOG_ACCESS], 0);
    cit_log_set_sink(log, CIT_LOG_ACCESS, NULL, NULL);
    assert_false(cit_log_has_access(log));
    cit_log_free(log);
}

/* ---- pipes ---- */

/* A log whose access lines go to a pipe of which the reading end is given back. */
static struct cit_log *open_pipe_log(int *reader, bool is_blocking)
{
    struct cit_log *log = open_log(error_path, NULL);
    int p[2];

    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    if (!is_blocking)
        assert_int_equal(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
    log->ring[CIT_LOG_ACCESS].fd = p[1];
    log->ring[CIT_LOG_ACCESS].is_wanted = true;
    *reader = p[0];
    return log;
}

static void fill(struct cit_log *log, int lines)
{
    static const char text[] = "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 012345678";

    for (int i = 0; i < lines; i++)
        cit_log_access(log, cit_slice_str(text));
}

/* All the lines that the error log says were dropped. */
static uint64_t sum_of_said(const char *path)
{
    char *text = content(path);
    uint64_t sum = 0;

    for (char *p = text; (p = strstr(p, "[WARNING] ")) != NULL;) {
        p += strlen("[WARNING] ");
        if (strncmp(p + strspn(p, "0123456789"), " access lines were dropped", 26) == 0)
            sum += strtoull(p, NULL, 10);
    }
    cit_free(text);
    return sum;
}

static void a_full_pipe_drops_and_counts_and_the_error_log_goes_on(void **state)
{
    (void)state;
    for (int is_blocking = 0; is_blocking < 2; is_blocking++) {
        int reader;
        struct cit_log *log = open_pipe_log(&reader, is_blocking);
        pthread_t w = start_writer(log);
        int64_t began = cit_clock_now_ns();

        fill(log, 60000); /* of 80 bytes: more than the pipe and both halves of the ring hold */
        assert_true(cit_clock_now_ns() - began < 2 * CIT_SEC_NS);
        assert_true(counts_of(log).dropped[CIT_LOG_ACCESS] > 1000);
        cit_log_printf(log, CIT_LOG_ERROR, "beside it");
        for (int i = 0; i < 2000 && counts_of(log).written[CIT_LOG_ERRORS] < 2; i++)
            (void)usleep(1000);
        assert_contains(error_path, "beside it");
        assert_contains(error_path, " access lines were dropped: the log can't be written fast enough");
        began = cit_clock_now_ns();
        stop_writer(log, w); /* one last try of a second, however stuck */
        assert_true(cit_clock_now_ns() - began < 3 * CIT_SEC_NS);
        assert_int_equal(counts_of(log).dropped[CIT_LOG_ACCESS] + counts_of(log).written[CIT_LOG_ACCESS], 60000);
        assert_int_equal(counts_of(log).dropped[CIT_LOG_ACCESS], sum_of_said(error_path));
        assert_int_equal(close(reader), 0);
        cit_log_free(log);
        (void)remove_files(NULL);
    }
}

static void a_pipe_that_is_read_slowly_gets_every_line_in_order_and_whole(void **state)
{
    int reader;
    struct cit_log *log = open_pipe_log(&reader, false);
    pthread_t w = start_writer(log);
    char *got = cit_malloc(1u << 20), expect[32], *at = got;
    size_t n = 0;

    (void)state;
    assert_non_null(got);
    for (int i = 0; i < 20000; i++)
        cit_log_access(log, cit_slice(expect, (size_t)snprintf(expect, sizeof expect, "line %d", i)));
    while (n < (1u << 20) - 1 && counts_of(log).written[CIT_LOG_ACCESS] < 20000) {
        struct pollfd p = { .fd = reader, .events = POLLIN };

        if (poll(&p, 1, 5) == 1)
            n += (size_t)read(reader, got + n, 5000);
    }
    stop_writer(log, w);
    cit_log_free(log); /* the writing end is closed with it */
    for (ssize_t r; n < (1u << 20) - 1 && (r = read(reader, got + n, (1u << 20) - 1 - n)) > 0;)
        n += (size_t)r;
    got[n] = '\0';
    for (int i = 0; i < 20000; i++) {
        size_t len = (size_t)snprintf(expect, sizeof expect, "line %d\n", i);

        assert_memory_equal(at, expect, len);
        at += len;
    }
    assert_int_equal(*at, '\0');
    cit_free(got);
    assert_int_equal(close(reader), 0);
}

static void without_a_writer_a_full_pipe_costs_one_second_once(void **state)
{
    int reader;
    struct cit_log *log = open_pipe_log(&reader, false);
    char junk[65536] = { 0 };
    int64_t began;

    (void)state;
    while (write(log->ring[CIT_LOG_ACCESS].fd, junk, sizeof junk) > 0)
        continue;
    began = cit_clock_now_ns();
    fill(log, 100);
    assert_true(cit_clock_now_ns() - began < 2 * CIT_SEC_NS);
    assert_int_equal(counts_of(log).dropped[CIT_LOG_ACCESS], 100);
    assert_true(read(reader, junk, sizeof junk) > 0);
    fill(log, 1);
    assert_int_equal(counts_of(log).written[CIT_LOG_ACCESS], 1);
    assert_contains(error_path, "100 access lines were dropped");
    assert_int_equal(close(reader), 0);
    cit_log_free(log);
}

static void a_reader_that_went_away_is_an_error_and_no_signal(void **state)
{
    int reader;
    struct cit_log *log = open_pipe_log(&reader, false);
    pthread_t w;

    (void)state;
    assert_int_equal(close(reader), 0);
    fill(log, 1);
    assert_contains(error_path, "1 access lines were lost: the log can't be written: Broken pipe");
    w = start_writer(log);
    fill(log, 10);
    stop_writer(log, w);
    assert_int_equal(counts_of(log).dropped[CIT_LOG_ACCESS], 11);
    assert_int_equal(count_lines(error_path, "\n"), 1); /* said once a minute */
    cit_log_free(log);
}

static void standard_output_that_is_a_pipe_is_not_made_non_blocking_for_others(void **state)
{
    int p[2], kept = dup(STDOUT_FILENO);
    struct cit_log *log;
    char got[8];

    (void)state;
    assert_int_equal(pipe(p), 0);
    assert_int_not_equal(dup2(p[1], STDOUT_FILENO), -1);
    log = open_log(NULL, "-");
    assert_int_equal(fcntl(p[1], F_GETFL) & O_NONBLOCK, 0);
    assert_int_not_equal(fcntl(log->ring[CIT_LOG_ACCESS].fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_not_equal(dup2(kept, STDOUT_FILENO), -1);
    cit_log_access(log, CIT_SLICE_LIT("line"));
    assert_int_equal(read(p[0], got, sizeof got), 5);
    assert_memory_equal(got, "line\n", 5);
    cit_log_free(log);
    assert_int_equal(close(p[0]) | close(p[1]) | close(kept), 0);
}

static void a_closed_standard_error_is_no_log(void **state)
{
    int kept = dup(STDERR_FILENO);
    struct cit_log *log = NULL;
    const char *bad = NULL;
    int err;

    (void)state;
    assert_int_equal(close(STDERR_FILENO), 0);
    err = cit_log_new("-", NULL, CIT_LOG_INFO, &log, &bad);
    assert_int_not_equal(dup2(kept, STDERR_FILENO), -1);
    assert_int_equal(err, CIT_OK);
    cit_log_printf(log, CIT_LOG_ERROR, "nowhere");
    assert_int_equal(counts_of(log).written[CIT_LOG_ERRORS], 0);
    cit_log_free(log);
    assert_int_equal(close(kept), 0);
}

/* ---- files ---- */

static void a_full_disk_is_said_and_counted_and_not_fatal(void **state)
{
    struct cit_log *log = open_log(error_path, "/dev/full");
    pthread_t w = start_writer(log);

    (void)state;
    fill(log, 5);
    cit_log_flush(log, 5000);
    fill(log, 5);
    stop_writer(log, w);
    assert_int_equal(counts_of(log).dropped[CIT_LOG_ACCESS], 10);
    assert_contains(error_path, "5 access lines were lost: the log can't be written: No space left on device");
    assert_int_equal(count_lines(error_path, "\n"), 1);
    cit_log_free(log);
}

static void a_log_is_opened_again_while_it_is_written(void **state)
{
    struct cit_log *log = open_log(error_path, access_path);
    pthread_t w = start_writer(log), t;
    char moved[128];
    int total = 0;

    (void)state;
    assert_int_equal(pthread_create(&t, NULL, append_many, log), 0);
    for (int i = 0; i < 10; i++) {
        (void)usleep(3000);
        (void)snprintf(moved, sizeof moved, "%s.%d", access_path, i);
        assert_int_equal(rename(access_path, moved), 0);
        cit_log_reopen(log);
    }
    assert_int_equal(pthread_join(t, NULL), 0);
    stop_writer(log, w);
    cit_log_free(log);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(moved, sizeof moved, "%s.%d", access_path, i);
        total += count_lines(moved, " is whole\n");
        assert_int_equal(unlink(moved), 0);
    }
    assert_int_equal(total + count_lines(access_path, " is whole\n"), EACH);
}

static void a_log_that_can_not_be_opened_again_goes_on_in_the_old_file(void **state)
{
    struct cit_log *log = open_log(error_path, access_path);
    char moved[128];

    (void)state;
    (void)snprintf(moved, sizeof moved, "%s.old", access_path);
    assert_int_equal(rename(access_path, moved), 0);
    assert_int_equal(mkdir(access_path, 0700), 0); /* a directory can't be opened for writing */
    cit_log_reopen(log);
    cit_log_access(log, CIT_SLICE_LIT("still here"));
    assert_contains(moved, "still here\n");
    assert_contains(error_path, "the access log goes on in the old file: Is a directory");
    assert_int_equal(rmdir(access_path), 0);
    assert_int_equal(unlink(moved), 0);
    cit_log_free(log);
}

static void a_path_that_can_not_be_opened_is_named(void **state)
{
    struct cit_log *log = (void *)&log;
    const char *bad = NULL;
    char fifo[128];

    (void)state;
    assert_int_equal(cit_log_new(error_path, "/nonexistent/access", CIT_LOG_INFO, &log, &bad), CIT_ENOENT);
    assert_string_equal(bad, "/nonexistent/access");
    assert_ptr_equal(log, &log);
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    bad = NULL;
    assert_int_not_equal(cit_log_new(fifo, NULL, CIT_LOG_INFO, &log, &bad), CIT_OK); /* and does not wait */
    assert_ptr_equal(bad, fifo);
    assert_int_equal(unlink(fifo), 0);
}

/* ---- processes and memory ---- */

static void a_child_forgets_the_parents_writer_and_lines(void **state)
{
    struct cit_log *log = open_log(error_path, access_path);
    pthread_t w = start_writer(log);
    int status = 0;
    pid_t pid;

    (void)state;
    (void)pthread_mutex_lock(&log->lock); /* the worst moment */
    pid = fork();
    if (pid == 0) {
        cit_log_after_fork(log);
        cit_log_printf(log, CIT_LOG_INFO, "from the child");
        _exit(counts_of(log).written[CIT_LOG_ERRORS] == 1 ? 0 : 1);
    }
    (void)pthread_mutex_unlock(&log->lock);
    assert_int_not_equal(pid, -1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    stop_writer(log, w);
    assert_int_equal(count_lines(error_path, "from the child"), 1);
    cit_log_free(log);
}

static void every_allocation_may_fail(void **state)
{
    struct cit_log *log = (void *)&log;
    const char *bad = NULL;
    unsigned long n = 1;
    int err;

    (void)state;
    for (;; n++) {
        cit_mem_fail_at(n);
        err = cit_log_new(error_path, access_path, CIT_LOG_INFO, &log, &bad);
        cit_mem_fail_at(0);
        if (err == CIT_OK)
            break;
        assert_int_equal(err, CIT_ENOMEM);
        assert_ptr_equal(log, &log);
        assert_null(bad);
    }
    assert_int_equal(n, 8); /* the log, four halves, two paths, and then none failed */
    cit_mem_fail_at(1);
    cit_log_printf(log, CIT_LOG_INFO, "%01000d", 7); /* without memory it is cut */
    cit_mem_fail_at(0);
    assert_contains(error_path, "00000000\n");
    cit_log_free(log);
}

int main(void)
{
#define WITH_FILES(test) cmocka_unit_test_teardown(test, remove_files)
    const struct CMUnitTest tests[] = {
        WITH_FILES(an_error_line_has_time_zone_pid_and_level),
        WITH_FILES(lines_below_the_level_are_not_written),
        WITH_FILES(no_bytes_of_a_peer_forge_a_line),
        WITH_FILES(a_text_of_several_lines_stays_one_record_with_its_newlines),
        WITH_FILES(a_long_line_is_cut_at_the_bound_and_says_so),
        WITH_FILES(every_cut_lies_within_the_room),
        WITH_FILES(an_access_line_is_written_as_it_is),
        WITH_FILES(no_log_at_all_takes_nothing),
        WITH_FILES(levels_have_gunicorns_names),
        WITH_FILES(many_threads_append_and_each_line_arrives_whole_and_once),
        WITH_FILES(flush_waits_until_what_was_appended_is_written),
        WITH_FILES(a_line_appended_to_an_idle_log_is_written_by_itself),
        WITH_FILES(a_writer_told_to_stop_before_it_began_flushes_and_ends),
        WITH_FILES(a_sink_gets_the_bare_text_with_kind_and_level),
        WITH_FILES(a_sink_may_log_itself),
        WITH_FILES(lines_of_a_sink_taken_away_with_nowhere_to_go_are_counted),
        WITH_FILES(a_full_pipe_drops_and_counts_and_the_error_log_goes_on),
        WITH_FILES(a_pipe_that_is_read_slowly_gets_every_line_in_order_and_whole),
        WITH_FILES(without_a_writer_a_full_pipe_costs_one_second_once),
        WITH_FILES(a_reader_that_went_away_is_an_error_and_no_signal),
        WITH_FILES(standard_output_that_is_a_pipe_is_not_made_non_blocking_for_others),
        WITH_FILES(a_closed_standard_error_is_no_log),
        WITH_FILES(a_full_disk_is_said_and_counted_and_not_fatal),
        WITH_FILES(a_log_is_opened_again_while_it_is_written),
        WITH_FILES(a_log_that_can_not_be_opened_again_goes_on_in_the_old_file),
        WITH_FILES(a_path_that_can_not_be_opened_is_named),
        WITH_FILES(a_child_forgets_the_parents_writer_and_lines),
        WITH_FILES(every_allocation_may_fail),
    };
#undef WITH_FILES

    return cmocka_run_group_tests_name("log", tests, make_dir, remove_dir);
}
