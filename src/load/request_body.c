/* load/request_body.c - the bodies of requests: texts, bytes, forms, forms of several parts. */
#include <stdio.h>

#include "load/engine_int.h"

static int add_form(struct cit__thread *t, const struct cit__spec *s)
{
    const struct cit_step *step = s->prep->step;
    int err = CIT_OK;

    for (uint32_t i = 0; i < step->nform && err == CIT_OK; i++) {
        if (i > 0)
            err = cit_buf_add_str(&t->body, "&");
        if (err == CIT_OK)
            err = cit__fill(t, &step->form[i].name, s, CIT_ESCAPE_FORM, &t->body);
        if (err == CIT_OK)
            err = cit_buf_add_str(&t->body, "=");
        if (err == CIT_OK)
            err = cit__fill(t, &step->form[i].value, s, CIT_ESCAPE_FORM, &t->body);
    }
    return err;
}

/* A name in a part's head: as browsers write it (WHATWG HTML 4.10.21.8). */
static int add_name(struct cit_buf *out, struct cit_slice name)
{
    int err = CIT_OK;

    for (size_t i = 0; i < name.n && err == CIT_OK; i++) {
        switch (name.p[i]) {
        case '"':
            err = cit_buf_add_str(out, "%22");
            break;
        case '\r':
            err = cit_buf_add_str(out, "%0D");
            break;
        case '\n':
            err = cit_buf_add_str(out, "%0A");
            break;
        default:
            err = cit_buf_add(out, name.p + i, 1);
        }
    }
    return err;
}

static int add_part_head(struct cit__thread *t, const struct cit__spec *s, const struct cit_part *part)
{
    struct cit_buf *out = &t->body;
    int err;

    t->text.len = 0;
    err = cit__fill(t, &part->name, s, CIT_ESCAPE_NONE, &t->text);
    if (err == CIT_OK)
        err = cit_buf_add_str(out, "Content-Disposition: form-data; name=\"");
    if (err == CIT_OK)
        err = add_name(out, cit_slice(t->text.p, t->text.len));
    if (err == CIT_OK && part->file_name.p != NULL)
        err = cit_buf_add_str(out, "\"; filename=\"");
    if (err == CIT_OK && part->file_name.p != NULL)
        err = add_name(out, part->file_name);
    if (err == CIT_OK && part->type.n > 0)
        return cit_buf_printf(out, "\"\r\nContent-Type: %.*s\r\n\r\n", CIT_SLICE_ARG(part->type));
    return err == CIT_OK ? cit_buf_add_str(out, "\"\r\n\r\n") : err;
}

static int add_parts(struct cit__thread *t, const struct cit__spec *s)
{
    const struct cit_step *step = s->prep->step;
    char mark[40];
    int err = CIT_OK;

    /* random, so that it is in no part */
    (void)snprintf(mark, sizeof mark, "citrate-%016llx", (unsigned long long)cit_rng_next(s->vars->rng));
    (void)snprintf(t->type, sizeof t->type, "multipart/form-data; boundary=%s", mark);
    for (uint32_t i = 0; i < step->nparts && err == CIT_OK; i++) {
        const struct cit_part *part = &step->parts[i];

        err = cit_buf_printf(&t->body, "--%s\r\n", mark);
        if (err == CIT_OK)
            err = add_part_head(t, s, part);
        if (err == CIT_OK)
            err = part->file_name.p != NULL ? cit_buf_add_slice(&t->body, part->file)
                                            : cit__fill(t, &part->value, s, CIT_ESCAPE_NONE, &t->body);
        if (err == CIT_OK)
            err = cit_buf_add_str(&t->body, "\r\n");
    }
    return err == CIT_OK ? cit_buf_printf(&t->body, "--%s--\r\n", mark) : err;
}

int cit__request_body(struct cit__thread *t, const struct cit__spec *s, struct cit_slice *type, struct cit_slice *body)
{
    const struct cit_step *step = s->prep->step;
    int err = CIT_OK;

    *type = step->type;
    t->body.len = 0;
    switch (step->body) {
    case CIT_BODY_NONE:
        break;
    case CIT_BODY_BYTES:
        *body = step->bytes;
        return CIT_OK;
    case CIT_BODY_TEXT:
        err = cit__fill(t, &step->text, s, CIT_ESCAPE_NONE, &t->body);
        break;
    case CIT_BODY_FORM:
        err = add_form(t, s);
        break;
    case CIT_BODY_MULTIPART:
        err = add_parts(t, s);
        *type = cit_slice_str(t->type);
        break;
    }
    *body = cit_slice(t->body.p, t->body.len);
    return err;
}
