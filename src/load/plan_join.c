/* load/plan_join.c - a plan and the members that stand over it, as one text. */
#include "load/json.h"
#include "load/plan_int.h"

/* One member as it stands in its text. */
static int put(struct cit_buf *out, struct cit_slice name, struct cit_slice value)
{
    int err = out->len > 1 ? cit_buf_add_str(out, ",\n ") : CIT_OK;

    if (err == CIT_OK)
        err = cit_json_put(out, name);
    if (err == CIT_OK)
        err = cit_buf_add_str(out, ": ");
    return err == CIT_OK ? cit_buf_add_slice(out, value) : err;
}

/* The members of a table, but for those that `over` takes the place of. */
static int put_members(struct cit_slice text, const struct cit_json_node *over, struct cit_arena *a,
                       struct cit_buf *out)
{
    struct cit_json_token t;
    struct cit_json j;
    int err;

    cit_json_init(&j, text);
    err = cit_json_next(&j, &t);
    while (err == CIT_OK && (err = cit_json_next(&j, &t)) == CIT_OK && t.kind == CIT_JSON_NAME) {
        struct cit_slice name, value;

        err = cit_json_unescape(&t, a, &name);
        name = err == CIT_OK ? cit_arena_copy(a, name) : cit_slice(NULL, 0); /* with a NUL */
        if (name.p == NULL)
            return CIT_ENOMEM;
        err = cit_json_skip(&j, &value);
        if (err == CIT_OK && !cit__plan_is_over(over, name.p))
            err = put(out, name, value);
    }
    return err;
}

int cit_plan_join(struct cit_slice json, struct cit_slice over, struct cit_buf *out)
{
    struct cit_json_node *top = NULL;
    const char *why = "";
    struct cit_arena a;
    size_t at = 0;
    int err = cit_buf_add_str(out, "{");

    cit_arena_init(&a, 2 * (json.n + over.n) + (1 << 16));
    if (err == CIT_OK && over.n > 0)
        err = cit_json_tree(over, &a, &top, &why, &at);
    if (err == CIT_OK)
        err = put_members(json, top, &a, out);
    if (err == CIT_OK && over.n > 0)
        err = put_members(over, NULL, &a, out);
    cit_arena_fini(&a);
    return err == CIT_OK ? cit_buf_add_str(out, "}\n") : err;
}
