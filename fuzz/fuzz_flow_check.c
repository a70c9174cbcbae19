/* fuzz/fuzz_flow_check.c - any graph is checked and drawn: texts are clean, ways and loops are
 * those of their definition. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tests/c/flow_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *wrong = flow_check_holds(data, n);

    if (wrong != NULL) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    return 0;
}
