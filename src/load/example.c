/* load/example.c - one error as a text for people, and addresses of requests. */
#include <stdio.h>

#include "load/engine_int.h"

enum { BEGINNING = 80 /* bytes of an answer that are shown */ };

int cit__request_url(const struct cit__request *r, struct cit_buf *out)
{
    const struct cit_target *target = &r->host->target;
    int err = cit_buf_add_slice(out, target->scheme);

    if (err == CIT_OK)
        err = cit_buf_add_str(out, "://");
    if (err == CIT_OK)
        err = cit_buf_add_slice(out, target->authority);
    return err == CIT_OK ? cit_buf_add_slice(out, r->target) : err;
}

void cit__example_bytes(struct cit_buf *out, struct cit_slice bytes, size_t n)
{
    size_t most = bytes.n < n ? bytes.n : n;
    int err = CIT_OK;

    for (size_t i = 0; i < most && err == CIT_OK; i++) {
        char c = bytes.p[i];

        if (c == '\r' || c == '\n' || c == '\t')
            c = ' ';
        /* beyond ASCII as it is: mostly UTF-8, and the files' writer mends what is not */
        err = cit_buf_add(out, (unsigned char)c < ' ' || c == 0x7f ? "." : &c, 1);
    }
    if (err == CIT_OK && most < bytes.n)
        (void)!cit_buf_add_str(out, "...");
}

static int add_request(const struct cit__user *u, struct cit_buf *out)
{
    int err;

    if (u->req.bytes.p == NULL) { /* none was made, or it is over */
        return cit_buf_printf(out, "%.*s: ", CIT_SLICE_ARG(u->prep->step->name));
    }
    err = cit_buf_printf(out, "%.*s ", CIT_SLICE_ARG(u->req.method));
    if (err == CIT_OK)
        err = cit__request_url(&u->req, out);
    return err == CIT_OK ? cit_buf_add_str(out, ": ") : err;
}

static int make(const struct cit__user *u, enum cit_fault fault, struct cit_slice body, struct cit_buf *out)
{
    int err = CIT_OK;

    if (u->prep->path.n > 0)
        err = cit_buf_printf(out, "%.*s:%u: ", CIT_SLICE_ARG(u->prep->path), (unsigned)u->prep->step->line);
    if (err == CIT_OK)
        err = cit_buf_printf(out, "user %u: ", (unsigned)u->number + 1);
    if (err == CIT_OK)
        err = add_request(u, out);
    if (err == CIT_OK)
        err = cit_buf_add_str(out, u->t->why[0] != '\0' ? u->t->why : cit_fault_text(fault));
    if (err == CIT_OK && body.n > 0) {
        err = cit_buf_add_str(out, "; the body begins: ");
        cit__example_bytes(out, body, BEGINNING);
    }
    return err;
}

void cit__example_keep(struct cit__user *u, enum cit_fault fault, struct cit_slice body)
{
    struct cit__thread *t = u->t;
    struct cit_buf text;

    if (!cit_tally_wants_example(t->tally, u->prep->row, fault))
        return;
    cit_buf_init(&text, CIT__HEAD_MAX * 4);
    if (make(u, fault, body, &text) == CIT_OK && cit_buf_add(&text, "", 1) == CIT_OK)
        cit_tally_example(t->tally, u->prep->row, fault, text.p);
    cit_buf_fini(&text);
}
