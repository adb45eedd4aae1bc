/* heap_test.c: the allocator of the wasm build, compiled natively over a memory
 * that grows like WebAssembly's and ends. Random histories are checked after
 * every step: the invariants of heap.c, and that no two blocks share a byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Whole, for what is static in it. */
#include "heap.c" /* NOLINT(bugprone-suspicious-include) */

#define MEMORY_PAGES 16u
#define FIRST_PAGES  2u
#define BASE_OFFSET  1000u /* globals and the stack before the heap */
#define BLOCKS       64
#define STEPS        20000

static unsigned char *memory;
static size_t n_pages;

static uintptr_t heap_base(void) {
    return (uintptr_t)memory + BASE_OFFSET;
}

static uintptr_t memory_end(void) {
    return (uintptr_t)memory + n_pages * PAGE;
}

static int memory_grow(size_t pages) {
    if (pages > MEMORY_PAGES - n_pages) {
        return 0;
    }
    n_pages += pages;
    return 1;
}

static int fresh(void **state) {
    (void)state;
    memory = aligned_alloc(PAGE, MEMORY_PAGES * PAGE);
    n_pages = FIRST_PAGES;
    first_free = NULL;
    heap_end = 0;
    used_bytes = 0;
    peak_bytes = 0;
    return memory ? 0 : -1;
}

static int drop(void **state) {
    (void)state;
    free(memory);
    return 0;
}

/* Bytes in the list; fails when the list breaks an invariant. */
static size_t checked_free_bytes(void) {
    size_t total = 0;
    uintptr_t end = 0;
    for (free_block *block = first_free; block; block = block->next) {
        assert_true((uintptr_t)block > end); /* ordered, and never touching */
        assert_int_equal(block->size % GRAIN, 0);
        assert_int_equal((uintptr_t)block % GRAIN, 0);
        assert_true(block->size > 0);
        end = (uintptr_t)block + block->size;
        assert_true(end <= heap_end);
        total += block->size;
    }
    return total;
}

static void check_heap(void) {
    size_t whole = heap_end - round_up(heap_base());
    assert_int_equal(checked_free_bytes() + heap_used_bytes(), whole);
    assert_true(heap_peak_bytes() >= heap_used_bytes());
    assert_int_equal(heap_end, memory_end() - HEAP_TAIL_BYTES);
}

static uint32_t next_random(uint32_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

typedef struct taken {
    unsigned char *at;
    size_t size;
    unsigned char mark;
} taken;

static void check_marks(const taken *b) {
    for (size_t i = 0; i < b->size; i++) {
        assert_int_equal(b->at[i], b->mark);
    }
}

/* Resizes one block, also from and to nothing, and marks all of it. */
static size_t step(taken *b, size_t size, unsigned char mark) {
    unsigned char *at = heap_realloc(NULL, b->at, b->size, size);
    if (!at && size != 0) {
        return 0; /* no room: what was there stays */
    }
    size_t kept = size < b->size ? size : b->size;
    for (size_t i = 0; i < kept; i++) {
        assert_int_equal(at[i], b->mark);
    }
    assert_int_equal((uintptr_t)at % GRAIN, 0);
    b->at = at;
    b->size = size;
    b->mark = mark;
    if (size != 0) {
        memset(at, mark, size);
    }
    return 1;
}

static void random_histories_keep_the_invariants(void **state) {
    (void)state;
    taken blocks[BLOCKS] = {{NULL, 0, 0}};
    uint32_t seed = 7;
    size_t refused = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        taken *b = blocks + next_random(&seed) % BLOCKS;
        size_t most = next_random(&seed) % 10 == 0 ? 200000 : 3000;
        size_t size =
            next_random(&seed) % 3 == 0 ? 0 : next_random(&seed) % most;
        refused += !step(b, size, (unsigned char)i);
        if (heap_end != 0) {
            check_heap();
        }
        check_marks(blocks + next_random(&seed) % BLOCKS);
    }
    assert_true(refused > 10); /* the memory did come to its end */
    assert_int_equal(n_pages, MEMORY_PAGES);
    for (size_t i = 0; i < BLOCKS; i++) {
        check_marks(blocks + i);
        step(blocks + i, 0, 0);
    }
    check_heap();
    assert_int_equal(heap_used_bytes(), 0);
    assert_ptr_equal(first_free, (void *)round_up(heap_base()));
    assert_null(first_free->next); /* all free: one block again */
}

static void neighbours_join_in_any_order(void **state) {
    (void)state;
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t o = 0; o < 6; o++) {
        void *at[3];
        for (size_t i = 0; i < 3; i++) {
            at[i] = heap_realloc(NULL, NULL, 0, 100);
        }
        for (size_t i = 0; i < 3; i++) {
            heap_realloc(NULL, at[orders[o][i]], 100, 0);
            check_heap();
        }
        assert_null(first_free->next);
    }
}

static void grows_only_by_what_is_missing(void **state) {
    (void)state;
    void *small = heap_realloc(NULL, NULL, 0, 64);
    assert_int_equal(n_pages, FIRST_PAGES);
    /* What is free at the end counts: one page more is enough. */
    size_t have = checked_free_bytes();
    void *large = heap_realloc(NULL, NULL, 0, have + 1);
    assert_non_null(large);
    assert_int_equal(n_pages, FIRST_PAGES + 1);
    heap_realloc(NULL, large, have + 1, 0);
    heap_realloc(NULL, small, 64, 0);
    check_heap();
}

static void a_block_that_shrinks_stays_and_frees_its_end(void **state) {
    (void)state;
    unsigned char *at = heap_realloc(NULL, NULL, 0, 1000);
    memset(at, 9, 1000);
    assert_ptr_equal(heap_realloc(NULL, at, 1000, 10), at);
    assert_int_equal(heap_used_bytes(), GRAIN);
    assert_int_equal(heap_peak_bytes(), 1024);
    assert_int_equal(at[9], 9);
    check_heap();
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    unsigned char *at = heap_realloc(NULL, NULL, 0, 50);
    memset(at, 5, 50);
    assert_null(heap_realloc(NULL, NULL, 0, SIZE_MAX));
    assert_null(heap_realloc(NULL, at, 50, SIZE_MAX - 10));
    assert_null(heap_realloc(NULL, at, 50, MEMORY_PAGES * PAGE));
    assert_null(heap_realloc(NULL, NULL, 0, 0));
    assert_int_equal(at[49], 5);
    assert_int_equal(heap_used_bytes(), GRAIN);
    check_heap();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_histories_keep_the_invariants,
                                        fresh, drop),
        cmocka_unit_test_setup_teardown(neighbours_join_in_any_order, fresh,
                                        drop),
        cmocka_unit_test_setup_teardown(grows_only_by_what_is_missing, fresh,
                                        drop),
        cmocka_unit_test_setup_teardown(
            a_block_that_shrinks_stays_and_frees_its_end, fresh, drop),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, fresh, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
