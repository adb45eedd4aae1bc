/* lbfgs.c: limited-memory BFGS (Liu & Nocedal 1989) with a line search for the
 * strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6 as one
 * loop). An epoch is one line search. Weights and differences are floats, sums
 * of them are in double and in order. */
#include "base/fmath.h"
#include "nn/train.h"

#include <string.h>

#define SUFFICIENT   1e-4 /* of the slope's promise must come true */
#define CURVATURE    0.9  /* of the slope may be left */
#define TRIALS       25
#define CURVED_LEAST 1e-12 /* pairs that are less so teach nothing */
#define WORTHWHILE   1e-6  /* of the loss, when starting anew straight down */

/* A point of the line: weights x + a d. */
typedef struct point {
    double a;
    double loss;
    double slope;
} point;

static double dot(size_t n, const float *x, const float *y) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * (double)y[i];
    }
    return sum;
}

/* y += a x */
static void add(size_t n, double a, const float *x, float *y) {
    for (size_t i = 0; i < n; i++) {
        y[i] = (float)((double)y[i] + a * (double)x[i]);
    }
}

static size_t rows(const mdg_training *tr) {
    (void)tr;
    return 0;
}

static void lay_out(mdg_training *tr, mdg_slab *slab) {
    mdg_lbfgs *l = &tr->of.lbfgs;
    const size_t n = tr->net->n_weights;
    l->x = mdg_slab_take(slab, 1, n);
    l->gradient = mdg_slab_take(slab, 1, n);
    l->old = mdg_slab_take(slab, 1, n);
    l->direction = mdg_slab_take(slab, 1, n);
    for (size_t i = 0; i < MDG_LBFGS_HISTORY; i++) {
        l->s[i] = mdg_slab_take(slab, 1, n);
        l->y[i] = mdg_slab_take(slab, 1, n);
    }
}

static void start(mdg_training *tr) {
    tr->of.lbfgs.kept = 0;
    tr->of.lbfgs.known = 0;
    tr->rate = 1.0f;
}

/* The loss at the weights, and its gradient. */
static void evaluate(mdg_training *tr) {
    mdg_lbfgs *l = &tr->of.lbfgs;
    const double n = (double)tr->train->n_rows;
    memset(&l->tally, 0, sizeof l->tally);
    mdg_pass_all(&tr->pass, &tr->objective, (float)(1.0 / n), tr->train,
                 l->gradient, &l->tally);
    l->loss = l->tally.loss / n;
    if (tr->o->weight_decay > 0.0f) {
        mdg_penalise_squares(tr->net, tr->o->weight_decay, l->gradient);
        l->loss += mdg_penalty_squares(tr->net, (double)tr->o->weight_decay);
    }
    l->known = 1;
}

static point evaluate_at(mdg_training *tr, double a) {
    const mdg_lbfgs *l = &tr->of.lbfgs;
    const size_t n = tr->net->n_weights;
    float *w = tr->net->weights;
    for (size_t i = 0; i < n; i++) {
        w[i] = (float)((double)l->x[i] + a * (double)l->direction[i]);
    }
    evaluate(tr);
    return (point){a, l->loss, dot(n, l->gradient, l->direction)};
}

static size_t in_history(const mdg_lbfgs *l) {
    return l->kept < MDG_LBFGS_HISTORY ? l->kept : MDG_LBFGS_HISTORY;
}

/* direction = -H g, by the two loops of the paper. */
static void find_direction(mdg_training *tr) {
    mdg_lbfgs *l = &tr->of.lbfgs;
    const size_t n = tr->net->n_weights;
    const size_t pairs = in_history(l);
    double alpha[MDG_LBFGS_HISTORY];
    float *d = l->direction;
    for (size_t i = 0; i < n; i++) {
        d[i] = -l->gradient[i];
    }
    for (size_t i = l->kept; i-- > l->kept - pairs;) {
        const size_t at = i % MDG_LBFGS_HISTORY;
        alpha[at] = dot(n, l->s[at], d) / l->sy[at];
        add(n, -alpha[at], l->y[at], d);
    }
    if (pairs > 0) {
        const size_t at = (l->kept - 1) % MDG_LBFGS_HISTORY;
        const double scale = l->sy[at] / dot(n, l->y[at], l->y[at]);
        for (size_t i = 0; i < n; i++) {
            d[i] = (float)(scale * (double)d[i]);
        }
    }
    for (size_t i = l->kept - pairs; i < l->kept; i++) {
        const size_t at = i % MDG_LBFGS_HISTORY;
        const double beta = dot(n, l->y[at], d) / l->sy[at];
        add(n, alpha[at] - beta, l->s[at], d);
    }
}

/* The least of the cubic through both points, kept a tenth of the way from
 * each; their middle where there is none. */
static double between(const point *lo, const point *hi) {
    const double width = hi->a - lo->a;
    const double d1 =
        lo->slope + hi->slope - 3.0 * (hi->loss - lo->loss) / width;
    const double root = d1 * d1 - lo->slope * hi->slope;
    double share = 0.5;
    if (root >= 0.0) { /* false for NaN */
        const double d2 = width > 0 ? mdg_sqrt_f64(root) : -mdg_sqrt_f64(root);
        share = 1.0 - (hi->slope + d2 - d1) / (hi->slope - lo->slope + 2 * d2);
    }
    if (!(share == share)) {
        share = 0.5;
    }
    share = share < 0.1 ? 0.1 : share > 0.9 ? 0.9 : share;
    return lo->a + share * width;
}

/* Of a line search: `lo` is the best so far of those that fulfil the first
 * condition, `hi` the other end of where a good one must be, once `closed`. */
typedef struct bracket {
    point from;
    point lo;
    point hi;
    int closed;
} bracket;

/* 1 when p is good enough; else the bracket becomes smaller, or goes on. */
static int judge(bracket *b, const point *p) {
    const double bound = b->from.loss + SUFFICIENT * p->a * b->from.slope;
    if (!(p->loss <= bound) || (b->lo.a > 0.0 && p->loss >= b->lo.loss)) {
        b->hi = *p;
        b->closed = 1;
        return 0;
    }
    if (p->slope <= -CURVATURE * b->from.slope &&
        p->slope >= CURVATURE * b->from.slope) {
        return 1;
    }
    const double ahead = b->closed ? b->hi.a - b->lo.a : 1.0;
    if (p->slope * ahead >= 0.0) {
        b->hi = b->lo;
        b->closed = 1;
    }
    b->lo = *p;
    return 0;
}

/* Leaves the weights at a point that makes the loss smaller. MIDGE_STOP_EPOCHS:
 * so it is; MIDGE_STOP_CONVERGED: there is none; else the run must end. */
static midge_stop search(mdg_training *tr, double first) {
    mdg_lbfgs *l = &tr->of.lbfgs;
    const size_t n = tr->net->n_weights;
    bracket b = {.from = {0, l->loss, dot(n, l->gradient, l->direction)}};
    b.lo = b.from;
    if (!(b.from.slope < 0.0)) {
        return MIDGE_STOP_CONVERGED;
    }
    double a = first;
    for (int trial = 0; trial < TRIALS; trial++) {
        const midge_stop halt = mdg_halt(tr->o, tr->deadline_ms);
        if (halt != MIDGE_STOP_EPOCHS) {
            return halt;
        }
        const point p = evaluate_at(tr, a);
        if (judge(&b, &p)) {
            tr->rate = (float)a;
            return MIDGE_STOP_EPOCHS;
        }
        a = b.closed ? between(&b.lo, &b.hi) : 2.5 * a;
    }
    if (b.lo.a == 0.0) {
        return MIDGE_STOP_CONVERGED;
    }
    evaluate_at(tr, b.lo.a);
    tr->rate = (float)b.lo.a;
    return MIDGE_STOP_EPOCHS;
}

/* Remembers the last step, unless the loss did not curve along it. */
static void keep_pair(mdg_training *tr) {
    mdg_lbfgs *l = &tr->of.lbfgs;
    const size_t n = tr->net->n_weights;
    const size_t at = l->kept % MDG_LBFGS_HISTORY;
    for (size_t i = 0; i < n; i++) {
        l->s[at][i] = tr->net->weights[i] - l->x[i];
        l->y[at][i] = l->gradient[i] - l->old[i];
    }
    l->sy[at] = dot(n, l->s[at], l->y[at]);
    if (l->sy[at] > CURVED_LEAST * dot(n, l->y[at], l->y[at])) {
        l->kept++;
    }
}

/* The first step is no longer than 1: nothing is known of the scale yet. */
static double first_step(const mdg_training *tr) {
    const mdg_lbfgs *l = &tr->of.lbfgs;
    const double norm =
        mdg_sqrt_f64(dot(tr->net->n_weights, l->direction, l->direction));
    return l->kept == 0 && norm > 1.0 ? 1.0 / norm : 1.0;
}

static midge_stop epoch(mdg_training *tr, mdg_tally *tally) {
    mdg_lbfgs *l = &tr->of.lbfgs;
    const size_t bytes = tr->net->n_weights * sizeof(float);
    midge_stop end = mdg_halt(tr->o, tr->deadline_ms);
    if (end != MIDGE_STOP_EPOCHS) {
        return end;
    }
    if (!l->known) {
        evaluate(tr);
    }
    memcpy(l->x, tr->net->weights, bytes);
    memcpy(l->old, l->gradient, bytes);
    const double loss = l->loss;
    find_direction(tr);
    end = search(tr, first_step(tr));
    if (end == MIDGE_STOP_CONVERGED && l->kept > 0) {
        /* The history may be what misleads: straight down, once. */
        l->kept = 0;
        l->loss = loss;
        memcpy(l->gradient, l->old, bytes);
        find_direction(tr);
        end = search(tr, first_step(tr));
        if (end == MIDGE_STOP_EPOCHS && loss - l->loss < WORTHWHILE * loss) {
            end = MIDGE_STOP_CONVERGED;
        }
    }
    if (end == MIDGE_STOP_EPOCHS) {
        keep_pair(tr);
    } else {
        memcpy(tr->net->weights, l->x, bytes);
        l->known = 0;
    }
    if (end == MIDGE_STOP_CONVERGED) {
        evaluate(tr);
    }
    *tally = l->tally;
    return end;
}

const mdg_method mdg_train_lbfgs = {rows, lay_out, start, epoch};
