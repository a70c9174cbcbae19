/* base/err.c - texts of the error codes, and errno values turned into codes. */
#include "base/err.h"

#include <errno.h>

const char *cit_err_text(int err)
{
    switch (err) {
#define CIT_ERR_CASE(name, value, text) \
    case CIT_##name:                    \
        return text;
        CIT_ERR_MAP(CIT_ERR_CASE)
#undef CIT_ERR_CASE
    default: /* any int may come in */
        return "unknown error";
    }
}

struct errno_row {
    int errnum, err;
};

/* Rows, not a switch: EAGAIN and EWOULDBLOCK may share a value and often do. */
static const struct errno_row errno_rows[] = {
    { 0, CIT_OK },
    { ENOMEM, CIT_ENOMEM },
    { ENOBUFS, CIT_ENOMEM },
    { EAGAIN, CIT_EAGAIN },
    { EWOULDBLOCK, CIT_EAGAIN },
    { EINPROGRESS, CIT_EAGAIN },
    { EINTR, CIT_EAGAIN },
    { EPROTO, CIT_EPROTO },
    { EFBIG, CIT_ELIMIT },
    { ENOSPC, CIT_ELIMIT },
    { EDQUOT, CIT_ELIMIT },
    { EMSGSIZE, CIT_ELIMIT },
    { EINVAL, CIT_EINVAL },
    { ENAMETOOLONG, CIT_EINVAL },
    { EAFNOSUPPORT, CIT_EINVAL },
    { ECONNRESET, CIT_ECLOSED },
    { ECONNABORTED, CIT_ECLOSED },
    { ENOTCONN, CIT_ECLOSED },
    { EPIPE, CIT_ECLOSED },
    { ETIMEDOUT, CIT_ETIMEDOUT },
    { EEXIST, CIT_EEXIST },
    { ENOENT, CIT_ENOENT },
    { ENOTDIR, CIT_ENOENT },
    { EACCES, CIT_EACCES },
    { EPERM, CIT_EACCES },
    { EROFS, CIT_EACCES },
    { EADDRINUSE, CIT_EADDRINUSE },
    { EADDRNOTAVAIL, CIT_EADDRNOTAVAIL },
    { EMFILE, CIT_EMFILE },
    { ENFILE, CIT_EMFILE },
};

int cit_err_from_errno(int errnum)
{
    for (unsigned i = 0; i < sizeof errno_rows / sizeof *errno_rows; i++)
        if (errno_rows[i].errnum == errnum)
            return errno_rows[i].err;
    return CIT_EIO;
}
