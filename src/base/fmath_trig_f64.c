/* fmath_trig_f64.c: sine and cosine in double, for every finite argument. There
 * is one reduction by pi/2, that of Payne and Hanek (1983), in integers: no
 * argument is a special case, and the rest is right to some 2^-70.
 */
#include "base/fmath.h"
#include "base/fmath_bits.h"

#define WORDS    6    /* of 32 bits: a window of 192 bits */
#define FIRST    1013 /* taken from the exponent's bits: where it begins */
#define SPLITTER 134217729.0

/* x = rest + low + quadrant pi/2 modulo 2 pi, |rest| <= pi/4 */
typedef struct {
    double rest, low;
    uint32_t quadrant;
} reduced;

/* The bits of 2/pi behind 64 zeros, for arguments below 1. */
static const uint32_t two_over_pi[42] = {
    0u,          0u,          0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
    0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u,
    0xb7246e3au, 0x424dd2e0u, 0x06492eeau, 0x09d1921cu, 0xfe1deb1cu,
    0xb129a73eu, 0xe88235f5u, 0x2ebb4484u, 0xe99c7026u, 0xb45f7e41u,
    0x3991d639u, 0x835339f4u, 0x9c845f8bu, 0xbdf9283bu, 0x1ff897ffu,
    0xde05980fu, 0xef2f118bu, 0x5a0a6d1fu, 0x6d367ecfu, 0x27cb09b7u,
    0x4f463f66u, 0x9e5fea2du, 0x7527bac7u, 0xebe5f17bu, 0x3d0739f7u,
    0x8a5292eau, 0x6bfb5fb1u, 0x1f8d5d08u, 0x56033046u, 0xfc7b6babu,
    0xf0cfbc20u, 0x9af4361du};

/* The product of m and the window of 2/pi that begins at bit `first`, modulo
 * 2^192, most significant word first. */
static void window_times(uint64_t m, unsigned first, uint32_t *product) {
    const uint32_t *w = two_over_pi + first / 32;
    unsigned shift = first % 32;
    uint64_t m_low = m & 0xffffffffu, m_high = m >> 32;
    uint64_t carry = 0;
    uint64_t below = 0; /* the word after the last one taken */
    for (int i = WORDS; i-- > 0;) {
        uint64_t both = ((uint64_t)w[i] << 32) | w[i + 1];
        uint64_t word = (both >> (32 - shift)) & 0xffffffffu;
        uint64_t a = word * m_low;
        uint64_t b = below * m_high;
        uint64_t t = (a & 0xffffffffu) + (b & 0xffffffffu) + carry;
        product[i] = (uint32_t)t;
        carry = (t >> 32) + (a >> 32) + (b >> 32);
        below = word;
    }
}

/* a * b - high, where high is a * b rounded (Dekker 1971) */
static double product_low(double a, double b, double high) {
    double t = a * SPLITTER, u = b * SPLITTER;
    double ah = t - (t - a), bh = u - (u - b);
    double al = a - ah, bl = b - bh;
    return ((ah * bh - high) + ah * bl + al * bh) + al * bl;
}

/* The words as a fraction of 2^192, times 4, times pi/2: |result| <= pi/4 after
 * the sign. */
static reduced times_half_pi(const uint32_t *words, uint32_t negative) {
    double high = 0.0, low = 0.0;
    double unit = 0x1p-30;
    for (int i = 0; i < WORDS; i++) {
        double next = (double)words[i] * unit;
        double s = high + next; /* high is 0 or the larger */
        low = low + (next - (s - high));
        high = s;
        unit = unit * 0x1p-32;
    }
    double y = high * 0x1.921fb54442d18p+0;
    double rest = product_low(high, 0x1.921fb54442d18p+0, y);
    rest = rest + (high * 0x1.1a62633145c07p-54 + low * 0x1.921fb54442d18p+0);
    double s = y + rest;
    double t = rest - (s - y);
    reduced r = {negative != 0 ? -s : s, negative != 0 ? -t : t, 0};
    return r;
}

/* For finite a >= 0. a = m 2^e with an integer m of 53 bits, so only the bits
 * of 2/pi from that of weight 2^(1 - e) on decide a 2/pi modulo 4. The
 * product's two highest bits are then the quadrant. */
static reduced reduce(double a) {
    if (a <= 0x1.921fb54442d18p-1) { /* pi/4 */
        reduced r = {a, 0.0, 0};
        return r;
    }
    uint64_t u = mdg_bits_of_f64(a);
    uint64_t m = (u & 0x000fffffffffffffu) | 0x0010000000000000u;
    uint32_t words[WORDS];
    window_times(m, (unsigned)(u >> 52) - FIRST, words);
    uint32_t quadrant = words[0] >> 30;
    uint32_t negative = (words[0] >> 29) & 1u; /* above the middle: round up */
    words[0] &= 0x3fffffffu;
    if (negative != 0) {
        quadrant++;
        uint64_t carry = 1;
        for (int i = WORDS; i-- > 0;) {
            uint64_t t = (uint64_t)(uint32_t)~words[i] + carry;
            words[i] = (uint32_t)t;
            carry = t >> 32;
        }
        words[0] &= 0x3fffffffu;
    }
    reduced r = times_half_pi(words, negative);
    r.quadrant = quadrant;
    return r;
}

/* cos(r + low + q pi/2). Remez with relative weight: 3.4e-18 for the sine, and
 * 4.7e-20 for the cosine. */
static double cos_quadrant(reduced a, uint32_t q) {
    double r = a.rest;
    double z = r * r;
    double y;
    if ((q & 1u) != 0) {
        double s = 1.5896812038025829e-10;
        s = s * z - 2.5050758387919182e-8;
        s = s * z + 2.75573136935901777e-6;
        s = s * z - 0.000198412698298124075;
        s = s * z + 0.00833333333332241906;
        s = s * z - 0.16666666666666632;
        y = r + (s * (z * r) + a.low * (1.0 - 0.5 * z));
    } else {
        double c = -1.13596590993823713e-11;
        c = c * z + 2.08757234842009e-9;
        c = c * z - 2.7557314353829945e-7;
        c = c * z + 0.000024801587289487171;
        c = c * z - 0.00138888888888741316;
        c = c * z + 0.0416666666666665995;
        double half = 0.5 * z;
        double head = 1.0 - half; /* its rounding is given back below */
        y = head + (((1.0 - head) - half) + (c * (z * z) - r * a.low));
    }
    return (((q + 1u) & 2u) != 0) ? -y : y;
}

double mdg_cos_f64(double x) {
    double a = mdg_abs_f64(x);
    if (!(a < __builtin_inf())) {
        return x - x;
    }
    reduced r = reduce(a);
    return cos_quadrant(r, r.quadrant);
}

/* cos(a - pi/2), with the sign of x */
double mdg_sin_f64(double x) {
    double a = mdg_abs_f64(x);
    if (!(a < __builtin_inf())) {
        return x - x;
    }
    reduced r = reduce(a);
    double y = cos_quadrant(r, r.quadrant - 1u);
    return mdg_f64_of_bits(mdg_bits_of_f64(y) ^
                           (mdg_bits_of_f64(x) & 0x8000000000000000u));
}
