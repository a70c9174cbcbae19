/* serve/conf.h - the settings of a worker, and of the supervisor.
 *
 * One list makes the struct, the defaults and the look-up by name; python/citrate's
 * option table names the same settings for people, and a test holds the two together.
 *
 * Depends on: base.
 * Ownership:  strings are borrowed from whoever filled the struct.
 * Threads:    read-only once a worker or supervisor has it.
 */
#ifndef CIT_SERVE_CONF_H
#define CIT_SERVE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* name, default, least, most.  Times in milliseconds, sizes in bytes; 0 is "no limit" or
 * "off" where least is 0. */
#define CIT_CONF_INTS(X)                            \
    /* processes */                                 \
    X(workers, 1, 1, 1024)                          \
    X(threads, 16, 1, 1024)                         \
    X(preload, 0, 0, 1)                             \
    X(max_requests, 0, 0, INT64_MAX)                \
    X(max_requests_jitter, 0, 0, INT64_MAX)         \
    X(graceful_timeout_ms, 30000, 0, 86400000)      \
    X(timeout_ms, 60000, 0, 86400000)               \
    X(uid, -1, -1, 4294967294)                      \
    X(gid, -1, -1, 4294967294)                      \
    X(umask, -1, -1, 0777)                          \
    /* sockets */                                   \
    X(backlog, 2048, 1, 65535)                      \
    X(reuse_port, 0, 0, 1)                          \
    X(worker_connections, 20000, 1, 1000000)        \
    /* limits */                                    \
    X(limit_request_line, 8190, 64, 65536)          \
    X(limit_request_fields, 100, 1, 32768)          \
    X(limit_request_field_size, 8190, 64, 1048576)  \
    X(limit_request_head, 65536, 256, 16777216)     \
    X(limit_request_body, 1073741824, 0, INT64_MAX) \
    X(body_memory, 524288, 0, 1073741824)           \
    X(header_timeout_ms, 10000, 0, 86400000)        \
    X(body_timeout_ms, 30000, 0, 86400000)          \
    X(send_timeout_ms, 30000, 0, 86400000)          \
    X(keep_alive_ms, 15000, 0, 86400000)            \
    /* lanes */                                     \
    X(tick_us, 1000, 100, 100000)                   \
    X(queue_size, 1024, 0, 1000000)                 \
    X(queue_timeout_ms, 30000, 0, 86400000)         \
    X(gather_us, 300, 0, 100000)                    \
    /* logs */                                      \
    X(log_level, 2, 0, 5)                           \
    X(access_json, 0, 0, 1)                         \
    X(server_header, 1, 0, 1)

/* name, default */
#define CIT_CONF_STRS(X)                                                                     \
    X(access_logfile, NULL)                                                                  \
    X(access_logformat, "%(h)s %(l)s %(u)s %(t)s \"%(r)s\" %(s)s %(b)s \"%(f)s\" \"%(a)s\"") \
    X(error_logfile, "-")                                                                    \
    X(pid, NULL)                                                                             \
    X(tmp_dir, NULL)                                                                         \
    X(user_name, NULL)

struct cit_conf {
#define CIT_CONF_INT_MEMBER(name, def, least, most) int64_t name;
    CIT_CONF_INTS(CIT_CONF_INT_MEMBER)
#undef CIT_CONF_INT_MEMBER
#define CIT_CONF_STR_MEMBER(name, def) const char *name;
    CIT_CONF_STRS(CIT_CONF_STR_MEMBER)
#undef CIT_CONF_STR_MEMBER
};

void cit_conf_defaults(struct cit_conf *c);

/* By name.  CIT_OK, CIT_ENOENT (no such setting), CIT_ELIMIT (out of its range, given
 * back in least and most, which may be NULL). */
CIT_MUST_CHECK int cit_conf_set_int(struct cit_conf *c, const char *name, int64_t value, int64_t *least, int64_t *most);
CIT_MUST_CHECK int cit_conf_set_str(struct cit_conf *c, const char *name, const char *value);

/* The i-th setting: its name, or NULL past the last; is_int tells the kind. */
const char *cit_conf_name(int i, bool *is_int);
CIT_MUST_CHECK int cit_conf_get_int(const struct cit_conf *c, const char *name, int64_t *out);
CIT_MUST_CHECK int cit_conf_get_str(const struct cit_conf *c, const char *name, const char **out);

#endif
