/* flow/text.c - what users wrote, made fit to be shown. */
#include "flow/text_int.h"

#include <string.h>

enum { REPLACEMENT = 0xFFFD };

static bool is_tail(char b)
{
    return ((unsigned char)b & 0xC0) == 0x80;
}

/* How many bytes a character has that begins so; 0: none begins so. */
static size_t length_of(unsigned char b)
{
    if (b < 0x80)
        return 1;
    if (b >= 0xC2 && b < 0xE0)
        return 2;
    if (b >= 0xE0 && b < 0xF0)
        return 3;
    return b >= 0xF0 && b < 0xF5 ? 4 : 0;
}

/* Longer forms than needed, surrogates and what lies behind the last character are none. */
static bool is_character(uint32_t ch, size_t n)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    return ch >= least[n] && ch <= 0x10FFFF && !(ch >= 0xD800 && ch < 0xE000);
}

/* XML 1.0, 2.2: no control characters but tab and line ends, which are spaces here too. */
static uint32_t shown(uint32_t ch)
{
    if (ch < 0x20 || (ch >= 0x7F && ch < 0xA0))
        return ' ';
    return ch == 0xFFFE || ch == 0xFFFF ? REPLACEMENT : ch;
}

uint32_t cit__text_next(struct cit_slice *text)
{
    size_t n = length_of((unsigned char)text->p[0]), used = 1;
    uint32_t ch = (unsigned char)text->p[0];

    if (n > 1)
        ch &= 0x7Fu >> n;
    for (; used < n && used < text->n && is_tail(text->p[used]); used++)
        ch = ch << 6 | ((unsigned char)text->p[used] & 0x3F);
    if (n == 0 || used < n || !is_character(ch, n))
        ch = REPLACEMENT;
    *text = cit_slice(text->p + used, text->n - used);
    return shown(ch);
}

size_t cit__text_put(uint32_t ch, char out[4])
{
    static const unsigned char lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    size_t n = ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;

    for (size_t i = n - 1; i > 0; i--, ch >>= 6)
        out[i] = (char)(0x80 | (ch & 0x3F));
    out[0] = (char)(n == 1 ? ch : lead[n] | ch);
    return n;
}

void cit__text_show(struct cit_slice text, size_t most, char *out, size_t out_size)
{
    size_t at = 0, room = out_size - sizeof "...", n;
    char piece[4];

    most = most < room ? most : room;
    while (text.n > 0) {
        n = cit__text_put(cit__text_next(&text), piece);
        if (at + n > most) {
            memcpy(out + at, "...", 3);
            at += 3;
            break;
        }
        memcpy(out + at, piece, n);
        at += n;
    }
    out[at] = '\0';
}
