/* scaling.c: columns brought to a range, and back. All kinds are the one
 * formula of nn.h; they differ in what they call mean and deviation. */
#include "base/alloc.h"
#include "base/fmath.h"
#include "base/sort.h"
#include "nn/net.h"

/* The quartiles of a normal distribution are this many deviations apart. */
#define QUARTILES 1.3489795

int mdg_scaling_good(size_t n, const midge_scaling *s) {
    for (size_t i = 0; i < n; i++) {
        float sum = s[i].mean + s[i].deviation + s[i].new_min + s[i].factor;
        if (sum - sum != 0.0f || s[i].deviation == 0.0f ||
            s[i].factor == 0.0f) {
            return 0;
        }
    }
    return 1;
}

/* Mean and deviation, summed in order, in double; the second pass is over
 * differences, so that a large mean costs no digits. */
static void moments(const float *x, size_t stride, size_t n,
                    midge_scaling *out) {
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i * stride];
    }
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        double e = (double)x[i * stride] - mean;
        squares += e * e;
    }
    out->mean = (float)mean;
    out->deviation = (float)mdg_sqrt_f64(squares / (double)n);
}

/* Middle and half width of what there is. */
static void extremes(const float *x, size_t stride, size_t n,
                     midge_scaling *out) {
    float least = x[0];
    float most = x[0];
    for (size_t i = 1; i < n; i++) {
        float v = x[i * stride];
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    out->mean = least / 2 + most / 2;
    out->deviation = most / 2 - least / 2;
}

/* Between the neighbours of the place `share` of the way (Hyndman & Fan 1996,
 * number 7). */
static double quantile(const uint64_t *sorted, size_t n, double share) {
    double place = share * (double)(n - 1);
    size_t at = (size_t)place;
    size_t next = at + 1 < n ? at + 1 : at;
    double low = (double)mdg_f32_of_key((uint32_t)sorted[at]);
    double high = (double)mdg_f32_of_key((uint32_t)sorted[next]);
    return low + (place - (double)at) * (high - low);
}

static midge_status quartiles(const midge_env *env, const float *x,
                              size_t stride, size_t n, midge_scaling *out) {
    uint64_t *sorted = mdg_alloc(env, n, sizeof *sorted);
    if (!sorted) {
        return MIDGE_E_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        sorted[i] = mdg_key_of_f32(x[i * stride]);
    }
    mdg_sort_u64(sorted, n);
    out->mean = (float)quantile(sorted, n, 0.5);
    out->deviation =
        (float)((quantile(sorted, n, 0.75) - quantile(sorted, n, 0.25)) /
                QUARTILES);
    mdg_release(env, sorted, n, sizeof *sorted);
    return MIDGE_OK;
}

midge_status midge_scaling_fit(const midge_env *env, midge_scale kind,
                               float new_min, float new_max,
                               const float *column, size_t stride,
                               size_t n_rows, midge_scaling *out) {
    if (!out) {
        return MIDGE_E_INVALID;
    }
    *out = (midge_scaling){0, 1, -1, 1}; /* changes nothing */
    int ranged = kind == MIDGE_SCALE_MIN_MAX || kind == MIDGE_SCALE_FANN;
    if (!env || !column || stride < 1 || n_rows < 1 ||
        (int)kind < MIDGE_SCALE_NONE || (int)kind > MIDGE_SCALE_FANN ||
        (ranged && !(new_max > new_min && new_max - new_min < 1e30f))) {
        return MIDGE_E_INVALID;
    }
    if (kind == MIDGE_SCALE_MIN_MAX) {
        extremes(column, stride, n_rows, out);
    } else if (kind == MIDGE_SCALE_ROBUST) {
        MIDGE_TRY(quartiles(env, column, stride, n_rows, out));
    } else if (kind != MIDGE_SCALE_NONE) {
        moments(column, stride, n_rows, out);
    }
    if (ranged) {
        out->new_min = new_min;
        out->factor = (new_max - new_min) / 2;
    }
    if (out->deviation == 0.0f) {
        out->deviation = 1;
    }
    return mdg_scaling_good(1, out) ? MIDGE_OK : MIDGE_E_INVALID;
}

void midge_scaling_apply(const midge_scaling *scaling, size_t n_columns,
                         size_t n_rows, float *x) {
    for (size_t i = 0; scaling && i < n_rows; i++, x += n_columns) {
        for (size_t c = 0; c < n_columns; c++) {
            const midge_scaling *s = &scaling[c];
            x[c] = ((x[c] - s->mean) / s->deviation + 1.0f) * s->factor +
                   s->new_min;
        }
    }
}

void midge_scaling_undo(const midge_scaling *scaling, size_t n_columns,
                        size_t n_rows, float *x) {
    for (size_t i = 0; scaling && i < n_rows; i++, x += n_columns) {
        for (size_t c = 0; c < n_columns; c++) {
            const midge_scaling *s = &scaling[c];
            x[c] = ((x[c] - s->new_min) / s->factor - 1.0f) * s->deviation +
                   s->mean;
        }
    }
}
