/* classification.c: measures of class probabilities against classes. */
#include "measure/auc.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmath.h"

#define BINS  15
#define LEAST 1e-15 /* a probability that is taken for log loss */

typedef struct counts { /* of a class */
    uint64_t rows;
    uint64_t predicted;
    uint64_t both;
} counts;

typedef struct bin {
    uint64_t rows;
    uint64_t right;
    double confidence;
} bin;

static double nan_f64(void) {
    return (double)mdg_f32_of_bits(0x7fc00000u);
}

static double ratio(double a, double b) {
    return b > 0.0 ? a / b : nan_f64();
}

/* Of row i: the predicted class, and its probability. */
static uint32_t predicted_class(const mdg_predictions *p, size_t i,
                                double *confidence) {
    uint32_t best = 0;
    *confidence = mdg_probability(p, i, 0);
    for (uint32_t c = 1; c < p->n_classes; c++) {
        double v = mdg_probability(p, i, c);
        if (v > *confidence) {
            *confidence = v;
            best = c;
        }
    }
    return best;
}

static void count_row(uint32_t truth, uint32_t said, uint32_t n_classes,
                      counts *of, uint64_t *confusion) {
    of[truth].rows++;
    of[said].predicted++;
    of[truth].both += truth == said;
    if (confusion) {
        confusion[(size_t)truth * n_classes + said]++;
    }
}

static void put_in_bin(bin *bins, double confidence, int is_right) {
    double place = confidence * BINS;
    bin *b = &bins[place >= BINS ? BINS - 1 : place > 0.0 ? (int)place : 0];
    b->rows++;
    b->right += is_right != 0;
    b->confidence += confidence;
}

static double calibration_error(const bin *bins, size_t n_rows) {
    double sum = 0.0;
    for (int i = 0; i < BINS; i++) {
        double off = bins[i].confidence - (double)bins[i].right;
        sum += off < 0.0 ? -off : off;
    }
    return ratio(sum, (double)n_rows);
}

/* Counts; and what is a mean over rows. */
static void count_rows(const mdg_predictions *p, counts *of,
                       uint64_t *confusion,
                       midge_classification_measures *out) {
    bin bins[BINS];
    double loss = 0.0;
    size_t right = 0;
    memset(bins, 0, sizeof bins);
    for (size_t i = 0; i < p->n_rows; i++) {
        double confidence;
        double of_truth = 0.0;
        uint32_t said = predicted_class(p, i, &confidence);
        int is_right = p->label[i] == (int32_t)said;
        if (p->label[i] >= 0) {
            count_row((uint32_t)p->label[i], said, p->n_classes, of, confusion);
            of_truth = mdg_probability(p, i, (uint32_t)p->label[i]);
        }
        loss -= mdg_log_f64(of_truth > LEAST ? of_truth : LEAST);
        right += (size_t)is_right;
        put_in_bin(bins, confidence, is_right);
    }
    out->accuracy = ratio((double)right, (double)p->n_rows);
    out->log_loss = ratio(loss, (double)p->n_rows);
    out->calibration_error = calibration_error(bins, p->n_rows);
}

static midge_class_measures measure_class(const counts *of) {
    double both = (double)of->both;
    /* 2 / (1 / precision + 1 / recall), also where one of them is undefined. */
    return (midge_class_measures){
        ratio(both, (double)of->predicted), ratio(both, (double)of->rows),
        ratio(2.0 * both, (double)of->predicted + (double)of->rows),
        (size_t)of->rows};
}

static void measure_classes(const counts *of, uint32_t n_classes,
                            midge_classification_measures *out,
                            midge_class_measures *classes) {
    double precision = 0.0, recall = 0.0, f1 = 0.0, n = 0.0;
    for (uint32_t c = 0; c < n_classes; c++) {
        midge_class_measures m = measure_class(&of[c]);
        if (classes) {
            classes[c] = m;
        }
        if (of[c].rows > 0) {
            precision += of[c].predicted > 0 ? m.precision : 0.0;
            recall += m.recall;
            f1 += m.f1;
            n += 1.0;
        }
    }
    out->macro_precision = ratio(precision, n);
    out->macro_recall = ratio(recall, n);
    out->balanced_accuracy = out->macro_recall;
    out->macro_f1 = ratio(f1, n);
}

static int are_valid(const mdg_predictions *p) {
    for (size_t i = 0; i < p->n_rows; i++) {
        if (p->label[i] < -1 || p->label[i] >= (int64_t)p->n_classes) {
            return 0;
        }
    }
    for (size_t i = 0; i < p->n_rows * p->n_outputs; i++) {
        if (!(p->p[i] - p->p[i] == 0.0f)) {
            return 0;
        }
    }
    return 1;
}

midge_status midge_measure_classification(const midge_env *env, size_t n_rows,
                                          uint32_t n_outputs, const float *p,
                                          const int32_t *label,
                                          midge_classification_measures *out,
                                          midge_class_measures *classes,
                                          uint64_t *confusion) {
    mdg_predictions all = {n_rows, n_outputs, n_outputs == 1 ? 2 : n_outputs, p,
                           label};
    if (!env || !env->realloc_fn || !out || n_outputs == 0 ||
        n_rows > UINT32_MAX || (n_rows > 0 && (!p || !label)) ||
        !are_valid(&all)) {
        return MIDGE_E_INVALID;
    }
    memset(out, 0, sizeof *out);
    out->n_rows = n_rows;
    if (confusion) {
        memset(confusion, 0,
               (size_t)all.n_classes * all.n_classes * sizeof *confusion);
    }
    counts *of = mdg_alloc_zero(env, all.n_classes, sizeof *of);
    if (!of) {
        return MIDGE_E_NOMEM;
    }
    count_rows(&all, of, confusion, out);
    measure_classes(of, all.n_classes, out, classes);
    mdg_release(env, of, all.n_classes, sizeof *of);
    return mdg_auc(env, &all, &out->auc);
}
