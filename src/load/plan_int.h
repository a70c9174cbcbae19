/* load/plan_int.h - the pieces of the reader of plans; private to src/load.
 *
 *      plan.c ──> plan_stage.c      users, rates, stages           plan_read.c   values with their names
 *             ──> plan_data.c       tables of users, variables, fields of every request
 *             ──> plan_journey.c    journeys, steps, rows, what they need
 *             ──> plan_limit.c      thresholds, stop
 *      target.c  addresses          plan_level.c  levels and arrivals, for runs
 *
 * A table of a plan is read by a list of its members: name, kind, where the value goes.  All functions
 * return CIT_OK, or CIT_EINVAL, CIT_ENOENT, CIT_ELIMIT with the reader's why filled in, or CIT_ENOMEM.
 *
 * Depends on: base, load/{json,plan}.
 * Ownership:  the JSON text and its tree lie in the plan's arena.
 * Threads:    one at a time.
 */
#ifndef CIT_LOAD_PLAN_INT_H
#define CIT_LOAD_PLAN_INT_H

#include <stddef.h>

#include "load/json.h"
#include "load/plan.h"

enum { CIT__PLACE_MAX = 160 };

/* A value, and what messages call it: "stages[1].users". */
struct cit__item {
    const struct cit_json_node *node;
    char place[CIT__PLACE_MAX];
};

struct cit__plan {
    struct cit_load_plan *plan;
    const char *folder;
    char *why;
    /* what needs other members first; node NULL: not there */
    struct cit__item users, rate, stages, time, max_users, poisson;
    struct cit__item target, journeys, url, method, body, follow;
    struct cit__item thresholds;
};

enum cit__plan_kind {
    CIT__PLAN_TEXT,    /* struct cit_slice */
    CIT__PLAN_BOOL,    /* bool */
    CIT__PLAN_WHOLE,   /* uint64_t, within bounds */
    CIT__PLAN_WHOLE32, /* uint32_t, within bounds */
    CIT__PLAN_NUMBER,  /* double, within bounds */
    CIT__PLAN_TIME,    /* int64_t, ns */
    CIT__PLAN_SHARE,   /* double */
    CIT__PLAN_DIST,    /* struct cit_dist */
    CIT__PLAN_LATER,   /* struct cit__item: for whoever needs other members first */
    CIT__PLAN_OTHER    /* what `read` makes of it */
};

/* A member of a table: its value goes to `offset` in what the table is read into. */
struct cit__member {
    const char *name;
    enum cit__plan_kind kind;
    size_t offset;
    double least, most; /* of numbers */
    int (*read)(struct cit__plan *p, const struct cit__item *it, void *into);
};

struct cit__members {
    const struct cit__member *at;
    int n;
};

/* ---- plan_read.c ---- */

/* Fills the plan's why: "PLACE: text" (place NULL: the text alone); returns err. */
int cit__plan_wrong(struct cit__plan *p, const char *place, int err, const char *fmt, ...) CIT_PRINTF(4, 5);

/* "PLACE: 'x' WHAT" */
int cit__plan_bad(struct cit__plan *p, const struct cit__item *it, const char *what);

/* A text for messages, shortened and in quotes. */
struct cit__as_text {
    char text[72];
};
struct cit__as_text cit__plan_quoted(struct cit_slice s);

/* A value into `into` + m->offset. */
int cit__plan_value(struct cit__plan *p, const struct cit__item *it, const struct cit__member *m, void *into);

/* The members of a table, in the order they are written; a fault if `it` is no table or has others. */
int cit__plan_table(struct cit__plan *p, const struct cit__item *it, struct cit__members members, void *into);

/* The member that a node is; the fault of one that is not known names the nearest. */
int cit__plan_find(struct cit__plan *p, const struct cit__item *it, struct cit__members members,
                   const struct cit__member **out);

/* A member and an element of an item; that an item is a list, or a table. */
struct cit__item cit__plan_member(const struct cit__item *of, const struct cit_json_node *node);
struct cit__item cit__plan_element(const struct cit__item *of, const struct cit_json_node *node, uint32_t at);
int cit__plan_list(struct cit__plan *p, const struct cit__item *it);
int cit__plan_object(struct cit__plan *p, const struct cit__item *it);

/* The index of the one of n words that a text is. */
int cit__plan_word(struct cit__plan *p, const struct cit__item *it, const char *const *words, int n, int *out);

/* A text, a number or a truth as text. */
int cit__plan_scalar(struct cit__plan *p, const struct cit__item *it, struct cit_slice *out);

/* A text with its variables. */
int cit__plan_tmpl(struct cit__plan *p, const struct cit__item *it, struct cit_slice text, struct cit_tmpl *out);

/* The number of a variable that the plan sets. */
int cit__plan_variable(struct cit__plan *p, const struct cit__item *it, struct cit_slice name, uint32_t *out);

/* The path of a file the plan names, behind the folder unless it is absolute; with a NUL. */
int cit__plan_path(struct cit__plan *p, struct cit_slice name, struct cit_slice *out);

/* Room in the arena, cleared; NULL with *err. */
void *cit__plan_take(struct cit__plan *p, size_t count, size_t size, int *err);

/* Whether the members over a plan (NULL: none) take the place of its member of this name. */
bool cit__plan_is_over(const struct cit_json_node *over, const char *name);

/* ---- the others ---- */

int cit__plan_stages(struct cit__plan *p);     /* plan_stage.c: users, rate, stages, time */
int cit__plan_journeys(struct cit__plan *p);   /* plan_journey.c: target, journeys or url, steps, rows */
int cit__plan_base(struct cit__plan *p);       /* plan_base.c: behind the journeys; {{base}} unless the plan sets it */
int cit__plan_needs(struct cit__plan *p);      /* plan_need.c: every variable that is read is set */
int cit__plan_thresholds(struct cit__plan *p); /* plan_limit.c: behind the rows */

/* Readers of members, into a struct cit_load_plan. */
int cit__plan_data(struct cit__plan *p, const struct cit__item *it, void *into); /* plan_data.c */
int cit__plan_variables(struct cit__plan *p, const struct cit__item *it, void *into);
int cit__plan_headers(struct cit__plan *p, const struct cit__item *it, void *into);
int cit__plan_stop(struct cit__plan *p, const struct cit__item *it, void *into); /* plan_limit.c */

#endif
