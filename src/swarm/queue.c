/* queue.c: a pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986).
 *
 * Why not a binary heap: apply must not need memory, and a task may leave from
 * the middle (cancelled). Links inside the tasks need no reservation however
 * many queues there are, and removal of any task is the same few steps.
 * Push O(1), remove O(log n) amortised, first in O(1). */
#include "swarm/queue.h"

#include "base/mdg_assert.h"

int mdg_queue_before(const mdg_node *nodes, uint32_t a, uint32_t b) {
    if (nodes[a].key != nodes[b].key) {
        return nodes[a].key < nodes[b].key;
    }
    return a < b;
}

/* Both are roots; the later one becomes the first child of the earlier. */
static uint32_t meld(mdg_node *nodes, uint32_t a, uint32_t b) {
    if (mdg_queue_before(nodes, b, a)) {
        uint32_t swap = a;
        a = b;
        b = swap;
    }
    uint32_t child = nodes[a].child;
    nodes[b].next = child;
    nodes[b].prev = a;
    if (child != 0) {
        nodes[child].prev = b;
    }
    nodes[a].child = b;
    return a;
}

void mdg_queue_push(mdg_node *nodes, uint32_t *root, uint32_t id, int64_t key) {
    nodes[id].key = key;
    nodes[id].child = 0;
    nodes[id].next = 0;
    nodes[id].prev = 0;
    *root = *root == 0 ? id : meld(nodes, *root, id);
}

/* The siblings from `first` on as one heap: melded in pairs, then the pairs
 * from last to first. `prev` chains the pairs meanwhile. */
static uint32_t merge_siblings(mdg_node *nodes, uint32_t first) {
    uint32_t pairs = 0;
    while (first != 0) {
        uint32_t a = first;
        uint32_t b = nodes[a].next;
        first = b == 0 ? 0 : nodes[b].next;
        nodes[a].next = 0;
        if (b != 0) {
            nodes[b].next = 0;
            a = meld(nodes, a, b);
        }
        nodes[a].prev = pairs;
        pairs = a;
    }
    if (pairs == 0) {
        return 0;
    }
    uint32_t root = pairs;
    pairs = nodes[root].prev;
    while (pairs != 0) {
        uint32_t pair = pairs;
        pairs = nodes[pair].prev;
        root = meld(nodes, root, pair);
    }
    nodes[root].prev = 0;
    nodes[root].next = 0;
    return root;
}

void mdg_queue_remove(mdg_node *nodes, uint32_t *root, uint32_t id) {
    uint32_t below = merge_siblings(nodes, nodes[id].child);
    if (*root == id) {
        *root = below;
    } else {
        uint32_t prev = nodes[id].prev;
        uint32_t next = nodes[id].next;
        mdg_assert(prev != 0);
        if (nodes[prev].child == id) {
            nodes[prev].child = next;
        } else {
            nodes[prev].next = next;
        }
        if (next != 0) {
            nodes[next].prev = prev;
        }
        if (below != 0) {
            *root = meld(nodes, *root, below);
        }
    }
    nodes[id].child = 0;
    nodes[id].next = 0;
    nodes[id].prev = 0;
}
