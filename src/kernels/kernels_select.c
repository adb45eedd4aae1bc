/* kernels_select.c: from the CPU's abilities to a table of kernels. Which
 * variants exist is decided by the build (MDG_KERNELS_X86, __wasm_simd128__);
 * which one runs is decided here, once per owner of an env. */
#include "midge/env.h"

#include "kernels/scalar.h"

#if !defined(__wasm_simd128__)
static const mdg_kernels kernels_scalar = MDG_KERNELS_TABLE(scalar);
#endif

#if defined(MDG_KERNELS_X86)
MDG_DECLARE_KERNELS(v2);
MDG_DECLARE_KERNELS(avx2);
MDG_DECLARE_KERNELS(avx512);
static const mdg_kernels kernels_v2 = MDG_KERNELS_TABLE(v2);
static const mdg_kernels kernels_avx2 = MDG_KERNELS_TABLE(avx2);
static const mdg_kernels kernels_avx512 = MDG_KERNELS_TABLE(avx512);
#endif

#if defined(__wasm_simd128__)
MDG_DECLARE_KERNELS(simd128);
static const mdg_kernels kernels_simd128 = MDG_KERNELS_TABLE(simd128);
#endif

#if defined(__wasm_simd128__)
/* A module with SIMD loads only where there is SIMD: nothing to choose, and the
 * scalar kernels need not be part of it. */
const mdg_kernels *mdg_kernels_select(uint32_t cpu_bits) {
    (void)cpu_bits;
    return &kernels_simd128;
}
#else
const mdg_kernels *mdg_kernels_select(uint32_t cpu_bits) {
#if defined(MDG_KERNELS_X86)
    if ((cpu_bits & MIDGE_CPU_AVX512) != 0) {
        return &kernels_avx512;
    }
    if ((cpu_bits & MIDGE_CPU_AVX2) != 0) {
        return &kernels_avx2;
    }
    if ((cpu_bits & MIDGE_CPU_V2) != 0) {
        return &kernels_v2;
    }
#endif
    (void)cpu_bits;
    return &kernels_scalar;
}
#endif
