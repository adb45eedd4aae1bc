/* kernels.h: the inner loops, one table of functions per instruction set.
 *
 * Contract of all: pure, no allocation, any n including 0, any alignment of at
 * least the element's, no aliasing between inputs and outputs unless said. The
 * scalar file of an operation is its definition; every other variant gives the
 * same bits (a NaN is a NaN; its sign and payload are not part of the promise),
 * but for operations named `_fast`, which say how far they may differ.
 *
 * Reductions of floats (dot, l2sq, sums) run over 16 virtual lanes: lane j adds
 * elements j, j + 16, j + 32, ... in order over the full blocks of 16; then
 * lanes are halved pairwise: 8 sums s_j + s_(j+8), 4, 2, 1; then the tail is
 * added in order. Each product is rounded before it is added: no contraction
 * anywhere.
 *
 * The operations stand in the header of their family, with their contract, as
 * lines X(isa, result, name, (parameters)) of a list. From the lists are made
 * the declarations of every variant, mdg_<name>_<isa>, and the table.
 */
#ifndef MDG_KERNELS_H
#define MDG_KERNELS_H

#include "kernels/activation.h"
#include "kernels/bits.h"
#include "kernels/crc.h"
#include "kernels/elementwise.h"
#include "kernels/gather.h"
#include "kernels/gemm_i8.h"
#include "kernels/half.h"
#include "kernels/int8.h"
#include "kernels/matrix.h"
#include "kernels/pq4.h"
#include "kernels/reduce.h"
#include "kernels/scan.h"
#include "kernels/sparse.h"
#include "kernels/update.h"

/* clang-format off */
/* Every operation. On some CPUs those on bytes and bits have a variant of their
 * own: `bytes` is its name, elsewhere the same as `isa`. */
#define MDG_KERNELS_LIST(X, isa, bytes)                                        \
    MDG_REDUCE_OPS(X, isa)                                                     \
    MDG_ELEMENTWISE_OPS(X, isa)                                                \
    MDG_ACTIVATION_OPS(X, isa)                                                 \
    MDG_MATRIX_OPS(X, isa)                                                     \
    MDG_SPARSE_OPS(X, isa)                                                     \
    MDG_GATHER_OPS(X, isa)                                                     \
    MDG_HALF_OPS(X, isa)                                                       \
    MDG_UPDATE_OPS(X, isa)                                                     \
    MDG_SCAN_OPS(X, isa)                                                       \
    MDG_CRC_OPS(X, isa)                                                        \
    MDG_BYTES_LIST(X, bytes)
#define MDG_BYTES_LIST(X, isa)                                                 \
    MDG_INT8_OPS(X, isa)                                                       \
    MDG_GEMM_I8_OPS(X, isa)                                                    \
    MDG_BITS_OPS(X, isa)                                                       \
    MDG_PQ4_OPS(X, isa)

#define MDG_KERNEL_DECLARE(isa, result, name, parameters)                      \
    result mdg_##name##_##isa parameters;
#define MDG_KERNEL_MEMBER(isa, result, name, parameters)                       \
    result (*name) parameters;
/* clang-format on */

/* The variants of `isa`: in a build without that instruction set they are
 * declared only. */
#define MDG_KERNELS_DECLARE(isa) MDG_KERNELS_LIST(MDG_KERNEL_DECLARE, isa, isa)

#if defined(__wasm__)
/* A module has one variant: calls are direct, and it holds only the operations
 * that it calls. */
typedef struct mdg_kernels {
    const char *isa;
} mdg_kernels;

#define MDG_KERNEL(kernels, name)         MDG_KERNEL_OF(kernels, name, MDG_ISA)
#define MDG_KERNEL_OF(kernels, name, isa) MDG_KERNEL_IS(kernels, name, isa)
#define MDG_KERNEL_IS(kernels, name, isa) ((void)(kernels), mdg_##name##_##isa)
MDG_KERNELS_DECLARE(MDG_ISA)
#else
typedef struct mdg_kernels {
    /* "scalar", "v2", "avx2", "avx512", "avx512icl", "neon", "simd128" */
    const char *isa;
    MDG_KERNELS_LIST(MDG_KERNEL_MEMBER, , )
} mdg_kernels;

/* MDG_KERNEL(k, dot_f32)(n, a, b) calls an operation of a table. */
#define MDG_KERNEL(kernels, name) ((kernels)->name)
#endif

/* The best table for these MIDGE_CPU_* bits that is compiled in; never NULL. */
const mdg_kernels *mdg_kernels_select(uint32_t cpu_bits);

#endif
