/* cli_convert.c: midge net convert, export and quantize. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli_net.h"
#include "midge/os.h"
#include "midge/table.h"

/* Longest endings first. */
static const struct {
    const char *ending;
    const char *format;
} endings[] = {{".fixed.net", "fixed"}, {".net", "fann"},  {".mnet", "mnet"},
               {".json", "json"},       {".onnx", "onnx"}, {".c", "c"}};

static const char *format_of(const char *path) {
    size_t size = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i].ending);
        if (size > n && strcmp(path + size - n, endings[i].ending) == 0) {
            return endings[i].format;
        }
    }
    return NULL;
}

/* Puts the format among the arguments. */
static int set_format(cli *c, const char *to) {
    midge_json *all = midge_arena_alloc(&c->arena, sizeof *all);
    midge_json *one = midge_arena_alloc(&c->arena, sizeof *one);
    if (!all || !one) {
        return cli_complain(CLI_FAILED, "out of memory");
    }
    *all = *c->args;
    *one = (midge_json){.type = MIDGE_JSON_STRING,
                        .count = (uint32_t)strlen(to),
                        .string = to,
                        .key = "to",
                        .key_size = 2,
                        .next = all->child};
    all->child = one; /* in front: found first */
    all->count++;
    c->args = all;
    return CLI_DONE;
}

/* --to, or what the ending of OUT tells. */
static int choose_format(cli *c, const char *path) {
    const char *to = midge_json_get_string(c->args, "to", NULL);
    to = to ? to : format_of(path);
    return to ? set_format(c, to)
              : cli_complain(CLI_USAGE,
                             "the ending of %s tells no format: say it with "
                             "--to",
                             path);
}

static int check_out(cli *c, const char *path) {
    return access(path, F_OK) != 0 || midge_json_get_bool(c->args, "replace", 0)
               ? CLI_DONE
               : cli_complain(CLI_USAGE, "%s exists; --replace replaces it",
                              path);
}

static void print_inputs(const midge_json *list) {
    fputs("its inputs, in this order:", stdout);
    for (const midge_json *v = list->child; v; v = v->next) {
        const midge_json *category = v->child->next;
        printf("%s %s%s%s", v == list->child ? "" : ",", v->child->string,
               category ? " = " : "", category ? category->string : "");
    }
    putchar('\n');
}

static int print_answer(cli *c, const midge_json *answer, const char *path) {
    const midge_json *inputs = midge_json_get(answer, "inputs");
    if (midge_json_get_bool(c->args, "json", 0)) {
        cli_answer json;
        midge_json_writer *w = cli_answer_begin(c, &json);
        midge_json_begin_object(w);
        for (const midge_json *m = answer->child; m; m = m->next) {
            midge_json_key(w, m->key);
            if (strcmp(m->key, "file") == 0) {
                midge_json_string(w, path);
            } else {
                midge_json_value(w, m);
            }
        }
        midge_json_end_object(w);
        return cli_answer_end(&json);
    }
    printf("wrote %s: %s, %lld bytes", path,
           midge_json_get_string(answer, "format", ""),
           (long long)midge_json_get_int(answer, "bytes", 0));
    if (midge_json_get(answer, "decimal_point")) {
        printf(", decimal point %lld",
               (long long)midge_json_get_int(answer, "decimal_point", 0));
    }
    putchar('\n');
    if (inputs) {
        print_inputs(inputs);
    }
    return CLI_DONE;
}

/* Lets nn.convert make the file, and writes it. */
static int make_file(cli *c, const char *from, const char *path,
                     const cli_blobs *blobs, const midge_json **answer) {
    midge_error err = {.text = ""};
    midge_status status = cli_pass_to_op(c, "nn.convert", blobs, answer, &err);
    if (status != MIDGE_OK) {
        return cli_net_complain(status, from, &err);
    }
    status = midge_os_write_file(path, blobs->stored->data, blobs->stored->size,
                                 &err);
    return status == MIDGE_OK ? CLI_DONE
                              : cli_complain_error(CLI_FAILED, path, &err);
}

static int convert(cli *c, const char *from, const char *path,
                   const cli_blobs *blobs) {
    const midge_json *answer;
    int code = make_file(c, from, path, blobs, &answer);
    return code == CLI_DONE ? print_answer(c, answer, path) : code;
}

int cli_net_convert(cli *c) {
    const char *from = midge_json_get_string(c->args, "file", "");
    const char *path = midge_json_get_string(c->args, "output", "");
    midge_buf model, file;
    int code = choose_format(c, path);
    code = code == CLI_DONE ? check_out(c, path) : code;
    if (code != CLI_DONE) {
        return code;
    }
    midge_buf_init(&file, &c->env, CLI_MODEL_BYTES_MAX);
    code = cli_read_bytes(c, from, CLI_MODEL_BYTES_MAX, &model);
    if (code == CLI_DONE) {
        cli_blobs blobs = {.model = &model, .stored = &file};
        code = convert(c, from, path, &blobs);
    }
    midge_buf_deinit(&model);
    midge_buf_deinit(&file);
    return code;
}

/* ---- midge net quantize -------------------------------------------------- */

/* Measures of a model on the rows; NULL when they have no targets. */
static const midge_json *measure(cli *c, const midge_buf *data,
                                 const midge_buf *model) {
    const midge_json *answer;
    midge_error err;
    cli_blobs blobs = {.data = data, .model = model};
    return cli_pass_to_op(c, "nn.eval", &blobs, &answer, &err) == MIDGE_OK
               ? midge_json_get(answer, "measures")
               : NULL;
}

static int print_quantized(cli *c, const midge_json *answer,
                           const midge_json *before, const midge_json *after) {
    const char *path = midge_json_get_string(c->args, "out", "");
    const midge_json *off = midge_json_get(answer, "difference");
    printf("wrote %s: %lld bytes, before %lld\n", path,
           (long long)midge_json_get_int(answer, "bytes", 0),
           (long long)midge_json_get_int(answer, "bytes_before", 0));
    printf("outputs are off by %.3g (root mean square), at most %.3g\n",
           midge_json_get_double(off, "rms", 0.0),
           midge_json_get_double(off, "worst", 0.0));
    if (before && after) {
        printf("\n%-26s  %12s  %12s\n", "on the rows given", "int8", "before");
        cli_print_measures(after, before);
    }
    return CLI_DONE;
}

static void put_or_null(midge_json_writer *w, const char *key,
                        const midge_json *value) {
    midge_json_key(w, key);
    if (value) {
        midge_json_value(w, value);
    } else {
        midge_json_null(w);
    }
}

static int print_quantized_json(cli *c, const midge_json *answer,
                                const midge_json *before,
                                const midge_json *after) {
    cli_answer json;
    midge_json_writer *w = cli_answer_begin(c, &json);
    midge_json_begin_object(w);
    cli_answer_members(w, answer, "file");
    put_or_null(w, "before", before);
    put_or_null(w, "after", after);
    midge_json_key(w, "file");
    midge_json_string(w, midge_json_get_string(c->args, "out", ""));
    midge_json_end_object(w);
    return cli_answer_end(&json);
}

static int quantize(cli *c, const char *from, const cli_blobs *blobs) {
    const midge_json *answer;
    int code = make_file(c, from, midge_json_get_string(c->args, "out", ""),
                         blobs, &answer);
    if (code != CLI_DONE) {
        return code;
    }
    const midge_json *before = measure(c, blobs->data, blobs->model);
    const midge_json *after = measure(c, blobs->data, blobs->stored);
    return midge_json_get_bool(c->args, "json", 0)
               ? print_quantized_json(c, answer, before, after)
               : print_quantized(c, answer, before, after);
}

int cli_net_quantize(cli *c) {
    const char *from = midge_json_get_string(c->args, "file", "");
    midge_buf data, model, file;
    int code = set_format(c, "int8");
    code = code == CLI_DONE
               ? check_out(c, midge_json_get_string(c->args, "out", ""))
               : code;
    if (code != CLI_DONE) {
        return code;
    }
    midge_buf_init(&file, &c->env, CLI_MODEL_BYTES_MAX);
    midge_buf_init(&data, &c->env, 0);
    code = cli_read_bytes(c, from, CLI_MODEL_BYTES_MAX, &model);
    if (code == CLI_DONE) {
        code = cli_read_bytes(c, midge_json_get_string(c->args, "data", ""),
                              MIDGE_TABLE_BYTES_MAX, &data);
    }
    if (code == CLI_DONE) {
        cli_blobs blobs = {.data = &data, .model = &model, .stored = &file};
        code = quantize(c, from, &blobs);
    }
    midge_buf_deinit(&model);
    midge_buf_deinit(&data);
    midge_buf_deinit(&file);
    return code;
}
