/* load/journey_uses.c - which variables a journey sets and reads, and where. */
#include "load/journey.h"

struct telling {
    void (*use)(void *ctx, const struct cit_journey_use *one);
    void *ctx;
};

static void tell(const struct telling *t, uint32_t var, uint32_t line, bool is_set)
{
    t->use(t->ctx, &(struct cit_journey_use){ var, line, is_set });
}

static void reads(const struct telling *t, const struct cit_tmpl *text, uint32_t line)
{
    for (uint32_t i = 0; i < text->n; i++)
        if (text->piece[i].var >= 0)
            tell(t, (uint32_t)text->piece[i].var, line, false);
}

static void reads_pairs(const struct telling *t, const struct cit_pair *pairs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        reads(t, &pairs[i].name, pairs[i].line);
        reads(t, &pairs[i].value, pairs[i].line);
    }
}

static void request(const struct telling *t, const struct cit_step *s)
{
    for (uint32_t i = 0; i < s->nset; i++) {
        reads(t, &s->set[i].value, s->set[i].line);
        tell(t, s->set[i].var, s->set[i].line, true);
    }
    reads(t, &s->url, s->line);
    reads_pairs(t, s->headers, s->nheaders);
    reads_pairs(t, s->query, s->nquery);
    reads_pairs(t, s->cookies, s->ncookies);
    reads(t, &s->user, s->line);
    reads(t, &s->password, s->line);
    reads_pairs(t, s->form, s->nform);
    for (uint32_t i = 0; i < s->nparts; i++) {
        reads(t, &s->parts[i].name, s->line);
        reads(t, &s->parts[i].value, s->line);
    }
    reads(t, &s->text, s->line);
}

/* Captures are taken before asserts are looked at. */
static void answer(const struct telling *t, const struct cit_step *s)
{
    for (uint32_t i = 0; i < s->ncaptures; i++)
        tell(t, s->captures[i].var, s->captures[i].line, true);
    for (uint32_t i = 0; i < s->nasserts; i++)
        reads(t, &s->asserts[i].operand.text, s->asserts[i].line);
}

void cit_journey_uses(const struct cit_journey *j, void (*use)(void *ctx, const struct cit_journey_use *one), void *ctx)
{
    const struct telling t = { use, ctx };

    for (uint32_t i = 0; i < j->nsteps; i++) {
        if (j->steps[i].is_skipped)
            continue;
        request(&t, &j->steps[i]);
        answer(&t, &j->steps[i]);
    }
}
