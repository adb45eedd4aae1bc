/* onnx_oracle.c: networks of every activation as ONNX models, and what they are
 * to give, for tests/js/onnx.test.mjs.
 *
 *     onnx_oracle FOLDER   writes N.onnx, N.x and N.y (raw floats of 40 rows of
 *                          5 and 3) for N = 0, 1, ..., and prints a name a line
 */
#include <stdio.h>
#include <stdlib.h>

#include "midge/nn_exchange.h"
#include "midge/os.h"

#define ROWS           40
#define INPUTS         5
#define OUTPUTS        3
#define MIXED          8 /* networks of mixed units, more or less scaled */
#define PATH_MAX_BYTES 4096

static midge_env env;
static midge_error error;

static void must(midge_status status, const char *what) {
    if (status != MIDGE_OK) {
        fprintf(stderr, "onnx_oracle: %s: %s %s\n", what,
                midge_status_text(status), error.text);
        exit(1);
    }
}

/* The same numbers everywhere, in [low, high). */
static float draw(uint32_t *state, float low, float high) {
    *state = *state * 1664525u + 1013904223u;
    return low + (high - low) * (float)(*state >> 8) / 16777216.0f;
}

static midge_net *make_net(int kind, midge_activation hidden,
                           midge_activation output) {
    static const uint32_t sizes[] = {INPUTS, 7, 4, OUTPUTS};
    const midge_net_options options = {
        .n_layers = 3,
        .sizes = sizes,
        .hidden = hidden,
        .output = output,
        .hidden_steepness = 0.75f,
        .output_steepness = 0.5f,
        .shortcut = kind & 1,
        .connection_rate = kind & 2 ? 0.6f : 1.0f,
        .seed = (uint64_t)kind,
    };
    midge_net *net = NULL;
    must(midge_net_new(&env, &options, &net, &error), "make");
    must(
        midge_net_init_weights(net, MIDGE_INIT_UNIFORM, 1.0f, (uint64_t)hidden),
        "draw weights");
    return net;
}

static void draw_scaling(uint32_t *state, midge_scaling *s, int count) {
    for (int i = 0; i < count; i++) {
        s[i].mean = draw(state, -3.0f, 3.0f);
        s[i].deviation = draw(state, 0.2f, 3.0f);
        s[i].new_min = draw(state, -1.0f, 0.0f);
        s[i].factor = draw(state, 0.5f, 2.0f);
    }
}

static midge_net *make_mixed(int kind) {
    uint32_t state = (uint32_t)kind;
    midge_scaling inputs[INPUTS], outputs[OUTPUTS];
    midge_net *net = make_net(kind, MIDGE_ACT_TANH, MIDGE_ACT_LINEAR);
    draw_scaling(&state, inputs, INPUTS);
    draw_scaling(&state, outputs, OUTPUTS);
    must(midge_net_set_scaling(net, kind & 1 ? inputs : NULL,
                               kind & 2 ? outputs : NULL),
         "scale");
    for (uint32_t layer = 0; layer < 2; layer++) {
        for (uint32_t unit = 0; unit < 4; unit++) {
            const int a = (int)draw(&state, 0.0f, (float)MIDGE_ACT_SOFTMAX);
            must(midge_net_set_activation(net, layer, unit, (midge_activation)a,
                                          draw(&state, 0.3f, 1.5f), &error),
                 "set activation");
        }
    }
    return net;
}

static void write_file(const char *folder, int number, const char *ending,
                       const void *bytes, size_t size) {
    char path[PATH_MAX_BYTES];
    snprintf(path, sizeof path, "%s/%d.%s", folder, number, ending);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        fprintf(stderr, "onnx_oracle: cannot write %s\n", path);
        exit(1);
    }
}

/* Scaled, run, unscaled: all of that is in the model's graph. */
static void write_case(const char *folder, int number, midge_net *net) {
    float x[ROWS * INPUTS], y[ROWS * OUTPUTS];
    uint32_t state = (uint32_t)number + 1;
    midge_buf model;
    midge_buf_init(&model, &env, 0);
    must(midge_net_write_onnx(net, "oracle", &model, &error), "write");
    write_file(folder, number, "onnx", model.data, model.size);
    midge_buf_deinit(&model);
    for (int i = 0; i < ROWS * INPUTS; i++) {
        x[i] = draw(&state, -3.0f, 3.0f);
    }
    write_file(folder, number, "x", x, sizeof x);
    size_t bytes = (midge_net_workspace_bytes(net, ROWS) + 64) / 64 * 64;
    void *workspace = aligned_alloc(64, bytes);
    midge_scaling_apply(midge_net_input_scaling(net), INPUTS, ROWS, x);
    must(workspace ? midge_net_run(net, ROWS, x, y, workspace) : MIDGE_E_NOMEM,
         "run");
    midge_scaling_undo(midge_net_output_scaling(net), OUTPUTS, ROWS, y);
    write_file(folder, number, "y", y, sizeof y);
    free(workspace);
    midge_net_free(net);
}

int main(int argc, char **argv) {
    env = midge_os_env();
    if (argc != 2) {
        fprintf(stderr, "onnx_oracle FOLDER\n");
        return 1;
    }
    for (int a = 0; a < MIDGE_ACT_COUNT; a++) {
        const midge_activation output = (midge_activation)a;
        const midge_activation hidden =
            output == MIDGE_ACT_SOFTMAX ? MIDGE_ACT_RELU : output;
        write_case(argv[1], a, make_net(a % 4, hidden, output));
        printf("%s\n", midge_activation_name(output));
    }
    for (int i = 0; i < MIXED; i++) {
        write_case(argv[1], MIDGE_ACT_COUNT + i, make_mixed(i));
        printf("mixed units, number %d\n", i);
    }
    return 0;
}
