/* load/live.c - a run while it goes on: the view in a terminal, or a line a second. */
#include "load/live.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "load/live_int.h"

enum {
    TEXT_MAX = 1 << 26, /* bytes of one frame or summary */
    PLOT = 60,          /* seconds in the plot */
    HEAD_LINES = 10,    /* of the view, above the table */
    EXAMPLES_MAX = 6,   /* lines of them below it */
    COLUMNS_DEFAULT = 80,
    ROWS_DEFAULT = 24
};

struct cit_live {
    const struct cit_load_plan *plan; /* borrowed */
    int fd;
    enum cit_live_mode mode;
    bool has_color, is_utf8;
    bool is_on_screen;          /* the terminal shows our screen, not the user's */
    bool seen[CIT_FAULT_KINDS]; /* lines: an example of it was told */
    double rate[PLOT];          /* of the last seconds; the next one goes to nrates % PLOT */
    uint32_t nrates;
    uint32_t *order; /* owned: nrows numbers, for choosing those to show */
    struct cit_buf text;
};

/* The user's own screen and cursor are kept by the terminal meanwhile; lines that are too long do not wrap. */
static const char enter[] = "\x1b[?1049h\x1b[?25l\x1b[?7l", leave[] = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/* ---- the terminal ---- */

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0';
}

enum cit_live_mode cit_live_best(int fd)
{
    return isatty(fd) == 1 && is_set("TERM") && strcmp(getenv("TERM"), "dumb") != 0 ? CIT_LIVE_SCREEN : CIT_LIVE_LINES;
}

/* As setlocale(3) would find it; it is not called: numbers keep their points. */
static bool is_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    const char *value = "";

    for (int i = 0; i < 3 && value[0] == '\0'; i++)
        value = is_set(names[i]) ? getenv(names[i]) : "";
    return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
}

/* Asked for each time: a window's size may change at any. */
static struct cit__page page_of(struct cit_live *l)
{
    struct cit__page p = { .out = &l->text, .has_color = l->has_color };
    struct winsize size = { 0 };

    l->text.len = 0;
    if (ioctl(l->fd, TIOCGWINSZ, &size) == 0) {
        p.columns = size.ws_col;
        p.rows = size.ws_row;
    }
    return p;
}

/* False when not all of it came out.  What does not fit into memory is left out: a view must not end a run. */
static bool show(const struct cit_live *l, const struct cit__page *p)
{
    return p->err == CIT_OK && cit__write_all(l->fd, p->out->p, p->out->len) == CIT_OK;
}

/* A terminal that was held (Ctrl-S) would hold the run. */
static bool is_writable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };

    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

static void leave_screen(struct cit_live *l)
{
    if (l->is_on_screen)
        l->is_on_screen = cit__write_all(l->fd, leave, sizeof leave - 1) != CIT_OK;
}

/* ---- a second's figures ---- */

static double second_rate(const struct cit_load_second *s, const struct cit_row *all)
{
    return s->end_ns > s->start_ns ? (double)all->requests * 1e9 / (double)(s->end_ns - s->start_ns) : 0;
}

/* The totals so far, as if the run ended now. */
static struct cit_run_end so_far(const struct cit_live *l, const struct cit_load_second *s)
{
    int64_t measured = s->end_ns - l->plan->warm_ns;

    return (struct cit_run_end){ .measured_ns = measured > 0 ? measured : 0 };
}

/* ---- lines ---- */

static void add_first_examples(struct cit_live *l, struct cit__page *p, const struct cit_tally *t)
{
    for (uint32_t i = 0; i < t->nrows; i++) {
        for (int f = 0; f < CIT_FAULT_KINDS; f++) {
            const struct cit_row *r = &t->row[i];
            enum cit_fault fault = (enum cit_fault)f;
            bool has_text = r->examples != NULL && r->examples[f].text[0] != '\0';

            if (r->faults[f] == 0 || l->seen[f])
                continue;
            l->seen[f] = true;
            cit__line(p, CIT__BAD, "         %.*s: %s: %s", CIT_SLICE_ARG(l->plan->row_name[i]), cit_fault_name(fault),
                      has_text ? r->examples[f].text : cit_fault_text(fault));
        }
    }
}

static void show_line(struct cit_live *l, const struct cit_load_second *s, const struct cit_row *all)
{
    struct cit__page p = page_of(l);
    char waiting[48] = "";

    p.rows = 0;
    if (s->tally->waiting > 0)
        (void)snprintf(waiting, sizeof waiting, "  %s waiting", cit__count_text(s->tally->waiting).text);
    cit__line(&p, CIT__PLAIN, "%5.0f s  %s users  %s /s  p50 %s  p99 %s  %s errors%s%s", (double)s->end_ns / CIT_SEC_NS,
              cit__count_text(s->tally->users).text, cit__rate_text(second_rate(s, all)).text,
              cit__ms_text(cit__measure_ms(&all->latency, CIT_THRESHOLD_P50)).text,
              cit__ms_text(cit__measure_ms(&all->latency, CIT_THRESHOLD_P99)).text, cit__count_text(all->errors).text,
              waiting, s->is_warm ? "  (warm-up)" : "");
    add_first_examples(l, &p, s->tally);
    if (is_writable(l->fd))
        (void)show(l, &p);
}

/* ---- the view ---- */

static void put_title(struct cit_live *l, struct cit__page *p, const struct cit_load_second *s)
{
    char title[CIT__LINE_MAX], of[32] = "";
    double planned = cit__planned_seconds(l->plan);

    cit__title_text(l->plan, title);
    cit__line(p, CIT__BOLD, "%s", title);
    if (planned > 0)
        (void)snprintf(of, sizeof of, " of %.0f s", planned);
    cit__line(p, CIT__PLAIN, "%.0f s%s%s", (double)s->end_ns / CIT_SEC_NS, of, s->is_warm ? ", warming up" : "");
}

/* A character for each of the last seconds, as high as its rate is beside the greatest. */
static void plot_text(const struct cit_live *l, uint32_t most, char out[CIT__LINE_MAX])
{
    static const char *const high[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    static const char *const plain[] = { " ", ".", ".", ":", ":", "|", "|", "#", "#" };
    uint32_t n = l->nrates < PLOT ? l->nrates : PLOT;
    double greatest = 0;

    n = n < most ? n : most;
    out[0] = '\0';
    for (uint32_t i = l->nrates - n; i < l->nrates; i++)
        greatest = l->rate[i % PLOT] > greatest ? l->rate[i % PLOT] : greatest;
    for (uint32_t i = l->nrates - n; i < l->nrates; i++) {
        int height = greatest > 0 ? (int)(l->rate[i % PLOT] / greatest * 8 + 0.5) : 0;
        const char *c = l->is_utf8 ? high[height] : plain[height];

        memcpy(out + strlen(out), c, strlen(c) + 1);
    }
}

static void put_rate(const struct cit_live *l, struct cit__page *p, const struct cit_load_second *s,
                     const struct cit_row *all)
{
    char plot[CIT__LINE_MAX];

    plot_text(l, p->columns > 30 ? p->columns - 30 : 0, plot);
    cit__line(p, CIT__PLAIN, "rate     %12s /s   %s", cit__rate_text(second_rate(s, all)).text, plot);
    if (l->plan->is_open)
        cit__line(p, CIT__PLAIN, "journeys %12s /s wanted, %s users, %s waiting", cit__rate_text(s->wanted).text,
                  cit__count_text(s->tally->users).text, cit__count_text(s->tally->waiting).text);
    else
        cit__line(p, CIT__PLAIN, "users    %12s of %s wanted", cit__count_text(s->tally->users).text,
                  cit__count_text(s->wanted > 0 ? (uint64_t)(s->wanted + 0.5) : 0).text);
}

static void put_times(struct cit__page *p, const char *name, const struct cit_hist *h)
{
    cit__line(p, CIT__PLAIN, "%s   p50 %-10s p90 %-10s p99 %-10s max %s", name,
              cit__ms_text(cit__measure_ms(h, CIT_THRESHOLD_P50)).text,
              cit__ms_text(cit__measure_ms(h, CIT_THRESHOLD_P90)).text,
              cit__ms_text(cit__measure_ms(h, CIT_THRESHOLD_P99)).text,
              cit__ms_text(cit__measure_ms(h, CIT_THRESHOLD_MAX)).text);
}

static void put_counts(struct cit__page *p, const struct cit_tally *totals)
{
    char text[CIT__LINE_MAX];
    struct cit_row all = { 0 };

    cit_tally_all(totals, &all);
    cit__codes_text(&all, text);
    cit__line(p, CIT__PLAIN, "codes     %s", text);
    cit__faults_text(&all, text);
    cit__line(p, all.errors > 0 ? CIT__BAD : CIT__PLAIN, "errors    %s", text);
    cit_row_fini(&all);
}

/* More errors first, then more time, then as in the plan. */
static bool is_before(const struct cit_tally *t, uint32_t a, uint32_t b)
{
    const struct cit_row *x = &t->row[a], *y = &t->row[b];

    if (x->errors != y->errors)
        return x->errors > y->errors;
    return x->latency.sum_ns != y->latency.sum_ns ? x->latency.sum_ns > y->latency.sum_ns : a < b;
}

/* Puts the `most` rows that matter most to the front of l->order, in the order of the plan when all fit. */
static uint32_t choose_rows(struct cit_live *l, const struct cit_tally *t, uint32_t most)
{
    for (uint32_t i = 0; i < t->nrows; i++)
        l->order[i] = i;
    if (t->nrows <= most)
        return t->nrows;
    for (uint32_t i = 0; i < most; i++) {
        for (uint32_t k = i + 1; k < t->nrows; k++) {
            uint32_t kept = l->order[i];

            if (!is_before(t, l->order[k], kept))
                continue;
            l->order[i] = l->order[k];
            l->order[k] = kept;
        }
    }
    return most;
}

/* One line for each kind of error and row, as many as there is room for. */
static void put_examples(const struct cit_live *l, struct cit__page *p, const struct cit_tally *totals)
{
    uint32_t last = p->line + EXAMPLES_MAX;

    for (uint32_t i = 0; i < totals->nrows; i++) {
        for (int f = 0; f < CIT_FAULT_KINDS && totals->row[i].examples != NULL && p->line < last; f++) {
            if (totals->row[i].examples[f].text[0] != '\0')
                cit__line(p, CIT__BAD, "%.*s: %s: %s", CIT_SLICE_ARG(l->plan->row_name[i]),
                          cit_fault_name((enum cit_fault)f), totals->row[i].examples[f].text);
        }
    }
}

static uint32_t count_examples(const struct cit_tally *totals)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < totals->nrows; i++) {
        for (int f = 0; f < CIT_FAULT_KINDS && totals->row[i].examples != NULL; f++)
            n += totals->row[i].examples[f].text[0] != '\0';
    }
    return n < EXAMPLES_MAX ? n : EXAMPLES_MAX;
}

static void put_steps(struct cit_live *l, struct cit__page *p, const struct cit_load_second *s,
                      const struct cit_tally *totals)
{
    uint32_t examples = count_examples(totals), used = HEAD_LINES + 1 + (examples > 0 ? examples + 1 : 0);
    uint32_t room = p->rows > used ? p->rows - used : 0, n;
    struct cit_run_end end = so_far(l, s);
    struct cit__table table = { l->plan, totals, &end, l->order, 0 };

    if (room > 0 && room < totals->nrows)
        room--; /* for the line that says so */
    n = table.n = choose_rows(l, totals, room);
    if (n > 0)
        cit__table(p, &table);
    if (n > 0 && n < totals->nrows)
        cit__line(p, CIT__DIM, "and %u more", totals->nrows - n);
}

static void show_view(struct cit_live *l, const struct cit_load_second *s, const struct cit_tally *totals,
                      const struct cit_row *all)
{
    struct cit__page p = page_of(l);

    p.is_screen = true;
    p.columns = p.columns > 0 ? p.columns : COLUMNS_DEFAULT;
    p.rows = p.rows > 0 ? p.rows : ROWS_DEFAULT;
    p.err = cit_buf_printf(&l->text, "%s\x1b[H", l->is_on_screen ? "" : enter);
    put_title(l, &p, s);
    cit__line(&p, CIT__PLAIN, "%s", "");
    put_rate(l, &p, s, all);
    put_times(&p, "latency", &all->latency);
    put_times(&p, "service", &all->service);
    put_counts(&p, totals);
    cit__line(&p, CIT__PLAIN, "%s", "");
    put_steps(l, &p, s, totals);
    cit__line(&p, CIT__PLAIN, "%s", "");
    put_examples(l, &p, totals);
    if (p.err == CIT_OK && p.line < p.rows)
        p.err = cit_buf_add_str(&l->text, "\r\n\x1b[J");
    if (is_writable(l->fd) && show(l, &p))
        l->is_on_screen = true;
}

/* ---- the run ---- */

int cit_live_open(int fd, enum cit_live_mode mode, const struct cit_load_plan *plan, struct cit_live **out)
{
    struct cit_live *l = cit_calloc(1, sizeof *l);

    if (l == NULL)
        return CIT_ENOMEM;
    l->order = cit_calloc(plan->nrows, sizeof *l->order);
    if (l->order == NULL) {
        cit_free(l);
        return CIT_ENOMEM;
    }
    l->plan = plan;
    l->fd = fd;
    l->mode = mode;
    l->has_color = isatty(fd) == 1 && !is_set("NO_COLOR");
    l->is_utf8 = is_utf8();
    cit_buf_init(&l->text, TEXT_MAX);
    *out = l;
    return CIT_OK;
}

void cit_live_second(struct cit_live *l, const struct cit_load_second *s, const struct cit_tally *totals)
{
    struct cit_row all = { 0 };

    if (l->mode == CIT_LIVE_OFF)
        return;
    cit_tally_all(s->tally, &all);
    l->rate[l->nrates++ % PLOT] = second_rate(s, &all);
    if (l->mode == CIT_LIVE_SCREEN)
        show_view(l, s, totals, &all);
    else
        show_line(l, s, &all);
    cit_row_fini(&all);
}

void cit_live_end(struct cit_live *l, const struct cit_tally *totals, const struct cit_run_end *end)
{
    struct cit__page p = page_of(l);

    leave_screen(l);
    p.rows = 0;
    cit__summary(&p, l->plan, totals, end);
    (void)show(l, &p);
}

void cit_live_close(struct cit_live *l)
{
    if (l == NULL)
        return;
    leave_screen(l);
    cit_buf_fini(&l->text);
    cit_free(l->order);
    cit_free(l);
}
