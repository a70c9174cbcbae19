/* load/options.c - the command line of citrate-load, as members laid over a plan. */
#include "load/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/json.h"

enum { OVER_MAX = 128 << 20, DATA_MAX = 64 << 20, HEADERS_MAX = 256 };

/* --folder and --plan-name, with which the Python command hands a plan over, are left out. */
const char cit_options_help[] =
    "usage: citrate-load [options] URL | PLAN.json\n"
    "\n"
    "Walks users through a URL or the journeys of a plan, and reports what they met.\n"
    "\n"
    "  -c, --users N           users at once (10)\n"
    "  -d, --time T            how long: 10s, 5m; bare numbers are seconds (10s)\n"
    "  -n, --requests N        at most so many requests\n"
    "  -R, --rate N            instead of users: N journeys begun a second, whatever the answers do\n"
    "      --poisson           ... at random times\n"
    "  -t, --threads N         threads of the generator (1)\n"
    "  -X, --method M          of a URL's request\n"
    "  -H, --header 'N: V'     a field of every request, any number of times\n"
    "  -b, --data TEXT|@FILE   the body of a URL's request\n"
    "  -L, --follow            follow a URL's redirects\n"
    "      --no-keepalive      a connection for each request\n"
    "      --timeout T         for an answer (30s)\n"
    "      --connect-timeout T for a connection (5s)\n"
    "  -k, --insecure          do not check certificates\n"
    "      --cacert FILE       the authorities to check them by\n"
    "      --seed N            of everything random (1)\n"
    "      --warm T            before it, not counted\n"
    "      --grace T           after it, for requests on their way (5s)\n"
    "      --max-body BYTES    kept of an answer that is looked into (8 MiB)\n"
    "      --report DIR        where files go (report); none: nowhere\n"
    "      --live MODE         auto, screen, lines or off\n"
    "      --stream FD         seconds as JSON lines\n"
    "      --control FD        reads lines: users N, rate N, stop\n"
    "      --dry-run           one user walks every journey once and tells of it\n"
    "  -h, --help\n"
    "  -V, --version\n"
    "\n"
    "Exit status: 0; 1 nothing could be measured; 2 options, plan or journey are wrong; 99 a threshold does not hold;\n"
    "130 stopped before anything was measured.\n";

/* How an option's value stands in a plan. */
enum kind { NUMBER, TIME, TEXT, DATA, TRUTH, FALSEHOOD, OWN };

static const struct row {
    const char *name;
    int letter;
    enum kind kind;
    const char *member;
} rows[] = {
    { "users", 'c', NUMBER, "users" },
    { "time", 'd', TIME, "time" },
    { "requests", 'n', NUMBER, "requests" },
    { "rate", 'R', NUMBER, "rate" },
    { "poisson", 0, TRUTH, "poisson" },
    { "threads", 't', NUMBER, "threads" },
    { "header", 'H', OWN, NULL },
    { "method", 'X', TEXT, "method" },
    { "data", 'b', DATA, "body" },
    { "follow", 'L', TRUTH, "follow" },
    { "no-keepalive", 0, FALSEHOOD, "keep_alive" },
    { "timeout", 0, TIME, "timeout" },
    { "connect-timeout", 0, TIME, "connect_timeout" },
    { "insecure", 'k', TRUTH, "insecure" },
    { "cacert", 0, TEXT, "cacert" },
    { "seed", 0, NUMBER, "seed" },
    { "warm", 0, TIME, "warm" },
    { "grace", 0, TIME, "grace" },
    { "max-body", 0, NUMBER, "max_body" },
    { "report", 0, OWN, NULL },
    { "live", 0, OWN, NULL },
    { "stream", 0, OWN, NULL },
    { "control", 0, OWN, NULL },
    { "folder", 0, OWN, NULL },
    { "plan-name", 0, OWN, NULL },
    { "dry-run", 0, OWN, NULL },
    { "help", 'h', OWN, NULL },
    { "version", 'V', OWN, NULL },
};

enum { ROWS = sizeof rows / sizeof rows[0] };

struct said {
    struct cit_options *o;
    const char *value[ROWS]; /* the last one given */
    const char *headers[HEADERS_MAX];
    size_t nheaders;
    char *why;
};

/* ---- JSON ---- */

/* "-1.5e3" and the like, as JSON writes numbers; anything else is for the plan to refuse by its name. */
static bool is_number(const char *s)
{
    size_t n = strspn(s, "0123456789");

    if (n == 0 || (s[0] == '0' && n > 1))
        return false;
    s += n;
    if (*s == '.') {
        n = strspn(++s, "0123456789");
        s += n;
        return n > 0 && *s == '\0';
    }
    return *s == '\0';
}

static int put_text(struct cit_buf *out, const char *text)
{
    return cit_json_put(out, cit_slice_str(text));
}

static int put_time(struct cit_buf *out, const char *value)
{
    return is_number(value) ? cit_buf_printf(out, "\"%ss\"", value) : put_text(out, value);
}

/* JSON has no bytes beyond UTF-8, and a body must not be mended. */
static bool is_utf8(const unsigned char *p, size_t n)
{
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };

    for (size_t i = 0; i < n;) {
        size_t more = p[i] < 0x80 ? 0 : p[i] >= 0xf0 ? 3 : p[i] >= 0xe0 ? 2 : 1;
        uint32_t c = more == 0 ? p[i] : p[i] & (0x3fu >> more);

        if (p[i] >= 0xf5 || (p[i] >= 0x80 && p[i] < 0xc2) || n - i <= more)
            return false;
        for (size_t k = 1; k <= more; k++) {
            if ((p[i + k] & 0xc0) != 0x80)
                return false;
            c = c << 6 | (p[i + k] & 0x3fu);
        }
        if (c < least[more] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
            return false;
        i += more + 1;
    }
    return true;
}

static int read_data(const char *path, struct cit_buf *out, char *why)
{
    int err = cit_buf_add_file(out, path);

    if (err == CIT_OK || err == CIT_ENOMEM)
        return err;
    if (err == CIT_ELIMIT)
        (void)snprintf(why, CIT_OPTIONS_WHY, "--data: %s is longer than %d MiB", path, DATA_MAX >> 20);
    else
        (void)snprintf(why, CIT_OPTIONS_WHY, "--data: %s: %s", path, strerror(errno));
    return CIT_EINVAL;
}

static int put_data(struct cit_buf *out, const char *value, char *why)
{
    struct cit_buf data;
    int err = CIT_OK;

    if (value[0] != '@')
        return put_text(out, value);
    cit_buf_init(&data, DATA_MAX);
    err = read_data(value + 1, &data, why);
    if (err == CIT_OK && data.len > 0 && !is_utf8((const unsigned char *)data.p, data.len)) {
        (void)snprintf(why, CIT_OPTIONS_WHY, "--data: %s is not UTF-8; name it in a journey, with file,%s;", value + 1,
                       value + 1);
        err = CIT_EINVAL;
    }
    if (err == CIT_OK)
        err = cit_json_put(out, cit_slice(data.p, data.len));
    cit_buf_fini(&data);
    return err;
}

static int put_value(struct cit_buf *out, const struct row *row, const char *value, char *why)
{
    switch (row->kind) {
    case NUMBER:
        return is_number(value) ? cit_buf_add_str(out, value) : put_text(out, value);
    case TIME:
        return put_time(out, value);
    case TEXT:
        return put_text(out, value);
    case DATA:
        return put_data(out, value, why);
    case TRUTH:
        return cit_buf_add_str(out, "true");
    case FALSEHOOD:
        return cit_buf_add_str(out, "false");
    case OWN:
        break;
    }
    return CIT_OK;
}

static int put_name(struct cit_buf *out, struct cit_slice name)
{
    int err = out->len > 1 && out->p[out->len - 1] != '{' ? cit_buf_add_str(out, ",") : CIT_OK;

    if (err == CIT_OK)
        err = cit_json_put(out, name);
    return err == CIT_OK ? cit_buf_add_str(out, ":") : err;
}

static int put_header(struct cit_buf *out, const char *header, char *why)
{
    const char *colon = strchr(header, ':');
    int err;

    if (colon == NULL || colon == header) {
        (void)snprintf(why, CIT_OPTIONS_WHY, "--header: '%.100s' is not of the form 'Name: value'", header);
        return CIT_EINVAL;
    }
    err = put_name(out, cit_slice_trim(cit_slice(header, (size_t)(colon - header))));
    return err == CIT_OK ? cit_json_put(out, cit_slice_trim(cit_slice_str(colon + 1))) : err;
}

static int put_headers(const struct said *s, struct cit_buf *out)
{
    int err = CIT_OK;

    if (s->nheaders == 0)
        return CIT_OK;
    err = put_name(out, CIT_SLICE_LIT("headers"));
    if (err == CIT_OK)
        err = cit_buf_add_str(out, "{");
    for (size_t i = 0; i < s->nheaders && err == CIT_OK; i++)
        err = put_header(out, s->headers[i], s->why);
    return err == CIT_OK ? cit_buf_add_str(out, "}") : err;
}

static int put_over(const struct said *s, struct cit_buf *out)
{
    int err = cit_buf_add_str(out, "{");

    for (int i = 0; i < ROWS && err == CIT_OK; i++) {
        if (s->value[i] == NULL || rows[i].kind == OWN)
            continue;
        err = put_name(out, cit_slice_str(rows[i].member));
        if (err == CIT_OK)
            err = put_value(out, &rows[i], s->value[i], s->why);
    }
    if (err == CIT_OK)
        err = put_headers(s, out);
    return err == CIT_OK ? cit_buf_add_str(out, "}") : err;
}

/* ---- our own ---- */

static int take_fd(const char *name, const char *value, int *out, char *why)
{
    unsigned long long n = 0;

    if (!cit_slice_u64(cit_slice_str(value), &n) || n > INT32_MAX || fcntl((int)n, F_GETFD) == -1) {
        (void)snprintf(why, CIT_OPTIONS_WHY, "--%s: '%.40s' is no open descriptor", name, value);
        return CIT_EINVAL;
    }
    *out = (int)n;
    return CIT_OK;
}

static int take_live(struct cit_options *o, const char *value, char *why)
{
    static const char *const words[] = { "auto", "screen", "lines", "off" };

    for (int i = 0; i < 4; i++) {
        if (strcmp(value, words[i]) == 0) {
            o->live = (enum cit_options_live)i;
            return CIT_OK;
        }
    }
    (void)snprintf(why, CIT_OPTIONS_WHY, "--live: '%.40s' is none of auto, screen, lines, off", value);
    return CIT_EINVAL;
}

static int take_own(struct said *s, const char *name, const char *value)
{
    struct cit_options *o = s->o;

    if (strcmp(name, "header") == 0) {
        if (s->nheaders == HEADERS_MAX) {
            (void)snprintf(s->why, CIT_OPTIONS_WHY, "--header: more than %d of them", (int)HEADERS_MAX);
            return CIT_EINVAL;
        }
        s->headers[s->nheaders++] = value;
    } else if (strcmp(name, "report") == 0) {
        o->report = strcmp(value, "none") == 0 ? NULL : value;
    } else if (strcmp(name, "folder") == 0) {
        o->folder = value;
    } else if (strcmp(name, "plan-name") == 0) {
        o->name = value;
    } else if (strcmp(name, "dry-run") == 0) {
        o->is_dry = true;
    } else if (strcmp(name, "help") == 0) {
        o->wants_help = true;
    } else if (strcmp(name, "version") == 0) {
        o->wants_version = true;
    } else if (strcmp(name, "live") == 0) {
        return take_live(o, value, s->why);
    } else {
        return take_fd(name, value, strcmp(name, "stream") == 0 ? &o->stream_fd : &o->control_fd, s->why);
    }
    return CIT_OK;
}

/* ---- the words ---- */

static bool takes_value(const struct row *row)
{
    return row->kind <= DATA ||
           (row->kind == OWN && strcmp(row->name, "dry-run") != 0 && row->letter != 'h' && row->letter != 'V');
}

/* As getopt_long wants them; what it gives for a long option is its row + 256. */
static void describe(struct option options[ROWS + 1], char letters[2 * ROWS + 2])
{
    size_t n = 0;

    letters[n++] = ':';
    for (int i = 0; i < ROWS; i++) {
        options[i] = (struct option){ .name = rows[i].name,
                                      .has_arg = takes_value(&rows[i]) ? required_argument : no_argument,
                                      .val = 256 + i };
        if (rows[i].letter == 0)
            continue;
        letters[n++] = (char)rows[i].letter;
        if (takes_value(&rows[i]))
            letters[n++] = ':';
    }
    letters[n] = '\0';
    options[ROWS] = (struct option){ 0 };
}

static int row_of(int found)
{
    int i = 0;

    if (found >= 256)
        return found - 256;
    while (i < ROWS && rows[i].letter != found)
        i++;
    return i;
}

static int take_words(struct said *s, int argc, char **argv)
{
    struct option options[ROWS + 1];
    char letters[2 * ROWS + 2];
    int err = CIT_OK, found;

    describe(options, letters);
    opterr = 0;
    optind = 1;
    while (err == CIT_OK && (found = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        int i;

        if (found == '?' || found == ':') {
            (void)snprintf(s->why, CIT_OPTIONS_WHY, found == ':' ? "%s: a value is missing" : "%s: no such option",
                           argv[optind - 1]);
            return CIT_EINVAL;
        }
        i = row_of(found);
        s->value[i] = optarg != NULL ? optarg : "";
        if (rows[i].kind == OWN)
            err = take_own(s, rows[i].name, optarg);
    }
    return err;
}

static int take_target(struct cit_options *o, int argc, char **argv, char *why)
{
    if (optind >= argc) {
        (void)snprintf(why, CIT_OPTIONS_WHY, "an address or a plan is missing, try --help");
        return CIT_EINVAL;
    }
    if (optind + 1 < argc) {
        (void)snprintf(why, CIT_OPTIONS_WHY, "'%.100s' is one address or plan too many", argv[optind + 1]);
        return CIT_EINVAL;
    }
    o->target = argv[optind];
    o->is_url = strstr(o->target, "://") != NULL || strncmp(o->target, "unix:", 5) == 0;
    return CIT_OK;
}

int cit_options_parse(struct cit_options *o, int argc, char **argv, char why[CIT_OPTIONS_WHY])
{
    struct said said = { .o = o, .why = why };
    int err;

    *o = (struct cit_options){ .report = "report", .stream_fd = -1, .control_fd = -1 };
    cit_buf_init(&o->over, OVER_MAX);
    why[0] = '\0';
    err = take_words(&said, argc, argv);
    if (err != CIT_OK || o->wants_help || o->wants_version)
        return err;
    err = take_target(o, argc, argv, why);
    return err == CIT_OK ? put_over(&said, &o->over) : err;
}

void cit_options_fini(struct cit_options *o)
{
    cit_buf_fini(&o->over);
}
