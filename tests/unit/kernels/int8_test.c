/* int8_test.c: bytes. The definition against 64-bit arithmetic and at the
 * limits of n, then every variant against the definition, at every offset and
 * with bytes beside the rows that must not be counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define N_MAX 130
#define ROOM  (N_MAX + 64)

static void fill_random(uint32_t *seed, size_t n, void *bytes) {
    uint8_t *byte = bytes;
    for (size_t i = 0; i < n; i++) {
        uint32_t r = next_random(seed);
        /* One in eight is a corner: 0, -128 or 128, 127, -1 or 255. */
        static const uint8_t corner[4] = {0, 128, 127, 255};
        byte[i] = r % 8 == 0 ? corner[(r >> 8) % 4] : (uint8_t)(r >> 10);
    }
}

/* out = {dot_i8, dot_u8, l2sq_i8, l2sq_u8, cosine_i8}, as 64-bit numbers. */
static void by_oracle(size_t n, const void *a, const void *b, int64_t *out) {
    const int8_t *ai = a, *bi = b;
    const uint8_t *au = a, *bu = b;
    memset(out, 0, 7 * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        int64_t x = ai[i], y = bi[i], u = au[i], v = bu[i];
        out[0] += x * y;
        out[1] += u * v;
        out[2] += (x - y) * (x - y);
        out[3] += (u - v) * (u - v);
        out[4] += x * y;
        out[5] += x * x;
        out[6] += y * y;
    }
}

static void by_kernels(const mdg_kernels *k, size_t n, const void *a,
                       const void *b, int64_t *out) {
    int32_t cosine[3];
    out[0] = k->dot_i8(n, a, b);
    out[1] = k->dot_u8(n, a, b);
    out[2] = k->l2sq_i8(n, a, b);
    out[3] = k->l2sq_u8(n, a, b);
    k->cosine_i8(n, a, b, cosine);
    for (int i = 0; i < 3; i++) {
        out[4 + i] = cosine[i];
    }
}

static void check_pair(size_t n, const void *a, const void *b) {
    struct variants v = variants_here();
    int64_t want[7], got[7];
    by_oracle(n, a, b, want);
    for (int i = 0; i < v.count; i++) {
        by_kernels(v.table[i], n, a, b, got);
        assert_memory_equal(got, want, sizeof want);
    }
}

static void sums_are_exact_for_every_size_and_offset(void **state) {
    uint32_t seed = 21;
    uint8_t a[ROOM], b[ROOM];
    for (size_t n = 0; n <= N_MAX; n++) {
        for (size_t offset = 0; offset < 16; offset++) {
            fill_random(&seed, ROOM, a);
            fill_random(&seed, ROOM, b);
            check_pair(n, a + offset, b + (offset * 7 + 3) % 16);
        }
    }
    for (size_t n = 131; n < 2000; n += 61) {
        static uint8_t x[2000], y[2000];
        fill_random(&seed, n, x);
        fill_random(&seed, n, y);
        check_pair(n, x, y);
    }
}

/* The largest results there are, and the products of which a saturating
 * instruction would lose some. */
static void sums_are_exact_at_the_limit(void **state) {
    static uint8_t a[MDG_INT8_MAX], b[MDG_INT8_MAX];
    static const uint8_t value[] = {0, 1, 127, 128, 129, 255};
    for (size_t i = 0; i < sizeof value; i++) {
        for (size_t j = 0; j < sizeof value; j++) {
            memset(a, value[i], sizeof a);
            memset(b, value[j], sizeof b);
            check_pair(sizeof a, a, b);
            check_pair(N_MAX, a, b);
        }
    }
}

static void every_pair_of_bytes_is_right(void **state) {
    uint8_t a[256], b[256];
    for (int shift = 0; shift < 256; shift++) {
        for (int i = 0; i < 256; i++) {
            a[i] = (uint8_t)i;
            b[i] = (uint8_t)(i + shift);
        }
        check_pair(256, a, b);
    }
}

#define ROWS_MAX 13

static void check_rows(const mdg_kernels *k, size_t count,
                       const uint32_t *index, size_t cols, const void *a,
                       size_t lda, const void *x) {
    uint32_t got[4][ROWS_MAX + 1];
    memset(got, 0xa5, sizeof got);
    k->gather_dot_i8(count, index, cols, a, lda, x, (int32_t *)got[0]);
    k->gather_dot_u8(count, index, cols, a, lda, x, got[1]);
    k->gather_l2sq_i8(count, index, cols, a, lda, x, got[2]);
    k->gather_l2sq_u8(count, index, cols, a, lda, x, got[3]);
    for (size_t i = 0; i < count; i++) {
        int64_t want[7];
        size_t row = index ? index[i] : i;
        by_oracle(cols, (const uint8_t *)a + row * lda, x, want);
        for (int op = 0; op < 4; op++) {
            assert_int_equal(got[op][i], (uint32_t)want[op]);
        }
    }
    for (int op = 0; op < 4; op++) {
        assert_int_equal(got[op][count], 0xa5a5a5a5u);
    }
}

static void rows_are_gathered(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 23, index[ROWS_MAX];
    static uint8_t a[ROWS_MAX * (N_MAX + 10)], x[N_MAX];
    for (size_t cols = 0; cols <= N_MAX; cols++) {
        size_t lda = cols + next_random(&seed) % 10;
        fill_random(&seed, sizeof a, a);
        fill_random(&seed, sizeof x, x);
        for (size_t i = 0; i < ROWS_MAX; i++) {
            index[i] = next_random(&seed) % ROWS_MAX;
        }
        size_t count = cols % (ROWS_MAX + 1);
        for (int i = 0; i < v.count; i++) {
            check_rows(v.table[i], count, index, cols, a, lda, x);
            check_rows(v.table[i], count, NULL, cols, a, lda, x);
        }
    }
}

static void nothing_else_is_touched(void **state) {
    struct variants v = variants_here();
    static const float zeros[3 * N_MAX];
    for (size_t n = 1; n <= 3 * N_MAX; n++) {
        const size_t rows = n % ROWS_MAX;
        uint8_t *a = exact_copy(rows * n, (uint8_t[ROWS_MAX * 3 * N_MAX]){0});
        uint8_t *x = exact_copy(n, zeros), *y = exact_copy(n, zeros);
        float *wide = exact_copy(n * sizeof *wide, zeros);
        int64_t out[7];
        for (int i = 0; i < v.count; i++) {
            by_kernels(v.table[i], n, x, y, out);
            check_rows(v.table[i], rows, NULL, n, a, n, x);
            v.table[i]->f32_to_i8(n, 2.0f, wide, (int8_t *)y);
            v.table[i]->i8_to_f32(n, 2.0f, (int8_t *)y, wide);
        }
        free(a);
        free(x);
        free(y);
        free(wide);
    }
}

/* By the rounding of the C library, in the mode that programs start in. */
static int8_t rounded(float v) {
    if (isnan(v)) {
        return 0;
    }
    return (int8_t)rint(fmax(-127.0, fmin(127.0, (double)v)));
}

static void floats_become_the_nearest_bytes(void **state) {
    const mdg_kernels *k = mdg_kernels_select(0);
    for (uint64_t u = 0; u < (uint64_t)1 << 32; u += 10007) {
        uint32_t word = (uint32_t)u;
        float x;
        int8_t got;
        memcpy(&x, &word, sizeof x);
        k->f32_to_i8(1, 1.0f, &x, &got);
        assert_int_equal(got, rounded(x));
    }
    for (int i = -1040; i <= 1040; i++) {
        float x = (float)i;
        int8_t got;
        k->f32_to_i8(1, 0.125f, &x, &got);
        assert_int_equal(got, rounded(x * 0.125f));
    }
}

static void check_quantise(const struct variants *v, size_t n, float factor,
                           const float *x, size_t offset) {
    int8_t want[ROOM], got[ROOM];
    float want_back[ROOM], back[ROOM];
    memset(want, 0x55, sizeof want);
    memset(want_back, 0x55, sizeof want_back);
    v->table[0]->f32_to_i8(n, factor, x, want + offset);
    v->table[0]->i8_to_f32(n, factor, want + offset, want_back + offset);
    for (int i = 1; i < v->count; i++) {
        memset(got, 0x55, sizeof got);
        memset(back, 0x55, sizeof back);
        v->table[i]->f32_to_i8(n, factor, x, got + offset);
        assert_memory_equal(got, want, sizeof want);
        v->table[i]->i8_to_f32(n, factor, got + offset, back + offset);
        assert_true(same_bits(ROOM, back, want_back));
    }
}

static void quantising_is_the_same(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 27;
    float x[ROOM];
    for (size_t n = 0; n <= N_MAX; n++) {
        for (size_t offset = 0; offset < 16; offset++) {
            fill_corners(&seed, ROOM, x, 5);
            check_quantise(&v, n, random_float(&seed, 5.0f), x + 15 - offset,
                           offset);
        }
        for (size_t i = 0; i < ROOM; i++) {
            x[i] = (float)(next_random(&seed) % 1100) - 550.0f;
        }
        check_quantise(&v, n, 0.25f, x, 1); /* many halves */
        check_quantise(&v, n, INFINITY, x, 2);
        check_quantise(&v, n, NAN, x, 3);
    }
}

/* What is read back is within half a step of what was written. */
static void there_and_back_is_within_half_a_step(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 29;
    float x[500], back[500];
    int8_t bytes[500];
    fill_plain(&seed, 500, x, 3.0f);
    x[17] = 3.0f;
    for (int i = 0; i < v.count; i++) {
        v.table[i]->f32_to_i8(500, 127.0f / 3.0f, x, bytes);
        v.table[i]->i8_to_f32(500, 3.0f / 127.0f, bytes, back);
        for (size_t j = 0; j < 500; j++) {
            assert_true(fabsf(back[j] - x[j]) <= 1.5001f / 127.0f);
        }
        assert_int_equal(bytes[17], 127);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact_for_every_size_and_offset),
        cmocka_unit_test(sums_are_exact_at_the_limit),
        cmocka_unit_test(every_pair_of_bytes_is_right),
        cmocka_unit_test(rows_are_gathered),
        cmocka_unit_test(nothing_else_is_touched),
        cmocka_unit_test(floats_become_the_nearest_bytes),
        cmocka_unit_test(quantising_is_the_same),
        cmocka_unit_test(there_and_back_is_within_half_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
