/* serve/conf.c - settings: defaults, look-up by name, ranges.
 *
 * The lists of conf.h become two tables of names and offsets; nothing else in the
 * server knows how many settings there are. */
#include "serve/conf.h"

#include <stddef.h>
#include <string.h>

struct int_row {
    const char *name;
    size_t offset;
    int64_t def, least, most;
};

struct str_row {
    const char *name;
    size_t offset;
    const char *def;
};

static const struct int_row int_rows[] = {
#define CONF_INT_ROW(name, def, least, most) { #name, offsetof(struct cit_conf, name), (def), (least), (most) },
    CIT_CONF_INTS(CONF_INT_ROW)
#undef CONF_INT_ROW
};

static const struct str_row str_rows[] = {
#define CONF_STR_ROW(name, def) { #name, offsetof(struct cit_conf, name), (def) },
    CIT_CONF_STRS(CONF_STR_ROW)
#undef CONF_STR_ROW
};

enum { INT_ROWS = sizeof int_rows / sizeof *int_rows, STR_ROWS = sizeof str_rows / sizeof *str_rows };

static const struct int_row *find_int(const char *name)
{
    for (int i = 0; i < INT_ROWS; i++) {
        if (strcmp(int_rows[i].name, name) == 0)
            return &int_rows[i];
    }
    return NULL;
}

static const struct str_row *find_str(const char *name)
{
    for (int i = 0; i < STR_ROWS; i++) {
        if (strcmp(str_rows[i].name, name) == 0)
            return &str_rows[i];
    }
    return NULL;
}

/* Values are copied in and out as bytes: an offset says nothing of alignment to a compiler. */
static void store_int(struct cit_conf *c, const struct int_row *row, int64_t value)
{
    memcpy((char *)c + row->offset, &value, sizeof value);
}

static void store_str(struct cit_conf *c, const struct str_row *row, const char *value)
{
    memcpy((char *)c + row->offset, &value, sizeof value);
}

void cit_conf_defaults(struct cit_conf *c)
{
    for (int i = 0; i < INT_ROWS; i++)
        store_int(c, &int_rows[i], int_rows[i].def);
    for (int i = 0; i < STR_ROWS; i++)
        store_str(c, &str_rows[i], str_rows[i].def);
}

int cit_conf_set_int(struct cit_conf *c, const char *name, int64_t value, int64_t *least, int64_t *most)
{
    const struct int_row *row = find_int(name);

    if (row == NULL)
        return CIT_ENOENT;
    if (value >= row->least && value <= row->most) {
        store_int(c, row, value);
        return CIT_OK;
    }
    if (least != NULL)
        *least = row->least;
    if (most != NULL)
        *most = row->most;
    return CIT_ELIMIT;
}

int cit_conf_set_str(struct cit_conf *c, const char *name, const char *value)
{
    const struct str_row *row = find_str(name);

    if (row == NULL)
        return CIT_ENOENT;
    store_str(c, row, value);
    return CIT_OK;
}

const char *cit_conf_name(int i, bool *is_int)
{
    if (i < 0 || i >= INT_ROWS + STR_ROWS)
        return NULL;
    *is_int = i < INT_ROWS;
    return i < INT_ROWS ? int_rows[i].name : str_rows[i - INT_ROWS].name;
}

int cit_conf_get_int(const struct cit_conf *c, const char *name, int64_t *out)
{
    const struct int_row *row = find_int(name);

    if (row == NULL)
        return CIT_ENOENT;
    memcpy(out, (const char *)c + row->offset, sizeof *out);
    return CIT_OK;
}

int cit_conf_get_str(const struct cit_conf *c, const char *name, const char **out)
{
    const struct str_row *row = find_str(name);

    if (row == NULL)
        return CIT_ENOENT;
    memcpy(out, (const char *)c + row->offset, sizeof *out);
    return CIT_OK;
}
