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
    uint32_t n_words; /* of the file, also those that were passed over */
    uint32_t count;   /* rows: words that were kept */
    size_t capacity;  /* of the arrays of rows, at least 1 */
    float *vectors;   /* (capacity, dim), `count` of them filled */
    uint32_t *ranks; /* (capacity): places in the file, from 1; NULL: row + 1 */
    float *weights;  /* (capacity), or NULL before mdg_words_weigh */
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

/* words_read.c: fills dim, n_words, count, vectors, ranks, text, rows, bytes
 * and crc of a struct of zeros with env and kernels. Errors as
 * midge_embedder_words_new; the struct must be deinitialised then too. */
midge_status mdg_words_read(mdg_words *w, const char *bytes, size_t size,
                            const midge_words_options *options,
                            midge_error *err);
void mdg_words_deinit(mdg_words *w);

/* words_line.c: a line of word vectors. */
typedef enum mdg_line_fault {
    MDG_LINE_NONE,
    MDG_LINE_EMPTY,
    MDG_LINE_ZERO_BYTE,
    MDG_LINE_NO_WORD,
    MDG_LINE_LONG_WORD,
    MDG_LINE_TOO_FEW,
    MDG_LINE_TOO_MANY,
    MDG_LINE_NUMBER
} mdg_line_fault;
typedef struct mdg_word_line {
    const char *text;
    size_t size;
    uint64_t number;  /* of the line, from 1 */
    size_t word_size; /* the word is at the beginning */
    mdg_line_fault fault;
} mdg_word_line;
/* Of text and size: row (dim), word_size and fault. */
void mdg_line_read(mdg_word_line *s, uint32_t dim, float *row);
/* Fields of a line, a word with spaces counted as so many. */
size_t mdg_line_fields(const mdg_word_line *s);

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
/* The words of texts that may be looked up, as written and in lower case, into
 * a map of theirs. `texts` and `lower` must outlive it. */
midge_status mdg_words_gather(const midge_text *texts, size_t count,
                              midge_arena *lower, mdg_map *out);
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
/* Between the fields of a line. */
static inline int mdg_separates(char c) {
    return c == ' ' || c == '\t';
}
/* Where the first field of a line ends. */
size_t mdg_first_field(const char *line, size_t size);
/* The last field of a line (size > 0): where it begins. A space or a tab stands
 * before it, unless it is 0. */
size_t mdg_last_field(const char *line, size_t size);

#endif
