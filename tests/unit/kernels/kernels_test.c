/* kernels_test.c: the table of kernels and the corpus. Each family of
 * operations has a test of its own beside this one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernels/corpus.h"
#include "variants.h"

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

static const char *variant_of(const midge_env *env, const char *name) {
    for (size_t i = 0; i < midge_kernels_count(); i++) {
        if (strcmp(midge_kernel_name(i), name) == 0) {
            return midge_kernel_variant(env, i);
        }
    }
    return "no such operation";
}

/* Each level of the CPU: the name is that of the first table that has the
 * function. */
static void names_are_those_of_what_runs(void **state) {
    midge_env env = {.cpu = 0};
    const mdg_kernels *floats = mdg_kernels_select(0);
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        env.cpu |= cpu_here() & bit;
        const mdg_kernels *k = mdg_kernels_select(env.cpu);
        floats = k->dot_f32 == floats->dot_f32 ? floats : k;
        assert_string_equal(variant_of(&env, "dot_f32"), floats->isa);
        assert_string_equal(variant_of(&env, "adam_f32"), floats->isa);
        assert_string_equal(variant_of(&env, "dot_i8"), k->isa);
        assert_string_equal(variant_of(&env, "pq4_sums"), k->isa);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corpus_parts_are_their_constants),
        cmocka_unit_test(selftest_is_the_constant),
        cmocka_unit_test(every_operation_has_a_name_and_a_variant),
        cmocka_unit_test(names_are_those_of_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
