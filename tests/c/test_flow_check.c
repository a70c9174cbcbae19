/* tests/c/test_flow_check.c - what is wrong with graphs: each finding where it belongs and nowhere
 * else, big graphs, failed allocations. */
#include "flow/check.c" /* NOLINT: the statics are tested */

#include "base/mem.h"
#include "flow_found.h"
#include "flow_props.h"

/* ---- the start, ids, types ---- */

static void a_good_graph_has_no_findings(void **state)
{
    const struct made_node nodes[] = {
        { 0, "start", "Start", NULL, NULL, NULL },      { 1, "page", "Welcome", "1", NULL, NULL },
        { 2, "expression", NULL, NULL, "n", "$n + 1" }, { 3, "email", "Mail", "1", NULL, NULL },
        { 4, "page", "Bye", "2", NULL, NULL },          { 5, "session", "More", "7", NULL, NULL },
        { 6, "delay", NULL, NULL, NULL, NULL },         { 7, "background_session", NULL, "8", NULL, NULL },
        { 8, "tool", NULL, NULL, NULL, NULL },          { 9, "wait", NULL, NULL, NULL, NULL },
        { 10, "therapist_notification", 0, 0, 0, 0 },   { 11, "end", NULL, NULL, NULL, NULL },
        { 12, "register", NULL, NULL, NULL, NULL },     { 13, "enroll", NULL, NULL, NULL, NULL },
        { 14, "leave", NULL, NULL, NULL, NULL },        { 15, "sms", NULL, "1", NULL, NULL },
        { 16, "code", NULL, "1", NULL, NULL },          { 0, NULL, NULL, NULL, NULL, NULL },
    };
    const struct made_edge edges[] = {
        { 0, 1, 'n', NULL },   { 1, 2, 'n', "$age > 17" }, { 1, 3, 'n', NULL },    { 2, 5, 'n', NULL },
        { 3, 6, 'n', NULL },   { 6, 7, 'n', NULL },        { 7, 9, 'n', NULL },    { 9, 12, 'n', NULL },
        { 12, 13, 'n', NULL }, { 13, 14, 'n', NULL },      { 14, 15, 'n', NULL },  { 15, 16, 'n', NULL },
        { 16, 4, 'n', NULL },  { 1, 8, 's', "$tool" },     { 1, 10, 's', "$sad" }, { 4, 11, 's', NULL },
        { 5, 1, 'n', NULL },   { 0, 0, 0, NULL },
    };

    (void)state;
    assert_clean(check(nodes, edges));
}

static void without_a_node_0_there_is_no_start(void **state)
{
    const struct made_node one[] = { { 1, "page", "A", "1", 0, 0 }, { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge none[] = { { 0, 0, 0, NULL } };
    const struct made_edge from_0[] = { { 0, 1, 'n', NULL }, { 0, 0, 0, NULL } };
    struct cit_flow_findings f;

    (void)state;
    assert_only_and_free(check(one, none), CIT_FLOW_ERROR, "no-start", NEVER, NEVER);
    assert_only_and_free(check(one + 1, none), CIT_FLOW_ERROR, "no-start", NEVER, NEVER);
    f = check(one, from_0);
    assert_non_null(find(&f, "no-start"));
    assert_int_equal(find(&f, "missing-source")->edge, 0);
    cit_flow_findings_fini(&f);
}

static void a_start_of_another_type_or_place_is_hinted_at(void **state)
{
    const struct made_node page[] = { { 0, "page", "A", "1", 0, 0 }, { 0, NULL, 0, 0, 0, 0 } };
    const struct made_node two[] = { { 0, "start", 0, 0, 0, 0 }, { 5, "start", 0, 0, 0, 0 }, { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge none[] = { { 0, 0, 0, NULL } };
    const struct made_edge on[] = { { 0, 5, 'n', NULL }, { 0, 0, 0, NULL } };

    (void)state;
    assert_only_and_free(check(page, none), CIT_FLOW_HINT, "start-type", 0, NEVER);
    assert_only_and_free(check(two, on), CIT_FLOW_HINT, "start-elsewhere", 1, NEVER);
}

static void of_two_nodes_with_one_id_the_first_is_reported(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "page", "Old", 0, 0, 0 },
                                       { 1, "page", "New", "1", 0, 0 },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 0, 0, 0, NULL } };
    struct cit_flow_findings f = check(nodes, edges);

    (void)state;
    assert_only(&f, CIT_FLOW_ERROR, "duplicate-id", 1, NEVER);
    assert_true(has(f.at[0].what, "page \"Old\" (1)"));
    assert_true(has(f.at[0].what, "page \"New\" (1)"));
    cit_flow_findings_fini(&f);
}

static struct cit_slice called_widget(void *ctx, uint32_t node)
{
    (void)ctx;
    return node == 1 ? CIT_SLICE_LIT("widget") : (struct cit_slice){ 0 };
}

static struct cit_slice called_by_letter(void *ctx, int64_t id)
{
    return id > 0 && id < 4 ? cit_slice((const char *)ctx + id, 1) : (struct cit_slice){ 0 };
}

static void unknown_types_are_named_as_the_author_wrote_them(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "widget", "A", 0, 0, 0 },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 0, 0, 0, NULL } };
    const struct cit_flow_words words = { called_by_letter, called_widget, (void *)(uintptr_t) "?ABC" };
    const struct cit_flow_check_options opt = { .dialect = CIT_EXPR_B, .words = &words };
    struct cit_flow_findings f = check_with(nodes, edges, &opt);

    (void)state;
    assert_only(&f, CIT_FLOW_ERROR, "unknown-type", 1, NEVER);
    assert_true(has(f.at[0].what, "(widget)"));
    assert_true(has(f.at[0].what, "node \"A\" (A)"));
    cit_flow_findings_fini(&f);
    assert_only_and_free(check(nodes, edges), CIT_FLOW_ERROR, "unknown-type", 1, NEVER);
}

/* ---- edges and ways ---- */

static void edges_that_end_nowhere_are_reported(void **state)
{
    const struct made_node nodes[] = { { 0, "start", "S", 0, 0, 0 },
                                       { 1, "page", 0, "1", 0, 0 },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge to[] = { { 0, 1, 'n', NULL }, { 0, 9, 's', "$a" }, { 0, 0, 0, NULL } };
    const struct made_edge from[] = { { 0, 1, 'n', NULL }, { 8, 1, 'n', NULL }, { 0, 0, 0, NULL } };
    const struct made_edge typeless[] = { { 0, 1, 'n', NULL }, { 0, 1, '?', NULL }, { 0, 0, 0, NULL } };
    const struct made_edge both[] = { { 0, 1, 'n', NULL }, { 8, 9, 'n', NULL }, { 0, 0, 0, NULL } };
    struct cit_flow_findings f;

    (void)state;
    assert_only_and_free(check(nodes, from), CIT_FLOW_WARNING, "missing-source", NEVER, 1);
    assert_only_and_free(check(nodes, typeless), CIT_FLOW_WARNING, "edge-type", NEVER, 1);
    f = check(nodes, to);
    assert_only(&f, CIT_FLOW_ERROR, "missing-target", NEVER, 1);
    assert_string_equal(f.at[0].what,
                        "An edge leads from the start \"S\" (0) to node 9, which is not there; whoever takes "
                        "it gets an error.");
    cit_flow_findings_fini(&f);
    f = check(nodes, both);
    assert_int_equal(f.count, 2);
    assert_true(has(find(&f, "missing-target")->what, "from node 8 to node 9"));
    cit_flow_findings_fini(&f);
}

static void nodes_no_way_leads_to_are_reported(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "page", "A", "1", 0, 0 },
                                       { 2, "page", "B", "1", 0, 0 },
                                       { 3, "page", "C", "1", 0, 0 },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = {
        { 0, 1, 's', "$a" }, { 2, 3, 'n', NULL }, { 3, 2, 'n', NULL }, { 1, 1, '?', NULL }, { 0, 0, 0, NULL }
    };
    struct cit_flow_findings f = check(nodes, edges);

    (void)state;
    assert_int_equal(count_of(&f, "unreachable"), 2);
    assert_int_equal(find(&f, "unreachable")->node, 2);
    assert_int_equal(find(&f, "unreachable")->severity, CIT_FLOW_WARNING);
    cit_flow_findings_fini(&f);
}

static void edges_behind_a_stop_are_reported(void **state)
{
    static const char *const stops[] = { "tool", "therapist_notification", "end" };

    (void)state;
    for (size_t i = 0; i < COUNT(stops); i++) {
        const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                           { 1, stops[i], 0, 0, 0, 0 },
                                           { 2, "page", 0, "1", 0, 0 },
                                           { 0, NULL, 0, 0, 0, 0 } };
        const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 1, 2, 'n', NULL }, { 0, 0, 0, NULL } };

        assert_only_and_free(check(nodes, edges), CIT_FLOW_WARNING, "edge-after-stop", NEVER, 1);
    }
}

/* ---- loops ---- */

static const struct made_node ring[] = {
    { 0, "start", 0, 0, 0, 0 },   { 1, "expression", 0, 0, "c", "$c + 1" },
    { 2, "email", 0, "1", 0, 0 }, { 3, "page", 0, "1", 0, 0 },
    { 0, NULL, 0, 0, 0, 0 },
};

static void loops_without_conditions_never_end(void **state)
{
    const struct made_edge plain_ring[] = {
        { 0, 1, 'n', NULL }, { 1, 2, 'n', NULL }, { 2, 1, 'n', NULL }, { 0, 3, 's', "$x" }, { 0, 0, 0, NULL }
    };
    const struct made_edge first_fails[] = {
        { 0, 1, 'n', NULL }, { 1, 3, 'n', "(" }, { 1, 2, 'n', "1" }, { 2, 1, 'n', NULL }, { 0, 0, 0, NULL }
    };
    const struct made_edge by_special[] = {
        { 0, 1, 'n', NULL }, { 1, 1, 's', NULL }, { 1, 2, 'n', NULL }, { 2, 3, 'n', NULL }, { 0, 0, 0, NULL }
    };
    struct cit_flow_findings f = check(ring, plain_ring);

    (void)state;
    assert_only(&f, CIT_FLOW_ERROR, "loop-without-page", 1, NEVER);
    assert_true(has(f.at[0].what, "expression 1, email 2."));
    cit_flow_findings_fini(&f);
    f = check(ring, first_fails);
    assert_int_equal(find(&f, "loop-without-page")->severity, CIT_FLOW_ERROR);
    cit_flow_findings_fini(&f);
    assert_only_and_free(check(ring, by_special), CIT_FLOW_ERROR, "loop-without-page", 1, NEVER);
}

static void loops_a_condition_may_end_are_warned_of(void **state)
{
    const struct made_edge counted[] = {
        { 0, 1, 'n', NULL }, { 1, 1, 'n', "$c < 5" }, { 1, 2, 'n', NULL }, { 2, 3, 'n', NULL }, { 0, 0, 0, NULL }
    };
    const struct made_edge left_early[] = {
        { 0, 1, 'n', NULL }, { 1, 3, 'n', "$c > 5" }, { 1, 2, 'n', NULL }, { 2, 1, 'n', NULL }, { 0, 0, 0, NULL }
    };
    const struct made_edge page_on_the_side[] = {
        { 0, 1, 'n', NULL }, { 1, 3, 's', "$c > 5" }, { 1, 2, 'n', NULL }, { 2, 1, 'n', NULL }, { 0, 0, 0, NULL }
    };

    (void)state;
    assert_only_and_free(check(ring, counted), CIT_FLOW_WARNING, "loop-without-page", 1, NEVER);
    assert_only_and_free(check(ring, left_early), CIT_FLOW_WARNING, "loop-without-page", 1, NEVER);
    assert_only_and_free(check(ring, page_on_the_side), CIT_FLOW_WARNING, "loop-without-page", 1, NEVER);
}

static void loops_with_something_that_waits_are_fine(void **state)
{
    static const char *const waits[] = { "page", "wait", "delay", "session" };

    (void)state;
    for (size_t i = 0; i < COUNT(waits); i++) {
        const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                           { 1, waits[i], 0, "1", 0, 0 },
                                           { 2, "expression", 0, 0, "a", "1" },
                                           { 0, NULL, 0, 0, 0, 0 } };
        const struct made_edge edges[] = {
            { 0, 1, 'n', NULL }, { 1, 2, 'n', NULL }, { 2, 1, 'n', NULL }, { 0, 0, 0, NULL }
        };

        assert_clean(check(nodes, edges));
    }
}

static void an_edge_that_never_passes_makes_no_loop(void **state)
{
    const struct made_edge edges[] = {
        { 0, 1, 'n', NULL }, { 1, 2, 'n', NULL }, { 2, 1, 'n', "(" }, { 2, 3, 'n', NULL }, { 0, 0, 0, NULL }
    };

    (void)state;
    assert_only_and_free(check(ring, edges), CIT_FLOW_ERROR, "bad-expression", NEVER, 2);
}

static void two_loops_are_two_findings_and_long_ones_are_cut(void **state)
{
    struct made_node nodes[10] = { { 0, "start", 0, 0, 0, 0 } };
    struct made_edge edges[12] = { { 0, 1, 'n', NULL }, { 0, 7, 's', "$a" } };
    struct cit_flow_findings f;

    (void)state;
    for (int i = 1; i < 9; i++)
        nodes[i] = (struct made_node){ i, "email", 0, "1", 0, 0 };
    for (int i = 1; i < 9; i++)
        edges[i + 1] = (struct made_edge){ i, i == 6 ? 1 : i == 8 ? 7 : i + 1, 'n', NULL };
    f = check(nodes, edges);
    assert_int_equal(f.count, 2);
    assert_true(has(f.at[0].what, "email 1, ") && has(f.at[0].what, " and 2 more."));
    assert_true(has(f.at[1].what, "email 7, email 8.") || has(f.at[1].what, "email 7, email 8"));
    cit_flow_findings_fini(&f);
}

static void what_a_node_of_an_application_does_is_not_guessed(void **state)
{
    static const char *const types[] = { "widget", "tool", "therapist_notification", "register", "enroll",
                                         "leave",  "code" };
    const struct cit_flow_check_options strict = { .dialect = CIT_EXPR_STRICT };

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                           { 1, types[i], 0, 0, 0, 0 },
                                           { 2, "expression", 0, 0, "a", "1" },
                                           { 0, NULL, 0, 0, 0, 0 } };
        const struct made_edge ring_edges[] = {
            { 0, 1, 'n', NULL }, { 1, 2, 'n', NULL }, { 2, 1, 'n', NULL }, { 0, 0, 0, NULL }
        };
        const struct made_edge last[] = { { 0, 2, 'n', NULL }, { 2, 1, 'n', NULL }, { 0, 0, 0, NULL } };

        if (i == 0) {
            assert_only_and_free(check_with(nodes, ring_edges, &strict), CIT_FLOW_HINT, "unknown-type", 1, NEVER);
            assert_only_and_free(check_with(nodes, last, &strict), CIT_FLOW_HINT, "unknown-type", 1, NEVER);
        } else {
            assert_clean(check_with(nodes, ring_edges, &strict));
            assert_clean(check_with(nodes, last, &strict));
        }
    }
}

/* ---- what nodes lack ---- */

static void nodes_that_refer_to_nothing_are_reported(void **state)
{
    static const char *const types[] = { "page", "session", "background_session", "email", "sms", "code" };

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                           { 1, types[i], "T", 0, 0, 0 },
                                           { 2, "page", 0, "1", 0, 0 },
                                           { 0, NULL, 0, 0, 0, 0 } };
        const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 1, 2, 'n', NULL }, { 0, 0, 0, NULL } };

        assert_only_and_free(check(nodes, edges), CIT_FLOW_ERROR, "no-ref", 1, NEVER);
    }
}

static void an_application_may_name_pages_otherwise(void **state)
{
    static const struct {
        const char *type;
        enum cit_flow_severity severity;
    } rows[] = { { "page", CIT_FLOW_HINT },
                 { "email", CIT_FLOW_HINT },
                 { "sms", CIT_FLOW_HINT },
                 { "session", CIT_FLOW_ERROR },
                 { "background_session", CIT_FLOW_ERROR } };
    const struct cit_flow_check_options strict = { .dialect = CIT_EXPR_STRICT };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 1, 2, 'n', NULL }, { 0, 0, 0, NULL } };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                           { 1, rows[i].type, 0, 0, 0, 0 },
                                           { 2, "end", 0, 0, 0, 0 },
                                           { 0, NULL, 0, 0, 0, 0 } };

        assert_only_and_free(check_with(nodes, edges, &strict), rows[i].severity, "no-ref", 1, NEVER);
    }
}

static void a_graph_that_enters_itself_is_reported_where_its_own_name_is_known(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "session", "T", "12", 0, 0 },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 0, 0, 0, NULL } };
    const struct cit_flow_check_options own = { .dialect = CIT_EXPR_B, .self = CIT_SLICE_LIT("12") };
    const struct cit_flow_check_options other = { .dialect = CIT_EXPR_B, .self = CIT_SLICE_LIT("1") };

    (void)state;
    assert_only_and_free(check_with(nodes, edges, &own), CIT_FLOW_WARNING, "enters-itself", 1, NEVER);
    assert_clean(check_with(nodes, edges, &other));
    assert_clean(check(nodes, edges));
}

static void expression_nodes_that_lack_a_part_are_reported(void **state)
{
    const struct {
        const char *variable, *expr;
        enum cit_flow_severity severity;
        const char *code;
    } rows[] = {
        { NULL, "1", CIT_FLOW_WARNING, "no-variable" },
        { "a", NULL, CIT_FLOW_WARNING, "no-expression" },
        { NULL, NULL, CIT_FLOW_HINT, "no-expression" },
        { "$a", "1", CIT_FLOW_WARNING, "variable-name" },
        { "my name", "1", CIT_FLOW_WARNING, "variable-name" },
        { "h\xc3\xb8yde", "1", CIT_FLOW_WARNING, "variable-name" },
    };
    const struct cit_flow_check_options strict = { .dialect = CIT_EXPR_STRICT };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 1, 2, 'n', NULL }, { 0, 0, 0, NULL } };
    struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                 { 1, "expression", 0, 0, 0, 0 },
                                 { 2, "page", 0, "1", 0, 0 },
                                 { 0, NULL, 0, 0, 0, 0 } };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        nodes[1].variable = rows[i].variable;
        nodes[1].expr = rows[i].expr;
        assert_only_and_free(check(nodes, edges), rows[i].severity, rows[i].code, 1, NEVER);
    }
    assert_clean(check_with(nodes, edges, &strict)); /* letters of all alphabets */
    nodes[1].variable = "$a";
    assert_only_and_free(check_with(nodes, edges, &strict), CIT_FLOW_WARNING, "variable-name", 1, NEVER);
}

static void an_empty_expression_node_is_a_way_to_return(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "expression", 0, 0, 0, 0 },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 0, 0, 0, NULL } };

    (void)state;
    assert_clean(check(nodes, edges));
}

/* ---- the order of edges ---- */

static const struct made_node fork_nodes[] = {
    { 0, "start", "S", 0, 0, 0 },  { 1, "page", "A", "1", 0, 0 }, { 2, "page", "B", "2", 0, 0 },
    { 3, "page", "C", "3", 0, 0 }, { 0, NULL, 0, 0, 0, 0 },
};

static void edges_behind_one_that_is_always_taken_are_reported(void **state)
{
    const struct made_edge empty[] = {
        { 0, 1, 'n', "$a" }, { 0, 2, 'n', NULL }, { 0, 3, 'n', "$b" }, { 0, 0, 0, NULL }
    };
    const struct made_edge constant[] = {
        { 0, 1, 'n', "$a" }, { 0, 2, 'n', "1" }, { 0, 3, 'n', NULL }, { 0, 0, 0, NULL }
    };
    const struct made_edge page[] = {
        { 0, 1, 'n', NULL }, { 0, 2, 's', "$a" }, { 0, 3, 's', NULL }, { 0, 0, 0, NULL }
    };
    struct cit_flow_findings f = check(fork_nodes, empty);

    (void)state;
    assert_only(&f, CIT_FLOW_WARNING, "edge-never-taken", NEVER, 2);
    assert_true(has(f.at[0].what, "to node 3") && has(f.at[0].what, "to node 2"));
    cit_flow_findings_fini(&f);
    f = check(fork_nodes, constant);
    assert_int_equal(find(&f, "edge-never-taken")->edge, 2);
    assert_int_equal(find(&f, "always-true")->edge, 1);
    cit_flow_findings_fini(&f);
    f = check(fork_nodes, page);
    assert_int_equal(find(&f, "edge-never-taken")->edge, 0);
    assert_true(has(find(&f, "edge-never-taken")->what, "special edge"));
    assert_true(has(find(&f, "special-pages")->what, "is never seen"));
    cit_flow_findings_fini(&f);
}

static void the_same_condition_twice_is_hinted_at(void **state)
{
    const struct made_edge edges[] = {
        { 0, 1, 'n', "$a" }, { 0, 2, 'n', "$a" }, { 0, 3, 'n', NULL }, { 0, 0, 0, NULL }
    };
    const struct made_edge elsewhere[] = {
        { 0, 1, 'n', "$a" }, { 0, 2, 'n', NULL }, { 1, 2, 'n', "$a" }, { 1, 3, 'n', NULL }, { 0, 0, 0, NULL }
    };

    (void)state;
    assert_only_and_free(check(fork_nodes, edges), CIT_FLOW_HINT, "same-condition", NEVER, 1);
    assert_clean(check(fork_nodes, elsewhere));
}

static void ways_that_all_have_conditions_are_hinted_at(void **state)
{
    const struct made_edge open[] = {
        { 0, 1, 'n', "$a" }, { 0, 2, 'n', "$b" }, { 1, 3, 'n', NULL }, { 0, 0, 0, NULL }
    };
    const struct made_edge shown[] = {
        { 0, 1, 'n', "$a" }, { 0, 2, 'n', "$b" }, { 0, 3, 's', NULL }, { 0, 0, 0, NULL }
    };
    struct cit_flow_findings f;

    (void)state;
    assert_only_and_free(check(fork_nodes, open), CIT_FLOW_HINT, "no-else", 0, NEVER);
    f = check(fork_nodes, shown);
    assert_null(find(&f, "no-else"));
    cit_flow_findings_fini(&f);
}

static void pages_that_hide_each_other_are_hinted_at(void **state)
{
    const struct made_edge two[] = { { 0, 1, 's', "$a" }, { 0, 2, 's', "$b" }, { 0, 3, 'n', NULL }, { 0, 0, 0, NULL } };
    const struct made_edge same[] = { { 0, 1, 's', "$a" }, { 0, 1, 's', "$b" }, { 0, 2, 's', "(" },
                                      { 0, 3, 'n', NULL }, { 1, 2, 'n', NULL }, { 0, 0, 0, NULL } };
    struct cit_flow_findings f = check(fork_nodes, two);

    (void)state;
    assert_only(&f, CIT_FLOW_HINT, "special-pages", NEVER, 0);
    assert_true(has(f.at[0].what, "page \"A\" (1) is not seen") && has(f.at[0].what, "page \"B\" (2)"));
    cit_flow_findings_fini(&f);
    assert_only_and_free(check(fork_nodes, same), CIT_FLOW_ERROR, "bad-expression", NEVER, 2);
}

static void special_edges_back_to_their_node_are_reported(void **state)
{
    static const char *const types[] = { "page", "wait", "delay", "session" };

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                           { 1, types[i], 0, "1", 0, 0 },
                                           { 2, "page", 0, "1", 0, 0 },
                                           { 0, NULL, 0, 0, 0, 0 } };
        const struct made_edge always[] = {
            { 0, 1, 'n', NULL }, { 1, 1, 's', NULL }, { 1, 2, 'n', NULL }, { 0, 0, 0, NULL }
        };
        const struct made_edge some[] = {
            { 0, 1, 'n', NULL }, { 1, 1, 's', "$a" }, { 1, 2, 'n', NULL }, { 0, 0, 0, NULL }
        };
        struct cit_flow_findings f = check(nodes, always);

        assert_int_equal(find(&f, "special-self-loop")->edge, 1);
        assert_int_equal(find(&f, "special-self-loop")->severity, CIT_FLOW_WARNING);
        cit_flow_findings_fini(&f);
        assert_clean(check(nodes, some));
    }
}

static void a_special_edge_into_a_session_that_stays_is_reported(void **state)
{
    const struct made_node nodes[] = {
        { 0, "start", 0, 0, 0, 0 }, { 1, "session", 0, "2", 0, 0 }, { 2, "page", 0, "2", 0, 0 }, { 0, NULL, 0, 0, 0, 0 }
    };
    const struct made_edge stays[] = { { 0, 1, 's', NULL }, { 0, 2, 'n', NULL }, { 0, 0, 0, NULL } };
    const struct made_edge returns[] = {
        { 0, 1, 's', NULL }, { 0, 2, 'n', NULL }, { 1, 2, 'n', NULL }, { 0, 0, 0, NULL }
    };

    (void)state;
    assert_only_and_free(check(nodes, stays), CIT_FLOW_WARNING, "special-session", NEVER, 0);
    assert_clean(check(nodes, returns));
}

static void dead_ends_that_do_not_return_are_hinted_at(void **state)
{
    static const char *const ends[] = { "email", "sms", "register", "enroll", "leave", "background_session",
                                        "code",  "wait" };
    static const char *const fine[] = { "page", "session", "expression", "end" };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 0, 0, 0, NULL } };

    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                           { 1, ends[i], 0, "1", 0, 0 },
                                           { 0, NULL, 0, 0, 0, 0 } };

        assert_only_and_free(check(nodes, edges), CIT_FLOW_HINT, "dead-end", 1, NEVER);
    }
    for (size_t i = 0; i < COUNT(fine); i++) {
        const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                           { 1, fine[i], 0, "1", "a", "1" },
                                           { 0, NULL, 0, 0, 0, 0 } };

        assert_clean(check(nodes, edges));
    }
}

static void what_special_edges_do_aside_may_end(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 }, { 1, "email", 0, "1", 0, 0 },
                                       { 2, "sms", 0, "1", 0, 0 }, { 3, "page", 0, "1", 0, 0 },
                                       { 4, "sms", 0, "1", 0, 0 }, { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge aside[] = {
        { 0, 1, 's', "$a" }, { 1, 2, 'n', "$b" }, { 0, 3, 'n', NULL }, { 3, 4, 's', NULL }, { 0, 0, 0, NULL }
    };
    const struct made_edge behind_a_page[] = {
        { 0, 1, 's', "$a" }, { 1, 3, 's', "$b" }, { 3, 2, 'n', NULL }, { 2, 4, 'n', "$c" }, { 0, 0, 0, NULL }
    };
    struct cit_flow_findings f;

    (void)state;
    assert_clean(check(nodes, aside));
    f = check(nodes, behind_a_page);
    assert_int_equal(f.count, 2);
    assert_int_equal(find(&f, "dead-end")->node, 4);
    assert_int_equal(find(&f, "no-else")->node, 2);
    cit_flow_findings_fini(&f);
}

static void special_edges_that_return_too_early_are_hinted_at(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "page", 0, "1", 0, 0 },
                                       { 2, "expression", 0, 0, "a", "1" },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge returns[] = { { 0, 1, 'n', NULL }, { 1, 2, 's', "$a" }, { 0, 0, 0, NULL } };
    const struct made_edge leads_on[] = {
        { 0, 2, 's', "$a" }, { 2, 1, 'n', NULL }, { 0, 1, 'n', NULL }, { 0, 0, 0, NULL }
    };
    const struct made_edge in_the_way[] = { { 0, 1, 'n', NULL }, { 1, 2, 'n', NULL }, { 0, 0, 0, NULL } };

    (void)state;
    assert_only_and_free(check(nodes, returns), CIT_FLOW_HINT, "special-returns", 2, NEVER);
    assert_clean(check(nodes, leads_on));
    assert_clean(check(nodes, in_the_way));
}

static void a_delay_that_leads_nowhere_is_reported(void **state)
{
    const struct made_node nodes[] = {
        { 0, "start", 0, 0, 0, 0 }, { 1, "delay", 0, 0, 0, 0 }, { 2, "email", 0, "1", 0, 0 }, { 0, NULL, 0, 0, 0, 0 }
    };
    const struct made_edge nowhere[] = {
        { 0, 1, 's', NULL }, { 0, 2, 'n', NULL }, { 2, 1, 'n', "$a" }, { 0, 0, 0, NULL }
    };
    struct cit_flow_findings f = check(nodes, nowhere);

    (void)state;
    assert_int_equal(find(&f, "delay-leads-nowhere")->node, 1);
    assert_null(find(&f, "dead-end"));
    cit_flow_findings_fini(&f);
}

/* ---- all of it ---- */

static void errors_come_first_then_the_order_of_the_codes(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "page", 0, 0, 0, 0 },
                                       { 2, "page", 0, "1", 0, 0 },
                                       { 3, "page", 0, 0, 0, 0 },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = { { 0, 1, 'n', "$a" }, { 0, 1, 'n', "(" }, { 0, 9, 'n', "0" }, { 0, 0, 0, NULL } };
    static const char *const codes[] = { "missing-target", "no-ref",      "no-ref",       "bad-expression",
                                         "unreachable",    "unreachable", "always-false", "no-else" };
    struct cit_flow_findings f = check(nodes, edges);

    (void)state;
    assert_int_equal(f.count, COUNT(codes));
    for (uint32_t i = 0; i < COUNT(codes); i++)
        assert_string_equal(f.at[i].code, codes[i]);
    assert_int_equal(f.at[1].node, 1);
    assert_int_equal(f.at[2].node, 3);
    cit_flow_findings_fini(&f);
}

static void findings_are_appended_and_those_before_stay_in_place(void **state)
{
    struct cit_flow_graph *g = made_graph(fork_nodes, (const struct made_edge[]){ { 0, 0, 0, NULL } });
    char what[] = "what", hint[] = "";
    const struct cit_flow_finding own = { CIT_FLOW_HINT, "delay-time", 1, CIT_FLOW_NONE, 0, 0, what, hint };
    struct cit_flow_findings f = { 0 };

    (void)state;
    assert_int_equal(cit_flow_findings_add(&f, &own), CIT_OK);
    assert_int_equal(cit_flow_check(g, &plain, &f), CIT_OK);
    assert_int_equal(f.count, 4);
    assert_string_equal(f.at[0].what, "what");
    assert_int_equal(cit_flow_findings_sort(&f, 0), CIT_OK);
    assert_string_equal(f.at[3].what, "what");
    cit_flow_findings_fini(&f);
    assert_null(f.at);
    cit_flow_graph_free(g);
}

static void too_many_findings_of_one_code_are_counted(void **state)
{
    struct cit_flow_graph *g = made_row(2500, false);
    struct cit_flow_findings f = { 0 };
    struct cit_flow_builder *b = cit_flow_builder_new();
    uint32_t count;

    (void)state;
    cit_flow_graph_free(g);
    for (int i = 0; i < 2500; i++) {
        const struct made_node n = { i, i > 0 ? "page" : "start", NULL, NULL, NULL, NULL };

        assert_int_equal(made_add_node(b, &n), CIT_OK);
    }
    assert_int_equal(cit_flow_builder_finish(b, &g), CIT_OK);
    cit_flow_builder_free(b);
    assert_int_equal(cit_flow_check(g, &plain, &f), CIT_OK);
    count = CIT_FLOW_SAME_MAX + 1;
    assert_int_equal(f.count, 2 * count);
    assert_string_equal(f.at[count - 1].what, "There are 1499 more of this kind.");
    assert_int_equal(f.at[count - 1].node, CIT_FLOW_NONE);
    assert_string_equal(f.at[count].code, "unreachable");
    assert_string_equal(f.at[2 * count - 1].what, "There are 1499 more of this kind.");
    cit_flow_findings_fini(&f);
    cit_flow_graph_free(g);
}

static void a_hundred_thousand_nodes_are_checked_without_recursion(void **state)
{
    struct cit_flow_graph *chain = made_row(100000, false), *cycle = made_row(100000, true);
    struct cit_flow_findings f = { 0 };

    (void)state;
    assert_int_equal(cit_flow_check(chain, &plain, &f), CIT_OK);
    assert_only_and_free(f, CIT_FLOW_HINT, "dead-end", 99999, NEVER);
    f = (struct cit_flow_findings){ 0 };
    assert_int_equal(cit_flow_check(cycle, &plain, &f), CIT_OK);
    assert_only(&f, CIT_FLOW_ERROR, "loop-without-page", 1, NEVER);
    assert_true(has(f.at[0].what, " and 99995 more."));
    cit_flow_findings_fini(&f);
    cit_flow_graph_free(chain);
    cit_flow_graph_free(cycle);
}

/* xorshift32 */
static uint32_t next_random(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    return *x ^= *x << 5;
}

static void ways_and_loops_of_random_graphs_are_those_of_their_definition(void **state)
{
    uint8_t bytes[300];
    uint32_t x = 1;

    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        size_t n = 1 + next_random(&x) % sizeof bytes;
        const char *wrong;

        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)(next_random(&x) >> 9);
        wrong = flow_check_holds(bytes, n);
        if (wrong != NULL)
            print_error("graph %u: %s\n", i, wrong);
        assert_null(wrong);
    }
}

static void long_texts_are_cut_between_characters(void **state)
{
    char title[200];
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "page", title, 0, 0, 0 },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = { { 0, 1, 'n', NULL }, { 0, 0, 0, NULL } };
    struct cit_flow_findings f;

    (void)state;
    for (size_t i = 0; i + 2 < sizeof title; i += 2)
        memcpy(title + i, "\xc3\xa6", 3);
    memcpy(title, "\"\n\x01", 3);
    memcpy(title + 3, "\xff", 1);
    f = check(nodes, edges);
    assert_int_equal(f.count, 1);
    assert_true(has(f.at[0].what, "page \"\"  \xef\xbf\xbd\xc3\xa6"));
    assert_true(has(f.at[0].what, "\xc3\xa6...\" (1)"));
    cit_flow_findings_fini(&f);
}

static void without_memory_what_was_found_stays(void **state)
{
    const struct made_node nodes[] = { { 0, "start", 0, 0, 0, 0 },
                                       { 1, "page", 0, 0, 0, 0 },
                                       { 2, "expression", 0, 0, "a", "$b" },
                                       { 2, "expression", 0, 0, "b", "(" },
                                       { 0, NULL, 0, 0, 0, 0 } };
    const struct made_edge edges[] = {
        { 0, 1, 'n', "$a or" }, { 0, 2, 's', NULL }, { 2, 2, 'n', NULL }, { 0, 0, 0, NULL }
    };
    const struct cit_flow_check_options opt = { .dialect = CIT_EXPR_B, .has_declared = true };
    struct cit_flow_graph *g = made_graph(nodes, edges);
    struct cit_flow_findings f = { 0 };
    unsigned long at = 0;
    uint32_t all;
    int err;

    (void)state;
    assert_int_equal(cit_flow_check(g, &opt, &f), CIT_OK);
    all = f.count;
    assert_true(all > 5);
    cit_flow_findings_fini(&f);
    do {
        cit_mem_fail_at(++at);
        err = cit_flow_check(g, &opt, &f);
        assert_true(err == CIT_OK || err == CIT_ENOMEM);
        assert_true(f.count <= all);
        for (uint32_t i = 0; i < f.count; i++)
            assert_true(strlen(f.at[i].what) > 0);
        assert_true(err != CIT_OK || f.count == all);
        cit_flow_findings_fini(&f);
    } while (cit_mem_fail_at(0) >= at);
    assert_true(at > 20);
    cit_flow_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_graph_has_no_findings),
        cmocka_unit_test(without_a_node_0_there_is_no_start),
        cmocka_unit_test(a_start_of_another_type_or_place_is_hinted_at),
        cmocka_unit_test(of_two_nodes_with_one_id_the_first_is_reported),
        cmocka_unit_test(unknown_types_are_named_as_the_author_wrote_them),
        cmocka_unit_test(edges_that_end_nowhere_are_reported),
        cmocka_unit_test(nodes_no_way_leads_to_are_reported),
        cmocka_unit_test(edges_behind_a_stop_are_reported),
        cmocka_unit_test(loops_without_conditions_never_end),
        cmocka_unit_test(loops_a_condition_may_end_are_warned_of),
        cmocka_unit_test(loops_with_something_that_waits_are_fine),
        cmocka_unit_test(an_edge_that_never_passes_makes_no_loop),
        cmocka_unit_test(two_loops_are_two_findings_and_long_ones_are_cut),
        cmocka_unit_test(what_a_node_of_an_application_does_is_not_guessed),
        cmocka_unit_test(nodes_that_refer_to_nothing_are_reported),
        cmocka_unit_test(an_application_may_name_pages_otherwise),
        cmocka_unit_test(a_graph_that_enters_itself_is_reported_where_its_own_name_is_known),
        cmocka_unit_test(expression_nodes_that_lack_a_part_are_reported),
        cmocka_unit_test(an_empty_expression_node_is_a_way_to_return),
        cmocka_unit_test(edges_behind_one_that_is_always_taken_are_reported),
        cmocka_unit_test(the_same_condition_twice_is_hinted_at),
        cmocka_unit_test(ways_that_all_have_conditions_are_hinted_at),
        cmocka_unit_test(pages_that_hide_each_other_are_hinted_at),
        cmocka_unit_test(special_edges_back_to_their_node_are_reported),
        cmocka_unit_test(a_special_edge_into_a_session_that_stays_is_reported),
        cmocka_unit_test(dead_ends_that_do_not_return_are_hinted_at),
        cmocka_unit_test(what_special_edges_do_aside_may_end),
        cmocka_unit_test(special_edges_that_return_too_early_are_hinted_at),
        cmocka_unit_test(a_delay_that_leads_nowhere_is_reported),
        cmocka_unit_test(errors_come_first_then_the_order_of_the_codes),
        cmocka_unit_test(findings_are_appended_and_those_before_stay_in_place),
        cmocka_unit_test(too_many_findings_of_one_code_are_counted),
        cmocka_unit_test(a_hundred_thousand_nodes_are_checked_without_recursion),
        cmocka_unit_test(ways_and_loops_of_random_graphs_are_those_of_their_definition),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(without_memory_what_was_found_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
