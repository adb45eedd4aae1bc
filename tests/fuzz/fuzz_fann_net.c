/* fuzz_fann_net.c: any bytes as FANN's network file. What is read is written,
 * and the second reading and writing change nothing. A fixed-point network that
 * is taken is run. */
#include "fuzz_support.h"
#include "midge/nn_exchange.h"
#include "midge/nn_quant.h"

static void run_fixed(const midge_env *env, const uint8_t *data, size_t size) {
    midge_net_fixed *net = NULL;
    midge_error err = {0};
    fuzz_check_error(midge_net_fixed_read_fann(env, data, size, &net, &err),
                     &err);
    if (net) {
        int32_t *x = calloc(midge_net_fixed_n_inputs(net), sizeof *x);
        int32_t *y = calloc(midge_net_fixed_n_outputs(net), sizeof *y);
        void *workspace = malloc(midge_net_fixed_workspace_bytes(net));
        FUZZ_CHECK(x && y && workspace);
        for (uint32_t i = 0; i < midge_net_fixed_n_inputs(net); i++) {
            x[i] = (int32_t)(2654435761u * (i + 1));
        }
        FUZZ_CHECK(midge_net_fixed_run(net, x, y, workspace) == MIDGE_OK);
        free(x);
        free(y);
        free(workspace);
    }
    midge_net_fixed_free(net);
}

static midge_net *read_net(const midge_env *env, const void *bytes, size_t size,
                           midge_fann_settings *settings) {
    midge_net *net = NULL;
    midge_error err = {0};
    fuzz_check_error(
        midge_net_read_fann(env, bytes, size, &net, settings, &err), &err);
    return net;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_fann_settings settings;
    run_fixed(&env, data, size);
    midge_net *net = read_net(&env, data, size, &settings);
    if (net) {
        midge_buf once, again;
        midge_buf_init(&once, &env, 0);
        midge_buf_init(&again, &env, 0);
        FUZZ_CHECK(midge_net_write_fann(net, &settings, &once, NULL) ==
                   MIDGE_OK);
        midge_net *back = read_net(&env, once.data, once.size, &settings);
        FUZZ_CHECK(back != NULL);
        FUZZ_CHECK(midge_net_write_fann(back, &settings, &again, NULL) ==
                   MIDGE_OK);
        FUZZ_CHECK(once.size == again.size &&
                   memcmp(once.data, again.data, once.size) == 0);
        midge_net_free(back);
        midge_buf_deinit(&once);
        midge_buf_deinit(&again);
    }
    midge_net_free(net);
    return 0;
}
