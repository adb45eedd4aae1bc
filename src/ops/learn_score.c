/* learn_score.c: gains, standard errors, bootstrap intervals. Sums are plain
 * loops in double, in order: the same everywhere. */
#include "ops/learn_score.h"

#include "base/fmath.h"
#include "base/sort.h"

uint32_t mdg_score_class(const float *y, uint32_t n_outputs) {
    uint32_t best = 0;
    for (uint32_t j = 1; j < n_outputs; j++) {
        best = y[j] > y[best] ? j : best;
    }
    return best;
}

static void gains_classify(size_t n_rows, uint32_t n_outputs, const float *y,
                           const float *t, double *gain) {
    for (size_t i = 0; i < n_rows; i++) {
        uint32_t said = mdg_score_class(y + i * n_outputs, n_outputs);
        gain[i] = t[i * n_outputs + said] > 0.5f ? 1.0 : 0.0;
    }
}

static void gains_regress(size_t n_rows, const float *y, const float *t,
                          double *gain) {
    double mean = 0.0;
    double variance = 0.0;
    for (size_t i = 0; i < n_rows; i++) {
        mean += (double)t[i] / (double)n_rows;
    }
    for (size_t i = 0; i < n_rows; i++) {
        double d = (double)t[i] - mean;
        variance += d * d / (double)n_rows;
    }
    for (size_t i = 0; i < n_rows; i++) {
        double d = (double)t[i] - (double)y[i];
        gain[i] = variance > 0.0 ? 1.0 - d * d / variance : 0.0;
    }
}

void mdg_score_gains(midge_problem problem, size_t n_rows, uint32_t n_outputs,
                     const float *y, const float *t, double *gain) {
    if (problem == MIDGE_PROBLEM_CLASSIFY) {
        gains_classify(n_rows, n_outputs, y, t, gain);
    } else {
        gains_regress(n_rows, y, t, gain);
    }
}

double mdg_score_mean(const double *gain, size_t n) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += gain[i];
    }
    return n > 0 ? sum / (double)n : 0.0;
}

double mdg_score_error(const double *gain, size_t n) {
    double mean = mdg_score_mean(gain, n);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += (gain[i] - mean) * (gain[i] - mean);
    }
    return n > 1 ? mdg_sqrt_f64(sum / (double)(n - 1) / (double)n) : 0.0;
}

mdg_interval mdg_score_bootstrap(const double *gain, size_t n,
                                 uint32_t resamples, mdg_rng *rng,
                                 uint64_t *scratch) {
    for (uint32_t r = 0; r < resamples; r++) {
        double sum = 0.0;
        for (size_t i = 0; i < n; i++) {
            sum += gain[mdg_rng_below(rng, (uint32_t)n)];
        }
        scratch[r] = mdg_key_of_f64(sum / (double)n);
    }
    mdg_sort_u64(scratch, resamples);
    uint32_t tail = resamples / 40; /* 2.5 % */
    return (mdg_interval){mdg_f64_of_key(scratch[tail]),
                          mdg_f64_of_key(scratch[resamples - 1 - tail])};
}
