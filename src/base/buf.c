/* base/buf.c - a growing byte buffer with a hard bound. */
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define FIRST_CAP 256
#define FILE_STEP 65536 /* bytes of one read */

void cit_buf_init(struct cit_buf *b, size_t max)
{
    *b = (struct cit_buf){ .max = max };
}

void cit_buf_fini(struct cit_buf *b)
{
    cit_free(b->p);
    *b = (struct cit_buf){ 0 };
}

void cit_buf_release(struct cit_buf *b)
{
    size_t max = b->max;

    cit_buf_fini(b);
    b->max = max;
}

/* The first capacity of 256, 512, ... that holds need bytes, but at most max. */
static size_t cap_for(const struct cit_buf *b, size_t need)
{
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAP;

    while (cap < need && cap <= b->max / 2)
        cap *= 2;
    return cap < need || cap > b->max ? b->max : cap;
}

int cit_buf_reserve(struct cit_buf *b, size_t n)
{
    size_t cap;
    char *p;

    if (n <= b->cap - b->len)
        return CIT_OK;
    if (b->len > b->max || n > b->max - b->len)
        return CIT_ELIMIT;
    cap = cap_for(b, b->len + n);
    p = cit_realloc_array(b->p, cap, 1);
    if (p == NULL)
        return CIT_ENOMEM;
    b->p = p;
    b->cap = cap;
    return CIT_OK;
}

int cit_buf_add(struct cit_buf *b, const void *p, size_t n)
{
    int err = cit_buf_reserve(b, n);

    if (err != CIT_OK)
        return err;
    if (n > 0)
        memcpy(b->p + b->len, p, n);
    b->len += n;
    return CIT_OK;
}

int cit_buf_add_slice(struct cit_buf *b, struct cit_slice s)
{
    return cit_buf_add(b, s.p, s.n);
}

int cit_buf_add_str(struct cit_buf *b, const char *str)
{
    return cit_buf_add(b, str, strlen(str));
}

int cit_buf_add_u64(struct cit_buf *b, unsigned long long value)
{
    char digits[20]; /* 2^64 - 1 has 20 */
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return cit_buf_add(b, digits + at, sizeof digits - at);
}

/* A text that did not fit the small buffer of cit_buf_printf. */
static int CIT_PRINTF(3, 0) add_long(struct cit_buf *b, size_t n, const char *fmt, va_list args)
{
    char *text;
    int err;

    if (b->len > b->max || n > b->max - b->len)
        return CIT_ELIMIT;
    text = cit_malloc(n + 1);
    if (text == NULL)
        return CIT_ENOMEM;
    (void)vsnprintf(text, n + 1, fmt, args);
    err = cit_buf_add(b, text, n);
    cit_free(text);
    return err;
}

/* By way of a second buffer, since vsnprintf wants room for a NUL that the bound
 * may not leave. */
int cit_buf_printf(struct cit_buf *b, const char *fmt, ...)
{
    char small[512];
    va_list args;
    int n, err;

    va_start(args, fmt);
    n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n < 0)
        return CIT_EINVAL;
    if ((size_t)n < sizeof small)
        return cit_buf_add(b, small, (size_t)n);
    va_start(args, fmt);
    err = add_long(b, (size_t)n, fmt, args);
    va_end(args);
    return err;
}

/* Reads up to the bound, and at the bound one byte more, to know whether the file goes on. */
static int read_step(struct cit_buf *b, int fd, ssize_t *got)
{
    size_t room = b->max - b->len < FILE_STEP ? b->max - b->len : FILE_STEP;
    int err = cit_buf_reserve(b, room);
    char more;

    if (err != CIT_OK)
        return err;
    *got = room > 0 ? read(fd, b->p + b->len, room) : read(fd, &more, 1);
    if (*got < 0)
        return cit_err_from_errno(errno);
    if (*got > 0 && room == 0)
        return CIT_ELIMIT;
    b->len += (size_t)*got;
    return CIT_OK;
}

int cit_buf_add_file(struct cit_buf *b, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = CIT_OK, errnum;
    size_t before = b->len;
    ssize_t got = 1;

    if (fd == -1)
        return cit_err_from_errno(errno);
    while (got > 0 && err == CIT_OK)
        err = read_step(b, fd, &got);
    if (err != CIT_OK)
        b->len = before;
    errnum = errno;
    close(fd);
    errno = errnum;
    return err;
}

void cit_buf_consume(struct cit_buf *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
        return;
    }
    if (n == 0)
        return;
    b->len -= n;
    memmove(b->p, b->p + n, b->len);
}
