/* gemm_i8_test.c: products of bytes in every variant against sums in 64 bits,
 * at any address, with every byte; and floats to unsigned bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "variants.h"

#define GUARD (-12345.0f)

typedef struct product {
    size_t m, n, k, lda, ldc;
    uint8_t *a;
    int8_t *plain; /* (k, n) */
    int8_t *packed;
    int32_t *offset;
    float *factor, *bias;
    float *c;
} product;

/* Nothing to spare anywhere: a sanitizer sees what is read beyond. `spread` is
 * the largest byte of B, `top` that of A. */
static product make(size_t m, size_t n, size_t k, int extreme, uint32_t *seed) {
    product p = {.m = m, .n = n, .k = k};
    const size_t depth = MDG_GEMM_I8_DEPTH(k), cols = MDG_GEMM_I8_COLS(n);
    p.lda = depth + next_random(seed) % 3;
    p.ldc = n + next_random(seed) % 3;
    p.a = malloc(m * p.lda + 1);
    p.plain = malloc(k * n + 1);
    p.packed = calloc(depth * cols + 1, 1);
    p.offset = malloc(cols * sizeof *p.offset + 1);
    p.factor = malloc(cols * sizeof *p.factor + 1);
    p.bias = malloc(cols * sizeof *p.bias + 1);
    p.c = malloc(m * p.ldc * sizeof *p.c + 1);
    for (size_t i = 0; i < m * p.lda; i++) {
        p.a[i] = (uint8_t)(extreme ? 255 : next_random(seed) >> 5);
    }
    for (size_t i = 0; i < k * n; i++) {
        p.plain[i] = (int8_t)(extreme ? (i % n % 2 == 0 ? -128 : 127)
                                      : (int)(next_random(seed) % 256) - 128);
        p.packed[mdg_gemm_i8_at(k, i / n, i % n)] = p.plain[i];
    }
    for (size_t j = 0; j < cols; j++) {
        p.offset[j] = (int)(next_random(seed) % 200000) - 100000;
        p.factor[j] = random_float(seed, 0.1f);
        p.bias[j] = random_float(seed, 3.0f);
    }
    return p;
}

static void drop(product *p) {
    free(p->a);
    free(p->plain);
    free(p->packed);
    free(p->offset);
    free(p->factor);
    free(p->bias);
    free(p->c);
}

static float element(const product *p, size_t i, size_t j) {
    int64_t sum = p->offset[j];
    for (size_t k = 0; k < p->k; k++) {
        sum += (int64_t)p->a[i * p->lda + k] * p->plain[k * p->n + j];
    }
    assert_true(sum == (int32_t)sum);
    const float scaled = (float)(int32_t)sum * p->factor[j];
    return scaled + p->bias[j];
}

static void is_exact(const struct variants *v, product *p) {
    const mdg_gemm_i8 g = {.m = p->m,
                           .n = p->n,
                           .k = p->k,
                           .a = p->a,
                           .lda = p->lda,
                           .b = p->packed,
                           .offset = p->offset,
                           .factor = p->factor,
                           .bias = p->bias,
                           .c = p->c,
                           .ldc = p->ldc};
    float *want = malloc(p->m * p->n * sizeof *want + 1);
    for (size_t i = 0; i < p->m * p->n; i++) {
        want[i] = element(p, i / p->n, i % p->n);
    }
    for (int t = 0; t < v->count; t++) {
        for (size_t i = 0; i < p->m * p->ldc; i++) {
            p->c[i] = GUARD;
        }
        v->table[t]->gemm_i8(&g);
        for (size_t i = 0; i < p->m; i++) {
            assert_true(same_bits(p->n, want + i * p->n, p->c + i * p->ldc));
            for (size_t j = p->n; j < p->ldc; j++) {
                assert_true(p->c[i * p->ldc + j] == GUARD);
            }
        }
    }
    free(want);
    drop(p);
}

static void products_are_exact(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 3;
    for (size_t n = 1; n <= 150; n++) {
        product p =
            make(next_random(&seed) % 20, n, next_random(&seed) % 70, 0, &seed);
        is_exact(&v, &p);
    }
    for (size_t m = 0; m <= 20; m++) {
        for (size_t k = 0; k <= 20; k++) {
            product p = make(m, 1 + (m + k) % 40, k, 0, &seed);
            is_exact(&v, &p);
        }
    }
    product none = make(5, 0, 7, 0, &seed);
    is_exact(&v, &none);
}

/* The largest sums there are, of pairs too, which must not saturate. */
static void extremes_are_exact(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 5;
    product p = make(7, 18, 1003, 1, &seed);
    is_exact(&v, &p);
    product most = make(2, 2, MDG_GEMM_I8_MAX, 1, &seed);
    is_exact(&v, &most);
}

/* A row alone gives the bits that it has among others. */
static void a_row_does_not_see_its_batch(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 7;
    product p = make(13, 37, 50, 0, &seed);
    float alone[37];
    for (int t = 0; t < v.count; t++) {
        mdg_gemm_i8 g = {.m = p.m,
                         .n = p.n,
                         .k = p.k,
                         .a = p.a,
                         .lda = p.lda,
                         .b = p.packed,
                         .offset = p.offset,
                         .factor = p.factor,
                         .bias = p.bias,
                         .c = p.c,
                         .ldc = p.ldc};
        v.table[t]->gemm_i8(&g);
        g.m = 1;
        g.c = alone;
        for (size_t i = 0; i < p.m; i++) {
            g.a = p.a + i * p.lda;
            v.table[t]->gemm_i8(&g);
            assert_true(same_bits(p.n, alone, p.c + i * p.ldc));
        }
    }
    drop(&p);
}

/* In double, where the product of two floats and a zero fit. */
static uint8_t byte_of(float x, float factor, uint8_t zero) {
    const float scaled = x * factor;
    if (isnan(scaled)) {
        return zero;
    }
    const double v = nearbyint((double)scaled) + zero;
    return (uint8_t)(v < 0.0 ? 0.0 : v > 255.0 ? 255.0 : v);
}

static void floats_become_bytes(void **state) {
    enum { MOST = 140 };
    struct variants v = variants_here();
    uint32_t seed = 11;
    float x[MOST];
    for (size_t n = 0; n <= MOST; n++) {
        const uint8_t zero = (uint8_t)(n % 5 == 0   ? 0
                                       : n % 5 == 1 ? 255
                                                    : next_random(&seed));
        const float factor = n % 3 == 0 ? 0.5f : random_float(&seed, 9.0f);
        fill_corners(&seed, MOST, x, 4);
        for (size_t i = 0; i < n; i += 3) {
            x[i] = (float)(next_random(&seed) % 600) - 300.0f; /* halves */
        }
        float *from = exact_copy(n * sizeof *x, x);
        for (int t = 0; t < v.count; t++) {
            uint8_t *out = malloc(n + 1);
            out[n] = 77;
            v.table[t]->f32_to_u8(n, factor, zero, from, out);
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(out[i], byte_of(x[i], factor, zero));
            }
            assert_int_equal(out[n], 77);
            free(out);
        }
        free(from);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_exact),
        cmocka_unit_test(extremes_are_exact),
        cmocka_unit_test(a_row_does_not_see_its_batch),
        cmocka_unit_test(floats_become_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
