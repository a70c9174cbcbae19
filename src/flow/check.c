/* flow/check.c - findings are made, counted and sorted; the passes run in turn. */
#include "flow/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "flow/check_int.h"
#include "flow/text_int.h"

enum {
    FIRST_CAP = 16,
    SAID_MAX = 1000, /* bytes of a text */
    SHOWN_MAX = 40   /* ... of a title or id in it */
};

/* ---- codes ---- */

static const char *const code_texts[] = {
#define CODE_TEXT(name, code, when) code,
    CIT_FLOW_CODES(CODE_TEXT) CIT_EXPR_NOTES(CODE_TEXT)
#undef CODE_TEXT
};

const char *cit_flow_code_text(enum cit_flow_code code)
{
    return code_texts[code];
}

const char *cit__note_code(enum cit_expr_note_kind kind)
{
    return code_texts[(int)CIT_FLOW_CODE_COUNT + (int)kind];
}

/* Its place among the codes; CIT__RANKS - 1 for one that is not known here. */
static uint32_t rank_of(const char *code)
{
    uint32_t i = 0;

    while (i < CIT__RANKS - 1 && strcmp(code_texts[i], code) != 0)
        i++;
    return i;
}

/* ---- the list ---- */

static int make_room(struct cit_flow_findings *f)
{
    uint32_t cap = f->cap > 0 ? f->cap * 2 : FIRST_CAP;
    struct cit_flow_finding *at;

    if (f->count < f->cap)
        return CIT_OK;
    at = cit_realloc_array(f->at, cap, sizeof *at);
    if (at == NULL)
        return CIT_ENOMEM;
    f->at = at;
    f->cap = cap;
    return CIT_OK;
}

int cit_flow_findings_add(struct cit_flow_findings *f, const struct cit_flow_finding *one)
{
    struct cit_flow_finding copy = *one;
    int err = make_room(f);

    if (err != CIT_OK)
        return err;
    copy.what = cit_memdup(one->what, strlen(one->what));
    copy.hint = cit_memdup(one->hint, strlen(one->hint));
    if (copy.what == NULL || copy.hint == NULL) {
        cit_free(copy.what);
        cit_free(copy.hint);
        return CIT_ENOMEM;
    }
    f->at[f->count++] = copy;
    return CIT_OK;
}

void cit_flow_findings_fini(struct cit_flow_findings *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        cit_free(f->at[i].what);
        cit_free(f->at[i].hint);
    }
    cit_free(f->at);
    *f = (struct cit_flow_findings){ 0 };
}

static uint32_t sort_key(const struct cit_flow_finding *one)
{
    return one->severity * (uint32_t)CIT__RANKS + rank_of(one->code);
}

/* By counting, which is stable: findings of one key stay in the order of the graph. */
int cit_flow_findings_sort(struct cit_flow_findings *f, uint32_t first)
{
    uint32_t count = f->count - first, begin[(CIT_FLOW_HINT + 1) * CIT__RANKS + 1] = { 0 };
    struct cit_flow_finding *sorted;

    if (count < 2)
        return CIT_OK;
    sorted = cit_realloc_array(NULL, count, sizeof *sorted);
    if (sorted == NULL)
        return CIT_ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        begin[sort_key(&f->at[first + i]) + 1]++;
    for (size_t i = 1; i < sizeof begin / sizeof *begin; i++)
        begin[i] += begin[i - 1];
    for (uint32_t i = 0; i < count; i++)
        sorted[begin[sort_key(&f->at[first + i])]++] = f->at[first + i];
    memcpy(f->at + first, sorted, count * sizeof *sorted);
    cit_free(sorted);
    return CIT_OK;
}

/* ---- finding ---- */

/* What the compiler says begins small and has no full stop. */
static void make_sentence(char *text)
{
    size_t n = strlen(text);

    if (text[0] >= 'a' && text[0] <= 'z')
        text[0] = (char)(text[0] - 'a' + 'A');
    if (n > 0 && strchr(".!?", text[n - 1]) == NULL)
        memcpy(text + n, ".", 2);
}

/* A hint that ends with an expression has no full stop: it would be copied with it. */
static void make_advice(char *text)
{
    size_t n = strlen(text);
    int last = n > 0 ? (unsigned char)text[n - 1] | 0x20 : 0;

    make_sentence(text);
    if (last < 'a' || last > 'z')
        text[n] = '\0';
}

/* Pieces of what users wrote are in the texts, those of the compiler included. */
void cit__found(struct cit__check *c, struct cit__spot at, const char *hint, const char *fmt, ...)
{
    char said[SAID_MAX + 200], what[SAID_MAX + 5], advice[SAID_MAX + 5];
    struct cit_flow_finding one = { at.severity, at.code, at.node, at.edge, at.line, at.column, what, advice };
    va_list args;

    if (c->err != CIT_OK || c->same[rank_of(at.code)]++ >= CIT_FLOW_SAME_MAX)
        return;
    va_start(args, fmt);
    (void)vsnprintf(said, sizeof said, fmt, args);
    va_end(args);
    cit__text_show(cit_slice_str(said), SAID_MAX, what, sizeof what - 1);
    cit__text_show(cit_slice_str(hint), SAID_MAX, advice, sizeof advice - 1);
    make_sentence(what);
    make_advice(advice);
    c->err = cit_flow_findings_add(c->out, &one);
}

/* One more finding for each code of which there were too many to name. */
static void say_how_many_more(struct cit__check *c, uint32_t first)
{
    uint32_t found = c->out->count;
    bool is_said[CIT__RANKS] = { false };

    for (uint32_t i = first; i < found; i++) {
        const struct cit_flow_finding *one = &c->out->at[i];
        uint32_t rank = rank_of(one->code), more;

        if (is_said[rank] || c->same[rank] <= CIT_FLOW_SAME_MAX)
            continue;
        is_said[rank] = true;
        more = c->same[rank] - CIT_FLOW_SAME_MAX;
        c->same[rank] = 0;
        cit__found(c, (struct cit__spot){ one->severity, one->code, CIT_FLOW_NONE, CIT_FLOW_NONE, 0, 0 },
                   "Mend those that are listed, then check again.", "There are %" PRIu32 " more of this kind.", more);
    }
}

/* ---- names of things ---- */

const char *cit__id_label(const struct cit__check *c, int64_t id, struct cit__label *label)
{
    const struct cit_flow_words *w = c->opt->words;
    struct cit_slice text = w != NULL && w->id != NULL ? w->id(w->ctx, id) : (struct cit_slice){ 0 };

    if (text.p == NULL)
        (void)snprintf(label->text, sizeof label->text, "%" PRId64, id);
    else
        cit__text_show(text, SHOWN_MAX, label->text, sizeof label->text);
    return label->text;
}

const char *cit__node_label(const struct cit__check *c, uint32_t node, struct cit__label *label)
{
    const struct cit_flow_node *n = cit_flow_node_at(c->g, node);
    const char *type = n->type == CIT_FLOW_OTHER ? "node" : cit_flow_type_text((enum cit_flow_type)n->type);
    char title[SHOWN_MAX + 8];
    struct cit__label id;

    cit__text_show(n->title, SHOWN_MAX, title, sizeof title);
    if (title[0] == '\0')
        (void)snprintf(label->text, sizeof label->text, "%s %s", type, cit__id_label(c, n->id, &id));
    else
        (void)snprintf(label->text, sizeof label->text, "%s \"%s\" (%s)", type, title, cit__id_label(c, n->id, &id));
    return label->text;
}

/* ---- what all passes ask ---- */

const struct cit_flow_slot *cit__slot_of_node(const struct cit__check *c, uint32_t node)
{
    const struct cit_flow_slot *s = cit_flow_slot_of(c->g, cit_flow_node_at(c->g, node)->id);

    return s != NULL && s->node == node ? s : NULL;
}

enum cit__verdict cit__edge_verdict(const struct cit__check *c, uint32_t edge)
{
    uint32_t expr = cit_flow_edge_at(c->g, edge)->expr;

    return expr == 0 ? CIT__ALWAYS : (enum cit__verdict)c->verdict[expr];
}

/* What the engine does after a node, by type (what comes after `page` is up to the reader), and whether
 * an application of its own may do otherwise. */
#define AFTER(X)                 \
    X(OTHER, STOP, HOSTS)        \
    X(START, ON, OURS)           \
    X(PAGE, WAIT, OURS)          \
    X(WAIT, WAIT, OURS)          \
    X(SESSION, WAIT, OURS)       \
    X(BACKGROUND, ON, OURS)      \
    X(EXPRESSION, ON, OURS)      \
    X(EMAIL, ON, OURS)           \
    X(SMS, ON, OURS)             \
    X(REGISTER, ON, HOSTS)       \
    X(ENROLL, ON, HOSTS)         \
    X(LEAVE, ON, HOSTS)          \
    X(DELAY, WAIT, OURS)         \
    X(TOOL, STOP, HOSTS)         \
    X(NOTIFICATION, STOP, HOSTS) \
    X(CODE, ON, HOSTS)           \
    X(END, STOP, OURS)

enum after { AFTER_STOP, AFTER_WAIT, AFTER_ON };
enum whose { WHOSE_OURS, WHOSE_HOSTS };

static const struct {
    uint8_t after, whose;
} ways[CIT_FLOW_TYPE_COUNT] = {
#define AFTER_ROW(type, what, who) [CIT_FLOW_##type] = { AFTER_##what, WHOSE_##who },
    AFTER(AFTER_ROW)
#undef AFTER_ROW
};

bool cit__is_hosts(const struct cit__check *c, uint8_t type)
{
    return c->opt->dialect == CIT_EXPR_STRICT && ways[type].whose == WHOSE_HOSTS;
}

bool cit__passes_on(const struct cit__check *c, uint8_t type)
{
    return ways[type].after == AFTER_ON && !cit__is_hosts(c, type);
}

bool cit__stops(const struct cit__check *c, uint8_t type)
{
    return ways[type].after == AFTER_STOP && !cit__is_hosts(c, type);
}

/* ---- the check ---- */

int cit_flow_check(const struct cit_flow_graph *g, const struct cit_flow_check_options *opt,
                   struct cit_flow_findings *out)
{
    struct cit__check c = { .g = g, .opt = opt, .out = out };
    uint32_t first = out->count;
    int err;

    c.verdict = cit_calloc((size_t)cit_flow_expr_count(g) + 1, sizeof *c.verdict);
    c.reached = cit_calloc(cit_flow_node_count(g), sizeof *c.reached);
    if (c.verdict == NULL || c.reached == NULL)
        c.err = CIT_ENOMEM;
    cit__check_exprs(&c);
    cit__check_nodes(&c);
    cit__check_edges(&c);
    cit__check_loops(&c);
    say_how_many_more(&c, first);
    err = cit_flow_findings_sort(out, first);
    cit_free(c.verdict);
    cit_free(c.reached);
    cit_free(c.names);
    return c.err != CIT_OK ? c.err : err;
}
