/* fmath_erf.c: erf, and gelu with its slope, from one function: the upper tail
 * of the normal distribution over its density's exponential,
 *
 *     R(a) = e^(a^2/2) erfc(a / sqrt 2) / 2,   0 <= a < 15,
 *
 * which falls smoothly from 0.5 to 0.027: so the tail R e^(-a^2/2) keeps its
 * relative precision for every negative x down to the denormal results.
 *
 * Invariant: straight lines, both sides computed and one selected, as the lanes
 * of a vector do (src/kernels repeats these lines).
 */
#include "base/fmath.h"
#include "base/fmath_bits.h"

#define GELU_LAST 15.0f /* further left the result is 0, right of it x */
#define ERF_LAST  4.0f  /* further out it is 1 */

/* R(a) (a + 9/4) as a polynomial of u in [-1, 0.734), which stands for all a;
 * Remez with relative weight, 5.1e-9. */
static float tail_over_exp(float a) {
    float d = 1.0f / (a + 2.25f);
    float u = (a - 2.25f) * d;
    float q = -9.082478089e-5f;
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

/* e^(-a^2/2), for which the rounding of a * a is found exactly (Dekker 1971)
 * and given to the exponential: a^2 / 2 goes up to 112. */
static mdg_exp_parts exp_half_square(float a) {
    float square = a * a;
    float high = mdg_f32_of_bits(mdg_bits_of_f32(a) & 0xfffff000u);
    float low = a - high;
    float rest = (high * high - square) + (2.0f * high) * low;
    rest = rest + low * low;
    return mdg_exp_split_f32(-0.5f * square, -0.5f * rest);
}

float mdg_erf_f32(float x) {
    float a = mdg_abs_f32(x);
    a = a > ERF_LAST ? ERF_LAST : a;
    float z = a * a;
    /* (erf a - a) / a on a < 0.85, Remez with relative weight, 6.1e-9 */
    float p = -6.315126417e-4f;
    p = p * z + 5.051097336e-3f;
    p = p * z - 2.680255190e-2f;
    p = p * z + 1.128271760e-1f;
    p = p * z - 3.761257187e-1f;
    p = p * z + 1.283791600e-1f;
    p = p * a + a;
    mdg_exp_parts e = mdg_exp_split_f32(-z, 0.0f);
    float tail = tail_over_exp(a * 1.41421356f) * e.p * e.scale * e.rest;
    float y = a < 0.85f ? p : 1.0f - 2.0f * tail;
    return mdg_with_sign_f32(y, x);
}

float mdg_gelu_f32(float x) {
    float a = mdg_abs_f32(x);
    a = a > GELU_LAST ? GELU_LAST : a;
    mdg_exp_parts e = exp_half_square(a);
    float tail = tail_over_exp(a);
    tail = x < 0.0f ? tail * -a : tail;
    tail = tail * e.p * e.scale * e.rest;
    return x < 0.0f ? tail : x * (1.0f - tail);
}

/* Phi(x) + x phi(x) */
float mdg_gelu_slope_f32(float x) {
    float a = mdg_abs_f32(x);
    a = a > GELU_LAST ? GELU_LAST : a;
    mdg_exp_parts e = exp_half_square(a);
    float r = tail_over_exp(a);
    float bell = e.p * e.scale * e.rest;
    /* the slope at -a, where both terms are small; 1 / sqrt(2 pi) */
    float left = (r - a * 0.398942280f) * bell;
    return x < 0.0f ? left : 1.0f - left;
}
