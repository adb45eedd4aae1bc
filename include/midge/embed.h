/* embed.h: texts as vectors, from a source that really knows what they mean.
 *
 * An embedder is a port. Two things are behind it: the word vectors of a file
 * (midge_embedder_words_new below; GloVe or word2vec text), averaged with
 * smooth inverse frequency (Arora, Liang, Ma, "A simple but tough-to-beat
 * baseline for sentence embeddings", ICLR 2017), and an endpoint that speaks
 * the OpenAI protocol (host/embed). No text gets a vector that its words did
 * not make: one that has none is an error, or is skipped and reported.
 *
 * Threads: an embedder belongs to one thread at a time; one of word vectors
 * shares its work among the env's workers. The vectors of a text have the same
 * bits on every machine, with any number of workers, alone or among others.
 */
#ifndef MIDGE_EMBED_H
#define MIDGE_EMBED_H

#include "midge/index.h" /* midge_text, midge_progress_fn */

#ifdef __cplusplus
extern "C" {
#endif

#define MIDGE_EMBED_DIM_MAX 65536u

typedef struct midge_embedder midge_embedder;

/* ---- Using one ----------------------------------------------------------- */

/* Floats of a vector; at least 1. */
MIDGE_API uint32_t midge_embedder_dim(const midge_embedder *embedder);
/* What it is, for a person: "400000 words of 100 dimensions (glove.txt)". */
MIDGE_API const char *midge_embedder_name(const midge_embedder *embedder);

/* What embedding came to; calls add to it. */
typedef struct midge_embed_report {
    uint64_t n_texts;    /* that got a vector */
    uint64_t n_skipped;  /* that did not */
    uint64_t n_words;    /* word vectors: words of the texts that were found */
    uint64_t n_unknown;  /* words of the texts that the file does not have */
    uint64_t n_requests; /* endpoint: requests sent, with those sent again */
    uint64_t n_retries;  /* requests sent again */
    uint64_t n_tokens;   /* as far as the endpoint told them */
} midge_embed_report;

typedef struct midge_embed_batch {
    size_t count;
    const midge_text *texts; /* (count) UTF-8 */
    uint64_t first;          /* what errors call texts[0]: text `first` */
    /* (count) or NULL. With it a text that has no vector is marked 1 here, its
     * row of `out` is all NaN, which no index takes, and the others are 0.
     * Without it such a text is an error. */
    uint8_t *skipped;
    midge_embed_report *report; /* may be NULL */
    /* Called from the calling thread with texts done and total; non-zero ends
     * the work with MIDGE_E_CANCELLED. May be NULL. */
    midge_progress_fn progress;
    void *progress_ctx;
} midge_embed_batch;

/* The vectors of the texts into out (count, dim), all finite and none of them
 * zeros. MIDGE_E_INVALID names a text that is not UTF-8; MIDGE_E_NOT_FOUND one
 * without a vector: it is blank, or it has no word of the file, or nothing is
 * left of it without the common component. In both err->line is the text's
 * number in the batch, from 1. The endpoint's errors: MIDGE_E_IO (no answer, or
 * one that says no; err has its text), MIDGE_E_TIMEOUT, MIDGE_E_PARSE (an
 * answer that is not as the protocol says), MIDGE_E_LIMIT (an answer too
 * large). On failure `out` and `skipped` have no meaning; the report counts
 * what was done. Any number of texts is well; the endpoint is asked for some at
 * a time. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_embedder_embed(midge_embedder *embedder, const midge_embed_batch *batch,
                     float *out, midge_error *err);

/* Learns from texts what texts of their kind have in common, to be taken out of
 * each: for word vectors the first principal component (the paper's u: largest
 * right singular vector, not centred) of the vectors of these texts, or of
 * MIDGE_EMBED_FIT_MAX of them, evenly spaced. *fitted (may be NULL) is 0 and
 * the embedder as it was when fewer than MIDGE_EMBED_FIT_MIN have a vector,
 * since what so few have in common is their subject, and for an embedder with
 * nothing to fit (an endpoint). Fit before the first text is added, save the
 * state with the index, and use it for queries: vectors made before and after
 * do not go together. */
#define MIDGE_EMBED_FIT_MIN 300u
#define MIDGE_EMBED_FIT_MAX 65536u
MIDGE_API MIDGE_NODISCARD midge_status
midge_embedder_fit(midge_embedder *embedder, size_t count,
                   const midge_text *texts, int *fitted, midge_error *err);

/* What another embedder of the same source must know so as to make the same
 * vectors: which source it is, its settings, what was fitted. Checksummed
 * bytes, to be kept with the index (spec/formats/embedder.md); appended, all or
 * nothing. */
MIDGE_API MIDGE_NODISCARD midge_status
midge_embedder_state_write(const midge_embedder *embedder, midge_buf *out);
/* Takes a state over. MIDGE_E_MISMATCH, and nothing changed, when it is that of
 * another source (other word vectors, another model); err says what differs. */
MIDGE_API MIDGE_NODISCARD midge_status midge_embedder_state_read(
    midge_embedder *embedder, const void *bytes, size_t size, midge_error *err);

/* NULL is accepted. */
MIDGE_API void midge_embedder_free(midge_embedder *embedder);

/* ---- Word vectors -------------------------------------------------------- */

typedef struct midge_words_options {
    const char *name;   /* of the file, for a person and errors; NULL: none */
    uint32_t max_words; /* only so many from the beginning; 0: all */
    /* (n_texts) NULL: all words are kept. Else only those of these texts, whose
     * vectors are the same then; other lines are not even looked at for faults.
     * For a search: some times faster, in hardly any memory. To be embedded (or
     * fitted) are then these texts alone. Borrowed for the call. */
    const midge_text *texts;
    size_t n_texts;
    /* Smooth inverse frequency: the weight of a word is a / (a + p), p its
     * share of all running words. 0: 0.001, as in the paper. */
    double a;
    /* The bytes of a list of frequencies, lines "word count" in any order;
     * p is count / sum of all counts, and 0 for a word that is not in it.
     * NULL: p is estimated by Zipf's law from the word's place r in the file of
     * N words, which GloVe and word2vec order by frequency: p = (1 / r) / (1 +
     * 1/2 + ... + 1/N). An estimate: with true frequencies vectors are better.
     */
    const void *frequencies;
    size_t frequencies_size;
    const char *frequencies_name; /* for errors, as `name`; NULL: none */
    midge_progress_fn progress;   /* bytes done and total; as above */
    void *progress_ctx;
} midge_words_options;

/* Reads word vectors from the bytes of a file, which are not needed afterwards.
 * Lines are "word v1 .. vd" (GloVe); a first line of two whole numbers is
 * "count dim" (word2vec, fastText). Fields are separated by one space or tab,
 * lines end with LF or CRLF, spaces before them do not count. Numbers are as in
 * JSON. All lines have the d of the first; a word may have spaces in it (and is
 * then never found in a text) unless what is behind its last space is a number
 * too.
 *
 * A text's words are the longest runs of letters, marks and decimal digits
 * (Unicode 14: categories L, M, Nd), everything else separates; so "don't" is
 * "don" and "t", and a language without spaces must be given in words. A word
 * is looked up as it is written, then in lower case (simple case mapping,
 * Unicode 14). Nothing is normalised: an e with a combining accent is not the
 * letter e-acute.
 *
 * MIDGE_E_PARSE, with the line in err: a word twice, no word, too few or too
 * many numbers, one that is not finite as a float, another number of words than
 * the first line says, a zero byte (the binary form of word2vec is not read).
 * MIDGE_E_LIMIT: more than MIDGE_EMBED_DIM_MAX dimensions, 2^31 - 1 words, 4096
 * bytes in a word. `options` may be NULL.
 * Memory: 4 d + some 60 bytes a word, and never more than in proportion to the
 * file. Cost: linear, shared among the env's workers. */
MIDGE_API MIDGE_NODISCARD midge_status midge_embedder_words_new(
    const midge_env *env, const void *bytes, size_t size,
    const midge_words_options *options, midge_embedder **out, midge_error *err);

/* ---- Making one ---------------------------------------------------------- */

/* What stands behind an embedder. midge_embedder_embed looks at the texts
 * before (UTF-8) and at the vectors after (finite; zeros count as none). */
typedef struct midge_embedder_port {
    const char *kind; /* "words", "http": stands in the state */
    /* Why a text has none: "none of its words has a vector". */
    const char *no_vector;
    /* As midge_embedder_embed. batch->skipped is never NULL: it is 1 for blank
     * texts, for which nothing is to be done, and shall be 1 for others without
     * a vector. */
    midge_status (*embed)(void *self, const midge_embed_batch *batch,
                          float *out, midge_error *err);
    /* As midge_embedder_fit; may be NULL. */
    midge_status (*fit)(void *self, size_t count, const midge_text *texts,
                        int *fitted, midge_error *err);
    /* The part of the state that is the source's own: appended, and read from
     * exactly these bytes. */
    midge_status (*state_write)(const void *self, midge_buf *out);
    midge_status (*state_read)(void *self, const void *bytes, size_t size,
                               midge_error *err);
    void (*free)(void *self);
} midge_embedder_port;

/* `port` is borrowed for the life of the embedder, `name` copied; `self` is
 * taken: on failure too it is freed. */
MIDGE_API MIDGE_NODISCARD midge_status midge_embedder_new_take(
    const midge_env *env, const midge_embedder_port *port, void *self,
    uint32_t dim, const char *name, midge_embedder **out, midge_error *err);

#ifdef __cplusplus
}
#endif
#endif
