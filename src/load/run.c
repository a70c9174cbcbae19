/* load/run.c - a run: its threads are started and ended, their seconds collected. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "load/engine_int.h"

enum { WINDOW_MOST = 3600 /* seconds of the share of errors */ };

/* ---- words ---- */

static void wake_all(struct cit_run *run)
{
    for (uint32_t i = 0; i < run->nthreads; i++) {
        if (run->threads[i] != NULL)
            cit_loop_wake(run->threads[i]->loop);
    }
}

void cit__run_end(struct cit_run *run, enum cit_end why)
{
    int running = -1;

    if (atomic_compare_exchange_strong(&run->why, &running, (int)why))
        wake_all(run);
}

void cit_run_stop(struct cit_run *run)
{
    atomic_fetch_add(&run->stops, 1);
    cit__run_end(run, CIT_END_STOPPED);
    wake_all(run);
}

void cit_run_set_level(struct cit_run *run, double level)
{
    uint64_t bits;

    memcpy(&bits, &level, sizeof bits);
    atomic_store(&run->level, bits);
    atomic_store(&run->level_ns, cit_clock_now_ns() - run->start_ns);
    atomic_fetch_add_explicit(&run->level_changes, 1, memory_order_release);
    wake_all(run);
}

static bool is_steered(const struct cit_run *run)
{
    return atomic_load_explicit(&run->level_changes, memory_order_acquire) > 0;
}

double cit__run_level(const struct cit_run *run, int64_t at_ns)
{
    uint64_t bits;
    double level;

    if (!is_steered(run)) {
        at_ns -= run->plan->warm_ns; /* the warm-up runs at the level the stages begin with */
        return cit_plan_level(run->plan, at_ns > 0 ? at_ns : 0);
    }
    bits = atomic_load(&run->level);
    memcpy(&level, &bits, sizeof level);
    return level;
}

int64_t cit__run_length(const struct cit_run *run)
{
    return is_steered(run) || run->dry != NULL ? INT64_MAX / 2 : run->plan->warm_ns + run->plan->length_ns;
}

int cit__run_tls(struct cit_run *run, struct cit_tls_context **out, char why[CIT_TLS_WHY])
{
    const struct cit_load_plan *plan = run->plan;
    char file[4096];
    struct cit_tls_conf conf = { .is_checked = plan->is_tls_checked };
    int err = CIT_OK;

    if (plan->ca_file.n > 0) {
        (void)snprintf(file, sizeof file, "%.*s", CIT_SLICE_ARG(plan->ca_file));
        conf.ca_file = file;
    }
    pthread_mutex_lock(&run->lock);
    if (run->tls == NULL)
        err = cit_tls_context_new(&conf, &run->tls, why);
    *out = run->tls;
    pthread_mutex_unlock(&run->lock);
    return err;
}

/* ---- making ---- */

static void mark_changing(struct cit_run *run, int64_t var)
{
    if (var >= 0 && run->changing[var] < 0)
        run->changing[var] = (int32_t)run->nchanging++;
}

static void mark_set(struct cit_run *run, const struct cit_pair *pair, bool if_fixed)
{
    struct cit_slice name, value;

    if (cit_tmpl_is_fixed(&pair->name, &name) && (if_fixed || !cit_tmpl_is_fixed(&pair->value, &value)))
        mark_changing(run, cit_names_find(&run->plan->names, name));
}

/* Which variables change, and what the others are. */
static void sort_variables(struct cit_run *run)
{
    const struct cit_load_plan *plan = run->plan;

    for (uint32_t i = 0; i < plan->names.n; i++)
        run->changing[i] = -1;
    for (uint32_t j = 0; j < plan->njourneys; j++) {
        for (uint32_t s = 0; s < plan->journeys[j].nsteps; s++) {
            const struct cit_step *step = &plan->journeys[j].steps[s];

            for (uint32_t i = 0; i < step->ncaptures; i++)
                mark_changing(run, step->captures[i].var);
            for (uint32_t i = 0; i < step->nset; i++)
                mark_set(run, &step->set[i], true);
        }
    }
    for (uint32_t i = 0; i < plan->nvariables; i++)
        mark_set(run, &plan->variables[i], false);
    for (uint32_t i = 0; i < plan->nvariables; i++) {
        struct cit_slice name, value;
        int64_t var;

        if (!cit_tmpl_is_fixed(&plan->variables[i].name, &name) ||
            !cit_tmpl_is_fixed(&plan->variables[i].value, &value))
            continue;
        var = cit_names_find(&plan->names, name);
        if (var >= 0 && run->changing[var] < 0) {
            run->is_const[var] = true;
            run->consts[var] = value.n > 0 ? value : CIT_SLICE_LIT("");
        }
    }
    for (uint32_t i = 0; plan->users.lines > 0 && i < plan->users.ncolumns; i++)
        run->is_const[plan->user_var[i]] = false;
}

/* Steps left for rounds after the first. */
static void count_more(struct cit_run *run)
{
    const struct cit_load_plan *plan = run->plan;

    for (uint32_t j = 0; j < plan->njourneys; j++) {
        for (uint32_t s = 0; s < plan->journeys[j].nsteps; s++) {
            const struct cit_step *step = &plan->journeys[j].steps[s];

            run->more[j] += !step->is_skipped && !step->is_once;
        }
    }
}

static int init_lists(struct cit_run *run)
{
    const struct cit_load_plan *plan = run->plan;
    size_t names = plan->names.n > 0 ? plan->names.n : 1;

    run->is_const = cit_calloc(names, sizeof *run->is_const);
    run->consts = cit_calloc(names, sizeof *run->consts);
    run->changing = cit_calloc(names, sizeof *run->changing);
    run->more = cit_calloc(plan->njourneys > 0 ? plan->njourneys : 1, sizeof *run->more);
    run->threads = cit_calloc(run->nthreads, sizeof(struct cit__thread *));
    if (plan->stop_errors > 0) {
        int64_t seconds = (plan->stop_window_ns + CIT_SEC_NS - 1) / CIT_SEC_NS;

        run->window_n = seconds < 1 ? 1 : seconds > WINDOW_MOST ? WINDOW_MOST : (uint32_t)seconds;
        run->window = cit_calloc(run->window_n, 2 * sizeof *run->window);
        if (run->window == NULL)
            return CIT_ENOMEM;
    }
    if (run->is_const == NULL || run->consts == NULL || run->changing == NULL || run->more == NULL ||
        run->threads == NULL)
        return CIT_ENOMEM;
    sort_variables(run);
    count_more(run);
    return CIT_OK;
}

/* Waits on the condition are by the monotonic clock. */
static int init_lock(struct cit_run *run)
{
    pthread_condattr_t attr;

    run->has_lock = pthread_mutex_init(&run->lock, NULL) == 0;
    if (!run->has_lock || pthread_condattr_init(&attr) != 0)
        return CIT_ENOMEM;
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    run->has_cond = pthread_cond_init(&run->handed, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return run->has_cond ? CIT_OK : CIT_ENOMEM;
}

static int64_t cpu_now(void)
{
    struct timespec ts;

    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0 ? (int64_t)ts.tv_sec * CIT_SEC_NS + ts.tv_nsec : 0;
}

int cit__run_new(const struct cit_load_plan *plan, uint32_t nthreads, struct cit__dry *dry, struct cit_run **out)
{
    struct cit_run *run = cit_calloc(1, sizeof *run);
    int err;

    if (run == NULL)
        return CIT_ENOMEM;
    run->plan = plan;
    run->nthreads = nthreads;
    run->dry = dry;
    atomic_init(&run->why, -1);
    err = init_lock(run);
    if (err == CIT_OK)
        err = init_lists(run);
    if (err == CIT_OK)
        err = cit_tally_init(&run->second, plan->nrows);
    if (err == CIT_OK)
        err = cit_tally_init(&run->totals, plan->nrows);
    if (err != CIT_OK) {
        cit_run_free(run);
        return err;
    }
    run->start_wall_ns = cit_clock_wall_ns();
    run->start_ns = cit_clock_now_ns();
    run->cpu_seen_ns = cpu_now();
    *out = run;
    return CIT_OK;
}

/* Signals are for the thread that called. */
static int start_threads(struct cit_run *run)
{
    sigset_t all, before;
    int err = CIT_OK;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (uint32_t i = 0; i < run->nthreads && err == CIT_OK; i++) {
        struct cit__thread *t = run->threads[i];

        t->is_started = pthread_create(&t->id, NULL, cit__thread_main, t) == 0;
        if (!t->is_started)
            err = CIT_ENOMEM;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

int cit_run_start(const struct cit_load_plan *plan, struct cit_run **out)
{
    struct cit_run *run = NULL;
    int err = cit__run_new(plan, plan->threads, NULL, &run);

    if (err != CIT_OK)
        return err;
    for (uint32_t i = 0; i < run->nthreads && err == CIT_OK; i++)
        err = cit__thread_new(run, i, &run->threads[i]);
    if (err == CIT_OK)
        err = start_threads(run);
    if (err == CIT_OK)
        *out = run;
    else
        cit_run_free(run);
    return err;
}

void cit_run_free(struct cit_run *run)
{
    if (run == NULL)
        return;
    if (run->threads != NULL && !run->is_over) {
        cit_run_stop(run);
        cit_run_stop(run);
    }
    for (uint32_t i = 0; run->threads != NULL && i < run->nthreads; i++) {
        if (run->threads[i] != NULL && run->threads[i]->is_started)
            pthread_join(run->threads[i]->id, NULL);
    }
    for (uint32_t i = 0; run->threads != NULL && i < run->nthreads; i++)
        cit__thread_free(run->threads[i]);
    cit_free(run->threads);
    cit_tls_context_free(run->tls);
    cit_free(run->is_const);
    cit_free(run->consts);
    cit_free(run->changing);
    cit_free(run->more);
    cit_free(run->window);
    cit_tally_fini(&run->second);
    cit_tally_fini(&run->totals);
    if (run->has_cond)
        pthread_cond_destroy(&run->handed);
    if (run->has_lock)
        pthread_mutex_destroy(&run->lock);
    cit_free(run);
}

/* ---- collecting ---- */

/* Whether all threads are past the next second; under the lock. */
static bool is_ready(const struct cit_run *run)
{
    for (uint32_t i = 0; i < run->nthreads; i++) {
        const struct cit__thread *t = run->threads[i];

        if (!t->is_done && t->closed_through <= run->next)
            return false;
    }
    return true;
}

/* Whether anything is left to hand out; under the lock. */
static bool is_over(const struct cit_run *run)
{
    for (uint32_t i = 0; i < run->nthreads; i++) {
        const struct cit__thread *t = run->threads[i];

        if (!t->is_done)
            return false;
        for (int k = 0; k < CIT__SLOTS; k++) {
            if (t->slots[k].is_full)
                return false;
        }
    }
    return true;
}

static int wait_ready(struct cit_run *run, int64_t timeout_ns)
{
    int64_t until = cit_clock_now_ns() + (timeout_ns > 0 ? timeout_ns : 0);
    const struct timespec ts = { .tv_sec = (time_t)(until / CIT_SEC_NS), .tv_nsec = (long)(until % CIT_SEC_NS) };
    int err = 0;

    pthread_mutex_lock(&run->lock);
    while (!is_ready(run) && err == 0)
        err = pthread_cond_timedwait(&run->handed, &run->lock, &ts);
    err = is_over(run) ? CIT_ECLOSED : is_ready(run) ? CIT_OK : CIT_EAGAIN;
    pthread_mutex_unlock(&run->lock);
    return err;
}

static bool is_full(struct cit_run *run, const struct cit__slot *s)
{
    bool full;

    pthread_mutex_lock(&run->lock);
    full = s->is_full && s->number <= run->next;
    pthread_mutex_unlock(&run->lock);
    return full;
}

static void release(struct cit_run *run, struct cit__slot *s)
{
    cit_tally_clear(&s->tally);
    pthread_mutex_lock(&run->lock);
    s->is_full = false;
    pthread_mutex_unlock(&run->lock);
}

/* Adds up what the threads have of the next second; how many had something. */
static uint32_t gather(struct cit_run *run, struct cit_load_second *out)
{
    uint32_t found = 0;

    cit_tally_clear(&run->second);
    for (uint32_t i = 0; i < run->nthreads; i++) {
        for (int k = 0; k < CIT__SLOTS; k++) {
            struct cit__slot *s = &run->threads[i]->slots[k];

            if (!is_full(run, s))
                continue;
            cit_tally_merge(&run->second, &s->tally);
            out->is_warm = s->is_warm;
            out->end_ns = s->end_ns - run->start_ns > out->end_ns ? s->end_ns - run->start_ns : out->end_ns;
            release(run, s);
            found++;
        }
    }
    return found;
}

/* The share of errors in the last seconds, when there are as many as the window has. */
static void watch_errors(struct cit_run *run)
{
    uint64_t requests = 0, errors = 0;

    if (run->window == NULL)
        return;
    run->window[2 * run->window_at] = 0;
    run->window[2 * run->window_at + 1] = 0;
    for (uint32_t i = 0; i < run->second.nrows; i++) {
        run->window[2 * run->window_at] += run->second.row[i].requests;
        run->window[2 * run->window_at + 1] += run->second.row[i].errors;
    }
    run->window_at = (run->window_at + 1) % run->window_n;
    run->window_len += run->window_len < run->window_n;
    for (uint32_t i = 0; i < run->window_n; i++) {
        requests += run->window[2 * i];
        errors += run->window[2 * i + 1];
    }
    if (run->window_len == run->window_n && (double)errors > run->plan->stop_errors * (double)requests)
        cit__run_end(run, CIT_END_ERRORS);
}

static uint64_t rss_now(void)
{
    unsigned long long pages = 0;
    struct cit_slice rest, word;
    char text[128];
    FILE *f = fopen("/proc/self/statm", "re");
    size_t n = f != NULL ? fread(text, 1, sizeof text, f) : 0;

    if (f != NULL)
        (void)fclose(f);
    rest = cit_slice(text, n);
    if (!cit_slice_split(&rest, ' ', &word) || !cit_slice_split(&rest, ' ', &word) || !cit_slice_u64(word, &pages))
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void describe_second(struct cit_run *run, struct cit_load_second *out)
{
    int64_t cpu = cpu_now(), length = cit__run_length(run), at = out->end_ns < length ? out->end_ns : length;

    out->number = run->next;
    out->start_ns = run->last_end_ns;
    out->wanted = cit__run_level(run, at > 0 ? at - 1 : 0);
    out->tally = &run->second;
    out->cpu_ns = cpu - run->cpu_seen_ns;
    out->rss = rss_now();
    run->most_rss = out->rss > run->most_rss ? out->rss : run->most_rss;
    run->cpu_seen_ns = cpu;
    run->last_end_ns = out->end_ns;
    if (!out->is_warm) {
        cit_tally_merge(&run->totals, &run->second);
        run->cpu_ns += out->cpu_ns;
    }
}

int cit_run_next(struct cit_run *run, int64_t timeout_ns, struct cit_load_second *out)
{
    struct cit_load_second second = { .end_ns = run->last_end_ns };
    int err = wait_ready(run, timeout_ns);

    if (err == CIT_ECLOSED)
        run->is_over = true;
    if (err != CIT_OK)
        return err;
    while (gather(run, &second) == 0) /* a thread was late and put two seconds into one */
        run->next++;
    describe_second(run, &second);
    run->next++;
    watch_errors(run);
    *out = second;
    return CIT_OK;
}

/* ---- telling ---- */

const struct cit_tally *cit_run_totals(const struct cit_run *run)
{
    return &run->totals;
}

/* To the last answer, or to the end if that is later: since the start. */
static int64_t measured_until(const struct cit_run *run)
{
    int64_t until = 0;

    if (!run->is_over)
        return run->last_end_ns;
    for (uint32_t i = 0; i < run->nthreads; i++) {
        const struct cit__thread *t = run->threads[i];
        bool by_time = atomic_load(&run->why) != CIT_END_REQUESTS && atomic_load(&run->why) != CIT_END_USERS;
        int64_t end = by_time && t->end_ns > t->last_ns ? t->end_ns : t->last_ns;

        until = end - run->start_ns > until ? end - run->start_ns : until;
    }
    return until;
}

void cit_run_describe(const struct cit_run *run, struct cit_run_end *out)
{
    int why = atomic_load(&run->why);
    int64_t measured = measured_until(run) - run->plan->warm_ns;

    *out = (struct cit_run_end){ .why = why < 0 ? CIT_END_TIME : (enum cit_end)why,
                                 .measured_ns = measured > 0 ? measured : 0,
                                 .cpu_ns = run->cpu_ns,
                                 .started_wall_ns = run->start_wall_ns,
                                 .rss = run->most_rss };
}
