/* fuzz/fuzz_access.c - any format with any request: the input is a format, a NUL, a peer's
 * address, a NUL, and a request's head, which is used as the response's head too.
 *
 * Whatever compiles gives a line within its bounds, on which the peer has no byte that
 * could end it; as JSON it is one object of well-formed strings.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "serve/access.h"
#include "serve/log.h"

#define MUST(what)                                                     \
    do {                                                               \
        if (!(what)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                   \
        }                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The end of the JSON string that begins at p[i], a quote. */
static size_t end_of_string(const char *p, size_t i, size_t n)
{
    for (i++; i < n && p[i] != '"'; i++) {
        MUST((unsigned char)p[i] >= 0x20);
        if (p[i] != '\\')
            continue;
        i++;
        MUST(i < n && strchr("\"\\u", p[i]) != NULL);
        for (int k = 0; p[i] == 'u' && k < 4; k++)
            MUST(i + 1 + (size_t)k < n && strchr("0123456789abcdef", p[i + 1 + (size_t)k]) != NULL);
    }
    MUST(i < n);
    return i;
}

/* One object: outside its strings nothing but names' colons, commas, digits and null. */
static void check_json(const char *p, size_t n)
{
    int strings = 0;

    MUST(n > 2 && n < CIT_LOG_LINE_MAX && p[0] == '{' && p[n - 1] == '}');
    for (size_t i = 1; i < n - 1; i++) {
        if (p[i] == '"') {
            i = end_of_string(p, i, n);
            strings++;
        } else {
            MUST(strchr(":,0123456789nul", p[i]) != NULL);
        }
    }
    MUST(strings >= 13 + 2);
}

static void check_text(const char *format, const char *p, size_t n)
{
    for (const char *f = format; *f != '\0'; f++) {
        if (*f < 0x20 || *f > 0x7e)
            return; /* whoever wrote the format may end lines in it */
    }
    for (size_t i = 0; i < n; i++)
        MUST(p[i] >= 0x20 && p[i] <= 0x7e);
}

static void run(const char *format, bool json, const struct cit_access_rec *rec)
{
    struct cit_access *a = NULL;
    struct cit_buf out;
    size_t at = SIZE_MAX;
    int err = cit_access_new(format, json, &a, &at);

    MUST(err == CIT_OK || (err == CIT_EINVAL && at < strlen(format)) || err == CIT_ENOMEM);
    if (err != CIT_OK)
        return;
    cit_buf_init(&out, 1u << 20);
    err = cit_access_line(a, rec, &out);
    MUST(err == CIT_OK || err == CIT_ELIMIT);
    if (err == CIT_OK && json)
        check_json(out.p, out.len);
    else if (err == CIT_OK)
        check_text(format, out.p, out.len);
    cit_buf_fini(&out);
    cit_access_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct cit_h1_limits lim = { .line = 8190, .fields = 64, .field = 8190, .head = 65536 };
    struct cit_h1_field fields[64];
    struct cit_h1_head head = { .fields = fields, .cap = 64 };
    struct cit_access_rec rec = { .head = &head, .status = 200, .body_bytes = n % 3, .pid = 1 };
    char *copy = cit_memdup((const char *)data, n);
    const char *remote, *request;

    MUST(copy != NULL);
    remote = strlen(copy) < n ? copy + strlen(copy) + 1 : "";
    request = strlen(copy) + strlen(remote) + 1 < n ? remote + strlen(remote) + 1 : copy + n;
    rec.remote = remote;
    rec.resp_head = cit_slice(request, (size_t)(copy + n - request));
    memcpy(&rec.wall_ns, copy, n < 8 ? n : 8); /* any time at all */
    memcpy(&rec.took_ns, copy + n - (n < 8 ? n : 8), n < 8 ? n : 8);
    if (cit_h1_parse_request(request, rec.resp_head.n, 0, &lim, &head) == CIT_EAGAIN)
        head = (struct cit_h1_head){ .fields = fields };
    run(copy, false, &rec);
    run(copy, true, &rec);
    cit_free(copy);
    return 0;
}
