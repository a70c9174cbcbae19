/* serve/access.h - access log lines: gunicorn's format language, or JSON.
 *
 * A format is compiled once to a list of steps; a line is written into a buffer without
 * allocation.  Values are escaped as gunicorn and nginx do: `"`, `\` and bytes outside
 * 0x20-0x7e become \xHH (JSON: its own rules), so that no peer forges a line.
 *
 * Atoms: h l u t r m U q H s B b f a T M D L p, {name}i {name}o {name}e, %%.
 *
 * Written as %(h)s, and numbers (s B T M D) as %(s)d too.  {name}e is a variable of the
 * process's environment at the time of compiling; t is in local time.  "-" stands for
 * what is absent (JSON: null), and the last of several fields of a name counts.
 *
 * Depends on: base, http.
 * Threads:    a program is immutable (but for a memo of the time zone, which is atomic).
 * Limits:     a value CIT_ACCESS_VALUE_MAX bytes as written; a longer one ends in "...".
 */
#ifndef CIT_SERVE_ACCESS_H
#define CIT_SERVE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/h1_parse.h"

#define CIT_ACCESS_VALUE_MAX 2048 /* a JSON line then always fits CIT_LOG_LINE_MAX */

struct cit_access;

/* What is known when a response has ended.  All borrowed. */
struct cit_access_rec {
    const struct cit_h1_head *head; /* the request; method, target may be empty when it was refused */
    struct cit_slice resp_head;     /* the response's head as it was sent */
    const char *remote;             /* peer address, "" for UNIX */
    int status;
    uint64_t body_bytes; /* sent, without head and chunk framing */
    int64_t wall_ns;     /* when the request's first byte was seen, CLOCK_REALTIME */
    int64_t took_ns;
    int pid;
};

/* CIT_OK, CIT_ENOMEM, or CIT_EINVAL with *at the offset of the unknown atom. */
CIT_MUST_CHECK int cit_access_new(const char *format, bool json, struct cit_access **out, size_t *at);
void cit_access_free(struct cit_access *a);

/* Appends the line without a newline.  CIT_OK, CIT_ELIMIT, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_access_line(const struct cit_access *a, const struct cit_access_rec *rec, struct cit_buf *out);

#endif
