/* cli_index_delete.c: midge index delete. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_index.h"

/* The ids that are named, of one type. */
typedef struct naming {
    cli *c;
    cli_index open;
    int is_text;
    midge_buf numbers; /* uint64_t each */
    midge_buf keys;    /* midge_text each */
    midge_buf from;    /* the file that keys lie in */
} naming;

static size_t named(const naming *n) {
    return n->is_text ? n->keys.size / sizeof(midge_text)
                      : n->numbers.size / sizeof(uint64_t);
}

static int add_id(naming *n, const char *text, size_t size) {
    if (n->is_text) {
        const midge_text key = {text, size};
        return midge_buf_append(&n->keys, &key, sizeof key) == MIDGE_OK
                   ? CLI_DONE
                   : cli_complain(CLI_FAILED, "no memory for the ids");
    }
    const midge_json *number;
    if (midge_json_read(&n->c->arena, text, size, &number, NULL) != MIDGE_OK ||
        number->type != MIDGE_JSON_INT || number->integer < 0) {
        return cli_complain(CLI_USAGE, "'%.*s' is no id: they are numbers",
                            (int)(size > 40 ? 40 : size), text);
    }
    uint64_t id = (uint64_t)number->integer;
    return midge_buf_append(&n->numbers, &id, sizeof id) == MIDGE_OK
               ? CLI_DONE
               : cli_complain(CLI_FAILED, "no memory for the ids");
}

/* Ids with one of `between` behind each. */
static int add_list(naming *n, const char *text, size_t size,
                    const char *between) {
    size_t from = 0;
    for (size_t at = 0; at <= size; at++) {
        if (at < size && !strchr(between, text[at])) {
            continue;
        }
        int code = at > from ? add_id(n, text + from, at - from) : CLI_DONE;
        if (code != CLI_DONE) {
            return code;
        }
        from = at + 1;
    }
    return CLI_DONE;
}

static int add_file(naming *n, const char *path) {
    midge_buf_deinit(&n->from);
    int code = cli_read_input(n->c, path, &n->from);
    return code == CLI_DONE ? add_list(n, n->from.data, n->from.size, "\r\n")
                            : code;
}

/* Every row that passes. */
static int add_matching(naming *n, const midge_filter *filter) {
    midge_index_info info;
    midge_index_info_get(n->open.index, &info);
    uint64_t end = info.count + info.n_deleted;
    for (uint64_t row = 0; row < end; row++) {
        if (!midge_index_has_row(n->open.index, (uint32_t)row) ||
            !midge_filter_matches(filter, (uint32_t)row)) {
            continue;
        }
        midge_text key = midge_index_key(n->open.index, (uint32_t)row);
        uint64_t id = midge_index_id(n->open.index, (uint32_t)row);
        midge_status status =
            n->is_text ? midge_buf_append(&n->keys, &key, sizeof key)
                       : midge_buf_append(&n->numbers, &id, sizeof id);
        if (status != MIDGE_OK) {
            return cli_complain(CLI_FAILED, "no memory for the ids");
        }
    }
    return CLI_DONE;
}

static int name_rows(naming *n) {
    const midge_json *args = n->c->args;
    const char *ids = midge_json_get_string(args, "ids", NULL);
    const char *from = midge_json_get_string(args, "from", NULL);
    const char *filter = midge_json_get_string(args, "filter", NULL);
    midge_filter *condition;
    if ((ids != NULL) + (from != NULL) + (filter != NULL) != 1) {
        return cli_complain(CLI_USAGE,
                            "name the rows by one of --ids, --from and "
                            "--filter");
    }
    if (ids) {
        return add_list(n, ids, strlen(ids), ",");
    }
    if (from) {
        return add_file(n, from);
    }
    int code = cli_index_filter(n->c, &n->open, &condition);
    if (code == CLI_DONE) {
        code = add_matching(n, condition);
    }
    midge_filter_free(condition);
    return code;
}

static int answer(const naming *n, size_t deleted) {
    midge_index_info info;
    midge_index_info_get(n->open.index, &info);
    if (!midge_json_get_bool(n->c->args, "json", 0)) {
        printf("deleted %zu rows", deleted);
        if (named(n) > deleted) {
            printf(", %zu ids were not there", named(n) - deleted);
        }
        printf("; %s has %llu now\n", n->open.path,
               (unsigned long long)info.count);
        return CLI_DONE;
    }
    cli_answer json;
    midge_json_writer *w = cli_answer_begin(n->c, &json);
    midge_json_begin_object(w);
    midge_json_key(w, "deleted");
    midge_json_int(w, (int64_t)deleted);
    midge_json_key(w, "absent");
    midge_json_int(w, (int64_t)(named(n) - deleted));
    midge_json_key(w, "count");
    midge_json_int(w, (int64_t)info.count);
    midge_json_end_object(w);
    return cli_answer_end(&json);
}

static int delete_rows(naming *n) {
    size_t deleted = 0;
    midge_error err = {.text = ""};
    const void *ids = n->is_text ? NULL : n->numbers.data;
    const void *keys = n->is_text ? n->keys.data : NULL;
    midge_status status = named(n) == 0
                              ? MIDGE_OK
                              : midge_index_delete(n->open.index, named(n), ids,
                                                   keys, &deleted, &err);
    if (status != MIDGE_OK) {
        return cli_index_complain(&n->open, status, &err);
    }
    int code = cli_index_commit(&n->open);
    return code == CLI_DONE ? answer(n, deleted) : code;
}

int cli_index_delete(cli *c) {
    naming n = {.c = c};
    int code = cli_index_open(c, 0, &n.open);
    if (code != CLI_DONE) {
        return code;
    }
    midge_index_info info;
    midge_index_info_get(n.open.index, &info);
    n.is_text = info.options.id_type == MIDGE_ID_TEXT;
    midge_buf_init(&n.numbers, &c->env, CLI_INPUT_BYTES_MAX);
    midge_buf_init(&n.keys, &c->env, CLI_INPUT_BYTES_MAX);
    midge_buf_init(&n.from, &c->env, CLI_INPUT_BYTES_MAX);
    code = name_rows(&n);
    code = code == CLI_DONE ? delete_rows(&n) : code;
    midge_buf_deinit(&n.from);
    midge_buf_deinit(&n.keys);
    midge_buf_deinit(&n.numbers);
    cli_index_close(c, &n.open);
    return code;
}
