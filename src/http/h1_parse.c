/* http/h1_parse.c - the lines of a head, in one pass over the bytes.
 *
 * Each reader takes its piece from w->p on and answers CIT_OK with w->p behind it,
 * CIT_EAGAIN when the bytes end first, or CIT_EPROTO.  Every refusal depends on the
 * bytes before and at the offending one alone, so a head that arrives in pieces gets
 * the verdict it gets at once.
 */
#include "http/h1_parse.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "http/h1_class.h"
#include "http/h1_int.h"

/* Longer than any method registered (UPDATEREDIRECTREF, 17) or likely. */
#define METHOD_MAX 64
#define EMPTY_LINES 2 /* before a request: RFC 9112 2.2, at least one */

static const struct {
    const char *name, *text;
    int status;
} bad_rows[] = {
#define CIT_H1_BAD_ROW(name, status, text) { #name, text, status },
    CIT_H1_BAD_MAP(CIT_H1_BAD_ROW)
#undef CIT_H1_BAD_ROW
};

int cit_h1_bad_status(enum cit_h1_bad bad)
{
    return bad_rows[bad].status;
}

const char *cit_h1_bad_text(enum cit_h1_bad bad)
{
    return bad_rows[bad].text;
}

const char *cit_h1_bad_name(enum cit_h1_bad bad)
{
    return bad_rows[bad].name;
}

/* ---- ends ---- */

/* Where a line that starts at p may be read to: one byte past its limit, which must
 * then be its CR. */
static const char *line_stop(const struct cit__h1_walk *w, const char *p, uint32_t limit)
{
    return (size_t)(w->end - p) > (size_t)limit + 1 ? p + limit + 1 : w->end;
}

/* A scan ran into `stop` without finding what ends it. */
static int out_of_bytes(struct cit__h1_walk *w, const char *stop, enum cit_h1_bad too_long)
{
    return stop == w->end ? CIT_EAGAIN : cit__h1_refuse(w, too_long);
}

/* CRLF and nothing else ends a line (RFC 9112 2.2 lets a recipient be lax; that laxity
 * is what request smuggling lives on). */
static int crlf(struct cit__h1_walk *w)
{
    if (w->p == w->end)
        return CIT_EAGAIN;
    if (*w->p != '\r')
        return cit__h1_refuse(w, CIT_H1_BAD_LINE_END);
    if (w->p + 1 == w->end)
        return CIT_EAGAIN;
    if (w->p[1] != '\n')
        return cit__h1_refuse(w, CIT_H1_BAD_LINE_END);
    w->p += 2;
    return CIT_OK;
}

/* ---- scans ----
 *
 * Where the processor has SSE2 (every x86-64 has), sixteen bytes at a time.  The
 * table alone decides what is allowed: the vectors only skip bytes that are, so both
 * builds (CIT_H1_SCALAR leaves the vectors out) give the same answers.  Nothing is
 * read at or behind `stop`.
 */
#if defined(__SSE2__) && !defined(CIT_H1_SCALAR)
#define VECTORS 1
#else
#define VECTORS 0
#endif

#if VECTORS

static inline __m128i load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* 0xff where low <= byte <= low + span, both unsigned. */
static inline __m128i between(__m128i v, char low, char span)
{
    __m128i from_low = _mm_sub_epi8(v, _mm_set1_epi8(low));

    return _mm_cmpeq_epi8(_mm_min_epu8(from_low, _mm_set1_epi8(span)), from_low);
}

/* One bit for each of the 16 bytes at p that is no letter, not in low..low + span and
 * not `also`. */
static inline unsigned rare_bits(const char *p, char low, char span, char also)
{
    __m128i v = load(p);
    __m128i letters = between(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 25);
    __m128i others = _mm_or_si128(between(v, low, span), _mm_cmpeq_epi8(v, _mm_set1_epi8(also)));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(letters, others)) ^ 0xffff;
}

/* One bit for each of the 16 bytes at p that is a control byte, HTAB among them. */
static inline unsigned control_bits(const char *p)
{
    __m128i v = load(p), bad = _mm_or_si128(between(v, 0, 0x1f), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));

    return (unsigned)_mm_movemask_epi8(bad);
}

#endif

static inline const char *scan(const char *p, const char *stop, unsigned bits)
{
    while (p < stop && cit__is(*p, bits))
        p++;
    return p;
}

/* The first byte from p on that no token has, or stop; likewise for a path and for a
 * field value. */
static inline const char *scan_token(const char *p, const char *stop)
{
#if VECTORS
    while (stop - p >= 16) {
        unsigned rare = rare_bits(p, '0', 9, '-');

        p += rare != 0 ? __builtin_ctz(rare) : 16;
        if (rare != 0 && !cit__is(*p, CIT__TOKEN))
            return p;
        p += rare != 0;
    }
#endif
    return scan(p, stop, CIT__TOKEN);
}

static inline const char *scan_path(const char *p, const char *stop)
{
#if VECTORS
    while (stop - p >= 16) {
        unsigned rare = rare_bits(p, '-', ';' - '-', '_'); /* - . / digits : ; _ */

        p += rare != 0 ? __builtin_ctz(rare) : 16;
        if (rare != 0 && !cit__is(*p, CIT__PATH))
            return p;
        p += rare != 0;
    }
#endif
    return scan(p, stop, CIT__PATH);
}

static inline const char *scan_value(const char *p, const char *stop)
{
#if VECTORS
    while (stop - p >= 16) {
        unsigned control = control_bits(p);

        p += control != 0 ? __builtin_ctz(control) : 16;
        if (control != 0 && *p != '\t')
            return p;
        p += control != 0;
    }
#endif
    return scan(p, stop, CIT__VALUE);
}

/* ---- request line ---- */

static enum cit_method method_find(struct cit_slice s)
{
#define CIT_METHOD_TEST(name)                                                   \
    if (s.n == sizeof(#name) - 1 && memcmp(s.p, #name, sizeof(#name) - 1) == 0) \
        id = CIT_METHOD_##name;
    enum cit_method id = CIT_METHOD_OTHER;

    CIT_METHOD_MAP(CIT_METHOD_TEST)
#undef CIT_METHOD_TEST
    return id;
}

static int method_of(struct cit__h1_walk *w)
{
    const char *start = w->p, *stop;

    if (w->end - start > 4 && memcmp(start, "GET ", 4) == 0) {
        w->h->method = cit_slice(start, 3);
        w->h->method_id = CIT_METHOD_GET;
        w->p += 4;
        return CIT_OK;
    }
    stop = line_stop(w, start, METHOD_MAX);
    w->p = scan_token(start, stop);
    w->h->method = cit_slice(start, (size_t)(w->p - start));
    if (w->h->method.n > METHOD_MAX)
        return cit__h1_refuse(w, CIT_H1_BAD_METHOD_TOO_LONG);
    if (w->p == w->end)
        return CIT_EAGAIN;
    if (*w->p != ' ' || w->p == start)
        return cit__h1_refuse(w, *w->p == '\r' || *w->p == '\n' ? CIT_H1_BAD_LINE : CIT_H1_BAD_METHOD);
    w->h->method_id = (uint8_t)method_find(w->h->method);
    w->p++;
    return CIT_OK;
}

/* The bytes up to "://" of an http or https target, or 0. */
static size_t scheme_len(struct cit_slice s)
{
    if (s.n >= 7 && cit_slice_eq_nocase(cit_slice(s.p, 7), CIT_SLICE_LIT("http://")))
        return 4;
    if (s.n >= 8 && cit_slice_eq_nocase(cit_slice(s.p, 8), CIT_SLICE_LIT("https://")))
        return 5;
    return 0;
}

/* RFC 9112 3.2.2.  A missing path is "/" (RFC 9110 4.2.3), borrowed from "//". */
static int absolute_form(struct cit__h1_walk *w, size_t scheme)
{
    struct cit_h1_head *h = w->h;
    const char *start = h->path.p + scheme + 3, *end = h->path.p + h->path.n;
    const char *slash = start < end ? memchr(start, '/', (size_t)(end - start)) : NULL;

    h->form = CIT_TARGET_ABSOLUTE;
    h->authority = cit_slice(start, (size_t)((slash != NULL ? slash : end) - start));
    if (!cit__h1_is_authority(h->authority)) /* also userinfo: RFC 9110 4.2.4 */
        return cit__h1_refuse(w, CIT_H1_BAD_TARGET);
    h->path = slash != NULL ? cit_slice(slash, (size_t)(end - slash)) : cit_slice(start - 1, 1);
    return CIT_OK;
}

/* uri-host ":" port, with a port (RFC 9112 3.2.3; RFC 9110 9.3.6: there is no default). */
static bool is_tunnel(struct cit_slice s)
{
    size_t n = s.n;

    while (n > 0 && cit__is_digit(s.p[n - 1]))
        n--;
    return n > 0 && n < s.n && s.p[n - 1] == ':' && cit__h1_is_authority(s);
}

/* Which form the target has, and whether the method may have it (RFC 9112 3.2). */
static int target_form(struct cit__h1_walk *w)
{
    struct cit_h1_head *h = w->h;
    size_t scheme;

    if (h->method_id == CIT_METHOD_CONNECT)
        return cit__h1_refuse(w, is_tunnel(h->target) ? CIT_H1_BAD_CONNECT : CIT_H1_BAD_TARGET);
    if (h->path.n > 0 && h->path.p[0] == '/')
        return CIT_OK;
    if (h->target.n == 1 && h->target.p[0] == '*' && h->method_id == CIT_METHOD_OPTIONS) {
        h->form = CIT_TARGET_ASTERISK;
        return CIT_OK;
    }
    scheme = scheme_len(h->path);
    return scheme > 0 ? absolute_form(w, scheme) : cit__h1_refuse(w, CIT_H1_BAD_TARGET);
}

static int target_of(struct cit__h1_walk *w, const char *stop)
{
    struct cit_h1_head *h = w->h;
    const char *start = w->p, *mark;

    mark = scan_path(start, stop);
    w->p = mark;
    h->path = cit_slice(start, (size_t)(mark - start));
    if (mark < stop && *mark == '?') {
        w->p = scan(mark + 1, stop, CIT__QUERY);
        h->has_query = true;
        h->query = cit_slice(mark + 1, (size_t)(w->p - mark - 1));
    }
    h->target = cit_slice(start, (size_t)(w->p - start));
    if (w->p >= stop)
        return out_of_bytes(w, stop, CIT_H1_BAD_LINE_TOO_LONG);
    if (*w->p != ' ') /* a line end here is HTTP/0.9, RFC 1945 4.1 */
        return cit__h1_refuse(w, *w->p == '\r' || *w->p == '\n' ? CIT_H1_BAD_LINE : CIT_H1_BAD_TARGET);
    if (h->target.n == 0)
        return cit__h1_refuse(w, CIT_H1_BAD_LINE);
    w->p++;
    return target_form(w);
}

/* "HTTP/" DIGIT "." DIGIT (RFC 9112 2.3), byte by byte; *major is set. */
static int version_slowly(struct cit__h1_walk *w, char *major)
{
    static const char shape[] = "HTTP/0.0"; /* 0: any digit */

    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (w->p + i == w->end)
            return CIT_EAGAIN;
        if (shape[i] == '0' ? !cit__is_digit(w->p[i]) : w->p[i] != shape[i])
            return cit__h1_refuse(w, CIT_H1_BAD_VERSION);
    }
    *major = w->p[5];
    w->h->minor = w->p[7] == '0' ? 0 : 1; /* RFC 9110 2.5: a higher minor is served as ours */
    w->p += 8;
    return CIT_OK;
}

/* The version and the end of the request line. */
static int version_and_end(struct cit__h1_walk *w)
{
    char major = '1';
    int err;

    if (w->end - w->p >= 10 && memcmp(w->p, "HTTP/1.1\r\n", 10) == 0) {
        w->h->minor = 1;
        w->p += 10;
        return CIT_OK;
    }
    err = version_slowly(w, &major);
    if (err != CIT_OK)
        return err;
    if (w->p < w->end && *w->p != '\r' && *w->p != '\n')
        return cit__h1_refuse(w, CIT_H1_BAD_VERSION);
    err = crlf(w);
    if (err != CIT_OK)
        return err;
    return major == '1' ? CIT_OK : cit__h1_refuse(w, CIT_H1_BAD_VERSION_UNSUPPORTED);
}

static int request_line(struct cit__h1_walk *w)
{
    const char *start;
    int err;

    for (int i = 0; i < EMPTY_LINES && w->p < w->end && (*w->p == '\r' || *w->p == '\n'); i++) {
        err = crlf(w);
        if (err != CIT_OK)
            return err;
    }
    start = w->p;
    err = method_of(w);
    if (err == CIT_OK)
        err = target_of(w, line_stop(w, start, w->lim->line));
    if (err == CIT_OK)
        err = version_and_end(w);
    if (err == CIT_OK && (size_t)(w->p - start) > (size_t)w->lim->line + 2)
        return cit__h1_refuse(w, CIT_H1_BAD_LINE_TOO_LONG);
    return err;
}

/* ---- status line ---- */

static int reason_of(struct cit__h1_walk *w, const char *stop)
{
    const char *start;

    if (w->p < stop && *w->p == ' ')
        w->p++;
    else if (w->p < stop && *w->p != '\r' && *w->p != '\n') /* the space may be missing, with the reason */
        return cit__h1_refuse(w, CIT_H1_BAD_STATUS);
    start = w->p;
    w->p = scan_value(start, stop);
    w->h->reason = cit_slice(start, (size_t)(w->p - start));
    if (w->p >= stop)
        return out_of_bytes(w, stop, CIT_H1_BAD_LINE_TOO_LONG);
    if (*w->p != '\r' && *w->p != '\n')
        return cit__h1_refuse(w, CIT_H1_BAD_STATUS);
    return crlf(w);
}

static int status_line(struct cit__h1_walk *w)
{
    const char *stop = line_stop(w, w->p, w->lim->line);
    char major = '1';
    int status = 0, err = version_slowly(w, &major);

    if (err != CIT_OK)
        return err;
    if (major != '1')
        return cit__h1_refuse(w, CIT_H1_BAD_VERSION_UNSUPPORTED);
    for (int i = 0; i < 4; i++, w->p++) {
        if (w->p == w->end)
            return CIT_EAGAIN;
        if (i == 0 ? *w->p != ' ' : !cit__is_digit(*w->p))
            return cit__h1_refuse(w, CIT_H1_BAD_STATUS);
        status = i == 0 ? 0 : status * 10 + (*w->p - '0');
    }
    if (status < 100) /* RFC 9110 15: the first digit is the class */
        return cit__h1_refuse(w, CIT_H1_BAD_STATUS);
    w->h->status = status;
    return reason_of(w, stop);
}

/* ---- fields ---- */

static int name_of(struct cit__h1_walk *w, const char *stop, struct cit_h1_field *f)
{
    const char *start = w->p;

    w->p = scan_token(start, stop);
    if (w->p >= stop)
        return out_of_bytes(w, stop, CIT_H1_BAD_FIELD_TOO_LONG);
    if (*w->p == ':' && w->p > start) {
        if (w->p - start > UINT16_MAX)
            return cit__h1_refuse(w, CIT_H1_BAD_FIELD_TOO_LONG);
        f->name = start;
        f->name_n = (uint16_t)(w->p - start);
        w->p++;
        return CIT_OK;
    }
    if (w->p == start && cit__is_blank(*start)) /* RFC 9112 5.2 and 2.2 */
        return cit__h1_refuse(w, CIT_H1_BAD_FIELD_FOLD);
    return cit__h1_refuse(w, *w->p == '\n' ? CIT_H1_BAD_LINE_END : CIT_H1_BAD_FIELD_NAME);
}

static int value_of(struct cit__h1_walk *w, const char *stop, struct cit_h1_field *f)
{
    const char *start = w->p, *last;

    while (start < stop && cit__is_blank(*start))
        start++;
    last = w->p = scan_value(start, stop);
    if (w->p >= stop)
        return out_of_bytes(w, stop, CIT_H1_BAD_FIELD_TOO_LONG);
    if (*w->p != '\r' && *w->p != '\n')
        return cit__h1_refuse(w, CIT_H1_BAD_FIELD_VALUE);
    while (last > start && cit__is_blank(last[-1]))
        last--;
    f->value = start;
    f->value_n = (uint32_t)(last - start);
    return crlf(w);
}

/* One field line with its CRLF, checked; nothing is recorded. */
static int field_line(struct cit__h1_walk *w, struct cit_h1_field *f)
{
    const char *stop = line_stop(w, w->p, w->lim->field);
    int err = name_of(w, stop, f);

    return err == CIT_OK ? value_of(w, stop, f) : err;
}

static int field_lines(struct cit__h1_walk *w)
{
    struct cit_h1_head *h = w->h;
    uint32_t most = h->cap < w->lim->fields ? h->cap : w->lim->fields;

    while (w->p < w->end && *w->p != '\r') {
        struct cit_h1_field *f = h->fields + h->nfields;
        int err;

        if (h->nfields == most)
            return cit__h1_refuse(w, *w->p == '\n' ? CIT_H1_BAD_LINE_END : CIT_H1_BAD_FIELDS_TOO_MANY);
        err = field_line(w, f);
        if (err != CIT_OK)
            return err;
        f->id = (uint8_t)cit_field_find(cit_slice(f->name, f->name_n));
        h->nfields++;
        if (f->id == CIT_FIELD_OTHER)
            continue;
        err = cit__h1_field_said(w, f);
        if (err != CIT_OK)
            return err;
    }
    return crlf(w);
}

/* ---- heads ---- */

/* Field by field: one assignment of the whole becomes "rep stos", a tenth of the time
 * of a short request (perf, gcc 12 -O2). */
static void head_init(struct cit_h1_head *h)
{
    const struct cit_slice none = { NULL, 0 };

    h->method = h->target = h->path = h->query = h->authority = h->reason = h->host = none;
    h->has_query = false;
    h->method_id = CIT_METHOD_OTHER;
    h->form = CIT_TARGET_ORIGIN;
    h->status = 0;
    h->minor = 0;
    h->flags = 0;
    h->content_length = 0;
    h->nfields = 0;
    h->bad = CIT_H1_BAD_NONE;
}

/* The shortcut for a head that trickles in.  buf[0..seen) was found good and short, so
 * when no line ends in the new bytes, only the field line they belong to is looked at
 * again.  Without it one byte at a time costs the square of the head.  Returns CIT_OK
 * when the whole must be read. */
static int last_line(struct cit__h1_walk *w, const char *buf, size_t seen)
{
    size_t len = (size_t)(w->end - buf), line;
    struct cit_h1_field unused;

    if (seen == 0 || seen >= len || memchr(buf + seen, '\n', len - seen) != NULL)
        return CIT_OK;
    for (line = seen; line > 0 && buf[line - 1] != '\n'; line--)
        continue;
    if (line <= 2 * EMPTY_LINES || line == seen || buf[line] == '\r') /* the first line, a new one, the last one */
        return CIT_OK;
    w->p = buf + line;
    return field_line(w, &unused);
}

static int read_head(struct cit__h1_walk *w, const char *buf, size_t seen)
{
    int err = last_line(w, buf, seen);

    if (err != CIT_OK)
        return err;
    w->p = buf;
    err = w->is_request ? request_line(w) : status_line(w);
    if (err == CIT_OK)
        err = field_lines(w);
    if (err == CIT_OK)
        err = cit__h1_head_done(w);
    return err;
}

static int parse(struct cit__h1_walk *w, const char *buf, size_t len, size_t seen)
{
    size_t most = w->lim->head;
    int err;

    head_init(w->h);
    w->end = buf + (len < most ? len : most);
    err = read_head(w, buf, seen < most ? seen : most);
    if (err == CIT_OK)
        return (int)(w->p - buf);
    if (err == CIT_EAGAIN && len >= most)
        return cit__h1_refuse(w, CIT_H1_BAD_HEAD_TOO_LONG);
    return err;
}

int cit_h1_parse_request(const char *buf, size_t len, size_t seen, const struct cit_h1_limits *lim,
                         struct cit_h1_head *out)
{
    struct cit__h1_walk w = { .lim = lim, .h = out, .is_request = true };

    return parse(&w, buf, len, seen);
}

int cit_h1_parse_response(const char *buf, size_t len, size_t seen, const struct cit_h1_limits *lim,
                          struct cit_h1_head *out)
{
    struct cit__h1_walk w = { .lim = lim, .h = out };

    return parse(&w, buf, len, seen);
}
