/* net/tls.h - TLS for clients, by OpenSSL where the build has it.
 *
 *      context (one a run) -> session (one a connection) -> handshake, recv, send like a socket's
 *
 * TLS 1.2 and 1.3, SNI, ALPN http/1.1, certificates and host names checked unless told not to.
 *
 * Depends on: base.  A process that uses it ignores SIGPIPE: OpenSSL writes as write(2) does.
 * Ownership:  the caller owns contexts and sessions; a session never owns its descriptor.
 * Threads:    a context: any number; a session: one at a time.
 */
#ifndef CIT_NET_TLS_H
#define CIT_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { CIT_TLS_WHY = 200 };

struct cit_tls_context;
struct cit_tls;

struct cit_tls_conf {
    bool is_checked;     /* certificates and names */
    const char *ca_file; /* NULL: the system's */
};

/* Whether the build has OpenSSL; without it cit_tls_context_new is CIT_ESTATE. */
bool cit_tls_is_built(void);

/* CIT_OK; CIT_ESTATE; CIT_EINVAL with why (the file of authorities); CIT_ENOMEM. */
CIT_MUST_CHECK int cit_tls_context_new(const struct cit_tls_conf *conf, struct cit_tls_context **out,
                                       char why[CIT_TLS_WHY]);
void cit_tls_context_free(struct cit_tls_context *ctx);

/* For a connected non-blocking socket; host: for SNI and the check of the certificate. */
CIT_MUST_CHECK int cit_tls_new(struct cit_tls_context *ctx, int fd, const char *host, struct cit_tls **out);
void cit_tls_free(struct cit_tls *t); /* says goodbye if it can do so at once */

/* CIT_OK once; CIT_EAGAIN: the descriptor is to be readable (*wants_write false) or writable first; CIT_EPROTO,
 * CIT_ECLOSED with why. */
CIT_MUST_CHECK int cit_tls_handshake(struct cit_tls *t, bool *wants_write, char why[CIT_TLS_WHY]);

/* As cit_sock_recv and cit_sock_send; CIT_EPROTO for a broken record.  A short count says nothing of the socket: with
 * edge-triggered events both are called until CIT_EAGAIN, and a send again with no fewer of the same bytes. */
CIT_MUST_CHECK int64_t cit_tls_recv(struct cit_tls *t, void *p, size_t n);
CIT_MUST_CHECK int64_t cit_tls_send(struct cit_tls *t, const void *p, size_t n);

#endif
