/* tests/c/test_record.c - a run's folder and stream: while it goes on, after it, and when writing fails. */
#include "load/record.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "load_run.h"

static struct load_run run;
static char scratch[64], folder[96];

static int start(void **state)
{
    (void)state;
    (void)snprintf(scratch, sizeof scratch, "/tmp/cit_record_XXXXXX");
    if (mkdtemp(scratch) == NULL || !load_run_init(&run))
        return -1;
    (void)snprintf(folder, sizeof folder, "%s/report", scratch);
    return 0;
}

/* Takes the folder and all files in it away. */
static void remove_folder(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    (void)rmdir(folder);
}

static int finish(void **state)
{
    (void)state;
    load_run_fini(&run);
    remove_folder();
    return rmdir(scratch);
}

/* What the file holds, with a NUL; NULL when it is not there.  Valid until the next call. */
static const char *content(const char *name)
{
    static char text[1 << 20];
    char path[160];
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "r");
    if (f == NULL)
        return NULL;
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static void put_file(const char *name, const char *text)
{
    char path[160];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
}

static int lines_of(const char *name)
{
    const char *text = content(name);
    int lines = 0;

    assert_non_null(text);
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static int one_second(struct cit_record *r, uint32_t number)
{
    struct cit_load_second s = run.second;

    s.number = number;
    return cit_record_second(r, &s, &run.tally, &run.end);
}

static struct cit_record *opened(int stream_fd)
{
    struct cit_record *r = NULL;

    assert_int_equal(cit_record_open(folder, stream_fd, &run.plan, CIT_SLICE_LIT("{\"title\": 1}\n"), &r), CIT_OK);
    return r;
}

static void files_grow_while_the_run_goes_on_and_end_with_it(void **state)
{
    struct cit_record *r;

    (void)state;
    remove_folder();
    r = opened(-1);
    assert_string_equal(content("plan.json"), "{\"title\": 1}\n");
    assert_string_equal(content("seconds.jsonl"), "");
    assert_null(content("summary.json"));
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(one_second(r, i), CIT_OK);
    assert_int_equal(lines_of("seconds.jsonl"), 5);
    assert_int_equal(lines_of("histograms.jsonl"), 10);
    assert_int_equal(strncmp(content("seconds.jsonl"), "{\"second\":0,", 12), 0);
    assert_non_null(strstr(content("summary.json"), "\"state\":\"running\""));
    assert_int_equal(lines_of("steps.csv"), 6);
    assert_int_equal(cit_record_end(r, &run.tally, &run.end), CIT_OK);
    assert_non_null(strstr(content("summary.json"), "\"state\":\"finished\""));
    assert_int_equal(lines_of("summary.json"), 1);
    assert_int_equal(lines_of("histograms.jsonl"), 12);
    assert_null(content(".summary.json.next"));
    cit_record_close(r);
    cit_record_close(NULL);
}

static void an_earlier_run_is_replaced(void **state)
{
    struct cit_record *r;

    (void)state;
    remove_folder();
    r = opened(-1);
    assert_int_equal(one_second(r, 0), CIT_OK);
    assert_int_equal(cit_record_end(r, &run.tally, &run.end), CIT_OK);
    cit_record_close(r);
    put_file("index.html", "a report");
    put_file("server.jsonl", "{}");
    put_file("notes.txt", "mine");
    r = opened(-1);
    assert_string_equal(content("seconds.jsonl"), "");
    assert_string_equal(content("histograms.jsonl"), "");
    assert_null(content("summary.json"));
    assert_null(content("steps.csv"));
    assert_null(content("index.html"));
    assert_null(content("server.jsonl"));
    assert_string_equal(content("notes.txt"), "mine");
    cit_record_close(r);
}

static void a_folder_of_somebody_else_is_left_alone(void **state)
{
    struct cit_record *r = NULL;

    (void)state;
    remove_folder();
    assert_int_equal(mkdir(folder, 0777), 0);
    put_file("summary.json", "{\"metrics\": {}}");
    assert_int_equal(cit_record_open(folder, -1, &run.plan, CIT_SLICE_LIT("{}"), &r), CIT_EEXIST);
    put_file("seconds.jsonl", "once upon a time");
    assert_int_equal(cit_record_open(folder, -1, &run.plan, CIT_SLICE_LIT("{}"), &r), CIT_EEXIST);
    assert_null(r);
    assert_string_equal(content("summary.json"), "{\"metrics\": {}}");
    assert_string_equal(content("seconds.jsonl"), "once upon a time");
    assert_null(content("plan.json"));
    put_file("seconds.jsonl", "{\"second\":0}\n");
    r = opened(-1);
    cit_record_close(r);
}

static void what_cannot_be_a_folder_is_refused(void **state)
{
    struct cit_record *r = NULL;
    char below[128];

    (void)state;
    remove_folder();
    (void)snprintf(below, sizeof below, "%s/a/b", folder);
    assert_int_equal(cit_record_open(below, -1, &run.plan, CIT_SLICE_LIT("{}"), &r), CIT_ENOENT);
    assert_int_equal(errno, ENOENT);
    assert_true(cit_record_open("/dev/null", -1, &run.plan, CIT_SLICE_LIT("{}"), &r) < 0);
    assert_int_equal(errno, ENOTDIR);
    assert_null(r);
}

static void the_stream_has_a_line_for_each_thing_that_happens(void **state)
{
    FILE *stream = tmpfile();
    struct cit_record *r = NULL;
    char line[1 << 17];
    int lines = 0;

    (void)state;
    assert_non_null(stream);
    assert_int_equal(cit_record_open(NULL, fileno(stream), &run.plan, CIT_SLICE_LIT("{}"), &r), CIT_OK);
    assert_int_equal(one_second(r, 0), CIT_OK);
    assert_int_equal(one_second(r, 1), CIT_OK);
    assert_int_equal(cit_record_end(r, &run.tally, &run.end), CIT_OK);
    cit_record_close(r);
    rewind(stream);
    for (; fgets(line, sizeof line, stream) != NULL; lines++) {
        const char *type = lines == 0  ? "{\"type\":\"start\","
                           : lines < 3 ? "{\"type\":\"second\","
                                       : "{\"type\":\"end\",";

        assert_int_equal(strncmp(line, type, strlen(type)), 0);
        assert_int_equal(line[strlen(line) - 1], '\n');
    }
    assert_int_equal(lines, 4);
    fclose(stream);
}

static void a_reader_that_goes_away_is_told_once_and_the_files_go_on(void **state)
{
    struct cit_record *r;
    int ends[2];

    (void)state;
    remove_folder();
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    r = opened(ends[1]);
    close(ends[0]);
    errno = 0;
    assert_int_equal(one_second(r, 0), cit_err_from_errno(EPIPE));
    assert_int_equal(errno, EPIPE);
    assert_int_equal(one_second(r, 1), CIT_OK);
    assert_int_equal(cit_record_end(r, &run.tally, &run.end), CIT_OK);
    assert_int_equal(lines_of("seconds.jsonl"), 2);
    assert_non_null(strstr(content("summary.json"), "\"finished\""));
    cit_record_close(r);
    close(ends[1]);
}

/* A disk that is full after so many bytes of each file, as a limit of the process. */
static void a_full_disk_leaves_whole_lines(void **state)
{
    struct rlimit unlimited, tight;
    struct cit_record *r;
    const char *text;

    (void)state;
    remove_folder();
    (void)signal(SIGXFSZ, SIG_IGN);
    r = opened(-1);
    assert_int_equal(one_second(r, 1), CIT_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    tight = unlimited;
    tight.rlim_cur = strlen(content("seconds.jsonl")) * 3 / 2;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_true(one_second(r, 2) < 0);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(one_second(r, 3), CIT_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    assert_int_equal(cit_record_end(r, &run.tally, &run.end), CIT_OK);
    text = content("seconds.jsonl");
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_int_equal(lines_of("seconds.jsonl"), 1);
    text = content("histograms.jsonl");
    assert_true(text[0] == '\0' || text[strlen(text) - 1] == '\n');
    assert_non_null(strstr(content("summary.json"), "\"finished\""));
    cit_record_close(r);
}

static void without_memory_the_run_goes_on_and_it_is_told_once(void **state)
{
    unsigned long asked;

    (void)state;
    remove_folder();
    (void)cit_mem_fail_at(0);
    cit_record_close(opened(-1));
    asked = cit_mem_fail_at(0);
    for (unsigned long at = 1; at <= asked; at++) {
        struct cit_record *r = NULL;

        cit_mem_fail_at(at);
        assert_int_equal(cit_record_open(folder, -1, &run.plan, CIT_SLICE_LIT("{}"), &r), CIT_ENOMEM);
        assert_null(r);
    }
    cit_mem_fail_at(0);
    for (unsigned long at = 1; at <= 12; at++) {
        struct cit_record *r = opened(-1);
        int err;

        cit_mem_fail_at(at);
        err = one_second(r, 0);
        cit_mem_fail_at(0);
        assert_true(err == CIT_OK || err == CIT_ENOMEM);
        assert_int_equal(one_second(r, 1), CIT_OK);
        assert_int_equal(cit_record_end(r, &run.tally, &run.end), CIT_OK);
        assert_non_null(strstr(content("summary.json"), "\"finished\""));
        cit_record_close(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_grow_while_the_run_goes_on_and_end_with_it),
        cmocka_unit_test(an_earlier_run_is_replaced),
        cmocka_unit_test(a_folder_of_somebody_else_is_left_alone),
        cmocka_unit_test(what_cannot_be_a_folder_is_refused),
        cmocka_unit_test(the_stream_has_a_line_for_each_thing_that_happens),
        cmocka_unit_test(a_reader_that_goes_away_is_told_once_and_the_files_go_on),
        cmocka_unit_test(a_full_disk_leaves_whole_lines),
        cmocka_unit_test(without_memory_the_run_goes_on_and_it_is_told_once),
    };

    return cmocka_run_group_tests(tests, start, finish);
}
