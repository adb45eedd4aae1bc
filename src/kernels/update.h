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

/* One step of iRPROP-. With h = g + decay w and the h of the last step, `last`:
 * where h last > 0, size = size up, but at most `most`; where h last < 0,
 * size = size down, but at least `least`, and h = 0. Then w = w - size for
 * h > 0, w + size for h < 0, w + 0 else; last = h. */
typedef struct mdg_rprop {
    float up, down, least, most, decay;
} mdg_rprop;

/* clang-format off */
#define MDG_UPDATE_OPS(X, isa)                                                 \
    X(isa, void, adam_f32, (size_t n, const mdg_adam *step, const float *g,    \
                            float *w, float *m, float *v))                     \
    X(isa, void, sgd_f32, (size_t n, const mdg_sgd *step, const float *g,      \
                           float *w, float *v))                                \
    X(isa, void, rprop_f32, (size_t n, const mdg_rprop *step, const float *g,  \
                             float *w, float *last, float *size))
/* clang-format on */

#endif
