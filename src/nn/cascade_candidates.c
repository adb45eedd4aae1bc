/* cascade_candidates.c: candidates for the next unit of a cascade.
 *
 * A candidate says f(w v) to each row, v being all values there are, and has a
 * weight u_j to each output. As in FANN's Cascade2 it is trained to make
 *
 *     sum over rows and outputs of (u_j f - error_j)^2
 *
 * small; its score is how far that is below the sum of error_j^2, which is
 * sum over j of 2 u_j sum(f error_j) - u_j^2 sum(f^2). The gradient by u_j
 * comes from the same two sums, and that by f, sum_j u_j (u_j f - error_j), is
 * |u|^2 f - (sum_j u_j error_j). FANN's factors are kept: 2 for u, 1 for w.
 *
 * Candidates do not know of each other, so threads share them. */
#include "base/fmath.h"
#include "base/parallel.h"
#include "nn/cascade.h"

#include <string.h>

/* Multiplications of a share: some 30 us. */
#define SHARE_PRODUCTS ((size_t)1 << 19)
#define TINY           1e-18f

void mdg_cascade_flush(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        x[i] = x[i] < TINY && x[i] > -TINY ? 0.0f : x[i];
    }
}

static float *weights_of(const mdg_cascade *c, size_t i) {
    return c->candidates.w + i * c->span;
}

/* A run of candidates of one kind, within [begin, end). */
static size_t end_of_run(const mdg_cascade *c, size_t begin, size_t end) {
    const mdg_candidate *first = &c->candidate[begin];
    size_t i = begin + 1;
    while (i < end && c->candidate[i].activation == first->activation &&
           c->candidate[i].steepness == first->steepness) {
        i++;
    }
    return i;
}

/* f for rows [at, at + rows), and where f' needs them the sums. */
static void forward(const mdg_cascade *c, size_t begin, size_t end, size_t at,
                    size_t rows) {
    mdg_gemm g = {.m = end - begin, .n = rows, .k = c->n_values};
    g.a = weights_of(c, begin);
    g.a_row = c->span;
    g.a_col = 1;
    g.b = c->values + at;
    g.ldb = c->stride;
    g.c = c->f + begin * c->chunk;
    g.ldc = c->chunk;
    MDG_KERNEL(c->kernels, gemm_f32)(&g);
    for (size_t i = begin; i < end;) {
        const mdg_candidate *kind = &c->candidate[i];
        const size_t next = end_of_run(c, i, end);
        float *f = c->f + i * c->chunk;
        if (mdg_activation_needs_sum(kind->activation)) {
            memcpy(c->sum + i * c->chunk, f,
                   (next - i) * c->chunk * sizeof(float));
        }
        mdg_activate(c->kernels, kind->activation, kind->steepness, next - i,
                     rows, c->chunk, f);
        mdg_cascade_flush(f, (next - i) * c->chunk);
        i = next;
    }
}

/* The sums of one candidate, and its gradient by f. */
static void compare(const mdg_cascade *c, size_t i, size_t at, size_t rows) {
    const float *u = weights_of(c, i) + c->n_values;
    const float *f = c->f + i * c->chunk;
    float *back = c->back + i * c->chunk;
    float square = 0;
    c->candidate[i].square +=
        (double)MDG_KERNEL(c->kernels, dot_f32)(rows, f, f);
    for (size_t j = 0; j < c->n_out; j++) {
        square += u[j] * u[j];
    }
    MDG_KERNEL(c->kernels, scale_f32)(rows, square, f, back);
    for (size_t j = 0; j < c->n_out; j++) {
        const float *error = c->error + j * c->stride + at;
        c->follows[i * c->n_out + j] +=
            (double)MDG_KERNEL(c->kernels, dot_f32)(rows, f, error);
        MDG_KERNEL(c->kernels, axpy_f32)(rows, -u[j], error, back);
    }
}

static void back_through_f(const mdg_cascade *c, size_t begin, size_t end,
                           size_t rows) {
    for (size_t i = begin; i < end;) {
        const mdg_candidate *kind = &c->candidate[i];
        const size_t next = end_of_run(c, i, end);
        const size_t offset = i * c->chunk;
        mdg_activate_back(c->kernels, kind->activation, kind->steepness,
                          c->objective.fann, next - i, rows, c->chunk,
                          c->f + offset, c->sum + offset, c->back + offset);
        i = next;
    }
}

/* From the gradient by f to that by the weights, (n_values, width): with the
 * candidates side by side, who are more than the values, registers are full. */
static void backward(const mdg_cascade *c, size_t begin, size_t end, size_t at,
                     size_t rows) {
    const size_t width = end - begin;
    float *turned = c->turned + begin * c->chunk;
    back_through_f(c, begin, end, rows);
    mdg_cascade_flush(c->back + begin * c->chunk, width * c->chunk);
    MDG_KERNEL(c->kernels, transpose_f32)(width, c->chunk,
                                          c->back + begin * c->chunk, turned);
    mdg_gemm g = {.m = c->n_values, .n = width, .k = rows};
    g.a = c->values + at;
    g.a_row = c->stride;
    g.a_col = 1;
    g.b = turned;
    g.ldb = width;
    g.c = c->side_by_side + begin * c->span;
    g.ldc = width;
    g.accumulate = at > 0;
    MDG_KERNEL(c->kernels, gemm_f32)(&g);
}

/* Gives each candidate its gradient. */
static void hand_out(const mdg_cascade *c, size_t begin, size_t end) {
    const size_t width = end - begin;
    const float *from = c->side_by_side + begin * c->span;
    for (size_t i = 0; i < width; i++) {
        float *gradient = c->candidates.gradient + (begin + i) * c->span;
        for (size_t k = 0; k < c->n_values; k++) {
            gradient[k] = from[k * width + i];
        }
    }
}

/* The score of candidate i before its step, and the step. */
static void step(const mdg_cascade *c, size_t i) {
    mdg_candidate *me = &c->candidate[i];
    const float *u = weights_of(c, i) + c->n_values;
    float *gradient = c->candidates.gradient + i * c->span + c->n_values;
    me->score = 0;
    for (size_t j = 0; j < c->n_out; j++) {
        const double uj = (double)u[j];
        const double follows = c->follows[i * c->n_out + j];
        me->score += uj * (2.0 * follows - uj * me->square);
        gradient[j] = (float)(2.0 * (uj * me->square - follows));
    }
    const mdg_epoch_facts facts = {
        .n_rows = c->n_rows,
        .epoch = c->epoch,
        .mse = c->tally.squares / ((double)c->n_rows * (double)c->n_out),
        .noise = &me->noise,
    };
    mdg_update own = c->candidates;
    own.w += i * c->span;
    own.gradient += i * c->span;
    own.a += i * c->span;
    own.b += i * c->span;
    mdg_rule_of(c->o->train.trainer)(&own, c->span, &facts);
}

static void train_some(void *arg, size_t begin, size_t end, unsigned worker) {
    const mdg_cascade *c = arg;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        c->candidate[i].square = 0;
        memset(c->follows + i * c->n_out, 0, c->n_out * sizeof(double));
    }
    for (size_t at = 0; at < c->n_rows; at += c->chunk) {
        const size_t left = c->n_rows - at;
        const size_t rows = left < c->chunk ? left : c->chunk;
        forward(c, begin, end, at, rows);
        for (size_t i = begin; i < end; i++) {
            compare(c, i, at, rows);
        }
        backward(c, begin, end, at, rows);
    }
    hand_out(c, begin, end);
    for (size_t i = begin; i < end; i++) {
        step(c, i);
    }
}

static void epoch(mdg_cascade *c) {
    const size_t one = c->n_rows * (2 * c->n_values + 64);
    mdg_parallel_for(c->net->env, c->n_candidates, 1 + SHARE_PRODUCTS / one,
                     train_some, c);
    c->best = 0;
    for (size_t i = 1; i < c->n_candidates; i++) {
        if (c->candidate[i].score > c->candidate[c->best].score) {
            c->best = i;
        }
    }
}

/* FANN's range: after Nguyen & Widrow 1990, for all hidden units and the one to
 * come, within limits. */
static float first_range(const mdg_cascade *c) {
    const double inputs = (double)mdg_net_inputs(c->net);
    const double hidden = (double)c->n_values - inputs;
    const double range = 2.0 * mdg_pow_f64(0.7 * hidden, 1.0 / inputs);
    return (float)(range > 8.0 ? 8.0 : range < 0.5 ? 0.5 : range);
}

/* Every candidate draws from a stream of its own; all but biases above 0, as
 * FANN's. */
static void draw(mdg_cascade *c) {
    const float range = first_range(c);
    const uint64_t seed = mdg_rng_mix(c->o->train.seed, MDG_STREAM_CANDIDATES);
    c->span = c->n_values + c->n_out;
    for (size_t i = 0; i < c->n_candidates; i++) {
        mdg_rng *rng = &c->candidate[i].noise;
        float *w = weights_of(c, i);
        mdg_rng_seed(rng, mdg_rng_mix(seed, (uint64_t)c->units << 32 | i));
        w[0] = range * (2.0f * mdg_rng_float(rng) - 1.0f);
        for (size_t k = 1; k < c->span; k++) {
            w[k] = range * mdg_rng_float(rng);
        }
    }
    mdg_rule_start(&c->candidates, c->n_candidates * c->span);
}

midge_stop mdg_cascade_candidates(mdg_cascade *c) {
    const midge_cascade_options *o = c->o;
    mdg_stagnation s = {.backslide = -1e20, .end = o->max_cand_epochs};
    draw(c);
    for (uint32_t i = 0; i < o->max_cand_epochs; i++) {
        const midge_stop halt = mdg_halt(&o->train, c->deadline_ms);
        if (halt != MIDGE_STOP_EPOCHS) {
            return halt;
        }
        epoch(c);
        const double score = c->candidate[c->best].score;
        if (score > (double)o->candidate_limit * c->tally.squares) {
            break;
        }
        if (mdg_stagnates(&s, score, (double)o->candidate_change_fraction,
                          o->candidate_stagnation_epochs, i) &&
            i >= o->min_cand_epochs) {
            break;
        }
    }
    return MIDGE_STOP_EPOCHS;
}
