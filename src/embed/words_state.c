/* words_state.c: the words' part of spec/formats/embedder.md. */
#include "embed/words.h"

#include "base/alloc.h"
#include "base/fmath.h"

midge_status mdg_words_state_write(const mdg_words *w, midge_buf *out) {
    (void)mdg_put_u64(out, w->bytes);
    (void)mdg_put_u32(out, w->crc);
    (void)mdg_put_u32(out, w->n_words);
    (void)mdg_put_u64(out, mdg_bits_of_f64(w->a));
    (void)mdg_put_u32(out, w->has_frequencies);
    (void)mdg_put_u32(out, w->frequencies_crc);
    (void)mdg_put_u32(out, w->component != NULL);
    if (w->component) {
        (void)mdg_put_f32s(out, w->component, w->dim);
    }
    return out->status;
}

static midge_status check_source(const mdg_words *w, mdg_reader *r,
                                 midge_error *err) {
    uint64_t bytes = mdg_get_u64(r);
    uint32_t crc = mdg_get_u32(r);
    uint32_t count = mdg_get_u32(r);
    double a = mdg_f64_of_bits(mdg_get_u64(r));
    uint32_t has_frequencies = mdg_get_u32(r);
    uint32_t frequencies_crc = mdg_get_u32(r);
    if (r->failed) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "the state of an embedder is cut short");
    }
    if (count != w->n_words || bytes != w->bytes || crc != w->crc) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "the index was made with other word vectors: %u "
                          "words, checksum %08x; these are %u words, checksum "
                          "%08x",
                          count, crc, w->n_words, w->crc);
    }
    if (a != w->a) {
        return midge_fail(err, MIDGE_E_MISMATCH,
                          "the index was made with a = %g, not %g", a, w->a);
    }
    if (has_frequencies != w->has_frequencies ||
        frequencies_crc != w->frequencies_crc) {
        return midge_fail(err, MIDGE_E_MISMATCH, "the index was made with %s",
                          !has_frequencies     ? "no list of frequencies"
                          : w->has_frequencies ? "another list of frequencies"
                                               : "a list of frequencies, "
                                                 "which is needed again");
    }
    return MIDGE_OK;
}

/* Finite and of unit length. */
static int is_direction(size_t dim, const float *u) {
    double squares = 0.0;
    for (size_t j = 0; j < dim; j++) {
        squares += (double)u[j] * (double)u[j];
    }
    return squares > 0.998 && squares < 1.002;
}

midge_status mdg_words_state_read(mdg_words *w, const void *bytes, size_t size,
                                  midge_error *err) {
    mdg_reader r;
    mdg_reader_init(&r, bytes, size);
    MIDGE_TRY(check_source(w, &r, err));
    uint32_t fitted = mdg_get_u32(&r);
    size_t wanted = fitted == 1 ? (size_t)w->dim * 4 : 0;
    if (r.failed || fitted > 1 || mdg_reader_left(&r) != wanted) {
        return midge_fail(err, MIDGE_E_CORRUPT,
                          "the state of an embedder has a wrong size");
    }
    float *component = NULL;
    if (fitted) {
        component = mdg_alloc(w->env, w->dim, sizeof *component);
        if (!component) {
            return MIDGE_E_NOMEM;
        }
        mdg_get_f32s(&r, component, w->dim);
        if (!is_direction(w->dim, component)) {
            mdg_release(w->env, component, w->dim, sizeof *component);
            return midge_fail(err, MIDGE_E_CORRUPT,
                              "the component of an embedder's state is not of "
                              "unit length");
        }
    }
    mdg_release(w->env, w->component, w->dim, sizeof *w->component);
    w->component = component;
    return MIDGE_OK;
}
