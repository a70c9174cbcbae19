/* fuzz/fuzz_expr_eval.c - any expression over fixed values, natively: the first byte chooses the dialect, the
 * rest is the text.
 *
 * Whatever compiles gives a value that can be read to its end, or an error that says what and where; the
 * same one again when it is run again; within its bounds of memory.  Strict programs make only finite
 * floats.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/value.h"

#define MUST(what)                                                     \
    do {                                                               \
        if (!(what)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                   \
        }                                                              \
    } while (0)

enum { ARENA_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* ---- the values ---- */

#define TEXT(lit)                                                   \
    {                                                               \
        .kind = CIT_EXPR_V_TEXT, .u.s = { "" lit, sizeof(lit) - 1 } \
    }
#define NUMBER(n)                          \
    {                                      \
        .kind = CIT_EXPR_V_INT, .u.i = (n) \
    }
#define REAL(x)                              \
    {                                        \
        .kind = CIT_EXPR_V_FLOAT, .u.f = (x) \
    }
#define TRUTH(x)                            \
    {                                       \
        .kind = CIT_EXPR_V_BOOL, .u.b = (x) \
    }
#define KEY(lit)                \
    {                           \
        "" lit, sizeof(lit) - 1 \
    }

static const struct cit_expr_value items[] = {
    NUMBER(1), TEXT("20"), TEXT("x"), REAL(2.5), { .kind = CIT_EXPR_V_NULL }
};
static const struct cit_expr_value outer[] = {
    { .kind = CIT_EXPR_V_LIST, .u.list = { items, 2 } },
    { .kind = CIT_EXPR_V_LIST, .u.list = { items, 5 } },
};

static const struct cit_expr_pair inner[] = {
    { KEY("k"), NUMBER(1) },
    { KEY("x"), { .kind = CIT_EXPR_V_LIST, .u.list = { items, 5 } } },
};
static struct cit_expr_pairs inner_pairs = { inner, 2 };

static const struct cit_expr_pair all[] = {
    { KEY("a"), NUMBER(1) },
    { KEY("b"), REAL(2.5) },
    { KEY("c"), NUMBER(INT64_MIN) },
    { KEY("d"), { .kind = CIT_EXPR_V_MAP, .u.map = { &cit_expr_pairs_ops, &inner_pairs } } },
    { KEY("e"), TEXT("") },
    { KEY("f"), TRUTH(false) },
    { KEY("h"), TEXT("h\xc3\xb8yde \xf0\x9f\x98\x80 \xff") },
    { KEY("l"), { .kind = CIT_EXPR_V_LIST, .u.list = { items, 5 } } },
    { KEY("m"), { .kind = CIT_EXPR_V_LIST, .u.list = { outer, 2 } } },
    { KEY("n"), { .kind = CIT_EXPR_V_NULL } },
    { KEY("o"), { .kind = CIT_EXPR_V_LIST } },
    { KEY("s"), TEXT("hello") },
    { KEY("t"), TRUTH(true) },
    { KEY("u"), TEXT(" 42 ") },
    { KEY("z"), NUMBER(0) },
};
static struct cit_expr_pairs all_pairs = { all, sizeof all / sizeof all[0] };

static int get(void *ctx, const struct cit_expr_program *p, uint32_t name, struct cit_expr_value *out)
{
    return cit_expr_pairs_ops.get(ctx, p->names[name], out);
}

static bool is_array(void *ctx, struct cit_slice name)
{
    (void)ctx;
    return cit_slice_eq(name, CIT_SLICE_LIT("l")) || cit_slice_eq(name, CIT_SLICE_LIT("o"));
}

/* ---- what must hold ---- */

static uint64_t mix(uint64_t sum, const void *p, size_t n)
{
    const unsigned char *bytes = p;

    for (size_t i = 0; i < n; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3U;
    return sum;
}

/* Reads a value to its end. */
static uint64_t sum_of(const struct cit_expr_value *v, bool wants_finite, uint64_t sum)
{
    MUST(v->kind <= CIT_EXPR_V_RAW);
    sum = mix(sum, &v->kind, 1);
    switch ((enum cit_expr_value_kind)v->kind) {
    case CIT_EXPR_V_NULL:
        return sum;
    case CIT_EXPR_V_BOOL:
        return mix(sum, v->u.b ? "1" : "0", 1);
    case CIT_EXPR_V_INT:
        return mix(sum, &v->u.i, sizeof v->u.i);
    case CIT_EXPR_V_FLOAT:
        MUST(!wants_finite || isfinite(v->u.f));
        return isnan(v->u.f) ? sum : mix(sum, &v->u.f, sizeof v->u.f);
    case CIT_EXPR_V_TEXT:
        return mix(sum, v->u.s.p, v->u.s.n);
    case CIT_EXPR_V_LIST:
        for (size_t i = 0; i < v->u.list.count; i++)
            sum = sum_of(&v->u.list.at[i], wants_finite, sum);
        return sum;
    case CIT_EXPR_V_MAP:
        MUST(v->u.map.ctx == &inner_pairs);
        return sum;
    case CIT_EXPR_V_RAW:
        for (size_t i = 0; i < v->u.raw.count; i++)
            sum = mix(sum, v->u.raw.at[i].p, v->u.raw.at[i].n);
        return sum;
    }
    return sum;
}

static void check_error(const struct cit_expr_program *p, int err, const struct cit_expr_error *e)
{
    MUST(err == CIT_EINVAL || err == CIT_ELIMIT || err == CIT_ENOMEM);
    MUST(e->err == err && e->what[0] != '\0' && e->at <= p->text.n && e->line >= 1 && e->column >= 1);
    MUST((e->kind == CIT_EXPR_FAULT_NONE) == (err == CIT_ENOMEM));
    MUST((e->kind == CIT_EXPR_FAULT_LIMIT) == (err == CIT_ELIMIT));
}

static uint64_t run(const struct cit_expr_task *task)
{
    struct cit_expr_value v = { .kind = CIT_EXPR_V_NULL };
    struct cit_expr_error e;
    bool is_strict = task->program->dialect == CIT_EXPR_STRICT, truth;
    int err = cit_expr_eval(task, &v, &e);
    uint64_t sum;

    if (err != CIT_OK)
        check_error(task->program, err, &e);
    sum = err == CIT_OK ? sum_of(&v, is_strict, 0) : mix(mix(0, &e.kind, sizeof e.kind), &e.at, sizeof e.at);
    MUST(task->arena->mem.held <= ARENA_MAX);
    err = cit_expr_test(task, &truth, &e);
    MUST(err == CIT_OK || e.what[0] != '\0');
    cit_expr_arena_reset(task->arena);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const enum cit_expr_dialect dialects[] = { CIT_EXPR_STRICT, CIT_EXPR_A, CIT_EXPR_B };
    static const struct cit_expr_now noon = { 2015, 5, 1, 5, 12, 34, 56 };
    static const struct cit_expr_limits limits = { .steps = 20000, .made_bytes = 1 << 16, .made_items = 1000 };
    struct cit_expr_lookup lookup = { get, is_array, NULL, &all_pairs, n % 2 == 0 ? &noon : NULL };
    struct cit_expr_arena arena;
    struct cit_expr_program *p = NULL;
    struct cit_expr_task task = { NULL, &lookup, &limits, &arena };
    char *text;
    uint64_t sum;

    if (n == 0)
        return 0;
    text = malloc(n > 1 ? n - 1 : 1); /* its end is the end of the memory */
    MUST(text != NULL);
    memcpy(text, data + 1, n - 1);
    cit_expr_arena_init(&arena, ARENA_MAX);
    if (cit_expr_compile(cit_slice(text, n - 1), dialects[data[0] % 3], &p, NULL) == CIT_OK) {
        task.program = p;
        sum = run(&task);
        MUST(run(&task) == sum);
    }
    cit_expr_free(p);
    cit_expr_arena_fini(&arena);
    free(text);
    return 0;
}
