/* learn_select.c: greedy selection.
 *
 * What a step gains: accuracy minus the Brier score (mean squared error of the
 * probabilities), or minus the squared error for regression. Accuracy alone
 * moves in steps of one row and cannot tell near misses from far ones; the
 * smooth part breaks its many ties.
 */
#include "ops/learn_select.h"

#include <string.h>

#include "base/alloc.h"
#include "ops/learn_score.h"

#define BAGS     16u
#define STEPS    20u
#define ROWS_MAX 20000u /* of one bag */

typedef struct bag {
    const mdg_select *select;
    const uint32_t *rows;
    size_t n_rows;
    float *sum; /* (n_rows, n_outputs): of those chosen so far */
} bag;

/* Gain of one row whose outputs are (s + p) / k. */
static double row_gain(const mdg_select *s, const float *sum, const float *p,
                       const float *t, float k) {
    uint32_t best = 0;
    float best_y = 0.0f;
    double error = 0.0;
    for (uint32_t j = 0; j < s->n_outputs; j++) {
        float y = (sum[j] + p[j]) / k;
        double d = (double)(y - t[j]);
        error += d * d;
        if (j == 0 || y > best_y) {
            best = j;
            best_y = y;
        }
    }
    int hit = s->problem == MIDGE_PROBLEM_CLASSIFY && t[best] > 0.5f;
    return (hit ? 1.0 : 0.0) - error;
}

static double gain_with(const bag *b, uint32_t candidate, uint32_t n_chosen) {
    const mdg_select *s = b->select;
    double sum = 0.0;
    for (size_t i = 0; i < b->n_rows; i++) {
        size_t at = (size_t)b->rows[i] * s->n_outputs;
        sum += row_gain(s, b->sum + i * s->n_outputs, s->oof[candidate] + at,
                        s->t + at, (float)(n_chosen + 1));
    }
    return sum / (double)b->n_rows;
}

static void choose(const bag *b, uint32_t candidate) {
    const mdg_select *s = b->select;
    for (size_t i = 0; i < b->n_rows; i++) {
        const float *p = s->oof[candidate] + (size_t)b->rows[i] * s->n_outputs;
        for (uint32_t j = 0; j < s->n_outputs; j++) {
            b->sum[i * s->n_outputs + j] += p[j];
        }
    }
}

/* STEPS greedy steps; adds the shares at the best of them to `weight`. */
static void run_bag(const bag *b, float *weight) {
    const mdg_select *s = b->select;
    uint32_t count[MDG_SELECT_MAX] = {0};
    uint32_t best_count[MDG_SELECT_MAX] = {0};
    uint32_t best_size = 0;
    double best_gain = 0.0;
    memset(b->sum, 0, b->n_rows * s->n_outputs * sizeof(float));
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t best = 0;
        double gain = 0.0;
        for (uint32_t c = 0; c < s->n_candidates; c++) {
            double g = gain_with(b, c, step);
            if (c == 0 || g > gain) {
                best = c;
                gain = g;
            }
        }
        choose(b, best);
        count[best]++;
        if (step == 0 || gain > best_gain) {
            best_gain = gain;
            best_size = step + 1;
            memcpy(best_count, count, sizeof count);
        }
    }
    for (uint32_t c = 0; c < s->n_candidates; c++) {
        weight[c] += (float)best_count[c] / (float)best_size / (float)BAGS;
    }
}

/* Small weights cost time at every prediction and change little. */
static void drop_small(const mdg_select *s, float *weight) {
    float sum = 0.0f;
    for (uint32_t c = 0; c < s->n_candidates; c++) {
        weight[c] = weight[c] < 0.03f ? 0.0f : weight[c];
        sum += weight[c];
    }
    for (uint32_t c = 0; c < s->n_candidates; c++) {
        weight[c] =
            sum > 0.0f ? weight[c] / sum : 1.0f / (float)s->n_candidates;
    }
}

midge_status mdg_select_run(const mdg_select *select, mdg_rng *rng,
                            float *weight, midge_error *err) {
    const mdg_select *s = select;
    size_t half = (s->n_rows + 1) / 2;
    half = half > ROWS_MAX ? ROWS_MAX : half;
    uint32_t *order = mdg_alloc(s->env, s->n_rows, sizeof *order);
    float *sum = mdg_alloc(s->env, half * s->n_outputs, sizeof *sum);
    midge_status status = MIDGE_OK;
    memset(weight, 0, s->n_candidates * sizeof *weight);
    if (!order || !sum) {
        status = midge_fail(err, MIDGE_E_NOMEM, "out of memory");
        goto done;
    }
    for (size_t i = 0; i < s->n_rows; i++) {
        order[i] = (uint32_t)i;
    }
    for (uint32_t b = 0; b < BAGS; b++) {
        mdg_rng_shuffle(rng, order, s->n_rows);
        bag one = {s, order, half, sum};
        run_bag(&one, weight);
    }
    drop_small(s, weight);
done:
    mdg_release(s->env, sum, half * s->n_outputs, sizeof *sum);
    mdg_release(s->env, order, s->n_rows, sizeof *order);
    return status;
}

void mdg_select_mix(const mdg_select *select, const float *weight, float *y) {
    size_t count = select->n_rows * select->n_outputs;
    memset(y, 0, count * sizeof *y);
    for (uint32_t c = 0; c < select->n_candidates; c++) {
        for (size_t i = 0; weight[c] > 0.0f && i < count; i++) {
            y[i] += weight[c] * select->oof[c][i];
        }
    }
}
