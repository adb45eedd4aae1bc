/* fuzz_net_json.c: any bytes as a network in JSON. What is read is written, and
 * the second reading and writing change nothing. */
#include "fuzz_support.h"
#include "midge/nn_exchange.h"

static midge_net *read_net(const midge_env *env, const char *text,
                           size_t size) {
    midge_net *net = NULL;
    midge_error err = {0};
    fuzz_check_error(midge_net_read_json(env, text, size, &net, &err), &err);
    return net;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_net *net = read_net(&env, (const char *)data, size);
    if (net) {
        midge_buf once, again;
        midge_buf_init(&once, &env, 0);
        midge_buf_init(&again, &env, 0);
        FUZZ_CHECK(midge_net_write_json(net, &once) == MIDGE_OK);
        midge_net *back = read_net(&env, once.data, once.size);
        FUZZ_CHECK(back != NULL);
        FUZZ_CHECK(midge_net_write_json(back, &again) == MIDGE_OK);
        FUZZ_CHECK(once.size == again.size &&
                   memcmp(once.data, again.data, once.size) == 0);
        midge_net_free(back);
        midge_buf_deinit(&once);
        midge_buf_deinit(&again);
    }
    midge_net_free(net);
    return 0;
}
