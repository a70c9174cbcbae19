/* load/journey_int.h - the pieces of the parser of journeys; private to src/load.
 *
 *      journey.c ──> hurl_request.c ──> hurl_options.c   [Options]
 *                    hurl_answer.c  ──> hurl_query.c     queries, filters, predicates, operands
 *                        both       ──> hurl_body.c      bodies ──> hurl_extent.c, hurl_file.c
 *      all of them ──> hurl_lex.c                        places, faults, blanks, texts
 *                      hurl_note.c                       "# @name ..." in comments
 *
 * A parser reads one text from its start to its end, a character at a time; what begins on a line is
 * looked up once (cit__hurl_line).  Every function returns CIT_OK, or CIT_EINVAL, CIT_ENOENT,
 * CIT_ELIMIT with the parser's fault filled in, or CIT_ENOMEM.  Nothing recurses.
 *
 * Depends on: base, load/{journey,query,tmpl,units}.
 * Ownership:  the text is a copy in the plan's arena; slices borrow from it.
 * Threads:    one at a time.
 */
#ifndef CIT_LOAD_JOURNEY_INT_H
#define CIT_LOAD_JOURNEY_INT_H

#include <stdarg.h>

#include "load/journey.h"

/* What the directives in front of a request say of it. */
struct cit__hurl_notes {
    uint32_t n;            /* how many there are */
    struct cit_slice word; /* the name of the first of them, in the text */
    struct cit_slice name;
    bool is_once, has_think, is_any_size;
    struct cit_dist think;
    uint32_t repeat; /* 0: not said */
};

struct cit__hurl {
    const char *start, *p, *end; /* the text, and where we are in it */
    struct cit_slice path;
    struct cit_making m;
    struct cit_journey *journey;
    struct cit_step *step; /* the one that is read, or the last one; NULL before the first */
    bool in_answer;        /* its HTTP line was read */
    bool in_note;          /* end is that of a comment */
    struct cit__hurl_notes notes;
    bool has_name, has_weight; /* of the journey */
    struct cit_journey_fault *fault;
    /* the line that was asked for last */
    const char *line_at;
    uint32_t line;
};

/* ---- hurl_lex.c: places and faults ---- */

/* The number of the line of a place, from 1. */
uint32_t cit__hurl_line_of(struct cit__hurl *h, const char *at);

/* Fills the fault in and returns err. */
int cit__hurl_fault(struct cit__hurl *h, const char *at, int err, const char *fmt, ...) CIT_PRINTF(4, 5);

/* "expected WHAT, found 'what stands there'" */
int cit__hurl_expected(struct cit__hurl *h, const char *at, const char *what);

/* What stands at a place, as messages show it: a word or so, quoted, or "the end of the line". */
struct cit__hurl_shown {
    char text[64];
};
struct cit__hurl_shown cit__hurl_found(const struct cit__hurl *h, const char *at);
struct cit__hurl_shown cit__hurl_show(struct cit_slice s);

/* The index of the one of n names that is nearest to word; -1 when none is near. */
int cit__hurl_nearest(struct cit_slice word, const char *const *names, int n);

/* ---- hurl_lex.c: memory ---- */

/* n bytes that are not cleared; NULL with *err CIT_ENOMEM, or CIT_ELIMIT and a fault. */
void *cit__hurl_take(struct cit__hurl *h, size_t n, int *err);

/* Room for one more behind n elements: the same array, or a copy of twice the size.  NULL as cit__hurl_take. */
void *cit__hurl_more(struct cit__hurl *h, const void *at, uint32_t n, size_t size, int *err);

/* ---- hurl_lex.c: blanks and words ---- */

static inline bool cit__hurl_at(const struct cit__hurl *h, const char *word)
{
    size_t n = strlen(word);

    return (size_t)(h->end - h->p) >= n && memcmp(h->p, word, n) == 0;
}

/* At the end of the text, or of a line (LF or CRLF). */
bool cit__hurl_at_eol(const struct cit__hurl *h);

void cit__hurl_skip_sp(struct cit__hurl *h); /* spaces and tabs */

/* Takes a word of letters, digits and - _ . off; may be empty. */
struct cit_slice cit__hurl_word(struct cit__hurl *h);

/* Takes blanks, a comment and the end of the line; anything else is a fault: "expected WHAT or the end of the line". */
int cit__hurl_line_end(struct cit__hurl *h, const char *what);

/* ---- hurl_text.c ---- */

enum cit__hurl_kind {
    CIT__KEY,        /* key-string: up to what no key has */
    CIT__VALUE,      /* value-string: up to # or the end of the line, trimmed */
    CIT__QUOTED,     /* "..." */
    CIT__ONELINE,    /* `...` */
    CIT__FILE,       /* up to ; */
    CIT__USER,       /* up to : */
    CIT__LINES,      /* up to ```, over lines */
    CIT__LINES_FIXED /* the same, {{ has no meaning */
};

/* Takes a text off, escapes resolved, with its variables. */
int cit__hurl_text(struct cit__hurl *h, enum cit__hurl_kind kind, struct cit_tmpl *out);

/* The same for a text without variables; what: for the message when there are some. */
int cit__hurl_fixed(struct cit__hurl *h, enum cit__hurl_kind kind, const char *what, struct cit_slice *out);

/* Text as it stands, from..to of the text, with its variables. */
int cit__hurl_raw(struct cit__hurl *h, const char *from, const char *to, struct cit_tmpl *out);

/* The same without variables: {{ has no meaning. */
int cit__hurl_verbatim(struct cit__hurl *h, const char *from, const char *to, struct cit_tmpl *out);

/* "key: value" or "key:", with the line. */
int cit__hurl_pair(struct cit__hurl *h, struct cit_pair *out);

/* Appends it. */
int cit__hurl_add_pair(struct cit__hurl *h, struct cit_pair **pairs, uint32_t *n);

/* An integer (digits with -), within its bounds. */
int cit__hurl_integer(struct cit__hurl *h, int64_t least, int64_t most, int64_t *out);

/* True when "key :" stands here. */
bool cit__hurl_is_pair(const struct cit__hurl *h);

/* Texts that become part of a request line or field: no line break or NUL in what is written; names are tokens. */
int cit__hurl_check_line(struct cit__hurl *h, const struct cit_tmpl *t, const char *at, const char *what);
int cit__hurl_check_field(struct cit__hurl *h, const struct cit_pair *f, const char *at);

/* ---- journey.c: lines ---- */

enum cit__hurl_line {
    CIT__LINE_END, /* of the text */
    CIT__LINE_REQUEST,
    CIT__LINE_ANSWER,
    CIT__LINE_SECTION,
    CIT__LINE_PAIR,
    CIT__LINE_OTHER /* a body, a query, or nothing that is known */
};

/* Skips blank lines and comments, whose directives are taken, to the next line that says something. */
int cit__hurl_next_line(struct cit__hurl *h, enum cit__hurl_line *kind);

/* name, whether it belongs to the answer, the same as (an older name) */
#define CIT__SECTION_MAP(X)               \
    X(QUERY, "Query", 0)                  \
    X(FORM, "Form", 0)                    \
    X(MULTIPART, "Multipart", 0)          \
    X(COOKIES, "Cookies", 0)              \
    X(BASIC_AUTH, "BasicAuth", 0)         \
    X(OPTIONS, "Options", 0)              \
    X(CAPTURES, "Captures", 1)            \
    X(ASSERTS, "Asserts", 1)              \
    X(LONG_QUERY, "QueryStringParams", 0) \
    X(LONG_FORM, "FormParams", 0)         \
    X(LONG_MULTIPART, "MultipartFormData", 0)

/* clang-format off */
enum cit__hurl_section {
#define CIT__SECTION_ENUM(id, name, is_answer) CIT__SECTION_##id,
    CIT__SECTION_MAP(CIT__SECTION_ENUM)
#undef CIT__SECTION_ENUM
    CIT__SECTION_COUNT
};
/* clang-format on */

/* Takes "[Name]" and the end of its line off: one of this side of the HTTP line, and not in *seen (a bit each) yet.
 * Longer names come out as the short ones. */
int cit__hurl_section(struct cit__hurl *h, uint32_t *seen, enum cit__hurl_section *out);

/* Appends what a pair of the section's lines is, for as long as there are pairs. */
int cit__hurl_pairs(struct cit__hurl *h, int (*one)(struct cit__hurl *h), enum cit__hurl_line *kind);

/* ---- the others ---- */

/* hurl_request.c */
int cit__hurl_request(struct cit__hurl *h); /* at its method; up to its answer or the next request */
int cit__hurl_new_step(struct cit__hurl *h);
int cit__hurl_check_method(struct cit__hurl *h, struct cit_slice method);
/* What a request line can hold; the rest is the server's to judge. */
int cit__hurl_check_url(struct cit__hurl *h, const struct cit_tmpl *url, const char *at);
/* "GET /path": without the host and the query, with variables as they stand. */
int cit__hurl_name_step(struct cit__hurl *h, struct cit_slice url);
/* The Content-Type of its body; a field of the author wins. */
void cit__hurl_choose_type(struct cit_step *s);

int cit__hurl_option(struct cit__hurl *h); /* hurl_options.c: one line of [Options] */
int cit__hurl_answer(struct cit__hurl *h); /* hurl_answer.c: at HTTP */

/* hurl_answer.c: "NAME: query" and "query predicate" in a section, or (h->in_note) in a comment. */
int cit__hurl_capture(struct cit__hurl *h);
int cit__hurl_assert(struct cit__hurl *h);

/* hurl_note.c: a comment on a line of its own, at its #; goes to the end of its line. */
int cit__hurl_note(struct cit__hurl *h);
/* An empty line: a think time in front of it is the journey's. */
int cit__hurl_note_gap(struct cit__hurl *h);
/* Gives a new step what stood in front of it. */
void cit__hurl_note_step(struct cit__hurl *h);
/* True for the name of a directive. */
bool cit__hurl_is_note(struct cit_slice word);
/* The directive's name in a comment at p ("# @name ..."), empty when it is none. */
struct cit_slice cit__hurl_note_word(const char *p, const char *end);

struct cit__hurl_content {
    enum cit_body_kind kind; /* TEXT or BYTES */
    struct cit_tmpl text;
    struct cit_slice bytes, type;
};
bool cit__hurl_is_body(const struct cit__hurl *h); /* hurl_body.c: whether one begins here */
int cit__hurl_body(struct cit__hurl *h, struct cit__hurl_content *out);
/* "base64,...;" or "hex,...;" or "file,...;" as bytes. */
int cit__hurl_bytes(struct cit__hurl *h, struct cit_slice *bytes);

/* hurl_file.c: "file,NAME;" with the bytes of the file. */
int cit__hurl_file(struct cit__hurl *h, struct cit_slice *name, struct cit_slice *bytes);
/* A file as a whole, of at most CIT_JOURNEY_FILE_MAX bytes.  CIT_OK; CIT_ENOENT, CIT_ELIMIT with *why; CIT_ENOMEM. */
int cit__hurl_read_file(struct cit_arena *a, const char *path, struct cit_slice *out, const char **why);

/* hurl_extent.c: behind the JSON value or the XML element that begins at p; NULL with *why and *at. */
const char *cit__hurl_json_end(const char *p, const char *end, const char **why, const char **at);
const char *cit__hurl_xml_end(const char *p, const char *end, const char **why, const char **at);

/* hurl_query.c: kind, argument and filters. */
int cit__hurl_query(struct cit__hurl *h, const struct cit_query **out);
/* Compiles; at: where the query begins. */
int cit__hurl_compile(struct cit__hurl *h, const struct cit_query_spec *spec, const char *at,
                      const struct cit_query **out);
/* The fault of a word that stands where only a filter may. */
int cit__hurl_no_filter(struct cit__hurl *h);
/* "/pattern/" or "pattern" */
int cit__hurl_pattern(struct cit__hurl *h, struct cit_slice *out);

/* hurl_predicate.c: "[not] predicate operand" */
int cit__hurl_predicate(struct cit__hurl *h, struct cit_assert *as);

/* A name that a capture or option may give a value. */
int cit__hurl_variable(struct cit__hurl *h, struct cit_slice name, uint32_t *out);

#endif
