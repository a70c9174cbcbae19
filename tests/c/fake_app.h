/* tests/c/fake_app.h - an application in C, with a lock in place of an interpreter's.
 *
 *      /            hello                /sleep/N   waits N ms detached
 *      /spin/N      burns N ms attached  /echo      the body, whole
 *      /stream/N    N runs of 1000 bytes /big/N     N bytes, kept by reference
 *      /none        no response          /fail      fails before the head
 *      /read        reads the body in pieces, answers its length
 */
#ifndef FAKE_APP_H
#define FAKE_APP_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/app.h"

struct fake_app {
    pthread_mutex_t gil;
    _Atomic int owners, spawned, running, most_running, interrupted;
    _Atomic bool heavy;
};

static void fake_attach(void *app)
{
    pthread_mutex_lock(&((struct fake_app *)app)->gil);
}

static void fake_detach(void *app)
{
    pthread_mutex_unlock(&((struct fake_app *)app)->gil);
}

static void fake_drop(void *app, void *owner)
{
    ((struct fake_app *)app)->owners--;
    cit_free(owner);
}

static char *fake_body_new(void *app, size_t n, void **owner)
{
    *owner = cit_malloc(n);
    if (*owner != NULL)
        ((struct fake_app *)app)->owners++;
    return *owner;
}

struct fake_start {
    void *app;
    void (*main)(void *arg);
    void *arg;
};

static void *fake_thread(void *arg)
{
    struct fake_start s = *(struct fake_start *)arg;

    free(arg);
    fake_attach(s.app);
    s.main(s.arg);
    fake_detach(s.app);
    return NULL;
}

static int fake_spawn(void *app, const char *name, void (*main)(void *arg), void *arg)
{
    struct fake_start *s = malloc(sizeof *s);
    pthread_t thread;

    (void)name;
    *s = (struct fake_start){ app, main, arg };
    if (pthread_create(&thread, NULL, fake_thread, s) != 0)
        return CIT_ENOMEM;
    pthread_detach(thread);
    ((struct fake_app *)app)->spawned++;
    return CIT_OK;
}

static void fake_heavy(void *app, bool on)
{
    ((struct fake_app *)app)->heavy = on;
}

static void fake_interrupt(void *app, uint64_t ident, struct cit_slice what)
{
    (void)ident;
    (void)what;
    ((struct fake_app *)app)->interrupted++;
}

static uint64_t fake_ident(void *app)
{
    (void)app;
    return 1;
}

static long number_after(struct cit_slice path, const char *prefix)
{
    size_t n = strlen(prefix);
    char digits[16] = "";

    if (path.n < n || memcmp(path.p, prefix, n) != 0 || path.n - n >= sizeof digits)
        return -1;
    memcpy(digits, path.p + n, path.n - n);
    return strtol(digits, NULL, 10);
}

static void text_head(struct cit_req *r)
{
    struct cit_resp_field type = { CIT_SLICE_LIT("Content-Type"), CIT_SLICE_LIT("text/plain") };

    if (cit_resp_head(r, 200, CIT_SLICE_LIT("OK"), &type, 1) != CIT_OK)
        cit_resp_fail(r);
}

static void spin(long ms)
{
    int64_t until = cit_clock_cpu_ns() + ms * CIT_MS_NS;

    while (cit_clock_cpu_ns() < until)
        continue;
}

static void doze(void *app, long ms)
{
    struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

    fake_detach(app);
    nanosleep(&ts, NULL);
    fake_attach(app);
}

static void stream(struct cit_req *r, long runs)
{
    char block[1000];

    memset(block, 's', sizeof block);
    text_head(r);
    for (long i = 0; i < runs; i++)
        if (cit_resp_write(r, block, sizeof block, NULL) != CIT_OK)
            return;
}

static void big(void *app, struct cit_req *r, long n)
{
    void *owner;
    char *p = fake_body_new(app, (size_t)n, &owner);

    memset(p, 'b', (size_t)n);
    text_head(r);
    if (cit_resp_whole(r, p, (size_t)n, owner) != CIT_OK)
        cit_resp_fail(r);
}

static void echo(struct cit_req *r)
{
    char *all = NULL;
    size_t len = 0;
    struct cit_slice s;

    while (cit_req_body_peek(r, &s) == CIT_OK && s.n > 0) {
        all = realloc(all, len + s.n);
        memcpy(all + len, s.p, s.n);
        len += s.n;
        cit_req_body_skip(r, s.n);
    }
    text_head(r);
    if (cit_resp_whole(r, all == NULL ? "" : all, len, NULL) != CIT_OK)
        cit_resp_fail(r);
    free(all);
}

static void read_length(struct cit_req *r)
{
    struct cit_slice s;
    size_t len = 0;
    char text[64];
    int err;

    while ((err = cit_req_body_peek(r, &s)) == CIT_OK && s.n > 0) {
        size_t n = s.n > 7 ? 7 : s.n;

        len += n;
        cit_req_body_skip(r, n);
    }
    text_head(r);
    if (cit_resp_whole(r, text, (size_t)snprintf(text, sizeof text, "%zu %d", len, err), NULL) != CIT_OK)
        cit_resp_fail(r);
}

static void fake_answer(void *app, struct cit_req *r)
{
    struct cit_slice path = cit_req_head(r)->path;
    long n;

    if ((n = number_after(path, "/sleep/")) >= 0)
        doze(app, n);
    if ((n = number_after(path, "/spin/")) >= 0)
        spin(n);
    if (cit_slice_eq(path, CIT_SLICE_LIT("/none")))
        return;
    if (cit_slice_eq(path, CIT_SLICE_LIT("/fail"))) {
        cit_resp_fail(r);
    } else if (cit_slice_eq(path, CIT_SLICE_LIT("/echo"))) {
        echo(r);
    } else if (cit_slice_eq(path, CIT_SLICE_LIT("/read"))) {
        read_length(r);
    } else if ((n = number_after(path, "/stream/")) >= 0) {
        stream(r, n);
    } else if ((n = number_after(path, "/big/")) >= 0) {
        big(app, r, n);
    } else {
        text_head(r);
        if (cit_resp_whole(r, "hello", 5, NULL) != CIT_OK)
            cit_resp_fail(r);
    }
}

static void fake_call(void *app, struct cit_req *r)
{
    struct fake_app *f = app;
    int running = ++f->running;

    if (running > f->most_running)
        f->most_running = running;
    fake_answer(app, r);
    f->running--;
}

static const struct cit_app_ops fake_ops = {
    .attach = fake_attach,
    .detach = fake_detach,
    .call = fake_call,
    .drop = fake_drop,
    .body_new = fake_body_new,
    .spawn = fake_spawn,
    .heavy = fake_heavy,
    .interrupt = fake_interrupt,
    .ident = fake_ident,
};

#endif
