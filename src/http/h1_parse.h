/* http/h1_parse.h - heads of HTTP/1.0 and HTTP/1.1 messages, strictly (RFC 9112).
 *
 *      (buffer) -> bytes used | CIT_EAGAIN: more input | CIT_EPROTO: refused
 *
 * Pure functions: slices into the caller's buffer come out, nothing is copied or
 * allocated.  Strict by construction: CRLF only, token methods and names, no
 * obs-fold, no space before the colon, one valid Host in 1.1 requests, one way of
 * framing.  There is no lenient mode.  A refusal carries a reason from
 * CIT_H1_BAD_MAP, with the status an answer to it must have.
 *
 * Depends on: base.
 * Ownership:  the head borrows from the buffer; `fields` is the caller's array.
 * Threads:    any.
 * Limits:     struct cit_h1_limits.
 */
#ifndef CIT_HTTP_H1_PARSE_H
#define CIT_HTTP_H1_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* name, status, text.  The text ends a sentence that begins "request refused: ". */
#define CIT_H1_BAD_MAP(X)                                                                      \
    X(NONE, 0, "")                                                                             \
    X(METHOD, 400, "the method is not a token")                                                \
    X(TARGET, 400, "the request target has a byte or a form that is not allowed")              \
    X(LINE, 400, "the request line is malformed")                                              \
    X(LINE_TOO_LONG, 414, "the request line is too long")                                      \
    X(METHOD_TOO_LONG, 400, "the method is too long to be one")                                \
    X(VERSION, 400, "the protocol version is malformed")                                       \
    X(VERSION_UNSUPPORTED, 505, "the protocol version is not supported")                       \
    X(LINE_END, 400, "a line does not end in CRLF")                                            \
    X(FIELD_NAME, 400, "a field name is not a token")                                          \
    X(FIELD_VALUE, 400, "a field value has a byte that is not allowed")                        \
    X(FIELD_FOLD, 400, "a field is folded over several lines")                                 \
    X(FIELD_TOO_LONG, 431, "a field is too long")                                              \
    X(FIELDS_TOO_MANY, 431, "there are too many fields")                                       \
    X(HEAD_TOO_LONG, 431, "the head is too long")                                              \
    X(HOST_MISSING, 400, "there is no Host field")                                             \
    X(HOST_TWICE, 400, "there is more than one Host field")                                    \
    X(HOST, 400, "the Host field is not valid")                                                \
    X(TYPE_TWICE, 400, "there is more than one Content-Type field")                            \
    X(LENGTH, 400, "the Content-Length field is not valid")                                    \
    X(LENGTH_TWICE, 400, "there is more than one Content-Length")                              \
    X(CODING, 501, "the transfer coding is not supported")                                     \
    X(CODING_BAD, 400, "the Transfer-Encoding field is not valid, or chunked is not its last") \
    X(FRAMING_BOTH, 400, "there is a Content-Length beside Transfer-Encoding")                 \
    X(CODING_1_0, 400, "Transfer-Encoding in an HTTP/1.0 message")                             \
    X(EXPECT, 417, "the expectation is not known")                                             \
    X(CONNECT, 405, "CONNECT and the authority form are not served")                           \
    X(STATUS, 400, "the status line is malformed")                                             \
    X(CHUNK_SIZE, 400, "a chunk size is not valid")                                            \
    X(CHUNK_EXT, 400, "a chunk extension is not valid or too long")                            \
    X(CHUNK_END, 400, "a chunk does not end in CRLF")                                          \
    X(TRAILER, 400, "a trailer field is not valid")

enum cit_h1_bad {
#define CIT_H1_BAD_ENUM(name, status, text) CIT_H1_BAD_##name,
    CIT_H1_BAD_MAP(CIT_H1_BAD_ENUM)
#undef CIT_H1_BAD_ENUM
};

/* Fields the code itself looks at; every other one is CIT_FIELD_OTHER. */
#define CIT_FIELD_MAP(X)                          \
    X(HOST, "host")                               \
    X(CONNECTION, "connection")                   \
    X(CONTENT_LENGTH, "content-length")           \
    X(CONTENT_TYPE, "content-type")               \
    X(TRANSFER_ENCODING, "transfer-encoding")     \
    X(TE, "te")                                   \
    X(TRAILER, "trailer")                         \
    X(TRAILERS, "trailers")                       \
    X(UPGRADE, "upgrade")                         \
    X(EXPECT, "expect")                           \
    X(KEEP_ALIVE, "keep-alive")                   \
    X(PROXY_AUTHENTICATE, "proxy-authenticate")   \
    X(PROXY_AUTHORIZATION, "proxy-authorization") \
    X(PROXY_CONNECTION, "proxy-connection")       \
    X(COOKIE, "cookie")                           \
    X(DATE, "date")                               \
    X(SERVER, "server")                           \
    X(LOCATION, "location")                       \
    X(SET_COOKIE, "set-cookie")                   \
    X(X_FORWARDED_PROTO, "x-forwarded-proto")

/* clang-format off */
enum cit_field_id {
    CIT_FIELD_OTHER,
#define CIT_FIELD_ENUM(id, name) CIT_FIELD_##id,
    CIT_FIELD_MAP(CIT_FIELD_ENUM)
#undef CIT_FIELD_ENUM
    CIT_FIELD_COUNT
};
/* clang-format on */

struct cit_h1_field { /* value without OWS at both ends; both borrowed */
    const char *name, *value;
    uint32_t value_n;
    uint16_t name_n;
    uint8_t id; /* enum cit_field_id */
};

#define CIT_METHOD_MAP(X) X(GET) X(HEAD) X(POST) X(PUT) X(DELETE) X(OPTIONS) X(PATCH) X(TRACE) X(CONNECT)

enum cit_method {
    CIT_METHOD_OTHER, /* any other token */
#define CIT_METHOD_ENUM(name) CIT_METHOD_##name,
    CIT_METHOD_MAP(CIT_METHOD_ENUM)
#undef CIT_METHOD_ENUM
};

enum cit_target_form { CIT_TARGET_ORIGIN, CIT_TARGET_ABSOLUTE, CIT_TARGET_ASTERISK };

/* What the fields said; set by the parser. */
enum {
    CIT_H1_KEEP_ALIVE = 1,      /* the connection persists after this message (RFC 9112 9.3) */
    CIT_H1_CHUNKED = 2,         /* Transfer-Encoding is exactly "chunked" */
    CIT_H1_HAS_LENGTH = 4,      /* content_length is set */
    CIT_H1_EXPECT_CONTINUE = 8, /* Expect: 100-continue in a 1.1 request */
    CIT_H1_UPGRADE = 16,        /* an Upgrade field named in Connection */
    CIT_H1_CLOSE = 32           /* Connection: close was said */
};

struct cit_h1_head {
    /* requests */
    struct cit_slice method, target; /* as sent */
    struct cit_slice path, query;    /* path never empty; of the absolute form too; "*" for asterisk */
    struct cit_slice authority;      /* of the absolute form (it then replaces Host), else empty */
    bool has_query;                  /* a '?' was there, even with nothing behind it */
    uint8_t method_id;               /* enum cit_method */
    uint8_t form;                    /* enum cit_target_form */
    /* responses */
    int status;
    struct cit_slice reason;
    /* both */
    uint8_t minor; /* HTTP/1.minor: 0 or 1 (a higher minor is served as 1) */
    uint32_t flags;
    uint64_t content_length;     /* 0 without CIT_H1_HAS_LENGTH */
    struct cit_slice host;       /* the Host field's value */
    struct cit_h1_field *fields; /* caller's array of cap */
    uint32_t nfields, cap;
    enum cit_h1_bad bad; /* why, after CIT_EPROTO */
};

struct cit_h1_limits {
    uint32_t line;   /* bytes of the request or status line without CRLF */
    uint32_t fields; /* number of fields; the head's cap counts too */
    uint32_t field;  /* bytes of one field line without CRLF */
    uint32_t head;   /* bytes of the whole head */
};

/* Reads a head from the start of buf[0..len).  `seen` bytes of it were there at the
 * last call that answered CIT_EAGAIN (0 at first): a shortcut, never a condition.
 * The caller has set out->fields and out->cap; everything else is written.
 * One empty line before a request line is skipped (RFC 9112 2.2).
 * Returns the bytes of the head with its empty line; CIT_EAGAIN; or CIT_EPROTO with
 * out->bad set (and method, target as far as they were understood, for the log).
 * What can be refused is refused as soon as its bytes are there. */
CIT_MUST_CHECK int cit_h1_parse_request(const char *buf, size_t len, size_t seen, const struct cit_h1_limits *lim,
                                        struct cit_h1_head *out);
CIT_MUST_CHECK int cit_h1_parse_response(const char *buf, size_t len, size_t seen, const struct cit_h1_limits *lim,
                                         struct cit_h1_head *out);

/* The status an answer to a refusal has, and its text. */
int cit_h1_bad_status(enum cit_h1_bad bad);
const char *cit_h1_bad_text(enum cit_h1_bad bad);
const char *cit_h1_bad_name(enum cit_h1_bad bad);

/* The known field of this name, any case; CIT_FIELD_OTHER otherwise. */
enum cit_field_id cit_field_find(struct cit_slice name);

/* The first field of this id, or NULL. */
const struct cit_h1_field *cit_h1_field_get(const struct cit_h1_head *h, enum cit_field_id id);

#endif
