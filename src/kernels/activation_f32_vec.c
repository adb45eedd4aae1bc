/* activation_f32_vec.c: activations and their derivatives lane by lane: the
 * same single operations in the same order as base/fmath*.c, with selects where
 * those have conditions. The reasons for the constants stand there.
 */
#include "base/fmath.h"
#include "kernels/few.h"
#include "kernels/lanes.h"

#define SIGN_BIT  0x80000000u
#define ROUND     12582912.0f
#define ONE_BITS  0x3f800000u
#define COS_CHUNK 256 /* elements that share one look for large arguments */
#define SILU_LAST 110.0f
#define GELU_LAST 15.0f

/* The loop of an operation; a module for the web has it once, called through a
 * pointer, everything else inlines it. */
#if defined(__wasm__)
#define UNROLL
#define LOOP static void
#else
#define UNROLL _Pragma("GCC unroll 4")
#define LOOP   INLINE void
#endif

/* NaN stays. */
#define AT_MOST(x, high) SMALLER(x, SPLAT(high))
#define AT_LEAST(x, low) LARGER(x, SPLAT(low))

INLINE vf abs_lanes(vf x) {
    return (vf)((vu)x & ~SIGN_BIT);
}

INLINE vf sign_of(vf y, vf x) {
    return (vf)((vu)y | ((vu)x & SIGN_BIT));
}

/* e^x = p * scale * rest (fmath_bits.h). */
typedef struct {
    vf p, scale, rest;
} exp_parts;

/* t = n + ROUND: half of n goes into one power, the rest into the other. The
 * bits of ROUND, also halved, are all shifted out. */
INLINE exp_parts exp_of_rest(vf r, vf t) {
    exp_parts e;
    vf p = SPLAT(1.3926268e-3f);
    p = p * r + 8.3632466e-3f;
    p = p * r + 4.1666554e-2f;
    p = p * r + 1.6666577e-1f;
    p = p * r + 0.5f;
    e.p = (p * (r * r) + r) + 1.0f;
    vu half = (vu)((vi)t >> 1);
    e.scale = (vf)((half << 23) + ONE_BITS);
    e.rest = (vf)((((vu)t - half) << 23) + ONE_BITS);
    return e;
}

INLINE vf exp_rest(vf x, vf t) {
    vf nf = t - ROUND;
    vf r = x - nf * 0.693359375f;
    return r - nf * -2.12194440e-4f;
}

INLINE exp_parts exp_split(vf x) {
    vf t = x * 1.44269504f + ROUND;
    return exp_of_rest(exp_rest(x, t), t);
}

/* e^(x + low) */
INLINE exp_parts exp_split_sum(vf x, vf low) {
    vf t = x * 1.44269504f + ROUND;
    return exp_of_rest(exp_rest(x, t) + low, t);
}

INLINE vf exp_lanes(vf x) {
    exp_parts e = exp_split(AT_LEAST(AT_MOST(x, 89.0f), -104.0f));
    return e.p * e.scale * e.rest;
}

/* For x <= 0 and NaN. */
INLINE vf exp_lanes_left(vf x) {
    exp_parts e = exp_split(AT_LEAST(x, -104.0f));
    return e.p * e.scale * e.rest;
}

/* Where a copy of e^x is too much for a module. */
SHARED vf exp_shared(vf x) {
    return exp_lanes(x);
}

INLINE vf tanh_lanes(vf x) {
    vf a = abs_lanes(x);
    vf z = a * a;
    vf p = SPLAT(-5.70498872745e-3f);
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    p = (p * z) * a + a;
    vf q = 1.0f - 2.0f / (exp_lanes(a + a) + 1.0f);
    return sign_of(SELECT(a < 0.625f, p, q), x);
}

/* -|x|; 0 for 0 in wasm, where every constant costs a register. */
#if defined(__wasm__)
#define MINUS_ABS(x) SMALLER(x, 0.0f - (x))
#else
#define MINUS_ABS(x) ((vf)((vu)(x) | SIGN_BIT))
#endif

INLINE vf sigmoid_lanes(vf x) {
    vf e = exp_lanes_left(MINUS_ABS(x));
    /* x < 0 ? e : 1, for 0 <= e <= 1 */
    vf top = LARGER(e, (vf)((x >= 0.0f) & (int32_t)ONE_BITS));
    return top / (1.0f + e);
}

INLINE vf elliot_lanes(vf x) {
    vf a = AT_MOST(abs_lanes(x), 3.40282347e38f);
    return sign_of(a / (1.0f + a), x);
}

INLINE vf relu_lanes(vf x) {
    return (vf)((vi)x & (x > 0.0f));
}

INLINE vf tail_over_exp(vf a) {
    vf d = 1.0f / (a + 2.25f);
    vf u = (a - 2.25f) * d;
    vf q = SPLAT(-9.082478089e-5f);
    q = q * u - 2.128013138e-4f;
    q = q * u + 2.240620987e-4f;
    q = q * u + 1.365631031e-3f;
    q = q * u + 8.365188306e-4f;
    q = q * u - 5.638529144e-3f;
    q = q * u - 1.056675764e-2f;
    q = q * u + 2.783700177e-2f;
    q = q * u + 8.013353727e-2f;
    q = q * u - 3.863810459e-1f;
    q = q * u + 6.914337151e-1f;
    return q * d;
}

INLINE exp_parts exp_half_square(vf a) {
    vf square = a * a;
    vf high = (vf)((vu)a & 0xfffff000u);
    vf low = a - high;
    vf rest = (high * high - square) + (2.0f * high) * low;
    rest = rest + low * low;
    return exp_split_sum(-0.5f * square, -0.5f * rest);
}

INLINE vf sigmoid_back_lanes(vf y, vf g) {
    return g * (y * (1.0f - y));
}

INLINE vf tanh_back_lanes(vf y, vf g) {
    return g * (1.0f - y * y);
}

INLINE vf elliot_back_lanes(vf y, vf g) {
    vf rest = 1.0f - abs_lanes(y);
    return g * (rest * rest);
}

INLINE vf relu_back_lanes(vf y, vf g) {
    return (vf)((vi)g & (y > 0.0f));
}

/* x_i = f(y_i, x_i) for the elements up to `end`, full registers. */
typedef void loop_fn(const float *y, float *x, const float *end);

/* The same for any n: what is left behind the full registers is one more. */
SHARED void map(size_t n, const float *y, float *x, loop_fn *loop) {
    const size_t few = n % VW, full = n - few;
    loop(y, x, x + full);
    if (few > 0) {
        float y_few[VW], x_few[VW];
        STORE(y_few, load_few(few, y + full, NONE));
        STORE(x_few, load_few(few, x + full, NONE));
        loop(y_few, x_few, x_few + VW);
        store_few(few, x + full, LOAD(x_few));
    }
}

#define EACH(name)                                                             \
    LOOP name##_loop(const float *y, float *x, const float *end) {             \
        (void)y;                                                               \
        for (; x != end; x += VW) {                                            \
            STORE(x, name##_lanes(LOAD(x)));                                   \
        }                                                                      \
    }                                                                          \
    void NAME(name##_f32)(size_t n, float *x) {                                \
        map(n, x, x, name##_loop);                                             \
    }
EACH(exp)
EACH(tanh)
EACH(sigmoid)
EACH(relu)
EACH(elliot)

#define EACH_BACK(name)                                                        \
    LOOP name##_loop(const float *y, float *g, const float *end) {             \
        for (; g != end; g += VW, y += VW) {                                   \
            STORE(g, name##_lanes(LOAD(y), LOAD(g)));                          \
        }                                                                      \
    }                                                                          \
    void NAME(name##_f32)(size_t n, const float *y, float *g) {                \
        map(n, y, g, name##_loop);                                             \
    }
EACH_BACK(sigmoid_back)
EACH_BACK(tanh_back)
EACH_BACK(relu_back)
EACH_BACK(elliot_back)

/* A function and its derivative have most in common: one loop for both, for the
 * forward direction with y = x. */
SHARED void gelu_run(const float *y, float *x, const float *end, int back) {
    for (; x != end; x += VW, y += VW) {
        vf v = LOAD(y);
        vf a = AT_MOST(abs_lanes(v), GELU_LAST);
        vi left = v < 0.0f;
        exp_parts e = exp_half_square(a);
        vf tail = tail_over_exp(a);
        if (back) {
            tail = (tail - a * 0.398942280f) * (e.p * e.scale * e.rest);
            STORE(x, LOAD(x) * SELECT(left, tail, 1.0f - tail));
        } else {
            tail = SELECT(left, tail * -a, tail);
            tail = tail * e.p * e.scale * e.rest;
            STORE(x, SELECT(left, tail, v * (1.0f - tail)));
        }
    }
}

SHARED void silu_run(const float *y, float *x, const float *end, int back) {
    const vf one = SPLAT(1.0f);
    for (; x != end; x += VW, y += VW) {
        vf v = LOAD(y);
        vf a = AT_MOST(abs_lanes(v), SILU_LAST);
        vi left = v < 0.0f;
        exp_parts parts = exp_split(-a);
        vf e = parts.p * parts.scale * parts.rest;
        if (back) {
            vf d = 1.0f / (1.0f + e);
            vf far = SELECT(left, e * d, d), near = SELECT(left, d, e * d);
            STORE(x, LOAD(x) * (far * (1.0f + sign_of(a, v) * near)));
        } else {
            vf z = SELECT(left, parts.p * -a, v) / (1.0f + e);
            z = z * SELECT(left, parts.scale, one);
            STORE(x, z * SELECT(left, parts.rest, one));
        }
    }
}

#define EACH_PAIR(name)                                                        \
    LOOP name##_loop(const float *y, float *x, const float *end) {             \
        name##_run(y, x, end, 0);                                              \
    }                                                                          \
    LOOP name##_back_loop(const float *y, float *g, const float *end) {        \
        name##_run(y, g, end, 1);                                              \
    }                                                                          \
    void NAME(name##_f32)(size_t n, float *x) {                                \
        map(n, x, x, name##_loop);                                             \
    }                                                                          \
    void NAME(name##_back_f32)(size_t n, const float *y, float *g) {           \
        map(n, y, g, name##_back_loop);                                        \
    }
EACH_PAIR(gelu)
EACH_PAIR(silu)

void NAME(softmax_back_f32)(size_t n, const float *y, float *g) {
    const float mean = NAME(dot_f32)(n, g, y);
    size_t i = 0;
    for (; n - i >= VW; i += VW) {
        STORE(g + i, LOAD(y + i) * (LOAD(g + i) - mean));
    }
    for (; i < n; i++) {
        g[i] = y[i] * (g[i] - mean);
    }
}

/* For |x| <= 12000 and NaN: cos(|x| + turn pi/2). */
INLINE vf cos_lanes(vf x, vu turn) {
    vf a = abs_lanes(x);
    vf t = a * 0.636619772f + ROUND;
    vf nf = t - ROUND;
    vf r = a - nf * 0x1.92p+0f;
    r = r - nf * 0x1.fb4p-12f;
    r = r - nf * 0x1.444p-24f;
    r = r - nf * 0x1.68c234p-39f;
    vu q = (vu)t + turn;
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

static int has_large(size_t n, const float *x) {
    vi found = {0};
    size_t i = 0;
    for (; n - i >= VW; i += VW) {
        found |= abs_lanes(LOAD(x + i)) > 12000.0f;
    }
    if (i < n) {
        found |= abs_lanes(load_few(n - i, x + i, NONE)) > 12000.0f;
    }
    return any_lane(found);
}

/* sin x = cos(|x| - pi/2) with the sign of x: cos and sin share their lanes;
 * where x is large the scalar function takes over. */
SHARED void wave_run(float *x, const float *end, int is_sin) {
    const vu turn = (vu){0} - (uint32_t)is_sin;
    const vu sign = (vu){0} + (is_sin ? SIGN_BIT : 0u);
    for (; x != end; x += VW) {
        vf v = LOAD(x);
        STORE(x, (vf)((vu)cos_lanes(v, turn) ^ ((vu)v & sign)));
    }
}

LOOP cos_loop(const float *y, float *x, const float *end) {
    (void)y;
    wave_run(x, end, 0);
}

LOOP sin_loop(const float *y, float *x, const float *end) {
    (void)y;
    wave_run(x, end, 1);
}

SHARED void wave(size_t n, float *x, loop_fn *loop, float (*one)(float x)) {
    for (size_t i = 0; i < n; i += COS_CHUNK) {
        size_t count = n - i < COS_CHUNK ? n - i : COS_CHUNK;
        if (has_large(count, x + i)) {
            for (size_t j = i; j < i + count; j++) {
                x[j] = one(x[j]);
            }
        } else {
            map(count, x + i, x + i, loop);
        }
    }
}

void NAME(cos_f32)(size_t n, float *x) {
    wave(n, x, cos_loop, mdg_cos_f32);
}

void NAME(sin_f32)(size_t n, float *x) {
    wave(n, x, sin_loop, mdg_sin_f32);
}

/* A short row is soonest done by narrow registers: masked loads wait until what
 * was stored before them has left for the cache. */
#if VW > 4
MDG_KERNELS_DECLARE(v2)
#define NARROW(name) mdg_##name##_v2
#endif

/* max_f32 but for the sign of a zero, which e^x does not see. */
SHARED float largest_of(size_t n, const float *x) {
#if VW == 4
    if (n < LANES) {
        vf m = SPLAT(-__builtin_inff());
        size_t i = 0;
        for (; n - i >= VW; i += VW) {
            m = LARGER(m, LOAD(x + i));
        }
        if (i < n) {
            m = LARGER(m, load_few(n - i, x + i, SPLAT(x[i])));
        }
        m = LARGER(m, __builtin_shufflevector(m, m, 2, 3, 2, 3));
        return m[0] > m[1] ? m[0] : m[1];
    }
#endif
    return NAME(max_f32)(n, x);
}

/* The sum over virtual lanes of e^(x_i - shift). The terms of the full blocks
 * go to out, if that is not NULL, which may be x; those behind to `tail`. */
SHARED float sum_of_exp(size_t n, const float *x, float shift, float *out,
                        float *tail) {
    vf s[REGS] = {{0}};
    const size_t rest = n % LANES;
    for (const float *end = x + (n - rest); x != end; x += LANES) {
        UNROLL for (int j = 0; j < REGS; j++) {
            vf e = exp_lanes(LOAD(x + j * VW) - shift);
            s[j] += e;
            if (out != NULL) {
                STORE(out + j * VW, e);
            }
        }
        out = out != NULL ? out + LANES : NULL;
    }
    float total = sum_of_lanes(s);
    for (size_t j = 0; j < rest; j += VW) {
        vf v = rest - j < VW ? load_few(rest - j, x + j, NONE) : LOAD(x + j);
        STORE(tail + j, exp_shared(v - shift));
    }
    for (size_t j = 0; j < rest; j++) {
        total += tail[j];
    }
    return total;
}

void NAME(softmax_f32)(size_t n, float *x) {
#if VW > 4
    if (n < LANES) {
        NARROW(softmax_f32)(n, x);
        return;
    }
#endif
    float tail[LANES];
    const size_t rest = n % LANES;
    const float total = sum_of_exp(n, x, largest_of(n, x), x, tail);
    for (float *end = x + (n - rest); x != end; x += VW) {
        STORE(x, LOAD(x) / total);
    }
    for (size_t j = 0; j < rest; j += VW) {
        vf y = LOAD(tail + j) / total;
        if (rest - j < VW) {
            store_few(rest - j, x + j, y);
        } else {
            STORE(x + j, y);
        }
    }
}

float NAME(log_sum_exp_f32)(size_t n, const float *x) {
#if VW > 4
    if (n < LANES) {
        return NARROW(log_sum_exp_f32)(n, x);
    }
#endif
    float tail[LANES];
    const float largest = largest_of(n, x);
    const float shift =
        __builtin_fabsf(largest) < __builtin_inff() ? largest : 0.0f;
    const float total = sum_of_exp(n, x, shift, NULL, tail);
    return mdg_log_f32(total) + shift;
}
