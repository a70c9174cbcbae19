/* load/hist.h - counts of times, three digits exact, that add up.
 *
 *      microseconds   0 .. 2047 one each │ 2048 .. 4095 by 2 │ .. by 4 │ ...   up to an hour
 *      rows of 1024 cells, made when the first time falls into them
 *
 * A high dynamic range histogram: the cell of a time is off by less than 0.1 % of it.  Two
 * histograms add cell by cell, so that a merge loses nothing.  Count, sum, least and greatest are
 * exact.  Times past the range count as its end (and as themselves in sum and greatest).  A row for
 * which there is no memory counts into `lost`: the number of times is still right.
 *
 * Depends on: base/{err,mem}.
 * Ownership:  a histogram owns its rows.
 * Threads:    one at a time.
 * Limits:     1 us to 1 h; CIT_HIST_ROWS rows of 8 KB.
 */
#ifndef CIT_LOAD_HIST_H
#define CIT_LOAD_HIST_H

#include <stdint.h>

#include "base/err.h"

enum { CIT_HIST_CELLS = 1024, CIT_HIST_ROWS = 23 };

#define CIT_HIST_MOST_US 3600000000ULL

struct cit_hist {    /* {0} is an empty one */
    uint64_t count;  /* times, those of `lost` too */
    uint64_t lost;   /* of them in no cell, for lack of memory */
    uint64_t sum_ns; /* stays at UINT64_MAX once there */
    int64_t least_ns, most_ns;
    uint64_t *rows[CIT_HIST_ROWS]; /* owned; NULL: no time there yet */
};

void cit_hist_fini(struct cit_hist *h);

/* Empties it and keeps its rows. */
void cit_hist_clear(struct cit_hist *h);

/* Counts one time; a negative one counts as 0. */
void cit_hist_add(struct cit_hist *h, int64_t ns);

/* Adds all of `from`. */
void cit_hist_merge(struct cit_hist *h, const struct cit_hist *from);

/* The time in milliseconds that `share` (0 to 1) of the times do not pass: the middle of its cell, never above
 * most_ns; 0 for an empty one.  share 1 is most_ns exactly. */
double cit_hist_ms_at(const struct cit_hist *h, double share);
double cit_hist_mean_ms(const struct cit_hist *h);

/* Walks through the cells that are not empty, in rising order.  *at is 0 at first.  Returns the count of the
 * next one, with the least time in it in *from_us and the first time past it in *to_us; 0 at the end. */
uint64_t cit_hist_next(const struct cit_hist *h, uint32_t *at, uint64_t *from_us, uint64_t *to_us);

#endif
