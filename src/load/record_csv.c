/* load/record_csv.c - the totals as a table for spreadsheets (RFC 4180). */
#include "load/record.h"

#include <string.h>

#include "load/report_int.h"

struct out {
    struct cit_buf *buf;
    int err; /* the first failure */
};

static void put(struct out *o, struct cit_slice text)
{
    if (o->err == CIT_OK)
        o->err = cit_buf_add_slice(o->buf, text);
}

static void put_str(struct out *o, const char *text)
{
    put(o, cit_slice_str(text));
}

static void put_u64(struct out *o, uint64_t value)
{
    put_str(o, ",");
    if (o->err == CIT_OK)
        o->err = cit_buf_add_u64(o->buf, value);
}

/* Always in quotes: names may hold anything. */
static void put_name(struct out *o, struct cit_slice text)
{
    const char *quote;

    put_str(o, "\"");
    while (text.n > 0 && (quote = memchr(text.p, '"', text.n)) != NULL) {
        size_t n = (size_t)(quote - text.p) + 1;

        put(o, cit_slice(text.p, n));
        put_str(o, "\"");
        text = cit_slice(text.p + n, text.n - n);
    }
    put(o, text);
    put_str(o, "\"");
}

static void put_head(struct out *o)
{
    static const char *const kinds[] = { "latency", "service" };

    put_str(o, "step,requests,errors,rate,bytes_in,bytes_out");
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < CIT__MEASURES && o->err == CIT_OK; i++)
            o->err = cit_buf_printf(o->buf, ",%s_%s_ms", kinds[k], cit__measure_name((enum cit_threshold_kind)i));
    }
    put_str(o, ",codes,errors_by_kind\n");
}

/* An empty cell when there was no answer. */
static void put_times(struct out *o, const struct cit_hist *h)
{
    for (int i = 0; i < CIT__MEASURES; i++) {
        put_str(o, ",");
        if (o->err == CIT_OK && h->count > 0)
            o->err = cit__put_ms(o->buf, cit__measure_ms(h, (enum cit_threshold_kind)i));
    }
}

/* "200=17 404=3", in one cell each. */
static void put_counts(struct out *o, const struct cit_row *r)
{
    const char *before = ",";

    for (int i = 0; r->codes != NULL && i < CIT_STATUS_COUNT; i++) {
        if (r->codes[i] == 0 || o->err != CIT_OK)
            continue;
        o->err = cit_buf_printf(o->buf, "%s%d=%llu", before, i + CIT_STATUS_LEAST, (unsigned long long)r->codes[i]);
        before = " ";
    }
    put_str(o, before[0] == ',' ? ",," : ",");
    before = "";
    for (int f = 0; f < CIT_FAULT_KINDS; f++) {
        if (r->faults[f] == 0 || o->err != CIT_OK)
            continue;
        o->err = cit_buf_printf(o->buf, "%s%s=%llu", before, cit_fault_name((enum cit_fault)f),
                                (unsigned long long)r->faults[f]);
        before = " ";
    }
}

static void put_row(struct out *o, struct cit_slice step, const struct cit_row *r, const struct cit_run_end *end)
{
    put_name(o, step);
    put_u64(o, r->requests);
    put_u64(o, r->errors);
    put_str(o, ",");
    if (o->err == CIT_OK)
        o->err = cit__put_number(o->buf, cit__per_second(r->requests, end), 3);
    put_u64(o, r->bytes_in);
    put_u64(o, r->bytes_out);
    put_times(o, &r->latency);
    put_times(o, &r->service);
    put_counts(o, r);
    put_str(o, "\n");
}

int cit_record_steps(const struct cit_load_plan *plan, const struct cit_tally *totals, const struct cit_run_end *end,
                     struct cit_buf *out)
{
    struct out o = { out, CIT_OK };
    struct cit_row all = { 0 };

    put_head(&o);
    for (uint32_t i = 0; i < totals->nrows; i++)
        put_row(&o, plan->row_name[i], &totals->row[i], end);
    cit_tally_all(totals, &all);
    put_row(&o, CIT_SLICE_LIT("(all requests)"), &all, end);
    cit_row_fini(&all);
    return o.err;
}
