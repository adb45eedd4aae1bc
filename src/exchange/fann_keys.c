/* fann_keys.c: the header of FANN's .net file: one table for reading and
 * writing, and what its numbers mean in Midge's options. */
#include "exchange/fann_format.h"

#include <string.h>

#define TRAIN(field)   offsetof(mdg_fann_header, settings.train.field)
#define CASCADE(field) offsetof(mdg_fann_header, settings.cascade.field)
#define HEADER(field)  offsetof(mdg_fann_header, field)

/* C FANN reads them in this order and in no other. */
const mdg_fann_key mdg_fann_keys[MDG_FANN_KEYS] = {
    {"learning_rate", MDG_FANN_FLOAT, 0, TRAIN(learning_rate)},
    {"connection_rate", MDG_FANN_FLOAT, 0, HEADER(connection_rate)},
    {"network_type", MDG_FANN_UINT, 1, HEADER(network_type)},
    {"learning_momentum", MDG_FANN_FLOAT, 0, TRAIN(momentum)},
    {"training_algorithm", MDG_FANN_UINT, MIDGE_TRAIN_SARPROP,
     HEADER(training_algorithm)},
    {"train_error_function", MDG_FANN_UINT, 1, HEADER(train_error_function)},
    {"train_stop_function", MDG_FANN_UINT, MIDGE_STOP_AT_BITS,
     HEADER(train_stop_function)},
    {"cascade_output_change_fraction", MDG_FANN_FLOAT, 0,
     CASCADE(output_change_fraction)},
    {"quickprop_decay", MDG_FANN_FLOAT, 0, TRAIN(quickprop_decay)},
    {"quickprop_mu", MDG_FANN_FLOAT, 0, TRAIN(quickprop_mu)},
    {"rprop_increase_factor", MDG_FANN_FLOAT, 0, TRAIN(rprop_increase)},
    {"rprop_decrease_factor", MDG_FANN_FLOAT, 0, TRAIN(rprop_decrease)},
    {"rprop_delta_min", MDG_FANN_FLOAT, 0, TRAIN(rprop_delta_min)},
    {"rprop_delta_max", MDG_FANN_FLOAT, 0, TRAIN(rprop_delta_max)},
    {"rprop_delta_zero", MDG_FANN_FLOAT, 0, TRAIN(rprop_delta_zero)},
    {"cascade_output_stagnation_epochs", MDG_FANN_UINT, UINT32_MAX,
     CASCADE(output_stagnation_epochs)},
    {"cascade_candidate_change_fraction", MDG_FANN_FLOAT, 0,
     CASCADE(candidate_change_fraction)},
    {"cascade_candidate_stagnation_epochs", MDG_FANN_UINT, UINT32_MAX,
     CASCADE(candidate_stagnation_epochs)},
    {"cascade_max_out_epochs", MDG_FANN_UINT, UINT32_MAX,
     CASCADE(max_out_epochs)},
    {"cascade_min_out_epochs", MDG_FANN_UINT, UINT32_MAX,
     CASCADE(min_out_epochs)},
    {"cascade_max_cand_epochs", MDG_FANN_UINT, UINT32_MAX,
     CASCADE(max_cand_epochs)},
    {"cascade_min_cand_epochs", MDG_FANN_UINT, UINT32_MAX,
     CASCADE(min_cand_epochs)},
    {"cascade_num_candidate_groups", MDG_FANN_UINT, UINT32_MAX,
     CASCADE(n_groups)},
    {"bit_fail_limit", MDG_FANN_VALUE, 0, TRAIN(bit_fail_limit)},
    {"cascade_candidate_limit", MDG_FANN_VALUE, 0, CASCADE(candidate_limit)},
    {"cascade_weight_multiplier", MDG_FANN_VALUE, 0,
     CASCADE(weight_multiplier)},
};

const mdg_fann_scale_key mdg_fann_scale_keys[MDG_FANN_SCALE_KEYS] = {
    {"scale_mean_in", offsetof(midge_scaling, mean)},
    {"scale_deviation_in", offsetof(midge_scaling, deviation)},
    {"scale_new_min_in", offsetof(midge_scaling, new_min)},
    {"scale_factor_in", offsetof(midge_scaling, factor)},
    {"scale_mean_out", offsetof(midge_scaling, mean)},
    {"scale_deviation_out", offsetof(midge_scaling, deviation)},
    {"scale_new_min_out", offsetof(midge_scaling, new_min)},
    {"scale_factor_out", offsetof(midge_scaling, factor)},
};

int mdg_fann_has(midge_activation activation, int is_fixed) {
    switch (activation) {
    case MIDGE_ACT_LINEAR:
    case MIDGE_ACT_THRESHOLD:
    case MIDGE_ACT_THRESHOLD_SYMMETRIC:
    case MIDGE_ACT_SIGMOID:
    case MIDGE_ACT_SIGMOID_STEPWISE:
    case MIDGE_ACT_SIGMOID_SYMMETRIC:
    case MIDGE_ACT_SIGMOID_SYMMETRIC_STEPWISE:
    case MIDGE_ACT_LINEAR_PIECE:
    case MIDGE_ACT_LINEAR_PIECE_SYMMETRIC:
        return 1;
    case MIDGE_ACT_GAUSSIAN_STEPWISE: /* it has the name, and computes 0 */
        return 0;
    default:
        return (unsigned)activation < MDG_FANN_ACTIVATIONS && !is_fixed;
    }
}

static void own_lists(midge_fann_settings *settings) {
    settings->cascade.activations = settings->activations;
    settings->cascade.steepnesses = settings->steepnesses;
}

/* FANN's candidates, of its header fann.h. */
static void default_lists(midge_fann_settings *settings) {
    static const uint8_t activations[] = {3, 5, 7, 8, 10, 11, 14, 15, 16, 17};
    static const float steepnesses[] = {0.25f, 0.5f, 0.75f, 1.0f};
    memset(settings->activations, 0, sizeof settings->activations);
    for (size_t i = 0; i < sizeof activations; i++) {
        settings->activations[i] = (midge_activation)activations[i];
    }
    settings->cascade.n_activations = (uint32_t)sizeof activations;
    memset(settings->steepnesses, 0, sizeof settings->steepnesses);
    memcpy(settings->steepnesses, steepnesses, sizeof steepnesses);
    settings->cascade.n_steepnesses = 4;
    own_lists(settings);
}

void midge_fann_settings_init(midge_fann_settings *settings) {
    settings->train = midge_train_defaults(MIDGE_TRAIN_RPROP);
    settings->train.loss = MIDGE_LOSS_TANH;
    settings->cascade = midge_cascade_defaults();
    settings->cascade.train = settings->train;
    default_lists(settings);
}

void mdg_fann_header_to_settings(const mdg_fann_header *header,
                                 midge_fann_settings *settings) {
    *settings = header->settings;
    midge_train_options *train = &settings->train;
    train->trainer = (midge_trainer)header->training_algorithm;
    train->loss =
        header->train_error_function ? MIDGE_LOSS_TANH : MIDGE_LOSS_MSE;
    train->stop_at = (midge_stop_at)header->train_stop_function;
    settings->cascade.train = *train;
    own_lists(settings);
}

/* A list of the caller's, or FANN's where there is none, becomes our own. */
static midge_status take_lists(const midge_cascade_options *from,
                               midge_fann_settings *to, midge_error *err) {
    midge_activation activations[MDG_FANN_ACTIVATIONS_MAX];
    float steepnesses[MDG_FANN_STEEPNESSES_MAX];
    const uint32_t n_activations = from->activations ? from->n_activations : 0;
    const uint32_t n_steepnesses = from->steepnesses ? from->n_steepnesses : 0;
    if (n_activations > MDG_FANN_ACTIVATIONS_MAX ||
        n_steepnesses > MDG_FANN_STEEPNESSES_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT,
                          "more than %d activations or %d steepnesses of "
                          "candidates",
                          MDG_FANN_ACTIVATIONS_MAX, MDG_FANN_STEEPNESSES_MAX);
    }
    for (uint32_t i = 0; i < n_activations; i++) {
        activations[i] = from->activations[i];
        if ((unsigned)activations[i] >= MDG_FANN_ACTIVATIONS) {
            return midge_fail(err, MIDGE_E_UNSUPPORTED,
                              "FANN has no candidates of activation %s",
                              midge_activation_name(activations[i]));
        }
    }
    for (uint32_t i = 0; i < n_steepnesses; i++) {
        steepnesses[i] = from->steepnesses[i];
    }
    default_lists(to);
    if (n_activations > 0) {
        memcpy(to->activations, activations,
               n_activations * sizeof *activations);
        to->cascade.n_activations = n_activations;
    }
    if (n_steepnesses > 0) {
        memcpy(to->steepnesses, steepnesses,
               n_steepnesses * sizeof *steepnesses);
        to->cascade.n_steepnesses = n_steepnesses;
    }
    return MIDGE_OK;
}

static midge_status check_finite(const mdg_fann_header *header,
                                 midge_error *err) {
    for (size_t i = 0; i < MDG_FANN_KEYS; i++) {
        const mdg_fann_key *key = &mdg_fann_keys[i];
        const char *from = (const char *)header + key->offset;
        float value = 0.0f;
        if (key->kind != MDG_FANN_UINT) {
            memcpy(&value, from, sizeof value);
        }
        if (value - value != 0.0f) {
            return midge_fail(err, MIDGE_E_INVALID, "%s is not finite",
                              key->name);
        }
    }
    for (uint32_t i = 0; i < header->settings.cascade.n_steepnesses; i++) {
        const float value = header->settings.steepnesses[i];
        if (value - value != 0.0f) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "a steepness of candidates is not finite");
        }
    }
    return MIDGE_OK;
}

midge_status mdg_fann_header_from_settings(const midge_fann_settings *settings,
                                           mdg_fann_header *header,
                                           midge_error *err) {
    const midge_train_options *train = &settings->train;
    header->settings = *settings;
    header->connection_rate = 1.0f;
    MIDGE_TRY(take_lists(&settings->cascade, &header->settings, err));
    MIDGE_TRY(check_finite(header, err));
    if ((unsigned)train->trainer > MIDGE_TRAIN_SARPROP) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED, "FANN has no trainer %s",
                          midge_trainer_name(train->trainer));
    }
    if (train->loss != MIDGE_LOSS_MSE && train->loss != MIDGE_LOSS_TANH) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED, "FANN has no loss %s",
                          midge_loss_name(train->loss));
    }
    header->training_algorithm = (uint32_t)train->trainer;
    header->train_error_function = train->loss == MIDGE_LOSS_TANH;
    header->train_stop_function = train->stop_at == MIDGE_STOP_AT_BITS;
    return MIDGE_OK;
}
