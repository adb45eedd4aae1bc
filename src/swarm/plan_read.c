/* plan_read.c: a plan as JSON becomes a SUBMIT command. Tasks may stand in any
 * order; they are sorted so that each comes after what it waits for, and stay
 * in the plan's order where that already holds. Depth first with a stack of our
 * own: a plan may be a chain of many thousand tasks. */
#include <string.h>

#include "base/map.h"
#include "swarm/state.h"

typedef struct reader {
    midge_arena *arena;
    midge_error *err;
    const midge_json **items; /* the tasks, as they stand in the plan */
    uint32_t n;
    mdg_name_index names;
    uint32_t *order;   /* position in the submission -> in the plan */
    uint32_t *place;   /* position in the plan -> in the submission, plus 1 */
    uint8_t *on_stack; /* by position in the plan */
    uint32_t *stack;
    const midge_json **next_dep; /* by depth: the name to look at next */
    uint32_t n_placed;
} reader;

static midge_text text_of(const midge_json *value) {
    midge_text text = {value ? value->string : "", value ? value->count : 0};
    return text;
}

static midge_text name_of(const reader *r, uint32_t at) {
    return text_of(midge_json_get(r->items[at], "name"));
}

static midge_status refuse(const reader *r, uint32_t at, const char *why) {
    midge_text name = name_of(r, at);
    return midge_fail(r->err, MIDGE_E_INVALID, "task %u ('%.*s'): %s", at + 1,
                      (int)name.size, name.data, why);
}

/* Position plus 1 of the task with this name, 0 when there is none. */
static uint32_t find_name(const reader *r, midge_text name) {
    uint32_t hash = mdg_hash_bytes(0, name.data, name.size);
    uint32_t cursor = 0;
    uint32_t at;
    while ((at = mdg_name_index_next(&r->names, hash, &cursor))) {
        if (mdg_text_equal(name_of(r, at - 1), name)) {
            break;
        }
    }
    return at;
}

static int is_strings(const midge_json *value) {
    const midge_json *v = value ? value->child : NULL;
    while (v && v->type == MIDGE_JSON_STRING) {
        v = v->next;
    }
    return !value || (value->type == MIDGE_JSON_ARRAY && !v);
}

static int is_integer(const midge_json *value, int64_t least, int64_t most) {
    return value->type == MIDGE_JSON_INT && value->integer >= least &&
           value->integer <= most;
}

/* One member of a task: NULL, or what is wrong with it. */
static const char *check_member(const midge_json *m) {
    if (strcmp(m->key, "name") == 0 || strcmp(m->key, "kind") == 0) {
        return m->type == MIDGE_JSON_STRING ? NULL : "name or kind is no text";
    }
    if (strcmp(m->key, "after") == 0 || strcmp(m->key, "requires") == 0) {
        return is_strings(m) ? NULL : "after or requires is no list of texts";
    }
    if (strcmp(m->key, "priority") == 0) {
        return is_integer(m, INT32_MIN, INT32_MAX) ? NULL : "bad priority";
    }
    if (strcmp(m->key, "max_attempts") == 0) {
        return is_integer(m, 0, MDG_ATTEMPTS_MAX) ? NULL : "bad max_attempts";
    }
    if (strcmp(m->key, "backoff_ms") == 0) {
        return is_integer(m, 0, INT64_MAX) ? NULL : "bad backoff_ms";
    }
    return strcmp(m->key, "input") == 0 ? NULL : "unknown field";
}

static midge_status check_item(reader *r, uint32_t at) {
    const midge_json *item = r->items[at];
    if (item->type != MIDGE_JSON_OBJECT || name_of(r, at).size == 0 ||
        text_of(midge_json_get(item, "kind")).size == 0) {
        return midge_fail(r->err, MIDGE_E_INVALID,
                          "task %u needs a \"name\" and a \"kind\"", at + 1);
    }
    for (const midge_json *m = item->child; m; m = m->next) {
        const char *why = check_member(m);
        if (why) {
            midge_text name = name_of(r, at);
            return midge_fail(r->err, MIDGE_E_INVALID, "task '%.*s', '%s': %s",
                              (int)name.size, name.data, m->key, why);
        }
    }
    midge_text name = name_of(r, at);
    if (find_name(r, name) != 0) {
        return refuse(r, at, "the name appears twice");
    }
    mdg_name_index_put(&r->names, mdg_hash_bytes(0, name.data, name.size),
                       at + 1);
    return MIDGE_OK;
}

/* "a -> b -> a", from the stack; the top waits for `again`. */
static midge_status fail_cycle(const reader *r, uint32_t depth,
                               uint32_t again) {
    char path[160];
    size_t used = 0;
    uint32_t from = 0;
    while (r->stack[from] != again) {
        from++;
    }
    for (uint32_t i = from; i <= depth; i++) {
        uint32_t at = i < depth ? r->stack[i] : again;
        midge_text name = name_of(r, at);
        if (used + name.size + 10 > sizeof path) {
            memcpy(path + used, "...", 3);
            used += 3;
            break;
        }
        memcpy(path + used, name.data, name.size);
        used += name.size;
        if (i < depth) {
            memcpy(path + used, " -> ", 4);
            used += 4;
        }
    }
    return midge_fail(r->err, MIDGE_E_INVALID,
                      "the tasks wait for each other in a cycle: %.*s",
                      (int)used, path);
}

static const midge_json *first_dep(const reader *r, uint32_t at) {
    const midge_json *after = midge_json_get(r->items[at], "after");
    return after ? after->child : NULL;
}

/* Places `root` after everything it waits for. */
static midge_status place(reader *r, uint32_t root) {
    uint32_t depth = 0;
    r->stack[depth] = root;
    r->next_dep[depth++] = first_dep(r, root);
    r->on_stack[root] = 1;
    while (depth > 0) {
        uint32_t at = r->stack[depth - 1];
        const midge_json *dep = r->next_dep[depth - 1];
        if (!dep) {
            r->order[r->n_placed++] = at;
            r->place[at] = r->n_placed;
            r->on_stack[at] = 0;
            depth--;
            continue;
        }
        r->next_dep[depth - 1] = dep->next;
        uint32_t found = find_name(r, text_of(dep));
        if (found == 0) {
            midge_text name = name_of(r, at);
            return midge_fail(r->err, MIDGE_E_INVALID,
                              "task '%.*s' waits for '%s', which is no task",
                              (int)name.size, name.data, dep->string);
        }
        uint32_t next = found - 1;
        if (r->on_stack[next]) {
            return fail_cycle(r, depth, next);
        }
        if (r->place[next] == 0) {
            r->on_stack[next] = 1;
            r->stack[depth] = next;
            r->next_dep[depth++] = first_dep(r, next);
        }
    }
    return MIDGE_OK;
}

static midge_status read_names(reader *r, const midge_json *list,
                               const midge_text **out, uint32_t *count) {
    *count = list ? list->count : 0;
    midge_text *texts = midge_arena_alloc(r->arena, *count * sizeof *texts + 1);
    if (!texts) {
        return MIDGE_E_NOMEM;
    }
    uint32_t n = 0;
    for (const midge_json *v = list ? list->child : NULL; v; v = v->next) {
        texts[n++] = text_of(v);
    }
    *out = texts;
    return MIDGE_OK;
}

static midge_status read_deps(reader *r, const midge_json *after,
                              midge_task_spec *spec) {
    spec->n_deps = after ? after->count : 0;
    uint32_t *deps =
        midge_arena_alloc(r->arena, spec->n_deps * sizeof *deps + 1);
    if (!deps) {
        return MIDGE_E_NOMEM;
    }
    uint32_t n = 0;
    for (const midge_json *v = after ? after->child : NULL; v; v = v->next) {
        deps[n++] = r->place[find_name(r, text_of(v)) - 1] - 1;
    }
    spec->deps = deps;
    return MIDGE_OK;
}

/* The input as compact text. */
static midge_status read_input(reader *r, const midge_json *input,
                               midge_text *out) {
    midge_buf buf;
    midge_json_writer writer;
    if (!input) {
        return MIDGE_OK;
    }
    midge_buf_init(&buf, r->arena->env, MIDGE_SWARM_VALUE_MAX);
    midge_json_writer_init(&writer, &buf, 0);
    midge_json_value(&writer, input);
    midge_status status = midge_json_writer_end(&writer);
    if (status == MIDGE_OK) {
        out->data = midge_arena_copy(r->arena, buf.data, buf.size);
        out->size = (uint32_t)buf.size;
        status = out->data ? MIDGE_OK : MIDGE_E_NOMEM;
    }
    midge_buf_deinit(&buf);
    return status;
}

static midge_status read_task(reader *r, const midge_json *item,
                              midge_task_spec *spec) {
    memset(spec, 0, sizeof *spec);
    spec->name = text_of(midge_json_get(item, "name"));
    spec->kind = text_of(midge_json_get(item, "kind"));
    spec->priority = (int32_t)midge_json_get_int(item, "priority", 0);
    spec->max_attempts = (uint32_t)midge_json_get_int(item, "max_attempts", 0);
    spec->backoff_ms = midge_json_get_int(item, "backoff_ms", 0);
    MIDGE_TRY(read_input(r, midge_json_get(item, "input"), &spec->input));
    MIDGE_TRY(read_deps(r, midge_json_get(item, "after"), spec));
    return read_names(r, midge_json_get(item, "requires"), &spec->capabilities,
                      &spec->n_capabilities);
}

static midge_status take_arrays(reader *r) {
    size_t n = (size_t)r->n + 1;
    r->items = midge_arena_alloc(r->arena, n * sizeof *r->items);
    r->order = midge_arena_alloc(r->arena, n * sizeof *r->order);
    r->place = midge_arena_alloc(r->arena, n * sizeof *r->place);
    r->on_stack = midge_arena_alloc(r->arena, n);
    r->stack = midge_arena_alloc(r->arena, n * sizeof *r->stack);
    r->next_dep = midge_arena_alloc(r->arena, n * sizeof *r->next_dep);
    if (!r->items || !r->order || !r->place || !r->on_stack || !r->stack ||
        !r->next_dep) {
        return MIDGE_E_NOMEM;
    }
    memset(r->place, 0, n * sizeof *r->place);
    memset(r->on_stack, 0, n);
    return mdg_name_index_reserve(&r->names, r->arena->env, r->n);
}

static midge_status read_tasks(reader *r, const midge_json *tasks,
                               midge_command *out) {
    r->n = tasks->count;
    if (r->n > MIDGE_SWARM_TASKS_MAX) {
        return midge_fail(r->err, MIDGE_E_LIMIT, "more than %u tasks",
                          MIDGE_SWARM_TASKS_MAX);
    }
    MIDGE_TRY(take_arrays(r));
    uint32_t n = 0;
    for (const midge_json *v = tasks->child; v; v = v->next) {
        r->items[n++] = v;
        MIDGE_TRY(check_item(r, n - 1));
    }
    midge_task_spec *specs =
        midge_arena_alloc(r->arena, ((size_t)n + 1) * sizeof *specs);
    if (!specs) {
        return MIDGE_E_NOMEM;
    }
    for (uint32_t at = 0; at < n; at++) {
        if (r->place[at] == 0) {
            MIDGE_TRY(place(r, at));
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        midge_status status = read_task(r, r->items[r->order[i]], &specs[i]);
        if (status != MIDGE_OK) {
            return status == MIDGE_E_NOMEM
                       ? status
                       : refuse(r, r->order[i], "the input is too large");
        }
    }
    out->tasks = specs;
    out->n_tasks = n;
    return MIDGE_OK;
}

static midge_status check_plan(const midge_json *plan, midge_error *err) {
    if (plan->type != MIDGE_JSON_OBJECT) {
        return midge_fail(err, MIDGE_E_INVALID, "a plan is a JSON object");
    }
    for (const midge_json *m = plan->child; m; m = m->next) {
        int is_text = strcmp(m->key, "name") == 0 || strcmp(m->key, "key") == 0;
        int is_tasks = strcmp(m->key, "tasks") == 0;
        if ((is_text && m->type != MIDGE_JSON_STRING) ||
            (is_tasks && m->type != MIDGE_JSON_ARRAY) ||
            (!is_text && !is_tasks)) {
            return midge_fail(err, MIDGE_E_INVALID,
                              "a plan has \"name\", \"key\" (texts) and "
                              "\"tasks\" (a list); what is '%s'?",
                              m->key);
        }
    }
    const midge_json *tasks = midge_json_get(plan, "tasks");
    if (!tasks || tasks->count == 0) {
        return midge_fail(err, MIDGE_E_INVALID, "the plan has no tasks");
    }
    return MIDGE_OK;
}

midge_status midge_plan_read(midge_arena *arena, const char *text, size_t size,
                             midge_command *out, midge_error *err) {
    const midge_json *plan = NULL;
    if (!arena || !text || !out) {
        return MIDGE_E_INVALID;
    }
    memset(out, 0, sizeof *out);
    MIDGE_TRY(midge_json_read(arena, text, size, &plan, err));
    MIDGE_TRY(check_plan(plan, err));
    reader r = {.arena = arena, .err = err};
    midge_status status = read_tasks(&r, midge_json_get(plan, "tasks"), out);
    mdg_name_index_release(&r.names, arena->env);
    if (status != MIDGE_OK) {
        memset(out, 0, sizeof *out);
        return status == MIDGE_E_NOMEM
                   ? midge_fail(err, status, "no memory for the plan")
                   : status;
    }
    out->type = MIDGE_COMMAND_SUBMIT;
    out->name = text_of(midge_json_get(plan, "name"));
    out->key = text_of(midge_json_get(plan, "key"));
    return MIDGE_OK;
}
