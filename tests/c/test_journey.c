/* tests/c/test_journey.c - journeys: every vector, files, prefixes and changed bytes, failed allocations. */
#include "load/journey.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "guard.h"
#include "journey_tell.h"
#include "load/json.h"

#define cit_query_new journey_spy
#include "load/hurl_query.c" /* NOLINT: so that queries are told */
#undef cit_query_new

enum { LINE_MAX_BYTES = 1 << 16 };

/* ---- the vectors ---- */

struct vectors {
    FILE *file;
    char *line; /* getline's */
    size_t cap;
    struct cit_arena arena; /* of the vector that is read */
    struct cit_slice about, text, error;
    struct cit_buf wanted; /* the lines of "gives", or the "fault" */
};

static void vectors_open(struct vectors *v)
{
    *v = (struct vectors){ .file = fopen("tests/vectors/load/journeys.jsonl", "r") };
    cit_arena_init(&v->arena, 1 << 24);
    cit_buf_init(&v->wanted, 1 << 20);
    assert_non_null(v->file);
}

static void vectors_close(struct vectors *v)
{
    fclose(v->file);
    free(v->line);
    cit_arena_fini(&v->arena);
    cit_buf_fini(&v->wanted);
}

static void add_wanted(struct vectors *v, struct cit_slice line)
{
    assert_int_equal(cit_buf_add_slice(&v->wanted, line), CIT_OK);
    assert_int_equal(cit_buf_add_str(&v->wanted, "\n"), CIT_OK);
}

static bool vectors_next(struct vectors *v)
{
    struct cit_json_node *root;
    const char *why;
    size_t at;
    ssize_t got = getline(&v->line, &v->cap, v->file);

    if (got < 0)
        return false;
    cit_arena_reset(&v->arena);
    v->wanted.len = 0;
    v->error = (struct cit_slice){ 0 };
    assert_int_equal(cit_json_tree(cit_slice(v->line, (size_t)got), &v->arena, &root, &why, &at), CIT_OK);
    for (const struct cit_json_node *m = root->first; m != NULL; m = m->next) {
        if (cit_slice_eq(m->name, CIT_SLICE_LIT("about")))
            v->about = m->text;
        else if (cit_slice_eq(m->name, CIT_SLICE_LIT("text")))
            v->text = m->text;
        else if (cit_slice_eq(m->name, CIT_SLICE_LIT("error")))
            v->error = m->text;
        else if (cit_slice_eq(m->name, CIT_SLICE_LIT("fault")))
            add_wanted(v, m->text);
        else
            for (const struct cit_json_node *l = m->first; l != NULL; l = l->next)
                add_wanted(v, l->text);
    }
    return true;
}

static int error_named(struct cit_slice name)
{
    return name.n == 0 ? CIT_OK : cit_slice_eq(name, CIT_SLICE_LIT("ELIMIT")) ? CIT_ELIMIT : CIT_EINVAL;
}

static void every_vector_is_understood_as_it_says(void **state)
{
    struct vectors v;
    struct cit_buf told;
    struct guard g = { 0 };
    unsigned count = 0, faults = 0, wrong = 0;

    (void)state;
    cit_buf_init(&told, 1 << 22);
    assert_true(guard_init(&g, LINE_MAX_BYTES));
    for (vectors_open(&v); vectors_next(&v); count++) {
        const char *text = guard_put(&g, v.text.p, v.text.n);
        int err = journey_tell(cit_slice(text, v.text.n), CIT_SLICE_LIT(""), &told);

        faults += err != CIT_OK;
        if (err == error_named(v.error) && told.len == v.wanted.len && memcmp(told.p, v.wanted.p, told.len) == 0)
            continue;
        printf("# '%.*s' (%d)\n# wanted: %.*s# told:   %.*s", CIT_SLICE_ARG(v.about), err, (int)v.wanted.len,
               v.wanted.p, (int)told.len, told.p);
        wrong++;
    }
    vectors_close(&v);
    guard_fini(&g);
    cit_buf_fini(&told);
    assert_int_equal(wrong, 0);
    assert_true(count >= 350 && faults >= 200);
}

/* The text is the query's own: where it stands is what counts here. */
static void a_query_that_is_wrong_is_told_where_it_is(void **state)
{
    static const struct {
        const char *line, *place;
    } rows[] = {
        { "jsonpath \"$.a[\" exists", "4:15: " },
        { "regex /a(/ exists", "4:10: " },
        { "body regex \"(\" exists", "4:1: " },
        { "cookie \"a[b]\" exists", "4:11: " },
        { "xpath \"//a[[\" exists", "4:" },
        { "header \"\" exists", "4:" },
        { "body matches /(/", "4:1: in the pattern of matches: " },
    };
    char text[200];
    struct cit_buf told;

    (void)state;
    cit_buf_init(&told, 1 << 16);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, "GET /\nHTTP 200\n[Asserts]\n%s\n", rows[i].line);
        assert_int_equal(journey_tell(cit_slice_str(text), CIT_SLICE_LIT(""), &told), CIT_EINVAL);
        assert_int_equal(cit_buf_add(&told, "", 1), CIT_OK);

        assert_memory_equal(told.p, rows[i].place, strlen(rows[i].place));
    }
    cit_buf_fini(&told);
}

/* ---- any bytes ---- */

/* What holds of every text: a fault has a place inside of it and a text of its own. */
static const char *journey_holds(struct cit_slice text)
{
    struct cit_names names = { 0 };
    struct cit_queries queries = { 0 };
    struct cit_journey_fault fault = { .line = 9999999 };
    struct cit_journey j;
    struct cit_arena a;
    uint32_t lines = 1;
    const char *wrong = NULL;
    int err;

    cit_arena_init(&a, 1 << 24);
    err = cit_journey_parse(text, CIT_SLICE_LIT(""), &(struct cit_making){ &names, &queries, &a }, &j, &fault);
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    if (err != CIT_OK && err != CIT_EINVAL && err != CIT_ELIMIT)
        wrong = "the result is none of the four";
    else if (err != CIT_OK && (fault.line > lines || fault.column > text.n + 1))
        wrong = "the fault is outside of the text";
    else if (err != CIT_OK && memchr(fault.why, '\0', sizeof fault.why) == fault.why)
        wrong = "the fault says nothing";
    else if (err == CIT_OK && j.nsteps == 0)
        wrong = "a journey has no steps";
    cit_queries_fini(&queries);
    cit_arena_fini(&a);
    return wrong;
}

/* Each ends at a page that nobody may touch. */
static void no_beginning_of_a_vector_is_read_past_its_end(void **state)
{
    struct vectors v;
    struct guard g = { 0 };
    unsigned count = 0;

    (void)state;
    assert_true(guard_init(&g, LINE_MAX_BYTES));
    for (vectors_open(&v); vectors_next(&v);)
        for (size_t n = 0; n <= v.text.n && n < 400; n++, count++) {
            const char *wrong = journey_holds(cit_slice(guard_put(&g, v.text.p, n), n));

            if (wrong != NULL)
                fail_msg("the first %zu bytes of '%.*s': %s", n, CIT_SLICE_ARG(v.about), wrong);
        }
    vectors_close(&v);
    guard_fini(&g);
    assert_true(count > 10000);
}

static void a_changed_byte_gives_a_journey_or_a_fault(void **state)
{
    static const char text[] = "# @name a\nPOST {{b}}/c # d\nE: \\u{41}f\n[Form]\ng: {{h}}\nHTTP 200\n[Captures]\n"
                               "i: regex /j(k)/ toInt\n[Asserts]\nstatus not == 1.5\n# @assert css \"l\" \"m\" exists\n"
                               "{\"n\": [1, {{o}}]}\n";
    static const char bytes[] = "\n\r\t \"#'/:;<=>@[\\]`a{}\x01\x7f\x80\xc3\xff";
    char copy[sizeof text];

    (void)state;
    assert_null(journey_holds(cit_slice(text, sizeof text - 1)));
    for (size_t at = 0; at < sizeof text - 1; at++)
        for (size_t i = 0; i < sizeof bytes; i++) {
            const char *wrong;

            memcpy(copy, text, sizeof text);
            copy[at] = bytes[i];
            wrong = journey_holds(cit_slice(copy, sizeof text - 1));
            if (wrong != NULL)
                fail_msg("byte %d at %zu: %s", (unsigned char)bytes[i], at, wrong);
        }
}

/* ---- memory ---- */

static void without_memory_nothing_is_lost(void **state)
{
    struct vectors v;
    unsigned failed = 0;

    (void)state;
    for (vectors_open(&v); vectors_next(&v);)
        for (unsigned long at = 1; at < 60; at++) {
            struct cit_names names = { 0 };
            struct cit_queries queries = { 0 };
            struct cit_journey_fault fault;
            struct cit_journey j;
            struct cit_arena a;
            unsigned long asked;
            int err;

            cit_arena_init(&a, 1 << 24);
            cit_mem_fail_at(at);
            err =
                cit_journey_parse(v.text, CIT_SLICE_LIT(""), &(struct cit_making){ &names, &queries, &a }, &j, &fault);
            asked = cit_mem_fail_at(0);
            failed += err == CIT_ENOMEM;
            /* a pattern does without what its compiler would only like to have */
            assert_true(err == error_named(v.error) || (err == CIT_ENOMEM && asked >= at));
            cit_queries_fini(&queries);
            cit_arena_fini(&a);
            if (asked < at)
                break;
        }
    vectors_close(&v);
    assert_true(failed > 300);
}

/* However little the arena may hold: a limit that is told, or the whole journey.  No queries: they tell it as they
 * like. */
static void an_arena_that_is_full_is_a_limit(void **state)
{
    static const char text[] = "POST {{a}}/b\nC: d\\#\n[Query]\ne: {{f}}\n[Multipart]\ng: h\n[Options]\nvariable: i=j\n"
                               "HTTP 200\n\n"
                               "POST /o\n```graphql\n{ p }\n```\nPOST /q\nbase64,QQ==;\nPOST /r\nhex,00;\n";
    unsigned limits = 0;
    int err = CIT_ELIMIT;

    (void)state;
    for (size_t max = 0; err != CIT_OK; max += 16) {
        struct cit_names names = { 0 };
        struct cit_queries queries = { 0 };
        struct cit_journey_fault fault = { .why = "" };
        struct cit_journey j;
        struct cit_arena a;

        cit_arena_init(&a, max);
        err = cit_journey_parse(cit_slice_str(text), CIT_SLICE_LIT(""), &(struct cit_making){ &names, &queries, &a },
                                &j, &fault);
        if (err != CIT_OK) {
            assert_int_equal(err, CIT_ELIMIT);
            assert_non_null(strstr(fault.why, "than a plan may have"));
            limits++;
        }
        cit_queries_fini(&queries);
        cit_arena_fini(&a);
        assert_true(max < 1 << 20);
    }
    assert_true(limits > 50);
}

/* ---- files ---- */

static char folder[] = "/tmp/test-journey-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    static const char *const names[] = { "a.hurl", "b b.json", "sub/c.png", "sub/d", "fifo", "large", "sub" };
    char path[200];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)remove(path);
    }
    return rmdir(folder);
}

static void put_file(const char *name, const char *content)
{
    char path[200];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
}

/* Reads a.hurl of the folder, with this text; into told what it is, or its fault. */
static int read_journey(const char *text, struct cit_buf *told)
{
    struct cit_names names = { 0 };
    struct cit_queries queries = { 0 };
    struct cit_journey_fault fault = { 0 };
    struct journey_teller t = { told, &names };
    struct cit_journey j;
    struct cit_arena a;
    char path[200];
    int err;

    put_file("a.hurl", text);
    told->len = 0;
    cit_arena_init(&a, 64u << 20);
    snprintf(path, sizeof path, "%s/a.hurl", folder);
    err = cit_journey_read(path, &(struct cit_making){ &names, &queries, &a }, &j, &fault);
    if (err == CIT_OK)
        journey_say_all(&t, &j);
    else
        journey_say(told, "%" PRIu32 ":%" PRIu32 ": %s\n", fault.line, fault.column, fault.why);
    assert_int_equal(cit_buf_add(told, "", 1), CIT_OK);
    cit_queries_fini(&queries);
    cit_arena_fini(&a);
    return err;
}

static void files_are_read_from_the_folder_of_the_journey(void **state)
{
    struct cit_buf told;
    char path[200];

    (void)state;
    cit_buf_init(&told, 1 << 20);
    snprintf(path, sizeof path, "%s/sub", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    put_file("b b.json", "{}");
    put_file("sub/c.png", "PNG");
    put_file("sub/d", "D");
    assert_int_equal(read_journey("POST /a\n[Multipart]\nx: file,sub/c.png;\ny: file, sub/c.png ; text/x;q=1 # z\n"
                                  "z: file,sub/d;\nPOST /b\nfile,b\\ b.json;\nHTTP 200\nfile,sub/c.png;\n",
                                  &told),
                     CIT_OK);
    assert_string_equal(told.p, "journey a\n1 POST /a as \"POST /a\"\npart x: file c.png image/png PNG\n"
                                "part y: file c.png text/x;q=1 PNG\npart z: file d application/octet-stream D\nbody "
                                "multipart () \n6 POST /b as \"POST /b\"\n"
                                "bytes () {}\nanswer 200 body\nassert body == \"PNG\"\n");
    cit_buf_fini(&told);
}

static void files_that_cannot_be_read_are_told_with_their_place(void **state)
{
    static const struct {
        const char *text, *fault;
        int err;
    } rows[] = {
        { "POST /a\nfile,none.txt;\n", "2:6: 'none.txt': there is no such file\n", CIT_ENOENT },
        { "POST /a\nfile,sub;\n", "2:6: 'sub': it is no ordinary file\n", CIT_ENOENT },
        { "POST /a\nfile,fifo;\n", "2:6: 'fifo': it is no ordinary file\n", CIT_ENOENT },
        { "POST /a\nfile,large;\n", "2:6: 'large': it is larger than 16 MiB\n", CIT_ELIMIT },
        { "POST /a\nfile,/etc/passwd;\n", "2:6: '/etc/passwd' is not inside the folder of the journey\n", CIT_EINVAL },
        { "POST /a\nfile,sub/../../x;\n", "2:6: 'sub/../../x' is not inside the folder of the journey\n", CIT_EINVAL },
        { "POST /a\nfile,a\\u{0}b;\n", "2:6: 'a?b' is not inside the folder of the journey\n", CIT_EINVAL },
    };
    struct cit_buf told;
    char path[200];

    (void)state;
    cit_buf_init(&told, 1 << 20);
    snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    put_file("large", "");
    snprintf(path, sizeof path, "%s/large", folder);
    assert_int_equal(truncate(path, CIT_JOURNEY_FILE_MAX + 1L), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(read_journey(rows[i].text, &told), rows[i].err);
        assert_string_equal(told.p, rows[i].fault);
    }
    cit_buf_fini(&told);
}

static void a_journey_that_cannot_be_read_says_why(void **state)
{
    struct cit_names names = { 0 };
    struct cit_queries queries = { 0 };
    struct cit_journey_fault fault = { .line = 7 };
    struct cit_journey j;
    struct cit_arena a;
    char path[200];

    (void)state;
    cit_arena_init(&a, 1 << 20);
    snprintf(path, sizeof path, "%s/none.hurl", folder);
    assert_int_equal(cit_journey_read(path, &(struct cit_making){ &names, &queries, &a }, &j, &fault), CIT_ENOENT);
    assert_int_equal(fault.line, 0);
    assert_string_equal(fault.why, "there is no such file");
    assert_int_equal(cit_journey_read(folder, &(struct cit_making){ &names, &queries, &a }, &j, &fault), CIT_ENOENT);
    assert_string_equal(fault.why, "it is no ordinary file");
    cit_arena_fini(&a);
}

/* ---- the reference ---- */

/* Each ```hurl block of the page is a journey. */
static void every_example_of_the_reference_is_a_journey(void **state)
{
    FILE *f = fopen("docs/journeys.md", "r");
    char *line = NULL;
    struct cit_buf block, told;
    bool is_inside = false;
    unsigned count = 0;
    size_t cap = 0;

    (void)state;
    assert_non_null(f);
    cit_buf_init(&block, 1 << 16);
    cit_buf_init(&told, 1 << 20);
    while (getline(&line, &cap, f) > 0) {
        if (strcmp(line, "```hurl\n") == 0) {
            is_inside = true;
            block.len = 0;
        } else if (is_inside && strcmp(line, "```\n") == 0) {
            is_inside = false;
            count++;
            if (journey_tell(cit_slice(block.p, block.len), CIT_SLICE_LIT(""), &told) != CIT_OK)
                fail_msg("example %u: %.*s", count, (int)told.len, told.p);
        } else if (is_inside) {
            assert_int_equal(cit_buf_add_str(&block, line), CIT_OK);
        }
    }
    free(line);
    fclose(f);
    cit_buf_fini(&block);
    cit_buf_fini(&told);
    assert_true(count >= 5);
}

/* ---- names and sizes ---- */

static void the_name_of_a_journey_is_that_of_its_file(void **state)
{
    assert_true(cit_slice_eq(name_of(CIT_SLICE_LIT("a/b/check out.hurl")), CIT_SLICE_LIT("check out")));
    assert_true(cit_slice_eq(name_of(CIT_SLICE_LIT("x.txt")), CIT_SLICE_LIT("x.txt")));
    assert_true(cit_slice_eq(name_of(CIT_SLICE_LIT(".hurl")), CIT_SLICE_LIT(".hurl")));
    assert_true(cit_slice_eq(name_of(CIT_SLICE_LIT("a/")), CIT_SLICE_LIT("journey")));
    assert_true(cit_slice_eq(name_of(CIT_SLICE_LIT("")), CIT_SLICE_LIT("journey")));
    (void)state;
}

/* Lines are counted in one pass: a square of them would take minutes here. */
static void ten_thousand_requests_are_the_most(void **state)
{
    struct cit_buf text, told;

    (void)state;
    cit_buf_init(&text, 1 << 20);
    cit_buf_init(&told, 1 << 24);
    for (int i = 0; i < CIT_JOURNEY_STEPS_MAX; i++)
        assert_int_equal(cit_buf_add_str(&text, "GET /{{x}}\nA: {{y}}\nB: c\n"), CIT_OK);
    assert_int_equal(journey_tell(cit_slice(text.p, text.len), CIT_SLICE_LIT(""), &told), CIT_OK);
    assert_int_equal(cit_buf_add_str(&text, "GET /\n"), CIT_OK);
    assert_int_equal(journey_tell(cit_slice(text.p, text.len), CIT_SLICE_LIT(""), &told), CIT_ELIMIT);
    assert_int_equal(cit_buf_add(&told, "", 1), CIT_OK);
    assert_string_equal(told.p, "30001:1: a journey has at most 10000 requests\n");
    cit_buf_fini(&text);
    cit_buf_fini(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_understood_as_it_says),
        cmocka_unit_test(a_query_that_is_wrong_is_told_where_it_is),
        cmocka_unit_test(no_beginning_of_a_vector_is_read_past_its_end),
        cmocka_unit_test(a_changed_byte_gives_a_journey_or_a_fault),
        cmocka_unit_test(without_memory_nothing_is_lost),
        cmocka_unit_test(an_arena_that_is_full_is_a_limit),
        cmocka_unit_test(files_are_read_from_the_folder_of_the_journey),
        cmocka_unit_test(files_that_cannot_be_read_are_told_with_their_place),
        cmocka_unit_test(a_journey_that_cannot_be_read_says_why),
        cmocka_unit_test(every_example_of_the_reference_is_a_journey),
        cmocka_unit_test(the_name_of_a_journey_is_that_of_its_file),
        cmocka_unit_test(ten_thousand_requests_are_the_most),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
