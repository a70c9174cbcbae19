/* serve/log.h - the error log and the access log, off the request path.
 *
 *   request threads ──append──> [ring of lines, bounded] ──writer thread──> fd, or a sink
 *
 * An append copies a line under a short lock and never waits for a disk or a pipe.
 * When the ring is full the line is dropped and counted; the writer says how many as
 * soon as it can write again.  Without a writer thread (the supervisor, and a worker
 * before it starts one) error lines are written at once.
 *
 * Error lines look as gunicorn's: "[2026-11-21 11:02:03 +0000] [pid] [INFO] text".
 *
 * Depends on: base.
 * Ownership:  the log owns its descriptors and rings.
 * Threads:    any may append; open, reopen, start, stop: one.
 * Limits:     CIT_LOG_RING bytes for each of the two; one line CIT_LOG_LINE_MAX bytes.
 */
#ifndef CIT_SERVE_LOG_H
#define CIT_SERVE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define CIT_LOG_RING (1u << 20)
#define CIT_LOG_LINE_MAX 16384

/* value, name in the log, name as an option (gunicorn's) */
#define CIT_LOG_LEVEL_MAP(X) \
    X(DEBUG, 0, "debug")     \
    X(VERBOSE, 1, "verbose") \
    X(INFO, 2, "info")       \
    X(WARNING, 3, "warning") \
    X(ERROR, 4, "error")     \
    X(CRITICAL, 5, "critical")

enum cit_log_level {
#define CIT_LOG_ENUM(name, value, text) CIT_LOG_##name = (value),
    CIT_LOG_LEVEL_MAP(CIT_LOG_ENUM)
#undef CIT_LOG_ENUM
};

enum cit_log_kind { CIT_LOG_ERRORS, CIT_LOG_ACCESS, CIT_LOG_KINDS };

struct cit_log;

/* What takes whole lines (without their newline, and error lines without the time, pid and
 * level before the text) in place of the descriptor: Python's logging.  Called on the writer
 * thread alone, without a lock of the log. */
typedef void (*cit_log_sink)(void *ctx, enum cit_log_kind kind, enum cit_log_level level, struct cit_slice line);

struct cit_log_counts {
    uint64_t written[CIT_LOG_KINDS], dropped[CIT_LOG_KINDS];
};

/* Paths: NULL: none; "-": standard error (errors) or standard output (access); else
 * a file opened for append.  CIT_OK, CIT_ENOMEM, or an error of open with *bad = the path. */
CIT_MUST_CHECK int cit_log_new(const char *error_path, const char *access_path, enum cit_log_level level,
                               struct cit_log **out, const char **bad);
void cit_log_free(struct cit_log *log);

/* Opens the files again (after they were moved away); keeps the old one if that fails,
 * and says so in the log. */
void cit_log_reopen(struct cit_log *log);

/* After fork(2): forget the parent's writer and what is in the rings. */
void cit_log_after_fork(struct cit_log *log);

/* Hands one kind's lines to a sink from now on (NULL: back to the descriptor).  Lines the
 * writer has taken already go to the former one: cit_log_flush before its ctx ends. */
void cit_log_set_sink(struct cit_log *log, enum cit_log_kind kind, cit_log_sink sink, void *ctx);

/* The body of the writer thread: returns after cit_log_stop and one last flush.
 * The caller makes the thread, so that it may be one a sink can use. */
void cit_log_run(struct cit_log *log);
void cit_log_stop(struct cit_log *log);

/* Waits until what was appended is written, at most timeout_ms. */
void cit_log_flush(struct cit_log *log, int timeout_ms);

/* A NULL log is one that takes nothing. */
bool cit_log_enabled(const struct cit_log *log, enum cit_log_level level);

/* One line: bytes outside 0x20-0x7e become \xHH, so that a peer's bytes never forge a line. */
void cit_log_printf(struct cit_log *log, enum cit_log_level level, const char *fmt, ...) CIT_PRINTF(3, 4);

/* A text of several lines as one record (a traceback): newlines, tabs and bytes above
 * 0x7f stay as they are. */
void cit_log_text(struct cit_log *log, enum cit_log_level level, struct cit_slice text);

/* An access line without its newline. */
void cit_log_access(struct cit_log *log, struct cit_slice line);
bool cit_log_has_access(const struct cit_log *log);

void cit_log_get_counts(const struct cit_log *log, struct cit_log_counts *out);

/* The level of an option's text; -1 for an unknown one. */
int cit_log_level_parse(const char *text);

#endif
