/* load/json.h - JSON read piece by piece (RFC 8259).
 *
 *      text -> next(): { [ name value } ]  ...  each a slice of the text
 *
 * A pull reader over a whole text; nothing is copied, nothing recurses.  Strict: one value, no
 * trailing comma, no comments, UTF-8 not checked (bytes are the answer's).
 *
 * Depends on: base.
 * Threads:    any, each with its own reader.
 * Limits:     CIT_JSON_DEPTH_MAX levels.
 */
#ifndef CIT_LOAD_JSON_H
#define CIT_LOAD_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum { CIT_JSON_DEPTH_MAX = 512 };

enum cit_json_kind {
    CIT_JSON_END, /* after the value */
    CIT_JSON_NULL,
    CIT_JSON_TRUE,
    CIT_JSON_FALSE,
    CIT_JSON_NUMBER,
    CIT_JSON_STRING, /* a value */
    CIT_JSON_NAME,   /* of a member */
    CIT_JSON_OPEN_OBJECT,
    CIT_JSON_CLOSE_OBJECT,
    CIT_JSON_OPEN_ARRAY,
    CIT_JSON_CLOSE_ARRAY
};

struct cit_json {
    const char *p, *end, *start;
    uint32_t depth;
    uint8_t expect;                              /* json.c: what may come next */
    uint64_t is_object[CIT_JSON_DEPTH_MAX / 64]; /* a bit for each level */
    const char *why;                             /* static, after an error */
};

struct cit_json_token {
    enum cit_json_kind kind;
    struct cit_slice raw; /* strings and names: between the quotes, escapes as they stand */
    bool is_escaped;      /* raw has a backslash */
};

void cit_json_init(struct cit_json *j, struct cit_slice text);

/* CIT_OK, or CIT_EPROTO with j->why and j->p where it is wrong; then again the same. */
CIT_MUST_CHECK int cit_json_next(struct cit_json *j, struct cit_json_token *out);

/* After a NAME or an OPEN token of depth d: reads to the end of that value and gives its whole text. */
CIT_MUST_CHECK int cit_json_skip(struct cit_json *j, struct cit_slice *text);

/* The text of a string with its escapes resolved (a lone surrogate becomes U+FFFD); borrowed from the token when it
 * has none.  CIT_OK, CIT_ELIMIT (the arena is full), CIT_ENOMEM. */
CIT_MUST_CHECK int cit_json_unescape(const struct cit_json_token *t, struct cit_arena *a, struct cit_slice *out);

/* Appends text as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.  CIT_OK, CIT_ELIMIT,
 * CIT_ENOMEM. */
CIT_MUST_CHECK int cit_json_put(struct cit_buf *out, struct cit_slice text);

/* A whole text as a tree, for plans.  Members keep their order; a name that comes twice is refused.  CIT_OK;
 * CIT_EPROTO with *why (static) and *at, the byte where it is wrong; CIT_ENOMEM. */
struct cit_json_node {
    enum cit_json_kind kind; /* NULL TRUE FALSE NUMBER STRING OPEN_OBJECT OPEN_ARRAY */
    struct cit_slice name;   /* of a member */
    struct cit_slice text;   /* number: as written; string: unescaped */
    struct cit_json_node *first, *next;
    uint32_t count;
};
CIT_MUST_CHECK int cit_json_tree(struct cit_slice text, struct cit_arena *a, struct cit_json_node **out,
                                 const char **why, size_t *at);

#endif
