/* update_f32_scalar.c: a step of each trainer, the definition: Adam (Kingma and
 * Ba 2015; the decay outside the moments: Loshchilov and Hutter 2019), gradient
 * descent with the classical momentum as Sutskever et al. 2013 wrote it, and
 * iRPROP- (Igel and Huesken 2000). */
#include "base/fmath.h"
#include "kernels/scalar.h"

void mdg_adam_f32_scalar(size_t n, const mdg_adam *step, const float *g,
                         float *w, float *m, float *v) {
    const mdg_adam s = *step;
    const float keep1 = 1.0f - s.beta1;
    const float keep2 = 1.0f - s.beta2;
    for (size_t i = 0; i < n; i++) {
        m[i] = s.beta1 * m[i] + keep1 * g[i];
        v[i] = s.beta2 * v[i] + keep2 * (g[i] * g[i]);
        float under = mdg_sqrt_f32(v[i]) * s.v_scale + s.epsilon;
        w[i] = (w[i] - (s.rate * m[i]) / under) - s.decay * w[i];
    }
}

void mdg_sgd_f32_scalar(size_t n, const mdg_sgd *step, const float *g, float *w,
                        float *v) {
    const mdg_sgd s = *step;
    for (size_t i = 0; i < n; i++) {
        v[i] = s.momentum * v[i] + (g[i] + s.decay * w[i]);
        w[i] = w[i] - s.rate * v[i];
    }
}

/* A change of sign means the last step went too far: the step shrinks and the
 * weight rests once, because the stored gradient is set to 0. */
void mdg_rprop_f32_scalar(size_t n, const mdg_rprop *step, const float *g,
                          float *w, float *last, float *size) {
    const mdg_rprop s = *step;
    for (size_t i = 0; i < n; i++) {
        float h = g[i] + s.decay * w[i];
        float agree = h * last[i];
        if (agree > 0.0f) {
            float larger = size[i] * s.up;
            size[i] = larger < s.most ? larger : s.most;
        } else if (agree < 0.0f) {
            float smaller = size[i] * s.down;
            size[i] = smaller > s.least ? smaller : s.least;
            h = 0.0f;
        }
        w[i] += h > 0.0f ? -size[i] : h < 0.0f ? size[i] : 0.0f;
        last[i] = h;
    }
}
