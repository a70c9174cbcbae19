/* expr/regex.h - patterns of matches(), by PCRE2 where the build has it.
 *
 * Patterns are found by their text: a program has few, and the store outlives programs.  A match
 * is bounded in steps and memory, whatever the pattern.
 *
 * Depends on: base/{err,slice}.
 * Ownership:  the store owns what it compiled; texts are copied.
 * Threads:    one at a time.
 * Limits:     CIT_EXPR_REGEXES_MAX patterns are kept, then the oldest goes.
 */
#ifndef CIT_EXPR_REGEX_H
#define CIT_EXPR_REGEX_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

enum { CIT_EXPR_REGEXES_MAX = 64, CIT_EXPR_REGEX_WHY = 120 };

struct cit_expr_regexes;

/* Whether the build has PCRE2; without it the calls below give CIT_ESTATE. */
bool cit_expr_regex_is_built(void);

/* Whether pattern is found in text.  *store may be NULL at first and is made.  CIT_OK and *found; CIT_EINVAL and
 * why[CIT_EXPR_REGEX_WHY] when the pattern is not valid; CIT_ELIMIT when it takes too many steps; CIT_ENOMEM. */
CIT_MUST_CHECK int cit_expr_regex_find(struct cit_expr_regexes **store, struct cit_slice pattern, struct cit_slice text,
                                       bool *found, char *why);

void cit_expr_regexes_free(struct cit_expr_regexes *store);

#endif
