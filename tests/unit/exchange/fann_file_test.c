/* fann_file_test.c: FANN's files without FANN: our writer's back again, files
 * that are cut, wrong or forged, and what has no place in them. */
#include "exchange_support.h"
#include "midge/nn_quant.h"

struct file {
    struct test_env t;
    midge_buf buf;
};

static void set_up(struct file *f) {
    test_env_init(&f->t);
    midge_buf_init(&f->buf, &f->t.env, 0);
}

static void tear_down(struct file *f) {
    midge_buf_deinit(&f->buf);
    assert_int_equal(f->t.held_bytes, 0);
}

/* Scaled on both sides, so that every line is there. */
static midge_net *write_scaled(struct file *f, enum net_kind kind,
                               const midge_fann_settings *settings) {
    midge_scaling inputs[5], outputs[3];
    mdg_rng rng;
    mdg_rng_seed(&rng, 4);
    random_scaling(&rng, inputs, 5);
    random_scaling(&rng, outputs, 3);
    midge_net *net =
        make_net(&f->t.env, kind, MIDGE_ACT_ELLIOT, MIDGE_ACT_GAUSSIAN, 8);
    assert_int_equal(midge_net_set_scaling(net, inputs, outputs), MIDGE_OK);
    assert_int_equal(midge_net_write_fann(net, settings, &f->buf, NULL),
                     MIDGE_OK);
    return net;
}

/* From a copy of exactly `size` bytes, so that a sanitizer sees one more. */
static midge_status read_copy(struct file *f, const void *bytes, size_t size,
                              midge_net **net, midge_error *err) {
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    memset(err, 0, sizeof *err);
    midge_status status =
        midge_net_read_fann(&f->t.env, copy, size, net, NULL, err);
    assert_int_equal(err->status, status);
    assert_int_equal(status == MIDGE_OK, *net != NULL);
    free(copy);
    return status;
}

static void a_network_comes_back(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    for (int kind = 0; kind < NET_KINDS; kind++) {
        midge_buf_clear(&f.buf);
        midge_net *net = write_scaled(&f, (enum net_kind)kind, NULL);
        midge_net *back;
        midge_error err;
        assert_int_equal(read_copy(&f, f.buf.data, f.buf.size, &back, &err),
                         MIDGE_OK);
        assert_same_net(net, back);
        assert_same_scaling(midge_net_input_scaling(net),
                            midge_net_input_scaling(back), 5);
        assert_same_scaling(midge_net_output_scaling(net),
                            midge_net_output_scaling(back), 3);
        midge_net_free(back);
        midge_net_free(net);
    }
    tear_down(&f);
}

/* Weights of all sizes come back to the last bit. */
static void every_weight_comes_back(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    midge_net *net =
        make_net(&f.t.env, NET_LAYERS, MIDGE_ACT_TANH, MIDGE_ACT_TANH, 5);
    mdg_rng rng;
    mdg_rng_seed(&rng, 77);
    for (size_t i = 0; i < net->n_weights; i++) {
        float w;
        do {
            const uint32_t bits = (uint32_t)mdg_rng_next(&rng);
            memcpy(&w, &bits, sizeof w);
        } while (w - w != 0.0f);
        net->weights[i] = w;
    }
    midge_net *back;
    midge_error err;
    assert_int_equal(midge_net_write_fann(net, NULL, &f.buf, NULL), MIDGE_OK);
    assert_int_equal(read_copy(&f, f.buf.data, f.buf.size, &back, &err),
                     MIDGE_OK);
    assert_same_net(net, back);
    midge_net_free(back);
    midge_net_free(net);
    tear_down(&f);
}

static void every_cut_is_refused(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    midge_net_free(write_scaled(&f, NET_SPARSE_SHORTCUT, NULL));
    const size_t held = f.t.held_bytes;
    assert_memory_equal(f.buf.data + f.buf.size - 3, ") \n", 3);
    for (size_t cut = 0; cut < f.buf.size - 2; cut++) {
        midge_net *net;
        midge_error err;
        const midge_status status = read_copy(&f, f.buf.data, cut, &net, &err);
        assert_true(status == MIDGE_E_PARSE || status == MIDGE_E_VERSION);
        assert_true(err.line >= 1);
        assert_int_equal(f.t.held_bytes, held);
    }
    tear_down(&f);
}

/* The file with the first `from` behind `after` replaced by `to`. */
static midge_status change(struct file *f, const char *after, const char *from,
                           const char *to, midge_error *err) {
    assert_int_equal(midge_buf_terminate(&f->buf), MIDGE_OK);
    const char *text = f->buf.data;
    const char *at = strstr(text, after);
    assert_non_null(at);
    at = strstr(at, from);
    assert_non_null(at);
    const size_t size = f->buf.size + strlen(to) - strlen(from);
    char *changed = malloc(size + 1);
    assert_non_null(changed);
    memcpy(changed, text, (size_t)(at - text));
    memcpy(changed + (at - text), to, strlen(to));
    memcpy(changed + (at - text) + strlen(to), at + strlen(from),
           strlen(at + strlen(from)));
    midge_net *net;
    midge_status status = read_copy(f, changed, size, &net, err);
    midge_net_free(net);
    free(changed);
    return status;
}

struct change {
    const char *after, *from, *to;
    midge_status status;
    int line; /* -1: none is known */
    const char *text;
};

/* A 2-2-1 network, as FANN writes it but shorter. */
static const char small[] =
    "FANN_FLO_2.1\nnum_layers=3\nlearning_rate=0.700000\n"
    "connection_rate=1.000000\nnetwork_type=0\nlearning_momentum=0.000000\n"
    "training_algorithm=2\ntrain_error_function=1\ntrain_stop_function=0\n"
    "cascade_output_change_fraction=0.010000\nquickprop_decay=-0.000100\n"
    "quickprop_mu=1.750000\nrprop_increase_factor=1.200000\n"
    "rprop_decrease_factor=0.500000\nrprop_delta_min=0.000000\n"
    "rprop_delta_max=50.000000\nrprop_delta_zero=0.100000\n"
    "cascade_output_stagnation_epochs=12\n"
    "cascade_candidate_change_fraction=0.010000\n"
    "cascade_candidate_stagnation_epochs=12\ncascade_max_out_epochs=150\n"
    "cascade_min_out_epochs=50\ncascade_max_cand_epochs=150\n"
    "cascade_min_cand_epochs=50\ncascade_num_candidate_groups=2\n"
    "bit_fail_limit=3.49999994039535522461e-01\n"
    "cascade_candidate_limit=1.00000000000000000000e+03\n"
    "cascade_weight_multiplier=4.00000005960464477539e-01\n"
    "cascade_activation_functions_count=2\n"
    "cascade_activation_functions=3 5 \n"
    "cascade_activation_steepnesses_count=1\n"
    "cascade_activation_steepnesses=2.5e-01 \nlayer_sizes=3 3 2 \n"
    "scale_included=0\n"
    "neurons (num_inputs, activation_function, activation_steepness)="
    "(0, 0, 0.0e+00) (0, 0, 0.0e+00) (0, 0, 0.0e+00) (3, 4, 5.0e-01) "
    "(3, 4, 5.0e-01) (0, 0, 0.0e+00) (3, 4, 5.0e-01) (0, 0, 0.0e+00) \n"
    "connections (connected_to_neuron, weight)=(0, 1.5e-01) (1, 2.5e-01) "
    "(2, 3.5e-01) (0, -4.5e-01) (1, -5.5e-01) (2, 6.5e-01) (3, 7.5e-01) "
    "(4, 8.5e-01) (5, 9.5e-01) \n";

static const struct change changes[] = {
    {"F", "FANN_FLO_2.1", "FANN_FLO_1.1", MIDGE_E_VERSION, 1,
     "another version"},
    {"F", "FANN_FLO_2.1", "MIDGENET", MIDGE_E_PARSE, 1, "not a FANN network"},
    {"F", "learning_rate=", "learning_rat=", MIDGE_E_PARSE, 3,
     "\"learning_rate=\" is missing"},
    {"F", "0.700000", "0.7x", MIDGE_E_PARSE, 3, "\"0.7x\""},
    {"F", "0.700000", "nan", MIDGE_E_PARSE, 3, "\"nan\""},
    {"F", "0.700000", "-inf", MIDGE_E_PARSE, 3, "\"-inf\""},
    {"F", "0.700000", "1e39", MIDGE_E_PARSE, 3, "too large for a float"},
    {"F", "0.700000", "1e999", MIDGE_E_PARSE, 3, "not a finite number"},
    {"F", "0.700000", "", MIDGE_E_PARSE, 4, "learning_rate"},
    {"F", "network_type=0", "network_type=2", MIDGE_E_PARSE, 5, "too large"},
    {"F", "algorithm=2", "algorithm=5", MIDGE_E_PARSE, 7, "too large"},
    {"F", "algorithm=2", "algorithm=-2", MIDGE_E_PARSE, 7, "whole number"},
    {"F", "num_layers=3", "num_layers=1", MIDGE_E_PARSE, 33, "2 layers"},
    {"F", "num_layers=3", "num_layers=2", MIDGE_E_PARSE, 33, "neurons ("},
    {"F", "num_layers=3", "num_layers=4", MIDGE_E_PARSE, 34, "layer_sizes"},
    {"F", "num_layers=3", "num_layers=4000000000", MIDGE_E_LIMIT, 33,
     "4000000000 layers"},
    {"F", "functions_count=2", "functions_count=26", MIDGE_E_PARSE, 29,
     "too large"},
    {"F", "functions=3 5", "functions=3 18", MIDGE_E_PARSE, 30, "too large"},
    {"layer_s", "3 3 2", "3 1 2", MIDGE_E_PARSE, 33, "no neurons"},
    {"layer_s", "3 3 2", "3 65538 2", MIDGE_E_LIMIT, 33, "65537 neurons"},
    {"layer_s", "3 3 2", "3 60000 2", MIDGE_E_PARSE, 35, "60005 neurons"},
    {"scale", "=0", "=2", MIDGE_E_PARSE, 34, "too large"},
    {"scale", "=0", "=1", MIDGE_E_PARSE, 35, "scale_mean_in"},
    {"neurons", "(0, 0, 0.0e+00)", "(1, 0, 0.0e+00)", MIDGE_E_PARSE, 37,
     "\"(\" is missing"},
    {"neurons", "(3, 4,", "(4, 4,", MIDGE_E_PARSE, 37, "\"(\" is missing"},
    {"neurons", "(3, 4,", "(2, 4,", MIDGE_E_PARSE, 36, "more text"},
    {"neurons", "(3, 4,", "(400000, 4,", MIDGE_E_PARSE, 35, "too short"},
    {"neurons", "(3, 4,", "(3, 18,", MIDGE_E_UNSUPPORTED, -1,
     "neuron 3: FANN 2.2 has no activation 18"},
    {"neurons", "(3, 4,", "(3, 9,", MIDGE_E_UNSUPPORTED, -1,
     "gaussian_stepwise"},
    {"neurons", "5.0e-01", "-5.0e-01", MIDGE_E_UNSUPPORTED, -1, "steepness"},
    {"neurons", "5.0e-01", "0", MIDGE_E_UNSUPPORTED, -1, "steepness"},
    {"connections", "(0, 1.5", "(8, 1.5", MIDGE_E_PARSE, 36, "too large"},
    {"connections", "(0, 1.5", "(3, 1.5", MIDGE_E_PARSE, -1,
     "neuron 3 reads neuron 3"},
    {"connections", "(0, 1.5", "(2, 1.5", MIDGE_E_PARSE, -1,
     "connection_rate of 1 contradicts"},
    {"connections", ") \n", ") x\n", MIDGE_E_PARSE, 36, "more text"},
};

static void wrong_files_are_named(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    assert_int_equal(midge_buf_puts(&f.buf, small), MIDGE_OK);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const struct change *c = &changes[i];
        midge_error err;
        const midge_status status = change(&f, c->after, c->from, c->to, &err);
        if (status != c->status || err.line != c->line ||
            !strstr(err.text, c->text)) {
            fail_msg("%s: %s, line %d: %s", c->to, midge_status_name(status),
                     (int)err.line, err.text);
        }
    }
    tear_down(&f);
}

/* What scanf takes is taken. */
static void other_spellings_are_read(void **state) {
    (void)state;
    static const struct {
        const char *after, *from, *to;
    } same[] = {
        {"F", "0.700000", "+.7"},
        {"F", "0.700000", "  007e-1"},
        {"F", "0.700000\n", "0.7\r\n\n"},
        {"F", "FANN_FLO_2.1", "FANN_FLO_2.0"},
        {"scale", "scale_included=0\n", ""},
        {"neurons", "(0, 0, 0.0e+00)", "(0,0,0)"},
        {"connections", "(0, 1.5e-01) ", "(0,.15)"},
        {"connections", ") \n", ")"},
    };
    struct file f;
    set_up(&f);
    assert_int_equal(midge_buf_puts(&f.buf, small), MIDGE_OK);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        midge_error err;
        if (change(&f, same[i].after, same[i].from, same[i].to, &err) !=
            MIDGE_OK) {
            fail_msg("%s: %s", same[i].to, err.text);
        }
    }
    tear_down(&f);
}

/* Connections that skip a layer make shortcuts of a layered file; two from one
 * neuron are refused; a bias may be missing. */
static void odd_connections(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    char text[sizeof small];
    memcpy(text, small, sizeof small);
    memcpy(strstr(text, "connection_rate=1"), "connection_rate=0", 17);
    memcpy(strstr(text, "(3, 7.5"), "(1, 7.5", 7);
    midge_net *net;
    midge_error err;
    assert_int_equal(read_copy(&f, text, strlen(text), &net, &err), MIDGE_OK);
    assert_true(midge_net_has_shortcuts(net));
    assert_int_equal(midge_net_n_connections(net), 9);
    assert_int_equal(net->layers[1].n_in, 4);
    assert_true(net->weights[net->layers[1].w + 1] == 0.75f);
    midge_net_free(net);

    memcpy(strstr(text, "(2, 3.5"), "(1, 3.5", 7);
    assert_int_equal(read_copy(&f, text, strlen(text), &net, &err),
                     MIDGE_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "twice"));
    memcpy(strstr(text, "(1, 3.5e-01) "), "             ", 13);
    memcpy(strstr(text, "(3, 4"), "(2, 4", 5);
    assert_int_equal(read_copy(&f, text, strlen(text), &net, &err), MIDGE_OK);
    assert_int_equal(midge_net_n_connections(net), 8);
    assert_int_equal(net->mask[net->layers[0].b], 0);
    assert_true(net->weights[net->layers[0].w + 2] == 0.25f);
    midge_net_free(net);
    tear_down(&f);
}

/* In the arena and the network, and with a shape that is dense in proportion to
 * its text: a forged count is not believed. */
static void memory_is_in_proportion(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    assert_int_equal(midge_buf_puts(&f.buf, small), MIDGE_OK);
    const size_t held = f.t.held_bytes;
    const struct {
        const char *after, *from, *to;
    } forged[] = {
        {"F", "num_layers=3", "num_layers=4000"},
        {"layer_s", "3 3 2", "65537 65537 65537"},
        {"neurons", "(3, 4,", "(4294967295, 4,"},
    };
    for (size_t i = 0; i < 3; i++) {
        midge_error err;
        f.t.peak_bytes = held;
        assert_int_not_equal(
            change(&f, forged[i].after, forged[i].from, forged[i].to, &err),
            MIDGE_OK);
        assert_true(f.t.peak_bytes - held < 10 * f.buf.size + 8192);
    }
    tear_down(&f);
}

static void what_fann_lacks_is_refused(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    for (int a = MIDGE_ACT_RELU; a < MIDGE_ACT_COUNT; a++) {
        midge_net *net = make_net(&f.t.env, NET_LAYERS, MIDGE_ACT_TANH,
                                  (midge_activation)a, 1);
        midge_error err;
        assert_int_equal(midge_net_write_fann(net, NULL, &f.buf, &err),
                         MIDGE_E_UNSUPPORTED);
        assert_non_null(
            strstr(err.text, midge_activation_name((midge_activation)a)));
        assert_non_null(strstr(err.text, "layer 2"));
        assert_int_equal(f.buf.size, 0);
        midge_net_free(net);
    }
    midge_net *net =
        make_net(&f.t.env, NET_LAYERS, MIDGE_ACT_TANH, MIDGE_ACT_SIN, 1);
    midge_error err;
    midge_fann_settings settings;
    assert_int_equal(midge_net_write_fann_fixed(net, NULL, NULL, &f.buf, &err),
                     MIDGE_E_UNSUPPORTED);
    uint8_t mask[89]; /* 5-7-4-3 */
    assert_int_equal(net->n_weights, sizeof mask);
    memset(mask, 1, sizeof mask);
    for (uint32_t i = 0; i < 5; i++) {
        mask[7 * i + 3] = 0; /* the fourth unit of the first layer */
    }
    mask[net->layers[0].b + 3] = 0;
    assert_int_equal(mdg_net_set_mask(net, mask), MIDGE_OK);
    assert_int_equal(midge_net_write_fann(net, NULL, &f.buf, &err),
                     MIDGE_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "layer 0: unit 3"));
    assert_int_equal(mdg_net_set_mask(net, NULL), MIDGE_OK);
    midge_fann_settings_init(&settings);
    settings.train.trainer = MIDGE_TRAIN_ADAM;
    assert_int_equal(midge_net_write_fann(net, &settings, &f.buf, &err),
                     MIDGE_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "adam"));
    midge_fann_settings_init(&settings);
    settings.train.loss = MIDGE_LOSS_HUBER;
    assert_int_equal(midge_net_write_fann(net, &settings, &f.buf, &err),
                     MIDGE_E_UNSUPPORTED);
    midge_fann_settings_init(&settings);
    settings.cascade.weight_multiplier = NAN;
    assert_int_equal(midge_net_write_fann(net, &settings, &f.buf, &err),
                     MIDGE_E_INVALID);
    assert_int_equal(f.buf.size, 0);
    midge_net_free(net);
    tear_down(&f);
}

/* Fixed point as floats: everything over the multiplier. */
static void fixed_files_are_read(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    for (int kind = 0; kind < NET_KINDS; kind++) {
        midge_net *net = make_net(&f.t.env, (enum net_kind)kind,
                                  MIDGE_ACT_LINEAR_PIECE, MIDGE_ACT_SIGMOID, 8);
        uint32_t point = 10;
        for (size_t i = 0; i < net->n_weights; i++) {
            net->weights[i] = floorf(net->weights[i] * 1024.0f) / 1024.0f;
        }
        midge_buf_clear(&f.buf);
        assert_int_equal(
            midge_net_write_fann_fixed(net, NULL, &point, &f.buf, NULL),
            MIDGE_OK);
        assert_int_equal(point, 10);
        midge_net *back;
        midge_error err;
        assert_int_equal(read_copy(&f, f.buf.data, f.buf.size, &back, &err),
                         MIDGE_OK);
        assert_same_net(net, back);
        midge_net_free(back);
        midge_net_free(net);
    }
    midge_net *net =
        make_net(&f.t.env, NET_LAYERS, MIDGE_ACT_LINEAR, MIDGE_ACT_LINEAR, 8);
    net->weights[0] = 3e9f;
    midge_error err;
    assert_int_equal(midge_net_write_fann_fixed(net, NULL, NULL, &f.buf, &err),
                     MIDGE_E_LIMIT);
    uint32_t point = 31;
    assert_int_equal(
        midge_net_write_fann_fixed(net, NULL, &point, &f.buf, &err),
        MIDGE_E_INVALID);
    midge_net_free(net);
    tear_down(&f);
}

static void fixed_networks_are_judged(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    midge_net_fixed *fixed;
    midge_error err;
    assert_int_equal(
        midge_net_fixed_read_fann(&f.t.env, small, strlen(small), &fixed, &err),
        MIDGE_E_INVALID);
    midge_net *net =
        make_net(&f.t.env, NET_LAYERS, MIDGE_ACT_LINEAR, MIDGE_ACT_SIGMOID, 8);
    assert_int_equal(midge_net_write_fann_fixed(net, NULL, NULL, &f.buf, NULL),
                     MIDGE_OK);
    midge_net_free(net);
    assert_int_equal(midge_buf_terminate(&f.buf), MIDGE_OK);
    char *unit = strstr(strstr(f.buf.data, "neurons"), "(6, 0,");
    assert_non_null(unit);
    memcpy(unit, "(6, 7,", 6);
    assert_int_equal(midge_net_fixed_read_fann(&f.t.env, f.buf.data, f.buf.size,
                                               &fixed, &err),
                     MIDGE_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "gaussian"));
    assert_null(fixed);
    tear_down(&f);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    midge_net_free(write_scaled(&f, NET_SPARSE, NULL));
    const size_t held = f.t.held_bytes;
    midge_status status = MIDGE_E_NOMEM;
    for (long n = 1; status != MIDGE_OK; n++) {
        midge_net *net;
        midge_error err;
        f.t.calls = 0;
        f.t.fail_at = n;
        status = read_copy(&f, f.buf.data, f.buf.size, &net, &err);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        midge_net_free(net);
        assert_int_equal(f.t.held_bytes, held);
        assert_true(n < 100);
    }
    f.t.fail_at = 0;
    midge_net *net =
        make_net(&f.t.env, NET_SPARSE, MIDGE_ACT_LINEAR, MIDGE_ACT_SIGMOID, 8);
    midge_buf_clear(&f.buf);
    assert_int_equal(midge_net_write_fann_fixed(net, NULL, NULL, &f.buf, NULL),
                     MIDGE_OK);
    midge_net_free(net);
    const size_t before = f.t.held_bytes;
    status = MIDGE_E_NOMEM;
    for (long n = 1; status != MIDGE_OK; n++) {
        midge_net_fixed *fixed;
        midge_error err = {.status = MIDGE_OK};
        f.t.calls = 0;
        f.t.fail_at = n;
        status = midge_net_fixed_read_fann(&f.t.env, f.buf.data, f.buf.size,
                                           &fixed, &err);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        assert_int_equal(err.status, status);
        midge_net_fixed_free(fixed);
        assert_int_equal(f.t.held_bytes, before);
        assert_true(n < 100);
    }
    f.t.fail_at = 0;
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_comes_back),
        cmocka_unit_test(every_weight_comes_back),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(wrong_files_are_named),
        cmocka_unit_test(other_spellings_are_read),
        cmocka_unit_test(odd_connections),
        cmocka_unit_test(memory_is_in_proportion),
        cmocka_unit_test(what_fann_lacks_is_refused),
        cmocka_unit_test(fixed_files_are_read),
        cmocka_unit_test(fixed_networks_are_judged),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
