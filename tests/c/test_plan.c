/* tests/c/test_plan.c - plans: tests/vectors/load/plans.jsonl, folders, failed allocations.
 *
 * A vector is {"name", "plan": {...} or "text": "...", "over": {...}, "files": {"name": "text"}} and either "is": lines
 * of plan_shown.h that the plan has, or "why": the message, whose end does not matter behind a *. */
#include "load/plan.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "plan_shown.h"

enum { LINE_MAX_BYTES = 20000, VECTORS_MIN = 100 };

/* ---- vectors ---- */

struct vector {
    struct cit_arena arena;
    struct cit_slice name, plan, over, why;
    const struct cit_json_node *files, *is;
};

/* A member's text as it stands in the line. */
static struct cit_slice raw_member(struct cit_slice line, const char *name)
{
    struct cit_slice text = { 0 };
    struct cit_json_token t;
    struct cit_json j;
    int err;

    cit_json_init(&j, line);
    err = cit_json_next(&j, &t);
    while (err == CIT_OK && (err = cit_json_next(&j, &t)) == CIT_OK && t.kind == CIT_JSON_NAME) {
        err = cit_json_skip(&j, &text);
        if (err == CIT_OK && cit_slice_eq(t.raw, cit_slice_str(name)))
            return text;
    }
    assert_int_equal(err, CIT_OK);
    return cit_slice(NULL, 0);
}

static struct cit_slice text_member(const struct cit_json_node *root, const char *name)
{
    const struct cit_json_node *n = find(root, name);

    return n != NULL ? n->text : cit_slice(NULL, 0);
}

static void read_vector(struct vector *v, struct cit_slice line)
{
    struct cit_json_node *root = NULL;
    const char *why = "";
    size_t at = 0;

    *v = (struct vector){ 0 };
    cit_arena_init(&v->arena, 1 << 20);
    assert_int_equal(cit_json_tree(line, &v->arena, &root, &why, &at), CIT_OK);
    v->name = text_member(root, "name");
    v->why = text_member(root, "why");
    v->plan = find(root, "text") != NULL ? text_member(root, "text") : raw_member(line, "plan");
    v->over = raw_member(line, "over");
    v->files = find(root, "files");
    v->is = find(root, "is");
    assert_true(v->name.n > 0 && (v->is == NULL) == (v->why.p != NULL));
}

static void each_file(const struct vector *v, void (*done)(const char *name, struct cit_slice text))
{
    for (const struct cit_json_node *n = v->files != NULL ? v->files->first : NULL; n != NULL; n = n->next) {
        char name[100];

        snprintf(name, sizeof name, "%.*s", CIT_SLICE_ARG(n->name));
        done(name, n->text);
    }
}

static void write_file(const char *name, struct cit_slice text)
{
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    fclose(f);
}

static void remove_file(const char *name, struct cit_slice text)
{
    (void)text;
    unlink(name);
}

static bool is_said(struct cit_slice want, const char *got)
{
    bool is_part = want.n > 0 && want.p[want.n - 1] == '*';
    size_t n = is_part ? want.n - 1 : want.n;

    return strlen(got) > 0 && strncmp(got, want.p, n) == 0 && (is_part || got[n] == '\0');
}

/* The number of things that are otherwise than the vector says, each printed. */
static int compare(const struct vector *v, int err, const char *why, const struct cit_load_plan *plan)
{
    struct shown s;
    int wrong = 0;

    if (v->is == NULL) {
        wrong = err == CIT_OK || err == CIT_ENOMEM || !is_said(v->why, why);
        if (wrong != 0)
            print_message("%.*s: %d, '%s'\n", CIT_SLICE_ARG(v->name), err, why);
        return wrong;
    }
    if (err != CIT_OK) {
        print_message("%.*s: %d, '%s'\n", CIT_SLICE_ARG(v->name), err, why);
        return 1;
    }
    s = plan_shown(plan);
    assert_true(s.is_whole);
    for (const struct cit_json_node *n = v->is->first; n != NULL; n = n->next) {
        if (shown_has(&s, n->text))
            continue;
        wrong++;
        print_message("%.*s: no '%.*s' in\n%.*s", CIT_SLICE_ARG(v->name), CIT_SLICE_ARG(n->text), (int)s.text.len,
                      s.text.p);
    }
    cit_buf_fini(&s.text);
    return wrong;
}

static int try_vector(const struct vector *v)
{
    struct cit_load_plan plan;
    char why[CIT_PLAN_WHY];
    int err, wrong;

    each_file(v, write_file);
    err = cit_plan_parse(&plan, v->plan, v->over, "", why);
    wrong = compare(v, err, why, &plan);
    cit_plan_fini(&plan);
    each_file(v, remove_file);
    return wrong;
}

/* Allocations fail one after the other, until none is left to fail; the message of a fault is the same then. */
static int starve_vector(const struct vector *v)
{
    int err = CIT_ENOMEM, wrong = 0;

    each_file(v, write_file);
    for (unsigned long at = 1; err == CIT_ENOMEM; at++) {
        struct cit_load_plan plan;
        char why[CIT_PLAN_WHY];

        cit_mem_fail_at(at);
        err = cit_plan_parse(&plan, v->plan, v->over, "", why);
        cit_mem_fail_at(0);
        if (err != CIT_ENOMEM)
            wrong = compare(v, err, why, &plan);
        cit_plan_fini(&plan);
        assert_true(at < 1000);
    }
    each_file(v, remove_file);
    return wrong;
}

/* ---- a folder of their own ---- */

static FILE *vectors;
static char folder[] = "/tmp/test_plan.XXXXXX", home[4096];

static int enter(void **state)
{
    (void)state;
    vectors = fopen("tests/vectors/load/plans.jsonl", "r");
    if (vectors == NULL || getcwd(home, sizeof home) == NULL || mkdtemp(folder) == NULL)
        return -1;
    return chdir(folder);
}

static int leave(void **state)
{
    (void)state;
    fclose(vectors);
    return chdir(home) == 0 ? rmdir(folder) : -1;
}

static void each_vector(int (*check)(const struct vector *v))
{
    static char line[LINE_MAX_BYTES];
    int count = 0, wrong = 0;

    rewind(vectors);
    while (fgets(line, sizeof line, vectors) != NULL) {
        struct vector v;

        read_vector(&v, cit_slice(line, strcspn(line, "\n")));
        wrong += check(&v);
        count++;
        cit_arena_fini(&v.arena);
    }
    assert_int_equal(wrong, 0);
    assert_true(count > VECTORS_MIN);
}

/* ---- tests ---- */

static void plans_are_understood_or_refused_as_the_vectors_say(void **state)
{
    (void)state;
    each_vector(try_vector);
}

static void without_memory_plans_are_refused_and_nothing_is_lost(void **state)
{
    (void)state;
    each_vector(starve_vector);
}

static void files_are_named_from_the_folder_of_the_plan(void **state)
{
    static const char *const folders[] = { "", "/", ".", "./" };
    struct cit_load_plan plan;
    char why[CIT_PLAN_WHY], json[300], absolute[200];

    (void)state;
    write_file("a.hurl", CIT_SLICE_LIT("GET /\n"));
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        bool is_root = strcmp(folders[i], "/") == 0;
        int err;

        snprintf(absolute, sizeof absolute, "%s/a.hurl", folder);
        snprintf(json, sizeof json, "{\"target\": \"http://h\", \"journeys\": [\"%s\"]}",
                 is_root ? absolute + 1 : "a.hurl");
        err = cit_plan_parse(&plan, cit_slice_str(json), cit_slice(NULL, 0), folders[i], why);
        assert_string_equal(why, "");
        assert_int_equal(err, CIT_OK);
        assert_int_equal(plan.nrows, 1);
        cit_plan_fini(&plan);
    }
    snprintf(json, sizeof json, "{\"target\": \"http://h\", \"journeys\": [\"%s\"]}", absolute);
    assert_int_equal(cit_plan_parse(&plan, cit_slice_str(json), cit_slice(NULL, 0), "/nowhere", why), CIT_OK);
    cit_plan_fini(&plan);
    assert_int_equal(cit_plan_parse(&plan, CIT_SLICE_LIT("{\"target\": \"http://h\", \"journeys\": [\"a.hurl\"]}"),
                                    cit_slice(NULL, 0), "/nowhere", why),
                     CIT_ENOENT);
    assert_string_equal(why, "journeys[0]: /nowhere/a.hurl: there is no such file");
    cit_plan_fini(&plan);
    unlink("a.hurl");
}

static void every_member_that_is_near_another_is_still_told_apart(void **state)
{
    (void)state;
    for (int i = 0; i < MEMBERS + LATERS; i++) {
        const char *name = i < MEMBERS ? members[i].name : later[i - MEMBERS].name;
        char json[100], why[CIT_PLAN_WHY], want[100];
        struct cit_load_plan plan;

        snprintf(json, sizeof json, "{\"%sx\": 1}", name);
        snprintf(want, sizeof want, "%sx: there is no such member; did you mean '%s'?", name, name);
        assert_int_equal(cit_plan_parse(&plan, cit_slice_str(json), cit_slice(NULL, 0), "", why), CIT_EINVAL);
        assert_string_equal(why, want);
        cit_plan_fini(&plan);
    }
}

static void the_text_may_go_once_the_plan_is_made(void **state)
{
    char *json = strdup("{\"url\": \"http://shop.example/a\", \"title\": \"a \\u0062\", \"headers\": {\"N\": 5}}");
    struct cit_load_plan plan;
    char why[CIT_PLAN_WHY];
    struct shown s;

    (void)state;
    assert_int_equal(cit_plan_parse(&plan, cit_slice_str(json), cit_slice(NULL, 0), "", why), CIT_OK);
    memset(json, 'x', strlen(json));
    free(json);
    s = plan_shown(&plan);
    assert_true(shown_has(&s, CIT_SLICE_LIT("title a b")));
    assert_true(shown_has(&s, CIT_SLICE_LIT("target http://shop.example")));
    assert_true(shown_has(&s, CIT_SLICE_LIT("header N: 5")));
    cit_buf_fini(&s.text);
    cit_plan_fini(&plan);
    cit_plan_fini(&plan); /* of an empty one nothing is freed twice */
}

/* Of one name over all journeys, and those without one by method and path. */
static void steps_of_one_name_are_one_row(void **state)
{
    static const char json[] = "{\"target\": \"http://h\", \"journeys\": [\"a.hurl\", \"b.hurl\"]}";
    struct cit_load_plan plan;
    char why[CIT_PLAN_WHY];

    (void)state;
    write_file("a.hurl",
               CIT_SLICE_LIT("# @name home\nGET /\n\n# @name log in\nPOST /in\n\n# @name home\nGET /again\n"));
    write_file("b.hurl", CIT_SLICE_LIT("# @name log in\nGET /in\n\n# @name out\nGET /out\n"));
    assert_int_equal(cit_plan_parse(&plan, cit_slice_str(json), cit_slice(NULL, 0), "", why), CIT_OK);
    assert_int_equal(plan.nsteps, 5);
    assert_int_equal(plan.nrows, 3);
    assert_int_equal(plan.journey_first[0], 0);
    assert_int_equal(plan.journey_first[1], 3);
    assert_memory_equal(plan.row_of, ((const uint32_t[]){ 0, 1, 0, 1, 2 }), 5 * sizeof(uint32_t));
    assert_true(cit_slice_eq(plan.row_name[2], CIT_SLICE_LIT("out")));
    cit_plan_fini(&plan);
    unlink("a.hurl");
    unlink("b.hurl");
}

/* As reports keep it: what a command line said in the place of the plan's own. */
static void a_plan_and_what_stands_over_it_are_one_text(void **state)
{
    static const struct {
        const char *json, *over, *wanted;
    } rows[] = {
        { "{\"url\": \"http://h/\"}", "", "{\"url\": \"http://h/\"}\n" },
        { "{}", "{\"seed\":1}", "{\"seed\": 1}\n" },
        { "{\"users\":1,\"seed\" : [2, {}],\"time\":\"1s\"}", "{\"rate\":5,\"time\":\"2s\"}",
          "{\"seed\": [2, {}],\n \"rate\": 5,\n \"time\": \"2s\"}\n" },
        { "{\"st\\u0061ges\":[{\"users\":1}]}", "{\"users\":5}", "{\"users\": 5}\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cit_slice json = cit_slice_str(rows[i].json), over = cit_slice_str(rows[i].over);
        unsigned long at = 0;
        int err = CIT_ENOMEM;

        while (err == CIT_ENOMEM) {
            struct cit_buf out;

            cit_buf_init(&out, 4096);
            (void)cit_mem_fail_at(++at);
            err = cit_plan_join(json, over, &out);
            (void)cit_mem_fail_at(0);
            assert_true(at < 100);
            if (err == CIT_OK) {
                assert_int_equal(out.len, strlen(rows[i].wanted));
                assert_memory_equal(out.p, rows[i].wanted, out.len);
            }
            cit_buf_fini(&out);
        }
        assert_int_equal(err, CIT_OK);
        assert_true(at > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_understood_or_refused_as_the_vectors_say),
        cmocka_unit_test(without_memory_plans_are_refused_and_nothing_is_lost),
        cmocka_unit_test(files_are_named_from_the_folder_of_the_plan),
        cmocka_unit_test(every_member_that_is_near_another_is_still_told_apart),
        cmocka_unit_test(the_text_may_go_once_the_plan_is_made),
        cmocka_unit_test(steps_of_one_name_are_one_row),
        cmocka_unit_test(a_plan_and_what_stands_over_it_are_one_text),
    };

    return cmocka_run_group_tests(tests, enter, leave);
}
