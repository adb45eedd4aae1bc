/* selftest.c: the corpus behind the promise of equal bits. Freestanding, so
 * that the wasm module runs it in the engine that will compute with it. */
#include "kernels/corpus.h"

#include <string.h>

#define HASH_START 2166136261u
#define HASH_PRIME 16777619u
#define SPECIALS   12

typedef struct part {
    const char *name;
    void (*run)(mdg_corpus *s);
    uint32_t expected;
} part;

#define PART(name, expected) {#name, mdg_corpus_##name, expected},
static const part parts[] = {MDG_CORPUS_PARTS(PART)};
#define PARTS (sizeof parts / sizeof *parts)

void mdg_corpus_add_word(mdg_corpus *s, uint32_t word) {
    s->hash = (s->hash ^ word) * HASH_PRIME;
}

void mdg_corpus_add(mdg_corpus *s, size_t n, const float *x) {
    for (size_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, x + i, sizeof u);
        mdg_corpus_add_word(s, x[i] != x[i] ? 0x7fc00000u : u);
    }
}

void mdg_corpus_add_bytes(mdg_corpus *s, size_t n, const void *bytes) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < n; i++) {
        mdg_corpus_add_word(s, byte[i]);
    }
}

static uint32_t next_seed(mdg_corpus *s) {
    s->seed = s->seed * 1664525u + 1013904223u;
    return s->seed;
}

static float next_value(mdg_corpus *s, float range) {
    return ((float)(next_seed(s) >> 8) * 0x1p-23f - 1.0f) * range;
}

void mdg_corpus_fill(mdg_corpus *s, size_t n, float *x, float range) {
    for (size_t i = 0; i < n; i++) {
        x[i] = next_value(s, range);
    }
}

void mdg_corpus_fill_special(mdg_corpus *s, size_t n, float *x) {
    static const uint32_t special[SPECIALS] = {
        0x00000000u, 0x80000000u, 0x00000001u, 0x807fffffu,
        0x7f800000u, 0xff800000u, 0x7fc00000u, 0x3f800000u,
        0x42b17218u, 0xc2cff1b5u, 0x4b000001u, 0x7f7fffffu};
    for (size_t i = 0; i < n; i++) {
        x[i] = next_value(s, 100.0f);
        if (i % 2 == 1) {
            memcpy(x + i, special + (s->seed >> 16) % SPECIALS, sizeof *x);
        }
    }
}

void mdg_corpus_fill_bytes(mdg_corpus *s, size_t n, void *bytes) {
    unsigned char *byte = bytes;
    for (size_t i = 0; i < n; i++) {
        byte[i] = (unsigned char)(next_seed(s) >> 24);
    }
}

size_t mdg_corpus_count(void) {
    return PARTS;
}

const char *mdg_corpus_name(size_t index) {
    return parts[index].name;
}

uint32_t mdg_corpus_expected(size_t index) {
    return parts[index].expected;
}

uint32_t mdg_corpus_run(const mdg_kernels *k, size_t index, void *scratch) {
    float *x = scratch;
    mdg_corpus s = {.k = k,
                    .a = x,
                    .b = x + MDG_CORPUS_FLOATS,
                    .c = x + 2 * MDG_CORPUS_FLOATS,
                    .d = x + 3 * MDG_CORPUS_FLOATS,
                    .e = x + 4 * MDG_CORPUS_FLOATS,
                    .seed = 2026,
                    .hash = HASH_START};
    parts[index].run(&s);
    return s.hash;
}

uint32_t midge_selftest(const midge_env *env, void *scratch, const char **isa) {
    const mdg_kernels *k = mdg_kernels_select(env->cpu);
    mdg_corpus all = {.hash = HASH_START};
    for (size_t i = 0; i < PARTS; i++) {
        mdg_corpus_add_word(&all, mdg_corpus_run(k, i, scratch));
    }
    if (isa) {
        *isa = k->isa;
    }
    return all.hash;
}
