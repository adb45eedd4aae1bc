/* source_test.c: files of vectors: every format gives back what was put in it,
 * in batches of any size; files that lie are refused with the place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "midge/table.h"
#include "midge/vector_source.h"
#include "test_env.h"

enum { ROWS = 7, DIM = 5 };

struct file {
    unsigned char bytes[4096];
    size_t size;
};

static float value_of(size_t row, size_t i) {
    return (float)((int)(row * 13 + i * 7) % 50);
}

static void put(struct file *f, const void *bytes, size_t size) {
    assert_true(f->size + size <= sizeof f->bytes);
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
}

static void put_u32(struct file *f, uint32_t value) {
    put(f, &value, sizeof value);
}

static void put_text(struct file *f, const char *text) {
    put(f, text, strlen(text));
}

static void make_vecs(struct file *f, midge_vector_format format) {
    for (size_t r = 0; r < ROWS; r++) {
        put_u32(f, DIM);
        for (size_t i = 0; i < DIM; i++) {
            float x = value_of(r, i);
            uint8_t byte = (uint8_t)x;
            if (format == MIDGE_VECTORS_FVECS) {
                put(f, &x, sizeof x);
            } else if (format == MIDGE_VECTORS_IVECS) {
                put_u32(f, (uint32_t)x);
            } else {
                put(f, &byte, 1);
            }
        }
    }
}

static void make_fbin(struct file *f) {
    put_u32(f, ROWS);
    put_u32(f, DIM);
    for (size_t i = 0; i < (size_t)ROWS * DIM; i++) {
        float x = value_of(i / DIM, i % DIM);
        put(f, &x, sizeof x);
    }
}

static void make_npy(struct file *f, int fortran) {
    char head[128];
    int size = snprintf(head, sizeof head,
                        "{'descr': '<f4', 'fortran_order': %s, 'shape': (%d, "
                        "%d), }\n",
                        fortran ? "True" : "False", ROWS, DIM);
    put(f, "\x93NUMPY\x01\x00", 8);
    unsigned char low[2] = {(unsigned char)size, 0};
    put(f, low, 2);
    put(f, head, (size_t)size);
    for (size_t i = 0; i < (size_t)ROWS * DIM; i++) {
        float x =
            fortran ? value_of(i % ROWS, i / ROWS) : value_of(i / DIM, i % DIM);
        put(f, &x, sizeof x);
    }
}

static void make_jsonl(struct file *f) {
    for (size_t r = 0; r < ROWS; r++) {
        char line[200];
        snprintf(line, sizeof line,
                 "{\"id\": %zu, \"vector\": [%g, %g, %g, %g, %g], \"lang\": "
                 "\"%s\", \"metadata\": {\"tag\": [\"a\", \"b\"]}}\r\n%s",
                 r + 100, (double)value_of(r, 0), (double)value_of(r, 1),
                 (double)value_of(r, 2), (double)value_of(r, 3),
                 (double)value_of(r, 4), r % 2 ? "en" : "de",
                 r == 3 ? "\n  \n" : "");
        put_text(f, line);
    }
}

static void make_csv(struct file *f, int one_column) {
    put_text(f,
             one_column ? "id,vector,lang,tag\n" : "a,id,b,lang,c,d,e,tag\n");
    for (size_t r = 0; r < ROWS; r++) {
        char line[200];
        snprintf(line, sizeof line,
                 one_column ? "%2$zu,\"[%1$g, %3$g,%5$g %6$g; %7$g]\",%4$s,"
                              "\"[\"\"a\"\",\"\"b\"\"]\"\n"
                            : "%1$g,%2$zu,%3$g,%4$s,%5$g,%6$g,%7$g,"
                              "\"[\"\"a\"\",\"\"b\"\"]\"\n",
                 (double)value_of(r, 0), r + 100, (double)value_of(r, 1),
                 r % 2 ? "en" : "de", (double)value_of(r, 2),
                 (double)value_of(r, 3), (double)value_of(r, 4));
        put_text(f, line);
    }
}

static void make(struct file *f, midge_vector_format format, int other) {
    f->size = 0;
    switch (format) {
    case MIDGE_VECTORS_NPY:
        make_npy(f, other);
        break;
    case MIDGE_VECTORS_FBIN:
        make_fbin(f);
        break;
    case MIDGE_VECTORS_CSV:
        make_csv(f, other);
        break;
    case MIDGE_VECTORS_JSONL:
        make_jsonl(f);
        break;
    default:
        make_vecs(f, format);
    }
}

static void check_metadata(const midge_json *object, uint64_t row) {
    const midge_json *tag = midge_json_get(object, "tag");
    assert_int_equal(object->count, 2);
    assert_string_equal(midge_json_get_string(object, "lang", ""),
                        row % 2 ? "en" : "de");
    assert_true(tag && tag->type == MIDGE_JSON_ARRAY && tag->count == 2);
    assert_string_equal(tag->child->next->string, "b");
}

/* Reads all rows, `max` at a time. */
static void check_rows(midge_vector_source *s, int has_text, size_t max) {
    uint64_t seen = 0;
    for (;;) {
        midge_source_rows batch;
        assert_int_equal(midge_vector_source_next(s, max, &batch, NULL),
                         MIDGE_OK);
        assert_int_equal(batch.first, seen);
        if (batch.rows.count == 0) {
            break;
        }
        assert_true(batch.rows.count <= max);
        const float *x = batch.rows.vectors;
        for (size_t i = 0; i < batch.rows.count; i++, seen++) {
            for (size_t j = 0; j < DIM; j++) {
                assert_true(x[i * DIM + j] == value_of(seen, j));
            }
            assert_int_equal(has_text, batch.rows.ids != NULL);
            if (has_text) {
                assert_int_equal(batch.rows.ids[i], seen + 100);
                check_metadata(batch.rows.metadata[i], seen);
            }
        }
    }
    assert_int_equal(seen, ROWS);
}

static void every_format(void **state) {
    (void)state;
    const size_t sizes[] = {1, 3, ROWS, 1000};
    for (int format = 0; format <= MIDGE_VECTORS_JSONL; format++) {
        for (size_t i = 0; i < 8; i++) {
            struct test_env t;
            struct file f;
            midge_vector_source *s;
            const midge_source_options options = {
                .format = (midge_vector_format)format};
            int has_text = format >= MIDGE_VECTORS_CSV;
            test_env_init(&t);
            make(&f, options.format, i >= 4);
            assert_int_equal(midge_vector_source_new(&t.env, f.bytes, f.size,
                                                     &options, &s, NULL),
                             MIDGE_OK);
            assert_int_equal(midge_vector_source_count(s), ROWS);
            assert_int_equal(midge_vector_source_dim(s), DIM);
            assert_int_equal(midge_vector_source_n_columns(s),
                             has_text ? 2 : 0);
            check_rows(s, has_text, sizes[i % 4]);
            midge_vector_source_free(s);
            assert_int_equal(t.held_bytes, 0);
        }
    }
}

/* Cut anywhere, a file is refused or has fewer rows; nothing else happens. */
static void cut_anywhere(void **state) {
    (void)state;
    for (int format = 0; format <= MIDGE_VECTORS_JSONL; format++) {
        struct test_env t;
        struct file f;
        const midge_source_options options = {.format =
                                                  (midge_vector_format)format};
        test_env_init(&t);
        make(&f, options.format, 0);
        for (size_t size = 0; size < f.size; size++) {
            midge_vector_source *s;
            midge_error err = {.text = ""};
            unsigned char *copy = malloc(size + 1);
            memcpy(copy, f.bytes, size);
            midge_status status =
                midge_vector_source_new(&t.env, copy, size, &options, &s, &err);
            if (status == MIDGE_OK) {
                midge_source_rows rows;
                assert_true(midge_vector_source_count(s) <= ROWS);
                assert_int_equal(midge_vector_source_next(s, 100, &rows, NULL),
                                 MIDGE_OK);
                midge_vector_source_free(s);
            } else {
                assert_null(s);
                assert_true(err.text[0] != 0);
            }
            free(copy);
        }
        assert_int_equal(t.held_bytes, 0);
    }
}

static void bits(void **state) {
    (void)state;
    struct test_env t;
    struct file f = {.size = 0};
    midge_vector_source *s;
    midge_source_rows rows;
    midge_source_options options = {.format = MIDGE_VECTORS_JSONL, .bits = 1};
    test_env_init(&t);
    put_text(&f, "{\"vector\": [1,0,0,1,0,0,0,0,1]}\n");
    assert_int_equal(
        midge_vector_source_new(&t.env, f.bytes, f.size, &options, &s, NULL),
        MIDGE_OK);
    assert_int_equal(midge_vector_source_dim(s), 9);
    assert_int_equal(midge_vector_source_next(s, 9, &rows, NULL), MIDGE_OK);
    assert_memory_equal(rows.rows.vectors, "\x09\x01", 2);
    midge_vector_source_free(s);

    f.size = 0;
    make_vecs(&f, MIDGE_VECTORS_BVECS);
    options.format = MIDGE_VECTORS_BVECS;
    assert_int_equal(
        midge_vector_source_new(&t.env, f.bytes, f.size, &options, &s, NULL),
        MIDGE_OK);
    assert_int_equal(midge_vector_source_dim(s), 8 * DIM);
    assert_int_equal(midge_vector_source_next(s, 9, &rows, NULL), MIDGE_OK);
    assert_memory_equal(rows.rows.vectors, f.bytes + 4, DIM);
    midge_vector_source_free(s);
    assert_int_equal(t.held_bytes, 0);
}

/* What is refused, and the words that say why. */
static void refused(void **state) {
    (void)state;
    static const struct {
        midge_vector_format format;
        const char *text;
        const char *why;
    } cases[] = {
        {MIDGE_VECTORS_JSONL, "", "no rows"},
        {MIDGE_VECTORS_JSONL, "[1]", "line 1: each line must be an object"},
        {MIDGE_VECTORS_JSONL, "{\"id\": 1}",
         "line 1: there is no member vector"},
        {MIDGE_VECTORS_JSONL, "{\"vector\": \"a\"}", "line 1: a vector is"},
        {MIDGE_VECTORS_JSONL, "{\"vector\": [1]}\n{\"vector\": [1,2]}",
         "line 2: a vector of 2 numbers, the first has 1"},
        {MIDGE_VECTORS_JSONL, "{\"vector\": [1], \"id\": 1}\n{\"vector\": [1]}",
         "line 2: all rows have an id"},
        {MIDGE_VECTORS_JSONL, "{\"vector\": [1], \"id\": -1}", "line 1: an id"},
        {MIDGE_VECTORS_JSONL,
         "{\"vector\": [1], \"a\": 1}\n\n{\"vector\": [1], \"a\": \"x\"}",
         "line 3: of another type"},
        {MIDGE_VECTORS_JSONL, "{\"vector\": [1], \"a\": [1]}",
         "line 1: metadata are"},
        {MIDGE_VECTORS_CSV, "id,name\n1,x\n", "there is no member vector"},
        {MIDGE_VECTORS_CSV, "a,b\n1,\n", "there is no member vector"},
        {MIDGE_VECTORS_CSV, "a,b\n1,2\n3\n", "line 3 has 1 cells"},
        {MIDGE_VECTORS_CSV, "a,a\n1,2\n", "same name"},
        {MIDGE_VECTORS_CSV, "vector\n1 x\n", "line 2: not a number"},
        {MIDGE_VECTORS_CSV, "vector\n1 nan\n", "line 2: not a number"},
        {MIDGE_VECTORS_CSV, "a,b\n1,2\n1,inf\n",
         "line 3, column 2: not a finite number"},
        {MIDGE_VECTORS_CSV, "a,b\n1,2\nNA,3\n", "line 3: a row without a num"},
        {MIDGE_VECTORS_FBIN, "1234567", "cut short"},
        {MIDGE_VECTORS_FVECS,
         "\x01\x00\x00\x00"
         "123",
         "do not fill"},
        {MIDGE_VECTORS_NPY, "abc", "no .npy file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct test_env t;
        midge_vector_source *s;
        midge_error err = {.text = ""};
        const midge_source_options options = {.format = cases[i].format};
        size_t size =
            cases[i].format == MIDGE_VECTORS_FVECS ? 7 : strlen(cases[i].text);
        test_env_init(&t);
        midge_status status = midge_vector_source_new(&t.env, cases[i].text,
                                                      size, &options, &s, &err);
        if (cases[i].format == MIDGE_VECTORS_CSV &&
            strstr(cases[i].text, "1,\n")) {
            /* b is empty everywhere: metadata without a value */
            assert_int_equal(status, MIDGE_OK);
            midge_vector_source_free(s);
        } else {
            assert_int_not_equal(status, MIDGE_OK);
            if (!strstr(err.text, cases[i].why)) {
                fail_msg("case %zu says: %s", i, err.text);
            }
        }
        assert_int_equal(t.held_bytes, 0);
    }
}

/* What a cell of CSV is: the same for a table and for a file of vectors, but
 * for the words that stand for nothing in a column of texts. */
typedef enum cell { NUMBER, MISSING, TEXT, BAD } cell;

static cell cell_in_table(const midge_env *env, const char *text,
                          double *number) {
    char file[200];
    midge_table *t;
    snprintf(file, sizeof file, "x,y\n1,2\n%s,2\n", text);
    if (midge_table_read(env, file, strlen(file), &t, NULL) != MIDGE_OK) {
        return BAD;
    }
    const float *numbers = midge_table_numbers(t, 0);
    cell kind = !numbers                          ? TEXT
                : numbers[1] - numbers[1] == 0.0f ? NUMBER
                                                  : MISSING;
    *number = kind == NUMBER ? (double)numbers[1] : 0.0;
    midge_table_free(t);
    return kind;
}

static cell cell_in_source(const midge_env *env, const char *text,
                           double *number) {
    char file[200];
    midge_vector_source *s;
    midge_source_rows rows;
    const midge_source_options options = {.format = MIDGE_VECTORS_CSV};
    snprintf(file, sizeof file, "vector,x\n2,1\n2,%s\n", text);
    if (midge_vector_source_new(env, file, strlen(file), &options, &s, NULL) !=
        MIDGE_OK) {
        return BAD;
    }
    assert_int_equal(midge_vector_source_next(s, 2, &rows, NULL), MIDGE_OK);
    const midge_json *x = midge_json_get(rows.rows.metadata[1], "x");
    cell kind = !x || x->type == MIDGE_JSON_NULL ? MISSING
                : x->type == MIDGE_JSON_STRING   ? TEXT
                                                 : NUMBER;
    *number = kind == NUMBER ? (double)(float)x->number : 0.0;
    assert_true(kind != NUMBER || x->type == MIDGE_JSON_DOUBLE ||
                (double)x->integer == x->number);
    midge_vector_source_free(s);
    return kind;
}

static void cells_as_in_a_table(void **state) {
    (void)state;
    static const struct {
        const char *text;
        cell kind;
        double number;
    } cases[] = {
        {"7", NUMBER, 7},
        {"007", NUMBER, 7},
        {"+7", NUMBER, 7},
        {"-.5", NUMBER, -0.5},
        {"5.", NUMBER, 5},
        {"+1e3", NUMBER, 1000},
        {"-00.50E+1", NUMBER, -5},
        {"\"1.25\"", NUMBER, 1.25},
        {" 12 ", NUMBER, 12},
        {"-0000000000000000000000012", NUMBER, -12},
        {"", MISSING, 0},
        {"NA", MISSING, 0},
        {"n/a", MISSING, 0},
        {"Null", MISSING, 0},
        {"\"\"", MISSING, 0},
        {"\"NA\"", TEXT, 0},
        {"x", TEXT, 0},
        {"1x", TEXT, 0},
        {"-", TEXT, 0},
        {".", TEXT, 0},
        {"e5", TEXT, 0},
        {"1e", TEXT, 0},
        {"0x10", TEXT, 0},
        {"1 2", TEXT, 0},
        {"--1", TEXT, 0},
        {"nan", BAD, 0},
        {"-NaN", BAD, 0},
        {"inf", BAD, 0},
        {"+Inf", BAD, 0},
        {"-Infinity", BAD, 0},
        {"1e999", BAD, 0},
        {"-1e999", BAD, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct test_env t;
        double a = 0.0;
        double b = 0.0;
        test_env_init(&t);
        cell in_table = cell_in_table(&t.env, cases[i].text, &a);
        cell in_source = cell_in_source(&t.env, cases[i].text, &b);
        if (in_table != cases[i].kind || in_source != cases[i].kind ||
            a != cases[i].number || b != cases[i].number) {
            fail_msg("%s: %d %g, %d %g", cases[i].text, (int)in_table, a,
                     (int)in_source, b);
        }
        assert_int_equal(t.held_bytes, 0);
    }
}

/* In a column of texts every cell but an empty one is a text as it stands. */
static void texts_stay_texts(void **state) {
    (void)state;
    struct test_env t;
    midge_vector_source *s;
    midge_source_rows rows;
    static const char file[] = "vector,id,x\n"
                               "+.5 -1.,NA,NA\n"
                               "007 1e1,\"[\"\"a\"\"]\",nan\n"
                               "1 2,b,a\n"
                               "1 2,\"[\"\"c\"\"]\",\n";
    static const char *const wanted[] = {"NA", "nan", "a", NULL};
    const midge_source_options options = {.format = MIDGE_VECTORS_CSV};
    test_env_init(&t);
    assert_int_equal(
        midge_vector_source_new(&t.env, file, strlen(file), &options, &s, NULL),
        MIDGE_OK);
    assert_int_equal(midge_vector_source_next(s, 9, &rows, NULL), MIDGE_OK);
    assert_int_equal(rows.rows.count, 4);
    const float *x = rows.rows.vectors;
    assert_true(x[0] == 0.5f && x[1] == -1.0f && x[2] == 7.0f && x[3] == 10.0f);
    assert_int_equal(rows.rows.keys[1].size, 5);
    assert_memory_equal(rows.rows.keys[1].data, "[\"a\"]", 5);
    for (size_t i = 0; i < 4; i++) {
        const char *text =
            midge_json_get_string(rows.rows.metadata[i], "x", NULL);
        assert_true((text == NULL) == (wanted[i] == NULL));
        if (text) {
            assert_string_equal(text, wanted[i]);
        }
    }
    midge_vector_source_free(s);
    assert_int_equal(t.held_bytes, 0);
}

/* Numbers that no float holds are found when they are read. */
static void not_finite(void **state) {
    (void)state;
    struct test_env t;
    struct file f = {.size = 0};
    midge_vector_source *s;
    midge_source_rows rows;
    midge_error err = {.text = ""};
    const midge_source_options options = {.format = MIDGE_VECTORS_FBIN};
    test_env_init(&t);
    make_fbin(&f);
    memcpy(f.bytes + 8 + 4 * (2 * DIM + 3), "\x00\x00\xc0\x7f", 4);
    assert_int_equal(
        midge_vector_source_new(&t.env, f.bytes, f.size, &options, &s, NULL),
        MIDGE_OK);
    assert_int_equal(midge_vector_source_next(s, ROWS, &rows, &err),
                     MIDGE_E_PARSE);
    assert_string_equal(err.text, "row 3: number 4 is not finite");
    midge_vector_source_free(s);
    assert_int_equal(t.held_bytes, 0);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int format = 0; format <= MIDGE_VECTORS_JSONL; format++) {
        struct file f;
        make(&f, (midge_vector_format)format, 1);
        for (long n = 1;; n++) {
            struct test_env t;
            midge_vector_source *s;
            midge_source_rows rows;
            midge_error err = {.text = ""};
            const midge_source_options options = {
                .format = (midge_vector_format)format};
            test_env_init(&t);
            t.fail_at = n;
            midge_status status = midge_vector_source_new(
                &t.env, f.bytes, f.size, &options, &s, &err);
            if (status == MIDGE_OK) {
                status = midge_vector_source_next(s, 4, &rows, &err);
            }
            midge_vector_source_free(s);
            assert_int_equal(t.held_bytes, 0);
            if (t.calls < n) {
                assert_int_equal(status, MIDGE_OK);
                break;
            }
            assert_int_not_equal(status, MIDGE_OK);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(bits),
        cmocka_unit_test(refused),
        cmocka_unit_test(cells_as_in_a_table),
        cmocka_unit_test(texts_stay_texts),
        cmocka_unit_test(not_finite),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
