/* model_file_test.c: model and bundle files: whole, cut, damaged, forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "frame_sweep.h"
#include "model_fixture.h"

static struct moons moons;

struct file {
    struct test_env t;
    midge_model *model;
    midge_encoder *encoder; /* of a bundle */
    midge_buf buf;
};

/* Little of everything, so that a file is small enough to be tried at every
 * byte. */
static midge_status fit_small(struct file *f, int family, midge_model **out) {
    moons.train.n_rows = 6;
    midge_knn_options knn = {3, 1, 1};
    midge_features_options features = {5, 4.0f, 1e-2f, 9};
    midge_model *members[3] = {NULL};
    const float weights[] = {0.5f, 0.25f, 0.25f};
    switch (family) {
    case 0:
        return fit_net(&f->t.env, &moons, 1, out);
    case 1:
        return midge_model_fit_knn(&f->t.env, MIDGE_PROBLEM_CLASSIFY, 2, 2,
                                   &moons.train, &knn, out, NULL);
    case 2:
        return midge_model_fit_features(&f->t.env, MIDGE_PROBLEM_CLASSIFY, 2, 2,
                                        &moons.train, &features, out, NULL);
    case 3:
        return fit_int8(&f->t.env, &moons, 1, out);
    default:
        break;
    }
    for (int i = 0; i < 3; i++) {
        int inner = i == 2 && family == 4 ? 5 : i;
        assert_int_equal(fit_small(f, inner, &members[i]), MIDGE_OK);
    }
    return midge_model_ensemble_take(&f->t.env, MIDGE_PROBLEM_CLASSIFY, members,
                                     weights, 3, out, NULL);
}

enum { SMALL = 5 }; /* net, knn, features, int8, ensemble with one inside */

static void set_up(struct file *f, int family) {
    test_env_init(&f->t);
    make_moons(&moons, 0, 5);
    assert_int_equal(fit_small(f, family, &f->model), MIDGE_OK);
    f->encoder = NULL;
    midge_buf_init(&f->buf, &f->t.env, 0);
    assert_int_equal(midge_model_write(f->model, &f->buf), MIDGE_OK);
}

static midge_encoder *encoder_of(struct file *f, const char *csv, size_t n) {
    static const uint32_t rows[] = {0, 1, 2, 3, 4, 5};
    midge_table *table;
    midge_encoder *e;
    assert_int_equal(
        midge_table_read(&f->t.env, csv, strlen(csv), &table, NULL), MIDGE_OK);
    assert_int_equal(midge_encoder_fit(&f->t.env, table,
                                       midge_table_n_columns(table) - 1, rows,
                                       n, NULL, &e, NULL),
                     MIDGE_OK);
    midge_table_free(table);
    return e;
}

static void set_up_bundle(struct file *f) {
    set_up(f, 2);
    f->encoder = encoder_of(f, "a,b,y\n1,2,p\n2,1,q\n0,1,p\n", 3);
    midge_buf_clear(&f->buf);
    assert_int_equal(midge_bundle_write(f->encoder, f->model, &f->buf),
                     MIDGE_OK);
}

static void tear_down(struct file *f) {
    midge_buf_deinit(&f->buf);
    midge_encoder_free(f->encoder);
    midge_model_free(f->model);
    assert_int_equal(f->t.held_bytes, 0);
}

/* Reads a copy of exactly `size` bytes, so that a sanitizer sees one more; as a
 * bundle when the file is one. The encoder is freed at once. */
static midge_status read_copy(struct file *f, const void *bytes, size_t size,
                              midge_model **out) {
    char *copy = calloc(size ? size : 1, 1);
    memcpy(copy, bytes, size);
    midge_error err = {.status = MIDGE_OK, .text = ""};
    midge_encoder *e = (midge_encoder *)f;
    midge_status s =
        f->encoder ? midge_bundle_read(&f->t.env, copy, size, &e, out, &err)
                   : midge_model_read(&f->t.env, copy, size, out, &err);
    assert_int_equal(err.status, s);
    assert_true((s == MIDGE_OK) == (err.text[0] == '\0'));
    assert_true((s == MIDGE_OK) == (*out != NULL));
    if (f->encoder) {
        assert_true((s == MIDGE_OK) == (e != NULL));
        midge_encoder_free(e);
    }
    free(copy);
    return s;
}

static void expect(void *ctx, const void *bytes, size_t size,
                   midge_status status) {
    struct file *f = ctx;
    midge_model *model;
    size_t held = f->t.held_bytes;
    assert_int_equal(read_copy(f, bytes, size, &model), status);
    assert_int_equal(f->t.held_bytes, held);
}

static void files_read_back(void **state) {
    static float want[MOONS * 2], y[MOONS * 2];
    for (int family = 0; family < SMALL; family++) {
        struct file f;
        midge_model *model;
        set_up(&f, family);
        assert_int_equal(read_copy(&f, f.buf.data, f.buf.size, &model),
                         MIDGE_OK);
        assert_int_equal(midge_model_family(model),
                         midge_model_family(f.model));
        assert_int_equal(
            midge_model_predict(f.model, MOONS, moons.x, want, NULL), MIDGE_OK);
        assert_int_equal(midge_model_predict(model, MOONS, moons.x, y, NULL),
                         MIDGE_OK);
        assert_memory_equal(y, want, sizeof y);
        midge_buf again;
        midge_buf_init(&again, &f.t.env, 0);
        assert_int_equal(midge_model_write(model, &again), MIDGE_OK);
        assert_int_equal(again.size, f.buf.size);
        assert_memory_equal(again.data, f.buf.data, again.size);
        midge_buf_deinit(&again);
        midge_model_free(model);
        tear_down(&f);
    }
}

static void bundles_read_back(void **state) {
    struct file f;
    set_up_bundle(&f);
    midge_encoder *e;
    midge_model *model;
    assert_int_equal(
        midge_bundle_read(&f.t.env, f.buf.data, f.buf.size, &e, &model, NULL),
        MIDGE_OK);
    assert_string_equal(midge_encoder_target(e), "y");
    assert_string_equal(midge_encoder_class(e, 1), "q");
    float want[8], y[8];
    assert_int_equal(midge_model_predict(f.model, 4, moons.x, want, NULL),
                     MIDGE_OK);
    assert_int_equal(midge_model_predict(model, 4, moons.x, y, NULL), MIDGE_OK);
    assert_memory_equal(y, want, sizeof y);
    midge_encoder_free(e);
    midge_model_free(model);
    tear_down(&f);
}

/* Written by tests/golden/make_bundle_v1.py, which knows only the pages. */
static void the_golden_file_reads(void **state) {
    static const char csv[] = "size,colour\n4,gr\xC3\xBCn\n,red\n";
    static const uint32_t rows[] = {0, 1};
    struct test_env t;
    test_env_init(&t);
    FILE *in = fopen(GOLDEN_DIR "/bundle_v1.mbun", "rb");
    assert_non_null(in);
    char bytes[1024];
    size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    midge_encoder *e;
    midge_model *model;
    midge_table *table;
    assert_int_equal(midge_bundle_read(&t.env, bytes, size, &e, &model, NULL),
                     MIDGE_OK);
    assert_string_equal(midge_encoder_target(e), "kind");
    assert_string_equal(midge_encoder_dropped(e, 0), "id");
    assert_int_equal(
        midge_table_read(&t.env, csv, sizeof csv - 1, &table, NULL), MIDGE_OK);
    float x[6], y[4];
    const float features[] = {1, 0, 1, 0, 1, 0};
    const float outputs[] = {0.125f, 0.875f, 0.875f, 0.125f};
    assert_int_equal(midge_encoder_features(e, table, rows, 2, x, NULL),
                     MIDGE_OK);
    assert_memory_equal(x, features, sizeof x);
    assert_int_equal(midge_model_predict(model, 2, x, y, NULL), MIDGE_OK);
    assert_memory_equal(y, outputs, sizeof y);
    midge_buf again;
    midge_buf_init(&again, &t.env, 0);
    assert_int_equal(midge_bundle_write(e, model, &again), MIDGE_OK);
    assert_int_equal(again.size, size);
    assert_memory_equal(again.data, bytes, size);
    midge_buf_deinit(&again);
    midge_encoder_free(e);
    midge_model_free(model);
    midge_table_free(table);
    assert_int_equal(t.held_bytes, 0);
}

/* Encoders that do not fit the model: inputs, outputs, problem. */
static void halves_that_do_not_fit(void **state) {
    static const char *const csv[] = {"a,b,c,y\n1,2,1,p\n2,1,5,q\n0,1,1,p\n",
                                      "a,b,y\n1,2,p\n2,1,q\n0,1,r\n",
                                      "a,b,y\n1,2,1.5\n2,1,2\n0,1,3\n"};
    for (size_t i = 0; i < 3; i++) {
        struct file f;
        set_up_bundle(&f);
        midge_encoder_free(f.encoder);
        f.encoder = encoder_of(&f, csv[i], 3);
        midge_buf_clear(&f.buf);
        assert_int_equal(midge_bundle_write(f.encoder, f.model, &f.buf),
                         MIDGE_OK);
        expect(&f, f.buf.data, f.buf.size, MIDGE_E_CORRUPT);
        tear_down(&f);
    }
}

/* Families, and the bundle behind them. */
static void set_up_any(struct file *f, int which) {
    if (which < SMALL) {
        set_up(f, which);
    } else {
        set_up_bundle(f);
    }
}

static void every_other_length(void **state) {
    for (int which = 0; which <= SMALL; which++) {
        struct file f;
        set_up_any(&f, which);
        frame_sweep_lengths(f.buf.data, f.buf.size, expect, &f);
        tear_down(&f);
    }
}

static void every_byte_flipped(void **state) {
    for (int which = 0; which <= SMALL; which++) {
        struct file f;
        set_up_any(&f, which);
        frame_sweep_flips(f.buf.data, f.buf.size, 5, expect, &f);
        tear_down(&f);
    }
}

/* With a checksum that fits: refused, or a model that runs. */
static void look(struct file *f, char *bytes, size_t size, size_t *taken) {
    static float x[1 << 20], y[1 << 16];
    char kept[4];
    midge_model *model;
    memcpy(kept, bytes + size - 4, 4);
    frame_put_u32(bytes + size - 4, mdg_crc32c(0, bytes, size - 4));
    size_t held = f->t.held_bytes;
    midge_status s = read_copy(f, bytes, size, &model);
    if (s == MIDGE_OK) {
        assert_true(midge_model_n_inputs(model) <= 1 << 20);
        assert_true(midge_model_n_outputs(model) <= 1 << 16);
        s = midge_model_predict(model, 1, x, y, NULL);
        assert_int_equal(s, MIDGE_OK);
        midge_model_free(model);
        ++*taken;
    } else {
        assert_true(s == MIDGE_E_CORRUPT || s == MIDGE_E_LIMIT ||
                    s == MIDGE_E_MISMATCH || s == MIDGE_E_INVALID ||
                    s == MIDGE_E_PARSE || s == MIDGE_E_VERSION);
    }
    assert_int_equal(f->t.held_bytes, held);
    memcpy(bytes + size - 4, kept, 4);
}

static void forged_files(void **state) {
    static const uint32_t absurd[] = {
        0, 1, 3, 4096, 0x00100001, 0x7f800000, 0x80000000, 0xffffffff};
    for (int which = 0; which <= SMALL; which++) {
        struct file f;
        size_t taken = 0, cut = 0;
        set_up_any(&f, which);
        char *d = f.buf.data;
        for (size_t at = 12; at + 8 <= f.buf.size; at += 1) {
            char kept[4];
            memcpy(kept, d + at, 4);
            for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
                frame_put_u32(d + at, absurd[i]);
                look(&f, d, f.buf.size, &taken);
            }
            memcpy(d + at, kept, 4);
        }
        assert_true(which == 0 || taken > 20);
        for (size_t size = 16; size < f.buf.size; size++) {
            look(&f, d, size, &cut);
        }
        assert_int_equal(cut, 0);
        /* What is drawn, a block of it, and what the file itself holds. */
        assert_true(f.t.peak_bytes < (size_t)(which < 2 ? 1 : 300) << 20);
        tear_down(&f);
    }
}

/* Few bytes must not ask for much memory: 2^20 inputs times 16384 features. */
static void features_too_large_to_draw(void **state) {
    struct file f;
    set_up(&f, 2);
    midge_buf big;
    midge_buf_init(&big, &f.t.env, 0);
    const uint32_t head[] = {MIDGE_FAMILY_FEATURES, 1, 1u << 20, 1, 16384};
    assert_int_equal(midge_buf_append(&big, f.buf.data, 12), MIDGE_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(mdg_put_u32(&big, head[i]), MIDGE_OK);
    }
    assert_int_equal(mdg_put_f32(&big, 1.0f), MIDGE_OK);
    assert_int_equal(mdg_put_u64(&big, 1), MIDGE_OK);
    for (int i = 0; i < 16385; i++) {
        assert_int_equal(mdg_put_f32(&big, 1.0f), MIDGE_OK);
    }
    uint32_t crc = mdg_crc32c(0, big.data, big.size);
    assert_int_equal(mdg_put_u32(&big, crc), MIDGE_OK);
    size_t peak = f.t.peak_bytes;
    expect(&f, big.data, big.size, MIDGE_E_LIMIT);
    assert_true(f.t.peak_bytes < peak + 1024);
    midge_buf_deinit(&big);
    tear_down(&f);
}

static void every_allocation_may_fail(void **state) {
    for (int which = 0; which <= SMALL; which++) {
        struct file f;
        set_up_any(&f, which);
        long fail_at = 0, base = f.t.calls;
        do {
            midge_model *model = NULL;
            midge_buf buf;
            midge_buf_init(&buf, &f.t.env, 0);
            f.t.calls = base;
            f.t.fail_at = base + ++fail_at;
            midge_status s = read_copy(&f, f.buf.data, f.buf.size, &model);
            if (s == MIDGE_OK) {
                s = f.encoder ? midge_bundle_write(f.encoder, model, &buf)
                              : midge_model_write(model, &buf);
                assert_true(s == MIDGE_OK || buf.size == 0);
            }
            assert_int_equal(s, f.t.calls < f.t.fail_at ? MIDGE_OK
                                                        : MIDGE_E_NOMEM);
            midge_model_free(model);
            midge_buf_deinit(&buf);
        } while (f.t.calls >= f.t.fail_at);
        assert_true(fail_at > 4);
        tear_down(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_read_back),
        cmocka_unit_test(bundles_read_back),
        cmocka_unit_test(the_golden_file_reads),
        cmocka_unit_test(halves_that_do_not_fit),
        cmocka_unit_test(every_other_length),
        cmocka_unit_test(every_byte_flipped),
        cmocka_unit_test(forged_files),
        cmocka_unit_test(features_too_large_to_draw),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
