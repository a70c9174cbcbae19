/* load/host.c - the hosts a thread knows: the plan's target, and others when they are first named. */
#include <stdio.h>
#include <string.h>

#include "load/engine_int.h"

/* The bytes of "scheme://authority", 0 when the URL has none. */
static size_t key_len(struct cit_slice url)
{
    size_t n = 0;

    if (url.n >= 7 && cit_slice_eq_nocase(cit_slice(url.p, 7), CIT_SLICE_LIT("http://")))
        n = 7;
    else if (url.n >= 8 && cit_slice_eq_nocase(cit_slice(url.p, 8), CIT_SLICE_LIT("https://")))
        n = 8;
    if (n == 0)
        return 0;
    while (n < url.n && memchr("/?#", url.p[n], 3) == NULL)
        n++;
    return n;
}

static bool is_same(const struct cit_target *a, const struct cit_target *b)
{
    return a->port == b->port && a->is_tls == b->is_tls && cit_slice_eq_nocase(a->host, b->host);
}

/* The entry for the same place, if one is older: "http://a:80" is "http://a". */
static struct cit__host *elder(struct cit__thread *t, struct cit__host *h)
{
    for (uint32_t i = 0; i < t->nhosts; i++) {
        const struct cit_target *other = &t->hosts[i].target;

        if (t->hosts[i].is == &t->hosts[i] && other->naddrs > 0 && other->addr[0].sa.ss_family != AF_UNIX &&
            is_same(other, &h->target))
            return &t->hosts[i];
    }
    return h;
}

static int remember_why(struct cit__thread *t, struct cit__host *h, const char *why)
{
    struct cit_slice kept = cit_arena_copy(&t->arena, cit_slice_str(why));

    if (kept.p == NULL)
        return CIT_ENOMEM;
    h->why = kept.p;
    return CIT_OK;
}

/* A host that URLs named for the first time; the name server may be waited for. */
static int add(struct cit__thread *t, struct cit_slice key, struct cit__host **out)
{
    char why[CIT_PLAN_WHY];
    struct cit__host *h = &t->hosts[t->nhosts];
    struct cit_slice path;
    int err;

    if (t->nhosts == CIT__HOSTS_MAX) {
        (void)snprintf(t->why, sizeof t->why, "more than %d hosts", (int)CIT__HOSTS_MAX);
        return CIT_EINVAL;
    }
    *h = (struct cit__host){ .key = cit_arena_copy(&t->arena, key), .is = h };
    if (h->key.p == NULL)
        return CIT_ENOMEM;
    err = cit_target_parse(h->key, &t->arena, &h->target, &path, why);
    if (err != CIT_OK) {
        if (err != CIT_ENOMEM)
            (void)snprintf(t->why, sizeof t->why, "%.*s: %s", CIT_SLICE_ARG(h->key), why);
        return err == CIT_ENOMEM ? err : CIT_EINVAL;
    }
    h->is = elder(t, h);
    if (h->is == h && cit_target_resolve(&h->target, why) != CIT_OK && remember_why(t, h, why) != CIT_OK)
        return CIT_ENOMEM;
    t->nhosts++;
    *out = h->is;
    return CIT_OK;
}

int cit__host_find(struct cit__thread *t, struct cit_slice url, struct cit__host **out, struct cit_slice *path)
{
    size_t n = key_len(url);
    struct cit_slice key = cit_slice(url.p, n);

    *path = cit_slice(url.p + n, url.n - n);
    if (n == 0) {
        if (url.n > 0 && url.p[0] != '/' && url.p[0] != '?') {
            (void)snprintf(t->why, sizeof t->why, "'%.*s' is no URL of http or https, and no path",
                           (int)(url.n < 100 ? url.n : 100), url.p);
            return CIT_EINVAL;
        }
        if (t->hosts[0].key.n == 0) {
            (void)snprintf(t->why, sizeof t->why, "a path, and the plan has no target");
            return CIT_EINVAL;
        }
        *out = &t->hosts[0];
        return CIT_OK;
    }
    for (uint32_t i = 0; i < t->nhosts; i++) {
        if (cit_slice_eq_nocase(t->hosts[i].key, key)) {
            *out = t->hosts[i].is;
            return CIT_OK;
        }
    }
    return add(t, key, out);
}

/* The plan's target is the first host; it was looked up with the plan. */
int cit__hosts_init(struct cit__thread *t)
{
    const struct cit_target *target = &t->plan->target;
    struct cit__host *h = &t->hosts[0];
    char why[CIT_PLAN_WHY], key[CIT_PLAN_WHY];
    int n;

    *h = (struct cit__host){ .is = h, .target = *target };
    t->nhosts = 1;
    if (target->host.n == 0 && target->naddrs == 0) /* journeys name all hosts themselves */
        return CIT_OK;
    n = snprintf(key, sizeof key, "%.*s://%.*s", CIT_SLICE_ARG(target->scheme), CIT_SLICE_ARG(target->authority));
    h->key = cit_arena_copy(&t->arena, cit_slice(key, (size_t)n < sizeof key ? (size_t)n : sizeof key - 1));
    h->target.host = cit_arena_copy(&t->arena, target->host);
    if (h->key.p == NULL || h->target.host.p == NULL)
        return CIT_ENOMEM;
    if (target->naddrs == 0 && cit_target_resolve(&h->target, why) != CIT_OK)
        return remember_why(t, h, why);
    return CIT_OK;
}
