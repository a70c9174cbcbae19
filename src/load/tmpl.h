/* load/tmpl.h - texts with {{variables}}, parsed once and filled in for each request.
 *
 *      "/page/{{id}}?x=1"  ->  text "/page/" │ variable 3 │ text "?x=1"
 *
 * Variables are numbered over a whole plan, so that a user's values are an array.  `{{newUuid}}` and
 * `{{newDate}}` are made anew for each use, as stock hurl does; `{{userNumber}}` and `{{iteration}}`
 * are the user's.
 *
 * Depends on: base/{arena,buf,err,slice}, load/rng.
 * Ownership:  names and templates lie in the arena they were parsed into.
 * Threads:    parsing one at a time; filling in any.
 */
#ifndef CIT_LOAD_TMPL_H
#define CIT_LOAD_TMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "load/rng.h"

enum { CIT_NAMES_MAX = 4096 };

struct cit_names { /* {0} is empty */
    struct cit_slice *at;
    uint32_t n, cap;
    uint32_t *slot; /* by hash: a number + 1, or 0; twice cap of them, a power of two */
};

/* The number of a variable's name (Hurl: letters, digits, _ and -), new or known; CIT_ELIMIT, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_names_number(struct cit_names *names, struct cit_arena *a, struct cit_slice name, uint32_t *out);

/* The same without adding; -1 when it is not known. */
int64_t cit_names_find(const struct cit_names *names, struct cit_slice name);

struct cit_queries; /* load/query.h */

/* Where parsing puts what it makes: all of one plan.  Each function says what it needs; the rest may be NULL. */
struct cit_making {
    struct cit_names *names;
    struct cit_queries *queries;
    struct cit_arena *arena;
};

enum { CIT_TMPL_TEXT = -1, CIT_TMPL_UUID = -2, CIT_TMPL_DATE = -3, CIT_TMPL_USER = -4, CIT_TMPL_ITERATION = -5 };

struct cit_tmpl_piece {
    int32_t var; /* the variable's number, or one of CIT_TMPL_* */
    struct cit_slice text;
};

struct cit_tmpl { /* {0} is the empty text */
    struct cit_tmpl_piece *piece;
    uint32_t n;
};

/* True when it is one and the same text each time; *out is it. */
bool cit_tmpl_is_fixed(const struct cit_tmpl *t, struct cit_slice *out);

/* CIT_OK; CIT_EINVAL with *why (static) and *at, the byte where it is wrong; CIT_ELIMIT, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_tmpl_parse(struct cit_slice text, const struct cit_making *m, struct cit_tmpl *out,
                                  const char **why, size_t *at);

/* What a user knows when a text is filled in. */
struct cit_vars {
    const struct cit_slice *at; /* by number; p NULL: not set */
    uint32_t n;
    uint32_t user;      /* userNumber: from 1 */
    uint64_t iteration; /* from 1 */
    struct cit_rng *rng;
};

enum cit_tmpl_escape {
    CIT_ESCAPE_NONE,
    CIT_ESCAPE_FORM, /* application/x-www-form-urlencoded: of texts and of values */
    CIT_ESCAPE_LINE  /* a value with CR, LF or NUL is refused: for request lines and fields */
};

/* Appends to out.  CIT_OK; CIT_ENOENT with *unset the number of a variable that has no value; CIT_EINVAL for a value
 * that escape refuses, the same way; CIT_ELIMIT, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_tmpl_fill(const struct cit_tmpl *t, const struct cit_vars *vars, enum cit_tmpl_escape escape,
                                 struct cit_buf *out, uint32_t *unset);

#endif
