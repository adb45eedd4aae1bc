/* words_weigh.c: how much each word counts: smooth inverse frequency,
 * a / (a + p(word)), with p from a list of frequencies or by Zipf's law. */
#include "embed/words.h"

#include "base/alloc.h"

#define COUNT_DIGITS 15u /* below 2^53: exact as a double */

typedef struct tally {
    mdg_words *w;
    uint64_t *counts; /* (w->capacity): of the words that have vectors */
    uint64_t total;   /* of all words */
    mdg_map seen;     /* every word of the list -> its line */
} tally;

static midge_status weigh_by_rank(mdg_words *w) {
    double harmonic = 0.0;
    for (uint32_t i = w->n_words; i > 0; i--) { /* small ones first */
        harmonic += 1.0 / i;
    }
    for (uint32_t i = 0; i < w->count; i++) {
        double rank = w->ranks ? w->ranks[i] : (double)i + 1.0;
        double p = 1.0 / rank / harmonic;
        w->weights[i] = (float)(w->a / (w->a + p));
    }
    return MIDGE_OK;
}

static int read_count(const char *s, size_t size, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < size; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return 0;
        }
        *out = *out * 10 + (uint64_t)(s[i] - '0');
    }
    return size > 0 && size <= COUNT_DIGITS;
}

/* "word count" */
static midge_status take_count(tally *t, const char *line, size_t size,
                               uint32_t number, midge_error *err) {
    size_t from = mdg_last_field(line, size);
    uint64_t count;
    if (size == 0) {
        return mdg_fail_line(err, MIDGE_E_PARSE, number, "nothing in it");
    }
    if (from < 2 || !read_count(line + from, size - from, &count)) {
        return mdg_fail_line(err, MIDGE_E_PARSE, number,
                             "not a word and a whole number of at most 15 "
                             "digits");
    }
    size_t word_size = from - 1;
    if (word_size > MDG_WORD_BYTES_MAX) {
        return mdg_fail_line(err, MIDGE_E_LIMIT, number,
                             "a word of more than 4096 bytes");
    }
    if (mdg_map_get(&t->seen, line, (uint32_t)word_size) != 0) {
        return mdg_fail_line(err, MIDGE_E_PARSE, number,
                             "a word that the list has already");
    }
    MIDGE_TRY(mdg_map_put(&t->seen, line, (uint32_t)word_size, number));
    uint32_t row = mdg_map_get(&t->w->rows, line, (uint32_t)word_size);
    if (row != 0) {
        t->counts[row - 1] = count;
    }
    t->total += count; /* 2^31 lines of at most 10^15: no overflow */
    return MIDGE_OK;
}

static midge_status take_counts(tally *t, const char *bytes, size_t size,
                                midge_error *err) {
    const char *at = bytes;
    const char *end = bytes + size;
    const char *line;
    size_t line_size;
    for (uint32_t number = 1; mdg_take_line(&at, end, &line, &line_size);
         number++) {
        if (number > MDG_WORDS_MAX) {
            return mdg_fail_line(err, MIDGE_E_LIMIT, number,
                                 "more than 2147483647 words");
        }
        MIDGE_TRY(take_count(t, line, line_size, number, err));
    }
    if (t->total == 0) {
        return midge_fail(err, MIDGE_E_PARSE,
                          "the list of frequencies counts nothing");
    }
    return MIDGE_OK;
}

static midge_status weigh_by_counts(mdg_words *w, const char *bytes,
                                    size_t size, midge_error *err) {
    tally t = {.w = w};
    mdg_map_init(&t.seen, w->env, size);
    t.counts = mdg_alloc_zero(w->env, w->capacity, sizeof *t.counts);
    midge_status status = t.counts ? MIDGE_OK : MIDGE_E_NOMEM;
    if (status == MIDGE_OK) {
        status = take_counts(&t, bytes, size, err);
    }
    for (uint32_t i = 0; status == MIDGE_OK && i < w->count; i++) {
        double p = (double)t.counts[i] / (double)t.total;
        w->weights[i] = (float)(w->a / (w->a + p));
    }
    mdg_release(w->env, t.counts, w->capacity, sizeof *t.counts);
    mdg_map_deinit(&t.seen);
    w->has_frequencies = 1;
    w->frequencies_crc = MDG_KERNEL(w->kernels, crc32c)(0, bytes, size);
    return status;
}

midge_status mdg_words_weigh(mdg_words *w, const midge_words_options *options,
                             midge_error *err) {
    double a = options->a == 0.0 ? MDG_SIF_A : options->a;
    if (!(a > 0.0) || a - a != 0.0) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "a is %g, not a finite number above 0", a);
    }
    w->a = a;
    w->weights = mdg_alloc(w->env, w->capacity, sizeof *w->weights);
    if (!w->weights) {
        return MIDGE_E_NOMEM;
    }
    if (!options->frequencies) {
        return weigh_by_rank(w);
    }
    return weigh_by_counts(w, options->frequencies, options->frequencies_size,
                           err);
}
