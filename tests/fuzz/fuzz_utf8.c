/* fuzz_utf8.c: any bytes as UTF-8 against a decoder that shares nothing with
 * ours: it decodes first, and then asks whether the shortest encoding of the
 * code point gives the same bytes. What JSON takes as a string must agree. */
#include "base/utf8.h"
#include "fuzz_support.h"

static size_t encode(uint32_t code, uint8_t out[4]) {
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (uint8_t)((0xF00 >> size) | code);
    return size;
}

static size_t oracle(const uint8_t *s, size_t left) {
    static const uint8_t data_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    for (size_t size = 1; size <= 4 && size <= left; size++) {
        uint8_t again[4];
        uint32_t code = s[0] & data_bits[size];
        for (size_t i = 1; i < size; i++) {
            code = code << 6 | (s[i] & 0x3F);
        }
        if (code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) &&
            encode(code, again) == size && memcmp(s, again, size) == 0) {
            return size;
        }
    }
    return 0;
}

/* The bytes between quotes, those that JSON wants escaped replaced. */
static int json_takes(const uint8_t *data, size_t size) {
    midge_env env = midge_os_env();
    midge_arena arena;
    const midge_json *value;
    char *text = malloc(size + 2);
    FUZZ_CHECK(text);
    text[0] = '"';
    for (size_t i = 0; i < size; i++) {
        int plain = data[i] >= 0x20 && data[i] != '"' && data[i] != '\\';
        text[i + 1] = plain ? (char)data[i] : '.';
    }
    text[size + 1] = '"';
    midge_arena_init(&arena, &env, 0);
    midge_status status = midge_json_read(&arena, text, size + 2, &value, NULL);
    FUZZ_CHECK(status == MIDGE_OK || status == MIDGE_E_PARSE);
    midge_arena_deinit(&arena);
    free(text);
    return status == MIDGE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);
    int valid = 1;
    FUZZ_CHECK(exact);
    memcpy(exact, data, size);
    for (size_t at = 0; at < size;) {
        size_t found = mdg_utf8_size((const char *)exact + at, size - at);
        FUZZ_CHECK(found == oracle(exact + at, size - at));
        valid = valid && found > 0;
        at += found > 0 ? found : 1;
    }
    FUZZ_CHECK(json_takes(exact, size) == valid);
    free(exact);
    return 0;
}
