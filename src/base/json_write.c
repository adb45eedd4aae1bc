/* json_write.c: values straight into a buffer; has_items[depth] remembers
 * whether a comma is due and what may follow, after_key whether a value is.
 * Calls out of order set MIDGE_E_STATE; nothing is written after a failure. */
#include "midge/json.h"

#include <string.h>

#include "base/decimal.h"
#include "base/utf8.h"

/* Bits of has_items[depth]; depth 0 is around the root. */
enum { HAS_ITEMS = 1, IS_OBJECT = 2 };

static void fail(midge_json_writer *w, midge_status status) {
    if (w->status == MIDGE_OK) {
        w->status = status;
    }
}

static void put(midge_json_writer *w, const char *text, size_t size) {
    if (w->status == MIDGE_OK) {
        w->status = midge_buf_append(w->buf, text, size);
    }
}

static void new_line(midge_json_writer *w) {
    if (w->indent == 0) {
        return;
    }
    put(w, "\n", 1);
    for (unsigned i = 0; i < w->depth * w->indent; i++) {
        put(w, " ", 1);
    }
}

/* The comma and the new line before an item of the open bracket. */
static void separate(midge_json_writer *w) {
    if (w->has_items[w->depth] & HAS_ITEMS) {
        put(w, ",", 1);
    }
    w->has_items[w->depth] |= HAS_ITEMS;
    if (w->depth > 0) {
        new_line(w);
    }
}

/* Before every value. MIDGE_E_STATE when there is no place for one: in an
 * object without its key, or behind the root. */
static void begin_value(midge_json_writer *w) {
    int open = w->has_items[w->depth];
    if (w->after_key) {
        w->after_key = 0;
    } else if ((open & IS_OBJECT) || (w->depth == 0 && (open & HAS_ITEMS))) {
        fail(w, MIDGE_E_STATE);
    } else {
        separate(w);
    }
}

static void open_bracket(midge_json_writer *w, const char *bracket, int kind) {
    begin_value(w);
    put(w, bracket, 1);
    if (w->depth >= MIDGE_JSON_DEPTH_MAX) {
        fail(w, MIDGE_E_LIMIT);
        return;
    }
    w->has_items[++w->depth] = (uint8_t)kind;
}

static void close_bracket(midge_json_writer *w, const char *bracket, int kind) {
    int open = w->has_items[w->depth];
    if (w->depth == 0 || w->after_key || (open & IS_OBJECT) != kind) {
        fail(w, MIDGE_E_STATE);
        return;
    }
    w->depth--;
    if (open & HAS_ITEMS) {
        new_line(w);
    }
    put(w, bracket, 1);
}

void midge_json_writer_init(midge_json_writer *w, midge_buf *buf,
                            unsigned indent) {
    memset(w, 0, sizeof *w);
    w->buf = buf;
    w->indent = indent;
}

void midge_json_begin_object(midge_json_writer *w) {
    open_bracket(w, "{", IS_OBJECT);
}
void midge_json_end_object(midge_json_writer *w) {
    close_bracket(w, "}", IS_OBJECT);
}
void midge_json_begin_array(midge_json_writer *w) {
    open_bracket(w, "[", 0);
}
void midge_json_end_array(midge_json_writer *w) {
    close_bracket(w, "]", 0);
}

static void put_escaped(midge_json_writer *w, unsigned char c) {
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    for (size_t i = 0; i < sizeof plain - 1; i++) {
        if (c == (unsigned char)plain[i]) {
            char pair[2] = {'\\', letters[i]};
            put(w, pair, 2);
            return;
        }
    }
    char code[6] = {'\\',
                    'u',
                    '0',
                    '0',
                    "0123456789abcdef"[c >> 4],
                    "0123456789abcdef"[c & 15]};
    put(w, code, sizeof code);
}

static void put_string(midge_json_writer *w, const char *text, size_t size) {
    size_t from = 0;
    put(w, "\"", 1);
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char)text[i];
        size_t whole = c < 0x80 ? 1 : mdg_utf8_size(text + i, size - i);
        if (whole == 0 || c < 0x20 || c == '"' || c == '\\') {
            put(w, text + from, i - from);
            whole == 0 ? put(w, "\xEF\xBF\xBD", 3) : put_escaped(w, c);
            whole = 1;
            from = i + 1;
        }
        i += whole;
    }
    put(w, text + from, size - from);
    put(w, "\"", 1);
}

static void put_key(midge_json_writer *w, const char *key, size_t size) {
    if (w->after_key || !(w->has_items[w->depth] & IS_OBJECT)) {
        fail(w, MIDGE_E_STATE);
        return;
    }
    separate(w);
    put_string(w, key, size);
    put(w, ": ", w->indent ? 2 : 1);
    w->after_key = 1;
}

void midge_json_key(midge_json_writer *w, const char *key) {
    put_key(w, key, strlen(key));
}

void midge_json_key_n(midge_json_writer *w, const char *key, size_t size) {
    put_key(w, key, size);
}

void midge_json_string_n(midge_json_writer *w, const char *text, size_t size) {
    begin_value(w);
    put_string(w, text, size);
}

void midge_json_string(midge_json_writer *w, const char *text) {
    midge_json_string_n(w, text, strlen(text));
}

void midge_json_raw(midge_json_writer *w, const char *text, size_t size) {
    begin_value(w);
    put(w, text, size);
}

void midge_json_null(midge_json_writer *w) {
    midge_json_raw(w, "null", 4);
}

void midge_json_bool(midge_json_writer *w, int value) {
    midge_json_raw(w, value ? "true" : "false", value ? 4 : 5);
}

void midge_json_int(midge_json_writer *w, int64_t value) {
    char digits[MDG_DECIMAL_MAX];
    midge_json_raw(w, digits, mdg_decimal_write_i64(value, digits));
}

void midge_json_double(midge_json_writer *w, double value) {
    char digits[MDG_DECIMAL_MAX];
    if (value - value != 0.0) { /* NaN or infinite */
        midge_json_null(w);
        return;
    }
    midge_json_raw(w, digits, mdg_decimal_write_f64(value, digits));
}

void midge_json_float(midge_json_writer *w, float value) {
    char digits[MDG_DECIMAL_MAX];
    if (value - value != 0.0f) {
        midge_json_null(w);
        return;
    }
    midge_json_raw(w, digits, mdg_decimal_write_f32(value, digits));
}

static void put_children(midge_json_writer *w, const midge_json *parent) {
    for (const midge_json *m = parent->child; m; m = m->next) {
        if (m->key) {
            put_key(w, m->key, m->key_size);
        }
        midge_json_value(w, m);
    }
}

void midge_json_value(midge_json_writer *w, const midge_json *value) {
    switch (value->type) {
    case MIDGE_JSON_NULL:
        midge_json_null(w);
        break;
    case MIDGE_JSON_BOOL:
        midge_json_bool(w, value->integer != 0);
        break;
    case MIDGE_JSON_INT:
        midge_json_int(w, value->integer);
        break;
    case MIDGE_JSON_DOUBLE:
        midge_json_double(w, value->number);
        break;
    case MIDGE_JSON_STRING:
        midge_json_string_n(w, value->string, value->count);
        break;
    case MIDGE_JSON_ARRAY:
        midge_json_begin_array(w);
        put_children(w, value);
        midge_json_end_array(w);
        break;
    case MIDGE_JSON_OBJECT:
        midge_json_begin_object(w);
        put_children(w, value);
        midge_json_end_object(w);
        break;
    }
}

midge_status midge_json_writer_end(midge_json_writer *w) {
    if (w->depth != 0 || w->after_key) {
        fail(w, MIDGE_E_STATE);
    }
    return w->status;
}
