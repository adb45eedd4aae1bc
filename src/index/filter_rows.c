/* filter_rows.c: a filter over runs of rows. Each term makes 64 answers at a
 * time, a byte each in loops that compilers turn into vectors, then a bit each.
 * Every node is told which rows are wanted, those whose answer is still open:
 * terms that look at rows one by one look at these alone.
 */
#include <string.h>

#include "base/mdg_assert.h"
#include "base/rng.h"
#include "index/filter.h"
#include "index/index_internal.h"

/* 512 rows: what each level of the tree has on the stack, which wasm has 64 KiB
 * of, and a tree may have twice as many levels as parentheses. */
#define BLOCK_WORDS 8u
#define SHORT_LIST  8u
#define SAMPLE_SEED 0x6d69646765u

/* 64 bytes of 0 or 1 as bits. Eight at a time: each bit is multiplied to its
 * place in the highest byte. */
static uint64_t pack(const uint8_t hits[64]) {
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t bytes = 0;
        for (unsigned j = 0; j < 8; j++) { /* one load on little-endian */
            bytes |= (uint64_t)hits[8 * i + j] << 8 * j;
        }
        bits |= (bytes * 0x0102040810204080u >> 56) << 8 * i;
    }
    return bits;
}

/* Bits of the n rows from `row` that have a value. */
static uint64_t present(const mdg_column *c, uint32_t row, uint32_t n) {
    uint64_t missing = 0;
    for (uint32_t i = 0; i < (n + 7) / 8; i++) {
        missing |= (uint64_t)c->missing[row / 8 + i] << 8 * i;
    }
    return ~missing & (n == 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1);
}

static void hit_ints(const mdg_term *t, const int64_t *x, uint32_t n,
                     uint8_t *hits) {
    int64_t low = t->of.ints.low, high = t->of.ints.high;
    for (uint32_t i = 0; i < n; i++) {
        hits[i] = (uint8_t)((x[i] >= low) & (x[i] <= high));
    }
}

/* Of a short list: each of its numbers with all rows. */
static void hit_int_list(const mdg_term *t, const int64_t *x, uint32_t n,
                         uint8_t *hits) {
    for (uint32_t j = 0; j < t->count; j++) {
        int64_t one = t->of.int_list[j];
        for (uint32_t i = 0; i < n; i++) {
            hits[i] = (uint8_t)(hits[i] | (x[i] == one));
        }
    }
}

static void hit_floats(const mdg_term *t, const double *x, uint32_t n,
                       uint8_t *hits) {
    double low = t->of.floats.low, high = t->of.floats.high;
    for (uint32_t i = 0; i < n; i++) {
        hits[i] = (uint8_t)((x[i] >= low) & (x[i] <= high));
    }
}

static void hit_word(uint32_t word, const uint32_t *x, uint32_t n,
                     uint8_t *hits) {
    for (uint32_t i = 0; i < n; i++) {
        hits[i] = x[i] == word;
    }
}

static void hit_words(const mdg_term *t, const uint32_t *x, uint32_t n,
                      uint8_t *hits) {
    for (uint32_t i = 0; i < n; i++) {
        hits[i] = (uint8_t)(t->passes[x[i] / 64] >> x[i] % 64 & 1);
    }
}

/* Whether every word of the column has its answer in the term. */
static int knows_all(const mdg_term *t, const mdg_column *c) {
    return t->epoch == c->words.epoch && t->n_known == c->words.count &&
           c->words.count != 0;
}

static void hit_values(const mdg_term *t, const mdg_column *c, uint32_t row,
                       uint32_t n, uint64_t there, uint8_t *hits) {
    switch (t->kind) {
    case MDG_TERM_BOOL:
        memcpy(hits, c->of.bools + row, n);
        return;
    case MDG_TERM_INT_RANGE:
        hit_ints(t, c->of.ints + row, n, hits);
        return;
    case MDG_TERM_INT_LIST:
        if (t->count <= SHORT_LIST) {
            hit_int_list(t, c->of.ints + row, n, hits);
            return;
        }
        break;
    case MDG_TERM_FLOAT_RANGE:
        hit_floats(t, c->of.floats + row, n, hits);
        return;
    case MDG_TERM_WORD:
        if (knows_all(t, c)) {
            hit_word(t->words[0], c->of.strings + row, n, hits);
            return;
        }
        break;
    case MDG_TERM_STRING:
        if (knows_all(t, c)) {
            hit_words(t, c->of.strings + row, n, hits);
            return;
        }
        break;
    default:
        break;
    }
    for (; there != 0; there &= there - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(there);
        hits[i] = mdg_term_value(t, c, row + i) != 0;
    }
}

/* The answers for n rows from `row`, 64 at most; 0 where none is wanted. */
static uint64_t term_bits(const mdg_term *t, const mdg_columns *columns,
                          uint32_t row, uint32_t n, uint64_t wanted) {
    if (t->kind == MDG_TERM_CONSTANT || wanted == 0) {
        return t->negated ? 0 : wanted;
    }
    const mdg_column *c = &columns->columns[t->column];
    uint32_t left = row < columns->n_rows ? columns->n_rows - row : 0;
    uint32_t with = n < left ? n : left;
    uint64_t there = with ? present(c, row, with) : 0;
    if (t->kind == MDG_TERM_NULL) {
        return (t->negated ? there : ~there) & wanted;
    }
    there &= wanted;
    if (there == 0) {
        return 0;
    }
    uint8_t hits[64] = {0};
    hit_values(t, c, row, with, there, hits);
    uint64_t bits = pack(hits);
    return (t->negated ? ~bits : bits) & there;
}

static void term_rows(const midge_filter *filter, const mdg_term *t,
                      uint32_t first, uint32_t count, const uint64_t *wanted,
                      uint64_t *bits) {
    for (uint32_t at = 0; at < count; at += 64) {
        uint32_t n = count - at < 64 ? count - at : 64;
        bits[at / 64] =
            term_bits(t, filter->columns, first + at, n, wanted[at / 64]);
    }
}

/* At most BLOCK_WORDS * 64 rows; as deep as parentheses, within their limit. */
static void node_rows(const midge_filter *filter, const mdg_node *node,
                      uint32_t first, uint32_t count, const uint64_t *wanted,
                      uint64_t *bits) {
    if (node->kind == MDG_NODE_TERM) {
        term_rows(filter, &filter->terms[node->first_term], first, count,
                  wanted, bits);
        return;
    }
    const uint32_t words = (count + 63) / 64;
    const uint64_t flip = node->kind == MDG_NODE_AND ? 0 : UINT64_MAX;
    uint64_t open[BLOCK_WORDS], answers[BLOCK_WORDS];
    memcpy(open, wanted, words * sizeof *open);
    for (const mdg_node *child = node->child; child; child = child->next) {
        node_rows(filter, child, first, count, open, answers);
        for (uint32_t i = 0; i < words; i++) {
            open[i] &= answers[i] ^ flip;
        }
    }
    /* `and`: those that no child refused; `or`: all but those that every child
     * left open. */
    for (uint32_t i = 0; i < words; i++) {
        bits[i] = flip ? wanted[i] & ~open[i] : open[i];
    }
}

static void all_rows(uint64_t *bits, uint32_t count) {
    memset(bits, 0xff, BLOCK_WORDS * sizeof *bits);
    if (count % 64 != 0) {
        bits[count / 64] = ((uint64_t)1 << count % 64) - 1;
    }
}

void mdg_filter_rows(const midge_filter *filter, uint32_t first, uint32_t count,
                     uint64_t *bits) {
    mdg_assert(first % 64 == 0);
    while (count > 0) {
        uint32_t n = count < BLOCK_WORDS * 64 ? count : BLOCK_WORDS * 64;
        uint64_t wanted[BLOCK_WORDS];
        all_rows(wanted, n);
        node_rows(filter, filter->root, first, n, wanted, bits);
        bits += BLOCK_WORDS;
        first += n;
        count -= n;
    }
}

/* ---- Estimating ---------------------------------------------------------- */

static uint64_t live_bits(const midge_index *index, uint32_t row, uint32_t n) {
    uint64_t dead = 0;
    for (uint32_t i = 0; i < (n + 7) / 8; i++) {
        dead |= (uint64_t)index->dead[row / 8 + i] << 8 * i;
    }
    return ~dead & (n == 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1);
}

static double share_of_all(const midge_filter *filter) {
    const midge_index *index = filter->index;
    uint64_t live = 0, passed = 0;
    for (uint32_t row = 0; row < index->n_rows; row += 64) {
        uint32_t n = index->n_rows - row < 64 ? index->n_rows - row : 64;
        uint64_t bits;
        uint64_t alive = live_bits(index, row, n);
        mdg_filter_rows(filter, row, n, &bits);
        live += mdg_bits_set(alive);
        passed += mdg_bits_set(alive & bits);
    }
    return live ? (double)passed / (double)live : 0.0;
}

/* Dead rows are drawn in vain; when nearly all are, all rows are looked at. */
double mdg_filter_estimate(const midge_filter *filter, uint32_t n) {
    const midge_index *index = filter->index;
    if (index->n_rows <= n || index->n_rows - index->n_dead <= n) {
        return share_of_all(filter);
    }
    mdg_rng rng;
    mdg_rng_seed(&rng, SAMPLE_SEED);
    uint32_t live = 0, passed = 0;
    for (uint64_t draws = 0; live < n && draws < 16 * (uint64_t)n; draws++) {
        uint32_t row = mdg_rng_below(&rng, index->n_rows);
        if (!mdg_row_dead(index, row)) {
            live++;
            passed += mdg_filter_passes(filter, row) != 0;
        }
    }
    return live < n ? share_of_all(filter) : (double)passed / (double)n;
}
