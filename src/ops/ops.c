/* ops.c: finding, checking and running operations.
 *
 * Arguments are checked here and nowhere else: an operation, a task and the
 * command line all pass through midge_op_check. An argument that is null counts
 * as absent, so that a plan may leave one open.
 */
#include "ops/ops_table.h"

#include <string.h>

#define ARGS_BYTES_MAX ((size_t)64 << 20)

static const char *const type_names[] = {
    "text", "a whole number", "a number", "true or false", "object", "array",
};

size_t midge_ops_count(void) {
    return mdg_ops_table_size;
}

const midge_op *midge_ops_at(size_t position) {
    return position < mdg_ops_table_size ? &mdg_ops_table[position] : NULL;
}

const midge_op *midge_ops_find(const char *name) {
    for (size_t i = 0; name && i < mdg_ops_table_size; i++) {
        if (strcmp(mdg_ops_table[i].name, name) == 0) {
            return &mdg_ops_table[i];
        }
    }
    return NULL;
}

static const midge_arg *find_arg(const midge_op *op, const char *name) {
    for (size_t i = 0; i < op->n_args; i++) {
        if (strcmp(op->args[i].name, name) == 0) {
            return &op->args[i];
        }
    }
    return NULL;
}

static int has_type(const midge_json *value, midge_arg_type type) {
    switch (type) {
    case MIDGE_ARG_STRING:
        return value->type == MIDGE_JSON_STRING &&
               strlen(value->string) == value->count;
    case MIDGE_ARG_INTEGER:
        return value->type == MIDGE_JSON_INT;
    case MIDGE_ARG_NUMBER:
        return value->type == MIDGE_JSON_INT ||
               value->type == MIDGE_JSON_DOUBLE;
    case MIDGE_ARG_BOOLEAN:
        return value->type == MIDGE_JSON_BOOL;
    case MIDGE_ARG_OBJECT:
        return value->type == MIDGE_JSON_OBJECT;
    case MIDGE_ARG_ARRAY:
        return value->type == MIDGE_JSON_ARRAY;
    }
    return 0;
}

static midge_status check_value(const midge_arg *arg, const midge_json *value,
                                midge_error *err) {
    if (!has_type(value, arg->type)) {
        return midge_fail(err, MIDGE_E_INVALID, "%s must be %s", arg->name,
                          type_names[arg->type]);
    }
    if (arg->has_minimum && value->number < arg->minimum) {
        return midge_fail(err, MIDGE_E_INVALID, "%s must be at least %g",
                          arg->name, arg->minimum);
    }
    if (arg->has_maximum && value->number > arg->maximum) {
        return midge_fail(err, MIDGE_E_INVALID, "%s must be at most %g",
                          arg->name, arg->maximum);
    }
    return MIDGE_OK;
}

/* The value of one argument: given, by default, or none (*out is NULL). */
static midge_status resolve(const midge_arg *arg, midge_arena *arena,
                            const midge_json *args, const midge_json **out,
                            midge_error *err) {
    const midge_json *given = midge_json_get(args, arg->name);
    *out = NULL;
    if (given && given->type != MIDGE_JSON_NULL) {
        *out = given;
        return check_value(arg, given, err);
    }
    if (arg->default_json) {
        return midge_json_read(arena, arg->default_json,
                               strlen(arg->default_json), out, err);
    }
    if (arg->required) {
        return midge_fail(err, MIDGE_E_INVALID, "%s is missing", arg->name);
    }
    return MIDGE_OK;
}

static midge_status refuse_unknown(const midge_op *op, const midge_json *args,
                                   midge_error *err) {
    if (!args || args->type != MIDGE_JSON_OBJECT) {
        return midge_fail(err, MIDGE_E_INVALID,
                          "the arguments of %s must be an object", op->name);
    }
    for (const midge_json *m = args->child; m; m = m->next) {
        if (!find_arg(op, m->key)) {
            return midge_fail(err, MIDGE_E_INVALID, "%s has no argument %s",
                              op->name, m->key);
        }
    }
    return MIDGE_OK;
}

static midge_json *copy_node(midge_arena *arena, const midge_json *value) {
    midge_json *copy = midge_arena_alloc(arena, sizeof *copy);
    if (copy) {
        *copy = *value;
        copy->next = NULL;
    }
    return copy;
}

midge_status midge_op_check(const midge_op *op, midge_arena *arena,
                            const midge_json *args, const midge_json **out,
                            midge_error *err) {
    *out = NULL;
    MIDGE_TRY(refuse_unknown(op, args, err));
    midge_json *whole = midge_arena_alloc(arena, sizeof *whole);
    if (!whole) {
        return midge_fail(err, MIDGE_E_NOMEM, "out of memory");
    }
    memset(whole, 0, sizeof *whole);
    whole->type = MIDGE_JSON_OBJECT;
    midge_json **tail = &whole->child;
    for (size_t i = 0; i < op->n_args; i++) {
        const midge_arg *arg = &op->args[i];
        const midge_json *value;
        MIDGE_TRY(resolve(arg, arena, args, &value, err));
        if (!value) {
            continue;
        }
        midge_json *member = copy_node(arena, value);
        if (!member) {
            return midge_fail(err, MIDGE_E_NOMEM, "out of memory");
        }
        member->key = arg->name;
        member->key_size = (uint32_t)strlen(arg->name);
        *tail = member;
        tail = &member->next;
        whole->count++;
    }
    *out = whole;
    return MIDGE_OK;
}

midge_status midge_op_run(const midge_op *op, const midge_env *env,
                          const midge_op_host *host, const char *args_json,
                          size_t size, midge_buf *result, midge_error *err) {
    if (!op || !op->run || !env || !host || !result) {
        return midge_fail(err, MIDGE_E_UNSUPPORTED,
                          "this operation cannot be run as a task");
    }
    midge_arena arena;
    midge_buf answer;
    midge_arena_init(&arena, env, ARGS_BYTES_MAX);
    midge_buf_init(&answer, env, 0);
    const midge_json *given;
    const midge_json *args;
    midge_status status = midge_json_read(&arena, args_json, size, &given, err);
    if (status == MIDGE_OK) {
        status = midge_op_check(op, &arena, given, &args, err);
    }
    if (status == MIDGE_OK) {
        status = op->run(env, host, args, &answer, err);
    }
    if (status == MIDGE_OK) {
        status = midge_buf_append(result, answer.data, answer.size);
    }
    midge_buf_deinit(&answer);
    midge_arena_deinit(&arena);
    return status;
}
