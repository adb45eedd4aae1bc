/* update_f32_vec.c: a step of each trainer. */
#include "kernels/few.h"

/* A NaN is not small. */
INLINE vf drop(vf x, float tiny) {
    return (vf)((vi)x & ~((x < tiny) & (x > -tiny)));
}

INLINE void adam(const mdg_adam *s, vf g, vf *w, vf *m, vf *v) {
    const float keep1 = 1.0f - s->beta1;
    const float keep2 = 1.0f - s->beta2;
    g = drop(g, MDG_ADAM_TINY);
    *m = drop(s->beta1 * *m + keep1 * g, MDG_UPDATE_TINY);
    *v = drop(s->beta2 * *v + keep2 * (g * g), MDG_UPDATE_TINY);
    vf under = SQRT(*v) * s->v_scale + s->epsilon;
    *w = (*w - (s->rate * *m) / under) - s->decay * *w;
}

/* One loop over arrays p, q, r of state, for a step on (g, &p, &q, &r). */
#define STEPS(step, s, n, g, p, q, r)                                          \
    do {                                                                       \
        size_t i_ = 0;                                                         \
        for (; (n) - i_ >= VW; i_ += VW) {                                     \
            vf p_ = LOAD((p) + i_), q_ = LOAD((q) + i_), r_ = LOAD((r) + i_);  \
            step(s, LOAD((g) + i_), &p_, &q_, &r_);                            \
            STORE((p) + i_, p_);                                               \
            STORE((q) + i_, q_);                                               \
            STORE((r) + i_, r_);                                               \
        }                                                                      \
        if (i_ < (n)) {                                                        \
            const size_t few_ = (n) - i_;                                      \
            vf p_ = load_few(few_, (p) + i_, NONE),                            \
               q_ = load_few(few_, (q) + i_, NONE);                            \
            vf r_ = load_few(few_, (r) + i_, NONE);                            \
            step(s, load_few(few_, (g) + i_, NONE), &p_, &q_, &r_);            \
            store_few(few_, (p) + i_, p_);                                     \
            store_few(few_, (q) + i_, q_);                                     \
            store_few(few_, (r) + i_, r_);                                     \
        }                                                                      \
    } while (0)

void NAME(adam_f32)(size_t n, const mdg_adam *step, const float *g, float *w,
                    float *m, float *v) {
    const mdg_adam s = *step;
    STEPS(adam, &s, n, g, w, m, v);
}

void NAME(sgd_f32)(size_t n, const mdg_sgd *step, const float *g, float *w,
                   float *v) {
    const mdg_sgd s = *step;
    size_t i = 0;
    for (; n - i >= VW; i += VW) {
        vf wi = LOAD(w + i);
        vf next = drop(s.momentum * LOAD(v + i) + (LOAD(g + i) + s.decay * wi),
                       MDG_UPDATE_TINY);
        STORE(v + i, next);
        STORE(w + i, wi - s.rate * next);
    }
    for (; i < n; i++) {
        float next = s.momentum * v[i] + (g[i] + s.decay * w[i]);
        v[i] = next < MDG_UPDATE_TINY && next > -MDG_UPDATE_TINY ? 0.0f : next;
        w[i] = w[i] - s.rate * v[i];
    }
}
