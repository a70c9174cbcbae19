/* load/report_int.h - what the record, its tables and the live view share.
 *
 * Depends on: base, load/{engine,hist,plan,stats}.
 * Threads:    one at a time.
 */
#ifndef CIT_LOAD_REPORT_INT_H
#define CIT_LOAD_REPORT_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "load/engine.h"
#include "load/plan.h"
#include "load/stats.h"

/* ---- what is told of times ---- */

enum { CIT__MEASURES = CIT_THRESHOLD_MAX + 1 }; /* by enum cit_threshold_kind, up to max */

/* "mean", "p50" ... "max", and of thresholds also "errors" and "rate". */
const char *cit__measure_name(enum cit_threshold_kind kind);

/* In milliseconds; NAN when nothing was measured: no answer is not a quick one. */
double cit__measure_ms(const struct cit_hist *h, enum cit_threshold_kind kind);

/* n in each of the seconds; 0 when there are none. */
double cit__per_second(uint64_t n, const struct cit_run_end *end);

/* How long it is to take, with its warm-up; 0 when it ends by its number of requests. */
double cit__planned_seconds(const struct cit_load_plan *plan);

/* "finished", "stopped" or "failed", and the word for why itself. */
const char *cit__end_state(enum cit_end why);
const char *cit__end_name(enum cit_end why);

/* The target as a plan names it: "https://host:port", "unix:/path". */
enum { CIT__TARGET_MAX = 400 };
void cit__target_text(const struct cit_load_plan *plan, char out[CIT__TARGET_MAX]);

/* CPU seconds in each second of each thread: 1 is all that it could have. */
double cit__generator_share(const struct cit_load_plan *plan, const struct cit_run_end *end);

/* Writes all of it, however often that takes.  CIT_OK, or what errno says (which is kept). */
CIT_MUST_CHECK int cit__write_all(int fd, const char *p, size_t n);

/* ---- texts of the record: CIT_OK, CIT_ELIMIT, CIT_ENOMEM ---- */

/* Appends value with so many digits behind the point, or fewer when they are zeros; "null" when it is not finite. */
CIT_MUST_CHECK int cit__put_number(struct cit_buf *out, double value, int places);

/* ... with the digits that a time in milliseconds has: whole nanoseconds of what a clock gives are noise. */
CIT_MUST_CHECK int cit__put_ms(struct cit_buf *out, double ms);

/* The lines of the stream, each with its newline. */
CIT_MUST_CHECK int cit__start_line(const struct cit_load_plan *plan, struct cit_buf *out);
CIT_MUST_CHECK int cit__end_line(const struct cit_load_plan *plan, const struct cit_tally *totals,
                                 const struct cit_run_end *end, struct cit_buf *out);

/* A second as a line of seconds.jsonl, or of the stream, which has its histograms too. */
CIT_MUST_CHECK int cit__second_line(const struct cit_load_plan *plan, const struct cit_load_second *s, bool is_stream,
                                    struct cit_buf *out);

/* Lines of histograms.jsonl, one for each row with answers; second -1: the totals. */
CIT_MUST_CHECK int cit__histogram_lines(const struct cit_load_plan *plan, const struct cit_tally *tally, int64_t second,
                                        struct cit_buf *out);

#endif
