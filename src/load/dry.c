/* load/dry.c - a dry run: one user walks every journey once, and tells of each request. */
#include <stdio.h>

#include "base/mem.h"
#include "load/engine_int.h"

enum { SHOWN = 600 /* bytes of a body */, TOLD_MAX = 1 << 20 };

struct cit__dry {
    void (*tell)(void *ctx, const char *text);
    void *ctx;
    uint32_t errors;
};

/* ---- telling ---- */

/* What can't be put together for lack of memory is left out; the run goes on. */
static void tell(struct cit__dry *dry, struct cit_buf *text)
{
    if (cit_buf_add(text, "", 1) == CIT_OK)
        dry->tell(dry->ctx, text->p);
    cit_buf_fini(text);
}

/* Each line of a head with `mark` in front. */
static void add_lines(struct cit_buf *out, const char *mark, struct cit_slice head)
{
    struct cit_slice line;

    while (cit_slice_split(&head, '\n', &line)) {
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0)
            break;
        (void)!cit_buf_printf(out, "%s ", mark);
        cit__example_bytes(out, line, 4096);
        (void)!cit_buf_add_str(out, "\n");
    }
}

static void add_body(struct cit_buf *out, struct cit_slice body)
{
    if (body.n == 0)
        return;
    (void)!cit_buf_add_str(out, "  ");
    cit__example_bytes(out, body, SHOWN);
    (void)!cit_buf_add_str(out, "\n");
}

/* A message's head and what follows it. */
static void add_message(struct cit_buf *out, const char *mark, struct cit_slice bytes)
{
    const char *end = memmem(bytes.p, bytes.n, "\r\n\r\n", 4);
    size_t head = end != NULL ? (size_t)(end - bytes.p) : bytes.n;
    size_t body = end != NULL ? head + 4 : bytes.n;

    add_lines(out, mark, cit_slice(bytes.p, head));
    add_body(out, cit_slice(bytes.p + body, bytes.n - body));
}

void cit__dry_sent(struct cit__user *u)
{
    struct cit__dry *dry = u->t->dry;
    const struct cit_journey *j = &u->t->plan->journeys[u->journey];
    struct cit_buf text;

    cit_buf_init(&text, TOLD_MAX);
    (void)!cit_buf_printf(&text, "%s%.*s: %.*s\n", u->hops > 0 ? "redirected, " : "", CIT_SLICE_ARG(j->name),
                          CIT_SLICE_ARG(u->prep->step->name));
    add_message(&text, ">", u->req.bytes);
    tell(dry, &text);
}

static void add_fields(struct cit_buf *out, const struct cit_page *page)
{
    for (uint32_t i = 0; i < page->nfields; i++) {
        const struct cit_h1_field *f = &page->fields[i];

        (void)!cit_buf_printf(out, "< %.*s: ", (int)f->name_n, f->name);
        cit__example_bytes(out, cit_slice(f->value, f->value_n), 4096);
        (void)!cit_buf_add_str(out, "\n");
    }
}

void cit__dry_answered(struct cit__user *u, const struct cit_page *page)
{
    struct cit_buf text;

    cit_buf_init(&text, TOLD_MAX);
    (void)!cit_buf_printf(&text, "< HTTP/1.%u %d (%.1f ms, %llu bytes of body)\n", (unsigned)page->minor, page->status,
                          (double)page->duration_ns / 1e6, (unsigned long long)page->bytes);
    add_fields(&text, page);
    add_body(&text, page->body);
    tell(u->t->dry, &text);
}

void cit__dry_captured(struct cit__thread *t, const struct cit_capture *c, struct cit_slice value)
{
    struct cit_buf text;

    cit_buf_init(&text, TOLD_MAX);
    (void)!cit_buf_printf(&text, "  %.*s = ", CIT_SLICE_ARG(c->name));
    cit__example_bytes(&text, value, SHOWN);
    (void)!cit_buf_add_str(&text, "\n");
    tell(t->dry, &text);
}

void cit__dry_failed(struct cit__thread *t)
{
    struct cit_buf text;

    cit_buf_init(&text, TOLD_MAX);
    (void)!cit_buf_printf(&text, "  FAILED %s\n", t->why);
    tell(t->dry, &text);
}

void cit__dry_ended(struct cit__user *u, enum cit_fault fault)
{
    struct cit__thread *t = u->t;
    struct cit_buf text;

    if (fault == CIT_FAULT_NONE)
        return;
    t->dry->errors++;
    cit_buf_init(&text, TOLD_MAX);
    (void)!cit_buf_printf(&text, "ERROR %s, ", cit_fault_name(fault));
    if (u->prep->path.n > 0)
        (void)!cit_buf_printf(&text, "%.*s:%u: ", CIT_SLICE_ARG(u->prep->path), (unsigned)u->prep->step->line);
    (void)!cit_buf_printf(&text, "%s\n", t->why[0] != '\0' ? t->why : cit_fault_text(fault));
    tell(t->dry, &text);
}

/* ---- the run ---- */

static int walk(struct cit__thread *t)
{
    struct cit__user *u;
    int err = cit__user_new(t, &u);

    if (err != CIT_OK)
        return err;
    t->now_ns = cit_clock_now_ns();
    cit__user_rouse(u, t->now_ns);
    while (t->finished == 0 && err == CIT_OK)
        err = cit__thread_turn(t);
    return err;
}

int cit_run_dry(const struct cit_load_plan *plan, void (*teller)(void *ctx, const char *text), void *ctx)
{
    struct cit__dry dry = { .tell = teller, .ctx = ctx };
    struct cit_run *run = NULL;
    int err = cit__run_new(plan, 1, &dry, &run);

    if (err != CIT_OK)
        return err;
    err = cit__thread_new(run, 0, &run->threads[0]);
    if (err == CIT_OK)
        err = walk(run->threads[0]);
    cit_run_free(run);
    return err == CIT_OK ? (int)dry.errors : CIT_ENOMEM;
}
