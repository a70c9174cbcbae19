/* tests/c/h1_tool.c - the HTTP/1 parser as a program, for other languages to ask.
 *
 *      h1_tool request|response    stdin: 4 bytes length (big endian), that many bytes, ...
 *                                  stdout: one JSON object a line, in the same order
 *      h1_tool bench               nanoseconds for a head, of three sizes
 *
 * A text of the peer's comes out as a JSON string with one code point a byte.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/h1_chunk.h"
#include "http/h1_frame.h"
#include "http/h1_parse.h"

#define FIELDS 100
#define INPUT_MAX (1U << 20)

static const struct cit_h1_limits limits = { 8190, FIELDS, 8190, 65536 };

static void put_text(const char *name, struct cit_slice s)
{
    printf(", \"%s\": \"", name);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

/* Where the chunked body in in[0..n) ends: its bytes, CIT_EAGAIN or CIT_EPROTO. */
static long chunked_end(const char *in, size_t n, enum cit_h1_bad *bad)
{
    struct cit_h1_chunk c = { 0 };
    struct cit_slice data;
    size_t at = 0, used;

    do {
        int err = cit_h1_chunk_read(&c, in + at, n - at, &used, &data);

        *bad = c.bad;
        if (err == CIT_EPROTO)
            return err;
        at += used;
        if (err == CIT_OK)
            return (long)at;
    } while (at < n);
    return CIT_EAGAIN;
}

static void put_body(struct cit_h1_frame f, const char *in, size_t n)
{
    static const char *const kinds[] = { "none", "length", "chunked", "close" };
    enum cit_h1_bad bad = CIT_H1_BAD_NONE;
    long end = 0;

    if (f.kind == CIT_H1_BODY_CHUNKED)
        end = chunked_end(in, n, &bad);
    else if (f.kind == CIT_H1_BODY_LENGTH)
        end = f.length <= n ? (long)f.length : CIT_EAGAIN;
    printf(", \"body\": \"%s\", \"body_end\": %ld, \"body_bad\": \"%s\"", kinds[f.kind], end, cit_h1_bad_name(bad));
}

static void answer(bool is_request, const char *in, size_t n)
{
    struct cit_h1_field fields[FIELDS];
    struct cit_h1_head h = { .fields = fields, .cap = FIELDS };
    int used = is_request ? cit_h1_parse_request(in, n, 0, &limits, &h) : cit_h1_parse_response(in, n, 0, &limits, &h);

    if (used < 0) {
        printf("{\"verdict\": \"%s\", \"reason\": \"%s\"}\n", used == CIT_EAGAIN ? "more" : "reject",
               cit_h1_bad_name(h.bad));
        return;
    }
    printf("{\"verdict\": \"accept\", \"head\": %d, \"status\": %d, \"minor\": %u, \"fields\": %" PRIu32, used,
           h.status, h.minor, h.nfields);
    printf(", \"keep_alive\": %s, \"upgrade\": %s", h.flags & CIT_H1_KEEP_ALIVE ? "true" : "false",
           h.flags & CIT_H1_UPGRADE ? "true" : "false");
    put_text("method", h.method);
    put_text("target", h.target);
    put_body(is_request ? cit_h1_frame_request(&h) : cit_h1_frame_response(&h, CIT_METHOD_GET), in + used,
             n - (size_t)used);
    printf("}\n");
}

static int answer_all(bool is_request)
{
    unsigned char size[4];

    while (fread(size, 1, sizeof size, stdin) == sizeof size) {
        size_t n = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
        char *in = n <= INPUT_MAX ? malloc(n + 1) : NULL; /* a test: exact, so that ASan sees an overrun */

        if (in == NULL || fread(in, 1, n, stdin) != n) {
            free(in);
            return EXIT_FAILURE;
        }
        answer(is_request, in, n);
        free(in);
    }
    return EXIT_SUCCESS;
}

static const char wrk_head[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";

static const char browser_head[] =
    "GET /articles/2024/how-to-measure?page=2&sort=date HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Referer: https://www.example.com/articles/2024/?page=1\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,ru;q=0.8\r\n"
    "Cookie: csrftoken=Hq3vZc1T8mYb0sXw; sessionid=4r9k2m1x8v7c6b5n4m3l2k1j0h9g8f7d\r\n"
    "If-None-Match: \"5d41402abc4b2a76b9719d911017c592\"\r\n"
    "\r\n";

static const char answer_head[] = "HTTP/1.1 200 OK\r\nServer: citrate\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                  "Content-Type: text/html; charset=utf-8\r\nContent-Length: 13\r\n\r\n";

static void bench_one(const char *name, const char *head, size_t n)
{
    struct cit_h1_field fields[FIELDS];
    struct cit_h1_head h = { .fields = fields, .cap = FIELDS };
    int64_t best = INT64_MAX;
    long sum = 0;
    enum { ROUNDS = 20, TURNS = 20000 };

    for (int round = 0; round < ROUNDS; round++) {
        int64_t from = cit_clock_cpu_ns(), took;

        for (int i = 0; i < TURNS; i++)
            sum += head[0] == 'H' ? cit_h1_parse_response(head, n, 0, &limits, &h)
                                  : cit_h1_parse_request(head, n, 0, &limits, &h);
        took = cit_clock_cpu_ns() - from;
        best = took < best ? took : best;
    }
    printf("%-8s %4zu bytes %7.1f ns%s\n", name, n, (double)best / TURNS, sum == (long)n * ROUNDS * TURNS ? "" : " ?");
}

int main(int argc, char **argv)
{
    const char *word = argc == 2 ? argv[1] : "";

    if (strcmp(word, "request") == 0 || strcmp(word, "response") == 0)
        return answer_all(word[2] == 'q');
    if (strcmp(word, "bench") != 0) {
        fprintf(stderr, "usage: h1_tool request|response|bench\n");
        return 2;
    }
    bench_one("wrk", wrk_head, sizeof wrk_head - 1);
    bench_one("browser", browser_head, sizeof browser_head - 1);
    bench_one("answer", answer_head, sizeof answer_head - 1);
    return EXIT_SUCCESS;
}
