/* half_test.c: 16-bit floats. The conversions against arithmetic in double, for
 * every half and for floats at and beside every rounding limit; every variant
 * against the definition; the sums against those of the converted vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define N_MAX  130
#define ROOM   (N_MAX + 32)
#define HALVES 65536

typedef struct format {
    int bits;  /* of the fraction */
    int least; /* exponent of the least normal number */
    void (*to_f32)(size_t n, const uint16_t *x, float *out);
    void (*from_f32)(size_t n, const float *x, uint16_t *out);
} format;

static format f16_of(const mdg_kernels *k) {
    return (format){10, -14, k->f16_to_f32, k->f32_to_f16};
}

static format bf16_of(const mdg_kernels *k) {
    return (format){7, -126, k->bf16_to_f32, k->f32_to_bf16};
}

/* The value of a half by the definition of the format. */
static double value_of(format f, uint16_t half) {
    const int top = (1 << (15 - f.bits)) - 1;
    const int exponent = half >> f.bits & top;
    const int fraction = half & ((1 << f.bits) - 1);
    double size;
    if (exponent == top) {
        size = fraction != 0 ? (double)NAN : (double)INFINITY;
    } else if (exponent == 0) {
        size = ldexp(fraction, f.least - f.bits);
    } else {
        size = ldexp(fraction + (1 << f.bits), f.least - f.bits + exponent - 1);
    }
    return (half & 0x8000) != 0 ? -size : size;
}

/* The half nearest to x, by a division into steps of its size. */
static uint16_t nearest(format f, float x) {
    const int top = (1 << (15 - f.bits)) - 1;
    const uint16_t sign = signbit(x) ? 0x8000 : 0;
    const double size = fabs((double)x);
    int exponent;
    if (isinf(x)) {
        return (uint16_t)(sign | top << f.bits);
    }
    frexp(size, &exponent);
    exponent = exponent - 1 < f.least ? f.least : exponent - 1;
    /* The steps from zero on: a carry goes into the exponent by itself. */
    double steps = rint(ldexp(size, f.bits - exponent));
    steps += size == 0.0 ? 0.0 : ldexp(exponent - f.least, f.bits);
    const double most = ldexp(top, f.bits);
    return (uint16_t)(sign | (uint16_t)(steps < most ? steps : most));
}

static void check_from(format f, size_t n, const float *x) {
    uint16_t got[64];
    f.from_f32(n, x, got);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got[i], nearest(f, x[i]));
    }
}

/* The limit between each half and the next, and the floats beside it. */
static void check_limits(format f) {
    const uint16_t infinity = (uint16_t)(((1 << (15 - f.bits)) - 1) << f.bits);
    for (uint16_t half = 0; half < infinity; half++) {
        double next = half + 1 < infinity ? value_of(f, (uint16_t)(half + 1))
                                          : ldexp(1.0, f.bits == 10 ? 16 : 128);
        const float limit = (float)(value_of(f, half) / 2 + next / 2);
        float x[6] = {limit, nextafterf(limit, 0.0f),
                      nextafterf(limit, INFINITY)};
        for (int i = 0; i < 3; i++) {
            x[3 + i] = -x[i];
        }
        check_from(f, 6, x);
    }
}

static void every_half_has_its_value(void **state) {
    struct variants v = variants_here();
    static uint16_t half[HALVES], again[HALVES];
    static float x[HALVES];
    for (uint32_t i = 0; i < HALVES; i++) {
        half[i] = (uint16_t)i;
    }
    for (int i = 0; i < 2 * v.count; i++) {
        const mdg_kernels *k = v.table[i / 2];
        const format f = i % 2 == 0 ? f16_of(k) : bf16_of(k);
        f.to_f32(HALVES, half, x);
        f.from_f32(HALVES, x, again);
        for (uint32_t j = 0; j < HALVES; j++) {
            const double exact = value_of(f, half[j]);
            if (isnan(exact)) {
                assert_true(isnan(x[j]));
                assert_true(isnan(value_of(f, again[j])));
            } else {
                assert_true((double)x[j] == exact);
                assert_int_equal(again[j], half[j]);
            }
        }
    }
}

static void every_limit_rounds_to_even(void **state) {
    struct variants v = variants_here();
    for (int i = 0; i < v.count; i++) {
        check_limits(f16_of(v.table[i]));
        check_limits(bf16_of(v.table[i]));
    }
}

/* Every exponent, both signs, NaNs with many payloads: the very same bits. */
static void all_floats_become_the_same_halves(void **state) {
    enum { BLOCK = 500 };
    struct variants v = variants_here();
    float x[BLOCK];
    uint16_t want[2][BLOCK], got[2][BLOCK];
    size_t count = 0;
    for (uint64_t i = 0; i < (uint64_t)1 << 32; i += 9973) {
        const uint32_t bits = (uint32_t)i;
        memcpy(x + count++, &bits, sizeof bits);
        if (count < BLOCK) {
            continue;
        }
        count = 0;
        for (int j = 0; j < v.count; j++) {
            v.table[j]->f32_to_f16(BLOCK, x, j == 0 ? want[0] : got[0]);
            v.table[j]->f32_to_bf16(BLOCK, x, j == 0 ? want[1] : got[1]);
            assert_true(j == 0 || memcmp(want, got, sizeof want) == 0);
        }
        for (size_t j = 0; j < BLOCK; j++) {
            if (!isnan(x[j])) {
                assert_int_equal(want[0][j], nearest(f16_of(v.table[0]), x[j]));
                assert_int_equal(want[1][j],
                                 nearest(bf16_of(v.table[0]), x[j]));
            } else { /* sign and upper payload stay, and it is quiet */
                uint32_t u;
                memcpy(&u, x + j, sizeof u);
                assert_int_equal(want[0][j], (u >> 16 & 0x8000) | 0x7e00 |
                                                 (u >> 13 & 0x1ff));
                assert_int_equal(want[1][j], u >> 16 | 0x40);
            }
        }
    }
}

static void fill_halves(uint32_t *seed, size_t n, uint16_t *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = (uint16_t)next_random(seed);
    }
}

static void check_conversions(const mdg_kernels *s, const mdg_kernels *k,
                              size_t n, size_t offset, uint32_t *seed) {
    float x[ROOM], want[ROOM], got[ROOM];
    uint16_t half[ROOM], want_half[ROOM], got_half[ROOM];
    const size_t other = (offset * 5) % 16;
    fill_corners(seed, ROOM, x, 3);
    fill_halves(seed, ROOM, half);
    memset(want, 1, sizeof want);
    memset(got, 1, sizeof got);
    memset(want_half, 1, sizeof want_half);
    memset(got_half, 1, sizeof got_half);
    s->f32_to_f16(n, x + offset, want_half + other);
    k->f32_to_f16(n, x + offset, got_half + other);
    assert_memory_equal(want_half, got_half, sizeof got_half);
    s->f32_to_bf16(n, x + offset, want_half + other);
    k->f32_to_bf16(n, x + offset, got_half + other);
    assert_memory_equal(want_half, got_half, sizeof got_half);
    s->f16_to_f32(n, half + offset, want + other);
    k->f16_to_f32(n, half + offset, got + other);
    assert_true(same_bits(ROOM, want, got));
    s->bf16_to_f32(n, half + offset, want + other);
    k->bf16_to_f32(n, half + offset, got + other);
    assert_true(same_bits(ROOM, want, got));
}

static void conversions_are_the_same(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 3;
    for (int i = 1; i < v.count; i++) {
        for (size_t n = 0; n <= N_MAX; n++) {
            for (size_t offset = 0; offset < 16; offset++) {
                check_conversions(v.table[0], v.table[i], n, offset, &seed);
            }
        }
    }
}

/* Both sums of the converted vectors. */
static void check_sums(const struct variants *v, size_t n, const uint16_t *a,
                       const uint16_t *b) {
    const mdg_kernels *s = v->table[0];
    static float x[2][2000];
    float want[4];
    s->f16_to_f32(n, a, x[0]);
    s->f16_to_f32(n, b, x[1]);
    want[0] = s->dot_f32(n, x[0], x[1]);
    want[1] = s->l2sq_f32(n, x[0], x[1]);
    s->bf16_to_f32(n, a, x[0]);
    s->bf16_to_f32(n, b, x[1]);
    want[2] = s->dot_f32(n, x[0], x[1]);
    want[3] = s->l2sq_f32(n, x[0], x[1]);
    for (int i = 0; i < v->count; i++) {
        const mdg_kernels *k = v->table[i];
        const float got[4] = {k->dot_f16(n, a, b), k->l2sq_f16(n, a, b),
                              k->dot_bf16(n, a, b), k->l2sq_bf16(n, a, b)};
        assert_true(same_bits(4, want, got));
    }
}

static void sums_are_those_of_the_values(void **state) {
    struct variants v = variants_here();
    const mdg_kernels *s = v.table[0];
    uint32_t seed = 5;
    for (size_t n = 0; n < 1200; n += n < N_MAX ? 1 : 126) {
        float *x = malloc(n * sizeof *x + 1);
        uint16_t *a = malloc(n * sizeof *a + 1), *b = malloc(n * sizeof *b + 1);
        assert_non_null(x);
        assert_non_null(a);
        assert_non_null(b);
        fill_plain(&seed, n, x, 3.0f);
        s->f32_to_f16(n, x, a);
        fill_plain(&seed, n, x, n % 2 == 0 ? 3.0f : 1e-5f);
        s->f32_to_f16(n, x, b);
        check_sums(&v, n, a, b);
        fill_halves(&seed, n, a);
        check_sums(&v, n, a, b);
        free(x);
        free(a);
        free(b);
    }
}

static void sums_are_the_same_at_any_offset(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 7;
    uint16_t a[ROOM], b[ROOM];
    float x[ROOM];
    fill_plain(&seed, ROOM, x, 3.0f);
    v.table[0]->f32_to_f16(ROOM, x, a);
    fill_plain(&seed, ROOM, x, 3.0f);
    v.table[0]->f32_to_f16(ROOM, x, b);
    for (size_t offset = 0; offset < 16; offset++) {
        for (size_t n = 0; n <= N_MAX; n++) {
            check_sums(&v, n, a + offset, b + 15 - offset);
        }
    }
}

static void check_gather(const struct variants *v, size_t cols, size_t lda,
                         const uint16_t *a, const float *x) {
    static const uint32_t index[13] = {4, 0, 3, 3, 1, 2, 0, 4, 1, 1, 2, 4, 2};
    const mdg_kernels *s = v->table[0];
    static float row[2000];
    float want[2][16], got[2][16];
    for (size_t count = 0; count <= 13; count++) {
        memset(want, 0, sizeof want);
        for (size_t r = 0; r < count; r++) {
            s->f16_to_f32(cols, a + index[r] * lda, row);
            want[0][r] = s->dot_f32(cols, row, x);
            want[1][r] = s->l2sq_f32(cols, row, x);
        }
        for (int i = 0; i < v->count; i++) {
            const mdg_kernels *k = v->table[i];
            memset(got, 0, sizeof got);
            k->gather_dot_f16(count, index, cols, a, lda, x, got[0]);
            k->gather_l2sq_f16(count, index, cols, a, lda, x, got[1]);
            assert_true(same_bits(32, want[0], got[0]));
        }
    }
}

static void chosen_rows_have_their_own_bits(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 11;
    for (size_t cols = 0; cols < 1500; cols += cols < N_MAX ? 1 : 126) {
        const size_t lda = cols + next_random(&seed) % 5;
        const size_t size = 4 * lda + cols;
        uint16_t *a = malloc(size * sizeof *a + 1);
        float *x = malloc((size + cols) * sizeof *x + 1);
        assert_non_null(a);
        assert_non_null(x);
        fill_plain(&seed, size + cols, x, 2.0f);
        v.table[0]->f32_to_f16(size, x, a);
        check_gather(&v, cols, lda, a, x + size);
        fill_halves(&seed, size, a);
        check_gather(&v, cols, lda, a, x + size);
        free(a);
        free(x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_has_its_value),
        cmocka_unit_test(every_limit_rounds_to_even),
        cmocka_unit_test(all_floats_become_the_same_halves),
        cmocka_unit_test(conversions_are_the_same),
        cmocka_unit_test(sums_are_those_of_the_values),
        cmocka_unit_test(sums_are_the_same_at_any_offset),
        cmocka_unit_test(chosen_rows_have_their_own_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
