/* declare.h: the names of one variant's functions, mdg_<op>_f32_<isa>.
 *
 *     MDG_DECLARE_KERNELS(avx2)   declares them
 *     MDG_KERNELS_TABLE(avx2)     is the initialiser of their mdg_kernels
 */
#ifndef MDG_KERNELS_DECLARE_H
#define MDG_KERNELS_DECLARE_H

#include "kernels/kernels.h"

/* clang-format off */
#define MDG_DECLARE_KERNELS(isa)                                               \
    float mdg_dot_f32_##isa(size_t n, const float *a, const float *b);         \
    float mdg_l2sq_f32_##isa(size_t n, const float *a, const float *b);        \
    float mdg_sum_f32_##isa(size_t n, const float *x);                         \
    float mdg_max_f32_##isa(size_t n, const float *x);                         \
    void mdg_axpy_f32_##isa(size_t n, float a, const float *x, float *y);      \
    void mdg_gemv_f32_##isa(size_t rows, size_t cols, const float *a,          \
                            size_t lda, const float *x, float *y);             \
    void mdg_l2sq_rows_f32_##isa(size_t rows, size_t cols, const float *a,     \
                                 size_t lda, const float *x, float *out);      \
    void mdg_gemm_f32_##isa(const mdg_gemm *g);                                \
    void mdg_softmax_f32_##isa(size_t n, float *x);                            \
    void mdg_exp_f32_##isa(size_t n, float *x);                                \
    void mdg_tanh_f32_##isa(size_t n, float *x);                               \
    void mdg_sigmoid_f32_##isa(size_t n, float *x);                            \
    void mdg_cos_f32_##isa(size_t n, float *x);                                \
    void mdg_relu_f32_##isa(size_t n, float *x);                               \
    void mdg_adam_f32_##isa(size_t n, const mdg_adam *step, const float *g,    \
                            float *w, float *m, float *v);                     \
    void mdg_transpose_f32_##isa(size_t rows, size_t cols, const float *x,     \
                                 float *out)

#define MDG_KERNELS_TABLE(isa)                                                 \
    {#isa,                        mdg_dot_f32_##isa,                           \
     mdg_l2sq_f32_##isa,          mdg_sum_f32_##isa,                           \
     mdg_max_f32_##isa,           mdg_axpy_f32_##isa,                          \
     mdg_gemv_f32_##isa,          mdg_l2sq_rows_f32_##isa,                     \
     mdg_gemm_f32_##isa,          mdg_softmax_f32_##isa,                       \
     mdg_exp_f32_##isa,           mdg_tanh_f32_##isa,                          \
     mdg_sigmoid_f32_##isa,       mdg_cos_f32_##isa,                           \
     mdg_relu_f32_##isa,          mdg_adam_f32_##isa,                          \
     mdg_transpose_f32_##isa}
/* clang-format on */

#endif
