/* cli_net.c: midge eval, midge net info. */
#include "cli_net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "midge/os.h"
#include "midge/table.h"

int cli_read_bytes(cli *c, const char *path, size_t max_bytes, midge_buf *out) {
    midge_error err = {.text = ""};
    midge_buf_init(out, &c->env, max_bytes);
    midge_status status = midge_os_read_file(path, max_bytes, out, &err);
    return status == MIDGE_OK
               ? CLI_DONE
               : cli_complain_error(cli_code_of(status), "", &err);
}

int cli_net_complain(midge_status status, const char *about,
                     const midge_error *err) {
    if (status == MIDGE_E_CANCELLED) {
        return cli_complain(CLI_INTERRUPTED,
                            "interrupted; nothing was written");
    }
    return cli_complain_error(cli_code_of(status), about, err);
}

/* ---- Measures ------------------------------------------------------------ */

static const struct {
    const char *key;
    const char *text;
    int percent;
} lines[] = {{"accuracy", "accuracy", 1},
             {"balanced_accuracy", "balanced accuracy", 1},
             {"macro_f1", "F1, mean of classes", 0},
             {"log_loss", "log loss", 0},
             {"auc", "area under ROC", 0},
             {"calibration_error", "calibration error", 0},
             {"rmse", "root mean squared error", 0},
             {"mae", "mean absolute error", 0},
             {"r2", "R2", 0}};

static void print_value(const midge_json *from, const char *key, int percent) {
    double value = midge_json_get_double(from, key, NAN);
    if (isnan(value)) {
        printf("  %12s", "-");
    } else if (percent) {
        printf("  %10.1f %%", value * 100.0);
    } else {
        printf("  %12.4g", value);
    }
}

void cli_print_measures(const midge_json *measures, const midge_json *beside) {
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (!midge_json_get(measures, lines[i].key)) {
            continue;
        }
        printf("  %-24s", lines[i].text);
        print_value(measures, lines[i].key, lines[i].percent);
        if (beside) {
            print_value(beside, lines[i].key, lines[i].percent);
        }
        putchar('\n');
    }
}

/* ---- midge eval ---------------------------------------------------------- */

#define CONFUSION_MAX 20 /* classes: as many as a screen is wide */

static void print_class(const midge_json *class, const midge_json *row,
                        int shown) {
    printf("  %-20.20s", midge_json_get_string(class, "name", ""));
    for (const midge_json *n = row->child; n && shown; n = n->next) {
        printf(" %7lld", (long long)n->integer);
    }
    print_value(class, "precision", 1);
    print_value(class, "recall", 1);
    print_value(class, "f1", 0);
    putchar('\n');
}

/* Rows are what is true, columns what was said. */
static void print_confusion(const midge_json *answer) {
    const midge_json *classes = midge_json_get(answer, "classes");
    const midge_json *rows = midge_json_get(answer, "confusion");
    const midge_json *row = rows ? rows->child : NULL;
    if (!row) {
        return;
    }
    int shown = classes->count <= CONFUSION_MAX;
    printf("\n  %-20s", shown ? "true \\ predicted" : "class");
    for (const midge_json *k = classes->child; k && shown; k = k->next) {
        printf(" %7.7s", midge_json_get_string(k, "name", ""));
    }
    printf("  %12s  %12s  %12s\n", "precision", "recall", "F1");
    for (const midge_json *k = classes->child; k && row; k = k->next) {
        print_class(k, row, shown);
        row = row->next;
    }
}

static int evaluate(cli *c, const char *data_path, const cli_blobs *blobs) {
    const midge_json *answer;
    midge_error err = {.text = ""};
    midge_status status = cli_pass_to_op(c, "nn.eval", blobs, &answer, &err);
    if (status != MIDGE_OK) {
        return cli_net_complain(status, data_path, &err);
    }
    if (midge_json_get_bool(c->args, "json", 0)) {
        cli_answer json;
        midge_json_value(cli_answer_begin(c, &json), answer);
        return cli_answer_end(&json);
    }
    const midge_json *measures = midge_json_get(answer, "measures");
    const char *target = midge_json_get_string(answer, "target", NULL);
    long long left_out = midge_json_get_int(answer, "left_out", 0);
    printf("%s%s%lld rows", target ? target : "", target ? " of " : "",
           (long long)midge_json_get_int(measures, "rows", 0));
    if (left_out > 0) {
        printf(" (%lld more have no target)", left_out);
    }
    putchar('\n');
    cli_print_measures(measures, NULL);
    print_confusion(answer);
    return CLI_DONE;
}

int cli_eval(cli *c) {
    const char *data_path = midge_json_get_string(c->args, "data", "");
    const char *model_path = midge_json_get_string(c->args, "model", "");
    midge_buf data, model;
    midge_buf_init(&model, &c->env, 0);
    int code = cli_read_bytes(c, data_path, MIDGE_TABLE_BYTES_MAX, &data);
    if (code == CLI_DONE) {
        code = cli_read_bytes(c, model_path, CLI_MODEL_BYTES_MAX, &model);
    }
    if (code == CLI_DONE) {
        cli_blobs blobs = {.data = &data, .model = &model};
        code = evaluate(c, data_path, &blobs);
    }
    midge_buf_deinit(&model);
    midge_buf_deinit(&data);
    return code;
}

/* ---- midge net info ------------------------------------------------------ */

static void print_layers(const midge_json *answer) {
    const midge_json *list = midge_json_get(answer, "layers");
    int at = 1;
    for (const midge_json *l = list ? list->child : NULL; l; l = l->next) {
        printf("  layer %-3d  %5lld inputs, %5lld units, %s, steepness %.6g\n",
               at++, (long long)midge_json_get_int(l, "inputs", 0),
               (long long)midge_json_get_int(l, "units", 0),
               midge_json_get_string(l, "activation", ""),
               midge_json_get_double(l, "steepness", 0.0));
    }
}

static void print_list(const char *what, const midge_json *list) {
    if (!list || list->count == 0) {
        return;
    }
    printf("%s:", what);
    for (const midge_json *v = list->child; v; v = v->next) {
        const char *column = midge_json_get_string(v, "column", v->string);
        const char *category = midge_json_get_string(v, "category", NULL);
        printf("%s %s%s%s", v == list->child ? "" : ",", column,
               category ? " = " : "", category ? category : "");
    }
    putchar('\n');
}

static void print_info(const midge_json *answer, const char *path) {
    const char *target = midge_json_get_string(answer, "target", NULL);
    const midge_json *layers = midge_json_get(answer, "layers");
    printf("%s: %s, %lld bytes, %s of %lld inputs and %lld outputs\n", path,
           midge_json_get_string(answer, "format", ""),
           (long long)midge_json_get_int(answer, "bytes", 0),
           midge_json_get_string(answer, "family", ""),
           (long long)midge_json_get_int(answer, "inputs", 0),
           (long long)midge_json_get_int(answer, "outputs", 0));
    if (target) {
        printf("%s of %s\n", midge_json_get_string(answer, "problem", ""),
               target);
    }
    print_list("classes", midge_json_get(answer, "classes"));
    print_list("features", midge_json_get(answer, "features"));
    print_list("left out", midge_json_get(answer, "dropped"));
    if (!layers) {
        return;
    }
    printf("%lld connections%s%s%s\n",
           (long long)midge_json_get_int(answer, "connections", 0),
           midge_json_get_bool(answer, "shortcuts", 0) ? ", shortcuts" : "",
           midge_json_get_bool(answer, "input_scaling", 0) ? ", scales inputs"
                                                           : "",
           midge_json_get_bool(answer, "output_scaling", 0) ? ", scales outputs"
                                                            : "");
    print_layers(answer);
}

int cli_net_info(cli *c) {
    const char *path = midge_json_get_string(c->args, "file", "");
    const midge_json *answer;
    midge_error err = {.text = ""};
    midge_buf model;
    int code = cli_read_bytes(c, path, CLI_MODEL_BYTES_MAX, &model);
    if (code == CLI_DONE) {
        cli_blobs blobs = {.model = &model};
        midge_status status =
            cli_pass_to_op(c, "nn.info", &blobs, &answer, &err);
        if (status != MIDGE_OK) {
            code = cli_net_complain(status, path, &err);
        } else if (midge_json_get_bool(c->args, "json", 0)) {
            cli_answer json;
            midge_json_value(cli_answer_begin(c, &json), answer);
            code = cli_answer_end(&json);
        } else {
            print_info(answer, path);
        }
    }
    midge_buf_deinit(&model);
    return code;
}
