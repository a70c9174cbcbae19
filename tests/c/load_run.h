/* tests/c/load_run.h - a run that did not take place: a plan of three steps and what was counted of it.
 *
 *      row 0  a name with everything in it   1,000 answers of 1 to 1,000 ms, sent when intended
 *      row 1  "log in"                       100 answers with status 500 of 20 ms, sent 10 ms late; errors
 *      row 2  "never answered"               10 time-outs
 */
#ifndef CIT_TESTS_LOAD_RUN_H
#define CIT_TESTS_LOAD_RUN_H

#include "load/engine.h"
#include "load/plan.h"
#include "load/stats.h"

#define LOAD_RUN_ODD "a \"b\"\\,\n\x1b[31m\xff<é>"

struct load_run {
    struct cit_slice names[3];
    struct cit_threshold thresholds[4];
    struct cit_load_plan plan;
    struct cit_tally tally;
    struct cit_run_end end;
    struct cit_load_second second;
};

static inline void load_run_add(struct load_run *run, uint32_t row, enum cit_fault fault, int64_t ms)
{
    struct cit_sample s = { row, fault, fault == CIT_FAULT_NONE ? 200 : 0, 0, 0, ms * 1000000, 1000, 100 };

    if (fault == CIT_FAULT_STATUS) {
        s.status = 500;
        s.start_ns = 10000000;
    }
    cit_tally_add(&run->tally, &s);
}

static inline bool load_run_count(struct load_run *run)
{
    if (cit_tally_init(&run->tally, 3) != CIT_OK)
        return false;
    for (int i = 1; i <= 1000; i++)
        load_run_add(run, 0, CIT_FAULT_NONE, i);
    for (int i = 0; i < 100; i++)
        load_run_add(run, 1, CIT_FAULT_STATUS, 20);
    for (int i = 0; i < 10; i++)
        load_run_add(run, 2, CIT_FAULT_TIMEOUT, 0);
    cit_tally_example(&run->tally, 1, CIT_FAULT_STATUS, "500 instead of 200\x1b[2J");
    run->tally.connects = 64;
    run->tally.rounds = 90;
    run->tally.late = 3;
    run->tally.unfinished = 2;
    run->tally.not_begun = 1;
    run->tally.users = 64;
    run->tally.waiting = 5;
    return true;
}

/* False without memory. */
static inline bool load_run_init(struct load_run *run)
{
    *run = (struct load_run){
        .names = { CIT_SLICE_LIT(LOAD_RUN_ODD), CIT_SLICE_LIT("log in"), CIT_SLICE_LIT("never answered") },
        .thresholds = { { .step = -1, .kind = CIT_THRESHOLD_P99, .limit = 2000 },
                        { .step = 1, .kind = CIT_THRESHOLD_MEAN, .limit = 9.5, .is_service = true },
                        { .step = -1, .kind = CIT_THRESHOLD_ERRORS, .limit = 0.01 },
                        { .step = 2, .kind = CIT_THRESHOLD_MAX, .limit = 5 } },
        .end = { CIT_END_TIME, 10000000000, 2500000000, 1700000000123456789, 6000000 },
        .plan = { .title = CIT_SLICE_LIT("a \"plan\""), .threads = 2, .max_users = 64, .nrows = 3, .nthresholds = 4 },
    };
    run->plan.row_name = run->names;
    run->plan.thresholds = run->thresholds;
    run->plan.length_ns = 10000000000;
    run->plan.target = (struct cit_target){ .scheme = CIT_SLICE_LIT("http"), .authority = CIT_SLICE_LIT("[::1]:8000") };
    run->second = (struct cit_load_second){ .number = 3,
                                            .start_ns = 3000000000,
                                            .end_ns = 4000250000,
                                            .wanted = 64,
                                            .tally = &run->tally,
                                            .cpu_ns = 123456789,
                                            .rss = 5000000 };
    return load_run_count(run);
}

static inline void load_run_fini(struct load_run *run)
{
    cit_tally_fini(&run->tally);
}

#endif
