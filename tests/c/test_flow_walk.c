/* tests/c/test_flow_walk.c - walks through small worlds of graphs; what the host is told is compared as text.
 *
 * A world is written down: "0start 1page 2expression:3" are nodes (the number behind the colon is
 * the session a session node enters, or the flag an expression node raises), "0-1 0=2?3" edges, '-'
 * normal and '=' special, which pass when they have no flag or theirs is raised.  The log has one
 * word for each effect.
 */
#include "flow/walk.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"

enum { SESSIONS = 4, PLACES = 64, LOG_MAX = 1 << 20 };

struct session {
    struct cit_flow_graph *g;
    int keeps;
};

struct world {
    struct session sessions[SESSIONS];
    int now;
    struct {
        int session;
        int64_t node;
    } stack[PLACES];
    int stack_count;
    unsigned flags; /* raised */
    int interactive;
    int live, saved; /* results and background sessions that somebody owns */
    unsigned long calls, fail_at;
    struct cit_buf log;
    struct cit_walk walk;
};

/* ---- the host ---- */

static void __attribute__((format(printf, 2, 3))) note(struct world *w, const char *fmt, ...)
{
    char text[64];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (w->log.len > 0)
        assert_int_equal(cit_buf_add_str(&w->log, " "), CIT_OK);
    assert_int_equal(cit_buf_add_str(&w->log, text), CIT_OK);
}

/* Each call of the host may be the one that fails. */
static bool fails(struct world *w)
{
    return ++w->calls == w->fail_at;
}

static int host_now(void *ctx, struct cit_walk_graph *out)
{
    struct world *w = ctx;

    if (fails(w))
        return CIT_EAPP;
    *out = (struct cit_walk_graph){ w->sessions[w->now].g, &w->sessions[w->now] };
    return CIT_OK;
}

static void host_keep(void *ctx, const struct cit_walk_graph *graph)
{
    (void)ctx;
    ((struct session *)graph->owner)->keeps++;
}

static void host_release(void *ctx, const struct cit_walk_graph *graph)
{
    (void)ctx;
    assert_true(--((struct session *)graph->owner)->keeps >= 0);
}

static int host_find(void *ctx, const struct cit_walk_place *place, const struct cit_walk_graph *graph,
                     const struct cit_flow_slot **out)
{
    if (fails(ctx))
        return CIT_EAPP;
    assert_ptr_not_equal(place->graph.owner, graph->owner);
    *out = cit_flow_slot_of(graph->g, place->slot->id);
    return CIT_OK;
}

static int host_edge_passes(void *ctx, const struct cit_walk_graph *graph, uint32_t edge)
{
    struct world *w = ctx;
    uint32_t flag = cit_flow_edge_at(graph->g, edge)->expr;

    if (fails(w))
        return CIT_EAPP;
    if (flag > 0)
        note(w, "?%u", flag);
    return flag == 0 || (w->flags >> flag & 1) != 0;
}

/* Results are counted blocks that hold the node's id; those of other types are not true. */
static void *new_result(struct world *w, const struct cit_flow_node *node)
{
    int *result = malloc(2 * sizeof *result);

    assert_non_null(result);
    result[0] = (int)node->id;
    result[1] = node->type == CIT_FLOW_PAGE;
    w->live++;
    return result;
}

static int host_act(void *ctx, const struct cit_walk_place *place, enum cit_walk_answer *answer, void **result)
{
    const struct cit_flow_node *node = cit_flow_node_at(place->graph.g, place->slot->node);
    struct world *w = ctx;

    assert_true(((struct session *)place->graph.owner)->keeps > 0);
    if (fails(w))
        return CIT_EAPP;
    note(w, "%s%d", cit_flow_type_text((enum cit_flow_type)node->type), (int)node->id);
    if (node->type == CIT_FLOW_PAGE || node->type == CIT_FLOW_OTHER)
        *result = new_result(w, node);
    if (node->type == CIT_FLOW_EXPRESSION) {
        w->flags |= 1u << node->expr;
        *answer = CIT_WALK_FOLLOW;
    }
    if (node->type == CIT_FLOW_WAIT && w->interactive)
        *answer = CIT_WALK_FOLLOW;
    return CIT_OK;
}

static void move_to(struct world *w, const struct cit_flow_node *node, const struct cit_flow_slot **start)
{
    w->now = (int)node->expr;
    *start = cit_flow_slot_of(w->sessions[w->now].g, 0);
}

static int host_enter(void *ctx, const struct cit_walk_place *place, bool leaves, const struct cit_flow_slot **start)
{
    const struct cit_flow_node *node = cit_flow_node_at(place->graph.g, place->slot->node);
    struct world *w = ctx;

    if (fails(w))
        return CIT_EAPP;
    if (leaves) {
        assert_in_range(w->stack_count, 0, PLACES - 1);
        note(w, "push%d.%d", w->now, (int)node->id);
        w->stack[w->stack_count].session = w->now;
        w->stack[w->stack_count++].node = node->id;
    }
    note(w, "enter%d", (int)node->expr);
    move_to(w, node, start);
    return CIT_OK;
}

static int host_background_enter(void *ctx, const struct cit_walk_place *place, void **saved,
                                 const struct cit_flow_slot **start)
{
    const struct cit_flow_node *node = cit_flow_node_at(place->graph.g, place->slot->node);
    struct world *w = ctx;
    int *was = malloc(2 * sizeof *was);

    assert_non_null(was);
    if (fails(w)) {
        free(was);
        return CIT_EAPP;
    }
    was[0] = w->now;
    was[1] = w->interactive;
    w->saved++;
    w->interactive = 0;
    note(w, "begin%d", (int)node->expr);
    move_to(w, node, start);
    *saved = was;
    return CIT_OK;
}

static int host_background_leave(void *ctx, const struct cit_walk_place *place, void *saved)
{
    struct world *w = ctx;
    int *was = saved;

    assert_int_equal(cit_flow_node_at(place->graph.g, place->slot->node)->type, CIT_FLOW_BACKGROUND);
    w->now = was[0];
    w->interactive = was[1];
    w->saved--;
    free(was);
    note(w, "end%d", w->now);
    return fails(w) ? CIT_EAPP : CIT_OK;
}

static void host_background_abandon(void *ctx, void *saved)
{
    ((struct world *)ctx)->saved--;
    free(saved);
}

static int host_is_stacked(void *ctx)
{
    struct world *w = ctx;

    return fails(w) ? CIT_EAPP : w->stack_count > 0;
}

static int host_pop(void *ctx, const struct cit_flow_slot **slot)
{
    struct world *w = ctx;

    if (fails(w))
        return CIT_EAPP;
    if (w->stack_count == 0)
        return CIT_EINVAL;
    w->now = w->stack[--w->stack_count].session;
    *slot = cit_flow_slot_of(w->sessions[w->now].g, w->stack[w->stack_count].node);
    note(w, "pop%d.%d", w->now, (int)w->stack[w->stack_count].node);
    return CIT_OK;
}

static int host_missing(void *ctx, const struct cit_walk_graph *graph, uint32_t edge)
{
    struct world *w = ctx;

    if (edge == CIT_FLOW_NONE)
        note(w, "missing");
    else
        note(w, "missing %d", (int)cit_flow_edge_at(graph->g, edge)->target);
    return CIT_ENOENT;
}

static int host_is_true(void *ctx, void *result)
{
    assert_non_null(result);
    return fails(ctx) ? CIT_EAPP : ((int *)result)[1];
}

static void host_drop(void *ctx, void *result)
{
    assert_non_null(result);
    ((struct world *)ctx)->live--;
    free(result);
}

static const struct cit_walk_host host = {
    .now = host_now,
    .keep = host_keep,
    .release = host_release,
    .find = host_find,
    .edge_passes = host_edge_passes,
    .act = host_act,
    .enter = host_enter,
    .background_enter = host_background_enter,
    .background_leave = host_background_leave,
    .background_abandon = host_background_abandon,
    .is_stacked = host_is_stacked,
    .pop = host_pop,
    .missing = host_missing,
    .is_true = host_is_true,
    .drop = host_drop,
};

/* ---- worlds ---- */

static const char *read_word(const char *p, char *word, size_t size)
{
    size_t n = strcspn(p, " ");

    assert_true(n < size);
    memcpy(word, p, n);
    word[n] = '\0';
    return p + n + strspn(p + n, " ");
}

static struct cit_flow_graph *read_graph(const char *nodes, const char *edges)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    struct cit_flow_graph *g = NULL;
    char word[32];

    assert_non_null(b);
    while (*nodes != '\0') {
        struct cit_flow_node node = { 0 };
        char *end, *colon;

        nodes = read_word(nodes, word, sizeof word);
        node.id = strtol(word, &end, 10);
        colon = strchr(end, ':');
        node.expr = colon != NULL ? (uint32_t)strtoul(colon + 1, NULL, 10) : 0;
        node.type = (uint8_t)cit_flow_type_of(cit_slice(end, strcspn(end, ":")));
        assert_int_equal(cit_flow_builder_node(b, &node), CIT_OK);
    }
    while (*edges != '\0') {
        struct cit_flow_edge edge = { 0 };
        char *end;

        edges = read_word(edges, word, sizeof word);
        edge.source = strtol(word, &end, 10);
        edge.type = *end == '=' ? CIT_FLOW_EDGE_SPECIAL : *end == '-' ? CIT_FLOW_EDGE_NORMAL : CIT_FLOW_EDGE_OTHER;
        edge.target = strtol(end + 1, &end, 10);
        edge.expr = *end == '?' ? (uint32_t)strtoul(end + 1, NULL, 10) : 0;
        assert_int_equal(cit_flow_builder_edge(b, &edge), CIT_OK);
    }
    assert_int_equal(cit_flow_builder_finish(b, &g), CIT_OK);
    cit_flow_builder_free(b);
    return g;
}

static void set(struct world *w, int session, const char *nodes, const char *edges)
{
    cit_flow_graph_free(w->sessions[session].g);
    w->sessions[session].g = read_graph(nodes, edges);
}

static void begin(struct world *w, const char *nodes, const char *edges)
{
    *w = (struct world){ .interactive = 1 };
    cit_buf_init(&w->log, LOG_MAX);
    assert_int_equal(cit_buf_reserve(&w->log, 4096), CIT_OK);
    w->walk.host = &host;
    w->walk.ctx = w;
    w->walk.limits = cit_walk_limits_of(CIT_WALK_STEPS);
    for (int i = 0; i < SESSIONS; i++)
        set(w, i, "", "");
    set(w, 0, nodes, edges);
}

/* Nothing may be left but what the world itself has. */
static void end(struct world *w)
{
    for (int i = 0; i < SESSIONS; i++) {
        assert_int_equal(w->sessions[i].keeps, 0);
        cit_flow_graph_free(w->sessions[i].g);
    }
    assert_int_equal(w->live, 0);
    assert_int_equal(w->saved, 0);
    assert_int_equal(w->walk.frame_count, 0);
    assert_int_equal(w->walk.todo_count, 0);
    cit_walk_fini(&w->walk);
    cit_buf_fini(&w->log);
}

static bool log_is(struct world *w, const char *text)
{
    bool is = w->log.len == strlen(text) && (w->log.len == 0 || memcmp(w->log.p, text, w->log.len) == 0);

    if (!is)
        print_message("log: %.*s\n", (int)w->log.len, w->log.p);
    w->log.len = 0;
    return is;
}

/* The id of the page a walk gave, 0 for none; the result is dropped. */
static int take_result(struct world *w, void *result)
{
    int id = result != NULL ? ((int *)result)[0] : 0;

    if (result != NULL)
        host_drop(w, result);
    return id;
}

static int transition(struct world *w, int64_t id)
{
    void *result = NULL;
    int err = cit_walk_transition(&w->walk, cit_flow_slot_of(w->sessions[w->now].g, id), &result);

    return err == CIT_OK ? take_result(w, result) : err;
}

static int trigger_at(struct world *w, int64_t id)
{
    struct session *now = &w->sessions[w->now];
    struct cit_walk_place place = { { now->g, now }, cit_flow_slot_of(now->g, id) };
    void *result = NULL;
    int err = cit_walk_trigger(&w->walk, &place, &result);

    return err == CIT_OK ? take_result(w, result) : err;
}

/* ---- edges ---- */

static void the_first_normal_edge_that_passes_is_taken(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1page 2page 3page", "0-1?1 0-2?2 0-3 0.1");
    assert_int_equal(transition(&w, 0), 3);
    assert_true(log_is(&w, "?1 ?2 page3"));
    w.flags = 1u << 2;
    assert_int_equal(trigger_at(&w, 0), 2);
    assert_true(log_is(&w, "?1 ?2 page2"));
    assert_int_equal(w.walk.done.steps, 2);
    end(&w);
}

static void all_special_edges_fire_and_the_last_true_result_wins(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1page 2expression:9 3page 4page 5nothing", "0=1 0=2 0=3 0-4 0=5");
    assert_int_equal(transition(&w, 0), 3);
    assert_true(log_is(&w, "page1 expression2 page3 5"));
    end(&w);
}

static void without_a_true_result_of_special_edges_normal_ones_are_followed(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1expression:9 2nothing 3wait 4page", "0=1 0=2 0=3 0-4");
    w.interactive = 0;
    assert_int_equal(transition(&w, 0), 4);
    assert_true(log_is(&w, "expression1 2 wait3 page4"));
    end(&w);
}

static void after_each_firing_special_edges_are_tested_again_from_the_first(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1expression:7 2expression:1 3page", "0=1?1 0=2?2 0=2 0=1?3 0-3");
    w.flags = 1u << 2;
    assert_int_equal(transition(&w, 0), 3);
    /* 2 fires by flag 2 and raises flag 1; then the first edge passes; then the third. */
    assert_true(log_is(&w, "?1 ?2 expression2 ?1 expression1 expression2 ?3 page3"));
    end(&w);
}

static void results_that_are_not_true_are_returned_but_do_not_count_on_special_edges(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1nothing", "0-1");
    assert_int_equal(transition(&w, 0), 1);
    set(&w, 0, "0start 1nothing", "0=1");
    assert_int_equal(transition(&w, 0), 0);
    end(&w);
}

static void what_is_missing_is_the_hosts_to_tell(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1page", "0-9 1=8 0=7?1");
    assert_int_equal(transition(&w, 0), CIT_ENOENT);
    assert_true(log_is(&w, "?1 missing 9"));
    assert_int_equal(transition(&w, 1), CIT_ENOENT);
    assert_true(log_is(&w, "missing 8"));
    assert_int_equal(transition(&w, 5), 0); /* no such id: nothing leaves it */
    w.stack_count = 1;
    assert_int_equal(transition(&w, 5), CIT_ENOENT);
    assert_true(log_is(&w, "missing"));
    w.stack[0].node = 77;
    w.stack_count = 1;
    assert_int_equal(cit_walk_pop(&w.walk, &(void *){ NULL }), CIT_ENOENT);
    assert_true(log_is(&w, "pop0.77 missing"));
    end(&w);
}

/* ---- sessions ---- */

static void a_session_node_with_edges_is_come_back_to(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1session:1 2page", "0-1 1-2");
    set(&w, 1, "0start 1session:2 2expression:5", "0-1 1-2");
    set(&w, 2, "0start", "");
    assert_int_equal(transition(&w, 0), 2);
    assert_true(log_is(&w, "push0.1 enter1 push1.1 enter2 pop1.1 expression2 pop0.1 page2"));
    assert_int_equal(w.now, 0);
    end(&w);
}

static void a_session_node_without_edges_is_a_way_of_no_return(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1session:1", "0-1");
    set(&w, 1, "0start 1expression:1", "0-1");
    assert_int_equal(transition(&w, 0), 0);
    assert_true(log_is(&w, "enter1 expression1"));
    assert_int_equal(w.now, 1);
    end(&w);
}

static void edges_of_any_type_make_a_session_node_one_to_come_back_to(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1session:1", "0-1 1.1");
    assert_int_equal(transition(&w, 0), CIT_ENOENT); /* session 1 has no node 0 */
    assert_true(log_is(&w, "push0.1 enter1 missing"));
    end(&w);
}

static void dead_ends_of_other_nodes_do_not_go_back(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1wait 2email", "0-1");
    w.stack_count = 1;
    assert_int_equal(trigger_at(&w, 1), 0);
    assert_true(log_is(&w, "wait1"));
    assert_int_equal(w.stack_count, 1);
    /* A normal edge that does not pass is no dead end. */
    set(&w, 0, "0start 1page", "0-1?1");
    assert_int_equal(transition(&w, 0), 0);
    assert_true(log_is(&w, "?1"));
    end(&w);
}

/* A special edge led into another session for good: the targets are still the first session's, dead
 * ends are asked of the new one, in which the ids mean other nodes or none. */
static void a_transition_keeps_its_graph_but_not_the_session(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1session:1 2expression:3 3page", "0=1 0-2 2-3");
    set(&w, 1, "0start 1page 2expression:4", "0-2?1");
    assert_int_equal(transition(&w, 0), 0);
    assert_true(log_is(&w, "enter1 ?1 expression2"));
    assert_int_equal(w.flags, 1u << 3); /* session 0's node 2 */
    w.now = 0;
    w.stack[0].session = 2;
    w.stack_count = 1;
    set(&w, 1, "0start 1page", "0-1?1"); /* no node 2 there */
    assert_int_equal(transition(&w, 0), CIT_ENOENT);
    assert_true(log_is(&w, "enter1 ?1 expression2 missing"));
    end(&w);
}

static void a_session_node_asks_the_graph_of_now_whether_anything_leaves_it(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1session:1 2session:2", "0=1 0-2 2-0");
    set(&w, 1, "0start", "0-0?1");
    set(&w, 2, "0start 1page", "0-1");
    assert_int_equal(transition(&w, 0), 1);
    assert_true(log_is(&w, "enter1 ?1 enter2 page1")); /* nothing leaves a 2 in session 1 */
    end(&w);
}

static void popping_shows_a_page_and_leaves_a_session_node(void **state)
{
    struct world w;
    void *result = NULL;

    (void)state;
    begin(&w, "0start 1session:1 2page 3background_session:1 4page", "1-2 3-4");
    for (int64_t node = 1; node <= 3; node++)
        w.stack[w.stack_count++].node = node;
    assert_int_equal(cit_walk_pop(&w.walk, &result), CIT_OK);
    assert_int_equal(take_result(&w, result), 4);
    assert_int_equal(cit_walk_pop(&w.walk, &result), CIT_OK);
    assert_int_equal(take_result(&w, result), 2);
    assert_int_equal(cit_walk_pop(&w.walk, &result), CIT_OK);
    assert_int_equal(take_result(&w, result), 2);
    assert_true(log_is(&w, "pop0.3 page4 pop0.2 page2 pop0.1 page2"));
    assert_int_equal(cit_walk_pop(&w.walk, &result), CIT_EINVAL);
    end(&w);
}

static void a_background_session_runs_beside_the_road(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1background_session:1 2page 3wait", "0=1 0-3 3-2 1-2?1");
    set(&w, 1, "0start 1wait 2page", "0-1 1-2");
    assert_int_equal(transition(&w, 0), 2);
    /* Inside nobody is there to be shown a wait's page; outside it is passed. */
    assert_true(log_is(&w, "begin1 wait1 end0 ?1 wait3 page2"));
    set(&w, 1, "0start 1page", "0-1");
    assert_int_equal(transition(&w, 0), 2); /* the page inside is nobody's */
    assert_true(log_is(&w, "begin1 page1 end0 ?1 wait3 page2"));
    end(&w);
}

static void a_dead_end_in_a_background_session_pops_the_real_stack(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1background_session:1 2page", "0-1 1-2");
    set(&w, 1, "0start", "");
    set(&w, 2, "0start 7page", "");
    w.stack[0].session = 2;
    w.stack[0].node = 7;
    w.stack_count = 1;
    assert_int_equal(transition(&w, 0), 2);
    assert_true(log_is(&w, "begin1 pop2.7 page7 end0 page2"));
    end(&w);
}

/* ---- bounds ---- */

static void a_loop_ends_at_the_limit(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1expression:1", "0-1 1-1");
    assert_int_equal(transition(&w, 0), CIT_ELIMIT);
    assert_int_equal(w.walk.done.steps, CIT_WALK_STEPS);
    assert_int_equal(w.walk.frame_cap, 0); /* a chain needs no memory */
    w.log.len = 0;
    set(&w, 0, "0start", "0=0");
    assert_int_equal(transition(&w, 0), CIT_ELIMIT);
    set(&w, 0, "0background_session:0", "0=0 0-0");
    assert_int_equal(transition(&w, 0), CIT_ELIMIT);
    w.log.len = 0;
    set(&w, 0, "0start 1session:0", "0-1 1-1");
    w.walk.limits.sessions = PLACES;
    assert_int_equal(transition(&w, 0), CIT_ELIMIT);
    assert_int_equal(w.walk.done.sessions, PLACES);
    assert_int_equal(w.stack_count, PLACES);
    w.log.len = 0;
    set(&w, 0, "0start 1session:0", "");
    w.walk.limits.sessions = 10;
    assert_int_equal(cit_walk_pop(&w.walk, &(void *){ NULL }), CIT_ELIMIT);
    assert_int_equal(w.stack_count, PLACES - 10);
    assert_int_equal(cit_walk_limits_of(5).sessions, CIT_WALK_SESSIONS_LEAST);
    end(&w);
}

static void a_chain_of_steps_up_to_the_limit_is_walked(void **state)
{
    struct cit_flow_builder *b = cit_flow_builder_new();
    struct world w;

    (void)state;
    begin(&w, "", "");
    for (int i = 0; i < CIT_WALK_STEPS; i++) {
        struct cit_flow_node node = { .id = i, .type = i == CIT_WALK_STEPS - 1 ? CIT_FLOW_PAGE : CIT_FLOW_EXPRESSION };
        struct cit_flow_edge edge = { .source = i, .target = i + 1, .type = CIT_FLOW_EDGE_SPECIAL };

        assert_int_equal(cit_flow_builder_node(b, &node), CIT_OK);
        assert_int_equal(cit_flow_builder_edge(b, &edge), CIT_OK);
    }
    cit_flow_graph_free(w.sessions[0].g);
    assert_int_equal(cit_flow_builder_finish(b, &w.sessions[0].g), CIT_OK);
    cit_flow_builder_free(b);
    assert_int_equal(trigger_at(&w, 0), CIT_WALK_STEPS - 1);
    w.walk.limits.steps = CIT_WALK_STEPS - 1;
    assert_int_equal(trigger_at(&w, 0), CIT_ELIMIT);
    end(&w);
}

static void the_edges_looked_at_are_limited_too(void **state)
{
    struct world w;

    (void)state;
    begin(&w, "0start 1expression:9 2page", "0=1?1 0=1?1 0=1 0-2");
    w.walk.limits.edges = 9; /* 3 taken up, 3 tested, 2 tested again, 1 normal */
    assert_int_equal(transition(&w, 0), 2);
    for (uint32_t i = 0; i < 9; i++) {
        w.walk.limits.edges = i;
        assert_int_equal(transition(&w, 0), CIT_ELIMIT);
    }
    end(&w);
}

/* A world in which a walk makes every kind of step. */
static void begin_everything(struct world *w)
{
    begin(w, "0start 1page 2background_session:1 3session:2 4page 5expression:1 6wait",
          "0=1 0=2 2=5 2=6 0-3 3=1?1 3-4");
    set(w, 1, "0start 1session:3 2page", "0=1 1=2 0-2");
    set(w, 2, "0start 1expression:2 2nothing", "0=2 0-1");
    set(w, 3, "0start 1page", "0=1");
}

static const char everything[] = "page1 begin1 push1.1 enter3 page1 end0 expression5 pop1.1 page2 wait6";

static void a_failure_of_the_host_ends_the_walk_and_loses_nothing(void **state)
{
    unsigned long calls = 1;
    struct world w;

    (void)state;
    for (unsigned long at = 1; at <= calls; at++) {
        begin_everything(&w);
        w.fail_at = at;
        assert_int_equal(transition(&w, 0), CIT_EAPP);
        end(&w);
        begin_everything(&w);
        assert_int_equal(transition(&w, 0), 2);
        assert_true(log_is(&w, everything));
        calls = w.calls;
        end(&w);
    }
    assert_true(calls > 20);
}

static void a_lack_of_memory_ends_the_walk_and_loses_nothing(void **state)
{
    struct world w;
    int err;

    (void)state;
    for (unsigned long at = 1;; at++) {
        begin_everything(&w);
        cit_mem_fail_at(at);
        err = transition(&w, 0);
        if (cit_mem_fail_at(0) < at)
            break;
        assert_true(err == CIT_ENOMEM);
        end(&w);
        assert_true(at < 10);
    }
    assert_int_equal(err, 2);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_normal_edge_that_passes_is_taken),
        cmocka_unit_test(all_special_edges_fire_and_the_last_true_result_wins),
        cmocka_unit_test(without_a_true_result_of_special_edges_normal_ones_are_followed),
        cmocka_unit_test(after_each_firing_special_edges_are_tested_again_from_the_first),
        cmocka_unit_test(results_that_are_not_true_are_returned_but_do_not_count_on_special_edges),
        cmocka_unit_test(what_is_missing_is_the_hosts_to_tell),
        cmocka_unit_test(a_session_node_with_edges_is_come_back_to),
        cmocka_unit_test(a_session_node_without_edges_is_a_way_of_no_return),
        cmocka_unit_test(edges_of_any_type_make_a_session_node_one_to_come_back_to),
        cmocka_unit_test(dead_ends_of_other_nodes_do_not_go_back),
        cmocka_unit_test(a_transition_keeps_its_graph_but_not_the_session),
        cmocka_unit_test(a_session_node_asks_the_graph_of_now_whether_anything_leaves_it),
        cmocka_unit_test(popping_shows_a_page_and_leaves_a_session_node),
        cmocka_unit_test(a_background_session_runs_beside_the_road),
        cmocka_unit_test(a_dead_end_in_a_background_session_pops_the_real_stack),
        cmocka_unit_test(a_loop_ends_at_the_limit),
        cmocka_unit_test(a_chain_of_steps_up_to_the_limit_is_walked),
        cmocka_unit_test(the_edges_looked_at_are_limited_too),
        cmocka_unit_test(a_failure_of_the_host_ends_the_walk_and_loses_nothing),
        cmocka_unit_test(a_lack_of_memory_ends_the_walk_and_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
