/* tests/c/h1_props.h - what must hold for any input of the HTTP/1 readers; the units
 * and the fuzzers share it.
 *
 * Each function returns NULL, or what does not hold.
 */
#ifndef CIT_TESTS_H1_PROPS_H
#define CIT_TESTS_H1_PROPS_H

#include <stdlib.h>
#include <string.h>

#include "http/h1_chunk.h"
#include "http/h1_parse.h"

#define H1_PROPS_FIELDS 128

struct h1_verdict {
    int code; /* bytes of the head, or CIT_E* */
    struct cit_h1_head head;
    struct cit_h1_field fields[H1_PROPS_FIELDS];
};

/* Head and fields begin as rubbish: what the parser promises to write, it must. */
static inline void h1_judge(struct h1_verdict *v, bool is_request, const char *p, size_t n, size_t seen,
                            const struct cit_h1_limits *lim)
{
    memset(v, 0xa5, sizeof *v);
    v->head.fields = v->fields;
    v->head.cap = H1_PROPS_FIELDS;
    v->code =
        is_request ? cit_h1_parse_request(p, n, seen, lim, &v->head) : cit_h1_parse_response(p, n, seen, lim, &v->head);
}

static inline bool h1_is_inside(struct cit_slice s, const char *p, size_t n)
{
    return s.n == 0 || (s.p >= p && s.n <= n && (size_t)(s.p - p) <= n - s.n);
}

static inline const char *h1_slices_are_inside(const struct h1_verdict *v, const char *p, size_t n)
{
    const struct cit_h1_head *h = &v->head;
    const struct cit_slice all[] = { h->method, h->target, h->path, h->query, h->authority, h->reason, h->host };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!h1_is_inside(all[i], p, n))
            return "a slice of the head is outside the buffer";
    if (h->nfields > h->cap)
        return "there are more fields than room";
    for (uint32_t i = 0; i < h->nfields; i++) {
        const struct cit_h1_field *f = &h->fields[i];

        if (f->name_n == 0 || !h1_is_inside(cit_slice(f->name, f->name_n), p, n) ||
            !h1_is_inside(cit_slice(f->value, f->value_n), p, n))
            return "a field is outside the buffer";
        if (f->id != cit_field_find(cit_slice(f->name, f->name_n)))
            return "a field has the id of another";
    }
    return NULL;
}

static inline bool h1_same(const struct h1_verdict *a, const struct h1_verdict *b)
{
    if (a->code != b->code || a->head.bad != b->head.bad)
        return false;
    if (a->code < 0)
        return true;
    return a->head.nfields == b->head.nfields && a->head.flags == b->head.flags &&
           a->head.content_length == b->head.content_length && a->head.minor == b->head.minor &&
           a->head.status == b->head.status && cit_slice_eq(a->head.target, b->head.target) &&
           cit_slice_eq(a->head.path, b->head.path) && cit_slice_eq(a->head.host, b->head.host);
}

/* A verdict on the first n bytes, given in growing pieces: each piece is answered with
 * "more" or with what the whole gets.  cut(state) says how many bytes come next. */
static inline const char *h1_growing_is_the_same(const struct h1_verdict *whole, bool is_request, const char *p,
                                                 size_t n, const struct cit_h1_limits *lim, unsigned seed)
{
    struct h1_verdict now;
    size_t at = 0, seen = 0;

    while (at < n) {
        size_t step = 1;

        if (seed != 0) { /* 0: one byte at a time */
            seed = seed * 1103515245U + 12345U;
            step = 1 + (seed >> 16) % 37;
        }
        at = step < n - at ? at + step : n;
        h1_judge(&now, is_request, p, at, seen, lim);
        if (now.code != CIT_EAGAIN)
            return h1_same(&now, whole) ? NULL : "a growing head gets another verdict";
        seen = at;
    }
    return whole->code == CIT_EAGAIN ? NULL : "a growing head gets no verdict";
}

static inline const char *h1_head_holds(bool is_request, const char *p, size_t n, const struct cit_h1_limits *lim)
{
    struct h1_verdict whole;
    const char *wrong;

    h1_judge(&whole, is_request, p, n, 0, lim);
    if (whole.code == 0 || whole.code > (int)n || (whole.code > 0 && (uint32_t)whole.code > lim->head))
        return "the head has a wrong size";
    if (whole.code < 0 && whole.code != CIT_EAGAIN && whole.code != CIT_EPROTO)
        return "the code is none of the three";
    if ((whole.code == CIT_EPROTO) != (whole.head.bad != CIT_H1_BAD_NONE))
        return "a refusal and its reason do not agree";
    if (whole.code > 0 && (whole.head.flags & CIT_H1_CHUNKED) && (whole.head.flags & CIT_H1_HAS_LENGTH))
        return "there are two ways of framing";
    if (is_request && whole.code > 0 &&
        (whole.head.path.n == 0 || whole.head.target.n == 0 || whole.head.method.n == 0))
        return "the path, the target or the method is empty";
    wrong = h1_slices_are_inside(&whole, p, n);
    for (unsigned seed = 0; wrong == NULL && seed < 4; seed++)
        wrong = h1_growing_is_the_same(&whole, is_request, p, n, lim, seed);
    return wrong;
}

/* ---- chunks ---- */

struct h1_body {
    int code;
    enum cit_h1_bad bad;
    size_t used, data_n;
    char *data; /* the caller's, of at least n bytes */
};

/* Decodes p[0..n) given in pieces: 0: all at once, 1: byte by byte, else by chance. */
static inline const char *h1_dechunk(struct h1_body *b, const char *p, size_t n, unsigned seed)
{
    struct cit_h1_chunk c = { 0 };
    size_t at = 0;

    b->code = CIT_EAGAIN;
    b->data_n = b->used = 0;
    while (b->code == CIT_EAGAIN && at < n) {
        size_t used = 0, step = seed == 0 ? n : 1;
        struct cit_slice data = { NULL, 0 };

        if (seed > 1) {
            seed = seed * 1103515245U + 12345U;
            step = 1 + (seed >> 16) % 13;
        }
        step = step < n - at ? step : n - at;
        b->code = cit_h1_chunk_read(&c, p + at, step, &used, &data);
        if (b->code == CIT_EPROTO)
            break;
        if (used > step || (b->code == CIT_EAGAIN && used == 0))
            return "no progress, or too much";
        if (!h1_is_inside(data, p + at, used))
            return "data is outside the buffer";
        if (data.n > 0)
            memcpy(b->data + b->data_n, data.p, data.n);
        b->data_n += data.n;
        at += used;
    }
    b->used = at;
    b->bad = c.bad;
    if ((b->code == CIT_EPROTO) != (c.bad != CIT_H1_BAD_NONE))
        return "a refusal and its reason do not agree";
    return NULL;
}

static inline const char *h1_chunks_hold(const char *p, size_t n)
{
    struct h1_body whole = { .data = malloc(n + 1) }, cut = { .data = malloc(n + 1) };
    const char *wrong = whole.data == NULL || cut.data == NULL ? "no memory" : h1_dechunk(&whole, p, n, 0);

    for (unsigned seed = 1; wrong == NULL && seed < 5; seed++) {
        wrong = h1_dechunk(&cut, p, n, seed);
        if (wrong == NULL && (cut.code != whole.code || cut.bad != whole.bad))
            wrong = "cut up it gets another verdict";
        /* at once, data in front of an error may be lost with the call */
        if (wrong == NULL && whole.code != CIT_EPROTO &&
            (cut.used != whole.used || cut.data_n != whole.data_n || memcmp(cut.data, whole.data, cut.data_n) != 0))
            wrong = "cut up it gives other bytes";
    }
    free(whole.data);
    free(cut.data);
    return wrong;
}

#endif
