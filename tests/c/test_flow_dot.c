/* tests/c/test_flow_dot.c - graphs in Graphviz's language: shapes, edges, marks, hostile texts. */
#include "flow/dot.c" /* NOLINT: the statics are tested */

#include <string.h>

#include "flow_made.h"

enum { MAX = 64 * 1024 * 1024 };

static const struct made_node pair[] = {
    { 0, "start", "Start", 0, 0, 0 },
    { 1, "page", "Hello", "7", 0, 0 },
    { 0, NULL, 0, 0, 0, 0 },
};

/* The text, NUL-terminated; free with cit_free. */
static char *drawn_with(const struct cit_flow_graph *g, const struct cit_flow_findings *f,
                        const struct cit_flow_words *words)
{
    struct cit_buf out;

    cit_buf_init(&out, MAX);
    assert_int_equal(cit_flow_dot(g, f, words, &out), CIT_OK);
    assert_int_equal(cit_buf_add(&out, "", 1), CIT_OK);
    return out.p;
}

static char *drawn(const struct made_node *nodes, const struct made_edge *edges)
{
    struct cit_flow_graph *g = made_graph(nodes, edges);
    char *text = drawn_with(g, NULL, NULL);

    cit_flow_graph_free(g);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        print_error("%s\n--- is not in ---\n%s\n", part, text);
    assert_non_null(strstr(text, part));
}

static void assert_drawn(const struct made_node *nodes, const struct made_edge *edges, const char *part)
{
    char *text = drawn(nodes, edges);

    assert_has(text, part);
    cit_free(text);
}

static void a_graph_has_a_line_for_each_node_and_edge(void **state)
{
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 0, 0, 0, NULL } };
    char *text = drawn(pair, edges);

    (void)state;
    assert_has(text, "digraph flow {\n");
    assert_has(text, "\n  n0 [label=\"Start\\nstart 0\", shape=ellipse, style=\"filled\", fillcolor=\"#c8e6c9\"];\n");
    assert_has(text,
               "\n  n1 [label=\"Hello\\npage 1\", shape=box, style=\"filled,rounded\", fillcolor=\"#bbdefb\"];\n");
    assert_has(text, "\n  n0 -> n1 [label=\"\"];\n}\n");
    cit_free(text);
}

static void each_type_has_a_shape(void **state)
{
    (void)state;
    for (int i = 0; i < CIT_FLOW_TYPE_COUNT; i++) {
        assert_true(strlen(looks[i].shape) > 0);
        assert_true(strlen(looks[i].style) > 0);
        assert_int_equal(looks[i].fill[0], '#');
    }
}

static void edges_show_their_kind_and_condition(void **state)
{
    const struct made_edge edges[] = { { 0, 1, 's', "$a & $b" }, { 0, 1, '?', NULL }, { 0, 0, 0, NULL } };
    char *text = drawn(pair, edges);

    (void)state;
    assert_has(text, "n0 -> n1 [label=\"$a &amp; $b\", style=dashed];\n");
    assert_has(text, "n0 -> n1 [label=\"\", style=dotted, fontcolor=\"#9e9e9e\"];\n");
    cit_free(text);
}

static void long_conditions_are_cut_at_60_characters(void **state)
{
    const struct made_edge exact[] = { { 0, 1, 'n', "123456789012345678901234567890123456789012345678901234567890" },
                                       { 0, 0, 0, NULL } };
    const struct made_edge more[] = {
        { 0, 1, 'n', "12345678901234567890123456789012345678901234567890123456789\xc3\xb8!" }, { 0, 0, 0, NULL }
    };

    (void)state;
    assert_drawn(pair, exact, "[label=\"123456789012345678901234567890123456789012345678901234567890\"]");
    assert_drawn(pair, more, "[label=\"12345678901234567890123456789012345678901234567890123456789\xc3\xb8...\"]");
}

static void expression_nodes_show_what_they_set(void **state)
{
    const struct made_node nodes[] = { { 0, "expression", 0, 0, "v", "1 + \"x\"" },
                                       { 1, "expression", 0, 0, 0, 0 },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge none[] = { { 0, 0, 0, NULL } };

    (void)state;
    assert_drawn(nodes, none, "[label=\"expression 0\\nv = 1 + \\\"x\\\"\", shape=hexagon");
    assert_drawn(nodes, none, "[label=\"expression 1\", shape=hexagon");
}

static void what_is_missing_is_drawn_too(void **state)
{
    const struct made_edge edges[] = { { 0, 9, 'n', NULL }, { -8, 1, 'n', NULL }, { 0, 0, 0, NULL } };
    char *text = drawn(pair, edges);

    (void)state;
    assert_has(text, "  \"missing 9\" [label=\"9\\nis missing\", shape=box, style=dashed");
    assert_has(text, "n0 -> \"missing 9\" [");
    assert_has(text, "\"missing -8\" -> n1 [");
    cit_free(text);
}

static void texts_of_users_stay_inside_their_quotes(void **state)
{
    static const struct {
        const char *title, *label;
    } rows[] = {
        { "\"]; x [URL=\"javascript:1\"", "\\\"]; x [URL=\\\"javascript:1\\\"" },
        { "back\\", "back\\\\" },
        { "\\N \\n \\\"", "\\\\N \\\\n \\\\\\\"" },
        { "<b>bold</b>", "<b>bold</b>" },
        { "a\nb\rc\td", "a b c d" },
        { "a\xff z", "a\xef\xbf\xbd z" },
        { "&lt;&#60;", "&amp;lt;&amp;#60;" },
        { "\x01\x7f\xc2\x80", "   " },
        { "\xed\xa0\x80", "\xef\xbf\xbd" },
        { "\xef\xbf\xbe", "\xef\xbf\xbd" },
        { "\xf0\x9f\x8c\xb1", "\xf0\x9f\x8c\xb1" },
        { "\xe2\x82", "\xef\xbf\xbd" },
        { "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xf4\x90\x80\x80", "\xef\xbf\xbd" },
    };
    const struct made_edge none[] = { { 0, 0, 0, NULL } };
    char part[200];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct made_node nodes[] = { { 0, "page", rows[i].title, 0, 0, 0 }, { 0, NULL, 0, 0, 0, 0 } };

        (void)snprintf(part, sizeof part, "n0 [label=\"%s\\npage 0\", shape=", rows[i].label);
        assert_drawn(nodes, none, part);
    }
}

static struct cit_slice id_word(void *ctx, int64_t id)
{
    return id == 1 ? cit_slice_str(ctx) : (struct cit_slice){ 0 };
}

static struct cit_slice type_word(void *ctx, uint32_t node)
{
    (void)ctx;
    return node == 0 ? CIT_SLICE_LIT("w\"t") : (struct cit_slice){ 0 };
}

static void ids_and_types_stand_as_their_author_wrote_them(void **state)
{
    const struct made_node nodes[] = { { 1, "?", 0, 0, 0, 0 }, { 2, "?", 0, 0, 0, 0 }, { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = { { 3, 1, 'n', NULL }, { 0, 0, 0, NULL } };
    char word[] = "in\\tro";
    const struct cit_flow_words words = { id_word, type_word, word }, none = { 0 };
    struct cit_flow_graph *g = made_graph(nodes, edges);
    char *text = drawn_with(g, NULL, &words);

    (void)state;
    assert_has(text, "n0 [label=\"w\\\"t in\\\\tro\", shape=box, style=\"filled,dashed\"");
    assert_has(text, "n1 [label=\"? 2\"");
    assert_has(text, "\"missing 3\" [label=\"3\\nis missing\"");
    cit_free(text);
    text = drawn_with(g, NULL, &none);
    assert_has(text, "n0 [label=\"? 1\"");
    cit_free(text);
    cit_flow_graph_free(g);
}

/* ---- findings ---- */

static void findings_give_colour_and_tooltip(void **state)
{
    char first[] = "First \"said\".", second[] = "Second.", todo[] = "Do & see.", empty[] = "";
    struct cit_flow_finding at[] = {
        { CIT_FLOW_HINT, "a", 1, CIT_FLOW_NONE, 0, 0, first, todo },
        { CIT_FLOW_ERROR, "b", 1, CIT_FLOW_NONE, 0, 0, second, todo },
        { CIT_FLOW_WARNING, "c", CIT_FLOW_NONE, 0, 1, 1, second, empty },
        { CIT_FLOW_ERROR, "d", CIT_FLOW_NONE, CIT_FLOW_NONE, 0, 0, first, todo },
    };
    const struct cit_flow_findings f = { at, 4, 4 };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 0, 0, 0, NULL } };
    struct cit_flow_graph *g = made_graph(pair, edges);
    char *text = drawn_with(g, &f, NULL);

    (void)state;
    assert_has(text,
               "fillcolor=\"#bbdefb\", color=\"#c62828\", penwidth=2.5, tooltip=\"First \\\"said\\\". Do &amp; see."
               "\\nSecond. Do &amp; see.\"];\n");
    assert_has(text, "n0 -> n1 [label=\"\", color=\"#ef6c00\", penwidth=2.5, tooltip=\"Second. \"];\n");
    assert_has(text, "fillcolor=\"#c8e6c9\"];\n"); /* no finding about it */
    cit_free(text);
    cit_flow_graph_free(g);
}

static void findings_of_a_check_are_marked(void **state)
{
    const struct made_edge edges[] = { { 0, 1, 'n', "(" }, { 0, 9, 's', "$a" }, { 0, 0, 0, NULL } };
    const struct cit_flow_check_options opt = { .dialect = CIT_EXPR_B };
    struct cit_flow_graph *g = made_graph(pair, edges);
    struct cit_flow_findings f = { 0 };
    char *text;

    (void)state;
    assert_int_equal(cit_flow_check(g, &opt, &f), CIT_OK);
    text = drawn_with(g, &f, NULL);
    assert_has(text, "n0 -> n1 [label=\"(\", color=\"#c62828\"");
    assert_has(text, "n0 -> \"missing 9\" [label=\"$a\", style=dashed, color=\"#c62828\"");
    cit_free(text);
    cit_flow_findings_fini(&f);
    cit_flow_graph_free(g);
}

static void tooltips_have_a_bound(void **state)
{
    char what[1500], hint[] = "";
    struct cit_flow_finding at[50];
    const struct cit_flow_findings f = { at, 50, 50 };
    const struct made_edge none[] = { { 0, 0, 0, NULL } };
    struct cit_flow_graph *g = made_graph(pair, none);
    char *text;

    (void)state;
    memset(what, 'x', sizeof what - 1);
    what[sizeof what - 1] = '\0';
    for (int i = 0; i < 50; i++)
        at[i] = (struct cit_flow_finding){ CIT_FLOW_HINT, "a", 0, CIT_FLOW_NONE, 0, 0, what, hint };
    text = drawn_with(g, &f, NULL);
    assert_in_range(strlen(text), 3000, 4500);
    cit_free(text);
    cit_flow_graph_free(g);
}

/* ---- bounds ---- */

static void an_empty_graph_is_drawn(void **state)
{
    const struct made_edge none[] = { { 0, 0, 0, NULL } };

    (void)state;
    assert_drawn(pair + 2, none, "#616161\"];\n}\n");
}

static void a_hundred_thousand_nodes_are_drawn(void **state)
{
    struct cit_flow_graph *g = made_row(100000, true);
    char *text = drawn_with(g, NULL, NULL);

    (void)state;
    assert_has(text, "n99999 -> n1 [");
    cit_free(text);
    cit_flow_graph_free(g);
}

static void a_buffer_that_is_full_is_an_error(void **state)
{
    const struct made_edge edges[] = { { 0, 9, 's', "\"" }, { 7, 1, '?', NULL }, { 0, 0, 0, NULL } };
    struct cit_flow_graph *g = made_graph(pair, edges);
    char *whole = drawn_with(g, NULL, NULL);
    struct cit_buf out;

    (void)state;
    for (size_t max = 0; max < strlen(whole); max++) {
        cit_buf_init(&out, max);
        assert_int_equal(cit_flow_dot(g, NULL, NULL, &out), CIT_ELIMIT);
        assert_true(out.len <= max);
        assert_true(out.len == 0 || memcmp(out.p, whole, out.len) == 0);
        cit_buf_fini(&out);
    }
    cit_free(whole);
    cit_flow_graph_free(g);
}

static void without_memory_there_is_an_error(void **state)
{
    const struct made_edge edges[] = { { 0, 9, 's', "(" }, { 0, 0, 0, NULL } };
    const struct cit_flow_check_options opt = { .dialect = CIT_EXPR_B };
    struct cit_flow_graph *g = made_graph(pair, edges);
    struct cit_flow_findings f = { 0 };
    unsigned long at = 0, asked;
    struct cit_buf out;
    int err;

    (void)state;
    assert_int_equal(cit_flow_check(g, &opt, &f), CIT_OK);
    do {
        cit_buf_init(&out, MAX);
        cit_mem_fail_at(++at);
        err = cit_flow_dot(g, &f, NULL, &out);
        asked = cit_mem_fail_at(0);
        assert_int_equal(err, asked >= at ? CIT_ENOMEM : CIT_OK);
        cit_buf_fini(&out);
    } while (asked >= at);
    assert_true(at > 4);
    cit_flow_findings_fini(&f);
    cit_flow_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graph_has_a_line_for_each_node_and_edge),
        cmocka_unit_test(each_type_has_a_shape),
        cmocka_unit_test(edges_show_their_kind_and_condition),
        cmocka_unit_test(long_conditions_are_cut_at_60_characters),
        cmocka_unit_test(expression_nodes_show_what_they_set),
        cmocka_unit_test(what_is_missing_is_drawn_too),
        cmocka_unit_test(texts_of_users_stay_inside_their_quotes),
        cmocka_unit_test(ids_and_types_stand_as_their_author_wrote_them),
        cmocka_unit_test(findings_give_colour_and_tooltip),
        cmocka_unit_test(findings_of_a_check_are_marked),
        cmocka_unit_test(tooltips_have_a_bound),
        cmocka_unit_test(an_empty_graph_is_drawn),
        cmocka_unit_test(a_hundred_thousand_nodes_are_drawn),
        cmocka_unit_test(a_buffer_that_is_full_is_an_error),
        cmocka_unit_test(without_memory_there_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
