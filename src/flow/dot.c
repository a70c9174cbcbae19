/* flow/dot.c - a graph in the language of Graphviz.
 *
 *      n0 [label="Start\nstart 0", ...];          nodes by their index
 *      "missing 7" [...];                         where edges lead that lead nowhere
 *      n0 -> n1 [label="$age > 17", ...];         special edges are dashed
 *
 * All texts come from users.  They are quoted, never HTML-like; backslashes are doubled, so that none
 * of Graphviz's escapes is read in them, and so is `&`, which would begin a character reference.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "flow/check.h"
#include "flow/text_int.h"

enum { SHOWN_MAX = 60 /* characters of a title or condition */, TIP_MAX = 2000 /* of a tooltip */ };

/* type, shape, style, colour */
#define LOOKS(X)                                       \
    X(OTHER, "box", "filled,dashed", "#eeeeee")        \
    X(START, "ellipse", "filled", "#c8e6c9")           \
    X(PAGE, "box", "filled,rounded", "#bbdefb")        \
    X(WAIT, "octagon", "filled", "#fff9c4")            \
    X(SESSION, "box3d", "filled", "#d1c4e9")           \
    X(BACKGROUND, "box3d", "filled,dashed", "#ede7f6") \
    X(EXPRESSION, "hexagon", "filled", "#f5f5f5")      \
    X(EMAIL, "note", "filled", "#ffe0b2")              \
    X(SMS, "note", "filled", "#ffccbc")                \
    X(REGISTER, "house", "filled", "#b2dfdb")          \
    X(ENROLL, "house", "filled", "#b2dfdb")            \
    X(LEAVE, "invhouse", "filled", "#b2dfdb")          \
    X(DELAY, "octagon", "filled", "#fff59d")           \
    X(TOOL, "tab", "filled", "#dcedc8")                \
    X(NOTIFICATION, "note", "filled", "#f8bbd0")       \
    X(CODE, "component", "filled", "#cfd8dc")          \
    X(END, "doubleoctagon", "filled", "#e0e0e0")

static const struct {
    const char *shape, *style, *fill;
} looks[CIT_FLOW_TYPE_COUNT] = {
#define LOOK_ROW(type, shape, style, fill) [CIT_FLOW_##type] = { shape, style, fill },
    LOOKS(LOOK_ROW)
#undef LOOK_ROW
};

static const char *const severity_colours[] = {
    [CIT_FLOW_ERROR] = "#c62828",
    [CIT_FLOW_WARNING] = "#ef6c00",
    [CIT_FLOW_HINT] = "#1565c0",
};

struct drawing {
    const struct cit_flow_graph *g;
    const struct cit_flow_findings *f; /* NULL: none */
    const struct cit_flow_words *words;
    struct cit_buf *out;
    int err;
    /* by node, then by edge: the first finding about it + 1; by finding: the next one + 1.  0: none */
    uint32_t *first, *next;
};

/* ---- writing ---- */

static void put(struct drawing *d, struct cit_slice text)
{
    if (d->err == CIT_OK)
        d->err = cit_buf_add_slice(d->out, text);
}

static void put_str(struct drawing *d, const char *text)
{
    put(d, cit_slice_str(text));
}

/* At most `most` characters of what a user wrote, for the inside of a quoted string. */
static void put_text(struct drawing *d, struct cit_slice text, size_t most)
{
    char piece[4];

    for (; text.n > 0 && most > 0 && d->err == CIT_OK; most--) {
        uint32_t ch = cit__text_next(&text);

        if (ch == '&')
            put_str(d, "&amp;");
        else if (ch == '"' || ch == '\\')
            put_str(d, ch == '"' ? "\\\"" : "\\\\");
        else
            put(d, cit_slice(piece, cit__text_put(ch, piece)));
    }
    if (text.n > 0)
        put_str(d, "...");
}

static void put_id(struct drawing *d, int64_t id)
{
    struct cit_slice text = { 0 };

    if (d->words != NULL && d->words->id != NULL)
        text = d->words->id(d->words->ctx, id);
    if (text.p != NULL)
        put_text(d, text, SHOWN_MAX);
    else if (d->err == CIT_OK)
        d->err = cit_buf_printf(d->out, "%" PRId64, id);
}

static void put_node_name(struct drawing *d, uint32_t node, int64_t id)
{
    if (d->err != CIT_OK)
        return;
    if (node != CIT_FLOW_NONE)
        d->err = cit_buf_printf(d->out, "n%" PRIu32, node);
    else
        d->err = cit_buf_printf(d->out, "\"missing %" PRId64 "\"", id);
}

/* ---- findings ---- */

static uint32_t place_of(const struct drawing *d, const struct cit_flow_finding *one)
{
    if (one->edge != CIT_FLOW_NONE)
        return cit_flow_node_count(d->g) + one->edge;
    return one->node;
}

/* Chains the findings about one thing, in their order. */
static int chain(struct drawing *d)
{
    size_t places = (size_t)cit_flow_node_count(d->g) + cit_flow_edge_count(d->g);

    if (d->f == NULL || d->f->count == 0)
        return CIT_OK;
    d->first = cit_calloc(places, sizeof *d->first);
    d->next = cit_calloc(d->f->count, sizeof *d->next);
    if (d->first == NULL || d->next == NULL)
        return CIT_ENOMEM;
    for (uint32_t i = d->f->count; i-- > 0;) {
        uint32_t place = place_of(d, &d->f->at[i]);

        if (place >= places)
            continue;
        d->next[i] = d->first[place];
        d->first[place] = i + 1;
    }
    return CIT_OK;
}

/* The worst of the findings gives the colour, all of them the tooltip. */
static void put_findings(struct drawing *d, uint32_t place)
{
    uint8_t worst = CIT_FLOW_HINT;
    size_t begin;

    for (uint32_t i = d->first[place]; i > 0; i = d->next[i - 1])
        worst = d->f->at[i - 1].severity < worst ? d->f->at[i - 1].severity : worst;
    put_str(d, ", color=\"");
    put_str(d, severity_colours[worst]);
    put_str(d, "\", penwidth=2.5, tooltip=\"");
    begin = d->out->len;
    for (uint32_t i = d->first[place]; i > 0 && d->out->len - begin < TIP_MAX; i = d->next[i - 1]) {
        put_str(d, d->out->len > begin ? "\\n" : "");
        put_text(d, cit_slice_str(d->f->at[i - 1].what), TIP_MAX);
        put_str(d, " ");
        put_text(d, cit_slice_str(d->f->at[i - 1].hint), TIP_MAX);
    }
    put_str(d, "\"");
}

static bool has_findings(const struct drawing *d, uint32_t place)
{
    return d->first != NULL && d->first[place] > 0;
}

/* ---- nodes ---- */

static void put_type(struct drawing *d, uint32_t node)
{
    const struct cit_flow_node *n = cit_flow_node_at(d->g, node);
    struct cit_slice text = { 0 };

    if (n->type != CIT_FLOW_OTHER)
        text = cit_slice_str(cit_flow_type_text((enum cit_flow_type)n->type));
    else if (d->words != NULL && d->words->type != NULL)
        text = d->words->type(d->words->ctx, node);
    if (text.n == 0)
        text = CIT_SLICE_LIT("?");
    put_text(d, text, SHOWN_MAX);
}

/* Title, type and id, and for an expression what it sets. */
static void put_node_label(struct drawing *d, uint32_t node)
{
    const struct cit_flow_node *n = cit_flow_node_at(d->g, node);

    if (n->title.n > 0) {
        put_text(d, n->title, SHOWN_MAX);
        put_str(d, "\\n");
    }
    put_type(d, node);
    put_str(d, " ");
    put_id(d, n->id);
    if (n->type != CIT_FLOW_EXPRESSION || (n->variable.n == 0 && n->expr == 0))
        return;
    put_str(d, "\\n");
    put_text(d, n->variable, SHOWN_MAX);
    put_str(d, " = ");
    put_text(d, cit_flow_expr_text(d->g, n->expr), SHOWN_MAX);
}

static void put_node(struct drawing *d, uint32_t node)
{
    uint8_t type = cit_flow_node_at(d->g, node)->type;

    put_str(d, "  ");
    put_node_name(d, node, 0);
    put_str(d, " [label=\"");
    put_node_label(d, node);
    if (d->err == CIT_OK)
        d->err = cit_buf_printf(d->out, "\", shape=%s, style=\"%s\", fillcolor=\"%s\"", looks[type].shape,
                                looks[type].style, looks[type].fill);
    if (has_findings(d, node))
        put_findings(d, node);
    put_str(d, "];\n");
}

/* ---- edges ---- */

static void put_missing(struct drawing *d, int64_t id)
{
    put_str(d, "  ");
    put_node_name(d, CIT_FLOW_NONE, id);
    put_str(d, " [label=\"");
    put_id(d, id);
    put_str(d, "\\nis missing\", shape=box, style=dashed, color=\"#c62828\", fontcolor=\"#c62828\"];\n");
}

static void put_edge_style(struct drawing *d, const struct cit_flow_edge *e)
{
    if (e->type == CIT_FLOW_EDGE_SPECIAL)
        put_str(d, ", style=dashed");
    else if (e->type == CIT_FLOW_EDGE_OTHER)
        put_str(d, ", style=dotted, fontcolor=\"#9e9e9e\"");
}

static void put_edge(struct drawing *d, uint32_t edge)
{
    const struct cit_flow_edge *e = cit_flow_edge_at(d->g, edge);
    uint32_t source = cit_flow_slot_of(d->g, e->source)->node, place = cit_flow_node_count(d->g) + edge;

    if (source == CIT_FLOW_NONE)
        put_missing(d, e->source);
    if (e->target_node == CIT_FLOW_NONE)
        put_missing(d, e->target);
    put_str(d, "  ");
    put_node_name(d, source, e->source);
    put_str(d, " -> ");
    put_node_name(d, e->target_node, e->target);
    put_str(d, " [label=\"");
    put_text(d, cit_flow_expr_text(d->g, e->expr), SHOWN_MAX);
    put_str(d, "\"");
    put_edge_style(d, e);
    if (has_findings(d, place))
        put_findings(d, place);
    put_str(d, "];\n");
}

/* ---- all of it ---- */

int cit_flow_dot(const struct cit_flow_graph *g, const struct cit_flow_findings *f, const struct cit_flow_words *words,
                 struct cit_buf *out)
{
    struct drawing d = { .g = g, .f = f, .words = words, .out = out };

    d.err = chain(&d);
    put_str(&d, "digraph flow {\n"
                "  graph [charset=\"UTF-8\", rankdir=TB];\n"
                "  node [fontname=\"Helvetica,Arial,sans-serif\", fontsize=11, color=\"#616161\"];\n"
                "  edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=9, color=\"#616161\"];\n");
    for (uint32_t i = 0; i < cit_flow_node_count(g) && d.err == CIT_OK; i++)
        put_node(&d, i);
    for (uint32_t i = 0; i < cit_flow_edge_count(g) && d.err == CIT_OK; i++)
        put_edge(&d, i);
    put_str(&d, "}\n");
    cit_free(d.first);
    cit_free(d.next);
    return d.err;
}
