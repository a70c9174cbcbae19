/* expr/value.h - programs run over plain values: without Python, without the GIL.
 *
 *      program ──┐
 *      lookup  ──┼── cit_expr_eval ──> value     borrows from arena, program and lookup
 *      limits  ──┤
 *      arena   ──┘                     error     kind, place, text, hint
 *
 * Strict programs mean what docs/language.md says.  Compat programs give what Python objects
 * would give, as far as the result and everything on the way is None, a bool, an integer of 64
 * bits, a float, a text, a list or a mapping; beyond that (complex numbers, larger integers,
 * '%' formatting) the error is CIT_EXPR_FAULT_UNSUPPORTED and says so.
 *
 * Depends on: base/{arena,err,slice}, expr/{fault,program}.
 * Ownership:  a value owns nothing: texts, lists and mappings are borrowed from whoever made
 *             them, and must stay until the arena is reset.
 * Threads:    a program may be run by any number of threads at once, each with its own arena.
 * Limits:     struct cit_expr_limits, and the arena's memory; past them CIT_ELIMIT.
 */
#ifndef CIT_EXPR_VALUE_H
#define CIT_EXPR_VALUE_H

#include "base/arena.h"
#include "expr/fault.h"
#include "expr/program.h"

enum cit_expr_value_kind {
    CIT_EXPR_V_NULL,
    CIT_EXPR_V_BOOL,
    CIT_EXPR_V_INT,
    CIT_EXPR_V_FLOAT,
    CIT_EXPR_V_TEXT, /* UTF-8 */
    CIT_EXPR_V_LIST,
    CIT_EXPR_V_MAP,
    CIT_EXPR_V_RAW /* compat only: a list literal as it stands, equal to nothing */
};

struct cit_expr_map_ops; /* below */

struct cit_expr_value {
    uint8_t kind; /* enum cit_expr_value_kind */
    union {
        bool b;
        int64_t i;
        double f;
        struct cit_slice s;
        struct {
            const struct cit_expr_value *at;
            size_t count;
        } list;
        struct {
            const struct cit_expr_map_ops *ops;
            void *ctx;
        } map;
        struct {
            const struct cit_slice *at;
            size_t count;
        } raw;
    } u;
};

/* A mapping from texts to values. */
struct cit_expr_map_ops {
    /* CIT_OK and *out; CIT_ENOENT when there is no such key; else the evaluation fails with it. */
    int (*get)(void *ctx, struct cit_slice key, struct cit_expr_value *out);
    size_t (*count)(void *ctx);
    /* Entry i < count, in any order that stays. */
    int (*entry)(void *ctx, size_t i, struct cit_slice *key, struct cit_expr_value *out);
};

/* A mapping in one array, for small data and tests: ops are cit_expr_pairs_ops, ctx is one of these. */
struct cit_expr_pair {
    struct cit_slice key;
    struct cit_expr_value value;
};

struct cit_expr_pairs {
    const struct cit_expr_pair *at;
    size_t count;
};

extern const struct cit_expr_map_ops cit_expr_pairs_ops;

/* ---- what an evaluation is given ---- */

struct cit_expr_now {
    int year, month, day; /* month and day from 1 */
    int weekday;          /* 1 Monday ... 7 Sunday */
    int hour, minute, second;
};

struct cit_expr_lookup {
    /* The value of program->names[name], asked for once an evaluation, when it is needed first.
     * CIT_OK and *out; CIT_ENOENT when it is missing; else the evaluation fails with it. */
    int (*get)(void *ctx, const struct cit_expr_program *program, uint32_t name, struct cit_expr_value *out);
    bool (*is_array)(void *ctx, struct cit_slice name); /* dialect B's array variables; NULL: there are none */
    /* Compat: names whose values are taken as they come, not converted; NULL: the clock's alone. */
    bool (*is_reserved)(void *ctx, struct cit_slice name);
    void *ctx;
    /* For current_day, current_time and current_date, which hide the lookup's in compat programs and
     * fill what it lacks in strict ones.  NULL: they are names like others. */
    const struct cit_expr_now *now;
};

struct cit_expr_limits {
    uint64_t steps;    /* instructions run, items compared, and one for each 64 bytes looked at or copied */
    size_t made_bytes; /* of one text an operator or function makes */
    size_t made_items; /* of one list */
};

/* What NULL stands for. */
extern const struct cit_expr_limits cit_expr_default_limits;

/* ---- arena ---- */

struct cit_expr_regexes; /* regex.c */

/* Memory for what evaluations make.  {0} with mem.max set is a valid empty arena. */
struct cit_expr_arena {
    struct cit_arena mem;
    struct cit_expr_regexes *regexes; /* owned; compiled patterns, kept over a reset */
};

void cit_expr_arena_init(struct cit_expr_arena *a, size_t max);

/* Takes back all that was handed out, and keeps one chunk for the next time. */
void cit_expr_arena_reset(struct cit_expr_arena *a);
void cit_expr_arena_fini(struct cit_expr_arena *a);

/* n bytes, aligned for anything, or NULL: out of memory, or past max (then *is_full, which may be NULL). */
static inline void *cit_expr_arena_take(struct cit_expr_arena *a, size_t n, bool *is_full)
{
    return cit_arena_take(&a->mem, n, is_full);
}

/* ---- running ---- */

/* Runs a program.  limits may be NULL.  On success *out borrows from the arena, the program and the
 * lookup's values.  On failure *err (may be NULL) tells kind, place and text, and *out is untouched.
 * CIT_OK; CIT_EINVAL for what the language calls an error; CIT_ELIMIT; CIT_ENOMEM; what a callback gave. */
struct cit_expr_task {
    const struct cit_expr_program *program;
    const struct cit_expr_lookup *lookup;
    const struct cit_expr_limits *limits;
    struct cit_expr_arena *arena;
};

CIT_MUST_CHECK int cit_expr_eval(const struct cit_expr_task *task, struct cit_expr_value *out,
                                 struct cit_expr_error *err);

/* The same as a condition: strict takes true, false and null, compat takes anything. */
CIT_MUST_CHECK int cit_expr_test(const struct cit_expr_task *task, bool *out, struct cit_expr_error *err);

/* ---- values ---- */

enum cit_expr_type cit_expr_type_of(const struct cit_expr_value *v);

/* Truth as Python sees it. */
bool cit_expr_is_truthy(const struct cit_expr_value *v);

/* Room for the longest float and its NUL. */
enum { CIT_EXPR_FLOAT_TEXT_MAX = 32 };

/* The shortest text that reads back as the same float, as Python's repr(); returns its length. */
size_t cit_expr_float_text(double f, char *out);

static inline struct cit_expr_value cit_expr_null(void)
{
    return (struct cit_expr_value){ .kind = CIT_EXPR_V_NULL };
}

static inline struct cit_expr_value cit_expr_bool(bool b)
{
    return (struct cit_expr_value){ .kind = CIT_EXPR_V_BOOL, .u.b = b };
}

static inline struct cit_expr_value cit_expr_int(int64_t i)
{
    return (struct cit_expr_value){ .kind = CIT_EXPR_V_INT, .u.i = i };
}

static inline struct cit_expr_value cit_expr_real(double f)
{
    return (struct cit_expr_value){ .kind = CIT_EXPR_V_FLOAT, .u.f = f };
}

static inline struct cit_expr_value cit_expr_text(struct cit_slice s)
{
    return (struct cit_expr_value){ .kind = CIT_EXPR_V_TEXT, .u.s = s };
}

static inline struct cit_expr_value cit_expr_list(const struct cit_expr_value *at, size_t count)
{
    return (struct cit_expr_value){ .kind = CIT_EXPR_V_LIST, .u.list = { at, count } };
}

static inline struct cit_expr_value cit_expr_map(const struct cit_expr_map_ops *ops, void *ctx)
{
    return (struct cit_expr_value){ .kind = CIT_EXPR_V_MAP, .u.map = { ops, ctx } };
}

#endif
