/* words.h: word vectors as the files of this room share them. */
#ifndef MDG_WORDS_H
#define MDG_WORDS_H

#include "base/bytes.h"
#include "base/map.h"
#include "kernels/kernels.h"
#include "midge/embed.h"

#define MDG_WORD_BYTES_MAX 4096u
#define MDG_WORDS_MAX      ((uint32_t)INT32_MAX)
#define MDG_SIF_A          0.001

typedef struct mdg_words {
    const midge_env *env;
    const mdg_kernels *kernels;
    uint32_t dim;
    uint32_t count;
    size_t capacity;  /* rows of `vectors` */
    float *vectors;   /* (capacity, dim), `count` of them filled */
    float *weights;   /* (count), or NULL before mdg_words_weigh */
    midge_arena text; /* the words that the map's keys are */
    mdg_map rows;     /* word -> its row + 1 */
    /* The common component that is taken out of each vector; (dim), or NULL
     * before it was fitted. */
    float *component;
    /* What tells this source from another; see spec/formats/embedder.md. */
    uint64_t bytes;
    uint32_t crc;
    double a;
    uint32_t has_frequencies;
    uint32_t frequencies_crc;
} mdg_words;

/* words_read.c: fills dim, count, vectors, text, rows, bytes and crc of a
 * struct of zeros with env and kernels. Errors as midge_embedder_words_new; the
 * struct must be deinitialised then too. */
midge_status mdg_words_read(mdg_words *w, const char *bytes, size_t size,
                            const midge_words_options *options,
                            midge_error *err);
void mdg_words_deinit(mdg_words *w);

/* words_weigh.c: fills a, the weights and what tells the list of frequencies.
 */
midge_status mdg_words_weigh(mdg_words *w, const midge_words_options *options,
                             midge_error *err);

/* words_embed.c: texts as vectors. `skipped` (count) gets 1 where a text has
 * none, else 0. Without `component` it is left in. */
typedef struct mdg_words_job {
    const mdg_words *words;
    const midge_text *texts;
    float *out;
    uint8_t *skipped;
    const float *component; /* may be NULL */
} mdg_words_job;
typedef struct mdg_words_counts {
    uint64_t n_words;
    uint64_t n_unknown;
} mdg_words_counts;
/* The texts from `begin` to below `end`; adds to `counts`. */
void mdg_words_embed(const mdg_words_job *job, size_t begin, size_t end,
                     mdg_words_counts *counts);

/* component.c: the first right singular vector of x (rows, dim), of unit
 * length, its largest element above 0, by power iteration. MIDGE_E_LIMIT when x
 * is too large for floats; MIDGE_E_NOT_FOUND when x is all zeros. */
midge_status mdg_component(const midge_env *env, const mdg_kernels *kernels,
                           size_t rows, size_t dim, const float *x,
                           float *component);

/* words_state.c: the part of a state that is the words' own. */
midge_status mdg_words_state_write(const mdg_words *w, midge_buf *out);
midge_status mdg_words_state_read(mdg_words *w, const void *bytes, size_t size,
                                  midge_error *err);

/* text_lines.c: what the two text formats of this room share. */

/* Sets text and line of `err`; returns `status`. */
midge_status mdg_fail_line(midge_error *err, midge_status status, uint64_t line,
                           const char *what);
/* Takes the next line off: its text without the end of the line and the spaces
 * before that. 0 at the end. */
int mdg_take_line(const char **at, const char *end, const char **line,
                  size_t *size);
/* How many lines there are, the last with or without its end; stops at `most`.
 */
size_t mdg_count_lines(const char *bytes, size_t size, size_t most);
/* The last field of a line (size > 0): where it begins. A space or a tab stands
 * before it, unless it is 0. */
size_t mdg_last_field(const char *line, size_t size);

#endif
