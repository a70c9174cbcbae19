/* net/timer.c - deadlines for many connections: a hashed wheel of four levels.
 *
 *      level 0: 256 slots of 1 ms      │ a timer lies in the lowest level whose span
 *      level 1: 256 slots of 256 ms    │ (256 slots) its distance from now fits in;
 *      level 2: 256 slots of 65.5 s    │ a slot is spread over the levels below when
 *      level 3: 256 slots of 4.66 h    │ now reaches its first millisecond
 *
 * What holds: every timer in slot i of a level has the same time in units of that
 * level's slots, which is 1 to 256 units after now's: so an index names one time and
 * not two.  A slot's bit in `busy` is set exactly while the slot has timers, so empty
 * time is jumped over, not walked.
 */
#include "net/timer.h"

#include <stddef.h>

enum { SLOT_BITS = 8, WORDS = CIT_WHEEL_SLOTS / 64 };

static const uint64_t FAR_MS = UINT64_C(0xffffffff); /* the last distance level 3 holds */

/* ---- lists ---- */

static void list_init(struct cit_timer *head)
{
    head->next = head->prev = head;
}

static bool list_is_empty(const struct cit_timer *head)
{
    return head->next == head;
}

static void list_append(struct cit_timer *head, struct cit_timer *t)
{
    t->next = head;
    t->prev = head->prev;
    head->prev->next = t;
    head->prev = t;
}

static void list_remove(struct cit_timer *t)
{
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->next = t->prev = NULL;
}

/* ---- slots ---- */

static unsigned shift_of(unsigned level)
{
    return level * SLOT_BITS;
}

static void put(struct cit_wheel *w, struct cit_timer *t)
{
    uint64_t now = (uint64_t)w->now_ms, ahead, at;
    unsigned level = 0, i;

    if (t->at_ms <= w->now_ms) {
        list_append(&w->due, t);
        return;
    }
    ahead = (uint64_t)t->at_ms - now;
    if (ahead > FAR_MS)
        ahead = FAR_MS; /* put again, by its true time, when this slot is spread */
    at = now + ahead;
    while (ahead >> shift_of(level + 1) != 0)
        level++;
    i = (unsigned)(at >> shift_of(level)) % CIT_WHEEL_SLOTS;
    list_append(&w->slot[level][i], t);
    w->busy[level][i / 64] |= UINT64_C(1) << (i % 64);
}

/* Takes t out of its list; the last one of a slot clears the slot's bit. */
static void take(struct cit_wheel *w, struct cit_timer *t)
{
    struct cit_timer *head = t->next; /* if both neighbours are one: then it is the head */
    bool was_last = t->next == t->prev && head != &w->due;

    list_remove(t);
    if (was_last) {
        size_t at = (size_t)(head - &w->slot[0][0]);
        size_t i = at % CIT_WHEEL_SLOTS;

        w->busy[at / CIT_WHEEL_SLOTS][i / 64] &= ~(UINT64_C(1) << (i % 64));
    }
}

/* Slots from `from` (exclusive) round to the next busy one: 1 to 256, or 0 for none. */
static unsigned distance(const uint64_t busy[WORDS], unsigned from)
{
    for (unsigned step = 0; step <= WORDS; step++) {
        unsigned first = (from + 1) % CIT_WHEEL_SLOTS;
        unsigned word = (first / 64 + step) % WORDS;
        uint64_t bits = busy[word];

        if (step == 0)
            bits &= ~UINT64_C(0) << (first % 64);
        if (bits != 0) {
            unsigned i = word * 64 + (unsigned)__builtin_ctzll(bits);

            return (i + CIT_WHEEL_SLOTS - first) % CIT_WHEEL_SLOTS + 1;
        }
    }
    return 0;
}

/* The first millisecond of the next busy slot of any level; false if there is none. */
static bool next_slot(const struct cit_wheel *w, uint64_t *at)
{
    const uint64_t now = (uint64_t)w->now_ms;
    bool found = false;

    for (unsigned level = 0; level < CIT_WHEEL_LEVELS; level++) {
        uint64_t unit = now >> shift_of(level);
        unsigned d = distance(w->busy[level], (unsigned)(unit % CIT_WHEEL_SLOTS));
        uint64_t start = (unit + d) << shift_of(level);

        if (d != 0 && (!found || start < *at)) {
            *at = start;
            found = true;
        }
    }
    return found;
}

/* Empties one slot: into lower levels, or into `due`. */
static void spread(struct cit_wheel *w, unsigned level, unsigned i)
{
    struct cit_timer *head = &w->slot[level][i];

    while (!list_is_empty(head)) {
        struct cit_timer *t = head->next;

        take(w, t);
        put(w, t);
    }
}

/* now_ms has just become the start of a slot: spread that slot on every level. */
static void arrive(struct cit_wheel *w)
{
    const uint64_t now = (uint64_t)w->now_ms;

    for (unsigned level = CIT_WHEEL_LEVELS; level-- > 0;) {
        if ((now & ((UINT64_C(1) << shift_of(level)) - 1)) == 0)
            spread(w, level, (unsigned)(now >> shift_of(level)) % CIT_WHEEL_SLOTS);
    }
}

static void advance(struct cit_wheel *w, int64_t now_ms)
{
    uint64_t at = 0;

    while (list_is_empty(&w->due) && next_slot(w, &at) && at <= (uint64_t)now_ms) {
        w->now_ms = (int64_t)at;
        arrive(w);
    }
    if (list_is_empty(&w->due))
        w->now_ms = now_ms;
}

/* ---- the interface ---- */

void cit_wheel_init(struct cit_wheel *w, int64_t now_ms)
{
    w->now_ms = now_ms;
    w->count = 0;
    list_init(&w->due);
    for (unsigned level = 0; level < CIT_WHEEL_LEVELS; level++) {
        for (unsigned i = 0; i < CIT_WHEEL_SLOTS; i++)
            list_init(&w->slot[level][i]);
        for (unsigned i = 0; i < WORDS; i++)
            w->busy[level][i] = 0;
    }
}

bool cit_timer_is_set(const struct cit_timer *t)
{
    return t->next != NULL;
}

void cit_wheel_add(struct cit_wheel *w, struct cit_timer *t, int64_t at_ms)
{
    cit_wheel_cancel(w, t);
    t->at_ms = at_ms;
    put(w, t);
    w->count++;
}

void cit_wheel_cancel(struct cit_wheel *w, struct cit_timer *t)
{
    if (!cit_timer_is_set(t))
        return;
    take(w, t);
    w->count--;
}

struct cit_timer *cit_wheel_expire(struct cit_wheel *w, int64_t now_ms)
{
    struct cit_timer *t;

    if (list_is_empty(&w->due) && now_ms > w->now_ms) {
        if (w->count == 0)
            w->now_ms = now_ms;
        else
            advance(w, now_ms);
    }
    if (list_is_empty(&w->due))
        return NULL;
    t = w->due.next;
    take(w, t);
    w->count--;
    return t;
}

int64_t cit_wheel_next_ms(const struct cit_wheel *w, int64_t now_ms)
{
    uint64_t at = 0;

    if (w->count == 0)
        return -1;
    if (!list_is_empty(&w->due))
        return 0;
    /* count != 0 and nothing due: some slot is busy */
    return next_slot(w, &at) && (int64_t)at > now_ms ? (int64_t)at - now_ms : 0;
}
