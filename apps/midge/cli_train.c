/* cli_train.c: midge train. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli_net.h"
#include "midge/os.h"
#include "midge/table.h"

typedef struct training {
    cli *c;
    const char *file;
    char out[CLI_PATH_MAX];
    midge_buf data;
    midge_buf model;
    const midge_json *answer;
    int interrupted;
} training;

static long long get_int(const training *t, const char *key) {
    return midge_json_get_int(t->answer, key, 0);
}

static const char *get_text(const training *t, const char *key) {
    return midge_json_get_string(t->answer, key, "");
}

/* ---- Where the model goes ------------------------------------------------ */

/* --out, or FILE with another ending. */
static int choose_out(training *t, const char *ending) {
    const char *given = midge_json_get_string(t->c->args, "out", NULL);
    const char *slash = strrchr(t->file, '/');
    const char *point = strrchr(slash ? slash : t->file, '.');
    size_t size = point && point > t->file && point[-1] != '/'
                      ? (size_t)(point - t->file)
                      : strlen(t->file);
    int fits = given ? cli_path(t->out, "%s", given)
                     : cli_path(t->out, "%.*s%s", (int)size, t->file, ending);
    if (!fits) {
        return cli_complain(CLI_USAGE, "the path of the model is too long");
    }
    return strcmp(t->out, t->file) != 0
               ? CLI_DONE
               : cli_complain(CLI_USAGE,
                              "the model would be written over the data; say "
                              "where it goes with --out");
}

/* Before hours of training rather than after. */
static int check_out(const training *t) {
    char folder[CLI_PATH_MAX];
    const char *slash = strrchr(t->out, '/');
    size_t size = slash ? (size_t)(slash - t->out) : 0;
    if (!cli_path(folder, "%.*s", slash && size ? (int)size : 1,
                  !slash ? "."
                  : size ? t->out
                         : "/") ||
        access(folder, W_OK | X_OK) != 0) {
        return cli_complain(CLI_USAGE,
                            "%s cannot be written: the folder is "
                            "not there or not writable",
                            t->out);
    }
    return CLI_DONE;
}

/* ---- What came of it ----------------------------------------------------- */

static void print_names(const char *what, const midge_json *list, int most) {
    if (!list || list->count == 0) {
        return;
    }
    printf("%s", what);
    for (const midge_json *v = list->child; v && most-- > 0; v = v->next) {
        printf("%s%s", v == list->child ? "" : ", ", v->string);
    }
    puts(most < 0 ? ", ..." : "");
}

static void print_data(const training *t) {
    const midge_json *classes = midge_json_get(t->answer, "classes");
    const char *target = midge_json_get_string(t->answer, "target", NULL);
    printf("%s: %lld rows, %s%s%s\n", t->file, get_int(t, "rows"),
           get_text(t, "problem"), target ? " of " : "", target ? target : "");
    print_names("classes: ", classes, 20);
    print_names("left out: ", midge_json_get(t->answer, "dropped"), 20);
    printf("%lld rows to train on, %lld to choose the epoch, %lld held out\n",
           get_int(t, "train_rows"), get_int(t, "validation_rows"),
           get_int(t, "test_rows"));
}

static void print_network(const training *t) {
    const midge_json *layers = midge_json_get(t->answer, "layers");
    printf("network ");
    for (const midge_json *l = layers->child; l; l = l->next) {
        printf("%lld%s", (long long)l->integer, l->next ? "-" : "");
    }
    printf(", %s, %s; %s, %s\n", get_text(t, "activation"),
           get_text(t, "output_activation"), get_text(t, "trainer"),
           get_text(t, "loss"));
    if (midge_json_get_int(t->answer, "units", -1) >= 0) {
        printf("%lld units grown (%s)", get_int(t, "units"),
               get_text(t, "stop"));
    } else {
        printf("%lld epochs (%s), the best after %lld", get_int(t, "epochs"),
               get_text(t, "stop"), get_int(t, "best_epoch"));
    }
    printf(", %.1f s\n", midge_json_get_double(t->answer, "seconds", 0.0));
}

static void print_folds(const midge_json *folds) {
    int percent = strcmp(midge_json_get_string(folds, "metric", ""), "r2") != 0;
    double scale = percent ? 100.0 : 1.0;
    const midge_json *list = midge_json_get(folds, "measures");
    printf("%u folds: %s %.*f%s +- %.*f%s (mean and standard deviation)\n",
           list ? list->count : 0, percent ? "accuracy" : "R2", percent ? 1 : 4,
           midge_json_get_double(folds, "mean", 0.0) * scale,
           percent ? " %" : "", percent ? 1 : 4,
           midge_json_get_double(folds, "deviation", 0.0) * scale,
           percent ? " %" : "");
}

static void print_report(const training *t) {
    const midge_json *folds = midge_json_get(t->answer, "folds");
    int held = strcmp(get_text(t, "measured_on"), "test") == 0;
    print_data(t);
    print_network(t);
    if (folds && folds->type == MIDGE_JSON_OBJECT) {
        print_folds(folds);
    } else {
        printf("\n%-26s  %12s  %12s\n",
               held ? "on rows never seen" : "on the rows trained on",
               "network",
               strcmp(get_text(t, "problem"), "regression") == 0
                   ? "the mean"
                   : "most frequent");
        cli_print_measures(midge_json_get(t->answer, "measures"),
                           midge_json_get(t->answer, "baseline"));
    }
    printf("\n%swrote %s\n",
           t->interrupted ? "interrupted: these are the best weights so far; "
                          : "",
           t->out);
}

static int print_json(const training *t) {
    cli_answer json;
    midge_json_writer *w = cli_answer_begin(t->c, &json);
    midge_json_begin_object(w);
    cli_answer_members(w, t->answer, "model");
    midge_json_key(w, "out");
    midge_json_string(w, t->out);
    midge_json_end_object(w);
    return cli_answer_end(&json);
}

/* ---- The command --------------------------------------------------------- */

static int train(training *t) {
    midge_error err = {.text = ""};
    cli_bar bar;
    cli_blobs blobs = {
        .data = &t->data, .stored = &t->model, .bar = &bar, .interruptible = 1};
    cli_bar_begin(&bar, "training", NULL);
    cli_watch_interrupts();
    midge_status status =
        cli_pass_to_op(t->c, "nn.train", &blobs, &t->answer, &err);
    cli_bar_end(&bar);
    if (status == MIDGE_E_STATE) {
        return cli_complain(CLI_FAILED,
                            "%s: %s; a smaller --rate, or --clip, may help",
                            t->file, err.text);
    }
    if (status != MIDGE_OK) {
        return cli_net_complain(status, t->file, &err);
    }
    t->interrupted = strcmp(get_text(t, "stop"), "cancelled") == 0;
    if (strcmp(get_text(t, "format"), "net") == 0 &&
        choose_out(t, ".mnet") != CLI_DONE) {
        return CLI_USAGE;
    }
    status = midge_os_write_file(t->out, t->model.data, t->model.size, &err);
    if (status != MIDGE_OK) {
        return cli_complain_error(CLI_FAILED, t->out, &err);
    }
    int code = CLI_DONE;
    if (midge_json_get_bool(t->c->args, "json", 0)) {
        code = print_json(t);
    } else {
        print_report(t);
    }
    return code == CLI_DONE && t->interrupted ? CLI_INTERRUPTED : code;
}

int cli_train(cli *c) {
    training t = {.c = c, .file = midge_json_get_string(c->args, "file", "")};
    midge_buf_init(&t.model, &c->env, CLI_MODEL_BYTES_MAX);
    midge_buf_init(&t.data, &c->env, 0);
    int code = choose_out(&t, ".midge");
    code = code == CLI_DONE ? check_out(&t) : code;
    if (code == CLI_DONE) {
        code = cli_read_bytes(c, t.file, MIDGE_TABLE_BYTES_MAX, &t.data);
    }
    code = code == CLI_DONE ? train(&t) : code;
    midge_buf_deinit(&t.data);
    midge_buf_deinit(&t.model);
    return code;
}
