/* fmath_pow.c: x^y = e^(y log x). The error of the logarithm is multiplied by
 * up to 745, so it is taken to some 2^-68 as a sum of two doubles (Dekker
 * 1971), the smaller below half an ulp of the larger. */
#include "base/fmath.h"
#include "base/fmath_bits.h"

#define SPLITTER 134217729.0 /* 2^27 + 1 */
#define Y_MAX    0x1p70      /* beyond: 0, 1 or infinity already */

typedef struct {
    double high, low;
} pair;

/* a + b, for |a| >= |b| */
static pair sum(double a, double b) {
    double s = a + b;
    pair p = {s, b - (s - a)};
    return p;
}

/* a * b, for factors below 2^995 */
static pair product(double a, double b) {
    double t = a * SPLITTER, u = b * SPLITTER;
    double ah = t - (t - a), bh = u - (u - b);
    double al = a - ah, bl = b - bh;
    double h = a * b;
    pair p = {h, ((ah * bh - h) + ah * bl + al * bh) + al * bl};
    return p;
}

static pair times(pair a, pair b) {
    pair p = product(a.high, b.high);
    return sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

/* f / (2 + f); 1 + f is a double. */
static pair atanh_argument(double f) {
    pair d = sum(2.0, f);
    double q = f / d.high;
    pair back = product(q, d.high);
    double rest = ((f - back.high) - back.low) - q * d.low;
    return sum(q, rest / d.high);
}

/* log(2^n x) for a normal x > 0: with 1 + f in [sqrt(1/2), sqrt(2)) and
 * s = f / (2 + f) it is n log 2 + 2s (1 + s^2/3 + s^4/5 + ...). */
static pair log_pair(double x, double n) {
    static const double one_over_odd[11] = {
        1.0 / 25.0, 1.0 / 23.0, 1.0 / 21.0, 1.0 / 19.0, 1.0 / 17.0, 1.0 / 15.0,
        1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0,  1.0 / 7.0,  1.0 / 5.0};
    static const pair third = {0x1.5555555555555p-2, 0x1.5555555555555p-56};
    uint64_t u =
        mdg_bits_of_f64(x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    n += (double)((int)(u >> 52) - 1023);
    u = (u & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu;
    pair s = atanh_argument(mdg_f64_of_bits(u) - 1.0);
    pair z = times(s, s);
    double series = 0.0;
    for (int i = 0; i < 11; i++) {
        series = series * z.high + one_over_odd[i];
    }
    pair w = times(z, third);
    w = sum(w.high, w.low + z.high * z.high * series);
    w = times(s, w);
    s.low = s.low + w.low;
    w = sum(s.high, w.high);
    w = sum(w.high, w.low + s.low);
    /* n log 2: 33 bits and n's 11 are exact */
    pair y = sum(n * 6.93147180369123816490e-01, 2.0 * w.high);
    return sum(y.high, y.low + (2.0 * w.low + n * 1.90821492927058770002e-10));
}

/* For 0 < x < infinity and a finite y. */
static double positive_pow(double x, double y) {
    y = y > Y_MAX ? Y_MAX : y;
    y = y < -Y_MAX ? -Y_MAX : y;
    int denormal = mdg_bits_of_f64(x) < 0x0010000000000000u;
    pair l =
        denormal ? log_pair(x * 18014398509481984.0, -54.0) : log_pair(x, 0.0);
    pair power = product(y, l.high);
    power = sum(power.high, power.low + y * l.low);
    return mdg_exp_sum_f64(power.high, power.low);
}

/* 0: y is no integer, 1: odd, 2: even */
static int parity(double y) {
    if (mdg_abs_f64(y) >= 0x1p53) {
        return 2;
    }
    int64_t n = (int64_t)y;
    if ((double)n != y) {
        return 0;
    }
    return (n & 1) != 0 ? 1 : 2;
}

/* x^(+-infinity), and 0 or infinity to any y but 0 */
static double limit(double a, double y) {
    double infinity = __builtin_inf();
    if (a == 1.0) {
        return 1.0;
    }
    return (a > 1.0) == (y > 0.0) ? infinity : 0.0;
}

/* The special cases are those of C99, annex F.9.4.4. */
double mdg_pow_f64(double x, double y) {
    if (y == 0.0 || x == 1.0) {
        return 1.0;
    }
    if (x != x || y != y) {
        return x + y;
    }
    double infinity = __builtin_inf();
    double a = mdg_abs_f64(x);
    if (mdg_abs_f64(y) == infinity) {
        return limit(a, y);
    }
    int p = parity(y);
    double sign_of = p == 1 ? x : 0.0;
    if (a == 0.0 || a == infinity) {
        return mdg_with_sign_f64(limit(a, y), sign_of);
    }
    if (x < 0.0 && p == 0) {
        return (x - x) / (x - x);
    }
    return mdg_with_sign_f64(positive_pow(a, y), sign_of);
}

float mdg_pow_f32(float x, float y) {
    return (float)mdg_pow_f64((double)x, (double)y);
}
