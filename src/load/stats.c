/* load/stats.c - counting requests into rows, and adding rows up. */
#include "load/stats.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

static const struct {
    const char *name, *text;
    bool is_answered;
} faults[] = {
#define FAULT_ROW(id, name, text, answered) { name, text, (answered) != 0 },
    CIT_FAULT_MAP(FAULT_ROW)
#undef FAULT_ROW
};

const char *cit_fault_name(enum cit_fault f)
{
    return faults[f].name;
}

const char *cit_fault_text(enum cit_fault f)
{
    return faults[f].text;
}

bool cit_fault_is_answered(enum cit_fault f)
{
    return faults[f].is_answered;
}

/* ---- rows ---- */

void cit_row_fini(struct cit_row *r)
{
    cit_free(r->codes);
    cit_free(r->examples);
    cit_hist_fini(&r->latency);
    cit_hist_fini(&r->service);
    *r = (struct cit_row){ 0 };
}

void cit_row_clear(struct cit_row *r)
{
    if (r->requests == 0 && r->examples == NULL)
        return;
    r->requests = r->errors = r->bytes_in = r->bytes_out = 0;
    memset(r->faults, 0, sizeof r->faults);
    if (r->codes != NULL)
        memset(r->codes, 0, CIT_STATUS_COUNT * sizeof *r->codes);
    for (int f = 0; r->examples != NULL && f < CIT_FAULT_KINDS; f++)
        r->examples[f].text[0] = '\0';
    cit_hist_clear(&r->latency);
    cit_hist_clear(&r->service);
}

/* The counts by status, made if need be; NULL without memory. */
static uint64_t *codes_of(struct cit_row *r)
{
    if (r->codes == NULL)
        r->codes = cit_calloc(CIT_STATUS_COUNT, sizeof *r->codes);
    return r->codes;
}

static void merge_codes(struct cit_row *r, const uint64_t *from)
{
    uint64_t *to = codes_of(r);

    for (int i = 0; to != NULL && i < CIT_STATUS_COUNT; i++)
        to[i] += from[i];
}

static bool wants_example(const struct cit_row *r, enum cit_fault f)
{
    return r->examples == NULL || r->examples[f].text[0] == '\0';
}

/* The first one of a kind stays; without memory there is none. */
static void keep_example(struct cit_row *r, enum cit_fault f, const char *text)
{
    size_t n = strlen(text);

    if (!wants_example(r, f))
        return;
    if (r->examples == NULL)
        r->examples = cit_calloc(CIT_FAULT_KINDS, sizeof *r->examples);
    if (r->examples == NULL)
        return;
    n = n < CIT_EXAMPLE_MAX ? n : CIT_EXAMPLE_MAX - 1;
    memcpy(r->examples[f].text, text, n);
    r->examples[f].text[n] = '\0';
}

void cit_row_merge(struct cit_row *r, const struct cit_row *from)
{
    r->requests += from->requests;
    r->errors += from->errors;
    r->bytes_in += from->bytes_in;
    r->bytes_out += from->bytes_out;
    for (int f = 0; f < CIT_FAULT_KINDS; f++) {
        r->faults[f] += from->faults[f];
        if (from->examples != NULL && from->examples[f].text[0] != '\0')
            keep_example(r, (enum cit_fault)f, from->examples[f].text);
    }
    if (from->codes != NULL)
        merge_codes(r, from->codes);
    cit_hist_merge(&r->latency, &from->latency);
    cit_hist_merge(&r->service, &from->service);
}

/* ---- tallies ---- */

int cit_tally_init(struct cit_tally *t, uint32_t nrows)
{
    struct cit_row *row = cit_calloc(nrows, sizeof *row);

    if (row == NULL)
        return CIT_ENOMEM;
    *t = (struct cit_tally){ .row = row, .nrows = nrows };
    return CIT_OK;
}

void cit_tally_fini(struct cit_tally *t)
{
    for (uint32_t i = 0; i < t->nrows; i++)
        cit_row_fini(&t->row[i]);
    cit_free(t->row);
    *t = (struct cit_tally){ 0 };
}

void cit_tally_clear(struct cit_tally *t)
{
    for (uint32_t i = 0; i < t->nrows; i++)
        cit_row_clear(&t->row[i]);
    *t = (struct cit_tally){ .row = t->row, .nrows = t->nrows };
}

static void add_answer(struct cit_row *r, const struct cit_sample *s)
{
    unsigned code = (unsigned)(s->status - CIT_STATUS_LEAST);
    uint64_t *codes = codes_of(r);

    if (codes != NULL && code < CIT_STATUS_COUNT)
        codes[code]++;
    cit_hist_add(&r->latency, s->end_ns - s->intended_ns);
    cit_hist_add(&r->service, s->end_ns - s->start_ns);
}

void cit_tally_add(struct cit_tally *t, const struct cit_sample *s)
{
    struct cit_row *r = &t->row[s->row];

    assert(s->row < t->nrows);
    r->requests++;
    r->bytes_in += s->bytes_in;
    r->bytes_out += s->bytes_out;
    if (s->fault != CIT_FAULT_NONE) {
        r->errors++;
        r->faults[s->fault]++;
    }
    if (faults[s->fault].is_answered)
        add_answer(r, s);
}

bool cit_tally_wants_example(const struct cit_tally *t, uint32_t row, enum cit_fault f)
{
    return wants_example(&t->row[row], f);
}

void cit_tally_example(struct cit_tally *t, uint32_t row, enum cit_fault f, const char *text)
{
    keep_example(&t->row[row], f, text);
}

void cit_tally_merge(struct cit_tally *t, const struct cit_tally *from)
{
    assert(t->nrows == from->nrows);
    for (uint32_t i = 0; i < from->nrows; i++)
        cit_row_merge(&t->row[i], &from->row[i]);
    t->connects += from->connects;
    t->rounds += from->rounds;
    t->late += from->late;
    t->unfinished += from->unfinished;
    t->users += from->users;
    t->waiting += from->waiting;
    t->not_begun += from->not_begun;
}

void cit_tally_all(const struct cit_tally *t, struct cit_row *out)
{
    for (uint32_t i = 0; i < t->nrows; i++)
        cit_row_merge(out, &t->row[i]);
}
