/* decimal.c: exact conversions with one small big-integer type.
 *
 * Reading: few digits and a small exponent are exact in double arithmetic
 * (Clinger 1990); everything else is the quotient of two big integers to 64
 * bits and a sticky bit, rounded once, half to even.
 * Writing: the free-format algorithm of Steele & White (1990): digits are made
 * until what is left is inside the interval that rounds to the value.
 *
 * Slower than table-driven methods, and a tenth of their size, which matters
 * more here: this code is part of the wasm module.
 */
#include "base/decimal.h"

#include "base/fmath.h"

#include <stdint.h>
#include <string.h>

/* A tie between two doubles has at most 768 digits, all of which count; the
 * 769th only says that there are more (any value but 0 does). */
#define DIGITS_MAX 769
/* The largest product: 10^(324 + DIGITS_MAX), shifted by 64 bits or so. */
#define WORDS_MAX 128

typedef struct big {
    uint32_t n; /* words in use; the top one is not 0 */
    uint32_t w[WORDS_MAX];
} big;

static void big_set(big *x, uint64_t value) {
    x->w[0] = (uint32_t)value;
    x->w[1] = (uint32_t)(value >> 32);
    x->n = x->w[1] ? 2 : (x->w[0] ? 1 : 0);
}

static void big_multiply_add(big *x, uint32_t factor, uint32_t more) {
    uint64_t carry = more;
    for (uint32_t i = 0; i < x->n; i++) {
        carry += (uint64_t)x->w[i] * factor;
        x->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0 && x->n < WORDS_MAX) {
        x->w[x->n++] = (uint32_t)carry;
    }
}

static void big_multiply_pow10(big *x, uint32_t exponent) {
    for (; exponent >= 9; exponent -= 9) {
        big_multiply_add(x, 1000000000u, 0);
    }
    for (; exponent > 0; exponent--) {
        big_multiply_add(x, 10u, 0);
    }
}

static void big_shift_left(big *x, uint32_t bits) {
    uint32_t words = bits / 32;
    uint32_t rest = bits % 32;
    if (x->n == 0 || bits == 0) {
        return;
    }
    if (words > 0) {
        memmove(x->w + words, x->w, x->n * sizeof x->w[0]);
        memset(x->w, 0, words * sizeof x->w[0]);
        x->n += words;
    }
    if (rest > 0) {
        uint32_t carry = 0;
        for (uint32_t i = words; i < x->n; i++) {
            uint32_t word = x->w[i];
            x->w[i] = (word << rest) | carry;
            carry = word >> (32 - rest);
        }
        if (carry != 0) {
            x->w[x->n++] = carry;
        }
    }
}

static int big_compare(const big *a, const big *b) {
    if (a->n != b->n) {
        return a->n < b->n ? -1 : 1;
    }
    for (uint32_t i = a->n; i-- > 0;) {
        if (a->w[i] != b->w[i]) {
            return a->w[i] < b->w[i] ? -1 : 1;
        }
    }
    return 0;
}

/* a += b */
static void big_add(big *a, const big *b) {
    uint64_t carry = 0;
    uint32_t n = a->n > b->n ? a->n : b->n;
    for (uint32_t i = 0; i < n; i++) {
        carry += (i < a->n ? a->w[i] : 0);
        carry += (i < b->n ? b->w[i] : 0);
        a->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    a->n = n;
    if (carry != 0) {
        a->w[a->n++] = (uint32_t)carry;
    }
}

/* a -= b; a >= b */
static void big_subtract(big *a, const big *b) {
    int64_t borrow = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        borrow += (int64_t)a->w[i] - (i < b->n ? b->w[i] : 0);
        a->w[i] = (uint32_t)borrow;
        borrow >>= 32; /* arithmetic: -1 when it went below zero */
    }
    while (a->n > 0 && a->w[a->n - 1] == 0) {
        a->n--;
    }
}

static int32_t big_bits(const big *x) {
    return x->n == 0 ? 0 : (int32_t)x->n * 32 - __builtin_clz(x->w[x->n - 1]);
}

/* ---- reading ---- */

/* The digits of a number without leading zeros, and the place of the point:
 * value = 0.d1 d2 d3 ... * 10^point. */
typedef struct digits {
    uint32_t count;
    int32_t point;
    int negative;
    uint8_t d[DIGITS_MAX];
} digits;

/* Appends one digit. Zeros in front only move the point; digits past
 * DIGITS_MAX only say that the value is a little more than what is kept. */
static void push_digit(digits *out, uint8_t digit, int after_point) {
    if (out->count == 0 && digit == 0) {
        out->point -= after_point;
        return;
    }
    out->point += !after_point;
    if (out->count < DIGITS_MAX) {
        out->d[out->count++] = digit;
    } else if (digit != 0) {
        out->d[DIGITS_MAX - 1] |= 1;
    }
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Reads the exponent behind 'e'; 0 when there is no digit. Clamped far outside
 * what a double can hold. */
static int read_exponent(const char *at, const char *end, int32_t *exponent) {
    int negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    if (at == end) {
        return 0;
    }
    int32_t value = 0;
    for (; at < end && is_digit(*at); at++) {
        value = value < 100000 ? value * 10 + (*at - '0') : value;
    }
    *exponent = negative ? -value : value;
    return at == end;
}

static const char *scan_digits(const char *at, const char *end, int after_point,
                               digits *out) {
    for (; at < end && is_digit(*at); at++) {
        push_digit(out, (uint8_t)(*at - '0'), after_point);
    }
    return at;
}

/* The JSON grammar: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
 * `loose`: C's, with '+', zeros in front, and digits missing on one side of the
 * point. */
static int scan(const char *text, size_t size, int loose, digits *out) {
    const char *at = text;
    const char *end = text + size;
    int32_t exponent = 0;
    memset(out, 0, offsetof(digits, d));
    if (at < end && (*at == '-' || (loose && *at == '+'))) {
        out->negative = *at++ == '-';
    }
    const char *first = at;
    at = scan_digits(at, end, 0, out);
    size_t n_digits = (size_t)(at - first);
    if (!loose && (n_digits == 0 || (n_digits > 1 && *first == '0'))) {
        return 0;
    }
    if (at < end && *at == '.') {
        first = at + 1;
        at = scan_digits(first, end, 1, out);
        if (!loose && at == first) {
            return 0;
        }
        n_digits += (size_t)(at - first);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        if (!read_exponent(at + 1, end, &exponent)) {
            return 0;
        }
        at = end;
    }
    out->point += exponent;
    return at == end && n_digits > 0;
}

/* Up to 15 digits times or over an exact power of ten: one rounding. */
static int read_exactly(const digits *in, double *value) {
    static const double powers[] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int32_t exponent = in->point - (int32_t)in->count;
    if (in->count > 15 || exponent < -22 || exponent > 22) {
        return 0;
    }
    uint64_t mantissa = 0;
    for (uint32_t i = 0; i < in->count; i++) {
        mantissa = mantissa * 10 + in->d[i];
    }
    *value = exponent < 0 ? (double)mantissa / powers[-exponent]
                          : (double)mantissa * powers[exponent];
    return 1;
}

/* mantissa * 2^exponent with more bits below (sticky), rounded half to even;
 * the mantissa has its top bit set. Infinity when it overflows. */
static double round_to_double(uint64_t mantissa, int32_t exponent, int sticky) {
    int32_t drop = 11; /* of 64 bits, 53 stay ... */
    if (exponent + 11 < -1074) {
        drop = -1074 - exponent; /* ... or fewer for a subnormal */
    }
    uint64_t kept = 0;
    uint64_t rest = mantissa;
    uint64_t half = 0;
    if (drop < 64) {
        kept = mantissa >> drop;
        rest = mantissa & (((uint64_t)1 << drop) - 1);
    }
    if (drop <= 64) {
        half = (uint64_t)1 << (drop - 1);
    }
    if (half != 0 &&
        (rest > half || (rest == half && (sticky || (kept & 1) != 0)))) {
        kept++;
    }
    exponent += drop;
    if (kept == 0) {
        return 0.0;
    }
    if (kept >> 53 != 0) {
        kept >>= 1;
        exponent++;
    }
    if (exponent > 971) {
        return __builtin_inf();
    }
    uint64_t bits = kept;
    if (kept >> 52 != 0) { /* normal: the hidden bit goes, exponent comes */
        bits = (kept & (((uint64_t)1 << 52) - 1)) | (uint64_t)(exponent + 1075)
                                                        << 52;
    }
    return mdg_f64_of_bits(bits);
}

static double read_slowly(const digits *in) {
    big numerator, denominator;
    big_set(&numerator, 0);
    big_set(&denominator, 1);
    for (uint32_t i = 0; i < in->count; i++) {
        if (numerator.n == 0) {
            big_set(&numerator, in->d[i]);
        } else {
            big_multiply_add(&numerator, 10, in->d[i]);
        }
    }
    int32_t exponent = in->point - (int32_t)in->count;
    if (exponent >= 0) {
        big_multiply_pow10(&numerator, (uint32_t)exponent);
    } else {
        big_multiply_pow10(&denominator, (uint32_t)-exponent);
    }
    /* Scale so that the quotient has 63 or 64 bits, then divide bit by bit. */
    int32_t shift = 63 - (big_bits(&numerator) - big_bits(&denominator));
    big_shift_left(&numerator, shift > 0 ? (uint32_t)shift : 0);
    big_shift_left(&denominator, (shift < 0 ? (uint32_t)-shift : 0) + 63);
    uint64_t quotient = 0;
    for (int i = 0; i < 64; i++) {
        quotient <<= 1;
        if (big_compare(&numerator, &denominator) >= 0) {
            big_subtract(&numerator, &denominator);
            quotient |= 1;
        }
        big_shift_left(&numerator, 1);
    }
    int sticky = numerator.n != 0;
    if (quotient >> 63 == 0) { /* one bit more from the remainder */
        int bit = big_compare(&numerator, &denominator) >= 0;
        if (bit) {
            big_subtract(&numerator, &denominator);
        }
        sticky = numerator.n != 0;
        quotient = quotient << 1 | (uint64_t)bit;
        shift++;
    }
    return round_to_double(quotient, -shift, sticky);
}

/* 0 when it is infinite. */
static int value_of(const digits *in, double *value) {
    *value = 0.0;
    if (in->point > 310 && in->count > 0) {
        return 0;
    }
    if (in->count > 0 && in->point >= -330 && !read_exactly(in, value)) {
        *value = read_slowly(in);
    }
    if (*value - *value != 0.0) {
        *value = 0.0;
        return 0;
    }
    *value = in->negative ? -*value : *value;
    return 1;
}

int mdg_decimal_read(const char *text, size_t size, double *value) {
    digits in;
    *value = 0.0;
    return scan(text, size, 0, &in) && value_of(&in, value);
}

int mdg_decimal_read_loose(const char *text, size_t size, double *value) {
    digits in;
    *value = 0.0;
    return scan(text, size, 1, &in) && value_of(&in, value);
}

/* Digits before the point, 19 at most, and whether one behind it is not 0. */
static void split(const digits *in, mdg_number *n) {
    const uint64_t most = (uint64_t)INT64_MAX + (unsigned)in->negative;
    const int large = in->count > 0 && in->point > 19;
    uint64_t whole = 0;
    uint64_t rest = 0;
    for (int32_t i = 0; !large && i < in->point; i++) {
        whole = whole * 10 + ((uint32_t)i < in->count ? in->d[i] : 0);
    }
    for (uint32_t i = 0; i < in->count; i++) {
        rest |= (int32_t)i >= in->point && in->d[i] != 0;
    }
    n->is_whole = !rest;
    n->beyond = 0;
    n->floor = (int64_t)(in->negative ? 0 - whole - rest : whole);
    if (large || whole > most || (whole == most && rest)) {
        n->beyond = in->negative ? -1 : 1;
        n->floor = 0;
    }
}

int mdg_decimal_read_number(const char *text, size_t size, mdg_number *number) {
    digits in;
    if (!scan(text, size, 0, &in)) {
        return 0;
    }
    split(&in, number);
    return value_of(&in, &number->value);
}

/* ---- writing ---- */

/* A finite value above 0 as mantissa * 2^exponent. */
typedef struct binary {
    uint64_t mantissa;
    int32_t exponent;
    int closer_below; /* the gap to the next smaller value is half as wide */
} binary;

typedef struct interval {
    big r, s;         /* the value is r / s */
    big above, below; /* half the gaps to the neighbours, over s */
    int inclusive;    /* the ends themselves round to the value */
} interval;

static void start(interval *x, const binary *b) {
    uint32_t up = b->exponent > 0 ? (uint32_t)b->exponent : 0;
    uint32_t down = b->exponent < 0 ? (uint32_t)-b->exponent : 0;
    uint32_t extra = b->closer_below ? 2 : 1;
    big_set(&x->r, b->mantissa);
    big_set(&x->s, 1);
    big_set(&x->above, 1);
    big_set(&x->below, 1);
    big_shift_left(&x->r, up + extra);
    big_shift_left(&x->s, down + extra);
    big_shift_left(&x->above, up + extra - 1);
    big_shift_left(&x->below, up);
    x->inclusive = (b->mantissa & 1) == 0;
}

static int reaches_above(const interval *x) {
    big sum = x->r;
    big_add(&sum, &x->above);
    return big_compare(&sum, &x->s) > (x->inclusive ? -1 : 0);
}

static int reaches_below(const interval *x) {
    return big_compare(&x->r, &x->below) < (x->inclusive ? 1 : 0);
}

static void times_ten(interval *x) {
    big_multiply_add(&x->r, 10, 0);
    big_multiply_add(&x->above, 10, 0);
    big_multiply_add(&x->below, 10, 0);
}

/* Scales so that the first digit comes next; returns the place of the point. */
static int32_t scale(interval *x, const binary *b) {
    int32_t bits = b->exponent + 63 - __builtin_clzll(b->mantissa);
    /* log10(2) as a fraction: never above the true place, at most 1 below. */
    int32_t point = (int32_t)((bits * (int64_t)1292913986) >> 32);
    if (point >= 0) {
        big_multiply_pow10(&x->s, (uint32_t)point);
    } else {
        big_multiply_pow10(&x->r, (uint32_t)-point);
        big_multiply_pow10(&x->above, (uint32_t)-point);
        big_multiply_pow10(&x->below, (uint32_t)-point);
    }
    while (reaches_above(x)) {
        big_multiply_add(&x->s, 10, 0);
        point++;
    }
    return point;
}

/* The digits of the value into `out` (at most 17); the place of the point. */
static int32_t shortest(const binary *b, char out[20], size_t *count) {
    interval x;
    start(&x, b);
    int32_t point = scale(&x, b);
    size_t n = 0;
    int below = 0;
    int above = 0;
    while (!below && !above) {
        times_ten(&x);
        char digit = '0';
        while (big_compare(&x.r, &x.s) >= 0) {
            big_subtract(&x.r, &x.s);
            digit++;
        }
        below = reaches_below(&x);
        above = reaches_above(&x);
        if (above && below) {
            big_shift_left(&x.r, 1);
            above = big_compare(&x.r, &x.s) >= 0;
        }
        out[n++] = (char)(digit + above);
    }
    *count = n;
    return point;
}

static size_t put_exponent(char *out, int32_t exponent) {
    size_t at = 0;
    out[at++] = 'e';
    out[at++] = exponent < 0 ? '-' : '+';
    uint32_t value = (uint32_t)(exponent < 0 ? -exponent : exponent);
    for (uint32_t unit = value >= 100  ? 100
                         : value >= 10 ? 10
                                       : 1;
         unit > 0; unit /= 10) {
        out[at++] = (char)('0' + value / unit % 10);
    }
    return at;
}

/* Plain notation from 1e-7 to 1e21, like JavaScript; else d.ddde+xx. */
static size_t lay_out(const char *d, size_t n, int32_t point, char *out) {
    size_t at = 0;
    if (point > 21 || point < -6) {
        out[at++] = d[0];
        if (n > 1) {
            out[at++] = '.';
            memcpy(out + at, d + 1, n - 1);
            at += n - 1;
        }
        return at + put_exponent(out + at, point - 1);
    }
    if (point <= 0) {
        out[at++] = '0';
        out[at++] = '.';
        for (int32_t i = point; i < 0; i++) {
            out[at++] = '0';
        }
    }
    for (size_t i = 0; i < n || (int32_t)i < point; i++) {
        if (point > 0 && (int32_t)i == point) {
            out[at++] = '.';
        }
        out[at++] = i < n ? d[i] : '0';
    }
    return at;
}

static size_t write(const binary *b, int negative, char *out) {
    char digits_out[20];
    size_t count = 1;
    size_t at = 0;
    int32_t point = 1;
    digits_out[0] = '0';
    if (b->mantissa != 0) {
        point = shortest(b, digits_out, &count);
    }
    if (negative) {
        out[at++] = '-';
    }
    at += lay_out(digits_out, count, point, out + at);
    out[at] = '\0';
    return at;
}

size_t mdg_decimal_write_f64(double value, char out[MDG_DECIMAL_MAX]) {
    const uint64_t bits = mdg_bits_of_f64(value);
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    int32_t stored = (int32_t)(bits >> 52 & 2047);
    binary b = {fraction, -1074, 0};
    if (stored > 0) {
        b.mantissa |= (uint64_t)1 << 52;
        b.exponent = stored - 1075;
        b.closer_below = fraction == 0 && stored > 1;
    }
    return write(&b, (int)(bits >> 63), out);
}

size_t mdg_decimal_write_f32(float value, char out[MDG_DECIMAL_MAX]) {
    const uint32_t bits = mdg_bits_of_f32(value);
    uint32_t fraction = bits & ((1u << 23) - 1);
    int32_t stored = (int32_t)(bits >> 23 & 255);
    binary b = {fraction, -149, 0};
    if (stored > 0) {
        b.mantissa |= 1u << 23;
        b.exponent = stored - 150;
        b.closer_below = fraction == 0 && stored > 1;
    }
    return write(&b, (int)(bits >> 31), out);
}
