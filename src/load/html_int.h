/* load/html_int.h - HTML as a row of tags and texts; private to src/load.
 *
 *      <a href="x">b &amp; c</a><!-- d -->   ->   OPEN a {href="x"}  TEXT "b &amp; c"  CLOSE a
 *
 * Tokens are those of the HTML standard (13.2.5) as far as elements, attributes and texts need them:
 * comments, doctypes and processing instructions are passed over, the texts of script, style and
 * their like end at their end tag alone, and a tag that never ends is none.  Nothing fails, nothing
 * is copied, nothing recurses; the time is linear in the text.
 *
 * With is_xml there are no raw texts, "/>" closes any element, and CDATA sections are texts.
 *
 * Depends on: base/slice.
 * Threads:    any, each with its own reader.
 */
#ifndef CIT_LOAD_HTML_INT_H
#define CIT_LOAD_HTML_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { /* what the standard says of an element, as far as it matters here */
       CIT__EL_VOID = 1 << 0,
       CIT__EL_RAW = 1 << 1,      /* its text ends at its end tag */
       CIT__EL_REFS = 1 << 2,     /* ... and has character references */
       CIT__EL_SPECIAL = 1 << 3,  /* stops the end tags of formatting elements */
       CIT__EL_SCOPE = 1 << 4,    /* stops the end tags of blocks */
       CIT__EL_CLOSES_P = 1 << 5, /* its start tag ends an open p */
       CIT__EL_WEAK = 1 << 6,     /* special, but an li or dd inside still ends the one outside */
       CIT__EL_TABLE = 1 << 7,    /* stops the parts of a table */
       CIT__EL_PART = 1 << 8,     /* a part of a table, or the table */
       CIT__EL_FOREIGN = 1 << 9,  /* svg, math */
       CIT__EL_IGNORED_END = 1 << 10,
       /* elements which a start tag of their like ends */
       CIT__EL_P = 1 << 11,
       CIT__EL_LI = 1 << 12,
       CIT__EL_DD = 1 << 13,
       CIT__EL_OPTION = 1 << 14,
       CIT__EL_CELL = 1 << 15,
       CIT__EL_ROW = 1 << 16,
       CIT__EL_SECTION = 1 << 17,
       CIT__EL_HEAD = 1 << 18,
       CIT__EL_BODY = 1 << 19,
       CIT__EL_OPTGROUP = 1 << 20
};

/* The flags of an element's name, in any case of letters. */
uint32_t cit__html_flags(struct cit_slice name);

enum cit__html_kind { CIT__HTML_END, CIT__HTML_OPEN, CIT__HTML_CLOSE, CIT__HTML_TEXT };

struct cit__html_token {
    enum cit__html_kind kind;
    struct cit_slice name;       /* of a tag, as written */
    struct cit_slice attributes; /* OPEN: for cit__html_attribute */
    struct cit_slice text;       /* TEXT: as it stands */
    uint32_t flags;              /* of a tag's element */
    bool is_closed;              /* OPEN: there will be no content: void, or "/>" where that counts */
    bool is_plain;               /* TEXT: without character references */
};

struct cit__html {
    const char *p, *end;
    struct cit_slice raw; /* the element whose raw text comes next */
    uint32_t raw_flags;
    uint32_t foreign; /* open svg and math elements */
    bool is_xml;
};

void cit__html_init(struct cit__html *h, struct cit_slice text, bool is_xml);
void cit__html_next(struct cit__html *h, struct cit__html_token *out);

struct cit__html_attribute {
    struct cit_slice name, value; /* as written */
};

/* Takes the next one off the front of *rest; false when there is none. */
bool cit__html_attribute(struct cit_slice *rest, struct cit__html_attribute *out);

/* Resolves character references into out, which has room for raw.n bytes (no reference stands for more bytes than it
 * has).  Returns the length.  In attributes "&copy=1" stays as it is, as the standard says. */
size_t cit__html_decode(struct cit_slice raw, bool in_attribute, char *out);

#endif
