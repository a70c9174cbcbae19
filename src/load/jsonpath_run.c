/* load/jsonpath_run.c - walks a JSON text once with all steps of a path at a time, without a tree.
 *
 *      {"a": [ {"b": 1}, {"b": 2} ]}      $.a[*].b
 *      0     1 2         2                the set of steps that lead from here on, a bit each
 *                └ 3         └ 3          all steps done: selected
 *
 * The set of a value follows from its parent's set and its name or index alone, so that "..", which
 * keeps its own bit, costs no second pass.  Only tests and indexes from the end look ahead; what they
 * read is counted, and a text made to be read again and again is given up.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "load/jsonpath_int.h"

enum { WORK_A_BYTE = 64, WORK_MIN = 1 << 20, FIRST_CAP = 16 };

struct frame { /* an object or array that is open */
    uint64_t set;
    const char *start;
    int64_t index, count; /* count of elements: where a step asks for it */
    uint32_t slot;        /* of the selected values, from 1; 0: not selected */
    bool is_array;
};

struct walk {
    const struct cit__path *path;
    struct cit_json j;
    struct cit_query_scratch *s;
    struct frame frame[CIT_JSON_DEPTH_MAX];
    uint32_t depth;
    struct cit_slice name; /* of the member that is read */
    struct cit_slice *at;  /* the selected texts */
    struct cit_slice one;  /* ... of which a definite path has no more */
    uint32_t n, cap;
    bool is_done;
    uint64_t work;
};

static int no_json(struct walk *w, const struct cit_json *j)
{
    return cit__q_fail(w->s, CIT_EINVAL, "it is no JSON: at byte %zu, %s", (size_t)(j->p - j->start), j->why);
}

static int count_work(struct walk *w, size_t bytes)
{
    w->work += bytes;
    if (w->work <= WORK_MIN + WORK_A_BYTE * (uint64_t)(w->j.end - w->j.start))
        return CIT_OK;
    return cit__q_fail(w->s, CIT_ELIMIT, "the path needs too many steps for this text");
}

/* ---- numbers ---- */

static bool is_whole(struct cit_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '.' || (s.p[i] | 0x20) == 'e')
            return false;
    return true;
}

static bool whole_number(struct cit_slice s, int64_t *out)
{
    bool is_negative = s.n > 0 && s.p[0] == '-';
    unsigned long long u;

    if (is_negative)
        s = cit_slice(s.p + 1, s.n - 1);
    if (!cit_slice_u64(s, &u) || u > (unsigned long long)INT64_MAX + (is_negative ? 1 : 0))
        return false;
    *out = is_negative ? (int64_t)(0 - u) : (int64_t)u;
    return true;
}

/* strtod() wants a NUL; digits past what a copy on the stack holds do not matter, but an exponent there would. */
static double float_number(struct cit_slice s)
{
    char copy[512];
    size_t n = s.n < sizeof copy ? s.n : sizeof copy - 1;

    if (s.n >= sizeof copy)
        return NAN;
    memcpy(copy, s.p, n);
    copy[n] = '\0';
    return strtod(copy, NULL);
}

bool cit__value_of_number(struct cit_slice text, struct cit_value *out)
{
    struct cit_slice digits = text;
    struct cit_json j;
    struct cit_json_token t;
    struct cit_value v = { .kind = CIT_VALUE_INT, .text = text };

    if (digits.n > 0 && digits.p[0] == '+')
        digits = cit_slice(digits.p + 1, digits.n - 1);
    cit_json_init(&j, digits);
    if (cit_json_next(&j, &t) != CIT_OK || t.kind != CIT_JSON_NUMBER || t.raw.n != digits.n ||
        (digits.n < text.n && digits.p[0] == '-'))
        return false;
    if (!is_whole(digits) || !whole_number(digits, &v.integer)) {
        v.kind = CIT_VALUE_FLOAT;
        v.number = float_number(digits);
    }
    *out = v;
    return true;
}

/* ---- values ---- */

static int count_items(struct cit_json *j, uint32_t *out)
{
    uint32_t depth = j->depth, n = 0;
    struct cit_json_token t;
    struct cit_slice text;

    for (;;) {
        if (cit_json_next(j, &t) != CIT_OK)
            return CIT_EPROTO;
        if (j->depth < depth)
            break;
        n++;
        if ((t.kind == CIT_JSON_NAME || j->depth > depth) && cit_json_skip(j, &text) != CIT_OK)
            return CIT_EPROTO;
    }
    *out = n;
    return CIT_OK;
}

static int value_of_token(struct cit_json *j, const struct cit_json_token *t, struct cit_query_scratch *s,
                          struct cit_value *out)
{
    struct cit_value v = { 0 };
    const char *start = j->p - 1;
    int err;

    switch (t->kind) {
    case CIT_JSON_NULL:
        v.kind = CIT_VALUE_NULL;
        break;
    case CIT_JSON_TRUE:
    case CIT_JSON_FALSE:
        v = (struct cit_value){ .kind = CIT_VALUE_BOOL, .boolean = t->kind == CIT_JSON_TRUE };
        break;
    case CIT_JSON_NUMBER:
        (void)cit__value_of_number(t->raw, &v);
        break;
    case CIT_JSON_STRING:
        v.kind = CIT_VALUE_STRING;
        err = cit__q_unescape(t, s, &v.text);
        if (err != CIT_OK)
            return err;
        break;
    case CIT_JSON_OPEN_OBJECT:
    case CIT_JSON_OPEN_ARRAY:
        v.kind = t->kind == CIT_JSON_OPEN_ARRAY ? CIT_VALUE_LIST : CIT_VALUE_OBJECT;
        if (count_items(j, &v.count) != CIT_OK)
            return CIT_EPROTO;
        v.text = cit_slice(start, (size_t)(j->p - start));
        break;
    case CIT_JSON_END:
    case CIT_JSON_NAME:
    case CIT_JSON_CLOSE_OBJECT:
    case CIT_JSON_CLOSE_ARRAY:
        break;
    }
    *out = v;
    return CIT_OK;
}

int cit__value_of_json(struct cit_slice json, struct cit_query_scratch *s, struct cit_value *out)
{
    struct cit_json j;
    struct cit_json_token t;
    int err;

    cit_json_init(&j, json);
    err = cit_json_next(&j, &t);
    if (err == CIT_OK)
        err = value_of_token(&j, &t, s, out);
    if (err == CIT_EPROTO)
        return cit__q_fail(s, CIT_EINVAL, "it is no JSON: at byte %zu, %s", (size_t)(j.p - j.start), j.why);
    return err;
}

/* ---- tests ---- */

static int side_value(struct walk *w, const struct cit__side *side, struct cit_slice self, struct cit_value *out)
{
    int err;

    *out = side->literal;
    if (side->path == NULL)
        return CIT_OK;
    err = count_work(w, self.n);
    if (err == CIT_OK && side->path->n == 0)
        err = cit__value_of_json(self, w->s, out);
    else if (err == CIT_OK)
        err = cit__path_run(side->path, self, w->s, out);
    return err;
}

static bool is_number(const struct cit_value *v)
{
    return v->kind == CIT_VALUE_INT || v->kind == CIT_VALUE_FLOAT;
}

static double number_of(const struct cit_value *v)
{
    return v->kind == CIT_VALUE_INT ? (double)v->integer : v->number;
}

/* RFC 9535 2.3.5.2.2; objects and arrays are equal here when they are written alike. */
static bool is_equal(const struct cit_value *a, const struct cit_value *b)
{
    if (is_number(a) && is_number(b))
        return number_of(a) == number_of(b);
    if (a->kind != b->kind)
        return false;
    if (a->kind == CIT_VALUE_BOOL)
        return a->boolean == b->boolean;
    return a->kind == CIT_VALUE_NULL || a->kind == CIT_VALUE_NONE || cit_slice_eq(a->text, b->text);
}

static bool is_less(const struct cit_value *a, const struct cit_value *b)
{
    size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
    int order;

    if (is_number(a) && is_number(b))
        return number_of(a) < number_of(b);
    if (a->kind != CIT_VALUE_STRING || b->kind != CIT_VALUE_STRING)
        return false;
    order = n > 0 ? memcmp(a->text.p, b->text.p, n) : 0;
    return order < 0 || (order == 0 && a->text.n < b->text.n);
}

static bool compares(enum cit__test_kind kind, const struct cit_value *a, const struct cit_value *b)
{
    switch (kind) {
    case CIT__TEST_EQ:
        return is_equal(a, b);
    case CIT__TEST_NE:
        return !is_equal(a, b);
    case CIT__TEST_LT:
        return is_less(a, b);
    case CIT__TEST_LE:
        return is_less(a, b) || is_equal(a, b);
    case CIT__TEST_GT:
        return is_less(b, a);
    case CIT__TEST_GE:
        return is_less(b, a) || is_equal(a, b);
    case CIT__TEST_EXISTS:
        return a->kind != CIT_VALUE_NONE;
    case CIT__TEST_OR:
    case CIT__TEST_AND:
    case CIT__TEST_NOT:
        break;
    }
    return false;
}

/* Recursion is bounded by CIT__TESTS_DEPTH_MAX and CIT__TESTS_ROW_MAX. */
static int holds(struct walk *w, const struct cit__test *t, struct cit_slice self, bool *out)
{
    struct cit_value a, b;
    int err;

    if (t->kind > CIT__TEST_NOT) {
        err = side_value(w, &t->left, self, &a);
        if (err == CIT_OK)
            err = side_value(w, &t->right, self, &b);
        if (err == CIT_OK)
            *out = compares(t->kind, &a, &b);
        return err;
    }
    err = holds(w, t->a, self, out);
    if (err != CIT_OK)
        return err;
    if (t->kind == CIT__TEST_NOT)
        *out = !*out;
    else if (*out == (t->kind == CIT__TEST_AND))
        err = holds(w, t->b, self, out);
    return err;
}

/* The text of the value that begins with t, read ahead. */
static int text_ahead(struct walk *w, const struct cit_json_token *t, struct cit_slice *out)
{
    bool is_string = t->kind == CIT_JSON_STRING;
    struct cit_json ahead;

    if (t->kind != CIT_JSON_OPEN_OBJECT && t->kind != CIT_JSON_OPEN_ARRAY) {
        *out = is_string ? cit_slice(t->raw.p - 1, t->raw.n + 2) : t->raw;
        return CIT_OK;
    }
    ahead = w->j;
    if (cit_json_skip(&ahead, out) != CIT_OK)
        return no_json(w, &ahead);
    return count_work(w, out->n);
}

/* ---- steps ---- */

static bool is_in_slice(const struct cit__step *s, const struct frame *f)
{
    int64_t from = s->from < 0 ? s->from + f->count : s->from;
    int64_t to = !s->has_to ? INT64_MAX : s->to < 0 ? s->to + f->count : s->to;

    if (from < 0)
        from = 0;
    return f->index >= from && f->index < to && (f->index - from) % s->by == 0;
}

static int leads_to(struct walk *w, const struct cit__step *s, const struct cit_json_token *t, bool *out)
{
    const struct frame *f = &w->frame[w->depth - 1];
    struct cit_slice text;
    int err;

    switch (s->kind) {
    case CIT__STEP_NAME:
        *out = !f->is_array && cit_slice_eq(w->name, s->name);
        return CIT_OK;
    case CIT__STEP_INDEX:
        *out = f->is_array && f->index == (s->from < 0 ? s->from + f->count : s->from);
        return CIT_OK;
    case CIT__STEP_SLICE:
        *out = f->is_array && is_in_slice(s, f);
        return CIT_OK;
    case CIT__STEP_ANY:
        *out = true;
        return CIT_OK;
    case CIT__STEP_TEST:
        break;
    }
    err = text_ahead(w, t, &text);
    return err == CIT_OK ? holds(w, s->test, text, out) : err;
}

/* The set of the value that begins with t. */
static int set_of(struct walk *w, const struct cit_json_token *t, uint64_t *out)
{
    struct frame *f = &w->frame[w->depth - 1];
    uint64_t set = 0;

    for (uint64_t left = f->set; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(left);
        bool leads = false;
        int err = leads_to(w, &w->path->step[i], t, &leads);

        if (err != CIT_OK)
            return err;
        if (w->path->step[i].is_deep)
            set |= 1ull << i;
        if (leads)
            set |= 2ull << i;
    }
    f->index++;
    *out = set;
    return CIT_OK;
}

/* Whether a step of the set counts from the end of an array. */
static bool counts_from_end(const struct cit__path *path, uint64_t set)
{
    for (; set != 0; set &= set - 1) {
        const struct cit__step *s = &path->step[__builtin_ctzll(set)];

        if ((s->kind == CIT__STEP_INDEX || s->kind == CIT__STEP_SLICE) && (s->from < 0 || s->to < 0))
            return true;
    }
    return false;
}

/* ---- the walk ---- */

static int select_text(struct walk *w, struct cit_slice text)
{
    uint32_t cap = w->cap > 0 ? w->cap * 2 : FIRST_CAP;
    struct cit_slice *at;
    int err;

    if (w->path->is_definite) {
        w->at = &w->one;
    } else if (w->n == w->cap) {
        at = cit__q_take(w->s, cap * sizeof *at, &err);
        if (at == NULL)
            return err;
        if (w->n > 0)
            memcpy(at, w->at, w->n * sizeof *at);
        w->at = at;
        w->cap = cap;
    }
    w->at[w->n++] = text;
    return CIT_OK;
}

static int open_frame(struct walk *w, const struct cit_json_token *t, uint64_t set, uint32_t slot)
{
    struct frame *f = &w->frame[w->depth++];
    struct cit_json ahead;
    uint32_t count = 0;

    *f = (struct frame){ .set = set, .start = w->j.p - 1, .slot = slot, .is_array = t->kind == CIT_JSON_OPEN_ARRAY };
    if (!f->is_array || !counts_from_end(w->path, set))
        return CIT_OK;
    ahead = w->j;
    if (count_items(&ahead, &count) != CIT_OK)
        return no_json(w, &ahead);
    f->count = count;
    return count_work(w, (size_t)(ahead.p - w->j.p));
}

/* A value whose set is known: it is selected, gone into, or passed over. */
static int enter(struct walk *w, const struct cit_json_token *t, uint64_t set)
{
    uint64_t done = 1ull << w->path->n;
    bool is_open = t->kind == CIT_JSON_OPEN_OBJECT || t->kind == CIT_JSON_OPEN_ARRAY;
    bool is_string = t->kind == CIT_JSON_STRING, is_selected = (set & done) != 0;
    struct cit_slice text = is_string ? cit_slice(t->raw.p - 1, t->raw.n + 2) : t->raw;
    int err = CIT_OK;

    set &= done - 1;
    if (is_open && set == 0 && cit_json_skip(&w->j, &text) != CIT_OK)
        return no_json(w, &w->j);
    if (is_selected)
        err = select_text(w, text);
    /* a definite path that got here cannot do so again */
    w->is_done = w->path->is_definite && (is_selected || (set != 0 && !is_open));
    if (err != CIT_OK || !is_open || set == 0)
        return err;
    return open_frame(w, t, set, is_selected ? w->n : 0);
}

static void close_frame(struct walk *w)
{
    struct frame *f = &w->frame[--w->depth];

    if (f->slot > 0)
        w->at[f->slot - 1] = cit_slice(f->start, (size_t)(w->j.p - f->start));
    w->is_done = w->path->is_definite && w->depth > 0; /* what follows the whole text is looked at */
}

static int take_token(struct walk *w, const struct cit_json_token *t)
{
    uint64_t set = 1;
    int err = CIT_OK;

    if (t->kind == CIT_JSON_END) {
        w->is_done = true;
    } else if (t->kind == CIT_JSON_NAME) {
        err = cit__q_unescape(t, w->s, &w->name);
    } else if (t->kind == CIT_JSON_CLOSE_OBJECT || t->kind == CIT_JSON_CLOSE_ARRAY) {
        close_frame(w);
    } else {
        if (w->depth > 0)
            err = set_of(w, t, &set);
        if (err == CIT_OK)
            err = enter(w, t, set);
    }
    return err;
}

/* The selected texts as the text of one array. */
static int join(struct walk *w, struct cit_value *out)
{
    size_t n = 2 + (w->n > 0 ? w->n - 1 : 0);
    char *text, *to;
    int err;

    for (uint32_t i = 0; i < w->n; i++)
        n += w->at[i].n;
    text = to = cit__q_take(w->s, n, &err);
    if (text == NULL)
        return err;
    *to++ = '[';
    for (uint32_t i = 0; i < w->n; i++) {
        if (i > 0)
            *to++ = ',';
        memcpy(to, w->at[i].p, w->at[i].n);
        to += w->at[i].n;
    }
    *to = ']';
    *out = (struct cit_value){ .kind = CIT_VALUE_LIST, .text = cit_slice(text, n), .count = w->n };
    return CIT_OK;
}

int cit__path_run(const struct cit__path *path, struct cit_slice json, struct cit_query_scratch *s,
                  struct cit_value *out)
{
    struct cit_json_token t;
    struct walk w;
    int err = CIT_OK;

    /* not cleared as a whole: the frames are 20 kB */
    w.path = path;
    w.s = s;
    w.depth = w.n = w.cap = 0;
    w.at = NULL;
    w.is_done = false;
    w.work = 0;
    cit_json_init(&w.j, json);
    while (err == CIT_OK && !w.is_done) {
        if (cit_json_next(&w.j, &t) != CIT_OK)
            return no_json(&w, &w.j);
        err = take_token(&w, &t);
    }
    if (err != CIT_OK)
        return err;
    if (!path->is_definite)
        return join(&w, out);
    if (w.n > 0)
        return cit__value_of_json(w.one, s, out);
    *out = (struct cit_value){ .kind = CIT_VALUE_NONE };
    return CIT_OK;
}
