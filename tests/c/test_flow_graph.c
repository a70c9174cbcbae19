/* tests/c/test_flow_graph.c - graphs: ids, runs of edges, texts, failed allocations. */
#include "flow/graph.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct cit_flow_node node(int64_t id, enum cit_flow_type type)
{
    return (struct cit_flow_node){ .id = id, .type = (uint8_t)type };
}

static struct cit_flow_edge edge(int64_t source, int64_t target, enum cit_flow_edge_type type)
{
    return (struct cit_flow_edge){ .source = source, .target = target, .type = (uint8_t)type };
}

static void add_node(struct cit_flow_builder *b, struct cit_flow_node n)
{
    assert_int_equal(cit_flow_builder_node(b, &n), CIT_OK);
}

static void add_edge(struct cit_flow_builder *b, struct cit_flow_edge e)
{
    assert_int_equal(cit_flow_builder_edge(b, &e), CIT_OK);
}

static struct cit_flow_graph *finish(struct cit_flow_builder *b)
{
    struct cit_flow_graph *g = NULL;

    assert_int_equal(cit_flow_builder_finish(b, &g), CIT_OK);
    cit_flow_builder_free(b);
    return g;
}

static void types_have_texts_and_texts_types(void **state)
{
    (void)state;
    for (int i = CIT_FLOW_START; i < CIT_FLOW_TYPE_COUNT; i++) {
        const char *text = cit_flow_type_text((enum cit_flow_type)i);

        assert_int_equal(cit_flow_type_of(cit_slice_str(text)), i);
    }
    assert_int_equal(cit_flow_type_of(CIT_SLICE_LIT("background_session")), CIT_FLOW_BACKGROUND);
    assert_int_equal(cit_flow_type_of(CIT_SLICE_LIT("Page")), CIT_FLOW_OTHER);
    assert_int_equal(cit_flow_type_of(CIT_SLICE_LIT("page ")), CIT_FLOW_OTHER);
    assert_int_equal(cit_flow_type_of(CIT_SLICE_LIT("")), CIT_FLOW_OTHER);
    assert_string_equal(cit_flow_type_text(CIT_FLOW_OTHER), "");
}

static void edges_are_sorted_by_source_and_type_in_list_order(void **state)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    const struct cit_flow_slot *s;
    struct cit_flow_graph *g;

    (void)state;
    add_node(b, node(0, CIT_FLOW_START));
    add_node(b, node(7, CIT_FLOW_PAGE));
    add_edge(b, edge(0, 7, CIT_FLOW_EDGE_NORMAL));  /* 0 */
    add_edge(b, edge(7, 0, CIT_FLOW_EDGE_SPECIAL)); /* 1 */
    add_edge(b, edge(0, 0, CIT_FLOW_EDGE_SPECIAL)); /* 2 */
    add_edge(b, edge(0, 7, CIT_FLOW_EDGE_OTHER));   /* 3 */
    add_edge(b, edge(0, 9, CIT_FLOW_EDGE_NORMAL));  /* 4 */
    add_edge(b, edge(0, 7, CIT_FLOW_EDGE_SPECIAL)); /* 5 */
    g = finish(b);
    assert_int_equal(cit_flow_node_count(g), 2);
    assert_int_equal(cit_flow_edge_count(g), 6);
    s = cit_flow_slot_of(g, 0);
    assert_int_equal(s->node, 0);
    assert_int_equal(s->out_count, 5);
    assert_int_equal(s->special_count, 2);
    assert_int_equal(cit_flow_out(g, s->special), 2);
    assert_int_equal(cit_flow_out(g, s->special + 1), 5);
    assert_int_equal(s->normal_count, 2);
    assert_int_equal(cit_flow_out(g, s->normal), 0);
    assert_int_equal(cit_flow_out(g, s->normal + 1), 4);
    assert_int_equal(cit_flow_edge_at(g, 0)->target_node, 1);
    assert_int_equal(cit_flow_edge_at(g, 1)->target_node, 0);
    assert_int_equal(cit_flow_edge_at(g, 4)->target_node, CIT_FLOW_NONE);
    assert_int_equal(cit_flow_node_at(g, 1)->type, CIT_FLOW_PAGE);
    cit_flow_graph_free(g);
}

static void special_edges_do_not_save_a_node_from_being_a_dead_end(void **state)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    struct cit_flow_graph *g;

    (void)state;
    add_node(b, node(1, CIT_FLOW_PAGE));
    add_edge(b, edge(1, 1, CIT_FLOW_EDGE_SPECIAL));
    add_edge(b, edge(1, 1, CIT_FLOW_EDGE_OTHER));
    add_edge(b, edge(2, 1, CIT_FLOW_EDGE_NORMAL));
    g = finish(b);
    assert_true(cit_flow_is_dead_end(g, 1));
    assert_false(cit_flow_is_dead_end(g, 2));
    assert_true(cit_flow_is_dead_end(g, 3));
    assert_int_equal(cit_flow_slot_of(g, 2)->node, CIT_FLOW_NONE);
    assert_null(cit_flow_slot_of(g, 3));
    cit_flow_graph_free(g);
}

static void of_two_nodes_with_one_id_the_last_is_found(void **state)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    struct cit_flow_graph *g;

    (void)state;
    add_node(b, node(4, CIT_FLOW_PAGE));
    add_node(b, node(4, CIT_FLOW_WAIT));
    add_edge(b, edge(4, 4, CIT_FLOW_EDGE_NORMAL));
    g = finish(b);
    assert_int_equal(cit_flow_slot_of(g, 4)->node, 1);
    assert_int_equal(cit_flow_edge_at(g, 0)->target_node, 1);
    cit_flow_graph_free(g);
}

static void an_empty_graph_finds_nothing(void **state)
{
    struct cit_flow_graph *g = finish(cit_flow_builder_new());

    (void)state;
    assert_int_equal(cit_flow_node_count(g) + cit_flow_edge_count(g) + cit_flow_expr_count(g), 0);
    assert_null(cit_flow_slot_of(g, 0));
    assert_true(cit_flow_is_dead_end(g, INT64_MIN));
    assert_true(cit_flow_graph_bytes(g) < 256);
    cit_flow_graph_free(g);
}

/* Every id from a set is found with its own slot, others are not. */
static void check_ids(const int64_t *ids, uint32_t count)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    struct cit_flow_graph *g;

    for (uint32_t i = 0; i < count; i++) {
        add_node(b, node(ids[i], CIT_FLOW_EXPRESSION));
        add_edge(b, edge(ids[i], ids[(i + 1) % count], CIT_FLOW_EDGE_NORMAL));
    }
    g = finish(b);
    for (uint32_t i = 0; i < count; i++) {
        const struct cit_flow_slot *s = cit_flow_slot_of(g, ids[i]);

        assert_non_null(s);
        assert_int_equal(s->node, i);
        assert_true(s->id == ids[i]);
        assert_int_equal(cit_flow_out(g, s->normal), i);
        assert_int_equal(cit_flow_edge_at(g, i)->target_node, (i + 1) % count);
    }
    assert_null(cit_flow_slot_of(g, 77777));
    assert_null(cit_flow_slot_of(g, -77777));
    cit_flow_graph_free(g);
}

static void ids_may_lie_anywhere(void **state)
{
    const int64_t extremes[] = { INT64_MAX, 0, INT64_MIN, -1, 1, INT64_MAX - 1, INT64_MIN + 1 };
    const int64_t one[] = { INT64_MIN };
    const int64_t backwards[] = { 12, 11, 3, 2, 1, 0, -5 };
    int64_t scattered[1000];

    (void)state;
    for (int i = 0; i < 1000; i++)
        scattered[i] = (int64_t)((uint64_t)(i + 1) * 0x9E3779B97F4A7C15u);
    check_ids(extremes, 7);
    check_ids(one, 1);
    check_ids(backwards, 7);
    check_ids(scattered, 1000);
}

static void texts_are_copied_and_kept(void **state)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    char title[] = "The first", variable[] = "x";
    struct cit_flow_node n = node(0, CIT_FLOW_PAGE);
    struct cit_flow_graph *g;

    (void)state;
    n.title = cit_slice_str(title);
    n.variable = cit_slice_str(variable);
    add_node(b, n);
    memset(title, '#', sizeof title - 1);
    variable[0] = '#';
    for (int i = 0; i < 100; i++) {
        char ref[8];

        n = node(i + 1, CIT_FLOW_PAGE);
        n.ref = cit_slice(ref, (size_t)snprintf(ref, sizeof ref, "%d", i));
        add_node(b, n);
    }
    g = finish(b);
    assert_true(cit_slice_eq(cit_flow_node_at(g, 0)->title, cit_slice_str("The first")));
    assert_true(cit_slice_eq(cit_flow_node_at(g, 0)->variable, cit_slice_str("x")));
    assert_int_equal(cit_flow_node_at(g, 0)->ref.n, 0);
    assert_true(cit_slice_eq(cit_flow_node_at(g, 43)->ref, cit_slice_str("42")));
    cit_flow_graph_free(g);
}

static void each_text_of_an_expression_has_one_number(void **state)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    struct cit_flow_graph *g;
    uint32_t number = 99;

    (void)state;
    assert_int_equal(cit_flow_builder_expr(b, CIT_SLICE_LIT(""), &number), CIT_OK);
    assert_int_equal(number, 0);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 1; i <= 500; i++) {
            char text[32];
            size_t n = (size_t)snprintf(text, sizeof text, "$x == %u", i);

            assert_int_equal(cit_flow_builder_expr(b, cit_slice(text, n), &number), CIT_OK);
            assert_int_equal(number, i);
        }
    }
    g = finish(b);
    assert_int_equal(cit_flow_expr_count(g), 500);
    assert_true(cit_slice_eq(cit_flow_expr_text(g, 500), cit_slice_str("$x == 500")));
    assert_int_equal(cit_flow_expr_text(g, 0).n, 0);
    cit_flow_graph_free(g);
}

/* Texts with one hash: those past the probes get numbers of their own, quickly, and every
 * number still has its text. */
static void texts_written_to_collide_cost_memory_but_no_time(void **state)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    struct cit_flow_graph *g;
    uint32_t number, last = 0;
    char text[16];

    (void)state;
    assert_int_equal(cit_flow_builder_expr(b, CIT_SLICE_LIT("first"), &number), CIT_OK);
    for (uint32_t i = 0; i < b->expr_table_cap; i++)
        b->expr_table[i] = number;
    for (int i = 0; i < 5; i++) { /* every probe meets another text */
        size_t n = (size_t)snprintf(text, sizeof text, "text %d", i);

        assert_int_equal(cit_flow_builder_expr(b, cit_slice(text, n), &number), CIT_OK);
        assert_true(number > last);
        last = number;
    }
    g = finish(b);
    assert_int_equal(cit_flow_expr_count(g), 6);
    assert_true(cit_slice_eq(cit_flow_expr_text(g, last), cit_slice_str("text 4")));
    cit_flow_graph_free(g);
}

static void the_limits_are_hard(void **state)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    struct cit_flow_node n = node(0, CIT_FLOW_PAGE);
    struct cit_flow_edge e = edge(0, 0, CIT_FLOW_EDGE_NORMAL);
    uint32_t number;

    (void)state;
    b->node_count = CIT_FLOW_NODES_MAX;
    assert_int_equal(cit_flow_builder_node(b, &n), CIT_ELIMIT);
    b->node_count = 0;
    b->edge_count = CIT_FLOW_EDGES_MAX;
    assert_int_equal(cit_flow_builder_edge(b, &e), CIT_ELIMIT);
    b->edge_count = 0;
    b->texts.max = 3;
    n.title = cit_slice_str("long");
    assert_int_equal(cit_flow_builder_node(b, &n), CIT_ELIMIT);
    assert_int_equal(cit_flow_builder_expr(b, CIT_SLICE_LIT("long"), &number), CIT_ELIMIT);
    assert_int_equal(b->node_count + b->expr_count, 0);
    cit_flow_builder_free(b);
}

static void a_hundred_nodes_take_less_than_twenty_kilobytes(void **state)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    struct cit_flow_graph *g;

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct cit_flow_node n = node(i, CIT_FLOW_PAGE);
        struct cit_flow_edge e = edge(i, i + 1, CIT_FLOW_EDGE_NORMAL);

        n.title = cit_slice_str("A title of usual length");
        n.ref = cit_slice_str("1234");
        assert_int_equal(cit_flow_builder_expr(b, CIT_SLICE_LIT("$answer == 4"), &e.expr), CIT_OK);
        add_node(b, n);
        add_edge(b, e);
    }
    g = finish(b);
    assert_true(cit_flow_graph_bytes(g) < 20 * 1000);
    cit_flow_graph_free(g);
}

/* A graph with everything in it, built until the first failure. */
static int build(const int64_t *ids, struct cit_flow_graph **out)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    int err = b != NULL ? CIT_OK : CIT_ENOMEM;

    for (int i = 0; err == CIT_OK && i < 40; i++) {
        struct cit_flow_node n = node(ids[i], CIT_FLOW_EXPRESSION);
        struct cit_flow_edge e = edge(ids[i], ids[39 - i], CIT_FLOW_EDGE_SPECIAL);
        char text[300];

        memset(text, 'a' + i % 20, sizeof text);
        err = cit_flow_builder_expr(b, cit_slice(text, sizeof text), &n.expr);
        n.title = n.ref = n.variable = cit_slice(text, 20);
        if (err == CIT_OK)
            err = cit_flow_builder_node(b, &n);
        if (err == CIT_OK)
            err = cit_flow_builder_edge(b, &e);
    }
    if (err == CIT_OK)
        err = cit_flow_builder_finish(b, out);
    cit_flow_builder_free(b);
    return err;
}

/* Fails every allocation in turn; returns how many building takes. */
static unsigned long fail_each(const int64_t *ids)
{
    struct cit_flow_graph *g = NULL;

    for (unsigned long at = 1;; at++) {
        int err;

        g = NULL;
        cit_mem_fail_at(at);
        err = build(ids, &g);
        if (cit_mem_fail_at(0) < at) {
            assert_int_equal(err, CIT_OK);
            cit_flow_graph_free(g);
            return at - 1;
        }
        if (g == NULL)
            assert_int_equal(err, CIT_ENOMEM);
        else
            assert_int_equal(err, CIT_OK); /* only what makes a block smaller may fail */
        if (g != NULL)
            assert_int_equal(cit_flow_slot_of(g, ids[7])->node, 7);
        cit_flow_graph_free(g);
    }
}

static void without_memory_nothing_is_lost(void **state)
{
    int64_t dense[40], scattered[40];

    (void)state;
    for (int i = 0; i < 40; i++) {
        dense[i] = i;
        scattered[i] = (int64_t)i * 1000000007;
    }
    assert_true(fail_each(dense) > 10);
    assert_true(fail_each(scattered) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_texts_and_texts_types),
        cmocka_unit_test(edges_are_sorted_by_source_and_type_in_list_order),
        cmocka_unit_test(special_edges_do_not_save_a_node_from_being_a_dead_end),
        cmocka_unit_test(of_two_nodes_with_one_id_the_last_is_found),
        cmocka_unit_test(an_empty_graph_finds_nothing),
        cmocka_unit_test(ids_may_lie_anywhere),
        cmocka_unit_test(texts_are_copied_and_kept),
        cmocka_unit_test(each_text_of_an_expression_has_one_number),
        cmocka_unit_test(texts_written_to_collide_cost_memory_but_no_time),
        cmocka_unit_test(the_limits_are_hard),
        cmocka_unit_test(a_hundred_nodes_take_less_than_twenty_kilobytes),
        cmocka_unit_test(without_memory_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
