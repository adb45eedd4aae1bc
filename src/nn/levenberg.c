/* levenberg.c: Levenberg-Marquardt for networks (Hagan & Menhaj 1994). With the
 * errors e and their Jacobian J, an epoch finds a step d with
 *
 *     (J'J + damping I) d = -J'e
 *
 * that makes the loss smaller, by more damping until it does, and goes on with
 * less. J'J, its Cholesky factor and the solution are in double. */
#include "base/fmath.h"
#include "base/parallel.h"
#include "nn/train.h"

#include <string.h>

#define AT_ONCE     4     /* rows of J that are added to J'J together */
#define DAMPING     1e-3  /* at first, as a share of the largest of J'J */
#define DAMPING_MIN 1e-14 /* likewise */
#define DAMPING_MAX 1e10
#define FACTOR      10.0
#define SHARE_SUMS  ((size_t)1 << 16) /* of J'J in a share */

static size_t rows(const mdg_training *tr) {
    (void)tr;
    return 0;
}

static double *take_doubles(mdg_slab *slab, size_t rows_, size_t columns) {
    return (double *)(void *)mdg_slab_take(slab, rows_, 2 * columns);
}

static void lay_out(mdg_training *tr, mdg_slab *slab) {
    mdg_levenberg *l = &tr->of.levenberg;
    const size_t n = tr->net->n_weights;
    l->normal = take_doubles(slab, n, n);
    l->diagonal = take_doubles(slab, 1, n);
    l->pull = take_doubles(slab, 1, n);
    l->step = take_doubles(slab, 1, n);
    l->jacobian = mdg_slab_take(slab, AT_ONCE, n);
    l->x = mdg_slab_take(slab, 1, n);
    l->seed = mdg_slab_take(slab, 1, mdg_net_last(tr->net)->n_out);
}

static void start(mdg_training *tr) {
    tr->of.levenberg.damping = 0;
    tr->rate = 0.0f;
}

/* ---- J'J and J'e. */

/* Rows [begin, end) of the lower triangle, each sum in the order of J's rows.
 */
static void add_products(void *arg, size_t begin, size_t end, unsigned worker) {
    const mdg_training *tr = arg;
    const mdg_levenberg *l = &tr->of.levenberg;
    const size_t n = tr->net->n_weights;
    const float *restrict j0 = l->jacobian;
    const float *restrict j1 = j0 + n;
    const float *restrict j2 = j1 + n;
    const float *restrict j3 = j2 + n;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        const double a = (double)j0[i];
        const double b = (double)j1[i];
        const double c = (double)j2[i];
        const double d = (double)j3[i];
        double *restrict row = l->normal + i * n;
        for (size_t j = 0; j <= i; j++) {
            double sum = row[j] + a * (double)j0[j];
            sum += b * (double)j1[j];
            sum += c * (double)j2[j];
            row[j] = sum + d * (double)j3[j];
        }
    }
}

/* Adds the rows of J that wait, and forgets them. */
static void flush(mdg_training *tr, size_t *waiting) {
    const mdg_levenberg *l = &tr->of.levenberg;
    const size_t n = tr->net->n_weights;
    if (*waiting == 0) {
        return;
    }
    memset(l->jacobian + *waiting * n, 0,
           (AT_ONCE - *waiting) * n * sizeof(float));
    mdg_parallel_for(tr->net->env, n, 1 + SHARE_SUMS / n, add_products, tr);
    *waiting = 0;
}

/* The row of J of output j for the last forward, which was of one row. */
static void add_row(mdg_training *tr, const float *x, size_t j, double e,
                    size_t *waiting) {
    const mdg_levenberg *l = &tr->of.levenberg;
    const size_t n = tr->net->n_weights;
    const size_t n_out = mdg_net_last(tr->net)->n_out;
    float *row = l->jacobian + *waiting * n;
    memset(l->seed, 0, n_out * sizeof(float));
    l->seed[j] = 1.0f;
    mdg_pass_backward_from(&tr->pass, 0, 1, x, l->seed);
    memcpy(row, tr->pass.gradient, n * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        l->pull[i] += e * (double)row[i];
    }
    if (++*waiting == AT_ONCE) {
        flush(tr, waiting);
    }
}

/* The slopes of the penalty, summed over rows as all is here. */
static void add_penalty(mdg_training *tr) {
    const mdg_levenberg *l = &tr->of.levenberg;
    const midge_net *net = tr->net;
    const double share =
        (double)tr->o->weight_decay * (double)tr->train->n_rows;
    for (uint32_t k = 0; k < net->n_layers; k++) {
        for (size_t i = net->layers[k].w; i < net->layers[k].b; i++) {
            l->normal[i * net->n_weights + i] += share;
            l->pull[i] += share * (double)net->weights[i];
        }
    }
}

static midge_stop linearise(mdg_training *tr, mdg_tally *tally) {
    const mdg_levenberg *l = &tr->of.levenberg;
    const size_t n = tr->net->n_weights;
    const size_t n_in = mdg_net_inputs(tr->net);
    const size_t n_out = mdg_net_last(tr->net)->n_out;
    size_t waiting = 0;
    memset(l->normal, 0, n * n * sizeof(double));
    memset(l->pull, 0, n * sizeof(double));
    for (size_t i = 0; i < tr->train->n_rows; i++) {
        const float *x = tr->train->x + i * n_in;
        const float *t = tr->train->t + i * n_out;
        const midge_stop halt = mdg_halt(tr->o, tr->deadline_ms);
        if (halt != MIDGE_STOP_EPOCHS) {
            return halt;
        }
        size_t stride;
        mdg_pass_forward(&tr->pass, 1, x, NULL);
        mdg_pass_tally(&tr->pass, &tr->objective, 1, t, tally);
        const float *y = mdg_pass_output(&tr->pass, &stride);
        for (size_t j = 0; j < n_out; j++) {
            add_row(tr, x, j, (double)y[j] - (double)t[j], &waiting);
        }
    }
    flush(tr, &waiting);
    add_penalty(tr);
    return MIDGE_STOP_EPOCHS;
}

/* ---- The step. */

static double largest(const mdg_levenberg *l, size_t n) {
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = l->normal[i * n + i];
        most = x > most ? x : most;
    }
    return most;
}

/* U'U = J'J + damping I, U in the upper triangle and `diagonal`; 0 when it is
 * not positive definite in these digits. Row by row, every row below is rid of
 * the one that is done: runs of memory only. */
static int factorise(const mdg_levenberg *l, size_t n) {
    double *a = l->normal;
    for (size_t i = 0; i < n; i++) {
        l->diagonal[i] = a[i * n + i] + l->damping;
        for (size_t j = i + 1; j < n; j++) {
            a[i * n + j] = a[j * n + i];
        }
    }
    for (size_t k = 0; k < n; k++) {
        if (!(l->diagonal[k] > 0.0)) {
            return 0;
        }
        const double *restrict uk = a + k * n;
        const double pivot = mdg_sqrt_f64(l->diagonal[k]);
        l->diagonal[k] = pivot;
        for (size_t j = k + 1; j < n; j++) {
            a[k * n + j] /= pivot;
        }
        for (size_t i = k + 1; i < n; i++) {
            double *restrict ui = a + i * n;
            const double s = uk[i];
            l->diagonal[i] -= s * s;
            for (size_t j = i + 1; j < n; j++) {
                ui[j] -= s * uk[j];
            }
        }
    }
    return 1;
}

/* step = -(U'U)^-1 pull. */
static void solve(const mdg_levenberg *l, size_t n) {
    const double *a = l->normal;
    double *step = l->step;
    for (size_t i = 0; i < n; i++) {
        step[i] = -l->pull[i];
    }
    for (size_t k = 0; k < n; k++) {
        step[k] /= l->diagonal[k];
        for (size_t j = k + 1; j < n; j++) {
            step[j] -= a[k * n + j] * step[k];
        }
    }
    for (size_t k = n; k-- > 0;) {
        double sum = step[k];
        for (size_t j = k + 1; j < n; j++) {
            sum -= a[k * n + j] * step[j];
        }
        step[k] = sum / l->diagonal[k];
    }
}

static double penalised(const mdg_training *tr, const mdg_tally *tally) {
    return tally->loss +
           (double)tr->train->n_rows *
               mdg_penalty_squares(tr->net, (double)tr->o->weight_decay);
}

/* Tries the step of the present damping: 1 when the loss is below `loss`, and
 * the tally is that of the new weights. */
static int try_step(mdg_training *tr, double loss, mdg_tally *tally) {
    const mdg_levenberg *l = &tr->of.levenberg;
    const size_t n = tr->net->n_weights;
    float *w = tr->net->weights;
    if (!factorise(l, n)) {
        return 0;
    }
    solve(l, n);
    for (size_t i = 0; i < n; i++) {
        w[i] = (float)((double)l->x[i] + l->step[i]);
    }
    mdg_tally after = {0};
    mdg_pass_all(&tr->pass, &tr->objective, 1.0f, tr->train, NULL, &after);
    if (!(penalised(tr, &after) < loss)) { /* true for NaN */
        memcpy(w, l->x, n * sizeof(float));
        return 0;
    }
    *tally = after;
    return 1;
}

static midge_stop epoch(mdg_training *tr, mdg_tally *tally) {
    mdg_levenberg *l = &tr->of.levenberg;
    const size_t n = tr->net->n_weights;
    midge_stop halt = linearise(tr, tally);
    if (halt != MIDGE_STOP_EPOCHS) {
        return halt;
    }
    memcpy(l->x, tr->net->weights, n * sizeof(float));
    const double loss = penalised(tr, tally);
    const double most = largest(l, n);
    if (l->damping == 0.0) {
        l->damping = DAMPING * most;
    }
    if (l->damping < DAMPING_MIN * most) {
        l->damping = DAMPING_MIN * most;
    }
    while (l->damping > 0.0 && l->damping <= DAMPING_MAX * most) {
        halt = mdg_halt(tr->o, tr->deadline_ms);
        if (halt != MIDGE_STOP_EPOCHS) {
            return halt;
        }
        if (try_step(tr, loss, tally)) {
            tr->rate = (float)l->damping;
            l->damping /= FACTOR;
            return MIDGE_STOP_EPOCHS;
        }
        l->damping *= FACTOR;
    }
    return MIDGE_STOP_CONVERGED;
}

const mdg_method mdg_train_levenberg = {rows, lay_out, start, epoch};
