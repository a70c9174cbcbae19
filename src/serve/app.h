/* serve/app.h - the boundary between the server and what it serves.
 *
 *      server ── struct cit_app_ops ──> the application (WSGI glue; a fake in C tests)
 *      server <── cit_req_*, cit_resp_* ── the application, while it runs one request
 *
 * An application runs "attached": in Python terms, holding the GIL.  The server
 * attaches a thread before it calls and detaches it before it waits, so one thread
 * may run many requests without letting go.  Nothing here knows of WSGI.
 *
 * Depends on: base, http.
 * Ownership:  a request and all it hands out is valid until ops->call returns.
 *             An `owner` passes to the server, which gives it back to ops->drop
 *             exactly once, also when the call it was given to fails.
 * Threads:    a request belongs to the thread that ops->call runs on.
 */
#ifndef CIT_SERVE_APP_H
#define CIT_SERVE_APP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/slice.h"
#include "http/h1_parse.h"

struct cit_req;

struct cit_app_ops {
    /* Attach and detach the calling thread (take and release the GIL). */
    void (*attach)(void *app);
    void (*detach)(void *app);

    /* Runs the application for one request and answers it with cit_resp_*.  Attached
     * on entry and on return.  Whatever goes wrong in the application ends here. */
    void (*call)(void *app, struct cit_req *r);

    /* Gives back an owner.  Attached. */
    void (*drop)(void *app, void *owner);

    /* n bytes to receive a body into, with their owner; NULL without memory.  Attached. */
    char *(*body_new)(void *app, size_t n, void **owner);

    /* Starts a thread that calls main(arg) once, attached, and ends.  Attached.
     * CIT_OK or CIT_ENOMEM. */
    int (*spawn)(void *app, const char *name, void (*main)(void *arg), void *arg);

    /* Requests that burn CPU have begun (true) or all ended (false): switch faster
     * between threads meanwhile.  Attached. */
    void (*heavy)(void *app, bool on);

    /* The request run by thread `ident` (from ops->ident) is over its time: log its
     * stack and interrupt it.  Attached, on another thread. */
    void (*interrupt)(void *app, uint64_t ident, struct cit_slice what);

    /* A number that names the calling thread to `interrupt`.  Attached. */
    uint64_t (*ident)(void *app);
};

/* Both ends of a connection, as text; made once for each connection when asked for. */
struct cit_peer {
    const char *remote_host;          /* "" for a UNIX socket */
    const char *local_host;           /* the path for a UNIX socket */
    uint16_t remote_port, local_port; /* 0 for a UNIX socket */
    bool is_unix;
};

/* ---- the request ---- */

const struct cit_h1_head *cit_req_head(const struct cit_req *r);
const struct cit_peer *cit_req_peer(struct cit_req *r);

/* A slot for the application's own pointer, NULL at first. */
void **cit_req_slot(struct cit_req *r);

/* Bytes the body will have, or -1 when that is not known yet (chunked, still coming). */
int64_t cit_req_body_length(const struct cit_req *r);

/* The owner made by body_new when it holds the whole body, nothing read of it yet, and
 * nothing else; NULL otherwise.  The caller takes the owner: the body then counts as read. */
void *cit_req_body_take(struct cit_req *r);

/* The next bytes of the body, at least one, without taking them; an empty slice at its
 * end.  Waits for them if need be (detaching; 100 Continue is sent first if asked for).
 * Valid until the next call.  CIT_OK, CIT_ECLOSED, CIT_ETIMEDOUT, CIT_EPROTO, CIT_ELIMIT,
 * CIT_EIO. */
CIT_MUST_CHECK int cit_req_body_peek(struct cit_req *r, struct cit_slice *out);

/* Takes n bytes of what peek returned. */
void cit_req_body_skip(struct cit_req *r, size_t n);

/* ---- the response ---- */

struct cit_resp_field {
    struct cit_slice name, value;
};

/* Status, reason and fields.  Checks them and keeps them; nothing is sent before the
 * body begins or the response ends, and until then it may be called again, replacing
 * the former.  Date and Server are added if absent, framing and Connection always.
 * CIT_OK; CIT_EINVAL (a status outside 200-999, a bad reason, name or value, a
 * hop-by-hop field, a bad or second Content-Length: cit_resp_why says which; the former
 * head, if any, is gone); CIT_ESTATE when the head has left; CIT_ENOMEM, CIT_ELIMIT. */
CIT_MUST_CHECK int cit_resp_head(struct cit_req *r, int status, struct cit_slice reason,
                                 const struct cit_resp_field *fields, size_t count);

/* Why the last cit_resp_head was refused, with the offending name; static until the next. */
const char *cit_resp_why(const struct cit_req *r);

/* True once a byte of the head has been given to the connection. */
bool cit_resp_is_sent(const struct cit_req *r);

/* Body bytes, to leave now if the peer takes them.  An empty run does nothing (it does
 * not send the head).  With an owner the bytes may be kept and sent later; without one
 * they are copied.  May wait for a slow peer (detaching).  Bytes past the Content-Length
 * are dropped and logged once.  CIT_OK; CIT_ECLOSED, CIT_ETIMEDOUT when the peer is gone:
 * the application stops; CIT_ESTATE before cit_resp_head; CIT_ENOMEM. */
CIT_MUST_CHECK int cit_resp_write(struct cit_req *r, const char *p, size_t n, void *owner);

/* The whole body in one run, once, in place of write: Content-Length is added if absent. */
CIT_MUST_CHECK int cit_resp_whole(struct cit_req *r, const char *p, size_t n, void *owner);

/* n bytes of an open regular file from offset (n -1: to its end).  The fd stays the
 * owner's, which keeps it open.  CIT_EINVAL if this is no regular file: write instead
 * (the owner is then still the caller's). */
CIT_MUST_CHECK int cit_resp_file(struct cit_req *r, int fd, int64_t offset, int64_t n, void *owner);

/* The Content-Length the head named, or -1. */
int64_t cit_resp_length(const struct cit_req *r);

/* The application failed.  Before the head left: a 500 page is sent in its place; after
 * that the connection is broken off so that the client can't take it for complete. */
void cit_resp_fail(struct cit_req *r);

/* One line to the error log at the level of a warning, with the request's method and path. */
void cit_req_warn(struct cit_req *r, const char *fmt, ...) CIT_PRINTF(2, 3);
void cit_req_debug(struct cit_req *r, const char *fmt, ...) CIT_PRINTF(2, 3);

#endif
