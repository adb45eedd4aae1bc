/* cli_index_input.c: what goes into an index: files of vectors, and texts with
 * what embeds them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli_index.h"
#include "embed/embed_open.h"

#define STATE_BYTES_MAX ((size_t)64 << 20)
#define READ_BYTES      ((size_t)1 << 20)

/* ---- Files of vectors ---------------------------------------------------- */

static midge_status read_stdin(midge_buf *out, midge_error *err) {
    for (;;) {
        midge_status status = midge_buf_reserve(out, READ_BYTES);
        if (status != MIDGE_OK) {
            return midge_fail(err, status, "the input is too large");
        }
        size_t got = fread(out->data + out->size, 1, READ_BYTES, stdin);
        out->size += got;
        if (got < READ_BYTES) {
            return ferror(stdin)
                       ? midge_fail(err, MIDGE_E_IO, "cannot read the input")
                       : MIDGE_OK;
        }
    }
}

int cli_read_input(cli *c, const char *path, midge_buf *out) {
    midge_error err = {.text = ""};
    midge_buf_init(out, &c->env, CLI_INPUT_BYTES_MAX);
    midge_status status =
        strcmp(path, "-") == 0
            ? read_stdin(out, &err)
            : midge_os_read_file(path, CLI_INPUT_BYTES_MAX, out, &err);
    return status == MIDGE_OK
               ? CLI_DONE
               : cli_complain_error(cli_code_of(status), "", &err);
}

static int choose_format(cli *c, const char *path, midge_vector_format *out) {
    const char *given = midge_json_get_string(c->args, "format", NULL);
    char name[32];
    if (given) {
        (void)snprintf(name, sizeof name, "x.%s", given);
        return midge_vector_format_of(name, out)
                   ? CLI_DONE
                   : cli_complain(CLI_USAGE,
                                  "format '%s' is none of npy, fvecs, bvecs, "
                                  "ivecs, fbin, csv, jsonl",
                                  given);
    }
    if (midge_vector_format_of(path, out)) {
        return CLI_DONE;
    }
    return cli_complain(CLI_USAGE,
                        "%s: the name does not tell the format; say it with "
                        "--format",
                        path);
}

int cli_input_complain(const cli_input *input, midge_status status,
                       const midge_error *err) {
    return cli_complain_error(cli_code_of(status), input->path, err);
}

int cli_input_open(cli *c, const char *path, midge_source_options *options,
                   cli_input *out) {
    midge_error err = {.text = ""};
    *out = (cli_input){.path = path};
    int code = choose_format(c, path, &options->format);
    if (code != CLI_DONE) {
        return code;
    }
    code = cli_read_input(c, path, &out->bytes);
    if (code != CLI_DONE) {
        return code;
    }
    midge_status status = midge_vector_source_new(
        &c->env, out->bytes.data, out->bytes.size, options, &out->source, &err);
    return status == MIDGE_OK ? CLI_DONE
                              : cli_input_complain(out, status, &err);
}

void cli_input_close(cli_input *input) {
    midge_vector_source_free(input->source);
    if (input->bytes.env) {
        midge_buf_deinit(&input->bytes);
    }
}

/* ---- Embedders ----------------------------------------------------------- */

static int show_reading(void *ctx, size_t done, size_t total) {
    return cli_bar_show(ctx, done >> 20, total >> 20);
}

static midge_status open_words(cli *c, const char *words,
                               const midge_text *texts, size_t count,
                               midge_embedder **out, midge_error *err) {
    cli_bar bar;
    const midge_words_options options = {.texts = texts,
                                         .n_texts = count,
                                         .progress = show_reading,
                                         .progress_ctx = &bar};
    cli_bar_begin(&bar, "reading words", "MB");
    midge_status status = midge_embed_open_words(
        &c->env, words, midge_json_get_string(c->args, "frequencies", NULL),
        &options, out, err);
    cli_bar_end(&bar);
    return status;
}

static midge_status open_endpoint(cli *c, uint32_t dim, midge_embedder **out,
                                  midge_error *err) {
    const midge_json *args = c->args;
    const double seconds = midge_json_get_double(args, "embed_timeout", 0.0);
    midge_embed_http_options o = MIDGE_EMBED_HTTP_DEFAULTS;
    o.url = midge_json_get_string(args, "embed_url", NULL);
    o.model = midge_json_get_string(args, "embed_model", NULL);
    o.key_variable = midge_json_get_string(args, "embed_key_env", NULL);
    o.plain_key = midge_json_get_bool(args, "embed_plain_key", 0);
    o.dimensions = (uint32_t)midge_json_get_int(args, "embed_dimensions", 0);
    o.batch = (uint32_t)midge_json_get_int(args, "embed_batch", 0);
    o.timeout_ms = (uint32_t)(seconds * 1000.0);
    o.retries = (int)midge_json_get_int(args, "embed_retries", -1);
    o.expect_dim = dim;
    return midge_embed_open_http(&c->env, &o, out, err);
}

int cli_embedder_open(cli *c, const cli_index *open, const midge_text *texts,
                      size_t count, midge_embedder **out) {
    midge_error err = {.text = ""};
    midge_index_info info;
    const char *words = midge_json_get_string(c->args, "words", NULL);
    int by_url = midge_json_get_string(c->args, "embed_url", NULL) != NULL;
    *out = NULL;
    if ((words != NULL) == by_url) {
        return cli_complain(CLI_USAGE,
                            "texts need something that embeds them: --words "
                            "FILE with word vectors, or --embed-url URL%s",
                            words ? "; not both" : "");
    }
    midge_index_info_get(open->index, &info);
    midge_status status = words ? open_words(c, words, texts, count, out, &err)
                                : open_endpoint(c, info.options.dim, out, &err);
    if (status != MIDGE_OK) {
        return cli_complain_error(cli_code_of(status), "", &err);
    }
    if (midge_embedder_dim(*out) == info.options.dim) {
        return CLI_DONE;
    }
    int code = cli_complain(
        CLI_USAGE, "%s makes vectors of %u numbers, the index has %u",
        midge_embedder_name(*out), midge_embedder_dim(*out), info.options.dim);
    midge_embedder_free(*out);
    *out = NULL;
    return code;
}

static int state_path(const cli_index *open, char path[CLI_PATH_MAX]) {
    return cli_path(path, "%s.embedder", open->path)
               ? CLI_DONE
               : cli_complain(CLI_USAGE, "the path of the index is too long");
}

int cli_embedder_load(const cli_index *open, midge_embedder *embedder) {
    char path[CLI_PATH_MAX];
    midge_env env = midge_os_env();
    midge_error err = {.text = ""};
    midge_buf state;
    int code = state_path(open, path);
    if (code != CLI_DONE || access(path, F_OK) != 0) {
        return code;
    }
    midge_buf_init(&state, &env, STATE_BYTES_MAX);
    midge_status status =
        midge_os_read_file(path, STATE_BYTES_MAX, &state, &err);
    if (status == MIDGE_OK) {
        status =
            midge_embedder_state_read(embedder, state.data, state.size, &err);
    }
    midge_buf_deinit(&state);
    return status == MIDGE_OK
               ? CLI_DONE
               : cli_complain_error(cli_code_of(status), path, &err);
}

int cli_embedder_save(cli *c, const cli_index *open,
                      const midge_embedder *embedder) {
    char path[CLI_PATH_MAX];
    midge_error err = {.text = ""};
    midge_buf state;
    int code = state_path(open, path);
    if (code != CLI_DONE) {
        return code;
    }
    midge_buf_init(&state, &c->env, STATE_BYTES_MAX);
    midge_status status = midge_embedder_state_write(embedder, &state);
    if (status == MIDGE_OK) {
        status = midge_os_write_file(path, state.data, state.size, &err);
    }
    midge_buf_deinit(&state);
    return status == MIDGE_OK
               ? CLI_DONE
               : cli_complain_error(cli_code_of(status), path, &err);
}
