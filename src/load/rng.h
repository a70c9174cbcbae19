/* load/rng.h - random numbers that a seed repeats.
 *
 * xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64.  Not for secrets.
 *
 * Depends on: nothing.
 * Threads:    one generator, one thread.
 */
#ifndef CIT_LOAD_RNG_H
#define CIT_LOAD_RNG_H

#include <stdint.h>

struct cit_rng {
    uint64_t s[4];
};

/* Two streams of one seed have nothing in common that a test could tell. */
void cit_rng_seed(struct cit_rng *r, uint64_t seed, uint64_t stream);

uint64_t cit_rng_next(struct cit_rng *r);
double cit_rng_unit(struct cit_rng *r);                /* [0, 1) */
uint64_t cit_rng_below(struct cit_rng *r, uint64_t n); /* [0, n), without bias; 0 for n = 0 */
double cit_rng_exponential(struct cit_rng *r);         /* mean 1 */
double cit_rng_normal(struct cit_rng *r);              /* mean 0, deviation 1 */

#endif
