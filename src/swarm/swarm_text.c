/* swarm_text.c: the texts inside the state, and what texts may come in. */
#include <string.h>

#include "swarm/state.h"

/* An input or a result stands one level deep in its event. */
#define VALUE_DEPTH_MAX (MIDGE_JSON_DEPTH_MAX - 1)
#define CHECK_ARENA_MAX ((size_t)64 << 20)

midge_text mdg_text(const char *zero_terminated) {
    midge_text text = {zero_terminated, (uint32_t)strlen(zero_terminated)};
    return text;
}

int mdg_text_equal(midge_text a, midge_text b) {
    return a.size == b.size &&
           (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static midge_text part(const char *block, uint32_t start, uint32_t size) {
    midge_text text = {size == 0 ? "" : block + start, size};
    return text;
}

midge_text mdg_task_name(const mdg_task *task) {
    return part(task->text, 0, task->name_size);
}

midge_text mdg_task_kind(const mdg_task *task) {
    return part(task->text, task->name_size, task->kind_size);
}

midge_text mdg_task_input_text(const mdg_task *task) {
    return part(task->text, (uint32_t)task->name_size + task->kind_size,
                task->input_size);
}

midge_text mdg_agent_name(const mdg_agent *agent) {
    return part(agent->text, 0, agent->name_size);
}

midge_text mdg_agent_pattern(const mdg_agent *agent) {
    return part(agent->text, agent->name_size, agent->pattern_size);
}

midge_text mdg_run_name(const mdg_run *run) {
    return part(run->text, 0, run->name_size);
}

midge_text mdg_run_key(const mdg_run *run) {
    return part(run->text, run->name_size, run->key_size);
}

/* Bytes of the UTF-8 sequence at s (RFC 3629), 0 when it is none. */
static uint32_t utf8_length(const uint8_t *s, uint32_t left) {
    uint32_t n = s[0] < 0x80             ? 1
                 : (s[0] & 0xE0) == 0xC0 ? 2
                 : (s[0] & 0xF0) == 0xE0 ? 3
                 : (s[0] & 0xF8) == 0xF0 ? 4
                                         : 0;
    if (n <= 1 || n > left) {
        return n == 1 ? 1 : 0;
    }
    uint32_t code = s[0] & (0x7Fu >> n);
    for (uint32_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (s[i] & 0x3Fu);
    }
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    int surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < least[n] || code > 0x10FFFF || surrogate ? 0 : n;
}

static int is_utf8(midge_text text) {
    const uint8_t *s = (const uint8_t *)text.data;
    for (size_t i = 0; i < text.size;) {
        uint32_t n = utf8_length(s + i, (uint32_t)(text.size - i));
        if (n == 0) {
            return 0;
        }
        i += n;
    }
    return 1;
}

static midge_status check_text(midge_text text, uint32_t most, const char *what,
                               midge_error *err) {
    if (text.size > most) {
        return midge_fail(err, MIDGE_E_LIMIT, "%s has %zu bytes, at most %u",
                          what, text.size, most);
    }
    if (text.size > 0 && (text.data == NULL || !is_utf8(text))) {
        return midge_fail(err, MIDGE_E_INVALID, "%s is not UTF-8", what);
    }
    return MIDGE_OK;
}

midge_status mdg_check_name(midge_text text, uint32_t least, const char *what,
                            midge_error *err) {
    if (text.size < least) {
        return midge_fail(err, MIDGE_E_INVALID, "%s is empty", what);
    }
    return check_text(text, MIDGE_SWARM_NAME_MAX, what, err);
}

midge_status mdg_check_error_text(midge_text text, midge_error *err) {
    return check_text(text, MIDGE_SWARM_VALUE_MAX, "error text", err);
}

/* Deepest nesting of brackets outside strings; exact for valid JSON. */
static uint32_t json_depth(midge_text text) {
    uint32_t depth = 0;
    uint32_t deepest = 0;
    int in_string = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

midge_status mdg_check_json(const midge_env *env, midge_text text,
                            const char *what, midge_error *err) {
    if (text.size > MIDGE_SWARM_VALUE_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT, "%s has %zu bytes, at most %u",
                          what, text.size, MIDGE_SWARM_VALUE_MAX);
    }
    if (text.size == 4 && memcmp(text.data, "null", 4) == 0) {
        return MIDGE_OK;
    }
    if (json_depth(text) > VALUE_DEPTH_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT, "%s is nested too deeply", what);
    }
    midge_arena arena;
    const midge_json *value;
    midge_error why = {0};
    midge_arena_init(&arena, env, CHECK_ARENA_MAX);
    midge_status status =
        midge_json_read(&arena, text.data, text.size, &value, &why);
    midge_arena_deinit(&arena);
    if (status == MIDGE_OK || status == MIDGE_E_NOMEM) {
        return status;
    }
    return midge_fail(err, MIDGE_E_INVALID, "%s is not JSON: %s", what,
                      why.text);
}

static int is_json_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

midge_text mdg_trim_json(midge_text json) {
    while (json.size > 0 && is_json_blank(json.data[0])) {
        json.data++;
        json.size--;
    }
    while (json.size > 0 && is_json_blank(json.data[json.size - 1])) {
        json.size--;
    }
    return json;
}

void mdg_copy_json(char *out, midge_text json) {
    for (uint32_t i = 0; i < json.size; i++) {
        char c = json.data[i];
        out[i] = (uint8_t)c < 0x20 ? ' ' : c;
    }
}
