/* event_codec.c: events as lines of JSON, driven by the one table of fields
 * that is made from spec/events/. Every event has exactly its fields, in the
 * order of the table after "type"; unknown and missing ones are refused.
 *
 * An input or result is kept as the text it is: reading finds its span in the
 * line, so that no number changes its spelling on the way. */
#include <stddef.h>
#include <string.h>

#include "swarm/event_fields.h"
#include "swarm/state.h"

typedef enum field_kind {
    U32,
    I32,
    U64,
    I64,
    TEXT,
    JSON,
    U32S,
    TEXTS,
    RUN_STATE
} field_kind;

typedef struct field {
    const char *name;
    uint16_t offset; /* in midge_event */
    uint8_t kind;
} field;

static const field fields[] = {
#define FIELD(member, type) {#member, offsetof(midge_event, member), type},
    MDG_EVENT_FIELD_LIST(FIELD)
#undef FIELD
};
#define N_FIELDS ((uint32_t)(sizeof fields / sizeof fields[0]))

static const uint32_t masks[MIDGE_EVENT_TYPES] = {
#define MASK(name, bits) [MIDGE_EVENT_##name] = (bits),
    MDG_EVENT_MASK_LIST(MASK)
#undef MASK
};

const char *midge_event_name(midge_event_type type) {
    static const char *const names[MIDGE_EVENT_TYPES] = {
#define NAME(name, text) text,
        MIDGE_EVENT_LIST(NAME)
#undef NAME
    };
    return (unsigned)type < MIDGE_EVENT_TYPES ? names[type] : "unknown";
}

static void write_text(midge_json_writer *w, midge_text text) {
    midge_json_string_n(w, text.size ? text.data : "", text.size);
}

static void write_json(midge_json_writer *w, midge_text text) {
    size_t start = w->buf->size;
    midge_json_raw(w, text.size ? text.data : "null",
                   text.size ? text.size : 4);
    for (size_t i = start; i < w->buf->size; i++) {
        if ((uint8_t)w->buf->data[i] < 0x20) { /* see mdg_copy_json */
            w->buf->data[i] = ' ';
        }
    }
}

static void write_array(midge_json_writer *w, const midge_event *event,
                        field_kind kind) {
    midge_json_begin_array(w);
    if (kind == U32S) {
        for (uint32_t i = 0; i < event->n_deps; i++) {
            midge_json_int(w, event->deps[i]);
        }
    } else {
        for (uint32_t i = 0; i < event->n_capabilities; i++) {
            write_text(w, event->capabilities[i]);
        }
    }
    midge_json_end_array(w);
}

static void write_field(midge_json_writer *w, const midge_event *event,
                        const field *f) {
    const void *at = (const char *)event + f->offset;
    midge_json_key(w, f->name);
    switch ((field_kind)f->kind) {
    case U32:
        midge_json_int(w, *(const uint32_t *)at);
        break;
    case I32:
        midge_json_int(w, *(const int32_t *)at);
        break;
    case U64:
        midge_json_int(w, (int64_t)(*(const uint64_t *)at & INT64_MAX));
        break;
    case I64:
        midge_json_int(w, *(const int64_t *)at);
        break;
    case TEXT:
        write_text(w, *(const midge_text *)at);
        break;
    case JSON:
        write_json(w, *(const midge_text *)at);
        break;
    case RUN_STATE:
        midge_json_string(
            w, midge_run_state_name((midge_run_state) * (const int32_t *)at));
        break;
    default:
        write_array(w, event, (field_kind)f->kind);
        break;
    }
}

midge_status midge_event_write(const midge_event *event, midge_buf *out) {
    if (!event || !out || (unsigned)event->type >= MIDGE_EVENT_TYPES) {
        return MIDGE_E_INVALID;
    }
    midge_json_writer w;
    midge_json_writer_init(&w, out, 0);
    midge_json_begin_object(&w);
    midge_json_key(&w, "type");
    midge_json_string(&w, midge_event_name(event->type));
    for (uint32_t i = 0; i < N_FIELDS; i++) {
        if (masks[event->type] >> i & 1) {
            write_field(&w, event, &fields[i]);
        }
    }
    midge_json_end_object(&w);
    return midge_json_writer_end(&w);
}

/* A cursor over text that is known to be valid JSON. */
typedef struct scanner {
    const char *text;
    size_t size;
    size_t at;
} scanner;

static void skip_blank(scanner *s) {
    while (s->at < s->size && (uint8_t)s->text[s->at] <= 0x20) {
        s->at++;
    }
}

static void skip_string(scanner *s) {
    for (s->at++; s->at < s->size && s->text[s->at] != '"'; s->at++) {
        s->at += s->text[s->at] == '\\';
    }
    s->at++;
}

static int ends_scalar(char c) {
    return c == ',' || c == '}' || c == ']' || (uint8_t)c <= 0x20;
}

/* Moves past one value and returns its span. */
static midge_text skip_value(scanner *s) {
    skip_blank(s);
    size_t start = s->at;
    uint32_t depth = 0;
    while (s->at < s->size) {
        char c = s->text[s->at];
        if (c == '"') {
            skip_string(s);
        } else if (c == '{' || c == '[') {
            depth++;
            s->at++;
        } else if (depth > 0) {
            depth -= c == '}' || c == ']';
            s->at++;
        } else {
            while (s->at < s->size && !ends_scalar(s->text[s->at])) {
                s->at++;
            }
        }
        if (depth == 0) {
            break;
        }
    }
    midge_text span = {s->text + start, (uint32_t)(s->at - start)};
    return span;
}

/* Past the key and colon (or the opening brace before them). */
static midge_text next_member(scanner *s) {
    skip_blank(s);
    s->at++; /* { or , */
    skip_blank(s);
    skip_string(s);
    skip_blank(s);
    s->at++; /* : */
    return skip_value(s);
}

static const void *read_deps(midge_arena *arena, const midge_json *value) {
    uint32_t *deps = midge_arena_alloc(arena, value->count * sizeof *deps);
    uint32_t n = 0;
    for (const midge_json *v = value->child; deps && v; v = v->next) {
        int fits = v->type == MIDGE_JSON_INT && v->integer > 0 &&
                   v->integer <= UINT32_MAX;
        deps[n++] = fits ? (uint32_t)v->integer : 0; /* 0: refused by replay */
    }
    return deps;
}

static midge_text text_of(const midge_json *value) {
    midge_text text = {value->string, value->count};
    return text;
}

static const void *read_texts(midge_arena *arena, const midge_json *value) {
    midge_text *texts = midge_arena_alloc(arena, value->count * sizeof *texts);
    midge_text none = {"", 0};
    uint32_t n = 0;
    for (const midge_json *v = value->child; texts && v; v = v->next) {
        texts[n++] = v->type == MIDGE_JSON_STRING ? text_of(v) : none;
    }
    return texts;
}

static int read_run_state(const midge_json *value, int32_t *out) {
    for (int32_t s = MIDGE_RUN_ACTIVE; s <= MIDGE_RUN_CANCELLED; s++) {
        const char *name = midge_run_state_name((midge_run_state)s);
        if (value->type == MIDGE_JSON_STRING &&
            mdg_text_equal(text_of(value), mdg_text(name))) {
            *out = s;
            return 1;
        }
    }
    return 0;
}

static int read_number(const midge_json *value, field_kind kind, void *at) {
    int64_t x = value->integer;
    if (value->type != MIDGE_JSON_INT) {
        return 0;
    }
    if (kind == U32 && x >= 0 && x <= UINT32_MAX) {
        *(uint32_t *)at = (uint32_t)x;
    } else if (kind == I32 && x >= INT32_MIN && x <= INT32_MAX) {
        *(int32_t *)at = (int32_t)x;
    } else if (kind == U64 && x >= 0) {
        *(uint64_t *)at = (uint64_t)x;
    } else if (kind == I64) {
        *(int64_t *)at = x;
    } else {
        return 0;
    }
    return 1;
}

static midge_status read_array(midge_arena *arena, const midge_json *value,
                               field_kind kind, midge_event *out) {
    if (value->count == 0) {
        return MIDGE_OK;
    }
    const void *items =
        kind == U32S ? read_deps(arena, value) : read_texts(arena, value);
    if (kind == U32S) {
        out->deps = items;
        out->n_deps = value->count;
    } else {
        out->capabilities = items;
        out->n_capabilities = value->count;
    }
    return items ? MIDGE_OK : MIDGE_E_NOMEM;
}

static midge_status read_field(midge_arena *arena, const field *f,
                               const midge_json *value, midge_text span,
                               midge_event *out) {
    void *at = (char *)out + f->offset;
    int ok = 0;
    switch ((field_kind)f->kind) {
    case TEXT:
        ok = value->type == MIDGE_JSON_STRING;
        if (ok) {
            *(midge_text *)at = text_of(value);
        }
        break;
    case JSON: {
        midge_text copy = {midge_arena_copy(arena, span.data, span.size),
                           span.size};
        if (!copy.data) {
            return MIDGE_E_NOMEM;
        }
        *(midge_text *)at = copy;
        return MIDGE_OK;
    }
    case U32S:
    case TEXTS:
        if (value->type == MIDGE_JSON_ARRAY) {
            return read_array(arena, value, (field_kind)f->kind, out);
        }
        break;
    case RUN_STATE:
        ok = read_run_state(value, at);
        break;
    default:
        ok = read_number(value, (field_kind)f->kind, at);
        break;
    }
    return ok ? MIDGE_OK : MIDGE_E_PARSE;
}

static int read_type(const midge_json *object, midge_event_type *type) {
    const midge_json *value = midge_json_get(object, "type");
    for (int i = 0; value && i < MIDGE_EVENT_TYPES; i++) {
        const char *name = midge_event_name((midge_event_type)i);
        if (value->type == MIDGE_JSON_STRING &&
            mdg_text_equal(text_of(value), mdg_text(name))) {
            *type = (midge_event_type)i;
            return 1;
        }
    }
    return 0;
}

/* Position of the field among those of this event, or N_FIELDS. */
static uint32_t find_field(midge_event_type type, const midge_json *member) {
    midge_text key = {member->key, member->key_size};
    uint32_t i = 0;
    while (i < N_FIELDS && (!(masks[type] >> i & 1) ||
                            !mdg_text_equal(mdg_text(fields[i].name), key))) {
        i++;
    }
    return i;
}

static midge_status read_members(midge_arena *arena, const midge_json *object,
                                 scanner *s, midge_event *out,
                                 midge_error *err) {
    uint32_t missing = masks[out->type];
    for (const midge_json *m = object->child; m; m = m->next) {
        midge_text span = next_member(s);
        skip_blank(s);
        if (strcmp(m->key, "type") == 0) {
            continue;
        }
        uint32_t i = find_field(out->type, m);
        midge_status status = i == N_FIELDS
                                  ? MIDGE_E_PARSE
                                  : read_field(arena, &fields[i], m, span, out);
        if (status != MIDGE_OK) {
            return midge_fail(err, status, "field '%s' of %s", m->key,
                              midge_event_name(out->type));
        }
        missing &= ~((uint32_t)1 << i);
    }
    for (uint32_t i = 0; i < N_FIELDS; i++) {
        if (missing >> i & 1) {
            return midge_fail(err, MIDGE_E_PARSE, "%s lacks '%s'",
                              midge_event_name(out->type), fields[i].name);
        }
    }
    return MIDGE_OK;
}

midge_status midge_event_read(midge_arena *arena, const char *text, size_t size,
                              midge_event *out, midge_error *err) {
    const midge_json *object = NULL;
    if (!arena || !text || !out) {
        return MIDGE_E_INVALID;
    }
    memset(out, 0, sizeof *out);
    if (size > UINT32_MAX) {
        return midge_fail(err, MIDGE_E_LIMIT, "an event of 4 GiB");
    }
    MIDGE_TRY(midge_json_read(arena, text, size, &object, err));
    if (object->type != MIDGE_JSON_OBJECT || !read_type(object, &out->type)) {
        return midge_fail(err, MIDGE_E_PARSE, "not an event of a known type");
    }
    scanner s = {text, size, 0};
    return read_members(arena, object, &s, out, err);
}
