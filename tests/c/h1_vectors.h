/* tests/c/h1_vectors.h - reads tests/vectors/h1/<name>.txt, whose heads say the format.
 *
 * Used as: open, next until false, close.  A vector lives until the next one.
 */
#ifndef CIT_TESTS_H1_VECTORS_H
#define CIT_TESTS_H1_VECTORS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/h1_parse.h"

struct h1_vectors {
    FILE *file;
    char *line; /* getline's */
    size_t line_cap;
    char name[200], verdict[400];
    struct cit_buf bytes;
    struct cit_h1_limits lim;
};

static const struct cit_h1_limits h1_default_limits = { 8190, 100, 8190, 65536 };

static inline int h1_hex(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Turns the escapes of in[0..n) into bytes; returns false on an escape that is none. */
static inline bool h1_unescape(struct cit_buf *out, const char *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = in[i];

        if (c == '\\' && i + 1 < n && in[i + 1] == '(') {
            char *text;
            unsigned long times = strtoul(in + i + 2, &text, 10);
            const char *close = memchr(in + i, ')', n - i);

            if (*text != '*' || close == NULL)
                return false;
            while (times-- > 0)
                if (!h1_unescape(out, text + 1, (size_t)(close - text - 1)))
                    return false;
            i = (size_t)(close - in);
            continue;
        }
        if (c == '\\' && i + 3 < n && in[i + 1] == 'x') {
            c = (char)(h1_hex(in[i + 2]) << 4 | h1_hex(in[i + 3]));
            i += 3;
        } else if (c == '\\' && i + 1 < n) {
            c = in[++i];
            c = c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        if (cit_buf_add(out, &c, 1) != CIT_OK)
            return false;
    }
    return true;
}

static inline bool h1_vectors_open(struct h1_vectors *v, const char *name)
{
    char path[300];

    memset(v, 0, sizeof *v);
    cit_buf_init(&v->bytes, 1U << 20);
    snprintf(path, sizeof path, "tests/vectors/h1/%s.txt", name);
    v->file = fopen(path, "r");
    return v->file != NULL;
}

static inline void h1_vectors_close(struct h1_vectors *v)
{
    if (v->file != NULL)
        fclose(v->file);
    free(v->line);
    cit_buf_fini(&v->bytes);
}

static inline void h1_read_limits(struct cit_h1_limits *lim, const char *text)
{
    const struct {
        const char *key;
        uint32_t *value;
    } rows[] = {
        { "line=", &lim->line }, { "fields=", &lim->fields }, { "field=", &lim->field }, { "head=", &lim->head }
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(text, rows[i].key);

        if (at != NULL)
            *rows[i].value = (uint32_t)strtoul(at + strlen(rows[i].key), NULL, 10);
    }
}

/* The text of a line behind its mark and space. */
static inline struct cit_slice h1_line_rest(const char *line, size_t n)
{
    return n > 2 ? cit_slice(line + 2, n - 2) : cit_slice(line, 0);
}

static inline bool h1_vectors_next(struct h1_vectors *v)
{
    struct cit_buf raw; /* the lines joined: an escape may go over them */
    bool ok = false;

    cit_buf_init(&raw, 1U << 20);
    v->bytes.len = 0;
    v->lim = h1_default_limits;
    for (;;) {
        ssize_t got = getline(&v->line, &v->line_cap, v->file);
        size_t n = got > 0 ? (size_t)got : 0;

        if (got < 0)
            break;
        if (n > 0 && v->line[n - 1] == '\n')
            v->line[--n] = '\0';
        if (v->line[0] == '@')
            h1_read_limits(&v->lim, v->line);
        else if (v->line[0] == '=')
            snprintf(v->name, sizeof v->name, "%s", h1_line_rest(v->line, n).n > 0 ? v->line + 2 : "");
        else if (v->line[0] == '>')
            ok = cit_buf_add_slice(&raw, h1_line_rest(v->line, n)) == CIT_OK;
        else if (v->line[0] == '<') {
            snprintf(v->verdict, sizeof v->verdict, "%s", v->line + 2);
            ok = ok && (raw.len == 0 || h1_unescape(&v->bytes, raw.p, raw.len));
            break;
        }
    }
    cit_buf_fini(&raw);
    return ok;
}

#endif
