/* http/h1_write.c - heads, chunks and dates, written. */
#include "http/h1_write.h"

#include <string.h>

#include "http/h1_class.h"

/* status, phrase: the IANA registry as of RFC 9110, without "(Unused)" rows */
#define STATUS_MAP(X)                         \
    X(100, "Continue")                        \
    X(101, "Switching Protocols")             \
    X(102, "Processing")                      \
    X(103, "Early Hints")                     \
    X(200, "OK")                              \
    X(201, "Created")                         \
    X(202, "Accepted")                        \
    X(203, "Non-Authoritative Information")   \
    X(204, "No Content")                      \
    X(205, "Reset Content")                   \
    X(206, "Partial Content")                 \
    X(207, "Multi-Status")                    \
    X(208, "Already Reported")                \
    X(226, "IM Used")                         \
    X(300, "Multiple Choices")                \
    X(301, "Moved Permanently")               \
    X(302, "Found")                           \
    X(303, "See Other")                       \
    X(304, "Not Modified")                    \
    X(305, "Use Proxy")                       \
    X(307, "Temporary Redirect")              \
    X(308, "Permanent Redirect")              \
    X(400, "Bad Request")                     \
    X(401, "Unauthorized")                    \
    X(402, "Payment Required")                \
    X(403, "Forbidden")                       \
    X(404, "Not Found")                       \
    X(405, "Method Not Allowed")              \
    X(406, "Not Acceptable")                  \
    X(407, "Proxy Authentication Required")   \
    X(408, "Request Timeout")                 \
    X(409, "Conflict")                        \
    X(410, "Gone")                            \
    X(411, "Length Required")                 \
    X(412, "Precondition Failed")             \
    X(413, "Content Too Large")               \
    X(414, "URI Too Long")                    \
    X(415, "Unsupported Media Type")          \
    X(416, "Range Not Satisfiable")           \
    X(417, "Expectation Failed")              \
    X(421, "Misdirected Request")             \
    X(422, "Unprocessable Content")           \
    X(423, "Locked")                          \
    X(424, "Failed Dependency")               \
    X(425, "Too Early")                       \
    X(426, "Upgrade Required")                \
    X(428, "Precondition Required")           \
    X(429, "Too Many Requests")               \
    X(431, "Request Header Fields Too Large") \
    X(451, "Unavailable For Legal Reasons")   \
    X(500, "Internal Server Error")           \
    X(501, "Not Implemented")                 \
    X(502, "Bad Gateway")                     \
    X(503, "Service Unavailable")             \
    X(504, "Gateway Timeout")                 \
    X(505, "HTTP Version Not Supported")      \
    X(506, "Variant Also Negotiates")         \
    X(507, "Insufficient Storage")            \
    X(508, "Loop Detected")                   \
    X(510, "Not Extended")                    \
    X(511, "Network Authentication Required")

const char *cit_http_reason(int status)
{
    switch (status) {
#define STATUS_CASE(code, phrase) \
    case code:                    \
        return phrase;
        STATUS_MAP(STATUS_CASE)
#undef STATUS_CASE
    default: /* any number may come in */
        return "";
    }
}

static bool all(struct cit_slice s, unsigned bits)
{
    for (size_t i = 0; i < s.n; i++)
        if (!cit__is(s.p[i], bits))
            return false;
    return true;
}

bool cit_http_is_token(struct cit_slice s)
{
    return s.n > 0 && all(s, CIT__TOKEN);
}

bool cit_http_is_field_value(struct cit_slice s)
{
    return all(s, CIT__VALUE);
}

bool cit_field_is_hop_by_hop(enum cit_field_id id)
{
    switch ((unsigned)id) {
    case CIT_FIELD_CONNECTION:
    case CIT_FIELD_KEEP_ALIVE:
    case CIT_FIELD_PROXY_AUTHENTICATE:
    case CIT_FIELD_PROXY_AUTHORIZATION:
    case CIT_FIELD_TE:
    case CIT_FIELD_TRAILER:
    case CIT_FIELD_TRAILERS: /* RFC 2616 13.5.1 has the name by mistake, and wsgiref after it */
    case CIT_FIELD_TRANSFER_ENCODING:
    case CIT_FIELD_UPGRADE:
        return true;
    default: /* every other field goes end to end */
        return false;
    }
}

/* ---- heads ---- */

/* Appends where room was reserved. */
static void put(struct cit_buf *b, const char *p, size_t n)
{
    if (n > 0)
        memcpy(b->p + b->len, p, n);
    b->len += n;
}

int cit_h1_write_status(struct cit_buf *b, int status, struct cit_slice reason)
{
    char line[] = "HTTP/1.1 000 ";
    int err;

    if (status < 100 || status > 999)
        return CIT_EINVAL;
    err = cit_buf_reserve(b, sizeof line - 1 + reason.n + 2);
    if (err != CIT_OK)
        return err;
    line[9] = (char)('0' + status / 100);
    line[10] = (char)('0' + status / 10 % 10);
    line[11] = (char)('0' + status % 10);
    put(b, line, sizeof line - 1);
    put(b, reason.p, reason.n);
    put(b, "\r\n", 2);
    return CIT_OK;
}

int cit_h1_write_field(struct cit_buf *b, struct cit_slice name, struct cit_slice value)
{
    int err = cit_buf_reserve(b, name.n + 2 + value.n + 2);

    if (err != CIT_OK)
        return err;
    put(b, name.p, name.n);
    put(b, ": ", 2);
    put(b, value.p, value.n);
    put(b, "\r\n", 2);
    return CIT_OK;
}

int cit_h1_write_request(struct cit_buf *b, struct cit_slice method, struct cit_slice target)
{
    static const char version[] = " HTTP/1.1\r\n";
    int err = cit_buf_reserve(b, method.n + 1 + target.n + sizeof version - 1);

    if (err != CIT_OK)
        return err;
    put(b, method.p, method.n);
    put(b, " ", 1);
    put(b, target.p, target.n);
    put(b, version, sizeof version - 1);
    return CIT_OK;
}

/* ---- chunks ---- */

size_t cit_h1_chunk_head(char out[CIT_H1_CHUNK_HEAD_MAX], uint64_t n)
{
    size_t digits = 1, at;

    for (uint64_t rest = n >> 4; rest > 0; rest >>= 4)
        digits++;
    for (at = digits; at > 0; n >>= 4)
        out[--at] = "0123456789abcdef"[n & 15];
    out[digits] = '\r';
    out[digits + 1] = '\n';
    return digits + 2;
}

int cit_h1_write_last_chunk(struct cit_buf *b, const struct cit_h1_field *trailers, size_t count)
{
    size_t start = b->len;
    int err = cit_buf_add_str(b, "0\r\n");

    for (size_t i = 0; err == CIT_OK && i < count; i++)
        err = cit_h1_write_field(b, cit_slice(trailers[i].name, trailers[i].name_n),
                                 cit_slice(trailers[i].value, trailers[i].value_n));
    if (err == CIT_OK)
        err = cit_buf_add_str(b, "\r\n");
    if (err != CIT_OK)
        b->len = start;
    return err;
}

/* ---- dates ---- */

static void two_digits(char *out, int64_t value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days of the proleptic Gregorian calendar before 1 January of a year >= 1. */
static int64_t days_before(int64_t year)
{
    int64_t past = year - 1;

    return past * 365 + past / 4 - past / 100 + past / 400;
}

/* Turns days since 1970-01-01 into a year, a month from 0 and a day from 0. */
static void civil(int64_t days, int64_t *year, int *month, int64_t *day)
{
    static const signed char month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t since = days + days_before(1970), y = since * 400 / 146097 + 1; /* right, or one late */
    int m = 0;

    while (days_before(y) > since)
        y--;
    while (days_before(y + 1) <= since)
        y++;
    since -= days_before(y);
    for (; m < 11; m++) {
        int64_t n = month_days[m] + (m == 1 && is_leap(y) ? 1 : 0);

        if (since < n)
            break;
        since -= n;
    }
    *year = y;
    *month = m;
    *day = since;
}

void cit_http_date(int64_t unix_seconds, char out[CIT_HTTP_DATE_LEN + 1])
{
    static const char weekdays[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const int64_t last = 253402300799; /* 9999-12-31T23:59:59Z */
    int64_t at = unix_seconds < 0 ? 0 : unix_seconds > last ? last : unix_seconds;
    int64_t days = at / 86400, second = at % 86400, year, day;
    int month;

    civil(days, &year, &month, &day);
    memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", CIT_HTTP_DATE_LEN + 1);
    memcpy(out, weekdays + days % 7 * 3, 3);
    two_digits(out + 5, day + 1);
    memcpy(out + 8, months + month * 3, 3);
    two_digits(out + 12, year / 100);
    two_digits(out + 14, year % 100);
    two_digits(out + 17, second / 3600);
    two_digits(out + 20, second / 60 % 60);
    two_digits(out + 23, second % 60);
}
