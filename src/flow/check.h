/* flow/check.h - what is wrong with a graph, told to its author; and the graph for Graphviz.
 *
 *      graph ── cit_flow_check ──> findings ──┐
 *        └──────────────────────────────── cit_flow_dot ──> text for `dot`
 *
 * Texts of findings are for people who write programmes and no code: `what` says what will
 * happen, `hint` what to do.  Codes are for programs and for docs/flow-checks.md, which has a
 * chapter for each.
 *
 * Depends on: base/{err,buf}, expr/program, flow/graph.
 * Ownership:  findings own their texts.
 * Threads:    any; the graph is only read.
 * Limits:     CIT_FLOW_SAME_MAX findings of one code, the rest are counted in one more.
 */
#ifndef CIT_FLOW_CHECK_H
#define CIT_FLOW_CHECK_H

#include "base/buf.h"
#include "expr/program.h"
#include "flow/graph.h"

enum { CIT_FLOW_SAME_MAX = 1000 };

enum cit_flow_severity {
    CIT_FLOW_ERROR,   /* the engine will raise, or never get there */
    CIT_FLOW_WARNING, /* surely not what was meant */
    CIT_FLOW_HINT     /* works, but reads otherwise than it does */
};

/* name, code, when it is given.  The order is that of the findings of one severity; remarks of
 * the compiler (expr/notes.h) follow under their own codes. */
#define CIT_FLOW_CODES(X)                                                                                \
    X(NO_START, "no-start", "no node has the id 0, where graphs are entered")                            \
    X(START_TYPE, "start-type", "the node with the id 0 is no start node")                               \
    X(START_ELSEWHERE, "start-elsewhere", "a start node has another id than 0")                          \
    X(DUPLICATE_ID, "duplicate-id", "a later node has the same id")                                      \
    X(UNKNOWN_TYPE, "unknown-type", "a node has a type that the engine doesn't know")                    \
    X(MISSING_TARGET, "missing-target", "an edge leads to an id that no node has")                       \
    X(MISSING_SOURCE, "missing-source", "an edge comes from an id that no node has")                     \
    X(EDGE_TYPE, "edge-type", "an edge is neither normal nor special")                                   \
    X(UNREACHABLE, "unreachable", "no way leads from the start to a node")                               \
    X(LOOP, "loop-without-page", "nodes lead to each other and nothing between them waits")              \
    X(ENTERS_ITSELF, "enters-itself", "a session node enters the graph it stands in")                    \
    X(NO_REF, "no-ref", "a node that shows, sends or enters something doesn't name it")                  \
    X(DELAY_TIME, "delay-time", "a delay has no number, or no unit of time")                             \
    X(DELAY_NOWHERE, "delay-leads-nowhere", "no edge leaves a delay")                                    \
    X(NO_VARIABLE, "no-variable", "an expression node has no variable to set")                           \
    X(NO_EXPRESSION, "no-expression", "an expression node has no expression")                            \
    X(VARIABLE_NAME, "variable-name", "an expression node sets a name that expressions can't read")      \
    X(EDGE_AFTER_STOP, "edge-after-stop", "an edge leaves a node at which the engine stops")             \
    X(EDGE_NEVER_TAKEN, "edge-never-taken", "another edge is always taken before a normal edge")         \
    X(SAME_CONDITION, "same-condition", "two normal edges of a node have one condition")                 \
    X(SPECIAL_SELF_LOOP, "special-self-loop", "a special edge without condition leads back to its node") \
    X(SPECIAL_PAGES, "special-pages", "of several pages behind special edges only the last is shown")    \
    X(SPECIAL_SESSION, "special-session", "a special edge enters a session that doesn't come back")      \
    X(SPECIAL_RETURNS, "special-returns", "what is done on the side returns to the graph that entered")  \
    X(DEAD_END, "dead-end", "a graph entered from another one doesn't return from here")                 \
    X(NO_ELSE, "no-else", "all normal edges of a node have conditions")                                  \
    X(BAD_EXPRESSION, "bad-expression", "an expression is not in the language")                          \
    X(UNDECLARED, "undeclared-variable", "an expression reads a variable that nothing declares or sets") \
    X(ALWAYS_FALSE, "always-false", "a condition is never true, whatever the variables hold")            \
    X(ALWAYS_TRUE, "always-true", "a condition is always true, whatever the variables hold")

enum cit_flow_code {
#define CIT_FLOW_CODE_ENUM(name, code, when) CIT_FLOW_CODE_##name,
    CIT_FLOW_CODES(CIT_FLOW_CODE_ENUM)
#undef CIT_FLOW_CODE_ENUM
        CIT_FLOW_CODE_COUNT
};

struct cit_flow_finding {
    uint8_t severity;
    const char *code;      /* static */
    uint32_t node;         /* index, or CIT_FLOW_NONE */
    uint32_t edge;         /* index, or CIT_FLOW_NONE */
    uint32_t line, column; /* in the expression, from 1; 0 when it is not about one */
    char *what, *hint;     /* owned, UTF-8; hint may be empty */
};

struct cit_flow_findings {
    struct cit_flow_finding *at; /* owned */
    uint32_t count, cap;
};

/* What authors call things where the graph has numbers.  Members may be NULL, and so may p of what
 * they return: then the number stands.  Lent until the next call. */
struct cit_flow_words {
    struct cit_slice (*id)(void *ctx, int64_t id);
    struct cit_slice (*type)(void *ctx, uint32_t node); /* of a node whose type is CIT_FLOW_OTHER */
    void *ctx;
};

struct cit_flow_check_options {
    enum cit_expr_dialect dialect;
    bool has_declared; /* names are known: others are reported */
    bool (*is_declared)(void *ctx, struct cit_slice name);
    void *ctx;
    struct cit_slice self;              /* what a node that enters this graph refers to; empty: not known */
    const struct cit_flow_words *words; /* NULL: numbers */
};

/* The text of a code, static. */
const char *cit_flow_code_text(enum cit_flow_code code);

/* Appends the findings about g, errors first.  CIT_OK, CIT_ENOMEM; what was found stays. */
CIT_MUST_CHECK int cit_flow_check(const struct cit_flow_graph *g, const struct cit_flow_check_options *opt,
                                  struct cit_flow_findings *out);

/* Appends a finding; texts are copied.  CIT_OK, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_flow_findings_add(struct cit_flow_findings *f, const struct cit_flow_finding *one);

/* Puts those from index `first` on in order: errors first.  CIT_OK, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_flow_findings_sort(struct cit_flow_findings *f, uint32_t first);

void cit_flow_findings_fini(struct cit_flow_findings *f);

/* The graph in Graphviz's language, valid UTF-8; nodes and edges with findings are marked.  f and
 * words may be NULL.  CIT_OK, CIT_ENOMEM, CIT_ELIMIT. */
CIT_MUST_CHECK int cit_flow_dot(const struct cit_flow_graph *g, const struct cit_flow_findings *f,
                                const struct cit_flow_words *words, struct cit_buf *out);

#endif
