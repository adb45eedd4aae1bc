/* task_input.c: what a task gets to work on: its input, with references to
 * earlier results resolved. {"$task":"name"} stands for the whole result,
 * {"$task":"name","path":"/a/0"} for a part of it (JSON Pointer, RFC 6901). */
#include <string.h>

#include "swarm/state.h"

#define INPUT_ARENA_MAX ((size_t)256 << 20)

typedef struct resolver {
    const midge_swarm *swarm;
    uint32_t run;
    midge_json_writer *writer;
    midge_error *err;
} resolver;

/* Does `key` equal the token at *path (up to '/' or the end)? ~1 is '/', ~0 is
 * '~'. */
static int token_equals(midge_text token, const char *key, uint32_t key_size) {
    uint32_t k = 0;
    for (uint32_t i = 0; i < token.size; i++, k++) {
        char c = token.data[i];
        if (c == '~' && i + 1 < token.size &&
            (token.data[i + 1] == '0' || token.data[i + 1] == '1')) {
            c = token.data[++i] == '0' ? '~' : '/';
        }
        if (k >= key_size || key[k] != c) {
            return 0;
        }
    }
    return k == key_size;
}

/* An array index without leading zeros, or UINT32_MAX. */
static uint32_t token_index(midge_text token) {
    uint64_t index = 0;
    if (token.size == 0 || token.size > 9 ||
        (token.size > 1 && token.data[0] == '0')) {
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < token.size; i++) {
        if (token.data[i] < '0' || token.data[i] > '9') {
            return UINT32_MAX;
        }
        index = index * 10 + (uint64_t)(token.data[i] - '0');
    }
    return (uint32_t)index;
}

static const midge_json *step(const midge_json *value, midge_text token) {
    const midge_json *child = value->child;
    if (value->type == MIDGE_JSON_OBJECT) {
        while (child && !token_equals(token, child->key, child->key_size)) {
            child = child->next;
        }
        return child;
    }
    if (value->type != MIDGE_JSON_ARRAY) {
        return NULL;
    }
    uint32_t index = token_index(token);
    for (; child && index > 0; index--) {
        child = child->next;
    }
    return child;
}

/* NULL when the path leads nowhere. */
static const midge_json *follow(const midge_json *value, midge_text path) {
    uint32_t at = 0;
    while (value && at < path.size) {
        if (path.data[at] != '/') {
            return NULL;
        }
        uint32_t end = ++at;
        while (end < path.size && path.data[end] != '/') {
            end++;
        }
        midge_text token = {path.data + at, end - at};
        value = step(value, token);
        at = end;
    }
    return value;
}

static midge_status write_reference(resolver *r, const midge_json *name,
                                    const midge_json *path) {
    midge_text task_name = {name->string, name->count};
    uint32_t id = midge_swarm_find_task(r->swarm, r->run, task_name);
    if (id == 0) {
        return midge_fail(r->err, MIDGE_E_NOT_FOUND,
                          "the input refers to an unknown task '%s'",
                          name->string);
    }
    const mdg_task *task = &r->swarm->tasks[id];
    if (task->state != MIDGE_TASK_SUCCEEDED) {
        return midge_fail(
            r->err, MIDGE_E_STATE,
            "the input refers to task '%s', which is %s; is it in \"after\"?",
            name->string, midge_task_state_name((midge_task_state)task->state));
    }
    if (!path) {
        midge_json_raw(r->writer, task->outcome, task->outcome_size);
        return MIDGE_OK;
    }
    /* Memory for one result at a time: many may be referred to. */
    midge_arena arena;
    const midge_json *result = NULL;
    midge_arena_init(&arena, r->swarm->env, INPUT_ARENA_MAX);
    midge_status status = midge_json_read(&arena, task->outcome,
                                          task->outcome_size, &result, r->err);
    if (status == MIDGE_OK) {
        midge_text pointer = {path->string, path->count};
        const midge_json *part = follow(result, pointer);
        if (part) {
            midge_json_value(r->writer, part);
        } else {
            status = midge_fail(r->err, MIDGE_E_NOT_FOUND,
                                "the result of task '%s' has nothing at '%s'",
                                name->string, path->string);
        }
    }
    midge_arena_deinit(&arena);
    return status;
}

/* A reference is an object with "$task" and nothing else but "path". */
static int is_reference(const midge_json *value, const midge_json **name,
                        const midge_json **path) {
    *name = midge_json_get(value, "$task");
    *path = midge_json_get(value, "path");
    return *name && (*name)->type == MIDGE_JSON_STRING &&
           (!*path || (*path)->type == MIDGE_JSON_STRING) &&
           value->count == (*path ? 2u : 1u);
}

/* Recursion is bounded by MIDGE_JSON_DEPTH_MAX. */
static midge_status write_value(resolver *r, const midge_json *value) {
    const midge_json *name;
    const midge_json *path;
    if (is_reference(value, &name, &path)) {
        return write_reference(r, name, path);
    }
    int is_object = value->type == MIDGE_JSON_OBJECT;
    if (!is_object && value->type != MIDGE_JSON_ARRAY) {
        midge_json_value(r->writer, value);
        return MIDGE_OK;
    }
    if (is_object) {
        midge_json_begin_object(r->writer);
    } else {
        midge_json_begin_array(r->writer);
    }
    for (const midge_json *v = value->child; v; v = v->next) {
        if (is_object) {
            midge_json_key_n(r->writer, v->key, v->key_size);
        }
        MIDGE_TRY(write_value(r, v));
    }
    if (is_object) {
        midge_json_end_object(r->writer);
    } else {
        midge_json_end_array(r->writer);
    }
    return MIDGE_OK;
}

/* Cheap and never wrongly 0: a backslash may spell the name with escapes. */
static int may_refer(midge_text text) {
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\\' ||
            (text.data[i] == '$' && text.size - i > 5 &&
             memcmp(text.data + i, "$task\"", 6) == 0)) {
            return 1;
        }
    }
    return 0;
}

midge_status midge_swarm_task_input(const midge_swarm *swarm, uint32_t task,
                                    midge_buf *out, midge_error *err) {
    if (!swarm || !out) {
        return MIDGE_E_INVALID;
    }
    if (task == 0 || task > swarm->n_tasks) {
        return midge_fail(err, MIDGE_E_NOT_FOUND, "no task %u", task);
    }
    midge_text input = mdg_task_input_text(&swarm->tasks[task]);
    if (!may_refer(input)) {
        return midge_buf_append(out, input.data, input.size);
    }
    midge_arena arena;
    midge_json_writer writer;
    const midge_json *value = NULL;
    midge_arena_init(&arena, swarm->env, INPUT_ARENA_MAX);
    midge_json_writer_init(&writer, out, 0);
    resolver r = {swarm, swarm->tasks[task].run, &writer, err};
    midge_status status =
        midge_json_read(&arena, input.data, input.size, &value, err);
    if (status == MIDGE_OK) {
        status = write_value(&r, value);
    }
    if (status == MIDGE_OK) {
        status = midge_json_writer_end(&writer);
    }
    midge_arena_deinit(&arena);
    return status;
}
