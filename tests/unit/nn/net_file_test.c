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
    assert_int_equal(f.buf.size, 68 + 26 * 4 + 4);
    midge_net *net;
    assert_int_equal(read_copy(&f, f.buf.data, f.buf.size, &net), MIDGE_OK);
    assert_int_equal(midge_net_n_weights(net), 26);
    assert_memory_equal(net->weights, f.net->weights, 26 * sizeof(float));
    midge_layer layer;
    for (uint32_t l = 0; l < 2; l++) {
        assert_int_equal(midge_net_layer(net, l, &layer), MIDGE_OK);
        assert_int_equal(layer.activation,
                         l == 0 ? MIDGE_ACT_TANH : MIDGE_ACT_SOFTMAX);
    }
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
    if (at < 68) { /* a shape: refused with no memory but its own */
        assert_true(f->t.calls <= calls + 1);
    }
    memcpy(d + at, kept, 4);
    memcpy(d + size - 4, crc, 4);
}

static void forged_files_are_refused_before_memory(void **state) {
    struct file f;
    set_up(&f);
    const uint32_t absurd[] = {0,          4097,       65536,
                               0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
        forge(&f, 12, absurd[i], MIDGE_E_CORRUPT); /* n_layers */
        forge(&f, 16, absurd[i] | 16, MIDGE_E_CORRUPT);
        for (size_t at = 20; at < 32; at += 4) { /* sizes */
            forge(&f, at, absurd[i], MIDGE_E_CORRUPT);
        }
        forge(&f, 32, absurd[i], MIDGE_E_CORRUPT); /* runs */
        forge(&f, 36, absurd[i], MIDGE_E_CORRUPT); /* units of a run */
        forge(&f, 40, absurd[i] | 1 << 6, MIDGE_E_CORRUPT);
        forge(&f, 60, absurd[i], MIDGE_E_CORRUPT); /* n_weights */
        forge(&f, 64, absurd[i] | 1, MIDGE_E_CORRUPT);
    }
    forge(&f, 12, 1, MIDGE_E_CORRUPT);
    forge(&f, 12, 3, MIDGE_E_CORRUPT);
    for (uint32_t flag = 1; flag < 16; flag++) {
        forge(&f, 16, flag, MIDGE_E_CORRUPT);
    }
    forge(&f, 32, 1, MIDGE_E_CORRUPT);
    forge(&f, 36, 3, MIDGE_E_CORRUPT);
    forge(&f, 40, MIDGE_ACT_SOFTMAX, MIDGE_E_CORRUPT);
    forge(&f, 40, MIDGE_ACT_COUNT, MIDGE_E_CORRUPT);
    forge(&f, 44, 0, MIDGE_E_CORRUPT);          /* a steepness of 0 */
    forge(&f, 44, 0xbf800000, MIDGE_E_CORRUPT); /* -1 */
    forge(&f, 44, 0x7fc00000, MIDGE_E_CORRUPT); /* NaN */
    forge(&f, 68, 0x7f800000, MIDGE_E_CORRUPT); /* infinity */
    forge(&f, 68, 0x7fc00000, MIDGE_E_CORRUPT); /* NaN */
    tear_down(&f);
}

/* Sizes within bounds whose product is not, in a file with a fitting CRC. */
static void too_many_weights(void **state) {
    struct file f;
    set_up(&f);
    char *d = f.buf.data;
    frame_put_u32(d + 20, 65536);
    frame_put_u32(d + 24, 65536);
    frame_put_u32(d + f.buf.size - 4, mdg_crc32c(0, d, f.buf.size - 4));
    long calls = f.t.calls;
    expect(&f, d, f.buf.size, MIDGE_E_LIMIT);
    assert_int_equal(f.t.calls, calls + 1); /* the shape's */
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
    assert_true(f.t.calls <= calls + (long)whole + 8);
    tear_down(&f);
}

static void golden_net(struct file *f, char *bytes, size_t room, size_t *size,
                       midge_net **net) {
    FILE *in = fopen(GOLDEN_DIR "/net_v2.mnet", "rb");
    assert_non_null(in);
    *size = fread(bytes, 1, room, in);
    fclose(in);
    assert_int_equal(read_copy(f, bytes, *size, net), MIDGE_OK);
}

static void check_unit(const midge_net *net, uint32_t layer, uint32_t unit,
                       midge_activation wanted, float wanted_steepness) {
    midge_activation activation;
    float steepness;
    assert_int_equal(midge_net_unit(net, layer, unit, &activation, &steepness),
                     MIDGE_OK);
    assert_int_equal(activation, wanted);
    assert_true(steepness == wanted_steepness);
}

/* Written by tests/golden/make_net_v2.py, which knows only the format page. */
static void the_golden_file_reads(void **state) {
    struct file f;
    set_up(&f);
    char bytes[1024];
    size_t size;
    midge_net *net;
    golden_net(&f, bytes, sizeof bytes, &size, &net);
    assert_int_equal(midge_net_n_layers(net), 2);
    assert_int_equal(midge_net_n_inputs(net), 5);
    assert_int_equal(midge_net_n_outputs(net), 2);
    assert_int_equal(midge_net_has_shortcuts(net), 1);
    check_unit(net, 0, 0, MIDGE_ACT_RELU, 1);
    check_unit(net, 0, 1, MIDGE_ACT_TANH, 0.5f);
    check_unit(net, 0, 2, MIDGE_ACT_TANH, 0.5f);
    check_unit(net, 1, 1, MIDGE_ACT_SIGMOID, 0.25f);
    assert_int_equal(net->n_weights, 36);
    for (int i = 0; i < 36; i++) {
        assert_int_equal(midge_net_mask(net)[i], i % 7 != 3);
        float wanted = i % 7 != 3 ? (float)(i * i) / 128.0f - 1.5f : 0.0f;
        assert_true(net->weights[i] == wanted);
    }
    assert_int_equal(midge_net_n_connections(net), 31);
    const midge_scaling *in = midge_net_input_scaling(net);
    assert_true(in[4].mean == 4 && in[4].deviation == 5 &&
                in[4].new_min == -1 && in[4].factor == 0.5f);
    const midge_scaling *out = midge_net_output_scaling(net);
    assert_true(out[1].mean == 3 && out[1].deviation == 0.5f &&
                out[1].new_min == -1 && out[1].factor == 1);
    midge_buf again;
    midge_buf_init(&again, &f.t.env, 0);
    assert_int_equal(midge_net_write(net, &again), MIDGE_OK);
    assert_int_equal(again.size, size);
    assert_memory_equal(again.data, bytes, size);
    midge_buf_deinit(&again);
    midge_net_free(net);
    tear_down(&f);
}

static void every_allocation_may_fail(void **state) {
    struct file f;
    set_up(&f);
    char bytes[1024];
    size_t size;
    midge_net *whole;
    golden_net(&f, bytes, sizeof bytes, &size, &whole);
    long base = f.t.calls;
    long fail_at = 0;
    do {
        fail_at++;
        f.t.calls = base;
        f.t.fail_at = base + fail_at;
        midge_net *net = NULL;
        midge_buf buf;
        midge_buf_init(&buf, &f.t.env, 0);
        midge_status s = read_copy(&f, bytes, size, &net);
        if (s == MIDGE_OK) {
            s = midge_net_write(net, &buf);
            assert_true(s == MIDGE_OK || buf.size == 0);
        }
        assert_int_equal(s, f.t.calls < f.t.fail_at ? MIDGE_OK : MIDGE_E_NOMEM);
        midge_net_free(net);
        midge_buf_deinit(&buf);
    } while (f.t.calls >= f.t.fail_at);
    assert_int_equal(fail_at, 10); /* nine allocations */
    midge_net_free(whole);
    tear_down(&f);
}

/* The golden file with `count` bytes changed, and a checksum that fits. */
static void forge_golden(size_t at, const void *to, size_t count) {
    struct file f;
    set_up(&f);
    char bytes[1024];
    size_t size;
    midge_net *net;
    golden_net(&f, bytes, sizeof bytes, &size, &net);
    memcpy(bytes + at, to, count);
    frame_put_u32(bytes + size - 4, mdg_crc32c(0, bytes, size - 4));
    expect(&f, bytes, size, MIDGE_E_CORRUPT);
    midge_net_free(net);
    tear_down(&f);
}

/* Runs begin at 36, the mask at 80, the scalings at 85 and 165, the weights at
 * 197. */
static void what_belongs_to_no_network_is_refused(void **state) {
    const unsigned char full[5] = {0xff, 0xff, 0xff, 0xff, 0x0f};
    const char minus_zero[4] = {0, 0, 0, (char)0x80};
    const char infinity[4] = {0, 0, (char)0x80, 0x7f};
    const char zero[4] = {0};
    forge_golden(80, full, 5);
    forge_golden(84, "\x1f", 1); /* a bit behind the last */
    forge_golden(197 + 3 * 4, minus_zero, 4);
    forge_golden(197 + 3 * 4, infinity, 4);
    forge_golden(85, infinity, 4);
    forge_golden(85 + 4, zero, 4);  /* deviation */
    forge_golden(85 + 12, zero, 4); /* factor */
    forge_golden(165 + 4, zero, 4);
    /* Two runs that are one. */
    const char tanh_f[12] = {2, 0, 0, 0, MIDGE_ACT_TANH, 0, 0, 0, 0, 0, 0, 63};
    char first[12];
    memcpy(first, tanh_f, 12);
    first[0] = 1;
    forge_golden(36, first, 12);
}

static void the_golden_file_cut(void **state) {
    struct file f;
    set_up(&f);
    char bytes[1024];
    size_t size;
    midge_net *net;
    golden_net(&f, bytes, sizeof bytes, &size, &net);
    frame_sweep_lengths(bytes, size, expect, &f);
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
        cmocka_unit_test(the_golden_file_cut),
        cmocka_unit_test(what_belongs_to_no_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
