/* test_env.h: a midge_env for tests: counts what is held, checks the sizes that
 * are given back, and can let the n-th allocation fail.
 *
 *     struct test_env t;
 *     test_env_init(&t);
 *     ... use &t.env ...
 *     assert_int_equal(t.held_bytes, 0);
 *
 * The allocation sweep: for n = 1, 2, ... set t.fail_at = n, run; stop when a
 * run ends with t.calls < n. Every run must end with MIDGE_OK or MIDGE_E_NOMEM
 * and nothing held.
 */
#ifndef TEST_ENV_H
#define TEST_ENV_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "midge/env.h"

struct test_env {
    midge_env env;
    size_t held_bytes;
    size_t peak_bytes;
    long calls;   /* allocations and growths so far */
    long fail_at; /* this call fails; 0: none */
};

/* The block starts 64 bytes behind a header that remembers its size, so that a
 * wrong old_bytes ends the test. */
static inline void *test_env_realloc(void *ctx, void *block, size_t old_bytes,
                                     size_t new_bytes) {
    struct test_env *t = ctx;
    size_t *head = block ? (size_t *)(void *)((char *)block - 64) : NULL;
    if (head && head[0] != old_bytes) {
        abort();
    }
    if (new_bytes == 0) {
        t->held_bytes -= old_bytes;
        free(head);
        return NULL;
    }
    t->calls++;
    if (t->fail_at != 0 && t->calls == t->fail_at) {
        return NULL;
    }
    size_t *fresh = aligned_alloc(64, (64 + new_bytes + 63) / 64 * 64);
    if (!fresh) {
        return NULL;
    }
    fresh[0] = new_bytes;
    char *out = (char *)fresh + 64;
    memset(out, 0xA5, new_bytes); /* nobody may count on zeros */
    if (head) {
        memcpy(out, block, old_bytes < new_bytes ? old_bytes : new_bytes);
        free(head);
    }
    t->held_bytes += new_bytes - old_bytes;
    if (t->held_bytes > t->peak_bytes) {
        t->peak_bytes = t->held_bytes;
    }
    return out;
}

static inline void test_env_init(struct test_env *t) {
    memset(t, 0, sizeof *t);
    t->env.realloc_fn = test_env_realloc;
    t->env.alloc_ctx = t;
}

#endif
