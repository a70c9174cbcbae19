/* load/csv.c - tables of texts: fields, quotes, lines of one length. */
#include "load/csv.h"

#include <string.h>

/* Where the reader is. */
struct scan {
    const char *p, *end;
    uint32_t line; /* from 1, of p */
    struct cit_arena *arena;
    const char *why; /* of a fault */
};

struct field {
    struct cit_slice text;
    bool is_quoted, is_last; /* last: of its line */
};

static int fault(struct scan *s, int err, const char *why)
{
    s->why = why;
    return err;
}

/* ---- fields ---- */

/* Behind a field: a comma, the end of the line or of the text. */
static int end_field(struct scan *s, struct field *f)
{
    f->is_last = true;
    if (s->p == s->end)
        return CIT_OK;
    if (*s->p == ',') {
        f->is_last = false;
        s->p++;
        return CIT_OK;
    }
    if (*s->p == '\r' && s->p + 1 < s->end && s->p[1] == '\n')
        s->p++;
    if (*s->p != '\n')
        return fault(s, CIT_EINVAL,
                     f->is_quoted ? "something follows the closing quote of a field"
                                  : "a carriage return stands alone, without a line feed");
    s->p++;
    s->line++;
    return CIT_OK;
}

static int plain_field(struct scan *s, struct field *f)
{
    const char *start = s->p;

    while (s->p < s->end && *s->p != ',' && *s->p != '\n' && *s->p != '\r') {
        if (*s->p == '"')
            return fault(s, CIT_EINVAL, "a quote stands in the middle of a field; such a field is quoted as a whole");
        s->p++;
    }
    f->text = cit_slice(start, (size_t)(s->p - start));
    return end_field(s, f);
}

/* A copy with each "" as one quote. */
static int unquote(struct scan *s, struct cit_slice raw, struct cit_slice *out)
{
    char *copy = cit_arena_take(s->arena, raw.n, NULL);
    size_t n = 0;

    if (copy == NULL)
        return CIT_ENOMEM;
    for (size_t i = 0; i < raw.n; i++) {
        copy[n++] = raw.p[i];
        if (raw.p[i] == '"')
            i++;
    }
    *out = cit_slice(copy, n);
    return CIT_OK;
}

static int quoted_field(struct scan *s, struct field *f)
{
    const char *start = ++s->p;
    uint32_t opened = s->line;
    bool has_quotes = false;
    int err = CIT_OK;

    for (; s->p < s->end; s->p++) {
        if (*s->p == '\n')
            s->line++;
        if (*s->p != '"')
            continue;
        if (s->p + 1 == s->end || s->p[1] != '"')
            break;
        has_quotes = true;
        s->p++;
    }
    if (s->p >= s->end) {
        s->line = opened;
        return fault(s, CIT_EINVAL, "a quoted field begins here and never ends");
    }
    f->text = cit_slice(start, (size_t)(s->p - start));
    if (has_quotes)
        err = unquote(s, f->text, &f->text);
    s->p++;
    return err != CIT_OK ? err : end_field(s, f);
}

static int next_field(struct scan *s, struct field *f)
{
    f->is_quoted = s->p < s->end && *s->p == '"';
    return f->is_quoted ? quoted_field(s, f) : plain_field(s, f);
}

static void skip_empty_lines(struct scan *s)
{
    while (s->p < s->end && (*s->p == '\n' || (*s->p == '\r' && s->p + 1 < s->end && s->p[1] == '\n'))) {
        s->p += *s->p == '\n' ? 1 : 2;
        s->line++;
    }
}

/* ---- names ---- */

static int check_names(struct scan *s, const struct cit_csv *csv)
{
    for (uint32_t i = 0; i < csv->ncolumns; i++) {
        if (csv->columns[i].n == 0)
            return fault(s, CIT_EINVAL, "a column has no name");
        for (uint32_t k = 0; k < i; k++)
            if (cit_slice_eq(csv->columns[i], csv->columns[k]))
                return fault(s, CIT_EINVAL, "two columns have one name");
    }
    return CIT_OK;
}

static int read_names(struct scan *s, struct cit_csv *csv)
{
    struct field f = { 0 };
    uint32_t line = s->line;
    int err;

    csv->columns = cit_arena_zero(s->arena, CIT_CSV_COLUMNS_MAX, sizeof *csv->columns);
    if (csv->columns == NULL)
        return CIT_ENOMEM;
    while (!f.is_last) {
        err = next_field(s, &f);
        if (err != CIT_OK)
            return err;
        if (csv->ncolumns == CIT_CSV_COLUMNS_MAX)
            return fault(s, CIT_ELIMIT, "there are more than 256 columns");
        csv->columns[csv->ncolumns++] = cit_slice_trim(f.text);
    }
    err = check_names(s, csv);
    if (err != CIT_OK)
        s->line = line;
    return err;
}

static int given_names(struct scan *s, const struct cit_csv_columns *given, struct cit_csv *csv)
{
    if (given->n > CIT_CSV_COLUMNS_MAX)
        return fault(s, CIT_ELIMIT, "there are more than 256 columns");
    csv->columns = cit_arena_zero(s->arena, given->n, sizeof *csv->columns);
    if (csv->columns == NULL)
        return CIT_ENOMEM;
    csv->ncolumns = given->n;
    for (uint32_t i = 0; i < given->n; i++) {
        csv->columns[i] = cit_arena_copy(s->arena, given->at[i]);
        if (csv->columns[i].p == NULL)
            return CIT_ENOMEM;
    }
    return check_names(s, csv);
}

/* ---- lines ---- */

/* Lines that there may be at most: room for them is taken once. */
static size_t count_ends(const struct scan *s)
{
    size_t n = 1;

    for (const char *p = s->p; p < s->end && (p = memchr(p, '\n', (size_t)(s->end - p))) != NULL; p++)
        n++;
    return n;
}

static int read_line(struct scan *s, struct cit_csv *csv)
{
    struct cit_slice *cells = csv->cells + (size_t)csv->lines * csv->ncolumns;
    struct field f = { 0 };
    uint32_t line = s->line, n = 0;

    while (!f.is_last) {
        int err = next_field(s, &f);

        if (err != CIT_OK)
            return err;
        if (n == csv->ncolumns || (f.is_last && n + 1 < csv->ncolumns)) {
            s->line = line;
            return fault(s, CIT_EINVAL,
                         n == csv->ncolumns ? "there are more fields than columns"
                                            : "there are fewer fields than columns");
        }
        cells[n++] = f.text;
    }
    csv->lines++;
    return CIT_OK;
}

static int read_all(struct scan *s, const struct cit_csv_columns *columns, struct cit_csv *csv)
{
    int err;

    if (s->end - s->p >= 3 && memcmp(s->p, "\xef\xbb\xbf", 3) == 0)
        s->p += 3;
    skip_empty_lines(s);
    if (s->p == s->end)
        return fault(s, CIT_EINVAL, "there is nothing in it");
    err = columns != NULL ? given_names(s, columns, csv) : read_names(s, csv);
    if (err != CIT_OK)
        return err;
    csv->cells = cit_arena_zero(s->arena, count_ends(s) * csv->ncolumns, sizeof *csv->cells);
    if (csv->cells == NULL)
        return CIT_ENOMEM;
    for (skip_empty_lines(s); s->p < s->end && err == CIT_OK; skip_empty_lines(s))
        err = read_line(s, csv);
    return err;
}

int cit_csv_parse(struct cit_slice text, const struct cit_csv_columns *columns, struct cit_arena *a,
                  struct cit_csv *out, struct cit_csv_fault *found)
{
    const char *start = text.n > 0 ? text.p : "";
    struct scan s = { .p = start, .end = start + text.n, .line = 1, .arena = a };
    struct cit_csv csv = { 0 };
    int err;

    if (text.n > CIT_CSV_FILE_MAX)
        err = fault(&s, CIT_ELIMIT, "it is longer than 1 GiB");
    else if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
        err = fault(&s, CIT_EINVAL, "there is a NUL byte in it; the text is to be UTF-8");
    else
        err = read_all(&s, columns, &csv);
    if (err == CIT_OK)
        *out = csv;
    else if (s.why != NULL)
        *found = (struct cit_csv_fault){ s.why, s.line };
    return err;
}
