/* load/record.c - the files and the stream of a run. */
#include "load/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "load/report_int.h"

enum {
    TEXT_MAX = 1 << 28, /* of one text: a second's line has at most a few bytes for each of its requests */
    SUMMARY_EVERY = 10, /* seconds */
    FILE_MODE = 0666,   /* and the umask */
    FOLDER_MODE = 0777
};

struct cit_record {
    const struct cit_load_plan *plan;                    /* borrowed */
    int folder_fd, seconds_fd, histograms_fd, stream_fd; /* -1: not kept; the stream's is borrowed */
    uint32_t seconds;                                    /* so far */
    int err, errnum;                                     /* the first failure to write, and errno then */
    bool is_told;                                        /* to the caller */
    struct cit_buf text;                                 /* of what is being written */
};

/* ---- writing ---- */

int cit__write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, p, n);

        if (written == -1 && errno == EINTR)
            continue;
        if (written == -1)
            return cit_err_from_errno(errno);
        p += written;
        n -= (size_t)written;
    }
    return CIT_OK;
}

static void close_kept(int *fd)
{
    int saved = errno;

    if (*fd != -1)
        close(*fd);
    *fd = -1;
    errno = saved;
}

/* Appends to a file, or not at all: half a line of a full disk is cut off again. */
static int append(int fd, struct cit_slice text)
{
    off_t end = lseek(fd, 0, SEEK_END);
    int err = cit__write_all(fd, text.p, text.n), saved = errno;

    if (err != CIT_OK && (end == -1 || ftruncate(fd, end) == -1))
        err = CIT_EIO;
    errno = saved;
    return err;
}

static struct cit_slice text_of(const struct cit_record *r)
{
    return cit_slice(r->text.p, r->text.len);
}

/* A file appears whole or not at all. */
static int replace(struct cit_record *r, const char *name, struct cit_slice text)
{
    char next[64];
    int fd, err, saved;

    (void)snprintf(next, sizeof next, ".%s.next", name);
    fd = openat(r->folder_fd, next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (fd == -1)
        return cit_err_from_errno(errno);
    err = cit__write_all(fd, text.p, text.n);
    saved = errno;
    if (close(fd) == -1 && err == CIT_OK) {
        err = CIT_EIO;
        saved = errno;
    }
    if (err == CIT_OK && renameat(r->folder_fd, next, r->folder_fd, name) == -1) {
        err = CIT_EIO;
        saved = errno;
    }
    if (err != CIT_OK)
        (void)unlinkat(r->folder_fd, next, 0);
    errno = saved;
    return err;
}

/* ---- opening ---- */

/* Whether the file is there and empty, or begins with text. */
static bool begins(int folder_fd, const char *name, const char *text)
{
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char found[32];
    ssize_t n;

    if (fd == -1)
        return false;
    n = read(fd, found, strlen(text));
    close(fd);
    return n >= 0 && memcmp(found, text, (size_t)n) == 0;
}

/* An empty folder, or one with a run's files in it: nobody's else are written over. */
static int check_folder(int folder_fd)
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), entries = 0;
    DIR *dir = fd != -1 ? fdopendir(fd) : NULL;

    if (dir == NULL) {
        close_kept(&fd);
        return cit_err_from_errno(errno);
    }
    while (readdir(dir) != NULL)
        entries++;
    closedir(dir);
    if (entries <= 2 || begins(folder_fd, "seconds.jsonl", "{\"second\":") ||
        begins(folder_fd, "summary.json", "{\"citrate\":"))
        return CIT_OK;
    return CIT_EEXIST;
}

static int open_folder(struct cit_record *r, const char *folder)
{
    if (mkdir(folder, FOLDER_MODE) == -1 && errno != EEXIST)
        return cit_err_from_errno(errno);
    r->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r->folder_fd != -1 ? check_folder(r->folder_fd) : cit_err_from_errno(errno);
}

static int open_lines(const struct cit_record *r, const char *name, int *out)
{
    int fd = openat(r->folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, FILE_MODE);

    if (fd == -1)
        return cit_err_from_errno(errno);
    *out = fd;
    return CIT_OK;
}

/* What an earlier run left would be taken for this one's: also what the Python command writes, which waits until
 * seconds.jsonl is made anew. */
static int remove_old(const struct cit_record *r)
{
    static const char *const names[] = { "summary.json", "steps.csv", "server.jsonl", "index.html" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (unlinkat(r->folder_fd, names[i], 0) == -1 && errno != ENOENT)
            return cit_err_from_errno(errno);
    }
    return CIT_OK;
}

static int open_files(struct cit_record *r, const char *folder, struct cit_slice plan_json)
{
    int err = open_folder(r, folder);

    if (err == CIT_OK)
        err = remove_old(r);
    if (err == CIT_OK)
        err = replace(r, "plan.json", plan_json);
    if (err == CIT_OK)
        err = open_lines(r, "histograms.jsonl", &r->histograms_fd);
    if (err == CIT_OK)
        err = open_lines(r, "seconds.jsonl", &r->seconds_fd);
    return err;
}

static int begin_stream(struct cit_record *r)
{
    int err;

    if (r->stream_fd == -1)
        return CIT_OK;
    r->text.len = 0;
    err = cit__start_line(r->plan, &r->text);
    return err == CIT_OK ? cit__write_all(r->stream_fd, r->text.p, r->text.len) : err;
}

int cit_record_open(const char *folder, int stream_fd, const struct cit_load_plan *plan, struct cit_slice plan_json,
                    struct cit_record **out)
{
    struct cit_record *r = cit_malloc(sizeof *r);
    int err = CIT_OK, saved;

    if (r == NULL)
        return CIT_ENOMEM;
    *r = (struct cit_record){
        .plan = plan,
        .folder_fd = -1,
        .seconds_fd = -1,
        .histograms_fd = -1,
        .stream_fd = stream_fd,
    };
    cit_buf_init(&r->text, TEXT_MAX);
    if (folder != NULL)
        err = open_files(r, folder, plan_json);
    if (err == CIT_OK)
        err = begin_stream(r);
    if (err == CIT_OK) {
        *out = r;
        return CIT_OK;
    }
    saved = errno;
    cit_record_close(r);
    errno = saved;
    return err;
}

void cit_record_close(struct cit_record *r)
{
    if (r == NULL)
        return;
    close_kept(&r->folder_fd);
    close_kept(&r->seconds_fd);
    close_kept(&r->histograms_fd);
    cit_buf_fini(&r->text);
    cit_free(r);
}

/* ---- the run ---- */

static void note(struct cit_record *r, int err)
{
    if (err == CIT_OK || r->err != CIT_OK)
        return;
    r->err = err;
    r->errnum = errno;
}

/* Appends the text that was made (err says how that went) to *fd; after a failure that file gets no more. */
static int append_made(struct cit_record *r, int *fd, int err)
{
    if (err == CIT_OK)
        err = append(*fd, text_of(r));
    if (err != CIT_OK)
        close_kept(fd);
    return err;
}

static int keep_seconds(struct cit_record *r, const struct cit_load_second *s)
{
    if (r->seconds_fd == -1)
        return CIT_OK;
    r->text.len = 0;
    return append_made(r, &r->seconds_fd, cit__second_line(r->plan, s, false, &r->text));
}

static int keep_histograms(struct cit_record *r, const struct cit_tally *t, int64_t second)
{
    if (r->histograms_fd == -1)
        return CIT_OK;
    r->text.len = 0;
    return append_made(r, &r->histograms_fd, cit__histogram_lines(r->plan, t, second, &r->text));
}

/* Whoever reads the stream may be gone: then there is none. */
static int send_made(struct cit_record *r, int err)
{
    if (err == CIT_OK)
        err = cit__write_all(r->stream_fd, r->text.p, r->text.len);
    if (err != CIT_OK)
        r->stream_fd = -1;
    return err;
}

static int stream_second(struct cit_record *r, const struct cit_load_second *s)
{
    if (r->stream_fd == -1)
        return CIT_OK;
    r->text.len = 0;
    return send_made(r, cit__second_line(r->plan, s, true, &r->text));
}

static int stream_end(struct cit_record *r, const struct cit_tally *totals, const struct cit_run_end *end)
{
    if (r->stream_fd == -1)
        return CIT_OK;
    r->text.len = 0;
    return send_made(r, cit__end_line(r->plan, totals, end, &r->text));
}

static int keep_summary(struct cit_record *r, const struct cit_tally *totals, const struct cit_run_end *end,
                        const char *state)
{
    int err;

    if (r->folder_fd == -1)
        return CIT_OK;
    r->text.len = 0;
    err = cit_record_summary(r->plan, totals, end, state, &r->text);
    return err == CIT_OK ? replace(r, "summary.json", text_of(r)) : err;
}

static int keep_steps(struct cit_record *r, const struct cit_tally *totals, const struct cit_run_end *end)
{
    int err;

    if (r->folder_fd == -1)
        return CIT_OK;
    r->text.len = 0;
    err = cit_record_steps(r->plan, totals, end, &r->text);
    return err == CIT_OK ? replace(r, "steps.csv", text_of(r)) : err;
}

static void keep_tables(struct cit_record *r, const struct cit_tally *totals, const struct cit_run_end *end,
                        const char *state)
{
    note(r, keep_summary(r, totals, end, state));
    note(r, keep_steps(r, totals, end));
}

/* The first failure of all is told once; what else can be written is written. */
static int tell(struct cit_record *r)
{
    if (r->is_told || r->err == CIT_OK)
        return CIT_OK;
    r->is_told = true;
    errno = r->errnum;
    return r->err;
}

int cit_record_second(struct cit_record *r, const struct cit_load_second *s, const struct cit_tally *totals,
                      const struct cit_run_end *now)
{
    note(r, keep_seconds(r, s));
    note(r, keep_histograms(r, s->tally, s->number));
    note(r, stream_second(r, s));
    if (r->seconds++ % SUMMARY_EVERY == 0)
        keep_tables(r, totals, now, "running");
    return tell(r);
}

int cit_record_end(struct cit_record *r, const struct cit_tally *totals, const struct cit_run_end *end)
{
    keep_tables(r, totals, end, cit__end_state(end->why));
    note(r, keep_histograms(r, totals, -1));
    note(r, stream_end(r, totals, end));
    return tell(r);
}
