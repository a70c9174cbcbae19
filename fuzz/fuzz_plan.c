/* fuzz/fuzz_plan.c - any text as a plan, and behind a NUL as the members over it: a plan that is understood is whole,
 * one that is refused says why.
 *
 * Names of files are looked for in a folder with two journeys and a table; other folders are left alone. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "load/json.h"
#include "load/plan.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char folder[] = "/tmp/fuzz_plan.XXXXXX";

static const struct {
    const char *name, *text;
} files[] = {
    { "a.hurl", "# @name home\nGET /\nHTTP 200\n[Captures]\nid: header \"X-Id\"\n\n# @name page\nGET /{{id}}\n" },
    { "b.hurl", "# @name home\nGET {{base}}/\n\n# @name log in\nPOST /in\n[Form]\nuser: {{user}}\n" },
    { "u.csv", "user,password\nann,x\nben,y\n" },
};

enum { FILES = sizeof files / sizeof *files };

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void clean_up(void)
{
    if (chdir(folder) != 0)
        return;
    for (size_t i = 0; i < FILES; i++)
        unlink(files[i].name);
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char path[100];

    (void)argc;
    (void)argv;
    check(mkdtemp(folder) != NULL, "there is no folder for journeys");
    for (size_t i = 0; i < FILES; i++) {
        FILE *f;

        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        f = fopen(path, "w");
        check(f != NULL && fputs(files[i].text, f) >= 0 && fclose(f) == 0, "a journey can't be written");
    }
    atexit(clean_up);
    return 0;
}

/* Whether a text of it could be the name of a file elsewhere. */
static bool leads_away(struct cit_slice json)
{
    struct cit_json_token t;
    struct cit_json j;
    struct cit_arena a;
    bool is_away = false;

    cit_arena_init(&a, 1 << 22);
    cit_json_init(&j, json);
    while (!is_away && cit_json_next(&j, &t) == CIT_OK && t.kind != CIT_JSON_END) {
        struct cit_slice text = { 0 };

        if (t.kind != CIT_JSON_STRING || cit_json_unescape(&t, &a, &text) != CIT_OK || text.n == 0)
            continue;
        is_away = *text.p == '/' || memmem(text.p, text.n, "..", 2) != NULL;
    }
    cit_arena_fini(&a);
    return is_away;
}

static void check_rows(const struct cit_load_plan *p)
{
    check(p->njourneys > 0 && p->nrows > 0 && p->nsteps >= p->nrows, "there is nothing to do");
    for (uint32_t i = 0; i < p->nsteps; i++)
        check(p->row_of[i] < p->nrows, "a step has no row");
    for (uint32_t i = 0; i < p->nthresholds; i++)
        check(p->thresholds[i].step < (int64_t)p->nrows && isfinite(p->thresholds[i].limit), "a threshold has no row");
    for (uint32_t i = 0; i < p->users.ncolumns; i++)
        check(p->user_var[i] < p->names.n, "a column is no variable");
}

static void check_stages(const struct cit_load_plan *p)
{
    int64_t before = -1;

    check(p->nstages > 0 && p->length_ns > 0 && p->max_users > 0, "a plan has no length or no users");
    for (int i = 0; i <= 64; i++) {
        double level = cit_plan_level(p, (int64_t)((double)p->length_ns / 64 * i));

        check(isfinite(level) && level >= 0 && (p->is_open || level <= p->max_users), "a level is out of its bounds");
    }
    for (uint64_t n = 0; n < 200 && p->is_open; n++) {
        int64_t at = cit_plan_arrival_ns(p, n * n);

        check(at > before || (at >= before && n > 100) || at == INT64_MAX, "arrivals do not rise");
        check(at == INT64_MAX || at < p->length_ns, "an arrival is behind the end");
        before = at;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *nul = n > 0 ? memchr(data, '\0', n) : NULL;
    size_t first = nul != NULL ? (size_t)(nul - (const char *)data) : n;
    struct cit_slice json = cit_slice((const char *)data, first);
    struct cit_slice over = nul != NULL ? cit_slice(nul + 1, n - first - 1) : cit_slice(NULL, 0);
    struct cit_load_plan plan;
    char why[CIT_PLAN_WHY];
    int err;

    if (leads_away(json) || leads_away(over))
        return 0;
    memset(why, 'x', sizeof why);
    err = cit_plan_parse(&plan, json, over, folder, why);
    check(memchr(why, '\0', sizeof why) != NULL, "a message has no end");
    check(err == CIT_ENOMEM || (err == CIT_OK) == (why[0] == '\0'), "a refusal says nothing");
    if (err == CIT_OK) {
        check_rows(&plan);
        check_stages(&plan);
    }
    cit_plan_fini(&plan);
    return 0;
}
