/* load/query.h - what captures and asserts ask of an answer.
 *
 *      kind "argument"  filter filter ...        ->  value        (capture)
 *      kind "argument"  filter ...  predicate x  ->  true, false  (assert)
 *
 * Queries are those of the Hurl format, in the subset docs/journeys.md names, and css, which stands
 * in a comment there.  They are compiled once, with every error an author can make found then, and
 * run on each answer without allocating more than their answer.  Whatever the answer's bytes are, a
 * query ends within its bounds: HTML, JSON and patterns of hostile pages included.
 *
 * Depends on: base, http/h1_parse, load/tmpl.  PCRE2 where the build has it.
 * Ownership:  compiled queries lie in the plan's arena and (patterns) in struct cit_queries; values
 *             borrow from the page and the scratch, until its reset.
 * Threads:    compiling one at a time; running any, each with its own scratch.
 * Limits:     CIT_QUERY_*; past them an answer is CIT_ELIMIT with why.
 */
#ifndef CIT_LOAD_QUERY_H
#define CIT_LOAD_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "http/h1_parse.h"
#include "load/tmpl.h"

enum { CIT_QUERY_WHY = 240, CIT_QUERY_FILTERS_MAX = 8 };

/* name in a journey, whether it takes an argument, whether it needs the body */
#define CIT_QUERY_MAP(X)          \
    X(STATUS, "status", 0, 0)     \
    X(VERSION, "version", 0, 0)   \
    X(URL, "url", 0, 0)           \
    X(HEADER, "header", 1, 0)     \
    X(COOKIE, "cookie", 1, 0)     \
    X(BODY, "body", 0, 1)         \
    X(BYTES, "bytes", 0, 0)       \
    X(JSONPATH, "jsonpath", 1, 1) \
    X(XPATH, "xpath", 1, 1)       \
    X(CSS, "css", 1, 1)           \
    X(REGEX, "regex", 1, 1)       \
    X(VARIABLE, "variable", 1, 0) \
    X(DURATION, "duration", 0, 0)

/* clang-format off */
enum cit_query_kind {
#define CIT_QUERY_ENUM(id, name, argument, body) CIT_QUERY_##id,
    CIT_QUERY_MAP(CIT_QUERY_ENUM)
#undef CIT_QUERY_ENUM
    CIT_QUERY_COUNT
};
/* clang-format on */

/* name, kind of argument: 0 none, 1 string, 2 integer, 3 two strings */
#define CIT_FILTER_MAP(X)           \
    X(COUNT, "count", 0)            \
    X(NTH, "nth", 2)                \
    X(FIRST, "first", 0)            \
    X(LAST, "last", 0)              \
    X(REGEX, "regex", 1)            \
    X(REPLACE, "replace", 3)        \
    X(SPLIT, "split", 1)            \
    X(JSONPATH, "jsonpath", 1)      \
    X(TO_INT, "toInt", 0)           \
    X(TO_FLOAT, "toFloat", 0)       \
    X(TO_STRING, "toString", 0)     \
    X(URL_ENCODE, "urlEncode", 0)   \
    X(URL_DECODE, "urlDecode", 0)   \
    X(HTML_ESCAPE, "htmlEscape", 0) \
    X(HTML_UNESCAPE, "htmlUnescape", 0)

/* clang-format off */
enum cit_filter_kind {
#define CIT_FILTER_ENUM(id, name, argument) CIT_FILTER_##id,
    CIT_FILTER_MAP(CIT_FILTER_ENUM)
#undef CIT_FILTER_ENUM
    CIT_FILTER_KINDS
};
/* clang-format on */

struct cit_filter_spec {
    enum cit_filter_kind kind;
    struct cit_slice a, b; /* strings */
    int64_t n;             /* integer; negative counts from the end */
};

struct cit_query_spec {
    enum cit_query_kind kind;
    struct cit_slice argument;  /* unescaped; css: the selector */
    struct cit_slice attribute; /* css: the attribute wanted; empty: the text inside */
    struct cit_filter_spec filter[CIT_QUERY_FILTERS_MAX];
    uint32_t nfilters;
};

struct cit_query; /* query_int.h: immutable once made */

/* Compiled patterns, which PCRE2 allocates itself; {0} is empty.  One for a plan. */
struct cit_queries {
    struct cit_query *first; /* those with patterns to free */
};
void cit_queries_fini(struct cit_queries *qs);

/* A compiled query.  CIT_OK; CIT_EINVAL with why[CIT_QUERY_WHY] a text for the author that ends a sentence and *at the
 * byte of the argument where it is wrong; CIT_ESTATE with why when the build has no PCRE2; CIT_ENOMEM. */
CIT_MUST_CHECK int cit_query_new(const struct cit_making *m, const struct cit_query_spec *spec, struct cit_query **out,
                                 char *why, size_t *at);

bool cit_query_needs_body(const struct cit_query *q);

/* An answer, complete.  Everything is borrowed. */
struct cit_page {
    int status;
    uint8_t minor;                     /* HTTP/1.minor */
    struct cit_slice url;              /* absolute, of the request that got this answer */
    const struct cit_h1_field *fields; /* of the answer */
    uint32_t nfields;
    struct cit_slice body; /* without its transfer coding; empty when no query of the step needs it */
    uint64_t bytes;        /* of the body, kept or not */
    int64_t duration_ns;   /* service time */
    const struct cit_vars *vars;
};

enum cit_value_kind {
    CIT_VALUE_NONE, /* nothing there */
    CIT_VALUE_NULL,
    CIT_VALUE_BOOL,
    CIT_VALUE_INT,
    CIT_VALUE_FLOAT,
    CIT_VALUE_STRING,
    CIT_VALUE_LIST,  /* a JSON array or a set of nodes: count, and text its JSON (empty for nodes) */
    CIT_VALUE_OBJECT /* a JSON object: count of members, and text its JSON */
};

struct cit_value {
    enum cit_value_kind kind;
    bool boolean;
    int64_t integer;
    double number;
    struct cit_slice text; /* string: unescaped; list, object: JSON; int, float: as it was written, if it was */
    uint32_t count;
    struct cit_slice *items; /* nodes and lists made by filters: count texts; else NULL */
};

/* Working memory of one thread. */
struct cit_query_scratch {
    struct cit_arena arena; /* reset by the caller after each answer */
    void *match;            /* query_*.c: PCRE2's match data, made when first needed */
    char why[CIT_QUERY_WHY];
};
CIT_MUST_CHECK int cit_query_scratch_init(struct cit_query_scratch *s);
void cit_query_scratch_fini(struct cit_query_scratch *s);

/* CIT_OK, with kind NONE when there is nothing; CIT_EINVAL with s->why when a filter does not fit what it was given
 * ("toInt": "abc" is no number); CIT_ELIMIT with s->why; CIT_ENOMEM. */
CIT_MUST_CHECK int cit_query_run(const struct cit_query *q, const struct cit_page *page, struct cit_query_scratch *s,
                                 struct cit_value *out);

/* The text a captured value has as a variable; CIT_EINVAL for NONE.  Lists and objects: their JSON. */
CIT_MUST_CHECK int cit_value_text(const struct cit_value *v, struct cit_query_scratch *s, struct cit_slice *out);

/* name in a journey, kind of operand: 0 none, 1 any value, 2 string, 3 number */
#define CIT_PREDICATE_MAP(X)        \
    X(EQ, "==", 1)                  \
    X(NE, "!=", 1)                  \
    X(GT, ">", 3)                   \
    X(GE, ">=", 3)                  \
    X(LT, "<", 3)                   \
    X(LE, "<=", 3)                  \
    X(STARTS_WITH, "startsWith", 2) \
    X(ENDS_WITH, "endsWith", 2)     \
    X(CONTAINS, "contains", 2)      \
    X(INCLUDES, "includes", 1)      \
    X(MATCHES, "matches", 2)        \
    X(EXISTS, "exists", 0)          \
    X(IS_EMPTY, "isEmpty", 0)       \
    X(IS_INTEGER, "isInteger", 0)   \
    X(IS_FLOAT, "isFloat", 0)       \
    X(IS_NUMBER, "isNumber", 0)     \
    X(IS_BOOLEAN, "isBoolean", 0)   \
    X(IS_STRING, "isString", 0)     \
    X(IS_COLLECTION, "isCollection", 0)

/* clang-format off */
enum cit_predicate_kind {
#define CIT_PREDICATE_ENUM(id, name, operand) CIT_PREDICATE_##id,
    CIT_PREDICATE_MAP(CIT_PREDICATE_ENUM)
#undef CIT_PREDICATE_ENUM
    CIT_PREDICATE_KINDS
};
/* clang-format on */

struct cit_operand { /* as the author wrote it */
    enum cit_value_kind kind;
    bool boolean;
    int64_t integer;
    double number;
    struct cit_tmpl text; /* a string, may hold variables; a pattern may not */
    bool is_variable;     /* {{x}} without quotes (kind STRING): is the number or boolean it is compared with */
};

struct cit_assert {
    const struct cit_query *query;
    enum cit_predicate_kind predicate;
    bool is_negated; /* "not" */
    struct cit_operand operand;
    const struct cit_query *pattern; /* matches: made by cit_assert_new */
    uint32_t line;
    struct cit_slice source; /* the line as written, for messages */
};

/* Completes an assert whose other members are set (compiles the pattern of `matches`, checks the operand's kind). */
CIT_MUST_CHECK int cit_assert_new(const struct cit_making *m, struct cit_assert *as, char *why);

/* 1: holds; 0: does not, with s->why: actual and expected, shortened; or an error as of cit_query_run. */
CIT_MUST_CHECK int cit_assert_check(const struct cit_assert *as, const struct cit_page *page,
                                    struct cit_query_scratch *s);

#endif
