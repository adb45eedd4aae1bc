/* index_internal.h: what the files of this room share: the parts of an index,
 * and which file does what with them.
 *
 *   index.c      making an index and looking into it
 *   change.c     adding, deleting, renumbering: keeps all parts in step
 *   place.c      arrays with an element for each row
 *   vectors.c    records of vectors, one storage each; scorers over them
 *   ids.c        ids and keys of rows, and rows by them
 *   columns.c    metadata; filter_*.c conditions on them
 *   exact.c      a query against every row
 *   hnsw_*.c     the graph: linking, repairing, reordering, walking
 *   walk_choice.c  what the graph is walked by, when nobody said
 *   searcher.c   which way a query goes; the memory of searches
 *   image_*.c    an index as bytes of a file, and back
 *
 * A row is a number below n_rows; it has a place in every part. Rows that were
 * deleted keep their place, marked dead, until compaction or until the graph no
 * longer mentions them; then they are free and used again.
 */
#ifndef MDG_INDEX_INTERNAL_H
#define MDG_INDEX_INTERNAL_H

#include "index/columns.h"
#include "index/ids.h"
#include "index/place.h"
#include "index/vectors.h"
#include "kernels/kernels.h"
#include "midge/index.h"

#define MDG_LEVELS_MAX 16 /* upper levels, at most */
#define MDG_NO_NODE    UINT32_MAX

/* ---- The graph ----------------------------------------------------------- */

/* An upper level is a small graph of its own, with nodes numbered as they came.
 * A link list is 1 + m numbers: how many links, then the links. */
typedef struct mdg_level {
    uint32_t count;
    uint32_t capacity;
    uint32_t *row;   /* (capacity): the row of a node; MDG_NO_NODE: removed */
    uint32_t *down;  /* (capacity): its node on the level below; of the first
                        upper level: the row */
    uint32_t *links; /* (capacity, 1 + m): nodes of this level */
} mdg_level;

/* The lowest level: every row is a node. */
typedef struct mdg_graph {
    uint32_t m;
    uint32_t m0;       /* 2 m */
    uint32_t n_levels; /* upper levels in use; upper[n_levels - 1] is the top */
    uint32_t entry;    /* a node of the top level, else a row; MDG_NO_NODE when
                          no row is linked */
    uint32_t *links;   /* (capacity, 1 + m0); 0 links: not linked */
    uint32_t capacity; /* 0 with links: they lie in a file's bytes */
    mdg_level upper[MDG_LEVELS_MAX];
} mdg_graph;

/* ---- The index ----------------------------------------------------------- */

/* What happened to a row since the last commit to a file. */
enum { MDG_CHANGED_ROW = 1, MDG_CHANGED_LINKS = 2, MDG_CHANGED_DEAD = 4 };

struct midge_index {
    const midge_env *env;
    const mdg_kernels *kernels;
    midge_index_options options; /* defaults filled in */
    uint32_t n_rows;             /* numbers in use, dead ones too */
    uint32_t n_dead;             /* of them: deleted */
    uint32_t capacity;           /* places of every part, at least */
    mdg_vectors rows;            /* as stored */
    mdg_vectors codes;           /* 8 bits, for MIDGE_WALK_INT8; else no data */
    uint8_t *dead;               /* bit row % 8 of byte row / 8 */
    uint32_t dead_bytes;         /* 0 with `dead`: it lies in a file's bytes */
    uint32_t *free_rows;         /* (n_free): dead, and no link list has them */
    uint32_t n_free;
    uint32_t free_capacity;
    mdg_ids ids;
    mdg_columns columns;
    int has_graph;
    mdg_graph graph;
    uint64_t generation; /* grows with every change */
    uint8_t *changed;    /* MDG_CHANGED_* of rows; NULL: no file */
    uint32_t changed_capacity;
    int renumbered;          /* since the last commit: only a whole image tells
                                what changed */
    struct mdg_image *image; /* the file's bytes the parts lie in; or NULL */
    struct mdg_track *track; /* what the file has; or NULL */
};

static inline int mdg_row_dead(const midge_index *index, uint32_t row) {
    return index->dead[row >> 3] >> (row & 7) & 1;
}

static inline uint32_t *mdg_links(const midge_index *index, uint32_t row) {
    return index->graph.links + (size_t)row * (1 + index->graph.m0);
}

static inline uint32_t *mdg_level_links(const mdg_level *level, uint32_t m,
                                        uint32_t node) {
    return level->links + (size_t)node * (1 + m);
}

/* One byte a row: shares of a parallel loop may mark different rows. */
static inline void mdg_mark(midge_index *index, uint32_t row, unsigned what) {
    if (index->changed) {
        index->changed[row] = (uint8_t)(index->changed[row] | what);
    }
}

/* The records that the graph is walked by. */
static inline const mdg_vectors *mdg_walked(const midge_index *index) {
    return index->codes.data ? &index->codes : &index->rows;
}

/* ---- index.c ------------------------------------------------------------- */

/* Grows every part to `capacity` places. Parts that lie in a file's bytes are
 * copied to memory of their own. */
midge_status mdg_index_reserve(midge_index *index, uint32_t capacity,
                               midge_error *err);
/* An index without rows for options whose defaults are filled in and checked.
 */
midge_status mdg_index_make(const midge_env *env,
                            const midge_index_options *options,
                            midge_index **out, midge_error *err);
/* Rows that are dead and not linked may be used again. */
midge_status mdg_index_collect_free(midge_index *index);
/* Gives every row its new number: new_of[row], MDG_NO_NODE for rows that go
 * (dead and not linked). Row numbers run from 0 to n_left - 1 then. */
midge_status mdg_index_renumber(midge_index *index, const uint32_t *new_of,
                                uint32_t n_left, midge_error *err);

/* ---- hnsw_*.c ------------------------------------------------------------ */

void mdg_hnsw_free(midge_index *index);
/* Links rows that are stored but not yet in the graph. On MIDGE_E_CANCELLED and
 * MIDGE_E_NOMEM some of them may be linked: the caller marks them dead. */
midge_status mdg_hnsw_link(midge_index *index, size_t count,
                           const uint32_t *rows, midge_progress_fn progress,
                           void *progress_ctx, midge_error *err);
/* Takes dead rows out of every link list, linking around them; then no list
 * mentions a dead row, the dead have no links, and the entry is alive. */
midge_status mdg_hnsw_repair(midge_index *index, midge_error *err);
/* An order in which neighbours lie near each other: order[i] is the row that
 * comes i-th; dead and unlinked rows are left out. Returns how many. */
midge_status mdg_hnsw_order(const midge_index *index, uint32_t *order,
                            uint32_t *count);
/* Renames rows inside of links and levels, and moves the lists. */
void mdg_hnsw_renumber(midge_index *index, mdg_mover *mover);

/* ---- walk_choice.c ------------------------------------------------------- */

/* With fewer rows it does not matter, and tells little. */
#define MDG_WALK_CHOICE_ROWS 1000u

/* May these options come to another walk than that by rows? */
int mdg_walk_may_choose(const midge_index_options *options);
/* Before rows are linked: makes MIDGE_WALK_AUTO one of the others, once there
 * are rows enough; and the codes of all rows, if it is INT8. On failure nothing
 * changed. */
midge_status mdg_walk_choose(midge_index *index, midge_error *err);

/* ---- exact.c ------------------------------------------------------------- */

/* Answers queries by comparing with every row that lives and passes: fills
 * `found` (query->count, k) and `n_found` (query->count). Scratch memory comes
 * from the env. Shares the queries (or, of few queries, the rows) among the
 * env's workers. */
midge_status mdg_exact_search(const midge_index *index,
                              const midge_query *query, midge_neighbour *found,
                              uint32_t *n_found, midge_search_stats *stats,
                              midge_error *err);

/* ---- image_*.c ----------------------------------------------------------- */

/* While an index lies in a file's bytes, what is touched is checked first: call
 * these before reading, when index->image is not NULL. MIDGE_E_CORRUPT names
 * the section. Links are then within bounds. Safe from several threads. */
midge_status mdg_image_need_vectors(const midge_index *index,
                                    const mdg_vectors *which, size_t count,
                                    const uint32_t *rows, midge_error *err);
midge_status mdg_image_need_links(const midge_index *index, uint32_t row,
                                  midge_error *err);
/* Everything at once: before any change, and before reading all rows. Nothing
 * when there is no image. */
midge_status mdg_image_need_all(const midge_index *index, midge_error *err);
/* Before arrays grow to `capacity` rows, or (UINT32_MAX) are given back: those
 * that are mapped with less room count as borrowed from now on. */
void mdg_image_let_go(midge_index *index, uint32_t capacity);
/* Lets go of the bytes (the parts have been copied). */
void mdg_image_drop(midge_index *index);

#endif
