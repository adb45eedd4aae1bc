/* math_f32_vec.c: the functions of base/fmath.c lane by lane: the same single
 * operations in the same order, with selects where fmath.c has conditions. The
 * reasons for the constants stand there. A tail is padded to a full register.
 */
#include "base/fmath.h"
#include "kernels/vec.h"

#define SIGN_BIT  0x80000000u
#define ROUND     12582912.0f
#define COS_CHUNK 256 /* elements that share one look for large arguments */

INLINE vf exp_lanes(vf x) {
    x = SELECT(x > 89.0f, SPLAT(89.0f), x);
    x = SELECT(x < -104.0f, SPLAT(-104.0f), x);
    vf t = x * 1.44269504f + ROUND;
    vf nf = t - ROUND;
    vu n = (vu)t - 0x4b400000u; /* the bits of ROUND */
    vf r = x - nf * 0.693359375f;
    r = r - nf * -2.12194440e-4f;
    vf p = SPLAT(1.3926268e-3f);
    p = p * r + 8.3632466e-3f;
    p = p * r + 4.1666554e-2f;
    p = p * r + 1.6666577e-1f;
    p = p * r + 0.5f;
    p = (p * (r * r) + r) + 1.0f;
    vu half = (vu)((vi)n >> 1);
    vf y = p * (vf)((half + 127u) << 23);
    return y * (vf)((n - half + 127u) << 23);
}

INLINE vf tanh_lanes(vf x) {
    vf a = (vf)((vu)x & ~SIGN_BIT);
    vf z = a * a;
    vf p = SPLAT(-5.70498872745e-3f);
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    p = (p * z) * a + a;
    vf q = 1.0f - 2.0f / (exp_lanes(a + a) + 1.0f);
    vf y = SELECT(a < 0.625f, p, q);
    return (vf)((vu)y | ((vu)x & SIGN_BIT));
}

INLINE vf sigmoid_lanes(vf x) {
    vf e = exp_lanes((vf)((vu)x | SIGN_BIT));
    vf top = SELECT(x < 0.0f, e, SPLAT(1.0f));
    return top / (1.0f + e);
}

/* For |x| <= 12000 and NaN. */
INLINE vf cos_lanes(vf x) {
    vf a = (vf)((vu)x & ~SIGN_BIT);
    vf t = a * 0.636619772f + ROUND;
    vf nf = t - ROUND;
    vf r = a - nf * 0x1.92p+0f;
    r = r - nf * 0x1.fb4p-12f;
    r = r - nf * 0x1.444p-24f;
    r = r - nf * 0x1.68c234p-39f;
    vu q = (vu)t;
    vf z = r * r;
    vf c = SPLAT(2.443315711809948e-5f);
    c = c * z - 1.388731625493765e-3f;
    c = c * z + 4.166664568298827e-2f;
    c = (c * z) * z + (1.0f - 0.5f * z);
    vf s = SPLAT(-1.9515295891e-4f);
    s = s * z + 8.3321608736e-3f;
    s = s * z - 1.6666654611e-1f;
    s = (s * z) * r + r;
    vf y = SELECT((vi) - (q & 1u), s, c);
    return (vf)((vu)y ^ (((q + 1u) & 2u) << 30));
}

INLINE vf relu_lanes(vf x) {
    return (vf)((vi)x & (x > 0.0f));
}

/* x_i = f(x_i) for all i, n of any size: first the full registers, then the
 * tail as one more. One loop serves both, so that f is there only once. */
#define MAP(f, n, x)                                                           \
    do {                                                                       \
        size_t rest_ = (n) % VW, end_ = (n) - rest_;                           \
        float tail_[VW] = {0}, *at_ = (x);                                     \
        for (;;) {                                                             \
            for (size_t i_ = 0; i_ < end_; i_ += VW) {                         \
                STORE(at_ + i_, f(LOAD(at_ + i_)));                            \
            }                                                                  \
            if (rest_ == 0 || at_ == tail_) {                                  \
                break;                                                         \
            }                                                                  \
            memcpy(tail_, at_ + end_, rest_ * sizeof *tail_);                  \
            at_ = tail_;                                                       \
            end_ = VW;                                                         \
        }                                                                      \
        if (rest_ > 0) {                                                       \
            memcpy((x) + (n) - rest_, tail_, rest_ * sizeof *tail_);           \
        }                                                                      \
    } while (0)

void NAME(exp_f32)(size_t n, float *x) {
    MAP(exp_lanes, n, x);
}

void NAME(tanh_f32)(size_t n, float *x) {
    MAP(tanh_lanes, n, x);
}

void NAME(sigmoid_f32)(size_t n, float *x) {
    MAP(sigmoid_lanes, n, x);
}

void NAME(relu_f32)(size_t n, float *x) {
    MAP(relu_lanes, n, x);
}

static int has_large(size_t n, const float *x) {
    vi found = {0};
    int large = 0;
    size_t i = 0;
    for (; n - i >= VW; i += VW) {
        vf a = (vf)((vu)LOAD(x + i) & ~SIGN_BIT);
        found |= a > 12000.0f;
    }
    for (int j = 0; j < VW; j++) {
        large |= found[j];
    }
    for (; i < n; i++) {
        large |= x[i] > 12000.0f || x[i] < -12000.0f;
    }
    return large != 0;
}

void NAME(cos_f32)(size_t n, float *x) {
    for (size_t i = 0; i < n; i += COS_CHUNK) {
        size_t count = n - i < COS_CHUNK ? n - i : COS_CHUNK;
        if (has_large(count, x + i)) {
            for (size_t j = i; j < i + count; j++) {
                x[j] = mdg_cos_f32(x[j]);
            }
        } else {
            MAP(cos_lanes, count, x + i);
        }
    }
}

void NAME(softmax_f32)(size_t n, float *x) {
    const float largest = NAME(max_f32)(n, x);
#define EXP_BELOW(v) exp_lanes((v) - largest)
    MAP(EXP_BELOW, n, x);
    const float total = NAME(sum_f32)(n, x);
#define DIVIDE(v) ((v) / total)
    MAP(DIVIDE, n, x);
}
