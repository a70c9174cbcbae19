/* flow/check_expr.c - each expression is compiled once; what its compiler says, the names it
 * reads and whether it is constant are told at every node and edge that has it. */
#include "flow/check_int.h"

#include <stdlib.h>

#include "base/mem.h"
#include "flow/text_int.h"

enum { NAME_SHOWN_MAX = 40, NAMES_MAX = 20 /* said of one expression: places are looked for anew each time */ };

/* By number of an expression, who has it: edges by their index, then nodes. */
struct uses {
    uint32_t *first; /* [number] .. [number + 1]: a run of who */
    uint32_t *who;
    uint32_t edge_count;
};

/* Names the engine itself gives or sets. */
static const char *const given[] = {
    "current_day", "current_time", "current_date",   "registered", "enrolled",      "group",      "session",
    "node",        "stack",        "reply_variable", "timer",      "reply_session", "reply_node",
};

/* ---- names ---- */

static int compare_names(const void *a, const void *b)
{
    const struct cit_slice *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int diff = n > 0 ? memcmp(x->p, y->p, n) : 0;

    return diff != 0 ? diff : (x->n > y->n) - (x->n < y->n);
}

/* Variables that expression nodes of the graph set. */
static void collect_names(struct cit__check *c)
{
    uint32_t count = cit_flow_node_count(c->g);

    if (!c->opt->has_declared || count == 0)
        return;
    c->names = cit_realloc_array(NULL, count, sizeof *c->names);
    if (c->names == NULL) {
        c->err = CIT_ENOMEM;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct cit_flow_node *n = cit_flow_node_at(c->g, i);

        if (n->type == CIT_FLOW_EXPRESSION && n->variable.n > 0)
            c->names[c->name_count++] = n->variable;
    }
    qsort(c->names, c->name_count, sizeof *c->names, compare_names);
}

static bool is_known(const struct cit__check *c, struct cit_slice name)
{
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        if (cit_slice_eq(name, cit_slice_str(given[i])))
            return true;
    }
    if (c->name_count > 0 && bsearch(&name, c->names, c->name_count, sizeof name, compare_names) != NULL)
        return true;
    return c->opt->is_declared != NULL && c->opt->is_declared(c->opt->ctx, name);
}

/* ---- who has an expression ---- */

static uint32_t expr_of(const struct cit__check *c, const struct uses *u, uint32_t who)
{
    return who < u->edge_count ? cit_flow_edge_at(c->g, who)->expr : cit_flow_node_at(c->g, who - u->edge_count)->expr;
}

static bool collect_uses(struct cit__check *c, struct uses *u)
{
    uint32_t exprs = cit_flow_expr_count(c->g), all;

    u->edge_count = cit_flow_edge_count(c->g);
    all = u->edge_count + cit_flow_node_count(c->g);
    u->first = cit_calloc((size_t)exprs + 3, sizeof *u->first);
    u->who = cit_realloc_array(NULL, all, sizeof *u->who);
    if (u->first == NULL || u->who == NULL)
        return false;
    for (uint32_t i = 0; i < all; i++)
        u->first[expr_of(c, u, i) + 2]++;
    for (uint32_t i = 1; i <= exprs + 2; i++)
        u->first[i] += u->first[i - 1];
    for (uint32_t i = 0; i < all; i++)
        u->who[u->first[expr_of(c, u, i) + 1]++] = i;
    return true;
}

/* ---- what is said, once a use ---- */

struct remark {
    enum cit_flow_severity severity;
    const char *code;
    uint32_t line, column;
    const char *what, *hint;
};

static void say_use(struct cit__check *c, const struct uses *u, uint32_t who, const struct remark *r)
{
    struct cit__spot at = { (uint8_t)r->severity, r->code, CIT_FLOW_NONE, CIT_FLOW_NONE, r->line, r->column };
    struct cit__label label;

    if (who < u->edge_count) {
        at.edge = who;
        cit__found(c, at, r->hint, "In the condition of an edge to node %s: %s",
                   cit__id_label(c, cit_flow_edge_at(c->g, who)->target, &label), r->what);
    } else {
        at.node = who - u->edge_count;
        cit__found(c, at, r->hint, "In the %s: %s", cit__node_label(c, at.node, &label), r->what);
    }
}

static void say(struct cit__check *c, const struct uses *u, uint32_t number, const struct remark *r)
{
    for (uint32_t i = u->first[number]; i < u->first[number + 1] && c->err == CIT_OK; i++)
        say_use(c, u, u->who[i], r);
}

/* Only where the expression is a condition. */
static void say_verdict(struct cit__check *c, const struct uses *u, uint32_t number)
{
    static const struct remark always = {
        CIT_FLOW_HINT,
        NULL,
        0,
        0,
        "it is always true: it asks for no variable.",
        "For an edge that is always taken, leave the condition empty.",
    };
    static const struct remark never = {
        CIT_FLOW_WARNING,
        NULL,
        0,
        0,
        "it is never true, whatever the variables hold; nobody ever takes the edge.",
        "Compare a variable with something, as in $age > 17, or delete the edge.",
    };
    bool is_always = c->verdict[number] == CIT__ALWAYS;
    struct remark r = is_always ? always : never;

    r.code = cit_flow_code_text(is_always ? CIT_FLOW_CODE_ALWAYS_TRUE : CIT_FLOW_CODE_ALWAYS_FALSE);
    for (uint32_t i = u->first[number]; i < u->first[number + 1] && c->err == CIT_OK; i++) {
        if (c->verdict[number] != CIT__DEPENDS && u->who[i] < u->edge_count)
            say_use(c, u, u->who[i], &r);
    }
}

/* ---- one expression ---- */

/* Line and column, from 1 and in characters, of a byte. */
static void place_of(struct cit_slice text, uint32_t at, uint32_t *line, uint32_t *column)
{
    struct cit_slice rest = cit_slice(text.p, at < text.n ? at : text.n);

    *line = *column = 1;
    while (rest.n > 0) {
        bool is_end = rest.p[0] == '\n';

        (void)cit__text_next(&rest);
        *line += is_end;
        *column = is_end ? 1 : *column + 1;
    }
}

/* Where the program first reads its name of that number. */
static uint32_t first_read(const struct cit_expr_program *prog, uint32_t name)
{
    for (uint32_t i = 0; i < prog->code_count; i++) {
        const struct cit_expr_ins *ins = &prog->code[i];

        if ((ins->op == CIT_EXPR_VAR || ins->op == CIT_EXPR_VAR_AT) && ins->arg == name)
            return ins->at;
    }
    return 0;
}

static void check_names(struct cit__check *c, const struct uses *u, uint32_t number,
                        const struct cit_expr_program *prog)
{
    static const char before[] = "the variable ", after[] = " is not declared, and nothing in this graph sets it.";
    char what[sizeof before + NAME_SHOWN_MAX + 4 + sizeof after];
    struct remark r = {
        CIT_FLOW_WARNING,
        cit_flow_code_text(CIT_FLOW_CODE_UNDECLARED),
        0,
        0,
        what,
        "Look for a slip in its name, or declare it.",
    };
    int said = 0;

    for (uint32_t i = 0; c->opt->has_declared && i < prog->name_count && said < NAMES_MAX; i++) {
        size_t n = sizeof before - 1;

        if (is_known(c, prog->names[i]))
            continue;
        said++;
        memcpy(what, before, n);
        cit__text_show(prog->names[i], NAME_SHOWN_MAX, what + n, NAME_SHOWN_MAX + 5);
        n = strlen(what);
        memcpy(what + n, after, sizeof after);
        place_of(prog->text, first_read(prog, i), &r.line, &r.column);
        say(c, u, number, &r);
    }
}

/* All remarks are of what was hardly meant, but for one of mere spelling. */
static enum cit_flow_severity severity_of(const struct cit_expr_note *note)
{
    return strcmp(note->code, cit__note_code(CIT_EXPR_NOTE_PYTHON_SPELLING)) == 0 ? CIT_FLOW_HINT : CIT_FLOW_WARNING;
}

static void check_program(struct cit__check *c, const struct uses *u, uint32_t number,
                          const struct cit_expr_program *prog)
{
    for (uint32_t i = 0; i < prog->note_count && c->err == CIT_OK; i++) {
        const struct cit_expr_note *note = &prog->notes[i];
        struct remark r = { severity_of(note), note->code, note->line, note->column, note->what, note->hint };

        say(c, u, number, &r);
    }
    check_names(c, u, number, prog);
    c->verdict[number] = (uint8_t)cit__verdict_of(prog);
    say_verdict(c, u, number);
}

static void check_text(struct cit__check *c, const struct uses *u, uint32_t number)
{
    struct cit_expr_program *prog = NULL;
    struct cit_expr_error why = { 0 };
    int err = cit_expr_compile(cit_flow_expr_text(c->g, number), c->opt->dialect, &prog, &why);

    if (err == CIT_OK) {
        check_program(c, u, number, prog);
        cit_expr_free(prog);
    } else if (err == CIT_ENOMEM) {
        c->err = err;
    } else {
        struct remark r = {
            CIT_FLOW_ERROR, cit_flow_code_text(CIT_FLOW_CODE_BAD_EXPRESSION), why.line, why.column, why.what, why.hint,
        };

        c->verdict[number] = CIT__NEVER; /* an error is taken for false */
        say(c, u, number, &r);
    }
}

void cit__check_exprs(struct cit__check *c)
{
    struct uses u = { 0 };

    if (c->err == CIT_OK)
        collect_names(c);
    if (c->err == CIT_OK && !collect_uses(c, &u))
        c->err = CIT_ENOMEM;
    for (uint32_t number = 1; number <= cit_flow_expr_count(c->g) && c->err == CIT_OK; number++)
        check_text(c, &u, number);
    cit_free(u.first);
    cit_free(u.who);
}
