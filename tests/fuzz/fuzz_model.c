/* fuzz_model.c: any bytes as a net, encoder, model or bundle file. The formats
 * end with a CRC-32C of what comes before; it is put there, so that the fuzzer
 * gets past the check that guards against accidents only. */
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

static void read_all(const midge_env *env, const void *bytes, size_t size) {
    midge_error err = {0};
    midge_net *net = NULL;
    fuzz_check_error(midge_net_read(env, bytes, size, &net, &err), &err);
    midge_net_free(net);
    midge_encoder *encoder = NULL;
    fuzz_check_error(midge_encoder_read(env, bytes, size, &encoder, &err),
                     &err);
    midge_encoder_free(encoder);
    midge_model *model = NULL;
    fuzz_check_error(midge_model_read(env, bytes, size, &model, &err), &err);
    midge_model_free(model);
    fuzz_check_error(
        midge_bundle_read(env, bytes, size, &encoder, &model, &err), &err);
    midge_encoder_free(encoder);
    midge_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    uint8_t *bytes = malloc(size + 4);
    FUZZ_CHECK(bytes != NULL);
    memcpy(bytes, data, size);
    uint32_t crc = crc32c(data, size);
    for (int i = 0; i < 4; i++) {
        bytes[size + (size_t)i] = (uint8_t)(crc >> (8 * i));
    }
    read_all(&env, bytes, size);
    read_all(&env, bytes, size + 4);
    free(bytes);
    return 0;
}
