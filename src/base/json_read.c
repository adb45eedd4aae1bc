/* json_read.c: one pass of recursive descent, no allocation but the arena's.
 *
 * Invariants: 1. the root is handed out only when all below it is complete;
 * 2. strings are valid UTF-8 without unpaired surrogates; 3. the keys of a
 * complete object are distinct: its members are sorted by key (heap sort: no
 * worst case that a writer of documents could aim at, as a hash has, and no
 * memory but one array of pointers) and neighbours are compared.
 */
#include "midge/json.h"

#include <string.h>

#include "base/decimal.h"
#include "base/utf8.h"

/* Members of an object that are sorted on the stack and not in the arena. */
#define FEW_MEMBERS 16u

typedef struct parser {
    midge_arena *arena;
    const char *text;
    size_t size;
    size_t at;
    midge_error *err;
} parser;

/* A member of an object: the node that is handed out, and where its key is. */
typedef struct member {
    midge_json value;
    size_t key_at;
} member;

static midge_status read_value(parser *p, unsigned depth, midge_json *out);

static midge_status fail_at(parser *p, size_t offset, const char *what) {
    int64_t line = 1;
    int64_t column = 1;
    for (size_t i = 0; i < offset && i < p->size; i++) {
        column++;
        if (p->text[i] == '\n') {
            line++;
            column = 1;
        }
    }
    midge_status status =
        midge_fail(p->err, MIDGE_E_PARSE, "JSON, line %lld column %lld: %s",
                   (long long)line, (long long)column, what);
    if (p->err) {
        p->err->offset = (int64_t)offset;
        p->err->line = line;
        p->err->column = column;
    }
    return status;
}

static midge_status fail_here(parser *p, const char *what) {
    return fail_at(p, p->at,
                   p->at == p->size ? "the text ends too early" : what);
}

static midge_status no_memory(parser *p) {
    return midge_fail(p->err, MIDGE_E_NOMEM, "JSON: out of memory");
}

static int peek(const parser *p) {
    return p->at < p->size ? (unsigned char)p->text[p->at] : -1;
}

static void skip_space(parser *p) {
    while (p->at < p->size) {
        char c = p->text[p->at];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
            return;
        }
        p->at++;
    }
}

static size_t utf8_put(char *out, uint32_t code) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)(lead[size] | code);
    return size;
}

/* Four hex digits; -1 when they are not. */
static int32_t read_hex4(parser *p) {
    int32_t value = 0;
    if (p->size - p->at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        char c = p->text[p->at + (size_t)i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    p->at += 4;
    return value;
}

/* What follows \u: one code point, of two escapes for a surrogate pair. */
static midge_status read_unicode(parser *p, char *out, size_t *size) {
    size_t start = p->at;
    int32_t code = read_hex4(p);
    if (code < 0) {
        return fail_at(p, start, "\\u wants four hexadecimal digits");
    }
    if (code >= 0xDC00 && code <= 0xDFFF) {
        return fail_at(p, start, "a low surrogate without a high one");
    }
    if (code >= 0xD800 && code <= 0xDBFF) {
        int32_t low = -1;
        if (p->size - p->at >= 2 && p->text[p->at] == '\\' &&
            p->text[p->at + 1] == 'u') {
            p->at += 2;
            low = read_hex4(p);
        }
        if (low < 0xDC00 || low > 0xDFFF) {
            return fail_at(p, start, "a high surrogate without a low one");
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    *size = utf8_put(out, (uint32_t)code);
    return MIDGE_OK;
}

static midge_status read_escape(parser *p, char *out, size_t *size) {
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    int c = peek(p);
    if (c == 'u') {
        p->at++;
        return read_unicode(p, out, size);
    }
    for (size_t i = 0; i < sizeof from - 1; i++) {
        if (c == from[i]) {
            *out = to[i];
            *size = 1;
            p->at++;
            return MIDGE_OK;
        }
    }
    return fail_here(p, "unknown escape in a string");
}

/* Where the string that starts at p->at (behind its quote) ends, or where the
 * text does; decoding never makes a string longer. */
static size_t string_bound(const parser *p) {
    size_t end = p->at;
    while (end < p->size && p->text[end] != '"') {
        end += p->text[end] == '\\' && end + 1 < p->size ? 2 : 1;
    }
    return end < p->size ? end : p->size;
}

/* Reads a string behind its opening quote. */
static midge_status read_string(parser *p, const char **out, uint32_t *size) {
    size_t bound = string_bound(p);
    if (bound - p->at >= UINT32_MAX) {
        return fail_here(p, "a string is longer than 4 GiB");
    }
    char *copy = midge_arena_alloc(p->arena, bound - p->at + 1);
    if (!copy) {
        return no_memory(p);
    }
    size_t used = 0;
    while (peek(p) != '"') {
        size_t step = 1;
        if (p->at == p->size) {
            return fail_here(p, "");
        }
        unsigned char c = (unsigned char)p->text[p->at];
        if (c == '\\') {
            p->at++;
            MIDGE_TRY(read_escape(p, copy + used, &step));
        } else if (c < 0x20) {
            return fail_here(p, "a control character inside a string");
        } else {
            step = mdg_utf8_size(p->text + p->at, p->size - p->at);
            if (step == 0) {
                return fail_here(p, "bytes that are not UTF-8");
            }
            memcpy(copy + used, p->text + p->at, step);
            p->at += step;
        }
        used += step;
    }
    p->at++;
    copy[used] = '\0';
    *out = copy;
    *size = (uint32_t)used;
    return MIDGE_OK;
}

/* An integer from INT64_MIN to INT64_MAX; 0 when it is anything else. */
static int read_integer(const char *text, size_t size, int64_t *out) {
    size_t negative = text[0] == '-';
    uint64_t value = 0;
    if (size - negative > 19) {
        return 0;
    }
    for (size_t at = negative; at < size; at++) {
        if (text[at] < '0' || text[at] > '9') {
            return 0;
        }
        value = value * 10 + (uint64_t)(text[at] - '0');
    }
    if (value > (uint64_t)INT64_MAX + negative || (negative && value == 0)) {
        return 0; /* -0 is a double */
    }
    *out = negative ? -(int64_t)(value - 1) - 1 : (int64_t)value;
    return 1;
}

static int is_number_char(char c) {
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' ||
           c == 'e' || c == 'E';
}

static midge_status read_number(parser *p, midge_json *out) {
    size_t start = p->at;
    size_t end = start;
    while (end < p->size && is_number_char(p->text[end])) {
        end++;
    }
    if (!mdg_decimal_read(p->text + start, end - start, &out->number)) {
        return fail_here(p, "not a number, or one too large for a double");
    }
    out->type = MIDGE_JSON_DOUBLE;
    if (read_integer(p->text + start, end - start, &out->integer)) {
        out->type = MIDGE_JSON_INT;
    }
    p->at = end;
    return MIDGE_OK;
}

static midge_status read_word(parser *p, const char *word, midge_json_type type,
                              midge_json *out) {
    size_t size = strlen(word);
    if (p->size - p->at < size || memcmp(p->text + p->at, word, size) != 0) {
        return fail_here(p, "expected a value");
    }
    p->at += size;
    out->type = type;
    out->integer = word[0] == 't';
    return MIDGE_OK;
}

/* `child` is fresh memory (or NULL without any) for a midge_json. */
static midge_json *append_child(midge_json *parent, midge_json *child,
                                midge_json **last) {
    if (!child) {
        return NULL;
    }
    memset(child, 0, sizeof *child);
    if (*last) {
        (*last)->next = child;
    } else {
        parent->child = child;
    }
    *last = child;
    parent->count++;
    return child;
}

/* Behind an element: 1 when another follows, 0 at the closing bracket. */
static midge_status read_separator(parser *p, char close, int *more) {
    skip_space(p);
    int c = peek(p);
    if (c != ',' && c != close) {
        return fail_here(p,
                         close == ']' ? "expected , or ]" : "expected , or }");
    }
    p->at++;
    *more = c == ',';
    return MIDGE_OK;
}

static midge_status read_array(parser *p, unsigned depth, midge_json *out) {
    midge_json *last = NULL;
    int more = 1;
    out->type = MIDGE_JSON_ARRAY;
    p->at++;
    skip_space(p);
    if (peek(p) == ']') {
        p->at++;
        return MIDGE_OK;
    }
    while (more) {
        midge_json *child = midge_arena_alloc(p->arena, sizeof *child);
        if (!append_child(out, child, &last)) {
            return no_memory(p);
        }
        MIDGE_TRY(read_value(p, depth + 1, child));
        MIDGE_TRY(read_separator(p, ']', &more));
    }
    return MIDGE_OK;
}

static int compare_keys(const midge_json *a, const midge_json *b) {
    if (a->key_size != b->key_size) {
        return a->key_size < b->key_size ? -1 : 1;
    }
    return memcmp(a->key, b->key, a->key_size);
}

/* The order of sorting: by key, and equal keys as they stand in the text. */
static int comes_before(const member *a, const member *b) {
    int order = compare_keys(&a->value, &b->value);
    return order != 0 ? order < 0 : a->key_at < b->key_at;
}

/* Lets the member at `root` of a heap of `count` sink to its place. */
static void sift_down(const member **heap, size_t root, size_t count) {
    const member *sinking = heap[root];
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && comes_before(heap[child], heap[child + 1])) {
            child++;
        }
        if (!comes_before(sinking, heap[child])) {
            break;
        }
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = sinking;
}

static void sort_members(const member **members, size_t count) {
    for (size_t root = count / 2; root > 0; root--) {
        sift_down(members, root - 1, count);
    }
    for (size_t left = count; left > 1; left--) {
        const member *largest = members[0];
        members[0] = members[left - 1];
        members[left - 1] = largest;
        sift_down(members, 0, left - 1);
    }
}

/* Refuses a complete object in which a key stands twice; the error tells the
 * first place where one stands again. */
static midge_status check_keys(parser *p, const midge_json *object) {
    const member *few[FEW_MEMBERS];
    const member **members = few;
    const member *again = NULL;
    size_t count = 0;
    if (object->count > FEW_MEMBERS) {
        /* Cannot overflow: each member took more than this of memory. */
        members = midge_arena_alloc(p->arena, object->count * sizeof *members);
        if (!members) {
            return no_memory(p);
        }
    }
    for (const midge_json *m = object->child; m; m = m->next) {
        members[count++] = (const member *)m;
    }
    sort_members(members, count);
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(&members[i - 1]->value, &members[i]->value) == 0 &&
            (!again || members[i]->key_at < again->key_at)) {
            again = members[i];
        }
    }
    return again ? fail_at(p, again->key_at,
                           "the same key stands twice in an object")
                 : MIDGE_OK;
}

static midge_status read_member(parser *p, unsigned depth, midge_json *object,
                                midge_json **last) {
    skip_space(p);
    size_t key_at = p->at;
    if (peek(p) != '"') {
        return fail_here(p, "expected a key in quotes");
    }
    member *m = midge_arena_alloc(p->arena, sizeof *m);
    if (!append_child(object, m ? &m->value : NULL, last)) {
        return no_memory(p);
    }
    m->key_at = key_at;
    p->at++;
    MIDGE_TRY(read_string(p, &m->value.key, &m->value.key_size));
    skip_space(p);
    if (peek(p) != ':') {
        return fail_here(p, "expected : behind a key");
    }
    p->at++;
    return read_value(p, depth + 1, &m->value);
}

static midge_status read_object(parser *p, unsigned depth, midge_json *out) {
    midge_json *last = NULL;
    int more = 1;
    out->type = MIDGE_JSON_OBJECT;
    p->at++;
    skip_space(p);
    if (peek(p) == '}') {
        p->at++;
        return MIDGE_OK;
    }
    while (more) {
        MIDGE_TRY(read_member(p, depth, out, &last));
        MIDGE_TRY(read_separator(p, '}', &more));
    }
    return check_keys(p, out);
}

static midge_status read_value(parser *p, unsigned depth, midge_json *out) {
    skip_space(p);
    int c = peek(p);
    if ((c == '[' || c == '{') && depth >= MIDGE_JSON_DEPTH_MAX) {
        return fail_here(p, "nested too deeply (64 levels at most)");
    }
    switch (c) {
    case '{':
        return read_object(p, depth, out);
    case '[':
        return read_array(p, depth, out);
    case '"':
        p->at++;
        out->type = MIDGE_JSON_STRING;
        return read_string(p, &out->string, &out->count);
    case 't':
        return read_word(p, "true", MIDGE_JSON_BOOL, out);
    case 'f':
        return read_word(p, "false", MIDGE_JSON_BOOL, out);
    case 'n':
        return read_word(p, "null", MIDGE_JSON_NULL, out);
    default:
        if (c == '-' || (c >= '0' && c <= '9')) {
            return read_number(p, out);
        }
        return fail_here(p, "expected a value");
    }
}

midge_status midge_json_read(midge_arena *arena, const char *text, size_t size,
                             const midge_json **out, midge_error *err) {
    parser p = {arena, text, size, 0, err};
    *out = NULL;
    midge_json *root = midge_arena_alloc(arena, sizeof *root);
    if (!root) {
        return no_memory(&p);
    }
    memset(root, 0, sizeof *root);
    MIDGE_TRY(read_value(&p, 0, root));
    skip_space(&p);
    if (p.at != size) {
        return fail_at(&p, p.at, "text behind the value");
    }
    *out = root;
    return MIDGE_OK;
}
