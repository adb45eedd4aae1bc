/* exact_filter.c: many queries against a block of rows, by a product of
 * matrices that tells which few rows have to be measured.
 *
 * The product runs many times faster than the kernels that define distances,
 * but rounds differently, and |q|^2 + |x|^2 - 2 q.x loses small distances. So
 * it only decides what can be left out: a row whose product says that it is
 * farther than the k-th nearest so far by more than all rounding together. The
 * others are measured as ever. What is found is that of the plain way, bit by
 * bit.
 *
 * For a row x and a query q the product c ~ q.x is turned into
 * v = c scale_x + bias_x, and the row is left out when v < limit_q:
 *
 *   l2sq     v ~ q.x - |x|^2 / 2 = (|q|^2 - d) / 2
 *   ip       v ~ q.x             = -d
 *   cosine   v ~ q.x / |x|       = |q| (1 - d)
 *
 * The bounds, with u = 2^-24, n = dim and g_m = m u / (1 - m u) (Higham,
 * "Accuracy and stability of numerical algorithms", chapter 3):
 *
 *   measured   l2sq: g_(n+3) d. ip: g_n |q||x|. cosine: g_(2n+20), norms and
 *              their inverses (and scales of bytes) included.
 *   c          g_(n+3) |q||x| (kernels/matrix.h)
 *   |x|^2      g_n |x|^2, of |q|^2 likewise, and two roundings of v
 *
 * With d <= (|q| + |x|)^2 they are together below these, times 1.05 for what
 * the norms themselves are off and for g_m against m u (n u < 2^-8):
 *
 *   l2sq     (n + 32) u (|q| + |x|)^2
 *   ip       (n + 32) u 2 |q||x|
 *   cosine   (4 n + 64) u |q|
 *
 * Norms count as 2^-40 or more: that covers every underflow. Where one of the
 * numbers could overflow, or underflow in a norm that something is divided by,
 * the limit is -infinity or the scale NaN, and all is measured. */
#include "base/fmath.h"
#include "index/exact.h"

#include <string.h>

#define UNIT      0x1p-24
#define MARGIN    1.05
#define NORM_MIN  0x1p-40 /* smaller ones count as this */
#define NORM2_MAX 0x1p120f
/* Inverse norms, and so norms, that may be computed with. */
#define INVERSE_MIN 0x1p-60f
#define INVERSE_MAX 0x1p50f

#define FEWEST_QUERIES 5u
/* When more than one of so many cells are measured, scanning is faster. */
#define USEFUL_SHARE  4u
#define PLAIN_RUN_MAX 32u

int mdg_exact_filter_pays(const mdg_exact *e) {
    const mdg_vectors *v = &e->index->rows;
    return v->metric != MIDGE_METRIC_L1 && v->metric != MIDGE_METRIC_HAMMING &&
           e->query->count >= FEWEST_QUERIES;
}

static float norm2(const mdg_vectors *v, const float *x) {
    return MDG_KERNEL(v->kernels, dot_f32)(v->dim, x, x);
}

/* Infinity where nothing is known. */
static float norm_of_query(const mdg_vectors *v, const float *query) {
    const float n2 = norm2(v, query);
    const float norm = mdg_sqrt_f32(n2);
    const int small =
        v->metric == MIDGE_METRIC_COSINE && norm < 1 / INVERSE_MAX;
    if (!(n2 <= NORM2_MAX) || small) {
        return __builtin_inff();
    }
    return norm;
}

void mdg_exact_filter_begin(const mdg_exact *e, mdg_exact_queries *queries,
                            const float *vectors) {
    const mdg_vectors *v = &e->index->rows;
    for (uint32_t q = 0; q < queries->count; q++) {
        queries->norms[q] = norm_of_query(v, vectors + (size_t)q * v->dim);
    }
    MDG_KERNEL(v->kernels, transpose_f32)
    (queries->count, v->dim, vectors, queries->transposed);
}

/* ---- Rows ---------------------------------------------------------------- */

/* The rows of the block as floats, `stride` apart. */
static const float *rows_of_block(const mdg_exact *e, mdg_exact_scratch *s,
                                  size_t *stride) {
    const mdg_vectors *v = &e->index->rows;
    const mdg_exact_block *b = &s->block;
    const int run = b->rows[b->count - 1] - b->rows[0] == b->count - 1;
    if (v->storage == MIDGE_STORAGE_F32 && run) {
        *stride = v->row_bytes / sizeof(float);
        return (const float *)(const void *)mdg_record(v, b->rows[0]);
    }
    *stride = v->dim;
    for (uint32_t i = 0; i < b->count; i++) {
        mdg_vectors_get(v, b->rows[i], s->floats + (size_t)i * v->dim);
    }
    return s->floats;
}

/* The squared norm of a row, whose floats are x. */
static float norm2_of_row(const mdg_vectors *v, uint32_t row, const float *x) {
    return v->storage == MIDGE_STORAGE_INT8 ? mdg_factors(v, row)[1]
                                            : norm2(v, x);
}

/* 1 / |x|. */
static float inverse_of_row(const mdg_vectors *v, uint32_t row) {
    const float *f = mdg_factors(v, row);
    return v->storage == MIDGE_STORAGE_INT8 ? f[1] / f[0] : f[0];
}

/* What turns a product into v; returns the squared norm, 0 where it does not
 * matter. */
static float weigh(const mdg_vectors *v, uint32_t row, const float *x,
                   float *scale, float *bias) {
    *bias = 0.0f;
    if (v->metric == MIDGE_METRIC_COSINE) {
        const float f = inverse_of_row(v, row);
        *scale = f >= INVERSE_MIN && f <= INVERSE_MAX ? f : __builtin_nanf("");
        return 0.0f;
    }
    const float n2 = norm2_of_row(v, row, x);
    *scale = n2 <= NORM2_MAX ? 1.0f : __builtin_nanf("");
    if (v->metric == MIDGE_METRIC_L2SQ) {
        *bias = -0.5f * n2;
    }
    return n2 <= NORM2_MAX ? n2 : 0.0f;
}

/* ---- Limits -------------------------------------------------------------- */

static double at_least(double x, double least) {
    return x > least ? x : least;
}

/* What v must reach for a distance of `reach`. */
static float limit_of(const mdg_vectors *v, float q_norm, float x_norm,
                      float reach) {
    const double n = (double)v->dim, norm = (double)q_norm;
    const double q = at_least((double)q_norm, NORM_MIN);
    const double x = at_least((double)x_norm, NORM_MIN);
    double limit, slack;
    if (!(q < 0x1p60) || !(reach < NORM2_MAX)) {
        return -__builtin_inff();
    }
    switch (v->metric) {
    case MIDGE_METRIC_L2SQ:
        limit = 0.5 * (norm * norm - (double)reach);
        slack = (n + 32) * (q + x) * (q + x);
        break;
    case MIDGE_METRIC_IP:
        limit = -(double)reach;
        slack = (n + 32) * 2 * q * x;
        break;
    default:
        limit = norm * (1.0 - (double)reach);
        slack = (4 * n + 64) * q;
    }
    limit -= MARGIN * UNIT * slack;
    limit -= 0x1p-22 * (limit < 0 ? -limit : limit); /* for rounding it */
    return (float)limit;
}

static void set_limits(const mdg_vectors *v, const mdg_exact_queries *queries,
                       float x, const mdg_best *best, float *limits) {
    for (uint32_t q = 0; q < queries->count; q++) {
        limits[q] = limit_of(v, queries->norms[q], x, best[q].reach);
    }
}

/* ---- The block ----------------------------------------------------------- */

static void multiply(const mdg_vectors *v, const mdg_exact_queries *queries,
                     const float *x, size_t stride, mdg_exact_scratch *s) {
    const mdg_gemm g = {.m = s->block.count,
                        .n = queries->count,
                        .k = v->dim,
                        .a = x,
                        .a_row = stride,
                        .a_col = 1,
                        .b = queries->transposed,
                        .ldb = queries->count,
                        .c = s->products,
                        .ldc = queries->count};
    MDG_KERNEL(v->kernels, gemm_fast_f32)(&g);
}

/* Measures the row for the picked queries, and draws their limits closer. */
static void measure(const mdg_vectors *v, const mdg_exact_queries *queries,
                    uint32_t row, size_t n_picked, float x,
                    mdg_exact_scratch *s, mdg_best *best) {
    for (size_t i = 0; i < n_picked; i++) {
        const uint32_t q = s->picked[i];
        const float before = best[q].reach;
        float distance;
        mdg_scorer scorer = queries->scorers[q];
        scorer.decoded = s->decoded;
        mdg_score(&scorer, 1, &row, &distance);
        mdg_best_offer(best + q, row, distance);
        if (best[q].reach < before) {
            s->limits[q] = limit_of(v, queries->norms[q], x, best[q].reach);
        }
    }
}

/* Returns how many cells were measured. */
static size_t filter_block(const mdg_exact *e, const mdg_exact_queries *queries,
                           mdg_exact_scratch *s, mdg_best *best) {
    const mdg_vectors *v = &e->index->rows;
    const mdg_exact_block *b = &s->block;
    size_t stride, n_measured = 0;
    const float *x = rows_of_block(e, s, &stride);
    float longest = 0.0f;
    for (uint32_t i = 0; i < b->count; i++) {
        const float n2 =
            weigh(v, b->rows[i], x + i * stride, s->scales + i, s->biases + i);
        longest = n2 > longest ? n2 : longest;
    }
    const float norm = mdg_sqrt_f32(longest);
    multiply(v, queries, x, stride, s);
    set_limits(v, queries, norm, best, s->limits);
    for (uint32_t i = 0; i < b->count; i++) {
        size_t n_picked = MDG_KERNEL(v->kernels, pick_f32)(
            queries->count, s->products + (size_t)i * queries->count,
            s->scales[i], s->biases[i], s->limits, s->picked);
        measure(v, queries, b->rows[i], n_picked, norm, s, best);
        n_measured += n_picked;
    }
    return n_measured;
}

/* Where products leave little out (all rows far from the origin beside their
 * distances; a k that is a large part of the rows), longer and longer runs of
 * blocks are scanned before they are tried again. */
void mdg_exact_filter(const mdg_exact *e, const mdg_exact_queries *queries,
                      mdg_exact_scratch *s, mdg_best *best) {
    if (s->plain > 0) {
        s->plain--;
        mdg_exact_scan(queries, s, best);
        return;
    }
    const size_t cells = (size_t)s->block.count * queries->count;
    if (filter_block(e, queries, s, best) <= cells / USEFUL_SHARE) {
        s->plain_run = 0;
        return;
    }
    s->plain_run = s->plain_run > 0 ? 2 * s->plain_run : 1;
    s->plain_run = s->plain_run < PLAIN_RUN_MAX ? s->plain_run : PLAIN_RUN_MAX;
    s->plain = s->plain_run;
}
