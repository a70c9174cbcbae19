/* tests/c/expr_json.h - JSON as values of expressions: the lines of tests/vectors/flow.
 *
 * Integers and floats are told apart by their point or exponent; NaN and Infinity are read, as Python
 * writes them.  Everything lies in the arena that is given.
 */
#ifndef CIT_TESTS_EXPR_JSON_H
#define CIT_TESTS_EXPR_JSON_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/value.h"

enum { JSON_ITEMS_MAX = 4096 };

struct json {
    const char *p, *end;
    struct cit_expr_arena *arena;
    bool is_bad;
};

static inline struct cit_expr_value json_value(struct json *j);

static inline void json_blanks(struct json *j)
{
    while (j->p < j->end && strchr(" \t\r\n", *j->p) != NULL)
        j->p++;
}

static inline bool json_takes(struct json *j, const char *word)
{
    size_t n = strlen(word);

    json_blanks(j);
    if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n) != 0)
        return false;
    j->p += n;
    return true;
}

static inline void *json_memory(struct json *j, size_t n)
{
    void *p = cit_expr_arena_take(j->arena, n + 1, NULL);

    if (p == NULL)
        abort(); /* the test's own arena is large enough */
    return p;
}

static inline uint32_t json_hex(struct json *j)
{
    char digits[5] = { 0 };

    if (j->end - j->p < 4)
        j->is_bad = true;
    else
        memcpy(digits, j->p, 4);
    j->p += j->is_bad ? 0 : 4;
    return (uint32_t)strtoul(digits, NULL, 16);
}

static inline char *json_put(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

static inline char *json_escape(struct json *j, char *to)
{
    static const char plain[] = "nrtbf\"\\/", means[] = "\n\r\t\b\f\"\\/";
    char c = *j->p++;
    const char *at = strchr(plain, c);
    uint32_t code;

    if (c == 'u') {
        code = json_hex(j);
        if (code >= 0xd800 && code < 0xdc00 && j->end - j->p > 6 && memcmp(j->p, "\\u", 2) == 0) {
            j->p += 2;
            code = 0x10000 + ((code - 0xd800) << 10) + (json_hex(j) - 0xdc00);
        }
        return json_put(to, code);
    }
    if (at == NULL || c == '\0')
        j->is_bad = true;
    else
        *to++ = means[at - plain];
    return to;
}

static inline struct cit_slice json_text(struct json *j)
{
    char *begin, *to;

    if (!json_takes(j, "\"")) {
        j->is_bad = true;
        return (struct cit_slice){ 0 };
    }
    begin = to = json_memory(j, (size_t)(j->end - j->p));
    while (!j->is_bad && j->p < j->end && *j->p != '"') {
        if (*j->p == '\\' && ++j->p < j->end)
            to = json_escape(j, to);
        else
            *to++ = *j->p++;
    }
    j->is_bad |= j->p >= j->end;
    j->p++;
    return cit_slice(begin, (size_t)(to - begin));
}

static inline struct cit_expr_value json_number(struct json *j)
{
    const char *begin = j->p;
    bool is_float = false;
    double f;

    while (j->p < j->end && strchr("+-0123456789.eE", *j->p) != NULL)
        is_float |= strchr(".eE", *j->p++) != NULL;
    if (j->p == begin || (is_float && cit_expr_float(cit_slice(begin, (size_t)(j->p - begin)), &f) != 1))
        j->is_bad = true;
    if (j->is_bad)
        return cit_expr_null();
    return is_float ? cit_expr_real(f) : cit_expr_int(strtoll(begin, NULL, 10));
}

static inline struct cit_expr_value json_list(struct json *j)
{
    static struct cit_expr_value items[64][JSON_ITEMS_MAX / 16];
    static unsigned depth;
    struct cit_expr_value *own = items[depth++], *copy;
    size_t count = 0;

    while (!j->is_bad && !json_takes(j, "]")) {
        own[count++] = json_value(j);
        (void)json_takes(j, ",");
        j->is_bad |= count == JSON_ITEMS_MAX / 16 || depth == 63;
    }
    depth--;
    copy = json_memory(j, count * sizeof *copy);
    if (count > 0)
        memcpy(copy, own, count * sizeof *copy);
    return cit_expr_list(copy, count);
}

static inline struct cit_expr_value json_map(struct json *j)
{
    struct cit_expr_pairs *pairs = json_memory(j, sizeof *pairs);
    struct cit_expr_pair *at = json_memory(j, 512 * sizeof *at);

    *pairs = (struct cit_expr_pairs){ .at = at };
    while (!j->is_bad && !json_takes(j, "}")) {
        at[pairs->count].key = json_text(j);
        j->is_bad |= !json_takes(j, ":");
        at[pairs->count++].value = json_value(j);
        (void)json_takes(j, ",");
        j->is_bad |= pairs->count == 512;
    }
    return cit_expr_map(&cit_expr_pairs_ops, pairs);
}

static inline struct cit_expr_value json_value(struct json *j)
{
    json_blanks(j);
    if (j->p < j->end && *j->p == '"')
        return cit_expr_text(json_text(j));
    if (json_takes(j, "["))
        return json_list(j);
    if (json_takes(j, "{"))
        return json_map(j);
    if (json_takes(j, "null"))
        return cit_expr_null();
    if (json_takes(j, "true"))
        return cit_expr_bool(true);
    if (json_takes(j, "false"))
        return cit_expr_bool(false);
    if (json_takes(j, "NaN"))
        return cit_expr_real((double)NAN);
    return json_number(j);
}

/* The value of a whole line; false when it is not JSON. */
static inline bool json_read(struct cit_expr_arena *arena, struct cit_slice line, struct cit_expr_value *out)
{
    struct json j = { .p = line.p, .end = line.p + line.n, .arena = arena };

    *out = json_value(&j);
    json_blanks(&j);
    return !j.is_bad && j.p == j.end;
}

/* An entry of a mapping; null when it is not there. */
static inline struct cit_expr_value json_get(const struct cit_expr_value *map, const char *key)
{
    struct cit_expr_value out = cit_expr_null();

    if (map->kind == CIT_EXPR_V_MAP)
        (void)map->u.map.ops->get(map->u.map.ctx, cit_slice_str(key), &out);
    return out;
}

static inline bool json_has(const struct cit_expr_value *map, const char *key)
{
    struct cit_expr_value unseen;

    return map->kind == CIT_EXPR_V_MAP && map->u.map.ops->get(map->u.map.ctx, cit_slice_str(key), &unseen) == CIT_OK;
}

/* The same value of the same type, floats bit by bit but for NaN. */
static inline bool json_same(const struct cit_expr_value *a, const struct cit_expr_value *b)
{
    if (a->kind != b->kind)
        return false;
    switch ((enum cit_expr_value_kind)a->kind) {
    case CIT_EXPR_V_NULL:
        return true;
    case CIT_EXPR_V_BOOL:
        return a->u.b == b->u.b;
    case CIT_EXPR_V_INT:
        return a->u.i == b->u.i;
    case CIT_EXPR_V_FLOAT:
        return (isnan(a->u.f) && isnan(b->u.f)) || memcmp(&a->u.f, &b->u.f, sizeof a->u.f) == 0;
    case CIT_EXPR_V_TEXT:
        return cit_slice_eq(a->u.s, b->u.s);
    case CIT_EXPR_V_LIST:
        for (size_t i = 0; i < a->u.list.count && a->u.list.count == b->u.list.count; i++)
            if (!json_same(&a->u.list.at[i], &b->u.list.at[i]))
                return false;
        return a->u.list.count == b->u.list.count;
    case CIT_EXPR_V_MAP:
        return a->u.map.ctx == b->u.map.ctx || a->u.map.ops->count(a->u.map.ctx) == b->u.map.ops->count(b->u.map.ctx);
    case CIT_EXPR_V_RAW:
        break;
    }
    return false;
}

#endif
