/* fuzz/fuzz_answer.c - any bytes as an answer: the request comes to exactly one end, and to the same one whether the
 * bytes come at once or in pieces.
 *
 * The first byte chooses the step (one that only counts, one that looks into the answer, one by HEAD), the second how
 * the answer is cut.  Bytes behind the end of an answer are an error of it if they came with it; in pieces they come
 * when the request is over, and are not looked at here. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "load/answer.c" /* NOLINT: the statics are reached */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char journey[] = "GET /plain\nHTTP *\n\n"
                              "GET /checked\nHTTP *\n[Captures]\nid: header \"X-Id\"\nnumber: regex \"([0-9]+)\"\n"
                              "[Asserts]\nbody contains \"a\"\n\n"
                              "HEAD /head\nHTTP *\n";

enum { STEPS = 3 };

static struct cit_load_plan plan;
static struct cit_run *run;
static struct cit__thread *thread;
static struct cit__user *user;

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void make_plan(void)
{
    const struct cit_slice json = CIT_SLICE_LIT("{\"target\":\"http://127.0.0.1:1\",\"journeys\":[\"a.hurl\"],"
                                                "\"users\":1,\"max_body\":5000}");
    char folder[] = "/tmp/fuzz_answer.XXXXXX", path[64], why[CIT_PLAN_WHY];
    FILE *f;

    check(mkdtemp(folder) != NULL, "there is no folder for a journey");
    snprintf(path, sizeof path, "%s/a.hurl", folder);
    f = fopen(path, "w");
    check(f != NULL && fputs(journey, f) >= 0 && fclose(f) == 0, "the journey can't be written");
    check(cit_plan_parse(&plan, json, cit_slice(NULL, 0), folder, why) == CIT_OK, why);
    unlink(path);
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    make_plan();
    check(cit__run_new(&plan, 1, NULL, &run) == CIT_OK, "no run");
    check(cit__thread_new(run, 0, &run->threads[0]) == CIT_OK, "no thread");
    thread = run->threads[0];
    check(cit__user_new(thread, &user) == CIT_OK, "no user");
    thread->second_end_ns = INT64_MAX;
    thread->end_ns = 1; /* after the answer the user is parked */
    return 0;
}

/* A request under way, all of it sent, on a connection without a socket. */
static void begin(uint32_t step)
{
    struct cit__conn *c = cit_calloc(1, sizeof *c);

    check(c != NULL, "no memory");
    cit_tally_clear(thread->tally);
    cit_jar_fini(&user->jar);
    thread->asking = thread->walking = 1;
    thread->now_ns = cit_clock_now_ns();
    user->state = CIT__USER_ASKING;
    user->is_retry = true;
    user->journey = 0;
    user->step = step;
    user->left = 1;
    user->prep = &thread->preps[step];
    user->prep->sizes = 0;
    user->req = user->prep->request;
    user->req.sent = user->req.bytes.n;
    *c = (struct cit__conn){ .user = user, .host = user->req.host, .fd = -1, .state = CIT__CONN_OPEN };
    user->conns = user->conn = c;
    cit__answer_begin(user);
}

struct outcome {
    enum cit_fault fault;
    int status;
    bool has_rest; /* bytes were left when it was over */
};

static struct outcome read_outcome(uint32_t step, bool has_rest)
{
    const struct cit_row *row = &thread->tally->row[plan.row_of[step]];
    struct outcome o = { .fault = CIT_FAULT_NONE, .has_rest = has_rest };
    uint64_t faults = 0;

    check(thread->asking == 0 && row->requests == 1, "the request has not come to one end");
    for (int i = 0; i < CIT_FAULT_KINDS; i++) {
        faults += row->faults[i];
        o.fault = row->faults[i] > 0 ? (enum cit_fault)i : o.fault;
    }
    check(faults == row->errors && faults <= 1, "the faults are not those of one request");
    for (int i = 0; row->codes != NULL && i < CIT_STATUS_COUNT; i++)
        o.status = row->codes[i] > 0 ? i + CIT_STATUS_LEAST : o.status;
    check(user->in == NULL && user->conns == NULL && user->state == CIT__USER_PARKED, "something was kept");
    return o;
}

/* Every piece lies in memory of its own size, so that nothing behind it can be read. */
static struct outcome feed(uint32_t step, const uint8_t *data, size_t n, uint8_t cuts)
{
    uint32_t seed = cuts;

    begin(step);
    while (n > 0 && thread->asking > 0) {
        size_t part = n;
        char *piece;

        seed = seed * 1103515245u + 12345u;
        if (cuts > 0)
            part = cuts == 1 ? 1 : 1 + (seed >> 16) % (uint32_t)cuts;
        part = part < n ? part : n;
        piece = malloc(part);
        check(piece != NULL, "no memory");
        memcpy(piece, data, part);
        cit__answer_take(user, piece, part);
        free(piece);
        data += part;
        n -= part;
    }
    if (thread->asking > 0)
        cit__answer_eof(user, false);
    cit__wire_bury(thread);
    while (thread->spare_conns != NULL) {
        struct cit__conn *c = thread->spare_conns;

        thread->spare_conns = c->next;
        cit_free(c);
    }
    return read_outcome(step, n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct outcome whole, pieces;
    uint32_t step;

    if (n < 2)
        return 0;
    step = data[0] % STEPS;
    whole = feed(step, data + 2, n - 2, 0);
    pieces = feed(step, data + 2, n - 2, data[1] == 0 ? 1 : data[1]);
    if (pieces.has_rest && whole.fault == CIT_FAULT_PROTOCOL)
        return 0;
    check(whole.fault == pieces.fault && whole.status == pieces.status, "pieces come to another end");
    return 0;
}
