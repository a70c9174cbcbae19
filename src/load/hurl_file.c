/* load/hurl_file.c - files that a journey names, read at once. */
#include "load/journey_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_open(int fd, struct cit_arena *a, struct cit_slice *out, const char **why)
{
    struct stat st;
    size_t n = 0;
    bool is_full;
    char *p;

    *why = "it is no ordinary file";
    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
        return CIT_ENOENT;
    *why = "it is larger than 16 MiB";
    if (st.st_size > CIT_JOURNEY_FILE_MAX)
        return CIT_ELIMIT;
    *why = "the journeys need more memory than a plan may have";
    p = cit_arena_take(a, (size_t)st.st_size + 1, &is_full);
    if (p == NULL)
        return is_full ? CIT_ELIMIT : CIT_ENOMEM;
    while (n < (size_t)st.st_size) {
        ssize_t got = read(fd, p + n, (size_t)st.st_size - n);

        if (got == -1 && errno == EINTR)
            continue;
        *why = "it can't be read";
        if (got == -1)
            return CIT_ENOENT;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    p[n] = '\0';
    *out = cit_slice(p, n);
    return CIT_OK;
}

int cit__hurl_read_file(struct cit_arena *a, const char *path, struct cit_slice *out, const char **why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err; /* a FIFO would be waited for */

    if (fd == -1) {
        *why = errno == EACCES ? "it may not be read" : "there is no such file";
        return CIT_ENOENT;
    }
    err = read_open(fd, a, out, why);
    (void)close(fd);
    return err;
}

/* As in stock hurl: nothing outside the journey's folder. */
static bool leaves_folder(struct cit_slice name)
{
    struct cit_slice part;

    if (name.n > 0 && name.p[0] == '/')
        return true;
    while (cit_slice_split(&name, '/', &part))
        if (cit_slice_eq(part, CIT_SLICE_LIT("..")))
            return true;
    return false;
}

/* The folder of the journey and the name, as a C string. */
static char *path_of(struct cit__hurl *h, struct cit_slice name, int *err)
{
    const char *slash = memrchr(h->path.p, '/', h->path.n);
    size_t folder = slash != NULL ? (size_t)(slash + 1 - h->path.p) : 0;
    char *path = cit__hurl_take(h, folder + name.n + 1, err);

    if (path == NULL)
        return NULL;
    memcpy(path, h->path.p, folder);
    memcpy(path + folder, name.p, name.n);
    path[folder + name.n] = '\0';
    return path;
}

int cit__hurl_file(struct cit__hurl *h, struct cit_slice *name, struct cit_slice *bytes)
{
    const char *at, *why = "";
    char *path;
    int err;

    h->p += sizeof "file," - 1;
    cit__hurl_skip_sp(h);
    at = h->p;
    err = cit__hurl_fixed(h, CIT__FILE, "the name of a file", name);
    if (err != CIT_OK)
        return err;
    if (name->n == 0)
        return cit__hurl_expected(h, at, "the name of a file");
    cit__hurl_skip_sp(h);
    if (h->p == h->end || *h->p != ';')
        return cit__hurl_expected(h, h->p, "; behind the name of the file");
    h->p++;
    if (h->path.n == 0)
        return cit__hurl_fault(h, at, CIT_EINVAL, "this journey is in no folder, so it can name no files");
    if (leaves_folder(*name) || memchr(name->p, '\0', name->n) != NULL)
        return cit__hurl_fault(h, at, CIT_EINVAL, "%s is not inside the folder of the journey",
                               cit__hurl_show(*name).text);
    path = path_of(h, *name, &err);
    if (path == NULL)
        return err;
    err = cit__hurl_read_file(h->m.arena, path, bytes, &why);
    if (err == CIT_ENOENT || err == CIT_ELIMIT)
        return cit__hurl_fault(h, at, err, "%s: %s", cit__hurl_show(*name).text, why);
    return err;
}
