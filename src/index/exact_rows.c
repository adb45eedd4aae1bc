/* exact_rows.c: the rows that an exact search reads: those that live and pass
 * the filter. They are found once for all queries and workers. */
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "index/exact.h"
#include "index/filter.h"

#define GRAIN_WORDS 64u

static size_t n_words(const mdg_exact *e) {
    return (size_t)e->index->n_rows / 64 + 1;
}

static uint64_t dead_word(const midge_index *index, size_t word) {
    uint64_t bits = 0;
    for (uint32_t i = 0; i < 8; i++) {
        size_t row = word * 64 + i * 8;
        if (row < index->n_rows) {
            bits |= (uint64_t)index->dead[row / 8] << (8 * i);
        }
    }
    return bits;
}

static void find_words(void *arg, size_t begin, size_t end, unsigned worker) {
    const mdg_exact *e = arg;
    const uint32_t first = (uint32_t)begin * 64, n_rows = e->index->n_rows;
    (void)worker;
    if (e->query->filter) {
        const uint32_t last = end < n_words(e) ? (uint32_t)end * 64 : n_rows;
        mdg_filter_rows(e->query->filter, first, last - first, e->pass + begin);
    } else {
        memset(e->pass + begin, 0xFF, (end - begin) * sizeof *e->pass);
    }
    for (size_t word = begin; word < end; word++) {
        e->pass[word] &= ~dead_word(e->index, word);
    }
    if (end == n_words(e)) {
        e->pass[end - 1] &= ((uint64_t)1 << n_rows % 64) - 1;
    }
}

midge_status mdg_exact_rows_init(mdg_exact *e, midge_error *err) {
    const midge_index *index = e->index;
    e->pass = NULL;
    e->n_pass = index->n_rows;
    if (index->n_dead == 0 && !e->query->filter) {
        return MIDGE_OK;
    }
    e->pass = mdg_alloc(index->env, n_words(e), sizeof *e->pass);
    if (!e->pass) {
        return mdg_no_memory("a search", err);
    }
    mdg_parallel_for(index->env, n_words(e), GRAIN_WORDS, find_words, e);
    e->n_pass = 0;
    for (size_t word = 0; word < n_words(e); word++) {
        e->n_pass += mdg_bits_set(e->pass[word]);
    }
    return MIDGE_OK;
}

void mdg_exact_rows_deinit(mdg_exact *e) {
    mdg_release(e->index->env, e->pass, n_words(e), sizeof *e->pass);
    e->pass = NULL;
}

midge_status mdg_exact_rows_need(const mdg_exact *e, midge_error *err) {
    const midge_index *index = e->index;
    mdg_exact_block block;
    if (!index->image) {
        return MIDGE_OK;
    }
    for (uint32_t row = 0; row < index->n_rows;) {
        row = mdg_exact_rows_next(e, row, index->n_rows, &block);
        MIDGE_TRY(mdg_image_need_vectors(index, &index->rows, block.count,
                                         block.rows, err));
    }
    return MIDGE_OK;
}

uint32_t mdg_exact_rows_next(const mdg_exact *e, uint32_t row, uint32_t end,
                             mdg_exact_block *block) {
    const uint32_t room = e->n_block;
    block->count = 0;
    if (!e->pass) {
        for (; row < end && block->count < room; row++) {
            block->rows[block->count++] = row;
        }
        return row;
    }
    while (row < end && block->count < room) {
        uint64_t bits = e->pass[row / 64] >> (row % 64);
        if (bits == 0) {
            row = (row | 63) + 1;
            continue;
        }
        row += (uint32_t)__builtin_ctzll(bits);
        if (row < end) {
            block->rows[block->count++] = row++;
        }
    }
    return row < end ? row : end;
}
