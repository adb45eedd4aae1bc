/* words_embed.c: the vector of a text: the mean of its words' vectors, each
 * with its weight, less the part along the common component (the paper's
 * algorithm 1). Words are added in the order of the text. */
#include "embed/words.h"

#include <string.h>

#include "embed/unicode_words.h"

/* Squared: what is left of a vector without the component must be more than
 * 1e-5 of it. Less is the rounding of the words' sums, and has no meaning. */
#define LEFT_LEAST 1e-10f

/* The row of a word as written, then in lower case; 0 when there is none, else
 * the row + 1. */
static uint32_t find_row(const mdg_words *w, const char *word, size_t size) {
    char lower[MDG_WORD_BYTES_MAX * 3 / 2];
    if (size > MDG_WORD_BYTES_MAX) {
        return 0;
    }
    uint32_t row = mdg_map_get(&w->rows, word, (uint32_t)size);
    if (row == 0) {
        size_t lower_size = mdg_lower_word(word, size, lower);
        row = mdg_map_get(&w->rows, lower, (uint32_t)lower_size);
    }
    return row;
}

static midge_status gather_word(const char *word, size_t size,
                                midge_arena *lower, mdg_map *out) {
    char text[MDG_WORD_BYTES_MAX * 3 / 2];
    if (size > MDG_WORD_BYTES_MAX ||
        mdg_map_get(out, word, (uint32_t)size) != 0) {
        return MIDGE_OK;
    }
    MIDGE_TRY(mdg_map_put(out, word, (uint32_t)size, 1));
    size_t lower_size = mdg_lower_word(word, size, text);
    if (mdg_map_get(out, text, (uint32_t)lower_size) != 0) {
        return MIDGE_OK;
    }
    const char *copy = midge_arena_copy(lower, text, lower_size);
    return copy ? mdg_map_put(out, copy, (uint32_t)lower_size, 1)
                : MIDGE_E_NOMEM;
}

midge_status mdg_words_gather(const midge_text *texts, size_t count,
                              midge_arena *lower, mdg_map *out) {
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        size_t size;
        const char *word;
        while (
            (word = mdg_next_word(texts[i].data, texts[i].size, &at, &size))) {
            MIDGE_TRY(gather_word(word, size, lower, out));
        }
    }
    return MIDGE_OK;
}

/* 1 when something is left. */
static int take_out(const mdg_words_job *job, float *v) {
    const mdg_kernels *k = job->words->kernels;
    size_t dim = job->words->dim;
    float before = MDG_KERNEL(k, dot_f32)(dim, v, v);
    if (job->component) {
        float along = MDG_KERNEL(k, dot_f32)(dim, v, job->component);
        MDG_KERNEL(k, axpy_f32)(dim, -along, job->component, v);
    }
    float after = MDG_KERNEL(k, dot_f32)(dim, v, v);
    return after > 0.0f && !(after < before * LEFT_LEAST);
}

static int embed_one(const mdg_words_job *job, size_t i, float *v,
                     mdg_words_counts *counts) {
    const mdg_words *w = job->words;
    const midge_text *text = &job->texts[i];
    size_t at = 0;
    size_t n = 0;
    size_t size;
    const char *word;
    memset(v, 0, w->dim * sizeof *v);
    while ((word = mdg_next_word(text->data, text->size, &at, &size))) {
        uint32_t row = find_row(w, word, size);
        if (row == 0) {
            counts->n_unknown++;
            continue;
        }
        const float *x = w->vectors + (size_t)(row - 1) * w->dim;
        MDG_KERNEL(w->kernels, axpy_f32)(w->dim, w->weights[row - 1], x, v);
        n++;
    }
    counts->n_words += n;
    if (n == 0) {
        return 0;
    }
    MDG_KERNEL(w->kernels, scale_f32)(w->dim, 1.0f / (float)n, v, v);
    return take_out(job, v);
}

void mdg_words_embed(const mdg_words_job *job, size_t begin, size_t end,
                     mdg_words_counts *counts) {
    for (size_t i = begin; i < end; i++) {
        float *v = job->out + i * job->words->dim;
        job->skipped[i] = (uint8_t)!embed_one(job, i, v, counts);
    }
}
