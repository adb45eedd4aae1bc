/* os_env.c: an env over the C library: aligned memory and the CPU's abilities.
 *
 * Blocks of 64 bytes or more start on a cache line (env.h), so that kernels
 * never straddle lines at the start of a row. C has no aligned realloc: a block
 * that crosses a multiple of 64 is allocated anew and copied.
 *
 * Large blocks ask for large pages: who reads rows of a hundred megabytes in a
 * random order otherwise waits for the translation of addresses at each.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "midge/os.h"

#define LINE_BYTES      64u
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define HUGE_BYTES      (2 * HUGE_PAGE_BYTES) /* blocks from this size on */

/* 0 on overflow, which aligned_alloc is never asked for. */
static size_t whole_lines(size_t bytes) {
    return bytes > SIZE_MAX - LINE_BYTES
               ? 0
               : (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
}

/* That the system has no large pages is no failure. */
static void *huge_block(size_t bytes) {
    void *block = NULL;
    if (posix_memalign(&block, HUGE_PAGE_BYTES, bytes) != 0) {
        return NULL;
    }
#if defined(MADV_HUGEPAGE)
    (void)madvise(block, bytes / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES,
                  MADV_HUGEPAGE);
#endif
    return block;
}

static void *fresh_block(size_t bytes) {
    if (bytes < LINE_BYTES) {
        return malloc(bytes); /* 16 by the ABI */
    }
    size_t rounded = whole_lines(bytes);
    if (rounded == 0) {
        return NULL;
    }
    return rounded < HUGE_BYTES ? aligned_alloc(LINE_BYTES, rounded)
                                : huge_block(rounded);
}

static void *os_realloc(void *ctx, void *block, size_t old_bytes,
                        size_t new_bytes) {
    (void)ctx;
    if (new_bytes == 0) {
        free(block);
        return NULL;
    }
    if (!block) {
        return fresh_block(new_bytes);
    }
    if (old_bytes < LINE_BYTES && new_bytes < LINE_BYTES) {
        return realloc(block, new_bytes);
    }
    if (old_bytes >= LINE_BYTES &&
        whole_lines(old_bytes) == whole_lines(new_bytes)) {
        return block;
    }
    void *fresh = fresh_block(new_bytes);
    if (fresh) {
        memcpy(fresh, block, old_bytes < new_bytes ? old_bytes : new_bytes);
        free(block);
    }
    return fresh;
}

#if defined(__x86_64__)
/* The levels are those that the kernels are compiled for, with all that belongs
 * to them. __builtin_cpu_supports also asks whether the system saves the
 * registers. */
static uint32_t x86_found(void) {
    uint32_t bits = 0;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v2")) {
        bits |= MIDGE_CPU_V2;
    }
    if (__builtin_cpu_supports("x86-64-v3")) {
        bits |= MIDGE_CPU_AVX2;
    }
    if (__builtin_cpu_supports("x86-64-v4")) {
        bits |= MIDGE_CPU_AVX512;
    }
    if ((bits & MIDGE_CPU_AVX512) != 0 &&
        __builtin_cpu_supports("avx512vnni") &&
        __builtin_cpu_supports("avx512vpopcntdq") &&
        __builtin_cpu_supports("avx512bitalg") &&
        __builtin_cpu_supports("avx512vbmi")) {
        bits |= MIDGE_CPU_AVX512ICL;
    }
    return bits;
}
#endif

static uint32_t cpu_found(void) {
#if defined(__x86_64__)
    return x86_found();
#elif defined(__aarch64__)
    return MIDGE_CPU_NEON;
#else
    return 0;
#endif
}

/* What a name in MIDGE_CPU leaves; an unknown name leaves everything. */
static uint32_t cpu_allowed(const char *name) {
    static const struct {
        const char *name;
        uint32_t bits;
    } levels[] = {
        {"scalar", 0},
        {"v2", MIDGE_CPU_V2},
        {"avx2", MIDGE_CPU_V2 | MIDGE_CPU_AVX2},
        {"avx512", MIDGE_CPU_V2 | MIDGE_CPU_AVX2 | MIDGE_CPU_AVX512},
        {"neon", MIDGE_CPU_NEON},
    };
    for (size_t i = 0; name && i < sizeof levels / sizeof *levels; i++) {
        if (strcmp(name, levels[i].name) == 0) {
            return levels[i].bits;
        }
    }
    return UINT32_MAX;
}

midge_env midge_os_env(void) {
    midge_env env = {0};
    env.realloc_fn = os_realloc;
    env.cpu = cpu_found() & cpu_allowed(getenv("MIDGE_CPU"));
    return env;
}
