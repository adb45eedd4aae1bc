/* train_all.c: one update after all rows, by FANN's rules: BATCH, RPROP,
 * Quickprop and SARPROP. The gradient is that of the sum over rows, as FANN's
 * slopes are: Quickprop and SARPROP weigh it against their own decay. */
#include "nn/train.h"

static size_t rows(const mdg_training *tr) {
    (void)tr;
    return 0;
}

static void lay_out(mdg_training *tr, mdg_slab *slab) {
    size_t n = tr->net->n_weights;
    tr->of.all.gradient = mdg_slab_take(slab, 1, n);
    tr->update.a = mdg_slab_take(slab, 1, n);
    tr->update.b = mdg_slab_take(slab, 1, n);
}

static void start(mdg_training *tr) {
    mdg_rng_seed(&tr->of.all.noise, mdg_rng_mix(tr->o->seed, MDG_STREAM_NOISE));
    tr->update.gradient = tr->of.all.gradient;
    tr->rate = tr->o->learning_rate;
    mdg_rule_start(&tr->update, tr->net->n_weights);
}

static midge_stop epoch(mdg_training *tr, mdg_tally *tally) {
    const size_t n = tr->train->n_rows;
    const midge_stop halt = mdg_halt(tr->o, tr->deadline_ms);
    if (halt != MIDGE_STOP_EPOCHS) {
        return halt;
    }
    mdg_pass_all(&tr->pass, &tr->objective, 1.0f, tr->train,
                 tr->of.all.gradient, tally);
    if (tr->o->l1 > 0.0f) {
        mdg_penalise_l1(tr->net, (float)n * tr->o->l1, tr->of.all.gradient);
    }
    if (tr->o->weight_decay > 0.0f) {
        mdg_penalise_squares(tr->net, (float)n * tr->o->weight_decay,
                             tr->of.all.gradient);
    }
    const mdg_epoch_facts facts = {
        .n_rows = n,
        .epoch = tr->epoch - 1,
        .mse = mdg_training_mse(tr, tally),
        .noise = &tr->of.all.noise,
    };
    mdg_rule_of(tr->o->trainer)(&tr->update, tr->net->n_weights, &facts);
    /* These rules move weights that have no gradient. */
    mdg_net_apply_mask(tr->net, tr->net->weights);
    return MIDGE_STOP_EPOCHS;
}

const mdg_method mdg_train_all = {rows, lay_out, start, epoch};
