/* expr/program.c - text to program, in any dialect. */
#include "expr/program.h"

#include <string.h>

#include "base/mem.h"
#include "expr/expr_int.h"

#define TAB 8

/* A text whose tabs are expanded: the text that was given when it has none. */
struct expanded {
    struct cit_slice text;
    char *owned; /* or NULL */
};

/* ---- tabs ---- */

/* Python's str.expandtabs(): columns count characters, and begin again after \n and \r.  Writes to `out`
 * unless it is NULL; the length. */
static size_t expand(struct cit_slice text, char *out)
{
    size_t n = 0, column = 0;

    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        size_t width = c == '\t' ? TAB - column % TAB : 1;

        if (out != NULL)
            memset(out + n, c == '\t' ? ' ' : c, width);
        n += width;
        if (c == '\n' || c == '\r')
            column = 0;
        else if ((c & 0xc0) != 0x80)
            column += width;
    }
    return n;
}

static int expand_tabs(struct cit_slice text, struct expanded *out)
{
    size_t n;

    out->text = text;
    out->owned = NULL;
    if (text.n == 0 || memchr(text.p, '\t', text.n) == NULL)
        return CIT_OK;
    n = expand(text, NULL);
    if (n > CIT_EXPR_TEXT_MAX)
        return CIT_ELIMIT;
    out->owned = cit_malloc(n);
    if (out->owned == NULL)
        return CIT_ENOMEM;
    expand(text, out->owned);
    out->text = cit_slice(out->owned, n);
    return CIT_OK;
}

/* ---- compiling ---- */

/* A failure before there is a text with places. */
static int fail_early(struct cit_expr_error *err, int code)
{
    static const struct cit_expr_error no_memory = {
        .err = CIT_ENOMEM, .line = 1, .column = 1, .what = "out of memory"
    };
    static const struct cit_expr_error too_long = {
        .err = CIT_ELIMIT, .line = 1, .column = 1, .what = "the text is too long"
    };

    *err = code == CIT_ENOMEM ? no_memory : too_long;
    return code;
}

static int run(struct cit_expr_build *b)
{
    int err = b->dialect == CIT_EXPR_STRICT ? cit__strict_compile(b) : cit__compat_parse(b);

    if (err == CIT_OK && b->dialect == CIT_EXPR_STRICT)
        b->end = (uint32_t)b->text.n;
    return err == CIT_OK && b->dialect != CIT_EXPR_STRICT ? cit__link(b) : err;
}

/* After a text that does not match: its tokens alone. */
static int keep_tokens(struct cit_expr_build *b)
{
    cit__build_drop_notes(b, 0);
    b->status = CIT_OK;
    b->end = 0;
    b->is_closed = false;
    return CIT_OK;
}

static int compile(struct cit_slice text, enum cit_expr_dialect dialect, bool keeps_tokens,
                   struct cit_expr_program **out, struct cit_expr_error *err)
{
    struct cit_expr_build b;
    struct expanded x = { .text = text };
    int status = text.n > CIT_EXPR_TEXT_MAX ? CIT_ELIMIT : CIT_OK;

    if (status == CIT_OK && dialect != CIT_EXPR_STRICT)
        status = expand_tabs(text, &x);
    if (status != CIT_OK)
        return fail_early(err, status);
    cit__build_init(&b, x.text, dialect, err);
    status = run(&b);
    if (status == CIT_EPROTO && keeps_tokens)
        status = keep_tokens(&b);
    if (status == CIT_OK)
        status = cit__build_finish(&b, out);
    cit__build_fini(&b);
    cit_free(x.owned);
    return status;
}

int cit_expr_compile(struct cit_slice text, enum cit_expr_dialect dialect, struct cit_expr_program **out,
                     struct cit_expr_error *err)
{
    struct cit_expr_error unseen;

    return compile(text, dialect, false, out, err != NULL ? err : &unseen);
}

int cit_expr_tokenize(struct cit_slice text, enum cit_expr_dialect dialect, struct cit_expr_program **out,
                      struct cit_expr_error *err)
{
    struct cit_expr_error unseen;

    return compile(text, dialect, true, out, err != NULL ? err : &unseen);
}

void cit_expr_free(struct cit_expr_program *prog)
{
    cit_free(prog);
}

/* ---- a stack somebody kept ---- */

/* The texts of the tokens one behind the other, as one text: the places of messages are in it. */
struct joined {
    char *p; /* NULL while it is measured */
    size_t n;
};

static struct cit_slice join(struct joined *j, struct cit_slice s)
{
    struct cit_slice put = cit_slice(j->p != NULL ? j->p + j->n : NULL, s.n);

    if (j->p != NULL && s.n > 0)
        memcpy(j->p + j->n, s.p, s.n);
    j->n += s.n;
    return put;
}

/* "[a, b]"; the items go to b. */
static void join_list(struct joined *j, struct cit_expr_build *b, const struct cit_slice *items, uint32_t count)
{
    join(j, CIT_SLICE_LIT("["));
    for (uint32_t i = 0; i < count; i++) {
        struct cit_slice put;

        if (i > 0)
            join(j, CIT_SLICE_LIT(", "));
        put = join(j, items[i]);
        if (j->p != NULL)
            cit__build_item(b, put);
    }
    join(j, CIT_SLICE_LIT("]"));
}

/* Copies the tokens that matter into the text of b, and from there to its tokens.  A Parser that is used
 * again keeps all it ever met below them. */
static void join_tokens(struct joined *j, struct cit_expr_build *b, const struct cit_expr_stack *stack)
{
    uint32_t low = cit__lowest(stack, b->dialect);

    for (uint32_t i = low; i < stack->count && j->n <= CIT_EXPR_TEXT_MAX; i++) {
        struct cit_expr_token t = stack->tokens[i];

        if (i > low)
            join(j, CIT_SLICE_LIT(" "));
        t.at = (uint32_t)j->n;
        if (t.is_list) {
            t.first = b->items.count;
            join_list(j, b, stack->items + stack->tokens[i].first, t.count);
        } else {
            t.text = join(j, t.text);
        }
        if (j->p != NULL)
            cit__build_token(b, t);
    }
}

int cit_expr_compile_stack(const struct cit_expr_stack *stack, enum cit_expr_dialect dialect,
                           struct cit_expr_program **out, struct cit_expr_error *err)
{
    struct cit_expr_error unseen;
    struct cit_expr_build b;
    struct joined j = { 0 };
    int status;

    err = err != NULL ? err : &unseen;
    cit__build_init(&b, (struct cit_slice){ 0 }, dialect, err);
    join_tokens(&j, &b, stack);
    if (j.n > CIT_EXPR_TEXT_MAX)
        return fail_early(err, CIT_ELIMIT);
    j.p = cit_malloc(j.n);
    if (j.p == NULL)
        return fail_early(err, CIT_ENOMEM);
    b.text = cit_slice(j.p, j.n);
    j.n = 0;
    join_tokens(&j, &b, stack);
    b.end = (uint32_t)b.text.n;
    status = cit__link(&b);
    if (status == CIT_OK)
        status = cit__build_finish(&b, out);
    cit__build_fini(&b);
    cit_free(j.p);
    return status;
}

/* ---- names ---- */

const char *cit_expr_op_name(enum cit_expr_op op)
{
    static const char *const names[] = {
#define CIT__OP_NAME(name, pops, text) #name,
        CIT_EXPR_OPS(CIT__OP_NAME)
#undef CIT__OP_NAME
    };

    return op < CIT_EXPR_OP_COUNT ? names[op] : "?";
}

const char *cit_expr_func_name(enum cit_expr_func func)
{
    static const char *const names[] = {
#define CIT__FUNC_NAME(name, least, most, dialects) #name,
        CIT_EXPR_FUNCS(CIT__FUNC_NAME)
#undef CIT__FUNC_NAME
    };

    return func < CIT_EXPR_FUNC_COUNT ? names[func] : "?";
}
