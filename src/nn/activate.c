/* activate.c: y = f(s x) and its derivative, for arrays and for runs of columns
 * of a matrix.
 *
 * An activation is a kernel of the array with a factor before it and a line
 * after it, where there is such a kernel; else a plain loop, element by element
 * (which a compiler may vectorise, with the same bits). The factor of the
 * steepness costs a pass of its own only where it is not 1. Columns that are
 * not a whole matrix are brought together CHUNK values at a time. */
#include "base/fmath.h"
#include "nn/net.h"

#include <string.h>

#define CHUNK 256

/* ---- Facts. -------------------------------------------------------------- */

float midge_activation_steepness(midge_activation activation) {
    return activation == MIDGE_ACT_SIGMOID ||
                   activation == MIDGE_ACT_SIGMOID_STEPWISE
               ? 0.5f
               : 1.0f;
}

int mdg_activation_symmetric(midge_activation activation) {
    switch (activation) {
    case MIDGE_ACT_THRESHOLD_SYMMETRIC:
    case MIDGE_ACT_SIGMOID_SYMMETRIC:
    case MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE:
    case MIDGE_ACT_GAUSSIAN_SYMMETRIC:
    case MIDGE_ACT_ELLIOT_SYMMETRIC:
    case MIDGE_ACT_LINEAR_PIECE_SYMMETRIC:
    case MIDGE_ACT_SIN_SYMMETRIC:
    case MIDGE_ACT_COS_SYMMETRIC:
        return 1;
    default:
        return 0;
    }
}

int mdg_activation_trainable(midge_activation activation) {
    return activation != MIDGE_ACT_THRESHOLD &&
           activation != MIDGE_ACT_THRESHOLD_SYMMETRIC;
}

int mdg_activation_needs_sum(midge_activation activation) {
    switch (activation) {
    case MIDGE_ACT_SIGMOID_STEPWISE:
    case MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE:
    case MIDGE_ACT_GAUSSIAN:
    case MIDGE_ACT_GAUSSIAN_SYMMETRIC:
    case MIDGE_ACT_GAUSSIAN_STEPWISE:
    case MIDGE_ACT_SIN_SYMMETRIC:
    case MIDGE_ACT_COS_SYMMETRIC:
    case MIDGE_ACT_SIN:
    case MIDGE_ACT_COS:
    case MIDGE_ACT_GELU:
    case MIDGE_ACT_SILU:
    case MIDGE_ACT_SOFTPLUS:
        return 1;
    default:
        return 0;
    }
}

/* ---- Stepwise curves. ---------------------------------------------------- */

/* The points of FANN's (and their rounding, which is not the same on both
 * sides), so that its files mean the same here. */
static const mdg_steps sigmoid_steps = {
    {-2.64665246009826660156f, -1.47221946716308593750f,
     -0.549306154251098632812f, 0.549306154251098632812f,
     1.47221934795379638672f, 2.64665293693542480469f},
    {0.005f, 0.05f, 0.25f, 0.75f, 0.95f, 0.995f},
    0,
    1};
static const mdg_steps tanh_steps = {
    {-2.64665293693542480469f, -1.47221934795379638672f,
     -0.549306154251098632812f, 0.549306154251098632812f,
     1.47221934795379638672f, 2.64665293693542480469f},
    {-0.99f, -0.9f, -0.5f, 0.5f, 0.9f, 0.99f},
    -1,
    1};
/* FANN has none that works: e^-v^2 is 0.01, 0.2 and 0.9 there. */
static const mdg_steps gaussian_steps = {{-2.14596603f, -1.26863624f,
                                          -0.324592846f, 0.324592846f,
                                          1.26863624f, 2.14596603f},
                                         {0.01f, 0.2f, 0.9f, 0.9f, 0.2f, 0.01f},
                                         0,
                                         0};

const mdg_steps *mdg_activation_steps(midge_activation activation) {
    switch (activation) {
    case MIDGE_ACT_SIGMOID_STEPWISE:
        return &sigmoid_steps;
    case MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE:
        return &tanh_steps;
    case MIDGE_ACT_GAUSSIAN_STEPWISE:
        return &gaussian_steps;
    default:
        return NULL;
    }
}

/* The line that v is on: up to which point; 0 and 6 are the ends. */
static size_t line_of(const mdg_steps *s, float v) {
    size_t i = 0;
    while (i < 6 && !(v < s->v[i])) {
        i++;
    }
    return i;
}

#define BEYOND 16.0f /* all steps; an infinite v times a slope of 0 is none */

/* Without branches, so that the compiler makes vectors of it: the last point
 * that v has reached, the value there and the slope behind it. */
static void step_run(const mdg_steps *s, size_t n, float *x) {
    float at[6], slope[6];
    for (size_t j = 0; j < 6; j++) {
        at[j] = j < 5 ? s->y[j] : s->above;
        slope[j] =
            j < 5 ? (s->y[j + 1] - s->y[j]) / (s->v[j + 1] - s->v[j]) : 0.0f;
    }
    for (size_t i = 0; i < n; i++) {
        float v = x[i] < -BEYOND ? -BEYOND : x[i];
        v = v > BEYOND ? BEYOND : v;
        float from = v, y = s->below, rise = 0.0f;
        for (size_t j = 0; j < 6; j++) {
            from = v >= s->v[j] ? s->v[j] : from;
            y = v >= s->v[j] ? at[j] : y;
            rise = v >= s->v[j] ? slope[j] : rise;
        }
        x[i] = rise * (v - from) + y;
    }
}

static float step_slope(const mdg_steps *s, float v) {
    size_t i = line_of(s, v);
    return i == 0 || i == 6 ? 0.0f
                            : (s->y[i] - s->y[i - 1]) / (s->v[i] - s->v[i - 1]);
}

/* ---- Forward. ------------------------------------------------------------ */

/* f(v) = times kernel(before v) + plus. */
typedef struct rule {
    mdg_element_function kernel; /* NULL: the identity, or a loop of `plain` */
    float before, times, plus;
} rule;

static rule rule_of(const mdg_kernels *k, midge_activation activation) {
    switch (activation) {
    case MIDGE_ACT_SIGMOID:
        return (rule){MDG_KERNEL(k, sigmoid_f32), 2, 1, 0};
    case MIDGE_ACT_SIGMOID_SYMMETRIC:
        return (rule){MDG_KERNEL(k, tanh_f32), 1, 1, 0};
    case MIDGE_ACT_GAUSSIAN_SYMMETRIC:
        return (rule){NULL, 1, 2, -1};
    case MIDGE_ACT_ELLIOT:
        return (rule){MDG_KERNEL(k, elliot_f32), 1, 0.5f, 0.5f};
    case MIDGE_ACT_ELLIOT_SYMMETRIC:
        return (rule){MDG_KERNEL(k, elliot_f32), 1, 1, 0};
    case MIDGE_ACT_SIN_SYMMETRIC:
        return (rule){MDG_KERNEL(k, sin_f32), 1, 1, 0};
    case MIDGE_ACT_COS_SYMMETRIC:
        return (rule){MDG_KERNEL(k, cos_f32), 1, 1, 0};
    case MIDGE_ACT_SIN:
        return (rule){MDG_KERNEL(k, sin_f32), 1, 0.5f, 0.5f};
    case MIDGE_ACT_COS:
        return (rule){MDG_KERNEL(k, cos_f32), 1, 0.5f, 0.5f};
    case MIDGE_ACT_RELU:
        return (rule){MDG_KERNEL(k, relu_f32), 1, 1, 0};
    case MIDGE_ACT_GELU:
        return (rule){MDG_KERNEL(k, gelu_f32), 1, 1, 0};
    case MIDGE_ACT_SILU:
        return (rule){MDG_KERNEL(k, silu_f32), 1, 1, 0};
    default:
        return (rule){NULL, 1, 1, 0};
    }
}

mdg_element_function mdg_activation_kernel(const mdg_kernels *k,
                                           midge_activation activation,
                                           float steepness) {
    rule r = rule_of(k, activation);
    int alone = r.before * steepness == 1.0f && r.times == 1.0f;
    return alone ? r.kernel : NULL;
}

/* e^v - 1 = 2 t / (1 - t) with t = tanh(v / 2), which keeps all digits of a
 * small v. n is at most CHUNK. */
static void elu(const mdg_kernels *k, size_t n, float *x) {
    float t[CHUNK];
    for (size_t i = 0; i < n; i++) {
        t[i] = x[i] > 0.0f ? 0.0f : x[i] * 0.5f;
    }
    MDG_KERNEL(k, tanh_f32)(n, t);
    for (size_t i = 0; i < n; i++) {
        x[i] = x[i] > 0.0f ? x[i] : 2.0f * t[i] / (1.0f - t[i]);
    }
}

/* log(1 + e^v) without overflow. n is at most CHUNK. */
static void softplus(const mdg_kernels *k, size_t n, float *x) {
    float e[CHUNK];
    for (size_t i = 0; i < n; i++) {
        e[i] = x[i] > 0.0f ? -x[i] : x[i];
    }
    MDG_KERNEL(k, exp_f32)(n, e);
    for (size_t i = 0; i < n; i++) {
        x[i] = (x[i] > 0.0f ? x[i] : 0.0f) + mdg_log1p_f32(e[i]);
    }
}

static void in_chunks(void (*f)(const mdg_kernels *, size_t, float *),
                      const mdg_kernels *k, size_t n, float *x) {
    for (size_t i = 0; i < n; i += CHUNK) {
        f(k, n - i < CHUNK ? n - i : CHUNK, x + i);
    }
}

static void clamp(float low, size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        float v = x[i] < low ? low : x[i];
        x[i] = v > 1.0f ? 1.0f : v;
    }
}

static void threshold(float low, size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        x[i] = x[i] < 0.0f ? low : 1.0f;
    }
}

/* The activations without a kernel, of v. */
static void plain(const mdg_kernels *k, midge_activation activation, size_t n,
                  float *x) {
    switch (activation) {
    case MIDGE_ACT_THRESHOLD:
        threshold(0, n, x);
        break;
    case MIDGE_ACT_THRESHOLD_SYMMETRIC:
        threshold(-1, n, x);
        break;
    case MIDGE_ACT_GAUSSIAN:
    case MIDGE_ACT_GAUSSIAN_SYMMETRIC: /* rule_of has the rest */
        for (size_t i = 0; i < n; i++) {
            x[i] = -(x[i] * x[i]);
        }
        MDG_KERNEL(k, exp_f32)(n, x);
        break;
    case MIDGE_ACT_LINEAR_PIECE:
        clamp(0, n, x);
        break;
    case MIDGE_ACT_LINEAR_PIECE_SYMMETRIC:
        clamp(-1, n, x);
        break;
    case MIDGE_ACT_LEAKY_RELU:
        for (size_t i = 0; i < n; i++) {
            x[i] = x[i] > 0.0f ? x[i] : x[i] * 0.01f;
        }
        break;
    case MIDGE_ACT_ELU:
        in_chunks(elu, k, n, x);
        break;
    case MIDGE_ACT_SOFTPLUS:
        in_chunks(softplus, k, n, x);
        break;
    case MIDGE_ACT_SIGMOID_STEPWISE:
    case MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE:
    case MIDGE_ACT_GAUSSIAN_STEPWISE:
        step_run(mdg_activation_steps(activation), n, x);
        break;
    default: /* linear */
        break;
    }
}

static void scale(const mdg_kernels *k, float factor, size_t n, float *x) {
    if (factor != 1.0f) {
        MDG_KERNEL(k, scale_f32)(n, factor, x, x);
    }
}

static void activate_run(const mdg_kernels *k, midge_activation activation,
                         float steepness, size_t n, float *x) {
    rule r = rule_of(k, activation);
    scale(k, r.before * steepness, n, x);
    if (r.kernel) {
        r.kernel(n, x);
    } else {
        plain(k, activation, n, x);
    }
    for (size_t i = 0; r.times != 1.0f && i < n; i++) {
        x[i] = r.times * x[i] + r.plus;
    }
}

/* ---- Columns of a matrix. ------------------------------------------------ */

static void gather(size_t rows, size_t count, size_t stride, const float *from,
                   float *to) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < count; j++) {
            to[i * count + j] = from[i * stride + j];
        }
    }
}

static void scatter(size_t rows, size_t count, size_t stride, const float *from,
                    float *to) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < count; j++) {
            to[i * stride + j] = from[i * count + j];
        }
    }
}

/* How many rows of `count` columns are taken at a time: all where they touch,
 * one where it is long. */
static size_t rows_at_a_time(size_t rows, size_t count, size_t stride) {
    if (count == stride || count == 0) {
        return rows;
    }
    return count > CHUNK / 4 ? 1 : CHUNK / count;
}

void mdg_activate(const mdg_kernels *k, midge_activation activation,
                  float steepness, size_t rows, size_t count, size_t stride,
                  float *x) {
    if (activation == MIDGE_ACT_SOFTMAX) {
        for (size_t i = 0; i < rows; i++, x += stride) {
            scale(k, steepness, count, x);
            MDG_KERNEL(k, softmax_f32)(count, x);
        }
        return;
    }
    if (activation == MIDGE_ACT_LINEAR && steepness == 1.0f) {
        return;
    }
    size_t step = rows_at_a_time(rows, count, stride);
    for (size_t i = 0; i < rows; i += step, x += step * stride) {
        size_t n = rows - i < step ? rows - i : step;
        float part[CHUNK];
        if (n == 1 || count == stride) {
            activate_run(k, activation, steepness, n * count, x);
            continue;
        }
        gather(n, count, stride, x, part);
        activate_run(k, activation, steepness, n * count, part);
        scatter(n, count, stride, part, x);
    }
}

/* ---- Backward. ----------------------------------------------------------- */

typedef void (*back_function)(size_t n, const float *y, float *g);

/* f' is factor * back(y) where there is a kernel of y; NULL: none. */
static back_function back_of(const mdg_kernels *k, midge_activation activation,
                             float *factor) {
    switch (activation) {
    case MIDGE_ACT_SIGMOID:
        *factor *= 2;
        return MDG_KERNEL(k, sigmoid_back_f32);
    case MIDGE_ACT_SIGMOID_SYMMETRIC:
        return MDG_KERNEL(k, tanh_back_f32);
    case MIDGE_ACT_RELU:
        return MDG_KERNEL(k, relu_back_f32);
    case MIDGE_ACT_ELLIOT_SYMMETRIC:
        return MDG_KERNEL(k, elliot_back_f32);
    default:
        return NULL;
    }
}

/* What is computed from y, or from v where it is a stepwise or piecewise one,
 * without the steepness. */
static void back_of_y(midge_activation activation, size_t n, const float *y,
                      float *g) {
    for (size_t i = 0; i < n; i++) {
        float t = y[i];
        switch (activation) {
        case MIDGE_ACT_ELLIOT:
            t = 2.0f * t - 1.0f;
            t = 1.0f - (t < 0.0f ? -t : t);
            g[i] *= 0.5f * t * t;
            break;
        case MIDGE_ACT_LINEAR_PIECE:
            g[i] = t > 0.0f && t < 1.0f ? g[i] : 0.0f;
            break;
        case MIDGE_ACT_LINEAR_PIECE_SYMMETRIC:
            g[i] = t > -1.0f && t < 1.0f ? g[i] : 0.0f;
            break;
        case MIDGE_ACT_LEAKY_RELU:
            g[i] = t > 0.0f ? g[i] : g[i] * 0.01f;
            break;
        case MIDGE_ACT_ELU:
            g[i] = t > 0.0f ? g[i] : g[i] * (t + 1.0f);
            break;
        case MIDGE_ACT_THRESHOLD:
        case MIDGE_ACT_THRESHOLD_SYMMETRIC:
            g[i] = 0.0f;
            break;
        default: /* linear */
            return;
        }
    }
}

static void multiply(const mdg_kernels *k, size_t n, float factor,
                     const float *by, float *g) {
    MDG_KERNEL(k, mul_f32)(n, g, by, g);
    scale(k, factor, n, g);
}

/* What is computed from v, without the steepness; v is overwritten. */
static void back_of_v(const mdg_kernels *k, midge_activation activation,
                      size_t n, const float *y, float *v, float *g) {
    switch (activation) {
    case MIDGE_ACT_GELU:
        MDG_KERNEL(k, gelu_back_f32)(n, v, g);
        break;
    case MIDGE_ACT_SILU:
        MDG_KERNEL(k, silu_back_f32)(n, v, g);
        break;
    case MIDGE_ACT_SOFTPLUS:
        MDG_KERNEL(k, sigmoid_f32)(n, v);
        multiply(k, n, 1, v, g);
        break;
    case MIDGE_ACT_SIN_SYMMETRIC:
    case MIDGE_ACT_SIN:
        MDG_KERNEL(k, cos_f32)(n, v);
        multiply(k, n, activation == MIDGE_ACT_SIN ? 0.5f : 1, v, g);
        break;
    case MIDGE_ACT_COS_SYMMETRIC:
    case MIDGE_ACT_COS:
        MDG_KERNEL(k, sin_f32)(n, v);
        multiply(k, n, activation == MIDGE_ACT_COS ? -0.5f : -1, v, g);
        break;
    case MIDGE_ACT_GAUSSIAN:
        for (size_t i = 0; i < n; i++) {
            g[i] *= -2.0f * v[i] * y[i];
        }
        break;
    case MIDGE_ACT_GAUSSIAN_SYMMETRIC:
        for (size_t i = 0; i < n; i++) {
            g[i] *= -2.0f * v[i] * (y[i] + 1.0f);
        }
        break;
    default: /* stepwise */
        for (size_t i = 0; i < n; i++) {
            g[i] *= step_slope(mdg_activation_steps(activation), v[i]);
        }
        break;
    }
}

static float between(float x, float low, float high) {
    return x < low ? low : x > high ? high : x;
}

/* FANN's derivative where it is not the true one; 0: it is. */
static int fann_back(midge_activation activation, size_t n, const float *y,
                     float *g) {
    switch (activation) {
    case MIDGE_ACT_SIGMOID:
    case MIDGE_ACT_SIGMOID_STEPWISE:
        for (size_t i = 0; i < n; i++) {
            float t = between(y[i], 0.01f, 0.99f);
            g[i] *= 2.0f * t * (1.0f - t);
        }
        return 1;
    case MIDGE_ACT_SIGMOID_SYMMETRIC:
    case MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE:
        for (size_t i = 0; i < n; i++) {
            float t = between(y[i], -0.98f, 0.98f);
            g[i] *= 1.0f - t * t;
        }
        return 1;
    case MIDGE_ACT_LINEAR_PIECE:
    case MIDGE_ACT_LINEAR_PIECE_SYMMETRIC:
        return 1;
    default:
        return 0;
    }
}

/* FANN multiplies by the steepness once too often: in the argument of sine and
 * cosine, and in front of a Gaussian. */
static int fann_squares(midge_activation activation) {
    switch (activation) {
    case MIDGE_ACT_SIN_SYMMETRIC:
    case MIDGE_ACT_COS_SYMMETRIC:
    case MIDGE_ACT_SIN:
    case MIDGE_ACT_COS:
        return 1;
    default:
        return 0;
    }
}

typedef struct slope {
    const mdg_kernels *k;
    midge_activation activation;
    float steepness;
    int fann;
} slope;

static void back_run(const slope *s, size_t n, const float *y, const float *x,
                     float *g) {
    float factor = s->steepness;
    if (s->fann && fann_back(s->activation, n, y, g)) {
        scale(s->k, factor, n, g);
        return;
    }
    if (!mdg_activation_needs_sum(s->activation)) {
        back_function back = back_of(s->k, s->activation, &factor);
        if (back) {
            back(n, y, g);
        } else {
            back_of_y(s->activation, n, y, g);
        }
        scale(s->k, factor, n, g);
        return;
    }
    float inner = s->steepness;
    if (s->fann && fann_squares(s->activation)) {
        inner *= s->steepness;
    }
    if (s->fann && (s->activation == MIDGE_ACT_GAUSSIAN ||
                    s->activation == MIDGE_ACT_GAUSSIAN_SYMMETRIC)) {
        factor *= s->steepness;
    }
    for (size_t i = 0; i < n; i += CHUNK) {
        float v[CHUNK];
        size_t m = n - i < CHUNK ? n - i : CHUNK;
        MDG_KERNEL(s->k, scale_f32)(m, inner, x + i, v);
        back_of_v(s->k, s->activation, m, y + i, v, g + i);
    }
    scale(s->k, factor, n, g);
}

static void softmax_back(const slope *s, size_t rows, size_t count,
                         size_t stride, const float *y, float *g) {
    for (size_t i = 0; i < rows; i++) {
        MDG_KERNEL(s->k, softmax_back_f32)(count, y + i * stride,
                                           g + i * stride);
        scale(s->k, s->steepness, count, g + i * stride);
    }
}

void mdg_activate_back(const mdg_kernels *k, midge_activation activation,
                       float steepness, int fann, size_t rows, size_t count,
                       size_t stride, const float *y, const float *x,
                       float *g) {
    const slope s = {k, activation, steepness, fann};
    int sum = mdg_activation_needs_sum(activation);
    if (activation == MIDGE_ACT_SOFTMAX) {
        softmax_back(&s, rows, count, stride, y, g);
        return;
    }
    if (activation == MIDGE_ACT_LINEAR && steepness == 1.0f) {
        return;
    }
    size_t step = rows_at_a_time(rows, count, stride);
    for (size_t i = 0; i < rows; i += step) {
        size_t n = rows - i < step ? rows - i : step;
        const float *yi = y + i * stride;
        const float *xi = sum ? x + i * stride : NULL;
        float *gi = g + i * stride;
        float part[3][CHUNK];
        if (n == 1 || count == stride) {
            back_run(&s, n * count, yi, xi, gi);
            continue;
        }
        gather(n, count, stride, yi, part[0]);
        if (sum) {
            gather(n, count, stride, xi, part[1]);
        }
        gather(n, count, stride, gi, part[2]);
        back_run(&s, n * count, part[0], part[1], part[2]);
        scatter(n, count, stride, part[2], gi);
    }
}
