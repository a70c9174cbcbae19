/* load/journey_single.c - the journey of one request, out of a command line or a short plan. */
#include "load/journey_int.h"

#include <stdio.h>

/* The place in a text that is not in a file says nothing; which text it was does. */
static int of_the(struct cit__hurl *h, const char *what, int err)
{
    char why[CIT_JOURNEY_WHY];

    if (err != CIT_EINVAL && err != CIT_ELIMIT)
        return err;
    memcpy(why, h->fault->why, sizeof why);
    *h->fault = (struct cit_journey_fault){ 0 };
    (void)snprintf(h->fault->why, sizeof h->fault->why, "%s: %.200s", what, why);
    return err;
}

/* Sets the parser on a text of its own. */
static int begin(struct cit__hurl *h, struct cit_slice text)
{
    int err;
    char *p = cit__hurl_take(h, text.n + 1, &err);

    if (p == NULL)
        return err;
    if (text.n > 0)
        memcpy(p, text.p, text.n);
    p[text.n] = '\0';
    h->start = h->p = p;
    h->end = p + text.n;
    h->line_at = NULL;
    return CIT_OK;
}

/* All of it, as it stands. */
static int whole(struct cit__hurl *h, struct cit_slice text, struct cit_tmpl *out)
{
    int err = begin(h, text);

    return err == CIT_OK ? cit__hurl_raw(h, h->start, h->end, out) : err;
}

static int method(struct cit__hurl *h, struct cit_slice text)
{
    int err = begin(h, text.n > 0 ? text : CIT_SLICE_LIT("GET"));

    for (const char *p = h->start; err == CIT_OK && p < h->end; p++)
        if (*p < 'A' || *p > 'Z')
            err = cit__hurl_fault(h, p, CIT_EINVAL, "%s is not written in capital letters", cit__hurl_show(text).text);
    h->step->method = cit_slice(h->start, err == CIT_OK ? (size_t)(h->end - h->start) : 0);
    return err == CIT_OK ? cit__hurl_check_method(h, h->step->method) : err;
}

static int url(struct cit__hurl *h, struct cit_slice text)
{
    const char *fragment = text.n > 0 ? memchr(text.p, '#', text.n) : NULL; /* never sent (RFC 9110 7.1) */
    int err;

    if (fragment != NULL)
        text.n = (size_t)(fragment - text.p);
    err = whole(h, text, &h->step->url);

    if (err == CIT_OK)
        err = cit__hurl_check_url(h, &h->step->url, h->start);
    return err == CIT_OK ? cit__hurl_name_step(h, cit_slice(h->start, (size_t)(h->end - h->start))) : err;
}

static int field(struct cit__hurl *h, struct cit_slice text, struct cit_pair *out)
{
    const char *colon = text.n > 0 ? memchr(text.p, ':', text.n) : NULL;
    struct cit_slice name, value;
    int err = begin(h, text);

    if (err != CIT_OK)
        return err;
    if (colon == NULL || colon == text.p)
        return cit__hurl_expected(h, h->start, "Name: value");
    name = cit_slice(text.p, (size_t)(colon - text.p));
    value = cit_slice_trim(cit_slice(colon + 1, text.n - name.n - 1));
    err = whole(h, name, &out->name);
    if (err == CIT_OK)
        err = whole(h, value, &out->value);
    return err == CIT_OK ? cit__hurl_check_field(h, out, h->start) : err;
}

static int fields(struct cit__hurl *h, const struct cit_journey_one *one)
{
    struct cit_step *s = h->step;
    int err = CIT_OK;

    if (one->nheaders > 0)
        s->headers = cit__hurl_take(h, one->nheaders * sizeof *s->headers, &err);
    for (uint32_t i = 0; i < one->nheaders && err == CIT_OK; i++) {
        s->headers[i] = (struct cit_pair){ 0 };
        err = of_the(h, cit__hurl_show(one->headers[i]).text, field(h, one->headers[i], &s->headers[i]));
        s->nheaders += err == CIT_OK;
    }
    return err;
}

static int body(struct cit__hurl *h, struct cit_slice text)
{
    if (text.n == 0)
        return CIT_OK;
    h->step->body = CIT_BODY_TEXT;
    h->step->type = CIT_SLICE_LIT("application/x-www-form-urlencoded"); /* as curl and ab send it */
    cit__hurl_choose_type(h->step);
    return whole(h, text, &h->step->text);
}

int cit_journey_single(const struct cit_journey_one *one, const struct cit_making *m, struct cit_journey *out,
                       struct cit_journey_fault *fault)
{
    struct cit__hurl h = { .m = *m, .journey = out, .fault = fault, .start = "", .p = "", .end = "" };
    int err;

    *out = (struct cit_journey){ .weight = 1, .name = CIT_SLICE_LIT("") };
    err = cit__hurl_new_step(&h);
    if (err == CIT_OK)
        err = of_the(&h, "the method", method(&h, one->method));
    if (err == CIT_OK)
        err = of_the(&h, "the URL", url(&h, one->url));
    if (err == CIT_OK)
        err = fields(&h, one);
    if (err == CIT_OK)
        err = of_the(&h, "the body", body(&h, one->body));
    if (err != CIT_OK)
        return err;
    h.step->follow = one->follow;
    h.step->line = 0;
    out->name = h.step->name;
    return CIT_OK;
}
