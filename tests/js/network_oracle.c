/* network_oracle.c: the native side of the tests of networks in JavaScript.
 *
 *     network_oracle train NAME=VALUE...    the trained network
 *     network_oracle cascade NAME=VALUE...  the grown network
 *     network_oracle int8 NAME=VALUE...     a new network in small integers
 *     network_oracle new NAME=VALUE...      a new network
 *     network_oracle run FILE ROWS          outputs of a file of any of these
 *     network_oracle defaults TRAINER       its options, as text
 *
 * All but the last print raw bytes: of a file, or floats. NAMEs: layers
 * (2,8,1), hidden, output, shortcut, rate, seed for the network; x and t (files
 * of raw floats); and the options below. Exit code 1 and a line when it fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "midge/nn_data.h"
#include "midge/nn_quant.h"
#include "midge/os.h"

#define LAYERS_MAX 16
#define FILE_MAX   ((size_t)1 << 30)

static midge_env env;
static midge_error error;
static char **words; /* NAME=VALUE */

static void stop(const char *what) {
    fprintf(stderr, "network_oracle: %s: %s\n", what, error.text);
    exit(1);
}

static void must(midge_status status, const char *what) {
    if (status != MIDGE_OK) {
        stop(what);
    }
}

static const char *text_of(const char *name, const char *otherwise) {
    const size_t size = strlen(name);
    for (char **at = words; *at; at++) {
        if (strncmp(*at, name, size) == 0 && (*at)[size] == '=') {
            return *at + size + 1;
        }
    }
    return otherwise;
}

static double number_of(const char *name, double otherwise) {
    const char *text = text_of(name, NULL);
    return text ? strtod(text, NULL) : otherwise;
}

static uint32_t count_of(const char *name, uint32_t otherwise) {
    return (uint32_t)number_of(name, otherwise);
}

static float float_of(const char *name, float otherwise) {
    return (float)number_of(name, (double)otherwise);
}

static int found(int number, const char *name) {
    if (number < 0) {
        stop(name);
    }
    return number;
}

static midge_buf read_file(const char *path) {
    midge_buf buf;
    midge_buf_init(&buf, &env, 0);
    must(midge_os_read_file(path, FILE_MAX, &buf, &error), path);
    return buf;
}

static midge_net *new_net(void) {
    uint32_t sizes[LAYERS_MAX] = {0};
    uint32_t n = 0;
    const char *at = text_of("layers", "2,8,1");
    for (char *end; n < LAYERS_MAX && *at; at = *end ? end + 1 : end) {
        sizes[n++] = (uint32_t)strtoul(at, &end, 10);
    }
    const char *hidden = text_of("hidden", "tanh");
    const char *output = text_of("output", "linear");
    const midge_net_options options = {
        .n_layers = n - 1,
        .sizes = sizes,
        .hidden =
            (midge_activation)found(midge_activation_find(hidden), hidden),
        .output =
            (midge_activation)found(midge_activation_find(output), output),
        .shortcut = (int)number_of("shortcut", 0),
        .connection_rate = float_of("rate", 0),
        .init = (midge_init)number_of("init", MIDGE_INIT_AUTO),
        .seed = (uint64_t)number_of("seed", 0)};
    midge_net *net = NULL;
    must(midge_net_new(&env, &options, &net, &error), "new");
    return net;
}

static midge_net_data read_data(const midge_net *net, const char *x,
                                const char *t) {
    const size_t row = midge_net_n_inputs(net) * sizeof(float);
    midge_buf rows = read_file(text_of(x, ""));
    midge_net_data data = {rows.size / row, (float *)(void *)rows.data, NULL};
    if (t) {
        data.t = (float *)(void *)read_file(text_of(t, "")).data;
    }
    return data;
}

static midge_train_options train_options(void) {
    const char *trainer = text_of("trainer", "adam");
    const char *loss = text_of("loss", NULL);
    midge_train_options o = midge_train_defaults(
        (midge_trainer)found(midge_trainer_find(trainer), trainer));
    if (loss) {
        o.loss = (midge_loss)found(midge_loss_find(loss), loss);
    }
    o.max_epochs = count_of("epochs", o.max_epochs);
    o.batch_size = count_of("batch", o.batch_size);
    o.learning_rate = float_of("learning", o.learning_rate);
    o.dropout = float_of("dropout", o.dropout);
    o.weight_decay = float_of("decay", o.weight_decay);
    o.schedule = (midge_schedule)count_of("schedule", (uint32_t)o.schedule);
    o.patience = count_of("patience", o.patience);
    o.seed = (uint64_t)number_of("trainseed", 0);
    return o;
}

static void put(const void *bytes, size_t size) {
    if (fwrite(bytes, 1, size, stdout) != size) {
        stop("cannot write");
    }
}

static void put_net(const midge_net *net) {
    midge_buf out;
    midge_buf_init(&out, &env, 0);
    must(midge_net_write(net, &out), "write");
    put(out.data, out.size);
}

static void train(midge_net *net) {
    const midge_net_data data = read_data(net, "x", "t");
    const midge_train_options options = train_options();
    const int held = text_of("vx", NULL) != NULL;
    midge_net_data valid = {0, NULL, NULL};
    if (held) {
        valid = read_data(net, "vx", "vt");
    }
    must(midge_net_train(net, &data, held ? &valid : NULL, &options, NULL,
                         &error),
         "train");
}

static void grow(midge_net *net) {
    const midge_net_data data = read_data(net, "x", "t");
    midge_cascade_options options = midge_cascade_defaults();
    options.max_units = count_of("units", options.max_units);
    options.train.seed = (uint64_t)number_of("trainseed", 0);
    must(midge_net_cascade(net, &data, &options, NULL, &error), "cascade");
}

static void put_int8(const midge_net *net) {
    const midge_net_data data = read_data(net, "x", NULL);
    midge_net_int8 *small = NULL;
    midge_buf out;
    midge_buf_init(&out, &env, 0);
    must(midge_net_quantise(net, data.n_rows, data.x, 0, &small, &error),
         "quantise");
    must(midge_net_int8_write(small, &out), "write");
    put(out.data, out.size);
}

static void *must_alloc(size_t size) {
    void *at = env.realloc_fn(env.alloc_ctx, NULL, 0, size ? size : 1);
    if (!at) {
        stop("no memory");
    }
    return at;
}

static void run_net(const midge_net *net, const midge_buf *rows) {
    const size_t n = rows->size / sizeof(float) / midge_net_n_inputs(net);
    const size_t bytes = n * midge_net_n_outputs(net) * sizeof(float);
    float *y = must_alloc(bytes);
    must(midge_net_run(net, n, (float *)(void *)rows->data, y,
                       must_alloc(midge_net_workspace_bytes(net, n))),
         "run");
    put(y, bytes);
}

static void run_int8(const midge_net_int8 *net, const midge_buf *rows) {
    const size_t n = rows->size / sizeof(float) / midge_net_int8_n_inputs(net);
    const size_t bytes = n * midge_net_int8_n_outputs(net) * sizeof(float);
    float *y = must_alloc(bytes);
    must(midge_net_int8_run(net, n, (float *)(void *)rows->data, y,
                            must_alloc(midge_net_int8_workspace_bytes(net, n))),
         "run");
    put(y, bytes);
}

static void run(const char *path, const char *rows_path) {
    const midge_buf file = read_file(path);
    const midge_buf rows = read_file(rows_path);
    midge_net *net = NULL;
    midge_net_int8 *small = NULL;
    if (midge_net_int8_read(&env, file.data, file.size, &small, NULL) == 0) {
        run_int8(small, &rows);
    } else {
        must(midge_net_read(&env, file.data, file.size, &net, &error), path);
        run_net(net, &rows);
    }
}

static void defaults(const char *trainer) {
    const midge_train_options o = midge_train_defaults(
        (midge_trainer)found(midge_trainer_find(trainer), trainer));
    printf("%d %d %u %u %.9g %.9g %.9g %.9g %d %.9g %.9g %.9g %u %.9g\n",
           (int)o.trainer, (int)o.loss, o.max_epochs, o.batch_size,
           (double)o.learning_rate, (double)o.momentum, (double)o.beta2,
           (double)o.epsilon, o.fann_gradient, (double)o.rprop_delta_max,
           (double)o.sarprop_temperature, (double)o.bit_fail_limit, o.patience,
           o.time_limit_ms);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    env = midge_os_env();
    words = argv + (argc > 1 ? 2 : 1);
    if (strcmp(what, "run") == 0 && argc == 4) {
        run(argv[2], argv[3]);
        return 0;
    }
    if (strcmp(what, "defaults") == 0 && argc == 3) {
        defaults(argv[2]);
        return 0;
    }
    midge_net *net = new_net();
    if (strcmp(what, "int8") == 0) {
        put_int8(net);
        return 0;
    }
    if (strcmp(what, "train") == 0) {
        train(net);
    } else if (strcmp(what, "cascade") == 0) {
        grow(net);
    } else if (strcmp(what, "new") != 0) {
        fputs("usage: see the head of network_oracle.c\n", stderr);
        return 2;
    }
    put_net(net);
    return 0;
}
