/* load/record.h - what a run leaves: JSON lines while it goes on, a summary and tables at its end.
 *
 *      DIR/plan.json  seconds.jsonl  histograms.jsonl  (as it runs)   summary.json  steps.csv  (again and again)
 *
 * summary.json and steps.csv are replaced as wholes (write, rename), every ten seconds and at the
 * end, so that a run that was killed leaves readable files; its "state" tells.  The formats are in
 * docs/load-files.md.  A process whose stream is a pipe ignores SIGPIPE.
 *
 * Depends on: base, load/{engine,json,plan,stats}.
 * Ownership:  a record owns its descriptors.
 * Threads:    one at a time.
 */
#ifndef CIT_LOAD_RECORD_H
#define CIT_LOAD_RECORD_H

#include "base/buf.h"
#include "base/err.h"
#include "load/engine.h"
#include "load/plan.h"
#include "load/stats.h"

struct cit_record;

/* folder NULL: no files; stream_fd -1: no stream.  The folder is made if it is not there; one that is there must be
 * empty or an earlier run's (CIT_EEXIST), whose files are replaced.  plan_json is kept in it.
 * The stream gets {"type": "start"|"second"|"end", ...} lines, seconds with the histograms in them.
 * CIT_OK; CIT_EACCES, CIT_EIO, CIT_ENOENT with errno; CIT_ENOMEM. */
CIT_MUST_CHECK int cit_record_open(const char *folder, int stream_fd, const struct cit_load_plan *plan,
                                   struct cit_slice plan_json, struct cit_record **out);

/* A failure to write is told once by the return value (with errno) and the run goes on. */
CIT_MUST_CHECK int cit_record_second(struct cit_record *r, const struct cit_load_second *s,
                                     const struct cit_tally *totals, const struct cit_run_end *now);
CIT_MUST_CHECK int cit_record_end(struct cit_record *r, const struct cit_tally *totals, const struct cit_run_end *end);
void cit_record_close(struct cit_record *r);

/* The texts themselves. */
CIT_MUST_CHECK int cit_record_summary(const struct cit_load_plan *plan, const struct cit_tally *totals,
                                      const struct cit_run_end *end, const char *state, struct cit_buf *out);
CIT_MUST_CHECK int cit_record_steps(const struct cit_load_plan *plan, const struct cit_tally *totals,
                                    const struct cit_run_end *end, struct cit_buf *out);

/* One threshold held against the totals: 1 holds, 0 does not; *actual is what was measured: ms, a share, or right
 * answers a second.  It does not hold, and *actual is NAN, when nothing was measured that it could be about. */
int cit_threshold_check(const struct cit_threshold *t, const struct cit_tally *totals, const struct cit_run_end *end,
                        double *actual);

#endif
