/* npy.c: NumPy's array file, versions 1 to 3 (numpy.lib.format): 2-D arrays of
 * numbers, C or Fortran order. The header is a Python dict of three keys, which
 * is looked for word by word; its sizes are believed only when they give the
 * size of the file. */
#include "data/npy.h"
#include "data/table_columns.h"

#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "base/mdg_assert.h"

#define MAGIC      "\x93NUMPY"
#define MAGIC_SIZE 6
#define FLOAT_MAX  3.4028234663852886e38

typedef struct text {
    const char *at;
    const char *end;
} text;

int mdg_is_npy(const void *bytes, size_t size) {
    return size >= MAGIC_SIZE && memcmp(bytes, MAGIC, MAGIC_SIZE) == 0;
}

static void skip_space(text *t) {
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n')) {
        t->at++;
    }
}

static int take(text *t, const char *word) {
    size_t size = strlen(word);
    skip_space(t);
    if ((size_t)(t->end - t->at) < size || memcmp(t->at, word, size) != 0) {
        return 0;
    }
    t->at += size;
    return 1;
}

static int take_size(text *t, size_t *out) {
    size_t value = 0;
    skip_space(t);
    const char *from = t->at;
    while (t->at < t->end && *t->at >= '0' && *t->at <= '9') {
        if (t->at - from >= 9) { /* more than any file of ours can hold */
            return 0;
        }
        value = value * 10 + (size_t)(*t->at++ - '0');
    }
    *out = value;
    return t->at > from;
}

static int take_type(text *t, mdg_npy_head *head) {
    static const char *const types[] = {"|u1", "|i1", "|b1", "<u2", "<i2",
                                        "<u4", "<i4", "<i8", "<f4", "<f8"};
    if (!take(t, "'")) {
        return 0;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (take(t, types[i])) {
            head->kind = types[i][1];
            head->item = (size_t)(types[i][2] - '0');
            return take(t, "'");
        }
    }
    return 0;
}

static midge_status bad_head(midge_error *err, const char *what) {
    return midge_fail(err, MIDGE_E_PARSE, ".npy header: %s", what);
}

static midge_status read_shape(text *t, mdg_npy_head *head, midge_error *err) {
    if (!take(t, "(") || !take_size(t, &head->n_rows) || !take(t, ",") ||
        !take_size(t, &head->n_columns) || !take(t, ")")) {
        return bad_head(err, "the array must have two dimensions");
    }
    return MIDGE_OK;
}

static midge_status read_key(text *t, mdg_npy_head *head, unsigned *seen,
                             midge_error *err) {
    if (take(t, "'descr':")) {
        *seen |= 1;
        return take_type(t, head)
                   ? MIDGE_OK
                   : bad_head(err, "the type must be one of u1 i1 b1 u2 i2 u4 "
                                   "i4 i8 f4 f8, little-endian");
    }
    if (take(t, "'fortran_order':")) {
        *seen |= 2;
        head->fortran = take(t, "True");
        return head->fortran || take(t, "False")
                   ? MIDGE_OK
                   : bad_head(err, "fortran_order is True or False");
    }
    if (take(t, "'shape':")) {
        *seen |= 4;
        return read_shape(t, head, err);
    }
    return bad_head(err, "unknown key");
}

static midge_status read_dict(text *t, mdg_npy_head *head, midge_error *err) {
    unsigned seen = 0;
    if (!take(t, "{")) {
        return bad_head(err, "not a dict");
    }
    while (!take(t, "}")) {
        MIDGE_TRY(read_key(t, head, &seen, err));
        if (!take(t, ",") && !take(t, "}")) {
            return bad_head(err, "not a dict");
        }
        if (t->at[-1] == '}') {
            break;
        }
    }
    skip_space(t);
    if (seen != 7 || t->at != t->end) {
        return bad_head(err, "descr, fortran_order and shape are needed");
    }
    return MIDGE_OK;
}

midge_status mdg_npy_read_head(mdg_reader *r, mdg_npy_head *head,
                               midge_error *err) {
    (void)mdg_get_bytes(r, MAGIC_SIZE);
    const uint8_t *version = mdg_get_bytes(r, 2);
    if (!version || version[0] < 1 || version[0] > 3) {
        return midge_fail(err, MIDGE_E_PARSE,
                          ".npy version is not 1, 2 or 3, or cut short");
    }
    const uint8_t *low = mdg_get_bytes(r, version[0] == 1 ? 2 : 4);
    size_t size = 0;
    for (int i = version[0] == 1 ? 1 : 3; low && i >= 0; i--) {
        size = size << 8 | low[i];
    }
    const uint8_t *dict = mdg_get_bytes(r, size);
    if (!low || !dict) {
        return bad_head(err, "cut short");
    }
    text t = {(const char *)dict, (const char *)dict + size};
    MIDGE_TRY(read_dict(&t, head, err));
    size_t cells, bytes;
    if (head->n_rows == 0 || head->n_columns == 0) {
        return midge_fail(err, MIDGE_E_PARSE, "the array has no rows");
    }
    if (!mdg_multiply_size(head->n_rows, head->n_columns, &cells) ||
        !mdg_multiply_size(cells, head->item, &bytes) ||
        bytes != mdg_reader_left(r)) {
        return midge_fail(err, MIDGE_E_PARSE,
                          "the shape (%zu, %zu) does not fit %zu bytes of data",
                          head->n_rows, head->n_columns, mdg_reader_left(r));
    }
    return MIDGE_OK;
}

double mdg_npy_value(const mdg_npy_head *head, const uint8_t *at) {
    uint64_t bits = 0;
    for (size_t i = head->item; i > 0; i--) {
        bits = bits << 8 | at[i - 1];
    }
    if (head->kind == 'f') {
        float f;
        double d;
        uint32_t low = (uint32_t)bits;
        memcpy(&f, &low, sizeof f);
        memcpy(&d, &bits, sizeof d);
        return head->item == 4 ? (double)f : d;
    }
    if (head->kind == 'b') {
        return bits != 0;
    }
    mdg_assert(head->item >= 1 && head->item <= 8);
    unsigned shift = (unsigned)(64 - 8 * head->item);
    return head->kind == 'u' ? (double)bits
                             : (double)((int64_t)(bits << shift) >> shift);
}

static midge_status read_column(midge_table *table, const mdg_npy_head *head,
                                const uint8_t *data, size_t c,
                                midge_error *err) {
    float *numbers = table->columns[c].numbers;
    for (size_t r = 0; r < head->n_rows; r++) {
        size_t i =
            head->fortran ? c * head->n_rows + r : r * head->n_columns + c;
        double value = mdg_npy_value(head, data + i * head->item);
        if (!(value <= FLOAT_MAX && value >= -FLOAT_MAX)) {
            return mdg_place(err,
                             midge_fail(err, MIDGE_E_PARSE,
                                        "row %zu, column %zu: %s", r + 1, c + 1,
                                        value != value ? "NaN is not a value"
                                                       : "infinity, or too "
                                                         "large for a float"),
                             r + 1, c + 1);
        }
        numbers[r] = (float)value;
    }
    return MIDGE_OK;
}

static const char *numbered(midge_arena *arena, size_t c) {
    char name[1 + MDG_DECIMAL_MAX] = "c";
    const size_t size = 1 + mdg_decimal_write_i64((int64_t)c, name + 1);
    return midge_arena_copy(arena, name, size);
}

midge_status mdg_npy_read(midge_table *table, const uint8_t *bytes, size_t size,
                          midge_error *err) {
    mdg_reader r;
    mdg_npy_head head = {0};
    mdg_reader_init(&r, bytes, size);
    MIDGE_TRY(mdg_npy_read_head(&r, &head, err));
    MIDGE_TRY(mdg_table_columns(table, head.n_columns, err));
    table->n_rows = head.n_rows;
    table->is_array = 1;
    for (size_t c = 0; c < head.n_columns; c++) {
        mdg_column *column = &table->columns[c];
        column->name = numbered(&table->arena, c);
        column->numbers = mdg_alloc(table->env, head.n_rows, sizeof(float));
        if (!column->name || !column->numbers) {
            return mdg_no_memory("the table", err);
        }
        MIDGE_TRY(read_column(table, &head, bytes + r.at, c, err));
    }
    return MIDGE_OK;
}
