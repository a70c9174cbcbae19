/* load/live_text.c - figures and tables as people read them, in lines that a terminal can be given. */
#include "load/live_int.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "load/utf8_int.h"

/* ---- lines ---- */

/* C0, DEL, C1, and the characters that turn the direction of what follows. */
static bool is_harmful(const char *p, size_t len)
{
    const unsigned char *u = (const unsigned char *)p;

    if (len <= 1)
        return len == 0 || u[0] < 0x20 || u[0] == 0x7f;
    if (len == 2)
        return u[0] == 0xc2 && u[1] < 0xa0;
    if (len == 3 && u[0] == 0xe2)
        return (u[1] == 0x80 && u[2] >= 0xa8 && u[2] <= 0xae) || (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9);
    return false;
}

/* The next character of the rest, or "?" for one that would do harm. */
static struct cit_slice next_char(struct cit_slice *rest)
{
    size_t len = cit__utf8_len(rest->p, rest->n);
    struct cit_slice c = is_harmful(rest->p, len) ? CIT_SLICE_LIT("?") : cit_slice(rest->p, len);

    len = len > 0 ? len : 1;
    *rest = cit_slice(rest->p + len, rest->n - len);
    return c;
}

uint32_t cit__columns_of(struct cit_slice text)
{
    uint32_t columns = 0;

    for (; text.n > 0; columns++)
        (void)next_char(&text);
    return columns;
}

static void put(struct cit__page *p, struct cit_slice text)
{
    if (p->err == CIT_OK)
        p->err = cit_buf_add_slice(p->out, text);
}

static void put_clean(struct cit__page *p, struct cit_slice text)
{
    for (uint32_t at = 0; text.n > 0 && (!p->is_screen || at < p->columns); at++)
        put(p, next_char(&text));
}

/* A screen has no newline behind its last line: that would move it up.  It is cleared before a line is written:
 * behind one that fills it, that would take its last character. */
static void begin_line(struct cit__page *p)
{
    if (p->is_screen)
        put(p, p->line > 0 ? CIT_SLICE_LIT("\r\n\x1b[K") : CIT_SLICE_LIT("\x1b[K"));
    p->line++;
}

static void end_line(struct cit__page *p)
{
    if (!p->is_screen)
        put(p, CIT_SLICE_LIT("\n"));
}

void cit__line(struct cit__page *p, enum cit__style style, const char *fmt, ...)
{
    static const char *const on[] = { "", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[33m" };
    bool has_style = p->has_color && style != CIT__PLAIN;
    char text[CIT__LINE_MAX];
    va_list args;

    if (p->rows > 0 && p->line >= p->rows)
        return;
    begin_line(p);
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (has_style)
        put(p, cit_slice_str(on[style]));
    put_clean(p, cit_slice_str(text));
    if (has_style)
        put(p, CIT_SLICE_LIT("\x1b[0m"));
    end_line(p);
}

void cit__line_cell(char *line, struct cit_slice text, uint32_t columns)
{
    size_t n = strlen(line);

    for (uint32_t at = 0; at < columns; at++) {
        struct cit_slice c = text.n > 0 ? next_char(&text) : CIT_SLICE_LIT(" ");

        if (n + c.n >= CIT__LINE_MAX)
            break;
        memcpy(line + n, c.p, c.n);
        n += c.n;
    }
    line[n] = '\0';
}

/* ---- figures ---- */

struct cit__word cit__count_text(uint64_t n)
{
    struct cit__word w;
    char *p = w.text + sizeof w.text;
    int digits = 0;

    *--p = '\0';
    do {
        if (digits > 0 && digits % 3 == 0)
            *--p = ',';
        *--p = (char)('0' + n % 10);
        n /= 10;
        digits++;
    } while (n > 0);
    memmove(w.text, p, strlen(p) + 1);
    return w;
}

struct cit__word cit__rate_text(double rate)
{
    struct cit__word w;

    if (rate >= 99.95)
        return cit__count_text((uint64_t)llround(rate < 1e18 ? rate : 1e18));
    (void)snprintf(w.text, sizeof w.text, "%.*f", rate < 9.995 ? 2 : 1, rate);
    return w;
}

struct cit__word cit__seconds_text(int64_t ns)
{
    double s = (double)ns / 1e9;
    struct cit__word w;

    (void)snprintf(w.text, sizeof w.text, "%.*f s", s < 9.995 ? 2 : s < 99.95 ? 1 : 0, s);
    return w;
}

struct cit__word cit__ms_text(double ms)
{
    struct cit__word w;

    if (!isfinite(ms))
        (void)snprintf(w.text, sizeof w.text, "-");
    else if (ms < 999.5)
        (void)snprintf(w.text, sizeof w.text, "%.*f ms", ms < 0.0995 ? 3 : ms < 9.95 ? 2 : ms < 99.5 ? 1 : 0, ms);
    else
        (void)snprintf(w.text, sizeof w.text, "%.*f s", ms < 99950 ? 2 : 0, ms / 1000);
    return w;
}

struct cit__word cit__bytes_text(uint64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double value = (double)bytes;
    struct cit__word w;
    int unit = 0;

    for (; value >= 999.5 && unit < 6; unit++)
        value /= 1000;
    (void)snprintf(w.text, sizeof w.text, "%.*f %s", unit == 0 || value >= 99.95 ? 0 : 1, value, units[unit]);
    return w;
}

struct cit__word cit__share_text(double share)
{
    struct cit__word w;

    (void)snprintf(w.text, sizeof w.text, "%.*f %%", share < 0.0995 ? 2 : 1, share * 100);
    return w;
}

/* ---- lists ---- */

void cit__title_text(const struct cit_load_plan *plan, char out[CIT__LINE_MAX])
{
    char target[CIT__TARGET_MAX];
    size_t n;

    cit__target_text(plan, target);
    n = strlen(target);
    if (plan->title.n >= n && memcmp(plan->title.p, target, n) == 0)
        (void)snprintf(out, CIT__LINE_MAX, "%.*s", CIT_SLICE_ARG(plan->title));
    else
        (void)snprintf(out, CIT__LINE_MAX, "%.*s  %s", CIT_SLICE_ARG(plan->title), target);
}

static void add_count(char out[CIT__LINE_MAX], const char *name, uint64_t n)
{
    size_t len = strlen(out);

    (void)snprintf(out + len, CIT__LINE_MAX - len, "%s%s: %s", len > 0 ? "  " : "", name, cit__count_text(n).text);
}

void cit__codes_text(const struct cit_row *r, char out[CIT__LINE_MAX])
{
    char code[16];

    out[0] = '\0';
    for (int i = 0; r->codes != NULL && i < CIT_STATUS_COUNT; i++) {
        if (r->codes[i] == 0)
            continue;
        (void)snprintf(code, sizeof code, "%d", i + CIT_STATUS_LEAST);
        add_count(out, code, r->codes[i]);
    }
    if (out[0] == '\0')
        memcpy(out, "none", 5);
}

void cit__faults_text(const struct cit_row *r, char out[CIT__LINE_MAX])
{
    out[0] = '\0';
    for (int f = 0; f < CIT_FAULT_KINDS; f++) {
        if (r->faults[f] > 0)
            add_count(out, cit_fault_name((enum cit_fault)f), r->faults[f]);
    }
    if (out[0] == '\0')
        memcpy(out, "none", 5);
}

/* ---- tables ---- */

enum {
    NAME_LEAST = 12,
    NAME_MOST = 48,
    COUNT_WIDTH = 12,
    TIME_WIDTH = 10,
    COUNTS = 3 /* requests, errors, rate */
};

static const enum cit_threshold_kind all_times[] = { CIT_THRESHOLD_MEAN, CIT_THRESHOLD_P50, CIT_THRESHOLD_P90,
                                                     CIT_THRESHOLD_P95,  CIT_THRESHOLD_P99, CIT_THRESHOLD_P999,
                                                     CIT_THRESHOLD_MAX };
static const enum cit_threshold_kind few_times[] = { CIT_THRESHOLD_P50, CIT_THRESHOLD_P99, CIT_THRESHOLD_MAX };

struct shape {     /* of a table */
    uint32_t name; /* columns */
    const enum cit_threshold_kind *times;
    uint32_t ntimes;
};

static uint32_t row_number(const struct cit__table *t, uint32_t i)
{
    return t->row != NULL ? t->row[i] : i;
}

/* All percentiles where the terminal is wide enough for them, and names as long as they are. */
static struct shape shape_of(const struct cit__page *p, const struct cit__table *t)
{
    struct shape s = { NAME_LEAST, all_times, sizeof all_times / sizeof *all_times };
    uint32_t rest = COUNTS * COUNT_WIDTH + s.ntimes * TIME_WIDTH;

    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t columns = cit__columns_of(t->plan->row_name[row_number(t, i)]);

        s.name = columns > s.name ? columns : s.name;
    }
    s.name = s.name < NAME_MOST ? s.name : NAME_MOST;
    if (p->columns > 0 && rest + s.name > p->columns) {
        s.times = few_times;
        s.ntimes = sizeof few_times / sizeof *few_times;
        rest = COUNTS * COUNT_WIDTH + s.ntimes * TIME_WIDTH;
    }
    if (p->columns > 0 && rest + s.name > p->columns)
        s.name = p->columns > rest + NAME_LEAST ? p->columns - rest : NAME_LEAST;
    return s;
}

static void add_right(char line[CIT__LINE_MAX], const char *text, int width)
{
    size_t n = strlen(line);

    (void)snprintf(line + n, CIT__LINE_MAX - n, "%*s", width, text);
}

static void table_head(struct cit__page *p, const struct shape *s)
{
    char line[CIT__LINE_MAX] = "";

    cit__line_cell(line, CIT_SLICE_LIT("step"), s->name);
    add_right(line, "requests", COUNT_WIDTH);
    add_right(line, "errors", COUNT_WIDTH);
    add_right(line, "/s", COUNT_WIDTH);
    for (uint32_t i = 0; i < s->ntimes; i++)
        add_right(line, cit__measure_name(s->times[i]), TIME_WIDTH);
    cit__line(p, CIT__BOLD, "%s", line);
}

static void table_row(struct cit__page *p, const struct shape *s, struct cit_slice name, const struct cit_row *r,
                      const struct cit_run_end *end)
{
    char line[CIT__LINE_MAX] = "";

    cit__line_cell(line, name, s->name);
    add_right(line, cit__count_text(r->requests).text, COUNT_WIDTH);
    add_right(line, cit__count_text(r->errors).text, COUNT_WIDTH);
    add_right(line, cit__rate_text(cit__per_second(r->requests, end)).text, COUNT_WIDTH);
    for (uint32_t i = 0; i < s->ntimes; i++)
        add_right(line, cit__ms_text(cit__measure_ms(&r->latency, s->times[i])).text, TIME_WIDTH);
    cit__line(p, r->errors > 0 ? CIT__BAD : CIT__PLAIN, "%s", line);
}

void cit__table(struct cit__page *p, const struct cit__table *t)
{
    struct shape s = shape_of(p, t);

    table_head(p, &s);
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t row = row_number(t, i);

        table_row(p, &s, t->plan->row_name[row], &t->tally->row[row], t->end);
    }
}
