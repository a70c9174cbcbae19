/* flow/check.h - what is wrong with a graph, told to its author; and the graph for Graphviz.
 *
 * Depends on: base/{err,buf}, expr/program, flow/graph.
 * Ownership:  findings own their texts.
 * Threads:    any; the graph is only read.
 */
#ifndef CIT_FLOW_CHECK_H
#define CIT_FLOW_CHECK_H

#include "base/buf.h"
#include "expr/program.h"
#include "flow/graph.h"

enum cit_flow_severity {
    CIT_FLOW_ERROR,   /* the engine will raise, or never get there */
    CIT_FLOW_WARNING, /* surely not what was meant */
    CIT_FLOW_HINT     /* works, but reads otherwise than it does */
};

struct cit_flow_finding {
    uint8_t severity;
    const char *code; /* static: "unreachable", "missing-target", "loop-without-page"... */
    uint32_t node;    /* index, or CIT_FLOW_NONE */
    uint32_t edge;    /* index, or CIT_FLOW_NONE */
    uint32_t line, column; /* in the expression, from 1; 0 when it is not about one */
    char *what, *hint;     /* owned; hint may be empty */
};

struct cit_flow_findings {
    struct cit_flow_finding *at; /* owned */
    uint32_t count, cap;
};

struct cit_flow_check_options {
    enum cit_expr_dialect dialect;
    bool has_declared; /* names are known: others are reported */
    bool (*is_declared)(void *ctx, struct cit_slice name);
    void *ctx;
};

/* Appends the findings about g, errors first.  CIT_OK, CIT_ENOMEM; what was found stays. */
CIT_MUST_CHECK int cit_flow_check(const struct cit_flow_graph *g, const struct cit_flow_check_options *opt,
                                  struct cit_flow_findings *out);

void cit_flow_findings_fini(struct cit_flow_findings *f);

/* The graph in Graphviz's language; nodes and edges with findings are marked.  f may be NULL.
 * CIT_OK, CIT_ENOMEM, CIT_ELIMIT. */
CIT_MUST_CHECK int cit_flow_dot(const struct cit_flow_graph *g, const struct cit_flow_findings *f, struct cit_buf *out);

#endif
