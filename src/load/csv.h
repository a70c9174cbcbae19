/* load/csv.h - a table of texts (RFC 4180), one line one user.
 *
 * Quoted fields, "" in them, CRLF or LF; a byte order mark and empty lines are skipped.  Every line
 * has as many fields as there are columns.
 *
 * Depends on: base.
 * Ownership:  borrows from the text; the rest (lists, fields with "" in them) lies in the caller's arena.
 * Threads:    read by any.
 */
#ifndef CIT_LOAD_CSV_H
#define CIT_LOAD_CSV_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

enum { CIT_CSV_FILE_MAX = 1 << 30, CIT_CSV_COLUMNS_MAX = 256 };

struct cit_csv {
    struct cit_slice *columns; /* names: of the first line, or given */
    struct cit_slice *cells;   /* lines * ncolumns */
    uint32_t ncolumns, lines;
};

struct cit_csv_columns {
    const struct cit_slice *at;
    uint32_t n;
};

struct cit_csv_fault {
    const char *why; /* static */
    uint32_t line;   /* from 1 */
};

/* columns: their names when the text has no line of them; else NULL.  CIT_OK; CIT_EINVAL, CIT_ELIMIT with *fault;
 * CIT_ENOMEM. */
CIT_MUST_CHECK int cit_csv_parse(struct cit_slice text, const struct cit_csv_columns *columns, struct cit_arena *a,
                                 struct cit_csv *out, struct cit_csv_fault *fault);

static inline struct cit_slice cit_csv_cell(const struct cit_csv *c, uint32_t line, uint32_t column)
{
    return c->cells[(size_t)line * c->ncolumns + column];
}

#endif
