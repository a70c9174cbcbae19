/* tests/c/test_tls.c - TLS against a server of OpenSSL in a thread, with certificates made here. */
#include "net/tls.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#ifdef CIT_HAVE_OPENSSL

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, DAY_S = 86400 };

/* ---- certificates ---- */

static EVP_PKEY *make_key(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    EVP_PKEY *key = NULL;

    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1), 1);
    assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* Signed by itself, for good.test and 127.0.0.1, until `days` from now. */
static X509 *make_certificate(EVP_PKEY *key, long days)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:good.test,IP:127.0.0.1");

    assert_int_equal(X509_set_version(cert, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -10L * DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY_S);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"good.test", -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(cert, name), 1);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_int_equal(X509_add_ext(cert, names, -1), 1);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    X509_EXTENSION_free(names);
    return cert;
}

/* ---- the server: one connection, in a thread ---- */

enum manner {
    ECHO,    /* sends back what comes, until the end of input */
    LEAVE,   /* after the handshake, with a goodbye */
    VANISH,  /* after the handshake, without one */
    GARBLE,  /* after the handshake, bytes that are no record */
    NO_TLS,  /* answers as HTTP does */
    NO_WORDS /* closes at once */
};

struct server {
    enum manner manner;
    int listen_fd;
    uint16_t port;
    SSL_CTX *ssl;
    X509 *cert;
    EVP_PKEY *key;
    char ca_file[32];
    char asked[64]; /* the name the client asked for */
    pthread_t thread;
};

static void echo(SSL *ssl)
{
    static char bytes[8192];
    int n;

    while ((n = SSL_read(ssl, bytes, sizeof bytes)) > 0)
        for (int sent = 0; sent < n;) {
            int more = SSL_write(ssl, bytes + sent, n - sent);

            if (more <= 0)
                return;
            sent += more;
        }
}

static void serve_tls(struct server *s, int fd)
{
    SSL *ssl = SSL_new(s->ssl);
    const char *name;

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        snprintf(s->asked, sizeof s->asked, "%s", name != NULL ? name : "nothing");
        if (s->manner == ECHO)
            echo(ssl);
        if (s->manner == LEAVE)
            SSL_shutdown(ssl);
        if (s->manner == GARBLE)
            (void)!write(fd, "this is no record of TLS at all", 31);
    }
    SSL_free(ssl);
}

static void *serve(void *arg)
{
    static const char http[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    struct server *s = arg;
    char bytes[4096];
    int fd = accept(s->listen_fd, NULL, NULL);

    if (s->manner == NO_TLS) {
        (void)!recv(fd, bytes, sizeof bytes, 0);
        (void)!send(fd, http, sizeof http - 1, MSG_NOSIGNAL);
    } else if (s->manner != NO_WORDS) {
        serve_tls(s, fd);
    }
    shutdown(fd, SHUT_WR);
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        continue;
    close(fd);
    return NULL;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *in,
                           unsigned int in_n, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";

    (void)ssl;
    (void)arg;
    return SSL_select_next_proto((unsigned char **)(uintptr_t)out, n, ours, sizeof ours - 1, in, in_n) ==
                   OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_NOACK;
}

static void listen_somewhere(struct server *s)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof in;

    s->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listen_fd, (const struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(s->listen_fd, 1), 0);
    assert_int_equal(getsockname(s->listen_fd, (struct sockaddr *)&in, &len), 0);
    s->port = ntohs(in.sin_port);
}

static void start(struct server *s, enum manner manner, long days)
{
    FILE *f;

    *s = (struct server){ .manner = manner, .ca_file = "/tmp/test_tls.XXXXXX" };
    f = fdopen(mkstemp(s->ca_file), "w");
    s->key = make_key();
    s->cert = make_certificate(s->key, days);
    assert_int_equal(PEM_write_X509(f, s->cert), 1);
    fclose(f);
    s->ssl = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(s->ssl, s->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(s->ssl, s->key), 1);
    SSL_CTX_set_alpn_select_cb(s->ssl, choose_protocol, NULL);
    listen_somewhere(s);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s)
{
    pthread_join(s->thread, NULL);
    close(s->listen_fd);
    unlink(s->ca_file);
    SSL_CTX_free(s->ssl);
    X509_free(s->cert);
    EVP_PKEY_free(s->key);
}

/* ---- the client ---- */

struct client {
    struct cit_tls_context *ctx;
    struct cit_tls *tls;
    int fd;
    char why[CIT_TLS_WHY];
};

static void await(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };

    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

static int shake(struct client *c)
{
    bool wants_write = false;
    int err;

    while ((err = cit_tls_handshake(c->tls, &wants_write, c->why)) == CIT_EAGAIN)
        await(c->fd, wants_write ? POLLOUT : POLLIN);
    return err;
}

/* Connects as the plan's members say; the result of the handshake. */
static int meet(struct client *c, const struct server *s, const char *host, bool is_checked, bool is_trusted)
{
    const struct cit_tls_conf conf = { is_checked, is_trusted ? s->ca_file : NULL };
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(s->port) };

    *c = (struct client){ 0 };
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(cit_tls_context_new(&conf, &c->ctx, c->why), CIT_OK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(c->fd, (const struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(cit_tls_new(c->ctx, c->fd, host, &c->tls), CIT_OK);
    return shake(c);
}

static void part(struct client *c)
{
    cit_tls_free(c->tls);
    close(c->fd);
    cit_tls_context_free(c->ctx);
}

static int64_t recv_waiting(struct client *c, void *p, size_t n)
{
    int64_t got;

    while ((got = cit_tls_recv(c->tls, p, n)) == CIT_EAGAIN)
        await(c->fd, POLLIN);
    return got;
}

/* ---- tests ---- */

static void what_is_sent_comes_back(void **state)
{
    enum { BYTES = 300000 };
    static char sent[BYTES], got[BYTES];
    struct server s;
    struct client c;
    int64_t out = 0, in = 0;

    (void)state;
    for (int i = 0; i < BYTES; i++)
        sent[i] = (char)(i * 7 + i / 251);
    start(&s, ECHO, 10);
    assert_int_equal(meet(&c, &s, "good.test", true, true), CIT_OK);
    while (in < BYTES) {
        int64_t n = out < BYTES ? cit_tls_send(c.tls, sent + out, (size_t)(BYTES - out)) : CIT_EAGAIN;

        assert_true(n > 0 || n == CIT_EAGAIN);
        out += n > 0 ? n : 0;
        n = cit_tls_recv(c.tls, got + in, (size_t)(BYTES - in));
        assert_true(n > 0 || n == CIT_EAGAIN);
        in += n > 0 ? n : 0;
        if (n == CIT_EAGAIN && in < BYTES)
            await(c.fd, out < BYTES ? POLLIN | POLLOUT : POLLIN);
    }
    assert_memory_equal(sent, got, BYTES);
    part(&c);
    stop(&s);
    assert_string_equal(s.asked, "good.test");
}

static void http_1_1_is_agreed_on(void **state)
{
    const unsigned char *protocol = NULL;
    unsigned n = 0;
    struct server s;
    struct client c;

    (void)state;
    start(&s, ECHO, 10);
    assert_int_equal(meet(&c, &s, "good.test", true, true), CIT_OK);
    SSL_get0_alpn_selected(c.tls->ssl, &protocol, &n);
    assert_int_equal(n, 8);
    assert_memory_equal(protocol, "http/1.1", 8);
    assert_true(SSL_version(c.tls->ssl) >= TLS1_2_VERSION);
    part(&c);
    stop(&s);
}

static void a_certificate_nobody_vouches_for_is_refused_unless_told_so(void **state)
{
    struct server s;
    struct client c;

    (void)state;
    start(&s, ECHO, 10);
    assert_int_equal(meet(&c, &s, "good.test", true, false), CIT_EPROTO);
    assert_non_null(strstr(c.why, "certificate is not accepted: self"));
    part(&c);
    stop(&s);
    start(&s, ECHO, 10);
    assert_int_equal(meet(&c, &s, "other.test", false, false), CIT_OK);
    part(&c);
    stop(&s);
    assert_string_equal(s.asked, "other.test");
}

static void a_certificate_for_another_host_is_refused(void **state)
{
    struct server s;
    struct client c;

    (void)state;
    start(&s, ECHO, 10);
    assert_int_equal(meet(&c, &s, "other.test", true, true), CIT_EPROTO);
    assert_non_null(strstr(c.why, "certificate is not accepted: "));
    assert_non_null(strstr(c.why, "ostname mismatch"));
    part(&c);
    stop(&s);
}

static void addresses_are_looked_for_in_the_certificate_too(void **state)
{
    struct server s;
    struct client c;

    (void)state;
    start(&s, ECHO, 10);
    assert_int_equal(meet(&c, &s, "127.0.0.1", true, true), CIT_OK);
    part(&c);
    stop(&s);
    assert_string_equal(s.asked, "nothing");
    start(&s, ECHO, 10);
    assert_int_equal(meet(&c, &s, "127.0.0.2", true, true), CIT_EPROTO);
    assert_non_null(strstr(c.why, "IP address mismatch"));
    part(&c);
    stop(&s);
}

static void a_certificate_that_is_over_is_refused(void **state)
{
    struct server s;
    struct client c;

    (void)state;
    start(&s, ECHO, -1);
    assert_int_equal(meet(&c, &s, "good.test", true, true), CIT_EPROTO);
    assert_non_null(strstr(c.why, "expired"));
    part(&c);
    stop(&s);
}

static void a_server_without_tls_is_told_apart(void **state)
{
    struct server s;
    struct client c;

    (void)state;
    start(&s, NO_TLS, 10);
    assert_int_equal(meet(&c, &s, "good.test", true, true), CIT_EPROTO);
    assert_non_null(strstr(c.why, "the TLS handshake failed: wrong version number (is it TLS that it speaks?)"));
    part(&c);
    stop(&s);
    start(&s, NO_WORDS, 10);
    assert_int_equal(meet(&c, &s, "good.test", true, true), CIT_ECLOSED);
    assert_non_null(strstr(c.why, "closed the connection"));
    part(&c);
    stop(&s);
}

static void the_end_of_input_is_told_with_and_without_a_goodbye(void **state)
{
    static const enum manner manners[] = { LEAVE, VANISH };
    char bytes[100];
    struct server s;
    struct client c;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        start(&s, manners[i], 10);
        assert_int_equal(meet(&c, &s, "good.test", true, true), CIT_OK);
        assert_int_equal(recv_waiting(&c, bytes, sizeof bytes), CIT_ECLOSED);
        part(&c);
        stop(&s);
    }
}

static void a_broken_record_is_an_error_of_the_protocol(void **state)
{
    char bytes[100];
    struct server s;
    struct client c;

    (void)state;
    start(&s, GARBLE, 10);
    assert_int_equal(meet(&c, &s, "good.test", true, true), CIT_OK);
    assert_int_equal(recv_waiting(&c, bytes, sizeof bytes), CIT_EPROTO);
    part(&c);
    stop(&s);
}

static void files_of_authorities_are_checked(void **state)
{
    struct cit_tls_context *ctx = NULL;
    char why[CIT_TLS_WHY];

    (void)state;
    assert_true(cit_tls_is_built());
    assert_int_equal(cit_tls_context_new(&(struct cit_tls_conf){ true, "/nowhere/ca.pem" }, &ctx, why), CIT_EINVAL);
    assert_string_equal(why, "/nowhere/ca.pem: No such file or directory");
    assert_int_equal(cit_tls_context_new(&(struct cit_tls_conf){ true, "meson.build" }, &ctx, why), CIT_EINVAL);
    assert_string_equal(why, "meson.build: there is no certificate in it");
    assert_null(ctx);
    assert_int_equal(cit_tls_context_new(&(struct cit_tls_conf){ false, "/nowhere/ca.pem" }, &ctx, why), CIT_OK);
    cit_tls_context_free(ctx);
}

static void without_memory_nothing_is_made(void **state)
{
    const struct cit_tls_conf conf = { false, NULL };
    struct cit_tls_context *ctx = NULL;
    struct cit_tls *tls = NULL;
    char why[CIT_TLS_WHY];

    (void)state;
    cit_mem_fail_at(1);
    assert_int_equal(cit_tls_context_new(&conf, &ctx, why), CIT_ENOMEM);
    assert_int_equal(cit_tls_context_new(&conf, &ctx, why), CIT_OK);
    cit_mem_fail_at(1);
    assert_int_equal(cit_tls_new(ctx, 0, "a", &tls), CIT_ENOMEM);
    assert_null(tls);
    cit_tls_free(NULL);
    cit_tls_context_free(ctx);
    cit_tls_context_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_comes_back),
        cmocka_unit_test(http_1_1_is_agreed_on),
        cmocka_unit_test(a_certificate_nobody_vouches_for_is_refused_unless_told_so),
        cmocka_unit_test(a_certificate_for_another_host_is_refused),
        cmocka_unit_test(addresses_are_looked_for_in_the_certificate_too),
        cmocka_unit_test(a_certificate_that_is_over_is_refused),
        cmocka_unit_test(a_server_without_tls_is_told_apart),
        cmocka_unit_test(the_end_of_input_is_told_with_and_without_a_goodbye),
        cmocka_unit_test(a_broken_record_is_an_error_of_the_protocol),
        cmocka_unit_test(files_of_authorities_are_checked),
        cmocka_unit_test(without_memory_nothing_is_made),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include "test_tls_none.h"

#endif
