/* load/html_refs.c - character references of HTML: numbers, and the names of HTML 4 (XHTML's &apos; with them).
 *
 * The standard has 2,231 names; these 259 are the ones that pages use.  No reference is shorter than
 * the UTF-8 it stands for, which html_int.h promises.
 */
#include <string.h>

#include "load/html_int.h"
#include "load/utf8_int.h"

enum { NAME_MAX = 8, LEGACY_MAX = 6 /* letters of a name that needs no semicolon */, LEGACY_BELOW = 256 };

struct named {
    char name[NAME_MAX + 1];
    uint16_t code;
};

/* clang-format off */
static const struct named table[] = { /* in the order of strcmp() */
    { "AElig", 198 }, { "AMP", 38 }, { "Aacute", 193 }, { "Acirc", 194 }, { "Agrave", 192 }, { "Alpha", 913 },
    { "Aring", 197 }, { "Atilde", 195 }, { "Auml", 196 }, { "Beta", 914 }, { "COPY", 169 }, { "Ccedil", 199 },
    { "Chi", 935 }, { "Dagger", 8225 }, { "Delta", 916 }, { "ETH", 208 }, { "Eacute", 201 }, { "Ecirc", 202 },
    { "Egrave", 200 }, { "Epsilon", 917 }, { "Eta", 919 }, { "Euml", 203 }, { "GT", 62 }, { "Gamma", 915 },
    { "Iacute", 205 }, { "Icirc", 206 }, { "Igrave", 204 }, { "Iota", 921 }, { "Iuml", 207 }, { "Kappa", 922 },
    { "LT", 60 }, { "Lambda", 923 }, { "Mu", 924 }, { "Ntilde", 209 }, { "Nu", 925 }, { "OElig", 338 },
    { "Oacute", 211 }, { "Ocirc", 212 }, { "Ograve", 210 }, { "Omega", 937 }, { "Omicron", 927 }, { "Oslash", 216 },
    { "Otilde", 213 }, { "Ouml", 214 }, { "Phi", 934 }, { "Pi", 928 }, { "Prime", 8243 }, { "Psi", 936 },
    { "QUOT", 34 }, { "REG", 174 }, { "Rho", 929 }, { "Scaron", 352 }, { "Sigma", 931 }, { "THORN", 222 },
    { "Tau", 932 }, { "Theta", 920 }, { "Uacute", 218 }, { "Ucirc", 219 }, { "Ugrave", 217 }, { "Upsilon", 933 },
    { "Uuml", 220 }, { "Xi", 926 }, { "Yacute", 221 }, { "Yuml", 376 }, { "Zeta", 918 }, { "aacute", 225 },
    { "acirc", 226 }, { "acute", 180 }, { "aelig", 230 }, { "agrave", 224 }, { "alefsym", 8501 }, { "alpha", 945 },
    { "amp", 38 }, { "and", 8743 }, { "ang", 8736 }, { "apos", 39 }, { "aring", 229 }, { "asymp", 8776 },
    { "atilde", 227 }, { "auml", 228 }, { "bdquo", 8222 }, { "beta", 946 }, { "brvbar", 166 }, { "bull", 8226 },
    { "cap", 8745 }, { "ccedil", 231 }, { "cedil", 184 }, { "cent", 162 }, { "chi", 967 }, { "circ", 710 },
    { "clubs", 9827 }, { "cong", 8773 }, { "copy", 169 }, { "crarr", 8629 }, { "cup", 8746 }, { "curren", 164 },
    { "dArr", 8659 }, { "dagger", 8224 }, { "darr", 8595 }, { "deg", 176 }, { "delta", 948 }, { "diams", 9830 },
    { "divide", 247 }, { "eacute", 233 }, { "ecirc", 234 }, { "egrave", 232 }, { "empty", 8709 }, { "emsp", 8195 },
    { "ensp", 8194 }, { "epsilon", 949 }, { "equiv", 8801 }, { "eta", 951 }, { "eth", 240 }, { "euml", 235 },
    { "euro", 8364 }, { "exist", 8707 }, { "fnof", 402 }, { "forall", 8704 }, { "frac12", 189 }, { "frac14", 188 },
    { "frac34", 190 }, { "frasl", 8260 }, { "gamma", 947 }, { "ge", 8805 }, { "gt", 62 }, { "hArr", 8660 },
    { "harr", 8596 }, { "hearts", 9829 }, { "hellip", 8230 }, { "iacute", 237 }, { "icirc", 238 }, { "iexcl", 161 },
    { "igrave", 236 }, { "image", 8465 }, { "infin", 8734 }, { "int", 8747 }, { "iota", 953 }, { "iquest", 191 },
    { "isin", 8712 }, { "iuml", 239 }, { "kappa", 954 }, { "lArr", 8656 }, { "lambda", 955 }, { "lang", 10216 },
    { "laquo", 171 }, { "larr", 8592 }, { "lceil", 8968 }, { "ldquo", 8220 }, { "le", 8804 }, { "lfloor", 8970 },
    { "lowast", 8727 }, { "loz", 9674 }, { "lrm", 8206 }, { "lsaquo", 8249 }, { "lsquo", 8216 }, { "lt", 60 },
    { "macr", 175 }, { "mdash", 8212 }, { "micro", 181 }, { "middot", 183 }, { "minus", 8722 }, { "mu", 956 },
    { "nabla", 8711 }, { "nbsp", 160 }, { "ndash", 8211 }, { "ne", 8800 }, { "ni", 8715 }, { "not", 172 },
    { "notin", 8713 }, { "nsub", 8836 }, { "ntilde", 241 }, { "nu", 957 }, { "oacute", 243 }, { "ocirc", 244 },
    { "oelig", 339 }, { "ograve", 242 }, { "oline", 8254 }, { "omega", 969 }, { "omicron", 959 }, { "oplus", 8853 },
    { "or", 8744 }, { "ordf", 170 }, { "ordm", 186 }, { "oslash", 248 }, { "otilde", 245 }, { "otimes", 8855 },
    { "ouml", 246 }, { "para", 182 }, { "part", 8706 }, { "permil", 8240 }, { "perp", 8869 }, { "phi", 966 },
    { "pi", 960 }, { "piv", 982 }, { "plusmn", 177 }, { "pound", 163 }, { "prime", 8242 }, { "prod", 8719 },
    { "prop", 8733 }, { "psi", 968 }, { "quot", 34 }, { "rArr", 8658 }, { "radic", 8730 }, { "rang", 10217 },
    { "raquo", 187 }, { "rarr", 8594 }, { "rceil", 8969 }, { "rdquo", 8221 }, { "real", 8476 }, { "reg", 174 },
    { "rfloor", 8971 }, { "rho", 961 }, { "rlm", 8207 }, { "rsaquo", 8250 }, { "rsquo", 8217 }, { "sbquo", 8218 },
    { "scaron", 353 }, { "sdot", 8901 }, { "sect", 167 }, { "shy", 173 }, { "sigma", 963 }, { "sigmaf", 962 },
    { "sim", 8764 }, { "spades", 9824 }, { "sub", 8834 }, { "sube", 8838 }, { "sum", 8721 }, { "sup", 8835 },
    { "sup1", 185 }, { "sup2", 178 }, { "sup3", 179 }, { "supe", 8839 }, { "szlig", 223 }, { "tau", 964 },
    { "there4", 8756 }, { "theta", 952 }, { "thetasym", 977 }, { "thinsp", 8201 }, { "thorn", 254 },
    { "tilde", 732 }, { "times", 215 }, { "trade", 8482 }, { "uArr", 8657 }, { "uacute", 250 }, { "uarr", 8593 },
    { "ucirc", 251 }, { "ugrave", 249 }, { "uml", 168 }, { "upsih", 978 }, { "upsilon", 965 }, { "uuml", 252 },
    { "weierp", 8472 }, { "xi", 958 }, { "yacute", 253 }, { "yen", 165 }, { "yuml", 255 }, { "zeta", 950 },
    { "zwj", 8205 }, { "zwnj", 8204 },
};
/* clang-format on */

/* What numbers in 0x80..0x9f mean (13.2.5.80): pages made under Windows. */
static const uint16_t windows[32] = {
    0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
    0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178,
};

static bool is_alnum(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
}

static uint32_t find(const char *p, size_t n)
{
    size_t low = 0, high = sizeof table / sizeof *table;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(p, table[middle].name, n);

        if (order == 0 && table[middle].name[n] == '\0')
            return table[middle].code;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static int digit(char c, bool is_hex)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return is_hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "&#" at p: the bytes it takes, 0 when it is none. */
static size_t numeric(const char *p, const char *end, uint32_t *code)
{
    const char *at = p + 2;
    bool is_hex = at < end && (*at | 0x20) == 'x';
    const char *start = at += is_hex;

    *code = 0;
    for (; at < end && digit(*at, is_hex) >= 0; at++)
        if (*code <= 0x10ffff) /* past it, it stays past it */
            *code = *code * (is_hex ? 16 : 10) + (uint32_t)digit(*at, is_hex);
    if (at == start)
        return 0;
    if (*code >= 0x80 && *code < 0xa0)
        *code = windows[*code - 0x80];
    if (*code == 0)
        *code = CIT__UTF8_REPLACEMENT;
    return (size_t)(at - p) + (at < end && *at == ';');
}

/* "&" and a letter at p: likewise.  The longest name counts; without its semicolon only the old ones do, and in an
 * attribute not where a name or a parameter may go on. */
static size_t named(const char *p, const char *end, bool in_attribute, uint32_t *code)
{
    const char *name = p + 1;
    size_t n = 0;

    while (name + n < end && n <= NAME_MAX && is_alnum(name[n]))
        n++;
    if (n <= NAME_MAX && name + n < end && name[n] == ';') {
        *code = find(name, n);
        if (*code != 0)
            return n + 2;
    }
    for (n = n < LEGACY_MAX ? n : LEGACY_MAX; n >= 2; n--) {
        *code = find(name, n);
        if (*code != 0 && *code < LEGACY_BELOW && *code != '\'')
            break;
    }
    if (n < 2)
        return 0;
    if (in_attribute && name + n < end && (name[n] == '=' || is_alnum(name[n])))
        return 0;
    return n + 1;
}

size_t cit__html_decode(struct cit_slice raw, bool in_attribute, char *out)
{
    const char *p = raw.p, *end = p + raw.n;
    char *to = out;

    while (p < end) {
        const char *mark = memchr(p, '&', (size_t)(end - p));
        size_t plain = (size_t)((mark != NULL ? mark : end) - p), taken = 0;
        uint32_t code = 0;

        memcpy(to, p, plain);
        to += plain;
        p += plain;
        if (p == end)
            break;
        if (end - p > 1)
            taken = p[1] == '#' ? numeric(p, end, &code) : named(p, end, in_attribute, &code);
        if (taken > 0)
            to += cit__utf8_put(to, code);
        else
            *to++ = *p;
        p += taken > 0 ? taken : 1;
    }
    return (size_t)(to - out);
}
