/* serve/worker.c - a worker is made, serves, and is taken apart. */
#include "serve/worker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/worker_int.h"

enum { CIT_EXIT_BROKEN = 70 }; /* EX_SOFTWARE of sysexits(3) */

/* The worker that signals are for; a process has one. */
static struct cit_worker *_Atomic signalled;

static void on_signal(int sig)
{
    struct cit_worker *w = atomic_load(&signalled);

    if (w != NULL)
        cit_worker_ask(w, sig == SIGTERM ? CIT_ASK_DRAIN : sig == SIGUSR1 ? CIT_ASK_REOPEN : CIT_ASK_QUIT);
}

static void set_signals(struct cit_worker *w)
{
    static const int sigs[] = { SIGTERM, SIGQUIT, SIGUSR1 };
    struct sigaction sa = { .sa_handler = w == NULL ? SIG_DFL : on_signal, .sa_flags = SA_RESTART };

    sigemptyset(&sa.sa_mask);
    atomic_store(&signalled, w);
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++)
        (void)sigaction(sigs[i], &sa, NULL);
    sa.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &sa, NULL);
}

void cit_worker_ask(struct cit_worker *w, enum cit_worker_ask ask)
{
    atomic_fetch_or(&w->asked, (uint32_t)ask);
    cit_loop_wake(w->loop);
}

static void fill_limits(struct cit_worker *w)
{
    const struct cit_conf *c = w->conf;

    w->limits = (struct cit_h1_limits){
        .line = (uint32_t)c->limit_request_line,
        .fields = (uint32_t)c->limit_request_fields,
        .field = (uint32_t)c->limit_request_field_size,
        .head = (uint32_t)c->limit_request_head,
    };
    w->body_limits = (struct cit_body_limits){
        .body_memory = (uint64_t)c->body_memory,
        .limit_body = (uint64_t)c->limit_request_body,
        .tmp_dir = cit_body_tmp_dir(c->tmp_dir),
    };
}

/* max_requests and its share of the jitter, different for each worker. */
static int64_t replace_after(const struct cit_conf *c, int pid)
{
    uint64_t seed = (uint64_t)cit_clock_now_ns() ^ ((uint64_t)pid << 32);

    if (c->max_requests == 0)
        return 0;
    seed = (seed ^ (seed >> 31)) * 0x9e3779b97f4a7c15u;
    return c->max_requests +
           (c->max_requests_jitter > 0 ? (int64_t)((seed >> 1) % ((uint64_t)c->max_requests_jitter + 1)) : 0);
}

static void name_listener(struct cit_local *l, int fd)
{
    struct sockaddr_storage sa = { 0 };
    socklen_t len = sizeof sa;

    if (getsockname(fd, (struct sockaddr *)&sa, &len) == -1)
        return;
    if (sa.ss_family == AF_UNIX)
        cit_addr_text((struct sockaddr *)&sa, len, l->host);
    else
        cit_addr_host((struct sockaddr *)&sa, len, l->host, &l->port);
}

static int set_up(struct cit_worker *w)
{
    int err = cit_loop_new(&w->loop);
    size_t at;

    if (err != CIT_OK)
        return err;
    if (w->env.ctl_fd != -1) {
        err = cit_loop_add(w->loop, w->env.ctl_fd, CIT_EV_READ | CIT_EV_LEVEL, CIT_TAG_CTL);
        if (err != CIT_OK)
            return err;
    }
    for (int i = 0; i < w->env.nlisten; i++) {
        w->listen_fd[i] = w->env.listen_fds[i];
        name_listener(&w->local[i], w->listen_fd[i]);
    }
    if (cit_log_has_access(w->env.log)) {
        err = cit_access_new(w->conf->access_logformat, w->conf->access_json != 0, &w->access, &at);
        if (err != CIT_OK)
            return err;
    }
    return cit__team_init(w);
}

int cit_worker_new(const struct cit_worker_env *env, const struct cit_conf *conf, const struct cit_app_ops *ops,
                   void *app, struct cit_worker **out)
{
    struct cit_worker *w;
    int err;

    if (env->nlisten > CIT_LISTENERS_MAX)
        return CIT_ELIMIT;
    w = cit_calloc(1, sizeof *w);
    if (w == NULL)
        return CIT_ENOMEM;
    w->env = *env;
    w->conf = conf;
    w->ops = ops;
    w->app = app;
    w->pid = (int)getpid();
    w->held_tail = &w->held;
    w->replace_at = replace_after(conf, w->pid);
    fill_limits(w);
    cit__clock(w);
    cit_wheel_init(&w->wheel, w->now_ms);
    err = set_up(w);
    if (err != CIT_OK) {
        cit_worker_free(w);
        return err;
    }
    *out = w;
    return CIT_OK;
}

static void log_counters(struct cit_worker *w)
{
    struct cit_counters *k = &w->env.slot->counters;
    char text[1024];
    int n = 0;

    if (!cit_log_enabled(w->env.log, CIT_LOG_DEBUG))
        return;
#define CIT_COUNTER_TEXT(name, what)    \
    if (n >= 0 && n < (int)sizeof text) \
        n += snprintf(text + n, sizeof text - (size_t)n, " %s=%llu", #name, (unsigned long long)atomic_load(&k->name));
    CIT_COUNTER_MAP(CIT_COUNTER_TEXT)
#undef CIT_COUNTER_TEXT
    cit_log_printf(w->env.log, CIT_LOG_DEBUG, "counters:%s", text);
}

/* When requests are given up, the thread that began the process may be in one of them:
 * then nobody is left to go back to its caller. */
static void leave_now(struct cit_worker *w)
{
    cit_log_printf(w->env.log, CIT_LOG_WARNING, "leaving with %u requests still running", atomic_load(&w->team.nout));
    cit_log_flush(w->env.log, 500);
    _exit(0);
}

void cit__worker_broken(struct cit_worker *w, const char *why)
{
    cit_log_printf(w->env.log, CIT_LOG_CRITICAL, "%s", why);
    cit_log_flush(w->env.log, 500);
    _exit(CIT_EXIT_BROKEN);
}

void cit__worker_leaving(struct cit_worker *w)
{
    if (w->quitting && atomic_load(&w->threads[0]->app_since_ms) != 0)
        leave_now(w);
}

int cit_worker_run(struct cit_worker *w)
{
    int err;

    set_signals(w);
    cit__listen_on(w);
    atomic_store(&w->env.slot->state, CIT_BOARD_READY);
    atomic_store(&w->env.slot->beat_ns, cit_clock_now_ns());
    cit__tell_super(w, CIT_CTL_READY);
    err = cit__team_run(w);
    log_counters(w);
    if (err != CIT_OK)
        leave_now(w);
    set_signals(NULL);
    atomic_store(&w->env.slot->state, CIT_BOARD_GONE);
    return CIT_OK;
}

void cit_worker_free(struct cit_worker *w)
{
    if (w == NULL)
        return;
    if (w->threads != NULL)
        cit__conns_fini(w);
    cit__team_fini(w);
    for (uint32_t i = 0; i < w->nslabs; i++)
        cit_free(w->slab[i]);
    cit_free(w->slab);
    cit_access_free(w->access);
    cit_loop_free(w->loop);
    cit_free(w);
}
