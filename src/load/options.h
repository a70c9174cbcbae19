/* load/options.h - the command line of citrate-load.
 *
 *      citrate-load -c 64 -d 10s URL   ->   target "URL", over {"users":64,"time":"10s"}, report, live, ...
 *
 * Options that a plan could say, too, become members of a JSON object that is laid over the plan's;
 * there they are checked.  Bare numbers of times are seconds.
 *
 * Depends on: base, load/json.
 * Ownership:  options own `over`; texts are the arguments'.
 * Threads:    one at a time (getopt).
 */
#ifndef CIT_LOAD_OPTIONS_H
#define CIT_LOAD_OPTIONS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum { CIT_OPTIONS_WHY = 400 };

enum cit_options_live { CIT_OPTIONS_AUTO, CIT_OPTIONS_SCREEN, CIT_OPTIONS_LINES, CIT_OPTIONS_OFF };

struct cit_options {
    const char *target; /* a URL, or the path of a plan */
    bool is_url;
    struct cit_buf over; /* JSON */
    const char *report;  /* NULL: none */
    const char *folder;  /* where names in the plan begin; NULL: the plan's own folder */
    const char *name;    /* of the plan in messages; NULL: its path */
    enum cit_options_live live;
    int stream_fd, control_fd; /* -1: none */
    bool is_dry, wants_help, wants_version;
};

/* CIT_OK; CIT_EINVAL with why (no option of that name, no value, two targets, ...); CIT_ENOMEM.  After any of them:
 * cit_options_fini. */
CIT_MUST_CHECK int cit_options_parse(struct cit_options *o, int argc, char **argv, char why[CIT_OPTIONS_WHY]);
void cit_options_fini(struct cit_options *o);

/* What --help tells. */
extern const char cit_options_help[];

#endif
