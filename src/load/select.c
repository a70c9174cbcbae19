/* load/select.c - finds what a selector selects, in one pass over the page.
 *
 *      <ul>  <li>  <b>          each open element has the set of parts it is itself, and the set that it
 *      self  self  self         and those around it are: what a child may be follows from the two alone
 *      around around around
 *
 * Texts of elements are pieces of one buffer, in which those of nested ones lie in each other.  Where
 * the tag alone decides, no element is kept open at all.
 */
#include <string.h>

#include "load/html_int.h"
#include "load/select_int.h"

enum { DEPTH_MAX = 512 /* as browsers have it */, FIRST_CAP = 16, FIRST_TEXT = 256 };

struct level { /* an open element; level 0 is the page */
    struct cit_slice name;
    uint64_t self, around;
    uint32_t flags, reach; /* reach: of what is open, that which a start tag could still end */
    uint32_t seen[CIT__POSITIONS_MAX];
    uint32_t slot; /* of the items, from 1: its text is being gathered */
};

struct walk {
    const struct cit__select *select;
    struct cit__html html;
    struct cit_query_scratch *s;
    bool is_tree, wants_text, wants_one, wants_items, is_done;
    struct level *level; /* of DEPTH_MAX + 1 */
    uint32_t depth, over;
    uint32_t open_names[64]; /* how many open elements have a name of that length and first letter, roughly */
    struct cit_slice *item;
    uint32_t n, cap, gathering;
    char *text; /* gathered; as large as what is left of the page when the first is, so that it stays where it is */
    size_t text_n;
    char *decoded; /* attribute values for comparisons */
    size_t decoded_cap;
};

static bool same_name(struct cit_slice a, struct cit_slice b)
{
    return a.n == b.n && (memcmp(a.p, b.p, a.n) == 0 || cit_slice_eq_nocase(a, b));
}

/* ---- conditions ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool has_word(struct cit_slice s, struct cit_slice word)
{
    for (size_t i = 0, from = 0; i <= s.n; i++) {
        if (i < s.n && !is_space(s.p[i]))
            continue;
        if (word.n > 0 && i - from == word.n && memcmp(s.p + from, word.p, word.n) == 0)
            return true;
        from = i + 1;
    }
    return false;
}

static bool is_equal_at(struct cit_slice s, size_t at, struct cit_slice part)
{
    return part.n > 0 && s.n >= part.n && memcmp(s.p + at, part.p, part.n) == 0;
}

static bool value_holds(const struct cit__cond *c, struct cit_slice v)
{
    switch (c->kind) {
    case CIT__COND_HAS:
        return true;
    case CIT__COND_IS:
        return cit_slice_eq(v, c->value);
    case CIT__COND_BEGINS:
        return is_equal_at(v, 0, c->value);
    case CIT__COND_ENDS:
        return is_equal_at(v, v.n >= c->value.n ? v.n - c->value.n : 0, c->value);
    case CIT__COND_CONTAINS:
        return c->value.n > 0 && v.n > 0 && memmem(v.p, v.n, c->value.p, c->value.n) != NULL;
    case CIT__COND_WORD:
        return has_word(v, c->value);
    case CIT__COND_DASH:
        return cit_slice_eq(v, c->value) || (is_equal_at(v, 0, c->value) && v.p[c->value.n] == '-');
    case CIT__COND_POSITION:
        break;
    }
    return false;
}

/* An attribute's value with its references resolved, valid until the next call. */
static int decoded(struct walk *w, struct cit_slice *v)
{
    int err;

    if (memchr(v->p, '&', v->n) == NULL)
        return CIT_OK;
    if (v->n > w->decoded_cap) {
        w->decoded = cit__q_take(w->s, 2 * v->n, &err);
        w->decoded_cap = w->decoded != NULL ? 2 * v->n : 0;
        if (w->decoded == NULL)
            return err;
    }
    *v = cit_slice(w->decoded, cit__html_decode(*v, true, w->decoded));
    return CIT_OK;
}

static bool find_attribute(const struct cit__html_token *t, struct cit_slice name, struct cit_slice *value)
{
    struct cit_slice rest = t->attributes;
    struct cit__html_attribute a;

    while (cit__html_attribute(&rest, &a)) {
        if (!same_name(a.name, name))
            continue;
        *value = a.value;
        return true;
    }
    return false;
}

static int cond_holds(struct walk *w, const struct cit__cond *c, const struct cit__html_token *t, bool *out)
{
    struct cit_slice value;
    int err;

    if (c->kind == CIT__COND_POSITION) {
        *out = ++w->level[w->depth].seen[c->counter] == c->n;
        return CIT_OK;
    }
    *out = find_attribute(t, c->name, &value);
    if (!*out || c->kind == CIT__COND_HAS)
        return CIT_OK;
    err = decoded(w, &value);
    *out = err == CIT_OK && value_holds(c, value);
    return err;
}

static int part_holds(struct walk *w, const struct cit__part *part, const struct cit__html_token *t, bool *out)
{
    int err = CIT_OK;

    *out = part->tag.n == 0 || same_name(part->tag, t->name);
    for (uint32_t i = 0; *out && err == CIT_OK && i < part->nconds; i++)
        err = cond_holds(w, &part->conds[i], t, out);
    return err;
}

/* The parts which the element of t is, inside the one that is open. */
static int parts_of(struct walk *w, const struct cit__html_token *t, uint64_t *out)
{
    const struct cit__select *s = w->select;
    uint64_t maybe = s->anywhere, are = 0;

    if (w->is_tree) {
        const struct level *parent = &w->level[w->depth];

        /* the bit behind a part's is that of the part which continues it */
        maybe |= w->depth == 0 ? s->at_root : 0;
        maybe |= (parent->self << 1 & s->as_child) | (parent->around << 1 & s->as_descendant);
    }
    for (; maybe != 0; maybe &= maybe - 1) {
        int i = __builtin_ctzll(maybe);
        bool holds;
        int err = part_holds(w, &s->part[i], t, &holds);

        if (err != CIT_OK)
            return err;
        are |= holds ? 1ull << i : 0;
    }
    *out = are;
    return CIT_OK;
}

/* ---- what is selected ---- */

static int add_item(struct walk *w, struct cit_slice text)
{
    uint32_t cap = w->cap > 0 ? w->cap * 2 : FIRST_CAP;
    struct cit_slice *item;
    int err;

    if (w->wants_items && w->n == w->cap) {
        item = cit__q_take(w->s, cap * sizeof *item, &err);
        if (item == NULL)
            return err;
        if (w->n > 0)
            memcpy(item, w->item, w->n * sizeof *item);
        w->item = item;
        w->cap = cap;
    }
    if (w->wants_items)
        w->item[w->n] = text;
    w->n++;
    return CIT_OK;
}

/* The text, its references resolved, in the scratch where that is needed. */
static int add_decoded(struct walk *w, struct cit_slice text, bool in_attribute)
{
    char *to;
    int err;

    if (w->wants_items && text.n > 0 && memchr(text.p, '&', text.n) != NULL) {
        to = cit__q_take(w->s, text.n, &err);
        if (to == NULL)
            return err;
        text = cit_slice(to, cit__html_decode(text, in_attribute, to));
    }
    w->is_done = w->wants_one;
    return add_item(w, text);
}

/* A text inside an element that is being gathered. */
static void gather(struct walk *w, const struct cit__html_token *t)
{
    char *to = w->text + w->text_n;

    if (t->is_plain)
        memcpy(to, t->text.p, t->text.n);
    w->text_n += t->is_plain ? t->text.n : cit__html_decode(t->text, false, to);
}

static int take_text(struct walk *w, const struct cit__html_token *t)
{
    if (w->gathering > 0)
        gather(w, t);
    if (w->select->node != CIT__NODE_TEXT || (w->level[w->depth].self & w->select->last) == 0 || w->over > 0)
        return CIT_OK;
    if (!t->is_plain)
        return add_decoded(w, t->text, false);
    w->is_done = w->wants_one;
    return add_item(w, t->text);
}

/* An element is selected; *slot when its text is to be gathered. */
static int select_element(struct walk *w, const struct cit__html_token *t, uint32_t *slot)
{
    struct cit_slice value = { 0 };
    int err;

    if (w->select->node == CIT__NODE_TEXT)
        return CIT_OK;
    if (w->select->node == CIT__NODE_ATTRIBUTE) {
        (void)find_attribute(t, w->select->attribute, &value);
        return add_decoded(w, value, true);
    }
    w->is_done = w->wants_one && (!w->wants_text || t->is_closed);
    if (!w->wants_text)
        return add_item(w, value);
    if (w->text == NULL)
        w->text = cit__q_take(w->s, (size_t)(w->html.end - w->html.p) + 1, &err);
    if (w->text == NULL)
        return err;
    if (!t->is_closed && (w->over > 0 || w->depth == DEPTH_MAX))
        return cit__q_fail(w->s, CIT_ELIMIT, "elements lie in each other more than %d deep", DEPTH_MAX);
    err = add_item(w, cit_slice(w->text + w->text_n, 0));
    *slot = t->is_closed ? 0 : w->n;
    return err;
}

/* ---- open elements ---- */

static uint32_t *names_like(struct walk *w, struct cit_slice name)
{
    return &w->open_names[(((uint32_t)name.n << 3) ^ (uint32_t)((unsigned char)name.p[0] & 31)) & 63];
}

/* What of the things that a start tag may end is still reached past an element with these flags. */
static uint32_t reach_past(uint32_t reach, uint32_t flags)
{
    if ((flags & CIT__EL_SCOPE) != 0)
        reach &= ~(uint32_t)CIT__EL_P;
    if ((flags & CIT__EL_SPECIAL) != 0 && (flags & CIT__EL_WEAK) == 0)
        reach &= ~(uint32_t)(CIT__EL_LI | CIT__EL_DD);
    if ((flags & CIT__EL_TABLE) != 0)
        reach &= ~(uint32_t)(CIT__EL_CELL | CIT__EL_ROW | CIT__EL_SECTION);
    if ((flags & (CIT__EL_OPTION | CIT__EL_OPTGROUP)) == 0)
        reach &= ~(uint32_t)(CIT__EL_OPTION | CIT__EL_OPTGROUP);
    return reach;
}

static void open_level(struct walk *w, const struct cit__html_token *t, uint64_t parts, uint32_t slot)
{
    const struct level *parent = &w->level[w->depth];
    struct level *l;

    if (t->is_closed)
        return;
    if (w->over > 0 || w->depth == DEPTH_MAX) {
        w->over++;
        return;
    }
    l = &w->level[++w->depth];
    l->name = t->name;
    l->self = parts;
    l->around = parent->around | parts;
    l->flags = t->flags;
    l->reach = reach_past(parent->reach, t->flags) | t->flags;
    memset(l->seen, 0, sizeof l->seen);
    l->slot = slot;
    w->gathering += slot > 0;
    ++*names_like(w, t->name);
}

static void close_top(struct walk *w)
{
    struct level *l = &w->level[w->depth--];

    --*names_like(w, l->name);
    if (l->slot == 0)
        return;
    w->gathering--;
    w->item[l->slot - 1].n = (size_t)(w->text + w->text_n - w->item[l->slot - 1].p);
    w->is_done = w->is_done || w->wants_one;
}

/* Ends the innermost of what `what` names, with all it holds, where it is in reach. */
static void end_implied(struct walk *w, uint32_t what)
{
    uint32_t flags = 0;

    if ((w->level[w->depth].reach & what) == 0)
        return;
    while (w->depth > 0 && (flags & what) == 0) {
        flags = w->level[w->depth].flags;
        close_top(w);
    }
}

/* What a start tag ends before it opens (13.2.6.4: optional end tags). */
static void end_before(struct walk *w, uint32_t flags)
{
    if (w->over > 0 || flags == 0)
        return;
    if ((flags & CIT__EL_CLOSES_P) != 0)
        end_implied(w, CIT__EL_P);
    if ((flags & (CIT__EL_LI | CIT__EL_DD)) != 0)
        end_implied(w, flags & (CIT__EL_LI | CIT__EL_DD));
    if ((flags & (CIT__EL_OPTION | CIT__EL_OPTGROUP)) != 0)
        end_implied(w, CIT__EL_OPTION);
    if ((flags & CIT__EL_OPTGROUP) != 0)
        end_implied(w, CIT__EL_OPTGROUP);
    if ((flags & (CIT__EL_CELL | CIT__EL_ROW | CIT__EL_SECTION)) != 0)
        end_implied(w, CIT__EL_CELL);
    if ((flags & (CIT__EL_ROW | CIT__EL_SECTION)) != 0)
        end_implied(w, CIT__EL_ROW);
    if ((flags & CIT__EL_SECTION) != 0)
        end_implied(w, CIT__EL_SECTION);
    if ((flags & CIT__EL_BODY) != 0)
        end_implied(w, CIT__EL_HEAD);
}

/* What an end tag of an element with these flags can't get out of. */
static uint32_t walls_of(uint32_t flags)
{
    if ((flags & CIT__EL_PART) != 0)
        return CIT__EL_TABLE;
    return (flags & CIT__EL_SPECIAL) != 0 ? CIT__EL_SCOPE : CIT__EL_SPECIAL;
}

static void end_tag(struct walk *w, const struct cit__html_token *t)
{
    uint32_t walls = walls_of(t->flags), depth = w->depth;

    if ((t->flags & (CIT__EL_IGNORED_END | CIT__EL_VOID)) != 0)
        return;
    if (w->over > 0) {
        w->over--;
        return;
    }
    if (*names_like(w, t->name) == 0)
        return;
    while (depth > 0 && !same_name(w->level[depth].name, t->name)) {
        if ((w->level[depth].flags & walls) != 0)
            return;
        depth--;
    }
    if (depth > 0)
        while (w->depth >= depth)
            close_top(w);
}

/* ---- the walk ---- */

static int start_tag(struct walk *w, const struct cit__html_token *t)
{
    uint64_t parts;
    uint32_t slot = 0;
    int err;

    if (w->is_tree)
        end_before(w, t->flags);
    if (w->is_done)
        return CIT_OK;
    err = parts_of(w, t, &parts);
    if (err == CIT_OK && (parts & w->select->last) != 0)
        err = select_element(w, t, &slot);
    if (err == CIT_OK && w->is_tree)
        open_level(w, t, parts, slot);
    return err;
}

static int walk_page(struct walk *w)
{
    struct cit__html_token t;
    int err = CIT_OK;

    while (err == CIT_OK && !w->is_done) {
        cit__html_next(&w->html, &t);
        if (t.kind == CIT__HTML_END)
            break;
        if (t.kind == CIT__HTML_OPEN)
            err = start_tag(w, &t);
        else if (w->is_tree && t.kind == CIT__HTML_CLOSE)
            end_tag(w, &t);
        else if (w->is_tree && t.kind == CIT__HTML_TEXT)
            err = take_text(w, &t);
    }
    while (err == CIT_OK && w->depth > 0)
        close_top(w);
    return err;
}

/* The same where elements are kept open: their levels, 40 kB, are on the stack of this alone. */
static int walk_tree(struct walk *w)
{
    struct level level[DEPTH_MAX + 1];

    level[0] = (struct level){ 0 };
    w->level = level;
    return walk_page(w);
}

/* ---- beforehand ---- */

/* Whether a number in the page may stand for a letter, digit or dash, so that a literal is there and not seen. */
static bool has_hidden(struct cit_slice page)
{
    const char *p = page.p, *end = p + page.n;
    char c[12]; /* more than "&#x10ffff;", where zeros are not in front */

    while ((p = memchr(p, '&', (size_t)(end - p))) != NULL) {
        const char *digit = end - p > 2 && (p[2] | 0x20) == 'x' ? p + 3 : p + 2;
        struct cit_slice ref = cit_slice(p, end - p < (ptrdiff_t)sizeof c ? (size_t)(end - p) : sizeof c);

        p++;
        if (digit >= end || *p != '#')
            continue;
        (void)cit__html_decode(ref, true, c);
        if (*digit == '0' || c[0] == '-' || (unsigned char)((c[0] | 0x20) - 'a') < 26 ||
            (unsigned char)(c[0] - '0') < 10)
            return true;
    }
    return false;
}

/* False when the page has not got what every match needs. */
static bool may_match(const struct cit__select *s, struct cit_slice page)
{
    if (page.n == 0)
        return false;
    return s->literal.n == 0 || memmem(page.p, page.n, s->literal.p, s->literal.n) != NULL || has_hidden(page);
}

static bool is_xml(const struct cit_page *page)
{
    for (uint32_t i = 0; i < page->nfields; i++) {
        const struct cit_h1_field *f = &page->fields[i];
        struct cit_slice value = cit_slice(f->value, f->value_n);

        if (!cit_slice_eq_nocase(cit_slice(f->name, f->name_n), CIT_SLICE_LIT("content-type")))
            continue;
        for (size_t k = 0; k + 3 <= value.n; k++)
            if (cit_slice_eq_nocase(cit_slice(value.p + k, 3), CIT_SLICE_LIT("xml")))
                return true;
    }
    return false;
}

/* ---- values ---- */

/* normalize-space(): in place, in a copy. */
static int normalize(struct cit_query_scratch *s, struct cit_slice *text)
{
    int err;
    char *to = cit__q_take(s, text->n + 1, &err);
    size_t n = 0;

    if (to == NULL)
        return err;
    for (size_t i = 0; i < text->n; i++) {
        bool is_gap = is_space(text->p[i]) && text->p[i] != '\f'; /* XML's spaces have no form feed */

        if (!is_gap)
            to[n++] = text->p[i];
        else if (n > 0 && to[n - 1] != ' ')
            to[n++] = ' ';
    }
    *text = cit_slice(to, n > 0 && to[n - 1] == ' ' ? n - 1 : n);
    return CIT_OK;
}

static int value_of(const struct walk *w, enum cit__want want, struct cit_value *out)
{
    enum cit__function f = w->select->function;
    struct cit_value v = { .kind = CIT_VALUE_NONE };
    int err = CIT_OK;

    if (f == CIT__FN_COUNT) {
        v = (struct cit_value){ .kind = CIT_VALUE_INT, .integer = w->n };
    } else if (f == CIT__FN_BOOLEAN) {
        v = (struct cit_value){ .kind = CIT_VALUE_BOOL, .boolean = w->n > 0 };
    } else if (f == CIT__FN_NODES && !w->wants_one) {
        v = (struct cit_value){ .kind = CIT_VALUE_LIST, .items = w->item, .count = w->n };
    } else if (w->n > 0) {
        v = (struct cit_value){ .kind = CIT_VALUE_STRING, .text = w->item[0] };
        if (f == CIT__FN_NORMALIZE)
            err = normalize(w->s, &v.text);
    } else if (f != CIT__FN_NODES && want != CIT__WANT_FIRST) {
        v.kind = CIT_VALUE_STRING;
    }
    if (err == CIT_OK)
        *out = v;
    return err;
}

/* The one element that is wanted, where it can be found without what stands before it. */
static int try_jump(struct walk *w, struct cit_slice page)
{
    const char *at = cit__jump(w->select, page);
    struct cit__html_token t;
    int err;

    if (at == NULL)
        return CIT_OK;
    w->html.p = at;
    cit__html_next(&w->html, &t);
    err = t.kind == CIT__HTML_OPEN ? start_tag(w, &t) : CIT_OK;
    cit__html_init(&w->html, page, false);
    return err;
}

int cit__select_run(const struct cit__select *select, const struct cit_page *page, enum cit__want want,
                    struct cit_query_scratch *s, struct cit_value *out)
{
    enum cit__function f = select->function;
    bool is_string = f == CIT__FN_STRING || f == CIT__FN_NORMALIZE;
    struct walk w = { .select = select, .s = s };
    int err = CIT_OK;

    w.wants_one = is_string || f == CIT__FN_BOOLEAN ||
                  (f == CIT__FN_NODES && (want == CIT__WANT_FIRST || want == CIT__WANT_ASSERT));
    w.wants_items = is_string || (f == CIT__FN_NODES && want != CIT__WANT_COUNT);
    w.wants_text = w.wants_items && select->node == CIT__NODE_ELEMENT;
    w.is_tree = select->needs_tree || w.wants_text;
    cit__html_init(&w.html, page->body, is_xml(page));
    if (page->body.n > 0 && w.wants_one && !w.is_tree && !w.html.is_xml && select->literal.n > 0)
        err = try_jump(&w, page->body);
    if (err == CIT_OK && !w.is_done && may_match(select, page->body))
        err = w.is_tree ? walk_tree(&w) : walk_page(&w);
    return err == CIT_OK ? value_of(&w, want, out) : err;
}
