/* cli_index.c: midge index create, info, verify, compact, tune; and what all
 * commands on an index need. */
#include "cli_index.h"

#include <stdio.h>
#include <string.h>

/* ---- Names --------------------------------------------------------------- */

static const char *const metrics[] = {"l2sq", "cosine", "ip", "l1", "hamming"};
static const char *const kinds[] = {"auto", "flat", "hnsw"};
static const char *const storages[] = {"f32", "f16", "int8", "binary"};
static const char *const walks[] = {"auto", "rows", "int8"};
static const char *const id_types[] = {"number", "text"};
static const char *const column_kinds[] = {"int", "float", "string", "bool",
                                           "set"};
#define COUNT(names) (sizeof(names) / sizeof *(names))

const char *cli_metric_name(midge_metric metric) {
    return metrics[metric];
}

const char *cli_column_kind_name(midge_column_kind kind) {
    return column_kinds[kind];
}

/* The number of a name; complains with the names there are. */
static int choose(const char *what, const char *given, const char *const *names,
                  size_t count, unsigned *out) {
    char list[128] = "";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(given, names[i]) == 0) {
            *out = (unsigned)i;
            return CLI_DONE;
        }
        size_t at = strlen(list);
        (void)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "",
                       names[i]);
    }
    return cli_complain(CLI_USAGE, "%s '%s' is none of %s", what, given, list);
}

/* ---- Opening ------------------------------------------------------------- */

int cli_index_threads(cli *c, midge_os_pool **pool) {
    midge_error err = {.text = ""};
    int64_t threads = midge_json_get_int(c->args, "threads", 0);
    if (midge_os_pool_new((unsigned)threads, pool, &err) != MIDGE_OK) {
        return cli_complain_error(CLI_FAILED, "", &err);
    }
    midge_os_pool_attach(*pool, &c->env);
    return CLI_DONE;
}

int cli_index_complain(const cli_index *open, midge_status status,
                       const midge_error *err) {
    return cli_complain_error(cli_code_of(status), open->path, err);
}

static int show_writing(void *ctx, size_t done, size_t total) {
    cli_index *open = ctx;
    return cli_bar_show(&open->bar, done >> 20, total >> 20);
}

int cli_index_open(cli *c, int read_only, cli_index *out) {
    midge_error err = {.text = ""};
    *out = (cli_index){.pool = NULL};
    if (!cli_path(out->path, "%s",
                  midge_json_get_string(c->args, "file", ""))) {
        return cli_complain(CLI_USAGE, "the path of the index is too long");
    }
    int code = cli_index_threads(c, &out->pool);
    if (code != CLI_DONE) {
        return code;
    }
    const midge_index_file_options options = {
        .read_only = read_only, .progress = show_writing, .progress_ctx = out};
    midge_status status =
        midge_index_file_open(&c->env, out->path, &options, &out->file, &err);
    if (status == MIDGE_OK) {
        out->index = midge_index_file_index(out->file);
        return CLI_DONE;
    }
    code = status == MIDGE_E_NOT_FOUND
               ? cli_complain(CLI_USAGE,
                              "there is no index %s; `midge index create %s "
                              "--dim N` makes one",
                              out->path, out->path)
               : cli_index_complain(out, status, &err);
    cli_index_close(c, out);
    return code;
}

void cli_index_close(cli *c, cli_index *open) {
    midge_index_file_close(open->file);
    midge_os_pool_free(open->pool);
    c->env.parallel_fn = NULL;
    open->file = NULL;
    open->pool = NULL;
}

int cli_index_commit(cli_index *open) {
    midge_error err = {.text = ""};
    cli_bar_begin(&open->bar, "writing", "MB");
    midge_status status = midge_index_file_commit(open->file, &err);
    cli_bar_end(&open->bar);
    return status == MIDGE_OK ? CLI_DONE
                              : cli_index_complain(open, status, &err);
}

int cli_index_filter(cli *c, const cli_index *open, midge_filter **out) {
    const char *text = midge_json_get_string(c->args, "filter", NULL);
    midge_error err = {.text = ""};
    *out = NULL;
    if (!text || midge_filter_new(open->index, text, strlen(text), out, &err) ==
                     MIDGE_OK) {
        return CLI_DONE;
    }
    return err.offset >= 0
               ? cli_complain(CLI_USAGE, "filter, at character %lld: %s",
                              (long long)err.offset + 1, err.text)
               : cli_complain(CLI_USAGE, "filter: %s", err.text);
}

void cli_index_put_id(const cli_index *open, uint32_t row,
                      midge_json_writer *w) {
    midge_text key = midge_index_key(open->index, row);
    if (key.data) {
        midge_json_string_n(w, key.data, key.size);
    } else {
        char digits[24];
        int size =
            snprintf(digits, sizeof digits, "%llu",
                     (unsigned long long)midge_index_id(open->index, row));
        midge_json_raw(w, digits, (size_t)size);
    }
}

/* ---- create -------------------------------------------------------------- */

typedef struct choice {
    const char *name;
    const char *given;
    const char *const *names;
    size_t count;
    unsigned value;
} choice;

static int read_choices(cli *c, midge_index_options *o) {
    const midge_json *args = c->args;
    const char *metric = midge_json_get_string(args, "metric", "");
    const char *usual = strcmp(metric, "hamming") == 0 ? "binary" : "f32";
    choice all[] = {{"metric", metric, metrics, COUNT(metrics), 0},
                    {"kind", midge_json_get_string(args, "kind", ""), kinds,
                     COUNT(kinds), 0},
                    {"storage", midge_json_get_string(args, "storage", usual),
                     storages, COUNT(storages), 0},
                    {"walk", midge_json_get_string(args, "walk", ""), walks,
                     COUNT(walks), 0},
                    {"ids", midge_json_get_string(args, "ids", ""), id_types,
                     COUNT(id_types), 0}};
    for (size_t i = 0; i < COUNT(all); i++) {
        int code = choose(all[i].name, all[i].given, all[i].names, all[i].count,
                          &all[i].value);
        if (code != CLI_DONE) {
            return code;
        }
    }
    o->metric = (midge_metric)all[0].value;
    o->kind = (midge_index_kind)all[1].value;
    o->storage = (midge_storage)all[2].value;
    o->walk = (midge_walk)all[3].value;
    o->id_type = (midge_id_type)all[4].value;
    return CLI_DONE;
}

/* "lang:string,year:int" */
static int add_columns(midge_index *index, const char *list) {
    while (*list) {
        char name[65], kind_name[16];
        int used = 0;
        unsigned kind = 0;
        midge_error err = {.text = ""};
        if (sscanf(list, "%64[^:,]:%15[^:,]%n", name, kind_name, &used) != 2 ||
            (list[used] != ',' && list[used] != 0)) {
            return cli_complain(CLI_USAGE,
                                "columns are given as name:kind,name:kind; "
                                "not so: '%s'",
                                list);
        }
        int code = choose("the kind of a column", kind_name, column_kinds,
                          COUNT(column_kinds), &kind);
        if (code != CLI_DONE) {
            return code;
        }
        if (midge_index_column_add(index, name, (midge_column_kind)kind,
                                   &err) != MIDGE_OK) {
            return cli_complain_error(CLI_USAGE, "columns", &err);
        }
        list += used + (list[used] == ',');
    }
    return CLI_DONE;
}

/* Options and columns are tried on an index in memory first: what is wrong
 * leaves no file behind. */
static int try_options(cli *c, const midge_index_options *options,
                       const char *columns) {
    midge_error err = {.text = ""};
    midge_index *index;
    if (midge_index_new(&c->env, options, &index, &err) != MIDGE_OK) {
        return cli_complain_error(CLI_USAGE, "", &err);
    }
    int code = add_columns(index, columns);
    midge_index_free(index);
    return code;
}

static int make_file(cli *c, const char *path,
                     const midge_index_options *options, const char *columns) {
    midge_error err = {.text = ""};
    midge_index_file *file;
    midge_status status =
        midge_index_file_create(&c->env, path, options, NULL, &file, &err);
    if (status != MIDGE_OK) {
        return cli_complain_error(cli_code_of(status), path, &err);
    }
    int code = add_columns(midge_index_file_index(file), columns);
    if (code == CLI_DONE) {
        status = midge_index_file_commit(file, &err);
        code = status == MIDGE_OK
                   ? CLI_DONE
                   : cli_complain_error(cli_code_of(status), path, &err);
    }
    midge_index_file_close(file);
    return code;
}

int cli_index_create(cli *c) {
    const midge_json *args = c->args;
    const char *path = midge_json_get_string(args, "file", "");
    const char *columns = midge_json_get_string(args, "columns", "");
    midge_index_options o = MIDGE_INDEX_DEFAULTS;
    int code = read_choices(c, &o);
    if (code != CLI_DONE) {
        return code;
    }
    o.dim = (uint32_t)midge_json_get_int(args, "dim", 0);
    o.m = (uint32_t)midge_json_get_int(args, "m", 0);
    o.ef_construction =
        (uint32_t)midge_json_get_int(args, "ef_construction", 0);
    o.ef = (uint32_t)midge_json_get_int(args, "ef", 0);
    o.seed = (uint64_t)midge_json_get_int(args, "seed", 0);
    code = try_options(c, &o, columns);
    if (code == CLI_DONE) {
        code = make_file(c, path, &o, columns);
    }
    if (code != CLI_DONE) {
        return code;
    }
    if (!midge_json_get_bool(args, "json", 0)) {
        printf("%s: an empty index of %u dimensions, %s\n", path, o.dim,
               metrics[o.metric]);
        return CLI_DONE;
    }
    cli_answer json;
    midge_json_writer *w = cli_answer_begin(c, &json);
    midge_json_begin_object(w);
    midge_json_key(w, "file");
    midge_json_string(w, path);
    midge_json_key(w, "dim");
    midge_json_int(w, o.dim);
    midge_json_key(w, "metric");
    midge_json_string(w, metrics[o.metric]);
    midge_json_end_object(w);
    return cli_answer_end(&json);
}

/* ---- Answers of a few numbers -------------------------------------------- */

typedef struct field {
    const char *name;
    uint64_t value;
} field;

/* {"name": value, ...}, or "name: value" in lines. */
static int answer_fields(cli *c, const field *fields, size_t count) {
    if (!midge_json_get_bool(c->args, "json", 0)) {
        for (size_t i = 0; i < count; i++) {
            printf("%-15s %llu\n", fields[i].name,
                   (unsigned long long)fields[i].value);
        }
        return CLI_DONE;
    }
    cli_answer json;
    midge_json_writer *w = cli_answer_begin(c, &json);
    midge_json_begin_object(w);
    for (size_t i = 0; i < count; i++) {
        midge_json_key(w, fields[i].name);
        midge_json_int(w, (int64_t)fields[i].value);
    }
    midge_json_end_object(w);
    return cli_answer_end(&json);
}

static uint64_t live_rows(const midge_index *index) {
    midge_index_info info;
    midge_index_info_get(index, &info);
    return info.count;
}

/* ---- info ---------------------------------------------------------------- */

static void put_name(midge_json_writer *w, const char *key, const char *name) {
    midge_json_key(w, key);
    midge_json_string(w, name);
}

static void put_number(midge_json_writer *w, const char *key, uint64_t value) {
    midge_json_key(w, key);
    midge_json_int(w, (int64_t)value);
}

static void write_columns(midge_json_writer *w, const midge_index *index) {
    midge_json_key(w, "columns");
    midge_json_begin_array(w);
    for (uint32_t i = 0; i < midge_index_n_columns(index); i++) {
        midge_json_begin_object(w);
        put_name(w, "name", midge_index_column_name(index, i));
        put_name(w, "kind", column_kinds[midge_index_column_kind(index, i)]);
        midge_json_end_object(w);
    }
    midge_json_end_array(w);
}

static void write_info(midge_json_writer *w, const cli_index *open) {
    midge_index_info info;
    midge_index_file_info file;
    midge_index_info_get(open->index, &info);
    midge_index_file_info_get(open->file, &file);
    const midge_index_options *o = &info.options;
    midge_json_begin_object(w);
    put_number(w, "dim", o->dim);
    put_name(w, "metric", metrics[o->metric]);
    put_name(w, "kind", kinds[o->kind]);
    put_name(w, "storage", storages[o->storage]);
    put_name(w, "walk", walks[o->walk]);
    put_name(w, "ids", id_types[o->id_type]);
    put_number(w, "m", o->m);
    put_number(w, "ef_construction", o->ef_construction);
    put_number(w, "ef", o->ef);
    put_number(w, "seed", o->seed);
    put_number(w, "count", info.count);
    put_number(w, "deleted", info.n_deleted);
    midge_json_key(w, "graph");
    midge_json_bool(w, info.has_graph);
    write_columns(w, open->index);
    midge_json_key(w, "bytes");
    midge_json_begin_object(w);
    put_number(w, "vectors", info.vector_bytes);
    put_number(w, "walk", info.walk_bytes);
    put_number(w, "graph", info.graph_bytes);
    put_number(w, "ids", info.id_bytes);
    put_number(w, "metadata", info.metadata_bytes);
    put_number(w, "file", file.bytes);
    put_number(w, "changes", file.frame_bytes);
    midge_json_end_object(w);
    midge_json_end_object(w);
}

static void print_info(const cli_index *open) {
    midge_index_info info;
    midge_index_file_info file;
    midge_index_info_get(open->index, &info);
    midge_index_file_info_get(open->file, &file);
    const midge_index_options *o = &info.options;
    double rows = info.count > 0 ? (double)info.count : 1.0;
    printf("%s: %llu vectors of %u dimensions, %s, stored as %s\n", open->path,
           (unsigned long long)info.count, o->dim, metrics[o->metric],
           storages[o->storage]);
    printf(
        "search     %s (kind %s, walk %s, m %u, ef_construction %u, ef %u)\n",
        info.has_graph ? "by a graph" : "exact", kinds[o->kind], walks[o->walk],
        o->m, o->ef_construction, o->ef);
    printf("ids        %s\n", id_types[o->id_type]);
    for (uint32_t i = 0; i < midge_index_n_columns(open->index); i++) {
        printf("%s%s:%s", i ? ", " : "columns    ",
               midge_index_column_name(open->index, i),
               column_kinds[midge_index_column_kind(open->index, i)]);
    }
    puts(midge_index_n_columns(open->index) ? "" : "columns    none");
    printf(
        "a vector   %.1f bytes: vector %.1f, walk %.1f, links %.1f, id %.1f, "
        "metadata %.1f\n",
        (double)(info.vector_bytes + info.walk_bytes + info.graph_bytes +
                 info.id_bytes + info.metadata_bytes) /
            rows,
        (double)info.vector_bytes / rows, (double)info.walk_bytes / rows,
        (double)info.graph_bytes / rows, (double)info.id_bytes / rows,
        (double)info.metadata_bytes / rows);
    printf("file       %llu bytes, of them %llu changes in %u commits; "
           "%llu deleted rows\n",
           (unsigned long long)file.bytes, (unsigned long long)file.frame_bytes,
           file.frames, (unsigned long long)info.n_deleted);
}

int cli_index_info(cli *c) {
    cli_index open;
    int code = cli_index_open(c, 1, &open);
    if (code != CLI_DONE) {
        return code;
    }
    if (midge_json_get_bool(c->args, "json", 0)) {
        cli_answer json;
        midge_json_writer *w = cli_answer_begin(c, &json);
        write_info(w, &open);
        code = cli_answer_end(&json);
    } else {
        print_info(&open);
    }
    cli_index_close(c, &open);
    return code;
}

/* ---- verify -------------------------------------------------------------- */

static int show_checking(void *ctx, size_t done, size_t total) {
    return cli_bar_show(ctx, done >> 20, total >> 20);
}

int cli_index_verify(cli *c) {
    const char *path = midge_json_get_string(c->args, "file", "");
    midge_index_report report = {.bytes = 0};
    midge_error err = {.text = ""};
    cli_bar bar;
    cli_bar_begin(&bar, "checking", "MB");
    midge_status status = midge_index_file_verify(&c->env, path, show_checking,
                                                  &bar, &report, &err);
    cli_bar_end(&bar);
    if (status != MIDGE_OK && status != MIDGE_E_CORRUPT) {
        return cli_complain_error(cli_code_of(status), path, &err);
    }
    const field fields[] = {
        {"rows", report.rows},      {"bytes", report.bytes},
        {"blocks", report.blocks},  {"damaged_blocks", report.damaged_blocks},
        {"changes", report.frames}, {"sound", status == MIDGE_OK}};
    int code = answer_fields(c, fields, COUNT(fields));
    return status == MIDGE_OK ? code
                              : cli_complain_error(CLI_FAILED, path, &err);
}

/* ---- compact, tune ------------------------------------------------------- */

int cli_index_compact(cli *c) {
    cli_index open;
    midge_index_file_info before, after;
    midge_error err = {.text = ""};
    int code = cli_index_open(c, 0, &open);
    if (code != CLI_DONE) {
        return code;
    }
    midge_index_file_info_get(open.file, &before);
    cli_bar_begin(&open.bar, "writing", "MB");
    midge_status status = midge_index_file_compact(open.file, &err);
    cli_bar_end(&open.bar);
    if (status == MIDGE_OK) {
        midge_index_file_info_get(open.file, &after);
        const field fields[] = {{"count", live_rows(open.index)},
                                {"before", before.bytes},
                                {"after", after.bytes}};
        code = answer_fields(c, fields, COUNT(fields));
    } else {
        code = cli_index_complain(&open, status, &err);
    }
    cli_index_close(c, &open);
    return code;
}

static int answer_tuned(cli *c, const midge_tune_report *report) {
    if (!midge_json_get_bool(c->args, "json", 0)) {
        printf("ef %u finds %.4f of the %u nearest (measured with %zu "
               "queries)\n",
               report->ef, report->recall, report->k, report->sample);
        return CLI_DONE;
    }
    cli_answer json;
    midge_json_writer *w = cli_answer_begin(c, &json);
    midge_json_begin_object(w);
    put_number(w, "ef", report->ef);
    midge_json_key(w, "recall");
    midge_json_double(w, report->recall);
    put_number(w, "sample", report->sample);
    put_number(w, "k", report->k);
    midge_json_end_object(w);
    return cli_answer_end(&json);
}

int cli_index_tune(cli *c) {
    cli_index open;
    midge_tune_report report = {.ef = 0};
    midge_error err = {.text = ""};
    int code = cli_index_open(c, 0, &open);
    if (code != CLI_DONE) {
        return code;
    }
    midge_status status = midge_index_tune(
        open.index, midge_json_get_double(c->args, "recall", 0.95),
        (uint32_t)midge_json_get_int(c->args, "k", 10),
        (size_t)midge_json_get_int(c->args, "sample", 200), NULL, &report,
        &err);
    if (status == MIDGE_OK) {
        code = cli_index_commit(&open);
        code = code == CLI_DONE ? answer_tuned(c, &report) : code;
    } else {
        code = cli_index_complain(&open, status, &err);
        code = status == MIDGE_E_LIMIT ? CLI_FAILED : code;
    }
    cli_index_close(c, &open);
    return code;
}
