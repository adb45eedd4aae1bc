/* fann_peer_test.c: FANN's files against C FANN itself, in both directions:
 * compiled once with its float library and once with its double library, which
 * export the same names. Outputs are compared to 2e-6 of what was summed. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#if defined(FANN_PEER_DOUBLE)
#include <doublefann.h>
#else
#include <floatfann.h>
#endif

#include "exchange_support.h"
#include "temp_dir.h"

#define TOLERANCE 2e-6f

/* FANN seeds rand() anew for every network it makes. It calls this instead, so
 * that its networks are the same in every run. */
void srand(unsigned seed) {
    (void)seed;
}

static const char path[] = "fann_peer.net";
static struct temp_dir dir;

static int set_up_dir(void **state) {
    (void)state;
    temp_dir_make(&dir);
    return 0;
}

static int tear_down_dir(void **state) {
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

static midge_net *load(const midge_env *env, const void *bytes, size_t size,
                       midge_fann_settings *settings) {
    midge_net *net;
    midge_error err = {.status = MIDGE_OK};
    if (midge_net_read_fann(env, bytes, size, &net, settings, &err) !=
        MIDGE_OK) {
        fail_msg("line %lld: %s", (long long)err.line, err.text);
    }
    return net;
}

static midge_net *from_peer(const midge_env *env, struct fann *ann,
                            midge_fann_settings *settings) {
    const char *file = temp_dir_file(&dir, path);
    assert_int_equal(fann_save(ann, file), 0);
    size_t size;
    void *bytes = read_whole(file, &size);
    midge_net *net = load(env, bytes, size, settings);
    free(bytes);
    return net;
}

static struct fann *to_peer(const midge_net *net,
                            const midge_fann_settings *settings) {
    midge_buf buf;
    midge_error err = {.status = MIDGE_OK};
    midge_buf_init(&buf, net->env, 0);
    if (midge_net_write_fann(net, settings, &buf, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    const char *file = temp_dir_file(&dir, path);
    write_whole(file, buf.data, buf.size);
    midge_buf_deinit(&buf);
    struct fann *ann = fann_create_from_file(file);
    assert_non_null(ann);
    return ann;
}

/* Both on the same random rows. Thresholds may tip over when a sum is 0 but for
 * rounding; with these weights none is. */
static void compare_outputs(const midge_net *net, struct fann *ann,
                            uint64_t seed) {
    const uint32_t n_in = midge_net_n_inputs(net);
    const uint32_t n_out = midge_net_n_outputs(net);
    assert_int_equal(n_in, fann_get_num_input(ann));
    assert_int_equal(n_out, fann_get_num_output(ann));
    float x[16], y[16];
    fann_type theirs[16];
    mdg_rng rng;
    mdg_rng_seed(&rng, seed);
    for (int row = 0; row < 20; row++) {
        for (uint32_t i = 0; i < n_in; i++) {
            x[i] = between(&rng, -2.0f, 2.0f);
            theirs[i] = (fann_type)x[i];
        }
        const fann_type *want = fann_run(ann, theirs);
        run_row(net, x, y);
        for (uint32_t j = 0; j < n_out; j++) {
            const float w = (float)want[j];
            if (!(fabsf(y[j] - w) <= TOLERANCE * (1.0f + fabsf(w)))) {
                fail_msg("row %d output %u: %.9g, FANN %.9g", row, j,
                         (double)y[j], (double)w);
            }
        }
    }
}

static struct fann *create(enum net_kind kind) {
    static const unsigned sizes[] = {5, 7, 4, 3};
    struct fann *ann =
        kind == NET_SHORTCUT ? fann_create_shortcut_array(4, sizes)
        : kind == NET_SPARSE ? fann_create_sparse_array(0.6f, 4, sizes)
                             : fann_create_standard_array(4, sizes);
    assert_non_null(ann);
    fann_randomize_weights(ann, (fann_type)-1, (fann_type)1);
    return ann;
}

static int is_tested(int activation) {
    return activation != FANN_GAUSSIAN_STEPWISE;
}

static void every_activation_of_theirs(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    for (int a = 0; a <= FANN_COS; a++) {
        for (int kind = NET_LAYERS; is_tested(a) && kind <= NET_SHORTCUT;
             kind++) {
            struct fann *ann = create((enum net_kind)kind);
            fann_set_activation_function_hidden(
                ann, (enum fann_activationfunc_enum)a);
            fann_set_activation_function_output(
                ann, (enum fann_activationfunc_enum)a);
            fann_set_activation_steepness_hidden(ann, (fann_type)0.75);
            fann_set_activation_steepness_output(ann, (fann_type)0.4);
            midge_net *net = from_peer(&t.env, ann, NULL);
            assert_int_equal(midge_net_has_shortcuts(net),
                             kind == NET_SHORTCUT);
            assert_int_equal(midge_net_mask(net) != NULL, kind == NET_SPARSE);
            assert_int_equal(midge_net_n_connections(net),
                             fann_get_total_connections(ann));
            compare_outputs(net, ann, (uint64_t)a);
            midge_net_free(net);
            fann_destroy(ann);
        }
    }
    assert_int_equal(t.held_bytes, 0);
}

static void every_activation_of_ours(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    for (int a = 0; a <= MIDGE_ACT_COS; a++) {
        for (int kind = 0; is_tested(a) && kind < NET_KINDS; kind++) {
            midge_net *net =
                make_net(&t.env, (enum net_kind)kind, (midge_activation)a,
                         (midge_activation)a, (uint64_t)(31 * a + kind));
            struct fann *ann = to_peer(net, NULL);
            compare_outputs(net, ann, (uint64_t)a);
            assert_int_equal(midge_net_n_connections(net),
                             fann_get_total_connections(ann));
            midge_net *back = from_peer(&t.env, ann, NULL);
            assert_same_net(net, back);
            midge_net_free(back);
            midge_net_free(net);
            fann_destroy(ann);
        }
    }
    assert_int_equal(t.held_bytes, 0);
}

static int compare_connections(const void *a, const void *b) {
    const struct fann_connection *l = a;
    const struct fann_connection *r = b;
    if (l->to_neuron != r->to_neuron) {
        return l->to_neuron < r->to_neuron ? -1 : 1;
    }
    return l->from_neuron < r->from_neuron ? -1
                                           : l->from_neuron > r->from_neuron;
}

/* The same connections with the same weights, as floats. */
static void assert_same_connections(struct fann *a, struct fann *b) {
    const unsigned n = fann_get_total_connections(a);
    assert_int_equal(n, fann_get_total_connections(b));
    struct fann_connection *of_a = calloc(n, sizeof *of_a);
    struct fann_connection *of_b = calloc(n, sizeof *of_b);
    assert_true(of_a && of_b);
    fann_get_connection_array(a, of_a);
    fann_get_connection_array(b, of_b);
    qsort(of_a, n, sizeof *of_a, compare_connections);
    qsort(of_b, n, sizeof *of_b, compare_connections);
    for (unsigned i = 0; i < n; i++) {
        const float w = (float)of_a[i].weight;
        const float back = (float)of_b[i].weight;
        assert_int_equal(of_a[i].from_neuron, of_b[i].from_neuron);
        assert_int_equal(of_a[i].to_neuron, of_b[i].to_neuron);
        assert_memory_equal(&w, &back, sizeof w);
    }
    free(of_a);
    free(of_b);
}

/* FANN's file, read and written by us, is FANN's network to the last bit, units
 * of every kind mixed. */
static void there_and_back(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    for (int kind = NET_LAYERS; kind <= NET_SHORTCUT; kind++) {
        struct fann *ann = create((enum net_kind)kind);
        int a = 0;
        for (int layer = 1; layer <= 3; layer++) {
            const int units[] = {5, 7, 4, 3};
            for (int j = 0; j < units[layer]; j++, a++) {
                a += !is_tested(a % 18);
                fann_set_activation_function(
                    ann, (enum fann_activationfunc_enum)(a % 18), layer, j);
                fann_set_activation_steepness(ann, (fann_type)(0.3 + 0.05 * a),
                                              layer, j);
            }
        }
        midge_net *net = from_peer(&t.env, ann, NULL);
        compare_outputs(net, ann, 99);
        struct fann *back = to_peer(net, NULL);
        compare_outputs(net, back, 98);
        assert_same_connections(ann, back);
        for (int layer = 1; layer <= 3; layer++) {
            assert_int_equal(fann_get_activation_function(ann, layer, 2),
                             fann_get_activation_function(back, layer, 2));
            assert_true((float)fann_get_activation_steepness(ann, layer, 2) ==
                        (float)fann_get_activation_steepness(back, layer, 2));
        }
        midge_net_free(net);
        fann_destroy(back);
        fann_destroy(ann);
    }
    assert_int_equal(t.held_bytes, 0);
}

static void choose_settings(struct fann *ann) {
    enum fann_activationfunc_enum functions[] = {FANN_COS, FANN_ELLIOT,
                                                 FANN_LINEAR};
    fann_type steepnesses[] = {(fann_type)0.125, (fann_type)2};
    fann_set_training_algorithm(ann, FANN_TRAIN_QUICKPROP);
    fann_set_train_error_function(ann, FANN_ERRORFUNC_LINEAR);
    fann_set_train_stop_function(ann, FANN_STOPFUNC_BIT);
    fann_set_learning_rate(ann, 0.25f);
    fann_set_learning_momentum(ann, 0.875f);
    fann_set_bit_fail_limit(ann, (fann_type)0.125);
    fann_set_quickprop_decay(ann, -0.0625f);
    fann_set_quickprop_mu(ann, 1.5f);
    fann_set_rprop_increase_factor(ann, 1.25f);
    fann_set_rprop_decrease_factor(ann, 0.375f);
    fann_set_rprop_delta_min(ann, 0.03125f);
    fann_set_rprop_delta_max(ann, 40.0f);
    fann_set_rprop_delta_zero(ann, 0.1875f);
    fann_set_cascade_output_change_fraction(ann, 0.5f);
    fann_set_cascade_output_stagnation_epochs(ann, 13);
    fann_set_cascade_candidate_change_fraction(ann, 0.75f);
    fann_set_cascade_candidate_stagnation_epochs(ann, 14);
    fann_set_cascade_max_out_epochs(ann, 160);
    fann_set_cascade_min_out_epochs(ann, 60);
    fann_set_cascade_max_cand_epochs(ann, 170);
    fann_set_cascade_min_cand_epochs(ann, 70);
    fann_set_cascade_num_candidate_groups(ann, 5);
    fann_set_cascade_candidate_limit(ann, (fann_type)500);
    fann_set_cascade_weight_multiplier(ann, (fann_type)0.625);
    fann_set_cascade_activation_functions(ann, functions, 3);
    fann_set_cascade_activation_steepnesses(ann, steepnesses, 2);
}

static void check_settings(const midge_fann_settings *s) {
    const midge_train_options *train = &s->train;
    const midge_cascade_options *cascade = &s->cascade;
    assert_int_equal(train->trainer, MIDGE_TRAIN_QUICKPROP);
    assert_int_equal(train->loss, MIDGE_LOSS_MSE);
    assert_int_equal(train->stop_at, MIDGE_STOP_AT_BITS);
    assert_true(train->learning_rate == 0.25f);
    assert_true(train->momentum == 0.875f);
    assert_true(train->bit_fail_limit == 0.125f);
    assert_true(train->quickprop_decay == -0.0625f);
    assert_true(train->quickprop_mu == 1.5f);
    assert_true(train->rprop_increase == 1.25f);
    assert_true(train->rprop_decrease == 0.375f);
    assert_true(train->rprop_delta_min == 0.03125f);
    assert_true(train->rprop_delta_max == 40.0f);
    assert_true(train->rprop_delta_zero == 0.1875f);
    assert_int_equal(cascade->train.trainer, MIDGE_TRAIN_QUICKPROP);
    assert_true(cascade->output_change_fraction == 0.5f);
    assert_int_equal(cascade->output_stagnation_epochs, 13);
    assert_true(cascade->candidate_change_fraction == 0.75f);
    assert_int_equal(cascade->candidate_stagnation_epochs, 14);
    assert_int_equal(cascade->max_out_epochs, 160);
    assert_int_equal(cascade->min_out_epochs, 60);
    assert_int_equal(cascade->max_cand_epochs, 170);
    assert_int_equal(cascade->min_cand_epochs, 70);
    assert_int_equal(cascade->n_groups, 5);
    assert_true(cascade->candidate_limit == 500.0f);
    assert_true(cascade->weight_multiplier == 0.625f);
    assert_int_equal(cascade->n_activations, 3);
    assert_ptr_equal(cascade->activations, s->activations);
    assert_int_equal(cascade->activations[0], MIDGE_ACT_COS);
    assert_int_equal(cascade->activations[1], MIDGE_ACT_ELLIOT);
    assert_int_equal(cascade->activations[2], MIDGE_ACT_LINEAR);
    assert_int_equal(cascade->n_steepnesses, 2);
    assert_ptr_equal(cascade->steepnesses, s->steepnesses);
    assert_true(cascade->steepnesses[0] == 0.125f);
    assert_true(cascade->steepnesses[1] == 2.0f);
}

/* Every setting differs from its default; FANN saves them, we read them, write
 * them, and FANN's own saving of what it then reads is the same text. */
static void settings_are_kept(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    struct fann *ann = create(NET_LAYERS);
    choose_settings(ann);
    midge_fann_settings settings;
    midge_net *net = from_peer(&t.env, ann, &settings);
    size_t size, again_size;
    char *text = read_whole(temp_dir_file(&dir, path), &size);
    check_settings(&settings);
    struct fann *back = to_peer(net, &settings);
    assert_int_equal(fann_save(back, temp_dir_file(&dir, path)), 0);
    char *again = read_whole(temp_dir_file(&dir, path), &again_size);
    const size_t header = (size_t)(strstr(text, "connections (") - text);
    assert_memory_equal(text, again, header);
    free(text);
    free(again);
    midge_net_free(net);
    fann_destroy(back);
    fann_destroy(ann);
    assert_int_equal(t.held_bytes, 0);
}

/* What FANN saves of a fresh network is what our defaults say. */
static void defaults_are_theirs(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    struct fann *ann = create(NET_LAYERS);
    midge_net *net = from_peer(&t.env, ann, NULL);
    size_t size, again_size;
    char *text = read_whole(temp_dir_file(&dir, path), &size);
    struct fann *back = to_peer(net, NULL);
    assert_int_equal(fann_save(back, temp_dir_file(&dir, path)), 0);
    char *again = read_whole(temp_dir_file(&dir, path), &again_size);
#if defined(FANN_PEER_DOUBLE)
    /* Defaults such as 0.35 are doubles there and floats here. */
    const char *end = "bit_fail_limit=";
#else
    const char *end = "connections (";
#endif
    assert_memory_equal(text, again, (size_t)(strstr(text, end) - text));
    free(text);
    free(again);
    midge_net_free(net);
    fann_destroy(back);
    fann_destroy(ann);
}

/* Our scaling in FANN's functions, on values of both sides. */
static void compare_scaling(const midge_net *net, struct fann *ann) {
    mdg_rng rng;
    mdg_rng_seed(&rng, 5);
    for (int row = 0; row < 10; row++) {
        float x[5], y[3], again[3];
        fann_type in[5], out[3];
        for (int i = 0; i < 5; i++) {
            x[i] = between(&rng, -4.0f, 4.0f);
            in[i] = (fann_type)x[i];
        }
        for (int i = 0; i < 3; i++) {
            y[i] = between(&rng, -4.0f, 4.0f);
            again[i] = y[i];
            out[i] = (fann_type)y[i];
        }
        midge_scaling_apply(midge_net_input_scaling(net), 5, 1, x);
        fann_scale_input(ann, in);
        for (int i = 0; i < 5; i++) {
            assert_true(fabsf(x[i] - (float)in[i]) < 2e-5f);
        }
        midge_scaling_undo(midge_net_output_scaling(net), 3, 1, y);
        fann_descale_output(ann, out);
        for (int i = 0; i < 3; i++) {
            assert_true(fabsf(y[i] - (float)out[i]) < 2e-5f);
        }
        midge_scaling_apply(midge_net_output_scaling(net), 3, 1, y);
        for (int i = 0; i < 3; i++) {
            assert_true(fabsf(y[i] - again[i]) < 2e-5f);
        }
    }
}

static void scaling_is_kept(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    mdg_rng rng;
    mdg_rng_seed(&rng, 11);
    for (int sides = 1; sides < 4; sides++) {
        midge_net *net = make_net(&t.env, NET_LAYERS, MIDGE_ACT_TANH,
                                  MIDGE_ACT_LINEAR, (uint64_t)sides);
        midge_scaling inputs[5], outputs[3];
        random_scaling(&rng, inputs, 5);
        random_scaling(&rng, outputs, 3);
        assert_int_equal(midge_net_set_scaling(net, sides & 1 ? inputs : NULL,
                                               sides & 2 ? outputs : NULL),
                         MIDGE_OK);
        struct fann *ann = to_peer(net, NULL);
        compare_scaling(net, ann);
        assert_true(ann->scale_mean_in[0] ==
                    (sides & 1 ? inputs[0].mean : 0.0f));
        assert_true(ann->scale_factor_out[2] ==
                    (sides & 2 ? outputs[2].factor : 1.0f));
        midge_net *back = from_peer(&t.env, ann, NULL);
        assert_int_equal(midge_net_input_scaling(back) != NULL, sides & 1);
        assert_int_equal(midge_net_output_scaling(back) != NULL,
                         (sides & 2) / 2);
        midge_net_free(back);
        midge_net_free(net);
        fann_destroy(ann);
    }
    assert_int_equal(t.held_bytes, 0);
}

static void fann_fits_scaling(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    struct fann *ann = create(NET_LAYERS);
    struct fann_train_data *data = fann_create_train(8, 5, 3);
    mdg_rng rng;
    mdg_rng_seed(&rng, 12);
    for (int r = 0; r < 8; r++) {
        for (int i = 0; i < 5; i++) {
            data->input[r][i] = (fann_type)between(&rng, -9.0f, 9.0f);
        }
        for (int i = 0; i < 3; i++) {
            data->output[r][i] = (fann_type)between(&rng, -9.0f, 9.0f);
        }
    }
    fann_set_scaling_params(ann, data, -1, 1, 0, 1);
    midge_net *net = from_peer(&t.env, ann, NULL);
    compare_scaling(net, ann);
    midge_net_free(net);
    fann_destroy_train(data);
    fann_destroy(ann);
    assert_int_equal(t.held_bytes, 0);
}

/* Two spirals are more than enough to make FANN add units, one to a layer. */
static void cascades_are_read(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    struct fann *ann = fann_create_shortcut(2, 2, 1);
    struct fann_train_data *data = fann_create_train(40, 2, 1);
    for (int r = 0; r < 40; r++) {
        const double angle = 0.3 * (r / 2);
        const double radius = (r % 2 ? 1.0 : -1.0) * (0.1 + 0.04 * (r / 2));
        data->input[r][0] = (fann_type)(radius * cos(angle));
        data->input[r][1] = (fann_type)(radius * sin(angle));
        data->output[r][0] = (fann_type)(r % 2 ? 1.0 : -1.0);
    }
    fann_set_cascade_min_out_epochs(ann, 5);
    fann_set_cascade_max_out_epochs(ann, 15);
    fann_set_cascade_min_cand_epochs(ann, 5);
    fann_set_cascade_max_cand_epochs(ann, 15);
    fann_set_activation_function_output(ann, FANN_SIGMOID_SYMMETRIC);
    fann_cascadetrain_on_data(ann, data, 6, 0, 0.0f);
    assert_int_equal(fann_get_num_layers(ann), 8);
    midge_net *net = from_peer(&t.env, ann, NULL);
    assert_int_equal(midge_net_n_layers(net), 7);
    assert_true(midge_net_has_shortcuts(net));
    compare_outputs(net, ann, 3);
    struct fann *back = to_peer(net, NULL);
    compare_outputs(net, back, 4);
    assert_same_connections(ann, back);
    midge_net_free(net);
    fann_destroy(back);
    fann_destroy_train(data);
    free(ann->cascade_candidate_scores); /* FANN forgets it */
    ann->cascade_candidate_scores = NULL;
    fann_destroy(ann);
    assert_int_equal(t.held_bytes, 0);
}

#if !defined(FANN_PEER_DOUBLE)
/* What fann_save_to_fixed writes: the same decimal point and the same integers,
 * line by line; only settings that FANN rounds to six digits differ. */
static void fixed_files_are_theirs(void **state) {
    (void)state;
    struct test_env t;
    test_env_init(&t);
    for (uint64_t seed = 0; seed < 12; seed++) {
        midge_net *net =
            make_net(&t.env, (enum net_kind)(seed % NET_KINDS),
                     MIDGE_ACT_SIGMOID, MIDGE_ACT_LINEAR_PIECE, seed);
        assert_int_equal(midge_net_init_weights(net, MIDGE_INIT_UNIFORM,
                                                powf(10.0f, (float)seed - 3.0f),
                                                seed),
                         MIDGE_OK);
        struct fann *ann = to_peer(net, NULL);
        const char *file = temp_dir_file(&dir, path);
        const int point = fann_save_to_fixed(ann, file);
        size_t size;
        char *text = read_whole(file, &size);
        midge_buf ours;
        uint32_t our_point = 0;
        midge_buf_init(&ours, &t.env, 0);
        assert_int_equal(
            midge_net_write_fann_fixed(net, NULL, &our_point, &ours, NULL),
            MIDGE_OK);
        assert_int_equal(our_point, point < 0 ? 0 : point);
        assert_int_equal(midge_buf_terminate(&ours), MIDGE_OK);
        assert_memory_equal(text, ours.data, 13 + strlen("decimal_point=1"));
        assert_string_equal(strstr(text, "bit_fail_limit="),
                            strstr(ours.data, "bit_fail_limit="));
        midge_buf_deinit(&ours);
        free(text);
        midge_net_free(net);
        fann_destroy(ann);
    }
    assert_int_equal(t.held_bytes, 0);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_activation_of_theirs),
        cmocka_unit_test(every_activation_of_ours),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(settings_are_kept),
        cmocka_unit_test(defaults_are_theirs),
        cmocka_unit_test(scaling_is_kept),
        cmocka_unit_test(fann_fits_scaling),
        cmocka_unit_test(cascades_are_read),
#if !defined(FANN_PEER_DOUBLE)
        cmocka_unit_test(fixed_files_are_theirs),
#endif
    };
    return cmocka_run_group_tests(tests, set_up_dir, tear_down_dir);
}
