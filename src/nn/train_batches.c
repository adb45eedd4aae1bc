/* train_batches.c: an update after each few rows: SGD, RMSprop, Adam and AdamW
 * over shuffled batches, and INCREMENTAL, which takes rows one by one as they
 * come, and is SGD else. */
#include "base/mdg_assert.h"
#include "nn/train.h"

#include <string.h>

static mdg_update_fn update_of(midge_trainer trainer) {
    switch ((int)trainer) {
    case MIDGE_TRAIN_RMSPROP:
        return mdg_update_rmsprop;
    case MIDGE_TRAIN_ADAM:
        return mdg_update_adam;
    case MIDGE_TRAIN_ADAMW:
        return mdg_update_adamw;
    default:
        return mdg_update_sgd;
    }
}

static int shuffles(const midge_train_options *o) {
    return o->trainer != MIDGE_TRAIN_INCREMENTAL;
}

static size_t rows(const mdg_training *tr) {
    size_t n = tr->train->n_rows;
    size_t size = shuffles(tr->o) ? tr->o->batch_size : 1;
    return size < n ? size : n;
}

static void lay_out(mdg_training *tr, mdg_slab *slab) {
    mdg_batches *b = &tr->of.batches;
    size_t n_in = mdg_net_inputs(tr->net);
    b->size = rows(tr);
    tr->update.a = mdg_slab_take(slab, 1, tr->net->n_weights);
    if (update_of(tr->o->trainer) != mdg_update_sgd) {
        tr->update.b = mdg_slab_take(slab, 1, tr->net->n_weights);
    }
    b->x = mdg_slab_take(slab, b->size, n_in);
    b->t = mdg_slab_take(slab, b->size, mdg_net_last(tr->net)->n_out);
    b->mask = mdg_slab_take(slab, 1, n_in);
    /* Four bytes each, as a float is. */
    b->order = (uint32_t *)(void *)mdg_slab_take(slab, 1, tr->train->n_rows);
}

static void start(mdg_training *tr) {
    const midge_train_options *o = tr->o;
    mdg_batches *b = &tr->of.batches;
    size_t bytes = tr->net->n_weights * sizeof(float);
    mdg_rng_seed(&b->shuffle, mdg_rng_mix(o->seed, MDG_STREAM_SHUFFLE));
    mdg_dropout_init(&b->hidden_dropout, o->dropout,
                     mdg_rng_mix(o->seed, MDG_STREAM_DROPOUT));
    mdg_dropout_init(&b->input_dropout, o->input_dropout,
                     mdg_rng_mix(o->seed, MDG_STREAM_INPUT_DROPOUT));
    b->step = 0;
    memset(tr->update.a, 0, bytes);
    if (tr->update.b) {
        memset(tr->update.b, 0, bytes);
    }
    tr->update.gradient = tr->pass.gradient;
    tr->update.beta1_t = 1.0;
    tr->update.beta2_t = 1.0;
    b->ordered = 0;
}

static void drop_inputs(mdg_batches *b, size_t n_in, float *row) {
    mdg_dropout_fill(&b->input_dropout, n_in, b->mask);
    for (size_t j = 0; j < n_in; j++) {
        row[j] *= b->mask[j];
    }
}

static void gather(mdg_training *tr, const uint32_t *order, size_t count) {
    mdg_batches *b = &tr->of.batches;
    size_t n_in = mdg_net_inputs(tr->net);
    size_t n_out = mdg_net_last(tr->net)->n_out;
    for (size_t i = 0; i < count; i++) {
        float *x = b->x + i * n_in;
        memcpy(x, tr->train->x + order[i] * n_in, n_in * sizeof(float));
        memcpy(b->t + i * n_out, tr->train->t + order[i] * n_out,
               n_out * sizeof(float));
        if (b->input_dropout.threshold > 0) {
            drop_inputs(b, n_in, x);
        }
    }
}

/* Shortens the gradient to clip_norm. */
static void clip(const mdg_training *tr) {
    const mdg_kernels *k = tr->net->kernels;
    size_t n = tr->net->n_weights;
    float *g = tr->pass.gradient;
    float norm = MDG_KERNEL(k, norm_f32)(n, g);
    if (norm > tr->o->clip_norm) {
        MDG_KERNEL(k, scale_f32)(n, tr->o->clip_norm / norm, g, g);
    }
}

/* Weights of connections that do not exist have no gradient and are 0: no step
 * moves them. */
static void update(mdg_training *tr) {
    const midge_train_options *o = tr->o;
    const mdg_update_fn step = update_of(o->trainer);
    if (o->clip_norm > 0.0f) {
        clip(tr);
    }
    if (o->l1 > 0.0f) {
        mdg_penalise_l1(tr->net, o->l1, tr->pass.gradient);
    }
    tr->update.beta1_t *= (double)o->beta1;
    tr->update.beta2_t *= (double)o->beta2;
    if (o->weight_decay == 0.0f) { /* weights and biases alike */
        step(&tr->update, 0, tr->net->n_weights, tr->rate, 0.0f);
        return;
    }
    for (uint32_t l = 0; l < tr->net->n_layers; l++) {
        const mdg_layer *layer = &tr->net->layers[l];
        step(&tr->update, layer->w, layer->b - layer->w, tr->rate,
             o->weight_decay);
        step(&tr->update, layer->b, layer->n_out, tr->rate, 0.0f);
    }
}

static void train_on(mdg_training *tr, size_t count, const float *x,
                     const float *t, mdg_tally *tally) {
    mdg_batches *b = &tr->of.batches;
    mdg_pass_forward(&tr->pass, count, x,
                     tr->pass.dropout ? &b->hidden_dropout : NULL);
    mdg_pass_tally(&tr->pass, &tr->objective, count, t, tally);
    mdg_pass_backward(&tr->pass, &tr->objective, count, 1.0f / (float)count, x,
                      t);
    update(tr);
}

/* A row that is taken as it comes need not be copied. */
static void train_on_rows(mdg_training *tr, size_t at, size_t count,
                          mdg_tally *tally) {
    mdg_batches *b = &tr->of.batches;
    if (!shuffles(tr->o) && b->input_dropout.threshold == 0) {
        train_on(tr, count, tr->train->x + at * mdg_net_inputs(tr->net),
                 tr->train->t + at * mdg_net_last(tr->net)->n_out, tally);
        return;
    }
    gather(tr, b->order + at, count);
    train_on(tr, count, b->x, b->t, tally);
}

static void in_order(mdg_batches *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        b->order[i] = (uint32_t)i;
    }
    b->ordered = n;
}

static midge_stop epoch(mdg_training *tr, mdg_tally *tally) {
    mdg_batches *b = &tr->of.batches;
    const size_t n = tr->train->n_rows;
    if (mdg_never(b->size == 0)) { /* mdg_train_check refuses it */
        return MIDGE_STOP_CONVERGED;
    }
    const uint64_t steps =
        (uint64_t)((n + b->size - 1) / b->size) * tr->o->max_epochs;
    if (b->ordered != n) {
        in_order(b, n);
    }
    if (shuffles(tr->o)) {
        mdg_rng_shuffle(&b->shuffle, b->order, n);
    }
    /* A loss that is not finite any more ends it: train.c sees that. */
    for (size_t at = 0; at < n && tally->loss - tally->loss == 0.0;
         at += b->size) {
        const size_t count = n - at < b->size ? n - at : b->size;
        const midge_stop halt = mdg_halt(tr->o, tr->deadline_ms);
        if (halt != MIDGE_STOP_EPOCHS) {
            return halt;
        }
        tr->rate = mdg_schedule_rate(tr, b->step++, steps);
        train_on_rows(tr, at, count, tally);
    }
    return MIDGE_STOP_EPOCHS;
}

const mdg_method mdg_train_batches = {rows, lay_out, start, epoch};
