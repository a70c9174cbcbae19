/* base/thread.c - a thread's state, read from /proc; see thread.h. */
#include "base/thread.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

/* What of a file of proc(5) fits, as text; false when it can't be read. */
static bool read_text(const char *path, char *text, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd == -1)
        return false;
    n = read(fd, text, cap - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

bool cit_thread_is_runnable(int64_t id)
{
    char path[64], text[256];
    const char *end;

    snprintf(path, sizeof path, "/proc/self/task/%lld/stat", (long long)id);
    if (!read_text(path, text, sizeof text))
        return false;
    end = strrchr(text, ')'); /* the name before it may hold anything */
    return end != NULL && end[1] == ' ' && end[2] == 'R';
}

int64_t cit_thread_delay_ns(void)
{
    char text[96];
    const char *second;

    if (!read_text("/proc/thread-self/schedstat", text, sizeof text))
        return 0;
    second = strchr(text, ' '); /* the first is time on the CPU, the third how often */
    return second == NULL ? 0 : strtoll(second, NULL, 10);
}
