/* quant_file_test.c: the file of a quantised network: whole, cut, damaged,
 * forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "frame_sweep.h"
#include "nn/quant.h"
#include "test_env.h"

/* Offsets in the file below: 3-4-2, two runs, no scaling. */
enum {
    N_LAYERS = 12,
    FLAGS = 16,
    SIZES = 20,
    N_RUNS = 32,
    RUNS = 36,
    LAYER = 60, /* s z t[4] b[4] q[12], then s z t[2] b[2] q[8] */
    SECOND = LAYER + 8 + 32 + 12,
    WHOLE = SECOND + 8 + 16 + 8 + 4
};

static const uint32_t sizes[] = {3, 4, 2};

struct file {
    struct test_env t;
    midge_net_int8 *net;
    midge_buf buf;
};

static void set_up(struct file *f) {
    static const float x[6] = {1, 2, 3, -1, -2, 0.5f};
    midge_net *net;
    test_env_init(&f->t);
    midge_net_options o = {.n_layers = 2,
                           .sizes = sizes,
                           .hidden = MIDGE_ACT_TANH,
                           .output = MIDGE_ACT_SOFTMAX,
                           .seed = 17};
    assert_int_equal(midge_net_new(&f->t.env, &o, &net, NULL), MIDGE_OK);
    assert_int_equal(midge_net_quantise(net, 2, x, 0, &f->net, NULL), MIDGE_OK);
    midge_net_free(net);
    midge_buf_init(&f->buf, &f->t.env, 0);
    assert_int_equal(midge_net_int8_write(f->net, &f->buf), MIDGE_OK);
    assert_int_equal(f->buf.size, WHOLE);
}

static void tear_down(struct file *f) {
    midge_buf_deinit(&f->buf);
    midge_net_int8_free(f->net);
    assert_int_equal(f->t.held_bytes, 0);
}

/* Reads a copy of exactly `size` bytes, so that a sanitizer sees one more. */
static midge_status read_copy(struct file *f, const void *bytes, size_t size,
                              midge_net_int8 **out) {
    char *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    midge_error err = {.status = MIDGE_OK};
    midge_status s = midge_net_int8_read(&f->t.env, copy, size, out, &err);
    assert_int_equal(err.status, s);
    free(copy);
    return s;
}

static void expect(void *ctx, const void *bytes, size_t size,
                   midge_status status) {
    struct file *f = ctx;
    midge_net_int8 *net = f->net;
    size_t held = f->t.held_bytes;
    assert_int_equal(read_copy(f, bytes, size, &net), status);
    assert_null(net);
    assert_int_equal(f->t.held_bytes, held);
}

static void writes(struct file *f, const midge_net_int8 *net, const void *bytes,
                   size_t size) {
    midge_buf again;
    midge_buf_init(&again, &f->t.env, 0);
    assert_int_equal(midge_net_int8_write(net, &again), MIDGE_OK);
    assert_int_equal(again.size, size);
    assert_memory_equal(again.data, bytes, size);
    midge_buf_deinit(&again);
}

static void a_file_reads_back(void **state) {
    struct file f;
    float x[6] = {0.3f, 1, -1, 3, 3, 3}, want[4], got[4], workspace[64];
    set_up(&f);
    midge_net_int8 *net;
    assert_int_equal(read_copy(&f, f.buf.data, f.buf.size, &net), MIDGE_OK);
    writes(&f, net, f.buf.data, f.buf.size);
    assert_true(midge_net_int8_workspace_bytes(net, 2) <= sizeof workspace);
    assert_int_equal(midge_net_int8_run(f.net, 2, x, want, workspace),
                     MIDGE_OK);
    assert_int_equal(midge_net_int8_run(net, 2, x, got, workspace), MIDGE_OK);
    assert_memory_equal(want, got, sizeof got);
    midge_net_int8_free(net);
    tear_down(&f);
}

static void every_other_length(void **state) {
    struct file f;
    set_up(&f);
    frame_sweep_lengths(f.buf.data, f.buf.size, expect, &f);
    tear_down(&f);
}

static void every_byte_flipped(void **state) {
    struct file f;
    set_up(&f);
    frame_sweep_flips(f.buf.data, f.buf.size, 1, expect, &f);
    tear_down(&f);
}

/* A file with a few bytes changed and a checksum that fits again. */
static void forge(struct file *f, size_t at, const void *bytes, size_t n,
                  midge_status status) {
    char kept[WHOLE];
    char *d = f->buf.data;
    memcpy(kept, d, WHOLE);
    memcpy(d + at, bytes, n);
    frame_put_u32(d + WHOLE - 4, mdg_crc32c(0, d, WHOLE - 4));
    expect(f, d, WHOLE, status);
    memcpy(d, kept, WHOLE);
}

static void forge_u32(struct file *f, size_t at, uint32_t value) {
    char bytes[4];
    frame_put_u32(bytes, value);
    forge(f, at, bytes, 4, MIDGE_E_CORRUPT);
}

static void forge_float(struct file *f, size_t at, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    forge_u32(f, at, bits);
}

static void forged_files_are_refused(void **state) {
    struct file f;
    set_up(&f);
    const uint32_t absurd[] = {0,          17,         65536,
                               0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
        forge_u32(&f, N_LAYERS, absurd[i]);
        forge_u32(&f, FLAGS, absurd[i] | 4);
        for (size_t at = SIZES; at < N_RUNS; at += 4) {
            forge_u32(&f, at, absurd[i]);
        }
        forge_u32(&f, N_RUNS, absurd[i]);
        for (size_t at = RUNS; at < LAYER; at += 12) {
            forge_u32(&f, at, absurd[i]);               /* units */
            forge_u32(&f, at + 4, absurd[i] | 1 << 10); /* activation */
        }
        forge_u32(&f, LAYER + 4, absurd[i] | 256); /* zero point */
    }
    forge_u32(&f, FLAGS, 1);
    forge_u32(&f, RUNS + 4, MIDGE_ACT_SOFTMAX); /* hidden */
    const float bad[] = {0.0f, -1.0f, 0x1p-101f, (float)1e300 * 1e10f, -0.0f};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        forge_float(&f, LAYER, bad[i]);          /* s */
        forge_float(&f, LAYER + 8 + 12, bad[i]); /* t */
        forge_float(&f, SECOND + 8, bad[i]);
    }
    forge_u32(&f, LAYER, 0x7fc00000);          /* NaN */
    forge_u32(&f, LAYER + 8, 0x7fc00000);      /* t */
    forge_u32(&f, LAYER + 24 + 4, 0x7f800000); /* b */
    for (size_t i = 0; i < 12; i++) {
        forge(&f, LAYER + 40 + i, "\x80", 1, MIDGE_E_CORRUPT); /* -128 */
    }
    tear_down(&f);
}

/* Sizes within bounds whose product is not. */
static void too_many_weights(void **state) {
    struct file f;
    set_up(&f);
    frame_put_u32(f.buf.data + SIZES, 65536);
    frame_put_u32(f.buf.data + SIZES + 4, 65536);
    frame_put_u32(f.buf.data + WHOLE - 4, mdg_crc32c(0, f.buf.data, WHOLE - 4));
    f.t.peak_bytes = 0;
    expect(&f, f.buf.data, WHOLE, MIDGE_E_LIMIT);
    assert_true(f.t.peak_bytes < f.t.held_bytes + 2 * WHOLE);
    tear_down(&f);
}

/* Weights that are missing or too many, in files whose CRC fits. */
static void other_lengths_with_a_checksum_that_fits(void **state) {
    struct file f;
    set_up(&f);
    assert_int_equal(midge_buf_append(&f.buf, "01234567", 8), MIDGE_OK);
    char *d = f.buf.data;
    for (size_t size = 16; size <= WHOLE + 8; size++) {
        char kept[4];
        memcpy(kept, d + size - 4, 4);
        frame_put_u32(d + size - 4, mdg_crc32c(0, d, size - 4));
        if (size != WHOLE) {
            f.t.peak_bytes = 0;
            expect(&f, d, size, MIDGE_E_CORRUPT);
            assert_true(f.t.peak_bytes < f.t.held_bytes + 2 * WHOLE);
        }
        memcpy(d + size - 4, kept, 4);
    }
    tear_down(&f);
}

static void every_allocation_may_fail(void **state) {
    struct file f;
    set_up(&f);
    long base = f.t.calls;
    long fail_at = 0;
    do {
        fail_at++;
        f.t.calls = base;
        f.t.fail_at = base + fail_at;
        midge_net_int8 *net = NULL;
        midge_buf buf;
        midge_buf_init(&buf, &f.t.env, 0);
        midge_status s = read_copy(&f, f.buf.data, f.buf.size, &net);
        if (s == MIDGE_OK) {
            s = midge_net_int8_write(net, &buf);
            assert_true(s == MIDGE_OK || buf.size == 0);
        }
        assert_int_equal(s, f.t.calls < f.t.fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
        midge_net_int8_free(net);
        midge_buf_deinit(&buf);
    } while (f.t.calls >= f.t.fail_at);
    assert_true(fail_at > 3);
    tear_down(&f);
}

/* Written by tests/golden/make_net_int8_v1.py, which knows only the format
 * page, and computes there what the network gives. */
static void the_golden_file_reads(void **state) {
    struct file f;
    set_up(&f);
    FILE *in = fopen(GOLDEN_DIR "/net_int8_v1.mnet8", "rb");
    assert_non_null(in);
    char bytes[1024];
    size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    midge_net_int8 *net;
    assert_int_equal(read_copy(&f, bytes, size, &net), MIDGE_OK);
    assert_int_equal(midge_net_int8_n_inputs(net), 5);
    assert_int_equal(midge_net_int8_n_outputs(net), 2);
    assert_int_equal(midge_net_int8_bytes(net), 5 * 3 + 3 * 2 + 8 * 5);
    assert_true(midge_net_int8_input_scaling(net)[4].deviation == 5.0f);
    assert_true(midge_net_int8_output_scaling(net)[1].mean == 3.0f);
    const float x[5] = {0.25f, -1.0f, 2.5f, 100.0f, -100.0f};
    float y[2], workspace[64];
    assert_int_equal(midge_net_int8_run(net, 1, x, y, workspace), MIDGE_OK);
    assert_true(y[0] == 7.56640625f);
    assert_true(y[1] == 8.07421875f);
    writes(&f, net, bytes, size);
    midge_net_int8_free(net);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_reads_back),
        cmocka_unit_test(every_other_length),
        cmocka_unit_test(every_byte_flipped),
        cmocka_unit_test(forged_files_are_refused),
        cmocka_unit_test(too_many_weights),
        cmocka_unit_test(other_lengths_with_a_checksum_that_fits),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(the_golden_file_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
