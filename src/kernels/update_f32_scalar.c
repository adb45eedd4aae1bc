/* update_f32_scalar.c: a step of each trainer, the definition: Adam (Kingma and
 * Ba 2015; the decay outside the moments: Loshchilov and Hutter 2019) and
 * gradient descent with the classical momentum as Sutskever et al. 2013 wrote
 * it. */
#include "base/fmath.h"
#include "kernels/scalar.h"

static float drop(float x, float tiny) {
    return x < tiny && x > -tiny ? 0.0f : x;
}

void mdg_adam_f32_scalar(size_t n, const mdg_adam *step, const float *g,
                         float *w, float *m, float *v) {
    const mdg_adam s = *step;
    const float keep1 = 1.0f - s.beta1;
    const float keep2 = 1.0f - s.beta2;
    for (size_t i = 0; i < n; i++) {
        const float gi = drop(g[i], MDG_ADAM_TINY);
        m[i] = drop(s.beta1 * m[i] + keep1 * gi, MDG_UPDATE_TINY);
        v[i] = drop(s.beta2 * v[i] + keep2 * (gi * gi), MDG_UPDATE_TINY);
        float under = mdg_sqrt_f32(v[i]) * s.v_scale + s.epsilon;
        w[i] = (w[i] - (s.rate * m[i]) / under) - s.decay * w[i];
    }
}

void mdg_sgd_f32_scalar(size_t n, const mdg_sgd *step, const float *g, float *w,
                        float *v) {
    const mdg_sgd s = *step;
    for (size_t i = 0; i < n; i++) {
        v[i] =
            drop(s.momentum * v[i] + (g[i] + s.decay * w[i]), MDG_UPDATE_TINY);
        w[i] = w[i] - s.rate * v[i];
    }
}
