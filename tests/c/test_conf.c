/* Tests of serve/conf.c: names, defaults and ranges of the settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/conf.c"

static void defaults_fill_every_setting(void **state)
{
    struct cit_conf c;

    (void)state;
    memset(&c, 0xaa, sizeof c);
    cit_conf_defaults(&c);
    for (int i = 0; i < INT_ROWS; i++) {
        int64_t value = 0;

        assert_int_equal(cit_conf_get_int(&c, int_rows[i].name, &value), CIT_OK);
        assert_int_equal(value, int_rows[i].def);
    }
    assert_int_equal(c.threads, 16);
    assert_int_equal(c.umask, -1);
    assert_null(c.access_logfile);
    assert_string_equal(c.error_logfile, "-");
    assert_int_equal(c.access_logformat[0], '%');
}

static void every_default_is_within_its_range(void **state)
{
    (void)state;
    for (int i = 0; i < INT_ROWS; i++) {
        assert_true(int_rows[i].def >= int_rows[i].least);
        assert_true(int_rows[i].def <= int_rows[i].most);
    }
}

static void both_ends_of_every_range_are_allowed_and_what_lies_past_them_is_not(void **state)
{
    struct cit_conf c;

    (void)state;
    cit_conf_defaults(&c);
    for (int i = 0; i < INT_ROWS; i++) {
        const struct int_row *row = &int_rows[i];
        int64_t least = 99, most = 99, value = 0;

        assert_int_equal(cit_conf_set_int(&c, row->name, row->least, NULL, NULL), CIT_OK);
        assert_int_equal(cit_conf_set_int(&c, row->name, row->most, &least, &most), CIT_OK);
        assert_int_equal(least, 99);
        assert_int_equal(cit_conf_set_int(&c, row->name, row->least - 1, &least, &most), CIT_ELIMIT);
        assert_int_equal(least, row->least);
        assert_int_equal(most, row->most);
        if (row->most < INT64_MAX)
            assert_int_equal(cit_conf_set_int(&c, row->name, row->most + 1, NULL, NULL), CIT_ELIMIT);
        assert_int_equal(cit_conf_get_int(&c, row->name, &value), CIT_OK);
        assert_int_equal(value, row->most); /* a refused value changed nothing */
    }
}

static void a_setting_reaches_its_own_member(void **state)
{
    struct cit_conf c;

    (void)state;
    cit_conf_defaults(&c);
    assert_int_equal(cit_conf_set_int(&c, "keep_alive_ms", 1234, NULL, NULL), CIT_OK);
    assert_int_equal(c.keep_alive_ms, 1234);
    assert_int_equal(c.send_timeout_ms, 30000);
    assert_int_equal(cit_conf_set_str(&c, "tmp_dir", "/var/tmp"), CIT_OK);
    assert_string_equal(c.tmp_dir, "/var/tmp");
    assert_null(c.user_name);
}

static void an_unknown_name_or_one_of_the_other_kind_is_not_found(void **state)
{
    struct cit_conf c;
    int64_t value = 7;
    const char *text = "kept";

    (void)state;
    cit_conf_defaults(&c);
    assert_int_equal(cit_conf_set_int(&c, "threds", 1, NULL, NULL), CIT_ENOENT);
    assert_int_equal(cit_conf_set_int(&c, "pid", 1, NULL, NULL), CIT_ENOENT);
    assert_int_equal(cit_conf_set_str(&c, "threads", "1"), CIT_ENOENT);
    assert_int_equal(cit_conf_get_int(&c, "", &value), CIT_ENOENT);
    assert_int_equal(cit_conf_get_str(&c, "threads", &text), CIT_ENOENT);
    assert_int_equal(value, 7);
    assert_string_equal(text, "kept");
}

static void the_list_of_names_is_complete_and_each_is_found(void **state)
{
    struct cit_conf c;
    bool is_int = false;
    int i = 0, ints = 0;

    (void)state;
    cit_conf_defaults(&c);
    for (const char *name; (name = cit_conf_name(i, &is_int)) != NULL; i++) {
        int64_t value;
        const char *text;

        ints += is_int;
        assert_int_equal(is_int ? cit_conf_get_int(&c, name, &value) : cit_conf_get_str(&c, name, &text), CIT_OK);
    }
    assert_int_equal(i, INT_ROWS + STR_ROWS);
    assert_int_equal(ints, INT_ROWS);
    assert_null(cit_conf_name(-1, &is_int));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_fill_every_setting),
        cmocka_unit_test(every_default_is_within_its_range),
        cmocka_unit_test(both_ends_of_every_range_are_allowed_and_what_lies_past_them_is_not),
        cmocka_unit_test(a_setting_reaches_its_own_member),
        cmocka_unit_test(an_unknown_name_or_one_of_the_other_kind_is_not_found),
        cmocka_unit_test(the_list_of_names_is_complete_and_each_is_found),
    };

    return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
