/* flow/walk.c - one loop over steps; what would be recursion is a stack of frames.
 *
 *      ┌─> TRIGGER ──> LEAVE ──┬─ special edge fires: frame ──> TRIGGER
 *      │      │                ├─ normal edge ────────────────> TRIGGER
 *      │      │                └─ none: dead end ──> POP ──┬──> TRIGGER
 *      │      │                            │               └──> LEAVE
 *      │      └──> RETURN <────────────────┘
 *      │             ├─ on a special edge's frame: the next special edge, normal edges, or RETURN
 *      └─────────────┴─ on a background session's frame: LEAVE
 *
 * What holds:
 *  - A step and a frame own one keep of their place's graph and the result they carry.
 *  - RETURN with no frame left is the end of the walk.
 *  - The edges of the top frame are the last ones in todo.
 */
#include "flow/walk.h"

#include <string.h>

#include "base/mem.h"

enum { FIRST_CAP = 8 };

enum step_kind {
    TRIGGER, /* the node at place */
    LEAVE,   /* along the edges of place */
    POP,
    RETURN /* result, to the frame on top */
};

struct step {
    enum step_kind kind;
    struct cit_walk_place place; /* TRIGGER, LEAVE: kept */
    void *result;                /* RETURN: owned */
};

struct cit_walk_frame {
    bool is_background;
    struct cit_walk_place place; /* kept; the node that edges leave */
    uint32_t todo_first;         /* special: its edges begin here in todo */
    void *result;                /* special: the last true one */
    void *saved;                 /* background: the host's */
};

/* ---- places ---- */

static struct cit_walk_place kept(const struct cit_walk *w, struct cit_walk_graph graph,
                                  const struct cit_flow_slot *slot)
{
    w->host->keep(w->ctx, &graph);
    return (struct cit_walk_place){ graph, slot };
}

static void release(const struct cit_walk *w, struct cit_walk_place *place)
{
    if (place->graph.g != NULL)
        w->host->release(w->ctx, &place->graph);
    *place = (struct cit_walk_place){ 0 };
}

/* Gives the step a place it has no keep of yet, instead of the one it has. */
static void go(const struct cit_walk *w, struct step *s, enum step_kind kind, struct cit_walk_place place)
{
    struct cit_walk_place to = kept(w, place.graph, place.slot);

    release(w, &s->place);
    s->kind = kind;
    s->place = to;
}

static void give_back(const struct cit_walk *w, struct step *s, void *result)
{
    release(w, &s->place);
    s->kind = RETURN;
    s->result = result;
}

/* The same id in the graph of now. */
static int place_now(const struct cit_walk *w, const struct cit_walk_place *place, struct cit_walk_place *out)
{
    int err = w->host->now(w->ctx, &out->graph);

    if (err != CIT_OK)
        return err;
    out->slot = place->slot;
    if (out->graph.owner == place->graph.owner || place->slot == NULL)
        return CIT_OK;
    out->slot = NULL;
    return w->host->find(w->ctx, place, &out->graph, &out->slot);
}

static const struct cit_flow_node *node_at(const struct cit_walk_place *place)
{
    if (place->slot == NULL || place->slot->node == CIT_FLOW_NONE)
        return NULL;
    return cit_flow_node_at(place->graph.g, place->slot->node);
}

/* ---- frames ---- */

static int push_frame(struct cit_walk *w, struct cit_walk_frame **out)
{
    if (w->frame_count == w->frame_cap) {
        uint32_t cap = w->frame_cap > 0 ? w->frame_cap * 2 : FIRST_CAP; /* at most twice the limit of steps */
        struct cit_walk_frame *frames = cit_realloc_array(w->frames, cap, sizeof *frames);

        if (frames == NULL)
            return CIT_ENOMEM;
        w->frames = frames;
        w->frame_cap = cap;
    }
    *out = &w->frames[w->frame_count++];
    **out = (struct cit_walk_frame){ .todo_first = w->todo_count };
    return CIT_OK;
}

/* The frame's place is the caller's from now on. */
static struct cit_walk_place pop_frame(struct cit_walk *w)
{
    struct cit_walk_frame *f = &w->frames[--w->frame_count];

    w->todo_count = f->todo_first;
    return f->place;
}

/* Copies the special edges of a slot to todo.  They count as looked at, so that the limit bounds the
 * memory, too. */
static int push_todo(struct cit_walk *w, const struct cit_walk_place *place)
{
    uint32_t count = place->slot->special_count;

    if (count > w->limits.edges - w->done.edges)
        return CIT_ELIMIT;
    w->done.edges += count;
    if (count > w->todo_cap - w->todo_count) {
        uint32_t cap = w->todo_cap > 0 ? w->todo_cap * 2 : FIRST_CAP;
        uint32_t *todo;

        while (cap - w->todo_count < count)
            cap *= 2;
        todo = cit_realloc_array(w->todo, cap, sizeof *todo);
        if (todo == NULL)
            return CIT_ENOMEM;
        w->todo = todo;
        w->todo_cap = cap;
    }
    for (uint32_t i = 0; i < count; i++)
        w->todo[w->todo_count++] = cit_flow_out(place->graph.g, place->slot->special + i);
    return CIT_OK;
}

/* After an error: everything frames own goes back to the host, the innermost first. */
static void unwind(struct cit_walk *w)
{
    while (w->frame_count > 0) {
        struct cit_walk_frame *f = &w->frames[w->frame_count - 1];
        struct cit_walk_place place;

        if (f->result != NULL)
            w->host->drop(w->ctx, f->result);
        if (f->is_background)
            w->host->background_abandon(w->ctx, f->saved);
        place = pop_frame(w);
        release(w, &place);
    }
}

/* ---- edges ---- */

/* 1, 0 or a code. */
static int test_edge(struct cit_walk *w, const struct cit_walk_graph *graph, uint32_t edge)
{
    if (w->done.edges >= w->limits.edges)
        return CIT_ELIMIT;
    w->done.edges++;
    return w->host->edge_passes(w->ctx, graph, edge);
}

/* Triggers the node at the end of an edge. */
static int take_edge(struct cit_walk *w, struct step *s, const struct cit_walk_graph *graph, uint32_t edge)
{
    const struct cit_flow_edge *e = cit_flow_edge_at(graph->g, edge);

    if (e->target_node == CIT_FLOW_NONE)
        return w->host->missing(w->ctx, graph, edge);
    go(w, s, TRIGGER, (struct cit_walk_place){ *graph, cit_flow_slot_of(graph->g, e->target) });
    return CIT_OK;
}

/* Where a dead end leads back from, when there is somewhere to go. */
static bool goes_back(const struct cit_flow_node *node)
{
    return node->type == CIT_FLOW_START || node->type == CIT_FLOW_SESSION || node->type == CIT_FLOW_EXPRESSION;
}

/* No edge passed.  The graph of now is only lent: nothing of it is used once the host has run. */
static int dead_end(struct cit_walk *w, struct step *s)
{
    bool is_node, is_back, is_end;
    struct cit_walk_place here;
    int stacked, err = place_now(w, &s->place, &here);

    if (err != CIT_OK)
        return err;
    is_end = here.slot == NULL || here.slot->normal_count == 0;
    is_node = node_at(&here) != NULL;
    is_back = is_node && goes_back(node_at(&here));
    stacked = is_end ? w->host->is_stacked(w->ctx) : 0;
    if (stacked < 0)
        return stacked;
    if (stacked > 0 && !is_node)
        return w->host->missing(w->ctx, &s->place.graph, CIT_FLOW_NONE);
    if (stacked == 0 || !is_back) {
        give_back(w, s, NULL);
        return CIT_OK;
    }
    release(w, &s->place);
    s->kind = POP;
    return CIT_OK;
}

/* The first normal edge of the step's place that passes. */
static int leave_normally(struct cit_walk *w, struct step *s)
{
    const struct cit_walk_place *p = &s->place;
    uint32_t count = p->slot != NULL ? p->slot->normal_count : 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t edge = cit_flow_out(p->graph.g, p->slot->normal + i);
        int passes = test_edge(w, &p->graph, edge);

        if (passes < 0)
            return passes;
        if (passes > 0) {
            struct cit_walk_graph graph = p->graph; /* p ends with the step's keep, which go() ends last */

            return take_edge(w, s, &graph, edge);
        }
    }
    return dead_end(w, s);
}

/* The next special edge of the top frame, from the first of those left; without one the frame ends. */
static int next_special(struct cit_walk *w, struct step *s)
{
    struct cit_walk_frame *f = &w->frames[w->frame_count - 1];
    uint32_t *todo = w->todo;
    void *result;

    for (uint32_t i = f->todo_first; i < w->todo_count; i++) {
        uint32_t edge = todo[i];
        int passes = test_edge(w, &f->place.graph, edge);

        if (passes < 0)
            return passes;
        if (passes > 0) {
            w->todo_count--;
            memmove(todo + i, todo + i + 1, (w->todo_count - i) * sizeof *todo);
            return take_edge(w, s, &f->place.graph, edge);
        }
    }
    result = f->result;
    s->place = pop_frame(w);
    if (result == NULL)
        return leave_normally(w, s);
    give_back(w, s, result);
    return CIT_OK;
}

/* ---- steps ---- */

static int count_step(struct cit_walk *w, bool is_session)
{
    if (w->done.steps >= w->limits.steps || (is_session && w->done.sessions >= w->limits.sessions))
        return CIT_ELIMIT;
    w->done.steps++;
    w->done.sessions += is_session;
    return CIT_OK;
}

static int leave(struct cit_walk *w, struct step *s)
{
    struct cit_walk_frame *f;
    struct cit_walk_place here;
    int err = place_now(w, &s->place, &here);

    if (err != CIT_OK)
        return err;
    go(w, s, LEAVE, here);
    if (here.slot == NULL || here.slot->special_count == 0)
        return leave_normally(w, s);
    err = push_frame(w, &f);
    if (err != CIT_OK)
        return err;
    f->place = s->place;
    s->place = (struct cit_walk_place){ 0 };
    err = push_todo(w, &f->place);
    return err == CIT_OK ? next_special(w, s) : err;
}

/* Goes on at a slot of what is now the graph of now. */
static int leave_start(struct cit_walk *w, struct step *s, const struct cit_flow_slot *start)
{
    struct cit_walk_graph graph;
    int err = w->host->now(w->ctx, &graph);

    if (err == CIT_OK)
        go(w, s, LEAVE, (struct cit_walk_place){ graph, start });
    return err;
}

static int enter(struct cit_walk *w, struct step *s)
{
    const struct cit_flow_slot *start = NULL;
    struct cit_walk_place here;
    int err = place_now(w, &s->place, &here);

    if (err == CIT_OK)
        err = w->host->enter(w->ctx, &s->place, here.slot != NULL && here.slot->out_count > 0, &start);
    return err == CIT_OK ? leave_start(w, s, start) : err;
}

static int enter_background(struct cit_walk *w, struct step *s)
{
    const struct cit_flow_slot *start = NULL;
    struct cit_walk_frame *f;
    void *saved = NULL;
    int err = push_frame(w, &f);

    if (err != CIT_OK)
        return err;
    err = w->host->background_enter(w->ctx, &s->place, &saved, &start);
    if (err != CIT_OK) {
        w->frame_count--;
        return err;
    }
    f->is_background = true;
    f->saved = saved;
    f->place = s->place;
    s->place = (struct cit_walk_place){ 0 };
    return leave_start(w, s, start);
}

static int act(struct cit_walk *w, struct step *s)
{
    enum cit_walk_answer answer = CIT_WALK_STOP;
    void *result = NULL;
    int err = w->host->act(w->ctx, &s->place, &answer, &result);

    if (err != CIT_OK)
        return err;
    if (answer == CIT_WALK_FOLLOW)
        s->kind = LEAVE;
    else
        give_back(w, s, result);
    return CIT_OK;
}

static int trigger(struct cit_walk *w, struct step *s)
{
    uint8_t type = node_at(&s->place)->type;
    bool is_session = type == CIT_FLOW_SESSION || type == CIT_FLOW_BACKGROUND;
    int err = count_step(w, is_session);

    if (err != CIT_OK)
        return err;
    if (type == CIT_FLOW_SESSION)
        return enter(w, s);
    if (type == CIT_FLOW_BACKGROUND)
        return enter_background(w, s);
    if (type != CIT_FLOW_START)
        return act(w, s);
    s->kind = LEAVE;
    return CIT_OK;
}

static int pop(struct cit_walk *w, struct step *s)
{
    const struct cit_flow_node *node;
    struct cit_walk_place here = { 0 };
    int err;

    err = count_step(w, true);
    if (err == CIT_OK)
        err = w->host->pop(w->ctx, &here.slot);
    if (err == CIT_OK)
        err = w->host->now(w->ctx, &here.graph);
    if (err != CIT_OK)
        return err;
    node = node_at(&here);
    if (node == NULL)
        return w->host->missing(w->ctx, &here.graph, CIT_FLOW_NONE);
    go(w, s, node->type == CIT_FLOW_SESSION || node->type == CIT_FLOW_BACKGROUND ? LEAVE : TRIGGER, here);
    return CIT_OK;
}

/* A special edge's node gave its result. */
static int return_special(struct cit_walk *w, struct step *s, struct cit_walk_frame *f)
{
    int is_true = s->result != NULL ? w->host->is_true(w->ctx, s->result) : 0;

    if (is_true < 0)
        return is_true;
    if (is_true > 0) {
        void *before = f->result;

        f->result = s->result;
        s->result = before;
    }
    if (s->result != NULL)
        w->host->drop(w->ctx, s->result);
    s->result = NULL;
    return next_special(w, s);
}

/* A background session came to its end; its result is nobody's. */
static int return_background(struct cit_walk *w, struct step *s, struct cit_walk_frame *f)
{
    void *saved = f->saved;

    if (s->result != NULL)
        w->host->drop(w->ctx, s->result);
    s->result = NULL;
    s->kind = LEAVE;
    s->place = pop_frame(w);
    return w->host->background_leave(w->ctx, &s->place, saved);
}

static int step(struct cit_walk *w, struct step *s)
{
    struct cit_walk_frame *f;

    switch (s->kind) {
    case TRIGGER:
        return trigger(w, s);
    case LEAVE:
        return leave(w, s);
    case POP:
        return pop(w, s);
    case RETURN:
        break;
    }
    f = &w->frames[w->frame_count - 1];
    return f->is_background ? return_background(w, s, f) : return_special(w, s, f);
}

static int walk(struct cit_walk *w, struct step *s, void **result)
{
    int err = CIT_OK;

    w->done = (struct cit_walk_limits){ 0 };
    while (err == CIT_OK && (s->kind != RETURN || w->frame_count > 0))
        err = step(w, s);
    if (err == CIT_OK) {
        *result = s->result;
        return CIT_OK;
    }
    release(w, &s->place);
    if (s->result != NULL)
        w->host->drop(w->ctx, s->result);
    unwind(w);
    return err;
}

/* ---- entries ---- */

int cit_walk_transition(struct cit_walk *w, const struct cit_flow_slot *slot, void **result)
{
    struct cit_walk_place here = { .slot = slot };
    int err = w->host->now(w->ctx, &here.graph);
    struct step s = { 0 };

    if (err != CIT_OK)
        return err;
    go(w, &s, LEAVE, here);
    return walk(w, &s, result);
}

int cit_walk_trigger(struct cit_walk *w, const struct cit_walk_place *node, void **result)
{
    struct step s = { 0 };

    go(w, &s, TRIGGER, *node);
    return walk(w, &s, result);
}

int cit_walk_pop(struct cit_walk *w, void **result)
{
    struct step s = { .kind = POP };

    return walk(w, &s, result);
}

void cit_walk_fini(struct cit_walk *w)
{
    cit_free(w->frames);
    cit_free(w->todo);
    w->frames = NULL;
    w->todo = NULL;
    w->frame_count = w->frame_cap = w->todo_count = w->todo_cap = 0;
}
