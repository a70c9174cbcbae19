/* load/hurl_options.c - the section [Options]: done, without effect here, or refused with the reason. */
#include "load/journey_int.h"

#include "base/clock.h"

enum { REPEAT_MAX = 1000000, REDIRECTS_MAX = 1000, DELAY_MAX = 1000000000 };

/* ---- values ---- */

/* Behind a value comes a blank or the end of the line: line_end says the rest. */
static int boolean(struct cit__hurl *h, bool *out)
{
    const char *at = h->p;
    struct cit_slice word = cit__hurl_word(h);

    *out = cit_slice_eq(word, CIT_SLICE_LIT("true"));
    if (*out || cit_slice_eq(word, CIT_SLICE_LIT("false")))
        return CIT_OK;
    if (at < h->end && *at == '{')
        return cit__hurl_fault(h, at, CIT_EINVAL, "an option is the same for all users: it can hold no {{variables}}");
    return cit__hurl_expected(h, at, "true or false");
}

static int integer(struct cit__hurl *h, int64_t least, int64_t most, int64_t *out)
{
    if (h->p < h->end && *h->p == '{')
        return cit__hurl_fault(h, h->p, CIT_EINVAL,
                               "an option is the same for all users: it can hold no {{variables}}");
    return cit__hurl_integer(h, least, most, out);
}

/* ---- options that do something ---- */

static int option_location(struct cit__hurl *h)
{
    return boolean(h, &h->step->follow);
}

static int option_max_redirs(struct cit__hurl *h)
{
    const char *at = h->p;
    int64_t n = 0;
    int err = integer(h, -1, REDIRECTS_MAX, &n);

    if (err == CIT_OK && n == -1)
        return cit__hurl_fault(h, at, CIT_EINVAL, "redirects without end are not followed: at most %d", REDIRECTS_MAX);
    h->step->max_redirects = (int32_t)n;
    return err;
}

static int option_skip(struct cit__hurl *h)
{
    return boolean(h, &h->step->is_skipped);
}

/* Bare numbers are milliseconds, as in stock hurl. */
static int option_delay(struct cit__hurl *h)
{
    int64_t n = 0, unit = CIT_MS_NS;
    int err = integer(h, 0, DELAY_MAX, &n);
    const char *at = h->p;
    struct cit_slice word = cit__hurl_word(h);

    if (cit_slice_eq(word, CIT_SLICE_LIT("s")))
        unit = CIT_SEC_NS;
    else if (cit_slice_eq(word, CIT_SLICE_LIT("m")) || cit_slice_eq(word, CIT_SLICE_LIT("min")))
        unit = 60 * CIT_SEC_NS;
    else if (cit_slice_eq(word, CIT_SLICE_LIT("h")))
        unit = 3600 * CIT_SEC_NS;
    else if (err == CIT_OK && word.n > 0 && !cit_slice_eq(word, CIT_SLICE_LIT("ms")))
        return cit__hurl_expected(h, at, "ms, s, m or h behind a delay");
    if (err == CIT_OK && n > 1000 * 3600 * CIT_SEC_NS / unit)
        return cit__hurl_fault(h, at, CIT_EINVAL, "a delay is at most 1,000 hours");
    h->step->delay_ns = n * unit;
    return err;
}

static int option_repeat(struct cit__hurl *h)
{
    const char *at = h->p;
    int64_t n = 1;
    int err = integer(h, -1, REPEAT_MAX, &n);

    if (err == CIT_OK && n == -1)
        return cit__hurl_fault(h, at, CIT_EINVAL, "a request is not repeated without end: at most %d times",
                               REPEAT_MAX);
    if (err == CIT_OK && h->step->repeat > 1)
        return cit__hurl_fault(h, at, CIT_EINVAL, "a # @repeat in front of the request says how often already");
    if (n == 0)
        h->step->is_skipped = true;
    else
        h->step->repeat = (uint32_t)n;
    return err;
}

static int option_retry(struct cit__hurl *h)
{
    int64_t n = 0;
    const char *at = h->p;
    int err = integer(h, -1, INT32_MAX, &n);

    if (err == CIT_OK && n != 0)
        return cit__hurl_fault(h, at, CIT_EINVAL,
                               "retry is not supported: an answer that was wrong is counted as an error");
    return err;
}

static int option_user(struct cit__hurl *h)
{
    struct cit_step *s = h->step;
    int err = cit__hurl_text(h, CIT__USER, &s->user);

    if (err == CIT_OK && s->has_auth)
        return cit__hurl_fault(h, h->p, CIT_EINVAL, "the request has a user already");
    if (err == CIT_OK && (h->p == h->end || *h->p != ':'))
        return cit__hurl_expected(h, h->p, "a colon between user and password");
    s->has_auth = true;
    h->p += err == CIT_OK;
    return err == CIT_OK ? cit__hurl_text(h, CIT__VALUE, &s->password) : err;
}

/* "a text", or what stands there: true, 12 and null are texts, too, as everything a variable holds. */
static int option_variable(struct cit__hurl *h)
{
    struct cit_step *s = h->step;
    const char *at = h->p;
    struct cit_pair set = { .line = cit__hurl_line_of(h, at) };
    struct cit_slice name = cit__hurl_word(h);
    int err;

    if (name.n == 0)
        return cit__hurl_expected(h, at, "NAME=VALUE");
    h->p = at;
    err = cit__hurl_variable(h, name, &set.var);
    h->p = at + name.n;
    cit__hurl_skip_sp(h);
    if (err == CIT_OK && (h->p == h->end || *h->p != '='))
        return cit__hurl_expected(h, h->p, "= behind the name of the variable");
    if (err != CIT_OK)
        return err;
    h->p++;
    cit__hurl_skip_sp(h);
    err = cit__hurl_text(h, h->p < h->end && *h->p == '"' ? CIT__QUOTED : CIT__VALUE, &set.value);
    if (err == CIT_OK)
        err = cit__hurl_verbatim(h, name.p, name.p + name.n, &set.name);
    if (err == CIT_OK)
        s->set = cit__hurl_more(h, s->set, s->nset, sizeof *s->set, &err);
    if (err == CIT_OK)
        s->set[s->nset++] = set;
    return err;
}

/* ---- options that do nothing ---- */

/* true and false come to the same. */
static int option_no_effect(struct cit__hurl *h)
{
    bool unused;

    return boolean(h, &unused);
}

static int option_verbosity(struct cit__hurl *h)
{
    (void)cit__hurl_word(h);
    return CIT_OK;
}

/* false is what is done anyway, true is refused: by option_refused, with the reason of the table. */
static int option_false(struct cit__hurl *h)
{
    const char *at = h->p;
    bool is_true = false;
    int err = boolean(h, &is_true);

    h->p = err == CIT_OK && is_true ? at : h->p;
    return err;
}

#define NOT_SUPPORTED "is not supported"
#define OF_THE_PLAN "is said of the whole plan, not of a request"

/* name, function (NULL: always refused), why it is refused */
static const struct option {
    const char *name;
    int (*take)(struct cit__hurl *h);
    const char *why;
} options[] = {
    { "location", option_location, NULL },
    { "max-redirs", option_max_redirs, NULL },
    { "skip", option_skip, NULL },
    { "delay", option_delay, NULL },
    { "repeat", option_repeat, NULL },
    { "retry", option_retry, NULL },
    { "user", option_user, NULL },
    { "variable", option_variable, NULL },
    { "verbose", option_no_effect, NULL },
    { "very-verbose", option_no_effect, NULL },
    { "verbosity", option_verbosity, NULL },
    { "path-as-is", option_no_effect, NULL },
    { "http1.1", option_no_effect, NULL },
    { "insecure", option_false, OF_THE_PLAN ": insecure = true" },
    { "compressed", option_false, NOT_SUPPORTED ": answers are asked for as they are" },
    { "location-trusted", option_false, NOT_SUPPORTED ": passwords are not sent on to other hosts" },
    { "http1.0", option_false, NOT_SUPPORTED ": requests are made as HTTP/1.1" },
    { "http2", option_false, NOT_SUPPORTED ": requests are made as HTTP/1.1" },
    { "http3", option_false, NOT_SUPPORTED ": requests are made as HTTP/1.1" },
    { "ipv4", option_false, NOT_SUPPORTED ": name an address as the plan's target" },
    { "ipv6", option_false, NOT_SUPPORTED ": name an address as the plan's target" },
    { "netrc", option_false, NOT_SUPPORTED ": use [BasicAuth]" },
    { "netrc-optional", option_false, NOT_SUPPORTED ": use [BasicAuth]" },
    { "digest", option_false, NOT_SUPPORTED ": use [BasicAuth]" },
    { "ntlm", option_false, NOT_SUPPORTED ": use [BasicAuth]" },
    { "negotiate", option_false, NOT_SUPPORTED ": use [BasicAuth]" },
    { "netrc-file", NULL, NOT_SUPPORTED ": use [BasicAuth]" },
    { "cacert", NULL, OF_THE_PLAN ": cacert = \"...\"" },
    { "connect-timeout", NULL, OF_THE_PLAN ": connect_timeout = \"5s\"" },
    { "max-time", NULL, OF_THE_PLAN ": timeout = \"30s\"" },
    { "unix-socket", NULL, OF_THE_PLAN ": target = \"unix:...\"" },
    { "connect-to", NULL, OF_THE_PLAN ": target" },
    { "resolve", NULL, OF_THE_PLAN ": target" },
    { "retry-interval", NULL, NOT_SUPPORTED ": an answer that was wrong is counted as an error" },
    { "header", NULL, NOT_SUPPORTED ": write the field under the request" },
    { "aws-sigv4", NULL, NOT_SUPPORTED },
    { "cert", NULL, NOT_SUPPORTED },
    { "key", NULL, NOT_SUPPORTED },
    { "limit-rate", NULL, NOT_SUPPORTED },
    { "output", NULL, NOT_SUPPORTED },
    { "pinnedpubkey", NULL, NOT_SUPPORTED },
    { "proxy", NULL, NOT_SUPPORTED },
};

enum { OPTIONS = sizeof options / sizeof *options };

static int unknown(struct cit__hurl *h, struct cit_slice name)
{
    const char *all[OPTIONS];
    int near;

    for (int i = 0; i < OPTIONS; i++)
        all[i] = options[i].name;
    near = cit__hurl_nearest(name, all, OPTIONS);
    if (near >= 0)
        return cit__hurl_fault(h, name.p, CIT_EINVAL, "there is no option %s; did you mean %s?",
                               cit__hurl_show(name).text, all[near]);
    return cit__hurl_expected(h, name.p, "location, max-redirs, delay, repeat, skip, user or variable");
}

static const struct option *find(struct cit_slice name)
{
    for (int i = 0; i < OPTIONS; i++)
        if (cit_slice_eq(name, cit_slice_str(options[i].name)))
            return &options[i];
    return NULL;
}

int cit__hurl_option(struct cit__hurl *h)
{
    struct cit_slice name = cit__hurl_word(h);
    const struct option *o = find(name);
    const char *value;
    int err;

    if (o == NULL)
        return unknown(h, name);
    cit__hurl_skip_sp(h);
    if (h->p == h->end || *h->p != ':')
        return cit__hurl_expected(h, h->p, "a colon");
    h->p++;
    cit__hurl_skip_sp(h);
    value = h->p;
    err = o->take != NULL ? o->take(h) : CIT_OK;
    if (err == CIT_OK && o->why != NULL && h->p == value)
        return cit__hurl_fault(h, name.p, CIT_EINVAL, "the option %s %s", o->name, o->why);
    return err == CIT_OK ? cit__hurl_line_end(h, "") : err;
}
