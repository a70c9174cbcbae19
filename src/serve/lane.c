/* serve/lane.c - the table of slow kinds of requests; see lane.h. */
#include "serve/lane.h"

enum {
    FIRST_TRY = 2, /* a single slow moment of a noisy machine is soon forgiven */
    LAST_TRY = 4096,
    RELAPSE_FACTOR = 4,
    SURE_TICKS = 10,
    HEAVY_SHARE = 128, /* half of the wall time */
    BUSY_PERCENT = 70, /* the CPU has no time to spare: see tells_its_share */
    NARROWING = 16     /* steps from a share of 0 to most of it */
};

#define FNV_PRIME 16777619u
#define FNV_BASIS 2166136261u

static uint32_t mix(uint32_t h, unsigned char c)
{
    return (h ^ c) * FNV_PRIME;
}

uint32_t cit_lane_kind(struct cit_slice method, struct cit_slice path)
{
    uint32_t h = FNV_BASIS;
    bool in_digits = false;

    for (size_t i = 0; i < method.n; i++)
        h = mix(h, (unsigned char)method.p[i]);
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        bool digit = c >= '0' && c <= '9';

        if (!digit)
            h = mix(h, c);
        else if (!in_digits)
            h = mix(h, '0');
        in_digits = digit;
    }
    return h == 0 ? 1 : h;
}

static const struct cit_lane_slot *find(const struct cit_lanes *l, uint32_t kind)
{
    const struct cit_lane_slot *s = &l->slot[kind % CIT_LANES_SLOTS];

    return s->kind == kind ? s : NULL;
}

enum cit_lane cit_lane_of(const struct cit_lanes *l, uint32_t kind)
{
    const struct cit_lane_slot *s = find(l, kind);

    return s == NULL ? CIT_LANE_QUICK : (enum cit_lane)s->lane;
}

static void set_lane(struct cit_lanes *l, struct cit_lane_slot *s, enum cit_lane lane)
{
    uint32_t slow = atomic_load_explicit(&l->slow, memory_order_relaxed);

    if (s->lane == CIT_LANE_QUICK && lane != CIT_LANE_QUICK)
        slow++;
    if (s->lane != CIT_LANE_QUICK && lane == CIT_LANE_QUICK)
        slow--;
    s->lane = (uint8_t)lane;
    atomic_store_explicit(&l->slow, slow, memory_order_relaxed);
}

static uint8_t share_of(double cpu_share)
{
    if (cpu_share <= 0)
        return 0;
    return cpu_share >= 1 ? 255 : (uint8_t)(cpu_share * 255);
}

static enum cit_lane lane_for(uint8_t share, bool burned)
{
    return burned || share >= HEAVY_SHARE ? CIT_LANE_HEAVY : CIT_LANE_WAITING;
}

void cit_lane_surprise(struct cit_lanes *l, uint32_t kind, double cpu_share)
{
    struct cit_lane_slot *s = &l->slot[kind % CIT_LANES_SLOTS];
    uint8_t share = share_of(cpu_share);

    if (s->kind != kind) {
        set_lane(l, s, CIT_LANE_QUICK);
        *s = (struct cit_lane_slot){ .kind = kind, .start = FIRST_TRY, .share = share };
    }
    s->left = s->start;
    s->start = s->start >= LAST_TRY / RELAPSE_FACTOR ? LAST_TRY : (uint16_t)(s->start * RELAPSE_FACTOR);
    s->share = (uint8_t)((s->share + share) / 2);
    set_lane(l, s, lane_for(s->share, false));
}

static bool has_burned(const struct cit_lane_end *end, int64_t tick_ns)
{
    return end->cpu_ns >= tick_ns * CIT_LANE_BURN_TICKS / 2;
}

static bool proved_quick(const struct cit_lane_slot *s, const struct cit_lane_end *end, int64_t tick_ns)
{
    bool spared = end->cpu_ns >= 0 && !has_burned(end, tick_ns);

    return end->wall_ns < tick_ns / 2 || (s->lane == CIT_LANE_HEAVY && spared);
}

static bool certainly_slow(const struct cit_lane_end *end, int64_t tick_ns)
{
    return has_burned(end, tick_ns) || (end->alone && end->wall_ns >= tick_ns * SURE_TICKS);
}

/* n requests that use the CPU a part s of their time keep it busy for n * s of it, at most for
 * all: then each waits for the others, and cpu / wall is 1 / n whatever s is. */
static bool tells_its_share(const struct cit_lane_end *end)
{
    return end->contenders <= 1 || end->cpu_ns * end->contenders < end->wall_ns / 100 * BUSY_PERCENT;
}

static void learn_share(struct cit_lane_slot *s, const struct cit_lane_end *end)
{
    if (tells_its_share(end))
        s->share = (uint8_t)((s->share * 3 + share_of((double)end->cpu_ns / (double)end->wall_ns)) / 4);
    else
        s->share = (uint8_t)(s->share + (255 - s->share + NARROWING - 1) / NARROWING);
}

bool cit_lane_ended(struct cit_lanes *l, uint32_t kind, const struct cit_lane_end *end, int64_t tick_ns)
{
    struct cit_lane_slot *s = &l->slot[kind % CIT_LANES_SLOTS];
    bool quick = proved_quick(s, end, tick_ns);

    if (s->kind != kind || s->lane == CIT_LANE_QUICK)
        return quick;
    if (!quick && end->cpu_ns >= 0) {
        learn_share(s, end);
        set_lane(l, s, lane_for(s->share, has_burned(end, tick_ns)));
    }
    if (!quick && certainly_slow(end, tick_ns))
        s->left = s->left < s->start ? s->start : s->left;
    else if (s->left > 1)
        s->left--;
    else
        set_lane(l, s, CIT_LANE_QUICK);
    return quick;
}

int cit_lane_width(const struct cit_lanes *l, uint32_t kind, int most)
{
    const struct cit_lane_slot *s = find(l, kind);
    int width = s == NULL || s->share == 0 ? most : (255 + s->share / 8) / s->share;

    if (width < 1)
        width = 1;
    return width > most ? most : width;
}

const char *cit_lane_name(enum cit_lane lane)
{
    static const char *const names[] = {
#define CIT_LANE_TEXT(name, text) text,
        CIT_LANE_MAP(CIT_LANE_TEXT)
#undef CIT_LANE_TEXT
    };

    return names[lane];
}
