/* load/cookie_int.h - what the files of cookies share.
 *
 * Depends on: base/slice.
 * Threads:    any.
 */
#ifndef CIT_LOAD_COOKIE_INT_H
#define CIT_LOAD_COOKIE_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* A date in any of the forms servers write it in (RFC 6265 5.1.1), as seconds since 1970; false when it is none. */
bool cit__cookie_date(struct cit_slice text, int64_t *out_s);

#endif
