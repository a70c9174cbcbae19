/* serve/body.c - a queue of bytes whose head lies in memory and whose tail lies in a file.
 *
 * The feeding side alone moves memory about (reset, compact, grow); the reading side only
 * advances mem_at, and fills memory again from the file when memory is empty and the file
 * is not.  In that state nothing is received into memory directly, so neither side pulls
 * memory from under the other.
 */
#include "serve/body.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define FIRST_CAP 4096u /* of a chunked body's memory */
#define SCRAP 4096u
#define FREE_STEP (1u << 20)

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

const char *cit_body_tmp_dir(const char *configured)
{
    const char *env;

    if (configured != NULL)
        return configured;
    env = getenv("TMPDIR");
    return env != NULL && env[0] != '\0' ? env : "/tmp";
}

int cit_body_init(struct cit_body *b, const struct cit_h1_frame *f, const struct cit_body_limits *lim)
{
    uint64_t limit = lim->limit_body > 0 ? lim->limit_body : UINT64_MAX;
    uint64_t memory = lim->body_memory > CIT_BODY_WINDOW ? lim->body_memory : CIT_BODY_WINDOW;

    if (f->kind == CIT_H1_BODY_CLOSE)
        return CIT_EINVAL;
    if (f->kind == CIT_H1_BODY_LENGTH && f->length > limit)
        return CIT_ELIMIT;
    *b = (struct cit_body){
        .want = f->kind == CIT_H1_BODY_LENGTH ? f->length : 0,
        .limit = limit,
        .mem_max = memory > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)memory,
        .tmp_dir = lim->tmp_dir != NULL ? lim->tmp_dir : "/tmp",
        .spill_fd = -1,
        .chunked = f->kind == CIT_H1_BODY_CHUNKED,
    };
    b->complete = !b->chunked && b->want == 0;
    return CIT_OK;
}

void cit_body_fini(struct cit_body *b)
{
    assert(b->owner == NULL);
    cit_free(b->mem);
    if (b->mem_max > 0 && b->spill_fd != -1) /* {0} has no mem_max, and a 0 that is no descriptor */
        (void)close(b->spill_fd);
    *b = (struct cit_body){ .spill_fd = -1, .complete = true };
}

static int give_up(struct cit_body *b, int err)
{
    b->err = err;
    return err;
}

static int give_up_sys(struct cit_body *b, int errnum)
{
    b->sys_errno = errnum;
    return give_up(b, CIT_EIO);
}

/* ---- the temporary file ---- */

/* For file systems without O_TMPFILE: a file whose name is gone at once. */
static int open_named(const char *dir)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/citrate-body-XXXXXX", dir);
    int fd;

    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd != -1)
        (void)unlink(path);
    return fd;
}

static int open_tmp(const char *dir)
{
#ifdef O_TMPFILE
    int fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

    /* An old kernel takes it for an open of the directory itself: EISDIR (open(2)). */
    if (fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
#endif
    return open_named(dir);
}

static bool file_is_empty(const struct cit_body *b)
{
    return b->file_at == b->file_len;
}

static int spill(struct cit_body *b, const char *p, size_t n)
{
    if (b->spill_fd == -1) {
        b->spill_fd = open_tmp(b->tmp_dir);
        if (b->spill_fd == -1)
            return give_up_sys(b, errno);
    }
    if (file_is_empty(b)) /* all of it was read: over the same blocks again */
        b->file_at = b->file_len = b->file_freed = 0;
    while (n > 0) {
        ssize_t w = pwrite(b->spill_fd, p, n, (off_t)b->file_len);

        if (w == -1 && errno == EINTR)
            continue;
        if (w <= 0)
            return give_up_sys(b, w == -1 ? errno : ENOSPC);
        p += w;
        n -= (size_t)w;
        b->file_len += (uint64_t)w;
        b->got += (uint64_t)w;
    }
    return CIT_OK;
}

/* Gives back the blocks that were read, a step at a time: closing a file of 300 MB takes
 * 18 ms on ext4 and 47 on tmpfs, a step 0.06 and 0.16 ms.  Where it can't be done it isn't. */
static void free_read(struct cit_body *b)
{
#ifdef FALLOC_FL_PUNCH_HOLE
    uint64_t n = b->file_at - b->file_freed;

    if (n < FREE_STEP)
        return;
    (void)fallocate(b->spill_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)b->file_freed, (off_t)n);
    b->file_freed = b->file_at;
#else
    (void)b;
#endif
}

/* Memory is empty, the file is not: the next part of it. */
static int refill(struct cit_body *b)
{
    size_t n = least(b->mem_cap, CIT_BODY_WINDOW);
    ssize_t r;

    if (b->file_len - b->file_at < n)
        n = (size_t)(b->file_len - b->file_at);
    do {
        r = pread(b->spill_fd, b->mem, n, (off_t)b->file_at);
    } while (r == -1 && errno == EINTR);
    if (r <= 0)
        return give_up_sys(b, r == -1 ? errno : EIO);
    b->mem_at = 0;
    b->mem_len = (size_t)r;
    b->file_at += (uint64_t)r;
    free_read(b);
    return CIT_OK;
}

/* ---- memory ---- */

size_t cit_body_exact(const struct cit_body *b)
{
    return !b->chunked && b->want <= b->mem_max ? (size_t)b->want : 0;
}

/* A chunked body's memory, at least `need` bytes if it may have them. */
static int grow(struct cit_body *b, size_t need)
{
    size_t cap = b->mem_cap > 0 ? b->mem_cap : FIRST_CAP;
    char *p;

    while (cap < need && cap < b->mem_max)
        cap *= 2;
    cap = least(cap, b->mem_max);
    if (cap == b->mem_cap)
        return CIT_OK;
    p = cit_realloc_array(b->mem, cap, 1);
    if (p == NULL)
        return give_up(b, CIT_ENOMEM);
    b->mem = p;
    b->mem_cap = cap;
    return CIT_OK;
}

/* The first memory of a body of known length: just its size, or a window. */
static int make_first(struct cit_body *b)
{
    size_t cap = cit_body_exact(b) > 0 ? cit_body_exact(b) : CIT_BODY_WINDOW;

    b->mem = cit_malloc(cap);
    if (b->mem == NULL)
        return give_up(b, CIT_ENOMEM);
    b->mem_cap = cap;
    return CIT_OK;
}

/* Free bytes behind mem_len for n more to come, if they can be had: *room may be less. */
static int make_room(struct cit_body *b, size_t n, size_t *room)
{
    int err = CIT_OK;

    if (b->mem_at == b->mem_len)
        b->mem_at = b->mem_len = 0;
    if (b->mem == NULL && !b->chunked)
        err = make_first(b);
    if (b->mem_cap - b->mem_len < n && !b->lent) {
        if (b->mem_at > b->mem_cap / 2) { /* only then: each byte is moved once at most, on average */
            b->mem_len -= b->mem_at;
            memmove(b->mem, b->mem + b->mem_at, b->mem_len);
            b->mem_at = 0;
        }
        if (b->chunked && b->mem_cap - b->mem_len < n)
            err = grow(b, n < b->mem_max - b->mem_len ? b->mem_len + n : b->mem_max);
    }
    *room = b->mem_cap - b->mem_len;
    return err;
}

static int store(struct cit_body *b, const char *p, size_t n)
{
    size_t room = 0;

    if (b->discard) {
        b->got += n;
        b->taken = b->got;
        return CIT_OK;
    }
    if (file_is_empty(b)) {
        int err = make_room(b, n, &room);

        if (err != CIT_OK)
            return err;
        room = least(room, n);
        if (room > 0)
            memcpy(b->mem + b->mem_len, p, room);
        b->mem_len += room;
        b->got += room;
    }
    return room < n ? spill(b, p + room, n - room) : CIT_OK;
}

int cit_body_set_storage(struct cit_body *b, char *mem, size_t cap, void *owner)
{
    if (b->mem != NULL || b->got > 0 || b->complete || b->err != CIT_OK)
        return CIT_ESTATE;
    if (cap == 0 || cap != cit_body_exact(b))
        return CIT_EINVAL;
    b->mem = mem;
    b->mem_cap = cap;
    b->owner = owner;
    return CIT_OK;
}

void *cit_body_take_whole(struct cit_body *b)
{
    if (!b->complete || b->taken > 0)
        return NULL;
    return cit_body_take_owner(b);
}

void *cit_body_take_owner(struct cit_body *b)
{
    void *owner = b->owner;

    if (owner == NULL)
        return NULL;
    b->owner = NULL;
    b->mem = NULL;
    b->mem_at = b->mem_len = b->mem_cap = 0;
    b->lent = false;
    b->taken = b->got; /* storage of an owner holds all there is: such a body has no file */
    if (!b->complete)
        b->discard = true;
    return owner;
}

/* ---- the socket's side ---- */

/* The body has n more bytes, or a chunk of as many was announced. */
static int check_limit(struct cit_body *b, uint64_t n)
{
    return n > b->limit - b->got ? give_up(b, CIT_ELIMIT) : CIT_OK;
}

static int feed_length(struct cit_body *b, const char *in, size_t n, size_t *used)
{
    uint64_t left = b->want - b->got;
    size_t take = left < n ? (size_t)left : n;
    int err = store(b, in, take);

    if (err != CIT_OK)
        return err;
    *used = take;
    b->complete = b->got == b->want;
    return b->complete ? CIT_OK : CIT_EAGAIN;
}

static int keep_chunk(struct cit_body *b, struct cit_slice data)
{
    int err = check_limit(b, data.n);

    if (err == CIT_OK)
        err = store(b, data.p, data.n);
    if (err == CIT_OK)
        err = check_limit(b, b->chunk.left); /* refused when announced, not when it has come */
    return err;
}

static int feed_chunked(struct cit_body *b, const char *in, size_t n, size_t *used)
{
    size_t at = 0;

    while (at < n) {
        struct cit_slice data = { 0 };
        size_t step = 0;
        int state = cit_h1_chunk_read(&b->chunk, in + at, n - at, &step, &data);
        int err;

        if (state == CIT_EPROTO) {
            b->bad = b->chunk.bad;
            return give_up(b, CIT_EPROTO);
        }
        err = keep_chunk(b, data);
        if (err != CIT_OK)
            return err;
        at += step;
        *used = at;
        b->complete = state == CIT_OK;
        if (b->complete)
            return CIT_OK;
    }
    return CIT_EAGAIN;
}

int cit_body_feed(struct cit_body *b, const char *in, size_t n, size_t *used)
{
    *used = 0;
    if (b->err != CIT_OK)
        return b->err;
    if (b->complete)
        return CIT_OK;
    return b->chunked ? feed_chunked(b, in, n, used) : feed_length(b, in, n, used);
}

char *cit_body_space(struct cit_body *b, size_t *n)
{
    uint64_t left = b->want - b->got;
    size_t room = 0;

    if (b->chunked || b->complete || b->discard || b->err != CIT_OK || !file_is_empty(b))
        return NULL;
    /* A failure is sticky, feed will say so.  A scrap of room is not worth a call of recv. */
    if (make_room(b, SCRAP, &room) != CIT_OK || (room < SCRAP && room < left))
        return NULL;
    *n = left < room ? (size_t)left : room;
    return b->mem + b->mem_len;
}

int cit_body_filled(struct cit_body *b, size_t n)
{
    assert(n <= b->mem_cap - b->mem_len && n <= b->want - b->got);
    b->mem_len += n;
    b->got += n;
    b->complete = b->got == b->want;
    if (b->discard) /* asked for while the bytes were on their way */
        cit_body_discard(b);
    return b->complete ? CIT_OK : CIT_EAGAIN;
}

void cit_body_discard(struct cit_body *b)
{
    b->discard = true;
    b->taken = b->got;
    b->mem_at = b->mem_len;
    b->file_at = b->file_len;
    b->lent = false;
}

/* ---- the application's side ---- */

int cit_body_peek(struct cit_body *b, struct cit_slice *out)
{
    b->lent = false;
    if (b->mem_at == b->mem_len && !file_is_empty(b)) {
        int err = refill(b);

        if (err != CIT_OK)
            return err;
    }
    if (b->mem_at == b->mem_len && b->err != CIT_OK)
        return b->err;
    b->lent = b->mem_at < b->mem_len;
    *out = b->lent ? cit_slice(b->mem + b->mem_at, b->mem_len - b->mem_at) : cit_slice(NULL, 0);
    return CIT_OK;
}

void cit_body_skip(struct cit_body *b, size_t n)
{
    if (b->discard)
        return;
    assert(n <= b->mem_len - b->mem_at);
    b->mem_at += n;
    b->taken += n;
    b->lent = false;
}

/* ---- its state ---- */

int64_t cit_body_length(const struct cit_body *b)
{
    if (!b->chunked)
        return (int64_t)b->want;
    return b->complete ? (int64_t)b->got : -1;
}

void cit_body_why(const struct cit_body *b, char out[CIT_BODY_WHY_MAX])
{
    char text[64];

    /* The GNU strerror_r: it may answer with a static text instead of filling ours. */
    (void)snprintf(out, CIT_BODY_WHY_MAX, "the temporary file for a request body in %s: %s", b->tmp_dir,
                   strerror_r(b->sys_errno, text, sizeof text));
}
