/* Tests of serve/super_watch.c with a clock of their own: loops that stand, back-off, names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "serve/super_watch.c"

static char log_path[] = "/tmp/test_super_watch_XXXXXX";
static struct cit_conf conf;

static int set_up(void **state)
{
    (void)state;
    cit_conf_defaults(&conf);
    return truncate(log_path, 0);
}

static bool log_has(const char *text)
{
    char all[4096];
    int fd = open(log_path, O_RDONLY);
    ssize_t n = fd == -1 ? 0 : read(fd, all, sizeof all - 1);

    if (fd != -1)
        close(fd);
    all[n > 0 ? n : 0] = '\0';
    return strstr(all, text) != NULL;
}

static struct cit_super one;
static struct cit_super_kid one_kid;
static struct cit_super_place one_place;

/* A supervisor of one ready worker, which is a sleeping process. */
static void open_one(void)
{
    const char *bad;

    memset(&one, 0, sizeof one);
    one.conf = conf;
    one.kids = &one_kid;
    one.places = &one_place;
    one.kids_used = one.workers = 1;
    one.now_ns = 1000 * CIT_SEC_NS;
    one_place = (struct cit_super_place){ .has_worker = true };
    assert_int_equal(cit_log_new(log_path, NULL, CIT_LOG_DEBUG, &one.log, &bad), CIT_OK);
    assert_int_equal(cit_board_new(1, &one.board), CIT_OK);
    one_kid = (struct cit_super_kid){ .state = CIT_KID_READY, .ctl_fd = -1, .kill_at_ns = CIT_SUPER_NEVER };
    one_kid.was_ready = true;
    one_kid.born_ns = one_kid.ready_ns = one.now_ns;
    one_kid.pid = fork();
    while (one_kid.pid == 0)
        poll(NULL, 0, 60000);
}

static void close_one(void)
{
    cit_board_free(one.board);
    cit_log_free(one.log);
}

static void reap_one(void)
{
    while (one_kid.state != CIT_KID_EMPTY) {
        poll(NULL, 0, 2);
        cit__super_reap(&one);
    }
}

static void a_loop_that_stands_is_looked_at_twice_and_killed(void **state)
{
    _Atomic int64_t *beat;

    (void)state;
    conf.timeout_ms = 20000;
    open_one();
    beat = &one.board->slot[0].beat_ns;
    assert_int_equal(cit__super_next_ns(&one), CIT_SUPER_NEVER); /* it has not beaten yet */
    atomic_store(beat, one.now_ns);
    assert_int_equal(cit__super_next_ns(&one), one.now_ns + 40 * CIT_SEC_NS + CIT_MS_NS);
    one.now_ns += 41 * CIT_SEC_NS;
    cit__super_check_times(&one);
    assert_int_equal(cit__super_next_ns(&one), one.now_ns + 2 * CIT_SEC_NS);
    atomic_store(beat, one.now_ns); /* it only slept */
    one.now_ns += 2 * CIT_SEC_NS;
    cit__super_check_times(&one);
    assert_int_equal(one_kid.suspect_ns, 0);
    one.now_ns += 41 * CIT_SEC_NS;
    cit__super_check_times(&one);
    one.now_ns += 2 * CIT_SEC_NS;
    cit__super_check_times(&one);
    assert_true(one_kid.was_killed);
    reap_one();
    assert_true(log_has("is stuck (no turn of its loop for 45 s)"));
    assert_int_equal(one_place.delay_ms, 0);
    close_one();
}

static void without_a_request_limit_no_loop_is_watched(void **state)
{
    (void)state;
    conf.timeout_ms = 0;
    open_one();
    atomic_store(&one.board->slot[0].beat_ns, 1);
    one.now_ns += 3600 * CIT_SEC_NS;
    cit__super_check_times(&one);
    assert_int_equal(one_kid.suspect_ns, 0);
    kill(one_kid.pid, SIGKILL);
    reap_one();
    close_one();
}

static void back_off_doubles_to_five_seconds_and_is_forgotten_in_ten(void **state)
{
    static const int64_t delays[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000 };
    struct cit_super_kid k = { 0 };

    (void)state;
    memset(&one, 0, sizeof one);
    memset(&one_place, 0, sizeof one_place);
    one.places = &one_place;
    one.now_ns = 100 * CIT_SEC_NS;
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        note_age(&one, &k);
        assert_int_equal(one_place.spawn_at_ns, one.now_ns + delays[i] * CIT_MS_NS);
    }
    k.was_ready = true;
    k.ready_ns = one.now_ns - 5 * CIT_SEC_NS;
    note_age(&one, &k);
    assert_int_equal(one_place.delay_ms, 5000);
    k.ready_ns = one.now_ns - 10 * CIT_SEC_NS;
    note_age(&one, &k);
    assert_int_equal(one_place.spawn_at_ns, one.now_ns);
}

static void signals_have_names(void **state)
{
    char buf[32];

    (void)state;
    assert_string_equal(cit__super_sig_name(SIGKILL, buf), "SIGKILL");
    assert_string_equal(cit__super_sig_name(SIGTERM, buf), "SIGTERM");
    assert_string_equal(cit__super_sig_name(63, buf), "signal 63");
}

static int open_all(void **state)
{
    int fd = mkstemp(log_path);

    (void)state;
    return fd == -1 ? -1 : close(fd);
}

static int close_all(void **state)
{
    (void)state;
    return unlink(log_path);
}

#define WITH_CONF(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CONF(a_loop_that_stands_is_looked_at_twice_and_killed),
        WITH_CONF(without_a_request_limit_no_loop_is_watched),
        WITH_CONF(back_off_doubles_to_five_seconds_and_is_forgotten_in_ten),
        WITH_CONF(signals_have_names),
    };

    return cmocka_run_group_tests_name("super_watch", tests, open_all, close_all);
}
