/* load/live_int.h - lines of text for a terminal, and the figures in them.
 *
 *      cit__line(page, style, "p99 %s", cit__ms_text(4.4).text)   ->   cleaned, styled, on a screen cut
 *
 * Whatever is put into a line, the terminal gets no control characters out of it: names of steps
 * are an author's, examples of errors are the server's.
 *
 * Depends on: base, load/{plan,report_int,stats}.
 * Threads:    one at a time.
 */
#ifndef CIT_LOAD_LIVE_INT_H
#define CIT_LOAD_LIVE_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "load/plan.h"
#include "load/report_int.h"
#include "load/stats.h"

enum cit__style { CIT__PLAIN, CIT__BOLD, CIT__DIM, CIT__GOOD, CIT__BAD, CIT__WARN };

enum { CIT__LINE_MAX = 1200 }; /* bytes of a line before it is cut */

struct cit__page {
    struct cit_buf *out;
    uint32_t columns, rows; /* what fits; 0: no bound (a screen has bounds) */
    uint32_t line;          /* lines so far; those past rows are left out */
    bool has_color;
    bool is_screen; /* lines are written over others, and cut; else those that are too long are wrapped */
    int err;        /* the first failure */
};

void cit__line(struct cit__page *p, enum cit__style style, const char *fmt, ...) CIT_PRINTF(3, 4);

/* How many columns a text takes, as far as its characters are one wide. */
uint32_t cit__columns_of(struct cit_slice text);

/* Appends text to line (of CIT__LINE_MAX bytes), cut or filled up to so many columns. */
void cit__line_cell(char *line, struct cit_slice text, uint32_t columns);

struct cit__word {
    char text[32];
};

struct cit__word cit__count_text(uint64_t n);     /* 1,234,567 */
struct cit__word cit__rate_text(double rate);     /* 31,204  12.5  0.25 */
struct cit__word cit__seconds_text(int64_t ns);   /* 9.53 s  60.0 s  3600 s */
struct cit__word cit__ms_text(double ms);         /* 0.045 ms  4.4 ms  1.25 s; - when nothing was measured */
struct cit__word cit__bytes_text(uint64_t bytes); /* 1.5 MB */
struct cit__word cit__share_text(double share);   /* 0.25 % */

/* The rows of a table: a head and the n rows of the tally whose numbers are in `row`.  Full: all percentiles. */
struct cit__table {
    const struct cit_load_plan *plan;
    const struct cit_tally *tally;
    const struct cit_run_end *end; /* for the rates */
    const uint32_t *row;           /* NULL: all */
    uint32_t n;
};
void cit__table(struct cit__page *p, const struct cit__table *t);

/* What runs against what; a plan made of an address is called by it. */
void cit__title_text(const struct cit_load_plan *plan, char out[CIT__LINE_MAX]);

/* "200: 1,234  302: 12" and "timeout: 3  status: 2"; "none". */
void cit__codes_text(const struct cit_row *r, char out[CIT__LINE_MAX]);
void cit__faults_text(const struct cit_row *r, char out[CIT__LINE_MAX]);

/* The summary for people. */
void cit__summary(struct cit__page *p, const struct cit_load_plan *plan, const struct cit_tally *totals,
                  const struct cit_run_end *end);

#endif
