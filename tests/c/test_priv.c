/* Tests of serve/priv.c: what a process may no longer do.  Each runs in a process of its own,
 * whose status names the check that failed; only root can give anything up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/wait.h>

#include "serve/priv.c"

static struct cit_conf conf;
static struct cit_log *quiet;

static int set_up(void **state)
{
    const char *bad;

    (void)state;
    cit_conf_defaults(&conf);
    return cit_log_new(NULL, NULL, CIT_LOG_ERROR, &quiet, &bad);
}

static int tear_down(void **state)
{
    (void)state;
    cit_log_free(quiet);
    return 0;
}

/* What the checks of a child say: 0, or the number of the one that failed. */
static int outcome(int (*check)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(check());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int check_nothing(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();

    umask(027);
    if (cit_priv_drop(&conf, quiet) != CIT_OK)
        return 1;
    return geteuid() == uid && getegid() == gid && umask(0) == 027 ? 0 : 2;
}

static void without_settings_everything_stays(void **state)
{
    (void)state;
    assert_int_equal(outcome(check_nothing), 0);
}

static int check_self(void)
{
    conf.uid = (int64_t)geteuid();
    conf.gid = (int64_t)getegid();
    conf.umask = 077;
    if (cit_priv_drop(&conf, quiet) != CIT_OK)
        return 1;
    return umask(0) == 077 ? 0 : 2;
}

static void to_stay_who_one_is_needs_no_rights(void **state)
{
    (void)state;
    assert_int_equal(outcome(check_self), 0);
}

static int check_drop(void)
{
    gid_t groups[64];

    conf.uid = 65534;
    conf.gid = 12345;
    if (cit_priv_drop(&conf, quiet) != CIT_OK)
        return 1;
    if (getuid() != 65534 || geteuid() != 65534 || getgid() != 12345 || getegid() != 12345)
        return 2;
    for (int i = 0, n = getgroups(64, groups); i < n; i++)
        if (groups[i] == 0)
            return 3;
    if (setuid(0) == 0 || setgid(0) == 0)
        return 4;
    conf.uid = 1; /* and nobody else can be become either */
    return cit_priv_drop(&conf, quiet) == CIT_EACCES ? 0 : 5;
}

static void root_becomes_another_and_never_root_again(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(outcome(check_drop), 0);
}

static int check_own_group(void)
{
    const struct passwd *pw = getpwuid(65534);

    conf.uid = 65534;
    if (cit_priv_drop(&conf, quiet) != CIT_OK)
        return 1;
    return pw == NULL || getgid() == pw->pw_gid ? 0 : 2;
}

static void a_user_brings_its_own_group(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(outcome(check_own_group), 0);
}

#define WITH_CONF(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CONF(without_settings_everything_stays),
        WITH_CONF(to_stay_who_one_is_needs_no_rights),
        WITH_CONF(root_becomes_another_and_never_root_again),
        WITH_CONF(a_user_brings_its_own_group),
    };

    return cmocka_run_group_tests_name("priv", tests, NULL, NULL);
}
