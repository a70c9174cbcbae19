/* load/select_jump.c - the first tag a page's literal stands in, without reading the page tag by tag.
 *
 *      ... <p>It's</p> <input type=hidden name="csrfmiddlewaretoken" ...
 *                    G L                        X
 *
 * X is the first place of the literal, L the last "<" before it.  That a reader from the start would
 * take L for the beginning of a tag is certain when all of this holds; else the page is read.
 *
 *   1. Before L, ">" comes last of "<" and ">" (G): whatever ends at ">" has ended, unless G is in quotes.
 *   2. No quote stands between G and L, and the last quote of either kind is not one that opens a
 *      value (behind "="): so neither G nor L is in the value of an attribute.
 *   3. Every "<!--" before L has its "-->", and every start tag of an element with raw text its end tag
 *      before L: so L is in no comment and no raw text.  There is no CDATA section.
 *   4. No number before L stands for a letter, digit or dash: so no tag before L has the literal unseen.
 *
 * Points 3 and 4 are one pass that looks at the places alone which may be such a thing, found sixteen
 * bytes at a time.
 */
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "load/html_int.h"
#include "load/select_int.h"

/* ---- quotes and tags right before L ---- */

/* No quote of this kind behind `from`, and the last one before it opens no value. */
static bool is_past_quotes(const char *page, const char *from, const char *lt, char quote)
{
    const char *last = memrchr(page, quote, (size_t)(lt - page));

    if (last == NULL)
        return true;
    if (last >= from)
        return false;
    while (last > page && (last[-1] == ' ' || (last[-1] >= '\t' && last[-1] <= '\r')))
        last--;
    return last == page || last[-1] != '=';
}

static bool is_outside_tags(const char *page, const char *lt)
{
    const char *p = lt;

    while (p > page && p[-1] != '>' && p[-1] != '<')
        p--;
    if (p > page && p[-1] == '<')
        return false;
    return is_past_quotes(page, p, lt, '"') && is_past_quotes(page, p, lt, '\'');
}

/* ---- comments, raw texts and numbers before L ---- */

/* The elements html.c reads as raw text. */
static const struct raw {
    char name[9];
    uint8_t n;
} raws[] = { { "script", 6 },  { "style", 5 },  { "textarea", 8 }, { "title", 5 },
             { "noembed", 7 }, { "iframe", 6 }, { "xmp", 3 },      { "noframes", 8 } };

enum { RAWS = sizeof raws / sizeof *raws, SCRIPT = 0 };

struct look {
    const char *lt;
    const char *closed[RAWS]; /* where the last one looked for ends; NULL: none was looked for */
    const char *comment;      /* likewise: behind it */
    bool is_unsure;
};

static bool is_named(const char *p, const struct raw *raw)
{
    return cit_slice_eq_nocase(cit_slice(p, raw->n), cit_slice(raw->name, raw->n));
}

/* The end tag of a raw text that begins at p, before L. */
static const char *find_end(const struct look *l, const char *p, const struct raw *raw)
{
    while ((p = memchr(p, '<', (size_t)(l->lt - p))) != NULL) {
        const char *name = p + 2;

        if (l->lt - name > raw->n && p[1] == '/' && is_named(name, raw) &&
            memchr("\t\n\f\r />", name[raw->n], 7) != NULL)
            return p;
        p++;
    }
    return NULL;
}

/* A "<" and the first letter of a raw element's name. */
static void see_tag(struct look *l, const char *p)
{
    for (uint32_t i = 0; i < RAWS; i++) {
        if ((p[1] | 0x20) != raws[i].name[1] || l->lt - p < raws[i].n || !is_named(p, &raws[i]))
            continue;
        if (l->closed[i] != NULL && p < l->closed[i]) {
            /* a script in a script may make the next end tag none (html.c, raw_end()) */
            l->is_unsure = l->is_unsure || i == SCRIPT;
            continue;
        }
        l->closed[i] = find_end(l, p, &raws[i]);
        l->is_unsure = l->is_unsure || l->closed[i] == NULL;
    }
}

/* "<!": "-->" behind a comment's dashes, which may be its own, as in "<!-->". */
static void see_comment(struct look *l, const char *p)
{
    l->is_unsure = l->is_unsure || p[2] == '[';
    if (memcmp(p, "<!--", 4) != 0 || (l->comment != NULL && p < l->comment))
        return;
    l->comment = memmem(p + 4, (size_t)(l->lt - p - 4), "-->", 3);
    l->is_unsure = l->is_unsure || l->comment == NULL;
}

static void see_number(struct look *l, const char *p)
{
    char c[12];
    const char *digit = (p[2] | 0x20) == 'x' ? p + 3 : p + 2;
    size_t n = l->lt - p < (ptrdiff_t)sizeof c ? (size_t)(l->lt - p) : sizeof c;

    (void)cit__html_decode(cit_slice(p, n), true, c);
    l->is_unsure = l->is_unsure || *digit == '0' || c[0] == '-' || (unsigned char)((c[0] | 0x20) - 'a') < 26 ||
                   (unsigned char)(c[0] - '0') < 10;
}

static void see(struct look *l, const char *p)
{
    if (l->lt - p < 4)
        return; /* too short for anything that must have ended before L */
    if (*p == '&')
        see_number(l, p);
    else if (p[1] == '!')
        see_comment(l, p);
    else
        see_tag(l, p + 1);
}

/* "&#", or "<" and one of "!", i, n, s, t, x in either case. */
static bool is_worth_it(const char *p)
{
    char next = (char)(p[1] | 0x20);

    return *p == '&' ? p[1] == '#' : *p == '<' && memchr("!instx", next, 6) != NULL;
}

#if defined(__SSE2__)
/* The same for the 16 bytes at p, a bit each; the byte behind them is read, too. */
static unsigned worth_bits(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i w = _mm_loadu_si128((const __m128i *)(const void *)(p + 1)), low = _mm_or_si128(w, _mm_set1_epi8(0x20));
    __m128i st = _mm_or_si128(_mm_cmpeq_epi8(low, _mm_set1_epi8('s')), _mm_cmpeq_epi8(low, _mm_set1_epi8('t')));
    __m128i in = _mm_or_si128(_mm_cmpeq_epi8(low, _mm_set1_epi8('i')), _mm_cmpeq_epi8(low, _mm_set1_epi8('n')));
    __m128i xc = _mm_or_si128(_mm_cmpeq_epi8(low, _mm_set1_epi8('x')), _mm_cmpeq_epi8(w, _mm_set1_epi8('!')));
    __m128i tag = _mm_and_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('<')), _mm_or_si128(st, _mm_or_si128(in, xc)));
    __m128i ref = _mm_and_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('&')), _mm_cmpeq_epi8(w, _mm_set1_epi8('#')));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(tag, ref));
}
#endif

static bool is_surely_tag(const char *page, const char *lt)
{
    struct look l = { .lt = lt };
    const char *p = page;

#if defined(__SSE2__)
    for (; lt - p >= 16 && !l.is_unsure; p += 16)
        for (unsigned bits = worth_bits(p); bits != 0; bits &= bits - 1)
            see(&l, p + __builtin_ctz(bits));
#endif
    for (; p < lt && !l.is_unsure; p++)
        if (is_worth_it(p))
            see(&l, p);
    return !l.is_unsure;
}

const char *cit__jump(const struct cit__select *select, struct cit_slice page)
{
    const char *x = memmem(page.p, page.n, select->literal.p, select->literal.n);
    const char *lt = x != NULL ? memrchr(page.p, '<', (size_t)(x - page.p)) : NULL;

    return lt != NULL && is_outside_tags(page.p, lt) && is_surely_tag(page.p, lt) ? lt : NULL;
}
