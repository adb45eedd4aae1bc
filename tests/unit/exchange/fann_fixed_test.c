/* fann_fixed_test.c: inference in whole numbers against FANN's fixed-point
 * library, integer by integer. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include <fixedfann.h>

#include "exchange_support.h"
#include "midge/nn_quant.h"
#include "temp_dir.h"

/* FANN seeds rand() anew for every network it makes. It calls this instead, so
 * that its networks are the same in every run. */
void srand(unsigned seed) {
    (void)seed;
}

static const char path[] = "fann_fixed.net";
static struct temp_dir dir;

static int set_up_dir(void **state) {
    (void)state;
    temp_dir_make(&dir);
    return 0;
}

static int tear_down_dir(void **state) {
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

static midge_net_fixed *load(const midge_env *env, const void *bytes,
                             size_t size) {
    midge_net_fixed *net;
    midge_error err = {.status = MIDGE_OK};
    if (midge_net_fixed_read_fann(env, bytes, size, &net, &err) != MIDGE_OK) {
        fail_msg("line %lld: %s", (long long)err.line, err.text);
    }
    return net;
}

static void compare(const midge_net_fixed *ours, struct fann *theirs, int rows,
                    mdg_rng *rng) {
    const uint32_t n_in = midge_net_fixed_n_inputs(ours);
    const uint32_t n_out = midge_net_fixed_n_outputs(ours);
    const int32_t one = (int32_t)fann_get_multiplier(theirs);
    int32_t x[16], y[16];
    int32_t *workspace = malloc(midge_net_fixed_workspace_bytes(ours));
    assert_non_null(workspace);
    assert_int_equal(n_in, fann_get_num_input(theirs));
    assert_int_equal(n_out, fann_get_num_output(theirs));
    assert_int_equal(midge_net_fixed_decimal_point(ours),
                     fann_get_decimal_point(theirs));
    for (int row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < n_in; i++) {
            x[i] = (int32_t)((float)one * between(rng, -1.0f, 1.0f));
        }
        const int *want = fann_run(theirs, x);
        assert_int_equal(midge_net_fixed_run(ours, x, y, workspace), MIDGE_OK);
        for (uint32_t j = 0; j < n_out; j++) {
            if (y[j] != want[j]) {
                fail_msg("row %d output %u: %d, FANN %d (one is %d)", row, j,
                         y[j], want[j], one);
            }
        }
    }
    free(workspace);
}

/* A network of ours as a fixed-point file, run by both. */
static void compare_net(const midge_env *env, const midge_net *net,
                        uint32_t point, mdg_rng *rng) {
    midge_buf buf;
    midge_error err = {.status = MIDGE_OK};
    midge_buf_init(&buf, env, 0);
    if (midge_net_write_fann_fixed(net, NULL, &point, &buf, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    const char *file = temp_dir_file(&dir, path);
    write_whole(file, buf.data, buf.size);
    struct fann *theirs = fann_create_from_file(file);
    assert_non_null(theirs);
    midge_net_fixed *ours = load(env, buf.data, buf.size);
    compare(ours, theirs, 200 / TEST_SHARE, rng);
    midge_net_fixed_free(ours);
    fann_destroy(theirs);
    midge_buf_deinit(&buf);
}

static const midge_activation fixed_kinds[] = {
    MIDGE_ACT_LINEAR,
    MIDGE_ACT_THRESHOLD,
    MIDGE_ACT_THRESHOLD_SYMMETRIC,
    MIDGE_ACT_SIGMOID,
    MIDGE_ACT_SIGMOID_STEPWISE,
    MIDGE_ACT_SIGMOID_SYMMETRIC,
    MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE,
    MIDGE_ACT_LINEAR_PIECE,
    MIDGE_ACT_LINEAR_PIECE_SYMMETRIC,
};
#define FIXED_KINDS ((int)(sizeof fixed_kinds / sizeof fixed_kinds[0]))

/* Weights small and large, so that the decimal point FANN chooses is 15 and
 * less. */
static void every_activation(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    mdg_rng rng;
    mdg_rng_seed(&rng, 21);
    for (int a = 0; a < FIXED_KINDS; a++) {
        for (int kind = 0; kind < NET_KINDS; kind++) {
            for (float range = 0.1f; range < 3000.0f; range *= 5.0f) {
                midge_net *net = make_net(&t.env, (enum net_kind)kind,
                                          fixed_kinds[a], fixed_kinds[a], 3);
                assert_int_equal(midge_net_init_weights(net, MIDGE_INIT_UNIFORM,
                                                        range, (uint64_t)a),
                                 MIDGE_OK);
                compare_net(&t.env, net, 0, &rng);
                midge_net_free(net);
            }
        }
    }
    assert_int_equal(t.held_bytes, 0);
}

/* Units of all kinds and steepnesses next to each other. */
static void mixed_units(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    mdg_rng rng;
    mdg_rng_seed(&rng, 22);
    for (int round = 0; round < 20; round++) {
        midge_net *net =
            make_net(&t.env, (enum net_kind)(round % NET_KINDS),
                     MIDGE_ACT_SIGMOID, MIDGE_ACT_SIGMOID, (uint64_t)round);
        for (uint32_t l = 0; l < net->n_layers; l++) {
            for (uint32_t j = 0; j < net->layers[l].n_out; j++) {
                const int pick = (int)(mdg_rng_float(&rng) * FIXED_KINDS);
                assert_int_equal(
                    midge_net_set_activation(net, l, j, fixed_kinds[pick],
                                             between(&rng, 0.05f, 3.0f), NULL),
                    MIDGE_OK);
            }
        }
        compare_net(&t.env, net, 0, &rng);
        midge_net_free(net);
    }
    assert_int_equal(t.held_bytes, 0);
}

/* The curves of every decimal point, those with overflowing ends too; beyond 21
 * bits FANN's settings have no room. */
static void every_decimal_point(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    mdg_rng rng;
    mdg_rng_seed(&rng, 23);
    for (uint32_t point = 1; point <= 21; point++) {
        for (int a = 3; a <= 6; a++) {
            midge_net *net = make_net(&t.env, NET_LAYERS, (midge_activation)a,
                                      (midge_activation)a, point);
            for (uint32_t l = 0; l < net->n_layers; l++) {
                const float steepness =
                    1.0f / (float)(1u << (point < 3 ? point : 3));
                assert_int_equal(midge_net_set_activation(
                                     net, l, MIDGE_NET_ALL_UNITS,
                                     (midge_activation)a, steepness, NULL),
                                 MIDGE_OK);
            }
            compare_net(&t.env, net, point, &rng);
            midge_net_free(net);
        }
    }
    assert_int_equal(t.held_bytes, 0);
}

/* What FANN's fixed-point library makes of its own. */
static void files_of_theirs(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    mdg_rng rng;
    mdg_rng_seed(&rng, 24);
    static const unsigned sizes[] = {6, 5, 4, 2};
    for (int kind = 0; kind < 3; kind++) {
        struct fann *theirs = kind == 0 ? fann_create_standard_array(4, sizes)
                              : kind == 1
                                  ? fann_create_shortcut_array(4, sizes)
                                  : fann_create_sparse_array(0.5f, 4, sizes);
        fann_randomize_weights(theirs, -300, 300);
        const char *file = temp_dir_file(&dir, path);
        assert_int_equal(fann_save(theirs, file), 0);
        size_t size;
        char *bytes = read_whole(file, &size);
        midge_net_fixed *ours = load(&t.env, bytes, size);
        compare(ours, theirs, 100, &rng);
        midge_net_fixed_free(ours);
        free(bytes);
        fann_destroy(theirs);
    }
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_activation),
        cmocka_unit_test(mixed_units),
        cmocka_unit_test(every_decimal_point),
        cmocka_unit_test(files_of_theirs),
    };
    return cmocka_run_group_tests(tests, set_up_dir, tear_down_dir);
}
