/* base/err.h - the error codes of every C module, and their texts.
 *
 * A function that can fail returns int: CIT_OK (0) or one of these negative
 * codes; some return a non-negative count instead of CIT_OK and say so.
 *
 * Depends on: nothing.
 * Threads:    any.
 */
#ifndef CIT_BASE_ERR_H
#define CIT_BASE_ERR_H

#define CIT_ERR_MAP(X)                                       \
    X(OK, 0, "no error")                                     \
    X(ENOMEM, -1, "out of memory")                           \
    X(EAGAIN, -2, "not ready yet, or more input is needed")  \
    X(EPROTO, -3, "the peer broke the protocol")             \
    X(ELIMIT, -4, "a limit was reached")                     \
    X(EINVAL, -5, "an argument is not valid")                \
    X(EIO, -6, "input or output failed")                     \
    X(ECLOSED, -7, "the peer closed the connection")         \
    X(ETIMEDOUT, -8, "the time allowed is over")             \
    X(EEXIST, -9, "it exists already")                       \
    X(ENOENT, -10, "no such file, name or address")          \
    X(EACCES, -11, "permission denied")                      \
    X(EADDRINUSE, -12, "the address is already in use")      \
    X(EADDRNOTAVAIL, -13, "the address does not exist here") \
    X(EMFILE, -14, "no file descriptors are left")           \
    X(EAPP, -15, "the application failed")                   \
    X(ESTATE, -16, "not allowed in this state")

enum cit_err {
#define CIT_ERR_ENUM(name, value, text) CIT_##name = (value),
    CIT_ERR_MAP(CIT_ERR_ENUM)
#undef CIT_ERR_ENUM
};

#define CIT_MUST_CHECK __attribute__((warn_unused_result))
#define CIT_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

/* The text of a code, static; "unknown error" for anything else. */
const char *cit_err_text(int err);

/* The code that stands for an errno value; CIT_EIO where none fits better. */
int cit_err_from_errno(int errnum);

#endif
