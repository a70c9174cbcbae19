/* serve/access.c - access log lines, written by a list of small functions.
 *
 *      "%(h)s [%(s)s]\n"  ──compile──>  h | " [" | s | "]\n"
 *
 * A step is a function and a text: of a literal the bytes, of {name}i and {name}o the
 * field's name.  Every value of a peer goes through put_value (or its JSON sister), which
 * escapes it and bounds it at CIT_ACCESS_VALUE_MAX bytes, so that one overlong field
 * does not cost the line.
 */
#include "serve/access.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

#define FORMAT_MAX 65536

/* A line on its way; after the first error nothing more is added. */
struct line {
    struct cit_buf *out;
    const struct cit_access_rec *rec;
    const struct cit_access *program;
    int err;
};

typedef void (*put_fn)(struct line *l, struct cit_slice text);

struct step {
    put_fn put;
    size_t at, n; /* its text within texts */
};

struct cit_access {
    bool json;
    struct cit_buf texts;
    /* The offset of local time in seconds, and for which quarter of an hour that is so:
     * zones change at such times only.  Spares a localtime_r (and its lock) a line. */
    _Atomic int64_t zone;
    _Atomic int64_t *memo; /* &zone: a way to it from a const program */
    size_t count;
    struct step steps[];
};

/* ---- pieces ---- */

/* Appends without a call where there is room. */
static inline int add(struct cit_buf *out, const char *p, size_t n)
{
    if (n > out->cap - out->len || n == 0)
        return cit_buf_add(out, p, n);
    memcpy(out->p + out->len, p, n);
    out->len += n;
    return CIT_OK;
}

static inline void put(struct line *l, const char *p, size_t n)
{
    if (l->err == CIT_OK)
        l->err = add(l->out, p, n);
}

static void put_char(struct line *l, char c)
{
    put(l, &c, 1);
}

static void put_number(struct line *l, uint64_t value)
{
    if (l->err == CIT_OK)
        l->err = cit_buf_add_u64(l->out, value);
}

static uint64_t not_negative(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

/* The low `width` decimal digits of a value, with leading zeros. */
static char *digits(char *to, uint64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + width;
}

/* ---- escaping ---- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
}

#define ALL(byte) (0x0101010101010101u * (uint64_t)(byte))

/* Nonzero when one of the eight bytes of x is b. */
static inline uint64_t any_is(uint64_t x, uint8_t b)
{
    uint64_t y = x ^ ALL(b);

    return (y - ALL(1)) & ~y & ALL(0x80);
}

/* How many bytes from i on are plain, eight at a time (a line of 254 bytes: 280 ns instead of 400). */
static size_t plain_until(struct cit_slice s, size_t i)
{
    uint64_t x;

    for (; s.n - i >= sizeof x; i += sizeof x) {
        memcpy(&x, s.p + i, sizeof x);
        if ((((x - ALL(0x20)) | x) & ALL(0x80)) != 0 || (any_is(x, '"') | any_is(x, '\\') | any_is(x, 0x7f)) != 0)
            break;
    }
    while (i < s.n && is_plain((unsigned char)s.p[i]))
        i++;
    return i;
}

/* Appends with `"`, `\` and all that is not printable ASCII as \xHH. */
static int escape(struct cit_buf *out, struct cit_slice s)
{
    static const char hex[] = "0123456789abcdef";
    size_t i = 0;

    while (i < s.n) {
        size_t run = i;
        unsigned char c;
        int err;

        i = plain_until(s, i);
        err = add(out, s.p + run, i - run);
        if (err != CIT_OK || i == s.n)
            return err;
        c = (unsigned char)s.p[i++];
        err = add(out, (const char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
        if (err != CIT_OK)
            return err;
    }
    return CIT_OK;
}

/* The part of s that takes no more than the bound, at four bytes for one at worst. */
static struct cit_slice bounded(struct cit_slice s)
{
    size_t n = 0, i = 0;

    if (s.n <= CIT_ACCESS_VALUE_MAX / 4)
        return s;
    while (i < s.n && n < CIT_ACCESS_VALUE_MAX - 4 - 3)
        n += is_plain((unsigned char)s.p[i++]) ? 1 : 4;
    return cit_slice(s.p, i);
}

static void put_value(struct line *l, struct cit_slice s)
{
    struct cit_slice part = bounded(s);

    if (l->err == CIT_OK)
        l->err = escape(l->out, part);
    if (part.n < s.n)
        put(l, "...", 3);
}

static void put_or_dash(struct line *l, struct cit_slice s)
{
    if (s.n == 0)
        put_char(l, '-');
    else
        put_value(l, s);
}

/* ---- fields ---- */

/* The last one of that name, as in gunicorn's table of them; empty without one. */
static struct cit_slice request_field(const struct cit_h1_head *h, struct cit_slice name)
{
    for (uint32_t i = h->nfields; i-- > 0;) {
        const struct cit_h1_field *f = &h->fields[i];

        if (f->name_n == name.n && cit_slice_eq_nocase(cit_slice(f->name, f->name_n), name))
            return cit_slice(f->value, f->value_n);
    }
    return cit_slice(NULL, 0);
}

static struct cit_slice response_field(struct cit_slice rest, struct cit_slice name)
{
    struct cit_slice value = cit_slice(NULL, 0), row;

    while (cit_slice_split(&rest, '\n', &row)) {
        const char *colon = row.n > name.n ? row.p + name.n : NULL;

        if (colon == NULL || *colon != ':' || !cit_slice_eq_nocase(cit_slice(row.p, name.n), name))
            continue;
        value = cit_slice(colon + 1, row.n - name.n - 1);
        if (value.n > 0 && value.p[value.n - 1] == '\r')
            value.n--;
        value = cit_slice_trim(value);
    }
    return value;
}

/* ---- time ---- */

/* A day and time of the proleptic Gregorian calendar. */
struct civil {
    int64_t year;
    uint32_t month, day, hour, minute, second; /* month from 1 */
};

/* Years are counted from March, so that the leap day is the last of its year, and months
 * from March alternate 31 and 30 days in groups of five, 153 days long. */
static struct civil civil_of(int64_t unix_s)
{
    int64_t days = unix_s / 86400, second = unix_s % 86400;
    int64_t cycle, year;
    uint32_t day, month;

    if (second < 0) {
        second += 86400;
        days--;
    }
    days += 719468;                                               /* since 1 March of the year 0 */
    cycle = days >= 0 ? days / 146097 : (days - 146096) / 146097; /* of 400 years */
    day = (uint32_t)(days - cycle * 146097);
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= (uint32_t)(365 * year + year / 4 - year / 100);
    month = (5 * day + 2) / 153;
    return (struct civil){ .year = year + cycle * 400 + (month >= 10),
                           .month = month < 10 ? month + 3 : month - 9,
                           .day = day - (153 * month + 2) / 5 + 1,
                           .hour = (uint32_t)(second / 3600),
                           .minute = (uint32_t)(second / 60 % 60),
                           .second = (uint32_t)(second % 60) };
}

#define ZONE_BLOCK_S 900
#define ZONE_SHIFT 20
#define ZONE_BIAS (1 << (ZONE_SHIFT - 1))

/* Local time's distance from UTC at that time, in seconds. */
static int64_t zone_offset(const struct cit_access *a, int64_t unix_s)
{
    int64_t known = atomic_load_explicit(a->memo, memory_order_relaxed);
    int64_t block = unix_s / ZONE_BLOCK_S;
    time_t t = (time_t)unix_s;
    struct tm tm;

    if (known >> ZONE_SHIFT == block)
        return (known & ((1 << ZONE_SHIFT) - 1)) - ZONE_BIAS;
    if (localtime_r(&t, &tm) == NULL)
        return 0;
    atomic_store_explicit(a->memo, block * (1 << ZONE_SHIFT) + tm.tm_gmtoff + ZONE_BIAS, memory_order_relaxed);
    return tm.tm_gmtoff;
}

static int64_t seconds_of(int64_t wall_ns)
{
    return wall_ns > 0 ? wall_ns / CIT_SEC_NS : 0;
}

/* ---- the atoms ---- */

static void put_literal(struct line *l, struct cit_slice text)
{
    put(l, text.p, text.n);
}

static void put_h(struct line *l, struct cit_slice text)
{
    (void)text;
    put_or_dash(l, cit_slice_str(l->rec->remote));
}

static void put_l(struct line *l, struct cit_slice text)
{
    (void)text;
    put_char(l, '-');
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The user before the colon of Basic credentials (RFC 7617 2), at most cap bytes of it;
 * 0 when they are not well formed. */
static size_t basic_user(struct cit_slice value, char *user, size_t cap)
{
    uint32_t bits = 0;
    size_t n = 0;
    int held = 0;

    if (value.n < 6 || !cit_slice_eq_nocase(cit_slice(value.p, 6), CIT_SLICE_LIT("Basic ")))
        return 0;
    value = cit_slice_trim(cit_slice(value.p + 6, value.n - 6));
    for (size_t i = 0; i < value.n; i++) {
        int v = base64_value(value.p[i]);

        if (v == -1)
            break;
        bits = (bits << 6 | (uint32_t)v) & 0xffff;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        user[n] = (char)(bits >> held & 0xff);
        if (user[n] == ':' || ++n == cap)
            return n;
    }
    return 0;
}

static void put_u(struct line *l, struct cit_slice text)
{
    char user[64];
    size_t n = basic_user(request_field(l->rec->head, CIT_SLICE_LIT("authorization")), user, sizeof user);

    (void)text;
    for (size_t i = 0; i < n; i++) { /* it stands without quotes: no blank of it may start a column */
        if (user[i] == ' ')
            put(l, "\\x20", 4);
        else
            put_value(l, cit_slice(user + i, 1));
    }
    if (n == 0)
        put_char(l, '-');
}

/* "[21/Nov/2026:11:02:03 +0000]", local time. */
static void put_t(struct line *l, struct cit_slice text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t at = seconds_of(l->rec->wall_ns), offset = zone_offset(l->program, at);
    struct civil c = civil_of(at + offset);
    uint64_t away = (uint64_t)(offset < 0 ? -offset : offset);
    char out[32], *p = out;

    (void)text;
    *p++ = '[';
    p = digits(p, c.day, 2);
    *p++ = '/';
    memcpy(p, months + 3 * (c.month - 1), 3);
    p[3] = '/';
    p = digits(p + 4, (uint64_t)c.year, 4);
    *p++ = ':';
    p = digits(p, c.hour, 2);
    *p++ = ':';
    p = digits(p, c.minute, 2);
    *p++ = ':';
    p = digits(p, c.second, 2);
    *p++ = ' ';
    *p++ = offset < 0 ? '-' : '+';
    p = digits(p, away / 3600, 2);
    p = digits(p, away / 60 % 60, 2);
    *p++ = ']';
    put(l, out, (size_t)(p - out));
}

static void put_H(struct line *l, struct cit_slice text)
{
    (void)text;
    put(l, l->rec->head->minor == 0 ? "HTTP/1.0" : "HTTP/1.1", 8);
}

static void put_r(struct line *l, struct cit_slice text)
{
    const struct cit_h1_head *h = l->rec->head;

    put_or_dash(l, h->method);
    if (h->target.n == 0) /* refused before it was understood */
        return;
    put_char(l, ' ');
    put_value(l, h->target);
    put_char(l, ' ');
    put_H(l, text);
}

static void put_m(struct line *l, struct cit_slice text)
{
    (void)text;
    put_or_dash(l, l->rec->head->method);
}

static void put_U(struct line *l, struct cit_slice text)
{
    (void)text;
    put_or_dash(l, l->rec->head->path);
}

static void put_q(struct line *l, struct cit_slice text)
{
    (void)text;
    put_value(l, l->rec->head->query);
}

static void put_s(struct line *l, struct cit_slice text)
{
    (void)text;
    put_number(l, not_negative(l->rec->status));
}

static void put_B(struct line *l, struct cit_slice text)
{
    (void)text;
    put_number(l, l->rec->body_bytes);
}

static void put_b(struct line *l, struct cit_slice text)
{
    if (l->rec->body_bytes == 0)
        put_char(l, '-');
    else
        put_B(l, text);
}

static void put_i(struct line *l, struct cit_slice text)
{
    put_or_dash(l, request_field(l->rec->head, text));
}

static void put_o(struct line *l, struct cit_slice text)
{
    put_or_dash(l, response_field(l->rec->resp_head, text));
}

static void put_f(struct line *l, struct cit_slice text)
{
    (void)text;
    put_i(l, CIT_SLICE_LIT("referer"));
}

static void put_a(struct line *l, struct cit_slice text)
{
    (void)text;
    put_i(l, CIT_SLICE_LIT("user-agent"));
}

static void put_T(struct line *l, struct cit_slice text)
{
    (void)text;
    put_number(l, not_negative(l->rec->took_ns) / CIT_SEC_NS);
}

static void put_M(struct line *l, struct cit_slice text)
{
    (void)text;
    put_number(l, not_negative(l->rec->took_ns) / CIT_MS_NS);
}

static void put_D(struct line *l, struct cit_slice text)
{
    (void)text;
    put_number(l, not_negative(l->rec->took_ns) / 1000);
}

static void put_L(struct line *l, struct cit_slice text)
{
    char fraction[6];

    put_T(l, text);
    put_char(l, '.');
    (void)digits(fraction, not_negative(l->rec->took_ns) / 1000, sizeof fraction);
    put(l, fraction, sizeof fraction);
}

static void put_p(struct line *l, struct cit_slice text)
{
    (void)text;
    put_char(l, '<');
    put_number(l, not_negative(l->rec->pid));
    put_char(l, '>');
}

static const struct {
    char letter;
    bool is_number; /* may stand as %(x)d too */
    put_fn put;
} atoms[] = {
    { 'h', false, put_h }, { 'l', false, put_l }, { 'u', false, put_u }, { 't', false, put_t }, { 'r', false, put_r },
    { 'm', false, put_m }, { 'U', false, put_U }, { 'q', false, put_q }, { 'H', false, put_H }, { 's', true, put_s },
    { 'B', true, put_B },  { 'b', false, put_b }, { 'f', false, put_f }, { 'a', false, put_a }, { 'T', true, put_T },
    { 'M', true, put_M },  { 'D', true, put_D },  { 'L', false, put_L }, { 'p', false, put_p },
};

/* ---- compiling ---- */

static int add_step(struct cit_access *a, put_fn what, struct cit_slice text)
{
    int err = cit_buf_add_slice(&a->texts, text);

    if (err != CIT_OK)
        return err;
    a->steps[a->count++] = (struct step){ .put = what, .at = a->texts.len - text.n, .n = text.n };
    return CIT_OK;
}

/* A variable of the process's environment is a literal, escaped once. */
static int add_env(struct cit_access *a, struct cit_slice name)
{
    size_t at = a->texts.len;
    const char *value;
    char *copy = cit_memdup(name.p, name.n);
    int err;

    if (copy == NULL)
        return CIT_ENOMEM;
    value = getenv(copy);
    cit_free(copy);
    err = escape(&a->texts, cit_slice_str(value != NULL ? value : "-"));
    if (err != CIT_OK)
        return err;
    a->steps[a->count++] = (struct step){ .put = put_literal, .at = at, .n = a->texts.len - at };
    return CIT_OK;
}

static int add_letter(struct cit_access *a, char letter)
{
    for (size_t i = 0; i < sizeof atoms / sizeof *atoms; i++)
        if (atoms[i].letter == letter)
            return add_step(a, atoms[i].put, cit_slice(NULL, 0));
    return CIT_EINVAL;
}

/* HTTP_USER_AGENT is the field user-agent. */
static int add_http_env(struct cit_access *a, struct cit_slice name)
{
    char *field = cit_memdup(name.p, name.n);
    int err;

    if (field == NULL)
        return CIT_ENOMEM;
    for (size_t i = 0; i < name.n; i++)
        if (field[i] == '_')
            field[i] = '-';
    err = add_step(a, put_i, cit_slice(field, name.n));
    cit_free(field);
    return err;
}

/* A name of the request's environ (PEP 3333) as far as a log can know it, else of the process's. */
static int add_e(struct cit_access *a, struct cit_slice name)
{
    static const struct {
        const char *name;
        char letter;
    } known[] = { { "REQUEST_METHOD", 'm' },
                  { "PATH_INFO", 'U' },
                  { "QUERY_STRING", 'q' },
                  { "SERVER_PROTOCOL", 'H' },
                  { "REMOTE_ADDR", 'h' } };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (cit_slice_eq(name, cit_slice_str(known[i].name)))
            return add_letter(a, known[i].letter);
    if (name.n > 5 && memcmp(name.p, "HTTP_", 5) == 0)
        return add_http_env(a, cit_slice(name.p + 5, name.n - 5));
    if (cit_slice_eq(name, CIT_SLICE_LIT("CONTENT_TYPE")) || cit_slice_eq(name, CIT_SLICE_LIT("CONTENT_LENGTH")))
        return add_http_env(a, name);
    return add_env(a, name);
}

/* What is between the parentheses of %(...)s, and the letter behind them. */
static int add_atom(struct cit_access *a, struct cit_slice atom, char conversion)
{
    if (atom.n > 3 && atom.p[0] == '{' && atom.p[atom.n - 2] == '}' && conversion == 's') {
        struct cit_slice name = cit_slice(atom.p + 1, atom.n - 3);

        switch (atom.p[atom.n - 1]) {
        case 'i':
            return add_step(a, put_i, name);
        case 'o':
            return add_step(a, put_o, name);
        case 'e':
            return add_e(a, name);
        }
        return CIT_EINVAL;
    }
    for (size_t i = 0; i < sizeof atoms / sizeof *atoms && atom.n == 1; i++) {
        if (atoms[i].letter == atom.p[0] && (conversion == 's' || (conversion == 'd' && atoms[i].is_number)))
            return add_step(a, atoms[i].put, cit_slice(NULL, 0));
    }
    return CIT_EINVAL;
}

/* One step from the front of a format that is not empty; *used: its bytes. */
static int compile_one(struct cit_access *a, const char *f, size_t *used)
{
    const char *end;
    size_t n = strcspn(f, "%");

    *used = n;
    if (n > 0)
        return add_step(a, put_literal, cit_slice(f, n));
    *used = 2;
    if (f[1] == '%')
        return add_step(a, put_literal, cit_slice(f, 1));
    end = f[1] == '(' ? strchr(f, ')') : NULL;
    if (end == NULL)
        return CIT_EINVAL;
    *used = (size_t)(end - f) + 2;
    return add_atom(a, cit_slice(f + 2, (size_t)(end - f) - 2), end[1]);
}

/* Every step has a '%' at one of its ends, or is the last or the first. */
static size_t most_steps(const char *format)
{
    size_t n = 1;

    for (; *format != '\0'; format++)
        n += *format == '%' ? 2 : 0;
    return n;
}

int cit_access_new(const char *format, bool json, struct cit_access **out, size_t *at)
{
    size_t most = json ? 0 : most_steps(format), used = 0;
    struct cit_access *a = cit_calloc(1, sizeof *a + most * sizeof a->steps[0]);
    int err = CIT_OK;

    if (a == NULL)
        return CIT_ENOMEM;
    cit_buf_init(&a->texts, FORMAT_MAX);
    a->json = json;
    a->zone = INT64_MIN;
    a->memo = &a->zone;
    for (size_t i = 0; !json && err == CIT_OK && format[i] != '\0'; i += used) {
        err = compile_one(a, format + i, &used);
        if (err == CIT_EINVAL)
            *at = i;
    }
    if (err != CIT_OK) {
        cit_access_free(a);
        return err == CIT_ELIMIT ? CIT_ENOMEM : err;
    }
    *out = a;
    return CIT_OK;
}

void cit_access_free(struct cit_access *a)
{
    if (a == NULL)
        return;
    cit_buf_fini(&a->texts);
    cit_free(a);
}

/* ---- JSON ---- */

/* The length of the well-formed UTF-8 sequence at the front of s (RFC 3629 4), 0 for none. */
static size_t utf8_len(struct cit_slice s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n = 0;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xf4)
        n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n == 0 || n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)) /* overlong, surrogates */
        return 0;
    if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) /* overlong, past U+10FFFF */
        return 0;
    return n;
}

/* One character of a JSON string; *taken: how many bytes of s it was.  Returns its length. */
static size_t json_char(struct cit_slice s, char out[8], size_t *taken)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)s.p[0];
    size_t n = utf8_len(s);

    *taken = n > 0 ? n : 1;
    if (c == '"' || c == '\\') {
        memcpy(out, (const char[]){ '\\', (char)c }, 2);
        return 2;
    }
    if (n == 0 || c < 0x20 || c == 0x7f) {
        memcpy(out, (const char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
        return 6;
    }
    memcpy(out, s.p, n);
    return n;
}

/* Before the last character, which may take six bytes, the dots and the quotes. */
#define JSON_MOST (CIT_ACCESS_VALUE_MAX - 6 - 3 - 2)

/* A string with its quotes, null for an empty one. */
static void put_json(struct line *l, struct cit_slice s)
{
    size_t written = 0, i = 0;

    if (s.n == 0) {
        put(l, "null", 4);
        return;
    }
    put_char(l, '"');
    while (i < s.n && written < JSON_MOST && l->err == CIT_OK) {
        size_t left = JSON_MOST - written, taken = 0, n;
        char out[8];

        n = plain_until(cit_slice(s.p, s.n - i < left ? s.n : i + left), i) - i;
        put(l, s.p + i, n);
        i += n;
        written += n;
        if (i == s.n || n > 0)
            continue;
        n = json_char(cit_slice(s.p + i, s.n - i), out, &taken);
        put(l, out, n);
        i += taken;
        written += n;
    }
    if (i < s.n)
        put(l, "...", 3);
    put_char(l, '"');
}

static void put_json_member(struct line *l, const char *key, struct cit_slice value)
{
    put(l, key, strlen(key));
    put_json(l, value);
}

static void put_json_number(struct line *l, const char *key, uint64_t value)
{
    put(l, key, strlen(key));
    put_number(l, value);
}

/* "2026-11-21T11:02:03.004Z" (ISO 8601, RFC 3339 5.6). */
static void put_json_time(struct line *l)
{
    struct civil c = civil_of(seconds_of(l->rec->wall_ns));
    char out[24], *p = out;

    p = digits(p, (uint64_t)c.year, 4);
    *p++ = '-';
    p = digits(p, c.month, 2);
    *p++ = '-';
    p = digits(p, c.day, 2);
    *p++ = 'T';
    p = digits(p, c.hour, 2);
    *p++ = ':';
    p = digits(p, c.minute, 2);
    *p++ = ':';
    p = digits(p, c.second, 2);
    *p++ = '.';
    p = digits(p, not_negative(l->rec->wall_ns) / CIT_MS_NS % 1000, 3);
    *p++ = 'Z';
    put_json_member(l, "{\"time\":", cit_slice(out, (size_t)(p - out)));
}

static void put_json_line(struct line *l)
{
    const struct cit_access_rec *r = l->rec;
    const struct cit_h1_head *h = r->head;

    put_json_time(l);
    put_json_member(l, ",\"remote\":", cit_slice_str(r->remote));
    put_json_member(l, ",\"method\":", h->method);
    put_json_member(l, ",\"path\":", h->path);
    put_json_member(l, ",\"query\":", h->query);
    put_json_member(l, ",\"protocol\":", cit_slice_str(h->minor == 0 ? "HTTP/1.0" : "HTTP/1.1"));
    put_json_number(l, ",\"status\":", not_negative(r->status));
    put_json_number(l, ",\"bytes\":", r->body_bytes);
    put_json_number(l, ",\"duration_us\":", not_negative(r->took_ns) / 1000);
    put_json_member(l, ",\"referer\":", request_field(h, CIT_SLICE_LIT("referer")));
    put_json_member(l, ",\"user_agent\":", request_field(h, CIT_SLICE_LIT("user-agent")));
    put_json_member(l, ",\"host\":", h->host);
    put_json_number(l, ",\"pid\":", not_negative(r->pid));
    put_char(l, '}');
}

/* ---- a line ---- */

int cit_access_line(const struct cit_access *a, const struct cit_access_rec *rec, struct cit_buf *out)
{
    struct line l = { .out = out, .rec = rec, .program = a, .err = CIT_OK };
    size_t before = out->len;

    if (a->json)
        put_json_line(&l);
    for (size_t i = 0; i < a->count && l.err == CIT_OK; i++) {
        const struct step *s = &a->steps[i];

        s->put(&l, cit_slice(s->n > 0 ? a->texts.p + s->at : NULL, s->n));
    }
    if (l.err != CIT_OK)
        out->len = before;
    return l.err;
}
