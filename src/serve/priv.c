/* serve/priv.c - giving up privileges, groups first: afterwards there is no right to. */
#include "serve/priv.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct cit_log *log, const char *what, int64_t id)
{
    cit_log_printf(log, CIT_LOG_ERROR, "can't change to %s %lld: %s", what, (long long)id, strerror(errno));
    return CIT_EACCES;
}

/* A user named without a group brings its own; to keep root's would keep its files open. */
static int64_t group_of(const struct cit_conf *conf, const struct passwd *pw)
{
    return conf->gid == -1 && pw != NULL ? (int64_t)pw->pw_gid : conf->gid;
}

static int drop_groups(const char *user, int64_t gid, struct cit_log *log)
{
    gid_t group = (gid_t)gid;

    if (user != NULL) {
        if (initgroups(user, group) == -1)
            return refuse(log, "the groups of the user, and group", gid);
    } else if (setgroups(1, &group) == -1) {
        return refuse(log, "group", gid);
    }
    return setgid(group) == -1 ? refuse(log, "group", gid) : CIT_OK;
}

static int drop_user(int64_t uid, struct cit_log *log)
{
    if (setuid((uid_t)uid) == -1)
        return refuse(log, "user", uid);
    if (uid != 0 && setuid(0) == 0) {
        cit_log_printf(log, CIT_LOG_ERROR, "user %lld could become root again", (long long)uid);
        return CIT_EACCES;
    }
    return CIT_OK;
}

int cit_priv_drop(const struct cit_conf *conf, struct cit_log *log)
{
    const bool new_user = conf->uid != -1 && (uid_t)conf->uid != geteuid();
    const struct passwd *pw = new_user ? getpwuid((uid_t)conf->uid) : NULL;
    const char *user = conf->user_name != NULL ? conf->user_name : pw != NULL ? pw->pw_name : NULL;
    int64_t gid = group_of(conf, pw);
    int err = CIT_OK;

    if (conf->umask != -1)
        umask((mode_t)conf->umask);
    if (gid != -1 && (new_user || (gid_t)gid != getegid()))
        err = drop_groups(user, gid, log);
    if (err == CIT_OK && new_user)
        err = drop_user(conf->uid, log);
    return err;
}
