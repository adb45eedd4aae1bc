/* cli_predict.c: midge predict. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "midge/os.h"
#include "midge/table.h"
#include "sqlite/sqlite_store.h"

#define MODEL_BYTES_MAX ((size_t)1 << 30)

/* The newest run that has a model. */
static int newest_model(cli *c, char path[CLI_PATH_MAX]) {
    cli_home home;
    midge_buf text;
    midge_error err = {.text = ""};
    const midge_json *runs = NULL;
    midge_query_options options = {.limit = 1000000};
    int code = cli_find_home(c, &home);
    if (code != CLI_DONE) {
        return code;
    }
    path[0] = 0;
    midge_buf_init(&text, &c->env, 0);
    if (cli_home_exists(&home) &&
        midge_sqlite_query(&c->env, home.store, MIDGE_QUERY_RUNS, &options,
                           &text, &err) == MIDGE_OK) {
        (void)!midge_json_read(&c->arena, text.data, text.size, &runs, &err);
    }
    midge_buf_deinit(&text);
    for (const midge_json *r = runs ? runs->child : NULL; r; r = r->next) {
        char candidate[CLI_PATH_MAX];
        cli_run_path(&home, midge_json_get_int(r, "id", 0), "model.midge",
                     candidate);
        if (access(candidate, R_OK) == 0) { /* by rising id: the last stays */
            memcpy(path, candidate, sizeof candidate);
        }
    }
    if (path[0]) {
        return CLI_DONE;
    }
    return cli_complain(CLI_USAGE,
                        "there is no model in %s; `midge learn` makes one, "
                        "--model names one",
                        home.dir);
}

/* A cell of CSV: quoted when it must be. */
static void print_cell(const char *text) {
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') {
            putchar('"');
        }
        putchar(*text);
    }
    putchar('"');
}

/* Outputs of a network by itself: y0,y1,... */
static void print_outputs(const midge_json *list) {
    uint32_t n = list->child ? list->child->count : 0;
    for (uint32_t j = 0; j < n; j++) {
        printf("%sy%u", j ? "," : "", j);
    }
    putchar('\n');
    for (const midge_json *row = list->child; row; row = row->next) {
        for (const midge_json *v = row->child; v; v = v->next) {
            printf("%.9g%s", v->number, v->next ? "," : "");
        }
        putchar('\n');
    }
}

static void print_rows(const midge_json *answer) {
    const midge_json *outputs = midge_json_get(answer, "outputs");
    if (outputs) {
        print_outputs(outputs);
        return;
    }
    const midge_json *values = midge_json_get(answer, "values");
    const midge_json *list = midge_json_get(answer, "probabilities");
    const midge_json *p = list ? list->child : NULL;
    print_cell(midge_json_get_string(answer, "target", "value"));
    puts(p ? ",probability" : "");
    for (const midge_json *v = values ? values->child : NULL; v; v = v->next) {
        if (v->type == MIDGE_JSON_STRING) {
            print_cell(v->string);
        } else {
            printf("%.9g", v->number);
        }
        if (p) {
            printf(",%.4f", p->number);
            p = p->next;
        }
        putchar('\n');
    }
}

static int predict(cli *c, const char *data_path, const char *model_path,
                   const cli_blobs *blobs) {
    const midge_json *answer;
    midge_error err = {.text = ""};
    midge_status status = cli_pass_to_op(c, "nn.predict", blobs, &answer, &err);
    if (status == MIDGE_E_CORRUPT || status == MIDGE_E_VERSION) {
        return cli_complain_error(CLI_USAGE, model_path, &err);
    }
    if (status != MIDGE_OK) {
        return cli_complain_error(cli_code_of(status), data_path, &err);
    }
    if (midge_json_get_bool(c->args, "json", 0)) {
        cli_answer json;
        midge_json_value(cli_answer_begin(c, &json), answer);
        return cli_answer_end(&json);
    }
    print_rows(answer);
    return CLI_DONE;
}

int cli_predict(cli *c) {
    char model_path[CLI_PATH_MAX];
    const char *data_path = midge_json_get_string(c->args, "data", "");
    const char *given = midge_json_get_string(c->args, "model", NULL);
    midge_error err = {.text = ""};
    midge_buf data;
    midge_buf model;
    if (given && !cli_path(model_path, "%s", given)) {
        return cli_complain(CLI_USAGE, "the path of the model is too long");
    }
    int code = given ? CLI_DONE : newest_model(c, model_path);
    if (code != CLI_DONE) {
        return code;
    }
    midge_buf_init(&data, &c->env, MIDGE_TABLE_BYTES_MAX);
    midge_buf_init(&model, &c->env, MODEL_BYTES_MAX);
    midge_status status =
        midge_os_read_file(data_path, MIDGE_TABLE_BYTES_MAX, &data, &err);
    if (status == MIDGE_OK) {
        status = midge_os_read_file(model_path, MODEL_BYTES_MAX, &model, &err);
    }
    if (status == MIDGE_OK) {
        cli_blobs blobs = {.data = &data, .model = &model};
        code = predict(c, data_path, model_path, &blobs);
    } else {
        code = cli_complain_error(cli_code_of(status), "", &err);
    }
    midge_buf_deinit(&model);
    midge_buf_deinit(&data);
    return code;
}
