/* tests/c/test_live.c - the view on a terminal (a real pseudo-terminal) of many sizes, and lines into a pipe. */
#include "load/live.c" /* NOLINT: the statics are tested */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <termios.h>

#include <cmocka.h>

#include "load_run.h"

static struct load_run run;
static char got[1 << 20];

static int start(void **state)
{
    (void)state;
    return load_run_init(&run) ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    load_run_fini(&run);
    return 0;
}

/* Both ends of a terminal. */
struct terminal {
    int master, slave;
};

static struct terminal open_terminal(void)
{
    struct terminal t = { .master = posix_openpt(O_RDWR | O_NOCTTY) };
    struct termios raw;

    assert_true(t.master != -1);
    assert_int_equal(grantpt(t.master), 0);
    assert_int_equal(unlockpt(t.master), 0);
    t.slave = open(ptsname(t.master), O_RDWR | O_NOCTTY);
    assert_true(t.slave != -1);
    assert_int_equal(tcgetattr(t.slave, &raw), 0);
    raw.c_oflag = 0; /* what is written is what is read */
    assert_int_equal(tcsetattr(t.slave, TCSANOW, &raw), 0);
    assert_int_equal(fcntl(t.master, F_SETFL, O_NONBLOCK), 0);
    return t;
}

static void close_terminal(const struct terminal *t)
{
    close(t->master);
    close(t->slave);
}

static void set_size(const struct terminal *t, unsigned columns, unsigned rows)
{
    struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };

    assert_int_equal(ioctl(t->master, TIOCSWINSZ, &size), 0);
}

/* What came out since the last time, with a NUL. */
static const char *read_all(int fd)
{
    size_t len = 0;
    ssize_t n;

    while ((n = read(fd, got + len, sizeof got - 1 - len)) > 0)
        len += (size_t)n;
    got[len] = '\0';
    return got;
}

/* Takes the escape sequences out of text. */
static void strip(char *text)
{
    char *to = text;

    while (*text != '\0') {
        if (*text != '\x1b') {
            *to++ = *text++;
            continue;
        }
        text += 2;
        while (*text != '\0' && (*text < '@' || *text > '~'))
            text++;
        text += *text != '\0';
    }
    *to = '\0';
}

/* A frame has at most so many lines, none longer than that; they are left in `got`. */
static void assert_frame(uint32_t columns, uint32_t rows)
{
    struct cit_slice rest, line;
    uint32_t lines = 0;

    assert_non_null(strstr(got, "\x1b[H\x1b[K"));
    strip(got);
    rest = cit_slice_str(got);
    while (cit_slice_split(&rest, '\n', &line)) {
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        assert_true(cit__columns_of(line) <= columns);
        lines++;
    }
    assert_true(lines <= rows);
}

static void the_view_fits_the_terminal_however_it_is_resized(void **state)
{
    struct terminal t = open_terminal();
    struct cit_live *l = NULL;

    (void)state;
    (void)setenv("LANG", "C.UTF-8", 1);
    set_size(&t, 80, 24);
    assert_int_equal(cit_live_open(t.slave, CIT_LIVE_SCREEN, &run.plan, &l), CIT_OK);
    assert_string_equal(read_all(t.master), "");
    cit_live_second(l, &run.second, &run.tally);
    assert_int_equal(strncmp(read_all(t.master), enter, sizeof enter - 1), 0);
    assert_frame(80, 24);
    assert_non_null(strstr(got, "http://[::1]:8000"));
    assert_non_null(strstr(got, "4 s of 10 s"));
    assert_non_null(strstr(got, "1,110 /s   █"));
    assert_non_null(strstr(got, "64 of 64 wanted"));
    assert_non_null(strstr(got, "codes     200: 1,000  500: 100"));
    assert_non_null(strstr(got, "errors    timeout: 10  status: 100"));
    assert_non_null(strstr(got, "\r\nlog in "));
    assert_non_null(strstr(got, "\nlog in: status: 500 instead of 200?[2J"));
    for (unsigned rows = 1; rows < 40; rows++) {
        set_size(&t, 200 - rows * 5, rows);
        cit_live_second(l, &run.second, &run.tally);
        assert_null(strstr(read_all(t.master), "?1049"));
        assert_frame(200 - rows * 5, rows);
        assert_int_equal(strstr(got, "\r\nstep") != NULL, rows >= 15); /* with a row, and a line for the others */
    }
    cit_live_close(l);
    assert_string_equal(read_all(t.master), leave);
    close_terminal(&t);
}

static void the_end_gives_the_screen_back_and_writes_below(void **state)
{
    struct terminal t = open_terminal();
    struct cit_live *l = NULL;
    const char *said;

    (void)state;
    set_size(&t, 100, 30);
    assert_int_equal(cit_live_open(t.slave, CIT_LIVE_SCREEN, &run.plan, &l), CIT_OK);
    cit_live_second(l, &run.second, &run.tally);
    (void)read_all(t.master);
    cit_live_end(l, &run.tally, &run.end);
    said = read_all(t.master);
    assert_int_equal(strncmp(said, leave, sizeof leave - 1), 0);
    assert_non_null(strstr(said, "1,110 requests in 10.0 s"));
    assert_null(strstr(said + sizeof leave, "\x1b[H"));
    cit_live_close(l);
    assert_string_equal(read_all(t.master), "");
    close_terminal(&t);
}

static void colours_are_not_for_no_color(void **state)
{
    struct terminal t = open_terminal();

    (void)state;
    set_size(&t, 100, 30);
    for (int i = 0; i < 2; i++) {
        struct cit_live *l = NULL;

        assert_int_equal(i == 0 ? unsetenv("NO_COLOR") : setenv("NO_COLOR", "1", 1), 0);
        assert_int_equal(cit_live_open(t.slave, CIT_LIVE_LINES, &run.plan, &l), CIT_OK);
        cit_live_end(l, &run.tally, &run.end);
        assert_int_equal(strstr(read_all(t.master), "\x1b[31m") != NULL, i == 0);
        cit_live_close(l);
    }
    unsetenv("NO_COLOR");
    close_terminal(&t);
}

static void the_mode_is_the_terminals(void **state)
{
    struct terminal t = open_terminal();
    int pipe_fds[2];

    (void)state;
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    assert_int_equal(cit_live_best(t.slave), CIT_LIVE_SCREEN);
    assert_int_equal(cit_live_best(pipe_fds[1]), CIT_LIVE_LINES);
    assert_int_equal(setenv("TERM", "dumb", 1), 0);
    assert_int_equal(cit_live_best(t.slave), CIT_LIVE_LINES);
    assert_int_equal(unsetenv("TERM"), 0);
    assert_int_equal(cit_live_best(t.slave), CIT_LIVE_LINES);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    close_terminal(&t);
}

static struct cit_live *lines_into(int fds[2])
{
    struct cit_live *l = NULL;

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(cit_live_open(fds[1], CIT_LIVE_LINES, &run.plan, &l), CIT_OK);
    return l;
}

static void close_lines(struct cit_live *l, const int fds[2])
{
    cit_live_close(l);
    close(fds[0]);
    close(fds[1]);
}

static void lines_have_a_second_each_and_each_kind_of_error_once(void **state)
{
    struct cit_load_second second = run.second;
    struct cit_tally quiet;
    int fds[2];
    struct cit_live *l = lines_into(fds);

    (void)state;
    cit_live_second(l, &run.second, &run.tally);
    assert_string_equal(read_all(fds[0]), "    4 s  64 users  1,110 /s  p50 450 ms  p99 989 ms  110 errors  5 waiting\n"
                                          "         log in: status: 500 instead of 200?[2J\n"
                                          "         never answered: timeout: no complete answer came in time\n");
    cit_live_second(l, &run.second, &run.tally);
    assert_string_equal(read_all(fds[0]),
                        "    4 s  64 users  1,110 /s  p50 450 ms  p99 989 ms  110 errors  5 waiting\n");
    assert_int_equal(cit_tally_init(&quiet, 3), CIT_OK);
    second.tally = &quiet;
    second.is_warm = true;
    second.end_ns = second.start_ns;
    cit_live_second(l, &second, &run.tally);
    assert_string_equal(read_all(fds[0]), "    3 s  0 users  0.00 /s  p50 -  p99 -  0 errors  (warm-up)\n");
    cit_tally_fini(&quiet);
    close_lines(l, fds);
}

static void nothing_is_shown_when_it_is_off_but_the_summary(void **state)
{
    struct cit_live *l = NULL;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(cit_live_open(fds[1], CIT_LIVE_OFF, &run.plan, &l), CIT_OK);
    cit_live_second(l, &run.second, &run.tally);
    assert_string_equal(read_all(fds[0]), "");
    cit_live_end(l, &run.tally, &run.end);
    assert_non_null(strstr(read_all(fds[0]), "1,110 requests in 10.0 s"));
    close_lines(l, fds);
}

static void a_reader_that_does_not_read_holds_nothing_up(void **state)
{
    int fds[2];
    struct cit_live *l = lines_into(fds);

    (void)state;
    assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    while (write(fds[1], got, 4096) > 0)
        continue;
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(fcntl(fds[1], F_SETFL, 0), 0);
    for (int i = 0; i < 100; i++)
        cit_live_second(l, &run.second, &run.tally); /* would block for ever */
    assert_int_equal(l->nrates, 100);
    close_lines(l, fds);
}

/* Forty steps, the last with errors, the one before with much time. */
static void the_steps_with_errors_and_time_are_shown_first(void **state)
{
    enum { STEPS = 40 };
    struct cit_slice names[STEPS];
    char name[STEPS][16];
    struct cit_load_plan plan = run.plan;
    struct cit_load_second second = run.second;
    struct cit_tally tally;
    struct terminal t = open_terminal();
    struct cit_live *l = NULL;

    (void)state;
    assert_int_equal(cit_tally_init(&tally, STEPS), CIT_OK);
    for (uint32_t i = 0; i < STEPS; i++) {
        struct cit_sample s = { i, CIT_FAULT_NONE, 200, 0, 0, i == STEPS - 2 ? 1000000000 : 1000, 1, 1 };

        (void)snprintf(name[i], sizeof name[i], "step %u.", i);
        names[i] = cit_slice_str(name[i]);
        s.fault = i == STEPS - 1 ? CIT_FAULT_ASSERT : CIT_FAULT_NONE;
        cit_tally_add(&tally, &s);
    }
    plan.row_name = names;
    plan.nrows = STEPS;
    second.tally = &tally;
    set_size(&t, 80, 20);
    assert_int_equal(cit_live_open(t.slave, CIT_LIVE_SCREEN, &plan, &l), CIT_OK);
    cit_live_second(l, &second, &tally);
    (void)read_all(t.master);
    assert_frame(80, 20);
    assert_non_null(strstr(got, "\r\nstep 39."));
    assert_true(strstr(got, "\r\nstep 39.") < strstr(got, "\r\nstep 38."));
    assert_non_null(strstr(got, "\r\nstep 0."));
    assert_null(strstr(got, "\r\nstep 37."));
    assert_non_null(strstr(got, " more"));
    cit_live_close(l);
    close_terminal(&t);
    cit_tally_fini(&tally);
}

static void the_plot_is_of_the_last_minute(void **state)
{
    struct cit_live l = { .is_utf8 = true };
    char plot[CIT__LINE_MAX];

    (void)state;
    plot_text(&l, 60, plot);
    assert_string_equal(plot, "");
    for (int i = 0; i < 100; i++)
        l.rate[l.nrates++ % PLOT] = i < 40 ? 1e9 : i < 98 ? 0 : i == 98 ? 50 : 100;
    plot_text(&l, 60, plot);
    assert_int_equal(cit__columns_of(cit_slice_str(plot)), 60);
    assert_string_equal(plot + 58, "▄█");
    plot_text(&l, 3, plot);
    assert_string_equal(plot, " ▄█");
    l.is_utf8 = false;
    plot_text(&l, 2, plot);
    assert_string_equal(plot, ":#");
}

static void without_memory_there_is_less_to_see_and_no_harm(void **state)
{
    struct cit_live *l = NULL;
    int fds[2];

    (void)state;
    for (unsigned long at = 1; at <= 2; at++) {
        cit_mem_fail_at(at);
        assert_int_equal(cit_live_open(1, CIT_LIVE_LINES, &run.plan, &l), CIT_ENOMEM);
        assert_null(l);
    }
    for (unsigned long at = 1; at <= 12; at++) {
        l = lines_into(fds);
        cit_mem_fail_at(at);
        cit_live_second(l, &run.second, &run.tally);
        cit_live_end(l, &run.tally, &run.end);
        cit_mem_fail_at(0);
        cit_live_second(l, &run.second, &run.tally);
        assert_non_null(strstr(read_all(fds[0]), "4 s  64 users"));
        close_lines(l, fds);
    }
    cit_live_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_view_fits_the_terminal_however_it_is_resized),
        cmocka_unit_test(the_end_gives_the_screen_back_and_writes_below),
        cmocka_unit_test(colours_are_not_for_no_color),
        cmocka_unit_test(the_mode_is_the_terminals),
        cmocka_unit_test(lines_have_a_second_each_and_each_kind_of_error_once),
        cmocka_unit_test(nothing_is_shown_when_it_is_off_but_the_summary),
        cmocka_unit_test(a_reader_that_does_not_read_holds_nothing_up),
        cmocka_unit_test(the_steps_with_errors_and_time_are_shown_first),
        cmocka_unit_test(the_plot_is_of_the_last_minute),
        cmocka_unit_test(without_memory_there_is_less_to_see_and_no_harm),
    };

    return cmocka_run_group_tests(tests, start, finish);
}
