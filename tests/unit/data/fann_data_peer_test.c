/* fann_data_peer_test.c: C FANN reads the training data that we write, and we
 * read what it writes. */
#define _GNU_SOURCE /* nftw */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <floatfann.h>

#include "base/rng.h"
#include "midge/nn_data.h"
#include "temp_dir_test.h"
#include "test_env.h"

enum { ROWS = 40, IN = 3, OUT = 2 };

static void read_whole(const struct test_env *t, const char *path,
                       midge_buf *out) {
    char block[4096];
    size_t size;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    midge_buf_init(out, &t->env, 0);
    while ((size = fread(block, 1, sizeof block, file)) > 0) {
        assert_int_equal(midge_buf_append(out, block, size), MIDGE_OK);
    }
    fclose(file);
}

static void write_whole(const char *path, const midge_buf *bytes) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes->data, 1, bytes->size, file), bytes->size);
    fclose(file);
}

static midge_dataset *random_rows(struct test_env *t) {
    mdg_rng rng;
    float x[ROWS * IN], y[ROWS * OUT];
    midge_dataset *data;
    mdg_rng_seed(&rng, 8);
    for (int i = 0; i < ROWS * IN; i++) { /* tiny to large, both signs */
        x[i] = mdg_rng_normal(&rng) *
               (float)pow(10.0, (int)mdg_rng_below(&rng, 9) - 6);
    }
    for (int i = 0; i < ROWS * OUT; i++) {
        y[i] = i % 3 == 0 ? (float)(i % 2) : mdg_rng_normal(&rng);
    }
    assert_int_equal(
        midge_dataset_new(&t->env, ROWS, IN, OUT, x, y, &data, NULL), MIDGE_OK);
    return data;
}

static void check_same(midge_dataset *ours, const struct fann_train_data *its) {
    assert_int_equal(midge_dataset_n_rows(ours), its->num_data);
    assert_int_equal(midge_dataset_n_inputs(ours), its->num_input);
    assert_int_equal(midge_dataset_n_outputs(ours), its->num_output);
    for (size_t r = 0; r < its->num_data; r++) {
        assert_memory_equal(midge_dataset_x(ours) + r * IN, its->input[r],
                            IN * sizeof(float));
        assert_memory_equal(midge_dataset_t(ours) + r * OUT, its->output[r],
                            OUT * sizeof(float));
    }
}

/* Every bit, since we write decimals that read back the same. */
static void fann_reads_ours(void **state) {
    struct test_env t;
    midge_buf bytes;
    test_env_init(&t);
    midge_dataset *data = random_rows(&t);
    midge_buf_init(&bytes, &t.env, 0);
    assert_int_equal(midge_dataset_write_fann(data, &bytes), MIDGE_OK);
    const char *path = temp_dir_file(&dir, "ours.data");
    write_whole(path, &bytes);
    struct fann_train_data *its = fann_read_train_from_file(path);
    assert_non_null(its);
    check_same(data, its);
    fann_destroy_train(its);
    midge_buf_deinit(&bytes);
    midge_dataset_free(data);
    assert_int_equal(t.held_bytes, 0);
}

/* FANN writes six decimals: what counts is what it reads back itself. */
static void we_read_fanns(void **state) {
    struct test_env t;
    midge_buf bytes;
    midge_dataset *again;
    test_env_init(&t);
    midge_dataset *data = random_rows(&t);
    struct fann_train_data *its = fann_create_train(ROWS, IN, OUT);
    for (size_t r = 0; r < ROWS; r++) {
        memcpy(its->input[r], midge_dataset_x(data) + r * IN,
               IN * sizeof(float));
        memcpy(its->output[r], midge_dataset_t(data) + r * OUT,
               OUT * sizeof(float));
    }
    const char *path = temp_dir_file(&dir, "fann.data");
    assert_int_equal(fann_save_train(its, path), 0);
    fann_destroy_train(its);
    its = fann_read_train_from_file(path);
    assert_non_null(its);
    read_whole(&t, path, &bytes);
    assert_int_equal(
        midge_dataset_read_fann(&t.env, bytes.data, bytes.size, &again, NULL),
        MIDGE_OK);
    check_same(again, its);
    fann_destroy_train(its);
    midge_buf_deinit(&bytes);
    midge_dataset_free(again);
    midge_dataset_free(data);
    assert_int_equal(t.held_bytes, 0);
}

/* The same whole numbers as fann_save_train_to_fixed. */
static void fixed_as_fann(void **state) {
    struct test_env t;
    midge_buf ours, its_bytes;
    midge_dataset *a, *b;
    test_env_init(&t);
    midge_dataset *data = random_rows(&t);
    midge_buf_init(&ours, &t.env, 0);
    assert_int_equal(midge_dataset_write_fann(data, &ours), MIDGE_OK);
    const char *path = temp_dir_file(&dir, "float.data");
    const char *fixed = temp_dir_file(&dir, "fixed.data");
    write_whole(path, &ours);
    struct fann_train_data *its = fann_read_train_from_file(path);
    assert_non_null(its);
    assert_int_equal(fann_save_train_to_fixed(its, fixed, 11), 0);
    fann_destroy_train(its);
    midge_buf_clear(&ours);
    assert_int_equal(midge_dataset_write_fann_fixed(data, 11, &ours, NULL),
                     MIDGE_OK);
    read_whole(&t, fixed, &its_bytes);
    assert_int_equal(
        midge_dataset_read_fann(&t.env, ours.data, ours.size, &a, NULL),
        MIDGE_OK);
    assert_int_equal(midge_dataset_read_fann(&t.env, its_bytes.data,
                                             its_bytes.size, &b, NULL),
                     MIDGE_OK);
    assert_memory_equal(midge_dataset_x(a), midge_dataset_x(b),
                        ROWS * IN * sizeof(float));
    assert_memory_equal(midge_dataset_t(a), midge_dataset_t(b),
                        ROWS * OUT * sizeof(float));
    midge_dataset_free(a);
    midge_dataset_free(b);
    midge_buf_deinit(&ours);
    midge_buf_deinit(&its_bytes);
    midge_dataset_free(data);
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        in_temp_dir(fann_reads_ours),
        in_temp_dir(we_read_fanns),
        in_temp_dir(fixed_as_fann),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
