#include "base/sort.h"

static void sift_down(uint64_t *items, size_t at, size_t count) {
    const uint64_t item = items[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && items[child + 1] > items[child]) {
            child++;
        }
        if (item >= items[child]) {
            break;
        }
        items[at] = items[child];
        at = child;
    }
    items[at] = item;
}

void mdg_sort_u64(uint64_t *items, size_t count) {
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(items, i, count);
    }
    for (size_t end = count; end-- > 1;) {
        uint64_t largest = items[0];
        items[0] = items[end];
        items[end] = largest;
        sift_down(items, 0, end);
    }
}
