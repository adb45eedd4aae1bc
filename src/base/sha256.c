/* sha256.c: FIPS 180-4, section 6.2, with its letters. */
#include "midge/hash.h"

#include <string.h>

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, int n) {
    return (x >> n) | (x << (32 - n));
}

static uint32_t big_endian(const uint8_t *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
           (uint32_t)b[3];
}

static void schedule(uint32_t w[64], const uint8_t *block) {
    for (int t = 0; t < 16; t++) {
        w[t] = big_endian(block + 4 * t);
    }
    for (int t = 16; t < 64; t++) {
        uint32_t x = w[t - 15];
        uint32_t y = w[t - 2];
        uint32_t s0 = rotr(x, 7) ^ rotr(x, 18) ^ (x >> 3);
        uint32_t s1 = rotr(y, 17) ^ rotr(y, 19) ^ (y >> 10);
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
}

/* One round; kw is K[t] + w[t]. The letters are not moved: each call below
 * names them one place further, and only d and h change. */
static inline void turn(uint32_t a, uint32_t b, uint32_t c, uint32_t *d,
                        uint32_t e, uint32_t f, uint32_t g, uint32_t *h,
                        uint32_t kw) {
    uint32_t S1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
    uint32_t S0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
    uint32_t ch = g ^ (e & (f ^ g));
    uint32_t maj = (a & b) | (c & (a | b));
    uint32_t t1 = *h + S1 + ch + kw;
    *d += t1;
    *h = t1 + S0 + maj;
}

static void compress(uint32_t state[8], const uint8_t *block) {
    uint32_t w[64];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    schedule(w, block);
    for (int t = 0; t < 64; t += 8) {
        const uint32_t *k = K + t;
        const uint32_t *x = w + t;
        turn(a, b, c, &d, e, f, g, &h, k[0] + x[0]);
        turn(h, a, b, &c, d, e, f, &g, k[1] + x[1]);
        turn(g, h, a, &b, c, d, e, &f, k[2] + x[2]);
        turn(f, g, h, &a, b, c, d, &e, k[3] + x[3]);
        turn(e, f, g, &h, a, b, c, &d, k[4] + x[4]);
        turn(d, e, f, &g, h, a, b, &c, k[5] + x[5]);
        turn(c, d, e, &f, g, h, a, &b, k[6] + x[6]);
        turn(b, c, d, &e, f, g, h, &a, k[7] + x[7]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

void midge_sha256_init(midge_sha256 *hash) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                      0xa54ff53a, 0x510e527f, 0x9b05688c,
                                      0x1f83d9ab, 0x5be0cd19};
    memcpy(hash->state, start, sizeof start);
    hash->size_bytes = 0;
}

void midge_sha256_update(midge_sha256 *hash, const void *bytes, size_t size) {
    if (size == 0) {
        return; /* `bytes` may be NULL then */
    }
    const uint8_t *at = bytes;
    size_t held = (size_t)(hash->size_bytes % 64);
    hash->size_bytes += size;
    if (held > 0) {
        size_t take = 64 - held < size ? 64 - held : size;
        memcpy(hash->block + held, at, take);
        at += take;
        size -= take;
        if (held + take < 64) {
            return;
        }
        compress(hash->state, hash->block);
    }
    for (; size >= 64; at += 64, size -= 64) {
        compress(hash->state, at);
    }
    if (size > 0) {
        memcpy(hash->block, at, size);
    }
}

void midge_sha256_final(midge_sha256 *hash,
                        uint8_t digest[MIDGE_SHA256_BYTES]) {
    static const uint8_t padding[64] = {0x80};
    uint64_t bits = hash->size_bytes * 8;
    size_t held = (size_t)(hash->size_bytes % 64);
    midge_sha256_update(hash, padding, held < 56 ? 56 - held : 120 - held);
    uint8_t length[8];
    for (int i = 0; i < 8; i++) {
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    midge_sha256_update(hash, length, sizeof length);
    for (int i = 0; i < 32; i++) {
        digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void midge_sha256_hex(const void *bytes, size_t size,
                      char hex[MIDGE_SHA256_HEX]) {
    midge_sha256 hash;
    uint8_t digest[MIDGE_SHA256_BYTES];
    midge_sha256_init(&hash);
    midge_sha256_update(&hash, bytes, size);
    midge_sha256_final(&hash, digest);
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[64] = '\0';
}
