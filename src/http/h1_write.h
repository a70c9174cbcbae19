/* http/h1_write.h - heads, chunks and dates, written (RFC 9112, RFC 9110 5.6.7).
 *
 * Depends on: base, http/h1_parse (field ids).
 * Ownership:  appends to the caller's buffer.
 * Threads:    any, each with its own buffer.
 */
#ifndef CIT_HTTP_H1_WRITE_H
#define CIT_HTTP_H1_WRITE_H

#include <stdint.h>
#include <time.h>

#include "base/buf.h"
#include "http/h1_parse.h"

/* The standard reason phrase of a status (IANA registry), "" for one without. */
const char *cit_http_reason(int status);

/* True for a token (RFC 9110 5.6.2), and for a field value that may be sent:
 * no NUL, CR, LF or other control but HTAB, no blank at either end needed. */
bool cit_http_is_token(struct cit_slice s);
bool cit_http_is_field_value(struct cit_slice s);

/* True for a field name an application may not send: Connection, Keep-Alive,
 * Proxy-Authenticate, Proxy-Authorization, TE, Trailer, Transfer-Encoding, Upgrade
 * (the list of Python's wsgiref.util.is_hop_by_hop, RFC 2616 13.5.1). */
bool cit_field_is_hop_by_hop(enum cit_field_id id);

/* "HTTP/1.1 " status " " reason CRLF; name ": " value CRLF; both as given. */
CIT_MUST_CHECK int cit_h1_write_status(struct cit_buf *b, int status, struct cit_slice reason);
CIT_MUST_CHECK int cit_h1_write_field(struct cit_buf *b, struct cit_slice name, struct cit_slice value);

/* A request line: method SP target SP HTTP/1.1 CRLF. */
CIT_MUST_CHECK int cit_h1_write_request(struct cit_buf *b, struct cit_slice method, struct cit_slice target);

/* The chunk header "1f4" CRLF into out; returns its length.  The data follows, then CRLF. */
#define CIT_H1_CHUNK_HEAD_MAX 18
size_t cit_h1_chunk_head(char out[CIT_H1_CHUNK_HEAD_MAX], uint64_t n);

/* The last chunk, the given trailer fields (may be none) and the empty line. */
CIT_MUST_CHECK int cit_h1_write_last_chunk(struct cit_buf *b, const struct cit_h1_field *trailers, size_t count);

/* "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL: IMF-fixdate, any time of years 1970-9999. */
#define CIT_HTTP_DATE_LEN 29
void cit_http_date(int64_t unix_seconds, char out[CIT_HTTP_DATE_LEN + 1]);

#endif
