/* tests/c/expr_tool.c - the native evaluator of the strict dialect as a program, for other languages to ask.
 *
 *      stdin     one JSON object a line: {"e": text, "data": variables}
 *      stdout    one line each: "ok" and the value, or kind, line, column, text and hint, between tabs
 *
 * Values are written as repr() writes them, texts as the hexadecimal digits of their UTF-8.
 */
#include "expr_json.h"

enum { ARENA_MAX = 1 << 28 };

static int get(void *ctx, const struct cit_expr_program *p, uint32_t name, struct cit_expr_value *out)
{
    const struct cit_expr_value *data = ctx;

    return data->kind == CIT_EXPR_V_MAP ? data->u.map.ops->get(data->u.map.ctx, p->names[name], out) : CIT_ENOENT;
}

static void show_text(struct cit_slice s)
{
    putchar('t');
    for (size_t i = 0; i < s.n; i++)
        printf("%02x", (unsigned char)s.p[i]);
}

static void show(const struct cit_expr_value *v)
{
    char text[CIT_EXPR_FLOAT_TEXT_MAX];

    if (v->kind == CIT_EXPR_V_NULL) {
        printf("None");
    } else if (v->kind == CIT_EXPR_V_BOOL) {
        fputs(v->u.b ? "True" : "False", stdout);
    } else if (v->kind == CIT_EXPR_V_INT) {
        printf("%lld", (long long)v->u.i);
    } else if (v->kind == CIT_EXPR_V_FLOAT) {
        printf("%.*s", (int)cit_expr_float_text(v->u.f, text), text);
    } else if (v->kind == CIT_EXPR_V_TEXT) {
        show_text(v->u.s);
    } else if (v->kind == CIT_EXPR_V_MAP) {
        printf("{%zu}", v->u.map.ops->count(v->u.map.ctx));
    } else {
        printf("[");
        for (size_t i = 0; i < v->u.list.count; i++) {
            fputs(i > 0 ? "," : "", stdout);
            show(&v->u.list.at[i]);
        }
        printf("]");
    }
}

static void show_error(const struct cit_expr_error *e, const char *kind)
{
    printf("%s\t%u\t%u\t%s\t%s\n", kind, e->line, e->column, e->what, e->hint);
}

static void answer(struct cit_expr_value *row, struct cit_expr_arena *arena)
{
    struct cit_expr_value data = json_get(row, "data"), out;
    struct cit_expr_lookup lookup = { .get = get, .ctx = &data };
    struct cit_expr_program *p = NULL;
    struct cit_expr_task task = { NULL, &lookup, NULL, arena };
    struct cit_expr_error e;

    if (cit_expr_compile(json_get(row, "e").u.s, CIT_EXPR_STRICT, &p, &e) != CIT_OK) {
        show_error(&e, "compile");
        return;
    }
    task.program = p;
    if (cit_expr_eval(&task, &out, &e) != CIT_OK) {
        show_error(&e, cit_expr_fault_name((enum cit_expr_fault)e.kind));
    } else {
        printf("ok\t");
        show(&out);
        putchar('\n');
    }
    cit_expr_free(p);
}

int main(void)
{
    struct cit_expr_arena rows, work;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    cit_expr_arena_init(&rows, ARENA_MAX);
    cit_expr_arena_init(&work, ARENA_MAX);
    while ((n = getline(&line, &cap, stdin)) > 0) {
        struct cit_expr_value row;

        if (!json_read(&rows, cit_slice(line, (size_t)n), &row)) {
            fprintf(stderr, "expr_tool: a line that is not JSON\n");
            return 1;
        }
        answer(&row, &work);
        cit_expr_arena_reset(&work);
        cit_expr_arena_reset(&rows);
    }
    free(line);
    cit_expr_arena_fini(&rows);
    cit_expr_arena_fini(&work);
    return 0;
}
