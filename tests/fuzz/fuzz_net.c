/* fuzz_net.c: any bytes as a network file whose checksum fits. What is read
 * must be written as the very same bytes, and run without leaving its
 * workspace. */
#include "fuzz_support.h"

static uint32_t crc32c(const uint8_t *bytes, size_t size) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0x82F63B78u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

static void write_again(const midge_env *env, const midge_net *net,
                        const void *bytes, size_t size) {
    midge_buf buf;
    midge_buf_init(&buf, env, 0);
    FUZZ_CHECK(midge_net_write(net, &buf) == MIDGE_OK);
    FUZZ_CHECK(buf.size == size && memcmp(buf.data, bytes, size) == 0);
    midge_buf_deinit(&buf);
}

static void run(const midge_net *net) {
    float *x = calloc(midge_net_n_inputs(net), sizeof *x);
    float *y = calloc(midge_net_n_outputs(net), sizeof *y);
    void *workspace = aligned_alloc(64, midge_net_workspace_bytes(net, 1));
    FUZZ_CHECK(x && y && workspace);
    FUZZ_CHECK(midge_net_run(net, 1, x, y, workspace) == MIDGE_OK);
    free(x);
    free(y);
    free(workspace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_error err = {0};
    midge_net *net = NULL;
    if (size < 4) {
        return 0;
    }
    uint8_t *bytes = malloc(size);
    FUZZ_CHECK(bytes != NULL);
    memcpy(bytes, data, size);
    uint32_t crc = crc32c(bytes, size - 4);
    for (size_t i = 0; i < 4; i++) {
        bytes[size - 4 + i] = (uint8_t)(crc >> (8 * i));
    }
    midge_status s = midge_net_read(&env, bytes, size, &net, &err);
    fuzz_check_error(s, &err);
    FUZZ_CHECK((s == MIDGE_OK) == (net != NULL));
    if (net) {
        write_again(&env, net, bytes, size);
        run(net);
        midge_net_free(net);
    }
    free(bytes);
    return 0;
}
