/* net/tls.c - TLS for clients: OpenSSL behind the calls of a socket; without OpenSSL a refusal. */
#include "net/tls.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#ifdef CIT_HAVE_OPENSSL

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

struct cit_tls_context {
    SSL_CTX *ssl; /* owned */
    bool is_checked;
};

struct cit_tls {
    SSL *ssl;       /* owned */
    bool is_ready;  /* the handshake is done */
    bool is_broken; /* nothing may be sent any more, not even a goodbye */
};

static int refuse(char *why, int err, const char *fmt, ...) CIT_PRINTF(3, 4);

static int refuse(char *why, int err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why, CIT_TLS_WHY, fmt, args);
    va_end(args);
    return err;
}

bool cit_tls_is_built(void)
{
    return true;
}

/* ---- contexts ---- */

static int load_authorities(SSL_CTX *ssl, const char *file, char *why)
{
    char text[64];
    FILE *f;

    if (file == NULL)
        return SSL_CTX_set_default_verify_paths(ssl) == 1
                   ? CIT_OK
                   : refuse(why, CIT_EINVAL, "the system's certificates can't be read");
    f = fopen(file, "re");
    if (f == NULL)
        return refuse(why, CIT_EINVAL, "%.120s: %s", file, strerror_r(errno, text, sizeof text));
    fclose(f);
    return SSL_CTX_load_verify_locations(ssl, file, NULL) == 1
               ? CIT_OK
               : refuse(why, CIT_EINVAL, "%.120s: there is no certificate in it", file);
}

static int set_up(SSL_CTX *ssl, const struct cit_tls_conf *conf, char *why)
{
    static const unsigned char protocols[] = "\x08http/1.1";

    /* Buffers of an idle connection are given back; a short write is told, and may go on from another address. */
    (void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
    /* Many servers close without a goodbye; HTTP knows for itself whether an answer was whole. */
    (void)SSL_CTX_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
    if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_alpn_protos(ssl, protocols, sizeof protocols - 1) != 0)
        return CIT_ENOMEM;
    SSL_CTX_set_verify(ssl, conf->is_checked ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    return conf->is_checked ? load_authorities(ssl, conf->ca_file, why) : CIT_OK;
}

int cit_tls_context_new(const struct cit_tls_conf *conf, struct cit_tls_context **out, char why[CIT_TLS_WHY])
{
    struct cit_tls_context *ctx = cit_calloc(1, sizeof *ctx);
    int err = CIT_ENOMEM;

    if (ctx == NULL)
        return CIT_ENOMEM;
    ctx->is_checked = conf->is_checked;
    ctx->ssl = SSL_CTX_new(TLS_client_method());
    if (ctx->ssl != NULL)
        err = set_up(ctx->ssl, conf, why);
    ERR_clear_error();
    if (err != CIT_OK) {
        cit_tls_context_free(ctx);
        return err;
    }
    *out = ctx;
    return CIT_OK;
}

void cit_tls_context_free(struct cit_tls_context *ctx)
{
    if (ctx == NULL)
        return;
    SSL_CTX_free(ctx->ssl);
    cit_free(ctx);
}

/* ---- sessions ---- */

/* The name to ask for and to find in the certificate; an address is no name to ask for (RFC 6066 3). */
static bool set_host(SSL *ssl, const char *host, bool is_checked)
{
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
        return true;
    /* SSL_set_tlsext_host_name, whose cast away from const some compilers mind */
    if (SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)host) != 1)
        return false;
    return !is_checked || SSL_set1_host(ssl, host) == 1;
}

int cit_tls_new(struct cit_tls_context *ctx, int fd, const char *host, struct cit_tls **out)
{
    struct cit_tls *t = cit_calloc(1, sizeof *t);
    bool is_made;

    if (t == NULL)
        return CIT_ENOMEM;
    t->ssl = SSL_new(ctx->ssl);
    is_made = t->ssl != NULL && SSL_set_fd(t->ssl, fd) == 1 && set_host(t->ssl, host, ctx->is_checked);
    ERR_clear_error();
    if (!is_made) {
        cit_tls_free(t);
        return CIT_ENOMEM;
    }
    SSL_set_connect_state(t->ssl);
    *out = t;
    return CIT_OK;
}

void cit_tls_free(struct cit_tls *t)
{
    if (t == NULL)
        return;
    if (t->is_ready && !t->is_broken)
        (void)SSL_shutdown(t->ssl);
    SSL_free(t->ssl); /* the socket stays open: SSL_set_fd leaves it to its owner */
    ERR_clear_error();
    cit_free(t);
}

/* What a handshake failed of, as far as it is known. */
static int failed(struct cit_tls *t, int reason, int errnum, char *why)
{
    long verdict = SSL_get_verify_result(t->ssl);
    const char *text = ERR_reason_error_string(ERR_peek_error());
    char of_errno[64];

    t->is_broken = true;
    if (verdict != X509_V_OK && SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE)
        return refuse(why, CIT_EPROTO, "the server's certificate is not accepted: %s",
                      X509_verify_cert_error_string(verdict));
    if (reason == SSL_ERROR_SSL && text != NULL)
        return refuse(why, CIT_EPROTO, "the TLS handshake failed: %s%s", text,
                      ERR_GET_REASON(ERR_peek_error()) == SSL_R_WRONG_VERSION_NUMBER ? " (is it TLS that it speaks?)"
                                                                                     : "");
    if (reason == SSL_ERROR_SYSCALL && errnum != 0)
        return refuse(why, CIT_ECLOSED, "the connection broke in the TLS handshake: %s",
                      strerror_r(errnum, of_errno, sizeof of_errno));
    return refuse(why, CIT_ECLOSED, "the server closed the connection in the TLS handshake");
}

int cit_tls_handshake(struct cit_tls *t, bool *wants_write, char why[CIT_TLS_WHY])
{
    int done, reason, err;

    ERR_clear_error();
    errno = 0;
    done = SSL_do_handshake(t->ssl);
    if (done == 1) {
        t->is_ready = true;
        return CIT_OK;
    }
    reason = SSL_get_error(t->ssl, done);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
        *wants_write = reason == SSL_ERROR_WANT_WRITE;
        return CIT_EAGAIN;
    }
    err = failed(t, reason, errno, why);
    ERR_clear_error();
    return err;
}

/* ---- receiving and sending ---- */

static int64_t io_error(struct cit_tls *t, int got)
{
    switch (SSL_get_error(t->ssl, got)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return CIT_EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return CIT_ECLOSED;
    case SSL_ERROR_SYSCALL:
        t->is_broken = true;
        return CIT_ECLOSED;
    default:
        t->is_broken = true;
        ERR_clear_error();
        return CIT_EPROTO;
    }
}

static int bounded(size_t n)
{
    return n > INT_MAX ? INT_MAX : (int)n;
}

int64_t cit_tls_recv(struct cit_tls *t, void *p, size_t n)
{
    int got;

    ERR_clear_error(); /* what another connection left would be taken for this one's */
    got = SSL_read(t->ssl, p, bounded(n));
    return got > 0 ? got : io_error(t, got);
}

int64_t cit_tls_send(struct cit_tls *t, const void *p, size_t n)
{
    int sent;

    ERR_clear_error();
    sent = SSL_write(t->ssl, p, bounded(n));
    return sent > 0 ? sent : io_error(t, sent);
}

#else /* no OpenSSL: a context is never made, so that the rest has nothing to work on */

bool cit_tls_is_built(void)
{
    return false;
}

int cit_tls_context_new(const struct cit_tls_conf *conf, struct cit_tls_context **out, char why[CIT_TLS_WHY])
{
    (void)conf;
    (void)out;
    (void)snprintf(why, CIT_TLS_WHY, "https:// needs a build with OpenSSL, and this is none");
    return CIT_ESTATE;
}

void cit_tls_context_free(struct cit_tls_context *ctx)
{
    (void)ctx;
}

int cit_tls_new(struct cit_tls_context *ctx, int fd, const char *host, struct cit_tls **out)
{
    (void)ctx;
    (void)fd;
    (void)host;
    (void)out;
    return CIT_ESTATE;
}

void cit_tls_free(struct cit_tls *t)
{
    (void)t;
}

int cit_tls_handshake(struct cit_tls *t, bool *wants_write, char why[CIT_TLS_WHY])
{
    (void)t;
    (void)wants_write;
    (void)why;
    return CIT_ESTATE;
}

int64_t cit_tls_recv(struct cit_tls *t, void *p, size_t n)
{
    (void)t;
    (void)p;
    (void)n;
    return CIT_ESTATE;
}

int64_t cit_tls_send(struct cit_tls *t, const void *p, size_t n)
{
    (void)t;
    (void)p;
    (void)n;
    return CIT_ESTATE;
}

#endif
