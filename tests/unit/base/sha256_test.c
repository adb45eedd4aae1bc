/* sha256_test.c: the vectors of FIPS 180, and streamed against one call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "midge/hash.h"

static void hashes_the_published_messages(void **state) {
    static const struct {
        const char *message;
        const char *hex;
    } vectors[] = {
        {"",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijkl"
         "mnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    char hex[MIDGE_SHA256_HEX];
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        midge_sha256_hex(vectors[i].message, strlen(vectors[i].message), hex);
        assert_string_equal(hex, vectors[i].hex);
    }
}

static void finish(midge_sha256 *hash, char hex[MIDGE_SHA256_HEX]) {
    uint8_t digest[MIDGE_SHA256_BYTES];
    midge_sha256_final(hash, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
}

static void hashes_a_million_letters(void **state) {
    char piece[1000];
    char hex[MIDGE_SHA256_HEX];
    midge_sha256 hash;
    (void)state;
    memset(piece, 'a', sizeof piece);
    midge_sha256_init(&hash);
    for (int i = 0; i < 1000; i++) {
        midge_sha256_update(&hash, piece, sizeof piece);
    }
    finish(&hash, hex);
    assert_string_equal(
        hex,
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Each length up to 200 bytes, so that padding meets every place of a block;
 * the hash of their hashes was made with another implementation. */
static void pads_every_length(void **state) {
    uint8_t message[200];
    char hex[MIDGE_SHA256_HEX];
    midge_sha256 all;
    (void)state;
    midge_sha256_init(&all);
    for (size_t size = 0; size <= sizeof message; size++) {
        midge_sha256_hex(message, size, hex);
        midge_sha256_update(&all, hex, 64);
        if (size < sizeof message) {
            message[size] = (uint8_t)(size * 7 + 1);
        }
    }
    finish(&all, hex);
    assert_string_equal(
        hex,
        "2e4a3cd5a1498d68dbe42f5114a172594576fa45febce02f5d6ad8863181bef0");
}

/* Every length over two blocks and a bit, split into three at every place near
 * the edges of blocks and at random ones. */
static void streams_as_in_one_call(void **state) {
    uint8_t message[200];
    char whole[MIDGE_SHA256_HEX];
    char parts[MIDGE_SHA256_HEX];
    mdg_rng rng;
    (void)state;
    mdg_rng_seed(&rng, 1);
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] = (uint8_t)mdg_rng_next(&rng);
    }
    for (size_t size = 0; size <= sizeof message; size++) {
        midge_sha256_hex(message, size, whole);
        for (size_t split = 0; split <= size; split++) {
            size_t rest = size - split;
            size_t second = mdg_rng_below(&rng, (uint32_t)rest + 1);
            midge_sha256 hash;
            midge_sha256_init(&hash);
            midge_sha256_update(&hash, message, split);
            midge_sha256_update(&hash, NULL, 0);
            midge_sha256_update(&hash, message + split, second);
            midge_sha256_update(&hash, message + split + second, rest - second);
            finish(&hash, parts);
            assert_string_equal(parts, whole);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_the_published_messages),
        cmocka_unit_test(hashes_a_million_letters),
        cmocka_unit_test(pads_every_length),
        cmocka_unit_test(streams_as_in_one_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
