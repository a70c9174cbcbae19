/* serve/super_pid.c - the pid file: appears whole or not at all, names a live process. */
#include "serve/super_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The pid in a file; 0 when there is none. */
static pid_t read_pid(const char *path)
{
    char text[32];
    char *end;
    long pid;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1)
        return 0;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    pid = strtol(text, &end, 10);
    return end == text || pid <= 0 || pid > INT_MAX ? 0 : (pid_t)pid;
}

/* EPERM: it is somebody else's, but it is. */
static bool is_alive(pid_t pid)
{
    return pid != 0 && pid != getpid() && (kill(pid, 0) == 0 || errno == EPERM);
}

static int write_new(const char *path)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    int err = CIT_OK, fd;

    unlink(path); /* left over by a process of this pid */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd == -1)
        return cit_err_from_errno(errno);
    if (write(fd, text, (size_t)n) != n)
        err = CIT_EIO;
    if (close(fd) == -1)
        err = CIT_EIO;
    return err;
}

/* link(2) refuses an existing name: of two that start at once, one wins.  It fails also
 * on file systems without links, where rename(2) does. */
static int publish(const char *from, const char *path)
{
    if (link(from, path) == 0)
        return CIT_OK;
    if (is_alive(read_pid(path)))
        return CIT_EEXIST;
    return rename(from, path) == -1 ? cit_err_from_errno(errno) : CIT_OK;
}

int cit__super_pid_write(const char *path, struct cit_log *log)
{
    char temp[PATH_MAX];
    int err = CIT_EINVAL;
    int n = snprintf(temp, sizeof temp, "%s.%ld", path, (long)getpid());

    if (n > 0 && (size_t)n < sizeof temp) {
        err = write_new(temp);
        if (err == CIT_OK)
            err = publish(temp, path);
        unlink(temp);
    }
    if (err == CIT_EEXIST)
        cit_log_printf(log, CIT_LOG_ERROR, "already running: process %ld of the pid file %s is alive",
                       (long)read_pid(path), path);
    else if (err != CIT_OK)
        cit_log_printf(log, CIT_LOG_ERROR, "can't write the pid file %s: %s", path, cit_err_text(err));
    return err;
}

void cit__super_pid_remove(const char *path)
{
    if (read_pid(path) == getpid())
        unlink(path);
}
