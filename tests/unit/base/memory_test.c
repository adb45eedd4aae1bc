/* memory_test.c: sizes that overflow, and the maximum, growth and failure of
 * arena and buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "midge/buf.h"
#include "test_env.h"

static void multiplies_or_refuses(void **state) {
    static const size_t edges[] = {0,
                                   1,
                                   2,
                                   3,
                                   7,
                                   SIZE_MAX / 3,
                                   SIZE_MAX / 2,
                                   SIZE_MAX / 2 + 1,
                                   SIZE_MAX - 1,
                                   SIZE_MAX,
                                   (size_t)1 << 31,
                                   (size_t)1 << 32,
                                   ((size_t)1 << 32) - 1};
    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        for (size_t j = 0; j < sizeof edges / sizeof edges[0]; j++) {
            size_t wanted, product;
            int fits = !__builtin_mul_overflow(edges[i], edges[j], &wanted);
            assert_int_equal(mdg_multiply_size(edges[i], edges[j], &product),
                             fits);
            assert_true(product == (fits ? wanted : 0));
        }
    }
}

static void allocates_nothing_that_overflows(void **state) {
    struct test_env t;
    (void)state;
    test_env_init(&t);
    assert_null(mdg_alloc(&t.env, SIZE_MAX / 4 + 1, 8));
    assert_null(mdg_alloc_zero(&t.env, SIZE_MAX / 4 + 1, 8));
    assert_null(mdg_alloc(&t.env, 0, 8));
    assert_null(mdg_alloc(&t.env, 8, 0));
    assert_int_equal(t.calls, 0);
    uint8_t *block = mdg_alloc_zero(&t.env, 10, 3);
    assert_non_null(block);
    for (size_t i = 0; i < 30; i++) {
        assert_int_equal(block[i], 0);
        block[i] = (uint8_t)i;
    }
    assert_null(mdg_resize(&t.env, block, 10, SIZE_MAX / 3 + 1, 3));
    t.fail_at = t.calls + 1;
    assert_null(mdg_resize(&t.env, block, 10, 20, 3));
    block = mdg_resize(&t.env, block, 10, 20, 3);
    assert_non_null(block);
    for (size_t i = 0; i < 30; i++) {
        assert_int_equal(block[i], i);
    }
    mdg_release(&t.env, block, 20, 3);
    mdg_release(&t.env, NULL, 20, 3);
    assert_int_equal(t.held_bytes, 0);
}

/* What an arena hands out is aligned, and no piece touches another. */
static void arena_pieces_are_apart(void **state) {
    enum { PIECES = 3000 };
    static unsigned char *pieces[PIECES];
    static size_t sizes[PIECES];
    struct test_env t;
    midge_arena arena;
    mdg_rng rng;
    size_t sum = 0;
    (void)state;
    test_env_init(&t);
    mdg_rng_seed(&rng, 3);
    midge_arena_init(&arena, &t.env, 0);
    for (size_t i = 0; i < PIECES; i++) {
        sizes[i] = mdg_rng_below(&rng, i % 100 == 0 ? 100000 : 100);
        pieces[i] = midge_arena_alloc(&arena, sizes[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i & 255), sizes[i]);
        sum += (sizes[i] + 15) / 16 * 16;
    }
    assert_true(arena.used_bytes == sum);
    assert_true(t.held_bytes <= 3 * sum); /* blocks grow, but not wildly */
    assert_true(t.calls < 60);
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(pieces[i][k], i & 255);
        }
    }
    midge_arena_deinit(&arena);
    midge_arena_deinit(&arena);
    assert_int_equal(t.held_bytes, 0);
    assert_non_null(midge_arena_copy(&arena, "again", 5));
    midge_arena_deinit(&arena);
    assert_int_equal(t.held_bytes, 0);
}

/* Has no memory, and remembers the smallest wish. */
static void *refuse(void *ctx, void *block, size_t old_bytes,
                    size_t new_bytes) {
    size_t *smallest = ctx;
    assert_null(block);
    assert_int_equal(old_bytes, 0);
    *smallest = new_bytes < *smallest ? new_bytes : *smallest;
    return NULL;
}

/* The allocator is asked for what is large and true, or not at all, but never
 * for what wrapped around to something small. */
static void arena_refuses_huge_sizes(void **state) {
    (void)state;
    for (size_t below = 0; below < 200; below++) {
        size_t smallest = SIZE_MAX;
        midge_env env = {.realloc_fn = refuse, .alloc_ctx = &smallest};
        midge_arena arena;
        midge_arena_init(&arena, &env, SIZE_MAX);
        assert_null(midge_arena_alloc(&arena, SIZE_MAX - below));
        assert_null(midge_arena_copy(&arena, "", SIZE_MAX - below));
        assert_true(smallest >= SIZE_MAX - below);
        midge_arena_deinit(&arena);
    }
}

static void arena_has_a_maximum(void **state) {
    (void)state;
    for (size_t piece = 0; piece < 200; piece++) {
        struct test_env t;
        midge_arena arena;
        size_t taken = 0;
        test_env_init(&t);
        midge_arena_init(&arena, &t.env, 10000);
        while (taken < 2000 && midge_arena_alloc(&arena, piece)) {
            taken++;
        }
        if (piece == 0) {
            assert_int_equal(taken, 2000);
        } else {
            assert_int_equal(taken, 10000 / ((piece + 15) / 16 * 16));
        }
        assert_null(midge_arena_alloc(&arena, 10001));
        assert_true(arena.used_bytes <= 10000);
        midge_arena_deinit(&arena);
        assert_int_equal(t.held_bytes, 0);
    }
}

static void arena_survives_no_memory(void **state) {
    (void)state;
    for (long n = 1; n < 12; n++) {
        struct test_env t;
        midge_arena arena;
        int failed = 0;
        test_env_init(&t);
        t.fail_at = n;
        midge_arena_init(&arena, &t.env, 0);
        for (int i = 0; i < 40; i++) {
            char *copy = midge_arena_copy(&arena, "0123456789", 10);
            failed += copy == NULL;
            assert_true(!copy || strcmp(copy, "0123456789") == 0);
            failed += midge_arena_alloc(&arena, 700) == NULL;
        }
        assert_int_equal(failed, t.calls >= n);
        midge_arena_deinit(&arena);
        assert_int_equal(t.held_bytes, 0);
    }
}

static void buf_grows_to_its_maximum(void **state) {
    (void)state;
    for (size_t max = 1; max < 700; max += 3) {
        struct test_env t;
        midge_buf buf;
        test_env_init(&t);
        midge_buf_init(&buf, &t.env, max);
        for (size_t i = 0; i < max; i++) {
            char c = (char)i;
            assert_int_equal(midge_buf_append(&buf, &c, 1), MIDGE_OK);
        }
        assert_int_equal(midge_buf_append(&buf, NULL, 0), MIDGE_OK);
        assert_int_equal(buf.status, MIDGE_OK);
        assert_int_equal(midge_buf_terminate(&buf), MIDGE_E_LIMIT);
        assert_int_equal(midge_buf_append(&buf, "x", 1), MIDGE_E_LIMIT);
        assert_int_equal(buf.size, max);
        assert_true(buf.capacity <= max);
        for (size_t i = 0; i < max; i++) {
            assert_int_equal(buf.data[i], (char)i);
        }
        midge_buf_deinit(&buf);
        midge_buf_deinit(&buf);
        assert_int_equal(t.held_bytes, 0);
    }
}

static void buf_remembers_its_first_failure(void **state) {
    struct test_env t;
    midge_buf buf;
    (void)state;
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, 1000);
    assert_int_equal(midge_buf_puts(&buf, "abc"), MIDGE_OK);
    t.fail_at = t.calls + 1;
    static const char zeros[900];
    assert_int_equal(midge_buf_append(&buf, zeros, 900), MIDGE_E_NOMEM);
    assert_int_equal(midge_buf_append(&buf, zeros, SIZE_MAX), MIDGE_E_LIMIT);
    assert_int_equal(midge_buf_reserve(&buf, SIZE_MAX - 2), MIDGE_E_LIMIT);
    assert_int_equal(midge_buf_puts(&buf, "def"), MIDGE_OK);
    assert_int_equal(buf.status, MIDGE_E_NOMEM);
    assert_int_equal(midge_buf_terminate(&buf), MIDGE_OK);
    assert_string_equal(buf.data, "abcdef");
    assert_int_equal(buf.size, 6);
    midge_buf_clear(&buf);
    assert_int_equal(buf.status, MIDGE_OK);
    assert_int_equal(buf.size, 0);
    long calls = t.calls;
    assert_int_equal(midge_buf_append(&buf, zeros, 128), MIDGE_OK);
    assert_int_equal(t.calls, calls); /* the memory was kept */
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
}

static void buf_reserves_once(void **state) {
    struct test_env t;
    midge_buf buf;
    (void)state;
    test_env_init(&t);
    midge_buf_init(&buf, &t.env, SIZE_MAX);
    assert_int_equal(midge_buf_reserve(&buf, 5000), MIDGE_OK);
    t.fail_at = t.calls + 1;
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(midge_buf_append(&buf, "y", 1), MIDGE_OK);
    }
    assert_int_equal(midge_buf_append(&buf, "y", 1), MIDGE_E_NOMEM);
    assert_int_equal(midge_buf_reserve(&buf, SIZE_MAX), MIDGE_E_LIMIT);
    midge_buf_deinit(&buf);
    assert_int_equal(t.held_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiplies_or_refuses),
        cmocka_unit_test(allocates_nothing_that_overflows),
        cmocka_unit_test(arena_pieces_are_apart),
        cmocka_unit_test(arena_refuses_huge_sizes),
        cmocka_unit_test(arena_has_a_maximum),
        cmocka_unit_test(arena_survives_no_memory),
        cmocka_unit_test(buf_grows_to_its_maximum),
        cmocka_unit_test(buf_remembers_its_first_failure),
        cmocka_unit_test(buf_reserves_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
