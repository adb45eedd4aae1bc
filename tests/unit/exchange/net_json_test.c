/* net_json_test.c: a network as JSON and back, to the last bit; texts that are
 * cut or wrong are refused by the path of what is wrong. */
#include "exchange_support.h"

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

static midge_status read_copy(struct file *f, const char *text, size_t size,
                              midge_net **net, midge_error *err) {
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    memset(err, 0, sizeof *err);
    midge_status status = midge_net_read_json(&f->t.env, copy, size, net, err);
    assert_int_equal(err->status, status);
    assert_int_equal(status == MIDGE_OK, *net != NULL);
    free(copy);
    return status;
}

static void random_units(midge_net *net, mdg_rng *rng) {
    for (uint32_t l = 0; l < net->n_layers; l++) {
        for (uint32_t j = 0; j < net->layers[l].n_out; j++) {
            const int a = (int)mdg_rng_below(rng, MIDGE_ACT_SOFTMAX);
            assert_int_equal(
                midge_net_set_activation(net, l, j, (midge_activation)a,
                                         between(rng, 0.1f, 3.0f), NULL),
                MIDGE_OK);
        }
    }
}

static midge_net *write_one(struct file *f, int round) {
    mdg_rng rng;
    mdg_rng_seed(&rng, (uint64_t)round);
    midge_scaling inputs[5], outputs[3];
    random_scaling(&rng, inputs, 5);
    random_scaling(&rng, outputs, 3);
    midge_net *net = make_net(
        &f->t.env, (enum net_kind)(round % NET_KINDS), MIDGE_ACT_RELU,
        round % 3 ? MIDGE_ACT_SOFTMAX : MIDGE_ACT_ELU, (uint64_t)round);
    if (round % 3 == 0) {
        random_units(net, &rng);
    }
    for (size_t i = 0; i < net->n_weights; i++) {
        float w;
        do {
            const uint32_t bits = (uint32_t)mdg_rng_next(&rng);
            memcpy(&w, &bits, sizeof w);
        } while (w - w != 0.0f);
        net->weights[i] = net->mask && !net->mask[i] ? 0.0f : w;
    }
    net->weights[0] = net->mask && !net->mask[0] ? 0.0f : -0.0f;
    assert_int_equal(midge_net_set_scaling(net, round & 1 ? inputs : NULL,
                                           round & 2 ? outputs : NULL),
                     MIDGE_OK);
    midge_buf_clear(&f->buf);
    assert_int_equal(midge_net_write_json(net, &f->buf), MIDGE_OK);
    return net;
}

static void a_network_comes_back(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    for (int round = 0; round < 24; round++) {
        midge_net *net = write_one(&f, round);
        midge_net *back;
        midge_error err;
        if (read_copy(&f, f.buf.data, f.buf.size, &back, &err) != MIDGE_OK) {
            fail_msg("%s", err.text);
        }
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

/* The example of spec/formats/net_json.md. */
static const char example[] =
    "{\n"
    "  \"format\": \"midge-net\",\n"
    "  \"version\": 1,\n"
    "  \"inputs\": 2,\n"
    "  \"shortcuts\": false,\n"
    "  \"input_scaling\": null,\n"
    "  \"output_scaling\": [\n"
    "    {\"mean\": 4.5, \"deviation\": 1.25, \"new_min\": -1, \"factor\": "
    "1}\n"
    "  ],\n"
    "  \"layers\": [\n"
    "    {\n"
    "      \"units\": [\n"
    "        {\"count\": 2, \"activation\": \"tanh\", "
    "\"steepness\": 1},\n"
    "        {\"count\": 1, \"activation\": \"relu\", \"steepness\": 1}\n"
    "      ],\n"
    "      \"weights\": [\n"
    "        [0.1, -2.25, 1e-10],\n"
    "        [0.75, null, 3]\n"
    "      ],\n"
    "      \"biases\": [0, 0.5, -0.25]\n"
    "    },\n"
    "    {\n"
    "      \"units\": [\n"
    "        {\"count\": 1, \"activation\": \"linear\", \"steepness\": 1}\n"
    "      ],\n"
    "      \"weights\": [\n"
    "        [1],\n"
    "        [0.5],\n"
    "        [-1]\n"
    "      ],\n"
    "      \"biases\": [0.125]\n"
    "    }\n"
    "  ]\n"
    "}\n";

static void remove_spaces_in_rows(const char *from, char *to) {
    int in_row = 0;
    for (; *from != '\0'; from++) {
        const char c = *from;
        in_row = c == '\n' ? 0 : in_row || c == '{' || c == '[';
        if (c != ' ' || !in_row) {
            *to++ = c;
        }
    }
    *to = '\0';
}

/* Read, it is what it says; written, it is the same text but for the spaces in
 * rows. */
static void the_example_holds(void **state) {
    (void)state;
    struct file f;
    char compact[sizeof example];
    set_up(&f);
    midge_net *net;
    midge_error err;
    assert_int_equal(read_copy(&f, example, strlen(example), &net, &err),
                     MIDGE_OK);
    assert_int_equal(midge_net_n_connections(net), 12);
    assert_int_equal(net->mask[net->layers[0].w + 4], 0);
    assert_true(net->weights[5] == 3.0f);
    assert_int_equal(midge_net_write_json(net, &f.buf), MIDGE_OK);
    assert_int_equal(midge_buf_terminate(&f.buf), MIDGE_OK);
    remove_spaces_in_rows(example, compact);
    assert_string_equal(f.buf.data, compact);
    midge_net_free(net);
    tear_down(&f);
}

static const struct {
    const char *from, *to;
    midge_status status;
    const char *text;
} changes[] = {
    {"midge-net", "net", MIDGE_E_PARSE, "\"format\""},
    {"\"version\": 1", "\"version\": 2", MIDGE_E_VERSION, "version 2"},
    {"\"version\": 1,\n", "", MIDGE_E_VERSION, "version -1"},
    {"\"inputs\": 2,\n", "", MIDGE_E_PARSE,
     "the network: \"inputs\" is missing"},
    {"\"inputs\": 2", "\"inputs\": 2, \"inputs\": 2", MIDGE_E_PARSE,
     "the same key stands twice"},
    {"\"inputs\": 2", "\"inputs\": 2, \"outputs\": 2", MIDGE_E_PARSE,
     "\"outputs\" is no key"},
    {"\"inputs\": 2", "\"inputs\": 2, \"inputs\\u0000\": 2", MIDGE_E_PARSE,
     "is no key"},
    {"\"inputs\": 2", "\"inputs\": 2.5", MIDGE_E_PARSE, "inputs: "},
    {"\"inputs\": 2", "\"inputs\": 0", MIDGE_E_PARSE, "inputs: "},
    {"\"inputs\": 2", "\"inputs\": 3", MIDGE_E_PARSE,
     "layers[0].weights: 2 elements, not 3"},
    {"\"shortcuts\": false", "\"shortcuts\": 0", MIDGE_E_PARSE, "shortcuts: "},
    {"\"shortcuts\": false", "\"shortcuts\": true", MIDGE_E_PARSE,
     "layers[1].weights: 3 elements, not 5"},
    {"\"input_scaling\": null", "\"input_scaling\": []", MIDGE_E_PARSE,
     "input_scaling: 0 elements, not 2"},
    {"\"mean\": 4.5, ", "", MIDGE_E_PARSE,
     "output_scaling[0]: \"mean\" is missing"},
    {"1.25", "0", MIDGE_E_PARSE, "output_scaling[0]: a deviation"},
    {"1.25", "\"x\"", MIDGE_E_PARSE, "output_scaling[0]: not a number"},
    {"\"count\": 2", "\"count\": 3", MIDGE_E_PARSE,
     "layers[0].weights[0]: 3 elements, not 4"},
    {"\"count\": 2", "\"count\": 0", MIDGE_E_PARSE,
     "layers[0].units[0]: not a whole number"},
    {"\"count\": 2", "\"count\": 65536", MIDGE_E_PARSE,
     "layers[0].units[1]: more than"},
    {"tanh", "tanhh", MIDGE_E_PARSE, "layers[0].units[0]: \"activation\""},
    {"relu", "softmax", MIDGE_E_PARSE, "softmax"},
    {"\"relu\", \"steepness\": 1", "\"relu\", \"steepness\": 0", MIDGE_E_PARSE,
     "steepness"},
    {"[0.75, null, 3]", "[0.75, null]", MIDGE_E_PARSE,
     "layers[0].weights[1]: 2 elements, not 3"},
    {"[0.75, null, 3]", "7", MIDGE_E_PARSE,
     "layers[0].weights[1]: not an array"},
    {"[0.75, null, 3]", "[0.75, true, 3]", MIDGE_E_PARSE,
     "layers[0].weights[1]: not a number"},
    {"[0.75, null, 3]", "[0.75, 1e39, 3]", MIDGE_E_PARSE,
     "layers[0].weights[1]: not a number"},
    {"[0.125]", "[0.125, 1]", MIDGE_E_PARSE,
     "layers[1].biases: 2 elements, not 1"},
    {",\n      \"biases\": [0.125]", "", MIDGE_E_PARSE,
     "layers[1]: \"biases\" is missing"},
    {"[0.125]\n    }", "[0.125]\n    }, 5", MIDGE_E_PARSE,
     "layers[2]: not an object"},
    {"]\n}\n", "]\n} 1\n", MIDGE_E_PARSE, ""},
};

static void wrong_texts_are_named(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char text[sizeof example + 100];
        const char *at = strstr(example, changes[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - example), example,
                 changes[i].to, at + strlen(changes[i].from));
        midge_net *net;
        midge_error err;
        const midge_status status =
            read_copy(&f, text, strlen(text), &net, &err);
        if (status != changes[i].status || !strstr(err.text, changes[i].text)) {
            fail_msg("%s: %s: %s", changes[i].to, midge_status_name(status),
                     err.text);
        }
        assert_int_equal(f.t.held_bytes, 0);
    }
    tear_down(&f);
}

static void every_cut_is_refused(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    const size_t end = strlen(example) - 1;
    for (size_t cut = 0; cut < end; cut++) {
        midge_net *net;
        midge_error err;
        assert_int_equal(read_copy(&f, example, cut, &net, &err),
                         MIDGE_E_PARSE);
        assert_int_equal(f.t.held_bytes, 0);
    }
    tear_down(&f);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    struct file f;
    set_up(&f);
    midge_status status = MIDGE_E_NOMEM;
    midge_net *net = NULL;
    for (long n = 1; status != MIDGE_OK; n++) {
        midge_error err;
        f.t.calls = 0;
        f.t.fail_at = n;
        status = read_copy(&f, example, strlen(example), &net, &err);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        assert_true(status == MIDGE_OK || f.t.held_bytes == 0);
        assert_true(n < 100);
    }
    const size_t held = f.t.held_bytes;
    status = MIDGE_E_NOMEM;
    for (long n = 1; status != MIDGE_OK; n++) {
        f.t.calls = 0;
        f.t.fail_at = n;
        midge_buf_deinit(&f.buf);
        midge_buf_init(&f.buf, &f.t.env, 0);
        status = midge_net_write_json(net, &f.buf);
        assert_true(status == MIDGE_OK || status == MIDGE_E_NOMEM);
        assert_true(n < 100);
    }
    f.t.fail_at = 0;
    midge_buf_deinit(&f.buf);
    assert_int_equal(f.t.held_bytes, held);
    midge_net_free(net);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_comes_back),
        cmocka_unit_test(the_example_holds),
        cmocka_unit_test(wrong_texts_are_named),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
