/* corpus_fmath.c: base/fmath.h in the corpus: what no kernel repeats, above all
 * the doubles, has the same bits on every target too. */
#include "base/fmath.h"
#include "kernels/corpus.h"

#include <string.h>

#define STEPS 120

static void add_double(mdg_corpus *s, double x) {
    uint32_t word[2] = {0, 0x7ff80000u}; /* every NaN counts as the same one */
    if (x == x) {
        memcpy(word, &x, sizeof word);
    }
    mdg_corpus_add_word(s, word[0]);
    mdg_corpus_add_word(s, word[1]);
}

static void floats(mdg_corpus *s, float x, float y) {
    s->b[0] = mdg_log_f32(x);
    s->b[1] = mdg_log1p_f32(x);
    s->b[2] = mdg_pow_f32(x, y);
    s->b[3] = mdg_erf_f32(x);
    s->b[4] = mdg_gelu_slope_f32(x);
    mdg_corpus_add(s, 5, s->b);
}

static void doubles(mdg_corpus *s, double x, double y) {
    add_double(s, mdg_exp_f64(x));
    add_double(s, mdg_log_f64(x));
    add_double(s, mdg_log1p_f64(x));
    add_double(s, mdg_tanh_f64(x));
    add_double(s, mdg_sin_f64(x));
    add_double(s, mdg_cos_f64(x));
    add_double(s, mdg_pow_f64(x, y));
    add_double(s, mdg_erf_f64(x));
}

void mdg_corpus_fmath(mdg_corpus *s) {
    mdg_corpus_fill(s, STEPS, s->a, 4.0f);
    mdg_corpus_fill(s, STEPS, s->a + STEPS, 700.0f);
    mdg_corpus_fill_special(s, STEPS, s->a + 2 * STEPS);
    for (size_t i = 0; i + 1 < 3 * STEPS; i++) {
        /* A third makes a double that is no float. */
        const float x = s->a[i], y = s->a[i + 1];
        floats(s, x, y);
        doubles(s, (double)x / 3.0, (double)y / 3.0);
    }
}
