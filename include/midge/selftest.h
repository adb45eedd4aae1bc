/* selftest.h: does this machine compute the same bits as every other?
 *
 * Every kernel runs on a fixed corpus of inputs and the results are hashed. Any
 * compiler, instruction set and WebAssembly engine must come to the same
 * number.
 */
#ifndef MIDGE_SELFTEST_H
#define MIDGE_SELFTEST_H

#include "midge/env.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MIDGE_SELFTEST_RESULT 0xb1b68bfeu
#define MIDGE_SELFTEST_BYTES  120000u

/* Runs the kernels that `env` selects, in `scratch` (MIDGE_SELFTEST_BYTES
 * bytes, aligned as float). Returns MIDGE_SELFTEST_RESULT, or another number on
 * a machine whose results cannot be trusted. `isa` (may be NULL) receives the
 * name of the kernels: "scalar", "v2", "avx2", "avx512", "simd128". Cost: a few
 * milliseconds; allocates nothing. */
MIDGE_API uint32_t midge_selftest(const midge_env *env, void *scratch,
                                  const char **isa);

#ifdef __cplusplus
}
#endif
#endif
