/* queue.h: priority queues whose links live beside the tasks. */
#ifndef MDG_QUEUE_H
#define MDG_QUEUE_H

#include <stdint.h>

/* Ids are positions in an array of nodes; 0 is "none". */
typedef struct mdg_node {
    int64_t key;        /* smallest first; equal keys: smallest id first */
    uint32_t child;     /* the newest one */
    uint32_t next;      /* sibling */
    uint32_t prev;      /* sibling, or the parent of a first child */
    uint32_t signature; /* not a link: which ready queue the task belongs to */
} mdg_node;

void mdg_queue_push(mdg_node *nodes, uint32_t *root, uint32_t id, int64_t key);
void mdg_queue_remove(mdg_node *nodes, uint32_t *root, uint32_t id);
/* Is a before b? */
int mdg_queue_before(const mdg_node *nodes, uint32_t a, uint32_t b);

#endif
