/* load/jsonpath_int.h - a compiled JSONPath: steps, and the tests of its filters; private to src/load.
 *
 *      $  .a  ..b  [-1]  [1:3]  [?(@.n > 1 && !@.x)]
 *         └ step ┘ each leads from a value to some of its members or elements
 *
 * Depends on: load/query_int.h.
 * Ownership:  all of it lies in the plan's arena.
 * Threads:    never written after compiling.
 */
#ifndef CIT_LOAD_JSONPATH_INT_H
#define CIT_LOAD_JSONPATH_INT_H

#include "load/query_int.h"

enum { CIT__STEPS_MAX = 32, CIT__TESTS_DEPTH_MAX = 16, CIT__TESTS_ROW_MAX = 64 };

enum cit__step_kind { CIT__STEP_NAME, CIT__STEP_INDEX, CIT__STEP_SLICE, CIT__STEP_ANY, CIT__STEP_TEST };

struct cit__test;

struct cit__step {
    enum cit__step_kind kind;
    bool is_deep; /* "..": from any value inside, too */
    struct cit_slice name;
    int64_t from, to, by; /* INDEX: from; SLICE: all, negative ones count from the end */
    bool has_to;
    const struct cit__test *test;
};

struct cit__path {
    struct cit__step step[CIT__STEPS_MAX];
    uint32_t n;
    bool is_definite; /* it selects one value or none */
};

struct cit__side { /* of a comparison: a path from @, or a literal */
    const struct cit__path *path;
    struct cit_value literal;
};

enum cit__test_kind {
    CIT__TEST_OR,
    CIT__TEST_AND,
    CIT__TEST_NOT,
    CIT__TEST_EXISTS,
    CIT__TEST_EQ,
    CIT__TEST_NE,
    CIT__TEST_LT,
    CIT__TEST_LE,
    CIT__TEST_GT,
    CIT__TEST_GE
};

struct cit__test {
    enum cit__test_kind kind;
    const struct cit__test *a, *b;
    struct cit__side left, right; /* EXISTS: left */
};

#endif
