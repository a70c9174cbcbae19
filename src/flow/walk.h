/* flow/walk.h - the stepping engine: from a node along edges to the next page, without recursion.
 *
 *      transition(n)   special edges: every one that passes fires, in list order, and after each
 *                      firing those left are tested again from the first; the last true result wins.
 *                      No true result: the first normal edge that passes.  None: a dead end.
 *      trigger(node)   start: transition.  session: enter it, transition from its start.
 *                      background_session: the same beside the road, then transition.
 *                      Any other: the host acts, and says whether to go on.
 *      dead end        a start, session or expression node that no normal edge leaves goes back to
 *                      the place on top of the stack of places, when there is one.
 *
 * A transition keeps the graph in which it began: its targets are nodes of that graph, even when a
 * special edge led into another one for good.  Dead ends, and whether anything leaves a session
 * node, are asked of the graph of now.  (This is how stored programmes of Serafin run.)
 *
 * Everything outside is the host's: a table of functions over graphs, numbers and opaque results.
 * A step that is the last one of another needs no memory: only the firing of a special edge and a
 * background session leave a frame.
 *
 * Depends on: base/err, flow/graph.
 * Ownership:  a walk owns its frames; graphs in use are kept and released through the host, results
 *             are the host's and handed back or dropped through it.
 * Threads:    one at a time; the host's functions run on the caller's.
 * Limits:     steps, edges looked at and sessions entered in one walk; past them CIT_ELIMIT.
 */
#ifndef CIT_FLOW_WALK_H
#define CIT_FLOW_WALK_H

#include "base/err.h"
#include "flow/graph.h"

enum {
    CIT_WALK_STEPS = 10000, /* the default limit, ... */
    CIT_WALK_EDGES_PER_STEP = 20,
    CIT_WALK_STEPS_PER_SESSION = 10,
    CIT_WALK_SESSIONS_LEAST = 100,
    CIT_WALK_STEPS_MAX = 1 << 20 /* ... and the highest */
};

/* A graph and whatever keeps it alive. */
struct cit_walk_graph {
    const struct cit_flow_graph *g;
    void *owner; /* the host's; two graphs are the same when their owners are */
};

/* A node, or a place where none is (slot NULL: nothing leaves it, either). */
struct cit_walk_place {
    struct cit_walk_graph graph;
    const struct cit_flow_slot *slot; /* of graph */
};

/* What follows a node on which the host acted. */
enum cit_walk_answer {
    CIT_WALK_STOP,  /* *result is the node's (NULL: none) */
    CIT_WALK_FOLLOW /* its edges */
};

/* All functions that return int: CIT_OK (or what they say), or a negative code that ends the walk
 * and is its result. */
struct cit_walk_host {
    /* The graph of the session of now; lent until the host changes it. */
    int (*now)(void *ctx, struct cit_walk_graph *out);

    /* A graph stays alive while it is kept as often as it is released. */
    void (*keep)(void *ctx, const struct cit_walk_graph *graph);
    void (*release)(void *ctx, const struct cit_walk_graph *graph);

    /* The slot that has in `graph` the id that place has in its own; *out is NULL when none has. */
    int (*find)(void *ctx, const struct cit_walk_place *place, const struct cit_walk_graph *graph,
                const struct cit_flow_slot **out);

    /* 1: the edge passes, 0: it does not. */
    int (*edge_passes)(void *ctx, const struct cit_walk_graph *graph, uint32_t edge);

    /* A node of any type but start, session and background_session. */
    int (*act)(void *ctx, const struct cit_walk_place *node, enum cit_walk_answer *answer, void **result);

    /* A session node: makes the session it names the one of now.  leaves: the place is to be pushed
     * first.  *start is the slot in the new graph of now from which to go (NULL: it has none). */
    int (*enter)(void *ctx, const struct cit_walk_place *node, bool leaves, const struct cit_flow_slot **start);

    /* A background session: the same without a push; *saved is what leaving it needs.  Each is
     * handed to exactly one of the other two: abandon when the walk ends with an error. */
    int (*background_enter)(void *ctx, const struct cit_walk_place *node, void **saved,
                            const struct cit_flow_slot **start);
    int (*background_leave)(void *ctx, const struct cit_walk_place *node, void *saved);
    void (*background_abandon)(void *ctx, void *saved);

    /* 1: there are places on the stack, 0: there are none. */
    int (*is_stacked)(void *ctx);

    /* Takes a place off the stack and makes its session the one of now; *slot as above. */
    int (*pop)(void *ctx, const struct cit_flow_slot **slot);

    /* There is no node where one must be: at the end of an edge of graph, or, edge CIT_FLOW_NONE, at
     * a place (graph is then any).  Returns the code that ends the walk. */
    int (*missing)(void *ctx, const struct cit_walk_graph *graph, uint32_t edge);

    /* 1: a special edge's result that counts, 0: as good as none.  Asked only of results not NULL. */
    int (*is_true)(void *ctx, void *result);
    void (*drop)(void *ctx, void *result);
};

struct cit_walk_limits {
    uint32_t steps;    /* nodes triggered and places popped */
    uint32_t edges;    /* edges looked at: special ones when their node is left, all when they are tested */
    uint32_t sessions; /* sessions entered and places popped: they cost a host most, and make stacks long */
};

struct cit_walk_frame;

/* A walk at rest owns nothing but memory it may use again; {.host, .ctx, .limits} is one. */
struct cit_walk {
    const struct cit_walk_host *host; /* borrowed */
    void *ctx;                        /* the host's */
    struct cit_walk_limits limits;

    struct cit_walk_frame *frames; /* owned */
    uint32_t *todo;                /* owned: special edges of all frames that have not fired */
    uint32_t frame_count, frame_cap, todo_count, todo_cap;
    struct cit_walk_limits done; /* of this walk so far */
};

/* The limits that go with a number of steps. */
static inline struct cit_walk_limits cit_walk_limits_of(uint32_t steps)
{
    uint32_t sessions = steps / CIT_WALK_STEPS_PER_SESSION;

    return (struct cit_walk_limits){ .steps = steps,
                                     .edges = steps * CIT_WALK_EDGES_PER_STEP,
                                     .sessions =
                                         sessions > CIT_WALK_SESSIONS_LEAST ? sessions : CIT_WALK_SESSIONS_LEAST };
}

void cit_walk_fini(struct cit_walk *w);

/* Each walks until there is a result or none (*result NULL; else the caller's, to be dropped):
 * CIT_OK, CIT_ELIMIT, CIT_ENOMEM, or the host's code; then *result is untouched.
 * A walk is not for use inside itself: a host that calls back gives another one. */

/* Along the edges that leave a slot of the graph of now (NULL: nothing leaves). */
CIT_MUST_CHECK int cit_walk_transition(struct cit_walk *w, const struct cit_flow_slot *slot, void **result);

/* The node at a place, of any graph; slot not NULL and with a node. */
CIT_MUST_CHECK int cit_walk_trigger(struct cit_walk *w, const struct cit_walk_place *node, void **result);

/* Back to the place on top of the stack. */
CIT_MUST_CHECK int cit_walk_pop(struct cit_walk *w, void **result);

#endif
