/* fuzz_net_int8.c: any bytes as a file of a quantised network whose checksum
 * fits. What is read must be written as the very same bytes, and run without
 * leaving its workspace. */
#include "fuzz_support.h"

#include "base/bytes.h"
#include "midge/nn_quant.h"

static void write_again(const midge_env *env, const midge_net_int8 *net,
                        const void *bytes, size_t size) {
    midge_buf buf;
    midge_buf_init(&buf, env, 0);
    FUZZ_CHECK(midge_net_int8_write(net, &buf) == MIDGE_OK);
    FUZZ_CHECK(buf.size == size && memcmp(buf.data, bytes, size) == 0);
    midge_buf_deinit(&buf);
}

static void run(const midge_net_int8 *net) {
    const size_t bytes = midge_net_int8_workspace_bytes(net, 1);
    float *x = calloc(midge_net_int8_n_inputs(net), sizeof *x);
    float *y = calloc(midge_net_int8_n_outputs(net), sizeof *y);
    void *workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
    FUZZ_CHECK(x && y && workspace);
    FUZZ_CHECK(midge_net_int8_run(net, 1, x, y, workspace) == MIDGE_OK);
    free(x);
    free(y);
    free(workspace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_error err = {0};
    midge_net_int8 *net = NULL;
    if (size < 4) {
        return 0;
    }
    uint8_t *bytes = malloc(size);
    FUZZ_CHECK(bytes != NULL);
    memcpy(bytes, data, size);
    mdg_store_u32(bytes + size - 4, mdg_crc32c(0, bytes, size - 4));
    midge_status s = midge_net_int8_read(&env, bytes, size, &net, &err);
    fuzz_check_error(s, &err);
    FUZZ_CHECK((s == MIDGE_OK) == (net != NULL));
    if (net) {
        write_again(&env, net, bytes, size);
        run(net);
        midge_net_int8_free(net);
    }
    free(bytes);
    return 0;
}
