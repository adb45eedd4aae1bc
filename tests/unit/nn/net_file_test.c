/* net_file_test.c: the network file: whole, cut, damaged, forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "frame_sweep.h"
#include "nn/net.h"
#include "test_env.h"

static const uint32_t sizes[] = {3, 4, 2};

struct file {
    struct test_env t;
    midge_net *net;
    midge_buf buf;
};

static void set_up(struct file *f) {
    test_env_init(&f->t);
    midge_net_options o = {.n_layers = 2,
                           .sizes = sizes,
                           .hidden = MIDGE_ACT_TANH,
                           .output = MIDGE_ACT_SOFTMAX,
                           .seed = 17};
    assert_int_equal(midge_net_new(&f->t.env, &o, &f->net, NULL), MIDGE_OK);
    midge_buf_init(&f->buf, &f->t.env, 0);
    assert_int_equal(midge_net_write(f->net, &f->buf), MIDGE_OK);
}

static void tear_down(struct file *f) {
    midge_buf_deinit(&f->buf);
    midge_net_free(f->net);
    assert_int_equal(f->t.held_bytes, 0);
}

/* Reads a copy of exactly `size` bytes, so that a sanitizer sees one more. */
static midge_status read_copy(struct file *f, const void *bytes, size_t size,
                              midge_net **out) {
    char *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    midge_error err = {.status = MIDGE_OK};
    midge_status s = midge_net_read(&f->t.env, copy, size, out, &err);
    assert_int_equal(err.status, s);
    free(copy);
    return s;
}

static void expect(void *ctx, const void *bytes, size_t size,
                   midge_status status) {
    struct file *f = ctx;
    midge_net *net = f->net;
    size_t held = f->t.held_bytes;
    assert_int_equal(read_copy(f, bytes, size, &net), status);
    assert_null(net);
    assert_int_equal(f->t.held_bytes, held);
}

static void a_file_reads_back(void **state) {
    struct file f;
    set_up(&f);
    assert_int_equal(f.buf.size, 24 + 3 * 4 + 8 + 26 * 4 + 4);
    midge_net *net;
    assert_int_equal(read_copy(&f, f.buf.data, f.buf.size, &net), MIDGE_OK);
    assert_int_equal(midge_net_n_weights(net), 26);
    assert_memory_equal(net->weights, f.net->weights, 26 * sizeof(float));
    assert_int_equal(net->hidden, MIDGE_ACT_TANH);
    assert_int_equal(net->output, MIDGE_ACT_SOFTMAX);
    assert_int_equal(net->layers[0].activation, MIDGE_ACT_TANH);
    midge_buf again;
    midge_buf_init(&again, &f.t.env, 0);
    assert_int_equal(midge_net_write(net, &again), MIDGE_OK);
    assert_int_equal(again.size, f.buf.size);
    assert_memory_equal(again.data, f.buf.data, again.size);
    midge_buf_deinit(&again);
    midge_net_free(net);
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

/* A file with one field changed and a checksum that fits again. */
static void forge(struct file *f, size_t at, uint32_t value,
                  midge_status status) {
    char *d = f->buf.data;
    size_t size = f->buf.size;
    char kept[4];
    char crc[4];
    memcpy(kept, d + at, 4);
    memcpy(crc, d + size - 4, 4);
    frame_put_u32(d + at, value);
    frame_put_u32(d + size - 4, mdg_crc32c(0, d, size - 4));
    long calls = f->t.calls;
    expect(f, d, size, status);
    if (at < 44) { /* a shape: refused before memory is asked for */
        assert_int_equal(f->t.calls, calls);
    }
    memcpy(d + at, kept, 4);
    memcpy(d + size - 4, crc, 4);
}

static void forged_files_are_refused_before_memory(void **state) {
    struct file f;
    set_up(&f);
    const uint32_t absurd[] = {0,          17,         65536,
                               0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
        forge(&f, 12, absurd[i], MIDGE_E_CORRUPT); /* n_layers */
        for (size_t at = 24; at < 36; at += 4) {   /* sizes */
            forge(&f, at, absurd[i], MIDGE_E_CORRUPT);
        }
        forge(&f, 36, absurd[i], MIDGE_E_CORRUPT); /* n_weights */
        forge(&f, 40, absurd[i] | 1, MIDGE_E_CORRUPT);
    }
    forge(&f, 12, 1, MIDGE_E_CORRUPT);
    forge(&f, 12, 3, MIDGE_E_CORRUPT);
    forge(&f, 16, MIDGE_ACT_SOFTMAX, MIDGE_E_CORRUPT);
    forge(&f, 16, 5, MIDGE_E_CORRUPT);
    forge(&f, 20, 0xffffffff, MIDGE_E_CORRUPT);
    forge(&f, 44, 0x7f800000, MIDGE_E_CORRUPT); /* infinity */
    forge(&f, 44, 0x7fc00000, MIDGE_E_CORRUPT); /* NaN */
    tear_down(&f);
}

/* Sizes within bounds whose product is not, in a file with a fitting CRC. */
static void too_many_weights(void **state) {
    struct file f;
    set_up(&f);
    char *d = f.buf.data;
    frame_put_u32(d + 24, 65536);
    frame_put_u32(d + 28, 65536);
    frame_put_u32(d + f.buf.size - 4, mdg_crc32c(0, d, f.buf.size - 4));
    long calls = f.t.calls;
    expect(&f, d, f.buf.size, MIDGE_E_LIMIT);
    assert_int_equal(f.t.calls, calls);
    tear_down(&f);
}

/* Weights that are missing or too many, in files whose CRC fits: memory must
 * not be asked for before that is seen. */
static void other_lengths_with_a_checksum_that_fits(void **state) {
    struct file f;
    set_up(&f);
    size_t whole = f.buf.size;
    assert_int_equal(midge_buf_append(&f.buf, "01234567", 8), MIDGE_OK);
    char *d = f.buf.data;
    long calls = f.t.calls;
    for (size_t size = 16; size <= whole + 8; size++) {
        char kept[4];
        memcpy(kept, d + size - 4, 4);
        frame_put_u32(d + size - 4, mdg_crc32c(0, d, size - 4));
        if (size != whole) {
            expect(&f, d, size, MIDGE_E_CORRUPT);
        }
        memcpy(d + size - 4, kept, 4);
    }
    assert_int_equal(f.t.calls, calls);
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
        midge_net *net = NULL;
        midge_buf buf;
        midge_buf_init(&buf, &f.t.env, 0);
        midge_status s = read_copy(&f, f.buf.data, f.buf.size, &net);
        if (s == MIDGE_OK) {
            s = midge_net_write(net, &buf);
            assert_true(s == MIDGE_OK || buf.size == 0);
        }
        assert_int_equal(s, f.t.calls < f.t.fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
        midge_net_free(net);
        midge_buf_deinit(&buf);
    } while (f.t.calls >= f.t.fail_at);
    assert_true(fail_at > 3);
    tear_down(&f);
}

/* Written by tests/golden/make_net_v1.py, which knows only the format page. */
static void the_golden_file_reads(void **state) {
    struct file f;
    set_up(&f);
    FILE *in = fopen(GOLDEN_DIR "/net_v1.mnet", "rb");
    assert_non_null(in);
    char bytes[1024];
    size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    midge_net *net;
    assert_int_equal(read_copy(&f, bytes, size, &net), MIDGE_OK);
    assert_int_equal(net->n_layers, 2);
    assert_int_equal(net->layers[0].n_in, 5);
    assert_int_equal(net->layers[0].n_out, 3);
    assert_int_equal(net->layers[1].n_out, 2);
    assert_int_equal(net->hidden, MIDGE_ACT_RELU);
    assert_int_equal(net->output, MIDGE_ACT_SIGMOID);
    assert_int_equal(net->n_weights, 26);
    for (int i = 0; i < 26; i++) {
        assert_true(net->weights[i] == (float)(i * i) / 128.0f - 1.5f);
    }
    midge_buf again;
    midge_buf_init(&again, &f.t.env, 0);
    assert_int_equal(midge_net_write(net, &again), MIDGE_OK);
    assert_int_equal(again.size, size);
    assert_memory_equal(again.data, bytes, size);
    midge_buf_deinit(&again);
    midge_net_free(net);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_reads_back),
        cmocka_unit_test(every_other_length),
        cmocka_unit_test(every_byte_flipped),
        cmocka_unit_test(forged_files_are_refused_before_memory),
        cmocka_unit_test(too_many_weights),
        cmocka_unit_test(other_lengths_with_a_checksum_that_fits),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(the_golden_file_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
