/* load/select_int.h - the one form CSS selectors and XPaths are compiled to; private to src/load.
 *
 *      "form > input[name=x], a.b"     part 0: form       part 1: input[name=x]  (child of 0, last)
 *                                      part 2: a.b  (first and last)
 *
 * Parts of all alternatives stand in one row, so that a set of them is a word: a bit each.
 *
 * Depends on: load/query_int.h.
 * Ownership:  all of it lies in the plan's arena.
 * Threads:    never written after compiling.
 */
#ifndef CIT_LOAD_SELECT_INT_H
#define CIT_LOAD_SELECT_INT_H

#include "load/query_int.h"

enum { CIT__PARTS_MAX = 32, CIT__CONDS_MAX = 16, CIT__POSITIONS_MAX = 4 };

enum cit__cond_kind {
    CIT__COND_HAS,      /* the attribute is there */
    CIT__COND_IS,       /* = */
    CIT__COND_BEGINS,   /* ^= */
    CIT__COND_ENDS,     /* $= */
    CIT__COND_CONTAINS, /* *= */
    CIT__COND_WORD,     /* ~= */
    CIT__COND_DASH,     /* |= */
    CIT__COND_POSITION  /* the n-th child of its parent that fulfils what stands before */
};

struct cit__cond {
    enum cit__cond_kind kind;
    struct cit_slice name, value;
    uint32_t n, counter; /* POSITION: from 1; the counter's number */
};

struct cit__part {
    struct cit_slice tag; /* empty: any */
    const struct cit__cond *conds;
    uint32_t nconds;
};

enum cit__node { CIT__NODE_ELEMENT, CIT__NODE_ATTRIBUTE, CIT__NODE_TEXT };

enum cit__function { CIT__FN_NODES, CIT__FN_STRING, CIT__FN_NORMALIZE, CIT__FN_COUNT, CIT__FN_BOOLEAN };

struct cit__select {
    struct cit__part part[CIT__PARTS_MAX];
    uint32_t nparts, npositions;
    uint64_t anywhere, at_root;       /* first parts: of any element, of the outermost */
    uint64_t as_child, as_descendant; /* other parts: of the part before them */
    uint64_t last;                    /* these select */
    struct cit_slice literal;         /* one of the page's bytes every match needs; empty: not known */
    bool needs_tree;                  /* more than the tag itself decides */
    enum cit__node node;              /* what is wanted of an element */
    struct cit_slice attribute;
    enum cit__function function;
};

/* ---- select_jump.c ---- */

/* Where the first tag with the select's literal begins, when it is certain that no tag before it has it and that a
 * reader from the page's start comes by there; else NULL.  For HTML, and selects that need no tree. */
const char *cit__jump(const struct cit__select *select, struct cit_slice page);

/* ---- select_new.c: building ---- */

struct cit__building { /* a select under construction, and its part that is */
    struct cit__maker *m;
    struct cit__select *select;
    struct cit__cond cond[CIT__CONDS_MAX];
    uint32_t nconds;
    struct cit_slice tag;
    bool is_first, is_child;
};

CIT_MUST_CHECK int cit__select_init(struct cit__building *b, struct cit__maker *m);
void cit__select_begin(struct cit__building *b, bool is_first, bool is_child);
CIT_MUST_CHECK int cit__select_cond(struct cit__building *b, const struct cit__cond *cond, const char *at);
CIT_MUST_CHECK int cit__select_end(struct cit__building *b, const char *at, bool is_last);

/* After the last part: what is wanted, and what can be known beforehand. */
CIT_MUST_CHECK int cit__select_finish(struct cit__building *b, const struct cit__select **out);

#endif
