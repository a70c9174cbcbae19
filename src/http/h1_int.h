/* http/h1_int.h - what the files of the head parser share.
 *
 *      h1_parse.c   lines: where they end, what bytes they have
 *      h1_fields.c  fields: which are known, what they say about the message
 *
 * Depends on: base, http/h1_parse.
 * Threads:    any.
 */
#ifndef CIT_HTTP_H1_INT_H
#define CIT_HTTP_H1_INT_H

#include "http/h1_parse.h"

/* Facts: what the Connection fields said, and which fields there were. */
enum {
    CIT__SAID_CLOSE = 1,
    CIT__SAID_KEEP_ALIVE = 2,
    CIT__SAID_UPGRADE = 4,
    CIT__HAS_UPGRADE = 8,
    CIT__HAS_CONTENT_TYPE = 16
};

/* One walk over a head. */
struct cit__h1_walk {
    const char *p, *end; /* p: next byte to look at; end: of what may be read */
    const struct cit_h1_limits *lim;
    struct cit_h1_head *h;
    bool is_request;
    unsigned facts;
};

/* Sets the reason; returns CIT_EPROTO for the caller to return. */
static inline int cit__h1_refuse(struct cit__h1_walk *w, enum cit_h1_bad bad)
{
    w->h->bad = bad;
    return CIT_EPROTO;
}

/* True for uri-host [ ":" port ], not empty (RFC 9110 7.2, RFC 3986 3.2.2, 3.2.3). */
bool cit__h1_is_authority(struct cit_slice s);

/* Takes in what one known field says; CIT_OK, or CIT_EPROTO with the reason set. */
CIT_MUST_CHECK int cit__h1_field_said(struct cit__h1_walk *w, const struct cit_h1_field *f);

/* What can only be decided when the head is complete; the same results. */
CIT_MUST_CHECK int cit__h1_head_done(struct cit__h1_walk *w);

#endif
