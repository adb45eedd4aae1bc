/* component.c: what many vectors have in common: the direction u in which the
 * sum of (x_i . u)^2 is largest, the first right singular vector.
 *
 * Power iteration on transpose(X) X. Rows are taken in blocks of a fixed size,
 * each summed by the kernels in floats, the blocks in doubles in their order:
 * the same bits with any number of workers. Where the two largest singular
 * values are nearly the same it ends after ITERATIONS_MAX in some direction of
 * theirs, which is as good.
 */
#include "embed/words.h"

#include "base/alloc.h"
#include "base/fmath.h"
#include "base/parallel.h"
#include "base/rng.h"

#define BLOCK_ROWS     256u
#define ITERATIONS_MAX 300u
#define CLOSE_ENOUGH   1e-13 /* squared distance of one u and the next */

typedef struct work {
    const mdg_kernels *kernels;
    const float *x;
    size_t rows, dim, n_blocks;
    float *u;    /* (dim) */
    float *sums; /* (n_blocks, dim): transpose(X) X u of each block */
    float *dots; /* (rows): X u */
    double *y;   /* (dim) */
} work;

static void sum_block(void *arg, size_t begin, size_t end, unsigned worker) {
    work *w = arg;
    (void)worker;
    for (size_t b = begin; b < end; b++) {
        size_t first = b * BLOCK_ROWS;
        size_t n = w->rows - first;
        n = n < BLOCK_ROWS ? n : BLOCK_ROWS;
        const float *x = w->x + first * w->dim;
        MDG_KERNEL(w->kernels, gemv_f32)
        (n, w->dim, x, w->dim, w->u, w->dots + first);
        MDG_KERNEL(w->kernels, gemv_t_f32)
        (n, w->dim, x, w->dim, w->dots + first, 0, w->sums + b * w->dim);
    }
}

/* y = transpose(X) X u; returns its length. */
static double multiply(const midge_env *env, work *w) {
    mdg_parallel_for(env, w->n_blocks, 1, sum_block, w);
    double squares = 0.0;
    for (size_t j = 0; j < w->dim; j++) {
        w->y[j] = 0.0;
    }
    for (size_t b = 0; b < w->n_blocks; b++) {
        for (size_t j = 0; j < w->dim; j++) {
            w->y[j] += (double)w->sums[b * w->dim + j];
        }
    }
    for (size_t j = 0; j < w->dim; j++) {
        squares += w->y[j] * w->y[j];
    }
    return mdg_sqrt_f64(squares);
}

/* u = y / length; returns the squared distance of the old u to the new one. */
static double take_direction(work *w, double length) {
    double moved = 0.0;
    for (size_t j = 0; j < w->dim; j++) {
        float u = (float)(w->y[j] / length);
        double d = (double)u - (double)w->u[j];
        moved += d * d;
        w->u[j] = u;
    }
    return moved;
}

/* Any direction that is not at a right angle to the one looked for, which one
 * drawn at random is not; a fixed seed draws the same everywhere. */
static void start(work *w) {
    mdg_rng rng;
    mdg_rng_seed(&rng, 0x51F);
    double squares = 0.0;
    for (size_t j = 0; j < w->dim; j++) {
        w->y[j] = (double)mdg_rng_normal(&rng);
        squares += w->y[j] * w->y[j];
    }
    (void)take_direction(w, mdg_sqrt_f64(squares));
}

/* Of u and -u the one whose largest element is above 0. */
static void choose_sign(const work *w, float *component) {
    float largest = 0.0f;
    for (size_t j = 0; j < w->dim; j++) {
        float u = w->u[j];
        if ((u < 0 ? -u : u) > (largest < 0 ? -largest : largest)) {
            largest = u;
        }
    }
    for (size_t j = 0; j < w->dim; j++) {
        component[j] = largest < 0 ? -w->u[j] : w->u[j];
    }
}

static midge_status iterate(const midge_env *env, work *w, float *component) {
    start(w);
    for (unsigned i = 0; i < ITERATIONS_MAX; i++) {
        double length = multiply(env, w);
        if (length - length != 0.0) {
            return MIDGE_E_LIMIT;
        }
        if (length == 0.0) {
            return MIDGE_E_NOT_FOUND;
        }
        if (take_direction(w, length) < CLOSE_ENOUGH) {
            break;
        }
    }
    choose_sign(w, component);
    return MIDGE_OK;
}

midge_status mdg_component(const midge_env *env, const mdg_kernels *kernels,
                           size_t rows, size_t dim, const float *x,
                           float *component) {
    work w = {.kernels = kernels, .x = x, .rows = rows, .dim = dim};
    w.n_blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    w.u = mdg_alloc(env, dim, sizeof *w.u);
    w.y = mdg_alloc(env, dim, sizeof *w.y);
    w.dots = mdg_alloc(env, rows, sizeof *w.dots);
    /* No more than x itself: a block has rows. */
    w.sums = mdg_alloc(env, w.n_blocks * dim, sizeof *w.sums);
    midge_status status =
        w.u && w.y && w.dots && w.sums ? MIDGE_OK : MIDGE_E_NOMEM;
    if (status == MIDGE_OK) {
        status = iterate(env, &w, component);
    }
    mdg_release(env, w.sums, w.n_blocks * dim, sizeof *w.sums);
    mdg_release(env, w.dots, rows, sizeof *w.dots);
    mdg_release(env, w.y, dim, sizeof *w.y);
    mdg_release(env, w.u, dim, sizeof *w.u);
    return status;
}
