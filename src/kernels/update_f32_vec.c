/* update_f32_vec.c: a step of Adam. */
#include "base/fmath.h"
#include "kernels/vec.h"

void NAME(adam_f32)(size_t n, const mdg_adam *step, const float *g, float *w,
                    float *m, float *v) {
    const mdg_adam s = *step;
    const float keep1 = 1.0f - s.beta1;
    const float keep2 = 1.0f - s.beta2;
    size_t i = 0;
    for (; n - i >= VW; i += VW) {
        vf gi = LOAD(g + i), wi = LOAD(w + i);
        vf mi = s.beta1 * LOAD(m + i) + keep1 * gi;
        vf vi_ = s.beta2 * LOAD(v + i) + keep2 * (gi * gi);
        vf under = SQRT(vi_) * s.v_scale + s.epsilon;
        STORE(m + i, mi);
        STORE(v + i, vi_);
        STORE(w + i, (wi - (s.rate * mi) / under) - s.decay * wi);
    }
    for (; i < n; i++) {
        m[i] = s.beta1 * m[i] + keep1 * g[i];
        v[i] = s.beta2 * v[i] + keep2 * (g[i] * g[i]);
        float under = mdg_sqrt_f32(v[i]) * s.v_scale + s.epsilon;
        w[i] = (w[i] - (s.rate * m[i]) / under) - s.decay * w[i];
    }
}
