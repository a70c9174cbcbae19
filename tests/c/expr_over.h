/* tests/c/expr_over.h - evaluating texts over data, natively.
 *
 * Programs and what they make are forgotten by the next evaluation of a setting; JSON stays as long
 * as a test.
 */
#ifndef CIT_TESTS_EXPR_OVER_H
#define CIT_TESTS_EXPR_OVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "expr_json.h"

struct outcome {
    int err;
    struct cit_expr_value value;
    struct cit_expr_error error;
    bool is_compile_error;
};

struct data {
    struct cit_expr_value map;    /* null: there is none */
    struct cit_expr_value arrays; /* a list of names, or null */
    struct cit_expr_value reserved;
    unsigned asked; /* calls of the lookup */
    int fails_with; /* CIT_OK, or what the lookup gives */
};

static inline int data_get(void *ctx, const struct cit_expr_program *p, uint32_t name, struct cit_expr_value *out)
{
    struct data *d = ctx;

    d->asked++;
    if (d->fails_with != CIT_OK)
        return d->fails_with;
    if (d->map.kind != CIT_EXPR_V_MAP)
        return CIT_ENOENT;
    return d->map.u.map.ops->get(d->map.u.map.ctx, p->names[name], out);
}

static inline bool is_among(const struct cit_expr_value *list, struct cit_slice name)
{
    for (size_t i = 0; list->kind == CIT_EXPR_V_LIST && i < list->u.list.count; i++)
        if (cit_slice_eq(list->u.list.at[i].u.s, name))
            return true;
    return false;
}

static inline bool data_is_array(void *ctx, struct cit_slice name)
{
    return is_among(&((struct data *)ctx)->arrays, name);
}

static inline bool data_is_reserved(void *ctx, struct cit_slice name)
{
    return is_among(&((struct data *)ctx)->reserved, name);
}

static const struct cit_expr_now noon = { 2015, 5, 1, 5, 12, 34, 56 };

struct setting {
    enum cit_expr_dialect dialect;
    struct data *data;
    const struct cit_expr_now *now;
    const struct cit_expr_limits *limits;
    struct cit_expr_arena *arena;
    struct cit_expr_program *program; /* kept: values borrow from it */
};

static inline struct outcome evaluate(struct setting *s, struct cit_slice text)
{
    struct cit_expr_lookup lookup = { data_get, data_is_array, data_is_reserved, s->data, s->now };
    struct cit_expr_task task = { NULL, &lookup, s->limits, s->arena };
    struct outcome o = { 0 };

    cit_expr_free(s->program);
    s->program = NULL;
    o.err = cit_expr_compile(text, s->dialect, &s->program, &o.error);
    if (o.err != CIT_OK) {
        o.is_compile_error = true;
        return o;
    }
    task.program = s->program;
    o.err = cit_expr_eval(&task, &o.value, &o.error);
    return o;
}

/* Memory that lives as long as a test. */
static struct cit_expr_arena kept, work;

static inline int over_setup(void **state)
{
    (void)state;
    cit_expr_arena_init(&kept, (size_t)1 << 28);
    cit_expr_arena_init(&work, (size_t)1 << 26);
    return 0;
}

static inline int over_teardown(void **state)
{
    (void)state;
    cit_expr_arena_fini(&kept);
    cit_expr_arena_fini(&work);
    return 0;
}

/* Evaluates strict text over JSON data. */
static inline struct outcome strict_over(const char *text, const char *json)
{
    static struct setting s;
    struct data d = { 0 };
    struct outcome o;

    assert_true(json_read(&kept, cit_slice_str(json), &d.map));
    s.dialect = CIT_EXPR_STRICT;
    s.data = &d;
    s.arena = &work;
    cit_expr_free(s.program);
    s.program = NULL;
    o = evaluate(&s, cit_slice_str(text));
    if (o.err != CIT_OK || o.value.kind != CIT_EXPR_V_TEXT) {
        cit_expr_free(s.program); /* nothing borrows from it */
        s.program = NULL;
    } else {
        char *copy = json_memory(&(struct json){ .arena = &kept }, o.value.u.s.n);

        memcpy(copy, o.value.u.s.n > 0 ? o.value.u.s.p : "", o.value.u.s.n);
        o.value.u.s.p = copy;
        cit_expr_free(s.program);
        s.program = NULL;
    }
    return o;
}

static inline struct outcome strict(const char *text)
{
    return strict_over(text, "{}");
}

static inline struct outcome over_float(enum cit_expr_dialect dialect, const char *text, double f)
{
    struct cit_expr_pair at[] = { { CIT_SLICE_LIT("x"), cit_expr_real(f) } };
    struct cit_expr_pairs pairs = { at, 1 };
    struct data d = { .map = cit_expr_map(&cit_expr_pairs_ops, &pairs) };
    struct setting s = { .dialect = dialect, .data = &d, .arena = &work };
    struct outcome o = evaluate(&s, cit_slice_str(text));

    cit_expr_free(s.program); /* numbers and booleans borrow nothing */
    return o;
}

#endif
