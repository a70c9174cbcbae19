/* load/plan_data.c - what users of a plan bring along: a table with a line each, variables, fields of every request. */
#include "load/plan_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

static int no_file(struct cit__plan *p, const struct cit__item *it, struct cit_slice path, int errnum)
{
    char text[128];

    return cit__plan_wrong(p, it->place, CIT_ENOENT, "%s: %s", cit__plan_quoted(path).text,
                           strerror_r(errnum, text, sizeof text));
}

/* All of an open file of n bytes, or what is there of it. */
static int read_bytes(int fd, char *into, size_t n, size_t *got)
{
    *got = 0;
    while (*got < n) {
        ssize_t more = read(fd, into + *got, n - *got);

        if (more == -1 && errno == EINTR)
            continue;
        if (more <= 0)
            return more == 0 ? CIT_OK : CIT_EIO;
        *got += (size_t)more;
    }
    return CIT_OK;
}

static int read_open(struct cit__plan *p, const struct cit__item *it, struct cit_slice path, int fd,
                     struct cit_slice *out)
{
    struct stat st;
    size_t got = 0;
    char *bytes;
    int err;

    if (fstat(fd, &st) == -1)
        return no_file(p, it, path, errno);
    if (!S_ISREG(st.st_mode))
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "%s is no file", cit__plan_quoted(path).text);
    if (st.st_size > CIT_CSV_FILE_MAX)
        return cit__plan_wrong(p, it->place, CIT_ELIMIT, "%s is longer than 1 GiB", cit__plan_quoted(path).text);
    bytes = cit_arena_take(&p->plan->arena, (size_t)st.st_size + 1, NULL);
    if (bytes == NULL)
        return CIT_ENOMEM;
    err = read_bytes(fd, bytes, (size_t)st.st_size, &got);
    if (err != CIT_OK)
        return no_file(p, it, path, errno);
    *out = cit_slice(bytes, got);
    return CIT_OK;
}

static int read_file(struct cit__plan *p, const struct cit__item *it, struct cit_slice path, struct cit_slice *out)
{
    int err, fd = open(path.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd == -1)
        return no_file(p, it, path, errno);
    err = read_open(p, it, path, fd, out);
    close(fd);
    return err;
}

/* ---- [data] ---- */

struct data_items {
    struct cit__item csv, columns, when_out;
};

static const struct cit__member data_members[] = {
    { .name = "csv", .kind = CIT__PLAN_LATER, .offset = offsetof(struct data_items, csv) },
    { .name = "columns", .kind = CIT__PLAN_LATER, .offset = offsetof(struct data_items, columns) },
    { .name = "when_out", .kind = CIT__PLAN_LATER, .offset = offsetof(struct data_items, when_out) },
};

static int read_columns(struct cit__plan *p, const struct cit__item *it, struct cit_slice **out, uint32_t *n)
{
    const struct cit__member text = { .kind = CIT__PLAN_TEXT };
    int err = cit__plan_list(p, it);

    if (err != CIT_OK)
        return err;
    *out = cit__plan_take(p, it->node->count, sizeof **out, &err);
    for (const struct cit_json_node *name = it->node->first; name != NULL && err == CIT_OK; name = name->next) {
        struct cit__item child = cit__plan_element(it, name, *n);

        err = cit__plan_value(p, &child, &text, &(*out)[*n]);
        *n += 1;
    }
    return err;
}

/* Every column is a variable. */
static int name_columns(struct cit__plan *p, const struct cit__item *it)
{
    struct cit_load_plan *plan = p->plan;
    int err;

    plan->user_var = cit__plan_take(p, plan->users.ncolumns, sizeof *plan->user_var, &err);
    for (uint32_t i = 0; i < plan->users.ncolumns && err == CIT_OK; i++)
        err = cit__plan_variable(p, it, plan->users.columns[i], &plan->user_var[i]);
    return err;
}

static int read_csv(struct cit__plan *p, const struct data_items *d)
{
    const struct cit__member text = { .kind = CIT__PLAN_TEXT };
    struct cit_slice name, path, bytes, *names = NULL;
    struct cit_csv_columns columns = { 0 };
    struct cit_csv_fault fault = { 0 };
    int err = cit__plan_value(p, &d->csv, &text, &name);

    if (err == CIT_OK && d->columns.node != NULL)
        err = read_columns(p, &d->columns, &names, &columns.n);
    if (err == CIT_OK)
        err = cit__plan_path(p, name, &path);
    if (err == CIT_OK)
        err = read_file(p, &d->csv, path, &bytes);
    if (err != CIT_OK)
        return err;
    columns.at = names;
    err = cit_csv_parse(bytes, names != NULL ? &columns : NULL, &p->plan->arena, &p->plan->users, &fault);
    if (fault.why != NULL)
        return cit__plan_wrong(p, NULL, err, "%.*s:%u: %s", CIT_PLAN_WHY / 2, path.p, fault.line, fault.why);
    if (err == CIT_OK && p->plan->users.lines == 0)
        return cit__plan_wrong(p, d->csv.place, CIT_EINVAL, "%s has names of columns and no users",
                               cit__plan_quoted(name).text);
    return err != CIT_OK ? err : name_columns(p, names != NULL ? &d->columns : &d->csv);
}

int cit__plan_data(struct cit__plan *p, const struct cit__item *it, void *into)
{
    static const char *const outs[] = { [CIT_OUT_STOP] = "stop", [CIT_OUT_AGAIN] = "again" };
    const struct cit__members members = { data_members, sizeof data_members / sizeof *data_members };
    struct data_items d = { 0 };
    struct cit_load_plan *plan = into;
    int out = CIT_OUT_STOP, err = cit__plan_table(p, it, members, &d);

    if (err == CIT_OK && d.when_out.node != NULL)
        err = cit__plan_word(p, &d.when_out, outs, 2, &out);
    plan->when_out = (enum cit_when_out)out;
    if (err == CIT_OK && d.csv.node == NULL)
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "names no file: csv is missing");
    return err == CIT_OK ? read_csv(p, &d) : err;
}

/* ---- variables ---- */

static int read_variable(struct cit__plan *p, const struct cit__item *it, struct cit_pair *out)
{
    struct cit_slice value, fixed;
    uint32_t number;
    int err = cit__plan_variable(p, it, it->node->name, &number);

    if (err == CIT_OK)
        err = cit__plan_scalar(p, it, &value);
    if (err == CIT_OK)
        err = cit__plan_tmpl(p, it, it->node->name, &out->name);
    if (err == CIT_OK)
        err = cit__plan_tmpl(p, it, value, &out->value);
    if (err == CIT_OK && !cit_tmpl_is_fixed(&out->value, &fixed))
        err = cit__plan_bad(p, it, "has variables in it, which one of the plan can't have");
    return err;
}

static bool is_column(const struct cit_load_plan *plan, struct cit_slice name)
{
    for (uint32_t i = 0; i < plan->users.ncolumns; i++)
        if (cit_slice_eq(plan->users.columns[i], name))
            return true;
    return false;
}

int cit__plan_variables(struct cit__plan *p, const struct cit__item *it, void *into)
{
    struct cit_load_plan *plan = into;
    int err = cit__plan_object(p, it);

    if (err != CIT_OK)
        return err;
    plan->variables = cit__plan_take(p, it->node->count, sizeof *plan->variables, &err);
    for (const struct cit_json_node *n = it->node->first; n != NULL && err == CIT_OK; n = n->next) {
        struct cit__item child = cit__plan_member(it, n);

        if (is_column(plan, n->name))
            return cit__plan_wrong(p, child.place, CIT_EINVAL, "is a column of the table of users, too");
        err = read_variable(p, &child, &plan->variables[plan->nvariables]);
        plan->nvariables++;
    }
    return err;
}

/* ---- headers ---- */

/* RFC 9110 5.6.2. */
static bool is_token(struct cit_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) &&
            (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return s.n > 0;
}

static bool is_line(struct cit_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
            return false;
    return true;
}

static int read_field(struct cit__plan *p, const struct cit__item *it, struct cit_slice name, struct cit_slice value)
{
    struct cit_pair *out = &p->plan->headers[p->plan->nheaders];
    int err;

    if (!is_token(name))
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "%s is no name of a field", cit__plan_quoted(name).text);
    if (cit_slice_eq_nocase(name, CIT_SLICE_LIT("content-length")) ||
        cit_slice_eq_nocase(name, CIT_SLICE_LIT("transfer-encoding")))
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "%s is made of the request's body",
                               cit__plan_quoted(name).text);
    if (!is_line(value))
        return cit__plan_wrong(p, it->place, CIT_EINVAL, "a field has no control characters and is one line");
    err = cit__plan_tmpl(p, it, name, &out->name);
    if (err == CIT_OK)
        err = cit__plan_tmpl(p, it, cit_slice_trim(value), &out->value);
    p->plan->nheaders++;
    return err;
}

/* "Name: value", as options of commands give them; one name may come twice. */
static int read_line(struct cit__plan *p, const struct cit__item *it)
{
    const struct cit__member text = { .kind = CIT__PLAN_TEXT };
    struct cit_slice line = { 0 };
    const char *colon;
    int err = cit__plan_value(p, it, &text, &line);

    if (err != CIT_OK)
        return err;
    colon = memchr(line.p, ':', line.n + 1);
    if (colon == NULL)
        return cit__plan_bad(p, it, "is not of the form 'Name: value'");
    return read_field(p, it, cit_slice_trim(cit_slice(line.p, (size_t)(colon - line.p))),
                      cit_slice(colon + 1, (size_t)(line.p + line.n - colon - 1)));
}

int cit__plan_headers(struct cit__plan *p, const struct cit__item *it, void *into)
{
    struct cit_load_plan *plan = into;
    bool is_list = it->node->kind == CIT_JSON_OPEN_ARRAY;
    int err = is_list ? CIT_OK : cit__plan_object(p, it);

    if (err != CIT_OK)
        return err;
    plan->headers = cit__plan_take(p, it->node->count, sizeof *plan->headers, &err);
    for (const struct cit_json_node *n = it->node->first; n != NULL && err == CIT_OK; n = n->next) {
        struct cit__item child = is_list ? cit__plan_element(it, n, plan->nheaders) : cit__plan_member(it, n);
        struct cit_slice value = { 0 };

        if (is_list) {
            err = read_line(p, &child);
            continue;
        }
        err = cit__plan_scalar(p, &child, &value);
        if (err == CIT_OK)
            err = read_field(p, &child, n->name, value);
    }
    return err;
}
