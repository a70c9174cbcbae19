/* load/rng.c - xoshiro256** and what is drawn from it. */
#include "load/rng.h"

#include <math.h>

static uint64_t rotated(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

/* The next number of splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t split(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15U;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* The mixed seed and the stream are mixed again: neighbours of either are far apart. */
void cit_rng_seed(struct cit_rng *r, uint64_t seed, uint64_t stream)
{
    uint64_t x = split(&seed) + stream;

    x = split(&x);
    for (int i = 0; i < 4; i++)
        r->s[i] = split(&x);
}

uint64_t cit_rng_next(struct cit_rng *r)
{
    uint64_t *s = r->s, out = rotated(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 45);
    return out;
}

double cit_rng_unit(struct cit_rng *r)
{
    return (double)(cit_rng_next(r) >> 11) * 0x1p-53;
}

uint64_t cit_rng_below(struct cit_rng *r, uint64_t n)
{
    uint64_t odd, x; /* odd: 2^64 mod n, the numbers that would make the first ones likelier */

    if (n == 0)
        return 0;
    odd = -n % n;
    do
        x = cit_rng_next(r);
    while (x < odd);
    return x % n;
}

double cit_rng_exponential(struct cit_rng *r)
{
    return -log1p(-cit_rng_unit(r));
}

/* Box and Muller 1958, one of the two. */
double cit_rng_normal(struct cit_rng *r)
{
    double radius = sqrt(2 * cit_rng_exponential(r));

    return radius * cos(6.283185307179586 * cit_rng_unit(r));
}
