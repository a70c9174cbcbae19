/* fuzz/fuzz_h1_chunk.c - any bytes as a chunked body: at once, byte by byte and cut up
 * it gives the same verdict and the same data. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tests/c/h1_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *wrong = h1_chunks_hold((const char *)data, n);

    if (wrong != NULL) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    return 0;
}
