/* tests/c/flow_props.h - what must hold of the findings and the drawing of any graph; the units
 * and the fuzzer share it.
 *
 * Bytes become a graph of few ids, so that edges meet nodes.  Ways and loops are compared with
 * their definition, the closure of "an edge leads to", which is slow and plain.
 */
#ifndef CIT_TESTS_FLOW_PROPS_H
#define CIT_TESTS_FLOW_PROPS_H

#include <stdint.h>
#include <string.h>

#include "flow/check.h"
#include "flow/text_int.h"

enum { FLOW_PROPS_IDS = 20, FLOW_PROPS_NODES = 60, FLOW_PROPS_EDGES = 400, FLOW_PROPS_POOL = 16 };

/* ---- bytes into graphs ---- */

struct flow_bytes {
    const uint8_t *p, *end;
    bool has_raw; /* an expression came from the bytes: nobody knows its worth */
};

static inline uint8_t flow_byte(struct flow_bytes *b)
{
    return b->p < b->end ? *b->p++ : 0;
}

static inline struct cit_slice flow_raw(struct flow_bytes *b)
{
    size_t n = flow_byte(b) % 48, left = (size_t)(b->end - b->p);
    struct cit_slice text = { (const char *)b->p, n < left ? n : left };

    b->p += text.n;
    return text;
}

/* A condition: mostly one whose worth is known, in all dialects. */
static inline struct cit_slice flow_expr(struct flow_bytes *b)
{
    static const char *const pool[FLOW_PROPS_POOL] = { "",   "",   "",   "",   "",        "$a",      "$a", "$b == 1",
                                                       "$b", "$c", "$c", "$c", "$c != 2", "$d == 1", "(",  "(" };
    uint8_t which = flow_byte(b);

    if (which < 248)
        return cit_slice_str(pool[which % FLOW_PROPS_POOL]);
    b->has_raw = true;
    return flow_raw(b);
}

static inline int64_t flow_id(struct flow_bytes *b)
{
    return flow_byte(b) % FLOW_PROPS_IDS - 1;
}

static inline int flow_add_node(struct cit_flow_builder *g, struct flow_bytes *b, uint8_t op)
{
    struct cit_flow_node n = { .id = flow_id(b), .type = (uint8_t)((op >> 1) % CIT_FLOW_TYPE_COUNT) };
    uint8_t texts = flow_byte(b);
    int err;

    n.title = texts & 1 ? flow_raw(b) : cit_slice("", 0);
    n.ref = texts & 2 ? CIT_SLICE_LIT("7") : cit_slice("", 0);
    n.variable = texts & 4 ? CIT_SLICE_LIT("a") : texts & 8 ? flow_raw(b) : cit_slice("", 0);
    err = n.type == CIT_FLOW_EXPRESSION ? cit_flow_builder_expr(g, flow_expr(b), &n.expr) : CIT_OK;
    return err != CIT_OK ? err : cit_flow_builder_node(g, &n);
}

static inline int flow_add_edge(struct cit_flow_builder *g, struct flow_bytes *b, uint8_t op)
{
    struct cit_flow_edge e = { .source = flow_id(b), .target = flow_id(b) };
    int err = cit_flow_builder_expr(g, flow_expr(b), &e.expr);

    e.type = op < 8 ? CIT_FLOW_EDGE_OTHER : op & 4 ? CIT_FLOW_EDGE_SPECIAL : CIT_FLOW_EDGE_NORMAL;
    return err != CIT_OK ? err : cit_flow_builder_edge(g, &e);
}

static inline struct cit_flow_graph *flow_of_bytes(struct flow_bytes *b)
{
    struct cit_flow_builder *builder = cit_flow_builder_new();
    uint32_t nodes = 0, edges = 0;
    struct cit_flow_graph *g = NULL;
    int err = builder == NULL ? CIT_ENOMEM : CIT_OK;

    while (err == CIT_OK && b->p < b->end) {
        uint8_t op = flow_byte(b);

        if (op & 1 && edges++ < FLOW_PROPS_EDGES)
            err = flow_add_edge(builder, b, op);
        else if (nodes++ < FLOW_PROPS_NODES)
            err = flow_add_node(builder, b, op);
    }
    if (err == CIT_OK)
        err = cit_flow_builder_finish(builder, &g);
    cit_flow_builder_free(builder);
    return err == CIT_OK ? g : NULL;
}

/* ---- the closure ---- */

struct flow_ways {
    const struct cit_flow_graph *g;
    bool is_strict;
    uint64_t to[FLOW_PROPS_NODES]; /* by node: those it leads to in one step or more */
};

static inline bool flow_is_found(const struct cit_flow_graph *g, uint32_t node)
{
    return cit_flow_slot_of(g, cit_flow_node_at(g, node)->id)->node == node;
}

/* In a strict graph the types that come last are the application's. */
static inline bool flow_passes_on(const struct flow_ways *w, uint32_t node)
{
    static const uint8_t types[] = { CIT_FLOW_START,  CIT_FLOW_BACKGROUND, CIT_FLOW_EXPRESSION,
                                     CIT_FLOW_EMAIL,  CIT_FLOW_SMS,        CIT_FLOW_REGISTER,
                                     CIT_FLOW_ENROLL, CIT_FLOW_LEAVE,      CIT_FLOW_CODE };

    return flow_is_found(w->g, node) &&
           memchr(types, cit_flow_node_at(w->g, node)->type, w->is_strict ? 5 : sizeof types) != NULL;
}

static inline bool flow_never(const struct cit_flow_graph *g, uint32_t expr)
{
    return cit_slice_eq(cit_flow_expr_text(g, expr), CIT_SLICE_LIT("("));
}

/* The edge is taken each time: by the rules of the engine, from all edges of its source. */
static inline bool flow_is_sure(const struct cit_flow_graph *g, uint32_t edge)
{
    const struct cit_flow_edge *e = cit_flow_edge_at(g, edge);

    if (e->expr != 0 || e->type == CIT_FLOW_EDGE_OTHER)
        return false;
    for (uint32_t i = 0; e->type == CIT_FLOW_EDGE_NORMAL && i < cit_flow_edge_count(g); i++) {
        const struct cit_flow_edge *other = cit_flow_edge_at(g, i);

        if (other->source != e->source)
            continue;
        if (other->type == CIT_FLOW_EDGE_SPECIAL ||
            (i < edge && other->type == CIT_FLOW_EDGE_NORMAL && !flow_never(g, other->expr)))
            return false;
    }
    return true;
}

enum flow_which { FLOW_ALL, FLOW_UNSTOPPED, FLOW_SURE };

static inline struct flow_ways flow_closure(const struct cit_flow_graph *g, enum flow_which which, bool is_strict)
{
    struct flow_ways w = { .g = g, .is_strict = is_strict };

    for (uint32_t i = 0; i < cit_flow_edge_count(g); i++) {
        const struct cit_flow_edge *e = cit_flow_edge_at(g, i);
        uint32_t from = cit_flow_slot_of(g, e->source)->node, to = e->target_node;

        if (from == CIT_FLOW_NONE || to == CIT_FLOW_NONE || e->type == CIT_FLOW_EDGE_OTHER)
            continue;
        if (which != FLOW_ALL && (!flow_passes_on(&w, from) || !flow_passes_on(&w, to) || flow_never(g, e->expr)))
            continue;
        if (which != FLOW_SURE || flow_is_sure(g, i))
            w.to[from] |= (uint64_t)1 << to;
    }
    for (uint32_t via = 0; via < cit_flow_node_count(g); via++) {
        for (uint32_t i = 0; i < cit_flow_node_count(g); i++) {
            if (w.to[i] >> via & 1)
                w.to[i] |= w.to[via];
        }
    }
    return w;
}

/* Nodes on a circle with this one; 0: it is on none. */
static inline uint64_t flow_circle(const struct flow_ways *w, uint32_t node)
{
    uint64_t with = 0;

    if (node >= FLOW_PROPS_NODES || !(w->to[node] >> node & 1))
        return 0;
    for (uint32_t i = 0; i < cit_flow_node_count(w->g); i++) {
        if (w->to[node] >> i & w->to[i] >> node & 1)
            with |= (uint64_t)1 << i;
    }
    return with;
}

/* ---- what must hold ---- */

/* The nodes about which something was found. */
static inline uint64_t flow_found(const struct cit_flow_findings *f, const char *code, int severity)
{
    uint64_t nodes = 0;

    for (uint32_t i = 0; i < f->count; i++) {
        if (f->at[i].node != CIT_FLOW_NONE && f->at[i].severity == severity && strcmp(f->at[i].code, code) == 0)
            nodes |= (uint64_t)1 << f->at[i].node;
    }
    return nodes;
}

static inline const char *flow_ways_hold(const struct cit_flow_graph *g, const struct cit_flow_findings *f)
{
    const struct cit_flow_slot *start = cit_flow_slot_of(g, 0);
    uint64_t unreachable = flow_found(f, "unreachable", CIT_FLOW_WARNING);
    struct flow_ways w = flow_closure(g, FLOW_ALL, false);

    if (start == NULL || start->node == CIT_FLOW_NONE)
        return unreachable == 0 ? NULL : "something is unreachable though there is no start";
    for (uint32_t i = 0; i < cit_flow_node_count(g); i++) {
        bool is_reached = i == start->node || w.to[start->node] >> i & 1;

        if (!!(unreachable >> i & 1) != (!is_reached && flow_is_found(g, i)))
            return "reachable and unreachable are mixed up";
    }
    return NULL;
}

static inline const char *flow_loops_hold(const struct cit_flow_graph *g, const struct cit_flow_findings *f,
                                          bool is_strict)
{
    uint64_t sure = flow_found(f, "loop-without-page", CIT_FLOW_ERROR);
    uint64_t open = flow_found(f, "loop-without-page", CIT_FLOW_WARNING), named = 0;
    struct flow_ways all = flow_closure(g, FLOW_UNSTOPPED, is_strict),
                     only_sure = flow_closure(g, FLOW_SURE, is_strict);

    for (uint32_t i = 0; i < cit_flow_node_count(g); i++) {
        uint64_t circle = flow_circle(&only_sure, i);

        named |= circle;
        if (__builtin_popcountll(circle & sure) != (circle != 0) || ((sure >> i & 1) && circle == 0))
            return "a loop without end is found twice, or not, or where there is none";
    }
    for (uint32_t i = 0; i < cit_flow_node_count(g); i++) {
        uint64_t circle = flow_circle(&all, i);

        if (__builtin_popcountll(circle & open) != (circle != 0 && (circle & named) == 0))
            return "a loop is found twice, or not, or where there is none";
        if ((open >> i & 1) && circle == 0)
            return "a loop is found where there is none";
    }
    return NULL;
}

static inline bool flow_is_clean(struct cit_slice text)
{
    while (text.n > 0) {
        struct cit_slice before = text;
        char again[4];

        if (text.p[0] == '\n') {
            text = cit_slice(text.p + 1, text.n - 1);
            continue;
        }
        size_t n = cit__text_put(cit__text_next(&text), again);

        if (n != before.n - text.n || memcmp(before.p, again, n) != 0)
            return false;
    }
    return true;
}

static inline const char *flow_findings_hold(const struct cit_flow_graph *g, const struct cit_flow_findings *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        const struct cit_flow_finding *one = &f->at[i];

        if (one->severity > CIT_FLOW_HINT || (i > 0 && f->at[i - 1].severity > one->severity))
            return "findings are out of order";
        if ((one->node != CIT_FLOW_NONE && one->node >= cit_flow_node_count(g)) ||
            (one->edge != CIT_FLOW_NONE && one->edge >= cit_flow_edge_count(g)))
            return "a finding is about nothing";
        if (one->what[0] == '\0' || !flow_is_clean(cit_slice_str(one->what)) ||
            !flow_is_clean(cit_slice_str(one->hint)))
            return "a text of a finding is empty, or not clean";
        if ((one->line == 0) != (one->column == 0))
            return "a line without column";
    }
    return NULL;
}

/* Outside quotes stands only what the drawing itself writes. */
static inline const char *flow_drawing_holds(struct cit_slice text)
{
    bool in_quotes = false;

    if (!flow_is_clean(text))
        return "the drawing is not clean";
    for (size_t i = 0; i < text.n; i++) {
        char b = text.p[i];

        if (in_quotes && b == '\\')
            i++;
        else if (b == '"')
            in_quotes = !in_quotes;
        else if (in_quotes && b == '\n')
            return "a quoted text goes over the end of its line";
        else if (!in_quotes && strchr("abcdefghijklmnopqrstuvwxyzA0123456789 \n[]{}=->,;.", b) == NULL && b != 'C' &&
                 b != 'T' && b != 'B' && b != 'U' && b != 'F')
            return "something stands outside the quotes";
    }
    return in_quotes ? "a quote is not closed" : NULL;
}

static inline bool flow_declares(void *ctx, struct cit_slice name)
{
    (void)ctx;
    return name.n == 1 && name.p[0] == 'b';
}

static inline const char *flow_draws(const struct cit_flow_graph *g, const struct cit_flow_findings *f)
{
    const char *wrong;
    struct cit_buf out;

    cit_buf_init(&out, (size_t)1 << 26);
    wrong =
        cit_flow_dot(g, f, NULL, &out) == CIT_OK ? flow_drawing_holds(cit_slice(out.p, out.len)) : "nothing is drawn";
    cit_buf_fini(&out);
    return wrong;
}

/* NULL, or what does not hold. */
static inline const char *flow_check_holds(const uint8_t *data, size_t n)
{
    struct flow_bytes b = { data, data + n, false };
    uint8_t kind = flow_byte(&b);
    struct cit_flow_check_options opt = { .dialect = (enum cit_expr_dialect)(kind % 3), .is_declared = flow_declares };
    struct cit_flow_graph *g = flow_of_bytes(&b);
    struct cit_flow_findings f = { 0 };
    const char *wrong = NULL;

    if (g == NULL)
        return "no graph came of it";
    opt.has_declared = (kind & 64) != 0;
    opt.self = kind & 128 ? CIT_SLICE_LIT("7") : cit_slice("", 0);
    if (cit_flow_check(g, &opt, &f) != CIT_OK)
        wrong = "the check gave up";
    wrong = wrong != NULL ? wrong : flow_findings_hold(g, &f);
    wrong = wrong != NULL ? wrong : flow_ways_hold(g, &f);
    wrong = wrong != NULL || b.has_raw ? wrong : flow_loops_hold(g, &f, opt.dialect == CIT_EXPR_STRICT);
    wrong = wrong != NULL ? wrong : flow_draws(g, &f);
    cit_flow_findings_fini(&f);
    cit_flow_graph_free(g);
    return wrong;
}

#endif
