/* update_f32_scalar.c: a step of Adam (Kingma and Ba 2015; the decay outside
 * the moments: Loshchilov and Hutter 2019), the definition. */
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
