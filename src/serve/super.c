/* serve/super.c - the supervisor's life: set up, one turn after another, take down.
 *
 *      a turn:  signals ─> ends of workers ─> times ─> places that want a worker ─> wait
 *
 * A turn compares what should be (places, generations) with what is (kids) and acts on
 * the difference; signals and messages only change what should be.  It waits without end
 * when nothing is due, so an idle supervisor makes no system calls.
 */
#include "serve/super.h"

#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/super_int.h"

enum { EVENTS = 64 };

static bool serves(const struct cit_super_kid *k)
{
    return k->state == CIT_KID_STARTING || k->state == CIT_KID_READY;
}

static bool has_kids(const struct cit_super *s)
{
    for (int i = 0; i < s->kids_used; i++)
        if (s->kids[i].state != CIT_KID_EMPTY)
            return true;
    return false;
}

/* ---- stopping ---- */

static void leave_all(struct cit_super *s, bool at_once)
{
    for (int i = 0; i < s->kids_used; i++)
        if (s->kids[i].state != CIT_KID_EMPTY)
            cit__super_leave(s, i, at_once);
}

static void stop(struct cit_super *s, const char *name, bool at_once)
{
    if (s->is_stopping && !at_once) {
        cit_log_printf(s->log, CIT_LOG_INFO, "%s: stopping already; INT or QUIT stops at once", name);
        return;
    }
    cit_log_printf(s->log, CIT_LOG_INFO, at_once ? "%s: workers stop at once" : "%s: workers finish what they have",
                   name);
    cit__super_socks_hush(s, -1);
    s->is_stopping = true;
    leave_all(s, at_once);
}

/* ---- the other signals ---- */

static void want_again(struct cit_super *s, int place)
{
    s->places[place].generation = s->generation;
    s->places[place].delay_ms = 0;
    s->places[place].spawn_at_ns = s->now_ns;
}

static void set_workers(struct cit_super *s, int64_t workers)
{
    if (workers < 1 || workers > CIT_SUPER_PLACES) {
        cit_log_printf(s->log, CIT_LOG_WARNING, "%lld workers are not possible (1 to %d)", (long long)workers,
                       CIT_SUPER_PLACES);
        return;
    }
    for (int place = s->workers; place < workers; place++) {
        cit__super_socks_drop(s, place); /* hushed, if its last worker still finishes */
        want_again(s, place);
    }
    s->workers = (int)workers;
    s->conf.workers = workers;
}

/* New workers start beside the old ones, which leave as their successors become ready. */
static void reload(struct cit_super *s)
{
    struct cit_conf conf = s->conf;
    const struct cit_super_ops *ops = s->args->ops;

    if (ops->reload != NULL && ops->reload(s->args->ctx, &conf) != CIT_OK) {
        cit_log_printf(s->log, CIT_LOG_ERROR, "SIGHUP: the settings could not be read; everything stays as it is");
        return;
    }
    cit_log_printf(s->log, CIT_LOG_INFO, "SIGHUP: new workers start (addresses can't change in a reload)");
    s->conf = conf;
    s->generation++;
    set_workers(s, conf.workers);
    for (int place = 0; place < s->workers; place++)
        want_again(s, place);
    for (int i = 0; i < s->kids_used; i++) { /* nobody waits for those that have not begun to serve */
        cit__super_read(s, i);
        if (s->kids[i].state == CIT_KID_STARTING)
            cit__super_leave(s, i, true);
    }
}

static void reopen_logs(struct cit_super *s)
{
    cit_log_reopen(s->log);
    for (int i = 0; i < s->kids_used; i++)
        if (s->kids[i].state != CIT_KID_EMPTY)
            cit__super_tell(s, i, CIT_CTL_REOPEN);
}

static void change_workers(struct cit_super *s, const char *name, int64_t by)
{
    int64_t workers = s->workers + by;

    set_workers(s, workers < 1 ? 1 : workers);
    cit_log_printf(s->log, CIT_LOG_INFO, "%s: %d worker%s", name, s->workers, s->workers == 1 ? "" : "s");
}

static void obey(struct cit_super *s, enum cit_super_sig sig, unsigned times)
{
    switch (sig) {
    case CIT_SUPER_SIG_TERM:
        stop(s, "SIGTERM", false);
        break;
    case CIT_SUPER_SIG_INT:
        stop(s, "SIGINT", true);
        break;
    case CIT_SUPER_SIG_QUIT:
        stop(s, "SIGQUIT", true);
        break;
    case CIT_SUPER_SIG_HUP:
        if (!s->is_stopping)
            reload(s);
        break;
    case CIT_SUPER_SIG_TTIN:
        change_workers(s, "SIGTTIN", (int64_t)times);
        break;
    case CIT_SUPER_SIG_TTOU:
        change_workers(s, "SIGTTOU", -(int64_t)times);
        break;
    case CIT_SUPER_SIG_USR1:
        reopen_logs(s);
        break;
    case CIT_SUPER_SIG_USR2:
        cit_log_printf(s->log, CIT_LOG_WARNING, "SIGUSR2: changing the program in place is not supported");
        break;
    case CIT_SUPER_SIG_CHLD:
        cit__super_reap(s);
        break;
    case CIT_SUPER_SIGS:
        break;
    }
}

static void take_signals(struct cit_super *s)
{
    for (int i = 0; i < CIT_SUPER_SIGS; i++) {
        unsigned times = cit__super_sig_take((enum cit_super_sig)i);

        if (times > 0)
            obey(s, (enum cit_super_sig)i, times);
    }
}

/* ---- what should be, and what is ---- */

static void survey(struct cit_super *s)
{
    for (int i = 0; i < s->workers; i++)
        s->places[i].has_worker = false;
    for (int i = 0; i < s->kids_used; i++) {
        const struct cit_super_kid *k = &s->kids[i];

        if (!serves(k))
            continue;
        if (k->place >= s->workers) {
            if (s->socks.reuse_port)
                cit__super_socks_hush(s, k->place);
            cit__super_leave(s, i, false);
        } else if (!k->is_retiring && k->generation >= s->places[k->place].generation) {
            s->places[k->place].has_worker = true;
        }
    }
}

/* With reuse_port a place given up keeps its sockets until its last worker is gone. */
static void drop_places(struct cit_super *s)
{
    for (int place = s->workers; s->socks.reuse_port && place < CIT_SUPER_PLACES; place++) {
        bool is_empty = *cit__super_socks_of(s, place) != -1;

        for (int i = 0; i < s->kids_used; i++)
            is_empty = is_empty && (s->kids[i].state == CIT_KID_EMPTY || s->kids[i].place != place);
        if (is_empty)
            cit__super_socks_drop(s, place);
    }
}

/* CIT_OK; in a child with s->child set; or the error of the very first workers. */
static int fill_places(struct cit_super *s)
{
    for (int place = 0; place < s->workers; place++) {
        struct cit_super_place *p = &s->places[place];
        int err;

        if (p->has_worker || p->spawn_at_ns > s->now_ns || (p->load_failed && !s->ever_ready))
            continue;
        err = cit__super_spawn(s, place);
        if (s->child != -1)
            return CIT_OK;
        p->has_worker = err == CIT_OK;
        if (err != CIT_OK && !s->ever_ready && !has_kids(s))
            return err;
        if (err != CIT_OK)
            cit__super_back_off(s, place, true);
    }
    return CIT_OK;
}

/* At the first start only: later there is something to go on with. */
static bool nobody_can_load(const struct cit_super *s)
{
    if (s->ever_ready)
        return false;
    for (int place = 0; place < s->workers; place++)
        if (!s->places[place].load_failed)
            return false;
    return true;
}

static void give_up(struct cit_super *s, int exit_status, const char *why)
{
    cit_log_printf(s->log, CIT_LOG_CRITICAL, "%s; stopping", why);
    s->exit_status = exit_status;
    s->is_stopping = true;
    leave_all(s, true);
}

static void fill(struct cit_super *s)
{
    survey(s);
    drop_places(s);
    if (nobody_can_load(s))
        give_up(s, CIT_EXIT_APP, "no worker could load the application");
    else if (fill_places(s) != CIT_OK)
        give_up(s, 1, "the first worker could not be started");
}

/* ---- turns ---- */

static void wait_for_news(struct cit_super *s)
{
    struct cit_event ev[EVENTS];
    int64_t next = cit__super_next_ns(s);
    int64_t timeout = next == CIT_SUPER_NEVER ? -1 : next > s->now_ns ? next - s->now_ns : 0;
    int n = cit_loop_wait(s->loop, ev, EVENTS, timeout);

    s->now_ns = cit_clock_now_ns();
    if (n < 0) /* the host has closed our descriptor: look now and then instead */
        poll(NULL, 0, 100);
    for (int i = 0; i < n; i++)
        if (ev[i].tag < CIT_SUPER_KIDS && s->kids[ev[i].tag].state != CIT_KID_EMPTY)
            cit__super_read(s, (int)ev[i].tag);
}

/* Until every worker is gone; in a child at once. */
static void serve(struct cit_super *s)
{
    s->now_ns = cit_clock_now_ns();
    while (true) {
        take_signals(s);
        cit__super_check_times(s);
        if (!s->is_stopping)
            fill(s);
        if (s->child != -1 || (s->is_stopping && !has_kids(s)))
            return;
        wait_for_news(s);
    }
}

/* ---- set up and take down ---- */

static int make_tables(struct cit_super *s)
{
    s->kids = cit_calloc(CIT_SUPER_KIDS, sizeof *s->kids);
    s->places = cit_calloc(CIT_SUPER_PLACES, sizeof *s->places);
    if (s->kids == NULL || s->places == NULL)
        return CIT_ENOMEM;
    return cit_board_new(CIT_SUPER_KIDS, &s->board);
}

static int set_up(struct cit_super *s)
{
    int err = make_tables(s);

    if (err == CIT_OK)
        err = cit_loop_new(&s->loop);
    if (err != CIT_OK) {
        cit_log_printf(s->log, CIT_LOG_ERROR, "can't start: %s", cit_err_text(err));
        return err;
    }
    if (s->conf.pid != NULL) {
        err = cit__super_pid_write(s->conf.pid, s->log);
        s->has_pid_file = err == CIT_OK;
    }
    if (err == CIT_OK) {
        cit__super_sig_open(s->loop);
        s->has_signals = true;
        err = cit__super_socks_open(s);
    }
    return err;
}

/* Also of what is half set up. */
static void take_down(struct cit_super *s)
{
    cit__super_socks_close(s);
    if (s->has_signals)
        cit__super_sig_close();
    if (s->has_pid_file)
        cit__super_pid_remove(s->args->conf->pid);
    cit_loop_free(s->loop);
    cit_board_free(s->board);
    cit_free(s->kids);
    cit_free(s->places);
}

int cit_super_run(const struct cit_super_args *args, bool *is_child)
{
    struct cit_super *s = cit_calloc(1, sizeof *s);
    int status = 1;

    *is_child = false;
    if (s == NULL)
        return 1;
    s->args = args;
    s->log = args->log;
    s->conf = *args->conf;
    s->workers = (int)s->conf.workers;
    s->child = -1;
    if (set_up(s) == CIT_OK) {
        serve(s);
        status = s->exit_status;
    }
    if (s->child != -1) {
        /* Nothing is freed: a thread may still be with the application when the worker leaves. */
        *is_child = true;
        return cit__super_be_child(s);
    }
    take_down(s);
    if (status == 0)
        cit_log_printf(args->log, CIT_LOG_INFO, "stopped");
    cit_free(s);
    return status;
}
