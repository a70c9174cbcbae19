/* load/predicate.c - asserts: what a value must be, and what is said when it is not. */
#include <stdio.h>
#include <string.h>

#include "load/query_int.h"

enum verdict { NO, YES, MISMATCH /* "not" does not make it true */ };

static const char *const names[] = {
#define CIT_PREDICATE_NAME(id, name, operand) name,
    CIT_PREDICATE_MAP(CIT_PREDICATE_NAME)
#undef CIT_PREDICATE_NAME
};

/* ---- showing ---- */

/* What a message says of a value. */
static void describe(const struct cit_value *v, char *out, size_t n)
{
    char shown[CIT__SHOWN], quoted[CIT__SHOWN + 2];
    const char *text = quoted;

    switch (v->kind) {
    case CIT_VALUE_NONE:
        text = "nothing";
        break;
    case CIT_VALUE_NULL:
        text = "null";
        break;
    case CIT_VALUE_BOOL:
        text = v->boolean ? "true" : "false";
        break;
    case CIT_VALUE_INT:
        (void)snprintf(quoted, sizeof quoted, "%lld", (long long)v->integer);
        break;
    case CIT_VALUE_FLOAT:
        (void)snprintf(quoted, sizeof quoted, "%.15g", v->number);
        break;
    case CIT_VALUE_STRING:
        (void)snprintf(quoted, sizeof quoted, "\"%s\"", cit__q_show(v->text, shown));
        break;
    case CIT_VALUE_LIST:
        (void)snprintf(quoted, sizeof quoted, "a collection of %u", v->count);
        break;
    case CIT_VALUE_OBJECT:
        (void)snprintf(quoted, sizeof quoted, "an object of %u", v->count);
        break;
    }
    (void)snprintf(out, n, "%s", text);
}

/* ---- comparing ---- */

static bool is_number(const struct cit_value *v)
{
    return v->kind == CIT_VALUE_INT || v->kind == CIT_VALUE_FLOAT;
}

static double number_of(const struct cit_value *v)
{
    return v->kind == CIT_VALUE_INT ? (double)v->integer : v->number;
}

static bool is_equal(const struct cit_value *a, const struct cit_value *b)
{
    if (a->kind == CIT_VALUE_INT && b->kind == CIT_VALUE_INT)
        return a->integer == b->integer; /* exact beyond 2^53 */
    if (is_number(a) && is_number(b))
        return number_of(a) == number_of(b);
    if (a->kind != b->kind)
        return false;
    if (a->kind == CIT_VALUE_BOOL)
        return a->boolean == b->boolean;
    return a->kind == CIT_VALUE_NULL || (a->kind == CIT_VALUE_STRING && cit_slice_eq(a->text, b->text));
}

/* Below, at, above: -1, 0, 1; false when the two have no order. */
static bool order_of(const struct cit_value *a, const struct cit_value *b, int *out)
{
    size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;

    if (a->kind == CIT_VALUE_INT && b->kind == CIT_VALUE_INT) {
        *out = (a->integer > b->integer) - (a->integer < b->integer);
        return true;
    }
    if (is_number(a) && is_number(b)) {
        *out = (number_of(a) > number_of(b)) - (number_of(a) < number_of(b));
        return number_of(a) == number_of(a) && number_of(b) == number_of(b);
    }
    if (a->kind != CIT_VALUE_STRING || b->kind != CIT_VALUE_STRING)
        return false;
    *out = n > 0 ? memcmp(a->text.p, b->text.p, n) : 0;
    if (*out == 0)
        *out = (a->text.n > b->text.n) - (a->text.n < b->text.n);
    return true;
}

static enum verdict compares(enum cit_predicate_kind kind, const struct cit_value *v, const struct cit_value *operand)
{
    int order;

    if (!order_of(v, operand, &order))
        return MISMATCH;
    if (kind == CIT_PREDICATE_GT)
        return order > 0 ? YES : NO;
    if (kind == CIT_PREDICATE_GE)
        return order >= 0 ? YES : NO;
    return (kind == CIT_PREDICATE_LT ? order < 0 : order <= 0) ? YES : NO;
}

static enum verdict has_text(enum cit_predicate_kind kind, const struct cit_value *v, struct cit_slice part)
{
    struct cit_slice s = v->text;
    bool holds;

    if (v->kind != CIT_VALUE_STRING)
        return MISMATCH;
    if (part.n == 0)
        return YES;
    if (s.n < part.n)
        return NO;
    if (kind == CIT_PREDICATE_STARTS_WITH)
        holds = memcmp(s.p, part.p, part.n) == 0;
    else if (kind == CIT_PREDICATE_ENDS_WITH)
        holds = memcmp(s.p + s.n - part.n, part.p, part.n) == 0;
    else
        holds = memmem(s.p, s.n, part.p, part.n) != NULL;
    return holds ? YES : NO;
}

static bool includes_item(const struct cit_value *v, const struct cit_value *operand)
{
    for (uint32_t i = 0; operand->kind == CIT_VALUE_STRING && i < v->count; i++)
        if (cit_slice_eq(v->items[i], operand->text))
            return true;
    return false;
}

static int includes(const struct cit_value *v, const struct cit_value *operand, struct cit_query_scratch *s,
                    enum verdict *out)
{
    struct cit_value item;
    struct cit_json j;
    struct cit_json_token t;
    struct cit_slice text;
    int err = CIT_OK;

    *out = v->kind != CIT_VALUE_LIST ? MISMATCH : NO;
    if (*out == MISMATCH)
        return CIT_OK;
    if (v->text.n == 0) {
        *out = includes_item(v, operand) ? YES : NO;
        return CIT_OK;
    }
    cit_json_init(&j, v->text);
    err = cit_json_next(&j, &t);
    while (err == CIT_OK && *out == NO) {
        err = cit_json_next(&j, &t);
        if (err != CIT_OK || j.depth == 0)
            break;
        if (j.depth > 1) { /* no operand is an array or object */
            err = cit_json_skip(&j, &text);
            continue;
        }
        text = t.kind == CIT_JSON_STRING ? cit_slice(t.raw.p - 1, t.raw.n + 2) : t.raw;
        err = cit__value_of_json(text, s, &item);
        *out = err == CIT_OK && is_equal(&item, operand) ? YES : NO;
    }
    return err == CIT_EPROTO ? cit__q_fail(s, CIT_EINVAL, "it is no JSON: %s", j.why) : err;
}

static enum verdict is_empty(const struct cit_value *v)
{
    if (v->kind == CIT_VALUE_STRING)
        return v->text.n == 0 ? YES : NO;
    if (v->kind != CIT_VALUE_LIST && v->kind != CIT_VALUE_OBJECT)
        return MISMATCH;
    return v->count == 0 ? YES : NO;
}

/* A set of nodes, which exists when it has one; a list of JSON exists, empty or not. */
static bool is_there(const struct cit_value *v)
{
    return v->kind != CIT_VALUE_LIST || v->count > 0 || v->text.n > 0;
}

/* ---- deciding ---- */

static int matches(const struct cit_assert *as, const struct cit_value *v, struct cit_query_scratch *s,
                   enum verdict *out)
{
    struct cit_slice group;
    bool found = false;
    int err;

    *out = MISMATCH;
    if (v->kind != CIT_VALUE_STRING)
        return CIT_OK;
    err = cit__pattern_run(as->pattern->pattern, v->text, s, &group, &found);
    *out = found ? YES : NO;
    return err;
}

static int decide(const struct cit_assert *as, const struct cit_value *v, const struct cit_value *operand,
                  struct cit_query_scratch *s, enum verdict *out)
{
    bool holds = false;

    switch (as->predicate) {
    case CIT_PREDICATE_EQ:
    case CIT_PREDICATE_NE:
        holds = is_equal(v, operand) == (as->predicate == CIT_PREDICATE_EQ);
        break;
    case CIT_PREDICATE_GT:
    case CIT_PREDICATE_GE:
    case CIT_PREDICATE_LT:
    case CIT_PREDICATE_LE:
        *out = compares(as->predicate, v, operand);
        return CIT_OK;
    case CIT_PREDICATE_STARTS_WITH:
    case CIT_PREDICATE_ENDS_WITH:
    case CIT_PREDICATE_CONTAINS:
        *out = has_text(as->predicate, v, operand->text);
        return CIT_OK;
    case CIT_PREDICATE_INCLUDES:
        return includes(v, operand, s, out);
    case CIT_PREDICATE_MATCHES:
        return matches(as, v, s, out);
    case CIT_PREDICATE_EXISTS:
        holds = is_there(v);
        break;
    case CIT_PREDICATE_IS_EMPTY:
        *out = is_empty(v);
        return CIT_OK;
    case CIT_PREDICATE_IS_INTEGER:
        holds = v->kind == CIT_VALUE_INT;
        break;
    case CIT_PREDICATE_IS_FLOAT:
        holds = v->kind == CIT_VALUE_FLOAT;
        break;
    case CIT_PREDICATE_IS_NUMBER:
        holds = is_number(v);
        break;
    case CIT_PREDICATE_IS_BOOLEAN:
        holds = v->kind == CIT_VALUE_BOOL;
        break;
    case CIT_PREDICATE_IS_STRING:
        holds = v->kind == CIT_VALUE_STRING;
        break;
    case CIT_PREDICATE_IS_COLLECTION:
        holds = v->kind == CIT_VALUE_LIST || v->kind == CIT_VALUE_OBJECT;
        break;
    case CIT_PREDICATE_KINDS:
        break;
    }
    *out = holds ? YES : NO;
    return CIT_OK;
}

/* ---- asserts ---- */

/* The operand as a value: its variables filled in, in the scratch. */
static int operand_of(const struct cit_assert *as, const struct cit_page *page, struct cit_query_scratch *s,
                      struct cit_value *out)
{
    const struct cit_operand *o = &as->operand;
    static const struct cit_vars no_vars = { 0 };
    struct cit_buf b;
    uint32_t unset = 0;
    char *text;
    int err;

    *out = (struct cit_value){ .kind = o->kind, .boolean = o->boolean, .integer = o->integer, .number = o->number };
    if (o->kind != CIT_VALUE_STRING || as->pattern != NULL || cit_tmpl_is_fixed(&o->text, &out->text))
        return CIT_OK;
    cit_buf_init(&b, s->arena.max);
    err = cit_tmpl_fill(&o->text, page->vars != NULL ? page->vars : &no_vars, CIT_ESCAPE_NONE, &b, &unset);
    text = err == CIT_OK ? cit__q_take(s, b.len + 1, &err) : NULL;
    if (text != NULL)
        out->text = cit_slice(memcpy(text, b.len > 0 ? b.p : "", b.len), b.len);
    cit_buf_fini(&b);
    if (err == CIT_ENOENT)
        return cit__q_fail(s, CIT_EINVAL, "a variable in the expected value is not set");
    return err;
}

/* Variables are texts here: one that is compared with a number or a boolean counts as one, as in stock hurl. */
static void take_as(struct cit_value *v, const struct cit_value *operand)
{
    if (v->kind != CIT_VALUE_STRING)
        return;
    if (is_number(operand))
        (void)cit__value_of_number(v->text, v);
    if (operand->kind == CIT_VALUE_BOOL &&
        (cit_slice_eq(v->text, CIT_SLICE_LIT("true")) || cit_slice_eq(v->text, CIT_SLICE_LIT("false"))))
        *v = (struct cit_value){ .kind = CIT_VALUE_BOOL, .boolean = v->text.n == 4 };
}

static void tell(const struct cit_assert *as, const struct cit_value *v, const struct cit_value *operand,
                 struct cit_query_scratch *s)
{
    char actual[80], expected[80] = "";
    struct cit_value wanted = *operand;

    if (as->pattern != NULL)
        (void)cit_tmpl_is_fixed(&as->operand.text, &wanted.text);
    describe(v, actual, sizeof actual);
    if (wanted.kind != CIT_VALUE_NONE)
        describe(&wanted, expected, sizeof expected);
    (void)cit__q_fail(s, CIT_OK, "it is %s, expected %s%s%s%s", actual, as->is_negated ? "not " : "",
                      names[as->predicate], expected[0] != '\0' ? " " : "", expected);
}

int cit_assert_check(const struct cit_assert *as, const struct cit_page *page, struct cit_query_scratch *s)
{
    bool needs_all = as->predicate == CIT_PREDICATE_INCLUDES || as->predicate == CIT_PREDICATE_IS_COLLECTION;
    struct cit_value v = { 0 }, operand = { 0 };
    enum verdict verdict = NO;
    int err = cit__q_run(as->query, page, needs_all ? CIT__WANT_ALL : CIT__WANT_ASSERT, s, &v);

    if (err == CIT_OK)
        err = operand_of(as, page, s, &operand);
    if (err == CIT_OK && as->query->kind == CIT_QUERY_VARIABLE && as->query->nfilters == 0)
        take_as(&v, &operand);
    if (err == CIT_OK && as->operand.is_variable) /* {{x}} without quotes is what it is compared with */
        take_as(&operand, &v);
    if (err == CIT_OK && v.kind != CIT_VALUE_NONE) /* of nothing, nothing is true */
        err = decide(as, &v, &operand, s, &verdict);
    if (err != CIT_OK)
        return err;
    if (verdict != MISMATCH && (verdict == YES) != as->is_negated)
        return 1;
    tell(as, &v, &operand, s);
    return 0;
}
