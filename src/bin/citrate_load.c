/* bin/citrate_load.c - the executable: a plan or a URL is run, watched and recorded.
 *
 *      options -> plan -> run ──a second──> record, live view          control lines, signals -> run
 *                          └──end──> summary, thresholds -> exit status
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/engine.h"
#include "load/json.h"
#include "load/live.h"
#include "load/options.h"
#include "load/plan.h"
#include "load/record.h"

enum {
    EXIT_GOOD = 0,
    EXIT_NOTHING = 1, /* nothing could be measured, or the run was broken off */
    EXIT_WRONG = 2,   /* options, plan or journey */
    EXIT_THRESHOLD = 99,
    EXIT_SIGNAL = 130,
    PLAN_MAX = 64 << 20,
    CONTROL_LINE = 256
};

#define LOOK_NS (100 * CIT_MS_NS) /* between looks at the control descriptor */

struct control {
    int fd; /* -1: none, or at its end */
    char line[CONTROL_LINE];
    size_t n;
};

struct job {
    struct cit_options options;
    struct cit_buf json; /* the plan's */
    struct cit_load_plan plan;
    struct cit_record *record;
    struct cit_live *live;
    struct cit_run *run;
    struct control control;
    bool is_unwritten; /* that a file can't be written was told */
};

static struct cit_run *signalled; /* what a signal ends */
static volatile sig_atomic_t signals;

static void say(const char *what, const char *why)
{
    (void)fprintf(stderr, "citrate-load: %s%s%s\n", what, what[0] != '\0' ? ": " : "", why);
}

/* ---- signals ---- */

static void on_signal(int number)
{
    (void)number;
    signals++;
    if (signalled != NULL)
        cit_run_stop(signalled);
}

static void watch_signals(struct cit_run *run)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    signalled = run;
    sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)sigaction(numbers[i], &sa, NULL);
}

static void ignore_pipe(void)
{
    struct sigaction sa = { .sa_handler = SIG_IGN };

    sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGPIPE, &sa, NULL);
}

/* ---- the plan ---- */

static bool looks_like_host(const char *target)
{
    return access(target, F_OK) == -1 && (strchr(target, ':') != NULL || strchr(target, '.') != NULL);
}

static int read_plan_file(struct job *job)
{
    const char *path = job->options.target, *name = job->options.name != NULL ? job->options.name : path;
    int err = cit_buf_add_file(&job->json, path);

    if (err == CIT_OK)
        return err;
    if (err == CIT_ENOENT && looks_like_host(path))
        (void)fprintf(stderr, "citrate-load: %s: there is no such plan; did you mean http://%s?\n", path, path);
    else
        say(name, err == CIT_ELIMIT ? "it is longer than 64 MiB" : cit_err_text(err));
    return err;
}

/* The URL as a plan, with the options as its members. */
static int make_plan(struct job *job)
{
    const struct cit_buf *over = &job->options.over;
    int err = cit_buf_add_str(&job->json, "{\"url\":");

    if (err == CIT_OK)
        err = cit_json_put(&job->json, cit_slice_str(job->options.target));
    if (err == CIT_OK && over->len > 2)
        err = cit_buf_add_str(&job->json, ",");
    if (err == CIT_OK)
        err = cit_buf_add(&job->json, over->p + 1, over->len - 1);
    if (err != CIT_OK)
        say("", cit_err_text(err));
    return err;
}

/* Where names in the plan begin. */
static void folder_of(const struct cit_options *o, char *out, size_t n)
{
    const char *slash = strrchr(o->target, '/');

    if (o->folder != NULL)
        (void)snprintf(out, n, "%s", o->folder);
    else if (o->is_url || slash == NULL)
        (void)snprintf(out, n, ".");
    else
        (void)snprintf(out, n, "%.*s", slash == o->target ? 1 : (int)(slash - o->target), o->target);
}

static int read_plan(struct job *job)
{
    const struct cit_options *o = &job->options;
    struct cit_slice over = o->is_url ? cit_slice(NULL, 0) : cit_slice(o->over.p, o->over.len);
    char why[CIT_PLAN_WHY], folder[4096];
    int err = o->is_url ? make_plan(job) : read_plan_file(job);

    if (err != CIT_OK)
        return err;
    folder_of(o, folder, sizeof folder);
    err = cit_plan_parse(&job->plan, cit_slice(job->json.p, job->json.len), over, folder, why);
    if (err != CIT_OK)
        say(o->is_url ? "" : o->name != NULL ? o->name : o->target, err == CIT_ENOMEM ? cit_err_text(err) : why);
    return err;
}

/* A host that can't be found is nothing to measure. */
static int resolve(struct job *job)
{
    struct cit_target *target = &job->plan.target;
    char why[CIT_PLAN_WHY] = "";
    int err = target->naddrs == 0 && target->host.n > 0 ? cit_target_resolve(target, why) : CIT_OK;

    if (err != CIT_OK)
        say("", why[0] != '\0' ? why : cit_err_text(err));
    return err;
}

/* ---- control ---- */

static void obey(struct job *job, char *line)
{
    bool is_rate = strncmp(line, "rate ", 5) == 0, is_users = strncmp(line, "users ", 6) == 0;
    char *end = NULL;
    double level;

    if (strcmp(line, "stop") == 0) {
        cit_run_stop(job->run);
        return;
    }
    if (is_rate || is_users) {
        level = strtod(line + (is_rate ? 5 : 6), &end);
        if (*end == '\0' && level >= 0 && level <= 1e9 && is_rate == job->plan.is_open) {
            cit_run_set_level(job->run, level);
            return;
        }
    }
    (void)fprintf(stderr, "citrate-load: --control: '%s' is none of %s N, stop\n", line,
                  job->plan.is_open ? "rate" : "users");
}

/* Takes the lines that are there; one too long is thrown away in pieces that nothing obeys. */
static void take_lines(struct job *job)
{
    struct control *c = &job->control;
    char *nl;

    while ((nl = memchr(c->line, '\n', c->n)) != NULL) {
        size_t used = (size_t)(nl - c->line) + 1;

        *nl = '\0';
        obey(job, c->line);
        c->n -= used;
        memmove(c->line, c->line + used, c->n);
    }
    if (c->n == sizeof c->line)
        c->n = 0;
}

static void read_control(struct job *job)
{
    struct control *c = &job->control;
    struct pollfd p = { .fd = c->fd, .events = POLLIN };

    while (c->fd != -1 && poll(&p, 1, 0) == 1) {
        ssize_t n = read(c->fd, c->line + c->n, sizeof c->line - c->n);

        if (n <= 0) {
            c->fd = -1;
            return;
        }
        c->n += (size_t)n;
        take_lines(job);
    }
}

/* ---- the run ---- */

static void tell_unwritten(struct job *job, int err)
{
    if (err == CIT_OK || job->is_unwritten)
        return;
    job->is_unwritten = true;
    say("the report can't be written", err == CIT_ENOMEM ? cit_err_text(err) : strerror(errno));
}

static void watch(struct job *job)
{
    struct cit_load_second second;
    struct cit_run_end now;
    int err;

    while ((err = cit_run_next(job->run, LOOK_NS, &second)) != CIT_ECLOSED) {
        read_control(job);
        if (err != CIT_OK)
            continue;
        cit_run_describe(job->run, &now);
        cit_live_second(job->live, &second, cit_run_totals(job->run));
        tell_unwritten(job, cit_record_second(job->record, &second, cit_run_totals(job->run), &now));
    }
}

static int status_of(const struct job *job, const struct cit_tally *totals, const struct cit_run_end *end)
{
    uint64_t good = 0;
    double actual;

    for (uint32_t i = 0; i < totals->nrows; i++)
        good += totals->row[i].requests - totals->row[i].errors;
    if (good == 0)
        return signals > 0 ? EXIT_SIGNAL : EXIT_NOTHING;
    if (end->why == CIT_END_ERRORS || end->why == CIT_END_MEMORY)
        return EXIT_NOTHING;
    for (uint32_t i = 0; i < job->plan.nthresholds; i++) {
        if (cit_threshold_check(&job->plan.thresholds[i], totals, end, &actual) == 0)
            return EXIT_THRESHOLD;
    }
    return EXIT_GOOD;
}

static int walk(struct job *job)
{
    struct cit_run_end end;
    int err = cit_run_start(&job->plan, &job->run);

    if (err != CIT_OK) {
        say("the run can't be started", cit_err_text(err));
        return EXIT_NOTHING;
    }
    watch_signals(job->run);
    watch(job);
    cit_run_describe(job->run, &end);
    cit_live_end(job->live, cit_run_totals(job->run), &end);
    tell_unwritten(job, cit_record_end(job->record, cit_run_totals(job->run), &end));
    return status_of(job, cit_run_totals(job->run), &end);
}

static enum cit_live_mode live_mode(enum cit_options_live live)
{
    switch (live) {
    case CIT_OPTIONS_SCREEN:
        return CIT_LIVE_SCREEN;
    case CIT_OPTIONS_LINES:
        return CIT_LIVE_LINES;
    case CIT_OPTIONS_OFF:
        return CIT_LIVE_OFF;
    case CIT_OPTIONS_AUTO:
        break;
    }
    return cit_live_best(STDERR_FILENO);
}

/* Opens the files of the run, the plan as it is run among them. */
static int open_record(struct job *job)
{
    const struct cit_options *o = &job->options;
    struct cit_slice over = o->is_url ? cit_slice(NULL, 0) : cit_slice(o->over.p, o->over.len);
    struct cit_buf plan;
    int err;

    cit_buf_init(&plan, 2 * (size_t)PLAN_MAX);
    err = cit_plan_join(cit_slice(job->json.p, job->json.len), over, &plan);
    if (err == CIT_OK)
        err = cit_record_open(o->report, o->stream_fd, &job->plan, cit_slice(plan.p, plan.len), &job->record);
    cit_buf_fini(&plan);
    return err;
}

static int run(struct job *job)
{
    const struct cit_options *o = &job->options;
    int err = open_record(job);

    if (err == CIT_EEXIST) {
        say(o->report, "the folder has files in it that are of no run; name another one with --report");
        return EXIT_WRONG;
    }
    if (err != CIT_OK) {
        say(o->report != NULL ? o->report : "the stream", err == CIT_ENOMEM ? cit_err_text(err) : strerror(errno));
        return EXIT_WRONG;
    }
    if (cit_live_open(STDERR_FILENO, live_mode(o->live), &job->plan, &job->live) != CIT_OK) {
        say("", cit_err_text(CIT_ENOMEM));
        return EXIT_NOTHING;
    }
    return walk(job);
}

static void tell_dry(void *ctx, const char *text)
{
    (void)ctx;
    (void)fputs(text, stdout);
}

static int dry_run(struct job *job)
{
    int errors = cit_run_dry(&job->plan, tell_dry, NULL);

    if (errors < 0)
        say("the dry run", cit_err_text(errors));
    else
        (void)printf("%d error%s\n", errors, errors == 1 ? "" : "s");
    return errors == 0 ? EXIT_GOOD : EXIT_NOTHING;
}

/* Each connection is a descriptor; the soft limit is made for programs that use select(2). */
static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int start(struct job *job)
{
    if (read_plan(job) != CIT_OK)
        return EXIT_WRONG;
    if (resolve(job) != CIT_OK)
        return EXIT_NOTHING;
    raise_limit();
    ignore_pipe();
    job->control.fd = job->options.control_fd;
    return job->options.is_dry ? dry_run(job) : run(job);
}

int main(int argc, char **argv)
{
    static struct job job;
    char why[CIT_OPTIONS_WHY];
    int status = EXIT_GOOD;
    int err = cit_options_parse(&job.options, argc, argv, why);

    cit_buf_init(&job.json, PLAN_MAX);
    if (err != CIT_OK) {
        say("", err == CIT_ENOMEM ? cit_err_text(err) : why);
        status = EXIT_WRONG;
    } else if (job.options.wants_help) {
        (void)fputs(cit_options_help, stdout);
    } else if (job.options.wants_version) {
        (void)puts("citrate-load " CIT_VERSION);
    } else {
        status = start(&job);
    }
    cit_live_close(job.live);
    cit_record_close(job.record);
    signalled = NULL;
    cit_run_free(job.run);
    cit_plan_fini(&job.plan);
    cit_buf_fini(&job.json);
    cit_options_fini(&job.options);
    return status;
}
