/* load/hist.c - counts of times in cells that are at most 0.1 % wide. */
#include "load/hist.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

enum { CELL_BITS = 10, ALL_CELLS = CIT_HIST_ROWS * CIT_HIST_CELLS };

void cit_hist_fini(struct cit_hist *h)
{
    for (int i = 0; i < CIT_HIST_ROWS; i++)
        cit_free(h->rows[i]);
    *h = (struct cit_hist){ 0 };
}

void cit_hist_clear(struct cit_hist *h)
{
    if (h->count == 0)
        return;
    for (int i = 0; i < CIT_HIST_ROWS; i++) {
        if (h->rows[i] != NULL)
            memset(h->rows[i], 0, CIT_HIST_CELLS * sizeof *h->rows[i]);
    }
    h->count = h->lost = h->sum_ns = 0;
    h->least_ns = h->most_ns = 0;
}

/* The row's cells, made if need be; NULL without memory. */
static uint64_t *row_of(struct cit_hist *h, uint32_t row)
{
    if (h->rows[row] == NULL)
        h->rows[row] = cit_calloc(CIT_HIST_CELLS, sizeof *h->rows[row]);
    return h->rows[row];
}

/* Row 0 holds what is less than 1024; row r > 0 the 1024 cells from 1024 << (r - 1), each 1 << (r - 1) wide. */
static uint32_t cell_of(uint32_t us)
{
    uint32_t shift = (uint32_t)(31 - CELL_BITS) - (uint32_t)__builtin_clz(us | CIT_HIST_CELLS);

    return (shift << CELL_BITS) + (us >> shift);
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static void note_ends(struct cit_hist *h, int64_t least_ns, int64_t most_ns)
{
    if (h->count == 0 || least_ns < h->least_ns)
        h->least_ns = least_ns;
    if (most_ns > h->most_ns)
        h->most_ns = most_ns;
}

void cit_hist_add(struct cit_hist *h, int64_t ns)
{
    uint64_t us;
    uint32_t cell;
    uint64_t *row;

    ns = ns > 0 ? ns : 0;
    us = (uint64_t)ns / 1000;
    cell = cell_of(us < CIT_HIST_MOST_US ? (uint32_t)us : (uint32_t)CIT_HIST_MOST_US);
    row = row_of(h, cell / CIT_HIST_CELLS);
    if (row != NULL)
        row[cell % CIT_HIST_CELLS]++;
    else
        h->lost++;
    note_ends(h, ns, ns);
    h->count++;
    h->sum_ns = add_up(h->sum_ns, (uint64_t)ns);
}

static void merge_row(struct cit_hist *h, uint32_t row, const uint64_t *from)
{
    uint64_t *to = row_of(h, row);

    for (int i = 0; i < CIT_HIST_CELLS; i++) {
        if (to != NULL)
            to[i] += from[i];
        else
            h->lost += from[i];
    }
}

void cit_hist_merge(struct cit_hist *h, const struct cit_hist *from)
{
    if (from->count == 0)
        return;
    for (uint32_t i = 0; i < CIT_HIST_ROWS; i++) {
        if (from->rows[i] != NULL)
            merge_row(h, i, from->rows[i]);
    }
    note_ends(h, from->least_ns, from->most_ns);
    h->count += from->count;
    h->lost += from->lost;
    h->sum_ns = add_up(h->sum_ns, from->sum_ns);
}

/* How many times one of `total` is, counted from the least, that `share` of them do not pass.  What is above a
 * whole number by less than a double tells (0.07 * 100) is that number. */
static uint64_t rank_of(double share, uint64_t total)
{
    double at = share * (double)total * (1 - 1e-14);
    uint64_t rank;

    if (!(at > 0))
        return 1;
    if (at >= (double)total)
        return total;
    rank = (uint64_t)at;
    return rank + ((double)rank < at);
}

double cit_hist_ms_at(const struct cit_hist *h, double share)
{
    uint64_t total = h->count - h->lost, seen = 0, from = 0, to = 0, n, rank;
    double most = (double)h->most_ns / 1e6, middle;
    uint32_t at = 0;

    if (total == 0 || share >= 1)
        return most;
    rank = rank_of(share, total);
    while (seen < rank && (n = cit_hist_next(h, &at, &from, &to)) > 0)
        seen += n;
    middle = (double)(from + to) / 2e3;
    return middle < most ? middle : most;
}

double cit_hist_mean_ms(const struct cit_hist *h)
{
    return h->count == 0 ? 0 : (double)h->sum_ns / (double)h->count / 1e6;
}

uint64_t cit_hist_next(const struct cit_hist *h, uint32_t *at, uint64_t *from_us, uint64_t *to_us)
{
    while (*at < ALL_CELLS) {
        uint32_t cell = (*at)++, row = cell / CIT_HIST_CELLS, place = cell % CIT_HIST_CELLS;
        uint32_t shift = row > 1 ? row - 1 : 0;

        if (h->rows[row] == NULL) {
            *at = (row + 1) * CIT_HIST_CELLS;
            continue;
        }
        if (h->rows[row][place] == 0)
            continue;
        *from_us = ((uint64_t)place + (row > 0 ? CIT_HIST_CELLS : 0)) << shift;
        *to_us = *from_us + (1ULL << shift);
        return h->rows[row][place];
    }
    return 0;
}
