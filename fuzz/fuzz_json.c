/* fuzz/fuzz_json.c - any bytes as JSON: the reader, skipping and the tree agree; strings written read back.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "load/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void stop(const char *wrong)
{
    fprintf(stderr, "%s\n", wrong);
    abort();
}

/* Written and read again, a text without bytes that are no UTF-8 is the same; with them, it still is a string. */
static void check_string(struct cit_slice text, struct cit_arena *a)
{
    struct cit_json j;
    struct cit_json_token t;
    struct cit_slice back;
    struct cit_buf b, c;

    cit_buf_init(&b, SIZE_MAX);
    cit_buf_init(&c, SIZE_MAX);
    if (cit_json_put(&b, text) != CIT_OK)
        stop("a string can't be written");
    cit_json_init(&j, cit_slice(b.p, b.len));
    if (cit_json_next(&j, &t) != CIT_OK || t.kind != CIT_JSON_STRING || j.p != j.end)
        stop("what was written is no string");
    if (cit_json_unescape(&t, a, &back) != CIT_OK)
        stop("what was written can't be resolved");
    if (cit_json_put(&c, back) != CIT_OK || !cit_slice_eq(cit_slice(b.p, b.len), cit_slice(c.p, c.len)))
        stop("writing twice is not writing once");
    cit_buf_fini(&b);
    cit_buf_fini(&c);
}

/* All tokens: whether it is JSON, and how many values it has. */
static bool read_all(struct cit_slice text, struct cit_arena *a, uint32_t *values)
{
    struct cit_json j;
    struct cit_json_token t;
    struct cit_slice s;

    cit_json_init(&j, text);
    for (*values = 0; cit_json_next(&j, &t) == CIT_OK; *values += t.kind < CIT_JSON_NAME) {
        if (t.kind == CIT_JSON_END)
            return j.p == j.end && j.depth == 0;
        if (t.kind == CIT_JSON_OPEN_OBJECT || t.kind == CIT_JSON_OPEN_ARRAY)
            ++*values;
        if (t.kind == CIT_JSON_STRING && cit_json_unescape(&t, a, &s) != CIT_OK)
            stop("a string can't be resolved");
    }
    if (j.why == NULL || j.p < j.start || j.p > j.end)
        stop("what is wrong is not said");
    return false;
}

static uint32_t count(const struct cit_json_node *n)
{
    uint32_t sum = 1, children = 0;

    for (const struct cit_json_node *m = n->first; m != NULL; m = m->next, children++)
        sum += count(m);
    if (children != n->count)
        stop("a node miscounts");
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct cit_slice text = cit_slice((const char *)data, n), whole;
    struct cit_json_node *root = NULL;
    struct cit_arena a;
    struct cit_json j;
    const char *why = NULL;
    size_t at = 0;
    uint32_t values;
    bool is_json;
    int err;

    cit_arena_init(&a, SIZE_MAX);
    is_json = read_all(text, &a, &values);
    cit_json_init(&j, text);
    if (is_json && cit_json_skip(&j, &whole) != CIT_OK)
        stop("a value can't be passed over");
    err = cit_json_tree(text, &a, &root, &why, &at);
    if (err == CIT_OK && (!is_json || count(root) != values))
        stop("the tree is not the text");
    if (err != CIT_OK && (at > n || why == NULL || (is_json && strstr(why, "twice") == NULL)))
        stop("the tree is refused for another reason");
    check_string(text, &a);
    cit_arena_fini(&a);
    return 0;
}
