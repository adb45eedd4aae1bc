/* fmath.h: the float functions of the core, the same bits on every target.
 *
 * Straight-line polynomial code without libm, written so that one lane of a
 * vector version does the same operations in the same order. Maximum errors
 * (tested against the C library over dense samples) are the constants below.
 * NaN gives NaN; the limits are those of the C library.
 */
#ifndef MDG_FMATH_H
#define MDG_FMATH_H

/* The bounds, in units in the last place of the correctly rounded result. Over
 * every float where the result is neither 0, 1 nor infinite, the worst were exp
 * 1.049, tanh 1.333, sigmoid 2.402, and cos up to 12000 2.388. */
#define MDG_EXP_F32_ULPS     1.1
#define MDG_LOG_F32_ULPS     0.51
#define MDG_TANH_F32_ULPS    1.4
#define MDG_SIGMOID_F32_ULPS 2.45
#define MDG_COS_F32_ULPS     2.45 /* every finite x, however large */
#define MDG_ERF_F32_ULPS     1.4
#define MDG_GELU_F32_ULPS    6.0 /* also for negative x, to the denormals */
#define MDG_SILU_F32_ULPS    3.2
#define MDG_ELLIOT_F32_ULPS  1.5
/* The slope of gelu crosses 0: its bound is absolute. */
#define MDG_GELU_SLOPE_F32_ERROR 2.5e-7
#define MDG_EXP_F64_ULPS         1.0
#define MDG_LOG_F64_ULPS         1.0

float mdg_exp_f32(float x);
float mdg_log_f32(float x);
float mdg_tanh_f32(float x);
float mdg_sigmoid_f32(float x); /* 1 / (1 + e^-x) */
float mdg_cos_f32(float x);
float mdg_erf_f32(float x);
float mdg_gelu_f32(float x);       /* x Phi(x) = x (1 + erf(x / sqrt 2)) / 2 */
float mdg_gelu_slope_f32(float x); /* its derivative */
float mdg_silu_f32(float x);       /* x sigmoid(x) */
float mdg_elliot_f32(float x);     /* x / (1 + |x|) */
double mdg_exp_f64(double x);
double mdg_log_f64(double x);

/* One instruction on every target. */
static inline float mdg_sqrt_f32(float x) {
    return __builtin_sqrtf(x);
}
static inline double mdg_sqrt_f64(double x) {
    return __builtin_sqrt(x);
}

#endif
