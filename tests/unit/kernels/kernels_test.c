/* kernels_test.c: every variant this CPU runs against the scalar definition,
 * for n = 0..130 at every offset of the 16 in a 64-byte line, corners of the
 * format included; writes outside of the range are looked for too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel_values.h"
#include "kernels/corpus.h"
#include "variants.h"

#define N_MAX 130
#define ROOM  (N_MAX + 32)

typedef void map_fn(size_t n, float *x);

static void same_map(map_fn *scalar, map_fn *other, uint32_t rarity) {
    uint32_t seed = 7;
    float input[ROOM], want[ROOM], got[ROOM];
    for (size_t n = 0; n <= N_MAX; n++) {
        for (size_t offset = 0; offset < 16; offset++) {
            fill_corners(&seed, ROOM, input, rarity);
            memcpy(want, input, sizeof want);
            memcpy(got, input, sizeof got);
            scalar(n, want + offset);
            other(n, got + offset);
            assert_true(same_bits(ROOM, want, got));
        }
    }
}

static void maps_are_the_same(void **state) {
    struct variants v = variants_here();
    const mdg_kernels *s = v.table[0];
    for (int i = 1; i < v.count; i++) {
        const mdg_kernels *k = v.table[i];
        for (uint32_t rarity = 1; rarity < 100; rarity += 49) {
            same_map(s->exp_f32, k->exp_f32, rarity);
            same_map(s->tanh_f32, k->tanh_f32, rarity);
            same_map(s->sigmoid_f32, k->sigmoid_f32, rarity);
            same_map(s->cos_f32, k->cos_f32, rarity);
            same_map(s->relu_f32, k->relu_f32, rarity);
            same_map(s->softmax_f32, k->softmax_f32, rarity);
        }
        same_map(s->softmax_f32, k->softmax_f32, 100000);
    }
}

#define BLOCK 500

static void same_block(const struct variants *v, const float *input) {
    float want[BLOCK], got[BLOCK];
    for (int f = 0; f < 4; f++) {
        for (int i = 0; i < v->count; i++) {
            const mdg_kernels *k = v->table[i];
            map_fn *map[4] = {k->exp_f32, k->tanh_f32, k->sigmoid_f32,
                              k->cos_f32};
            float *out = i == 0 ? want : got;
            memcpy(out, input, sizeof want);
            map[f](BLOCK, out);
            assert_true(i == 0 || same_bits(BLOCK, want, got));
        }
    }
}

/* Every exponent, both signs. */
static void maps_are_the_same_over_all_floats(void **state) {
    struct variants v = variants_here();
    float input[BLOCK];
    size_t count = 0;
    for (uint64_t i = 0; i < ((uint64_t)1 << 32); i += 9973) {
        uint32_t u = (uint32_t)i;
        memcpy(input + count, &u, sizeof u);
        count++;
        if (count == BLOCK) {
            same_block(&v, input);
            count = 0;
        }
    }
}

/* Where the last part of pi/2 decides the result. */
static void cos_is_the_same_near_its_zeros(void **state) {
    struct variants v = variants_here();
    float input[BLOCK];
    for (int i = 0; i + BLOCK < 3800; i += BLOCK) {
        for (int j = 0; j < BLOCK; j++) {
            input[j] = (float)((i + j + 0.5) * 3.14159265358979323846);
        }
        same_block(&v, input);
    }
}

static void same_adam(const mdg_kernels *s, const mdg_kernels *k, size_t n,
                      size_t offset, uint32_t *seed) {
    const mdg_adam step = {0.9f, 0.999f, 0.01f, 1.3f, 1e-8f, 1e-4f};
    float g[ROOM], want[3][ROOM], got[3][ROOM];
    fill_corners(seed, ROOM, g, 20);
    fill_corners(seed, ROOM, want[0], 50);
    fill_plain(seed, ROOM, want[1], 1.0f);
    fill_plain(seed, ROOM, want[2], 1.0f);
    memcpy(got, want, sizeof got);
    s->adam_f32(n, &step, g, want[0] + offset, want[1] + 3, want[2]);
    k->adam_f32(n, &step, g, got[0] + offset, got[1] + 3, got[2]);
    assert_true(same_bits(3 * ROOM, want[0], got[0]));
}

static void updates_are_the_same(void **state) {
    struct variants v = variants_here();
    uint32_t seed = 11;
    for (int i = 1; i < v.count; i++) {
        for (size_t n = 0; n <= N_MAX; n++) {
            for (size_t offset = 0; offset < 16; offset++) {
                same_adam(v.table[0], v.table[i], n, offset, &seed);
            }
        }
    }
}

static void transpose_moves_each_element(void **state) {
    struct variants v = variants_here();
    static float x[40 * 40], out[40 * 40 + 1];
    for (size_t i = 0; i < 40 * 40; i++) {
        x[i] = (float)i;
    }
    for (int i = 0; i < v.count; i++) {
        for (size_t rows = 0; rows < 40; rows++) {
            for (size_t cols = 0; cols < 40; cols++) {
                out[rows * cols] = -1.0f;
                v.table[i]->transpose_f32(rows, cols, x, out);
                for (size_t j = 0; j < rows * cols; j++) {
                    assert_true(out[j % cols * rows + j / cols] == x[j]);
                }
                assert_true(out[rows * cols] == -1.0f);
            }
        }
    }
}

/* One constant a part for gcc, clang, every variant, and wasm. */
static void corpus_parts_are_their_constants(void **state) {
    struct variants v = variants_here();
    static float scratch[MIDGE_SELFTEST_BYTES / sizeof(float)];
    int wrong = 0;
    for (int i = 0; i < v.count; i++) {
        for (size_t part = 0; part < mdg_corpus_count(); part++) {
            uint32_t hash = mdg_corpus_run(v.table[i], part, scratch);
            if (hash != mdg_corpus_expected(part)) {
                print_message("%s %s: 0x%08x\n", v.table[i]->isa,
                              mdg_corpus_name(part), (unsigned)hash);
                wrong++;
            }
        }
    }
    assert_int_equal(wrong, 0);
}

static void selftest_is_the_constant(void **state) {
    static float scratch[MIDGE_SELFTEST_BYTES / sizeof(float)];
    const midge_env env = {.cpu = cpu_here()};
    const char *isa = NULL;
    uint32_t hash = midge_selftest(&env, scratch, &isa);
    print_message("%s 0x%08x\n", isa, (unsigned)hash);
    assert_int_equal(hash, MIDGE_SELFTEST_RESULT);
}

static void every_operation_has_a_name_and_a_variant(void **state) {
    const midge_env env = {.cpu = cpu_here()};
    size_t count = midge_kernels_count();
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(midge_kernel_name(i));
        assert_non_null(midge_kernel_variant(&env, i));
    }
    assert_null(midge_kernel_name(count));
    assert_null(midge_kernel_variant(&env, count));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_the_same),
        cmocka_unit_test(maps_are_the_same_over_all_floats),
        cmocka_unit_test(cos_is_the_same_near_its_zeros),
        cmocka_unit_test(updates_are_the_same),
        cmocka_unit_test(transpose_moves_each_element),
        cmocka_unit_test(corpus_parts_are_their_constants),
        cmocka_unit_test(selftest_is_the_constant),
        cmocka_unit_test(every_operation_has_a_name_and_a_variant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
