/* load/hurl_predicate.c - predicates of asserts, and the values they compare with. */
#include "load/journey_int.h"

#include <stdlib.h>

enum { NUMBER_MAX = 64 /* bytes of a number as written */ };

static const struct {
    const char *name;
    int operand;
} predicates[] = {
#define PREDICATE_ROW(id, name, operand) { name, operand },
    CIT_PREDICATE_MAP(PREDICATE_ROW)
#undef PREDICATE_ROW
};

static const char *const names[] = {
#define PREDICATE_NAME(id, name, operand) name,
    CIT_PREDICATE_MAP(PREDICATE_NAME)
#undef PREDICATE_NAME
/* for the nearest name: a filter may have been meant */
#define FILTER_NAME(id, name, argument) name,
        CIT_FILTER_MAP(FILTER_NAME)
#undef FILTER_NAME
};

enum { NAMES = sizeof names / sizeof *names };

/* Of stock hurl, and not done here; with those of older versions what stands for them now. */
static const struct {
    const char *name, *now;
} others[] = { { "isDate", NULL },
               { "isIsoDate", NULL },
               { "isIpv4", NULL },
               { "isIpv6", NULL },
               { "isList", NULL },
               { "isObject", NULL },
               { "isUuid", NULL },
               { "equals", "==" },
               { "notEquals", "!=" },
               { "greaterThan", ">" },
               { "greaterThanOrEquals", ">=" },
               { "lessThan", "<" },
               { "lessThanOrEquals", "<=" },
               { "countEquals", "count ==" } };

/* ---- values ---- */

/* Behind a value comes a blank or the end of the line. */
static bool is_ended(const struct cit__hurl *h, const char *p)
{
    return p == h->end || *p == ' ' || *p == '\t' || *p == '\n' || *p == '\r' || *p == '#';
}

static bool takes_word(struct cit__hurl *h, const char *word)
{
    size_t n = strlen(word);

    if (!cit__hurl_at(h, word) || !is_ended(h, h->p + n))
        return false;
    h->p += n;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int number(struct cit__hurl *h, struct cit_operand *o)
{
    char text[NUMBER_MAX + 1];
    const char *at = h->p, *p = at;
    bool is_float;

    p += *p == '-';
    while (p < h->end && is_digit(*p))
        p++;
    is_float = h->end - p >= 2 && *p == '.' && is_digit(p[1]);
    if (!is_float && is_ended(h, p)) {
        o->kind = CIT_VALUE_INT;
        return cit__hurl_integer(h, INT64_MIN + 2, INT64_MAX - 1, &o->integer);
    }
    for (p += is_float; p < h->end && is_digit(*p);)
        p++;
    if (!is_float || !is_ended(h, p) || p - at > NUMBER_MAX)
        return cit__hurl_expected(h, at, "a number, as 12 or -0.5");
    memcpy(text, at, (size_t)(p - at));
    text[p - at] = '\0';
    o->kind = CIT_VALUE_FLOAT;
    o->number = strtod(text, NULL); /* the program stays in the locale "C" */
    h->p = p;
    return CIT_OK;
}

static int variable(struct cit__hurl *h, struct cit_operand *o)
{
    const char *at = h->p, *close;

    while (!cit__hurl_at_eol(h) && !cit__hurl_at(h, "}}"))
        h->p++;
    close = cit__hurl_at_eol(h) ? h->p : h->p + 2;
    h->p = close;
    o->kind = CIT_VALUE_STRING;
    o->is_variable = true;
    return cit__hurl_raw(h, at, close, &o->text);
}

/* A string in any of its forms; false when none begins here. */
static bool is_string(const struct cit__hurl *h)
{
    return h->p < h->end && (*h->p == '"' || *h->p == '`' || cit__hurl_at(h, "base64,") || cit__hurl_at(h, "hex,") ||
                             cit__hurl_at(h, "file,") || cit__hurl_at(h, "{{"));
}

static int string(struct cit__hurl *h, struct cit_operand *o)
{
    struct cit__hurl_content body;
    int err;

    o->kind = CIT_VALUE_STRING;
    if (cit__hurl_at(h, "{{"))
        return variable(h, o);
    if (*h->p == '"')
        return cit__hurl_text(h, CIT__QUOTED, &o->text);
    err = cit__hurl_body(h, &body);
    if (err != CIT_OK)
        return err;
    o->text = body.text;
    return body.kind == CIT_BODY_BYTES ? cit__hurl_verbatim(h, body.bytes.p, body.bytes.p + body.bytes.n, &o->text)
                                       : CIT_OK;
}

static int any_value(struct cit__hurl *h, struct cit_operand *o)
{
    if (is_string(h))
        return string(h, o);
    if (h->p < h->end && (*h->p == '-' || is_digit(*h->p)))
        return number(h, o);
    o->kind = CIT_VALUE_BOOL;
    o->boolean = cit__hurl_at(h, "true");
    if (takes_word(h, "true") || takes_word(h, "false"))
        return CIT_OK;
    o->kind = CIT_VALUE_NULL;
    if (takes_word(h, "null"))
        return CIT_OK;
    return cit__hurl_expected(h, h->p, "a value (\"text\", a number, true, false, null or a {{variable}})");
}

static int pattern(struct cit__hurl *h, struct cit_operand *o)
{
    struct cit_slice text;
    int err = cit__hurl_pattern(h, &text);

    o->kind = CIT_VALUE_STRING;
    return err == CIT_OK ? cit__hurl_verbatim(h, text.p, text.p + text.n, &o->text) : err;
}

static int operand(struct cit__hurl *h, struct cit_assert *as)
{
    const char *at = h->p;

    if (predicates[as->predicate].operand == 0)
        return CIT_OK;
    cit__hurl_skip_sp(h);
    if (h->p == at && !cit__hurl_at_eol(h))
        return cit__hurl_expected(h, at, "a blank");
    if (as->predicate == CIT_PREDICATE_MATCHES)
        return pattern(h, &as->operand);
    if (predicates[as->predicate].operand == 1)
        return any_value(h, &as->operand);
    if (predicates[as->predicate].operand == 2)
        return is_string(h) ? string(h, &as->operand) : cit__hurl_expected(h, h->p, "a text in quotes");
    if (h->p < h->end && (*h->p == '-' || is_digit(*h->p)))
        return number(h, &as->operand);
    return is_string(h) ? string(h, &as->operand) : cit__hurl_expected(h, h->p, "a number or a text in quotes");
}

/* ---- predicates ---- */

static int unknown(struct cit__hurl *h, struct cit_slice word)
{
    int near = cit__hurl_nearest(word, names, NAMES);

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (cit_slice_eq(word, cit_slice_str(others[i].name)))
            return cit__hurl_fault(h, word.p, CIT_EINVAL, "the predicate %s %s%s", others[i].name,
                                   others[i].now != NULL ? "is written " : "is not supported",
                                   others[i].now != NULL ? others[i].now : "");
    if (word.n > 1 && strchr("=!<>", word.p[0]) != NULL)
        return cit__hurl_fault(h, word.p, CIT_EINVAL, "between an operator (== != > >= < <=) and a value is a blank");
    if (near >= 0 && word.n > 2)
        return cit__hurl_fault(h, word.p, CIT_EINVAL, "%s is no filter and no predicate; did you mean %s?",
                               cit__hurl_show(word).text, names[near]);
    return cit__hurl_expected(h, word.p, "a filter or a predicate (== != > >= < <= contains matches exists ...)");
}

/* Up to a blank: operators are words here, too. */
static struct cit_slice take_word(struct cit__hurl *h)
{
    const char *from = h->p;

    while (!is_ended(h, h->p))
        h->p++;
    return cit_slice(from, (size_t)(h->p - from));
}

int cit__hurl_predicate(struct cit__hurl *h, struct cit_assert *as)
{
    const char *at = h->p;
    struct cit_slice word;

    cit__hurl_skip_sp(h);
    if (h->p == at && !cit__hurl_at_eol(h))
        return cit__hurl_expected(h, at, "a blank");
    word = take_word(h);
    if (cit_slice_eq(word, CIT_SLICE_LIT("not"))) {
        as->is_negated = true;
        cit__hurl_skip_sp(h);
        word = take_word(h);
    }
    for (int i = 0; i < CIT_PREDICATE_KINDS; i++)
        if (cit_slice_eq(word, cit_slice_str(predicates[i].name))) {
            as->predicate = (enum cit_predicate_kind)i;
            return operand(h, as);
        }
    return unknown(h, word);
}
