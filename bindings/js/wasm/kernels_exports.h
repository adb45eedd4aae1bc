/* kernels_exports.h: included by flag into every kernel file of the modules
 * midge-vectors-* (MODULE_VECTORS) and midge-kernels-*: their operations are
 * exported under their names, and the linker leaves out the others. A list of
 * exports that could lag behind the lists of operations does not exist. */
#ifndef MIDGE_WASM_KERNELS_EXPORTS_H
#define MIDGE_WASM_KERNELS_EXPORTS_H

#include "kernels/kernels.h"

/* clang-format off */
#if defined(MODULE_VECTORS)
#define OPERATIONS(X, isa)                                                     \
    MDG_GATHER_OPS(X, isa)                                                     \
    MDG_HALF_OPS(X, isa)                                                       \
    MDG_INT8_OPS(X, isa)                                                       \
    MDG_BITS_OPS(X, isa)                                                       \
    MDG_PQ4_OPS(X, isa)                                                        \
    X(isa, void, gemv_f32, (size_t rows, size_t cols, const float *a,          \
                            size_t lda, const float *x, float *y))
#else
#define OPERATIONS(X, isa)                                                     \
    MDG_ACTIVATION_OPS(X, isa)                                                 \
    MDG_MATRIX_OPS(X, isa)
#endif
#define EXPORTED(isa, result, name, parameters)                                \
    __attribute__((export_name(#name))) result mdg_##name##_##isa parameters;
#define EXPORTED_OF(isa)                                                       \
    MDG_REDUCE_OPS(EXPORTED, isa)                                              \
    MDG_ELEMENTWISE_OPS(EXPORTED, isa)                                         \
    OPERATIONS(EXPORTED, isa)
/* clang-format on */
EXPORTED_OF(MDG_ISA)

#endif
