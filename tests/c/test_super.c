/* Tests of the supervisor (serve/super*.c) with real processes, sockets and signals.
 *
 *      the test ── signals ──> a supervisor process ── forks ──> small workers
 *         └──── reads ──── `stage`: what workers noted, shared memory; and the log file
 *
 * A worker does what stage->mode says when it starts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "serve/super.c"

enum mode {
    SERVES,        /* answers each connection with its pid */
    DEAF,          /* serves, but hears no order; a request is with its application */
    LOADS_NOT,     /* says so and leaves with CIT_EXIT_APP */
    LEAVES,        /* at once, with status 7 */
    STARTS_SLOWLY, /* never becomes ready */
    IS_FULL,       /* asks for a successor as soon as it is ready */
    EXITS_BUSY,    /* ready, then _exit(3) with a request at hand */
    SHUTS_ITS_EAR, /* ready, then closes its control socket and stays */
};

enum { NOTES = 4096, PATIENCE_MS = 5000 };

struct note {
    char what; /* S started, R ready, T drain, Q quit, L reopen, E end of input */
    pid_t pid;
    int index;
};

static struct stage {
    atomic_int mode;
    atomic_int reload_fails, reload_workers;
    atomic_int count;
    struct note note[NOTES];
} * stage;

static char dir[] = "/tmp/test_super_XXXXXX";
static char log_path[64], pid_path[64], bind_text[64];
static pid_t super;
static struct cit_conf conf;

/* ---- workers ---- */

static void jot(char what, const struct cit_worker_env *env)
{
    int i = atomic_load(&stage->count);

    while (!atomic_compare_exchange_weak(&stage->count, &i, i + 1))
        ;
    if (i < NOTES) {
        stage->note[i].pid = getpid();
        stage->note[i].index = env->index;
        stage->note[i].what = what;
    }
}

static void send_up(const struct cit_worker_env *env, char what)
{
    if (what == CIT_CTL_READY)
        jot('R', env); /* before the supervisor can act on it */
    if (write(env->ctl_fd, &what, 1) != 1)
        _exit(98); /* no assertion in a child: it would run the rest of the tests */
}

static void take_request(const struct cit_worker_env *env, const char *text)
{
    struct cit_board_now *now = &env->slot->now[2];

    now->text_n = (uint32_t)strlen(text);
    memcpy(now->text, text, now->text_n);
    atomic_store(&now->busy, 1);
}

static void answer_all(int listener)
{
    struct sockaddr_storage peer;
    socklen_t len;
    int fd;

    while ((fd = cit_sock_accept(listener, &peer, &len)) >= 0) {
        char text[16];
        int n = snprintf(text, sizeof text, "%ld", (long)getpid());

        (void)!write(fd, text, (size_t)n);
        close(fd);
    }
}

static int serve_until_told(const struct cit_worker_env *env)
{
    struct pollfd p[2] = { { env->ctl_fd, POLLIN, 0 }, { env->listen_fds[0], POLLIN, 0 } };
    char order;

    while (true) {
        ssize_t n;

        poll(p, 2, -1);
        n = read(env->ctl_fd, &order, 1);
        answer_all(env->listen_fds[0]);
        if (n == 1)
            jot(order, env);
        if (n == 0)
            jot('E', env);
        if (n == 0 || (n == 1 && order != CIT_CTL_REOPEN))
            return CIT_EXIT_OK;
    }
}

static void sleep_for_ever(void)
{
    while (true)
        poll(NULL, 0, 60000);
}

static int worker_main(void *ctx, const struct cit_worker_env *env, const struct cit_conf *c)
{
    enum mode mode = (enum mode)atomic_load(&stage->mode);

    (void)ctx;
    (void)c;
    jot('S', env);
    if (mode == LEAVES)
        return 7;
    if (mode == STARTS_SLOWLY)
        sleep_for_ever();
    if (mode == LOADS_NOT) {
        send_up(env, CIT_CTL_FAILED);
        return CIT_EXIT_APP;
    }
    send_up(env, CIT_CTL_READY);
    if (mode == IS_FULL) {
        atomic_store(&stage->mode, SERVES);
        send_up(env, CIT_CTL_REPLACE);
    }
    if (mode == DEAF) {
        take_request(env, "GET /slow\x1b[31m");
        sleep_for_ever();
    }
    if (mode == EXITS_BUSY) {
        atomic_store(&stage->mode, SERVES);
        take_request(env, "POST /bye");
        _exit(3);
    }
    if (mode == SHUTS_ITS_EAR) {
        atomic_store(&stage->mode, SERVES);
        close(env->ctl_fd);
        sleep_for_ever();
    }
    return serve_until_told(env);
}

/* ---- the supervisor's process ---- */

static pid_t plain_fork(void *ctx)
{
    (void)ctx;
    return fork();
}

static int new_settings(void *ctx, struct cit_conf *c)
{
    (void)ctx;
    if (atomic_load(&stage->reload_fails) != 0)
        return CIT_EINVAL;
    if (atomic_load(&stage->reload_workers) != 0)
        c->workers = atomic_load(&stage->reload_workers);
    return CIT_OK;
}

static int supervise(const char *bind)
{
    const struct cit_super_ops ops = { plain_fork, worker_main, new_settings };
    struct cit_super_args args = { .conf = &conf, .binds = &bind, .nbinds = 1, .ops = &ops };
    const char *bad;
    bool is_child;
    int status;

    if (cit_log_new(log_path, NULL, CIT_LOG_DEBUG, &args.log, &bad) != CIT_OK)
        return 99;
    status = cit_super_run(&args, &is_child);
    cit_log_free(args.log);
    return status;
}

static void start_at(const char *bind)
{
    fflush(NULL);
    super = fork();
    if (super == 0)
        _exit(supervise(bind));
    assert_true(super > 0);
}

static void start(enum mode mode, int workers)
{
    atomic_store(&stage->mode, mode);
    conf.workers = workers;
    start_at(bind_text);
}

static int status_of_super(void)
{
    int status = -1;

    for (int waited = 0; waited < PATIENCE_MS; waited += 5) {
        if (waitpid(super, &status, WNOHANG) == super) {
            super = 0;
            assert_true(WIFEXITED(status));
            return WEXITSTATUS(status);
        }
        poll(NULL, 0, 5);
    }
    fail_msg("the supervisor does not end");
    return -1;
}

static int stopped_by(int sig)
{
    kill(super, sig);
    return status_of_super();
}

/* ---- waiting for what should happen ---- */

static int count_of(char what)
{
    int n = 0, count = atomic_load(&stage->count);

    for (int i = 0; i < count && i < NOTES; i++)
        n += stage->note[i].what == what;
    return n;
}

/* The n-th note of a kind (from 1): waits for it. */
static struct note nth(char what, int n)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += 5) {
        int seen = 0, count = atomic_load(&stage->count);

        for (int i = 0; i < count && i < NOTES; i++) {
            seen += stage->note[i].what == what;
            if (seen == n)
                return stage->note[i];
        }
        poll(NULL, 0, 5);
    }
    fail_msg("no %d. '%c' was noted", n, what);
    return (struct note){ 0 };
}

static int place_of(char what, int n)
{
    for (int i = 0; i < atomic_load(&stage->count); i++)
        if (stage->note[i].what == what && --n == 0)
            return i;
    return -1;
}

static bool log_has(const char *text)
{
    static char all[1 << 20];
    int fd = open(log_path, O_RDONLY);
    ssize_t n = fd == -1 ? 0 : read(fd, all, sizeof all - 1);

    if (fd != -1)
        close(fd);
    all[n > 0 ? n : 0] = '\0';
    return strstr(all, text) != NULL;
}

static void wait_log(const char *text)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += 5) {
        if (log_has(text))
            return;
        poll(NULL, 0, 5);
    }
    fail_msg("the log does not say: %s", text);
}

/* The pid of the worker that answers, 0 when nobody does. */
static pid_t ask(void)
{
    struct cit_addr a;
    const char *why;
    char text[16] = "";
    int fd;
    bool ok;

    if (cit_addr_parse(bind_text, &a, 1, &why) != 1)
        return 0;
    fd = socket(a.sa.ss_family, SOCK_STREAM, 0);
    ok = connect(fd, (struct sockaddr *)&a.sa, a.len) == 0 && read(fd, text, sizeof text - 1) > 0;
    close(fd);
    return ok ? (pid_t)atol(text) : 0;
}

static bool is_gone(pid_t pid)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += 5) {
        if (kill(pid, 0) == -1)
            return true;
        poll(NULL, 0, 5);
    }
    return false;
}

static int set_stage(void **state)
{
    (void)state;
    memset((void *)stage, 0, sizeof *stage);
    cit_conf_defaults(&conf);
    conf.backlog = 128;
    unlink(log_path);
    return 0;
}

static int clear_stage(void **state)
{
    (void)state;
    if (super != 0) { /* a test failed: leave nobody behind */
        kill(super, SIGKILL);
        waitpid(super, NULL, 0);
        super = 0;
        for (int i = 0; i < atomic_load(&stage->count); i++)
            kill(stage->note[i].pid, SIGKILL);
    }
    return 0;
}

/* ---- life and death of workers ---- */

static void workers_serve_and_leave_with_the_supervisor(void **state)
{
    (void)state;
    start(SERVES, 2);
    nth('R', 2);
    assert_true(ask() > 0);
    wait_log("Listening at: http://127.0.0.1:");
    assert_int_equal(stopped_by(SIGTERM), 0);
    assert_int_equal(count_of('T'), 2);
    assert_int_equal(ask(), 0);
    assert_true(log_has("stopped"));
}

static void a_killed_worker_is_replaced_and_named(void **state)
{
    char text[80];
    pid_t first, next;

    (void)state;
    start(SERVES, 1);
    first = nth('R', 1).pid;
    kill(first, SIGKILL);
    next = nth('R', 2).pid;
    assert_int_not_equal(first, next);
    assert_int_equal(ask(), next);
    snprintf(text, sizeof text, "worker %ld was killed by SIGKILL after", (long)first);
    wait_log(text);
    assert_int_equal(stopped_by(SIGTERM), 0);
}

static void the_request_a_worker_died_of_is_named(void **state)
{
    (void)state;
    start(EXITS_BUSY, 1);
    wait_log("left with status 3 after");
    assert_true(log_has("(did the application call os._exit?) while it ran: POST /bye"));
    nth('R', 2);
    atomic_store(&stage->mode, DEAF);
    kill(nth('R', 2).pid, SIGKILL);
    atomic_store(&stage->mode, SERVES);
    kill(nth('R', 3).pid, SIGABRT);
    wait_log("was killed by SIGABRT");
    assert_int_equal(stopped_by(SIGTERM), 0);
}

static void a_worker_that_keeps_dying_is_started_ever_more_slowly(void **state)
{
    (void)state;
    start(LEAVES, 1);
    nth('S', 2);
    poll(NULL, 0, 900); /* starts after 0, 100, 300, 700, 1500 ms */
    assert_in_range(count_of('S'), 3, 4);
    wait_log("left with status 7");
    atomic_store(&stage->mode, SERVES);
    nth('R', 1);
    assert_int_equal(stopped_by(SIGTERM), 0);
}

static void workers_leave_when_the_supervisor_dies(void **state)
{
    pid_t a, b;

    (void)state;
    start(SERVES, 2);
    a = nth('R', 1).pid;
    b = nth('R', 2).pid;
    kill(super, SIGKILL);
    waitpid(super, NULL, 0);
    super = 0;
    nth('E', 2);
    assert_true(is_gone(a));
    assert_true(is_gone(b));
}

static void a_worker_without_control_socket_is_replaced(void **state)
{
    pid_t deaf;

    (void)state;
    conf.graceful_timeout_ms = 200;
    start(SHUTS_ITS_EAR, 1);
    deaf = nth('R', 1).pid;
    wait_log("has closed its control socket");
    assert_int_not_equal(nth('R', 2).pid, deaf);
    assert_int_equal(stopped_by(SIGTERM), 0);
}

static void a_full_worker_gets_its_successor_first(void **state)
{
    pid_t full;

    (void)state;
    start(IS_FULL, 1);
    full = nth('R', 1).pid;
    assert_int_equal(nth('T', 1).pid, full);
    assert_true(place_of('R', 2) < place_of('T', 1));
    assert_int_not_equal(nth('R', 2).pid, full);
    assert_int_equal(stopped_by(SIGTERM), 0);
    assert_int_equal(count_of('S'), 2);
}

/* ---- stopping ---- */

static void term_waits_and_then_kills_by_name(void **state)
{
    (void)state;
    conf.graceful_timeout_ms = 300;
    start(DEAF, 1);
    nth('R', 1);
    assert_int_equal(stopped_by(SIGTERM), 0);
    assert_true(log_has("did not leave in 0.8 s and is killed while it ran: GET /slow?[31m"));
}

static void a_second_term_changes_nothing_and_quit_ends_it(void **state)
{
    int64_t from = cit_clock_now_ns();

    (void)state;
    start(DEAF, 1);
    nth('R', 1);
    kill(super, SIGTERM);
    wait_log("SIGTERM: workers finish what they have");
    kill(super, SIGTERM);
    wait_log("SIGTERM: stopping already");
    kill(super, SIGQUIT);
    wait_log("SIGQUIT: workers stop at once");
    assert_int_equal(status_of_super(), 0);
    assert_in_range(cit_clock_now_ns() - from, 2 * CIT_SEC_NS, 4 * CIT_SEC_NS);
}

static void int_and_quit_stop_at_once(void **state)
{
    (void)state;
    start(SERVES, 1);
    nth('R', 1);
    assert_int_equal(stopped_by(SIGINT), 0);
    assert_int_equal(count_of('Q'), 1);
    start(STARTS_SLOWLY, 2);
    nth('S', 3);
    assert_int_equal(stopped_by(SIGQUIT), 0); /* those that only start go by a signal */
    assert_int_equal(count_of('T'), 0);
}

static void a_worker_ignores_what_the_terminal_sends_to_all(void **state)
{
    pid_t pid;

    (void)state;
    start(SERVES, 1);
    pid = nth('R', 1).pid;
    kill(pid, SIGINT);
    kill(pid, SIGQUIT);
    poll(NULL, 0, 50);
    assert_int_equal(ask(), pid);
    assert_int_equal(stopped_by(SIGTERM), 0);
    assert_int_equal(count_of('S'), 1);
}

/* ---- HUP ---- */

static void hup_makes_new_workers_ready_before_old_ones_drain(void **state)
{
    (void)state;
    start(SERVES, 2);
    nth('R', 2);
    kill(super, SIGHUP);
    nth('T', 2);
    assert_true(place_of('R', 3) < place_of('T', 1));
    assert_true(place_of('R', 4) < place_of('T', 2));
    assert_true(ask() > 0);
    assert_int_equal(stopped_by(SIGTERM), 0);
    assert_int_equal(count_of('S'), 4);
}

static void a_reload_that_cannot_load_keeps_the_old_workers(void **state)
{
    pid_t old;

    (void)state;
    start(SERVES, 1);
    old = nth('R', 1).pid;
    atomic_store(&stage->mode, LOADS_NOT);
    kill(super, SIGHUP);
    wait_log("reload failed: worker");
    poll(NULL, 0, 150);
    assert_int_equal(ask(), old);
    assert_int_equal(count_of('S'), 2); /* and it is not tried again and again */
    atomic_store(&stage->mode, SERVES);
    kill(super, SIGHUP);
    assert_int_equal(nth('T', 1).pid, old);
    assert_int_equal(stopped_by(SIGTERM), 0);
}

static void a_reload_without_settings_changes_nothing(void **state)
{
    (void)state;
    start(SERVES, 1);
    nth('R', 1);
    atomic_store(&stage->reload_fails, 1);
    kill(super, SIGHUP);
    wait_log("everything stays as it is");
    assert_int_equal(stopped_by(SIGTERM), 0);
    assert_int_equal(count_of('S'), 1);
}

static void a_reload_may_change_the_number_of_workers(void **state)
{
    (void)state;
    start(SERVES, 2);
    nth('R', 2);
    atomic_store(&stage->reload_workers, 3);
    kill(super, SIGHUP);
    nth('R', 5);
    nth('T', 2);
    atomic_store(&stage->reload_workers, 1);
    kill(super, SIGHUP);
    nth('R', 6);
    nth('T', 5);
    assert_true(ask() > 0);
    assert_int_equal(stopped_by(SIGTERM), 0);
    assert_int_equal(count_of('S'), 6);
}

static void a_reload_replaces_workers_that_only_start(void **state)
{
    pid_t stuck;

    (void)state;
    start(STARTS_SLOWLY, 1);
    stuck = nth('S', 1).pid;
    atomic_store(&stage->mode, SERVES);
    kill(super, SIGHUP);
    assert_int_not_equal(nth('R', 1).pid, stuck);
    assert_true(is_gone(stuck));
    assert_int_equal(stopped_by(SIGTERM), 0);
}

/* One client after another, over three reloads and a killed worker of two. */
static void no_connection_is_refused_or_cut_by_reloads(void **state)
{
    int asked = 0;

    (void)state;
    start(SERVES, 2);
    nth('R', 2);
    for (int round = 1; round <= 3; round++) {
        kill(super, SIGHUP);
        while (count_of('T') < 2 * round && asked < 100000) {
            assert_true(ask() > 0);
            asked++;
        }
    }
    assert_true(asked > 0);
    assert_int_equal(stopped_by(SIGTERM), 0);
}

/* ---- the other signals ---- */

static void ttin_and_ttou_change_the_number_of_workers(void **state)
{
    (void)state;
    start(SERVES, 1);
    nth('R', 1);
    kill(super, SIGTTIN);
    assert_int_equal(nth('R', 2).index, 1);
    kill(super, SIGTTOU);
    assert_int_equal(nth('T', 1).index, 1);
    kill(super, SIGTTOU);
    wait_log("SIGTTOU: 1 worker\n");
    poll(NULL, 0, 50);
    assert_int_equal(count_of('T'), 1);
    assert_int_equal(stopped_by(SIGTERM), 0);
}

static void usr1_reopens_the_logs_of_all(void **state)
{
    char moved[80];

    (void)state;
    start(SERVES, 2);
    nth('R', 2);
    snprintf(moved, sizeof moved, "%s.1", log_path);
    assert_int_equal(rename(log_path, moved), 0);
    kill(super, SIGUSR1);
    nth('L', 2);
    kill(super, SIGUSR2);
    wait_log("SIGUSR2"); /* in the new file */
    kill(super, SIGWINCH);
    kill(super, SIGPIPE);
    assert_int_equal(stopped_by(SIGTERM), 0);
    unlink(moved);
}

/* ---- the start ---- */

static void when_no_worker_can_load_the_status_is_4(void **state)
{
    (void)state;
    start(LOADS_NOT, 2);
    assert_int_equal(status_of_super(), CIT_EXIT_APP);
    assert_true(log_has("no worker could load the application"));
    assert_int_equal(count_of('S'), 2);
}

static void an_address_that_cannot_be_had_is_status_1(void **state)
{
    (void)state;
    conf.workers = 1;
    start_at("192.0.2.1:0");
    assert_int_equal(status_of_super(), 1);
    assert_true(log_has("can't listen on 192.0.2.1:0"));
    start_at("fd://999");
    assert_int_equal(status_of_super(), 1);
    start_at("systemd");
    assert_int_equal(status_of_super(), 1);
    start_at("what:is:this");
    assert_int_equal(status_of_super(), 1);
    assert_int_equal(count_of('S'), 0);
}

static pid_t no_fork(void *ctx)
{
    (void)ctx;
    return -1;
}

static void without_a_first_process_the_status_is_1(void **state)
{
    const struct cit_super_ops ops = { no_fork, worker_main, NULL };
    const char *bind = bind_text;
    struct cit_super_args args = { .conf = &conf, .binds = &bind, .nbinds = 1, .ops = &ops };
    const char *bad;
    bool is_child = true;

    (void)state;
    assert_int_equal(cit_log_new(log_path, NULL, CIT_LOG_DEBUG, &args.log, &bad), CIT_OK);
    assert_int_equal(cit_super_run(&args, &is_child), 1);
    assert_false(is_child);
    assert_true(log_has("can't start a worker"));
    for (unsigned long n = 1; n <= 4; n++) { /* itself, kids, places, loop: then the table of sockets */
        cit_mem_fail_at(n);
        assert_int_equal(cit_super_run(&args, &is_child), 1);
    }
    cit_mem_fail_at(5);
    assert_int_equal(cit_super_run(&args, &is_child), 1);
    cit_mem_fail_at(0);
    cit_log_free(args.log);
}

static long pid_in_file(void)
{
    char text[32] = "";
    int fd = open(pid_path, O_RDONLY);

    if (fd == -1)
        return 0;
    (void)!read(fd, text, sizeof text - 1);
    close(fd);
    return atol(text);
}

static void write_pid_file(long pid)
{
    FILE *f = fopen(pid_path, "w");

    assert_non_null(f);
    fprintf(f, "%ld\n", pid);
    fclose(f);
}

static void the_pid_file_names_the_supervisor_while_it_runs(void **state)
{
    (void)state;
    conf.pid = pid_path;
    write_pid_file(999999999); /* stale */
    start(SERVES, 1);
    nth('R', 1);
    assert_int_equal(pid_in_file(), super);
    assert_int_equal(stopped_by(SIGTERM), 0);
    assert_int_equal(pid_in_file(), 0);
}

static void a_pid_file_of_a_live_process_is_respected(void **state)
{
    (void)state;
    conf.pid = pid_path;
    write_pid_file((long)getpid());
    start(SERVES, 1);
    assert_int_equal(status_of_super(), 1);
    assert_true(log_has("already running"));
    assert_int_equal(pid_in_file(), getpid());
    unlink(pid_path);
    conf.pid = "/nowhere/at/all.pid";
    start(SERVES, 1);
    assert_int_equal(status_of_super(), 1);
    assert_true(log_has("can't write the pid file"));
}

static void a_pid_file_of_another_is_not_removed(void **state)
{
    (void)state;
    conf.pid = pid_path;
    start(SERVES, 1);
    nth('R', 1);
    write_pid_file(4242);
    assert_int_equal(stopped_by(SIGTERM), 0);
    assert_int_equal(pid_in_file(), 4242);
    unlink(pid_path);
}

/* ---- sockets ---- */

static void a_unix_socket_is_removed_if_it_is_still_ours(void **state)
{
    char text[80];
    const char *path = text + 5;

    (void)state;
    snprintf(text, sizeof text, "unix:%s/sock", dir);
    conf.workers = 1;
    start_at(text);
    nth('R', 1);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(stopped_by(SIGTERM), 0);
    assert_int_equal(access(path, F_OK), -1);
    start_at(text);
    nth('R', 2);
    assert_int_equal(unlink(path), 0);
    close(open(path, O_CREAT | O_WRONLY, 0600)); /* somebody else's by now */
    assert_int_equal(stopped_by(SIGTERM), 0);
    assert_int_equal(unlink(path), 0);
}

static void with_reuse_port_each_worker_has_a_socket_of_its_own(void **state)
{
    pid_t seen[2] = { 0, 0 };

    (void)state;
    conf.reuse_port = 1;
    start(SERVES, 2);
    nth('R', 2);
    for (int i = 0; i < 200 && seen[1] == 0; i++) {
        pid_t pid = ask();

        assert_true(pid > 0);
        if (seen[0] == 0)
            seen[0] = pid;
        else if (pid != seen[0])
            seen[1] = pid;
    }
    assert_true(seen[1] != 0);
    kill(super, SIGTTOU);
    nth('T', 1);
    kill(super, SIGTTIN);
    nth('R', 3);
    for (int i = 0; i < 20; i++)
        assert_true(ask() > 0);
    assert_int_equal(stopped_by(SIGTERM), 0);
}

static void inherited_sockets_outlive_the_supervisor(void **state)
{
    struct cit_addr a;
    struct cit_listen_opts o = { .backlog = 5, .unix_mode = -1, .uid = -1, .gid = -1 };
    const char *why;
    char text[32];
    int fd;

    (void)state;
    assert_int_equal(cit_addr_parse(bind_text, &a, 1, &why), 1);
    fd = cit_listen_open(&a, &o);
    assert_true(fd >= 0);
    fcntl(fd, F_SETFD, 0);
    snprintf(text, sizeof text, "fd://%d", fd);
    conf.workers = 1;
    start_at(text);
    assert_int_equal(ask(), nth('R', 1).pid);
    assert_int_equal(stopped_by(SIGTERM), 0);
    start_at(text); /* it was not hushed: the next one gets connections from it */
    assert_int_equal(ask(), nth('R', 2).pid);
    assert_int_equal(stopped_by(SIGTERM), 0);
    close(fd);
}

/* ---- all of them ---- */

static int free_port(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1 || bind(fd, (struct sockaddr *)&in, len) == -1 || getsockname(fd, (struct sockaddr *)&in, &len) == -1)
        return 0;
    close(fd);
    return ntohs(in.sin_port);
}

static int open_all(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(log_path, sizeof log_path, "%s/log", dir);
    snprintf(pid_path, sizeof pid_path, "%s/pid", dir);
    snprintf(bind_text, sizeof bind_text, "127.0.0.1:%d", free_port());
    stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return stage == MAP_FAILED ? -1 : 0;
}

static int close_all(void **state)
{
    (void)state;
    unlink(log_path);
    unlink(pid_path);
    munmap(stage, sizeof *stage);
    return rmdir(dir);
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, set_stage, clear_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(workers_serve_and_leave_with_the_supervisor),
        ON_STAGE(a_killed_worker_is_replaced_and_named),
        ON_STAGE(the_request_a_worker_died_of_is_named),
        ON_STAGE(a_worker_that_keeps_dying_is_started_ever_more_slowly),
        ON_STAGE(workers_leave_when_the_supervisor_dies),
        ON_STAGE(a_worker_without_control_socket_is_replaced),
        ON_STAGE(a_full_worker_gets_its_successor_first),
        ON_STAGE(term_waits_and_then_kills_by_name),
        ON_STAGE(a_second_term_changes_nothing_and_quit_ends_it),
        ON_STAGE(int_and_quit_stop_at_once),
        ON_STAGE(a_worker_ignores_what_the_terminal_sends_to_all),
        ON_STAGE(hup_makes_new_workers_ready_before_old_ones_drain),
        ON_STAGE(a_reload_that_cannot_load_keeps_the_old_workers),
        ON_STAGE(a_reload_without_settings_changes_nothing),
        ON_STAGE(a_reload_may_change_the_number_of_workers),
        ON_STAGE(a_reload_replaces_workers_that_only_start),
        ON_STAGE(no_connection_is_refused_or_cut_by_reloads),
        ON_STAGE(ttin_and_ttou_change_the_number_of_workers),
        ON_STAGE(usr1_reopens_the_logs_of_all),
        ON_STAGE(when_no_worker_can_load_the_status_is_4),
        ON_STAGE(an_address_that_cannot_be_had_is_status_1),
        ON_STAGE(without_a_first_process_the_status_is_1),
        ON_STAGE(the_pid_file_names_the_supervisor_while_it_runs),
        ON_STAGE(a_pid_file_of_a_live_process_is_respected),
        ON_STAGE(a_pid_file_of_another_is_not_removed),
        ON_STAGE(a_unix_socket_is_removed_if_it_is_still_ours),
        ON_STAGE(with_reuse_port_each_worker_has_a_socket_of_its_own),
        ON_STAGE(inherited_sockets_outlive_the_supervisor),
    };

    return cmocka_run_group_tests_name("super", tests, open_all, close_all);
}
