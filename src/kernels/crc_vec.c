/* crc_vec.c: CRC-32C by the instruction of SSE4.2.
 *
 * The instruction takes eight bytes and a result waits three cycles, but one
 * can begin in each cycle: a block is three streams side by side (Gopal et al.,
 * "Fast CRC computation for iSCSI polynomial using CRC32 instruction", Intel,
 * 2011). What comes before a stream is moved over it by tables: the register is
 * linear in its eight nibbles. */
#include "kernels/vec.h"

#if defined(__SSE4_2__)

#define STREAM 1360 /* three are 16 bytes less than a block of a file */

/* The register n 16^k after STREAM zero bytes. */
static const uint32_t moved[8][16] = {
    {0x00000000, 0x79113270, 0xf22264e0, 0x8b335690, 0xe1a8bf31, 0x98b98d41,
     0x138adbd1, 0x6a9be9a1, 0xc6bd0893, 0xbfac3ae3, 0x349f6c73, 0x4d8e5e03,
     0x2715b7a2, 0x5e0485d2, 0xd537d342, 0xac26e132},
    {0x00000000, 0x889667d7, 0x14c0b95f, 0x9c56de88, 0x298172be, 0xa1171569,
     0x3d41cbe1, 0xb5d7ac36, 0x5302e57c, 0xdb9482ab, 0x47c25c23, 0xcf543bf4,
     0x7a8397c2, 0xf215f015, 0x6e432e9d, 0xe6d5494a},
    {0x00000000, 0xa605caf8, 0x49e7e301, 0xefe229f9, 0x93cfc602, 0x35ca0cfa,
     0xda282503, 0x7c2deffb, 0x2273faf5, 0x8476300d, 0x6b9419f4, 0xcd91d30c,
     0xb1bc3cf7, 0x17b9f60f, 0xf85bdff6, 0x5e5e150e},
    {0x00000000, 0x44e7f5ea, 0x89cfebd4, 0xcd281e3e, 0x1673a159, 0x529454b3,
     0x9fbc4a8d, 0xdb5bbf67, 0x2ce742b2, 0x6800b758, 0xa528a966, 0xe1cf5c8c,
     0x3a94e3eb, 0x7e731601, 0xb35b083f, 0xf7bcfdd5},
    {0x00000000, 0x59ce8564, 0xb39d0ac8, 0xea538fac, 0x62d66361, 0x3b18e605,
     0xd14b69a9, 0x8885eccd, 0xc5acc6c2, 0x9c6243a6, 0x7631cc0a, 0x2fff496e,
     0xa77aa5a3, 0xfeb420c7, 0x14e7af6b, 0x4d292a0f},
    {0x00000000, 0x8eb5fb75, 0x1887801b, 0x96327b6e, 0x310f0036, 0xbfbafb43,
     0x2988802d, 0xa73d7b58, 0x621e006c, 0xecabfb19, 0x7a998077, 0xf42c7b02,
     0x5311005a, 0xdda4fb2f, 0x4b968041, 0xc5237b34},
    {0x00000000, 0xc43c00d8, 0x8d947741, 0x49a87799, 0x1ec49873, 0xdaf898ab,
     0x9350ef32, 0x576cefea, 0x3d8930e6, 0xf9b5303e, 0xb01d47a7, 0x7421477f,
     0x234da895, 0xe771a84d, 0xaed9dfd4, 0x6ae5df0c},
    {0x00000000, 0x7b1261cc, 0xf624c398, 0x8d36a254, 0xe9a5f1c1, 0x92b7900d,
     0x1f813259, 0x64935395, 0xd6a79573, 0xadb5f4bf, 0x208356eb, 0x5b913727,
     0x3f0264b2, 0x4410057e, 0xc926a72a, 0xb234c6e6},
};

static uint32_t move_over_stream(uint32_t crc) {
    uint32_t out = 0;
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) {
        out ^= moved[k][crc >> 4 * k & 15];
    }
    return out;
}

INLINE uint64_t step(uint64_t crc, const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return _mm_crc32_u64(crc, word);
}

uint32_t NAME(crc32c)(uint32_t crc, const void *bytes, size_t size) {
    const uint8_t *b = bytes;
    uint64_t sum = ~crc;
    for (; size >= 3 * STREAM; b += 3 * STREAM, size -= 3 * STREAM) {
        uint64_t second = 0, third = 0;
        for (size_t i = 0; i < STREAM; i += 8) {
            sum = step(sum, b + i);
            second = step(second, b + STREAM + i);
            third = step(third, b + 2 * STREAM + i);
        }
        sum = move_over_stream((uint32_t)sum) ^ second;
        sum = move_over_stream((uint32_t)sum) ^ third;
    }
    for (; size >= 8; b += 8, size -= 8) {
        sum = step(sum, b);
    }
    for (; size > 0; b++, size--) {
        sum = _mm_crc32_u8((uint32_t)sum, *b);
    }
    return ~(uint32_t)sum;
}

#else
#include "kernels/crc_nibbles.h"

uint32_t NAME(crc32c)(uint32_t crc, const void *bytes, size_t size) {
    return ~crc_by_nibbles(~crc, bytes, size);
}
#endif
