/* load/cookie.h - the cookies of one user (RFC 6265, as far as one user of a few sites needs it).
 *
 * Domain and host-only, Path with its default, Secure, Max-Age before Expires, replacement by
 * (name, domain, path), order by length of path then age.  There is no list of public suffixes: a
 * Domain without a dot is refused, others are believed when they fit the host.
 *
 * Depends on: base.
 * Ownership:  the jar owns its cookies.
 * Threads:    one at a time.
 * Limits:     CIT_COOKIES_MAX cookies a jar (the oldest goes), CIT_COOKIE_BYTES_MAX bytes each.
 */
#ifndef CIT_LOAD_COOKIE_H
#define CIT_LOAD_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum { CIT_COOKIES_MAX = 64, CIT_COOKIE_BYTES_MAX = 8192 };

struct cit_cookie; /* cookie.c */

struct cit_jar {              /* {0} is empty and owns nothing */
    struct cit_cookie *first; /* owned; in the order they are sent */
    uint32_t n;
};

void cit_jar_fini(struct cit_jar *jar);

/* Takes one Set-Cookie value from an answer of host (no port; lower case or not) to a request for path.
 * now_s: seconds since 1970.  CIT_OK (also for one that is ignored, as RFC 6265 wants), CIT_ENOMEM (jar as it was). */
CIT_MUST_CHECK int cit_jar_take(struct cit_jar *jar, struct cit_slice value, struct cit_slice host,
                                struct cit_slice path, int64_t now_s);

/* A request that is to have cookies. */
struct cit_cookie_use {
    struct cit_slice host, path; /* no port, no query */
    bool is_secure;              /* https */
    int64_t now_s;               /* since 1970 */
};

/* Appends "a=b; c=d" for a request, nothing when no cookie fits.  CIT_OK, CIT_ELIMIT, CIT_ENOMEM. */
CIT_MUST_CHECK int cit_jar_put(const struct cit_jar *jar, const struct cit_cookie_use *use, struct cit_buf *out);

/* One attribute ("Value", "Expires", "Max-Age", "Domain", "Path", "Secure", "HttpOnly", "SameSite"; any case) of a
 * Set-Cookie value whose cookie is called name.  False when it is another cookie or the attribute is not there;
 * attributes without value give an empty slice. */
bool cit_cookie_attribute(struct cit_slice set_cookie, struct cit_slice name, struct cit_slice attribute,
                          struct cit_slice *out);

#endif
