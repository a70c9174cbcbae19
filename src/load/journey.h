/* load/journey.h - a journey: the steps a user walks, read from a .hurl file.
 *
 *      # @name log in                      directives of ours stand in comments
 *      POST {{base}}/login/                request: method, URL, fields
 *      [Form]                              sections
 *      csrfmiddlewaretoken: {{token}}
 *      HTTP 302                            answer: what is expected of it
 *      [Captures]
 *      who: jsonpath "$.user.id"
 *      [Asserts]
 *      header "Location" contains "/home"
 *
 * The format is a subset of Hurl's, so that the same file is a functional test for stock hurl; the
 * reference is docs/journeys.md.  Parsing needs nothing but the text; files named in it (bodies,
 * parts of forms) are read at once, so that a run touches no disk.
 *
 * Depends on: base, load/{query,tmpl,units}.
 * Ownership:  a journey lies in the plan's arena; its patterns in struct cit_queries.
 * Threads:    parsing one at a time; a parsed journey is never written again.
 * Limits:     CIT_JOURNEY_*.
 */
#ifndef CIT_LOAD_JOURNEY_H
#define CIT_LOAD_JOURNEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "load/query.h"
#include "load/tmpl.h"
#include "load/units.h"

enum {
    CIT_JOURNEY_FILE_MAX = 16 << 20, /* bytes of a .hurl file, and of a file it names */
    CIT_JOURNEY_STEPS_MAX = 10000,
    CIT_JOURNEY_WHY = 240
};

struct cit_pair { /* a field, a cookie, a member of a form or query */
    struct cit_tmpl name, value;
    uint32_t line;
    uint32_t var; /* of cit_step.set: the variable's number */
};

struct cit_part {                /* of a multipart form */
    struct cit_tmpl name, value; /* value: of a text part */
    struct cit_slice file_name;  /* p NULL: a text part */
    struct cit_slice file, type; /* its bytes and Content-Type */
};

enum cit_body_kind {
    CIT_BODY_NONE,
    CIT_BODY_TEXT,     /* text: as it is (json, xml, multiline, oneline strings) */
    CIT_BODY_BYTES,    /* bytes: of file,...; base64,...; hex,...; */
    CIT_BODY_FORM,     /* form */
    CIT_BODY_MULTIPART /* parts */
};

struct cit_capture {
    uint32_t var;
    struct cit_slice name;
    const struct cit_query *query;
    uint32_t line;
};

/* What a step expects of the size of its answers when it names no other assert: */
enum cit_size_check { CIT_SIZE_STEADY /* no collapse within a run */, CIT_SIZE_ANY /* "# @size any" */ };

struct cit_step {
    struct cit_slice name; /* "# @name", or "GET /path" with variables as they stand */
    struct cit_slice method;
    struct cit_tmpl url; /* absolute, or a path to be put behind the plan's target */
    struct cit_pair *headers, *query, *cookies, *form;
    struct cit_part *parts;
    uint32_t nheaders, nquery, ncookies, nform, nparts;
    struct cit_tmpl user, password; /* [BasicAuth]; has_auth */
    bool has_auth;
    enum cit_body_kind body;
    struct cit_tmpl text;
    struct cit_slice bytes;
    struct cit_slice type; /* the Content-Type to send; empty: a field has it, none, or (multipart) yours */

    /* [Options] */
    bool follow;           /* location: redirects are followed, each a request of its own in the count of the step */
    int32_t max_redirects; /* max-redirs, default 50; -1: no end is refused */
    bool is_skipped;       /* skip: true */
    int64_t delay_ns;      /* delay: before the request, beside the think time */
    struct cit_pair *set;  /* variable: NAME=VALUE, in front of the request */
    uint32_t nset;

    /* expectations */
    bool has_answer; /* an "HTTP ..." line is there */
    int status;      /* -1: any ("HTTP *"), 0: none named (default: 2xx or 3xx) */
    int minor;       /* HTTP/1.minor, -1: any */
    struct cit_capture *captures;
    struct cit_assert *asserts; /* expected fields and bodies of the answer have become asserts, too */
    uint32_t ncaptures, nasserts;
    bool needs_body; /* any of them does */
    enum cit_size_check size;

    /* directives */
    bool is_once;   /* @once: in a user's first round of its journey */
    bool has_think; /* @think DIST: the wait after this step; else the journey's, else the plan's */
    struct cit_dist think;
    uint32_t repeat; /* @repeat N: this many times in a row; default 1 */
    uint32_t line;   /* of the request */
};

struct cit_journey {
    struct cit_slice name; /* "# @journey NAME" before the first step, else the file's name without .hurl */
    struct cit_slice path;
    struct cit_step *steps;
    uint32_t nsteps;
    uint32_t weight; /* "# @weight N" before the first step; default 1 */
    bool has_think;
    struct cit_dist think; /* "# @think" before the first step and an empty line */
};

struct cit_journey_fault { /* "checkout.hurl:12:8: ..." */
    uint32_t line, column; /* from 1; 0: of the file as a whole */
    char why[CIT_JOURNEY_WHY];
};

/* Parses text; `path` is for messages, the default name, and the folder files are named from (empty: no file may be).
 * CIT_OK; CIT_EINVAL, CIT_ENOENT (a file it names), CIT_ELIMIT with *fault; CIT_ENOMEM. */
CIT_MUST_CHECK int cit_journey_parse(struct cit_slice text, struct cit_slice path, const struct cit_making *m,
                                     struct cit_journey *out, struct cit_journey_fault *fault);

/* Reads and parses a file. */
CIT_MUST_CHECK int cit_journey_read(const char *path, const struct cit_making *m, struct cit_journey *out,
                                    struct cit_journey_fault *fault);

/* The journey of one GET (or other method) of one URL, for `citrate-load URL`. */
struct cit_journey_one {
    struct cit_slice method, url, body; /* body empty: none */
    const struct cit_slice *headers;    /* "Name: value" */
    uint32_t nheaders;
    bool follow;
};
CIT_MUST_CHECK int cit_journey_single(const struct cit_journey_one *one, const struct cit_making *m,
                                      struct cit_journey *out, struct cit_journey_fault *fault);

/* Tells each place where a journey sets or reads a variable, in the order of the walk: a plan knows which others are
 * set, by it or by its table of users.  Steps that are skipped say nothing. */
struct cit_journey_use {
    uint32_t var, line;
    bool is_set; /* by a capture or the option `variable`; else read */
};
void cit_journey_uses(const struct cit_journey *j, void (*use)(void *ctx, const struct cit_journey_use *one),
                      void *ctx);

#endif
