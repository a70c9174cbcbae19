/* serve/out.c - the queue of bytes to one peer; see out.h. */
#include "serve/out.h"

#include <limits.h>
#include <sys/uio.h>

#include "base/mem.h"
#include "net/sock.h"

enum {
    KEEP_CAP = 65536, /* a buffer larger than this is given back on reset */
    IOV_MOST = 64
};

void cit_out_init(struct cit_out *o)
{
    *o = (struct cit_out){ 0 };
    cit_buf_init(&o->buf, CIT_OUT_MAX);
}

static void drop_owner(struct cit_out_seg *s, cit_out_drop drop, void *ctx)
{
    if (s->owner != NULL)
        drop(ctx, s->owner);
    s->owner = NULL;
}

void cit_out_reset(struct cit_out *o, cit_out_drop drop, void *ctx)
{
    for (uint32_t i = o->first; i < o->nseg; i++)
        drop_owner(&o->seg[i], drop, ctx);
    o->nseg = o->first = 0;
    o->open = o->sent = 0;
    if (o->buf.cap > KEEP_CAP)
        cit_buf_release(&o->buf);
    o->buf.len = 0;
}

void cit_out_fini(struct cit_out *o, cit_out_drop drop, void *ctx)
{
    cit_out_reset(o, drop, ctx);
    cit_buf_fini(&o->buf);
    cit_free(o->seg);
    o->seg = NULL;
    o->cap = 0;
}

bool cit_out_is_empty(const struct cit_out *o)
{
    return o->first == o->nseg && (o->nseg == 0 ? o->sent : o->open) == o->buf.len;
}

uint64_t cit_out_left(const struct cit_out *o)
{
    uint64_t left = o->buf.len - (o->nseg == 0 ? o->sent : o->open);

    for (uint32_t i = o->first; i < o->nseg; i++)
        left += o->seg[i].n;
    return left;
}

/* Room for two more segments: one for the open end of buf, one for the caller. */
static int room(struct cit_out *o)
{
    uint32_t cap = o->cap == 0 ? 8 : o->cap * 2;
    struct cit_out_seg *seg;

    if (o->nseg + 2 <= o->cap)
        return CIT_OK;
    seg = cit_realloc_array(o->seg, cap, sizeof *seg);
    if (seg == NULL)
        return CIT_ENOMEM;
    o->seg = seg;
    o->cap = cap;
    return CIT_OK;
}

/* Makes what lies in buf behind `open` a segment of its own. */
static void close_open_end(struct cit_out *o)
{
    size_t from = o->nseg == 0 ? o->sent : o->open;

    if (from < o->buf.len)
        o->seg[o->nseg++] = (struct cit_out_seg){ .kind = CIT_OUT_BUF, .at = (int64_t)from, .n = o->buf.len - from };
    o->open = o->buf.len;
}

int cit_out_add_mem(struct cit_out *o, const char *p, size_t n, void *owner)
{
    if (room(o) != CIT_OK)
        return CIT_ENOMEM;
    close_open_end(o);
    o->seg[o->nseg++] = (struct cit_out_seg){ .kind = CIT_OUT_MEM, .p = p, .n = n, .owner = owner };
    return CIT_OK;
}

int cit_out_add_file(struct cit_out *o, int fd, int64_t offset, uint64_t n, void *owner)
{
    if (room(o) != CIT_OK)
        return CIT_ENOMEM;
    close_open_end(o);
    o->seg[o->nseg++] = (struct cit_out_seg){ .kind = CIT_OUT_FILE, .fd = fd, .at = offset, .n = n, .owner = owner };
    return CIT_OK;
}

static int send_plain(struct cit_out *o, int fd)
{
    while (o->sent < o->buf.len) {
        int64_t n = cit_sock_send(fd, o->buf.p + o->sent, o->buf.len - o->sent);

        if (n < 0)
            return (int)n;
        o->sent += (size_t)n;
    }
    return CIT_OK;
}

/* Memory segments from the first on, up to a file. */
static int gather(const struct cit_out *o, struct iovec *iov)
{
    int count = 0;

    for (uint32_t i = o->first; i < o->nseg && count < IOV_MOST; i++) {
        const struct cit_out_seg *s = &o->seg[i];

        if (s->kind == CIT_OUT_FILE)
            break;
        iov[count].iov_base = s->kind == CIT_OUT_BUF ? o->buf.p + s->at : (char *)(uintptr_t)s->p;
        iov[count++].iov_len = s->n;
    }
    return count;
}

static void taken(struct cit_out *o, uint64_t n, cit_out_drop drop, void *ctx)
{
    while (n > 0) {
        struct cit_out_seg *s = &o->seg[o->first];
        uint64_t part = n < s->n ? n : s->n;

        s->n -= part;
        n -= part;
        if (s->kind == CIT_OUT_BUF)
            s->at += (int64_t)part;
        else
            s->p += part;
        if (s->n > 0)
            return;
        drop_owner(s, drop, ctx);
        o->first++;
    }
}

static int send_memory(struct cit_out *o, int fd, cit_out_drop drop, void *ctx)
{
    struct iovec iov[IOV_MOST];
    int count = gather(o, iov);
    bool file_follows = o->first + (uint32_t)count < o->nseg;
    int64_t n = file_follows ? cit_sock_sendv_more(fd, iov, count) : cit_sock_sendv(fd, iov, count);

    if (n < 0)
        return (int)n;
    taken(o, (uint64_t)n, drop, ctx);
    return CIT_OK;
}

static int send_file(struct cit_out *o, int fd, cit_out_drop drop, void *ctx, size_t *turn)
{
    struct cit_out_seg *s = &o->seg[o->first];
    size_t most = s->n < *turn ? (size_t)s->n : *turn;
    int64_t n;

    o->paused = *turn == 0;
    if (o->paused)
        return CIT_EAGAIN;
    n = s->n == 0 ? 0 : cit_sock_sendfile(fd, s->fd, &s->at, most);
    if (n < 0)
        return (int)n;
    *turn -= (size_t)n;
    s->n -= (uint64_t)n;
    if (s->n > 0)
        return CIT_OK;
    drop_owner(s, drop, ctx);
    o->first++;
    return CIT_OK;
}

int cit_out_send(struct cit_out *o, int fd, cit_out_drop drop, void *ctx)
{
    size_t turn = CIT_OUT_TURN;
    int err = CIT_OK;

    o->paused = false;
    if (o->nseg == 0)
        return send_plain(o, fd);
    if (room(o) != CIT_OK)
        return CIT_EIO;
    close_open_end(o);
    while (err == CIT_OK && o->first < o->nseg)
        err =
            o->seg[o->first].kind == CIT_OUT_FILE ? send_file(o, fd, drop, ctx, &turn) : send_memory(o, fd, drop, ctx);
    if (err == CIT_OK) {
        o->nseg = o->first = 0;
        o->open = o->sent = o->buf.len = 0;
    }
    return err;
}
