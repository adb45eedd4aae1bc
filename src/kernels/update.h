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

/* clang-format off */
#define MDG_UPDATE_OPS(X, isa)                                                 \
    X(isa, void, adam_f32, (size_t n, const mdg_adam *step, const float *g,    \
                            float *w, float *m, float *v))
/* clang-format on */

#endif
