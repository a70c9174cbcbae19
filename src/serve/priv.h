/* serve/priv.h - giving up privileges: user, groups, umask.
 *
 * Depends on: serve/{conf,log}.
 * Threads:    one; called in a worker before it loads the application.
 */
#ifndef CIT_SERVE_PRIV_H
#define CIT_SERVE_PRIV_H

#include "serve/conf.h"
#include "serve/log.h"

/* Becomes conf's uid, gid (the user's own group if only a user is named; the user's other
 * groups too) and umask; -1 leaves each as it is.  Not to be undone.  CIT_OK, or CIT_EACCES
 * (logged): the process may then be halfway and must leave. */
CIT_MUST_CHECK int cit_priv_drop(const struct cit_conf *conf, struct cit_log *log);

#endif
