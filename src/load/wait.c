/* load/wait.c - users that wait, in order of time: a binary heap. */
#include "load/engine_int.h"

static void put(struct cit__thread *t, uint32_t i, struct cit__user *u)
{
    t->heap[i] = u;
    u->slot = i;
}

static void rise(struct cit__thread *t, uint32_t i, struct cit__user *u)
{
    while (i > 0) {
        uint32_t up = (i - 1) / 2;

        if (t->heap[up]->at_ns <= u->at_ns)
            break;
        put(t, i, t->heap[up]);
        i = up;
    }
    put(t, i, u);
}

static void sink(struct cit__thread *t, uint32_t i, struct cit__user *u)
{
    for (;;) {
        uint32_t down = 2 * i + 1;

        if (down >= t->nheap)
            break;
        if (down + 1 < t->nheap && t->heap[down + 1]->at_ns < t->heap[down]->at_ns)
            down++;
        if (t->heap[down]->at_ns >= u->at_ns)
            break;
        put(t, i, t->heap[down]);
        i = down;
    }
    put(t, i, u);
}

void cit__wait_add(struct cit__thread *t, struct cit__user *u, int64_t at_ns)
{
    u->at_ns = at_ns;
    rise(t, t->nheap++, u);
}

void cit__wait_remove(struct cit__thread *t, struct cit__user *u)
{
    uint32_t i = u->slot;
    struct cit__user *last = t->heap[--t->nheap];

    if (last == u)
        return;
    if (i > 0 && t->heap[(i - 1) / 2]->at_ns > last->at_ns)
        rise(t, i, last);
    else
        sink(t, i, last);
}
