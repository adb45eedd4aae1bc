/* npy_test.c: .npy files of every type we take, made here byte by byte from the
 * format's description (numpy.lib.format), and files that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "midge/table.h"
#include "test_env.h"

struct file {
    unsigned char bytes[4096];
    size_t size;
};

static void put(struct file *f, const void *bytes, size_t size) {
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
}

static void put_number(struct file *f, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        f->bytes[f->size++] = (unsigned char)(value >> (8 * i));
    }
}

/* A header as NumPy writes it: padded with spaces to a multiple of 64. */
static void put_head(struct file *f, int version, const char *dict) {
    size_t fixed = version == 1 ? 10 : 12;
    size_t text = strlen(dict) + 1;
    size_t padded = (fixed + text + 63) / 64 * 64 - fixed;
    f->size = 0;
    put(f, "\x93NUMPY", 6);
    put_number(f, (uint64_t)version, 2);
    put_number(f, padded, fixed - 8);
    put(f, dict, text - 1);
    while (f->size < fixed + padded - 1) {
        put(f, " ", 1);
    }
    put(f, "\n", 1);
}

static void put_shape(struct file *f, int version, const char *type,
                      const char *order, size_t rows, size_t columns) {
    char dict[200];
    snprintf(dict, sizeof dict,
             "{'descr': '%s', 'fortran_order': %s, 'shape': (%zu, %zu), }",
             type, order, rows, columns);
    put_head(f, version, dict);
}

static midge_status read_copy(struct test_env *t, const struct file *f,
                              size_t size, midge_table **out,
                              midge_error *err) {
    char *copy = calloc(size ? size : 1, 1);
    memcpy(copy, f->bytes, size);
    midge_status status = midge_table_read(&t->env, copy, size, out, err);
    free(copy);
    return status;
}

static void expect_cells(const struct file *f, size_t rows, size_t columns,
                         const float *cells) {
    struct test_env t;
    test_env_init(&t);
    midge_table *table;
    midge_error err = {.text = ""};
    if (read_copy(&t, f, f->size, &table, &err) != MIDGE_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(midge_table_n_rows(table), rows);
    assert_int_equal(midge_table_n_columns(table), columns);
    assert_int_equal(midge_table_is_array(table), 1);
    for (size_t c = 0; c < columns; c++) {
        char name[24];
        snprintf(name, sizeof name, "c%zu", c);
        assert_string_equal(midge_table_column_name(table, c), name);
        for (size_t r = 0; r < rows; r++) {
            assert_true(midge_table_numbers(table, c)[r] ==
                        cells[r * columns + c]);
        }
    }
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
}

/* Six bit patterns and what they mean, worked out by hand. */
struct type {
    const char *name;
    size_t size;
    uint64_t bits[6];
    float values[6];
};

static const struct type types[] = {
    {"|u1", 1, {0, 1, 127, 128, 200, 255}, {0, 1, 127, 128, 200, 255}},
    {"|i1", 1, {0, 1, 127, 128, 200, 255}, {0, 1, 127, -128, -56, -1}},
    {"|b1", 1, {0, 1, 0, 1, 1, 0}, {0, 1, 0, 1, 1, 0}},
    {"<u2",
     2,
     {0, 1, 256, 32767, 32768, 65535},
     {0, 1, 256, 32767, 32768, 65535}},
    {"<i2",
     2,
     {0, 1, 256, 32767, 32768, 65535},
     {0, 1, 256, 32767, -32768, -1}},
    {"<u4",
     4,
     {0, 1, 65536, 0x80000000, 0xffffff00, 0x01000000},
     {0, 1, 65536, 2147483648.0f, 4294967040.0f, 16777216}},
    {"<i4",
     4,
     {0, 1, 65536, 0x80000000, 0xffffffff, 0x01000000},
     {0, 1, 65536, -2147483648.0f, -1, 16777216}},
    {"<i8",
     8,
     {0, 1, 1ull << 40, 1ull << 63, ~0ull, 0xffffffff00000000},
     {0, 1, 1099511627776.0f, -9223372036854775808.0f, -1, -4294967296.0f}},
    {"<f4",
     4,
     {0, 0x3f800000, 0xc0200000, 0x7f7fffff, 1, 0x40490fdb},
     {0, 1, -2.5f, 3.4028234663852886e38f, 1.401298464324817e-45f,
      3.14159274f}},
    {"<f8",
     8,
     {0, 0x3ff0000000000000, 0xc004000000000000, 0x3fb999999999999a,
      0x47efffffe0000000, 0x0000000000000001},
     {0, 1, -2.5f, 0.1f, 3.4028234663852886e38f, 0}},
};

static void put_cells(struct file *f, const struct type *type) {
    for (size_t i = 0; i < 6; i++) {
        put_number(f, type->bits[i], type->size);
    }
}

static void every_type_order_and_version(void **state) {
    struct file f;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (int version = 1; version <= 3; version++) {
            const float *v = types[i].values;
            put_shape(&f, version, types[i].name, "False", 2, 3);
            put_cells(&f, &types[i]);
            expect_cells(&f, 2, 3, v);
            const float turned[] = {v[0], v[2], v[4], v[1], v[3], v[5]};
            put_shape(&f, version, types[i].name, "True", 2, 3);
            put_cells(&f, &types[i]);
            expect_cells(&f, 2, 3, turned);
        }
    }
}

static void cut_at_every_byte(void **state) {
    struct test_env t;
    test_env_init(&t);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct file f;
        put_shape(&f, 1, types[i].name, "False", 3, 2);
        put_cells(&f, &types[i]);
        for (size_t size = 0; size < f.size; size++) {
            midge_table *table;
            assert_int_equal(read_copy(&t, &f, size, &table, NULL),
                             MIDGE_E_PARSE);
            assert_null(table);
            assert_int_equal(t.held_bytes, 0);
        }
        put(&f, "x", 1);
        midge_table *table;
        assert_int_equal(read_copy(&t, &f, f.size, &table, NULL),
                         MIDGE_E_PARSE);
    }
}

static void values_that_are_not_finite(void **state) {
    const uint64_t floats[] = {0x7f800000, 0xff800000, 0x7fc00000};
    const uint64_t doubles[] = {0x7ff0000000000000, 0x7ff8000000000000,
                                0x47f0000000000000}; /* 2^128 */
    struct test_env t;
    test_env_init(&t);
    for (size_t i = 0; i < 6; i++) {
        struct file f;
        put_shape(&f, 1, i < 3 ? "<f4" : "<f8", "False", 3, 2);
        for (size_t cell = 0; cell < 6; cell++) {
            uint64_t bad = i < 3 ? floats[i] : doubles[i - 3];
            put_number(&f, cell == 3 ? bad : 0, i < 3 ? 4 : 8);
        }
        midge_table *table;
        midge_error err;
        assert_int_equal(read_copy(&t, &f, f.size, &table, &err),
                         MIDGE_E_PARSE);
        assert_int_equal(err.line, 2);
        assert_int_equal(err.column, 2);
        assert_int_equal(t.held_bytes, 0);
    }
}

static const char *const hostile[] = {
    "",
    "{",
    "{}",
    "[]",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)} x",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), 'x': 1}",
    "{'descr': '|u1', 'fortran_order': False}",
    "{'descr': '|u1', 'shape': (2, 3)}",
    "{'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': '|u1', 'fortran_order': Maybe, 'shape': (2, 3)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (6,)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': ()}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (-2, -3)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (0, 6)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 0)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 3)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (999999999, 999999999)}",
    "{'descr': '|u1', 'fortran_order': False, "
    "'shape': (18446744073709551615, 18446744073709551610)}",
    "{'descr': '<i8', 'fortran_order': False, "
    "'shape': (4294967296, 536870912)}",
    "{'descr': '>i2', 'fortran_order': False, 'shape': (1, 3)}",
    "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 3)}",
    "{'descr': '|O', 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': '|S6', 'fortran_order': False, 'shape': (1, 1)}",
    "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': '|u1, 'fortran_order': False, 'shape': (2, 3)}",
};

static void hostile_headers(void **state) {
    struct test_env t;
    test_env_init(&t);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct file f;
        put_head(&f, 1, hostile[i]);
        put(&f, "abcdef", 6);
        midge_table *table;
        midge_error err = {.text = ""};
        if (read_copy(&t, &f, f.size, &table, &err) != MIDGE_E_PARSE) {
            fail_msg("taken: %s", hostile[i]);
        }
        assert_true(err.text[0] != '\0');
        assert_int_equal(t.held_bytes, 0);
        assert_true(t.peak_bytes < 4096);
    }
}

static void versions_and_sizes_of_the_header(void **state) {
    struct test_env t;
    test_env_init(&t);
    struct file f;
    midge_table *table;
    put_shape(&f, 1, "|u1", "False", 2, 3);
    put(&f, "abcdef", 6);
    for (int version = 0; version < 256; version++) {
        f.bytes[6] = (unsigned char)version; /* 2 and 3: another length */
        midge_status want = version == 1 ? MIDGE_OK : MIDGE_E_PARSE;
        assert_int_equal(read_copy(&t, &f, f.size, &table, NULL), want);
        midge_table_free(table);
    }
    f.bytes[6] = 2;
    memset(f.bytes + 8, 0xff, 4);
    assert_int_equal(read_copy(&t, &f, f.size, &table, NULL), MIDGE_E_PARSE);
    assert_int_equal(t.held_bytes, 0);
}

static void too_many_columns(void **state) {
    struct test_env t;
    test_env_init(&t);
    struct file f;
    put_shape(&f, 1, "|u1", "False", 1, 65537);
    size_t size = f.size + 65537;
    unsigned char *bytes = calloc(size, 1);
    memcpy(bytes, f.bytes, f.size);
    midge_table *table;
    assert_int_equal(midge_table_read(&t.env, bytes, size, &table, NULL),
                     MIDGE_E_LIMIT);
    free(bytes);
    assert_int_equal(t.held_bytes, 0);
}

static void every_allocation_may_fail(void **state) {
    struct test_env t;
    struct file f;
    midge_status status;
    long fail_at = 0;
    put_shape(&f, 1, "<f4", "True", 3, 2);
    put_cells(&f, &types[8]);
    do {
        midge_table *table;
        test_env_init(&t);
        t.fail_at = ++fail_at;
        status = read_copy(&t, &f, f.size, &table, NULL);
        assert_int_equal(status, t.calls < fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
        midge_table_free(table);
        assert_int_equal(t.held_bytes, 0);
    } while (status != MIDGE_OK);
    assert_true(fail_at > 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_order_and_version),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(values_that_are_not_finite),
        cmocka_unit_test(hostile_headers),
        cmocka_unit_test(versions_and_sizes_of_the_header),
        cmocka_unit_test(too_many_columns),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
