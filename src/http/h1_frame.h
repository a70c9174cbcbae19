/* http/h1_frame.h - where a message's body ends (RFC 9112 6).
 *
 * Requests: chunked, a length, or nothing.  Responses also: until the connection
 * closes.  Decides from a parsed head alone; contradictions were refused there.
 *
 * Depends on: base, http/h1_parse.
 * Threads:    any.
 */
#ifndef CIT_HTTP_H1_FRAME_H
#define CIT_HTTP_H1_FRAME_H

#include "http/h1_parse.h"

enum cit_h1_body { CIT_H1_BODY_NONE, CIT_H1_BODY_LENGTH, CIT_H1_BODY_CHUNKED, CIT_H1_BODY_CLOSE };

struct cit_h1_frame {
    enum cit_h1_body kind;
    uint64_t length; /* CIT_H1_BODY_LENGTH: > 0 */
};

struct cit_h1_frame cit_h1_frame_request(const struct cit_h1_head *h);

/* `method` is that of the request this answers (HEAD, CONNECT matter). */
struct cit_h1_frame cit_h1_frame_response(const struct cit_h1_head *h, enum cit_method method);

#endif
