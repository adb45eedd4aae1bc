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

#define MIDGE_SELFTEST_RESULT 0xef635a2fu
#define MIDGE_SELFTEST_BYTES  120000u

/* Runs the kernels that `env` selects, in `scratch` (MIDGE_SELFTEST_BYTES
 * bytes, aligned as float). Returns MIDGE_SELFTEST_RESULT, or another number on
 * a machine whose results cannot be trusted. `isa` (may be NULL) receives the
 * name of the kernels: "scalar", "v2", "avx2", "avx512", "avx512icl", "neon",
 * "simd128". Cost: some milliseconds; allocates nothing; any thread. */
MIDGE_API uint32_t midge_selftest(const midge_env *env, void *scratch,
                                  const char **isa);

/* The operations that the kernels have, by index from 0, and the variant of
 * each that `env` selects; NULL from midge_kernels_count() on. Static storage;
 * any thread; constant cost. */
MIDGE_API size_t midge_kernels_count(void);
MIDGE_API const char *midge_kernel_name(size_t index);
MIDGE_API const char *midge_kernel_variant(const midge_env *env, size_t index);

#ifdef __cplusplus
}
#endif
#endif
