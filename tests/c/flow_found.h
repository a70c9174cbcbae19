/* tests/c/flow_found.h - asking for the findings about a made graph; the units of the checks share it. */
#ifndef CIT_TESTS_FLOW_FOUND_H
#define CIT_TESTS_FLOW_FOUND_H

#include <string.h>

#include "flow/check.h"
#include "flow_made.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum { NEVER = -1 };

static const struct cit_flow_check_options plain = { .dialect = CIT_EXPR_B };

static struct cit_flow_findings check_with(const struct made_node *nodes, const struct made_edge *edges,
                                           const struct cit_flow_check_options *opt)
{
    struct cit_flow_graph *g = made_graph(nodes, edges);
    struct cit_flow_findings f = { 0 };

    assert_int_equal(cit_flow_check(g, opt, &f), CIT_OK);
    cit_flow_graph_free(g);
    return f;
}

static inline struct cit_flow_findings check(const struct made_node *nodes, const struct made_edge *edges)
{
    return check_with(nodes, edges, &plain);
}

static inline const struct cit_flow_finding *find(const struct cit_flow_findings *f, const char *code)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (strcmp(f->at[i].code, code) == 0)
            return &f->at[i];
    }
    return NULL;
}

static inline uint32_t count_of(const struct cit_flow_findings *f, const char *code)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->count; i++)
        n += strcmp(f->at[i].code, code) == 0;
    return n;
}

static inline bool has(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        return true;
    print_error("\"%s\" is not in: %s\n", part, text);
    return false;
}

/* Exactly one finding: this one, at this node or edge (NEVER: at none). */
static inline void assert_only(struct cit_flow_findings *f, enum cit_flow_severity severity, const char *code, int node,
                               int edge)
{
    for (uint32_t i = 1; i < f->count; i++)
        print_error("also %s: %s\n", f->at[i].code, f->at[i].what);
    assert_int_equal(f->count, 1);
    assert_string_equal(f->at[0].code, code);
    assert_int_equal(f->at[0].severity, severity);
    assert_int_equal((int)f->at[0].node, node);
    assert_int_equal((int)f->at[0].edge, edge);
    assert_true(strlen(f->at[0].what) > 10);
    assert_true(strlen(f->at[0].hint) > 10);
}

static inline void assert_only_and_free(struct cit_flow_findings f, enum cit_flow_severity severity, const char *code,
                                        int node, int edge)
{
    assert_only(&f, severity, code, node, edge);
    cit_flow_findings_fini(&f);
}

static inline void assert_clean(struct cit_flow_findings f)
{
    for (uint32_t i = 0; i < f.count; i++)
        print_error("%s: %s\n", f.at[i].code, f.at[i].what);
    assert_int_equal(f.count, 0);
    cit_flow_findings_fini(&f);
}

#endif
