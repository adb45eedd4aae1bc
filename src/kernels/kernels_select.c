/* kernels_select.c: from the CPU's abilities to a table of kernels. Which
 * variants exist is decided by the build (MDG_KERNELS_X86, MDG_KERNELS_NEON,
 * __wasm__); which one runs is decided here, once per owner of an env. */
#include "midge/env.h"
#include "midge/selftest.h"

#include "kernels/scalar.h"

#define STRING(name)    STRING_OF(name)
#define STRING_OF(name) #name

#if defined(__wasm__)
/* A module with SIMD loads only where there is SIMD: nothing to choose. */
static const mdg_kernels the_kernels = {STRING(MDG_ISA)};

const mdg_kernels *mdg_kernels_select(uint32_t cpu_bits) {
    (void)cpu_bits;
    return &the_kernels;
}
#else
#define ENTRY(isa, result, name, parameters) mdg_##name##_##isa,
#define TABLE(isa, bytes)                    {#bytes, MDG_KERNELS_LIST(ENTRY, isa, bytes)}

static const mdg_kernels kernels_scalar = TABLE(scalar, scalar);

#if defined(MDG_KERNELS_X86)
MDG_KERNELS_DECLARE(v2)
MDG_KERNELS_DECLARE(avx2)
MDG_KERNELS_DECLARE(avx512)
MDG_KERNELS_DECLARE(avx512icl)
static const mdg_kernels kernels_v2 = TABLE(v2, v2);
static const mdg_kernels kernels_avx2 = TABLE(avx2, avx2);
static const mdg_kernels kernels_avx512 = TABLE(avx512, avx512);
static const mdg_kernels kernels_avx512icl = TABLE(avx512, avx512icl);
#endif

#if defined(MDG_KERNELS_NEON)
MDG_KERNELS_DECLARE(neon)
static const mdg_kernels kernels_neon = TABLE(neon, neon);
#endif

const mdg_kernels *mdg_kernels_select(uint32_t cpu_bits) {
#if defined(MDG_KERNELS_X86)
    if ((cpu_bits & MIDGE_CPU_AVX512ICL) != 0) {
        return &kernels_avx512icl;
    }
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
#if defined(MDG_KERNELS_NEON)
    if ((cpu_bits & MIDGE_CPU_NEON) != 0) {
        return &kernels_neon;
    }
#endif
    (void)cpu_bits;
    return &kernels_scalar;
}
#endif
