/* base/thread.c - a thread's state, read from /proc; see thread.h. */
#include "base/thread.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif

int64_t cit_thread_id(void)
{
#ifdef __linux__
    return syscall(SYS_gettid);
#else
    return -1;
#endif
}

bool cit_thread_is_runnable(int64_t id)
{
    char text[256];
    const char *end;
    ssize_t n;
    int fd;

    snprintf(text, sizeof text, "/proc/self/task/%lld/stat", (long long)id);
    fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return false;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    end = strrchr(text, ')'); /* the name before it may hold anything */
    return end != NULL && end[1] == ' ' && end[2] == 'R';
}
