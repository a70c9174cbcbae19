/* py/state.h - what the WSGI glue keeps, and what its files give each other.
 *
 *      module ── cit_py_state: types, interned names, memo, spare kits
 *         │
 *      server ── cit_py_server: one run of supervise(); in a worker: the application
 *         │
 *      call ──── cit_py_call: one request, on the stack of the thread that runs it
 *         └───── kit: start_response, its write, wsgi.input and environ, used again when nobody
 *                kept them
 *
 * Everything that is a Python object lives in the module's state or in the server, both
 * reached from arguments; three words are static, and no Python objects: whether this process
 * is a stray child (forkguard.c), each thread's detached thread state (app_ops.c), and a
 * count of changes to environs (stamp.c).
 * The lists below make the members, their traversal, their clearing and the interning.
 *
 * Depends on: Python.h, base, serve/{app,conf,log,worker}.
 * Ownership:  PyObject members are owned unless marked borrowed.
 * Threads:    all of it is guarded by the GIL, and is touched only while holding it.
 */
#ifndef CIT_PY_STATE_H
#define CIT_PY_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "py/expr_glue.h"
#include "py/flow_glue.h"
#include "py/flow_walk.h"
#include "serve/app.h"
#include "serve/conf.h"
#include "serve/log.h"
#include "serve/worker.h"

#define CIT_PY_SOFTWARE "citrate/" CIT_VERSION

/* Runs of the body up to this many bytes are copied by the server anyway: no owner for them. */
#define CIT_PY_COPY 4096

/* ---- lists ---- */

/* member, what makes it */
#define CIT_PY_TYPES(X)                           \
    X(start_response, cit_py_start_response_spec) \
    X(write, cit_py_write_spec)                   \
    X(input, cit_py_input_spec)                   \
    X(errors, cit_py_errors_spec)                 \
    X(file_wrapper, cit_py_file_wrapper_spec)     \
    X(file, cit_py_file_spec)

/* Other objects of the module. */
#define CIT_PY_OBJECTS(X)                                                     \
    X(request_timeout) /* the exception type citrate.RequestTimeout */        \
    X(errors_stream)   /* the one wsgi.errors */                              \
    X(environ)         /* dict: the template of all environs */               \
    X(known_names)     /* dict: interned environ keys of well-known fields */ \
    X(io_file)         /* io.FileIO */                                        \
    X(io_reader)       /* io.BufferedReader */                                \
    X(io_random)       /* io.BufferedRandom */

/* Keys that every environ has.  member, text.  22 of them: a dict of 22 has room for 42
 * keys, so that neither the fields of a usual request nor a few keys of the application
 * make it grow. */
#define CIT_PY_KEYS(X)                        \
    X(request_method, "REQUEST_METHOD")       \
    X(script_name, "SCRIPT_NAME")             \
    X(path_info, "PATH_INFO")                 \
    X(query_string, "QUERY_STRING")           \
    X(raw_uri, "RAW_URI")                     \
    X(request_uri, "REQUEST_URI")             \
    X(server_protocol, "SERVER_PROTOCOL")     \
    X(server_name, "SERVER_NAME")             \
    X(server_port, "SERVER_PORT")             \
    X(server_software, "SERVER_SOFTWARE")     \
    X(remote_addr, "REMOTE_ADDR")             \
    X(remote_port, "REMOTE_PORT")             \
    X(http_host, "HTTP_HOST")                 \
    X(wsgi_version, "wsgi.version")           \
    X(wsgi_url_scheme, "wsgi.url_scheme")     \
    X(wsgi_input, "wsgi.input")               \
    X(wsgi_errors, "wsgi.errors")             \
    X(wsgi_multithread, "wsgi.multithread")   \
    X(wsgi_multiprocess, "wsgi.multiprocess") \
    X(wsgi_run_once, "wsgi.run_once")         \
    X(wsgi_file_wrapper, "wsgi.file_wrapper") \
    X(wsgi_input_terminated, "wsgi.input_terminated")

/* Other interned text.  member, text */
#define CIT_PY_STRINGS(X)               \
    X(empty, "")                        \
    X(http, "http")                     \
    X(https, "https")                   \
    X(http_1_0, "HTTP/1.0")             \
    X(http_1_1, "HTTP/1.1")             \
    X(localhost, "localhost")           \
    X(port_80, "80")                    \
    X(port_443, "443")                  \
    X(content_type, "CONTENT_TYPE")     \
    X(content_length, "CONTENT_LENGTH") \
    X(exc_info, "exc_info")             \
    X(close, "close")                   \
    X(read, "read")                     \
    X(raw, "raw")                       \
    X(fileno, "fileno")                 \
    X(tell, "tell")                     \
    X(self, "__self__")                 \
    X(wrapped, "__wrapped__")

enum cit_py_key {
#define CIT_PY_KEY_ENUM(name, text) CIT_PY_KEY_##name,
    CIT_PY_KEYS(CIT_PY_KEY_ENUM)
#undef CIT_PY_KEY_ENUM
        CIT_PY_KEY_COUNT
};

enum cit_py_method {
    CIT_PY_METHOD_OTHER,
#define CIT_PY_METHOD_ENUM(name) CIT_PY_METHOD_##name,
    CIT_METHOD_MAP(CIT_PY_METHOD_ENUM)
#undef CIT_PY_METHOD_ENUM
        CIT_PY_METHOD_COUNT
};

/* ---- the memo: bytes that come again and again, as the objects made of them ---- */

enum { CIT_PY_TEXTS = 1024, CIT_PY_NAMES = 256, CIT_PY_PORTS = 1024, CIT_PY_TEXT_MAX = 64, CIT_PY_NAME_MAX = 47 };

enum cit_py_name_kind {
    CIT_PY_NAME_PLAIN,
    CIT_PY_NAME_SECRET, /* its values are not for the memo */
    CIT_PY_NAME_DROPPED /* it has a '_' */
};

struct cit_py_name {
    PyObject *key; /* "HTTP_X" */
    uint32_t hash;
    uint8_t n, kind;
    char raw[CIT_PY_NAME_MAX]; /* as sent */
};

struct cit_py_memo { /* direct-mapped: a new entry takes the place of the one before */
    PyObject *text[CIT_PY_TEXTS];
    uint32_t text_hash[CIT_PY_TEXTS];
    struct cit_py_name name[CIT_PY_NAMES];
    PyObject *port[CIT_PY_PORTS];
    uint16_t port_of[CIT_PY_PORTS];
};

/* ---- the state ---- */

enum { CIT_PY_KITS = 64, CIT_PY_HOST_MAX = 48 };

/* An environ on its way from one request to the next; environ.c. */
struct cit_py_env {
    PyObject *dict;                    /* owned; NULL: the next request makes one */
    PyObject *value[CIT_PY_KEY_COUNT]; /* borrowed from dict: what it holds now */
    uint64_t stamp;                    /* of the dict when it was given to the application */
    bool is_watched;
    char remote[CIT_PY_HOST_MAX], local[CIT_PY_HOST_MAX]; /* the hosts it names; empty: others */
};

struct cit_py_kit;
struct cit_py_server;

struct cit_py_state {
#define CIT_PY_TYPE_MEMBER(name, spec) PyTypeObject *type_##name;
    CIT_PY_TYPES(CIT_PY_TYPE_MEMBER)
#undef CIT_PY_TYPE_MEMBER
#define CIT_PY_OBJECT_MEMBER(name) PyObject *name;
    CIT_PY_OBJECTS(CIT_PY_OBJECT_MEMBER)
#undef CIT_PY_OBJECT_MEMBER
#define CIT_PY_STRING_MEMBER(name, text) PyObject *str_##name;
    CIT_PY_STRINGS(CIT_PY_STRING_MEMBER)
#undef CIT_PY_STRING_MEMBER
    PyObject *key[CIT_PY_KEY_COUNT];
    PyObject *method[CIT_PY_METHOD_COUNT];
    PyObject *value[CIT_PY_KEY_COUNT]; /* borrowed from environ: what it holds */
    struct cit_py_memo memo;
    struct cit_py_kit *kit[CIT_PY_KITS]; /* spare, owned */
    unsigned kits;
    struct cit_py_server *server; /* the run of supervise() going on; NULL: none */
    struct cit_py_call *calls;    /* requests with the application now */
    uint64_t serial;              /* of the last call */
    int watcher;                  /* of dicts, from Python 3.12 on: its id + 1; 0: none */
    struct cit_py_graph_state graph;
    struct cit_py_expr_state expr;
    struct cit_py_walk_state walk;
};

/* ---- one request ---- */

struct cit_py_call {
    struct cit_req *r;         /* borrowed until the call ends */
    struct cit_py_server *srv; /* borrowed */
    struct cit_py_kit *kit;    /* owned */
    struct cit_py_call *prev, *next;
    uint64_t ident;   /* of the thread that runs it */
    uint64_t serial;  /* no two calls have the same */
    uint64_t sent;    /* bytes of the body given in blocks */
    unsigned busy;    /* calls into the server going on, from whatever thread */
    bool started;     /* start_response was called, and was content */
    bool gone;        /* the peer is: what the application raises about it is no fault of its */
    bool interrupted; /* by the time limit */
};

/* start_response; also what holds the other two together */
struct cit_py_kit {
    PyObject_HEAD vectorcallfunc vectorcall;
    struct cit_py_call *call; /* borrowed; NULL once the request is over */
    struct cit_py_write *write;
    struct cit_py_input *input;
    struct cit_py_env env;
};

struct cit_py_write {
    PyObject_HEAD vectorcallfunc vectorcall;
    struct cit_py_call *call; /* borrowed */
};

struct cit_py_input {
    PyObject_HEAD struct cit_py_call *call; /* borrowed */
    int64_t taken;                          /* bytes of the body handed out */
};

/* ---- one run of supervise() ---- */

/* Addresses whose X-Forwarded-Proto counts; forwarded.c. */
struct cit_py_net {
    unsigned char addr[16]; /* IPv4 mapped into IPv6 */
    uint8_t bits;
};

struct cit_py_forwarded {
    struct cit_py_net *net; /* owned */
    size_t count;
    bool all;
};

struct cit_py_server {
    struct cit_py_state *st; /* borrowed from module */
    PyObject *module, *load, *reload, *app, *error_sink, *access_sink;
    PyObject *strings[2]; /* lists of bytes that the settings point into: now, and before the last reload */
    struct cit_conf conf;
    struct cit_py_forwarded forwarded;
    struct cit_log *log;
    const struct cit_worker_env *env; /* borrowed; NULL outside a worker */
    double switch_interval;           /* before heavy requests began */
};

/* ---- module.c ---- */

struct cit_py_state *cit_py_state_of(PyObject *module);

/* The state behind an instance of one of the module's types. */
struct cit_py_state *cit_py_state_of_type(PyTypeObject *type);

/* ---- settings.c: Python's settings into C's ---- */

/* Fills conf and forwarded from a dict; strings are kept alive by *strings, a new list.
 * 0, or -1 with an exception; the outputs are then as before. */
int cit_py_settings_fill(PyObject *dict, struct cit_conf *conf, struct cit_py_forwarded *forwarded, PyObject **strings);
PyObject *cit_py_settings(PyObject *module, PyObject *unused);

/* ---- supervise.c ---- */

PyObject *cit_py_supervise(PyObject *module, PyObject *args, PyObject *kwargs);
PyObject *cit_py_counters(PyObject *module, PyObject *unused);

/* ---- app_ops.c ---- */

extern const struct cit_app_ops cit_py_app_ops; /* app: struct cit_py_server */
void cit_py_attach(void *app);
void cit_py_detach(void *app);

/* As ops->spawn; *thread is the threading.Thread (new reference) if not NULL. */
int cit_py_spawn(const char *name, void (*body)(void *arg), void *arg, PyObject **thread);

/* ---- forkguard.c ---- */

/* A child that the application forked must never come back into the server.  init: once a
 * process; reset: in a worker, which is a fork itself; check: does not return in such a child. */
int cit_py_fork_guard_init(void);
void cit_py_fork_guard_reset(void);
void cit_py_fork_guard_bite(struct cit_py_server *s) __attribute__((noreturn, cold));
extern volatile sig_atomic_t cit_py_is_stray;

static inline void cit_py_fork_guard_check(struct cit_py_server *s)
{
    if (cit_py_is_stray)
        cit_py_fork_guard_bite(s);
}

/* ---- call.c ---- */

void cit_py_call(void *app, struct cit_req *r);
void cit_py_kits_clear(struct cit_py_state *st);

/* Bracket every use of call->r that may wait.  enter: 0, or -1 with an exception when
 * the request is over or in use by another thread. */
int cit_py_call_enter(struct cit_py_call *c);
void cit_py_call_leave(struct cit_py_call *c);

/* ---- report.c ---- */

/* The exception now set, with its traceback in it; clears it.  Owned. */
PyObject *cit_py_take_exception(void);

/* The exception now set, with its traceback, to the error log, below "what"; clears it. */
void cit_py_report(struct cit_py_server *s, const char *what);

/* The same for a request, which it names; what the peer's leaving caused is for debugging only. */
void cit_py_report_request(struct cit_py_call *c, const char *what);

/* Text of a str for the log; never fails (NULL text means: nothing). */
void cit_py_log_str(struct cit_log *log, enum cit_log_level level, PyObject *str);

/* Sets the exception for what the server answered; returns -1. */
int cit_py_set_error(struct cit_py_call *c, int err, const char *doing);

/* ---- environ.c ---- */

int cit_py_environ_init(struct cit_py_server *s);

/* Fills the kit's environ for a request; borrowed from the kit.  NULL with an exception. */
PyObject *cit_py_environ_fill(struct cit_py_call *c);

/* After the request: keeps the kit's environ for the next if nobody else holds or changed it. */
void cit_py_environ_done(struct cit_py_state *st, struct cit_py_env *e);

/* ---- stamp.c: was a dict changed since? ---- */

/* Before the first dict is watched, and after the last: 0, or -1 with an exception. */
int cit_py_stamp_init(struct cit_py_state *st);
void cit_py_stamp_fini(struct cit_py_state *st);

/* From now on the dict has stamps; no more.  False: it can't have any. */
bool cit_py_stamp_watch(struct cit_py_state *st, PyObject *dict);
void cit_py_stamp_unwatch(struct cit_py_state *st, PyObject *dict);

/* Another number whenever the watched dict was changed (perhaps also when it was not). */
uint64_t cit_py_stamp_of(PyObject *dict);

/* ---- memo.c ---- */

/* New references; NULL with an exception. */
PyObject *cit_py_text(struct cit_py_state *st, const char *p, size_t n);
PyObject *cit_py_text_fresh(const char *p, size_t n);
PyObject *cit_py_port(struct cit_py_state *st, uint16_t port);
/* The environ key of a field name; *key stays NULL for CIT_PY_NAME_DROPPED. */
PyObject *cit_py_name(struct cit_py_state *st, const char *p, size_t n, enum cit_py_name_kind *kind);
int cit_py_memo_init(struct cit_py_state *st);
void cit_py_memo_clear(struct cit_py_memo *m);

/* ---- start_response.c ---- */

extern PyType_Spec cit_py_start_response_spec, cit_py_write_spec;
struct cit_py_kit *cit_py_kit_new(struct cit_py_state *st);

/* ---- result.c ---- */

/* Sends what the application returned and closes it.  Errors end here. */
void cit_py_result_send(struct cit_py_call *c, PyObject *result);

/* ---- input.c ---- */

extern PyType_Spec cit_py_input_spec;
struct cit_py_input *cit_py_input_new(struct cit_py_state *st);

/* ---- filewrap.c ---- */

extern PyType_Spec cit_py_file_wrapper_spec, cit_py_file_spec;

/* What of a file a wrapper stands for, when the kernel can send it. */
struct cit_py_file_range {
    int fd; /* the owner's */
    int64_t at, n;
    PyObject *owner; /* a new reference: keeps a descriptor of its own open */
};

/* 1: *out is filled; 0: read it instead; never an exception. */
int cit_py_file_wrapper_range(struct cit_py_state *st, PyObject *wrapper, struct cit_py_file_range *out);

/* ---- errors.c ---- */

extern PyType_Spec cit_py_errors_spec;
PyObject *cit_py_errors_new(struct cit_py_state *st);

/* Writes out the calling thread's unfinished line, if any. */
void cit_py_errors_flush(struct cit_py_state *st);

/* ---- forwarded.c ---- */

/* "127.0.0.1, ::1, 10.0.0.0/8" or "*".  CIT_OK, CIT_EINVAL with *bad the element, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_py_forwarded_parse(const char *text, struct cit_py_forwarded *out, struct cit_slice *bad);
void cit_py_forwarded_fini(struct cit_py_forwarded *f);
bool cit_py_forwarded_trusts(const struct cit_py_forwarded *f, const struct cit_peer *peer);

#endif
