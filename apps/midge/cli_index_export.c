/* cli_index_export.c: midge index export. Written under another name and
 * renamed at the end, so that a file is there whole or not at all. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli_index.h"

typedef struct exporting {
    cli *c;
    cli_index open;
    midge_index_info info;
    midge_filter *filter;
    midge_vector_format format;
    FILE *out;
    midge_buf text;
    void *vector;
    uint64_t rows;
    cli_bar bar;
} exporting;

static int wanted(const exporting *e, uint32_t row) {
    return midge_index_has_row(e->open.index, row) &&
           (!e->filter || midge_filter_matches(e->filter, row));
}

static uint32_t end_of_rows(const exporting *e) {
    return (uint32_t)(e->info.count + e->info.n_deleted);
}

static int is_bits(const exporting *e) {
    return e->info.options.storage == MIDGE_STORAGE_BINARY;
}

static uint32_t items(const exporting *e) {
    return is_bits(e) ? (e->info.options.dim + 7) / 8 : e->info.options.dim;
}

static void put_u32(exporting *e, uint32_t value) {
    const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8),
                              (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
    (void)fwrite(bytes, 1, sizeof bytes, e->out);
}

/* ---- Heads --------------------------------------------------------------- */

static void put_npy_head(exporting *e) {
    char dict[128];
    size_t size = (size_t)snprintf(
        dict, sizeof dict,
        "{'descr': '%s', 'fortran_order': False, 'shape': (%llu, %u), }",
        is_bits(e) ? "|u1" : "<f4", (unsigned long long)e->rows, items(e));
    size_t padded = (10 + size + 1 + 63) / 64 * 64 - 10;
    (void)fwrite("\x93NUMPY\x01\x00", 1, 8, e->out);
    fputc((int)(padded & 255), e->out);
    fputc((int)(padded >> 8), e->out);
    (void)fwrite(dict, 1, size, e->out);
    for (; size + 1 < padded; size++) {
        fputc(' ', e->out);
    }
    fputc('\n', e->out);
}

static void put_csv_head(exporting *e) {
    const midge_index *index = e->open.index;
    fputs("id,vector", e->out);
    for (uint32_t i = 0; i < midge_index_n_columns(index); i++) {
        fprintf(e->out, ",%s", midge_index_column_name(index, i));
    }
    fputc('\n', e->out);
}

static void put_head(exporting *e) {
    if (e->format == MIDGE_VECTORS_NPY) {
        put_npy_head(e);
    } else if (e->format == MIDGE_VECTORS_FBIN) {
        put_u32(e, (uint32_t)e->rows);
        put_u32(e, e->info.options.dim);
    } else if (e->format == MIDGE_VECTORS_CSV) {
        put_csv_head(e);
    }
}

/* ---- Rows ---------------------------------------------------------------- */

static void write_vector(const exporting *e, midge_json_writer *w) {
    midge_json_begin_array(w);
    for (uint32_t i = 0; i < e->info.options.dim; i++) {
        if (is_bits(e)) {
            midge_json_int(w, ((const uint8_t *)e->vector)[i / 8] >> i % 8 & 1);
        } else {
            midge_json_float(w, ((const float *)e->vector)[i]);
        }
    }
    midge_json_end_array(w);
}

static midge_status put_jsonl(exporting *e, uint32_t row) {
    midge_json_writer w;
    midge_buf_clear(&e->text);
    midge_json_writer_init(&w, &e->text, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "id");
    cli_index_put_id(&e->open, row, &w);
    midge_json_key(&w, "vector");
    write_vector(e, &w);
    if (midge_index_n_columns(e->open.index) > 0) {
        midge_json_key(&w, "metadata");
        (void)!midge_index_metadata(e->open.index, row, &w, NULL);
    }
    midge_json_end_object(&w);
    MIDGE_TRY(midge_json_writer_end(&w));
    (void)fwrite(e->text.data, 1, e->text.size, e->out);
    fputc('\n', e->out);
    return MIDGE_OK;
}

/* A cell: quoted where it must be, the elements of a set as a JSON array. */
static void put_cell(exporting *e, const char *text, size_t size) {
    if (!memchr(text, ',', size) && !memchr(text, '"', size) &&
        !memchr(text, '\n', size) && !memchr(text, '\r', size) &&
        (size == 0 || (text[0] != ' ' && text[size - 1] != ' '))) {
        (void)fwrite(text, 1, size, e->out);
        return;
    }
    fputc('"', e->out);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"') {
            fputc('"', e->out);
        }
        fputc(text[i], e->out);
    }
    fputc('"', e->out);
}

static midge_status put_value(exporting *e, const midge_json *value) {
    midge_json_writer w;
    fputc(',', e->out);
    if (!value) {
        return MIDGE_OK;
    }
    if (value->type == MIDGE_JSON_STRING) {
        put_cell(e, value->string, value->count);
        return MIDGE_OK;
    }
    midge_buf_clear(&e->text);
    midge_json_writer_init(&w, &e->text, 0);
    midge_json_value(&w, value);
    MIDGE_TRY(midge_json_writer_end(&w));
    put_cell(e, e->text.data, e->text.size);
    return MIDGE_OK;
}

static midge_status put_csv_values(exporting *e, uint32_t row) {
    const midge_index *index = e->open.index;
    const midge_json *object;
    midge_json_writer w;
    midge_arena arena;
    midge_buf_clear(&e->text);
    midge_json_writer_init(&w, &e->text, 0);
    MIDGE_TRY(midge_index_metadata(index, row, &w, NULL));
    MIDGE_TRY(midge_json_writer_end(&w));
    midge_arena_init(&arena, &e->c->env, 0);
    midge_status status =
        midge_json_read(&arena, e->text.data, e->text.size, &object, NULL);
    for (uint32_t i = 0; status == MIDGE_OK && i < midge_index_n_columns(index);
         i++) {
        status = put_value(
            e, midge_json_get(object, midge_index_column_name(index, i)));
    }
    midge_arena_deinit(&arena);
    return status;
}

static midge_status put_csv(exporting *e, uint32_t row) {
    midge_text key = midge_index_key(e->open.index, row);
    midge_json_writer w;
    if (key.data) {
        put_cell(e, key.data, key.size);
    } else {
        fprintf(e->out, "%llu",
                (unsigned long long)midge_index_id(e->open.index, row));
    }
    midge_buf_clear(&e->text);
    midge_json_writer_init(&w, &e->text, 0);
    write_vector(e, &w);
    MIDGE_TRY(midge_json_writer_end(&w));
    fputc(',', e->out);
    put_cell(e, e->text.data, e->text.size);
    MIDGE_TRY(put_csv_values(e, row));
    fputc('\n', e->out);
    return MIDGE_OK;
}

static midge_status put_row(exporting *e, uint32_t row, midge_error *err) {
    MIDGE_TRY(midge_index_vector(e->open.index, row, e->vector, err));
    switch (e->format) {
    case MIDGE_VECTORS_JSONL:
        return put_jsonl(e, row);
    case MIDGE_VECTORS_CSV:
        return put_csv(e, row);
    case MIDGE_VECTORS_FVECS:
    case MIDGE_VECTORS_BVECS:
        put_u32(e, items(e));
        break;
    default:
        break;
    }
    (void)fwrite(e->vector, is_bits(e) ? 1 : sizeof(float), items(e), e->out);
    return MIDGE_OK;
}

static int put_rows(exporting *e) {
    uint64_t done = 0;
    cli_bar_begin(&e->bar, "writing", "rows");
    put_head(e);
    for (uint32_t row = 0; row < end_of_rows(e); row++) {
        midge_error err = {.text = ""};
        if (!wanted(e, row)) {
            continue;
        }
        midge_status status = put_row(e, row, &err);
        if (status != MIDGE_OK) {
            cli_bar_end(&e->bar);
            return cli_index_complain(&e->open, status, &err);
        }
        (void)cli_bar_show(&e->bar, (size_t)++done, (size_t)e->rows);
    }
    cli_bar_end(&e->bar);
    return CLI_DONE;
}

/* ---- The file ------------------------------------------------------------ */

static int check_format(const exporting *e) {
    int bytes = e->format == MIDGE_VECTORS_BVECS;
    int floats =
        e->format == MIDGE_VECTORS_FVECS || e->format == MIDGE_VECTORS_FBIN;
    if (e->format == MIDGE_VECTORS_IVECS || (bytes && !is_bits(e)) ||
        (floats && is_bits(e))) {
        return cli_complain(CLI_USAGE,
                            "%s are written to .npy, %s, .csv or .jsonl",
                            is_bits(e) ? "sets of bits" : "vectors",
                            is_bits(e) ? ".bvecs" : ".fvecs, .fbin");
    }
    return CLI_DONE;
}

static int choose_format(exporting *e, const char *path) {
    const char *given = midge_json_get_string(e->c->args, "format", NULL);
    char name[32];
    (void)snprintf(name, sizeof name, "x.%s", given ? given : "");
    if (!midge_vector_format_of(given ? name : path, &e->format)) {
        return cli_complain(CLI_USAGE,
                            "the format is one of npy, fvecs, bvecs, fbin, "
                            "csv, jsonl: say it with --format");
    }
    return check_format(e);
}

static int finish(exporting *e, const char *part, const char *path, int code) {
    int failed =
        fflush(e->out) != 0 || ferror(e->out) || fsync(fileno(e->out)) != 0;
    failed = fclose(e->out) != 0 || failed;
    if (code == CLI_DONE && (failed || rename(part, path) != 0)) {
        code = cli_complain(CLI_FAILED, "%s could not be written", path);
    }
    if (code != CLI_DONE) {
        (void)remove(part);
    }
    return code;
}

static int write_file(exporting *e, const char *path) {
    char part[CLI_PATH_MAX];
    if (strcmp(path, "-") == 0) {
        e->out = stdout;
        return put_rows(e);
    }
    if (access(path, F_OK) == 0 &&
        !midge_json_get_bool(e->c->args, "replace", 0)) {
        return cli_complain(CLI_USAGE, "%s exists; --replace replaces it",
                            path);
    }
    if (!cli_path(part, "%s.part", path)) {
        return cli_complain(CLI_USAGE, "the path is too long");
    }
    e->out = fopen(part, "wb");
    if (!e->out) {
        return cli_complain(CLI_USAGE, "%s cannot be written", part);
    }
    return finish(e, part, path, put_rows(e));
}

static int answer(const exporting *e, const char *path) {
    cli_answer json;
    if (strcmp(path, "-") == 0) {
        return CLI_DONE;
    }
    if (!midge_json_get_bool(e->c->args, "json", 0)) {
        printf("wrote %llu rows to %s\n", (unsigned long long)e->rows, path);
        return CLI_DONE;
    }
    midge_json_writer *w = cli_answer_begin(e->c, &json);
    midge_json_begin_object(w);
    midge_json_key(w, "rows");
    midge_json_int(w, (int64_t)e->rows);
    midge_json_key(w, "file");
    midge_json_string(w, path);
    midge_json_end_object(w);
    return cli_answer_end(&json);
}

static int run(exporting *e) {
    const char *path = midge_json_get_string(e->c->args, "output", "");
    int code = cli_index_filter(e->c, &e->open, &e->filter);
    code = code == CLI_DONE ? choose_format(e, path) : code;
    if (code != CLI_DONE) {
        return code;
    }
    for (uint32_t row = 0; row < end_of_rows(e); row++) {
        e->rows += (uint64_t)wanted(e, row);
    }
    e->vector = midge_arena_alloc(&e->c->arena,
                                  (size_t)e->info.options.dim * sizeof(float));
    if (!e->vector) {
        return cli_complain(CLI_FAILED, "no memory for a vector");
    }
    code = write_file(e, path);
    return code == CLI_DONE ? answer(e, path) : code;
}

int cli_index_export(cli *c) {
    exporting e = {.c = c};
    int code = cli_index_open(c, 1, &e.open);
    if (code != CLI_DONE) {
        return code;
    }
    midge_index_info_get(e.open.index, &e.info);
    midge_buf_init(&e.text, &c->env, (size_t)1 << 32);
    code = run(&e);
    midge_buf_deinit(&e.text);
    midge_filter_free(e.filter);
    cli_index_close(c, &e.open);
    return code;
}
