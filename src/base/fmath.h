/* fmath.h: the float functions of the core, the same bits on every target.
 *
 * Polynomial code without libm, no two operations fused. Most float functions
 * are straight lines, so that one lane of a vector version does the same
 * operations in the same order. Maximum errors (tested against the C library
 * over dense samples) are the constants below. NaN gives NaN, of no certain
 * sign; the limits and the signs of zeros are those of the C library.
 */
#ifndef MDG_FMATH_H
#define MDG_FMATH_H

#include <stdint.h>
#include <string.h>

/* The bounds, in units in the last place of the correctly rounded result. The
 * worst over every float: exp 1.049, log1p 0.858, tanh 1.333, sigmoid 2.402,
 * sin 2.474, cos 2.388, erf 1.561, gelu 5.653, silu 3.394, elliot 1.499; for
 * exp, tanh and sigmoid where the result is neither 0, 1 nor infinite. */
#define MDG_EXP_F32_ULPS     1.1
#define MDG_LOG_F32_ULPS     0.51
#define MDG_LOG1P_F32_ULPS   1.0
#define MDG_TANH_F32_ULPS    1.4
#define MDG_SIGMOID_F32_ULPS 2.45
#define MDG_SIN_F32_ULPS     2.5 /* every finite x, however large */
#define MDG_COS_F32_ULPS     2.45
#define MDG_POW_F32_ULPS     0.501
#define MDG_ERF_F32_ULPS     1.6
#define MDG_GELU_F32_ULPS    5.7 /* also for negative x, to the denormals */
#define MDG_SILU_F32_ULPS    3.4
#define MDG_ELLIOT_F32_ULPS  1.5
/* The slope of gelu crosses 0: its bound is absolute. */
#define MDG_GELU_SLOPE_F32_ERROR 2.5e-7

/* The worst of 40 million samples each: exp 0.962, log 0.828, log1p 0.807, tanh
 * 2.499, sin 0.797, cos 0.784, pow 1.193, erf 1.458. */
#define MDG_EXP_F64_ULPS   1.0
#define MDG_LOG_F64_ULPS   1.0
#define MDG_LOG1P_F64_ULPS 1.0
#define MDG_TANH_F64_ULPS  2.6
#define MDG_SIN_F64_ULPS   0.9 /* every finite x, however large */
#define MDG_COS_F64_ULPS   0.9
#define MDG_POW_F64_ULPS   1.3
#define MDG_ERF_F64_ULPS   1.5

float mdg_exp_f32(float x);
float mdg_log_f32(float x);
float mdg_log1p_f32(float x); /* log(1 + x), precise near 0 */
float mdg_tanh_f32(float x);
float mdg_sigmoid_f32(float x); /* 1 / (1 + e^-x) */
float mdg_sin_f32(float x);
float mdg_cos_f32(float x);
float mdg_pow_f32(float x, float y); /* special cases as in C99, F.9.4.4 */
float mdg_erf_f32(float x);
float mdg_gelu_f32(float x);       /* x Phi(x) = x (1 + erf(x / sqrt 2)) / 2 */
float mdg_gelu_slope_f32(float x); /* its derivative */
float mdg_silu_f32(float x);       /* x sigmoid(x) */
float mdg_elliot_f32(float x);     /* x / (1 + |x|) */

double mdg_exp_f64(double x);
double mdg_log_f64(double x);
double mdg_log1p_f64(double x);
double mdg_tanh_f64(double x);
double mdg_sin_f64(double x);
double mdg_cos_f64(double x);
double mdg_pow_f64(double x, double y);
double mdg_erf_f64(double x);

/* The bits of a number, and the number of bits. */
static inline uint32_t mdg_bits_of_f32(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float mdg_f32_of_bits(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static inline uint64_t mdg_bits_of_f64(double x) {
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline double mdg_f64_of_bits(uint64_t u) {
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* One instruction on every target. */
static inline float mdg_sqrt_f32(float x) {
    return __builtin_sqrtf(x);
}
static inline double mdg_sqrt_f64(double x) {
    return __builtin_sqrt(x);
}

#endif
