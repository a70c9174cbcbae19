/* expr/build.c - growing arrays, the first failure, and the one block a program lives in. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "expr/expr_int.h"

/* Names are compared one by one up to this many, then hashed. */
#define FEW_NAMES 12

#define COUNT_OF(array) ((uint32_t)(sizeof(array) / sizeof(array)[0]))

void cit__build_init(struct cit_expr_build *b, struct cit_slice text, enum cit_expr_dialect dialect,
                     struct cit_expr_error *err)
{
    b->dialect = dialect;
    b->status = CIT_OK;
    b->text = text;
    b->err = err;
    b->end = 0;
    b->is_closed = true;
    b->shadow = NULL;
    b->code = (struct cit__array){ .at = b->small.code, .cap = COUNT_OF(b->small.code) };
    b->tokens = (struct cit__array){ .at = b->small.tokens, .cap = COUNT_OF(b->small.tokens) };
    b->consts = (struct cit__array){ .at = b->small.consts, .cap = COUNT_OF(b->small.consts) };
    b->items = (struct cit__array){ .at = b->small.items, .cap = COUNT_OF(b->small.items) };
    b->names = (struct cit__array){ .at = b->small.names, .cap = COUNT_OF(b->small.names) };
    b->notes = (struct cit__array){ 0 };
    b->name_slots = NULL;
    b->name_slot_count = 0;
}

static void array_fini(struct cit__array *a)
{
    if (a->is_owned)
        cit_free(a->at);
    *a = (struct cit__array){ 0 };
}

void cit__build_fini(struct cit_expr_build *b)
{
    cit__build_drop_notes(b, 0);
    array_fini(&b->code);
    array_fini(&b->tokens);
    array_fini(&b->consts);
    array_fini(&b->items);
    array_fini(&b->names);
    array_fini(&b->notes);
    cit_free(b->name_slots);
    b->name_slots = NULL;
    if (b->shadow != b->small.shadow)
        cit_free(b->shadow);
    b->shadow = NULL;
}

/* ---- failure ---- */

/* A copy that ends at a whole character. */
static void copy_text(char *out, size_t room, const char *text)
{
    size_t n = strlen(text);

    if (n >= room) {
        n = room - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(out, text, n);
    out[n] = '\0';
}

int cit__build_fail(struct cit_expr_build *b, int err, struct cit__remark why)
{
    struct cit_expr_error *e = b->err;

    if (b->status != CIT_OK)
        return b->status;
    b->status = err;
    *e = (struct cit_expr_error){ .err = err, .at = why.at };
    cit__place(b->text, why.at, &e->line, &e->column);
    copy_text(e->what, sizeof e->what, why.what);
    copy_text(e->hint, sizeof e->hint, why.hint != NULL ? why.hint : "");
    return err;
}

int cit__build_limit(struct cit_expr_build *b, uint32_t at, const char *what)
{
    return cit__build_fail(b, CIT_ELIMIT, (struct cit__remark){ .at = at, .what = what });
}

int cit__build_nomem(struct cit_expr_build *b)
{
    return cit__build_fail(b, CIT_ENOMEM, (struct cit__remark){ .what = "out of memory" });
}

/* ---- arrays ---- */

/* Twice the room.  What begins inside the build moves to the heap. */
static bool grow(struct cit_expr_build *b, struct cit__array *a, size_t size)
{
    uint32_t cap = a->cap > 0 ? a->cap * 2 : 4;
    void *p;

    if (a->count >= CIT_EXPR_CODE_MAX) {
        cit__build_limit(b, b->end, "the expression is too long");
        return false;
    }
    p = cit_realloc_array(a->is_owned ? a->at : NULL, cap, size);
    if (p == NULL) {
        cit__build_nomem(b);
        return false;
    }
    if (!a->is_owned && a->count > 0)
        memcpy(p, a->at, a->count * size);
    *a = (struct cit__array){ .at = p, .count = a->count, .cap = cap, .is_owned = true };
    return true;
}

/* Room for one element more, which the caller fills; false after a failure. */
static inline bool has_room(struct cit_expr_build *b, struct cit__array *a, size_t size)
{
    if (b->status != CIT_OK)
        return false;
    return a->count < a->cap || grow(b, a, size);
}

uint32_t cit__build_emit(struct cit_expr_build *b, struct cit_expr_ins ins)
{
    if (!has_room(b, &b->code, sizeof ins))
        return 0;
    cit__code(b)[b->code.count] = ins;
    return b->code.count++;
}

uint32_t cit__build_const(struct cit_expr_build *b, struct cit_expr_const c)
{
    if (!has_room(b, &b->consts, sizeof c))
        return 0;
    cit__consts(b)[b->consts.count] = c;
    return b->consts.count++;
}

uint32_t cit__build_token(struct cit_expr_build *b, struct cit_expr_token t)
{
    if (!has_room(b, &b->tokens, sizeof t))
        return 0;
    cit__tokens(b)[b->tokens.count] = t;
    return b->tokens.count++;
}

uint32_t cit__build_item(struct cit_expr_build *b, struct cit_slice item)
{
    if (!has_room(b, &b->items, sizeof item))
        return 0;
    cit__items(b)[b->items.count] = item;
    return b->items.count++;
}

void cit__build_land(struct cit_expr_build *b, uint32_t jump)
{
    if (cit__build_ok(b))
        cit__code(b)[jump].arg = b->code.count;
}

char *cit__build_shadow(struct cit_expr_build *b)
{
    if (b->status != CIT_OK || b->shadow != NULL)
        return b->status == CIT_OK ? b->shadow : NULL;
    b->shadow = b->text.n <= sizeof b->small.shadow ? b->small.shadow : cit_malloc(b->text.n);
    if (b->shadow == NULL)
        cit__build_nomem(b);
    else
        memset(b->shadow, 0, b->text.n); /* all of it goes into the program */
    return b->shadow;
}

/* ---- names ---- */

/* Begun with an address nobody outside knows, so that names which collide cannot be prepared. */
static uint32_t hash(const struct cit_expr_build *b, struct cit_slice s)
{
    uint64_t h = 0xcbf29ce484222325U ^ (uint64_t)(uintptr_t)b;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3U;
    return (uint32_t)((h * 0x9e3779b97f4a7c15U) >> 32);
}

/* The slot of a name, or the free one where it belongs. */
static uint32_t *find_slot(const struct cit_expr_build *b, struct cit_slice name)
{
    uint32_t mask = b->name_slot_count - 1, i = hash(b, name) & mask;

    while (b->name_slots[i] != 0 && !cit_slice_eq(cit__names(b)[b->name_slots[i] - 1], name))
        i = (i + 1) & mask;
    return &b->name_slots[i];
}

/* A table at most half full once one more name is in. */
static bool has_slots(struct cit_expr_build *b)
{
    uint32_t count = b->name_slot_count > 0 ? b->name_slot_count * 2 : 4 * FEW_NAMES + 16;
    uint32_t *slots;

    if ((b->names.count + 1) * 2 <= b->name_slot_count)
        return true;
    slots = cit_calloc(count, sizeof *slots);
    if (slots == NULL) {
        cit__build_nomem(b);
        return false;
    }
    cit_free(b->name_slots);
    b->name_slots = slots;
    b->name_slot_count = count;
    for (uint32_t i = 0; i < b->names.count; i++)
        *find_slot(b, cit__names(b)[i]) = i + 1;
    return true;
}

static uint32_t add_name(struct cit_expr_build *b, struct cit_slice name)
{
    if (!has_room(b, &b->names, sizeof name))
        return 0;
    cit__names(b)[b->names.count] = name;
    return b->names.count++;
}

uint32_t cit__build_name(struct cit_expr_build *b, struct cit_slice name)
{
    uint32_t *slot, index;

    if (b->names.count < FEW_NAMES) {
        for (uint32_t i = 0; i < b->names.count; i++)
            if (cit_slice_eq(cit__names(b)[i], name))
                return i;
        return add_name(b, name);
    }
    if (b->status != CIT_OK || !has_slots(b))
        return 0;
    slot = find_slot(b, name);
    if (*slot != 0)
        return *slot - 1;
    index = add_name(b, name);
    if (cit__build_ok(b))
        *slot = index + 1;
    return index;
}

/* ---- remarks ---- */

void cit__build_drop_notes(struct cit_expr_build *b, uint32_t count)
{
    struct cit_expr_note *notes = b->notes.at;

    while (b->notes.count > count)
        cit_free((void *)(uintptr_t)notes[--b->notes.count].what); /* ours: what and hint in one block */
}

static const char *const note_codes[] = {
#define CIT__NOTE_CODE(name, code, when) code,
    CIT_EXPR_NOTES(CIT__NOTE_CODE)
#undef CIT__NOTE_CODE
};

void cit__build_note(struct cit_expr_build *b, enum cit_expr_note_kind kind, struct cit__remark r)
{
    size_t what = strlen(r.what) + 1, hint = r.hint != NULL ? strlen(r.hint) + 1 : 1;
    struct cit_expr_note n = { .at = r.at, .code = note_codes[kind] };
    char *texts;

    if (b->notes.count == CIT__NOTES_MAX || !has_room(b, &b->notes, sizeof n))
        return;
    texts = cit_malloc(what + hint);
    if (texts == NULL) {
        cit__build_nomem(b);
        return;
    }
    memcpy(texts, r.what, what);
    memcpy(texts + what, r.hint != NULL ? r.hint : "", hint);
    n.what = texts;
    n.hint = texts + what;
    ((struct cit_expr_note *)b->notes.at)[b->notes.count++] = n;
}

/* By place, and with it; they come almost sorted, and are few.  Not before the end: most remarks on a
 * text that breaks off again and again are dropped. */
static void place_notes(struct cit_expr_build *b)
{
    struct cit_expr_note *notes = b->notes.at;
    struct cit__place p = CIT__PLACE_START;

    for (uint32_t i = 1; i < b->notes.count; i++) {
        struct cit_expr_note n = notes[i];
        uint32_t k = i;

        for (; k > 0 && notes[k - 1].at > n.at; k--)
            notes[k] = notes[k - 1];
        notes[k] = n;
    }
    for (uint32_t i = 0; i < b->notes.count; i++) {
        cit__place_move(b->text, &p, notes[i].at);
        notes[i].line = p.line;
        notes[i].column = p.column;
    }
}

/* ---- the program ---- */

/* One block: the program, its arrays, then texts.  Arrays come in the order of their alignment. */
struct layout {
    size_t consts, tokens, items, names, notes, code, text, shadow, note_texts, size;
};

static const int8_t pops[] = {
#define CIT__OP_POPS(name, n, text) n,
    CIT_EXPR_OPS(CIT__OP_POPS)
#undef CIT__OP_POPS
};

static bool is_jump(unsigned op)
{
    return op == CIT_EXPR_JUMP || op == CIT_EXPR_JUMP_UNLESS || op == CIT_EXPR_JUMP_IF_FALSE ||
           op == CIT_EXPR_JUMP_IF_TRUE || op == CIT_EXPR_JUMP_IF_SET;
}

/* The deepest the stack gets.  Behind any jump it is one value lower (program.h), so one pass does. */
static uint32_t deepest(const struct cit_expr_build *b)
{
    uint32_t depth = 0, max = 0;

    for (uint32_t i = 0; i < b->code.count; i++) {
        const struct cit_expr_ins *ins = &cit__code(b)[i];
        uint32_t n = pops[ins->op] < 0 ? ins->count : (uint32_t)pops[ins->op];

        n = is_jump(ins->op) ? 1 : n;
        assert(depth >= n);
        depth = depth - n + !is_jump(ins->op);
        max = depth > max ? depth : max;
    }
    return max;
}

static size_t note_bytes(const struct cit_expr_build *b)
{
    const struct cit_expr_note *notes = b->notes.at;
    size_t n = 0;

    for (uint32_t i = 0; i < b->notes.count; i++)
        n += strlen(notes[i].what) + strlen(notes[i].hint) + 2;
    return n;
}

static struct layout lay_out(const struct cit_expr_build *b)
{
    struct layout l;

    l.consts = sizeof(struct cit_expr_program);
    l.tokens = l.consts + b->consts.count * sizeof(struct cit_expr_const);
    l.items = l.tokens + b->tokens.count * sizeof(struct cit_expr_token);
    l.names = l.items + b->items.count * sizeof(struct cit_slice);
    l.notes = l.names + b->names.count * sizeof(struct cit_slice);
    l.code = l.notes + b->notes.count * sizeof(struct cit_expr_note);
    l.text = l.code + b->code.count * sizeof(struct cit_expr_ins);
    l.shadow = l.text + b->text.n;
    l.note_texts = l.shadow + (b->shadow != NULL ? b->text.n : 0);
    l.size = l.note_texts + note_bytes(b);
    return l;
}

/* From the build's areas to the program's. */
struct move {
    struct cit_slice text, shadow; /* of the build */
    const char *text_to, *shadow_to;
};

static bool lies_in(struct cit_slice s, struct cit_slice area)
{
    uintptr_t p = (uintptr_t)s.p, from = (uintptr_t)area.p;

    return area.p != NULL && p >= from && p - from <= area.n && s.n <= area.n - (p - from);
}

static struct cit_slice moved(const struct move *m, struct cit_slice s)
{
    if (lies_in(s, m->text))
        return cit_slice(m->text_to + (s.p - m->text.p), s.n);
    if (lies_in(s, m->shadow))
        return cit_slice(m->shadow_to + (s.p - m->shadow.p), s.n);
    return s;
}

static const struct cit_slice *move_slices(const struct move *m, const struct cit__array *from, char *to)
{
    const struct cit_slice *old = from->at;
    struct cit_slice *slices = (struct cit_slice *)(void *)to;

    for (uint32_t i = 0; i < from->count; i++)
        slices[i] = moved(m, old[i]);
    return slices;
}

static const struct cit_expr_token *move_tokens(const struct move *m, const struct cit__array *from, char *to)
{
    const struct cit_expr_token *old = from->at;
    struct cit_expr_token *tokens = (struct cit_expr_token *)(void *)to;

    for (uint32_t i = 0; i < from->count; i++) {
        tokens[i] = old[i];
        tokens[i].text = moved(m, old[i].text);
    }
    return tokens;
}

static const struct cit_expr_const *move_consts(const struct move *m, const struct cit__array *from, char *to)
{
    const struct cit_expr_const *old = from->at;
    struct cit_expr_const *consts = (struct cit_expr_const *)(void *)to;

    for (uint32_t i = 0; i < from->count; i++) {
        consts[i] = old[i];
        consts[i].text = moved(m, old[i].text);
    }
    return consts;
}

/* what and hint stand behind each other, here as there. */
static const struct cit_expr_note *move_notes(const struct cit__array *from, char *to, char *texts)
{
    const struct cit_expr_note *old = from->at;
    struct cit_expr_note *notes = (struct cit_expr_note *)(void *)to;

    for (uint32_t i = 0; i < from->count; i++) {
        size_t what = strlen(old[i].what) + 1, hint = strlen(old[i].hint) + 1;

        notes[i] = old[i];
        notes[i].what = memcpy(texts, old[i].what, what);
        notes[i].hint = memcpy(texts + what, old[i].hint, hint);
        texts += what + hint;
    }
    return notes;
}

static void copy_bytes(char *to, const void *from, size_t n)
{
    if (n > 0)
        memcpy(to, from, n);
}

static void fill(const struct cit_expr_build *b, const struct layout *l, char *block)
{
    size_t shadow_n = b->shadow != NULL ? b->text.n : 0;
    struct move m = { b->text, cit_slice(b->shadow, shadow_n), block + l->text, block + l->shadow };
    struct cit_expr_program *prog = (struct cit_expr_program *)(void *)block;

    copy_bytes(block + l->text, b->text.p, b->text.n);
    copy_bytes(block + l->shadow, b->shadow, shadow_n);
    copy_bytes(block + l->code, b->code.at, b->code.count * sizeof(struct cit_expr_ins));
    *prog = (struct cit_expr_program){
        .dialect = b->dialect,
        .text = cit_slice(block + l->text, b->text.n),
        .end = cit__chars(cit_slice(b->text.p, b->end)),
        .text_chars = cit__chars(b->text),
        .tokens = move_tokens(&m, &b->tokens, block + l->tokens),
        .token_count = b->tokens.count,
        .is_closed = b->is_closed,
        .code = (const struct cit_expr_ins *)(void *)(block + l->code),
        .code_count = b->code.count,
        .stack_max = deepest(b),
        .consts = move_consts(&m, &b->consts, block + l->consts),
        .const_count = b->consts.count,
        .items = move_slices(&m, &b->items, block + l->items),
        .item_count = b->items.count,
        .names = move_slices(&m, &b->names, block + l->names),
        .name_count = b->names.count,
        .notes = move_notes(&b->notes, block + l->notes, block + l->note_texts),
        .note_count = b->notes.count,
    };
}

int cit__build_finish(struct cit_expr_build *b, struct cit_expr_program **out)
{
    struct layout l;
    char *block;

    if (b->status != CIT_OK)
        return b->status;
    place_notes(b);
    l = lay_out(b);
    block = cit_malloc(l.size);
    if (block == NULL)
        return cit__build_nomem(b);
    fill(b, &l, block);
    *out = (struct cit_expr_program *)(void *)block;
    return CIT_OK;
}
