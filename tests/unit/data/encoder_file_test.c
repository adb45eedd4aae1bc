/* encoder_file_test.c: the encoder's file: whole, cut, damaged, forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "encoder_fixture.h"
#include "frame_sweep.h"

struct file {
    struct test_env t;
    midge_table *table;
    midge_encoder *encoder;
    midge_buf buf;
};

static void set_up(struct file *f, const char *target) {
    uint32_t rows[] = {0, 1, 3, 4, 8, 9, 13, 16, 17, 20};
    test_env_init(&f->t);
    f->table = table_of(&f->t, birds_csv);
    size_t column = (size_t)midge_table_find_column(f->table, target);
    assert_int_equal(midge_encoder_fit(&f->t.env, f->table, column, rows, 10,
                                       NULL, &f->encoder, NULL),
                     MIDGE_OK);
    midge_buf_init(&f->buf, &f->t.env, 0);
    assert_int_equal(midge_encoder_write(f->encoder, &f->buf), MIDGE_OK);
}

static void tear_down(struct file *f) {
    midge_buf_deinit(&f->buf);
    midge_encoder_free(f->encoder);
    midge_table_free(f->table);
    assert_int_equal(f->t.held_bytes, 0);
}

/* Reads a copy of exactly `size` bytes, so that a sanitizer sees one more. */
static midge_status read_copy(struct file *f, const void *bytes, size_t size,
                              midge_encoder **out) {
    char *copy = calloc(size ? size : 1, 1);
    memcpy(copy, bytes, size);
    midge_error err = {.status = MIDGE_OK, .text = ""};
    midge_status s = midge_encoder_read(&f->t.env, copy, size, out, &err);
    assert_int_equal(err.status, s);
    assert_true((s == MIDGE_OK) == (err.text[0] == '\0'));
    free(copy);
    return s;
}

static void expect(void *ctx, const void *bytes, size_t size,
                   midge_status status) {
    struct file *f = ctx;
    midge_encoder *e = f->encoder;
    size_t held = f->t.held_bytes;
    assert_int_equal(read_copy(f, bytes, size, &e), status);
    assert_null(e);
    assert_int_equal(f->t.held_bytes, held);
}

static void same_numbers(const struct file *f, const midge_encoder *e) {
    float x[BIRDS * 40], y[BIRDS * 40];
    size_t width = midge_encoder_n_features(e);
    assert_int_equal(width, midge_encoder_n_features(f->encoder));
    assert_int_equal(midge_encoder_features(f->encoder, f->table, all_rows(),
                                            BIRDS, x, NULL),
                     MIDGE_OK);
    assert_int_equal(
        midge_encoder_features(e, f->table, all_rows(), BIRDS, y, NULL),
        MIDGE_OK);
    assert_memory_equal(x, y, BIRDS * width * sizeof(float));
    size_t outputs = midge_encoder_n_outputs(e);
    uint32_t rows[] = {0, 5, 6, 10, 23};
    float label[2][5];
    assert_int_equal(
        midge_encoder_targets(f->encoder, f->table, rows, 5, x, label[0], NULL),
        MIDGE_OK);
    assert_int_equal(
        midge_encoder_targets(e, f->table, rows, 5, y, label[1], NULL),
        MIDGE_OK);
    assert_memory_equal(x, y, 5 * outputs * sizeof(float));
    assert_memory_equal(label[0], label[1], sizeof label[0]);
    assert_true(midge_encoder_unscale(e, 0.7f) ==
                midge_encoder_unscale(f->encoder, 0.7f));
    assert_int_equal(midge_encoder_n_dropped(e),
                     midge_encoder_n_dropped(f->encoder));
}

/* Classes of text, a number to be foretold, and classes of numbers. */
static void a_file_reads_back(void **state) {
    static const char *const targets[] = {"Species", "Mass", "Bill"};
    for (size_t i = 0; i < 3; i++) {
        struct file f;
        set_up(&f, targets[i]);
        midge_encoder *e;
        assert_int_equal(read_copy(&f, f.buf.data, f.buf.size, &e), MIDGE_OK);
        assert_string_equal(midge_encoder_target(e), targets[i]);
        same_numbers(&f, e);
        midge_buf again;
        midge_buf_init(&again, &f.t.env, 0);
        assert_int_equal(midge_encoder_write(e, &again), MIDGE_OK);
        assert_int_equal(again.size, f.buf.size);
        assert_memory_equal(again.data, f.buf.data, again.size);
        midge_buf_deinit(&again);
        midge_encoder_free(e);
        tear_down(&f);
    }
}

static void classes_of_numbers(void **state) {
    struct file f;
    test_env_init(&f.t);
    f.table = table_of(&f.t, "x,y\n1,0\n2,1\n3,0\n4,1\n5,-0\n");
    assert_int_equal(fit_on(&f.t, f.table, "y", 5, &f.encoder, NULL), MIDGE_OK);
    midge_buf_init(&f.buf, &f.t.env, 0);
    assert_int_equal(midge_encoder_write(f.encoder, &f.buf), MIDGE_OK);
    midge_encoder *e;
    assert_int_equal(read_copy(&f, f.buf.data, f.buf.size, &e), MIDGE_OK);
    float label[5];
    assert_int_equal(
        midge_encoder_targets(e, f.table, all_rows(), 5, NULL, label, NULL),
        MIDGE_OK);
    const float want[] = {0, 1, 0, 1, 0};
    assert_memory_equal(label, want, sizeof want);
    assert_string_equal(midge_encoder_class(e, 0), "0");
    midge_encoder_free(e);
    tear_down(&f);
}

static void every_other_length(void **state) {
    struct file f;
    set_up(&f, "Species");
    frame_sweep_lengths(f.buf.data, f.buf.size, expect, &f);
    tear_down(&f);
}

static void every_byte_flipped(void **state) {
    struct file f;
    set_up(&f, "Species");
    frame_sweep_flips(f.buf.data, f.buf.size, 3, expect, &f);
    tear_down(&f);
}

/* Every four bytes set to absurd numbers, every byte flipped, every length, all
 * with a checksum that fits: refused, or an encoder that works. */
static void look(struct file *f, char *bytes, size_t size, size_t *taken) {
    char kept[4];
    midge_encoder *e;
    memcpy(kept, bytes + size - 4, 4);
    frame_put_u32(bytes + size - 4, mdg_crc32c(0, bytes, size - 4));
    size_t held = f->t.held_bytes;
    long peak = (long)f->t.peak_bytes;
    midge_status s = read_copy(f, bytes, size, &e);
    assert_true(s == MIDGE_OK || s == MIDGE_E_CORRUPT);
    assert_true((long)f->t.peak_bytes - peak < 65536);
    if (s == MIDGE_OK) {
        static float x[BIRDS * 4096];
        assert_true(midge_encoder_n_features(e) < 4096);
        (void)!midge_encoder_features(e, f->table, all_rows(), BIRDS, x, NULL);
        (void)!midge_encoder_targets(e, f->table, all_rows(), 2, x, NULL, NULL);
        midge_encoder_free(e);
        ++*taken;
    }
    assert_int_equal(f->t.held_bytes, held);
    memcpy(bytes + size - 4, kept, 4);
}

static void forged_files(void **state) {
    static const uint32_t absurd[] = {0,    1,          2,          33,
                                      1001, 0x7f800000, 0x7fffffff, 0xffffffff};
    struct file f;
    set_up(&f, "Species");
    char *d = f.buf.data;
    size_t taken = 0;
    for (size_t at = 12; at + 8 <= f.buf.size; at++) {
        char kept[4];
        memcpy(kept, d + at, 4);
        for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
            frame_put_u32(d + at, absurd[i]);
            look(&f, d, f.buf.size, &taken);
        }
        memcpy(d + at, kept, 4);
        for (int flip = 1; flip < 256; flip *= 2) {
            d[at] = (char)(d[at] ^ flip);
            look(&f, d, f.buf.size, &taken);
            d[at] = (char)(d[at] ^ flip);
        }
    }
    assert_true(taken > 100);
    taken = 0;
    for (size_t size = 16; size < f.buf.size; size++) {
        look(&f, d, size, &taken);
    }
    assert_int_equal(taken, 0);
    tear_down(&f);
}

static void every_allocation_may_fail(void **state) {
    struct file f;
    set_up(&f, "Species");
    long fail_at = 0;
    long base = f.t.calls;
    do {
        midge_encoder *e = NULL;
        midge_buf buf;
        midge_buf_init(&buf, &f.t.env, 0);
        f.t.calls = base;
        f.t.fail_at = base + ++fail_at;
        midge_status s = read_copy(&f, f.buf.data, f.buf.size, &e);
        if (s == MIDGE_OK) {
            s = midge_encoder_write(e, &buf);
            assert_true(s == MIDGE_OK || buf.size == 0);
        }
        assert_int_equal(s, f.t.calls < f.t.fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
        midge_encoder_free(e);
        midge_buf_deinit(&buf);
    } while (f.t.calls >= f.t.fail_at);
    assert_true(fail_at > 3);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_reads_back),
        cmocka_unit_test(classes_of_numbers),
        cmocka_unit_test(every_other_length),
        cmocka_unit_test(every_byte_flipped),
        cmocka_unit_test(forged_files),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
