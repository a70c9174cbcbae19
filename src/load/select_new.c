/* load/select_new.c - selectors put together, part by part. */
#include <string.h>

#include "load/select_int.h"

enum { LITERAL_MIN = 4 };

int cit__select_init(struct cit__building *b, struct cit__maker *m)
{
    *b = (struct cit__building){ .m = m, .select = cit_arena_zero(m->arena, 1, sizeof *b->select) };
    return b->select != NULL ? CIT_OK : CIT_ENOMEM;
}

void cit__select_begin(struct cit__building *b, bool is_first, bool is_child)
{
    b->is_first = is_first;
    b->is_child = is_child;
    b->nconds = 0;
    b->tag = cit_slice(NULL, 0);
}

int cit__select_cond(struct cit__building *b, const struct cit__cond *cond, const char *at)
{
    struct cit__cond c = *cond;

    if (b->nconds == CIT__CONDS_MAX)
        return cit__q_refuse(b->m, at, "there are more than %d conditions for one element", CIT__CONDS_MAX);
    if (c.kind == CIT__COND_POSITION) {
        if (b->select->npositions == CIT__POSITIONS_MAX)
            return cit__q_refuse(b->m, at, "there are more than %d positions", CIT__POSITIONS_MAX);
        c.counter = b->select->npositions++;
    }
    b->cond[b->nconds++] = c;
    return CIT_OK;
}

int cit__select_end(struct cit__building *b, const char *at, bool is_last)
{
    struct cit__select *s = b->select;
    uint64_t bit = 1ull << s->nparts;
    struct cit__cond *conds;

    if (s->nparts == CIT__PARTS_MAX)
        return cit__q_refuse(b->m, at, "it has more than %d parts", CIT__PARTS_MAX);
    conds = cit_arena_zero(b->m->arena, b->nconds + 1, sizeof *conds);
    if (conds == NULL)
        return CIT_ENOMEM;
    memcpy(conds, b->cond, b->nconds * sizeof *conds);
    s->part[s->nparts++] = (struct cit__part){ .tag = b->tag, .conds = conds, .nconds = b->nconds };
    if (b->is_first)
        *(b->is_child ? &s->at_root : &s->anywhere) |= bit;
    else
        *(b->is_child ? &s->as_child : &s->as_descendant) |= bit;
    s->last |= is_last ? bit : 0;
    return CIT_OK;
}

/* ---- literals ---- */

static bool is_plain(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* The longest run of bytes which, in a page, only a number could stand for. */
static struct cit_slice plain_run(struct cit_slice s)
{
    struct cit_slice best = { 0 };

    for (size_t i = 0, from = 0; i <= s.n; i++) {
        if (i < s.n && is_plain(s.p[i]))
            continue;
        if (i - from > best.n)
            best = cit_slice(s.p + from, i - from);
        from = i + 1;
    }
    return best;
}

/* What a page must have for anything to be selected; with alternatives, nothing is known. */
static struct cit_slice find_literal(const struct cit__select *s)
{
    struct cit_slice best = { 0 };

    if ((s->last & (s->last - 1)) != 0)
        return best;
    for (uint32_t i = 0; i < s->nparts; i++) {
        for (uint32_t k = 0; k < s->part[i].nconds; k++) {
            struct cit_slice run = plain_run(s->part[i].conds[k].value);

            if (run.n > best.n)
                best = run;
        }
    }
    return best.n >= LITERAL_MIN ? best : cit_slice(NULL, 0);
}

int cit__select_finish(struct cit__building *b, const struct cit__select **out)
{
    struct cit__select *s = b->select;

    s->literal = find_literal(s);
    s->needs_tree =
        (s->at_root | s->as_child | s->as_descendant) != 0 || s->npositions > 0 || s->node == CIT__NODE_TEXT;
    *out = s;
    return CIT_OK;
}
