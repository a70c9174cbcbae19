/* fuzz/fuzz_h1_response.c - any bytes as a response head: the properties of h1_props.h.
 *
 * The first byte chooses the limits, so that small ones are met too.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tests/c/h1_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct cit_h1_limits limits[] = { { 8190, 100, 8190, 65536 },
                                                   { 40, 3, 40, 120 },
                                                   { 20, 100, 12, 200 } };
    const char *wrong;

    if (n == 0)
        return 0;
    wrong = h1_head_holds(false, (const char *)data + 1, n - 1, &limits[data[0] % 3]);
    if (wrong != NULL) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    return 0;
}
