/* sorted.c: one sort for all lists that people write: they are short, so it is
 * Shell's (1959), which needs no memory.
 */
#include "index/sorted.h"

#include <string.h>

#include "base/mdg_assert.h"

int mdg_order_u32(const void *a, const void *b) {
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int mdg_order_i64(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int mdg_order_f64(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int mdg_order_text(const void *a, const void *b) {
    const midge_text *x = a, *y = b;
    size_t both = x->size < y->size ? x->size : y->size;
    int sign = both ? memcmp(x->data, y->data, both) : 0;
    return sign != 0 ? sign : (x->size > y->size) - (x->size < y->size);
}

int mdg_text_is(midge_text a, midge_text b) {
    return a.size == b.size &&
           (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Each item goes back, by steps of `step`, to where it belongs. */
static void sort_by_step(char *at, size_t count, size_t size, size_t step,
                         mdg_order_fn order) {
    char held[sizeof(midge_text)];
    for (size_t i = step; i < count; i++) {
        size_t to = i;
        memcpy(held, at + i * size, size);
        for (; to >= step && order(held, at + (to - step) * size) < 0;
             to -= step) {
            memcpy(at + to * size, at + (to - step) * size, size);
        }
        memcpy(at + to * size, held, size);
    }
}

uint32_t mdg_sort_distinct(void *items, uint32_t count, size_t size,
                           mdg_order_fn order) {
    char *at = items;
    mdg_assert(size <= sizeof(midge_text));
    size_t step = 1; /* 1, 4, 13, 40, ...: Knuth's */
    while (step < count / 3) {
        step = 3 * step + 1;
    }
    for (; step > 0; step /= 3) {
        sort_by_step(at, count, size, step, order);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || order(at + (kept - 1) * size, at + i * size) != 0) {
            memmove(at + kept++ * size, at + i * size, size);
        }
    }
    return kept;
}
