/* flow/graph.c - a graph is collected by a builder, then sorted once and never changed.
 *
 * Ids are found without hashing, so that no choice of ids makes a graph slow: where they lie
 * close together (they nearly always do) a table over their whole range points at the slots;
 * where they are scattered the slots, which are in order of their ids, are searched by halves.
 */
#include "flow/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
    FIRST_CAP = 16,
    TEXT_MAX = 1 << 30, /* bytes of all texts of a graph */
    PROBES_MAX = 64,    /* see find_expr */
    RANGE_PER_ID = 2,   /* entries of the table an id may cost */
    RANGE_ALWAYS = 64,  /* ... and those that are not counted */
    NODE_TEXTS = 3
};

/* A piece of the builder's texts: they move while they grow. */
struct span {
    uint32_t at, n;
};

struct cit_flow_builder {
    struct cit_flow_node *nodes; /* their slices are set at the end, from node_texts */
    struct span *node_texts;     /* title, ref, variable of each */
    struct cit_flow_edge *edges;
    struct span *exprs;
    uint32_t *expr_table; /* hash -> number, 0: free; a power of two */
    uint32_t node_count, node_cap, node_text_cap, edge_count, edge_cap, expr_count, expr_cap, expr_table_cap;
    struct cit_buf texts;
};

struct cit_flow_graph {
    struct cit_flow_node *nodes;
    struct cit_flow_edge *edges;
    struct cit_flow_slot *slots; /* in order of their ids */
    uint32_t *out;               /* edge indexes */
    struct cit_slice *exprs;
    char *texts;
    uint32_t *table; /* id - first_id -> slot; NULL: search the slots */
    int64_t first_id;
    uint64_t table_count;
    uint32_t node_count, edge_count, slot_count, out_count, expr_count;
    size_t text_bytes;
};

/* ---- types ---- */

static const struct cit_slice type_texts[] = {
#define TYPE_TEXT(name, text) { text, sizeof(text) - 1 },
    CIT_FLOW_TYPES(TYPE_TEXT)
#undef TYPE_TEXT
};

enum cit_flow_type cit_flow_type_of(struct cit_slice text)
{
    for (int i = CIT_FLOW_OTHER + 1; i < CIT_FLOW_TYPE_COUNT; i++) {
        if (cit_slice_eq(text, type_texts[i]))
            return (enum cit_flow_type)i;
    }
    return CIT_FLOW_OTHER;
}

const char *cit_flow_type_text(enum cit_flow_type type)
{
    return type_texts[type].p;
}

/* ---- building ---- */

struct cit_flow_builder *cit_flow_builder_new(void)
{
    struct cit_flow_builder *b = cit_calloc(1, sizeof *b);

    if (b != NULL)
        cit_buf_init(&b->texts, TEXT_MAX);
    return b;
}

void cit_flow_builder_free(struct cit_flow_builder *b)
{
    if (b == NULL)
        return;
    cit_free(b->nodes);
    cit_free(b->node_texts);
    cit_free(b->edges);
    cit_free(b->exprs);
    cit_free(b->expr_table);
    cit_buf_fini(&b->texts);
    cit_free(b);
}

/* The array with room for `need` items, or NULL: then it is as it was.  *cap is its length. */
static void *grown(void *items, uint32_t *cap, size_t size, uint32_t need)
{
    uint32_t new_cap = *cap > 0 ? *cap : FIRST_CAP;
    void *p;

    if (need <= *cap)
        return items;
    while (new_cap < need)
        new_cap *= 2;
    p = cit_realloc_array(items, new_cap, size);
    if (p != NULL)
        *cap = new_cap;
    return p;
}

static int add_text(struct cit_flow_builder *b, struct cit_slice text, struct span *out)
{
    size_t at = b->texts.len;
    int err;

    *out = (struct span){ 0 };
    if (text.n == 0)
        return CIT_OK;
    err = cit_buf_add_slice(&b->texts, text);
    if (err == CIT_OK)
        *out = (struct span){ (uint32_t)at, (uint32_t)text.n };
    return err;
}

static uint32_t hash_text(struct cit_slice text)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < text.n; i++)
        h = (h ^ (unsigned char)text.p[i]) * 16777619u;
    return h ^ h >> 15;
}

/* The place of a text in the table, or a free one for it.  NULL after PROBES_MAX others: such a
 * text, which is one of thousands written to collide, gets a number of its own each time, and
 * costs memory but no time. */
static uint32_t *find_expr(const struct cit_flow_builder *b, struct cit_slice text)
{
    uint32_t mask = b->expr_table_cap - 1, at = hash_text(text);

    for (int i = 0; i < PROBES_MAX; i++) {
        uint32_t *place = &b->expr_table[(at + (uint32_t)i) & mask];
        const struct span *s = *place > 0 ? &b->exprs[*place - 1] : NULL;

        if (s == NULL || cit_slice_eq(cit_slice(b->texts.p + s->at, s->n), text))
            return place;
    }
    return NULL;
}

/* The table is at most half full. */
static int grow_table(struct cit_flow_builder *b)
{
    uint32_t *old = b->expr_table, old_cap = b->expr_table_cap, cap = old_cap > 0 ? old_cap * 2 : FIRST_CAP;

    if (b->expr_count < old_cap / 2)
        return CIT_OK;
    b->expr_table = cit_calloc(cap, sizeof *b->expr_table);
    if (b->expr_table == NULL) {
        b->expr_table = old;
        return CIT_ENOMEM;
    }
    b->expr_table_cap = cap;
    for (uint32_t i = 0; i < old_cap; i++) {
        uint32_t number = old[i];
        struct span s = number > 0 ? b->exprs[number - 1] : (struct span){ 0 };
        uint32_t *place = number > 0 ? find_expr(b, cit_slice(b->texts.p + s.at, s.n)) : NULL;

        if (place != NULL)
            *place = number;
    }
    cit_free(old);
    return CIT_OK;
}

/* A text that has no number yet gets the next one. */
static int add_expr(struct cit_flow_builder *b, struct cit_slice text)
{
    struct span *exprs;
    int err;

    if (b->expr_count >= CIT_FLOW_EDGES_MAX)
        return CIT_ELIMIT;
    exprs = grown(b->exprs, &b->expr_cap, sizeof *exprs, b->expr_count + 1);
    if (exprs == NULL)
        return CIT_ENOMEM;
    b->exprs = exprs;
    err = add_text(b, text, &exprs[b->expr_count]);
    if (err == CIT_OK)
        b->expr_count++;
    return err;
}

int cit_flow_builder_expr(struct cit_flow_builder *b, struct cit_slice text, uint32_t *number)
{
    uint32_t *place;
    int err;

    if (text.n == 0) {
        *number = 0;
        return CIT_OK;
    }
    err = grow_table(b);
    if (err != CIT_OK)
        return err;
    place = find_expr(b, text);
    if (place == NULL || *place == 0) {
        err = add_expr(b, text);
        if (err != CIT_OK)
            return err;
    }
    if (place != NULL && *place == 0)
        *place = b->expr_count;
    *number = place != NULL ? *place : b->expr_count;
    return CIT_OK;
}

/* Room for one more node and its texts. */
static int reserve_node(struct cit_flow_builder *b)
{
    uint32_t need = b->node_count + 1;
    struct cit_flow_node *nodes;
    struct span *texts;

    if (b->node_count >= CIT_FLOW_NODES_MAX)
        return CIT_ELIMIT;
    nodes = grown(b->nodes, &b->node_cap, sizeof *nodes, need);
    if (nodes == NULL)
        return CIT_ENOMEM;
    b->nodes = nodes;
    texts = grown(b->node_texts, &b->node_text_cap, sizeof *texts, need * NODE_TEXTS);
    if (texts == NULL)
        return CIT_ENOMEM;
    b->node_texts = texts;
    return CIT_OK;
}

int cit_flow_builder_node(struct cit_flow_builder *b, const struct cit_flow_node *node)
{
    const struct cit_slice texts[NODE_TEXTS] = { node->title, node->ref, node->variable };
    uint32_t at = b->node_count;
    int err = reserve_node(b);

    for (uint32_t i = 0; err == CIT_OK && i < NODE_TEXTS; i++)
        err = add_text(b, texts[i], &b->node_texts[at * NODE_TEXTS + i]);
    if (err != CIT_OK)
        return err;
    b->nodes[at] = *node;
    b->node_count++;
    return CIT_OK;
}

int cit_flow_builder_edge(struct cit_flow_builder *b, const struct cit_flow_edge *edge)
{
    struct cit_flow_edge *edges;

    if (b->edge_count >= CIT_FLOW_EDGES_MAX)
        return CIT_ELIMIT;
    edges = grown(b->edges, &b->edge_cap, sizeof *edges, b->edge_count + 1);
    if (edges == NULL)
        return CIT_ENOMEM;
    b->edges = edges;
    edges[b->edge_count] = *edge;
    edges[b->edge_count++].target_node = CIT_FLOW_NONE;
    return CIT_OK;
}

/* ---- finishing: the ids ---- */

/* The smallest and the largest id that is a node or a source; false without any. */
static bool id_range(const struct cit_flow_graph *g, int64_t *least, int64_t *most)
{
    *least = INT64_MAX;
    *most = INT64_MIN;
    for (uint32_t i = 0; i < g->node_count; i++) {
        *least = g->nodes[i].id < *least ? g->nodes[i].id : *least;
        *most = g->nodes[i].id > *most ? g->nodes[i].id : *most;
    }
    for (uint32_t i = 0; i < g->edge_count; i++) {
        *least = g->edges[i].source < *least ? g->edges[i].source : *least;
        *most = g->edges[i].source > *most ? g->edges[i].source : *most;
    }
    return g->node_count + g->edge_count > 0;
}

static int make_slots(struct cit_flow_graph *g, uint32_t count)
{
    g->slots = cit_calloc(count, sizeof *g->slots);
    if (g->slots == NULL)
        return CIT_ENOMEM;
    g->slot_count = count;
    for (uint32_t i = 0; i < count; i++)
        g->slots[i].node = CIT_FLOW_NONE;
    return CIT_OK;
}

/* Ids that lie close together: the table. */
static int index_range(struct cit_flow_graph *g, int64_t least, uint64_t range)
{
    uint32_t count = 0;
    int err;

    g->table = cit_calloc(range, sizeof *g->table);
    if (g->table == NULL)
        return CIT_ENOMEM;
    g->first_id = least;
    g->table_count = range;
    for (uint32_t i = 0; i < g->node_count; i++)
        g->table[(uint64_t)g->nodes[i].id - (uint64_t)least] = 1;
    for (uint32_t i = 0; i < g->edge_count; i++)
        g->table[(uint64_t)g->edges[i].source - (uint64_t)least] = 1;
    for (uint64_t i = 0; i < range; i++)
        g->table[i] = g->table[i] > 0 ? count++ : CIT_FLOW_NONE;
    err = make_slots(g, count);
    for (uint64_t i = 0; err == CIT_OK && i < range; i++) {
        if (g->table[i] != CIT_FLOW_NONE)
            g->slots[g->table[i]].id = (int64_t)((uint64_t)least + i);
    }
    return err;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Scattered ids: the slots in order. */
static int index_sorted(struct cit_flow_graph *g)
{
    size_t all = (size_t)g->node_count + g->edge_count;
    int64_t *ids = cit_realloc_array(NULL, all, sizeof *ids);
    uint32_t count = 0;
    int err;

    if (ids == NULL)
        return CIT_ENOMEM;
    for (uint32_t i = 0; i < g->node_count; i++)
        ids[i] = g->nodes[i].id;
    for (uint32_t i = 0; i < g->edge_count; i++)
        ids[g->node_count + i] = g->edges[i].source;
    qsort(ids, all, sizeof *ids, compare_ids);
    for (size_t i = 0; i < all; i++) {
        if (i == 0 || ids[i] != ids[i - 1])
            ids[count++] = ids[i];
    }
    err = make_slots(g, count);
    for (uint32_t i = 0; err == CIT_OK && i < count; i++)
        g->slots[i].id = ids[i];
    cit_free(ids);
    return err;
}

static int index_ids(struct cit_flow_graph *g)
{
    uint64_t ids = (uint64_t)g->node_count + g->edge_count, range;
    int64_t least, most;

    if (!id_range(g, &least, &most))
        return CIT_OK;
    range = (uint64_t)most - (uint64_t)least;
    return range < RANGE_ALWAYS + ids * RANGE_PER_ID ? index_range(g, least, range + 1) : index_sorted(g);
}

static struct cit_flow_slot *slot_of(const struct cit_flow_graph *g, int64_t id)
{
    uint32_t low = 0, high = g->slot_count;

    if (g->table != NULL) {
        uint64_t at = (uint64_t)id - (uint64_t)g->first_id;

        if (at >= g->table_count || g->table[at] == CIT_FLOW_NONE)
            return NULL;
        return &g->slots[g->table[at]];
    }
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (g->slots[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < g->slot_count && g->slots[low].id == id ? &g->slots[low] : NULL;
}

/* ---- finishing: the edges ---- */

static void count_edges(struct cit_flow_graph *g)
{
    for (uint32_t i = 0; i < g->edge_count; i++) {
        const struct cit_flow_edge *e = &g->edges[i];
        struct cit_flow_slot *s = slot_of(g, e->source);

        s->out_count++;
        s->special_count += e->type == CIT_FLOW_EDGE_SPECIAL;
        s->normal_count += e->type == CIT_FLOW_EDGE_NORMAL;
    }
    for (uint32_t i = 0; i < g->slot_count; i++) {
        struct cit_flow_slot *s = &g->slots[i];

        s->special = g->out_count;
        s->normal = s->special + s->special_count;
        g->out_count = s->normal + s->normal_count;
        s->special_count = s->normal_count = 0;
    }
}

static void place_edges(struct cit_flow_graph *g)
{
    for (uint32_t i = 0; i < g->edge_count; i++) {
        struct cit_flow_edge *e = &g->edges[i];
        struct cit_flow_slot *s = slot_of(g, e->source);
        const struct cit_flow_slot *to = slot_of(g, e->target);

        e->target_node = to != NULL ? to->node : CIT_FLOW_NONE;
        if (e->type == CIT_FLOW_EDGE_SPECIAL)
            g->out[s->special + s->special_count++] = i;
        else if (e->type == CIT_FLOW_EDGE_NORMAL)
            g->out[s->normal + s->normal_count++] = i;
    }
}

static int sort_edges(struct cit_flow_graph *g)
{
    for (uint32_t i = 0; i < g->node_count; i++)
        slot_of(g, g->nodes[i].id)->node = i;
    count_edges(g);
    if (g->out_count > 0) {
        g->out = cit_realloc_array(NULL, g->out_count, sizeof *g->out);
        if (g->out == NULL)
            return CIT_ENOMEM;
    }
    place_edges(g);
    return CIT_OK;
}

/* ---- finishing: what the builder gives away ---- */

/* The block without the room that was never used; the block itself when that fails. */
static void *trimmed(void *p, size_t count, size_t size)
{
    void *less = count > 0 ? cit_realloc_array(p, count, size) : NULL;

    return less != NULL ? less : p;
}

static int make_exprs(struct cit_flow_graph *g, const struct cit_flow_builder *b)
{
    if (b->expr_count == 0)
        return CIT_OK;
    g->exprs = cit_realloc_array(NULL, b->expr_count, sizeof *g->exprs);
    if (g->exprs == NULL)
        return CIT_ENOMEM;
    g->expr_count = b->expr_count;
    return CIT_OK;
}

/* From here on nothing fails: the builder's memory becomes the graph's. */
static void take_texts(struct cit_flow_graph *g, struct cit_flow_builder *b)
{
    g->text_bytes = b->texts.len;
    g->texts = trimmed(b->texts.p, b->texts.len, 1);
    b->texts = (struct cit_buf){ 0 };
    for (uint32_t i = 0; i < g->node_count; i++) {
        const struct span *s = &b->node_texts[(size_t)i * NODE_TEXTS];

        g->nodes[i].title = cit_slice(s[0].n > 0 ? g->texts + s[0].at : "", s[0].n);
        g->nodes[i].ref = cit_slice(s[1].n > 0 ? g->texts + s[1].at : "", s[1].n);
        g->nodes[i].variable = cit_slice(s[2].n > 0 ? g->texts + s[2].at : "", s[2].n);
    }
    for (uint32_t i = 0; i < g->expr_count; i++)
        g->exprs[i] = cit_slice(g->texts + b->exprs[i].at, b->exprs[i].n);
}

int cit_flow_builder_finish(struct cit_flow_builder *b, struct cit_flow_graph **out)
{
    struct cit_flow_graph *g = cit_calloc(1, sizeof *g);
    int err;

    if (g == NULL)
        return CIT_ENOMEM;
    g->nodes = b->nodes; /* lent until nothing can fail any more */
    g->edges = b->edges;
    g->node_count = b->node_count;
    g->edge_count = b->edge_count;
    err = index_ids(g);
    if (err == CIT_OK)
        err = sort_edges(g);
    if (err == CIT_OK)
        err = make_exprs(g, b);
    if (err != CIT_OK) {
        g->nodes = NULL;
        g->edges = NULL;
        cit_flow_graph_free(g);
        return err;
    }
    take_texts(g, b);
    g->nodes = trimmed(b->nodes, g->node_count, sizeof *g->nodes);
    g->edges = trimmed(b->edges, g->edge_count, sizeof *g->edges);
    b->nodes = NULL;
    b->edges = NULL;
    *out = g;
    return CIT_OK;
}

void cit_flow_graph_free(struct cit_flow_graph *g)
{
    if (g == NULL)
        return;
    cit_free(g->nodes);
    cit_free(g->edges);
    cit_free(g->slots);
    cit_free(g->out);
    cit_free(g->exprs);
    cit_free(g->texts);
    cit_free(g->table);
    cit_free(g);
}

/* ---- reading ---- */

uint32_t cit_flow_node_count(const struct cit_flow_graph *g)
{
    return g->node_count;
}

uint32_t cit_flow_edge_count(const struct cit_flow_graph *g)
{
    return g->edge_count;
}

uint32_t cit_flow_expr_count(const struct cit_flow_graph *g)
{
    return g->expr_count;
}

size_t cit_flow_graph_bytes(const struct cit_flow_graph *g)
{
    return sizeof *g + g->node_count * sizeof *g->nodes + g->edge_count * sizeof *g->edges +
           g->slot_count * sizeof *g->slots + g->out_count * sizeof *g->out + g->expr_count * sizeof *g->exprs +
           g->table_count * sizeof *g->table + g->text_bytes;
}

const struct cit_flow_node *cit_flow_node_at(const struct cit_flow_graph *g, uint32_t index)
{
    return &g->nodes[index];
}

const struct cit_flow_edge *cit_flow_edge_at(const struct cit_flow_graph *g, uint32_t index)
{
    return &g->edges[index];
}

struct cit_slice cit_flow_expr_text(const struct cit_flow_graph *g, uint32_t number)
{
    return number > 0 ? g->exprs[number - 1] : cit_slice("", 0);
}

const struct cit_flow_slot *cit_flow_slot_of(const struct cit_flow_graph *g, int64_t id)
{
    return slot_of(g, id);
}

uint32_t cit_flow_out(const struct cit_flow_graph *g, uint32_t i)
{
    return g->out[i];
}

bool cit_flow_is_dead_end(const struct cit_flow_graph *g, int64_t id)
{
    const struct cit_flow_slot *s = slot_of(g, id);

    return s == NULL || s->normal_count == 0;
}
