/* fuzz/fuzz_journey.c - any bytes as a journey: a journey whose texts lie where they may, or a fault with its place. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "load/journey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void stop(const char *wrong)
{
    fprintf(stderr, "%s\n", wrong);
    abort();
}

static uint64_t sum; /* so that reading is not left out */

static void touch(struct cit_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        sum += (unsigned char)s.p[i];
}

static void touch_tmpl(const struct cit_tmpl *t, const struct cit_names *names)
{
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->piece[i].var >= (int32_t)names->n || t->piece[i].var < CIT_TMPL_ITERATION)
            stop("a piece is of no variable");
        touch(t->piece[i].text);
    }
}

/* What becomes a line of a request may hold no line break but of a variable. */
static void check_line(const struct cit_tmpl *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < t->piece[i].text.n; k++)
            if (strchr("\r\n", t->piece[i].text.p[k]) != NULL) /* and NUL, which strchr finds */
                stop("a line break would get into the head of a request");
}

static void check_pairs(const struct cit_pair *pairs, uint32_t n, const struct cit_names *names, bool is_line)
{
    for (uint32_t i = 0; i < n; i++) {
        touch_tmpl(&pairs[i].name, names);
        touch_tmpl(&pairs[i].value, names);
        if (!is_line)
            continue;
        check_line(&pairs[i].name);
        check_line(&pairs[i].value);
    }
}

static void check_answer(const struct cit_step *s, const struct cit_names *names)
{
    bool needs_body = false;

    for (uint32_t i = 0; i < s->ncaptures; i++) {
        if (s->captures[i].query == NULL || s->captures[i].var >= names->n)
            stop("a capture is not complete");
        needs_body = needs_body || cit_query_needs_body(s->captures[i].query);
        touch(s->captures[i].name);
    }
    for (uint32_t i = 0; i < s->nasserts; i++) {
        if (s->asserts[i].query == NULL)
            stop("an assert is not complete");
        needs_body = needs_body || cit_query_needs_body(s->asserts[i].query);
        touch(s->asserts[i].source);
        touch_tmpl(&s->asserts[i].operand.text, names);
    }
    if (needs_body != s->needs_body)
        stop("whether the body is needed is not what the queries say");
    if (!s->has_answer && s->ncaptures + s->nasserts > 0)
        stop("something is expected of an answer that is not there");
}

static void check_step(const struct cit_step *s, const struct cit_names *names)
{
    if (s->method.n == 0 || s->name.n == 0 || s->url.n == 0 || s->repeat == 0 || s->max_redirects < 0)
        stop("a step is not complete");
    touch(s->method);
    touch(s->name);
    touch_tmpl(&s->url, names);
    check_line(&s->url);
    check_pairs(s->headers, s->nheaders, names, true);
    check_pairs(s->cookies, s->ncookies, names, true);
    check_pairs(s->query, s->nquery, names, false);
    check_pairs(s->form, s->nform, names, false);
    check_pairs(s->set, s->nset, names, false);
    for (uint32_t i = 0; i < s->nparts; i++) {
        touch_tmpl(&s->parts[i].name, names);
        touch_tmpl(&s->parts[i].value, names);
    }
    touch_tmpl(&s->text, names);
    touch(s->bytes);
    check_answer(s, names);
}

static void check_use(void *ctx, const struct cit_journey_use *use)
{
    if (use->var >= *(const uint32_t *)ctx || use->line == 0)
        stop("a use is of no variable or line");
}

static void check_fault(const struct cit_journey_fault *f, struct cit_slice text)
{
    uint32_t lines = 1;

    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    if (f->line > lines || f->column > text.n + 1 || (f->line == 0) != (f->column == 0))
        stop("a fault is outside of the text");
    if (f->why[0] == '\0' || memchr(f->why, '\0', sizeof f->why) == NULL || strchr(f->why, '\n') != NULL)
        stop("a fault has no text of one line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct cit_slice text = cit_slice((const char *)data, n);
    struct cit_names names = { 0 };
    struct cit_queries queries = { 0 };
    struct cit_journey_fault fault = { 0 };
    struct cit_journey j;
    struct cit_arena a;
    int err;

    cit_arena_init(&a, 16u << 20);
    err = cit_journey_parse(text, CIT_SLICE_LIT(""), &(struct cit_making){ &names, &queries, &a }, &j, &fault);
    if (err == CIT_OK) {
        touch(j.name);
        for (uint32_t i = 0; i < j.nsteps; i++)
            check_step(&j.steps[i], &names);
        cit_journey_uses(&j, check_use, &names.n);
    } else if (err == CIT_EINVAL || err == CIT_ELIMIT) {
        check_fault(&fault, text);
    } else if (err != CIT_ENOMEM) { /* as queries say it when the arena is full */
        stop("the result is none of the four");
    }
    cit_queries_fini(&queries);
    cit_arena_fini(&a);
    return 0;
}
