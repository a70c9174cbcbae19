/* fuzz/fuzz_query.c - any query asked of any body: it ends, and what it gives has a text.
 *
 *      "kind argument \n body"       kind: c css, a css with attribute "value", x xpath, j jsonpath, r regex
 *
 * A selector whose match is found by its literal gives what reading the page from its start gives.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "load/html_int.h"
#include "load/select_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void stop(const char *wrong)
{
    fprintf(stderr, "%s\n", wrong);
    abort();
}

static bool kind_of(uint8_t c, struct cit_query_spec *spec)
{
    static const char letters[] = "caxjr";
    static const enum cit_query_kind kinds[] = { CIT_QUERY_CSS, CIT_QUERY_CSS, CIT_QUERY_XPATH, CIT_QUERY_JSONPATH,
                                                 CIT_QUERY_REGEX };
    const char *at = memchr(letters, c, sizeof letters - 1);

    if (at == NULL)
        return false;
    spec->kind = kinds[at - letters];
    spec->attribute = c == 'a' ? CIT_SLICE_LIT("value") : cit_slice(NULL, 0);
    return true;
}

static int run(const struct cit_query *q, const struct cit_page *page, struct cit_query_scratch *s,
               struct cit_slice *text)
{
    struct cit_value v;
    int err = cit_query_run(q, page, s, &v);

    *text = cit_slice(NULL, 0);
    if (err != CIT_OK && err != CIT_EINVAL && err != CIT_ELIMIT)
        stop("a query fails for no reason");
    if (err == CIT_OK && v.kind != CIT_VALUE_NONE && cit_value_text(&v, s, text) != CIT_OK)
        stop("a value has no text");
    return err == CIT_OK && v.kind == CIT_VALUE_NONE ? CIT_ENOENT : err;
}

/* The literal is a shortcut: without it the answer is the same. */
static void check_shortcut(const struct cit_query *q, const struct cit_page *page, struct cit_query_scratch *s,
                           struct cit_slice text, int err)
{
    struct cit_query slow = *q;
    struct cit__select select;
    struct cit_slice other;

    if (q->select == NULL || q->select->literal.n == 0)
        return;
    select = *q->select;
    select.literal = cit_slice(NULL, 0);
    slow.select = &select;
    if (run(&slow, page, s, &other) != err || !cit_slice_eq(text, other))
        stop("the shortcut leads elsewhere");
}

static void ask(const struct cit_query_spec *spec, struct cit_slice body)
{
    struct cit_names names = { 0 };
    struct cit_queries qs = { 0 };
    struct cit_arena a;
    struct cit_making m = { &names, &qs, &a };
    struct cit_query_scratch s;
    struct cit_page page = { .status = 200, .minor = 1, .body = body };
    struct cit_query *q = NULL;
    struct cit_slice text;
    char why[CIT_QUERY_WHY] = "";
    size_t at = 0;
    int err;

    cit_arena_init(&a, 1 << 20);
    if (cit_query_scratch_init(&s) != CIT_OK)
        stop("there is no memory");
    err = cit_query_new(&m, spec, &q, why, &at);
    if (err == CIT_OK) {
        err = run(q, &page, &s, &text);
        check_shortcut(q, &page, &s, text, err);
    } else if (err == CIT_EINVAL && (why[0] == '\0' || at > spec->argument.n)) {
        stop("a fault has no place");
    }
    cit_query_scratch_fini(&s);
    cit_queries_fini(&qs);
    cit_arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct cit_query_spec spec = { 0 };
    const uint8_t *line = n > 0 ? memchr(data, '\n', n) : NULL;

    if (line == NULL || !kind_of(data[0], &spec))
        return 0;
    spec.argument = cit_slice((const char *)data + 1, (size_t)(line - data - 1));
    ask(&spec, cit_slice((const char *)line + 1, n - (size_t)(line - data) - 1));
    return 0;
}
