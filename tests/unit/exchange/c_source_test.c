/* c_source_test.c: networks as C files, compiled by this machine's compiler
 * with its warnings as errors, loaded, and compared with midge_net_run: to 4e-6
 * of what was summed (libm's functions and the order of sums are not ours). */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include <dlfcn.h>

#include "exchange_support.h"
#include "temp_dir.h"

#define TOLERANCE 4e-6f
#define FLAGS                                                                  \
    " -std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow "                \
    "-Wmissing-prototypes -Wdouble-promotion -Werror -O1 -fPIC -shared "
#define PLAIN (MIDGE_ACT_COUNT) /* nets of one activation, then mixed ones */
#define NETS  (MIDGE_ACT_COUNT + 8)

typedef void (*run_fn)(const float *x, float *y);

static struct temp_dir dir;
static struct test_env t;
static midge_net *nets[NETS];

/* Softmax wants the whole output layer, others may stand anywhere. */
static midge_net *one_activation(int a) {
    const midge_activation hidden =
        a == MIDGE_ACT_SOFTMAX ? MIDGE_ACT_RELU : (midge_activation)a;
    return make_net(&t.env, (enum net_kind)(a % NET_KINDS), hidden,
                    (midge_activation)a, (uint64_t)a);
}

static midge_net *mixed(int i) {
    mdg_rng rng;
    mdg_rng_seed(&rng, (uint64_t)i);
    midge_net *net = make_net(&t.env, (enum net_kind)(i % NET_KINDS),
                              MIDGE_ACT_TANH, MIDGE_ACT_LINEAR, (uint64_t)i);
    midge_scaling inputs[5], outputs[3];
    random_scaling(&rng, inputs, 5);
    random_scaling(&rng, outputs, 3);
    assert_int_equal(midge_net_set_scaling(net, i & 1 ? inputs : NULL,
                                           i & 2 ? outputs : NULL),
                     MIDGE_OK);
    for (uint32_t j = 0; j < net->layers[1].n_out; j++) {
        const int a = (int)mdg_rng_below(&rng, MIDGE_ACT_SOFTMAX);
        assert_int_equal(
            midge_net_set_activation(net, 1, j, (midge_activation)a,
                                     between(&rng, 0.3f, 1.5f), NULL),
            MIDGE_OK);
    }
    for (size_t w = 0; w < 4; w++) { /* small, smallest, -0 and whole */
        const float odd[] = {1e-38f, -1e-45f, -0.0f, 2.0f};
        net->weights[w] = net->mask && !net->mask[w] ? 0.0f : odd[w];
    }
    return net;
}

static void write_source(int i) {
    char name[32], file[40];
    midge_buf buf;
    midge_error err = {.status = MIDGE_OK};
    snprintf(name, sizeof name, "net_%d", i);
    snprintf(file, sizeof file, "net_%d.c", i);
    midge_buf_init(&buf, &t.env, 0);
    if (midge_net_write_c(nets[i], name, &buf, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    write_whole(temp_dir_file(&dir, file), buf.data, buf.size);
    midge_buf_deinit(&buf);
}

/* As a caller sees it: scaled, run, unscaled. */
static void run_scaled(const midge_net *net, const float *x, float *y) {
    float scaled[5];
    memcpy(scaled, x, sizeof scaled);
    midge_scaling_apply(midge_net_input_scaling(net), 5, 1, scaled);
    run_row(net, scaled, y);
    midge_scaling_undo(midge_net_output_scaling(net), 3, 1, y);
}

static void compare(int i, run_fn run) {
    mdg_rng rng;
    mdg_rng_seed(&rng, (uint64_t)(i + 1));
    for (int row = 0; row < 50; row++) {
        float x[5], want[3], got[3];
        for (int c = 0; c < 5; c++) {
            x[c] = between(&rng, -3.0f, 3.0f);
        }
        run_scaled(nets[i], x, want);
        run(x, got);
        for (int j = 0; j < 3; j++) {
            const float bound = TOLERANCE * (1.0f + fabsf(want[j]));
            if (!(fabsf(got[j] - want[j]) <= bound)) {
                fail_msg("net %d row %d output %d: %.9g, not %.9g", i, row, j,
                         (double)got[j], (double)want[j]);
            }
        }
    }
}

static void compiled_networks_agree(void **state) {
    (void)state;
    char command[1024];
    snprintf(command, sizeof command, TEST_CC FLAGS "-o %s/nets.so %s/*.c -lm",
             dir.path, dir.path);
    test_env_init(&t);
    for (int i = 0; i < NETS; i++) {
        nets[i] = i < PLAIN ? one_activation(i) : mixed(i);
        write_source(i);
    }
    assert_int_equal(system(command), 0);
    char here[256];
    snprintf(here, sizeof here, "./%s", temp_dir_file(&dir, "nets.so"));
    void *library = dlopen(here, RTLD_NOW);
    if (!library) {
        fail_msg("%s", dlerror());
    }
    for (int i = 0; i < NETS; i++) {
        char symbol[40];
        run_fn run;
        snprintf(symbol, sizeof symbol, "net_%d_run", i);
        *(void **)&run = dlsym(library, symbol);
        assert_non_null(run);
        compare(i, run);
        midge_net_free(nets[i]);
    }
    assert_int_equal(dlclose(library), 0);
    assert_int_equal(t.held_bytes, 0);
}

static void names_are_identifiers(void **state) {
    (void)state;
    test_env_init(&t);
    static const char *const bad[] = {"", "1x", "a-b", "a b", "\xC3\xA4"};
    char longest[65];
    memset(longest, 'a', 64);
    longest[64] = '\0';
    midge_net *net =
        make_net(&t.env, NET_LAYERS, MIDGE_ACT_TANH, MIDGE_ACT_TANH, 1);
    midge_buf buf;
    midge_error err;
    midge_buf_init(&buf, &t.env, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(midge_net_write_c(net, bad[i], &buf, &err),
                         MIDGE_E_INVALID);
        assert_int_equal(buf.size, 0);
    }
    assert_int_equal(midge_net_write_c(net, longest, &buf, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(midge_net_write_c(net, longest + 1, &buf, &err), MIDGE_OK);
    midge_buf_deinit(&buf);
    midge_status status = MIDGE_E_NOMEM;
    for (long n = 1; status != MIDGE_OK; n++) {
        t.calls = 0;
        t.fail_at = n;
        midge_buf_init(&buf, &t.env, 0);
        status = midge_net_write_c(net, "net", &buf, &err);
        midge_buf_deinit(&buf);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        assert_true(n < 100);
    }
    t.fail_at = 0;
    midge_net_free(net);
    assert_int_equal(t.held_bytes, 0);
}

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_networks_agree),
        cmocka_unit_test(names_are_identifiers),
    };
    return cmocka_run_group_tests(tests, set_up_dir, tear_down_dir);
}
