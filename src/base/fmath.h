/* fmath.h: the float functions of the core, the same bits on every target.
 *
 * Straight-line polynomial code without libm, written so that one lane of a
 * vector version does the same operations in the same order. Maximum errors
 * (tested against the C library in double over dense samples) stand beside
 * each function. NaN gives NaN; the limits are those of the C library.
 */
#ifndef MDG_FMATH_H
#define MDG_FMATH_H

float mdg_exp_f32(float x);
float mdg_log_f32(float x);
float mdg_tanh_f32(float x);
float mdg_sigmoid_f32(float x); /* 1 / (1 + e^-x) */
float mdg_cos_f32(float x);
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
