/* update.h: steps of the trainers over n weights. */
#ifndef MDG_KERNELS_UPDATE_H
#define MDG_KERNELS_UPDATE_H

#include <stddef.h>
#include <stdint.h>

/* One step of Adam over n weights: m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
 * w = w - rate * m / (sqrt(v) * v_scale + epsilon) - decay * w, all right-hand
 * sides with the old w. The caller puts the bias corrections into `rate`
 * and `v_scale`. */
typedef struct mdg_adam {
    float beta1, beta2, rate, v_scale, epsilon, decay;
} mdg_adam;

/* One step of gradient descent with momentum: v = momentum v + (g + decay w);
 * w = w - rate v, with the new v and the old w. */
typedef struct mdg_sgd {
    float rate, momentum, decay;
} mdg_sgd;

/* What is too small to matter becomes 0: where an input has died, moments
 * shrink by a factor each step, and numbers below 2^-126 are a hundred times as
 * slow. New m and v of adam and the new v of sgd below MDG_UPDATE_TINY in size
 * are 0, and a g below MDG_ADAM_TINY counts as 0, so that its square is nothing
 * odd. */
#define MDG_UPDATE_TINY 0x1p-100f
#define MDG_ADAM_TINY   0x1p-50f

/* clang-format off */
#define MDG_UPDATE_OPS(X, isa)                                                 \
    X(isa, void, adam_f32, (size_t n, const mdg_adam *step, const float *g,    \
                            float *w, float *m, float *v))                     \
    X(isa, void, sgd_f32, (size_t n, const mdg_sgd *step, const float *g,      \
                           float *w, float *v))
/* clang-format on */

#endif
