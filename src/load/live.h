/* load/live.h - what a run looks like while it goes on, in a terminal or as plain lines.
 *
 *      12 s  64 users  31,204 /s  p50 1.9 ms  p99 4.4 ms  0 errors          (a line each second)
 *
 * In a terminal the view is redrawn in place: rate with a small plot of the last minute, users,
 * percentiles of latency and service time, codes, the rows with most time or errors, one example of
 * each kind of error.  It fits the terminal's size, asked for at each second, and leaves the screen
 * as it was: whoever ends the process calls end or close first.  Names and examples come out without
 * control characters.
 *
 * Depends on: base, load/{engine,plan,stats}.
 * Threads:    one at a time.
 */
#ifndef CIT_LOAD_LIVE_H
#define CIT_LOAD_LIVE_H

#include "base/err.h"
#include "load/engine.h"
#include "load/plan.h"
#include "load/stats.h"

enum cit_live_mode { CIT_LIVE_OFF, CIT_LIVE_LINES, CIT_LIVE_SCREEN };

struct cit_live;

/* fd: where it goes (stderr).  The mode is the caller's choice; cit_live_best looks whether fd is a terminal that TERM
 * says can be drawn on.  Colours are for terminals without NO_COLOR.  CIT_OK, CIT_ENOMEM. */
enum cit_live_mode cit_live_best(int fd);
CIT_MUST_CHECK int cit_live_open(int fd, enum cit_live_mode mode, const struct cit_load_plan *plan,
                                 struct cit_live **out);
void cit_live_second(struct cit_live *l, const struct cit_load_second *s, const struct cit_tally *totals);

/* The summary for people, in all modes: a table of the rows, codes, errors with an example each, thresholds and
 * whether they held. */
void cit_live_end(struct cit_live *l, const struct cit_tally *totals, const struct cit_run_end *end);
void cit_live_close(struct cit_live *l);

#endif
