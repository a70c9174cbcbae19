/* http/h1_frame.c - where a message's body ends (RFC 9112 6.3). */
#include "http/h1_frame.h"

static struct cit_h1_frame frame(enum cit_h1_body kind, uint64_t length)
{
    return (struct cit_h1_frame){ kind, length };
}

static bool has_no_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

struct cit_h1_frame cit_h1_frame_request(const struct cit_h1_head *h)
{
    if (h->flags & CIT_H1_CHUNKED)
        return frame(CIT_H1_BODY_CHUNKED, 0);
    if (h->content_length > 0)
        return frame(CIT_H1_BODY_LENGTH, h->content_length);
    return frame(CIT_H1_BODY_NONE, 0); /* rule 7: neither field means no body */
}

struct cit_h1_frame cit_h1_frame_response(const struct cit_h1_head *h, enum cit_method method)
{
    if (method == CIT_METHOD_HEAD || has_no_body(h->status)) /* rule 1 */
        return frame(CIT_H1_BODY_NONE, 0);
    if (method == CIT_METHOD_CONNECT && h->status < 300) /* rule 2: a tunnel from here on */
        return frame(CIT_H1_BODY_NONE, 0);
    if (h->flags & CIT_H1_CHUNKED)
        return frame(CIT_H1_BODY_CHUNKED, 0);
    if (h->flags & CIT_H1_HAS_LENGTH)
        return frame(h->content_length > 0 ? CIT_H1_BODY_LENGTH : CIT_H1_BODY_NONE, h->content_length);
    return frame(CIT_H1_BODY_CLOSE, 0); /* rule 8 */
}
