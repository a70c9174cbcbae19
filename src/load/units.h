/* load/units.h - times, shares and think times, as people write them.
 *
 *      250us  1.5ms  2s  10m  1h  0        1%  0.5%  0.01        1s..3s  exp(2s)  normal(2s, 500ms)
 *
 * Depends on: base/{err,slice}, load/rng.
 * Threads:    any.
 */
#ifndef CIT_LOAD_UNITS_H
#define CIT_LOAD_UNITS_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "load/rng.h"

/* All: CIT_OK, or CIT_EINVAL with *why a static text that ends a sentence, and *out untouched.  Up to 1,000 h. */
CIT_MUST_CHECK int cit_units_time(struct cit_slice text, int64_t *out_ns, const char **why);
CIT_MUST_CHECK int cit_units_share(struct cit_slice text, double *out, const char **why);

/* A think time: how long a user waits. */
enum cit_dist_kind { CIT_DIST_FIXED, CIT_DIST_UNIFORM, CIT_DIST_EXPONENTIAL, CIT_DIST_NORMAL };

struct cit_dist { /* {0} waits no time */
    enum cit_dist_kind kind;
    int64_t a_ns, b_ns; /* fixed: a; uniform: from a to b; exponential: mean a; normal: mean a, deviation b */
};

CIT_MUST_CHECK int cit_units_dist(struct cit_slice text, struct cit_dist *out, const char **why);

/* One drawn from it, never negative, never above 1,000 h. */
int64_t cit_dist_draw(const struct cit_dist *d, struct cit_rng *rng);

/* "1.5ms" and the like, as short as it is exact to three digits. */
#define CIT_UNITS_TEXT_MAX 24
void cit_units_time_text(int64_t ns, char out[CIT_UNITS_TEXT_MAX]);

#endif
