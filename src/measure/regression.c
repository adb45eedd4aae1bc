/* regression.c: measures of numbers against numbers. */
#include "midge/measure.h"

#include "base/fmath.h"

static double mean_of(const float *t, size_t n_rows, uint32_t stride) {
    double sum = 0.0;
    for (size_t i = 0; i < n_rows; i++) {
        sum += (double)t[i * stride];
    }
    return sum / (double)n_rows;
}

/* Sum of squares about each output's own mean. */
static double spread_of(const float *t, size_t n_rows, uint32_t n_outputs) {
    double sum = 0.0;
    for (uint32_t j = 0; j < n_outputs; j++) {
        double mean = mean_of(t + j, n_rows, n_outputs);
        for (size_t i = 0; i < n_rows; i++) {
            double d = (double)t[i * n_outputs + j] - mean;
            sum += d * d;
        }
    }
    return sum;
}

midge_status midge_measure_regression(size_t n_rows, uint32_t n_outputs,
                                      const float *y, const float *t,
                                      float bit_fail_limit,
                                      midge_regression_measures *out) {
    const double nan = (double)mdg_f32_of_bits(0x7fc00000u);
    if (!out || n_outputs == 0 || (n_rows > 0 && (!y || !t))) {
        return MIDGE_E_INVALID;
    }
    *out = (midge_regression_measures){n_rows, nan, nan, nan, nan, 0};
    if (n_rows == 0) {
        return MIDGE_OK;
    }
    double squares = 0.0, sizes = 0.0;
    const double count = (double)n_rows * (double)n_outputs;
    for (size_t i = 0; i < n_rows * n_outputs; i++) {
        double e = (double)y[i] - (double)t[i];
        double size = e < 0.0 ? -e : e;
        squares += e * e;
        sizes += size;
        out->bit_fail += size >= (double)bit_fail_limit;
    }
    out->mse = squares / count;
    out->rmse = mdg_sqrt_f64(out->mse);
    out->mae = sizes / count;
    double spread = spread_of(t, n_rows, n_outputs);
    if (spread > 0.0) {
        out->r2 = 1.0 - squares / spread;
    }
    return MIDGE_OK;
}
