/* cli_convert.c: midge net convert, midge net export. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli_net.h"
#include "midge/os.h"

/* Longest endings first. */
static const struct {
    const char *ending;
    const char *format;
} endings[] = {{".fixed.net", "fixed"}, {".net", "fann"}, {".mnet", "mnet"}};

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

/* The arguments with `to`, which the ending may have told. */
static int complete(cli *c, const char *path) {
    const char *to = midge_json_get_string(c->args, "to", NULL);
    to = to ? to : format_of(path);
    if (!to) {
        return cli_complain(CLI_USAGE,
                            "%s does not end in .mnet, .net or .fixed.net: "
                            "say the format with --to",
                            path);
    }
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

static int convert(cli *c, const char *from, const char *path,
                   const cli_blobs *blobs) {
    const midge_json *answer;
    midge_error err = {.text = ""};
    midge_status status = cli_pass_to_op(c, "nn.convert", blobs, &answer, &err);
    if (status != MIDGE_OK) {
        return cli_net_complain(status, from, &err);
    }
    status = midge_os_write_file(path, blobs->stored->data, blobs->stored->size,
                                 &err);
    return status == MIDGE_OK ? print_answer(c, answer, path)
                              : cli_complain_error(CLI_FAILED, path, &err);
}

int cli_net_convert(cli *c) {
    const char *from = midge_json_get_string(c->args, "file", "");
    const char *path = midge_json_get_string(c->args, "output", "");
    midge_buf model, file;
    int code = complete(c, path);
    if (code != CLI_DONE) {
        return code;
    }
    if (access(path, F_OK) == 0 &&
        !midge_json_get_bool(c->args, "replace", 0)) {
        return cli_complain(CLI_USAGE, "%s exists; --replace replaces it",
                            path);
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
