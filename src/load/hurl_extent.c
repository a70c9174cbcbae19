/* load/hurl_extent.c - where a JSON value or an XML element ends that has {{variables}} in it. */
#include "load/journey_int.h"

enum { DEPTH_MAX = 512 };

/* ---- JSON ---- */

struct json {
    const char *p, *end;
    const char *why, *at; /* why: NULL as long as nothing is wrong */
    uint32_t depth;
    uint64_t is_object[DEPTH_MAX / 64];
};

static void wrong(struct json *j, const char *at, const char *why)
{
    if (j->why != NULL)
        return;
    j->why = why;
    j->at = at;
}

static void blanks(struct json *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\n' || *j->p == '\r'))
        j->p++;
}

static bool takes(struct json *j, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n) != 0)
        return false;
    j->p += n;
    return true;
}

static bool is_hex(const char *p)
{
    for (int i = 0; i < 4; i++)
        if (!((p[i] >= '0' && p[i] <= '9') || ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f')))
            return false;
    return true;
}

static void json_string(struct json *j)
{
    const char *open = j->p++;

    while (j->p < j->end && *j->p != '"') {
        if ((unsigned char)*j->p < 0x20) {
            wrong(j, open, "a JSON string ends on the line it begins on; a line break in it is \\n");
            return;
        }
        if (*j->p == '\\') {
            bool is_unicode = j->end - j->p > 5 && j->p[1] == 'u' && is_hex(j->p + 2);

            if (!is_unicode && (j->end - j->p < 2 || j->p[1] == '\0' || strchr("\"\\/bfnrt", j->p[1]) == NULL)) {
                wrong(j, j->p, "in a JSON string there are the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u0000");
                return;
            }
            j->p += is_unicode ? 5 : 1;
        }
        j->p++;
    }
    if (j->p == j->end)
        wrong(j, open, "the JSON string that begins here has no closing \"");
    else
        j->p++;
}

static size_t digits(struct json *j)
{
    const char *from = j->p;

    while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
        j->p++;
    return (size_t)(j->p - from);
}

static void json_number(struct json *j)
{
    const char *from = j->p;
    bool is_good;

    (void)takes(j, "-");
    is_good = takes(j, "0") || digits(j) > 0;
    if (takes(j, "."))
        is_good = is_good && digits(j) > 0;
    if (takes(j, "e") || takes(j, "E")) {
        if (!takes(j, "+"))
            (void)takes(j, "-");
        is_good = is_good && digits(j) > 0;
    }
    if (!is_good)
        wrong(j, from, "expected a JSON value: { [ \" a number, true, false, null or a {{variable}}");
}

static void json_template(struct json *j)
{
    const char *eol = memchr(j->p, '\n', (size_t)(j->end - j->p));
    const char *close = memmem(j->p, (size_t)((eol != NULL ? eol : j->end) - j->p), "}}", 2);

    if (close == NULL)
        wrong(j, j->p, "{{ has no }} behind it");
    else
        j->p = close + 2;
}

static void open_level(struct json *j, bool is_object)
{
    uint64_t bit = 1ULL << (j->depth % 64);

    if (j->depth == DEPTH_MAX) {
        wrong(j, j->p, "JSON is nested more than 512 deep");
        return;
    }
    if (is_object)
        j->is_object[j->depth / 64] |= bit;
    else
        j->is_object[j->depth / 64] &= ~bit;
    j->depth++;
    j->p++;
}

static bool in_object(const struct json *j)
{
    return (j->is_object[(j->depth - 1) / 64] >> ((j->depth - 1) % 64) & 1) != 0;
}

static void json_name(struct json *j)
{
    blanks(j);
    if (j->p == j->end || *j->p != '"') {
        wrong(j, j->p, "expected the name of a member, in quotes");
        return;
    }
    json_string(j);
    blanks(j);
    if (j->why == NULL && !takes(j, ":"))
        wrong(j, j->p, "expected a colon behind the name of the member");
}

/* A value, or the opening of one; true when a value was completed. */
static bool json_value(struct json *j)
{
    blanks(j);
    if (j->end - j->p >= 2 && memcmp(j->p, "{{", 2) == 0) {
        json_template(j);
    } else if (j->p < j->end && (*j->p == '{' || *j->p == '[')) {
        bool is_object = *j->p == '{';

        open_level(j, is_object);
        blanks(j);
        if (j->why == NULL && !takes(j, is_object ? "}" : "]")) {
            if (is_object)
                json_name(j);
            return false;
        }
        j->depth -= j->why == NULL;
    } else if (j->p < j->end && *j->p == '"') {
        json_string(j);
    } else if (!takes(j, "true") && !takes(j, "false") && !takes(j, "null")) {
        json_number(j);
    }
    return true;
}

/* What comes behind a value inside another: true when the next value may come. */
static bool json_next(struct json *j)
{
    bool is_object = in_object(j);

    blanks(j);
    if (takes(j, ",")) {
        if (is_object)
            json_name(j);
        return true;
    }
    if (takes(j, is_object ? "}" : "]"))
        j->depth--;
    else
        wrong(j, j->p, is_object ? "expected , or } in the JSON object" : "expected , or ] in the JSON array");
    return false;
}

const char *cit__hurl_json_end(const char *p, const char *end, const char **why, const char **at)
{
    struct json j = { .p = p, .end = end };
    bool is_next = true;

    do {
        while (is_next && j.why == NULL)
            is_next = !json_value(&j);
        while (j.depth > 0 && !is_next && j.why == NULL)
            is_next = json_next(&j);
    } while (j.depth > 0 && j.why == NULL);
    *why = j.why;
    *at = j.at;
    return j.why == NULL ? j.p : NULL;
}

/* ---- XML ---- */

/* Behind the next `close`; NULL when there is none. */
static const char *behind(const char *p, const char *end, const char *close)
{
    const char *at = memmem(p, (size_t)(end - p), close, strlen(close));

    return at != NULL ? at + strlen(close) : NULL;
}

/* Behind the > of a tag or declaration: not one in quotes or in the brackets of a DOCTYPE. */
static const char *behind_tag(const char *p, const char *end)
{
    int brackets = 0;
    char quote = '\0';

    for (; p < end; p++) {
        if (quote != '\0')
            quote = *p == quote ? '\0' : quote;
        else if (*p == '"' || *p == '\'')
            quote = *p;
        else if (*p == '[' || *p == ']')
            brackets += *p == '[' ? 1 : -1;
        else if (*p == '>' && brackets <= 0)
            return p + 1;
    }
    return NULL;
}

/* Behind the piece of markup at p, and by how much it nests. */
static const char *behind_markup(const char *p, const char *end, int *nests)
{
    struct cit_slice left = cit_slice(p, (size_t)(end - p));

    *nests = 0;
    if (left.n >= 4 && memcmp(p, "<!--", 4) == 0)
        return behind(p + 4, end, "-->");
    if (left.n >= 9 && memcmp(p, "<![CDATA[", 9) == 0)
        return behind(p + 9, end, "]]>");
    if (left.n >= 2 && p[1] == '?')
        return behind(p + 2, end, "?>");
    if (left.n >= 2 && p[1] == '!')
        return behind_tag(p + 2, end);
    *nests = left.n >= 2 && p[1] == '/' ? -1 : 1;
    p = behind_tag(p + 1, end);
    if (p != NULL && *nests == 1 && p[-2] == '/')
        *nests = 2; /* <a/>: opens and closes */
    return p;
}

const char *cit__hurl_xml_end(const char *p, const char *end, const char **why, const char **at)
{
    const char *open = p;
    size_t depth = 0;
    int nests = 0;

    while (p != NULL && p < end) {
        const char *lt = memchr(p, '<', (size_t)(end - p));

        for (const char *c = p; depth == 0 && c < (lt != NULL ? lt : end); c++)
            if (strchr(" \t\r\n", *c) == NULL || *c == '\0')
                lt = NULL;
        if (lt == NULL)
            break;
        p = behind_markup(lt, end, &nests);
        if (p == NULL || (nests == -1 && depth == 0))
            break;
        depth += nests == 1;
        depth -= nests == -1;
        if (nests != 0 && depth == 0)
            return p;
    }
    *why = "the XML element that begins here is not closed";
    *at = open;
    return NULL;
}
