/* frame_sweep.h: what every framed file must withstand (src/base/frame.h): cut
 * at every length, one byte too long, every byte changed. The callback reads
 * the bytes and asserts that the outcome is `wanted` and that nothing is held.
 */
#ifndef FRAME_SWEEP_H
#define FRAME_SWEEP_H

#include <stdlib.h>
#include <string.h>

#include "midge/status.h"

typedef void (*frame_expect_fn)(void *ctx, const void *bytes, size_t size,
                                midge_status wanted);

static inline void frame_put_u32(char *at, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        at[i] = (char)(value >> (8 * i));
    }
}

static inline void frame_sweep_lengths(const char *bytes, size_t size,
                                       frame_expect_fn expect, void *ctx) {
    for (size_t cut = 0; cut < size; cut++) {
        expect(ctx, bytes, cut, cut < 8 ? MIDGE_E_PARSE : MIDGE_E_CORRUPT);
    }
    char *longer = malloc(size + 1);
    if (!longer) {
        abort();
    }
    memcpy(longer, bytes, size);
    longer[size] = '\0';
    expect(ctx, longer, size + 1, MIDGE_E_CORRUPT);
    free(longer);
}

/* Each byte xor `flip`, for flip = 1 and then flip * factor + 1 below 256: all
 * 255 changes with factor 1. */
static inline void frame_sweep_flips(char *bytes, size_t size, int factor,
                                     frame_expect_fn expect, void *ctx) {
    for (size_t at = 0; at < size; at++) {
        for (int flip = 1; flip < 256; flip = flip * factor + 1) {
            bytes[at] = (char)(bytes[at] ^ flip);
            expect(ctx, bytes, size,
                   at < 8    ? MIDGE_E_PARSE
                   : at < 12 ? MIDGE_E_VERSION
                             : MIDGE_E_CORRUPT);
            bytes[at] = (char)(bytes[at] ^ flip);
        }
    }
}

#endif
