/* words.c: word vectors behind the port of embedders. */
#include "embed/words.h"

#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "base/parallel.h"

#define TEXTS_AT_ONCE 4096u /* between two calls of progress */
#define TEXTS_A_SHARE 16u

/* ---- Embedding ----------------------------------------------------------- */

typedef struct shares {
    mdg_words_job job;
    size_t first;
    mdg_words_counts *counts; /* one a worker */
} shares;

static void embed_share(void *arg, size_t begin, size_t end, unsigned worker) {
    shares *s = arg;
    mdg_words_embed(&s->job, s->first + begin, s->first + end,
                    &s->counts[worker]);
}

static void add_counts(midge_embed_report *report, unsigned workers,
                       const mdg_words_counts *counts) {
    for (unsigned i = 0; report && i < workers; i++) {
        report->n_words += counts[i].n_words;
        report->n_unknown += counts[i].n_unknown;
    }
}

static midge_status embed_all(const mdg_words *w, shares *s,
                              const midge_embed_batch *batch,
                              midge_error *err) {
    while (s->first < batch->count) {
        size_t n = batch->count - s->first;
        n = n < TEXTS_AT_ONCE ? n : TEXTS_AT_ONCE;
        mdg_parallel_for(w->env, n, TEXTS_A_SHARE, embed_share, s);
        s->first += n;
        if (batch->progress &&
            batch->progress(batch->progress_ctx, s->first, batch->count)) {
            return midge_fail(err, MIDGE_E_CANCELLED, "cancelled");
        }
    }
    return MIDGE_OK;
}

static midge_status embed_batch(const mdg_words *w, const float *component,
                                const midge_embed_batch *batch, float *out,
                                midge_error *err) {
    unsigned workers = mdg_workers(w->env);
    shares s = {.job = {w, batch->texts, out, batch->skipped, component}};
    s.counts = mdg_alloc_zero(w->env, workers, sizeof *s.counts);
    if (!s.counts) {
        return MIDGE_E_NOMEM;
    }
    midge_status status = embed_all(w, &s, batch, err);
    add_counts(batch->report, workers, s.counts);
    mdg_release(w->env, s.counts, workers, sizeof *s.counts);
    return status;
}

static midge_status embed(void *self, const midge_embed_batch *batch,
                          float *out, midge_error *err) {
    const mdg_words *w = self;
    return embed_batch(w, w->component, batch, out, err);
}

/* ---- Fitting ------------------------------------------------------------- */

/* Moves the rows that are not skipped together; returns how many they are. */
static size_t close_gaps(size_t count, size_t dim, const uint8_t *skipped,
                         float *x) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!skipped[i]) {
            for (size_t j = 0; n < i && j < dim; j++) {
                x[n * dim + j] = x[i * dim + j];
            }
            n++;
        }
    }
    return n;
}

static midge_status fit_sample(mdg_words *w, const midge_embed_batch *sample,
                               float *x, int *fitted, midge_error *err) {
    MIDGE_TRY(embed_batch(w, NULL, sample, x, err));
    size_t n = close_gaps(sample->count, w->dim, sample->skipped, x);
    if (n < MIDGE_EMBED_FIT_MIN) {
        return MIDGE_OK;
    }
    float *component = mdg_alloc(w->env, w->dim, sizeof *component);
    if (!component) {
        return MIDGE_E_NOMEM;
    }
    midge_status status =
        mdg_component(w->env, w->kernels, n, w->dim, x, component);
    if (status != MIDGE_OK) {
        mdg_release(w->env, component, w->dim, sizeof *component);
        return status == MIDGE_E_LIMIT
                   ? midge_fail(err, status, "the word vectors are too large")
                   : status;
    }
    mdg_release(w->env, w->component, w->dim, sizeof *w->component);
    w->component = component;
    *fitted = 1;
    return MIDGE_OK;
}

static midge_status fit(void *self, size_t count, const midge_text *texts,
                        int *fitted, midge_error *err) {
    mdg_words *w = self;
    size_t n = count < MIDGE_EMBED_FIT_MAX ? count : MIDGE_EMBED_FIT_MAX;
    size_t floats = 0;
    midge_text *some = NULL;
    float *x = NULL;
    if (n < MIDGE_EMBED_FIT_MIN) {
        return MIDGE_OK;
    }
    midge_status status = MIDGE_E_NOMEM;
    uint8_t *skipped = mdg_alloc_zero(w->env, n, 1);
    some = mdg_alloc(w->env, n, sizeof *some);
    if (mdg_multiply_size(n, w->dim, &floats)) {
        x = mdg_alloc(w->env, floats, sizeof *x);
    }
    if (skipped && some && x) {
        for (size_t i = 0; i < n; i++) {
            some[i] = texts[(uint64_t)i * count / n];
        }
        midge_embed_batch sample = {
            .count = n, .texts = some, .skipped = skipped};
        status = fit_sample(w, &sample, x, fitted, err);
    }
    mdg_release(w->env, x, floats, sizeof *x);
    mdg_release(w->env, some, n, sizeof *some);
    mdg_release(w->env, skipped, n, 1);
    return status;
}

/* ---- The port ------------------------------------------------------------ */

static midge_status state_write(const void *self, midge_buf *out) {
    return mdg_words_state_write(self, out);
}

static midge_status state_read(void *self, const void *bytes, size_t size,
                               midge_error *err) {
    return mdg_words_state_read(self, bytes, size, err);
}

static void free_words(void *self) {
    mdg_words *w = self;
    const midge_env *env = w->env;
    mdg_words_deinit(w);
    mdg_release(env, w, 1, sizeof *w);
}

static const midge_embedder_port words_port = {
    .kind = "words",
    .no_vector = "none of its words has a vector",
    .embed = embed,
    .fit = fit,
    .state_write = state_write,
    .state_read = state_read,
    .free = free_words,
};

/* ---- Making one ---------------------------------------------------------- */

static void put_number(midge_buf *buf, uint32_t value) {
    char digits[MDG_DECIMAL_MAX];
    (void)midge_buf_append(buf, digits, mdg_decimal_write_i64(value, digits));
}

static midge_status make_name(const mdg_words *w, const char *name,
                              midge_buf *buf) {
    put_number(buf, w->n_words);
    (void)midge_buf_puts(buf, " words of ");
    put_number(buf, w->dim);
    (void)midge_buf_puts(buf, " dimensions");
    if (name) {
        (void)midge_buf_puts(buf, " (");
        (void)midge_buf_puts(buf, name);
        (void)midge_buf_puts(buf, ")");
    }
    return midge_buf_terminate(buf);
}

/* Puts the name of the file before an error's text. */
static midge_status name_error(midge_status status, const char *name,
                               midge_error *err) {
    if (err && name && status != MIDGE_OK) {
        char text[MIDGE_ERROR_TEXT_MAX];
        int64_t line = err->line;
        memcpy(text, err->text, sizeof text);
        (void)midge_fail(err, status, "%s: %s", name, text);
        err->line = line;
    }
    return status;
}

/* The helpers that have no err run out of memory, and nothing else. */
static midge_status tell(midge_status status, midge_error *err) {
    return status == MIDGE_E_NOMEM
               ? midge_fail(err, status, "no memory for the word vectors")
               : status;
}

static midge_status finish(mdg_words *w, const midge_words_options *options,
                           midge_embedder **out, midge_error *err) {
    midge_buf name;
    midge_buf_init(&name, w->env, 0);
    midge_status status = make_name(w, options->name, &name);
    if (status == MIDGE_OK) {
        status = midge_embedder_new_take(w->env, &words_port, w, w->dim,
                                         name.data, out, err);
    } else {
        free_words(w);
    }
    midge_buf_deinit(&name);
    return status;
}

midge_status midge_embedder_words_new(const midge_env *env, const void *bytes,
                                      size_t size,
                                      const midge_words_options *options,
                                      midge_embedder **out, midge_error *err) {
    static const midge_words_options defaults = {0};
    if (!out) {
        return midge_fail(err, MIDGE_E_INVALID, "out is NULL");
    }
    *out = NULL;
    if (!env || !env->realloc_fn || (!bytes && size > 0)) {
        return midge_fail(err, MIDGE_E_INVALID, "env or bytes missing");
    }
    options = options ? options : &defaults;
    if (size == 0) {
        return name_error(midge_fail(err, MIDGE_E_PARSE, "the file is empty"),
                          options->name, err);
    }
    if (!options->frequencies && options->frequencies_size > 0) {
        return midge_fail(err, MIDGE_E_INVALID, "frequencies is NULL");
    }
    if (!options->texts && options->n_texts > 0) {
        return midge_fail(err, MIDGE_E_INVALID, "texts is NULL");
    }
    mdg_words *w = mdg_alloc_zero(env, 1, sizeof *w);
    if (!w) {
        return tell(MIDGE_E_NOMEM, err);
    }
    w->env = env;
    w->kernels = mdg_kernels_select(env->cpu);
    midge_status status =
        tell(mdg_words_read(w, bytes, size, options, err), err);
    const char *name = options->name;
    if (status == MIDGE_OK) {
        status = tell(mdg_words_weigh(w, options, err), err);
        name = options->frequencies_name;
    }
    if (status != MIDGE_OK) {
        free_words(w);
        return name_error(status, name, err);
    }
    return tell(finish(w, options, out, err), err);
}
