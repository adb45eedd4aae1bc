/* cli_index_search.c: midge index search. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_index.h"

typedef struct asking {
    cli *c;
    cli_index open;
    midge_arena arena; /* queries */
    cli_input input;
    midge_index_info info;
    midge_filter *filter;
    midge_searcher *searcher;
    const void *vectors;
    size_t count;
    uint32_t without; /* the row that is asked about itself */
    uint32_t k;
    midge_neighbour *near; /* (k) */
} asking;

static int is_hamming(const asking *a) {
    return a->info.options.metric == MIDGE_METRIC_HAMMING;
}

static size_t vector_bytes(const asking *a) {
    size_t dim = a->info.options.dim;
    return is_hamming(a) ? (dim + 7) / 8 : dim * sizeof(float);
}

static void *make_room(asking *a, size_t count) {
    void *room = midge_arena_alloc(&a->arena, count * vector_bytes(a));
    if (room) {
        memset(room, 0, count * vector_bytes(a));
    }
    a->vectors = room;
    a->count = count;
    return room;
}

static int no_memory(void) {
    return cli_complain(CLI_FAILED, "no memory for the queries");
}

/* ---- What is asked ------------------------------------------------------- */

static int take_number(const asking *a, void *room, size_t i, double value) {
    if (!is_hamming(a)) {
        ((float *)room)[i] = (float)value;
        return CLI_DONE;
    }
    if (value != 0.0 && value != 1.0) {
        return cli_complain(CLI_USAGE, "--vector: bits are 0 or 1");
    }
    if (value == 1.0) {
        ((uint8_t *)room)[i / 8] |= (uint8_t)(1u << i % 8);
    }
    return CLI_DONE;
}

static int ask_vector(asking *a, const char *text) {
    const uint32_t dim = a->info.options.dim;
    void *room = make_room(a, 1);
    size_t n = 0;
    if (!room) {
        return no_memory();
    }
    text += strspn(text, " ,;[]\t\n");
    for (; *text; text += strspn(text, " ,;[]\t\n")) {
        const midge_json *number;
        size_t size = strcspn(text, " ,;[]\t\n");
        if (midge_json_read(&a->c->arena, text, size, &number, NULL) !=
                MIDGE_OK ||
            (number->type != MIDGE_JSON_INT &&
             number->type != MIDGE_JSON_DOUBLE)) {
            return cli_complain(CLI_USAGE, "--vector: '%.*s' is not a number",
                                (int)(size > 40 ? 40 : size), text);
        }
        int code = n < dim ? take_number(a, room, n, number->number) : CLI_DONE;
        if (code != CLI_DONE) {
            return code;
        }
        n++;
        text += size;
    }
    if (n != dim) {
        return cli_complain(CLI_USAGE,
                            "--vector has %zu numbers, the vectors of %s %u", n,
                            a->open.path, dim);
    }
    return CLI_DONE;
}

static uint32_t find_row(const asking *a, const char *id) {
    char *end;
    if (a->info.options.id_type == MIDGE_ID_TEXT) {
        const midge_text key = {id, strlen(id)};
        return midge_index_find_key(a->open.index, key);
    }
    unsigned long long number = strtoull(id, &end, 10);
    return *id >= '0' && *id <= '9' && *end == 0
               ? midge_index_find(a->open.index, number)
               : MIDGE_INDEX_NO_ROW;
}

static int ask_id(asking *a, const char *id) {
    midge_error err = {.text = ""};
    void *room = make_room(a, 1);
    a->without = find_row(a, id);
    if (!room) {
        return no_memory();
    }
    if (a->without == MIDGE_INDEX_NO_ROW) {
        return cli_complain(CLI_USAGE, "there is no row with the id %s", id);
    }
    midge_status status =
        midge_index_vector(a->open.index, a->without, room, &err);
    return status == MIDGE_OK ? CLI_DONE
                              : cli_index_complain(&a->open, status, &err);
}

static int embed(asking *a, size_t count, const midge_text *texts) {
    midge_embedder *embedder;
    midge_error err = {.text = ""};
    const midge_embed_batch batch = {.count = count, .texts = texts};
    int code = cli_embedder_open(a->c, &a->open, texts, count, &embedder);
    if (code != CLI_DONE) {
        return code;
    }
    void *room = make_room(a, count);
    code = room ? cli_embedder_load(&a->open, embedder) : no_memory();
    if (code == CLI_DONE) {
        midge_status status =
            midge_embedder_embed(embedder, &batch, room, &err);
        if (status != MIDGE_OK) {
            err.line = count > 1 ? err.line : 0;
            code = cli_complain_error(cli_code_of(status), "", &err);
        }
    }
    midge_embedder_free(embedder);
    return code;
}

static int ask_file(asking *a, const char *path) {
    const midge_json *args = a->c->args;
    const midge_source_options options = {
        .bits = is_hamming(a),
        .text = midge_json_get_string(args, "text_column", NULL)};
    midge_source_options filled = options;
    midge_source_rows rows;
    midge_error err = {.text = ""};
    int code = cli_input_open(a->c, path, &filled, &a->input);
    if (code != CLI_DONE) {
        return code;
    }
    uint32_t dim = midge_vector_source_dim(a->input.source);
    if (!options.text && dim != a->info.options.dim &&
        !(is_hamming(a) && (dim + 7) / 8 == vector_bytes(a))) {
        return cli_complain(CLI_USAGE,
                            "%s has vectors of %u numbers, the index %s has %u",
                            path, dim, a->open.path, a->info.options.dim);
    }
    midge_status status = midge_vector_source_next(
        a->input.source, (size_t)midge_vector_source_count(a->input.source),
        &rows, &err);
    if (status != MIDGE_OK) {
        return cli_input_complain(&a->input, status, &err);
    }
    if (options.text) {
        return embed(a, rows.rows.count, rows.texts);
    }
    a->vectors = rows.rows.vectors;
    a->count = rows.rows.count;
    return CLI_DONE;
}

static int ask(asking *a) {
    const midge_json *args = a->c->args;
    const char *vector = midge_json_get_string(args, "vector", NULL);
    const char *id = midge_json_get_string(args, "id", NULL);
    const char *text = midge_json_get_string(args, "text", NULL);
    const char *queries = midge_json_get_string(args, "queries", NULL);
    if ((vector != NULL) + (id != NULL) + (text != NULL) + (queries != NULL) !=
        1) {
        return cli_complain(CLI_USAGE, "ask by one of --vector, --id, --text "
                                       "and --queries");
    }
    if (vector) {
        return ask_vector(a, vector);
    }
    if (id) {
        return ask_id(a, id);
    }
    if (queries) {
        return ask_file(a, queries);
    }
    const midge_text one = {text, strlen(text)};
    return embed(a, 1, &one);
}

/* ---- What is answered ---------------------------------------------------- */

/* The rows found for a query, without the one that was asked about; good until
 * the next call. */
static size_t found_rows(const asking *a, size_t query,
                         const midge_neighbour **rows) {
    size_t found;
    size_t count = 0;
    const midge_neighbour *all =
        midge_searcher_found(a->searcher, query, &found);
    for (size_t i = 0; i < found && count < a->k; i++) {
        if (all[i].row != a->without) {
            a->near[count++] = all[i];
        }
    }
    *rows = a->near;
    return count;
}

static void write_row(const asking *a, const midge_neighbour *near,
                      midge_json_writer *w) {
    midge_json_begin_object(w);
    midge_json_key(w, "id");
    cli_index_put_id(&a->open, near->row, w);
    midge_json_key(w, "distance");
    midge_json_float(w, near->distance);
    if (midge_index_n_columns(a->open.index) > 0) {
        midge_json_key(w, "metadata");
        (void)!midge_index_metadata(a->open.index, near->row, w, NULL);
    }
    midge_json_end_object(w);
}

static void write_query(const asking *a, size_t query, midge_json_writer *w) {
    const midge_neighbour *rows;
    size_t count = found_rows(a, query, &rows);
    midge_json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        write_row(a, &rows[i], w);
    }
    midge_json_end_array(w);
}

/* With --out the rows are in that file. */
static int answer_json(const asking *a, const char *out) {
    midge_search_stats stats = midge_searcher_stats(a->searcher);
    cli_answer json;
    midge_json_writer *w = cli_answer_begin(a->c, &json);
    midge_json_begin_object(w);
    if (out) {
        midge_json_key(w, "out");
        midge_json_string(w, out);
    } else {
        midge_json_key(w, "found");
        midge_json_begin_array(w);
        for (size_t q = 0; q < a->count; q++) {
            write_query(a, q, w);
        }
        midge_json_end_array(w);
    }
    midge_json_key(w, "exact");
    midge_json_int(w, (int64_t)stats.exact_queries);
    midge_json_key(w, "distances");
    midge_json_int(w, (int64_t)stats.distances);
    midge_json_key(w, "selectivity");
    midge_json_double(w, stats.selectivity);
    midge_json_end_object(w);
    return cli_answer_end(&json);
}

/* The id and metadata of a row as JSON; to be read until the next call. */
static const char *row_text(const asking *a, uint32_t row, int metadata,
                            midge_buf *text) {
    midge_json_writer w;
    midge_buf_clear(text);
    midge_json_writer_init(&w, text, 0);
    if (!metadata) {
        cli_index_put_id(&a->open, row, &w);
    } else {
        (void)!midge_index_metadata(a->open.index, row, &w, NULL);
    }
    return midge_json_writer_end(&w) == MIDGE_OK &&
                   midge_buf_terminate(text) == MIDGE_OK
               ? text->data
               : "";
}

static int answer_lines(const asking *a) {
    int has_metadata = midge_index_n_columns(a->open.index) > 0;
    midge_buf text;
    midge_buf_init(&text, &a->c->env, 0);
    for (size_t q = 0; q < a->count; q++) {
        const midge_neighbour *rows;
        size_t count = found_rows(a, q, &rows);
        for (size_t i = 0; i < count; i++) {
            if (a->count > 1) {
                printf("%zu\t", q);
            }
            printf("%zu\t%s\t%.7g", i + 1, row_text(a, rows[i].row, 0, &text),
                   (double)rows[i].distance);
            printf("%s%s\n", has_metadata ? "\t" : "",
                   has_metadata ? row_text(a, rows[i].row, 1, &text) : "");
        }
    }
    midge_buf_deinit(&text);
    return CLI_DONE;
}

/* ---- --out --------------------------------------------------------------- */

static void put_ivecs(const asking *a, size_t query, midge_buf *out) {
    const midge_neighbour *rows;
    size_t count = found_rows(a, query, &rows);
    int32_t k = (int32_t)a->k;
    (void)!midge_buf_append(out, &k, sizeof k);
    for (uint32_t i = 0; i < a->k; i++) {
        int32_t id = i < count
                         ? (int32_t)midge_index_id(a->open.index, rows[i].row)
                         : -1;
        (void)!midge_buf_append(out, &id, sizeof id);
    }
}

static void put_csv(const asking *a, size_t query, midge_buf *out,
                    midge_buf *text) {
    const midge_neighbour *rows;
    size_t count = found_rows(a, query, &rows);
    for (size_t i = 0; i < count; i++) {
        char line[96];
        (void)snprintf(line, sizeof line, "%zu,%zu,%.9g,", query, i + 1,
                       (double)rows[i].distance);
        (void)!midge_buf_puts(out, line);
        (void)!midge_buf_puts(out, row_text(a, rows[i].row, 0, text));
        (void)!midge_buf_puts(out, "\n");
    }
}

static void put_jsonl(const asking *a, size_t query, midge_buf *out) {
    midge_json_writer w;
    midge_json_writer_init(&w, out, 0);
    write_query(a, query, &w);
    (void)!midge_buf_puts(out, "\n");
}

static int largest_id_fits(const asking *a) {
    for (size_t q = 0; q < a->count; q++) {
        const midge_neighbour *rows;
        size_t count = found_rows(a, q, &rows);
        for (size_t i = 0; i < count; i++) {
            if (midge_index_id(a->open.index, rows[i].row) > INT32_MAX) {
                return 0;
            }
        }
    }
    return a->info.options.id_type == MIDGE_ID_U64;
}

static int write_out(const asking *a, const char *path) {
    midge_vector_format format;
    midge_error err = {.text = ""};
    midge_buf out, text;
    if (!midge_vector_format_of(path, &format) ||
        (format != MIDGE_VECTORS_IVECS && format != MIDGE_VECTORS_CSV &&
         format != MIDGE_VECTORS_JSONL)) {
        return cli_complain(CLI_USAGE,
                            "--out %s: the name must end with .ivecs, .csv or "
                            ".jsonl",
                            path);
    }
    if (format == MIDGE_VECTORS_IVECS && !largest_id_fits(a)) {
        return cli_complain(CLI_USAGE,
                            ".ivecs holds ids up to 2147483647; write .csv or "
                            ".jsonl");
    }
    midge_buf_init(&out, &a->c->env, (size_t)1 << 36);
    midge_buf_init(&text, &a->c->env, 0);
    if (format == MIDGE_VECTORS_CSV) {
        (void)!midge_buf_puts(&out, "query,rank,distance,id\n");
    }
    for (size_t q = 0; q < a->count; q++) {
        if (format == MIDGE_VECTORS_IVECS) {
            put_ivecs(a, q, &out);
        } else if (format == MIDGE_VECTORS_CSV) {
            put_csv(a, q, &out, &text);
        } else {
            put_jsonl(a, q, &out);
        }
    }
    midge_status status =
        out.status == MIDGE_OK
            ? midge_os_write_file(path, out.data, out.size, &err)
            : midge_fail(&err, out.status, "no memory for the answer");
    midge_buf_deinit(&out);
    midge_buf_deinit(&text);
    return status == MIDGE_OK
               ? CLI_DONE
               : cli_complain_error(cli_code_of(status), path, &err);
}

/* ---- The command --------------------------------------------------------- */

static int search(asking *a) {
    const midge_json *args = a->c->args;
    const midge_json *within = midge_json_get(args, "within");
    const char *out = midge_json_get_string(args, "out", NULL);
    midge_error err = {.text = ""};
    const midge_query query = {.count = a->count,
                               .vectors = a->vectors,
                               .k = a->k + (a->without != MIDGE_INDEX_NO_ROW),
                               .ef =
                                   (uint32_t)midge_json_get_int(args, "ef", 0),
                               .within = within != NULL,
                               .radius = within ? (float)within->number : 0.0f,
                               .exact = midge_json_get_bool(args, "exact", 0),
                               .filter = a->filter};
    a->near = midge_arena_alloc(&a->arena, a->k * sizeof *a->near);
    if (!a->near) {
        return no_memory();
    }
    midge_status status = midge_searcher_new(a->open.index, &a->searcher, &err);
    if (status == MIDGE_OK) {
        status = midge_searcher_run(a->searcher, &query, &err);
    }
    if (status != MIDGE_OK) {
        return cli_index_complain(&a->open, status, &err);
    }
    int code = out ? write_out(a, out) : CLI_DONE;
    if (code != CLI_DONE) {
        return code;
    }
    if (midge_json_get_bool(args, "json", 0)) {
        return answer_json(a, out);
    }
    return out ? CLI_DONE : answer_lines(a);
}

int cli_index_search(cli *c) {
    asking a = {.c = c, .without = MIDGE_INDEX_NO_ROW};
    int code = cli_index_open(c, 1, &a.open);
    if (code != CLI_DONE) {
        return code;
    }
    midge_arena_init(&a.arena, &c->env, (size_t)1 << 38);
    midge_index_info_get(a.open.index, &a.info);
    a.k = (uint32_t)midge_json_get_int(c->args, "k", 10);
    code = cli_index_filter(c, &a.open, &a.filter);
    code = code == CLI_DONE ? ask(&a) : code;
    code = code == CLI_DONE ? search(&a) : code;
    midge_searcher_free(a.searcher);
    midge_filter_free(a.filter);
    cli_input_close(&a.input);
    midge_arena_deinit(&a.arena);
    cli_index_close(c, &a.open);
    return code;
}
