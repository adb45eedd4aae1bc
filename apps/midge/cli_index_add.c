/* cli_index_add.c: midge index add. */
#include <stdio.h>
#include <string.h>

#include "cli_index.h"

#define BATCH_BYTES ((uint64_t)2 << 30) /* of vectors, linked at once */

typedef struct adding {
    cli *c;
    cli_index open;
    cli_input input;
    midge_embedder *embedder;
    midge_embed_report report;
    uint32_t dim;
    int hamming;
    uint64_t commit; /* rows; 0: at the end */
    cli_bar bar;
    uint64_t added;
} adding;

static int fail(const adding *a, midge_status status, const midge_error *err) {
    return cli_input_complain(&a->input, status, err);
}

/* ---- Does the input fit the index? --------------------------------------- */

static int check_dim(const adding *a) {
    uint32_t dim = midge_vector_source_dim(a->input.source);
    uint32_t wanted = a->hamming ? (a->dim + 7) / 8 * 8 : a->dim;
    if (a->embedder || dim == a->dim || (a->hamming && dim == wanted)) {
        return CLI_DONE;
    }
    return cli_complain(CLI_USAGE,
                        "%s has vectors of %u numbers, the index %s has %u",
                        a->input.path, dim, a->open.path, a->dim);
}

static int check_ids(const adding *a) {
    midge_index_info info;
    midge_id_type type;
    int has = midge_vector_source_has_ids(a->input.source, &type);
    midge_index_info_get(a->open.index, &info);
    if (info.options.id_type == MIDGE_ID_TEXT && !has) {
        return cli_complain(CLI_USAGE,
                            "%s has no ids, and those of %s are texts; name "
                            "the member with --id",
                            a->input.path, a->open.path);
    }
    if (has && type != info.options.id_type) {
        return cli_complain(
            CLI_USAGE, "the ids in %s are %s, those of %s are %s",
            a->input.path, type == MIDGE_ID_TEXT ? "texts" : "numbers",
            a->open.path,
            type == MIDGE_ID_TEXT ? "numbers (`midge index create --ids text`)"
                                  : "texts");
    }
    return CLI_DONE;
}

static int has_column(const midge_index *index, const char *name) {
    for (uint32_t i = 0; i < midge_index_n_columns(index); i++) {
        if (strcmp(midge_index_column_name(index, i), name) == 0) {
            return 1;
        }
    }
    return 0;
}

static int make_columns(const adding *a) {
    const midge_vector_source *source = a->input.source;
    for (uint32_t i = 0; i < midge_vector_source_n_columns(source); i++) {
        midge_column_kind kind;
        midge_error err = {.text = ""};
        const char *name = midge_vector_source_column(source, i, &kind);
        midge_status status =
            has_column(a->open.index, name)
                ? MIDGE_OK
                : midge_index_column_add(a->open.index, name, kind, &err);
        if (status != MIDGE_OK) {
            return fail(a, status, &err);
        }
    }
    return CLI_DONE;
}

/* ---- Texts --------------------------------------------------------------- */

/* The first texts tell what all have in common; it is kept beside the index.
 * What is there beside an empty index was left by texts that were not added. */
static int prepare_embedder(adding *a, const midge_source_rows *first) {
    midge_index_info info;
    midge_error err = {.text = ""};
    midge_index_info_get(a->open.index, &info);
    if (info.count > 0) {
        return cli_embedder_load(&a->open, a->embedder);
    }
    midge_status status = midge_embedder_fit(a->embedder, first->rows.count,
                                             first->texts, NULL, &err);
    return status == MIDGE_OK ? cli_embedder_save(a->c, &a->open, a->embedder)
                              : fail(a, status, &err);
}

/* Moves rows with a vector together. */
static void drop_skipped(const midge_embed_batch *batch, midge_rows *rows,
                         float *vectors, uint32_t dim) {
    uint64_t *ids = (uint64_t *)(uintptr_t)rows->ids;
    midge_text *keys = (midge_text *)(uintptr_t)rows->keys;
    const midge_json **metadata =
        (const midge_json **)(uintptr_t)rows->metadata;
    size_t to = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (batch->skipped[i]) {
            continue;
        }
        memmove(vectors + to * dim, vectors + i * dim, dim * sizeof *vectors);
        if (ids) {
            ids[to] = ids[i];
        }
        if (keys) {
            keys[to] = keys[i];
        }
        if (metadata) {
            metadata[to] = metadata[i];
        }
        to++;
    }
    rows->count = to;
}

static int embed(adding *a, midge_source_rows *batch, midge_arena *arena) {
    size_t count = batch->rows.count;
    midge_error err = {.text = ""};
    float *vectors = midge_arena_alloc(arena, count * a->dim * sizeof *vectors);
    uint8_t *skipped = midge_arena_alloc(arena, count);
    if (!vectors || !skipped) {
        return cli_complain(CLI_FAILED, "no memory for %zu texts", count);
    }
    int skip = midge_json_get_bool(a->c->args, "skip", 0);
    const midge_embed_batch texts = {.count = count,
                                     .texts = batch->texts,
                                     .first = batch->first,
                                     .skipped = skip ? skipped : NULL,
                                     .report = &a->report,
                                     .progress = cli_bar_show,
                                     .progress_ctx = &a->bar};
    cli_bar_begin(&a->bar, "embedding", "texts");
    midge_status status =
        midge_embedder_embed(a->embedder, &texts, vectors, &err);
    cli_bar_end(&a->bar);
    if (status != MIDGE_OK) {
        return fail(a, status, &err);
    }
    if (skip) {
        drop_skipped(&texts, &batch->rows, vectors, a->dim);
    }
    batch->rows.vectors = vectors;
    return CLI_DONE;
}

/* ---- Rows ---------------------------------------------------------------- */

static int add_rows(adding *a, const midge_rows *rows, uint64_t first) {
    midge_error err = {.text = ""};
    const midge_add_options options = {
        .upsert = midge_json_get_bool(a->c->args, "upsert", 0),
        .progress = cli_bar_show,
        .progress_ctx = &a->bar};
    cli_bar_begin(&a->bar, "adding", "rows");
    midge_status status = midge_index_add(a->open.index, rows, &options, &err);
    cli_bar_end(&a->bar);
    if (status == MIDGE_OK) {
        a->added += rows->count;
        return CLI_DONE;
    }
    if (first == 0) {
        return fail(a, status, &err);
    }
    return cli_complain(cli_code_of(status), "%s, counted from row %llu: %s",
                        a->input.path, (unsigned long long)first, err.text);
}

static int add_batch(adding *a, midge_source_rows *batch) {
    midge_arena arena;
    int code = CLI_DONE;
    midge_arena_init(&arena, &a->c->env, (size_t)1 << 36);
    if (a->embedder && batch->first == 0) {
        code = prepare_embedder(a, batch);
    }
    if (code == CLI_DONE && a->embedder) {
        code = embed(a, batch, &arena);
    }
    if (code == CLI_DONE) {
        code = add_rows(a, &batch->rows, batch->first);
    }
    midge_arena_deinit(&arena);
    return code;
}

static int add_all(adding *a) {
    uint64_t at_once = BATCH_BYTES / ((uint64_t)a->dim * sizeof(float)) + 1;
    at_once = a->commit && a->commit < at_once ? a->commit : at_once;
    for (;;) {
        midge_source_rows batch;
        midge_error err = {.text = ""};
        midge_status status = midge_vector_source_next(
            a->input.source, (size_t)at_once, &batch, &err);
        if (status != MIDGE_OK) {
            return fail(a, status, &err);
        }
        if (batch.rows.count == 0) {
            return cli_index_commit(&a->open);
        }
        int code = add_batch(a, &batch);
        if (code == CLI_DONE && a->commit) {
            code = cli_index_commit(&a->open);
        }
        if (code != CLI_DONE) {
            return code;
        }
    }
}

static int answer(const adding *a, double seconds) {
    midge_index_info info;
    midge_index_info_get(a->open.index, &info);
    if (!midge_json_get_bool(a->c->args, "json", 0)) {
        printf("added %llu rows in %.1f s", (unsigned long long)a->added,
               seconds);
        if (a->report.n_skipped > 0) {
            printf(", passed over %llu texts without a vector",
                   (unsigned long long)a->report.n_skipped);
        }
        printf("; %s has %llu now\n", a->open.path,
               (unsigned long long)info.count);
        return CLI_DONE;
    }
    cli_answer json;
    midge_json_writer *w = cli_answer_begin(a->c, &json);
    midge_json_begin_object(w);
    midge_json_key(w, "added");
    midge_json_int(w, (int64_t)a->added);
    midge_json_key(w, "skipped");
    midge_json_int(w, (int64_t)a->report.n_skipped);
    midge_json_key(w, "count");
    midge_json_int(w, (int64_t)info.count);
    midge_json_key(w, "seconds");
    midge_json_double(w, seconds);
    midge_json_end_object(w);
    return cli_answer_end(&json);
}

static int run(adding *a) {
    const midge_json *args = a->c->args;
    midge_index_info info;
    midge_index_info_get(a->open.index, &info);
    a->dim = info.options.dim;
    a->hamming = info.options.metric == MIDGE_METRIC_HAMMING;
    a->commit = (uint64_t)midge_json_get_int(args, "commit", 0);
    midge_source_options options = {
        .bits = a->hamming,
        .id = midge_json_get_string(args, "id", NULL),
        .vector = midge_json_get_string(args, "vector", NULL),
        .text = midge_json_get_string(args, "text", NULL)};
    int code = options.text
                   ? cli_embedder_open(a->c, &a->open, NULL, 0, &a->embedder)
                   : CLI_DONE;
    if (code == CLI_DONE) {
        code = cli_input_open(a->c, midge_json_get_string(args, "input", ""),
                              &options, &a->input);
    }
    code = code == CLI_DONE ? check_dim(a) : code;
    code = code == CLI_DONE ? check_ids(a) : code;
    code = code == CLI_DONE ? make_columns(a) : code;
    return code == CLI_DONE ? add_all(a) : code;
}

int cli_index_add(cli *c) {
    adding a = {.c = c};
    double start = midge_os_monotonic_ms();
    int code = cli_index_open(c, 0, &a.open);
    if (code != CLI_DONE) {
        return code;
    }
    code = run(&a);
    if (code == CLI_DONE) {
        code = answer(&a, (midge_os_monotonic_ms() - start) / 1000.0);
    }
    cli_input_close(&a.input);
    midge_embedder_free(a.embedder);
    cli_index_close(c, &a.open);
    return code;
}
