/* tests/c/flow_made.h - graphs written down as tables, for the tests of what reads them. */
#ifndef CIT_TESTS_FLOW_MADE_H
#define CIT_TESTS_FLOW_MADE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/graph.h"

/* A row with a NULL type ends the nodes, one with a 0 type the edges. */
struct made_node {
    int64_t id;
    const char *type, *title, *ref, *variable, *expr; /* NULL: empty */
};

struct made_edge {
    int64_t source, target;
    char type; /* 'n', 's', '?' */
    const char *expr;
};

static struct cit_slice made_text(const char *text)
{
    return cit_slice_str(text != NULL ? text : "");
}

static int made_add_node(struct cit_flow_builder *b, const struct made_node *row)
{
    struct cit_flow_node n = { .id = row->id, .type = (uint8_t)cit_flow_type_of(made_text(row->type)) };
    int err = cit_flow_builder_expr(b, made_text(row->expr), &n.expr);

    n.title = made_text(row->title);
    n.ref = made_text(row->ref);
    n.variable = made_text(row->variable);
    return err != CIT_OK ? err : cit_flow_builder_node(b, &n);
}

static int made_add_edge(struct cit_flow_builder *b, const struct made_edge *row, int64_t id)
{
    struct cit_flow_edge e = { .id = id, .source = row->source, .target = row->target };
    int err = cit_flow_builder_expr(b, made_text(row->expr), &e.expr);

    e.type = row->type == 'n' ? CIT_FLOW_EDGE_NORMAL : row->type == 's' ? CIT_FLOW_EDGE_SPECIAL : CIT_FLOW_EDGE_OTHER;
    return err != CIT_OK ? err : cit_flow_builder_edge(b, &e);
}

static struct cit_flow_graph *made_graph(const struct made_node *nodes, const struct made_edge *edges)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    struct cit_flow_graph *g = NULL;

    assert_non_null(b);
    for (; nodes->type != NULL; nodes++)
        assert_int_equal(made_add_node(b, nodes), CIT_OK);
    for (int64_t i = 0; edges[i].type != 0; i++)
        assert_int_equal(made_add_edge(b, &edges[i], i), CIT_OK);
    assert_int_equal(cit_flow_builder_finish(b, &g), CIT_OK);
    cit_flow_builder_free(b);
    return g;
}

/* start 0 -> email 1 -> email 2 -> ... in a row; the last leads back to 1 if is_cycle. */
static inline struct cit_flow_graph *made_row(uint32_t count, bool is_cycle)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    struct cit_flow_graph *g = NULL;

    assert_non_null(b);
    for (uint32_t i = 0; i < count; i++) {
        struct made_node n = { i, i > 0 ? "email" : "start", NULL, "1", NULL, NULL };
        struct made_edge e = { i, i + 1 < count ? i + 1 : 1, 'n', NULL };

        assert_int_equal(made_add_node(b, &n), CIT_OK);
        if (i + 1 < count || is_cycle)
            assert_int_equal(made_add_edge(b, &e, i), CIT_OK);
    }
    assert_int_equal(cit_flow_builder_finish(b, &g), CIT_OK);
    cit_flow_builder_free(b);
    return g;
}

#endif
