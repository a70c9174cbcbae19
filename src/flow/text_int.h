/* flow/text_int.h - what users wrote, made fit to be shown; private to src/flow.
 *
 * Whatever bytes come in, valid UTF-8 goes out that XML allows: a control character is a space, what
 * is no character is U+FFFD.
 *
 * Depends on: base/{buf,slice}.
 * Threads:    any.
 */
#ifndef CIT_FLOW_TEXT_INT_H
#define CIT_FLOW_TEXT_INT_H

#include <stdint.h>

#include "base/buf.h"

/* The next character of a text that is not empty, taken off its front. */
uint32_t cit__text_next(struct cit_slice *text);

/* A character as UTF-8; how many bytes of out are filled. */
size_t cit__text_put(uint32_t ch, char out[4]);

/* Into out, NUL-terminated: at most `most` bytes of the text, then "..." when it was cut. */
void cit__text_show(struct cit_slice text, size_t most, char *out, size_t out_size);

#endif
