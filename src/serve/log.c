/* serve/log.c - two double buffers and a thread that empties them.
 *
 *      append ──> front ──(take: swap under the lock)──> back ──> descriptor or sink
 *
 * An append is one lock and one copy.  It wakes the writer only when that sleeps with
 * nothing to do; after each batch the writer lingers for LINGER_NS, so a busy log costs
 * fifty wake-ups a second whatever its rate, and one more when a front is half full.
 *
 * The writer never waits inside a write to a pipe, socket or terminal: it polls, and
 * writes whole lines of at most PIPE_BUF bytes, which no other process's lines come
 * between (POSIX write(), "Pipes").  So a stuck access log does not hold up the error
 * log, and stopping takes at most LAST_TRY_NS.  A file takes a batch in one write.
 *
 * Without a writer an append does the writer's work itself, under the lock.
 */
#include "serve/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define LINGER_NS (20 * CIT_MS_NS)
#define LAST_TRY_NS CIT_SEC_NS
#define BLOCKED_POLL_MS 50
#define SAY_DROPPED_NS (10 * CIT_SEC_NS)
#define SAY_LOST_NS (60 * CIT_SEC_NS)

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

/* What precedes each line in a buffer; copied in and out, it lies at any address. */
struct record {
    uint32_t n; /* bytes of the line with its newline */
    uint8_t level;
    uint8_t prefix_n; /* bytes of the line that a sink does not want */
};

/* One kind's lines.  In the back: out bytes at its start that are being written, then
 * records from `at` to `end` still to come; the former never reach the latter, since
 * a line is shorter than its record. */
struct ring {
    char *mem[2]; /* owned, CIT_LOG_RING bytes each; [front] and [1 - front] */
    /* under the lock */
    unsigned front;
    size_t len;     /* bytes in the front */
    uint64_t count; /* records in the front */
    cit_log_sink sink;
    void *ctx;
    uint64_t dropped_new; /* not yet said; to a full front, or given up at the end */
    uint64_t lost_new;    /* not yet said; to errors */
    int lost_errno;
    int64_t said_dropped_ns, said_lost_ns;
    /* whoever does the writer's work */
    size_t at, end;
    size_t out_at, out_n;
    uint64_t out_lines, back_count;
    uint64_t failed_lines; /* of this turn */
    int failed_errno;
    cit_log_sink back_sink;
    void *back_ctx;
    bool is_stuck; /* the last line waited in vain; without a writer the next one does not wait */
    /* any thread */
    _Atomic int fd; /* owned, -1: none; the number stays when the file is opened again */
    _Atomic bool is_file, is_wanted;
    _Atomic uint64_t written, dropped;
    char *path; /* owned, NULL when there is nothing to open again */
};

enum writer { ABSENT, IDLE, LINGERING, BUSY };

struct cit_log {
    pthread_mutex_t lock;
    pthread_cond_t wake, flushed;
    enum writer writer;
    enum cit_log_level level;
    bool stop;
    int64_t stop_ns;
    uint64_t in, done; /* records appended, and dealt with */
    uint64_t flush_to; /* what somebody in cit_log_flush wants done */
    struct ring ring[CIT_LOG_KINDS];
};

static const char *const kind_names[CIT_LOG_KINDS] = { "error", "access" };

static const char *const level_names[] = {
#define LEVEL_NAME(name, value, text) [value] = #name,
    CIT_LOG_LEVEL_MAP(LEVEL_NAME)
#undef LEVEL_NAME
};

/* ---- opening ---- */

/* What takes any amount at once; so does /dev/null. */
static bool fd_is_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(fd) == 0));
}

/* Standard output or error.  Of a pipe another open description is tried for, since
 * O_NONBLOCK on the one we share would surprise everybody else who writes to it. */
static int open_std(int std)
{
    struct stat st;
    char path[32];
    int fd = -1;

    if (fstat(std, &st) == 0 && S_ISFIFO(st.st_mode)) {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", std);
        fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    }
    return fd != -1 ? fd : fcntl(std, F_DUPFD_CLOEXEC, 3);
}

/* Non-blocking: opening a FIFO nobody reads would wait, and is an error so (ENXIO). */
static int open_path(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0644);
}

static int ring_open(struct ring *r, const char *path, int std)
{
    bool is_std = strcmp(path, "-") == 0;
    int fd = is_std ? open_std(std) : open_path(path);

    if (fd == -1) /* a process may well be started with its standard descriptors closed */
        return is_std && errno == EBADF ? CIT_OK : cit_err_from_errno(errno);
    r->fd = fd;
    r->is_file = fd_is_file(fd);
    r->is_wanted = true;
    if (is_std)
        return CIT_OK;
    r->path = cit_memdup(path, strlen(path));
    return r->path != NULL ? CIT_OK : CIT_ENOMEM;
}

static int ring_init(struct ring *r)
{
    r->fd = -1;
    r->said_dropped_ns = r->said_lost_ns = INT64_MIN / 2;
    for (int i = 0; i < 2; i++) {
        r->mem[i] = cit_malloc(CIT_LOG_RING);
        if (r->mem[i] == NULL)
            return CIT_ENOMEM;
    }
    return CIT_OK;
}

static void ring_fini(struct ring *r)
{
    cit_free(r->mem[0]);
    cit_free(r->mem[1]);
    cit_free(r->path);
    if (r->fd != -1)
        (void)close(r->fd);
}

static void init_locks(struct cit_log *log)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&log->lock, NULL);
    (void)pthread_cond_init(&log->wake, &attr);
    (void)pthread_cond_init(&log->flushed, &attr);
    (void)pthread_condattr_destroy(&attr);
}

int cit_log_new(const char *error_path, const char *access_path, enum cit_log_level level, struct cit_log **out,
                const char **bad)
{
    const char *const paths[CIT_LOG_KINDS] = { error_path, access_path };
    const int std[CIT_LOG_KINDS] = { STDERR_FILENO, STDOUT_FILENO };
    struct cit_log *log = cit_calloc(1, sizeof *log);
    int err = CIT_OK;

    if (log == NULL)
        return CIT_ENOMEM;
    init_locks(log);
    log->level = level;
    for (int i = 0; i < CIT_LOG_KINDS; i++)
        log->ring[i].fd = -1; /* before anything can fail */
    for (int i = 0; i < CIT_LOG_KINDS && err == CIT_OK; i++) {
        err = ring_init(&log->ring[i]);
        if (err != CIT_OK || paths[i] == NULL)
            continue;
        err = ring_open(&log->ring[i], paths[i], std[i]);
        if (err != CIT_OK && err != CIT_ENOMEM)
            *bad = paths[i];
    }
    if (err != CIT_OK) {
        cit_log_free(log);
        return err;
    }
    *out = log;
    return CIT_OK;
}

void cit_log_free(struct cit_log *log)
{
    if (log == NULL)
        return;
    assert(log->writer == ABSENT);
    for (int i = 0; i < CIT_LOG_KINDS; i++)
        ring_fini(&log->ring[i]);
    (void)pthread_cond_destroy(&log->flushed);
    (void)pthread_cond_destroy(&log->wake);
    (void)pthread_mutex_destroy(&log->lock);
    cit_free(log);
}

/* The new file takes the old one's number, so a write on its way needs no lock. */
void cit_log_reopen(struct cit_log *log)
{
    for (int i = 0; i < CIT_LOG_KINDS; i++) {
        struct ring *r = &log->ring[i];
        char why[64];
        int fd;

        if (r->path == NULL)
            continue;
        fd = open_path(r->path);
        if (fd == -1 || dup3(fd, r->fd, O_CLOEXEC) == -1)
            cit_log_printf(log, CIT_LOG_ERROR, "%s can't be opened again, the %s log goes on in the old file: %s",
                           r->path, kind_names[i], strerror_r(errno, why, sizeof why));
        else
            r->is_file = fd_is_file(fd);
        if (fd != -1)
            (void)close(fd);
    }
}

/* The lock may have been held by a thread that does not exist here: it is made anew.
 * `front` is a single word, so that a swap cut short by fork(2) leaves two buffers. */
void cit_log_after_fork(struct cit_log *log)
{
    init_locks(log);
    log->writer = ABSENT;
    log->stop = false;
    log->in = log->done = log->flush_to = 0;
    for (int i = 0; i < CIT_LOG_KINDS; i++) {
        struct ring *r = &log->ring[i];

        r->len = r->at = r->end = r->out_at = r->out_n = 0;
        r->count = r->back_count = r->out_lines = 0;
        r->dropped_new = r->lost_new = r->failed_lines = 0;
        r->written = r->dropped = 0;
        r->is_stuck = false;
    }
}

void cit_log_set_sink(struct cit_log *log, enum cit_log_kind kind, cit_log_sink sink, void *ctx)
{
    struct ring *r = &log->ring[kind];

    (void)pthread_mutex_lock(&log->lock);
    r->sink = sink;
    r->ctx = ctx;
    r->is_wanted = r->fd != -1 || sink != NULL;
    (void)pthread_mutex_unlock(&log->lock);
}

/* ---- the writer's work: the back of a ring ---- */

static char *back_of(const struct ring *r)
{
    return r->mem[1 - r->front];
}

static bool back_is_empty(const struct ring *r)
{
    return r->at == r->end && r->out_n == 0;
}

/* Makes the front the back, if that is empty.  Locked. */
static void take(struct ring *r)
{
    if (!back_is_empty(r) || r->len == 0)
        return;
    r->front = 1 - r->front;
    r->at = 0;
    r->end = r->len;
    r->back_count = r->count;
    r->back_sink = r->sink;
    r->back_ctx = r->ctx;
    r->len = 0;
    r->count = 0;
}

/* The record at the front of the back, without taking it. */
static struct record next_record(const struct ring *r, char **line)
{
    struct record rec;

    memcpy(&rec, back_of(r) + r->at, sizeof rec);
    *line = back_of(r) + r->at + sizeof rec;
    return rec;
}

static void push_to_sink(struct ring *r, enum cit_log_kind kind)
{
    while (r->at < r->end) {
        char *line;
        struct record rec = next_record(r, &line);

        r->at += sizeof rec + rec.n;
        r->back_sink(r->back_ctx, kind, (enum cit_log_level)rec.level,
                     cit_slice(line + rec.prefix_n, rec.n - rec.prefix_n - 1u));
        r->written++;
    }
}

/* Moves lines to the start of the back until `most` bytes are there, or one longer line. */
static void gather(struct ring *r, size_t most)
{
    r->out_at = 0;
    r->out_lines = 0;
    while (r->at < r->end) {
        char *line;
        struct record rec = next_record(r, &line);

        if (r->out_n > 0 && rec.n > most - r->out_n)
            break;
        memmove(back_of(r) + r->out_n, line, rec.n);
        r->at += sizeof rec + rec.n;
        r->out_n += rec.n;
        r->out_lines++;
        if (r->out_n >= most)
            break;
    }
}

/* One write of what was gathered.  CIT_OK, CIT_EAGAIN, CIT_EIO with errno. */
static int write_some(struct ring *r)
{
    size_t n = r->out_n - r->out_at;
    ssize_t w;

    if (!r->is_file) {
        struct pollfd p = { .fd = r->fd, .events = POLLOUT };

        if (poll(&p, 1, 0) != 1)
            return CIT_EAGAIN;
        n = n < PIPE_BUF ? n : PIPE_BUF;
    }
    w = write(r->fd, back_of(r) + r->out_at, n);
    if (w == -1)
        return errno == EAGAIN || errno == EWOULDBLOCK ? CIT_EAGAIN : errno == EINTR ? CIT_OK : CIT_EIO;
    r->out_at += (size_t)w;
    return CIT_OK;
}

/* Empties the back; returns how many lines it had. */
static uint64_t forget_back(struct ring *r)
{
    uint64_t lines = r->out_n > 0 ? r->out_lines : 0;

    while (r->at < r->end) {
        char *line;
        struct record rec = next_record(r, &line);

        r->at += sizeof rec + rec.n;
        lines++;
    }
    r->out_at = r->out_n = 0;
    r->dropped += lines;
    return lines;
}

/* Writes the back as far as that goes.  True when it is empty then, false when the
 * descriptor takes no more for now. */
static bool push(struct ring *r, enum cit_log_kind kind)
{
    if (r->back_sink != NULL && r->out_n == 0) {
        push_to_sink(r, kind);
        return true;
    }
    if (r->fd == -1) /* the sink was taken away */
        forget_back(r);
    while (!back_is_empty(r)) {
        int err;

        if (r->out_n == 0)
            gather(r, r->is_file ? CIT_LOG_RING : PIPE_BUF);
        err = write_some(r);
        if (err == CIT_EAGAIN)
            return false;
        if (err == CIT_EIO) {
            r->failed_lines += r->out_lines;
            r->failed_errno = errno;
        } else if (r->out_at < r->out_n) {
            continue;
        } else {
            r->written += r->out_lines;
        }
        r->out_at = r->out_n = 0;
    }
    return true;
}

/* After a push: what it did becomes known.  Locked. */
static void settle(struct cit_log *log, struct ring *r)
{
    if (r->failed_lines > 0) {
        r->lost_new += r->failed_lines;
        r->dropped += r->failed_lines;
        r->lost_errno = r->failed_errno;
        r->failed_lines = 0;
    }
    if (!back_is_empty(r))
        return;
    log->done += r->back_count;
    r->back_count = 0;
    if (log->flush_to > 0)
        (void)pthread_cond_broadcast(&log->flushed);
}

/* Drops what is left in the back.  Locked. */
static void give_up(struct cit_log *log, struct ring *r)
{
    r->dropped_new += forget_back(r);
    settle(log, r);
}

/* ---- appending ---- */

static void say_what_was_lost(struct cit_log *log);

static int until_ms(int64_t deadline_ns)
{
    int64_t left = deadline_ns - cit_clock_now_ns();

    return left > 0 ? (int)(left / CIT_MS_NS) + 1 : 0;
}

/* Pushes, waiting at most a second in all for room; not at all after it was in vain. */
static void push_patiently(struct ring *r, enum cit_log_kind kind)
{
    int64_t deadline = cit_clock_now_ns() + (r->is_stuck ? 0 : LAST_TRY_NS);

    while (!push(r, kind)) {
        struct pollfd p = { .fd = r->fd, .events = POLLOUT };
        int wait = until_ms(deadline);

        if (wait == 0 || (poll(&p, 1, wait) == -1 && errno != EINTR))
            break;
    }
    r->is_stuck = !back_is_empty(r);
}

/* Back to the former mask; a SIGPIPE that a failed write of ours left is taken first. */
static void unblock_signals(const sigset_t *old, bool has_failed)
{
    const struct timespec at_once = { 0 };
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    if (has_failed)
        (void)sigtimedwait(&set, NULL, &at_once);
    (void)pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* Without a writer.  Locked. */
static void write_now(struct cit_log *log, enum cit_log_kind kind)
{
    struct ring *r = &log->ring[kind];
    sigset_t set, old;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &set, &old);
    take(r);
    r->back_sink = NULL;
    push_patiently(r, kind);
    unblock_signals(&old, r->failed_lines > 0);
    give_up(log, r);
    if (!r->is_stuck)
        say_what_was_lost(log);
}

/* Room for a line of n bytes with its newline, its record written; NULL: dropped.  Locked. */
static char *begin_line(struct ring *r, size_t n)
{
    if (n + sizeof(struct record) <= CIT_LOG_RING - r->len)
        return r->mem[r->front] + r->len + sizeof(struct record);
    r->dropped_new++;
    r->dropped++;
    return NULL;
}

/* Ends the line begun there.  Locked.  True when the writer must be woken. */
static bool end_line(struct cit_log *log, enum cit_log_kind kind, struct record rec)
{
    struct ring *r = &log->ring[kind];
    size_t before = r->len;

    memcpy(r->mem[r->front] + before, &rec, sizeof rec);
    r->len += sizeof rec + rec.n;
    r->count++;
    log->in++;
    if (log->writer == ABSENT) {
        write_now(log, kind);
        return false;
    }
    if (log->writer == IDLE || (log->writer == LINGERING && before < CIT_LOG_RING / 2 && r->len >= CIT_LOG_RING / 2)) {
        log->writer = BUSY; /* one wake-up is enough */
        return true;
    }
    return false;
}

/* "[2026-11-21 11:02:03 +0000] [1234] [INFO] "; returns its length. */
static size_t make_prefix(char out[96], enum cit_log_level level)
{
    time_t now = (time_t)(cit_clock_wall_ns() / CIT_SEC_NS);
    struct tm tm;
    size_t n = 0;

    if (localtime_r(&now, &tm) != NULL)
        n = strftime(out, 48, "[%Y-%m-%d %H:%M:%S %z] ", &tm);
    n += (size_t)snprintf(out + n, 96 - n, "[%d] [%s] ", (int)getpid(), level_names[level]);
    return n;
}

static bool is_plain(unsigned char c, bool is_text)
{
    return is_text ? (c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t' : c >= 0x20 && c < 0x7f;
}

/* Copies into at most `room` bytes, bytes that are not plain as \xHH; what does not fit is
 * cut and ends in "...". */
static size_t put_escaped(char *to, size_t room, struct cit_slice text, bool is_text)
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0, need = 0;
    bool cut;

    for (size_t i = 0; i < text.n; i++)
        need += is_plain((unsigned char)text.p[i], is_text) ? 1 : 4;
    cut = need > room;
    for (size_t i = 0; i < text.n && (!cut || n + 4 + 3 <= room); i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (is_plain(c, is_text)) {
            to[n++] = (char)c;
            continue;
        }
        memcpy(to + n, (const char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
        n += 4;
    }
    if (cut)
        memcpy(to + n, "...", 3);
    return cut ? n + 3 : n;
}

/* Locked.  True when the writer must be woken. */
static bool append_error(struct cit_log *log, enum cit_log_level level, struct cit_slice text, bool is_text)
{
    struct ring *r = &log->ring[CIT_LOG_ERRORS];
    char prefix[96], *to;
    size_t prefix_n, room, n;

    if (!r->is_wanted)
        return false;
    prefix_n = make_prefix(prefix, level);
    room = CIT_LOG_LINE_MAX - 1 - prefix_n;
    if (text.n <= room / 4)
        room = 4 * text.n;
    to = begin_line(r, prefix_n + room + 1);
    if (to == NULL)
        return false;
    memcpy(to, prefix, prefix_n);
    n = prefix_n + put_escaped(to + prefix_n, room, text, is_text);
    to[n++] = '\n';
    return end_line(log, CIT_LOG_ERRORS,
                    (struct record){ .n = (uint32_t)n, .level = (uint8_t)level, .prefix_n = (uint8_t)prefix_n });
}

static void error_line(struct cit_log *log, enum cit_log_level level, struct cit_slice text, bool is_text)
{
    bool wake;

    (void)pthread_mutex_lock(&log->lock);
    wake = append_error(log, level, text, is_text);
    (void)pthread_mutex_unlock(&log->lock);
    if (wake)
        (void)pthread_cond_signal(&log->wake);
}

bool cit_log_enabled(const struct cit_log *log, enum cit_log_level level)
{
    return log != NULL && level >= log->level;
}

void cit_log_text(struct cit_log *log, enum cit_log_level level, struct cit_slice text)
{
    if (cit_log_enabled(log, level))
        error_line(log, level, text, true);
}

/* A text longer than the small buffer; without memory it is cut. */
static void CIT_PRINTF(4, 0)
    print_long(struct cit_log *log, enum cit_log_level level, size_t n, const char *fmt, va_list args)
{
    char small[256], *text;
    size_t size = (n < CIT_LOG_LINE_MAX ? n : CIT_LOG_LINE_MAX) + 1;

    text = cit_malloc(size);
    size = text != NULL ? size : sizeof small;
    (void)vsnprintf(text != NULL ? text : small, size, fmt, args);
    error_line(log, level, cit_slice(text != NULL ? text : small, size - 1), false);
    cit_free(text);
}

void cit_log_printf(struct cit_log *log, enum cit_log_level level, const char *fmt, ...)
{
    char small[512];
    va_list args;
    int n;

    if (!cit_log_enabled(log, level))
        return;
    va_start(args, fmt);
    n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof small)
        error_line(log, level, cit_slice(small, (size_t)n), false);
    if (n < 0 || (size_t)n < sizeof small)
        return;
    va_start(args, fmt);
    print_long(log, level, (size_t)n, fmt, args);
    va_end(args);
}

bool cit_log_has_access(const struct cit_log *log)
{
    return log != NULL && atomic_load_explicit(&log->ring[CIT_LOG_ACCESS].is_wanted, memory_order_relaxed);
}

void cit_log_access(struct cit_log *log, struct cit_slice line)
{
    size_t n = line.n < CIT_LOG_LINE_MAX ? line.n : CIT_LOG_LINE_MAX - 1;
    bool wake = false;
    char *to;

    if (!cit_log_has_access(log))
        return;
    (void)pthread_mutex_lock(&log->lock);
    to = begin_line(&log->ring[CIT_LOG_ACCESS], n + 1);
    if (to != NULL) {
        if (n > 0)
            memcpy(to, line.p, n);
        to[n] = '\n';
        wake = end_line(log, CIT_LOG_ACCESS, (struct record){ .n = (uint32_t)n + 1, .level = CIT_LOG_INFO });
    }
    (void)pthread_mutex_unlock(&log->lock);
    if (wake)
        (void)pthread_cond_signal(&log->wake);
}

/* ---- what could not be written ---- */

/* Locked.  The wake-up of append_error is not needed: only those who write call this. */
static void say(struct cit_log *log, const char *fmt, ...) CIT_PRINTF(2, 3);
static void say(struct cit_log *log, const char *fmt, ...)
{
    char text[256];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n > 0 && log->level <= CIT_LOG_WARNING)
        (void)append_error(log, CIT_LOG_WARNING, cit_slice(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1),
                           false);
}

/* Each at most once in its time; when stopping, at once.  Locked. */
static void say_what_was_lost(struct cit_log *log)
{
    int64_t now = cit_clock_now_ns();

    for (int i = 0; i < CIT_LOG_KINDS; i++) {
        struct ring *r = &log->ring[i];
        unsigned long long dropped = r->dropped_new, lost = r->lost_new;
        char why[64];

        if (dropped > 0 && (log->stop || now - r->said_dropped_ns >= SAY_DROPPED_NS)) {
            r->dropped_new = 0;
            r->said_dropped_ns = now;
            say(log, "%llu %s lines were dropped: the log can't be written fast enough", dropped, kind_names[i]);
        }
        if (lost > 0 && now - r->said_lost_ns >= SAY_LOST_NS) {
            r->lost_new = 0;
            r->said_lost_ns = now;
            say(log, "%llu %s lines were lost: the log can't be written: %s", lost, kind_names[i],
                strerror_r(r->lost_errno, why, sizeof why));
        }
    }
}

static bool has_something_to_say(const struct cit_log *log)
{
    for (int i = 0; i < CIT_LOG_KINDS; i++) {
        if (log->ring[i].dropped_new > 0 || log->ring[i].lost_new > 0)
            return true;
    }
    return false;
}

/* ---- the writer thread ---- */

static bool is_empty(const struct cit_log *log)
{
    for (int i = 0; i < CIT_LOG_KINDS; i++) {
        if (log->ring[i].len > 0 || !back_is_empty(&log->ring[i]))
            return false;
    }
    return true;
}

/* Sleeps as `how` until an append, a flush or a stop ends that; ns 0: without end.  Locked. */
static void sleep_as(struct cit_log *log, enum writer how, int64_t ns)
{
    int64_t end_ns = cit_clock_now_ns() + ns;
    struct timespec end = { .tv_sec = end_ns / CIT_SEC_NS, .tv_nsec = end_ns % CIT_SEC_NS };
    int err = 0;

    log->writer = how;
    while (log->writer == how && !log->stop && log->done >= log->flush_to && err == 0)
        err = ns > 0 ? pthread_cond_timedwait(&log->wake, &log->lock, &end) : pthread_cond_wait(&log->wake, &log->lock);
    log->writer = BUSY;
}

static void poll_blocked(struct cit_log *log)
{
    struct pollfd p[CIT_LOG_KINDS];
    nfds_t n = 0;

    for (int i = 0; i < CIT_LOG_KINDS; i++) {
        if (!back_is_empty(&log->ring[i]))
            p[n++] = (struct pollfd){ .fd = log->ring[i].fd, .events = POLLOUT };
    }
    (void)poll(p, n, BLOCKED_POLL_MS);
}

/* Locked, but not during writes and waits for room. */
static bool write_all_kinds(struct cit_log *log)
{
    bool done = true;

    for (int i = 0; i < CIT_LOG_KINDS; i++)
        take(&log->ring[i]);
    (void)pthread_mutex_unlock(&log->lock);
    for (int i = 0; i < CIT_LOG_KINDS; i++)
        done = push(&log->ring[i], (enum cit_log_kind)i) && done;
    (void)pthread_mutex_lock(&log->lock);
    for (int i = 0; i < CIT_LOG_KINDS; i++)
        settle(log, &log->ring[i]);
    return done;
}

static void give_up_all(struct cit_log *log)
{
    for (int i = 0; i < CIT_LOG_KINDS; i++) {
        log->ring[i].is_stuck = !back_is_empty(&log->ring[i]);
        give_up(log, &log->ring[i]);
        take(&log->ring[i]);
        give_up(log, &log->ring[i]);
    }
}

/* Writes what there is, then waits for more.  False when the writer shall end.  Locked. */
static bool turn(struct cit_log *log)
{
    bool done = write_all_kinds(log);

    if (back_is_empty(&log->ring[CIT_LOG_ERRORS]))
        say_what_was_lost(log);
    if (log->stop && is_empty(log))
        return false;
    if (log->stop && cit_clock_now_ns() - log->stop_ns >= LAST_TRY_NS) {
        give_up_all(log);
        return false;
    }
    if (!done) {
        (void)pthread_mutex_unlock(&log->lock);
        poll_blocked(log);
        (void)pthread_mutex_lock(&log->lock);
        return true;
    }
    sleep_as(log, LINGERING, LINGER_NS);
    if (is_empty(log))
        sleep_as(log, IDLE, has_something_to_say(log) ? SAY_DROPPED_NS : 0);
    return true;
}

/* Signals are for other threads; those of a fault must stay deliverable. */
static void block_signals(sigset_t *old)
{
    sigset_t set;

    (void)sigfillset(&set);
    (void)sigdelset(&set, SIGSEGV);
    (void)sigdelset(&set, SIGBUS);
    (void)sigdelset(&set, SIGFPE);
    (void)sigdelset(&set, SIGILL);
    (void)sigdelset(&set, SIGABRT);
    (void)pthread_sigmask(SIG_BLOCK, &set, old);
}

void cit_log_run(struct cit_log *log)
{
    sigset_t old;

    block_signals(&old);
    (void)pthread_mutex_lock(&log->lock);
    log->writer = BUSY;
    while (turn(log))
        continue;
    log->writer = ABSENT;
    say_what_was_lost(log); /* what was given up */
    log->stop = false;
    (void)pthread_cond_broadcast(&log->flushed);
    (void)pthread_mutex_unlock(&log->lock);
    unblock_signals(&old, true);
}

void cit_log_stop(struct cit_log *log)
{
    (void)pthread_mutex_lock(&log->lock);
    if (!log->stop)
        log->stop_ns = cit_clock_now_ns();
    log->stop = true;
    (void)pthread_mutex_unlock(&log->lock);
    (void)pthread_cond_signal(&log->wake);
}

void cit_log_flush(struct cit_log *log, int timeout_ms)
{
    int64_t end_ns = cit_clock_now_ns() + (int64_t)timeout_ms * CIT_MS_NS;
    struct timespec end = { .tv_sec = end_ns / CIT_SEC_NS, .tv_nsec = end_ns % CIT_SEC_NS };
    uint64_t target;
    int err = 0;

    (void)pthread_mutex_lock(&log->lock);
    target = log->in;
    log->flush_to = target;
    (void)pthread_cond_signal(&log->wake);
    while (log->writer != ABSENT && log->done < target && err == 0)
        err = pthread_cond_timedwait(&log->flushed, &log->lock, &end);
    (void)pthread_mutex_unlock(&log->lock);
}

/* ---- small things ---- */

void cit_log_get_counts(const struct cit_log *log, struct cit_log_counts *out)
{
    for (int i = 0; i < CIT_LOG_KINDS; i++) {
        out->written[i] = atomic_load_explicit(&log->ring[i].written, memory_order_relaxed);
        out->dropped[i] = atomic_load_explicit(&log->ring[i].dropped, memory_order_relaxed);
    }
}

int cit_log_level_parse(const char *text)
{
    static const struct {
        const char *text;
        int value;
    } rows[] = {
#define LEVEL_ROW(name, value, text) { (text), (value) },
        CIT_LOG_LEVEL_MAP(LEVEL_ROW)
#undef LEVEL_ROW
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].text, text) == 0)
            return rows[i].value;
    }
    return -1;
}
