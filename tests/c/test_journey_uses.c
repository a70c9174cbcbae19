/* tests/c/test_journey_uses.c - where a journey sets and reads variables, in the order of the walk. */
#include "load/journey_uses.c" /* NOLINT: the statics are tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct told {
    const struct cit_names *names;
    char text[2000];
    size_t n;
};

/* "=a@3" for a set on line 3, "a@3" for a read. */
static void tell_one(void *ctx, const struct cit_journey_use *use)
{
    struct told *t = ctx;
    struct cit_slice name = t->names->at[use->var];

    t->n += (size_t)snprintf(t->text + t->n, sizeof t->text - t->n, "%s%.*s@%u ", use->is_set ? "=" : "",
                             CIT_SLICE_ARG(name), use->line);
}

static void uses_are(const char *text, const char *wanted)
{
    struct cit_names names = { 0 };
    struct cit_queries queries = { 0 };
    struct cit_journey_fault fault = { 0 };
    struct told told = { .names = &names };
    struct cit_journey j;
    struct cit_arena a;

    cit_arena_init(&a, 1 << 20);
    assert_int_equal(cit_journey_parse(cit_slice_str(text), CIT_SLICE_LIT(""),
                                       &(struct cit_making){ &names, &queries, &a }, &j, &fault),
                     CIT_OK);
    cit_journey_uses(&j, tell_one, &told);
    assert_string_equal(told.text, wanted);
    cit_queries_fini(&queries);
    cit_arena_fini(&a);
}

static void every_place_of_a_request_reads(void **state)
{
    (void)state;
    uses_are("POST {{a}}/{{b}}\nX-{{c}}: {{d}}\n[Query]\n{{e}}: {{f}}\n[Cookies]\n{{g}}: {{h}}\n[BasicAuth]\n"
             "{{i}}: {{j}}\n[Form]\n{{k}}: {{l}}\n",
             "a@1 b@1 c@2 d@2 e@4 f@4 g@6 h@6 i@1 j@1 k@10 l@10 ");
    uses_are("POST /\n{\"a\": {{b}}}\nPOST /\n[Multipart]\n{{c}}: {{d}}\n", "b@1 c@3 d@3 ");
}

static void made_values_are_no_variables(void **state)
{
    (void)state;
    uses_are("GET /{{newUuid}}/{{newDate}}/{{userNumber}}/{{iteration}}\n", "");
}

static void options_set_before_the_request_and_captures_before_asserts(void **state)
{
    (void)state;
    uses_are("GET /{{a}}\n[Options]\nvariable: a={{b}}\nHTTP 200\nX: {{c}}\n[Asserts]\nbody == {{d}}\n[Captures]\n"
             "d: body\n# @capture e: css \"f\"\n# @assert css \"g\" == \"{{e}}\"\n",
             "b@3 =a@3 a@1 =d@9 =e@10 c@5 d@7 e@11 ");
}

static void steps_that_are_skipped_say_nothing(void **state)
{
    (void)state;
    uses_are("GET /{{a}}\n[Options]\nskip: true\nHTTP 200\n[Captures]\nb: body\n\nGET /{{b}}\n", "b@8 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_of_a_request_reads),
        cmocka_unit_test(made_values_are_no_variables),
        cmocka_unit_test(options_set_before_the_request_and_captures_before_asserts),
        cmocka_unit_test(steps_that_are_skipped_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
