/* load/query_int.h - the parts of queries; private to src/load.
 *
 *      query.c ──> jsonpath.c, css.c, xpath.c, pattern.c       compiling: text -> what is run
 *      query_run.c ──> jsonpath_run.c, select.c, pattern.c     running:   page -> value
 *                 └──> filter.c                                value -> value
 *      predicate.c                                             value -> true, false
 *
 * Depends on: base, load/{json,query,tmpl}.
 * Ownership:  as load/query.h says.
 * Threads:    as load/query.h says.
 */
#ifndef CIT_LOAD_QUERY_INT_H
#define CIT_LOAD_QUERY_INT_H

#include "load/json.h"
#include "load/query.h"

/* ---- compiling ---- */

struct cit__maker { /* what a compiler needs: the text, where it is, and where faults go */
    struct cit_queries *qs;
    struct cit_arena *arena;
    const char *start, *p, *end;
    char *why;
    size_t *at;
};

/* Sets why and at (a place in the text).  Returns CIT_EINVAL. */
int cit__q_refuse(struct cit__maker *m, const char *at, const char *fmt, ...) CIT_PRINTF(3, 4);

/* ---- pattern.c ---- */

struct cit__pattern;

/* needs_group: a pattern without ( ) is refused.  CIT_OK, CIT_EINVAL, CIT_ESTATE (why is set), CIT_ENOMEM. */
CIT_MUST_CHECK int cit__pattern_new(struct cit__maker *m, bool needs_group, struct cit__pattern **out);
void cit__pattern_free(struct cit__pattern *p);

/* *found, and the text of group 1 (p NULL: it took no part).  CIT_OK, CIT_ELIMIT with s->why, CIT_ENOMEM. */
CIT_MUST_CHECK int cit__pattern_run(const struct cit__pattern *p, struct cit_slice text, struct cit_query_scratch *s,
                                    struct cit_slice *group, bool *found);
void cit__pattern_scratch_fini(struct cit_query_scratch *s);

/* ---- jsonpath.c, jsonpath_run.c ---- */

struct cit__path;
CIT_MUST_CHECK int cit__path_new(struct cit__maker *m, const struct cit__path **out);

/* CIT_OK with the value or NONE; CIT_EINVAL when json is none; CIT_ELIMIT; both with s->why; CIT_ENOMEM. */
CIT_MUST_CHECK int cit__path_run(const struct cit__path *path, struct cit_slice json, struct cit_query_scratch *s,
                                 struct cit_value *out);

/* The value a JSON text stands for.  The same results. */
CIT_MUST_CHECK int cit__value_of_json(struct cit_slice json, struct cit_query_scratch *s, struct cit_value *out);

/* The value of a JSON number, or of one with a + before it; false when text is none. */
bool cit__value_of_number(struct cit_slice text, struct cit_value *out);

/* ---- css.c, xpath.c, select.c ---- */

struct cit__select;
CIT_MUST_CHECK int cit__css_new(struct cit__maker *m, struct cit_slice attribute, const struct cit__select **out);
CIT_MUST_CHECK int cit__xpath_new(struct cit__maker *m, const struct cit__select **out);

enum cit__want {
    CIT__WANT_FIRST, /* the text of the first node, as a string; NONE without one */
    CIT__WANT_ALL,   /* the texts of all, as a list */
    CIT__WANT_COUNT, /* a list with a count alone */
    CIT__WANT_ASSERT /* as FIRST, but string() of nothing is the empty string, as XPath has it */
};
CIT_MUST_CHECK int cit__select_run(const struct cit__select *select, const struct cit_page *page, enum cit__want want,
                                   struct cit_query_scratch *s, struct cit_value *out);

/* ---- filter.c ---- */

struct cit__filter {
    enum cit_filter_kind kind;
    struct cit_slice a, b;
    int64_t n;
    const struct cit__path *path;
    const struct cit__pattern *pattern; /* owned by the query that stands for it in struct cit_queries */
};

CIT_MUST_CHECK int cit__filter_run(const struct cit__filter *f, struct cit_query_scratch *s, struct cit_value *v);

/* ---- queries ---- */

enum cit__cookie_part {
    CIT__COOKIE_VALUE,
    CIT__COOKIE_EXPIRES,
    CIT__COOKIE_MAX_AGE,
    CIT__COOKIE_DOMAIN,
    CIT__COOKIE_PATH,
    CIT__COOKIE_SECURE,
    CIT__COOKIE_HTTP_ONLY,
    CIT__COOKIE_SAME_SITE
};

struct cit_query {
    enum cit_query_kind kind;
    struct cit_slice name; /* header, cookie */
    enum cit__cookie_part part;
    uint32_t var;
    const struct cit__path *path;
    const struct cit__select *select;
    struct cit__pattern *pattern; /* owned: freed through struct cit_queries */
    struct cit__filter filter[CIT_QUERY_FILTERS_MAX];
    uint32_t nfilters;
    struct cit_query *next; /* of those with patterns */
};

/* A query that holds nothing but the pattern m->start.. stands for, hung into m->qs.  needs_group as above. */
CIT_MUST_CHECK int cit__q_pattern(struct cit__maker *m, bool needs_group, struct cit_query **out);

/* As cit_query_run, for the first node or all of them. */
CIT_MUST_CHECK int cit__q_run(const struct cit_query *q, const struct cit_page *page, enum cit__want want,
                              struct cit_query_scratch *s, struct cit_value *out);

/* n bytes of the scratch, or NULL with *err and s->why: CIT_ELIMIT, CIT_ENOMEM. */
void *cit__q_take(struct cit_query_scratch *s, size_t n, int *err);

/* cit_json_unescape into the scratch.  CIT_OK, CIT_ELIMIT with s->why, CIT_ENOMEM. */
CIT_MUST_CHECK int cit__q_unescape(const struct cit_json_token *t, struct cit_query_scratch *s, struct cit_slice *out);

/* Sets s->why.  Returns err. */
int cit__q_fail(struct cit_query_scratch *s, int err, const char *fmt, ...) CIT_PRINTF(3, 4);

/* The first bytes of a text, as messages show it, in at most CIT__SHOWN bytes. */
enum { CIT__SHOWN = 64 };
const char *cit__q_show(struct cit_slice text, char out[CIT__SHOWN]);

#endif
