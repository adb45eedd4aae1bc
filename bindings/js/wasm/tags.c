/* tags.c: metadata between JavaScript and the core (tags.h). */
#include "tags.h"

#include <string.h>

typedef struct source {
    midge_arena *arena;
    const uint8_t *at;
    int failed;
} source;

/* ---- Reading ------------------------------------------------------------- */

static void take(source *s, void *to, size_t size) {
    memcpy(to, s->at, size);
    s->at += size;
}

static const char *take_text(source *s, uint32_t *size) {
    take(s, size, sizeof *size);
    const char *text = midge_arena_copy(s->arena, (const char *)s->at, *size);
    s->at += *size;
    s->failed |= !text;
    return text;
}

static midge_json *read_value(source *s);

/* Of a list, until its last letter. */
static void read_members(source *s, midge_json *list, uint8_t last) {
    midge_json **link = &list->child;
    while (!s->failed && *s->at != last) {
        const char *key = NULL;
        uint32_t size = 0;
        if (last == '}') {
            key = take_text(s, &size);
        }
        midge_json *value = read_value(s);
        if (value) {
            value->key = key;
            value->key_size = size;
            *link = value;
            link = &value->next;
            list->count++;
        }
    }
    s->at++;
}

static void read_scalar(source *s, midge_json *value, uint8_t tag) {
    if (tag == 't' || tag == 'f') {
        value->type = MIDGE_JSON_BOOL;
        value->integer = tag == 't';
    } else if (tag == 'i') {
        value->type = MIDGE_JSON_INT;
        take(s, &value->integer, sizeof value->integer);
        value->number = (double)value->integer;
    } else if (tag == 'd') {
        value->type = MIDGE_JSON_DOUBLE;
        take(s, &value->number, sizeof value->number);
    } else if (tag == 's') {
        value->type = MIDGE_JSON_STRING;
        value->string = take_text(s, &value->count);
    }
}

static midge_json *read_value(source *s) {
    midge_json *value = midge_arena_alloc(s->arena, sizeof *value);
    if (!value) {
        s->failed = 1;
        return NULL;
    }
    const uint8_t tag = *s->at++;
    *value = (midge_json){.type = MIDGE_JSON_NULL};
    if (tag == '{' || tag == '[') {
        value->type = tag == '{' ? MIDGE_JSON_OBJECT : MIDGE_JSON_ARRAY;
        read_members(s, value, (uint8_t)(tag + 2)); /* in ASCII */
    } else {
        read_scalar(s, value, tag);
    }
    return value;
}

const midge_json **tags_read(midge_arena *arena, const uint8_t *bytes,
                             size_t count) {
    source s = {.arena = arena, .at = bytes};
    const midge_json **list = midge_arena_alloc(arena, count * sizeof *list);
    for (size_t i = 0; list && i < count && !s.failed; i++) {
        const midge_json *value = read_value(&s);
        list[i] = value && value->type != MIDGE_JSON_NULL ? value : NULL;
    }
    return s.failed ? NULL : list;
}

/* ---- Writing ------------------------------------------------------------- */

static void put(midge_json_writer *w, char tag, const void *bytes,
                size_t size) {
    (void)midge_buf_append(w->buf, &tag, 1);
    (void)midge_buf_append(w->buf, bytes, size);
}

static void put_text(midge_json_writer *w, const char *text, size_t size) {
    const uint32_t count = (uint32_t)size;
    (void)midge_buf_append(w->buf, &count, sizeof count);
    (void)midge_buf_append(w->buf, text, size);
}

void midge_json_writer_init(midge_json_writer *w, midge_buf *buf,
                            unsigned indent) {
    (void)indent;
    w->buf = buf;
    w->status = MIDGE_OK;
}

void midge_json_begin_object(midge_json_writer *w) {
    put(w, '{', NULL, 0);
}

void midge_json_end_object(midge_json_writer *w) {
    put(w, '}', NULL, 0);
}

void midge_json_begin_array(midge_json_writer *w) {
    put(w, '[', NULL, 0);
}

void midge_json_end_array(midge_json_writer *w) {
    put(w, ']', NULL, 0);
}

void midge_json_key(midge_json_writer *w, const char *key) {
    put_text(w, key, strlen(key));
}

void midge_json_string_n(midge_json_writer *w, const char *text, size_t size) {
    put(w, 's', NULL, 0);
    put_text(w, text, size);
}

void midge_json_int(midge_json_writer *w, int64_t value) {
    put(w, 'i', &value, sizeof value);
}

void midge_json_double(midge_json_writer *w, double value) {
    put(w, 'd', &value, sizeof value);
}

void midge_json_bool(midge_json_writer *w, int value) {
    put(w, value ? 't' : 'f', NULL, 0);
}
