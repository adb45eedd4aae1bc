/* matmul.h: a product of matrices, shared among the threads of an env. */
#ifndef MDG_MATMUL_H
#define MDG_MATMUL_H

#include "kernels/kernels.h"
#include "midge/env.h"

typedef enum mdg_matmul_how {
    MDG_MATMUL_SAME_BITS, /* gemm_f32, with any number of threads */
    MDG_MATMUL_FAST       /* gemm_fast_f32, within its bound */
} mdg_matmul_how;

/* Computes *g as kernels/matrix.h says. A product of less than some 30 us is
 * not shared. g->activate is called by several threads at once. Not in the body
 * of a loop that runs on the same env. */
void mdg_matmul(const midge_env *env, const mdg_kernels *kernels,
                const mdg_gemm *g, mdg_matmul_how how);

#endif
